//! The sound buffer: what is played at each step, and how fast.
//!
//! ```text
//!  arrive(rtp) ─▶ [ packets by RTP time ] ─▶ step() at due() ─▶ Play · Recover · Conceal · Merge, ratio
//!       └▶ Jitter ─▶ target delay ──────────────┘        played(n) ─▶ due() moves by what really went out
//! ```
//!
//! A step takes one whole packet, and the next step is due when what it gave has been played. So steps follow the far
//! clock, not a grid of their own, and no time is lost between arrival and grid. Promise: on a clean line a packet waits
//! [`MARGIN`] plus the jitter of 97 of 100 packets; clock drift never adds to it; packets are bounded by [`LIMIT`].
//! Holds no samples: decoding is the caller's.

use super::capture::RtpUnwrap;
use super::jitter::Jitter;
use crate::model::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// Orders packets of 48 kHz sound by RTP time and decides what to do with them. `P` is the payload.
#[derive(Clone, Debug)]
pub struct VoiceBuffer<P> {
    packets: BTreeMap<i64, Packet<P>>,
    unwrap: RtpUnwrap,
    jitter: Jitter,
    run: Option<Run>,
    heard_at: Moment,
    floor_ns: i64,
    lost_share: f64,
}

#[derive(Clone, Debug)]
struct Packet<P> {
    samples: u32,
    payload: P,
}

/// Sound is being played.
#[derive(Clone, Debug)]
struct Run {
    /// RTP time of what comes next.
    next: i64,
    due: Moment,
    /// Remainder of `due`, in 48000ths of a second times nanoseconds.
    due_rest: u64,
    /// Concealed while the packet might still come: not lost yet.
    owed: i64,
    /// Length of the last packet.
    samples: u32,
    corrected_at: Moment,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<P> {
    /// What to play.
    pub sound: Sound<P>,
    /// RTP timestamp, as on the wire, of its first sample.
    pub rtp: u32,
    /// Read it this many times as fast; within [`RATIO_LIMIT`] of 1.
    pub ratio: f64,
}

/// What to play.
#[derive(Clone, Debug, PartialEq)]
pub enum Sound<P> {
    /// This packet.
    Play(P),
    /// Two packets cross-faded into the length of one: delay is too large.
    Merge(P, P),
    /// So many lost samples, from the forward error correction inside the packet that follows them.
    Recover {
        /// The following packet; it is still played itself.
        following: P,
        /// How many are lost.
        samples: u32,
    },
    /// So many samples nothing is there for.
    Conceal {
        /// How many.
        samples: u32,
    },
}

impl<P> Default for VoiceBuffer<P> {
    fn default() -> Self {
        Self {
            packets: BTreeMap::new(),
            unwrap: RtpUnwrap::default(),
            jitter: Jitter::default(),
            run: None,
            heard_at: Moment::default(),
            floor_ns: 0,
            lost_share: 0.0,
        }
    }
}

impl<P: Clone> VoiceBuffer<P> {
    /// A packet of `samples` (of each channel) came. Returns true if play begins with it: [`due`](Self::due) is new.
    pub fn arrive(&mut self, rtp: u32, samples: u32, payload: P, now: Moment) -> bool {
        let at = self.unwrap.unwrap(rtp);
        let another_stream = self.run.as_ref().is_some_and(|run| (at - run.next).abs() > JUMP);
        if another_stream {
            self.run = None;
        }
        let begins = self.run.is_none();
        if begins {
            self.packets.clear();
            if another_stream || now.since(self.heard_at) > FORGET {
                self.jitter.begin_anew();
            }
        }
        self.heard_at = now;
        let mut late_ns = self.jitter.packet(transit(at, now));
        if begins && late_ns > MOST {
            self.jitter.begin_anew(); // RTP time stood still while nothing was sent
            late_ns = self.jitter.packet(transit(at, now));
        }
        let missed = match &self.run {
            Some(run) => at < run.next || (at == run.next && run.owed > 0),
            None => late_ns > self.target_ns(),
        };
        if missed && late_ns <= MOST {
            self.jitter.missed(late_ns);
        }
        let run = self.run.get_or_insert_with(|| {
            let due = now.shifted((self.jitter.usual_ns() + MARGIN - late_ns).max(0));
            Run { next: at, due, due_rest: 0, owed: 0, samples, corrected_at: now }
        });
        if at >= run.next {
            self.packets.insert(at, Packet { samples, payload });
        }
        while self.packets.len() > LIMIT {
            self.packets.pop_first();
        }
        begins
    }

    /// When the next step is due; `None` while nothing is played.
    pub fn due(&self) -> Option<Moment> {
        self.run.as_ref().map(|run| run.due)
    }

