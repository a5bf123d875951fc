//! What is shared, as one message. Every number is brought within its bounds, every list within its length.

use super::{MessageError, clean_name};
use crate::core::share::{self, Document, Look, MOST_ZOOM, ShareWord};
use crate::model::{BootId, DocumentId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct Share {
    #[serde(default)]
    ended: [u32; 2],
    #[serde(default)]
    documents: Vec<Shared>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    front: Option<String>,
    #[serde(default)]
    fronted: Stamp,
}

#[derive(Serialize, Deserialize)]
struct Shared {
    id: String,
    #[serde(default)]
    name: String,
    length: u64,
    pages: u32,
    since: [u32; 2],
    placed: Stamp,
    open: bool,
    changed: Stamp,
    page: u32,
    #[serde(default = "whole")]
    zoom: u16,
    #[serde(default)]
    corner: [u16; 2],
    looked: Stamp,
    #[serde(default, skip_serializing_if = "nobody_keeps")]
    keep: [Keep; 2],
}

/// Count, and the life that made it.
#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(try_from = "(u32, u64)")]
pub(super) struct Stamp(u32, u64);

/// A box that changes something ten times a second for six years.
pub(super) const LATEST: u32 = u32::MAX / 2;

impl TryFrom<(u32, u64)> for Stamp {
    type Error = &'static str;

    /// No box counts so far; after the last count every change would be the same one.
    fn try_from((count, life): (u32, u64)) -> Result<Self, Self::Error> {
        if count <= LATEST { Ok(Self(count, life)) } else { Err("a count beyond any box's") }
    }
}

/// Whether a room wants it kept, and since when.
#[derive(Serialize, Deserialize, Clone, Copy, Default)]
struct Keep(bool, Stamp);

impl From<&ShareWord> for Share {
    fn from(word: &ShareWord) -> Self {
        Self {
            ended: word.ended,
            documents: word.documents.iter().map(Shared::from).collect(),
            front: word.front.map(|id| id.to_string()),
            fronted: word.fronted.into(),
        }
    }
}

impl From<&Document> for Shared {
    fn from(document: &Document) -> Self {
        Self {
            id: document.id.to_string(),
            name: document.name.chars().take(NAME_LIMIT).collect(),
            length: document.length,
            pages: document.pages,
            since: document.since,
            placed: document.placed.into(),
            open: document.open,
            changed: document.changed.into(),
            page: document.look.page,
            zoom: document.look.zoom,
            corner: document.look.corner,
            looked: document.looked.into(),
            keep: document.keep.map(|keep| Keep(keep.on, keep.at.into())),
        }
    }
}

impl TryFrom<Share> for ShareWord {
    type Error = MessageError;

    fn try_from(wire: Share) -> Result<Self, MessageError> {
        if wire.ended.iter().any(|ended| *ended > LATEST) {
            return Err(MessageError::OutOfBounds("a count of presses"));
        }
        if wire.documents.len() > DOCUMENTS_LIMIT {
            return Err(MessageError::OutOfBounds("the number of documents"));
        }
        Ok(Self {
            ended: wire.ended,
            documents: wire.documents.into_iter().map(Document::try_from).collect::<Result<_, _>>()?,
            front: wire.front.map(|id| read(&id)).transpose()?,
            fronted: wire.fronted.into(),
        })
    }
}

impl TryFrom<Shared> for Document {
    type Error = MessageError;

    fn try_from(wire: Shared) -> Result<Self, MessageError> {
        if wire.length == 0 || wire.length > LENGTH_LIMIT || wire.pages == 0 || wire.pages > PAGES_LIMIT {
            return Err(MessageError::OutOfBounds("the size of a document"));
        }
        if wire.since.iter().any(|since| *since > LATEST) {
            return Err(MessageError::OutOfBounds("a count of presses"));
        }
        if !(1000..=MOST_ZOOM).contains(&wire.zoom) {
            return Err(MessageError::OutOfBounds("a zoom"));
        }
        let look = Look { page: wire.page, zoom: wire.zoom, corner: wire.corner };
        Ok(Self {
            id: read(&wire.id)?,
            name: clean_name(&wire.name),
            length: wire.length,
            pages: wire.pages,
            since: wire.since,
            placed: wire.placed.into(),
            open: wire.open,
            changed: wire.changed.into(),
            look: look.within(wire.pages),
            looked: wire.looked.into(),
            keep: wire.keep.map(|Keep(on, at)| share::Keep { on, at: at.into() }),
        })
    }
}

impl From<share::Stamp> for Stamp {
    fn from(stamp: share::Stamp) -> Self {
        Self(stamp.count, stamp.by.0)
    }
}

impl From<Stamp> for share::Stamp {
    fn from(Stamp(count, life): Stamp) -> Self {
        Self { count, by: BootId(life) }
    }
}

pub(super) fn read(id: &str) -> Result<DocumentId, MessageError> {
    id.parse().map_err(|_| MessageError::OutOfBounds("the name of a document"))
}

fn nobody_keeps(keep: &[Keep; 2]) -> bool {
    keep.iter().all(|Keep(on, at)| !on && at.0 == 0)
}

const fn whole() -> u16 {
    1000
}

/// Two boxes that were cut apart may each know 32. With names of four-byte letters they fit their message.
const DOCUMENTS_LIMIT: usize = 64;
const NAME_LIMIT: usize = 64;
/// Bytes.
const LENGTH_LIMIT: u64 = 100 * 1024 * 1024;
const PAGES_LIMIT: u32 = 5000;

#[cfg(test)]
mod tests {
    use super::*;

    fn one(change: impl FnOnce(&mut Shared)) -> Result<ShareWord, MessageError> {
        let stamp = Stamp(1, 1);
        let mut shared = Shared {
            id: "ab".repeat(32),
            name: "\u{202e}fdp.exe".into(),
            length: 1,
            pages: 3,
            since: [1, 0],
            placed: stamp,
            open: true,
            changed: stamp,
            page: 0,
            zoom: 1000,
            corner: [0; 2],
            looked: stamp,
            keep: [Keep(false, Stamp(0, 0)); 2],
        };
        change(&mut shared);
        Share { ended: [0; 2], documents: vec![shared], front: None, fronted: stamp }.try_into()
    }

    #[test]
    fn what_no_box_says_is_refused_or_brought_within_the_page() {
        assert_eq!(one(|_| {}).expect("fine").documents[0].name, "fdp.exe");
        let far = one(|shared| (shared.page, shared.zoom, shared.corner) = (99, 2000, [900, 100])).expect("fine");
        assert_eq!(far.documents[0].look, Look { page: 2, zoom: 2000, corner: [500, 100] });
        let refused: [fn(&mut Shared); 7] = [
            |shared| shared.id = "../../etc/passwd".into(),
            |shared| shared.length = 0,
            |shared| shared.length = u64::MAX,
            |shared| shared.pages = 0,
            |shared| shared.pages = 100_000,
            |shared| shared.zoom = 999,
            |shared| shared.zoom = u16::MAX,
        ];
        assert!(refused.into_iter().all(|change| one(change).is_err()));
        let documents = (0..=DOCUMENTS_LIMIT).map(|_| Shared::from(&one(|_| {}).expect("fine").documents[0]));
        let many = Share { ended: [0; 2], documents: documents.collect(), front: None, fronted: Stamp(0, 0) };
        assert!(ShareWord::try_from(many).is_err());
    }
}
