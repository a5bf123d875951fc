//! Compares what was recognised with what is so.

use super::script::Truth;

/// The sums of one or many plays.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Generated time, seconds.
    pub seconds: f32,
    /// Arrivals at another taught view than the last recognised one.
    pub turns: usize,
    /// From rest to decision, seconds; negative if decided while the hand still trembled.
    pub delays: Vec<f32>,
    /// Arrivals that were never recognised during the whole stay.
    pub missed: usize,
    /// Recognised, but not where the camera was or was going.
    pub wrong: usize,
    /// Stays at places that were never taught.
    pub strange: usize,
}

/// Follows one play.
#[derive(Default)]
pub struct Judge {
    score: Score,
    known: Option<usize>,
    last: Option<Truth>,
    /// Arrived there and not yet recognised.
    waited_for: Option<f32>,
}

impl Judge {
    /// The play begins at view 0.
    pub fn new() -> Self {
        Self { known: Some(0), ..Self::default() }
    }

    /// False if what was said is wrong.
    pub fn see(&mut self, at: f32, truth: Truth, said: Option<usize>) -> bool {
        let wrong = self.score.wrong;
        self.score.seconds = at;
        if self.last != Some(truth) {
            self.missed();
            match truth {
                Truth::Resting { view: Some(view), since } if Some(view) != self.known => {
                    self.score.turns += 1;
                    self.waited_for = Some(since);
                }
                Truth::Resting { view: None, .. } => self.score.strange += 1,
                Truth::Resting { .. } | Truth::Turning { .. } => {}
            }
            self.last = Some(truth);
        }
        let Some(said) = said else { return true };
        match truth {
            Truth::Resting { view, .. } if view == Some(said) && self.known != Some(said) => {
                let since = self.waited_for.take();
                self.score.delays.extend(since.map(|since| at - since));
            }
            // Decided in the last moment of the turn: right, and at once.
            Truth::Turning { to } if to == Some(said) && self.known != Some(said) => {
                self.score.turns += 1;
                self.score.delays.push(0.0);
            }
            Truth::Resting { .. } | Truth::Turning { .. } => self.score.wrong += 1,
        }
        self.known = Some(said);
        wrong == self.score.wrong
    }

    /// The end of the play. What was not yet due does not count.
    pub fn end(mut self) -> Score {
        if self.waited_for.take_if(|since| self.score.seconds - *since < LIMIT).is_some() {
            self.score.turns -= 1;
        }
        self.missed();
        self.score
    }

    fn missed(&mut self) {
        self.score.missed += usize::from(self.waited_for.take().is_some());
    }
}

impl Score {
    pub fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.turns += other.turns;
        self.delays.extend(other.delays);
        self.missed += other.missed;
        self.wrong += other.wrong;
        self.strange += other.strange;
    }

    /// Recognised, but later than wanted.
    pub fn late(&self) -> usize {
        self.delays.iter().filter(|delay| **delay > LIMIT).count()
    }

    /// A delay that this share of the turns did not exceed, seconds.
    pub fn delay(&self, share: f32) -> Option<f32> {
        let mut delays = self.delays.clone();
        delays.sort_by(f32::total_cmp);
        let last = delays.len().checked_sub(1)?;
        delays.get((last as f32 * share).round() as usize).copied()
    }
}

/// From rest to decision, seconds.
pub const LIMIT: f32 = 2.0;
