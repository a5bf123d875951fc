//! What happens once in weeks, met within seconds: RTP time and sequence numbers, the congestion feedback's reference time and
//! the machine's monotonic clock wrap or overflow in the middle of a live link, and sessions are replaced without a gap.
//!
//! Every box here counts its own time, so the two ends of a link meet two different wraps in one test.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use engawa::cli::pair_of_boxes::Footprint;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use support::boxes::{Pair, Setup};
use support::lab::End;
use support::pause;

#[test]
fn rtp_time_and_sequence_numbers_wrap_unnoticed() {
    let mut pair = Pair::prepare(None, &small());
    for end in End::BOTH {
        // The camera's time wraps after 4 s, the voice's after 7.5 s, sequence numbers after 136 packets.
        pair.add_argument(end, "--rtp-starts=4294607295,65400");
    }
    pair.start_both();
    pair.wait_up(LIMIT);
    watch(&mut pair, Duration::from_secs(10));
}

#[test]
fn sequence_numbers_and_time_that_wrap_at_once_are_no_trouble_either() {
    let mut pair = Pair::prepare(None, &small());
    for end in End::BOTH {
        pair.add_argument(end, "--rtp-starts=4294960000,65500");
    }
    pair.start_both();
    pair.wait_up(LIMIT);
    watch(&mut pair, Duration::from_secs(4));
}

#[test]
fn the_clock_passes_2_to_the_31_milliseconds_and_the_feedback_time_wraps() {
    let mut pair = Pair::prepare(None, &small());
    pair.add_argument(End::A, &begins_at(MILLISECONDS_31_BITS_S));
    pair.add_argument(End::B, &begins_at(TWCC_REFERENCE_TIME_S));
    pair.start_both();
    pair.wait_up(LIMIT);
    passed(&mut pair, [MILLISECONDS_31_BITS_S, TWCC_REFERENCE_TIME_S]);
}

#[test]
fn the_clock_passes_248_days_and_2_to_the_32_milliseconds() {
    let mut pair = Pair::prepare(None, &small());
    pair.add_argument(End::A, &begins_at(SEGMENTS_31_BITS_S));
    pair.add_argument(End::B, &begins_at(MILLISECONDS_32_BITS_S));
    pair.start_both();
    pair.wait_up(LIMIT);
    passed(&mut pair, [SEGMENTS_31_BITS_S, MILLISECONDS_32_BITS_S]);
}

#[test]
fn twenty_renewals_cost_not_one_picture_and_leave_nothing_behind() {
    let mut pair = Pair::prepare(None, &small());
    pair.add_argument(End::A, "--renew-every-ms=800");
    pair.start_both();
    pair.wait_up(LIMIT);
    let feet = |pair: &mut Pair<'_>| End::BOTH.map(|end| Footprint::of(pair.daemon(end).pid()).unwrap());
    let since = End::BOTH.map(|end| pair.status(end).unwrap()["since_ns"].clone());
    let mut sessions = BTreeSet::new();
    let mut settled = None;
    let deadline = Instant::now() + LONG;
    while sessions.len() < 22 {
        assert!(Instant::now() < deadline, "{} sessions within {LONG:?}", sessions.len());
        for end in End::BOTH {
            let status = pair.status(end).unwrap();
            assert_eq!((&status["link"], &status["since_ns"]), (&"up".into(), &since[end as usize]), "{status}");
            let gap = status["at_ns"].as_u64().unwrap() - status["last_frame_ns"].as_u64().unwrap();
            assert!(gap < GAP_NS, "{} ms without a picture after {} sessions", gap / 1_000_000, sessions.len());
            sessions.extend(status["session"].as_str().map(str::to_owned));
        }
        if sessions.len() == 8 && settled.is_none() {
            settled = Some(feet(&mut pair));
        }
        pause(Duration::from_millis(25));
    }
    // The old session is gone one second after the new one came, at the latest.
    pause(Duration::from_millis(200));
    for (before, after) in settled.unwrap().iter().zip(feet(&mut pair)) {
        // A session being built or closed at this very moment is allowed for, one left behind at each renewal is not.
        assert!(after.threads <= before.threads + THREADS_OF_A_SESSION, "{before:?} {after:?}");
        assert!(after.fds <= before.fds + FDS_OF_A_SESSION, "{before:?} {after:?}");
        assert!(after.rss_kib < before.rss_kib + 30_000, "{before:?} {after:?}");
    }
}

