//! Finds files in the first directory of a FAT12, FAT16 or FAT32 file system without believing a byte of it.
//!
//! ```text
//!   boot sector ─ sizes that fit together? ─▶ first directory ─ names ─▶ Found { provision, bundles }
//!                                                                          └ where its bytes lie (extents)
//! ```
//! May be relied on: whatever the device holds, the answer comes after at most [`MOST_READS`] reads and with a few hundred
//! kilobytes of memory; no arithmetic can overflow (all of it is 64 bits wide or checked); nothing is ever written.
//! Deliberately absent: directories below the first one, exFAT and NTFS. A crate was not taken: nothing was found in
//! `fatfs` 0.3.6 that tells where a file's bytes lie, which overwriting the key in its place needs.

use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::io;

/// What is read: a device, an image, or bytes in a test.
pub trait Source {
    /// Fills the buffer with the bytes at this place, or as many as there are.
    ///
    /// # Errors
    /// As the device says.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

/// What lies on a stick.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The file of one box.
    pub provision: Option<FileFound>,
    /// Updates, in the order of the directory.
    pub bundles: Vec<FileFound>,
}

/// A file, and where its bytes lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFound {
    /// As it is called there.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Place and length of its parts on the device, in order; empty for bundles, whose content is not asked for here.
    pub extents: Vec<(u64, u64)>,
}

/// Why nothing can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// No boot sector of a FAT.
    #[error("it has no FAT file system")]
    NotFat,
    /// Another file system.
    #[error("it has an exFAT file system")]
    ExFat,
    /// Another file system.
    #[error("it has an NTFS file system")]
    Ntfs,
    /// The device ends before the file system does.
    #[error("it ends in the middle")]
    Truncated,
    /// Numbers that do not fit together.
    #[error("its file system is damaged")]
    Broken,
    /// More than is ever read.
    #[error("its first directory is too long")]
    TooMuch,
    /// The file of a box is too long to be one.
    #[error("its engawa-box.toml is too large")]
    TooLarge,
    /// The device fails.
    #[error("the device does not read")]
    Fails,
}

/// What lies in the first directory.
///
/// # Errors
/// See [`Unreadable`].
pub fn find(source: &impl Source) -> Result<Found, Unreadable> {
    let volume = Volume::open(Reader { source, left: Cell::new(MOST_READS) })?;
    let mut found = Found::default();
    let mut listing = Listing::default();
    let mut sector = vec![0; SECTOR as usize];
    for place in volume.directory()? {
        volume.reader.exactly(&mut sector, place)?;
        for entry in sector.chunks_exact(ENTRY) {
            if entry[0] == END {
                return Ok(found);
            }
            if let Some(file) = listing.next(entry) {
                volume.note(&file, &mut found)?;
            }
        }
    }
    Ok(found)
}

/// Counts what it reads.
struct Reader<'s, S> {
    source: &'s S,
    left: Cell<u32>,
}

impl<S: Source> Reader<'_, S> {
    fn exactly(&self, buffer: &mut [u8], at: u64) -> Result<(), Unreadable> {
        self.left.set(self.left.get().checked_sub(1).ok_or(Unreadable::TooMuch)?);
        let read = self.source.read_at(buffer, at).map_err(|_| Unreadable::Fails)?;
        if read == buffer.len() { Ok(()) } else { Err(Unreadable::Truncated) }
    }

    fn number<const LENGTH: usize>(&self, at: u64) -> Result<[u8; LENGTH], Unreadable> {
        let mut bytes = [0; LENGTH];
        self.exactly(&mut bytes, at).map(|()| bytes)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Twelve,
    Sixteen,
    ThirtyTwo,
}

/// Sizes and places of a file system that fit together; all in bytes on the device.
struct Volume<'s, S> {
    reader: Reader<'s, S>,
    width: Width,
    table: u64,
    first_directory: u64,
    directory_length: u64,
    directory_cluster: u32,
    data: u64,
    cluster: u64,
    clusters: u32,
}

