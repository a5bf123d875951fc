//! Takes a box's file: all of it or nothing, whatever happens in between.
//!
//! ```text
//!   files ─ read, checked ─▶ may this box take it? ─▶ taking ─ identity.key ─ peer.key ─ network.toml ─ taken ─ engawa.toml
//!              │                     │                 (id)                                             (id)  └ from here on
//!              └──────▶ Report ◀─────┘                                                                          it is taken
//! ```
//! May be relied on: before the first byte is written everything has been checked; `engawa.toml` is written last, and a box without it is
//! not set up. When the power goes in between, the same file completes what was begun, and another one begins anew. The report says what
//! happened in Japanese and English; nothing secret stands in it.

use super::fat::{BOX_FILE, LONGEST_BOX_FILE};
use super::file::BoxFile;
use super::refusal::Refusal;
use super::stick::{LISTING, Listing};
use crate::config::DEFAULTS;
use crate::durable;
use crate::model::Language;
use crate::trunk::identity::{self, Identity, IdentityError};
use nix::libc;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where a box keeps what it took.
#[derive(Clone, Debug)]
pub struct Places {
    /// `engawa.toml` and `network.toml`.
    pub etc: PathBuf,
    /// Keys; its owner is the daemon.
    pub state: PathBuf,
    /// Network cards, as /sys/class/net lists them.
    pub cards: PathBuf,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The box has its settings now.
    Taken,
    /// It had them from this very file before.
    AlreadyTaken,
    /// There was no file.
    Nothing,
    /// Nothing has changed.
    Refused,
}

/// What is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Of this form; 1.
    pub version: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Which file.
    pub file: Option<PathBuf>,
    /// The file's own id.
    pub id: Option<String>,
    /// The pair's name.
    pub pair: Option<String>,
    /// The box's name.
    pub room: Option<String>,
    /// The pair's words.
    pub words: Option<String>,
    /// Of the file, from 1, where something is wrong.
    pub line: Option<usize>,
    /// For the people in the room.
    pub japanese: String,
    /// The same.
    pub english: String,
}

/// Takes the file, or the one file in a directory or in a directory below it.
pub fn take(source: &Path, places: &Places, cut: PowerCut) -> Report {
    let found = match candidates(source) {
        Ok(found) => found,
        Err(error) => return Report::refused(Some(source), None, &Refusal::Unreadable(error)),
    };
    let (path, bytes) = match choose(found, places) {
        Ok(Some(one)) => one,
        Ok(None) => return Report::nothing(source),
        Err(refusal) => return Report::refused(Some(source), None, &refusal),
    };
    let file = match BoxFile::read(&bytes) {
        Ok(file) => file,
        Err(Refusal::Used { id }) if is_taken(&id, places) => {
            return Report {
                id: Some(id),
                ..Report::told(Outcome::AlreadyTaken, Some(&path), ALREADY.map(String::from))
            };
        }
        Err(refusal) => return Report::refused(Some(&path), BoxFile::id_of(&bytes), &refusal),
    };
    let outcome = if is_taken(&file.id, places) {
        Outcome::AlreadyTaken
    } else {
        match examine(&file, places).and_then(|()| install(&file, places, cut)) {
            Ok(()) => Outcome::Taken,
            Err(refusal) => return Report::refused(Some(&path), Some(file.id), &refusal),
        }
    };
    Report::taken(outcome, &path, file)
}

/// Where the report is read; whoever draws the screen may read it.
///
/// # Errors
/// As the file system says.
pub fn publish(report: &Report, path: &Path) -> io::Result<()> {
    if let Some(home) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(home)?;
    }
    let text = serde_json::to_string_pretty(report).map_err(io::Error::other)?;
    durable::publish(path, format!("{text}\n").as_bytes(), 0o644, None)
}

/// The last report, if there is one that can be read.
pub fn last_report(path: &Path) -> Option<Report> {
    let bytes = durable::read(path, LONGEST_REPORT).ok()??;
    serde_json::from_slice(&bytes).ok()
}

/// Tests only: after which step the power goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PowerCut(pub Option<u32>);

impl PowerCut {
    pub(super) fn after(self, step: u32) {
        if self.0 == Some(step) {
            std::process::abort();
        }
    }
}

impl Report {
    fn told(outcome: Outcome, file: Option<&Path>, [japanese, english]: [String; 2]) -> Self {
        Self {
            version: 1,
            outcome,
            file: file.map(Path::to_owned),
            id: None,
            pair: None,
            room: None,
            words: None,
            line: None,
            japanese,
            english,
        }
    }

