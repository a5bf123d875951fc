//! Everything that happens to a box. Past tense; every item says what it is about, so that the stale can be dropped.

use crate::core::help::HelpNews;
use crate::core::lesson::Lesson;
use crate::core::live::LiveSource;
use crate::core::prints::PrintNews;
use crate::core::request::{Asker, Request};
use crate::core::share::Refusal;
use crate::core::signal::{CaptureMark, Hello, Signal};
use crate::model::{Device, DocumentId, Fingerprint, GuestId, InputShows, Key, Line, LiveEnd, LiveId};
use crate::model::{Network, SessionId, Side, Ticket, TrunkId};
use std::net::SocketAddr;
use std::time::Duration;

/// Events that are never dropped.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A control connection is up: TLS proved the pinned key and both hellos were exchanged.
    TrunkOpened {
        /// Names it from now on.
        trunk: TrunkId,
        /// Who dialled.
        dialled_by: Side,
        /// Where the peer is; port of the peer's socket.
        peer: SocketAddr,
        /// Our own address on that connection.
        own: SocketAddr,
        /// The peer's hello.
        hello: Hello,
    },
    /// A control connection is gone. Also follows `Output::CloseTrunk`.
    TrunkClosed {
        /// Which.
        trunk: TrunkId,
    },
    /// The dial asked for by `Output::Dial` came to nothing.
    DialFailed {
        /// Why.
        fault: DialFault,
    },
    /// The bulk connection that belongs to a control connection is up or gone.
    BulkChanged {
        /// The control connection.
        trunk: TrunkId,
        /// Now up.
        up: bool,
    },
    /// A document that was wanted is whole here, its hash checked.
    DocumentArrived {
        /// Which.
        document: DocumentId,
    },
    /// The far box does not give a document now: it does not have it, or does not serve it.
    DocumentWithheld {
        /// Which.
        document: DocumentId,
    },
    /// A document that was wanted never became what its name says; it is not tried again until it is forgotten.
    DocumentFailed {
        /// Which.
        document: DocumentId,
    },
    /// The peer said something.
    Heard {
        /// On which connection.
        trunk: TrunkId,
        /// What.
        signal: Signal,
    },
    /// The local description is complete, with all candidates in it.
    SessionDescribed {
        /// Which.
        session: SessionId,
        /// SDP text: an offer or an answer by role.
        sdp: String,
    },
    /// DTLS is connected; here is the certificate that was really used.
    SessionSecured {
        /// Which.
        session: SessionId,
        /// SHA-256 of the peer's certificate; `None` if it could not be read, which is a refusal.
        certificate: Option<Fingerprint>,
    },
    /// The session cannot go on.
    SessionFailed {
        /// Which.
        session: SessionId,
        /// For the log.
        cause: String,
    },
    /// A device came or went.
    DeviceChanged {
        /// Which.
        device: Device,
        /// Works now.
        present: bool,
        /// For the log and the doctor.
        detail: String,
    },
    /// Carrier or addresses changed.
    NetworkChanged(Network),
    /// The session is to be replaced although it works: at a quiet hour, so that no counter ever wraps.
    RenewalDue,
    /// Something happened in the room.
    Room(RoomInput),
    /// SIGTERM, SIGINT.
    StopRequested,
}

/// What people of this room, its keys, its camera and its calendar do.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomInput {
    /// A person of this room asks something; answered by `Output::Answer`.
    Asked {
        /// Names the question.
        ticket: Ticket,
        /// Who.
        by: Asker,
        /// What.
        request: Request,
    },
    /// A key of the keypad was pressed.
    KeyPressed(Key),
    /// A browser typed the room code; answered by `Output::Answer`.
    CodeTried {
        /// Names the question.
        ticket: Ticket,
        /// Which browser.
        guest: GuestId,
        /// Six digits as a number.
        code: u32,
        /// As it calls itself.
        name: String,
    },
    /// A browser asks to be let in without a code; answered by `Output::Answer`.
    AdmissionAsked {
        /// Names the question.
        ticket: Ticket,
        /// Which browser.
        guest: GuestId,
        /// As it calls itself.
        name: String,
    },
    /// Something happened at the printer; answered by `Output::Answer`.
    Printer {
        /// Names the question.
        ticket: Ticket,
        /// What.
        news: PrintNews,
    },
    /// A browser proved the installer's PIN.
    InstallerEntered(GuestId),
    /// The installer's page changes what is set; the daemon is about to begin anew.
    InstallerSet {
        /// Names of the settings, for the ledger.
        what: String,
        /// Something that was hidden will not be.
        uncovers: bool,
    },
    /// The installer proved the PIN and the box's name: it is to forget everything; answered by `Output::Answer`, and told to the
    /// ledger before that.
    ResetWanted {
        /// Names the question.
        ticket: Ticket,
        /// Which browser.
        guest: GuestId,
    },
    /// A browser is gone.
    GuestLeft(GuestId),
    /// Answers `Output::DrawCode` with a random number.
    CodeDrawn(u32),
    /// By the calendar and the wall clock the office is open (true) or closed; first at start, if hours are configured.
    HoursChanged(bool),
    /// The camera was turned to this view, by its own picture.
    CameraTurned(usize),
    /// The worker opened a document.
    DocumentOpened {
        /// Which.
        document: DocumentId,
        /// How many pages it has.
        pages: u32,
    },
    /// A document cannot be opened or drawn.
    DocumentRefused {
        /// Which.
        document: DocumentId,
        /// Why.
        why: Refusal,
    },
    /// A document that was to be kept is written to the disk, or has no place there.
    DocumentKept {
        /// Which.
        document: DocumentId,
        /// It is written.
        written: bool,
    },
    /// A guest took a kept document away: as a file, or off the disk before its time.
    KeptTaken {
        /// Who.
        guest: GuestId,
        /// Which.
        document: DocumentId,
        /// Off the disk.
        forgotten: bool,
    },
    /// What became of `Output::Teach`.
    Taught(Lesson),
    /// A source of this room wants to be in front; answered by `Output::Answer`: accepted, it is in front or waits (the
    /// snapshot says which), else it is to be ended.
    LiveAsked {
        /// Names the question.
        ticket: Ticket,
        /// Which.
        source: LiveSource,
    },
    /// A source is gone: its PC closed it or vanished.
    LiveGone {
        /// Which.
        id: LiveId,
        /// Why.
        why: LiveEnd,
    },
    /// Nothing at all comes from a source any more, though it did not say goodbye.
    LiveFellSilent {
        /// Which.
        id: LiveId,
        /// Since its last sign of life.
        silent_for: Duration,
    },
    /// Something comes from it again.
    LiveSpokeAgain(LiveId),
    /// How its pictures go on to the far box became known, or changed.
    LiveGoesOn {
        /// Which.
        id: LiveId,
        /// Encoded anew by this box; else as they come.
        retold: bool,
    },
    /// The document input has a signal. It may be the one of a moment ago in another size.
    InputAppeared {
        /// The same for as long as the daemon lives.
        source: LiveSource,
        /// As `[share] input_shows` says.
        shows: InputShows,
    },
    /// It has none.
    InputLost(LiveId),
    /// Help from or in the other room.
    Help(HelpNews),
}

