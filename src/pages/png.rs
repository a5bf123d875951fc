//! A drawn picture for a browser.

use super::Picture;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

impl Picture {
    /// As PNG, the fast way; nothing when there is no memory for it.
    pub fn png(&self) -> Option<Vec<u8>> {
        let rgb: Vec<u8> = self.bgrx.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        let mut png = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Up);
        encoder.write_image(&rgb, self.width, self.height, ExtendedColorType::Rgb8).ok()?;
        Some(png)
    }
}
