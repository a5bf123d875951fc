//! How an update stands: one small file that everybody on the box may read, in the words of both languages.

use super::refusal::Refusal;
use crate::durable;
use crate::model::Language;
use serde::{Deserialize, Serialize};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Of this form; 1.
    pub version: u32,
    /// Where it stands.
    pub state: State,
    /// Which way the bundle came, where there is or was one.
    pub source: Option<Source>,
    /// The bundle's release, once it was read from a bundle whose signature is good.
    pub release: Option<String>,
    /// Of receiving or of installing, 0 … 100.
    pub percent: u8,
    /// One sentence for the people in the room.
    pub japanese: String,
    /// The same.
    pub english: String,
}

/// Where an update stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is none, or it runs already.
    None,
    /// It arrives.
    Receiving,
    /// Its signature is being looked at.
    Checking,
    /// It may be installed; somebody has to wish it.
    Ready,
    /// It is being written into the other slot.
    Installing,
    /// It is there; the box restarts when nobody is in a meeting.
    Installed,
    /// It is not installed, and was deleted.
    Refused,
    /// It was good, but did not get into the slot, or did not come up; the box runs what it ran.
    Failed,
}

impl State {
    /// Somebody is at it, and holds the place meanwhile.
    pub fn is_work(self) -> bool {
        match self {
            Self::Receiving | Self::Checking | Self::Installing => true,
            Self::None | Self::Ready | Self::Installed | Self::Refused | Self::Failed => false,
        }
    }
}

/// Which way a bundle came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// On a USB stick.
    Stick,
    /// From a PC of the room, by the installer's page.
    Panel,
    /// From the other box.
    Peer,
}

/// Why an update was left again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacked {
    /// Its system never came as far as to say anything.
    Start,
    /// The daemon was not ready in time.
    Daemon,
    /// The link to the other room was not up in time.
    Link,
}

impl Report {
    /// Nothing is known of any update.
    pub fn none() -> Self {
        Self::of(State::None, None, None)
    }

    /// In this state, in the words for it. Refusals and failures have reasons: [`Report::refused`], [`Report::came_back`].
    pub fn of(state: State, source: Option<Source>, release: Option<&str>) -> Self {
        let name_ja = release.map_or_else(|| "更新".to_owned(), |release| format!("更新 {release} "));
        let name_en = release.map_or_else(|| "The update".to_owned(), |release| format!("Update {release}"));
        let (japanese, english) = match state {
            State::None => ("更新はありません。".to_owned(), "There is no update.".to_owned()),
            State::Receiving => (format!("{name_ja}を受け取っています。"), format!("{name_en} is arriving.")),
            State::Checking => (format!("{name_ja}を確かめています。"), format!("{name_en} is being checked.")),
            State::Ready => (format!("{name_ja}を入れられます。"), format!("{name_en} can be installed.")),
            State::Installing => (
                format!("{name_ja}を入れています。そのままお使いいただけます。"),
                format!("{name_en} is being installed. Everything goes on meanwhile."),
            ),
            State::Installed => (
                format!("{name_ja}が入りました。会議をしていないときに、箱が再起動します。"),
                format!("{name_en} is installed. The box restarts when no meeting is on."),
            ),
            State::Refused => (format!("{name_ja}は入れません。"), format!("{name_en} is not installed.")),
            State::Failed => (
                format!("{name_ja}を入れられませんでした。今の版のまま動いています。"),
                format!("{name_en} could not be installed. The box goes on with what it runs."),
            ),
        };
        Self { version: 1, state, source, release: release.map(str::to_owned), percent: 0, japanese, english }
    }

    /// Not installed, and why.
    pub fn refused(source: Option<Source>, release: Option<&str>, why: &Refusal) -> Self {
        let (japanese, english) = (why.text(Language::Japanese), why.text(Language::English));
        Self { japanese, english, ..Self::of(State::Refused, source, release) }
    }

    /// Nothing to do: the box runs this release.
    pub fn runs_already(source: Option<Source>, release: &str) -> Self {
        Self {
            japanese: format!("この箱はもう {release} で動いています。"),
            english: format!("This box runs {release} already."),
            ..Self::of(State::None, source, Some(release))
        }
    }

    /// It was installed and started, and the box went back.
    pub fn came_back(release: Option<&str>, lacked: Lacked) -> Self {
        let ja = release.map_or_else(|| "更新した版".to_owned(), |release| format!("更新 {release} "));
        let en = release.map_or_else(|| "The update".to_owned(), |release| format!("Update {release}"));
        let (japanese, english) = match lacked {
            Lacked::Link => (
                format!("{ja}は相手とつながらなかったので、前の版に戻りました。"),
                format!("{en} did not reach the other room: the box went back to the release before."),
            ),
            Lacked::Daemon => (
                format!("{ja}は動き出さなかったので、前の版に戻りました。"),
                format!("{en} did not begin to work: the box went back to the release before."),
            ),
            Lacked::Start => (
                format!("{ja}は起動しなかったので、前の版に戻りました。"),
                format!("{en} did not start: the box went back to the release before."),
            ),
        };
        Self { japanese, english, ..Self::of(State::Failed, None, release) }
    }

    /// As it stands in a file; `None` where there is none or it makes no sense.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&durable::read(path, LONGEST).ok()??).ok()
    }

    /// What the image's `came-up` noted of an update that the box came back from: one line, `RELEASE LACKED`.
    pub fn rolled_back(path: &Path) -> Option<Self> {
        let text = String::from_utf8(durable::read(path, LONGEST).ok()??).ok()?;
        let mut words = text.split_whitespace();
        let (release, lacked) = (words.next()?, words.next()?);
        let lacked = match lacked {
            "start" => Lacked::Start,
            "daemon" => Lacked::Daemon,
            "link" => Lacked::Link,
            _ => return None,
        };
        Some(Self::came_back(Some(release).filter(|release| *release != UNKNOWN), lacked))
    }

    /// Puts it where everybody may read it, in one step.
    ///
    /// # Errors
    /// As the file system says.
    pub fn publish(&self, path: &Path) -> io::Result<()> {
        if let Some(home) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(home)?;
        }
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        durable::publish(path, format!("{text}\n").as_bytes(), 0o644, None)
    }
}

/// Where it is on a box: forgotten with the power.
pub const REPORT: &str = "/run/engawa-update/report.json";
/// Where the image notes a release that did not come up.
pub const ROLLED_BACK: &str = "/var/lib/rauc/rolled-back";
/// How that note names a release that it does not know.
const UNKNOWN: &str = "?";
const LONGEST: u64 = 16 * 1024;
