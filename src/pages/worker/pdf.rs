//! PDF, drawn by hayro.

use super::Pages;
use super::fonts::Fonts;
use crate::pages::{Drawing, PageSize, Picture, Refusal};
use hayro::hayro_interpret::{InterpreterSettings, RenderContent, TransformExt};
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::{self, Pixmap, RasterizerSettings, RenderContext, TargetInit, color::palette::css::WHITE};
use hayro::{RenderCache, RenderSettings, render_into};
use std::ops::Range;
use std::sync::Arc;

/// A PDF that was read; locked only by an empty password counts as open.
pub(super) struct PdfPages {
    pdf: Pdf,
    settings: InterpreterSettings,
}

impl PdfPages {
    /// Reads the page tree.
    ///
    /// # Errors
    /// Locked, or broken.
    pub(super) fn read(document: Vec<u8>, fonts: Fonts) -> Result<Self, Refusal> {
        let pdf = Pdf::new(document).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refusal::Locked,
            LoadPdfError::Decryption(_) | LoadPdfError::Invalid => Refusal::Broken,
        })?;
        let fonts = Arc::new(fonts);
        let settings = InterpreterSettings {
            font_resolver: Arc::new(move |query| fonts.resolve(query)),
            cmap_resolver: Arc::new(super::fonts::cmap),
            warning_sink: Arc::new(|_| {}),
            render_content: RenderContent::all(),
        };
        Ok(Self { pdf, settings })
    }
}

impl Pages for PdfPages {
    fn sizes(&self) -> Vec<PageSize> {
        let size = |(width, height)| PageSize { width, height };
        self.pdf.pages().iter().map(|page| size(page.render_dimensions())).collect()
    }

    fn first(&self) -> Vec<Range<usize>> {
        super::first::parts(&self.pdf)
    }

    fn draw(&mut self, drawing: &Drawing) -> Result<Picture, Refusal> {
        let page = self.pdf.pages().get(drawing.page as usize).ok_or(Refusal::NoSuchPage)?;
        let (width, height) = page.render_dimensions();
        let (width, height, zone) = (f64::from(width), f64::from(height), drawing.zone);
        let (left, top) = (f64::from(zone.left), f64::from(zone.top));
        let across = f64::from(drawing.width) / (width * (f64::from(zone.right) - left));
        let down = f64::from(drawing.height) / (height * (f64::from(zone.bottom) - top));
        let placed = Affine::scale_non_uniform(across, down)
            * Affine::translate((-left * width, -top * height))
            * page.initial_transform(true).to_kurbo();
        let side = |pixels: u32| u16::try_from(pixels).map_err(|_| Refusal::TooLarge);
        let mut context = RenderContext::new(side(drawing.width)?, side(drawing.height)?);
        // What is cached can never be let go again, so a cache lives for one picture only.
        render_into(page, &RenderCache::new(), &self.settings, &SETTINGS, &mut context, placed);
        if let Some(words) = super::forms::undrawn(page).and_then(|words| Pdf::new(words).ok())
            && let Some(over) = words.pages().first()
        {
            render_into(over, &RenderCache::new(), &self.settings, &SETTINGS, &mut context, placed);
        }
        context.flush();
        let mut pixels = Pixmap::new(context.width(), context.height());
        let paper = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
        context.render_with(&mut pixels, &mut vello_cpu::Resources::default(), paper);
        let mut bgrx = pixels.data_as_u8_slice().to_vec();
        super::photo::swap_red_and_blue(&mut bgrx);
        Ok(Picture { width: drawing.width, height: drawing.height, bgrx })
    }
}

/// Without hinting: it moves Japanese characters up and down by a pixel on one line, and changes shapes while zooming.
const SETTINGS: RenderSettings =
    RenderSettings { force_image_interpolation: false, aliasing_threshold: None, hinting: false, glyph_caching: true };
