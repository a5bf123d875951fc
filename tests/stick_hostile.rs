//! Sticks that somebody made to hurt: every look at one ends after a bounded number of reads, with an answer or a sentence.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "measures what people wait for")]

#[path = "support/needs.rs"]
mod needs;
mod provision_support;
mod stick_support;

use engawa::provision::fat::{self, Found, MOST_READS, Source, Unreadable};
use needs::Need;
use provision_support::Bench;
use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};
use stick_support::*;

/// Counts the reads of one look.
struct Counted<'b>(Bytes<'b>, Cell<u32>);

impl Source for Counted<'_> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.1.set(self.1.get() + 1);
        self.0.read_at(buffer, at)
    }
}

fn look(bytes: &[u8]) -> Result<Found, Unreadable> {
    let source = Counted(Bytes(bytes), Cell::new(0));
    let found = fat::find(&source);
    assert!(source.1.get() <= MOST_READS, "{} reads", source.1.get());
    if let Ok(found) = &found {
        let provision = found.provision.iter().flat_map(|file| &file.extents);
        let length: u64 = provision.map(|(_, length)| *length).sum();
        assert!(length <= fat::LONGEST_BOX_FILE && found.bundles.len() <= 16);
    }
    found
}

/// A stick with a box's file and a few others, by kind.
fn good(bench: &Bench, kind: Kind) -> Vec<u8> {
    let [file, _] = bench.one_pair(&format!("made-{}", kind.0));
    let stick = Stick::new(bench, kind);
    stick.leave_gaps(bench);
    stick.put(&file, "engawa-box.toml");
    stick.put_bytes(bench, "engawa-0.2.raucb", &[3; 4000]);
    let bytes = std::fs::read(&stick.0).unwrap();
    assert!(look(&bytes).unwrap().provision.is_some());
    bytes
}

#[test]
fn a_chain_that_bites_its_tail_or_leads_away_ends() {
    if !Need::Sticks.met() {
        return;
    }
    let bench = Bench::new();
    for kind in KINDS {
        let whole = good(&bench, kind);
        let number = |at: usize| usize::from(u16::from_le_bytes([whole[at], whole[at + 1]]));
        let (sector, reserved) = (number(11), number(14));
        let sectors =
            if kind.0 == "32" { u32::from_le_bytes(whole[36..40].try_into().unwrap()) as usize } else { number(22) };
        let table = reserved * sector..(reserved + sectors) * sector;
        // Every entry leads to cluster 2, to itself, to nowhere, or is free or bad.
        let patterns: &[&[u8]] = match kind.0 {
            "12" => &[&[0x02, 0x20, 0x00], &[0x03, 0x30, 0x00], &[0xF7, 0x7F, 0xFF], &[0; 3], &[0xEF, 0xFE, 0xFE]],
            "16" => &[&[2, 0], &[3, 0], &[0xF7, 0xFF], &[0, 0], &[0xEF, 0xFF]],
            _ => &[&[2, 0, 0, 0], &[3, 0, 0, 0], &[0xF7, 0xFF, 0xFF, 0x0F], &[0; 4], &[0xEF, 0xFF, 0xFF, 0x0F]],
        };
        for pattern in patterns {
            let mut bytes = whole.clone();
            for (place, byte) in bytes[table.clone()].iter_mut().enumerate() {
                *byte = pattern[place % pattern.len()];
            }
            // FAT12 and FAT16 have their directory elsewhere; the file's chain is then wrong, or just long enough.
            let _answered = look(&bytes);
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    if !Need::Sticks.met() {
        return;
    }
    let bench = Bench::new();
    for kind in KINDS {
        let whole = good(&bench, kind);
        for (at, bytes) in [
            (11, &[0_u8, 0][..]),
            (11, &[0xFF, 0xFF]),
            (13, &[0]),
            (13, &[3]),
            (14, &[0, 0]),
            (16, &[0]),
            (16, &[255]),
            (510, &[0, 0]),
        ] {
            let mut changed = whole.clone();
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(look(&changed), Err(Unreadable::NotFat), "{kind:?} {at} {bytes:?}");
        }
        let mut huge = whole.clone();
        huge[19..21].copy_from_slice(&[0, 0]);
        huge[32..36].copy_from_slice(&[0xFF; 4]);
        assert_eq!(look(&huge), Err(Unreadable::Broken), "{kind:?}: more clusters than its table has");
        // A file that says it is 4 GB.
        let name = whole.windows(11).position(|name| name == b"ENGAWA~1TOM").unwrap();
        let mut long = whole.clone();
        long[name + 28..name + 32].copy_from_slice(&[0xFF; 4]);
        assert_eq!(look(&long), Err(Unreadable::TooLarge), "{kind:?}");
        // Its name twice.
        let mut twice = whole.clone();
        let entry: Vec<u8> = whole[name - 64..name + 32].to_vec();
        twice[name + 32..name + 128].copy_from_slice(&entry);
        assert_eq!(look(&twice), Err(Unreadable::Broken), "{kind:?}");
        for length in (0..whole.len().min(200_000)).step_by(1009) {
            assert!(look(&whole[..length]).is_err() || length > name, "{kind:?} cut to {length}");
        }
    }
}

#[test]
fn forty_thousand_sticks_with_wrong_bytes_all_end() {
    if !Need::Sticks.met() {
        return;
    }
    let bench = Bench::new();
    let (mut seed, begun, mut opened) = (20_261_122, Instant::now(), 0);
    for kind in KINDS {
        let whole = good(&bench, kind);
        // Where the meaning is: boot sector, tables, first directory.
        let meant = match kind.0 {
            "12" => 40_000,
            "16" => 200_000,
            _ => 800_000,
        };
        let mut bytes = whole.clone();
        for _ in 0..13_400 {
            let places: Vec<usize> = (0..1 + roll(&mut seed) % 24).map(|_| place(&mut seed, &whole, meant)).collect();
            for at in &places {
                bytes[*at] = match roll(&mut seed) % 4 {
                    0 => 0,
                    1 => 0xFF,
                    _ => roll(&mut seed) as u8,
                };
            }
            opened += usize::from(look(&bytes).is_ok());
            for at in places {
                bytes[at] = whole[at];
            }
        }
    }
    assert!((2_000..38_000).contains(&opened), "some can be read and some cannot: {opened}");
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

/// Half of them in the boot sector's numbers, the others where files are named and chained.
fn place(seed: &mut u64, whole: &[u8], meant: usize) -> usize {
    let anywhere = roll(seed) as usize % meant.min(whole.len());
    if roll(seed).is_multiple_of(8) { 11 + roll(seed) as usize % 40 } else { anywhere }
}
