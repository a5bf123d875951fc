//! A part of the picture, blown up to the whole: one call of GStreamer's converter a frame, no elements, no renegotiation.
//!
//! The part is shown whole and undistorted; where its shape is not the picture's, black borders fill up. Nothing beside the
//! part is ever shown.

use crate::config::Area;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

/// Cuts one area out of frames of one kind.
pub(super) struct Crop {
    info: gst_video::VideoInfo,
    area: Area,
    converter: gst_video::VideoConverter,
    /// Frames go round: fresh memory for each would cost more than the cut.
    pool: gst_video::VideoBufferPool,
}

impl Crop {
    /// `None` if GStreamer cannot.
    pub(super) fn new(info: &gst_video::VideoInfo, area: Area) -> Option<Self> {
        let (source, target) = spans(info.width(), info.height(), area);
        let mut config = gst_video::VideoConverterConfig::new();
        config.set_src_x(source.x);
        config.set_src_y(source.y);
        config.set_src_width(Some(source.width));
        config.set_src_height(Some(source.height));
        config.set_dest_x(target.x);
        config.set_dest_y(target.y);
        config.set_dest_width(Some(target.width));
        config.set_dest_height(Some(target.height));
        config.set_fill_border(true);
        config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
        let converter = gst_video::VideoConverter::new(info, info, Some(config)).ok()?;

        let pool = gst_video::VideoBufferPool::new();
        let mut settings = pool.config();
        // No upper limit: a frame that is held elsewhere must not hold up the camera. Who holds them is bounded.
        settings.set_params(Some(&info.to_caps().ok()?), u32::try_from(info.size()).ok()?, 2, 0);
        pool.set_config(settings).ok()?;
        pool.set_active(true).ok()?;
        Some(Self { info: info.clone(), area, converter, pool })
    }

    /// Whether it was made for this.
    pub(super) fn fits(&self, info: &gst_video::VideoInfo, area: Area) -> bool {
        self.area == area && self.info == *info
    }

    /// The part of this frame, as a frame of the same kind and time. `None` if it cannot be read.
    pub(super) fn cut(&self, frame: &gst::Buffer) -> Option<gst::Buffer> {
        let mut part = self.pool.acquire_buffer(None).ok()?;
        let own = part.get_mut()?;
        own.set_pts(frame.pts());
        own.set_duration(frame.duration());
        {
            let from = gst_video::VideoFrameRef::from_buffer_ref_readable(frame, &self.info).ok()?;
            let mut to = gst_video::VideoFrameRef::from_buffer_ref_writable(own, &self.info).ok()?;
            self.converter.frame_ref(&from, &mut to);
        }
        Some(part)
    }
}

impl Drop for Crop {
    fn drop(&mut self) {
        if let Err(error) = self.pool.set_active(false) {
            tracing::debug!(%error, "a pool is not closed");
        }
    }
}

/// A rectangle in pixels, all even: colour planes have half the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

/// What is cut out, and where it goes: as large as fits, in the middle. A part is never rounded outwards.
fn spans(width: u32, height: u32, area: Area) -> (Span, Span) {
    let inwards = |start: u16, length: u16, size: u32| {
        let end = u32::from(start) + u32::from(length);
        let from = (u32::from(start) * size).div_ceil(1000).next_multiple_of(2).min(size.saturating_sub(2));
        (from, (end * size / 1000 / 2 * 2).clamp(from + 2, size.max(from + 2)) - from)
    };
    let ((x, cut_width), (y, cut_height)) = (inwards(area.x, area.width, width), inwards(area.y, area.height, height));
    let wide = u64::from(cut_width) * u64::from(height) >= u64::from(cut_height) * u64::from(width);
    let even = |part: u64, of: u64, size: u32| {
        u32::try_from(part * u64::from(size) / of.max(1) / 2 * 2).unwrap_or(size).clamp(2, size.max(2))
    };
    let (shown_width, shown_height) = if wide {
        (width, even(cut_height.into(), cut_width.into(), width).min(height))
    } else {
        (even(cut_width.into(), cut_height.into(), height).min(width), height)
    };
    let pixels = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let middle = |size: u32, shown: u32| pixels((size - shown) / 4 * 2);
    let source = Span { x: pixels(x), y: pixels(y), width: pixels(cut_width), height: pixels(cut_height) };
    let target = Span {
        x: middle(width, shown_width),
        y: middle(height, shown_height),
        width: pixels(shown_width),
        height: pixels(shown_height),
    };
    (source, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_pictures_shape_fills_it_and_another_is_bordered() {
        let quarter = Area { x: 250, y: 500, width: 500, height: 500 };
        let whole = Span { x: 0, y: 0, width: 1280, height: 720 };
        assert_eq!(spans(1280, 720, quarter), (Span { x: 320, y: 360, width: 640, height: 360 }, whole));
        let column = Area { x: 0, y: 0, width: 250, height: 1000 };
        let (cut, shown) = spans(1280, 720, column);
        assert_eq!((cut.width, cut.height), (320, 720));
        assert_eq!(shown, Span { x: 480, y: 0, width: 320, height: 720 });
        let row = Area { x: 0, y: 900, width: 1000, height: 100 };
        assert_eq!(spans(1280, 720, row).1, Span { x: 0, y: 324, width: 1280, height: 72 });
    }

    #[test]
    fn every_part_lies_in_its_picture_and_is_even() {
        for (width, height) in [(1280, 720), (160, 90), (2, 2), (642, 362)] {
            for (start, length) in [(0, 10), (333, 201), (990, 10), (0, 1000), (985, 15)] {
                for area in [
                    Area { x: start, y: 0, width: length, height: 1000 },
                    Area { x: 0, y: start, width: 1000, height: length },
                    Area { x: start, y: start, width: length, height: length },
                ] {
                    let (source, target) = spans(width, height, area);
                    for (at, size, of) in
                        [source, target].iter().flat_map(|s| [(s.x, s.width, width), (s.y, s.height, height)])
                    {
                        assert!(at >= 0 && size >= 2 && at + size <= of as i32, "{width}×{height} {area:?}");
                        assert!(at % 2 == 0 && size % 2 == 0, "{width}×{height} {area:?}: {source:?} {target:?}");
                    }
                }
            }
        }
    }
}
