//! The live share: the one picture of a PC or an input that stands on both screens.
//!
//! ```text
//!  PC of this room ─ picture ─▶ decoder ─▶ screen
//!        │  └ input: raw frames ────┴──────▶ transcoder ─▶ out, line 2     Passing: which of the two
//!        ├──────────── as it came ───────────────────────▶ out, line 2
//!        └ sound, as it came ────────────────────────────▶ out, line 3
//!  far box ─ line 2 ─▶ decoder ─▶ screen
//! ```
//! May be relied on: nothing is shown or sent but what the plan names; a decoder is built with the first share and kept, so
//! that hundreds of shares cost what one does.

mod fitter;
mod passing;
mod sounding;
mod transcoder;

use super::picture::{KeyFrameNeeded, PicturePlan, PictureReceiver};
use super::room::SendOut;
use super::screen::ScreenView;
use super::stage::{lock, now};
use crate::core::face::LiveLine;
use crate::core::input::{Input, RoomInput};
use crate::core::plan::{LivePlan, LiveShown};
use crate::inbox::Inbox;
use crate::live::{LiveNews, LivePicture, LiveSound};
use crate::model::{BootId, Line, LiveId, Moment, SessionId, VideoCodec};
use fitter::Fitter;
use gstreamer as gst;
use gstreamer_video as gst_video;
use passing::{Passing, Way};
use sounding::Sounding;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use transcoder::Transcoder;

/// Asks the PC of this source for a key frame.
pub type AskSource = Arc<dyn Fn(LiveId) + Send + Sync>;

/// The live share's media. Cheap to clone; any thread may call it.
#[derive(Clone)]
pub struct LiveShare(Arc<Shared>);

/// What it is started with.
pub(super) struct LiveSettings {
    pub codec: VideoCodec,
    pub clock: gst::Clock,
    pub screen: ScreenView,
    pub out: SendOut,
    pub key_frame_needed: KeyFrameNeeded,
    pub inbox: Inbox,
}

struct Shared {
    settings: LiveSettings,
    ask_source: OnceLock<AskSource>,
    receivers: OnceLock<Receivers>,
    transcoder: Transcoder,
    fitter: Mutex<Fitter>,
    state: Mutex<State>,
}

/// One decoder for a PC of this room, one for the far box.
struct Receivers {
    near: PictureReceiver,
    far: PictureReceiver,
}

#[derive(Default)]
struct State {
    plan: LivePlan,
    front: Option<LiveLine>,
    passing: Passing,
    /// What goes on as it is begins with a key frame.
    awaits_key: bool,
    last: Moment,
    asked: Option<(LiveId, Moment)>,
    far_codec: Option<VideoCodec>,
    /// The last word of how the source's pictures go on.
    told: Option<(LiveId, Way)>,
    sounding: Sounding,
}

impl LiveShare {
    pub(super) fn start(settings: LiveSettings) -> Self {
        let (out, clock) = (settings.out.clone(), settings.clock.clone());
        let transcoder = Transcoder::start(clock, Arc::new(move |unit| out(Line::LiveShare, unit)));
        Self(Arc::new(Shared {
            settings,
            ask_source: OnceLock::new(),
            receivers: OnceLock::new(),
            transcoder,
            fitter: Mutex::default(),
            state: Mutex::default(),
        }))
    }

    /// Where this room's PCs are asked for key frames; once.
    pub fn ask_through(&self, ask: AskSource) {
        let _set_once = self.0.ask_source.set(ask);
    }

    /// Show and send this from now on.
    pub(super) fn arrange(&self, plan: &LivePlan, front: Option<&LiveLine>) {
        let at = now(&self.0.settings.clock);
        let mut state = lock(&self.0.state);
        // Nobody's picture stands under another's name.
        if state.front.as_ref() != front {
            state.front = front.cloned();
            self.0.settings.screen.live(None);
        }
        if state.plan == *plan {
            return;
        }
        let before = std::mem::replace(&mut state.plan, *plan);
        let retold = state.passing.way() == Way::Retold;
        state.passing.order(plan.send, at);
        let newly_shown = plan.shown != before.shown;
        let newly_sent = plan.send.map(|send| send.source) != before.send.map(|send| send.source);
        // What its PC sends follows nothing that the transcoder made.
        let newly_passed = newly_sent || retold && state.passing.way() == Way::Passed;
        state.awaits_key |= newly_passed;
        self.0.retell(&mut state);
        if newly_shown {
            self.0.settings.screen.live(None);
        }
        drop(state);
        if let (true, Some(LiveShown::Near(id))) = (newly_shown || newly_passed, plan.shown) {
            self.0.ask(id);
        }
    }

