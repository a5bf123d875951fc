//! A real picture, spread over part of the sphere, to pan a camera by hand over.

use super::params as p;
use super::scene::{BANKS, DAY, Living, SOURCES, SUN, Texel};

/// Luma of one frame.
pub struct Still {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl Still {
    pub const DEPTH: f32 = 4.0;

    pub fn new(width: usize, height: usize, luma: Vec<u8>) -> Self {
        assert_eq!(luma.len(), width * height);
        Self { width, height, luma }
    }

    pub fn texel(&self, azimuth: f32, elevation: f32, shift: [f32; 2]) -> Texel {
        let per_radian = self.width as f32 / p::STILL_WIDTH.to_radians();
        let x = self.width as f32 / 2.0 + (azimuth + shift[0] / Self::DEPTH) * per_radian;
        let y = self.height as f32 / 2.0 - (elevation + shift[1] / Self::DEPTH) * per_radian;
        let linear = (self.at(x, y) / 255.0).powf(2.2);
        let mut sends = [0.0; SOURCES];
        sends[DAY] = 0.6 + 0.3 * (azimuth * 2.0).sin();
        sends[SUN] = if (azimuth * 3.0 + elevation).sin() > 0.5 { 0.5 } else { 0.05 };
        for (bank, at) in BANKS.zip([-0.8f32, 0.0, 0.8]) {
            sends[bank] = 0.1 + 0.5 * (-(azimuth - at).powi(2)).exp();
        }
        Texel { azimuth, elevation, depth: Self::DEPTH, colour: [linear; 3], sends, living: Living::No }
    }

    /// The mean around a place, as wide as one ray; the rim goes on for ever.
    fn at(&self, x: f32, y: f32) -> f32 {
        let clamp = |at: f32, end: usize| (at.max(0.0) as usize).min(end - 1);
        let mut sum = 0.0;
        for dy in -1..=1 {
            for dx in -1..=1 {
                let (column, row) = (clamp(x + dx as f32 * 1.5, self.width), clamp(y + dy as f32 * 1.5, self.height));
                sum += f32::from(self.luma[row * self.width + column]);
            }
        }
        sum / 9.0
    }
}
