//! What is said on the bulk connection: JSON as elsewhere, but a document's bytes as they are.
//!
//! ```text
//! piece   1 │ document: 32 bytes │ offset: u64, big endian │ 1 to 16 384 bytes
//! first   2 │ document: 32 bytes │ 1 to 1000 times: from, to (exclusive): u32, big endian
//! ```
//!
//! A body that begins with 3 is part of a bundle (`message/bundle.rs`). Those that begin with 4 to 8, which JSON never does, are left for later versions and skipped.

use super::bundle::{self, BundleWord};
use super::wire::old_enough;
use super::{LENGTH_BYTES, MESSAGE_LIMIT, MessageError, PROTOCOL, frame, parse};
use crate::documents::{DocumentBytes, LONGEST_DOCUMENT, MOST_DOCUMENTS, MOST_PARTS};
use crate::model::DocumentId;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is said on the bulk connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// First words, both ways.
    Hello {
        /// The control connection it belongs to.
        token: Token,
    },
    /// Are you there?
    Ping {
        /// Counts from 0 on each connection.
        number: u64,
    },
    /// Yes.
    Pong {
        /// As in the ping.
        number: u64,
    },
    /// Send these, in this order, and nothing that was wanted before.
    Want {
        /// At most [`MOST_DOCUMENTS`].
        list: Vec<Wanted>,
    },
    /// A part of a document that was wanted.
    Piece {
        /// Which.
        document: DocumentId,
        /// Of its first byte.
        offset: u64,
        /// 1 to [`PIECE_LIMIT`].
        bytes: DocumentBytes,
    },
    /// The first page of a document that is wanted needs these parts and no others; they are sent before the rest.
    First {
        /// Which.
        document: DocumentId,
        /// In order, apart from each other; 1 to [`MOST_PARTS`].
        parts: Vec<Range<u64>>,
    },
    /// A document that was wanted is not to be had now. It comes if that changes while it is wanted.
    Refused {
        /// Which.
        document: DocumentId,
    },
    /// About an update that one box passes on to the other.
    Bundle(BundleWord),
}

/// What is wanted of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub document: DocumentId,
    /// In the order they should come; 1 to [`RANGES_LIMIT`], none empty.
    pub ranges: Vec<Range<u64>>,
}

/// A bulk message as one frame. That of a piece holds a part of a document: overwrite it after use.
///
/// # Errors
/// [`MessageError::OutOfBounds`] for a piece, a list or parts that are too long or empty.
pub fn encode_bulk(message: &Bulk) -> Result<Vec<u8>, MessageError> {
    match message {
        Bulk::Piece { document, offset, bytes } => piece_frame(*document, *offset, bytes),
        Bulk::First { document, parts } => first_frame(*document, parts),
        Bulk::Hello { token } => wire_frame(&Wire::Hello { protocol: PROTOCOL, token: token.0 }),
        Bulk::Ping { number } => wire_frame(&Wire::Ping { number: *number }),
        Bulk::Pong { number } => wire_frame(&Wire::Pong { number: *number }),
        Bulk::Want { list } => {
            check_list(list)?;
            wire_frame(&Wire::Want { list: list.iter().map(WireWanted::from).collect() })
        }
        Bulk::Bundle(word) => match bundle::write(word)? {
            bundle::Written::Json(wire) => wire_frame(&Wire::Bundle(wire)),
            bundle::Written::Frame(frame) => Ok(frame),
        },
        Bulk::Refused { document } => wire_frame(&Wire::Refused { document: document.to_string() }),
    }
}

