//! How soon a mode is there: two daemons on one machine, asked over the status socket; what counts is the last frame of the old
//! mode on the far screen and the first or last sample of the far speaker. `cargo bench --bench modes`, on an idle machine.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench prints its figures and stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::senses::{camera, tone};
use support::{now_ns, pause, wait_for};

fn main() {
    let setup = Setup { size: "1280x720".into(), fps: 30, microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let quoted = |text: String| toml::Value::from(text).to_string();
    for (end, colour, hertz) in [(End::A, [200, 60, 90], 440), (End::B, [70, 120, 210], 880)] {
        pair.configure(end, "camera", "source", &quoted(camera(colour, "green")));
        pair.configure(end, "sound", "source", &quoted(tone(hertz)));
    }
    let (screen, speaker) = (pair.directory().join("screen.rgb"), pair.directory().join("speaker.s16"));
    let sink = format!(
        "gst:videoconvert ! videoscale ! video/x-raw,format=RGB,width={WIDTH},height={HEIGHT} \
         ! filesink buffer-mode=unbuffered sync=false location={}",
        screen.display()
    );
    pair.configure(End::B, "screen", "sink", &quoted(sink));
    let sink = format!(
        "gst:audioconvert ! audio/x-raw,format=S16LE,rate=48000,channels=1 \
         ! filesink buffer-mode=unbuffered sync=false location={}",
        speaker.display()
    );
    pair.configure(End::B, "sound", "sink", &quoted(sink));
    // As the unit has it: RSS then tells what is held and not what the allocator keeps.
    for end in End::BOTH {
        pair.set_environment(end, &UNIT);
    }
    pair.start_both();
    let before = pair.wait_up(LIMIT);
    pause(Duration::from_secs(3));
    let (pictures, samples) = (Growth::watch(&screen, FRAME), Growth::watch(&speaker, 2));

    for (name, there, back) in [("quiet ↔ meeting", "meeting", "quiet"), ("quiet ↔ curtain", "curtain", "quiet")] {
        let [mut to, mut from] = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            to.push(change(&pair, &screen, &pictures, there));
            from.push(change(&pair, &screen, &pictures, back));
        }
        println!("{}", json!({"what": name, "there_ms": figures(&to), "back_ms": figures(&from)}));
    }
    let [mut opened, mut closed] = [Vec::new(), Vec::new()];
    ask(&pair, End::A, json!({"ask": "mode", "mode": "meeting"}));
    for _ in 0..ROUNDS {
        pause(Duration::from_millis(1500));
        let from = samples.count();
        let asked = now_ns();
        ask(&pair, End::A, json!({"ask": "microphone", "open": true}));
        pause(Duration::from_millis(1500));
        let loud = loud_samples(&speaker);
        let first = (from..loud.len()).find(|place| loud[*place]).expect("a sound after opening");
        opened.push(ms(samples.time_of(first) - asked));
        let asked = now_ns();
        ask(&pair, End::A, json!({"ask": "microphone", "open": false}));
        pause(Duration::from_millis(1500));
        let last = loud_samples(&speaker).iter().rposition(|loud| *loud).unwrap();
        closed.push(ms(samples.time_of(last).saturating_sub(asked)));
    }
    println!(
        "{}",
        json!({"what": "microphone", "first_sample_ms": figures(&opened), "last_sample_ms": figures(&closed)})
    );

    println!("{}", voice_through_modes(&pair, &samples, &speaker));
    println!("{}", thousand(&pair));

    let after = pair.wait_up(LIMIT);
    let same = |field: &str| before.iter().zip(&after).all(|(before, after)| before[field] == after[field]);
    println!("{}", json!({"what": "session", "same": same("session"), "opened": after[0]["sessions_opened"]}));
}

/// An open microphone while the mode goes to and fro between those that leave it open: the longest hole in its tone.
fn voice_through_modes(pair: &Pair<'_>, samples: &Growth, speaker: &Path) -> serde_json::Value {
    ask(pair, End::A, json!({"ask": "microphone", "open": true}));
    pause(Duration::from_millis(1500));
    let from = samples.count();
    for round in 0..ROUNDS * 2 {
        ask(pair, End::A, json!({"ask": "mode", "mode": if round % 2 == 0 { "talking" } else { "meeting" }}));
        pause(Duration::from_millis(400));
    }
    let loud = loud_samples(speaker);
    let hole = loud[from..].split(|loud| *loud).map(<[bool]>::len).max().unwrap_or(0);
    ask(pair, End::A, json!({"ask": "microphone", "open": false}));
    json!({"what": "voice through 20 mode changes", "longest_silence_ms": hole as f64 / 48.0})
}

