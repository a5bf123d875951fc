//! How much later than the quickest packets arrive: the measure of what sound must wait for.

use std::collections::VecDeque;

/// Arrival delay over the last [`WINDOW`] packets. Relative: no clock of the far box is needed.
#[derive(Clone, Debug, Default)]
pub struct Jitter {
    transits: VecDeque<i64>,
    quickest: i64,
    usual_ns: i64,
    peak_ns: f64,
    packets: u32,
}

impl Jitter {
    /// A packet came: arrival time minus RTP time, both in nanoseconds from anywhere. Returns how much later it was than
    /// the quickest.
    pub fn packet(&mut self, transit: i64) -> i64 {
        if self.transits.is_empty() || transit < self.quickest {
            self.quickest = transit;
        }
        self.transits.push_back(transit);
        if self.transits.len() > WINDOW {
            self.transits.pop_front();
        }
        self.packets = self.packets.wrapping_add(1);
        self.peak_ns *= PEAK_KEPT;
        if self.packets.is_multiple_of(MEASURED_EVERY) {
            self.measure();
        }
        transit - self.quickest
    }

    /// A packet came too late by this measure: wait for such ones from now on, less and less.
    pub fn missed(&mut self, late_ns: i64) {
        self.peak_ns = self.peak_ns.max(late_ns as f64);
    }

    /// What nearly all packets need, nanoseconds.
    pub fn usual_ns(&self) -> i64 {
        self.usual_ns.max(self.peak_ns as i64)
    }

    /// Transit of the quickest packet: the origin of every relative delay.
    pub fn quickest(&self) -> i64 {
        self.quickest
    }

    /// The line was silent: RTP time and drift start anew, what it needed stays as a first guess.
    pub fn begin_anew(&mut self) {
        self.peak_ns = self.usual_ns() as f64;
        self.usual_ns = 0;
        self.transits.clear();
    }

    fn measure(&mut self) {
        let mut sorted: Vec<i64> = self.transits.iter().copied().collect();
        let index = sorted.len() * PERCENT / 100;
        let (before, usual, _) = sorted.select_nth_unstable(index.min(self.transits.len() - 1));
        self.quickest = before.iter().copied().min().unwrap_or(*usual);
        self.usual_ns = *usual - self.quickest;
    }
}

/// Ten seconds of 10 ms packets.
const WINDOW: usize = 1000;
const PERCENT: usize = 97;
const MEASURED_EVERY: u32 = 25;
/// Per packet: a peak is down to a third after six seconds of 10 ms packets.
const PEAK_KEPT: f64 = 0.9983;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_what_nearly_all_packets_need_and_a_miss_is_forgotten_slowly() {
        let mut jitter = Jitter::default();
        (0..1000).for_each(|packet| {
            jitter.packet(5_000_000 + packet % 10 * 1_000_000);
        });
        assert_eq!(jitter.usual_ns(), 9_000_000);
        jitter.missed(100_000_000);
        assert_eq!(jitter.usual_ns(), 100_000_000);
        (0..2000).for_each(|_| {
            jitter.packet(5_000_000);
        });
        assert!(jitter.usual_ns() < 4_000_000, "{}", jitter.usual_ns());
        assert_eq!(jitter.transits.len(), WINDOW);
    }
}
