//! The link's trunk side: dialling, choosing, hearing.

use super::Link;
use crate::core::input::DialFault;
use crate::core::liveness::{HEARTBEAT_PERIOD, TRUNK_SILENT};
use crate::core::output::Output;
use crate::core::playout::ClockOffset;
use crate::core::signal::{Alignment, Echo, Farewell, Heartbeat, Signal};
use crate::core::timers::Timer;
use crate::core::trunks::Trunk;
use crate::model::{Line, Moment, Network, Role, Side, TrunkId};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

impl Link {
    pub(super) fn dial(&mut self, now: Moment) {
        self.timers.stop(Timer::Redial);
        if !self.settings.dials || self.dialling || self.trunks.chosen().is_some() {
            return;
        }
        if self.settings.peer_address.is_none() {
            return;
        }
        let address = self.far_address.filter(|_| self.dial_far_address);
        // A peer that moved is tried at both places in turn.
        self.dial_far_address = !self.dial_far_address;
        let within = self.dial_within();
        self.dialling = true;
        self.timers.set(Timer::DialOverdue, now + within * 3 + DIAL_GRACE);
        self.outputs.push_back(Output::Dial { address, within });
    }

    /// Short, so that a returning path is found at once; now and then patient, if the path may be a long one.
    fn dial_within(&self) -> Duration {
        let patient = self.dials_timed_out % PATIENT_EVERY == PATIENT_EVERY - 1;
        match self.clock.rtt().filter(|_| self.dials_timed_out < FORGET_PATH_AFTER) {
            Some(rtt) => (rtt * 3).clamp(DIAL_WITHIN, PATIENT_DIAL),
            None if patient => PATIENT_DIAL,
            None => DIAL_WITHIN,
        }
    }

    pub(super) fn trunk_opened(&mut self, trunk: Trunk, now: Moment) {
        // A dial under way while the peer's own dial succeeds is still under way.
        if trunk.dialled_by == Side::Near {
            self.dial_answered();
        }
        self.timers.stop(Timer::Redial);
        let restarted = self.far_boot.is_some_and(|boot| boot != trunk.hello.boot);
        if self.far_boot != Some(trunk.hello.boot) {
            self.far_boot = Some(trunk.hello.boot);
            self.far_number = 0;
            self.live.forget_far();
            self.watch_picture();
            self.clock = ClockOffset::default();
            self.echo = None;
        }
        let was_open = self.trunks.chosen().is_some();
        if !was_open {
            self.echo = None;
            if now.since(self.trunk_heard_at) > CLOCK_TRUSTED {
                self.clock = ClockOffset::default();
            }
        }
        let (own, peer) = (trunk.own, trunk.peer.ip());
        self.remember_address(trunk.peer);
        let doomed = self.trunks.add(trunk, self.role);
        for id in doomed {
            self.outputs.push_back(Output::CloseTrunk { trunk: id });
        }
        self.trouble.dial = None;
        self.dials_timed_out = 0;
        // The life that said goodbye may still answer a last dial; only a new one is back.
        self.trouble.farewell &= !restarted;
        self.watch_trunks();
        self.timers.set(Timer::Heartbeat, now);
        if restarted {
            self.end_all_sessions();
        }
        if !was_open && !self.trouble.intruder {
            self.timers.stop(Timer::SessionPause);
            self.session_pause.reset();
        }
        let lost = self.negotiation_lost();
        let fresh = self.live.frame_at().is_some_and(|at| now.since(at) < FRAMES_DUE);
        let moved = self.sessions.current.is_some_and(|current| (current.own, current.peer) != (own, peer)) && !fresh;
        let outlived = self.live.frame_at().is_some_and(|at| now.since(at) > SRTP_OUTLIVES);
        if self.sessions.current.is_none() || moved || lost || outlived {
            self.renew(now);
        } else if !was_open {
            self.timers.set(Timer::FramesDue, now + FRAMES_DUE + self.live.beat() * 2);
        }
    }

