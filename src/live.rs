//! What `panel`, `whip` and `media` say to each other of a PC that shares its screen: offers, answers, bytes and their times.

use crate::core::live::LiveSource;
use crate::core::request::Denied;
use crate::model::{Bitrate, LiveEnd, LiveId, VideoCodec};
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Where the panel brings offers, and takes them back.
#[derive(Clone)]
pub struct LiveDoor {
    /// Names the next source.
    pub name: Arc<dyn Fn() -> LiveId + Send + Sync>,
    /// Takes an offer for this source.
    pub open: Arc<dyn Fn(LiveSource, LiveOffer) -> Opening + Send + Sync>,
    /// Ends it.
    pub close: Arc<dyn Fn(LiveId) + Send + Sync>,
}

/// An answer's SDP on its way.
pub type Opening = Pin<Box<dyn Future<Output = Result<String, LiveFault>> + Send>>;

/// What a PC wants to share.
#[derive(Clone, Debug)]
pub struct LiveOffer {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveFault {
    /// No SDP.
    #[error("the offer is not understood")]
    Malformed,
    /// Nothing to see in it.
    #[error("the offer has no picture to send")]
    NoPicture,
    /// More than one picture, or parts nobody needs.
    #[error("the offer has too many parts")]
    TooMuch,
    /// Neither H.264 nor VP8.
    #[error("the offer has neither H.264 nor VP8")]
    NoCodec,
    /// Too many share at once.
    #[error("no place is left for another share")]
    Full,
    /// There is no door, or it does not answer.
    #[error("the share cannot be opened now")]
    Busy,
    /// The core's own reason.
    #[error("denied")]
    Denied(Denied),
}

/// Takes what comes from a share, on any thread; must not wait.
pub type LiveOut = Arc<dyn Fn(LiveId, LiveNews) + Send + Sync>;

/// One thing that came.
#[derive(Clone, Debug)]
pub enum LiveNews {
    /// A whole picture.
    Picture(LivePicture),
    /// One Opus packet.
    Sound(LiveSound),
    /// Nothing has come for so long, no picture, no sound, no sign of life.
    Silent(Duration),
    /// Something comes again.
    Speaks,
    /// Nothing more comes.
    Ended(LiveEnd),
}

/// An encoded picture.
#[derive(Clone, Debug)]
pub struct LivePicture {
    /// H.264 as a byte stream with its parameter sets, or a VP8 frame.
    pub codec: VideoCodec,
    /// RTP time, 90 kHz.
    pub rtp: u32,
    /// Can be decoded alone.
    pub key: bool,
    /// Nothing before it is missing.
    pub whole: bool,
    /// The access unit.
    pub bytes: Arc<[u8]>,
}

/// An encoded piece of sound.
#[derive(Clone, Debug)]
pub struct LiveSound {
    /// RTP time, 48 kHz.
    pub rtp: u32,
    /// The Opus packet.
    pub bytes: Arc<[u8]>,
}

/// What a PC may send while the far box gets something else, or nothing: ten pages of text a second, each good at once. Nobody but
/// the room's own network carries it.
pub const WITHIN_THE_ROOM: Bitrate = Bitrate::from_kbps(20_000);