/// A thousand changes from both sides, in an order that is always the same: how soon both agree, and what stays in memory.
fn thousand(pair: &Pair<'_>) -> serde_json::Value {
    let modes = ["quiet", "talking", "meeting", "curtain", "asleep"];
    let (mut number, mut agreed, mut memory) = (0x2545_f491_u32, Vec::new(), Vec::new());
    for change in 0..=1000 {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let end = if number >> 31 == 0 { End::A } else { End::B };
        let mode = modes[(number >> 16) as usize % modes.len()];
        let asked = now_ns();
        let _denied_behind_a_far_curtain = answer(pair, end, json!({"ask": "mode", "mode": mode}));
        let both = wait_for(LIMIT, || {
            let [a, b] = End::BOTH.map(|end| pair.status(end).map(|status| status["room"]["mode"].clone()));
            (a.is_some() && a == b).then(now_ns)
        });
        agreed.push(ms(both.expect("agreed") - asked));
        if change % 100 == 0 {
            pause(Duration::from_millis(1500));
            let held = |end| pair.status(end).unwrap()["memory"]["rss_bytes"].as_f64().unwrap() / 1e6;
            memory.push(End::BOTH.map(held));
        }
    }
    for end in End::BOTH {
        let _lifted_if_drawn = answer(pair, end, json!({"ask": "mode", "mode": "quiet"}));
    }
    json!({"what": "1000 mode changes", "agreed_ms": figures(&agreed), "rss_mb_every_100": memory})
}

/// Milliseconds from the question to the first frame of the new mode after which none of the old one comes.
fn change(pair: &Pair<'_>, screen: &Path, pictures: &Growth, mode: &str) -> f64 {
    let old = frames(screen).pop().expect("a picture");
    let from = pictures.count();
    let asked = now_ns();
    ask(pair, End::A, json!({"ask": "mode", "mode": mode}));
    pause(Duration::from_millis(1500));
    let all = frames(screen);
    let new = all.last().expect("a picture");
    assert!(distance(&old, new) > 4.0, "{mode} looks like the mode before it: {:.1}", distance(&old, new));
    let fresh = &all[from.min(all.len())..];
    let stays = fresh.iter().rposition(|frame| distance(frame, new) > distance(frame, &old)).map_or(0, |last| last + 1);
    ms(pictures.time_of(from + stays).saturating_sub(asked))
}

fn ask(pair: &Pair<'_>, end: End, question: serde_json::Value) {
    let line = answer(pair, end, question.clone());
    assert!(line.contains("accepted"), "{question}: {line}");
}

fn answer(pair: &Pair<'_>, end: End, question: serde_json::Value) -> String {
    let mut stream = UnixStream::connect(pair.socket(end)).unwrap();
    writeln!(stream, "{}", json!({"ask": question})).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// When a file that only grows had how many pieces.
struct Growth {
    seen: Arc<Mutex<Vec<(u64, usize)>>>,
    ends: Arc<AtomicBool>,
}

impl Growth {
    fn watch(path: &Path, piece: usize) -> Self {
        let (seen, ends) = (Arc::new(Mutex::new(vec![(0, 0)])), Arc::new(AtomicBool::new(false)));
        let (path, writes, stop): (PathBuf, _, _) = (path.to_owned(), Arc::clone(&seen), Arc::clone(&ends));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let length = std::fs::metadata(&path).map_or(0, |file| file.len());
                let count = usize::try_from(length).unwrap() / piece;
                let mut seen = writes.lock().unwrap();
                if seen.last().is_none_or(|(_, last)| *last < count) {
                    seen.push((now_ns(), count));
                }
                drop(seen);
                pause(Duration::from_millis(1));
            }
        });
        Self { seen, ends }
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().last().map_or(0, |(_, count)| *count)
    }

    /// When the piece of this index was there.
    fn time_of(&self, index: usize) -> u64 {
        let seen = self.seen.lock().unwrap();
        seen[seen.partition_point(|(_, count)| *count <= index).min(seen.len() - 1)].0
    }
}

impl Drop for Growth {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

fn frames(screen: &Path) -> Vec<Vec<u8>> {
    std::fs::read(screen).unwrap().chunks_exact(FRAME).map(<[u8]>::to_vec).collect()
}

fn loud_samples(speaker: &Path) -> Vec<bool> {
    let bytes = std::fs::read(speaker).unwrap();
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 500).collect()
}

/// Mean difference of one channel of one pixel, 0 … 255.
fn distance(one: &[u8], other: &[u8]) -> f64 {
    one.iter().zip(other).map(|(one, other)| f64::from(one.abs_diff(*other))).sum::<f64>() / one.len() as f64
}

fn figures(values: &[f64]) -> serde_json::Value {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    json!({"median": sorted[sorted.len() / 2], "max": sorted[sorted.len() - 1], "runs": sorted.len()})
}

fn ms(nanos: u64) -> f64 {
    (nanos as f64 / 1e5).round() / 10.0
}

const UNIT: [(&str, &str); 4] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0"),
    ("G_SLICE", "always-malloc"),
];
const WIDTH: usize = 64;
const HEIGHT: usize = 36;
const FRAME: usize = WIDTH * HEIGHT * 3;
const ROUNDS: usize = 10;
const LIMIT: Duration = Duration::from_secs(20);
