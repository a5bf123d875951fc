//! The way in. Pictures wait in webrtcbin for lost packets, sound does not.
//!
//! ```text
//! webrtcbin: … decrypted RTP ─┬─ rtpjitterbuffer ─ src_N ─ depayloader ─ appsink → Taps.video
//!                             │    (200 ms, in order: at once)  └ probe: RTP time by PTS
//!                             ├ gate: nothing passes before admission
//!                             └ sound packets, copied as they arrive → Taps.sound   (their src_N ends in a fakesink)
//! ```

use super::SoundPacket;
use super::Taps;
use super::lines::{depayloader, is_video, received_caps, sound_line};
use super::passage::Gate;
use super::sdp::Streams;
use super::sending::{pad, rtp_time};
use crate::model::{Line, SessionId, VideoCodec};
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use gstreamer_rtp::RTPBuffer;
use gstreamer_webrtc::WebRTCRTPTransceiver;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What all lines of a session share on their way in.
#[derive(Clone)]
pub(super) struct Receiving {
    pub(super) session: SessionId,
    pub(super) gate: Arc<Gate>,
    pub(super) taps: Taps,
    /// Known once the peer's description is.
    pub(super) streams: Arc<OnceLock<Streams>>,
}

/// Where the packets of each line come in: the way back to their sender for questions. Holds nothing alive.
#[derive(Clone, Default)]
pub(super) struct Entrances(Vec<glib::WeakRef<gst::Pad>>);

impl Entrances {
    /// Asks the far side for a key frame of this line (PLI).
    pub(super) fn ask_key_frame(&self, line: Line) {
        if let Some(pad) = self.0.get(line.index()).and_then(glib::WeakRef::upgrade) {
            let question = gstreamer_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build();
            if !pad.push_event(question) {
                tracing::debug!(?line, "nobody to ask for a key frame");
            }
        }
    }
}

impl Receiving {
    /// Builds the ends of all four lines and sees to it that webrtcbin's pads find theirs.
    pub(super) fn build(
        &self,
        pipeline: &gst::Pipeline,
        webrtcbin: &gst::Element,
        codec: VideoCodec,
    ) -> Result<Entrances, glib::BoolError> {
        let mut ends = Vec::with_capacity(Line::ALL.len());
        for line in Line::ALL {
            let end = if is_video(line) {
                self.picture_end(pipeline, line, codec)?
            } else {
                let sink = gst::ElementFactory::make("fakesink")
                    .property("sync", false)
                    .property("async", false)
                    .property("enable-last-sample", false)
                    .build()?;
                pipeline.add(&sink)?;
                pad(&sink, "sink")?
            };
            ends.push(end.downgrade());
        }
        let entrances = Entrances(ends.clone());
        webrtcbin.connect_pad_added(move |_, pad| {
            if pad.direction() != gst::PadDirection::Src {
                return;
            }
            let line = pad.property::<Option<WebRTCRTPTransceiver>>("transceiver").map(|line| line.mlineindex());
            let end = line.and_then(|index| ends.get(usize::try_from(index).ok()?)?.upgrade());
            match end.map(|end| pad.link(&end)) {
                Some(Ok(_)) => {}
                Some(Err(fault)) => tracing::warn!(pad = %pad.name(), %fault, "an incoming line does not link"),
                None => tracing::warn!(pad = %pad.name(), "an incoming stream belongs to no line"),
            }
        });
        self.watch_jitterbuffers(webrtcbin)?;
        Ok(entrances)
    }

