//! The image's `came-up`: which slot is on trial, when it is confirmed, and what is noted of one that came back. GRUB's environment is real;
//! `systemctl` and `engawa status` are stood for by scripts, as neither a process 1 nor a linked daemon is here.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;
mod update_support;

use engawa::update::Report;
use needs::Need;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use update_support::*;

const OLD: &str = RUNNING;
const NEW: &str = NEWER;

/// A box as far as the script looks.
struct Slots(TempDir);

impl Slots {
    fn new() -> Self {
        let slots = Self(tempfile::tempdir().unwrap());
        for directory in
            ["bin", "proc", "efi/EFI/debian", "etc/engawa", "usr/lib/engawa-image", "var/lib/rauc", "dev/engawa"]
        {
            fs::create_dir_all(slots.path(directory)).unwrap();
        }
        fs::write(slots.path("etc/machine-id"), "0123456789abcdef0123456789abcdef\n").unwrap();
        fs::write(slots.path("dev/engawa/b"), "").unwrap();
        slots
            .stand_in("systemctl", "case $* in *is-active*) [ -e active ] ;; *reboot*) echo reboot >>restarts ;; esac");
        slots.stand_in("engawa", "[ \"$1 $2\" = 'status --json' ] && cat status.json");
        done(Command::new("grub-editenv").arg(slots.grubenv()).arg("create"));
        slots.grub(&["ORDER=A B", "A_OK=1", "A_TRY=0"]);
        slots
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn grubenv(&self) -> PathBuf {
        self.path("efi/EFI/debian/grubenv")
    }

    fn stand_in(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\ncd '{}'\n{script}\n", self.0.path().display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn grub(&self, values: &[&str]) {
        done(Command::new("grub-editenv").arg(self.grubenv()).arg("set").args(values));
    }

    fn value(&self, name: &str) -> String {
        let all = done(Command::new("grub-editenv").arg(self.grubenv()).arg("list"));
        let value = all.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        value.unwrap_or_default().to_owned()
    }

    /// As RAUC leaves it behind an update into slot B.
    fn update(&self, release: &str) {
        self.grub(&["ORDER=B A", "B_OK=1", "B_TRY=0"]);
        let status =
            format!("[slot.rootfs.0]\nbundle.version=0.0.1\n\n[slot.rootfs.1]\nbundle.version={release}\nstatus=ok\n");
        fs::write(self.path("var/lib/rauc/central.raucs"), status).unwrap();
    }

    /// GRUB starts this slot, after having counted.
    fn start(&self, slot: &str, release: &str, tried: u32) {
        self.grub(&[&format!("{slot}_TRY={tried}")]);
        fs::write(self.path("proc/cmdline"), format!("root=x rauc.slot={slot} quiet\n")).unwrap();
        fs::write(self.path("usr/lib/engawa-image/release"), format!("{release}\n")).unwrap();
        self.daemon(None);
        self.up_for(30);
    }

    fn daemon(&self, link: Option<&str>) {
        match link {
            Some(link) => {
                fs::write(self.path("active"), "").unwrap();
                fs::write(self.path("status.json"), format!("{{\"version\":1,\"link\":\"{link}\",\"since_s\":1.0}}\n"))
                    .unwrap();
            }
            None => drop(fs::remove_file(self.path("active"))),
        }
    }

    fn up_for(&self, seconds: u32) {
        fs::write(self.path("proc/uptime"), format!("{seconds}.07 99.00\n")).unwrap();
    }

    fn set_up(&self) {
        fs::write(self.path("etc/engawa/engawa.toml"), "").unwrap();
    }

    /// Whether it came up.
    fn came_up(&self) -> bool {
        let script = root("packaging/image/rootfs/usr/lib/engawa-image/came-up");
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.path("bin").display());
        let output = Command::new(script)
            .env("ENGAWA_HERE", self.0.path())
            .env("PATH", path)
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        output.status.success()
    }

    fn restarts(&self) -> usize {
        fs::read_to_string(self.path("restarts")).unwrap_or_default().lines().count()
    }

    fn note(&self, name: &str) -> String {
        fs::read_to_string(self.path("var/lib/rauc").join(name)).unwrap_or_default()
    }

    /// A box of the old release that was linked once, with an update in slot B.
    fn with_update() -> Self {
        let slots = Self::new();
        slots.set_up();
        slots.start("A", OLD, 1);
        slots.daemon(Some("up"));
        assert!(slots.came_up());
        slots.update(NEW);
        slots
    }
}

#[test]
fn the_first_release_comes_up_without_the_other_room_and_its_copy_is_known_too() {
    if !Need::Updates.met() {
        return;
    }
    let slots = Slots::new();
    slots.start("A", OLD, 1);
    assert!(slots.came_up(), "not set up: nothing is waited for");
    assert_eq!([slots.value("A_TRY"), slots.value("B_OK"), slots.value("B_TRY")], ["0", "1", "0"]);
    assert_eq!(slots.value("machine_id"), "0123456789abcdef0123456789abcdef");
    assert_eq!(slots.note("came-up"), format!("A {OLD} alone\nB {OLD} alone\n"));
    slots.set_up();
    slots.start("A", OLD, 1);
    slots.up_for(9000);
    assert!(!slots.came_up() && slots.value("A_TRY") == "1", "its daemon is not ready");
    slots.daemon(Some("lost"));
    assert!(slots.came_up() && slots.value("A_TRY") == "0" && slots.restarts() == 0);
    // The copy starts after the first slot broke: the same release is no update.
    slots.start("B", OLD, 1);
    slots.daemon(Some("lost"));
    assert!(slots.came_up() && slots.value("B_TRY") == "0" && slots.note("rolled-back").is_empty());
}

