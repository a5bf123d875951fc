//! One question as it stands in JSON.

use super::{stamp, told};
use crate::core::floor::FloorRequest;
use crate::core::notes::{NoteRequest, Paper};
use crate::core::request::Request;
use crate::core::share::{ShareRequest, Turn};
use crate::model::GuestId;
use serde::{Deserialize, Serialize};

/// As it is written: `{"ask": …}` with its one value beside it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Written {
    Mode { mode: String },
    Knock {},
    Answer {},
    Cancel {},
    Microphone { open: bool },
    View { view: usize },
    Veil { veil: String },
    Volume { volume: u8 },
    OwnPicture { shown: bool },
    ShowCode { shown: bool },
    Lock { locked: bool },
    Admit { guest: u64 },
    Refuse { guest: u64 },
    Remove { guest: u64 },
    RemoveAll {},
    FollowTurns { follow: bool },
    Teach { view: usize },
    Share {},
    Front { document: String },
    Page { page: u32 },
    NextPage {},
    PreviousPage {},
    Zoom { zoom: u16, corner: [u16; 2] },
    CloseDocument { document: String },
    Note { text: String },
    DrawnNote { strokes: Vec<Vec<u16>> },
    TakeNote { note: String },
    Hand { up: bool },
    LowerHand { hand: String },
    Poll { question: String, choices: Vec<String> },
    Vote { poll: String, choice: usize },
    SkipVote { poll: String },
    ClosePoll { poll: String },
    ShowPoll { poll: String, shown: bool },
}

impl Written {
    pub(super) fn request(self) -> Option<Request> {
        Some(match self {
            Self::Mode { mode } => Request::Mode(super::mode(&mode)?),
            Self::Knock {} => Request::Knock,
            Self::Answer {} => Request::Answer,
            Self::Cancel {} => Request::Cancel,
            Self::Microphone { open } => Request::Microphone(open),
            Self::View { view } => Request::View(view),
            Self::Veil { veil } => Request::Veil(super::veil(&veil)?),
            Self::Volume { volume } if volume > 100 => return None,
            Self::Volume { volume } => Request::Volume(volume),
            Self::OwnPicture { shown } => Request::OwnPicture(shown),
            Self::ShowCode { shown } => Request::ShowCode(shown),
            Self::Lock { locked } => Request::Lock(locked),
            Self::Admit { guest } => Request::Admit(GuestId(guest)),
            Self::Refuse { guest } => Request::Refuse(GuestId(guest)),
            Self::Remove { guest } => Request::Remove(GuestId(guest)),
            Self::RemoveAll {} => Request::RemoveAll,
            Self::FollowTurns { follow } => Request::FollowTurns(follow),
            Self::Teach { view } => Request::Teach(view),
            // A document comes with its bytes, never by its name alone.
            Self::Share {} => return None,
            Self::Front { document } => Request::Share(ShareRequest::Front(document.parse().ok()?)),
            Self::Page { page } => Request::Share(ShareRequest::Turn(Turn::To(page))),
            Self::NextPage {} => Request::Share(ShareRequest::Turn(Turn::Next)),
            Self::PreviousPage {} => Request::Share(ShareRequest::Turn(Turn::Previous)),
            Self::Zoom { zoom, corner } => Request::Share(ShareRequest::Zoom(zoom, corner)),
            Self::CloseDocument { document } => Request::Share(ShareRequest::Close(document.parse().ok()?)),
            Self::Note { text } => Request::Note(NoteRequest::Write(Paper::words(&text)?)),
            Self::DrawnNote { strokes } => Request::Note(NoteRequest::Write(told::drawing(&strokes)?)),
            Self::TakeNote { note } => Request::Note(NoteRequest::Take(stamp(&note)?)),
            Self::Hand { up } => Request::Floor(FloorRequest::Hand(up)),
            Self::LowerHand { hand } => Request::Floor(FloorRequest::Lower(stamp(&hand)?)),
            Self::Poll { question, choices } => return told::poll(&question, &choices),
            Self::Vote { poll, choice } => Request::Floor(FloorRequest::Vote(stamp(&poll)?, Some(choice))),
            Self::SkipVote { poll } => Request::Floor(FloorRequest::Vote(stamp(&poll)?, None)),
            Self::ClosePoll { poll } => Request::Floor(FloorRequest::Close(stamp(&poll)?)),
            Self::ShowPoll { poll, shown } => Request::Floor(FloorRequest::Show(stamp(&poll)?, shown)),
        })
    }

    pub(super) fn of(request: &Request) -> Self {
        match request {
            Request::Mode(mode) => Self::Mode { mode: super::mode_name(*mode).into() },
            Request::Knock => Self::Knock {},
            Request::Answer => Self::Answer {},
            Request::Cancel => Self::Cancel {},
            Request::Microphone(open) => Self::Microphone { open: *open },
            Request::View(view) => Self::View { view: *view },
            Request::Veil(veil) => Self::Veil { veil: super::veil_name(*veil).into() },
            Request::Volume(volume) => Self::Volume { volume: *volume },
            Request::OwnPicture(shown) => Self::OwnPicture { shown: *shown },
            Request::ShowCode(shown) => Self::ShowCode { shown: *shown },
            Request::Lock(locked) => Self::Lock { locked: *locked },
            Request::Admit(guest) => Self::Admit { guest: guest.0 },
            Request::Refuse(guest) => Self::Refuse { guest: guest.0 },
            Request::Remove(guest) => Self::Remove { guest: guest.0 },
            Request::RemoveAll => Self::RemoveAll {},
            Request::FollowTurns(follow) => Self::FollowTurns { follow: *follow },
            Request::Teach(view) => Self::Teach { view: *view },
            Request::Share(request) => Self::of_share(request),
            Request::Note(request) => told::of_note(request),
            Request::Floor(request) => told::of_floor(request),
        }
    }

    fn of_share(request: &ShareRequest) -> Self {
        match request {
            ShareRequest::Open(_) => Self::Share {},
            ShareRequest::Front(id) => Self::Front { document: id.to_string() },
            ShareRequest::Turn(Turn::To(page)) => Self::Page { page: *page },
            ShareRequest::Turn(Turn::Next) => Self::NextPage {},
            ShareRequest::Turn(Turn::Previous) => Self::PreviousPage {},
            ShareRequest::Zoom(zoom, corner) => Self::Zoom { zoom: *zoom, corner: *corner },
            ShareRequest::Close(id) => Self::CloseDocument { document: id.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{json, request};
    use super::*;
    use crate::core::share::Opening;
    use crate::model::DocumentId;

    #[test]
    fn a_document_is_named_by_its_content_and_never_shared_by_name_alone() {
        let (id, hex) = (DocumentId([0xa5; 32]), "a5".repeat(32));
        for asked in [ShareRequest::Front(id), ShareRequest::Close(id)] {
            let asked = Request::Share(asked);
            assert_eq!(request(json(&asked).as_bytes()), Ok(asked));
        }
        let wrong = [hex[1..].to_owned(), hex.to_uppercase(), "../x".into()];
        for id in wrong {
            assert!(request(format!(r#"{{"ask":"front","document":"{id}"}}"#).as_bytes()).is_err(), "{id}");
        }
        let opening = Opening { id, name: "a.pdf".into(), length: 1 };
        assert!(request(json(&Request::Share(ShareRequest::Open(opening))).as_bytes()).is_err());
    }
}
