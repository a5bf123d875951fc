//! One video encoder in a pipeline of its own, so that losing a camera never touches it.
//!
//! ```text
//! encode(frame) ─► appsrc (2 frames, oldest dropped) ─► encoder ─► caps ─► appsink ─► out(access unit, pts = Moment)
//! ```
//!
//! H.264 leaves as byte-stream access units of one slice, constrained baseline, parameter sets with every key frame.
//! A hardware encoder is taken only after a short trial really gave a key frame. B-frames, look-ahead and several
//! slices are deliberately absent: each costs delay or tears the picture under loss.

use crate::media::source::on_shared_clock;
use crate::model::{Bitrate, Moment, VideoCodec};
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Takes one access unit (H.264) or frame (VP8) whose PTS is its capture [`Moment`].
pub type VideoOut = Arc<dyn Fn(gst::Buffer) + Send + Sync>;

/// Why no encoder could be made.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// Nothing on this machine encodes this codec.
    #[error("no element on this machine encodes {0:?}")]
    Missing(VideoCodec),
    /// The pipeline could not be built.
    #[error("the encoder pipeline cannot be built: {0}")]
    Build(#[from] glib::BoolError),
    /// The description is not understood by this GStreamer.
    #[error("the encoder is not understood: {0}")]
    Description(#[from] glib::Error),
    /// It does not start.
    #[error("the encoder does not start: {0}")]
    Start(#[from] gst::StateChangeError),
}

/// What to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderOrder {
    /// Codec.
    pub codec: VideoCodec,
    /// Pixels.
    pub size: (u32, u32),
    /// Frames per second at most.
    pub fps: u32,
    /// Target.
    pub bitrate: Bitrate,
    /// What it shows.
    pub content: Content,
}

/// What is encoded, and so what may suffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// A room: neither frame rate nor delay.
    #[default]
    Moving,
    /// Text and drawings: anything but sharpness. `fps` says how many parts of a second's bits a frame gets.
    Page,
}

/// A running encoder. Dropping it tears it down on a thread of its own.
pub struct Encoder {
    pipeline: gst::Pipeline,
    input: gst_app::AppSrc,
    element: gst::Element,
    recipe: &'static Recipe,
    caps: Mutex<Option<(gst::Caps, gst::Caps)>>,
    fps: u32,
    /// Something came out.
    began: Arc<AtomicBool>,
}

impl Encoder {
    /// Makes the best encoder that works and is not among `struck`; `fault` is told its name and why when it breaks later.
    ///
    /// May take a second for the trial of a hardware encoder: not for the loop.
    ///
    /// # Errors
    /// If nothing works.
    pub fn start(
        order: EncoderOrder,
        struck: &[&str],
        out: VideoOut,
        fault: impl Fn(&'static str, String) + Send + Sync + 'static,
    ) -> Result<Self, EncoderError> {
        let recipe = RECIPES
            .iter()
            .filter(|recipe| recipe.codec == order.codec && !struck.contains(&recipe.element))
            .filter(|recipe| order.content == Content::Moving || !recipe.needs_trial)
            .filter(|recipe| gst::ElementFactory::find(recipe.element).is_some())
            .find(|recipe| !recipe.needs_trial || passes_trial(recipe, order))
            .ok_or(EncoderError::Missing(order.codec))?;
        Self::build(recipe, order, out, fault)
    }

    /// Gives it one raw I420 frame; never waits. When two frames wait, the older is dropped.
    pub fn encode(&self, frame: gst::Buffer, caps: &gst::CapsRef) {
        let changed = self.plain_caps(caps);
        let pushed = match changed {
            Some(caps) => self.input.push_sample(&gst::Sample::builder().caps(&caps).buffer(&frame).build()),
            None => self.input.push_buffer(frame),
        };
        if let Err(error) = pushed {
            tracing::debug!(%error, "a frame is not taken");
        }
    }

    /// Changes the target of the running encoder.
    pub fn set_bitrate(&self, bitrate: Bitrate) {
        self.recipe.set_bitrate(&self.element, bitrate);
    }

    /// Makes the frame captured at `moment` a key frame with all headers; to be said before it is given. False: not taken.
    ///
    /// Not before something came out, which begins with a key frame anyway: x264enc counts the time of its first frame
    /// otherwise than that of the rest, and one forced there throttles all others for 1000 hours (GStreamer 1.22).
    pub fn force_key_frame(&self, moment: Moment) -> bool {
        if !self.began.load(Ordering::Relaxed) {
            return false;
        }
        let at = gst::ClockTime::from_nseconds(moment.as_nanos());
        let event = gst_video::UpstreamForceKeyUnitEvent::builder().running_time(at).all_headers(true).build();
        self.element.static_pad("src").is_some_and(|pad| pad.send_event(event))
    }

    /// The element's name, for people.
    pub fn name(&self) -> &'static str {
        self.recipe.element
    }

