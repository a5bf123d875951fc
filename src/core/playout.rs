//! The arithmetic of playout: clock offset, capture time, jitter, and how to correct delay. Pure; media carries it out.
use crate::core::signal::Echo;
use crate::model::Moment;
use std::time::Duration;
/// stub until merged
#[derive(Clone, Debug, Default)]
pub struct ClockOffset(Option<Duration>, Option<i64>);
impl ClockOffset {
    /// heard
    pub fn heard(&mut self, echo: Option<Echo>, sent_at: Moment, now: Moment) {
        if let Some(e) = echo {
            let there = e.heard_at.minus(e.sent_at);
            let back = sent_at.minus(now);
            self.1 = Some((there + back) / 2);
            self.0 = Some(Duration::from_nanos((there - back).max(0) as u64));
        }
    }
    /// rtt
    pub fn rtt(&self) -> Option<Duration> {
        self.0
    }
    /// offset
    pub fn offset_ns(&self) -> Option<i64> {
        self.1
    }
}
