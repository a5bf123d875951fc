//! The document input of this room: an HDMI or USB capture that asks, or stands in front, when it has a signal.
//!
//! ```text
//!   signal ─┬─ at once ──► in front (or, where that is denied, ask)
//!           └─ ask ─ somebody may answer ─► banner ─┬─ shown ──► in front
//!                                                   └─ not now, 60 s ──► offered: the panel's button
//!   ended while there is a signal ──► offered, asks no more          no signal for 3 s ──► gone from both screens
//! ```
//! May be relied on: it asks once per signal; a change of resolution is no other signal. Out of hours and while the room is
//! locked it neither asks nor appears.

use super::Room;
use crate::core::live::LiveSource;
use crate::core::request::{Answer, Denied};
use crate::model::{InputShows, LiveEnd, LiveId, Moment, Stance};
use std::time::Duration;

/// An input with a signal.
#[derive(Clone, Debug)]
pub(super) struct Signalled {
    source: LiveSource,
    asks: Asks,
    /// Nothing came since, but it may come back.
    lost_at: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// As soon as somebody may answer.
    Due,
    /// The banner stands.
    Until(Moment),
    /// It was answered, or nobody did.
    No,
}

impl Room {
    /// The input has a signal.
    pub fn input_appeared(&mut self, source: LiveSource, shows: InputShows, now: Moment) {
        if let Some(input) = self.input.as_mut().filter(|input| input.source.id == source.id) {
            input.lost_at = None;
            return self.live.spoke_again(source.id);
        }
        let shown = match shows {
            InputShows::AtOnce => !matches!(self.live_asked(source.clone(), now), Answer::Denied(_)),
            InputShows::Ask => false,
        };
        let asks = if shown { Asks::No } else { Asks::Due };
        self.input = Some(Signalled { source, asks, lost_at: None });
    }

    /// It has none, for now.
    pub fn input_lost(&mut self, id: LiveId, now: Moment) {
        if let Some(input) = self.input.as_mut().filter(|input| input.source.id == id) {
            input.lost_at = Some(now);
            self.live.fell_silent(id, Duration::ZERO, now);
        }
    }

    /// What follows from time and from everything else; called after every change.
    pub(in crate::core) fn follow_input(&mut self, now: Moment) {
        let may = self.may_ask();
        let Some(input) = &mut self.input else { return };
        let id = input.source.id;
        if input.lost_at.is_some_and(|lost_at| lost_at + GONE_AFTER <= now) {
            self.input = None;
            return self.live_gone(id, LiveEnd::Unplugged, now);
        }
        input.asks = match input.asks {
            Asks::Due | Asks::Until(_) if self.live.has(id) => Asks::No,
            Asks::Due if may && input.lost_at.is_none() => Asks::Until(now + ASKS),
            Asks::Until(until) if until <= now => Asks::No,
            asks @ (Asks::Due | Asks::Until(_) | Asks::No) => asks,
        };
    }

    /// When [`Room::follow_input`] is due.
    pub(in crate::core) fn input_due(&self) -> Option<Moment> {
        let input = self.input.as_ref()?;
        let asked = match input.asks {
            Asks::Until(until) => Some(until),
            Asks::Due | Asks::No => None,
        };
        input.lost_at.map(|lost_at| lost_at + GONE_AFTER).into_iter().chain(asked).min()
    }

    /// It has a signal and is not in front.
    pub(in crate::core) fn offers_input(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.lost_at.is_none() && !self.live.has(input.source.id))
    }

    /// Its banner stands.
    pub(super) fn asks_input(&self) -> bool {
        let asks = self.input.as_ref().is_some_and(|input| matches!(input.asks, Asks::Until(_)));
        asks && self.offers_input() && self.may_ask()
    }

    /// A person wants it shown, or no longer to be asked.
    pub(super) fn ask_input(&mut self, shown: bool, now: Moment) -> Answer {
        let Some(input) = self.input.as_mut().filter(|input| input.lost_at.is_none()) else {
            return Answer::Denied(Denied::NoInput);
        };
        let asked = std::mem::replace(&mut input.asks, Asks::No) != Asks::No;
        match (shown, asked) {
            (true, _) => {
                let source = input.source.clone();
                self.live_asked(source, now)
            }
            (false, true) => Answer::Accepted,
            (false, false) => Answer::AlreadySo,
        }
    }

    fn may_ask(&self) -> bool {
        self.agreement.near() != Stance::Asleep && !self.guests.locked
    }
}

/// The banner stands so long without an answer.
const ASKS: Duration = Duration::from_secs(60);
/// A PC that changes its resolution, and the device that is opened anew for it, take no longer.
const GONE_AFTER: Duration = Duration::from_secs(3);
