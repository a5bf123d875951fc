//! Boxes as an installer brings them to life: a box that is not set up says so on its screen, takes its file, and links.
//! `ENGAWA_SHOTS=directory` keeps the screenshots.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod provision_support;
mod support;

use provision_support::{Bench, TakingBox, wiped};
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::display::{Shot, Xvfb};
use support::lab::End;
use support::wait_for;

#[test]
fn two_boxes_that_took_their_files_find_each_other() {
    let bench = Bench::new();
    let files = bench.one_pair("made");
    let boxes = [bench.new_box("a"), bench.new_box("b")];
    let mut pair = Pair::prepare(None, &small());
    for (end, (kiosk, file)) in End::BOTH.into_iter().zip(boxes.iter().zip(&files)) {
        assert_eq!(kiosk.take(file)["outcome"], "taken");
        on_this_machine(&pair, end, kiosk);
    }
    pair.start_both();
    let [a, b] = pair.wait_up(LIMIT);
    assert_eq!((&a["peer"]["name"], &b["peer"]["name"]), (&"北支所".into(), &"市民課".into()));
    assert!(pair.log(End::A).contains("the far certificate is the announced one"), "sealed");
}

#[test]
fn a_box_that_is_not_set_up_guides_and_begins_anew_when_it_is() {
    let Some(screen) = Xvfb::start(1920, 1080) else { return };
    let bench = Bench::new();
    let [file, _] = bench.one_pair("made");
    let kiosk = bench.new_box("a");
    let mut pair = Pair::prepare(None, &small());
    pair.set_environment(End::A, &[("DISPLAY", &screen.display), ("WAYLAND_DISPLAY", "")]);
    let guide = bench.path("guide.toml");
    // The guide as the box has it, but on this machine.
    pair.configure(End::A, "sound", "microphone", "\"closed\"");
    pair.configure(End::A, "screen", "sink", "\"auto\"");
    pair.configure(End::A, "box", "state_directory", &quoted(&kiosk.state()));
    pair.configure(End::A, "panel", "listen", "\"127.0.0.1:0\"".replace(":0", ":7443").as_str());
    std::fs::rename(pair.config(End::A), &guide).unwrap();
    let report = kiosk.report_file();
    for word in ["--guide-config", guide.to_str().unwrap(), "--take-report", report.to_str().unwrap()] {
        pair.add_argument(End::A, word);
    }
    pair.start_box(End::A);
    let shot = || Shot::of(&screen.display);
    seen("the guide", &screen, "guide", || shot().bright(160..1760, 100..700) > 4000);
    assert_eq!(pair.status(End::A).unwrap()["link"], "unpaired");
    assert!(pair.log(End::A).contains("this box is not set up"));
    assert!(!kiosk.state().join("identity.key").exists(), "its file brings its identity");

    // A refused file is told in amber.
    let text = std::fs::read_to_string(&file).unwrap();
    let bad = bench.path("bad.toml");
    std::fs::write(&bad, wiped(&text)).unwrap();
    assert_eq!(kiosk.take(&bad)["outcome"], "refused");
    seen("why it was refused", &screen, "guide-refused", || has(&shot(), [0xF5, 0xBC, 0x4A]));

    assert_eq!(kiosk.take(&file)["outcome"], "taken");
    seen("what the box is now", &screen, "guide-taken", || has(&shot(), [0x7F, 0xC9, 0xB4]));
    on_this_machine(&pair, End::A, &kiosk);
    let paired = |status: &serde_json::Value| status["link"] == "connecting";
    pair.wait_status(End::A, LIMIT, "the link of a box that knows its peer", paired);
    assert!(pair.log(End::A).contains("the daemon begins anew"));
}

/// The taken configuration, with what two boxes on one machine cannot share.
fn on_this_machine(pair: &Pair<'_>, end: End, kiosk: &TakingBox) {
    let taken = std::fs::read_to_string(kiosk.etc().join("engawa.toml")).unwrap();
    assert!(taken.contains("192.0.2."), "{taken}");
    let (near, far) = (pair.ports(end), pair.ports(end.other()));
    let aside = pair.directory().join("aside.toml");
    let mut table: toml::Table = taken.parse().unwrap();
    let mut set = |section: &str, key: &str, value: toml::Value| {
        let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
        section.as_table_mut().unwrap().insert(key.into(), value);
    };
    set("box", "state_directory", kiosk.state().to_str().unwrap().into());
    set("box", "status_socket", pair.socket(end).to_str().unwrap().into());
    set("peer", "address", format!("127.0.0.1:{}", far.trunk).into());
    set("trunk", "listen", format!("127.0.0.1:{}", near.trunk).into());
    set("session", "port", i64::from(near.session).into());
    set("panel", "listen", "".into());
    set("camera", "source", "test".into());
    set("camera", "size", "320x180".into());
    set("sound", "source", "test".into());
    set("sound", "sink", "none".into());
    set("screen", "sink", "none".into());
    set("room", "keypad", "none".into());
    // In one step, as `engawa take` does it.
    std::fs::write(&aside, table.to_string()).unwrap();
    std::fs::rename(aside, pair.config(end)).unwrap();
}

fn quoted(path: &std::path::Path) -> String {
    toml::Value::from(path.to_str().unwrap()).to_string()
}

fn small() -> Setup {
    Setup { size: "320x180".into(), fps: 10, ..Setup::default() }
}

fn seen(what: &str, screen: &Xvfb, name: &str, is_there: impl Fn() -> bool) {
    let found = wait_for(LIMIT, || is_there().then_some(()));
    Shot::of(&screen.display).keep(&format!("{name}.ppm"));
    assert!(found.is_some(), "not seen: {what}");
}

/// A plate of this colour, anywhere in the middle.
fn has(shot: &Shot, colour: [u8; 3]) -> bool {
    (100..860).step_by(20).any(|y| {
        let seen = shot.mean(160..168, y..y + 4);
        (0..3).all(|part| seen[part].abs_diff(colour[part]) < 8)
    })
}

const LIMIT: Duration = Duration::from_secs(40);
