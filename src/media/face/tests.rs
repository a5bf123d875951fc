//! What is drawn when, and that all of it can be said on any screen.

use super::layout::{Layout, layout, shift};
use super::sheet::{Mark, Run};
use super::*;
use crate::core::face::{Banner, Face, LiveLine, LiveSilence, MenuPage, PollFace, RaisedHand, Silent, Slips};
use crate::core::floor::Poll;
use crate::core::notes::{Note, Paper};
use crate::core::request::Denied;
use crate::core::sentence::Sentence;
use crate::core::share::{Refusal, Stamp};
use crate::core::snapshot::LinkState;
use crate::model::{LiveEnd, LiveKind, MicState, Mode, Role, Side, Stance};

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

fn look(screen: &Screen, seconds: u64) -> Look {
    let constants = FaceConstants {
        words: "higashi kumo sakana yuki midori tokei".into(),
        panel_url: "https://192.0.2.10/".into(),
        panel_fingerprint: ["AB"; 32].join(":"),
        ..FaceConstants::default()
    };
    Look::at(screen, &Arc::new(constants), None, false, at(seconds))
}

fn live(change: impl FnOnce(&mut Face)) -> Screen {
    let mut face = Face { link: LinkState::Up, sealed: true, far_name: "市民課".into(), ..Face::default() };
    change(&mut face);
    Screen { picture: Picture::Live, sentence: None, face }
}

/// Everything that can be read on a screen.
fn said(screen: &Screen, seconds: u64, language: Language) -> String {
    let canvas = Area::new(0.0, 0.0, WIDTH, HEIGHT);
    said_by(&layout(&look(screen, seconds), language, canvas))
}

fn said_by(layout: &Layout) -> String {
    let mut said = String::new();
    for mark in layout.sheets.iter().flat_map(|placed| &placed.sheet.marks) {
        match mark {
            Mark::Text { text, .. } => said.push_str(text),
            Mark::Row { runs, .. } => {
                for run in runs {
                    match run {
                        Run::Words { text, .. }
                        | Run::Yields { text, .. }
                        | Run::Key { text, .. }
                        | Run::Pill { text, .. } => said.push_str(text),
                        Run::Sign { .. } | Run::Gauge { .. } | Run::Gap(_) => {}
                    }
                }
            }
            Mark::Plate { .. } | Mark::Outline { .. } | Mark::Line { .. } => {}
            Mark::Drawing { .. } | Mark::Qr { .. } | Mark::Folds { .. } => {}
        }
        said.push('|');
    }
    said
}

#[test]
fn equal_looks_draw_nothing_and_a_running_clock_draws_one_sheet() {
    let mut painter = Painter::new(Language::Japanese);
    let size = (640, 360);
    let screen = live(|_| {});
    painter.scene(&look(&screen, 0), size);
    let drawn = painter.drawn();
    assert!(drawn >= 3);
    assert_eq!(look(&screen, 1), look(&screen, 0), "a second changes nothing while all is live");
    painter.scene(&look(&screen, 1), size);
    assert_eq!(painter.drawn(), drawn);

    let held = Screen { picture: Picture::Held { since: at(0) }, sentence: Some(Sentence::FarSilent), ..screen };
    painter.scene(&look(&held, 5), size);
    let drawn = painter.drawn();
    painter.scene(&look(&held, 6), size);
    assert_eq!(painter.drawn(), drawn + 1, "the age and nothing else");

    let meeting = live(|face| (face.mode, face.meeting_since) = (Mode::Meeting, Some(at(0))));
    assert_eq!(look(&meeting, 59), look(&meeting, 1));
    painter.scene(&look(&meeting, 59), size);
    let drawn = painter.drawn();
    painter.scene(&look(&meeting, 60), size);
    assert_eq!(painter.drawn(), drawn + 1, "the meeting clock and nothing else");
}

