//! How loud the far room is here, and the soft chime of a knock: sound as numbers, 48 kHz mono.
//!
//! Promise: neither a new loudness nor the end of a ring clicks; the chime comes every three seconds whether the far room is
//! heard or not, and its loudness is its own: a room that is turned down still hears the knock.

use crate::model::Moment;
use std::f64::consts::TAU;
use std::time::Duration;

/// The far room's loudness; silent until told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loudness {
    now: f32,
    wanted: f32,
}

impl Loudness {
    /// 0 … 100. Cubic, as ears are: half the way sounds half as loud (−18 dB).
    pub(super) fn set(&mut self, hundredths: u8) {
        self.wanted = (f32::from(hundredths.min(100)) / 100.0).powi(3);
    }

    /// From the first sample on, after a pause in which nobody heard a change.
    pub(super) fn begin_anew(&mut self) {
        self.now = self.wanted;
    }

    /// What samples are scaled with once a change is over.
    pub(super) fn gain(&self) -> f32 {
        self.wanted
    }

    /// Scales samples, moving to a new loudness within [`FADE`].
    pub(super) fn apply(&mut self, samples: &mut [i16]) {
        const STEP: f32 = 1.0 / FADE as f32;
        for sample in samples {
            self.now += (self.wanted - self.now).clamp(-STEP, STEP);
            *sample = (f32::from(*sample) * self.now).round() as i16;
        }
    }
}

/// The knock's chime.
#[derive(Debug)]
pub(super) struct Chime {
    tones: Vec<i16>,
    wanted: bool,
    /// Loudness of the ring itself, so that it ends softly.
    fade: f32,
    /// The next sample of the chime, and when it is played.
    next: Option<(usize, Moment)>,
}

impl Default for Chime {
    fn default() -> Self {
        Self { tones: tones(), wanted: false, fade: 0.0, next: None }
    }
}

impl Chime {
    /// Ring or fall silent.
    pub(super) fn ring(&mut self, ring: bool, now: Moment) {
        self.wanted = ring;
        if ring && self.next.is_none() {
            (self.next, self.fade) = (Some((0, now)), 1.0);
        } else if !ring && self.next.is_some_and(|(position, _)| position == 0) {
            self.next = None;
        }
    }

    /// When the next sample sounds; `None`: nothing rings.
    pub(super) fn due(&self) -> Option<Moment> {
        self.next.map(|(_, at)| at)
    }

    /// Adds what sounds in `samples`, the first of which is played at `at`.
    pub(super) fn mix(&mut self, samples: &mut [i16], at: Moment) {
        let Some((position, due)) = self.next else { return };
        let early = usize::try_from(u128::from(RATE) * due.since(at).as_nanos() / 1_000_000_000).unwrap_or(usize::MAX);
        let skip = early.min(samples.len());
        let played = samples.len() - skip;
        const STEP: f32 = 1.0 / FADE as f32;
        for (sample, tone) in samples[skip..].iter_mut().zip(self.tones[position..].iter()) {
            let towards = if self.wanted { STEP } else { -STEP };
            self.fade = (self.fade + towards).clamp(0.0, 1.0);
            *sample = sample.saturating_add((f32::from(*tone) * self.fade) as i16);
        }
        let silent = !self.wanted && self.fade <= 0.0;
        let end = position + played;
        self.next = if silent {
            None
        } else if end < self.tones.len() {
            Some((end, at.max(due) + length(played)))
        } else if self.wanted {
            Some((0, at.max(due) + EVERY.saturating_sub(length(position))))
        } else {
            None
        };
    }
}

/// Two soft notes, the second one lower: e'' and c''. Each begins within 8 ms and dies away.
fn tones() -> Vec<i16> {
    let seconds = |sample: usize| sample as f64 / f64::from(RATE);
    let note = |hertz: f64, since: f64| {
        if since < 0.0 {
            return 0.0;
        }
        let overtone = 0.18 * (2.0 * hertz * since * TAU).sin() * (-9.0 * since).exp();
        ((hertz * since * TAU).sin() + overtone) * (-4.5 * since).exp() * (since / 0.008).min(1.0)
    };
    let samples = (CHIME.as_secs_f64() * f64::from(RATE)) as usize;
    let last = seconds(samples);
    (0..samples)
        .map(seconds)
        .map(|at| {
            let fading_out = ((last - at) / 0.1).min(1.0);
            (LOUD * fading_out * (note(659.26, at) + note(523.25, at - 0.42))) as i16
        })
        .collect()
}

