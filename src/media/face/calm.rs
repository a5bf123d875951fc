//! The calm scenes: a drawn curtain, a sleeping room, and the meeting's place for a page.

use super::layout::{MARGIN, Setting};
use super::sheet::{Align, Area, Mark, Placed, Run, Sheet, Size, Style, Weight};
use super::sheet::{BOARD, EMBER, GLASS, HAIR, PAPER, PLACE, SOFT};
use super::words::{self, say};
use crate::core::face::PageState;
use crate::model::{Key, MicState, Mode, Stance};

/// A curtain is drawn somewhere, or the other room sleeps: who shut it, how it opens, and what else is to be said.
pub(super) fn shut(setting: &Setting<'_>) -> Vec<Placed> {
    let (face, language, free) = (&setting.look.screen.face, setting.language, setting.free);
    let mut sheets = Vec::new();
    if face.mode == Mode::Curtain {
        let canvas = setting.canvas;
        let mut folds = Sheet::new(canvas.width, canvas.height);
        folds.marks.push(Mark::Folds { area: folds.area() });
        sheets.push(folds.at(0.0, 0.0));
    }
    let (who, how) = words::shut(face, language);
    let soft = Style::new(Size::Body, Weight::Plain, SOFT);
    let bold = Style::new(Size::Body, Weight::Bold, PAPER);
    let mut rows =
        vec![(110.0, vec![Run::words(who, Style { size: Size::Title, ..bold })]), (80.0, vec![Run::words(how, soft)])];
    if let Some(why) = face.drawn {
        rows.push((80.0, vec![Run::words(why.text(language), soft)]));
    }
    if face.near == Stance::Curtain {
        let key = Run::Key { text: words::key(Key::Curtain, language).into(), style: bold };
        let opens = Run::words(say(language, "で開けます", "opens it"), Style { colour: PAPER, ..soft });
        rows.push((150.0, vec![key, Run::Gap(18.0), opens]));
    }
    if let Some(sentence) = words::sentence(setting.look, language) {
        rows.push((100.0, vec![Run::words(sentence.replace('\n', " "), Style { size: Size::Small, ..soft })]));
    }
    let width = setting.canvas.width - 2.0 * MARGIN;
    let mut sheet = Sheet::new(width, rows.iter().map(|(height, _)| height).sum());
    let mut y = 0.0;
    for (height, runs) in rows {
        sheet.row(Area::new(0.0, y, width, height), Align::Middle, runs);
        y += height;
    }
    let y = (free.height - sheet.height) / 2.0;
    sheets.push(sheet.at(MARGIN + setting.shift.0, y + setting.shift.1));
    sheets
}

/// The same in one line, over a page that this room alone looks at.
pub(super) fn shut_line(setting: &Setting<'_>) -> Placed {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let mut sheet = Sheet::new(1240.0, 84.0);
    sheet.plate(sheet.area(), 28.0, GLASS);
    let bold = Style::new(Size::Small, Weight::Bold, PAPER);
    let mut runs = vec![Run::words(words::shut(face, language).0, bold)];
    if face.near == Stance::Curtain {
        runs.push(Run::Gap(32.0));
        runs.push(Run::Key { text: words::key(Key::Curtain, language).into(), style: bold });
        let opens = Style { weight: Weight::Plain, ..bold };
        runs.extend([Run::Gap(12.0), Run::words(say(language, "で開けます", "opens it"), opens)]);
    }
    sheet.row(sheet.area(), Align::Middle, runs);
    let x = (setting.canvas.width - sheet.width) / 2.0 + setting.shift.0;
    let y = setting.free.height - sheet.height - MARGIN + setting.shift.1;
    sheet.at(x, y)
}

