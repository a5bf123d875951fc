//! The camera's sending half: source → I420 at the configured size → encoder → `out`.
//!
//! ```text
//! Feed (own pipeline, own thread) ─► Handoff: pace, stamp, key frames ─► Encoder (own pipeline) ─► tally ─► out
//!   └ placeholder while missing
//! ```
//!
//! A plan of `None` closes the device and the encoder. A new bitrate is set on the running encoder, a new codec replaces
//! only the encoder, and a lost camera replaces only the source. Nothing here waits on the loop.

use crate::config::CameraConfig;
use crate::core::plan::CameraPlan;
use crate::inbox::Inbox;
use crate::media::encoder::{Encoder, EncoderError, EncoderOrder, VideoOut};
use crate::media::feed::{Feed, FeedOrder, Origin};
use crate::media::source::{Form, now};
use crate::media::stamp;
use crate::model::{Device, Moment};
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What to capture.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraSettings {
    /// Source, size, rate.
    pub camera: CameraConfig,
    /// Draw the capture moment into the picture: benches only.
    pub stamps: bool,
}

/// What really left in the last whole second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraReport {
    /// Frames given to `out` per second.
    pub fps: f32,
    /// Their size in pixels; `None` while nothing leaves.
    pub size: Option<(u32, u32)>,
    /// Those of them that came from the source and not from the placeholder.
    pub live_frames: u32,
    /// Encoder element; empty while there is none.
    pub encoder: String,
}

/// Captures and encodes as arranged. Dropping it closes everything, off the caller's thread.
pub struct CameraSender {
    desk: Arc<Desk>,
    handoff: Arc<Handoff>,
    size: (u32, u32),
}

impl CameraSender {
    /// Sends nothing until a plan is arranged. `out` takes encoded frames on a GStreamer thread and must not wait.
    /// GStreamer must be initialised.
    pub fn start(settings: CameraSettings, out: VideoOut, inbox: Inbox) -> Self {
        let desk = Arc::new(Desk::default());
        let size = settings.camera.size;
        let handoff = Arc::new(Handoff {
            state: Mutex::default(),
            tally: Mutex::default(),
            refresh: AtomicBool::new(false),
            period: Duration::from_secs(1) / settings.camera.fps.max(1),
            stamps: settings.stamps,
        });
        let sender = Self { desk: desk.clone(), handoff: handoff.clone(), size };
        let worker = Worker { settings, out, inbox, desk, handoff, struck: Vec::new(), feed: None, made: None };
        if let Err(error) = std::thread::Builder::new().name("engawa-camera".to_owned()).spawn(move || worker.run()) {
            tracing::error!(%error, "no thread for the camera");
        }
        sender
    }

    /// Does this from now on.
    pub fn arrange(&mut self, plan: Option<CameraPlan>) {
        self.desk.tell(|orders| {
            orders.changed |= orders.plan != plan;
            orders.plan = plan;
        });
    }

    /// Sends a key frame soon: with the next frame, but not within 250 ms of the last one asked for.
    pub fn refresh(&self) {
        self.handoff.refresh.store(true, Ordering::Relaxed);
    }

    /// [`refresh`](Self::refresh) for another thread.
    pub fn refresher(&self) -> impl Fn() + Send + Sync + Clone + use<> {
        let handoff = self.handoff.clone();
        move || handoff.refresh.store(true, Ordering::Relaxed)
    }

    /// What really left in the last whole second.
    pub fn report(&self) -> CameraReport {
        let (frames, live_frames) = self.handoff.lock_tally().last_second(now());
        let encoder = self.handoff.lock().encoder.as_ref().map(|encoder| encoder.name().to_owned());
        CameraReport {
            fps: frames as f32,
            size: (frames > 0).then_some(self.size),
            live_frames,
            encoder: encoder.unwrap_or_default(),
        }
    }
}

impl Drop for CameraSender {
    fn drop(&mut self) {
        self.desk.tell(|orders| orders.stop = true);
    }
}

