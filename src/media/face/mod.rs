//! What stands on the screen around and over the far picture.
//!
//! ```text
//!  Screen, second ─▶ Look ─▶ layout: sheets with marks ─▶ paint (cairo, Pango) ─▶ layers ─▶ Scene ─▶ composer
//!                              pure                        only sheets not seen before
//! ```
//!
//! Promise: equal looks cost nothing, and a look that differs draws only the sheets that differ; everything is words, signs
//! only stand beside them; all moves by a few pixels every few minutes, so that nothing burns in.

mod board;
mod calm;
mod cards;
mod door;
mod floor;
mod guide;
mod ink;
pub(super) mod layer;
mod layout;
mod live;
mod notice;
mod paint;
mod sheet;
mod signs;
mod slips;
mod words;

use super::page::PagePicture;
use crate::core::face::PageState;
use crate::core::plan::{Picture, Screen};
use crate::model::{Language, Mode, Moment};
use layer::{Image, Layer, Rect, Scene};
pub use notice::{NoticeFace, Tone};
use sheet::{Area, Sheet};
use std::sync::Arc;
use std::time::Duration;

/// What the screen says of this box itself. Changes when it is paired, and when its addresses do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaceConstants {
    /// The pair's six words, separated by blanks; empty while there is no pair.
    pub words: String,
    /// Where the panel is opened, such as `https://192.0.2.10/`; empty while there is none.
    pub panel_url: String,
    /// SHA-256 of its certificate, `AB:CD:…`.
    pub panel_fingerprint: String,
    /// The box is not set up: what to do about it.
    pub guide: Option<GuideFace>,
    /// What the box has to say of itself just now.
    pub notice: Option<NoticeFace>,
}

/// What the screen of a box says that is not set up yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuideFace {
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Its cable is in.
    pub carrier: bool,
    /// What became of the last file, in Japanese and English.
    pub report: Option<[String; 2]>,
    /// That file was refused.
    pub refused: bool,
    /// The disk does not give what this box remembered.
    pub memory_lost: bool,
}

/// Everything that decides how the screen looks. Equal looks look equal: time comes in as whole units only.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    pub screen: Screen,
    constants: Arc<FaceConstants>,
    /// Seconds since the held picture was live.
    held_s: Option<u64>,
    /// Seconds since something came from the live share that is silent now.
    live_silent_s: Option<u64>,
    /// Minutes of the meeting.
    meeting_min: Option<u64>,
    /// What the far side sees is there and new.
    own_is_live: bool,
    /// The page of the document in front, as it was drawn last.
    pub page: Option<PagePicture>,
    /// Width by height of the live share's picture, in hundredths, once there is one.
    pub live_shape: Option<u32>,
    /// Where everything stands, against burn-in: see [`layout::shift`].
    place: u64,
}

impl Look {
    /// How it looks at a moment.
    pub(super) fn at(
        screen: &Screen,
        constants: &Arc<FaceConstants>,
        page: Option<&PagePicture>,
        own_is_live: bool,
        now: Moment,
    ) -> Self {
        let held_s = match screen.picture {
            Picture::Nothing | Picture::Live => None,
            Picture::Held { since } => Some(words::units(now.since(since), SECOND)),
        };
        let live_silent_s = screen.face.live.silent.map(|silent| words::units(now.since(silent.since), SECOND));
        let meeting_min = screen.face.meeting_since.map(|since| words::units(now.since(since), MINUTE));
        let place = words::units(now.since(Moment::default()), STANDS);
        // Its first page may be drawn before the rest has come.
        let shown = |state| matches!(state, PageState::Here | PageState::Arriving(_));
        let in_front = screen.face.page.as_ref().filter(|page| shown(page.state)).map(|page| page.id);
        // A live share stands in front of it.
        let page = page.filter(|page| Some(page.id()) == in_front && screen.face.live.shown.is_none()).cloned();
        let (screen, constants) = (screen.clone(), Arc::clone(constants));
        let live_shape = None;
        Self { screen, constants, held_s, live_silent_s, meeting_min, own_is_live, page, live_shape, place }
    }

    /// With a picture of the live share of this shape.
    pub(super) fn with_live(self, shape: Option<u32>) -> Self {
        Self { live_shape: shape.filter(|_| self.screen.face.live.shown.is_some()), ..self }
    }
}

