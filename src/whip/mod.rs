//! The door for a PC's live picture: WHIP (RFC 9725), media over one UDP port.
//!
//! ```text
//!   panel: POST /whip ─ offer ─► Whip ─ words ─► office: one task, one socket, every session
//!              answer ◄─────────────┘              │ datagrams ─► session: ICE-lite, DTLS, SRTP (str0m) ─► LiveOut
//!                                                  └ 5 s without a datagram: ended
//! ```
//! May be relied on: only the PC that asked is heard, by its address; its certificate is the one it announced; at most
//! [`MOST_SESSIONS`] at a time. Deliberately absent: who may share (the core), HTTP (the panel), names (never resolved).

mod office;
mod sdp;
mod session;

use crate::live::{LiveFault, LiveOffer, LiveOut};
use crate::model::{Bitrate, LiveId};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// The door. Cheap to clone; it closes with its last clone.
#[derive(Clone)]
pub struct Whip {
    words: mpsc::Sender<Word>,
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
        let (words, heard) = mpsc::channel(WORDS);
        tokio::spawn(office::work(socket, heard, out));
        Ok(Self { words, address })
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
        self.words.try_send(Word::Open { id, offer, reply }).map_err(|_| LiveFault::Busy)?;
        answer.await.map_err(|_| LiveFault::Busy)?
    }

    /// Ends it; its PC is told.
    pub fn close(&self, id: LiveId) {
        self.tell(Word::Close(id));
    }

    /// Asks its PC for a key frame.
    pub fn ask_key_frame(&self, id: LiveId) {
        self.tell(Word::KeyFrame(id));
    }

    fn tell(&self, word: Word) {
        if self.words.try_send(word).is_err() {
            tracing::warn!("the office of shares does not take a word");
        }
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

/// What the office is told.
enum Word {
    Open { id: LiveId, offer: LiveOffer, reply: oneshot::Sender<Result<String, LiveFault>> },
    Close(LiveId),
    KeyFrame(LiveId),
}

/// Sessions at a time: one in front and those that wait or come and go.
pub const MOST_SESSIONS: usize = 4;
const WORDS: usize = 64;
