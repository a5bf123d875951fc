//! What composing costs: a 720p far picture on a 1080p X screen with everything people are told, against a bare
//! scale → X11 sink, in the same run. `cargo bench --bench composition` (needs Xvfb).
//!
//! Processor time of this process, not wall time: others may use the cores. Each arrangement gets the same frames at the same
//! pace, in turns; the median of the runs is printed, one JSON object a row. The composer has no queue and no thread of its
//! own, so what it takes longer than the bare one is what it delays a frame.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and ends when something is missing")]

#[path = "../support/display.rs"]
mod display;
#[path = "../support/needs.rs"]
mod needs;

use engawa::config::Sink;
use engawa::core::face::{Banner, Face};
use engawa::core::plan::{Picture, Screen};
use engawa::core::snapshot::LinkState;
use engawa::inbox::Inbox;
use engawa::media::face::FaceConstants;
use engawa::media::screen::ScreenView;
use engawa::model::{Language, MicState, Mode};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use nix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

fn main() {
    if std::env::var_os("ENGAWA_BENCH_DISPLAY").is_some() {
        measure();
        return;
    }
    let Some(server) = display::Xvfb::start(1920, 1080) else { return };
    let bench = std::env::current_exe().unwrap();
    let mut bench = Command::new(bench);
    bench.env("ENGAWA_BENCH_DISPLAY", "1").env("DISPLAY", &server.display).env_remove("WAYLAND_DISPLAY");
    assert!(bench.status().unwrap().success());
}

fn measure() {
    gst::init().unwrap();
    let frames = frames();
    let arrangements = ["quiet", "talking", "knocked", "meeting", "own picture"];
    let mut bare = [Vec::new(), Vec::new()];
    let mut composed = vec![Vec::new(); arrangements.len()];
    let view = ScreenView::start(&Sink::Auto, Language::Japanese, gst::SystemClock::obtain(), Inbox::default());
    view.introduce(FaceConstants { words: "higashi kumo sakana yuki midori tokei".into(), ..FaceConstants::default() });
    for _ in 0..RUNS {
        bare[0].push(bare_scale(&frames, "videoconvert ! videoscale"));
        bare[1].push(bare_scale(&frames, "videoscale ! videoconvert"));
        for (runs, name) in composed.iter_mut().zip(arrangements) {
            runs.push(composition(&view, &frames, name));
        }
    }
    view.stop();
    let [convert_first, scale_first] = bare.map(median);
    let row = |what: &str, cost: f64| {
        let times = (cost / convert_first * 100.0).round() / 100.0;
        println!("{}", json!({"what": what, "cpu_ms_per_frame": (cost * 100.0).round() / 100.0, "times_bare": times}));
        times
    };
    row("bare: videoconvert ! videoscale ! ximagesink (the cheaper order: the measure)", convert_first);
    row("bare: videoscale ! videoconvert ! ximagesink", scale_first);
    for (runs, name) in composed.into_iter().zip(arrangements) {
        let cost = median(runs);
        let times = row(&format!("composed: {name}"), cost);
        println!(
            "{}",
            json!({"what": format!("added delay: {name}"), "ms": ((cost - convert_first) * 100.0).round() / 100.0})
        );
        if name == "quiet" {
            assert!(times <= 1.4, "composing costs {times} times a bare scale");
        }
    }
}

/// Processor milliseconds a frame of a bare scale.
fn bare_scale(frames: &[gst::Sample], scale: &str) -> f64 {
    let description = format!(
        "appsrc name=in format=time is-live=true ! {scale} ! \
         video/x-raw,format=BGRx,width=1920,height=1080,pixel-aspect-ratio=1/1 ! ximagesink name=out sync=false qos=false"
    );
    let pipeline = gst::parse::launch(&description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let entrance = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let push = |count| paced(frames, count, |sample| assert!(entrance.push_sample(sample).is_ok()));
    push(WARM);
    let begun = processor();
    push(FRAMES);
    let cost = processor() - begun;
    pipeline.set_state(gst::State::Null).unwrap();
    cost.as_secs_f64() * 1000.0 / f64::from(FRAMES)
}

/// Processor milliseconds a frame of the real screen.
fn composition(view: &ScreenView, frames: &[gst::Sample], name: &str) -> f64 {
    let mut face =
        Face { far_name: "市民課".into(), link: LinkState::Up, sealed: true, volume: 100, ..Face::default() };
    match name {
        "talking" => {
            (face.mode, face.microphone, face.microphone_wanted) = (Mode::Talking, MicState::Open, true);
        }
        "knocked" => face.banner = Some(Banner::Knocked),
        "meeting" => face.mode = Mode::Meeting,
        "own picture" => face.own_picture = true,
        _ => {}
    }
    let own = face.own_picture;
    view.show(&Screen { picture: Picture::Live, sentence: None, face });
    let push = |count| {
        paced(frames, count, |sample| {
            if own {
                view.own(sample);
            }
            let before = view.figures().composed;
            view.frame(sample);
            // The screen keeps only the newest frame; none is to be lost here.
            let clock = gst::SystemClock::obtain();
            for _ in 0..1000 {
                if view.figures().composed > before {
                    break;
                }
                let _ = clock.new_single_shot_id(clock.time() + gst::ClockTime::from_mseconds(2)).wait();
            }
        });
    };
    push(WARM);
    let (begun, before) = (processor(), view.figures());
    push(FRAMES);
    let (cost, after) = (processor() - begun, view.figures());
    let composed = after.composed - before.composed;
    assert!(composed * 10 >= u64::from(FRAMES) * 9, "only {composed} of {FRAMES} frames were composed");
    assert_eq!(after.drawn, before.drawn, "nothing is drawn while nothing changes");
    cost.as_secs_f64() * 1000.0 / composed as f64
}

/// Hands over so many frames, 50 a second.
fn paced(frames: &[gst::Sample], count: u32, mut take: impl FnMut(&gst::Sample)) {
    let clock = gst::SystemClock::obtain();
    let start = clock.time();
    for number in 0..count {
        let _ = clock.new_single_shot_id(start + gst::ClockTime::from_mseconds(20) * u64::from(number)).wait();
        take(&frames[number as usize % frames.len()]);
    }
    let _ = clock.new_single_shot_id(clock.time() + gst::ClockTime::from_mseconds(40)).wait();
}

/// A second of a moving picture.
fn frames() -> Vec<gst::Sample> {
    let description = "videotestsrc num-buffers=30 pattern=ball ! \
        video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! appsink name=out sync=false";
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let out = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let frames = std::iter::from_fn(|| out.pull_sample().ok()).collect();
    pipeline.set_state(gst::State::Null).unwrap();
    frames
}

/// Processor time of this process.
fn processor() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap().into()
}

fn median(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}

const RUNS: usize = 5;
const WARM: u32 = 25;
const FRAMES: u32 = 100;
