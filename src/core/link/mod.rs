//! The link machine: keeps one trunk and one session alive, for ever.
//!
//! ```text
//!  trunk    none ──dial──► dialling ──opened──► open ──1.5 s silent, closed──► none          (250 ms pauses, for ever)
//!  session  none ──order──► next ──certificate right──► current ──stale, failed, moved──► next beside it …
//! ```
//! May be relied on: media is admitted only after the certificate that DTLS used equals the one announced over the trunk;
//! a cut keeps the session, and a new one is built only when frames do not come although the peer sends them.
//! Deliberately absent: the mode. Nothing here knows what is sent.

mod session;
mod trunk;

use trunk::REDIAL_PAUSE;

use crate::core::backoff::Backoff;
use crate::core::input::{DialFault, Input};
use crate::core::liveness::{Liveness, TRUNK_SILENT};
use crate::core::output::Output;
use crate::core::playout::ClockOffset;
use crate::core::sessions::Sessions;
use crate::core::signal::Echo;
use crate::core::timers::{Timer, Timers};
use crate::core::trunks::{Trunk, Trunks};
use crate::model::{BootId, BoxId, Moment, Network, Role, SessionId, TrunkId, VideoCodec};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// What the link is built from.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// This box.
    pub near: BoxId,
    /// The pinned peer.
    pub far: BoxId,
    /// This life.
    pub boot: BootId,
    /// Whether this box dials.
    pub dials: bool,
    /// Where the peer listens, if configured.
    pub peer_address: Option<SocketAddr>,
    /// Codecs of this box, best first.
    pub codecs: Vec<VideoCodec>,
}

/// The machine. [`super::Core`] feeds it and takes its outputs.
#[derive(Clone, Debug)]
pub struct Link {
    pub(super) settings: LinkSettings,
    pub(super) role: Role,
    pub(super) timers: Timers,
    pub(super) trunks: Trunks,
    pub(super) sessions: Sessions,
    pub(super) live: Liveness,
    pub(super) clock: ClockOffset,
    pub(super) network: Option<Network>,
    pub(super) opened: u64,
    pub(super) bulk: Vec<TrunkId>,
    pub(super) trouble: Trouble,
    pub(super) first_frame_at: Option<Moment>,
    echo: Option<Echo>,
    far_boot: Option<BootId>,
    far_number: u64,
    far_address: Option<SocketAddr>,
    dialling: bool,
    dials_timed_out: u32,
    dial_far_address: bool,
    trunk_heard_at: Moment,
    differ_since: Option<Moment>,
    session_pause: Backoff,
    outputs: VecDeque<Output>,
}

/// What was learnt about why it does not work; the diagnosis reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// The last dial's fault, until a trunk opens.
    pub dial: Option<DialFault>,
    /// The peer said goodbye, until it is back.
    pub farewell: bool,
    /// A certificate was not the announced one, until a session is admitted.
    pub intruder: bool,
    /// The session's own transport reported failure, until one is admitted.
    pub session_failed: bool,
}

impl Link {
    /// A link that has not yet done anything; call [`Link::start`] next.
    pub fn new(settings: LinkSettings, now: Moment) -> Self {
        Self {
            role: Role::of(settings.near, settings.far),
            settings,
            timers: Timers::default(),
            trunks: Trunks::default(),
            sessions: Sessions::default(),
            live: Liveness::default(),
            clock: ClockOffset::default(),
            network: None,
            opened: 0,
            bulk: Vec::new(),
            trouble: Trouble::default(),
            first_frame_at: None,
            echo: None,
            far_boot: None,
            far_number: 0,
            far_address: None,
            dialling: false,
            dials_timed_out: 0,
            dial_far_address: false,
            trunk_heard_at: now,
            differ_since: None,
            session_pause: Backoff::new(SESSION_PAUSE, SESSION_PAUSE_LONGEST),
            outputs: VecDeque::new(),
        }
    }

    /// First wishes.
    pub fn start(&mut self, now: Moment) {
        self.dial(now);
    }

