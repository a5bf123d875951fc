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
//! no queue in the decoder; the shelf holds at most [`SHELF`] frames and drops a frame that its successor overtook. A
//! decoder that fails, hangs or gives nothing is replaced, for ever.

use super::admission::{Admission, INSIDE, Unit, Verdict};
use super::decoder;
use super::stage::{Lives, Stage, lock, now, spawn};
use crate::core::input::{News, Percentiles};
use crate::core::playout::{PictureHold, Tally};
use crate::core::signal::Alignment;
use crate::inbox::Inbox;
use crate::model::{Line, Moment, SessionId, VideoCodec};
use gstreamer as gst;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Called on the picture thread with each frame at the moment it is due; must hand it on quickly.
pub type Shown = Arc<dyn Fn(&gst::Sample, Moment) + Send + Sync>;

/// Called when nothing can be decoded before the sender makes a key frame; at most every 200 ms.
pub type KeyFrameNeeded = Arc<dyn Fn(SessionId, Line) + Send + Sync>;

/// Decodes one line of pictures. Cheap to clone; any thread may call it.
#[derive(Clone)]
pub struct PictureReceiver(Arc<Shared>);

/// What a receiver is started with.
pub struct PicturePlan {
    /// The line it decodes.
    pub line: Line,
    /// The codec expected first.
    pub codec: VideoCodec,
    /// The clock of all pipelines.
    pub clock: gst::Clock,
    /// Keeps lips and voice together; one of its own holds nothing back.
    pub hold: Arc<Mutex<PictureHold>>,
}

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
    line: Line,
    clock: gst::Clock,
    inbox: Inbox,
    shown: Shown,
    key_frame_needed: KeyFrameNeeded,
    hold: Arc<Mutex<PictureHold>>,
    admission: Mutex<Admission>,
    /// Makes decoders.
    make: decoder::Make,
    lives: Lives,
    shelf: Mutex<Shelf>,
    wake: Condvar,
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
    pub fn start(plan: PicturePlan, inbox: Inbox, shown: Shown, key_frame_needed: KeyFrameNeeded) -> Self {
        Self::start_with(Box::new(decoder::of), plan, inbox, shown, key_frame_needed)
    }

    pub(super) fn start_with(
        make: decoder::Make,
        plan: PicturePlan,
        inbox: Inbox,
        shown: Shown,
        key_frame_needed: KeyFrameNeeded,
    ) -> Self {
        let PicturePlan { line, codec, clock, hold } = plan;
        let shared = Arc::new(Shared {
            line,
            clock,
            inbox,
            shown,
            key_frame_needed,
            hold,
            admission: Mutex::new(Admission::new(codec)),
            make,
            lives: Lives::default(),
            shelf: Mutex::new(Shelf { rebuild: true, ..Shelf::default() }),
            wake: Condvar::new(),
        });
        let receiver = Arc::clone(&shared);
        spawn("picture", move || receiver.run());
        Self(shared)
    }

    /// A whole access unit of the line: H.264 as byte stream, or a VP8 frame. `DISCONT` on it says that something
    /// before it is missing.
    pub fn take(&self, session: SessionId, rtp: u32, unit: &gst::Buffer) {
        let taken_at = now(&self.0.clock);
        let verdict = lock(&self.0.admission).admit(session, rtp, unit, taken_at);
        let ask = match verdict {
            Verdict::Decode { source, buffer, ask } => {
                if let Err(error) = source.push_buffer(buffer) {
                    tracing::debug!(%error, "the decoder takes nothing");
                }
                ask
            }
            Verdict::Drop { ask } => ask,
            Verdict::Stuck => {
                tracing::warn!("the decoder takes units and gives no picture: another one is built");
                self.0.rebuild();
                false
            }
        };
        if ask {
            (self.0.key_frame_needed)(session, self.0.line);
        }
    }

    /// Decode this codec from now on.
    pub fn codec(&self, codec: VideoCodec) {
        let mut admission = lock(&self.0.admission);
        if admission.codec != codec {
            admission.change(codec);
            drop(admission);
            self.0.rebuild();
        }
    }

    /// The newest pair of RTP time and capture time.
    pub fn align(&self, alignment: Alignment) {
        lock(&self.0.admission).capture.align(alignment);
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

    /// Units inside the decoder, those of them that wait before it, and the decoders that have not come back.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize, usize) {
        let (inside, queued) = lock(&self.0.admission).held();
        (inside, queued, self.0.lives.count())
    }

    /// Ends thread and decoder.
    pub fn stop(&self) {
        lock(&self.0.shelf).stopped = true;
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn run(self: Arc<Self>) {
        let mut stage = None;
        loop {
            match self.next_work() {
                Work::Stop => return,
                Work::Show(ready) => self.show(ready),
                Work::Rebuild => {
                    drop(stage.take());
                    self.pause();
                    stage = self.build();
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
        let delay = lock(&self.admission).capture.delay(ready.unit.rtp, shown_at);
        let mut shelf = lock(&self.shelf);
        shelf.figures.frames += 1;
        if let Some(delay) = delay {
            shelf.figures.delays.add(delay);
        }
        drop(shelf);
        self.inbox.news(News::FrameDecoded { line: self.line, session: ready.unit.session });
    }

    /// On the decoder's thread.
    fn decoded(&self, sample: gst::Sample) {
        let decoded_at = now(&self.clock);
        let Some(pts) = sample.buffer().and_then(gst::BufferRef::pts) else { return };
        let mut admission = lock(&self.admission);
        let Some(unit) = admission.decoded(Moment::from_nanos(pts.nseconds())) else { return };
        let capture = &mut admission.capture;
        let captured_at = capture.delay(unit.rtp, decoded_at).and_then(|_| capture.captured_at(unit.rtp));
        drop(admission);
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

    /// Before another decoder; the first one that fails is replaced at once. Nothing is shown meanwhile: there is nothing.
    fn pause(&self) {
        let failures = lock(&self.admission).failures;
        let pause = RETRY * failures.saturating_sub(1).min(8);
        let shelf = lock(&self.shelf);
        let again = |shelf: &mut Shelf| !shelf.stopped && !std::mem::take(&mut shelf.rebuild);
        drop(self.wake.wait_timeout_while(shelf, pause, again).unwrap_or_else(PoisonError::into_inner));
    }

    /// `None`: it does not stand; the next try is ordered.
    fn build(self: &Arc<Self>) -> Option<Stage> {
        let (codec, number) = {
            let mut admission = lock(&self.admission);
            (admission.codec, admission.next_decoder())
        };
        let (broken, shared) = (Arc::downgrade(self), Arc::downgrade(self));
        let broken = move |cause: String| {
            if let Some(shared) = broken.upgrade() {
                shared.broke(number, &cause);
            }
        };
        let decoded = move |sample| {
            if let Some(shared) = shared.upgrade() {
                shared.decoded(sample);
            }
        };
        let made = (self.make)(codec);
        let built =
            made.and_then(|element| decoder::build(&element, codec, INSIDE, &self.clock, &self.lives, broken, decoded));
        match built {
            Ok((stage, source)) => {
                lock(&self.admission).built(codec, source);
                Some(stage)
            }
            Err(fault) => {
                self.broke(number, &fault.to_string());
                None
            }
        }
    }

    fn broke(&self, decoder: u64, cause: &str) {
        if lock(&self.admission).broke(decoder) {
            tracing::warn!(cause, "the picture cannot be decoded");
            self.rebuild();
        }
    }
}

const RETRY: Duration = Duration::from_millis(250);
/// 40 ms of lip sync at the longest sound delay (400 ms) need so many frames at 30 fps, not more.
const SHELF: usize = 14;