impl<'s, S: Source> Volume<'s, S> {
    fn open(reader: Reader<'s, S>) -> Result<Self, Unreadable> {
        let boot: [u8; SECTOR as usize] = reader.number(0)?;
        match &boot[3..11] {
            b"EXFAT   " => return Err(Unreadable::ExFat),
            b"NTFS    " => return Err(Unreadable::Ntfs),
            _ => {}
        }
        let short = |at: usize| u64::from(u16::from_le_bytes([boot[at], boot[at + 1]]));
        let long = |at: usize| u32::from_le_bytes([boot[at], boot[at + 1], boot[at + 2], boot[at + 3]]);
        let (sector, per_cluster, reserved, tables) = (short(11), u64::from(boot[13]), short(14), u64::from(boot[16]));
        let plausible = boot[510..] == [0x55, 0xAA]
            && [512, 1024, 2048, 4096].contains(&sector)
            && per_cluster.is_power_of_two()
            && reserved > 0
            && (1..=2).contains(&tables);
        if !plausible {
            return Err(Unreadable::NotFat);
        }
        let root_entries = short(17);
        let sectors = if short(19) > 0 { short(19) } else { u64::from(long(32)) };
        let (is_wide, table_sectors) = if short(22) > 0 { (false, short(22)) } else { (true, u64::from(long(36))) };
        let directory_length = (root_entries * ENTRY as u64).next_multiple_of(sector);
        let first_directory = (reserved + tables * table_sectors) * sector;
        let data = first_directory + directory_length;
        let cluster = per_cluster * sector;
        let clusters = (sectors * sector).checked_sub(data).ok_or(Unreadable::Broken)? / cluster;
        let width = match clusters {
            _ if is_wide => Width::ThirtyTwo,
            0..4085 => Width::Twelve,
            _ => Width::Sixteen,
        };
        let bits = match width {
            Width::Twelve => 12,
            Width::Sixteen => 16,
            Width::ThirtyTwo => 32,
        };
        let clusters = u32::try_from(clusters).ok().filter(|clusters| (1..LAST_CLUSTER).contains(clusters));
        let clusters = clusters.ok_or(Unreadable::Broken)?;
        if (u64::from(clusters) + 2) * bits > table_sectors * sector * 8 || is_wide != (root_entries == 0) {
            return Err(Unreadable::Broken);
        }
        let (table, directory_cluster) = (reserved * sector, long(44));
        Ok(Self { reader, width, table, first_directory, directory_length, directory_cluster, data, cluster, clusters })
    }

    /// Where the sectors of the first directory lie, all of them or as many as one can have.
    fn directory(&self) -> Result<Vec<u64>, Unreadable> {
        let sectors = |(at, length): (u64, u64)| (0..length / SECTOR).map(move |sector| at + sector * SECTOR);
        let extents = match self.width {
            Width::Twelve | Width::Sixteen => vec![(self.first_directory, self.directory_length)],
            // Its end is where the table says; one that goes on for ever is cut.
            Width::ThirtyTwo => {
                let most = LONGEST_DIRECTORY.div_ceil(self.cluster);
                self.chain(self.directory_cluster, most, Ends::Maybe)?
            }
        };
        Ok(extents.into_iter().flat_map(sectors).collect())
    }

    fn note(&self, file: &Listed, found: &mut Found) -> Result<(), Unreadable> {
        if file.name.eq_ignore_ascii_case(BOX_FILE) {
            if file.size > LONGEST_BOX_FILE {
                return Err(Unreadable::TooLarge);
            }
            let clusters = file.size.div_ceil(self.cluster);
            let mut extents = if clusters == 0 { Vec::new() } else { self.chain(file.cluster, clusters, Ends::There)? };
            let beyond = (clusters * self.cluster).saturating_sub(file.size);
            if let Some((_, length)) = extents.last_mut() {
                *length -= beyond;
            }
            let provision = FileFound { name: file.name.clone(), size: file.size, extents };
            // One directory cannot hold two files of one name.
            return if found.provision.replace(provision).is_some() { Err(Unreadable::Broken) } else { Ok(()) };
        }
        if file.name.to_ascii_lowercase().ends_with(BUNDLE) && found.bundles.len() < MOST_BUNDLES {
            found.bundles.push(FileFound { name: file.name.clone(), size: file.size, extents: Vec::new() });
        }
        Ok(())
    }

    /// The clusters from `first` on, at most so many, neighbours joined. A chain that bites its tail ends at that many too.
    fn chain(&self, first: u32, most: u64, ends: Ends) -> Result<Vec<(u64, u64)>, Unreadable> {
        let mut extents: Vec<(u64, u64)> = Vec::new();
        let mut cluster = first;
        for step in 1..=most {
            if !(2..self.clusters + 2).contains(&cluster) {
                return Err(Unreadable::Broken);
            }
            let at = self.data + u64::from(cluster - 2) * self.cluster;
            match extents.last_mut() {
                Some((start, length)) if *start + *length == at => *length += self.cluster,
                Some(_) | None => extents.push((at, self.cluster)),
            }
            match self.after(cluster)? {
                Some(next) => cluster = next,
                None if ends == Ends::Maybe || step == most => break,
                None => return Err(Unreadable::Broken),
            }
        }
        Ok(extents)
    }

