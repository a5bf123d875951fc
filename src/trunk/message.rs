//! The bytes of everything two boxes say: a u32 length (big endian), then that many bytes of JSON; only a document's
//! bytes travel as they are (`message/bulk.rs`).
//!
//! ```text
//! control   Hello  Signal Signal Signal …        ALPN engawa/1
//! bulk      Hello  Ping/Pong Want Piece … Refused, Bundle …  ALPN engawa-bulk/1
//! ```
//!
//! A box speaks with the previous version of itself: fields it does not know are ignored, missing ones get a default,
//! kinds of message it does not know are skipped. Every size has a limit, checked before anything is kept. Only a box
//! that proved its pinned key is ever read here.

mod bulk;
mod bundle;
mod floor;
mod heartbeat;
mod help;
mod ink;
mod live;
mod notes;
mod room;
mod share;
mod wire;

pub use bulk::{Bulk, PART_BYTES, PIECE_HEAD, PIECE_LIMIT, RANGES_LIMIT, Token, Wanted, decode_bulk, encode_bulk};
pub use bundle::{BundleRefused, BundleWord, Digest};

use crate::core::signal::{Hello, Signal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// First words on a control connection, as one frame.
///
/// # Errors
/// Only [`MessageError::TooLong`], and not for any name a config allows.
pub fn encode_hello(hello: &Hello) -> Result<Vec<u8>, MessageError> {
    frame(&wire::Hello::from(hello), HELLO_LIMIT)
}

/// Reads the bytes after the length.
///
/// # Errors
/// See [`MessageError`].
pub fn decode_hello(bytes: &[u8]) -> Result<Hello, MessageError> {
    parse::<wire::Hello>(bytes, HELLO_LIMIT)?.try_into()
}

/// A signal as one frame.
///
/// # Errors
/// [`MessageError::TooLong`] for a description beyond [`SDP_LIMIT`].
pub fn encode_signal(signal: &Signal) -> Result<Vec<u8>, MessageError> {
    frame(&wire::Signal::try_from(signal)?, MESSAGE_LIMIT)
}

/// Reads the bytes after the length; `None` for a kind of signal that only a newer version knows.
///
/// # Errors
/// See [`MessageError`].
pub fn decode_signal(bytes: &[u8]) -> Result<Option<Signal>, MessageError> {
    parse::<wire::Signal>(bytes, MESSAGE_LIMIT)?.try_into()
}

/// Why a message is not one. Short whatever came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than its kind may be.
    #[error("{length} bytes where at most {limit} are allowed")]
    TooLong {
        /// Bytes.
        length: usize,
        /// Bytes.
        limit: usize,
    },
    /// Not the JSON that was expected.
    #[error("not a message: {0}")]
    Malformed(String),
    /// A value no box sends.
    #[error("{0} is out of bounds")]
    OutOfBounds(&'static str),
    /// The peer's version is too old to talk to.
    #[error("the peer speaks protocol {0}, too old for this box")]
    TooOld(u32),
}

/// A name as it may be shown: control and text-direction characters removed, at most [`NAME_LIMIT`] characters.
pub fn clean_name(name: &str) -> String {
    let shown = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    name.trim().chars().filter(shown).take(NAME_LIMIT).collect::<String>().trim().to_owned()
}

fn frame(message: &impl Serialize, limit: usize) -> Result<Vec<u8>, MessageError> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message).map_err(|error| malformed(&error))?;
    let length = frame.len() - LENGTH_BYTES;
    let prefix =
        u32::try_from(length).ok().filter(|_| length <= limit).ok_or(MessageError::TooLong { length, limit })?;
    frame[..LENGTH_BYTES].copy_from_slice(&prefix.to_be_bytes());
    Ok(frame)
}

fn parse<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, MessageError> {
    if bytes.len() > limit {
        return Err(MessageError::TooLong { length: bytes.len(), limit });
    }
    serde_json::from_slice(bytes).map_err(|error| malformed(&error))
}

/// The position only: what the peer wrote does not belong in our log.
fn malformed(error: &serde_json::Error) -> MessageError {
    let kind = match error.classify() {
        serde_json::error::Category::Io => "unwritable",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Data => "other fields than expected",
        serde_json::error::Category::Eof => "cut short",
    };
    MessageError::Malformed(format!("{kind} at byte {}", error.column()))
}

/// Spoken by this version.
pub const PROTOCOL: u32 = 1;
/// The oldest this version still speaks.
pub const OLDEST_PROTOCOL: u32 = 1;
/// Bytes of JSON in a hello, control or bulk.
pub const HELLO_LIMIT: usize = 4 * 1024;
/// Bytes of JSON in any message.
pub const MESSAGE_LIMIT: usize = 64 * 1024;
/// Bytes of SDP text.
pub const SDP_LIMIT: usize = 16 * 1024;
/// Characters of a name.
pub const NAME_LIMIT: usize = 64;
/// Codecs in a hello.
pub const CODEC_LIMIT: usize = 8;
/// Bytes of the length in front of every message.
pub const LENGTH_BYTES: usize = 4;
/// The fastest cadence a line may announce.
pub const CADENCE_MIN: Duration = Duration::from_millis(1);
/// The slowest: beyond it a line would look live for too long after it froze.
pub const CADENCE_MAX: Duration = Duration::from_secs(10);
