//! Who is in the room, as far as a network can tell: asked before the first byte of TLS.

use crate::config::IpNetwork;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Tells the networks of this box's own addresses, each with the address itself.
pub type Networks = Arc<dyn Fn() -> Vec<IpNetwork> + Send + Sync>;

/// The networks that may come in.
pub struct Room {
    /// `[panel] room`.
    listed: Vec<IpNetwork>,
    networks: Networks,
    peer: Mutex<Option<IpAddr>>,
    own: Mutex<Option<(Instant, Vec<IpNetwork>)>>,
}

impl Room {
    /// `listed`, or, if there is none, the box's own networks without the peer.
    pub fn new(listed: Vec<IpNetwork>, networks: Networks, peer: Option<IpAddr>) -> Self {
        let peer = Mutex::new(peer.map(|peer| peer.to_canonical()));
        Self { listed, networks, peer, own: Mutex::new(None) }
    }

    /// Where the peer was seen.
    pub fn peer_is_at(&self, address: IpAddr) {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.to_canonical());
    }

    /// May come in.
    pub fn holds(&self, source: IpAddr) -> bool {
        if !self.listed.is_empty() {
            return self.listed.iter().any(|network| network.contains(source));
        }
        let peer = *self.peer.lock().unwrap_or_else(PoisonError::into_inner);
        Some(source.to_canonical()) != peer && self.own().iter().any(|network| network.contains(source))
    }

    /// The networks, for people.
    pub fn in_words(&self) -> String {
        let networks = if self.listed.is_empty() { self.own() } else { self.listed.clone() };
        let networks = networks.iter().filter(|network| !network.address.is_loopback() || !self.listed.is_empty());
        networks.map(|network| format!("{}/{}", first_of(network), network.prefix)).collect::<Vec<_>>().join(", ")
    }

    /// The kernel is asked at most once a second.
    fn own(&self) -> Vec<IpNetwork> {
        let now = Instant::now();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        match &*own {
            Some((read_at, networks)) if now - *read_at < LOOK_AGAIN => networks.clone(),
            Some(_) | None => own.insert((now, (self.networks)())).1.clone(),
        }
    }
}

/// The networks of this machine's addresses, as the kernel has them now: what [`Networks`] is on a box. Link-local networks
/// are none: a browser has no name for them.
pub fn own_networks() -> Vec<IpNetwork> {
    let Ok(entries) = getifaddrs() else { return Vec::new() };
    let network = |address: Option<SockaddrStorage>, netmask: Option<SockaddrStorage>| {
        let (address, netmask) = (ip(address?)?, ip(netmask?)?);
        let prefix = match netmask {
            IpAddr::V4(mask) => u32::from(mask).leading_ones(),
            IpAddr::V6(mask) => u128::from(mask).leading_ones(),
        };
        let local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        (!local).then_some(IpNetwork { address, prefix: u8::try_from(prefix).ok()? })
    };
    entries.filter_map(|entry| network(entry.address, entry.netmask)).collect()
}

fn ip(address: SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())))
}

fn first_of(network: &IpNetwork) -> IpAddr {
    match network.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(network.prefix)).unwrap_or(0);
            IpAddr::from((u32::from(address) & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(network.prefix)).unwrap_or(0);
            IpAddr::from((u128::from(address) & mask).to_be_bytes())
        }
    }
}

const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, prefix: u8) -> IpNetwork {
        IpNetwork { address: address.parse().expect("an address"), prefix }
    }

    fn holds(room: &Room, address: &str) -> bool {
        room.holds(address.parse().expect("an address"))
    }

    #[test]
    fn a_list_says_it_all() {
        let own: Networks = Arc::new(|| vec![network("192.0.2.7", 24)]);
        let room = Room::new(vec![network("198.51.100.0", 24)], own, None);
        assert!(holds(&room, "198.51.100.9") && holds(&room, "::ffff:198.51.100.9"));
        assert!(!holds(&room, "192.0.2.9") && !holds(&room, "2001:db8::1"));
        assert_eq!(room.in_words(), "198.51.100.0/24");
    }

    #[test]
    fn without_a_list_it_is_the_own_networks_without_the_peer_wherever_that_is_seen() {
        let own: Networks =
            Arc::new(|| vec![network("192.0.2.7", 24), network("2001:db8::7", 64), network("::1", 128)]);
        let room = Room::new(Vec::new(), own, "192.0.2.20".parse().ok());
        assert!(holds(&room, "192.0.2.9") && holds(&room, "2001:db8::9"));
        assert!(!holds(&room, "192.0.2.20") && !holds(&room, "::ffff:192.0.2.20") && !holds(&room, "203.0.113.1"));
        room.peer_is_at(IpAddr::from([192, 0, 2, 21]));
        assert!(!holds(&room, "192.0.2.21") && holds(&room, "192.0.2.20"));
        assert_eq!(room.in_words(), "192.0.2.0/24, 2001:db8::/64");
    }

    #[test]
    fn this_machine_is_in_its_own_networks() {
        let own = own_networks();
        assert!(own.iter().any(|network| network.contains(IpAddr::from([127, 0, 0, 1]))), "{own:?}");
        assert!(own.iter().all(|network| network.prefix > 0));
    }
}
