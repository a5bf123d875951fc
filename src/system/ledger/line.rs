//! One line of the ledger: how it is written, chained, and said to people.

use crate::asking::{self, camera_name, denied_name, microphone_name, mode_name, veil_name};
use crate::core::ledger::Entry;
use crate::core::request::{Asker, Denied};
use crate::model::{CameraState, Language, LiveEnd, MicState, Mode, Veil};
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
            Entry::DocumentKept { length } => Self::DocumentKept { length: *length },
            Entry::KeptTaken { guest, forgotten } => Self::KeptTaken { guest: guest.0, forgotten: *forgotten },
            Entry::LiveBegan { side, kind, name, guest } => Self::LiveBegan {
                room: asking::side_name(*side).into(),
                kind: kind.name().into(),
                name: name.clone(),
                guest: guest.map(|guest| guest.0),
            },
            Entry::LiveEnded { side, name, why } => {
                Self::LiveEnded { room: asking::side_name(*side).into(), name: name.clone(), why: why.name().into() }
            }
            Entry::GuestAdmitted { guest, name } => Self::GuestAdmitted { guest: guest.0, name: name.clone() },
            Entry::GuestRefused { guest, why } => Self::GuestRefused { guest: guest.0, why: denied_name(*why).into() },
            Entry::GuestEnded { guest } => Self::GuestEnded { guest: guest.0 },
        }
    }

    /// Must be on the disk at once: a camera or microphone opens.
    pub fn opens(&self) -> bool {
        match self {
            Self::Camera { state } => *state != camera_name(CameraState::Off),
            Self::Microphone { state } => *state != microphone_name(MicState::Closed),
            Self::Gate { open, .. } => *open,
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
            | Self::GuestEnded { .. }
            | Self::Segment { .. }
            | Self::SegmentDropped { .. }
            | Self::Torn { .. }
            | Self::Damaged { .. }
            | Self::Gap { .. }
            | Self::ClockSet { .. } => false,
        }
    }

    /// In words for people.
    pub fn text(&self, language: Language) -> String {
        let (ja, en) = match self {
            Self::Started { mode } => (
                format!("起動した（{}、マイクは閉じている）", in_japanese(mode)),
                format!("Started ({mode}, microphone closed)"),
            ),
            Self::Stopped {} => ("終了した".into(), "Stopped".into()),
            Self::Camera { state } => match asking::camera(state) {
                Some(CameraState::Live) => ("カメラの映像を送り始めた".into(), "Camera picture is being sent".into()),
                Some(CameraState::Placeholder) => {
                    ("カメラなし（代わりの絵を送っている）".into(), "No camera (a placeholder is being sent)".into())
                }
                Some(CameraState::Off) => ("カメラの映像を止めた".into(), "Camera picture is no longer sent".into()),
                None => unknown(state),
            },
            Self::Microphone { state } => match asking::microphone(state) {
                Some(MicState::Open) => ("マイクの音を送り始めた".into(), "Microphone sound is being sent".into()),
                Some(MicState::LevelsOnly) => {
                    ("マイクは音量だけを送っている".into(), "Microphone sends levels only".into())
                }
                Some(MicState::Closed) => ("マイクの音を止めた".into(), "Microphone sound is no longer sent".into()),
                None => unknown(state),
            },
            Self::Gate { open: true, by } => {
                (format!("マイクを開けた（{}）", who(by)), format!("Microphone opened by {by}"))
            }
            Self::Gate { open: false, by } => {
                (format!("マイクを閉じた（{}）", who(by)), format!("Microphone closed by {by}"))
            }
            Self::Mode { mode } => (format!("{}になった", in_japanese(mode)), format!("Mode is now {mode}")),
            Self::Veil { veil } => match asking::veil(veil) {
                Some(Veil::Clear) => ("カメラの目隠しを外した".into(), "Camera veil: clear".into()),
                Some(Veil::Frosted) => ("カメラをすりガラスにした".into(), "Camera veil: frosted".into()),
                Some(Veil::Black) => ("カメラを黒くした".into(), "Camera veil: black".into()),
                None => unknown(veil),
            },
            Self::InstallerSet { settings } => (
                format!("設置者のページで設定を変えた（{settings}）"),
                format!("The installer's page changed {settings}"),
            ),
            Self::InstallerEntered { guest } => {
                (format!("端末{guest}が設置者のページを開いた"), format!("Guest {guest} opened the installer's page"))
            }
            Self::InstallerLost {} => (
                "設置者のページの設定が読めなくなり、カーテンを閉じた".into(),
                "What the installer's page had set cannot be read; the curtain was drawn".into(),
            ),
            Self::DocumentKept { length } => (
                format!("両方の部屋が望んだ資料を残した（{length}バイト）"),
                format!("Kept a document that both rooms wanted kept ({length} bytes)"),
            ),
            Self::KeptTaken { guest, forgotten: false } => {
                (format!("端末{guest}が残した資料を受け取った"), format!("Guest {guest} downloaded a kept document"))
            }
            Self::KeptTaken { guest, forgotten: true } => {
                (format!("端末{guest}が残した資料を消した"), format!("Guest {guest} deleted a kept document"))
            }
            Self::LiveBegan { room, name, guest, .. } => {
                let device = |word: &str| guest.map(|guest| format!("{word}{guest}")).unwrap_or_default();
                let (ja, en) = whose(room, name);
                (
                    format!("{ja}の画面を共有し始めた{}", device("：端末")),
                    format!("{en} is shared{}", device(": guest ")),
                )
            }
            Self::LiveEnded { room, name, why } => {
                let (ja, en) = whose(room, name);
                let known = LiveEnd::ALL.into_iter().find(|end| end.name() == why);
                let why_ja = known.map(in_brief).unwrap_or(why);
                (format!("{ja}の画面の共有が終わった（{why_ja}）"), format!("{en} is no longer shared ({why})"))
            }
            Self::GuestAdmitted { guest, name } => {
                (format!("端末{guest}「{name}」の操作を許した"), format!("Guest {guest} “{name}” was admitted"))
            }
            Self::GuestRefused { guest, why } => {
                let reason = |language| match (asking::denied(why), language) {
                    (Some(Denied::NotAdmitted), Language::Japanese) => "部屋の中から許可されなかった",
                    (Some(Denied::NotAdmitted), Language::English) => "nobody in the room let it in",
                    (Some(why), language) => why.text(language),
                    (None, _) => why.as_str(),
                };
                (
                    format!("端末{guest}を断った：{}", reason(Language::Japanese)),
                    format!("Guest {guest} was refused: {}", reason(Language::English)),
                )
            }
            Self::GuestEnded { guest } => (format!("端末{guest}の操作を終えた"), format!("Guest {guest} is gone")),
            Self::Segment { .. } => ("記録の続き".into(), "The ledger goes on in a new file".into()),
            Self::SegmentDropped { first, last, .. } => (
                format!("古い記録（{first}～{last}番）を消して場所を空けた"),
                format!("Old lines {first} to {last} went to make room"),
            ),
            Self::Torn { bytes, .. } => (
                format!("書きかけの行（{bytes}バイト）を別に取り置いた：電源断か強制終了"),
                format!("A torn line ({bytes} bytes) was set aside: power cut or kill"),
            ),
            Self::Damaged { segment } => (
                format!("記録のファイル{segment}が壊れているか、書き換えられている"),
                format!("Ledger file {segment} is damaged, or was changed by somebody"),
            ),
            Self::Gap { lost, because } => (
                format!("しばらく記録を保存できなかった（{}）。失われた行：{lost}", because_in_japanese(because)),
                format!("Nothing could be stored for a while ({because}). Lines lost: {lost}"),
            ),
            Self::ClockSet { by_ms } => {
                (format!("時計が{}秒ずらされた", by_ms / 1000), format!("The wall clock was set by {} s", by_ms / 1000))
            }
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
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

fn who(by: &str) -> String {
    match by {
        RULE => "自動".into(),
        "key" => "キー".into(),
        "command line" => "箱のコマンド".into(),
        "installer" => "設置担当者".into(),
        other => other.strip_prefix(GUEST).map_or_else(|| other.into(), |guest| format!("端末{guest}")),
    }
}

fn in_japanese(mode: &str) -> &str {
    match asking::mode(mode) {
        Some(Mode::Quiet) => "常時",
        Some(Mode::Talking) => "会話",
        Some(Mode::Meeting) => "会議",
        Some(Mode::Curtain) => "カーテン",
        Some(Mode::Asleep) => "おやすみ",
        None => mode,
    }
}

/// Whose screen: of which room, and who.
fn whose(room: &str, name: &str) -> (String, String) {
    let (ja, en) = if room == "far" { ("相手の部屋", "the other room") } else { ("この部屋", "this room") };
    match name {
        "" => (ja.into(), format!("A screen of {en}")),
        name => (format!("{ja}の「{name}」"), format!("The screen of “{name}” ({en})")),
    }
}

fn in_brief(why: LiveEnd) -> &'static str {
    match why {
        LiveEnd::Stopped => "終了の操作",
        LiveEnd::Vanished => "接続が切れた",
        LiveEnd::TakenOver => "ほかの画面に交代",
        LiveEnd::MeetingOver => "会議の終わり",
        LiveEnd::Refused => "断られた",
        LiveEnd::Unplugged => "信号がなくなった",
        LiveEnd::Failed => "映像を読めない",
        LiveEnd::Unheard => "映像が届かない",
    }
}

fn because_in_japanese(because: &str) -> &str {
    match because {
        "the disk is full" => "ディスクがいっぱい",
        "the disk does not answer" => "ディスクが応答しない",
        "the disk is read-only" => "ディスクが読み取り専用",
        other => other,
    }
}

fn unknown(word: &str) -> (String, String) {
    (word.to_owned(), word.to_owned())
}

const JOINT: &str = ",\"chain\":\"";
const RULE: &str = "rule";
const GUEST: &str = "guest ";
