//! Privacy before the encoder: what is painted over or into a captured frame, in place, before anybody else has it.
//!
//! ```text
//! I420 frame ─► masks (grey) ─► crop to the view ─► veil (frosted glass or black) ─► whoever sends
//!                               └ only if the view is a part
//! ```
//!
//! Promise: what is masked or veiled is gone from the frame, not hidden in it. A frame that cannot be painted is not given
//! back, and a frame with nothing to paint is given back as it came, untouched and not copied.

use crate::config::Area;
use crate::media::crop::Crop;
use crate::media::frost::Frost;
use crate::model::{Moment, Veil};
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

/// What one frame is painted with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coat<'c> {
    /// Painted grey, in thousandths of the whole picture.
    pub masks: &'c [Area],
    /// The part that is shown.
    pub area: Option<Area>,
    pub veil: Veil,
    /// Number of the view: frosted glass does not mix two of them.
    pub view: usize,
}

/// Paints frame after frame.
#[derive(Default)]
pub(crate) struct Painter {
    crop: Option<Crop>,
    frost: Option<(usize, Frost)>,
}

impl Painter {
    /// The frame with its coat; `None` if it cannot be painted and so must not be shown.
    pub(crate) fn paint(
        &mut self,
        mut frame: gst::Buffer,
        caps: &gst::CapsRef,
        moment: Moment,
        coat: Coat<'_>,
    ) -> Option<gst::Buffer> {
        self.frost.take_if(|(view, _)| coat.veil != Veil::Frosted || *view != coat.view);
        self.crop.take_if(|_| coat.area.is_none());
        if coat.masks.is_empty() && coat.area.is_none() && coat.veil == Veil::Clear {
            return Some(frame);
        }
        let info = gst_video::VideoInfo::from_caps(caps).ok()?;
        if coat.veil == Veil::Black {
            on_planes(&mut frame, &info, |mut plane| plane.fill(BLACK))?;
            return Some(frame);
        }
        if !coat.masks.is_empty() {
            on_planes(&mut frame, &info, |mut plane| coat.masks.iter().for_each(|mask| plane.mask(*mask)))?;
        }
        if let Some(area) = coat.area {
            self.crop.take_if(|crop| !crop.fits(&info, area));
            let crop = match &mut self.crop {
                Some(crop) => crop,
                empty @ None => empty.insert(Crop::new(&info, area)?),
            };
            frame = crop.cut(&frame)?;
        }
        if coat.veil == Veil::Frosted {
            let (_, frost) = self.frost.get_or_insert_with(|| (coat.view, Frost::default()));
            let fade = frost.fade(moment);
            on_planes(&mut frame, &info, |mut plane| frost.over(&mut plane, fade))?;
        }
        Some(frame)
    }
}

/// One plane of an I420 frame.
pub(super) struct Plane<'p> {
    /// 0: light; 1 and 2: colour, of half the size.
    pub number: usize,
    samples: &'p mut [u8],
    /// Bytes from row to row.
    stride: usize,
    pub width: usize,
    pub height: usize,
}

impl Plane<'_> {
    pub(super) fn row(&mut self, y: usize) -> &mut [u8] {
        &mut self.samples[y * self.stride..][..self.width]
    }

    fn fill(&mut self, light: u8) {
        let value = self.value(light);
        (0..self.height).for_each(|y| self.row(y).fill(value));
    }

    /// Outwards to whole samples of the colour planes, so that no colour stays where the light is gone.
    fn mask(&mut self, area: Area) {
        let value = self.value(GREY);
        let step = if self.number == 0 { 1 } else { 2 };
        let span = |start: u16, length: u16, size: usize| {
            let pixels = size * step;
            let end = usize::from(start) + usize::from(length);
            let from = usize::from(start) * pixels / 1000 / 2 * 2;
            from / step..((end * pixels).div_ceil(1000).next_multiple_of(2) / step).min(size)
        };
        let columns = span(area.x, area.width, self.width);
        span(area.y, area.height, self.height).for_each(|y| self.row(y)[columns.clone()].fill(value));
    }

    fn value(&self, light: u8) -> u8 {
        if self.number == 0 { light } else { NO_COLOUR }
    }
}

