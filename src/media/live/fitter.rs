//! Brings frames into the size and the colours that encoder and screen take.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::VideoColorRange;

/// Keeps the converter of the last kind of frame.
#[derive(Default)]
pub(super) struct Fitter(Option<Fitting>);

struct Fitting {
    from: gst_video::VideoInfo,
    to: gst_video::VideoInfo,
    converter: gst_video::VideoConverter,
}

impl Fitter {
    /// The frame in this size: I420, not of the full range that JPEG has. One that is so already is not copied.
    pub(super) fn fit(
        &mut self,
        frame: &gst::Sample,
        info: &gst_video::VideoInfo,
        (width, height): (u32, u32),
    ) -> Result<(gst::Buffer, gst::Caps), String> {
        let (buffer, caps) = (frame.buffer_owned().ok_or("no frame")?, frame.caps_owned().ok_or("no caps")?);
        let full = info.is_yuv() && info.colorimetry().range() == VideoColorRange::Range0_255;
        if (info.width(), info.height(), info.format(), full) == (width, height, gst_video::VideoFormat::I420, false) {
            return Ok((buffer, caps));
        }
        let fits = |known: &Fitting| known.from == *info && (known.to.width(), known.to.height()) == (width, height);
        let known = self.0.take().filter(fits);
        let fitting = match known {
            Some(fitting) => fitting,
            None => Fitting::new(info, (width, height)).map_err(|error| error.to_string())?,
        };
        self.0.insert(fitting).fit(&buffer, full)
    }
}

impl Fitting {
    fn new(from: &gst_video::VideoInfo, (width, height): (u32, u32)) -> Result<Self, glib::BoolError> {
        // A converter takes neither another rate nor fields.
        let still = |info: gst_video::VideoInfoBuilder<'_>| {
            info.fps(gst::Fraction::new(0, 1)).interlace_mode(gst_video::VideoInterlaceMode::Progressive).build()
        };
        let to = still(gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height))?;
        let plain = gst_video::VideoInfo::builder_from_info(from);
        // GStreamer 1.22 heeds the range on some of its ways only: it heeds none here, and `narrow` does it.
        let colours = to.colorimetry();
        let plain = still(if from.is_yuv() { plain.colorimetry(&colours) } else { plain })?;
        let converter = gst_video::VideoConverter::new(&plain, &to, None)?;
        Ok(Self { from: from.clone(), to, converter })
    }

    fn fit(&self, buffer: &gst::Buffer, full: bool) -> Result<(gst::Buffer, gst::Caps), String> {
        let no_memory = |_| "no memory for a frame".to_owned();
        let come = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &self.from).map_err(|_| "no frame")?;
        let fitted = gst::Buffer::with_size(self.to.size()).map_err(|error| error.to_string())?;
        let mut fitted = gst_video::VideoFrame::from_buffer_writable(fitted, &self.to).map_err(no_memory)?;
        self.converter.frame_ref(&come, &mut fitted.as_mut_video_frame_ref());
        if full {
            narrow(&mut fitted)?;
        }
        let caps = self.to.to_caps().map_err(|error| error.to_string())?;
        Ok((fitted.into_buffer(), caps))
    }
}

/// From the full range to the one that video has (ITU-R BT.601: luma 16 … 235, chroma 16 … 240).
fn narrow(frame: &mut gst_video::VideoFrame<gst_video::video_frame::Writable>) -> Result<(), String> {
    for (plane, span, zero) in [(0, 219, 16), (1, 224, 16), (2, 224, 16)] {
        let narrowed: [u8; 256] = std::array::from_fn(|full| ((full * span + 127) / 255 + zero) as u8);
        let bytes = frame.plane_data_mut(plane).map_err(|error| error.to_string())?;
        bytes.iter_mut().for_each(|byte| *byte = narrowed[usize::from(*byte)]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst_video::prelude::*;

    /// White as cameras and capture cards say it, in this format and size: its luma at the end.
    fn white(format: gst_video::VideoFormat, size: (u32, u32), colours: &str) -> (u8, (u32, u32)) {
        gst::init().expect("GStreamer");
        let info = gst_video::VideoInfo::builder(format, size.0, size.1)
            .colorimetry(&colours.parse().expect("colours"))
            .interlace_mode(gst_video::VideoInterlaceMode::Interleaved)
            .build()
            .expect("a picture");
        let mut buffer = gst::Buffer::with_size(info.size()).expect("memory");
        {
            let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.get_mut().expect("own"), &info)
                .expect("a frame");
            for plane in 0..frame.n_planes() {
                frame.plane_data_mut(plane).expect("a plane").fill(if plane == 0 { 255 } else { 128 });
            }
        }
        let caps = info.to_caps().expect("caps");
        let sample = gst::Sample::builder().buffer(&buffer).caps(&caps).build();
        let even = (size.0 & !1, size.1 & !1);
        let (buffer, caps) = Fitter::default().fit(&sample, &info, even).expect("fitted");
        let info = gst_video::VideoInfo::from_caps(&caps).expect("a picture");
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&buffer, &info).expect("a frame");
        (frame.plane_data(0).expect("luma")[0], (info.width(), info.height()))
    }

    #[test]
    fn full_range_becomes_what_encoders_take_and_odd_sides_even_ones() {
        let jpeg = "1:4:0:0";
        let (luma, size) = white(gst_video::VideoFormat::I420, (641, 481), jpeg);
        assert!((234..=236).contains(&luma), "{luma}");
        assert_eq!(size, (640, 480));
    }
}
