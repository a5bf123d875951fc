//! Every subcommand as a person types it: status, doctor, check-config, demo, bench, pair.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use support::boxes::{BINARY, Dialling, Pair, Setup};
use support::guest::Guest;
use support::lab::End;
use support::{pause, wait_for};

#[test]
fn a_followed_status_tells_every_second_and_every_change() {
    let mut pair = Pair::start(None, &small());
    pair.wait_up(LIMIT);
    let mut command = pair.engawa_command(End::A, &["status", "--json", "--follow"], &[]);
    command.stdout(Stdio::piped());
    let mut follower = Guest::spawn(command);
    let lines = follower.lines();
    let begun = Instant::now();
    let told: Vec<Value> = (0..4).map(|_| next_json(&lines)).collect();
    assert!(begun.elapsed() > Duration::from_millis(1500), "not a flood: {:?}", begun.elapsed());
    assert!(told.iter().all(|status| status["version"] == 1 && status["link"] == "up"), "{told:?}");
    pair.kill_box(End::B);
    let lost = wait_for(LIMIT, || Some(next_json(&lines)).filter(|status| status["link"] == "lost"));
    assert!(lost.expect("told")["since_s"].as_f64() < Some(1.0), "told when it happened");
    pair.kill_box(End::A);
    assert!(follower.wait(LIMIT).is_some(), "it ends with the daemon");
    let words = Command::new(BINARY).args(["status", "--config"]).arg(pair.config(End::A)).output().unwrap();
    assert_eq!(words.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&words.stderr).contains("no engawa daemon answers"));
}

