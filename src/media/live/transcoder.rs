//! Encodes a share's pictures for the line: a page of text loses time, never sharpness.
//!
//! ```text
//!  frame(sample) ─▶ newest ─▶ [ thread: when the line has room ] ─▶ Encoder ─▶ out(access unit)
//!                     └ a still one again and again, until nothing is left to sharpen ┘    └ fills the line for as long as it takes
//! ```
//! Promise: no queue: what the line cannot take yet is not encoded, and the newest frame goes next. Never smaller than its
//! source, unless it is a moving picture on a narrow line.

use super::super::encoder::{Content, Encoder, EncoderOrder, VideoOut};
use super::super::stage::{lock, now, spawn};
use super::fitter::Fitter;
use crate::core::plan::LiveSend;
use crate::model::{Bitrate, Moment};
use gstreamer as gst;
use gstreamer_video as gst_video;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Cheap to clone; idle until it is ordered something.
#[derive(Clone)]
pub(super) struct Transcoder(Arc<Desk>);

struct Desk {
    clock: gst::Clock,
    out: VideoOut,
    slot: Mutex<Slot>,
    wake: Condvar,
}

#[derive(Default)]
struct Slot {
    order: Option<LiveSend>,
    newest: Option<gst::Sample>,
    /// It was not encoded yet.
    fresh: bool,
    key_wanted: bool,
    /// When the line has taken what was encoded.
    free_at: Moment,
    /// When the last key frame is there: a round trip after the line took it.
    key_there_at: Moment,
    /// Units in a row that changed next to nothing.
    settled: u32,
    broken: bool,
    stopped: bool,
}

/// What the thread keeps.
#[derive(Default)]
struct Bench {
    encoder: Option<(EncoderOrder, Encoder)>,
    fitter: Fitter,
    last_at: Moment,
    key_at: Option<Moment>,
}

impl Transcoder {
    pub(super) fn start(clock: gst::Clock, out: VideoOut) -> Self {
        let desk = Arc::new(Desk { clock, out, slot: Mutex::default(), wake: Condvar::new() });
        let worker = Arc::clone(&desk);
        spawn("live", move || worker.run());
        Self(desk)
    }

    /// Encode so from now on, or nothing.
    pub(super) fn order(&self, order: Option<LiveSend>) {
        let mut slot = lock(&self.0.slot);
        if slot.order == order {
            return;
        }
        let same = |old: &LiveSend| order.as_ref().is_some_and(|new| old.source == new.source);
        if !slot.order.as_ref().is_some_and(same) {
            *slot = Slot { stopped: slot.stopped, ..Slot::default() };
        }
        (slot.order, slot.settled) = (order, 0);
        drop(slot);
        self.0.wake.notify_one();
    }

    /// A raw I420 picture.
    pub(super) fn frame(&self, sample: &gst::Sample) {
        let mut slot = lock(&self.0.slot);
        if slot.order.is_none() {
            return;
        }
        (slot.newest, slot.fresh, slot.settled) = (Some(sample.clone()), true, 0);
        drop(slot);
        self.0.wake.notify_one();
    }

    /// A key frame soon: the far decoder cannot go on without one. Not while one is on its way: it asks until it has come.
    pub(super) fn refresh(&self) {
        let mut slot = lock(&self.0.slot);
        if now(&self.0.clock) < slot.key_there_at {
            return;
        }
        (slot.key_wanted, slot.settled) = (true, 0);
        drop(slot);
        self.0.wake.notify_one();
    }

    pub(super) fn stop(&self) {
        lock(&self.0.slot).stopped = true;
        self.0.wake.notify_one();
    }
}

