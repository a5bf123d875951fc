//! How soon a page of text on a PC's screen can be read in the far room, over a line of 1 Mbit/s that voice and camera use too:
//! `cargo bench --profile dev --bench text` (root, Xvfb, Chromium, tesseract). A4 in 10.5 pt on a screen of 1920×1080.
//!
//! A machine reads the far screen and the PC's own; both are compared with what is written there. (It errs on one letter in a
//! hundred of the PC's own picture, and on others as soon as a single bit is different: so what it reads is not compared directly.)

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench measures real time and prints it"
)]

#[path = "../live_support/mod.rs"]
mod live_support;
#[path = "../support/mod.rs"]
mod support;

use live_support::{LIMIT, Pc, now_ms};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use support::boxes::{Pair, Setup};
use support::display::Shot;
use support::lab::{End, Lab, Middle};
use support::watch::{Busy, Watched, mean, most};

fn main() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    lab.rate(LINE_KBIT);
    let mut pair = Pair::prepare(Some(&lab), &Setup { ceiling_kbps: CEILING_KBPS, ..Setup::default() });
    let own = lab.v4(End::A);
    pair.configure(End::A, "panel", "listen", &format!("\"{own}:8443\""));
    pair.configure(End::A, "panel", "room", &format!("\"{own}/32\""));
    // `-- near`: how good is what this room's own box gets from its PC?
    let near = std::env::args().any(|word| word == "near");
    let screen = WideScreen::open(&pair, if near { End::A } else { End::B });
    pair.start_both();
    pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::with_screen(&pair, End::A, "pages", (WIDE, HIGH)) else { return };
    pair.engawa(End::A, &["mode", "meeting"], &[]);
    std::thread::sleep(Duration::from_secs(5));
    let before = pair.watch("before the share", Duration::from_secs(15));

    let pressed = pc.shares();
    let first = screen.watched(SHARED_FOR);
    let (_, last) = first.last().expect("a picture of the screen");
    let source = Picture::of(&pc.sees());
    let place = last.find(&source);
    println!("the share stands at {place:?} of the screen; settled SSIM {:.4}", source.likeness(&last.at(place), ALL));
    println!("the PC sends {}", pc.asked("stats"));
    tell("after the press", &source, &pc.asked("text"), pressed, &first);

    let mut told = Vec::new();
    let busy = Busy::since_now();
    let during = std::thread::scope(|scope| {
        let watching = scope.spawn(|| pair.watch("during five pages", (SHOWN_FOR + PAUSE) * 5));
        for _ in 0..5 {
            pc.told("turn");
            let turned: u64 = pc.hears("turned").parse().unwrap();
            let seen = screen.watched(SHOWN_FOR);
            told.push((Picture::of(&pc.sees()), pc.asked("text"), turned, seen));
            std::thread::sleep(PAUSE);
        }
        watching.join().unwrap()
    });
    busy.says("five pages turned");
    let times: Vec<_> = told
        .iter()
        .enumerate()
        .map(|(page, (source, text, turned, seen))| tell(&format!("page {page}"), source, text, *turned, seen))
        .collect();
    for (at, what) in
        [(0, "99 % as many letters are read right as of the PC's own picture"), (1, "SSIM 0.99 of the whole share")]
    {
        let mut times: [Option<u64>; 5] = std::array::from_fn(|page| times[page][at]);
        times.sort_unstable_by_key(|time| time.unwrap_or(u64::MAX));
        let words = times.map(|time| time.map_or("never".into(), |ms| format!("{ms} ms")));
        println!("{what}: median {}, {words:?}", words[2]);
    }
    for (name, (before, during)) in ["A", "B"].iter().zip(before.iter().zip(&during)) {
        let voice = |seen: &Watched| {
            let delay = &seen.sound_delay_ms;
            (mean(delay), most(delay), 100.0 * most(&seen.loss), 100.0 * mean(&seen.concealed))
        };
        println!(
            "voice at {name}: delay p95 mean, most (ms), loss %, concealed %: {:.2?} → {:.2?}",
            voice(before),
            voice(during)
        );
    }
}

