//! The far room's sound: packets in, played sound out.
//!
//! ```text
//!  take(session, rtp, payload) ─▶ VoiceBuffer ─▶ voice thread, woken by the clock at due()
//!                                                   │ Opus decode · FEC · concealment
//!                                                   ▼ Resampler (ratio) ─▶ level ─▶ Speaker
//!                                  PictureHold ◀────┘ delay capture → handed to the speaker
//! ```
//!
//! While no packets come the thread sleeps and costs nothing. All decisions are `core::playout`'s.

use super::speaker::Speaker;
use super::stage::{lock, now, spawn};
use crate::config::Sink;
use crate::core::input::{News, Percentiles};
use crate::core::playout::{
    CaptureClock, Follower, Heard, PictureHold, Resampler, Sound, Tally, VoiceBuffer, cross_fade,
};
use crate::core::signal::Alignment;
use crate::inbox::Inbox;
use crate::model::{Line, Moment, SessionId};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Plays the voice line. Cheap to clone; any thread may call it.
#[derive(Clone)]
pub struct VoicePlayer(Arc<Shared>);

/// What was really played since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VoiceReport {
    /// Capture in the far room → handed to the speaker; `None` until aligned.
    pub delay: Option<Percentiles>,
    /// Share of samples nothing was there for, 0 … 1.
    pub concealed: f32,
    /// RMS of what was played, dBFS; −100 for silence.
    pub level_dbfs: f32,
    /// Frames merged by playout.
    pub merged: u32,
}

struct Shared {
    clock: gst::Clock,
    inbox: Inbox,
    hold: Arc<Mutex<PictureHold>>,
    desk: Mutex<Desk>,
    wake: Condvar,
}

/// What the network's threads and the voice thread share.
struct Desk {
    buffer: VoiceBuffer<gst::Buffer>,
    follower: Follower,
    capture: CaptureClock,
    playing: bool,
    stopped: bool,
    told_at: Moment,
    figures: Figures,
}

#[derive(Default)]
struct Figures {
    delays: Tally,
    samples: u64,
    concealed: u64,
    squares: f64,
    merged: u32,
}

impl VoicePlayer {
    /// Starts the voice thread and opens the speaker; plays nothing until [`play`](Self::play).
    pub fn start(sink: &Sink, clock: gst::Clock, hold: Arc<Mutex<PictureHold>>, inbox: Inbox) -> Self {
        let speaker = Speaker::start(sink, &clock, inbox.clone());
        let desk = Desk {
            buffer: VoiceBuffer::default(),
            follower: Follower::default(),
            capture: CaptureClock::new(Line::Voice),
            playing: false,
            stopped: false,
            told_at: Moment::default(),
            figures: Figures::default(),
        };
        let shared = Arc::new(Shared { clock, inbox, hold, desk: Mutex::new(desk), wake: Condvar::new() });
        let player = Arc::clone(&shared);
        spawn("voice", move || player.run(&speaker));
        Self(shared)
    }

    /// An Opus packet of the voice line. Anything that is not Opus is dropped.
    pub fn take(&self, session: SessionId, rtp: u32, payload: gst::Buffer) {
        let Some(samples) = samples_in(&payload) else {
            tracing::debug!(%session, rtp, "not an Opus packet");
            return;
        };
        let arrived_at = now(&self.0.clock);
        let mut desk = lock(&self.0.desk);
        if !desk.playing {
            return;
        }
        match desk.follower.hear(session, arrived_at) {
            Heard::Followed => {}
            Heard::Left => return,
            Heard::Candidate => {
                desk.follower.follow(session, arrived_at);
                desk.buffer = VoiceBuffer::default();
            }
        }
        if desk.buffer.arrive(rtp, samples, payload, arrived_at) {
            self.0.wake.notify_one();
        }
    }

    /// The newest pair of RTP time and capture time.
    pub fn align(&self, alignment: Alignment) {
        lock(&self.0.desk).capture.align(alignment);
    }

    /// Play or be silent.
    pub fn play(&self, play: bool) {
        let mut desk = lock(&self.0.desk);
        if desk.playing != play {
            desk.playing = play;
            desk.buffer = VoiceBuffer::default();
        }
    }

    /// What was played since the last report.
    pub fn report(&self) -> VoiceReport {
        let mut figures = std::mem::take(&mut lock(&self.0.desk).figures);
        let samples = figures.samples.max(1) as f64;
        let full_scale = f64::from(i16::MAX);
        let level = 10.0 * (figures.squares / samples / (full_scale * full_scale)).max(1e-10).log10();
        VoiceReport {
            delay: figures.delays.take(),
            concealed: (figures.concealed as f64 / samples) as f32,
            level_dbfs: level as f32,
            merged: figures.merged,
        }
    }

