//! Drawing on pages, and keeping documents beyond their meeting.

use super::{InkMark, MOST_POINTS, Marked, Point, Share, Stroke};
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
    /// Both did: it is written to both boxes' disks.
    Both,
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
        let (near, far) = match self.role {
            Role::Offerer => (offerer, answerer),
            Role::Answerer => (answerer, offerer),
        };
        match (near, far) {
            (true, true) if self.not_kept.contains(&id) => Keeping::NoPlace,
            (true, true) => Keeping::Both,
            (true, false) => Keeping::Near,
            (false, true) => Keeping::Far,
            (false, false) => Keeping::Nobody,
        }
    }

    /// A document, with its name, that is to be kept and that nobody was told to keep yet.
    pub fn next_to_keep(&mut self) -> Option<(DocumentId, String)> {
        let wanted = |id| self.keeping(id) == Keeping::Both && self.is_here(id) && !self.kept.contains(&id);
        let (id, name) =
            self.open().find(|document| wanted(document.id)).map(|document| (document.id, document.name.clone()))?;
        self.kept.push(id);
        Some((id, name))
    }

    /// This box has no place for it.
    pub fn not_kept(&mut self, id: DocumentId) {
        if self.kept.contains(&id) && !self.not_kept.contains(&id) {
            self.not_kept.push(id);
        }
    }

    /// What is drawn on a page of an open document, oldest first.
    pub fn drawn(&self, id: DocumentId, page: u32) -> Arc<Vec<Stroke>> {
        let placed = self.open().find(|document| document.id == id).map(|document| document.placed);
        placed.map(|placed| self.ink.on(id, placed, page)).unwrap_or_default()
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
        let (stamp, keeping) = (self.stamp(), self.keeping(id));
        let place = if self.role == Role::Offerer { 0 } else { 1 };
        let Some(document) = self.word.documents.iter_mut().find(|document| document.id == id && document.open) else {
            return Answer::Denied(Denied::NoSuchDocument);
        };
        if document.wanted()[place] == on {
            return Answer::AlreadySo;
        }
        // It lies on both disks: there it can be taken away.
        if matches!(keeping, Keeping::Both | Keeping::NoPlace) {
            return Answer::Denied(Denied::AlreadyKept);
        }
        (document.keep[place].on, document.keep[place].at) = (on, stamp);
        Answer::Accepted
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
        self.ink.mark(InkMark { document, placed, page, what });
        Answer::Accepted
    }
}

/// The right or lower edge of a page.
const EDGE: u16 = 10_000;
