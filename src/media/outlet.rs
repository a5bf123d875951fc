//! A way out of the box, screen or speaker, that is kept open for ever.
//!
//! ```text
//!  push(sample) ─▶ appsrc (leaky: the newest stay) ─▶ bin of the first description that works
//!                     ▲ new one                           │ error · stalled
//!                     └────── keeper thread ◀─────────────┘  DeviceChanged, pause by LADDER, again
//!                               └─ opens on a thread of the stage's own, within OPENS_WITHIN
//! ```
//!
//! Promise: pushing never blocks; trouble of the device never reaches the session; a device that hangs is told as missing,
//! and holds at most [`LIVES`](super::stage::LIVES) threads.

use super::compositor::Compositor;
use super::stage::{Lives, OPENS_WITHIN, Stage, StageFault, lock, spawn};
use crate::core::input::Input;
use crate::inbox::Inbox;
use crate::model::Device;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Cheap to clone; lives until [`Outlet::close`].
#[derive(Clone)]
pub(super) struct Outlet {
    open: Arc<Mutex<Option<Open>>>,
    words: SyncSender<Word>,
    counts: Arc<Counts>,
}

/// What an outlet is made of.
pub(super) struct OutletPlan {
    /// What people lose when it is gone.
    pub device: Device,
    /// All pipelines run on it.
    pub clock: gst::Clock,
    /// How many samples may wait.
    pub waiting: u64,
    /// Bin descriptions to try, best first, their first element named [`ENTRANCE`]; asked at every attempt.
    pub descriptions: Box<dyn Fn() -> Vec<String> + Send>,
    /// Called when it is open; what is returned is asked every second whether the device is gone, for nothing else tells of one that
    /// vanishes while nothing is pushed.
    pub opened: Box<dyn Fn() -> Gone + Send>,
}

/// Whether an opened device is gone.
pub(super) type Gone = Box<dyn Fn() -> bool + Send>;

/// One opened device. Cheap to clone.
#[derive(Clone)]
pub(super) struct Open {
    source: gst_app::AppSrc,
    bin: gst::Bin,
    counts: Arc<Counts>,
}

/// Tries that still hang, by what was tried: a display that hangs does not keep another one from being opened.
type Hung = HashMap<String, Lives>;

#[derive(Default)]
struct Counts {
    pushed: AtomicU64,
    passed: AtomicU64,
    closed: AtomicBool,
}

enum Word {
    Broken { attempt: u64, cause: String },
    Close,
}

impl Outlet {
    /// Opens it, for ever.
    pub(super) fn start(plan: OutletPlan, inbox: Inbox) -> Self {
        let (words, heard) = sync_channel(8);
        let outlet = Self { open: Arc::default(), words, counts: Arc::default() };
        let keeper = outlet.clone();
        spawn("outlet", move || keeper.keep(&plan, &inbox, &heard));
        outlet
    }

    /// Hands a sample on; false if nothing is open.
    pub(super) fn push(&self, sample: &gst::Sample) -> bool {
        self.current().is_some_and(|open| open.push(sample))
    }

    /// What is open now.
    pub(super) fn current(&self) -> Option<Open> {
        lock(&self.open).clone()
    }

    /// Ends it.
    pub(super) fn close(&self) {
        self.counts.closed.store(true, Ordering::Release);
        let _ = self.words.try_send(Word::Close); // full: the keeper wakes anyway, and looks
        *lock(&self.open) = None;
    }

    fn keep(&self, plan: &OutletPlan, inbox: &Inbox, heard: &Receiver<Word>) {
        let mut present = None;
        let mut failures = 0;
        let mut attempt = 0;
        let mut hung = Hung::new();
        while !self.counts.closed.load(Ordering::Acquire) {
            attempt += 1;
            let tell = |present: &mut Option<bool>, now_present: bool, detail: &str| {
                if present.replace(now_present) != Some(now_present) {
                    tracing::info!(device = ?plan.device, present = now_present, detail, "device changed");
                    let detail = detail.to_owned();
                    inbox.urgent(Input::DeviceChanged { device: plan.device, present: now_present, detail });
                }
            };
            let cause = match self.open_first(plan, attempt, &mut hung) {
                Ok((stage, open, description)) => {
                    *lock(&self.open) = Some(open);
                    let _compositor = self.watch_compositor(attempt, &description);
                    let gone = (plan.opened)();
                    let ended = self.watch(heard, attempt, &gone, || {
                        tell(&mut present, true, &description);
                        failures = 0;
                    });
                    *lock(&self.open) = None;
                    drop(stage);
                    match ended {
                        Some(cause) => cause,
                        None => return,
                    }
                }
                Err(cause) => cause,
            };
            tell(&mut present, false, &cause);
            let pause = LADDER[failures.min(LADDER.len() - 1)];
            failures += 1;
            if !waited(heard, pause) {
                return;
            }
        }
    }

