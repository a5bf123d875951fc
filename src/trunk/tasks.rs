//! The tasks of one trunk: all of them end with it.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};

/// `None` in the mutex: ended, nothing starts any more.
pub(super) struct Tasks {
    running: Mutex<Option<JoinSet<()>>>,
    runtime: Handle,
}

impl Tasks {
    /// On the current runtime.
    pub(super) fn here() -> Self {
        Self { running: Mutex::new(Some(JoinSet::new())), runtime: Handle::current() }
    }

    /// Starts one; it ends early when the guard is dropped, if the caller keeps it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let set = running.as_mut()?;
        // Forget the finished ones, so that the set does not grow with uptime.
        while set.try_join_next().is_some() {}
        Some(set.spawn_on(task, &self.runtime))
    }

    /// Ends all of them.
    pub(super) fn end(&self) {
        let set = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Outside the lock: dropping a task may run anything.
        drop(set);
    }
}

/// Ends a task when dropped.
pub(super) struct Leash(pub(super) Option<AbortHandle>);

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
