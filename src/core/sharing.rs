//! The documents between core, far box and hands: what is heard, said and held.

use super::Core;
use crate::core::input::Input;
use crate::core::output::Output;
use crate::core::share::{InkMark, MOST_STROKES, Pointer, Refusal, ShareWord};
use crate::core::signal::Signal;
use crate::core::timers::Timer;
use crate::model::{DocumentId, Mode, Moment, Side, TrunkId};
use std::time::Duration;

/// What the far box was told of documents, and said of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Sharing {
    /// What was last said, and on which connection.
    shared: Option<(TrunkId, ShareWord)>,
    /// The far box's word that waits for the meeting, and when it came.
    far_share: Option<Box<ShareWord>>,
    far_share_at: Moment,
    /// Drawings of the far box that wait for the meeting.
    far_ink: Vec<InkMark>,
    word_due_at: Moment,
    ink_due_at: Moment,
    /// Where the far box believes that this room points, and since when.
    pointed: Option<(Option<Pointer>, Moment)>,
    /// What the store was told to hold, and whether to serve it.
    held: (Vec<(DocumentId, u64)>, bool),
}

impl Core {
    /// What comes from the trunk.
    pub(super) fn handle_share(&mut self, input: &Input, now: Moment) {
        let known = |id| self.link.as_ref().is_some_and(|link| link.trunks.iter().any(|open| open.id == id));
        match input {
            // It may overtake the heartbeat that begins the meeting. What an ended meeting left in it is buried by then.
            Input::Heard { trunk, signal: Signal::Share(word) } if known(*trunk) => {
                // After the first one a word names only what changed. More than two boxes can know is no box.
                match &mut self.sharing.far_share {
                    Some(waiting) if waiting.documents.len() < MOST_NAMED => waiting.join(word),
                    Some(_) | None => self.sharing.far_share = Some(word.clone()),
                }
                self.sharing.far_share_at = now;
            }
            Input::Heard { trunk, signal: Signal::Ink(marks) } if known(*trunk) => {
                if self.sharing.far_ink.len() < MOST_WAITING {
                    self.sharing.far_ink.extend(marks.iter().cloned());
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
        self.room.follow_prints(now);
        let meets = self.room.mode() == Mode::Meeting;
        if let Some(word) = self.sharing.far_share.take_if(|_| meets) {
            self.room.share.hear(&word);
        }
        if meets && !self.sharing.far_ink.is_empty() {
            let marks = std::mem::take(&mut self.sharing.far_ink);
            self.room.share.hear_ink(&marks);
        }
        let held = (self.room.held(), meets);
        if held != self.sharing.held {
            let (documents, served) = held.clone();
            self.sharing.held = held;
            self.outputs.push_back(Output::Hold { documents, served });
        }
        while let Some((document, name)) = self.room.share.next_to_keep() {
            self.outputs.push_back(Output::Keep { document, name });
        }
        let trunk = self.link.as_ref().and_then(|link| link.trunks.chosen()).map(|trunk| trunk.id);
        let Some(trunk) = trunk.filter(|_| meets) else {
            self.room.share.ink.tell_nobody();
            self.sharing.pointed = None;
            let old = now.since(self.sharing.far_share_at) > OVERTAKES;
            if !meets && (self.sharing.shared.take().is_some() || old) {
                // Names outlive their meeting no longer than the documents do.
                (self.sharing.far_share, self.sharing.far_ink) = (None, Vec::new());
            }
            return;
        };
        self.tell_pointer(trunk, now);
        self.tell_word(trunk, now);
    }

    /// The word, and then what is drawn on the documents that it names. A turned page waits for no drawings.
    fn tell_word(&mut self, trunk: TrunkId, now: Moment) {
        let word = self.room.share.word();
        let anew = self.sharing.shared.as_ref().is_none_or(|(on, _)| *on != trunk);
        let changed = self.sharing.shared.as_ref().is_none_or(|(_, said)| said != word);
        if anew {
            self.sharing.word_due_at = now;
        }
        if (anew || changed) && now < self.sharing.word_due_at {
            return self.share_due(self.sharing.word_due_at);
        }
        if anew || changed {
            let said = self.sharing.shared.take().map(|(_, said)| said.documents).filter(|_| !anew).unwrap_or_default();
            self.sharing.shared = Some((trunk, word.clone()));
            let mut word = word.clone();
            word.documents.retain(|document| !said.contains(document));
            let takes = self.takes(WORD_BYTES + word.documents.len() * DOCUMENT_BYTES);
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Share(Box::new(word)) });
            self.sharing.word_due_at = now + takes.clamp(BETWEEN_WORDS, LONGEST_BETWEEN_WORDS);
            self.sharing.ink_due_at = self.sharing.ink_due_at.max(now) + takes;
        }
        if anew {
            self.room.share.ink.tell_all();
        }
        self.tell_ink(trunk, now);
    }

    fn tell_ink(&mut self, trunk: TrunkId, now: Moment) {
        if self.room.share.ink.has_untold() && now >= self.sharing.ink_due_at {
            let marks = self.room.share.ink.tell();
            let takes = self.takes(marks.iter().map(InkMark::weight).sum());
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Ink(marks) });
            self.sharing.ink_due_at = now + takes.max(BETWEEN_WORDS);
        }
        if self.room.share.ink.has_untold() {
            self.share_due(self.sharing.ink_due_at);
        }
    }

    fn tell_pointer(&mut self, trunk: TrunkId, now: Moment) {
        let pointer = self.room.pointer(Side::Near);
        let (said, said_at) = self.sharing.pointed.unwrap_or_default();
        if pointer == said {
            return;
        }
        let next = said_at + BETWEEN_POINTS.max(self.takes(POINTER_BYTES));
        if self.sharing.pointed.is_some() && now < next {
            return self.share_due(next);
        }
        self.sharing.pointed = Some((pointer, now));
        // One that faded here fades there.
        let gone = said.map(|said| Pointer { at: None, ..said });
        if let Some(pointer) = pointer.or(gone) {
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Point(pointer) });
        }
    }

    /// How long so many bytes are to take: of the ceiling they get a part, on a fast line no more than anybody needs.
    fn takes(&self, bytes: usize) -> Duration {
        let bytes_per_s = (self.settings.ceiling.as_bps() / 8 / PART).clamp(SLOWEST, FASTEST);
        Duration::from_secs_f64(bytes as f64 / f64::from(bytes_per_s))
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
/// However slow the line is.
const LONGEST_BETWEEN_WORDS: Duration = Duration::from_millis(500);
/// And one that points: the eye takes 20 places a second for a movement.
const BETWEEN_POINTS: Duration = Duration::from_millis(45);
/// One part of so many of the ceiling, for what is said of documents.
const PART: u32 = 8;
/// Bytes a second.
const SLOWEST: u32 = 1_500;
const FASTEST: u32 = 20_000;
/// With TLS, TCP and IP.
const POINTER_BYTES: usize = 270;
const WORD_BYTES: usize = 240;
const DOCUMENT_BYTES: usize = 420;
/// A word is ahead of the heartbeat that begins its meeting by no more than this.
const OVERTAKES: Duration = Duration::from_secs(2);
/// Documents of a word that waits; with one more word of 64.
const MOST_NAMED: usize = 128;
/// Of the far box, before the meeting that they belong to is heard of.
const MOST_WAITING: usize = 2 * MOST_STROKES;
