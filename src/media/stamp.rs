//! Bench stamps: the capture `Moment` drawn into the top rows of a picture, black and white, and read back after decoding.
//!
//! ```text
//! ┌─┬─┬─┬─┬ … ┬─┐  80 blocks of 8 × 8 luma pixels, row by row:
//! │1│0│1│1│   │ │  64 bits of nanoseconds, most significant first, then 16 bits of checksum
//! └─┴─┴─┴─┴ … ┴─┘
//! ```
//!
//! Survives H.264 and VP8 at 500 kbit/s, not scaling. A picture without a stamp reads as `None` (1 in 65,536 by chance).

use crate::model::Moment;
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

/// Draws `moment` into a luma plane of `width` pixels whose rows are `stride` bytes apart. Too small a plane stays as it is.
pub fn draw(luma: &mut [u8], stride: usize, width: usize, moment: Moment) {
    if !fits(luma.len(), stride, width) {
        return;
    }
    let bits = u128::from(moment.as_nanos()) << CHECK_BITS | u128::from(checksum(moment));
    for index in 0..BLOCKS {
        let value = if bits >> (BLOCKS - 1 - index) & 1 == 1 { WHITE } else { BLACK };
        let (x, y) = corner(index, width);
        for row in luma[y * stride..].chunks_mut(stride).take(BLOCK) {
            row[x..x + BLOCK].fill(value);
        }
    }
}

/// Draws `moment` into a raw frame of these caps; copies the frame if somebody else holds it too.
pub(crate) fn draw_on(frame: &mut gst::Buffer, caps: &gst::CapsRef, moment: Moment) {
    let Ok(info) = gst_video::VideoInfo::from_caps(caps) else { return };
    let Ok(mut picture) = gst_video::VideoFrameRef::from_buffer_ref_writable(frame.make_mut(), &info) else { return };
    let stride = usize::try_from(picture.plane_stride()[0]).unwrap_or(0);
    let width = picture.width() as usize;
    if let Ok(luma) = picture.plane_data_mut(0) {
        draw(luma, stride, width, moment);
    }
}

/// The moment drawn into this luma plane, if there is one and it is undamaged.
pub fn read(luma: &[u8], stride: usize, width: usize) -> Option<Moment> {
    if !fits(luma.len(), stride, width) {
        return None;
    }
    let bits = (0..BLOCKS).fold(0_u128, |bits, index| {
        let (x, y) = corner(index, width);
        // The middle of the block: its edges bleed into the neighbours.
        let sum: u32 = (y + 2..y + 6).flat_map(|y| &luma[y * stride + x + 2..][..4]).map(|&luma| u32::from(luma)).sum();
        bits << 1 | u128::from(sum > 16 * THRESHOLD)
    });
    let moment = Moment::from_nanos(u64::try_from(bits >> CHECK_BITS).ok()?);
    (u128::from(checksum(moment)) == bits & ((1 << CHECK_BITS) - 1)).then_some(moment)
}

fn corner(index: usize, width: usize) -> (usize, usize) {
    let per_row = width / BLOCK;
    (index % per_row * BLOCK, index / per_row * BLOCK)
}

fn fits(len: usize, stride: usize, width: usize) -> bool {
    let per_row = width / BLOCK;
    per_row > 0 && stride >= width && len >= BLOCKS.div_ceil(per_row) * BLOCK * stride
}

/// Never zero for zero, so that a black picture is no stamp.
fn checksum(moment: Moment) -> u16 {
    let mixed = (moment.as_nanos() ^ 0x5bd1_e995_a7c1_3b2d).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u16::try_from(mixed >> 48).unwrap_or(u16::MAX)
}

const BLOCK: usize = 8;
const BLOCKS: usize = 64 + CHECK_BITS;
const CHECK_BITS: usize = 16;
const BLACK: u8 = 16;
const WHITE: u8 = 235;
const THRESHOLD: u32 = 126;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_whatever_the_width_and_stride() {
        for (width, stride) in [(1280, 1280), (320, 384), (200, 200), (8, 16)] {
            let mut luma = vec![90; stride * 720];
            let moment = Moment::from_nanos(0x0123_4567_89ab_cdef);
            draw(&mut luma, stride, width, moment);
            assert_eq!(read(&luma, stride, width), Some(moment), "{width}");
        }
    }

    #[test]
    fn a_picture_without_a_stamp_or_with_a_damaged_one_reads_as_none() {
        for value in [0, 16, 128, 235] {
            assert_eq!(read(&vec![value; 1280 * 64], 1280, 1280), None);
        }
        let mut luma = vec![90; 1280 * 64];
        draw(&mut luma, 1280, 1280, Moment::from_nanos(77));
        luma[..8 * 1280].chunks_mut(1280).for_each(|row| row[0..8].fill(WHITE));
        assert_eq!(read(&luma, 1280, 1280), None);
    }

    #[test]
    fn a_plane_too_small_is_left_alone() {
        let mut luma = vec![90; 64];
        draw(&mut luma, 8, 8, Moment::from_nanos(1));
        assert_eq!(luma, vec![90; 64]);
        assert_eq!(read(&luma, 8, 8), None);
        assert_eq!(read(&[], 0, 0), None);
    }
}
