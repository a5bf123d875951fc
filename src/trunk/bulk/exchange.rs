//! What all bulk connections share: which documents are wanted, how fast may be sent, and which connection asks.
//!
//! There may be several connections for a moment, when both boxes dialled or an old one is not known to be dead. Each answers
//! what is asked on it; only the newest asks, so that nothing is sent twice.

use super::pace::Pace;
use crate::documents::{Documents, MOST_DOCUMENTS, Missing, Ranges, Taken};
use crate::model::{Bitrate, DocumentId};
use crate::trunk::bundles::Bundles;
use crate::trunk::message::{MessageError, RANGES_LIMIT, Wanted};
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// One for each trunk.
pub(in crate::trunk) struct Exchange {
    pub(super) documents: Documents,
    pub(super) bundles: Bundles,
    state: Mutex<State>,
    /// Rings when what is wanted, the pace or the connections changed.
    pub(super) changed: watch::Sender<()>,
}

struct State {
    /// Most urgent first, each once.
    wanted: Vec<DocumentId>,
    /// Asked of the peer lately: their pieces may still be under way.
    asked: VecDeque<DocumentId>,
    /// The bulk connections that are up, numbered in their order.
    seats: BTreeSet<u64>,
    next_seat: u64,
    pace: Pace,
}

impl Exchange {
    pub(in crate::trunk) fn new(documents: Documents, bundles: Bundles) -> Arc<Self> {
        let pace = Pace::new(Instant::now());
        let state = State { wanted: Vec::new(), asked: VecDeque::new(), seats: BTreeSet::new(), next_seat: 0, pace };
        Arc::new(Self { documents, bundles, state: Mutex::new(state), changed: watch::Sender::new(()) })
    }

    pub(in crate::trunk) fn want(&self, wanted: &[DocumentId]) {
        let mut once = Vec::new();
        for document in wanted.iter().take(MOST_DOCUMENTS) {
            if !once.contains(document) {
                once.push(*document);
            }
        }
        self.lock().wanted = once;
        self.changed.send_replace(());
    }

    pub(in crate::trunk) fn pace(&self, allowed: Bitrate) {
        self.lock().pace.set(allowed, Instant::now());
        self.changed.send_replace(());
    }

    /// A frame leaves.
    pub(super) fn spend(&self, frame: usize) {
        self.lock().pace.spend(frame, Instant::now());
    }

    /// Waits until a piece may leave; returns how long it may be. Cancel-safe.
    pub(super) async fn turn(&self, changed: &mut watch::Receiver<()>) -> usize {
        loop {
            changed.borrow_and_update();
            let now = Instant::now();
            let (ready_at, piece) = {
                let mut state = self.lock();
                (state.pace.ready_at(now), state.pace.piece())
            };
            match ready_at {
                Some(at) if at <= now => return piece,
                Some(at) => drop(timeout_at(at, changed.changed()).await),
                None => drop(changed.changed().await),
            }
        }
    }

    /// A piece came. Only what was asked is taken.
    pub(super) fn take_in(&self, document: DocumentId, offset: u64, bytes: &[u8]) -> Result<Taken, MessageError> {
        if !self.lock().asked.contains(&document) {
            return Err(MessageError::OutOfBounds("a piece that nobody wanted"));
        }
        match self.documents.take_in(document, offset, bytes) {
            Taken::OutOfBounds => Err(MessageError::OutOfBounds("a piece")),
            taken @ (Taken::Ignored
            | Taken::More
            | Taken::FirstPage
            | Taken::Whole
            | Taken::StartedAgain
            | Taken::Failed) => Ok(taken),
        }
    }

    /// What the first page of a document needs. Of one that was not asked for it says nothing.
    pub(super) fn take_first(&self, document: DocumentId, parts: Vec<Range<u64>>) -> Result<(), MessageError> {
        let known = self.lock().asked.contains(&document);
        if known && !self.documents.set_first(document, parts) {
            return Err(MessageError::OutOfBounds("what a first page needs"));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One bulk connection's place among the others; left when dropped.
pub(super) struct Seat {
    pub(super) exchange: Arc<Exchange>,
    number: u64,
}

impl Seat {
    pub(super) fn take(exchange: &Arc<Exchange>) -> Self {
        let mut state = exchange.lock();
        let number = state.next_seat;
        state.next_seat += 1;
        state.seats.insert(number);
        drop(state);
        exchange.changed.send_replace(());
        Self { exchange: exchange.clone(), number }
    }

    /// What this connection is to ask for now, with the number of the try to receive it.
    pub(super) fn list(&self) -> Vec<(u64, Wanted)> {
        let state = self.exchange.lock();
        if state.seats.last() != Some(&self.number) {
            return Vec::new();
        }
        let wanted = state.wanted.clone();
        drop(state);
        let lacking = |document| {
            let Missing { attempt, ranges } = self.exchange.documents.missing(document)?;
            let few = ranges.into_iter().collect::<Ranges>().joined(RANGES_LIMIT);
            Some((attempt, Wanted { document, ranges: few.iter().collect() }))
        };
        wanted.into_iter().filter_map(lacking).collect()
    }

    /// These are being asked for.
    pub(super) fn asked(&self, documents: impl Iterator<Item = DocumentId>) {
        let mut state = self.exchange.lock();
        for document in documents {
            state.asked.retain(|known| *known != document);
            state.asked.push_back(document);
        }
        let surplus = state.asked.len().saturating_sub(MOST_ASKED);
        state.asked.drain(..surplus);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.exchange.lock().seats.remove(&self.number);
        self.exchange.changed.send_replace(());
    }
}

/// Of two full lists pieces may be under way.
const MOST_ASKED: usize = 2 * MOST_DOCUMENTS;
