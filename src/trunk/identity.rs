//! Who this box is and whom it trusts: one Ed25519 key made once, and one pinned peer key.
//!
//! ```text
//! state directory/
//!   identity.key     PKCS#8, mode 0600, made once; never replaced: a bad one is for a person to look at
//!   peer.key         the pinned peer's public key as text; a bad one is set aside and the box is unpaired
//! ```
//!
//! A box never runs with a key that others on the machine can read, and never gets a new identity by accident.

use super::key::{NotAKey, PeerKey};
use crate::durable;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::warn;

/// This box's private key.
#[derive(Clone)]
pub struct Identity {
    pkcs8: Vec<u8>,
    key: PeerKey,
}

impl Identity {
    /// Reads the identity of this state directory; makes it when there is none.
    ///
    /// # Errors
    /// See [`IdentityError`]; nothing is overwritten in any case.
    pub fn load_or_create(state_directory: &Path) -> Result<Self, IdentityError> {
        if let Some(identity) = Self::load(state_directory)? {
            return Ok(identity);
        }
        let identity = Self::generate()?;
        let path = state_directory.join(IDENTITY_FILE);
        match durable::create(&path, &identity.pkcs8) {
            Ok(()) => Ok(identity),
            // Another process of this box was faster: its key is the box's key.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::load(state_directory)?.ok_or(IdentityError::NotStored { path, source: error })
            }
            Err(source) => Err(IdentityError::NotStored { path, source }),
        }
    }

    /// Reads the identity of this state directory; `None` when there is none.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn load(state_directory: &Path) -> Result<Option<Self>, IdentityError> {
        let path = state_directory.join(IDENTITY_FILE);
        let unreadable = |source| IdentityError::Unreadable { path: path.clone(), source };
        let mode = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.permissions().mode() & 0o777,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if mode & 0o077 != 0 {
            return Err(IdentityError::Exposed { path, mode });
        }
        match durable::read(&path, FILE_LIMIT) {
            Ok(Some(pkcs8)) => Self::from_pkcs8(pkcs8).map(Some).ok_or(IdentityError::NotAnIdentity { path }),
            Ok(None) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(IdentityError::NotAnIdentity { path }),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// A fresh identity that is not stored anywhere.
    ///
    /// # Errors
    /// Only when the system has no random numbers.
    pub fn generate() -> Result<Self, IdentityError> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| IdentityError::NoRandomNumbers)?;
        Self::from_pkcs8(pkcs8.as_ref().to_vec()).ok_or(IdentityError::NoRandomNumbers)
    }

    /// From [`Identity::secret`]; `None` when it is no Ed25519 private key.
    pub fn from_secret(pkcs8: &[u8]) -> Option<Self> {
        Self::from_pkcs8(pkcs8.to_vec())
    }

    /// The private key as it is stored (PKCS#8): for a box's own file, and for nobody else.
    pub fn secret(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Stores it in this state directory, which has none yet.
    ///
    /// # Errors
    /// [`IdentityError::NotStored`]; nothing is overwritten.
    pub fn store(&self, state_directory: &Path) -> Result<(), IdentityError> {
        let path = state_directory.join(IDENTITY_FILE);
        durable::create(&path, &self.pkcs8).map_err(|source| IdentityError::NotStored { path, source })
    }

    /// Removes the identity of this state directory: the file that it came from was not taken to its end.
    ///
    /// # Errors
    /// [`IdentityError::NotStored`] when it is still there.
    pub fn forget(state_directory: &Path) -> Result<(), IdentityError> {
        let path = state_directory.join(IDENTITY_FILE);
        match durable::remove(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(IdentityError::NotStored { path, source }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The public half, to be pinned by the peer.
    pub fn public_key(&self) -> PeerKey {
        self.key
    }

    /// The text an installer carries to the other box: name and public key, nothing secret.
    pub fn export(&self, name: &str) -> String {
        let name = super::message::clean_name(name);
        format!("# Engawa: the public half of a box's identity. Not secret.\nname: {name}\nkey: {}\n", self.key)
    }

    /// Whether `peer` may be pinned by this box.
    ///
    /// # Errors
    /// [`IdentityError::OwnKey`].
    pub fn check_peer(&self, peer: &PeerKey) -> Result<(), IdentityError> {
        if *peer == self.key { Err(IdentityError::OwnKey) } else { Ok(()) }
    }

    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).ok()?;
        let raw: &[u8; 32] = pair.public_key().as_ref().try_into().ok()?;
        let key = PeerKey::from_raw(raw);
        Some(Self { pkcs8, key })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:?})", self.key.box_id())
    }
}

