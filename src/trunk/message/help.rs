//! Help, as one message: a question with a PIN, and the answer in parts. What only a newer version can do is skipped: it is
//! not answered, and the asker says so.

use super::MessageError;
use crate::core::help::{HelpDenied, HelpWord, PART, Task};
use crate::model::Pin;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Help {
    Ask {
        number: u32,
        task: String,
        #[serde(serialize_with = "say_pin", deserialize_with = "hear_pin")]
        pin: Pin,
    },
    Granted {
        number: u32,
    },
    Denied {
        number: u32,
        why: String,
    },
    Part {
        number: u32,
        part: u16,
        text: String,
    },
    Done {
        number: u32,
        parts: u16,
    },
    #[serde(other)]
    Newer,
}

impl From<&HelpWord> for Help {
    fn from(word: &HelpWord) -> Self {
        match word {
            HelpWord::Ask { number, task, pin } => {
                Self::Ask { number: *number, task: task.name().into(), pin: pin.clone() }
            }
            HelpWord::Granted { number } => Self::Granted { number: *number },
            HelpWord::Denied { number, why } => Self::Denied { number: *number, why: why.name().into() },
            HelpWord::Part { number, part, text } => Self::Part { number: *number, part: *part, text: text.clone() },
            HelpWord::Done { number, parts } => Self::Done { number: *number, parts: *parts },
        }
    }
}

impl Help {
    /// What it says; `None` for what only a newer version knows.
    pub(super) fn read(self) -> Result<Option<HelpWord>, MessageError> {
        Ok(Some(match self {
            Self::Ask { number, task, pin } => {
                let Some(task) = Task::ALL.into_iter().find(|known| known.name() == task) else { return Ok(None) };
                HelpWord::Ask { number, task, pin }
            }
            Self::Granted { number } => HelpWord::Granted { number },
            Self::Denied { number, why } => {
                let known = HelpDenied::ALL.into_iter().find(|known| known.name() == why);
                HelpWord::Denied { number, why: known.unwrap_or(HelpDenied::Failed) }
            }
            Self::Part { text, .. } if text.len() > PART => return Err(MessageError::OutOfBounds("part of a paper")),
            Self::Part { number, part, text } => HelpWord::Part { number, part, text: readable(&text) },
            Self::Done { number, parts } => HelpWord::Done { number, parts },
            Self::Newer => return Ok(None),
        }))
    }
}

/// Shown to people: nothing that moves a cursor or turns a line around.
fn readable(text: &str) -> String {
    let shown = |c: &char| {
        matches!(c, '\n' | '\t') || !(c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    text.chars().filter(shown).collect()
}

fn say_pin<S: Serializer>(pin: &Pin, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(pin.as_str())
}

fn hear_pin<'de, D: Deserializer<'de>>(from: D) -> Result<Pin, D::Error> {
    Pin::new(String::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("no PIN"))
}
