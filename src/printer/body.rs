//! What a request brings: an IPP message, and maybe a document behind it. Bounded in bytes and in time, whoever sends it.

use super::Shared;
use super::ipp::{LONGEST, Message, NotIpp};
use crate::documents::LONGEST_DOCUMENT;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// A request's body while it comes.
pub(super) struct Body {
    incoming: Incoming,
    /// What came of it and was not taken yet.
    begun: Zeroizing<Vec<u8>>,
    whole: bool,
}

/// Why it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Nothing came for too long, or the PC is gone.
    Gone,
    /// The message is none.
    NotIpp(NotIpp),
    /// More than a document may have.
    TooLong,
}

/// The right to bring a document now.
pub(super) struct Turn {
    shared: Arc<Shared>,
    source: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Body {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { incoming, begun: Zeroizing::default(), whole: false }
    }

    /// The message in front: read once all that one may have is here.
    pub(super) async fn message(&mut self) -> Result<Message, Unread> {
        while self.begun.len() < LONGEST && self.more().await? {}
        let (message, length) = Message::read(&self.begun).map_err(Unread::NotIpp)?;
        self.begun.drain(..length);
        Ok(message)
    }

    /// Everything behind the message.
    pub(super) async fn document(mut self) -> Result<Vec<u8>, Unread> {
        // As long as it says it is: what grows leaves copies in memory.
        let promised = usize::try_from(self.incoming.size_hint().lower().min(LONGEST_DOCUMENT)).unwrap_or(0);
        self.begun.reserve(promised);
        loop {
            if self.begun.len() as u64 > LONGEST_DOCUMENT {
                return Err(Unread::TooLong);
            }
            if !self.more().await? {
                return Ok(std::mem::take(&mut *self.begun));
            }
        }
    }

    /// A PC that is answered while it still sends may see a broken line instead of the answer.
    pub(super) async fn drain(mut self) {
        let mut left = READ_ALL_THE_SAME;
        let read = async {
            while left > 0 && self.more().await == Ok(true) {
                left = left.saturating_sub(self.begun.len());
                self.begun.clear();
            }
        };
        let _enough = timeout(DRAINED, read).await;
    }

    async fn more(&mut self) -> Result<bool, Unread> {
        if self.whole {
            return Ok(false);
        }
        match timeout(PAUSE, self.incoming.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    self.begun.extend_from_slice(&data);
                }
                Ok(true)
            }
            Ok(None) => {
                self.whole = true;
                Ok(false)
            }
            Ok(Some(Err(_))) | Err(_) => Err(Unread::Gone),
        }
    }
}

impl Turn {
    /// One document at a time of a PC, [`DOCUMENTS`] of all.
    pub(super) fn take(shared: &Arc<Shared>, source: IpAddr) -> Option<Self> {
        let permit = shared.documents.clone().try_acquire_owned().ok()?;
        let mut bringing = shared.bringing.lock().unwrap_or_else(PoisonError::into_inner);
        if bringing.contains(&source) {
            return None;
        }
        bringing.push(source);
        Some(Self { shared: shared.clone(), source, _permit: permit })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut bringing = self.shared.bringing.lock().unwrap_or_else(PoisonError::into_inner);
        bringing.retain(|source| *source != self.source);
    }
}

/// Documents on their way into the box at a time.
pub(super) const DOCUMENTS: usize = 2;
/// A PC that draws a page before it sends it pauses; longer than this it is gone.
const PAUSE: Duration = Duration::from_secs(30);
/// From a request's head to its answer, however slowly it drips.
pub(super) const REQUEST_DUE: Duration = Duration::from_secs(180);
/// Of a document that is refused, so long and so much is read all the same.
const DRAINED: Duration = Duration::from_secs(10);
const READ_ALL_THE_SAME: usize = 64 << 20;