/// Draws looks, and keeps what is drawn as long as it is on the screen.
pub(super) struct Painter {
    language: Language,
    scale: f64,
    kept: Vec<(Sheet, Arc<Image>)>,
    drawn: u64,
}

impl Painter {
    pub(super) fn new(language: Language) -> Self {
        Self { language, scale: 0.0, kept: Vec::new(), drawn: 0 }
    }

    /// Sheets that were ever drawn.
    pub(super) fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The look on a canvas of this size in pixels.
    pub(super) fn scene(&mut self, look: &Look, size: (u32, u32)) -> Scene {
        let (canvas, scale) = design(size);
        if (scale - self.scale).abs() > f64::EPSILON {
            (self.scale, self.kept) = (scale, Vec::new());
        }
        let layout = layout::layout(look, self.language, canvas);
        let mut kept = Vec::new();
        let (mut under, mut layers) = (Vec::new(), Vec::new());
        let behind = layout.under.len();
        for (place, placed) in layout.under.into_iter().chain(layout.sheets).enumerate() {
            let (x, y) = (pixels(placed.x * scale), pixels(placed.y * scale));
            let layer = Layer { image: self.drawn_sheet(placed.sheet, &mut kept), x, y };
            if place < behind { under.push(layer) } else { layers.push(layer) }
        }
        if let (Some(area), Some(page)) = (layout.page, &look.page) {
            let middle =
                |from: f64, length: f64, side: u32| pixels(from * scale) + (pixels(length * scale) - side as i32) / 2;
            let (x, y) = (middle(area.x, area.width, page.size().0), middle(area.y, area.height, page.size().1));
            under.push(Layer { image: Arc::clone(page.image()), x, y });
            let design = |pixels: f64| pixels / scale;
            let (width, height) = (f64::from(page.size().0), f64::from(page.size().1));
            let shown = Area::new(design(x.into()), design(y.into()), design(width), design(height));
            let setting = layout::Setting::new(look, self.language, canvas);
            for placed in ink::over_page(&setting, page.look(), shown) {
                let (x, y) = (pixels(placed.x * scale), pixels(placed.y * scale));
                under.push(Layer { image: self.drawn_sheet(placed.sheet, &mut kept), x, y });
            }
        }
        self.kept = kept;
        let on_screen = |area: Area| {
            let right = pixels((area.x + area.width) * scale).min(size.0 as i32);
            let bottom = pixels((area.y + area.height) * scale).min(size.1 as i32);
            let (x, y) = (pixels(area.x * scale).max(0), pixels(area.y * scale).max(0));
            Rect { x, y, width: (right - x).max(1), height: (bottom - y).max(1) }
        };
        Scene {
            size,
            backdrop: layout.backdrop.bgrx(),
            picture: layout.picture.map(on_screen),
            grey: look.held_s.is_some(),
            own: layout.own.map(on_screen),
            live: layout.live.map(on_screen),
            live_grey: look.live_silent_s.is_some(),
            under,
            layers,
        }
    }

    /// As it was drawn last, or now.
    fn drawn_sheet(&mut self, sheet: Sheet, kept: &mut Vec<(Sheet, Arc<Image>)>) -> Arc<Image> {
        let image = match self.kept.iter().find(|(known, _)| *known == sheet) {
            Some((_, image)) => Arc::clone(image),
            None => {
                self.drawn += 1;
                Arc::new(paint::paint(&sheet, self.scale, self.language))
            }
        };
        kept.push((sheet, Arc::clone(&image)));
        image
    }
}

/// How many pixels a page of this shape (width by height) may fill on a canvas of this size.
pub(super) fn page_place(size: (u32, u32), shape: f64, mode: Mode) -> (u32, u32) {
    let (canvas, scale) = design(size);
    let area = layout::page_area(canvas, shape, mode);
    let side = |length: f64| u32::try_from(pixels(length * scale)).unwrap_or(0).max(1);
    (side(area.width), side(area.height))
}

/// The canvas in design pixels, and how many pixels one of them is.
fn design(size: (u32, u32)) -> (Area, f64) {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let scale = (width / WIDTH).min(height / HEIGHT);
    (Area::new(0.0, 0.0, width / scale, height / scale), scale)
}

fn pixels(length: f64) -> i32 {
    length.round() as i32
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// Everything stands in one place for so long.
const STANDS: Duration = Duration::from_secs(180);
/// The design's own screen.
const WIDTH: f64 = 1920.0;
const HEIGHT: f64 = 1080.0;

#[cfg(test)]
mod tests;
