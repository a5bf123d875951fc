//! Bundles as a box meets them: the real rauc, with the configuration that ships, looks at good ones and at every kind of bad one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;
mod update_support;

use engawa::update::{Source, Wish};
use needs::Need;
use std::process::Command;
use update_support::*;

#[test]
fn a_signed_newer_bundle_may_be_installed_and_says_which_release_it_is() {
    if !Need::Updates.met() {
        return;
    }
    let builder = Builder::new();
    let keys = builder.keys("keys");
    let kiosk = builder.new_box("box", &keys);
    let report = kiosk.offer(Source::Panel, Wish::Check, &builder.bundle(&keys, NEWER));
    assert_eq!((&report["state"], &report["release"]), (&"ready".into(), &NEWER.into()), "{report}");
    assert_eq!(report["japanese"], format!("更新 {NEWER} を入れられます。"));
    assert!(kiosk.place().whole().is_some() && !kiosk.place().is_wished());
    // The same release again may be, too; but a stick that stays plugged in does not install for ever.
    let same = builder.bundle(&keys, RUNNING);
    assert_eq!(kiosk.offer(Source::Panel, Wish::Check, &same)["state"], "ready");
    let report = kiosk.offer(Source::Stick, Wish::Install, &same);
    assert_eq!((&report["state"], &report["release"]), (&"none".into(), &RUNNING.into()), "{report}");
}

