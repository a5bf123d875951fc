//! Places for connections: bounded, and whoever is worth least goes first, so that no crowd keeps a guest out.
//!
//! ```text
//!   handshake ──TLS──► idle ──request──► stranger ──admitted──► guest        (worth more to the right)
//!        └─ after a second each of these two is worth less than whoever is in its first ─┘
//! ```
//! One address has a share, all together have [`PLACES`]. The newest gets in at the expense of the oldest of the least worth;
//! guests are never put out, then it is the newest that is refused.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// All places of one door.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    /// Oldest first.
    all: VecDeque<Taker>,
    next: u64,
}

struct Taker {
    number: u64,
    source: IpAddr,
    seen: Arc<Mutex<Seen>>,
    put_out: oneshot::Sender<()>,
}

/// What a connection is, and since when.
struct Seen {
    worth: Worth,
    since: Instant,
}

/// What a connection was seen to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// Only TCP yet.
    Handshake,
    /// TLS is done, nothing was asked.
    Idle,
    /// Asked something, but is nobody.
    Stranger,
    /// An admitted guest or the installer.
    Guest,
}

/// One place; given back when dropped.
pub struct Place {
    places: Places,
    number: u64,
    seen: Arc<Mutex<Seen>>,
}

impl Places {
    /// A place, and the news that it must be left; `None` when only guests are here.
    pub fn take(&self, source: IpAddr) -> Option<(Place, oneshot::Receiver<()>)> {
        let source = share(source);
        let mut taken = self.lock();
        while taken.all.iter().filter(|taker| taker.source == source).count() >= PLACES_PER_SOURCE {
            taken.put_out(|taker| taker.source == source)?;
        }
        while taken.all.len() >= PLACES {
            taken.put_out(|_| true)?;
        }
        let (put_out, leave) = oneshot::channel();
        let seen = Arc::new(Mutex::new(Seen { worth: Worth::Handshake, since: Instant::now() }));
        let number = taken.next;
        taken.next += 1;
        taken.all.push_back(Taker { number, source, seen: seen.clone(), put_out });
        Some((Place { places: self.clone(), number, seen }, leave))
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn put_out(&mut self, of: impl Fn(&Taker) -> bool) -> Option<()> {
        let candidates = self.all.iter().enumerate().filter(|(_, taker)| of(taker));
        // The first of equals: the oldest.
        let (at, rank) = candidates.map(|(at, taker)| (at, taker.rank())).min_by_key(|(_, rank)| *rank)?;
        if rank == GUEST {
            return None;
        }
        let taker = self.all.remove(at)?;
        let _it_may_be_gone_already = taker.put_out.send(());
        Some(())
    }
}

impl Taker {
    /// Whoever has just come is not put out before it could say who it is: a crowd that comes again and again would keep it
    /// out. Nor does a crowd of handshakes put out whoever has just done its own.
    fn rank(&self) -> u8 {
        let seen = lock(&self.seen);
        match (seen.worth, seen.since.elapsed() < FRESH) {
            (Worth::Handshake, false) => 0,
            (Worth::Idle, false) => 1,
            (Worth::Handshake, true) => 2,
            (Worth::Idle, true) => 3,
            (Worth::Stranger, _) => 4,
            (Worth::Guest, _) => GUEST,
        }
    }
}

impl Place {
    /// It was seen to be this, now.
    pub fn is(&self, worth: Worth) {
        let mut seen = lock(&self.seen);
        if seen.worth != worth {
            *seen = Seen { worth, since: Instant::now() };
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().all.retain(|taker| taker.number != self.number);
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An IPv6 host has a whole /64 of addresses.
pub(crate) fn share(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(_) => source,
        IpAddr::V6(source) => IpAddr::from((u128::from(source) >> 64 << 64).to_be_bytes()),
    }
}

/// The rank of whoever is never put out.
const GUEST: u8 = 5;
/// A handshake takes no longer on a room's network, nor does the first request after it.
const FRESH: Duration = Duration::from_secs(1);
/// Connections at a time.
pub const PLACES: usize = 256;
/// Of these, from one address; a browser uses six.
pub const PLACES_PER_SOURCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u16) -> IpAddr {
        let [high, low] = number.to_be_bytes();
        IpAddr::from([10, 0, high, low])
    }

    #[test]
    fn a_crowd_puts_out_its_own_oldest_and_no_guest() {
        let places = Places::default();
        let (guest, mut guest_leaves) = places.take(address(1)).expect("a place");
        guest.is(Worth::Guest);
        let (stranger, mut stranger_leaves) = places.take(address(2)).expect("a place");
        stranger.is(Worth::Stranger);
        let crowd: Vec<_> = (0..1000).map(|n| places.take(address(10 + n % 8)).expect("the newest gets in")).collect();
        assert!(places.lock().all.len() <= PLACES);
        assert!(guest_leaves.try_recv().is_err() && stranger_leaves.try_recv().is_err());
        let staying = crowd.into_iter().filter_map(|(_, mut leaves)| leaves.try_recv().err()).count();
        assert_eq!(staying, PLACES - 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_handshakes_puts_out_nobody_who_has_just_done_its_own() {
        let places = Places::default();
        let (late, mut late_leaves) = places.take(address(1)).expect("a place");
        late.is(Worth::Idle);
        tokio::time::advance(FRESH).await;
        let (quick, mut quick_leaves) = places.take(address(2)).expect("a place");
        quick.is(Worth::Idle);
        let _flood: Vec<_> = (0..1000).map(|n| places.take(address(10 + n % 8)).expect("the newest gets in")).collect();
        assert!(quick_leaves.try_recv().is_err());
        assert!(late_leaves.try_recv().is_ok(), "it said nothing for longer than a handshake takes");
    }

    #[test]
    fn one_address_has_its_share_also_with_many_ipv6_addresses() {
        let places = Places::default();
        let from = |last: u128| IpAddr::from((0x2001_0db8_u128 << 96 | last).to_be_bytes());
        let _crowd: Vec<_> = (0..500).map(|last| places.take(from(last)).expect("a place")).collect();
        assert_eq!(places.lock().all.len(), PLACES_PER_SOURCE);
    }

    #[test]
    fn where_only_guests_are_the_newest_is_refused() {
        let places = Places::default();
        let take = || places.take(address(1)).map(|(place, leaves)| (place.is(Worth::Guest), place, leaves));
        let guests: Vec<_> = std::iter::from_fn(take).take(PLACES).collect();
        assert_eq!(guests.len(), PLACES_PER_SOURCE);
        drop(guests);
        assert!(take().is_some() && places.lock().all.is_empty(), "places are given back");
    }
}
