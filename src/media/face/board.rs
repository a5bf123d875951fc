//! The board under the picture: far room, mode, link and padlock in one line, and under it the microphone's band, full width.

use super::layout::Setting;
use super::sheet::{AMBER, BOARD, CALM, HAIR, INK, OPEN, PAPER, SOFT, WELL};
use super::sheet::{Align, Area, Colour, Placed, Run, Sheet, Sign, Size, Style, Weight};
use super::words::{self, say};
use crate::core::face::Face;
use crate::core::snapshot::LinkState;
use crate::model::{MicState, Mode};

/// Its height: an open microphone takes more room.
pub(super) fn height(face: &Face) -> f64 {
    LINE + band_height(face)
}

/// The board's sheets: they change at different times, so each is drawn by itself.
pub(super) fn board(setting: &Setting<'_>) -> Vec<Placed> {
    let top = setting.free.height;
    let band_top = top + LINE;
    vec![
        line(setting, Align::Left, 0.0, top),
        line(setting, Align::Right, setting.canvas.width / 2.0, top),
        band(setting, band_top),
    ]
}

/// One half of the line. Reaches beyond the screen, so that no edge shows when all is moved.
fn line(setting: &Setting<'_>, side: Align, x: f64, y: f64) -> Placed {
    let width = setting.canvas.width / 2.0;
    let mut sheet = Sheet::new(width + BLEED, LINE + BLEED);
    sheet.plate(sheet.area(), 0.0, BOARD);
    let runs = match side {
        Align::Left | Align::Middle => far_room(setting),
        Align::Right => link(setting),
    };
    let bleed = if side == Align::Left { BLEED } else { 0.0 };
    let edges = if side == Align::Left { (EDGE, 12.0) } else { (12.0, EDGE) };
    sheet.row(Area::new(bleed + edges.0, 0.0, width - edges.0 - edges.1, LINE), side, runs);
    sheet.at(x - bleed + setting.shift.0, y + setting.shift.1)
}

fn far_room(setting: &Setting<'_>) -> Vec<Run> {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let small = Style::new(Size::Small, Weight::Plain, SOFT);
    let name = words::far_name(face, language).to_owned();
    let mut runs = vec![
        Run::Yields { text: name, style: Style::new(Size::Body, Weight::Bold, PAPER) },
        Run::Gap(22.0),
        Run::Pill {
            text: words::mode(face.mode, language).into(),
            style: Style::new(Size::Small, Weight::Bold, INK),
            fill: mode_colour(face.mode),
        },
        Run::Gap(22.0),
    ];
    if face.link == LinkState::Up {
        let (sign, style) = match face.far_microphone {
            MicState::Open => (Sign::Microphone, Style { weight: Weight::Bold, colour: AMBER, ..small }),
            MicState::Closed | MicState::LevelsOnly => (Sign::MicrophoneOff, small),
        };
        runs.extend([
            Run::Sign { sign, size: Size::Small, colour: style.colour },
            Run::Gap(6.0),
            Run::words(words::far_microphone(face.far_microphone, language), style),
        ]);
        let camera = words::camera(&face.far_view, face.far_veil, language);
        if !camera.is_empty() {
            runs.extend([Run::Gap(22.0), Run::Yields { text: camera, style: small }]);
        }
    }
    runs
}

fn link(setting: &Setting<'_>) -> Vec<Run> {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let sealed = face.sealed && face.link == LinkState::Up;
    let colour = match (face.link, sealed) {
        (LinkState::Up, true) => WELL,
        (LinkState::Up, false) | (LinkState::Connecting | LinkState::Unpaired | LinkState::Lost, _) => AMBER,
    };
    let bold = Style::new(Size::Small, Weight::Bold, colour);
    let mut runs = vec![Run::words(words::link(face, language), bold), Run::Gap(22.0)];
    let sign = if sealed { Sign::LockClosed } else { Sign::LockOpen };
    runs.push(Run::Sign { sign, size: Size::Small, colour });
    if sealed && !setting.look.constants.words.is_empty() {
        let style = Style::new(Size::Small, Weight::Plain, PAPER);
        let words = setting.look.constants.words.split_whitespace().collect::<Vec<_>>().join("\u{2002}");
        runs.extend([Run::Gap(10.0), Run::words(words, style)]);
    }
    runs
}

