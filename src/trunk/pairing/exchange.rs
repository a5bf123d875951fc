//! SPAKE2 (crate `spake2`, Ed25519 group) with what it lacks: key confirmation, bound to the keys and the TLS connection.

use super::{Code, PairError};
use crate::trunk::key::PeerKey;
use crate::trunk::tls::Secured;
use ring::hmac;
use spake2::{Ed25519Group, Identity, Password, Spake2};

/// Which end of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Types the code, dials.
    Answer,
    /// Shows the code, listens.
    Offer,
}

/// Shares are being exchanged.
pub(super) struct Exchange {
    part: Part,
    spake: Spake2<Ed25519Group>,
    /// Both keys and the connection.
    context: Vec<u8>,
    own_share: Vec<u8>,
}

impl Exchange {
    /// Begins; also gives the share to send. Keys in the order answer, offer.
    pub(super) fn start(
        part: Part,
        code: &Code,
        answer: &PeerKey,
        offer: &PeerKey,
        secured: &Secured,
    ) -> Result<(Self, Vec<u8>), PairError> {
        Ok(Self::with_connection(part, code, answer, offer, &secured.exported::<32>(LABEL)?))
    }

    fn with_connection(
        part: Part,
        code: &Code,
        answer: &PeerKey,
        offer: &PeerKey,
        connection: &[u8; 32],
    ) -> (Self, Vec<u8>) {
        let password = Password::new(code.digits());
        let name = |part: &[u8], key: &PeerKey| Identity::new(&[LABEL, part, key.spki(), connection].concat());
        let (a, b) = (name(b" answer ", answer), name(b" offer ", offer));
        let (spake, own_share) = match part {
            Part::Answer => Spake2::<Ed25519Group>::start_a(&password, &a, &b),
            Part::Offer => Spake2::<Ed25519Group>::start_b(&password, &a, &b),
        };
        let context = [answer.spki(), offer.spki(), connection].concat();
        (Self { part, spake, context, own_share: own_share.clone() }, own_share)
    }

    /// With the other's share; `None` if it is not one.
    pub(super) fn finish(self, their_share: &[u8]) -> Option<Proofs> {
        let secret = self.spake.finish(their_share).ok()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let (answers, offers) = match self.part {
            Part::Answer => (&self.own_share[..], their_share),
            Part::Offer => (their_share, &self.own_share[..]),
        };
        // All parts have fixed lengths, so there is one way to read this.
        let claim = |part: &[u8]| [LABEL, part, &self.context, answers, offers].concat();
        let (answer, offer) = (claim(b" answer "), claim(b" offer  "));
        let (own, theirs) = match self.part {
            Part::Answer => (answer, offer),
            Part::Offer => (offer, answer),
        };
        Some(Proofs { own: hmac::sign(&key, &own), key, theirs })
    }
}

/// What each end must show to prove that it used the same code on the same connection.
pub(super) struct Proofs {
    key: hmac::Key,
    own: hmac::Tag,
    /// What the other end must have signed.
    theirs: Vec<u8>,
}

impl Proofs {
    /// To be sent.
    pub(super) fn own(&self) -> &[u8] {
        self.own.as_ref()
    }

    /// Whether the other end proved it; takes the same time whatever it sent.
    pub(super) fn is_right(&self, shown: &[u8]) -> bool {
        hmac::verify(&self.key, &self.theirs, shown).is_ok()
    }
}

const LABEL: &[u8] = b"EXPERIMENTAL engawa pairing 1";

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECTION: [u8; 32] = [9; 32];

    fn key(n: u8) -> PeerKey {
        PeerKey::from_raw(&[n; 32])
    }

    struct End(&'static str, PeerKey, PeerKey, [u8; 32]);

    /// Whether each end finds the other's proof right.
    fn outcome(a: &End, b: &End) -> (bool, bool) {
        let start = |part, end: &End| Exchange::with_connection(part, &end.0.parse().unwrap(), &end.1, &end.2, &end.3);
        let ((ours, share), (theirs, their_share)) = (start(Part::Answer, a), start(Part::Offer, b));
        let (ours, theirs) = (ours.finish(&their_share).unwrap(), theirs.finish(&share).unwrap());
        assert_ne!(ours.own(), theirs.own(), "a proof cannot be sent back");
        (ours.is_right(theirs.own()), theirs.is_right(ours.own()))
    }

    #[test]
    fn only_the_same_code_keys_and_connection_give_right_proofs() {
        let a = End("12345678", key(1), key(2), CONNECTION);
        assert_eq!(outcome(&a, &End("12345678", key(1), key(2), CONNECTION)), (true, true));
        assert_eq!(outcome(&a, &End("12345679", key(1), key(2), CONNECTION)), (false, false));
        assert_eq!(outcome(&a, &End("12345678", key(3), key(2), CONNECTION)), (false, false));
        assert_eq!(outcome(&a, &End("12345678", key(1), key(3), CONNECTION)), (false, false));
        assert_eq!(outcome(&a, &End("12345678", key(1), key(2), [8; 32])), (false, false));
    }

    #[test]
    fn a_share_sent_back_is_not_a_share() {
        let (exchange, share) =
            Exchange::with_connection(Part::Answer, &"12345678".parse().unwrap(), &key(1), &key(2), &CONNECTION);
        assert!(exchange.finish(&share).is_none());
    }
}
