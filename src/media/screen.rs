//! The screen: the far picture or what is left of it, and everything people are told, on one display.
//!
//! ```text
//!  frame(sample) ─▶ last ─▶ outlet: composer ─▶ display
//!  own(sample) ────────────────────▲
//!  show(Screen) ─▶ Look ─▶ painter ┘ dress
//!                   ▲ screen thread: once a second, so that age and meeting clock run
//! ```
//!
//! Promise: a picture that is not live is grey and carries its age; nothing is drawn again that looks the same;
//! `Sink::None` costs nothing; trouble of the display never reaches the session.

use super::composer::{self, Composer, Draw};
use super::display;
use super::face::{self, FaceConstants, Look, Painter};
use super::outlet::{ENTRANCE, Open, Outlet, OutletPlan};
use super::page::PagePicture;
use super::stage::{Lives, lock, now, spawn};
use crate::config::Sink;
use crate::core::plan::{Picture, Screen};
use crate::inbox::Inbox;
use crate::model::{Device, Language, Moment};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What stands on the screen. Cheap to clone; any thread may call it.
#[derive(Clone)]
pub struct ScreenView(Option<Arc<Shared>>);

/// What the screen has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScreenFigures {
    /// Sheets of words that were drawn since the start.
    pub drawn: u64,
    /// Frames the present display was given.
    pub composed: u64,
}

struct Shared {
    clock: gst::Clock,
    outlet: Mutex<Option<Outlet>>,
    painter: Arc<Mutex<Painter>>,
    /// Of the display, as it was drawn for last; apart from the painter, so that nobody waits for a drawing.
    canvas: Arc<Mutex<Option<(u32, u32)>>>,
    face: Mutex<Face>,
    wake: Condvar,
}

struct Face {
    /// `None` until the first plan: nothing is said that nobody knows.
    screen: Option<Screen>,
    constants: Arc<FaceConstants>,
    page: Option<PagePicture>,
    /// Width by height of the live share, in hundredths.
    live_shape: Option<u32>,
    last: Option<gst::Sample>,
    /// When the last frame was sent to the far room.
    own_at: Option<Moment>,
    background: gst::Sample,
    /// A display opened that nothing was drawn on.
    opened: bool,
    stopped: bool,
}

impl ScreenView {
    /// Opens the screen; it stays empty until it is told what to show.
    pub fn start(sink: &Sink, language: Language, clock: gst::Clock, inbox: Inbox) -> Self {
        let descriptions: Box<dyn Fn() -> Vec<String> + Send> = match sink.clone() {
            Sink::None => return Self(None),
            Sink::Auto => {
                let lives = Lives::default();
                Box::new(move || display::descriptions(&lives))
            }
            Sink::Alsa(device) => {
                tracing::warn!(device, "a sound device is no screen");
                return Self(None);
            }
            Sink::Gst(description) => Box::new(move || vec![display::dressed(&description)]),
        };
        if let Err(error) = composer::register() {
            tracing::error!(%error, "bug: the composer is refused");
        }
        let face = Face {
            screen: None,
            constants: Arc::default(),
            page: None,
            live_shape: None,
            last: None,
            own_at: None,
            background: background(),
            opened: false,
            stopped: false,
        };
        let shared = Arc::new(Shared {
            clock: clock.clone(),
            outlet: Mutex::new(None),
            painter: Arc::new(Mutex::new(Painter::new(language))),
            canvas: Arc::default(),
            face: Mutex::new(face),
            wake: Condvar::new(),
        });
        let opened = Arc::downgrade(&shared);
        let plan = OutletPlan {
            device: Device::Screen,
            clock,
            waiting: 1,
            descriptions,
            opened: Box::new(move || {
                if let Some(shared) = opened.upgrade() {
                    lock(&shared.face).opened = true;
                    shared.wake.notify_one();
                }
                // A display is shown pictures all the time: what goes wrong shows.
                Box::new(|| false)
            }),
        };
        *lock(&shared.outlet) = Some(Outlet::start(plan, inbox));
        let view = Arc::clone(&shared);
        spawn("screen", move || view.run());
        Self(Some(shared))
    }

