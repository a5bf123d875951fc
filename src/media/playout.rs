//! The receiving half: the far room's picture and sound, played when they should be.
//!
//! ```text
//!  peer ─ take_video ─▶ PictureReceiver ─▶ probe, ScreenView
//!       └ take_sound ─▶ VoicePlayer ─▶ speaker        PictureHold keeps both together
//!  loop ─ align, arrange, report
//! ```
//!
//! Outlives every session. Nothing here decides what may be shown: the plan does.

use super::face::FaceConstants;
use super::live::{LiveSettings, LiveShare};
use super::page::PagePicture;
use super::picture::{KeyFrameNeeded, PicturePlan, PictureReceiver, PictureReport};
use super::room::SendOut;
use super::screen::ScreenView;
use super::voice::VoicePlayer;
use crate::config::Sink;
use crate::core::input::ReceiveReport;
use crate::core::plan::{LiveShown, MediaPlan};
use crate::core::playout::PictureHold;
use crate::core::signal::Alignment;
use crate::inbox::Inbox;
use crate::model::{Language, Line, Moment, SessionId, VideoCodec};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Called with each frame at the moment it is handed to the renderer; must be quick. `bench` reads its stamps here.
pub type Probe = Arc<dyn Fn(&gst::Sample, Moment) + Send + Sync>;

/// The clock of all pipelines: the system's monotonic one; `ppm` parts per million fast from `start_nanos` on in drift
/// benches, like the daemon's own clock.
pub fn clock(ppm: i32, start_nanos: u64) -> gst::Clock {
    if ppm == 0 {
        return gst::SystemClock::obtain();
    }
    let clock: gst::SystemClock = gst::glib::Object::new();
    let start = gst::ClockTime::from_nseconds(start_nanos);
    let rate = 1_000_000_u64.saturating_add_signed(ppm.into());
    clock.set_calibration(start, start, rate, 1_000_000);
    clock.upcast()
}

/// What playout is started with.
pub struct PlayoutSettings {
    /// `[box] language`
    pub language: Language,
    /// `[screen]`
    pub screen: Sink,
    /// `[sound] sink`
    pub speaker: Sink,
    /// The codec expected first, so that a decoder stands ready.
    pub codec: VideoCodec,
    /// The clock of all pipelines: see [`clock`].
    pub clock: gst::Clock,
    /// See [`Probe`].
    pub probe: Option<Probe>,
    /// Called when only a key frame helps: ask the sender for one.
    pub key_frame_needed: KeyFrameNeeded,
    /// Where this room's live share goes.
    pub out: SendOut,
}

/// The receiving half. Cheap to clone; any thread may call it; [`Playout::stop`] ends it.
#[derive(Clone)]
pub struct Playout {
    picture: PictureReceiver,
    voice: VoicePlayer,
    screen: ScreenView,
    live: LiveShare,
}

impl Playout {
    /// Starts everything that receives; shows and plays nothing until [`arrange`](Self::arrange).
    /// `gst::init` must have been called.
    pub fn start(settings: PlayoutSettings, inbox: &Inbox) -> Self {
        let PlayoutSettings { language, screen, speaker, codec, clock, probe, key_frame_needed, out } = settings;
        let hold = Arc::new(Mutex::new(PictureHold::default()));
        let screen = ScreenView::start(&screen, language, clock.clone(), inbox.clone());
        let voice = VoicePlayer::start(&speaker, clock.clone(), Arc::clone(&hold), inbox.clone());
        let view = screen.clone();
        let shown = Arc::new(move |sample: &gst::Sample, at: Moment| {
            if let Some(probe) = &probe {
                probe(sample, at);
            }
            view.frame(sample);
        });
        let live = LiveShare::start(LiveSettings {
            codec,
            clock: clock.clone(),
            screen: screen.clone(),
            out,
            key_frame_needed: Arc::clone(&key_frame_needed),
            inbox: inbox.clone(),
        });
        let plan = PicturePlan { line: Line::Camera, codec, clock, hold };
        let picture = PictureReceiver::start(plan, inbox.clone(), shown, key_frame_needed);
        Self { picture, voice, screen, live }
    }

