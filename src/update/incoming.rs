//! A bundle on its way to its place: whole, durable and under its name, or not there at all.
//!
//! The old bundle goes, the new one's description comes, the bundle gets its name: a power cut between any two of these leaves
//! a box without a bundle, never with half of one or with another's description.

use super::place::{DESCRIPTION, EXPECTED, Held, PART, Place, Whole, gone};
use super::refusal::Refusal;
use super::report::{Report, Source, State};
use crate::durable;
use ring::digest::Context;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};

/// A bundle on its way. Dropped before [`Incoming::finish`], what arrived stays for [`Place::resume`].
pub struct Incoming {
    place: Place,
    source: Source,
    expected: Expected,
    part: File,
    digest: Context,
    offset: u64,
    synced: u64,
    told: Option<u8>,
    _held: Held,
}

impl Incoming {
    pub(super) fn new(
        place: Place,
        source: Source,
        expected: Expected,
        part: File,
        digest: Context,
        offset: u64,
        held: Held,
    ) -> Self {
        let mut incoming =
            Self { place, source, expected, part, digest, offset, synced: offset, told: None, _held: held };
        incoming.tell();
        incoming
    }

    /// So many bytes are here: the next one written is this one of the bundle, counted from 0.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// So many bytes it will have.
    pub fn length(&self) -> u64 {
        self.expected.length
    }

    /// Somebody of this room waits for the place, and this comes from the other box: it is to be dropped, and goes on later.
    pub fn gives_way(&self) -> bool {
        self.source == Source::Peer && self.place.is_wanted_here()
    }

    /// Takes the next bytes. Blocks for the disk.
    ///
    /// # Errors
    /// [`Refusal::Broken`] beyond the length, [`Refusal::Disk`]; they are in the report.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let written = self.take(bytes);
        if let Err(refusal) = &written {
            let _still_refused = self.place.tell(&Report::refused(Some(self.source), None, refusal));
        }
        written
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let after = self.offset + bytes.len() as u64;
        if after > self.expected.length {
            return Err(Refusal::Broken);
        }
        self.part.write_all(bytes).map_err(durable::in_words)?;
        self.digest.update(bytes);
        self.offset = after;
        // Else the last step writes it all, and the box stands still for as long.
        if self.offset - self.synced >= SYNC_EVERY {
            self.part.sync_data()?;
            self.synced = self.offset;
        }
        self.tell();
        Ok(())
    }

    /// It is all here: syncs it and gives it its name, in place of the one before.
    ///
    /// # Errors
    /// [`Refusal::Broken`] when bytes are missing or the digest is another one (nothing stays of it then), [`Refusal::Disk`]; they are in the report.
    pub fn finish(self) -> Result<Whole, Refusal> {
        self.finish_until(PowerCut(None))
    }

    /// As [`Incoming::finish`]; tests only: the power goes after so many steps.
    ///
    /// # Errors
    /// As [`Incoming::finish`], and [`Refusal::Disk`] when the power went.
    pub fn finish_until(self, cut: PowerCut) -> Result<Whole, Refusal> {
        let (place, source) = (self.place.clone(), self.source);
        self.put_in_place(cut).inspect_err(|refusal| {
            let _still_refused = place.tell(&Report::refused(Some(source), None, refusal));
        })
    }

    fn put_in_place(self, cut: PowerCut) -> Result<Whole, Refusal> {
        let directory = &self.place.directory;
        let digest = self.digest.clone().finish();
        let sha256: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let other = self.expected.sha256.as_ref().is_some_and(|expected| *expected != sha256);
        if other || (self.offset < self.expected.length && !self.expected.is_resumable()) {
            gone(&directory.join(EXPECTED))?;
            gone(&directory.join(PART))?;
        }
        if other || self.offset < self.expected.length {
            return Err(Refusal::Broken);
        }
        let whole = Whole { length: self.offset, sha256, source: self.source };
        let text = serde_json::to_vec(&whole).map_err(io::Error::other)?;
        self.part.sync_all()?;
        cut.after(1)?;
        gone(&self.place.bundle())?;
        cut.after(2)?;
        durable::replace(&directory.join(DESCRIPTION), &text)?;
        cut.after(3)?;
        std::fs::rename(directory.join(PART), self.place.bundle())?;
        File::open(directory)?.sync_all()?;
        cut.after(4)?;
        gone(&directory.join(EXPECTED))?;
        Ok(whole)
    }

    /// At every full per cent: a report that cannot be written stops nothing.
    fn tell(&mut self) {
        let percent = u8::try_from(self.offset * 100 / self.expected.length.max(1)).unwrap_or(100);
        if self.told.replace(percent) != Some(percent) {
            let report = Report { percent, ..Report::of(State::Receiving, Some(self.source), None) };
            let _not_told = self.place.tell(&report);
        }
    }
}

/// Tests only: after which step of [`Incoming::finish`] the power goes.
#[derive(Clone, Copy, Debug)]
pub struct PowerCut(pub Option<u32>);

impl PowerCut {
    fn after(self, step: u32) -> io::Result<()> {
        if self.0 == Some(step) { Err(io::Error::other("the power went")) } else { Ok(()) }
    }
}

/// What comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Expected {
    pub(super) length: u64,
    pub(super) sha256: Option<String>,
    /// As its sender calls it; digests are checked, names are not.
    #[serde(default)]
    pub(super) name: Option<String>,
}

impl Expected {
    /// What arrived of it is known again.
    pub(super) fn is_resumable(&self) -> bool {
        self.sha256.is_some() || self.name.is_some()
    }
}

/// Written to the disk at least this often, bytes.
const SYNC_EVERY: u64 = 16 << 20;
