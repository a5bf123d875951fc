//! Who may bring a document now: a PC one at a time, few of all, and whoever does not get on gives way when somebody waits.
//!
//! ```text
//!   comes ─ a place is free ───────────────────────────► brings ─► whole: asks the room
//!     └── waits ─ somebody else gives way ─┘                └─ to a known PC: any unknown one, at once, else a known one that is slow
//!           └── 8 s ─► busy: its PC tries again               to an unknown PC: an unknown one that is slow
//! ```
//! Known is a PC on which somebody was let in. Slow: nothing for 5 s, or longer than its size allows. May be relied on: no
//! unknown PC puts out a known one or goes before it; unknown ones keep no known one out; of slow ones two keep no third of
//! their kind out. Unknown ones of one IPv6 network (/64), which may be one PC, have one place together. Not promised: that
//! an unknown PC gets in while known ones print.

use crate::door;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};

/// All of them.
#[derive(Default)]
pub(super) struct Turns {
    /// Whoever waits or has a place, as they came.
    all: Mutex<Vec<Pc>>,
    /// Somebody is gone.
    changed: Notify,
}

/// A PC that brings a document, or waits to.
struct Pc {
    source: IpAddr,
    known: bool,
    stage: Stage,
}

enum Stage {
    Waits,
    Brings(Coming),
    /// It was told to, and has its place for a moment more.
    GivesWay,
    /// All of it is here: its place is the box's own now.
    Whole,
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
    place: Here,
    leave: oneshot::Receiver<()>,
}

/// A PC that waits or has a place, until this is dropped.
struct Here {
    turns: Arc<Turns>,
    source: IpAddr,
}

