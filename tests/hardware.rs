//! Hardware profiles: those that ship are all read, and what they say of a device is what somebody saw, or that nobody has.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::system::hardware::{Kind, Profile, Profiles, WrongProfile};
use std::path::{Path, PathBuf};

#[test]
fn every_profile_that_ships_is_one_and_lies_with_its_kind() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("hw/profiles");
    let mut usb = Vec::new();
    let mut seen = 0;
    for room in below(&home).into_iter().filter(|room| room.is_dir()) {
        for path in below(&room) {
            let text = std::fs::read_to_string(&path).unwrap();
            let profile = Profile::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let belongs = match profile.kind {
                Kind::Camera => "cameras",
                Kind::Capture => "capture",
                Kind::Speakerphone => "speakerphones",
                Kind::Ptz => "ptz",
            };
            assert!(room.ends_with(belongs), "{} is of another kind", path.display());
            // Honest: what nobody tried says so, and a date is not in the future of its commit.
            assert_eq!(profile.text().contains("not tried yet"), profile.tried.is_empty());
            usb.extend(text.lines().filter(|line| line.starts_with("usb")).map(str::to_owned));
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
    let all = usb.len();
    usb.sort();
    usb.dedup();
    assert_eq!(usb.len(), all, "two profiles for one device");
}

#[test]
fn a_device_is_known_by_its_usb_name_first_and_then_by_the_kernels() {
    let home = tempfile::tempdir().unwrap();
    let room = home.path().join("cameras");
    std::fs::create_dir(&room).unwrap();
    for (file, text) in [
        ("a.toml", "name = \"any C920\"\nkind = \"camera\"\ncalled = [\"C920\"]\n"),
        (
            "b.toml",
            "name = \"this C920\"\nkind = \"camera\"\nusb = [\"046d:082d\"]\n[[tried]]\ndate = \"2026-11-23\"\nplace = \"hall\"\nresult = \"works\"\ncommand = \"engawa doctor\"\n",
        ),
        ("c.toml", "name = \"wrong\"\nkind = \"camera\"\nusb = [\"46d:82d\"]\n"),
        ("d.toml", "name = \"sound\"\nkind = \"speakerphone\"\ncalled = [\"c920\"]\n"),
        ("e.txt", "no profile"),
    ] {
        std::fs::write(room.join(file), text).unwrap();
    }
    let profiles = Profiles::of(home.path());
    let known = |kind, name, usb| profiles.fitting(&[kind], name, usb).map(Profile::text);
    let this = "this C920, tried 2026-11-23 (hall): works".to_owned();
    assert_eq!(known(Kind::Camera, "HD Pro Webcam C920", Some("046d:082d")), Some(this));
    assert_eq!(known(Kind::Camera, "HD Pro Webcam c920", None), Some("any C920, not tried yet".to_owned()));
    assert_eq!(known(Kind::Speakerphone, "Webcam C920", Some("046d:082d")), Some("sound, not tried yet".to_owned()));
    assert_eq!(known(Kind::Camera, "Integrated Camera", Some("0000:0000")), None);
    assert!(Profiles::of(Path::new("/nonexistent")).fitting(&[Kind::Camera], "C920", None).is_none());
}

#[test]
fn what_is_no_profile_is_refused_with_its_reason() {
    let whole = "name = \"a\"\nkind = \"camera\"\nusb = [\"046d:082d\"]\n";
    let tried = |date: &str, place: &str| {
        format!("{whole}[[tried]]\ndate = \"{date}\"\nplace = \"{place}\"\nresult = \"works\"\ncommand = \"make\"\n")
    };
    assert!(Profile::parse(&tried("2026-11-23", "hall")).is_ok());
    let refused = |text: &str| Profile::parse(text).map(|profile| profile.name).unwrap_err();
    for text in [whole.replace("kind", "sort"), whole.replace("\"camera\"", "\"keypad\""), format!("{whole}fps = 3\n")]
    {
        assert!(matches!(refused(&text), WrongProfile::Toml(_)), "{text}");
    }
    for text in [
        "name = \"a\"\nkind = \"ptz\"\n",
        "name = \" \"\nkind = \"ptz\"\ncalled = [\"x\"]\n",
        "name = \"a\"\nkind = \"ptz\"\ncalled = [\"\"]\n",
    ] {
        assert!(matches!(refused(text), WrongProfile::Nameless), "{text}");
    }
    for usb in ["046D:082D", "046d082d", "046d:082", "046d:082d:1"] {
        assert!(matches!(refused(&whole.replace("046d:082d", usb)), WrongProfile::Usb(_)), "{usb}");
    }
    assert!(matches!(refused(&format!("{whole}[settings]\nsize = \"large\"\n")), WrongProfile::Size(_)));
    for (date, place) in [("2026-13-01", "hall"), ("yesterday", "hall"), ("2026-1-1", "hall"), ("2026-11-23", "")] {
        assert!(matches!(refused(&tried(date, place)), WrongProfile::Tried(_)), "{date} {place}");
    }
}

fn below(home: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
