//! The microphone's sending half: source → 48 kHz mono → 10 ms chunks → gate → Opus → `out`.
//!
//! ```text
//! Feed (own pipeline) ─► Chunks: 480 samples, smooth time ─► level ─► gate ─┬─ closed: nothing is encoded, nothing leaves
//!                                                                          └─ open: Opus, 10 ms, in-band FEC ─► out
//! ```
//!
//! A microphone opens only because [`MicrophoneSender::arrange`] said so; what is reported as sent is counted where it is
//! given to `out`. Silence is never sent in place of nothing, but for 30 ms after the gate closed.

use crate::config::Source;
use crate::inbox::Inbox;
use crate::media::feed::{Feed, FeedOrder, to_loop};
use crate::media::source::{Form, now};
use crate::model::{Bitrate, Device, MicState, Moment};
use gstreamer as gst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Takes one Opus packet of 10 ms whose PTS is the capture [`Moment`] of its first sample.
pub type VoiceOut = Arc<dyn Fn(gst::Buffer) + Send + Sync>;

/// What really left in the last whole second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MicrophoneReport {
    /// Packets given to `out`.
    pub voice_packets: u32,
    /// What the microphone hears before the gate, RMS, dBFS; −100 for silence or nothing.
    pub level_dbfs: f32,
}

/// Captures always, sends as arranged. Dropping it closes the device, off the caller's thread.
pub struct MicrophoneSender {
    voice: Arc<Mutex<Voice>>,
    _feed: Option<Feed>,
}

impl MicrophoneSender {
    /// Closed until arranged otherwise. `out` takes packets on a GStreamer thread and must not wait.
    /// GStreamer must be initialised.
    pub fn start(source: Source, out: VoiceOut, inbox: Inbox) -> Self {
        let voice = Arc::new(Mutex::new(Voice::default()));
        let (speaking, listened) = (voice.clone(), voice.clone());
        let is_device = match &source {
            Source::Auto | Source::V4l2(_) | Source::Alsa(_) => true,
            Source::None | Source::Test | Source::File(_) | Source::Gst(_) => false,
        };
        let wanted = source != Source::None;
        let order = FeedOrder {
            name: "microphone",
            tail: tail(is_device).to_owned(),
            source,
            form: Form::Sound,
            placeholder: None,
            take: Arc::new(move |buffer, _, _| {
                // Packets are handed on after the lock is released.
                let packets = lock(&speaking).hear(&buffer);
                packets.into_iter().for_each(|packet| out(packet));
            }),
            examine: Arc::new(move |at| lock(&listened).vitals.fault(at).filter(|_| is_device)),
            said: to_loop(Device::Microphone, inbox),
            still: None,
            wedged: None,
        };
        Self { voice, _feed: wanted.then(|| Feed::start(order)) }
    }

    /// Opens or closes the gate; the bitrate (held within 8 … 32 kbit/s) counts from the next packet.
    pub fn arrange(&mut self, state: MicState, bitrate: Bitrate) {
        let mut voice = lock(&self.voice);
        let changed = std::mem::replace(&mut voice.bitrate, bitrate) != bitrate;
        let open = match state {
            MicState::Open => true,
            MicState::Closed | MicState::LevelsOnly => false,
        };
        if voice.farewell > 0 && open {
            (voice.farewell, voice.encoder) = (0, None);
        }
        let says_farewell = voice.farewell > 0;
        match (&mut voice.encoder, open) {
            (Some(_), false) if says_farewell => {}
            (Some(_), false) => {
                voice.farewell = FAREWELL;
                voice.farewell_until = now() + FAREWELL_DUE;
            }
            (None, true) => match encoder(bitrate) {
                Ok(encoder) => voice.encoder = Some(encoder),
                Err(error) => tracing::error!(%error, "no Opus encoder: the microphone stays closed"),
            },
            (Some(encoder), true) if changed => {
                if let Err(error) = encoder.set_bitrate(opus_bitrate(bitrate)) {
                    tracing::error!(%error, "the Opus bitrate stays");
                }
            }
            (Some(_), true) | (None, false) => {}
        }
    }

    /// What really left in the last whole second.
    pub fn report(&self) -> MicrophoneReport {
        let mut voice = lock(&self.voice);
        voice.meter.roll(now());
        let (voice_packets, level_dbfs) = voice.meter.whole;
        MicrophoneReport { voice_packets, level_dbfs }
    }
}

/// Everything between the source and `out`.
#[derive(Default)]
struct Voice {
    /// Present while the gate is open and during the farewell, so that nothing said before is in its memory.
    encoder: Option<opus::Encoder>,
    /// Packets of silence that are still to come: the gate is closed.
    farewell: u32,
    /// A microphone that was gone when the gate closed and comes back later says none: it would count as open.
    farewell_until: Moment,
    bitrate: Bitrate,
    chunks: Chunks,
    meter: Meter,
    vitals: Vitals,
}