#[test]
fn everything_moves_a_few_pixels_every_three_minutes_and_is_not_drawn_for_it() {
    let mut painter = Painter::new(Language::Japanese);
    let screen = live(|_| {});
    let places = |painter: &mut Painter, seconds| -> Vec<(i32, i32)> {
        let scene = painter.scene(&look(&screen, seconds), (1920, 1080));
        scene.layers.iter().map(|layer| (layer.x, layer.y)).collect()
    };
    let (first, drawn) = (places(&mut painter, 0), painter.drawn());
    assert_eq!(places(&mut painter, 179), first);
    for minutes in (3..24).step_by(3) {
        let moved = places(&mut painter, minutes * 60);
        let steps = first.iter().zip(&moved).map(|(from, to)| (from.0 - to.0).abs().max((from.1 - to.1).abs()));
        assert!(steps.clone().all(|step| (1..=6).contains(&step)), "{minutes} min: {:?}", steps.collect::<Vec<_>>());
    }
    assert_eq!(places(&mut painter, 24 * 60), first);
    assert_eq!(painter.drawn(), drawn);
    assert!((0..8).all(|place| (0..8).all(|other| place == other || shift(place) != shift(other))));
}

#[test]
fn the_microphone_the_link_and_the_far_room_are_told_in_words_in_every_mode() {
    for mode in [Mode::Quiet, Mode::Talking, Mode::Meeting, Mode::Curtain, Mode::Asleep] {
        for (language, name, linked) in
            [(Language::Japanese, "市民課", "つながっています"), (Language::English, "市民課", "Linked")]
        {
            let open = live(|face| {
                face.mode = mode;
                (face.microphone, face.microphone_wanted) = (MicState::Open, true);
            });
            let closed = live(|face| face.mode = mode);
            let (open, closed) = (said(&open, 0, language), said(&closed, 0, language));
            assert!([&open, &closed].iter().all(|said| said.contains(name) && said.contains(linked)), "{open}");
            assert!(open.contains("相手に聞こえています") || open.contains("the other room hears you"), "{open}");
            assert!(closed.contains("声は届いていません") || closed.to_lowercase().contains("nobody hears you"));
            assert!(closed.contains("higashi\u{2002}kumo"));
        }
    }
    let night = live(|face| (face.mode, face.near) = (Mode::Asleep, Stance::Asleep));
    let night = said(&night, 0, Language::Japanese);
    assert!(
        night.contains("どのキーでも起きます") && night.contains("声は届いていません") && night.contains("つながって")
    );
}

#[test]
fn the_band_tells_what_really_leaves_and_not_what_is_wished() {
    let band = |microphone, wanted, link| {
        said(
            &live(|face| {
                (face.mode, face.microphone, face.microphone_wanted, face.link) =
                    (Mode::Talking, microphone, wanted, link);
            }),
            0,
            Language::Japanese,
        )
    };
    assert!(band(MicState::Open, false, LinkState::Up).contains("まだ相手に聞こえます"));
    let cut = band(MicState::Open, true, LinkState::Lost);
    assert!(cut.contains("マイクが開いています") && !cut.contains("相手に聞こえて"), "{cut}");
    assert!(band(MicState::Closed, true, LinkState::Up).contains("声はまだ届いていません"));
    assert!(band(MicState::Closed, true, LinkState::Lost).contains("つながりしだい、マイクが開きます"));
    assert!(band(MicState::Closed, false, LinkState::Up).contains("「声かけ」でマイクを開く"));
    assert!(band(MicState::LevelsOnly, false, LinkState::Up).contains("にぎわいだけ"));
}

#[test]
fn a_held_picture_carries_its_age_and_a_live_one_does_not() {
    let held = Screen { picture: Picture::Held { since: at(10) }, sentence: Some(Sentence::FarSilent), ..live(|_| {}) };
    let words = said(&held, 52, Language::Japanese);
    assert!(words.contains("応答がありません。|自動で") && words.contains("最後の映像から 0:42"), "{words}");
    assert!(said(&held, 36_615, Language::English).contains("last picture 10:10:05 ago"));
    assert!(!said(&live(|_| {}), 52, Language::Japanese).contains("最後の映像"));
    let mut painter = Painter::new(Language::Japanese);
    assert!(painter.scene(&look(&held, 52), (640, 360)).grey);
    assert!(!painter.scene(&look(&live(|_| {}), 52), (640, 360)).grey);
}

