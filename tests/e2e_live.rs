//! A PC's screen on the screens of two real daemons: Chromium shares it over WHIP, the clock in it is read on the far screen.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod support;

use engawa::model::VideoCodec;
use live_support::{LIMIT, Pc, age_on, both_are, clock_on, endpoint, now_ms, paints, paints_in, rooms, small};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};
use support::lab::End;
use support::wait_for;

#[test]
fn a_pcs_screen_stands_on_both_screens_and_either_room_ends_it_on_one_session() {
    let (pair, screens) = rooms(&small());
    let before = pair.wait_up(LIMIT);
    let Some(mut pc) = Pc::start(&pair, End::A, "runs") else { return };
    for stopped_by in [End::A, End::B] {
        let pressed = pc.shares();
        let fresh = |screen: &_| age_on(screen).filter(|age| *age < 3000);
        let near = wait_for(LIMIT, || fresh(&screens[0])).map(|_| now_ms() - pressed);
        let far = wait_for(LIMIT, || fresh(&screens[1])).map(|_| now_ms() - pressed);
        println!("pressed → near screen {near:?} ms, far screen {far:?} ms");
        screens[1].photograph("live-far");
        assert!(near.is_some() && far.is_some(), "on both screens: near {near:?}, far {far:?}");
        println!("the PC sends {}", pc.asked("stats"));
        let mut ages: Vec<u64> = (0..60)
            .filter_map(|_| {
                std::thread::sleep(Duration::from_millis(50));
                age_on(&screens[1])
            })
            .collect();
        ages.sort_unstable();
        println!(
            "age on the far screen: p50 {} ms, max {} ms of {}",
            ages[ages.len() / 2],
            ages[ages.len() - 1],
            ages.len()
        );
        assert!(ages[ages.len() / 2] < 2000, "the far screen lives: {ages:?}");
        for end in End::BOTH {
            let status = pair.wait_status(end, LIMIT, "meeting", |status| status["room"]["mode"] == "meeting");
            assert_eq!(
                (&status["microphone"], &status["session"]),
                (&"closed".into(), &before[end as usize]["session"])
            );
        }
        match stopped_by {
            End::A => {
                pc.told("end");
                pc.hears("ended");
            }
            End::B => drop(pair.engawa(End::B, &["share", "--stop-live"], &[])),
        }
        let gone = || screens.iter().all(|screen| clock_on(screen).is_none()).then_some(());
        assert!(wait_for(LIMIT, gone).is_some(), "gone from both screens, stopped by {stopped_by:?}");
        let over = wait_for(LIMIT, || (pc.asked("state")["own"] == false).then_some(()));
        assert!(over.is_some(), "the browser takes the screen no longer");
    }
}

#[test]
fn any_whip_sender_with_a_token_stands_on_both_screens_until_it_ends_or_the_meeting_does() {
    let (pair, screens) = rooms(&small());
    let before = pair.wait_up(LIMIT);
    let obs = endpoint(&pair, End::A, "obs");
    let sender = paints("red");
    let (status, place) = sender.shares_at(&obs);
    assert_eq!(status, 201);
    both_are(&screens, ["red", "red"]);
    assert_eq!(obs.end(&place.unwrap()), 200);
    both_are(&screens, ["else", "else"]);
    let sender = paints_in(VideoCodec::Vp8, "blue");
    assert_eq!(sender.shares_at(&obs).0, 201);
    both_are(&screens, ["blue", "blue"]);
    pair.engawa(End::B, &["mode", "quiet"], &[]);
    both_are(&screens, ["else", "else"]);
    assert_eq!(paints("red").shares_at(&obs).0, 403, "the token died with the meeting");
    for end in End::BOTH {
        let status = pair.status(end).unwrap();
        assert_eq!((&status["session"], &status["microphone"]), (&before[end as usize]["session"], &"closed".into()));
    }
}

#[test]
fn a_sender_that_vanishes_is_taken_from_both_screens_and_they_say_why() {
    let (pair, screens) = rooms(&small());
    pair.wait_up(LIMIT);
    let sender = paints("red");
    assert_eq!(sender.shares_at(&endpoint(&pair, End::B, "obs")).0, 201);
    both_are(&screens, ["red", "red"]);
    sender.vanishes();
    let gone = Instant::now();
    both_are(&screens, ["else", "else"]);
    println!("grey on both screens {:?} after its last word", gone.elapsed());
    assert!(gone.elapsed() < Duration::from_secs(4));
    for end in End::BOTH {
        pair.wait_status(end, LIMIT, "ended", |status| status["room"]["live"].is_null());
    }
    println!("taken from both screens {:?} after its last word", gone.elapsed());
    assert!((3500..9000).contains(&gone.elapsed().as_millis()));
    let log = pair.log(End::B);
    assert!(log.contains("LiveEnded") && log.contains("Vanished"), "{log}");
}

