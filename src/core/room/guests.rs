//! Who may steer from a browser: a six-digit code that stands on the kiosk screen, wrong codes limited, everybody gone with
//! the meeting.
//!
//! ```text
//!   unknown ── right code ──► admitted ── left, removed, meeting over ──► unknown
//!      └── asks to be let in ──► waiting ── admitted from inside ─┘
//! ```

use crate::core::ledger::Entry;
use crate::core::request::Denied;
use crate::core::snapshot::Guest;
use crate::model::{GuestId, Moment};
use std::time::Duration;

/// All of them, and the door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guests {
    known: Vec<Guest>,
    /// Takes no new ones.
    pub locked: bool,
    code: Option<u32>,
    last_code: Option<(u32, Moment)>,
    wrong: u32,
    shut_until: Option<Moment>,
}

impl Guests {
    /// Nobody yet.
    pub fn new(locked: bool) -> Self {
        Self { locked, ..Self::default() }
    }

    /// Everybody who is admitted or waits.
    pub fn iter(&self) -> impl Iterator<Item = &Guest> {
        self.known.iter()
    }

    /// The room code, if one was drawn.
    pub fn code(&self) -> Option<u32> {
        self.code
    }

    /// May steer.
    pub fn is_admitted(&self, guest: GuestId) -> bool {
        self.known.iter().any(|known| known.id == guest && known.admitted)
    }

    /// A new code; the one before stays right for [`OLD_CODE`], for whoever is typing it.
    pub fn code_drawn(&mut self, code: u32, now: Moment) {
        self.last_code = self.code.map(|old| (old, now + OLD_CODE));
        self.code = Some(code % CODES);
    }

    /// Somebody typed a code.
    ///
    /// # Errors
    /// Why it is not let in. After [`TRIES`] wrong codes nobody's code counts for a while that doubles each time.
    pub fn try_code(&mut self, guest: GuestId, code: u32, name: &str, now: Moment) -> Result<Entry, Denied> {
        if self.shut_until.is_some_and(|until| now < until) {
            return Err(Denied::TooManyTries);
        }
        if self.locked && !self.is_admitted(guest) {
            return Err(Denied::Locked);
        }
        let old = self.last_code.filter(|(_, until)| now < *until).map(|(code, _)| code);
        if self.code != Some(code) && old != Some(code) {
            self.wrong = self.wrong.saturating_add(1);
            if self.wrong.is_multiple_of(TRIES) {
                let pause = PAUSE * (1 << (self.wrong / TRIES - 1).min(5));
                self.shut_until = Some(now + pause);
                // A code that was guessed at is not used any more.
                self.last_code = None;
            }
            return Err(Denied::WrongCode);
        }
        self.wrong = 0;
        self.let_in(guest, name, now)
    }

    /// Somebody asks to be let in.
    ///
    /// # Errors
    /// When the room is locked or too many wait.
    pub fn ask(&mut self, guest: GuestId, name: &str, now: Moment) -> Result<(), Denied> {
        if self.locked {
            return Err(Denied::Locked);
        }
        if self.known.iter().any(|known| known.id == guest) {
            return Ok(());
        }
        if self.known.len() >= GUESTS {
            return Err(Denied::Full);
        }
        self.known.push(Guest { id: guest, name: named(name), admitted: false, since: now });
        Ok(())
    }

    /// From inside: a waiting guest may steer.
    ///
    /// # Errors
    /// When nobody of that name waits.
    pub fn admit(&mut self, guest: GuestId, now: Moment) -> Result<Entry, Denied> {
        let waiting = self.known.iter_mut().find(|known| known.id == guest && !known.admitted);
        let known = waiting.ok_or(Denied::NoSuchGuest)?;
        (known.admitted, known.since) = (true, now);
        Ok(Entry::GuestAdmitted { guest, name: known.name.clone() })
    }

    /// The first who waits.
    pub fn waiting(&self) -> Option<&Guest> {
        self.known.iter().find(|known| !known.admitted)
    }

    /// This one is gone; says whether it had been there.
    pub fn end(&mut self, guest: GuestId) -> Option<Entry> {
        let place = self.known.iter().position(|known| known.id == guest)?;
        Some(ended(&self.known.remove(place)))
    }

    /// Those who were let in too long ago are gone.
    pub fn end_old(&mut self, now: Moment) -> Vec<Entry> {
        self.known.extract_if(.., |known| now.since(known.since) >= LONGEST_STAY).map(|known| ended(&known)).collect()
    }