    /// Something came from a source of this room.
    pub fn take(&self, id: LiveId, news: LiveNews) {
        match news {
            LiveNews::Picture(picture) => self.0.picture(id, &picture),
            LiveNews::Sound(sound) => self.0.sound(id, &sound),
            LiveNews::Silent(_) | LiveNews::Speaks | LiveNews::Ended(_) => {}
        }
    }

    /// A raw picture of an input of this room, in any format and size. One that nobody wants costs nothing.
    pub fn take_raw(&self, id: LiveId, sample: &gst::Sample) {
        let mut state = lock(&self.0.state);
        let shown = state.plan.shown == Some(LiveShown::Near(id));
        let sent = state.plan.send.is_some_and(|send| send.source == id);
        if sent && state.passing.way() != state.passing.came_raw() {
            self.0.retell(&mut state);
        }
        drop(state);
        let info = sample.caps().filter(|_| shown || sent).and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
        let Some(info) = info else { return };
        let even = (info.width() & !1, info.height() & !1);
        let fitted = match lock(&self.0.fitter).fit(sample, &info, even) {
            Ok((buffer, caps)) => gst::Sample::builder().buffer(&buffer).caps(&caps).build(),
            Err(why) => return tracing::debug!(why, "a picture of the input does not fit"),
        };
        // The plan may be another one by now.
        let state = lock(&self.0.state);
        if state.plan.shown == Some(LiveShown::Near(id)) {
            self.0.settings.screen.live(Some(&fitted));
        }
        if state.plan.send.is_some_and(|send| send.source == id) {
            self.0.transcoder.frame(&fitted);
        }
    }

    /// A unit of the far box's share.
    pub(super) fn take_far(&self, session: SessionId, rtp: u32, unit: &gst::Buffer) {
        if lock(&self.0.state).plan.shown == Some(LiveShown::Far) {
            self.0.receivers().far.take(session, rtp, unit);
        }
    }

    /// What the far box sends is in this codec.
    pub(super) fn codec(&self, codec: VideoCodec) {
        lock(&self.0.state).far_codec = Some(codec);
        if let Some(receivers) = self.0.receivers.get() {
            receivers.far.codec(codec);
        }
    }

    /// The far side needs a key frame.
    pub(super) fn refresh(&self) {
        let state = lock(&self.0.state);
        let Some(send) = state.plan.send else { return };
        match state.passing.way() {
            Way::Retold => self.0.transcoder.refresh(),
            Way::Passed => {
                drop(state);
                self.0.ask(send.source);
            }
        }
    }

    pub(super) fn stop(&self) {
        self.0.transcoder.stop();
        if let Some(Receivers { near, far }) = self.0.receivers.get() {
            near.stop();
            far.stop();
        }
    }
}

