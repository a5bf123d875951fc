//! Who waits to be in front, in either room, and what is said to it.

use super::{Answered, Live, LiveSource, Waiting};
use crate::core::request::{Answer, Denied};
use crate::model::{LiveEnd, Moment, Side};
use std::time::Duration;

/// A source of this box that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub source: LiveSource,
    /// Then nobody has answered.
    pub until: Moment,
    /// Nothing comes from it.
    pub silent_since: Option<Moment>,
}

impl Live {
    /// The first that waits, and in which room.
    pub fn waits(&self) -> Option<(Side, &Waiting)> {
        let near = self.word.waiting.as_ref().map(|waiting| (Side::Near, waiting));
        let answered = self.word.answered.map(|answered| answered.asked);
        let far = self.far.waiting.as_ref().filter(|waiting| self.linked && Some(waiting.asked) != answered);
        let far = far.map(|waiting| (Side::Far, waiting));
        near.into_iter().chain(far).min_by_key(|(_, waiting)| waiting.asked)
    }

    /// This room is the one that is asked: it shares, and somebody waits.
    pub fn is_asked(&self) -> bool {
        self.holds() && self.waits().is_some()
    }

    /// Who waits does not come in front any more: nobody new is taken now.
    pub fn refuse_waiting(&mut self) {
        self.end_waiting(LiveEnd::Refused);
    }

    pub(super) fn waiting_to_front(&mut self, presses: [u32; 2], now: Moment) {
        self.word.waiting = None;
        if let Some(Queued { source, until: _, silent_since }) = self.waiting.take() {
            let id = source.id;
            self.put_front(source, presses);
            // Its silence was told once, while it waited.
            if let Some(since) = silent_since {
                self.fell_silent(id, now.since(since), now);
            }
        }
    }

    pub(super) fn answer(&mut self, handed: bool, presses: [u32; 2], now: Moment) -> Answer {
        let Some((side, asked)) = self.waits().map(|(side, waiting)| (side, waiting.asked)).filter(|_| self.holds())
        else {
            return Answer::Denied(Denied::NoShareWaits);
        };
        match (side, handed) {
            (Side::Near, true) => self.waiting_to_front(presses, now),
            (Side::Near, false) => self.end_waiting(LiveEnd::Refused),
            (Side::Far, _) => {
                self.word.answered = Some(Answered { asked, handed });
                if handed {
                    self.end_front(LiveEnd::TakenOver);
                }
            }
        }
        Answer::Accepted
    }

    pub(super) fn end_waiting(&mut self, why: LiveEnd) {
        self.word.waiting = None;
        if let Some(Queued { source, .. }) = self.waiting.take() {
            self.end_source(&source, why);
        }
    }
}

/// Nobody answers for so long: the one in front is kept.
pub(super) const WAITS: Duration = Duration::from_secs(30);
