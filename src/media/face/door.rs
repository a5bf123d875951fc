//! The page for those who come by telephone or PC: address, QR code, room code and fingerprint.

use super::cards::{BANNER_HEIGHT, BANNER_TOP, menu_height};
use super::layout::{MARGIN, Setting};
use super::sheet::{AMBER, HAIR, INK, PAPER, SHADE, SOFT};
use super::sheet::{Align, Area, Mark, Placed, Run, Sheet, Size, Style, Weight};
use super::words::say;
use crate::model::Language;

/// Stands between banner and menu; with a banner there is no room for title and fingerprint.
pub(super) fn page(setting: &Setting<'_>, code: u32) -> Placed {
    let (constants, language, face) = (&setting.look.constants, setting.language, &setting.look.screen.face);
    let short = face.banner.is_some();
    let top = if short { BANNER_TOP + BANNER_HEIGHT + MARGIN } else { MARGIN };
    let below = if face.menu.is_some() { menu_height(face) + 2.0 * MARGIN } else { MARGIN };
    let height = (setting.free.height - top - below).min(TALLEST);
    let address = (!constants.panel_url.is_empty()).then_some(&constants.panel_url);
    let width = if address.is_some() { 1680.0 } else { 1100.0 };
    let mut sheet = Sheet::new(width, height);
    sheet.plate(sheet.area(), 28.0, PAPER);
    sheet.marks.push(Mark::Outline { area: sheet.area(), radius: 28.0, line: 2.0, colour: HAIR });
    let mut x = INSET;
    if let Some(address) = address {
        let side = (height - 2.0 * if short { 32.0 } else { INSET }).min(560.0);
        let area = Area::new(INSET, (height - side) / 2.0, side, side);
        sheet.marks.push(Mark::Qr { area, text: address.clone() });
        x += side + INSET;
    }
    let lines = lines(setting, code, short);
    let taken: f64 = lines.iter().map(|line| line.height).sum();
    let mut y = (height - taken) / 2.0;
    for line in lines {
        let area = Area::new(x, y, width - x - INSET, line.height);
        sheet.row(area, Align::Left, vec![line.run]);
        if line.ruled {
            sheet.plate(Area { height: 2.0, ..area }, 0.0, SOFT);
        }
        y += line.height;
    }
    if face.locked {
        let text = say(language, "いまは新しい参加を断っています", "No new guests are taken now").into();
        let pill = Run::Pill { text, style: Style::new(Size::Small, Weight::Bold, INK), fill: AMBER };
        sheet.row(Area::new(x, height - 64.0, width - x - 24.0, 52.0), Align::Right, vec![pill]);
    }
    let free = setting.free.height - below - top;
    let y = top + (free - height) / 2.0;
    sheet.at((setting.canvas.width - width) / 2.0 + setting.shift.0, y + setting.shift.1)
}

struct Line {
    height: f64,
    run: Run,
    /// A hairline stands above it.
    ruled: bool,
}

fn lines(setting: &Setting<'_>, code: u32, short: bool) -> Vec<Line> {
    let (constants, language) = (&setting.look.constants, setting.language);
    let line = |height, text: String, size, weight, colour| Line {
        height,
        run: Run::words(text, Style::new(size, weight, colour)),
        ruled: false,
    };
    let label = |height, text: &str| line(height, text.into(), Size::Small, Weight::Plain, SHADE);
    let mut lines = Vec::new();
    if !short {
        let title = say(language, "スマホやPCから操作する", "Use a phone or PC");
        lines.push(line(112.0, title.into(), Size::Title, Weight::Bold, INK));
    }
    let mut step = "";
    if !constants.panel_url.is_empty() {
        let first =
            say(language, "1　QRコードを読むか、このアドレスを開く", "1  Read the QR code, or open this address");
        lines.push(label(48.0, first));
        lines.push(line(80.0, constants.panel_url.clone(), Size::Body, Weight::Bold, INK));
        step = say(language, "2　", "2  ");
    }
    let second = say(language, "この部屋コードを入れる", "Type this room code");
    lines.push(label(48.0, &format!("{step}{second}")));
    let figures = format!("{:03}\u{2002}{:03}", code / 1000 % 1000, code % 1000);
    lines.push(line(160.0, figures, Size::Huge, Weight::Bold, INK));
    if !short && !constants.panel_url.is_empty() && !constants.panel_fingerprint.is_empty() {
        let what = match language {
            Language::Japanese => "証明書の指紋（SHA-256）。警告が出たら、これと見くらべる",
            Language::English => "Certificate fingerprint (SHA-256), to be compared when warned",
        };
        lines.push(Line { ruled: true, ..label(60.0, what) });
        let rows = in_rows(&constants.panel_fingerprint);
        lines.extend(rows.into_iter().map(|row| line(40.0, row, Size::Small, Weight::Even, INK)));
    }
    lines
}

/// Eleven bytes a row: 32 bytes stand in three rows.
fn in_rows(fingerprint: &str) -> Vec<String> {
    let bytes: Vec<&str> = fingerprint.split(':').collect();
    bytes.chunks(11).map(|row| row.join(" ")).collect()
}

const INSET: f64 = 56.0;
const TALLEST: f64 = 780.0;
