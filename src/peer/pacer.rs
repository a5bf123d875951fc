//! The pacer: packets of one line leave no faster than they are allowed, so that a key frame of a shared page, which is a hundred
//! packets at once, never stands in front of the voice on a narrow line.
//!
//! ```text
//!   payloader ─ frame: n packets ─▶ [ pacer ] ─ packet … packet … packet ─▶ webrtcbin
//! ```
//! Waits on the line's own thread, at most [`LONGEST_WAIT`] at a time; a frame in, the same packets out, in order.

use gst::prelude::*;
use gst::subclass::prelude::*;
use gstreamer as gst;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// What a line may send, bits a second with RTP headers; zero, as at first: nothing, and what waits is dropped. Cheap to clone;
/// outlives every session.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Arc<Allowed>);

#[derive(Debug, Default)]
struct Allowed {
    bits_per_s: AtomicU32,
    /// What was captured before is not sent any more: PTS, nanoseconds.
    from: AtomicU64,
}

impl Pace {
    pub(super) fn set(&self, bits_per_s: u32) {
        self.0.bits_per_s.store(bits_per_s, Ordering::Release);
    }

    /// Something else is sent from now on: what waits of before is dropped.
    pub(super) fn begin_anew(&self) {
        self.0.from.store(gst::SystemClock::obtain().time().nseconds(), Ordering::Release);
    }

    fn lets_pass(&self, packet: &gst::BufferRef) -> bool {
        let from = self.0.from.load(Ordering::Acquire);
        let open = self.0.bits_per_s.load(Ordering::Acquire) > 0;
        open && packet.pts().is_none_or(|pts| pts.nseconds() >= from)
    }

    /// How long so many bytes take.
    fn takes(&self, bytes: usize) -> gst::ClockTime {
        let bits_per_s = u64::from(self.0.bits_per_s.load(Ordering::Relaxed));
        let nanos = (bytes as u64 * 8 * 1_000_000_000).checked_div(bits_per_s).unwrap_or(0);
        gst::ClockTime::from_nseconds(nanos).min(LONGEST_WAIT)
    }
}

glib::wrapper! {
    /// See the module.
    pub struct Pacer(ObjectSubclass<imp::Pacer>) @extends gst::Element, gst::Object;
}

impl Pacer {
    /// One that keeps to `pace`.
    pub(super) fn new(pace: Pace) -> Self {
        let pacer: Self = glib::Object::new();
        pacer.imp().keep_to(pace);
        pacer
    }
}

/// At 150 kbit/s a packet takes 64 ms.
const LONGEST_WAIT: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// A line that was silent for long may begin with a few packets at once.
const HEAD_START: gst::ClockTime = gst::ClockTime::from_mseconds(10);

mod imp {
    use super::*;

    pub struct Pacer {
        sink: gst::Pad,
        src: gst::Pad,
        state: Mutex<State>,
    }

    #[derive(Default)]
    struct State {
        pace: Pace,
        /// When the line is free again.
        free_at: gst::ClockTime,
        waiting: Option<gst::SingleShotClockId>,
        stopped: bool,
    }

    impl Pacer {
        pub(super) fn keep_to(&self, pace: Pace) {
            self.lock().pace = pace;
        }

        fn packet(&self, packet: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
            let pace = self.lock().pace.clone();
            if pace.lets_pass(&packet) {
                self.wait_turn(packet.size())?;
            }
            // It may have been shut meanwhile.
            if pace.lets_pass(&packet) { self.src.push(packet) } else { Ok(gst::FlowSuccess::Ok) }
        }

        /// Until the packets before it have left.
        fn wait_turn(&self, bytes: usize) -> Result<(), gst::FlowError> {
            let clock = gst::SystemClock::obtain();
            let mut state = self.lock();
            if state.stopped {
                return Err(gst::FlowError::Flushing);
            }
            let now = clock.time();
            let turn = state.free_at.max(now.saturating_sub(HEAD_START));
            state.free_at = turn + state.pace.takes(bytes);
            if turn <= now {
                return Ok(());
            }
            let waiting = clock.new_single_shot_id(turn);
            state.waiting = Some(waiting.clone());
            drop(state);
            let woken = waiting.wait().0;
            let mut state = self.lock();
            state.waiting = None;
            if state.stopped || woken == Err(gst::ClockError::Unscheduled) {
                Err(gst::FlowError::Flushing)
            } else {
                Ok(())
            }
        }

        fn stop(&self, stopped: bool) {
            let mut state = self.lock();
            state.stopped = stopped;
            if let Some(waiting) = state.waiting.take() {
                waiting.unschedule();
            }
        }