    pub(super) fn dial_answered(&mut self) {
        self.dialling = false;
        self.timers.stop(Timer::DialOverdue);
    }

    pub(super) fn dial_failed(&mut self, fault: DialFault, now: Moment) {
        self.dial_answered();
        // The try itself was the pause: what the path is back after is waited for less.
        let pause = if fault == DialFault::TimedOut { SILENCE_PAUSE } else { REDIAL_PAUSE };
        self.timers.set(Timer::Redial, now + pause);
        self.trouble.dial = Some(fault);
        self.dials_timed_out = if fault == DialFault::TimedOut { self.dials_timed_out.saturating_add(1) } else { 0 };
    }

    fn remember_address(&mut self, peer: SocketAddr) {
        let heard = self.settings.peer_address.map(|configured| SocketAddr::new(peer.ip(), configured.port()));
        self.far_address = heard.filter(|heard| self.settings.peer_address != Some(*heard));
        self.dial_far_address = self.far_address.is_some();
    }

    pub(super) fn heard(&mut self, trunk: TrunkId, signal: &Signal, now: Moment) {
        match signal {
            Signal::Offer { session, codec, sdp } => self.offered(trunk, *session, *codec, sdp, now),
            Signal::Answer { session, sdp } => self.answered(*session, sdp, now),
            Signal::SessionWanted { instead_of } => {
                let ours = self.sessions.current.map(|current| current.session);
                if self.role == Role::Offerer && (ours == *instead_of || ours.is_none() || instead_of.is_none()) {
                    self.renew(now);
                }
            }
            Signal::SessionEnded { session } => self.far_ended(*session, now),
            Signal::Heartbeat(heartbeat) => self.heard_heartbeat(heartbeat, now),
            // Heard by the core: it is the room's.
            Signal::Share(_) | Signal::Ink(_) | Signal::Point(_) => {}
            Signal::Notes(_) | Signal::Floor(_) | Signal::Live(_) | Signal::Help(_) => {}
            Signal::Farewell(Farewell::GoingDown) => {
                self.trouble.farewell = true;
                self.end_all_sessions();
            }
        }
    }

    fn heard_heartbeat(&mut self, heartbeat: &Heartbeat, now: Moment) {
        if self.echo.is_none() {
            // Answered at once, so that both clocks are compared after one round trip.
            self.timers.set(Timer::Heartbeat, now);
        }
        self.trunk_heard_at = now;
        self.echo = Some(Echo { sent_at: heartbeat.sent_at, heard_at: now });
        self.clock.heard(heartbeat.heard, heartbeat.sent_at, now);
        self.live.heard(heartbeat.clone(), self.clock.offset_ns(), now);
        self.watch_picture();
        let current = self.sessions.current.map(|current| current.session);
        if heartbeat.session == current && current.is_some() {
            self.differ_since = None;
            self.align(heartbeat);
        } else if self.sessions.next.is_some() {
            self.differ_since = None;
        } else if now.since(*self.differ_since.get_or_insert(now)) >= DIFFER_LIMIT {
            self.differ_since = None;
            self.renew(now);
        }
    }

    fn align(&mut self, heartbeat: &Heartbeat) {
        let Some(offset) = self.clock.offset_ns() else { return };
        for line in Line::ALL {
            if let Some(mark) = heartbeat.lines[line.index()].mark {
                let captured_at = mark.captured_at.shifted(-offset);
                self.outputs.push_back(Output::Align(Alignment { line, rtp: mark.rtp, captured_at }));
            }
        }
    }

    /// Says the heartbeat on the chosen connection.
    pub fn beat(&mut self, heartbeat: Heartbeat, now: Moment) {
        let Some(trunk) = self.trunks.chosen().map(|trunk| trunk.id) else { return };
        self.outputs.push_back(Output::Send { trunk, signal: Signal::Heartbeat(Box::new(heartbeat)) });
        self.timers.set(Timer::Heartbeat, now + HEARTBEAT_PERIOD);
    }

