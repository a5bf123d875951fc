//! The bytes of shared documents: content-addressed, bounded, in memory only, overwritten when nobody needs them any more.
//!
//! ```text
//!   add ──────────────────────────────▶ whole ── bytes (rendering), read (the peer, if served)
//!   expect ─▶ coming ── take_in … hash ──▲ │
//!                └── wrong hash, 3 times ──┼──▶ failed        forget: from anywhere, to nothing
//! ```
//!
//! What is whole is what its name says. What the first page needs travels first, if somebody said what that is, and may be
//! had before the rest came: unproven, to be shown and not to be kept. The peer is given nothing that [`Documents::serve`] did not name. There is no way
//! to a disk from here. Deliberately absent: what a document is, who brought it and where it stands on a screen.

mod coming;
mod ranges;

pub use ranges::Ranges;

use crate::model::DocumentId;
use coming::{Coming, Finished};
use ring::digest::{self, SHA256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// The store; cheap to clone, all clones are the same one.
#[derive(Clone, Default)]
pub struct Documents(Arc<Shared>);

#[derive(Default)]
struct Shared {
    store: Mutex<Store>,
    changed: watch::Sender<()>,
}

impl Documents {
    /// Keeps a whole document. Hashes it on the caller's thread: about 0.2 s for the longest.
    ///
    /// # Errors
    /// See [`Full`]; the bytes are then overwritten.
    pub fn add(&self, bytes: Vec<u8>) -> Result<DocumentId, Full> {
        let bytes = DocumentBytes::from(bytes);
        checked(bytes.len() as u64)?;
        let document = name_of(&bytes);
        let mut store = self.lock();
        if let Some(Entry::Whole { .. }) = store.documents.get(&document) {
            return Ok(document);
        }
        store.room_for(document, bytes.len() as u64)?;
        let before = store.documents.insert(document, Entry::whole(bytes));
        self.ring(store);
        drop(before);
        Ok(document)
    }

    /// A document of so many bytes will come in pieces. Nothing new if it is here, coming or failed already; another length
    /// begins anew.
    ///
    /// # Errors
    /// See [`Full`].
    pub fn expect(&self, document: DocumentId, length: u64) -> Result<(), Full> {
        let whole = checked(length)?;
        let mut store = self.lock();
        let known = match store.documents.get(&document) {
            Some(Entry::Whole { .. }) => return Ok(()),
            Some(Entry::Coming(coming)) => Some(coming.length),
            Some(Entry::Failed { length }) => Some(*length),
            None => None,
        };
        if known == Some(length) {
            return Ok(());
        }
        store.room_for(document, length)?;
        store.attempts += 1;
        let coming = Box::new(Coming::new(whole, store.attempts));
        let before = store.documents.insert(document, Entry::Coming(coming));
        self.ring(store);
        drop(before);
        Ok(())
    }

    /// A piece of a document that is coming. Only bytes that are missing are taken.
    pub fn take_in(&self, document: DocumentId, offset: u64, piece: &[u8]) -> Taken {
        let mut store = self.lock();
        let next_attempt = store.attempts + 1;
        let Some(Entry::Coming(coming)) = store.documents.get_mut(&document) else { return Taken::Ignored };
        let had_first = coming.has_first();
        let Some(progress) = coming.take(offset, piece) else { return Taken::OutOfBounds };
        if progress == 0 {
            return Taken::Ignored;
        }
        let (taken, before) = match coming.finish(document) {
            None if !had_first && coming.has_first() => return Taken::FirstPage,
            None => return Taken::More,
            Some(Finished::Right(bytes)) => (Taken::Whole, store.documents.insert(document, Entry::whole(bytes))),
            Some(Finished::WrongAgain(length)) => {
                (Taken::Failed, store.documents.insert(document, Entry::Failed { length }))
            }
            Some(Finished::Wrong(old)) => {
                coming.attempt = next_attempt;
                store.attempts = next_attempt;
                self.ring(store);
                drop(old);
                return Taken::StartedAgain;
            }
        };
        self.ring(store);
        drop(before);
        taken
    }

    /// What a coming document lacks; none when it is whole, failed or not expected.
    pub fn missing(&self, document: DocumentId) -> Option<Missing> {
        match self.lock().documents.get(&document)? {
            Entry::Coming(coming) => Some(Missing { attempt: coming.attempt, ranges: coming.missing() }),
            Entry::Whole { .. } | Entry::Failed { .. } => None,
        }
    }

    /// Its first page needs these parts and no others: at most [`MOST_PARTS`], at least one. The first word counts; nothing of
    /// a document that is not here or coming. False for parts that it cannot have.
    pub fn set_first(&self, document: DocumentId, parts: impl IntoIterator<Item = Range<u64>>) -> bool {
        let parts: Ranges = parts.into_iter().collect();
        let mut store = self.lock();
        let (first, length) = match store.documents.get_mut(&document) {
            Some(Entry::Coming(coming)) => (&mut coming.first, coming.length),
            Some(Entry::Whole { bytes, first }) => (first, bytes.len() as u64),
            Some(Entry::Failed { .. }) | None => return true,
        };
        if !(1..=MOST_PARTS).contains(&parts.count()) || parts.end() > length {
            return false;
        }
        if first.is_none() {
            *first = Some(Arc::new(parts));
            self.ring(store);
        }
        true
    }

    /// What the first page of a whole document needs, for the peer; none for what [`Documents::serve`] did not name.
    pub fn first(&self, document: DocumentId) -> Option<Arc<Ranges>> {
        let store = self.lock();
        match store.documents.get(&document).filter(|_| store.served.contains(&document))? {
            Entry::Whole { first, .. } => first.clone(),
            Entry::Coming(_) | Entry::Failed { .. } => None,
        }
    }

    /// The try of which a coming document has all that its first page needs.
    pub fn has_first_page(&self, document: DocumentId) -> Option<u64> {
        match self.lock().documents.get(&document)? {
            Entry::Coming(coming) => coming.has_first().then_some(coming.attempt),
            Entry::Whole { .. } | Entry::Failed { .. } => None,
        }
    }

    /// That, as a document of zeros elsewhere. Nobody has proven that it is what the name says.
    pub fn first_page(&self, document: DocumentId) -> Option<DocumentBytes> {
        match self.lock().documents.get(&document)? {
            Entry::Coming(coming) => coming.first_page(),
            Entry::Whole { .. } | Entry::Failed { .. } => None,
        }
    }

    /// Bytes that are here, and the document's length; none when failed or not expected.
    pub fn progress(&self, document: DocumentId) -> Option<(u64, u64)> {
        match self.lock().documents.get(&document)? {
            Entry::Coming(coming) => Some((coming.have.total(), coming.length)),
            Entry::Whole { bytes, .. } => Some((bytes.len() as u64, bytes.len() as u64)),
            Entry::Failed { .. } => None,
        }
    }

    /// A whole document.
    pub fn bytes(&self, document: DocumentId) -> Option<Arc<DocumentBytes>> {
        match self.lock().documents.get(&document)? {
            Entry::Whole { bytes, .. } => Some(bytes.clone()),
            Entry::Coming(_) | Entry::Failed { .. } => None,
        }
    }

    /// A part of a whole document, for the peer; none for what [`Documents::serve`] did not name.
    pub fn read(&self, document: DocumentId, range: Range<u64>) -> Option<DocumentBytes> {
        if !self.lock().served.contains(&document) {
            return None;
        }
        let whole = self.bytes(document)?;
        let part = whole.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)?;
        Some(part.to_vec().into())
    }

    /// From now on the peer may have these documents and no others; none from the start.
    pub fn serve(&self, documents: impl IntoIterator<Item = DocumentId>) {
        let mut store = self.lock();
        store.served = documents.into_iter().take(MOST_DOCUMENTS).collect();
        self.ring(store);
    }

    /// Lets go of a document. Its bytes are overwritten when the last user of [`Documents::bytes`] drops them.
    pub fn forget(&self, document: DocumentId) {
        drop(self.release(document));
    }

    /// The same, for who may not wait: overwriting the longest takes 30 ms, wherever what this returns is dropped.
    #[must_use = "dropped at once it is overwritten at once"]
    pub fn release(&self, document: DocumentId) -> Released {
        let mut store = self.lock();
        let before = store.documents.remove(&document);
        store.served.remove(&document);
        self.ring(store);
        Released { _before: before }
    }

    /// Lets go of all of them, and serves none.
    pub fn forget_all(&self) {
        let mut store = self.lock();
        let before = std::mem::take(&mut store.documents);
        store.served.clear();
        self.ring(store);
        drop(before);
    }

    /// Whether no document is here, coming or failed.
    pub fn is_empty(&self) -> bool {
        self.lock().documents.is_empty()
    }

    /// Wakes when a document came, failed, was expected, forgotten or is served otherwise; not with every piece.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// Ends a change; what it freed is to be dropped afterwards, outside the lock.
    fn ring(&self, store: MutexGuard<'_, Store>) {
        drop(store);
        self.0.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().documents.keys()).finish()
    }
}

