//! Why a bundle is not taken or not installed, in words for the people who brought it.

use crate::durable;
use crate::model::Language;
use std::io::{self, ErrorKind};

/// Why not. Nothing has changed on the box then, but that a bundle that is no good was deleted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// More bytes than any bundle has.
    #[error("the bundle is larger than {most} bytes")]
    TooLarge {
        /// Bytes.
        most: u64,
    },
    /// The disk would be too full.
    #[error("{missing} bytes more would have to be free on the disk")]
    NoSpace {
        /// Bytes.
        missing: u64,
    },
    /// One at a time.
    #[error("another bundle is arriving or being installed")]
    Busy,
    /// Not a bundle, cut short, or not what was announced.
    #[error("the bundle is damaged or is none")]
    Broken,
    /// No signature.
    #[error("the bundle is not signed")]
    Unsigned,
    /// Signed by somebody else, or changed since.
    #[error("the bundle's signature is not one that this box trusts")]
    BadSignature,
    /// A bundle of a kind whose content could change while it is read.
    #[error("the bundle is not of the verity format")]
    NotVerity,
    /// For another kind of machine.
    #[error("the bundle is for {0}")]
    OtherHardware(String),
    /// Older than what runs.
    #[error("the bundle holds {release}, which is older than {running}")]
    Older {
        /// The bundle's.
        release: String,
        /// This box's.
        running: String,
    },
    /// From a stick that is still there: this release did not come up here before.
    #[error("{release} did not come up here before")]
    CameBack {
        /// The bundle's.
        release: String,
    },
    /// The running release is itself not confirmed yet, and the other slot holds the only one that is.
    #[error("the running release is still on trial")]
    OnTrial,
    /// The stick does not give it.
    #[error("the stick cannot be read to the end of the bundle")]
    StickGone,
    /// This machine has no keys or no slots: it is not a box of the image.
    #[error("this machine cannot be updated: {0}")]
    NotABox(String),
    /// The box's own disk.
    #[error("{0}")]
    Disk(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Disk(durable::in_words(error))
    }
}

impl Refusal {
    /// Whether the bundle itself is no good, now and later.
    pub fn is_final(&self) -> bool {
        match self {
            Self::TooLarge { .. }
            | Self::Broken
            | Self::Unsigned
            | Self::BadSignature
            | Self::NotVerity
            | Self::OtherHardware(_)
            | Self::Older { .. } => true,
            Self::NoSpace { .. }
            | Self::Busy
            | Self::CameBack { .. }
            | Self::OnTrial
            | Self::StickGone
            | Self::NotABox(_)
            | Self::Disk(_) => false,
        }
    }

    /// One sentence for the people in the room, and what to do.
    pub fn text(&self, language: Language) -> String {
        let (ja, en) = self.texts();
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }

    fn texts(&self) -> (String, String) {
        let both = |ja: &str, en: &str| (ja.to_owned(), en.to_owned());
        match self {
            Self::TooLarge { most } => {
                let (mega, giga) = (most / 1_000_000, *most as f64 / 1e9);
                (
                    format!("更新ファイルが大きすぎます（上限 {mega} MB）。縁側の更新ファイルではありません。"),
                    format!("The update is too large to be one of Engawa's: more than {giga} GB."),
                )
            }
            Self::NoSpace { missing } => {
                let mega = missing.div_ceil(1_000_000);
                (
                    format!("箱の空き容量が {mega} MB 足りないので、更新を受け取れません。古い資料を消してください。"),
                    format!("The box's disk lacks {mega} MB for the update. Delete kept documents."),
                )
            }
            Self::Busy => both(
                "別の更新を受け取っているか、入れているところです。終わってからもう一度お試しください。",
                "Another update is arriving or being installed. Try again when it is done.",
            ),
            Self::Broken => both(
                "更新ファイルがこわれているか、更新ファイルではありません。もう一度コピーし直してください。",
                "The update is damaged, or is no update. Copy it again.",
            ),
            Self::Unsigned => {
                both("この更新には署名がないので、入れません。", "This update is not signed: it is not installed.")
            }
            Self::BadSignature => both(
                "この更新の署名は、この箱が信頼する発行元のものではないので、入れません。",
                "This update is not signed by anyone whom this box trusts, or was changed since: it is not installed.",
            ),
            Self::NotVerity => both(
                "この更新は、この箱が受け付けない形式（verity以外）なので、入れません。",
                "This update has a format that this box does not accept (not verity): it is not installed.",
            ),
            Self::OtherHardware(compatible) => (
                format!("この更新は別の機種（{compatible}）のものなので、入れません。"),
                format!("This update is for other hardware ({compatible}): it is not installed."),
            ),
            Self::Older { release, running } => (
                format!("この更新（{release}）は今の版（{running}）より古いので、入れません。"),
                format!("This update ({release}) is older than what runs ({running}): it is not installed."),
            ),
            Self::CameBack { release } => (
                format!(
                    "更新 {release} はこの箱で動かなかったものなので、USBメモリーからは入れません。設置担当者のページからは入れられます。"
                ),
                format!(
                    "Update {release} did not come up on this box before: it is not installed from a stick again. The installer's page can."
                ),
            ),
            Self::OnTrial => both(
                "今の版はまだ相手とつながっていないので、次の更新は入れません。つながってから、もう一度お試しください。",
                "What runs has not reached the other room yet: the next update has to wait. Try again when the rooms are linked.",
            ),
            Self::StickGone => both(
                "USBメモリーの更新を最後まで読めませんでした。差し直すか、別のものを使ってください。",
                "The update on the stick could not be read to its end. Plug the stick in again, or use another one.",
            ),
            Self::NotABox(_) => both(
                "この機械は縁側のイメージで動いていないので、更新できません。",
                "This machine does not run Engawa's image: it cannot be updated.",
            ),
            Self::Disk(error) if error.kind() == ErrorKind::StorageFull => both(
                "箱のディスクがいっぱいなので、更新を受け取れませんでした。",
                "The box's disk is full: the update was not received.",
            ),
            Self::Disk(_) => both(
                "箱のディスクに書き込めないので、更新を受け取れませんでした。",
                "The box's disk could not be read or written: the update was not received.",
            ),
        }
    }
}
