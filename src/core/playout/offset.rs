//! Far clock minus near clock, from heartbeats.
//!
//! Promise: within 1 ms while the clocks drift apart by up to 500 ppm, as long as one heartbeat in a window of 12 s
//! crosses the line without queueing. The half of a constant asymmetry of the path cannot be seen by anybody.

use crate::core::signal::Echo;
use crate::model::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Minimum-rtt filter with a slow estimate of drift.
#[derive(Clone, Debug, Default)]
pub struct ClockOffset {
    /// Every heartbeat of the last [`WINDOW`].
    recent: VecDeque<Probe>,
    /// The quickest heartbeat of each [`STRETCH`]: what drift is read from.
    quickest: VecDeque<Probe>,
    drift: f64,
    offset_ns: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    at: Moment,
    rtt_ns: i64,
    offset_ns: i64,
}

impl ClockOffset {
    /// A heartbeat came: `echo` answers one of ours, `sent_at` is the far clock at sending, `now` the near clock at hearing.
    pub fn heard(&mut self, echo: Option<Echo>, sent_at: Moment, now: Moment) {
        let Some(echo) = echo else { return };
        let rtt_ns = now.minus(echo.sent_at).saturating_sub(sent_at.minus(echo.heard_at));
        if echo.sent_at > now || rtt_ns < 0 {
            return; // an echo of another life
        }
        // NTP (RFC 5905): half of (t1 − t0) + (t2 − t3).
        let sum = i128::from(echo.heard_at.minus(echo.sent_at)) + i128::from(sent_at.minus(now));
        let Ok(offset_ns) = i64::try_from(sum / 2) else { return };
        let probe = Probe { at: now, rtt_ns, offset_ns };
        self.recent.push_back(probe);
        while self.recent.front().is_some_and(|old| now.since(old.at) > WINDOW) || self.recent.len() > RECENT_LIMIT {
            self.recent.pop_front();
        }
        self.remember_quickest(probe);
        self.offset_ns = self.estimate(now);
    }

    /// Far clock minus near clock in nanoseconds, as of the last heartbeat.
    pub fn offset_ns(&self) -> Option<i64> {
        self.offset_ns
    }

    /// The shortest round trip of the window.
    pub fn rtt(&self) -> Option<Duration> {
        let shortest = self.recent.iter().map(|probe| probe.rtt_ns).min()?;
        Some(Duration::from_nanos(shortest.unsigned_abs()))
    }

    /// A moment of the far clock on the near clock.
    pub fn near(&self, far: Moment) -> Option<Moment> {
        self.offset_ns.map(|offset| far.shifted(offset.saturating_neg()))
    }

    /// Forgets everything: the far box has a new boot, so its clock is another one.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn remember_quickest(&mut self, probe: Probe) {
        let starts_anew = self.quickest.back().is_none_or(|last| self.stretch_of(*last) != self.stretch_of(probe));
        if starts_anew {
            self.drift = self.measured_drift().unwrap_or(self.drift);
            self.quickest.push_back(probe);
            if self.quickest.len() > STRETCHES {
                self.quickest.pop_front();
            }
        } else if let Some(last) = self.quickest.back_mut().filter(|last| probe.rtt_ns < last.rtt_ns) {
            *last = probe;
        }
    }

    fn stretch_of(&self, probe: Probe) -> u128 {
        u128::from(probe.at.as_nanos()) / STRETCH.as_nanos()
    }

    /// Median of all slopes between quick probes (Theil–Sen): a few bad ones do not move it.
    fn measured_drift(&self) -> Option<f64> {
        let shortest = self.quickest.iter().map(|probe| probe.rtt_ns).min()?;
        let good: Vec<&Probe> =
            self.quickest.iter().filter(|probe| probe.rtt_ns <= shortest + QUEUEING_ALLOWED_NS).collect();
        if good.len() < 4 {
            return None;
        }
        let mut slopes: Vec<f64> = Vec::with_capacity(good.len() * good.len() / 2);
        for (index, late) in good.iter().enumerate() {
            for early in &good[..index] {
                slopes.push((late.offset_ns - early.offset_ns) as f64 / late.at.minus(early.at) as f64);
            }
        }
        let middle = slopes.len() / 2;
        let (_, median, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
        Some(median.clamp(-DRIFT_LIMIT, DRIFT_LIMIT))
    }

    /// The probe with the least possible error: what it queued plus what the clocks may have drifted since.
    fn estimate(&self, now: Moment) -> Option<i64> {
        let shortest = self.recent.iter().map(|probe| probe.rtt_ns).min()?;
        let uncertainty = if self.quickest.len() > 4 { DRIFT_KNOWN } else { DRIFT_UNKNOWN };
        let doubt = |probe: &&Probe| {
            let age = now.minus(probe.at) as f64;
            (probe.rtt_ns - shortest) as f64 / 2.0 + age * uncertainty
        };
        let best = self.recent.iter().min_by(|a, b| doubt(a).total_cmp(&doubt(b)))?;
        let drifted = self.drift * now.minus(best.at) as f64;
        Some(best.offset_ns.saturating_add(drifted as i64))
    }
}