    /// News that concerns the link; everything else is ignored here.
    pub fn handle(&mut self, input: &Input, now: Moment) {
        match input {
            Input::TrunkOpened { trunk, dialled_by, peer, own, hello } => {
                let trunk = Trunk {
                    id: *trunk,
                    dialled_by: *dialled_by,
                    peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
                    own: own.ip().to_canonical(),
                    hello: hello.clone(),
                    opened_at: now,
                    heard_at: now,
                };
                self.trunk_opened(trunk, now);
            }
            Input::TrunkClosed { trunk } => {
                self.bulk.retain(|known| known != trunk);
                if let Some(gone) = self.trunks.remove(*trunk) {
                    // One that is closed as soon as it opens must not be redialled without a pause.
                    self.trunks_changed(gone.opened_at + REDIAL_PAUSE, now);
                }
            }
            Input::DialFailed { fault } => self.dial_failed(*fault, now),
            // Two trunks may be up for a moment, each with its own: the one that goes takes only its own with it.
            Input::BulkChanged { trunk, up } => {
                self.bulk.retain(|known| known != trunk);
                if *up {
                    self.bulk.push(*trunk);
                }
            }
            Input::Heard { trunk, signal } => {
                if self.trunks.heard(*trunk, now) {
                    self.watch_trunks();
                    self.heard(*trunk, signal, now);
                }
            }
            Input::SessionDescribed { session, sdp } => self.described(*session, sdp),
            Input::SessionSecured { session, certificate } => self.secured(*session, *certificate, now),
            Input::SessionFailed { session, cause: _ } => self.failed(*session, now),
            Input::NetworkChanged(network) => self.network_changed(network, now),
            Input::RenewalDue => self.renew(now),
            Input::StopRequested => self.say_farewell(),
            Input::DocumentArrived { .. }
            | Input::DocumentFailed { .. }
            | Input::DocumentWithheld { .. }
            | Input::DeviceChanged { .. }
            | Input::Room(_) => {}
        }
    }

    /// A frame of `session` was decoded.
    pub fn frame_decoded(&mut self, session: SessionId, now: Moment) {
        if self.sessions.is_current(session) {
            self.session_pause.reset();
            self.first_frame_at.get_or_insert(now);
            self.retire();
        } else if self.sessions.retiring != Some(session) {
            return;
        }
        self.live.frame_decoded(now);
        self.watch_picture();
    }

    /// A deadline passed. The heartbeat's content is not the link's: [`super::Core`] answers that timer with [`Link::beat`].
    pub fn handle_timer(&mut self, timer: Timer, now: Moment) {
        match timer {
            Timer::Heartbeat => {}
            Timer::Redial => self.dial(now),
            Timer::DialOverdue => {
                self.dialling = false;
                self.dial(now);
            }
            Timer::TrunkSilent => {
                let silent = self.trunks.drop_where(|trunk| trunk.heard_at + TRUNK_SILENT <= now);
                self.close_trunks(silent, now);
            }
            Timer::FramesDue => {
                if self.frames_are_missing() {
                    self.renew(now);
                }
            }
            Timer::PictureStale => self.picture_stale(now),
            Timer::SessionBuild => self.give_up_building(now),
            Timer::SessionPause if self.session_needed(now) => self.session_due(now),
            Timer::SessionPause => {}
            Timer::SessionRetire => self.retire(),
            Timer::KnockEnds
            | Timer::SilenceEnds
            | Timer::CutTooLong
            | Timer::TurnDue
            | Timer::MenuCloses
            | Timer::ToldEnds
            | Timer::CodeRotates
            | Timer::ShareDue
            | Timer::PointerFades
            | Timer::PrintsDue
            | Timer::HelpDue
            | Timer::PagesEnd
            | Timer::NotesDue
            | Timer::NotesAge
            | Timer::FloorDue
            | Timer::LiveDue
            | Timer::LiveTurns
            | Timer::SleepDue => {}
        }
    }

    /// The next wish.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Fresh proof of life, and a session that carries it or is about to.
    pub fn is_up(&self, now: Moment) -> bool {
        let held = self.sessions.current.is_some() || self.sessions.next.is_some();
        held && self.live.stale_at().is_some_and(|at| now < at)
    }

    /// The current session itself has shown life: what lifts "lost", while [`Link::is_up`] is what keeps it away.
    pub fn is_back(&self, now: Moment) -> bool {
        let admitted_at = self.sessions.current.map(|current| current.admitted_at);
        self.is_up(now) && admitted_at.is_some_and(|admitted| self.live.proof_at() >= Some(admitted))
    }

    /// The next heartbeat leaves at once.
    pub fn say_now(&mut self, now: Moment) {
        if self.trunks.chosen().is_some() {
            self.timers.set(Timer::Heartbeat, now);
        }
    }

    /// The far box cannot ask for a key frame now, because it does not hear us or we do not hear it.
    pub fn far_is_deaf(&self) -> bool {
        self.sessions.current.is_some() && self.trunks.chosen().is_none()
    }

    /// The answer to the last heartbeat heard.
    pub fn echo(&self) -> Option<Echo> {
        self.echo
    }
}

const SESSION_PAUSE: Duration = Duration::from_millis(250);
const SESSION_PAUSE_LONGEST: Duration = Duration::from_secs(2);