impl Voice {
    /// Packets that this piece of sound completes.
    fn hear(&mut self, buffer: &gst::BufferRef) -> Vec<gst::Buffer> {
        let Some(pts) = buffer.pts() else { return Vec::new() };
        let Ok(bytes) = buffer.map_readable() else { return Vec::new() };
        let (at, captured) = (now(), Moment::from_nanos(pts.nseconds()));
        self.chunks.add(captured, bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])));
        let mut packets = Vec::new();
        while let Some((moment, mut chunk)) = self.chunks.next() {
            self.vitals.add(&chunk, at);
            self.meter.hear(&chunk, at);
            if self.farewell > 0 && at > self.farewell_until {
                (self.farewell, self.encoder) = (0, None);
            }
            if self.farewell > 0 {
                chunk.fill(0);
            }
            if let Some(packet) = self.encoder.as_mut().and_then(|encoder| encode(encoder, &chunk, moment)) {
                self.meter.running_packets += 1;
                packets.push(packet);
            }
            if self.farewell > 0 {
                self.farewell -= 1;
                self.encoder = self.encoder.take().filter(|_| self.farewell > 0);
            }
        }
        packets
    }
}

/// Cuts sound into chunks of 10 ms and gives each its capture time: counted in samples, drawn gently towards the clock.
#[derive(Default)]
struct Chunks {
    waiting: Vec<i16>,
    /// Capture time of the first waiting sample.
    head: Option<Moment>,
}

impl Chunks {
    fn add(&mut self, captured: Moment, samples: impl Iterator<Item = i16>) {
        let behind = i64::try_from(self.waiting.len()).unwrap_or(0) * 1_000_000_000 / RATE;
        let measured = captured.shifted(-behind);
        self.head = Some(match self.head {
            Some(head) if measured.minus(head).abs() < JUMP_NS => {
                let pull = (measured.minus(head) / SMOOTHING).clamp(-PULL_NS, PULL_NS);
                head.shifted(pull)
            }
            // A gap is not papered over: what waits belongs to before it.
            Some(_) | None => {
                self.waiting.clear();
                captured
            }
        });
        self.waiting.extend(samples);
    }

    fn next(&mut self) -> Option<(Moment, [i16; CHUNK])> {
        let head = self.head?;
        let chunk = *self.waiting.first_chunk::<CHUNK>()?;
        self.waiting.drain(..CHUNK);
        self.head = Some(head + CHUNK_TIME);
        Some((head, chunk))
    }
}

/// Packets and level per whole second.
#[derive(Default)]
struct Meter {
    began: Moment,
    running_packets: u32,
    energy: f64,
    samples: u32,
    whole: (u32, f32),
}

impl Meter {
    fn hear(&mut self, chunk: &[i16], at: Moment) {
        self.roll(at);
        self.energy += chunk.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum::<f64>();
        self.samples += CHUNK as u32;
    }

    fn roll(&mut self, at: Moment) {
        let passed = at.since(self.began);
        if passed >= SECOND {
            let fresh = passed < 2 * SECOND;
            let mean = self.energy / f64::from(self.samples.max(1)) / (32_768.0 * 32_768.0);
            let level = if mean > 0.0 { (10.0 * mean.log10()) as f32 } else { SILENCE_DBFS };
            self.whole = if fresh { (self.running_packets, level.max(SILENCE_DBFS)) } else { (0, SILENCE_DBFS) };
            let began = if fresh { self.began + SECOND } else { at };
            *self = Self { began, whole: self.whole, ..Self::default() };
        }
    }
}

/// Whether what a sound card gives can be sound: a wedged one gives too much, too little, or the same sample for ever.
#[derive(Default)]
struct Vitals {
    began: Option<Moment>,
    samples: u64,
    last_change: Moment,
    newest: Moment,
}

impl Vitals {
    fn add(&mut self, chunk: &[i16], at: Moment) {
        // After a gap it is another life of the device.
        if self.began.is_none() || at.since(self.newest) > SECOND {
            *self = Self { began: Some(at), samples: 0, last_change: at, newest: at };
        }
        self.samples += CHUNK as u64;
        self.newest = at;
        if chunk.iter().any(|sample| *sample != chunk[0]) {
            self.last_change = at;
        }
    }

    fn fault(&mut self, at: Moment) -> Option<String> {
        let began = self.began?;
        let passed = at.since(began);
        if self.newest.since(self.last_change) > ALL_EQUAL {
            *self = Self::default();
            return Some("every sample has been the same for 5 s".to_owned());
        }
        if passed < RATE_WINDOW {
            return None;
        }
        let rate = self.samples as f64 / passed.as_secs_f64();
        (self.began, self.samples) = (Some(at), 0);
        let off = (rate / RATE as f64 - 1.0).abs() > 0.05;
        off.then(|| format!("{rate:.0} samples a second instead of {RATE}"))
    }
}

fn lock(voice: &Mutex<Voice>) -> MutexGuard<'_, Voice> {
    voice.lock().unwrap_or_else(PoisonError::into_inner)
}

