//! SRTP and SRTCP with AES-128 counter mode and HMAC-SHA1-80 (RFC 3711), as DTLS-SRTP keys it (RFC 5764): what an attacker
//! needs to read and to rewrite media between two DTLS associations of his own. No replay protection: he wants everything.

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode};
use std::collections::HashMap;

/// One direction of one association.
pub struct Srtp {
    media: Keys,
    control: Keys,
    /// Highest packet index (rollover counter and sequence number) per synchronisation source.
    newest: HashMap<u32, u64>,
}

struct Keys {
    cipher: [u8; 16],
    salt: [u8; 14],
    authentication: PKey<Private>,
}

impl Srtp {
    /// From the master key (16 bytes) and salt (14 bytes) of a direction.
    pub fn new(master: &[u8], salt: &[u8]) -> Self {
        Self { media: Keys::derive(master, salt, 0), control: Keys::derive(master, salt, 3), newest: HashMap::new() }
    }

    /// The packet in the clear and its index; none when it was not made with these keys.
    pub fn open_media(&mut self, packet: &[u8]) -> Option<(Vec<u8>, u64)> {
        let (body, tag) = packet.split_at_checked(packet.len().checked_sub(TAG)?)?;
        let (header, source) = (media_header(body)?, source(body, 8)?);
        let index = self.index(source, u16::from_be_bytes([body[2], body[3]]));
        if self.media.tag(&[body, &rollover(index)]) != tag {
            return None;
        }
        let newest = self.newest.entry(source).or_insert(index);
        *newest = index.max(*newest);
        Some((self.media.cipher(body, header, source, index), index))
    }

    /// Seals a clear packet under these keys with the index it had.
    pub fn seal_media(&self, clear: &[u8], index: u64) -> Option<Vec<u8>> {
        let mut packet = self.media.cipher(clear, media_header(clear)?, source(clear, 8)?, index);
        let tag = self.media.tag(&[&packet, &rollover(index)]);
        packet.extend(tag);
        Some(packet)
    }

    /// The same for SRTCP, whose index travels with the packet.
    pub fn open_control(&self, packet: &[u8]) -> Option<(Vec<u8>, u32)> {
        let (body, tag) = packet.split_at_checked(packet.len().checked_sub(TAG)?)?;
        if self.control.tag(&[body]) != tag {
            return None;
        }
        let (report, trailer) = body.split_at_checked(body.len().checked_sub(4)?)?;
        let trailer = u32::from_be_bytes(trailer.try_into().ok()?);
        let index = trailer & !ENCRYPTED;
        let clear = match trailer & ENCRYPTED {
            0 => report.to_vec(),
            _ => self.control.cipher(report, CONTROL_HEADER, source(report, 4)?, index.into()),
        };
        Some((clear, index))
    }

    pub fn seal_control(&self, clear: &[u8], index: u32) -> Option<Vec<u8>> {
        let mut packet = self.control.cipher(clear, CONTROL_HEADER, source(clear, 4)?, index.into());
        packet.extend((index | ENCRYPTED).to_be_bytes());
        let tag = self.control.tag(&[&packet]);
        packet.extend(tag);
        Some(packet)
    }

    /// The index nearest to the newest one (RFC 3711, 3.3.1).
    fn index(&self, source: u32, sequence: u16) -> u64 {
        let Some(&newest) = self.newest.get(&source) else { return sequence.into() };
        let base = newest & !0xffff | u64::from(sequence);
        let candidates = [Some(base), base.checked_add(0x1_0000), base.checked_sub(0x1_0000)];
        candidates.into_iter().flatten().min_by_key(|index| index.abs_diff(newest)).unwrap_or(base)
    }
}

impl Keys {
    /// RFC 3711, 4.3: labels are `first` (cipher), +1 (authentication), +2 (salt).
    fn derive(master: &[u8], salt: &[u8], first: u8) -> Self {
        let stream = |label: u8, length: usize| {
            let mut start = [0; 16];
            start[..14].copy_from_slice(salt);
            start[7] ^= label;
            counter_mode(master, &start, &vec![0; length])
        };
        Self {
            cipher: stream(first, 16).try_into().unwrap(),
            authentication: PKey::hmac(&stream(first + 1, 20)).unwrap(),
            salt: stream(first + 2, 14).try_into().unwrap(),
        }
    }

    /// Encrypts or decrypts what follows the header.
    fn cipher(&self, packet: &[u8], header: usize, source: u32, index: u64) -> Vec<u8> {
        let mut start = [0; 16];
        start[..14].copy_from_slice(&self.salt);
        let mix = u128::from(source) << 64 | u128::from(index) << 16;
        let start = (u128::from_be_bytes(start) ^ mix).to_be_bytes();
        let mut out = packet[..header].to_vec();
        out.extend(counter_mode(&self.cipher, &start, &packet[header..]));
        out
    }

    fn tag(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut signer = Signer::new(MessageDigest::sha1(), &self.authentication).unwrap();
        parts.iter().for_each(|part| signer.update(part).unwrap());
        let mut tag = signer.sign_to_vec().unwrap();
        tag.truncate(TAG);
        tag
    }
}

fn counter_mode(key: &[u8], start: &[u8; 16], input: &[u8]) -> Vec<u8> {
    let mut crypter = Crypter::new(Cipher::aes_128_ctr(), Mode::Encrypt, key, Some(start)).unwrap();
    let mut out = vec![0; input.len() + 16];
    let length = crypter.update(input, &mut out).unwrap();
    out.truncate(length);
    out
}

/// Fixed header, contributing sources, extension.
fn media_header(packet: &[u8]) -> Option<usize> {
    let sources = 12 + usize::from(packet.first()? & 15) * 4;
    let length = match packet[0] & 0x10 {
        0 => sources,
        _ => sources + 4 + usize::from(u16::from_be_bytes(packet.get(sources + 2..sources + 4)?.try_into().ok()?)) * 4,
    };
    (length <= packet.len()).then_some(length)
}

fn source(packet: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?))
}

fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

const TAG: usize = 10;
const CONTROL_HEADER: usize = 8;
const ENCRYPTED: u32 = 1 << 31;
