//! Every state of the kiosk screen, drawn on a real X screen. `ENGAWA_SHOTS=directory` keeps them to be looked at;
//! `ENGAWA_FAR=description` puts another picture behind them than a drawn room.

#[path = "support/display.rs"]
mod display;
#[path = "support/needs.rs"]
mod needs;

use display::{Shot, Xvfb};
use engawa::config::Sink;
use engawa::core::face::{Banner, Face, LiveLine, MenuPage, PageFace, PageState, PollFace, RaisedHand, Slips};
use engawa::core::floor::Poll;
use engawa::core::memory::Drawn;
use engawa::core::notes::{Note, Paper};
use engawa::core::plan::{Picture, Screen};
use engawa::core::request::Denied;
use engawa::core::sentence::Sentence;
use engawa::core::share::{Look, Refusal, Stamp};
use engawa::core::snapshot::LinkState;
use engawa::inbox::Inbox;
use engawa::media::face::FaceConstants;
use engawa::media::page::PagePicture;
use engawa::media::screen::ScreenView;
use engawa::model::{DocumentId, Language, LiveEnd, LiveKind, MicState, Mode, Moment, Role, Side, Stance, Veil};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::process::Command;
use std::sync::Arc;

#[test]
fn every_state_tells_the_microphone_across_the_whole_width() {
    let Ok(display) = std::env::var("ENGAWA_TEST_DISPLAY") else {
        let Some(server) = Xvfb::start(1920, 1080) else { return };
        let status = Command::new(std::env::current_exe().expect("this test"))
            .args(["every_state_tells_the_microphone_across_the_whole_width", "--exact", "--nocapture"])
            .env("ENGAWA_TEST_DISPLAY", &server.display)
            .env("DISPLAY", &server.display)
            .env_remove("WAYLAND_DISPLAY")
            .status()
            .expect("runs");
        assert!(status.success());
        return;
    };
    gst::init().expect("GStreamer starts");
    let far = picture(&std::env::var("ENGAWA_FAR").unwrap_or_else(|_| {
        "videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xff8090a0 ! video/x-raw,width=1280,height=720"
            .into()
    }));
    let own = picture("videotestsrc num-buffers=1 pattern=smpte ! video/x-raw,width=640,height=360");
    for language in [Language::Japanese, Language::English] {
        let view = ScreenView::start(&Sink::Auto, language, gst::SystemClock::obtain(), Inbox::default());
        let fingerprint = (0..32).map(|byte: u8| format!("{:02X}", byte.wrapping_mul(41)));
        view.introduce(FaceConstants {
            words: "higashi kumo sakana yuki midori tokei".into(),
            panel_url: "https://192.0.2.10/".into(),
            panel_fingerprint: fingerprint.collect::<Vec<_>>().join(":"),
            ..FaceConstants::default()
        });
        for (name, screen) in states(language) {
            view.show(&screen);
            view.page(screen.face.page.as_ref().and_then(|page| sheet(&view, page.id)));
            let looks = || {
                view.frame(&far);
                view.own(&own);
                pause(60);
                let shot = Shot::of(&display);
                let band = [40, 960, 1880].map(|x| shot.mean(x - 6..x + 6, 1064..1074));
                (band, shot)
            };
            let wanted = band(&screen.face);
            // Twice: the second one was drawn after the state was certainly shown.
            let seen = (0..100).any(|_| looks().0.iter().all(|seen| near(*seen, wanted)));
            let (band, shot) = looks();
            shot.keep(&format!("{name}-{}.ppm", if language == Language::Japanese { "ja" } else { "en" }));
            assert!(seen, "{name}: the band is {band:?}, not {wanted:?}");
        }
        view.stop();
    }
}

/// What the band is made of.
fn band(face: &Face) -> [u8; 3] {
    match (face.near, face.microphone, face.microphone_wanted) {
        (Stance::Asleep, _, _) => [0, 0, 0],
        (_, MicState::Open, _) => [0xC8, 0x45, 0x10],
        (_, MicState::LevelsOnly, _) => [0x3A, 0x4A, 0x56],
        (_, MicState::Closed, true) => [0xF5, 0xBC, 0x4A],
        (_, MicState::Closed, false) => [0x26, 0x34, 0x3F],
    }
}

fn near(seen: [u8; 3], wanted: [u8; 3]) -> bool {
    (0..3).all(|part| seen[part].abs_diff(wanted[part]) <= 3)
}

