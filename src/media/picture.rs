//! The far room's picture: access units in, decoded frames out at the right moment.
//!
//! ```text
//!  take(session, rtp, unit) ─▶ key frame? ─▶ appsrc ─▶ decoder ─▶ appsink ─▶ PictureHold: due
//!                                  │ no: ask                                     ▼
//!                                  ▼                              [ shelf ] ─▶ picture thread ─▶ shown
//! ```
//!
//! The decoder outlives sessions: a new one costs one key frame. Nothing torn is shown: after a gap, an error or a new
//! session units are dropped until a key frame comes, and `key_frame_needed` says so. A frame in, a frame out: there is
//! no queue in the decoder; the shelf holds at most [`SHELF`] frames and drops a frame that its successor overtook.

use super::decoder;
use super::stage::{Stage, StageFault, lock, now, spawn};
use crate::core::input::{News, Percentiles};
use crate::core::playout::{CaptureClock, Follower, Heard, PictureHold, Tally};
use crate::core::signal::Alignment;
use crate::inbox::Inbox;
use crate::model::{Line, Moment, SessionId, VideoCodec};
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Called on the picture thread with each frame at the moment it is due; must hand it on quickly.
pub type Shown = Arc<dyn Fn(&gst::Sample, Moment) + Send + Sync>;

/// Called when nothing can be decoded before the sender makes a key frame; at most every [`ASK_EVERY`].
pub type KeyFrameNeeded = Arc<dyn Fn(SessionId, Line) + Send + Sync>;

/// Decodes the camera line. Cheap to clone; any thread may call it.
#[derive(Clone)]
pub struct PictureReceiver(Arc<Shared>);

/// What was really shown since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PictureReport {
    /// Capture in the far room → handed to the renderer; `None` until aligned.
    pub delay: Option<Percentiles>,
    /// Unit taken → decoded.
    pub decoding: Option<Percentiles>,
    /// Frames handed to the renderer.
    pub frames: u32,
    /// Frames that were overtaken by their successor.
    pub dropped: u32,
    /// Size in pixels.
    pub size: Option<(u32, u32)>,
}

struct Shared {
    clock: gst::Clock,
    inbox: Inbox,
    shown: Shown,
    key_frame_needed: KeyFrameNeeded,
    hold: Arc<Mutex<PictureHold>>,
    intake: Mutex<Intake>,
    shelf: Mutex<Shelf>,
    wake: Condvar,
}

/// What the network's threads and the decoder share.
struct Intake {
    source: Option<gst_app::AppSrc>,
    codec: VideoCodec,
    follower: Follower,
    capture: CaptureClock,
    waits_for_key_frame: bool,
    asked: Option<(SessionId, Moment)>,
    /// What is inside the decoder.
    inside: VecDeque<Unit>,
    last_pts: Moment,
}

#[derive(Clone, Copy)]
struct Unit {
    /// When it was taken: its name inside the decoder.
    pts: Moment,
    rtp: u32,
    session: SessionId,
}

/// What the decoder and the picture thread share.
#[derive(Default)]
struct Shelf {
    frames: VecDeque<Ready>,
    rebuild: bool,
    stopped: bool,
    figures: Figures,
}

struct Ready {
    due: Moment,
    unit: Unit,
    sample: gst::Sample,
}

#[derive(Default)]
struct Figures {
    delays: Tally,
    decoding: Tally,
    frames: u32,
    dropped: u32,
    size: Option<(u32, u32)>,
}

enum Work {
    Rebuild,
    Show(Ready),
    Stop,
}

impl PictureReceiver {
    /// Starts the picture thread and the decoder.
    pub fn start(
        codec: VideoCodec,
        clock: gst::Clock,
        hold: Arc<Mutex<PictureHold>>,
        inbox: Inbox,
        shown: Shown,
        key_frame_needed: KeyFrameNeeded,
    ) -> Self {
        let intake = Intake {
            source: None,
            codec,
            follower: Follower::default(),
            capture: CaptureClock::new(Line::Camera),
            waits_for_key_frame: true,
            asked: None,
            inside: VecDeque::new(),
            last_pts: Moment::default(),
        };
        let shared = Arc::new(Shared {
            clock,
            inbox,
            shown,
            key_frame_needed,
            hold,
            intake: Mutex::new(intake),
            shelf: Mutex::new(Shelf { rebuild: true, ..Shelf::default() }),
            wake: Condvar::new(),
        });
        let receiver = Arc::clone(&shared);
        spawn("picture", move || receiver.run());
        Self(shared)
    }

