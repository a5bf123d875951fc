//! `engawa demo`: two paired boxes on this machine, a live line per box, an honest verdict at the end.

use crate::cli::pair_of_boxes::{PairOfBoxes, Setup, pause};
use crate::cli::{Failure, status};
use crate::model::VideoCodec;
use crate::system::status::Status;
use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `engawa demo`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// End after so many seconds, with a summary; otherwise with Ctrl-C.
    #[arg(long)]
    seconds: Option<u32>,
    /// Use this machine's camera, microphone and speaker.
    #[arg(long)]
    real: bool,
    /// The clip both rooms show, unless --real.
    #[arg(long, default_value = "tests/media/clip-720p.mp4")]
    clip: PathBuf,
}

/// Runs the demo.
///
/// # Errors
/// When a box does not start, or the link was not up and moving both ways.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut pair = PairOfBoxes::prepare(&setup(arguments)?)?;
    let stop = stop_flag()?;
    pair.start(0)?;
    pair.start(1)?;
    println!("two boxes, linked over the loopback interface; Ctrl-C ends");
    for (which, name) in ["a", "b"].into_iter().enumerate() {
        let (url, socket) = (pair.panel_url(which), pair.socket(which));
        println!("box {name}: panel {url}, its code: engawa room-code --socket {}", socket.display());
    }
    let mut record = [Record::default(), Record::default()];
    let mut second = 0;
    while arguments.seconds.is_none_or(|limit| second < limit) {
        pause(Duration::from_secs(1));
        if stop.load(Ordering::Relaxed) {
            break; // a terminal's Ctrl-C ends the boxes too
        }
        second += 1;
        let again = std::io::stdout().is_terminal() && second > 1;
        if again {
            print!("\x1b[2A");
        }
        for (which, record) in record.iter_mut().enumerate() {
            if let Some(why) = pair.ended(which) {
                return Err(Failure::new(why));
            }
            let status = pair.status(which).unwrap_or_default();
            record.note(&status);
            println!("\r{:>4} s  box {}  {}\x1b[K", second, ["a", "b"][which], status::one_line(&status));
        }
        let _terminal_gone = std::io::stdout().flush();
    }
    drop(pair);
    for (which, record) in record.iter().enumerate() {
        println!("box {}: {}", ["a", "b"][which], record.in_words());
    }
    if record.iter().all(Record::moved) {
        println!("the link was up and moving both ways");
        return Ok(());
    }
    Err(Failure::new("the link was not up and moving both ways"))
}

/// What one box saw during the demo.
#[derive(Debug, Default)]
struct Record {
    seconds_up: u32,
    seconds_moving: u32,
    seconds_sounding: u32,
    moving_at_the_end: bool,
    delays_ms: Vec<f64>,
}

impl Record {
    fn note(&mut self, status: &Status) {
        self.seconds_up += u32::from(status.link == "up");
        self.seconds_moving += u32::from(status.picture_in.fps >= 5.0);
        self.moving_at_the_end = status.link == "up" && status.picture_in.fps >= 5.0;
        self.seconds_sounding += u32::from(status.played_dbfs > AUDIBLE_DBFS);
        if let Some(delay) = status.picture_delay_ms.filter(|_| self.delays_ms.len() < DELAYS_KEPT) {
            self.delays_ms.push(delay.p50);
        }
    }

    fn moved(&self) -> bool {
        self.moving_at_the_end && self.seconds_sounding > 0
    }

    fn in_words(&self) -> String {
        let mut sorted = self.delays_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let delay = sorted.get(sorted.len() / 2).map_or("not measured".into(), |ms| format!("{ms:.1} ms"));
        format!(
            "up {} s, far picture moving {} s, far sound audible {} s, delay of the picture {delay}",
            self.seconds_up, self.seconds_moving, self.seconds_sounding
        )
    }
}

fn setup(arguments: &Arguments) -> Result<Setup, Failure> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let screen = if display { WINDOW } else { "none" };
    let sound_card = Path::new("/dev/snd").exists();
    let clip = arguments.clip.canonicalize().ok().map(|clip| format!("file:{}", clip.display()));
    let (camera, microphone) = match (arguments.real, clip) {
        (true, _) => ("auto".into(), "auto".into()),
        (false, Some(clip)) => (clip.clone(), clip),
        (false, None) => {
            return Err(Failure::new(format!("there is no clip at {}; say --clip", arguments.clip.display())));
        }
    };
    Ok(Setup {
        camera,
        size: (1280, 720),
        fps: 30,
        codec: VideoCodec::H264,
        microphone,
        speaker: if sound_card { "auto" } else { "none" }.into(),
        panel: true,
        screens: [screen.into(), screen.into()],
        ceiling_kbps: 3000,
        arguments: [Vec::new(), Vec::new()],
    })
}

fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(error.to_string()))?;
    let flag = stop.clone();
    std::thread::spawn(move || {
        let asked = runtime.block_on(asked_to_stop());
        flag.store(asked.is_ok(), Ordering::Relaxed);
    });
    Ok(stop)
}

/// Ctrl-C, `kill`, or a terminal that was closed: the boxes are to end in every case.
async fn asked_to_stop() -> std::io::Result<()> {
    let (mut terminate, mut hang_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// A window of its own for each box, so that both can be seen side by side.
const WINDOW: &str = "gst:videoconvertscale ! video/x-raw,width=640,height=360 ! autovideosink sync=false";
const AUDIBLE_DBFS: f32 = -60.0;
const DELAYS_KEPT: usize = 100_000;