/// How long so many samples last.
pub(super) fn length(samples: usize) -> Duration {
    Duration::from_nanos(samples as u64 * 62_500 / 3)
}

/// Samples a second.
const RATE: u32 = 48_000;
/// Samples from silence to full: 20 ms.
const FADE: usize = 960;
/// A chime begins so often.
const EVERY: Duration = Duration::from_secs(3);
/// And lasts so long.
const CHIME: Duration = Duration::from_millis(1600);
/// −17 dBFS: heard across a room, and nobody jumps.
const LOUD: f64 = 4_600.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(samples: usize) -> Moment {
        Moment::from_nanos(1_000_000_000) + length(samples)
    }

    /// Rings in blocks of 10 ms and gives every sample; `until` the ring is wanted.
    fn heard(blocks: usize, until: usize) -> Vec<i16> {
        let mut chime = Chime::default();
        chime.ring(true, at(0));
        let mut heard = Vec::new();
        for block in 0..blocks {
            if block == until {
                chime.ring(false, at(block * 480));
            }
            let mut samples = [0; 480];
            chime.mix(&mut samples, at(block * 480));
            heard.extend(samples);
        }
        heard
    }

    fn loudest_step(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap()
    }

    fn loudest(samples: &[i16]) -> i16 {
        samples.iter().map(|sample| sample.saturating_abs()).max().unwrap()
    }

    /// Energy at a frequency (Goertzel, 1958), as an amplitude.
    fn at_hertz(samples: &[i16], hertz: f64) -> f64 {
        let (mut cos, mut sin) = (0.0, 0.0);
        for (index, sample) in samples.iter().enumerate() {
            let angle = index as f64 * hertz / 48_000.0 * TAU;
            (cos, sin) = (cos + f64::from(*sample) * angle.cos(), sin + f64::from(*sample) * angle.sin());
        }
        2.0 * cos.hypot(sin) / samples.len() as f64
    }

    #[test]
    fn the_chime_has_two_tones_is_soft_and_comes_every_three_seconds() {
        let heard = heard(700, usize::MAX);
        assert!((2_500..6_500).contains(&loudest(&heard)), "{}", loudest(&heard));
        let (first, second) = (&heard[2_000..18_000], &heard[24_000..40_000]);
        assert!(at_hertz(first, 659.26) > 5.0 * at_hertz(first, 523.25));
        assert!(at_hertz(second, 523.25) > 2.0 * at_hertz(second, 659.26));
        assert_eq!(loudest(&heard[80_000..143_900]), 0, "between two chimes nothing sounds");
        for again in [144_000, 288_000] {
            assert!(loudest(&heard[again..again + 9_600]) > 2_500, "again at {again}");
        }
        assert!(loudest_step(&heard) < 700, "{}", loudest_step(&heard));
    }

    #[test]
    fn a_ring_that_ends_dies_within_twenty_milliseconds_without_a_click() {
        let heard = heard(100, 10);
        assert!(loudest(&heard[4_000..4_800]) > 1_000);
        assert_eq!(loudest(&heard[4_800 + 960..]), 0);
        assert!(loudest_step(&heard) < 700, "{}", loudest_step(&heard));
    }

    #[test]
    fn a_chime_never_overflows_and_waits_for_its_moment() {
        let mut chime = Chime::default();
        chime.ring(true, at(480));
        let mut samples = [i16::MAX; 960];
        chime.mix(&mut samples, at(0));
        assert!(samples.iter().all(|sample| *sample > 20_000));
        assert_eq!(samples[..480], [i16::MAX; 480]);
        assert_eq!(chime.due(), Some(at(480) + length(480)));
    }

    #[test]
    fn loudness_is_cubic_and_changes_without_a_click() {
        let level = |hundredths| {
            let mut loudness = Loudness::default();
            loudness.set(hundredths);
            loudness.begin_anew();
            let mut samples = [10_000; 4];
            loudness.apply(&mut samples);
            samples[3]
        };
        assert_eq!([0, 50, 80, 100, 200].map(level), [0, 1_250, 5_120, 10_000, 10_000]);
        let mut loudness = Loudness::default();
        loudness.set(100);
        let mut samples = [10_000; 2_000];
        loudness.apply(&mut samples);
        assert!(loudest_step(&samples) < 12, "{}", loudest_step(&samples));
        assert_eq!((samples[100] / 100, samples[959], samples[1_999]), (10, 10_000, 10_000));
    }
}
