//! Office hours: when the room is at work, by calendar and wall clock.
//!
//! ```text
//!   wall clock (read every 10 s) ─► local date and time ─► is_open(hours, holidays) ─► HoursChanged at start and at every edge
//! ```
//! The wall clock may be wrong by years and may jump: whatever it says can only put the room to sleep, and a key wakes it;
//! both are the core's rules. Nothing here is remembered, so a clock that was set right is right ten seconds later.

mod holidays;

pub use holidays::is_holiday;

use crate::config::Hours;
use crate::core::input::{Input, RoomInput};
use crate::inbox::Inbox;
use crate::system::clock;
use chrono::{DateTime, Datelike, Local, NaiveDateTime, Timelike};
use std::time::Duration;

/// Whether the office is open at this local date and time.
pub fn is_open(hours: &Hours, holidays: Holidays, local: NaiveDateTime) -> bool {
    let weekday = local.weekday().num_days_from_monday() as usize;
    let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
    let at_work = hours.days.get(weekday).copied().unwrap_or(false);
    let free = match holidays {
        Holidays::Closed => is_holiday(local.date()),
        Holidays::Ignored => false,
    };
    at_work && !free && (hours.from..hours.to).contains(&minute)
}

/// What Japanese public holidays are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holidays {
    /// The office is closed.
    Closed,
    /// Days like others.
    Ignored,
}

/// Tells the loop whether the office is open: at once, and whenever that changed.
pub fn watch(hours: Hours, holidays: Holidays, inbox: Inbox) {
    tokio::spawn(follow(hours, holidays, inbox, local_now));
}

/// The same with a clock of the caller's choice. Never ends.
pub async fn follow(hours: Hours, holidays: Holidays, inbox: Inbox, now: impl Fn() -> NaiveDateTime) {
    let mut told = None;
    loop {
        let open = is_open(&hours, holidays, now());
        if told != Some(open) {
            told = Some(open);
            tracing::info!(open, "office hours");
            inbox.urgent(Input::Room(RoomInput::HoursChanged(open)));
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// The wall clock in the box's time zone; 1970 if it shows no time at all.
fn local_now() -> NaiveDateTime {
    let ms = i64::try_from(clock::wall_ms()).unwrap_or(0);
    DateTime::from_timestamp_millis(ms).unwrap_or_default().with_timezone(&Local).naive_local()
}

/// A jump of the clock is seen this soon.
const PERIOD: Duration = Duration::from_secs(10);