    /// A whole access unit of the camera line: H.264 as byte stream, or a VP8 frame. `DISCONT` on it says that something
    /// before it is missing.
    pub fn take(&self, session: SessionId, rtp: u32, unit: &gst::Buffer) {
        let taken_at = now(&self.0.clock);
        let (push, ask) = lock(&self.0.intake).admit(session, rtp, unit, taken_at);
        if let Some((source, buffer)) = push
            && let Err(error) = source.push_buffer(buffer)
        {
            tracing::debug!(%error, "the decoder takes nothing");
        }
        if ask {
            (self.0.key_frame_needed)(session, Line::Camera);
        }
    }

    /// Decode this codec from now on.
    pub fn codec(&self, codec: VideoCodec) {
        let mut intake = lock(&self.0.intake);
        if intake.codec != codec {
            intake.codec = codec;
            intake.source = None;
            drop(intake);
            self.0.rebuild();
        }
    }

    /// The newest pair of RTP time and capture time.
    pub fn align(&self, alignment: Alignment) {
        lock(&self.0.intake).capture.align(alignment);
    }

    /// What was shown since the last report.
    pub fn report(&self) -> PictureReport {
        let mut shelf = lock(&self.0.shelf);
        let size = shelf.figures.size;
        let mut figures = std::mem::replace(&mut shelf.figures, Figures { size, ..Figures::default() });
        drop(shelf);
        PictureReport {
            delay: figures.delays.take(),
            decoding: figures.decoding.take(),
            frames: figures.frames,
            dropped: figures.dropped,
            size,
        }
    }

    /// Ends thread and decoder.
    pub fn stop(&self) {
        lock(&self.0.shelf).stopped = true;
        self.0.wake.notify_one();
    }
}

impl Intake {
    /// What to push into the decoder, and whether to ask for a key frame.
    fn admit(
        &mut self,
        session: SessionId,
        rtp: u32,
        unit: &gst::Buffer,
        taken_at: Moment,
    ) -> (Option<(gst_app::AppSrc, gst::Buffer)>, bool) {
        let key_frame = decoder::is_key_frame(self.codec, unit);
        match self.follower.hear(session, taken_at) {
            Heard::Followed => {}
            Heard::Left => return (None, false),
            Heard::Candidate if key_frame => self.follower.follow(session, taken_at),
            Heard::Candidate => return (None, self.may_ask(session, taken_at)),
        }
        if key_frame {
            self.waits_for_key_frame = false;
        } else if unit.flags().contains(gst::BufferFlags::DISCONT) {
            self.waits_for_key_frame = true;
        }
        let Some(source) = self.source.clone().filter(|_| !self.waits_for_key_frame) else {
            self.waits_for_key_frame = true;
            return (None, self.may_ask(session, taken_at));
        };
        if self.inside.len() >= INSIDE {
            // The decoder is stuck behind or swallows what it cannot repair.
            self.inside.clear();
            self.waits_for_key_frame = true;
            return (None, self.may_ask(session, taken_at));
        }
        let pts = taken_at.max(self.last_pts + Duration::from_nanos(1));
        self.last_pts = pts;
        self.inside.push_back(Unit { pts, rtp, session });
        let mut buffer = unit.copy(); // shares the bytes
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(pts.as_nanos()));
            buffer.set_dts(gst::ClockTime::NONE);
            buffer.unset_flags(gst::BufferFlags::DISCONT);
        }
        let swallowed = self.inside.len() > SWALLOWED && self.may_ask(session, taken_at);
        (Some((source, buffer)), swallowed)
    }

    fn may_ask(&mut self, session: SessionId, at: Moment) -> bool {
        let may = self.asked.is_none_or(|(of, asked_at)| of != session || at.since(asked_at) >= ASK_EVERY);
        if may {
            self.asked = Some((session, at));
        }
        may
    }

    /// The unit a decoded frame was made from; those before it gave no picture.
    fn decoded(&mut self, pts: Moment) -> Option<Unit> {
        while let Some(unit) = self.inside.pop_front() {
            if unit.pts == pts {
                return Some(unit);
            }
            if unit.pts > pts {
                self.inside.push_front(unit);
                return None;
            }
        }
        None
    }
}

impl Shared {
    fn run(self: Arc<Self>) {
        let mut stage = None;
        let mut failures = 0_u32;
        loop {
            match self.next_work() {
                Work::Stop => return,
                Work::Show(ready) => self.show(ready),
                Work::Rebuild => {
                    drop(stage.take());
                    let codec = lock(&self.intake).codec;
                    match self.build(codec) {
                        Ok((new_stage, source)) => {
                            stage = Some(new_stage);
                            failures = 0;
                            let mut intake = lock(&self.intake);
                            intake.inside.clear();
                            intake.waits_for_key_frame = true;
                            intake.source = (intake.codec == codec).then_some(source);
                        }
                        Err(fault) => {
                            tracing::warn!(%fault, ?codec, "the picture cannot be decoded");
                            failures = (failures + 1).min(8);
                            self.retry_after(RETRY * failures);
                        }
                    }
                }
            }
        }
    }

