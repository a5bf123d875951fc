//! The ledger: durable, in order, bounded, and every tampering is found.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;
#[path = "support/disk.rs"]
mod small_disk;

use engawa::core::ledger::Entry;
use engawa::core::request::{Asker, Denied};
use engawa::model::{CameraState, GuestId, Language, MicState, Mode, Moment, Veil};
use engawa::system::ledger::{Broken, Ledger, Limits, What, verify};
use needs::Need;
use small_disk::SmallDisk;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// 2026-11-22 01:00:00 UTC
const TEN: u64 = 1_795_309_200_000;
const SMALL: Limits = Limits { segment_bytes: 2_000, segments: 4 };

fn entries() -> Vec<Entry> {
    let guest = GuestId(3);
    vec![
        Entry::Started { mode: Mode::Quiet },
        Entry::Camera(CameraState::Live),
        Entry::Gate { open: true, by: Some(Asker::Guest(guest)) },
        Entry::Microphone(MicState::Open),
        Entry::Mode(Mode::Meeting),
        Entry::Veil(Veil::Frosted),
        Entry::GuestAdmitted { guest, name: "=HYPERLINK(\"x\"),\n会議室".into() },
        Entry::GuestRefused { guest, why: Denied::WrongCode },
        Entry::GuestEnded { guest },
        Entry::Gate { open: false, by: None },
        Entry::Microphone(MicState::Closed),
        Entry::Stopped,
    ]
}

/// A ledger with these entries, closed again.
fn written(home: &Path, boot: u64, limits: Limits, count: usize) {
    let ledger = Ledger::open_within(home, boot, limits).unwrap();
    for (second, entry) in (0..).zip(entries().iter().cycle().take(count)) {
        record(&ledger, entry, second);
        if second % 500 == 499 {
            until(|| ledger.newest(1)[0].number.is_some());
        }
    }
}

fn record(ledger: &Ledger, entry: &Entry, second: u64) {
    ledger.record(entry, TEN + second * 1000, Moment::from_nanos(second * 1_000_000_000));
}

