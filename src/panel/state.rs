//! The state as the page gets it: one JSON object, whole, every time. `docs/panel.md` lists its fields.

use super::board::Floor;
use super::facts::{Fact, Facts};
use super::live::{Live, OwnLives};
use super::rows::{DocumentRow, PageWords, documents, page_words, unshowable};
use super::tokens::Visitor;
use super::words::{banner, pick};
use crate::asking::{camera_name, microphone_name, mode_name, stance_name, veil_name};
use crate::core::face::Banner;
use crate::core::lesson::LessonState;
use crate::core::prints::{PrintState, Prints};
use crate::core::snapshot::{LinkState, Snapshot};
use crate::model::{Device, GuestId, Language, Moment, Role};
use serde::Serialize;

/// What is published, newest only.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) snapshot: Snapshot,
    pub(super) words: String,
    pub(super) meetings: Vec<Meeting>,
}

/// A meeting that is over, or runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Meeting {
    /// The box's local time, "2026-11-22 10:00".
    pub started: String,
    /// How long, rounded down.
    pub minutes: u32,
}

/// What the core knows of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Unknown,
    /// Asked to be let in.
    Waiting,
    /// May steer.
    Admitted,
}

/// For everybody.
#[derive(Serialize)]
struct Door<'s> {
    you: You<'s>,
    language: &'static str,
    name: &'s str,
    locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sharing: Option<OwnLives>,
}

#[derive(Serialize)]
struct You<'s> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    installer: Option<bool>,
}

/// For whom is admitted.
#[derive(Serialize)]
struct State<'s> {
    #[serde(flatten)]
    door: Door<'s>,
    far_name: &'s str,
    words: &'s str,
    link: &'static str,
    since_s: u64,
    sentence: Option<&'static str>,
    sealed: bool,
    mode: &'static str,
    near: &'static str,
    drawn: Option<&'static str>,
    far: &'static str,
    microphone: &'static str,
    microphone_wanted: bool,
    far_microphone: &'static str,
    camera: &'static str,
    far_camera: &'static str,
    knocked: bool,
    knocking: bool,
    banner: Option<BannerWords>,
    views: &'s [String],
    view: usize,
    far_view: &'s str,
    follow_turns: bool,
    documents: Vec<DocumentRow<'s>>,
    page: Option<PageWords>,
    document_fault: Option<String>,
    offers: bool,
    lesson: Option<LessonWords>,
    veil: &'static str,
    far_veil: &'static str,
    volume: u8,
    own_picture: bool,
    show_code: bool,
    meeting_since_s: Option<u64>,
    meetings: &'s [Meeting],
    guests: Vec<GuestRow<'s>>,
    prints: Vec<PrintRow<'s>>,
    missing: Vec<&'static str>,
    levels: Levels,
    set: Vec<Fact>,
    #[serde(flatten)]
    floor: Floor<'s>,
    live: Live,
    helped: bool,
}

#[derive(Serialize)]
struct LessonWords {
    view: usize,
    learning: bool,
    text: String,
}

#[derive(Serialize)]
struct BannerWords {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct GuestRow<'s> {
    id: u64,
    name: &'s str,
    admitted: bool,
}

#[derive(Serialize)]
struct PrintRow<'s> {
    id: u32,
    name: &'s str,
    from: &'s str,
}

/// dBFS RMS, whole numbers: −100 is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Levels {
    heard_dbfs: i32,
    played_dbfs: i32,
}

impl Shown {
    /// What the core knows of this guest.
    pub(super) fn standing(&self, guest: GuestId) -> Standing {
        match self.snapshot.room.guests.iter().find(|known| known.id == guest) {
            Some(known) if known.admitted => Standing::Admitted,
            Some(_) => Standing::Waiting,
            None => Standing::Unknown,
        }
    }

    /// How many wait to be let in.
    pub(super) fn waiting(&self) -> usize {
        self.snapshot.room.guests.iter().filter(|guest| !guest.admitted).count()
    }

    /// Whether this visitor may see the room.
    pub(super) fn may_see(&self, visitor: Visitor) -> bool {
        visitor.installer || self.standing(visitor.guest) == Standing::Admitted
    }

