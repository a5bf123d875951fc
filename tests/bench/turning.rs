//! How surely and how soon a turned camera is recognised, in generated rooms and over real stills. `cargo bench --bench turning`
//! plays the held-out seeds once, `-- --development` those that the recognition was tuned on. All of it is synthetic: no figure
//! here comes from a camera. Needs `ffmpeg` for the stills.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its figures and stops at the first surprise"
)]

#[path = "../turning_world/mod.rs"]
mod turning_world;

use engawa::core::turning::{Reference, Thumbnail, Turning};
use engawa::model::Moment;
use nix::time::{ClockId, clock_gettime};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use turning_world::judge::{Judge, Score};
use turning_world::params::{DEVELOPMENT, HELD_OUT, HELD_OUT_REST, STILLS_DEVELOPMENT, STILLS_HELD_OUT};
use turning_world::play::Play;
use turning_world::still::Still;

fn main() {
    let development = std::env::args().any(|argument| argument == "--development");
    let (rooms, pans) = if development { (DEVELOPMENT, STILLS_DEVELOPMENT) } else { (HELD_OUT, STILLS_HELD_OUT) };
    println!("synthetic, {} seeds", if development { "development" } else { "held-out" });
    println!(
        "| what | hours | turns | found | ≤ 2 s | missed | delay p50, p95, worst | strange places | wrong switches | CPU per look, mean, worst |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    rows("parallax rooms, camera turned", rooms, 180.0, |seed| Play::in_room(seed, true));
    if !development {
        rows("parallax rooms, camera never turned", HELD_OUT_REST, 180.0, |seed| Play::in_room(seed, false));
    }
    let stills = stills();
    if stills.is_empty() {
        println!("skipped: hand-held pans over stills (no tests/media/clip-720p.mp4, or no ffmpeg)");
        return;
    }
    // The first half of the clip is for development.
    let half = stills.len() / 2;
    let mine = if development { &stills[..half] } else { &stills[half..] };
    rows("hand-held pans over stills of a film", pans, 180.0, |seed| {
        let luma = mine[seed as usize % mine.len()].clone();
        Play::over_still(seed, Still::new(STILL_SIZE.0, STILL_SIZE.1, luma), true)
    });
}

/// One row of the table: all seeds, on all cores.
fn rows(name: &str, seeds: RangeInclusive<u64>, seconds: f32, play: impl Fn(u64) -> Play + Sync) {
    let (mut score, mut cost) = (Score::default(), Cost::default());
    let seeds: Vec<u64> = seeds.collect();
    std::thread::scope(|scope| {
        let halves = seeds.chunks(seeds.len().div_ceil(2));
        let runs: Vec<_> = halves
            .map(|half| scope.spawn(|| half.iter().map(|seed| run(play(*seed), seconds)).collect::<Vec<_>>()))
            .collect();
        for (one, spent) in runs.into_iter().flat_map(|run| run.join().unwrap()) {
            score.add(one);
            cost.add(&spent);
        }
    });
    let delay = |share| score.delay(share).map_or("–".to_owned(), |delay| format!("{delay:.2}"));
    println!(
        "| {name} | {:.2} | {} | {} | {} | {} | {}, {}, {} s | {} | {} | {} µs, {} µs |",
        score.seconds / 3600.0,
        score.turns,
        score.delays.len(),
        score.delays.len() - score.late(),
        score.missed,
        delay(0.5),
        delay(0.95),
        delay(1.0),
        score.strange,
        score.wrong,
        (cost.spent / cost.looks.max(1)).as_micros(),
        cost.worst.as_micros(),
    );
}

fn run(mut play: Play, seconds: f32) -> (Score, Cost) {
    let lessons: Vec<Option<Reference>> = (0..2)
        .map(|view| play.lesson(view).into_iter().map(|luma| Thumbnail::new(luma).unwrap()).collect::<Vec<_>>())
        .map(|lesson| Reference::learn(&lesson))
        .collect();
    play.begin();
    let (mut turning, mut judge, mut cost) = (Turning::new(lessons), Judge::new(), Cost::default());
    loop {
        let frame = play.frame();
        if frame.at > seconds {
            return (judge.end(), cost);
        }
        let thumbnail = Thumbnail::new(frame.luma).unwrap();
        let begun = cpu();
        let said = turning.look(&thumbnail, Moment::from_nanos((frame.at * 1e9) as u64));
        let spent = cpu() - begun;
        cost.add(&Cost { looks: 1, spent, worst: spent });
        if !judge.see(frame.at, frame.truth, said) {
            let view = said.unwrap();
            let (right, up) = play.beside(view, frame.pose);
            println!(
                "wrong at {:.0} s: view {view}, which lies {right:.0}° aside and {up:.0}° up; {:?}",
                frame.at, frame.truth
            );
        }
    }
}

/// What looking costs.
#[derive(Default)]
struct Cost {
    looks: u32,
    spent: Duration,
    worst: Duration,
}

impl Cost {
    fn add(&mut self, other: &Self) {
        self.looks += other.looks;
        self.spent += other.spent;
        self.worst = self.worst.max(other.worst);
    }
}

/// Two stills a second of the clip, luma.
fn stills() -> Vec<Vec<u8>> {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/clip-720p.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-loglevel", "error", "-i"])
        .arg(clip)
        .args(["-vf", "fps=2", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let Ok(output) = ffmpeg.output() else { return Vec::new() };
    output.stdout.chunks_exact(STILL_SIZE.0 * STILL_SIZE.1).map(<[u8]>::to_vec).collect()
}

/// What this thread has spent.
fn cpu() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap())
}

const STILL_SIZE: (usize, usize) = (1280, 720);
