//! The notice board: short notes of both rooms, on both screens.
//!
//! ```text
//!   write ────► note ── said ──► the far box ── joined ──► the same board
//!   take away, a week over ──► gone: a mark that keeps it from coming back
//! ```
//! May be relied on: two boxes that heard everything of each other hold the same notes, whoever was cut off, restarted or
//! lost its power meanwhile; what was taken away stays away. A note ends after a week of powered-on time, counted by each box
//! and kept over a restart: no clock can keep the board or wipe it, only misdate it.
//! Deliberately absent: who may write (the room's policy), files (the system's).

mod note;

pub use note::{LETTERS, NAME, Note, POINTS, Paper, SHEET, STROKES, Stroke, one_line, short_name};

use crate::core::request::{Answer, Denied};
use crate::core::share::Stamp;
use crate::model::{BootId, BoxId, Moment, Role};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The machine. [`super::Core`] feeds it.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    role: Role,
    life: BootId,
    kept: Kept,
    /// Another number: something is to be kept, or shown.
    changes: u32,
    shown: Board,
    aged_at: Option<Moment>,
}

/// What outlives the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Whose board it is with: another pair begins with an empty one.
    pub peer: Option<BoxId>,
    /// More than the count of every note that ever was.
    pub newest: u32,
    /// Notes, oldest first.
    pub notes: Vec<Hung>,
    /// Notes that must not come back.
    pub gone: Vec<Gone>,
}

/// A note on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hung {
    /// What was written.
    pub note: Arc<Note>,
    /// Powered-on minutes that it stays.
    pub minutes: u32,
}

/// A note that was taken away, or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Which.
    pub stamp: Stamp,
    /// Powered-on minutes for which this is remembered.
    pub minutes: u32,
}

/// Part of the board, as two boxes tell each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotesWord {
    /// Notes.
    pub notes: Vec<Hung>,
    /// What must not come back.
    pub gone: Vec<Gone>,
}

/// The board as it is shown. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// Another number with every change.
    pub number: u32,
    /// Which of the two rooms is this one.
    pub near: Role,
    /// Oldest first.
    pub notes: Arc<[Arc<Note>]>,
}

/// What somebody wants of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteRequest {
    /// Put this on it.
    Write(Paper),
    /// Take this away.
    Take(Stamp),
}

/// What the far box was told: which notes, and which of them as gone.
#[derive(Clone, Debug, Default)]
pub struct Told(BTreeSet<(Stamp, bool)>);

impl Notes {
    /// With what was kept.
    pub fn new(kept: Kept) -> Self {
        let mut notes = Self { kept, ..Self::default() };
        notes.show();
        notes
    }

    /// The box knows its peer and this life's name. What was written with another peer is not for this one.
    pub fn take_peer(&mut self, peer: BoxId, role: Role, life: BootId) {
        (self.role, self.life) = (role, life);
        if self.kept.peer != Some(peer) {
            let written = self.kept.peer.is_some();
            self.kept = Kept { peer: Some(peer), ..Kept::default() };
            self.changes += u32::from(written);
        }
        self.show();
    }

    /// The board.
    pub fn board(&self) -> &Board {
        &self.shown
    }

    /// Another number when there is something new to keep.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// What to keep.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Somebody of this room asks; `name`: as on the note.
    pub fn ask(&mut self, request: &NoteRequest, name: &str, wall_ms: u64) -> Answer {
        if self.kept.peer.is_none() {
            return Answer::Denied(Denied::NotPaired);
        }
        match request {
            NoteRequest::Write(_) if self.kept.notes.len() >= MOST => return Answer::Denied(Denied::BoardFull),
            NoteRequest::Write(paper) => {
                self.kept.newest = self.kept.newest.saturating_add(1);
                let stamp = Stamp { count: self.kept.newest, by: self.life };
                let (paper, name, room) = (paper.clone(), short_name(name), self.role);
                let note = Arc::new(Note { stamp, paper, room, name, written_ms: wall_ms });
                self.hang(Hung { note, minutes: LIFE });
            }
            NoteRequest::Take(stamp) if !self.hangs(*stamp) => return Answer::Denied(Denied::NoSuchNote),
            NoteRequest::Take(stamp) => self.take(Gone { stamp: *stamp, minutes: REMEMBERED }),
        }
        self.changed();
        Answer::Accepted
    }

    /// The far box's word, or a part of it.
    pub fn hear(&mut self, word: &NotesWord) {
        let before = self.kept.clone();
        for gone in &word.gone {
            self.take(Gone { minutes: gone.minutes.min(REMEMBERED), ..*gone });
        }
        for theirs in &word.notes {
            let stamp = theirs.note.stamp;
            let minutes = theirs.minutes.min(LIFE);
            if self.kept.gone.iter().any(|gone| gone.stamp == stamp) {
                continue;
            }
            let full = self.kept.notes.len() >= 2 * MOST;
            match self.kept.notes.iter_mut().find(|ours| ours.note.stamp == stamp) {
                Some(ours) => {
                    ours.minutes = ours.minutes.min(minutes);
                    // One stamp on two notes is no box; both keep the same one all the same.
                    if theirs.note < ours.note {
                        ours.note = theirs.note.clone();
                    }
                }
                // Two boxes that were cut apart may each have a full one.
                None if full => {}
                None => self.hang(Hung { note: theirs.note.clone(), minutes }),
            }
        }
        if self.kept != before {
            self.changed();
        }
    }

