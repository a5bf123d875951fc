//! Hands and poll, as one message.

use super::MessageError;
use super::share::Stamp;
use crate::core::floor::{self, CHOICES, FloorWord};
use crate::core::notes::short_name;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct Floor {
    #[serde(default)]
    ended: [u32; 2],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    poll: Option<Poll>,
    #[serde(default)]
    tallies: [Tally; 2],
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hands: Vec<(Stamp, String)>,
}

#[derive(Serialize, Deserialize)]
struct Poll {
    asked: Stamp,
    since: [u32; 2],
    question: String,
    choices: Vec<String>,
    open: bool,
    shown: bool,
    changed: Stamp,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Tally {
    on: Stamp,
    counted: Stamp,
    votes: Vec<u16>,
    skipped: u16,
}

impl From<&FloorWord> for Floor {
    fn from(word: &FloorWord) -> Self {
        let tally = |tally: &floor::Tally| Tally {
            on: tally.on.into(),
            counted: tally.counted.into(),
            votes: tally.votes.clone(),
            skipped: tally.skipped,
        };
        Self {
            ended: word.ended,
            poll: word.poll.as_ref().map(|poll| Poll {
                asked: poll.asked.into(),
                since: poll.since,
                question: poll.question.clone(),
                choices: poll.choices.clone(),
                open: poll.open,
                shown: poll.shown,
                changed: poll.changed.into(),
            }),
            tallies: word.tallies.each_ref().map(tally),
            hands: word.hands.iter().map(|hand| (hand.raised.into(), hand.name.clone())).collect(),
        }
    }
}

impl TryFrom<Floor> for FloorWord {
    type Error = MessageError;

    fn try_from(wire: Floor) -> Result<Self, MessageError> {
        let too_many = wire.tallies.iter().any(|tally| tally.votes.len() > *CHOICES.end());
        if too_many || wire.hands.len() > HANDS_LIMIT {
            return Err(MessageError::OutOfBounds("the number of hands or votes"));
        }
        let tally = |tally: Tally| floor::Tally {
            on: tally.on.into(),
            counted: tally.counted.into(),
            votes: tally.votes,
            skipped: tally.skipped,
        };
        let hand = |(raised, name): (Stamp, String)| floor::Hand { raised: raised.into(), name: short_name(&name) };
        Ok(Self {
            ended: wire.ended,
            poll: wire.poll.map(floor::Poll::try_from).transpose()?,
            tallies: wire.tallies.map(tally),
            hands: wire.hands.into_iter().map(hand).collect(),
        })
    }
}

impl TryFrom<Poll> for floor::Poll {
    type Error = MessageError;

    fn try_from(wire: Poll) -> Result<Self, MessageError> {
        let question = floor::Question::new(&wire.question, &wire.choices);
        let question = question.ok_or(MessageError::OutOfBounds("a question"))?;
        Ok(Self {
            asked: wire.asked.into(),
            since: wire.since,
            question: question.text().into(),
            choices: question.choices().into(),
            open: wire.open,
            shown: wire.shown,
            changed: wire.changed.into(),
        })
    }
}

/// As many as guests can be, and more.
const HANDS_LIMIT: usize = 64;
