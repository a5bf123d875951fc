//! What every receiving pipeline has in common: the one clock, errors told from any thread, and a thread of its own from
//! opening to closing.
//!
//! ```text
//!  play ─▶ [ thread: open ─▶ wait until the stage is dropped ─▶ close ]
//!    └─ waits for "open", at most OPENS_WITHIN
//! ```
//!
//! Promise: a driver that hangs, opening or closing, holds that thread and nobody else; [`Lives`] counts such threads, and at
//! [`LIVES`] no other is begun.

use crate::model::Moment;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A pipeline on the given clock with base time zero: PTS is a [`Moment`]. Dropping it ends it, off this thread.
pub(super) struct Stage {
    pipeline: gst::Pipeline,
    /// Dropped with the stage: the word to close.
    kept: Option<SyncSender<()>>,
}

/// Threads that may hang in a driver and have not come back yet. Clones count together.
#[derive(Clone, Default)]
pub(super) struct Lives(Arc<AtomicUsize>);

/// One of them; dropped when it came back.
struct Life(Lives);

/// Why a pipeline could not be built or failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StageFault {
    /// An element is missing or its description is wrong.
    #[error("cannot build: {0}")]
    Build(String),
    /// It does not start: device missing, taken or hung.
    #[error("cannot start: {0}")]
    Start(String),
}

impl Stage {
    /// An empty pipeline. `broken` is called from any thread when an element gives up; it must not block.
    pub(super) fn new(name: &str, clock: &gst::Clock, broken: impl Fn(String) + Send + Sync + 'static) -> Self {
        let pipeline = gst::Pipeline::builder().name(name).build();
        pipeline.use_clock(Some(clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(gst::ClockTime::ZERO);
        if let Some(bus) = pipeline.bus() {
            bus.set_sync_handler(move |_, message| {
                if let gst::MessageView::Error(error) = message.view() {
                    broken(format!(
                        "{}: {}",
                        error.src().map_or_else(String::new, |src| src.name().into()),
                        error.error()
                    ));
                }
                gst::BusSyncReply::Drop
            });
        }
        Self { pipeline, kept: None }
    }

    /// Adds elements and links them in their order.
    pub(super) fn chain(&self, elements: &[&gst::Element]) -> Result<(), StageFault> {
        let fault = |error: gst::glib::BoolError| StageFault::Build(error.to_string());
        self.pipeline.add_many(elements).map_err(fault)?;
        gst::Element::link_many(elements).map_err(fault)
    }

    /// Starts it; devices are opened before this returns. What is not open `within` this time is given up: drop the stage.
    pub(super) fn play(&mut self, lives: &Lives, within: Duration) -> Result<(), StageFault> {
        let life = lives.begin().ok_or_else(|| StageFault::Start("earlier tries still hang in the driver".into()))?;
        let (kept, dropped) = sync_channel(0);
        let (tell, opened) = sync_channel(1);
        self.kept = Some(kept);
        let pipeline = self.pipeline.clone();
        spawn("stage", move || {
            let told = tell.try_send(open(&pipeline));
            let _ = dropped.recv(); // nothing is ever sent: it ends when the stage is dropped
            close(&pipeline);
            if told.is_err() {
                tracing::info!(pipeline = %pipeline.name(), "a driver that hung came back");
            }
            drop((pipeline, life));
        });
        match opened.recv_timeout(within) {
            Ok(opened) => opened.map_err(|error| StageFault::Start(error.to_string())),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(StageFault::Start(format!("it hangs: not open within {} s", within.as_secs_f32())))
            }
        }
    }
}

impl Lives {
    /// Does what may hang on a thread of its own; `None`: not done `within` this time, or too many hang already.
    pub(super) fn attempt<T: Send + 'static>(
        &self,
        within: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let life = self.begin()?;
        let (tell, done) = sync_channel(1);
        spawn("attempt", move || {
            let _ = tell.try_send(work()); // too late: nobody listens any more
            drop(life);
        });
        done.recv_timeout(within).ok()
    }

    /// How many have not come back.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn begin(&self) -> Option<Life> {
        let one_more = |count| (count < LIVES).then_some(count + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Life(self.clone()))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn open(pipeline: &gst::Pipeline) -> Result<(), gst::StateChangeError> {
    pipeline.set_state(gst::State::Ready)?;
    pipeline.set_state(gst::State::Playing)?;
    Ok(())
}

fn close(pipeline: &gst::Pipeline) {
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::debug!(pipeline = %pipeline.name(), %error, "a pipeline did not end well");
    }
}

/// Makes an element or says which one is missing.
pub(super) fn element(name: &str) -> Result<gst::Element, StageFault> {
    gst::ElementFactory::make(name).build().map_err(|error| StageFault::Build(error.to_string()))
}

/// Starts a named thread.
///
/// # Panics
/// When the system gives no thread: a restart by systemd is the remedy.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().name(name.into()).spawn(work).expect("the system gives a thread");
}

/// Reads the clock all pipelines run on.
pub(super) fn now(clock: &gst::Clock) -> Moment {
    Moment::from_nanos(clock.time().nseconds())
}

/// Locks; a panic elsewhere does not spread.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device that takes longer to open counts as hung.
pub(super) const OPENS_WITHIN: Duration = Duration::from_secs(5);
/// Threads that may hang at the same time, for one owner and device.
pub(super) const LIVES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    #[test]
    fn a_device_that_hangs_is_given_up_and_hangs_no_more_threads_than_it_may() {
        gst::init().unwrap();
        let clock: gst::Clock = gst::SystemClock::obtain();
        let directory = tempfile::tempdir().unwrap();
        // Whoever opens a pipe to write hangs until somebody reads it.
        let device = directory.path().join("device");
        mkfifo(&device, Mode::S_IRWXU).unwrap();
        let lives = Lives::default();
        let open = || {
            let mut stage = Stage::new("test", &clock, |_| {});
            let sink = element("filesink")?;
            sink.set_property("location", device.to_str());
            stage.chain(&[&element("appsrc")?, &sink])?;
            stage.play(&lives, Duration::from_millis(50)).map(|()| stage)
        };
        let came_back = || {
            (0..500).any(|_| {
                let _ = clock.new_single_shot_id(clock.time() + gst::ClockTime::from_mseconds(10)).wait();
                lives.count() == 0
            })
        };
        for attempt in 0..LIVES + 2 {
            let fault = open().err().expect("it hangs").to_string();
            let earlier = attempt >= LIVES;
            assert_eq!(fault.contains("it hangs"), !earlier, "{fault}");
            assert_eq!(fault.contains("earlier tries"), earlier, "{fault}");
        }
        assert_eq!(lives.count(), LIVES);

        let reader = std::fs::File::options().read(true).write(true).open(&device).unwrap();
        assert!(came_back(), "{} hang on", lives.count());
        let stage = open().expect("it opens");
        assert_eq!(lives.count(), 1);
        drop(stage);
        assert!(came_back());
        drop(reader);
    }

    #[test]
    fn an_attempt_that_hangs_is_given_up() {
        let lives = Lives::default();
        assert_eq!(lives.attempt(Duration::from_secs(5), || 7), Some(7));
        let (hang, hangs) = sync_channel::<()>(0);
        assert_eq!(lives.attempt(Duration::from_millis(20), move || hangs.recv().is_ok()), None);
        drop(hang);
    }
}
