//! What two boxes tell each other of the documents, and how two tellings become one.

use crate::model::{BootId, DocumentId};

/// Everything that is shared; the whole of it is said after every change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareWord {
    /// Presses of the mode's wish when a meeting ended last: what was shared before is over.
    pub ended: [u32; 2],
    /// Open documents, and closed ones that the far box may still believe open.
    pub documents: Vec<Document>,
    /// The one that stands in front.
    pub front: Option<DocumentId>,
    /// When it was chosen.
    pub fronted: Stamp,
}

/// One document of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Names its bytes.
    pub id: DocumentId,
    /// As whoever shared it calls it; at most 64 characters.
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// At least 1.
    pub pages: u32,
    /// Presses of the mode's wish when it was shared: names the meeting it belongs to.
    pub since: [u32; 2],
    /// When it was first shared: their order on the page.
    pub placed: Stamp,
    /// Not closed.
    pub open: bool,
    /// When it was opened or closed last.
    pub changed: Stamp,
    /// Where in it both screens look.
    pub look: Look,
    /// When somebody looked elsewhere last.
    pub looked: Stamp,
    /// Who wants it kept beyond the meeting: the offerer's room, the answerer's.
    pub keep: [Keep; 2],
}

/// A room's wish to keep a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// It is wanted.
    pub on: bool,
    /// Since then.
    pub at: Stamp,
}

/// A part of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Look {
    /// From 0.
    pub page: u32,
    /// Thousandths: 1000 shows the whole page, 2000 half of its width and height.
    pub zoom: u16,
    /// Left and upper edge of what is seen, thousandths of the page.
    pub corner: [u16; 2],
}

/// A change's place among all changes of both boxes: a Lamport clock (1978), made total by the maker's life. Not by its box
/// alone: a box that begins anew counts from one again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// More than of any change that its maker knew.
    pub count: u32,
    /// Its maker.
    pub by: BootId,
}

impl ShareWord {
    /// What follows from both; the same on both boxes, whichever hears first.
    pub fn join(&mut self, other: &Self) {
        self.ended = [0, 1].map(|of| self.ended[of].max(other.ended[of]));
        self.documents.retain(|ours| !is_over(self.ended, ours.since));
        for theirs in other.documents.iter().filter(|theirs| !is_over(self.ended, theirs.since)) {
            match self.documents.iter_mut().find(|ours| ours.id == theirs.id) {
                Some(ours) => ours.join(theirs),
                None => self.documents.push(theirs.clone()),
            }
        }
        if other.fronted > self.fronted {
            (self.front, self.fronted) = (other.front, other.fronted);
        }
        self.documents.sort_by_key(|document| document.placed);
    }

    /// Later than everything that is known.
    pub fn next(&self, by: BootId) -> Stamp {
        let of = |document: &Document| [document.placed, document.changed, document.looked];
        let kept = self.documents.iter().flat_map(|document| document.keep.map(|keep| keep.at));
        let stamps = self.documents.iter().flat_map(of).chain(kept);
        let newest = stamps.chain([self.fronted]).map(|stamp| stamp.count).max().unwrap_or(0);
        Stamp { count: newest.saturating_add(1), by }
    }

    /// The document that stands in front: the chosen one, or if that is closed the one that was shared last.
    pub fn in_front(&self) -> Option<&Document> {
        let open = || self.documents.iter().filter(|document| document.open);
        let chosen = self.front.and_then(|front| open().find(|document| document.id == front));
        chosen.or_else(|| open().max_by_key(|document| document.changed))
    }
}

/// Whether what was shared then belongs to a meeting that ended.
fn is_over(ended: [u32; 2], since: [u32; 2]) -> bool {
    ended != since && ended[0] >= since[0] && ended[1] >= since[1]
}

impl Document {
    /// Whether the offerer's room and the answerer's want it kept: asked for since it was shared, not when it was shared before.
    pub fn wanted(&self) -> [bool; 2] {
        self.keep.map(|keep| keep.on && keep.at > self.placed)
    }

    fn join(&mut self, other: &Self) {
        if other.changed > self.changed {
            // Shared again, maybe under another name and in a later meeting.
            (self.open, self.changed, self.since) = (other.open, other.changed, other.since);
            (self.name, self.placed) = (other.name.clone(), other.placed);
            (self.length, self.pages) = (other.length, other.pages);
        }
        for (ours, theirs) in self.keep.iter_mut().zip(other.keep) {
            if theirs.at > ours.at {
                *ours = theirs;
            }
        }
        if other.looked > self.looked {
            (self.look, self.looked) = (other.look, other.looked);
        }
    }
}

impl Look {
    /// The whole of this page.
    pub const fn at(page: u32) -> Self {
        Self { page, zoom: 1000, corner: [0; 2] }
    }

    /// The same within a document of so many pages and within the page.
    pub fn within(self, pages: u32) -> Self {
        let zoom = self.zoom.clamp(1000, MOST_ZOOM);
        let most = u16::try_from(1000 - 1_000_000 / u32::from(zoom)).unwrap_or(0);
        Self { page: self.page.min(pages.saturating_sub(1)), zoom, corner: self.corner.map(|edge| edge.min(most)) }
    }
}

/// Thousandths.
pub const MOST_ZOOM: u16 = 8000;
