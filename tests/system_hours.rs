//! Office hours by calendar and wall clock, also when the clock jumps by years.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{NaiveDate, NaiveDateTime};
use engawa::config::Hours;
use engawa::core::input::{Input, RoomInput};
use engawa::inbox::{Inbox, Mail};
use engawa::system::hours::{Holidays, follow, is_open};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const OFFICE: Hours = Hours { days: [true, true, true, true, true, false, false], from: 8 * 60 + 30, to: 17 * 60 + 15 };

fn local(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(hour, minute, 59).unwrap()
}

#[test]
fn the_office_is_open_on_its_days_from_the_first_minute_until_before_the_last() {
    for ((month, day, hour, minute), open) in [
        ((11, 24, 8, 29), false), // Tuesday
        ((11, 24, 8, 30), true),
        ((11, 24, 17, 14), true),
        ((11, 24, 17, 15), false),
        ((11, 24, 0, 0), false),
        ((11, 27, 12, 0), true),  // Friday
        ((11, 28, 12, 0), false), // Saturday
        ((11, 29, 12, 0), false), // Sunday
        ((11, 30, 12, 0), true),  // Monday
    ] {
        assert_eq!(
            is_open(&OFFICE, Holidays::Closed, local(2026, month, day, hour, minute)),
            open,
            "{month}/{day} {hour}"
        );
    }
}

#[test]
fn a_public_holiday_is_closed_unless_the_office_ignores_them() {
    let labour_day = local(2026, 11, 23, 12, 0);
    assert!(!is_open(&OFFICE, Holidays::Closed, labour_day));
    assert!(is_open(&OFFICE, Holidays::Ignored, labour_day));
    let midnight = Hours { days: [true; 7], from: 0, to: 24 * 60 };
    assert!(is_open(&midnight, Holidays::Ignored, local(2026, 11, 23, 23, 59)));
}

#[tokio::test(start_paused = true)]
async fn every_edge_is_told_once_within_twenty_seconds_also_when_the_clock_jumps_by_years() {
    let (inbox, clock) = (Inbox::default(), Arc::new(Mutex::new(local(2026, 11, 24, 12, 0))));
    let shown = clock.clone();
    tokio::spawn(follow(OFFICE, Holidays::Closed, inbox.clone(), move || *shown.lock().unwrap()));
    let told = || {
        let mail = std::iter::from_fn(|| inbox.take());
        mail.map(|mail| matches!(mail, Mail::Urgent(Input::Room(RoomInput::HoursChanged(true))))).collect::<Vec<_>>()
    };
    let twenty_seconds = || tokio::time::sleep(Duration::from_secs(20));
    twenty_seconds().await;
    assert_eq!(told(), [true]);
    for (time, expected) in [
        (local(2026, 11, 24, 12, 1), vec![]),
        (local(2026, 11, 24, 17, 15), vec![false]),
        (local(2036, 11, 25, 3, 0), vec![]),
        (local(2016, 11, 24, 12, 0), vec![true]),
        (local(1970, 1, 1, 9, 0), vec![false]),
        (local(2026, 11, 25, 9, 0), vec![true]),
    ] {
        *clock.lock().unwrap() = time;
        twenty_seconds().await;
        assert_eq!(told(), expected, "{time}");
    }
}
