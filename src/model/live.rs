//! One live share: a PC's screen or an input that stands on both screens.

use super::Language;

/// One source of live pictures at this box; never reused in a life of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LiveId(pub u64);

/// What a live picture comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LiveKind {
    /// A PC's browser on the panel page.
    #[default]
    Browser,
    /// Any other WHIP sender, such as OBS Studio.
    Sender,
    /// HDMI or USB capture at the box.
    Input,
}

impl LiveKind {
    /// Every one; its place here is its number on the wire.
    pub const ALL: [Self; 3] = [Self::Browser, Self::Sender, Self::Input];

    /// In one word, for JSON and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Sender => "sender",
            Self::Input => "input",
        }
    }

    /// Whose it is, if nobody said so.
    pub const fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Browser => ("パソコン", "a PC"),
            Self::Sender => ("配信ソフト", "a sender program"),
            Self::Input => ("映像入力", "the video input"),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}

/// `[share] take_over`: what happens when another source wants to be in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TakeOver {
    /// The room that shares is asked.
    #[default]
    Ask,
    /// It is in front at once.
    Allow,
    /// It is refused.
    Refuse,
}

/// `[share] input_shows`: what happens when the document input has a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputShows {
    /// People are asked.
    #[default]
    Ask,
    /// It is in front at once.
    AtOnce,
}

/// Why a live share ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiveEnd {
    /// Somebody stopped it: at its PC, or on a page or key of either room.
    Stopped,
    /// Its PC, or the box it stood at, is gone without a word.
    Vanished,
    /// Another one is in front.
    TakenOver,
    /// The meeting that it belonged to is over.
    MeetingOver,
    /// It waited, and the one in front was kept.
    Refused,
    /// The cable was pulled, or the device switched off.
    Unplugged,
    /// Its pictures cannot be read.
    Failed,
    /// Nothing of it ever came from the address that asked: a PC on two networks, or a firewall.
    Unheard,
}

impl LiveEnd {
    /// Every one; its place here is its number on the wire.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Vanished,
        Self::TakenOver,
        Self::MeetingOver,
        Self::Refused,
        Self::Unplugged,
        Self::Failed,
        Self::Unheard,
    ];

    /// The reason in one word, for JSON and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Vanished => "vanished",
            Self::TakenOver => "taken_over",
            Self::MeetingOver => "meeting_over",
            Self::Refused => "refused",
            Self::Unplugged => "unplugged",
            Self::Failed => "failed",
            Self::Unheard => "unheard",
        }
    }

    /// For whoever shared, in one sentence.
    pub const fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Stopped => ("画面の共有を終えました。", "The screen is no longer shared."),
            Self::Vanished => (
                "パソコンとの接続が切れたため、画面の共有を終えました。",
                "The connection to the PC was lost, so the screen is no longer shared.",
            ),
            Self::TakenOver => {
                ("ほかの画面に替わったため、共有を終えました。", "Another screen is shown now, so yours is not.")
            }
            Self::MeetingOver => (
                "会議が終わったため、画面の共有を終えました。",
                "The meeting is over, so the screen is no longer shared.",
            ),
            Self::Refused => (
                "いま出ている画面を続けることになったため、共有しませんでした。",
                "The screen that is shown now goes on, so yours was not shared.",
            ),
            Self::Unplugged => (
                "入力の信号がなくなったため、画面の共有を終えました。",
                "The input has no signal any more, so it is no longer shared.",
            ),
            Self::Failed => (
                "届いた映像を読み取れないため、画面の共有を終えました。",
                "The picture that came could not be read, so the screen is no longer shared.",
            ),
            Self::Unheard => (
                "この端末の映像が届きません。有線と無線の両方につながっているときは、このページを開いているほうだけにして、もう一度お試しください。それでも届かないときは、ネットワーク担当に、この箱あての UDP（資料「flows」の共有用ポート）が通るかを確かめてもらってください。",
                "Nothing of this device's picture arrives. If it is on two networks (cable and Wi-Fi), leave only the one on which this page is open, and try again. If it still does not arrive, ask whoever runs the network whether UDP to this box (the port for shares in “flows”) is let through.",
            ),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}