impl Desk {
    fn run(self: Arc<Self>) {
        let mut bench = Bench::default();
        while let Some((order, frame)) = self.next(&mut bench) {
            let Some((order, frame)) = order.zip(frame) else {
                bench = Bench::default();
                continue;
            };
            if let Err(cause) = self.encode(&mut bench, &order, &frame) {
                tracing::warn!(cause, "a share is not encoded");
                bench = Bench::default();
                let pause = lock(&self.slot);
                let rested = self.wake.wait_timeout(pause, REBUILT_AFTER).unwrap_or_else(PoisonError::into_inner);
                drop(rested);
            }
        }
    }

    /// Waits until there is something to encode and the line has room; `None`: stopped. Without order the bench is cleared.
    fn next(&self, bench: &mut Bench) -> Option<(Option<LiveSend>, Option<gst::Sample>)> {
        let mut slot = lock(&self.slot);
        loop {
            if slot.stopped {
                return None;
            }
            let Some(order) = slot.order else {
                if bench.encoder.is_some() {
                    return Some((None, None));
                }
                slot = self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let at = now(&self.clock);
            let wanted = slot.fresh || slot.key_wanted || slot.settled < SETTLED;
            let pause = if slot.fresh || slot.key_wanted { between(&order) } else { SHARPEN_EVERY };
            let due = (bench.last_at + pause).max(slot.free_at);
            match (slot.newest.clone().filter(|_| wanted), due.since(at)) {
                (Some(frame), wait) if wait.is_zero() => {
                    slot.fresh = false;
                    return Some((Some(order), Some(frame)));
                }
                (Some(_), wait) => {
                    slot = self.wake.wait_timeout(slot, wait).unwrap_or_else(PoisonError::into_inner).0;
                }
                (None, _) => slot = self.wake.wait(slot).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn encode(self: &Arc<Self>, bench: &mut Bench, order: &LiveSend, frame: &gst::Sample) -> Result<(), String> {
        let info = frame.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok()).ok_or("no picture")?;
        let size = fitting((info.width(), info.height()), order);
        let (mut buffer, caps) = bench.fitter.fit(frame, &info, size)?;
        self.make_ready(bench, encoder_order(order, size))?;
        let (_, encoder) = bench.encoder.as_ref().ok_or("no encoder")?;
        let at = now(&self.clock).max(bench.last_at + Duration::from_millis(1));
        buffer.make_mut().set_pts(gst::ClockTime::from_nseconds(at.as_nanos()));
        let mut slot = lock(&self.slot);
        if slot.key_wanted && bench.key_at.is_none_or(|key_at| at.since(key_at) >= KEY_PAUSE) {
            slot.key_wanted = !encoder.force_key_frame(at);
            bench.key_at = Some(at);
        }
        drop(slot);
        encoder.encode(buffer, &caps);
        bench.last_at = at;
        Ok(())
    }

    /// The encoder for this order; another bitrate is set on the running one.
    fn make_ready(self: &Arc<Self>, bench: &mut Bench, order: EncoderOrder) -> Result<(), String> {
        let broken = std::mem::take(&mut lock(&self.slot).broken);
        let fits =
            bench.encoder.as_ref().is_some_and(|(known, _)| EncoderOrder { bitrate: order.bitrate, ..*known } == order);
        if !fits || broken {
            bench.encoder = None;
            let (out, fault) = (Arc::downgrade(self), Arc::downgrade(self));
            let out: VideoOut = Arc::new(move |unit| {
                if let Some(desk) = out.upgrade() {
                    desk.made(unit);
                }
            });
            let fault = move |element: &'static str, cause: String| {
                tracing::warn!(element, cause, "the encoder of a share broke");
                if let Some(desk) = fault.upgrade() {
                    lock(&desk.slot).broken = true;
                    desk.wake.notify_one();
                }
            };
            let encoder = Encoder::start(order, &[], out, fault).map_err(|error| error.to_string())?;
            // It begins with a key frame by itself.
            lock(&self.slot).key_wanted = false;
            bench.key_at = Some(now(&self.clock));
            bench.encoder = Some((order, encoder));
        }
        if let Some((known, encoder)) = bench.encoder.as_mut().filter(|(known, _)| known.bitrate != order.bitrate) {
            known.bitrate = order.bitrate;
            encoder.set_bitrate(order.bitrate);
        }
        Ok(())
    }

    /// On the encoder's thread.
    fn made(&self, unit: gst::Buffer) {
        let at = now(&self.clock);
        let mut slot = lock(&self.slot);
        let Some(order) = slot.order else { return };
        slot.settled = if unit.size() <= NOTHING_NEW { slot.settled + 1 } else { 0 };
        tracing::trace!(bytes = unit.size(), "a picture of the share is encoded");
        let takes = Duration::from_secs_f64(unit.size() as f64 * 8.0 / f64::from(order.bitrate.as_bps().max(1)));
        slot.free_at = slot.free_at.max(at) + takes;
        if !unit.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            slot.key_there_at = slot.free_at + ROUND_TRIP;
        }
        drop(slot);
        (self.out)(unit);
        self.wake.notify_one();
    }
}

/// What is encoded: even sides; a moving picture on a narrow line at most 1280×720.
fn fitting((width, height): (u32, u32), order: &LiveSend) -> (u32, u32) {
    let even = |side: u32| (side & !1).max(16);
    let most = if order.moving && order.bitrate < WIDE_ENOUGH { 1280.0 / f64::from(width.max(1)) } else { 1.0_f64 };
    if most >= 1.0 {
        return (even(width), even(height));
    }
    let smaller = |side: u32| even((f64::from(side) * most) as u32);
    (smaller(width), smaller(height))
}

fn encoder_order(order: &LiveSend, size: (u32, u32)) -> EncoderOrder {
    let (content, fps) = if order.moving { (Content::Moving, 30) } else { (Content::Page, page_fps(order.bitrate)) };
    EncoderOrder { codec: order.codec, size, fps, bitrate: order.bitrate, content }
}

/// What the rate control is told: a page gets a part of a second of the line for each frame, so that the first one, which may
/// take two seconds' worth, is readable: the fewer parts, the larger it is.
fn page_fps(bitrate: Bitrate) -> u32 {
    (bitrate.as_kbps() / 300).clamp(2, 10)
}

fn between(order: &LiveSend) -> Duration {
    if order.moving { BETWEEN_MOVING } else { BETWEEN_PAGES }
}

const BETWEEN_MOVING: Duration = Duration::from_millis(33);
/// 15 a second are enough for a pointer.
const BETWEEN_PAGES: Duration = Duration::from_millis(66);
/// A still one is encoded again so often, until nothing comes of it.
const SHARPEN_EVERY: Duration = Duration::from_millis(200);
const SETTLED: u32 = 5;
/// Bytes of a unit in which every block says "as before".
const NOTHING_NEW: usize = 400;
const ROUND_TRIP: Duration = Duration::from_millis(300);
const KEY_PAUSE: Duration = Duration::from_secs(1);
const REBUILT_AFTER: Duration = Duration::from_secs(1);
/// From here a moving 1080p picture is not made smaller.
const WIDE_ENOUGH: Bitrate = Bitrate::from_kbps(2500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LiveId, VideoCodec};

    #[test]
    fn text_is_never_made_smaller_and_a_moving_picture_only_on_a_narrow_line() {
        let order = |kbps, moving| LiveSend {
            source: LiveId(1),
            codec: VideoCodec::H264,
            bitrate: Bitrate::from_kbps(kbps),
            moving,
            sound: None,
        };
        assert_eq!(fitting((1920, 1080), &order(300, false)), (1920, 1080));
        assert_eq!(fitting((1291, 877), &order(300, false)), (1290, 876));
        assert_eq!(fitting((1920, 1080), &order(600, true)), (1280, 720));
        assert_eq!(fitting((800, 600), &order(600, true)), (800, 600));
        assert_eq!(fitting((1920, 1080), &order(3000, true)), (1920, 1080));
    }
}
