//! What the core says of itself: the plan to the media, the heartbeat to the far box, the snapshot to everybody else.

use super::Core;
use crate::core::diagnosis;
use crate::core::face::{Face, PageFace, PageState, PointerFace};
use crate::core::input::Percentiles;
use crate::core::link::Link;
use crate::core::plan::{self, MediaPlan, Picture};
use crate::core::share::Look;
use crate::core::signal::{Arriving, Cadence, Heartbeat, LineNews};
use crate::core::snapshot::{LinkState, RoomSnapshot, Snapshot};
use crate::model::{CameraState, Line, MicState, Moment, Role, Side};
use std::time::Duration;

impl Core {
    /// What is, right now.
    pub fn snapshot(&self, now: Moment) -> Snapshot {
        let mut snapshot = Snapshot {
            at: now,
            link: self.state,
            since: self.since,
            microphone: self.microphone(now),
            camera: self.camera(),
            received: self.received.clone(),
            carried: self.carried.clone(),
            sent: self.sent.clone(),
            plan: self.plan.clone(),
            missing: self.missing.clone(),
            fault: self.fault.clone(),
            wall_difference_ms: self.wall_difference_ms,
            room: self.room_snapshot(now),
            ..Snapshot::default()
        };
        if let Some(link) = &self.link {
            let trunk = link.trunks.chosen();
            snapshot.session = link.sessions.current.map(|current| current.session);
            snapshot.first_frame_at = link.first_frame_at.filter(|_| snapshot.session.is_some());
            snapshot.last_frame_at = link.live.frame_at();
            snapshot.codec = link.sessions.current.map(|current| current.codec);
            snapshot.sessions_opened = link.opened;
            snapshot.trunk = trunk.is_some();
            snapshot.bulk = !link.bulk.is_empty();
            snapshot.peer_address = trunk.map(|trunk| trunk.peer);
            snapshot.peer_name = trunk.map(|trunk| trunk.hello.name.clone());
            snapshot.peer_release = trunk.map(|trunk| trunk.hello.version.clone());
            snapshot.rtt = link.clock.rtt();
            snapshot.clock_offset_ns = link.clock.offset_ns();
            if let Some(far) = link.live.far() {
                snapshot.far_microphone = far.microphone;
                snapshot.far_camera = far.camera;
                snapshot.arriving_far = far.arriving;
            }
        }
        snapshot
    }

    pub(super) fn make_plan(&self, now: Moment) -> MediaPlan {
        let Some(link) = &self.link else {
            let (picture, sentence) = (Picture::Nothing, Some(self.settings.unlinked.clone()));
            let screen = plan::Screen { picture, sentence, face: self.face(now) };
            return MediaPlan { screen, ..MediaPlan::default() };
        };
        let far_camera = link.live.far().map_or(CameraState::Off, |far| far.camera);
        let codecs = link.sessions.current.map(|current| current.codec);
        plan::plan(&plan::Situation {
            bundle_goes: self.bundle_goes,
            room: &self.room,
            face: self.face(now),
            state: self.state,
            codec: codecs.or_else(|| link.settings.codecs.first().copied()),
            admitted: link.sessions.current.is_some(),
            far_is_deaf: link.far_is_deaf(),
            last_frame: link.live.frame_at(),
            picture_fresh: link.live.picture_is_fresh(now),
            fault: self.fault.as_ref().filter(|fault| fault.until.is_none()).map(|fault| fault.sentence.clone()),
            device_sentence: diagnosis::of_devices(far_camera, &self.missing),
            ceiling: self.settings.ceiling,
        })
    }

    fn face(&self, now: Moment) -> Face {
        let room = &self.room;
        let link = self.link.as_ref();
        let heard = link.and_then(|link| link.live.far());
        let far_name = link.and_then(|link| link.trunks.chosen()).map(|trunk| trunk.hello.name.clone());
        Face {
            mode: room.mode(),
            near: room.agreement.near(),
            far: room.agreement.far(),
            drawn: room.drawn,
            far_name: far_name.unwrap_or_else(|| self.plan.screen.face.far_name.clone()),
            far_view: room.far().view.clone(),
            far_veil: room.far().veil,
            veil: room.veil,
            microphone: self.microphone(now),
            microphone_wanted: room.microphone(),
            far_microphone: heard.filter(|_| self.state == LinkState::Up).map(|far| far.microphone).unwrap_or_default(),
            link: self.state,
            sealed: link.is_some_and(|link| link.sessions.current.is_some()),
            meeting_since: room.meeting_since,
            banner: room.banner(),
            page: self.page_face(),
            live: self.live_face(now),
            pointers: self.pointer_faces(),
            slips: self.slips(),
            hands: self.raised_hands(),
            poll: self.shown_poll(),
            menu: room.menu(),
            code: room.guests.code().filter(|_| room.show_code),
            own_picture: room.own_picture,
            volume: room.volume,
            locked: room.guests.locked,
        }
    }