/// A document that was let go of; its bytes are overwritten when this is dropped.
pub struct Released {
    _before: Option<Entry>,
}

/// What came of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Its document is not coming (any more), or its bytes are here already.
    Ignored,
    /// Beyond the document's end, or one of so many scattered pieces that no box sends.
    OutOfBounds,
    /// More is missing.
    More,
    /// More is missing, but from now on nothing that the first page needs.
    FirstPage,
    /// The document is whole, its hash is right.
    Whole,
    /// All bytes were there and were not what the name says: all thrown away, all missing again.
    StartedAgain,
    /// The same for the last time: failed.
    Failed,
}

/// What a coming document lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Names this try to receive it: a new one after a wrong hash, and when it was forgotten and expected again.
    pub attempt: u64,
    /// In order, apart from each other; at least one.
    pub ranges: Vec<Range<u64>>,
}

/// Why a document is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// No bytes at all.
    #[error("the document is empty")]
    Empty,
    /// Longer than [`LONGEST_DOCUMENT`].
    #[error("the document is longer than {} MiB", LONGEST_DOCUMENT / MIB)]
    TooLong,
    /// All documents together would be longer than [`MOST_BYTES`].
    #[error("all documents together would be longer than {} MiB", MOST_BYTES / MIB)]
    TooMuch,
    /// There are [`MOST_DOCUMENTS`].
    #[error("there are {MOST_DOCUMENTS} documents already")]
    TooMany,
}

