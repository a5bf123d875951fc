//! What each of the four media lines is in RTP and in GStreamer elements.
//!
//! Every line has a payload type of its own, so that a packet says by itself to which line it belongs. RTX, RED and
//! ULPFEC get theirs from webrtcbin, which takes free numbers.

use crate::model::{Line, VideoCodec};
use gstreamer as gst;

/// Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub(super) const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// RTP payload size limit in bytes, header included: fits any path that carries 1280-byte IPv6 packets.
const MTU: u32 = 1200;

/// Constrained baseline, level 4.0: up to 1920×1080 at 30 frames per second (RFC 6184 §8.1, H.264 table A-1).
pub(super) const H264_PROFILE_LEVEL: &str = "42e028";

/// The RTP payload type of a line.
pub(super) const fn payload_type(line: Line) -> u8 {
    match line {
        Line::Voice => 111,
        Line::Camera => 96,
        Line::LiveShare => 98,
        Line::ShareSound => 112,
    }
}

/// The sound line a payload type belongs to, if any.
pub(super) const fn sound_line(payload_type_seen: u8) -> Option<Line> {
    if payload_type_seen == payload_type(Line::Voice) {
        Some(Line::Voice)
    } else if payload_type_seen == payload_type(Line::ShareSound) {
        Some(Line::ShareSound)
    } else {
        None
    }
}

/// Carries picture, not sound.
pub(super) const fn is_video(line: Line) -> bool {
    match line {
        Line::Camera | Line::LiveShare => true,
        Line::Voice | Line::ShareSound => false,
    }
}

/// `encoding/clock` as `a=rtpmap` names it, lower case.
pub(super) const fn rtpmap(line: Line, codec: VideoCodec) -> &'static str {
    match (line, codec) {
        (Line::Voice | Line::ShareSound, _) => "opus/48000/2",
        (Line::Camera | Line::LiveShare, VideoCodec::H264) => "h264/90000",
        (Line::Camera | Line::LiveShare, VideoCodec::Vp8) => "vp8/90000",
    }
}

/// What is negotiated for a line: one codec, its feedback, the transport-cc extension, and the stream's name.
///
/// Without the SSRC here webrtcbin describes whatever it knows of the payloader at that moment, which for H.264 is SSRC 0.
pub(super) fn negotiated_caps(line: Line, codec: VideoCodec, ssrc: u32) -> gst::Caps {
    let caps = gst::Caps::builder("application/x-rtp")
        .field("ssrc", ssrc)
        .field("payload", i32::from(payload_type(line)))
        .field("clock-rate", i32::try_from(line.clock_rate()).unwrap_or(i32::MAX))
        .field("extmap-1", TRANSPORT_CC)
        .field("rtcp-fb-transport-cc", true);
    if !is_video(line) {
        return caps
            .field("media", "audio")
            .field("encoding-name", "OPUS")
            .field("encoding-params", "2")
            .field("minptime", "10")
            .field("maxptime", "60")
            .field("useinbandfec", "1")
            .build();
    }
    let caps = caps
        .field("media", "video")
        .field("rtcp-fb-nack", true)
        .field("rtcp-fb-nack-pli", true)
        .field("rtcp-fb-ccm-fir", true);
    match codec {
        VideoCodec::H264 => caps
            .field("encoding-name", "H264")
            .field("packetization-mode", "1")
            .field("profile-level-id", H264_PROFILE_LEVEL)
            .field("level-asymmetry-allowed", "1")
            .build(),
        VideoCodec::Vp8 => caps.field("encoding-name", "VP8").build(),
    }
}

/// What the outlet is fed with.
pub(super) fn encoded_caps(line: Line, codec: VideoCodec) -> gst::Caps {
    match (line, codec) {
        (Line::Voice | Line::ShareSound, _) => gst::Caps::builder("audio/x-opus")
            .field("rate", 48_000)
            .field("channels", if line == Line::Voice { 1 } else { 2 })
            .field("channel-mapping-family", 0)
            .build(),
        (Line::Camera | Line::LiveShare, VideoCodec::H264) => gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .field("profile", "constrained-baseline")
            .field("level", "4")
            .build(),
        (Line::Camera | Line::LiveShare, VideoCodec::Vp8) => gst::Caps::new_empty_simple("video/x-vp8"),
    }
}

/// Makes the payloader of a line.
pub(super) fn payloader(line: Line, codec: VideoCodec, ssrc: u32) -> Result<gst::Element, glib::BoolError> {
    let pay = match (line, codec) {
        (Line::Voice | Line::ShareSound, _) => gst::ElementFactory::make("rtpopuspay"),
        // config-interval stays 0, SPS and PPS come from the encoder: with −1 they are repeated before every slice of a key frame,
        // and the far depayloader cuts the frame there (seen on 1.22 with x264's sliced threads: one access unit came out as two).
        (Line::Camera | Line::LiveShare, VideoCodec::H264) => gst::ElementFactory::make("rtph264pay")
            .property("config-interval", 0)
            .property_from_str("aggregate-mode", "zero-latency"),
        (Line::Camera | Line::LiveShare, VideoCodec::Vp8) => {
            gst::ElementFactory::make("rtpvp8pay").property_from_str("picture-id-mode", "15-bit")
        }
    };
    // RTP time straight from the capture time, so that marks stay on one line for ever.
    pay.property("mtu", MTU)
        .property("pt", u32::from(payload_type(line)))
        .property("ssrc", ssrc)
        .property("perfect-rtptime", false)
        .build()
}

/// Makes the depayloader of a video line: whole frames only, and a broken one asks for a key frame.
pub(super) fn depayloader(codec: VideoCodec) -> Result<gst::Element, glib::BoolError> {
    let name = match codec {
        VideoCodec::H264 => "rtph264depay",
        VideoCodec::Vp8 => "rtpvp8depay",
    };
    gst::ElementFactory::make(name).property("request-keyframe", true).property("wait-for-keyframe", true).build()
}

/// What comes out of the depayloader.
pub(super) fn received_caps(codec: VideoCodec) -> gst::Caps {
    match codec {
        VideoCodec::H264 => {
            gst::Caps::builder("video/x-h264").field("stream-format", "byte-stream").field("alignment", "au").build()
        }
        VideoCodec::Vp8 => gst::Caps::new_empty_simple("video/x-vp8"),
    }
}
