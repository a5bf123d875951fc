//! One document while its pieces come in.

use super::{DocumentBytes, MOST_PARTS, Ranges};
use crate::model::DocumentId;
use ring::digest::{self, Context, SHA256};
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes that are here, and the hash of those at the front, so that the last piece is not the one that waits for all of it.
pub(super) struct Coming {
    pub(super) length: u64,
    pub(super) have: Ranges,
    pub(super) attempt: u64,
    /// What the first page needs, if that is known.
    pub(super) first: Option<Arc<Ranges>>,
    bytes: Zeroizing<Vec<u8>>,
    hash: Context,
    hashed: usize,
    wrong: u32,
}

/// All bytes are there.
pub(super) enum Finished {
    /// And they are what the name says.
    Right(DocumentBytes),
    /// And they are not; here is what was thrown away.
    Wrong(DocumentBytes),
    /// And they are not, once too often; the length stays known.
    WrongAgain(u64),
}

impl Coming {
    pub(super) fn new(length: usize, attempt: u64) -> Self {
        Self {
            length: length as u64,
            have: Ranges::default(),
            attempt,
            first: None,
            bytes: Zeroizing::new(vec![0; length]),
            hash: Context::new(&SHA256),
            hashed: 0,
            wrong: 0,
        }
    }

    pub(super) fn missing(&self) -> Vec<Range<u64>> {
        self.have.missing(0..self.length)
    }

    /// Takes what is missing; returns how many bytes that were. None: no box sends such a piece.
    pub(super) fn take(&mut self, offset: u64, piece: &[u8]) -> Option<u64> {
        let end = offset.checked_add(piece.len() as u64).filter(|end| *end <= self.length)?;
        let gaps = self.have.missing(offset..end);
        if gaps.is_empty() {
            return Some(0);
        }
        if self.have.count() >= MOST_RANGES && !self.have.touches(&(offset..end)) {
            return None;
        }
        for gap in &gaps {
            let [from, to, skip] = [gap.start, gap.end, gap.start - offset].map(|at| usize::try_from(at).ok());
            let (from, to, skip) = (from?, to?, skip?);
            // What is here already stays: it may be part of the hash.
            self.bytes.get_mut(from..to)?.copy_from_slice(piece.get(skip..skip + (to - from))?);
        }
        self.have.insert(offset..end);
        self.hash_on();
        Some(gaps.iter().map(|gap| gap.end - gap.start).sum())
    }

    /// Once all bytes are there. After [`Finished::Wrong`] it begins anew.
    pub(super) fn finish(&mut self, document: DocumentId) -> Option<Finished> {
        if self.have.total() < self.length {
            return None;
        }
        let hash = std::mem::replace(&mut self.hash, Context::new(&SHA256));
        let bytes = DocumentBytes::from(std::mem::take(&mut *self.bytes));
        if name(&hash.finish()) == document {
            return Some(Finished::Right(bytes));
        }
        let wrong = self.wrong + 1;
        if wrong == MOST_WRONG {
            return Some(Finished::WrongAgain(self.length));
        }
        let mut anew = Self::new(bytes.len(), self.attempt);
        (anew.wrong, anew.first) = (wrong, self.first.take());
        *self = anew;
        Some(Finished::Wrong(bytes))
    }

    /// Whether all is here that the first page needs.
    pub(super) fn has_first(&self) -> bool {
        self.first.as_ref().is_some_and(|first| self.have.contains(first))
    }

    /// The same, in its place; zeros elsewhere.
    pub(super) fn first_page(&self) -> Option<DocumentBytes> {
        let first = self.first.as_ref().filter(|_| self.has_first())?;
        let mut page = DocumentBytes::from(vec![0; self.bytes.len()]);
        for part in first.iter() {
            let part = usize::try_from(part.start).ok()?..usize::try_from(part.end).ok()?;
            page.0.get_mut(part.clone())?.copy_from_slice(self.bytes.get(part)?);
        }
        Some(page)
    }

    fn hash_on(&mut self) {
        let front = usize::try_from(self.have.front()).unwrap_or(usize::MAX);
        // Of a gap that closes, not all at once: others wait for the store meanwhile.
        let front = if self.have.total() < self.length { front.min(self.hashed + AT_ONCE) } else { front };
        if let Some(new) = self.bytes.get(self.hashed..front) {
            self.hash.update(new);
            self.hashed = front;
        }
    }
}

/// The document that a hash names.
pub(super) fn name(hash: &digest::Digest) -> DocumentId {
    let mut name = [0; 32];
    name.copy_from_slice(hash.as_ref());
    DocumentId(name)
}

/// So often may all bytes come and be others than the name says.
const MOST_WRONG: u32 = 3;
/// Separate parts of one document: those of its first page, and a few, because a peer sends in order.
const MOST_RANGES: usize = MOST_PARTS + 64;
/// Bytes that are hashed with one piece.
const AT_ONCE: usize = 1024 * 1024;
