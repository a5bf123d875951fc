//! What the daemon and the worker say to each other over two pipes, and the limits that either holds the other to.
//!
//! Little-endian, one byte of kind first. Nothing is allocated before its length was checked; the daemon takes no size
//! from a worker that it did not ask for.

use super::worker::raster::Raster;
use super::{LONGEST_DOCUMENT, LONGEST_SIDE, MOST_PAGES, MOST_PARTS, MOST_PIXELS, Refusal};
use std::io::{self, Read, Write};
use std::ops::Range;

/// What the daemon asks of a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Read this document; the first order, and only that one.
    Open(Vec<u8>),
    /// Draw a part of a page.
    Draw(Drawing),
}

/// A part of one page, and the pixels that it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawing {
    /// Counted from 0.
    pub page: u32,
    /// Which part of the page.
    pub zone: Zone,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// A rectangle on a page as people see it, turned upright; 0 to 1 from its left and its top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Lower edge.
    pub bottom: f32,
}

/// What a worker says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// All rights are given up; the first thing said.
    Ready {
        /// Whether the kernel's Landlock stands too.
        landlock: bool,
        /// Whether every font is there that stands in for a missing one.
        fonts: bool,
    },
    /// The document is read.
    Opened {
        /// What it is.
        kind: Kind,
        /// Every page, in points.
        pages: Vec<PageSize>,
        /// What the first page needs: in order, apart from each other, at most [`MOST_PARTS`]; none when it needs all of it.
        first: Vec<Range<usize>>,
    },
    /// A drawn page.
    Drawn(Picture),
    /// No.
    Refused(Refusal),
}

/// What a document is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PDF.
    Pdf,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// PWG raster or Apple raster: what printers are sent.
    Raster,
}

/// A page upright, in points (1/72 inch).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageSize {
    /// Across.
    pub width: f32,
    /// Down.
    pub height: f32,
}

/// Drawn pixels: rows from the top without gaps, four bytes a pixel: blue, green, red, 255.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `width × height × 4` bytes.
    pub bgrx: Vec<u8>,
}

impl Order {
    /// Writes the order; [`Order::write_open`] saves a copy of the document.
    ///
    /// # Errors
    /// The pipe's.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Open(document) => Self::write_open(document, to),
            Self::Draw(drawing) => drawing.write(to),
        }
    }

    /// Writes the order to read this document.
    ///
    /// # Errors
    /// The pipe's, or too long a document.
    pub fn write_open(document: &[u8], to: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(document.len()).map_err(|_| wrong("a document too long"))?;
        to.write_all(&[OPEN])?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(document)?;
        to.flush()
    }

    /// Reads one order; `None` when the daemon closed the pipe between two.
    ///
    /// # Errors
    /// The pipe's, or an order out of its limits.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut kind = [0];
        if from.read(&mut kind)? == 0 {
            return Ok(None);
        }
        match kind {
            [OPEN] => {
                let length = number(from)? as usize;
                if length > LONGEST_DOCUMENT {
                    return Err(wrong("a document too long"));
                }
                let mut document = Vec::new();
                from.take(length as u64).read_to_end(&mut document)?;
                if document.len() < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(Some(Self::Open(document)))
            }
            [DRAW] => Drawing::read(from).map(|drawing| Some(Self::Draw(drawing))),
            _ => Err(wrong("an unknown order")),
        }
    }
}

impl Drawing {
    /// The whole page.
    pub const fn whole(page: u32, width: u32, height: u32) -> Self {
        Self { page, zone: Zone::WHOLE, width, height }
    }

    /// Whether so much may be drawn at once, and there is something to draw.
    pub fn is_fine(&self) -> bool {
        let sides = 1..=LONGEST_SIDE;
        sides.contains(&self.width)
            && sides.contains(&self.height)
            && self.width * self.height <= MOST_PIXELS
            && self.zone.is_fine()
    }

    /// Writes the order to draw this.
    ///
    /// # Errors
    /// The pipe's.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut bytes = vec![DRAW];
        bytes.extend(self.page.to_le_bytes());
        for edge in [self.zone.left, self.zone.top, self.zone.right, self.zone.bottom] {
            bytes.extend(edge.to_le_bytes());
        }
        bytes.extend(self.width.to_le_bytes());
        bytes.extend(self.height.to_le_bytes());
        to.write_all(&bytes)?;
        to.flush()
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let page = number(from)?;
        let zone = Zone { left: real(from)?, top: real(from)?, right: real(from)?, bottom: real(from)? };
        let drawing = Self { page, zone, width: number(from)?, height: number(from)? };
        if drawing.is_fine() { Ok(drawing) } else { Err(wrong("a drawing out of its limits")) }
    }
}

impl Zone {
    /// The whole page.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    fn is_fine(&self) -> bool {
        let within = |edge: f32| (0.0..=1.0).contains(&edge);
        [self.left, self.top, self.right, self.bottom].into_iter().all(within)
            && self.right - self.left >= SMALLEST_ZONE
            && self.bottom - self.top >= SMALLEST_ZONE
    }
}