    fn build(
        recipe: &'static Recipe,
        order: EncoderOrder,
        out: VideoOut,
        fault: impl Fn(&'static str, String) + Send + Sync + 'static,
    ) -> Result<Self, EncoderError> {
        let input = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .is_live(true)
            .max_buffers(2)
            .max_bytes(0)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        let bin = gst::parse::bin_from_description(&format!("{} ! identity", recipe.description(order)), true)?;
        let element = bin.by_name(ENCODER).ok_or(EncoderError::Missing(order.codec))?;
        recipe.set_bitrate(&element, order.bitrate);
        let sink =
            gst_app::AppSink::builder().sync(false).async_(false).max_buffers(4).enable_last_sample(false).build();
        let began = Arc::new(AtomicBool::new(false));
        let begins = began.clone();
        let take = move |sink: &gst_app::AppSink| {
            begins.store(true, Ordering::Relaxed);
            hand_on(sink, &out)
        };
        sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());

        let pipeline = gst::Pipeline::new();
        on_shared_clock(&pipeline);
        let chain = [input.upcast_ref::<gst::Element>(), bin.upcast_ref(), sink.upcast_ref()];
        pipeline.add_many(chain)?;
        gst::Element::link_many(chain)?;
        if let Some(bus) = pipeline.bus() {
            bus.set_sync_handler(move |_, message| {
                if let gst::MessageView::Error(error) = message.view() {
                    fault(recipe.element, error.error().to_string());
                }
                gst::BusSyncReply::Drop
            });
        }
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self { pipeline, input, element, recipe, caps: Mutex::default(), fps: order.fps, began })
    }

    /// The caps to announce, if they differ from the last: at the ordered rate, because a change of caps starts the
    /// encoder anew, and cameras and clips name rates that they do not keep.
    fn plain_caps(&self, caps: &gst::CapsRef) -> Option<gst::Caps> {
        let mut known = self.caps.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_some_and(|(raw, _)| raw.as_ref() == caps) {
            return None;
        }
        let mut plain = caps.to_owned();
        let rate = gst::Fraction::new(i32::try_from(self.fps).unwrap_or(30), 1);
        for structure in plain.make_mut().iter_mut() {
            structure.set("framerate", rate);
        }
        let differs = known.as_ref().is_none_or(|(_, announced)| *announced != plain);
        *known = Some((caps.to_owned(), plain.clone()));
        differs.then_some(plain)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        let spawned = std::thread::Builder::new().name("engawa-closing".to_owned()).spawn(move || {
            if let Err(error) = pipeline.set_state(gst::State::Null) {
                tracing::debug!(%error, "closing an encoder");
            }
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "an encoder is not closed");
        }
    }
}

/// One way to encode.
struct Recipe {
    element: &'static str,
    codec: VideoCodec,
    /// Drivers lie: hardware is believed after a trial.
    needs_trial: bool,
    settings: &'static str,
    /// The same for a page; hardware is not trusted with one.
    page_settings: &'static str,
    /// Property of the target bitrate and its unit.
    bitrate: BitrateProperty,
}

enum BitrateProperty {
    /// `bitrate`, kbit/s.
    Kbps,
    /// `target-bitrate`, bit/s.
    Bps,
    /// V4L2 control `video_bitrate`, bit/s.
    Control,
}