    /// What stands in front, else what waits to be opened, else why the last one did not.
    fn page_face(&self) -> Option<PageFace> {
        let share = &self.room.share;
        let open = share.open().count();
        let at = |id, name: &str, look: Look, pages, state| PageFace {
            id,
            name: name.into(),
            look,
            pages,
            open,
            state,
            ink: share.drawn(id, look.page),
        };
        let whole = Look::at(0);
        if let Some(front) = share.word().in_front() {
            let state = match share.fault().filter(|fault| fault.id == front.id) {
                Some(fault) => PageState::Refused(fault.why),
                None if share.is_here(front.id) => PageState::Here,
                None => {
                    PageState::Arriving(self.arriving.filter(|(id, _)| *id == front.id).map_or(0, |(_, done)| done))
                }
            };
            return Some(at(front.id, &front.name, front.look, front.pages, state));
        }
        if let Some(opening) = share.opening().last() {
            return Some(at(opening.id, &opening.name, whole, 0, PageState::Opening));
        }
        share.fault().map(|fault| at(fault.id, &fault.name, whole, 0, PageState::Refused(fault.why)))
    }

    /// Those on the page in front.
    fn pointer_faces(&self) -> Vec<PointerFace> {
        let Some(front) = self.room.share.word().in_front() else { return Vec::new() };
        let near = self.link.as_ref().map(|link| link.role).unwrap_or_default();
        let far = if near == Role::Offerer { Role::Answerer } else { Role::Offerer };
        let pointed = [(Side::Near, near), (Side::Far, far)].into_iter().filter_map(|(room, of)| {
            let pointer = self.room.pointer(room)?;
            let on_it = (pointer.document, pointer.page) == (front.id, front.look.page);
            Some(PointerFace { room, of, at: pointer.at.filter(|_| on_it)? })
        });
        pointed.collect()
    }

    fn room_snapshot(&self, now: Moment) -> RoomSnapshot {
        let room = &self.room;
        RoomSnapshot {
            // A pointer is for the screens: pages would be told of every move.
            face: Face { pointers: Vec::new(), ..self.face(now) },
            knocked: room.is_knocked(),
            knocking: room.knocks(),
            views: room.settings.views.clone(),
            view: room.view,
            follow_turns: room.follows_turns(),
            share: room.share.clone(),
            prints: room.prints.clone(),
            board: room.notes.board().clone(),
            floor: room.floor.clone(),
            live: room.live.clone(),
            lesson: room.lesson,
            asked: room.help.asked().cloned(),
            helped: room.help.is_helped(),
            code: room.guests.code(),
            guests: room.guests.iter().cloned().collect(),
            evictions: room.evictions,
        }
    }

    pub(super) fn heartbeat(&self, now: Moment) -> Heartbeat {
        let link = self.link.as_ref();
        let mut lines = [LineNews::default(); 4];
        for (news, mark) in lines.iter_mut().zip(self.marks) {
            news.mark = mark;
        }
        lines[Line::Camera.index()].cadence = self.camera_cadence();
        if self.microphone(now) == MicState::Open {
            lines[Line::Voice.index()].cadence = Cadence::Every(VOICE_FRAME);
        }
        Heartbeat {
            sent_at: now,
            heard: link.and_then(Link::echo),
            wall_ms: self.wall_ms,
            session: link.and_then(|link| link.sessions.current).map(|current| current.session),
            lines,
            microphone: self.microphone(now),
            camera: self.camera(),
            room: Some(self.room.word()),
            arriving: link.filter(|link| link.sessions.current.is_some()).map(|_| self.arriving_here()),
        }
    }

    fn arriving_here(&self) -> Arriving {
        let millis = |delay: Option<Percentiles>| delay.map(|of| u16::try_from(of.p95.as_millis()).unwrap_or(u16::MAX));
        Arriving {
            kbps: self.carried.received_bps / 1000,
            loss_permille: (self.carried.loss * 1000.0).round().clamp(0.0, 1000.0) as u16,
            picture_ms: millis(self.received.picture_delay),
            sound_ms: millis(self.received.sound_delay),
        }
    }

    fn camera_cadence(&self) -> Cadence {
        match self.plan.camera {
            None => Cadence::Silent,
            Some(_) if self.sent.fps >= 1.0 => Cadence::Every(Duration::from_secs_f32(1.0 / self.sent.fps)),
            Some(_) => Cadence::Every(CAMERA_WARMING_UP),
        }
    }

    /// Computed from the packets really sent, never from the plan.
    pub(super) fn microphone(&self, now: Moment) -> MicState {
        let fresh = self.voice_sent_at.is_some_and(|at| now.since(at) < VOICE_SHOWN);
        if fresh { MicState::Open } else { MicState::Closed }
    }

    pub(super) fn camera(&self) -> CameraState {
        match (self.sent.live_frames, self.sent.fps > 0.0) {
            (1.., _) => CameraState::Live,
            (0, true) => CameraState::Placeholder,
            (0, false) => CameraState::Off,
        }
    }
}

/// An open microphone sends every 10 ms, and the loop turns at least with every heartbeat.
const VOICE_SHOWN: Duration = Duration::from_millis(600);
const VOICE_FRAME: Duration = Duration::from_millis(10);
const CAMERA_WARMING_UP: Duration = Duration::from_millis(200);
