//! Who may be half open: strangers get few places for a short time, and the newest always gets in.
//!
//! ```text
//! accepted ──▶ silent ──first byte──▶ speaking ──TLS done──▶ (place given back)
//!                 │ evicted first          │ evicted when all speak
//! ```
//!
//! Places of addresses where the peer was seen are apart from those of strangers, so that no flood from elsewhere takes
//! the peer's. A full house drops its oldest silent guest, else its oldest: who is honest needs some milliseconds.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The door of one listening socket.
#[derive(Default)]
pub(super) struct Gate(Mutex<Places>);

impl Gate {
    /// A door that knows where the peer should be.
    pub(super) fn new(peer: Option<IpAddr>) -> Arc<Self> {
        let gate = Self::default();
        gate.lock().configured = peer.map(|address| address.to_canonical());
        Arc::new(gate)
    }

    /// Gives a place to whoever comes, at another's expense if need be; the receiver hears when it is this one's turn to go.
    pub(super) fn admit(self: &Arc<Self>, source: IpAddr) -> (Place, oneshot::Receiver<()>) {
        let (evict, evicted) = oneshot::channel();
        let number = self.lock().admit(source, evict);
        (Place { gate: self.clone(), number }, evicted)
    }

    /// From now on this is where the peer is.
    pub(super) fn remember(&self, peer: IpAddr) {
        self.lock().seen = Some(peer);
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place at the gate; given back when dropped.
pub(super) struct Place {
    gate: Arc<Gate>,
    number: u64,
}

impl Place {
    /// The first byte came.
    pub(super) fn spoke(&self) {
        let mut places = self.gate.lock();
        if let Some(guest) = places.guests.iter_mut().find(|guest| guest.number == self.number) {
            guest.stage = Stage::Speaking;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.lock().guests.retain(|guest| guest.number != self.number);
    }
}

#[derive(Default)]
struct Places {
    configured: Option<IpAddr>,
    seen: Option<IpAddr>,
    /// Oldest first.
    guests: VecDeque<Guest>,
    next: u64,
}

struct Guest {
    number: u64,
    source: IpAddr,
    stage: Stage,
    evict: oneshot::Sender<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Silent,
    Speaking,
}

impl Places {
    fn admit(&mut self, source: IpAddr, evict: oneshot::Sender<()>) -> u64 {
        if self.is_peer(source) {
            self.make_room(PEER_PLACES, |places, guest| places.is_peer(guest.source));
        } else {
            self.make_room(PLACES_PER_SOURCE, |_, guest| guest.source == source);
            self.make_room(STRANGER_PLACES, |places, guest| !places.is_peer(guest.source));
        }
        let number = self.next;
        self.next += 1;
        self.guests.push_back(Guest { number, source, stage: Stage::Silent, evict });
        number
    }

    fn is_peer(&self, source: IpAddr) -> bool {
        Some(source) == self.configured || Some(source) == self.seen
    }

    /// Leaves at most `places - 1` guests of that kind.
    fn make_room(&mut self, places: usize, kind: impl Fn(&Self, &Guest) -> bool) {
        loop {
            let of_kind: Vec<usize> = (0..self.guests.len()).filter(|&at| kind(self, &self.guests[at])).collect();
            if of_kind.len() < places {
                return;
            }
            let silent = of_kind.iter().find(|&&at| self.guests[at].stage == Stage::Silent);
            let Some(guest) = silent.or(of_kind.first()).and_then(|&at| self.guests.remove(at)) else { return };
            // It may be gone already.
            let _ = guest.evict.send(());
        }
    }
}

/// Handshakes of strangers at a time.
pub(super) const STRANGER_PLACES: usize = 8;
/// Of these, from one address.
pub(super) const PLACES_PER_SOURCE: usize = 2;
/// Handshakes from the peer's addresses at a time: control and bulk, and both again after a cut.
pub(super) const PEER_PLACES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u16) -> IpAddr {
        let [high, low] = last.to_be_bytes();
        Ipv4Addr::new(10, 0, high, low).into()
    }

    #[test]
    fn a_flood_from_everywhere_keeps_eight_places_and_leaves_the_peers_alone() {
        let gate = Gate::new(Some(address(1)));
        let (_peer, mut peer_evicted) = gate.admit(address(1));
        let guests: Vec<_> = (2..10_002).map(|n| gate.admit(address(n))).collect();
        assert_eq!(gate.lock().guests.len(), STRANGER_PLACES + 1);
        assert!(peer_evicted.try_recv().is_err());
        let staying = guests.into_iter().filter_map(|(_, mut evicted)| evicted.try_recv().err()).count();
        assert_eq!(staying, STRANGER_PLACES);
    }

    #[test]
    fn one_address_gets_two_places_and_the_newest_wins() {
        let gate = Gate::new(None);
        let (_first, mut first) = gate.admit(address(7));
        let (_second, mut second) = gate.admit(address(7));
        let (_third, mut third) = gate.admit(address(7));
        assert!(first.try_recv().is_ok());
        assert!(second.try_recv().is_err());
        assert!(third.try_recv().is_err());
        assert_eq!(gate.lock().guests.len(), PLACES_PER_SOURCE);
    }

    #[test]
    fn who_speaks_outlives_who_is_silent() {
        let gate = Gate::new(None);
        let (speaker, mut speaker_evicted) = gate.admit(address(1));
        speaker.spoke();
        let _crowd: Vec<_> = (2..200).map(|n| gate.admit(address(n))).collect();
        assert!(speaker_evicted.try_recv().is_err());
    }

    #[test]
    fn a_place_is_given_back() {
        let gate = Gate::new(None);
        drop(gate.admit(address(1)));
        assert!(gate.lock().guests.is_empty());
    }

    #[test]
    fn where_the_peer_was_seen_has_the_peers_places() {
        let gate = Gate::new(None);
        gate.remember(address(1));
        let (_peer, mut peer_evicted) = gate.admit(address(1));
        let _crowd: Vec<_> = (2..200).map(|n| gate.admit(address(n))).collect();
        assert!(peer_evicted.try_recv().is_err());
    }
}