    /// Time passed: counts it, now and then, and takes away what is over.
    pub fn age(&mut self, now: Moment) {
        let passed = now.since(*self.aged_at.get_or_insert(now));
        if passed < COUNTED_EVERY {
            return;
        }
        let minutes = passed.as_secs() / 60;
        self.aged_at = self.aged_at.map(|at| at + Duration::from_secs(60 * minutes));
        let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
        if self.is_empty() {
            return;
        }
        for gone in &mut self.kept.gone {
            gone.minutes = gone.minutes.saturating_sub(minutes);
        }
        self.kept.gone.retain(|gone| gone.minutes > 0);
        for hung in &mut self.kept.notes {
            hung.minutes = hung.minutes.saturating_sub(minutes);
        }
        let over = |hung: &&Hung| hung.minutes == 0;
        let over: Vec<Stamp> = self.kept.notes.iter().filter(over).map(|hung| hung.note.stamp).collect();
        for stamp in over {
            self.take(Gone { stamp, minutes: REMEMBERED });
        }
        self.changed();
    }

    /// When [`Notes::age`] has something to count.
    pub fn ages_at(&self) -> Option<Moment> {
        self.aged_at.filter(|_| !self.is_empty()).map(|at| at + COUNTED_EVERY)
    }

    /// Something that the far box was not told yet, as much as goes into one message.
    pub fn untold(&self, told: &mut Told) -> Option<NotesWord> {
        let mut word = NotesWord::default();
        let mut weight = 0;
        for gone in self.kept.gone.iter().filter(|gone| !told.0.contains(&(gone.stamp, true))) {
            weight += GONE_WEIGHT;
            if weight > MESSAGE {
                break;
            }
            word.gone.push(*gone);
        }
        for hung in self.kept.notes.iter().filter(|hung| !told.0.contains(&(hung.note.stamp, false))) {
            weight += NOTE_WEIGHT + hung.note.paper.weight();
            if weight > MESSAGE && !(word.notes.is_empty() && word.gone.is_empty()) {
                break;
            }
            word.notes.push(hung.clone());
        }
        told.add(&word);
        told.0.retain(|(stamp, gone)| match gone {
            true => self.kept.gone.iter().any(|known| known.stamp == *stamp),
            false => self.hangs(*stamp),
        });
        (word != NotesWord::default()).then_some(word)
    }

    /// Whether [`Notes::untold`] has something.
    pub fn has_untold(&self, told: &Told) -> bool {
        self.kept.gone.iter().any(|gone| !told.0.contains(&(gone.stamp, true)))
            || self.kept.notes.iter().any(|hung| !told.0.contains(&(hung.note.stamp, false)))
    }

    fn is_empty(&self) -> bool {
        self.kept.notes.is_empty() && self.kept.gone.is_empty()
    }

    fn hangs(&self, stamp: Stamp) -> bool {
        self.kept.notes.iter().any(|hung| hung.note.stamp == stamp)
    }

    fn hang(&mut self, hung: Hung) {
        self.kept.newest = self.kept.newest.max(hung.note.stamp.count);
        self.kept.notes.push(hung);
        // As they were written, whatever the clocks say.
        self.kept.notes.sort_by_key(|hung| hung.note.stamp);
    }

    fn take(&mut self, gone: Gone) {
        self.kept.newest = self.kept.newest.max(gone.stamp.count);
        self.kept.notes.retain(|hung| hung.note.stamp != gone.stamp);
        match self.kept.gone.iter_mut().find(|known| known.stamp == gone.stamp) {
            Some(known) => known.minutes = known.minutes.max(gone.minutes),
            None => self.kept.gone.push(gone),
        }
        self.kept.gone.sort_by_key(|gone| (std::cmp::Reverse(gone.minutes), gone.stamp));
        // A box that missed so many may bring an old note back: it can be taken away again.
        self.kept.gone.truncate(MOST_GONE);
    }

    fn changed(&mut self) {
        self.changes = self.changes.wrapping_add(1);
        self.show();
    }

    fn show(&mut self) {
        let notes: Vec<Arc<Note>> = self.kept.notes.iter().map(|hung| hung.note.clone()).collect();
        if self.shown.notes[..] != notes[..] || self.shown.near != self.role {
            self.shown = Board { number: self.shown.number.wrapping_add(1), near: self.role, notes: notes.into() };
        }
    }
}

impl Told {
    /// What both boxes know of.
    pub fn add(&mut self, word: &NotesWord) {
        self.0.extend(word.notes.iter().map(|hung| (hung.note.stamp, false)));
        self.0.extend(word.gone.iter().map(|gone| (gone.stamp, true)));
    }
}

/// On the board at once.
pub const MOST: usize = 40;
/// A note stays so many minutes: a week.
pub const LIFE: u32 = 7 * 24 * 60;
/// What is gone is remembered four weeks: a box that was off for longer brings its note back, to be taken away again.
const REMEMBERED: u32 = 4 * LIFE;
/// Of these, so many.
pub const MOST_GONE: usize = 200;
/// Powered-on time is counted in such steps, minutes: one that had begun when the machine was switched off is lost.
pub const STEP: u32 = 10;
const COUNTED_EVERY: Duration = Duration::from_secs(60 * STEP as u64);
/// Bytes of one message, unless one note alone has more: a heartbeat behind it waits little.
const MESSAGE: usize = 8 * 1024;
/// Bytes of a note without its paper, and of one that is gone, at most.
const NOTE_WEIGHT: usize = 240;
const GONE_WEIGHT: usize = 48;

#[cfg(test)]
mod tests;
