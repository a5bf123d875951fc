//! Two real daemons and their people, over loopback: modes, microphones, knocks and curtains on one running session, asked
//! from the command line, judged by what comes out of the far box's screen and speaker.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use serde_json::Value;
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::pause;
use support::senses::{BLUE, Colour, Ears, Eyes, GREEN, camera, tone};

#[test]
fn a_meeting_begins_and_ends_on_the_running_session_and_opens_no_microphone() {
    let (pair, eyes, ears) = rooms();
    let before = pair.wait_up(LIMIT);
    for mode in ["talking", "meeting", "quiet", "meeting"] {
        pair.engawa(End::A, &["mode", mode], &[]);
        both_in(&pair, mode);
    }
    pause(Duration::from_secs(1));
    assert_eq!(ears.each_ref().map(Ears::heard_bytes), [0, 0], "no microphone opened by a mode");
    pair.engawa(End::A, &["mic", "open"], &[]);
    ears[1].wait_for_tone(440.0, LIMIT);
    assert_eq!(ears[0].heard_bytes(), 0, "the other room's microphone is its own");
    let shown = |status: &Value| status["microphone"] == "open";
    pair.wait_status(End::A, LIMIT, "the open microphone shown", shown);
    pair.wait_status(End::B, LIMIT, "it is shown there too", |status| status["far_microphone"] == "open");
    pair.engawa(End::B, &["mode", "quiet"], &[]);
    both_in(&pair, "quiet");
    pair.wait_status(End::A, LIMIT, "closed with the talk", |status| status["microphone"] == "closed");
    eyes[1].wait_for_halves([DRAWN_AT_A, BLUE], LIMIT);
    let after = End::BOTH.map(|end| pair.status(end).unwrap());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["session"], after["session"]);
        assert_eq!(after["sessions_opened"], 1);
    }
}

#[test]
fn a_knock_is_heard_and_answered() {
    let (pair, _eyes, ears) = rooms();
    pair.wait_up(LIMIT);
    pair.engawa(End::A, &["knock"], &[]);
    pair.wait_status(End::B, LIMIT, "knocked", |status| status["room"]["knocked"] == true);
    ears[1].wait_for_tone(440.0, LIMIT);
    assert_eq!(pair.status(End::B).unwrap()["microphone"], "closed");
    pair.engawa(End::B, &["answer"], &[]);
    both_in(&pair, "talking");
    ears[0].wait_for_tone(880.0, LIMIT);
    let refused = pair.engawa_command(End::A, &["answer"], &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(7), "{refused:?}");
    assert!(!refused.stderr.is_empty());
}

#[test]
fn behind_a_curtain_nothing_moves_and_only_its_own_room_lifts_it() {
    let (pair, eyes, ears) = rooms();
    let before = pair.wait_up(LIMIT);
    eyes[1].wait_for_halves([DRAWN_AT_A, BLUE], LIMIT);
    pair.engawa(End::A, &["mode", "meeting"], &[]);
    both_in(&pair, "meeting");
    for end in End::BOTH {
        pair.engawa(end, &["mic", "open"], &[]);
    }
    ears[1].wait_for_tone(440.0, LIMIT);
    pair.engawa(End::A, &["mode", "curtain"], &[]);
    both_in(&pair, "curtain");
    for end in End::BOTH {
        let closed = |status: &Value| status["camera"] == "off" && status["microphone"] == "closed";
        pair.wait_status(end, LIMIT, "camera off, microphone closed", closed);
    }
    let still = End::BOTH.map(|end| pair.status(end).unwrap());
    for (end, status) in End::BOTH.into_iter().zip(&still) {
        assert_eq!((&status["camera"], &status["microphone"]), (&"off".into(), &"closed".into()), "{end:?}");
        assert_eq!(status["link"], "up", "a curtain is no fault");
    }
    let heard = ears.each_ref().map(Ears::heard_bytes);
    pause(Duration::from_secs(2));
    for (end, still) in End::BOTH.into_iter().zip(&still) {
        assert_eq!(pair.status(end).unwrap()["last_frame_ns"], still["last_frame_ns"], "a frame through the curtain");
    }
    assert_eq!(ears.each_ref().map(Ears::heard_bytes), heard, "a sound through the curtain");
    for words in [["mode", "quiet"], ["mode", "meeting"], ["mic", "open"]] {
        let refused = pair.engawa_command(End::B, &words, &[]).output().unwrap();
        assert_eq!(refused.status.code(), Some(7), "{words:?}: {refused:?}");
    }
    pair.engawa(End::A, &["mode", "quiet"], &[]);
    both_in(&pair, "quiet");
    eyes[0].wait_for_halves([DRAWN_AT_B, GREEN], LIMIT);
    eyes[1].wait_for_halves([DRAWN_AT_A, BLUE], LIMIT);
    let after = End::BOTH.map(|end| pair.status(end).unwrap());
    assert!(before.iter().zip(&after).all(|(before, after)| before["session"] == after["session"]));
}

