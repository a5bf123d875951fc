//! Playing sound a little faster or slower, and joining two frames into one.
//!
//! Cubic (Catmull–Rom) interpolation: at ±0.5 % and voice's bandwidth its error is far below what people hear, and it
//! costs four multiplications a sample. Mono; two samples of delay.

/// Turns samples of one rate into samples of a rate that is a little different.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// Samples of the block before that the cubic still needs, then the block itself.
    samples: Vec<i16>,
    position: f64,
}

impl Default for Resampler {
    fn default() -> Self {
        Self { samples: vec![0; TAIL], position: 1.0 }
    }
}

impl Resampler {
    /// Appends `input` to `output`, read `ratio` times as fast: about `input.len() / ratio` samples. Seamless from call
    /// to call, also when the ratio changes.
    pub fn run(&mut self, input: &[i16], ratio: f64, output: &mut Vec<i16>) {
        self.samples.extend_from_slice(input);
        loop {
            let index = self.position as usize;
            let Some(&[before, from, to, after]) = self.samples.get(index - 1..).and_then(|rest| rest.first_chunk())
            else {
                break;
            };
            output.push(between([before, from, to, after], self.position - index as f64));
            self.position += ratio;
        }
        let used = self.samples.len() - TAIL;
        self.samples.drain(..used);
        self.position -= used as f64;
    }
}

/// Fades from `leaving` to `coming` over their common length; the rest of the longer one is not used.
pub fn cross_fade(leaving: &[i16], coming: &[i16]) -> Vec<i16> {
    let length = leaving.len().min(coming.len());
    let faded = leaving.iter().zip(coming).enumerate().map(|(index, (&leaving, &coming))| {
        let share = (index as f32 + 0.5) / length as f32;
        (f32::from(leaving) * (1.0 - share) + f32::from(coming) * share) as i16
    });
    faded.collect()
}

fn between([before, from, to, after]: [i16; 4], share: f64) -> i16 {
    let [before, from, to, after] = [before, from, to, after].map(f64::from);
    let cubic = 3.0 * (from - to) + after - before;
    let square = 2.0 * before - 5.0 * from + 4.0 * to - after;
    let value = from + 0.5 * share * (to - before + share * (square + share * cubic));
    value.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

/// Samples a block leaves for the next one.
const TAIL: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(samples: usize, hertz: f64) -> Vec<i16> {
        let step = std::f64::consts::TAU * hertz / 48_000.0;
        (0..samples).map(|index| (12_000.0 * (index as f64 * step).sin()) as i16).collect()
    }

    #[test]
    fn unchanged_speed_gives_the_same_samples() {
        let input = tone(4800, 440.0);
        let mut output = Vec::new();
        let mut resampler = Resampler::default();
        input.chunks(480).for_each(|block| resampler.run(block, 1.0, &mut output));
        assert_eq!(output.len(), input.len());
        assert_eq!(output[2..], input[..4798]);
    }

    #[test]
    fn half_a_percent_faster_is_that_much_shorter_and_stays_a_clean_tone() {
        for ratio in [0.995, 1.005] {
            let input = tone(48_000, 1000.0);
            let mut output = Vec::new();
            let mut resampler = Resampler::default();
            input.chunks(480).for_each(|block| resampler.run(block, ratio, &mut output));
            let expected = input.len() as f64 / ratio;
            assert!((output.len() as f64 - expected).abs() <= 2.0, "{} of {expected}", output.len());
            let wanted = tone(output.len(), 1000.0 * ratio);
            // The resampler is two samples late, in input samples.
            let error = output[100..40_000].iter().enumerate().map(|(index, &sample)| {
                let step = std::f64::consts::TAU * 1000.0 / 48_000.0;
                let ideal = 12_000.0 * (((index + 100) as f64 * ratio - 2.0) * step).sin();
                (f64::from(sample) - ideal).powi(2)
            });
            let rms = (error.sum::<f64>() / 39_900.0).sqrt();
            assert!(rms < 12.0, "error {rms} of 12000: less than 60 dB below");
            assert_eq!(wanted.len(), output.len());
        }
    }

    #[test]
    fn a_cross_fade_begins_with_one_and_ends_with_the_other() {
        let faded = cross_fade(&[1000; 480], &[-1000; 480]);
        assert_eq!(faded.len(), 480);
        assert!(faded[0] > 990 && faded[479] < -990 && faded[240].abs() < 10);
        assert!(faded.windows(2).all(|pair| pair[1] <= pair[0]));
    }
}
