//! Which units go into the decoder, and what is inside it.
//!
//! ```text
//!  unit ─▶ of the session that is followed? ─▶ nothing torn before it? ─▶ room inside? ─▶ decoder
//!                                                 │ no: ask a key frame      │ no: drop; for long: Stuck
//! ```
//!
//! Promise: at most [`INSIDE`] units are ever inside one decoder, whatever it does with them; one that gives nothing for
//! [`STUCK`] is given up.

use super::decoder;
use crate::core::playout::{CaptureClock, Follower, Heard};
use crate::model::{Line, Moment, SessionId, VideoCodec};
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::collections::VecDeque;
use std::time::Duration;

/// What the network's threads and the decoder share.
pub(super) struct Admission {
    /// The entrance of the decoder, while there is one.
    source: Option<gst_app::AppSrc>,
    pub(super) codec: VideoCodec,
    pub(super) capture: CaptureClock,
    follower: Follower,
    waits_for_key_frame: bool,
    asked: Option<(SessionId, Moment)>,
    /// What is inside the decoder.
    inside: VecDeque<Unit>,
    last_pts: Moment,
    /// The decoder that counts; what is told of others is stale.
    decoder: u64,
    /// Decoders in a row that gave no picture.
    pub(super) failures: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Unit {
    /// When it was taken: its name inside the decoder.
    pub(super) pts: Moment,
    pub(super) rtp: u32,
    pub(super) session: SessionId,
}

/// What becomes of a unit.
pub(super) enum Verdict {
    /// Decode it; `ask`: nothing has come out for a while, so ask for a key frame too.
    Decode {
        source: gst_app::AppSrc,
        buffer: gst::Buffer,
        ask: bool,
    },
    Drop {
        ask: bool,
    },
    /// Drop it and build another decoder: this one takes and does not give.
    Stuck,
}

impl Admission {
    pub(super) fn new(codec: VideoCodec) -> Self {
        Self {
            source: None,
            codec,
            capture: CaptureClock::new(Line::Camera),
            follower: Follower::default(),
            waits_for_key_frame: true,
            asked: None,
            inside: VecDeque::new(),
            last_pts: Moment::default(),
            decoder: 0,
            failures: 0,
        }
    }

    /// Judges a unit that was taken now.
    pub(super) fn admit(&mut self, session: SessionId, rtp: u32, unit: &gst::Buffer, taken_at: Moment) -> Verdict {
        let key_frame = decoder::is_key_frame(self.codec, unit);
        match self.follower.hear(session, taken_at) {
            Heard::Followed => {}
            Heard::Left => return Verdict::Drop { ask: false },
            Heard::Candidate if key_frame => self.follower.follow(session, taken_at),
            Heard::Candidate => return Verdict::Drop { ask: self.may_ask(session, taken_at) },
        }
        if key_frame {
            self.waits_for_key_frame = false;
        } else if unit.flags().contains(gst::BufferFlags::DISCONT) {
            self.waits_for_key_frame = true;
        }
        let Some(source) = self.source.clone().filter(|_| !self.waits_for_key_frame) else {
            return self.drop_until_key_frame(session, taken_at);
        };
        if self.inside.len() >= INSIDE {
            // A burst after a pause is behind for a moment; who is behind for long is stuck.
            if self.inside.front().is_some_and(|oldest| taken_at.since(oldest.pts) >= STUCK) {
                self.gave_up();
                return Verdict::Stuck;
            }
            return self.drop_until_key_frame(session, taken_at);
        }
        let pts = taken_at.max(self.last_pts + Duration::from_nanos(1));
        self.last_pts = pts;
        self.inside.push_back(Unit { pts, rtp, session });
        let mut buffer = unit.copy(); // shares the bytes
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(pts.as_nanos()));
            buffer.set_dts(gst::ClockTime::NONE);
            buffer.unset_flags(gst::BufferFlags::DISCONT);
        }
        let ask = self.inside.len() > SWALLOWED && self.may_ask(session, taken_at);
        Verdict::Decode { source, buffer, ask }
    }

    /// The unit a decoded frame was made from; those before it gave no picture.
    pub(super) fn decoded(&mut self, pts: Moment) -> Option<Unit> {
        while let Some(unit) = self.inside.pop_front() {
            if unit.pts == pts {
                self.failures = 0;
                return Some(unit);
            }
            if unit.pts > pts {
                self.inside.push_front(unit);
                return None;
            }
        }
        None
    }

    /// A decoder is going to be built; its number.
    pub(super) fn next_decoder(&mut self) -> u64 {
        self.source = None;
        self.decoder += 1;
        self.decoder
    }

    /// It stands, if the codec did not change meanwhile.
    pub(super) fn built(&mut self, codec: VideoCodec, source: gst_app::AppSrc) {
        self.inside.clear();
        self.waits_for_key_frame = true;
        self.source = (self.codec == codec).then_some(source);
    }

    /// That decoder failed; false if it is not the one that counts.
    pub(super) fn broke(&mut self, decoder: u64) -> bool {
        let counts = decoder == self.decoder;
        if counts {
            self.gave_up();
        }
        counts
    }

    /// Another codec: the next decoder has not failed yet.
    pub(super) fn change(&mut self, codec: VideoCodec) {
        self.codec = codec;
        self.source = None;
        self.failures = 0;
    }

    /// Units inside the decoder, and those of them that wait before it.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        let queued = self.source.as_ref().map_or(0, gst_app::AppSrc::current_level_buffers);
        (self.inside.len(), usize::try_from(queued).unwrap_or(usize::MAX))
    }

    fn gave_up(&mut self) {
        self.source = None;
        self.inside.clear();
        self.waits_for_key_frame = true;
        self.failures = self.failures.saturating_add(1);
    }

    fn drop_until_key_frame(&mut self, session: SessionId, at: Moment) -> Verdict {
        self.waits_for_key_frame = true;
        Verdict::Drop { ask: self.may_ask(session, at) }
    }

    fn may_ask(&mut self, session: SessionId, at: Moment) -> bool {
        let may = self.asked.is_none_or(|(of, asked_at)| of != session || at.since(asked_at) >= ASK_EVERY);
        if may {
            self.asked = Some((session, at));
        }
        may
    }
}