    /// Show this from now on.
    pub fn show(&self, screen: &Screen) {
        let Some(shared) = &self.0 else { return };
        let mut face = lock(&shared.face);
        if face.screen.as_ref() != Some(screen) {
            face.screen = Some(screen.clone());
            drop(face);
            shared.wake.notify_one();
        }
    }

    /// What the screen says of this box itself, from now on.
    pub fn introduce(&self, constants: FaceConstants) {
        let Some(shared) = &self.0 else { return };
        lock(&shared.face).constants = Arc::new(constants);
        shared.wake.notify_one();
    }

    /// This page was drawn; shown while its document stands in front.
    pub fn page(&self, page: Option<PagePicture>) {
        let Some(shared) = &self.0 else { return };
        lock(&shared.face).page = page;
        shared.wake.notify_one();
    }

    /// How many pixels a page of this shape (width by height) may fill; none while nobody knows the display.
    pub fn page_place(&self, shape: f64) -> Option<(u32, u32)> {
        let shared = self.0.as_ref()?;
        let mode = lock(&shared.face).screen.as_ref().map(|screen| screen.face.mode)?;
        let size = (*lock(&shared.canvas))?;
        Some(face::page_place(size, shape, mode))
    }

    /// A fresh frame of the far room; shown if the plan says live.
    pub fn frame(&self, sample: &gst::Sample) {
        let Some(shared) = &self.0 else { return };
        let mut face = lock(&shared.face);
        face.last = Some(sample.clone());
        if face.picture() == Picture::Live {
            shared.push(sample);
        }
    }

    /// A frame that is really sent to the far room; shown on demand.
    pub fn own(&self, sample: &gst::Sample) {
        let Some(shared) = &self.0 else { return };
        let mut face = lock(&shared.face);
        let at = now(&shared.clock);
        let was_live = face.own_is_live(at);
        face.own_at = Some(at);
        if !face.screen.as_ref().is_some_and(|screen| screen.face.own_picture) {
            return;
        }
        if let Some(composer) = shared.composer() {
            composer.own(sample.clone());
        }
        match (was_live, face.picture()) {
            (false, _) => shared.wake.notify_one(),
            // The next far frame brings it along.
            (true, Picture::Live) => {}
            (true, Picture::Nothing | Picture::Held { .. }) => shared.push(face.still()),
        }
    }

    /// A picture of the live share; shown while the plan names one. None takes it away.
    pub fn live(&self, sample: Option<&gst::Sample>) {
        let Some(shared) = &self.0 else { return };
        let shape = sample.and_then(shape_of);
        if let Some(composer) = shared.composer() {
            composer.live(sample.cloned());
        }
        let mut face = lock(&shared.face);
        let same = face.live_shape == shape;
        face.live_shape = shape;
        if !same {
            return shared.wake.notify_one();
        }
        if sample.is_some() {
            shared.push(face.still());
        }
    }

    /// What it has cost so far.
    pub fn figures(&self) -> ScreenFigures {
        let Some(shared) = &self.0 else { return ScreenFigures::default() };
        let composed = shared.composer().map_or(0, |composer| composer.composed());
        ScreenFigures { drawn: lock(&shared.painter).drawn(), composed }
    }

    /// Closes the screen.
    pub fn stop(&self) {
        let Some(shared) = &self.0 else { return };
        lock(&shared.face).stopped = true;
        if let Some(outlet) = lock(&shared.outlet).take() {
            outlet.close();
        }
        shared.wake.notify_one();
    }
}

