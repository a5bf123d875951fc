//! Documents on both screens: which are open, which stands in front, where both rooms look.
//!
//! ```text
//!   share ──► opening ─ drawn by the worker ─► open ─ word ─► the far box ─ fetches ─► open there
//!   turn, zoom, front, close ───────────────► the newest change of each thing counts
//!   the mode becomes Quiet or Talking ──────► everything is forgotten, in both boxes
//! ```
//! May be relied on: two boxes that heard each other's newest word show the same page; a change never loses against an older
//! one; what belongs to a meeting that is over comes back from nowhere, not from a box that slept through its end. Said and
//! heard in a meeting only: behind a curtain documents serve one room. Deliberately absent: bytes, pixels, microphones.

mod ink;
mod marking;
mod name;
mod refusal;
mod word;

pub use ink::{Ink, InkMark, MOST_POINTS, MOST_STROKES, MOST_TOLD, Marked, Point, Pointed, Pointer, Stroke};
pub use marking::Keeping;
pub use name::file_name;
pub use refusal::Refusal;
pub use word::{Document, Keep, Look, MOST_ZOOM, ShareWord, Stamp};

use crate::core::request::{Answer, Denied};
use crate::model::{BootId, DocumentId, Moment, Role};

/// The machine. [`super::Core`] feeds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    life: BootId,
    role: Role,
    word: ShareWord,
    /// What is drawn on the pages.
    pub ink: Ink,
    opening: Vec<Opening>,
    /// Documents whose bytes are in this box.
    here: Vec<DocumentId>,
    /// Documents that will not come.
    given_up: Vec<DocumentId>,
    /// What people of this room want kept, since the box began: the far box cannot wish for them.
    wishes: Vec<(DocumentId, Stamp)>,
    /// Documents that this box was told to write to its disk.
    keeps: Vec<DocumentId>,
    /// What became of that: written, or no place.
    kept: Vec<(DocumentId, bool)>,
    fault: Option<ShareFault>,
}

/// A document that somebody of this room shares and that is not yet known to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Names its bytes.
    pub id: DocumentId,
    /// As the file is called.
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// When somebody began to bring it; none: a moment ago.
    pub begun: Option<Occasion>,
}

/// What somebody who brings a document believes to bring it into. Its bytes take their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The meeting that runs since then.
    Meeting(Moment),
    /// This room alone.
    Alone,
    /// A meeting that begins with it; when the last one ended.
    None([u32; 2]),
}

/// A document that could not be opened or did not arrive, told until the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareFault {
    /// Which.
    pub id: DocumentId,
    /// Its name.
    pub name: String,
    /// Why.
    pub why: Refusal,
}

/// What somebody wants of the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareRequest {
    /// Show this; its bytes lie in the store.
    Open(Opening),
    /// Put this one in front.
    Front(DocumentId),
    /// Another page of the one in front.
    Turn(Turn),
    /// Another part of the page: zoom and corner, as in [`Look`].
    Zoom(u16, [u16; 2]),
    /// The same as behind it, as long as this document stands in front: what people see may have changed meanwhile.
    InFront(DocumentId, Box<Self>),
    /// No longer show this.
    Close(DocumentId),
    /// Point there, or nowhere any more.
    Point(Pointer),
    /// Draw a line on a page.
    Draw(DocumentId, u32, Vec<Point>),
    /// Wipe away what is drawn on a page.
    Wipe(DocumentId, u32),
    /// Keep it beyond the meeting, if the other room wants that too; or rather not.
    Keep(DocumentId, bool),
}

/// To which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// One further.
    Next,
    /// One back.
    Previous,
    /// This one, from 0.
    To(u32),
}

impl Share {
    /// With what ended last, so that a restart remembers it.
    pub fn new(ended: [u32; 2]) -> Self {
        Self { word: ShareWord { ended, ..ShareWord::default() }, ..Self::default() }
    }

    /// The box knows its peer, its part towards it, and this life's name.
    pub fn take_life(&mut self, life: BootId, role: Role) {
        (self.life, self.role) = (life, role);
    }

    /// What is open, what stands in front.
    pub fn word(&self) -> &ShareWord {
        &self.word
    }

    /// What is open, in the order in which it was shared.
    pub fn open(&self) -> impl Iterator<Item = &Document> {
        self.word.documents.iter().filter(|document| document.open)
    }

    /// The open document after the one in front; round again.
    pub fn after_front(&self) -> Option<DocumentId> {
        let front = self.word.in_front()?.id;
        let open = || self.open().map(|document| document.id);
        open().skip_while(|id| *id != front).nth(1).or_else(|| open().next())
    }

    /// What waits to be opened.
    pub fn opening(&self) -> &[Opening] {
        &self.opening
    }

    /// The last that went wrong.
    pub fn fault(&self) -> Option<&ShareFault> {
        self.fault.as_ref()
    }

