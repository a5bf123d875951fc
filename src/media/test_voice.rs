//! The test sound: something a speech codec takes for a voice, made of a buzzing pitch under moving formants.
//!
//! It is a pure function of time, so that two boxes and a test can know what was said when. Not music, not noise:
//! Opus spends its loss protection (LBRR) only on what its detector calls speech.

use std::f64::consts::TAU;

/// [`LOOP`] samples of voice, S16, 48 kHz, mono.
pub(crate) fn table() -> Vec<i16> {
    let mut phase = 0.0_f64;
    (0..LOOP)
        .map(|index| {
            let time = index as f64 / RATE;
            // Pitch and syllables repeat exactly every two seconds, so the loop has no seam.
            phase += (PITCH_HZ + 12.0 * (TAU * time / 2.0).sin()) / RATE;
            let syllable = (TAU * time * 4.0).sin().max(0.0).sqrt();
            let (first, second) = VOWELS[index * VOWELS.len() / LOOP];
            let buzz: f64 = (1..=HARMONICS)
                .map(|harmonic| {
                    let hertz = PITCH_HZ * f64::from(harmonic);
                    let gain = peak(hertz, first, 120.0) + 0.5 * peak(hertz, second, 180.0);
                    gain * (TAU * phase * f64::from(harmonic)).sin()
                })
                .sum();
            (buzz * syllable * 4000.0).clamp(-30_000.0, 30_000.0) as i16
        })
        .collect()
}

/// Fills `bytes` (S16LE) with the voice at `start_ns` of the monotonic clock.
pub(crate) fn write(table: &[i16], start_ns: u64, bytes: &mut [u8]) {
    let first = u128::from(start_ns) * 48_000 / 1_000_000_000;
    let first = usize::try_from(first % table.len() as u128).unwrap_or(0);
    for (sample, value) in bytes.chunks_exact_mut(2).zip(table[first..].iter().chain(table.iter().cycle())) {
        sample.copy_from_slice(&value.to_le_bytes());
    }
}

fn peak(hertz: f64, centre: f64, width: f64) -> f64 {
    1.0 / (1.0 + ((hertz - centre) / width).powi(2))
}

const RATE: f64 = 48_000.0;
const LOOP: usize = 96_000;
const PITCH_HZ: f64 = 130.0;
const HARMONICS: u32 = 24;
/// First and second formant in Hz of a, i, u, e, o.
const VOWELS: [(f64, f64); 5] = [(800.0, 1300.0), (300.0, 2300.0), (350.0, 1300.0), (500.0, 1900.0), (500.0, 850.0)];
