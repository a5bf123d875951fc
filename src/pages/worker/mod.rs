//! The worker: `engawa draw-pages`. Gives up every right, then reads one document from standard input and draws it.
//!
//! One thread, no log, no clock. Whatever goes wrong ends the process; the attendant says so to people and starts another.

mod first;
mod fonts;
mod forms;
mod pdf;
mod photo;
pub mod raster;

pub use crate::confine::{Trespass, Unconfined, confine};

use super::wire::{Answer, Kind, Order};
use super::{MOST_PAGES, PageSize, Picture, Refusal};
use fonts::Fonts;
use std::io::{self, Write};
use std::ops::Range;
use std::process::ExitCode;

/// The process: says whether it is confined, reads the document, draws until the daemon closes the pipe.
pub fn main(trespass: Option<Trespass>) -> ExitCode {
    // Opened while files can be opened; read when a document needs them.
    let fonts = Fonts::find();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let served = match confine(&fonts.handles()) {
        Ok(walls) => Answer::Ready { landlock: walls.landlock, fonts: fonts.are_complete() }
            .write(&mut out)
            .and_then(|()| serve(fonts, trespass, &mut io::stdin().lock(), &mut out)),
        Err(_) => Answer::Refused(Refusal::Unconfined).write(&mut out),
    };
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn serve(fonts: Fonts, trespass: Option<Trespass>, from: &mut impl io::Read, to: &mut impl Write) -> io::Result<()> {
    let document = match Order::read(from)? {
        Some(Order::Open(document)) => document,
        Some(Order::Draw(_)) => return Err(io::ErrorKind::InvalidData.into()),
        None => return Ok(()),
    };
    if let Some(trespass) = trespass {
        trespass.commit();
    }
    let kind = Kind::of(&document);
    // Finding out takes as long as opening: what takes long to open is shown when all of it is there.
    let long = document.len() > LONGEST_WITH_PARTS;
    let mut pages: Box<dyn Pages> = match kind {
        Some(Kind::Pdf) => match pdf::PdfPages::read(document, fonts) {
            Ok(pages) => Box::new(pages),
            Err(refusal) => return Answer::Refused(refusal).write(to),
        },
        Some(Kind::Png | Kind::Jpeg) => match photo::Photo::read(document) {
            Ok(photo) => Box::new(photo),
            Err(refusal) => return Answer::Refused(refusal).write(to),
        },
        Some(Kind::Raster) => match raster::RasterPages::read(document) {
            Ok(pages) => Box::new(pages),
            Err(refusal) => return Answer::Refused(refusal).write(to),
        },
        None => return Answer::Refused(Refusal::Unknown).write(to),
    };
    let sizes = pages.sizes();
    let opened = match (kind, sizes.len()) {
        (None, _) | (_, 0) => Answer::Refused(Refusal::Broken),
        (_, many) if many > MOST_PAGES => Answer::Refused(Refusal::TooManyPages),
        (Some(kind), _) if sizes.iter().all(|size| size.is_fine()) => {
            Answer::Opened { kind, pages: sizes, first: if long { Vec::new() } else { pages.first() } }
        }
        (Some(_), _) => Answer::Refused(Refusal::TooLarge),
    };
    opened.write(to)?;
    if matches!(opened, Answer::Refused(_)) {
        return Ok(());
    }
    loop {
        let answer = match Order::read(from)? {
            Some(Order::Draw(drawing)) => pages.draw(&drawing).map_or_else(Answer::Refused, Answer::Drawn),
            Some(Order::Open(_)) => return Err(io::ErrorKind::InvalidData.into()),
            None => return Ok(()),
        };
        answer.write(to)?;
    }
}

/// Bytes.
const LONGEST_WITH_PARTS: usize = 32 << 20;

/// A document that was read.
trait Pages {
    /// Every page upright, in points.
    fn sizes(&self) -> Vec<PageSize>;

    /// The parts of the document that its first page needs: in order, apart from each other; none when it needs all of it.
    fn first(&self) -> Vec<Range<usize>> {
        Vec::new()
    }

    /// Draws a part of a page.
    fn draw(&mut self, drawing: &super::Drawing) -> Result<Picture, Refusal>;
}
