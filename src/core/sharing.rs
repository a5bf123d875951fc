//! The documents between core, far box and hands: what is heard, said and held.

use super::Core;
use crate::core::input::Input;
use crate::core::ledger::Entry;
use crate::core::output::Output;
use crate::core::share::{MOST_STROKES, Pointer, Refusal};
use crate::core::signal::Signal;
use crate::core::timers::Timer;
use crate::model::{Mode, Moment, Side, TrunkId};
use std::time::Duration;

impl Core {
    /// What comes from the trunk.
    pub(super) fn handle_share(&mut self, input: &Input, now: Moment) {
        let known = |id| self.link.as_ref().is_some_and(|link| link.trunks.iter().any(|open| open.id == id));
        match input {
            // It may overtake the heartbeat that begins the meeting. What an ended meeting left in it is buried by then.
            Input::Heard { trunk, signal: Signal::Share(word) } if known(*trunk) => self.far_share = Some(word.clone()),
            Input::Heard { trunk, signal: Signal::Ink(marks) } if known(*trunk) => {
                if self.far_ink.len() < MOST_WAITING {
                    self.far_ink.extend(marks.iter().cloned());
                }
            }
            Input::Heard { trunk, signal: Signal::Point(pointer) } if known(*trunk) => {
                if self.room.mode() == Mode::Meeting {
                    self.room.point(Side::Far, *pointer, now);
                }
            }
            Input::DocumentArrived { document } => self.room.share.arrived(*document),
            // In a meeting it serves what it has: if it has not, it is nowhere.
            Input::DocumentWithheld { document }
                if self.room.mode() == Mode::Meeting && !self.room.share.is_here(*document) =>
            {
                self.room.document_refused(*document, Refusal::NotArrived, now);
            }
            Input::DocumentFailed { document } => {
                self.room.document_refused(*document, Refusal::NotArrived, now);
            }
            Input::DocumentWithheld { .. }
            | Input::TrunkOpened { .. }
            | Input::TrunkClosed { .. }
            | Input::DialFailed { .. }
            | Input::BulkChanged { .. }
            | Input::Heard { .. }
            | Input::SessionDescribed { .. }
            | Input::SessionSecured { .. }
            | Input::SessionFailed { .. }
            | Input::DeviceChanged { .. }
            | Input::NetworkChanged(_)
            | Input::RenewalDue
            | Input::Room(_)
            | Input::StopRequested => {}
        }
    }

    /// Says, holds and keeps what changed.
    pub(super) fn tell_share(&mut self, now: Moment) {
        let meets = self.room.mode() == Mode::Meeting;
        if let Some(word) = self.far_share.take_if(|_| meets) {
            self.room.share.hear(&word);
        }
        if meets && !self.far_ink.is_empty() {
            let marks = std::mem::take(&mut self.far_ink);
            self.room.share.hear_ink(&marks);
        }
        let held = (self.room.share.held(), meets);
        if held != self.held {
            let (documents, served) = held.clone();
            self.held = held;
            self.outputs.push_back(Output::Hold { documents, served });
        }
        while let Some((document, name)) = self.room.share.next_to_keep() {
            let length = self.room.share.open().find(|open| open.id == document).map_or(0, |open| open.length);
            self.outputs.push_back(Output::Record(Entry::DocumentKept { length }));
            self.outputs.push_back(Output::Keep { document, name });
        }
        let trunk = self.link.as_ref().and_then(|link| link.trunks.chosen()).map(|trunk| trunk.id);
        let Some(trunk) = trunk.filter(|_| meets) else {
            self.room.share.ink.tell_nobody();
            self.pointed = None;
            if self.shared.take().is_some() && !meets {
                // Names outlive their meeting no longer than the documents do.
                (self.far_share, self.far_ink) = (None, Vec::new());
            }
            return;
        };
        self.tell_pointer(trunk, now);
        self.tell_word(trunk, now);
    }

    /// The word, and then what is drawn on the documents that it names.
    fn tell_word(&mut self, trunk: TrunkId, now: Moment) {
        let word = self.room.share.word();
        let anew = self.shared.as_ref().is_none_or(|(on, _)| *on != trunk);
        let changed = self.shared.as_ref().is_none_or(|(_, said)| said != word);
        if !anew && !changed && !self.room.share.ink.has_untold() {
            return;
        }
        let next = self.share_said_at + BETWEEN_WORDS;
        if !anew && now < next {
            return self.share_due(next);
        }
        self.share_said_at = now;
        if anew || changed {
            let word = word.clone();
            self.shared = Some((trunk, word.clone()));
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Share(Box::new(word)) });
        }
        if anew {
            self.room.share.ink.tell_all();
        }
        let marks = self.room.share.ink.tell();
        if !marks.is_empty() {
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Ink(marks) });
        }
        if self.room.share.ink.has_untold() {
            self.share_due(now + BETWEEN_WORDS);
        }
    }

    fn tell_pointer(&mut self, trunk: TrunkId, now: Moment) {
        let pointer = self.room.pointer(Side::Near);
        let (said, said_at) = self.pointed.unwrap_or_default();
        if pointer == said {
            return;
        }
        let next = said_at + BETWEEN_POINTS;
        if self.pointed.is_some() && now < next {
            return self.share_due(next);
        }
        self.pointed = Some((pointer, now));
        // One that faded here fades there.
        let gone = said.map(|said| Pointer { at: None, ..said });
        if let Some(pointer) = pointer.or(gone) {
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Point(pointer) });
        }
    }

    /// The earliest of several.
    fn share_due(&mut self, at: Moment) {
        let timers = &mut self.room.timers;
        if timers.at(Timer::ShareDue).is_none_or(|due| due > at) {
            timers.set(Timer::ShareDue, at);
        }
    }
}

/// A finger that zooms says no more than this: the line is shared with heartbeats.
const BETWEEN_WORDS: Duration = Duration::from_millis(50);
/// And one that points: the eye takes 20 places a second for a movement.
const BETWEEN_POINTS: Duration = Duration::from_millis(45);
/// Of the far box, before the meeting that they belong to is heard of.
const MOST_WAITING: usize = 2 * MOST_STROKES;
