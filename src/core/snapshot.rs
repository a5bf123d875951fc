//! What the loop publishes after every turn: the one truth for status, screen and tests.

use crate::core::face::Face;
use crate::core::floor::Floor;
use crate::core::help::Asked;
use crate::core::input::{CarryReport, ReceiveReport, SendReport};
use crate::core::lesson::Lesson;
use crate::core::live::Live;
use crate::core::notes::Board;
use crate::core::plan::MediaPlan;
use crate::core::prints::Prints;
use crate::core::sentence::Sentence;
use crate::core::share::{Occasion, Share};
use crate::core::signal::Arriving;
use crate::model::{CameraState, Device, DocumentId, GuestId, MicState, Moment, SessionId, VideoCodec};
use std::net::SocketAddr;
use std::time::Duration;

/// The link as people see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Nobody is pinned.
    #[default]
    Unpaired,
    /// Never up since start.
    Connecting,
    /// Fresh frames of an authenticated session arrive.
    Up,
    /// Was up, is not; being repaired.
    Lost,
}

/// A fault that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What people were told.
    pub sentence: Sentence,
    /// When it began.
    pub since: Moment,
    /// When it was over, if it is.
    pub until: Option<Moment>,
}

/// One value, published whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// When this was taken.
    pub at: Moment,
    /// The link.
    pub link: LinkState,
    /// Since when it is in that state.
    pub since: Moment,
    /// The session media moves on.
    pub session: Option<SessionId>,
    /// When that session's first frame was decoded.
    pub first_frame_at: Option<Moment>,
    /// When the newest frame was decoded.
    pub last_frame_at: Option<Moment>,
    /// Sessions opened since start.
    pub sessions_opened: u64,
    /// The control connection is up.
    pub trunk: bool,
    /// The bulk connection is up.
    pub bulk: bool,
    /// Where the peer is.
    pub peer_address: Option<SocketAddr>,
    /// The peer's name, from its hello.
    pub peer_name: Option<String>,
    /// The peer's release, from its hello.
    pub peer_release: Option<String>,
    /// Round trip on the trunk, minimum of the window.
    pub rtt: Option<Duration>,
    /// Far clock minus near clock, nanoseconds, monotonic.
    pub clock_offset_ns: Option<i64>,
    /// Far wall clock minus near wall clock, milliseconds.
    pub wall_difference_ms: Option<i64>,
    /// Agreed codec.
    pub codec: Option<VideoCodec>,
    /// What really leaves our microphone.
    pub microphone: MicState,
    /// What really leaves our camera.
    pub camera: CameraState,
    /// What the peer says leaves its microphone.
    pub far_microphone: MicState,
    /// What the peer says leaves its camera.
    pub far_camera: CameraState,
    /// What the peer says arrives there of what we send.
    pub arriving_far: Option<Arriving>,
    /// Newest report of the receiving side.
    pub received: ReceiveReport,
    /// Newest report of the transport.
    pub carried: CarryReport,
    /// Newest report of the sending side.
    pub sent: SendReport,
    /// What is done right now.
    pub plan: MediaPlan,
    /// Devices that are missing.
    pub missing: Vec<Device>,
    /// The last fault.
    pub fault: Option<Fault>,
    /// The room.
    pub room: RoomSnapshot,
}

/// The room as keys, panel and command line see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomSnapshot {
    /// Mode, stances, microphones, banner, menu: what stands on the screen.
    pub face: Face,
    /// The pair counts as knocked from the far room.
    pub knocked: bool,
    /// Our knock waits for an answer.
    pub knocking: bool,
    /// Names of the camera views.
    pub views: Vec<String>,
    /// Index of the present one.
    pub view: usize,
    /// Turns of the camera are recognised.
    pub follow_turns: bool,
    /// The documents of the meeting.
    pub share: Share,
    /// What PCs of this room print.
    pub prints: Prints,
    /// The notice board.
    pub board: Board,
    /// Hands and poll.
    pub floor: Floor,
    /// The live share.
    pub live: Live,
    /// What became of the view that was taught last.
    pub lesson: Option<Lesson>,
    /// What this room's installer asked of the far box last.
    pub asked: Option<Asked>,
    /// Somebody helps from the other room.
    pub helped: bool,
    /// The room code, for the kiosk screen only.
    pub code: Option<u32>,
    /// Browsers that are admitted or wait.
    pub guests: Vec<Guest>,
    /// How often everybody was sent away since the start.
    pub evictions: u64,
}

impl RoomSnapshot {
    /// What a document would be brought into now.
    pub fn occasion(&self) -> Occasion {
        match (self.face.meeting_since, self.face.mode.is_shut()) {
            (Some(since), _) => Occasion::Meeting(since),
            (None, true) => Occasion::Alone,
            (None, false) => Occasion::None(self.share.ended()),
        }
    }

    /// Documents that somebody of this room shares and that are not opened yet.
    pub fn opening(&self) -> Vec<DocumentId> {
        self.share.opening().iter().map(|opening| opening.id).collect()
    }
}

/// One browser that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its name within the panel.
    pub id: GuestId,
    /// As it calls itself.
    pub name: String,
    /// May steer; else it waits.
    pub admitted: bool,
    /// Since then.
    pub since: Moment,
}