/// What [`Identity::export`] wrote, read back on the other box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The box's name, for people.
    pub name: String,
    /// Its public key.
    pub key: PeerKey,
}

impl Export {
    /// Reads an exported text, or a bare key.
    ///
    /// # Errors
    /// [`NotAKey`] unless there is exactly one key in it.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        if let Ok(key) = text.parse() {
            return Ok(Self { name: String::new(), key });
        }
        let (mut name, mut key) = (String::new(), None);
        for line in text.lines().map(str::trim) {
            if let Some(value) = line.strip_prefix("key:") {
                if key.replace(value.parse()?).is_some() {
                    return Err(NotAKey);
                }
            } else if let Some(value) = line.strip_prefix("name:") {
                name = super::message::clean_name(value);
            }
        }
        Ok(Self { name, key: key.ok_or(NotAKey)? })
    }
}

/// Pins the peer: from now on this box talks to the holder of `key` and to nobody else.
///
/// # Errors
/// [`IdentityError::NotStored`]; the old pin is then still whole.
pub fn pin_peer(state_directory: &Path, key: &PeerKey) -> Result<(), IdentityError> {
    let path = state_directory.join(PEER_FILE);
    durable::replace(&path, format!("{key}\n").as_bytes()).map_err(|source| IdentityError::NotStored { path, source })
}

/// The pinned peer; `None` while unpaired.
///
/// # Errors
/// [`IdentityError::PinSetAside`] once when the file made no sense (unpaired from then on), others as they are.
pub fn pinned_peer(state_directory: &Path) -> Result<Option<PeerKey>, IdentityError> {
    let path = state_directory.join(PEER_FILE);
    let bytes = match durable::read(&path, FILE_LIMIT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Vec::new(),
        Err(source) => return Err(IdentityError::Unreadable { path, source }),
    };
    if let Some(key) = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()) {
        return Ok(Some(key));
    }
    match durable::set_aside(&path) {
        Ok(kept_as) => Err(IdentityError::PinSetAside { path, kept_as }),
        Err(source) => Err(IdentityError::Unreadable { path, source }),
    }
}

/// Waits until somebody pairs this box, as long as it takes. What is wrong with the pin meanwhile is told once.
pub async fn until_paired(state_directory: &Path) -> PeerKey {
    let mut told = String::new();
    loop {
        sleep(LOOK_FOR_PIN).await;
        let directory = state_directory.to_owned();
        match spawn_blocking(move || pinned_peer(&directory)).await {
            Ok(Ok(Some(key))) => return key,
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(error)) if told == error.to_string() => {}
            Ok(Err(error)) => {
                told = error.to_string();
                warn!(%error, "this box stays unpaired");
            }
        }
    }
}

/// Why the box does not know who it is or whom it trusts.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file exists and cannot be read.
    #[error("cannot read {}: {source}; check its owner and mode (0600)", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others on this machine can read or write the private key.
    #[error(
        "{} has mode {mode:04o}: others on this machine may have read this box's private key; if that cannot be, run “chmod 600” on it, else delete it and pair again",
        path.display()
    )]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{} does not hold an Ed25519 private key (PKCS#8); it was left as it is: restore it, or move it away and pair again", path.display())]
    NotAnIdentity {
        /// Which.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    NotStored {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The pinned key made no sense and was renamed; the box is unpaired.
    #[error("{} did not hold a box's public key and was kept as {}; this box is unpaired until “engawa pair”", path.display(), kept_as.display())]
    PinSetAside {
        /// Where it was.
        path: PathBuf,
        /// Where it is now.
        kept_as: PathBuf,
    },
    /// A box cannot be its own peer.
    #[error(
        "the peer's key is this box's own key; give it the key that the OTHER box prints with “engawa identity export”"
    )]
    OwnKey,
    /// The system's random number source failed.
    #[error("the system gives no random numbers, so no key can be made")]
    NoRandomNumbers,
}

const IDENTITY_FILE: &str = "identity.key";
const PEER_FILE: &str = "peer.key";
/// A person who pairs waits about as long for the link.
const LOOK_FOR_PIN: Duration = Duration::from_secs(2);
const FILE_LIMIT: u64 = 4096;
