//! Where everything stands: pure, from a look to sheets.
//!
//! ```text
//!  Quiet, Talking              Meeting                      Curtain, Asleep
//!  ┌────────────────────┐      ┌───────────────┬──────┐     ┌────────────────────┐
//!  │ slips  banner own  │      │               │ far  │     │  who shut it       │
//!  │  far picture       │      │  place for    ├──────┤     │  how it opens      │
//!  │  sentence, menu    │      │  the page     │ own  │     │                    │
//!  ├────────────────────┤      ├───────────────┴──────┤     ├────────────────────┤
//!  │ name, mode · link  │      │ name, mode · link    │     │ name, mode · link  │
//!  │ MICROPHONE         │      │ MICROPHONE           │     │ MICROPHONE         │
//!  └────────────────────┘      └──────────────────────┘     └────────────────────┘
//! ```

use super::super::page::PagePicture;
use super::sheet::{Align, Area, Colour, Placed, Run, SOFT, Sheet, Size, Style, Weight};
use super::sheet::{BOARD, DUSK, GLASS, INK, NIGHT, PAPER};
use super::words::{self, say};
use super::{Look, board, calm, cards, door, floor, guide, live, notice, slips};
use crate::core::face::PageState;
use crate::core::plan::Picture;
use crate::model::{Language, Mode, Stance, Veil};

/// A whole screen, in design pixels.
pub(super) struct Layout {
    pub backdrop: Colour,
    pub picture: Option<Area>,
    pub own: Option<Area>,
    /// The drawn page stands in its middle.
    pub page: Option<Area>,
    /// So does the live share.
    pub live: Option<Area>,
    /// Behind the pictures.
    pub under: Vec<Placed>,
    /// From back to front.
    pub sheets: Vec<Placed>,
}

/// What every part is laid out from.
#[derive(Clone, Copy)]
pub(super) struct Setting<'l> {
    pub look: &'l Look,
    pub language: Language,
    /// The screen.
    pub canvas: Area,
    /// The screen without the board.
    pub free: Area,
    /// How far everything is moved.
    pub shift: (f64, f64),
}

impl<'l> Setting<'l> {
    pub(super) fn new(look: &'l Look, language: Language, canvas: Area) -> Self {
        let free = Area { height: canvas.height - board::height(&look.screen.face), ..canvas };
        Self { look, language, canvas, free, shift: shift(look.place) }
    }
}

/// Lays out a look on a canvas.
pub(super) fn layout(look: &Look, language: Language, canvas: Area) -> Layout {
    let setting = Setting::new(look, language, canvas);
    let mut layout = of_the_room(&setting);
    if let Some(told) = &look.constants.notice {
        // A banner is always the last sheet.
        let banner = look.screen.face.banner.as_ref().and(layout.sheets.last()).filter(|_| layout.backdrop != NIGHT);
        let top = banner.map_or(0.0, |banner| banner.y - setting.shift.1 + banner.sheet.height + MARGIN);
        layout.sheets.push(notice::notice(&setting, told, top));
    }
    layout
}

