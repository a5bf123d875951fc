//! What outlives the daemon.

use crate::core::agreement::Wish;
use crate::model::{Stance, Together, Veil};

/// What outlives the daemon. Microphones are not in it: they begin closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

impl Remembered {
    /// What a box stands for that cannot read what it wrote: the most private of everything.
    pub const UNREADABLE: Self = Self {
        near: Stance::Curtain,
        far: Stance::Present,
        wish: Wish { together: Together::Quiet, presses: [0; 2] },
        veil: Veil::Black,
        locked: true,
    };
}
