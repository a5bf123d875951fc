//! One line of the ledger: how it is written and chained.

use crate::asking::{camera_name, denied_name, microphone_name, mode_name, side_name, veil_name};
use crate::core::ledger::Entry;
use crate::core::request::Asker;
use crate::model::{CameraState, MicState};
use chrono::{DateTime, Local, SecondsFormat};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// One line, as it stands in the file but for its chain value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counts from 1 over all segments, without a gap.
    pub number: u64,
    /// Wall clock with the box's offset from UTC (RFC 3339).
    pub time: String,
    /// The same, milliseconds since 1970, UTC.
    pub wall_ms: u64,
    /// Monotonic clock, nanoseconds: true distances within one boot, whatever the wall clock did.
    pub at_ns: u64,
    /// The life of the daemon, in hexadecimal.
    pub boot: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What a line is about: an [`Entry`], or the ledger itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields of Entry, as words")]
pub enum What {
    /// [`Entry::Started`]
    Started { mode: String },
    /// [`Entry::Stopped`]
    Stopped {},
    /// [`Entry::Camera`]
    Camera { state: String },
    /// [`Entry::Microphone`]
    Microphone { state: String },
    /// [`Entry::Gate`]
    Gate { open: bool, by: String },
    /// [`Entry::Mode`]
    Mode { mode: String },
    /// [`Entry::Veil`]
    Veil { veil: String },
    /// [`Entry::InstallerSet`]
    InstallerSet { settings: String },
    /// [`Entry::InstallerEntered`]
    InstallerEntered { guest: u64 },
    /// [`Entry::InstallerLost`]
    InstallerLost {},
    /// [`Entry::ResetWanted`]
    ResetWanted { guest: u64 },
    /// [`Entry::DocumentKept`]
    DocumentKept { length: u64 },
    /// [`Entry::KeptTaken`]
    KeptTaken { guest: u64, forgotten: bool },
    /// [`Entry::LiveBegan`]
    LiveBegan { room: String, kind: String, name: String, guest: Option<u64> },
    /// [`Entry::LiveEnded`]
    LiveEnded { room: String, name: String, why: String },
    /// [`Entry::GuestAdmitted`]
    GuestAdmitted { guest: u64, name: String },
    /// [`Entry::GuestRefused`]
    GuestRefused { guest: u64, why: String },
    /// [`Entry::PrintRefused`]
    PrintRefused { guest: u64, why: String },
    /// [`Entry::HelpAsked`]
    HelpAsked { task: String },
    /// [`Entry::HelpGiven`]
    HelpGiven { task: String },
    /// [`Entry::HelpRefused`]
    HelpRefused { why: String },
    /// [`Entry::GuestEnded`]
    GuestEnded { guest: u64 },
    /// First line of a segment; `previous` is the chain value of the line before it, wherever that is now.
    Segment { previous: String },
    /// The oldest segment went to make room.
    SegmentDropped { first: u64, last: u64, last_chain: String },
    /// A line cut by a power cut or a kill was set aside.
    Torn { bytes: u64, kept: String },
    /// A segment does not fit its chain: a bad disk, or somebody changed it. It stands as it is.
    Damaged { segment: String },
    /// The disk took nothing for a while; of what came meanwhile so many lines are lost.
    Gap { lost: u64, because: String },
    /// The wall clock was set, by so much.
    ClockSet { by_ms: i64 },
}

