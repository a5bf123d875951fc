//! What stands in front for a while: the banner and the keypad's menu.

use super::layout::{MARGIN, Setting};
use super::live;
use super::sheet::{AMBER, GLASS, INK, PAPER, SOFT, WELL};
use super::sheet::{Align, Area, Colour, Placed, Run, Sheet, Sign, Size, Style, Weight};
use super::words::{self, key, say};
use crate::core::face::{Banner, Face, MenuPage};
use crate::model::{Key, Language};

/// What a banner is made of.
struct Announcement {
    fill: Colour,
    sign: Sign,
    headline: Headline,
    /// What the keys do now.
    keys: Vec<(Key, &'static str)>,
}

enum Headline {
    /// One line; the name in it may be cut.
    Line {
        before: &'static str,
        name: String,
        after: &'static str,
    },
    Reason(String),
}

/// One thing that wants an eye, and the keys that answer it.
pub(super) fn banner(setting: &Setting<'_>, banner: &Banner) -> Placed {
    let language = setting.language;
    let Announcement { fill, sign, headline, keys } = announcement(setting, banner);
    let width = BANNER_WIDTH.min(setting.canvas.width - 96.0);
    let more = match &headline {
        Headline::Line { .. } => 0.0,
        Headline::Reason(text) => 48.0 * text.lines().skip(1).count().max(1) as f64,
    };
    let mut sheet = Sheet::new(width, BANNER_HEIGHT + more);
    let head = sheet.height - 132.0;
    sheet.plate(sheet.area(), 28.0, fill);
    let sign_area = Area::new(40.0, 20.0, 84.0, head);
    sheet.row(sign_area, Align::Middle, vec![Run::Sign { sign, size: Size::Title, colour: INK }]);
    let words = Area::new(140.0, 20.0, width - 180.0, head);
    match headline {
        Headline::Line { before, name, after } => {
            let style = Style::new(Size::Title, Weight::Bold, INK);
            let name = Run::Yields { text: name, style };
            sheet.row(words, Align::Left, vec![Run::words(before, style), name, Run::words(after, style)]);
        }
        Headline::Reason(text) => sheet.text(words, Align::Left, Style::new(Size::Body, Weight::Bold, INK), text),
    }
    let mut runs = Vec::new();
    for (pressed, does) in keys {
        if !runs.is_empty() {
            runs.push(Run::Gap(56.0));
        }
        let bold = Style::new(Size::Body, Weight::Bold, INK);
        runs.push(Run::Key { text: key(pressed, language).into(), style: bold });
        runs.push(Run::Gap(16.0));
        runs.push(Run::words(does, Style { weight: Weight::Plain, ..bold }));
    }
    sheet.row(Area::new(140.0, head + 20.0, width - 180.0, 90.0), Align::Left, runs);
    sheet.at((setting.canvas.width - width) / 2.0 + setting.shift.0, BANNER_TOP + setting.shift.1)
}

fn announcement(setting: &Setting<'_>, banner: &Banner) -> Announcement {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let far = words::far_name(face, language).to_owned();
    let line = |before: (&'static str, &'static str), name: String, after: (&'static str, &'static str)| {
        Headline::Line { before: say(language, before.0, before.1), name, after: say(language, after.0, after.1) }
    };
    let (fill, sign, headline, keys) = match banner {
        Banner::Knocked => (
            AMBER,
            Sign::Bell,
            line(("", ""), far, ("が声をかけています", " is knocking")),
            vec![(Key::Talk, say(language, "答える", "answer")), (Key::More, say(language, "あとで", "not now"))],
        ),
        Banner::Knocking => (
            PAPER,
            Sign::Bell,
            line(("", "Knocking at "), far, ("に声をかけています", "")),
            vec![(Key::Talk, say(language, "やめる", "stop"))],
        ),
        Banner::Turning { view } => (
            PAPER,
            Sign::Camera,
            line(("カメラが「", "Camera turned to “"), view.clone(), ("」に向きました", "”")),
            vec![(Key::More, say(language, "取り消す（まもなく切り替わります）", "cancel (it switches soon)"))],
        ),
        Banner::GuestWaits { name } => (
            PAPER,
            Sign::Guest,
            line(("「", "“"), name.clone(), ("」が参加待ちです", "” asks to come in")),
            match face.menu {
                Some(MenuPage::Guests) => vec![(Key::View, say(language, "入れる", "let in"))],
                Some(
                    MenuPage::Live
                    | MenuPage::Pages
                    | MenuPage::Document
                    | MenuPage::Sound
                    | MenuPage::Picture
                    | MenuPage::Door,
                )
                | None => {
                    let how = say(language, "メニュー「スマホやPCの参加」で入れる", "let in from the menu “Guests”");
                    vec![(Key::More, how)]
                }
            },
        ),
        Banner::PrintWaits { name, from } => {
            let (name, from) = (words::short(name, NAME), words::short(from, SENDER));
            let text = match language {
                Language::Japanese => format!("「{name}」を画面に写しますか\n{from} からの印刷です"),
                Language::English => format!("Show “{name}” on the screens?\nprinted by {from}"),
            };
            let keys = match face.menu {
                Some(MenuPage::Guests) => vec![(Key::View, say(language, "写す", "show it"))],
                Some(
                    MenuPage::Live
                    | MenuPage::Pages
                    | MenuPage::Document
                    | MenuPage::Sound
                    | MenuPage::Picture
                    | MenuPage::Door,
                )
                | None => vec![(
                    Key::More,
                    say(language, "メニュー「スマホやPCの参加」で写す", "show it from the menu “Guests”"),
                )],
            };
            (PAPER, Sign::Notice, Headline::Reason(text), keys)
        }
        Banner::Helped => {
            let text = say(
                language,
                "この箱を手伝っています\n相手の部屋の設置担当者です",
                "Somebody helps this box\nan installer in the other room",
            );
            (PAPER, Sign::Notice, Headline::Reason(text.to_owned()), Vec::new())
        }
        Banner::Identified => {
            let text =
                say(language, "この箱です\n印刷はこの画面に出ます", "It is this box\nprints appear on this screen");
            (AMBER, Sign::Bell, Headline::Reason(text.to_owned()), Vec::new())
        }
        Banner::Denied(why) => (
            PAPER,
            Sign::Notice,
            Headline::Reason(words::one_thought_a_line(why.text(language))),
            vec![(Key::More, say(language, "閉じる", "close"))],
        ),
        Banner::ShareWaits(line) => {
            let whose = live::whose(setting, line, SHORT_NAME);
            let text = match language {
                Language::Japanese => format!("{whose}が\n画面を出そうとしています。ゆずりますか"),
                Language::English => format!("{whose} wants to\nshare a screen. Hand over?"),
            };
            let hand_over = (Key::View, say(language, "ゆずる", "hand over"));
            let keep = (Key::More, say(language, "いまの画面を続ける", "keep ours"));
            (PAPER, Sign::Screen, Headline::Reason(text), vec![hand_over, keep])
        }
        Banner::InputWaits => {
            let text = say(language, "HDMIの画面が来ています\n映しますか", "An HDMI picture has come in\nShow it?");
            let keys =
                vec![(Key::View, say(language, "映す", "show it")), (Key::More, say(language, "映さない", "not now"))];
            (PAPER, Sign::Screen, Headline::Reason(text.to_owned()), keys)
        }
        Banner::Unshown { name, why } => {
            let (name, reason) = (words::short(name, NAME), words::one_thought_a_line(why.reason(language)));
            let text = match language {
                Language::Japanese => format!("「{name}」は表示できません\n{reason}"),
                Language::English => format!("“{name}” cannot be shown\n{reason}"),
            };
            (PAPER, Sign::Notice, Headline::Reason(text), vec![(Key::More, say(language, "閉じる", "close"))])
        }
    };
    Announcement { fill, sign, headline, keys }
}

/// A name within a sentence, as `words::short` counts.
const NAME: f64 = 12.0;
/// A user's name with the PC's address.
const SENDER: f64 = 26.0;
/// The same beside a room's name.
const SHORT_NAME: f64 = 8.0;

/// Height of the menu: beside the code it is one row.
pub(super) fn menu_height(face: &Face) -> f64 {
    if face.code.is_some() { 108.0 } else { 296.0 }
}

/// The keypad's menu beside the code: in one row, only what changes.
fn menu_row(setting: &Setting<'_>, page: MenuPage) -> Placed {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let mut sheet = Sheet::new(setting.canvas.width - 2.0 * EDGE, menu_height(face));
    sheet.plate(sheet.area(), 28.0, GLASS);
    let [title, meet, view] = words::page(page, face, language);
    let mut runs = vec![Run::words(title, Style::new(Size::Small, Weight::Plain, SOFT))];
    let bold = Style::new(Size::Body, Weight::Bold, PAPER);
    for (pressed, does) in [(Key::Meet, meet), (Key::View, view), (Key::More, more(page, language))] {
        runs.extend([
            Run::Gap(44.0),
            Run::Key { text: key(pressed, language).into(), style: bold },
            Run::Gap(14.0),
            Run::words(does, Style { weight: Weight::Plain, ..bold }),
        ]);
    }
    sheet.row(sheet.area().inside(20.0), Align::Middle, runs);
    let y = setting.free.height - sheet.height - MARGIN;
    sheet.at(EDGE + setting.shift.0, y + setting.shift.1)
}

/// The keypad as it lies on the table, with what each key does now.
pub(super) fn menu(setting: &Setting<'_>, page: MenuPage) -> Placed {
    let (face, language) = (&setting.look.screen.face, setting.language);
    if face.code.is_some() {
        return menu_row(setting, page);
    }
    let width = setting.canvas.width - 2.0 * EDGE;
    let mut sheet = Sheet::new(width, menu_height(face));
    sheet.plate(sheet.area(), 28.0, GLASS);
    let [title, meet, view] = words::page(page, face, language);
    let bold = Style::new(Size::Body, Weight::Bold, PAPER);
    let small = Style::new(Size::Small, Weight::Plain, SOFT);
    let title_area = Area::new(44.0, 20.0, width - 88.0, 84.0);
    let mut runs = vec![Run::words(title, bold)];
    if page == MenuPage::Sound {
        let figure = Style::new(Size::Body, Weight::Bold, WELL);
        runs.extend([Run::Gap(32.0), Run::Gauge { width: 480.0, hundredths: face.volume.min(100) }, Run::Gap(24.0)]);
        runs.push(Run::words(face.volume.to_string(), figure));
    }
    if page == MenuPage::Door {
        let state = if face.locked {
            say(language, "いまは新しい参加を断っています", "no new guests are taken now")
        } else {
            say(language, "いまは新しい参加を受け付けています", "guests are taken now")
        };
        runs.extend([Run::Gap(32.0), Run::words(state, Style { size: Size::Small, ..small })]);
    }
    sheet.row(title_area, Align::Left, runs);
    let before = if face.page.as_ref().is_some_and(|page| page.open > 0) { 2 } else { 0 };
    let before = before + if face.live.shown.is_some() { 1 } else { 0 };
    let number = if page == MenuPage::Live { 1 } else { page_number(page) + before };
    let number = format!("{number} / {}", 4 + before);
    sheet.row(title_area, Align::Right, vec![Run::words(number, small)]);
    let keys = [
        (Key::Talk, words::talk(face, language)),
        (Key::Meet, meet),
        (Key::View, view),
        (Key::Curtain, words::curtain(face, language)),
        (Key::More, more(page, language)),
    ];
    let column = (width - 48.0) / 5.0;
    for (index, (pressed, does)) in keys.into_iter().enumerate() {
        let x = 24.0 + index as f64 * column;
        let changes = matches!(pressed, Key::Meet | Key::View | Key::More);
        let style = Style::new(Size::Body, Weight::Bold, if changes { PAPER } else { SOFT });
        let cap = Area::new(x + 10.0, 116.0, column - 20.0, 90.0);
        sheet.row(cap, Align::Middle, vec![Run::Key { text: key(pressed, language).into(), style }]);
        let does_style = if changes { Style { size: Size::Body, ..style } } else { small };
        let below = Area::new(x + 10.0, 206.0, column - 20.0, 70.0);
        sheet.row(below, Align::Middle, vec![Run::words(does, does_style)]);
    }
    let y = setting.free.height - sheet.height - MARGIN;
    sheet.at(EDGE + setting.shift.0, y + setting.shift.1)
}

/// From the first page that is always there.
fn page_number(page: MenuPage) -> i8 {
    match page {
        MenuPage::Live => -2,
        MenuPage::Pages => -1,
        MenuPage::Document => 0,
        MenuPage::Sound => 1,
        MenuPage::Picture => 2,
        MenuPage::Guests => 3,
        MenuPage::Door => 4,
    }
}

fn more(page: MenuPage, language: Language) -> &'static str {
    match page {
        MenuPage::Door => say(language, "閉じる", "close"),
        MenuPage::Live
        | MenuPage::Pages
        | MenuPage::Document
        | MenuPage::Sound
        | MenuPage::Picture
        | MenuPage::Guests => say(language, "次へ", "next"),
    }
}

/// From a menu to the edge of the screen.
const EDGE: f64 = 60.0;
const BANNER_WIDTH: f64 = 1280.0;
pub(super) const BANNER_HEIGHT: f64 = 252.0;
pub(super) const BANNER_TOP: f64 = 48.0;
