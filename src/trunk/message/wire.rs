//! The JSON shapes, apart from the core's types so that neither changes the other by accident. A name here is a promise
//! to the version before and after: add with a default, never rename, never reuse.

use super::floor::Floor;
use super::heartbeat::Heartbeat;
use super::help::Help;
use super::ink::{Ink, Pointer};
use super::live::Live;
use super::notes::Notes;
use super::share::Share;
use super::{CODEC_LIMIT, MessageError, OLDEST_PROTOCOL, PROTOCOL, SDP_LIMIT, clean_name};
use crate::core::signal;
use crate::model::{self, BootId, SessionId};
use serde::{Deserialize, Serialize};

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
    Help(Help),
    Farewell {
        #[serde(default)]
        why: Farewell,
    },
    #[serde(other)]
    Newer,
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
            signal::Signal::Help(word) => Self::Help(word.as_ref().into()),
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
            Signal::Help(help) => match help.read()? {
                Some(word) => signal::Signal::Help(Box::new(word)),
                None => return Ok(None),
            },
            // Whatever the reason, the sender leaves.
            Signal::Farewell { why: Farewell::GoingDown | Farewell::Newer } => {
                signal::Signal::Farewell(signal::Farewell::GoingDown)
            }
            Signal::Newer => return Ok(None),
        }))
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
