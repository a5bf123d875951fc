//! Pointing, drawing and looking closer, on the screens of two real daemons, and a document that both rooms want kept.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

#[path = "pages_support/kiosk_screen.rs"]
mod kiosk_screen;
mod pages_support;
mod support;

use engawa::pages::{Drawing, Picture, Zone};
use kiosk_screen::{HIGH, LIMIT, WIDE, document, rooms};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use support::boxes::Pair;
use support::lab::End;
use support::screen::{Screen, both_show};
use support::wait_for;

#[test]
fn both_rooms_point_draw_and_look_closer_and_see_it_in_the_same_place() {
    let (pair, screens, id, first) = with_a_page();
    let corners = [0, 1].map(|at| screens[at].place(&first).unwrap());
    let pixel = |at: usize, [x, y]: [usize; 2]| {
        let (left, top) = corners[at];
        (left + x * WIDE as usize / 10_000, top + y * HIGH as usize / 10_000)
    };
    let (mut taken, mut colours) = (Vec::new(), [None; 2]);
    for turn in 0..20 {
        let (end, at) = (End::BOTH[turn % 2], [500 + 400 * (turn / 2), 1000 + 300 * turn]);
        let began = Instant::now();
        ask(&pair, end, &json!({"ask": "point", "document": id, "page": 0, "at": at}));
        let there = || screens[1 - turn % 2].colour(pixel(1 - turn % 2, at)).filter(|colour| is_ink(*colour));
        let colour = wait_for(LIMIT, there).expect("the pointer stands on the far screen");
        taken.push(began.elapsed());
        assert_eq!(*colours[turn % 2].get_or_insert(colour), colour, "turn {turn}");
    }
    assert_ne!(colours[0], colours[1], "each room has its colour");
    taken.sort();
    println!("pointer, asked → far screen (file read): median {:?}, worst {:?}", taken[10], taken[19]);
    assert!(taken[10] < Duration::from_millis(500), "{taken:?}");
    screens[1].photograph("pointers");
    let gone = || [0, 1].iter().all(|at| screens[*at].shows(&first)).then_some(());
    assert!(wait_for(LIMIT, gone).is_some(), "nobody moves them: they fade");

    ask(&pair, End::A, &json!({"ask": "draw", "document": id, "page": 0, "points": [[2000, 3000], [8000, 3000]]}));
    ask(&pair, End::B, &json!({"ask": "draw", "document": id, "page": 0, "points": [[2000, 6000], [8000, 6000]]}));
    let inked = |at: usize, y: usize| screens[at].colour(pixel(at, [5000, y])).filter(|colour| is_ink(*colour));
    for at in [0, 1] {
        let lines = wait_for(LIMIT, || Some([inked(at, 3000)?, inked(at, 6000)?])).expect("both lines");
        assert_ne!(lines[0], lines[1], "each room has its colour");
    }
    screens[0].photograph("drawn");
    ask(&pair, End::B, &json!({"ask": "wipe", "document": id, "page": 0}));
    both_show(&screens, &first, LIMIT);

    assert_eq!(ask(&pair, End::B, &json!({"ask": "zoom", "zoom": 2000, "corner": [250, 500]}))["answer"], "accepted");
    let opened =
        pages_support::open(&pages_support::studio(), &std::fs::read(pair.directory().join("plan.pdf")).unwrap());
    let zone = Zone { left: 0.25, top: 0.5, right: 0.75, bottom: 1.0 };
    let closer = Drawing { zone, ..Drawing::whole(0, WIDE, HIGH) };
    both_show(&screens, &pages_support::draw(&opened.unwrap(), closer).unwrap(), LIMIT);
    screens[1].photograph("closer");
}

