//! A pretend far box for playout: encoded pictures and sound from memory, handed over in real time.
#![allow(dead_code, reason = "each test uses its part")]

use engawa::config::Sink;
use engawa::core::signal::Alignment;
use engawa::inbox::Inbox;
use engawa::media::playout::{Playout, PlayoutSettings, Probe};
use engawa::model::{BootId, Language, Line, Moment, SessionId, VideoCodec};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The first session of a boot.
pub fn session(number: u64) -> SessionId {
    SessionId { boot: BootId(1), number }
}

/// The clock of everything.
pub fn clock() -> gst::Clock {
    gst::init().expect("GStreamer starts");
    gst::SystemClock::obtain()
}

/// Its reading.
pub fn now() -> Moment {
    Moment::from_nanos(clock().time().nseconds())
}

/// Waits until then.
pub fn wait_until(at: Moment) {
    let _ = clock().new_single_shot_id(gst::ClockTime::from_nseconds(at.as_nanos())).wait();
}

/// Waits until `done`, for at most five seconds; whether it came to be.
pub fn eventually(done: impl Fn() -> bool) -> bool {
    for _ in 0..500 {
        if done() {
            return true;
        }
        wait_until(now() + Duration::from_millis(10));
    }
    false
}

/// So many encoded pictures of a test `pattern`; every `key_every` of them is a key frame.
pub fn pictures(codec: VideoCodec, count: u32, key_every: u32, size: (u32, u32), pattern: &str) -> Vec<gst::Buffer> {
    encoded(codec, &format!("videotestsrc num-buffers={count} {pattern}"), key_every, size)
}

/// Encoded pictures of a source description.
pub fn encoded(codec: VideoCodec, source: &str, key_every: u32, size: (u32, u32)) -> Vec<gst::Buffer> {
    gst::init().expect("GStreamer starts");
    let (width, height) = size;
    let encoder = match codec {
        VideoCodec::H264 => format!(
            "x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max={key_every} threads=1 ! \
             video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au"
        ),
        VideoCodec::Vp8 => {
            format!("vp8enc deadline=1 cpu-used=8 target-bitrate=2000000 keyframe-max-dist={key_every} lag-in-frames=0")
        }
    };
    let description = format!(
        "{source} ! video/x-raw,format=I420,width={width},height={height},framerate=30/1 ! \
         {encoder} ! appsink name=out sync=false"
    );
    let pipeline = gst::parse::launch(&description).expect("encoders are installed");
    let out = pipeline.clone().downcast::<gst::Bin>().ok().and_then(|bin| bin.by_name("out"));
    let out = out.and_then(|out| out.downcast::<gst_app::AppSink>().ok()).expect("named so");
    pipeline.set_state(gst::State::Playing).expect("plays");
    let mut units = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        let mut unit = sample.buffer_owned().expect("a buffer");
        unit.make_mut().unset_flags(gst::BufferFlags::DISCONT);
        units.push(unit);
    }
    pipeline.set_state(gst::State::Null).expect("ends");
    units
}

/// A second of voice-like tone in 10 ms Opus packets with in-band error correction.
pub fn sound() -> Vec<gst::Buffer> {
    gst::init().expect("GStreamer starts");
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip).expect("libopus");
    encoder.set_bitrate(opus::Bitrate::Bits(32_000)).expect("rate");
    encoder.set_inband_fec(true).expect("fec");
    encoder.set_packet_loss_perc(10).expect("loss");
    let packet = |number: usize| {
        let samples: Vec<i16> = (0..480)
            .map(|index| {
                let seconds = (number * 480 + index) as f64 / 48_000.0;
                (8_000.0 * (seconds * 400.0 * std::f64::consts::TAU).sin()) as i16
            })
            .collect();
        gst::Buffer::from_slice(encoder.encode_vec(&samples, 1_000).expect("encodes"))
    };
    (0..100).map(packet).collect()
}

/// What a test looks at.
pub struct Bench {
    pub playout: Playout,
    pub inbox: Inbox,
    /// Sessions a key frame was asked of.
    pub asked: Arc<Mutex<Vec<SessionId>>>,
}

/// Starts playout.
pub fn playout(codec: VideoCodec, screen: Sink, speaker: Sink, probe: Option<Probe>) -> Bench {
    let inbox = Inbox::default();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asks = Arc::clone(&asked);
    let settings = PlayoutSettings {
        language: Language::Japanese,
        screen,
        speaker,
        codec,
        clock: clock(),
        probe,
        key_frame_needed: Arc::new(move |session, _| asks.lock().expect("lives").push(session)),
        out: Arc::new(|_, _| {}),
    };
    Bench { playout: Playout::start(settings, &inbox), inbox, asked }
}

/// Tells playout that RTP time 0 was captured at `start`.
pub fn align(playout: &Playout, start: Moment) {
    for line in [Line::Camera, Line::Voice] {
        playout.align(Alignment { line, rtp: 0, captured_at: start });
    }
}
