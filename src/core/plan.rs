//! The plan: the pure answer to "what is captured, sent, shown and played right now".

use crate::core::sentence::Sentence;
use crate::model::{Bitrate, MicState, Moment, VideoCodec};
use std::time::Duration;

/// What the media adapters do. The default sends nothing, plays nothing and shows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaPlan {
    /// Capture and send the camera so; `None` sends nothing.
    pub camera: Option<CameraPlan>,
    /// The microphone gate.
    pub microphone: MicState,
    /// Opus bitrate while the gate is open.
    pub voice: Bitrate,
    /// Play the far room's sound.
    pub play: bool,
    /// What stands on the screen.
    pub screen: Screen,
}

/// How the camera is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraPlan {
    /// Codec both boxes agreed on.
    pub codec: VideoCodec,
    /// Encoder target, without packet headers.
    pub bitrate: Bitrate,
    /// Force a key frame this often: set while the far box cannot ask for one.
    pub key_frame_every: Option<Duration>,
}

/// What stands on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The far room's picture.
    pub picture: Picture,
    /// One plain sentence under it.
    pub sentence: Option<Sentence>,
}

/// The far room's picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Picture {
    /// A plain background.
    #[default]
    Nothing,
    /// Frames as they come.
    Live,
    /// The last picture, greyed, with a running clock since then.
    Held {
        /// When the last fresh frame was shown.
        since: Moment,
    },
}
