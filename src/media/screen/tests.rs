//! The screen on a display without a device: what comes out at its end.

use super::*;
use crate::core::sentence::Sentence;
use std::sync::Once;

/// Blue, green and red of the middle of the upper left quarter: no words stand there.
fn colour(buffer: &gst::BufferRef) -> [u8; 3] {
    let map = buffer.map_readable().unwrap();
    let at = (100 * 1280 + 200) * 4;
    [map[at], map[at + 1], map[at + 2]]
}

fn is_grey([blue, green, red]: [u8; 3]) -> bool {
    blue == green && green == red
}

fn eventually(done: impl Fn() -> bool) -> bool {
    let clock = gst::SystemClock::obtain();
    (0..500).any(|_| {
        let _ = clock.new_single_shot_id(clock.time() + gst::ClockTime::from_mseconds(10)).wait();
        done()
    })
}

fn start() -> ScreenView {
    gst::init().unwrap();
    let sink = Sink::Gst("video/x-raw,format=BGRx ! fakesink name=eye async=false".into());
    ScreenView::start(&sink, Language::English, gst::SystemClock::obtain(), Inbox::default())
}

/// What comes out at a display's end.
fn watch(open: &Open, mut seen: impl FnMut(&gst::BufferRef) + Send + Sync + 'static) {
    let eye = open.element("eye").unwrap().static_pad("sink").unwrap();
    let seen = Mutex::new(move |buffer: &gst::BufferRef| seen(buffer));
    eye.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer() {
            lock(&seen)(buffer);
        }
        gst::PadProbeReturn::Ok
    });
}

fn held() -> Screen {
    let picture = Picture::Held { since: Moment::default() };
    Screen { picture, sentence: Some(Sentence::FarSilent), ..Screen::default() }
}

fn live() -> Screen {
    Screen { picture: Picture::Live, ..Screen::default() }
}

#[test]
fn a_display_that_opens_while_another_is_dressed_shows_nothing_ungreyed() {
    let view = start();
    let shared = view.0.clone().unwrap();
    assert!(eventually(|| shared.current().is_some()));
    let first = shared.current().unwrap();
    let first_eye = first.element("eye").unwrap();
    view.frame(&background()); // the last one of the far room; it has a little colour

    // While the first display shows the held picture it breaks, and the next one opens.
    let (seen, breaks) = (Arc::new(Mutex::new(Vec::new())), Once::new());
    let (sees, looked_up, eye) = (seen.clone(), Arc::downgrade(&shared), first_eye.clone());
    watch(&first, move |buffer| {
        if !is_grey(colour(buffer)) {
            return;
        }
        breaks.call_once(|| {
            gst::element_error!(eye, gst::CoreError::Failed, ["the display is gone"]);
            let (looked_up, sees, eye) = (looked_up.clone(), sees.clone(), eye.clone());
            spawn("watcher", move || {
                let shared = looked_up.upgrade().unwrap();
                let next = || shared.current().filter(|open| open.element("eye").as_ref() != Some(&eye));
                assert!(eventually(|| next().is_some()), "no other display opened");
                watch(&next().unwrap(), move |buffer| lock(&sees).push(colour(buffer)));
            });
        });
    });
    view.show(&held());
    assert!(eventually(|| lock(&seen).len() >= 2), "the new display is drawn on: {:?}", lock(&seen));
    view.stop();
    assert!(lock(&seen).iter().all(|colour| is_grey(*colour)), "{:?}", lock(&seen));
}

#[test]
fn a_live_picture_passes_in_colour_one_for_one_and_nothing_is_drawn_for_it() {
    let view = start();
    let shared = view.0.clone().unwrap();
    assert!(eventually(|| shared.current().is_some()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = seen.clone();
    watch(&shared.current().unwrap(), move |buffer| lock(&sees).push(colour(buffer)));
    view.show(&live());
    let pass = |view: &ScreenView| {
        let before = lock(&seen).len();
        view.frame(&background());
        assert!(eventually(|| lock(&seen).len() > before), "a frame stayed inside");
    };
    pass(&view);
    assert!(eventually(|| view.figures().drawn > 0));
    (0..3).for_each(|_| pass(&view));
    lock(&seen).clear();
    let before = view.figures();
    (0..100).for_each(|_| pass(&view));
    let after = view.figures();
    assert_eq!(after.drawn, before.drawn, "overlays are drawn on change only");
    assert_eq!(after.composed - before.composed, lock(&seen).len() as u64);
    assert!(lock(&seen).iter().all(|colour| !is_grey(*colour)), "{:?}", lock(&seen)[0]);

    let mut screen = live();
    screen.face.far_name = "Library".into();
    view.show(&screen);
    assert!(eventually(|| view.figures().drawn == after.drawn + 1), "{:?}", view.figures());
    view.stop();
}

#[test]
fn the_own_picture_stands_in_its_place_only_while_it_is_wanted_and_new() {
    let view = start();
    let shared = view.0.clone().unwrap();
    assert!(eventually(|| shared.current().is_some()));
    // In the own picture's place, upper right.
    let seen = Arc::new(Mutex::new([0_u8; 3]));
    let sees = seen.clone();
    watch(&shared.current().unwrap(), move |buffer| {
        let map = buffer.map_readable().unwrap();
        let at = (60 * 1280 + 1100) * 4;
        *lock(&sees) = [map[at], map[at + 1], map[at + 2]];
    });
    let white = {
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Gray8, 64, 36);
        let info = info.fps(gst::Fraction::new(25, 1)).build().unwrap();
        let buffer = gst::Buffer::from_slice(vec![255; info.size()]);
        gst::Sample::builder().buffer(&buffer).caps(&info.to_caps().unwrap()).build()
    };
    let is_white = || lock(&seen).iter().all(|part| *part > 240);
    view.own(&white);
    view.show(&live());
    view.frame(&background());
    assert!(eventually(|| lock(&seen)[0] > 0));
    assert!(!is_white(), "nobody asked for it");
    let mut screen = live();
    screen.face.own_picture = true;
    view.show(&screen);
    let shown = eventually(|| {
        view.own(&white);
        view.frame(&background());
        is_white()
    });
    assert!(shown, "{:?}", lock(&seen));
    let gone = eventually(|| {
        view.frame(&background());
        !is_white()
    });
    assert!(gone, "an old picture of this room looks live");
    view.stop();
}
