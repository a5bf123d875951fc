//! Pages between two daemons, for long: cargo bench --bench endurance. Figures, not tests; on an idle machine, 15 minutes.
//!
//! Two daemons on loopback, screens of 1280×720 whose pictures are files, 500 pages of Japanese text. `-- turns`: page asked for → both
//! screens, 40 times with the neighbour already drawn and 40 times far away; `-- pointer`: pointed in one room → on the other
//! screen, 100 times; `-- endurance`: 200 times one of ten documents opened and closed. All three without a word; with `--short` less of it.
//!
//! What a screen shows is found by reading its newest file every 5 ms, which adds up to that and one picture's time.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench prints its figures and stops at the first surprise"
)]

#[path = "../pages_support/cycle.rs"]
mod cycle;
#[path = "../pages_support/mod.rs"]
mod pages_support;
#[path = "../support/mod.rs"]
mod support;

use cycle::{ask, children_of, open_and_close, resident_mb, share, size_of, text_pages};
use engawa::pages::{Drawing, Picture};
use serde_json::json;
use std::time::{Duration, Instant};
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::screen::Screen;
use support::{pause, wait_for};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let short = words.iter().any(|word| word == "--short");
    let wanted = |part: &str| words.iter().all(|word| word.starts_with("--")) || words.iter().any(|word| word == part);
    let setup =
        Setup { ceiling_kbps: 20_000, size: "1280x720".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let screens = End::BOTH.map(|end| Screen::open(&pair, end));
    pair.start_both();
    pair.wait_up(LIMIT);
    busy("at the start");
    if wanted("turns") {
        turns(&pair, &screens, if short { 6 } else { 40 });
    }
    if wanted("pointer") {
        pointer(&pair, &screens, if short { 10 } else { 100 });
    }
    if wanted("endurance") {
        endurance(&mut pair, if short { 10 } else { 200 });
    }
    busy("at the end");
}

fn turns(pair: &Pair<'_>, screens: &[Screen; 2], times: usize) {
    let bytes = text_pages(PAGES, 1);
    let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
    let drawn = |page: usize| -> Picture {
        let drawing = Drawing::whole(u32::try_from(page).unwrap(), WIDE, HIGH);
        pages_support::draw(&opened, drawing).unwrap()
    };
    let id = share(pair, End::A, "plan.pdf", &bytes);
    let first = drawn(0);
    let shown = |screen: &Screen| wait_for(LIMIT, || screen.place(&first)).expect("the first page");
    let corners = [shown(&screens[0]), shown(&screens[1])];
    // On and on, and far apart, never beside a page that was seen lately.
    let near: Vec<usize> = (1..=times).collect();
    let far: Vec<usize> = (1..=times).map(|turn| 50 + turn * 97 % (PAGES - 100)).collect();
    for (what, pages) in [("neighbour already drawn", near), ("not drawn yet", far)] {
        let expected: Vec<Picture> = pages.iter().map(|page| drawn(*page)).collect();
        let mut taken = Vec::new();
        for (turn, (page, picture)) in pages.iter().zip(&expected).enumerate() {
            // The neighbours are drawn meanwhile.
            pause(Duration::from_millis(1_500));
            let began = Instant::now();
            let answer = ask(pair, End::BOTH[turn % 2], &json!({"ask": "page", "page": page}));
            assert_eq!(answer["answer"], "accepted", "page {page}");
            let both = || {
                (0..2).all(|at| screens[at].shows_at(picture, corners[at]) || screens[at].shows(picture)).then_some(())
            };
            wait_for(LIMIT, both).unwrap_or_else(|| unseen(pair, screens, &format!("turn {turn}, page {page}")));
            taken.push(began.elapsed());
        }
        told(&format!("page turn → both screens, {what}"), taken);
    }
    ask(pair, End::A, &json!({"ask": "close_document", "document": id}));
}

