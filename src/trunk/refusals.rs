//! Refusals are told to the log once a minute per kind, with a count: a flood must not fill a disk.

use super::tls::{is_about_keys, tls_error};
use rustls::{AlertDescription, Error, PeerIncompatible};
use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// Why somebody was sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Newer ones needed the place.
    #[error("too many half-open connections")]
    Crowded,
    /// The handshake took too long.
    #[error("no complete handshake in time")]
    TooSlow,
    /// It left by itself.
    #[error("gone before the handshake was complete")]
    Gone,
    /// Not TLS 1.3 as we speak it.
    #[error("it does not speak our TLS")]
    NotTls,
    /// No client key, or not a raw public key.
    #[error("it shows no raw public key")]
    NoKey,
    /// A key that is not pinned.
    #[error("its key is not the pinned one")]
    WrongKey,
    /// TLS, but another protocol or version inside.
    #[error("it does not speak this protocol")]
    OtherProtocol,
    /// The pinned peer broke a rule of the messages.
    #[error("the peer sent what no box sends")]
    BadMessage,
    /// The pinned peer opened more connections than it needs.
    #[error("the peer has too many connections")]
    TooMany,
    /// A bulk connection for a control connection that is not there.
    #[error("a bulk connection that belongs to no control connection")]
    Orphan,
}

impl Refusal {
    /// What a failed handshake says.
    pub(super) fn of(error: &io::Error) -> Self {
        let Some(error) = tls_error(error) else { return Self::Gone };
        let no_key = matches!(
            error,
            Error::NoCertificatesPresented
                | Error::PeerIncompatible(PeerIncompatible::IncorrectCertificateTypeExtension)
                | Error::AlertReceived(AlertDescription::CertificateRequired)
        );
        if is_about_keys(error) {
            Self::WrongKey
        } else if no_key {
            Self::NoKey
        } else if matches!(error, Error::NoApplicationProtocol) {
            Self::OtherProtocol
        } else {
            Self::NotTls
        }
    }
}

/// Counts per kind what is not told.
#[derive(Default)]
pub(super) struct Refusals(Mutex<[Option<u64>; KINDS]>);

impl Refusals {
    /// Counts one; true if it is to be told now, and [`Refusals::minute_passed`] is due in a [`MINUTE`].
    pub(super) fn is_news(&self, refusal: Refusal) -> bool {
        let mut untold = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut untold[refusal as usize] {
            Some(count) => {
                *count += 1;
                false
            }
            quiet @ None => {
                *quiet = Some(0);
                true
            }
        }
    }

    /// How many were not told; if any, the next minute begins, else the next refusal is news again.
    pub(super) fn minute_passed(&self, refusal: Refusal) -> Option<u64> {
        let mut untold = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut untold[refusal as usize];
        let count = slot.take().filter(|&count| count > 0);
        *slot = count.map(|_| 0);
        count
    }
}

/// The pause between two lines about the same kind.
pub(super) const MINUTE: Duration = Duration::from_secs(60);
const KINDS: usize = Refusal::Orphan as usize + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_once_a_minute_with_its_count() {
        let refusals = Refusals::default();
        assert!(refusals.is_news(Refusal::WrongKey));
        assert!((0..1000).all(|_| !refusals.is_news(Refusal::WrongKey)));
        assert!(refusals.is_news(Refusal::NotTls), "another kind is news");
        assert_eq!(refusals.minute_passed(Refusal::WrongKey), Some(1000));
        assert!(!refusals.is_news(Refusal::WrongKey), "the count was told just now");
        assert_eq!(refusals.minute_passed(Refusal::WrongKey), Some(1));
        assert_eq!(refusals.minute_passed(Refusal::WrongKey), None);
        assert!(refusals.is_news(Refusal::WrongKey));
    }
}
