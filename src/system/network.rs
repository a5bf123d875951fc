//! What the kernel says about this box's place on the network.
//!
//! ```text
//!   rtnetlink ─ something moved ─▶ read the whole truth again ─ changed? ─▶ Input::NetworkChanged
//! ```
//!
//! The messages themselves are not believed, only taken as a reason to look: a lost one costs at most [`LOOK_AGAIN`].
//! Interfaces and addresses come from getifaddrs(3), which sees the network namespace of the process whatever is mounted
//! on /sys; tentative addresses from /proc/thread-self/net/if_inet6.

use crate::core::input::Input;
use crate::inbox::Inbox;
use crate::model::Network;
use nix::errno::Errno;
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

/// Why the network cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// No rtnetlink socket.
    #[error("no rtnetlink socket: {0}")]
    Netlink(#[source] Errno),
    /// Interfaces cannot be listed.
    #[error("interfaces cannot be listed: {0}")]
    Interfaces(#[source] Errno),
    /// No thread.
    #[error("no thread to watch the network: {0}")]
    Thread(#[source] std::io::Error),
}

/// Sends the network as it is now, and from then on every change, for the life of the process.
///
/// # Errors
/// When the first reading or the rtnetlink socket fails.
pub fn watch(inbox: Inbox) -> Result<(), NetworkError> {
    let kernel = listen().map_err(NetworkError::Netlink)?;
    let mut last = read()?;
    inbox.urgent(Input::NetworkChanged(last.clone()));
    let look = move || {
        loop {
            wait(&kernel);
            match read() {
                Ok(network) if network != last => {
                    tracing::info!(carrier = network.carrier, addresses = ?network.addresses, "network changed");
                    last.clone_from(&network);
                    inbox.urgent(Input::NetworkChanged(network));
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "network not read"),
            }
        }
    };
    std::thread::Builder::new().name("network".into()).spawn(look).map_err(NetworkError::Thread)?;
    Ok(())
}

/// The network as it is now.
///
/// # Errors
/// When the kernel does not list its interfaces.
pub fn read() -> Result<Network, NetworkError> {
    let entries = getifaddrs().map_err(NetworkError::Interfaces)?;
    let tentative =
        std::fs::read_to_string("/proc/thread-self/net/if_inet6").map(|table| unusable(&table)).unwrap_or_default();
    Ok(judge(entries.filter_map(|entry| Reading::of(&entry)), &tentative))
}

/// The own source address towards a peer, as the kernel routes now; sends nothing.
pub fn route_to(peer: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = match peer {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((peer, DISCARD_PORT)).ok()?;
    socket.local_addr().ok().map(|own| own.ip()).filter(|own| !own.is_unspecified())
}

/// One line of getifaddrs.
#[derive(Clone, Copy, Debug)]
struct Reading {
    flags: InterfaceFlags,
    news: News,
}

#[derive(Clone, Copy, Debug)]
enum News {
    /// The interface itself, and whether it is an Ethernet-like one, which has a cable (or a radio) to lose.
    Interface {
        cable: bool,
    },
    Address(IpAddr),
}

impl Reading {
    fn of(entry: &InterfaceAddress) -> Option<Self> {
        let address = entry.address.as_ref()?;
        let news = if let Some(link) = address.as_link_addr() {
            News::Interface { cable: link.hatype() == ARPHRD_ETHER }
        } else if let Some(address) = address.as_sockaddr_in() {
            News::Address(address.ip().into())
        } else {
            News::Address(address.as_sockaddr_in6()?.ip().into())
        };
        Some(Self { flags: entry.flags, news })
    }
}

/// Carrier: some interface other than loopback runs, or there is none that has a cable, so that none can be out. The second
/// is for two boxes on one machine, linked over loopback.
fn judge(readings: impl Iterator<Item = Reading>, unusable: &BTreeSet<Ipv6Addr>) -> Network {
    let (mut running, mut cables) = (false, false);
    let mut addresses = BTreeSet::new();
    for Reading { flags, news } in readings {
        if flags.contains(InterfaceFlags::IFF_LOOPBACK) {
            continue;
        }
        match news {
            News::Interface { cable } => {
                running |= flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING);
                cables |= cable;
            }
            News::Address(address) if flags.contains(InterfaceFlags::IFF_UP) && usable(address, unusable) => {
                addresses.insert(address);
            }
            News::Address(_) => {}
        }
    }
    Network { carrier: running || !cables, addresses: addresses.into_iter().collect() }
}

/// Link-local ones do not count: the configuration refuses them as a peer, so no session can start from one.
fn usable(address: IpAddr, unusable: &BTreeSet<Ipv6Addr>) -> bool {
    match address {
        IpAddr::V4(address) => !(address.is_link_local() || address.is_loopback() || address.is_unspecified()),
        IpAddr::V6(address) => {
            !(address.is_unicast_link_local() || address.is_loopback() || unusable.contains(&address))
        }
    }
}

/// Tentative and duplicate addresses of if_inet6: `address index prefix scope flags name`, all in hexadecimal.
fn unusable(table: &str) -> BTreeSet<Ipv6Addr> {
    let address = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) != 0).then(|| Ipv6Addr::from_bits(address))
    };
    table.lines().filter_map(address).collect()
}