#[test]
fn two_pcs_fight_for_the_share_and_the_holders_room_decides() {
    for (take_over, status, after) in [("allow", 201, "blue"), ("refuse", 403, "red"), ("ask", 201, "red")] {
        let (mut pair, screens) = rooms(&small());
        // Of the room that shares.
        pair.configure(End::A, "share", "take_over", &format!("\"{take_over}\""));
        pair.kill_box(End::A);
        pair.start_box(End::A);
        pair.wait_up(LIMIT);
        let (first, second) = (paints("red"), paints("blue"));
        let [one, two] = ["one", "two"].map(|device| endpoint(&pair, End::A, device));
        assert_eq!(first.shares_at(&one).0, 201);
        both_are(&screens, ["red", "red"]);
        assert_eq!(second.shares_at(&two).0, status, "{take_over}");
        std::thread::sleep(Duration::from_secs(2));
        both_are(&screens, [after, after]);
        if take_over == "ask" {
            first.vanishes();
            both_are(&screens, ["blue", "blue"]);
        }
    }
}

#[test]
fn a_share_goes_on_in_its_own_room_while_the_far_box_is_away_or_behind_its_curtain() {
    let (mut pair, screens) = rooms(&small());
    pair.wait_up(LIMIT);
    let obs = endpoint(&pair, End::A, "obs");
    let sender = paints("green");
    assert_eq!(sender.shares_at(&obs).0, 201);
    both_are(&screens, ["green", "green"]);
    pair.kill_box(End::B);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(live_support::colour_on(&screens[0]), "green", "on the near screen alone");
    pair.start_box(End::B);
    pair.wait_up(LIMIT);
    both_are(&screens, ["green", "green"]);
    pair.engawa(End::B, &["mode", "curtain"], &[]);
    both_are(&screens, ["green", "else"]);
}

#[test]
fn two_hundred_shares_leave_nothing_behind_on_one_session() {
    let (mut pair, screens) = rooms(&small());
    let before = pair.wait_up(LIMIT);
    let obs = endpoint(&pair, End::A, "obs");
    let mut figures = Vec::new();
    for round in 0..200 {
        let sender = paints("red");
        let (status, place) = sender.shares_at(&obs);
        assert_eq!(status, 201, "round {round}");
        if round % 20 == 0 {
            both_are(&screens, ["red", "red"]);
        }
        assert_eq!(obs.end(&place.unwrap()), 200, "round {round}");
        drop(sender);
        if matches!(round, 20 | 100 | 199) {
            std::thread::sleep(Duration::from_secs(2));
            figures.push(End::BOTH.map(|end| Process::of(pair.daemon(end).pid())));
        }
    }
    println!("after 20, 100 and 200 shares: {figures:?}");
    let (early, late) = (&figures[0], &figures[2]);
    for (early, late) in early.iter().zip(late) {
        assert!(late.threads <= early.threads + 1 && late.files <= early.files + 1, "{early:?} → {late:?}");
        assert!(late.rss_kb < early.rss_kb + 12_000, "{early:?} → {late:?}");
    }
    for end in End::BOTH {
        assert_eq!(pair.status(end).unwrap()["session"], before[end as usize]["session"]);
    }
}

#[test]
fn a_port_that_is_taken_at_first_is_opened_as_soon_as_it_can_be() {
    let (mut pair, screens) = rooms(&small());
    pair.kill_box(End::A);
    let holder = UdpSocket::bind((Ipv4Addr::LOCALHOST, pair.ports(End::A).share)).unwrap();
    pair.start_box(End::A);
    pair.wait_up(LIMIT);
    let obs = endpoint(&pair, End::A, "obs");
    assert_eq!(paints("red").shares_at(&obs).0, 503);
    drop(holder);
    let sender = wait_for(LIMIT, || Some(paints("red")).filter(|sender| sender.shares_at(&obs).0 == 201));
    assert!(sender.is_some(), "{}", pair.log(End::A));
    both_are(&screens, ["red", "red"]);
}

/// What a daemon holds.
#[derive(Debug)]
struct Process {
    rss_kb: u64,
    threads: usize,
    files: usize,
}

impl Process {
    fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let count = |what: &str| std::fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
        Self { rss_kb: rss.trim().trim_end_matches(" kB").parse().unwrap(), threads: count("task"), files: count("fd") }
    }
}