#[test]
fn the_status_is_for_owner_and_group_and_no_asker_can_block_it() {
    let pair = Pair::start(None, &small());
    pair.wait_up(LIMIT);
    let mode = std::fs::metadata(pair.socket(End::A)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let before = pair.status(End::A).unwrap();
    // Some say nothing, some follow and never read, some talk nonsense, one does not end its line.
    let askers: Vec<UnixStream> = (0..40)
        .map(|number| {
            let mut asker = UnixStream::connect(pair.socket(End::A)).unwrap();
            let words: &[u8] = [&b""[..], b"{\"follow\": true}\n", b"\xff\xfe\n", b"{\"follow\": "][number % 4];
            let _ = asker.write_all(words);
            asker
        })
        .collect();
    pause(Duration::from_secs(4));
    let after = wait_for(LIMIT, || pair.status(End::A)).expect("the silent were sent away");
    for field in ["link", "since_ns", "session", "sessions_opened"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert!(after["picture_in"]["fps"].as_f64() >= Some(8.0), "{after}");
    drop(askers);
    let words = pair.engawa(End::A, &["status"], &[]);
    for word in ["link        up", "peer        b at 127.0.0.1", "picture     in 320×180", "microphone open"] {
        assert!(words.contains(word), "{word:?} is not in\n{words}");
    }
}

#[test]
fn the_doctor_says_what_is_ready_and_what_is_not() {
    let pair = Pair::prepare(None, &small());
    let examine = |end: End| {
        let output = pair.engawa_command(end, &["doctor", "--json"], &[]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
        assert_eq!(output.status.code(), Some(if report["ready"] == true { 0 } else { 1 }), "{report}");
        report
    };
    let found = |report: &Value, about: &str| {
        let check = report["checks"].as_array().unwrap().iter().find(|check| check["about"] == about);
        check.unwrap_or_else(|| panic!("nothing about {about}: {report}")).clone()
    };
    let alone = examine(End::A);
    assert_eq!(alone["ready"], false);
    assert_eq!(found(&alone, "peer")["grade"], "fail", "nobody is there");
    assert_eq!(found(&alone, "identity key")["grade"], "ok");
    let mut pair = pair;
    pair.start_both();
    pair.wait_up(LIMIT);
    let pair = pair;
    let output = pair.engawa_command(End::A, &["doctor"], &[]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "beside a linked daemon all is well:\n{words}");
    assert!(words.contains("used by the daemon that runs here") && words.contains("ready"), "{words}");
}

#[test]
fn check_config_passes_every_example_and_tells_a_mistake() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut files = vec![root.join("engawa.toml")];
    files.extend(std::fs::read_dir(root.join("examples")).unwrap().flatten().map(|entry| entry.path()));
    assert!(files.len() > 2);
    let check = |file: &Path| Command::new(BINARY).arg("check-config").arg(file).output().unwrap();
    for file in &files {
        let output = check(file);
        assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    }
    let mistaken = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(mistaken.path(), "[line]\nceiling_kpbs = 3000\n").unwrap();
    let output = check(mistaken.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean ceiling_kbps?"));

    let home = tempfile::tempdir().unwrap();
    let (main, laid) = (home.path().join("engawa.toml"), home.path().join("installer.toml"));
    std::fs::write(&main, "[box]\nstate_directory = \".\"\n").unwrap();
    std::fs::write(&laid, "[line]\nceiling_kbps = 1000\n").unwrap();
    let output = check(&main);
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && words.contains("installer.toml: valid, and counts over it"), "{words}");
    std::fs::write(&laid, "[box]\nname = \"x\"\n").unwrap();
    let output = check(&main);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("installer.toml:1: box: there is no such section"));
}

#[test]
fn the_demo_shows_a_link_that_moves_both_ways_and_ends_by_itself() {
    let output = at_home().args(["demo", "--seconds", "8"]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}{}", String::from_utf8_lossy(&output.stderr));
    assert!(words.contains("the link was up and moving both ways"), "{words}");
    assert_eq!(
        words.lines().filter(|line| line.contains(" s  box ")).count(),
        16,
        "a line per box and second:\n{words}"
    );
}

#[test]
fn ctrl_c_ends_the_demo_cleanly() {
    let mut command = at_home();
    // A terminal sends SIGINT to the whole group: to the demo and to both boxes.
    command.arg("demo").process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = Guest::spawn(command);
    let (lines, errors) = (demo.lines(), demo.error_lines());
    let until = Instant::now() + LIMIT;
    let moving = |line: &str| line.contains("box b  up") && !line.contains(" 0.0 fps in");
    let sounding = (0..).find(|_| {
        let line = lines.recv_timeout(until.saturating_duration_since(Instant::now()));
        line.is_ok_and(|(_, line)| moving(&line))
    });
    assert!(sounding.is_some(), "the demo moves");
    pause(Duration::from_millis(2500));
    let group = nix::unistd::Pid::from_raw(i32::try_from(demo.pid()).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGINT).unwrap();
    let status = demo.wait(LIMIT).expect("it ends");
    let rest: Vec<String> = lines.iter().chain(errors.iter()).map(|(_, line)| line).collect();
    assert!(status.success(), "{status}: {rest:?}");
    let left = || nix::sys::signal::killpg(group, None::<nix::sys::signal::Signal>).is_err().then_some(());
    assert!(wait_for(LIMIT, left).is_some(), "no box is left behind");
    let directory = std::env::temp_dir().join(format!("engawa-{}", demo.pid()));
    assert!(!directory.exists());
}

#[test]
fn a_demo_without_a_picture_fails_and_says_why() {
    let sound = tempfile::Builder::new().suffix(".wav").tempfile().unwrap();
    std::fs::write(sound.path(), wav(48_000)).unwrap();
    let output = at_home().args(["demo", "--seconds", "4", "--clip"]).arg(sound.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("has no picture that can be played"), "{errors}");
    let output = at_home().args(["demo", "--seconds", "4", "--clip", "/nowhere/clip.mp4"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/clip.mp4"));
}

#[test]
fn the_bench_prints_one_object_with_figures_that_can_be() {
    for more in [&[][..], &["--processes", "--no-kill"]] {
        let words = ["bench", "--seconds", "3", "--size", "320x180", "--fps", "15", "--camera", "test"];
        let output = at_home().args(words).args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object and nothing else");
        assert_eq!((&report["seconds"], &report["fps"], &report["codec"]), (&3.into(), &15.into(), &"h264".into()));
        assert!(between(&report["first_picture_s"], 0.05, 15.0), "{report}");
        for figures in report["boxes"].as_array().unwrap() {
            assert!(between(&figures["fps"], 5.0, 16.5), "{figures}");
            let delay = &figures["delay_ms"];
            assert!(between(&delay["p50"], 0.1, 1000.0) && delay["count"].as_u64() > Some(10), "{figures}");
            assert!(delay["p50"].as_f64() <= delay["p95"].as_f64() && delay["p95"].as_f64() <= delay["p99"].as_f64());
            assert!(between(&figures["bytes_per_second_out"], 1000.0, 400_000.0), "{figures}");
            assert_eq!(figures["seconds_not_up"], 0);
            let counted = !more.is_empty();
            assert_eq!(figures["cpu_cores"].is_number(), counted, "CPU per box counts only in two processes");
            if counted {
                assert!(between(&figures["cpu_cores"], 0.005, 2.0), "{figures}");
                assert!(between(&figures["rss_kib"], 10_000.0, 1_000_000.0), "{figures}");
                let (heap, rss) = (&figures["live_heap_kib"], figures["rss_kib"].as_f64().unwrap());
                assert!(between(heap, 1_000.0, rss), "{figures}");
                assert!(between(&figures["threads"], 5.0, 200.0) && between(&figures["fds"], 10.0, 300.0), "{figures}");
            }
        }
    }
}

#[test]
fn two_boxes_paired_over_the_telephone_show_the_same_words_and_link() {
    let mut pair = unpaired();
    let (mut offering, code, lines) = offer(&pair);
    let answer = answer(&pair, &code);
    assert!(answer.success(), "the code is right");
    assert!(offering.wait(LIMIT).is_some_and(|status| status.success()));
    let offered: Vec<String> = lines.iter().map(|(_, line)| line).collect();
    let words = |end: End| pair.engawa(end, &["identity", "words"], &[]).lines().last().unwrap().trim().to_owned();
    assert_eq!(words(End::A).split(' ').count(), 6);
    assert_eq!(words(End::A), words(End::B));
    assert!(offered.iter().any(|line| line.contains(&words(End::A))), "shown at once: {offered:?}");
    pair.start_both();
    pair.wait_up(LIMIT);
}

#[test]
fn boxes_that_run_unpaired_link_when_they_are_paired_without_a_restart() {
    let mut pair = unpaired();
    pair.start_both();
    for end in End::BOTH {
        pair.wait_status(end, LIMIT, "unpaired", |status| status["link"] == "unpaired");
    }
    pair.carry_keys();
    pair.wait_up(LIMIT);
    pair.all_moves(LIMIT);
    assert!(End::BOTH.into_iter().all(|end| pair.daemon(end).running()));
}

#[test]
fn three_wrong_codes_kill_the_code() {
    let pair = unpaired();
    let (mut offering, code, _lines) = offer(&pair);
    for wrong in 1..=3_u32 {
        let digits: u32 = code.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        let status = answer(&pair, &format!("{:08}", (digits + wrong) % 100_000_000));
        assert_eq!(status.code(), Some(3), "wrong code {wrong}");
    }
    assert_eq!(offering.wait(LIMIT).and_then(|status| status.code()), Some(3), "the code is dead");
    assert!(!answer(&pair, &code).success(), "even the right one comes too late");
    for end in End::BOTH {
        assert!(!pair.state_directory(end).join("peer.key").exists(), "nobody is pinned");
    }
}

/// Two boxes that know their own keys only; B listens, A dials.
fn unpaired() -> Pair<'static> {
    let pair = Pair::prepare(None, &Setup { dialling: Dialling::Only(End::A), ..small() });
    for end in End::BOTH {
        std::fs::remove_file(pair.state_directory(end).join("peer.key")).unwrap();
    }
    pair
}

/// `engawa pair` on B and the code that it shows.
fn offer(pair: &Pair<'_>) -> (Guest, String, Receiver<(Instant, String)>) {
    let mut command = pair.engawa_command(End::B, &["pair"], &[]);
    command.stdout(Stdio::piped());
    let mut offering = Guest::spawn(command);
    let lines = offering.lines();
    let (_, line) = lines.recv_timeout(LIMIT).expect("a code");
    let code = line.split(": ").nth(1).unwrap_or_else(|| panic!("no code in {line}")).to_owned();
    (offering, code, lines)
}

/// `engawa pair --code` on A, the code typed by a person.
fn answer(pair: &Pair<'_>, code: &str) -> std::process::ExitStatus {
    let mut command = pair.engawa_command(End::A, &["pair"], &["--code"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut answering = Guest::spawn(command);
    writeln!(answering.stdin().unwrap(), "{code}").unwrap();
    answering.wait(LIMIT).expect("an answer")
}

/// Where the README's commands are typed: the clip's path starts there.
fn at_home() -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    command
}

fn next_json(lines: &Receiver<(Instant, String)>) -> Value {
    let (_, line) = lines.recv_timeout(LIMIT).expect("a line");
    serde_json::from_str(&line).expect("JSON")
}

fn between(value: &Value, least: f64, most: f64) -> bool {
    value.as_f64().is_some_and(|value| (least..=most).contains(&value))
}

/// A second of silence, PCM (RIFF WAVE: header of 44 bytes).
fn wav(samples: u32) -> Vec<u8> {
    let word = |number: u32| number.to_le_bytes().to_vec();
    let format = [1_u16.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    let sample = [2_u16.to_le_bytes(), 16_u16.to_le_bytes()].concat();
    let length = samples * 2;
    let parts: [Vec<u8>; 12] = [
        b"RIFF".to_vec(),
        word(36 + length),
        b"WAVE".to_vec(),
        b"fmt ".to_vec(),
        word(16),
        format,
        word(48_000),
        word(96_000),
        sample,
        b"data".to_vec(),
        word(length),
        vec![0; length as usize],
    ];
    parts.concat()
}

fn small() -> Setup {
    Setup { size: "320x180".into(), ..Setup::default() }
}

const LIMIT: Duration = Duration::from_secs(20);
