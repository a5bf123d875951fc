//! The gate of a session and the outlet that leads to it. Until the gate opens nothing of ours leaves and nothing of theirs
//! comes out; both are read in the path of every packet.

use super::lines::is_video;
use super::receiving::Entrances;
use crate::model::{Line, SessionId};
use gstreamer as gst;
use gstreamer_app::AppSrc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Closed at birth, opened by `Peer::admit`, closed for good by whatever ends the session's turn.
#[derive(Debug, Default)]
pub(super) struct Gate(AtomicBool);

impl Gate {
    pub(super) fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn close(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Where encoders put what they made. Cheap to clone; outlives every session.
#[derive(Clone, Default)]
pub struct Outlet(Arc<RwLock<Option<Departure>>>);

/// The way out through one session.
#[derive(Clone)]
pub(super) struct Departure {
    pub(super) session: SessionId,
    pub(super) gate: Arc<Gate>,
    pub(super) sources: Sources,
    pub(super) entrances: Entrances,
}

/// The entrances of the four lines.
pub(super) type Sources = [Arc<Source>; 4];

/// The entrance of one line.
pub(super) struct Source {
    pub(super) line: Line,
    pub(super) app: AppSrc,
    /// A frame was left out: what follows is of no use before the next key frame.
    pub(super) torn: AtomicBool,
    pub(super) key_frame_wanted: Arc<dyn Fn(Line) + Send + Sync>,
}

impl Outlet {
    /// Sends one access unit, VP8 frame or Opus packet; its PTS is the capture [`Moment`](crate::model::Moment) in nanoseconds.
    /// It goes to the admitted session, and nowhere if there is none. Never waits.
    pub fn send(&self, line: Line, buffer: gst::Buffer) {
        let departure = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(departure) = departure.as_ref().filter(|departure| departure.gate.is_open()) else { return };
        departure.sources[line.index()].push(buffer);
    }

    /// Asks the far side of this session for a key frame: the decoder cannot go on without one.
    pub fn ask_key_frame(&self, session: SessionId, line: Line) {
        let departure = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let asked = departure.as_ref().filter(|departure| departure.session == session);
        let entrances = asked.map(|departure| departure.entrances.clone());
        drop(departure); // the question runs through webrtcbin; the loop must not wait for it
        if let Some(entrances) = entrances {
            entrances.ask_key_frame(line);
        }
    }

    pub(super) fn lead_to(&self, departure: Departure) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(departure);
    }

    /// Leads nowhere, if it led to this session.
    pub(super) fn leave(&self, session: SessionId) {
        let mut departure = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if departure.as_ref().is_some_and(|departure| departure.session == session) {
            *departure = None;
        }
    }
}

impl Source {
    /// Hands a buffer to the payloader's thread. A full queue (the machine stood still) drops whole frames, and picture goes on
    /// with the next key frame, never with a torn one.
    fn push(&self, buffer: gst::Buffer) {
        if self.app.current_level_buffers() >= QUEUE_BUFFERS {
            if is_video(self.line) && !self.torn.swap(true, Ordering::AcqRel) {
                (self.key_frame_wanted)(self.line);
            }
            return;
        }
        let delta = is_video(self.line) && buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        if delta && self.torn.load(Ordering::Acquire) {
            return;
        }
        self.torn.store(false, Ordering::Release);
        if let Err(refusal) = self.app.push_buffer(buffer) {
            tracing::trace!(line = ?self.line, %refusal, "the session takes nothing any more");
        }
    }
}

/// Half a second of sound or of picture at 30 frames per second is 50 or 15; more than that helps nobody.
const QUEUE_BUFFERS: u64 = 32;