    /// What there is instead: a stick that could not be read, one without a file, or none.
    fn nothing(source: &Path) -> Self {
        if let Some((path, listing)) = listings(source).into_iter().min_by_key(|(_, listing)| listing.readable) {
            let outcome = if listing.readable { Outcome::Nothing } else { Outcome::Refused };
            let told = [listing.japanese, listing.english].map(|told| told.chars().take(LONGEST_SENTENCE).collect());
            return Self::told(outcome, Some(&path), told);
        }
        let told = [
            "この箱の設定ファイル（engawa-box.toml）が見つかりません。",
            "There is no file for a box (engawa-box.toml).",
        ];
        Self::told(Outcome::Nothing, None, told.map(String::from))
    }

    fn taken(outcome: Outcome, path: &Path, file: BoxFile) -> Self {
        let told = match outcome {
            Outcome::AlreadyTaken => ALREADY.map(String::from),
            Outcome::Taken | Outcome::Nothing | Outcome::Refused => [
                format!("この箱は「{}」（組「{}」）になりました。", file.room, file.pair),
                format!("This box is now “{}” of the pair “{}”.", file.room, file.pair),
            ],
        };
        let (pair, room, words) = (Some(file.pair), Some(file.room), Some(file.words));
        Self { id: Some(file.id), pair, room, words, ..Self::told(outcome, Some(path), told) }
    }

    fn refused(path: Option<&Path>, id: Option<String>, refusal: &Refusal) -> Self {
        let told = [refusal.text(Language::Japanese), refusal.text(Language::English)];
        Self { id, line: refusal.line(), ..Self::told(Outcome::Refused, path, told) }
    }
}

type Candidate = (PathBuf, Vec<u8>);

