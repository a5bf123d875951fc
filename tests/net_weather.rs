//! Bad lines that stay up: loss, a narrow line, a long and restless one. Picture may soften, the link stays, the voice is
//! understood. What was seen is printed (`measured: …`).

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::lab::{End, Lab, Middle};
use support::pause;
use support::recovery::measured;
use support::router::{Router, Weather};
use support::watch::{Watched, least, mean};

#[test]
fn five_percent_loss_softens_the_picture_and_keeps_the_link_and_the_voice() {
    random_loss(5.0);
}

#[test]
fn ten_percent_loss_softens_the_picture_and_keeps_the_link_and_the_voice() {
    random_loss(10.0);
}

#[test]
fn a_line_of_1_mbit_carries_a_ceiling_of_900_kbit() {
    narrow_line(900);
}

#[test]
#[ignore = "nothing makes the camera follow the estimate yet: no picture at all, and new sessions do not help"]
fn a_line_of_1_mbit_carries_a_link_that_was_promised_3_mbit() {
    narrow_line(3000);
}

/// 150 ms ± 100 ms each way, packets overtaken and doubled: the first dial already has to be patient.
#[test]
fn a_long_restless_line_carries_picture_and_sound() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let router = Router::start(&lab, SEED);
    let weather = Weather { duplicate: 0.02, reorder: 0.02, delay: ms(50), jitter: ms(200), loss: 0.0 };
    router.set(weather);
    let pair = Pair::start(Some(&lab), &setup(3000));
    pair.wait_up(PATIENT);
    pair.all_moves(PATIENT);
    for watched in pair.watch("150 ms ± 100 ms, 2 % overtaken, 2 % doubled", A_WHILE) {
        assert!(watched.stayed_up() && watched.sessions == 0, "{watched:?}");
        moves(&watched);
    }
    for end in End::BOTH {
        let tally = router.tally(end);
        assert!(tally.duplicated > 0 && tally.reordered > 0 && tally.overflowed == 0, "{tally:?}");
    }
}

fn random_loss(percent: f64) {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let pair = Pair::start(Some(&lab), &setup(3000));
    pair.wait_up(PATIENT);
    pair.all_moves(PATIENT);
    lab.loss(percent);
    // Until every second that is told about is one of these.
    pause(Duration::from_secs(3));
    for watched in pair.watch(&format!("{percent} % loss"), A_WHILE) {
        assert!(watched.stayed_up() && watched.sessions == 0, "{watched:?}");
        assert!(mean(&watched.concealed) < 0.15, "{watched:?}");
        moves(&watched);
    }
}

fn narrow_line(ceiling_kbps: u32) {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let pair = Pair::start(Some(&lab), &setup(ceiling_kbps));
    pair.wait_up(PATIENT);
    pair.all_moves(PATIENT);
    lab.rate(1000);
    pause(Duration::from_secs(3));
    let watched = pair.watch(&format!("1 Mbit/s with a ceiling of {ceiling_kbps}"), A_WHILE);
    for watched in &watched {
        assert!(watched.stayed_up() && watched.sessions == 0, "{watched:?}");
        moves(watched);
    }
    lab.full_rate();
    pair.all_moves(PATIENT);
    measured("after the narrow line", "moves again");
}

/// The picture moves in every second, and sound is played.
fn moves(watched: &Watched) {
    assert!(least(&watched.fps) >= 2.0 && mean(&watched.fps) > 8.0, "the picture moves: {watched:?}");
    assert!(mean(&watched.played_dbfs) > -60.0, "the sound is played: {watched:?}");
    assert!(mean(&watched.concealed) < 0.25, "the sound is there: {watched:?}");
}

/// A moving picture that fills its bit rate, small enough for a shared machine.
fn setup(ceiling_kbps: u32) -> Setup {
    Setup { ceiling_kbps, ..Setup::default() }
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const SEED: u64 = 150_100;
const A_WHILE: Duration = Duration::from_secs(15);
const PATIENT: Duration = Duration::from_secs(30);