/// Reads the bytes after the length; `None` for a kind of message that only a newer version knows.
///
/// # Errors
/// See [`MessageError`].
pub fn decode_bulk(bytes: &[u8]) -> Result<Option<Bulk>, MessageError> {
    match bytes.split_first() {
        Some((&PIECE, rest)) => piece(rest).map(Some),
        Some((&FIRST, rest)) => first(rest).map(Some),
        Some((&bundle::PIECE, rest)) => Ok(Some(Bulk::Bundle(bundle::piece(rest)?))),
        Some((LATER_FIRST..=LATER_LAST, rest)) if rest.len() < MESSAGE_LIMIT => Ok(None),
        Some(_) | None => parse::<Wire>(bytes, MESSAGE_LIMIT)?.try_into(),
    }
}

/// Names a control connection to its bulk connection; from the TLS exporter of the control connection, so that both boxes
/// know it without saying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub [u8; 16]);

#[derive(Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
enum Wire {
    Hello {
        protocol: u32,
        token: [u8; 16],
    },
    Ping {
        number: u64,
    },
    Pong {
        number: u64,
    },
    Want {
        list: Vec<WireWanted>,
    },
    Refused {
        document: String,
    },
    Bundle(bundle::Wire),
    #[serde(other)]
    Newer,
}

#[derive(Serialize, Deserialize)]
struct WireWanted {
    document: String,
    /// From, to (exclusive).
    ranges: Vec<[u64; 2]>,
}

impl From<&Wanted> for WireWanted {
    fn from(wanted: &Wanted) -> Self {
        let ranges = wanted.ranges.iter().map(|range| [range.start, range.end]).collect();
        Self { document: wanted.document.to_string(), ranges }
    }
}

impl TryFrom<Wire> for Option<Bulk> {
    type Error = MessageError;

    fn try_from(wire: Wire) -> Result<Self, MessageError> {
        Ok(Some(match wire {
            Wire::Hello { protocol, token } => {
                old_enough(protocol)?;
                Bulk::Hello { token: Token(token) }
            }
            Wire::Ping { number } => Bulk::Ping { number },
            Wire::Pong { number } => Bulk::Pong { number },
            Wire::Want { list } => {
                let list = list.into_iter().map(Wanted::try_from).collect::<Result<Vec<_>, _>>()?;
                check_list(&list)?;
                Bulk::Want { list }
            }
            Wire::Refused { document } => Bulk::Refused { document: named(&document)? },
            Wire::Bundle(wire) => return Ok(wire.read()?.map(Bulk::Bundle)),
            Wire::Newer => return Ok(None),
        }))
    }
}

impl TryFrom<WireWanted> for Wanted {
    type Error = MessageError;

    fn try_from(wire: WireWanted) -> Result<Self, MessageError> {
        let ranges = wire.ranges.into_iter().map(|[from, to]| from..to).collect();
        Ok(Self { document: named(&wire.document)?, ranges })
    }
}

fn check_list(list: &[Wanted]) -> Result<(), MessageError> {
    let fits = |range: &Range<u64>| range.start < range.end && range.end <= LONGEST_DOCUMENT;
    if list.len() > MOST_DOCUMENTS {
        return Err(MessageError::OutOfBounds("the number of documents"));
    }
    if list.iter().any(|wanted| !(1..=RANGES_LIMIT).contains(&wanted.ranges.len())) {
        return Err(MessageError::OutOfBounds("the number of ranges"));
    }
    if !list.iter().all(|wanted| wanted.ranges.iter().all(fits)) {
        return Err(MessageError::OutOfBounds("a range"));
    }
    Ok(())
}

fn named(text: &str) -> Result<DocumentId, MessageError> {
    text.parse().map_err(|_| MessageError::OutOfBounds("the name of a document"))
}

fn wire_frame(wire: &Wire) -> Result<Vec<u8>, MessageError> {
    frame(wire, MESSAGE_LIMIT)
}

fn piece_frame(document: DocumentId, offset: u64, bytes: &[u8]) -> Result<Vec<u8>, MessageError> {
    check_piece(offset, bytes)?;
    let length = PIECE_HEAD + bytes.len();
    let prefix = u32::try_from(length).map_err(|_| MessageError::OutOfBounds("the length of a piece"))?;
    let mut frame = Vec::with_capacity(LENGTH_BYTES + length);
    frame.extend_from_slice(&prefix.to_be_bytes());
    frame.push(PIECE);
    frame.extend_from_slice(&document.0);
    frame.extend_from_slice(&offset.to_be_bytes());
    frame.extend_from_slice(bytes);
    Ok(frame)
}

