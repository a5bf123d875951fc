//! The link's session side: opening, checking the certificate, replacing, giving up.

use super::Link;
use crate::core::output::{Output, SessionOrder};
use crate::core::sessions::{Building, announced_fingerprint};
use crate::core::signal::Signal;
use crate::core::timers::Timer;
use crate::core::trunks::Trunk;
use crate::model::{Fingerprint, Line, Moment, Role, SessionId, TrunkId, VideoCodec};
use std::time::Duration;

impl Link {
    /// Gets a new session, now or after the pause: the offerer builds one, the answerer asks for one.
    pub(super) fn renew(&mut self, now: Moment) {
        let under_way = self.timers.at(Timer::SessionBuild).is_some() || self.timers.at(Timer::SessionPause).is_some();
        if !under_way {
            self.session_due(now);
        }
    }

    pub(super) fn session_needed(&self, now: Moment) -> bool {
        self.sessions.current.is_none() || !self.is_up(now)
    }

    pub(super) fn session_due(&mut self, now: Moment) {
        let Some(trunk) = self.trunks.chosen().cloned() else { return };
        if self.sessions.next.is_some() {
            return;
        }
        match self.role {
            Role::Answerer => {
                let instead_of = self.sessions.current.map(|current| current.session);
                self.timers.set(Timer::SessionBuild, now + SESSION_BUILD);
                self.say(Signal::SessionWanted { instead_of });
            }
            Role::Offerer => {
                let Some(codec) = self.agreed_codec(&trunk) else { return };
                self.opened += 1;
                let session = SessionId { boot: self.settings.boot, number: self.opened };
                self.open(session, codec, &trunk, None, now);
            }
        }
    }

    fn agreed_codec(&self, trunk: &Trunk) -> Option<VideoCodec> {
        self.settings.codecs.iter().find(|codec| trunk.hello.codecs.contains(codec)).copied()
    }

    fn open(&mut self, session: SessionId, codec: VideoCodec, trunk: &Trunk, offer: Option<String>, now: Moment) {
        self.retire();
        let announced = offer.as_deref().and_then(announced_fingerprint);
        let order = SessionOrder {
            session,
            role: self.role,
            port_index: self.sessions.take_port_index(),
            codec,
            own: trunk.own,
            peer: trunk.peer.ip(),
            offer,
        };
        self.sessions.next = Some(Building { order: order.clone(), trunk: trunk.id, announced });
        self.timers.set(Timer::SessionBuild, now + SESSION_BUILD);
        self.outputs.push_back(Output::OpenSession(order));
    }

    pub(super) fn offered(&mut self, trunk: TrunkId, session: SessionId, codec: VideoCodec, sdp: &str, now: Moment) {
        let Some(trunk) = self.trunks.iter().find(|open| open.id == trunk).cloned() else { return };
        let stale = session.boot != trunk.hello.boot || session.number <= self.far_number;
        if self.role == Role::Offerer || stale || !self.settings.codecs.contains(&codec) {
            return;
        }
        self.far_number = session.number;
        self.close_next();
        if announced_fingerprint(sdp).is_none() {
            self.say(Signal::SessionEnded { session });
            return;
        }
        self.opened += 1;
        self.open(session, codec, &trunk, Some(sdp.to_owned()), now);
    }

    pub(super) fn described(&mut self, session: SessionId, sdp: &str) {
        let Some(building) = self.sessions.building(session) else { return };
        let (trunk, codec, sdp) = (building.trunk, building.order.codec, sdp.to_owned());
        let signal = match self.role {
            Role::Offerer => Signal::Offer { session, codec, sdp },
            Role::Answerer => Signal::Answer { session, sdp },
        };
        // Where the negotiation began, not where it would begin now: of two dials that crossed one is about to be closed.
        self.outputs.push_back(Output::Send { trunk, signal });
    }

    pub(super) fn answered(&mut self, session: SessionId, sdp: &str, now: Moment) {
        let Some(building) = self.sessions.next.as_mut().filter(|next| next.order.session == session) else { return };
        if self.role == Role::Answerer || building.announced.is_some() {
            return;
        }
        building.announced = announced_fingerprint(sdp);
        if building.announced.is_none() {
            self.give_up_building(now);
            return;
        }
        self.outputs.push_back(Output::AcceptAnswer { session, sdp: sdp.to_owned() });
    }

