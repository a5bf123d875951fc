//! What comes in front, what is wanted of it, and what follows.

use super::Live;
use crate::core::ledger::Entry;
use crate::model::{GuestId, LiveEnd, LiveId, LiveKind, Moment, Side};

/// A source of this box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSource {
    /// Names it.
    pub id: LiveId,
    /// What it is.
    pub kind: LiveKind,
    /// The device whose it is, if it has one on the panel.
    pub guest: Option<GuestId>,
    /// Whose; empty: as the guest calls itself, or the room's.
    pub name: String,
    /// It brings sound.
    pub sound: bool,
}

impl Live {
    /// How a source's pictures go on to the far box.
    pub fn goes_on(&mut self, id: LiveId, retold: bool) {
        self.retold = Some((id, retold));
    }

    /// Whether they are encoded anew by this box, as far as that is known: then its PC may send its best.
    pub fn is_retold(&self, id: LiveId) -> Option<bool> {
        self.retold.filter(|(of, _)| *of == id).map(|(_, retold)| retold)
    }
}

/// What somebody wants of the live share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveRequest {
    /// End it, whichever room's it is.
    Stop,
    /// The one that waits may have the place of this room's.
    HandOver,
    /// It may not.
    Keep,
    /// It is a moving picture (true), or text.
    Moving(bool),
}

/// A share that ended a moment ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTold {
    /// Of which room.
    pub side: Side,
    /// What it was.
    pub kind: LiveKind,
    /// Whose.
    pub name: String,
    /// Why it ended.
    pub why: LiveEnd,
    pub(super) until: Moment,
}

/// What follows for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveNews {
    /// End this source.
    End(LiveId, LiveEnd),
    /// Write this down.
    Record(Entry),
}

/// A source of a guest, as that guest sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLive {
    /// Which.
    pub id: LiveId,
    /// In front; else it waits.
    pub front: bool,
}
