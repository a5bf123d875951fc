//! Presses out of the kernel's input events: `struct input_event` of 64-bit Linux, 24 bytes (linux/input.h).

use super::profile::Profile;
use crate::model::Key;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads events until the device is gone; tells every press of a key that means something. Releases, repeats, bouncing
/// contacts and everything else tell nothing.
///
/// # Errors
/// As the device says; the end of a recording is none.
pub async fn read(
    mut input: impl AsyncRead + Unpin,
    profile: &Profile,
    mut pressed: impl FnMut(Key),
) -> io::Result<()> {
    let mut contacts = Contacts::default();
    let mut event = [0; EVENT];
    loop {
        match input.read_exact(&mut event).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        };
        if let Some(key) = contacts.pressed(&event).and_then(|code| profile.key(code)) {
            pressed(key);
        }
    }
}

#[derive(Default)]
struct Contacts {
    /// When a contact last opened or closed, microseconds of the event's own clock; as many as there are codes at most.
    moved_us: BTreeMap<u16, i64>,
    /// The kernel's buffer overflowed: what follows belongs to a report that is not whole.
    torn: bool,
}

impl Contacts {
    fn pressed(&mut self, event: &[u8; EVENT]) -> Option<u16> {
        let seconds = i64::from_ne_bytes(*event.first_chunk()?);
        let micros = i64::from_ne_bytes(*event[8..].first_chunk()?);
        let kind = u16::from_ne_bytes(*event[16..].first_chunk()?);
        let code = u16::from_ne_bytes(*event[18..].first_chunk()?);
        let value = i32::from_ne_bytes(*event[20..].first_chunk()?);
        if kind == EV_SYN {
            self.torn = code == SYN_DROPPED || (self.torn && code != SYN_REPORT);
        }
        if kind != EV_KEY || self.torn || value == REPEATED || code > KEY_MAX {
            return None;
        }
        let now_us = seconds.saturating_mul(1_000_000).saturating_add(micros);
        // The wall clock stamps events: after a jump the distance says nothing, and the press counts.
        let since = self.moved_us.insert(code, now_us).map(|before| now_us.saturating_sub(before));
        let bounced = since.is_some_and(|since| (0..BOUNCE.as_micros() as i64).contains(&since));
        (value == PRESSED && !bounced).then_some(code)
    }
}

const EVENT: usize = 24;
const EV_SYN: u16 = 0;
const SYN_REPORT: u16 = 0;
const SYN_DROPPED: u16 = 3;
const EV_KEY: u16 = 1;
const KEY_MAX: u16 = 0x2ff;
const PRESSED: i32 = 1;
const REPEATED: i32 = 2;
/// A contact that moves again so soon bounces; nobody is that quick.
const BOUNCE: Duration = Duration::from_millis(30);
