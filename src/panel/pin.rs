//! The installer's PIN: few tries, then a pause that doubles. The page has one, the other room another: neither shuts the other out.

use ring::digest::{SHA256, digest};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The PIN and who guessed at it; clones share both. The PIN itself is not held.
#[derive(Clone)]
pub struct PinCode(Arc<Inner>);

/// Why a try was in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinFault {
    /// Another PIN.
    Wrong,
    /// Too many wrong ones: the right one would not be taken either.
    Pause,
}

struct Inner {
    hash: Vec<u8>,
    tries: Mutex<Tries>,
}

#[derive(Default)]
struct Tries {
    wrong: u32,
    shut_until: Option<Instant>,
}

impl From<&str> for PinCode {
    fn from(pin: &str) -> Self {
        let hash = digest(&SHA256, pin.as_bytes()).as_ref().to_vec();
        Self(Arc::new(Inner { hash, tries: Mutex::default() }))
    }
}

impl PinCode {
    /// Whoever tries: five wrong ones in a row shut it for everybody.
    ///
    /// # Errors
    /// See [`PinFault`].
    pub fn attempt(&self, pin: &str, now: Instant) -> Result<(), PinFault> {
        let mut tries = self.0.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.shut_until.is_some_and(|until| now < until) {
            return Err(PinFault::Pause);
        }
        // Compared as hashes: how long it takes says nothing about the PIN.
        if digest(&SHA256, pin.as_bytes()).as_ref() == self.0.hash {
            *tries = Tries::default();
            return Ok(());
        }
        tries.wrong = tries.wrong.saturating_add(1);
        if tries.wrong.is_multiple_of(TRIES) {
            tries.shut_until = Some(now + PAUSE * (1 << (tries.wrong / TRIES - 1).min(MOST_DOUBLINGS)));
        }
        Err(PinFault::Wrong)
    }
}

const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(30);
/// 30 s to 16 min: a million PINs take years.
const MOST_DOUBLINGS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn guessing_is_limited_and_the_pause_doubles() {
        let pin = PinCode::from("246810");
        let mut guesses = 0;
        for _ in 0..3600 {
            while pin.attempt("000000", Instant::now()) == Err(PinFault::Wrong) {
                guesses += 1;
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        // Pauses of 30, 60, 120, 240, 480, 960, 960, 960 s: the eighth ends after the hour.
        assert_eq!(guesses, 8 * 5);
        assert_eq!(pin.attempt("246810", Instant::now()), Err(PinFault::Pause), "the right one too");
        tokio::time::advance(Duration::from_secs(960)).await;
        assert_eq!(pin.attempt("246810", Instant::now()), Ok(()));
        assert_eq!(pin.attempt("24681", Instant::now()), Err(PinFault::Wrong));
        assert_eq!(pin.attempt("246810", Instant::now()), Ok(()), "the right one starts afresh");
    }
}