/// Newest orders for the worker.
#[derive(Default)]
struct Desk {
    orders: Mutex<Orders>,
    wake: Condvar,
}

#[derive(Clone, Default)]
struct Orders {
    plan: Option<CameraPlan>,
    changed: bool,
    /// An encoder element that broke.
    broken: Option<&'static str>,
    stop: bool,
}

impl Desk {
    fn tell(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    /// Waits for orders, without limit: whoever drops the sender stops the worker.
    fn wait(&self) -> Orders {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = |orders: &mut Orders| !orders.changed && orders.broken.is_none() && !orders.stop;
        let mut orders = self.wake.wait_while(orders, quiet).unwrap_or_else(PoisonError::into_inner);
        let taken = orders.clone();
        orders.changed = false;
        orders.broken = None;
        taken
    }

    /// Lets [`ENCODER_PAUSE`] pass, unless the sender is dropped: an encoder that breaks at once must not eat the box.
    fn rest(&self) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.wake.wait_timeout_while(orders, ENCODER_PAUSE, |orders| !orders.stop));
    }
}

/// The thread that builds and closes; the only one that may take its time.
struct Worker {
    settings: CameraSettings,
    out: VideoOut,
    inbox: Inbox,
    desk: Arc<Desk>,
    handoff: Arc<Handoff>,
    /// Encoder elements that broke on this machine.
    struck: Vec<&'static str>,
    feed: Option<Feed>,
    /// The plan the present encoder follows.
    made: Option<CameraPlan>,
}

impl Worker {
    fn run(mut self) {
        loop {
            let orders = self.desk.wait();
            if let Some(element) = orders.broken {
                tracing::warn!(element, "this encoder broke");
                self.struck.push(element);
                self.made = None;
                self.desk.rest();
            }
            if orders.stop {
                self.close();
                return;
            }
            match orders.plan {
                Some(plan) => self.follow(plan),
                None => self.close(),
            }
        }
    }

    fn follow(&mut self, plan: CameraPlan) {
        let present = self.handoff.lock().encoder.clone();
        match present.filter(|_| self.made.is_some_and(|made| made.codec == plan.codec)) {
            Some(encoder) if self.made.is_some_and(|made| made.bitrate != plan.bitrate) => {
                encoder.set_bitrate(plan.bitrate)
            }
            Some(_) => {}
            None => self.replace_encoder(plan),
        }
        self.made = Some(plan);
        self.handoff.lock().key_frame_every = plan.key_frame_every;
        if self.feed.is_none() {
            self.feed = Some(self.open_feed());
        }
    }

    fn replace_encoder(&mut self, plan: CameraPlan) {
        let CameraConfig { size, fps, .. } = self.settings.camera;
        let order = EncoderOrder { codec: plan.codec, size, fps, bitrate: plan.bitrate };
        // When everything was struck, the last resort is tried again rather than nothing.
        let made = self.start_encoder(order).or_else(|_| {
            self.struck.clear();
            self.start_encoder(order)
        });
        match made {
            Ok(encoder) => {
                tracing::info!(element = encoder.name(), codec = ?plan.codec, "encoder");
                let before = self.handoff.lock().encoder.replace(Arc::new(encoder));
                drop(before);
            }
            Err(error) => tracing::error!(%error, "the camera is not sent"),
        }
    }

    fn start_encoder(&self, order: EncoderOrder) -> Result<Encoder, EncoderError> {
        let (handoff, out) = (self.handoff.clone(), self.out.clone());
        let counted: VideoOut = Arc::new(move |unit| {
            handoff.count(&unit);
            out(unit);
        });
        let desk = Arc::downgrade(&self.desk);
        Encoder::start(order, &self.struck, counted, move |element, why| {
            tracing::debug!(element, why, "the encoder fails");
            if let Some(desk) = desk.upgrade() {
                desk.tell(|orders| orders.broken = Some(element));
            }
        })
    }