impl Answer {
    /// Writes the answer.
    ///
    /// # Errors
    /// The pipe's.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Ready { landlock, fonts } => {
                to.write_all(&[READY, u8::from(*landlock), u8::from(*fonts)])?;
            }
            Self::Opened { kind, pages, first } => {
                let count = u32::try_from(pages.len()).map_err(|_| wrong("too many pages"))?;
                let mut bytes = vec![OPENED, kind.number()];
                bytes.extend(count.to_le_bytes());
                for page in pages {
                    bytes.extend(page.width.to_le_bytes());
                    bytes.extend(page.height.to_le_bytes());
                }
                let ends = first.iter().flat_map(|part| [part.start, part.end]);
                for number in [first.len()].into_iter().chain(ends) {
                    bytes.extend(u32::try_from(number).map_err(|_| wrong("a part too far"))?.to_le_bytes());
                }
                to.write_all(&bytes)?;
            }
            Self::Drawn(picture) => {
                to.write_all(&[DRAWN])?;
                to.write_all(&picture.width.to_le_bytes())?;
                to.write_all(&picture.height.to_le_bytes())?;
                to.write_all(&picture.bgrx)?;
            }
            Self::Refused(refusal) => {
                let place = Refusal::ALL.iter().position(|other| other == refusal).unwrap_or_default();
                to.write_all(&[REFUSED, u8::try_from(place).unwrap_or_default()])?;
            }
        }
        to.flush()
    }

    /// Reads one answer; a drawn page is taken only in the size that was `asked` for.
    ///
    /// # Errors
    /// The pipe's, or an answer out of its limits.
    pub fn read(from: &mut impl Read, asked: Option<&Drawing>) -> io::Result<Self> {
        match byte(from)? {
            READY => Ok(Self::Ready { landlock: truth(from)?, fonts: truth(from)? }),
            OPENED => {
                let kind = Kind::from_number(byte(from)?).ok_or_else(|| wrong("an unknown kind"))?;
                let count = number(from)? as usize;
                if !(1..=MOST_PAGES).contains(&count) {
                    return Err(wrong("no pages, or too many"));
                }
                let pages = (0..count).map(|_| PageSize::read(from)).collect::<io::Result<_>>()?;
                Ok(Self::Opened { kind, pages, first: parts(from)? })
            }
            DRAWN => {
                let (width, height) = (number(from)?, number(from)?);
                let asked = asked.filter(|asked| asked.is_fine() && (asked.width, asked.height) == (width, height));
                if asked.is_none() {
                    return Err(wrong("a picture that nobody asked for"));
                }
                let mut bgrx = vec![0; width as usize * height as usize * 4];
                from.read_exact(&mut bgrx)?;
                Ok(Self::Drawn(Picture { width, height, bgrx }))
            }
            REFUSED => {
                let refusal = Refusal::ALL.get(usize::from(byte(from)?));
                refusal.map(|refusal| Self::Refused(*refusal)).ok_or_else(|| wrong("an unknown refusal"))
            }
            _ => Err(wrong("an unknown answer")),
        }
    }
}

impl Kind {
    /// Looks at the first bytes, never at a name. A PDF may have a little in front of its head.
    pub fn of(document: &[u8]) -> Option<Self> {
        let start = &document[..document.len().min(1_024)];
        if start.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if start.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if Raster::is(start) {
            Some(Self::Raster)
        } else {
            start.windows(5).any(|word| word == b"%PDF-").then_some(Self::Pdf)
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Pdf => 0,
            Self::Png => 1,
            Self::Jpeg => 2,
            Self::Raster => 3,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Pdf, Self::Png, Self::Jpeg, Self::Raster].into_iter().find(|kind| kind.number() == number)
    }
}

impl PageSize {
    /// A size that can be drawn: neither empty nor endless. PDF readers agree on 200 inches; a few go beyond.
    pub fn is_fine(self) -> bool {
        let fine = |side: f32| (1.0..=LONGEST_PAGE).contains(&side);
        fine(self.width) && fine(self.height)
    }

    fn read(from: &mut impl Read) -> io::Result<Self> {
        let size = Self { width: real(from)?, height: real(from)? };
        if size.is_fine() { Ok(size) } else { Err(wrong("a page of no size")) }
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "Picture({}×{})", self.width, self.height)
    }
}

fn parts(from: &mut impl Read) -> io::Result<Vec<Range<usize>>> {
    let count = number(from)? as usize;
    if count > MOST_PARTS {
        return Err(wrong("too many parts"));
    }
    let mut parts = Vec::new();
    let mut beyond = 0;
    for _ in 0..count {
        let part = number(from)? as usize..number(from)? as usize;
        let apart = parts.is_empty() || part.start > beyond;
        if part.is_empty() || !apart || part.end > LONGEST_DOCUMENT {
            return Err(wrong("parts in disorder"));
        }
        beyond = part.end;
        parts.push(part);
    }
    Ok(parts)
}

fn byte(from: &mut impl Read) -> io::Result<u8> {
    let mut bytes = [0];
    from.read_exact(&mut bytes).map(|()| bytes[0])
}

fn truth(from: &mut impl Read) -> io::Result<bool> {
    match byte(from)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(wrong("neither yes nor no")),
    }
}

fn number(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes).map(|()| u32::from_le_bytes(bytes))
}

fn real(from: &mut impl Read) -> io::Result<f32> {
    number(from).map(f32::from_bits)
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

const OPEN: u8 = 1;
const DRAW: u8 = 2;
const READY: u8 = 16;
const OPENED: u8 = 17;
const DRAWN: u8 = 18;
const REFUSED: u8 = 19;
/// Deeper zooming than anybody needs: a page 100 screens wide.
const SMALLEST_ZONE: f32 = 0.01;
const LONGEST_PAGE: f32 = 100_000.0;