/// Gives every plane of the frame to `paint`; copies the frame if somebody else holds it too. `None`: not I420.
fn on_planes(frame: &mut gst::Buffer, info: &gst_video::VideoInfo, mut paint: impl FnMut(Plane<'_>)) -> Option<()> {
    if info.format() != gst_video::VideoFormat::I420 {
        return None;
    }
    let mut picture = gst_video::VideoFrameRef::from_buffer_ref_writable(frame.make_mut(), info).ok()?;
    for plane in 0..3_u32 {
        let number = plane as usize;
        let stride = usize::try_from(picture.plane_stride()[number]).ok()?;
        let (width, height) = (picture.comp_width(plane) as usize, picture.comp_height(plane) as usize);
        let samples = picture.plane_data_mut(plane).ok()?;
        paint(Plane { number, samples, stride, width, height });
    }
    Some(())
}

/// BT.601 and BT.709, limited range.
const BLACK: u8 = 16;
const GREY: u8 = 126;
const NO_COLOUR: u8 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Coat<'static> = Coat { masks: &[], area: None, veil: Veil::Clear, view: 0 };

    #[test]
    fn a_frame_with_nothing_to_paint_is_neither_copied_nor_touched() {
        let (frame, caps) = noise();
        let before = (frame.as_ptr(), address(&frame));
        let held = frame.clone();
        let after = Painter::default().paint(frame, &caps, Moment::default(), WHOLE).unwrap();
        assert_eq!((after.as_ptr(), address(&after)), before);
        drop(held);
    }

    #[test]
    fn a_frame_is_painted_where_it_lies() {
        for veil in [Veil::Frosted, Veil::Black] {
            let (frame, caps) = noise();
            let before = address(&frame);
            let after = Painter::default().paint(frame, &caps, Moment::default(), Coat { veil, ..WHOLE }).unwrap();
            assert_eq!(address(&after), before, "{veil:?}");
        }
    }

    #[test]
    fn under_a_mask_every_sample_of_every_plane_is_gone_and_elsewhere_none() {
        let mask = Area { x: 333, y: 251, width: 201, height: 499 };
        let (frame, caps) = noise();
        let original = planes(&frame, &caps);
        let masks = [mask];
        let coat = Coat { masks: &masks, ..WHOLE };
        let painted = planes(&Painter::default().paint(frame, &caps, Moment::default(), coat).unwrap(), &caps);
        for (number, (width, rows)) in painted.iter().enumerate() {
            let step = if number == 0 { 1.0 } else { 2.0 };
            for (place, sample) in rows.iter().enumerate() {
                let (x, y) = ((place % width) as f64 * step, (place / width) as f64 * step);
                // Every sample that stands for any part of the mask; and nothing two pixels away from it.
                let touches = |slack: f64| {
                    x + step > 213.12 - slack && x < 341.76 + slack && y + step > 90.36 - slack && y < 270.0 + slack
                };
                let grey = if number == 0 { GREY } else { NO_COLOUR };
                assert!(!touches(0.0) || *sample == grey, "plane {number} at {x},{y}: {sample}");
                assert!(touches(2.0) || *sample == original[number].1[place], "plane {number} at {x},{y} was touched");
            }
        }
    }

    #[test]
    fn frosted_glass_is_the_same_for_pictures_that_differ_only_in_detail() {
        let frosted = |invert: bool| {
            let (mut frame, caps) = noise();
            let info = gst_video::VideoInfo::from_caps(&caps).unwrap();
            // A checkerboard of single pixels and its negative: every cell has the same mean.
            on_planes(&mut frame, &info, |mut plane| {
                for y in 0..plane.height {
                    let row = plane.row(y);
                    row.iter_mut().enumerate().for_each(|(x, sample)| {
                        *sample = if (x + y + usize::from(invert)).is_multiple_of(2) { 235 } else { 16 };
                    });
                }
            });
            let coat = Coat { veil: Veil::Frosted, ..WHOLE };
            planes(&Painter::default().paint(frame, &caps, Moment::default(), coat).unwrap(), &caps)
        };
        for ((_, one), (_, other)) in frosted(false).iter().zip(&frosted(true)) {
            let apart = one.iter().zip(other).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(apart <= 1, "{apart}");
        }
    }

    #[test]
    fn what_cannot_be_painted_is_not_given_back() {
        let (frame, _) = noise();
        let caps = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::Nv12).width(640).height(360);
        let caps = caps.framerate(gst::Fraction::new(30, 1)).build();
        for veil in [Veil::Frosted, Veil::Black] {
            let coat = Coat { veil, ..WHOLE };
            assert!(Painter::default().paint(frame.clone(), &caps, Moment::default(), coat).is_none());
        }
    }

    fn noise() -> (gst::Buffer, gst::Caps) {
        gst::init().unwrap();
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 640, 360);
        let info = info.fps(gst::Fraction::new(30, 1)).build().unwrap();
        let mut seed = 1_u32;
        let samples: Vec<u8> = (0..info.size())
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        (gst::Buffer::from_mut_slice(samples), info.to_caps().unwrap())
    }

    fn address(frame: &gst::Buffer) -> usize {
        frame.map_readable().unwrap().as_ptr().addr()
    }

    /// Width and samples of each plane.
    fn planes(frame: &gst::Buffer, caps: &gst::Caps) -> Vec<(usize, Vec<u8>)> {
        let info = gst_video::VideoInfo::from_caps(caps).unwrap();
        let mut copy = frame.copy_deep().unwrap();
        let mut all = Vec::new();
        on_planes(&mut copy, &info, |mut plane| {
            let rows = (0..plane.height).flat_map(|y| plane.row(y).to_vec()).collect();
            all.push((plane.width, rows));
        });
        all
    }
}
