//! The place of bundles: whole or not at all, within its limits, resumable, one at a time; and the way there from a stick.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and waits in real time, with deadlines"
)]

#[path = "support/disk.rs"]
mod disk;
#[path = "support/needs.rs"]
mod needs;
mod provision_support;
mod stick_support;

use disk::SmallDisk;
use engawa::update::incoming::PowerCut;
use engawa::update::place::{LIMITS, Limits};
use engawa::update::{Place, Refusal, Report, Source, State, Wish};
use needs::Need;
use provision_support::{BINARY, Bench};
use std::path::Path;
use std::process::Command;
use stick_support::*;

fn place(directory: &Path) -> Place {
    Place::new(directory.join("update"))
        .telling(directory.join("report.json"))
        .remembering(directory.join("rolled-back"))
}

fn bring(place: &Place, bytes: &[u8]) -> Result<(), Refusal> {
    let mut incoming = place.begin(Source::Panel, bytes.len() as u64)?;
    bytes.chunks(1000).try_for_each(|piece| incoming.write(piece))?;
    incoming.finish().map(|_| ())
}

#[test]
fn a_power_cut_between_any_two_steps_leaves_a_whole_bundle_or_none() {
    let (first, second) = (noise(5000), vec![7; 5000]);
    for step in 1..=4 {
        let home = tempfile::tempdir().unwrap();
        let place = place(home.path());
        bring(&place, &first).unwrap();
        let sha256 = digest(&second);
        let mut incoming = place.resume(Source::Peer, 5000, &sha256).unwrap();
        incoming.write(&second).unwrap();
        assert!(matches!(incoming.finish_until(PowerCut(Some(step))), Err(Refusal::Disk(_))), "step {step}");
        if let Some(whole) = place.whole() {
            let bytes = std::fs::read(place.bundle()).unwrap();
            assert_eq!(whole.sha256, digest(&bytes), "step {step}: another one's description");
            assert!(step == 1 || step == 4, "step {step}");
        }
        // The other box begins again, and nothing of it has to come twice unless it got its name already.
        let mut incoming = place.resume(Source::Peer, 5000, &sha256).unwrap();
        assert_eq!(incoming.offset(), if step == 4 { 0 } else { 5000 }, "step {step}");
        let rest = incoming.offset() as usize;
        incoming.write(&second[rest..]).unwrap();
        assert_eq!(incoming.finish().unwrap().sha256, sha256);
        assert_eq!(std::fs::read(place.bundle()).unwrap(), second);
    }
}

#[test]
fn the_same_bundle_goes_on_where_it_stopped_and_another_one_begins_anew() {
    let home = tempfile::tempdir().unwrap();
    let (place, bytes) = (place(home.path()), noise(100_000));
    let sha256 = digest(&bytes);
    let mut incoming = place.resume(Source::Peer, 100_000, &sha256).unwrap();
    incoming.write(&bytes[..40_000]).unwrap();
    assert_eq!(place.report().state, State::Receiving);
    assert_eq!(place.report().percent, 40);
    drop(incoming);
    assert_eq!(place.report(), Report::none(), "nobody is at it any more");
    let mut incoming = place.resume(Source::Peer, 100_000, &sha256).unwrap();
    assert_eq!(incoming.offset(), 40_000);
    incoming.write(&bytes[40_000..]).unwrap();
    assert_eq!(incoming.finish().unwrap().sha256, sha256);
    assert_eq!(std::fs::read(place.bundle()).unwrap(), bytes);

    place.resume(Source::Peer, 100_000, &sha256).unwrap().write(&bytes[..40_000]).unwrap();
    assert_eq!(place.resume(Source::Peer, 100_000, &digest(b"another")).unwrap().offset(), 0);
    // What arrived is not what was announced.
    let mut incoming = place.resume(Source::Peer, 3, &digest(b"abc")).unwrap();
    incoming.write(b"abd").unwrap();
    assert!(matches!(incoming.finish(), Err(Refusal::Broken)));
    assert_eq!(place.resume(Source::Peer, 3, &digest(b"abc")).unwrap().offset(), 0);
    assert!(place.whole().is_some(), "the one before is not touched");
}

#[test]
fn too_large_too_long_and_two_at_once_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let place = place(home.path());
    assert!(matches!(place.begin(Source::Panel, LIMITS.most + 1), Err(Refusal::TooLarge { .. })));
    assert_eq!(place.report().state, State::Refused);
    assert!(place.report().japanese.contains("1500 MB"), "{:?}", place.report());
    let mut incoming = place.begin(Source::Panel, 10).unwrap();
    assert!(matches!(place.begin(Source::Stick, 10), Err(Refusal::Busy)));
    assert!(matches!(place.hold(), Ok(None)));
    assert!(matches!(incoming.write(&[0; 11]), Err(Refusal::Broken)));
    incoming.write(&[0; 9]).unwrap();
    assert!(matches!(incoming.finish(), Err(Refusal::Broken)), "a byte is missing");
    assert!(place.whole().is_none());
    bring(&place, &[1; 10]).unwrap();
    place.wish(Wish::Check).unwrap();
    place.wish(Wish::Install).unwrap();
    assert_eq!(place.take_wish().unwrap(), Some(Wish::Install));
    assert_eq!(place.take_wish().unwrap(), None);
}

