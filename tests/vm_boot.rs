//! The image that ships, with the daemon as built here, started once in a virtual machine: tests/vm/one_box.py with one power cut.
//! `make vm-test` does more of it, with two boxes.
//!
//! ```text
//!   target/debug/engawa ─ deb.sh ─► package ─ image/build.sh ─► engawa.img ─ QEMU, Secure Boot ─► rows
//!                                             2½ minutes             4 minutes
//! ```

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;

use needs::Need;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn a_box_of_the_image_starts_shows_its_screen_and_lets_nobody_in() {
    if !Need::Machine.met() {
        return;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vm");
    let _of_an_earlier_build = std::fs::remove_dir_all(target.join("debian"));
    let packed = Command::new(root("packaging/deb.sh"))
        .arg(env!("CARGO_BIN_EXE_engawa"))
        .arg(target.join("debian"))
        .env("ENGAWA_QUICK", "1")
        .output();
    must("the package", packed.unwrap());
    let built = Command::new(root("packaging/image/build.sh")).env("CARGO_TARGET_DIR", &target).output();
    must("the image", built.unwrap());
    let started = Command::new("python3")
        .arg(root("tests/vm/one_box.py"))
        .arg(target.join("image/engawa.img"))
        .arg(target.join("one"))
        .args(["--cuts", "1"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output();
    let said = must("the box", started.unwrap());
    assert!(said.contains(" 0 failed, "), "{said}");
}

/// What it printed, if it went well.
fn must(what: &str, output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{what}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
