//! The thread of one session: everything that decides, waits or changes a state happens here, never in a GStreamer callback.
//!
//! ```text
//!             build, play                   all candidates known            DTLS up
//! Starting ─────────────────▶ Describing ───────────────────────▶ Standing ─────────▶ Standing   ── Close ──▶ torn down
//!     └ port not free, bad offer: SessionFailed ┘      (SessionDescribed)   (SessionSecured)            on its own thread
//! ```
//! Callbacks only say a [`Turn`]. `Close` is also a flag, so that a full queue cannot lose it.

use super::certificate;
use super::passage::Departure;
use super::ports::{Lease, Ports};
use super::rig::{Rig, Surroundings};
use super::sdp;
use crate::core::input::Input;
use crate::core::output::SessionOrder;
use crate::model::{Role, SessionId};
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_webrtc::{
    WebRTCICEGatheringState, WebRTCPeerConnectionState, WebRTCRTPTransceiver, WebRTCSDPType, WebRTCSessionDescription,
};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// The loop's end of a session.
pub(super) struct Handle {
    tell: Tell,
    closing: Arc<AtomicBool>,
    departure: Arc<OnceLock<Departure>>,
}

/// What a session's thread is told.
enum Turn {
    /// webrtcbin made our description.
    Made(WebRTCSessionDescription),
    /// webrtcbin took the peer's description.
    Taken,
    /// All candidates are known.
    Gathered,
    /// DTLS is up.
    Connected,
    /// The peer's answer came.
    Answer(String),
    /// Statistics are wanted.
    Measure,
    /// It cannot go on.
    Broken(String),
    /// Tear down.
    Close,
}

/// Says a turn from any thread; never waits.
#[derive(Clone)]
struct Tell(SyncSender<Turn>);

impl Handle {
    /// Starts the thread that builds and keeps the session.
    pub(super) fn start(order: SessionOrder, around: Surroundings, ports: Arc<Ports>) -> std::io::Result<Self> {
        let (sender, turns) = sync_channel(TURNS);
        let handle = Self {
            tell: Tell(sender),
            closing: Arc::new(AtomicBool::new(false)),
            departure: Arc::new(OnceLock::new()),
        };
        let session = Session {
            order,
            around,
            tell: handle.tell.clone(),
            closing: Arc::clone(&handle.closing),
            departure: Arc::clone(&handle.departure),
        };
        thread::Builder::new().name("peer-session".to_owned()).spawn(move || session.live(&ports, &turns))?;
        Ok(handle)
    }

    /// The way out, once it is built.
    pub(super) fn departure(&self) -> Option<&Departure> {
        self.departure.get()
    }

    pub(super) fn answer(&self, sdp: &str) {
        self.tell.say(Turn::Answer(sdp.to_owned()));
    }

    pub(super) fn measure(&self) {
        self.tell.say(Turn::Measure);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        self.tell.say(Turn::Close);
    }
}

impl Tell {
    fn say(&self, turn: Turn) {
        // Full only when the thread hangs, gone only when it has ended: both are told by the deadlines.
        if self.0.try_send(turn).is_err() {
            tracing::debug!("a session's thread takes no turn any more");
        }
    }
}

/// What lives on the thread.
struct Session {
    order: SessionOrder,
    around: Surroundings,
    tell: Tell,
    closing: Arc<AtomicBool>,
    departure: Arc<OnceLock<Departure>>,
}

impl Session {
    fn live(self, ports: &Arc<Ports>, turns: &Receiver<Turn>) {
        let Some(lease) = ports.lease(self.around.port, PORT_DEADLINE) else {
            return self.fail(format!("UDP port {} is still held after {PORT_DEADLINE:?}", self.around.port));
        };
        // libnice would gather for ever instead of saying so.
        if let Err(fault) = UdpSocket::bind((self.order.own, self.around.port)) {
            return self.fail(format!("UDP {} port {}: {fault}", self.order.own, self.around.port));
        }
        match Rig::build(&self.order, &self.around) {
            Ok(rig) => {
                if let Err(cause) = self.run(&rig, turns) {
                    self.fail(cause);
                }
                self.around.gate.close();
                tear_down(rig, lease, self.order.session);
            }
            Err(fault) => self.fail(format!("cannot be built: {fault}")),
        }
    }

