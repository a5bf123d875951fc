//! The bundle that one bulk connection brings: whatever is offered, one at a time, within what the place allows.
//!
//! ```text
//!   offer ─► opened beside (what is there is read and hashed) ─► want ─► piece ─► written beside ─► want … ─► here │ refused
//! ```
//! At most [`WINDOW`] bytes wait for the disk. When the connection ends, what came stays for the next offer of the same.

use crate::trunk::bundles::Bundles;
use crate::trunk::message::{BundleRefused, BundleWord, Digest, MessageError};
use crate::update::{Incoming, Refusal, Source, Wish};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

/// Of one connection.
pub(super) struct Taking {
    bundles: Bundles,
    answers: mpsc::Sender<BundleWord>,
    heard_at: Option<Instant>,
    coming: Option<Coming>,
}

struct Coming {
    bundle: Digest,
    /// The next byte, and behind the last one that was asked for; both 0 until it was.
    window: Arc<Window>,
    pieces: mpsc::Sender<Vec<u8>>,
}

#[derive(Default)]
struct Window {
    next: AtomicU64,
    to: AtomicU64,
}

impl Taking {
    pub(super) fn new(bundles: &Bundles, answers: mpsc::Sender<BundleWord>) -> Self {
        Self { bundles: bundles.clone(), answers, heard_at: None, coming: None }
    }

    /// The far box offers one; a newer offer takes the place of the one before.
    pub(super) fn offered(&mut self, bundle: Digest, length: u64, now: Instant) {
        // What is there already is read and hashed for an offer: not again and again.
        if self.coming.as_ref().is_some_and(|coming| coming.bundle == bundle && !coming.pieces.is_closed()) {
            return;
        }
        // A person pressed, or a line is new: neither happens so often.
        if self.heard_at.replace(now).is_some_and(|before| now - before < BETWEEN_OFFERS) {
            return;
        }
        let (pieces, arriving) = mpsc::channel(MOST_PIECES);
        let window = Arc::<Window>::default();
        self.coming = Some(Coming { bundle, window: window.clone(), pieces });
        tokio::spawn(receive(self.bundles.clone(), bundle, length, window, arriving, self.answers.clone()));
    }

    /// Part of it.
    pub(super) fn piece(&mut self, bundle: Digest, offset: u64, bytes: Vec<u8>) -> Result<(), MessageError> {
        let Some(coming) = self.coming.as_ref().filter(|coming| coming.bundle == bundle) else {
            // Of an offer before: it was on its way.
            return if self.coming.is_some() { Ok(()) } else { Err(MessageError::OutOfBounds("part of a bundle")) };
        };
        let (next, end) = (coming.window.next.load(Ordering::SeqCst), offset.saturating_add(bytes.len() as u64));
        if offset != next || end > coming.window.to.load(Ordering::SeqCst) {
            return Err(MessageError::OutOfBounds("part of a bundle"));
        }
        coming.window.next.store(end, Ordering::SeqCst);
        match coming.pieces.try_send(bytes) {
            // Nobody takes it any more: it was refused meanwhile.
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(MessageError::OutOfBounds("the number of pieces")),
        }
    }
}

/// Ends with the connection, or with the bundle.
async fn receive(
    bundles: Bundles,
    bundle: Digest,
    length: u64,
    window: Arc<Window>,
    arriving: mpsc::Receiver<Vec<u8>>,
    answers: mpsc::Sender<BundleWord>,
) {
    let opened = open(&bundles, bundle, length, &answers).await;
    let said = match opened {
        Ok(Some(incoming)) => {
            let (place, say) = (bundles.place().clone(), answers.clone());
            let written = spawn_blocking(move || {
                let whole = write(incoming, bundle, &window, arriving, &say)?;
                if let Some(incoming) = whole {
                    let whole = incoming.finish()?;
                    place.wish(Wish::Check)?;
                    return Ok(Some(whole));
                }
                Ok(None)
            });
            written.await.unwrap_or(Ok(None)).map(|whole: Option<_>| whole.is_some())
        }
        Ok(None) => Ok(true),
        Err(refusal) => Err(refusal),
    };
    let word = match said {
        Ok(true) => BundleWord::Here { bundle },
        // Cut off: the far box offers it again.
        Ok(false) => return,
        Err(refusal) => {
            tracing::warn!(%refusal, "an update from the other box is not taken");
            BundleWord::Refused { bundle, why: why(&refusal) }
        }
    };
    let _gone = answers.send(word).await;
}

