//! What bad input gets: one clear sentence on standard error, the documented exit code, and nothing overwritten. What can be
//! lived with (a missing camera, a dead screen) is lived with and said.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::boxes::{BINARY, Pair, Setup, ask};
use support::guest::Guest;
use support::lab::End;
use support::pause;

#[test]
fn a_mistake_in_the_configuration_is_told_with_file_line_and_what_was_meant() {
    let pair = Pair::prepare(None, &small());
    let file = pair.directory().join("mistaken.toml");
    let told = |text: &str| {
        std::fs::write(&file, text).unwrap();
        refused(&file, CONFIGURATION)
    };
    let sentence = told("[trunk]\nlistne = \"[::]:7420\"\n");
    for part in ["mistaken.toml", ":2", "trunk.listne", "did you mean listen?"] {
        assert!(sentence.contains(part), "{part} is not in: {sentence}");
    }
    assert!(told("[camera]\nfps = \"30\"\n").contains("leave the quotes out"));
    assert!(told("[camera]\nfps = 0\n").contains("camera.fps"));
    assert!(told("[kamera]\n").contains("[camera]"));
    assert!(told("[camera\n").contains("mistaken.toml:1"));
    assert!(told("[peer]\naddress = \"other-room:7420\"\n").contains("peer.address"), "no name is ever resolved");
    let absent = pair.directory().join("absent.toml");
    assert!(refused(&absent, CONFIGURATION).contains("absent.toml"));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let mut pair = Pair::prepare(None, &small());
    let ports = pair.ports(End::A);
    {
        let _other = TcpListener::bind((Ipv4Addr::LOCALHOST, ports.trunk)).unwrap();
        let sentence = refused(&pair.config(End::A), PORT_TAKEN);
        assert!(sentence.contains(&ports.trunk.to_string()) && sentence.contains("taken"), "{sentence}");
    }
    for taken in [ports.session, ports.session + 1] {
        for address in ["127.0.0.1", "0.0.0.0", "::1", "::"] {
            let Ok(_other) = UdpSocket::bind((address, taken)) else { continue };
            let sentence = refused(&pair.config(End::A), PORT_TAKEN);
            assert!(sentence.contains(&taken.to_string()), "{address}: {sentence}");
        }
    }
    assert!(!pair.socket(End::A).exists(), "a daemon that did not start leaves no socket");
    pair.start_both();
    pair.wait_up(LIMIT);
}

#[test]
fn a_key_that_cannot_be_trusted_is_refused_and_left_as_it_is() {
    let pair = Pair::prepare(None, &small());
    let (config, key) = (pair.config(End::A), pair.state_directory(End::A).join("identity.key"));
    let whole = std::fs::read(&key).unwrap();

    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let sentence = refused(&config, KEY);
    assert!(sentence.contains("0644") && sentence.contains("chmod 600"), "{sentence}");
    assert_eq!(std::fs::read(&key).unwrap(), whole);
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();

    for garbage in [b"not a key".to_vec(), Vec::new(), vec![0xff; 10_000]] {
        std::fs::write(&key, &garbage).unwrap();
        let sentence = refused(&config, KEY);
        assert!(sentence.contains("identity.key"), "{sentence}");
        assert_eq!(std::fs::read(&key).unwrap(), garbage, "nothing is overwritten");
    }
    std::fs::write(&key, &whole).unwrap();

    let own = pair.engawa(End::A, &["identity", "export"], &[]);
    let own = own.lines().find_map(|line| line.strip_prefix("key: ")).unwrap();
    pair.configure(End::A, "peer", "key", &format!("\"{own}\""));
    assert!(refused(&config, KEY).contains("own key"));
    pair.configure(End::A, "peer", "key", "\"nonsense\"");
    assert!(refused(&config, KEY).contains("[peer] key"));
    assert_eq!(std::fs::read(&key).unwrap(), whole);
}

#[test]
fn a_pin_that_cannot_be_read_is_set_aside_and_the_box_is_unpaired() {
    let mut pair = Pair::prepare(None, &small());
    let directory = pair.state_directory(End::A);
    let pin = directory.join("peer.key");
    std::fs::write(&pin, b"\xff\xfe half a page of nonsense").unwrap();
    // It runs, trusts nobody and talks to nobody.
    pair.start_both();
    let status = pair.wait_status(End::A, LIMIT, "unpaired", |status| status["link"] == "unpaired");
    assert_eq!((&status["trunk"], &status["camera"]), (&false.into(), &"off".into()));
    let told = |status: &serde_json::Value| status["fault"]["kind"] == "far-not-running";
    pair.wait_status(End::B, LIMIT, "told that A is not ready", told);
    assert_eq!(pair.status(End::A).unwrap()["sessions_opened"], 0);

    let log = pair.log(End::A);
    assert!(log.contains("was kept as") && log.contains("engawa pair"), "{log}");
    let kept: Vec<_> = std::fs::read_dir(&directory).unwrap().flatten().map(|entry| entry.path()).collect();
    let kept = kept.iter().find(|path| path.to_string_lossy().contains("peer.key.")).expect("it is still there");
    assert_eq!(std::fs::read(kept).unwrap(), b"\xff\xfe half a page of nonsense");
    assert!(!pin.exists());
}