/// Never through a link, never from a pipe: who reads here may be root, and who wrote there was not.
fn candidates(source: &Path) -> io::Result<Vec<Candidate>> {
    let mut paths = vec![source.to_owned()];
    if std::fs::symlink_metadata(source)?.is_dir() {
        let below = std::fs::read_dir(source)?.take(MOST_STICKS).flatten().map(|entry| entry.path());
        let mut below: Vec<PathBuf> = below.map(|home| home.join(BOX_FILE)).collect();
        below.sort();
        paths = vec![source.join(BOX_FILE)];
        paths.extend(below);
    }
    let mut found = Vec::new();
    for path in paths {
        match read(&path) {
            Ok((bytes, _)) => found.push((path, bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) && path != source => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// At most one byte more than the longest file of a box, of a file that is one: never through a link, never from a pipe.
///
/// # Errors
/// As the file system says; `InvalidInput` when it is no file.
pub fn read(path: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_BOX_FILE + 1).read_to_end(&mut bytes)?;
    Ok((bytes, about))
}

/// What was said of the sticks in and below a directory.
fn listings(source: &Path) -> Vec<(PathBuf, Listing)> {
    let below = std::fs::read_dir(source).into_iter().flatten().take(MOST_STICKS).flatten().map(|entry| entry.path());
    let homes = std::iter::once(source.to_owned()).chain(below);
    let listing = |path: PathBuf| Some((path.clone(), serde_json::from_slice(&read(&path).ok()?.0).ok()?));
    homes.filter_map(|home| listing(home.join(LISTING))).collect()
}

/// One of them: the same file twice is one, and what is used up does not stand in the way of one that is not.
fn choose(mut found: Vec<Candidate>, places: &Places) -> Result<Option<Candidate>, Refusal> {
    if found.iter().any(|(_, bytes)| bytes.len() as u64 > LONGEST_BOX_FILE) {
        return Err(Refusal::TooLong);
    }
    found.sort_by(|one, other| one.1.cmp(&other.1));
    found.dedup_by(|one, other| one.1 == other.1);
    let ours = |bytes: &[u8]| BoxFile::id_of(bytes).is_some_and(|id| is_taken(&id, places));
    let fresh = |bytes: &[u8]| !ours(bytes) && !matches!(BoxFile::read(bytes), Err(Refusal::Used { .. }));
    if found.iter().any(|(_, bytes)| fresh(bytes)) {
        found.retain(|(_, bytes)| fresh(bytes));
    } else {
        found.sort_by_key(|(_, bytes)| !ours(bytes));
        found.truncate(1);
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Refusal::TwoFiles),
    }
}

/// Whether this box may take it.
fn examine(file: &BoxFile, places: &Places) -> Result<(), Refusal> {
    if let Some(mac) = &file.mac
        && !own_cards(&places.cards).contains(mac)
    {
        return Err(Refusal::OtherBox { mac: mac.clone() });
    }
    let other = noted(&places.state.join(TAKEN)).is_some_and(|id| id != file.id);
    if settings(places).map_err(Refusal::Unreadable)?.is_some_and(|own| other || own != file.engawa.as_bytes()) {
        return Err(Refusal::AlreadySetUp);
    }
    // Begun with another file and never finished: of that one nothing counts.
    let begun = noted(&places.state.join(TAKING));
    if begun.is_some_and(|id| id != file.id) {
        return Ok(());
    }
    match Identity::load(&places.state) {
        Ok(Some(own)) if own.public_key() != file.identity.public_key() => return Err(Refusal::OtherIdentity),
        Ok(Some(_) | None) => {}
        Err(error) => return Err(Refusal::NotStored(error.to_string())),
    }
    match identity::pinned_peer(&places.state) {
        Ok(Some(peer)) if peer != file.peer => Err(Refusal::OtherPeer),
        Ok(Some(_) | None) | Err(IdentityError::PinSetAside { .. }) => Ok(()),
        Err(error) => Err(Refusal::NotStored(error.to_string())),
    }
}

/// The order is what makes a power cut harmless.
fn install(file: &BoxFile, places: &Places, cut: PowerCut) -> Result<(), Refusal> {
    let io = |what: &'static str| move |error: io::Error| Refusal::NotStored(format!("{what}: {error}"));
    let key = |error: IdentityError| Refusal::NotStored(error.to_string());
    let taking = places.state.join(TAKING);
    if noted(&taking).is_some_and(|id| id != file.id) {
        Identity::forget(&places.state).map_err(key)?;
    }
    durable::replace(&taking, file.id.as_bytes()).map_err(io(TAKING))?;
    cut.after(1);
    if Identity::load(&places.state).map_err(key)?.is_none() {
        file.identity.store(&places.state).map_err(key)?;
    }
    cut.after(2);
    identity::pin_peer(&places.state, &file.peer).map_err(key)?;
    cut.after(3);
    durable::publish(&places.etc.join(NETWORK), file.network.as_bytes(), 0o644, None).map_err(io(NETWORK))?;
    cut.after(4);
    durable::replace(&places.state.join(TAKEN), file.id.as_bytes()).map_err(io(TAKEN))?;
    cut.after(5);
    // The daemon's group reads it; it may hold a PIN, so nobody else does.
    let group = std::fs::metadata(&places.state).map(|state| state.gid()).ok();
    durable::publish(&places.etc.join(CONFIG), file.engawa.as_bytes(), 0o640, group).map_err(io(CONFIG))?;
    cut.after(6);
    durable::remove(&taking).map_err(io(TAKING))
}

/// Whether this very file was taken to its end.
fn is_taken(id: &str, places: &Places) -> bool {
    settings(places).is_ok_and(|own| own.is_some()) && noted(&places.state.join(TAKEN)).is_some_and(|taken| taken == id)
}

/// The box's own settings; what the package brings as an example is none.
fn settings(places: &Places) -> io::Result<Option<Vec<u8>>> {
    let own = durable::read(&places.etc.join(CONFIG), LONGEST_BOX_FILE)?;
    Ok(own.filter(|own| own != DEFAULTS.as_bytes()))
}

fn noted(path: &Path) -> Option<String> {
    String::from_utf8(durable::read(path, LONGEST_REPORT).ok()??).ok()
}

fn own_cards(cards: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(cards).into_iter().flatten().flatten();
    let address = |card: PathBuf| std::fs::read_to_string(card.join("address")).ok();
    entries.filter_map(|entry| address(entry.path())).map(|text| text.trim().to_ascii_lowercase()).collect()
}

/// The daemon starts in earnest when this is there.
pub const CONFIG: &str = "engawa.toml";
const NETWORK: &str = "network.toml";
/// In the state directory: the id of the file that is being taken, and of the one that was.
const TAKING: &str = "taking";
const TAKEN: &str = "taken";
/// Directories below the one that is looked through.
const MOST_STICKS: usize = 32;
const LONGEST_REPORT: u64 = 64 * 1024;
/// Letters of a sentence that another process wrote.
const LONGEST_SENTENCE: usize = 200;
const ALREADY: [&str; 2] =
    ["この箱は、この設定ファイルで設定ずみです。", "This box is set up with this very file already."];
