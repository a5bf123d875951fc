//! Why a box's file is not taken: one sentence for people, in Japanese and English.

use crate::model::Language;
use std::io;

/// Why a box's file is not taken. Nothing on the box has changed then.
#[derive(Debug)]
pub enum Refusal {
    /// It cannot be read.
    Unreadable(io::Error),
    /// Longer than a box's file can be.
    TooLong,
    /// No UTF-8 text.
    NotText,
    /// A field that is wrong, missing or too much.
    Wrong {
        /// Of the file, from 1.
        line: usize,
        /// What is wrong, in English: the words of the configuration's own check.
        what: String,
    },
    /// Written by another version of the program.
    Version(u64),
    /// The sum does not fit: cut short or changed.
    Damaged {
        /// The first line that makes no sense, and why.
        at: Option<(usize, String)>,
    },
    /// Its private part was overwritten: some box took it.
    Used {
        /// The file's.
        id: String,
    },
    /// Its keys do not belong together.
    ForeignKey,
    /// It names another box.
    OtherBox {
        /// The address it names.
        mac: String,
    },
    /// Files of two boxes at once.
    TwoFiles,
    /// The box has its settings already.
    AlreadySetUp,
    /// The box has another identity.
    OtherIdentity,
    /// The box trusts another peer.
    OtherPeer,
    /// It could not be stored.
    NotStored(String),
}

impl Refusal {
    /// The sentence.
    pub fn text(&self, language: Language) -> String {
        let (ja, en) = match self {
            Self::Unreadable(error) => (
                format!("設定ファイルを読めませんでした（{error}）。"),
                format!("The box's file could not be read ({error})."),
            ),
            Self::TooLong => (
                "設定ファイルが長すぎます。「engawa provision」で作ったファイルを使ってください。".into(),
                "The box's file is too long. Use the one that “engawa provision” wrote.".into(),
            ),
            Self::NotText => (
                "設定ファイルがこわれています。もう一度コピーしてください。".into(),
                "The box's file is damaged. Copy it again.".into(),
            ),
            Self::Wrong { line, what } => (
                format!("設定ファイルの{line}行目に誤りがあります（{what}）。"),
                format!("The box's file is wrong in line {line}: {what}."),
            ),
            Self::Version(format) => (
                format!(
                    "設定ファイルの版（{format}）がこの箱と合いません。この箱と同じ版の engawa で作り直してください。"
                ),
                format!(
                    "The box's file has format {format}, which this box does not know. Write it with this box's version of engawa."
                ),
            ),
            Self::Damaged { at } => {
                let place = |before: &str, between: &str, after: &str| {
                    at.as_ref().map(|(line, what)| format!("{before}{line}{between}{what}{after}")).unwrap_or_default()
                };
                let english = place(" (line ", ": ", ")");
                (
                    format!(
                        "設定ファイルが途中で切れているか、書きかえられています{}。もう一度コピーしてください。",
                        place("（", "行目: ", "）")
                    ),
                    format!("The box's file was cut short or changed{english}. Copy it again."),
                )
            }
            Self::Used { .. } => (
                "この設定ファイルは使用済みです（鍵は消されています）。新しく作ってください。".into(),
                "This box's file was used already (its key was deleted). Make a new one.".into(),
            ),
            Self::ForeignKey => (
                "設定ファイルの鍵が組み合わせと違います。新しく作ってください。".into(),
                "The keys in the box's file do not belong together. Make a new one.".into(),
            ),
            Self::OtherBox { mac } => {
                (format!("これは別の箱（{mac}）の設定ファイルです。"), format!("This file is for another box ({mac})."))
            }
            Self::TwoFiles => (
                "箱2台分の設定ファイルがあります。この箱の分だけにしてください。".into(),
                "There are files of two boxes. Leave only this box's.".into(),
            ),
            Self::AlreadySetUp => (
                "この箱は設定ずみです。設定し直すには、先に箱を初期化してください。".into(),
                "This box is set up already. Reset it before giving it another file.".into(),
            ),
            Self::OtherIdentity => (
                "この箱には別の鍵があります。設定し直すには、先に箱を初期化してください。".into(),
                "This box has another key already. Reset it before giving it another file.".into(),
            ),
            Self::OtherPeer => (
                "この箱は別の相手と組になっています。設定し直すには、先に箱を初期化してください。".into(),
                "This box is paired with another one. Reset it before giving it another file.".into(),
            ),
            Self::NotStored(why) => {
                (format!("設定を保存できませんでした（{why}）。"), format!("The settings could not be stored ({why})."))
            }
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }

    /// The line of the file, where there is one.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Wrong { line, .. } | Self::Damaged { at: Some((line, _)) } => Some(*line),
            Self::Unreadable(_)
            | Self::TooLong
            | Self::NotText
            | Self::Version(_)
            | Self::Damaged { at: None }
            | Self::Used { .. }
            | Self::ForeignKey
            | Self::OtherBox { .. }
            | Self::TwoFiles
            | Self::AlreadySetUp
            | Self::OtherIdentity
            | Self::OtherPeer
            | Self::NotStored(_) => None,
        }
    }
}
