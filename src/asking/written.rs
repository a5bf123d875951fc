//! One question as it stands in JSON.

use super::{stamp, told};
use crate::core::floor::FloorRequest;
use crate::core::live::LiveRequest;
use crate::core::notes::{NoteRequest, Paper};
use crate::core::prints::{PrintId, PrintRequest};
use crate::core::request::Request;
use crate::core::share::{MOST_POINTS, Point, Pointer, ShareRequest, Turn};
use crate::model::GuestId;
use serde::{Deserialize, Serialize};

/// As it is written: `{"ask": …}` with its one value beside it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Written {
    Mode {
        mode: String,
    },
    Knock {},
    Answer {},
    Cancel {},
    Microphone {
        open: bool,
    },
    View {
        view: usize,
    },
    Veil {
        veil: String,
    },
    Volume {
        volume: u8,
    },
    OwnPicture {
        shown: bool,
    },
    ShowCode {
        shown: bool,
    },
    Lock {
        locked: bool,
    },
    Admit {
        guest: u64,
    },
    Refuse {
        guest: u64,
    },
    Remove {
        guest: u64,
    },
    RemoveAll {},
    FollowTurns {
        follow: bool,
    },
    Teach {
        view: usize,
    },
    Share {},
    Front {
        document: String,
    },
    Page {
        page: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
    NextPage {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
    PreviousPage {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
    Zoom {
        zoom: u16,
        corner: [u16; 2],
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
    CloseDocument {
        document: String,
    },
    Point {
        document: String,
        page: u32,
        at: Option<Point>,
    },
    Draw {
        document: String,
        page: u32,
        points: Vec<Point>,
    },
    Wipe {
        document: String,
        page: u32,
    },
    Keep {
        document: String,
        keep: bool,
    },
    Note {
        text: String,
    },
    DrawnNote {
        strokes: Vec<Vec<u16>>,
    },
    TakeNote {
        note: String,
    },
    Hand {
        up: bool,
    },
    LowerHand {
        hand: String,
    },
    Poll {
        question: String,
        choices: Vec<String>,
    },
    Vote {
        poll: String,
        choice: usize,
    },
    SkipVote {
        poll: String,
    },
    ClosePoll {
        poll: String,
    },
    ShowPoll {
        poll: String,
        shown: bool,
    },
    StopLive {},
    HandOver {},
    KeepLive {},
    Moving {
        moving: bool,
    },
    ShowInput {},
    LeaveInput {},
    ShowPrint {
        print: u32,
    },
    RefusePrint {
        print: u32,
    },
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
            Self::Page { page, document } => in_front(document, ShareRequest::Turn(Turn::To(page)))?,
            Self::NextPage { document } => in_front(document, ShareRequest::Turn(Turn::Next))?,
            Self::PreviousPage { document } => in_front(document, ShareRequest::Turn(Turn::Previous))?,
            Self::Zoom { zoom, corner, document } => in_front(document, ShareRequest::Zoom(zoom, corner))?,
            Self::CloseDocument { document } => Request::Share(ShareRequest::Close(document.parse().ok()?)),
            Self::Point { at: Some(at), .. } if !on_page(&at) => return None,
            Self::Point { document, page, at } => {
                Request::Share(ShareRequest::Point(Pointer { document: document.parse().ok()?, page, at }))
            }
            Self::Draw { points, .. } if !(1..=MOST_POINTS).contains(&points.len()) || !points.iter().all(on_page) => {
                return None;
            }
            Self::Draw { document, page, points } => {
                Request::Share(ShareRequest::Draw(document.parse().ok()?, page, points))
            }
            Self::Wipe { document, page } => Request::Share(ShareRequest::Wipe(document.parse().ok()?, page)),
            Self::Keep { document, keep } => Request::Share(ShareRequest::Keep(document.parse().ok()?, keep)),
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
            Self::StopLive {} => Request::Live(LiveRequest::Stop),
            Self::HandOver {} => Request::Live(LiveRequest::HandOver),
            Self::KeepLive {} => Request::Live(LiveRequest::Keep),
            Self::Moving { moving } => Request::Live(LiveRequest::Moving(moving)),
            Self::ShowInput {} => Request::ShowInput(true),
            Self::LeaveInput {} => Request::ShowInput(false),
            Self::ShowPrint { print } => Request::Print(PrintRequest::Show(PrintId(print))),
            Self::RefusePrint { print } => Request::Print(PrintRequest::Refuse(PrintId(print))),
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
            Request::Share(ShareRequest::InFront(id, request)) => Self::of_share(request, Some(id.to_string())),
            Request::Share(request) => Self::of_share(request, None),
            Request::Note(request) => told::of_note(request),
            Request::Floor(request) => told::of_floor(request),
            Request::Live(request) => told::of_live(*request),
            Request::ShowInput(true) => Self::ShowInput {},
            Request::ShowInput(false) => Self::LeaveInput {},
            Request::Print(PrintRequest::Show(PrintId(print))) => Self::ShowPrint { print: *print },
            Request::Print(PrintRequest::Refuse(PrintId(print))) => Self::RefusePrint { print: *print },
        }
    }

    fn of_share(request: &ShareRequest, document: Option<String>) -> Self {
        match request {
            ShareRequest::Open(_) => Self::Share {},
            ShareRequest::InFront(_, request) => Self::of_share(request, document),
            ShareRequest::Front(id) => Self::Front { document: id.to_string() },
            ShareRequest::Turn(Turn::To(page)) => Self::Page { page: *page, document },
            ShareRequest::Turn(Turn::Next) => Self::NextPage { document },
            ShareRequest::Turn(Turn::Previous) => Self::PreviousPage { document },
            ShareRequest::Zoom(zoom, corner) => Self::Zoom { zoom: *zoom, corner: *corner, document },
            ShareRequest::Close(id) => Self::CloseDocument { document: id.to_string() },
            ShareRequest::Point(Pointer { document, page, at }) => {
                Self::Point { document: document.to_string(), page: *page, at: *at }
            }
            ShareRequest::Draw(id, page, points) => {
                Self::Draw { document: id.to_string(), page: *page, points: points.clone() }
            }
            ShareRequest::Wipe(id, page) => Self::Wipe { document: id.to_string(), page: *page },
            ShareRequest::Keep(id, keep) => Self::Keep { document: id.to_string(), keep: *keep },
        }
    }
}

fn in_front(document: Option<String>, request: ShareRequest) -> Option<Request> {
    Some(Request::Share(match document {
        Some(document) => ShareRequest::InFront(document.parse().ok()?, Box::new(request)),
        None => request,
    }))
}

fn on_page(point: &Point) -> bool {
    point.iter().all(|at| *at <= 10_000)
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
        let pointer = Pointer { document: id, page: 3, at: Some([0, 10_000]) };
        let marks = [ShareRequest::Point(pointer), ShareRequest::Draw(id, 2, vec![[1, 2], [3, 4]])];
        let nowhere = ShareRequest::Point(Pointer { at: None, ..pointer });
        let whole = [ShareRequest::Front(id), ShareRequest::Close(id), nowhere];
        let seen = ShareRequest::InFront(id, Box::new(ShareRequest::Turn(Turn::To(4))));
        let kept = [ShareRequest::Wipe(id, 0), ShareRequest::Keep(id, true), seen];
        for asked in whole.into_iter().chain(marks).chain(kept) {
            let asked = Request::Share(asked);
            assert_eq!(request(json(&asked).as_bytes()), Ok(asked));
        }
        let wrong = [hex[1..].to_owned(), hex.to_uppercase(), "../x".into()];
        for id in wrong {
            assert!(request(format!(r#"{{"ask":"front","document":"{id}"}}"#).as_bytes()).is_err(), "{id}");
        }
        let points = |many: usize, at: u16| {
            let points = vec![format!("[{at},0]"); many].join(",");
            format!(r#"{{"ask":"draw","document":"{hex}","page":0,"points":[{points}]}}"#)
        };
        for (many, at) in [(0, 0), (MOST_POINTS + 1, 0), (1, 10_001)] {
            assert!(request(points(many, at).as_bytes()).is_err(), "{many} points, {at}");
        }
        assert!(request(points(MOST_POINTS, 10_000).as_bytes()).is_ok());
        let opening = Opening { id, name: "a.pdf".into(), length: 1, begun: None };
        assert!(request(json(&Request::Share(ShareRequest::Open(opening))).as_bytes()).is_err());
    }
}
