//! What both boxes told while time passed: whether the link stayed up, how the picture moved, how the sound was.

use super::boxes::{Pair, name};
use super::lab::End;
use super::pause;
use super::recovery::measured;
use serde_json::Value;
use std::time::{Duration, Instant};

/// One box over some time.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Every state the link was shown in.
    pub links: Vec<String>,
    /// Sessions opened meanwhile.
    pub sessions: u64,
    /// Between two frames handed on, as far as the status tells.
    pub longest_gap: Duration,
    /// One of each per second.
    pub fps: Vec<f64>,
    pub concealed: Vec<f64>,
    pub loss: Vec<f64>,
    pub kbps_out: Vec<f64>,
    pub estimate_kbps: Vec<f64>,
    pub played_dbfs: Vec<f64>,
    pub delay_ms: Vec<f64>,
    pub sound_delay_ms: Vec<f64>,
}

impl Watched {
    pub fn stayed_up(&self) -> bool {
        self.links == ["up"]
    }
}

impl Pair<'_> {
    /// Both boxes for so long; prints what was seen.
    pub fn watch(&self, what: &str, time: Duration) -> [Watched; 2] {
        let until = Instant::now() + time;
        let mut seen: [Watched; 2] = Default::default();
        let mut before: [Option<Value>; 2] = Default::default();
        while Instant::now() < until {
            for end in End::BOTH {
                let status = self.status(end).unwrap_or_else(|| panic!("{what}: box {} answers", name(end)));
                seen[end as usize].take(&status, before[end as usize].as_ref());
                before[end as usize] = Some(status);
            }
            pause(Duration::from_millis(20));
        }
        for (end, watched) in End::BOTH.into_iter().zip(&seen) {
            let figures = format!(
                "link {}, {} new sessions, {:.1} fps (least {:.1}), longest gap {} ms, concealed {:.1} % (worst second {:.1} %), \
                 loss {:.1} %, out {:.0} kbit/s (most {:.0}), estimate {:.0} kbit/s, picture delay p95 {:.0} ms, sound delay p95 {:.0} ms (mean {:.0})",
                watched.links.join("→"),
                watched.sessions,
                mean(&watched.fps),
                least(&watched.fps),
                watched.longest_gap.as_millis(),
                100.0 * mean(&watched.concealed),
                100.0 * most(&watched.concealed),
                100.0 * mean(&watched.loss),
                mean(&watched.kbps_out),
                most(&watched.kbps_out),
                mean(&watched.estimate_kbps),
                most(&watched.delay_ms),
                most(&watched.sound_delay_ms),
                mean(&watched.sound_delay_ms),
            );
            measured(&format!("{what}, box {}", name(end)), figures);
        }
        seen
    }
}

impl Watched {
    fn take(&mut self, status: &Value, before: Option<&Value>) {
        let link = status["link"].as_str().unwrap_or("?");
        // The moment too: it may have gone and returned between two looks.
        if before.is_none_or(|before| before["since_ns"] != status["since_ns"]) {
            self.links.push(link.to_owned());
        }
        let Some(before) = before else { return };
        let count = |of: &Value| of["sessions_opened"].as_u64().unwrap_or(0);
        self.sessions += count(status) - count(before);
        let frame = |of: &Value| of["last_frame_ns"].as_u64();
        if let Some((new, old)) = frame(status).zip(frame(before)) {
            self.longest_gap = self.longest_gap.max(Duration::from_nanos(new.saturating_sub(old)));
        }
        let second = |of: &Value| of["at_ns"].as_u64().unwrap_or(0) / 1_000_000_000;
        if second(status) != second(before) {
            for (list, value) in [
                (&mut self.fps, &status["picture_in"]["fps"]),
                (&mut self.concealed, &status["concealed"]),
                (&mut self.loss, &status["loss"]),
                (&mut self.kbps_out, &status["kbps_out"]),
                (&mut self.estimate_kbps, &status["estimate_kbps"]),
                (&mut self.played_dbfs, &status["played_dbfs"]),
                (&mut self.delay_ms, &status["picture_delay_ms"]["p95"]),
                (&mut self.sound_delay_ms, &status["sound_delay_ms"]["p95"]),
            ] {
                list.extend(value.as_f64());
            }
        }
    }
}

/// Not a number when there are none: no comparison with it holds.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}

pub fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}

/// How busy the machine was: above nine tenths a figure measured meanwhile does not count, and says so.
pub struct Busy([u64; 2]);

impl Busy {
    pub fn since_now() -> Self {
        let stat = std::fs::read_to_string("/proc/stat").expect("/proc/stat");
        let ticks: Vec<u64> = stat
            .lines()
            .next()
            .into_iter()
            .flat_map(str::split_whitespace)
            .skip(1)
            .map_while(|word| word.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; what a guest took is in user already (proc(5)).
        Self([ticks[3] + ticks[4], ticks[..8].iter().sum()])
    }

    pub fn says(&self, what: &str) {
        let Self([idle, all]) = Self::since_now();
        let percent = 100.0 - 100.0 * (idle - self.0[0]) as f64 / (all - self.0[1]).max(1) as f64;
        let word = if percent > 90.0 { ": NOT VALID, above 90 %" } else { "" };
        eprintln!("the machine was busy for {percent:.0} % of the time, {what}{word}");
    }
}
