//! The room's word within the heartbeat. What this version does not know is taken as the more private.

use super::share::LATEST;
use super::{MessageError, clean_name};
use crate::core::agreement::Wish;
use crate::core::signal::RoomWord;
use crate::model;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct Room {
    #[serde(default)]
    stance: Stance,
    #[serde(default)]
    together: Together,
    /// Presses the wish has seen: the offerer's, the answerer's.
    #[serde(default)]
    presses: [u32; 2],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    knock: Option<u32>,
    #[serde(default)]
    veil: Veil,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    view: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    fetching: bool,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum Stance {
    #[default]
    Present,
    Curtain,
    Asleep,
    #[serde(other)]
    Newer,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum Together {
    #[default]
    Quiet,
    Talking,
    Meeting,
    #[serde(other)]
    Newer,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum Veil {
    #[default]
    Clear,
    Frosted,
    Black,
    #[serde(other)]
    Newer,
}

impl From<&RoomWord> for Room {
    fn from(word: &RoomWord) -> Self {
        Self {
            stance: match word.stance {
                model::Stance::Present => Stance::Present,
                model::Stance::Curtain => Stance::Curtain,
                model::Stance::Asleep => Stance::Asleep,
            },
            together: match word.wish.together {
                model::Together::Quiet => Together::Quiet,
                model::Together::Talking => Together::Talking,
                model::Together::Meeting => Together::Meeting,
            },
            presses: word.wish.presses,
            knock: word.knock,
            veil: match word.veil {
                model::Veil::Clear => Veil::Clear,
                model::Veil::Frosted => Veil::Frosted,
                model::Veil::Black => Veil::Black,
            },
            view: word.view.chars().take(VIEW_LIMIT).collect(),
            fetching: word.fetching,
        }
    }
}

impl TryFrom<Room> for RoomWord {
    type Error = MessageError;

    fn try_from(wire: Room) -> Result<Self, MessageError> {
        if wire.view.chars().count() > VIEW_LIMIT {
            return Err(MessageError::OutOfBounds("the name of a view"));
        }
        if wire.presses.iter().any(|presses| *presses > LATEST) {
            return Err(MessageError::OutOfBounds("a count of presses"));
        }
        Ok(Self {
            stance: match wire.stance {
                Stance::Present => model::Stance::Present,
                Stance::Curtain | Stance::Newer => model::Stance::Curtain,
                Stance::Asleep => model::Stance::Asleep,
            },
            wish: Wish {
                together: match wire.together {
                    Together::Quiet | Together::Newer => model::Together::Quiet,
                    Together::Talking => model::Together::Talking,
                    Together::Meeting => model::Together::Meeting,
                },
                presses: wire.presses,
            },
            knock: wire.knock,
            veil: match wire.veil {
                Veil::Clear => model::Veil::Clear,
                Veil::Frosted => model::Veil::Frosted,
                Veil::Black | Veil::Newer => model::Veil::Black,
            },
            view: clean_name(&wire.view),
            fetching: wire.fetching,
        })
    }
}

/// Characters of a view's name.
const VIEW_LIMIT: usize = 32;
