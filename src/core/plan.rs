//! The plan: the pure answer to "what is captured, sent, shown and played right now".

use crate::core::budget::{self, Wanted};
use crate::core::face::Face;
use crate::core::room::Room;
use crate::core::sentence::Sentence;
use crate::core::snapshot::LinkState;
use crate::model::{Bitrate, LiveId, MicState, Mode, Moment, Profile, Side, Veil, VideoCodec};
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
    /// Loudness of the far room's sound, 0 … 100.
    pub volume: u8,
    /// Ring softly: the far room knocks.
    pub ring: bool,
    /// What documents may use of the line on their way to the far box, counted as on the line.
    pub bulk: Bitrate,
    /// The live share: a PC's screen or an input.
    pub live: LivePlan,
    /// What stands on the screen.
    pub screen: Screen,
}

/// What is done with the live share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LivePlan {
    /// Stands on this screen, in front of documents.
    pub shown: Option<LiveShown>,
    /// Goes to the far box.
    pub send: Option<LiveSend>,
}

/// Whose live share stands on this screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveShown {
    /// A source of this box.
    Near(LiveId),
    /// The far box's, as it comes on its line.
    Far,
}

/// How the live share is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSend {
    /// Which.
    pub source: LiveId,
    /// Codec both boxes agreed on.
    pub codec: VideoCodec,
    /// Encoder target, without packet headers.
    pub bitrate: Bitrate,
    /// A moving picture: sharpness may suffer before frame rate does. Else text: the other way round.
    pub moving: bool,
    /// Opus target of its sound, stereo, in 20 ms packets; none: it has none, or the line has no room for it.
    pub sound: Option<Bitrate>,
}

impl LiveSend {
    /// So little that what a PC sends is encoded anew, whatever it is: a browser's encoder loses sharpness where ours loses time.
    pub fn is_narrow(&self) -> bool {
        self.bitrate < PASSED_FROM
    }
}

/// How the camera is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraPlan {
    /// Codec both boxes agreed on.
    pub codec: VideoCodec,
    /// Encoder target, without packet headers.
    pub bitrate: Bitrate,
    /// Frames per second at most; none: as many as the camera gives.
    pub fps: Option<u32>,
    /// Force a key frame this often: set while the far box cannot ask for one.
    pub key_frame_every: Option<Duration>,
    /// Index into the configured views.
    pub view: usize,
    /// Drawn over it before the encoder.
    pub veil: Veil,
}

/// What stands on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The far room's picture.
    pub picture: Picture,
    /// One plain sentence under it.
    pub sentence: Option<Sentence>,
    /// Everything else.
    pub face: Face,
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

/// What the plan is made from.
#[derive(Clone, Debug)]
pub struct Situation<'c> {
    /// The room.
    pub room: &'c Room,
    /// What the screen says of it.
    pub face: Face,
    /// The link.
    pub state: LinkState,
    /// The session's codec, or the one it will most likely have.
    pub codec: Option<VideoCodec>,
    /// A session is admitted.
    pub admitted: bool,
    /// The far box cannot ask for key frames.
    pub far_is_deaf: bool,
    /// When the last far frame was decoded.
    pub last_frame: Option<Moment>,
    /// That frame is so new that the picture is live.
    pub picture_fresh: bool,
    /// What is wrong with the link, if anything.
    pub fault: Option<Sentence>,
    /// What is wrong with a device, if anything.
    pub device_sentence: Option<Sentence>,
    /// A bundle is on its way to the far box.
    pub bundle_goes: bool,
    /// The one bandwidth number.
    pub ceiling: Bitrate,
}

/// The plan. The camera runs from the start, so that a session costs one key frame; the outlet of `peer` sends it nowhere before
/// admission. Behind a curtain it does not run at all: its lamp tells the truth.
pub fn plan(situation: &Situation<'_>) -> MediaPlan {
    let room = situation.room;
    let shut = room.mode().is_shut();
    let fetched = room.far().fetching && room.mode() == Mode::Meeting;
    // Behind a curtain, and without a link, it stands on this screen alone.
    let sent = room.mode() == Mode::Meeting && situation.state == LinkState::Up && situation.admitted;
    let source = room.live.source().filter(|_| sent);
    let sound = source.is_some_and(|source| source.sound);
    // Behind a curtain the camera needs nothing: an update has its share too.
    let documents = fetched || (situation.bundle_goes && shut);
    let wanted = Wanted { documents, live: source.is_some(), sound, bundle: situation.bundle_goes };
    let split = budget::split(situation.ceiling, wanted);
    let live = LivePlan {
        shown: match room.live.shown() {
            None => None,
            Some((Side::Near, _)) => room.live.source().map(|source| LiveShown::Near(source.id)),
            Some((Side::Far, _)) => sent.then_some(LiveShown::Far),
        },
        send: source.zip(situation.codec).map(|(source, codec)| LiveSend {
            source: source.id,
            codec,
            bitrate: split.live,
            moving: room.live.is_moving(),
            sound: split.sound,
        }),
    };
    // Nobody is known to receive: enough to be seen at once when the path is back, and so few packets that SRTP's count of
    // them outlives a cut of many minutes (a receiver that misses 2^15 cannot follow the counter's wrap: RFC 3711 §3.3.1).
    let into_silence = situation.far_is_deaf && situation.state == LinkState::Lost;
    let profile = if into_silence { INTO_SILENCE } else { room.profile() };
    let camera = situation.codec.filter(|_| !shut).map(|codec| CameraPlan {
        codec,
        bitrate: profile.bitrate.map_or(split.camera, |most| most.min(split.camera)),
        fps: profile.fps,
        key_frame_every: situation.far_is_deaf.then_some(KEY_FRAMES_INTO_SILENCE),
        view: room.view,
        veil: room.veil,
    });
    let picture = match (situation.state, situation.last_frame) {
        _ if shut => Picture::Nothing,
        (LinkState::Up, Some(_)) if situation.picture_fresh => Picture::Live,
        (LinkState::Lost, Some(since)) => Picture::Held { since },
        // Silent on purpose: nobody's last picture stands in for it.
        (LinkState::Up, _) | (LinkState::Lost, None) | (LinkState::Connecting | LinkState::Unpaired, _) => {
            Picture::Nothing
        }
    };
    let sentence = match situation.state {
        LinkState::Up if shut => None,
        LinkState::Up => situation.device_sentence.clone(),
        LinkState::Lost | LinkState::Connecting | LinkState::Unpaired => situation.fault.clone(),
    };
    MediaPlan {
        camera,
        microphone: if room.microphone() && situation.admitted { MicState::Open } else { MicState::Closed },
        voice: split.voice,
        play: situation.admitted && !shut,
        volume: room.volume,
        bulk: split.bulk,
        live,
        ring: room.is_knocked() && situation.state == LinkState::Up,
        screen: Screen { picture, sentence, face: situation.face.clone() },
    }
}

/// 200 kbit/s are about 30 packets a second, so the counter outlives some 15 minutes (reckoned; 300 s were measured).
const INTO_SILENCE: Profile = Profile { fps: Some(12), bitrate: Some(Bitrate::from_kbps(200)) };
/// A page of text at 1080p needs so much of a browser's encoder to be readable within two seconds.
const PASSED_FROM: Bitrate = Bitrate::from_kbps(1200);
/// When the path comes back the far decoder finds a key frame within this time, without having to ask.
const KEY_FRAMES_INTO_SILENCE: Duration = Duration::from_millis(250);