impl What {
    /// What the core tells.
    pub fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Started { mode } => Self::Started { mode: mode_name(*mode).into() },
            Entry::Stopped => Self::Stopped {},
            Entry::Camera(state) => Self::Camera { state: camera_name(*state).into() },
            Entry::Microphone(state) => Self::Microphone { state: microphone_name(*state).into() },
            Entry::Gate { open, by } => Self::Gate { open: *open, by: asker(*by) },
            Entry::Mode(mode) => Self::Mode { mode: mode_name(*mode).into() },
            Entry::Veil(veil) => Self::Veil { veil: veil_name(*veil).into() },
            Entry::InstallerSet { what } => Self::InstallerSet { settings: what.clone() },
            Entry::InstallerEntered { guest } => Self::InstallerEntered { guest: guest.0 },
            Entry::InstallerLost => Self::InstallerLost {},
            Entry::ResetWanted { guest } => Self::ResetWanted { guest: guest.0 },
            Entry::DocumentKept { length } => Self::DocumentKept { length: *length },
            Entry::KeptTaken { guest, forgotten } => Self::KeptTaken { guest: guest.0, forgotten: *forgotten },
            Entry::LiveBegan { side, kind, name, guest } => Self::LiveBegan {
                room: side_name(*side).into(),
                kind: kind.name().into(),
                name: name.clone(),
                guest: guest.map(|guest| guest.0),
            },
            Entry::LiveEnded { side, name, why } => {
                Self::LiveEnded { room: side_name(*side).into(), name: name.clone(), why: why.name().into() }
            }
            Entry::GuestAdmitted { guest, name } => Self::GuestAdmitted { guest: guest.0, name: name.clone() },
            Entry::GuestRefused { guest, why } => Self::GuestRefused { guest: guest.0, why: denied_name(*why).into() },
            Entry::PrintRefused { guest, why } => Self::PrintRefused { guest: guest.0, why: denied_name(*why).into() },
            Entry::HelpAsked { task } => Self::HelpAsked { task: task.name().into() },
            Entry::HelpGiven { task } => Self::HelpGiven { task: task.name().into() },
            Entry::HelpRefused { why } => Self::HelpRefused { why: why.name().into() },
            Entry::GuestEnded { guest } => Self::GuestEnded { guest: guest.0 },
        }
    }

    /// Must be on the disk at once: a camera or microphone opens, or the disk is about to be emptied.
    pub fn opens(&self) -> bool {
        match self {
            Self::Camera { state } => *state != camera_name(CameraState::Off),
            Self::Microphone { state } => *state != microphone_name(MicState::Closed),
            Self::Gate { open, .. } => *open,
            Self::ResetWanted { .. } => true,
            Self::Started { .. }
            | Self::Stopped {}
            | Self::Mode { .. }
            | Self::Veil { .. }
            | Self::InstallerSet { .. }
            | Self::InstallerEntered { .. }
            | Self::InstallerLost {}
            | Self::DocumentKept { .. }
            | Self::KeptTaken { .. }
            | Self::LiveBegan { .. }
            | Self::LiveEnded { .. }
            | Self::GuestAdmitted { .. }
            | Self::GuestRefused { .. }
            | Self::PrintRefused { .. }
            | Self::HelpAsked { .. }
            | Self::HelpGiven { .. }
            | Self::HelpRefused { .. }
            | Self::GuestEnded { .. }
            | Self::Segment { .. }
            | Self::SegmentDropped { .. }
            | Self::Torn { .. }
            | Self::Damaged { .. }
            | Self::Gap { .. }
            | Self::ClockSet { .. } => false,
        }
    }
}

impl Line {
    /// The line for the file, with its chain value and line end; and that value.
    pub fn written(&self, previous: &Chain) -> (String, Chain) {
        // Words and numbers only: this cannot fail.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.pop();
        let chain = previous.then(text.as_bytes());
        text.push_str(&format!("{JOINT}{chain}\"}}\n"));
        (text, chain)
    }

    /// A line of the file, without its end: what it says, and the chain value it claims. `None` if it is no line.
    pub fn read(text: &[u8]) -> Option<(Self, Chain)> {
        let (_, claimed) = split(text)?;
        Some((serde_json::from_slice(text).ok()?, claimed))
    }

    /// Whether the text follows on that chain value.
    pub fn follows(text: &[u8], previous: &Chain) -> bool {
        split(text).is_some_and(|(body, claimed)| previous.then(body) == claimed)
    }
}

/// SHA-256 over the chain value before (32 bytes) and the line up to `,"chain"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain([u8; 32]);

impl Chain {
    fn then(&self, body: &[u8]) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(&self.0);
        digest.update(body);
        let mut chain = Self::default();
        chain.0.copy_from_slice(digest.finish().as_ref());
        chain
    }

    /// From 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut chain = Self::default();
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, pair) in chain.0.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(chain)
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Local time with its offset; the number itself for what is no time at all.
pub fn local_time(wall_ms: u64) -> String {
    let time = i64::try_from(wall_ms).ok().and_then(DateTime::from_timestamp_millis);
    time.map_or_else(
        || wall_ms.to_string(),
        |time| time.with_timezone(&Local).to_rfc3339_opts(SecondsFormat::Millis, false),
    )
}

fn split(text: &[u8]) -> Option<(&[u8], Chain)> {
    let (body, rest) = text.split_at_checked(text.len().checked_sub(JOINT.len() + 66)?)?;
    let digits = std::str::from_utf8(rest).ok()?.strip_prefix(JOINT)?.strip_suffix("\"}")?;
    Some((body, Chain::parse(digits)?))
}

fn asker(by: Option<Asker>) -> String {
    match by {
        None => RULE.into(),
        Some(Asker::Key) => "key".into(),
        Some(Asker::Local) => "command line".into(),
        Some(Asker::Guest(guest)) => format!("{GUEST}{}", guest.0),
        Some(Asker::Installer) => "installer".into(),
    }
}

const JOINT: &str = ",\"chain\":\"";
pub(super) const RULE: &str = "rule";
pub(super) const GUEST: &str = "guest ";
