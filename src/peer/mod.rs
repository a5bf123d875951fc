//! The peer room: one webrtcbin session per [`SessionId`], each with its own pipeline, thread and UDP port.
//!
//! ```text
//!                    Peer (on the loop, never waits)
//!   OpenSession ─▶ session thread ─ builds ─▶ pipeline: appsrc ×4 ▶ payloaders ▶ webrtcbin ▶ depayloaders ▶ taps
//!        Admit ─▶ gate (atomic) ─────────────────▲─ nothing of ours before ─┘    └─ nothing of theirs before
//!                 Outlet ▶ the admitted session only
//! ```
//! Promise: no media moves in either direction before [`Peer::admit`], and then on that session only; no candidate, port,
//! socket or name besides the ordered ones is used; closing frees everything. Not here: who may be admitted (the core), and
//! any decision from webrtcbin's connection state (it stays "connected" over a dead line).

mod certificate;
mod lines;
mod meter;
mod pacer;
mod passage;
mod ports;
mod receiving;
mod repair;
mod rig;
pub mod sdp;
mod sending;
mod session;

pub use passage::Outlet;

use crate::core::input::{CarryReport, Input};
use crate::core::output::SessionOrder;
use crate::inbox::Inbox;
use crate::model::{Bitrate, Line, LiveId, SessionId};
use gst::prelude::*;
use gstreamer as gst;
use meter::{Meter, Reading};
use pacer::Pace;
use passage::Gate;
use ports::Ports;
use repair::Repair;
use rig::Surroundings;
use session::Handle;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use thiserror::Error;

/// All sessions of this box.
pub struct Peer {
    settings: PeerSettings,
    taps: Taps,
    inbox: Inbox,
    ports: Arc<Ports>,
    outlet: Outlet,
    pace: Pace,
    sharing: Option<LiveId>,
    sessions: BTreeMap<SessionId, Open>,
    admitted: Option<SessionId>,
    warm_up: Option<JoinHandle<()>>,
}

/// What does not change from session to session.
#[derive(Clone, Debug, Default)]
pub struct PeerSettings {
    /// UDP; a session uses `session_port + order.port_index`.
    pub session_port: u16,
    /// RTP time and sequence number every line of every session begins near, so that tests meet the wraps; random if `None`.
    pub starts: Option<(u32, u16)>,
    /// What this box may send in all; repair of lost packets takes a share of it.
    pub ceiling: Bitrate,
}

/// Where what arrives goes. Called on GStreamer's threads; must be quick and must not wait.
#[derive(Clone)]
pub struct Taps {
    /// One whole access unit (H.264 byte stream) or VP8 frame with its RTP time; `DELTA_UNIT` and `DISCONT` are set as they
    /// should be, the PTS is about the arrival on our clock.
    pub video: VideoTap,
    /// One Opus packet as it arrived, before any reordering.
    pub sound: SoundTap,
    /// The far side asks for a key frame (PLI, FIR), or frames had to be left out.
    pub key_frame_wanted: KeyFrameTap,
}

/// See [`Taps::video`].
pub type VideoTap = Arc<dyn Fn(SessionId, Line, gst::Buffer, u32) + Send + Sync>;
/// See [`Taps::sound`].
pub type SoundTap = Arc<dyn Fn(SessionId, Line, SoundPacket) + Send + Sync>;
/// See [`Taps::key_frame_wanted`].
pub type KeyFrameTap = Arc<dyn Fn(Line) + Send + Sync>;

/// One Opus packet.
#[derive(Clone, Debug)]
pub struct SoundPacket {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP time, 48 kHz.
    pub rtp: u32,
    /// The Opus packet; its PTS is when it arrived, on our clock.
    pub payload: gst::Buffer,
}

/// Why the peer room cannot be opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PeerError {
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    GStreamer(String),
    /// An element is not installed.
    #[error("the GStreamer element {element} is missing: install the Debian package {package}")]
    ElementMissing {
        /// Its name.
        element: &'static str,
        /// Where it is.
        package: &'static str,
    },
}

/// A session on the loop's side.
struct Open {
    handle: Handle,
    gate: Arc<Gate>,
    meter: Arc<Meter>,
    reading: Reading,
    header: u64,
}

impl Peer {
    /// Checks that everything a session needs is installed.
    ///
    /// # Errors
    /// [`PeerError`] names what is missing and the package that has it.
    pub fn new(settings: PeerSettings, taps: Taps, inbox: Inbox) -> Result<Self, PeerError> {
        gst::init().map_err(|fault| PeerError::GStreamer(fault.to_string()))?;
        gstrsrtp::plugin_register_static().map_err(|fault| PeerError::GStreamer(fault.to_string()))?;
        for (element, package) in NEEDED {
            if gst::ElementFactory::find(element).is_none() {
                return Err(PeerError::ElementMissing { element, package });
            }
        }
        Ok(Self {
            warm_up: warm_up(),
            settings,
            taps,
            inbox,
            ports: Arc::default(),
            outlet: Outlet::default(),
            pace: Pace::default(),
            sharing: None,
            sessions: BTreeMap::new(),
            admitted: None,
        })
    }

