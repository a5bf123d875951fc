//! What the installer may set for the room.

use crate::model::{Profile, TakeOver};
use std::time::Duration;

/// What the installer set for the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSettings {
    /// Names of the camera views; the first is the usual one.
    pub views: Vec<String>,
    /// Views of another camera than the first: no turning of the first one leads there.
    pub elsewhere: Vec<usize>,
    /// The view a meeting begins with.
    pub meeting_view: Option<usize>,
    /// The picture in a meeting.
    pub meeting: Profile,
    /// The picture at all other times.
    pub everyday: Profile,
    /// Recognise where the camera was turned to.
    pub follow_turns: bool,
    /// Documents may be kept beyond their meeting.
    pub keeps_documents: bool,
    /// Another source wants to be in front while one of this room is.
    pub take_over: TakeOver,
    /// An installer in the other room who knows this box's PIN may help.
    pub remote_help: bool,
    /// Talking without a sound for so long becomes quiet again.
    pub quiet_after: Duration,
    /// `microphone = "open"`: demonstrations and measurements.
    pub microphone_open: bool,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            views: vec!["room".into()],
            elsewhere: Vec::new(),
            meeting_view: None,
            meeting: Profile::default(),
            everyday: Profile::default(),
            follow_turns: false,
            keeps_documents: true,
            take_over: TakeOver::Ask,
            remote_help: false,
            quiet_after: Duration::from_secs(180),
            microphone_open: false,
        }
    }
}
