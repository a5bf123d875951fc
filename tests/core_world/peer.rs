//! The peer adapter and the camera: sessions as webrtcbin was measured, frames as a decoder takes them.

use super::kiosk::Camera;
use super::{Event, MS, Mail, SECOND, World};
use engawa::core::input::{Input, News};
use engawa::core::output::SessionOrder;
use engawa::core::signal::{Alignment, CaptureMark};
use engawa::model::{BootId, Fingerprint, Line, MicState, Role, SessionId};

/// One webrtcbin life at one box.
pub struct PeerSession {
    pub order: SessionOrder,
    /// Names this end, as ICE's ufrag does.
    own_name: u64,
    /// The far end's, once its description was given to us.
    far_name: Option<u64>,
    /// Both descriptions are set: it handshakes.
    started: bool,
    /// The certificate of whom it really talked to.
    secured: Option<Option<Fingerprint>>,
    admitted: bool,
    /// The transport gave up: nothing flows here any more.
    pub dead: bool,
    heard_at: u64,
    next_frame: u64,
    asked_at: u64,
}

impl PeerSession {
    /// Both descriptions are set: it handshakes.
    pub fn started(&self) -> bool {
        self.started
    }
}

/// The DTLS certificate of one life of a daemon.
pub fn certificate(boot: BootId) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&boot.0.to_be_bytes());
    Fingerprint(bytes)
}

/// The certificate of whoever sits on the path.
pub const INTRUDERS: Fingerprint = Fingerprint([0xee; 32]);

impl World {
    pub fn session(&self, who: usize, session: SessionId) -> Option<&PeerSession> {
        self.kiosks[who].sessions.iter().find(|open| open.order.session == session)
    }

    /// The transport of the admitted session dies in silence; nobody is told.
    pub fn kill_transport(&mut self, who: usize) {
        let admitted = self.kiosks[who].admitted;
        for open in self.kiosks[who].sessions.iter_mut().filter(|open| Some(open.order.session) == admitted) {
            open.dead = true;
        }
    }

    /// What a session's description looks like.
    pub fn sdp(boot: BootId, name: u64) -> String {
        format!("v=0\r\na=ice-ufrag:{name}\r\na=fingerprint:sha-256 {:?}\r\n", certificate(boot))
    }

    pub(super) fn open_session(&mut self, who: usize, order: SessionOrder) {
        let kiosk = &self.kiosks[who];
        if kiosk.sessions.iter().any(|open| open.order.port_index == order.port_index) {
            self.fault(&format!("box {who}: two sessions on one port"));
        }
        let session = order.session;
        let life = kiosk.life;
        let port_busy = kiosk.port_free_at[usize::from(order.port_index)].saturating_sub(self.now);
        let far_name = order.offer.as_deref().and_then(name_in);
        let own_name = self.chance.next();
        self.kiosks[who].sessions.push(PeerSession {
            order,
            own_name,
            far_name,
            started: false,
            secured: None,
            admitted: false,
            dead: false,
            heard_at: self.now,
            next_frame: 0,
            asked_at: 0,
        });
        let after = port_busy + self.chance.between(5, 60) * MS;
        self.plan(after, Event::Described { who, life, session });
    }

    pub(super) fn described(&mut self, who: usize, life: u32, session: SessionId) {
        let (address, boot) = (self.kiosks[who].address, self.kiosks[who].boot);
        if self.kiosks[who].frozen {
            self.plan(100 * MS, Event::Described { who, life, session });
            return;
        }
        let Some(open) = self.end_mut(who, life, session) else { return };
        if address != Some(open.order.own) {
            let cause = "no candidates".to_owned();
            self.deliver(who, Mail::Urgent(Input::SessionFailed { session, cause }));
            return;
        }
        let sdp = Self::sdp(boot, open.own_name);
        let answering = open.order.role == Role::Answerer;
        open.started = answering;
        if answering {
            let until = self.now + 10 * SECOND;
            self.plan(MS, Event::Handshake { session, until });
        }
        self.deliver(who, Mail::Urgent(Input::SessionDescribed { session, sdp }));
    }

    pub(super) fn accept_answer(&mut self, who: usize, session: SessionId, sdp: &str) {
        let life = self.kiosks[who].life;
        let Some(open) = self.end_mut(who, life, session) else {
            self.fault(&format!("box {who}: an answer for a session that is not open"));
        };
        open.far_name = name_in(sdp);
        open.started = true;
        let until = self.now + 10 * SECOND;
        self.plan(MS, Event::Handshake { session, until });
    }

