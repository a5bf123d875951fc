//! How pages are drawn, and how soon: cargo bench --bench pages -- FILE... (PDF, PNG, JPEG). Figures, not tests.
//!
//! For each file: opened in a new worker, first page drawn to fit 1920×1080 and 3840×2160, the worker's memory; with `--to DIRECTORY`
//! the first is kept as a PPM picture. tests/bench/pages/make.py makes Japanese files; README.md beside it says what was seen.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods, missing_docs, reason = "a bench")]

use engawa::pages::{Drawing, Opened, Picture, Refusal, Studio, Undrawn};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Instant;

fn main() {
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
