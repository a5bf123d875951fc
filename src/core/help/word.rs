//! What two boxes tell each other of help, and its words.

use crate::model::{Language, Pin};
use std::collections::VecDeque;

/// What a box does for an installer in the other room, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Tell how it is: what `engawa support` writes, without pictures, sound, documents, names and keys.
    Support,
    /// Begin anew: its daemon ends, and systemd starts it again, microphones closed.
    BeginAnew,
    /// Install the update that lies there.
    Install,
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelpDenied {
    /// That box is set not to be helped from afar, or has no PIN.
    NotAllowed,
    /// Another PIN.
    WrongPin,
    /// Too many wrong ones; wait.
    TooManyTries,
    /// It is busy with what was asked before.
    Busy,
    /// No update lies there that could be installed.
    NoUpdate,
    /// It tried and could not.
    Failed,
    /// It says nothing: a version before this one, or very busy.
    NoAnswer,
    /// The line was cut meanwhile.
    CutOff,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum HelpWord {
    /// Do this.
    Ask {
        /// Counts within a life of the asker.
        number: u32,
        /// What.
        task: Task,
        /// The PIN of the box that is asked.
        pin: Pin,
    },
    /// The PIN is right: it is being done.
    Granted {
        /// As in the question.
        number: u32,
    },
    /// It is not done.
    Denied {
        /// As in the question.
        number: u32,
        /// Why.
        why: HelpDenied,
    },
    /// Part of what there is to read.
    Part {
        /// As in the question.
        number: u32,
        /// Counts from 0.
        part: u16,
        /// At most [`PART`] bytes.
        text: String,
    },
    /// It is done, and everything was told.
    Done {
        /// As in the question.
        number: u32,
        /// How many parts there were.
        parts: u16,
    },
}

impl Task {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Support, Self::BeginAnew, Self::Install];

    /// "support", "begin_anew", "install"
    pub const fn name(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::BeginAnew => "begin_anew",
            Self::Install => "install",
        }
    }

    /// In words for people: what was asked for.
    pub const fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Support => ("サポート用の情報", "the support text"),
            Self::BeginAnew => ("入れ直し", "a restart"),
            Self::Install => ("更新を入れること", "the installation of the update"),
        };
        pick(language, ja, en)
    }

    /// The box leaves the line for it.
    pub(super) const fn ends_the_line(self) -> bool {
        match self {
            Self::BeginAnew | Self::Install => true,
            Self::Support => false,
        }
    }
}

impl HelpDenied {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::NotAllowed,
        Self::WrongPin,
        Self::TooManyTries,
        Self::Busy,
        Self::NoUpdate,
        Self::Failed,
        Self::NoAnswer,
        Self::CutOff,
    ];

    /// "not_allowed", …
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::WrongPin => "wrong_pin",
            Self::TooManyTries => "too_many_tries",
            Self::Busy => "far_busy",
            Self::NoUpdate => "no_update",
            Self::Failed => "failed",
            Self::NoAnswer => "far_silent",
            Self::CutOff => "cut_off",
        }
    }

    /// In words for people, in the room that asked.
    pub const fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::NotAllowed => (
                "相手の箱は、離れた部屋からの手伝いを受けない設定です。",
                "The other box is set not to be helped from another room.",
            ),
            Self::WrongPin => ("相手の箱の暗証番号が違います。", "Wrong PIN for the other box."),
            Self::TooManyTries => (
                "相手の箱は、間違った暗証番号が続いたのでしばらく受け付けません。少し待ってください。",
                "Too many wrong PINs for the other box. Please wait a little.",
            ),
            Self::Busy => {
                ("相手の箱は手がふさがっています。少し待ってください。", "The other box is busy. Please wait a little.")
            }
            Self::NoUpdate => {
                ("相手の箱に、入れられる更新がありません。", "The other box has no update that could be installed.")
            }
            Self::Failed => ("相手の箱はできませんでした。", "The other box tried and could not."),
            Self::NoAnswer => (
                "相手の箱から返事がありません。古い版の箱かもしれません。",
                "The other box does not answer. It may run an older release.",
            ),
            Self::CutOff => {
                ("途中で線が切れました。もう一度頼んでください。", "The line was cut meanwhile. Please ask again.")
            }
        };
        pick(language, ja, en)
    }
}

/// A paper cut for the line; of one that is too long the end, which is the newest, from the start of a line.
pub(super) fn parts(paper: &str) -> VecDeque<String> {
    let mut rest = paper;
    if rest.len() > MOST_PAPER {
        let from = (paper.len() - MOST_PAPER..).find(|at| paper.is_char_boundary(*at)).unwrap_or(paper.len());
        rest = &paper[from..];
        rest = rest.split_once('\n').map_or(rest, |(_, whole)| whole);
    }
    let mut parts = VecDeque::new();
    while !rest.is_empty() {
        let end = (0..=PART.min(rest.len())).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        parts.push_back(part.to_owned());
        rest = behind;
    }
    parts
}

const fn pick(language: Language, ja: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}

/// Bytes of what is read from afar at most.
pub const MOST_PAPER: usize = 48 * 1024;
/// Bytes of it in one message.
pub const PART: usize = 4 * 1024;
