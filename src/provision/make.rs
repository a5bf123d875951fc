//! Makes the files of many pairs at once: new keys, one folder for each pair and each box, one sheet of paper for each pair.
//!
//! ```text
//!   DIR/本庁と北支所/確認票.txt            names, addresses, words: to be compared on the wall; nothing secret
//!   DIR/本庁と北支所/市民課/engawa-box.toml   one box, mode 0600
//!   DIR/本庁と北支所/北支所/engawa-box.toml   the other
//! ```
//! May be relied on: the folder is a new one and holds all of it or is removed again. A key that was made once is never made twice.

use super::fat::BOX_FILE;
use super::file::{BoxFile, hex};
use super::network::Address;
use super::table::{PairPlan, SidePlan};
use crate::config::Config;
use crate::durable;
use crate::trunk::identity::{Identity, IdentityError};
use crate::trunk::words::six_words;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write as _;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A pair that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The pair's name.
    pub pair: String,
    /// The files of both boxes.
    pub files: [PathBuf; 2],
    /// What both boxes will show.
    pub words: String,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// Keys that were made before are never overwritten.
    #[error("{} exists already; name a new folder: a key that was made twice is a used key", .0.display())]
    Exists(PathBuf),
    /// No folder, no space.
    #[error("{} cannot be written: {source}", path.display())]
    NotWritten {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No random numbers.
    #[error("{0}")]
    Keys(#[from] IdentityError),
}

/// Makes new keys for all pairs and writes their files below a new directory.
///
/// # Errors
/// [`NotMade`]; then nothing of it is left.
pub fn make(pairs: &[PairPlan], directory: &Path) -> Result<Vec<Made>, NotMade> {
    folder(directory).map_err(|error| match error {
        NotMade::NotWritten { source, path } if source.kind() == io::ErrorKind::AlreadyExists => NotMade::Exists(path),
        other @ (NotMade::NotWritten { .. } | NotMade::Exists(_) | NotMade::Keys(_)) => other,
    })?;
    let made: Result<Vec<Made>, NotMade> =
        pairs.iter().map(|pair| make_pair(pair, &directory.join(&pair.name))).collect();
    if made.is_err() {
        // Half of them are of no use, and their keys may not be used.
        let _nothing_more_can_be_done = std::fs::remove_dir_all(directory);
    }
    made
}

fn make_pair(pair: &PairPlan, directory: &Path) -> Result<Made, NotMade> {
    let keys = [Identity::generate()?, Identity::generate()?];
    let [a, b] = [keys[0].public_key(), keys[1].public_key()];
    let words = six_words(&a, &b).join(" ");
    folder(directory)?;
    let mut files = Vec::new();
    for (side, identity, peer) in [(&pair.sides[0], &keys[0], b), (&pair.sides[1], &keys[1], a)] {
        let home = directory.join(&side.room);
        folder(&home)?;
        let file = BoxFile {
            id: new_id()?,
            pair: pair.name.clone(),
            room: side.room.clone(),
            words: words.clone(),
            identity: identity.clone(),
            peer,
            mac: side.mac.clone(),
            engawa: side.engawa.clone(),
            network: side.network.render(),
        };
        let path = home.join(BOX_FILE);
        // The folder is new, so nothing is replaced; a hard link would need more than a stick's file system can.
        let written = durable::replace(&path, file.render().as_bytes());
        written.map_err(|source| NotMade::NotWritten { path: path.clone(), source })?;
        files.push(path);
    }
    let path = directory.join(SHEET);
    let text = sheet(pair, &words, &[a.box_id().0, b.box_id().0]);
    durable::replace(&path, text.as_bytes()).map_err(|source| NotMade::NotWritten { path, source })?;
    let [a, b] = <[PathBuf; 2]>::try_from(files).unwrap_or_default();
    Ok(Made { pair: pair.name.clone(), files: [a, b], words })
}

fn folder(path: &Path) -> Result<(), NotMade> {
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(|source| NotMade::NotWritten { path: path.to_owned(), source })
}

fn new_id() -> Result<String, NotMade> {
    let mut bytes = [0; super::file::ID_DIGITS / 2];
    SystemRandom::new().fill(&mut bytes).map_err(|_| IdentityError::NoRandomNumbers)?;
    Ok(hex(&bytes).to_string())
}

/// One page to be held beside both screens.
fn sheet(pair: &PairPlan, words: &str, ids: &[[u8; 32]; 2]) -> String {
    let mut text = format!(
        "縁側 / Engawa — {}\n\n\
         両方の画面に同じ六つの言葉が出ていることを確かめてください。\n\
         Both screens must show these six words:\n\n    {words}\n",
        pair.name
    );
    for (which, (side, id)) in pair.sides.iter().zip(ids).enumerate() {
        let fingerprint: Vec<String> = id.chunks(4).map(|bytes| hex(bytes).to_string()).collect();
        let _infallible = write!(
            text,
            "\n{} {}\n  アドレス / address        {}\n  着信 / listens on         {}\n  鍵の指紋 / fingerprint    {}\n{}",
            ["A", "B"][which],
            side.room,
            address(side),
            ports(side),
            fingerprint.join(" "),
            side.mac.as_ref().map(|mac| format!("  この箱だけ / only for     {mac}\n")).unwrap_or_default(),
        );
    }
    text
}

fn address(side: &SidePlan) -> String {
    let way = side.network.gateway.map(|gateway| format!(" → {gateway}")).unwrap_or_default();
    match side.network.address {
        Address::Dhcp => "DHCP".into(),
        Address::Fixed(own) => format!("{}/{}{way}", own.address, own.prefix),
    }
}

fn ports(side: &SidePlan) -> String {
    let Ok(config) = Config::parse(&side.engawa, Path::new("engawa.toml")) else { return String::new() };
    let trunk = config.trunk.listen.map_or("—".to_owned(), |listen| format!("TCP {}", listen.port()));
    format!("{trunk}, UDP {}–{}", config.session_port, config.session_port + 1)
}

/// Beside the two folders of a pair.
pub const SHEET: &str = "確認票.txt";