impl Recipe {
    fn description(&self, order: EncoderOrder) -> String {
        let Self { element, .. } = self;
        let (settings, key_distance, profile) = match order.content {
            Content::Moving => (self.settings, order.fps.saturating_mul(KEY_FRAME_SECONDS), "constrained-baseline"),
            Content::Page => (self.page_settings, NO_KEY_FRAMES, "high"),
        };
        let settings = settings.replace("KEYS", &key_distance.to_string());
        let pause = MIN_KEY_PAUSE.as_nanos();
        let encoder = format!("{element} name={ENCODER} min-force-key-unit-interval={pause} {settings}");
        let h264 = format!("video/x-h264,stream-format=byte-stream,alignment=au,profile={profile}");
        match (self.codec, self.needs_trial) {
            (VideoCodec::H264, false) => format!("{encoder} ! {h264}"),
            // Hardware wants NV12, and not every driver repeats the parameter sets.
            (VideoCodec::H264, true) => format!("videoconvert ! {encoder} ! h264parse config-interval=-1 ! {h264}"),
            (VideoCodec::Vp8, _) => format!("{encoder} ! video/x-vp8"),
        }
    }

    fn set_bitrate(&self, element: &gst::Element, bitrate: Bitrate) {
        match self.bitrate {
            BitrateProperty::Kbps => element.set_property("bitrate", bitrate.as_kbps().max(1)),
            BitrateProperty::Bps => {
                element.set_property("target-bitrate", i32::try_from(bitrate.as_bps()).unwrap_or(i32::MAX));
            }
            BitrateProperty::Control => {
                let bps = i32::try_from(bitrate.as_bps()).unwrap_or(i32::MAX);
                let controls = gst::Structure::builder("controls").field("video_bitrate", bps);
                let controls =
                    controls.field("video_bitrate_mode", 1_i32).field("repeat_sequence_header", 1_i32).build();
                element.set_property("extra-controls", controls);
            }
        }
    }
}

fn hand_on(sink: &gst_app::AppSink, out: &VideoOut) -> Result<gst::FlowSuccess, gst::FlowError> {
    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
    let (Some(mut unit), Some(segment)) = (sample.buffer_owned(), sample.segment()) else {
        return Ok(gst::FlowSuccess::Ok);
    };
    // x264enc shifts its timestamps by 1000 hours and says so in the segment.
    let running_time = segment.downcast_ref::<gst::ClockTime>().and_then(|time| time.to_running_time(unit.pts()));
    let writable = unit.make_mut();
    writable.set_pts(running_time);
    writable.set_dts(gst::ClockTime::NONE);
    out(unit);
    Ok(gst::FlowSuccess::Ok)
}

/// Encodes a few frames and looks whether a key frame came out.
fn passes_trial(recipe: &'static Recipe, order: EncoderOrder) -> bool {
    let (width, height) = order.size;
    let description = format!(
        "videotestsrc num-buffers={TRIAL_FRAMES} ! video/x-raw,format=I420,width={width},height={height},framerate={}/1 \
         ! {} ! appsink name=sink sync=false",
        order.fps,
        recipe.description(order)
    );
    let Ok(trial) = gst::parse::launch(&description) else { return false };
    let Ok(trial) = trial.downcast::<gst::Pipeline>() else { return false };
    let sink = trial.by_name("sink").and_then(|sink| sink.downcast::<gst_app::AppSink>().ok());
    let within = gst::ClockTime::try_from(TRIAL_WITHIN).ok();
    let passed = trial.set_state(gst::State::Playing).is_ok()
        && sink.and_then(|sink| sink.try_pull_sample(within)).is_some_and(|sample| {
            sample.buffer().is_some_and(|unit| unit.size() > 0 && !unit.flags().contains(gst::BufferFlags::DELTA_UNIT))
        });
    tracing::debug!(element = recipe.element, passed, "trial of a hardware encoder");
    // A driver that hangs here keeps this thread only.
    std::thread::spawn(move || trial.set_state(gst::State::Null));
    passed
}

