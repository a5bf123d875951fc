//! Opus packets into samples: decoding, concealment, the copy that the following packet carries, and the resampler.

use crate::core::playout::{Resampler, Sound, cross_fade};
use gstreamer as gst;

/// What a step's sound was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Played {
    Whole,
    Merged,
    /// From the packet that follows the lost one.
    Recovered,
    Concealed,
}

/// The voice thread's own: decoder, resampler and their buffers.
pub(super) struct Decoder {
    opus: opus::Decoder,
    resampler: Resampler,
    decoded: Vec<i16>,
    /// Samples guessed in a row, and how loud they are by now.
    guessed: usize,
    gain: f32,
    /// What is to be played.
    pub(super) output: Vec<i16>,
}

impl Decoder {
    pub(super) fn new() -> Result<Self, opus::Error> {
        let opus = opus::Decoder::new(48_000, opus::Channels::Mono)?;
        Ok(Self {
            opus,
            resampler: Resampler::default(),
            decoded: Vec::new(),
            guessed: 0,
            gain: 1.0,
            output: Vec::new(),
        })
    }

    pub(super) fn begin_anew(&mut self) {
        self.resampler = Resampler::default();
        (self.guessed, self.gain) = (0, 1.0);
        if let Err(error) = self.opus.reset_state() {
            tracing::error!(%error, "bug: the Opus decoder cannot be reset");
        }
    }

    /// Leaves what is to be played in `output`.
    pub(super) fn play(&mut self, sound: Sound<gst::Buffer>, ratio: f64) -> Played {
        let played = match sound {
            Sound::Play(packet) => {
                self.decode(Some(&packet), LONGEST_PACKET, false);
                Played::Whole
            }
            Sound::Merge(first, second) => {
                self.decode(Some(&first), LONGEST_PACKET, false);
                let leaving = std::mem::take(&mut self.decoded);
                self.decode(Some(&second), LONGEST_PACKET, false);
                self.decoded = cross_fade(&leaving, &self.decoded);
                Played::Merged
            }
            Sound::Recover { following, samples } => {
                self.decode(Some(&following), samples as usize, true);
                if carries_the_one_before(&following) { Played::Recovered } else { Played::Concealed }
            }
            Sound::Conceal { samples } => {
                self.decode(None, samples as usize, false);
                Played::Concealed
            }
        };
        self.fade(played);
        self.output.clear();
        self.resampler.run(&self.decoded, ratio, &mut self.output);
        played
    }

    /// A short guess is not heard as one; a long one is a sound that nobody made, and is faded out.
    fn fade(&mut self, played: Played) {
        for sample in &mut self.decoded {
            match played {
                Played::Whole | Played::Merged | Played::Recovered => {
                    (self.guessed, self.gain) = (0, (self.gain + FADE_IN).min(1.0));
                }
                Played::Concealed if self.guessed < BELIEVED => self.guessed += 1,
                Played::Concealed => self.gain = (self.gain - FADE_OUT).max(0.0),
            }
            if self.gain < 1.0 {
                *sample = (f32::from(*sample) * self.gain) as i16;
            }
        }
    }

    /// Leaves samples in `decoded`; a packet that cannot be decoded is concealed.
    fn decode(&mut self, packet: Option<&gst::Buffer>, samples: usize, recover: bool) {
        self.decoded.resize(samples, 0);
        let map = packet.and_then(|packet| packet.map_readable().ok());
        let data = map.as_ref().map_or(&[][..], |map| map.as_slice());
        let length = self.opus.decode(data, &mut self.decoded, recover).unwrap_or_else(|error| {
            tracing::debug!(%error, "a sound packet cannot be decoded");
            let hidden = samples.min(SHORTEST_STEP);
            self.decoded.fill(0);
            hidden
        });
        self.decoded.truncate(length);
    }
}

/// Samples at 48 kHz in an Opus packet; `None`: it is none.
pub(super) fn samples_in(payload: &gst::Buffer) -> Option<u32> {
    let map = payload.map_readable().ok()?;
    let samples = opus::packet::get_nb_samples(map.as_slice(), 48_000).ok()?;
    (1..=LONGEST_PACKET).contains(&samples).then_some(samples as u32)
}

