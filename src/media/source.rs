//! Where picture or sound comes from: every `config::Source` becomes one bin with one `src` pad of raw video or audio.
//!
//! ```text
//! v4l2   v4l2src ─► caps ─► decodebin ─┐
//! file   filesrc ─────────► decodebin ─┤
//! alsa   alsasrc ──────────────────────┼─► src
//! test   videotestsrc / audiotestsrc ──┤   (the test sound is written over silence: see `test_voice`)
//! gst    what the installer wrote ─────┘
//! ```
//!
//! Nothing here runs or waits except [`probe_picture`] and [`probe_sound`], which the start-up check calls.

use crate::config::Source;
use crate::media::{devices, test_voice as speech};
use crate::model::Moment;
use gst::prelude::*;
use gstreamer as gst;
use std::path::Path;
use std::time::Duration;

/// What a source is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Raw video, if possible of this size (pixels) and rate.
    Picture { size: (u32, u32), fps: u32 },
    /// Raw audio.
    Sound,
}

/// Why a source cannot be opened; each is one sentence for the installer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not among the devices.
    #[error("no {0} was found")]
    NoDevice(&'static str),
    /// An `alsa:` camera or a `v4l2:` microphone.
    #[error("{0:?} is not a source of {1}")]
    WrongKind(Source, &'static str),
    /// The description does not parse, or it names an element that is not installed.
    #[error("the description `{0}` cannot be built: {1}")]
    Description(String, glib::Error),
    /// The description has no open end.
    #[error("the description `{0}` does not end in an open src pad")]
    NoOpenEnd(String),
    /// A GStreamer element is not installed or does not fit.
    #[error("a GStreamer element is missing: {0}")]
    Element(#[from] glib::BoolError),
}

/// Builds the bin. `attempt` counts tries, so that `auto` walks through all devices.
pub(crate) fn open(source: &Source, form: Form, attempt: usize) -> Result<gst::Bin, SourceError> {
    match (source, form) {
        (Source::Test, Form::Picture { size: (width, height), fps }) => parsed(&format!(
            "videotestsrc is-live=true pattern=smpte horizontal-speed=2 \
             ! video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"
        )),
        (Source::Test, Form::Sound) => test_voice(),
        (Source::File(path), _) => file(path, form.raw()),
        (Source::Gst(description), _) => parsed(description),
        (Source::V4l2(id), Form::Picture { size, fps }) => camera(&devices::camera_path(id), size, fps),
        (Source::Auto, Form::Picture { size, fps }) => {
            let cameras = devices::cameras();
            let count = cameras.len().max(1);
            let listing = cameras.get(attempt % count).ok_or(SourceError::NoDevice("camera"))?;
            camera(&devices::camera_path(&listing.id), size, fps)
        }
        (Source::Alsa(id), Form::Sound) => microphone(id),
        (Source::Auto, Form::Sound) => {
            let microphones = devices::microphones();
            let count = microphones.len().max(1);
            let listing = microphones.get(attempt % count).ok_or(SourceError::NoDevice("microphone"))?;
            microphone(&listing.id)
        }
        (Source::None, _) => Err(SourceError::NoDevice("device, none is configured,")),
        (Source::V4l2(_), Form::Sound) => Err(SourceError::WrongKind(source.clone(), "sound")),
        (Source::Alsa(_), Form::Picture { .. }) => Err(SourceError::WrongKind(source.clone(), "picture")),
    }
}

/// Whether the clip has a picture that decodes; waits up to [`PROBE_WITHIN`]. GStreamer must be initialised.
///
/// # Errors
/// One sentence for the installer.
pub fn probe_picture(path: &Path) -> Result<(), String> {
    probe(path, "video", "picture")
}

/// Whether the clip has sound that decodes; waits up to [`PROBE_WITHIN`]. GStreamer must be initialised.
///
/// # Errors
/// One sentence for the installer.
pub fn probe_sound(path: &Path) -> Result<(), String> {
    probe(path, "audio", "sound")
}

/// The reading of the clock all pipelines share.
pub(crate) fn now() -> Moment {
    Moment::from_nanos(gst::SystemClock::obtain().time().nseconds())
}

/// Puts a pipeline on the shared clock, so that PTS = monotonic nanoseconds.
pub(crate) fn on_shared_clock(pipeline: &gst::Pipeline) {
    pipeline.use_clock(Some(&gst::SystemClock::obtain()));
    pipeline.set_base_time(gst::ClockTime::ZERO);
    pipeline.set_start_time(gst::ClockTime::NONE);
}

/// A bin whose end is the open end of the description. People end one in caps, which only link two elements: hence the
/// element at the end. Other open pads stay as they are: a `textoverlay` that is given a text pad waits for it.
pub(crate) fn parsed(description: &str) -> Result<gst::Bin, SourceError> {
    let bin = gst::parse::bin_from_description(&format!("{description} ! identity name={END}"), false)
        .map_err(|error| SourceError::Description(description.to_owned(), error))?;
    let end = bin.by_name(END).and_then(|last| last.static_pad("src"));
    let end = end.ok_or_else(|| SourceError::NoOpenEnd(description.to_owned()))?;
    bin.add_pad(&gst::GhostPad::builder_with_target(&end)?.name("src").build())?;
    Ok(bin)
}

/// The same with the open beginning of the description as its `sink`.
pub(crate) fn passage(description: &str) -> Result<gst::Bin, SourceError> {
    let bin = parsed(&format!("identity name={BEGINNING} ! {description}"))?;
    let beginning = bin.by_name(BEGINNING).and_then(|first| first.static_pad("sink"));
    let beginning = beginning.ok_or_else(|| SourceError::NoOpenEnd(description.to_owned()))?;
    bin.add_pad(&gst::GhostPad::builder_with_target(&beginning)?.name("sink").build())?;
    Ok(bin)
}

impl Form {
    /// First half of the caps name.
    pub(crate) fn raw(self) -> &'static str {
        match self {
            Self::Picture { .. } => "video",
            Self::Sound => "audio",
        }
    }
}

fn camera(path: &Path, (width, height): (u32, u32), fps: u32) -> Result<gst::Bin, SourceError> {
    let source = gst::ElementFactory::make("v4l2src").property("device", path.to_string_lossy().as_ref()).build()?;
    // Raw at the wanted size and rate first; most USB cameras reach 720p30 only as JPEG; then whatever there is.
    let exact = format!("width={width},height={height},framerate={fps}/1");
    let caps = format!("video/x-raw,{exact};image/jpeg,{exact};video/x-raw;image/jpeg").parse::<gst::Caps>()?;
    let filter = gst::ElementFactory::make("capsfilter").property("caps", caps).build()?;
    decoding(&[source, filter], "video")
}

fn microphone(id: &str) -> Result<gst::Bin, SourceError> {
    // Time comes from the shared clock and is smoothed in `microphone`: the card's own clock and `skew`'s jumps stay out.
    let source = gst::ElementFactory::make("alsasrc")
        .property("device", id)
        .property("provide-clock", false)
        .property_from_str("slave-method", "re-timestamp")
        .property("buffer-time", 80_000_i64)
        .property("latency-time", 10_000_i64)
        .build()?;
    let bin = gst::Bin::new();
    bin.add(&source)?;
    let end = source.static_pad("src").ok_or_else(|| SourceError::NoOpenEnd("alsasrc".to_owned()))?;
    bin.add_pad(&gst::GhostPad::with_target(&end)?)?;
    Ok(bin)
}

fn file(path: &Path, raw: &'static str) -> Result<gst::Bin, SourceError> {
    let source = gst::ElementFactory::make("filesrc").property("location", path.to_string_lossy().as_ref()).build()?;
    decoding(&[source], raw)
}

/// `head ─► decodebin`, only streams of the kind `raw` decoded, the first of them as `src`.
fn decoding(head: &[gst::Element], raw: &'static str) -> Result<gst::Bin, SourceError> {
    let bin = gst::Bin::new();
    // Of any kind of memory, or decodebin passes over decoders that can do more than plain memory.
    let raw_caps = format!("{raw}/x-raw(ANY)").parse::<gst::Caps>()?;
    let decode = gst::ElementFactory::make("decodebin")
        .property("caps", raw_caps)
        .property("expose-all-streams", false)
        .build()?;
    bin.add_many(head)?;
    bin.add(&decode)?;
    let chain: Vec<&gst::Element> = head.iter().chain([&decode]).collect();
    gst::Element::link_many(chain)?;

    let ghost = gst::GhostPad::builder(gst::PadDirection::Src).name("src").build();
    bin.add_pad(&ghost)?;
    let open_end = ghost.downgrade();
    decode.connect_pad_added(move |_, pad| {
        let Some(ghost) = open_end.upgrade() else { return };
        if ghost.target().is_none()
            && let Err(error) = ghost.set_target(Some(pad))
        {
            tracing::warn!(%error, "a decoded stream does not fit");
        }
    });
    let open_end = ghost.downgrade();
    decode.connect_no_more_pads(move |decode| {
        if open_end.upgrade().is_some_and(|ghost| ghost.target().is_none()) {
            gst::element_error!(decode, gst::StreamError::WrongType, ["no {raw} stream in it"]);
        }
    });
    Ok(bin)
}

fn test_voice() -> Result<gst::Bin, SourceError> {
    let bin = parsed(
        "audiotestsrc is-live=true wave=silence samplesperbuffer=480 \
         ! audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved",
    )?;
    let table = speech::table();
    if let Some(end) = bin.static_pad("src") {
        end.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer_mut() {
                let start = buffer.pts().unwrap_or_default();
                if let Ok(mut samples) = buffer.make_mut().map_writable() {
                    speech::write(&table, start.nseconds(), samples.as_mut_slice());
                }
            }
            gst::PadProbeReturn::Ok
        });
    }
    Ok(bin)
}