    /// The state as JSON for this visitor; `at`: now.
    pub(super) fn json(&self, at: Moment, visitor: Visitor, name: &str, facts: &Facts) -> String {
        let standing = self.standing(visitor.guest);
        let (spoken, locked) = (language(facts.language), self.snapshot.room.face.locked);
        let door = |you| Door { you, language: spoken, name, locked, sharing: None };
        let text = if self.may_see(visitor) {
            let own = self.snapshot.room.guests.iter().find(|known| known.id == visitor.guest);
            let you = You {
                state: "admitted",
                id: Some(visitor.guest.0),
                name: Some(own.map_or("", |own| &own.name)),
                installer: Some(visitor.installer),
            };
            let mut state = self.state(at, visitor.guest, door(you), facts);
            if standing != Standing::Admitted {
                // The PIN is known outside the room: it opens nothing of a meeting.
                (state.documents, state.page, state.document_fault) = (Vec::new(), None, None);
                (state.floor, state.live) = (Floor::default(), state.live.without_the_room());
                state.banner.take_if(|banner| matches!(banner.kind, "unshown" | "share_waits"));
                (state.documents, state.page, state.document_fault, state.prints) =
                    (Vec::new(), None, None, Vec::new());
                state.floor = Floor::default();
                state.banner.take_if(|banner| ["unshown", "print_waits"].contains(&banner.kind));
            }
            serde_json::to_string(&state)
        } else {
            let state = if standing == Standing::Waiting { "waiting" } else { "unknown" };
            let sharing = OwnLives::left_behind(&self.snapshot, visitor.guest, facts.language);
            serde_json::to_string(&Door { sharing, ..door(You { state, id: None, name: None, installer: None }) })
        };
        text.unwrap_or_default()
    }

    /// The levels alone.
    pub(super) fn levels(&self) -> Levels {
        levels(&self.snapshot)
    }

    /// Names of what is missing.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        self.snapshot.missing.iter().map(|device| device_name(*device)).collect()
    }

    fn state<'s>(&'s self, at: Moment, guest: GuestId, door: Door<'s>, facts: &Facts) -> State<'s> {
        let (snapshot, room) = (&self.snapshot, &self.snapshot.room);
        let face = &room.face;
        State {
            door,
            far_name: &face.far_name,
            words: &self.words,
            link: link_name(snapshot.link),
            since_s: at.since(snapshot.since).as_secs(),
            sentence: snapshot.plan.screen.sentence.as_ref().map(|sentence| sentence.text(facts.language)),
            sealed: face.sealed,
            mode: mode_name(face.mode),
            near: stance_name(face.near),
            drawn: face.drawn.map(|why| why.text(facts.language)),
            far: stance_name(face.far),
            microphone: microphone_name(snapshot.microphone),
            microphone_wanted: face.microphone_wanted,
            far_microphone: microphone_name(face.far_microphone),
            camera: camera_name(snapshot.camera),
            far_camera: camera_name(snapshot.far_camera),
            knocked: room.knocked,
            knocking: room.knocking,
            banner: face.banner.as_ref().map(|shown| in_words(shown, facts.language)),
            views: &room.views,
            view: room.view,
            far_view: &face.far_view,
            follow_turns: room.follow_turns,
            documents: documents(room),
            page: face.page.as_ref().map(|page| page_words(page, facts.language)),
            document_fault: room.share.fault().map(|fault| unshowable(&fault.name, fault.why, facts.language)),
            offers: room.share.role() == Role::Offerer,
            lesson: room.lesson.map(|lesson| LessonWords {
                view: lesson.view,
                learning: lesson.state == LessonState::Learning,
                text: lesson.text(&room.views, facts.language),
            }),
            veil: veil_name(face.veil),
            far_veil: veil_name(face.far_veil),
            volume: face.volume,
            own_picture: face.own_picture,
            show_code: face.code.is_some(),
            meeting_since_s: face.meeting_since.map(|since| at.since(since).as_secs()),
            meetings: &self.meetings,
            guests: room
                .guests
                .iter()
                .map(|guest| GuestRow { id: guest.id.0, name: &guest.name, admitted: guest.admitted })
                .collect(),
            prints: waiting_prints(&room.prints),
            missing: self.missing(),
            levels: levels(snapshot),
            set: facts.list(self),
            floor: Floor::of(room, guest),
            live: Live::of(snapshot, guest, facts.language),
            helped: room.helped,
        }
    }
}

