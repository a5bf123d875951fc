//! A set of byte positions, kept as ranges that neither overlap nor touch.

use std::ops::Range;

/// Empty at first. Work and memory go with the number of ranges, not of bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// Adds every position in `range`.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|known| known.end < range.start);
        let beyond = self.0.partition_point(|known| known.start <= range.end);
        let merged = match self.0.get(first..beyond) {
            Some([one]) => range.start.min(one.start)..range.end.max(one.end),
            Some([one, .., last]) => range.start.min(one.start)..range.end.max(last.end),
            Some([]) | None => range,
        };
        self.0.splice(first..beyond, [merged]);
    }

    /// What of `within` is not here, in order.
    pub fn missing(&self, within: Range<u64>) -> Vec<Range<u64>> {
        let mut missing = Vec::new();
        let mut from = within.start;
        let first = self.0.partition_point(|known| known.end <= within.start);
        for known in self.0.iter().skip(first).take_while(|known| known.start < within.end) {
            if from < known.start {
                missing.push(from..known.start);
            }
            from = known.end;
        }
        if from < within.end {
            missing.push(from..within.end);
        }
        missing
    }

    /// What of `within` is here, in order.
    pub fn present(&self, within: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let first = self.0.partition_point(|known| known.end <= within.start);
        let known = self.0.get(first..).unwrap_or_default().iter();
        let clipped = known.map(move |known| known.start.max(within.start)..known.end.min(within.end));
        clipped.take_while(|part| !part.is_empty())
    }

    /// Whether all of these positions are here.
    pub fn contains(&self, others: &Self) -> bool {
        others.0.iter().all(|range| self.missing(range.clone()).is_empty())
    }

    /// The first position behind all that are here.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |last| last.end)
    }

    /// Whether adding `range` makes no range more.
    pub fn touches(&self, range: &Range<u64>) -> bool {
        let first = self.0.partition_point(|known| known.end < range.start);
        self.0.get(first).is_some_and(|known| known.start <= range.end)
    }

    /// How many positions are here.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// How many from 0 on are here without a gap.
    pub fn front(&self) -> u64 {
        self.0.first().filter(|first| first.start == 0).map_or(0, |first| first.end)
    }

    /// At most so many ranges, at the price of what lies between those that are nearest to each other.
    #[must_use]
    pub fn joined(mut self, most: usize) -> Self {
        while self.0.len() > most.max(1) {
            let between = |at: &usize| self.0[at + 1].start - self.0[*at].end;
            let Some(at) = (0..self.0.len() - 1).min_by_key(between) else { break };
            self.0[at].end = self.0.remove(at + 1).end;
        }
        self
    }

    /// As ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.0.iter().cloned()
    }

    /// How many ranges.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Range<u64>> for Ranges {
    fn from_iter<T: IntoIterator<Item = Range<u64>>>(ranges: T) -> Self {
        let mut all = Self::default();
        ranges.into_iter().for_each(|range| all.insert(range));
        all
    }
}