fn of_the_room(setting: &Setting<'_>) -> Layout {
    let Setting { look, canvas, free, shift, .. } = *setting;
    let face = &look.screen.face;
    if face.near == Stance::Asleep {
        return Layout { sheets: calm::night(setting), ..Layout::bare(NIGHT) };
    }
    let mut sheets = Vec::new();
    let mut layout = Layout::bare(INK);
    let seen = look.screen.picture != Picture::Nothing;
    match face.mode {
        Mode::Quiet | Mode::Talking => {
            layout.picture = seen.then_some(canvas);
            let sentence = words_over(setting, free);
            let bottom = sentence.as_ref().map_or(free.height, |sentence| sentence.y - shift.1) - MARGIN;
            sheets.extend(slips::slips(setting, bottom));
            sheets.extend(floor::floor(setting, free));
            sheets.extend(sentence);
            if face.own_picture {
                let own = Area::new(canvas.width - OWN.0 - 48.0, 48.0, OWN.0, OWN.1).moved(shift);
                sheets.push(own_frame(setting, own));
                layout.own = look.own_is_live.then_some(own);
            }
        }
        Mode::Meeting => {
            let strip = Area::new(canvas.width - STRIP - MARGIN, MARGIN, STRIP, STRIP * 9.0 / 16.0).moved(shift);
            // A live share stands beside the far room, whatever its shape: something may happen in every corner of it.
            let shape = look.page.as_ref().map_or(1.0, PagePicture::shape);
            let place = page_area(canvas, shape, face.mode);
            layout.under.push(calm::place(setting, place));
            layout.page = Some(place.moved(shift));
            layout.live = look.live_shape.filter(|_| face.live.shown.is_some()).map(|_| place.moved(shift));
            sheets.extend(layout.live.and_then(|_| live::silent(setting, place)));
            sheets.extend(calm::coming(setting, place));
            sheets.extend(floor::floor(setting, place));
            sheets.extend(words_over(setting, place));
            layout.picture = seen.then_some(strip);
            if !seen {
                sheets.push(calm::empty_strip(setting, strip));
            }
            let under = Area { y: strip.y + strip.height + MARGIN, ..strip };
            if face.own_picture {
                sheets.push(own_frame(setting, under));
                layout.own = look.own_is_live.then_some(under);
            }
            // A wide page has the whole screen, and the far room over it; the caption would cover its text.
            if shape < WIDE {
                sheets.extend(calm::caption(setting, strip));
            }
            sheets.extend(calm::meeting_clock(setting, strip, shape >= WIDE && !face.own_picture));
        }
        Mode::Curtain | Mode::Asleep => {
            layout.backdrop = DUSK;
            let shown = face.page.as_ref().is_some_and(|page| !matches!(page.state, PageState::Refused(_)));
            if (shown || face.live.shown.is_some()) && face.drawn.is_none() {
                sheets.push(calm::shut_line(setting));
                let place = page_area(canvas, 1.0, face.mode);
                layout.under.push(calm::place(setting, place));
                layout.page = Some(place.moved(shift));
                layout.live = look.live_shape.filter(|_| face.live.shown.is_some()).map(|_| place.moved(shift));
                sheets.extend(layout.live.and_then(|_| live::silent(setting, place)));
                sheets.extend(calm::coming(setting, place));
            } else {
                sheets.extend(calm::shut(setting));
            }
        }
    }
    sheets.extend(live::line(setting));
    sheets.extend(board::board(setting));
    if let Some(code) = face.code {
        sheets.push(door::page(setting, code));
    }
    if let Some(page) = face.menu {
        sheets.push(cards::menu(setting, page));
    }
    if let Some(banner) = &face.banner {
        sheets.push(cards::banner(setting, banner));
    }
    layout.sheets = sheets;
    layout
}

/// Where a page of this shape (width by height) stands: beside the far room, under it if it is wide, alone behind a curtain.
pub(super) fn page_area(canvas: Area, shape: f64, mode: Mode) -> Area {
    let free = Area::new(MARGIN, MARGIN, canvas.width - 2.0 * MARGIN, canvas.height - board::TALLEST - 2.0 * MARGIN);
    if mode == Mode::Meeting && shape < WIDE { Area { width: free.width - STRIP - MARGIN, ..free } } else { free }
}

impl Layout {
    fn bare(backdrop: Colour) -> Self {
        Self { backdrop, picture: None, own: None, page: None, live: None, under: Vec::new(), sheets: Vec::new() }
    }
}

/// Moved against burn-in: by at most six pixels, every three minutes, round in 24 minutes.
pub(super) fn shift(place: u64) -> (f64, f64) {
    const ROUND: [(f64, f64); 8] =
        [(0.0, 0.0), (4.0, -2.0), (6.0, 0.0), (4.0, 4.0), (0.0, 6.0), (-4.0, 4.0), (-6.0, 0.0), (-4.0, -2.0)];
    ROUND[(place % ROUND.len() as u64) as usize]
}