fn piece(rest: &[u8]) -> Result<Bulk, MessageError> {
    let cut_short = || MessageError::Malformed("a piece cut short".into());
    let (document, rest) = rest.split_first_chunk().ok_or_else(cut_short)?;
    let (offset, bytes) = rest.split_first_chunk().ok_or_else(cut_short)?;
    let offset = u64::from_be_bytes(*offset);
    check_piece(offset, bytes)?;
    Ok(Bulk::Piece { document: DocumentId(*document), offset, bytes: bytes.to_vec().into() })
}

fn first_frame(document: DocumentId, parts: &[Range<u64>]) -> Result<Vec<u8>, MessageError> {
    check_parts(parts)?;
    let length = 1 + document.0.len() + PART_BYTES * parts.len();
    let number = |number| u32::try_from(number).map_err(|_| MessageError::OutOfBounds("a part"));
    let mut frame = number(length as u64)?.to_be_bytes().to_vec();
    frame.push(FIRST);
    frame.extend_from_slice(&document.0);
    for part in parts {
        frame.extend_from_slice(&number(part.start)?.to_be_bytes());
        frame.extend_from_slice(&number(part.end)?.to_be_bytes());
    }
    Ok(frame)
}

fn first(rest: &[u8]) -> Result<Bulk, MessageError> {
    let cut_short = || MessageError::Malformed("parts cut short".into());
    let (document, rest) = rest.split_first_chunk().ok_or_else(cut_short)?;
    let (ends, []) = rest.as_chunks::<PART_BYTES>() else { return Err(cut_short()) };
    let part = |[a, b, c, d, e, f, g, h]: &[u8; PART_BYTES]| {
        u64::from(u32::from_be_bytes([*a, *b, *c, *d]))..u64::from(u32::from_be_bytes([*e, *f, *g, *h]))
    };
    let parts: Vec<_> = ends.iter().take(MOST_PARTS + 1).map(part).collect();
    check_parts(&parts)?;
    Ok(Bulk::First { document: DocumentId(*document), parts })
}

fn check_parts(parts: &[Range<u64>]) -> Result<(), MessageError> {
    let apart = parts.windows(2).all(|pair| pair[0].end < pair[1].start);
    let within = parts.last().is_some_and(|last| last.end <= LONGEST_DOCUMENT);
    if !(1..=MOST_PARTS).contains(&parts.len()) {
        return Err(MessageError::OutOfBounds("the number of parts"));
    }
    if !apart || !within || parts.iter().any(Range::is_empty) {
        return Err(MessageError::OutOfBounds("a part"));
    }
    Ok(())
}

fn check_piece(offset: u64, bytes: &[u8]) -> Result<(), MessageError> {
    if !(1..=PIECE_LIMIT).contains(&bytes.len()) {
        return Err(MessageError::OutOfBounds("the length of a piece"));
    }
    if offset.saturating_add(bytes.len() as u64) > LONGEST_DOCUMENT {
        return Err(MessageError::OutOfBounds("the offset of a piece"));
    }
    Ok(())
}

/// Bytes of a document in one piece.
pub const PIECE_LIMIT: usize = 16 * 1024;
/// Ranges of one document in a list.
pub const RANGES_LIMIT: usize = 8;
/// Bytes of one part in what is said of a first page.
pub const PART_BYTES: usize = 8;
/// Bytes of a piece's body before the document's own.
pub const PIECE_HEAD: usize = 1 + 32 + 8;
const PIECE: u8 = 1;
const FIRST: u8 = 2;
const LATER_FIRST: u8 = 4;
const LATER_LAST: u8 = 8;