    /// The next cluster; none behind the last.
    fn after(&self, cluster: u32) -> Result<Option<u32>, Unreadable> {
        let place = u64::from(cluster);
        let (next, last) = match self.width {
            Width::Twelve => {
                let pair = u16::from_le_bytes(self.reader.number(self.table + place * 3 / 2)?);
                (u32::from(if cluster.is_multiple_of(2) { pair & 0x0FFF } else { pair >> 4 }), 0x0FF8)
            }
            Width::Sixteen => (u32::from(u16::from_le_bytes(self.reader.number(self.table + place * 2)?)), 0xFFF8),
            Width::ThirtyTwo => {
                (u32::from_le_bytes(self.reader.number(self.table + place * 4)?) & 0x0FFF_FFFF, 0x0FFF_FFF8)
            }
        };
        Ok((next < last).then_some(next))
    }
}

/// Whether a chain may be shorter than asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Maybe,
    There,
}

/// A file as its directory has it.
struct Listed {
    name: String,
    size: u64,
    cluster: u32,
}

/// Puts names together: long ones stand in pieces before the short one, the last piece first.
#[derive(Default)]
struct Listing {
    pieces: Vec<[u16; 13]>,
    awaits: u8,
    sum: u8,
}

impl Listing {
    fn next(&mut self, entry: &[u8]) -> Option<Listed> {
        if entry[0] == DELETED {
            self.pieces.clear();
            return None;
        }
        if entry[11] & 0x3F == LONG_NAME {
            self.piece(entry);
            return None;
        }
        let pieces = std::mem::take(&mut self.pieces);
        if entry[11] & (VOLUME | DIRECTORY) != 0 {
            return None;
        }
        let whole = !pieces.is_empty() && self.awaits == 0 && self.sum == sum(&entry[..11]);
        let name = if whole { long_name(&pieces) } else { short_name(entry) };
        let high = u32::from(u16::from_le_bytes([entry[20], entry[21]])) << 16;
        let cluster = high | u32::from(u16::from_le_bytes([entry[26], entry[27]]));
        let size = u32::from_le_bytes([entry[28], entry[29], entry[30], entry[31]]);
        Some(Listed { name, size: size.into(), cluster })
    }

    fn piece(&mut self, entry: &[u8]) {
        let number = entry[0] & 0x1F;
        if entry[0] & FIRST_PIECE != 0 && (1..=MOST_PIECES).contains(&number) {
            self.pieces.clear();
            (self.awaits, self.sum) = (number, entry[13]);
        }
        if self.awaits == 0 || number != self.awaits || entry[13] != self.sum {
            self.pieces.clear();
            self.awaits = 0;
            return;
        }
        let places = (1..11).chain(14..26).chain(28..32).collect::<Vec<usize>>();
        let mut piece = [0; 13];
        for (unit, at) in piece.iter_mut().zip(places.chunks_exact(2)) {
            *unit = u16::from_le_bytes([entry[at[0]], entry[at[1]]]);
        }
        self.pieces.push(piece);
        self.awaits -= 1;
    }
}

fn long_name(pieces: &[[u16; 13]]) -> String {
    let units = pieces.iter().rev().flatten().copied().take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|letter| readable(letter.unwrap_or('?'))).collect()
}

fn short_name(entry: &[u8]) -> String {
    let part = |bytes: &[u8], lower: bool| -> String {
        let letters = bytes.iter().map(|byte| readable(char::from(*byte)));
        let text: String = letters.map(|letter| if lower { letter.to_ascii_lowercase() } else { letter }).collect();
        text.trim_end().to_owned()
    };
    let (base, ending) = (part(&entry[..8], entry[12] & 0x08 != 0), part(&entry[8..11], entry[12] & 0x10 != 0));
    if ending.is_empty() { base } else { format!("{base}.{ending}") }
}

fn readable(letter: char) -> char {
    if letter.is_control() || letter == '/' { '?' } else { letter }
}

/// Of a short name, as its long one repeats it.
fn sum(name: &[u8]) -> u8 {
    name.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// The name of a box's file.
pub const BOX_FILE: &str = "engawa-box.toml";
/// The longest file of a box, bytes.
pub const LONGEST_BOX_FILE: u64 = 64 * 1024;
/// Reads of one look at a stick: the longest first directory by sectors and by table, and one box's file.
pub const MOST_READS: u32 = 16 * 1024;
/// Bundles that are listed.
const MOST_BUNDLES: usize = 16;
const BUNDLE: &str = ".raucb";
/// What is read at once; sectors of devices are whole multiples of it.
const SECTOR: u64 = 512;
const ENTRY: usize = 32;
/// 65 536 entries, as everywhere.
const LONGEST_DIRECTORY: u64 = 65_536 * ENTRY as u64;
/// FAT32 has 28 bits for a cluster.
const LAST_CLUSTER: u32 = 0x0FFF_FFF5;
const END: u8 = 0;
const DELETED: u8 = 0xE5;
const LONG_NAME: u8 = 0x0F;
const VOLUME: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
const FIRST_PIECE: u8 = 0x40;
const MOST_PIECES: u8 = 20;
