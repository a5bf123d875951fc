//! The room's part of the status.

use crate::asking::{drawn_name, mode_name, page_state_name, side_name, stance_name, veil_name};
use crate::core::face::{PageFace, PageState};
use crate::core::lesson::{Lesson, LessonState};
use crate::core::snapshot::Snapshot;
use crate::model::Language;
use serde::{Deserialize, Serialize};

/// What `engawa status` says of the room.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomStatus {
    /// "quiet", "talking", "meeting", "curtain", "asleep".
    pub mode: String,
    /// This room's part in it: "present", "curtain", "asleep".
    pub near: String,
    /// Why the box itself drew this room's curtain: "forgot", "installer-lost", "installer-set".
    pub drawn: Option<String>,
    /// The other room's last word on it.
    pub far: String,
    /// A person of this room opened the microphone; `microphone` of the status says what really leaves.
    pub microphone_wanted: bool,
    /// The far room knocks.
    pub knocked: bool,
    /// This room knocks.
    pub knocking: bool,
    /// Names of the camera views.
    pub views: Vec<String>,
    /// Index of the present one.
    pub view: usize,
    /// Turns of the camera are recognised.
    pub follow_turns: bool,
    /// What became of the view that was taught last.
    pub lesson: Option<LessonStatus>,
    /// The document in front, or why there is none.
    pub page: Option<PageStatus>,
    /// The last document that could not be shown, until the next one is shared.
    pub document_fault: Option<DocumentFault>,
    /// Names of the documents that are open.
    pub documents: Vec<String>,
    /// "clear", "frosted", "black": what this camera's picture is veiled by.
    pub veil: String,
    /// The same of the far camera, as the far box says.
    pub far_veil: String,
    /// Loudness of the far room here, 0 … 100.
    pub volume: u8,
    /// Seconds since the meeting began.
    pub meeting_s: Option<f64>,
    /// Browsers that may steer.
    pub guests: usize,
    /// Browsers that wait to be let in.
    pub waiting: usize,
    /// No new guests.
    pub locked: bool,
    /// Notes on the board.
    pub notes: usize,
    /// Raised hands of both rooms.
    pub hands: usize,
    /// The poll, open or closed.
    pub poll: Option<PollStatus>,
    /// The live share in front.
    pub live: Option<LiveStatus>,
    /// The document input has a signal and is not in front.
    pub input: bool,
    /// Somebody helps from the other room.
    pub helped: bool,
    /// The far box is authenticated end to end right now.
    pub sealed: bool,
}

/// The poll with the votes of both rooms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PollStatus {
    /// What was asked.
    pub question: String,
    /// What can be chosen.
    pub choices: Vec<String>,
    /// Votes for each choice.
    pub votes: Vec<u32>,
    /// Devices that chose not to choose.
    pub skipped: u32,
    /// Votes are taken.
    pub open: bool,
    /// The result stands on the screens.
    pub shown: bool,
}

/// A PC's screen or an input in front.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveStatus {
    /// "near", "far": whose room's.
    pub room: String,
    /// "browser", "sender", "input".
    pub kind: String,
    /// As it calls itself.
    pub name: String,
    /// Seconds since anything came from it, while its picture is grey for that; else none.
    pub silent_s: Option<f64>,
    /// A moving picture; else text.
    pub moving: bool,
    /// Kilobits per second that its encoder is set to on the way to the far box; none: it is not sent there.
    pub kbps: Option<u32>,
    /// Who waits to be in front instead.
    pub waiting: Option<String>,
}

impl LiveStatus {
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let live = &snapshot.room.face.live;
        let shown = live.shown.as_ref()?;
        Some(Self {
            room: side_name(shown.side).into(),
            kind: shown.kind.name().into(),
            name: shown.name.clone(),
            silent_s: live.silent.map(|silent| snapshot.at.since(silent.since).as_secs_f64()),
            moving: live.moving,
            kbps: snapshot.plan.live.send.map(|send| send.bitrate.as_kbps()),
            waiting: live.waits.as_ref().map(|waits| waits.name.clone()),
        })
    }
}

/// A document that could not be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DocumentFault {
    /// SHA-256 of its bytes.
    pub document: String,
    /// Why.
    pub ja: String,
    /// Why.
    pub en: String,
}

