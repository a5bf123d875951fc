//! How fast this box sends on bulk: a bucket of bytes as they are on the line, shared by all bulk connections.

use crate::model::Bitrate;
use crate::trunk::message::{LENGTH_BYTES, PIECE_HEAD, PIECE_LIMIT};
use std::time::Duration;
use tokio::time::Instant;

/// Nothing may leave at first.
pub(super) struct Pace {
    allowed: Bitrate,
    /// Bytes sent and not yet paid for by time; below zero for what time has paid in advance.
    owed: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { allowed: Bitrate::default(), owed: 0.0, at: now }
    }

    pub(super) fn set(&mut self, allowed: Bitrate, now: Instant) {
        self.settle(now);
        self.allowed = allowed;
    }

    /// A frame leaves. What is always sent (pings, lists) may leave without waiting; it is paid for all the same.
    pub(super) fn spend(&mut self, frame: usize, now: Instant) {
        self.settle(now);
        if self.allowed > Bitrate::default() {
            self.owed = (self.owed + on_the_line(frame)).min(on_the_line(LONGEST_FRAME));
        }
    }

    /// When the next piece may leave; none at a pace of 0.
    pub(super) fn ready_at(&mut self, now: Instant) -> Option<Instant> {
        self.settle(now);
        let wait = self.owed.max(0.0) / self.bytes_per_s();
        wait.is_finite().then(|| now + Duration::from_secs_f64(wait))
    }

    /// Bytes of a document in one piece: what takes 25 ms, so that neither a ping nor a voice packet waits long behind it,
    /// but at least what fills a TCP segment.
    pub(super) fn piece(&self) -> usize {
        ((self.bytes_per_s() * AT_ONCE.as_secs_f64()) as usize).clamp(ONE_SEGMENT, LONGEST_PIECE)
    }

    fn settle(&mut self, now: Instant) {
        let paid = self.bytes_per_s() * now.duration_since(self.at).as_secs_f64();
        let saved = self.bytes_per_s() * AT_ONCE.as_secs_f64();
        self.owed = (self.owed - paid).max(-saved);
        self.at = now;
    }

    fn bytes_per_s(&self) -> f64 {
        f64::from(self.allowed.as_bps()) / 8.0
    }
}

/// Bytes on the line for a frame: TLS 1.3 records (22 bytes each), TCP with timestamps and IPv6 (72 bytes for up to 1428).
/// IPv4 takes 1.4 % less. Not counted: the link's own framing, retransmissions, and the acknowledgements that flow the other
/// way (1 to 3 % of what they acknowledge: an estimate).
fn on_the_line(frame: usize) -> f64 {
    let secured = frame + frame.div_ceil(RECORD) * RECORD_OVERHEAD;
    (secured + secured.div_ceil(SEGMENT) * SEGMENT_OVERHEAD) as f64
}

/// The time that one piece takes, and that an idle line may save up: late wake-ups cost no pace.
const AT_ONCE: Duration = Duration::from_millis(25);
const RECORD: usize = 16 * 1024;
const RECORD_OVERHEAD: usize = 22;
const SEGMENT: usize = 1428;
const SEGMENT_OVERHEAD: usize = 72;
/// A piece that fills one segment to the last byte.
const ONE_SEGMENT: usize = SEGMENT - RECORD_OVERHEAD - LENGTH_BYTES - PIECE_HEAD;
/// Half of what a message may hold: under 1 % more overhead, and on a line far slower than the pace one comes sooner.
const LONGEST_PIECE: usize = PIECE_LIMIT / 2;
const LONGEST_FRAME: usize = LENGTH_BYTES + PIECE_HEAD + PIECE_LIMIT;
