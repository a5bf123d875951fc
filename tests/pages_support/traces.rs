//! Looks for what a meeting must not leave behind: in files, in files that are memory only, and in the memory of a process.
//!
//! A document is cut into marks of 32 bytes: whatever holds 64 bytes of it in a row, from wherever, holds a whole mark.

#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};

/// What is looked for, by kind.
pub struct Traces {
    /// By its first eight bytes.
    marks: HashMap<u64, Vec<(&'static str, Vec<u8>)>>,
    /// Which of these there are, roughly: most of a memory is passed over by this alone.
    sieve: Vec<u64>,
}

/// Kind → how often, and a few of the places.
#[derive(Debug, Default)]
pub struct Found(BTreeMap<&'static str, (usize, Vec<String>)>);

impl Traces {
    pub fn new() -> Self {
        Self { marks: HashMap::new(), sieve: vec![0; 1 << (SIEVE_BITS - 6)] }
    }

    /// Exactly this; eight bytes or more.
    pub fn mark(&mut self, kind: &'static str, bytes: &[u8]) {
        let key = u64::from_ne_bytes(*bytes.first_chunk().unwrap());
        let (word, bit) = sieve(key);
        self.sieve[word] |= bit;
        self.marks.entry(key).or_default().push((kind, bytes.to_vec()));
    }

    /// Any 64 bytes of this. Marks that could be anything else, because they are of few different bytes, are left out.
    pub fn part_of(&mut self, kind: &'static str, whole: &[u8]) {
        let different = |mark: &&[u8]| {
            let mut bytes = mark.to_vec();
            bytes.sort_unstable();
            bytes.dedup();
            bytes.len() >= 8
        };
        whole.chunks_exact(MARK).filter(|mark| different(mark)).for_each(|mark| self.mark(kind, mark));
    }

    pub fn count(&self, kind: &str) -> usize {
        self.marks.values().flatten().filter(|(of, _)| *of == kind).count()
    }

    pub fn look_at(&self, bytes: &[u8], place: &str, found: &mut Found) {
        for at in 0..bytes.len().saturating_sub(7) {
            let Some(first) = bytes[at..].first_chunk() else { continue };
            let key = u64::from_ne_bytes(*first);
            let (word, bit) = sieve(key);
            if self.sieve[word] & bit == 0 {
                continue;
            }
            for (kind, mark) in self.marks.get(&key).into_iter().flatten() {
                if bytes[at..].starts_with(mark) {
                    found.one_more(kind, &format!("{place} + {at:#x}"));
                }
            }
        }
    }

    pub fn look_in_file(&self, path: &Path, found: &mut Found) {
        // One that is gone by now holds nothing.
        let Ok(file) = File::open(path) else { return };
        let mut window = vec![0; WINDOW];
        let (mut at, mut kept) = (0_u64, 0);
        while let Some(read) = file.read_at(&mut window[kept..], at).ok().filter(|read| *read > 0) {
            let whole = kept + read;
            self.look_at(&window[..whole], &format!("{} at {:#x}", path.display(), at - kept as u64), found);
            at += read as u64;
            let next = whole.min(LONGEST_MARK - 1);
            window.copy_within(whole - next..whole, 0);
            kept = next;
        }
    }

    /// Every file below a directory; how many there were.
    pub fn look_below(&self, directory: &Path, found: &mut Found) -> usize {
        let mut looked = 0;
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                looked += self.look_below(&path, found);
            } else if kind.is_file() {
                self.look_at(entry.file_name().as_encoded_bytes(), &format!("the name of {}", path.display()), found);
                self.look_in_file(&path, found);
                looked += 1;
            }
        }
        looked
    }

    /// What a process holds open that is no device, pipe or socket: files, also deleted ones and such as are memory only.
    pub fn look_in_open_files(&self, process: u32, found: &mut Found) -> Vec<PathBuf> {
        let mut looked = Vec::new();
        for entry in std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten() {
            let plain = std::fs::metadata(entry.path()).is_ok_and(|of| {
                let kind = of.file_type();
                !(kind.is_dir()
                    || kind.is_char_device()
                    || kind.is_block_device()
                    || kind.is_fifo()
                    || kind.is_socket())
            });
            if plain {
                self.look_in_file(&entry.path(), found);
                looked.push(std::fs::read_link(entry.path()).unwrap_or_default());
            }
        }
        looked
    }

    /// All that a process can write to, and all that it shares; how many bytes that were. None without the right to look.
    pub fn look_in_memory(&self, process: u32, found: &mut Found) -> Option<u64> {
        let memory = File::open(format!("/proc/{process}/mem")).ok()?;
        let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
        let mut looked = 0;
        let mut window = vec![0; WINDOW];
        for map in maps.lines() {
            let words: Vec<&str> = map.split_whitespace().collect();
            let shared = words[1].ends_with('s');
            if !(words[1].starts_with("rw") || words[1].starts_with('r') && shared) {
                continue;
            }
            let [from, to] = [0, 1].map(|end| u64::from_str_radix(words[0].split('-').nth(end).unwrap(), 16).unwrap());
            let name = words.get(5).copied().unwrap_or("anonymous");
            let mut at = from;
            while at < to {
                let want = usize::try_from(to - at).unwrap().min(WINDOW);
                // What cannot be read, such as a device's registers, is passed over.
                let Ok(read) = memory.read_at(&mut window[..want], at) else { break };
                if read == 0 {
                    break;
                }
                self.look_at(&window[..read], &format!("{process} {name} {at:#x}"), found);
                looked += read as u64;
                let last = at + read as u64 >= to;
                at += if last { read as u64 } else { (read - LONGEST_MARK.min(read - 1)) as u64 };
            }
        }
        Some(looked)
    }
}

impl Found {
    pub fn of(&self, kind: &str) -> usize {
        self.0.get(kind).map_or(0, |(count, _)| *count)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn words(&self) -> String {
        let mut words = String::new();
        for (kind, (count, places)) in &self.0 {
            write!(words, "\n  {kind}: {count}, such as {}", places.join(", ")).unwrap();
        }
        if words.is_empty() { " nothing".into() } else { words }
    }

    fn one_more(&mut self, kind: &'static str, place: &str) {
        let (count, places) = self.0.entry(kind).or_default();
        *count += 1;
        if places.len() < PLACES_TOLD {
            places.push(place.into());
        }
    }
}

const fn sieve(key: u64) -> (usize, u64) {
    let at = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SIEVE_BITS);
    ((at >> 6) as usize, 1 << (at & 63))
}

/// Bytes of a mark.
const MARK: usize = 32;
/// Of those that were given whole.
const LONGEST_MARK: usize = 128;
const WINDOW: usize = 1 << 20;
const SIEVE_BITS: u32 = 22;
const PLACES_TOLD: usize = 6;
