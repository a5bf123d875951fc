//! What people drew on the page and where they point, laid over it.
//!
//! Places on the page become places on the screen by the part of the page that is drawn, so that both rooms see a line and a
//! pointer on the same word, whatever their screens are.

use super::layout::Setting;
use super::sheet::{Align, Area, CRIMSON, Colour, INDIGO, Mark, PAPER, Placed, Run, Sheet, Size, Style, Weight};
use super::words::{self, say};
use crate::core::face::PointerFace;
use crate::core::share::{Look, Point, Stroke};
use crate::model::{Role, Side};

/// Lines, then pointers; `shown`: the drawn part of the page on the screen, in design pixels.
pub(super) fn over_page(setting: &Setting<'_>, look: Look, shown: Area) -> Vec<Placed> {
    let face = &setting.look.screen.face;
    let Some(page) = face.page.as_ref().filter(|page| page.look.page == look.page) else { return Vec::new() };
    let lines = lines(&page.ink, look, shown);
    let pointers = face.pointers.iter().filter_map(|pointer| pointing(setting, pointer, look, shown));
    lines.into_iter().chain(pointers).collect()
}

/// One sheet as large as the page: what runs beyond what is shown of it is cut.
fn lines(strokes: &[Stroke], look: Look, shown: Area) -> Option<Placed> {
    if strokes.is_empty() {
        return None;
    }
    let mut sheet = Sheet::new(shown.width, shown.height);
    let width = PEN * f64::from(look.zoom.max(1000)) / 1000.0;
    for stroke in strokes {
        let points = stroke.points.iter().map(|point| place(*point, look, shown)).collect();
        sheet.marks.push(Mark::Line { points, width, colour: colour(stroke.by) });
    }
    Some(sheet.at(shown.x, shown.y))
}

/// A ring with the room's name; nothing where the pointed place is not shown.
fn pointing(setting: &Setting<'_>, pointer: &PointerFace, look: Look, shown: Area) -> Option<Placed> {
    let (x, y) = place(pointer.at, look, shown);
    let inside = (0.0..=shown.width).contains(&x) && (0.0..=shown.height).contains(&y);
    let name: String = match pointer.room {
        Side::Near => say(setting.language, "こちら", "Here").into(),
        Side::Far => words::far_name(&setting.look.screen.face, setting.language).chars().take(NAME).collect(),
    };
    let colour = colour(pointer.of);
    let label = words::width(&name) * Size::Small.pixels() + 28.0;
    let mut sheet = Sheet::new(RING + label.max(1.0), RING + 12.0);
    let middle = RING / 2.0;
    for (width, ink) in [(14.0, PAPER), (8.0, colour)] {
        let ring = Area::new(0.0, 0.0, RING, RING).inside(8.0 - width / 4.0);
        sheet.marks.push(Mark::Outline { area: ring, radius: ring.width / 2.0, line: width / 2.0, colour: ink });
    }
    sheet.marks.push(Mark::Line { points: vec![(middle, middle)], width: 16.0, colour: PAPER });
    sheet.marks.push(Mark::Line { points: vec![(middle, middle)], width: 11.0, colour });
    let plate = Area::new(RING - 6.0, RING - 34.0, label, 44.0);
    sheet.plate(plate, 22.0, colour);
    let style = Style::new(Size::Small, Weight::Bold, PAPER);
    sheet.row(plate.inside(6.0), Align::Middle, vec![Run::words(name, style)]);
    inside.then(|| sheet.at(shown.x + x - middle, shown.y + y - middle))
}

/// A place of the page, from the corner of what is shown of it.
fn place(point: Point, look: Look, shown: Area) -> (f64, f64) {
    let zoom = f64::from(look.zoom.max(1000)) / 1000.0;
    let along =
        |at: u16, corner: u16, length: f64| (f64::from(at) / 10_000.0 - f64::from(corner) / 1000.0) * zoom * length;
    (along(point[0], look.corner[0], shown.width), along(point[1], look.corner[1], shown.height))
}

fn colour(room: Role) -> Colour {
    match room {
        Role::Offerer => INDIGO,
        Role::Answerer => CRIMSON,
    }
}

/// Width of a line on a page that is shown whole.
const PEN: f64 = 5.0;
/// Of a pointer.
const RING: f64 = 56.0;
/// Letters of a room's name.
const NAME: usize = 8;
