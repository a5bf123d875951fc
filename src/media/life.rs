//! One life of a source: a pipeline on a thread of its own, from opening to closing. Whatever blocks, blocks here.
//!
//! ```text
//! source bin ─► (clips: loop) ─► tail (convert, caps) ─► clocksync ─► take(buffer with pts = Moment)
//!                                                        └ only when the source is not live
//! ```
//!
//! Buffers are taken out by a probe and are nobody else's, so that stamping and re-timing copy nothing.
//!
//! A file's clip runs on the clock: position = (now − process start) modulo duration, so that picture and sound of one
//! clip, two pipelines, stay in step through every turn. A source that is neither live nor a file starts at now.

use crate::config::Source;
use crate::media::source::{self, Form, now, on_shared_clock};
use crate::model::Moment;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Takes what was captured: a buffer whose PTS is its [`Moment`], and its caps.
pub(crate) type Take = Arc<dyn Fn(gst::Buffer, &gst::CapsRef) + Send + Sync>;

/// What a life needs to know.
pub(crate) struct LifeOrder {
    pub source: Source,
    pub form: Form,
    pub attempt: usize,
    /// Description of what stands between source and sink.
    pub tail: String,
    pub take: Take,
    /// Told once or more when the life cannot go on; it must be dropped then.
    pub fault: Arc<dyn Fn(String) + Send + Sync>,
    /// Lives not yet closed: a hung driver keeps its thread.
    pub lives: Arc<AtomicUsize>,
}

/// Dropping it closes the source, off the caller's thread.
pub(crate) struct Life(SyncSender<Turn>);

enum Turn {
    FirstBuffer,
    EndReached,
    Close,
}

impl Life {
    /// Opens; returns at once.
    pub(crate) fn start(order: LifeOrder) -> Self {
        let (sender, receiver) = sync_channel(TURNS);
        let turns = sender.clone();
        order.lives.fetch_add(1, Ordering::Relaxed);
        let lives = order.lives.clone();
        let fault = order.fault.clone();
        let spawned = std::thread::Builder::new().name("engawa-source".to_owned()).spawn(move || {
            if let Err(sentence) = live(&order, &turns, &receiver) {
                (order.fault)(sentence);
            }
            order.lives.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = spawned {
            lives.fetch_sub(1, Ordering::Relaxed);
            fault(format!("no thread for it: {error}"));
        }
        Self(sender)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Never full: at most one FirstBuffer and one EndReached wait.
        if self.0.try_send(Turn::Close).is_err() {
            tracing::debug!("the source was closed before");
        }
    }
}

/// A pipeline that is set to Null however its owner ends.
struct Running(gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.0.set_state(gst::State::Null) {
            tracing::debug!(%error, "closing a source");
        }
        // The handler keeps `fault` and, through it, its owner.
        if let Some(bus) = self.0.bus() {
            bus.unset_sync_handler();
        }
    }
}

enum After {
    Rebuild,
    Closed,
}

fn live(order: &LifeOrder, turns: &SyncSender<Turn>, received: &Receiver<Turn>) -> Result<(), String> {
    let timeline = Arc::new(Timeline::default());
    // A clip that cannot be rewound is opened again for every turn.
    while let After::Rebuild = one_run(order, &timeline, turns, received)? {}
    Ok(())
}

fn one_run(
    order: &LifeOrder,
    timeline: &Arc<Timeline>,
    turns: &SyncSender<Turn>,
    received: &Receiver<Turn>,
) -> Result<After, String> {
    let looped = matches!(order.source, Source::File(_));
    let (running, pace) = assemble(order, timeline, turns, looped)?;
    let pipeline = &running.0;
    let held = if looped { None } else { hold(&pace) };
    let opened = pipeline.set_state(gst::State::Paused).map_err(|_| "it cannot be opened".to_owned())?;
    let is_live = opened == gst::StateChangeSuccess::NoPreroll;
    pace.set_property("sync", !is_live);
    timeline.trusted.store(u8::from(!is_live), Ordering::Relaxed);
    if looped {
        match received.recv_timeout(FIRST_FRAME_WITHIN) {
            Ok(Turn::FirstBuffer) => {}
            Ok(Turn::EndReached) => return Err("the clip is empty".to_owned()),
            Ok(Turn::Close) | Err(RecvTimeoutError::Disconnected) => return Ok(After::Closed),
            Err(RecvTimeoutError::Timeout) => return Err("nothing comes out of the clip".to_owned()),
        }
        if !timeline.place(pipeline, &pace, order.form) {
            timeline.phase.store(FLOWING, Ordering::Relaxed);
        }
    } else if !is_live {
        timeline.begin(&pace, order.form, now());
    }
    pipeline.set_state(gst::State::Playing).map_err(|_| "it cannot be started".to_owned())?;
    drop(held);
    loop {
        match received.recv() {
            Ok(Turn::FirstBuffer) => {}
            Ok(Turn::EndReached) if timeline.place(pipeline, &pace, order.form) => {}
            Ok(Turn::EndReached) => return Ok(After::Rebuild),
            Ok(Turn::Close) | Err(_) => return Ok(After::Closed),
        }
    }
}

fn assemble(
    order: &LifeOrder,
    timeline: &Arc<Timeline>,
    turns: &SyncSender<Turn>,
    looped: bool,
) -> Result<(Running, gst::Element), String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let bin = source::open(&order.source, order.form, order.attempt).map_err(|error| say(&error))?;
    let tail = source::passage(&order.tail).map_err(|error| say(&error))?;
    let pace = gst::ElementFactory::make("clocksync").property("sync", false).build().map_err(|error| say(&error))?;
    let sink = gst::ElementFactory::make("fakesink").property("async", false).build().map_err(|error| say(&error))?;
    let running = Running(gst::Pipeline::new());
    on_shared_clock(&running.0);
    let chain = [bin.upcast_ref::<gst::Element>(), tail.upcast_ref(), &pace, &sink];
    running.0.add_many(chain).map_err(|error| say(&error))?;
    gst::Element::link_many(chain).map_err(|_| format!("it does not give raw {}", order.form.raw()))?;
    if looped && let Some(end) = bin.static_pad("src") {
        timeline.phase.store(WAITING, Ordering::Relaxed);
        hold_until_placed(&end, timeline.clone(), turns.clone());
    }
    if let Some(end) = pace.static_pad("src") {
        take_from(&end, order.take.clone(), timeline.clone());
    }

