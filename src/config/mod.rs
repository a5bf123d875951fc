//! The configuration, valid by construction. `raw` is the TOML as written; nothing else parses it.
//!
//! Defaults come from `config/engawa.toml`, which is compiled in: what people read is what is used. A file with a mistake
//! gives no configuration at all, never a half-believed one.

use crate::model::{Bitrate, Language, Profile, VideoCodec};
use raw::{Complaint, Written};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

mod check;
mod error;
mod overlay;
mod raw;
mod room;

pub use error::{ConfigError, Mistake};
pub use overlay::{Loaded, Overlaid, Overlay, Settings};
pub use room::{Area, Hours, IpNetwork, Look, PanelConfig, RoomConfig, ShareConfig, View};

/// The documented default configuration, as installed.
pub const DEFAULTS: &str = include_str!("../../config/engawa.toml");

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
    /// `[room]`, `[meeting]`, views and masks
    pub room: RoomConfig,
    /// `[panel]`
    pub panel: PanelConfig,
    /// `[share]`
    pub share: ShareConfig,
    /// `[printer]`
    pub printer: PrinterConfig,
}

impl Config {
    /// Reads and checks a file, without what the installer's page laid over it: see [`Overlay`].
    ///
    /// # Errors
    /// When the file cannot be read or has a mistake; all mistakes are told at once.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&text(path)?, path)
    }

    /// Checks a text; `path` is named in errors, and relative paths start at its directory.
    ///
    /// # Errors
    /// When the text has a mistake; all mistakes are told at once.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut written = Written::new(bounded(text, path)?, path, DEFAULTS);
        let config = Self::read(&mut written, path.parent().unwrap_or(Path::new("")));
        written.settle(config)
    }

    fn read(written: &mut Written<'_>, home: &Path) -> Self {
        let mut config = Self {
            name: written.setting("box", "name", check::name),
            language: written.setting("box", "language", check::language),
            state_directory: written.setting("box", "state_directory", |text| check::path(text, home)),
            status_socket: written.setting("box", "status_socket", |text| check::socket_path(text, home)),
            peer: PeerConfig {
                address: written.setting("peer", "address", check::peer_address),
                key: written.setting("peer", "key", check::peer_key),
            },
            trunk: TrunkConfig {
                listen: written.setting("trunk", "listen", check::listen),
                dial: written.setting("trunk", "dial", Ok),
            },
            session_port: written.setting("session", "port", check::session_port),
            camera: CameraConfig {
                source: written.setting("camera", "source", |text| check::camera_source(text, home)),
                size: written.setting("camera", "size", check::size),
                fps: written.setting("camera", "fps", check::fps),
                codec: written.setting("camera", "codec", check::codec),
            },
            sound: SoundConfig {
                source: written.setting("sound", "source", |text| check::sound_source(text, home)),
                sink: written.setting("sound", "sink", check::sound_sink),
                microphone_open: written.setting("sound", "microphone", check::microphone),
            },
            screen: written.setting("screen", "sink", check::screen_sink),
            ceiling: written.setting("line", "ceiling_kbps", check::ceiling),
            room: RoomConfig {
                views: written.setting("camera", "views", |text: String| room::views(&text, home)),
                masks: written.setting("camera", "masks", |text: String| room::masks(&text)),
                meeting_view: None,
                meeting: profile(written, "meeting"),
                everyday: profile(written, "room"),
                follow_turns: written.setting("meeting", "follow_turns", Ok),
                keep_days: written.setting("meeting", "keep_days", room::keep_days),
                take_over: written.setting("share", "take_over", room::take_over),
                quiet_after: written.setting("room", "quiet_after_seconds", room::quiet_after),
                hours: written.setting("room", "hours", |text: String| room::hours(&text)),
                holidays: written.setting("room", "holidays", Ok),
                keypad: written.setting("room", "keypad", room::keypad),
            },
            panel: PanelConfig {
                listen: written.setting("panel", "listen", |text: String| room::panel_listen(&text)),
                room: written.setting("panel", "room", |text: String| room::networks(&text)),
                pin: written.setting("panel", "pin", room::pin),
                remote_help: written.setting("panel", "remote_help", Ok),
            },
            share: ShareConfig {
                port: written.setting("share", "port", check::session_port),
                input: written.setting("share", "input", |text| check::document_input(text, home)),
                input_shows: written.setting("share", "input_shows", check::input_shows),
            },
            printer: PrinterConfig {
                enabled: written.setting("printer", "enabled", Ok),
                port: written.setting("printer", "port", check::port),
                name: written.setting("printer", "name", check::printer_name),
                announce: written.setting("printer", "announce", Ok),
            },
        };
        config.settle_meeting_view(written);
        config.settle_who_dials(written);
        config.settle_input(written);
        config
    }

    fn settle_meeting_view(&mut self, written: &mut Written<'_>) {
        let name: String = written.setting("meeting", "view", Ok);
        self.room.meeting_view = self.room.views.iter().position(|view| view.name == name);
        if !name.is_empty() && self.room.meeting_view.is_none() {
            let complaint = Complaint::new("is not the name of a view", "write a name from camera.views");
            written.refuse(&[("meeting", "view")], complaint);
        }
    }

    /// Nobody shall see a PC's screen as the room's picture, or the room as a document.
    fn settle_input(&mut self, written: &mut Written<'_>) {
        let device = matches!(self.share.input, Source::V4l2(_));
        if device && (self.camera.source == Source::Auto || self.camera.source == self.share.input) {
            let hint = "write the camera's own name into camera.source: \"auto\" might take the document input";
            let complaint = Complaint::new("is a device that the camera may be too", hint);
            written.refuse(&[("share", "input"), ("camera", "source")], complaint);
        }
    }

    fn settle_who_dials(&mut self, written: &mut Written<'_>) {
        self.trunk.dial &= self.peer.address.is_some();
        if self.trunk.listen.is_none() && !self.trunk.dial {
            let what = "this box would neither dial nor listen, and never link";
            let hint = "give [peer] an address and let it dial, or give [trunk] an address to listen on";
            let settings = [("trunk", "listen"), ("trunk", "dial"), ("peer", "address")];
            written.refuse(&settings, Complaint::new(what, hint));
        }
        if self.peer.address.is_some() && self.peer.address == self.trunk.listen {
            let complaint = Complaint::new("is this box's own trunk.listen", "write the other box's address");
            written.refuse(&[("peer", "address")], complaint);
        }
    }
}

fn profile(written: &mut Written<'_>, section: &'static str) -> Profile {
    Profile {
        fps: written.setting(section, "fps", room::most_fps),
        bitrate: written.setting(section, "kbps", room::most_kbps),
    }
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
    /// `dial`: whether this box dials; false also when it has no address to dial. At least one of the two ways is there.
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

/// `[printer]`
#[derive(Clone, Debug, PartialEq)]
pub struct PrinterConfig {
    /// `enabled`
    pub enabled: bool,
    /// `port`: TCP.
    pub port: u16,
    /// `name`; none: the box's.
    pub name: Option<String>,
    /// `announce`: by multicast DNS.
    pub announce: bool,
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

/// A file's text, if it is one that can be a configuration.
fn text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| ConfigError::NotText { path: path.to_owned(), what: "it is not UTF-8 text" })?;
    bounded(&text, path)?;
    Ok(text)
}

fn bounded<'t>(text: &'t str, path: &Path) -> Result<&'t str, ConfigError> {
    if u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST_FILE) {
        return Ok(text);
    }
    Err(ConfigError::NotText { path: path.to_owned(), what: "it is longer than 64 KiB" })
}

const LONGEST_FILE: u64 = 64 * 1024;
