//! What repairing lost packets may take of the line.
//!
//! On a line that is too narrow more than half the packets are lost, each is asked for again up to five times, and the repair
//! itself is what is lost next: measured on 1 Mbit/s with a ceiling of 3, 11 Mbit/s were sent. So repair is a share
//! of the ceiling, and what would pass it is not repaired.

use crate::model::Bitrate;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::{Arc, Mutex, PoisonError};

/// The allowance of one session, refilled by time.
pub(super) struct Repair {
    share: Bitrate,
    purse: Mutex<Purse>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Purse {
    bits: u64,
    filled_at: Option<gst::ClockTime>,
}

impl Repair {
    /// The share of `ceiling` that `core::budget` leaves free for it.
    pub(super) fn of(ceiling: Bitrate) -> Self {
        Self { share: Bitrate::from_bps(ceiling.as_bps() / SHARE), purse: Mutex::default() }
    }

    /// Stands in front of an `rtprtxsend`, where the far side's requests arrive.
    pub(super) fn guard(self: &Arc<Self>, rtprtxsend: &gst::Element) {
        let repair = Arc::clone(self);
        let clock = gst::SystemClock::obtain();
        let probe = move |_: &gst::Pad, info: &mut gst::PadProbeInfo<'_>| {
            let structure = info.event().and_then(|event| event.structure());
            let request = structure.is_some_and(|structure| structure.name() == REQUEST);
            if request && !repair.allows(clock.time()) {
                return gst::PadProbeReturn::Handled;
            }
            gst::PadProbeReturn::Ok
        };
        if let Some(pad) = rtprtxsend.static_pad("src") {
            pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, probe);
        }
    }

    /// Whether one more packet may be sent again now; if so, it is paid for.
    fn allows(&self, now: gst::ClockTime) -> bool {
        let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
        let most = u64::from(self.share.as_bps()) * FULL_AFTER.mseconds() / 1000;
        let since = purse.filled_at.map_or(FULL_AFTER, |earlier| now.saturating_sub(earlier)).min(FULL_AFTER);
        let earned = u64::from(self.share.as_bps()) * since.useconds() / 1_000_000;
        *purse = Purse { bits: (purse.bits + earned).min(most.max(PACKET_BITS)), filled_at: Some(now) };
        let allowed = purse.bits >= PACKET_BITS;
        if allowed {
            purse.bits -= PACKET_BITS;
        }
        allowed
    }
}

/// One eighth, as `core::budget` keeps free.
const SHARE: u32 = 8;
/// A burst of losses may use what was saved for so long.
const FULL_AFTER: gst::ClockTime = gst::ClockTime::from_mseconds(500);
/// A full packet with everything around it; requests do not tell the size.
const PACKET_BITS: u64 = 1_280 * 8;
/// The event of gst-plugins-base's rtp, sent upstream by rtpsession for every sequence number of a NACK.
const REQUEST: &str = "GstRTPRetransmissionRequest";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repair_keeps_its_share_and_lets_a_burst_through() {
        let repair = Repair::of(Bitrate::from_kbps(3000));
        let sent = |from: u64, to: u64, every: usize| {
            (from..to).step_by(every).filter(|ms| repair.allows(gst::ClockTime::from_mseconds(*ms))).count()
        };
        let burst = sent(1_000, 1_020, 1);
        assert!((18..=20).contains(&burst), "{burst} of 20 at once");
        let storm = sent(2_000, 12_000, 1);
        // 375 kbit/s of 10 240 bits a packet, and what was saved before.
        assert!((360..=390).contains(&storm), "{storm} of 10 000 in ten seconds");
        let trickle = sent(20_000, 30_000, 40);
        assert_eq!(trickle, 250, "25 a second are all repaired");
    }

    #[test]
    fn the_narrowest_line_still_repairs_now_and_then() {
        let repair = Repair::of(Bitrate::from_kbps(64));
        let sent = (0..10_000_u64).filter(|ms| repair.allows(gst::ClockTime::from_mseconds(*ms))).count();
        assert!((5..=10).contains(&sent), "{sent}");
    }
}
