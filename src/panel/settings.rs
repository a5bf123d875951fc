//! What the installer sets: shown as it counts, checked by the configuration's own code, kept; then the daemon begins anew.
//!
//! ```text
//!   POST ─ all of it ─► Overlay::text ─ a mistake ─► what is wrong, in words; nothing is lost
//!                            └─ fine ─► told to the core (uncovers: it draws the curtain) ─► installer.toml, in one step ─► answer ─ 0.3 s ─► begin anew
//! ```

use super::Shared;
use super::papers::aside;
use super::reply::{self, Reply};
use super::words::{Refusal, pick};
use crate::config::{ConfigError, Overlay, Settings};
use crate::core::input::RoomInput;
use crate::durable;
use crate::model::Language;
use crate::questions::Questions;
use hyper::StatusCode;
use std::io;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::sleep;

/// `GET /api/settings`
pub(super) async fn show(shared: &Shared) -> Result<Reply, Refusal> {
    let overlay = shared.overlay.clone().ok_or(Refusal::NotSaved)?;
    match aside(shared, move || overlay.settings()).await? {
        Ok(settings) => Ok(reply::json(StatusCode::OK, &settings)),
        Err(error) => {
            tracing::warn!(%error, "what is set cannot be shown");
            Err(Refusal::NotSaved)
        }
    }
}

/// `POST /api/settings`
pub(super) async fn save(shared: &Shared, settings: Settings) -> Result<Reply, Refusal> {
    let overlay = shared.overlay.clone().ok_or(Refusal::NotSaved)?;
    let (begin_anew, loop_of_the_panel) = (shared.sources.begin_anew.clone(), Handle::current());
    let questions = shared.questions.clone();
    let kept = aside(shared, move || {
        let kept = keep(&overlay, &settings, &questions);
        if matches!(kept, Kept::Anew { .. }) {
            // Whoever asked is to read the answer first. Told from here: a slow disk must not leave it saved and unused.
            loop_of_the_panel.spawn(async move {
                sleep(ANSWERED).await;
                begin_anew();
            });
        }
        kept
    });
    let language = shared.facts.language;
    match kept.await? {
        Kept::Anew { uncovers: true } => Ok(reply::done(
            "accepted",
            pick(
                language,
                "保存しました。隠れていた所が映るので、カーテンを閉じました。部屋のキーで開けてください。",
                "Saved. Something hidden may now be seen, so the curtain is drawn: lift it with a key in the room.",
            ),
        )),
        Kept::Anew { uncovers: false } => Ok(reply::done(
            "accepted",
            pick(
                language,
                "保存しました。箱が数秒で入れ直されます。",
                "Saved. The box starts again within a few seconds.",
            ),
        )),
        Kept::AlreadySo => Ok(reply::done("already", pick(language, "すでにその設定です。", "It is set so already."))),
        Kept::Wrong(error) => Ok(reply::json(StatusCode::OK, &in_words(&error, language))),
        Kept::NoDisk(error) => {
            tracing::warn!(%error, "what the installer set cannot be kept");
            Err(Refusal::NotSaved)
        }
    }
}

enum Kept {
    Anew { uncovers: bool },
    AlreadySo,
    Wrong(ConfigError),
    NoDisk(io::Error),
}

fn keep(overlay: &Overlay, settings: &Settings, questions: &Questions) -> Kept {
    let text = match overlay.text(settings) {
        Ok(text) => text,
        Err(error) => return Kept::Wrong(error),
    };
    let now = overlay.settings().unwrap_or_default();
    let what = now.changes(settings).join(", ");
    if what.is_empty() {
        return Kept::AlreadySo;
    }
    // Said before it is done: the core draws the curtain and writes its line while the disk takes the file.
    let uncovers = now.uncovers(settings);
    questions.tell(RoomInput::InstallerSet { what, uncovers });
    match durable::replace(overlay.file(), text.as_bytes()) {
        Ok(()) => {
            tracing::info!(file = %overlay.file().display(), "the installer set something");
            Kept::Anew { uncovers }
        }
        Err(error) => Kept::NoDisk(error),
    }
}

#[derive(serde::Serialize)]
struct Complaint {
    answer: &'static str,
    why: &'static str,
    /// `section.key`
    setting: String,
    text: String,
}

/// Which setting, what it may be, and what the configuration itself says to the value.
fn in_words(error: &ConfigError, language: Language) -> Complaint {
    let (setting, said) = match error {
        ConfigError::Wrong(mistakes) => mistakes.first().map_or_else(Default::default, |mistake| {
            let value = mistake.value.as_deref().unwrap_or_default();
            let hint = if mistake.hint.is_empty() { String::new() } else { format!("; {}", mistake.hint) };
            (mistake.key.clone(), format!("{} {value}: {}{hint}", mistake.key, mistake.what))
        }),
        ConfigError::Unreadable { .. } | ConfigError::NotText { .. } => (String::new(), error.to_string()),
    };
    let meant = MEANT.iter().find(|(key, ..)| *key == setting);
    let sentence = meant.map_or_else(
        || pick(language, "箱の設定ファイルに誤りがあります。", "There is a mistake in the box's configuration file."),
        |(_, ja, en)| pick(language, ja, en),
    );
    let text = match language {
        Language::Japanese => format!("保存していません。{sentence}（{said}）"),
        Language::English => format!("Not saved. {sentence} ({said})"),
    };
    Complaint { answer: "denied", why: "bad_setting", setting, text }
}

/// What each setting may be.
const MEANT: [(&str, &str, &str); 8] = [
    (
        "camera.views",
        "カメラの向きは8つまで、名前は32文字までで、同じ名前は使えません。範囲は映像の中の1%以上です。",
        "Up to 8 views with different names of up to 32 characters; each part lies in the picture and is at least 1 % wide and high.",
    ),
    (
        "camera.masks",
        "隠す範囲は16個まで、映像の中の1%以上です。",
        "Up to 16 masks; each lies in the picture and is at least 1 % wide and high.",
    ),
    (
        "meeting.view",
        "会議を始める向きは、カメラの向きの名前から選んでください。",
        "Choose the view a meeting begins with from the names of the views.",
    ),
    ("meeting.follow_turns", "入れるか切るかです。", "It is on or off."),
    (
        "room.hours",
        "開いている時間は、曜日と、始まりより後の終わりの時刻で決めてください。",
        "Office hours are days and times, the end after the beginning.",
    ),
    ("room.holidays", "入れるか切るかです。", "It is on or off."),
    (
        "room.quiet_after_seconds",
        "会話が終わるまでの時間は、10～86400秒の整数です。",
        "The time until talking ends is a whole number of seconds, 10 to 86400.",
    ),
    (
        "line.ceiling_kbps",
        "回線の上限は、64～1000000 kbit/sの整数です。",
        "The line's ceiling is a whole number of kbit/s, 64 to 1000000.",
    ),
];

/// From the answer to the end of the daemon.
const ANSWERED: Duration = Duration::from_millis(300);