/// This room sleeps: nearly black, and what is left of it wanders.
pub(super) fn night(setting: &Setting<'_>) -> Vec<Placed> {
    let (look, language, canvas) = (setting.look, setting.language, setting.canvas);
    let face = &look.screen.face;
    let (who, how) = words::shut(face, language);
    let dim = Style::new(Size::Body, Weight::Plain, EMBER);
    let small = Style { size: Size::Small, ..dim };
    let mut sheet = Sheet::new(1200.0, 300.0);
    let line = |y: f64| Area::new(0.0, y, 1200.0, 60.0);
    sheet.row(line(0.0), Align::Middle, vec![Run::words(who, dim)]);
    sheet.row(line(64.0), Align::Middle, vec![Run::words(how, small)]);
    let (state, hint) = match face.microphone {
        MicState::Closed => (words::microphone(face, language).0, ""),
        MicState::LevelsOnly | MicState::Open => words::microphone(face, language),
    };
    let said = [state, hint, words::link(face, language), words::far_name(face, language)];
    let said = said.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("　");
    sheet.row(line(168.0), Align::Middle, vec![Run::words(said, small)]);
    if let Some(sentence) = words::sentence(look, language) {
        sheet.row(line(228.0), Align::Middle, vec![Run::words(sentence.replace('\n', " "), small)]);
    }
    let x = (canvas.width - sheet.width) / 2.0 + setting.shift.0 * WANDERS;
    let y = (canvas.height - sheet.height) / 2.0 + setting.shift.1 * WANDERS;
    vec![sheet.at(x, y)]
}

/// Where the shared page will stand, and why it does not yet; bare behind one that is drawn.
pub(super) fn place(setting: &Setting<'_>, place: Area) -> Placed {
    let language = setting.language;
    let mut sheet = Sheet::new(place.width, place.height);
    sheet.plate(sheet.area(), 20.0, PLACE);
    let page = setting.look.screen.face.page.as_ref().filter(|_| setting.look.page.is_none());
    let (title, line) = match page.map(|page| words::page_state(page, language)) {
        None if setting.look.page.is_some() => Default::default(),
        None if setting.look.screen.face.live.shown.is_some() => {
            (say(language, "画面が届くのを待っています", "Waiting for the screen").to_owned(), String::new())
        }
        None => (say(language, "資料はまだ共有されていません", "Nothing is shared yet").to_owned(), String::new()),
        Some(state) => state.unwrap_or_default(),
    };
    let busy = setting.look.screen.sentence.is_some() || setting.look.held_s.is_some();
    let height = place.height * if busy { 0.6 } else { 1.0 } - if line.is_empty() { 0.0 } else { 70.0 };
    let area = Area { height, ..sheet.area() };
    sheet.row(area, Align::Middle, vec![Run::words(title, Style::new(Size::Title, Weight::Plain, SOFT))]);
    if let Some(PageState::Arriving(done)) = page.map(|page| page.state) {
        let bar = Area { y: height / 2.0 + 120.0, height: 60.0, ..sheet.area() };
        sheet.row(bar, Align::Middle, vec![Run::Gauge { width: 640.0, hundredths: done.min(100) }]);
    }
    let below = Area { y: height / 2.0 + 40.0, height: 80.0, ..sheet.area().inside(40.0) };
    let below = Area { y: height / 2.0 + 40.0, height: 80.0, ..below };
    sheet.row(below, Align::Middle, vec![Run::words(line, Style::new(Size::Small, Weight::Plain, SOFT))]);
    sheet.marks.push(Mark::Outline { area: sheet.area(), radius: 20.0, line: 2.0, colour: HAIR });
    sheet.at(place.x + setting.shift.0, place.y + setting.shift.1)
}

