//! The far room's sound: packets in, played sound out.
//!
//! ```text
//!  take(session, rtp, payload) ─▶ VoiceBuffer ─▶ voice thread, woken by the clock at due()
//!                                                   │ Opus decode · FEC · concealment
//!                                                   ▼ Resampler (ratio) ─▶ level ─▶ Loudness ─▶ + Chime ─▶ Speaker
//!  take_share(session, rtp, payload) ─▶ ShareSound ─────────────────────────────────────────┘
//!                                  PictureHold ◀────┘ delay capture → handed to the speaker
//! ```
//!
//! While no packets come, nobody knocks and nothing is shared the thread sleeps and costs nothing. All decisions are `core::playout`'s.

use super::loudness::{Chime, Loudness};
use super::share_sound::ShareSound;
use super::speaker::Speaker;
use super::stage::{lock, now, spawn};
use super::voice_decoder::{Decoder, Played, samples_in};
use crate::config::Sink;
use crate::core::input::{News, Percentiles};
use crate::core::playout::{CaptureClock, Follower, Heard, PictureHold, Tally, VoiceBuffer};
use crate::core::signal::Alignment;
use crate::inbox::Inbox;
use crate::model::{Line, Moment, SessionId};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
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
    /// RMS of the far room's sound, before its loudness here; dBFS, −100 for silence.
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
    loudness: Loudness,
    chime: Chime,
    share: ShareSound,
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
            loudness: Loudness::default(),
            chime: Chime::default(),
            share: ShareSound::default(),
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

    /// An Opus packet of the live share's sound.
    pub fn take_share(&self, session: SessionId, rtp: u32, payload: &gst::Buffer) {
        let arrived_at = now(&self.0.clock);
        if lock(&self.0.desk).share.take(session, rtp, payload, arrived_at) {
            self.0.wake.notify_one();
        }
    }

    /// Play the live share's sound, or not.
    pub fn play_share(&self, play: bool) {
        lock(&self.0.desk).share.play(play);
    }

    /// Loudness of the far room, 0 … 100.
    pub fn volume(&self, hundredths: u8) {
        lock(&self.0.desk).loudness.set(hundredths);
    }

    /// Ring softly, whether the far room is heard or not.
    pub fn ring(&self, ring: bool) {
        let at = now(&self.0.clock);
        lock(&self.0.desk).chime.ring(ring, at);
        self.0.wake.notify_one();
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

    /// When the next step is due; `None`: stopped. Between two chimes it can still be woken for a voice.
    fn wait_for_sound(&self) -> Option<Moment> {
        let mut desk = lock(&self.desk);
        loop {
            if desk.stopped {
                return None;
            }
            if let Some(due) = desk.buffer.due() {
                return Some(due);
            }
            desk = match desk.aside().map(|due| (due, due.since(now(&self.clock)))) {
                Some((due, left)) if left <= CHIME_STEP => return Some(due),
                Some((_, left)) => {
                    let waited = self.wake.wait_timeout(desk, left - CHIME_STEP);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(desk).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// A step of what is mixed in alone, while nobody of the far room is heard.
    fn aside(&self, speaker: &Speaker) {
        let mut samples = [0; CHIME_SAMPLES];
        let mut desk = lock(&self.desk);
        let Some(due) = desk.aside() else { return };
        let at = due.max(now(&self.clock).shifted(-LATE_NS));
        desk.mix(&mut samples, at);
        drop(desk);
        speaker.play(&samples, at);
    }

    fn play_step(&self, voice: &mut Decoder, speaker: &Speaker) {
        let (step, due) = {
            let mut desk = lock(&self.desk);
            let step = desk.buffer.step(now(&self.clock));
            (step, desk.buffer.due())
        };
        let (Some(step), Some(due)) = (step, due) else {
            voice.begin_anew();
            lock(&self.desk).loudness.begin_anew();
            self.aside(speaker);
            return;
        };
        let played = voice.play(step.sound, step.ratio);
        {
            let mut desk = lock(&self.desk);
            desk.figures.add(&voice.output, played);
            desk.loudness.apply(&mut voice.output);
            desk.mix(&mut voice.output, due);
        }
        speaker.play(&voice.output, due);

        let handed_at = now(&self.clock);
        let mut desk = lock(&self.desk);
        desk.buffer.played(voice.output.len());
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

impl Desk {
    /// When something sounds beside the voice.
    fn aside(&self) -> Option<Moment> {
        [self.chime.due(), self.share.due()].into_iter().flatten().min()
    }

    fn mix(&mut self, samples: &mut [i16], at: Moment) {
        self.chime.mix(samples, at);
        self.share.mix(samples, at, self.loudness.gain());
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

const TELL_EVERY: Duration = Duration::from_millis(100);
/// The chime alone is played in steps of 10 ms.
const CHIME_SAMPLES: usize = 480;
const CHIME_STEP: Duration = Duration::from_millis(10);
/// Sound that is later than this is not caught up with: a box that stood still goes on from now.
const LATE_NS: i64 = 50_000_000;