    /// A whole access unit (H.264 byte stream, or a VP8 frame) of an admitted session, with its RTP timestamp. `DISCONT`
    /// on the buffer says that something before it is missing.
    pub fn take_video(&self, session: SessionId, line: Line, unit: &gst::Buffer, rtp: u32) {
        match line {
            Line::Camera => self.picture.take(session, rtp, unit),
            Line::LiveShare => self.live.take_far(session, rtp, unit),
            Line::Voice | Line::ShareSound => tracing::debug!(?line, "bug: no picture line"),
        }
    }

    /// An Opus packet of an admitted session, with its RTP timestamp.
    pub fn take_sound(&self, session: SessionId, line: Line, payload: gst::Buffer, rtp: u32) {
        match line {
            Line::Voice => self.voice.take(session, rtp, payload),
            Line::ShareSound => self.voice.take_share(session, rtp, &payload),
            Line::Camera | Line::LiveShare => tracing::debug!(?line, "bug: no sound line"),
        }
    }

    /// This RTP time was captured then.
    pub fn align(&self, alignment: Alignment) {
        match alignment.line {
            Line::Voice => self.voice.align(alignment),
            Line::Camera => self.picture.align(alignment),
            Line::LiveShare | Line::ShareSound => {}
        }
    }

    /// Show and play this from now on; `codec` is what the far box sends.
    pub fn arrange(&self, plan: &MediaPlan, codec: VideoCodec) {
        self.picture.codec(codec);
        self.live.codec(codec);
        self.voice.play(plan.play);
        self.voice.play_share(plan.play && plan.live.shown == Some(LiveShown::Far));
        self.voice.volume(plan.volume);
        self.voice.ring(plan.ring);
        self.screen.show(&plan.screen);
        self.live.arrange(&plan.live, plan.screen.face.live.shown.as_ref());
    }

    /// The live share.
    pub fn live(&self) -> LiveShare {
        self.live.clone()
    }

    /// What the screen says of this box itself, from now on.
    pub fn introduce(&self, constants: FaceConstants) {
        self.screen.introduce(constants);
    }

    /// This page was drawn.
    pub fn page(&self, page: Option<PagePicture>) {
        self.screen.page(page);
    }

    /// See [`ScreenView::page_place`].
    pub fn page_place(&self, shape: f64) -> Option<(u32, u32)> {
        self.screen.page_place(shape)
    }

    /// A frame that is really sent to the far room, to be shown here on demand.
    pub fn own(&self, sample: &gst::Sample) {
        self.screen.own(sample);
    }

    /// What really arrived since the report before, `elapsed` ago.
    pub fn report(&self, elapsed: Duration) -> ReceiveReport {
        let (picture, voice) = (self.picture.report(), self.voice.report());
        ReceiveReport {
            picture_delay: picture.delay,
            sound_delay: voice.delay,
            fps: picture.frames as f32 / elapsed.as_secs_f32().max(0.001),
            size: picture.size,
            concealed: voice.concealed,
            level_dbfs: voice.level_dbfs,
            corrected: picture.dropped + voice.merged,
            stamps: None,
        }
    }

    /// The picture's figures in detail, for `bench`; takes them like [`report`](Self::report).
    pub fn picture_report(&self) -> PictureReport {
        self.picture.report()
    }

    /// Ends all threads and pipelines.
    pub fn stop(&self) {
        self.picture.stop();
        self.live.stop();
        self.voice.stop();
        self.screen.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_gains_and_its_waits_follow_it() {
        gst::init().unwrap();
        let (real, start) = (clock(0, 0), clock(0, 0).time());
        let fast = clock(500_000, start.nseconds());
        let _ = fast.new_single_shot_id(start + gst::ClockTime::from_mseconds(60)).wait();
        let (fast_at, real_at) = (fast.time(), real.time());
        assert!(fast_at >= start + gst::ClockTime::from_mseconds(60));
        let (gained, passed) = (fast_at - start, real_at - start);
        assert!(gained.nseconds() * 10 > passed.nseconds() * 14, "{gained} in {passed}");
    }
}
