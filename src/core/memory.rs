//! What outlives the daemon.

use crate::core::agreement::Wish;
use crate::model::{Language, Stance, Together, Veil};

/// What outlives the daemon. Microphones are not in it: they begin closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// This room's stance.
    pub near: Stance,
    /// The other room's last word.
    pub far: Stance,
    /// The wish of both.
    pub wish: Wish,
    /// The camera's veil.
    pub veil: Veil,
    /// No new guests.
    pub locked: bool,
    /// Index of the camera's view: the usual one may show more than the one that was chosen.
    pub view: usize,
    /// The one that a meeting gives back when it ends.
    pub usual_view: usize,
    /// Loudness of the far room's sound, 0 … 100.
    pub volume: u8,
    /// Why the box itself drew the curtain, while it stands.
    pub drawn: Option<Drawn>,
    /// Presses of the wish when a meeting ended last: its documents come back from nowhere.
    pub ended: [u32; 2],
    /// The same of the last time together: its hands and its poll do not come back either.
    pub parted: [u32; 2],
}

/// Why the box drew the curtain of its own room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// What it remembered cannot be read, or was not written in time.
    Forgot,
    /// The installer's settings cannot be read: masks may be lost.
    InstallerLost,
    /// The installer's page shows what was hidden before.
    InstallerSet,
}

impl Drawn {
    /// For people, in one sentence.
    pub fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Forgot => (
                "前の状態を読めなかったので、箱がカーテンを閉めました",
                "The box could not read how it was left, so it drew the curtain",
            ),
            Self::InstallerLost => (
                "隠す範囲などの設定を読めなかったので、箱がカーテンを閉めました",
                "Masks and views could not be read, so the box drew the curtain",
            ),
            Self::InstallerSet => (
                "設定が変わり、隠れていた所が映るので、箱がカーテンを閉めました",
                "A setting now shows what was hidden, so the box drew the curtain",
            ),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}

impl Remembered {
    /// What a box stands for that cannot read what it wrote: the most private of everything.
    pub const UNREADABLE: Self = Self {
        near: Stance::Curtain,
        far: Stance::Present,
        wish: Wish { together: Together::Quiet, presses: [0; 2] },
        veil: Veil::Black,
        locked: true,
        view: 0,
        usual_view: 0,
        volume: FULL_VOLUME,
        drawn: Some(Drawn::Forgot),
        ended: [0; 2],
        parted: [0; 2],
    };

    /// Whether a box that comes back with `self` instead of `newer` shows or tells more than people had asked for.
    pub fn is_too_open_for(&self, newer: &Self) -> bool {
        let drawn = newer.near != Stance::Present && self.near == Stance::Present;
        drawn || newer.veil > self.veil || newer.locked && !self.locked
    }
}

impl Default for Remembered {
    /// Of a box that never lived.
    fn default() -> Self {
        Self {
            near: Stance::Present,
            far: Stance::Present,
            wish: Wish::default(),
            veil: Veil::Clear,
            locked: false,
            view: 0,
            usual_view: 0,
            volume: FULL_VOLUME,
            drawn: None,
            ended: [0; 2],
            parted: [0; 2],
        }
    }
}

const FULL_VOLUME: u8 = 100;