impl Turns {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Waits for a turn; none if this PC has one, or if it takes too long. `known`: somebody at it was let in.
    pub(super) async fn take(self: &Arc<Self>, source: IpAddr, known: bool) -> Option<Turn> {
        let place = self.comes(source, known)?;
        let deadline = Instant::now() + WAITS;
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            if let Some(leave) = self.begin(source, now) {
                return Some(Turn { place, leave });
            }
            if now >= deadline {
                return None;
            }
            self.make_room(source, now);
            tokio::select! {
                () = changed => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    fn comes(self: &Arc<Self>, source: IpAddr, known: bool) -> Option<Here> {
        let mut all = self.lock();
        if all.iter().any(|pc| pc.source == source) {
            return None;
        }
        all.push(Pc { source, known, stage: Stage::Waits });
        Some(Here { turns: self.clone(), source })
    }

    /// If a place is free and it is this one's turn.
    fn begin(&self, source: IpAddr, now: Instant) -> Option<oneshot::Receiver<()>> {
        let mut all = self.lock();
        if all.iter().filter(|pc| pc.has_place()).count() >= DOCUMENTS {
            return None;
        }
        let mut waiting = all.iter().filter(|pc| !pc.has_place() && !pc.shares_a_place(&all));
        let next = waiting.clone().find(|pc| pc.known).or_else(|| waiting.next())?.source;
        let pc = all.iter_mut().find(|pc| pc.source == source && next == source)?;
        let (give_way, leave) = oneshot::channel();
        pc.stage = Stage::Brings(Coming { begun: now, bytes: 0, got_on: now, since: 0, give_way });
        Some(leave)
    }

    /// Whoever must gives way to this one that waits.
    fn make_room(&self, source: IpAddr, now: Instant) {
        let mut all = self.lock();
        let Some(waits) = all.iter().find(|pc| pc.source == source) else { return };
        let (known, shares) = (waits.known, waits.shares_a_place(&all));
        let full = all.iter().filter(|pc| pc.has_place()).count() >= DOCUMENTS;
        // One at a time: whoever was told already is soon gone.
        if !full && !shares || all.iter().any(|pc| matches!(pc.stage, Stage::GivesWay)) {
            return;
        }
        let of_its_share = |pc: &Pc| !shares || door::share(pc.source) == door::share(source);
        let coming = |pc: &Pc| if let Stage::Brings(coming) = &pc.stage { Some(coming.rank(now)) } else { None };
        let ranked = all.iter().enumerate().filter_map(|(at, pc)| Some((at, pc, coming(pc)?)));
        let unknown = ranked.clone().filter(|(_, pc, (slow, ..))| !pc.known && (known || *slow) && of_its_share(pc));
        let slow_and_known = ranked.filter(|(_, pc, (slow, ..))| known && pc.known && *slow);
        let least = unknown.min_by_key(|(.., (_, bytes, got_on))| (if known { *bytes } else { 0 }, *got_on));
        let least = least.or_else(|| slow_and_known.min_by_key(|(.., (_, _, got_on))| *got_on));
        if let Some((at, ..)) = least
            && let Stage::Brings(coming) = std::mem::replace(&mut all[at].stage, Stage::GivesWay)
        {
            let _it_is_gone_already = coming.give_way.send(());
        }
    }

    fn with(&self, source: IpAddr, change: impl FnOnce(&mut Pc)) {
        if let Some(pc) = self.lock().iter_mut().find(|pc| pc.source == source) {
            change(pc);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pc>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pc {
    fn has_place(&self) -> bool {
        !matches!(self.stage, Stage::Waits)
    }

    /// It is unknown, and another unknown one that may be the same PC has a place.
    fn shares_a_place(&self, all: &[Self]) -> bool {
        let same = |pc: &&Self| pc.has_place() && !pc.known && door::share(pc.source) == door::share(self.source);
        !self.known && all.iter().any(|pc| same(&pc))
    }
}

impl Coming {
    /// Whether it is slow, how much came, and when it got on last.
    fn rank(&self, now: Instant) -> (bool, u64, Instant) {
        let due = self.begun + LEAST_TIME + Duration::from_secs(self.bytes / LEAST_RATE);
        (now >= self.got_on + STILL || now >= due, self.bytes, self.got_on)
    }
}

impl Turn {
    /// So many bytes more came.
    pub(super) fn came(&self, bytes: usize) {
        let now = Instant::now();
        self.place.turns.with(self.place.source, |pc| {
            let Stage::Brings(coming) = &mut pc.stage else { return };
            coming.bytes += bytes as u64;
            coming.since += bytes as u64;
            if coming.since >= STRIDE {
                (coming.since, coming.got_on) = (0, now);
            }
        });
    }

    /// All is here: what follows is the box's own time.
    pub(super) fn is_whole(&mut self) {
        self.place.turns.with(self.place.source, |pc| pc.stage = Stage::Whole);
    }

    /// Waits until somebody else needs the place more.
    pub(super) async fn must_leave(&mut self) {
        if (&mut self.leave).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.turns.lock().retain(|pc| pc.source != self.source);
        self.turns.changed.notify_waiters();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pc(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// Of one /64 network.
    fn v6(last: u16) -> IpAddr {
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into()
    }

    /// It goes on until it must leave; whether it had to.
    fn brings(mut turn: Turn) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move { turn.must_leave().await })
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_who_waits_puts_out_no_known_pc_that_pauses() {
        let turns = Turns::new();
        let known = [1, 2].map(|last| turns.take(pc(last), true));
        let [first, second] = known.map(Box::pin);
        let (first, second) = (brings(first.await.expect("a place")), brings(second.await.expect("a place")));
        sleep(STILL).await;
        assert!(turns.take(pc(3), false).await.is_none(), "busy");
        assert!(!first.is_finished() && !second.is_finished());
        // For another known one a slow one goes, as before.
        assert!(turns.take(pc(4), true).await.is_some());
        assert!(first.is_finished() && !second.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_pc_takes_the_place_of_the_unknown_one_that_got_on_least_at_once() {
        let turns = Turns::new();
        let (ahead, behind) = (turns.take(pc(1), false).await.expect("a"), turns.take(pc(2), false).await.expect("b"));
        ahead.came(10);
        let (ahead, behind) = (brings(ahead), brings(behind));
        let begun = Instant::now();
        let earlier = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(pc(3), false).await }
        });
        tokio::task::yield_now().await;
        let known = turns.take(pc(4), true).await.expect("a place");
        assert!(begun.elapsed() < LOOK && behind.is_finished() && !ahead.is_finished());
        sleep(WAITS).await;
        assert!(earlier.is_finished(), "it came before, and waited for one that was slow");
        assert!(ahead.is_finished());
        drop(known);
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_pcs_of_one_ipv6_network_have_one_place_and_known_ones_one_each() {
        let turns = Turns::new();
        let first = turns.take(v6(1), false).await.expect("a place");
        let second = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(v6(2), false).await }
        });
        sleep(LOOK).await;
        assert!(!second.is_finished(), "it waits");
        let known = turns.take(v6(3), true).await;
        assert!(known.is_some() && turns.take(v6(3), true).await.is_none(), "a PC one at a time");
        drop(first);
        assert!(second.await.expect("it ran").is_some());
    }
}
