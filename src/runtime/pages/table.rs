//! What the documents' hands and their callbacks share: open documents, drawn pages, and what the screen is to show.

use crate::core::input::RoomInput;
use crate::core::share::{Look, Refusal};
use crate::media::page::PagePicture;
use crate::media::room::{Media, PageOut};
use crate::model::DocumentId;
use crate::pages::{Document, Drawing, Opened, PageSize, Picture, Undrawn, Zone};
use crate::questions::Questions;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Callbacks of the studio hold it too.
pub(super) struct Table {
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

impl Table {
    pub(super) fn new(questions: Questions, out: PageOut) -> Self {
        Self { state: Mutex::default(), questions, out }
    }

    /// Forgets these. What it returns takes its time to drop.
    pub(super) fn forget(&self, gone: &[DocumentId]) -> impl Send + use<> {
        let mut state = self.lock();
        let closed: Vec<_> = gone.iter().filter_map(|id| state.open.remove(id)).collect();
        let early = state.early.take_if(|early| gone.contains(&early.of.0));
        let (kept, wiped): (_, VecDeque<_>) =
            std::mem::take(&mut state.drawn).into_iter().partition(|(wish, _)| !gone.contains(&wish.id));
        state.drawn = kept;
        (closed, early, wiped)
    }

    pub(super) fn knows(&self, id: DocumentId) -> bool {
        self.lock().open.contains_key(&id)
    }

    /// It is being opened; one that nobody looks at makes room.
    pub(super) fn begin(&self, id: DocumentId, spared: &[DocumentId]) {
        let mut state = self.lock();
        let idle = |other: &&DocumentId| !spared.contains(other);
        if state.open.len() >= MOST_WORKERS
            && let Some(other) = state.open.keys().find(idle).copied()
        {
            state.open.remove(&other);
        }
        state.open.insert(id, Sheets::Opening);
    }

    /// The first page of what came in this try is to be opened, if it is not yet. What another one brought goes off the screen.
    pub(super) fn begin_early(&self, of: (DocumentId, u64)) -> bool {
        if self.lock().early.as_ref().is_some_and(|early| early.of == of) {
            return false;
        }
        self.clear();
        self.lock().early = Some(Early { of, sheets: None });
        true
    }

    /// All of it is here. What was drawn before stands there until it is drawn again.
    pub(super) fn end_early(&self) {
        self.lock().early = None;
    }

    pub(super) fn opened(&self, id: DocumentId, opened: Result<Opened, Refusal>) {
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

    pub(super) fn opened_early(&self, of: (DocumentId, u64), opened: Result<Opened, Refusal>) {
        let mut state = self.lock();
        let Some(early) = state.early.as_mut().filter(|early| early.of == of) else { return };
        match opened {
            Ok(Opened { pages: sizes, document, .. }) => early.sheets = Some((Arc::new(document), sizes)),
            Err(Refusal::TooMany) => state.early = None,
            Err(why) => tracing::debug!(document = ?of.0, ?why, "its first page is not shown before it is here"),
        }
    }

    /// Nothing is to be shown.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        (state.wish, state.asked, state.early) = (None, None, None);
        if state.shown.take().is_some() {
            (self.out)(None);
        }
    }

    /// What both rooms look at, as large as this screen shows it.
    pub(super) fn wish(self: &Arc<Self>, id: DocumentId, look: Look, early: Option<u64>, media: &Media) {
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

    pub(super) fn refuse(&self, document: DocumentId, why: Refusal) {
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

/// The largest size of this shape within `place`, in pixels.
fn within((width, height): (u32, u32), shape: f64) -> (u32, u32) {
    let side = |length: f64| length.round().clamp(1.0, f64::from(u32::MAX)) as u32;
    let (wide, high) = (f64::from(width), f64::from(height));
    if wide / high > shape { (side(high * shape), height) } else { (width, side(wide / shape)) }
}

/// Documents that are read at once: a worker takes up to 400 MB for a large photo, and the unit has 1 GB for all.
pub(super) const MOST_WORKERS: usize = 2;
/// Drawn pages: the one in front, its neighbours, and those one comes from. 8 MB each on a 1920×1080 screen.
const KEPT: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::Inbox;
    use std::sync::mpsc::{Receiver, channel};

    const ID: DocumentId = DocumentId([1; 32]);

    /// A table on whose screen the first page stands that came in the first try; what the screen is told from now on.
    fn shows_early(inbox: &Inbox) -> (Arc<Table>, Wish, Receiver<bool>) {
        let (tell, told) = channel();
        let out: PageOut = Arc::new(move |page| tell.send(page.is_some()).unwrap_or_default());
        let table = Arc::new(Table::new(Questions::new(inbox.clone()), out));
        let wish = Wish { id: ID, look: Look::at(0), size: (1, 1), early: Some(1) };
        assert!(table.begin_early((ID, 1)) && told.try_recv().is_err());
        (table.lock().wish, table.lock().shown) = (Some(wish), Some(wish));
        (table, wish, told)
    }

    fn drawn() -> Result<Picture, Undrawn> {
        Ok(Picture { width: 1, height: 1, bgrx: vec![255; 4] })
    }

    #[test]
    fn what_turned_out_wrong_goes_off_the_screen() {
        let (table, wish, told) = shows_early(&Inbox::default());
        assert!(!table.begin_early((ID, 1)) && told.try_recv().is_err(), "the same try");
        assert!(table.begin_early((ID, 2)));
        assert_eq!(told.try_recv(), Ok(false));
        // Its worker was not done yet.
        table.drawn(wish, drawn());
        assert!(told.try_recv().is_err() && table.lock().shown.is_none());
    }

    #[test]
    fn the_first_page_stands_until_the_whole_document_is_drawn_and_is_not_kept() {
        let (table, wish, told) = shows_early(&Inbox::default());
        table.end_early();
        assert!(told.try_recv().is_err() && table.lock().shown == Some(wish));
        table.drawn(wish, drawn());
        assert!(told.try_recv().is_err() && table.lock().drawn.is_empty());
    }

    #[test]
    fn no_word_about_an_early_page_refuses_the_document() {
        let inbox = Inbox::default();
        let (table, wish, told) = shows_early(&inbox);
        table.opened_early((ID, 1), Err(Refusal::Broken));
        table.lock().asked = Some(wish);
        table.drawn(wish, Err(Undrawn::Refused(Refusal::Broken)));
        assert_eq!((told.try_recv().is_err(), inbox.take()), (true, None));
        assert_eq!(table.lock().asked, Some(wish), "nor is it tried again and again");
    }
}
