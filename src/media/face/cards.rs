//! What stands in front for a while: the banner, the keypad's menu, and the page for those who come by telephone or PC.

use super::layout::Setting;
use super::sheet::{AMBER, GLASS, HAIR, INK, PAPER, SHADE, SOFT, WELL};
use super::sheet::{Align, Area, Colour, Mark, Placed, Run, Sheet, Sign, Size, Style, Weight};
use super::words::{self, key, say};
use crate::core::face::{Banner, MenuPage};
use crate::model::{Key, Language};

/// What a banner is made of.
struct Announcement {
    fill: Colour,
    sign: Sign,
    headline: String,
    size: Size,
    /// What the keys do now.
    keys: Vec<(Key, &'static str)>,
}

/// One thing that wants an eye, and the keys that answer it.
pub(super) fn banner(setting: &Setting<'_>, banner: &Banner) -> Placed {
    let language = setting.language;
    let Announcement { fill, sign, headline, size, keys } = announcement(setting, banner);
    let width = 1240.0_f64.min(setting.canvas.width - 96.0);
    let head = if size == Size::Title { 120.0 } else { 150.0 };
    let mut sheet = Sheet::new(width, head + 132.0);
    sheet.plate(sheet.area(), 28.0, fill);
    let sign_area = Area::new(40.0, 24.0, 84.0, head);
    sheet.row(sign_area, Align::Middle, vec![Run::Sign { sign, size: Size::Title, colour: INK }]);
    let words = Area::new(140.0, 24.0, width - 180.0, head);
    let style = Style::new(size, Weight::Bold, INK);
    match size {
        Size::Title => sheet.row(words, Align::Left, vec![Run::Yields { text: headline, style }]),
        Size::Small | Size::Body | Size::Huge => sheet.text(words, Align::Left, style, headline),
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
    sheet.row(Area::new(140.0, head + 18.0, width - 180.0, 90.0), Align::Left, runs);
    sheet.at((setting.canvas.width - width) / 2.0 + setting.shift.0, 56.0 + setting.shift.1)
}

fn announcement(setting: &Setting<'_>, banner: &Banner) -> Announcement {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let name = words::far_name(face, language);
    let titled = |fill, sign, headline: String, keys| Announcement { fill, sign, headline, size: Size::Title, keys };
    match banner {
        Banner::Knocked => {
            let headline = match language {
                Language::Japanese => format!("{name}が声をかけています"),
                Language::English => format!("{name} is knocking"),
            };
            let keys =
                vec![(Key::Talk, say(language, "答える", "answer")), (Key::More, say(language, "あとで", "not now"))];
            titled(AMBER, Sign::Bell, headline, keys)
        }
        Banner::Knocking => {
            let headline = match language {
                Language::Japanese => format!("{name}に声をかけています"),
                Language::English => format!("Knocking at {name}"),
            };
            titled(PAPER, Sign::Bell, headline, vec![(Key::Talk, say(language, "やめる", "stop"))])
        }
        Banner::Turning { view } => {
            let headline = match language {
                Language::Japanese => format!("カメラが「{view}」に向きました"),
                Language::English => format!("Camera turned to “{view}”"),
            };
            let keys =
                vec![(Key::More, say(language, "取り消す（まもなく切り替わります）", "cancel (it switches soon)"))];
            titled(PAPER, Sign::Camera, headline, keys)
        }
        Banner::GuestWaits { name } => {
            let headline = match language {
                Language::Japanese => format!("「{name}」が参加を待っています"),
                Language::English => format!("“{name}” asks to come in"),
            };
            let keys = match face.menu {
                Some(MenuPage::Guests) => vec![(Key::View, say(language, "入れる", "let in"))],
                Some(MenuPage::Sound | MenuPage::Picture | MenuPage::Door) | None => {
                    vec![(
                        Key::More,
                        say(language, "メニュー「スマホやPCの参加」で入れる", "let in from the menu “Guests”"),
                    )]
                }
            };
            titled(PAPER, Sign::Guest, headline, keys)
        }
        Banner::Denied(why) => Announcement {
            fill: PAPER,
            sign: Sign::Notice,
            headline: why.text(language).replace('。', "。\n").trim_end().to_owned(),
            size: Size::Body,
            keys: vec![(Key::More, say(language, "閉じる", "close"))],
        },
    }
}

/// The keypad as it lies on the table, with what each key does now.
pub(super) fn menu(setting: &Setting<'_>, page: MenuPage) -> Placed {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let width = setting.canvas.width - 2.0 * 60.0;
    let mut sheet = Sheet::new(width, MENU_HEIGHT);
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
    let number = format!("{} / 4", page_number(page));
    sheet.row(title_area, Align::Right, vec![Run::words(number, small)]);
    let more =
        if page == MenuPage::Door { say(language, "閉じる", "close") } else { say(language, "次へ", "next") };
    let keys = [
        (Key::Talk, words::talk(face, language)),
        (Key::Meet, meet),
        (Key::View, view),
        (Key::Curtain, words::curtain(face, language)),
        (Key::More, more),
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
    let y = setting.free.height - MENU_HEIGHT - 32.0;
    sheet.at(60.0 + setting.shift.0, y + setting.shift.1)
}

/// Address, QR code, fingerprint and the room code.
pub(super) fn code(setting: &Setting<'_>, code: u32) -> Placed {
    let (constants, language, free) = (&setting.look.constants, setting.language, setting.free);
    let height = free.height - 2.0 * MARGIN;
    let with_address = !constants.panel_url.is_empty();
    let width = if with_address { 1680.0 } else { 1100.0 };
    let mut sheet = Sheet::new(width, height);
    sheet.plate(sheet.area(), 28.0, PAPER);
    let bold = |size| Style::new(size, Weight::Bold, INK);
    let plain = |size| Style::new(size, Weight::Plain, SHADE);
    let qr = if with_address { (height - 2.0 * 60.0).min(560.0) } else { 0.0 };
    let x = if with_address { 60.0 + qr + 60.0 } else { 60.0 };
    let line = |y: f64, height: f64| Area::new(x, y, width - x - 60.0, height);
    let title = say(language, "スマホやPCから操作する", "Use a phone or PC");
    let mut y = 44.0;
    sheet.row(line(y, 90.0), Align::Left, vec![Run::words(title, bold(Size::Title))]);
    y += 112.0;
    if with_address {
        let area = Area::new(60.0, (height - qr) / 2.0, qr, qr);
        sheet.marks.push(Mark::Qr { area, text: constants.panel_url.clone() });
        let step = say(language, "1　QRコードを読むか、この住所を開く", "1  Read the QR code, or open this address");
        sheet.row(line(y, 50.0), Align::Left, vec![Run::words(step, plain(Size::Small))]);
        sheet.row(line(y + 50.0, 70.0), Align::Left, vec![Run::words(&constants.panel_url, bold(Size::Body))]);
        y += 142.0;
    }
    let step = match (language, with_address) {
        (Language::Japanese, true) => "2　この部屋コードを入れる",
        (Language::Japanese, false) => "部屋コード",
        (Language::English, true) => "2  Type this room code",
        (Language::English, false) => "Room code",
    };
    sheet.row(line(y, 50.0), Align::Left, vec![Run::words(step, plain(Size::Small))]);
    let figures = format!("{:03}\u{2002}{:03}", code / 1000 % 1000, code % 1000);
    sheet.row(line(y + 50.0, 160.0), Align::Left, vec![Run::words(figures, bold(Size::Huge))]);
    y += 226.0;
    if with_address && !constants.panel_fingerprint.is_empty() {
        sheet.plate(line(y, 2.0), 0.0, SOFT);
        let what = say(
            language,
            "証明書の指紋（SHA-256）。警告が出たら、これと見くらべる",
            "Certificate fingerprint (SHA-256), to be compared when warned",
        );
        sheet.row(line(y + 16.0, 50.0), Align::Left, vec![Run::words(what, plain(Size::Small))]);
        let style = Style::new(Size::Small, Weight::Even, INK);
        for (row, bytes) in in_rows(&constants.panel_fingerprint).into_iter().enumerate() {
            let area = line(y + 66.0 + row as f64 * 40.0, 40.0);
            sheet.row(area, Align::Left, vec![Run::words(bytes, style)]);
        }
    }
    if setting.look.screen.face.locked {
        let words = say(language, "いまは新しい参加を断っています", "No new guests are taken now");
        let pill = Run::Pill { text: words.into(), style: Style::new(Size::Small, Weight::Bold, INK), fill: AMBER };
        sheet.row(line(height - 76.0, 56.0), Align::Left, vec![pill]);
    }
    sheet.marks.push(Mark::Outline { area: sheet.area(), radius: 28.0, line: 2.0, colour: HAIR });
    sheet.at((setting.canvas.width - width) / 2.0 + setting.shift.0, MARGIN + setting.shift.1)
}

/// Eleven bytes a row: 32 bytes stand in three rows.
fn in_rows(fingerprint: &str) -> Vec<String> {
    let bytes: Vec<&str> = fingerprint.split(':').collect();
    bytes.chunks(11).map(|row| row.join(" ")).collect()
}

fn page_number(page: MenuPage) -> u8 {
    match page {
        MenuPage::Sound => 1,
        MenuPage::Picture => 2,
        MenuPage::Guests => 3,
        MenuPage::Door => 4,
    }
}

/// Height of the menu.
pub(super) const MENU_HEIGHT: f64 = 296.0;
const MARGIN: f64 = 28.0;
