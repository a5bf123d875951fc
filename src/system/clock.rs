//! The only reader of clocks.

use crate::model::Moment;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The box's monotonic clock, the same one GStreamer's system clock reads. Tests and benches may let it run fast or slow, and
/// may let it begin elsewhere, to meet in minutes what comes after weeks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    setting: ClockSetting,
    start_ns: u64,
}

/// How a clock differs from the machine's. The default does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockSetting {
    /// Parts per million by which it runs fast.
    pub ppm: i32,
    /// What it reads when it is started; the machine's reading if `None`.
    pub begins_at: Option<Moment>,
}

impl Clock {
    /// Starts it.
    pub fn start(setting: ClockSetting) -> Self {
        Self { setting, start_ns: raw_nanos() }
    }

    /// Its reading.
    pub fn now(&self) -> Moment {
        let elapsed = raw_nanos().saturating_sub(self.start_ns);
        let gained = i128::from(elapsed) * i128::from(self.setting.ppm) / 1_000_000;
        self.begin().shifted(i64::try_from(i128::from(elapsed) + gained).unwrap_or(i64::MAX))
    }

    /// The machine's reading when it was started, nanoseconds, and what this clock read then.
    pub fn anchor(&self) -> (u64, Moment) {
        (self.start_ns, self.begin())
    }

    /// Parts per million by which it runs fast.
    pub const fn ppm(&self) -> i32 {
        self.setting.ppm
    }

    fn begin(&self) -> Moment {
        self.setting.begins_at.unwrap_or(Moment::from_nanos(self.start_ns))
    }
}

/// The wall clock, milliseconds since 1970, for showing and comparing only; zero before 1970.
pub fn wall_ms() -> u64 {
    clock_gettime(ClockId::CLOCK_REALTIME)
        .ok()
        .and_then(|time| u64::try_from(Duration::from(time).as_millis()).ok())
        .unwrap_or(0)
}

/// The wall clock as people write it, for papers.
pub fn date_and_time() -> String {
    chrono::Local::now().format("%Y-%m-%d %H:%M").to_string()
}

/// Sets the wall clock: time since 1970. [`super::clock_wish`] is how the daemon asks for it.
///
/// # Errors
/// When this process has no right to.
pub fn set_wall(time: Duration) -> std::io::Result<()> {
    let time = nix::sys::time::TimeSpec::from_duration(time);
    nix::time::clock_settime(ClockId::CLOCK_REALTIME, time).map_err(std::io::Error::from)
}

fn raw_nanos() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .ok()
        .and_then(|time| u64::try_from(Duration::from(time).as_nanos()).ok())
        .unwrap_or(0)
}