fn band(setting: &Setting<'_>, y: f64) -> Placed {
    let (face, language) = (&setting.look.screen.face, setting.language);
    let (width, height) = (setting.canvas.width, band_height(face));
    let (fill, colour, sign) = match (face.microphone, face.microphone_wanted) {
        (MicState::Open, _) => (OPEN, PAPER, Sign::Microphone),
        (MicState::Closed, true) => (AMBER, INK, Sign::MicrophoneOff),
        (MicState::LevelsOnly, _) => (HAIR, PAPER, Sign::MicrophoneOff),
        (MicState::Closed, false) => (CALM, PAPER, Sign::MicrophoneOff),
    };
    let mut sheet = Sheet::new(width + 2.0 * BLEED, height + BLEED);
    sheet.plate(sheet.area(), 0.0, fill);
    let size = if is_strong(face) { Size::Title } else { Size::Body };
    let (state, hint) = words::microphone(face, language);
    let style = Style::new(size, Weight::Bold, colour);
    let mut runs = vec![Run::Sign { sign, size, colour }, Run::Gap(24.0), Run::words(state, style)];
    if !hint.is_empty() {
        let second = match face.microphone {
            MicState::Open => PAPER,
            MicState::Closed | MicState::LevelsOnly => {
                if face.microphone_wanted {
                    INK
                } else {
                    SOFT
                }
            }
        };
        let weight = if is_strong(face) { Weight::Bold } else { Weight::Plain };
        runs.extend([
            Run::Gap(20.0),
            Run::words("―", Style { weight: Weight::Plain, colour: second, ..style }),
            Run::Gap(20.0),
            Run::words(hint, Style { weight, colour: second, ..style }),
        ]);
    }
    let own = own_privacy(face, setting.language);
    let aside = if own.is_empty() { 0.0 } else { OWN_WIDTH };
    let inner = Area::new(BLEED + EDGE, 0.0, width - 2.0 * EDGE - aside, height - 8.0);
    sheet.row(inner, Align::Left, runs);
    if !own.is_empty() {
        let style = Style::new(Size::Small, Weight::Plain, colour);
        let area = Area { x: BLEED + width - EDGE - OWN_WIDTH, width: OWN_WIDTH, ..inner };
        sheet.row(area, Align::Right, vec![Run::words(own, style)]);
    }
    sheet.at(setting.shift.0 - BLEED, y + setting.shift.1)
}

/// What else this room has closed or turned off.
fn own_privacy(face: &Face, language: crate::model::Language) -> String {
    let locked = if face.locked { say(language, "参加 受付停止", "no new guests") } else { "" };
    let silent = if face.volume == 0 { say(language, "相手の音 消", "their sound is off") } else { "" };
    words::joined(&[&words::camera("", face.veil, language), silent, locked])
}

fn mode_colour(mode: Mode) -> Colour {
    match mode {
        Mode::Quiet => SOFT,
        Mode::Talking | Mode::Meeting => WELL,
        Mode::Curtain | Mode::Asleep => SOFT,
    }
}

fn is_strong(face: &Face) -> bool {
    face.microphone == MicState::Open
}

fn band_height(face: &Face) -> f64 {
    if is_strong(face) { STRONG } else { 104.0 }
}

/// As tall as it ever is: what stands above it does not move when a microphone opens.
pub(super) const TALLEST: f64 = LINE + STRONG;
/// Height of the line.
const LINE: f64 = 76.0;
/// Height of the band while sound leaves.
const STRONG: f64 = 138.0;
/// From the words to the edge of the screen.
const EDGE: f64 = 44.0;
/// What is drawn beyond the screen, more than everything is moved.
const BLEED: f64 = 12.0;
const OWN_WIDTH: f64 = 480.0;