    /// depayloader → appsink; returns the pad packets go into.
    fn picture_end(
        &self,
        pipeline: &gst::Pipeline,
        line: Line,
        codec: VideoCodec,
    ) -> Result<gst::Pad, glib::BoolError> {
        let depay = depayloader(codec)?;
        let times = Arc::new(RtpTimes::default());
        let app = AppSink::builder()
            .caps(&received_caps(codec))
            .sync(false)
            .async_(false)
            .enable_last_sample(false)
            .max_buffers(4)
            .build();
        pipeline.add_many([&depay, app.upcast_ref()])?;
        depay.link(&app)?;
        let end = pad(&depay, "sink")?;
        let seen = Arc::clone(&times);
        end.add_probe(gst::PadProbeType::BUFFER, move |end, info| {
            if let Some((pts, rtp)) = info.buffer().and_then(|packet| packet.pts().zip(rtp_time(packet)))
                && seen.note(pts, rtp) == Progress::Stuck
            {
                end.push_event(gstreamer_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
            }
            gst::PadProbeReturn::Ok
        });
        let Self { session, gate, taps, .. } = self.clone();
        app.set_callbacks(
            AppSinkCallbacks::builder()
                .new_sample(move |app| {
                    let sample = app.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    if let Some(frame) = sample.buffer_owned().filter(|_| gate.is_open()) {
                        match frame.pts().and_then(|pts| times.take(pts)) {
                            Some(rtp) => (taps.video)(session, line, frame, rtp),
                            None => tracing::warn!(?line, "a frame without a known RTP time is left out"),
                        }
                    }
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        Ok(end)
    }

    fn watch_jitterbuffers(&self, webrtcbin: &gst::Element) -> Result<(), glib::BoolError> {
        let rtpbin = webrtcbin
            .downcast_ref::<gst::Bin>()
            .and_then(|bin| bin.by_name("rtpbin"))
            .ok_or_else(|| glib::bool_error!("webrtcbin has no rtpbin"))?;
        let receiving = self.clone();
        rtpbin.connect("new-jitterbuffer", false, move |values| {
            if let Some(Ok(buffer)) = values.get(1).map(|value| value.get::<gst::Element>()) {
                let ssrc = values.get(3).and_then(|value| value.get::<u32>().ok());
                let line = ssrc.and_then(|ssrc| receiving.line(ssrc));
                receiving.tap(&buffer, line);
            }
            None
        });
        Ok(())
    }

    /// The line a stream of the peer belongs to.
    fn line(&self, ssrc: u32) -> Option<Line> {
        let streams = self.streams.get()?;
        Line::ALL.into_iter().find(|line| streams[line.index()] == ssrc)
    }

    /// One jitterbuffer per stream of the peer; its sink pad sees decrypted RTP, repaired by RTX, in the order of arrival.
    fn tap(&self, buffer: &gst::Element, line: Option<Line>) {
        buffer.set_property("latency", if line == Some(Line::LiveShare) { PAGE_JITTER_MS } else { JITTER_MS });
        buffer.set_property("drop-on-latency", true);
        // The first packet would otherwise wait out the latency for an earlier one.
        buffer.set_property("faststart-min-packets", 1_u32);
        // Sound is not waited for. Of pictures NACK what is missing, not what might come next: frames are not evenly spaced.
        buffer.set_property("do-retransmission", line.is_some_and(is_video));
        buffer.set_property("rtx-next-seqnum", false);
        let Some(entrance) = buffer.static_pad("sink") else { return };
        let Self { session, gate, taps, .. } = self.clone();
        entrance.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
            if !gate.is_open() {
                return gst::PadProbeReturn::Handled;
            }
            let one = info.buffer().map(|packet| &**packet);
            for packet in one.into_iter().chain(info.buffer_list().into_iter().flat_map(|list| list.iter())) {
                if let Some((line, packet)) = sound_packet(packet) {
                    (taps.sound)(session, line, packet);
                }
            }
            gst::PadProbeReturn::Ok
        });
    }
}

/// The Opus packet in an RTP packet; `None` for pictures and for what is not RTP.
fn sound_packet(packet: &gst::BufferRef) -> Option<(Line, SoundPacket)> {
    let rtp = RTPBuffer::from_buffer_readable(packet).ok()?;
    let line = sound_line(rtp.payload_type())?;
    let mut payload = gst::Buffer::from_slice(rtp.payload().ok()?.to_vec());
    if let Some(payload) = payload.get_mut() {
        payload.set_pts(packet.dts_or_pts());
    }
    Some((line, SoundPacket { sequence: rtp.seq(), rtp: rtp.timestamp(), payload }))
}

/// PTS → RTP time of the frames that are on their way through the depayloader.
#[derive(Default)]
struct RtpTimes(Mutex<Underway>);

#[derive(Default)]
struct Underway {
    frames: VecDeque<(gst::ClockTime, u32)>,
    /// Frames begun since the last one came out.
    begun: u32,
    asked_at: Option<gst::ClockTime>,
}

/// What a packet says about the frames before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// They came out, or may yet.
    Flowing,
    /// They did not: the depayloader waits for a key frame. It asks for one when it sees a loss, once, and not at the start.
    Stuck,
}

impl RtpTimes {
    /// A packet goes in.
    fn note(&self, pts: gst::ClockTime, rtp: u32) -> Progress {
        let mut underway = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if underway.frames.back() == Some(&(pts, rtp)) {
            return Progress::Flowing;
        }
        if underway.frames.len() == FRAMES_UNDERWAY {
            underway.frames.pop_front();
        }
        underway.frames.push_back((pts, rtp));
        underway.begun = underway.begun.saturating_add(1);
        let asked_lately = underway.asked_at.is_some_and(|at| pts.absdiff(at) < ASK_AGAIN);
        if underway.begun < 2 || asked_lately {
            return Progress::Flowing;
        }
        underway.asked_at = Some(pts);
        Progress::Stuck
    }

