//! `engawa bench`: two boxes with stamps in the frames; prints one JSON object.
//!
//! The stamp is drawn where a raw frame enters the encoder and read where the decoded frame is handed to the renderer, on
//! one monotonic clock: the delay is measured, not computed from what playout believes.

use crate::cli::Failure;
use crate::cli::pair_of_boxes::{Footprint, PairOfBoxes, Setup, pause};
use crate::model::{Moment, VideoCodec};
use crate::system::clock::{Clock, ClockSetting};
use crate::system::status::Status;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `engawa bench`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Two processes; CPU and memory per box count only so. Otherwise both boxes run in this one.
    #[arg(long)]
    processes: bool,
    /// Video codec.
    #[arg(long, default_value = "h264")]
    codec: Codec,
    /// Pixels.
    #[arg(long, default_value = "1280x720")]
    size: String,
    /// Frames per second.
    #[arg(long, default_value_t = 30)]
    fps: u32,
    /// How long to measure, after 5 s of warming up.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Ceiling of each box.
    #[arg(long, default_value_t = 3000)]
    ceiling_kbps: u32,
    /// What the cameras see: as `[camera] source`; the clip if it is there.
    #[arg(long)]
    camera: Option<String>,
    /// Let the second box's clock run fast by so many parts per million; needs --processes. Stamps are then not comparable and left out.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    clock_ppm: i32,
    /// Force a new session this often, in milliseconds.
    #[arg(long)]
    renew_every_ms: Option<u64>,
    /// Leave out killing and restarting the second box at the end.
    #[arg(long)]
    no_kill: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Codec {
    H264,
    Vp8,
}

#[derive(Debug, Serialize)]
struct Report {
    codec: &'static str,
    size: String,
    fps: u32,
    seconds: u32,
    two_processes: bool,
    clock_ppm: i32,
    camera: String,
    boxes: [BoxReport; 2],
    /// Daemon start → first far picture decoded, peer already running.
    first_picture_s: Option<f64>,
    /// kill -9 and restart at once → first frame of the new session decoded at the surviving box.
    recover_after_kill_s: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
struct BoxReport {
    /// Stamp drawn → stamp read.
    delay_ms: Option<crate::system::status::StampStatus>,
    /// What the box itself believes, without stamps, last second.
    believed_picture_delay_ms: Option<crate::system::status::DelayStatus>,
    believed_sound_delay_ms: Option<crate::system::status::DelayStatus>,
    /// Medians of the believed picture delay over the first and the last tenth of the run.
    believed_first_last_ms: Option<(f64, f64)>,
    /// Far frames handed to the renderer per second, median of the seconds.
    fps: f64,
    cpu_cores: Option<f64>,
    rss_kib: Option<u64>,
    live_heap_kib: u64,
    threads: Option<u64>,
    fds: Option<u64>,
    bytes_per_second_out: u64,
    worst_second_kbps_out: u32,
    sessions_opened: u64,
    /// What grew between the 20th session and the last, as the daemon says: the lower quartiles of 15 s at either end;
    /// in one process, of both boxes. With --renew-every-ms.
    growth_after_20th_session: Option<Growth>,
    seconds_not_up: u32,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Growth {
    sessions: u64,
    live_heap_kib: i64,
    rss_kib: i64,
    threads: i64,
    fds: i64,
}

/// Measures and prints.
///
/// # Errors
/// When a box does not start or the link does not come up within 15 s.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.clock_ppm != 0 && !arguments.processes {
        return Err(Failure::new("--clock-ppm needs --processes: one process has one clock"));
    }
    let clock = Clock::start(ClockSetting::default());
    let camera = camera(arguments);
    let mut pair = PairOfBoxes::prepare(&setup(arguments, camera.clone())?)?;
    if !arguments.processes {
        pair.in_this_process();
    }
    pair.start(0)?;
    pause(BEFORE_SECOND_BOX);
    let started = clock.now();
    pair.start(1)?;
    let first_picture_s = first_frame(&mut pair, 1, started, None)?;
    first_frame(&mut pair, 0, started, None)?;
    pause(WARMING_UP);
    let boxes = measure(&mut pair, arguments.seconds)?;
    let recover_after_kill_s = match arguments.processes && !arguments.no_kill && arguments.clock_ppm == 0 {
        true => recover(&mut pair, &clock)?,
        false => None,
    };
    let report = Report {
        codec: match arguments.codec {
            Codec::H264 => "h264",
            Codec::Vp8 => "vp8",
        },
        size: arguments.size.clone(),
        fps: arguments.fps,
        seconds: arguments.seconds,
        two_processes: arguments.processes,
        clock_ppm: arguments.clock_ppm,
        camera,
        boxes,
        first_picture_s,
        recover_after_kill_s,
    };
    println!("{}", serde_json::to_string_pretty(&report).map_err(|error| Failure::new(error.to_string()))?);
    Ok(())
}

