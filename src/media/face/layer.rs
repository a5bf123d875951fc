//! Drawn pictures, and how they are laid over a canvas: only where something is, copied where nothing shines through.

use std::sync::Arc;

/// What the composer puts on the canvas, drawn for a canvas of one size.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// Of the canvas, in pixels.
    pub size: (u32, u32),
    /// Blue, green, red, nothing: where no picture is.
    pub backdrop: [u8; 4],
    /// The far picture fits in here; `None`: it is not shown.
    pub picture: Option<Rect>,
    /// The far picture is not live: it has no colour.
    pub grey: bool,
    /// The own picture fits in here.
    pub own: Option<Rect>,
    /// The live share fits in here, behind both.
    pub live: Option<Rect>,
    /// Nothing comes from it: it has no colour.
    pub live_grey: bool,
    /// Behind the pictures, from back to front.
    pub under: Vec<Layer>,
    /// From back to front.
    pub layers: Vec<Layer>,
}

/// A part of the canvas, in pixels; lies within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// A drawn picture and where its upper left corner stands; may reach beyond the canvas.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub image: Arc<Image>,
    pub x: i32,
    pub y: i32,
}

/// Blue, green, red, opacity, colours already multiplied by opacity; rows from the top without gaps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    width: usize,
    pixels: Vec<u8>,
    runs: Vec<Run>,
}

/// Neighbours in one row that are laid over in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    row: usize,
    from: usize,
    to: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Clear,
    Solid,
    Between,
}

/// The rows of a canvas, four bytes a pixel.
pub(crate) struct Canvas<'c> {
    pub bytes: &'c mut [u8],
    pub stride: usize,
    pub width: usize,
    pub height: usize,
}

impl Image {
    /// From rows of `stride` bytes.
    pub(crate) fn new(rows: &[u8], stride: usize, width: usize) -> Self {
        let (mut pixels, mut runs) = (Vec::with_capacity(rows.len()), Vec::new());
        for (row, bytes) in rows.chunks_exact(stride).enumerate() {
            let bytes = &bytes[..width * BYTES];
            pixels.extend_from_slice(bytes);
            let mut from = 0;
            while from < width {
                let kind = kind(bytes[from * BYTES + 3]);
                let same = bytes[from * BYTES..].chunks_exact(BYTES).take_while(|pixel| self::kind(pixel[3]) == kind);
                let to = from + same.count();
                if kind != Kind::Clear {
                    runs.push(Run { row, from, to, kind });
                }
                from = to;
            }
        }
        Self { width, pixels, runs }
    }
}

impl Layer {
    /// Lays it over the canvas.
    pub(crate) fn lay(&self, canvas: &mut Canvas<'_>) {
        for run in &self.image.runs {
            let row = run.row as i64 + i64::from(self.y);
            let left = i64::from(self.x);
            let from = (run.from as i64 + left).max(0);
            let to = (run.to as i64 + left).min(canvas.width as i64);
            if !(0..canvas.height as i64).contains(&row) || from >= to {
                continue;
            }
            let (from, to) = (from as usize, to as usize);
            let start = (run.row * self.image.width + (from as i64 - left) as usize) * BYTES;
            let drawn = &self.image.pixels[start..start + (to - from) * BYTES];
            let under = row as usize * canvas.stride;
            let under = &mut canvas.bytes[under + from * BYTES..under + to * BYTES];
            match run.kind {
                Kind::Clear => {}
                Kind::Solid => under.copy_from_slice(drawn),
                Kind::Between => over(under, drawn),
            }
        }
    }
}