    let fault = order.fault.clone();
    if let Some(bus) = running.0.bus() {
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let origin = error.src().map(|origin| origin.name().to_string()).unwrap_or_default();
                tracing::debug!(origin, debug = ?error.debug(), "a source fails");
                fault(format!("{} ({origin})", error.error()));
            } else if message.type_() == gst::MessageType::Eos {
                fault("it came to its end".to_owned());
            }
            gst::BusSyncReply::Drop
        });
    }
    Ok((running, pace))
}

/// Takes every buffer out of the pipeline, with its moment as PTS.
fn take_from(end: &gst::Pad, take: Take, timeline: Arc<Timeline>) {
    end.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(gst::PadProbeData::Buffer(mut buffer)) = info.data.take() else { return gst::PadProbeReturn::Ok };
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let running_time = segment.as_ref().and_then(|event| {
            let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
            segment.to_running_time(buffer.pts())
        });
        let moment = timeline.moment(running_time, buffer.duration());
        buffer.make_mut().set_pts(gst::ClockTime::from_nseconds(moment.as_nanos()));
        if let Some(caps) = pad.current_caps() {
            take(buffer, &caps);
        }
        gst::PadProbeReturn::Handled
    });
}

/// Blocks a source that does not wait for the clock by itself, until dropped.
fn hold(pace: &gst::Element) -> Option<Hold> {
    let pad = pace.static_pad("sink")?;
    let kinds = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER;
    let probe = pad.add_probe(kinds, |_, _| gst::PadProbeReturn::Ok)?;
    Some(Hold(pad, Some(probe)))
}

struct Hold(gst::Pad, Option<gst::PadProbeId>);

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(probe) = self.1.take() {
            self.0.remove_probe(probe);
        }
    }
}