#[test]
fn the_meeting_leaves_the_large_place_to_the_page_and_a_curtain_hides_the_picture() {
    let mut painter = Painter::new(Language::Japanese);
    let mut picture = |screen: &Screen| painter.scene(&look(screen, 0), (1920, 1080)).picture;
    let quiet = picture(&live(|_| {})).unwrap();
    assert_eq!((quiet.width, quiet.height), (1920, 1080));
    let meeting = picture(&live(|face| face.mode = Mode::Meeting)).unwrap();
    assert!(meeting.width < 500 && meeting.x > 1400);
    for (mode, near) in
        [(Mode::Curtain, Stance::Curtain), (Mode::Asleep, Stance::Asleep), (Mode::Curtain, Stance::Present)]
    {
        assert_eq!(picture(&live(|face| (face.mode, face.near) = (mode, near))), None);
    }
}

#[test]
fn banners_and_menu_say_what_each_key_does() {
    let knocked = said(&live(|face| face.banner = Some(Banner::Knocked)), 0, Language::Japanese);
    assert!(knocked.contains("市民課が声をかけています|声かけ答えるその他あとで"), "{knocked}");
    let denied = said(&live(|face| face.banner = Some(Banner::Denied(Denied::FarCurtain))), 0, Language::English);
    assert!(denied.contains("Only that room can open it"), "{denied}");
    let unshown = Banner::Unshown { name: "長".repeat(30), why: Refusal::Locked };
    let unshown = said(&live(|face| face.banner = Some(unshown)), 0, Language::Japanese);
    assert!(unshown.contains(&format!("「{}…」は表示できません", "長".repeat(11))), "{unshown}");
    assert!(unshown.contains(Refusal::Locked.reason(Language::Japanese).split('。').next().unwrap()), "{unshown}");
    for (page, meet, view) in [
        (MenuPage::Sound, "小さく", "大きく"),
        (MenuPage::Picture, "映りを確認", "すりガラスにする"),
        (MenuPage::Guests, "コードを出す", "待つ人を入れる"),
        (MenuPage::Door, "参加を断る", "全員を外す"),
    ] {
        let menu = said(&live(|face| face.menu = Some(page)), 0, Language::Japanese);
        assert!(menu.contains(&format!("会議|{meet}|カメラ|{view}|カーテン|閉める|その他|")), "{menu}");
        let beside = said(&live(|face| (face.menu, face.code) = (Some(page), Some(7))), 0, Language::Japanese);
        assert!(beside.contains("000\u{2002}007") && beside.contains(view), "{beside}");
    }
}

#[test]
fn every_screen_size_is_drawn_whatever_its_shape() {
    let mut painter = Painter::new(Language::English);
    let screen = live(|face| {
        (face.code, face.menu, face.banner) = (Some(1), Some(MenuPage::Guests), Some(Banner::Knocked));
        face.far_name = "x".repeat(64);
    });
    for size in [(1, 1), (16, 16), (320, 180), (1024, 768), (1080, 1920), (3440, 1440)] {
        let scene = painter.scene(&look(&screen, 0), size);
        let picture = scene.picture.unwrap();
        assert!(picture.x >= 0 && picture.y >= 0 && picture.width > 0 && picture.height > 0);
        assert!((picture.x + picture.width) as u32 <= size.0 && (picture.y + picture.height) as u32 <= size.1);
    }
}

