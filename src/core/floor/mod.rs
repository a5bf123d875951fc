//! The floor: raised hands and one poll, while both rooms are together (talking or meeting).
//!
//! ```text
//!   raise, lower ──► own hands ───────┐
//!   ask, close, show ──► the poll ────┼── word ──► the far box: its hands, the poll, its room's counts
//!   vote, change, skip ──► own counts ┘
//! ```
//! May be relied on: one vote per device; no word says who voted what; two boxes that heard each other show the same question
//! and the same figures; all of it is gone when the rooms part. Nothing is written to a disk: what a box that begins anew knows
//! comes from the other one. Its own room's votes on an open poll are then asked for again, because it no longer knows whose
//! they were; a closed result stays. When both begin anew at once, or one of them while the line is cut, the poll or its newest
//! votes are lost. Of two polls that were asked at the same time on both sides of a cut, the later one stands.

mod word;

pub use word::{CHOICE, CHOICES, FloorWord, Hand, Poll, QUESTION, Tally};

use crate::core::notes::{one_line, short_name};
use crate::core::request::{Answer, Denied};
use crate::core::share::Stamp;
use crate::model::{BootId, GuestId, Role};

/// The machine. [`super::Core`] feeds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    role: Role,
    life: BootId,
    /// The greatest count of a stamp that was ever given or heard.
    newest: u32,
    /// What is said: the own hands in it.
    word: FloorWord,
    /// Who raised each of the own hands.
    raised_by: Vec<GuestId>,
    far_hands: Vec<Hand>,
    /// Of this room, on this poll: which choice, or none.
    votes: (Stamp, Vec<(GuestId, Option<usize>)>),
}

/// What somebody wants of the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FloorRequest {
    /// Raise (true) or lower the own hand.
    Hand(bool),
    /// Lower this hand of the own room.
    Lower(Stamp),
    /// Ask both rooms.
    Ask(Question),
    /// The own vote on this poll: a choice, or none of them.
    Vote(Stamp, Option<usize>),
    /// Take no more votes.
    Close(Stamp),
    /// Put the result on both screens (true), or take it from there.
    Show(Stamp, bool),
}

/// A question that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    text: String,
    choices: Vec<String>,
}

impl Question {
    /// `None` when it is empty or too long, or has too few or too many choices.
    pub fn new(text: &str, choices: &[String]) -> Option<Self> {
        let fits = |text: &String, most: usize| !text.is_empty() && text.chars().count() <= most;
        let (text, choices) = (one_line(text), choices.iter().map(|choice| one_line(choice)).collect::<Vec<_>>());
        let fine = fits(&text, QUESTION) && CHOICES.contains(&choices.len());
        (fine && choices.iter().all(|choice| fits(choice, CHOICE))).then_some(Self { text, choices })
    }

    /// What is asked.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What can be chosen.
    pub fn choices(&self) -> &[String] {
        &self.choices
    }
}

impl Floor {
    /// With the presses when the rooms parted last, so that a restart remembers them.
    pub fn new(ended: [u32; 2]) -> Self {
        Self { word: FloorWord { ended, ..FloorWord::default() }, ..Self::default() }
    }

    /// The box knows its peer, and this life's name.
    pub fn take_life(&mut self, role: Role, life: BootId) {
        (self.role, self.life) = (role, life);
    }

    /// What to say.
    pub fn word(&self) -> &FloorWord {
        &self.word
    }

    /// When the rooms parted last.
    pub fn ended(&self) -> [u32; 2] {
        self.word.ended
    }

    /// All raised hands, the first raised first; `true`: of this room.
    pub fn hands(&self) -> Vec<(&Hand, bool)> {
        let near = self.word.hands.iter().map(|hand| (hand, true));
        let mut hands: Vec<_> = near.chain(self.far_hands.iter().map(|hand| (hand, false))).collect();
        hands.sort_by_key(|(hand, _)| hand.raised);
        hands
    }

    /// This guest's raised hand.
    pub fn hand_of(&self, guest: GuestId) -> Option<Stamp> {
        let place = self.raised_by.iter().position(|by| *by == guest)?;
        self.word.hands.get(place).map(|hand| hand.raised)
    }

    /// The poll, votes of both rooms for each choice, and how many skipped.
    pub fn poll(&self) -> Option<(&Poll, Vec<u32>, u32)> {
        let poll = self.word.poll.as_ref()?;
        let counted = || self.word.tallies.iter().filter(|tally| tally.on == poll.asked);
        let votes = |choice| counted().filter_map(|tally| tally.votes.get(choice)).map(|count| u32::from(*count)).sum();
        let skipped = counted().map(|tally| u32::from(tally.skipped)).sum();
        Some((poll, (0..poll.choices.len()).map(votes).collect(), skipped))
    }

    /// What this guest voted on the poll that is there now: a choice, or none of them.
    pub fn vote_of(&self, guest: GuestId) -> Option<Option<usize>> {
        let of_this = self.word.poll.as_ref().is_some_and(|poll| poll.asked == self.votes.0);
        self.votes.1.iter().find(|(by, _)| of_this && *by == guest).map(|(_, vote)| *vote)
    }

