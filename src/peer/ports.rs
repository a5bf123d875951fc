//! The session ports: a new session on a port waits until the old one has really left it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which UDP ports are held by sessions of this process, those being torn down included.
#[derive(Default)]
pub(super) struct Ports {
    held: Mutex<BTreeMap<u16, Holder>>,
    freed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// A session, or its teardown that nobody waits for yet.
    Session,
    /// A teardown that somebody waited for in vain.
    Stuck,
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
            .wait_timeout_while(held, within, |held| held.contains_key(&port))
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = held.get_mut(&port) {
            *holder = Holder::Stuck;
            return None;
        }
        held.insert(port, Holder::Session);
        Some(Lease { ports: Arc::clone(self), port })
    }

    /// Both ports are held by teardowns that somebody waited for in vain: no session can be made in this process any more.
    pub(super) fn exhausted(&self) -> bool {
        self.lock().values().filter(|holder| **holder == Holder::Stuck).count() >= 2
    }

    /// Waits until no session holds a port any more; false if that takes longer.
    pub(super) fn empty(&self, within: Duration) -> bool {
        let waited = self.freed.wait_timeout_while(self.lock(), within, |held| !held.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, Holder>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ports.lock().remove(&self.port);
        self.ports.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_teardowns_that_hang_leave_no_port_and_one_that_ends_gives_it_back() {
        let ports = Arc::new(Ports::default());
        let mut leases: Vec<_> = [1, 2].iter().filter_map(|port| ports.lease(*port, Duration::ZERO)).collect();
        assert!(!ports.exhausted());
        assert!(ports.lease(1, Duration::ZERO).is_none() && !ports.exhausted());
        assert!(ports.lease(2, Duration::ZERO).is_none() && ports.exhausted());
        leases.pop();
        assert!(!ports.exhausted() && ports.lease(2, Duration::ZERO).is_some());
    }
}
