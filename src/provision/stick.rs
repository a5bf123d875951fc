//! A USB stick, read without mounting it: by a process without any right but to read that device.
//!
//! ```text
//!   stick ─ device node ─┬─▶ engawa find-on-stick (confined: fat) ─ Found as JSON ─▶ parts of one small file, read and written
//!                        └──────────────────────────────────────────────────────────▶ by their places on the device
//! ```
//! May be relied on: whatever the stick holds, there is an answer within [`LOOK_DEADLINE`], or the process that looks is killed; what it
//! says is believed only as places on that same stick. Overwriting touches the digits of the private key in a file that was
//! recognised, and nothing else.

use super::bundle_name;
use super::fat::{self, FileFound, Found, LONGEST_BOX_FILE, Unreadable};
use super::file;
use crate::confine::confine;
use crate::durable;
use crate::model::Language;
use nix::sys::uio::pread;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Why a stick gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// What the file system is or is not.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    /// The process that looks could not be confined or died.
    #[error("the process that reads sticks failed")]
    Failed,
    /// Too slow.
    #[error("it did not answer in time")]
    TooSlow,
    /// The device.
    #[error("{0}")]
    Device(#[from] io::Error),
}

impl Trouble {
    /// One sentence for the people who plugged it in.
    pub fn text(&self, language: Language) -> String {
        let (ja, en) = match self {
            Self::Unreadable(Unreadable::ExFat | Unreadable::Ntfs | Unreadable::NotFat) => (
                "このUSBメモリーは読めない形式です。FAT32でフォーマットしたものを使ってください。",
                "This stick has a format that the box does not read. Use one that is formatted with FAT32.",
            ),
            Self::Unreadable(Unreadable::Broken | Unreadable::Truncated | Unreadable::TooMuch) => (
                "このUSBメモリーの中身がこわれています。フォーマットし直すか、別のものを使ってください。",
                "What is on this stick is damaged. Format it anew, or use another one.",
            ),
            Self::Unreadable(Unreadable::TooLarge) => (
                "設定ファイルが長すぎます。「engawa provision」で作ったファイルを使ってください。",
                "The box's file is too long. Use the one that “engawa provision” wrote.",
            ),
            Self::Unreadable(Unreadable::Fails) | Self::Failed | Self::TooSlow | Self::Device(_) => (
                "このUSBメモリーを読めませんでした。差し直すか、別のものを使ってください。",
                "This stick could not be read. Plug it in again, or use another one.",
            ),
        };
        match language {
            Language::Japanese => ja.to_owned(),
            Language::English => en.to_owned(),
        }
    }
}

/// What is told of a stick: `found.json` beside the box's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Of this form; 1.
    pub version: u32,
    /// Its first directory could be read.
    pub readable: bool,
    /// Why not, for whoever looks after boxes.
    pub trouble: Option<String>,
    /// A box's file lies on it.
    pub provision: bool,
    /// Updates on it.
    pub bundles: Vec<Bundle>,
    /// For the people who plugged it in.
    pub japanese: String,
    /// The same.
    pub english: String,
}

/// An update on a stick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// As it is called there.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Place and length of its parts on the device, in order: only of the newest by name, and only where they make sense.
    pub extents: Vec<(u64, u64)>,
}

impl Listing {
    /// Of a stick that was looked at before: `None` where it makes no sense.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&durable::read(path, LONGEST_ANSWER).ok()??).ok()
    }

    /// The bundle that a box takes from this stick.
    pub fn newest(&self) -> Option<&Bundle> {
        let place = bundle_name::newest(self.bundles.iter().map(|bundle| bundle.name.as_str()))?;
        self.bundles.get(place)
    }
}

impl Bundle {
    /// Hands its bytes on, piece by piece, from this one on, for as long as `more` wants them.
    ///
    /// # Errors
    /// [`Trouble::Failed`] where its parts do not make up its size; the device's own errors; what `more` says.
    pub fn copy<E: From<Trouble>>(
        &self,
        device: &File,
        from: u64,
        mut more: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let length = self.extents.iter().fold(0_u64, |sum, (_, length)| sum.saturating_add(*length));
        if length != self.size {
            return Err(Trouble::Failed.into());
        }
        let (mut buffer, mut before) = (vec![0; PIECE], 0);
        for (at, length) in &self.extents {
            let mut done = from.saturating_sub(before).min(*length);
            before += length;
            while done < *length {
                let piece = (length - done).min(PIECE as u64) as usize;
                device.read_exact_at(&mut buffer[..piece], at.saturating_add(done)).map_err(Trouble::from)?;
                more(&buffer[..piece])?;
                done += piece as u64;
            }
        }
        Ok(())
    }
}

/// The name of a [`Listing`].
pub const LISTING: &str = "found.json";
/// Beside it, if there is one: the name of the newest update.
pub const UPDATE: &str = "update";