    /// Builds a session; `SessionDescribed` or `SessionFailed` follows. A name is used once.
    pub fn open(&mut self, order: &SessionOrder) {
        let session = order.session;
        let (gate, meter) = (Arc::<Gate>::default(), Arc::<Meter>::default());
        let around = Surroundings {
            port: self.settings.session_port.saturating_add(order.port_index),
            starts: self.settings.starts,
            taps: self.taps.clone(),
            inbox: self.inbox.clone(),
            gate: Arc::clone(&gate),
            meter: Arc::clone(&meter),
            repair: Arc::new(Repair::of(self.settings.ceiling)),
            pace: self.pace.clone(),
        };
        match Handle::start(order.clone(), around, Arc::clone(&self.ports)) {
            Ok(handle) => {
                self.close(session);
                let header = header_bytes(order.own);
                self.sessions.insert(session, Open { handle, gate, meter, reading: Reading::default(), header });
            }
            Err(fault) => {
                self.inbox.urgent(Input::SessionFailed { session, cause: format!("no thread for it: {fault}") });
            }
        }
    }

    /// Gives an offered session its answer; `SessionFailed` follows if it is not one.
    pub fn accept_answer(&mut self, session: SessionId, sdp: &str) {
        match self.sessions.get(&session) {
            Some(open) => open.handle.answer(sdp),
            None => tracing::debug!(%session, "an answer to no session"),
        }
    }

    /// Lets media move on this session, both ways, and on no other.
    pub fn admit(&mut self, session: SessionId) {
        let Some(open) = self.sessions.get(&session) else {
            return tracing::debug!(%session, "no session to admit");
        };
        let Some(departure) = open.handle.departure().cloned() else {
            return tracing::debug!(%session, "admitted before it was built: stays closed");
        };
        for other in self.sessions.iter().filter(|(name, _)| **name != session).map(|(_, other)| other) {
            other.gate.close();
        }
        open.gate.open();
        self.outlet.lead_to(departure);
        self.admitted = Some(session);
    }

    /// Ends a session: its gate is closed when this returns, the rest goes on elsewhere.
    pub fn close(&mut self, session: SessionId) {
        if let Some(open) = self.sessions.remove(&session) {
            open.gate.close();
            self.outlet.leave(session);
            self.admitted = self.admitted.filter(|admitted| *admitted != session);
        }
    }

    /// Where encoders put what they made.
    pub fn outlet(&self) -> Outlet {
        self.outlet.clone()
    }

    /// The encoder of the live share aims at this: its packets leave not much faster, whatever bursts it makes. None: nothing
    /// of it leaves any more, not even what waits. Another source: nothing of the one before.
    pub fn pace(&mut self, live: Option<(LiveId, Bitrate)>) {
        let source = live.map(|(source, _)| source);
        if std::mem::replace(&mut self.sharing, source) != source {
            self.pace.begin_anew();
        }
        // The encoder's target has no headers in it, and a queue must be able to empty.
        self.pace.set(live.map_or(0, |(_, target)| (target.as_bps() / 5 * 6).max(1)));
    }

    /// No session can be made in this process any more: on both ports a teardown hangs.
    pub fn is_exhausted(&self) -> bool {
        self.ports.exhausted()
    }

    /// What the admitted session carried since the last call; to be called once a second. Loss, jitter and estimate are those
    /// of the call before: they are asked for here and answered later.
    pub fn report(&mut self) -> Option<CarryReport> {
        let open = self.sessions.get_mut(&self.admitted?)?;
        open.handle.measure();
        Some(open.meter.report(&mut open.reading, open.header, gst::SystemClock::obtain().time()))
    }
}

impl Drop for Peer {
    /// Waits for what still uses the DTLS library, which must not happen while the process exits.
    fn drop(&mut self) {
        for session in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.close(session);
        }
        if let Some(warm_up) = self.warm_up.take() {
            let _its_panic_was_told = warm_up.join();
        }
        if !self.ports.empty(LEAVE_DEADLINE) {
            tracing::warn!(deadline = ?LEAVE_DEADLINE, "a session does not leave");
        }
    }
}

/// Loads what a session is made of and lets the DTLS plugin make its key, which it does once per process and slowly, while
/// the trunk is still being dialled.
fn warm_up() -> Option<JoinHandle<()>> {
    let work = || NEEDED.iter().for_each(|(element, _)| drop(gst::ElementFactory::make(element).build()));
    std::thread::Builder::new().name("engawa-warm-up".to_owned()).spawn(work).ok()
}

/// Tearing a session down takes about 10 ms.
const LEAVE_DEADLINE: Duration = Duration::from_secs(1);

/// IP and UDP headers of one packet.
const fn header_bytes(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(_) => 20 + 8,
        IpAddr::V6(_) => 40 + 8,
    }
}

/// Elements a session is made of, and the Debian package of each.
const NEEDED: [(&str, &str); 18] = [
    ("webrtcbin", BAD),
    ("dtlssrtpenc", BAD),
    ("dtlssrtpdec", BAD),
    ("srtpenc", BAD),
    ("nicesrc", "gstreamer1.0-nice"),
    ("nicesink", "gstreamer1.0-nice"),
    ("rtpbin", GOOD),
    ("rtpjitterbuffer", GOOD),
    ("rtprtxsend", GOOD),
    ("rtpulpfecenc", GOOD),
    ("rtpredenc", GOOD),
    ("rtpopuspay", GOOD),
    ("rtph264pay", GOOD),
    ("rtph264depay", GOOD),
    ("rtpvp8pay", GOOD),
    ("rtpvp8depay", GOOD),
    ("appsrc", "gstreamer1.0-plugins-base"),
    ("fakesink", "libgstreamer1.0-0"),
];
const GOOD: &str = "gstreamer1.0-plugins-good";
const BAD: &str = "gstreamer1.0-plugins-bad";
