//! A box that is not set up yet says in both languages what to do: nobody has said yet which one its room reads.

use super::GuideFace;
use super::layout::{MARGIN, Setting};
use super::sheet::{AMBER, GLASS, HAIR, INK, PAPER, SOFT, WELL};
use super::sheet::{Align, Area, Mark, Placed, Run, Sheet, Size, Style, Weight};
use super::words;

/// Three steps, where this box is, and what became of the last stick.
pub(super) fn guide(setting: &Setting<'_>, guide: &GuideFace) -> Placed {
    let width = (setting.canvas.width - 2.0 * EDGE).min(WIDEST);
    let is_set_up = guide.report.is_some() && !guide.refused;
    let mut lines = match (is_set_up, guide.memory_lost) {
        (true, _) => set_up(),
        (false, true) => memory_lost(),
        (false, false) => steps(),
    };
    lines.push(Line::gap(20.0));
    let address = match (guide.addresses.is_empty(), guide.carrier) {
        (false, _) => guide.addresses.join("　"),
        (true, true) => "まだありません / none yet".into(),
        (true, false) => "まだありません（ケーブルが抜けています） / none yet (no cable)".into(),
    };
    let panel = &setting.look.constants.panel_url;
    let small = |text: String| Line {
        height: 46.0,
        runs: vec![Run::words(text, Style::new(Size::Small, Weight::Bold, PAPER))],
    };
    lines.push(small(format!("この箱のアドレス / address of this box:　{address}")));
    if !panel.is_empty() && !guide.addresses.is_empty() {
        lines.push(small(format!("この箱のページ / page of this box:　{panel}　（コード / code: 「その他」 “More”）")));
    }
    let below = if guide.report.is_some() { SAID + MARGIN } else { 0.0 };
    let taken: f64 = lines.iter().map(|line| line.height).sum();
    let mut sheet = Sheet::new(width, taken + 2.0 * INSET + below);
    let card = Area { height: taken + 2.0 * INSET, ..sheet.area() };
    sheet.plate(card, 28.0, GLASS);
    sheet.marks.push(Mark::Outline { area: card, radius: 28.0, line: 2.0, colour: HAIR });
    let mut y = INSET;
    for line in lines {
        sheet.row(Area::new(INSET, y, width - 2.0 * INSET, line.height), Align::Left, line.runs);
        y += line.height;
    }
    if let Some(report) = &guide.report {
        said(&mut sheet, card.height + MARGIN, report, guide.refused);
    }
    let x = (setting.canvas.width - width) / 2.0 + setting.shift.0;
    let y = ((setting.free.height - sheet.height) / 2.0).max(0.0) + setting.shift.1;
    sheet.at(x, y)
}

fn steps() -> Vec<Line> {
    vec![
        Line::new(92.0, "この箱はまだ設定されていません", Size::Title, Weight::Bold, PAPER),
        Line::new(56.0, "This box is not set up yet", Size::Body, Weight::Plain, SOFT),
        Line::gap(20.0),
        Line::new(64.0, "1　この箱の設定ファイルを入れたUSBメモリーを差してください", Size::Body, Weight::Bold, PAPER),
        Line::new(
            46.0,
            "　　Plug in the USB stick with this box's file (engawa-box.toml)",
            Size::Small,
            Weight::Plain,
            SOFT,
        ),
        Line::new(64.0, "2　この画面に結果が出るまで、抜かずにお待ちください", Size::Body, Weight::Bold, PAPER),
        Line::new(46.0, "　　Leave it in until this screen says what became of it", Size::Small, Weight::Plain, SOFT),
    ]
}

/// A file could not be kept either.
fn memory_lost() -> Vec<Line> {
    vec![
        Line::new(92.0, "この箱の記憶が読めません", Size::Title, Weight::Bold, PAPER),
        Line::new(56.0, "This box cannot read its memory", Size::Body, Weight::Plain, SOFT),
        Line::gap(20.0),
        Line::new(64.0, "1　電源を切り、もう一度入れてください", Size::Body, Weight::Bold, PAPER),
        Line::new(46.0, "　　Switch it off and on again", Size::Small, Weight::Plain, SOFT),
        Line::new(
            64.0,
            "2　直らないときは、ディスクの故障です。設置担当者に知らせてください",
            Size::Body,
            Weight::Bold,
            PAPER,
        ),
        Line::new(
            46.0,
            "　　If this stays, its disk is broken: please tell the installer",
            Size::Small,
            Weight::Plain,
            SOFT,
        ),
    ]
}

/// For the moment until the daemon begins anew.
fn set_up() -> Vec<Line> {
    vec![
        Line::new(92.0, "設定を受け取りました", Size::Title, Weight::Bold, PAPER),
        Line::new(56.0, "The box has taken its settings", Size::Body, Weight::Plain, SOFT),
        Line::gap(20.0),
        Line::new(64.0, "まもなく始まり、相手の部屋につなぎます", Size::Body, Weight::Bold, PAPER),
        Line::new(46.0, "It starts in a moment and connects to the other room", Size::Small, Weight::Plain, SOFT),
    ]
}

/// What became of the last stick, in both languages, at the foot of the sheet.
fn said(sheet: &mut Sheet, top: f64, [japanese, english]: &[String; 2], refused: bool) {
    let plate = Area::new(0.0, top, sheet.width, SAID);
    sheet.plate(plate, 28.0, if refused { AMBER } else { WELL });
    let width = sheet.width - 2.0 * INSET;
    let words = Area { x: INSET, width, height: 134.0, y: plate.y + 12.0 };
    let fits = words::width(japanese) * Size::Body.pixels() < 1.9 * width;
    let bold = Style::new(if fits { Size::Body } else { Size::Small }, Weight::Bold, INK);
    sheet.text(words, Align::Left, bold, japanese.clone());
    let small = Style::new(Size::Small, Weight::Plain, INK);
    sheet.text(Area { y: words.y + 138.0, height: 88.0, ..words }, Align::Left, small, english.clone());
}

struct Line {
    height: f64,
    runs: Vec<Run>,
}

impl Line {
    fn new(height: f64, text: &str, size: Size, weight: Weight, colour: super::sheet::Colour) -> Self {
        Self { height, runs: vec![Run::words(text, Style::new(size, weight, colour))] }
    }

    fn gap(height: f64) -> Self {
        Self { height, runs: Vec::new() }
    }
}

const EDGE: f64 = 60.0;
const WIDEST: f64 = 1720.0;
const INSET: f64 = 48.0;
/// Two lines of each language.
const SAID: f64 = 250.0;
