//! The notice board's file: what was kept comes back, what cannot be read is set aside, a full disk only warns.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time")]

mod support;

use engawa::core::notes::{Gone, Hung, Kept, MOST, Note, POINTS, Paper, SHEET, STROKES};
use engawa::core::share::Stamp;
use engawa::model::{BootId, BoxId, Role};
use engawa::system::board_file::{BoardKeeper, load};
use engawa::system::boot::began_anew;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::wait_for;

#[test]
fn a_full_board_comes_back_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(load(home.path(), false), Kept::default());
    let keeper = BoardKeeper::start(home.path()).unwrap();
    keeper.keep(kept(1));
    keeper.keep(kept(2 * MOST));
    drop(keeper);
    assert_eq!(load(home.path(), false), kept(2 * MOST));
}

#[test]
fn a_machine_that_is_switched_off_too_soon_each_time_forgets_and_a_daemon_that_crashes_does_not() {
    let home = tempfile::tempdir().unwrap();
    let keeper = BoardKeeper::start(home.path()).unwrap();
    keeper.keep(kept(2));
    drop(keeper);
    let minutes = |began_anew| load(home.path(), began_anew).notes[1].minutes;
    assert_eq!([false, false, true, true, false].map(minutes), [10_080, 10_080, 10_070, 10_060, 10_060]);
    assert!(began_anew(home.path()) && !began_anew(home.path()), "once in a life of the machine");
}

#[test]
fn a_flurry_of_notes_is_written_now_and_then_and_its_last_one_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let keeper = BoardKeeper::start(home.path()).unwrap();
    keeper.keep(kept(1));
    wait_for(LIMIT, || (load(home.path(), false) == kept(1)).then_some(())).expect("the first one at once");
    let began = Instant::now();
    for count in 2..=20 {
        keeper.keep(kept(count));
    }
    wait_for(LIMIT, || (load(home.path(), false) == kept(20)).then_some(())).expect("the last one");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn what_makes_no_sense_is_set_aside_and_the_board_begins_empty() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("board");
    let keeper = BoardKeeper::start(home.path()).unwrap();
    keeper.keep(kept(1));
    drop(keeper);
    let whole = std::fs::read_to_string(&path).unwrap();
    let wrong = [
        whole.replace("\"version\":1", "\"version\":2"),
        whole.replace("\"newest\":", "\"oldest\":"),
        whole.replace("[1000,600]", "[1001,600]"),
        whole.replace("\"stamp\":\"1-", "\"stamp\":\"x-"),
        whole.replace("0707", "07é"),
        whole[..whole.len() / 2].to_owned(),
        String::new(),
        "[".repeat(100_000),
        " ".repeat(3 << 20),
    ];
    for text in wrong {
        assert_ne!(text, whole);
        std::fs::write(&path, &text).unwrap();
        assert_eq!(load(home.path(), false), Kept::default(), "{:.80}", text);
        assert!(!path.exists(), "set aside");
    }
}

#[test]
fn a_directory_that_takes_nothing_is_told_and_tried_again() {
    let home = tempfile::tempdir().unwrap();
    // As good as a full disk, for whoever is root as well: the name is taken by a directory.
    let path = home.path().join("board");
    std::fs::create_dir_all(path.join("in the way")).unwrap();
    let keeper = BoardKeeper::start(home.path()).unwrap();
    keeper.keep(kept(1));
    let trouble = wait_for(LIMIT, || keeper.trouble()).expect("it is told");
    assert!(trouble.starts_with("board: "), "{trouble}");
    std::fs::remove_dir_all(&path).unwrap();
    wait_for(LIMIT, || keeper.trouble().is_none().then_some(())).expect("tried again");
    assert_eq!(load(home.path(), false), kept(1));
}

fn kept(count: usize) -> Kept {
    let stamp = |count: usize| Stamp { count: count as u32, by: BootId(u64::MAX) };
    let note = |number: usize| {
        let drawing = Paper::drawing(vec![vec![SHEET; POINTS]; STROKES]).unwrap();
        let paper = if number.is_multiple_of(2) { Paper::words("15時から 🍵").unwrap() } else { drawing };
        let (room, name) = (Role::Answerer, "田中".into());
        let note = Note { stamp: stamp(number), paper, room, name, written_ms: 1_790_000_000_000 };
        Hung { note: Arc::new(note), minutes: 10_080 }
    };
    Kept {
        peer: Some(BoxId([7; 32])),
        newest: 9999,
        notes: (1..=count).map(note).collect(),
        gone: vec![Gone { stamp: stamp(4), minutes: 3 }],
    }
}

const LIMIT: Duration = Duration::from_secs(20);
