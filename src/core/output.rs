//! Everything a box does. Commands; carrying one out never waits.

use crate::core::help::HelpWish;
use crate::core::ledger::Entry;
use crate::core::memory::Remembered;
use crate::core::notes::Kept;
use crate::core::plan::MediaPlan;
use crate::core::request::Answer;
use crate::core::signal::{Alignment, Signal};
use crate::model::{DocumentId, Line, LiveEnd, LiveId, Role, SessionId, Ticket, TrunkId, VideoCodec};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A wish of the core.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time is carried out")]
pub enum Output {
    /// Try once to reach the peer; answers with `TrunkOpened` or `DialFailed`. Never two at a time.
    Dial {
        /// Where the peer was last heard, if that is not the configured address.
        address: Option<SocketAddr>,
        /// Deadline for TCP to connect; TLS and hello get twice as long again.
        within: Duration,
    },
    /// Say something.
    Send {
        /// On which connection.
        trunk: TrunkId,
        /// What.
        signal: Signal,
    },
    /// Drop a control connection and its bulk connection.
    CloseTrunk {
        /// Which.
        trunk: TrunkId,
    },
    /// Build a session.
    OpenSession(SessionOrder),
    /// Give an offered session its answer.
    AcceptAnswer {
        /// Which.
        session: SessionId,
        /// SDP text.
        sdp: String,
    },
    /// The certificate is the announced one: media may move on this session, both ways, and moves only here.
    Admit {
        /// Which.
        session: SessionId,
    },
    /// Tear down, off the loop.
    CloseSession {
        /// Which.
        session: SessionId,
    },
    /// Do this from now on.
    Arrange(MediaPlan),
    /// Playout: this RTP time was captured then.
    Align(Alignment),
    /// Send a key frame soon.
    RefreshPicture {
        /// Of which line.
        line: Line,
    },
    /// Answers a question.
    Answer {
        /// Which.
        ticket: Ticket,
        /// How.
        answer: Answer,
    },
    /// Write a line into the ledger.
    Record(Entry),
    /// Keep this over a restart.
    Remember(Remembered),
    /// Keep the notice board over a restart.
    KeepBoard(Kept),
    /// Draw a random room code; answered by `Input::CodeDrawn`.
    DrawCode,
    /// Learn this view from what the camera shows now.
    Teach {
        /// Index into the configured views.
        view: usize,
    },
    /// Hold these documents from now on, fetch what is not here, and wipe all others.
    Hold {
        /// Names and lengths in bytes.
        documents: Vec<(DocumentId, u64)>,
        /// The far box may fetch them.
        served: bool,
    },
    /// Write this document to the disk, and that it was written into the ledger: both rooms want it kept beyond the meeting.
    Keep {
        /// Its bytes are held.
        document: DocumentId,
        /// As people call it.
        name: String,
    },
    /// End the session of this live source: it is neither in front nor waits any more.
    EndLive {
        /// Which.
        id: LiveId,
        /// Why, for whoever shared.
        why: LiveEnd,
    },
    /// Something for the far room's installer.
    Help(HelpWish),
    /// Leave the process with exit code 0.
    Stop,
}

/// What a session is built from.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionOrder {
    /// Its name.
    pub session: SessionId,
    /// Offer or answer.
    pub role: Role,
    /// Which of the two UDP ports: 0 or 1.
    pub port_index: u16,
    /// Video codec.
    pub codec: VideoCodec,
    /// Our own address on the trunk: the only one candidates are gathered on.
    pub own: IpAddr,
    /// The peer's address on the trunk: candidates with any other address are dropped.
    pub peer: IpAddr,
    /// The peer's offer, when answering.
    pub offer: Option<String>,
}
