//! Tells the room that there is a printer (multicast DNS, RFC 6762, over IPv4), if the installer allows it. Only ever answers.
//!
//! Told at the start, when the box's addresses change, to whoever of the room asks, and at the end. No question is sent, not even
//! whether the name is free: the host's name is made from the box's key.

use super::Shared;
use super::dns::{Announced, From};
use crate::door::own_networks;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, interval, sleep};

/// Announces until it is dropped; comes back only if it cannot.
pub(super) async fn announce_forever(shared: Arc<Shared>, port: u16) {
    loop {
        match Voice::open(&shared, port) {
            Ok(mut voice) => voice.speak(&shared).await,
            Err(error) => {
                tracing::warn!(%error, "the printer cannot be announced (UDP {PORT}); it is reached by its address")
            }
        }
        sleep(TRY_AGAIN).await;
    }
}

struct Voice {
    socket: UdpSocket,
    said: Announced,
}

impl Voice {
    fn open(shared: &Shared, port: u16) -> io::Result<Self> {
        let said = announced(shared, port);
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        // Another program of this machine may answer too.
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.set_multicast_ttl_v4(255)?;
        socket.set_multicast_loop_v4(false)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into())?;
        for address in &said.addresses {
            socket.join_multicast_v4(&GROUP, address)?;
        }
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, said })
    }

    /// Until the addresses are others: then all begins anew.
    async fn speak(&mut self, shared: &Shared) {
        let mut look = interval(LOOK_AGAIN);
        let mut packet = [0; LONGEST_PACKET];
        let (mut told, mut answered_at) = (0, None::<Instant>);
        loop {
            tokio::select! {
                _ = look.tick() => {
                    if announced(shared, self.said.port) != self.said {
                        return;
                    }
                    // Twice: a packet may be lost.
                    if told < 2 {
                        told += 1;
                        self.say(&self.said.all(false)).await;
                    }
                }
                Ok((length, source)) = self.socket.recv_from(&mut packet) => {
                    let recent = answered_at.is_some_and(|at| at.elapsed() < PACE);
                    if recent || !shared.room.holds(source.ip()) {
                        continue;
                    }
                    let from = if source.port() == PORT { From::Multicast } else { From::Simple };
                    let Some(answer) = self.said.answer(&packet[..length], from) else { continue };
                    answered_at = Some(Instant::now());
                    match from {
                        From::Multicast => self.say(&answer).await,
                        From::Simple => drop(self.socket.send_to(&answer, source).await),
                    }
                }
            }
        }
    }

    async fn say(&self, packet: &[u8]) {
        for address in &self.said.addresses {
            let _no_such_interface_now = socket2::SockRef::from(&self.socket).set_multicast_if_v4(address);
            if let Err(error) = self.socket.send_to(packet, SocketAddrV4::new(GROUP, PORT)).await {
                tracing::debug!(%error, %address, "the printer is not announced there");
            }
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        let goodbye = self.said.all(true);
        for address in &self.said.addresses {
            let _no_such_interface_now = socket2::SockRef::from(&self.socket).set_multicast_if_v4(address);
            let _as_well_as_it_goes = self.socket.try_send_to(&goodbye, SocketAddrV4::new(GROUP, PORT).into());
        }
    }
}

fn announced(shared: &Shared, port: u16) -> Announced {
    let settings = &shared.settings;
    let listen = settings.listen.ip();
    let own = if listen.is_unspecified() {
        own_networks().into_iter().map(|network| network.address).filter(|address| !address.is_loopback()).collect()
    } else {
        vec![listen]
    };
    let mut addresses: Vec<Ipv4Addr> = own
        .into_iter()
        .filter_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .collect();
    addresses.sort_unstable();
    addresses.truncate(MOST_ADDRESSES);
    let [first, second, third, fourth, ..] = settings.id;
    let tls = (shared.sources.tls)(None).is_some();
    let uuid = settings.uuid();
    let mut about = super::attributes::ABOUT.map(str::to_owned).to_vec();
    about.push(format!("UUID={}", uuid.trim_start_matches("urn:uuid:")));
    if tls {
        about.push("TLS=1.3".into());
    }
    Announced {
        name: settings.name.clone(),
        host: format!("engawa-{first:02x}{second:02x}{third:02x}{fourth:02x}"),
        port,
        addresses,
        tls,
        about,
    }
}

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// At most one answer in so long: whoever floods is not helped to flood others.
const PACE: Duration = Duration::from_millis(100);
/// RFC 6762, 17.
const LONGEST_PACKET: usize = 9_000;
/// A box has one network card.
const MOST_ADDRESSES: usize = 4;
