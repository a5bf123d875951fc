//! The heartbeat's JSON shape.

use super::room::Room;
use super::wire::Session;
use super::{CADENCE_MAX, CADENCE_MIN, MessageError};
use crate::core::signal::{self, Cadence, CaptureMark, Echo, LineNews, RoomWord};
use crate::model::{self, Line, Moment, SessionId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    /// Not said before there is a session, nor by the version before hand-over sheets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arriving: Option<Arriving>,
}

#[derive(Serialize, Deserialize)]
struct Arriving {
    kbps: u32,
    #[serde(default)]
    loss_permille: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    picture_ms: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sound_ms: Option<u16>,
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
            arriving: heartbeat.arriving.map(|arriving| {
                let signal::Arriving { kbps, loss_permille, picture_ms, sound_ms } = arriving;
                Arriving { kbps, loss_permille, picture_ms, sound_ms }
            }),
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
            arriving: wire.arriving.map(|arriving| {
                let Arriving { kbps, loss_permille, picture_ms, sound_ms } = arriving;
                signal::Arriving { kbps, loss_permille: loss_permille.min(1000), picture_ms, sound_ms }
            }),
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

fn micros(period: Duration) -> u64 {
    u64::try_from(period.as_micros()).unwrap_or(u64::MAX)
}
