//! Figures of the receiving half on this machine: `cargo test --test playout_bench -- --ignored --nocapture`.
//! With `ENGAWA_CLIP=FILE` the picture is that clip's, else a test pattern.

#![allow(clippy::print_stderr, reason = "prints its figures")]

mod playout_support;

use engawa::config::Sink;
use engawa::core::plan::MediaPlan;
use engawa::model::{Line, VideoCodec};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use playout_support::*;
use std::time::Duration;

fn cpu_ms() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("usage");
    usage.user_time().num_milliseconds() + usage.system_time().num_milliseconds()
}

#[test]
#[ignore = "a measurement, not a test"]
fn delay_and_processor_time_of_the_receiving_half() {
    const SECONDS: u32 = 20;
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let source = std::env::var("ENGAWA_CLIP").map_or_else(
            |_| "videotestsrc num-buffers=150 pattern=ball".to_owned(),
            |clip| format!("filesrc location={clip} ! decodebin ! videorate ! videoconvert ! videoscale"),
        );
        let (units, sound) = (encoded(codec, &source, 3000, (1280, 720)), sound());
        let bench = playout(codec, Sink::None, Sink::None, None);
        bench.playout.arrange(&MediaPlan { play: true, ..MediaPlan::default() }, codec);
        wait_until(now() + Duration::from_millis(500));
        let start = now() + Duration::from_millis(20);
        align(&bench.playout, start);
        let begun = cpu_ms();
        let mut fed = units.iter().cycle();
        for tick in 0..SECONDS * 100 {
            wait_until(start + Duration::from_millis(10) * (tick + 1));
            bench.playout.take_sound(session(1), Line::Voice, sound[tick as usize % 100].clone(), tick * 480);
            if tick % 10 == 0 || tick % 10 == 3 || tick % 10 == 6 {
                // Captured as it is taken: what is left is ours. Three pictures in 100 ms.
                let rtp = (tick + 1) * 900;
                let unit = fed.next().expect("it cycles");
                bench.playout.take_video(session(1), Line::Camera, unit, rtp);
            }
            if tick == 500 {
                bench.playout.report(Duration::from_secs(5)); // start-up is not measured
            }
        }
        let spent = cpu_ms() - begun;
        let detail = bench.playout.picture_report();
        let report = bench.playout.report(Duration::from_secs(u64::from(SECONDS) - 5));
        eprintln!(
            "{codec:?}: {:.3} core; decoding {:?}; picture {:?}; sound {:?}; {} shown, {report:?}",
            spent as f64 / f64::from(SECONDS) / 1000.0,
            detail.decoding,
            detail.delay,
            report.sound_delay,
            detail.frames
        );
        bench.playout.stop();
    }
}
