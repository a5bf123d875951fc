//! What people in the room see, looked at on a real X screen, with two real daemons behind it.
//! `ENGAWA_SHOTS=directory` keeps the screenshots.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use std::time::Duration;
use support::boxes::{Pair, Setup};
use support::display::{Shot, Xvfb};
use support::lab::End;
use support::senses::{Colour, GREEN, camera};
use support::{pause, wait_for};

#[test]
fn the_far_room_fills_the_screen_and_turns_grey_with_a_sentence_when_it_is_gone() {
    for language in ["ja", "en"] {
        let Some((mut pair, screen)) = room_with_a_screen(language) else { return };
        pair.start_box(End::A);
        screen.wait("words in the middle while nobody is there", |shot| shot.bright(200..1080, 230..370) > 400);
        screen.keep(&format!("connecting-{language}"));

        pair.start_box(End::B);
        pair.wait_up(LIMIT);
        let live = |shot: &Shot| is_near(left(shot), DRAWN) && is_near(right(shot), GREEN) && reaches_the_corners(shot);
        screen.wait("the far picture from corner to corner", live);
        screen.wait("no words over a live picture", |shot| live(shot) && shot.bright(PICTURE.0, PICTURE.1) == 0);
        let band = screen.shot().mean(1200..1270, 690..710);
        assert!(is_near(band, OPEN), "the microphone's band says in its colour that it is open: {band:?}");
        screen.keep(&format!("live-{language}"));

        pair.kill_box(End::B);
        let held = |shot: &Shot| shot.colour(0..1280, 0..320) < 12 && shot.bright(200..1080, 350..575) > 400;
        screen.wait("a grey picture with a sentence", held);
        screen.keep(&format!("lost-{language}"));
        let shot = screen.shot();
        // Above the words: they are as bright as the difference of the two sides.
        let [left, right] = [200..500, 780..1080].map(|across| shot.mean(across, 100..320));
        assert!(left[0].abs_diff(right[0]) > 8, "the last picture can still be recognised: {left:?} beside {right:?}");
        let words = |shot: &Shot| shot.part(0..1280, 430..575).collect::<Vec<_>>();
        screen.wait("the clock runs", |later| words(later) != words(&shot));

        pair.start_box(End::B);
        pair.wait_up(LIMIT);
        screen.wait("colour again, and no words", |shot| live(shot) && shot.bright(PICTURE.0, PICTURE.1) == 0);
    }
}

#[test]
fn a_box_that_is_switched_off_leaves_a_sentence_of_its_own() {
    for language in ["ja", "en"] {
        let Some((mut pair, screen)) = room_with_a_screen(language) else { return };
        pair.start_both();
        pair.wait_up(LIMIT);
        screen.wait("the far picture", |shot| is_near(left(shot), DRAWN));
        pair.daemon(End::B).terminate();
        let held = |shot: &Shot| shot.colour(0..1280, 0..320) < 12 && shot.bright(200..1080, 350..575) > 400;
        screen.wait("a grey picture with a sentence", held);
        screen.keep(&format!("going-down-{language}"));
    }
}

#[test]
fn a_far_room_without_a_camera_says_so_under_its_placeholder() {
    for language in ["ja", "en"] {
        let Some((mut pair, screen)) = room_with_a_screen(language) else { return };
        pair.configure(End::B, "camera", "source", "\"v4l2:nothing\"");
        pair.start_both();
        pair.wait_up(LIMIT);
        pair.wait_status(End::A, LIMIT, "a placeholder", |status| status["far_camera"] == "placeholder");
        screen.wait("a sentence at the bottom", |shot| shot.bright(200..1080, 430..575) > 400);
        screen.keep(&format!("far-camera-missing-{language}"));
    }
}

#[test]
fn a_box_that_is_not_paired_yet_says_so_on_its_screen() {
    for language in ["ja", "en"] {
        let Some((mut pair, screen)) = room_with_a_screen(language) else { return };
        std::fs::remove_file(pair.state_directory(End::A).join("peer.key")).unwrap();
        pair.start_box(End::A);
        screen.wait("words in the middle", |shot| shot.bright(200..1080, 230..370) > 400);
        screen.keep(&format!("unpaired-{language}"));
        assert_eq!(pair.status(End::A).unwrap()["link"], "unpaired");
    }
}

/// An X screen with nothing but box A's picture on it.
struct Screen(Xvfb);

impl Screen {
    fn shot(&self) -> Shot {
        Shot::of(&self.0.display)
    }

    fn wait(&self, what: &str, seen: impl Fn(&Shot) -> bool) {
        let found = wait_for(LIMIT, || {
            pause(Duration::from_millis(50));
            seen(&self.shot()).then_some(())
        });
        if found.is_none() {
            self.keep("failed");
            panic!("not seen: {what}; left {:?}, right {:?}", left(&self.shot()), right(&self.shot()));
        }
    }

    fn keep(&self, name: &str) {
        // What is drawn now may be half of a second ago.
        pause(Duration::from_millis(200));
        self.shot().keep(&format!("{name}.ppm"));
    }
}

/// Box A on a screen of its own; box B draws two colours.
fn room_with_a_screen(language: &str) -> Option<(Pair<'static>, Screen)> {
    let server = Xvfb::start(1280, 720)?;
    let environment = vec![("DISPLAY".into(), server.display.clone()), ("WAYLAND_DISPLAY".into(), String::new())];
    let pair = Pair::prepare(None, &Setup { size: "320x180".into(), environment, ..Setup::default() });
    pair.configure(End::A, "screen", "sink", "\"auto\"");
    pair.configure(End::A, "box", "language", &format!("\"{language}\""));
    pair.configure(End::B, "camera", "source", &toml::Value::from(camera(DRAWN, "green")).to_string());
    Some((pair, Screen(server)))
}

fn left(shot: &Shot) -> Colour {
    shot.mean(200..500, 100..450)
}

fn right(shot: &Shot) -> Colour {
    shot.mean(780..1080, 100..450)
}

fn reaches_the_corners(shot: &Shot) -> bool {
    [(0, 0), (0, 550)].iter().all(|(x, y)| is_near(shot.mean(*x..x + 20, *y..y + 20), DRAWN))
        && [(1260, 0), (1260, 550)].iter().all(|(x, y)| is_near(shot.mean(*x..x + 20, *y..y + 20), GREEN))
}

fn is_near(seen: Colour, drawn: Colour) -> bool {
    (0..3).all(|channel| seen[channel].abs_diff(drawn[channel]) <= TOLERANCE)
}

const DRAWN: Colour = [200, 60, 90];
const TOLERANCE: u8 = 16;
/// Where nothing stands over a live picture: above the board.
const PICTURE: (std::ops::Range<usize>, std::ops::Range<usize>) = (0..1280, 0..570);
/// The band of an open microphone: these boxes are configured so.
const OPEN: Colour = [0xC8, 0x45, 0x10];
const LIMIT: Duration = Duration::from_secs(20);
