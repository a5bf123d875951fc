//! Draws sheets with cairo and Pango. Slow (milliseconds), so it happens only when a sheet is new.

use super::layer::Image;
use super::sheet::{Align, Area, Colour, Mark, Run, Sheet, Size, Style, Weight};
use super::sheet::{HAIR, INK, WELL};
use super::signs;
use crate::core::notes::{SHEET, Stroke};
use crate::model::Language;
use cairo::{
    Antialias, Context, Error, FontOptions, Format, HintMetrics, ImageSurface, LineCap, LineJoin, LinearGradient,
};
use pango::{Alignment, EllipsizeMode, FontDescription, Layout, WrapMode};
use qrcodegen::{QrCode, QrCodeEcc};
use std::f64::consts::{FRAC_PI_2, PI};

/// The sheet in pixels; `scale` pixels are a design pixel.
///
/// # Panics
/// When there is no memory for a picture.
pub(super) fn paint(sheet: &Sheet, scale: f64, language: Language) -> Image {
    let side = |length: f64| (length * scale).ceil().max(1.0) as i32;
    let (width, height) = (side(sheet.width), side(sheet.height));
    let mut surface = ImageSurface::create(Format::ARgb32, width, height).expect("there is memory for a picture");
    if let Err(error) = draw(&surface, sheet, scale, language) {
        tracing::error!(%error, "bug: a sheet cannot be drawn");
    }
    let stride = surface.stride() as usize;
    let pixels = surface.data().expect("bug: nobody else holds the surface");
    Image::new(&pixels, stride, width as usize)
}

fn draw(surface: &ImageSurface, sheet: &Sheet, scale: f64, language: Language) -> Result<(), Error> {
    let context = Context::new(surface)?;
    context.scale(scale, scale);
    let brush = Brush { context, language };
    for mark in &sheet.marks {
        brush.mark(mark)?;
    }
    surface.flush();
    Ok(())
}

struct Brush {
    context: Context,
    language: Language,
}

impl Brush {
    fn mark(&self, mark: &Mark) -> Result<(), Error> {
        match mark {
            Mark::Plate { area, radius, fill } => self.plate(*area, *radius, *fill),
            Mark::Outline { area, radius, line, colour } => self.outline(*area, *radius, *line, *colour),
            Mark::Row { area, align, runs } => self.row(*area, *align, runs),
            Mark::Text { area, align, style, text } => self.text(*area, *align, *style, text),
            Mark::Qr { area, text } => self.qr(*area, text),
            Mark::Drawing { area, strokes } => self.drawing(*area, strokes),
            Mark::Folds { area } => self.folds(*area),
            Mark::Line { points, width, colour } => self.stroke(points, *width, *colour),
        }
    }

    fn colour(&self, colour: Colour) {
        let [red, green, blue, opacity] = colour.parts();
        self.context.set_source_rgba(red, green, blue, opacity);
    }

    fn plate(&self, area: Area, radius: f64, fill: Colour) -> Result<(), Error> {
        self.colour(fill);
        self.round(area, radius);
        self.context.fill()
    }

    fn outline(&self, area: Area, radius: f64, line: f64, colour: Colour) -> Result<(), Error> {
        self.colour(colour);
        self.context.set_line_width(line);
        self.round(area.inside(line / 2.0), radius - line / 2.0);
        self.context.stroke()
    }

    fn round(&self, area: Area, radius: f64) {
        if radius <= 0.0 {
            self.context.rectangle(area.x, area.y, area.width, area.height);
            return;
        }
        let (left, top) = (area.x + radius, area.y + radius);
        let (right, bottom) = (area.x + area.width - radius, area.y + area.height - radius);
        self.context.new_sub_path();
        self.context.arc(right, top, radius, -FRAC_PI_2, 0.0);
        self.context.arc(right, bottom, radius, 0.0, FRAC_PI_2);
        self.context.arc(left, bottom, radius, FRAC_PI_2, PI);
        self.context.arc(left, top, radius, PI, 3.0 * FRAC_PI_2);
        self.context.close_path();
    }

    /// Measures all runs, lets what yields yield, makes the rest smaller if that is not enough, and draws them.
    fn row(&self, area: Area, align: Align, runs: &[Run]) -> Result<(), Error> {
        let wide = |shrink: f64| runs.iter().map(|run| self.width(run, shrink)).sum::<f64>();
        let yielding: Vec<f64> =
            runs.iter().filter(|run| matches!(run, Run::Yields { .. })).map(|run| self.width(run, 1.0)).collect();
        let yielding: f64 = yielding.iter().sum();
        let over = wide(1.0) - area.width;
        let shortest = yielding.min(SHORTEST);
        let cut = over.clamp(0.0, yielding - shortest);
        let shrink = if over > cut { ((area.width / (area.width + over - cut)) * 0.995).max(SMALLEST) } else { 1.0 };
        let share = if yielding > 0.0 { (yielding - cut) / yielding } else { 1.0 };
        let taken: f64 = runs.iter().map(|run| self.share(run, shrink, share)).sum();
        let mut x = match align {
            Align::Left => area.x,
            Align::Middle => area.x + (area.width - taken) / 2.0,
            Align::Right => area.x + area.width - taken,
        };
        for run in runs {
            let width = self.share(run, shrink, share);
            self.run(run, Area::new(x, area.y, width, area.height), shrink)?;
            x += width;
        }
        Ok(())
    }

