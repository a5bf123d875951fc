//! A share that nothing comes from, though nobody ended it: its PC froze, its cable was pulled, or the far box is not heard.
//!
//! ```text
//!   own source ── nothing for a while ──► said in the word, with how long ──► far box: silent since then, by its own clock
//!              ◄─ something, or another in front ──────────────────────────── no longer
//! ```
//! May be relied on: what is silent is still in front; who ends it is whoever watches the source. What waits has no
//! picture on any screen; it takes its silence along to the front.

use super::waiting::Queued;
use super::{Live, LiveWord};
use crate::model::{LiveId, Moment, Side};
use std::time::Duration;

/// Of the two in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Silences {
    near: Option<Moment>,
    far: Option<Moment>,
}

impl Live {
    /// Nothing comes from a source of this box, for so long already. One that is gone is nobody's matter.
    pub fn fell_silent(&mut self, id: LiveId, silent_for: Duration, now: Moment) {
        let since = before(now, silent_for);
        if let Some(queued) = self.queued(id) {
            queued.silent_since.get_or_insert(since);
        }
        let (true, Some(front)) = (self.in_front(id), &mut self.word.front) else { return };
        if front.silent.is_none() {
            front.silent = Some(silent_for);
            self.silences.near = Some(since);
        }
    }

    /// Something came from it.
    pub fn spoke_again(&mut self, id: LiveId) {
        if let Some(queued) = self.queued(id) {
            queued.silent_since = None;
        }
        if self.in_front(id)
            && let Some(front) = &mut self.word.front
        {
            front.silent = None;
        }
    }

    /// Since when nothing comes from the one that is shown.
    pub fn silent_since(&self) -> Option<Moment> {
        let (side, front) = self.shown()?;
        let since = if side == Side::Near { self.silences.near } else { self.silences.far };
        since.filter(|_| front.silent.is_some())
    }

    /// Before that word is taken for the far box's: a silence that goes on keeps its beginning.
    pub(super) fn hear_silence(&mut self, word: &LiveWord, now: Moment) {
        let of = |word: &LiveWord| word.front.as_ref().and_then(|front| Some((front.begun, front.silent?)));
        let (known, said) = (of(&self.far), of(word));
        if said.map(|(begun, _)| begun) != known.map(|(begun, _)| begun) {
            self.silences.far = said.map(|(_, silent_for)| before(now, silent_for));
        }
    }

    fn queued(&mut self, id: LiveId) -> Option<&mut Queued> {
        self.waiting.as_mut().filter(|queued| queued.source.id == id)
    }

    fn in_front(&self, id: LiveId) -> bool {
        self.front.as_ref().is_some_and(|source| source.id == id)
    }
}

fn before(now: Moment, by: Duration) -> Moment {
    now.shifted(-i64::try_from(by.as_nanos()).unwrap_or(i64::MAX))
}
