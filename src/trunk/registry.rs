//! The live control connections: who can be sent to, and the order of news about each.
//!
//! News that a connection is up, has a bulk connection, or is gone is told under one lock, so nothing about a connection
//! comes before its `TrunkOpened` or after its `TrunkClosed`.

use super::bulk::Arrived;
use super::connection::Greeted;
use super::message::Token;
use crate::core::input::Input;
use crate::inbox::Inbox;
use crate::model::{Side, TrunkId};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;

/// All control connections that can still be sent to.
pub(super) struct Registry {
    book: Mutex<Book>,
    inbox: Inbox,
    /// Each connection holds a receiver until its last words have left.
    running: watch::Sender<()>,
}

struct Book {
    live: BTreeMap<TrunkId, Live>,
    next: u64,
}

/// The registry's end of a connection; dropping it ends the connection.
struct Live {
    queue: mpsc::Sender<Vec<u8>>,
    _stop: oneshot::Sender<Infallible>,
    dialled_by: Side,
    token: Token,
    bulk: mpsc::Sender<Arrived>,
}

/// The connection's end.
pub(super) struct Lifelines {
    /// Its name.
    pub(super) trunk: TrunkId,
    /// Frames to write; ends after the last one when the connection is to be closed.
    pub(super) queue: mpsc::Receiver<Vec<u8>>,
    /// Resolves when the connection is to be closed.
    pub(super) stop: oneshot::Receiver<Infallible>,
    /// Bulk connections that the peer opened for it.
    pub(super) bulk: mpsc::Receiver<Arrived>,
    /// Held until the last words have left.
    pub(super) running: watch::Receiver<()>,
}

impl Registry {
    pub(super) fn new(inbox: Inbox) -> Self {
        let book = Mutex::new(Book { live: BTreeMap::new(), next: 1 });
        Self { book, inbox, running: watch::Sender::new(()) }
    }

    /// Names a connection and tells that it is up.
    pub(super) fn open(&self, greeted: &Greeted, dialled_by: Side) -> Lifelines {
        let (queue, frames) = mpsc::channel(SEND_QUEUE);
        let (stop, stopped) = oneshot::channel();
        let (bulk, arrivals) = mpsc::channel(1);
        let mut book = self.lock();
        let trunk = TrunkId(book.next);
        book.next += 1;
        book.live.insert(trunk, Live { queue, _stop: stop, dialled_by, token: greeted.token, bulk });
        self.inbox.urgent(Input::TrunkOpened {
            trunk,
            dialled_by,
            peer: greeted.secured.peer,
            own: greeted.secured.own,
            hello: greeted.hello.clone(),
        });
        let running = self.running.subscribe();
        Lifelines { trunk, queue: frames, stop: stopped, bulk: arrivals, running }
    }

    pub(super) fn send(&self, trunk: TrunkId, frame: Vec<u8>) {
        let mut book = self.lock();
        let full = book.live.get(&trunk).is_some_and(|live| live.queue.try_send(frame).is_err());
        if full {
            warn!(?trunk, "closing: the peer does not take what is said");
            book.live.remove(&trunk);
        }
    }

    pub(super) fn close(&self, trunk: TrunkId) {
        self.lock().live.remove(&trunk);
    }

    pub(super) fn close_all(&self) {
        self.lock().live.clear();
    }

    /// Waits until every connection has ended.
    pub(super) async fn all_gone(&self) {
        self.running.closed().await;
    }

    /// Tells that a connection is gone; its task calls this once.
    pub(super) fn gone(&self, trunk: TrunkId) {
        let mut book = self.lock();
        book.live.remove(&trunk);
        self.inbox.urgent(Input::TrunkClosed { trunk });
    }

    /// Tells about the bulk connection, while the control connection lives.
    pub(super) fn bulk_changed(&self, trunk: TrunkId, up: bool) {
        let book = self.lock();
        if book.live.contains_key(&trunk) {
            self.inbox.urgent(Input::BulkChanged { trunk, up });
        }
    }

    /// Where a bulk connection that the peer dialled belongs.
    pub(super) fn bulk_of(&self, token: Token) -> Option<mpsc::Sender<Arrived>> {
        let book = self.lock();
        let of_token = |live: &&Live| live.token == token && live.dialled_by == Side::Far;
        book.live.values().find(of_token).map(|live| live.bulk.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signals that may wait on one connection: seconds of heartbeats, so a full queue is a dead line.
const SEND_QUEUE: usize = 64;