fn encoder(bitrate: Bitrate) -> Result<opus::Encoder, opus::Error> {
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip)?;
    encoder.set_bitrate(opus_bitrate(bitrate))?;
    encoder.set_signal(opus::Signal::Voice)?;
    encoder.set_inband_fec(true)?;
    encoder.set_packet_loss_perc(EXPECTED_LOSS_PERCENT)?;
    encoder.set_complexity(COMPLEXITY)?;
    Ok(encoder)
}

fn opus_bitrate(bitrate: Bitrate) -> opus::Bitrate {
    opus::Bitrate::Bits(i32::try_from(bitrate.as_bps()).unwrap_or(i32::MAX).clamp(8_000, 32_000))
}

fn encode(encoder: &mut opus::Encoder, chunk: &[i16], moment: Moment) -> Option<gst::Buffer> {
    match encoder.encode_vec(chunk, PACKET_LIMIT) {
        Ok(bytes) => {
            let mut packet = gst::Buffer::from_mut_slice(bytes);
            let writable = packet.make_mut();
            writable.set_pts(gst::ClockTime::from_nseconds(moment.as_nanos()));
            writable.set_duration(gst::ClockTime::from_mseconds(10));
            Some(packet)
        }
        Err(error) => {
            tracing::error!(%error, "a chunk of voice is not encoded");
            None
        }
    }
}

/// Clips and descriptions give buffers of any length, and are cut to what a sound card would give.
fn tail(is_device: bool) -> &'static str {
    if is_device {
        "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved"
    } else {
        "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
         ! audiobuffersplit output-buffer-duration=1/100"
    }
}

const RATE: i64 = 48_000;
const CHUNK: usize = 480;
const CHUNK_TIME: Duration = Duration::from_millis(10);
/// Further than this from the count, time has really jumped.
const JUMP_NS: i64 = 40_000_000;
/// Share of the error corrected per buffer, and at most this much: 500 ppm at 10 ms, well above any crystal's drift.
const SMOOTHING: i64 = 64;
const PULL_NS: i64 = 5_000;
/// Packets of silence with which a closed gate ends: without them the far box prolongs the last tone as if it were lost, by
/// 190 ms (measured).
const FAREWELL: u32 = 3;
const FAREWELL_DUE: Duration = Duration::from_millis(300);
const SECOND: Duration = Duration::from_secs(1);
const SILENCE_DBFS: f32 = -100.0;
const ALL_EQUAL: Duration = Duration::from_secs(5);
const RATE_WINDOW: Duration = Duration::from_secs(5);
const EXPECTED_LOSS_PERCENT: i32 = 15;
const COMPLEXITY: i32 = 5;
/// Bytes; 32 kbit/s needs 40, and 1275 is Opus' own limit for one frame (RFC 6716).
const PACKET_LIMIT: usize = 1275;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_in_samples_and_drawn_gently_towards_the_clock() {
        let mut chunks = Chunks::default();
        let start = Moment::from_nanos(1_000_000_000);
        let mut last = None;
        for index in 0..30_000_i64 {
            // A card 100 ppm slow, whose buffers come with up to 3 ms of jitter.
            let jitter = index * 7_919 % 3_000_000;
            chunks.add(start.shifted(index * 10_001_000 + jitter), [0; CHUNK].into_iter());
            let (moment, _) = chunks.next().expect("a whole chunk was added");
            if let Some(last) = last.replace(moment) {
                assert!((moment.minus(last) - 10_000_000).abs() <= PULL_NS);
            }
            let error = moment.minus(start.shifted(index * 10_001_000 + 1_500_000));
            assert!(error.abs() < 3_000_000, "{error} ns off after {index} chunks");
        }
    }

    #[test]
    fn a_gap_begins_time_anew_and_never_mixes_what_was_before() {
        let mut chunks = Chunks::default();
        chunks.add(Moment::from_nanos(0), [1; 100].into_iter());
        let later = Moment::from_nanos(5_000_000_000);
        chunks.add(later, [2; CHUNK].into_iter());
        assert_eq!(chunks.next(), Some((later, [2; CHUNK])));
        assert_eq!(chunks.next(), None);
    }

    #[test]
    fn a_wedged_sound_card_is_known_by_its_samples() {
        let sound: [i16; CHUNK] = std::array::from_fn(|index| i16::try_from(index).unwrap_or(0));
        let after = |seconds: u64, period: Duration, chunk: &[i16; CHUNK]| {
            let (mut vitals, mut at) = (Vitals::default(), Moment::from_nanos(1));
            let end = at + Duration::from_secs(seconds);
            while at < end {
                vitals.add(chunk, at);
                at = at + period;
            }
            vitals.fault(end)
        };
        assert_eq!(after(6, CHUNK_TIME, &sound), None);
        assert_eq!(after(4, CHUNK_TIME, &[0; CHUNK]), None);
        assert!(after(6, CHUNK_TIME, &[0; CHUNK]).is_some_and(|why| why.contains("the same")));
        assert!(after(6, Duration::from_millis(9), &sound).is_some_and(|why| why.contains("samples a second")));
        assert!(after(6, Duration::from_millis(11), &sound).is_some_and(|why| why.contains("samples a second")));
    }
}
