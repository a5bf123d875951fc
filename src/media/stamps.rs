//! Bench only: reads the stamps of far frames at the moment they are handed to the renderer.

use crate::core::input::StampReport;
use crate::model::Moment;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The delays of the newest [`KEPT`] stamps; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stamps(Arc<Mutex<VecDeque<Duration>>>);

impl Stamps {
    /// A frame with this stamp was handed to the renderer.
    pub fn read(&self, stamped_at: Moment, handed_at: Moment) {
        let mut delays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if delays.len() == KEPT {
            delays.pop_front();
        }
        delays.push_back(handed_at.since(stamped_at));
    }

    /// Percentiles of what is kept.
    pub fn report(&self) -> Option<StampReport> {
        let mut sorted: Vec<Duration> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        sorted.sort_unstable();
        let at =
            |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied();
        let (p50, p95, p99) = (at(50)?, at(95)?, at(99)?);
        Some(StampReport { count: sorted.len(), p50, p95, p99 })
    }
}

/// Ten seconds at 30 frames a second.
const KEPT: usize = 300;