    /// Somebody of this room asks, `guest` being a device with this name; `presses`: of the mode's wish.
    pub fn ask(&mut self, request: &FloorRequest, guest: Option<(GuestId, &str)>, presses: [u32; 2]) -> Answer {
        match request {
            FloorRequest::Hand(up) => match guest {
                Some((guest, name)) => self.raise(guest, name, *up),
                None => Answer::Denied(Denied::NotAdmitted),
            },
            FloorRequest::Lower(raised) => match self.word.hands.iter().position(|hand| hand.raised == *raised) {
                Some(place) => self.lower(place),
                None => Answer::Denied(Denied::NoSuchHand),
            },
            FloorRequest::Ask(question) => self.begin(question, presses),
            FloorRequest::Vote(asked, choice) => match guest {
                Some((guest, _)) => self.vote(*asked, guest, *choice),
                None => Answer::Denied(Denied::NotAdmitted),
            },
            FloorRequest::Close(asked) => self.change(*asked, |poll| poll.open = false),
            FloorRequest::Show(asked, shown) => self.change(*asked, |poll| poll.shown = *shown),
        }
    }

    /// The far box's word. Heard while together only.
    pub fn hear(&mut self, word: &FloorWord) {
        self.newest = self.newest.max(word.newest());
        self.word.join(word);
        self.far_hands.clone_from(&word.hands);
        self.count();
    }

    /// Only who is still here has a hand up.
    pub fn keep_hands(&mut self, here: impl Fn(GuestId) -> bool) {
        while let Some(place) = self.raised_by.iter().position(|guest| !here(*guest)) {
            self.lower(place);
        }
    }

    /// The rooms parted; `presses`: of the mode's wish.
    pub fn end(&mut self, presses: [u32; 2]) {
        let ended = [0, 1].map(|of| self.word.ended[of].max(presses[of]));
        *self = Self { role: self.role, life: self.life, newest: self.newest, ..Self::new(ended) };
    }

    fn raise(&mut self, guest: GuestId, name: &str, up: bool) -> Answer {
        match (self.raised_by.iter().position(|by| *by == guest), up) {
            (Some(_), true) | (None, false) => Answer::AlreadySo,
            (Some(place), false) => self.lower(place),
            (None, true) => {
                let raised = self.stamp();
                self.word.hands.push(Hand { raised, name: short_name(name) });
                self.raised_by.push(guest);
                Answer::Accepted
            }
        }
    }

    fn lower(&mut self, place: usize) -> Answer {
        self.word.hands.remove(place);
        self.raised_by.remove(place);
        Answer::Accepted
    }

    fn begin(&mut self, question: &Question, presses: [u32; 2]) -> Answer {
        if self.word.poll.as_ref().is_some_and(|poll| poll.open) {
            return Answer::Denied(Denied::PollOpen);
        }
        let asked = self.stamp();
        self.word.poll = Some(Poll {
            asked,
            since: presses,
            question: question.text.clone(),
            choices: question.choices.clone(),
            open: true,
            shown: false,
            changed: asked,
        });
        self.count();
        Answer::Accepted
    }

    fn vote(&mut self, asked: Stamp, guest: GuestId, choice: Option<usize>) -> Answer {
        let Some(poll) = self.word.poll.as_ref().filter(|poll| poll.asked == asked && poll.open) else {
            return Answer::Denied(Denied::NoPoll);
        };
        if choice.is_some_and(|choice| choice >= poll.choices.len()) {
            return Answer::Denied(Denied::NoPoll);
        }
        if self.votes.0 != asked {
            self.votes = (asked, Vec::new());
        }
        let known = self.votes.1.len();
        match self.votes.1.iter_mut().find(|(by, _)| *by == guest) {
            Some((_, vote)) if *vote == choice => return Answer::AlreadySo,
            Some((_, vote)) => *vote = choice,
            None if known >= MOST_VOTES => return Answer::Denied(Denied::Full),
            None => self.votes.1.push((guest, choice)),
        }
        self.count();
        Answer::Accepted
    }

    fn change(&mut self, asked: Stamp, change: impl FnOnce(&mut Poll)) -> Answer {
        let changed = self.stamp();
        let Some(poll) = self.word.poll.as_mut().filter(|poll| poll.asked == asked) else {
            return Answer::Denied(Denied::NoPoll);
        };
        let before = poll.clone();
        change(poll);
        if *poll == before {
            return Answer::AlreadySo;
        }
        poll.changed = changed;
        Answer::Accepted
    }

    /// Counts this room's votes anew while votes are taken. A box that begins anew has none, and says so.
    fn count(&mut self) {
        let Some(poll) = self.word.poll.as_ref().filter(|poll| poll.open) else { return };
        let (asked, choices) = (poll.asked, poll.choices.len());
        let votes = || self.votes.1.iter().filter(|_| self.votes.0 == asked).map(|(_, vote)| *vote);
        let count = |wanted| u16::try_from(votes().filter(|vote| *vote == wanted).count()).unwrap_or(u16::MAX);
        let (counts, skipped): (Vec<u16>, u16) =
            ((0..choices).map(|choice| count(Some(choice))).collect(), count(None));
        let known = &self.word.tallies[self.role as usize];
        if known.on != asked || known.votes != counts || known.skipped != skipped {
            let counted = self.stamp();
            self.word.tallies[self.role as usize] = Tally { on: asked, counted, votes: counts, skipped };
        }
    }

    /// Later than everything that is known; never given twice.
    fn stamp(&mut self) -> Stamp {
        self.newest = self.newest.saturating_add(1);
        Stamp { count: self.newest, by: self.life }
    }
}

/// Devices of one room that vote on one question.
const MOST_VOTES: usize = 200;

#[cfg(test)]
mod tests;
