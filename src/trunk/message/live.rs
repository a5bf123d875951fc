//! The live share, as one message. What this version does not know is taken as the more careful.

use super::MessageError;
use super::share::{LATEST, Stamp};
use crate::core::live::{self, LiveWord};
use crate::core::notes::short_name;
use crate::model::{self, LiveEnd, LiveKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize)]
pub(super) struct Live {
    #[serde(default)]
    number: u32,
    #[serde(default)]
    ended: [u32; 2],
    #[serde(default)]
    stopped: Stamp,
    #[serde(default)]
    switch: Switch,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    front: Option<Front>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<Waiting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<Answered>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<Gone>,
}

#[derive(Serialize, Deserialize)]
struct Front {
    begun: Stamp,
    since: [u32; 2],
    #[serde(default)]
    kind: u8,
    #[serde(default)]
    name: String,
    #[serde(default)]
    take_over: TakeOver,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silent_ms: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Waiting {
    asked: Stamp,
    #[serde(default)]
    kind: u8,
    #[serde(default)]
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Answered {
    asked: Stamp,
    handed: bool,
}

#[derive(Serialize, Deserialize)]
struct Gone {
    begun: Stamp,
    why: u8,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Switch {
    of: Stamp,
    moving: bool,
    at: Stamp,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum TakeOver {
    #[default]
    Ask,
    Allow,
    Refuse,
    #[serde(other)]
    Newer,
}

impl From<&LiveWord> for Live {
    fn from(word: &LiveWord) -> Self {
        let switch = word.switch;
        Self {
            number: word.number,
            ended: word.ended,
            stopped: word.stopped.into(),
            switch: Switch { of: switch.of.into(), moving: switch.moving, at: switch.at.into() },
            front: word.front.as_ref().map(|front| Front {
                begun: front.begun.into(),
                since: front.since,
                kind: number(&LiveKind::ALL, front.kind),
                name: front.name.clone(),
                take_over: match front.take_over {
                    model::TakeOver::Ask => TakeOver::Ask,
                    model::TakeOver::Allow => TakeOver::Allow,
                    model::TakeOver::Refuse => TakeOver::Refuse,
                },
                silent_ms: front.silent.map(|silent| u32::try_from(silent.as_millis()).unwrap_or(u32::MAX)),
            }),
            waiting: word.waiting.as_ref().map(|waiting| Waiting {
                asked: waiting.asked.into(),
                kind: number(&LiveKind::ALL, waiting.kind),
                name: waiting.name.clone(),
            }),
            answered: word.answered.map(|told| Answered { asked: told.asked.into(), handed: told.handed }),
            gone: word.gone.map(|gone| Gone { begun: gone.begun.into(), why: number(&LiveEnd::ALL, gone.why) }),
        }
    }
}

impl TryFrom<Live> for LiveWord {
    type Error = MessageError;

    fn try_from(wire: Live) -> Result<Self, MessageError> {
        let since = wire.front.iter().flat_map(|front| front.since);
        if wire.ended.into_iter().chain(since).any(|presses| presses > LATEST) {
            return Err(MessageError::OutOfBounds("a count of presses"));
        }
        Ok(Self {
            number: wire.number,
            ended: wire.ended,
            stopped: wire.stopped.into(),
            switch: live::Switch { of: wire.switch.of.into(), moving: wire.switch.moving, at: wire.switch.at.into() },
            front: wire.front.map(|front| live::Front {
                begun: front.begun.into(),
                since: front.since,
                kind: kind(front.kind),
                name: short_name(&front.name),
                take_over: match front.take_over {
                    TakeOver::Ask | TakeOver::Newer => model::TakeOver::Ask,
                    TakeOver::Allow => model::TakeOver::Allow,
                    TakeOver::Refuse => model::TakeOver::Refuse,
                },
                silent: front.silent_ms.map(|silent| Duration::from_millis(silent.into())),
            }),
            waiting: wire.waiting.map(|waiting| live::Waiting {
                asked: waiting.asked.into(),
                kind: kind(waiting.kind),
                name: short_name(&waiting.name),
            }),
            answered: wire.answered.map(|told| live::Answered { asked: told.asked.into(), handed: told.handed }),
            gone: wire.gone.map(|gone| live::Gone { begun: gone.begun.into(), why: why(gone.why) }),
        })
    }
}

fn number<T: PartialEq>(all: &[T], one: T) -> u8 {
    let place = all.iter().position(|known| *known == one).unwrap_or_default();
    u8::try_from(place).unwrap_or_default()
}

fn kind(number: u8) -> LiveKind {
    LiveKind::ALL.get(usize::from(number)).copied().unwrap_or_default()
}

/// A reason that only a newer version knows.
fn why(number: u8) -> LiveEnd {
    LiveEnd::ALL.get(usize::from(number)).copied().unwrap_or(LiveEnd::Stopped)
}
