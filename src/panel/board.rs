//! Board and floor as the page gets them. `docs/panel.md` lists the fields.

use super::Shared;
use super::reply::{self, Reply};
use crate::asking::stamp_name;
use crate::core::notes::{Note, Paper, Stroke};
use crate::core::snapshot::RoomSnapshot;
use crate::model::GuestId;
use hyper::StatusCode;
use serde::Serialize;

/// Part of the state. The notes themselves are read when `board` is another number: they may be long.
#[derive(Default, Serialize)]
pub(super) struct Floor<'s> {
    board: u32,
    hands: Vec<HandRow<'s>>,
    poll: Option<PollRow<'s>>,
}

#[derive(Serialize)]
struct HandRow<'s> {
    id: String,
    name: &'s str,
    near: bool,
    mine: bool,
}

#[derive(Serialize)]
struct PollRow<'s> {
    id: String,
    question: &'s str,
    choices: Vec<ChoiceRow<'s>>,
    skipped: u32,
    open: bool,
    shown: bool,
    voted: bool,
    choice: Option<usize>,
}

#[derive(Serialize)]
struct ChoiceRow<'s> {
    text: &'s str,
    votes: u32,
    percent: u32,
}

#[derive(Serialize)]
struct NoteRow<'s> {
    id: String,
    near: bool,
    name: &'s str,
    written_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strokes: Option<&'s [Stroke]>,
}

impl<'s> Floor<'s> {
    /// As this guest sees it: its own hand, its own vote.
    pub(super) fn of(room: &'s RoomSnapshot, guest: GuestId) -> Self {
        let own = room.floor.hand_of(guest);
        let hands = room.floor.hands().into_iter().map(|(hand, near)| HandRow {
            id: stamp_name(hand.raised),
            name: &hand.name,
            near,
            mine: near && own == Some(hand.raised),
        });
        let poll = room.floor.poll().map(|(poll, votes, skipped)| {
            let all: u32 = votes.iter().sum();
            let choices = poll.choices.iter().zip(votes).map(|(text, votes)| {
                // Of those who chose; rounded to the nearest.
                let percent = (200 * votes + all).checked_div(2 * all).unwrap_or(0);
                ChoiceRow { text, votes, percent }
            });
            let vote = room.floor.vote_of(guest);
            PollRow {
                id: stamp_name(poll.asked),
                question: &poll.question,
                choices: choices.collect(),
                skipped,
                open: poll.open,
                shown: poll.shown,
                voted: vote.is_some(),
                choice: vote.flatten(),
            }
        });
        Self { board: room.board.number, hands: hands.collect(), poll }
    }
}

/// `GET /api/notes`
pub(super) fn notes(shared: &Shared) -> Reply {
    let board = shared.shown.borrow().snapshot.room.board.clone();
    let row = |note: &std::sync::Arc<Note>| {
        let (text, strokes) = match &note.paper {
            Paper::Words(text) => (Some(text.as_str()), None),
            Paper::Drawing(strokes) => (None, Some(strokes.as_slice())),
        };
        let id = stamp_name(note.stamp);
        serde_json::json!(NoteRow {
            id,
            near: note.room == board.near,
            name: &note.name,
            written_ms: note.written_ms,
            text,
            strokes
        })
    };
    let notes: Vec<serde_json::Value> = board.notes.iter().map(row).collect();
    reply::json(StatusCode::OK, &serde_json::json!({ "number": board.number, "notes": notes }))
}
