//! What a request brings: an IPP message, and maybe a document behind it. Bounded in bytes and in time, whoever sends it.

use super::ipp::{LONGEST, Message, NotIpp};
use super::turns::Turn;
use crate::documents::LONGEST_DOCUMENT;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use std::time::Duration;
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
    /// Somebody else needs its place more.
    GaveWay,
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

    /// Everything behind the message, as long as it gets on.
    pub(super) async fn document(mut self, turn: &mut Turn) -> Result<Vec<u8>, Unread> {
        // As long as it says it is: what grows leaves copies in memory.
        let promised = usize::try_from(self.incoming.size_hint().lower().min(LONGEST_DOCUMENT)).unwrap_or(0);
        self.begun.reserve(promised);
        loop {
            if self.begun.len() as u64 > LONGEST_DOCUMENT {
                return Err(Unread::TooLong);
            }
            let before = self.begun.len();
            let more = tokio::select! { biased;
                () = turn.must_leave() => return Err(Unread::GaveWay),
                more = self.more() => more?,
            };
            if !more {
                turn.is_whole();
                return Ok(std::mem::take(&mut *self.begun));
            }
            turn.came(self.begun.len() - before);
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

/// A PC that draws a page before it sends it pauses; longer than this it is gone.
const PAUSE: Duration = Duration::from_secs(30);
/// From a request's head to its answer, however slowly it drips while nobody else waits.
pub(super) const REQUEST_DUE: Duration = Duration::from_secs(180);
/// Of a document that is refused, so long and so much is read all the same.
const DRAINED: Duration = Duration::from_secs(10);
const READ_ALL_THE_SAME: usize = 64 << 20;
