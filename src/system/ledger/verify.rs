//! Is the ledger as it was written? For the auditor: `engawa` need not run, nothing is changed.
//!
//! A changed, moved or removed line breaks the chain at that place, and so does a removed file, unless the ledger itself says that it
//! went to make room. Two things no chain can show: that lines were cut off at the very end, and that somebody with all
//! rights wrote everything anew from some line on. Against both helps a chain value noted elsewhere: every export holds them.

use super::for_people;
use super::line::{Chain, Line, What};
use super::store::{bytes_of, segments};
use std::io;
use std::path::{Path, PathBuf};

/// What a whole ledger holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Number of the oldest line that is still there; 0 for none.
    pub first: u64,
    /// Number of the newest line.
    pub last: u64,
    /// When the oldest line was written by the wall clock of then, such as "2026-11-22 10:00:00".
    pub from: String,
    /// When the newest line was.
    pub to: String,
    /// Chain value of the newest line, in hexadecimal: to be noted elsewhere.
    pub chain: String,
    /// The last line is being written, or was cut by a power cut; the daemon sets it aside when it starts.
    pub torn: bool,
}

/// Where a ledger is not as it was written.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not what was written there.
    #[error("line {number} in {segment} was changed: its content does not fit its chain value", segment = segment.display())]
    Changed {
        /// In which file.
        segment: PathBuf,
        /// The number that this line should have.
        number: u64,
    },
    /// Lines are missing or in another order.
    #[error("line {number} is missing or moved: {segment} goes on with line {found}", segment = segment.display())]
    Missing {
        /// In which file it was noticed.
        segment: PathBuf,
        /// The number that was expected.
        number: u64,
        /// The number that stands there.
        found: u64,
    },
    /// Old files are gone, and the ledger does not say so.
    #[error("lines before {first} are gone, and the ledger does not say that they went to make room")]
    OldMissing {
        /// The oldest line that is there.
        first: u64,
    },
}

impl Broken {
    /// The sentence in Japanese.
    pub fn japanese(&self) -> String {
        match self {
            Self::Unreadable { path, source } => format!("{}を読めません（{source}）。", path.display()),
            Self::Changed { segment, number } => {
                format!("{}の{number}番の行が書き換えられています。", segment.display())
            }
            Self::Missing { segment, number, found } => {
                format!("{number}番の行がないか、動かされています（{}は{found}番へ続いています）。", segment.display())
            }
            Self::OldMissing { first } => {
                format!("{first}番より前の行が消えていて、場所を空けるために消したという記録がありません。")
            }
        }
    }
}

/// Reads all of it; `directory` is `ledger` in the state directory. Reads up to 16 MiB: not on the loop.
///
/// # Errors
/// Where it is not as it was written.
pub fn verify(directory: &Path) -> Result<Verified, Broken> {
    let unreadable = |path: &Path, source| Broken::Unreadable { path: path.to_owned(), source };
    let mut reader = Reader::default();
    for (first, segment) in segments(directory).map_err(|error| unreadable(directory, error))? {
        reader.begin(first, &segment)?;
        let bytes = bytes_of(&segment).map_err(|error| unreadable(&segment, error))?;
        for text in bytes.split_inclusive(|byte| *byte == b'\n') {
            reader.line(text, &segment)?;
        }
    }
    reader.end()
}

#[derive(Default)]
struct Reader {
    seen: Verified,
    chain: Chain,
    /// What the ledger must say of the files before the first one: their last line and its chain value.
    gone: Option<(u64, Chain)>,
}

impl Reader {
    fn begin(&mut self, first: u64, segment: &Path) -> Result<(), Broken> {
        let missing = |found| Broken::Missing { segment: segment.to_owned(), number: self.seen.last + 1, found };
        if self.seen.torn || (self.seen.first != 0 && first != self.seen.last + 1) {
            return Err(missing(first));
        }
        if self.seen.first == 0 {
            (self.seen.first, self.seen.last) = (first, first - 1);
        }
        Ok(())
    }

    fn line(&mut self, text: &[u8], segment: &Path) -> Result<(), Broken> {
        let Some(text) = text.strip_suffix(b"\n") else {
            self.seen.torn = true;
            return Ok(());
        };
        let number = self.seen.last + 1;
        let changed = || Broken::Changed { segment: segment.to_owned(), number };
        let (line, chain) = Line::read(text).ok_or_else(changed)?;
        if line.number != number {
            return Err(Broken::Missing { segment: segment.to_owned(), number, found: line.number });
        }
        if number == self.seen.first {
            let What::Segment { previous } = &line.what else { return Err(changed()) };
            self.chain = Chain::parse(previous).ok_or_else(changed)?;
            self.gone = (number > 1).then_some((number - 1, self.chain));
            if number == 1 && self.chain != Chain::default() {
                return Err(changed());
            }
        }
        if !Line::follows(text, &self.chain) {
            return Err(changed());
        }
        if let What::SegmentDropped { last, last_chain, .. } = &line.what
            && self.gone.is_some_and(|(gone, before)| *last == gone && Chain::parse(last_chain) == Some(before))
        {
            self.gone = None;
        }
        self.seen.to = for_people(&line.time);
        if number == self.seen.first {
            self.seen.from.clone_from(&self.seen.to);
        }
        (self.seen.last, self.chain) = (number, chain);
        Ok(())
    }

    fn end(mut self) -> Result<Verified, Broken> {
        if self.gone.is_some() {
            return Err(Broken::OldMissing { first: self.seen.first });
        }
        self.seen.chain = self.chain.to_string();
        Ok(self.seen)
    }
}
