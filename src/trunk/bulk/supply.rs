//! What one bulk connection gives the peer: the pieces of its newest list, in its order, at the pace allowed; of each
//! document what its first page needs before the rest.
//!
//! A piece is read at the moment it may leave: of what is no longer served only what the kernel holds already still leaves.

use super::exchange::Exchange;
use crate::documents::Ranges;
use crate::model::DocumentId;
use crate::trunk::message::{Bulk, PART_BYTES, Wanted};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::watch;

pub(super) struct Supply {
    exchange: Arc<Exchange>,
    changed: watch::Receiver<()>,
    documents_changed: watch::Receiver<()>,
    heard: watch::Receiver<Vec<Wanted>>,
    open: Vec<Open>,
}

/// What is left to send of one document.
struct Open {
    document: DocumentId,
    ranges: VecDeque<Range<u64>>,
    /// The peer knows that it cannot have it now.
    refused: bool,
    /// The peer knows what the first page needs, and it is first among the ranges.
    sorted: bool,
}

impl Supply {
    /// Follows the peer's lists.
    pub(super) fn new(exchange: &Arc<Exchange>, heard: watch::Receiver<Vec<Wanted>>) -> Self {
        let (changed, documents_changed) = (exchange.changed.subscribe(), exchange.documents.changes());
        Self { exchange: exchange.clone(), changed, documents_changed, heard, open: Vec::new() }
    }

    /// The next thing to say, when it may be said. Cancel-safe.
    pub(super) async fn next(&mut self) -> Bulk {
        loop {
            let piece = self.exchange.turn(&mut self.changed).await;
            self.documents_changed.borrow_and_update();
            if self.heard.has_changed().unwrap_or(false) {
                self.open = self.heard.borrow_and_update().iter().map(Open::new).collect();
            }
            if let Some(message) = self.take(piece as u64) {
                return message;
            }
            tokio::select! {
                _ = self.heard.changed() => self.heard.mark_changed(),
                _ = self.documents_changed.changed() => {}
            }
        }
    }

    fn take(&mut self, most: u64) -> Option<Bulk> {
        self.open.retain(|open| !open.ranges.is_empty());
        for open in &mut self.open {
            if let Some(first) = self.exchange.documents.first(open.document).filter(|_| !open.sorted) {
                // No longer than a piece: voice waits behind it too.
                let first = Ranges::clone(&first).joined(usize::try_from(most).unwrap_or(usize::MAX) / PART_BYTES);
                open.sort(&first);
                return Some(Bulk::First { document: open.document, parts: first.iter().collect() });
            }
            let Some(range) = open.ranges.front_mut() else { continue };
            let (offset, end) = (range.start, range.end.min(range.start.saturating_add(most)));
            match self.exchange.documents.read(open.document, offset..end) {
                Some(bytes) => {
                    open.refused = false;
                    range.start = end;
                    if range.is_empty() {
                        open.ranges.pop_front();
                    }
                    return Some(Bulk::Piece { document: open.document, offset, bytes });
                }
                None if !open.refused => {
                    open.refused = true;
                    return Some(Bulk::Refused { document: open.document });
                }
                None => {}
            }
        }
        None
    }
}

impl Open {
    fn new(wanted: &Wanted) -> Self {
        Self { document: wanted.document, ranges: wanted.ranges.clone().into(), refused: false, sorted: false }
    }

    fn sort(&mut self, first: &Ranges) {
        let wanted = || self.ranges.iter().cloned();
        let rest: Vec<_> = wanted().flat_map(|range| first.missing(range)).collect();
        self.ranges = wanted().flat_map(|range| first.present(range).collect::<Vec<_>>()).chain(rest).collect();
        self.sorted = true;
    }
}
