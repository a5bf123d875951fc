//! The five-key keypad, from the kernel's input devices.
//!
//! ```text
//!   /dev/input/event* ─ every second: new ones? ─► open, identify, profile fits? ─► grab ─► read ─► KeyPressed
//!        ▲                                                                                    │ unplugged
//!        └────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! May be relied on: opening happens beside the loop, reading never blocks a thread; a device that hangs, floods or goes away
//! costs only itself; a keypad that is plugged in again works within a second or two. With "auto" every keypad that a
//! profile knows is read.

mod event;
mod profile;

pub use event::read;
pub use profile::{Identity, Profile, Profiles, WrongProfile};

use crate::core::input::{Input, RoomInput};
use crate::inbox::Inbox;
use evdev::raw_stream::RawDevice;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc;

/// Reads the keypad for as long as the daemon lives: `setting` is "auto", "none" or a name under /dev/input/by-id.
pub fn watch(setting: &str, profiles: Profiles, inbox: Inbox) {
    if setting != "none" {
        tokio::spawn(follow(PathBuf::from(DEVICES), setting.to_owned(), profiles, inbox, open));
    }
}

/// How a device is opened: what it says of itself is shown to `choose`, and if that chooses a profile, its events can be read.
pub type Open = fn(&Path, choose: &dyn Fn(&Identity) -> Option<Profile>) -> io::Result<Option<(OwnedFd, Profile)>>;

/// The same with devices of the caller's choice. Never ends.
pub async fn follow(directory: PathBuf, setting: String, profiles: Profiles, inbox: Inbox, open: Open) {
    let mut search = Search { directory, setting, profiles, open, seen: BTreeMap::new(), told: BTreeSet::new() };
    let (gone, mut goes) = mpsc::channel(MOST_KEYPADS);
    let mut reading = 0;
    loop {
        let room = MOST_KEYPADS - reading;
        let searched = tokio::task::spawn_blocking(move || {
            let found = search.look(room);
            (search, found)
        });
        let Ok((back, found)) = searched.await else { return };
        search = back;
        for (path, device, profile) in found {
            reading += 1;
            tokio::spawn(serve(path, device, profile, inbox.clone(), gone.clone()));
        }
        tokio::time::sleep(PERIOD).await;
        while let Ok(path) = goes.try_recv() {
            reading -= 1;
            search.seen.remove(&path);
        }
    }
}

async fn serve(path: PathBuf, device: OwnedFd, profile: Profile, inbox: Inbox, gone: mpsc::Sender<PathBuf>) {
    tracing::info!(path = %path.display(), profile = profile.about, "keypad");
    // Whatever can be polled is read like a pipe.
    let ended = match Receiver::from_owned_fd_unchecked(device) {
        Ok(events) => read(events, &profile, |key| inbox.urgent(Input::Room(RoomInput::KeyPressed(key)))).await,
        Err(error) => Err(error),
    };
    tracing::warn!(path = %path.display(), error = ended.err().map(tracing::field::display), "the keypad is gone");
    let _daemon_ends = gone.send(path).await;
}

struct Search {
    directory: PathBuf,
    setting: String,
    profiles: Profiles,
    open: Open,
    /// Devices that are read or are no keypad, as they stood there then: inode and time of change.
    seen: BTreeMap<PathBuf, (u64, i64, i64)>,
    told: BTreeSet<PathBuf>,
}

impl Search {
    /// At most so many keypads that were not there before. May wait for a device.
    fn look(&mut self, most: usize) -> Vec<(PathBuf, OwnedFd, Profile)> {
        let present = self.present();
        self.seen.retain(|path, stamp| present.get(path) == Some(stamp));
        self.told.retain(|path| present.contains_key(path));
        let by_id = self.names();
        let mut found = Vec::new();
        for (path, stamp) in present {
            if self.seen.contains_key(&path) || found.len() >= most {
                continue;
            }
            let names = by_id.get(&path).cloned().unwrap_or_default();
            match (self.open)(&path, &|identity| self.choose(&Identity { by_id: names.clone(), ..identity.clone() })) {
                Ok(device) => {
                    self.seen.insert(path.clone(), stamp);
                    found.extend(device.map(|(device, profile)| (path, device, profile)));
                }
                Err(error) => {
                    // Just plugged in, not allowed yet, or somebody else's: tried again, told once.
                    if self.told.insert(path.clone()) {
                        tracing::warn!(path = %path.display(), %error, "an input device cannot be read");
                    }
                }
            }
        }
        found
    }

    fn choose(&self, identity: &Identity) -> Option<Profile> {
        if self.setting == "auto" {
            return self.profiles.fitting(identity).cloned();
        }
        let named = identity.by_id.contains(&self.setting);
        let profile = self.profiles.fitting(identity).filter(|_| named);
        if named && profile.is_none() {
            tracing::warn!(keypad = self.setting, device = identity.name, "no profile knows the keys of this keypad");
        }
        profile.cloned().map(Profile::grabbed)
    }

    fn present(&self) -> BTreeMap<PathBuf, (u64, i64, i64)> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let events = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("event"));
        let stamped = events.filter_map(|entry| {
            let node = entry.metadata().ok()?;
            Some((entry.path(), (node.ino(), node.ctime(), node.ctime_nsec())))
        });
        stamped.take(MOST_DEVICES).collect()
    }

    /// What udev calls them.
    fn names(&self) -> BTreeMap<PathBuf, Vec<String>> {
        let mut names: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
        for link in std::fs::read_dir(self.directory.join("by-id")).into_iter().flatten().flatten() {
            if let (Ok(path), Ok(name)) = (link.path().canonicalize(), link.file_name().into_string()) {
                names.entry(path).or_default().push(name);
            }
        }
        names
    }
}

/// A real device. Not `evdev::Device`: that one gives the grab back when it goes.
fn open(path: &Path, choose: &dyn Fn(&Identity) -> Option<Profile>) -> io::Result<Option<(OwnedFd, Profile)>> {
    let mut device = RawDevice::open(path)?;
    let identity = Identity {
        name: device.name().unwrap_or_default().to_owned(),
        by_id: Vec::new(),
        usb: (device.input_id().vendor(), device.input_id().product()),
        codes: device.supported_keys().map_or_else(Vec::new, |keys| keys.iter().map(|key| key.0).collect()),
    };
    let Some(profile) = choose(&identity) else { return Ok(None) };
    if profile.grab {
        device.grab()?;
    }
    // The grab belongs to what was opened, and stays with its copy.
    let events = device.as_fd().try_clone_to_owned()?;
    fcntl(&events, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(Some((events, profile)))
}

const DEVICES: &str = "/dev/input";
/// Between two looks for new devices.
const PERIOD: Duration = Duration::from_secs(1);
const MOST_KEYPADS: usize = 8;
const MOST_DEVICES: usize = 256;