    /// Watches an open outlet until it breaks; `None`: it was closed. `proven` is called once it has lived for a while.
    fn watch(&self, heard: &Receiver<Word>, attempt: u64, gone: &Gone, proven: impl FnOnce()) -> Option<String> {
        let counts = || (self.counts.pushed.load(Ordering::Relaxed), self.counts.passed.load(Ordering::Relaxed));
        let mut before = counts();
        let mut proven = Some(proven);
        let mut looks = 0;
        loop {
            match heard.recv_timeout(if proven.is_some() { PROVEN } else { LOOK }) {
                Ok(Word::Broken { attempt: of, cause }) if of == attempt => return Some(cause),
                Ok(Word::Broken { .. }) if self.counts.closed.load(Ordering::Acquire) => return None,
                Ok(Word::Broken { .. }) => {} // of one that is gone
                Ok(Word::Close) | Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(proven) = proven.take() {
                        proven();
                        continue;
                    }
                    if gone() {
                        return Some("unplugged".into());
                    }
                    looks += 1;
                    if looks < STALLED_LOOKS {
                        continue;
                    }
                    looks = 0;
                    let after = counts();
                    if after.0 >= before.0 + 3 && after.1 == before.1 {
                        return Some("stalled".into());
                    }
                    before = after;
                }
            }
        }
    }

    /// Tells of a compositor's end as of any other device's, as long as what is returned is kept.
    fn watch_compositor(&self, attempt: u64, description: &str) -> Option<Compositor> {
        let words = self.words.clone();
        let gone = move || {
            // Full: the keeper is being told of something else.
            let _ = words.try_send(Word::Broken { attempt, cause: "the compositor is gone".into() });
        };
        Compositor::watch(&Compositor::socket_of(description)?, gone).ok()
    }

    fn open_first(&self, plan: &OutletPlan, attempt: u64, hung: &mut Hung) -> Result<(Stage, Open, String), String> {
        let mut causes = Vec::new();
        hung.retain(|_, lives| lives.count() > 0);
        for description in (plan.descriptions)() {
            let lives = hung.entry(description.clone()).or_default();
            match self.open_one(plan, attempt, &description, lives) {
                Ok((stage, open)) => return Ok((stage, open, description)),
                Err(fault) => causes.push(fault.to_string()),
            }
        }
        Err(if causes.is_empty() { "nothing to open".into() } else { causes.join("; ") })
    }

    fn open_one(
        &self,
        plan: &OutletPlan,
        attempt: u64,
        description: &str,
        lives: &Lives,
    ) -> Result<(Stage, Open), StageFault> {
        let words = self.words.clone();
        let mut stage = Stage::new("outlet", &plan.clock, move |cause| {
            // Full: the keeper has enough to read about this fault already.
            let _ = words.try_send(Word::Broken { attempt, cause });
        });
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .is_live(true)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .max_buffers(plan.waiting)
            .build();
        let bin = gst::parse::bin_from_description(description, false)
            .map_err(|error| StageFault::Build(error.to_string()))?;
        let entrance = bin.by_name(ENTRANCE).and_then(|first| first.static_pad("sink"));
        let entrance = entrance.ok_or_else(|| StageFault::Build(format!("nothing is named {ENTRANCE}")))?;
        let entrance = gst::GhostPad::with_target(&entrance).map_err(|error| StageFault::Build(error.to_string()))?;
        bin.add_pad(&entrance).map_err(|error| StageFault::Build(error.to_string()))?;
        stage.chain(&[source.upcast_ref(), bin.upcast_ref()])?;
        let counts = Arc::clone(&self.counts);
        // Counted when what came before has been taken: appsrc pushes one at a time.
        entrance.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            counts.passed.fetch_add(1, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
        stage.play(lives, OPENS_WITHIN)?;
        Ok((stage, Open { source, bin, counts: Arc::clone(&self.counts) }))
    }
}

impl Open {
    /// Hands a sample on.
    pub(super) fn push(&self, sample: &gst::Sample) -> bool {
        self.counts.pushed.fetch_add(1, Ordering::Relaxed);
        self.source.push_sample(sample).is_ok()
    }

    /// An element of its bin.
    pub(super) fn element(&self, name: &str) -> Option<gst::Element> {
        self.bin.by_name(name)
    }
}

/// Waits out the pause of the ladder; false if it was closed.
fn waited(heard: &Receiver<Word>, pause: Duration) -> bool {
    loop {
        match heard.recv_timeout(pause) {
            Ok(Word::Broken { .. }) => {}
            Ok(Word::Close) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => return true,
        }
    }
}

/// Name of the first element of every description.
pub(super) const ENTRANCE: &str = "engawa-in";
/// What lived for so long is not a device that fails with its first buffer.
const PROVEN: Duration = Duration::from_millis(800);
/// Pauses between attempts; the last one for ever.
const LADDER: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];
const LOOK: Duration = Duration::from_secs(1);
/// A device that takes nothing for so many looks is opened anew.
const STALLED_LOOKS: u32 = 5;
