//! Sticks as PCs format them, read and wiped without mounting: real FAT images, and what is none.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "measures what people wait for")]

#[path = "support/needs.rs"]
mod needs;
mod provision_support;
mod stick_support;

use needs::Need;
use provision_support::*;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use stick_support::*;

#[test]
fn the_file_of_a_box_is_read_from_every_kind_of_fat() {
    if !Need::Sticks.met() {
        return;
    }
    let bench = Bench::new();
    let [file, _] = bench.one_pair("made");
    let wanted = std::fs::read(&file).unwrap();
    for kind in KINDS {
        let stick = Stick::new(&bench, kind);
        stick.put(&file, "engawa-box.toml");
        stick.put_bytes(&bench, "engawa-0.2.raucb", &[7; 70_000]);
        stick.put_bytes(&bench, "更新 二.RAUCB", b"x");
        stick.put_bytes(&bench, "写真.jpg", b"y");
        let into = bench.path(&format!("into-{}", kind.0));
        std::fs::create_dir(&into).unwrap();
        let read = stick.read(&into);
        assert!(read.status.success(), "{kind:?}: {read:?}");
        assert_eq!(std::fs::read(into.join("engawa-box.toml")).unwrap(), wanted, "{kind:?}");
        let found = found(&into);
        let older = serde_json::json!({ "name": "engawa-0.2.raucb", "size": 70_000, "extents": [] });
        assert_eq!(found["bundles"][0], older, "{kind:?}");
        assert_eq!(found["bundles"][1]["name"], "更新 二.RAUCB");
        assert_eq!(found["bundles"][1]["extents"][0][1], 1, "where the newest lies: {found}");
        assert_eq!(std::fs::read_to_string(into.join("update")).unwrap(), "更新 二.RAUCB\n");
        assert_eq!(found["bundles"].as_array().unwrap().len(), 2);
        assert!(found["japanese"].as_str().unwrap().contains("更新（2件）"), "{found}");
        // The next stick has none: what the last one had is not left.
        let empty = Stick::new(&bench, kind);
        assert!(empty.read(&into).status.success());
        assert!(!into.join("engawa-box.toml").exists() && !into.join("update").exists());
    }
}

#[test]
fn a_file_in_many_pieces_comes_out_whole_and_is_wiped_in_all_of_them() {
    if !Need::Sticks.met() {
        return;
    }
    let bench = Bench::new();
    let [file, far] = bench.one_pair("made");
    for kind in KINDS {
        let stick = Stick::new(&bench, kind);
        stick.leave_gaps(&bench);
        stick.put(&file, "ENGAWA-BOX.TOML");
        let before = std::fs::read(&stick.0).unwrap();
        let found = engawa::provision::fat::find(&Bytes(&before)).unwrap();
        assert!(found.provision.unwrap().extents.len() > 1, "{kind:?}: it lies in pieces");
        let (into, kiosk) = (bench.path(&format!("into-{}", kind.0)), bench.new_box(kind.0));
        std::fs::create_dir(&into).unwrap();
        assert!(stick.read(&into).status.success());
        assert_eq!(std::fs::read(into.join("engawa-box.toml")).unwrap(), std::fs::read(&file).unwrap());

        // Before it was taken, or when another one was: nothing is deleted.
        assert!(String::from_utf8(stick.wipe(&kiosk).stderr).unwrap().contains("has not taken a file"));
        let other = bench.new_box(&format!("other-{}", kind.0));
        other.take(&far);
        assert!(String::from_utf8(stick.wipe(&other).stderr).unwrap().contains("is not on this stick"));
        assert_eq!(std::fs::read(&stick.0).unwrap(), before);

        assert_eq!(kiosk.take(&into)["outcome"], "taken");
        let wiped = stick.wipe(&kiosk);
        let said = String::from_utf8(wiped.stdout).unwrap();
        assert!(wiped.status.success() && said.contains("an old copy may remain"), "{said}");
        let after = std::fs::read(&stick.0).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let digits = private_line(&text).split('"').nth(1).unwrap();
        assert!(!contains(&after, &digits.as_bytes()[..32]) && !contains(&after, &digits.as_bytes()[134..]));
        let differing: Vec<usize> = (0..after.len()).filter(|at| after[*at] != before[*at]).collect();
        assert!(
            differing.len() <= digits.len() && differing.iter().all(|at| after[*at] == b'0'),
            "nothing else is written"
        );
        assert!(stick.fsck().success(), "{kind:?}");
        assert!(stick.read(&into).status.success());
        assert_eq!(std::fs::read_to_string(into.join("engawa-box.toml")).unwrap(), provision_support::wiped(&text));
        assert!(String::from_utf8(stick.wipe(&kiosk).stdout).unwrap().contains("was deleted before"));
        assert_eq!(kiosk.take(&into)["outcome"], "already_taken");
        assert_eq!(bench.new_box(&format!("later-{}", kind.0)).take(&into)["outcome"], "refused");
    }
}

#[test]
fn what_is_no_fat_is_told_in_one_sentence() {
    if !Need::Sticks.met() {
        return;
    }
    let bench = Bench::new();
    let mut exfat = vec![0; 4096];
    exfat[..11].copy_from_slice(b"\xEB\x76\x90EXFAT   ");
    exfat[510..512].copy_from_slice(b"\x55\xAA");
    let mut ntfs = exfat.clone();
    ntfs[3..11].copy_from_slice(b"NTFS    ");
    let mut partitioned = vec![0; 1 << 20];
    partitioned[446..462].copy_from_slice(&[0x80, 0, 0, 0, 0x0C, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0]);
    partitioned[510..512].copy_from_slice(b"\x55\xAA");
    let whole = Stick::new(&bench, KINDS[2]);
    let truncated = std::fs::read(&whole.0).unwrap()[..20_000].to_vec();
    for (what, bytes, told) in [
        ("nothing", Vec::new(), "damaged"),
        ("zeros", vec![0; 1 << 20], "FAT32"),
        ("noise", noise(1 << 20), "FAT32"),
        ("exFAT", exfat, "FAT32"),
        ("NTFS", ntfs, "FAT32"),
        ("partitions", partitioned, "FAT32"),
        ("truncated", truncated, "damaged"),
    ] {
        let stick = Stick::of(&bench, &bytes);
        let (read, took) = in_time(|| stick.read(bench.0.path()));
        let said = String::from_utf8(read.stderr).unwrap();
        assert!(read.status.code() == Some(1) && said.contains(told), "{what}: {said}");
        let found = found(bench.0.path());
        assert!(found["readable"] == false && found["english"].as_str().unwrap().contains(told), "{what}: {found}");
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
    }
    for (what, device) in [("endless", "/dev/zero"), ("directory", "/tmp"), ("absent", "/nowhere")] {
        let output =
            Command::new(BINARY).args(["stick", "read", device, "--into"]).arg(bench.0.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
    }
}

#[test]
fn the_process_that_looks_is_killed_for_what_it_must_not_do() {
    for (what, killed) in [("read-file", true), ("open-socket", true), ("start-process", true), ("start-thread", true)]
    {
        let mut command = Command::new(BINARY);
        command.args(["find-on-stick", "--trespass", what]).stdin(Stdio::null()).stderr(Stdio::null());
        let status = command.stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.signal() == Some(nix::libc::SIGSYS), killed, "{what}: {status}");
    }
}

fn in_time<T>(does: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (does(), begun.elapsed())
}
