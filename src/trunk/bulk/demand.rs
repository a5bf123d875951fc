//! What one bulk connection asks of the peer: the list of what is missing, again whenever it is another one.

use super::exchange::Seat;
use crate::model::DocumentId;
use crate::trunk::message::Bulk;
use tokio::sync::watch;

pub(super) struct Demand {
    seat: Seat,
    changed: watch::Receiver<()>,
    documents_changed: watch::Receiver<()>,
    /// Of the last list: each document with the number of the try to receive it.
    asked: Vec<(DocumentId, u64)>,
}

impl Demand {
    pub(super) fn new(seat: Seat) -> Self {
        let changed = seat.exchange.changed.subscribe();
        let documents_changed = seat.exchange.documents.changes();
        Self { seat, changed, documents_changed, asked: Vec::new() }
    }

    /// The next list to say. Cancel-safe.
    pub(super) async fn next(&mut self) -> Bulk {
        loop {
            self.changed.borrow_and_update();
            self.documents_changed.borrow_and_update();
            let list = self.seat.list();
            let now: Vec<_> = list.iter().map(|(attempt, wanted)| (wanted.document, *attempt)).collect();
            // That a document has come is no reason to ask for the others once more.
            let documents = &self.seat.exchange.documents;
            let still = self.asked.iter().filter(|(document, _)| documents.bytes(*document).is_none());
            if !still.eq(now.iter()) {
                self.seat.asked(now.iter().map(|(document, _)| *document));
                self.asked = now;
                return Bulk::Want { list: list.into_iter().map(|(_, wanted)| wanted).collect() };
            }
            tokio::select! {
                _ = self.changed.changed() => {}
                _ = self.documents_changed.changed() => {}
            }
        }
    }
}