fn measure(pair: &mut PairOfBoxes, seconds: u32) -> Result<[BoxReport; 2], Failure> {
    let clock = Clock::start(ClockSetting::default());
    let begun = clock.now();
    let before = [0, 1].map(|which| pair.pid(which).and_then(Footprint::of));
    let mut seen: [Vec<Status>; 2] = [Vec::new(), Vec::new()];
    for second in 1..=seconds {
        let due = begun + Duration::from_secs(u64::from(second));
        pause(due.since(clock.now()));
        for (which, seen) in seen.iter_mut().enumerate() {
            if let Some(why) = pair.ended(which) {
                return Err(Failure::new(why));
            }
            seen.extend(pair.status(which));
        }
    }
    let elapsed = clock.now().since(begun).as_secs_f64();
    let after = [0, 1].map(|which| pair.pid(which).and_then(Footprint::of));
    let mut reports = [BoxReport::default(), BoxReport::default()];
    for (which, report) in reports.iter_mut().enumerate() {
        let seen = &seen[which];
        let Some(last) = seen.last() else { return Err(Failure::new("a box does not answer")) };
        let believed: Vec<f64> =
            seen.iter().filter_map(|status| status.picture_delay_ms).map(|delay| delay.p50).collect();
        let tenth = (believed.len() / 10).max(1);
        *report = BoxReport {
            delay_ms: last.stamps_ms,
            believed_picture_delay_ms: last.picture_delay_ms,
            believed_sound_delay_ms: last.sound_delay_ms,
            believed_first_last_ms: (!believed.is_empty())
                .then(|| (median(&believed[..tenth]), median(&believed[believed.len() - tenth..]))),
            fps: median(&seen.iter().map(|status| f64::from(status.picture_in.fps)).collect::<Vec<_>>()),
            cpu_cores: before[which].zip(after[which]).map(|(before, after)| (after.cpu_s - before.cpu_s) / elapsed),
            rss_kib: after[which].map(|footprint| footprint.rss_kib),
            live_heap_kib: last.memory.live_heap_bytes / 1024,
            threads: after[which].map(|footprint| footprint.threads),
            fds: after[which].map(|footprint| footprint.fds),
            bytes_per_second_out: seen.iter().map(|status| u64::from(status.kbps_out) * 125).sum::<u64>()
                / seen.len().max(1) as u64,
            worst_second_kbps_out: seen.iter().map(|status| status.kbps_out).max().unwrap_or(0),
            sessions_opened: last.sessions_opened,
            growth_after_20th_session: growth(seen),
            seconds_not_up: u32::try_from(seen.iter().filter(|status| status.link != "up").count()).unwrap_or(u32::MAX),
        };
    }
    Ok(reports)
}

