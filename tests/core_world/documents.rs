//! The stores of both boxes and what travels between them: at once, or not at all.

use super::{Mail, World};
use engawa::core::input::{Input, RoomInput};
use engawa::core::output::Output;
use engawa::core::signal::Signal;
use engawa::model::{DocumentId, Mode};
use std::collections::BTreeSet;

/// One box's memory for documents.
#[derive(Default)]
pub struct Shelf {
    /// Whole ones.
    pub stored: BTreeSet<DocumentId>,
    held: Vec<DocumentId>,
    served: bool,
    /// What was written to the disk.
    pub kept: Vec<DocumentId>,
}

impl World {
    /// Somebody put a file into the box.
    pub fn put(&mut self, who: usize, document: DocumentId) {
        self.kiosks[who].shelf.stored.insert(document);
    }

    pub(super) fn hold(&mut self, who: usize, documents: &[(DocumentId, u64)], served: bool) {
        let shelf = &mut self.kiosks[who].shelf;
        shelf.held = documents.iter().map(|(id, _)| *id).collect();
        shelf.served = served;
        shelf.stored.retain(|stored| shelf.held.contains(stored));
        if served && self.mode_of(who) != Some(Mode::Meeting) {
            self.fault(&format!("box {who}: documents are served outside a meeting"));
        }
    }

    pub(super) fn keep(&mut self, who: usize, document: DocumentId) {
        let shelf = &mut self.kiosks[who].shelf;
        shelf.kept.push(document);
        if !shelf.stored.contains(&document) {
            self.fault(&format!("box {who}: to keep what is not here"));
        }
    }

    pub(super) fn check_said(&self, who: usize, output: &Output) {
        let of_pages =
            |signal: &Signal| matches!(signal, Signal::Share(_) | Signal::Ink(_) | Signal::Point(_) | Signal::Live(_));
        let shares = matches!(output, Output::Send { signal, .. } if of_pages(signal));
        if shares && self.mode_of(who) != Some(Mode::Meeting) {
            self.fault(&format!("box {who}: what is shared is told outside a meeting"));
        }
        let mode = || self.mode_of(who);
        let notes = matches!(output, Output::Send { signal: Signal::Notes(_), .. });
        if notes && mode().is_none_or(Mode::is_shut) {
            self.fault(&format!("box {who}: the board is told behind a curtain"));
        }
        let floor = matches!(output, Output::Send { signal: Signal::Floor(_), .. });
        if floor && !matches!(mode(), Some(Mode::Talking | Mode::Meeting)) {
            self.fault(&format!("box {who}: hands are told while the rooms are apart"));
        }
    }

    /// Opens what lies there, and brings over what the other box serves.
    pub(super) fn move_documents(&mut self) {
        let linked = self.ways.iter().all(|way| way.up) && (0..2).all(|who| self.trunk_of(who));
        for who in [0, 1] {
            let Some(core) = self.kiosks[who].core.as_ref().filter(|_| !self.kiosks[who].frozen) else { continue };
            let opening: Vec<DocumentId> = core.snapshot(self.kiosks[who].clock.local(self.now)).room.opening();
            let (shelf, far) = (&self.kiosks[who].shelf, &self.kiosks[1 - who].shelf);
            let opened = opening.into_iter().find(|id| shelf.stored.contains(id) && shelf.held.contains(id));
            let missing = |id: &&DocumentId| !shelf.stored.contains(id);
            let given = |id: &&DocumentId| linked && far.served && far.held.contains(id) && far.stored.contains(id);
            let nowhere = |id: &&DocumentId| linked && far.served && !far.stored.contains(id);
            let lost = shelf.held.iter().filter(missing).find(nowhere).copied();
            let fetched = shelf.held.iter().filter(missing).find(given).copied();
            if let Some(document) = opened {
                let opened = RoomInput::DocumentOpened { document, pages: PAGES };
                self.deliver(who, Mail::Urgent(Input::Room(opened)));
            }
            if let Some(document) = lost {
                self.deliver(who, Mail::Urgent(Input::DocumentWithheld { document }));
            }
            if let Some(document) = fetched {
                self.put(who, document);
                self.deliver(who, Mail::Urgent(Input::DocumentArrived { document }));
            }
        }
    }

    fn mode_of(&self, who: usize) -> Option<Mode> {
        self.snapshot(who).map(|shown| shown.room.face.mode)
    }

    fn trunk_of(&self, who: usize) -> bool {
        self.snapshot(who).is_some_and(|shown| shown.trunk)
    }
}

/// Of every document here.
pub const PAGES: u32 = 7;
