//! The configured views as the camera room sees them: which camera, which part of its picture, which way it is turned.

use crate::config::Source;
use crate::config::{Area, Look, View};

/// All views, and all cameras that they need.
#[derive(Clone, Debug)]
pub(crate) struct Sights {
    cameras: Vec<Source>,
    sights: Vec<Sight>,
}

/// One view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Its index among the views.
    pub view: usize,
    /// Number of the camera; [`FIRST`] is the one with the masks.
    pub camera: usize,
    /// The part of the picture that is shown, if not all of it.
    pub area: Option<Area>,
    /// Where the motors turn it, if they do.
    pub preset: Option<Preset>,
}

/// V4L2's absolute values: arc seconds, and the driver's units for zoom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preset {
    pub pan: i32,
    pub tilt: i32,
    pub zoom: i32,
}

impl Sights {
    /// Views that name the first camera again share it: a device opens once.
    pub(crate) fn new(first: &Source, views: &[View]) -> Self {
        let mut all = Self { cameras: vec![first.clone()], sights: Vec::new() };
        for (view, View { look, .. }) in views.iter().enumerate() {
            let whole = Sight { view, camera: FIRST, area: None, preset: None };
            let sight = match look {
                Look::Whole => whole,
                Look::Crop(area) => Sight { area: (!is_whole(*area)).then_some(*area), ..whole },
                Look::Camera(source) => Sight { camera: all.number(source), ..whole },
                Look::Preset { pan, tilt, zoom } => {
                    Sight { preset: Some(Preset { pan: *pan, tilt: *tilt, zoom: *zoom }), ..whole }
                }
            };
            all.sights.push(sight);
        }
        if all.sights.is_empty() {
            all.sights.push(Sight { view: 0, camera: FIRST, area: None, preset: None });
        }
        all
    }

    /// The sight of this view; of the usual one if there is no such view.
    pub(crate) fn of(&self, view: usize) -> Sight {
        self.sights.get(view).copied().unwrap_or(self.sights[0])
    }

    /// Where the pictures come from, by number of the camera.
    pub(crate) fn cameras(&self) -> &[Source] {
        &self.cameras
    }

    fn number(&mut self, source: &Source) -> usize {
        self.cameras.iter().position(|known| known == source).unwrap_or_else(|| {
            self.cameras.push(source.clone());
            self.cameras.len() - 1
        })
    }
}

fn is_whole(area: Area) -> bool {
    area == Area { x: 0, y: 0, width: 1000, height: 1000 }
}

/// Number of the camera that `[camera] source` names.
pub(crate) const FIRST: usize = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_finds_its_camera_and_a_camera_named_twice_is_one() {
        let second = Source::V4l2("table".into());
        let half = Area { x: 0, y: 0, width: 500, height: 500 };
        let looks = [
            Look::Whole,
            Look::Crop(half),
            Look::Camera(second.clone()),
            Look::Camera(Source::Test),
            Look::Camera(second.clone()),
            Look::Crop(Area { x: 0, y: 0, width: 1000, height: 1000 }),
        ];
        let views: Vec<View> = looks.into_iter().map(|look| View { name: "x".into(), look }).collect();
        let sights = Sights::new(&Source::Test, &views);
        assert_eq!(sights.cameras(), [Source::Test, second]);
        let cameras: Vec<usize> = (0..6).map(|view| sights.of(view).camera).collect();
        assert_eq!(cameras, [0, 0, 1, 0, 1, 0]);
        assert_eq!((sights.of(1).area, sights.of(5).area), (Some(half), None));
        assert_eq!(sights.of(99), sights.of(0));
        assert_eq!(Sights::new(&Source::Test, &[]).of(0).camera, FIRST);
    }
}
