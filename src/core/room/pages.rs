//! Documents in this room: where people point on them, and when nobody looks at them any more.

use super::Room;
use super::rules::STAY_AWAKE;
use crate::core::face::Banner;
use crate::core::share::{Pointed, Pointer};
use crate::core::timers::Timer;
use crate::model::{DocumentId, Moment, Side};
use std::time::Duration;

impl Room {
    /// Where a room points, while it does.
    pub fn pointer(&self, room: Side) -> Option<Pointer> {
        self.pointers[room as usize].map(|pointed| pointed.pointer)
    }

    /// The worker opened it.
    pub fn document_opened(&mut self, id: DocumentId, pages: u32) {
        self.share.opened(id, pages, self.agreement.wish().presses);
    }

    /// Somebody of a room points there, for a while.
    pub fn point(&mut self, room: Side, pointer: Pointer, now: Moment) {
        let until = now + POINTER_STANDS;
        self.pointers[room as usize] = pointer.at.map(|_| Pointed { pointer, until });
        self.pointers_fade(now);
    }

    pub(super) fn pointers_fade(&mut self, now: Moment) {
        for pointer in &mut self.pointers {
            pointer.take_if(|pointed| pointed.until <= now);
        }
        match self.pointers.iter().flatten().map(|pointed| pointed.until).min() {
            Some(next) => self.timers.set(Timer::PointerFades, next),
            None => self.timers.stop(Timer::PointerFades),
        }
    }

    /// Nothing of them is left.
    pub(super) fn end_pages(&mut self) {
        self.share.end(self.agreement.wish().presses);
        self.pointers = [None; 2];
        self.told.take_if(|told| matches!(told, Banner::Unshown { .. }));
        self.timers.stop(Timer::PagesEnd);
    }

    /// Behind a curtain no meeting's end wipes documents: half an hour without a touch since it was drawn does,
    /// whatever the hour.
    pub(super) fn watch_pages(&mut self, shut: bool, now: Moment) {
        let open = self.share.open().next().is_some() || !self.share.opening().is_empty();
        if !(shut && open) {
            self.timers.stop(Timer::PagesEnd);
        } else if self.timers.at(Timer::PagesEnd).is_none() {
            self.timers.set(Timer::PagesEnd, now + STAY_AWAKE);
        }
    }
}

/// A pointer that nobody moves.
const POINTER_STANDS: Duration = Duration::from_secs(5);
