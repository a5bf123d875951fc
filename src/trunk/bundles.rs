//! The update that is passed on to the far box, and the one that comes from there: what all bulk connections share of it.
//!
//! ```text
//!   near   pass ─► offered on every new connection ─► goes, 1 MiB at a time ─► arrived │ refused
//!   far    offer ─► Place::resume, beside tokio's workers ─► wants what lacks ─► whole, digest checked ─► wish: check
//! ```
//! May be relied on: a cut or a restart of either box costs what was in flight; it is never installed by arriving. Deliberately
//! absent: any belief in what comes; RAUC looks at its signature afterwards.

use super::message::{BundleRefused, BundleWord, Digest};
use crate::core::input::News;
use crate::inbox::Inbox;
use crate::update::{Place, Whole};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bundles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    state: Mutex<State>,
    /// Rings when there is another bundle to offer.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    passing: Option<Passing>,
    /// Connections on which it is being sent now.
    senders: usize,
    /// Pressed so often.
    number: u64,
}

/// A bundle that is passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// Bytes.
    pub length: u64,
    /// How far it is.
    pub stage: Stage,
    pub(super) bundle: Digest,
    pub(super) release: String,
    number: u64,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not asked for yet: no line, or a version before this one.
    Waits,
    /// The far box has everything before this byte, or it is on its way.
    Goes(u64),
    /// The far box has it, its digest checked.
    Arrived,
    /// The far box does not take it.
    Refused(BundleRefused),
}

impl Bundles {
    /// Of this place.
    pub fn new(place: Place) -> Self {
        Self(Arc::new(Inner { place, state: Mutex::default(), changed: watch::Sender::new(()) }))
    }

    /// Passes the bundle that is here on; false if there is none. Waits for the disk.
    ///
    /// # Errors
    /// As the file system says.
    pub fn pass(&self) -> io::Result<bool> {
        let Some(whole) = self.0.place.pass()? else { return Ok(false) };
        self.offer(&whole);
        Ok(true)
    }

    /// What was to be passed on before the daemon began anew still is. Waits for the disk.
    pub fn remember(&self) {
        if let Some(whole) = self.0.place.to_pass() {
            self.offer(&whole);
        }
    }

    /// What is passed on, if anything, or was last.
    pub fn passing(&self) -> Option<Passing> {
        self.lock().passing.clone()
    }

    pub(super) fn place(&self) -> &Place {
        &self.0.place
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// What a connection is to offer that offered `before` last; and what it is to remember.
    pub(super) fn offer_after(&self, before: Option<u64>) -> Option<(u64, BundleWord)> {
        let passing = self.passing()?;
        let due = matches!(passing.stage, Stage::Waits | Stage::Goes(_)) && before != Some(passing.number);
        let Passing { bundle, length, release, number, .. } = passing;
        due.then_some((number, BundleWord::Offer { bundle, length, release }))
    }

    /// The file, if it is this bundle that is passed on. Waits for the disk.
    pub(super) fn open(&self, bundle: Digest) -> io::Result<Option<File>> {
        let whole = self.0.place.whole().and_then(|whole| Digest::parse(&whole.sha256));
        if whole != Some(bundle) {
            return Ok(None);
        }
        File::open(self.0.place.bundle()).map(Some)
    }

    pub(super) fn is_passing(&self, bundle: Digest) -> bool {
        self.passing()
            .is_some_and(|passing| passing.bundle == bundle && matches!(passing.stage, Stage::Waits | Stage::Goes(_)))
    }

    /// So far it went.
    pub(super) fn went(&self, bundle: Digest, to: u64) {
        self.change(bundle, Stage::Goes(to));
    }

    /// The far box said what became of it.
    pub(super) fn over(&self, bundle: Digest, stage: Stage) {
        if self.is_passing(bundle) {
            self.change(bundle, stage);
            let place = self.0.place.clone();
            tokio::task::spawn_blocking(move || {
                if let Err(error) = place.passed() {
                    tracing::warn!(%error, "an update that was passed on is offered again after the next start");
                }
            });
        }
    }

    fn offer(&self, whole: &Whole) {
        let Some(bundle) = Digest::parse(&whole.sha256) else { return };
        let release = self.0.place.report().release.unwrap_or_default();
        if self.is_passing(bundle) {
            return;
        }
        let mut state = self.lock();
        state.number += 1;
        let number = state.number;
        state.passing = Some(Passing { length: whole.length, stage: Stage::Waits, bundle, release, number });
        drop(state);
        self.0.changed.send_replace(());
    }

    fn change(&self, bundle: Digest, stage: Stage) {
        if let Some(passing) = self.lock().passing.as_mut().filter(|passing| passing.bundle == bundle) {
            passing.stage = stage;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection sends: as long as there is one, the loop knows that the line is wanted for it.
pub(super) struct Going {
    bundles: Bundles,
    inbox: Inbox,
}

impl Going {
    pub(super) fn begin(bundles: &Bundles, inbox: &Inbox) -> Self {
        bundles.lock().senders += 1;
        inbox.news(News::BundleGoes(true));
        Self { bundles: bundles.clone(), inbox: inbox.clone() }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let mut state = self.bundles.lock();
        state.senders -= 1;
        if state.senders == 0 {
            self.inbox.news(News::BundleGoes(false));
        }
    }
}
