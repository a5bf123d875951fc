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

use crate::live::LiveOut;
use crate::model::{Bitrate, LiveId};
use std::net::{IpAddr, SocketAddr};
use tokio::sync::{mpsc, oneshot};

pub use sdp::OfferFault;

/// The door. Cheap to clone; it closes with its last clone.
#[derive(Clone)]
pub struct Whip {
    words: mpsc::Sender<Word>,
    address: SocketAddr,
}

/// What somebody wants to share.
#[derive(Clone, Debug)]
pub struct Offer {
    /// SDP, as it came.
    pub sdp: String,
    /// The box's own address that the PC reached: its picture goes there too.
    pub own: IpAddr,
    /// Where the PC is: nobody else is heard.
    pub from: IpAddr,
    /// Told to the PC as the most it may send (`b=AS`).
    pub most: Bitrate,
}

/// Why an offer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not understood or of no use.
    #[error(transparent)]
    Offer(#[from] OfferFault),
    /// Too many share at once.
    #[error("no place is left for another share")]
    Full,
    /// The office is gone or does not answer.
    #[error("the share cannot be opened now")]
    Busy,
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
    /// See [`Fault`].
    pub async fn open(&self, id: LiveId, offer: Offer) -> Result<String, Fault> {
        let (reply, answer) = oneshot::channel();
        self.words.try_send(Word::Open { id, offer, reply }).map_err(|_| Fault::Busy)?;
        answer.await.map_err(|_| Fault::Busy)?
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

/// What the office is told.
enum Word {
    Open { id: LiveId, offer: Offer, reply: oneshot::Sender<Result<String, Fault>> },
    Close(LiveId),
    KeyFrame(LiveId),
}

/// Sessions at a time: one in front and those that wait or come and go.
pub const MOST_SESSIONS: usize = 4;
const WORDS: usize = 64;
