//! The task that owns the socket and every session.

use super::session::Session;
use super::wishes::{Wanted, Wishes};
use super::{MOST_SESSIONS, Offered};
use crate::live::{LiveFault, LiveNews, LiveOut};
use crate::model::{LiveEnd, LiveId};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant as Clock, sleep_until};

/// A socket with room for a key frame that comes at once.
pub(super) fn socket(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(RECEIVED)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Until nobody holds the door any more.
pub(super) async fn work(socket: UdpSocket, mut offers: Receiver<Offered>, wishes: Arc<Wishes>, out: LiveOut) {
    let mut office = Office { socket, out, sessions: Vec::new() };
    let mut datagram = vec![0; LONGEST];
    loop {
        let due = office.sessions.iter().map(Session::due).min();
        let due = due.map_or_else(|| Clock::now() + IDLE, Clock::from_std);
        tokio::select! { biased;
            offered = offers.recv() => match offered {
                Some(offered) => office.open(offered, now()),
                None => return,
            },
            // After the offers: no wish overtakes the session that it is of.
            wanted = wishes.take() => office.grant(&wanted, now()),
            received = office.socket.recv_from(&mut datagram) => match received {
                Ok((length, source)) => office.take(&datagram[..length], canonical(source), now()),
                // An ICMP answer to what was sent to a PC that is gone.
                Err(error) => tracing::debug!(%error, "the socket of shares"),
            },
            () = sleep_until(due) => {}
        }
        office.turn(now());
    }
}

struct Office {
    socket: UdpSocket,
    out: LiveOut,
    sessions: Vec<Session>,
}

impl Office {
    fn open(&mut self, Offered { id, offer, reply }: Offered, now: Instant) {
        let opened = if self.sessions.len() >= MOST_SESSIONS {
            Err(LiveFault::Full)
        } else {
            let port = self.socket.local_addr().map_or(0, |address| address.port());
            Session::open(id, &offer, port, now)
        };
        let answer = opened.map(|(session, answer)| {
            self.sessions.push(session);
            answer
        });
        if reply.send(answer).is_err() {
            self.end(id, LiveEnd::Failed);
        }
    }

    fn grant(&mut self, wanted: &Wanted, now: Instant) {
        for session in &mut self.sessions {
            if wanted.closed.contains(&session.id) {
                session.close();
            } else if wanted.key_frames.contains(&session.id) {
                session.ask_key_frame(now);
            }
        }
    }

    fn take(&mut self, datagram: &[u8], source: SocketAddr, now: Instant) {
        for session in &mut self.sessions {
            if session.take(datagram, source, now) {
                return;
            }
        }
        tracing::trace!(%source, "a datagram of nobody");
    }

    /// Everything that is due, sent and told.
    fn turn(&mut self, now: Instant) {
        let (socket, out) = (&self.socket, &self.out);
        let of_version_6 = socket.local_addr().is_ok_and(|own| own.is_ipv6());
        for session in &mut self.sessions {
            let id = session.id;
            session.turn(
                now,
                |datagram, to| {
                    let to = if of_version_6 { mapped(to) } else { to };
                    if let Err(error) = socket.try_send_to(datagram, to) {
                        tracing::debug!(%error, "a datagram to a PC is lost");
                    }
                },
                |news| out(id, news),
            );
        }
        let over: Vec<_> = self.sessions.iter().filter_map(|session| Some((session.id, session.over(now)?))).collect();
        for (id, why) in over {
            self.end(id, why);
        }
    }

    fn end(&mut self, id: LiveId, why: LiveEnd) {
        self.sessions.retain(|session| session.id != id);
        (self.out)(id, LiveNews::Ended(why));
    }
}

/// The same clock that timers of tokio run on.
fn now() -> Instant {
    Clock::now().into_std()
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// As a socket for both versions wants it (RFC 4291 §2.5.5.2).
fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
        SocketAddr::V6(_) => address,
    }
}

/// Nothing is due.
const IDLE: Duration = Duration::from_secs(3600);
/// Longer datagrams are cut by the kernel, and nobody takes them.
const LONGEST: usize = 2048;
const RECEIVED: usize = 1 << 20;