/// Bytes of a document or of a part of one: overwritten when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentBytes(Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for DocumentBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl Deref for DocumentBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for DocumentBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[derive(Default)]
struct Store {
    documents: BTreeMap<DocumentId, Entry>,
    served: BTreeSet<DocumentId>,
    /// Counts every try to receive a document.
    attempts: u64,
}

enum Entry {
    Coming(Box<Coming>),
    Whole {
        bytes: Arc<DocumentBytes>,
        /// What the first page needs, if that is known.
        first: Option<Arc<Ranges>>,
    },
    /// Its bytes are gone; its length tells a new announcement from a repeated one.
    Failed {
        length: u64,
    },
}

impl Store {
    /// Whether `document` with so many bytes fits beside the others.
    fn room_for(&self, document: DocumentId, length: u64) -> Result<(), Full> {
        let others = self.documents.iter().filter(|(other, _)| **other != document);
        let (count, bytes) = others.fold((0, 0), |(count, bytes), (_, entry)| (count + 1, bytes + entry.held()));
        if count >= MOST_DOCUMENTS {
            Err(Full::TooMany)
        } else if bytes + length > MOST_BYTES {
            Err(Full::TooMuch)
        } else {
            Ok(())
        }
    }
}

impl Entry {
    fn whole(bytes: DocumentBytes) -> Self {
        Self::Whole { bytes: Arc::new(bytes), first: None }
    }

    fn held(&self) -> u64 {
        match self {
            Self::Coming(coming) => coming.length,
            Self::Whole { bytes, .. } => bytes.len() as u64,
            Self::Failed { .. } => 0,
        }
    }
}

/// The name that bytes have.
pub fn name_of(bytes: &[u8]) -> DocumentId {
    coming::name(&digest::digest(&SHA256, bytes))
}

/// The length in memory.
fn checked(length: u64) -> Result<usize, Full> {
    match length {
        0 => Err(Full::Empty),
        1..=LONGEST_DOCUMENT => usize::try_from(length).map_err(|_| Full::TooLong),
        _ => Err(Full::TooLong),
    }
}

const MIB: u64 = 1024 * 1024;
/// Bytes of one document.
pub const LONGEST_DOCUMENT: u64 = 100 * MIB;
/// Bytes of all documents here; one that is still shown somewhere after it was forgotten is not counted.
pub const MOST_BYTES: u64 = 256 * MIB;
/// Parts of one document that its first page needs: one for each page of a long one.
pub const MOST_PARTS: usize = 1000;
/// Documents here, coming and failed ones too.
pub const MOST_DOCUMENTS: usize = 32;
