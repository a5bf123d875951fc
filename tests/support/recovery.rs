//! What a fault costs: moments of this machine's monotonic clock, which the status speaks in too, and what passed between
//! them. Figures are printed as `measured: WHAT: N ms`; the limits in the tests are generous, the figures are not.

use super::boxes::{Pair, name};
use super::lab::End;
use super::pause;
use nix::time::{ClockId, clock_gettime};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Nanoseconds of CLOCK_MONOTONIC.
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    u64::try_from(now.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap()
}

/// Prints a figure for people and for tests/trixie/run.sh.
pub fn measured(what: &str, value: impl std::fmt::Display) {
    eprintln!("measured: {what}: {value}");
}

impl Pair<'_> {
    /// Waits until both boxes have decoded a frame after `since`, and prints how long after it that was.
    pub fn frames_return(&self, what: &str, since: u64, limit: Duration) -> [Duration; 2] {
        self.frames_return_at(&End::BOTH, what, since, limit).try_into().unwrap()
    }

    /// The same of some boxes.
    pub fn frames_return_at(&self, ends: &[End], what: &str, since: u64, limit: Duration) -> Vec<Duration> {
        let deadline = Instant::now() + limit + ASKING;
        let mut seen = vec![None; ends.len()];
        while seen.contains(&None) {
            assert!(Instant::now() < deadline, "{what}: no fresh frame at both ends within {limit:?}\n{}", self.said());
            for (end, seen) in ends.iter().zip(&mut seen) {
                if seen.is_none() {
                    *seen = self.status(*end).and_then(|status| first_frame_after(&status, since));
                }
            }
            pause(Duration::from_millis(5));
        }
        let delays: Vec<Duration> =
            seen.into_iter().flatten().map(|at| Duration::from_nanos(at.saturating_sub(since))).collect();
        let shown: Vec<String> = delays.iter().map(|delay| delay.as_millis().to_string()).collect();
        measured(what, format!("{} ms", shown.join(" / ")));
        assert!(delays.iter().all(|delay| *delay <= limit), "{what}: {delays:?}, at most {limit:?}");
        delays
    }

    /// Waits until both boxes show the link as lost, and prints how long after the last frame that was.
    pub fn loss_is_noticed(&self, what: &str, limit: Duration) {
        let delays = End::BOTH.map(|end| {
            let status = self.wait_status(end, limit + ASKING, "link lost", |status| status["link"] == "lost");
            let last_frame = status["last_frame_ns"].as_u64().unwrap();
            Duration::from_nanos(status["since_ns"].as_u64().unwrap().saturating_sub(last_frame))
        });
        measured(what, format!("{} / {} ms", delays[0].as_millis(), delays[1].as_millis()));
        assert!(delays.iter().all(|delay| *delay <= limit), "{what}: {delays:?}, at most {limit:?}");
    }

    /// The session on which media moves, which both boxes must name alike.
    pub fn session(&self) -> String {
        let [a, b] = self.wait_up(ASKING).map(|status| status["session"].as_str().unwrap().to_owned());
        assert_eq!(a, b, "both boxes speak of one session");
        a
    }

    /// Picture and sound move both ways: frames at more than a third of their pace, and the far test sound is heard.
    pub fn all_moves(&self, limit: Duration) {
        for end in End::BOTH {
            self.wait_status(end, limit, "picture and sound", |status| {
                let number = |value: &Value| value.as_f64().unwrap_or(f64::MIN);
                status["link"] == "up"
                    && number(&status["picture_in"]["fps"]) > 5.0
                    && number(&status["played_dbfs"]) > AUDIBLE
            });
        }
    }

    /// What both boxes say now.
    pub fn said(&self) -> String {
        End::BOTH.map(|end| format!("{}: {:?}", name(end), self.status(end))).join("\n")
    }
}

/// When the first frame after `since` was decoded, as nearly as one answer tells.
fn first_frame_after(status: &Value, since: u64) -> Option<u64> {
    ["first_frame_ns", "last_frame_ns"].iter().filter_map(|field| status[field].as_u64()).filter(|at| *at > since).min()
}

/// An answer takes its time on a busy machine.
const ASKING: Duration = Duration::from_secs(3);
/// dBFS; the test sound is far louder, silence is −100.
const AUDIBLE: f64 = -60.0;
