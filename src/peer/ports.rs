//! The session ports: a new session on a port waits until the old one has really left it.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which UDP ports are held by sessions of this process, those being torn down included.
#[derive(Default)]
pub(super) struct Ports {
    held: Mutex<BTreeSet<u16>>,
    freed: Condvar,
}

/// The right to a port; given back on drop.
pub(super) struct Lease {
    ports: Arc<Ports>,
    port: u16,
}

impl Ports {
    /// Takes a port, waiting at most `within` for its last holder to leave.
    pub(super) fn lease(self: &Arc<Self>, port: u16, within: Duration) -> Option<Lease> {
        let held = self.lock();
        let (mut held, _) = self
            .freed
            .wait_timeout_while(held, within, |held| held.contains(&port))
            .unwrap_or_else(PoisonError::into_inner);
        held.insert(port).then(|| Lease { ports: Arc::clone(self), port })
    }

    /// Waits until no session holds a port any more; false if that takes longer.
    pub(super) fn empty(&self, within: Duration) -> bool {
        let waited = self.freed.wait_timeout_while(self.lock(), within, |held| !held.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<u16>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ports.lock().remove(&self.port);
        self.ports.freed.notify_all();
    }
}
