//! The picture decoder: encoded units in, I420 frames out, one for one.
//!
//! ```text
//!  appsrc ─▶ avdec_h264 | vp8dec ─▶ appsink (not synchronised)
//! ```
//!
//! PTS goes through unchanged: it names the unit.

use super::stage::{Lives, OPENS_WITHIN, Stage, StageFault, element};
use crate::model::VideoCodec;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

/// Makes the element that decodes.
pub(super) type Make = Box<dyn Fn(VideoCodec) -> Result<gst::Element, StageFault> + Send + Sync>;

/// A running decoder. `broken` is called once it gives up, `decoded` with each frame; both on its threads. At most `inside`
/// units wait before it: more are refused.
pub(super) fn build(
    decoder: &gst::Element,
    codec: VideoCodec,
    inside: usize,
    clock: &gst::Clock,
    lives: &Lives,
    broken: impl Fn(String) + Send + Sync + 'static,
    decoded: impl Fn(gst::Sample) + Send + 'static,
) -> Result<(Stage, gst_app::AppSrc), StageFault> {
    let mut stage = Stage::new("picture", clock, broken);
    let caps = match codec {
        VideoCodec::H264 => H264_CAPS,
        VideoCodec::Vp8 => VP8_CAPS,
    };
    let caps: gst::Caps = caps.parse().map_err(|error: gst::glib::BoolError| StageFault::Build(error.to_string()))?;
    let source = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .is_live(true)
        .leaky_type(gst_app::AppLeakyType::Upstream)
        .max_buffers(inside as u64)
        .max_bytes(0)
        .build();
    let frames = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            decoded(sink.pull_sample().map_err(|_| gst::FlowError::Eos)?);
            Ok(gst::FlowSuccess::Ok)
        })
        .build();
    let sink = gst_app::AppSink::builder()
        .caps(&gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::I420).build())
        .sync(false)
        .max_buffers(1)
        .callbacks(frames)
        .build();
    sink.set_property("enable-last-sample", false);
    take_padded_frames(sink.upcast_ref());
    stage.chain(&[source.upcast_ref(), decoder, sink.upcast_ref()])?;
    stage.play(lives, OPENS_WITHIN)?;
    Ok((stage, source))
}

/// The machine's decoder of this codec.
pub(super) fn of(codec: VideoCodec) -> Result<gst::Element, StageFault> {
    let decoder = match codec {
        VideoCodec::H264 => h264()?,
        VideoCodec::Vp8 => element("vp8dec")?,
    };
    decoder.set_property("qos", false);
    Ok(decoder)
}

/// Reads the bitstream itself: flags do not survive every path. H.264: an IDR slice before any other; VP8: RFC 6386, 9.1.
pub(super) fn is_key_frame(codec: VideoCodec, unit: &gst::Buffer) -> bool {
    let Ok(map) = unit.map_readable() else { return false };
    match codec {
        VideoCodec::Vp8 => map.first().is_some_and(|first| first & 1 == 0),
        VideoCodec::H264 => map
            .windows(4)
            .filter(|bytes| bytes[..3] == [0, 0, 1])
            .map(|bytes| bytes[3] & 0x1f)
            .find(|kind| (1..=5).contains(kind))
            .is_some_and(|kind| kind == 5),
    }
}

/// Size in pixels.
pub(super) fn size_in(caps: &gst::StructureRef) -> Option<(u32, u32)> {
    let pixels = |name| caps.get::<i32>(name).ok().and_then(|pixels| u32::try_from(pixels).ok());
    Some((pixels("width")?, pixels("height")?))
}

/// libav takes less time than OpenH264 (0.24 to 0.31 s for the same 720p clip) and can keep damaged frames to itself.
fn h264() -> Result<gst::Element, StageFault> {
    let decoder = element("avdec_h264")?;
    decoder.set_property("max-threads", 1); // frame threads each hold a frame back
    decoder.set_property("output-corrupt", false);
    decoder.set_property_from_str("std-compliance", "normal"); // strict waits for reordering
    Ok(decoder)
}

/// Says that padded frames are welcome: without it the decoder copies every frame into a tight one.
fn take_padded_frames(sink: &gst::Element) {
    let Some(pad) = sink.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        let Some(query) = info.query_mut() else { return gst::PadProbeReturn::Ok };
        if let gst::QueryViewMut::Allocation(allocation) = query.view_mut() {
            allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}

const H264_CAPS: &str = "video/x-h264,stream-format=byte-stream,alignment=au";
const VP8_CAPS: &str = "video/x-vp8";