#[test]
fn whose_screen_it_is_why_it_ended_and_who_wants_its_place_is_said_in_one_line() {
    let line = |side, name: &str| LiveLine { side, kind: LiveKind::Input, name: name.into() };
    for (mode, side, name, words) in [
        (Mode::Meeting, Side::Near, "田中", "この部屋の「田中」が画面を見せています"),
        (Mode::Meeting, Side::Far, "田中", "市民課の「田中」が画面を見せています"),
        (Mode::Meeting, Side::Far, "", "市民課の「映像入力」が画面を見せています"),
        (Mode::Curtain, Side::Near, "田中", "この部屋の「田中」が画面を見せています"),
    ] {
        let screen = live(|face| (face.mode, face.live.shown) = (mode, Some(line(side, name))));
        assert!(said(&screen, 0, Language::Japanese).contains(words), "{words}");
    }
    for (why, words) in [
        (LiveEnd::Vanished, "市民課の「田中」との接続が切れたため、画面の共有を終えました"),
        (LiveEnd::Unplugged, "信号がなくなったため"),
        (LiveEnd::Stopped, "市民課の「田中」の画面の共有が終わりました"),
    ] {
        let screen = live(|face| {
            (face.mode, face.live.shown) = (Mode::Meeting, Some(line(Side::Near, "次の人")));
            face.live.ended = Some((line(Side::Far, "田中"), why));
        });
        let said = said(&screen, 0, Language::Japanese);
        assert!(said.contains(words) && !said.contains("見せています"), "{said}");
    }
    let input = said(&live(|face| face.banner = Some(Banner::InputWaits)), 0, Language::Japanese);
    assert!(
        input.contains("HDMIの画面が来ています\n映しますか") && input.contains("カメラ映すその他映さない"),
        "{input}"
    );
    let asked = live(|face| face.banner = Some(Banner::ShareWaits(line(Side::Far, &"長".repeat(30)))));
    let asked = said(&asked, 0, Language::Japanese);
    assert!(
        asked.contains("…」が\n画面を出そうとしています。ゆずりますか")
            && asked.contains("カメラゆずるその他いまの画面を続ける"),
        "{asked}"
    );
}

#[test]
fn only_a_picture_that_nothing_comes_from_says_so_and_for_how_long() {
    let line = |kind| LiveLine { side: Side::Far, kind, name: "田中".into() };
    for (of, kind, words) in [
        (Silent::Source, LiveKind::Browser, "パソコンから届いていません3 秒"),
        (Silent::Source, LiveKind::Sender, "パソコンから届いていません3 秒"),
        (Silent::Source, LiveKind::Input, "映像入力から届いていません3 秒"),
        (Silent::FarBox, LiveKind::Browser, "相手の部屋から届いていません3 秒"),
    ] {
        for mode in [Mode::Meeting, Mode::Curtain] {
            let screen = live(|face| {
                (face.mode, face.live.shown) = (mode, Some(line(kind)));
                face.live.silent = Some(LiveSilence { since: at(0), of });
            });
            let canvas = Area::new(0.0, 0.0, WIDTH, HEIGHT);
            let told = |shape| {
                let look = look(&screen, 3).with_live(shape);
                said_by(&layout(&look, Language::Japanese, canvas))
            };
            assert!(told(Some(178)).contains(words), "{words}: {}", told(Some(178)));
            assert!(!told(None).contains(words), "there is no picture that could look live");
            let mut painter = Painter::new(Language::Japanese);
            assert!(painter.scene(&look(&screen, 3).with_live(Some(178)), (1280, 720)).live_grey);
        }
    }
}

fn with_board(face: &mut Face) {
    let note = |text: &str, name: &str| {
        let (stamp, paper) = (Stamp::default(), Paper::Words(text.into()));
        Arc::new(Note { stamp, paper, room: Role::Offerer, name: name.into(), written_ms: 1_790_000_000_000 })
    };
    let newest = vec![(note("一枚目", "田中"), true), (note("二枚目", ""), false), (note("三枚目", ""), true)];
    face.slips = Slips { newest, older: 4 };
    face.hands = vec![RaisedHand { name: "佐藤".into(), near: true }, RaisedHand { name: String::new(), near: false }];
    let choices = ["月曜", "火曜"].map(str::to_owned).to_vec();
    let (stamp, question) = (Stamp::default(), "次はいつ？".to_owned());
    let poll = Poll { asked: stamp, since: [1, 0], question, choices, open: false, shown: true, changed: stamp };
    face.poll = Some(PollFace { poll, votes: vec![1, 2], skipped: 1 });
}