    fn open_feed(&self) -> Feed {
        let CameraConfig { size, fps, .. } = self.settings.camera;
        let handoff = self.handoff.clone();
        Feed::start(FeedOrder {
            device: Device::Camera,
            source: self.settings.camera.source.clone(),
            form: Form::Picture { size, fps },
            tail: tail(size),
            placeholder: Some(placeholder(size)),
            take: Arc::new(move |frame, caps, origin| handoff.take(frame, caps, origin)),
            examine: Arc::new(|_| None),
            inbox: self.inbox.clone(),
        })
    }

    fn close(&mut self) {
        self.feed = None;
        self.made = None;
        let encoder = self.handoff.lock().encoder.take();
        drop(encoder);
    }
}

/// Where a captured frame becomes an encoder's frame; runs on the source's thread.
struct Handoff {
    state: Mutex<Passing>,
    tally: Mutex<Tally>,
    refresh: AtomicBool,
    period: Duration,
    stamps: bool,
}

#[derive(Default)]
struct Passing {
    encoder: Option<Arc<Encoder>>,
    key_frame_every: Option<Duration>,
    last: Moment,
    next_due: Moment,
    last_key: Moment,
    origin: Option<Origin>,
}

impl Handoff {
    fn take(&self, mut frame: gst::Buffer, caps: &gst::CapsRef, origin: Origin) {
        let Some(moment) = frame.pts().map(|pts| Moment::from_nanos(pts.nseconds())) else { return };
        let Some((encoder, key)) = self.admit(moment, origin) else { return };
        if self.stamps && origin == Origin::Device {
            stamp::draw_on(&mut frame, caps, moment);
        }
        if key {
            encoder.force_key_frame(moment);
        }
        encoder.encode(frame, caps);
    }

    /// Whether this frame goes on, and whether as a key frame.
    fn admit(&self, moment: Moment, origin: Origin) -> Option<(Arc<Encoder>, bool)> {
        let mut passing = self.lock();
        // Time never runs back, and a source faster than ordered is thinned; half a period of jitter is nobody's fault.
        if moment <= passing.last || moment + self.period / 2 < passing.next_due {
            return None;
        }
        let encoder = passing.encoder.clone()?;
        passing.last = moment;
        passing.next_due = (passing.next_due + self.period).max(moment);
        if passing.origin != Some(origin) {
            passing.origin = Some(origin);
            self.lock_tally().live_since = (origin == Origin::Device).then_some(moment);
        }
        let since = moment.since(passing.last_key);
        let due = passing.key_frame_every.is_some_and(|every| since >= every);
        // The request stays until it is granted.
        let key = since >= KEY_PAUSE && (due || self.refresh.load(Ordering::Relaxed));
        if key {
            self.refresh.store(false, Ordering::Relaxed);
            passing.last_key = moment;
        }
        Some((encoder, key))
    }

    fn count(&self, unit: &gst::BufferRef) {
        let Some(moment) = unit.pts().map(|pts| Moment::from_nanos(pts.nseconds())) else { return };
        self.lock_tally().count(moment, now());
        if !unit.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            // Those the encoder makes by itself count too.
            let mut passing = self.lock();
            passing.last_key = passing.last_key.max(moment);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Passing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

/// Both elements pass frames through untouched when there is nothing to do.
fn tail((width, height): (u32, u32)) -> String {
    format!(
        "videoconvertscale add-borders=true \
         ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1"
    )
}

/// Drawn once, repeated four times a second.
fn placeholder((width, height): (u32, u32)) -> String {
    format!(
        "videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xff202428 \
         ! video/x-raw,format=I420,width={width},height={height},framerate=4/1 \
         ! textoverlay text=\"カメラがありません&#10;No camera\" valignment=center halignment=center \
           font-desc=\"Noto Sans CJK JP 28\" shaded-background=false wait-text=false \
         ! imagefreeze ! video/x-raw,framerate=4/1"
    )
}

/// At most one asked-for key frame in this time.
const KEY_PAUSE: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);
const ENCODER_PAUSE: Duration = Duration::from_secs(1);
