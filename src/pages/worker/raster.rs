//! What printers are sent: PWG raster (PWG 5102.4, "RaS2") and Apple raster ("UNIRAST"), one bitmap a page.
//!
//! ```text
//!   file head ─ page head ─ rows ─ page head ─ rows ─ …        rows: how often ─ runs of equal and of unlike pixels
//!       └── read ── walks over all of it: where pages begin, how large; nothing is unpacked ──┘
//!                    draw ── unpacks the one page that is looked at, and keeps it till another one is
//! ```
//! Walking takes as long as the file is, whatever its heads promise: every step takes at least a byte. What a page unpacks to is
//! known, and bounded, before its first row.

use super::Pages;
use super::photo::Photo;
use crate::pages::{Drawing, MOST_PAGES, PageSize, Picture, Refusal};
use image::{Rgba, RgbaImage};
use std::ops::Range;

/// A raster file whose pages were found.
#[derive(Debug)]
pub struct Raster {
    document: Vec<u8>,
    pages: Vec<Page>,
}

/// Where a page lies, and what it is made of.
#[derive(Clone, Debug)]
struct Page {
    rows: Range<usize>,
    width: u32,
    height: u32,
    dpi: u32,
    ink: Ink,
}

/// Is told which rows are alike, and what they are made of.
type Paint<'p> = &'p mut dyn FnMut(Range<u32>, &[u8]);

/// How a pixel is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    /// One bit, 1 is black: eight pixels a byte.
    Bilevel,
    /// A byte, 255 is white.
    Gray,
    /// A byte, 255 is black.
    Black,
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow, black.
    Cmyk,
}

impl Raster {
    /// Whether a file begins as one of the two kinds does.
    pub fn is(document: &[u8]) -> bool {
        document.starts_with(PWG) || document.starts_with(APPLE)
    }

    /// Finds the pages.
    ///
    /// # Errors
    /// Broken, too many pages, too large a page, or a way of writing pixels that nobody was told this box understands.
    pub fn read(document: Vec<u8>) -> Result<Self, Refusal> {
        let mut cursor = Cursor { bytes: &document, at: 0 };
        let head = if document.starts_with(PWG) { PWG.len() } else { APPLE.len() + 4 };
        cursor.take(head)?;
        let mut pages: Vec<Page> = Vec::new();
        while cursor.at < document.len() {
            if pages.len() >= MOST_PAGES {
                return Err(Refusal::TooManyPages);
            }
            let head = if document.starts_with(PWG) { pwg_page(&mut cursor)? } else { apple_page(&mut cursor)? };
            let Some(mut page) = head else { break };
            let begin = cursor.at;
            page.walk(&mut cursor, None)?;
            page.rows = begin..cursor.at;
            pages.push(page);
        }
        if pages.is_empty() { Err(Refusal::Broken) } else { Ok(Self { document, pages }) }
    }

    /// The pages' sizes in points.
    pub fn sizes(&self) -> Vec<PageSize> {
        self.pages.iter().map(Page::size).collect()
    }

    /// The part of the file that the first page needs.
    pub fn first(&self) -> Vec<Range<usize>> {
        self.pages.first().map(|page| 0..page.rows.end).into_iter().collect()
    }

    /// The pixels of a page.
    ///
    /// # Errors
    /// When there is none such.
    pub fn unpack(&self, page: usize) -> Result<RgbaImage, Refusal> {
        let page = self.pages.get(page).ok_or(Refusal::NoSuchPage)?;
        let mut pixels = RgbaImage::from_pixel(page.width, page.height, WHITE);
        let across = page.width as usize * 4;
        let ink = page.ink;
        let mut paint = |rows: Range<u32>, line: &[u8]| {
            let (first, past) = (rows.start as usize * across, rows.end as usize * across);
            let Some(place) = pixels.get_mut(first..past) else { return };
            let (row, again) = place.split_at_mut(across);
            ink.paint(line, row);
            again.chunks_exact_mut(across).for_each(|other| other.copy_from_slice(row));
        };
        page.walk(&mut Cursor { bytes: &self.document, at: page.rows.start }, Some(&mut paint))?;
        Ok(pixels)
    }
}

