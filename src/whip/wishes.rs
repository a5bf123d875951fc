//! What is wanted of sessions: a place for each, not a queue, so that none is lost however busy the office is.

use crate::model::LiveId;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Wanted and not yet done.
#[derive(Default)]
pub(super) struct Wishes {
    wanted: Mutex<Wanted>,
    bell: Notify,
}

/// Of which sessions.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) closed: BTreeSet<LiveId>,
    pub(super) key_frames: BTreeSet<LiveId>,
}

impl Wishes {
    pub(super) fn close(&self, id: LiveId) {
        self.lock().closed.insert(id);
        self.bell.notify_one();
    }

    pub(super) fn ask_key_frame(&self, id: LiveId) {
        self.lock().key_frames.insert(id);
        self.bell.notify_one();
    }

    /// Waits for the next ones.
    pub(super) async fn take(&self) -> Wanted {
        self.bell.notified().await;
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