fn pointer(pair: &Pair<'_>, screens: &[Screen; 2], times: usize) {
    let bytes = text_pages(1, 2);
    let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
    let first = pages_support::draw(&opened, Drawing::whole(0, WIDE, HIGH)).unwrap();
    let id = share(pair, End::A, "plan.pdf", &bytes);
    let shown = |screen: &Screen| wait_for(LIMIT, || screen.place(&first)).expect("the page");
    let corners = [shown(&screens[0]), shown(&screens[1])];
    let mut taken = Vec::new();
    for turn in 0..times {
        let (end, far) = (End::BOTH[turn % 2], 1 - turn % 2);
        // Away from both rooms' last ones, and from the names beside them.
        let at = [1_000 + 37 * turn % 8_000, 500 + 2_300 * turn % 9_000];
        let pixel = (corners[far].0 + at[0] * WIDE as usize / 10_000, corners[far].1 + at[1] * HIGH as usize / 10_000);
        pause(Duration::from_millis(300));
        assert!(!screens[far].has_near(pixel, &INKS), "there already");
        let began = Instant::now();
        let answer = ask(pair, end, &json!({"ask": "point", "document": id, "page": 0, "at": at}));
        assert_eq!(answer["answer"], "accepted", "{at:?}");
        let there = || screens[far].has_near(pixel, &INKS).then_some(());
        wait_for(LIMIT, there).unwrap_or_else(|| unseen(pair, screens, &format!("turn {turn}, pointer at {at:?}")));
        taken.push(began.elapsed());
    }
    told("pointer → far screen", taken);
    ask(pair, End::A, &json!({"ask": "close_document", "document": id}));
}

fn endurance(pair: &mut Pair<'_>, times: usize) {
    let documents: Vec<Vec<u8>> =
        (0..10).map(|seed| text_pages(if seed == 0 { PAGES } else { 20 }, 10 + seed)).collect();
    let daemons = End::BOTH.map(|end| pair.daemon(end).pid());
    let told = |pair: &Pair<'_>, turn: usize| {
        let files = End::BOTH.map(|end| size_of(&pair.state_directory(end)));
        let resident = daemons.map(resident_mb);
        println!("after {turn} documents: resident {resident:.0?} MB, state directories {files:?} bytes");
    };
    told(pair, 0);
    let began = Instant::now();
    for turn in 0..times {
        open_and_close(pair, turn, "plan.pdf", &documents[turn % documents.len()]);
        if (turn + 1) % 50 == 0 || turn + 1 == times {
            told(pair, turn + 1);
        }
    }
    println!("{times} documents opened, turned and closed in {:.0?}", began.elapsed());
    pair.engawa(End::A, &["mode", "quiet"], &[]);
    let left = || daemons.map(children_of);
    let idle = wait_for(LIMIT, || (left() == [0; 2]).then_some(()));
    println!("processes left after the meeting: {:?}", idle.map_or_else(left, |()| [0; 2]));
}

/// Keeps both screens as pictures, if somebody wants them, and says what both boxes say.
fn unseen<T>(pair: &Pair<'_>, screens: &[Screen; 2], what: &str) -> T {
    let said = End::BOTH.map(|end| {
        screens[end as usize].photograph(&format!("unseen-{end:?}"));
        let newest = std::fs::read_dir(screens[end as usize].directory()).unwrap().flatten();
        let age = newest.filter_map(|file| file.metadata().ok()?.modified().ok()?.elapsed().ok()).min();
        let status = pair.status(end).unwrap_or_default();
        format!("{end:?}: screen drawn {age:.1?} ago, {}, missing {}", status["room"]["page"], status["missing"])
    });
    panic!("not on the screen: {what}\n{}", said.join("\n"))
}

fn told(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |share: f64| {
        taken[((taken.len() as f64 * share).ceil() as usize).clamp(1, taken.len()) - 1].as_secs_f64() * 1e3
    };
    println!(
        "{what}: median {:.0} ms, p95 {:.0} ms, worst {:.0} ms ({} times)",
        at(0.5),
        at(0.95),
        at(1.0),
        taken.len()
    );
}

fn busy(when: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average {when}: {}", load.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
}

const PAGES: usize = 500;
/// Pixels of an A4 page on a screen of 1280 × 720.
const WIDE: u32 = 382;
const HIGH: u32 = 540;
/// Blue, green, red of both rooms' pointers.
const INKS: [[u8; 3]; 2] = [[0xd6, 0x5f, 0x1f], [0x6e, 0x2f, 0xd2]];
const LIMIT: Duration = Duration::from_secs(20);
