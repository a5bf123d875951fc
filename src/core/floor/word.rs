//! What two boxes tell each other of hands and poll, and how two tellings become one.

use crate::core::share::Stamp;

/// Everything of one box; the whole of it is said after every change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloorWord {
    /// Presses of the mode's wish when the rooms parted last: what was asked before is over.
    pub ended: [u32; 2],
    /// The poll, as this box knows it.
    pub poll: Option<Poll>,
    /// How the offerer's and the answerer's room voted.
    pub tallies: [Tally; 2],
    /// Hands that are up in the room of whoever says this.
    pub hands: Vec<Hand>,
}

/// A raised hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    /// When it was raised, and its name.
    pub raised: Stamp,
    /// Whose; empty: somebody of that room.
    pub name: String,
}

/// A question to both rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// When it was asked, and its name.
    pub asked: Stamp,
    /// Presses of the mode's wish then: names the time together that it belongs to.
    pub since: [u32; 2],
    /// At most [`QUESTION`] characters.
    pub question: String,
    /// From [`CHOICES`], each at most [`CHOICE`] characters.
    pub choices: Vec<String>,
    /// Votes are taken.
    pub open: bool,
    /// The result stands on the screens.
    pub shown: bool,
    /// When `open` or `shown` changed last.
    pub changed: Stamp,
}

/// How one room voted: counts, never who. Only that room's box writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// On which poll.
    pub on: Stamp,
    /// Later than the tally before.
    pub counted: Stamp,
    /// Votes for each choice.
    pub votes: Vec<u16>,
    /// Devices that chose not to choose.
    pub skipped: u16,
}

impl FloorWord {
    /// What follows from both; the same on both boxes, whichever hears first. Hands are each room's own.
    pub fn join(&mut self, other: &Self) {
        self.ended = [0, 1].map(|of| self.ended[of].max(other.ended[of]));
        let ended = self.ended;
        self.poll.take_if(|poll| is_over(ended, poll.since));
        if let Some(theirs) = other.poll.as_ref().filter(|poll| !is_over(ended, poll.since)) {
            match &mut self.poll {
                Some(ours) if ours.asked == theirs.asked => ours.join(theirs),
                // Of two that were asked at once the later one stands.
                Some(ours) if ours.asked > theirs.asked => {}
                Some(_) | None => self.poll = Some(theirs.clone()),
            }
        }
        for (ours, theirs) in self.tallies.iter_mut().zip(&other.tallies) {
            if (theirs.on, theirs.counted) > (ours.on, ours.counted) {
                ours.clone_from(theirs);
            }
        }
    }

    /// The greatest count that stands in it.
    pub fn newest(&self) -> u32 {
        let poll = self.poll.iter().flat_map(|poll| [poll.asked, poll.changed]);
        let tallies = self.tallies.iter().map(|tally| tally.counted);
        let hands = self.hands.iter().map(|hand| hand.raised);
        poll.chain(tallies).chain(hands).map(|stamp| stamp.count).max().unwrap_or(0)
    }
}

impl Poll {
    fn join(&mut self, other: &Self) {
        if other.changed > self.changed {
            self.shown = other.shown;
            self.changed = other.changed;
        }
        // Closed is closed, whoever shows or hides it meanwhile.
        self.open &= other.open;
    }
}

/// Whether what was asked then belongs to a time together that ended.
fn is_over(ended: [u32; 2], since: [u32; 2]) -> bool {
    ended != since && ended[0] >= since[0] && ended[1] >= since[1]
}

/// Characters of a question.
pub const QUESTION: usize = 120;
/// Characters of a choice.
pub const CHOICE: usize = 40;
/// Choices of a question.
pub const CHOICES: std::ops::RangeInclusive<usize> = 2..=8;
