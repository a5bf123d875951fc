//! PNG and JPEG: one page that fills an A4 sheet as far as its shape allows, turned as the camera says.

use super::Pages;
use crate::pages::{Drawing, PageSize, Picture, Refusal};
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, RgbaImage};
use pic_scale::{ImageSize, ImageStore, ImageStoreMut, ResamplingFunction, Scaler};
use std::io::Cursor;

/// A picture that was read, on white paper: itself, then halves of halves, so that a whole camera picture is soon drawn.
pub(super) struct Photo {
    levels: Vec<RgbaImage>,
}

impl Photo {
    /// Decodes the picture; its size is looked at first.
    ///
    /// # Errors
    /// Too large, or broken.
    pub(super) fn read(document: Vec<u8>) -> Result<Self, Refusal> {
        let reader = ImageReader::new(Cursor::new(document)).with_guessed_format();
        let mut reader = reader.map_err(|_| Refusal::Broken)?;
        reader.no_limits();
        let mut decoder = reader.into_decoder().map_err(refusal)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MOST_PIXELS_READ {
            return Err(Refusal::TooLarge);
        }
        let mut limits = Limits::default();
        limits.max_alloc = Some(MOST_PIXELS_READ * 8);
        decoder.set_limits(limits).map_err(refusal)?;
        let orientation = decoder.orientation().map_err(refusal)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(refusal)?;
        picture.apply_orientation(orientation);
        let mut pixels = picture.into_rgba8();
        lay_on_white(&mut pixels);
        Self::of(pixels)
    }

    /// Pixels without holes.
    ///
    /// # Errors
    /// When they cannot be made smaller.
    pub(super) fn of(pixels: RgbaImage) -> Result<Self, Refusal> {
        let mut levels = vec![pixels];
        while let Some(last) = levels.last().filter(|last| last.width().min(last.height()) > SMALLEST_LEVEL) {
            levels.push(resized(last, last.width() / 2, last.height() / 2, ResamplingFunction::Bilinear)?);
        }
        Ok(Self { levels })
    }

    /// The pixels of a zone, never none: of the smallest level that has as many as are drawn.
    fn cut(&self, drawing: &Drawing) -> Option<RgbaImage> {
        let zone = drawing.zone;
        let edge = |part: f32, whole: u32| (f64::from(part) * f64::from(whole)).round() as u32;
        let enough = |level: &&RgbaImage| {
            edge(zone.right - zone.left, level.width()) >= drawing.width
                && edge(zone.bottom - zone.top, level.height()) >= drawing.height
        };
        let level = self.levels.iter().rev().find(enough).or_else(|| self.levels.first())?;
        let (width, height) = level.dimensions();
        let (left, top) = (edge(zone.left, width).min(width - 1), edge(zone.top, height).min(height - 1));
        let right = edge(zone.right, width).clamp(left + 1, width);
        let bottom = edge(zone.bottom, height).clamp(top + 1, height);
        Some(image::imageops::crop_imm(level, left, top, right - left, bottom - top).to_image())
    }
}

impl Pages for Photo {
    fn sizes(&self) -> Vec<PageSize> {
        let Some((width, height)) = self.levels.first().map(RgbaImage::dimensions) else { return Vec::new() };
        let (short, long) = A4;
        let (across, down) = if width > height { (long, short) } else { (short, long) };
        let scale = (across / width as f32).min(down / height as f32);
        // A single line of pixels is still drawn as something.
        vec![PageSize { width: (width as f32 * scale).max(1.0), height: (height as f32 * scale).max(1.0) }]
    }

    fn draw(&mut self, drawing: &Drawing) -> Result<Picture, Refusal> {
        if drawing.page != 0 {
            return Err(Refusal::NoSuchPage);
        }
        let (width, height) = (drawing.width, drawing.height);
        let cut = self.cut(drawing).ok_or(Refusal::Broken)?;
        let mut bgrx = resized(&cut, width, height, ResamplingFunction::CatmullRom)?.into_raw();
        swap_red_and_blue(&mut bgrx);
        Ok(Picture { width, height, bgrx })
    }
}

fn resized(from: &RgbaImage, width: u32, height: u32, by: ResamplingFunction) -> Result<RgbaImage, Refusal> {
    let size = |(width, height): (u32, u32)| ImageSize::new(width as usize, height as usize);
    let plan = Scaler::new(by)
        .plan_rgba_resampling(size(from.dimensions()), size((width, height)), false)
        .map_err(|_| Refusal::TooLarge)?;
    let source = ImageStore::from_slice(from.as_raw(), from.width() as usize, from.height() as usize);
    let mut target = ImageStoreMut::alloc(width as usize, height as usize);
    plan.resample(&source.map_err(|_| Refusal::Broken)?, &mut target).map_err(|_| Refusal::Broken)?;
    RgbaImage::from_raw(width, height, target.as_bytes().to_vec()).ok_or(Refusal::Broken)
}

/// From the libraries' order of colours to the screen's, either way.
pub(super) fn swap_red_and_blue(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<4>().0 {
        pixel.swap(0, 2);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refusal(error: ImageError) -> Refusal {
    if matches!(error, ImageError::Limits(_)) { Refusal::TooLarge } else { Refusal::Broken }
}

fn lay_on_white(pixels: &mut RgbaImage) {
    for pixel in pixels.pixels_mut() {
        let alpha = u16::from(pixel[3]);
        for colour in 0..3 {
            pixel[colour] = ((u16::from(pixel[colour]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
        pixel[3] = 255;
    }
}

/// 210 × 297 mm in points.
const A4: (f32, f32) = (595.276, 841.89);
/// A level with fewer pixels on a side is not halved again.
const SMALLEST_LEVEL: u32 = 1_000;
/// 50 megapixels: the largest common camera, and 200 MB once read.
const MOST_PIXELS_READ: u64 = 50_000_000;
