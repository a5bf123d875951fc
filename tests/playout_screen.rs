//! What people see, looked at: screenshots under Xvfb.

#[path = "support/display.rs"]
mod display;
#[path = "support/needs.rs"]
mod needs;
mod playout_support;

use display::{Shot, Xvfb};
use engawa::config::Sink;
use engawa::core::input::Input;
use engawa::core::plan::{MediaPlan, Picture, Screen};
use engawa::core::sentence::Sentence;
use engawa::inbox::Mail;
use engawa::media::screen::ScreenView;
use engawa::model::{Device, Language, Line, VideoCodec};
use playout_support::*;
use std::process::Command;
use std::time::Duration;

/// Runs this test's body in a process of its own that has our display; true in that process.
fn on_own_display(test: &str) -> Option<String> {
    if let Ok(display) = std::env::var("ENGAWA_TEST_DISPLAY") {
        return Some(display);
    }
    let server = Xvfb::start(1280, 720)?;
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture"])
        .env("ENGAWA_TEST_DISPLAY", &server.display)
        .env("DISPLAY", &server.display)
        .env_remove("WAYLAND_DISPLAY")
        .status()
        .expect("runs");
    assert!(status.success());
    None
}

fn show(bench: &Bench, picture: Picture, sentence: Option<Sentence>) {
    let plan = MediaPlan { screen: Screen { picture, sentence, ..Screen::default() }, ..MediaPlan::default() };
    bench.playout.arrange(&plan, VideoCodec::H264);
}

#[test]
fn the_far_picture_fills_the_screen_and_is_grey_with_words_when_it_is_held() {
    let Some(display) = on_own_display("the_far_picture_fills_the_screen_and_is_grey_with_words_when_it_is_held")
    else {
        return;
    };
    let look = || Shot::of(&display);
    let units = pictures(VideoCodec::H264, 30, 1, (640, 360), "pattern=smpte");
    let bench = playout(VideoCodec::H264, Sink::Auto, Sink::None, None);

    show(&bench, Picture::Nothing, Some(Sentence::Connecting));
    assert!(eventually(|| look().bright(200..1080, 230..370) > 500), "the sentence stands in the middle");
    look().keep("nothing.ppm");
    assert!(eventually(|| {
        matches!(
            bench.inbox.take(),
            Some(Mail::Urgent(Input::DeviceChanged { device: Device::Screen, present: true, .. }))
        )
    }));

    show(&bench, Picture::Live, None);
    let live = eventually(|| {
        bench.playout.take_video(session(1), Line::Camera, &units[0], 0);
        let shot = look();
        // Colour bars from the left edge to the right one; the last bar is blue.
        shot.colour(0..160, 40..400) < 30
            && shot.colour(200..360, 40..400) > 120
            && shot.colour(1110..1280, 40..400) > 120
    });
    look().keep("live.ppm");
    assert!(live, "a picture of 640×360 fills 1280×720");

    show(&bench, Picture::Held { since: now().shifted(-42_000_000_000) }, Some(Sentence::FarSilent));
    let held = eventually(|| look().colour(0..1280, 0..360) < 12);
    let shot = look();
    shot.keep("held.ppm");
    assert!(held, "held is grey");
    assert!(shot.bright(200..1080, 400..590) > 500, "the sentence stands at the bottom");
    assert!(shot.colour(0..100, 660..710) > 15, "the microphone's band stands under it in its own colour");
    let words = |shot: &Shot| shot.part(0..1280, 480..600).collect::<Vec<_>>();
    let before = words(&shot);
    assert!(eventually(|| words(&look()) != before), "the age runs with no frames");

    show(&bench, Picture::Live, None);
    bench.playout.take_video(session(1), Line::Camera, &units[1], 0);
    assert!(
        eventually(|| {
            bench.playout.take_video(session(1), Line::Camera, &units[1], 0);
            look().colour(1110..1280, 40..400) > 120
        }),
        "colour is back with the first frame"
    );
    bench.playout.stop();
}

#[test]
fn english_stands_on_the_screen_too() {
    let Some(display) = on_own_display("english_stands_on_the_screen_too") else { return };
    let look = || Shot::of(&display);
    let inbox = engawa::inbox::Inbox::default();
    let view = ScreenView::start(&Sink::Auto, Language::English, clock(), inbox);
    view.show(&Screen {
        picture: Picture::Held { since: now() },
        sentence: Some(Sentence::Intruder),
        ..Screen::default()
    });
    assert!(eventually(|| look().bright(100..1180, 300..590) > 500));
    wait_until(now() + Duration::from_millis(300));
    look().keep("english.ppm");
    view.stop();
}
