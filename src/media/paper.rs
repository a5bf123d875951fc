//! The one PDF writer of Engawa's own papers: a page A4 of headings and rows, with its fonts inside.
//!
//! ```text
//!   title                               lead
//!   heading ─────────────────────────────────
//!   ○  name        text, broken where it must be
//! ```
//! Whatever is to be said fits on one page: if it does not, all of it is drawn smaller, down to [`SMALLEST`].

use cairo::{Context, PdfMetadata, PdfSurface};
use pango::{FontDescription, Layout, WrapMode};

/// What is to be printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paper {
    /// Large, at the top.
    pub title: String,
    /// Small, below it.
    pub lead: String,
    /// From top to bottom.
    pub parts: Vec<Part>,
}

/// Rows that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Over a line.
    pub heading: String,
    /// One below the other.
    pub rows: Vec<Row>,
}

/// One thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Before it.
    pub mark: Mark,
    /// What it is.
    pub name: String,
    /// How it is.
    pub text: String,
}

/// How something came out. In shapes, not in colours: papers are copied and sent by fax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing to say.
    #[default]
    None,
    /// ○
    Good,
    /// △
    Doubtful,
    /// ×
    Bad,
    /// An empty box for a pen.
    Open,
}

/// The paper as PDF.
///
/// # Errors
/// When it does not fit on a page, or cairo fails.
pub fn pdf(paper: &Paper) -> Result<Vec<u8>, NotPrinted> {
    let surface = PdfSurface::for_stream(WIDTH, HEIGHT, Vec::new())?;
    surface.set_metadata(PdfMetadata::Title, &paper.title)?;
    let context = Context::new(&surface)?;
    let fits = |size: &f64| {
        Ok::<_, cairo::Error>(Press { context: &context, size: *size, inks: false }.print(paper)? <= HEIGHT - MARGIN)
    };
    let mut size = LARGEST;
    while !fits(&size)? {
        size -= STEP;
        if size < SMALLEST {
            return Err(NotPrinted::TooMuch);
        }
    }
    Press { context: &context, size, inks: true }.print(paper)?;
    drop(context);
    let stream = surface.finish_output_stream().map_err(|_| cairo::Error::WriteError)?;
    Ok(*stream.downcast::<Vec<u8>>().map_err(|_| cairo::Error::WriteError)?)
}

/// Why there is no paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPrinted {
    /// More than a page.
    #[error("there is more to say than fits on one page")]
    TooMuch,
    /// The drawing library.
    #[error("the paper cannot be drawn: {0}")]
    Cairo(#[from] cairo::Error),
}

struct Press<'c> {
    context: &'c Context,
    /// Of plain text, points.
    size: f64,
    /// Or only measures.
    inks: bool,
}

impl Press<'_> {
    /// Returns where the next thing would stand.
    fn print(&self, paper: &Paper) -> Result<f64, cairo::Error> {
        let wide = WIDTH - 2.0 * MARGIN;
        let mut top = MARGIN;
        top += self.text(&paper.title, MARGIN, top, wide, self.size * 2.0, pango::Weight::Bold)?;
        top += self.text(&paper.lead, MARGIN, top, wide, self.size, pango::Weight::Normal)?;
        for part in &paper.parts {
            top += self.size;
            top += self.text(&part.heading, MARGIN, top, wide, self.size * 1.2, pango::Weight::Bold)?;
            self.line(top)?;
            top += self.size * 0.4;
            for row in &part.rows {
                self.mark(row.mark, top)?;
                let name =
                    self.text(&row.name, MARGIN + self.size * 1.8, top, NAMES, self.size, pango::Weight::Normal)?;
                let left = MARGIN + self.size * 2.4 + NAMES;
                let text = self.text(&row.text, left, top, WIDTH - MARGIN - left, self.size, pango::Weight::Normal)?;
                top += name.max(text);
            }
        }
        Ok(top)
    }

    /// Returns its height.
    fn text(
        &self,
        text: &str,
        left: f64,
        top: f64,
        wide: f64,
        size: f64,
        weight: pango::Weight,
    ) -> Result<f64, cairo::Error> {
        let layout: Layout = pangocairo::functions::create_layout(self.context);
        let mut font = FontDescription::new();
        font.set_family(FONT);
        font.set_weight(weight);
        font.set_absolute_size(size * f64::from(pango::SCALE));
        layout.set_font_description(Some(&font));
        layout.set_width((wide * f64::from(pango::SCALE)) as i32);
        layout.set_wrap(WrapMode::WordChar);
        layout.set_text(text);
        if self.inks {
            self.context.move_to(left, top);
            pangocairo::functions::show_layout(self.context, &layout);
            self.context.status()?;
        }
        Ok(f64::from(layout.size().1) / f64::from(pango::SCALE) + size * LEADING)
    }

    fn line(&self, top: f64) -> Result<(), cairo::Error> {
        if !self.inks {
            return Ok(());
        }
        self.context.set_line_width(0.6);
        self.context.move_to(MARGIN, top);
        self.context.line_to(WIDTH - MARGIN, top);
        self.context.stroke()
    }

    /// As large as a letter.
    fn mark(&self, mark: Mark, top: f64) -> Result<(), cairo::Error> {
        if !self.inks || mark == Mark::None {
            return Ok(());
        }
        let (context, half) = (self.context, self.size * 0.42);
        let (x, y) = (MARGIN + half + 1.0, top + self.size * 0.62);
        context.new_path();
        context.set_line_width(self.size * 0.1);
        match mark {
            Mark::None => {}
            Mark::Good => context.arc(x, y, half, 0.0, std::f64::consts::TAU),
            Mark::Doubtful => {
                context.move_to(x, y - half);
                context.line_to(x + half, y + half);
                context.line_to(x - half, y + half);
                context.close_path();
            }
            Mark::Bad => {
                context.move_to(x - half, y - half);
                context.line_to(x + half, y + half);
                context.move_to(x + half, y - half);
                context.line_to(x - half, y + half);
            }
            Mark::Open => context.rectangle(x - half, y - half, 2.0 * half, 2.0 * half),
        }
        context.stroke()
    }
}

/// A4, points.
const WIDTH: f64 = 595.28;
const HEIGHT: f64 = 841.89;
const MARGIN: f64 = 42.0;
/// Room for names.
const NAMES: f64 = 118.0;
/// Of plain text, points: 10.5 is what Japanese offices write in.
const LARGEST: f64 = 10.5;
/// Below that nobody reads it.
const SMALLEST: f64 = 5.0;
const STEP: f64 = 0.25;
/// Between rows, of the letters' size.
const LEADING: f64 = 0.35;
/// The first is in packaging/apt-run.txt; its outlines can be embedded.
const FONT: &str = "BIZ UDPGothic, Noto Sans CJK JP, sans";

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(rows: usize) -> Paper {
        let row = |number| Row { mark: Mark::Good, name: format!("行 {number}"), text: "縁側 ".repeat(20) };
        let part = Part { heading: "見出し".into(), rows: (0..rows).map(row).collect() };
        Paper { title: "紙".into(), lead: "題".into(), parts: vec![part] }
    }

    #[test]
    fn more_is_drawn_smaller_and_too_much_is_refused() {
        for rows in [0, 3, 40] {
            let bytes = pdf(&paper(rows)).expect("printed");
            assert!(bytes.starts_with(b"%PDF-"), "{rows}");
        }
        assert_eq!(pdf(&paper(400)), Err(NotPrinted::TooMuch));
    }
}
