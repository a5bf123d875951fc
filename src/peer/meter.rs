//! What a session carried: bytes counted at its socket, loss and jitter from the RTP session's statistics, and the congestion
//! estimate of `rtpgccbwe`.
//!
//! rtpgccbwe is also a pacer that sends in bursts every 5 ms (so its source; not measured here). Here it only listens: it stands beside the pipeline and is
//! handed the transport-cc feedback, which is all its estimate is made from, so no packet ever waits in it.

use super::sdp::Streams;
use crate::core::input::CarryReport;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counters of one session, written by GStreamer's threads.
#[derive(Debug, Default)]
pub(super) struct Meter {
    sent: Traffic,
    received: Traffic,
    measured: Mutex<Measured>,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    packets: AtomicU64,
    bytes: AtomicU64,
}

/// What statistics say; sums since the session began.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    arrived: u64,
    lost: i64,
    jitter: Duration,
    estimate_bps: Option<u32>,
}

/// The state of the counters at the last report.
#[derive(Debug, Default)]
pub(super) struct Reading {
    at: Option<gst::ClockTime>,
    sent_bits: u64,
    received_bits: u64,
    measured: Measured,
}

impl Meter {
    /// Counts what passes a pad that carries UDP payloads out.
    pub(super) fn count_sent(&self, info: &gst::PadProbeInfo) {
        self.sent.count(info);
    }

    /// Counts what passes a pad that carries UDP payloads in.
    pub(super) fn count_received(&self, info: &gst::PadProbeInfo) {
        self.received.count(info);
    }

    /// Takes over what the RTP session knows of the peer's media streams.
    pub(super) fn take_statistics(&self, statistics: &gst::StructureRef, streams: &Streams, estimate_bps: Option<u32>) {
        let mut measured = Measured { estimate_bps, ..Measured::default() };
        let Ok(sources) = statistics.get::<glib::ValueArray>("source-stats") else { return };
        for source in sources.iter().filter_map(|source| source.get::<gst::Structure>().ok()) {
            if !source.get::<u32>("ssrc").is_ok_and(|ssrc| streams.contains(&ssrc)) {
                continue;
            }
            measured.arrived += source.get::<u64>("packets-received").unwrap_or(0);
            measured.lost += i64::from(source.get::<i32>("packets-lost").unwrap_or(0));
            let rate = source.get::<i32>("clock-rate").ok().and_then(|rate| u32::try_from(rate).ok());
            if let (Ok(ticks), Some(rate @ 1..)) = (source.get::<u32>("jitter"), rate) {
                measured.jitter = measured.jitter.max(Duration::from_secs(u64::from(ticks)) / rate);
            }
        }
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = measured;
    }

    /// What happened since the last reading. `header` is the size in bytes of IP and UDP headers.
    pub(super) fn report(&self, last: &mut Reading, header: u64, at: gst::ClockTime) -> CarryReport {
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Reading {
            at: Some(at),
            sent_bits: self.sent.bits(header),
            received_bits: self.received.bits(header),
            measured,
        };
        let elapsed = last.at.map(|earlier| at.saturating_sub(earlier)).filter(|elapsed| !elapsed.is_zero());
        let per_second = |bits: u64| {
            let elapsed = u128::from(elapsed.map_or(1_000_000_000, gst::ClockTime::nseconds));
            u32::try_from(u128::from(bits) * 1_000_000_000 / elapsed).unwrap_or(u32::MAX)
        };
        let report = CarryReport {
            sent_bps: per_second(now.sent_bits.saturating_sub(last.sent_bits)),
            received_bps: per_second(now.received_bits.saturating_sub(last.received_bits)),
            loss: loss(
                measured.arrived.saturating_sub(last.measured.arrived),
                measured.lost.saturating_sub(last.measured.lost),
            ),
            jitter: measured.jitter,
            estimate_bps: measured.estimate_bps,
        };
        *last = now;
        report
    }
}

impl Traffic {
    fn count(&self, info: &gst::PadProbeInfo) {
        let (packets, bytes) = match (info.buffer(), info.buffer_list()) {
            (Some(buffer), _) => (1, buffer.size()),
            (None, Some(list)) => (list.len(), list.calculate_size()),
            (None, None) => return,
        };
        self.packets.fetch_add(u64::try_from(packets).unwrap_or(0), Ordering::Relaxed);
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
    }

    fn bits(&self, header: u64) -> u64 {
        (self.bytes.load(Ordering::Relaxed) + header * self.packets.load(Ordering::Relaxed)) * 8
    }
}

/// Share of packets that did not arrive, 0 … 1; a late one takes its loss back.
fn loss(arrived: u64, lost: i64) -> f32 {
    let lost = u64::try_from(lost).unwrap_or(0);
    if lost == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio of packets in a second")]
    let share = lost as f32 / (arrived + lost) as f32;
    share
}

/// The congestion estimate, beside the pipeline.
pub(super) struct Estimator {
    element: gst::Element,
    feedback: gst::Pad,
    heard: AtomicBool,
}

impl Estimator {
    /// Starts listening.
    pub(super) fn new() -> Result<Self, glib::BoolError> {
        // Minimum before maximum: the element takes the maximum for both otherwise.
        let element = gst::ElementFactory::make("rtpgccbwe")
            .property("min-bitrate", ESTIMATE_FLOOR_BPS)
            .property("max-bitrate", ESTIMATE_CEILING_BPS)
            .build()?;
        let feedback = element.static_pad("src").ok_or_else(|| glib::bool_error!("rtpgccbwe has no source pad"))?;
        feedback.set_active(true)?;
        // Its pacer has nothing to do here and would wake up 200 times a second.
        feedback.pause_task()?;
        Ok(Self { element, feedback, heard: AtomicBool::new(false) })
    }

    /// Takes the transport-cc feedback event; leaves every other event.
    pub(super) fn hears(&self, event: &gst::EventRef) -> bool {
        if event.structure().is_none_or(|structure| structure.name() != "RTPTWCCPackets") {
            return false;
        }
        self.heard.store(true, Ordering::Relaxed);
        self.feedback.send_event(event.to_owned())
    }

    /// Bits per second; `None` before the first feedback.
    pub(super) fn bps(&self) -> Option<u32> {
        self.heard.load(Ordering::Relaxed).then(|| self.element.property("estimated-bitrate"))
    }
}

impl Drop for Estimator {
    fn drop(&mut self) {
        if let Err(refusal) = self.feedback.set_active(false) {
            tracing::warn!(%refusal, "the congestion estimate did not stop");
        }
    }
}

/// What GCC needs to keep measuring at all.
const ESTIMATE_FLOOR_BPS: u32 = 150_000;
/// More than any ceiling an office line is given.
const ESTIMATE_CEILING_BPS: u32 = 20_000_000;
