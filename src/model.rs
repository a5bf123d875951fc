//! The words all of Engawa shares. Values only: no clock, no I/O, no behaviour beyond arithmetic and printing.

mod document;
mod live;
mod pin;

pub use document::{DocumentId, NoDocumentId};
pub use live::{InputShows, LiveEnd, LiveId, LiveKind, TakeOver};
pub use pin::Pin;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A reading of the box's one monotonic clock, in nanoseconds.
///
/// All pipelines run on the same clock with base time zero, so a GStreamer buffer's PTS *is* a `Moment`.
/// Moments of two boxes are not comparable: see `core::playout::ClockOffset`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// From nanoseconds of the monotonic clock.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds of the monotonic clock.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Signed distance `self - other` in nanoseconds.
    pub const fn minus(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// Moved by a signed number of nanoseconds, held at zero.
    pub const fn shifted(self, nanos: i64) -> Self {
        Self(self.0.saturating_add_signed(nanos))
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", Duration::from_nanos(self.0).as_secs_f64())
    }
}

/// One appliance, named by the SHA-256 of its raw public key (SubjectPublicKeyInfo, DER).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoxId(pub [u8; 32]);

impl fmt::Display for BoxId {
    /// The first eight bytes in hexadecimal: enough to tell boxes apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BoxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One life of a daemon: random at start. A changed one means "the peer forgot us".
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(pub u64);

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One webrtcbin life: the offerer's boot and its running number, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// The boot of the box that offered.
    pub boot: BootId,
    /// Counts within that boot.
    pub number: u64,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}/{}", self.boot.0, self.number)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One authenticated trunk connection of this process; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub u64);

/// Who offers; decided by the two pinned keys, so offers cannot collide: the greater [`BoxId`] offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Opens sessions.
    #[default]
    Offerer,
    /// Answers them.
    Answerer,
}

impl Role {
    /// This box's role towards `far`.
    pub fn of(near: BoxId, far: BoxId) -> Self {
        if near > far { Self::Offerer } else { Self::Answerer }
    }
}

/// This room or the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This room.
    Near,
    /// The other room.
    Far,
}

/// The four media lines of every session, in the order of the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// Opus, the room's voice.
    Voice,
    /// The room's camera.
    Camera,
    /// A PC's screen or an HDMI input; silent until shared.
    LiveShare,
    /// Opus, the sound of the live share; silent until shared.
    ShareSound,
}

impl Line {
    /// All lines in the order of the offer.
    pub const ALL: [Self; 4] = [Self::Voice, Self::Camera, Self::LiveShare, Self::ShareSound];

    /// Index of the media line in the SDP, from 0.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// RTP clock rate in Hz (RFC 7587 for Opus, RFC 6184 and RFC 7741 for video).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Voice | Self::ShareSound => 48_000,
            Self::Camera | Self::LiveShare => 90_000,
        }
    }
}

/// The video codecs two boxes can agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// H.264 constrained baseline, the default.
    H264,
    /// VP8, the second.
    Vp8,
}

/// Bits per second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Bitrate(u32);

impl Bitrate {
    /// From kilobits (1000 bits) per second.
    pub const fn from_kbps(kbps: u32) -> Self {
        Self(kbps.saturating_mul(1000))
    }
    /// From bits per second.
    pub const fn from_bps(bps: u32) -> Self {
        Self(bps)
    }
    /// Bits per second.
    pub const fn as_bps(self) -> u32 {
        self.0
    }
    /// Kilobits (1000 bits) per second, rounded down.
    pub const fn as_kbps(self) -> u32 {
        self.0 / 1000
    }
}

impl fmt::Debug for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.as_kbps())
    }
}

/// What really leaves a microphone, computed from the samples sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MicState {
    /// Nothing leaves.
    #[default]
    Closed,
    /// Levels leave, no samples (murmur).
    LevelsOnly,
    /// Samples leave.
    Open,
}

/// What really leaves a camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CameraState {
    /// Nothing leaves.
    #[default]
    Off,
    /// A drawn placeholder leaves: the camera is missing or hung.
    Placeholder,
    /// Live frames leave.
    Live,
}

/// SHA-256 of a DTLS certificate's DER (RFC 8122).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// From SDP notation, `AB:CD:…` with 32 bytes; `None` if it is anything else.
    pub fn from_sdp(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let mut parts = text.trim().split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2)?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        f.write_str(&text.join(":"))
    }
}

/// The things a box can lose and get back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// Picture in.
    Camera,
    /// Sound in.
    Microphone,
    /// Sound out.
    Speaker,
    /// Picture out.
    Screen,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Camera, Self::Microphone, Self::Speaker, Self::Screen];
}

/// Language of what people in the room read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// 日本語
    #[default]
    Japanese,
    /// English
    English,
}

/// What the kernel says about this box's place on the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Some interface other than loopback has carrier.
    pub carrier: bool,
    /// Usable (not tentative, not link-local) addresses, sorted; loopback excluded.
    pub addresses: Vec<IpAddr>,
}

/// What the pair does, as both rooms see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// 常時: picture on, microphones closed.
    #[default]
    Quiet,
    /// 会話: room layout, microphones wanted.
    Talking,
    /// 会議: documents and meeting profile.
    Meeting,
    /// カーテン: neither side sees or hears.
    Curtain,
    /// おやすみ: out of hours; neither side sees or hears.
    Asleep,
}

impl Mode {
    /// Neither side sees or hears.
    pub const fn is_shut(self) -> bool {
        matches!(self, Self::Curtain | Self::Asleep)
    }
}

/// What two open rooms choose between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Together {
    /// 常時
    #[default]
    Quiet,
    /// 会話
    Talking,
    /// 会議
    Meeting,
}

/// One room's own word on the mode. Only that room changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stance {
    /// Open to the other room.
    #[default]
    Present,
    /// Its curtain is drawn.
    Curtain,
    /// It sleeps.
    Asleep,
}

/// What is done to the camera's picture before it is encoded; the later, the more private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Veil {
    /// Nothing beyond the installer's masks.
    #[default]
    Clear,
    /// Frosted glass: that somebody is there, not who.
    Frosted,
    /// Black.
    Black,
}

/// How much of camera and line the picture may use; by default all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Frames per second at most.
    pub fps: Option<u32>,
    /// Encoder target at most.
    pub bitrate: Option<Bitrate>,
}

/// The keys of the keypad: five, and a sixth that not every one has. `Talk` and `Curtain` mean the same at all times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// 声かけ・マイク: knock, answer, open and close the own microphone.
    Talk,
    /// 会議: begin and end the meeting.
    Meet,
    /// カメラ: the next view.
    View,
    /// カーテン: draw and lift the own curtain.
    Curtain,
    /// その他: cancel what a banner announces, else the menu's next page.
    More,
    /// 共有を終える: end the PC's screen or input that is shown, whichever room's it is. Not every keypad has it; the menu does.
    StopShare,
}

/// A browser on the panel, named by the panel for as long as its process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestId(pub u64);

/// One question to the core that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);