    /// Ends the thread and closes the speaker.
    pub fn stop(&self) {
        lock(&self.0.desk).stopped = true;
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn run(&self, speaker: &Speaker) {
        let Ok(mut voice) = Decoder::new() else {
            tracing::error!("bug: libopus gives no decoder");
            return;
        };
        while let Some(due) = self.wait_for_sound() {
            let _ = self.clock.new_single_shot_id(gst::ClockTime::from_nseconds(due.as_nanos())).wait();
            self.play_step(&mut voice, speaker);
        }
    }

    /// When the next step is due; `None`: stopped.
    fn wait_for_sound(&self) -> Option<Moment> {
        let mut desk = lock(&self.desk);
        loop {
            if desk.stopped {
                return None;
            }
            if let Some(due) = desk.buffer.due() {
                return Some(due);
            }
            desk = self.wake.wait(desk).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    fn play_step(&self, voice: &mut Decoder, speaker: &Speaker) {
        let (step, due) = {
            let mut desk = lock(&self.desk);
            let step = desk.buffer.step(now(&self.clock));
            (step, desk.buffer.due())
        };
        let (Some(step), Some(due)) = (step, due) else {
            voice.begin_anew();
            return;
        };
        let played = voice.play(step.sound, step.ratio);
        speaker.play(&voice.output, due);

        let handed_at = now(&self.clock);
        let mut desk = lock(&self.desk);
        desk.buffer.played(voice.output.len());
        desk.figures.add(&voice.output, played);
        let delay = desk.capture.delay(step.rtp, handed_at);
        if let Some(delay) = delay {
            desk.figures.delays.add(delay);
            let mut hold = lock(&self.hold);
            hold.sound_played(delay, handed_at);
            let floor = hold.sound_floor(handed_at);
            let on_the_way = delay.saturating_sub(desk.buffer.relative_delay().unwrap_or_default());
            desk.buffer.keep_behind(floor.saturating_sub(on_the_way));
        }
        // Ten times a second is enough to know that sound is alive.
        let tell = played != Played::Concealed && handed_at.since(desk.told_at) >= TELL_EVERY;
        let session = desk.follower.followed().filter(|_| tell);
        if let Some(session) = session {
            desk.told_at = handed_at;
            drop(desk);
            self.inbox.news(News::FrameDecoded { line: Line::Voice, session });
        }
    }
}

/// What a step's sound was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Played {
    Whole,
    Merged,
    /// From the packet that follows the lost one.
    Recovered,
    Concealed,
}

/// The voice thread's own: decoder, resampler and their buffers.
struct Decoder {
    opus: opus::Decoder,
    resampler: Resampler,
    decoded: Vec<i16>,
    output: Vec<i16>,
}

impl Decoder {
    fn new() -> Result<Self, opus::Error> {
        let opus = opus::Decoder::new(48_000, opus::Channels::Mono)?;
        Ok(Self { opus, resampler: Resampler::default(), decoded: Vec::new(), output: Vec::new() })
    }

    fn begin_anew(&mut self) {
        self.resampler = Resampler::default();
        if let Err(error) = self.opus.reset_state() {
            tracing::error!(%error, "bug: the Opus decoder cannot be reset");
        }
    }

    /// Leaves what is to be played in `output`.
    fn play(&mut self, sound: Sound<gst::Buffer>, ratio: f64) -> Played {
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
        self.output.clear();
        self.resampler.run(&self.decoded, ratio, &mut self.output);
        played
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

impl Figures {
    fn add(&mut self, output: &[i16], played: Played) {
        self.samples += output.len() as u64;
        self.squares += output.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>();
        match played {
            Played::Whole | Played::Recovered => {}
            Played::Merged => self.merged += 1,
            Played::Concealed => self.concealed += output.len() as u64,
        }
    }
}

fn samples_in(payload: &gst::Buffer) -> Option<u32> {
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
const TELL_EVERY: Duration = Duration::from_millis(100);

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
    fn what_is_not_opus_is_dropped() {
        gst::init().unwrap();
        assert_eq!(samples_in(&gst::Buffer::new()), None);
        assert_eq!(samples_in(&gst::Buffer::from_slice([0xff_u8, 0xff])), None);
        assert_eq!(samples_in(&gst::Buffer::from_slice([0xf0_u8, 0, 0])), Some(480));
    }
}
