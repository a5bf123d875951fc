//! The documents' hands: hold what the core names, open what stands in front, draw what both rooms look at.
//!
//! ```text
//!   Hold ─► store: expect, serve, forget ─► trunk: want
//!   every turn: in front and here? ─► studio: open, draw ─► cache ─► screen         (callbacks on the attendants' threads)
//!                                          └─ after it: the pages before and behind
//!              in front and coming, its first page looked at and here? ─► studio: open, draw ─► screen
//! ```
//! Of a document that is still coming nothing is kept, and no word of its worker is believed but its pixels.

use crate::core::face::{PageFace, PageState};
use crate::core::input::{News, RoomInput};
use crate::core::share::{Look, Refusal};
use crate::core::snapshot::Snapshot;
use crate::documents::{DocumentBytes, Documents};
use crate::inbox::Inbox;
use crate::media::page::PagePicture;
use crate::media::room::{Media, PageOut};
use crate::model::DocumentId;
use crate::pages::{Document, Drawing, Opened, PageSize, Picture, Studio, Undrawn, Zone};
use crate::questions::Questions;
use crate::trunk::Trunk;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// What the callbacks share.
struct Table {
    state: Mutex<State>,
    questions: Questions,
    out: PageOut,
}

#[derive(Default)]
struct State {
    open: BTreeMap<DocumentId, Sheets>,
    early: Option<Early>,
    /// The newest last.
    drawn: VecDeque<(Wish, PagePicture)>,
    /// What the screen is to show, and whether it does.
    wish: Option<Wish>,
    shown: Option<Wish>,
    asked: Option<Wish>,
}

/// A document as the studio has it.
enum Sheets {
    Opening,
    Open { document: Arc<Document>, sizes: Vec<PageSize> },
    Refused(Refusal),
}

/// The first page of a document that is still coming.
struct Early {
    /// With the number of the try to receive it: what came in another one is something else.
    of: (DocumentId, u64),
    /// None while it is opened, and when it cannot be.
    sheets: Option<(Arc<Document>, Vec<PageSize>)>,
}

/// A part of a page at a size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    id: DocumentId,
    look: Look,
    size: (u32, u32),
    /// Of a document that is still coming: the try to receive it.
    early: Option<u64>,
}

