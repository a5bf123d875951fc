//! Who may bring a document now: a PC one at a time, few of all, and whoever does not get on gives way when somebody waits.
//!
//! ```text
//!   comes ─ a place is free ──────────────────────────────► brings ─► whole: asks the room
//!     └── waits ─ the one that got on least gives way ─┘      └─ nothing for 5 s, or slower than its size allows
//!           └── 8 s ─► busy: its PC tries again
//! ```
//! May be relied on: two slow PCs keep no third one out; a PC that pauses between its pages keeps its place while nobody else
//! wants it; who waits gets in by turns.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, sleep};

/// All of them.
pub(super) struct Turns {
    places: Arc<Semaphore>,
    known: Mutex<Vec<Known>>,
}

/// A PC that brings a document, or waits to.
struct Known {
    source: IpAddr,
    /// While its document comes.
    coming: Option<Coming>,
}

struct Coming {
    begun: Instant,
    bytes: u64,
    /// When [`STRIDE`] more had come the last time, and how many came since.
    got_on: Instant,
    since: u64,
    give_way: oneshot::Sender<()>,
}

/// The right to bring a document now.
pub(super) struct Turn {
    place: Waits,
    leave: oneshot::Receiver<()>,
    _permit: OwnedSemaphorePermit,
}

/// A PC that is known until this is dropped.
struct Waits {
    turns: Arc<Turns>,
    source: IpAddr,
}

impl Turns {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { places: Arc::new(Semaphore::new(DOCUMENTS)), known: Mutex::default() })
    }

    /// Waits for a turn; none if this PC has one, or if it takes too long.
    pub(super) async fn take(self: &Arc<Self>, source: IpAddr) -> Option<Turn> {
        let place = self.comes(source)?;
        let permit = match self.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait().await?,
        };
        let (give_way, leave) = oneshot::channel();
        let now = Instant::now();
        let coming = Coming { begun: now, bytes: 0, got_on: now, since: 0, give_way };
        self.with(source, |known| known.coming = Some(coming));
        Some(Turn { place, leave, _permit: permit })
    }

    fn comes(self: &Arc<Self>, source: IpAddr) -> Option<Waits> {
        let mut known = self.lock();
        if known.iter().any(|known| known.source == source) {
            return None;
        }
        known.push(Known { source, coming: None });
        Some(Waits { turns: self.clone(), source })
    }

    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let deadline = Instant::now() + WAITS;
        let permit = self.places.clone().acquire_owned();
        tokio::pin!(permit);
        while Instant::now() < deadline {
            self.make_room(Instant::now());
            tokio::select! { biased;
                permit = &mut permit => return permit.ok(),
                () = sleep(LOOK) => {}
            }
        }
        None
    }

    /// The one that got on least gives way, if it is too slow.
    fn make_room(&self, now: Instant) {
        let mut known = self.lock();
        let slow = known.iter_mut().filter(|known| known.coming.as_ref().is_some_and(|coming| coming.is_slow(now)));
        let slowest = slow.min_by_key(|known| known.coming.as_ref().map(|coming| coming.got_on));
        if let Some(coming) = slowest.and_then(|known| known.coming.take()) {
            let _it_is_gone_already = coming.give_way.send(());
        }
    }

    fn with(&self, source: IpAddr, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.lock().iter_mut().find(|known| known.source == source) {
            change(known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    fn is_slow(&self, now: Instant) -> bool {
        let due = self.begun + LEAST_TIME + Duration::from_secs(self.bytes / LEAST_RATE);
        now >= self.got_on + STILL || now >= due
    }
}

impl Turn {
    /// So many bytes more came.
    pub(super) fn came(&self, bytes: usize) {
        let now = Instant::now();
        self.place.turns.with(self.place.source, |known| {
            let Some(coming) = &mut known.coming else { return };
            coming.bytes += bytes as u64;
            coming.since += bytes as u64;
            if coming.since >= STRIDE {
                (coming.since, coming.got_on) = (0, now);
            }
        });
    }

    /// All is here: what follows is the box's own time.
    pub(super) fn is_whole(&mut self) {
        self.place.turns.with(self.place.source, |known| known.coming = None);
    }

    /// Waits until somebody else needs the place more.
    pub(super) async fn must_leave(&mut self) {
        if (&mut self.leave).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.turns.lock().retain(|known| known.source != self.source);
    }
}

/// Documents on their way into the box at a time: each is held in memory.
const DOCUMENTS: usize = 2;
/// For a turn. Longer than a slow one may stand still, so that whoever waits gets in.
const WAITS: Duration = Duration::from_secs(8);
/// Whoever waits looks so often whether somebody is to give way.
const LOOK: Duration = Duration::from_millis(200);
/// So many bytes are "getting on".
const STRIDE: u64 = 128 << 10;
/// Not getting on for so long is slow.
const STILL: Duration = Duration::from_secs(5);
/// For the whole of a document: so long, and a second more for so many bytes. A bad Wi-Fi is faster.
const LEAST_TIME: Duration = Duration::from_secs(20);
const LEAST_RATE: u64 = 128 << 10;