    /// Everybody is gone.
    pub fn end_all(&mut self) -> Vec<Entry> {
        self.forget_code();
        self.known.drain(..).map(|known| ended(&known)).collect()
    }

    /// No code is right before another one was drawn.
    pub fn forget_code(&mut self) {
        (self.code, self.last_code) = (None, None);
    }

    fn let_in(&mut self, guest: GuestId, name: &str, now: Moment) -> Result<Entry, Denied> {
        self.known.retain(|known| known.id != guest);
        if self.known.len() >= GUESTS {
            return Err(Denied::Full);
        }
        let name = named(name);
        self.known.push(Guest { id: guest, name: name.clone(), admitted: true, since: now });
        Ok(Entry::GuestAdmitted { guest, name })
    }
}

/// Who was never let in was refused.
fn ended(known: &Guest) -> Entry {
    match known.admitted {
        true => Entry::GuestEnded { guest: known.id },
        false => Entry::GuestRefused { guest: known.id, why: Denied::NotAdmitted },
    }
}

fn named(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(NAME).collect()
}

/// Codes are 000000 … 999999.
pub const CODES: u32 = 1_000_000;
/// Wrong codes in a row before the door shuts for [`PAUSE`], doubled each time: a million codes last longer than the box.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(30);
const OLD_CODE: Duration = Duration::from_secs(30);
/// Outside a meeting too: longer than a day's work, so that a forgotten tablet does not steer the room tomorrow.
const LONGEST_STAY: Duration = Duration::from_secs(12 * 3600);
const GUESTS: usize = 24;
const NAME: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn room() -> Guests {
        let mut guests = Guests::default();
        guests.code_drawn(123_456, at(0));
        guests
    }

    #[test]
    fn a_thousand_wrong_codes_a_minute_are_ten_tries() {
        let mut guests = room();
        let tries = (0..1000).filter(|n| {
            let denied = guests.try_code(GuestId(9), 500_000 + n, "x", at(1 + u64::from(*n) * 60 / 1000));
            denied == Err(Denied::WrongCode)
        });
        assert_eq!(tries.count(), 10);
        assert_eq!(guests.try_code(GuestId(1), 123_456, "x", at(61)), Err(Denied::TooManyTries));
        assert!(guests.try_code(GuestId(1), 123_456, "x", at(1000)).is_ok());
    }

    #[test]
    fn an_old_code_is_right_for_a_moment_only() {
        let mut guests = room();
        guests.code_drawn(654_321, at(100));
        assert!(guests.try_code(GuestId(1), 123_456, "a", at(110)).is_ok());
        assert_eq!(guests.try_code(GuestId(2), 123_456, "b", at(140)), Err(Denied::WrongCode));
    }

    #[test]
    fn a_locked_room_takes_nobody_new_and_keeps_who_is_in() {
        let mut guests = room();
        assert!(guests.try_code(GuestId(1), 123_456, "a", at(1)).is_ok());
        guests.locked = true;
        assert!(guests.is_admitted(GuestId(1)));
        assert_eq!(guests.try_code(GuestId(2), 123_456, "b", at(2)), Err(Denied::Locked));
        assert_eq!(guests.ask(GuestId(2), "b", at(2)), Err(Denied::Locked));
    }

    #[test]
    fn who_waits_may_not_steer_until_admitted_from_inside() {
        let mut guests = room();
        guests.ask(GuestId(1), "a\u{7}", at(1)).expect("there is room");
        assert!(!guests.is_admitted(GuestId(1)));
        guests.admit(GuestId(1), at(2)).expect("it waits");
        assert!(guests.is_admitted(GuestId(1)));
        assert_eq!(guests.admit(GuestId(1), at(3)), Err(Denied::NoSuchGuest));
        assert_eq!(guests.end_all().len(), 1);
        assert!(!guests.is_admitted(GuestId(1)));
    }

    #[test]
    fn nobody_steers_longer_than_a_day_of_work() {
        let mut guests = room();
        guests.ask(GuestId(1), "a", at(1)).expect("there is room");
        guests.admit(GuestId(1), at(3600)).expect("it waits");
        guests.ask(GuestId(2), "b", at(3700)).expect("there is room");
        assert_eq!(guests.end_old(at(13 * 3600 - 1)), []);
        assert_eq!(guests.end_old(at(13 * 3600)), [Entry::GuestEnded { guest: GuestId(1) }]);
        let why = Denied::NotAdmitted;
        assert_eq!(guests.end_old(at(14 * 3600)), [Entry::GuestRefused { guest: GuestId(2), why }]);
    }
}