impl PageHands {
    /// The store is the trunk's too.
    pub(super) fn new(documents: Documents, questions: Questions, inbox: Inbox, media: &Media) -> Self {
        let table = Table { state: Mutex::default(), questions, out: media.page_out() };
        Self {
            documents,
            // Twice: those that end still count.
            studio: Studio::new("/proc/self/exe", 2 * MOST_WORKERS),
            inbox,
            table: Arc::new(table),
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
            let mut state = self.table.lock();
            let closed: Vec<_> = gone.iter().filter_map(|id| state.open.remove(id)).collect();
            let (kept, wiped) =
                std::mem::take(&mut state.drawn).into_iter().partition(|(wish, _)| !gone.contains(&wish.id));
            state.drawn = kept;
            let early = state.early.take_if(|early| gone.contains(&early.of.0));
            drop(state);
            // Overwriting takes its time, which is not the loop's.
            let wiped: VecDeque<_> = wiped;
            tokio::task::spawn_blocking(move || drop((released, closed, early, wiped)));
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
                // What it drew stands there until the whole document is drawn.
                self.table.lock().early = None;
                self.table.wish(page.id, page.look, None, media);
            }
            Some((page, PageState::Arriving(_))) => self.show_early(page, media),
            Some((_, PageState::Opening | PageState::Refused(_))) | None => self.table.clear(),
        }
    }

    /// The first page, as soon as all is here that it needs.
    fn show_early(&self, page: &PageFace, media: &Media) {
        let here = self.documents.has_first_page(page.id).filter(|_| page.look.page == 0);
        let Some(attempt) = here else { return self.table.clear() };
        let of = (page.id, attempt);
        if self.table.lock().early.as_ref().is_none_or(|early| early.of != of) {
            self.table.clear();
            self.table.lock().early = Some(Early { of, sheets: None });
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

    /// In a worker of its own; one that nobody looks at makes room.
    fn open(&self, id: DocumentId, spared: &[DocumentId]) {
        let mut state = self.table.lock();
        if state.open.contains_key(&id) {
            return;
        }
        let Some(bytes) = self.documents.bytes(id) else { return };
        let idle = |other: &&DocumentId| !spared.contains(other);
        if state.open.len() >= MOST_WORKERS
            && let Some(other) = state.open.keys().find(idle).copied()
        {
            state.open.remove(&other);
        }
        state.open.insert(id, Sheets::Opening);
        drop(state);
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

impl Table {
    fn opened(&self, id: DocumentId, opened: Result<Opened, Refusal>) {
        let mut state = self.lock();
        // Closed meanwhile: its worker ends with what is dropped here.
        let Some(sheets) = state.open.get_mut(&id) else { return };
        match opened {
            Ok(Opened { pages: sizes, document, .. }) => {
                let pages = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
                *sheets = Sheets::Open { document: Arc::new(document), sizes };
                drop(state);
                self.questions.tell(RoomInput::DocumentOpened { document: id, pages });
            }
            // Others are ending: tried again with the loop's next turn.
            Err(Refusal::TooMany) => drop(state.open.remove(&id)),
            Err(why) => {
                *sheets = Sheets::Refused(why);
                drop(state);
                self.refuse(id, why);
            }
        }
    }

    fn opened_early(&self, of: (DocumentId, u64), opened: Result<Opened, Refusal>) {
        let mut state = self.lock();
        let Some(early) = state.early.as_mut().filter(|early| early.of == of) else { return };
        match opened {
            Ok(Opened { pages: sizes, document, .. }) => early.sheets = Some((Arc::new(document), sizes)),
            Err(Refusal::TooMany) => state.early = None,
            Err(why) => tracing::debug!(document = ?of.0, ?why, "its first page is not shown before it is here"),
        }
    }

    /// Nothing is to be shown.
    fn clear(&self) {
        let mut state = self.lock();
        (state.wish, state.asked, state.early) = (None, None, None);
        if state.shown.take().is_some() {
            (self.out)(None);
        }
    }

    /// What both rooms look at, as large as this screen shows it.
    fn wish(self: &Arc<Self>, id: DocumentId, look: Look, early: Option<u64>, media: &Media) {
        let mut state = self.lock();
        let sizes = match (early, state.open.get(&id)) {
            (Some(_), _) => state.early.as_ref().and_then(|early| early.sheets.as_ref()).map(|(_, sizes)| sizes),
            (None, Some(Sheets::Open { sizes, .. })) => Some(sizes),
            (None, Some(Sheets::Refused(why))) => return self.refuse(id, *why),
            (None, Some(Sheets::Opening) | None) => None,
        };
        let Some(sizes) = sizes else { return };
        let Some(size) = usize::try_from(look.page).ok().and_then(|page| sizes.get(page)) else { return };
        let shape = f64::from(size.width) / f64::from(size.height.max(1.0));
        let Some(place) = media.page_place(shape) else { return };
        let wish = Wish { id, look, size: within(place, shape), early };
        state.wish = Some(wish);
        if state.shown == Some(wish) {
            return;
        }
        let orders = if let Some((_, picture)) = state.drawn.iter().find(|(drawn, _)| *drawn == wish) {
            (self.out)(Some(picture.clone()));
            state.shown = Some(wish);
            state.neighbours(wish)
        } else if state.asked != Some(wish) {
            state.asked = Some(wish);
            state.order(wish).into_iter().collect()
        } else {
            return;
        };
        drop(state);
        self.draw(orders);
    }

    /// Not under the lock: what newer wishes overtake is answered on this very thread.
    fn draw(self: &Arc<Self>, orders: Vec<Order>) {
        for Order { document, wish } in orders {
            let zone = |edge: u16| f32::from(edge) / 1000.0;
            let share = 1000.0 / f32::from(wish.look.zoom.max(1000));
            let [left, top] = wish.look.corner.map(zone);
            let zone = Zone { left, top, right: (left + share).min(1.0), bottom: (top + share).min(1.0) };
            let drawing = Drawing { page: wish.look.page, zone, width: wish.size.0, height: wish.size.1 };
            let table = Arc::clone(self);
            document.draw(drawing, move |picture| table.drawn(wish, picture));
        }
    }

    /// On the attendant's thread, or on that of a newer wish.
    fn drawn(self: &Arc<Self>, wish: Wish, picture: Result<Picture, Undrawn>) {
        // Eight megabytes are copied before the lock is taken.
        let picture =
            picture.map(|Picture { width, height, bgrx }| PagePicture::new(wish.id, wish.look, (width, height), &bgrx));
        let mut state = self.lock();
        let looked_at = state.wish == Some(wish);
        match picture {
            Ok(Some(picture)) if state.order(wish).is_some() => {
                if wish.early.is_none() {
                    state.drawn.retain(|(drawn, _)| *drawn != wish);
                    state.drawn.push_back((wish, picture.clone()));
                    if state.drawn.len() > KEPT {
                        state.drawn.pop_front();
                    }
                }
                if looked_at {
                    (self.out)(Some(picture));
                    state.shown = Some(wish);
                    let orders = state.neighbours(wish);
                    drop(state);
                    self.draw(orders);
                }
            }
            Ok(_) => {}
            Err(Undrawn::Refused(why)) if looked_at => {
                drop(state);
                if wish.early.is_none() {
                    self.refuse(wish.id, why);
                }
            }
            Err(Undrawn::Refused(_) | Undrawn::Overtaken | Undrawn::Closed) => {
                if state.asked == Some(wish) {
                    state.asked = None;
                }
            }
        }
    }

    fn refuse(&self, document: DocumentId, why: Refusal) {
        tracing::info!(?document, ?why, "a document cannot be shown");
        self.questions.tell(RoomInput::DocumentRefused { document, why });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn order(&self, wish: Wish) -> Option<Order> {
        let document = match (wish.early, self.open.get(&wish.id)) {
            (Some(attempt), _) => {
                let early = self.early.as_ref().filter(|early| early.of == (wish.id, attempt))?;
                early.sheets.as_ref().map(|(document, _)| document)
            }
            (None, Some(Sheets::Open { document, .. })) => Some(document),
            (None, Some(Sheets::Opening | Sheets::Refused(_)) | None) => None,
        };
        document.map(|document| Order { document: Arc::clone(document), wish })
    }

    /// The page before and the one behind, so that turning shows them at once. The one behind is wished last: drawn first.
    fn neighbours(&self, wish: Wish) -> Vec<Order> {
        let Some(Sheets::Open { sizes, .. }) = self.open.get(&wish.id).filter(|_| wish.early.is_none()) else {
            return Vec::new();
        };
        let size = |at: u32| usize::try_from(at).ok().and_then(|at| sizes.get(at));
        let page = wish.look.page;
        let near = [page.checked_sub(1), page.checked_add(1)].into_iter().flatten();
        let same = near.filter(|near| size(*near) == size(page)).map(|near| Wish { look: Look::at(near), ..wish });
        let new = same.filter(|near| self.drawn.iter().all(|(drawn, _)| drawn != near));
        new.filter_map(|near| self.order(near)).collect()
    }
}

/// Something to be drawn, and by whom.
struct Order {
    document: Arc<Document>,
    wish: Wish,
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

/// The largest size of this shape within `place`, in pixels.
fn within((width, height): (u32, u32), shape: f64) -> (u32, u32) {
    let side = |length: f64| length.round().clamp(1.0, f64::from(u32::MAX)) as u32;
    let (wide, high) = (f64::from(width), f64::from(height));
    if wide / high > shape { (side(high * shape), height) } else { (width, side(wide / shape)) }
}

/// Documents that are read at once: a worker takes up to 400 MB for a large photo, and the unit has 1 GB for all.
const MOST_WORKERS: usize = 3;
/// Drawn pages: the one in front, its neighbours, and those one comes from. 8 MB each on a 1920×1080 screen.
const KEPT: usize = 6;