/// That the rest is still coming, at the foot of a page that is drawn already.
pub(super) fn coming(setting: &Setting<'_>, place: Area) -> Option<Placed> {
    let (look, language) = (setting.look, setting.language);
    let page = look.screen.face.page.as_ref().filter(|_| look.page.is_some())?;
    let PageState::Arriving(done) = page.state else { return None };
    let (title, _) = words::page_state(page, language)?;
    let mut sheet = Sheet::new(place.width.min(760.0), COMING);
    sheet.plate(sheet.area(), 12.0, GLASS);
    let words = Run::words(title, Style::new(Size::Small, Weight::Plain, PAPER));
    let runs = vec![words, Run::Gap(24.0), Run::Gauge { width: 200.0, hundredths: done.min(100) }];
    sheet.row(sheet.area().inside(4.0), Align::Middle, runs);
    let x = place.x + (place.width - sheet.width) / 2.0 + setting.shift.0;
    Some(sheet.at(x, place.y + place.height - COMING + setting.shift.1))
}

/// Where the far picture would stand.
pub(super) fn empty_strip(setting: &Setting<'_>, strip: Area) -> Placed {
    let mut sheet = Sheet::new(strip.width, strip.height);
    sheet.plate(sheet.area(), 0.0, BOARD);
    let words = say(setting.language, "相手の映像は\nまだありません", "No picture of\nthe other room yet");
    let style = Style::new(Size::Small, Weight::Plain, SOFT);
    sheet.text(sheet.area().inside(20.0), Align::Middle, style, words);
    sheet.at(strip.x, strip.y)
}

/// Name and page of what stands there, above the meeting clock.
pub(super) fn caption(setting: &Setting<'_>, strip: Area) -> Option<Placed> {
    let shown = |state| state == PageState::Here || setting.look.page.is_some();
    let page = setting.look.screen.face.page.as_ref().filter(|page| shown(page.state))?;
    let mut sheet = Sheet::new(strip.width, 160.0);
    sheet.plate(sheet.area(), 20.0, BOARD);
    let small = Style::new(Size::Small, Weight::Plain, SOFT);
    let name: String = page.name.chars().take(CAPTION).collect();
    sheet.row(Area::new(16.0, 18.0, strip.width - 32.0, 56.0), Align::Middle, vec![Run::words(name, small)]);
    let big = Style::new(Size::Body, Weight::Bold, PAPER);
    // What is drawn, not what is to be drawn: two rooms that speak of a page speak of what they see.
    let drawn = setting.look.page.as_ref().map(|drawn| drawn.look().page);
    let which = words::page_of(page, drawn.unwrap_or(page.look.page), setting.language);
    let which = if drawn == Some(page.look.page) { which } else { format!("{which} …") };
    sheet.row(Area::new(0.0, 78.0, strip.width, 64.0), Align::Middle, vec![Run::words(which, big)]);
    let y = setting.free.height - 2.0 * MARGIN - 150.0 - sheet.height;
    Some(sheet.at(strip.x, y + setting.shift.1))
}

/// How long the meeting lasts, at the foot of the strip.
pub(super) fn meeting_clock(setting: &Setting<'_>, strip: Area, over: bool) -> Option<Placed> {
    let minutes = setting.look.meeting_min?;
    let mut sheet = Sheet::new(strip.width, 150.0);
    sheet.plate(sheet.area(), 20.0, BOARD);
    let label = say(setting.language, "会議のはじまりから", "Meeting for");
    let small = Style::new(Size::Small, Weight::Plain, SOFT);
    sheet.row(Area::new(0.0, 14.0, strip.width, 44.0), Align::Middle, vec![Run::words(label, small)]);
    let big = Style::new(Size::Title, Weight::Bold, PAPER);
    let clock = words::meeting(minutes, setting.language);
    sheet.row(Area::new(0.0, 52.0, strip.width, 90.0), Align::Middle, vec![Run::words(clock, big)]);
    // Over a wide page it stands right under the far room, where it covers least.
    let foot = setting.free.height - MARGIN - sheet.height + setting.shift.1;
    Some(sheet.at(strip.x, if over { strip.y + strip.height + MARGIN } else { foot }))
}

/// Lower than where a sentence over the page ends.
const COMING: f64 = 40.0;
/// Letters of a document's name.
const CAPTION: usize = 14;
/// How much farther than everything else the words of the night move.
const WANDERS: f64 = 24.0;
