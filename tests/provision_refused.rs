//! Files that a box must not take: each is refused in one sentence, with its line where there is one, and nothing changes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod provision_support;

use engawa::trunk::identity::{Identity, pin_peer};
use provision_support::*;
use serde_json::Value;
use std::path::Path;

/// Offers a text to a new box.
fn offered(bench: &Bench, text: impl AsRef<[u8]>) -> Value {
    let kiosk = bench.new_box(&format!("box-{}", std::fs::read_dir(bench.0.path()).unwrap().count()));
    let file = kiosk.0.join("engawa-box.toml");
    std::fs::write(&file, text).unwrap();
    let report = kiosk.take(&file);
    if report["outcome"] == "refused" {
        assert_eq!(kiosk.contents(), [], "nothing changes: {report}");
    }
    report
}

fn english(report: &Value) -> &str {
    report["english"].as_str().unwrap()
}

#[test]
fn a_wrong_field_is_refused_with_its_line_and_its_reason() {
    let bench = Bench::new();
    let [file, other] = bench.one_pair("made");
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(offered(&bench, with_sum(&text))["outcome"], "taken", "the text as it was");
    let line_of = |part: &str| 1 + text[..text.find(part).unwrap()].matches('\n').count();
    for (from, to, line, told) in [
        ("ceiling_kbps = 2000", "ceiling_kbps = 20", line_of("ceiling_kbps"), "line.ceiling_kbps = 20: is too small"),
        ("[line]", "[lnie]", line_of("[line]"), "lnie: there is no such section"),
        ("listen = \"[::]:7420\"", "listne = \"[::]:7420\"", line_of("listen = "), "did you mean listen?"),
        ("name = \"市民課\"", "name = 3", line_of("name = "), "box.name = 3: must be text"),
        ("192.0.2.10/24", "192.0.2.10", line_of("192.0.2.10/24"), "has no length of its network"),
        (
            "address = \"192.0.2.10/24\"",
            "adress = \"192.0.2.10/24\"",
            line_of("192.0.2.10/24"),
            "unknown field `adress`",
        ),
        ("words = ", "wrods = ", line_of("words = "), "unknown field `wrods`"),
        ("[line]", "[peer.x]\n[line]", line_of("[line]"), "peer.x: there is no such setting"),
        ("name = ", "state_directory = \"/tmp\"\nname = ", 0, "are not for a box's file"),
    ] {
        let report = offered(&bench, with_sum(&text.replacen(from, to, 1)));
        assert!(english(&report).contains(told), "{to}: {report}");
        assert!(line == 0 || report["line"] == line, "{to}: line {line}: {report}");
        assert!(report["japanese"].as_str().unwrap().contains("行目"), "{report}");
    }
    // Changed by hand: the sum says so, and where.
    let by_hand = offered(&bench, text.replace("ceiling_kbps = 2000", "ceiling_kbps = 20"));
    assert!(english(&by_hand).contains("cut short or changed (line"), "{by_hand}");

    let version = offered(&bench, with_sum(&text.replace("format = 1", "format = 2").replace("words", "phrase")));
    assert!(english(&version).contains("has format 2, which this box does not know"), "{version}");

    let foreign_text = std::fs::read_to_string(other).unwrap();
    let foreign = text.replace(private_line(&text), private_line(&foreign_text));
    for keys in [
        foreign,
        text.replace(private_line(&text), "identity = \"3f\""),
        text.replace(private_line(&text), "identity = \"zz\""),
        text.replace("words = \"", "words = \"neko "),
    ] {
        let report = offered(&bench, with_sum(&keys));
        assert!(english(&report).contains("do not belong together"), "{report}");
    }
    let used = offered(&bench, wiped(&text));
    assert!(english(&used).contains("was used already"), "{used}");
    let no_text = offered(&bench, [text.as_bytes(), b"\xff"].concat());
    assert!(english(&no_text).contains("damaged"), "{no_text}");
    let long = offered(&bench, format!("{text}# {}\n", "x".repeat(70_000)));
    assert!(english(&long).contains("too long"), "{long}");
}

#[test]
fn a_copy_that_was_cut_or_changed_anywhere_is_refused() {
    let bench = Bench::new();
    let [file, _] = bench.one_pair("made");
    let bytes = std::fs::read(file).unwrap();
    for cut in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let report = offered(&bench, &bytes[..cut]);
        assert!(report["outcome"] == "refused", "cut to {cut} bytes: {report}");
    }
    for at in (0..bytes.len()).step_by(61) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let report = offered(&bench, &changed);
        assert!(report["outcome"] == "refused", "byte {at}: {report}");
    }
    assert_eq!(offered(&bench, &bytes)["outcome"], "taken");
}

#[test]
fn a_file_for_another_box_is_refused_by_its_card() {
    let bench = Bench::new();
    let table =
        |mac: &str| format!("pair,room_a,room_b,address_a,address_b,mac_a\np,a,b,192.0.2.1/24,192.0.2.2/24,{mac}\n");
    for (mac, outcome) in [("00-1A-2B-3C-4D-5E", "taken"), ("00:1a:2b:3c:4d:5f", "refused")] {
        let out = format!("made-{outcome}");
        assert!(bench.provision(table(mac), &out).status.success());
        let report = offered(&bench, std::fs::read(bench.path(&out).join("p/a/engawa-box.toml")).unwrap());
        assert_eq!(report["outcome"], outcome, "{report}");
        assert!(outcome == "taken" || english(&report).contains("another box (00:1a:2b:3c:4d:5f)"), "{report}");
    }
}

