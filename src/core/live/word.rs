//! What two boxes tell each other of the live share. Each says only what is its own room's; nothing has to be merged but
//! what both rooms may do to one share: stop it, and say that it moves.

use crate::core::share::Stamp;
use crate::model::{LiveEnd, LiveKind, TakeOver};
use std::time::Duration;

/// Everything of one box; the whole of it is said after every change, and on every new connection even when it is empty:
/// a box that began anew has nothing in front any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveWord {
    /// Counts within a life of the sayer: an older word that comes late is dropped.
    pub number: u32,
    /// Presses of the mode's wish when a meeting ended last: what was shared before is over.
    pub ended: [u32; 2],
    /// Shares that began no later were stopped by somebody.
    pub stopped: Stamp,
    /// How the share in front is to be sent.
    pub switch: Switch,
    /// The sayer's room has this in front, or believes so.
    pub front: Option<Front>,
    /// A source of the sayer's room waits to be in front.
    pub waiting: Option<Waiting>,
    /// What the sayer's room said to the one that waits in the hearer's.
    pub answered: Option<Answered>,
    /// What became of the sayer's last share.
    pub gone: Option<Gone>,
}

/// A share in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// When it was put there, and its name: of two the later one stands.
    pub begun: Stamp,
    /// Presses of the mode's wish then: names the meeting that it belongs to.
    pub since: [u32; 2],
    /// What it comes from.
    pub kind: LiveKind,
    /// Whose; empty: somebody of that room.
    pub name: String,
    /// What happens when another source wants to be there.
    pub take_over: TakeOver,
    /// Nothing comes from it: for how long when that was first said.
    pub silent: Option<Duration>,
}

/// A source that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Since when, and its name.
    pub asked: Stamp,
    /// What it comes from.
    pub kind: LiveKind,
    /// Whose; empty: somebody of that room.
    pub name: String,
}

/// A word to one that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// To which.
    pub asked: Stamp,
    /// The place is free for it; else the one in front was kept.
    pub handed: bool,
}

/// A share that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Which.
    pub begun: Stamp,
    /// Why.
    pub why: LiveEnd,
}

/// Text or a moving picture; from either room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// Of which share; any other one is text.
    pub of: Stamp,
    /// It moves.
    pub moving: bool,
    /// Since then.
    pub at: Stamp,
}

impl LiveWord {
    /// Takes over what both rooms may say of one share.
    pub fn join(&mut self, other: &Self) {
        self.ended = [0, 1].map(|of| self.ended[of].max(other.ended[of]));
        self.stopped = self.stopped.max(other.stopped);
        if other.switch.at > self.switch.at {
            self.switch = other.switch;
        }
    }

    /// Why that share does not stand any more, as far as this word says.
    pub fn is_over(&self, front: &Front) -> Option<LiveEnd> {
        let [ended, since] = [self.ended, front.since];
        if ended != since && ended[0] >= since[0] && ended[1] >= since[1] {
            return Some(LiveEnd::MeetingOver);
        }
        (front.begun <= self.stopped).then_some(LiveEnd::Stopped)
    }

    /// The greatest count that stands in it.
    pub fn newest(&self) -> u32 {
        let front = self.front.iter().map(|front| front.begun);
        let waiting = self.waiting.iter().map(|waiting| waiting.asked);
        let all = front.chain(waiting).chain([self.stopped, self.switch.at]);
        all.map(|stamp| stamp.count).max().unwrap_or(0)
    }
}
