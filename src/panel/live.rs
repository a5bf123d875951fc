//! The live share as the page gets it. `docs/panel.md` lists the fields.

use super::words::whose;
use crate::core::face::LiveLine;
use crate::core::live::OwnLive;
use crate::core::snapshot::Snapshot;
use crate::live::WITHIN_THE_ROOM;
use crate::model::{Bitrate, GuestId, Language, LiveEnd, LiveId, Side};
use serde::Serialize;

/// Part of the state.
#[derive(Default, Serialize)]
pub(super) struct Live {
    shown: Option<Line>,
    silent: bool,
    moving: bool,
    waiting: Option<Line>,
    asked: bool,
    input: bool,
    ended: Option<Ended>,
    #[serde(flatten)]
    own: OwnLives,
}

/// The sources of one browser: those that are alive and those that ended.
#[derive(Default, Serialize)]
pub(super) struct OwnLives {
    mine: Vec<Own>,
    past: Vec<Past>,
}

#[derive(Serialize)]
struct Line {
    near: bool,
    kind: &'static str,
    name: String,
    text: String,
}

#[derive(Serialize)]
struct Ended {
    #[serde(flatten)]
    line: Line,
    why: &'static str,
}

/// A source of this browser, and what it may send: the names are the browser's own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    id: u64,
    front: bool,
    max_bitrate: u32,
    max_framerate: u32,
}

#[derive(Serialize)]
struct Past {
    id: u64,
    why: &'static str,
    text: &'static str,
}

impl Live {
    /// As this guest sees it: its own sources.
    pub(super) fn of(snapshot: &Snapshot, guest: GuestId, language: Language) -> Self {
        let face = &snapshot.room.face.live;
        let line = |line: &LiveLine| Line {
            near: line.side == Side::Near,
            kind: line.kind.name(),
            name: line.name.clone(),
            text: whose(line, language),
        };
        Self {
            shown: face.shown.as_ref().map(line),
            silent: face.silent.is_some(),
            moving: face.moving,
            waiting: face.waits.as_ref().map(line),
            asked: face.asked,
            input: face.input,
            ended: face.ended.as_ref().map(|(ended, why)| Ended { line: line(ended), why: why.name() }),
            own: OwnLives::of(snapshot, guest, language),
        }
    }

    /// For whoever may not see the room: its own sources.
    pub(super) fn without_the_room(self) -> Self {
        Self { own: self.own, ..Self::default() }
    }
}

impl OwnLives {
    fn of(snapshot: &Snapshot, guest: GuestId, language: Language) -> Self {
        let live = &snapshot.room.live;
        let own = |OwnLive { id, front }| Own {
            id: id.0,
            front,
            max_bitrate: budget(snapshot, id).as_bps(),
            max_framerate: if front && live.is_moving() { MOVING_FPS } else { TEXT_FPS },
        };
        let past = |(id, why): (LiveId, LiveEnd)| Past { id: id.0, why: why.name(), text: why.text(language) };
        Self { mine: live.of_guest(guest).map(own).collect(), past: live.past_of(guest).map(past).collect() }
    }

    /// Of a browser that was put out while its screen is still shown, as behind a curtain.
    pub(super) fn left_behind(snapshot: &Snapshot, guest: GuestId, language: Language) -> Option<Self> {
        Some(Self::of(snapshot, guest, language)).filter(|own| !own.mine.is_empty() || !own.past.is_empty())
    }
}

/// What the far box gets of it, if it gets what the browser sends; within the room there is no other traffic.
fn budget(snapshot: &Snapshot, id: LiveId) -> Bitrate {
    let sent = snapshot.plan.live.send.filter(|send| send.source == id);
    let sent = sent.filter(|send| !snapshot.room.live.is_retold(id).unwrap_or(send.is_narrow()));
    sent.map_or(WITHIN_THE_ROOM, |send| send.bitrate)
}

const MOVING_FPS: u32 = 30;
const TEXT_FPS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::live::{Live as Machine, LiveRequest, LiveSource};
    use crate::core::plan::LiveSend;
    use crate::model::{BootId, LiveKind, Moment, TakeOver, VideoCodec};

    fn shared() -> Snapshot {
        let mut live = Machine::new(TakeOver::Ask, [0; 2]);
        live.take_life(BootId(1));
        for (id, guest) in [(4, 1), (5, 2)] {
            let (kind, guest) = (LiveKind::Browser, Some(GuestId(guest)));
            let source = LiveSource { id: LiveId(id), kind, guest, name: "田中".into(), sound: true };
            let _accepted = live.ask_front(source, [1, 0], Moment::default());
        }
        let mut snapshot = Snapshot::default();
        snapshot.room.face.live.shown =
            Some(LiveLine { side: Side::Near, kind: LiveKind::Browser, name: "田中".into() });
        snapshot.room.live = live;
        snapshot
    }

    #[test]
    fn a_browser_is_told_of_its_own_sources_only_and_what_they_may_send() {
        let mut snapshot = shared();
        let own = |snapshot: &Snapshot, guest| {
            serde_json::json!(Live::of(snapshot, GuestId(guest), Language::Japanese)).get("mine").cloned()
        };
        let whole = serde_json::json!([{"id": 4, "front": true, "maxBitrate": 20_000_000, "maxFramerate": 10}]);
        assert_eq!(own(&snapshot, 1), Some(whole));
        assert_eq!(own(&snapshot, 3), Some(serde_json::json!([])));
        let (source, bitrate) = (LiveId(4), Bitrate::from_kbps(1564));
        snapshot.plan.live.send =
            Some(LiveSend { source, codec: VideoCodec::H264, bitrate, moving: true, sound: None });
        let _accepted = snapshot.room.live.ask(LiveRequest::Moving(true), [1, 0], Moment::default());
        let sent = serde_json::json!([{"id": 4, "front": true, "maxBitrate": 1_564_000, "maxFramerate": 30}]);
        assert_eq!(own(&snapshot, 1), Some(sent));
        // The box encodes it anew: for its size or codec, or because the line is narrow.
        let best = serde_json::json!([{"id": 4, "front": true, "maxBitrate": 20_000_000, "maxFramerate": 30}]);
        snapshot.room.live.goes_on(source, true);
        assert_eq!(own(&snapshot, 1), Some(best.clone()));
        snapshot.room.live.goes_on(LiveId(9), false);
        let narrow = Bitrate::from_kbps(564);
        snapshot.plan.live.send =
            Some(LiveSend { source, codec: VideoCodec::H264, bitrate: narrow, moving: true, sound: None });
        assert_eq!(own(&snapshot, 1), Some(best));
        let waits = serde_json::json!([{"id": 5, "front": false, "maxBitrate": 20_000_000, "maxFramerate": 10}]);
        assert_eq!(own(&snapshot, 2), Some(waits));
    }

    #[test]
    fn why_an_own_source_ended_stands_there_in_words() {
        let mut snapshot = shared();
        snapshot.room.live.end([2, 0], Moment::default());
        let told = serde_json::json!(Live::of(&snapshot, GuestId(2), Language::English));
        assert_eq!((told["past"][0]["id"].as_u64(), told["past"][0]["why"].as_str()), (Some(5), Some("meeting_over")));
        assert!(told["past"][0]["text"].as_str().is_some_and(|text| text.contains("meeting is over")));
        assert_eq!(told["mine"], serde_json::json!([]));
    }
}
