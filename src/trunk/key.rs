//! The public key of a box, as its peer knows it.
//!
//! Text form: `engawa-key:` and the base64url (RFC 4648 §5, no padding) of the SubjectPublicKeyInfo. Only Ed25519
//! (RFC 8410) exists, so every key has the same length and anything else is refused here, once.

use crate::model::BoxId;
use ring::digest::{SHA256, digest};
use std::fmt;
use std::str::FromStr;

/// An Ed25519 public key in SubjectPublicKeyInfo form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey([u8; SPKI_LENGTH]);

impl PeerKey {
    /// From SubjectPublicKeyInfo, DER (RFC 8410).
    ///
    /// # Errors
    /// Anything but an Ed25519 key.
    pub fn from_spki(der: &[u8]) -> Result<Self, NotAKey> {
        let bytes: [u8; SPKI_LENGTH] = der.try_into().map_err(|_| NotAKey)?;
        if bytes.starts_with(&ED25519_PREFIX) { Ok(Self(bytes)) } else { Err(NotAKey) }
    }

    /// From the 32 bytes of an Ed25519 public key.
    pub fn from_raw(raw: &[u8; 32]) -> Self {
        let mut bytes = [0; SPKI_LENGTH];
        bytes[..ED25519_PREFIX.len()].copy_from_slice(&ED25519_PREFIX);
        bytes[ED25519_PREFIX.len()..].copy_from_slice(raw);
        Self(bytes)
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.0
    }

    /// The box this key names: SHA-256 of the SubjectPublicKeyInfo.
    pub fn box_id(&self) -> BoxId {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, &self.0).as_ref());
        BoxId(id)
    }
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", base64url(&self.0))
    }
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerKey({:?})", self.box_id())
    }
}

impl FromStr for PeerKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(NotAKey)?;
        Self::from_spki(&from_base64url(body).ok_or(NotAKey)?)
    }
}

/// The text or the bytes are not a box's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a box's public key; it looks like “engawa-key:MCow…” and is printed by “engawa identity export”")]
pub struct NotAKey;

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
        for i in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize]));
        }
    }
    text
}

/// Strict: only the text [`base64url`] would write comes back as bytes.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == letter)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    (base64url(&bytes) == text).then_some(bytes)
}

const PREFIX: &str = "engawa-key:";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MAX_TEXT: usize = 256;
const SPKI_LENGTH: usize = 44;
/// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes } (RFC 8410 §4).
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64url_is_that_of_rfc_4648() {
        for (plain, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64url(plain.as_bytes()), text);
            assert_eq!(from_base64url(text).unwrap(), plain.as_bytes());
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn sloppy_text_is_not_a_key() {
        let key = PeerKey::from_raw(&[7; 32]).to_string();
        assert_eq!(format!("  {key}\n").parse(), Ok(PeerKey::from_raw(&[7; 32])));
        for bad in ["", "engawa-key:", &key[11..], &key[..key.len() - 1], &format!("{key}A"), &key.replace('-', "+")] {
            assert_eq!(bad.parse::<PeerKey>(), Err(NotAKey), "{bad}");
        }
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let mut der = *PeerKey::from_raw(&[7; 32]).spki().first_chunk::<SPKI_LENGTH>().unwrap();
        der[8] = 0x6e; // X25519
        assert_eq!(PeerKey::from_spki(&der), Err(NotAKey));
    }

    proptest! {
        #[test]
        fn every_key_comes_back_from_its_text(raw: [u8; 32]) {
            let key = PeerKey::from_raw(&raw);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn no_text_panics(text in ".{0,300}") {
            let _ = text.parse::<PeerKey>();
            let _ = format!("engawa-key:{text}").parse::<PeerKey>();
        }
    }
}
