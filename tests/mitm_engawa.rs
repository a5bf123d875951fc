//! The man in the middle between two boxes: he gets his handshakes and nothing else. tests/mitm_bare.rs shows that the same
//! attack succeeds against a pair that does not check certificates.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use serde_json::Value;
use std::process::Command;
use std::time::Duration;
use support::boxes::{Pair, Setup, binary};
use support::lab::{End, Lab, Middle};
use support::mitm::{Counts, Mitm, attack};
use support::wire::Family;
use support::{pause, wait_for};

#[test]
fn two_boxes_refuse_the_man_in_the_middle() {
    for family in [Family::V4, Family::V6] {
        let Some(lab) = Lab::new(Middle::Router) else { return };
        let mut pair = Pair::prepare(Some(&lab), &Setup { family, ..Setup::default() });
        let mitm = attack(&lab, &pair.session_ports());
        End::BOTH.into_iter().for_each(|end| pair.start_box(end));
        let told = End::BOTH.map(|end| pair.wait_status(end, LIMIT, "told about the intruder", is_told));
        // Long enough for a session to be tried again.
        pause(Duration::from_secs(7));
        let counts = mitm.counts();
        assert!(counts.handshakes.iter().any(|handshakes| *handshakes > 0), "he was there: {counts:?}");
        assert_not_one_packet(&counts);
        for end in End::BOTH {
            let status = pair.status(end).unwrap();
            assert!(status["trunk"] == true, "the trunk is not his: {status}");
            assert!(status["link"] != "up" && status["first_frame_ns"].is_null(), "{status}");
            let log = pair.log(end);
            let told = log.lines().filter(|line| line.contains("certificate")).count();
            assert_eq!(told, 1, "the log says why, once, however often it is tried:\n{log}");
        }
        for status in told {
            let sentence = status["fault"]["en"].as_str().unwrap();
            assert!(sentence.contains("not the other box"), "{sentence}");
        }
    }
}

#[test]
fn the_link_comes_up_by_itself_when_the_man_in_the_middle_leaves() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let mut pair = Pair::prepare(Some(&lab), &Setup::default());
    let mitm = attack(&lab, &pair.session_ports());
    End::BOTH.into_iter().for_each(|end| pair.start_box(end));
    for end in End::BOTH {
        pair.wait_status(end, LIMIT, "told about the intruder", is_told);
    }
    assert_not_one_packet(&mitm.counts());
    drop(mitm);
    pair.wait_up(LIMIT);
}

#[test]
fn a_man_in_the_middle_who_comes_later_gets_nothing_from_the_next_session() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let mut pair = Pair::start(Some(&lab), &Setup::default());
    pair.wait_up(LIMIT);
    let mitm = attack(&lab, &pair.session_ports());
    pair.kill_box(End::B);
    pair.start_box(End::B);
    attacked(&mitm);
    pair.wait_status(End::B, LIMIT, "told about the intruder", is_told);
    pause(Duration::from_secs(5));
    // Packets of the session from before pass him, sealed with keys that he does not hold.
    let counts = mitm.counts();
    assert_eq!(counts.media_decrypted, [0, 0], "{counts:?}");
}

#[test]
fn nothing_turns_the_check_off() {
    let engawa = |arguments: &[&str]| Command::new(binary()).args(arguments).output().unwrap();
    for arguments in [&["run", "--help"][..], &["--help"]] {
        let output = engawa(arguments);
        let said = String::from_utf8(output.stdout).unwrap().to_lowercase();
        assert!(output.status.success() && said.contains("--config") | said.contains("run"), "{said}");
        // The one about the panel's page, which never meets the line.
        let lines = said.lines().filter(|line| !line.trim_start().starts_with("certificate "));
        let said = lines.collect::<Vec<_>>().join("\n");
        let words: Vec<&str> = SWITCHES.iter().filter(|word| said.contains(*word)).copied().collect();
        assert!(words.is_empty(), "{words:?} in\n{said}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("engawa.toml");
    for section in ["session", "peer", "trunk", "line"] {
        for key in SWITCHES {
            std::fs::write(&file, format!("[{section}]\n{key} = false\n")).unwrap();
            let output = engawa(&["check-config", file.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(2), "[{section}] {key}: {output:?}");
        }
    }
    for switch in SWITCHES {
        let output = engawa(&["run", "--config", file.to_str().unwrap(), &format!("--{switch}")]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("unexpected argument"), "--{switch}: {said}");
    }
}

fn attacked(mitm: &Mitm) {
    wait_for(LIMIT, || mitm.counts().handshakes.iter().any(|handshakes| *handshakes > 0).then_some(()))
        .expect("the attacker completes a handshake");
}

fn assert_not_one_packet(counts: &Counts) {
    assert_eq!(counts.media_decrypted, [0, 0], "not one media packet is decryptable: {counts:?}");
    assert_eq!(counts.media_seen, [0, 0], "no media leaves before the certificate is checked: {counts:?}");
}

fn is_told(status: &Value) -> bool {
    status["fault"]["kind"] == "intruder" && status["fault"]["over_s"].is_null()
}

/// What such a switch would be called.
const SWITCHES: [&str; 8] =
    ["insecure", "verify", "no-verify", "skip-check", "fingerprint", "certificate", "trust", "unauthenticated"];
const LIMIT: Duration = Duration::from_secs(20);
