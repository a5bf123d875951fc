//! The screen: the far picture, or what is left of it and a sentence, full screen.
//!
//! ```text
//!  frame(sample) ─▶ last ─▶ outlet: [scale to the screen] ─▶ videobalance ─▶ textoverlay ─▶ videoconvert ─▶ display
//!  show(Screen)  ─▶ face ──────────────────────────────────── grey ────────── sentence, age
//!                     ▲ screen thread: once a second while nothing is live, so that the age runs
//! ```
//!
//! Promise: a picture that is not live is grey and carries its age; `Sink::None` costs nothing; trouble of the display
//! never reaches the session.

use super::outlet::{Open, Outlet, OutletPlan};
use super::stage::{Lives, lock, now, spawn};
use super::{display, stage};
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

struct Shared {
    clock: gst::Clock,
    language: Language,
    outlet: Mutex<Option<Outlet>>,
    face: Mutex<Face>,
    wake: Condvar,
}

struct Face {
    screen: Screen,
    last: Option<gst::Sample>,
    background: gst::Sample,
    /// A display opened that nothing was drawn on.
    opened: bool,
    stopped: bool,
}

impl ScreenView {
    /// Opens the screen and shows a plain background.
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
            Sink::Gst(description) => Box::new(move || vec![display::dressed("", &description)]),
        };
        let face =
            Face { screen: Screen::default(), last: None, background: background(), opened: false, stopped: false };
        let shared = Arc::new(Shared {
            clock: clock.clone(),
            language,
            outlet: Mutex::new(None),
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
        if face.screen != *screen {
            face.screen = screen.clone();
            drop(face);
            shared.wake.notify_one();
        }
    }

    /// A fresh frame of the far room; shown if the plan says live.
    pub fn frame(&self, sample: &gst::Sample) {
        let Some(shared) = &self.0 else { return };
        let mut face = lock(&shared.face);
        face.last = Some(sample.clone());
        let live = face.screen.picture == Picture::Live;
        drop(face);
        if live && let Some(open) = shared.current() {
            shared.push(&open, sample);
        }
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
    /// Draws after every change, on every display that opens, and each second while nothing is live. What is dressed is what
    /// is drawn on: a display that opens meanwhile gets nothing before its own turn.
    fn run(&self) {
        let mut face = lock(&self.face);
        while !face.stopped {
            let still = match face.screen.picture {
                Picture::Live => None,
                Picture::Nothing => Some(face.background.clone()),
                Picture::Held { .. } => Some(face.last.clone().unwrap_or_else(|| face.background.clone())),
            };
            let grey = matches!(face.screen.picture, Picture::Held { .. }) && face.last.is_some();
            let screen = face.screen.clone();
            face.opened = false;
            drop(face);
            if let Some(open) = self.current() {
                self.dress(&open, &screen, grey);
                if let Some(still) = &still {
                    self.push(&open, still);
                }
            }
            face = lock(&self.face);
            if face.screen == screen && !face.opened && !face.stopped {
                face = self.wake.wait_timeout(face, SECOND).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn current(&self) -> Option<Open> {
        lock(&self.outlet).as_ref()?.current()
    }

    /// Sets colour and words of a display.
    fn dress(&self, open: &Open, screen: &Screen, grey: bool) {
        let (Some(balance), Some(words)) = (open.element(display::BALANCE), open.element(display::WORDS)) else {
            return;
        };
        let (saturation, brightness, contrast) = if grey { (0.0, -0.1, 0.7) } else { (1.0, 0.0, 1.0) };
        set(&balance, "saturation", saturation);
        set(&balance, "brightness", brightness);
        set(&balance, "contrast", contrast);
        let text = words_for(screen, self.language, now(&self.clock));
        if words.property::<Option<String>>("text").as_deref() != Some(&text) {
            let alone = screen.picture == Picture::Nothing;
            words.set_property_from_str("valignment", if alone { "center" } else { "bottom" });
            words.set_property("shaded-background", grey || screen.picture == Picture::Live);
            words.set_property("silent", text.is_empty());
            words.set_property("text", text);
        }
    }

    fn push(&self, open: &Open, sample: &gst::Sample) {
        let Some(mut buffer) = sample.buffer_owned() else { return };
        let shown_at = gst::ClockTime::from_nseconds(stage::now(&self.clock).as_nanos());
        let writable = buffer.make_mut();
        writable.set_pts(shown_at);
        writable.set_dts(gst::ClockTime::NONE);
        writable.set_duration(gst::ClockTime::NONE);
        open.push(&gst::Sample::builder().buffer(&buffer).caps_if_some(sample.caps_owned().as_ref()).build());
    }
}

/// Sets only what differs: videobalance recomputes its tables at every set.
fn set(element: &gst::Element, name: &str, value: f64) {
    if (element.property::<f64>(name) - value).abs() > f64::EPSILON {
        element.set_property(name, value);
    }
}

/// Sentence and age as Pango markup.
fn words_for(screen: &Screen, language: Language, now: Moment) -> String {
    let sentence = screen.sentence.as_ref().map(|sentence| escaped(&one_thought_a_line(sentence.text(language))));
    let age = match screen.picture {
        Picture::Nothing | Picture::Live => None,
        Picture::Held { since } => Some(age_in_words(now.since(since), language)),
    };
    let age = age.map(|age| format!("<span size=\"85%\" weight=\"normal\">{age}</span>"));
    let lines = [sentence, age].into_iter().flatten().collect::<Vec<_>>().join("\n");
    if lines.is_empty() { lines } else { with_margins(&lines) }
}

/// textoverlay shades what is inked and nothing around it: bars that are inked invisibly keep the words off the edge.
fn with_margins(lines: &str) -> String {
    const BAR: &str = "<span size=\"45%\" alpha=\"1\">|</span>";
    let spaced: Vec<String> = lines.lines().map(|line| format!("{BAR}\u{2002}{line}\u{2002}{BAR}")).collect();
    format!("{BAR}\n{}\n{BAR}", spaced.join("\n"))
}

fn age_in_words(age: Duration, language: Language) -> String {
    let seconds = age.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let clock =
        if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") };
    match language {
        Language::Japanese => format!("最後の映像から {clock}"),
        Language::English => format!("last picture {clock} ago"),
    }
}

/// Breaks after each full stop: short lines are read from across a room.
fn one_thought_a_line(text: &str) -> String {
    text.replace('。', "。\n").replace(". ", ".\n").trim_end().to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A calm dark blue-grey, 1280×720.
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

const BACKGROUND_YUV: [u8; 3] = [52, 136, 122];
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sentence::Sentence;
    use std::sync::Once;

    /// First blue-difference sample of a frame: [`GREY`] has no colour.
    fn chroma(buffer: &gst::BufferRef) -> u8 {
        buffer.map_readable().unwrap()[1280 * 720]
    }

    fn eventually(done: impl Fn() -> bool) -> bool {
        let clock = gst::SystemClock::obtain();
        (0..500).any(|_| {
            let _ = clock.new_single_shot_id(clock.time() + gst::ClockTime::from_mseconds(10)).wait();
            done()
        })
    }

    #[test]
    fn a_display_that_opens_while_another_is_dressed_shows_nothing_ungreyed() {
        gst::init().unwrap();
        let sink = Sink::Gst("video/x-raw,format=I420 ! fakesink name=eye async=false".into());
        let view = ScreenView::start(&sink, Language::English, gst::SystemClock::obtain(), Inbox::default());
        let shared = view.0.clone().unwrap();
        assert!(eventually(|| shared.current().is_some()));
        let first = shared.current().unwrap().element(display::BALANCE).unwrap();
        view.frame(&background()); // the last one of the far room; it has a little colour

        // While the first display is made grey it breaks, and the next one opens.
        let (seen, breaks) = (Arc::new(Mutex::new(Vec::new())), Once::new());
        let (sees, looked_up) = (seen.clone(), Arc::downgrade(&shared));
        first.connect_notify(Some("saturation"), move |first, _| {
            breaks.call_once(|| {
                gst::element_error!(first, gst::CoreError::Failed, ["the display is gone"]);
                let shared = looked_up.upgrade().unwrap();
                let next = || shared.current().filter(|open| open.element(display::BALANCE).as_ref() != Some(first));
                assert!(eventually(|| next().is_some()), "no other display opened");
                let eye = next().unwrap().element("eye").unwrap().static_pad("sink").unwrap();
                let sees = sees.clone();
                eye.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                    lock(&sees).extend(info.buffer().map(|buffer| chroma(buffer)));
                    gst::PadProbeReturn::Ok
                });
            });
        });
        view.show(&Screen {
            picture: Picture::Held { since: Moment::default() },
            sentence: Some(Sentence::FarSilent),
            ..Screen::default()
        });
        assert!(eventually(|| lock(&seen).len() >= 2), "the new display is drawn on: {:?}", lock(&seen));
        view.stop();
        assert_ne!(chroma(background().buffer().unwrap()), GREY);
        assert!(lock(&seen).iter().all(|chroma| *chroma == GREY), "{:?}", lock(&seen));
    }

    const GREY: u8 = 128;

    #[test]
    fn a_held_picture_carries_its_age_and_a_live_one_does_not() {
        let since = Moment::default() + Duration::from_secs(10);
        let held =
            Screen { picture: Picture::Held { since }, sentence: Some(Sentence::FarSilent), ..Screen::default() };
        let text = words_for(&held, Language::Japanese, since + Duration::from_secs(42));
        let lines: Vec<&str> = text.lines().collect();
        let stands = |line: usize, words: &str| lines[line].contains(words);
        assert!(stands(1, "応答がありません。") && stands(2, "自動で") && stands(3, "最後の映像から 0:42"), "{text}");
        let text = words_for(&held, Language::English, since + Duration::from_secs(36_605));
        assert!(text.contains("last picture 10:10:05 ago"), "{text}");
        let live = Screen { picture: Picture::Live, sentence: None, ..Screen::default() };
        assert_eq!(words_for(&live, Language::English, since), "");
    }
}
