//! The documents' hands: hold what the core names, open what stands in front, draw what both rooms look at.
//!
//! ```text
//!   Hold ─► store: expect, serve, forget ─► trunk: want
//!   every turn: in front and here? ─► studio: open, draw ─► cache ─► screen         (callbacks on the attendants' threads)
//!                                          └─ after it: the pages before and behind
//!              in front and coming, its first page looked at and here? ─► studio: open, draw ─► screen
//! ```
//! Of a document that is still coming nothing is kept, and no word of its worker is believed but its pixels.

mod table;

use crate::core::face::{PageFace, PageState};
use crate::core::input::News;
use crate::core::share::Refusal;
use crate::core::snapshot::Snapshot;
use crate::documents::{DocumentBytes, Documents};
use crate::inbox::Inbox;
use crate::media::room::Media;
use crate::model::DocumentId;
use crate::pages::Studio;
use crate::questions::Questions;
use crate::trunk::Trunk;
use std::sync::Arc;
use table::{MOST_WORKERS, Table};

/// Serves the documents. Never waits.
pub(super) struct PageHands {
    documents: Documents,
    studio: Studio,
    inbox: Inbox,
    table: Arc<Table>,
    /// What the core named last.
    held: Vec<DocumentId>,
    told: Option<(DocumentId, u8)>,
}

impl PageHands {
    /// The store is the trunk's too.
    pub(super) fn new(documents: Documents, questions: Questions, inbox: Inbox, media: &Media) -> Self {
        Self {
            documents,
            // Twice: those that end still count.
            studio: Studio::new("/proc/self/exe", 2 * MOST_WORKERS),
            inbox,
            table: Arc::new(Table::new(questions, media.page_out())),
            held: Vec::new(),
            told: None,
        }
    }

    /// The store.
    pub(super) fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Hold these, and no others that were held before. What was just put into the store is not touched before it was named.
    pub(super) fn hold(&mut self, documents: &[(DocumentId, u64)], served: bool, trunk: Option<&Trunk>) {
        let named: Vec<DocumentId> = documents.iter().map(|(id, _)| *id).collect();
        let gone: Vec<DocumentId> = self.held.iter().filter(|held| !named.contains(held)).copied().collect();
        if !gone.is_empty() {
            let released: Vec<_> = gone.iter().map(|id| self.documents.release(*id)).collect();
            let forgotten = self.table.forget(&gone);
            // Overwriting takes its time, which is not the loop's.
            tokio::task::spawn_blocking(move || drop((released, forgotten)));
        }
        let mut missing = Vec::new();
        for (id, length) in documents.iter().filter(|(id, _)| self.documents.bytes(*id).is_none()) {
            match self.documents.expect(*id, *length) {
                Ok(()) => missing.push(*id),
                Err(full) => {
                    tracing::warn!(document = ?id, %full, "a document of the other room has no place here");
                    self.table.refuse(*id, Refusal::TooLarge);
                }
            }
        }
        self.documents.serve(if served { named.clone() } else { Vec::new() });
        if let Some(trunk) = trunk {
            trunk.want(&missing);
        }
        self.held = named;
    }

    /// After every turn of the loop.
    pub(super) fn follow(&mut self, snapshot: &Snapshot, media: &Media) {
        let page = snapshot.room.face.page.as_ref();
        // The first of those that wait to be opened, and what stands in front: nothing else needs a worker now.
        let opening = snapshot.room.opening().into_iter().find(|id| self.held.contains(id));
        let needed: Vec<DocumentId> = page.map(|page| page.id).into_iter().chain(opening).collect();
        if let Some(id) = opening {
            self.open(id, &needed);
        }
        self.tell_progress(page.filter(|page| matches!(page.state, PageState::Arriving(_))).map(|page| page.id));
        match page.map(|page| (page, page.state)) {
            Some((page, PageState::Here)) => {
                self.open(page.id, &needed);
                self.table.end_early();
                self.table.wish(page.id, page.look, None, media);
            }
            Some((page, PageState::Arriving(_))) => self.show_early(page, media),
            Some((_, PageState::Opening | PageState::Refused(_))) | None => self.table.clear(),
        }
    }

    /// The first page, as soon as all is here that it needs.
    fn show_early(&self, page: &PageFace, media: &Media) {
        if self.documents.bytes(page.id).is_some() {
            // The core is about to hear of it.
            return;
        }
        let here = self.documents.has_first_page(page.id).filter(|_| page.look.page == 0);
        let Some(attempt) = here else { return self.table.clear() };
        let of = (page.id, attempt);
        if self.table.begin_early(of) {
            let (documents, studio, inbox) = (self.documents.clone(), self.studio.clone(), self.inbox.clone());
            let table = Arc::clone(&self.table);
            // Many bytes are copied.
            tokio::task::spawn_blocking(move || {
                let Some(bytes) = documents.first_page(of.0) else { return };
                studio.open(Shared(Arc::new(bytes)), move |opened| {
                    table.opened_early(of, opened);
                    inbox.news(News::Arriving { document: of.0, percent: percent(&documents, of.0) });
                });
            });
        }
        self.table.wish(page.id, page.look, Some(attempt), media);
    }

    /// In a worker of its own.
    fn open(&self, id: DocumentId, spared: &[DocumentId]) {
        if self.table.knows(id) {
            return;
        }
        let Some(bytes) = self.documents.bytes(id) else { return };
        self.table.begin(id, spared);
        let (documents, table) = (self.documents.clone(), Arc::clone(&self.table));
        self.studio.open(Shared(bytes), move |opened| {
            if let Some(first) = opened.as_ref().ok().map(|opened| &opened.first).filter(|first| !first.is_empty()) {
                documents.set_first(id, first.iter().map(|part| part.start as u64..part.end as u64));
            }
            table.opened(id, opened);
        });
    }

    fn tell_progress(&mut self, document: Option<DocumentId>) {
        let Some(document) = document.filter(|id| self.documents.progress(*id).is_some()) else { return };
        let percent = percent(&self.documents, document);
        if self.told.replace((document, percent)) != Some((document, percent)) {
            self.inbox.news(News::Arriving { document, percent });
        }
    }
}

/// Bytes of the store, as the studio reads them.
struct Shared(Arc<DocumentBytes>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Of a document, as far as it is here.
fn percent(documents: &Documents, document: DocumentId) -> u8 {
    let (have, length) = documents.progress(document).unwrap_or_default();
    u8::try_from((have * 100).checked_div(length).unwrap_or(0)).unwrap_or(100).min(100)
}
