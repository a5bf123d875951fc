//! Who shares a screen, from which room, and for a moment why a share ended: one small line that covers as little as can be.
//! Only over a picture that is not live stand large words: nobody needs to see through them.

use super::layout::Setting;
use super::sheet::{AMBER, Align, GLASS, PAPER, Placed, Run, Sheet, Sign, Size, Style, Weight};
use super::sheet::{Area, SOFT};
use super::words::{self, say};
use crate::core::face::{LiveLine, Silent};
use crate::model::{Language, LiveEnd, LiveKind, Mode, Side};

/// At the foot of the picture; behind a curtain at its top, because the foot says who drew it.
pub(super) fn line(setting: &Setting<'_>) -> Option<Placed> {
    let live = &setting.look.screen.face.live;
    let (text, sign, colour) = match (&live.ended, &live.shown) {
        (Some((line, why)), _) => (ended(setting, line, *why), Sign::Notice, AMBER),
        (None, Some(line)) => (shown(setting, line), Sign::Screen, PAPER),
        (None, None) => return None,
    };
    let width = (words::width(&text) * Size::Small.pixels() * LOOSE + BESIDE).min(setting.canvas.width - BESIDE);
    let mut sheet = Sheet::new(width, LINE);
    sheet.plate(sheet.area(), 14.0, GLASS);
    let style = Style::new(Size::Small, Weight::Bold, colour);
    let runs = vec![Run::Sign { sign, size: Size::Small, colour }, Run::Gap(14.0), Run::Yields { text, style }];
    sheet.row(sheet.area().inside(4.0), Align::Middle, runs);
    let y = match setting.look.screen.face.mode {
        Mode::Quiet | Mode::Talking | Mode::Meeting => setting.free.height - LINE - EDGE,
        Mode::Curtain | Mode::Asleep => EDGE,
    };
    Some(sheet.at((setting.canvas.width - width) / 2.0 + setting.shift.0, y + setting.shift.1))
}

/// That nothing comes, and for how long: over the middle of the grey picture.
pub(super) fn silent(setting: &Setting<'_>, place: Area) -> Option<Placed> {
    let live = &setting.look.screen.face.live;
    let (seconds, silent) = setting.look.live_silent_s.zip(live.silent)?;
    let said = silence(silent.of, live.shown.as_ref()?.kind, setting.language);
    let age = match setting.language {
        Language::Japanese => format!("{seconds} 秒"),
        Language::English => format!("{seconds} s"),
    };
    let width = (words::width(said) + AGE_LETTERS) * Size::Title.pixels() + SILENT_INSET;
    let mut sheet = Sheet::new(width.min(place.width - 2.0 * EDGE), SILENT_HEIGHT);
    sheet.plate(sheet.area(), 28.0, GLASS);
    let bold = Style::new(Size::Title, Weight::Bold, PAPER);
    let age = Run::words(age, Style { weight: Weight::Plain, colour: SOFT, ..bold });
    sheet.row(sheet.area().inside(24.0), Align::Middle, vec![Run::words(said, bold), Run::Gap(32.0), age]);
    let (x, y) = (place.x + (place.width - sheet.width) / 2.0, place.y + (place.height - sheet.height) / 2.0);
    Some(sheet.at(x + setting.shift.0, y + setting.shift.1))
}

fn silence(of: Silent, kind: LiveKind, language: Language) -> &'static str {
    match (of, kind) {
        (Silent::Source, LiveKind::Browser | LiveKind::Sender) => {
            say(language, "パソコンから届いていません", "Nothing comes from the PC")
        }
        (Silent::Source, LiveKind::Input) => {
            say(language, "映像入力から届いていません", "Nothing comes from the input")
        }
        (Silent::FarBox, _) => say(language, "相手の部屋から届いていません", "Nothing comes from the other room"),
    }
}

/// Whose, from which room; neither name longer than so many letters.
pub(super) fn whose(setting: &Setting<'_>, line: &LiveLine, letters: f64) -> String {
    let language = setting.language;
    let name = words::short(if line.name.is_empty() { line.kind.text(language) } else { &line.name }, letters);
    let room = match line.side {
        Side::Near => say(language, "この部屋", "this room").to_owned(),
        Side::Far => words::short(words::far_name(&setting.look.screen.face, language), letters),
    };
    match language {
        Language::Japanese => format!("{room}の「{name}」"),
        Language::English => format!("“{name}” ({room})"),
    }
}

fn shown(setting: &Setting<'_>, line: &LiveLine) -> String {
    let whose = whose(setting, line, NAME);
    match setting.language {
        Language::Japanese => format!("{whose}が画面を見せています"),
        Language::English => format!("{whose} shares a screen"),
    }
}

fn ended(setting: &Setting<'_>, line: &LiveLine, why: LiveEnd) -> String {
    let whose = whose(setting, line, NAME);
    match (setting.language, why) {
        (Language::Japanese, LiveEnd::Vanished) => format!("{whose}との接続が切れたため、画面の共有を終えました"),
        (Language::Japanese, LiveEnd::Unplugged) => format!("{whose}の信号がなくなったため、画面の共有を終えました"),
        (Language::Japanese, LiveEnd::Failed) => format!("{whose}の映像を読み取れないため、画面の共有を終えました"),
        (Language::Japanese, LiveEnd::Unheard) => format!("{whose}の映像が届かないため、画面の共有を終えました"),
        (Language::Japanese, LiveEnd::Stopped | LiveEnd::TakenOver | LiveEnd::MeetingOver | LiveEnd::Refused) => {
            format!("{whose}の画面の共有が終わりました")
        }
        (Language::English, LiveEnd::Vanished) => format!("The connection to {whose} was lost: no longer shared"),
        (Language::English, LiveEnd::Unplugged) => format!("{whose} has no signal any more: no longer shared"),
        (Language::English, LiveEnd::Failed) => format!("The picture of {whose} cannot be read: no longer shared"),
        (Language::English, LiveEnd::Unheard) => format!("No picture of {whose} arrives: no longer shared"),
        (Language::English, LiveEnd::Stopped | LiveEnd::TakenOver | LiveEnd::MeetingOver | LiveEnd::Refused) => {
            format!("{whose} shares no screen any more")
        }
    }
}

/// Room for the age.
const AGE_LETTERS: f64 = 4.0;
/// Beside and above the words that nothing comes.
const SILENT_INSET: f64 = 120.0;
const SILENT_HEIGHT: f64 = 140.0;
/// Letters of a name.
const NAME: f64 = 12.0;
/// Height of the line.
const LINE: f64 = 48.0;
/// To the edge of the place.
const EDGE: f64 = 6.0;
/// Sign and margins.
const BESIDE: f64 = 96.0;
/// Type is a little wider than reckoned.
const LOOSE: f64 = 1.06;