impl Canvas<'_> {
    /// One colour everywhere but in `picture`.
    pub(crate) fn fill_around(&mut self, picture: Rect, colour: [u8; 4]) {
        let [left, top] = [picture.x, picture.y].map(|at| at.max(0) as usize);
        let (right, bottom) = (left + picture.width as usize, top + picture.height as usize);
        let whole = left == 0 && top == 0 && right >= self.width && bottom >= self.height;
        let painted = if whole { Vec::new() } else { colour.repeat(self.width) };
        for (row, bytes) in self.bytes.chunks_mut(self.stride).take(self.height).enumerate().filter(|_| !whole) {
            let bytes = &mut bytes[..self.width * BYTES];
            if (top..bottom).contains(&row) {
                bytes[..left * BYTES].copy_from_slice(&painted[..left * BYTES]);
                bytes[right * BYTES..].copy_from_slice(&painted[right * BYTES..]);
            } else {
                bytes.copy_from_slice(&painted);
            }
        }
    }

    /// Takes the colour out of a part, and some of its light.
    pub(crate) fn grey(&mut self, part: Rect) {
        let [left, top] = [part.x, part.y].map(|at| at.max(0) as usize);
        let (right, bottom) = (left + part.width as usize, top + part.height as usize);
        for bytes in self.bytes.chunks_mut(self.stride).take(bottom).skip(top) {
            for pixel in bytes[left * BYTES..right * BYTES].chunks_exact_mut(BYTES) {
                let [blue, green, red] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
                let light = (29 * blue + 150 * green + 77 * red) >> 8;
                let light = u8::try_from(HELD_DARK + light * HELD_LIGHT / 256).unwrap_or(u8::MAX);
                pixel[..3].fill(light);
            }
        }
    }
}

fn kind(opacity: u8) -> Kind {
    match opacity {
        0 => Kind::Clear,
        u8::MAX => Kind::Solid,
        1..u8::MAX => Kind::Between,
    }
}

/// Porter and Duff's "over", colours premultiplied, exact to one step of 255.
fn over(under: &mut [u8], drawn: &[u8]) {
    for (under, drawn) in under.chunks_exact_mut(BYTES).zip(drawn.chunks_exact(BYTES)) {
        let through = u16::from(u8::MAX - drawn[3]);
        for (under, drawn) in under.iter_mut().zip(drawn) {
            let product = u16::from(*under) * through + 128;
            *under = drawn.wrapping_add(((product + (product >> 8)) >> 8) as u8);
        }
    }
}

const BYTES: usize = 4;
/// A held picture is darker than a live one: black becomes this …
const HELD_DARK: u32 = 20;
/// … and each step of light so many 256ths of one.
const HELD_LIGHT: u32 = 150;

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pixels: clear, half red, solid blue; twice.
    fn image() -> Arc<Image> {
        let row = [0, 0, 0, 0, 0, 0, 128, 128, 255, 0, 0, 255, 9, 9, 9, 9];
        Arc::new(Image::new(&[row, row].concat(), 16, 3))
    }

    fn lay(x: i32, y: i32) -> Vec<[u8; 3]> {
        let mut bytes = vec![100; 4 * 16];
        let mut canvas = Canvas { bytes: &mut bytes, stride: 16, width: 3, height: 4 };
        Layer { image: image(), x, y }.lay(&mut canvas);
        bytes.chunks(4).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    }

    #[test]
    fn what_is_clear_leaves_what_is_solid_covers_and_the_rest_is_between() {
        let laid = lay(0, 1);
        let same = [100; 3];
        assert_eq!(laid[..4], [same; 4]);
        assert_eq!(laid[4..8], [same, [50, 50, 178], [255, 0, 0], same]);
        assert_eq!(laid[8..12], laid[4..8]);
    }

    #[test]
    fn what_reaches_beyond_the_canvas_is_cut() {
        assert_eq!(lay(-2, -1)[..4], [[255, 0, 0], [100; 3], [100; 3], [100; 3]]);
        assert_eq!(lay(2, 3)[12..], [[100; 3]; 4]);
        assert_eq!(lay(-9, 9), [[100; 3]; 16]);
        assert_eq!(lay(1, 3)[12..], [[100; 3], [100; 3], [50, 50, 178], [100; 3]]);
    }

    #[test]
    fn a_held_picture_has_no_colour_and_its_surroundings_are_filled() {
        let mut bytes = [200, 60, 90, 7].repeat(12);
        let mut canvas = Canvas { bytes: &mut bytes, stride: 16, width: 4, height: 3 };
        let part = Rect { x: 1, y: 1, width: 2, height: 1 };
        canvas.grey(part);
        canvas.fill_around(part, [1, 2, 3, 0]);
        let pixels: Vec<&[u8]> = bytes.chunks(4).collect();
        assert_eq!(pixels[5][0], pixels[5][2]);
        assert!((20..120).contains(&pixels[5][1]));
        assert_eq!(pixels.iter().filter(|pixel| ***pixel == [1, 2, 3, 0]).count(), 10);
    }
}