/// When it could be read, and when it looked the same; milliseconds after the PC showed it.
fn tell(
    what: &str,
    source: &Picture,
    text: &serde_json::Value,
    since: u64,
    seen: &[(u64, Picture)],
) -> [Option<u64>; 2] {
    let text: Vec<char> = text.as_str().unwrap().chars().filter(|letter| !letter.is_whitespace()).collect();
    let best = alike(&text, &source.read());
    println!("{what}: of the PC's own picture {:.1} % of {} letters are read right", best * 100.0, text.len());
    // The screen moves against burn-in, every three minutes.
    let place = seen.last().expect("a picture of the screen").1.find(source);
    let (mut told, mut before) = ([None; 2], Vec::new());
    for (at, screen) in seen.iter().filter(|(at, _)| *at > since) {
        let there = screen.at(place);
        if std::mem::replace(&mut before, there.light.clone()) == there.light {
            continue;
        }
        let (likeness, of_text) = (source.likeness(&there, ALL), source.likeness(&there, PAGE));
        // Nothing of it can be read in the page before.
        let read = (told[0].is_none() && of_text > 0.9).then(|| alike(&text, &there.read()) / best);
        let read_as = read.map_or(String::new(), |read| format!(", {:.1} % as much is read right", read * 100.0));
        println!("{what}: {:5} ms SSIM {likeness:.4}, of the text alone {of_text:.4}{read_as}", at - since);
        if read.is_some_and(|read| read >= 0.99) {
            told[0] = Some(at - since);
        }
        if likeness >= 0.99 {
            told[1].get_or_insert(at - since);
        }
    }
    told
}

/// A box's, so large that a share of 1920×1080 stands on it in its own size.
struct WideScreen(PathBuf);

impl WideScreen {
    fn open(pair: &Pair<'_>, end: End) -> Self {
        let directory = pair.directory().join("wide");
        std::fs::create_dir_all(&directory).unwrap();
        let sink = format!(
            "gst:queue leaky=downstream max-size-buffers=1 max-size-bytes=0 ! identity sleep-time=150000 ! videoconvert ! \
             video/x-raw,format=BGRx,width={SCREEN_WIDE},height={SCREEN_HIGH} ! multifilesink location={}/%06d.bgrx max-files=4",
            directory.display()
        );
        pair.configure(end, "screen", "sink", &toml::Value::from(sink).to_string());
        Self(directory)
    }

    /// What it shows for so long, with the time of each picture.
    fn watched(&self, time: Duration) -> Vec<(u64, Picture)> {
        let until = now_ms() + u64::try_from(time.as_millis()).unwrap();
        let (mut known, mut seen) = (BTreeSet::new(), Vec::new());
        while now_ms() < until {
            for entry in std::fs::read_dir(&self.0).unwrap().flatten() {
                let whole =
                    std::fs::read(entry.path()).ok().filter(|bytes| bytes.len() == SCREEN_WIDE * SCREEN_HIGH * 4);
                let (Some(bytes), Ok(about)) = (whole, entry.metadata()) else { continue };
                if known.insert(entry.path()) {
                    let at = about.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
                    let light = bytes.chunks_exact(4).map(|bgrx| light([bgrx[2], bgrx[1], bgrx[0]])).collect();
                    seen.push((u64::try_from(at.as_millis()).unwrap(), Picture { width: SCREEN_WIDE, light }));
                }
            }
            std::thread::sleep(Duration::from_millis(60));
        }
        seen.sort_by_key(|(at, _)| *at);
        seen
    }
}

/// Only how light each pixel is.
struct Picture {
    width: usize,
    light: Vec<u8>,
}

impl Picture {
    fn of(shot: &Shot) -> Self {
        Self { width: shot.width, light: shot.part(0..shot.width, 0..shot.height).map(light).collect() }
    }

    fn height(&self) -> usize {
        self.light.len() / self.width
    }

    fn row(&self, x: Range<usize>, y: usize) -> &[u8] {
        &self.light[y * self.width..][x]
    }