    pub(super) fn secured(&mut self, session: SessionId, certificate: Option<Fingerprint>, now: Moment) {
        let Some(building) = self.sessions.building(session) else { return };
        if certificate.is_none() || certificate != building.announced {
            self.trouble.intruder = true;
            self.close_next();
            // Not a word to the peer: it shall see for itself with whom it speaks, and say so in its room.
            self.timers.set(Timer::SessionPause, now + INTRUDER_PAUSE);
            return;
        }
        self.timers.stop(Timer::SessionBuild);
        if self.sessions.admit(now).is_some() {
            self.first_frame_at = None;
            self.trouble.intruder = false;
            self.trouble.farewell = false;
            self.trouble.session_failed = false;
            self.differ_since = None;
            self.outputs.push_back(Output::Admit { session });
            self.outputs.push_back(Output::RefreshPicture { line: Line::Camera });
            let look = now + FIRST_FRAME;
            self.timers.set(Timer::PictureStale, self.timers.at(Timer::PictureStale).map_or(look, |at| at.min(look)));
            self.timers.set(Timer::Heartbeat, now);
            if self.sessions.retiring.is_some() {
                self.timers.set(Timer::SessionRetire, now + RETIRE);
            }
        }
    }

    pub(super) fn failed(&mut self, session: SessionId, now: Moment) {
        if self.sessions.building(session).is_some() {
            self.trouble.session_failed = true;
            self.give_up_building(now);
        } else if self.sessions.is_current(session) {
            self.end_current(session);
            self.say(Signal::SessionEnded { session });
            self.renew(now);
        }
    }

    pub(super) fn far_ended(&mut self, session: SessionId, now: Moment) {
        if self.sessions.building(session).is_some() {
            self.close_next();
            self.pause_sessions(now);
        } else if self.sessions.is_current(session) {
            self.end_current(session);
            self.renew(now);
        }
    }

    pub(super) fn picture_stale(&mut self, now: Moment) {
        // While the trunk has only just come back, the frames have until `FramesDue`.
        if self.timers.at(Timer::FramesDue).is_none() && self.frames_are_missing() {
            self.renew(now);
        }
        if self.sessions.current.is_some() {
            self.timers.set(Timer::PictureStale, now + STALE_AGAIN);
        }
    }

    /// The peer sends and nothing is seen. Without its word a silent picture is its camera's matter, not the session's.
    pub(super) fn frames_are_missing(&self) -> bool {
        self.sessions.current.is_some_and(|current| {
            let first_due = current.admitted_at + FIRST_FRAME;
            self.live.frames_missing_since(self.live.frame_at().map_or(first_due, |seen| seen.max(first_due)))
        })
    }

    pub(super) fn give_up_building(&mut self, now: Moment) {
        if let Some(session) = self.sessions.next.as_ref().map(|next| next.order.session) {
            self.close_next();
            self.say(Signal::SessionEnded { session });
        }
        self.pause_sessions(now);
    }

    /// Another session after a pause, if one is still needed then.
    fn pause_sessions(&mut self, now: Moment) {
        if !self.is_up(now) {
            let pause = self.session_pause.pause();
            self.timers.set(Timer::SessionPause, now + pause);
        }
    }

    pub(super) fn close_next(&mut self) {
        self.timers.stop(Timer::SessionBuild);
        if let Some(next) = self.sessions.next.take() {
            self.outputs.push_back(Output::CloseSession { session: next.order.session });
        }
    }

    /// What was said on a connection that is gone may never have arrived: true if a session must be begun anew.
    pub(super) fn negotiation_lost(&mut self) -> bool {
        let lost = match &self.sessions.next {
            Some(next) => self.trunks.iter().all(|open| open.id != next.trunk),
            // Asked for, and not yet offered.
            None => self.timers.at(Timer::SessionBuild).is_some(),
        };
        if lost {
            self.close_next();
        }
        lost
    }

    pub(super) fn end_current(&mut self, session: SessionId) {
        self.sessions.current = None;
        self.timers.stop(Timer::FramesDue);
        self.outputs.push_back(Output::CloseSession { session });
    }

    pub(super) fn end_all_sessions(&mut self) {
        self.close_next();
        self.retire();
        if let Some(current) = self.sessions.current {
            self.end_current(current.session);
        }
        self.timers.stop(Timer::SessionPause);
        self.session_pause.reset();
    }

    pub(super) fn retire(&mut self) {
        self.timers.stop(Timer::SessionRetire);
        if let Some(session) = self.sessions.retiring.take() {
            self.outputs.push_back(Output::CloseSession { session });
        }
    }

    pub(super) fn watch_picture(&mut self) {
        if let Some(at) = self.live.stale_at() {
            self.timers.set(Timer::PictureStale, at);
        }
    }
}

/// A handshake that loses a flight repeats it after 1 s (RFC 6347): two of those must fit.
const SESSION_BUILD: Duration = Duration::from_secs(4);
/// An admitted session that shows no frame for so long is looked at again.
const FIRST_FRAME: Duration = Duration::from_millis(1500);
/// While the picture is stale it is looked at again this often.
const STALE_AGAIN: Duration = Duration::from_millis(500);
/// The replaced session goes at the first frame of the new one, or after this.
const RETIRE: Duration = Duration::from_millis(1000);
/// Somebody on the path: try again, but slowly.
const INTRUDER_PAUSE: Duration = Duration::from_secs(5);
