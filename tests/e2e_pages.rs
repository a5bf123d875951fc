//! Documents on the screens of two real daemons: the same pixels as drawn here, turned from both rooms, gone with the meeting.

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

use engawa::pages::Drawing;
use kiosk_screen::{HIGH, LIMIT, WIDE, document, rooms};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use support::lab::End;
use support::screen::both_show;
use support::wait_for;

#[test]
fn a_document_stands_on_both_screens_pixel_for_pixel_and_both_rooms_turn_it() {
    let (pair, screens) = rooms();
    let before = pair.wait_up(LIMIT);
    let (file, bytes) = document(&pair, PAGES);
    let said = pair.engawa(End::A, &["share", &file], &[]);
    assert!(said.contains("3 pages"), "{said}");
    for end in End::BOTH {
        let status = pair.wait_status(end, LIMIT, "the page", |status| status["room"]["page"]["state"] == "here");
        assert_eq!((&status["room"]["mode"], &status["microphone"]), (&"meeting".into(), &"closed".into()));
    }
    let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
    let drawn = |page| pages_support::draw(&opened, Drawing::whole(page, WIDE, HIGH)).unwrap();
    let pages = [0, 1, 2].map(drawn);
    both_show(&screens, &pages[0], LIMIT);
    for (end, turn, page) in [(End::B, "next", 1), (End::A, "next", 2), (End::B, "previous", 1), (End::A, "1", 0)] {
        let pressed = Instant::now();
        pair.engawa(end, &["page", turn], &[]);
        both_show(&screens, &pages[page], LIMIT);
        println!("{turn} by {end:?}: on both screens {:?} after the command was started", pressed.elapsed());
        // For a busy machine: the figure is in tests/bench/RESULTS.md.
        assert!(pressed.elapsed() < Duration::from_secs(2), "{turn} by {end:?}: {:?}", pressed.elapsed());
    }
    assert!(children(&mut Vec::new()).iter().any(|words| words.contains("draw-pages")), "drawn by a worker");
    screens[1].photograph("document");
    drop(opened);
    pair.engawa(End::B, &["mode", "quiet"], &[]);
    for end in End::BOTH {
        let status = pair.wait_status(end, LIMIT, "no page", |status| status["room"]["page"].is_null());
        assert_eq!(status["session"], before[end as usize]["session"], "all of it on one session");
    }
    let gone = || screens.iter().all(|screen| !screen.shows(&pages[0])).then_some(());
    assert!(wait_for(LIMIT, gone).is_some(), "the page is gone from both screens");
    let idle = || children(&mut Vec::new()).is_empty().then_some(());
    assert!(wait_for(LIMIT, idle).is_some(), "no worker is left: {:?}", children(&mut Vec::new()));
    let refused = pair.engawa_command(End::A, &["page", "next"], &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(7), "{refused:?}");
}

#[test]
fn a_killed_box_gets_the_document_back_from_the_other_at_the_same_page() {
    let (mut pair, screens) = rooms();
    pair.wait_up(LIMIT);
    let (file, bytes) = document(&pair, PAGES);
    pair.engawa(End::A, &["share", &file], &[]);
    let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
    let second = pages_support::draw(&opened, Drawing::whole(1, WIDE, HIGH)).unwrap();
    for victim in End::BOTH {
        pair.wait_status(victim, LIMIT, "the page", |status| status["room"]["page"]["state"] == "here");
        pair.engawa(victim.other(), &["page", "2"], &[]);
        both_show(&screens, &second, LIMIT);
        pair.kill_box(victim);
        pair.start_box(victim);
        pair.wait_status(victim, LIMIT, "meeting", |status| status["room"]["mode"] == "meeting");
        both_show(&screens, &second, LIMIT);
    }
}

#[test]
fn what_is_no_document_is_refused_with_a_reason_and_the_far_room_sees_nothing_of_it() {
    let (pair, _screens) = rooms();
    pair.wait_up(LIMIT);
    let path = |name: &str| pair.directory().join(name);
    std::fs::write(path("notes.pdf"), "Not a PDF at all. ".repeat(100)).unwrap();
    std::fs::write(path("empty.pdf"), "").unwrap();
    std::fs::write(path("locked.pdf"), pages_support::sample("locked-password.pdf")).unwrap();
    for (name, words) in [("notes.pdf", "not a PDF"), ("empty.pdf", "empty"), ("locked.pdf", "password")] {
        let file = path(name).to_string_lossy().into_owned();
        let output = pair.engawa_command(End::A, &["share", &file], &[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(7) && said.contains(words), "{name}: {output:?}");
    }
    let status = pair.status(End::B).unwrap();
    assert_eq!((&status["room"]["page"], &status["room"]["documents"]), (&Value::Null, &Value::Array(vec![])));
    assert_eq!(status["link"], "up");
}

#[test]
fn whoever_turns_faster_than_pages_are_drawn_sees_the_last_one() {
    let (pair, screens) = rooms();
    pair.wait_up(LIMIT);
    let (file, bytes) = document(&pair, 40);
    pair.engawa(End::A, &["share", &file], &[]);
    pair.wait_status(End::B, LIMIT, "the page", |status| status["room"]["page"]["state"] == "here");
    for _ in 0..50 {
        let mut socket = UnixStream::connect(pair.socket(End::B)).unwrap();
        socket.write_all(b"{\"ask\":{\"ask\":\"next_page\"}}\n").unwrap();
        socket.read_to_string(&mut String::new()).unwrap();
    }
    let opened = pages_support::open(&pages_support::studio(), &bytes).unwrap();
    both_show(&screens, &pages_support::draw(&opened, Drawing::whole(39, WIDE, HIGH)).unwrap(), LIMIT);
    assert_eq!(pair.status(End::A).unwrap()["link"], "up");
}

/// Command lines of the drawing processes below this test.
fn children(found: &mut Vec<String>) -> Vec<String> {
    let mut parents = vec![std::process::id()];
    while let Some(parent) = parents.pop() {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            let after = stat.rsplit(')').next().unwrap_or_default().split_whitespace().nth(1);
            if after.and_then(|of| of.parse::<u32>().ok()) == Some(parent) {
                parents.push(pid);
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                if line.contains("draw-pages") {
                    found.push(line);
                }
            }
        }
    }
    std::mem::take(found)
}

const PAGES: usize = 3;
