//! The door for a PC's live picture: WHIP (RFC 9725), media over one UDP port.
//!
//! ```text
//!   panel: POST /whip ─ offer ─► Whip ─ offers ─► office: one task, one socket, every session
//!              answer ◄──────────────┘              │ datagrams ─► session: ICE-lite, DTLS, SRTP (str0m) ─► LiveOut
//!   core: end it, key frame ─► wishes: a set ─┘    └ 5 s without a datagram: ended
//! ```
//! May be relied on: only the PC that asked is heard, by its address; its certificate is the one it announced; at most
//! [`MOST_SESSIONS`] at a time; the word that ends one is never lost. Deliberately absent: who may share (the core), HTTP (the panel), names (never resolved).

mod office;
mod sdp;
mod session;
mod wishes;

use crate::live::{LiveFault, LiveOffer, LiveOut};
use crate::model::{Bitrate, LiveId};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use wishes::Wishes;

/// The door. Cheap to clone; it closes with its last clone.
#[derive(Clone)]
pub struct Whip {
    offers: mpsc::Sender<Offered>,
    wishes: Arc<Wishes>,
    address: SocketAddr,
}

impl Whip {
    /// Opens the UDP port; `out` gets everything that comes.
    ///
    /// # Errors
    /// When the port cannot be opened.
    pub fn start(address: SocketAddr, out: LiveOut) -> std::io::Result<Self> {
        let socket = office::socket(address)?;
        let address = socket.local_addr()?;
        let (offers, heard) = mpsc::channel(OFFERS);
        let wishes = Arc::<Wishes>::default();
        tokio::spawn(office::work(socket, heard, wishes.clone(), out));
        Ok(Self { offers, wishes, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes an offer; gives the answer's SDP. The session ends by itself when nothing comes.
    ///
    /// # Errors
    /// See [`LiveFault`].
    pub async fn open(&self, id: LiveId, offer: LiveOffer) -> Result<String, LiveFault> {
        let (reply, answer) = oneshot::channel();
        self.offers.try_send(Offered { id, offer, reply }).map_err(|_| LiveFault::Busy)?;
        answer.await.map_err(|_| LiveFault::Busy)?
    }

    /// Ends it; its PC is told.
    pub fn close(&self, id: LiveId) {
        self.wishes.close(id);
    }

    /// Asks its PC for a key frame.
    pub fn ask_key_frame(&self, id: LiveId) {
        self.wishes.ask_key_frame(id);
    }
}

/// Whether an offer would be taken, and then outlives these datagrams of its PC. For whoever wants to know what any bytes do.
pub fn survives(sdp: &str, datagrams: &[&[u8]], now: Instant) -> bool {
    let home = std::net::IpAddr::from([127, 0, 0, 1]);
    let offer = LiveOffer { sdp: sdp.to_owned(), own: home, from: home, most: Bitrate::from_kbps(1000) };
    let Ok((mut session, _)) = session::Session::open(LiveId(1), &offer, 9, now) else { return false };
    for datagram in datagrams {
        session.take(datagram, (home, 7).into(), now);
        session.turn(now, |_, _| {}, |_| {});
    }
    true
}

/// An offer on its way to the office; refused when too many are.
struct Offered {
    id: LiveId,
    offer: LiveOffer,
    reply: oneshot::Sender<Result<String, LiveFault>>,
}

/// Sessions at a time: one in front and those that wait or come and go.
pub const MOST_SESSIONS: usize = 4;
const OFFERS: usize = 64;
