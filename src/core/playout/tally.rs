//! Delay figures of the last second.

use crate::core::input::Percentiles;
use std::time::Duration;

/// Collects delays; bounded.
#[derive(Clone, Debug, Default)]
pub struct Tally(Vec<Duration>);

impl Tally {
    /// One more.
    pub fn add(&mut self, delay: Duration) {
        if self.0.len() < LIMIT {
            self.0.push(delay);
        }
    }

    /// Median and 95th percentile, and begin anew; `None` if nothing was added.
    pub fn take(&mut self) -> Option<Percentiles> {
        self.0.sort_unstable();
        let last = self.0.len().checked_sub(1)?;
        let figures = Percentiles { p50: self.0[last / 2], p95: self.0[last * 95 / 100] };
        self.0.clear();
        Some(figures)
    }
}

/// Ten seconds of sound in packets of 10 ms: nobody asked for so long.
const LIMIT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_added_since_the_last_time() {
        let mut tally = Tally::default();
        assert_eq!(tally.take(), None);
        (1..=101).rev().for_each(|ms| tally.add(Duration::from_millis(ms)));
        let figures = tally.take().unwrap();
        assert_eq!((figures.p50.as_millis(), figures.p95.as_millis()), (51, 96));
        assert_eq!(tally.take(), None);
        (0..5000).for_each(|_| tally.add(Duration::ZERO));
        assert_eq!(tally.0.len(), LIMIT);
    }
}
