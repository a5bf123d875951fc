//! Board and floor between core, far box and disk: what is heard, said, kept and shown.

use super::Core;
use crate::core::face::{PollFace, RaisedHand, Slips};
use crate::core::floor::FloorWord;
use crate::core::input::Input;
use crate::core::notes::Told;
use crate::core::output::Output;
use crate::core::signal::Signal;
use crate::core::timers::Timer;
use crate::model::{Mode, Moment, TrunkId};
use std::time::Duration;

/// What was said, kept, and waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Together {
    notes: (Option<TrunkId>, Told),
    notes_said_at: Moment,
    /// [`Notes::changes`](crate::core::notes::Notes::changes) as it was kept last.
    kept: u32,
    floor: Option<(TrunkId, FloorWord)>,
    floor_said_at: Moment,
    /// The far box's word that waits until the rooms are together.
    far_floor: Option<Box<FloorWord>>,
}

impl Core {
    /// What comes from the trunk.
    pub(super) fn handle_together(&mut self, input: &Input) {
        self.handle_live(input);
        let Input::Heard { trunk, signal } = input else { return };
        if !self.link.as_ref().is_some_and(|link| link.trunks.iter().any(|open| open.id == *trunk)) {
            return;
        }
        match signal {
            // Kept whatever the mode: it is not said twice.
            Signal::Notes(word) => {
                self.room.notes.hear(word);
                if self.together.notes.0 == Some(*trunk) {
                    self.together.notes.1.add(word);
                }
            }
            // It may overtake the heartbeat that begins the talk.
            Signal::Floor(word) => self.together.far_floor = Some(word.clone()),
            Signal::Offer { .. }
            | Signal::Answer { .. }
            | Signal::SessionWanted { .. }
            | Signal::SessionEnded { .. }
            | Signal::Heartbeat(_)
            | Signal::Share(_)
            | Signal::Ink(_)
            | Signal::Point(_)
            | Signal::Live(_)
            | Signal::Help(_)
            | Signal::Farewell(_) => {}
        }
    }

    /// Says and keeps what changed.
    pub(super) fn tell_together(&mut self, now: Moment) {
        let trunk = self.link.as_ref().and_then(|link| link.trunks.chosen()).map(|trunk| trunk.id);
        self.tell_floor(trunk, now);
        self.tell_live(now);
        self.room.notes.age(now);
        if let Some(at) = self.room.notes.ages_at() {
            self.room.timers.set(Timer::NotesAge, at);
        }
        // Behind a curtain the board serves this room alone; what was written there is said after it.
        if let Some(trunk) = trunk.filter(|_| !self.room.mode().is_shut()) {
            self.tell_notes(trunk, now);
        }
        let changes = self.room.notes.changes();
        if changes != self.together.kept {
            self.together.kept = changes;
            self.outputs.push_back(Output::KeepBoard(self.room.notes.kept().clone()));
        }
    }

    fn tell_notes(&mut self, trunk: TrunkId, now: Moment) {
        let together = &mut self.together;
        if together.notes.0 != Some(trunk) {
            together.notes = (Some(trunk), Told::default());
        }
        let next = together.notes_said_at + BETWEEN_NOTES;
        if now < next && together.notes_said_at != Moment::default() {
            if self.room.notes.has_untold(&together.notes.1) {
                self.room.timers.set(Timer::NotesDue, next);
            }
            return;
        }
        let Some(word) = self.room.notes.untold(&mut together.notes.1) else { return };
        together.notes_said_at = now;
        self.outputs.push_back(Output::Send { trunk, signal: Signal::Notes(Box::new(word)) });
        if self.room.notes.has_untold(&self.together.notes.1) {
            self.room.timers.set(Timer::NotesDue, now + BETWEEN_NOTES);
        }
    }

    fn tell_floor(&mut self, trunk: Option<TrunkId>, now: Moment) {
        let room = &mut self.room;
        let together = matches!(room.mode(), Mode::Talking | Mode::Meeting);
        if let Some(word) = self.together.far_floor.take_if(|_| together) {
            room.floor.hear(&word);
        }
        let guests = &room.guests;
        room.floor.keep_hands(|guest| guests.is_admitted(guest));
        let Some(trunk) = trunk.filter(|_| together) else {
            if self.together.floor.take().is_some() && !together {
                self.together.far_floor = None;
            }
            return;
        };
        let word = room.floor.word();
        if self.together.floor.as_ref().is_some_and(|(on, said)| *on == trunk && said == word) {
            return;
        }
        let next = self.together.floor_said_at + BETWEEN_FLOORS;
        if self.together.floor.as_ref().is_some_and(|(on, _)| *on == trunk) && now < next {
            return room.timers.set(Timer::FloorDue, next);
        }
        self.together.floor_said_at = now;
        self.together.floor = Some((trunk, word.clone()));
        self.outputs.push_back(Output::Send { trunk, signal: Signal::Floor(Box::new(word.clone())) });
    }

    /// The newest notes; in a meeting, behind a curtain and at night the screen is for something else.
    pub(super) fn slips(&self) -> Slips {
        let board = self.room.notes.board();
        if !matches!(self.room.mode(), Mode::Quiet | Mode::Talking) {
            return Slips::default();
        }
        let older = board.notes.len().saturating_sub(SLIPS);
        let newest = board.notes.iter().skip(older).map(|note| (note.clone(), note.room == board.near));
        Slips { newest: newest.collect(), older }
    }

    pub(super) fn raised_hands(&self) -> Vec<RaisedHand> {
        let hands = self.room.floor.hands().into_iter();
        hands.map(|(hand, near)| RaisedHand { name: hand.name.clone(), near }).collect()
    }

    pub(super) fn shown_poll(&self) -> Option<PollFace> {
        let (poll, votes, skipped) = self.room.floor.poll().filter(|(poll, ..)| poll.shown)?;
        Some(PollFace { poll: poll.clone(), votes, skipped })
    }
}

/// A board full of drawings is some 400 kB: said so slowly it leaves the line to heartbeats and voice.
const BETWEEN_NOTES: Duration = Duration::from_millis(400);
const BETWEEN_FLOORS: Duration = Duration::from_millis(100);
/// Notes on the screen.
const SLIPS: usize = 3;
