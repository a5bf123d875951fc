//! Japanese public holidays, computed: 国民の祝日に関する法律 (1948, as amended to 2018), valid without a network.
//!
//! ```text
//!   named days ─┬─ on a Sunday ─► the next day that is not named is free too (振替休日, art. 3 II)
//!               └─ a day between two named days is free too (国民の休日, art. 3 III)
//! ```
//! May be relied on for 2020–2099: compared with the Cabinet Office's table as far as it is published. The two equinoxes are
//! announced only a year ahead; here they follow the formula of the almanacs for 1980–2099 (新こよみ便利帳). Outside these years the
//! same rules go on, which is wrong by a day or so; the clock is then wrong by more.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Whether offices are closed on this day for a public holiday.
pub fn is_holiday(day: NaiveDate) -> bool {
    is_named(day) || is_substitute(day) || (is_named(before(day, 1)) && is_named(after(day, 1)))
}

/// A run of named days that reaches back to a Sunday ends just before this day.
fn is_substitute(day: NaiveDate) -> bool {
    (1..=LONGEST_RUN)
        .map(|days| before(day, days))
        .take_while(|day| is_named(*day))
        .any(|day| day.weekday() == Weekday::Sun)
}

fn is_named(day: NaiveDate) -> bool {
    let (year, month, date) = (day.year(), day.month(), day.day());
    let monday = |number: u32| day.weekday() == Weekday::Mon && (date - 1) / 7 + 1 == number;
    match month {
        1 => date == 1 || monday(2),
        2 => date == 11 || date == 23,
        3 => f64::from(date) == equinox(year, 20.8431),
        4 => date == 29,
        5 => (3..=5).contains(&date),
        // The Olympic year and its repetition moved three days by law.
        7 if year == 2020 => date == 23 || date == 24,
        7 if year == 2021 => date == 22 || date == 23,
        7 => monday(3),
        8 if year == 2020 => date == 10,
        8 if year == 2021 => date == 8,
        8 => date == 11,
        9 => monday(3) || f64::from(date) == equinox(year, 23.2488),
        10 if year == 2020 || year == 2021 => false,
        10 => monday(2),
        11 => date == 3 || date == 23,
        _ => false,
    }
}

/// Day of the month, in Japan.
fn equinox(year: i32, base: f64) -> f64 {
    let years = year - 1980;
    (base + 0.242_194 * f64::from(years)).floor() - f64::from(years.div_euclid(4))
}

fn before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

fn after(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

/// Named days in a row: the three of May.
const LONGEST_RUN: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    /// The Cabinet Office's table (国民の祝日・休日, syukujitsu.csv), as month and day.
    const OFFICIAL: [(i32, &str); 8] = [
        (2020, "101 113 211 223 224 320 429 503 504 505 506 723 724 810 921 922 1103 1123"),
        (2021, "101 111 211 223 320 429 503 504 505 722 723 808 809 920 923 1103 1123"),
        (2022, "101 110 211 223 321 429 503 504 505 718 811 919 923 1010 1103 1123"),
        (2023, "101 102 109 211 223 321 429 503 504 505 717 811 918 923 1009 1103 1123"),
        (2024, "101 108 211 212 223 320 429 503 504 505 506 715 811 812 916 922 923 1014 1103 1104 1123"),
        (2025, "101 113 211 223 224 320 429 503 504 505 506 721 811 915 923 1013 1103 1123 1124"),
        (2026, "101 112 211 223 320 429 503 504 505 506 720 811 921 922 923 1012 1103 1123"),
        (2027, "101 111 211 223 321 322 429 503 504 505 719 811 920 923 1011 1103 1123"),
    ];

    fn days(year: i32) -> impl Iterator<Item = NaiveDate> {
        NaiveDate::from_yo_opt(year, 1).expect("a day").iter_days().take_while(move |day| day.year() == year)
    }

    #[test]
    fn the_official_table_is_computed_to_the_day() {
        for (year, official) in OFFICIAL {
            let computed: Vec<String> = days(year)
                .filter(|day| is_holiday(*day))
                .map(|day| format!("{}{:02}", day.month(), day.day()))
                .collect();
            assert_eq!(computed.join(" "), official, "{year}");
        }
    }

    /// Counted once by two other programs (python-holidays and jpholiday agree): 1430 days from 2020 to 2099. The sum of
    /// the days' numbers within their years catches a moved one.
    #[test]
    fn eighty_years_hold_as_many_as_others_count() {
        let all = || (2020..=2099).flat_map(days).filter(|day| is_holiday(*day));
        assert_eq!((all().count(), all().map(|day| u64::from(day.ordinal())).sum::<u64>()), (1430, SUM));
    }

    const SUM: u64 = 227_840;
}
