//! The way out of a session, once per line.
//!
//! ```text
//! Outlet ─ appsrc ─ payloader ─ (pacer, for a live share) ─ webrtcbin.sink_N
//!            ▲          └ probe: RTP time ↔ capture time → News::LineSent
//!            └ probe: key frame requests → taps; transport-cc feedback → estimator
//! ```

use super::Taps;
use super::lines::{encoded_caps, is_video, negotiated_caps, payloader};
use super::meter::Estimator;
use super::pacer::{Pace, Pacer};
use super::passage::Source;
use crate::core::input::News;
use crate::core::signal::CaptureMark;
use crate::inbox::Inbox;
use crate::model::{Line, Moment, VideoCodec};
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app::{AppLeakyType, AppSrc, AppStreamType};
use gstreamer_rtp::RTPBuffer;
use gstreamer_webrtc::{WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What all lines of a session share on their way out.
pub(super) struct Sending<'a> {
    pub(super) pipeline: &'a gst::Pipeline,
    pub(super) webrtcbin: &'a gst::Element,
    pub(super) codec: VideoCodec,
    pub(super) starts: Option<(u32, u16)>,
    pub(super) taps: &'a Taps,
    pub(super) inbox: &'a Inbox,
    pub(super) estimator: &'a Arc<Estimator>,
    pub(super) pace: &'a Pace,
}

impl Sending<'_> {
    /// Builds the way out of one line up to webrtcbin's pad for it.
    pub(super) fn build(&self, line: Line) -> Result<Arc<Source>, glib::BoolError> {
        let ssrc = glib::random_int_range(1, i32::MAX).unsigned_abs();
        let entrance = self.entrance(line, &negotiated_caps(line, self.codec, ssrc))?;
        let app = AppSrc::builder()
            .name(format!("outlet-{}", line.index()))
            .caps(&encoded_caps(line, self.codec))
            .format(gst::Format::Time)
            .stream_type(AppStreamType::Stream)
            .is_live(true)
            .block(false)
            .max_bytes(0)
            .leaky_type(AppLeakyType::None)
            .build();
        let pay = payloader(line, self.codec, ssrc)?;
        if let Some((rtp, sequence)) = self.starts {
            pay.set_property("timestamp-offset", rtp.wrapping_sub(rtp_now(line)));
            pay.set_property("seqnum-offset", i32::from(sequence));
        }
        self.pipeline.add_many([app.upcast_ref(), &pay])?;
        app.link(&pay)?;
        let exit = pad(&pay, "src")?;
        // Marks are read before the pacer: how long a frame is on its way out is part of its delay.
        let last = if line == Line::LiveShare { self.paced(&pay)? } else { exit.clone() };
        last.link(&entrance).map_err(|fault| glib::bool_error!("{line:?} does not link: {fault}"))?;
        self.mark_what_leaves(line, &exit);
        self.listen_upstream(line, &pad(app.upcast_ref(), "src")?);
        Ok(Arc::new(Source {
            line,
            app,
            torn: AtomicBool::new(false),
            key_frame_wanted: Arc::clone(&self.taps.key_frame_wanted),
        }))
    }

    /// The payloader's packets one after the other.
    fn paced(&self, pay: &gst::Element) -> Result<gst::Pad, glib::BoolError> {
        let pacer = Pacer::new(self.pace.clone());
        self.pipeline.add(&pacer)?;
        pay.link(&pacer)?;
        pad(pacer.upcast_ref(), "src")
    }

    /// webrtcbin's pad for a line, with what is to be negotiated for it.
    ///
    /// The pad comes first and brings its transceiver, its name fixes the place in the SDP. `add-transceiver` is not used:
    /// on 1.22 a pad asked for by caps was seen to take another line's transceiver (voice that of the share's sound).
    fn entrance(&self, line: Line, caps: &gst::Caps) -> Result<gst::Pad, glib::BoolError> {
        let refused = || glib::bool_error!("webrtcbin gives no pad for {line:?}");
        let template = self.webrtcbin.pad_template("sink_%u").ok_or_else(refused)?;
        let name = format!("sink_{}", line.index());
        let pad = self.webrtcbin.request_pad(&template, Some(&name), Some(caps)).ok_or_else(refused)?;
        let transceiver = pad.property::<Option<WebRTCRTPTransceiver>>("transceiver").ok_or_else(refused)?;
        transceiver.set_direction(WebRTCRTPTransceiverDirection::Sendrecv);
        transceiver.set_codec_preferences(Some(caps));
        if is_video(line) {
            transceiver.set_property("do-nack", true);
            transceiver.set_property_from_str("fec-type", "ulp-red");
            // Negotiated, not used: who wants forward error correction raises it without renegotiating.
            transceiver.set_property("fec-percentage", 0_u32);
        }
        Ok(pad)
    }

    /// Reports RTP time and capture time of every frame once, from its first packet.
    fn mark_what_leaves(&self, line: Line, exit: &gst::Pad) {
        let inbox = self.inbox.clone();
        let last = AtomicU64::new(u64::MAX);
        exit.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
            let first =
                info.buffer().map(|packet| &**packet).or_else(|| info.buffer_list().and_then(|list| list.get(0)));
            if let Some((captured_at, rtp)) = first.and_then(|packet| packet.pts().zip(rtp_time(packet)))
                && last.swap(u64::from(rtp), Ordering::Relaxed) != u64::from(rtp)
            {
                let mark = CaptureMark { rtp, captured_at: Moment::from_nanos(captured_at.nseconds()) };
                inbox.news(News::LineSent { line, mark });
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Key frame requests go to the encoder; every line hears the session's feedback, so one of them is enough for it.
    fn listen_upstream(&self, line: Line, source: &gst::Pad) {
        let wanted = is_video(line).then(|| Arc::clone(&self.taps.key_frame_wanted));
        let estimator = (line == Line::Voice).then(|| Arc::clone(self.estimator));
        source.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
            if event.structure().is_some_and(|structure| structure.name() == "GstForceKeyUnit") {
                if let Some(wanted) = &wanted {
                    wanted(line);
                }
                return gst::PadProbeReturn::Handled;
            }
            match &estimator {
                Some(estimator) if estimator.hears(event) => gst::PadProbeReturn::Handled,
                Some(_) | None => gst::PadProbeReturn::Ok,
            }
        });
    }
}

/// A pad that the element has by its template.
pub(super) fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, glib::BoolError> {
    element.static_pad(name).ok_or_else(|| glib::bool_error!("{} has no pad {name}", element.name()))
}

/// The RTP time of a packet; `None` if it is not RTP.
pub(super) fn rtp_time(packet: &gst::BufferRef) -> Option<u32> {
    RTPBuffer::from_buffer_readable(packet).ok().map(|rtp| rtp.timestamp())
}

/// What a payloader with offset zero would write now.
fn rtp_now(line: Line) -> u32 {
    let nanos = u128::from(gst::SystemClock::obtain().time().nseconds());
    #[expect(clippy::cast_possible_truncation, reason = "RTP time is counted modulo 2^32")]
    let rtp = (nanos * u128::from(line.clock_rate()) / 1_000_000_000) as u32;
    rtp
}
