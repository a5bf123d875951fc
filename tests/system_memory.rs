//! What the room remembers: the old state or the new one after a kill, the most private one when it cannot be read or written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;
#[path = "support/disk.rs"]
mod small_disk;

use engawa::core::agreement::Wish;
use engawa::core::memory::Remembered;
use engawa::model::{Stance, Together, Veil};
use engawa::system::room_memory::{Keeper, load};
use needs::Need;
use small_disk::SmallDisk;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

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
    }
}

fn curtain(press: u32) -> Remembered {
    Remembered { near: Stance::Curtain, veil: Veil::Black, locked: true, ..open_meeting(press) }
}

#[test]
fn what_was_kept_last_comes_back() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(load(home.path()), Remembered::default());
    let keeper = Keeper::start(home.path()).unwrap();
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
    Keeper::start(home.path()).unwrap().keep(&load(home.path()));
    let names = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["room", "room.closed"], "nothing was unreadable, and what the killed left is swept up");
}

#[test]
#[ignore = "the child of the test above"]
fn child_that_keeps_for_ever() {
    let Ok(home) = std::env::var("ENGAWA_TEST_HOME") else { return };
    let keeper = Keeper::start(Path::new(&home)).unwrap();
    for press in 0.. {
        keeper.keep(&curtain(press));
        wait(Duration::from_micros(300));
        keeper.keep(&open_meeting(press));
        // Long enough to be written now and then.
        wait(Duration::from_micros(300 + u64::from(press % 8) * 1000));
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_the_most_private_state_behind() {
    if !Need::Disk.met() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(home.path(), "64k");
    let keeper = Keeper::start(disk.path()).unwrap();
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