/// Whether people on the page could not tell one from the other, but for clocks that run by themselves.
pub(super) fn looks_the_same(a: &Snapshot, b: &Snapshot) -> bool {
    a.room == b.room
        && (a.link, a.since, a.microphone, a.camera, a.far_camera)
            == (b.link, b.since, b.microphone, b.camera, b.far_camera)
        && a.missing == b.missing
        && (&a.plan.screen.sentence, a.plan.live) == (&b.plan.screen.sentence, b.plan.live)
        && levels(a) == levels(b)
}

fn levels(snapshot: &Snapshot) -> Levels {
    let whole = |level: f32| level.clamp(-100.0, 0.0).round() as i32;
    Levels { heard_dbfs: whole(snapshot.sent.level_dbfs), played_dbfs: whole(snapshot.received.level_dbfs) }
}

fn waiting_prints(prints: &Prints) -> Vec<PrintRow<'_>> {
    let waiting = prints.iter().filter(|print| print.state == PrintState::Waiting);
    waiting.map(|print| PrintRow { id: print.id.0, name: &print.opening.name, from: &print.from }).collect()
}

fn in_words(shown: &Banner, language: Language) -> BannerWords {
    let (kind, text) = banner(shown, language);
    BannerWords { kind, text }
}

fn language(language: Language) -> &'static str {
    pick(language, "ja", "en")
}

fn link_name(state: LinkState) -> &'static str {
    match state {
        LinkState::Unpaired => "unpaired",
        LinkState::Connecting => "connecting",
        LinkState::Up => "up",
        LinkState::Lost => "lost",
    }
}

fn device_name(device: Device) -> &'static str {
    match device {
        Device::Camera => "camera",
        Device::Microphone => "microphone",
        Device::Speaker => "speaker",
        Device::Screen => "screen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::snapshot::Guest;
    use std::collections::BTreeSet;

    const VISITOR: Visitor = Visitor { guest: GuestId(3), installer: false };

    fn json(shown: &Shown, visitor: Visitor) -> serde_json::Value {
        let facts = Facts::for_tests();
        serde_json::from_str(&shown.json(Moment::from_nanos(12_900_000_000), visitor, "市民課", &facts)).expect("JSON")
    }

    fn guest(admitted: bool) -> Shown {
        let mut shown = Shown::default();
        shown.snapshot.room.guests =
            vec![Guest { id: GuestId(3), name: "タブレット".into(), admitted, since: Moment::default() }];
        shown.snapshot.room.code = Some(654_321);
        shown
    }

    #[test]
    fn a_stranger_gets_the_name_on_the_door_and_no_more() {
        for (shown, state) in [(Shown::default(), "unknown"), (guest(false), "waiting")] {
            let expected =
                serde_json::json!({"you": {"state": state}, "language": "ja", "name": "市民課", "locked": false});
            assert_eq!(json(&shown, VISITOR), expected);
        }
    }

    #[test]
    fn a_guest_gets_everything_but_the_code() {
        let state = json(&guest(true), VISITOR);
        assert_eq!(
            state["you"],
            serde_json::json!({"state": "admitted", "id": 3, "name": "タブレット", "installer": false})
        );
        assert_eq!((state["since_s"].as_u64(), state["link"].as_str()), (Some(12), Some("unpaired")));
        assert!(!state.to_string().contains("654321"), "the code stands on the kiosk screen only");
        assert_eq!(json(&guest(false), Visitor { installer: true, ..VISITOR })["you"]["installer"], true);
    }

    #[test]
    fn every_field_is_documented_and_every_documented_field_exists() {
        let state = json(&guest(true), VISITOR);
        let fields: BTreeSet<&str> = state.as_object().expect("an object").keys().map(String::as_str).collect();
        let paper = include_str!("../../docs/panel.md");
        let (_, table) = paper.split_once("## State").expect("a chapter");
        let table = table.split("\n## ").next().unwrap_or_default();
        let documented: BTreeSet<&str> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .filter_map(|line| line.split('|').nth(1))
            .flat_map(|names| names.split('`').skip(1).step_by(2))
            .collect();
        assert_eq!(fields, documented);
    }

    #[test]
    fn what_nobody_could_see_wakes_nobody() {
        let (before, mut after) = (Snapshot::default(), Snapshot::default());
        after.at = Moment::from_nanos(7);
        after.last_frame_at = Some(Moment::from_nanos(7));
        after.sent.level_dbfs = -0.2;
        assert!(looks_the_same(&before, &after));
        after.sent.level_dbfs = -30.0;
        assert!(!looks_the_same(&before, &after));
    }
}
