//! How pages are drawn, and how soon: cargo bench --bench pages -- FILE... (PDF, PNG, JPEG). Figures, not tests.
//!
//! For each file: opened in a new worker, first page drawn to fit 1920×1080 and 3840×2160, the worker's memory; with `--to DIRECTORY`
//! the first is kept as a PPM picture. tests/bench/pages/make.py makes Japanese files; README.md beside it says what was seen.
//!
//! `-- --line` as root, on an idle machine: 20 scanned A4 pages of 5 MB between two daemons over a line of 2 Mbit/s, voice and
//! camera on; from the start of `engawa share` to the first page on both screens of 1280×720, and what voice noticed.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench"
)]

#[path = "../pages_support/mod.rs"]
mod pages_support;
#[path = "../support/mod.rs"]
mod support;

use engawa::pages::{Drawing, Opened, Picture, Refusal, Studio, Undrawn};
use pages_support::files;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use support::boxes::{Pair, Setup};
use support::lab::{End, Lab, Middle};
use support::screen::Screen;
use support::watch::{Watched, mean, most};
use support::{pause, wait_for};

fn main() {
    if std::env::args().any(|word| word == "--line") {
        return over_a_line();
    }
    let mut files: Vec<PathBuf> =
        std::env::args().skip(1).filter(|word| word != "--bench").map(PathBuf::from).collect();
    let to = files.iter().position(|word| word.as_os_str() == "--to").map(|at| {
        files.remove(at);
        files.remove(at)
    });
    let studio = Studio::new(env!("CARGO_BIN_EXE_engawa"), 1);
    println!(
        "| file | opened ms | 1080 lines: first, again ms | 2160 lines ms | worker peak MB |\n|---|---|---|---|---|"
    );
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let bytes: Vec<u8> = std::fs::read(&file).expect("a file");
        let begun = Instant::now();
        let opened = match open(&studio, bytes) {
            Ok(opened) => opened,
            Err(refusal) => {
                println!("| {name} | {:.0}: {refusal:?} | | | |", ms(begun));
                continue;
            }
        };
        let ready = ms(begun);
        let [first, again] = [1_080, 1_080].map(|lines| drawn(&opened, lines));
        let large = drawn(&opened, 2_160);
        if let (Some(directory), Ok(picture)) = (&to, &first.1) {
            keep(&directory.join(name.clone() + ".engawa.ppm"), picture);
        }
        let state = |drawn: &(f64, Result<Picture, Undrawn>)| match &drawn.1 {
            Ok(_) => format!("{:.0}", drawn.0),
            Err(undrawn) => format!("{:.0} {undrawn:?}", drawn.0),
        };
        let memory = peak_memory_mb().unwrap_or_default();
        println!("| {name} | {ready:.0} | {}, {} | {} | {memory} |", state(&first), state(&again), state(&large));
        drop(opened);
        while studio.open_documents() > 0 {
            std::thread::yield_now();
        }
    }
}

fn over_a_line() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    lab.rate(2_000);
    let setup = Setup { ceiling_kbps: 1_900, size: "1280x720".into(), ..Setup::default() };
    let mut pair = Pair::prepare(Some(&lab), &setup);
    let screens = End::BOTH.map(|end| Screen::open(&pair, end));
    pair.start_both();
    pair.wait_up(LIMIT);
    let bytes = files::scans_of(&(0..20).map(|page| files::noise(250_000, page + 1)).collect::<Vec<_>>());
    let file = pair.directory().join("plan.pdf");
    std::fs::write(&file, &bytes).expect("written");
    let opened = pages_support::open(&pages_support::studio(), &bytes).expect("opened");
    // An A4 page on a screen of 1280×720.
    let first = pages_support::draw(&opened, Drawing::whole(0, 382, 540)).expect("drawn");
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        pause(Duration::from_secs(8));
        let before = pair.watch("before", Duration::from_secs(5));
        let dropped = Instant::now();
        let (times, during) = std::thread::scope(|scope| {
            // The command says what became of it a little later.
            scope.spawn(|| pair.engawa(End::A, &["share", &file.to_string_lossy()], &[]));
            let times = scope.spawn(|| {
                let shown = |screen: &Screen| {
                    wait_for(LIMIT, || screen.shows_early(&first).then(|| dropped.elapsed().as_secs_f64()))
                };
                screens.each_ref().map(|screen| shown(screen).expect("shown"))
            });
            let during = pair.watch("during", Duration::from_secs(12));
            (times.join().expect("watched"), during)
        });
        println!("run {run}: first page after {times:.2?} s; before {}; during {}", voice(&before), voice(&during));
        near.push(times[0]);
        far.push(times[1]);
        pair.engawa(End::A, &["mode", "quiet"], &[]);
        pair.wait_status(End::B, LIMIT, "no page", |status| status["room"]["page"].is_null());
    }
    for (screen, times) in [("near", &mut near), ("far", &mut far)] {
        times.sort_by(f64::total_cmp);
        let (least, median, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
        println!("{screen} screen, {RUNS} runs: median {median:.2} s, {least:.2} to {most:.2} s");
    }
}

/// Both ways.
fn voice(watched: &[Watched; 2]) -> String {
    let each = watched.each_ref().map(|watched| {
        let concealed = [mean(&watched.concealed), most(&watched.concealed)].map(|share| 100.0 * share);
        let delay = [mean(&watched.sound_delay_ms), most(&watched.sound_delay_ms)];
        format!(
            "concealed {:.2} % (worst second {:.1}), delay p95 {:.0} ms (most {:.0})",
            concealed[0], concealed[1], delay[0], delay[1]
        )
    });
    each.join(" / ")
}

fn open(studio: &Studio, bytes: Vec<u8>) -> Result<Opened, Refusal> {
    let (said, hear) = mpsc::channel();
    studio.open(bytes.to_vec(), move |opened| said.send(opened).expect("heard"));
    hear.recv().expect("an answer")
}

fn drawn(opened: &Opened, lines: u32) -> (f64, Result<Picture, Undrawn>) {
    let page = opened.pages[0];
    let fit = (lines as f32 / page.height).min(lines as f32 * 16.0 / 9.0 / page.width);
    let drawing = Drawing::whole(0, (page.width * fit).round() as u32, (page.height * fit).round() as u32);
    let (said, hear) = mpsc::channel();
    let begun = Instant::now();
    opened.document.draw(drawing, move |drawn| said.send(drawn).expect("heard"));
    let drawn = hear.recv().expect("an answer");
    (ms(begun), drawn)
}

fn keep(path: &Path, picture: &Picture) {
    let mut bytes = format!("P6 {} {} 255\n", picture.width, picture.height).into_bytes();
    picture.bgrx.chunks(4).for_each(|pixel| bytes.extend([pixel[2], pixel[1], pixel[0]]));
    std::fs::write(path, bytes).expect("written");
}

/// Of the only child.
fn peak_memory_mb() -> Option<u64> {
    let own = std::process::id();
    let children = std::fs::read_dir(format!("/proc/{own}/task")).ok()?.flatten().find_map(|task| {
        let children = std::fs::read_to_string(task.path().join("children")).ok()?;
        children.split_whitespace().next().map(str::to_owned)
    })?;
    let status = std::fs::read_to_string(format!("/proc/{children}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?;
    peak.parse::<u64>().ok().map(|kilobytes| kilobytes / 1_024)
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

const RUNS: usize = 7;
const LIMIT: Duration = Duration::from_secs(30);