#[test]
fn on_a_small_disk_the_old_bundle_goes_first_and_then_nothing_comes_any_more() {
    if !Need::Disk.met() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("update")).unwrap();
    let disk = SmallDisk::mount(&home.path().join("update"), "4m");
    let place = place(home.path()).within(Limits { most: LIMITS.most, stays_free: 1 << 20 });
    bring(&place, &noise(2_000_000)).unwrap();
    assert!(matches!(place.begin(Source::Panel, 3_500_000), Err(Refusal::NoSpace { .. })));
    assert!(place.report().japanese.contains("空き容量"), "{:?}", place.report());
    bring(&place, &noise(2_000_000)).unwrap();
    bring(&place, &noise(2_500_000)).unwrap();
    assert_eq!(place.whole().unwrap().length, 2_500_000);
    // Full while it comes.
    let mut incoming = place.begin(Source::Panel, 400_000).unwrap();
    disk.fill();
    let written = (0..100).try_for_each(|_| incoming.write(&[1; 4000]));
    assert!(matches!(written, Err(Refusal::Disk(_))), "{written:?}");
    assert!(place.report().japanese.contains("いっぱい"), "{:?}", place.report());
}

#[test]
fn the_newest_bundle_is_fetched_from_a_stick_in_all_its_pieces_and_its_installation_wished() {
    if !Need::Sticks.met() {
        return;
    }
    let bench = Bench::new();
    let bundle = noise(200_000);
    for kind in KINDS {
        let stick = Stick::new(&bench, kind);
        stick.leave_gaps(&bench);
        stick.put_bytes(&bench, "engawa-0.10.0.raucb", &bundle);
        stick.put_bytes(&bench, "engawa-0.9.0.raucb", &[1; 3000]);
        let into = bench.path(&format!("into-{}", kind.0));
        let home = bench.path(&format!("box-{}", kind.0));
        std::fs::create_dir(&into).unwrap();
        std::fs::create_dir(&home).unwrap();
        assert!(stick.read(&into).status.success());
        assert_eq!(std::fs::read_to_string(into.join("update")).unwrap(), "engawa-0.10.0.raucb\n");
        assert!(found(&into)["bundles"][0]["extents"].as_array().unwrap().len() > 1, "{kind:?}: it lies in pieces");
        let place = place(&home);
        let fetch = || {
            let mut command = Command::new(BINARY);
            command.args(["update", "fetch", "--listing"]).arg(into.join("found.json")).arg("--device").arg(&stick.0);
            command.arg("--place").arg(home.join("update")).arg("--report").arg(home.join("report.json"));
            command.output().unwrap()
        };
        let fetched = fetch();
        assert!(fetched.status.success(), "{fetched:?}");
        assert_eq!(std::fs::read(place.bundle()).unwrap(), bundle, "{kind:?}");
        assert_eq!(place.whole().unwrap().source, Source::Stick);
        assert_eq!(place.take_wish().unwrap(), Some(Wish::Install));
        // Plugged in again, nothing is copied: the file stays the same one.
        let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(place.bundle()).unwrap());
        assert!(fetch().status.success());
        assert_eq!(std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(place.bundle()).unwrap()), inode);
        assert_eq!(place.take_wish().unwrap(), Some(Wish::Install));
        // A listing that leads elsewhere, or beyond the end.
        for extents in ["[]", "[[0, 100000]]", "[[18446744073709551000, 200000]]", "[[999999999999, 200000]]"] {
            let text = std::fs::read_to_string(into.join("found.json")).unwrap();
            let mut listing: serde_json::Value = serde_json::from_str(&text).unwrap();
            listing["bundles"][0]["extents"] = serde_json::from_str(extents).unwrap();
            listing["bundles"][0]["name"] = "engawa-0.11.0.raucb".into();
            std::fs::write(into.join("found.json"), listing.to_string()).unwrap();
            let fetched = fetch();
            assert_eq!(fetched.status.code(), Some(2), "{extents}: {fetched:?}");
            assert_eq!(place.report().state, State::Refused, "{extents}");
            assert_eq!(place.take_wish().unwrap(), None);
            std::fs::write(into.join("found.json"), text).unwrap();
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn who_stands_here_goes_before_the_other_box_whose_bundle_goes_on_later() {
    let home = tempfile::tempdir().unwrap();
    let place = place(home.path());
    let (theirs, ours) = (noise(5000), vec![7; 5000]);
    let mut coming = place.resume(Source::Peer, 5000, &digest(&theirs)).unwrap();
    coming.write(&theirs[..2000]).unwrap();
    assert!(!coming.gives_way(), "nobody waits");
    let waiting = {
        let (place, ours) = (place.clone(), ours.clone());
        std::thread::spawn(move || bring(&place, &ours))
    };
    wait_for(|| coming.gives_way());
    drop(coming);
    waiting.join().unwrap().unwrap();
    assert_eq!(std::fs::read(place.bundle()).unwrap(), ours);
    assert!(!place.resume(Source::Peer, 5000, &digest(&theirs)).unwrap().gives_way(), "nobody waits any more");
}

#[test]
fn a_check_takes_no_installation_back_and_what_came_back_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let place = place(home.path());
    bring(&place, &noise(100)).unwrap();
    place.wish(Wish::Install).unwrap();
    place.wish(Wish::Check).unwrap();
    assert_eq!(place.take_wish().unwrap(), Some(Wish::Install));
    std::fs::remove_file(home.path().join("report.json")).unwrap();
    place.recall().unwrap();
    assert!(Report::read(&home.path().join("report.json")).is_none(), "nothing came back");
    std::fs::write(home.path().join("rolled-back"), "0.1.0+2 daemon\n").unwrap();
    place.recall().unwrap();
    let told = Report::read(&home.path().join("report.json")).unwrap();
    assert_eq!((told.state, told.release.as_deref()), (State::Failed, Some("0.1.0+2")));
    place.tell(&Report::none()).unwrap();
    place.recall().unwrap();
    assert_eq!(Report::read(&home.path().join("report.json")).unwrap().state, State::None, "newer words stay");
}

fn wait_for(met: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !met() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "nobody asked it to give way");
        std::thread::yield_now();
    }
}
