//! What a line of the ledger says to people.

use super::line::{GUEST, RULE, What};
use crate::asking;
use crate::core::help::{HelpDenied, Task};
use crate::core::request::Denied;
use crate::model::{CameraState, Language, LiveEnd, MicState, Mode, Veil};

impl What {
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
            Self::ResetWanted { guest } => (
                format!("端末{guest}が、この箱の記憶をすべて消すことにした"),
                format!("Guest {guest} wished that this box forgets everything"),
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
            Self::GuestRefused { guest, why } => (
                format!("端末{guest}を断った：{}", reason(why, Language::Japanese)),
                format!("Guest {guest} was refused: {}", reason(why, Language::English)),
            ),
            Self::PrintRefused { guest, why } => (
                format!("端末{guest}の印刷を断った：{}", reason(why, Language::Japanese)),
                format!("A print of guest {guest} was refused: {}", reason(why, Language::English)),
            ),
            Self::HelpAsked { task } => {
                let (ja, en) = task_words(task);
                (format!("設置担当者が相手の箱に頼んだ：{ja}"), format!("The installer asked the other box for {en}"))
            }
            Self::HelpGiven { task } => {
                let (ja, en) = task_words(task);
                (
                    format!("相手の部屋から暗証番号で手伝いがあった：{ja}"),
                    format!("An installer in the other room, with this box's PIN, asked for {en}"),
                )
            }
            Self::HelpRefused { why } => {
                let (ja, en) = refusal_words(why);
                (format!("相手の部屋からの手伝いを断った：{ja}"), format!("Help from the other room was refused: {en}"))
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

fn task_words(name: &str) -> (&str, &str) {
    let known = Task::ALL.into_iter().find(|task| task.name() == name);
    known.map_or((name, name), |task| (task.text(Language::Japanese), task.text(Language::English)))
}

fn refusal_words(why: &str) -> (&str, &str) {
    match HelpDenied::ALL.into_iter().find(|known| known.name() == why) {
        Some(HelpDenied::NotAllowed) => ("この箱はそう設定されていない", "this box is not set so"),
        Some(HelpDenied::WrongPin) => ("暗証番号が違う", "wrong PIN"),
        Some(HelpDenied::TooManyTries) => ("間違った暗証番号が続いた", "too many wrong PINs"),
        Some(
            HelpDenied::Busy | HelpDenied::NoUpdate | HelpDenied::Failed | HelpDenied::NoAnswer | HelpDenied::CutOff,
        )
        | None => (why, why),
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

fn reason(why: &str, language: Language) -> &str {
    match (asking::denied(why), language) {
        (Some(Denied::NotAdmitted), Language::Japanese) => "部屋の中から許可されなかった",
        (Some(Denied::NotAdmitted), Language::English) => "nobody in the room let it in",
        (Some(why), language) => why.text(language),
        (None, _) => why,
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
