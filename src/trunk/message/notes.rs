//! A part of the notice board, as one message.

use super::MessageError;
use super::share::Stamp;
use crate::core::notes::{self, Gone, Hung, NotesWord, Paper, short_name};
use crate::model::Role;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
pub(super) struct Notes {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Note>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<(Stamp, u32)>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    stamp: Stamp,
    /// Typed, or …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// … drawn: x and y in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    strokes: Vec<Vec<u16>>,
    /// Written in the offerer's room.
    offerer: bool,
    #[serde(default)]
    name: String,
    written_ms: u64,
    minutes: u32,
}

impl From<&NotesWord> for Notes {
    fn from(word: &NotesWord) -> Self {
        Self {
            notes: word.notes.iter().map(Note::from).collect(),
            gone: word.gone.iter().map(|gone| (gone.stamp.into(), gone.minutes)).collect(),
        }
    }
}

impl From<&Hung> for Note {
    fn from(hung: &Hung) -> Self {
        let note = &hung.note;
        let (text, strokes) = match &note.paper {
            Paper::Words(text) => (Some(text.clone()), Vec::new()),
            Paper::Drawing(strokes) => (None, strokes.iter().map(|stroke| stroke.concat()).collect()),
        };
        Self {
            stamp: note.stamp.into(),
            text,
            strokes,
            offerer: note.room == Role::Offerer,
            name: note.name.clone(),
            written_ms: note.written_ms,
            minutes: hung.minutes,
        }
    }
}

impl TryFrom<Notes> for NotesWord {
    type Error = MessageError;

    fn try_from(wire: Notes) -> Result<Self, MessageError> {
        if wire.notes.len() > 2 * notes::MOST || wire.gone.len() > notes::MOST_GONE {
            return Err(MessageError::OutOfBounds("the number of notes"));
        }
        let gone = |(stamp, minutes): (Stamp, u32)| Gone { stamp: stamp.into(), minutes };
        Ok(Self {
            notes: wire.notes.into_iter().map(Hung::try_from).collect::<Result<_, _>>()?,
            gone: wire.gone.into_iter().map(gone).collect(),
        })
    }
}

impl TryFrom<Note> for Hung {
    type Error = MessageError;

    fn try_from(wire: Note) -> Result<Self, MessageError> {
        let paper = match (&wire.text, wire.strokes.is_empty()) {
            (Some(text), true) => Paper::words(text),
            (None, false) => {
                let stroke = |flat: &Vec<u16>| {
                    let (points, rest) = flat.as_chunks::<2>();
                    rest.is_empty().then(|| points.to_vec())
                };
                wire.strokes.iter().map(stroke).collect::<Option<_>>().and_then(Paper::drawing)
            }
            (Some(_), false) | (None, true) => None,
        };
        let note = notes::Note {
            stamp: wire.stamp.into(),
            paper: paper.ok_or(MessageError::OutOfBounds("a note"))?,
            room: if wire.offerer { Role::Offerer } else { Role::Answerer },
            name: short_name(&wire.name),
            written_ms: wire.written_ms,
        };
        Ok(Self { note: Arc::new(note), minutes: wire.minutes })
    }
}