fn listen() -> nix::Result<OwnedFd> {
    let kernel =
        socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    setsockopt(&kernel, sockopt::ReceiveTimeout, &LOOK_AGAIN)?;
    bind(kernel.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
    Ok(kernel)
}

/// Waits for news of the kernel, at most [`LOOK_AGAIN`], and empties the queue, so that one look answers all of them.
fn wait(kernel: &OwnedFd) {
    let mut buffer = [0; 8192];
    let mut flags = MsgFlags::empty();
    while recv(kernel.as_raw_fd(), &mut buffer, flags).is_ok() {
        flags = MsgFlags::MSG_DONTWAIT;
    }
}

/// Unasked, the truth is read this often.
const LOOK_AGAIN: TimeVal = TimeVal::new(10, 0);
/// RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE of linux/rtnetlink.h.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// linux/if_arp.h
const ARPHRD_ETHER: u16 = 1;
/// linux/if_addr.h
const IFA_F_DADFAILED: u32 = 0x08;
/// linux/if_addr.h
const IFA_F_TENTATIVE: u32 = 0x40;
/// RFC 863; nothing is sent to it.
const DISCARD_PORT: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    const UP: InterfaceFlags = InterfaceFlags::IFF_UP;
    const RUNNING: InterfaceFlags = InterfaceFlags::IFF_UP.union(InterfaceFlags::IFF_RUNNING);
    const LO: InterfaceFlags = RUNNING.union(InterfaceFlags::IFF_LOOPBACK);

    fn link(flags: InterfaceFlags, cable: bool) -> Reading {
        Reading { flags, news: News::Interface { cable } }
    }

    fn address(flags: InterfaceFlags, text: &str) -> Reading {
        Reading { flags, news: News::Address(text.parse().expect("an address")) }
    }

    fn judged(readings: &[Reading]) -> Network {
        judge(readings.iter().copied(), &["2001:db8::7".parse().expect("an address")].into())
    }

    #[test]
    fn a_cable_that_is_out_is_no_carrier_and_keeps_its_address() {
        let network = judged(&[link(LO, false), link(UP, true), address(UP, "192.0.2.1")]);
        assert_eq!(network, Network { carrier: false, addresses: vec!["192.0.2.1".parse().expect("an address")] });
        assert!(judged(&[link(LO, false), link(UP, true), link(RUNNING, true)]).carrier);
    }

    #[test]
    fn two_boxes_on_one_machine_need_no_cable() {
        assert_eq!(judged(&[link(LO, false), address(LO, "127.0.0.1")]), Network { carrier: true, addresses: vec![] });
        assert!(judged(&[link(LO, false), link(UP, false)]).carrier, "a tunnel that is down is no cable");
    }

    #[test]
    fn only_addresses_that_work_everywhere_on_the_line_count() {
        let network = judged(&[
            link(RUNNING, true),
            address(RUNNING, "fe80::1"),
            address(RUNNING, "169.254.1.1"),
            address(RUNNING, "2001:db8::7"),
            address(RUNNING, "2001:db8::1"),
            address(RUNNING, "198.51.100.2"),
            address(InterfaceFlags::empty(), "198.51.100.3"),
            address(LO, "203.0.113.1"),
        ]);
        let told: Vec<String> = network.addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(told, ["198.51.100.2", "2001:db8::1"]);
    }

    #[test]
    fn tentative_and_duplicate_addresses_are_read_from_the_kernels_table() {
        let table = "20010db8000000000000000000000001 02 40 00 80     eth0\n\
                     20010db8000000000000000000000002 02 40 00 c0     eth0\n\
                     20010db8000000000000000000000003 02 40 00 88     eth0\n\
                     nonsense\n";
        let told: Vec<String> = unusable(table).iter().map(Ipv6Addr::to_string).collect();
        assert_eq!(told, ["2001:db8::2", "2001:db8::3"]);
    }

    #[test]
    fn the_first_reading_arrives_at_once_and_is_the_truth() {
        let inbox = Inbox::default();
        watch(inbox.clone()).expect("watching");
        let expected = crate::inbox::Mail::Urgent(Input::NetworkChanged(read().expect("read")));
        assert_eq!(inbox.take(), Some(expected));
    }

    #[test]
    fn the_route_to_this_machine_starts_at_this_machine() {
        assert_eq!(route_to(Ipv4Addr::LOCALHOST.into()), Some(Ipv4Addr::LOCALHOST.into()));
    }
}