impl Shared {
    /// Dresses every display that opens, and the present one when its look changes; looks once a second whether it does. What
    /// is dressed is what is drawn on: a display that opens meanwhile gets nothing before its own turn.
    fn run(&self) {
        let mut shown: Option<Look> = None;
        let mut face = lock(&self.face);
        while !face.stopped {
            let at = now(&self.clock);
            let own_is_live = face.own_is_live(at);
            let look = face
                .screen
                .as_ref()
                .map(|screen| Look::at(screen, &face.constants, face.page.as_ref(), own_is_live, at))
                .map(|look| look.with_live(face.live_shape));
            if let Some(look) = look.filter(|look| face.opened || shown.as_ref() != Some(look)) {
                face.opened = false;
                drop(face);
                let open = self.current();
                if let Some(open) = &open {
                    self.dress(open, look.clone());
                }
                face = lock(&self.face);
                // What changed meanwhile is dressed first: nothing of before is pushed in the clothes of after.
                if face.screen.as_ref() == Some(&look.screen)
                    && let Some(open) = &open
                {
                    push(open, face.still(), &self.clock);
                }
                shown = Some(look);
                continue;
            }
            face = self.wake.wait_timeout(face, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn dress(&self, open: &Open, look: Look) {
        let Some(composer) = composer_of(open) else { return };
        let painter = Arc::clone(&self.painter);
        let canvas = Arc::clone(&self.canvas);
        let draw: Draw = Arc::new(move |size| {
            *lock(&canvas) = Some(size);
            lock(&painter).scene(&look, size)
        });
        composer.dress(draw);
    }

    fn current(&self) -> Option<Open> {
        lock(&self.outlet).as_ref()?.current()
    }

    fn composer(&self) -> Option<Composer> {
        composer_of(&self.current()?)
    }

    fn push(&self, sample: &gst::Sample) {
        if let Some(open) = self.current() {
            push(&open, sample, &self.clock);
        }
    }
}

impl Face {
    /// What is behind the words now.
    fn still(&self) -> &gst::Sample {
        let last = match self.picture() {
            Picture::Nothing => None,
            Picture::Live | Picture::Held { .. } => self.last.as_ref(),
        };
        last.unwrap_or(&self.background)
    }

    fn picture(&self) -> Picture {
        self.screen.as_ref().map_or(Picture::Nothing, |screen| screen.picture)
    }

    fn own_is_live(&self, at: Moment) -> bool {
        self.own_at.is_some_and(|own_at| at.since(own_at) < OWN_STALE)
    }
}

/// Width by height, in hundredths.
fn shape_of(sample: &gst::Sample) -> Option<u32> {
    let info = sample.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok())?;
    Some(info.width().saturating_mul(100) / info.height().max(1))
}

fn composer_of(open: &Open) -> Option<Composer> {
    open.element(ENTRANCE)?.downcast().ok()
}

fn push(open: &Open, sample: &gst::Sample, clock: &gst::Clock) {
    let Some(mut buffer) = sample.buffer_owned() else { return };
    let shown_at = gst::ClockTime::from_nseconds(now(clock).as_nanos());
    let writable = buffer.make_mut();
    writable.set_pts(shown_at);
    writable.set_dts(gst::ClockTime::NONE);
    writable.set_duration(gst::ClockTime::NONE);
    open.push(&gst::Sample::builder().buffer(&buffer).caps_if_some(sample.caps_owned().as_ref()).build());
}

/// A calm dark blue-grey, 1280×720: where the last picture is missing.
fn background() -> gst::Sample {
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 1280, 720)
        .fps(gst::Fraction::new(0, 1))
        .build()
        .expect("bug: 1280×720 is a picture");
    let mut planes = vec![BACKGROUND_YUV[0]; info.size()];
    planes[info.offset()[1]..info.offset()[2]].fill(BACKGROUND_YUV[1]);
    planes[info.offset()[2]..].fill(BACKGROUND_YUV[2]);
    let caps = info.to_caps().expect("bug: a picture has caps");
    gst::Sample::builder().buffer(&gst::Buffer::from_slice(planes)).caps(&caps).build()
}

const BACKGROUND_YUV: [u8; 3] = [36, 133, 124];
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What was sent longer ago than this is not what the far side sees now.
const OWN_STALE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests;