/// Sentence and age, or what explains an empty or dark picture.
fn words_over(setting: &Setting<'_>, place: Area) -> Option<Placed> {
    let (look, language) = (setting.look, setting.language);
    let face = &look.screen.face;
    if let Some(unset) = &look.constants.guide {
        // Whoever asked for the code reads that.
        return face.code.is_none().then(|| guide::guide(setting, unset));
    }
    let sentence = words::sentence(look, language);
    let black = face.far_veil == Veil::Black && look.screen.picture == Picture::Live;
    let explained = match (sentence, look.screen.picture) {
        (Some(sentence), _) => Some(sentence),
        (None, Picture::Nothing) if face.sealed => {
            Some(say(language, "相手の映像を待っています", "Waiting for the other room's picture").into())
        }
        (None, _) if black => {
            Some(say(language, "相手の部屋がカメラを黒くしています", "The other room has made its camera black").into())
        }
        (None, _) => None,
    };
    let age = look.held_s.map(|seconds| words::age(seconds, language));
    if explained.is_none() && age.is_none() {
        return None;
    }
    let most = (place.width - 2.0 * MARGIN).min(1640.0);
    let lines: Vec<&str> = explained.iter().flat_map(|text| text.lines()).collect();
    let widest = lines.iter().map(|line| words::width(line)).fold(8.0, f64::max);
    let size = if widest * Size::Title.pixels() + 2.0 * INSET > most { Size::Body } else { Size::Title };
    let width = (widest * size.pixels() + 2.0 * INSET).min(most);
    let line_height = size.pixels() * 1.4;
    let words_height = lines.len() as f64 * line_height;
    let age_height = if age.is_some() { 68.0 } else { 0.0 };
    let mut sheet = Sheet::new(width, words_height + age_height + 56.0);
    let alone = look.screen.picture == Picture::Nothing && face.mode != Mode::Meeting;
    if !alone {
        sheet.plate(sheet.area(), 28.0, GLASS);
    }
    let inner = Area::new(INSET / 2.0, 28.0, width - INSET, words_height);
    for (line, text) in lines.into_iter().enumerate() {
        let area = Area { y: inner.y + line as f64 * line_height, height: line_height, ..inner };
        sheet.row(area, Align::Middle, vec![Run::words(text, Style::new(size, Weight::Bold, PAPER))]);
    }
    if let Some(age) = age {
        let style = Style::new(Size::Body, Weight::Plain, SOFT);
        let area = Area { y: inner.y + words_height, height: age_height, ..inner };
        sheet.row(area, Align::Middle, vec![Run::words(age, style)]);
    }
    let x = place.x + (place.width - width) / 2.0 + setting.shift.0;
    let bottom = place.y + place.height;
    let above = if face.menu.is_some() { cards::menu_height(face) + 64.0 } else { 40.0 };
    let y = if alone { place.y + (place.height - sheet.height) / 2.0 } else { bottom - sheet.height - above };
    Some(sheet.at(x, y + setting.shift.1))
}

/// What frames the own picture, says what it is, and stands in for it while nothing is sent.
fn own_frame(setting: &Setting<'_>, own: Area) -> Placed {
    let language = setting.language;
    let mut sheet = Sheet::new(own.width + 2.0 * LINE, own.height + 2.0 * LINE + 56.0);
    let picture = Area::new(LINE, LINE, own.width, own.height);
    if !setting.look.own_is_live {
        sheet.plate(picture, 0.0, BOARD);
        let style = Style::new(Size::Small, Weight::Plain, SOFT);
        let nothing = say(language, "いまは何も\n送っていません", "Nothing is sent\nat the moment");
        sheet.text(picture.inside(20.0), Align::Middle, style, nothing);
    }
    let label = Area::new(0.0, own.height + LINE, own.width + 2.0 * LINE, 56.0 + LINE);
    sheet.plate(label, 0.0, PAPER);
    for side in [
        Area { height: LINE, ..sheet.area() },
        Area { width: LINE, ..sheet.area() },
        Area { x: sheet.width - LINE, width: LINE, ..sheet.area() },
    ] {
        sheet.plate(side, 0.0, PAPER);
    }
    let style = Style::new(Size::Small, Weight::Bold, INK);
    let words = say(language, "相手に見えている映像", "What the other room sees");
    sheet.row(label.inside(4.0), Align::Middle, vec![Run::words(words, style)]);
    sheet.at(own.x - LINE, own.y - LINE)
}

/// Between parts, and to the edge.
pub(super) const MARGIN: f64 = 28.0;
/// Pages at least so wide by their height, such as slides, have the whole screen.
const WIDE: f64 = 1.6;
/// Width of what stands beside the shared page.
const STRIP: f64 = 460.0;
/// The own picture.
const OWN: (f64, f64) = (400.0, 225.0);
const LINE: f64 = 4.0;
/// Beside a sentence.
const INSET: f64 = 72.0;