/// Keeps a clip's data back while its place in time is not set, and turns its end into a turn of the loop.
fn hold_until_placed(end: &gst::Pad, timeline: Arc<Timeline>, turns: SyncSender<Turn>) {
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
    end.add_probe(kinds, move |_, info| {
        let tell = |turn| {
            if turns.try_send(turn).is_err() {
                tracing::debug!("a clip turns while it closes");
            }
        };
        match &info.data {
            Some(gst::PadProbeData::Buffer(_)) => match timeline.phase.load(Ordering::Relaxed) {
                FLOWING => return gst::PadProbeReturn::Ok,
                WAITING => {
                    timeline.phase.store(PLACING, Ordering::Relaxed);
                    tell(Turn::FirstBuffer);
                }
                _ => {}
            },
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::FlushStop => {
                timeline.phase.store(FLOWING, Ordering::Relaxed);
                return gst::PadProbeReturn::Ok;
            }
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => {
                // While PLACING the end is answered by the seek that is already on its way.
                if timeline.phase.swap(PLACING, Ordering::Relaxed) != PLACING {
                    tell(Turn::EndReached);
                }
            }
            _ => return gst::PadProbeReturn::Ok,
        }
        // Not `Drop`, which GStreamer 1.22 answers with a critical warning when it is an event.
        gst::PadProbeReturn::Handled
    });
}

/// Running time ↔ [`Moment`].
#[derive(Default)]
struct Timeline {
    phase: AtomicU8,
    /// Moment − running time, nanoseconds.
    offset: AtomicI64,
    /// 1 once the offset is known to be right.
    trusted: AtomicU8,
    /// Where the last buffer ended.
    last_end: AtomicU64,
    /// The turn of the loop that is on now.
    cycle: AtomicU64,
}

impl Timeline {
    /// The moment of a buffer.
    fn moment(&self, running_time: Option<gst::ClockTime>, duration: Option<gst::ClockTime>) -> Moment {
        let offset = self.offset.load(Ordering::Relaxed);
        let mut moment = running_time.map_or_else(now, |time| Moment::from_nanos(time.nseconds()).shifted(offset));
        // A live source may count time in its own way: then its first buffer is now.
        if self.trusted.swap(1, Ordering::Relaxed) == 0 {
            let error = now().minus(moment);
            if !(-EARLY_NS..LATE_NS).contains(&error) {
                self.offset.store(offset.saturating_add(error), Ordering::Relaxed);
                moment = moment.shifted(error);
            }
        }
        let end = moment + duration.map_or(STILL, Duration::from);
        self.last_end.store(end.as_nanos(), Ordering::Relaxed);
        moment
    }

    /// Running time zero is `at`.
    fn begin(&self, pace: &gst::Element, form: Form, at: Moment) {
        let offset = at.as_nanos().cast_signed();
        self.offset.store(offset, Ordering::Relaxed);
        // Sound is handed on when its last sample is due, as a real microphone would.
        let wait = match form {
            Form::Picture { .. } => 0,
            Form::Sound => CHUNK_NS,
        };
        pace.set_property("ts-offset", offset + wait);
    }

    /// Winds the clip to where the clock says it is; false if it cannot be wound.
    fn place(&self, pipeline: &gst::Pipeline, pace: &gst::Element, form: Form) -> bool {
        self.phase.store(PLACING, Ordering::Relaxed);
        let start = *CLIPS_BEGAN.get_or_init(now);
        let at = now();
        let duration = pipeline.query_duration::<gst::ClockTime>().map_or(0, gst::ClockTime::nseconds);
        let position = if duration < SHORTEST_LOOP_NS {
            self.begin(pace, form, at.max(Moment::from_nanos(self.last_end.load(Ordering::Relaxed))));
            0
        } else {
            let elapsed = at.minus(start).max(0).cast_unsigned();
            let next = self.cycle.load(Ordering::Relaxed) + 1;
            // The end comes a little before or after the clock's turn; only a real gap is skipped.
            let (cycle, position) = if (next * duration).abs_diff(elapsed) < SHORTEST_LOOP_NS {
                (next, 0)
            } else {
                (elapsed / duration, elapsed % duration)
            };
            self.cycle.store(cycle, Ordering::Relaxed);
            self.begin(pace, form, start + Duration::from_nanos(cycle * duration + position));
            position
        };
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
        pipeline.seek_simple(flags, gst::ClockTime::from_nseconds(position)).is_ok()
    }
}

/// The moment all clips of this process count from.
static CLIPS_BEGAN: OnceLock<Moment> = OnceLock::new();

const WAITING: u8 = 1;
const PLACING: u8 = 2;
const FLOWING: u8 = 0;

const TURNS: usize = 8;
const FIRST_FRAME_WITHIN: Duration = Duration::from_secs(5);
/// How long a buffer without a duration stands.
const STILL: Duration = Duration::from_millis(33);
const CHUNK_NS: i64 = 10_000_000;
const SHORTEST_LOOP_NS: u64 = 400_000_000;
const EARLY_NS: i64 = 100_000_000;
const LATE_NS: i64 = 1_500_000_000;
