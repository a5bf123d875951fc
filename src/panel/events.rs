//! The event stream: one whole state at once, then on every change that this browser can see.
//!
//! ```text
//!   watch (newest only) ─► JSON for this visitor ─ same as last? ─ no ─► one slot ─► socket
//! ```
//! A slow reader misses states, never the newest; nothing queues up.

use super::Shared;
use super::tokens::{Stream, Visitor};
use crate::door::{Place, Worth};
use hyper::body::{Body, Bytes, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

/// The body of the stream; ends when the cookie ends, or when nobody reads.
pub(super) struct Events {
    frames: mpsc::Receiver<Bytes>,
    /// The browser listens as long as hyper holds this.
    _stream: Stream,
}

impl Events {
    /// Starts telling this visitor.
    pub(super) fn tell(shared: &Arc<Shared>, visitor: Visitor, stream: Stream, place: Arc<Place>) -> Self {
        let (sender, frames) = mpsc::channel(1);
        let shared = shared.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = run(&shared, visitor, &sender, &place) => {}
            }
        });
        Self { frames, _stream: stream }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.frames.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

async fn run(shared: &Shared, visitor: Visitor, sender: &mpsc::Sender<Bytes>, place: &Place) {
    let mut newest = shared.shown.subscribe();
    let mut told = String::new();
    let mut ping_at = Instant::now();
    // The installer's rights come and go; a cookie ends.
    while let Some(visitor) = shared.tokens.visitor(visitor.guest) {
        let shown = newest.borrow_and_update().clone();
        place.is(if shown.may_see(visitor) { Worth::Guest } else { Worth::Stranger });
        let state = shown.json(shared.now(), visitor, &shared.name, &shared.facts);
        let now = Instant::now();
        let text = if state != told {
            Some(format!("data: {state}\n\n"))
        } else {
            (now >= ping_at).then(|| ": still here\n\n".to_owned())
        };
        if let Some(text) = text {
            told = state;
            ping_at = now + PING_PERIOD;
            match timeout(STALLED, sender.send(Bytes::from(text))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
        tokio::select! {
            changed = newest.changed() => if changed.is_err() { return },
            () = sleep_until(ping_at) => {}
        }
        sleep_until(now + LEAST_GAP).await;
    }
}

/// Whoever reads nothing for so long is gone.
const STALLED: Duration = Duration::from_secs(20);
const PING_PERIOD: Duration = Duration::from_secs(10);
/// At most twenty states a second.
const LEAST_GAP: Duration = Duration::from_millis(50);
