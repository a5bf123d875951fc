//! The cameras and sound cards of this machine, by names that survive replugging. Looks only, opens nothing for long.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What the config takes after `v4l2:` or `alsa:`.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it does.
    pub kind: Kind,
}

/// What a device does. A card that records and plays is listed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Picture in.
    Camera,
    /// Sound in.
    Microphone,
    /// Sound out.
    Speaker,
}

/// All cameras, each once, by the most stable name it has: by-id, by-path, then the device path.
pub fn cameras() -> Vec<Listing> {
    let mut seen = BTreeSet::new();
    let mut listings = Vec::new();
    let nodes = sorted(Path::new("/dev"), |name| name.starts_with("video"));
    let named = [BY_ID, BY_PATH].into_iter().flat_map(|folder| sorted(Path::new(folder), |_| true));
    for path in named.chain(nodes) {
        let node = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if seen.contains(&node) {
            continue;
        }
        if let Some(name) = camera_name(&node) {
            let below = path.strip_prefix("/dev/v4l").is_ok().then(|| path.file_name()).flatten();
            let id = below.map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
            listings.push(Listing { id, name, kind: Kind::Camera });
            seen.insert(node);
        }
    }
    listings
}

/// Sound cards that record.
pub fn microphones() -> Vec<Listing> {
    pcms(alsa::Direction::Capture, Kind::Microphone)
}

/// Sound cards that play.
pub fn speakers() -> Vec<Listing> {
    pcms(alsa::Direction::Playback, Kind::Speaker)
}

/// The device file of a camera: a path, or a name below by-id or by-path. It need not exist now.
pub fn camera_path(id: &str) -> PathBuf {
    let by_id = Path::new(BY_ID).join(id);
    if id.starts_with('/') {
        PathBuf::from(id)
    } else if by_id.exists() {
        by_id
    } else {
        Path::new(BY_PATH).join(id)
    }
}

/// The camera's own name; `None` if the node is not a camera (encoders and metadata nodes look alike).
fn camera_name(node: &Path) -> Option<String> {
    use v4l::capability::Flags;
    let device = v4l::Device::with_path(node).ok()?;
    let caps = device.query_caps().ok()?;
    let (captures, encodes) =
        (Flags::VIDEO_CAPTURE | Flags::VIDEO_CAPTURE_MPLANE, Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE);
    (caps.capabilities.intersects(captures) && !caps.capabilities.intersects(encodes)).then_some(caps.card)
}

fn pcms(direction: alsa::Direction, kind: Kind) -> Vec<Listing> {
    let mut listings = Vec::new();
    for card in alsa::card::Iter::new().flatten() {
        let Ok(ctl) = alsa::Ctl::from_card(&card, true) else { continue };
        let Ok(info) = ctl.card_info() else { continue };
        let Ok(short) = info.get_id() else { continue };
        for device in alsa::ctl::DeviceIter::new(&ctl) {
            let Ok(number) = u32::try_from(device) else { continue };
            if let Ok(pcm) = ctl.pcm_info(number, 0, direction) {
                let name =
                    [info.get_name().ok(), pcm.get_name().ok()].into_iter().flatten().collect::<Vec<_>>().join(", ");
                // plughw, because a card that speaks neither 48 kHz nor S16 is common.
                listings.push(Listing { id: format!("plughw:CARD={short},DEV={number}"), name, kind });
            }
        }
    }
    listings
}

fn sorted(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> =
        entries.filter(|entry| wanted(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

const BY_ID: &str = "/dev/v4l/by-id";
const BY_PATH: &str = "/dev/v4l/by-path";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listing_never_fails_and_names_every_device_once() {
        for listings in [cameras(), microphones(), speakers()] {
            let ids: BTreeSet<_> = listings.iter().map(|listing| &listing.id).collect();
            assert_eq!(ids.len(), listings.len());
        }
    }

    #[test]
    fn a_camera_is_found_by_path_or_by_stable_name() {
        assert_eq!(camera_path("/dev/video7"), Path::new("/dev/video7"));
        assert_eq!(camera_path("no-such-camera"), Path::new("/dev/v4l/by-path/no-such-camera"));
    }
}