    /// The next step. To be called at [`due`](Self::due) and followed by [`played`](Self::played). `None`: sound is over.
    pub fn step(&mut self, now: Moment) -> Option<Step<P>> {
        let target_ns = self.target_ns();
        let quickest = self.jitter.quickest();
        let over = self.packets.is_empty() && now.since(self.heard_at) > SILENCE;
        let run = self.run.as_mut().filter(|_| !over);
        let Some(run) = run else {
            self.run = None;
            return None;
        };
        if now.since(run.due) > STALL {
            run.due = now;
        }
        let mut excess_ns = transit(run.next, run.due) - quickest - target_ns;
        if excess_ns > BACKLOG {
            let length = i64::from(run.samples).max(1);
            let old = excess_ns * 3 / 62_500 / length * length;
            run.next += old;
            excess_ns -= old * 62_500 / 3;
            run.owed = 0;
            self.packets = self.packets.split_off(&run.next);
        }
        let ratio = 1.0 + (excess_ns as f64 * 1e-9 * EAGERNESS).clamp(-RATIO_LIMIT, RATIO_LIMIT);
        let may_correct = now.since(run.corrected_at) >= BETWEEN_CORRECTIONS;

        let first = self.packets.first_key_value().map(|(at, packet)| (*at, packet.clone()));
        let Some((first_at, first)) = first else {
            run.owed += i64::from(run.samples);
            return Some(step(run.next, Sound::Conceal { samples: run.samples }, ratio));
        };
        let skipped = run.owed.min(first_at - run.next);
        run.next += skipped;
        run.owed = 0;
        if skipped > 0 {
            self.lost_share += LOST_WEIGHT;
        }
        if first_at - run.next > GAP {
            run.next = first_at; // nobody waits for so much
        }
        let rtp = run.next;
        if first_at > run.next {
            self.lost_share += LOST_WEIGHT;
            let samples = (first_at - run.next).min(i64::from(run.samples)) as u32;
            run.next += i64::from(samples);
            let follows = run.next == first_at && samples == first.samples;
            let following = first.payload;
            let sound = if follows { Sound::Recover { following, samples } } else { Sound::Conceal { samples } };
            return Some(step(rtp, sound, ratio));
        }
        if excess_ns < -EXPAND_BELOW && may_correct {
            run.corrected_at = now;
            return Some(step(rtp, Sound::Conceal { samples: first.samples }, 1.0));
        }
        self.lost_share *= 1.0 - LOST_WEIGHT;
        self.packets.pop_first();
        run.samples = first.samples;
        run.next += i64::from(first.samples);
        let second = self.packets.get(&run.next).filter(|second| second.samples == first.samples);
        if excess_ns > MERGE_ABOVE.max(transit_of(first.samples)) && may_correct && second.is_some() {
            run.corrected_at = now;
            let second = self.packets.pop_first().map(|(_, second)| second.payload)?;
            run.next += i64::from(first.samples);
            return Some(step(rtp, Sound::Merge(first.payload, second), ratio));
        }
        Some(step(rtp, Sound::Play(first.payload), ratio))
    }

    /// So many samples really went out for the last step: the next one is due when they are over.
    pub fn played(&mut self, samples: usize) {
        if let Some(run) = &mut self.run {
            let span = samples as u64 * 1_000_000_000 + run.due_rest;
            run.due = run.due + Duration::from_nanos(span / RATE);
            run.due_rest = span % RATE;
        }
    }

    /// Sound should not be quicker than the quickest packet by less than this: it would run ahead of the picture.
    pub fn keep_behind(&mut self, quickest: Duration) {
        self.floor_ns = i64::try_from(quickest.as_nanos()).unwrap_or(0).min(MOST);
    }

    /// How much later than the quickest packet arrives its sound should be played.
    pub fn target(&self) -> Duration {
        Duration::from_nanos(self.target_ns().unsigned_abs())
    }

    /// How much later than the quickest packet arrives its sound is played now.
    pub fn relative_delay(&self) -> Option<Duration> {
        let run = self.run.as_ref()?;
        Some(Duration::from_nanos((transit(run.next, run.due) - self.jitter.quickest()).max(0).unsigned_abs()))
    }

    fn target_ns(&self) -> i64 {
        // Where packets are lost, one more is waited for: it carries the error correction of the one before.
        let following =
            if self.lost_share > LOSSY { self.run.as_ref().map_or(0, |run| transit_of(run.samples)) } else { 0 };
        (self.jitter.usual_ns() + MARGIN + following).max(self.floor_ns).min(MOST)
    }
}

fn step<P>(rtp: i64, sound: Sound<P>, ratio: f64) -> Step<P> {
    Step { sound, rtp: rtp as u32, ratio }
}

/// Nanoseconds from RTP time to `now`, from an origin that is the same for a whole run.
fn transit(rtp: i64, now: Moment) -> i64 {
    now.minus(Moment::default()).wrapping_sub(rtp * 62_500 / 3)
}

fn transit_of(samples: u32) -> i64 {
    i64::from(samples) * 62_500 / 3
}

/// Samples per second, the clock of Opus in RTP (RFC 7587).
const RATE: u64 = 48_000;
/// For threads that wake late and packets a little slower than 97 of 100.
const MARGIN: i64 = 3_000_000;
/// No line is waited for longer.
const MOST: i64 = 400_000_000;
/// One second of 10 ms packets.
const LIMIT: usize = 100;
/// No packet for so long: the microphone was closed.
const SILENCE: Duration = Duration::from_millis(200);
/// Silent for longer: drift has made the measured arrival times useless.
const FORGET: Duration = Duration::from_secs(5);
/// The box was stopped for so long: go on from now.
const STALL: Duration = Duration::from_millis(100);
/// What waited somewhere on the way through a cut and came at once is not played: nobody is heard so much later than they spoke,
/// and a buffer filled to its [`LIMIT`] would lose at one end what it gains at the other. More than any target.
const BACKLOG: i64 = 500_000_000;
/// 200 ms of RTP time.
const GAP: i64 = 9_600;
/// Five seconds of RTP time: another stream.
const JUMP: i64 = 240_000;
/// Speed per second of wrong delay: 10 ms are played away at half a percent.
const EAGERNESS: f64 = 0.5;
/// Nobody hears half a percent.
const RATIO_LIMIT: f64 = 0.005;
const MERGE_ABOVE: i64 = 15_000_000;
const EXPAND_BELOW: i64 = 20_000_000;
const BETWEEN_CORRECTIONS: Duration = Duration::from_millis(100);
/// Share of lost packets over the last two seconds or so.
const LOST_WEIGHT: f64 = 0.005;
const LOSSY: f64 = 0.015;