        fn lock(&self) -> std::sync::MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Pacer {
        const NAME: &'static str = "EngawaPacer";
        type Type = super::Pacer;
        type ParentType = gst::Element;

        fn with_class(class: &Self::Class) -> Self {
            let chain = |pad: &gst::Pad, parent: Option<&gst::Object>, packet: gst::Buffer| {
                let _ = pad;
                Self::catch_panic_pad_function(parent, || Err(gst::FlowError::Error), |pacer| pacer.packet(packet))
            };
            let chain_list = |pad: &gst::Pad, parent: Option<&gst::Object>, packets: gst::BufferList| {
                let _ = pad;
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |pacer| packets.iter_owned().try_fold(gst::FlowSuccess::Ok, |_, packet| pacer.packet(packet)),
                )
            };
            let proxy = gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING;
            let template = |name| class.pad_template(name).expect("bug: the pacer's own template");
            let sink = gst::Pad::builder_from_template(&template("sink"));
            let sink = sink.chain_function(chain).chain_list_function(chain_list).flags(proxy).build();
            let src = gst::Pad::builder_from_template(&template("src")).flags(proxy).build();
            Self { sink, src, state: Mutex::default() }
        }
    }

    impl ObjectImpl for Pacer {
        fn constructed(&self) {
            self.parent_constructed();
            for pad in [&self.sink, &self.src] {
                self.obj().add_pad(pad).expect("bug: a new element takes its pads");
            }
        }
    }

    impl GstObjectImpl for Pacer {}

    impl ElementImpl for Pacer {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Engawa's pacer",
                    "Network/RTP",
                    "Packets one after the other",
                    "Engawa",
                )
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                use gst::PadDirection::{Sink, Src};
                let any = gst::Caps::new_any();
                [("sink", Sink), ("src", Src)]
                    .into_iter()
                    .filter_map(|(name, way)| gst::PadTemplate::new(name, way, gst::PadPresence::Always, &any).ok())
                    .collect()
            });
            &TEMPLATES
        }

        fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            if transition == gst::StateChange::ReadyToPaused {
                self.stop(false);
            }
            // Before the pads are shut: whoever waits in them gives them free.
            if transition == gst::StateChange::PausedToReady {
                self.stop(true);
            }
            self.parent_change_state(transition)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_leaves_as_slowly_as_it_is_allowed_and_a_stop_ends_the_wait() {
        gst::init().unwrap();
        let pace = Pace::default();
        pace.set(800_000);
        let pacer = Pacer::new(pace.clone());
        let mut harness = gst_check(&pacer);
        let begun = gst::SystemClock::obtain().time();
        for _ in 0..20 {
            assert_eq!(harness.push(1000), Ok(gst::FlowSuccess::Ok));
        }
        let took = gst::SystemClock::obtain().time() - begun;
        // 20 packets of 10 ms, the first ones at once.
        assert!(took >= gst::ClockTime::from_mseconds(170) && took < gst::ClockTime::from_mseconds(1000), "{took}");
        let passed = harness.passed.load(Ordering::Relaxed);
        assert_eq!(passed, 20);
        pace.set(0);
        let begun = gst::SystemClock::obtain().time();
        (0..100).for_each(|_| assert!(harness.push(1000).is_ok()));
        assert!(gst::SystemClock::obtain().time() - begun < gst::ClockTime::from_mseconds(150), "shut: no wait");
        assert_eq!(harness.passed.load(Ordering::Relaxed), passed, "and nothing passes");
        pace.set(8_000_000);
        pace.begin_anew();
        assert!(harness.push(1000).is_ok());
        assert_eq!(harness.passed.load(Ordering::Relaxed), passed, "captured before");
        assert_eq!(harness.stop(), Err(gst::FlowError::Flushing));
    }

    struct Harness {
        pacer: Pacer,
        from: gst::Pad,
        _to: gst::Pad,
        passed: Arc<AtomicU64>,
    }

    fn gst_check(pacer: &Pacer) -> Harness {
        let from = gst::Pad::builder(gst::PadDirection::Src).build();
        let passed = Arc::new(AtomicU64::new(0));
        let counts = Arc::clone(&passed);
        let count = move |_: &gst::Pad, _: Option<&gst::Object>, _| {
            counts.fetch_add(1, Ordering::Relaxed);
            Ok(gst::FlowSuccess::Ok)
        };
        let to = gst::Pad::builder(gst::PadDirection::Sink).chain_function(count).build();
        from.link(&pacer.static_pad("sink").unwrap()).unwrap();
        pacer.static_pad("src").unwrap().link(&to).unwrap();
        from.set_active(true).unwrap();
        to.set_active(true).unwrap();
        pacer.set_state(gst::State::Playing).unwrap();
        from.push_event(gst::event::StreamStart::new("test"));
        from.push_event(gst::event::Caps::new(&gst::Caps::new_empty_simple("application/x-rtp")));
        from.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        Harness { pacer: pacer.clone(), from, _to: to, passed }
    }

    impl Harness {
        fn push(&mut self, bytes: usize) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut packet = gst::Buffer::with_size(bytes).unwrap();
            packet.get_mut().unwrap().set_pts(gst::ClockTime::from_seconds(1));
            self.from.push(packet)
        }

        fn stop(&mut self) -> Result<gst::FlowSuccess, gst::FlowError> {
            self.pacer.set_state(gst::State::Ready).unwrap();
            self.push(1)
        }
    }
}
