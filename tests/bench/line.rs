//! How soon the link is back: two daemons in two network namespaces, faults made on the path. `cargo bench --bench line` as
//! root, on an idle machine; prints one JSON row per fault. With
//! `-- --long` only the cuts of 60 and 300 s.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its figures and stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::{Carrier, End, Lab, Middle};
use support::wire::Family;
use support::{pause, wait_for};

fn main() {
    let long = std::env::args().any(|argument| argument == "--long");
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    for family in [Family::V4, Family::V6] {
        let setup = Setup { size: "1280x720".into(), fps: 30, family, ..Setup::default() };
        let mut pair = Pair::start(Some(&lab), &setup);
        pair.wait_up(LIMIT);
        pause(Duration::from_secs(4));
        let name = format!("{family:?}");
        if family == Family::V4 {
            let cuts: &[u64] = if long { &[60, 300] } else { &[5, 5, 5] };
            for seconds in cuts {
                show(&cut(&lab, &pair, *seconds));
            }
            if long {
                return;
            }
            for _ in 0..RUNS {
                show(&kill(&mut pair));
                pause(Duration::from_secs(3));
            }
        }
        for _ in 0..RUNS {
            show(&carrier(&lab, &pair, &name));
            pause(Duration::from_secs(3));
        }
        for host in [77, 78, 79] {
            show(&address(&lab, &pair, &name, host));
            pause(Duration::from_secs(3));
        }
    }
}

/// Dropped packets both ways: when the loss was shown, and when the first fresh frame was decoded after the path was back.
fn cut(lab: &Lab, pair: &Pair<'_>, seconds: u64) -> Value {
    let before = session(pair, End::A);
    let begun = now();
    lab.cut();
    let lost = shown_lost(pair, begun, LIMIT);
    pause(Duration::from_secs(seconds).saturating_sub(Duration::from_nanos(now() - begun)));
    lab.heal();
    let healed = now();
    let back = End::BOTH.map(|end| fresh_frame(pair, end, healed));
    json!({"fault": format!("packets dropped for {seconds} s"), "shown_lost_s": lost, "back_s": back,
        "same_session": session(pair, End::A) == before})
}

fn kill(pair: &mut Pair<'_>) -> Value {
    let before = session(pair, End::A);
    let killed = now();
    pair.kill_box(End::B);
    pair.start_box(End::B);
    let back = wait_for(LIMIT, || {
        let status = pair.status(End::A)?;
        let at = status["first_frame_ns"].as_u64().filter(|_| status["session"] != before)?;
        Some(seconds(at, killed))
    });
    let first_picture = wait_for(LIMIT, || Some(seconds(pair.status(End::B)?["first_frame_ns"].as_u64()?, killed)));
    json!({"fault": "far daemon killed and started again", "back_s": back, "first_picture_of_the_new_daemon_s": first_picture})
}

fn carrier(lab: &Lab, pair: &Pair<'_>, family: &str) -> Value {
    let begun = now();
    lab.carrier(End::A, Carrier::Down);
    let lost = shown_lost(pair, begun, LIMIT);
    pause(Duration::from_secs(5));
    lab.carrier(End::A, Carrier::Up);
    let up = now();
    let back = End::BOTH.map(|end| fresh_frame(pair, end, up));
    json!({"fault": format!("carrier lost for 5 s, {family}"), "shown_lost_s": lost, "back_s": back})
}

fn address(lab: &Lab, pair: &Pair<'_>, family: &str, host: u8) -> Value {
    lab.change_address(End::A, host);
    let changed = now();
    let back = End::BOTH.map(|end| fresh_frame(pair, end, changed));
    json!({"fault": format!("own address changed, {family}"), "back_s": back})
}

/// Seconds from `begun` until both ends show the link as lost.
fn shown_lost(pair: &Pair<'_>, begun: u64, limit: Duration) -> [Option<f64>; 2] {
    End::BOTH.map(|end| {
        wait_for(limit, || {
            let status = pair.status(end).filter(|status| status["link"] == "lost")?;
            Some(seconds(status["since_ns"].as_u64()?, begun))
        })
    })
}

/// Seconds from `since` until a frame captured over there after that was decoded here: frames that were still on their way
/// when the fault began do not count, because nothing decoded before `since` does.
fn fresh_frame(pair: &Pair<'_>, end: End, since: u64) -> Option<f64> {
    wait_for(LIMIT, || {
        let status = pair.status(end).filter(|status| status["link"] == "up")?;
        let at = status["last_frame_ns"].as_u64().filter(|at| *at > since)?;
        let first = status["since_ns"].as_u64().filter(|at| *at > since).unwrap_or(at);
        Some(seconds(first, since))
    })
}

fn show(row: &Value) {
    println!("{row}");
}

fn session(pair: &Pair<'_>, end: End) -> Value {
    pair.status(end).map_or(Value::Null, |status| status["session"].clone())
}

fn seconds(at: u64, since: u64) -> f64 {
    (at as f64 - since as f64) / 1e9
}

/// The machine's monotonic clock, the one `status` tells times of, nanoseconds.
fn now() -> u64 {
    u64::try_from(Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_nanos()).unwrap()
}

const LIMIT: Duration = Duration::from_secs(20);
const RUNS: usize = 3;
