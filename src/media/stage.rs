//! What every receiving pipeline has in common: the one clock, errors told from any thread, an end that blocks nobody.

use crate::model::Moment;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A pipeline on the given clock with base time zero: PTS is a [`Moment`]. Dropping it ends it, off this thread.
pub(super) struct Stage {
    pipeline: gst::Pipeline,
}

/// Why a pipeline could not be built or failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StageFault {
    /// An element is missing or its description is wrong.
    #[error("cannot build: {0}")]
    Build(String),
    /// It does not start: device missing or taken.
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
        Self { pipeline }
    }

    /// Adds elements and links them in their order.
    pub(super) fn chain(&self, elements: &[&gst::Element]) -> Result<(), StageFault> {
        let fault = |error: gst::glib::BoolError| StageFault::Build(error.to_string());
        self.pipeline.add_many(elements).map_err(fault)?;
        gst::Element::link_many(elements).map_err(fault)
    }

    /// Starts it; devices are opened before this returns.
    pub(super) fn play(&self) -> Result<(), StageFault> {
        let fault = |error: gst::StateChangeError| StageFault::Start(error.to_string());
        self.pipeline.set_state(gst::State::Ready).map_err(fault)?;
        self.pipeline.set_state(gst::State::Playing).map_err(fault)?;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        spawn("stage-end", move || {
            if let Err(error) = pipeline.set_state(gst::State::Null) {
                tracing::debug!(pipeline = %pipeline.name(), %error, "a pipeline did not end well");
            }
        });
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
