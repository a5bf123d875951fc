//! The ledger's files: segments of lines, the oldest of which goes.
//!
//! ```text
//!   state_directory/ledger/000000000001.jsonl   segment ─ line ─ line ─ … ─ line     (named by its first line's number)
//!                          000000003120.jsonl   segment ─ line ─ …                   segment: holds the chain value before it
//! ```
//! Whoever gets an error here drops the store and opens it again at the last [`Point`] that was durable.

use super::line::{Chain, Line, What, local_time};
use crate::durable;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How much is kept: `segments` files of about `segment_bytes` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A file that has reached so many bytes takes no more lines.
    pub segment_bytes: u64,
    /// Files.
    pub segments: usize,
}

impl Default for Limits {
    /// 16 MiB in all: some 50,000 lines.
    fn default() -> Self {
        Self { segment_bytes: 1 << 20, segments: 16 }
    }
}

/// When and in which life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since 1970, UTC.
    pub wall_ms: u64,
    /// Monotonic nanoseconds.
    pub at_ns: u64,
    /// In hexadecimal.
    pub boot: String,
}

/// A place in the files up to which everything is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    segment: PathBuf,
    length: u64,
}

/// The files, open for the next line.
pub struct Store {
    directory: PathBuf,
    limits: Limits,
    file: File,
    segment: PathBuf,
    length: u64,
    number: u64,
    chain: Chain,
}

/// What was found when the files were opened.
pub struct Found {
    /// To be told in lines of their own.
    pub notes: Vec<What>,
    /// The newest lines.
    pub newest: Vec<Line>,
}

impl Store {
    /// Goes on after the last good line; a torn tail and what makes no sense is set aside.
    ///
    /// # Errors
    /// As the file system says.
    pub fn open(directory: &Path, limits: Limits, back_to: Option<&Point>, stamp: &Stamp) -> io::Result<(Self, Found)> {
        if let Some(point) = back_to {
            go_back(directory, point)?;
        }
        let mut found = Found { notes: Vec::new(), newest: Vec::new() };
        let mut segments = segments(directory)?;
        let end = loop {
            let Some((first, segment)) = segments.pop() else { break None };
            if let Some(end) = examine(first, &segment, &mut found)? {
                break Some((segment, end));
            }
        };
        if let Some((_, before)) = segments.last() {
            let mut lines = lines_of(before)?;
            lines.append(&mut found.newest);
            found.newest = lines;
        }
        let (number, chain) = end.as_ref().map_or((0, Chain::default()), |(_, end)| (end.number, end.chain));
        let store = match end {
            Some((segment, End { good: Some(length), .. })) => {
                let file = durable::append(&segment)?;
                Self { directory: directory.to_owned(), limits, file, segment, length, number, chain }
            }
            Some((_, End { good: None, .. })) | None => Self::begin(directory, limits, number, chain, stamp)?,
        };
        Ok((store, found))
    }

    /// Writes a line; durable after [`Store::sync`].
    ///
    /// # Errors
    /// As the file system says; the store is then of no more use.
    pub fn append(&mut self, stamp: &Stamp, what: &What) -> io::Result<Line> {
        if self.length >= self.limits.segment_bytes {
            self.sync()?;
            *self = Self::begin(&self.directory, self.limits, self.number, self.chain, stamp)?;
            self.make_room(stamp)?;
        }
        self.put(stamp, what)
    }

    /// Everything written is on the disk when this returns.
    ///
    /// # Errors
    /// As the file system says; the store is then of no more use.
    pub fn sync(&self) -> io::Result<Point> {
        self.file.sync_data().map_err(durable::in_words)?;
        Ok(Point { segment: self.segment.clone(), length: self.length })
    }

    fn begin(directory: &Path, limits: Limits, number: u64, chain: Chain, stamp: &Stamp) -> io::Result<Self> {
        let segment = directory.join(format!("{:012}{ENDING}", number + 1));
        let file = durable::append(&segment)?;
        let length = file.metadata()?.len();
        let mut store = Self { directory: directory.to_owned(), limits, file, segment, length, number, chain };
        store.put(stamp, &What::Segment { previous: chain.to_string() })?;
        store.sync()?;
        Ok(store)
    }

    fn put(&mut self, stamp: &Stamp, what: &What) -> io::Result<Line> {
        let line = Line {
            number: self.number + 1,
            time: local_time(stamp.wall_ms),
            wall_ms: stamp.wall_ms,
            at_ns: stamp.at_ns,
            boot: stamp.boot.clone(),
            what: what.clone(),
        };
        let (text, chain) = line.written(&self.chain);
        self.file.write_all(text.as_bytes()).map_err(durable::in_words)?;
        self.length += text.len() as u64;
        (self.number, self.chain) = (line.number, chain);
        Ok(line)
    }