/// A raster file in the worker, with the page that was looked at last.
pub(super) struct RasterPages {
    raster: Raster,
    unpacked: Option<(u32, Photo)>,
}

impl RasterPages {
    pub(super) fn read(document: Vec<u8>) -> Result<Self, Refusal> {
        Ok(Self { raster: Raster::read(document)?, unpacked: None })
    }
}

impl Pages for RasterPages {
    fn sizes(&self) -> Vec<PageSize> {
        self.raster.sizes()
    }

    fn first(&self) -> Vec<Range<usize>> {
        self.raster.first()
    }

    fn draw(&mut self, drawing: &Drawing) -> Result<Picture, Refusal> {
        let photo = match self.unpacked.take().filter(|(page, _)| *page == drawing.page) {
            Some((_, photo)) => photo,
            None => Photo::of(self.raster.unpack(drawing.page as usize)?)?,
        };
        let (_, photo) = self.unpacked.insert((drawing.page, photo));
        photo.draw(&Drawing { page: 0, ..*drawing })
    }
}

impl Page {
    fn new(width: u32, height: u32, dpi: u32, ink: Ink) -> Result<Self, Refusal> {
        if width == 0 || height == 0 {
            return Err(Refusal::Broken);
        }
        let fits = u64::from(width) * u64::from(height) <= MOST_PIXELS && width.max(height) <= LONGEST_SIDE;
        if fits { Ok(Self { rows: 0..0, width, height, dpi, ink }) } else { Err(Refusal::TooLarge) }
    }

    fn size(&self) -> PageSize {
        // A head that gives no resolution, or a mad one, still has a shape.
        let dpi = if (50..=2_400).contains(&self.dpi) { self.dpi as f32 } else { 300.0 };
        let points = |pixels: u32| (pixels as f32 * 72.0 / dpi).max(1.0);
        PageSize { width: points(self.width), height: points(self.height) }
    }

    /// Follows the runs; nothing is unpacked if nobody paints.
    fn walk(&self, cursor: &mut Cursor<'_>, mut paint: Option<Paint<'_>>) -> Result<(), Refusal> {
        let (pixel, length) = self.ink.bytes(self.width);
        let mut line = vec![0; if paint.is_some() { length } else { 0 }];
        let mut y = 0;
        while y < self.height {
            let again = u32::from(cursor.byte()?) + 1;
            let mut x = 0;
            while x < length {
                let run = cursor.byte()?;
                let left = length - x;
                x += match run {
                    0..=127 => {
                        let many = ((usize::from(run) + 1) * pixel).min(left);
                        let value = cursor.take(pixel)?;
                        if let Some(place) = line.get_mut(x..x + many) {
                            place.iter_mut().zip(value.iter().cycle()).for_each(|(to, from)| *to = *from);
                        }
                        many
                    }
                    // The rest of the row is paper.
                    128 => {
                        if let Some(place) = line.get_mut(x..) {
                            place.fill(self.ink.paper());
                        }
                        left
                    }
                    129..=255 => {
                        let many = (257 - usize::from(run)) * pixel;
                        let value = cursor.take(many)?;
                        let many = many.min(left);
                        if let Some(place) = line.get_mut(x..x + many) {
                            place.copy_from_slice(&value[..many]);
                        }
                        many
                    }
                };
            }
            let past = y.saturating_add(again).min(self.height);
            if let Some(paint) = &mut paint {
                paint(y..past, &line);
            }
            y = past;
        }
        Ok(())
    }
}

impl Ink {
    /// Of a pixel, and of a row of so many; eight pixels of black and white are one.
    const fn bytes(self, width: u32) -> (usize, usize) {
        let width = width as usize;
        match self {
            Self::Bilevel => (1, width.div_ceil(8)),
            Self::Gray | Self::Black => (1, width),
            Self::Rgb => (3, width * 3),
            Self::Cmyk => (4, width * 4),
        }
    }

    const fn paper(self) -> u8 {
        match self {
            Self::Gray | Self::Rgb => 255,
            Self::Bilevel | Self::Black | Self::Cmyk => 0,
        }
    }