    pub(super) fn network_changed(&mut self, network: &Network, now: Moment) {
        let gone = |own: IpAddr| !own.is_loopback() && !network.addresses.contains(&own);
        let orphaned = self.trunks.drop_where(|trunk| gone(trunk.own));
        self.network = Some(network.clone());
        // After an address change nothing ever flows again on the old session, even if the address returns (measured).
        if self.sessions.next.as_ref().is_some_and(|next| gone(next.order.own)) {
            self.close_next();
        }
        if let Some(current) = self.sessions.current.filter(|current| gone(current.own)) {
            self.end_current(current.session);
        }
        self.close_trunks(orphaned, now);
        if network.carrier && self.trunks.chosen().is_none() {
            // A dial without a network said nothing about where the peer is.
            self.dial_far_address = self.far_address.is_some();
            self.dial(now);
        }
    }

    pub(super) fn close_trunks(&mut self, ids: Vec<TrunkId>, now: Moment) {
        let any = !ids.is_empty();
        self.outputs.extend(ids.into_iter().map(|trunk| Output::CloseTrunk { trunk }));
        if any {
            self.trunks_changed(now, now);
        }
        self.watch_trunks();
    }

    pub(super) fn trunks_changed(&mut self, dial_at: Moment, now: Moment) {
        self.watch_trunks();
        if self.trunks.chosen().is_none() {
            self.bulk.clear();
            self.timers.stop(Timer::Heartbeat);
            self.timers.stop(Timer::FramesDue);
            self.close_next();
            match dial_at > now {
                true => self.timers.set(Timer::Redial, dial_at),
                false => self.dial(now),
            }
        } else if self.negotiation_lost() {
            self.renew(now);
        }
    }

    pub(super) fn watch_trunks(&mut self) {
        match self.trunks.silent_at(TRUNK_SILENT) {
            Some(at) => self.timers.set(Timer::TrunkSilent, at),
            None => self.timers.stop(Timer::TrunkSilent),
        }
    }

    pub(super) fn say(&mut self, signal: Signal) {
        if let Some(trunk) = self.trunks.chosen().map(|trunk| trunk.id) {
            self.outputs.push_back(Output::Send { trunk, signal });
        }
    }

    pub(super) fn say_farewell(&mut self) {
        for trunk in self.trunks.iter().map(|trunk| trunk.id).collect::<Vec<_>>() {
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Farewell(Farewell::GoingDown) });
        }
        self.end_all_sessions();
        self.outputs.push_back(Output::Stop);
    }
}

/// How long TCP may take to connect, unless the round trip is known to be long.
const DIAL_WITHIN: Duration = Duration::from_millis(250);
/// A first SYN's answer over any path a conversation is possible on.
const PATIENT_DIAL: Duration = Duration::from_secs(1);
const PATIENT_EVERY: u32 = 8;
/// After so many tries (10 minutes and more) the round trip known from before says nothing any more.
const FORGET_PATH_AFTER: u32 = 1800;
/// The adapter answers within three times the deadline; a little more before it is called broken.
const DIAL_GRACE: Duration = Duration::from_secs(1);
/// A SYN every 300 ms: some 2 kbit/s.
const SILENCE_PAUSE: Duration = Duration::from_millis(50);
pub(super) const REDIAL_PAUSE: Duration = Duration::from_millis(250);
/// Two crystals drift apart by 24 ms in this time (±200 ppm each); after that they are compared anew.
const CLOCK_TRUSTED: Duration = Duration::from_secs(60);
/// Frames flow again this soon after the path is back (0.1–0.7 s were measured); after that, and the
/// cadence twice for a key frame that had to be asked for, a new session is quicker.
const FRAMES_DUE: Duration = Duration::from_millis(300);
/// A cut after which the old session most likely has lost count of its packets: see `plan::INTO_SILENCE`.
const SRTP_OUTLIVES: Duration = Duration::from_secs(15 * 60);
/// Both boxes may speak of different sessions for this long while one is replaced.
const DIFFER_LIMIT: Duration = Duration::from_secs(1);