fn probe(path: &Path, raw: &'static str, kind: &str) -> Result<(), String> {
    let fails = |why: String| {
        format!("The clip {} has no {kind} that can be played: {}.", path.display(), why.trim_end_matches('.'))
    };
    if !path.is_file() {
        return Err(format!("The clip {} does not exist or is not a file.", path.display()));
    }
    let pipeline = gst::Pipeline::new();
    let bin = file(path, raw).map_err(|error| fails(error.to_string()))?;
    let sink = gst::ElementFactory::make("fakesink").build().map_err(|error| fails(error.to_string()))?;
    pipeline.add(&bin).and_then(|()| pipeline.add(&sink)).map_err(|error| fails(error.to_string()))?;
    bin.link(&sink).map_err(|error| fails(error.to_string()))?;

    // A sink that has its first buffer ends the state change; everything else is an error on the bus.
    let kinds = [gst::MessageType::Error, gst::MessageType::AsyncDone, gst::MessageType::Eos];
    let message = pipeline
        .set_state(gst::State::Paused)
        .ok()
        .and_then(|_| pipeline.bus()?.timed_pop_filtered(gst::ClockTime::try_from(PROBE_WITHIN).ok(), &kinds));
    let outcome = match message {
        None => Err(fails("nothing comes out of it".to_owned())),
        Some(message) => match (message.type_(), message.view()) {
            (gst::MessageType::AsyncDone, _) => Ok(()),
            (_, gst::MessageView::Error(error)) => Err(fails(error.error().to_string())),
            _ => Err(fails("it is empty".to_owned())),
        },
    };
    // The probe runs before anything else does, on the caller's thread.
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::debug!(%error, "closing the probe");
    }
    outcome
}

const BEGINNING: &str = "engawa-beginning";
const END: &str = "engawa-end";
/// How long a clip may take to give its first frame in a probe.
pub const PROBE_WITHIN: Duration = Duration::from_secs(3);