    /// From the first description to `Close`.
    fn run(&self, rig: &Rig, turns: &Receiver<Turn>) -> Result<(), String> {
        self.watch(rig);
        let departure = Departure {
            session: self.order.session,
            gate: Arc::clone(&self.around.gate),
            sources: rig.sources.clone(),
            entrances: rig.entrances.clone(),
        };
        // Set once, here: the thread has one life.
        let _ = self.departure.set(departure);
        rig.pipeline.set_state(gst::State::Playing).map_err(|fault| format!("does not start: {fault}"))?;
        match (self.order.role, &self.order.offer) {
            (Role::Offerer, _) => self.make(rig, "create-offer"),
            (Role::Answerer, Some(offer)) => self.take(rig, WebRTCSDPType::Offer, offer)?,
            (Role::Answerer, None) => return Err("there is no offer to answer".to_owned()),
        }
        let mut described = false;
        loop {
            let turn = if described {
                turns.recv().map_err(|_| "bug: nobody is left to end the session".to_owned())?
            } else {
                turns
                    .recv_timeout(DESCRIBE_DEADLINE)
                    .map_err(|_| format!("no description within {DESCRIBE_DEADLINE:?}: candidates were not gathered"))?
            };
            if self.closing.load(Ordering::Acquire) {
                return Ok(());
            }
            match turn {
                Turn::Made(description) => self.set(rig, "set-local-description", &description, None),
                Turn::Taken => {
                    if self.order.role == Role::Answerer {
                        self.make(rig, "create-answer");
                    }
                }
                Turn::Gathered => {
                    if !described {
                        described = true;
                        self.describe(rig)?;
                    }
                }
                Turn::Answer(answer) => self.take(rig, WebRTCSDPType::Answer, &answer)?,
                Turn::Connected => self.secure(rig),
                Turn::Measure => self.measure(rig),
                Turn::Broken(cause) => return Err(cause),
                Turn::Close => return Ok(()),
            }
        }
    }