const WINDOW: Duration = Duration::from_secs(12);
/// Twice what a heartbeat every 250 ms fills.
const RECENT_LIMIT: usize = 64;
const STRETCH: Duration = Duration::from_secs(4);
const STRETCHES: usize = 16;
/// A stretch whose quickest heartbeat queued longer than this says nothing of drift.
const QUEUEING_ALLOWED_NS: i64 = 2_000_000;
/// No working crystal is further off.
const DRIFT_LIMIT: f64 = 500e-6;
const DRIFT_UNKNOWN: f64 = 200e-6;
const DRIFT_KNOWN: f64 = 30e-6;

#[cfg(test)]
mod tests {
    use super::*;

    /// A pair of clocks and a line between them, in pretend time.
    struct Line {
        far_ahead_ns: i64,
        ppm: i64,
        seed: u64,
    }

    impl Line {
        fn far(&self, near: Moment) -> Moment {
            near.shifted(self.far_ahead_ns + near.as_nanos() as i64 / 1_000_000 * self.ppm)
        }
        fn random(&mut self) -> u64 {
            self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            self.seed >> 33
        }
        /// One exchange that ends at `now`; queueing differs by direction.
        fn exchange(&self, offset: &mut ClockOffset, now: Moment, there: Duration, back: Duration) {
            let t2 = now.shifted(-(back.as_nanos() as i64));
            let t1 = t2.shifted(-120_000_000);
            let t0 = t1.shifted(-(there.as_nanos() as i64));
            offset.heard(Some(Echo { sent_at: t0, heard_at: self.far(t1) }), self.far(t2), now);
        }
        fn error_ms(&self, offset: &ClockOffset, now: Moment) -> f64 {
            let truth = self.far(now).minus(now);
            (offset.offset_ns().unwrap() - truth) as f64 / 1e6
        }
    }

    #[test]
    fn drift_and_queueing_leave_less_than_a_millisecond_of_error() {
        for ppm in [-200, 0, 200] {
            let mut line = Line { far_ahead_ns: 77_000_000_000, ppm, seed: 7 };
            let mut offset = ClockOffset::default();
            for beat in 0..4 * 1200_u64 {
                let now = Moment::from_nanos(100_000_000_000 + beat * 250_000_000);
                // Two of three heartbeats queue for up to 80 ms in one direction only.
                let queued =
                    |random: u64| Duration::from_micros(if random.is_multiple_of(3) { 0 } else { random % 80_000 });
                let there = Duration::from_micros(1000) + queued(line.random());
                let back = Duration::from_micros(1000 + line.random() % 200);
                line.exchange(&mut offset, now, there, back);
                if beat > 4 * 10 {
                    let error = line.error_ms(&offset, now);
                    assert!(error.abs() < 1.0, "{ppm} ppm, beat {beat}: {error} ms");
                }
            }
            assert!(offset.rtt().unwrap() < Duration::from_micros(2300));
        }
    }

    #[test]
    fn spikes_in_one_direction_are_not_believed() {
        let line = Line { far_ahead_ns: -5_000_000_000, ppm: 0, seed: 1 };
        let mut offset = ClockOffset::default();
        let start = 1_000_000_000_000;
        for beat in 0..8_u64 {
            let there = Duration::from_millis(if beat == 0 { 1 } else { 300 });
            line.exchange(&mut offset, Moment::from_nanos(start + beat * 250_000_000), there, Duration::from_millis(1));
        }
        assert!(line.error_ms(&offset, Moment::from_nanos(start)).abs() < 0.5);
    }

    #[test]
    fn an_echo_of_another_life_is_ignored_and_a_reset_forgets() {
        let mut offset = ClockOffset::default();
        let now = Moment::from_nanos(1_000_000_000);
        let echo = Echo { sent_at: now + Duration::from_secs(9), heard_at: now };
        offset.heard(Some(echo), now, now);
        assert_eq!(offset.offset_ns(), None);
        let line = Line { far_ahead_ns: 5, ppm: 0, seed: 1 };
        line.exchange(&mut offset, now, Duration::ZERO, Duration::ZERO);
        assert_eq!(offset.near(line.far(now)), Some(now));
        offset.reset();
        assert_eq!((offset.offset_ns(), offset.rtt()), (None, None));
    }
}