    fn share(&self, run: &Run, shrink: f64, share: f64) -> f64 {
        let whole = self.width(run, shrink);
        if matches!(run, Run::Yields { .. }) { whole * share } else { whole }
    }

    fn width(&self, run: &Run, shrink: f64) -> f64 {
        match run {
            Run::Words { text, style } | Run::Yields { text, style } => self.layout(text, *style, shrink).1,
            Run::Key { text, style } => self.layout(text, *style, shrink).1 + style.size.pixels() * 1.1 * shrink,
            Run::Pill { text, style, .. } => self.layout(text, *style, shrink).1 + style.size.pixels() * 0.9 * shrink,
            Run::Sign { size, .. } => sign_side(*size) * shrink,
            Run::Gauge { width, .. } | Run::Gap(width) => *width * shrink,
        }
    }

    fn run(&self, run: &Run, area: Area, shrink: f64) -> Result<(), Error> {
        let middle = area.y + area.height / 2.0;
        match run {
            Run::Words { text, style } => self.line(&self.layout(text, *style, shrink).0, area, style.colour),
            Run::Yields { text, style } => {
                let (layout, natural) = self.layout(text, *style, shrink);
                if natural > area.width + 1.0 {
                    layout.set_ellipsize(EllipsizeMode::End);
                    layout.set_width((area.width * f64::from(pango::SCALE)) as i32);
                }
                self.line(&layout, area, style.colour);
            }
            Run::Key { text, style } => {
                let (layout, natural) = self.layout(text, *style, shrink);
                let height = style.size.pixels() * 1.65 * shrink;
                let cap = Area::new(area.x, middle - height / 2.0, area.width, height).inside(2.0);
                self.outline(cap, 14.0 * shrink, 4.0 * shrink, style.colour)?;
                let x = area.x + (area.width - natural) / 2.0;
                self.line(&layout, Area { x, ..area }, style.colour);
            }
            Run::Pill { text, style, fill } => {
                let (layout, natural) = self.layout(text, *style, shrink);
                let height = style.size.pixels() * 1.5 * shrink;
                self.plate(Area::new(area.x, middle - height / 2.0, area.width, height), height / 2.0, *fill)?;
                let x = area.x + (area.width - natural) / 2.0;
                self.line(&layout, Area { x, ..area }, style.colour);
            }
            Run::Sign { sign, size, colour } => {
                let side = sign_side(*size) * shrink;
                self.context.save()?;
                self.context.translate(area.x, middle - side / 2.0);
                self.context.scale(side / signs::SIDE, side / signs::SIDE);
                self.colour(*colour);
                signs::draw(&self.context, *sign)?;
                self.context.restore()?;
            }
            Run::Gauge { hundredths, .. } => {
                let bar = Area::new(area.x, middle - 12.0, area.width, 24.0);
                self.plate(bar, 12.0, HAIR)?;
                if *hundredths > 0 {
                    let full = (bar.width * f64::from(*hundredths) / 100.0).max(bar.height);
                    self.plate(Area { width: full, ..bar }, 12.0, WELL)?;
                }
            }
            Run::Gap(_) => {}
        }
        Ok(())
    }

    /// One line in the middle of an area's height, from its left.
    fn line(&self, layout: &Layout, area: Area, colour: Colour) {
        let (_, extent) = layout.pixel_extents();
        self.colour(colour);
        self.context.move_to(area.x, area.y + (area.height - f64::from(extent.height())) / 2.0);
        pangocairo::functions::show_layout(&self.context, layout);
    }

    fn text(&self, area: Area, align: Align, style: Style, text: &str) -> Result<(), Error> {
        let scale = f64::from(pango::SCALE);
        let (layout, _) = self.layout(text, style, 1.0);
        layout.set_width((area.width * scale) as i32);
        layout.set_height((area.height * scale) as i32);
        layout.set_wrap(WrapMode::WordChar);
        layout.set_ellipsize(EllipsizeMode::End);
        layout.set_alignment(match align {
            Align::Left => Alignment::Left,
            Align::Middle => Alignment::Center,
            Align::Right => Alignment::Right,
        });
        self.line(&layout, area, style.colour);
        Ok(())
    }

    /// Words ready to be shown, and their width.
    fn layout(&self, text: &str, style: Style, shrink: f64) -> (Layout, f64) {
        let layout = pangocairo::functions::create_layout(&self.context);
        let context = layout.context();
        if let Ok(mut options) = FontOptions::new() {
            options.set_antialias(Antialias::Gray);
            options.set_hint_metrics(HintMetrics::Off);
            pangocairo::functions::context_set_font_options(&context, Some(&options));
        }
        context.set_language(Some(&pango::Language::from_string(match self.language {
            Language::Japanese => "ja",
            Language::English => "en",
        })));
        let mut font = FontDescription::new();
        font.set_family(match style.weight {
            Weight::Plain | Weight::Bold => FONT,
            Weight::Even => EVEN_FONT,
        });
        font.set_weight(match style.weight {
            Weight::Plain | Weight::Even => pango::Weight::Normal,
            Weight::Bold => pango::Weight::Bold,
        });
        font.set_absolute_size(style.size.pixels() * shrink * f64::from(pango::SCALE));
        layout.set_font_description(Some(&font));
        layout.set_text(text);
        let width = f64::from(layout.size().0) / f64::from(pango::SCALE);
        (layout, width)
    }