fn states(language: Language) -> Vec<(&'static str, Screen)> {
    let name = match language {
        Language::Japanese => "市民課",
        Language::English => "Civil Affairs",
    };
    let quiet = || Face { far_name: name.into(), link: LinkState::Up, sealed: true, volume: 70, ..Face::default() };
    let live = |face| Screen { picture: Picture::Live, sentence: None, face };
    let with = |change: fn(&mut Face)| {
        let mut face = quiet();
        change(&mut face);
        live(face)
    };
    let lost = |mode| Screen {
        picture: Picture::Held { since: ago(42) },
        sentence: Some(Sentence::FarSilent),
        face: Face { link: LinkState::Lost, sealed: false, mode, ..quiet() },
    };
    let shut = |mode, near, far| Screen {
        picture: Picture::Nothing,
        sentence: None,
        face: Face { mode, near, far, ..quiet() },
    };
    let nothing = |sentence, link| Screen {
        picture: Picture::Nothing,
        sentence: Some(sentence),
        face: Face { link, ..Face::default() },
    };
    vec![
        ("01-unpaired", nothing(Sentence::NotPaired, LinkState::Unpaired)),
        ("02-connecting", nothing(Sentence::Connecting, LinkState::Connecting)),
        ("03-quiet", live(quiet())),
        ("04-quiet-own", with(|face| face.own_picture = true)),
        ("05-knocked", with(|face| face.banner = Some(Banner::Knocked))),
        (
            "06-knocking",
            with(|face| {
                face.banner = Some(Banner::Knocking);
                (face.microphone, face.microphone_wanted) = (MicState::Open, true);
            }),
        ),
        (
            "07-talking",
            with(|face| {
                face.mode = Mode::Talking;
                (face.microphone, face.microphone_wanted) = (MicState::Open, true);
                face.far_microphone = MicState::Open;
            }),
        ),
        (
            "08-talking-opening",
            with(|face| {
                face.mode = Mode::Talking;
                face.microphone_wanted = true;
                face.far_microphone = MicState::Open;
            }),
        ),
        ("09-talking-closed", with(|face| (face.mode, face.far_microphone) = (Mode::Talking, MicState::Open))),
        ("10-levels", with(|face| face.microphone = MicState::LevelsOnly)),
        (
            "11-meeting",
            with(|face| {
                face.mode = Mode::Meeting;
                face.meeting_since = Some(ago(72 * 60));
                (face.microphone, face.microphone_wanted) = (MicState::Open, true);
                face.far_microphone = MicState::Open;
                face.far_view = "机".into();
                face.own_picture = true;
            }),
        ),
        ("12-meeting-begins", with(|face| (face.mode, face.meeting_since) = (Mode::Meeting, Some(ago(1))))),
        ("13-meeting-lost", {
            let mut screen = lost(Mode::Meeting);
            (screen.face.meeting_since, screen.face.microphone_wanted) = (Some(ago(900)), true);
            screen
        }),
        ("14-lost", lost(Mode::Quiet)),
        ("15-camera-missing", Screen { sentence: Some(Sentence::FarCameraMissing), ..live(quiet()) }),
        ("16-intruder", nothing(Sentence::Intruder, LinkState::Connecting)),
        ("17-curtain-near", shut(Mode::Curtain, Stance::Curtain, Stance::Present)),
        ("18-curtain-far", shut(Mode::Curtain, Stance::Present, Stance::Curtain)),
        ("19-curtain-both", shut(Mode::Curtain, Stance::Curtain, Stance::Curtain)),
        ("20-asleep-near", shut(Mode::Asleep, Stance::Asleep, Stance::Present)),
        ("21-asleep-far", shut(Mode::Asleep, Stance::Present, Stance::Asleep)),
        ("22-turning", with(|face| face.banner = Some(Banner::Turning { view: "机".into() }))),
        ("23-guest-waits", with(|face| face.banner = Some(Banner::GuestWaits { name: "会議室のPC".into() }))),
        (
            "24-unshown",
            with(|face| {
                let name = "令和8年度 市民課窓口改修工事 見積書（案）最終版その2.pdf".into();
                face.banner = Some(Banner::Unshown { name, why: Refusal::Locked });
            }),
        ),
        (
            "61-print-waits",
            with(|face| {
                let name = "令和8年度 市民課窓口改修工事 見積書（案）最終版その2.pdf".into();
                face.banner = Some(Banner::PrintWaits { name, from: "tanaka（192.0.2.117）".into() });
            }),
        ),
        ("62-identified", with(|face| face.banner = Some(Banner::Identified))),
        ("24-denied", with(|face| face.banner = Some(Banner::Denied(Denied::FarCurtain)))),
        ("25-menu-sound", with(|face| face.menu = Some(MenuPage::Sound))),
        ("26-menu-picture", with(|face| (face.menu, face.own_picture) = (Some(MenuPage::Picture), true))),
        ("27-menu-guests", with(|face| face.menu = Some(MenuPage::Guests))),
        ("28-menu-door", with(|face| (face.menu, face.locked) = (Some(MenuPage::Door), true))),
        ("29-code", with(|face| face.code = Some(48_213))),
        ("35-curtain-by-the-box", {
            let mut screen = shut(Mode::Curtain, Stance::Curtain, Stance::Present);
            screen.face.drawn = Some(Drawn::InstallerLost);
            screen
        }),
        (
            "30-code-guest",
            with(|face| {
                (face.code, face.menu, face.locked) = (Some(482_913), Some(MenuPage::Guests), true);
                face.banner = Some(Banner::GuestWaits { name: "田中のスマートフォン".into() });
            }),
        ),
        ("33-code-menu", with(|face| (face.code, face.menu) = (Some(482_913), Some(MenuPage::Guests)))),
        ("34-curtain-lost", {
            let mut screen = shut(Mode::Curtain, Stance::Curtain, Stance::Present);
            screen.sentence = Some(Sentence::FarSilent);
            (screen.face.link, screen.face.sealed) = (LinkState::Lost, false);
            screen
        }),
        (
            "31-veils",
            with(|face| {
                (face.far_veil, face.veil, face.locked) = (Veil::Black, Veil::Frosted, true);
                face.far_view = "机".into();
            }),
        ),
        ("36-page-arriving", with(|face| (face.mode, face.page) = (Mode::Meeting, Some(arriving(A4, 43))))),
        ("37-slide-arriving", with(|face| (face.mode, face.page) = (Mode::Meeting, Some(arriving(SLIDE, 7))))),
        (
            "38-nothing-of-it-here",
            with(|face| (face.mode, face.page) = (Mode::Meeting, Some(arriving(DocumentId([0; 32]), 12)))),
        ),
        ("39-page-arriving-lost", {
            let mut screen = lost(Mode::Meeting);
            screen.face.page = Some(arriving(A4, 43));
            screen
        }),
        ("40-board", with(|face| face.slips = slips())),
        ("41-board-own", with(|face| (face.slips, face.own_picture) = (slips(), true))),
        ("42-board-lost", {
            let mut screen = lost(Mode::Quiet);
            screen.face.slips = slips();
            screen
        }),
        (
            "43-board-talking-hands",
            with(|face| {
                (face.mode, face.slips, face.hands) = (Mode::Talking, slips(), hands());
                (face.microphone, face.microphone_wanted, face.far_microphone) = (MicState::Open, true, MicState::Open);
            }),
        ),
        (
            "44-talking-poll",
            with(|face| {
                (face.mode, face.slips, face.hands, face.poll) = (Mode::Talking, slips(), hands(), Some(poll(3)))
            }),
        ),
        (
            "45-meeting-poll",
            with(|face| {
                (face.mode, face.slips, face.hands, face.poll) = (Mode::Meeting, slips(), hands(), Some(poll(8)));
                face.meeting_since = Some(ago(600));
            }),
        ),
        (
            "48-live-near",
            with(|face| (face.mode, face.live.shown) = (Mode::Meeting, Some(shares(Side::Near, "会議室のPC")))),
        ),
        (
            "49-live-far-asked",
            with(|face| {
                (face.mode, face.live.shown) = (Mode::Meeting, Some(shares(Side::Near, "")));
                let waits = shares(Side::Far, "健康福祉部 高齢者いきいき支援課の共用パソコン2号機");
                (face.live.asked, face.banner) = (true, Some(Banner::ShareWaits(waits)));
            }),
        ),
        (
            "50-live-ended",
            with(|face| {
                face.mode = Mode::Meeting;
                face.live.ended = Some((shares(Side::Far, "田中のノートパソコン"), LiveEnd::Vanished));
            }),
        ),
        ("51-live-curtain", {
            let mut screen = shut(Mode::Curtain, Stance::Curtain, Stance::Present);
            screen.face.live.shown = Some(shares(Side::Near, "会議室のPC"));
            screen
        }),
        ("46-meeting-hands", with(|face| (face.mode, face.hands) = (Mode::Meeting, hands()))),
        ("47-board-knocked", with(|face| (face.slips, face.banner) = (slips(), Some(Banner::Knocked)))),
        ("32-long-name", with(|face| face.far_name = "健康福祉部 高齢者いきいき支援課 地域包括ケア推進係".into())),
    ]
}