impl Shared {
    fn picture(self: &Arc<Self>, id: LiveId, picture: &LivePicture) {
        if picture.bytes.len() > LONGEST {
            return tracing::debug!(bytes = picture.bytes.len(), "a picture of a share is too long");
        }
        let at = now(&self.settings.clock);
        let mut state = lock(&self.state);
        if state.plan.shown != Some(LiveShown::Near(id)) {
            return;
        }
        let before = state.passing.way();
        let way = state.passing.came(picture.codec, picture.bytes.len(), at);
        let sent = state.plan.send.is_some_and(|send| send.source == id) && way == Way::Passed;
        let held_back = sent && state.awaits_key && !picture.key;
        if sent && picture.key {
            state.awaits_key = false;
        }
        let pts = at.max(state.last + Duration::from_nanos(1));
        state.last = pts;
        if way != before {
            self.retell(&mut state);
        }
        drop(state);
        let mut unit = gst::Buffer::from_slice(Arc::clone(&picture.bytes));
        if let Some(unit) = unit.get_mut() {
            unit.set_pts(gst::ClockTime::from_nseconds(pts.as_nanos()));
            if !picture.key {
                unit.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
            if !picture.whole {
                unit.set_flags(gst::BufferFlags::DISCONT);
            }
        }
        let near = &self.receivers().near;
        near.codec(picture.codec);
        near.take(session_of(id), picture.rtp, &unit);
        if sent && !held_back {
            (self.settings.out)(Line::LiveShare, unit);
        } else if held_back {
            self.ask(id);
        }
    }

    fn sound(&self, id: LiveId, sound: &LiveSound) {
        let at = now(&self.settings.clock);
        let mut state = lock(&self.state);
        if !state.plan.send.is_some_and(|send| send.source == id && send.sound.is_some()) {
            return;
        }
        let pts = state.sounding.due(id, sound.rtp, at);
        drop(state);
        let mut packet = gst::Buffer::from_slice(Arc::clone(&sound.bytes));
        if let Some(packet) = packet.get_mut() {
            packet.set_pts(gst::ClockTime::from_nseconds(pts.as_nanos()));
        }
        (self.settings.out)(Line::ShareSound, packet);
    }

    /// A decoded picture of a PC of this room.
    fn decoded(&self, sample: &gst::Sample) {
        let size = sample.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
        let mut state = lock(&self.state);
        let before = state.passing.way();
        if let Some(info) = size {
            state.passing.measured((info.width(), info.height()));
        }
        let way = state.passing.way();
        if way != before {
            self.retell(&mut state);
        }
        // Under the lock: what ended is not shown again by a picture that comes late.
        if matches!(state.plan.shown, Some(LiveShown::Near(_))) {
            self.settings.screen.live(Some(sample));
        }
        if way == Way::Retold {
            self.transcoder.frame(sample);
        }
    }

    fn decoded_far(&self, sample: &gst::Sample) {
        let state = lock(&self.state);
        if state.plan.shown == Some(LiveShown::Far) {
            self.settings.screen.live(Some(sample));
        }
    }

    /// The transcoder works while pictures are retold, and not otherwise. Said under the state's lock, so that no older word
    /// comes after a newer one.
    fn retell(&self, state: &mut State) {
        let (order, way) = (state.passing.ordered(), state.passing.way());
        let retold = way == Way::Retold;
        self.transcoder.order(order.filter(|_| retold));
        let told = order.map(|order| (order.source, way));
        if let Some((id, _)) = told.filter(|told| state.told != Some(*told)) {
            self.settings.inbox.urgent(Input::Room(RoomInput::LiveGoesOn { id, retold }));
        }
        state.told = told;
    }

    /// Not more often than its PC would heed.
    fn ask(&self, id: LiveId) {
        let at = now(&self.settings.clock);
        let mut state = lock(&self.state);
        if state.asked.is_some_and(|(of, asked_at)| of == id && at.since(asked_at) < ASK_EVERY) {
            return;
        }
        state.asked = Some((id, at));
        drop(state);
        if let Some(ask) = self.ask_source.get() {
            ask(id);
        }
    }

    fn receivers(self: &Arc<Self>) -> &Receivers {
        self.receivers.get_or_init(|| {
            let LiveSettings { codec, clock, inbox, key_frame_needed, .. } = &self.settings;
            let codec = lock(&self.state).far_codec.unwrap_or(*codec);
            let plan = || PicturePlan { line: Line::LiveShare, codec, clock: clock.clone(), hold: Arc::default() };
            let (near, far, asks) = (Arc::downgrade(self), Arc::downgrade(self), Arc::downgrade(self));
            let near = Arc::new(move |sample: &gst::Sample, _| {
                if let Some(shared) = near.upgrade() {
                    shared.decoded(sample);
                }
            });
            let far = Arc::new(move |sample: &gst::Sample, _| {
                if let Some(shared) = far.upgrade() {
                    shared.decoded_far(sample);
                }
            });
            let ask = Arc::new(move |session: SessionId, _| {
                if let Some(shared) = asks.upgrade() {
                    shared.ask(LiveId(session.number));
                }
            });
            Receivers {
                near: PictureReceiver::start(plan(), inbox.clone(), near, ask),
                far: PictureReceiver::start(plan(), inbox.clone(), far, Arc::clone(key_frame_needed)),
            }
        })
    }
}

/// A source of this room as its decoder knows it.
fn session_of(id: LiveId) -> SessionId {
    SessionId { boot: BootId(0), number: id.0 }
}

/// Bytes of one picture: more is no screen.
const LONGEST: usize = 8 << 20;
const ASK_EVERY: Duration = Duration::from_millis(500);