#[test]
fn a_killed_box_comes_back_no_less_private_in_every_mode() {
    let (mut pair, eyes, ears) = rooms();
    pair.wait_up(LIMIT);
    for mode in ["curtain", "asleep", "meeting", "talking", "quiet"] {
        for end in End::BOTH {
            pair.engawa(End::A, &["mode", "quiet"], &[]);
            both_in(&pair, "quiet");
            pair.wait_up(LIMIT);
            if !matches!(mode, "quiet") {
                pair.engawa(End::A, &["mode", mode], &[]);
                both_in(&pair, mode);
            }
            let shut = matches!(mode, "curtain" | "asleep");
            if !shut && mode != "quiet" {
                pair.engawa(end, &["mic", "open"], &[]);
                pair.wait_status(end, LIMIT, "open", |status| status["microphone"] == "open");
            }
            let near = if shut && end == End::A { mode } else { "present" };
            wait_until_kept(&pair, end, near);
            pair.kill_box(end);
            pause(Duration::from_millis(300));
            let heard = ears[end.other() as usize].heard_bytes();
            let seen = pair.status(end.other()).unwrap()["last_frame_ns"].clone();
            pair.start_box(end);
            both_in(&pair, mode);
            let linked = |status: &Value| status["link"] == "up" && !status["session"].is_null();
            pair.wait_status(end, LIMIT, "linked again", |status| linked(status) || shut && status["trunk"] == true);
            pause(Duration::from_secs(2));
            let status = pair.status(end).unwrap();
            assert_eq!(status["microphone"], "closed", "{mode}, {end:?}");
            assert_eq!(ears[end.other() as usize].heard_bytes(), heard, "{mode}, {end:?}: a sound after the restart");
            if shut {
                assert_eq!(status["camera"], "off", "{mode}, {end:?}");
                let now = pair.status(end.other()).unwrap()["last_frame_ns"].clone();
                assert_eq!(now, seen, "{mode}, {end:?}: a frame after the restart");
            }
        }
    }
    pair.engawa(End::A, &["mode", "quiet"], &[]);
    pair.wait_up(LIMIT);
    eyes[1].wait_for_halves([DRAWN_AT_A, BLUE], LIMIT);
}

#[test]
fn what_a_box_forgot_is_the_most_private() {
    let (mut pair, _eyes, _ears) = rooms();
    pair.wait_up(LIMIT);
    pair.engawa(End::A, &["mode", "meeting"], &[]);
    both_in(&pair, "meeting");
    pair.kill_box(End::A);
    let memory = pair.state_directory(End::A).join("room");
    std::fs::write(&memory, "{ not what it wrote").unwrap();
    pair.start_box(End::A);
    both_in(&pair, "curtain");
    let files = std::fs::read_dir(pair.state_directory(End::A)).unwrap().flatten();
    let names: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let kept = names.iter().filter(|name| name.starts_with("room.unreadable")).count();
    assert!(kept >= 1, "it is set aside, not deleted: {names:?}");
}

#[test]
fn the_ledger_says_when_camera_and_microphone_were_on() {
    let (pair, _eyes, _ears) = rooms();
    pair.wait_up(LIMIT);
    pair.engawa(End::A, &["mic", "open"], &[]);
    pair.wait_status(End::A, LIMIT, "open", |status| status["microphone"] == "open");
    pair.engawa(End::A, &["mode", "curtain"], &[]);
    pair.wait_status(End::A, LIMIT, "off", |status| status["camera"] == "off");
    let told = support::wait_for(LIMIT, || {
        let text = pair.engawa(End::A, &["ledger"], &[]);
        let order = ["Camera", "Microphone", "curtain"].map(|word| text.find(word));
        order.iter().all(Option::is_some).then_some(text)
    });
    assert!(told.is_some(), "{}", pair.engawa(End::A, &["ledger"], &[]));
    let checked = pair.engawa(End::A, &["ledger", "--verify"], &[]);
    assert!(checked.contains("are unbroken"), "beside the daemon: {checked}");
}