fn shares(side: Side, name: &str) -> LiveLine {
    LiveLine { side, kind: LiveKind::Browser, name: name.into() }
}

/// A document of which so many percent are here.
fn arriving(id: DocumentId, percent: u8) -> PageFace {
    PageFace {
        id,
        name: "令和八年度 予算案.pdf".into(),
        look: Look::at(0),
        pages: 20,
        open: 1,
        state: PageState::Arriving(percent),
        ink: Arc::default(),
    }
}

/// Its first page, with lines on it.
fn sheet(view: &ScreenView, id: DocumentId) -> Option<PagePicture> {
    let shape = [(A4, 0.707), (SLIDE, 1.778)].into_iter().find(|(known, _)| *known == id)?.1;
    pause(100);
    let (wide, high) = view.page_place(shape)?;
    let (width, height) = if f64::from(wide) / f64::from(high) > shape {
        ((f64::from(high) * shape) as u32, high)
    } else {
        (wide, (f64::from(wide) / shape) as u32)
    };
    let pixel = |x: u32, y: u32| if y % 40 < 6 && (60..width - 60).contains(&x) { [60, 60, 60, 255] } else { [255; 4] };
    let bgrx: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    PagePicture::new(id, Look::at(0), (width, height), &bgrx)
}

/// Three notes of both rooms, one of them drawn.
fn slips() -> Slips {
    let note = |paper: Paper, room: Role, name: &str| {
        let stamp = Stamp::default();
        (Arc::new(Note { stamp, paper, room, name: name.into(), written_ms: 1_790_000_000_000 }), room == Role::Offerer)
    };
    let words = |text: &str| Paper::words(text).expect("words");
    let tree = vec![vec![[500, 560], [500, 240]], vec![[300, 300], [500, 60], [700, 300], [300, 300]], vec![[900, 80]]];
    let newest = vec![
        note(
            words("15時から配線工事です。窓口は別館1階へ案内してください。傘立ても使えます。"),
            Role::Offerer,
            "総務課 田中",
        ),
        note(Paper::drawing(tree).expect("on the sheet"), Role::Answerer, ""),
        note(words("了解です"), Role::Answerer, "鈴木"),
    ];
    Slips { newest, older: 12 }
}

