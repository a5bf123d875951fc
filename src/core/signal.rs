//! What two boxes tell each other over the control connection. `trunk::message` gives these their bytes.

use crate::core::agreement::Wish;
use crate::core::floor::FloorWord;
use crate::core::help::HelpWord;
use crate::core::live::LiveWord;
use crate::core::notes::NotesWord;
use crate::core::share::{InkMark, Pointer, ShareWord};
use crate::model::{BootId, CameraState, Line, MicState, Moment, SessionId, Stance, Veil, VideoCodec};
use std::time::Duration;

/// First words on every control connection, both ways, after TLS proved both keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// This life of the sender's daemon.
    pub boot: BootId,
    /// Shown to people; at most 64 characters, control characters removed by the reader.
    pub name: String,
    /// Software version, for people.
    pub version: String,
    /// Codecs the sender can encode and decode, best first.
    pub codecs: Vec<VideoCodec>,
    /// The pair of UDP ports the sender's sessions use.
    pub session_port: u16,
}

/// Everything said after the hello.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// The offerer opens a session. SDP contains all host candidates; ≤ 16 KiB.
    Offer {
        /// Names it.
        session: SessionId,
        /// The codec the offerer chose from both hellos.
        codec: VideoCodec,
        /// SDP text.
        sdp: String,
    },
    /// The answer to it.
    Answer {
        /// As in the offer.
        session: SessionId,
        /// SDP text.
        sdp: String,
    },
    /// The answerer asks for a new session.
    SessionWanted {
        /// The one that does not serve any more, if any.
        instead_of: Option<SessionId>,
    },
    /// The sender gave this session up.
    SessionEnded {
        /// Which.
        session: SessionId,
    },
    /// Every [`HEARTBEAT_PERIOD`](crate::core::liveness::HEARTBEAT_PERIOD).
    Heartbeat(Box<Heartbeat>),
    /// What is shared: on every new connection and after every change, in a meeting only.
    Share(Box<ShareWord>),
    /// What was drawn and wiped: everything on a new connection, then what is new. In a meeting only, after its [`ShareWord`].
    /// At most [`MOST_TOLD`](crate::core::share::MOST_TOLD) at a time.
    Ink(Vec<InkMark>),
    /// Where somebody of the sender's room points now. In a meeting only.
    Point(Pointer),
    /// Part of the notice board: all of it on every new connection, then what changed; never behind a curtain.
    Notes(Box<NotesWord>),
    /// Hands and poll: on every new connection and after every change, while the rooms are together only.
    Floor(Box<FloorWord>),
    /// The live share: on every new connection and after every change, in a meeting only.
    Live(Box<LiveWord>),
    /// Help asked for, and what became of it.
    Help(Box<HelpWord>),
    /// Last words before a deliberate end.
    Farewell(Farewell),
}

/// Why a box leaves on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The daemon stops or restarts.
    GoingDown,
}

/// The pulse of the link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heartbeat {
    /// The sender's clock when it was sent.
    pub sent_at: Moment,
    /// The last heartbeat the sender heard: its `sent_at` (our clock) and when it was heard (the sender's clock).
    pub heard: Option<Echo>,
    /// The sender's wall clock, milliseconds since 1970; only ever compared and shown.
    pub wall_ms: u64,
    /// The session the sender sends on, once admitted.
    pub session: Option<SessionId>,
    /// What each line does now.
    pub lines: [LineNews; 4],
    /// What really leaves the sender's microphone.
    pub microphone: MicState,
    /// What really leaves the sender's camera.
    pub camera: CameraState,
    /// What the sender's room wants; `None` from a version that knows no modes.
    pub room: Option<RoomWord>,
    /// What arrives at the sender of the other box's media; `None` without a session, and from a version that does not say.
    pub arriving: Option<Arriving>,
}

/// The line as only its far end can see it; the last second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arriving {
    /// Kilobits per second with IP and UDP headers.
    pub kbps: u32,
    /// Thousandths of the packets that did not arrive.
    pub loss_permille: u16,
    /// Milliseconds from capture to renderer, 95th percentile; `None`: no picture.
    pub picture_ms: Option<u16>,
    /// The same, to the speaker.
    pub sound_ms: Option<u16>,
}

/// What a box says of its room in every heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomWord {
    /// Its own stance.
    pub stance: Stance,
    /// The wish as it knows it.
    pub wish: Wish,
    /// It knocks; another number is another knock.
    pub knock: Option<u32>,
    /// Its camera's veil.
    pub veil: Veil,
    /// Name of its camera's view; at most 32 characters.
    pub view: String,
    /// Documents are still on their way to it: they come before the camera.
    pub fetching: bool,
}

/// Half a round trip: see [`Heartbeat::heard`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// `sent_at` of the heartbeat that is answered.
    pub sent_at: Moment,
    /// When the answering box heard it, on its own clock.
    pub heard_at: Moment,
}

/// What the sender says of one media line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineNews {
    /// How often to expect something.
    pub cadence: Cadence,
    /// RTP time ↔ capture time of the newest packet sent.
    pub mark: Option<CaptureMark>,
}

/// How often a line sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cadence {
    /// Nothing is sent on purpose.
    #[default]
    Silent,
    /// One frame at least this often.
    Every(Duration),
}

/// The sender's pair *RTP timestamp ↔ capture time* of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureMark {
    /// RTP timestamp as on the wire.
    pub rtp: u32,
    /// When that frame or sample was captured, on the sender's clock.
    pub captured_at: Moment,
}

/// A mark of the far box moved onto the near clock: what playout works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// Which line.
    pub line: Line,
    /// RTP timestamp as on the wire.
    pub rtp: u32,
    /// Capture time on the **near** clock.
    pub captured_at: Moment,
}