#[test]
fn a_bundle_signed_by_a_certificate_that_expired_is_good_also_where_the_clock_stands_in_2016() {
    if !Need::Updates.met() {
        return;
    }
    let builder = Builder::new();
    let keys = builder.path("keys");
    done(at(Some(LONG_AGO), root("packaging/image/keys.sh").to_str().unwrap()).arg(&keys));
    // A signer for one day. Making a key takes seconds, of the false clock too: what it signs, it signs later.
    let mut openssl = at(Some(LONG_AGO), "openssl");
    openssl.args([
        "req",
        "-new",
        "-key",
        "signer.key",
        "-config",
        "openssl.cnf",
        "-subj",
        "/CN=one day",
        "-out",
        "day",
    ]);
    done(openssl.current_dir(&keys));
    let mut openssl = at(Some(LONG_AGO), "openssl");
    openssl.args(["x509", "-req", "-in", "day", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days", "1"]);
    openssl.args(["-extfile", "openssl.cnf", "-extensions", "signer", "-out", "signer.pem"]);
    done(openssl.current_dir(&keys));
    let bundle = builder.odd_bundle(&keys, "verity", "engawa-x86-64", Some(HOURS_LATER));
    let kiosk = builder.new_box("box", &keys);
    assert_eq!(kiosk.offer(Source::Panel, Wish::Check, &bundle)["state"], "ready");
    kiosk.place().wish(Wish::Check).unwrap();
    let carried_out = kiosk.carry_out(Some("2016-01-01 00:00:00"));
    assert_eq!(kiosk.report()["state"], "ready", "{carried_out:?}");
    // By the time of the box it would not be.
    let config = kiosk.0.join("system.conf");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("use-bundle-signing-time=true", "use-bundle-signing-time=false")).unwrap();
    assert_eq!(kiosk.offer(Source::Panel, Wish::Check, &bundle)["state"], "refused");
}

#[test]
fn every_kind_of_bad_bundle_is_refused_in_its_own_sentence_and_deleted() {
    if !Need::Updates.met() {
        return;
    }
    let builder = Builder::new();
    let (keys, foreign) = (builder.keys("keys"), builder.keys("foreign"));
    let good = builder.bundle(&keys, NEWER);
    let signature = u64::from_be_bytes(good[good.len() - 8..].try_into().unwrap()) as usize;
    let content = good.len() - 8 - signature;
    let mut unsigned = good[..content].to_vec();
    unsigned.extend_from_slice(&0_u64.to_be_bytes());
    let mut changed = good.clone();
    changed[content + 200] ^= 1;
    let kiosk = builder.new_box("box", &keys);
    for (name, bundle, japanese, english) in [
        ("unsigned", unsigned, "署名がない", "not signed"),
        ("foreign", builder.bundle(&foreign, NEWER), "信頼する発行元", "whom this box trusts"),
        ("plain", builder.odd_bundle(&keys, "plain", "engawa-x86-64", None), "verity以外", "not verity"),
        ("other hardware", builder.odd_bundle(&keys, "verity", "engawa-arm64", None), "別の機種", "other hardware"),
        ("older", builder.bundle(&keys, "0.1.0+20261001.0000"), "より古い", "is older than"),
        ("cut short", good[..good.len() / 2].to_vec(), "こわれている", "damaged"),
        ("one byte short", good[..good.len() - 1].to_vec(), "こわれている", "damaged"),
    ] {
        let report = kiosk.offer(Source::Panel, Wish::Install, &bundle);
        assert_eq!(report["state"], "refused", "{name}: {report}");
        let said = |language: &str, words: &str| report[language].as_str().unwrap().contains(words);
        assert!(said("japanese", japanese) && said("english", english), "{name}: {report}");
        assert!(kiosk.place().whole().is_none() && !kiosk.place().bundle().exists(), "{name} is kept");
    }
    let report = kiosk.offer(Source::Panel, Wish::Install, &changed);
    assert_eq!(report["state"], "refused", "a changed manifest: {report}");
    assert_eq!(kiosk.offer(Source::Panel, Wish::Check, &good)["state"], "ready", "the one they were made of");
}

#[test]
fn garbage_of_any_length_is_refused() {
    if !Need::Updates.met() {
        return;
    }
    let builder = Builder::new();
    let keys = builder.keys("keys");
    let kiosk = builder.new_box("box", &keys);
    let (good, noise) = (builder.bundle(&keys, NEWER), noise(70_000));
    for length in [0, 1, 7, 8, 9, 4095, 4096, 70_000] {
        let report = kiosk.offer(Source::Peer, Wish::Install, &noise[..length]);
        assert_eq!(report["state"], "refused", "{length} bytes: {report}");
        assert_eq!(kiosk.offer(Source::Peer, Wish::Install, &vec![0; length])["state"], "refused", "{length} zeros");
    }
    // Sizes of signatures that cannot be.
    for size in [1, 8, u64::from(u16::MAX), good.len() as u64, 1 << 40, u64::MAX] {
        let mut bundle = good[..good.len() - 8].to_vec();
        bundle.extend_from_slice(&size.to_be_bytes());
        let report = kiosk.offer(Source::Peer, Wish::Install, &bundle);
        assert_eq!(report["state"], "refused", "a signature of {size} bytes: {report}");
    }
}

#[test]
fn a_release_that_came_back_is_not_installed_from_a_stick_again_but_by_a_press() {
    if !Need::Updates.met() {
        return;
    }
    let builder = Builder::new();
    let keys = builder.keys("keys");
    let kiosk = builder.new_box("box", &keys);
    std::fs::write(kiosk.0.join("rolled-back"), format!("{NEWER} link\n")).unwrap();
    let report = kiosk.report();
    assert_eq!(report["state"], "failed");
    assert_eq!(report["japanese"], format!("更新 {NEWER} は相手とつながらなかったので、前の版に戻りました。"));
    let bundle = builder.bundle(&keys, NEWER);
    let report = kiosk.offer(Source::Stick, Wish::Install, &bundle);
    assert_eq!(report["state"], "refused");
    assert!(report["japanese"].as_str().unwrap().contains("USBメモリーからは入れません"), "{report}");
    assert!(kiosk.place().whole().is_some(), "the installer may still press for it");
    assert_eq!(kiosk.offer(Source::Panel, Wish::Check, &bundle)["state"], "ready");
}

#[test]
fn without_a_box_around_it_an_update_is_refused_or_fails_and_nothing_restarts() {
    if !Need::Updates.met() {
        return;
    }
    let builder = Builder::new();
    let keys = builder.keys("keys");
    let kiosk = builder.new_box("box", &keys);
    let bundle = builder.bundle(&keys, NEWER);
    // RAUC's service is not here: the bundle is good and does not get in.
    let report = kiosk.offer(Source::Panel, Wish::Install, &bundle);
    assert_eq!((&report["state"], &report["release"]), (&"failed".into(), &NEWER.into()), "{report}");
    assert!(kiosk.place().whole().is_none());
    // A machine that trusts nobody.
    std::fs::remove_file(keys.join("ca.pem")).unwrap();
    let report = kiosk.offer(Source::Panel, Wish::Install, &bundle);
    assert!(report["english"].as_str().unwrap().contains("does not run Engawa's image"), "{report}");
    std::fs::remove_file(kiosk.0.join("system.conf")).unwrap();
    let report = kiosk.offer(Source::Panel, Wish::Install, &bundle);
    assert!(report["english"].as_str().unwrap().contains("does not run Engawa's image"), "{report}");
}

#[test]
fn the_images_own_handler_refuses_what_is_older_and_what_would_overwrite_the_way_back() {
    if !Need::Updates.met() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("bundle")).unwrap();
    std::fs::write(path("release"), format!("{RUNNING}\n")).unwrap();
    let may_install = |release: &str| {
        let manifest = format!("[update]\ncompatible=engawa-x86-64\nversion={release}\n\n[handler]\nversion=9\n");
        std::fs::write(path("bundle/manifest.raucm"), manifest).unwrap();
        let handler = root("packaging/image/rootfs/usr/lib/engawa-image/may-install");
        let mut command = Command::new(handler);
        command.env("RAUC_BUNDLE_MOUNT_POINT", path("bundle")).env("RAUC_CURRENT_BOOTNAME", "A");
        command.env("ENGAWA_RELEASE_FILE", path("release")).env("ENGAWA_CAME_UP", path("came-up"));
        command.output().unwrap().status.success()
    };
    for (release, may) in [
        (NEWER, true),
        (RUNNING, true),
        ("0.10.0", true),
        ("0.1.0+20261123.0213", false),
        ("0.0.9+20301231.2359", false),
        ("0.1.0~rc1", false),
        ("", false),
        ("latest", false),
        ("9 lt 0 -o 1", false),
        ("9;reboot", false),
    ] {
        assert_eq!(may_install(release), may, "{release}");
    }
    // What runs was not confirmed: the other slot is the way back.
    std::fs::write(path("came-up"), "B 0.1.0+20261101.0000 paired\n").unwrap();
    assert!(!may_install(NEWER) && !may_install(RUNNING));
    std::fs::write(path("came-up"), format!("A {RUNNING} paired\nB 0.1.0 paired\n")).unwrap();
    assert!(may_install(NEWER));
}
