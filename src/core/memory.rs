//! What outlives the daemon.

use crate::core::agreement::Wish;
use crate::model::{Stance, Together, Veil};

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
        }
    }
}

const FULL_VOLUME: u8 = 100;
