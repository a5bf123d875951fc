//! A box forgets everything: whenever the power goes in between, nothing is left in the end, and its keys are not on its disk any more.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod provision_support;

use engawa::provision::reset;
use provision_support::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn whenever_the_power_goes_the_next_start_goes_on_and_nothing_is_left() {
    let bench = Bench::new();
    let grown = grown(&bench);
    let mut steps = 0;
    loop {
        let kiosk = copy_of(&grown, &bench.path(&format!("cut-{steps}")));
        reset::want(&kiosk.state()).unwrap();
        let output = forget(&kiosk).arg("--power-cut-after").arg((steps + 1).to_string()).arg("carry-out").output();
        if output.unwrap().status.success() {
            break;
        }
        steps += 1;
        assert!(reset::is_wanted(&kiosk.state()), "after step {steps} the mark stands");
        assert!(!everything(&kiosk).is_empty(), "the mark goes last");
        carried_out(&kiosk);
        assert_eq!(everything(&kiosk), Vec::<PathBuf>::new(), "after a power cut at step {steps}");
    }
    assert!(steps > 20, "{steps} steps");
}

#[test]
fn its_keys_are_overwritten_where_they_lay_and_stand_in_no_file_any_more() {
    let bench = Bench::new();
    let kiosk = grown(&bench);
    let key = std::fs::read(kiosk.state().join("identity.key")).unwrap();
    let canaries = [key.as_slice(), b"482913", b"PANEL KEY CANARY", b"kept beyond its meeting"];
    let found = |canary: &[u8]| everything(&kiosk).iter().any(|path| holds(path, canary));
    assert!(canaries.iter().all(|canary| found(canary)), "they are there before");
    // Another name of the same bytes on the disk, out of reach of deleting.
    let kept = bench.path("kept");
    std::fs::create_dir(&kept).unwrap();
    for (home, name) in [(kiosk.state(), "identity.key"), (kiosk.state(), "peer.key"), (kiosk.etc(), "engawa.toml")] {
        std::fs::hard_link(home.join(name), kept.join(name)).unwrap();
    }
    reset::want(&kiosk.state()).unwrap();
    carried_out(&kiosk);
    for name in ["identity.key", "peer.key", "engawa.toml"] {
        let bytes = std::fs::read(kept.join(name)).unwrap();
        assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0), "{name} was not overwritten");
    }
    assert!(!canaries.iter().any(|canary| found(canary)));
    assert_eq!(everything(&kiosk), Vec::<PathBuf>::new());
    // What is not the box's memory stays: what links pointed to, RAUC's notes, the journal's place.
    assert_eq!(std::fs::read_to_string(kiosk.0.join("elsewhere/file")).unwrap(), "not the box's");
    assert!(kiosk.0.join("rauc/central.raucs").exists() && kiosk.0.join("journal/0123456789abcdef").is_dir());

    let [file, _] = bench.one_pair("again");
    assert_eq!(kiosk.take(&file)["outcome"], "taken", "another file is taken as on the first day");
}

#[test]
fn nothing_is_forgotten_that_nobody_wished_to_be() {
    let bench = Bench::new();
    let kiosk = grown(&bench);
    let before = everything(&kiosk);
    let unsure = forget(&kiosk).output().unwrap();
    assert_eq!(unsure.status.code(), Some(2));
    let said = String::from_utf8(unsure.stderr).unwrap();
    assert!(said.contains("--yes-forget-everything") && said.contains("すべて消します"), "{said}");
    let unwanted = forget(&kiosk).arg("carry-out").output().unwrap();
    assert!(!unwanted.status.success() && everything(&kiosk) == before, "{unwanted:?}");

    // Where no systemd runs the command does it itself; the unit's own part is the same.
    if Path::new("/run/systemd/system").exists() {
        eprintln_skip("systemd runs here: the command leaves it to the unit");
        return;
    }
    let output = forget(&kiosk).arg("--yes-forget-everything").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(everything(&kiosk), Vec::<PathBuf>::new());
}

#[test]
fn what_cannot_be_deleted_leaves_the_wish_and_says_which_file() {
    let bench = Bench::new();
    let kiosk = grown(&bench);
    reset::want(&kiosk.state()).unwrap();
    // A directory is no journal of a machine, and a file is none that holds files.
    std::fs::write(kiosk.0.join("not-a-directory"), "x").unwrap();
    let output = Command::new(BINARY)
        .args(["reset", "--etc"])
        .arg(kiosk.etc())
        .arg("--state")
        .arg(kiosk.state())
        .arg("--reports")
        .arg(kiosk.0.join("not-a-directory"))
        .arg("carry-out")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(reset::is_wanted(&kiosk.state()), "the next try goes on");
    carried_out(&kiosk);
}

/// A box with everything that grows in one.
fn grown(bench: &Bench) -> TakingBox {
    let [file, _] = bench.one_pair("made");
    let kiosk = bench.new_box("grown");
    assert_eq!(kiosk.take(&file)["outcome"], "taken");
    for (name, text) in [
        ("state/panel-key.pem", "PANEL KEY CANARY"),
        ("state/panel-certificate.pem", "certificate"),
        ("state/installer.toml", "[line]\nceiling_kbps = 2000\n"),
        ("state/identity.key.unreadable-1", "an older key"),
        ("state/board", "{}"),
        ("state/boot", "x"),
        ("state/ledger/00000001.log", "line\n"),
        ("state/kept/abc/document", "kept beyond its meeting"),
        ("state/update/update.raucb", &"b".repeat(200_000)),
        ("state/reset-wanted.17-1.new", "cut short"),
        ("etc/keypads/own.toml", "name = \"own\"\n"),
        ("run/stick/sda1/found.json", "{}"),
        ("journal/0123456789abcdef/system.journal", "journal"),
        ("journal/0123456789abcdef/user@1.journal", "journal"),
        ("rauc/central.raucs", "notes about the slots"),
        ("elsewhere/file", "not the box's"),
    ] {
        let path = kiosk.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    for (link, target) in [("state/file-link", "../elsewhere/file"), ("state/kept/link", "../../elsewhere")] {
        std::os::unix::fs::symlink(target, kiosk.0.join(link)).unwrap();
    }
    kiosk
}

fn copy_of(kiosk: &TakingBox, to: &Path) -> TakingBox {
    assert!(Command::new("cp").arg("-a").arg(&kiosk.0).arg(to).status().unwrap().success());
    TakingBox(to.to_owned())
}

fn forget(kiosk: &TakingBox) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("reset").arg("--etc").arg(kiosk.etc()).arg("--state").arg(kiosk.state());
    command.arg("--reports").arg(kiosk.0.join("run")).arg("--journal").arg(kiosk.0.join("journal"));
    command
}

fn carried_out(kiosk: &TakingBox) {
    let output: Output = forget(kiosk).arg("carry-out").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!reset::is_wanted(&kiosk.state()));
}

/// What the box remembers, files and directories.
fn everything(kiosk: &TakingBox) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut homes = vec![kiosk.etc(), kiosk.state(), kiosk.0.join("run"), kiosk.0.join("journal/0123456789abcdef")];
    while let Some(home) = homes.pop() {
        for entry in std::fs::read_dir(home).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                homes.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

fn holds(path: &Path, canary: &[u8]) -> bool {
    let bytes = if path.symlink_metadata().unwrap().is_file() { std::fs::read(path).unwrap() } else { Vec::new() };
    bytes.windows(canary.len()).any(|part| part == canary)
}

#[allow(clippy::print_stderr, reason = "one line says why a part was not tried")]
fn eprintln_skip(why: &str) {
    eprintln!("skipped: {why}");
}