const ENCODER: &str = "encoder";
/// A key frame comes by itself only this often: the far box asks when it needs one.
const KEY_FRAME_SECONDS: u32 = 10;
/// A page's key frame takes seconds of a narrow line: it comes when it is asked for.
const NO_KEY_FRAMES: u32 = 100_000;
/// Backstop: never two frames in a row. The sender's own pause is longer, but a veil's key frame must not wait for it.
const MIN_KEY_PAUSE: Duration = Duration::from_millis(50);
const TRIAL_FRAMES: u32 = 10;
const TRIAL_WITHIN: Duration = Duration::from_secs(2);

/// Best first.
///
/// x264: measured at 1280×720, 1.5 Mbit/s, one thread: ultrafast 3.0 ms, superfast 4.2 ms, veryfast 6.9 ms CPU a frame.
/// VP8: cpu-used 16 3.6 ms, 8 10 ms; it holds 300 kbit/s only by leaving frames out.
static RECIPES: &[Recipe] = &[
    Recipe {
        element: "vah264enc",
        codec: VideoCodec::H264,
        needs_trial: true,
        settings: "rate-control=cbr b-frames=0 ref-frames=1 key-int-max=KEYS target-usage=7",
        page_settings: "",
        bitrate: BitrateProperty::Kbps,
    },
    Recipe {
        element: "vah264lpenc",
        codec: VideoCodec::H264,
        needs_trial: true,
        settings: "rate-control=cbr b-frames=0 ref-frames=1 key-int-max=KEYS target-usage=7",
        page_settings: "",
        bitrate: BitrateProperty::Kbps,
    },
    Recipe {
        element: "qsvh264enc",
        codec: VideoCodec::H264,
        needs_trial: true,
        settings: "rate-control=cbr b-frames=0 low-latency=true gop-size=KEYS target-usage=7",
        page_settings: "",
        bitrate: BitrateProperty::Kbps,
    },
    Recipe {
        element: "v4l2h264enc",
        codec: VideoCodec::H264,
        needs_trial: true,
        settings: "",
        page_settings: "",
        bitrate: BitrateProperty::Control,
    },
    Recipe {
        element: "x264enc",
        codec: VideoCodec::H264,
        needs_trial: false,
        // One thread, because the slices of several tear the picture when one is lost.
        settings: "tune=zerolatency speed-preset=ultrafast threads=1 sliced-threads=false bframes=0 rc-lookahead=0 \
                   sync-lookahead=0 key-int-max=KEYS vbv-buf-capacity=300 byte-stream=true aud=false",
        // A second and a half's worth for a key frame; CABAC and the large transform make it smaller.
        page_settings: "tune=zerolatency speed-preset=faster threads=1 sliced-threads=false bframes=0 rc-lookahead=0 \
                        sync-lookahead=0 key-int-max=KEYS vbv-buf-capacity=1600 qp-min=16 qp-max=42 \
                        option-string=scenecut=0 byte-stream=true aud=false",
        bitrate: BitrateProperty::Kbps,
    },
    Recipe {
        element: "vp8enc",
        codec: VideoCodec::Vp8,
        needs_trial: false,
        settings: "deadline=1 cpu-used=16 threads=1 lag-in-frames=0 error-resilient=default token-partitions=1 \
                   keyframe-max-dist=KEYS end-usage=cbr buffer-size=300 buffer-initial-size=200 \
                   buffer-optimal-size=250 undershoot=95 overshoot=15 min-quantizer=4 max-quantizer=63 \
                   dropframe-threshold=30",
        page_settings: "deadline=1 cpu-used=8 threads=1 lag-in-frames=0 error-resilient=default token-partitions=1 \
                        keyframe-max-dist=KEYS end-usage=cbr buffer-size=2000 buffer-initial-size=2000 \
                        buffer-optimal-size=2000 static-threshold=1 min-quantizer=4 max-quantizer=50",
        bitrate: BitrateProperty::Bps,
    },
];