    /// From a row as it is written to red, green, blue, 255.
    fn paint(self, line: &[u8], row: &mut [u8]) {
        let pixels = row.as_chunks_mut::<4>().0;
        match self {
            Self::Bilevel => pixels.iter_mut().enumerate().for_each(|(x, pixel)| {
                let black = line[x / 8] >> (7 - x % 8) & 1 == 1;
                *pixel = gray(if black { 0 } else { 255 });
            }),
            Self::Gray => pixels.iter_mut().zip(line).for_each(|(pixel, value)| *pixel = gray(*value)),
            Self::Black => pixels.iter_mut().zip(line).for_each(|(pixel, value)| *pixel = gray(255 - *value)),
            Self::Rgb => pixels.iter_mut().zip(line.as_chunks::<3>().0).for_each(|(pixel, [red, green, blue])| {
                *pixel = [*red, *green, *blue, 255];
            }),
            Self::Cmyk => {
                pixels.iter_mut().zip(line.as_chunks::<4>().0).for_each(|(pixel, [cyan, magenta, yellow, black])| {
                    let light = |ink: u8| (u16::from(255 - ink) * u16::from(255 - *black) / 255) as u8;
                    *pixel = [light(*cyan), light(*magenta), light(*yellow), 255];
                })
            }
        }
    }
}

const fn gray(value: u8) -> [u8; 4] {
    [value, value, value, 255]
}

/// The head of a page: 1796 bytes, all numbers with the high byte first. None at a head of zeros: the file was filled up,
/// or only its first page is here yet.
fn pwg_page(cursor: &mut Cursor<'_>) -> Result<Option<Page>, Refusal> {
    let head = cursor.take(1_796)?;
    if head.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let number =
        |at: usize| head.get(at..at + 4).map_or(0, |four| four.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)));
    let (dpi, width, height) = (number(276), number(372), number(376));
    let (bits_per_colour, bits_per_pixel, bytes_per_line) = (number(384), number(388), number(392));
    let (order, space) = (number(396), number(400));
    // The numbers of cups_cspace_t; colours must lie side by side.
    let ink = match (order, space, bits_per_colour, bits_per_pixel) {
        (0, 3, 1, 1) => Ink::Bilevel,
        (0, 0 | 18, 8, 8) => Ink::Gray,
        (0, 3, 8, 8) => Ink::Black,
        (0, 1 | 19 | 20, 8, 24) => Ink::Rgb,
        (0, 6, 8, 32) => Ink::Cmyk,
        _ => return Err(Refusal::Broken),
    };
    let page = Page::new(width, height, dpi, ink)?;
    let (_, length) = ink.bytes(width);
    if u32::try_from(length) == Ok(bytes_per_line) { Ok(Some(page)) } else { Err(Refusal::Broken) }
}

/// The head of a page: 32 bytes.
fn apple_page(cursor: &mut Cursor<'_>) -> Result<Option<Page>, Refusal> {
    let head = cursor.take(32)?;
    if head.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let number =
        |at: usize| head.get(at..at + 4).map_or(0, |four| four.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)));
    let ink = match (head[0], head[1]) {
        (8, 0 | 4) => Ink::Gray,
        (24, 1 | 3 | 5) => Ink::Rgb,
        (32, 6) => Ink::Cmyk,
        _ => return Err(Refusal::Broken),
    };
    Page::new(number(12), number(16), number(20), ink).map(Some)
}

/// Goes through bytes from the front.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn take(&mut self, many: usize) -> Result<&'b [u8], Refusal> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..many)).ok_or(Refusal::Broken)?;
        self.at += many;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        self.take(1).map(|byte| byte[0])
    }
}

const PWG: &[u8] = b"RaS2";
const APPLE: &[u8] = b"UNIRAST\0";
const WHITE: Rgba<u8> = Rgba([255; 4]);
/// As many as of a photo: A4 at 600 dpi is 35 million.
const MOST_PIXELS: u64 = 50_000_000;
const LONGEST_SIDE: u32 = 65_535;