    /// ICE, then DTLS: both need the path both ways; a lost flight is repeated after a second.
    pub(super) fn handshake(&mut self, session: SessionId, until: u64) {
        let ready = |world: &Self, who: usize| world.session(who, session).is_some_and(|open| open.started);
        let again = |world: &mut Self, after: u64| {
            if world.now < until {
                world.plan(after, Event::Handshake { session, until });
            }
        };
        let done = [0, 1].map(|who| self.session(who, session).is_none_or(|open| open.secured.is_some()));
        if done == [true; 2] {
            return;
        }
        if self.intruder {
            // It answers each side by itself.
            for who in [0, 1] {
                let awake = !self.kiosks[who].frozen && self.media_passes(who, session);
                if !done[who] && awake && ready(self, who) {
                    self.secure(who, session, Some(INTRUDERS), 0);
                }
            }
            again(self, 200 * MS);
            return;
        }
        if !(ready(self, 0) && ready(self, 1)) {
            // The other end starts its own.
            return;
        }
        let names = [0, 1].map(|who| self.session(who, session).map(|open| (open.own_name, open.far_name)));
        let [Some((near, nears_far)), Some((far, fars_far))] = names else { return };
        let awake = self.kiosks.iter().all(|kiosk| !kiosk.frozen);
        let passes = self.media_passes(0, session) && self.media_passes(1, session);
        if nears_far != Some(far) || fars_far != Some(near) || !awake || !passes {
            again(self, 100 * MS);
            return;
        }
        let flights = [0, 1, 0, 1].map(|from| self.travel(from));
        if flights.contains(&None) {
            again(self, SECOND);
            return;
        }
        for who in [0, 1] {
            if !done[who] {
                let theirs = certificate(self.kiosks[1 - who].boot);
                let late = if self.travel(1 - who).is_none() { SECOND } else { 0 };
                self.secure(who, session, Some(theirs), late);
            }
        }
    }

    fn secure(&mut self, who: usize, session: SessionId, certificate: Option<Fingerprint>, late: u64) {
        let life = self.kiosks[who].life;
        let trip = self.ways[0].latency + self.ways[1].latency;
        let crypto = self.chance.between(20, 90) * MS;
        if let Some(open) = self.end_mut(who, life, session) {
            open.secured = Some(certificate);
        }
        self.plan(2 * trip + crypto + late, Event::Secured { who, life, session, certificate });
    }

    pub(super) fn secured(&mut self, who: usize, life: u32, session: SessionId, certificate: Option<Fingerprint>) {
        let now = self.now;
        let Some(open) = self.end_mut(who, life, session) else { return };
        open.heard_at = now;
        if certificate == Some(INTRUDERS) {
            self.intruded_at = now;
        }
        self.plan(SECOND, Event::Consent { who, life, session });
        self.deliver(who, Mail::Urgent(Input::SessionSecured { session, certificate }));
    }

    /// Media may move: the certificate must be of the life that it really talks to.
    pub(super) fn admit(&mut self, who: usize, session: SessionId) {
        let life = self.kiosks[who].life;
        let far = &self.kiosks[1 - who];
        // The far daemon may have died since; then nobody holds that key any more.
        let theirs = certificate(far.boot);
        let Some(open) = self.end_mut(who, life, session) else {
            self.fault(&format!("box {who} admits a session that is not open"));
        };
        let talked_to = open.secured;
        open.admitted = true;
        if talked_to == Some(Some(INTRUDERS)) || !matches!(talked_to, Some(Some(_))) {
            self.fault(&format!("box {who}: media admitted with a wrong certificate"));
        }
        if self.session(1 - who, session).is_some() && talked_to != Some(Some(theirs)) {
            self.fault(&format!("box {who}: media admitted with the certificate of another life"));
        }
        self.kiosks[who].admitted = Some(session);
    }

    pub(super) fn close_session(&mut self, who: usize, session: SessionId) {
        let Some(place) = self.kiosks[who].sessions.iter().position(|open| open.order.session == session) else {
            self.fault(&format!("box {who} closes {session}, which is not open"));
        };
        let closed = self.kiosks[who].sessions.remove(place);
        self.kiosks[who].past.push_back(session);
        if self.kiosks[who].past.len() > 6 {
            self.kiosks[who].past.pop_front();
        }
        if self.kiosks[who].admitted == Some(session) {
            self.kiosks[who].admitted = None;
        }
        let teardown = self.chance.between(5, 40) * MS;
        self.kiosks[who].port_free_at[usize::from(closed.order.port_index)] = self.now + teardown;
        // Half of the time the far end hears close_notify and calls it a failure.
        let far = 1 - who;
        let heard = closed.secured.is_some() && !self.intruder && self.media_passes(far, session);
        if heard && self.chance.holds(0.5) {
            let trip = self.ways[who].latency;
            let cause = "closed by the peer".to_owned();
            self.plan_mail(trip, far, Mail::Urgent(Input::SessionFailed { session, cause }));
        }
    }

