//! What a PC of the room sends while it shares its screen, on its way from `whip` to `media`. Bytes and their times; nothing else.

use crate::model::{LiveEnd, LiveId, VideoCodec};
use std::sync::Arc;

/// Takes what comes from a share, on any thread; must not wait.
pub type LiveOut = Arc<dyn Fn(LiveId, LiveNews) + Send + Sync>;

/// One thing that came.
#[derive(Clone, Debug)]
pub enum LiveNews {
    /// A whole picture.
    Picture(LivePicture),
    /// One Opus packet.
    Sound(LiveSound),
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
