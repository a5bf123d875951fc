//! One sentence about the box itself, over everything else: what became of a stick or an update, and that it forgets everything.

use super::layout::{MARGIN, Setting};
use super::sheet::{AMBER, HAIR, INK, PAPER, WELL};
use super::sheet::{Align, Area, Placed, Run, Sheet, Sign, Size, Style, Weight};
use super::words::{self, say};

/// What the box has to say of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeFace {
    /// The sentence.
    pub japanese: String,
    /// The same.
    pub english: String,
    /// What kind of news it is.
    pub tone: Tone,
    /// How much of it is done, 0 to 100; none: nothing is counted.
    pub percent: Option<u8>,
}

/// What kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Under way.
    Plain,
    /// As wished.
    Good,
    /// Refused or failed.
    Bad,
}

/// The slip, at the top of the screen and never above `top`.
pub(super) fn notice(setting: &Setting<'_>, notice: &NoticeFace, top: f64) -> Placed {
    let text = say(setting.language, &notice.japanese, &notice.english);
    let width = WIDEST.min(setting.canvas.width - 96.0);
    let inner = width - SIGN - 2.0 * INSET;
    let lines = broken(text, inner / Size::Body.pixels());
    let height = lines.len() as f64 * LINE;
    let bar = if notice.percent.is_some() { BAR + INSET } else { 0.0 };
    let mut sheet = Sheet::new(width, height + 2.0 * INSET + bar);
    let fill = match notice.tone {
        Tone::Plain => PAPER,
        Tone::Good => WELL,
        Tone::Bad => AMBER,
    };
    sheet.plate(sheet.area(), 28.0, fill);
    let sign = Run::Sign { sign: Sign::Notice, size: Size::Body, colour: INK };
    sheet.row(Area::new(INSET, INSET, SIGN, height), Align::Left, vec![sign]);
    for (place, line) in lines.into_iter().enumerate() {
        let area = Area::new(INSET + SIGN, INSET + place as f64 * LINE, inner, LINE);
        sheet.row(area, Align::Left, vec![Run::words(line, Style::new(Size::Body, Weight::Bold, INK))]);
    }
    if let Some(percent) = notice.percent {
        let whole = Area::new(INSET + SIGN, INSET + height + INSET / 2.0, inner - NUMBER, BAR);
        sheet.plate(whole, BAR / 2.0, HAIR);
        let done = whole.width * f64::from(percent.min(100)) / 100.0;
        if done >= BAR {
            sheet.plate(Area { width: done, ..whole }, BAR / 2.0, INK);
        }
        let number = Area::new(whole.x + whole.width, whole.y - 15.0, NUMBER, BAR + 30.0);
        let style = Style::new(Size::Small, Weight::Bold, INK);
        sheet.row(number, Align::Right, vec![Run::words(format!("{} %", percent.min(100)), style)]);
    }
    let x = (setting.canvas.width - width) / 2.0 + setting.shift.0;
    sheet.at(x, top.max(MARGIN) + setting.shift.1)
}

/// Lines of at most so many letters' width: English breaks between words, Japanese anywhere but before a stop.
fn broken(text: &str, most: f64) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for letter in text.chars() {
        let goes_on = match pieces.last().and_then(|piece| piece.chars().last()) {
            Some(before) => {
                STOPS.contains(letter) || letter == ' ' || (letter.is_ascii() && before.is_ascii() && before != ' ')
            }
            None => false,
        };
        match pieces.last_mut().filter(|_| goes_on) {
            Some(piece) => piece.push(letter),
            None => pieces.push(letter.to_string()),
        }
    }
    let mut lines = vec![String::new()];
    for piece in pieces {
        let full =
            lines.last().is_some_and(|line| !line.is_empty() && words::width(line) + words::width(&piece) > most);
        if full && lines.len() < LINES {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(&piece);
        }
    }
    lines
}

const STOPS: &str = "。、」）！？・ー";
const WIDEST: f64 = 1500.0;
const INSET: f64 = 32.0;
const SIGN: f64 = 84.0;
const LINE: f64 = 66.0;
const LINES: usize = 5;
const BAR: f64 = 20.0;
const NUMBER: f64 = 120.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_break_where_people_would() {
        assert_eq!(broken("あいう。えお", 3.0), ["あい", "う。え", "お"]);
        assert_eq!(broken("Leave the power on.", 6.0), ["Leave the ", "power on."]);
        assert_eq!(broken("版 0.2.0 を", 4.0), ["版 ", "0.2.0 ", "を"]);
        assert_eq!(broken(&"長".repeat(160), 30.0).len(), LINES, "the last line is made smaller");
    }
}