#[test]
fn a_meeting_has_a_picture_profile_of_its_own_and_a_restart_keeps_view_and_volume() {
    let setup = Setup { size: "640x360".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    pair.configure(End::A, "camera", "views", "\"room=all; desk=crop:25,25,50,50\"");
    pair.configure(End::A, "camera", "fps", "30");
    pair.configure(End::A, "room", "fps", "10");
    pair.configure(End::A, "room", "kbps", "200");
    pair.configure(End::A, "meeting", "kbps", "1200");
    pair.start_both();
    let before = pair.wait_up(LIMIT);
    let picture = |low: f64, high: f64| {
        move |status: &Value| status["picture_in"]["fps"].as_f64().is_some_and(|fps| (low..high).contains(&fps))
    };
    let line = |pair: &Pair<'_>| {
        pause(Duration::from_secs(2));
        let seconds = (0..5).map(|_| {
            pause(Duration::from_secs(1));
            pair.status(End::A).unwrap()["kbps_out"].as_f64().unwrap()
        });
        seconds.sum::<f64>() / 5.0
    };
    pair.wait_status(End::B, LIMIT, "ten frames", picture(9.0, 11.5));
    let everyday = line(&pair);
    pair.engawa(End::B, &["mode", "meeting"], &[]);
    pair.wait_status(End::B, LIMIT, "all frames", picture(27.0, 32.0));
    let meeting = line(&pair);
    assert!((140.0..=260.0).contains(&everyday) && (700.0..1400.0).contains(&meeting), "{everyday} {meeting}");
    pair.engawa(End::B, &["mode", "quiet"], &[]);
    let status = pair.wait_status(End::B, LIMIT, "ten frames again", picture(9.0, 11.5));
    assert_eq!((&status["session"], &status["sessions_opened"]), (&before[1]["session"], &1.into()));
    pair.engawa(End::A, &["view", "desk"], &[]);
    pair.engawa(End::A, &["volume", "40"], &[]);
    pair.wait_status(End::A, LIMIT, "set", |status| status["room"]["volume"] == 40);
    pause(Duration::from_secs(1));
    pair.kill_box(End::A);
    pair.start_box(End::A);
    let back = pair.wait_status(End::A, LIMIT, "back", |status| status["link"] == "up");
    assert_eq!((&back["room"]["volume"], &back["room"]["view"]), (&40.into(), &1.into()));
}

#[test]
fn whoever_teaches_a_view_hears_what_became_of_it() {
    let setup = Setup { microphone: "closed".into(), ..Setup::default() };
    let pair = Pair::prepare(None, &setup);
    let views = "\"room=all; desk=crop:25,25,50,50; table=camera:test\"";
    pair.configure(End::A, "camera", "views", views);
    pair.configure(End::B, "camera", "views", "\"room=all\"");
    pair.configure(End::A, "camera", "source", "\"gst:videotestsrc is-live=true pattern=smpte\"");
    pair.configure(End::B, "camera", "source", "\"gst:videotestsrc is-live=true pattern=blue\"");
    let mut pair = pair;
    pair.start_both();
    pair.wait_up(LIMIT);
    let teach = |end, view: &str| {
        let output = pair.engawa_command(end, &["teach", view], &[]).output().unwrap();
        let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), words)
    };
    let (code, words) = teach(End::B, "room");
    assert!(code == Some(7) && words.contains("“room” was not learnt"), "nothing to see: {words}");
    let (code, words) = teach(End::A, "room");
    assert!(code == Some(0) && words.contains("“room” is learnt"), "{words}");
    let (code, words) = teach(End::A, "desk");
    assert!(code == Some(7) && words.contains("looks just like “room”"), "{words}");
    let (code, words) = teach(End::A, "table");
    assert!(code == Some(7) && words.contains("Another camera"), "{words}");
}

fn both_in(pair: &Pair<'_>, mode: &str) {
    for end in End::BOTH {
        pair.wait_status(end, LIMIT, mode, |status| status["room"]["mode"] == mode && status["trunk"] == true);
    }
}

/// What this room last said of itself is on its disk. Killed earlier it comes back with the curtain drawn (`system_memory`).
fn wait_until_kept(pair: &Pair<'_>, end: End, near: &str) {
    let directory = pair.state_directory(end);
    let kept = || {
        let room: Value = serde_json::from_slice(&std::fs::read(directory.join("room")).ok()?).ok()?;
        (room["near"] == near && !directory.join("room.shut").exists()).then_some(())
    };
    assert!(support::wait_for(LIMIT, kept).is_some(), "{near} is not kept by {end:?}");
}

/// Two rooms with their own colours and tones and closed microphones, somebody's eyes and ears in each.
fn rooms() -> (Pair<'static>, [Eyes; 2], [Ears; 2]) {
    let setup = Setup { size: "320x180".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let text = |value: String| toml::Value::from(value).to_string();
    for (end, colour, right, hertz) in [(End::A, DRAWN_AT_A, "blue", 440), (End::B, DRAWN_AT_B, "green", 880)] {
        pair.configure(end, "camera", "source", &text(camera(colour, right)));
        pair.configure(end, "sound", "source", &text(tone(hertz)));
    }
    let eyes = End::BOTH.map(|end| Eyes::open(&pair, end));
    let ears = End::BOTH.map(|end| Ears::open(&pair, end));
    pair.start_both();
    (pair, eyes, ears)
}

const DRAWN_AT_A: Colour = [200, 60, 90];
const DRAWN_AT_B: Colour = [70, 120, 210];
const LIMIT: Duration = Duration::from_secs(20);
