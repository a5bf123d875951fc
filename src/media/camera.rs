//! The camera's sending half: source → I420 at the configured size → encoder → `out`.
//!
//! ```text
//! Feed (own pipeline, own thread) ─► Handoff: view, pace, privacy, key frames ─► Encoder (own pipeline) ─► tally ─► out
//!   ├ placeholder while missing         ▲
//!   └ one per camera; a second one only while its view is wanted, and some seconds after
//! ```
//!
//! A plan of `None` closes the device and the encoder. A new bitrate is set on the running encoder, a new codec replaces
//! only the encoder, a lost camera replaces only the source, a new view or veil replaces nothing. Nothing here waits on the
//! loop.

use crate::config::{Area, CameraConfig, View};
use crate::core::plan::CameraPlan;
use crate::inbox::Inbox;
use crate::media::encoder::{Content, Encoder, EncoderError, EncoderOrder, VideoOut};
use crate::media::feed::{Feed, FeedOrder, to_loop};
use crate::media::handoff::Handoff;
use crate::media::motors::Motors;
use crate::media::own_picture::OwnPicture;
use crate::media::presence::Presence;
use crate::media::sights::{FIRST, Sights};
use crate::media::source::{Form, now};
use crate::media::thumbnail::ThumbnailOut;
use crate::media::wedged::{self, Wedged};
use crate::model::{Bitrate, Device, Moment, VideoCodec};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// What to capture.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraSettings {
    /// Source, size, rate.
    pub camera: CameraConfig,
    /// What a plan's `view` counts; empty: one view of everything.
    pub views: Vec<View>,
    /// Painted over in the first camera's whole picture.
    pub masks: Vec<Area>,
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
    wedged: Arc<OnceLock<Wedged>>,
}

impl CameraSender {
    /// Sends nothing until a plan is arranged. `out` takes encoded frames on a GStreamer thread and must not wait.
    /// GStreamer must be initialised.
    pub fn start(settings: CameraSettings, out: VideoOut, inbox: Inbox) -> Self {
        let desk = Arc::new(Desk::default());
        let CameraSettings { camera, views, masks, stamps } = settings;
        let sights = Sights::new(&camera.source, &views);
        let handoff = Arc::new(Handoff::new(sights.clone(), masks, camera.fps, stamps));
        let wedged: Arc<OnceLock<Wedged>> = Arc::default();
        let sender = Self { desk: desk.clone(), handoff: handoff.clone(), size: camera.size, wedged: wedged.clone() };
        let cameras = sights.cameras().len();
        let worker = Worker {
            camera,
            out,
            desk,
            handoff,
            struck: Vec::new(),
            feeds: (0..cameras).map(|_| None).collect(),
            presence: Presence::new(cameras, to_loop(Device::Camera, inbox)),
            motors: Motors::default(),
            wedged,
            sights,
            made: None,
            leave_at: None,
        };
        if let Err(error) = std::thread::Builder::new().name("engawa-camera".to_owned()).spawn(move || worker.run()) {
            tracing::error!(%error, "no thread for the camera");
        }
        sender
    }

    /// Does this from now on. View and veil count from the very next frame; without a plan nothing leaves any more.
    pub fn arrange(&mut self, plan: Option<CameraPlan>) {
        self.handoff.arrange(plan.as_ref());
        self.desk.tell(|orders| {
            orders.changed |= orders.plan != plan;
            orders.plan = plan;
        });
    }

    /// Sends a key frame soon: with the next frame, but not within 250 ms of the last one asked for.
    pub fn refresh(&self) {
        self.handoff.refresh();
    }

    /// [`refresh`](Self::refresh) for another thread.
    pub fn refresher(&self) -> impl Fn() + Send + Sync + Clone + use<> {
        let handoff = self.handoff.clone();
        move || handoff.refresh()
    }

    /// Told of a camera that hangs however often it is opened; said once.
    pub fn on_wedged(&self, wedged: Wedged) {
        let _said_once = self.wedged.set(wedged);
    }

    /// What the far side sees.
    pub fn own_picture(&self) -> OwnPicture {
        self.handoff.own_picture.clone()
    }

    /// Thumbnails of the first camera's whole picture, five a second while it is open, to this one from now on.
    pub fn thumbnails(&self, out: Option<ThumbnailOut>) {
        self.handoff.thumbnails.to(out);
    }