/// None: it is here already. A connection that nobody knows to be dead yet may hold the place for a moment.
async fn open(
    bundles: &Bundles,
    bundle: Digest,
    length: u64,
    answers: &mpsc::Sender<BundleWord>,
) -> Result<Option<Incoming>, Refusal> {
    for _ in 0..PATIENCE {
        let place = bundles.place().clone();
        let opened = spawn_blocking(move || {
            let name = bundle.to_string();
            if place.whole().is_some_and(|whole| whole.sha256 == name) {
                return Ok(None);
            }
            place.resume(Source::Peer, length, &name).map(Some)
        });
        match opened.await {
            Ok(Err(Refusal::Busy)) if !answers.is_closed() => sleep(AGAIN).await,
            Ok(opened) => return opened,
            Err(_) => return Err(Refusal::Busy),
        }
    }
    Err(Refusal::Busy)
}

/// All of it, or none if the line was cut.
fn write(
    mut incoming: Incoming,
    bundle: Digest,
    window: &Window,
    mut arriving: mpsc::Receiver<Vec<u8>>,
    answers: &mpsc::Sender<BundleWord>,
) -> Result<Option<Incoming>, Refusal> {
    let length = incoming.length();
    window.next.store(incoming.offset(), Ordering::SeqCst);
    let runtime = Handle::current();
    let mut due = Instant::now() + HALF_DUE;
    loop {
        let (offset, asked) = (incoming.offset(), window.to.load(Ordering::SeqCst));
        if offset == length {
            return Ok(Some(incoming));
        }
        if asked < length && asked.saturating_sub(offset) <= WINDOW / 2 {
            let to = length.min(offset + WINDOW);
            window.to.store(to, Ordering::SeqCst);
            due = Instant::now() + HALF_DUE;
            if answers.blocking_send(BundleWord::Want { bundle, from: offset, to }).is_err() {
                return Ok(None);
            }
        }
        if incoming.gives_way() {
            return Err(Refusal::Busy);
        }
        match runtime.block_on(timeout_at(due.min(Instant::now() + LOOK), arriving.recv())) {
            Ok(Some(bytes)) => incoming.write(&bytes)?,
            Ok(None) => return Ok(None),
            Err(_) if Instant::now() < due => {}
            Err(_) => {
                // The place is for others too. A piece that comes now ends the connection; on the next one it is offered again.
                window.to.store(0, Ordering::SeqCst);
                return Ok(None);
            }
        }
    }
}

fn why(refusal: &Refusal) -> BundleRefused {
    match refusal {
        Refusal::TooLarge { .. } => BundleRefused::TooLarge,
        Refusal::NoSpace { .. } => BundleRefused::NoSpace,
        Refusal::Busy => BundleRefused::Busy,
        Refusal::Broken => BundleRefused::Broken,
        Refusal::Disk(_)
        | Refusal::Unsigned
        | Refusal::BadSignature
        | Refusal::NotVerity
        | Refusal::OtherHardware(_)
        | Refusal::Older { .. }
        | Refusal::CameBack { .. }
        | Refusal::OnTrial
        | Refusal::StickGone
        | Refusal::NotABox(_) => BundleRefused::Failed,
    }
}

/// How soon it gives way.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes that may be under way or wait for the disk.
const WINDOW: u64 = 1 << 20;
/// Twice and more what a window is in the shortest pieces a box sends.
const MOST_PIECES: usize = 2048;
/// For half a window: a quarter of a line of 64 kbit/s takes half of this. Somebody with a stick waits no longer for a box that says nothing.
const HALF_DUE: Duration = Duration::from_secs(600);
const BETWEEN_OFFERS: Duration = Duration::from_millis(300);
/// A dead connection is dropped within five seconds.
const AGAIN: Duration = Duration::from_millis(500);
const PATIENCE: u32 = 14;
