//! Where a captured frame becomes an encoder's frame; runs on the source's thread.
//!
//! ```text
//! frame of camera n ─► is it on view? ─► pace ─► masks, crop, veil ─► stamp ─► key frame? ─► own picture, Encoder
//!  └ first camera: thumbnail                                                                      │
//!                                                       out ◄─ not from before a veil ◄───────────┘
//! ```
//!
//! Promise: once [`Handoff::arrange`] with a veil has returned, no frame without it leaves, not even one that was already
//! inside the encoder: those stay behind, and what leaves next is a key frame, so that nothing of the clear picture shines
//! through either. Once it has returned without a plan, nothing leaves. (One that is handed over at that very moment, within a
//! microsecond or so, is past the door.)
//!
//! A new view is shown from the first frame of its camera on; until then the old one goes on. Of the same camera that is the
//! next frame; a second camera that must be opened first takes as long as it takes to open, 0.5 … 2 s over USB, and after
//! 2 … 2.5 s without a frame its placeholder comes. Time never runs back: a second camera whose frames are older than the last
//! one that was sent leaves a hole as long as it lags behind.

use crate::config::Area;
use crate::core::plan::CameraPlan;
use crate::media::encoder::Encoder;
use crate::media::feed::Origin;
use crate::media::own_picture::OwnPicture;
use crate::media::sights::{FIRST, Sight, Sights};
use crate::media::source::now;
use crate::media::stamp;
use crate::media::thumbnail::Thumbnails;
use crate::media::veil::{Coat, Painter};
use crate::model::{Moment, Veil};
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Passes frames on, as arranged.
pub(super) struct Handoff {
    sights: Sights,
    masks: Vec<Area>,
    /// Of the camera; a plan may make it longer.
    period: Duration,
    stamps: bool,
    pub own_picture: OwnPicture,
    pub thumbnails: Thumbnails,
    refresh: AtomicBool,
    /// Held from admission to encoding, so that frames of two cameras keep their order. Taken before `state`.
    painter: Mutex<Painter>,
    /// Held for moments only: the loop arranges through it.
    state: Mutex<Passing>,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Passing {
    /// There is a plan.
    open: bool,
    encoder: Option<Arc<Encoder>>,
    key_frame_every: Option<Duration>,
    period: Duration,
    /// The view that was arranged, and the one that is on.
    wanted: usize,
    shown: usize,
    veil: Veil,
    /// Units of frames captured until then do not leave, nor do any after them before a key frame.
    cut: Moment,
    awaits_key: bool,
    /// The next frame is a key frame, however soon after another.
    key_due: bool,
    last: Moment,
    next_due: Moment,
    last_key: Moment,
    origin: Option<Origin>,
}

/// What happens to an admitted frame.
struct Pass {
    encoder: Arc<Encoder>,
    key: bool,
    sight: Sight,
    veil: Veil,
}

impl Handoff {
    pub(super) fn new(sights: Sights, masks: Vec<Area>, fps: u32, stamps: bool) -> Self {
        Self {
            sights,
            masks,
            period: period_of(fps),
            stamps,
            own_picture: OwnPicture::default(),
            thumbnails: Thumbnails::default(),
            refresh: AtomicBool::new(false),
            painter: Mutex::default(),
            state: Mutex::default(),
            tally: Mutex::default(),
        }
    }

    /// From the very next frame on.
    pub(super) fn arrange(&self, plan: Option<&CameraPlan>) {
        let mut passing = self.lock();
        let Some(plan) = plan else {
            passing.open = false;
            return;
        };
        let veiled = plan.veil != passing.veil && plan.veil != Veil::Clear;
        if veiled || !passing.open {
            (passing.cut, passing.awaits_key, passing.key_due) = (passing.last, true, true);
        }
        (passing.veil, passing.wanted) = (plan.veil, self.sights.of(plan.view).view);
        if !passing.open {
            passing.shown = passing.wanted;
        }
        passing.open = true;
        passing.period = plan.fps.map_or(self.period, |fps| self.period.max(period_of(fps)));
        passing.key_frame_every = plan.key_frame_every;
    }

    /// Sends a key frame soon.
    pub(super) fn refresh(&self) {
        self.refresh.store(true, Ordering::Relaxed);
    }

    pub(super) fn encoder(&self) -> Option<Arc<Encoder>> {
        self.lock().encoder.clone()
    }

    pub(super) fn replace_encoder(&self, encoder: Option<Encoder>) {
        let before = std::mem::replace(&mut self.lock().encoder, encoder.map(Arc::new));
        drop(before);
    }

    /// Waits until no frame is under way, then forgets the newest. For the time after nothing is admitted any more.
    pub(super) fn forget_picture(&self) {
        let mut painter = self.painter.lock().unwrap_or_else(PoisonError::into_inner);
        *painter = Painter::default();
        self.own_picture.clear();
    }

    /// The view that was arranged last.
    pub(super) fn sight_wanted(&self) -> Sight {
        self.sights.of(self.lock().wanted)
    }

    /// The camera that is on view.
    pub(super) fn camera_on_view(&self) -> usize {
        self.sights.of(self.lock().shown).camera
    }