/// Watches until well after the second at which each box's clock overflows something.
fn passed(pair: &mut Pair<'_>, at_s: [u64; 2]) {
    let clock = |pair: &Pair<'_>, end: End| pair.status(end).unwrap()["at_ns"].as_u64().unwrap() / 1_000_000_000;
    for end in End::BOTH {
        let now = clock(pair, end);
        assert!(now < at_s[end as usize], "the link came up before the wrap: {now} of {}", at_s[end as usize]);
    }
    watch(pair, Duration::from_secs(LEAD_S + 5));
    for end in End::BOTH {
        assert!(clock(pair, end) > at_s[end as usize] + 1, "the wrap was passed");
    }
}

/// For `time` the link is up, the session stays, pictures and sound arrive, and it costs no more than before.
fn watch(pair: &mut Pair<'_>, time: Duration) {
    for end in End::BOTH {
        pair.wait_status(end, LIMIT, "pictures and sound", flowing);
    }
    let before = End::BOTH.map(|end| pair.status(end).unwrap());
    let feet = End::BOTH.map(|end| Footprint::of(pair.daemon(end).pid()).unwrap());
    let begun = Instant::now();
    while begun.elapsed() < time {
        for end in End::BOTH {
            let (before, status) = (&before[end as usize], pair.status(end).unwrap());
            for field in ["link", "since_ns", "session", "sessions_opened"] {
                assert_eq!(before[field], status[field], "{field} after {:?}: {status}", begun.elapsed());
            }
            let gap = status["at_ns"].as_u64().unwrap() - status["last_frame_ns"].as_u64().unwrap();
            assert!(gap < GAP_NS, "{} ms without a picture after {:?}", gap / 1_000_000, begun.elapsed());
            assert!(sane(&status), "after {:?}: {status}", begun.elapsed());
        }
        pause(Duration::from_millis(100));
    }
    for end in End::BOTH {
        let after = Footprint::of(pair.daemon(end).pid()).unwrap();
        let before = feet[end as usize];
        let cores = (after.cpu_s - before.cpu_s) / begun.elapsed().as_secs_f64();
        assert!(cores < 0.8, "{cores:.2} cores");
        assert!(after.rss_kib < before.rss_kib + 60_000, "{before:?} {after:?}");
        pair.wait_status(end, LIMIT, "pictures and sound", flowing);
    }
}

fn flowing(status: &Value) -> bool {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    number(&status["picture_in"]["fps"]) >= 8.0
        && number(&status["played_dbfs"]) > -60.0
        && number(&status["picture_delay_ms"]["p50"]) < 1000.0
        && number(&status["sound_delay_ms"]["p50"]) < 1000.0
}

/// What is known is plausible.
fn sane(status: &Value) -> bool {
    let below = |value: &Value, limit: f64| value.as_f64().is_none_or(|value| (0.0..limit).contains(&value));
    below(&status["picture_delay_ms"]["p50"], 1500.0)
        && below(&status["sound_delay_ms"]["p50"], 1500.0)
        && below(&status["rtt_ms"], 500.0)
        && below(&status["jitter_ms"], 500.0)
        && below(&status["loss"], 0.2)
        && below(&status["estimate_kbps"], 100_000.0)
}

fn begins_at(wrap_s: u64) -> String {
    format!("--clock-begins-at-s={}", wrap_s - LEAD_S)
}

fn small() -> Setup {
    Setup { size: "320x180".into(), ..Setup::default() }
}

/// 24.8 days.
const MILLISECONDS_31_BITS_S: u64 = (1 << 31) / 1000;
/// 49.7 days.
const MILLISECONDS_32_BITS_S: u64 = (1 << 32) / 1000;
/// 12.4 days: 24 bits of 64 ms (draft-holmer-rmcat-transport-wide-cc-extensions).
const TWCC_REFERENCE_TIME_S: u64 = (1 << 24) * 64 / 1000;
/// 248 days: 31 bits of audio segments of 10 ms.
const SEGMENTS_31_BITS_S: u64 = (1 << 31) / 100;
/// The clock begins so long before it: a loaded machine links within this.
const LEAD_S: u64 = 8;
const LIMIT: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(60);
const GAP_NS: u64 = 1_500_000_000;
const THREADS_OF_A_SESSION: u64 = 30;
const FDS_OF_A_SESSION: u64 = 20;