    /// Waits for the next frame that is due, or for other work.
    fn next_work(&self) -> Work {
        let mut shelf = lock(&self.shelf);
        loop {
            if shelf.stopped {
                return Work::Stop;
            }
            if std::mem::take(&mut shelf.rebuild) {
                return Work::Rebuild;
            }
            let at = now(&self.clock);
            while shelf.frames.get(1).is_some_and(|successor| successor.due <= at) {
                shelf.frames.pop_front();
                shelf.figures.dropped += 1;
            }
            shelf = match shelf.frames.front().map(|ready| ready.due) {
                Some(due) if due <= at => match shelf.frames.pop_front() {
                    Some(ready) => return Work::Show(ready),
                    None => shelf,
                },
                Some(due) => self.wake.wait_timeout(shelf, due.since(at)).unwrap_or_else(PoisonError::into_inner).0,
                None => self.wake.wait(shelf).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn show(&self, ready: Ready) {
        let shown_at = now(&self.clock);
        (self.shown)(&ready.sample, shown_at);
        let delay = lock(&self.intake).capture.delay(ready.unit.rtp, shown_at);
        let mut shelf = lock(&self.shelf);
        shelf.figures.frames += 1;
        if let Some(delay) = delay {
            shelf.figures.delays.add(delay);
        }
        drop(shelf);
        self.inbox.news(News::FrameDecoded { line: Line::Camera, session: ready.unit.session });
    }

    /// On the decoder's thread.
    fn decoded(&self, sample: gst::Sample) {
        let decoded_at = now(&self.clock);
        let Some(pts) = sample.buffer().and_then(gst::BufferRef::pts) else { return };
        let mut intake = lock(&self.intake);
        let Some(unit) = intake.decoded(Moment::from_nanos(pts.nseconds())) else { return };
        let captured_at = intake.capture.delay(unit.rtp, decoded_at).and_then(|_| intake.capture.captured_at(unit.rtp));
        drop(intake);
        let due = lock(&self.hold).due(captured_at, decoded_at);
        let size = sample.caps().and_then(|caps| caps.structure(0)).and_then(decoder::size_in);
        let mut shelf = lock(&self.shelf);
        shelf.figures.decoding.add(decoded_at.since(unit.pts));
        shelf.figures.size = size.or(shelf.figures.size);
        shelf.frames.push_back(Ready { due, unit, sample });
        if shelf.frames.len() > SHELF {
            shelf.frames.pop_front();
            shelf.figures.dropped += 1;
        }
        drop(shelf);
        self.wake.notify_one();
    }

    fn rebuild(&self) {
        lock(&self.shelf).rebuild = true;
        self.wake.notify_one();
    }

    /// Nobody else uses the picture thread while there is no decoder.
    fn retry_after(&self, pause: Duration) {
        let shelf = lock(&self.shelf);
        let (mut shelf, _) = self
            .wake
            .wait_timeout_while(shelf, pause, |shelf| !shelf.stopped && !shelf.rebuild)
            .unwrap_or_else(PoisonError::into_inner);
        shelf.rebuild = true;
    }

    fn build(self: &Arc<Self>, codec: VideoCodec) -> Result<(Stage, gst_app::AppSrc), StageFault> {
        let (broken, shared) = (Arc::downgrade(self), Arc::downgrade(self));
        let broken = move |cause: String| {
            tracing::warn!(cause, "the decoder failed");
            if let Some(shared) = broken.upgrade() {
                lock(&shared.intake).source = None;
                shared.rebuild();
            }
        };
        let decoded = move |sample| {
            if let Some(shared) = shared.upgrade() {
                shared.decoded(sample);
            }
        };
        decoder::build(codec, &self.clock, broken, decoded)
    }
}

const ASK_EVERY: Duration = Duration::from_millis(200);
const RETRY: Duration = Duration::from_millis(250);
/// 40 ms of lip sync at the longest sound delay (400 ms) need so many frames at 30 fps, not more.
const SHELF: usize = 14;
/// Units that may be inside the decoder before it counts as stuck.
const INSIDE: usize = 12;
/// Units without a picture before the sender is asked for a key frame.
const SWALLOWED: usize = 3;