/// Why a dial came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialFault {
    /// No answer in time.
    TimedOut,
    /// The peer's machine said no.
    Refused,
    /// No route, no address, interface down.
    Unreachable,
    /// Answered, but not with the pinned key.
    WrongKey,
    /// Answered, but it does not speak Engawa or not this version.
    NotEngawa,
}

/// News of which only the newest counts.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A frame of this line was decoded and handed on.
    FrameDecoded {
        /// Which line.
        line: Line,
        /// Of which session.
        session: SessionId,
    },
    /// A packet left; the pair for the heartbeat.
    LineSent {
        /// Which line.
        line: Line,
        /// Its pair.
        mark: CaptureMark,
    },
    /// So many percent of a document are here.
    Arriving {
        /// Which.
        document: DocumentId,
        /// 0 … 100.
        percent: u8,
    },
    /// A bundle is on its way to the far box: the line is wanted for it.
    BundleGoes(bool),
    /// What the receiving side of this line measured in the last second.
    Received(ReceiveReport),
    /// What the session measured in the last second.
    Carried(CarryReport),
    /// What the sending side really captured and sent in the last second.
    Sent(SendReport),
}

impl News {
    /// News with the same slot replace each other.
    pub fn slot(&self) -> usize {
        match self {
            Self::FrameDecoded { line, .. } => line.index(),
            Self::LineSent { line, .. } => 4 + line.index(),
            Self::Received(_) => 8,
            Self::Carried(_) => 9,
            Self::Sent(_) => 10,
            Self::Arriving { .. } => 11,
            Self::BundleGoes(_) => 12,
        }
    }
}

/// What really arrived, measured by playout once a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiveReport {
    /// Picture: capture in the far room → handed to the renderer; `None` until clocks are aligned.
    pub picture_delay: Option<Percentiles>,
    /// Sound: capture in the far room → handed to the speaker.
    pub sound_delay: Option<Percentiles>,
    /// Frames handed to the renderer per second.
    pub fps: f32,
    /// Size in pixels of the decoded picture.
    pub size: Option<(u32, u32)>,
    /// Share of sound concealed, 0 … 1.
    pub concealed: f32,
    /// Level of the sound really played, RMS, dBFS, −100 for silence.
    pub level_dbfs: f32,
    /// Frames dropped or repeated by playout in the last second.
    pub corrected: u32,
    /// Bench only: what the stamps in the picture say.
    pub stamps: Option<StampReport>,
}

/// Delays from stamp drawn to stamp read, of the newest frames.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StampReport {
    /// How many.
    pub count: usize,
    /// Median.
    pub p50: Duration,
    /// 95th percentile.
    pub p95: Duration,
    /// 99th percentile.
    pub p99: Duration,
}

/// Delay figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    /// Median.
    pub p50: Duration,
    /// 95th percentile.
    pub p95: Duration,
}

/// What the session's transport measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CarryReport {
    /// Bits per second out, RTP and RTCP payload of UDP with IP and UDP headers added.
    pub sent_bps: u32,
    /// The same, in.
    pub received_bps: u32,
    /// Share of packets that did not arrive here, 0 … 1.
    pub loss: f32,
    /// Interarrival jitter (RFC 3550), worst line.
    pub jitter: Duration,
    /// Congestion estimate of what the path carries, if any.
    pub estimate_bps: Option<u32>,
}

/// What really left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SendReport {
    /// Camera frames encoded per second.
    pub fps: f32,
    /// Size in pixels.
    pub size: Option<(u32, u32)>,
    /// Voice packets handed to the session per second.
    pub voice_packets: u32,
    /// Camera frames handed to the session that came from a device, not a placeholder.
    pub live_frames: u32,
    /// Level of what the microphone hears before the gate, RMS, dBFS.
    pub level_dbfs: f32,
    /// Encoder element in use, for people.
    pub encoder: String,
}
