//! The sound of the far room's live share: Opus packets in, samples for the speaker out. A line of its own until here, so that
//! nothing of it is ever in the voice that is sent.
//!
//! ```text
//!  take(rtp, packet) ─▶ Opus ─▶ [ samples, played from 60 ms after they began to come ] ─▶ mix(samples, at)
//! ```
//! Promise: what runs dry is silent and begins anew; what piles up beyond 300 ms is cut back, so two crystals never drift apart for
//! long; at most [`MOST`] samples wait. Simpler than the voice's playout: a film's sound may wait, nobody answers it.

use super::loudness::length;
use crate::core::playout::{Follower, Heard};
use crate::model::{Moment, SessionId};
use gstreamer as gst;
use std::collections::VecDeque;
use std::time::Duration;

pub(super) struct ShareSound {
    opus: Option<opus::Decoder>,
    follower: Follower,
    waiting: VecDeque<i16>,
    /// RTP time after the last sample that came.
    next_rtp: Option<u32>,
    /// When the first waiting sample is played; none: silent.
    due: Option<Moment>,
    playing: bool,
}

impl Default for ShareSound {
    fn default() -> Self {
        let opus = opus::Decoder::new(RATE, opus::Channels::Mono);
        if let Err(error) = &opus {
            tracing::error!(%error, "bug: libopus gives no decoder");
        }
        Self {
            opus: opus.ok(),
            follower: Follower::default(),
            waiting: VecDeque::new(),
            next_rtp: None,
            due: None,
            playing: false,
        }
    }
}

impl ShareSound {
    /// Play or be silent.
    pub(super) fn play(&mut self, play: bool) {
        if std::mem::replace(&mut self.playing, play) != play {
            self.fall_silent();
        }
    }

    /// A packet that arrived now; true if the speaker has something to do that it had not.
    pub(super) fn take(&mut self, session: SessionId, rtp: u32, packet: &gst::Buffer, now: Moment) -> bool {
        if !self.playing {
            return false;
        }
        match self.follower.hear(session, now) {
            Heard::Followed => {}
            Heard::Left => return false,
            Heard::Candidate => {
                self.follower.follow(session, now);
                self.fall_silent();
            }
        }
        let (Some(opus), Ok(packet)) = (&mut self.opus, packet.map_readable()) else { return false };
        let missing = self.next_rtp.map_or(0, |next| rtp.wrapping_sub(next).cast_signed());
        if missing < 0 {
            return false;
        }
        // Silence as long as what is lost, so that the sound stays with the picture.
        let lost = usize::try_from(missing).unwrap_or(0).min(LONGEST_LOSS);
        let mut samples = [0; LONGEST_PACKET];
        let Ok(count) = opus.decode(packet.as_slice(), &mut samples, false) else { return false };
        self.waiting.extend(std::iter::repeat_n(0, lost));
        self.waiting.extend(&samples[..count]);
        self.next_rtp = Some(rtp.wrapping_add(u32::try_from(count).unwrap_or(0)));
        if self.waiting.len() > MOST {
            self.waiting.drain(..self.waiting.len() - samples_in(WAITS));
        }
        let begins = self.due.is_none();
        self.due.get_or_insert(now + WAITS);
        begins
    }

    /// When the next sample sounds; none: nothing does.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// Adds what sounds in `samples`, the first of which is played at `at`; `loudness`: 0 … 1.
    pub(super) fn mix(&mut self, samples: &mut [i16], at: Moment, loudness: f32) {
        let Some(due) = self.due else { return };
        let skip = samples_in(due.since(at)).min(samples.len());
        let count = (samples.len() - skip).min(self.waiting.len());
        for (sample, more) in samples[skip..].iter_mut().zip(self.waiting.drain(..count)) {
            *sample = sample.saturating_add((f32::from(more) * loudness) as i16);
        }
        self.due = if self.waiting.is_empty() { None } else { Some(at.max(due) + length(count)) };
    }

    fn fall_silent(&mut self) {
        self.waiting.clear();
        (self.due, self.next_rtp) = (None, None);
    }
}

fn samples_in(time: Duration) -> usize {
    usize::try_from(u128::from(RATE) * time.as_nanos() / 1_000_000_000).unwrap_or(usize::MAX)
}

const RATE: u32 = 48_000;
/// Jitter of a browser's sound and of the line; with the picture's own delay lips are still together.
const WAITS: Duration = Duration::from_millis(60);
/// 300 ms.
const MOST: usize = 14_400;
/// RFC 6716: 120 ms.
const LONGEST_PACKET: usize = 5_760;
const LONGEST_LOSS: usize = 9_600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BootId;

    const SESSION: SessionId = SessionId { boot: BootId(1), number: 1 };

    fn at(ms: u64) -> Moment {
        Moment::default() + Duration::from_millis(1000 + ms)
    }

    /// Packets of 20 ms of a loud tone.
    fn packets(count: usize) -> Vec<gst::Buffer> {
        gst::init().unwrap();
        let mut encoder = opus::Encoder::new(RATE, opus::Channels::Stereo, opus::Application::Audio).unwrap();
        let sample = |n: usize| (12_000.0 * (n as f64 * 0.06).sin()) as i16;
        (0..count)
            .map(|packet| {
                let stereo: Vec<i16> = (0..960).flat_map(|n| [sample(packet * 960 + n); 2]).collect();
                gst::Buffer::from_slice(encoder.encode_vec(&stereo, 1500).unwrap())
            })
            .collect()
    }

    fn loudest(samples: &[i16]) -> i16 {
        samples.iter().map(|sample| sample.saturating_abs()).max().unwrap()
    }

    #[test]
    fn sound_comes_sixty_milliseconds_later_and_ends_when_it_runs_dry() {
        let mut sound = ShareSound::default();
        sound.play(true);
        for (n, packet) in (0..10).zip(packets(10)) {
            sound.take(SESSION, n * 960, &packet, at(u64::from(n) * 20));
        }
        let mut played = Vec::new();
        for step in 0..40 {
            let mut samples = [0; 480];
            sound.mix(&mut samples, at(step * 10), 1.0);
            played.extend(samples);
        }
        assert_eq!(loudest(&played[..2880]), 0, "nothing before its time");
        assert!(loudest(&played[4000..12_000]) > 6_000);
        assert_eq!(loudest(&played[60 * 48 + 9600..]), 0, "200 ms, and no more");
        assert_eq!(sound.due(), None);
    }

    #[test]
    fn it_plays_nothing_unasked_and_never_piles_up() {
        let mut sound = ShareSound::default();
        let packets = packets(50);
        assert!(!sound.take(SESSION, 0, &packets[0], at(0)));
        sound.play(true);
        for (n, packet) in (0..50).zip(&packets) {
            sound.take(SESSION, n * 960, packet, at(0));
        }
        assert!(sound.waiting.len() <= MOST, "{}", sound.waiting.len());
        sound.play(false);
        assert_eq!((sound.due(), sound.waiting.len()), (None, 0));
    }

    #[test]
    fn a_lost_packet_is_silence_of_its_length_and_an_old_one_is_left_out() {
        let mut sound = ShareSound::default();
        sound.play(true);
        let packets = packets(4);
        sound.take(SESSION, 0, &packets[0], at(0));
        sound.take(SESSION, 2 * 960, &packets[2], at(40));
        assert_eq!(sound.waiting.len(), 3 * 960);
        assert!(!sound.take(SESSION, 960, &packets[1], at(41)));
        assert_eq!(sound.waiting.len(), 3 * 960);
    }
}
