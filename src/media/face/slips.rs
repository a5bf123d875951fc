//! The notice board on the screen: the newest notes as slips of paper down the left edge, older ones counted above them.
//!
//! They stand back for whatever wants an eye now: a banner, the menu, the room code, a poll; and end above the sentence.

use super::layout::Setting;
use super::sheet::{Align, Area, GLASS, INK, Mark, PAPER, Placed, Run, SHADE, SLIP, Sheet, Size, Style, Weight};
use super::words::{self, say};
use crate::core::notes::{Note, Paper, SHEET};
use gstreamer::glib::DateTime;

/// The slips; none of them reaches below `bottom`.
pub(super) fn slips(setting: &Setting<'_>, bottom: f64) -> Vec<Placed> {
    let face = &setting.look.screen.face;
    if face.banner.is_some() || face.menu.is_some() || face.code.is_some() || face.poll.is_some() {
        return Vec::new();
    }
    let sheets: Vec<Sheet> = face.slips.newest.iter().map(|(note, near)| slip(setting, note, *near)).collect();
    let all = sheets.len();
    let mut room = bottom - TOP - COUNT;
    let fits = |sheet: &Sheet| {
        room -= sheet.height + GAP;
        room >= 0.0
    };
    let mut shown: Vec<Sheet> = sheets.into_iter().rev().take_while(fits).collect();
    shown.reverse();
    let older = face.slips.older + all - shown.len();
    let (x, mut y) = (EDGE + setting.shift.0, TOP + setting.shift.1);
    let mut placed = Vec::new();
    if older > 0 && bottom > TOP + COUNT {
        placed.push(count(setting, older).at(x, y));
        y += COUNT;
    }
    for sheet in shown {
        let height = sheet.height;
        placed.push(sheet.at(x, y));
        y += height + GAP;
    }
    placed
}

fn slip(setting: &Setting<'_>, note: &Note, near: bool) -> Sheet {
    let width = WIDTH - 2.0 * INSET;
    let content = match &note.paper {
        Paper::Words(text) => {
            let lines = (words::width(text) * Size::Small.pixels() * LOOSE / width).ceil().clamp(1.0, LINES);
            lines * Size::Small.pixels() * 1.45
        }
        Paper::Drawing(_) => width * f64::from(SHEET[1]) / f64::from(SHEET[0]),
    };
    let mut sheet = Sheet::new(WIDTH, HEAD + content + INSET);
    sheet.plate(sheet.area(), 8.0, SLIP);
    let style = Style::new(Size::Small, Weight::Plain, SHADE);
    let who = match (note.name.is_empty(), near) {
        (false, _) => note.name.clone(),
        (true, true) => say(setting.language, "この部屋", "this room").into(),
        (true, false) => words::far_name(&setting.look.screen.face, setting.language).into(),
    };
    let head = Area::new(INSET, 0.0, width, HEAD);
    let runs = vec![Run::Yields { text: who, style }, Run::Gap(12.0), Run::words(time(note.written_ms), style)];
    sheet.row(head, Align::Left, runs);
    let area = Area::new(INSET, HEAD, width, content);
    match &note.paper {
        Paper::Words(text) => sheet.text(area, Align::Left, Style::new(Size::Small, Weight::Bold, INK), text),
        Paper::Drawing(strokes) => sheet.marks.push(Mark::Drawing { area, strokes: strokes.clone() }),
    }
    sheet
}

fn count(setting: &Setting<'_>, older: usize) -> Sheet {
    let mut sheet = Sheet::new(WIDTH, COUNT - GAP);
    sheet.plate(sheet.area(), 8.0, GLASS);
    let words = match setting.language {
        crate::model::Language::Japanese => format!("掲示板にほか{older}枚"),
        crate::model::Language::English => format!("{older} more on the board"),
    };
    let style = Style::new(Size::Small, Weight::Plain, PAPER);
    sheet.row(sheet.area().inside(8.0), Align::Middle, vec![Run::words(words, style)]);
    sheet
}

/// The box's local time, "11/22 10:05"; a clock can misdate, so the day stands on it.
fn time(written_ms: u64) -> String {
    let written = i64::try_from(written_ms / 1000).ok().and_then(|seconds| DateTime::from_unix_local(seconds).ok());
    let text = written.and_then(|written| written.format("%-m/%-d %H:%M").ok());
    text.map_or_else(|| "–".to_owned(), |text| text.to_string())
}

const EDGE: f64 = 40.0;
const TOP: f64 = 48.0;
const WIDTH: f64 = 340.0;
const INSET: f64 = 18.0;
/// Height of who and when.
const HEAD: f64 = 52.0;
/// Height of the line that counts, with its gap.
const COUNT: f64 = 66.0;
const GAP: f64 = 14.0;
/// Lines of a typed note; all of it stands on the page.
const LINES: f64 = 4.0;
/// Lines break before they are full.
const LOOSE: f64 = 1.08;
