//! A live share on a real X screen: in colour while something comes from it, grey with one sentence and its age while nothing does,
//! and the far room beside it in colour all the time. `ENGAWA_SHOTS=directory` keeps what was seen.

#[path = "support/display.rs"]
mod display;
#[path = "support/needs.rs"]
mod needs;

use display::{Shot, Xvfb};
use engawa::config::Sink;
use engawa::core::face::{Face, LiveFace, LiveLine, LiveSilence, MenuPage, Silent};
use engawa::core::plan::{Picture, Screen};
use engawa::core::snapshot::LinkState;
use engawa::inbox::Inbox;
use engawa::media::screen::ScreenView;
use engawa::model::{Language, LiveKind, Mode, Moment, Side, Stance};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::process::Command;

#[test]
fn only_the_share_is_grey_while_nothing_comes_from_it() {
    let Ok(display) = std::env::var("ENGAWA_TEST_DISPLAY") else {
        let Some(server) = Xvfb::start(1920, 1080) else { return };
        let status = Command::new(std::env::current_exe().expect("this test"))
            .args(["only_the_share_is_grey_while_nothing_comes_from_it", "--exact", "--nocapture"])
            .env("ENGAWA_TEST_DISPLAY", &server.display)
            .env("DISPLAY", &server.display)
            .env_remove("WAYLAND_DISPLAY")
            .status()
            .expect("runs");
        assert!(status.success());
        return;
    };
    gst::init().expect("GStreamer starts");
    let (far, share) = (picture(0xff30_60c0, (1280, 720)), picture(0xffd0_7020, (1024, 768)));
    for language in [Language::Japanese, Language::English] {
        let view = ScreenView::start(&Sink::Auto, language, gst::SystemClock::obtain(), Inbox::default());
        let shows = |name: &str, screen: &Screen, grey: bool| {
            view.show(screen);
            let looks = || {
                view.frame(&far);
                view.live(Some(&share));
                pause(60);
                let shot = Shot::of(&display);
                let (left, foot) = (shot.colour(500..560, 120..220), shot.colour(700..900, 535..570));
                (left.max(foot) < 4, left.min(foot) > 60, shot)
            };
            let seen = (0..100).any(|_| {
                let (is_grey, coloured, _) = looks();
                if grey { is_grey } else { coloured }
            });
            let (is_grey, coloured, shot) = looks();
            shot.keep(&format!("{name}-{}.ppm", if language == Language::Japanese { "ja" } else { "en" }));
            assert!(seen && (is_grey, coloured) == (grey, !grey), "{name}: grey {is_grey}, in colour {coloured}");
            shot
        };
        // Where the far room stands in a meeting, and where the words of a silence do.
        let (room, words) = ((1500..1800, 60..200), (300..1200, 380..520));
        for side in [Side::Near, Side::Far] {
            shows("52-live", &sharing(side, None), false);
            for (name, of) in [("53-live-silent", Silent::Source), ("54-live-far-box-silent", Silent::FarBox)] {
                let shot = shows(name, &sharing(side, Some(of)), true);
                assert!(shot.colour(room.0.clone(), room.1.clone()) > 60, "{name}: the far room lives");
                assert!(shot.bright(words.0.clone(), words.1.clone()) > 500, "{name}: and it is said");
            }
            shows("52-live", &sharing(side, None), false);
        }
        let mut curtain = sharing(Side::Near, Some(Silent::Source));
        curtain.picture = Picture::Nothing;
        (curtain.face.mode, curtain.face.near) = (Mode::Curtain, Stance::Curtain);
        shows("55-live-silent-curtain", &curtain, true);
        let mut input = sharing(Side::Far, Some(Silent::Source));
        input.face.live.shown = Some(LiveLine { side: Side::Far, kind: LiveKind::Input, name: String::new() });
        input.face.menu = Some(MenuPage::Live);
        shows("56-live-silent-input-menu", &input, true);
        view.stop();
    }
}

fn sharing(side: Side, silent: Option<Silent>) -> Screen {
    let now = Moment::from_nanos(gst::SystemClock::obtain().time().nseconds());
    let silent = silent.map(|of| LiveSilence { since: now.shifted(-3_100_000_000), of });
    let shown = Some(LiveLine { side, kind: LiveKind::Browser, name: "会議室のPC".into() });
    let live = LiveFace { shown, silent, ..LiveFace::default() };
    let (far_name, mode) = ("市民課".into(), Mode::Meeting);
    let face = Face { far_name, mode, live, link: LinkState::Up, sealed: true, volume: 70, ..Face::default() };
    Screen { picture: Picture::Live, sentence: None, face }
}

/// One frame of a colour, 0xAARRGGBB.
fn picture(colour: u32, (width, height): (u32, u32)) -> gst::Sample {
    let description = format!(
        "videotestsrc num-buffers=1 pattern=solid-color foreground-color={colour} ! video/x-raw,width={width},height={height} ! \
         videoconvert ! video/x-raw,format=I420 ! appsink name=out sync=false"
    );
    let pipeline = gst::parse::launch(&description).expect("a source");
    let out = pipeline.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("out")).expect("named so");
    let out = out.downcast::<gstreamer_app::AppSink>().expect("a sink");
    pipeline.set_state(gst::State::Playing).expect("plays");
    let sample = out.pull_sample().expect("a frame");
    pipeline.set_state(gst::State::Null).expect("ends");
    sample
}

fn pause(millis: u64) {
    let clock = gst::SystemClock::obtain();
    let _ = clock.new_single_shot_id(clock.time() + gst::ClockTime::from_mseconds(millis)).wait();
}