/// The document in front.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageStatus {
    /// SHA-256 of its bytes.
    pub document: String,
    /// As people call it.
    pub name: String,
    /// From 0.
    pub page: u32,
    /// How many; 0 while nobody knows.
    pub pages: u32,
    /// Thousandths.
    pub zoom: u16,
    /// "opening", "arriving", "here", "refused".
    pub state: String,
    /// If arriving, how much of it is here.
    pub percent: Option<u8>,
    /// If refused, why.
    pub ja: String,
    /// If refused, why.
    pub en: String,
}

impl PageStatus {
    fn of(page: &PageFace) -> Self {
        let why = |language| match page.state {
            PageState::Refused(why) => why.reason(language).to_owned(),
            PageState::Opening | PageState::Arriving(_) | PageState::Here => String::new(),
        };
        let percent = match page.state {
            PageState::Arriving(percent) => Some(percent),
            PageState::Opening | PageState::Here | PageState::Refused(_) => None,
        };
        Self {
            percent,
            document: page.id.to_string(),
            name: page.name.clone(),
            page: page.look.page,
            pages: page.pages,
            zoom: page.look.zoom,
            state: page_state_name(page.state).into(),
            ja: why(Language::Japanese),
            en: why(Language::English),
        }
    }
}

/// A view that is being taught, or was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LessonStatus {
    /// Index of the view.
    pub view: usize,
    /// "learning", "learnt", "not-kept", "too-poor", "looks-like".
    pub state: String,
    /// For people.
    pub ja: String,
    /// For people.
    pub en: String,
}

impl LessonStatus {
    fn of(lesson: &Lesson, views: &[String]) -> Self {
        let text = |language| lesson.text(views, language);
        let (ja, en) = (text(Language::Japanese), text(Language::English));
        Self { view: lesson.view, state: lesson_name(lesson.state).into(), ja, en }
    }
}

/// The state's name in the status and on the panel.
pub const fn lesson_name(state: LessonState) -> &'static str {
    match state {
        LessonState::Learning => "learning",
        LessonState::Learnt => "learnt",
        LessonState::NotKept => "not-kept",
        LessonState::TooPoor => "too-poor",
        LessonState::LooksLike(_) => "looks-like",
    }
}

impl RoomStatus {
    /// From the loop's snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let (room, face) = (&snapshot.room, &snapshot.room.face);
        Self {
            mode: mode_name(face.mode).into(),
            near: stance_name(face.near).into(),
            drawn: face.drawn.map(|why| drawn_name(why).into()),
            far: stance_name(face.far).into(),
            microphone_wanted: face.microphone_wanted,
            knocked: room.knocked,
            knocking: room.knocking,
            views: room.views.clone(),
            view: room.view,
            follow_turns: room.follow_turns,
            page: face.page.as_ref().map(PageStatus::of),
            document_fault: room.share.fault().map(|fault| DocumentFault {
                document: fault.id.to_string(),
                ja: fault.why.reason(Language::Japanese).into(),
                en: fault.why.reason(Language::English).into(),
            }),
            documents: room.share.open().map(|document| document.name.clone()).collect(),
            lesson: room.lesson.map(|lesson| LessonStatus::of(&lesson, &room.views)),
            veil: veil_name(face.veil).into(),
            far_veil: veil_name(face.far_veil).into(),
            volume: face.volume,
            meeting_s: face.meeting_since.map(|since| snapshot.at.since(since).as_secs_f64()),
            guests: room.guests.iter().filter(|guest| guest.admitted).count(),
            waiting: room.guests.iter().filter(|guest| !guest.admitted).count(),
            locked: face.locked,
            notes: room.board.notes.len(),
            hands: face.hands.len(),
            poll: room.floor.poll().map(|(poll, votes, skipped)| PollStatus {
                question: poll.question.clone(),
                choices: poll.choices.clone(),
                votes,
                skipped,
                open: poll.open,
                shown: poll.shown,
            }),
            live: LiveStatus::of(snapshot),
            input: face.live.input,
            helped: room.helped,
            sealed: face.sealed,
        }
    }
}