#[test]
fn a_state_directory_that_takes_no_writes_is_named() {
    let pair = Pair::prepare(None, &small());
    // Not even root may write here.
    pair.configure(End::A, "box", "state_directory", "\"/proc/engawa\"");
    let sentence = refused(&pair.config(End::A), KEY);
    assert!(sentence.contains("/proc/engawa"), "{sentence}");
}

#[test]
fn a_clip_that_does_not_decode_is_told() {
    let pair = Pair::prepare(None, &small());
    let clip = pair.directory().join("clip.mp4");
    for content in [b"this is not a film".to_vec(), Vec::new(), vec![0; 100_000]] {
        std::fs::write(&clip, &content).unwrap();
        pair.configure(End::A, "camera", "source", &format!("\"file:{}\"", clip.display()));
        let sentence = refused(&pair.config(End::A), CLIP);
        assert!(sentence.contains("clip.mp4"), "{sentence}");
        assert_eq!(std::fs::read(&clip).unwrap(), content);
    }
    std::fs::remove_file(&clip).unwrap();
    assert!(refused(&pair.config(End::A), CLIP).contains("does not exist"));
}

#[test]
fn a_second_daemon_of_the_same_box_is_refused_and_the_first_does_not_notice() {
    let pair = Pair::start(None, &small());
    let before = pair.wait_up(LIMIT);
    let sentence = refused(&pair.config(End::A), FAILED);
    assert!(sentence.contains("another engawa daemon"), "{sentence}");
    let after = pair.status(End::A).unwrap();
    for field in ["link", "since_ns", "session", "sessions_opened"] {
        assert_eq!(before[0][field], after[field], "{field}");
    }
}

#[test]
fn a_file_that_is_no_socket_is_never_replaced_by_the_status_socket() {
    let pair = Pair::prepare(None, &small());
    std::fs::write(pair.socket(End::A), "the accounts of 2025").unwrap();
    let sentence = refused(&pair.config(End::A), FAILED);
    assert!(sentence.contains("a.sock") && sentence.contains("not a socket"), "{sentence}");
    assert_eq!(std::fs::read_to_string(pair.socket(End::A)).unwrap(), "the accounts of 2025");
}

#[test]
fn a_socket_left_by_a_dead_daemon_is_no_obstacle() {
    let mut pair = Pair::start(None, &small());
    pair.wait_up(LIMIT);
    pair.kill_box(End::A);
    assert!(pair.socket(End::A).exists(), "nobody could tidy up");
    assert!(ask(&pair.socket(End::A)).is_none());
    pair.start_box(End::A);
    pair.wait_up(LIMIT);
}

#[test]
fn missing_devices_are_said_and_the_link_goes_on_without_them() {
    let mut pair = Pair::prepare(None, &small());
    pair.configure(End::A, "camera", "source", "\"v4l2:nothing\"");
    pair.configure(End::A, "sound", "source", "\"alsa:nothing\"");
    pair.configure(End::A, "sound", "sink", "\"alsa:nothing\"");
    pair.configure(End::A, "screen", "sink", "\"gst:nosuchelement\"");
    pair.start_both();
    pair.wait_up(LIMIT);
    let all = serde_json::json!(["camera", "microphone", "speaker", "screen"]);
    let near = pair.wait_status(End::A, LIMIT, "all four missing", |status| status["missing"] == all);
    // Nothing can be heard, so nothing is sent, and nothing says that it is.
    assert_eq!((&near["link"], &near["microphone"]), (&"up".into(), &"closed".into()));
    pair.wait_status(End::A, LIMIT, "a placeholder", |status| status["camera"] == "placeholder");
    let sees = |status: &serde_json::Value| {
        status["far_camera"] == "placeholder" && status["picture_in"]["fps"].as_f64() >= Some(2.0)
    };
    let far = pair.wait_status(End::B, LIMIT, "the placeholder", sees);
    assert_eq!((&far["link"], &far["missing"]), (&"up".into(), &serde_json::json!([])));
    let before = End::BOTH.map(|end| pair.status(end).unwrap());
    pause(Duration::from_secs(3));
    for end in End::BOTH {
        let after = pair.status(end).unwrap();
        for field in ["link", "since_ns", "session", "sessions_opened", "missing"] {
            assert_eq!(before[end as usize][field], after[field], "{field}: {after}");
        }
    }
    assert!(
        pair.log(End::A).lines().count() < 60,
        "a device that stays away does not fill the log:\n{}",
        pair.log(End::A)
    );
}

/// The one sentence with which `engawa run` refuses this configuration; its exit code is the documented one.
fn refused(config: &Path, code: i32) -> String {
    let errors = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(BINARY);
    command.args(["run", "--config"]).arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.reopen().unwrap());
    let mut daemon = Guest::spawn(command);
    let status = daemon.wait(LIMIT);
    let errors = std::fs::read_to_string(errors.path()).unwrap();
    assert_eq!(status.and_then(|status| status.code()), Some(code), "{status:?}: {errors}");
    let at = errors.find("engawa: ").unwrap_or_else(|| panic!("no sentence: {errors}"));
    assert_eq!(errors.matches("engawa: ").count(), 1, "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    errors[at..].trim().to_owned()
}

fn small() -> Setup {
    Setup { size: "320x180".into(), ..Setup::default() }
}

const FAILED: i32 = 1;
const CONFIGURATION: i32 = 2;
const KEY: i32 = 3;
const PORT_TAKEN: i32 = 4;
const CLIP: i32 = 5;
const LIMIT: Duration = Duration::from_secs(20);