    /// That the oldest went is on the disk before it goes.
    fn make_room(&mut self, stamp: &Stamp) -> io::Result<()> {
        let segments = segments(&self.directory)?;
        let surplus = segments.len().saturating_sub(self.limits.segments.max(2));
        for (place, (first, segment)) in segments.iter().take(surplus).enumerate() {
            let last = segments.get(place + 1).map_or(self.number, |(next, _)| next - 1);
            let last_chain = last_chain(segment)?.unwrap_or_default().to_string();
            self.put(stamp, &What::SegmentDropped { first: *first, last, last_chain })?;
            self.sync()?;
            durable::remove(segment)?;
        }
        Ok(())
    }
}

/// All segments with the number of their first line, oldest first.
pub fn segments(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(ENDING));
        if let Some(first) = name.and_then(|name| name.parse::<u64>().ok()).filter(|first| *first > 0) {
            segments.push((first, path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// A segment's bytes; nothing if it went meanwhile.
///
/// # Errors
/// As the file system says; `FileTooLarge` for what the ledger has not written.
pub fn bytes_of(segment: &Path) -> io::Result<Vec<u8>> {
    Ok(durable::read(segment, LONGEST_SEGMENT)?.unwrap_or_default())
}

struct End {
    number: u64,
    chain: Chain,
    /// Lines may follow at this length; `None`: the segment stays as it is and a new one begins.
    good: Option<u64>,
}

/// How far a segment may be believed; `None` if it holds nothing.
fn examine(first: u64, segment: &Path, found: &mut Found) -> io::Result<Option<End>> {
    let name = || segment.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = match bytes_of(segment) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            durable::set_aside(segment)?;
            found.notes.push(What::Damaged { segment: name() });
            return Ok(None);
        }
        bytes => bytes?,
    };
    let (mut end, mut place) = (None::<(u64, Chain)>, 0);
    for text in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some((line, chain)) = text.strip_suffix(b"\n").and_then(Line::read) else { break };
        let before = match (&end, &line.what) {
            (Some((_, chain)), _) => *chain,
            (None, What::Segment { previous }) => Chain::parse(previous).unwrap_or_default(),
            (None, _) => break,
        };
        let expected = end.map_or(first, |(number, _)| number + 1);
        if line.number != expected || !Line::follows(&text[..text.len() - 1], &before) {
            break;
        }
        end = Some((line.number, chain));
        place += text.len();
        found.newest.push(line);
    }
    let (good, rest) = bytes.split_at(place);
    let mut ends = rest.split_inclusive(|byte| *byte == b'\n').rev().filter_map(|text| text.strip_suffix(b"\n"));
    if let Some((line, chain)) = ends.find_map(Line::read) {
        found.notes.push(What::Damaged { segment: name() });
        return Ok(Some(End { number: line.number, chain, good: None }));
    }
    if !rest.is_empty() {
        let kept = set_aside(segment, rest)?;
        OpenOptions::new().write(true).open(segment)?.set_len(good.len() as u64).map_err(durable::in_words)?;
        found.notes.push(What::Torn { bytes: rest.len() as u64, kept });
    }
    let Some((number, chain)) = end else {
        durable::remove(segment)?;
        return Ok(None);
    };
    Ok(Some(End { number, chain, good: Some(good.len() as u64) }))
}

/// Keeps a torn tail in a file of its own; few of them.
fn set_aside(segment: &Path, rest: &[u8]) -> io::Result<String> {
    let torn = segment.with_file_name("torn");
    durable::replace(&torn, rest)?;
    let kept = durable::set_aside(&torn)?;
    Ok(kept.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// Takes back what was written after the point: it may not be on the disk.
fn go_back(directory: &Path, point: &Point) -> io::Result<()> {
    for (_, segment) in segments(directory)?.into_iter().filter(|(_, segment)| *segment > point.segment) {
        durable::remove(&segment)?;
    }
    let file = match OpenOptions::new().write(true).open(&point.segment) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(durable::in_words)?,
    };
    if file.metadata()?.len() > point.length {
        file.set_len(point.length).and_then(|()| file.sync_data()).map_err(durable::in_words)?;
    }
    Ok(())
}

fn lines_of(segment: &Path) -> io::Result<Vec<Line>> {
    let bytes = bytes_of(segment)?;
    Ok(bytes.split(|byte| *byte == b'\n').filter_map(|text| Line::read(text).map(|(line, _)| line)).collect())
}

fn last_chain(segment: &Path) -> io::Result<Option<Chain>> {
    let bytes = bytes_of(segment)?;
    Ok(bytes.split(|byte| *byte == b'\n').rev().find_map(|text| Line::read(text).map(|(_, chain)| chain)))
}

const ENDING: &str = ".jsonl";
/// Four times the default segment.
const LONGEST_SEGMENT: u64 = 4 << 20;
