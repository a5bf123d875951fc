//! Drawing on pages, and keeping documents beyond their meeting.

use super::{InkMark, Keep, MOST_POINTS, Marked, Point, Share, Stroke};
use crate::core::request::{Answer, Denied};
use crate::model::{DocumentId, Role};
use std::sync::Arc;

/// How far two rooms are with keeping a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Nobody asked.
    Nobody,
    /// This room asked, the other one did not.
    Near,
    /// The other room asked.
    Far,
    /// Both did: it is being written to this box's disk, once all of it is here.
    Both,
    /// It was written to this box's disk.
    Kept,
    /// Both did, and this box has no place for it.
    NoPlace,
}

impl Share {
    /// This box's part towards the far one: the colour of what its room draws.
    pub fn role(&self) -> Role {
        self.role
    }

    /// How far keeping this document is.
    pub fn keeping(&self, id: DocumentId) -> Keeping {
        let Some(document) = self.open().find(|document| document.id == id) else { return Keeping::Nobody };
        let [offerer, answerer] = document.wanted();
        let far = if self.role == Role::Offerer { answerer } else { offerer };
        // Whatever the far box says of this room: its own people pressed here, in this life of the box.
        let near = self.wishes.contains(&(id, document.placed));
        match (near, far) {
            _ if self.kept.contains(&(id, true)) => Keeping::Kept,
            (true, true) if self.kept.contains(&(id, false)) => Keeping::NoPlace,
            (true, true) => Keeping::Both,
            (true, false) => Keeping::Near,
            (false, true) => Keeping::Far,
            (false, false) => Keeping::Nobody,
        }
    }

    /// A document, with its name, that is to be kept and that nobody was told to keep yet.
    pub fn next_to_keep(&mut self) -> Option<(DocumentId, String)> {
        let wanted = |id| self.keeping(id) == Keeping::Both && self.is_here(id) && !self.keeps.contains(&id);
        let (id, name) =
            self.open().find(|document| wanted(document.id)).map(|document| (document.id, document.name.clone()))?;
        self.keeps.push(id);
        Some((id, name))
    }

    /// It was written, or this box has no place for it.
    pub fn kept(&mut self, id: DocumentId, written: bool) {
        // Closed meanwhile, with its meeting or alone.
        if !self.keeps.contains(&id) {
            return;
        }
        self.kept.retain(|(known, _)| *known != id);
        self.kept.push((id, written));
    }

    /// Somebody of this room took it off this box's disk: the wish is gone with it.
    pub fn forgotten(&mut self, id: DocumentId) {
        self.kept.retain(|(known, _)| *known != id);
        self.keeps.retain(|known| *known != id);
        let (wishes, stamp, place) = (self.wishes.len(), self.stamp(), self.place());
        self.wishes.retain(|(known, _)| *known != id);
        let document = self.word.documents.iter_mut().find(|document| document.id == id);
        if let Some(document) = document.filter(|_| self.wishes.len() < wishes) {
            document.keep[place] = Keep { on: false, at: stamp };
        }
    }

    /// What is drawn on a page of an open document, oldest first.
    pub fn drawn(&self, id: DocumentId, page: u32) -> Arc<Vec<Stroke>> {
        let placed = self.open().find(|document| document.id == id).map(|document| document.placed);
        placed.map(|placed| self.ink.on(id, placed, page)).unwrap_or_default()
    }

    /// Another number when something changed on a page.
    pub fn ink_revision(&self, id: DocumentId, page: u32) -> u32 {
        let placed = self.open().find(|document| document.id == id).map(|document| document.placed);
        placed.map_or(0, |placed| self.ink.revision(id, placed, page))
    }

    /// What was drawn in the far room; nothing is drawn on what is not open.
    pub fn hear_ink(&mut self, marks: &[InkMark]) {
        self.ink.hear(marks);
        self.sweep_ink();
    }

    pub(super) fn sweep_ink(&mut self) {
        let open: Vec<_> = self.open().map(|document| (document.id, document.placed)).collect();
        self.ink.keep(&open);
    }

    pub(super) fn keep(&mut self, id: DocumentId, on: bool) -> Answer {
        let (stamp, keeping, place) = (self.stamp(), self.keeping(id), self.place());
        let Some(document) = self.word.documents.iter_mut().find(|document| document.id == id && document.open) else {
            return Answer::Denied(Denied::NoSuchDocument);
        };
        let wish = (id, document.placed);
        // On the disk it can be taken away; what has no place may be tried again.
        if matches!(keeping, Keeping::Kept | Keeping::Both) {
            return Answer::Denied(Denied::AlreadyKept);
        }
        if self.wishes.contains(&wish) == on && keeping != Keeping::NoPlace {
            return Answer::AlreadySo;
        }
        self.wishes.retain(|known| *known != wish);
        self.keeps.retain(|known| *known != id);
        self.kept.retain(|(known, _)| *known != id);
        if on {
            self.wishes.push(wish);
        }
        document.keep[place] = Keep { on, at: stamp };
        Answer::Accepted
    }

    /// What the far box says that this room wants, from before this box began anew, nobody here sees as a wish: it is none.
    pub(super) fn disown_wishes(&mut self) {
        let (place, stamp) = (self.place(), self.stamp());
        for document in self.word.documents.iter_mut().filter(|document| document.open) {
            if document.keep[place].on && !self.wishes.contains(&(document.id, document.placed)) {
                document.keep[place] = Keep { on: false, at: stamp };
            }
        }
    }

    /// This room's among the wishes of both.
    fn place(&self) -> usize {
        if self.role == Role::Offerer { 0 } else { 1 }
    }

    pub(super) fn draw(&mut self, id: DocumentId, page: u32, points: &[Point]) -> Answer {
        if self.ink.is_full() {
            return Answer::Denied(Denied::TooMuchInk);
        }
        let points: Vec<Point> = points.iter().take(MOST_POINTS).map(|point| point.map(|at| at.min(EDGE))).collect();
        if points.is_empty() {
            return Answer::AlreadySo;
        }
        let stroke = Stroke { stamp: self.stamp(), by: self.role, points };
        self.mark(id, page, Marked::Drawn(stroke))
    }

    pub(super) fn mark(&mut self, id: DocumentId, page: u32, what: Marked) -> Answer {
        let Some(document) = self.open().find(|document| document.id == id && page < document.pages) else {
            return Answer::Denied(Denied::NoSuchDocument);
        };
        let (document, placed) = (document.id, document.placed);
        if matches!(what, Marked::Wiped(_)) && self.ink.on(document, placed, page).is_empty() {
            return Answer::AlreadySo;
        }
        let mark = InkMark { document, placed, page, what };
        if !self.ink.has_room_for(&mark) {
            return Answer::Denied(Denied::TooMuchInk);
        }
        self.ink.mark(mark);
        Answer::Accepted
    }
}

/// The right or lower edge of a page.
const EDGE: u16 = 10_000;