    /// What really left in the last whole second.
    pub fn report(&self) -> CameraReport {
        let (frames, live_frames) = self.handoff.last_second();
        let encoder = self.handoff.encoder().map(|encoder| encoder.name().to_owned());
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

    /// Waits for orders; without a moment to wake at, without limit: whoever drops the sender stops the worker.
    fn wait(&self, until: Option<Moment>) -> Orders {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = |orders: &mut Orders| !orders.changed && orders.broken.is_none() && !orders.stop;
        let mut orders = match until {
            Some(until) => {
                let waited = self.wake.wait_timeout_while(orders, until.since(now()), quiet);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.wake.wait_while(orders, quiet).unwrap_or_else(PoisonError::into_inner),
        };
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
    camera: CameraConfig,
    sights: Sights,
    out: VideoOut,
    desk: Arc<Desk>,
    handoff: Arc<Handoff>,
    /// Encoder elements that broke on this machine.
    struck: Vec<&'static str>,
    /// By number of the camera.
    feeds: Vec<Option<Feed>>,
    presence: Arc<Presence>,
    motors: Motors,
    wedged: Arc<OnceLock<Wedged>>,
    /// The plan that is followed.
    made: Option<CameraPlan>,
    /// When cameras that are not on view are closed.
    leave_at: Option<Moment>,
}

impl Worker {
    fn run(mut self) {
        loop {
            let orders = self.desk.wait(self.leave_at);
            if let Some(element) = orders.broken {
                tracing::warn!(element, "this encoder broke");
                self.struck.push(element);
                self.handoff.replace_encoder(None);
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
        let before = self.made.replace(plan);
        match self.handoff.encoder().filter(|_| before.is_some_and(|before| before.codec == plan.codec)) {
            Some(encoder) if before.is_some_and(|before| self.order(before) != self.order(plan)) => {
                encoder.set_bitrate(self.order(plan).bitrate);
            }
            Some(_) => {}
            None => self.replace_encoder(plan),
        }
        let sight = self.sights.of(plan.view);
        self.presence.look_at(sight.camera);
        if self.feeds[sight.camera].is_none() {
            self.feeds[sight.camera] = Some(self.open_feed(sight.camera));
        }
        if let Some(preset) = sight.preset.filter(|_| before.is_none_or(|before| before.view != plan.view)) {
            self.motors.turn(&self.camera.source, preset);
        }
        self.leave_unused(sight.camera);
    }

    /// Closes what is not on view any more, [`LINGER`] after it was.
    fn leave_unused(&mut self, wanted: usize) {
        let at = now();
        if self.leave_at.is_some_and(|leave_at| at >= leave_at) {
            self.leave_at = None;
            let on_view = self.handoff.camera_on_view();
            for camera in (0..self.feeds.len()).filter(|camera| ![wanted, on_view].contains(camera)) {
                if self.feeds[camera].take().is_some() {
                    tracing::debug!(camera, "not on view: closed");
                    self.presence.forget(camera);
                }
            }
        }
        let others = self.feeds.iter().enumerate().any(|(camera, feed)| camera != wanted && feed.is_some());
        self.leave_at = self.leave_at.or(Some(at + LINGER)).filter(|_| others);
    }

    fn order(&self, plan: CameraPlan) -> EncoderOrder {
        let CameraConfig { size, fps, .. } = self.camera;
        let bitrate = match (plan.codec, plan.fps) {
            // Counts frames, not time: without this ten frames of thirty get a third of their bits (measured with x264enc).
            (VideoCodec::H264, Some(fewer)) if fewer < fps => {
                let bps = u64::from(plan.bitrate.as_bps()) * u64::from(fps) / u64::from(fewer.max(1));
                Bitrate::from_bps(u32::try_from(bps).unwrap_or(u32::MAX))
            }
            (VideoCodec::H264 | VideoCodec::Vp8, _) => plan.bitrate,
        };
        EncoderOrder { codec: plan.codec, size, fps, bitrate, content: Content::Moving }
    }

    fn replace_encoder(&mut self, plan: CameraPlan) {
        let order = self.order(plan);
        // When everything was struck, the last resort is tried again rather than nothing.
        let made = self.start_encoder(order).or_else(|_| {
            self.struck.clear();
            self.start_encoder(order)
        });
        match made {
            Ok(encoder) => {
                tracing::info!(element = encoder.name(), codec = ?plan.codec, "encoder");
                self.handoff.replace_encoder(Some(encoder));
            }
            Err(error) => tracing::error!(%error, "the camera is not sent"),
        }
    }

    fn start_encoder(&self, order: EncoderOrder) -> Result<Encoder, EncoderError> {
        let (handoff, out) = (self.handoff.clone(), self.out.clone());
        let counted: VideoOut = Arc::new(move |unit| {
            if handoff.passes(&unit) {
                out(unit);
            }
        });
        let desk = Arc::downgrade(&self.desk);
        Encoder::start(order, &self.struck, counted, move |element, why| {
            tracing::debug!(element, why, "the encoder fails");
            if let Some(desk) = desk.upgrade() {
                desk.tell(|orders| orders.broken = Some(element));
            }
        })
    }

    fn open_feed(&self, camera: usize) -> Feed {
        let CameraConfig { size, fps, .. } = self.camera;
        let (handoff, handed, presence) = (self.handoff.clone(), self.handoff.clone(), self.presence.clone());
        let (motors, source) = (self.motors.clone(), self.sights.cameras()[camera].clone());
        let (hangs, helper) = (source.clone(), self.wedged.clone());
        Feed::start(FeedOrder {
            name: "camera",
            source: source.clone(),
            form: Form::Picture { size, fps },
            tail: tail(size),
            placeholder: Some(placeholder(size)),
            take: Arc::new(move |frame, caps, origin| handoff.take(camera, frame, caps, origin)),
            examine: Arc::new(|_| None),
            said: Arc::new(move |present, detail| {
                presence.say(camera, present, detail);
                // A camera that was without power has forgotten where it looked.
                let preset = handed.sight_wanted().preset.filter(|_| present && camera == FIRST);
                if let Some(preset) = preset {
                    motors.turn(&source, preset);
                }
            }),
            still: None,
            wedged: Some(Arc::new(move |attempt| wedged::tell(&hangs, attempt, &helper))),
        })
    }

    fn close(&mut self) {
        for camera in 0..self.feeds.len() {
            self.feeds[camera] = None;
            self.presence.forget(camera);
        }
        (self.made, self.leave_at) = (None, None);
        self.handoff.replace_encoder(None);
        self.handoff.forget_picture();
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

const ENCODER_PAUSE: Duration = Duration::from_secs(1);
/// A camera that is not on view is closed after this time: until then going back is instant, from then on its lamp is dark.
const LINGER: Duration = Duration::from_secs(5);