/// Whether an Opus packet holds a second, smaller copy of the sound before it (RFC 6716 §4.2.4): without one the decoder only
/// guesses. Read as libopus 1.5 does it: in the first SILK frame one bit of voice activity per 20 ms, then this one.
fn carries_the_one_before(packet: &gst::Buffer) -> bool {
    let Ok(map) = packet.map_readable() else { return false };
    let &[toc, first, ..] = map.as_slice() else { return false };
    let silk = toc & 0x80 == 0;
    let one_frame = toc & 0x03 == 0;
    let frames_of_20_ms = match (toc >> 3) & 0x1f {
        config @ 0..=11 if config % 4 == 2 => 2,
        config @ 0..=11 if config % 4 == 3 => 3,
        _ => 1,
    };
    silk && one_frame && first >> (7 - frames_of_20_ms) & 1 == 1
}

/// 120 ms, the longest Opus packet (RFC 6716).
const LONGEST_PACKET: usize = 5_760;
const SHORTEST_STEP: usize = 480;
/// Samples of concealment at full loudness, then 40 ms to silence, and 10 ms back. Opus prolongs a tone for 200 ms (measured).
const BELIEVED: usize = 960;
const FADE_OUT: f32 = 1.0 / 1920.0;
const FADE_IN: f32 = 1.0 / 480.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone that jumps in pitch every packet: concealment cannot guess it.
    fn melody(packet: usize) -> Vec<i16> {
        let hertz = 250.0 + (packet * 7919 % 11) as f64 * 60.0;
        let tone =
            |index: usize| 9_000.0 * ((packet * 480 + index) as f64 / 48_000.0 * hertz * std::f64::consts::TAU).sin();
        (0..480).map(|index| tone(index) as i16).collect()
    }

    fn error(a: &[i16], b: &[i16]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
    }

    #[test]
    fn lost_sound_comes_back_from_the_packet_that_follows_it() {
        gst::init().unwrap();
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip).unwrap();
        encoder.set_bitrate(opus::Bitrate::Bits(32_000)).unwrap();
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(20).unwrap();
        encoder.set_signal(opus::Signal::Voice).unwrap();
        let packets: Vec<gst::Buffer> =
            (0..60).map(|n| gst::Buffer::from_slice(encoder.encode_vec(&melody(n), 1000).unwrap())).collect();
        let play = |lost: Option<bool>| {
            let mut voice = Decoder::new().unwrap();
            let mut heard = Vec::new();
            for (number, packet) in packets.iter().enumerate() {
                let sound = match lost.filter(|_| number % 5 == 4 && number < 59) {
                    Some(true) => Sound::Recover { following: packets[number + 1].clone(), samples: 480 },
                    Some(false) => Sound::Conceal { samples: 480 },
                    None => Sound::Play(packet.clone()),
                };
                voice.play(sound, 1.0);
                heard.extend_from_slice(&voice.output);
            }
            heard
        };
        let carrying = packets.iter().filter(|packet| carries_the_one_before(packet)).count();
        assert!(carrying > 50, "{carrying} of 60");
        let (whole, recovered, concealed) = (play(None), play(Some(true)), play(Some(false)));
        assert_eq!(whole.len(), 60 * 480);
        let (recovered, concealed) = (error(&whole, &recovered), error(&whole, &concealed));
        assert!(recovered < 0.6 * concealed, "recovered {recovered:.2e}, concealed {concealed:.2e}");
    }

    #[test]
    fn a_sound_that_ended_is_prolonged_for_60_ms_at_most() {
        gst::init().unwrap();
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip).unwrap();
        let mut voice = Decoder::new().unwrap();
        let mut play = |sound| {
            voice.play(sound, 1.0);
            voice.output.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
        };
        let packets: Vec<_> =
            (0..40).map(|n| gst::Buffer::from_slice(encoder.encode_vec(&melody(n), 1000).unwrap())).collect();
        assert!(packets.iter().map(|packet| play(Sound::Play(packet.clone()))).max() > Some(5000));
        let guessed: Vec<u16> = (0..20).map(|_| play(Sound::Conceal { samples: 480 })).collect();
        assert!(guessed[0] > 1000 && guessed[7..].iter().all(|peak| *peak == 0), "{guessed:?}");
        assert!((1..4).map(|n| play(Sound::Play(packets[n].clone()))).max() > Some(3000), "and comes back");
    }

    #[test]
    fn what_is_not_opus_is_dropped() {
        gst::init().unwrap();
        assert_eq!(samples_in(&gst::Buffer::new()), None);
        assert_eq!(samples_in(&gst::Buffer::from_slice([0xff_u8, 0xff])), None);
        assert_eq!(samples_in(&gst::Buffer::from_slice([0xf0_u8, 0, 0])), Some(480));
    }
}