#[test]
fn drawings_survive_a_killed_box_and_go_with_the_meeting() {
    let (mut pair, screens, id, first) = with_a_page();
    let corners = [0, 1].map(|at| screens[at].place(&first).unwrap());
    ask(&pair, End::A, &json!({"ask": "draw", "document": id, "page": 0, "points": [[2000, 5000], [8000, 5000]]}));
    let middle = |at: usize| (corners[at].0 + WIDE as usize / 2, corners[at].1 + HIGH as usize / 2);
    let inked = |at: usize| screens[at].colour(middle(at)).filter(|colour| is_ink(*colour));
    assert!(wait_for(LIMIT, || inked(0).and(inked(1))).is_some());
    for victim in End::BOTH {
        pair.kill_box(victim);
        std::fs::read_dir(screens[victim as usize].directory()).unwrap().flatten().for_each(|file| {
            std::fs::remove_file(file.path()).unwrap();
        });
        pair.start_box(victim);
        assert!(wait_for(LIMIT, || inked(victim as usize)).is_some(), "{victim:?} has it back");
    }
    pair.engawa(End::B, &["mode", "quiet"], &[]);
    pair.wait_status(End::A, LIMIT, "quiet", |status| status["room"]["mode"] == "quiet");
    let path = pair.directory().join("plan.pdf").to_string_lossy().into_owned();
    pair.engawa(End::B, &["share", &path], &[]);
    both_show(&screens, &first, LIMIT);
}

#[test]
fn a_document_that_both_rooms_want_is_kept_on_both_disks_and_one_that_one_room_wants_is_not() {
    let (pair, _screens, id, _first) = with_a_page();
    let kept = |end: End| pair.state_directory(end).join(format!("kept/{id}.document"));
    assert_eq!(ask(&pair, End::A, &json!({"ask": "keep", "document": id, "keep": true}))["answer"], "accepted");
    std::thread::sleep(Duration::from_millis(500));
    assert!(End::BOTH.iter().all(|end| !kept(*end).exists()), "only one room wants it");
    ask(&pair, End::B, &json!({"ask": "keep", "document": id, "keep": true}));
    let whole = std::fs::read(pair.directory().join("plan.pdf")).unwrap();
    for end in End::BOTH {
        assert!(wait_for(LIMIT, || (std::fs::read(kept(end)).ok()? == whole).then_some(())).is_some(), "{end:?}");
        let lines = pair.engawa(end, &["ledger"], &[]);
        assert!(lines.contains("both rooms wanted kept"), "{lines}");
    }
    pair.engawa(End::A, &["mode", "quiet"], &[]);
    pair.wait_status(End::B, LIMIT, "no page", |status| status["room"]["page"].is_null());
    assert!(End::BOTH.iter().all(|end| kept(*end).exists()), "it stays when the meeting is over");
}

/// Both rooms look at the first page of a document: its name, and the page as it is drawn.
fn with_a_page() -> (Pair<'static>, [Screen; 2], String, Picture) {
    let (pair, screens) = rooms();
    pair.wait_up(LIMIT);
    let (file, bytes) = document(&pair, 3);
    pair.engawa(End::A, &["share", &file], &[]);
    let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
    let first = pages_support::draw(&opened, Drawing::whole(0, WIDE, HIGH)).unwrap();
    both_show(&screens, &first, LIMIT);
    (pair, screens, engawa::documents::name_of(&bytes).to_string(), first)
}

fn ask(pair: &Pair<'_>, end: End, wish: &Value) -> Value {
    let mut socket = UnixStream::connect(pair.socket(end)).unwrap();
    socket.write_all(format!("{}\n", json!({"ask": wish})).as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_ne!(answer["answer"], "denied", "{wish}: {answer}");
    answer
}

fn is_ink(colour: [u8; 3]) -> bool {
    [OFFERER, ANSWERER].contains(&colour)
}

/// Blue, green, red.
const OFFERER: [u8; 3] = [0xd6, 0x5f, 0x1f];
const ANSWERER: [u8; 3] = [0x6e, 0x2f, 0xd2];
