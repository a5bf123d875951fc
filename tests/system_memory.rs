//! What the room remembers: the old state or the new one after a kill, the most private one when it cannot be read or written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;
#[path = "support/disk.rs"]
mod small_disk;

use engawa::core::agreement::Wish;
use engawa::core::memory::Remembered;
use engawa::model::{Stance, Together, Veil};
use engawa::system::room_memory::{self, Keeper};
use needs::Need;
use small_disk::SmallDisk;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn views() -> Vec<String> {
    ["room", "desk", "door"].map(str::to_owned).into()
}

fn load(home: &Path) -> Remembered {
    room_memory::load(home, &views())
}

fn keeper(home: &Path) -> Keeper {
    Keeper::start(home, &views()).unwrap()
}

fn open_meeting(press: u32) -> Remembered {
    Remembered {
        near: Stance::Present,
        far: Stance::Present,
        wish: Wish { together: Together::Meeting, presses: [press, 0] },
        veil: Veil::Clear,
        locked: false,
        view: 1,
        usual_view: 2,
        volume: 70,
        drawn: None,
        ended: [0; 2],
        parted: [0; 2],
    }
}

fn curtain(press: u32) -> Remembered {
    Remembered { near: Stance::Curtain, veil: Veil::Black, locked: true, ..open_meeting(press) }
}

#[test]
fn what_was_kept_last_comes_back() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(load(home.path()), Remembered::default());
    let keeper = keeper(home.path());
    (0..1000).for_each(|press| keeper.keep(&open_meeting(press)));
    keeper.keep(&curtain(1000));
    drop(keeper);
    assert_eq!(load(home.path()), curtain(1000));
}

#[test]
fn garbage_comes_back_as_the_most_private_state_and_is_set_aside() {
    for garbage in [&b"{}"[..], b"", &[0; 300], &[b'x'; 100_000], b"{\"version\":1,\"near\":\"pres"] {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("room"), garbage).unwrap();
        assert_eq!(load(home.path()), Remembered::UNREADABLE);
        assert_eq!(fs::read(home.path().join("room.unreadable-1")).unwrap(), garbage);
    }
}

#[test]
fn a_killed_writer_leaves_the_old_state_or_the_new_one() {
    let home = tempfile::tempdir().unwrap();
    let mut seen = [false; 2];
    for round in 0_u64..30 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_keeps_for_ever", "--ignored", "--nocapture"])
            .env("ENGAWA_TEST_HOME", home.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait(Duration::from_millis(20 + round * 7 % 40));
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = load(home.path());
        if kept == Remembered::default() {
            continue; // killed before its first write
        }
        if kept == Remembered::UNREADABLE {
            seen[1] = true; // killed between the curtain's press and its write
            continue;
        }
        let expected = if kept.near == Stance::Curtain { curtain } else { open_meeting };
        assert_eq!(kept, expected(kept.wish.presses[0]), "never a mixture");
        seen[usize::from(kept.near == Stance::Curtain)] = true;
    }
    assert_eq!(seen, [true; 2], "killed at many places");
    // As the daemon does: what was loaded is kept first.
    keeper(home.path()).keep(&load(home.path()));
    let names = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["room", "room.closed"], "nothing was unreadable, and what the killed left is swept up");
}

#[test]
#[ignore = "the child of the test above"]
fn child_that_keeps_for_ever() {
    let Ok(home) = std::env::var("ENGAWA_TEST_HOME") else { return };
    let keeper = keeper(Path::new(&home));
    for press in 0.. {
        keeper.keep(&curtain(press));
        wait(Duration::from_micros(300));
        keeper.keep(&open_meeting(press));
        // Long enough to be written now and then.
        wait(Duration::from_micros(300 + u64::from(press % 8) * 1000));
    }
}

#[test]
fn whoever_draws_a_curtain_and_pulls_the_plug_at_once_finds_it_drawn() {
    for round in 0..30 {
        let what = ["curtain", "veil", "lock"][round % 3];
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_draws_a_curtain", "--ignored", "--nocapture"])
            .env("ENGAWA_TEST_HOME", home.path())
            .env("ENGAWA_TEST_DRAWS", what)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = [0];
        child.stderr.take().unwrap().read_exact(&mut said).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = load(home.path());
        let private = match what {
            "curtain" => kept.near == Stance::Curtain,
            "veil" => kept.veil == Veil::Black,
            _ => kept.locked,
        };
        assert!(private, "{what}: {kept:?}");
    }
}

#[test]
#[ignore = "the child of the test above"]
fn child_that_draws_a_curtain() {
    let Ok(home) = std::env::var("ENGAWA_TEST_HOME") else { return };
    let keeper = keeper(Path::new(&home));
    let open = open_meeting(1);
    keeper.keep(&open);
    until(|| load(Path::new(&home)) == open);
    wait(Duration::from_millis(20));
    // The writer is busy with an open state when the curtain is drawn.
    keeper.keep(&open_meeting(2));
    keeper.keep(&match std::env::var("ENGAWA_TEST_DRAWS").unwrap().as_str() {
        "curtain" => Remembered { near: Stance::Curtain, ..open },
        "veil" => Remembered { veil: Veil::Black, ..open },
        _ => Remembered { locked: true, ..open },
    });
    std::io::stderr().write_all(b".").unwrap();
    wait(Duration::from_secs(10));
}

#[test]
fn a_full_disk_is_told_and_leaves_the_most_private_state_behind() {
    if !Need::Disk.met() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(home.path(), "64k");
    let keeper = keeper(disk.path());
    keeper.keep(&open_meeting(1));
    until(|| load(disk.path()) == open_meeting(1));
    disk.fill();
    keeper.keep(&curtain(2));
    // At once, and whether or not there was room for the state itself: the older, more open one is gone.
    assert_eq!(load(disk.path()).near, Stance::Curtain);
    disk.empty();
    keeper.keep(&curtain(3));
    until(|| load(disk.path()) == curtain(3));
    until(|| keeper.trouble().is_none());
    disk.run(&["mount", "-o", "remount,ro"]);
    keeper.keep(&open_meeting(4));
    until(|| keeper.trouble().as_deref() == Some("the disk is read-only"));
    assert_eq!(load(disk.path()), curtain(3));
    disk.run(&["mount", "-o", "remount,rw"]);
}

/// Within ten seconds.
fn until(done: impl Fn() -> bool) {
    assert!(
        (0..1000).any(|_| done() || {
            wait(Duration::from_millis(10));
            false
        }),
        "not within ten seconds"
    );
}

fn wait(time: Duration) {
    std::thread::park_timeout(time);
}