    /// A transport that hears nothing for so long revokes consent, once.
    pub(super) fn consent(&mut self, who: usize, life: u32, session: SessionId) {
        let Some(limit) = self.options.consent else { return };
        let hears = self.media_passes(1 - who, session)
            && self.media_passes(who, session)
            && self.session(1 - who, session).is_some_and(|open| !open.dead)
            && !self.kiosks[1 - who].frozen;
        let now = self.now;
        let Some(open) = self.end_mut(who, life, session) else { return };
        if hears {
            open.heard_at = now;
        }
        if now - open.heard_at >= limit {
            open.dead = true;
            let cause = "consent revoked".to_owned();
            self.deliver(who, Mail::Urgent(Input::SessionFailed { session, cause }));
        } else {
            self.plan(SECOND, Event::Consent { who, life, session });
        }
    }

    /// The camera's clock ticks.
    pub(super) fn frame(&mut self, who: usize, life: u32) {
        if self.kiosks[who].life != life {
            return;
        }
        let (fps, now) = (self.options.fps, self.now);
        let kiosk = &mut self.kiosks[who];
        let period = if kiosk.camera == Camera::Placeholder { SECOND / 5 } else { SECOND / fps };
        let captured_at = kiosk.clock.local(now);
        let plan = kiosk.plan.camera.filter(|_| kiosk.camera != Camera::Hung && !kiosk.frozen);
        let sent = plan.zip(kiosk.admitted);
        self.plan(period, Event::Frame { who, life });
        let Some((plan, session)) = sent else { return };
        let kiosk = &mut self.kiosks[who];
        let every = plan.key_frame_every.map(|every| u64::try_from(every.as_nanos()).expect("short"));
        let key = kiosk.key_wanted || every.is_some_and(|every| now - kiosk.key_at >= every);
        if key {
            kiosk.key_wanted = false;
            kiosk.key_at = now;
        }
        kiosk.frame_number += 1;
        let number = kiosk.frame_number;
        let mark = CaptureMark { rtp: (captured_at.as_nanos() / 11_111) as u32, captured_at };
        let speaks = kiosk.plan.microphone == MicState::Open;
        self.deliver(who, Mail::News(News::LineSent { line: Line::Camera, mark }));
        if speaks {
            self.deliver(who, Mail::News(News::LineSent { line: Line::Voice, mark }));
        }
        if !self.media_passes(who, session) {
            return;
        }
        // A lost packet is asked for again, once.
        let trip = self.travel(who).or_else(|| {
            let again = self.travel(1 - who).zip(self.travel(who)).map(|(there, back)| there + back);
            again.map(|trip| trip + 20 * MS)
        });
        if let Some(trip) = trip {
            self.plan(trip + 4 * MS, Event::Picture { to: 1 - who, session, key, number });
        }
    }

    /// A picture arrives: after a gap only a key frame helps.
    pub(super) fn picture(&mut self, to: usize, session: SessionId, key: bool, number: u64) {
        let now = self.now;
        let passes = self.media_passes(to, session);
        let Some(open) = self.kiosks[to].sessions.iter_mut().find(|open| open.order.session == session) else { return };
        if !open.admitted || open.dead || (number < open.next_frame && !key) {
            return;
        }
        if key || (open.next_frame != 0 && number == open.next_frame) {
            open.next_frame = number + 1;
            if now - self.kiosks[to].decoded_at > 500 * MS {
                self.gap_at = now;
            }
            self.kiosks[to].decoded_at = now;
            self.kiosks[to].frames_decoded += 1;
            self.deliver(to, Mail::News(News::FrameDecoded { line: Line::Camera, session }));
            return;
        }
        open.next_frame = 0;
        if now - open.asked_at >= 100 * MS && passes {
            open.asked_at = now;
            if let Some(trip) = self.travel(to) {
                self.plan(trip, Event::KeyAsked { who: 1 - to, session });
            }
        }
    }

    pub(super) fn key_asked(&mut self, who: usize, session: SessionId) {
        if self.kiosks[who].admitted == Some(session) {
            self.kiosks[who].key_wanted = true;
        }
    }

    /// Playout is told when a far frame was captured, on the near clock: never in the future, not long ago.
    pub(super) fn check_alignment(&mut self, who: usize, alignment: Alignment) {
        let now = self.kiosks[who].clock.local(self.now);
        if alignment.captured_at.minus(now) > self.aligned_within {
            self.fault(&format!("box {who}: a far frame was captured in the future: {alignment:?}"));
        }
    }

    /// A media packet of this session, sent by box `from`, arrives: the session is never moved to another address.
    fn media_passes(&self, from: usize, session: SessionId) -> bool {
        self.session(from, session).is_some_and(|open| {
            !open.dead && self.ways[from].carries_media && self.reaches(from, open.order.own, open.order.peer)
        })
    }

    fn end_mut(&mut self, who: usize, life: u32, session: SessionId) -> Option<&mut PeerSession> {
        let kiosk = &mut self.kiosks[who];
        let alive = kiosk.life == life;
        kiosk.sessions.iter_mut().find(|open| alive && open.order.session == session)
    }
}

fn name_in(sdp: &str) -> Option<u64> {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")?.parse().ok())
}
