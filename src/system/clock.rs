//! The only reader of clocks.

use crate::model::Moment;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The box's monotonic clock, the same one GStreamer's system clock reads; optionally run fast or slow for drift tests.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start_ns: u64,
    ppm: i32,
}

impl Clock {
    /// A clock that runs `ppm` parts per million fast from now on; 0 outside drift benches.
    pub fn start(ppm: i32) -> Self {
        Self { start_ns: raw_nanos(), ppm }
    }

    /// The clock's reading.
    pub fn now(&self) -> Moment {
        let raw = raw_nanos();
        let elapsed = raw.saturating_sub(self.start_ns);
        let gained = i128::from(elapsed) * i128::from(self.ppm) / 1_000_000;
        Moment::from_nanos(raw.saturating_add_signed(i64::try_from(gained).unwrap_or(0)))
    }

    /// The reading at which this clock was started, in nanoseconds: both scales agree there.
    pub const fn start_nanos(&self) -> u64 {
        self.start_ns
    }

    /// How fast it runs.
    pub const fn ppm(&self) -> i32 {
        self.ppm
    }
}

/// The wall clock, milliseconds since 1970, for showing and comparing only; zero before 1970.
pub fn wall_ms() -> u64 {
    clock_gettime(ClockId::CLOCK_REALTIME)
        .ok()
        .and_then(|time| u64::try_from(Duration::from(time).as_millis()).ok())
        .unwrap_or(0)
}

fn raw_nanos() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .ok()
        .and_then(|time| u64::try_from(Duration::from(time).as_nanos()).ok())
        .unwrap_or(0)
}