#[test]
fn a_box_that_is_somebody_already_takes_no_other_file() {
    let bench = Bench::new();
    let ([one, _], [other, far]) = (bench.one_pair("one"), bench.one_pair("other"));
    let kiosk = bench.new_box("taken");
    assert_eq!(kiosk.take(&one)["outcome"], "taken");
    let before = kiosk.contents();
    for (file, told) in [(&other, "is set up already"), (&far, "is set up already")] {
        let report = kiosk.take(file);
        assert!(report["outcome"] == "refused" && english(&report).contains(told), "{report}");
    }
    // Its own file, whole or with its key deleted, changes nothing either and is no fault.
    assert_eq!(kiosk.take(&one)["outcome"], "already_taken");
    let text = std::fs::read_to_string(&one).unwrap();
    std::fs::write(&one, wiped(&text)).unwrap();
    assert_eq!(kiosk.take(&one)["outcome"], "already_taken");
    assert_eq!(kiosk.contents(), before);

    let with_identity = bench.new_box("identity");
    Identity::load_or_create(&with_identity.state()).unwrap();
    let paired = bench.new_box("paired");
    pin_peer(&paired.state(), &Identity::generate().unwrap().public_key()).unwrap();
    for (kiosk, told) in [(with_identity, "has another key already"), (paired, "is paired with another one")] {
        let before = kiosk.contents();
        let report = kiosk.take(&other);
        assert!(report["outcome"] == "refused" && english(&report).contains(told), "{report}");
        assert_eq!(kiosk.contents(), before);
    }
}

#[test]
fn files_of_two_boxes_at_once_are_refused_and_the_same_one_twice_is_one() {
    let bench = Bench::new();
    let [one, far] = bench.one_pair("made");
    let sticks = bench.path("sticks");
    let put = |stick: &str, text: &str| {
        std::fs::create_dir_all(sticks.join(stick)).unwrap();
        std::fs::write(sticks.join(stick).join("engawa-box.toml"), text).unwrap();
    };
    let kiosk = bench.new_box("box");
    std::fs::create_dir(&sticks).unwrap();
    let nothing = kiosk.take(&sticks);
    assert_eq!(nothing["outcome"], "nothing", "{nothing}");
    let (one, far) = (std::fs::read_to_string(one).unwrap(), std::fs::read_to_string(far).unwrap());
    put("sda1", &one);
    put("sdb1", &far);
    let report = kiosk.take(&sticks);
    assert!(english(&report).contains("files of two boxes"), "{report}");
    assert_eq!(kiosk.contents(), []);
    // Used up, it does not stand in the way: the image's own partition may hold it.
    put("sdb1", &wiped(&far));
    put("sdc1", &one);
    assert_eq!(kiosk.take(&sticks)["outcome"], "taken");
    put("sda1", &wiped(&one));
    put("sdc1", &wiped(&one));
    assert_eq!(kiosk.take(&sticks)["outcome"], "already_taken");
}

#[test]
fn a_stick_without_a_file_or_one_that_cannot_be_read_is_told_too() {
    let bench = Bench::new();
    let kiosk = bench.new_box("box");
    let put = |stick: &str, readable: bool, english: &str| {
        let home = bench.path("sticks").join(stick);
        std::fs::create_dir_all(&home).unwrap();
        let listing = serde_json::json!({ "version": 1, "readable": readable, "trouble": null, "provision": false,
            "bundles": [], "japanese": "文", "english": english });
        std::fs::write(home.join("found.json"), listing.to_string()).unwrap();
    };
    put("sda1", true, "There is no engawa-box.toml");
    let report = kiosk.take(&bench.path("sticks"));
    assert!(report["outcome"] == "nothing" && english(&report).contains("no engawa-box.toml"), "{report}");
    put("sdb1", false, &"It is broken. ".repeat(100));
    let report = kiosk.take(&bench.path("sticks"));
    assert!(report["outcome"] == "refused" && english(&report).len() == 200, "{report}");
}

#[test]
fn nothing_is_read_through_a_link_or_from_a_pipe() {
    let bench = Bench::new();
    let [file, _] = bench.one_pair("made");
    let kiosk = bench.new_box("box");
    let (link, pipe) = (bench.path("link"), bench.path("pipe"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for source in [&link, &pipe, &bench.path("absent")] as [&Path; 3] {
        let report = kiosk.take(source);
        assert!(report["outcome"] == "refused" && english(&report).contains("could not be read"), "{report}");
    }
    assert_eq!(kiosk.contents(), []);
}

#[test]
fn a_disk_that_takes_nothing_leaves_a_box_that_is_not_set_up() {
    let bench = Bench::new();
    let ([file, _], [other, _]) = (bench.one_pair("made"), bench.one_pair("other"));
    let kiosk = bench.new_box("box");
    // A folder in the place of a file stands for every error of a disk: it stops root too.
    std::fs::create_dir(kiosk.etc().join("network.toml")).unwrap();
    let report = kiosk.take(&file);
    assert!(
        report["outcome"] == "refused" && english(&report).contains("could not be stored (network.toml"),
        "{report}"
    );
    assert!(!kiosk.etc().join("engawa.toml").exists());
    std::fs::remove_dir(kiosk.etc().join("network.toml")).unwrap();
    assert_eq!(kiosk.take(&other)["outcome"], "taken");
}