fn segments(home: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(home.join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    segments.sort();
    segments
}

fn check(home: &Path) -> Result<u64, Broken> {
    verify(&home.join("ledger")).map(|verified| verified.last)
}

#[test]
fn lines_stand_in_order_over_restarts_and_say_themselves_in_words() {
    let home = tempfile::tempdir().unwrap();
    written(home.path(), 1, Limits::default(), 12);
    written(home.path(), 2, Limits::default(), 12);
    assert_eq!(check(home.path()).unwrap(), 25, "a head and 24 lines");
    let ledger = Ledger::open(home.path(), 3).unwrap();
    until(|| ledger.newest(100).len() == 24);
    let shown = ledger.newest(11);
    let numbers: Vec<_> = shown.iter().filter_map(|line| line.number).collect();
    assert_eq!(numbers, (15..=25).collect::<Vec<_>>());
    let words: Vec<_> = shown.iter().map(|line| line.text(Language::Japanese)).collect();
    assert_eq!(words[0], "カメラの映像を送り始めた");
    assert_eq!(words[1], "マイクを開けた（端末3）");
    assert_eq!(words[8], "マイクを閉じた（自動）");
    assert_eq!(shown[0].time.len(), 19);
    for line in &shown {
        assert!(!line.text(Language::English).is_empty());
    }

    let csv = ledger.export_csv(Language::Japanese).unwrap();
    assert_eq!(csv.matches("\r\n").count(), 26, "a heading and 25 lines");
    assert!(csv.starts_with("\u{feff}number,time,utc_ms,boot,what,text,chain\r\n1,"));
    assert!(csv.contains("\"端末3「=HYPERLINK(\"\"x\"\"),\n会議室」の操作を許した\""), "no cell begins with a formula");
    ledger.record(&Entry::InstallerSet { what: "camera.masks".into() }, 0, Moment::default());
    until(|| ledger.newest(1)[0].text(Language::Japanese).starts_with("設置者のページで設定"));
}

#[test]
fn every_changed_moved_or_removed_line_is_found() {
    let home = tempfile::tempdir().unwrap();
    written(home.path(), 1, SMALL, 20);
    let lines_written = check(home.path()).unwrap();
    assert!(segments(home.path()).len() > 2);
    let mut tried = 0;
    for segment in segments(home.path()) {
        let whole = fs::read(&segment).unwrap();
        let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
        let is_last = segments(home.path()).last() == Some(&segment);
        let mut faults: Vec<Vec<u8>> = Vec::new();
        faults.extend((0..whole.len()).step_by(7).map(|place| {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            changed
        }));
        for place in 0..lines.len() {
            // Lines cut off at the very end cannot be seen by a chain alone.
            if !(is_last && place + 1 == lines.len()) {
                faults.push([&lines[..place], &lines[place + 1..]].concat().concat());
            }
            faults.push([&lines[..=place], &lines[place..]].concat().concat());
            if place > 0 {
                let mut swapped = lines.clone();
                swapped.swap(place - 1, place);
                faults.push(swapped.concat());
            }
        }
        for fault in faults {
            fs::write(&segment, &fault).unwrap();
            let found = check(home.path());
            let torn = is_last && fault.last() != Some(&b'\n');
            assert!(found.is_err() || torn, "{}", String::from_utf8_lossy(&fault));
            tried += 1;
        }
        fs::write(&segment, &whole).unwrap();
    }
    assert!(tried > 500, "{tried}");
    for segment in segments(home.path()).split_last().unwrap().1 {
        let whole = fs::read(segment).unwrap();
        fs::remove_file(segment).unwrap();
        let found = check(home.path());
        assert!(matches!(found, Err(Broken::Missing { .. } | Broken::OldMissing { .. })), "{found:?}");
        fs::write(segment, whole).unwrap();
    }
    assert_eq!(check(home.path()).unwrap(), lines_written);
}

#[test]
fn the_auditor_checks_a_box_or_a_copy_with_one_command() {
    let home = tempfile::tempdir().unwrap();
    written(home.path(), 1, Limits::default(), 12);
    let chain = verify(&home.path().join("ledger")).unwrap().chain;
    let config = |language: &str| {
        let path = home.path().join(format!("{language}.toml"));
        let text = format!("[box]\nlanguage = \"{language}\"\nstate_directory = {:?}\n", home.path());
        fs::write(&path, text).unwrap();
        audit(&["--config", path.to_str().unwrap()])
    };
    let (code, english) = config("en");
    assert!(english.starts_with("13 lines of the ledger (1 to 13, from 20") && code == Some(0), "{english}");
    assert!(english.ends_with(&format!("are unbroken; the last one has the chain value {chain}.\n")), "{english}");
    let (code, japanese) = config("ja");
    assert!(japanese.starts_with("記録の13行（1～13番、20") && code == Some(0), "{japanese}");

    let copy = home.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let segment = segments(home.path()).remove(0);
    fs::copy(&segment, copy.join(segment.file_name().unwrap())).unwrap();
    for directory in [home.path(), &copy] {
        let (code, both) = audit(&["--directory", directory.to_str().unwrap()]);
        assert!(both.contains("記録の13行") && both.contains("13 lines") && code == Some(0), "{both}");
    }

    let mut bytes = fs::read(&segment).unwrap();
    let fourth = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(2).unwrap().0;
    bytes[fourth + 20] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let (code, english) = config("en");
    assert!(english.starts_with("engawa: the ledger is broken: line 4 in ") && code == Some(8), "{english}");
    let (code, japanese) = config("ja");
    assert!(japanese.contains("の4番の行が書き換えられています") && code == Some(8), "{japanese}");
    assert_eq!(audit(&["--directory", copy.to_str().unwrap()]).0, Some(0), "the copy is as it was");
    let empty = tempfile::tempdir().unwrap();
    for nothing in [empty.path(), Path::new("/nowhere")] {
        let (code, both) = audit(&["--directory", nothing.to_str().unwrap()]);
        assert!(both.contains("there is no line of a ledger in") && code == Some(1), "{both}");
    }
}

/// Exit code and all words of `engawa ledger --verify`.
fn audit(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engawa"));
    let output = command.args(["ledger", "--verify"]).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn a_refused_print_is_no_refused_guest() {
    let what = What::of(&Entry::PrintRefused { guest: GuestId(3), why: Denied::PrintsLocked });
    let written = serde_json::to_value(&what).unwrap();
    assert_eq!(written, serde_json::json!({ "what": "print_refused", "guest": 3, "why": "prints_locked" }));
    assert!(what.text(Language::Japanese).starts_with("端末3の印刷を断った：この部屋は"));
    assert!(what.text(Language::English).starts_with("A print of guest 3 was refused: This room is locked"));
}

#[test]
fn the_oldest_goes_and_a_line_says_so() {
    let home = tempfile::tempdir().unwrap();
    written(home.path(), 1, SMALL, 2_000);
    let verified = verify(&home.path().join("ledger")).unwrap();
    assert!(verified.first > 1_900 && verified.last > 2_000, "{verified:?}");
    let kept: u64 = segments(home.path()).iter().map(|segment| fs::metadata(segment).unwrap().len()).sum();
    assert!(segments(home.path()).len() == 4 && kept < 4 * 2_000 + 4 * 500, "{kept}");
    // Without that line the same loss is a fault.
    fs::remove_file(&segments(home.path())[0]).unwrap();
    assert!(matches!(check(home.path()), Err(Broken::OldMissing { .. })));
}

#[test]
fn a_tail_cut_anywhere_is_set_aside_and_the_chain_goes_on() {
    let home = tempfile::tempdir().unwrap();
    written(home.path(), 1, Limits::default(), 4);
    let segment = segments(home.path()).remove(0);
    let whole = fs::read(&segment).unwrap();
    for length in (0..whole.len()).step_by(11) {
        for tail in [&b""[..], &[0; 40]] {
            fs::write(&segment, [&whole[..length], tail].concat()).unwrap();
            let ledger = Ledger::open(home.path(), 2).unwrap();
            record(&ledger, &Entry::Camera(CameraState::Live), 9);
            drop(ledger);
            let verified = verify(&home.path().join("ledger")).unwrap();
            let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
            let at_line_end = tail.is_empty() && (length == 0 || whole[length - 1] == b'\n');
            // An empty file is removed without a word.
            let told = u64::from(!at_line_end);
            assert_eq!(verified.last, lines.max(1) + told + 1, "cut at {length} of {}", whole.len());
            assert!(!verified.torn);
        }
    }
    let aside = fs::read_dir(home.path().join("ledger")).unwrap().count();
    assert!(aside <= 9, "a segment and eight torn tails: {aside}");
}

#[test]
fn a_damaged_line_stays_as_evidence_and_the_ledger_goes_on_in_a_new_file() {
    let home = tempfile::tempdir().unwrap();
    written(home.path(), 1, Limits::default(), 6);
    let segment = segments(home.path()).remove(0);
    let forged = fs::read_to_string(&segment).unwrap().replace("\"state\":\"live\"", "\"state\":\"off\"");
    fs::write(&segment, &forged).unwrap();
    let ledger = Ledger::open(home.path(), 2).unwrap();
    record(&ledger, &Entry::Camera(CameraState::Live), 9);
    until(|| ledger.newest(1)[0].number.is_some());
    let shown = ledger.newest(2);
    assert!(matches!(shown[0].what, What::Damaged { .. }), "{shown:?}");
    assert_eq!(shown[1].number, Some(10), "7 lines, a head, the note, and this");
    assert_eq!(fs::read_to_string(&segment).unwrap(), forged);
    assert!(matches!(check(home.path()), Err(Broken::Changed { number: 3, .. })));
}

#[test]
fn a_killed_daemon_leaves_every_opening_that_was_stored_and_a_sound_chain() {
    let home = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..12_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_records_for_ever", "--ignored", "--nocapture"])
            .env("ENGAWA_TEST_HOME", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stored = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().take(10 + round as usize * 5) {
            stored = line.unwrap().strip_prefix("stored ").map_or(stored, |number| number.parse().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let verified = verify(&home.path().join("ledger")).unwrap();
        assert!(stored > last && verified.last >= stored, "{verified:?} {stored}");
        last = verified.last;
    }
    assert!(segments(home.path()).len() <= 4);
}

#[test]
#[ignore = "the child of the test above"]
fn child_that_records_for_ever() {
    let Ok(home) = std::env::var("ENGAWA_TEST_HOME") else { return };
    let ledger = Ledger::open_within(Path::new(&home), 5, SMALL).unwrap();
    let mut out = std::io::stdout();
    for second in 0.. {
        record(&ledger, &Entry::Mode(Mode::Meeting), second);
        record(&ledger, &Entry::Microphone(MicState::Open), second);
        until(|| ledger.newest(1)[0].number.is_some());
        let number = ledger.newest(1)[0].number.unwrap();
        writeln!(out, "stored {number}").unwrap();
    }
}

#[test]
fn a_full_or_read_only_disk_keeps_the_newest_and_a_line_says_what_is_lost() {
    if !Need::Disk.met() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(home.path(), "2m");
    let ledger = Ledger::open(disk.path(), 1).unwrap();
    record(&ledger, &Entry::Camera(CameraState::Live), 0);
    until(|| ledger.newest(1)[0].number.is_some());
    disk.fill();
    (1..=1500).for_each(|second| record(&ledger, &Entry::Mode(Mode::Talking), second));
    until(|| ledger.trouble().as_deref() == Some("the disk is full"));
    let shown = ledger.newest(3);
    assert!(shown.len() == 3 && shown.iter().all(|line| line.number.is_none()), "{shown:?}");
    disk.empty();
    until(|| ledger.trouble().is_none());
    record(&ledger, &Entry::Microphone(MicState::Open), 1501);
    until(|| ledger.newest(1)[0].number.is_some());
    assert!(verify(&disk.path().join("ledger")).is_ok());
    let counts = || {
        let text: String = segments(disk.path()).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        let gaps = text.lines().filter(|line| line.contains("\"what\":\"gap\""));
        let lost = gaps.filter_map(|gap| serde_json::from_str::<serde_json::Value>(gap).ok()?["lost"].as_u64());
        (lost.sum::<u64>(), text.matches("\"mode\":\"talking\"").count() as u64)
    };
    // The last opening may have pushed out one more, after the gap was told: that is told too, by itself.
    // What was on its way when the disk filled up may count as lost although it was written.
    until(|| counts().0 + counts().1 >= 1500);
    let (lost, stored) = counts();
    assert!(lost > 0 && stored >= 1000, "{lost} lost, {stored} stored");

    drop(ledger);
    disk.run(&["mount", "-o", "remount,ro"]);
    let ledger = Ledger::open(disk.path(), 2).unwrap();
    record(&ledger, &Entry::Camera(CameraState::Live), 1502);
    until(|| ledger.trouble().as_deref() == Some("the disk is read-only"));
    disk.run(&["mount", "-o", "remount,rw"]);
    until(|| ledger.newest(1)[0].number.is_some());
    drop(ledger);
    assert!(verify(&disk.path().join("ledger")).is_ok());
}

#[test]
fn a_wall_clock_that_was_set_is_told() {
    let home = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(home.path(), 1).unwrap();
    record(&ledger, &Entry::Mode(Mode::Talking), 1);
    record(&ledger, &Entry::Mode(Mode::Quiet), 2);
    let ten_years = 10 * 365 * 24 * 3600 * 1000;
    ledger.record(&Entry::Camera(CameraState::Live), TEN + 3000 - ten_years, Moment::from_nanos(3_000_000_000));
    until(|| ledger.newest(1).first().is_some_and(|line| line.number.is_some()));
    let shown = ledger.newest(2);
    assert_eq!(shown[0].what, What::ClockSet { by_ms: -(ten_years as i64) });
    assert!(shown[1].time.starts_with("2016-"), "{shown:?}");
}

/// Within twenty seconds.
fn until(done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    panic!("not within twenty seconds");
}