    /// When a meeting ended last.
    pub fn ended(&self) -> [u32; 2] {
        self.word.ended
    }

    /// Every document whose bytes are needed: names and lengths.
    pub fn held(&self) -> Vec<(DocumentId, u64)> {
        let opening = self.opening.iter().map(|opening| (opening.id, opening.length));
        let mut held: Vec<_> = self.open().map(|document| (document.id, document.length)).chain(opening).collect();
        held.sort_unstable();
        held.dedup();
        held
    }

    /// A document has not arrived from the far box yet.
    pub fn is_fetching(&self) -> bool {
        self.open().any(|document| !self.here.contains(&document.id) && !self.given_up.contains(&document.id))
    }

    /// All its bytes are in this box.
    pub fn is_here(&self, id: DocumentId) -> bool {
        self.here.contains(&id)
    }

    /// All bytes of a document are in this box.
    pub fn arrived(&mut self, id: DocumentId) {
        self.given_up.retain(|gone| *gone != id);
        if !self.here.contains(&id) {
            self.here.push(id);
        }
    }

    /// Somebody of this room asks.
    pub fn ask(&mut self, request: &ShareRequest) -> Answer {
        let stamp = self.stamp();
        match request {
            ShareRequest::Open(opening) => self.begin(opening),
            ShareRequest::Front(id) => match self.word.in_front() {
                Some(front) if front.id == *id => Answer::AlreadySo,
                _ if !self.is_open(*id) => Answer::Denied(Denied::NoSuchDocument),
                _ => {
                    (self.word.front, self.word.fronted) = (Some(*id), stamp);
                    Answer::Accepted
                }
            },
            ShareRequest::Turn(turn) => self.look(|look| Look::at(turned(*turn, look.page))),
            ShareRequest::Zoom(zoom, corner) => self.look(|look| Look { zoom: *zoom, corner: *corner, ..look }),
            ShareRequest::InFront(id, _) if self.word.in_front().is_none_or(|front| front.id != *id) => {
                Answer::Denied(Denied::NotInFront)
            }
            ShareRequest::InFront(_, request) => self.ask(request),
            ShareRequest::Close(id) => self.close(*id),
            // The room keeps pointers: they fade.
            ShareRequest::Point(pointer) if self.is_open(pointer.document) => Answer::Accepted,
            ShareRequest::Point(_) => Answer::Denied(Denied::NoSuchDocument),
            ShareRequest::Draw(id, page, points) => self.draw(*id, *page, points),
            ShareRequest::Wipe(id, page) => self.mark(*id, *page, Marked::Wiped(stamp)),
            ShareRequest::Keep(id, on) => self.keep(*id, *on),
        }
    }

    /// The worker opened it and counted its pages. Shared from now on, if somebody of this room shared it.
    pub fn opened(&mut self, id: DocumentId, pages: u32, presses: [u32; 2]) {
        let Some(at) = self.opening.iter().position(|opening| opening.id == id) else { return };
        let Opening { name, length, .. } = self.opening.remove(at);
        self.arrived(id);
        let stamp = self.stamp();
        self.word.documents.retain(|document| document.id != id);
        self.word.documents.push(Document {
            id,
            name,
            length,
            pages: pages.max(1),
            since: presses,
            placed: stamp,
            open: true,
            changed: stamp,
            look: Look::at(0),
            looked: stamp,
            keep: [Keep::default(); 2],
        });
        self.forget_long_closed();
        (self.word.front, self.word.fronted) = (Some(id), stamp);
    }

    /// It cannot be opened, or did not arrive. Who shared it takes it back; who received it says so. What the far box does not
    /// give and this one does not have is nowhere any more: closed for both.
    pub fn refused(&mut self, id: DocumentId, why: Refusal) {
        let lost = why == Refusal::NotArrived && !self.here.contains(&id);
        let opening = self.opening.iter().position(|opening| opening.id == id);
        let name = match opening {
            Some(at) => self.opening.remove(at).name,
            None => match self.word.documents.iter().find(|document| document.id == id && document.open) {
                Some(document) => document.name.clone(),
                None => return,
            },
        };
        if !self.here.contains(&id) && !self.given_up.contains(&id) {
            self.given_up.push(id);
        }
        if lost {
            let _it_was_only_opening = self.close(id);
        }
        self.fault = Some(ShareFault { id, name, why });
    }