    /// Where that picture stands on this one.
    fn find(&self, source: &Self) -> (usize, usize) {
        let differs = |(left, top): (usize, usize)| -> u64 {
            let rows = (0..source.height()).step_by(37);
            let differs = |(one, other): (&u8, &u8)| u64::from(one.abs_diff(*other));
            rows.map(|y| {
                source
                    .row(0..source.width, y)
                    .iter()
                    .zip(self.row(left..left + source.width, top + y))
                    .map(differs)
                    .sum::<u64>()
            })
            .sum()
        };
        let places = (0..80).flat_map(|left| (0..300).map(move |top| (left, top)));
        places.filter(|(_, top)| top + source.height() <= self.height()).min_by_key(|place| differs(*place)).unwrap()
    }

    fn at(&self, (left, top): (usize, usize)) -> Self {
        let (width, height) = (WIDE as usize, HIGH as usize);
        Self { width, light: (0..height).flat_map(|y| self.row(left..left + width, top + y)).copied().collect() }
    }

    /// Mean structural similarity of a part (Wang et al. 2004), in windows of 8×8 that stand 4 pixels apart.
    fn likeness(&self, other: &Self, (across, down): (Range<usize>, Range<usize>)) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for top in (down.start..down.end - 8).step_by(4) {
            for left in (across.start..across.end - 8).step_by(4) {
                let [mut a, mut b, mut aa, mut bb, mut ab] = [0_u32; 5];
                for y in top..top + 8 {
                    for (one, other) in self.row(left..left + 8, y).iter().zip(other.row(left..left + 8, y)) {
                        let (one, other) = (u32::from(*one), u32::from(*other));
                        (a, b, aa, bb, ab) = (a + one, b + other, aa + one * one, bb + other * other, ab + one * other);
                    }
                }
                let [a, b, aa, bb, ab] = [a, b, aa, bb, ab].map(|sum| f64::from(sum) / 64.0);
                let (c1, c2) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
                let (light, contrast) = (2.0 * a * b + c1, 2.0 * (ab - a * b) + c2);
                sum += light * contrast / ((a * a + b * b + c1) * (aa - a * a + bb - b * b + c2));
                count += 1.0;
            }
        }
        sum / count
    }

    /// The letters of the page, as a machine reads them.
    fn read(&self) -> Vec<char> {
        let directory = tempfile::tempdir().unwrap();
        let [plain, large] = ["plain.pgm", "large.png"].map(|name| directory.path().join(name));
        let (across, down) = PAGE;
        let mut pgm = format!("P5 {} {} 255\n", across.len(), down.len()).into_bytes();
        pgm.extend(down.flat_map(|y| self.row(across.clone(), y)));
        std::fs::write(&plain, pgm).unwrap();
        run("convert", &[path(&plain), "-filter", "Lanczos", "-resize", "200%", path(&large)]);
        run("tesseract", &[path(&large), "-", "-l", "jpn", "--psm", "6"])
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect()
    }
}

/// How much of `wanted` stands in `read` (1 − edit distance by its length).
fn alike(wanted: &[char], read: &[char]) -> f64 {
    let mut row: Vec<usize> = (0..=read.len()).collect();
    for (at, letter) in wanted.iter().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in read.iter().enumerate() {
            let cheapest = (corner + usize::from(letter != other)).min(row[column] + 1).min(row[column + 1] + 1);
            corner = std::mem::replace(&mut row[column + 1], cheapest);
        }
    }
    1.0 - row[read.len()] as f64 / wanted.len() as f64
}

fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// ITU-R BT.601.
fn light([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29) >> 8) as u8
}

const LINE_KBIT: u32 = 1_000;
/// Engawa keeps its ceiling on average only, until it has congestion control.
const CEILING_KBPS: u32 = 900;
const WIDE: u32 = 1920;
const HIGH: u32 = 1080;
/// The PC's whole screen, and the text of the A4 page on it.
const ALL: (Range<usize>, Range<usize>) = (0..WIDE as usize, 0..HIGH as usize);
const PAGE: (Range<usize>, Range<usize>) = (600..1320, 110..1070);
/// 1376 of 1920 parts of it are for a share.
const SCREEN_WIDE: usize = 2679;
const SCREEN_HIGH: usize = 1507;
const SHARED_FOR: Duration = Duration::from_secs(15);
const SHOWN_FOR: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_secs(2);