fn growth(seen: &[Status]) -> Option<Growth> {
    let later: Vec<&Status> = seen.iter().filter(|status| status.sessions_opened >= 20).collect();
    let (early, late) = (later.get(..GROWTH_SECONDS)?, later.get(later.len() - GROWTH_SECONDS..)?);
    // The lower quartile of some seconds: a frame on its way is 1.4 MB, and one session more lives while two overlap.
    let usual = |of: &[&Status], what: fn(&Status) -> u64| {
        let mut values: Vec<u64> = of.iter().map(|status| what(status)).collect();
        values.sort_unstable();
        values[values.len() / 4].cast_signed()
    };
    let grew = |what| usual(late, what) - usual(early, what);
    let sessions = grew(|status| status.sessions_opened).cast_unsigned();
    (sessions > 0).then(|| Growth {
        sessions,
        live_heap_kib: grew(|status| status.memory.live_heap_bytes / 1024),
        rss_kib: grew(|status| status.memory.rss_bytes / 1024),
        threads: grew(|status| status.memory.threads),
        fds: grew(|status| status.memory.fds),
    })
}

fn recover(pair: &mut PairOfBoxes, clock: &Clock) -> Result<Option<f64>, Failure> {
    let before = pair.status(0).and_then(|status| status.session);
    let killed = clock.now();
    pair.kill(1);
    pair.start(1)?;
    first_frame(pair, 0, killed, before)
}

/// Seconds from `since` until `which` decoded the first frame of a session other than `instead_of`.
fn first_frame(
    pair: &mut PairOfBoxes,
    which: usize,
    since: Moment,
    instead_of: Option<String>,
) -> Result<Option<f64>, Failure> {
    for _ in 0..FIRST_FRAME_POLLS {
        if let Some(why) = pair.ended(which) {
            return Err(Failure::new(why));
        }
        let status = pair.status(which).unwrap_or_default();
        if let Some(at) = status.first_frame_ns.filter(|_| status.session.is_some() && status.session != instead_of) {
            return Ok(Some(Moment::from_nanos(at).since(since).as_secs_f64()));
        }
        pause(FIRST_FRAME_POLL);
    }
    Err(Failure::new("no far picture within 15 s"))
}

fn setup(arguments: &Arguments, camera: String) -> Result<Setup, Failure> {
    let size = arguments.size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let mut both = Vec::new();
    if arguments.clock_ppm == 0 {
        both.push("--stamps".to_owned());
    }
    let mut second = both.clone();
    if arguments.clock_ppm != 0 {
        second.push(format!("--clock-ppm={}", arguments.clock_ppm));
    }
    let renew = arguments.renew_every_ms.map(|ms| format!("--renew-every-ms={ms}"));
    Ok(Setup {
        camera,
        size: size.ok_or_else(|| Failure::new("--size is written like 1280x720"))?,
        fps: arguments.fps,
        codec: match arguments.codec {
            Codec::H264 => VideoCodec::H264,
            Codec::Vp8 => VideoCodec::Vp8,
        },
        microphone: "test".into(),
        speaker: "none".into(),
        panel: false,
        screens: ["none".into(), "none".into()],
        ceiling_kbps: arguments.ceiling_kbps,
        arguments: [both.into_iter().chain(renew.clone()).collect(), second.into_iter().chain(renew).collect()],
    })
}

fn camera(arguments: &Arguments) -> String {
    let clip = PathBuf::from(CLIP).canonicalize().map(|clip| format!("file:{}", clip.display()));
    arguments.camera.clone().unwrap_or_else(|| clip.unwrap_or_else(|_| "test".into()))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

const CLIP: &str = "tests/media/clip-720p.mp4";
/// Compared at either end.
const GROWTH_SECONDS: usize = 15;
const BEFORE_SECOND_BOX: Duration = Duration::from_secs(2);
const WARMING_UP: Duration = Duration::from_secs(5);
const FIRST_FRAME_POLL: Duration = Duration::from_millis(20);
const FIRST_FRAME_POLLS: u32 = 750;