    /// Connects what webrtcbin tells to this thread. Nothing here holds the pipeline.
    fn watch(&self, rig: &Rig) {
        let tell = self.tell.clone();
        rig.webrtcbin.connect_notify(Some("ice-gathering-state"), move |webrtcbin, _| {
            if webrtcbin.property::<WebRTCICEGatheringState>("ice-gathering-state") == WebRTCICEGatheringState::Complete
            {
                tell.say(Turn::Gathered);
            }
        });
        let tell = self.tell.clone();
        rig.webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            let state = webrtcbin.property::<WebRTCPeerConnectionState>("connection-state");
            // "Connected" proves nothing, "failed" does: libnice of Debian 13 no longer sends once the far consent is
            // 30 s old (RFC 7675), and never will again.
            if state == WebRTCPeerConnectionState::Connected {
                tell.say(Turn::Connected);
            } else if state == WebRTCPeerConnectionState::Failed {
                tell.say(Turn::Broken("its transport failed".to_owned()));
            }
        });
        let tell = self.tell.clone();
        if let Some(bus) = rig.pipeline.bus() {
            bus.set_sync_handler(move |_, message| {
                if let gst::MessageView::Error(error) = message.view() {
                    let source = message.src().map(|source| source.name().to_string()).unwrap_or_default();
                    tell.say(Turn::Broken(format!("{source}: {}", error.error())));
                }
                gst::BusSyncReply::Drop
            });
        }
    }

    /// Asks webrtcbin for an offer or an answer.
    fn make(&self, rig: &Rig, what: &'static str) {
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let name = if what == "create-offer" { "offer" } else { "answer" };
            match reply.ok().flatten().map(|reply| reply.get::<WebRTCSessionDescription>(name)) {
                Some(Ok(description)) => tell.say(Turn::Made(description)),
                Some(Err(_)) | None => tell.say(Turn::Broken(format!("webrtcbin made no {name}"))),
            }
        });
        rig.webrtcbin.emit_by_name::<()>(what, &[&None::<gst::Structure>, &promise]);
    }

    /// Hands the peer's description to webrtcbin, cleaned.
    fn take(&self, rig: &Rig, kind: WebRTCSDPType, text: &str) -> Result<(), String> {
        let clean = sdp::admissible(text, self.order.codec, self.order.peer).map_err(|fault| fault.to_string())?;
        // Set once: an answer comes once, and a second one is refused by webrtcbin.
        let _ = rig.streams.set(clean.streams);
        let description = WebRTCSessionDescription::new(kind, clean.message);
        self.set(rig, "set-remote-description", &description, Some(Turn::Taken));
        Ok(())
    }

    fn set(&self, rig: &Rig, what: &'static str, description: &WebRTCSessionDescription, then: Option<Turn>) {
        let tell = self.tell.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let refusal = match reply {
                Ok(reply) => {
                    reply.and_then(|reply| reply.get::<glib::Error>("error").ok()).map(|fault| fault.to_string())
                }
                Err(fault) => Some(format!("{fault:?}")),
            };
            match (refusal, then) {
                (Some(refusal), _) => tell.say(Turn::Broken(format!("{what}: {refusal}"))),
                (None, Some(turn)) => tell.say(turn),
                (None, None) => {}
            }
        });
        rig.webrtcbin.emit_by_name::<()>(what, &[description, &promise]);
    }

    /// Our description is complete.
    fn describe(&self, rig: &Rig) -> Result<(), String> {
        let description = rig.webrtcbin.property::<Option<WebRTCSessionDescription>>("local-description");
        let text = description.and_then(|description| description.sdp().as_text().ok());
        let sdp = text.ok_or("webrtcbin has no local description")?;
        if !sdp.contains("a=candidate:") {
            return Err(format!("{} port {} gives no candidate", self.order.own, self.around.port));
        }
        self.around.inbox.urgent(Input::SessionDescribed { session: self.order.session, sdp });
        Ok(())
    }

    /// Tells which certificate the peer really used.
    fn secure(&self, rig: &Rig) {
        let pem = rig
            .webrtcbin
            .emit_by_name::<Option<WebRTCRTPTransceiver>>("get-transceiver", &[&0_i32])
            .and_then(|transceiver| transceiver.sender())
            .and_then(|sender| sender.transport())
            .and_then(|transport| transport.remote_certificate());
        let certificate = certificate::fingerprint(pem.as_deref());
        // rtpsession maps RTP time to clock time only once it knows the latency of the sinks behind it, which is none.
        rig.pipeline.set_latency(gst::ClockTime::ZERO);
        if let Err(fault) = rig.pipeline.recalculate_latency() {
            tracing::debug!(session = %self.order.session, %fault, "the session's latency is not known");
        }
        self.around.inbox.urgent(Input::SessionSecured { session: self.order.session, certificate });
    }

    /// Reads the RTP session's own statistics: webrtcbin's count as lost only what repair did not bring back.
    fn measure(&self, rig: &Rig) {
        let rtpbin = rig.webrtcbin.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
        let session =
            rtpbin.and_then(|rtpbin| rtpbin.emit_by_name::<Option<glib::Object>>("get-internal-session", &[&BUNDLE]));
        if let (Some(session), Some(streams)) = (session, rig.streams.get()) {
            let statistics = session.property::<gst::Structure>("stats");
            self.around.meter.take_statistics(&statistics, streams, rig.estimator.bps());
        }
    }

    fn fail(&self, cause: String) {
        self.around.gate.close();
        if !self.closing.load(Ordering::Acquire) {
            self.around.inbox.urgent(Input::SessionFailed { session: self.order.session, cause });
        }
    }
}

/// Stops and frees everything on a thread of its own; the port is free when that is through.
fn tear_down(rig: Rig, lease: Lease, session: SessionId) {
    let (done, through) = sync_channel(1);
    let spawned = thread::Builder::new().name("peer-close".to_owned()).spawn(move || {
        if let Err(fault) = rig.pipeline.set_state(gst::State::Null) {
            tracing::warn!(%session, %fault, "a session did not stop cleanly");
        }
        drop(rig);
        drop(lease);
        let _ = done.send(());
    });
    if let Err(fault) = spawned {
        tracing::warn!(%session, %fault, "no thread to tear a session down");
    } else if through.recv_timeout(CLOSE_DEADLINE).is_err() {
        tracing::warn!(%session, deadline = ?CLOSE_DEADLINE, "tearing a session down takes too long");
    }
}

/// The RTP session all lines are bundled in.
const BUNDLE: u32 = 0;
/// Turns that may wait; a session has about ten in its life and one a second after that.
const TURNS: usize = 32;
/// Waiting for the last session on this port to leave it.
const PORT_DEADLINE: Duration = Duration::from_secs(2);
/// From playing to a description with all candidates: 10 ms, 0.3 s for a process's first (it makes the DTLS key). Six cold
/// processes at once on two cores took up to 4 s in all, so 3 s was too short.
const DESCRIBE_DEADLINE: Duration = Duration::from_secs(10);
/// Tearing down takes about 10 ms.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
