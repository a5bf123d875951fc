//! The configuration, valid by construction. `raw` is the TOML as written; nothing else parses it.

use crate::model::{Bitrate, Language, VideoCodec};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything an installer can set. `config/engawa.toml` is the documented default.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[box]`
    pub name: String,
    /// `[box] language`
    pub language: Language,
    /// `[box] state_directory`: identity key, pinned peer, ledger.
    pub state_directory: PathBuf,
    /// `[box] status_socket`
    pub status_socket: PathBuf,
    /// `[peer]`
    pub peer: PeerConfig,
    /// `[trunk]`
    pub trunk: TrunkConfig,
    /// `[session] port`: UDP; `port` and `port + 1` are used alternately.
    pub session_port: u16,
    /// `[camera]`
    pub camera: CameraConfig,
    /// `[sound]`
    pub sound: SoundConfig,
    /// `[screen]`
    pub screen: Sink,
    /// `[line] ceiling_kbps`
    pub ceiling: Bitrate,
}

/// `[peer]`
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PeerConfig {
    /// `address`: IP literal and port; none means the peer dials.
    pub address: Option<SocketAddr>,
    /// `key`: the peer's public key (as `engawa identity export` prints it); overrides the paired one in the state directory.
    pub key: Option<String>,
}

/// `[trunk]`
#[derive(Clone, Debug, PartialEq)]
pub struct TrunkConfig {
    /// `listen`: IP literal and port; none means this box only dials.
    pub listen: Option<SocketAddr>,
    /// `dial`: whether this box dials.
    pub dial: bool,
}

/// `[camera]`
#[derive(Clone, Debug, PartialEq)]
pub struct CameraConfig {
    /// `source`
    pub source: Source,
    /// `size`, pixels
    pub size: (u32, u32),
    /// `fps`
    pub fps: u32,
    /// `codec`: preferred.
    pub codec: VideoCodec,
}

/// `[sound]`
#[derive(Clone, Debug, PartialEq)]
pub struct SoundConfig {
    /// `source`: microphone
    pub source: Source,
    /// `sink`: speaker
    pub sink: Sink,
    /// `microphone = "open"`: for demo and bench only, until modes exist.
    pub microphone_open: bool,
}

/// Where picture or sound comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The first device that works.
    Auto,
    /// No device: a placeholder is sent for the camera, nothing for the microphone.
    None,
    /// `v4l2:ID` — a name under /dev/v4l/by-id or by-path, or a device path.
    V4l2(String),
    /// `alsa:ID` — an ALSA PCM name, `hw:CARD=Name,DEV=0` for stability.
    Alsa(String),
    /// `test`
    Test,
    /// `file:PATH`, looped in real time.
    File(PathBuf),
    /// `gst:DESCRIPTION`, a bin description that ends in raw video or audio.
    Gst(String),
}

/// Where picture or sound goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// What works: wayland, KMS, X11; ALSA's default.
    Auto,
    /// Played out, then discarded.
    None,
    /// `alsa:ID`
    Alsa(String),
    /// `gst:DESCRIPTION`, a bin description that takes raw video or audio.
    Gst(String),
}
