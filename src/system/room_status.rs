//! The room's part of the status.

use crate::asking::{drawn_name, mode_name, stance_name, veil_name};
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
    /// The far box is authenticated end to end right now.
    pub sealed: bool,
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
            lesson: room.lesson.map(|lesson| LessonStatus::of(&lesson, &room.views)),
            veil: veil_name(face.veil).into(),
            far_veil: veil_name(face.far_veil).into(),
            volume: face.volume,
            meeting_s: face.meeting_since.map(|since| snapshot.at.since(since).as_secs_f64()),
            guests: room.guests.iter().filter(|guest| guest.admitted).count(),
            waiting: room.guests.iter().filter(|guest| !guest.admitted).count(),
            locked: face.locked,
            sealed: face.sealed,
        }
    }
}
