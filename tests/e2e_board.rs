//! The notice board of two real daemons: written from the command line, on both boxes, over kill -9, cut apart and with its file broken.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time")]

mod support;

use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::wait_for;

#[test]
fn the_board_outlives_kill_minus_9_of_both_boxes_and_what_was_taken_away_stays_away() {
    let mut pair = Pair::start(None, &small());
    pair.wait_up(LIMIT);
    for (end, text) in [(End::A, "15時から配線工事"), (End::B, "了解です")] {
        pair.engawa(end, &["board", text], &[]);
        End::BOTH.into_iter().for_each(|end| shows(&pair, end, &[text]));
    }
    let lines = pair.engawa(End::A, &["board"], &[]);
    let lines: Vec<&str> = lines.trim().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("this room: 15時から配線工事") && lines[1].contains("the other room: 了解です"),
        "{lines:?}"
    );
    // Both at once: neither can give it back to the other.
    End::BOTH.into_iter().for_each(|end| kept(&pair, end, 2));
    End::BOTH.into_iter().for_each(|end| pair.kill_box(end));
    pair.start_box(End::A);
    shows(&pair, End::A, &["15時から配線工事", "了解です"]);
    pair.engawa(End::A, &["board", "相手がいない間"], &[]);
    kept(&pair, End::A, 3);
    pair.kill_box(End::A);
    pair.start_both();
    pair.wait_up(LIMIT);
    End::BOTH.into_iter().for_each(|end| shows(&pair, end, &["15時から配線工事", "了解です", "相手がいない間"]));
}

#[test]
fn a_broken_file_is_set_aside_and_the_board_comes_back_from_the_other_box() {
    let mut pair = Pair::start(None, &small());
    pair.wait_up(LIMIT);
    pair.engawa(End::A, &["board", "still here"], &[]);
    End::BOTH.into_iter().for_each(|end| shows(&pair, end, &["still here"]));
    kept(&pair, End::A, 1);
    pair.kill_box(End::A);
    let file = pair.state_directory(End::A).join("board");
    std::fs::write(&file, "{\"version\":1,").unwrap();
    pair.start_box(End::A);
    pair.wait_up(LIMIT);
    shows(&pair, End::A, &["still here"]);
    assert!(file.with_extension("unreadable-1").exists());
    assert!(pair.log(End::A).contains("the notice board cannot be read"));
}

#[test]
fn a_note_that_is_none_is_refused_and_nobody_is_asked() {
    let pair = Pair::start(None, &small());
    for text in ["", " \n", &"長".repeat(201)] {
        let output = pair.engawa_command(End::A, &["board", text], &[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("1 to 200 characters"), "{output:?}");
    }
    assert_eq!(pair.engawa(End::A, &["board"], &[]).trim(), "");
}

/// All of these stand on this board.
fn shows(pair: &Pair<'_>, end: End, texts: &[&str]) {
    let mut lines = String::new();
    let found = wait_for(LIMIT, || {
        let output = pair.engawa_command(end, &["board"], &[]).output().ok()?;
        lines = String::from_utf8_lossy(&output.stdout).into_owned();
        texts.iter().all(|text| lines.contains(text)).then_some(())
    });
    assert!(found.is_some(), "{end:?} shows {lines:?}, not {texts:?}");
}

/// So many notes are on the disk.
fn kept(pair: &Pair<'_>, end: End, notes: usize) {
    let written = || {
        let text = std::fs::read_to_string(pair.state_directory(end).join("board")).ok()?;
        (text.matches("\"stamp\"").count() == notes).then_some(())
    };
    assert!(wait_for(LIMIT, written).is_some(), "{end:?} does not keep {notes} notes");
}

fn small() -> Setup {
    Setup { size: "320x180".into(), fps: 10, ..Setup::default() }
}

const LIMIT: Duration = Duration::from_secs(20);