#[test]
fn an_update_is_confirmed_once_the_rooms_are_linked_and_not_before() {
    if !Need::Updates.met() {
        return;
    }
    let slots = Slots::with_update();
    slots.start("B", NEW, 1);
    assert!(!slots.came_up());
    for link in ["connecting", "lost", "unpaired"] {
        slots.daemon(Some(link));
        assert!(!slots.came_up() && slots.value("B_TRY") == "1", "{link}");
    }
    slots.up_for(599);
    assert!(!slots.came_up() && slots.restarts() == 0);
    slots.daemon(Some("up"));
    slots.up_for(700);
    assert!(slots.came_up());
    assert_eq!([slots.value("B_TRY"), slots.value("ORDER")], ["0", "B A"]);
    assert_eq!(slots.note("came-up"), format!("B {NEW} paired\nA {OLD} paired\n"));
    assert_eq!((slots.note("trial"), slots.note("rolled-back"), slots.restarts()), (String::new(), String::new(), 0));
    // From now on it comes up without the other room.
    slots.start("B", NEW, 1);
    slots.daemon(Some("connecting"));
    assert!(slots.came_up());
}

#[test]
fn a_box_that_never_had_a_peer_confirms_its_update_without_one() {
    if !Need::Updates.met() {
        return;
    }
    let slots = Slots::new();
    slots.set_up();
    slots.start("A", OLD, 1);
    slots.daemon(Some("unpaired"));
    assert!(slots.came_up());
    slots.update(NEW);
    slots.start("B", NEW, 1);
    assert!(!slots.came_up(), "its daemon must be ready");
    slots.daemon(Some("unpaired"));
    assert!(slots.came_up());
}

#[test]
fn an_update_that_does_not_link_restarts_and_the_box_that_came_back_says_so_until_the_next_one_comes_up() {
    if !Need::Updates.met() {
        return;
    }
    for (link, lacked, japanese) in [
        (Some("connecting"), "link", "は相手とつながらなかったので、前の版に戻りました。"),
        (None, "daemon", "は動き出さなかったので、前の版に戻りました。"),
    ] {
        let slots = Slots::with_update();
        for tried in 1..=3 {
            slots.start("B", NEW, tried);
            slots.daemon(link);
            slots.up_for(600);
            assert!(!slots.came_up());
            assert_eq!(slots.restarts(), tried as usize);
            assert_eq!(slots.note("trial"), format!("B {NEW} {lacked}\n"));
        }
        for _ in 0..2 {
            slots.start("A", OLD, 1);
            // Noted before the daemon is ready: the stick may still be there.
            assert!(!slots.came_up());
            assert_eq!(slots.note("rolled-back"), format!("{NEW} {lacked}\n"));
            slots.daemon(Some("up"));
            assert!(slots.came_up());
            assert_eq!(slots.note("rolled-back"), format!("{NEW} {lacked}\n"));
        }
        let report = Report::rolled_back(&slots.path("var/lib/rauc/rolled-back")).unwrap();
        assert_eq!(report.japanese, format!("更新 {NEW} {japanese}"));
        // The next one comes up.
        slots.update("0.2.0");
        slots.start("B", "0.2.0", 1);
        slots.daemon(Some("up"));
        assert!(slots.came_up() && slots.note("rolled-back").is_empty());
    }
}

#[test]
fn an_update_that_never_started_is_named_by_what_rauc_noted() {
    if !Need::Updates.met() {
        return;
    }
    let slots = Slots::with_update();
    slots.grub(&["B_TRY=3"]);
    slots.start("A", OLD, 1);
    slots.daemon(Some("connecting"));
    assert!(slots.came_up());
    assert_eq!(slots.note("rolled-back"), format!("{NEW} start\n"));
    // One that is only being tried has not come back.
    let slots = Slots::with_update();
    slots.grub(&["B_TRY=2"]);
    slots.start("A", OLD, 1);
    slots.daemon(Some("up"));
    assert!(slots.came_up() && slots.note("rolled-back").is_empty());
}

#[test]
fn an_environment_that_a_power_cut_broke_is_begun_anew() {
    if !Need::Updates.met() {
        return;
    }
    let slots = Slots::with_update();
    fs::write(slots.grubenv(), [0; 1024]).unwrap();
    fs::write(slots.path("proc/cmdline"), "rauc.slot=A\n").unwrap();
    slots.daemon(Some("up"));
    assert!(slots.came_up());
    assert_eq!([slots.value("A_OK"), slots.value("A_TRY")], ["1", "0"]);
}
