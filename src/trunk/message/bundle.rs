//! What is said of an update's bundle on the bulk connection. A version before this one skips all of it.
//!
//! ```text
//! offer ─► want 0..1 MiB ─► piece piece … want ..1.5 MiB ─► piece … ─► here │ refused
//! piece   3 │ SHA-256 of the bundle: 32 bytes │ offset: u64, big endian │ 1 to 16 384 bytes
//! ```

use super::bulk::PIECE_LIMIT;
use super::{LENGTH_BYTES, MessageError, clean_name};
use crate::model::DocumentId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a bundle: SHA-256 of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// One word about a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleWord {
    /// A bundle lies here that the hearer may have.
    Offer {
        /// Which.
        bundle: Digest,
        /// Bytes.
        length: u64,
        /// For people, and believed by nobody; empty if it was not looked at yet.
        release: String,
    },
    /// Send this part of it, and no more before the next such word.
    Want {
        /// Which.
        bundle: Digest,
        /// The first byte, on a new connection; afterwards the next one goes on anyway.
        from: u64,
        /// Behind the last one.
        to: u64,
    },
    /// A part that was wanted.
    Piece {
        /// Which.
        bundle: Digest,
        /// Of its first byte.
        offset: u64,
        /// 1 to [`PIECE_LIMIT`].
        bytes: Vec<u8>,
    },
    /// All of it is at the sayer's, its digest checked.
    Here {
        /// Which.
        bundle: Digest,
    },
    /// The sayer does not take it.
    Refused {
        /// Which.
        bundle: Digest,
        /// Why.
        why: BundleRefused,
    },
}

/// Why a bundle is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleRefused {
    /// Larger than any bundle may be.
    TooLarge,
    /// The disk would be too full.
    NoSpace,
    /// Another one is on its way there.
    Busy,
    /// What came is not what its name says.
    Broken,
    /// The disk there, or a reason that only a newer version knows.
    Failed,
}

impl BundleRefused {
    const ALL: [Self; 5] = [Self::TooLarge, Self::NoSpace, Self::Busy, Self::Broken, Self::Failed];

    /// "too_large", …
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NoSpace => "no_space",
            Self::Busy => "busy",
            Self::Broken => "broken",
            Self::Failed => "failed",
        }
    }
}

impl Digest {
    /// From 64 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(|DocumentId(bytes)| Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DocumentId(self.0).fmt(f)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Wire {
    Offer {
        bundle: String,
        length: u64,
        #[serde(default)]
        release: String,
    },
    Want {
        bundle: String,
        from: u64,
        to: u64,
    },
    Here {
        bundle: String,
    },
    Refused {
        bundle: String,
        #[serde(default)]
        why: String,
    },
    #[serde(other)]
    Newer,
}

impl Wire {
    /// What it says; `None` for what only a newer version knows.
    pub(super) fn read(self) -> Result<Option<BundleWord>, MessageError> {
        let named = |text: &str| Digest::parse(text).ok_or(MessageError::OutOfBounds("the name of a bundle"));
        Ok(Some(match self {
            Self::Offer { length: 0, .. } => return Err(MessageError::OutOfBounds("the length of a bundle")),
            Self::Offer { bundle, length, release } => {
                BundleWord::Offer { bundle: named(&bundle)?, length, release: clean_name(&release) }
            }
            Self::Want { from, to, .. } if from >= to => return Err(MessageError::OutOfBounds("part of a bundle")),
            Self::Want { bundle, from, to } => BundleWord::Want { bundle: named(&bundle)?, from, to },
            Self::Here { bundle } => BundleWord::Here { bundle: named(&bundle)? },
            Self::Refused { bundle, why } => {
                let known = BundleRefused::ALL.into_iter().find(|known| known.name() == why);
                BundleWord::Refused { bundle: named(&bundle)?, why: known.unwrap_or(BundleRefused::Failed) }
            }
            Self::Newer => return Ok(None),
        }))
    }
}

/// A word that is JSON, or a whole frame.
pub(super) enum Written {
    Json(Wire),
    Frame(Vec<u8>),
}

pub(super) fn write(word: &BundleWord) -> Result<Written, MessageError> {
    Ok(Written::Json(match word {
        BundleWord::Offer { bundle, length, release } => {
            Wire::Offer { bundle: bundle.to_string(), length: *length, release: clean_name(release) }
        }
        BundleWord::Want { bundle, from, to } => Wire::Want { bundle: bundle.to_string(), from: *from, to: *to },
        BundleWord::Here { bundle } => Wire::Here { bundle: bundle.to_string() },
        BundleWord::Refused { bundle, why } => Wire::Refused { bundle: bundle.to_string(), why: why.name().into() },
        BundleWord::Piece { bundle, offset, bytes } => return piece_frame(bundle, *offset, bytes).map(Written::Frame),
    }))
}

fn piece_frame(bundle: &Digest, offset: u64, bytes: &[u8]) -> Result<Vec<u8>, MessageError> {
    fits(bytes)?;
    let length = 1 + bundle.0.len() + 8 + bytes.len();
    let prefix = u32::try_from(length).map_err(|_| MessageError::OutOfBounds("the length of a piece"))?;
    let mut frame = Vec::with_capacity(LENGTH_BYTES + length);
    frame.extend_from_slice(&prefix.to_be_bytes());
    frame.push(PIECE);
    frame.extend_from_slice(&bundle.0);
    frame.extend_from_slice(&offset.to_be_bytes());
    frame.extend_from_slice(bytes);
    Ok(frame)
}

/// What stands behind [`PIECE`].
pub(super) fn piece(rest: &[u8]) -> Result<BundleWord, MessageError> {
    let cut_short = || MessageError::Malformed("a piece cut short".into());
    let (bundle, rest) = rest.split_first_chunk().ok_or_else(cut_short)?;
    let (offset, bytes) = rest.split_first_chunk().ok_or_else(cut_short)?;
    fits(bytes)?;
    Ok(BundleWord::Piece { bundle: Digest(*bundle), offset: u64::from_be_bytes(*offset), bytes: bytes.to_vec() })
}

fn fits(bytes: &[u8]) -> Result<(), MessageError> {
    let fits = (1..=PIECE_LIMIT).contains(&bytes.len());
    if fits { Ok(()) } else { Err(MessageError::OutOfBounds("the length of a piece")) }
}

/// First byte of a body that is part of a bundle.
pub(super) const PIECE: u8 = 3;
