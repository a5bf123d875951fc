//! The sessions of the moment: one that media moves on, one being built beside it, one going.
//!
//! ```text
//!   build ──► next ── certificate equals the announced one ──► current ── replaced ──► retiring ──► gone
//!               └── refused, failed, late ──► gone
//! ```
//! `next` never takes the UDP port of `current`: made before broken.

use crate::core::output::SessionOrder;
use crate::model::{Fingerprint, Moment, SessionId, TrunkId, VideoCodec};
use std::net::IpAddr;

/// A session being built.
#[derive(Clone, Debug)]
pub struct Building {
    /// What it is built from.
    pub order: SessionOrder,
    /// The connection on which it is negotiated: gone, and nobody knows what arrived.
    pub trunk: TrunkId,
    /// The certificate the peer announced over the trunk, once it did.
    pub announced: Option<Fingerprint>,
}

/// The session media moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Its name.
    pub session: SessionId,
    /// The UDP port it holds.
    pub port_index: u16,
    /// Our address it was built on.
    pub own: IpAddr,
    /// The peer's.
    pub peer: IpAddr,
    /// Agreed codec.
    pub codec: VideoCodec,
    /// When its certificate was found right.
    pub admitted_at: Moment,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// Media moves on this one.
    pub current: Option<Current>,
    /// Being built.
    pub next: Option<Building>,
    /// Replaced; closed when the new one shows its first frame.
    pub retiring: Option<SessionId>,
    /// The port of the newest order: a teardown that hangs holds its port, so the next order tries the other one.
    last_port_index: Option<u16>,
}

impl Sessions {
    /// The UDP port of a new order: never the one that `current` holds, else the one that was not tried last.
    pub fn take_port_index(&mut self) -> u16 {
        let busy = self.current.map(|current| current.port_index).or(self.last_port_index);
        let index = busy.map_or(0, |busy| 1 - busy);
        self.last_port_index = Some(index);
        index
    }

    /// The session being built, if it is this one.
    pub fn building(&self, session: SessionId) -> Option<&Building> {
        self.next.as_ref().filter(|building| building.order.session == session)
    }

    /// Whether media moves on this one.
    pub fn is_current(&self, session: SessionId) -> bool {
        self.current.is_some_and(|current| current.session == session)
    }

    /// `next` becomes `current`.
    pub fn admit(&mut self, now: Moment) -> Option<Current> {
        let order = self.next.take()?.order;
        let current = Current {
            session: order.session,
            port_index: order.port_index,
            own: order.own,
            peer: order.peer,
            codec: order.codec,
            admitted_at: now,
        };
        self.retiring = self.current.replace(current).map(|old| old.session);
        Some(current)
    }
}

/// The one SHA-256 fingerprint of an SDP (RFC 8122); `None` if there is none, another hash, or two that differ.
pub fn announced_fingerprint(sdp: &str) -> Option<Fingerprint> {
    let mut found = None;
    for line in sdp.lines() {
        let Some(value) = line.trim().strip_prefix("a=fingerprint:") else { continue };
        let (hash, digest) = value.split_once(' ')?;
        let fingerprint = hash.eq_ignore_ascii_case("sha-256").then(|| Fingerprint::from_sdp(digest))??;
        if found.is_some_and(|earlier| earlier != fingerprint) {
            return None;
        }
        found = Some(fingerprint);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_whose_teardown_hangs_is_not_waited_for_for_ever() {
        let mut sessions = Sessions::default();
        assert_eq!([sessions.take_port_index(), sessions.take_port_index(), sessions.take_port_index()], [0, 1, 0]);
    }

    #[test]
    fn a_fingerprint_is_announced_once_and_in_sha_256() {
        let one = format!("a=fingerprint:sha-256 {}", ["AB"; 32].join(":"));
        let two = format!("a=fingerprint:sha-256 {}", ["CD"; 32].join(":"));
        assert_eq!(announced_fingerprint(&format!("v=0\r\n{one}\r\n{one}\r\n")), Some(Fingerprint([0xab; 32])));
        assert_eq!(announced_fingerprint(&format!("{one}\r\n{two}")), None);
        assert_eq!(announced_fingerprint("a=fingerprint:sha-1 AB:CD"), None);
        assert_eq!(announced_fingerprint("v=0"), None);
    }
}
