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

use super::bundle_name;
use super::fat_names::{Listed, Listing};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
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
    /// Place and length of its parts on the device, in order; of bundles only the newest by name has them, and not even that one where
    /// its places make no sense, are more than [`MOST_PARTS`], or it is larger than [`LONGEST_BUNDLE`].
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
    let volume = Volume::open(Reader { source, left: Cell::new(MOST_READS), page: RefCell::default() })?;
    let (mut found, clusters) = volume.list()?;
    // One that cannot be found keeps nothing else from being taken.
    if let Some(newest) = bundle_name::newest(found.bundles.iter().map(|bundle| bundle.name.as_str())) {
        let bundle = &mut found.bundles[newest];
        bundle.extents = volume.places(clusters[newest], bundle.size).unwrap_or_default();
    }
    Ok(found)
}

/// Counts what it reads.
struct Reader<'s, S> {
    source: &'s S,
    left: Cell<u32>,
    page: RefCell<Page>,
}

/// The part of the table that was read last: chains mostly go on in it.
#[derive(Default)]
struct Page {
    at: u64,
    bytes: Vec<u8>,
}

impl Page {
    fn number<const LENGTH: usize>(&self, at: u64) -> Option<[u8; LENGTH]> {
        let from = usize::try_from(at.checked_sub(self.at)?).ok()?;
        self.bytes.get(from..from.checked_add(LENGTH)?)?.try_into().ok()
    }
}

impl<S: Source> Reader<'_, S> {
    fn exactly(&self, buffer: &mut [u8], at: u64) -> Result<(), Unreadable> {
        self.left.set(self.left.get().checked_sub(1).ok_or(Unreadable::TooMuch)?);
        let read = self.source.read_at(buffer, at).map_err(|_| Unreadable::Fails)?;
        if read == buffer.len() { Ok(()) } else { Err(Unreadable::Truncated) }
    }

    fn number<const LENGTH: usize>(&self, at: u64) -> Result<[u8; LENGTH], Unreadable> {
        let mut page = self.page.borrow_mut();
        if let Some(number) = page.number(at) {
            return Ok(number);
        }
        self.left.set(self.left.get().checked_sub(1).ok_or(Unreadable::TooMuch)?);
        let begins = at - at % SECTOR;
        page.at = begins;
        page.bytes.resize(PAGE, 0);
        let read = self.source.read_at(&mut page.bytes, begins).map_err(|_| Unreadable::Fails)?;
        page.bytes.truncate(read);
        page.number(at).ok_or(Unreadable::Truncated)
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

    /// What stands in the first directory, and where each bundle begins.
    fn list(&self) -> Result<(Found, Vec<u32>), Unreadable> {
        let (mut found, mut clusters, mut listing) = (Found::default(), Vec::new(), Listing::default());
        let mut sector = vec![0; SECTOR as usize];
        for place in self.directory()? {
            self.reader.exactly(&mut sector, place)?;
            for entry in sector.chunks_exact(ENTRY) {
                if entry[0] == END {
                    return Ok((found, clusters));
                }
                if let Some(file) = listing.next(entry) {
                    self.note(file, &mut found, &mut clusters)?;
                }
            }
        }
        Ok((found, clusters))
    }

    fn note(&self, file: Listed, found: &mut Found, clusters: &mut Vec<u32>) -> Result<(), Unreadable> {
        let Listed { name, size, cluster } = file;
        if name.eq_ignore_ascii_case(BOX_FILE) {
            if size > LONGEST_BOX_FILE {
                return Err(Unreadable::TooLarge);
            }
            let provision = FileFound { name, size, extents: self.places(cluster, size)? };
            // One directory cannot hold two files of one name.
            return if found.provision.replace(provision).is_some() { Err(Unreadable::Broken) } else { Ok(()) };
        }
        if name.to_ascii_lowercase().ends_with(BUNDLE) && found.bundles.len() < MOST_BUNDLES {
            found.bundles.push(FileFound { name, size, extents: Vec::new() });
            clusters.push(cluster);
        }
        Ok(())
    }

    /// Where a file of this size lies that begins there.
    fn places(&self, first: u32, size: u64) -> Result<Vec<(u64, u64)>, Unreadable> {
        if size > LONGEST_BUNDLE {
            return Err(Unreadable::TooLarge);
        }
        let clusters = size.div_ceil(self.cluster);
        let mut extents = if clusters == 0 { Vec::new() } else { self.chain(first, clusters, Ends::There)? };
        if let Some((_, length)) = extents.last_mut() {
            *length -= (clusters * self.cluster).saturating_sub(size);
        }
        Ok(extents)
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
            if extents.len() > MOST_PARTS {
                return Err(Unreadable::TooMuch);
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

/// The name of a box's file.
pub const BOX_FILE: &str = "engawa-box.toml";
/// The longest file of a box, bytes.
pub const LONGEST_BOX_FILE: u64 = 64 * 1024;
/// Reads of one look at a stick: the longest first directory by sectors and by table, and one box's file.
pub const MOST_READS: u32 = 16 * 1024;
/// The longest bundle that is looked for, bytes: a box takes none that is larger.
pub const LONGEST_BUNDLE: u64 = 1_500_000_000;
/// Parts in which a file may lie.
pub const MOST_PARTS: usize = 4096;
/// Bundles that are listed.
const MOST_BUNDLES: usize = 16;
const BUNDLE: &str = ".raucb";
/// What is read at once; sectors of devices are whole multiples of it.
const SECTOR: u64 = 512;
/// Of the table, read at once, bytes.
const PAGE: usize = 4096;
const ENTRY: usize = 32;
/// 65 536 entries, as everywhere.
const LONGEST_DIRECTORY: u64 = 65_536 * ENTRY as u64;
/// FAT32 has 28 bits for a cluster.
const LAST_CLUSTER: u32 = 0x0FFF_FFF5;
const END: u8 = 0;