/// What lies on the stick.
///
/// # Errors
/// See [`Trouble`].
pub fn look(program: &Path, device: &File) -> Result<Found, Trouble> {
    let mut command = Command::new(program);
    command.arg("find-on-stick").env_clear().current_dir("/");
    let mut child = command.stdin(device.try_clone()?).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let Some(from) = child.stdout.take() else { return Err(Trouble::Failed) };
    let (told, telling) = mpsc::channel();
    std::thread::Builder::new().name("stick".into()).spawn(move || {
        let mut answer = Vec::new();
        let read = from.take(LONGEST_ANSWER + 1).read_to_end(&mut answer);
        let _nobody_waits_any_more = told.send(read.map(|_| answer));
    })?;
    let answer = telling.recv_timeout(LOOK_DEADLINE);
    let _gone_already = child.kill();
    let answer = match answer {
        Ok(answer) => {
            let _reaped = child.wait();
            answer?
        }
        // A device that hangs keeps its reader even from being killed: nobody waits for that.
        Err(_) => return Err(Trouble::TooSlow),
    };
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| Trouble::Failed)?;
    match answer {
        Answer::Found(found) => Ok(found),
        Answer::Unreadable(unreadable) => Err(unreadable.into()),
        Answer::Unconfined => Err(Trouble::Failed),
    }
}

/// A file's bytes, from its places on the device.
///
/// # Errors
/// [`Trouble::Failed`] when the places are no places of such a file.
pub fn read(device: &File, found: &FileFound) -> Result<Vec<u8>, Trouble> {
    let length: u64 = found.extents.iter().map(|(_, length)| *length).fold(0, u64::saturating_add);
    if length != found.size || length > LONGEST_BOX_FILE {
        return Err(Trouble::Failed);
    }
    let mut bytes = Vec::new();
    for (at, length) in &found.extents {
        let mut part = vec![0; usize::try_from(*length).map_err(|_| Trouble::Failed)?];
        device.read_exact_at(&mut part, *at)?;
        bytes.append(&mut part);
    }
    Ok(bytes)
}

/// What became of a file's private part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiped {
    /// It was overwritten now.
    Now,
    /// It was overwritten before.
    Before,
}

/// Overwrites the private key in a file, where it lies on the device.
///
/// # Errors
/// [`Trouble::Failed`] when that file is no box's file; the device's own errors.
pub fn wipe(device: &File, found: &FileFound) -> Result<Wiped, Trouble> {
    let bytes = read(device, found)?;
    let digits = file::private_part(&bytes).ok_or(Trouble::Failed)?;
    if bytes[digits.clone()].iter().all(|digit| *digit == b'0') {
        return Ok(Wiped::Before);
    }
    for (at, length) in places(&found.extents, digits) {
        device.write_all_at(&vec![b'0'; length], at)?;
    }
    device.sync_all()?;
    let after = read(device, found)?;
    let zeros = file::private_part(&after).is_some_and(|digits| after[digits].iter().all(|digit| *digit == b'0'));
    if zeros { Ok(Wiped::Now) } else { Err(Trouble::Failed) }
}

/// Where these bytes of a file lie on the device.
fn places(extents: &[(u64, u64)], bytes: Range<usize>) -> Vec<(u64, usize)> {
    let (mut places, mut before) = (Vec::new(), 0_u64);
    let (from, to) = (bytes.start as u64, bytes.end as u64);
    for (at, length) in extents {
        let (start, end) = (from.max(before), to.min(before + length));
        if start < end {
            places.push((at + (start - before), (end - start) as usize));
        }
        before += length;
    }
    places
}

/// What the confined process says, on one line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Found(Found),
    Unreadable(Unreadable),
    Unconfined,
}

/// The confined process: its standard input is the device. `trespass`: tests only.
pub fn find_on_stick(trespass: Option<crate::confine::Trespass>) -> ExitCode {
    let answer = match confine(&[]) {
        Ok(_) => {
            if let Some(trespass) = trespass {
                trespass.commit();
            }
            fat::find(&Device(io::stdin())).map_or_else(Answer::Unreadable, Answer::Found)
        }
        Err(_) => Answer::Unconfined,
    };
    let told = serde_json::to_vec(&answer).map_err(io::Error::from).and_then(|text| io::stdout().write_all(&text));
    if told.and_then(|()| io::stdout().flush()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Device(io::Stdin);

impl fat::Source for Device {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let at = i64::try_from(at).map_err(|_| ErrorKind::InvalidInput)?;
        let mut filled = 0;
        while filled < buffer.len() {
            match pread(self.0.as_fd(), &mut buffer[filled..], at + filled as i64)? {
                0 => break,
                more => filled += more,
            }
        }
        Ok(filled)
    }
}

/// A stick that has not said what it holds by then is not waited for.
pub const LOOK_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of a bundle that are read at once.
const PIECE: usize = 1 << 20;
/// Names and places: far more than 16 bundles and one file need.
const LONGEST_ANSWER: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_file_are_found_in_all_its_parts() {
        let extents = [(1000, 10), (5000, 10), (3000, 10)];
        assert_eq!(places(&extents, 5..25), [(1005, 5), (5000, 10), (3000, 5)]);
        assert_eq!(places(&extents, 10..12), [(5000, 2)]);
        assert_eq!(places(&extents, 0..0), []);
    }
}