    /// The far box's word. Heard in a meeting only.
    pub fn hear(&mut self, word: &ShareWord) {
        // More that are open is no box: two that were cut apart.
        if word.documents.iter().filter(|document| document.open).count() > 2 * MOST_OPEN {
            return;
        }
        let looked =
            |word: &ShareWord, id| word.documents.iter().find(|known| known.id == id).map(|known| known.looked);
        let before = self.fault.as_ref().and_then(|fault| looked(&self.word, fault.id));
        self.word.join(word);
        self.disown_wishes();
        // It was this page that could not be drawn, maybe not the next one.
        self.fault.take_if(|fault| before.is_some() && looked(&self.word, fault.id) != before);
        let open: Vec<DocumentId> = self.open().map(|known| known.id).collect();
        self.here.retain(|here| open.contains(here));
        self.given_up.retain(|gone| open.contains(gone));
        self.sweep_ink();
        self.forget_long_closed();
        // Of more than two boxes can know, those go that this one does not have.
        while self.word.documents.len() > 2 * MOST_KNOWN {
            let here = &self.here;
            let Some(surplus) = self.word.documents.iter().rposition(|known| !here.contains(&known.id)) else { break };
            self.word.documents.remove(surplus);
        }
    }

    /// The meeting is over; `presses`: of the mode's wish.
    pub fn end(&mut self, presses: [u32; 2]) {
        let ended = [0, 1].map(|of| self.word.ended[of].max(presses[of]));
        // The count goes on: nothing of before is newer than what comes.
        let fronted = if self.word.documents.is_empty() { self.word.fronted } else { self.stamp() };
        self.word = ShareWord { ended, fronted, ..ShareWord::default() };
        self.opening.clear();
        self.here.clear();
        self.given_up.clear();
        self.ink = Ink::default();
        (self.wishes, self.keeps, self.kept) = (Vec::new(), Vec::new(), Vec::new());
        self.fault = None;
    }

    fn begin(&mut self, opening: &Opening) -> Answer {
        let is_open = self.is_open(opening.id);
        if is_open || self.opening.iter().any(|known| known.id == opening.id) {
            if is_open {
                (self.word.front, self.word.fronted) = (Some(opening.id), self.stamp());
                // It may have been on its way from the far box.
                self.arrived(opening.id);
            }
            return Answer::AlreadySo;
        }
        if self.open().count() + self.opening.len() >= MOST_OPEN {
            return Answer::Denied(Denied::TooManyDocuments);
        }
        self.fault = None;
        self.opening.push(opening.clone());
        Answer::Accepted
    }

    fn look(&mut self, other: impl Fn(Look) -> Look) -> Answer {
        let stamp = self.stamp();
        let Some(front) = self.word.in_front().map(|front| front.id) else {
            return Answer::Denied(Denied::NoSuchDocument);
        };
        let Some(front) = self.word.documents.iter_mut().find(|document| document.id == front) else {
            return Answer::Denied(Denied::NoSuchDocument);
        };
        let look = other(front.look).within(front.pages);
        if look == front.look {
            return Answer::AlreadySo;
        }
        (front.look, front.looked) = (look, stamp);
        let id = front.id;
        self.fault.take_if(|fault| fault.id == id);
        Answer::Accepted
    }

    fn close(&mut self, id: DocumentId) -> Answer {
        let stamp = self.stamp();
        let waited = self.opening.len();
        self.opening.retain(|opening| opening.id != id);
        if self.opening.len() < waited {
            return Answer::Accepted;
        }
        let Some(document) = self.word.documents.iter_mut().find(|document| document.id == id && document.open) else {
            return Answer::Denied(Denied::NoSuchDocument);
        };
        (document.open, document.changed) = (false, stamp);
        self.here.retain(|here| *here != id);
        self.given_up.retain(|gone| *gone != id);
        self.keeps.retain(|keeps| *keeps != id);
        self.kept.retain(|(kept, _)| *kept != id);
        self.sweep_ink();
        if self.fault.as_ref().is_some_and(|fault| fault.id == id) {
            self.fault = None;
        }
        Answer::Accepted
    }

    /// A box that was cut off since may still believe them open, and bring them back: they can be closed again.
    fn forget_long_closed(&mut self) {
        while self.word.documents.len() > MOST_KNOWN {
            let closed = self.word.documents.iter().enumerate().filter(|(_, known)| !known.open);
            let Some((oldest, _)) = closed.min_by_key(|(_, known)| known.changed) else { return };
            self.word.documents.remove(oldest);
        }
    }

    fn is_open(&self, id: DocumentId) -> bool {
        self.word.documents.iter().any(|document| document.id == id && document.open)
    }

    fn stamp(&self) -> Stamp {
        let next = self.word.next(self.life);
        Stamp { count: next.count.max(self.ink.newest().saturating_add(1)), ..next }
    }
}

fn turned(turn: Turn, page: u32) -> u32 {
    match turn {
        Turn::Next => page.saturating_add(1),
        Turn::Previous => page.saturating_sub(1),
        Turn::To(page) => page,
    }
}

/// Open at once.
pub const MOST_OPEN: usize = 10;
/// With those that were closed in this meeting.
const MOST_KNOWN: usize = 32;
