//! Why a document is not shown, in people's words.

use crate::model::Language;

/// Why a document, or one page of it, is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Neither PDF nor PNG nor JPEG, whatever its name says.
    Unknown,
    /// It opens with a password only.
    Locked,
    /// It cannot be read, or reading it brought the worker down.
    Broken,
    /// More pages than may be shown.
    TooManyPages,
    /// More bytes or pixels than may be read, or more pixels than may be drawn.
    TooLarge,
    /// Not done within the deadline.
    TooSlow,
    /// There is no such page.
    NoSuchPage,
    /// As many documents are open as may be.
    TooMany,
    /// This machine cannot take the worker's rights away, so nothing is drawn.
    Unconfined,
    /// It did not come over from the other box whole.
    NotArrived,
}

impl Refusal {
    /// Every refusal; its place here is its number on the wire.
    pub const ALL: [Self; 10] = [
        Self::Unknown,
        Self::Locked,
        Self::Broken,
        Self::TooManyPages,
        Self::TooLarge,
        Self::TooSlow,
        Self::NoSuchPage,
        Self::TooMany,
        Self::Unconfined,
        Self::NotArrived,
    ];

    /// What stands on the screen: the same first sentence always.
    pub const fn title(language: Language) -> &'static str {
        match language {
            Language::Japanese => "この資料は表示できません",
            Language::English => "This document cannot be shown",
        }
    }

    /// One plain reason, to stand below the title.
    pub const fn reason(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Unknown => ("PDF・PNG・JPEG のいずれでもありません。", "It is not a PDF, PNG or JPEG file."),
            Self::Locked => (
                "パスワードがかかっています。外してから入れてください。",
                "It is locked with a password. Please remove it first.",
            ),
            Self::Broken => (
                "壊れているか、複雑すぎます。もう一度作り直してください。",
                "It is damaged or too complicated. Please make it again.",
            ),
            Self::TooManyPages => {
                ("ページが多すぎます。分けてから入れてください。", "It has too many pages. Please split it.")
            }
            Self::TooLarge => {
                ("大きすぎます。小さくしてから入れてください。", "It is too large. Please make it smaller.")
            }
            Self::TooSlow => (
                "描くのに時間がかかりすぎます。別の形で保存し直してください。",
                "It takes too long to draw. Please save it in another way.",
            ),
            Self::NoSuchPage => ("そのページはありません。", "It has no such page."),
            Self::TooMany => (
                "開いている資料が多すぎます。どれかを閉じてください。",
                "Too many documents are open. Please close one.",
            ),
            Self::Unconfined => (
                "この箱では安全に開けません。設置担当者に知らせてください。",
                "This box cannot open it safely. Please tell the installer.",
            ),
            Self::NotArrived => (
                "相手の部屋から届きませんでした。もう一度入れてください。",
                "It did not arrive from the other room. Please share it again.",
            ),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}