/// Units that may be inside the decoder.
pub(super) const INSIDE: usize = 12;
pub(super) const ASK_EVERY: Duration = Duration::from_millis(200);
/// Full and without a picture for so long: stuck. 720p decodes in a few milliseconds.
const STUCK: Duration = Duration::from_millis(500);
/// Units without a picture before the sender is asked for a key frame.
const SWALLOWED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::Inbox;
    use crate::media::picture::{PicturePlan, PictureReceiver};
    use crate::media::stage::{LIVES, lock};
    use crate::model::BootId;
    use gst::prelude::*;
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    /// What a pretend decoder does; given rightly it shows six bytes as a picture of 2×2.
    #[derive(Clone, Copy)]
    enum Does {
        Decode,
        Swallow,
        /// Never comes back from the first unit, not even to be closed.
        Hang,
    }

    struct Room {
        receiver: PictureReceiver,
        made: Arc<AtomicUsize>,
        shown: Arc<AtomicUsize>,
        /// Held while decoders hang.
        hangs: Arc<Mutex<()>>,
        fed: Cell<u32>,
    }

    /// A receiver whose decoders, one after another, do this; the last of them for ever.
    fn room(does: &'static [Does]) -> Room {
        gst::init().unwrap();
        let (made, shown, hangs): (Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<Mutex<()>>) = Default::default();
        let (makes, shows, hung) = (made.clone(), shown.clone(), hangs.clone());
        let make = Box::new(move |_| {
            let number = makes.fetch_add(1, Ordering::Relaxed);
            let raw = "video/x-raw,format=I420,width=2,height=2,framerate=0/1";
            let decoder = gst::ElementFactory::make("capssetter").property("join", false).property("replace", true);
            let decoder = decoder.property("caps", raw.parse::<gst::Caps>().unwrap()).build().unwrap();
            let (does, hung) = (does[number.min(does.len() - 1)], hung.clone());
            decoder.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                match does {
                    Does::Decode => return gst::PadProbeReturn::Ok,
                    Does::Swallow => {}
                    Does::Hang => drop(lock(&hung)),
                }
                drop(info.data.take());
                gst::PadProbeReturn::Handled
            });
            Ok(decoder)
        });
        let shown_one = Arc::new(move |_: &gst::Sample, _| {
            shows.fetch_add(1, Ordering::Relaxed);
        });
        let asked = Arc::new(|_, _| {});
        let (clock, hold) = (gst::SystemClock::obtain(), Arc::default());
        let plan = PicturePlan { line: Line::Camera, codec: VideoCodec::Vp8, clock, hold };
        let receiver = PictureReceiver::start_with(make, plan, Inbox::default(), shown_one, asked);
        Room { receiver, made, shown, hangs, fed: Cell::default() }
    }

    impl Room {
        /// Feeds key frames, a hundred a second, until `done`; false if that takes longer than `seconds`. What is kept for
        /// the decoder must never grow.
        fn feed_until(&self, seconds: u32, done: impl Fn() -> bool) -> bool {
            let session = SessionId { boot: BootId(1), number: 1 };
            let clock = gst::SystemClock::obtain();
            (0..seconds * 100).any(|_| {
                let number = self.fed.replace(self.fed.get() + 1);
                self.receiver.take(session, number * 900, &gst::Buffer::from_slice([0_u8; 8]));
                let (inside, queued, _) = self.receiver.held();
                assert!(inside <= INSIDE && queued <= INSIDE, "{inside} units inside, {queued} queued");
                let next = clock.time() + gst::ClockTime::from_mseconds(10);
                let _ = clock.new_single_shot_id(next).wait();
                done()
            })
        }

        fn made(&self) -> usize {
            self.made.load(Ordering::Relaxed)
        }

        fn shown(&self) -> usize {
            self.shown.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_decoder_that_swallows_everything_is_replaced() {
        let room = room(&[Does::Swallow, Does::Swallow, Does::Decode]);
        assert!(room.feed_until(10, || room.shown() > 20), "{} shown, {} made", room.shown(), room.made());
        assert_eq!(room.made(), 3, "one that decodes stays");
        room.receiver.stop();
    }

    #[test]
    fn decoders_that_hang_do_not_pile_up_and_are_replaced_when_they_come_back() {
        let room = room(&[Does::Hang, Does::Hang, Does::Hang, Does::Decode]);
        let hang = lock(&room.hangs);
        assert!(room.feed_until(10, || room.receiver.held().2 == LIVES), "{} made", room.made());
        assert!(!room.feed_until(3, || room.receiver.held().2 > LIVES), "no more than {LIVES} may hang");
        assert_eq!(room.shown(), 0);
        drop(hang);
        assert!(room.feed_until(10, || room.shown() > 20), "{} shown, {} made", room.shown(), room.made());
        room.receiver.stop();
    }
}