fn hands() -> Vec<RaisedHand> {
    let hand = |name: &str, near| RaisedHand { name: name.into(), near };
    vec![
        hand("佐藤", true),
        hand("会議室のPC", false),
        hand("", false),
        hand("田中のスマートフォン", true),
        hand("鈴木", true),
        hand("山本", true),
    ]
}

fn poll(choices: usize) -> PollFace {
    let all = [
        "来週の月曜",
        "来週の火曜、ただし午前中は窓口の当番があるため15時より後にしたい",
        "水曜",
        "木曜",
        "金曜",
        "再来週",
        "年明け",
        "やらない",
    ];
    let choices: Vec<String> = all.iter().take(choices).map(|choice| (*choice).to_owned()).collect();
    let votes = (0..choices.len()).map(|place| [4, 9, 0, 1, 2, 0, 3, 1][place]).collect();
    let (asked, question) = (Stamp::default(), "次の打ち合わせはいつにしますか？".to_owned());
    let poll = Poll { asked, since: [1, 0], question, choices, open: true, shown: true, changed: asked };
    PollFace { poll, votes, skipped: 2 }
}

/// One frame of a source.
fn picture(source: &str) -> gst::Sample {
    let description = format!("{source} ! videoconvert ! video/x-raw,format=I420 ! appsink name=out sync=false");
    let pipeline = gst::parse::launch(&description).expect("a source");
    let out = pipeline.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("out")).expect("named so");
    let out = out.downcast::<gstreamer_app::AppSink>().expect("a sink");
    pipeline.set_state(gst::State::Playing).expect("plays");
    let sample = out.pull_sample().expect("a frame");
    pipeline.set_state(gst::State::Null).expect("ends");
    sample
}

fn ago(seconds: i64) -> Moment {
    Moment::from_nanos(gst::SystemClock::obtain().time().nseconds()).shifted(-seconds * 1_000_000_000)
}

fn pause(millis: u64) {
    let clock = gst::SystemClock::obtain();
    let _ = clock.new_single_shot_id(clock.time() + gst::ClockTime::from_mseconds(millis)).wait();
}
const A4: DocumentId = DocumentId([1; 32]);
const SLIDE: DocumentId = DocumentId([2; 32]);
