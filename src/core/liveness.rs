//! Is what we see alive? Decided from frames that were really decoded and from the peer's heartbeat, never from ICE.

use crate::core::signal::{Cadence, Heartbeat};
use crate::model::{Line, Moment};
use std::time::Duration;

/// What is known about the far box being alive.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    frame_at: Option<Moment>,
    heartbeat: Option<(Heartbeat, Moment)>,
    /// When the peer, silent on purpose before, said that it sends again: its first frame is on the way.
    resumed_at: Option<Moment>,
    /// Capture of the newest frame the peer says it sent, on the near clock.
    far_sent_at: Option<Moment>,
}

impl Liveness {
    /// A camera frame of the current session was decoded.
    pub fn frame_decoded(&mut self, now: Moment) {
        self.frame_at = Some(now);
    }

    /// The peer's heartbeat came.
    ///
    /// Only with `clock_offset_ns` (far minus near) can be said which frames it sent that did not arrive.
    pub fn heard(&mut self, heartbeat: Heartbeat, clock_offset_ns: Option<i64>, now: Moment) {
        let camera = |beat: &Heartbeat| beat.lines[Line::Camera.index()].mark;
        if let Some((mark, offset)) = camera(&heartbeat).zip(clock_offset_ns) {
            self.far_sent_at = Some(mark.captured_at.shifted(-offset));
        }
        let silent = self.cadence() == Some(Cadence::Silent);
        self.heartbeat = Some((heartbeat, now));
        if silent && self.cadence() != Some(Cadence::Silent) {
            self.resumed_at = Some(now);
        }
    }

    /// The peer lives a new life: what it said before no longer counts.
    pub fn forget_far(&mut self) {
        self.heartbeat = None;
        self.resumed_at = None;
        self.far_sent_at = None;
    }

    /// The newest heartbeat.
    pub fn far(&self) -> Option<&Heartbeat> {
        self.heartbeat.as_ref().map(|(beat, _)| beat)
    }

    /// When the newest heartbeat was heard.
    pub fn heartbeat_at(&self) -> Option<Moment> {
        self.heartbeat.as_ref().map(|(_, at)| *at)
    }

    /// When the last frame was decoded.
    pub fn frame_at(&self) -> Option<Moment> {
        self.frame_at
    }

    /// The newest proof of life: a frame, or a heartbeat that announces that no frame is to be expected.
    pub fn proof_at(&self) -> Option<Moment> {
        match self.cadence() {
            Some(Cadence::Silent) => self.frame_at.max(self.heartbeat_at()),
            Some(Cadence::Every(_)) => self.frame_at.max(self.resumed_at),
            None => self.frame_at,
        }
    }

    /// When the proof of life runs out.
    pub fn stale_at(&self) -> Option<Moment> {
        self.proof_at().map(|at| at + self.beat() + STALE_AFTER)
    }

    /// The newest frame itself is fresh: heartbeats that announce none keep the link up, but they make no picture live.
    pub fn picture_is_fresh(&self, now: Moment) -> bool {
        self.picture_old_at().is_some_and(|at| now < at)
    }

    /// When the newest frame is no longer fresh.
    pub fn picture_old_at(&self) -> Option<Moment> {
        self.frame_at.map(|at| at + self.beat() + STALE_AFTER)
    }

    /// How often a proof of life is to be expected.
    pub fn beat(&self) -> Duration {
        match self.cadence() {
            Some(Cadence::Every(beat)) => beat,
            Some(Cadence::Silent) => HEARTBEAT_PERIOD,
            None => Duration::ZERO,
        }
    }

    /// The peer says that it sent frames captured after `since`, and they should have been seen by now.
    pub fn frames_missing_since(&self, since: Moment) -> bool {
        self.far_sent_at.is_some_and(|at| at > since + UNSEEN)
    }

    fn cadence(&self) -> Option<Cadence> {
        self.far().map(|beat| beat.lines[Line::Camera.index()].cadence)
    }
}

/// One heartbeat each way this often; some 300 bytes each, an estimate, make 10 kbit/s.
pub const HEARTBEAT_PERIOD: Duration = Duration::from_millis(250);
/// A line is stale this long beyond its cadence. Stricter than the promised 1.5 s, because the last frame of a torn line may
/// have waited 200 ms for lost packets before it was decoded, and the grey picture has to be drawn.
pub const STALE_AFTER: Duration = Duration::from_millis(1200);
/// What the far clock's estimate may be wrong by, and the path and the decoder may take.
const UNSEEN: Duration = Duration::from_millis(500);
/// A trunk this long silent is dropped and redialled.
pub const TRUNK_SILENT: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::signal::LineNews;

    #[test]
    fn heartbeats_that_announce_no_picture_keep_the_link_up_but_make_no_picture_live() {
        let (began, late) = (Moment::from_nanos(0), Moment::from_nanos(10_000_000_000));
        let mut live = Liveness::default();
        live.frame_decoded(began);
        assert!(live.picture_is_fresh(began));
        let lines = [LineNews { cadence: Cadence::Silent, ..LineNews::default() }; 4];
        let heartbeat = Heartbeat { lines, ..Heartbeat::default() };
        live.heard(heartbeat, None, late);
        assert!(live.stale_at() > Some(late));
        assert!(!live.picture_is_fresh(late));
    }
}