#[test]
fn the_newest_notes_stand_at_the_edge_and_make_way_for_what_wants_an_eye() {
    let told = said;
    let said = |change: fn(&mut Face)| {
        let screen = live(|face| {
            with_board(face);
            face.poll = None;
            change(face);
        });
        told(&screen, 0, Language::Japanese)
    };
    let quiet = said(|_| {});
    assert!(quiet.contains("掲示板にほか4枚") && quiet.contains("田中") && quiet.contains("一枚目"), "{quiet}");
    assert!(quiet.contains("市民課") && quiet.contains("この部屋"));
    assert!(!said(|face| face.banner = Some(Banner::Knocked)).contains("一枚目"));
    assert!(!said(|face| face.menu = Some(MenuPage::Sound)).contains("一枚目"));
    let result = live(with_board);
    assert!(!told(&result, 0, Language::Japanese).contains("一枚目"), "a result has the screen for a while");
    for mode in [Mode::Meeting, Mode::Curtain, Mode::Asleep] {
        let screen = live(|face| {
            with_board(face);
            face.mode = mode;
        });
        assert!(!told(&screen, 0, Language::Japanese).contains("一枚目"), "{mode:?}");
    }
}

#[test]
fn slips_end_above_the_sentence_and_what_does_not_fit_is_counted() {
    let mut screen = live(with_board);
    screen.face.poll = None;
    screen.sentence = Some(Sentence::FarSilent);
    screen.picture = Picture::Held { since: at(0) };
    let canvas = Area::new(0.0, 0.0, WIDTH, HEIGHT);
    for mode in [Mode::Quiet, Mode::Talking] {
        screen.face.mode = mode;
        let layout = layout(&look(&screen, 40), Language::Japanese, canvas);
        let text_of = |placed: &sheet::Placed| format!("{:?}", placed.sheet.marks);
        let sentence = layout.sheets.iter().find(|placed| text_of(placed).contains("応答がありません")).expect("told");
        let slips: Vec<_> = layout.sheets.iter().filter(|placed| text_of(placed).contains("枚")).collect();
        assert!(slips.len() >= 2);
        assert!(slips.iter().all(|slip| slip.y + slip.sheet.height < sentence.y));
        assert!(text_of(slips[slips.len() - 1]).contains("三枚目"), "the newest stays");
    }
}

#[test]
fn hands_and_the_result_stand_on_the_screen_while_the_rooms_are_together() {
    for mode in [Mode::Talking, Mode::Meeting] {
        let screen = live(|face| {
            with_board(face);
            face.mode = mode;
        });
        let said = said(&screen, 0, Language::Japanese);
        for words in ["挙手", "佐藤", "次はいつ？", "月曜", "1票　33%", "2票　67%", "締め切りました　選ばない 1"]
        {
            assert!(said.contains(words), "{words} in {said}");
        }
    }
    let shut = live(|face| {
        with_board(face);
        (face.mode, face.near) = (Mode::Curtain, Stance::Curtain);
    });
    let shut = said(&shut, 0, Language::Japanese);
    assert!(!shut.contains("佐藤") && !shut.contains("月曜"), "nothing of the other room behind a curtain");
}

#[test]
fn a_box_that_is_not_set_up_says_so_in_both_languages_until_it_is() {
    let said = |guide: GuideFace, code: Option<u32>| {
        let screen = Screen { face: Face { code, ..Face::default() }, ..Screen::default() };
        let constants = FaceConstants { guide: Some(guide), ..FaceConstants::default() };
        let look = Look::at(&screen, &Arc::new(constants), None, false, at(0));
        said_by(&layout(&look, Language::English, Area::new(0.0, 0.0, WIDTH, HEIGHT)))
    };
    let told = said(GuideFace { addresses: vec!["192.0.2.7".into()], ..GuideFace::default() }, None);
    assert!(told.contains("まだ設定されていません") && told.contains("not set up yet") && told.contains("192.0.2.7"));
    let report = Some(["文".into(), "words".into()]);
    let refused = said(GuideFace { report: report.clone(), refused: true, ..GuideFace::default() }, None);
    assert!(refused.contains("not set up yet") && refused.contains("words") && refused.contains("no cable"));
    let taken = said(GuideFace { report, ..GuideFace::default() }, None);
    assert!(taken.contains("has taken its settings") && !taken.contains("not set up yet"));
    let lost = said(GuideFace { memory_lost: true, ..GuideFace::default() }, None);
    assert!(lost.contains("記憶が読めません") && lost.contains("cannot read its memory"), "{lost}");
    assert!(!said(GuideFace::default(), Some(7)).contains("not set up yet"), "whoever asked for the code reads that");
}
