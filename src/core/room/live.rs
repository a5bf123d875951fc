//! The live share in this room: who may bring a source, and what ends it.

use super::Room;
use crate::core::face::LiveLine;
use crate::core::live::{LiveRequest, LiveSource};
use crate::core::request::{Answer, Denied};
use crate::model::{GuestId, LiveEnd, LiveId, Mode, Moment, Stance};

impl Room {
    /// A source of this room wants to be in front. Like a document it begins the meeting, and behind a curtain it serves
    /// this room alone.
    pub fn live_asked(&mut self, mut source: LiveSource, now: Moment) -> Answer {
        if source.guest.is_some_and(|guest| !self.guests.is_admitted(guest)) {
            return Answer::Denied(Denied::NotAdmitted);
        }
        if self.agreement.near() == Stance::Asleep {
            return Answer::Denied(Denied::NearAsleep);
        }
        if self.guests.locked {
            return Answer::Denied(Denied::SharingLocked);
        }
        if source.name.is_empty() {
            let known = self.guests.iter().find(|known| Some(known.id) == source.guest);
            source.name = known.map(|known| known.name.clone()).unwrap_or_default();
        }
        self.touched_at = now;
        if matches!(self.mode, Mode::Quiet | Mode::Talking) {
            self.press(Mode::Meeting);
            self.mode_may_have_changed(now);
        }
        self.live.ask_front(source, self.agreement.wish().presses, now)
    }

    /// A source went by itself.
    pub fn live_gone(&mut self, id: LiveId, why: LiveEnd, now: Moment) {
        self.live.gone(id, why, self.agreement.wish().presses, now);
    }

    /// This room shares, and somebody wants its place.
    pub(super) fn share_waits(&self) -> Option<LiveLine> {
        let (side, waiting) = self.live.waits().filter(|_| self.live.is_asked())?;
        Some(LiveLine { side, kind: waiting.kind, name: waiting.name.clone() })
    }

    pub(super) fn ask_live(&mut self, request: LiveRequest, now: Moment) -> Answer {
        self.live.ask(request, self.agreement.wish().presses, now)
    }

    /// Sources of devices that a person sent away go with them, or of all of them; a drawn curtain leaves this room its own.
    pub(super) fn end_lives(&mut self, of: Option<GuestId>, now: Moment) {
        let presses = self.agreement.wish().presses;
        self.live.end_guests(|guest| of.is_none_or(|of| of == guest), presses, now);
    }
}