    /// Frames that left in the last whole second, all and live.
    pub(super) fn last_second(&self) -> (u32, u32) {
        self.lock_tally().last_second(now())
    }

    pub(super) fn take(&self, camera: usize, mut frame: gst::Buffer, caps: &gst::CapsRef, origin: Origin) {
        let Some(moment) = moment_of(&frame) else { return };
        let from_device = origin == Origin::Device;
        if camera == FIRST && from_device {
            self.thumbnails.look(&frame, caps, moment);
        }
        let mut painter = self.painter.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pass) = self.admit(camera, moment, origin) else { return };
        // The placeholder shows nobody and says what is wrong: it is never veiled.
        if from_device {
            let masks = if camera == FIRST { &self.masks[..] } else { &[] };
            let coat = Coat { masks, area: pass.sight.area, veil: pass.veil, view: pass.sight.view };
            let Some(painted) = painter.paint(frame, caps, moment, coat) else {
                tracing::error!(%caps, "a frame cannot be painted and is not sent");
                self.lock().key_due |= pass.key;
                return;
            };
            frame = painted;
            if self.stamps {
                stamp::draw_on(&mut frame, caps, moment);
            }
        }
        if pass.key && !pass.encoder.force_key_frame(moment) {
            let mut passing = self.lock();
            passing.key_due |= passing.awaits_key;
        }
        self.own_picture.keep(&frame, caps, moment);
        pass.encoder.encode(frame, caps);
    }

    /// Whether what the encoder made may leave; counts it then.
    pub(super) fn passes(&self, unit: &gst::BufferRef) -> bool {
        let Some(moment) = moment_of(unit) else { return false };
        let key = !unit.flags().contains(gst::BufferFlags::DELTA_UNIT);
        {
            let mut passing = self.lock();
            if !passing.open || moment <= passing.cut || passing.awaits_key && !key {
                return false;
            }
            if key {
                // Those the encoder makes by itself count too.
                passing.last_key = passing.last_key.max(moment);
                (passing.awaits_key, passing.key_due) = (false, false);
            }
        }
        self.lock_tally().count(moment, now());
        true
    }

    /// Whether this frame goes on, and how.
    fn admit(&self, camera: usize, moment: Moment, origin: Origin) -> Option<Pass> {
        let mut passing = self.lock();
        if !passing.open {
            return None;
        }
        // Before the pace is looked at, or two cameras in step could keep each other out for ever.
        let wanted = self.sights.of(passing.wanted);
        if passing.shown != wanted.view && wanted.camera == camera {
            (passing.shown, passing.next_due) = (wanted.view, moment);
            self.refresh();
        }
        let sight = self.sights.of(passing.shown);
        // Time never runs back, and a source faster than ordered is thinned; half a period of jitter is nobody's fault.
        if sight.camera != camera || moment <= passing.last || moment + passing.period / 2 < passing.next_due {
            return None;
        }
        let encoder = passing.encoder.clone()?;
        passing.last = moment;
        passing.next_due = (passing.next_due + passing.period).max(moment);
        if passing.origin != Some(origin) {
            passing.origin = Some(origin);
            self.lock_tally().live_since = (origin == Origin::Device).then_some(moment);
        }
        let since = moment.since(passing.last_key);
        let due = passing.key_frame_every.is_some_and(|every| since >= every);
        // The request stays until it is granted.
        let asked = since >= KEY_PAUSE && (due || self.refresh.load(Ordering::Relaxed));
        let key = std::mem::take(&mut passing.key_due) || asked;
        if key {
            self.refresh.store(false, Ordering::Relaxed);
            passing.last_key = moment;
        }
        Some(Pass { encoder, key, sight, veil: passing.veil })
    }

    fn lock(&self) -> MutexGuard<'_, Passing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn period_of(fps: u32) -> Duration {
    Duration::from_secs(1) / fps.max(1)
}

fn moment_of(buffer: &gst::BufferRef) -> Option<Moment> {
    buffer.pts().map(|pts| Moment::from_nanos(pts.nseconds()))
}

/// Frames per whole second, all and live.
#[derive(Default)]
struct Tally {
    began: Moment,
    running: (u32, u32),
    whole: (u32, u32),
    /// Frames captured from here on are live; none are while the placeholder stands.
    live_since: Option<Moment>,
}

impl Tally {
    fn count(&mut self, captured: Moment, at: Moment) {
        self.roll(at);
        self.running.0 += 1;
        self.running.1 += u32::from(self.live_since.is_some_and(|since| captured >= since));
    }

    fn last_second(&mut self, at: Moment) -> (u32, u32) {
        self.roll(at);
        self.whole
    }

    fn roll(&mut self, at: Moment) {
        let passed = at.since(self.began);
        if passed >= SECOND {
            let fresh = passed < 2 * SECOND;
            self.whole = if fresh { self.running } else { (0, 0) };
            self.running = (0, 0);
            self.began = if fresh { self.began + SECOND } else { at };
        }
    }
}

/// At most one asked-for key frame in this time; a veil does not ask.
const KEY_PAUSE: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);