    /// A frame comes out: its RTP time.
    fn take(&self, pts: gst::ClockTime) -> Option<u32> {
        let mut underway = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        underway.begun = 0;
        underway.frames.iter().rev().find(|(noted, _)| *noted == pts).map(|(_, rtp)| *rtp)
    }
}

/// How long a picture packet may be waited for, in milliseconds: one retransmission over a slow line.
const JITTER_MS: u32 = 200;
/// A shared screen loses time, not sharpness: a key frame that is torn costs seconds on a narrow line.
const PAGE_JITTER_MS: u32 = 800;
/// The depayloader holds one frame; the rest is for disorder.
const FRAMES_UNDERWAY: usize = 16;
/// A key frame request or the key frame itself may be lost.
const ASK_AGAIN: gst::ClockTime = gst::ClockTime::from_mseconds(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(ms)
    }

    #[test]
    fn a_frame_keeps_its_rtp_time_through_the_depayloader() {
        let times = RtpTimes::default();
        times.note(at(33), 3000);
        times.note(at(33), 3000);
        times.note(at(66), 6000);
        assert_eq!(times.take(at(33)), Some(3000));
        assert_eq!(times.take(at(66)), Some(6000));
        assert_eq!(times.take(at(99)), None);
    }

    #[test]
    fn the_ring_is_bounded() {
        let times = RtpTimes::default();
        for frame in 0..1000 {
            times.note(at(u64::from(frame)), frame);
        }
        assert_eq!(times.0.lock().unwrap().frames.len(), FRAMES_UNDERWAY);
    }

    #[test]
    fn a_key_frame_is_asked_for_while_frames_go_in_and_none_comes_out() {
        let times = RtpTimes::default();
        let asked: Vec<u64> =
            (0..30).map(|n| n * 33).filter(|ms| times.note(at(*ms), *ms as u32) == Progress::Stuck).collect();
        assert_eq!(asked, [33, 297, 561, 825], "at the second frame, then four times a second");
    }

    #[test]
    fn nothing_is_asked_for_while_every_frame_comes_out() {
        let times = RtpTimes::default();
        for frame in 0..100_u32 {
            for _ in 0..3 {
                assert_eq!(times.note(at(u64::from(frame) * 33), frame), Progress::Flowing);
            }
            times.take(at(u64::from(frame) * 33));
        }
    }
}