    fn qr(&self, area: Area, text: &str) -> Result<(), Error> {
        let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
            tracing::warn!("an address is too long for a QR code");
            return Ok(());
        };
        let (scale, _) = self.context.user_to_device_distance(1.0, 0.0)?;
        // Four quiet modules on each side (ISO/IEC 18004), and modules of whole pixels.
        let modules = code.size();
        let side = (area.width * scale / f64::from(modules + 8)).floor() / scale;
        let whole = side * f64::from(modules + 8);
        let inset = (area.width - whole) / 2.0;
        let snap = |at: f64| (at * scale).round() / scale;
        let (left, top) = (snap(area.x + inset), snap(area.y + inset));
        self.plate(Area::new(left, top, whole, whole), 0.0, Colour(0xFF_FF_FF_FF))?;
        self.colour(INK);
        self.context.set_antialias(Antialias::None);
        for (x, y) in (0..modules).flat_map(|y| (0..modules).map(move |x| (x, y))) {
            if code.get_module(x, y) {
                self.context.rectangle(left + f64::from(x + 4) * side, top + f64::from(y + 4) * side, side, side);
            }
        }
        self.context.fill()?;
        self.context.set_antialias(Antialias::Default);
        Ok(())
    }

    fn stroke(&self, points: &[(f64, f64)], width: f64, colour: Colour) -> Result<(), Error> {
        self.colour(colour);
        self.context.set_line_width(width);
        self.context.set_line_cap(LineCap::Round);
        self.context.set_line_join(LineJoin::Round);
        self.context.new_path();
        for (x, y) in points {
            self.context.line_to(*x, *y);
        }
        // A path of one place has no direction and no cap.
        if let [(x, y)] = points {
            self.context.line_to(*x + 0.01, *y);
        }
        self.context.stroke()
    }

    fn drawing(&self, area: Area, strokes: &[Stroke]) -> Result<(), Error> {
        let scale = (area.width / f64::from(SHEET[0])).min(area.height / f64::from(SHEET[1]));
        self.context.save()?;
        self.context.translate(area.x, area.y);
        self.context.scale(scale, scale);
        self.colour(INK);
        self.context.set_line_width(PEN);
        self.context.set_line_cap(LineCap::Round);
        self.context.set_line_join(LineJoin::Round);
        for stroke in strokes {
            self.context.new_path();
            // A dot is a line to itself.
            for [x, y] in stroke.first().into_iter().chain(stroke) {
                self.context.line_to(f64::from(*x), f64::from(*y));
            }
            self.context.stroke()?;
        }
        self.context.restore()
    }

    /// Soft vertical folds, and a hem of shadow above and below.
    fn folds(&self, area: Area) -> Result<(), Error> {
        let folds = (area.width / FOLD).round().max(1.0);
        let width = area.width / folds;
        for fold in 0..folds as u32 {
            let left = area.x + f64::from(fold) * width;
            let light = LinearGradient::new(left, 0.0, left + width, 0.0);
            for (at, [red, green, blue]) in [(0.0, FOLD_DARK), (0.45, FOLD_LIGHT), (1.0, FOLD_DARK)] {
                light.add_color_stop_rgb(at, red, green, blue);
            }
            self.context.set_source(&light)?;
            self.context.rectangle(left, area.y, width + 1.0, area.height);
            self.context.fill()?;
        }
        let shadow = LinearGradient::new(0.0, area.y, 0.0, area.y + area.height);
        for (at, opacity) in [(0.0, 0.55), (0.3, 0.1), (0.7, 0.1), (1.0, 0.6)] {
            shadow.add_color_stop_rgba(at, 0.0, 0.0, 0.0, opacity);
        }
        self.context.set_source(&shadow)?;
        self.context.rectangle(area.x, area.y, area.width, area.height);
        self.context.fill()
    }
}

fn sign_side(size: Size) -> f64 {
    size.pixels() * 1.05
}

/// What yields keeps at least so much of its width, in design pixels.
const SHORTEST: f64 = 220.0;
/// Type is made no smaller than this share of its size.
const SMALLEST: f64 = 0.5;
/// Width of a drawn line, in points of its sheet.
const PEN: f64 = 16.0;
const FONT: &str = "Noto Sans CJK JP, Noto Sans, sans-serif";
const EVEN_FONT: &str = "Noto Sans Mono CJK JP, monospace";
/// Width of a fold of the curtain.
const FOLD: f64 = 120.0;
const FOLD_DARK: [f64; 3] = [0.075, 0.105, 0.16];
const FOLD_LIGHT: [f64; 3] = [0.115, 0.16, 0.235];
