//! RTP time as capture time. Wrap-safe: RTP timestamps start anywhere and wrap every 13 to 25 hours.

use crate::core::signal::Alignment;
use crate::model::{Line, Moment};

/// Tells of one line when something was captured, on the near clock.
#[derive(Clone, Copy, Debug)]
pub struct CaptureClock {
    clock_rate: u32,
    mark: Option<(u32, Moment)>,
}

impl CaptureClock {
    /// The clock of a line, without alignment yet.
    pub fn new(line: Line) -> Self {
        Self { clock_rate: line.clock_rate(), mark: None }
    }

    /// The newest pair from the far box.
    pub fn align(&mut self, alignment: Alignment) {
        self.mark = Some((alignment.rtp, alignment.captured_at));
    }

    /// When `rtp` was captured; `None` before the first alignment.
    pub fn captured_at(&self, rtp: u32) -> Option<Moment> {
        let (marked, at) = self.mark?;
        let ticks = i64::from(rtp.wrapping_sub(marked).cast_signed());
        Some(at.shifted(ticks * 1_000_000_000 / i64::from(self.clock_rate)))
    }

    /// The delay of something captured at `rtp` and handed over `now`; `None` where the alignment is of another session
    /// (its RTP time begins elsewhere, so the delay would be absurd).
    pub fn delay(&self, rtp: u32, now: Moment) -> Option<std::time::Duration> {
        let delay_ns = now.minus(self.captured_at(rtp)?);
        (-CLOCKS_DISAGREE_NS..ABSURD_NS)
            .contains(&delay_ns)
            .then(|| std::time::Duration::from_nanos(delay_ns.max(0).unsigned_abs()))
    }
}

/// Follows 32-bit RTP timestamps through their wraps.
#[derive(Clone, Copy, Debug, Default)]
pub struct RtpUnwrap(Option<i64>);

impl RtpUnwrap {
    /// `rtp` without wrap: the 64-bit value nearest to the one before.
    pub fn unwrap(&mut self, rtp: u32) -> i64 {
        let unwrapped = match self.0 {
            None => i64::from(rtp),
            Some(last) => last + i64::from(rtp.wrapping_sub(last as u32).cast_signed()),
        };
        self.0 = Some(unwrapped);
        unwrapped
    }
}

const CLOCKS_DISAGREE_NS: i64 = 20_000_000;
const ABSURD_NS: i64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn capture_time_passes_the_wrap_both_ways() {
        let mut clock = CaptureClock::new(Line::Camera);
        assert_eq!(clock.captured_at(7), None);
        let at = Moment::from_nanos(50_000_000_000);
        clock.align(Alignment { line: Line::Camera, rtp: u32::MAX - 44_999, captured_at: at });
        assert_eq!(clock.captured_at(45_000), Some(at + Duration::from_secs(1)));
        assert_eq!(clock.captured_at(u32::MAX - 134_999), Some(at.shifted(-1_000_000_000)));
        assert_eq!(clock.delay(45_000, at + Duration::from_millis(1030)), Some(Duration::from_millis(30)));
    }

    #[test]
    fn an_alignment_of_another_session_gives_no_delay() {
        let mut clock = CaptureClock::new(Line::Voice);
        let at = Moment::from_nanos(50_000_000_000);
        clock.align(Alignment { line: Line::Voice, rtp: 1_000_000_000, captured_at: at });
        assert_eq!(clock.delay(77, at), None);
    }

    #[test]
    fn unwrapping_goes_on_through_wraps_and_bears_reordering() {
        let mut unwrap = RtpUnwrap::default();
        let start = unwrap.unwrap(u32::MAX - 479);
        assert_eq!(unwrap.unwrap(480) - start, 960);
        assert_eq!(unwrap.unwrap(0) - start, 480);
        assert_eq!(unwrap.unwrap(960) - start, 1440);
    }
}
