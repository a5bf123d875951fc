//! What the screen of a running box says of itself: a refused stick, an update, and that it forgets everything; then the guide again.
//! `ENGAWA_SHOTS=directory` keeps the screenshots.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod provision_support;
mod support;

use engawa::provision::reset;
use provision_support::Bench;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::display::{Shot, Xvfb};
use support::lab::End;
use support::senses::Colour;
use support::{pause, wait_for};

#[test]
fn a_refused_stick_and_an_update_are_told_on_the_screen_of_a_running_box() {
    for language in ["ja", "en"] {
        let Some((mut pair, screen)) = one_box(language) else { return };
        let run = pair.directory().join("run");
        pair.add_argument(End::A, "--reports");
        pair.add_argument(End::A, run.to_str().unwrap());
        pair.start_box(End::A);
        pair.wait_status(End::A, LIMIT, "a box that runs", |status| status["link"] == "connecting");
        pause(Duration::from_millis(2500));

        std::fs::create_dir_all(&run).unwrap();
        let report = run.join("update.json");
        std::fs::write(
            &report,
            r#"{"version":1,"state":"installing","source":"stick","release":"0.2.0+20261123.0214","percent":60,
                "japanese":"新しい版 0.2.0 を入れています。電源を切らないでください。","english":"Installing release 0.2.0. Leave the power on."}"#,
        )
        .unwrap();
        place(&report, &run.join("engawa-update/report.json"));
        seen(&screen, &format!("update-{language}"), PAPER);

        // The real refusal: this box is set up already.
        let bench = Bench::new();
        let kiosk = bench.new_box("b");
        let [first, _] = bench.one_pair("one");
        let [other, _] = bench.one_pair("two");
        assert_eq!(kiosk.take(&first)["outcome"], "taken");
        assert_eq!(kiosk.take(&other)["outcome"], "refused");
        place(&kiosk.report_file(), &run.join("engawa-take/report.json"));
        seen(&screen, &format!("refused-{language}"), AMBER);
        // Two lines of words, neither cut short.
        let [first, second] = [52..72, 98..114].map(|rows| Shot::of(&screen.display).mean(222..290, rows));
        assert!(second[0] + 8 < AMBER[0] && first[0] + 8 < AMBER[0], "{first:?} {second:?}");
    }
}

#[test]
fn a_box_that_forgets_everything_says_so_goes_down_and_guides_again() {
    let Some((mut pair, screen)) = one_box("ja") else { return };
    let guide = pair.directory().join("guide.toml");
    std::fs::copy(pair.config(End::A), &guide).unwrap();
    for word in ["--guide-config", guide.to_str().unwrap()] {
        pair.add_argument(End::A, word);
    }
    pair.start_box(End::A);
    pair.wait_status(End::A, LIMIT, "a box that knows its peer", |status| status["link"] == "connecting");
    let shows = wait_for(LIMIT, || (Shot::of(&screen.display).bright(200..1080, 230..370) > 400).then_some(()));
    assert!(shows.is_some(), "its screen is there");
    let state = pair.state_directory(End::A);
    assert!(state.join("identity.key").exists() && state.join("ledger").exists());

    // As systemd does it: the mark, the daemon stopped, the unit's part.
    reset::want(&state).unwrap();
    pair.daemon(End::A).terminate();
    seen(&screen, "forgetting", AMBER);
    assert!(pair.daemon(End::A).wait(Duration::from_secs(3)).is_some(), "within the unit's deadline");
    let etc = pair.directory().join("etc");
    std::fs::create_dir(&etc).unwrap();
    std::fs::rename(pair.config(End::A), etc.join("engawa.toml")).unwrap();
    let output = Command::new(support::boxes::binary())
        .args(["reset", "--etc"])
        .arg(&etc)
        .arg("--state")
        .arg(&state)
        .args(["--reports", "/nonexistent", "carry-out"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_dir(&state).unwrap().count() + std::fs::read_dir(&etc).unwrap().count(), 0);

    pair.start_box(End::A);
    let guides = wait_for(LIMIT, || (Shot::of(&screen.display).bright(100..1180, 70..470) > 2000).then_some(()));
    Shot::of(&screen.display).keep("forgotten.ppm");
    assert!(guides.is_some(), "the guide is there again");
    assert_eq!(pair.status(End::A).unwrap()["link"], "unpaired");
    assert!(!state.join("identity.key").exists(), "its next file brings its identity");
}

fn one_box(language: &str) -> Option<(Pair<'static>, Xvfb)> {
    let server = Xvfb::start(1280, 720)?;
    let environment = vec![("DISPLAY".into(), server.display.clone()), ("WAYLAND_DISPLAY".into(), String::new())];
    let pair = Pair::prepare(None, &Setup { size: "320x180".into(), fps: 10, environment, ..Setup::default() });
    pair.configure(End::A, "screen", "sink", "\"auto\"");
    pair.configure(End::A, "box", "language", &format!("\"{language}\""));
    Some((pair, server))
}

/// As the units do: a new file in the place of the old one.
fn place(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to.with_extension("new")).unwrap();
    std::fs::rename(to.with_extension("new"), to).unwrap();
}

/// The slip's plate, left of its sign.
fn seen(screen: &Xvfb, name: &str, colour: Colour) {
    let found = wait_for(LIMIT, || {
        pause(Duration::from_millis(50));
        let seen = Shot::of(&screen.display).mean(148..156, 40..60);
        (0..3).all(|part| seen[part].abs_diff(colour[part]) < 8).then_some(())
    });
    Shot::of(&screen.display).keep(&format!("{name}.ppm"));
    assert!(found.is_some(), "{name} is not seen: {:?}", Shot::of(&screen.display).mean(148..156, 40..60));
}

const AMBER: Colour = [0xF5, 0xBC, 0x4A];
const PAPER: Colour = [0xF8, 0xF6, 0xF1];
const LIMIT: Duration = Duration::from_secs(20);
