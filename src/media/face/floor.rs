//! Raised hands in one line above, and the poll's result as a card: while both rooms are together.

use super::layout::{MARGIN, Setting};
use super::sheet::{Align, Area, GLASS, PAPER, Placed, Run, SOFT, Sheet, Sign, Size, Style, Weight};
use super::words::{self, say};
use crate::core::face::{PollFace, RaisedHand};
use crate::model::Language;

/// Card and line in the middle of `place`, the line on top; a banner has its place before it.
pub(super) fn floor(setting: &Setting<'_>, place: Area) -> Vec<Placed> {
    let face = &setting.look.screen.face;
    let mut sheets = Vec::new();
    if let Some(poll) = &face.poll {
        sheets.push(result(setting, poll, place));
    }
    if !face.hands.is_empty() && face.banner.is_none() && face.code.is_none() {
        sheets.push(hands(setting, &face.hands, place));
    }
    sheets
}

fn hands(setting: &Setting<'_>, hands: &[RaisedHand], place: Area) -> Placed {
    let language = setting.language;
    let mut sheet = Sheet::new(HANDS.min(place.width - 2.0 * MARGIN), LINE);
    sheet.plate(sheet.area(), 28.0, GLASS);
    let bold = Style::new(Size::Body, Weight::Bold, PAPER);
    let small = Style::new(Size::Small, Weight::Plain, SOFT);
    let mut runs = vec![
        Run::Sign { sign: Sign::Hand, size: Size::Body, colour: PAPER },
        Run::Gap(12.0),
        Run::words(say(language, "挙手", "Hands up"), small),
    ];
    for (place, hand) in hands.iter().take(NAMED).enumerate() {
        let room = || match hand.near {
            true => say(language, "この部屋", "this room").to_owned(),
            false => words::far_name(&setting.look.screen.face, language).to_owned(),
        };
        let name = if hand.name.is_empty() { room() } else { hand.name.clone() };
        let number = Run::words(format!("{} ", place + 1), small);
        runs.extend([Run::Gap(28.0), number, Run::words(words::short(&name, LETTERS), bold)]);
    }
    if let Some(more) = hands.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let words = match language {
            Language::Japanese => format!("ほか{more}人"),
            Language::English => format!("{more} more"),
        };
        runs.extend([Run::Gap(28.0), Run::words(words, small)]);
    }
    sheet.row(sheet.area().inside(20.0), Align::Left, runs);
    let x = place.x + (place.width - sheet.width) / 2.0 + setting.shift.0;
    sheet.at(x, place.y + MARGIN / 2.0 + setting.shift.1)
}

fn result(setting: &Setting<'_>, face: &PollFace, place: Area) -> Placed {
    let language = setting.language;
    let PollFace { poll, votes, skipped } = face;
    let all: u32 = votes.iter().sum();
    let row = if poll.choices.len() > MANY { 64.0 } else { 88.0 };
    let mut sheet = Sheet::new(CARD, HEAD + row * poll.choices.len() as f64 + FOOT);
    sheet.plate(sheet.area(), 28.0, GLASS);
    let inner = CARD - 2.0 * INSET;
    let bold = Style::new(Size::Body, Weight::Bold, PAPER);
    let head = Area::new(INSET, 14.0, inner, HEAD - 24.0);
    sheet.text(head, Align::Left, sized(&poll.question, bold, inner), poll.question.as_str());
    for (index, (choice, votes)) in poll.choices.iter().zip(votes).enumerate() {
        let area = Area::new(INSET, HEAD + row * index as f64, CHOICE, row);
        let style = sized(choice, bold, CHOICE);
        match poll.choices.len() > MANY {
            true => sheet.row(area, Align::Left, vec![Run::words(choice.as_str(), style)]),
            false => sheet.text(area, Align::Left, style, choice.as_str()),
        }
        let percent = (200 * votes + all).checked_div(2 * all).unwrap_or(0);
        let bar = Area { x: INSET + CHOICE + 20.0, width: BAR, ..area };
        let hundredths = u8::try_from(percent).unwrap_or(100);
        sheet.row(bar, Align::Left, vec![Run::Gauge { width: BAR, hundredths }]);
        let figures = Area { x: bar.x + BAR + 20.0, width: inner - CHOICE - BAR - 40.0, ..area };
        let words = match language {
            Language::Japanese => format!("{votes}票　{percent}%"),
            Language::English => format!("{votes}  ·  {percent}%"),
        };
        sheet.row(figures, Align::Right, vec![Run::words(words, bold)]);
    }
    let state = match (language, poll.open) {
        (Language::Japanese, true) => format!("受付中　選ばない {skipped}"),
        (Language::Japanese, false) => format!("締め切りました　選ばない {skipped}"),
        (Language::English, true) => format!("Open · {skipped} skipped"),
        (Language::English, false) => format!("Closed · {skipped} skipped"),
    };
    let foot = Area::new(INSET, sheet.height - FOOT, inner, FOOT - 8.0);
    sheet.row(foot, Align::Left, vec![Run::words(state, Style::new(Size::Small, Weight::Plain, SOFT))]);
    // Under the raised hands.
    let top = if setting.look.screen.face.hands.is_empty() { 0.0 } else { LINE + MARGIN / 2.0 + 4.0 };
    let y = place.y + ((place.height - sheet.height) / 2.0).max(top) + setting.shift.1;
    sheet.at(place.x + (place.width - CARD) / 2.0 + setting.shift.0, y)
}

/// Large where it fits one line, else small on two.
fn sized(text: &str, style: Style, width: f64) -> Style {
    let fits = words::width(text) * style.size.pixels() * 1.05 <= width;
    Style { size: if fits { style.size } else { Size::Small }, ..style }
}

/// Hands that are named.
const NAMED: usize = 4;
/// Letters of each name.
const LETTERS: f64 = 7.0;
/// Width of the line: beside slips and own picture.
const HANDS: f64 = 1000.0;
/// Height of the line.
const LINE: f64 = 84.0;
/// More choices stand closer together, each on one line.
const MANY: usize = 5;
const CARD: f64 = 1300.0;
const INSET: f64 = 44.0;
const HEAD: f64 = 124.0;
const FOOT: f64 = 64.0;
/// Widths within a row.
const CHOICE: f64 = 680.0;
const BAR: f64 = 220.0;
