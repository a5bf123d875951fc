//! The JSON shapes, apart from the core's types so that neither changes the other by accident. A name here is a promise
//! to the version before and after: add with a default, never rename, never reuse.

use super::floor::Floor;
use super::ink::{Ink, Pointer};
use super::live::Live;
use super::notes::Notes;
use super::room::Room;
use super::share::Share;
use super::{CADENCE_MAX, CADENCE_MIN, CODEC_LIMIT, MessageError, OLDEST_PROTOCOL, PROTOCOL, SDP_LIMIT, clean_name};
use crate::core::signal::{self, Cadence, CaptureMark, Echo, LineNews, RoomWord};
use crate::model::{self, BootId, Line, Moment, SessionId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize)]
pub(super) struct Hello {
    protocol: u32,
    boot: u64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    codecs: Vec<Codec>,
    #[serde(default)]
    session_port: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Signal {
    Offer {
        session: Session,
        codec: Codec,
        sdp: String,
    },
    Answer {
        session: Session,
        sdp: String,
    },
    SessionWanted {
        #[serde(default)]
        instead_of: Option<Session>,
    },
    SessionEnded {
        session: Session,
    },
    Heartbeat(Box<Heartbeat>),
    Share(Box<Share>),
    Ink(Ink),
    Point(Pointer),
    Notes(Box<Notes>),
    Floor(Box<Floor>),
    Live(Box<Live>),
    Farewell {
        #[serde(default)]
        why: Farewell,
    },
    #[serde(other)]
    Newer,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Heartbeat {
    sent_ns: u64,
    #[serde(default)]
    heard: Option<Heard>,
    #[serde(default)]
    wall_ms: u64,
    #[serde(default)]
    session: Option<Session>,
    #[serde(default)]
    lines: Lines,
    #[serde(default)]
    microphone: Microphone,
    #[serde(default)]
    camera: Camera,
    /// Not said by the version before modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<Room>,
}

#[derive(Serialize, Deserialize)]
struct Heard {
    sent_ns: u64,
    heard_ns: u64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Lines {
    #[serde(skip_serializing_if = "News::is_silent")]
    voice: News,
    #[serde(skip_serializing_if = "News::is_silent")]
    camera: News,
    #[serde(skip_serializing_if = "News::is_silent")]
    live_share: News,
    #[serde(skip_serializing_if = "News::is_silent")]
    share_sound: News,
}

/// Of one line; no cadence means silent on purpose.
#[derive(Serialize, Deserialize, Default)]
struct News {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
}

#[derive(Serialize, Deserialize)]
struct Mark {
    rtp: u32,
    captured_ns: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    boot: u64,
    number: u64,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Codec {
    H264,
    Vp8,
    #[serde(other)]
    Newer,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum Microphone {
    #[default]
    Closed,
    LevelsOnly,
    Open,
    #[serde(other)]
    Newer,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum Camera {
    #[default]
    Off,
    Placeholder,
    Live,
    #[serde(other)]
    Newer,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
pub(super) enum Farewell {
    #[default]
    GoingDown,
    #[serde(other)]
    Newer,
}

impl From<&signal::Hello> for Hello {
    fn from(hello: &signal::Hello) -> Self {
        Self {
            protocol: PROTOCOL,
            boot: hello.boot.0,
            name: clean_name(&hello.name),
            version: clean_name(&hello.version),
            codecs: hello.codecs.iter().take(CODEC_LIMIT).map(|&codec| codec.into()).collect(),
            session_port: hello.session_port,
        }
    }
}

impl TryFrom<Hello> for signal::Hello {
    type Error = MessageError;

    fn try_from(wire: Hello) -> Result<Self, MessageError> {
        old_enough(wire.protocol)?;
        if wire.codecs.len() > CODEC_LIMIT {
            return Err(MessageError::OutOfBounds("the number of codecs"));
        }
        Ok(Self {
            boot: BootId(wire.boot),
            name: clean_name(&wire.name),
            version: clean_name(&wire.version),
            codecs: wire.codecs.into_iter().filter_map(Codec::known).collect(),
            session_port: wire.session_port,
        })
    }
}

impl TryFrom<&signal::Signal> for Signal {
    type Error = MessageError;

    fn try_from(signal: &signal::Signal) -> Result<Self, MessageError> {
        Ok(match signal {
            signal::Signal::Offer { session, codec, sdp } => {
                Self::Offer { session: session.into(), codec: (*codec).into(), sdp: bounded_sdp(sdp.clone())? }
            }
            signal::Signal::Answer { session, sdp } => {
                Self::Answer { session: session.into(), sdp: bounded_sdp(sdp.clone())? }
            }
            signal::Signal::SessionWanted { instead_of } => {
                Self::SessionWanted { instead_of: instead_of.as_ref().map(Session::from) }
            }
            signal::Signal::SessionEnded { session } => Self::SessionEnded { session: session.into() },
            signal::Signal::Heartbeat(heartbeat) => Self::Heartbeat(Box::new(heartbeat.as_ref().into())),
            signal::Signal::Share(word) => Self::Share(Box::new(word.as_ref().into())),
            signal::Signal::Ink(marks) => Self::Ink(Ink::new(marks)),
            signal::Signal::Point(pointer) => Self::Point(pointer.into()),
            signal::Signal::Notes(word) => Self::Notes(Box::new(word.as_ref().into())),
            signal::Signal::Floor(word) => Self::Floor(Box::new(word.as_ref().into())),
            signal::Signal::Live(word) => Self::Live(Box::new(word.as_ref().into())),
            signal::Signal::Farewell(signal::Farewell::GoingDown) => Self::Farewell { why: Farewell::GoingDown },
        })
    }
}

impl TryFrom<Signal> for Option<signal::Signal> {
    type Error = MessageError;

    fn try_from(wire: Signal) -> Result<Self, MessageError> {
        Ok(Some(match wire {
            Signal::Offer { session, codec, sdp } => signal::Signal::Offer {
                session: session.into(),
                codec: codec.known().ok_or(MessageError::OutOfBounds("the codec"))?,
                sdp: bounded_sdp(sdp)?,
            },
            Signal::Answer { session, sdp } => {
                signal::Signal::Answer { session: session.into(), sdp: bounded_sdp(sdp)? }
            }
            Signal::SessionWanted { instead_of } => {
                signal::Signal::SessionWanted { instead_of: instead_of.map(SessionId::from) }
            }
            Signal::SessionEnded { session } => signal::Signal::SessionEnded { session: session.into() },
            Signal::Heartbeat(heartbeat) => signal::Signal::Heartbeat(Box::new((*heartbeat).try_into()?)),
            Signal::Share(share) => signal::Signal::Share(Box::new((*share).try_into()?)),
            Signal::Ink(ink) => signal::Signal::Ink(ink.read()?),
            Signal::Point(pointer) => signal::Signal::Point(pointer.try_into()?),
            Signal::Notes(notes) => signal::Signal::Notes(Box::new((*notes).try_into()?)),
            Signal::Floor(floor) => signal::Signal::Floor(Box::new((*floor).try_into()?)),
            Signal::Live(live) => signal::Signal::Live(Box::new((*live).try_into()?)),
            // Whatever the reason, the sender leaves.
            Signal::Farewell { why: Farewell::GoingDown | Farewell::Newer } => {
                signal::Signal::Farewell(signal::Farewell::GoingDown)
            }
            Signal::Newer => return Ok(None),
        }))
    }
}

impl From<&signal::Heartbeat> for Heartbeat {
    fn from(heartbeat: &signal::Heartbeat) -> Self {
        let line = |line: Line| News::from(&heartbeat.lines[line.index()]);
        Self {
            sent_ns: heartbeat.sent_at.as_nanos(),
            heard: heartbeat
                .heard
                .map(|echo| Heard { sent_ns: echo.sent_at.as_nanos(), heard_ns: echo.heard_at.as_nanos() }),
            wall_ms: heartbeat.wall_ms,
            session: heartbeat.session.as_ref().map(Session::from),
            lines: Lines {
                voice: line(Line::Voice),
                camera: line(Line::Camera),
                live_share: line(Line::LiveShare),
                share_sound: line(Line::ShareSound),
            },
            microphone: match heartbeat.microphone {
                model::MicState::Closed => Microphone::Closed,
                model::MicState::LevelsOnly => Microphone::LevelsOnly,
                model::MicState::Open => Microphone::Open,
            },
            camera: match heartbeat.camera {
                model::CameraState::Off => Camera::Off,
                model::CameraState::Placeholder => Camera::Placeholder,
                model::CameraState::Live => Camera::Live,
            },
            room: heartbeat.room.as_ref().map(Room::from),
        }
    }
}

impl TryFrom<Heartbeat> for signal::Heartbeat {
    type Error = MessageError;

    fn try_from(wire: Heartbeat) -> Result<Self, MessageError> {
        Ok(Self {
            sent_at: Moment::from_nanos(wire.sent_ns),
            heard: wire.heard.map(|heard| Echo {
                sent_at: Moment::from_nanos(heard.sent_ns),
                heard_at: Moment::from_nanos(heard.heard_ns),
            }),
            wall_ms: wire.wall_ms,
            session: wire.session.map(SessionId::from),
            lines: [
                wire.lines.voice.try_into()?,
                wire.lines.camera.try_into()?,
                wire.lines.live_share.try_into()?,
                wire.lines.share_sound.try_into()?,
            ],
            microphone: match wire.microphone {
                Microphone::Closed => model::MicState::Closed,
                Microphone::LevelsOnly => model::MicState::LevelsOnly,
                // A state this version does not know may carry sound: never show it as less.
                Microphone::Open | Microphone::Newer => model::MicState::Open,
            },
            camera: match wire.camera {
                Camera::Off => model::CameraState::Off,
                // A state this version does not know must not look live.
                Camera::Placeholder | Camera::Newer => model::CameraState::Placeholder,
                Camera::Live => model::CameraState::Live,
            },
            room: wire.room.map(RoomWord::try_from).transpose()?,
        })
    }
}

impl News {
    fn is_silent(&self) -> bool {
        self.every_us.is_none() && self.mark.is_none()
    }
}

impl From<&LineNews> for News {
    fn from(news: &LineNews) -> Self {
        Self {
            every_us: match news.cadence {
                Cadence::Silent => None,
                Cadence::Every(period) => Some(micros(period.clamp(CADENCE_MIN, CADENCE_MAX))),
            },
            mark: news.mark.map(|mark| Mark { rtp: mark.rtp, captured_ns: mark.captured_at.as_nanos() }),
        }
    }
}

impl TryFrom<News> for LineNews {
    type Error = MessageError;

    fn try_from(wire: News) -> Result<Self, MessageError> {
        let cadence = match wire.every_us {
            None => Cadence::Silent,
            Some(every) if (micros(CADENCE_MIN)..=micros(CADENCE_MAX)).contains(&every) => {
                Cadence::Every(Duration::from_micros(every))
            }
            Some(_) => return Err(MessageError::OutOfBounds("the cadence")),
        };
        let mark =
            wire.mark.map(|mark| CaptureMark { rtp: mark.rtp, captured_at: Moment::from_nanos(mark.captured_ns) });
        Ok(Self { cadence, mark })
    }
}

impl From<&SessionId> for Session {
    fn from(session: &SessionId) -> Self {
        Self { boot: session.boot.0, number: session.number }
    }
}

impl From<Session> for SessionId {
    fn from(wire: Session) -> Self {
        Self { boot: BootId(wire.boot), number: wire.number }
    }
}

impl From<model::VideoCodec> for Codec {
    fn from(codec: model::VideoCodec) -> Self {
        match codec {
            model::VideoCodec::H264 => Self::H264,
            model::VideoCodec::Vp8 => Self::Vp8,
        }
    }
}

impl Codec {
    fn known(self) -> Option<model::VideoCodec> {
        match self {
            Self::H264 => Some(model::VideoCodec::H264),
            Self::Vp8 => Some(model::VideoCodec::Vp8),
            Self::Newer => None,
        }
    }
}

pub(super) fn old_enough(protocol: u32) -> Result<(), MessageError> {
    // A newer peer speaks our version to us; only a too old one cannot.
    if protocol < OLDEST_PROTOCOL { Err(MessageError::TooOld(protocol)) } else { Ok(()) }
}

fn bounded_sdp(sdp: String) -> Result<String, MessageError> {
    let (length, limit) = (sdp.len(), SDP_LIMIT);
    if length > limit { Err(MessageError::TooLong { length, limit }) } else { Ok(sdp) }
}

fn micros(period: Duration) -> u64 {
    u64::try_from(period.as_micros()).unwrap_or(u64::MAX)
}
