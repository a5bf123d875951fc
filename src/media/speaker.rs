//! The speaker: 48 kHz mono sound out, kept open for ever.
//!
//! ```text
//!  play(samples, at) ─▶ outlet: audioconvert ─▶ audioresample ─▶ alsasink | gst: | nothing
//! ```
//!
//! Samples carry the moment they are played at, without gaps while sound runs. The card's own crystal is followed by the
//! sink (`slave-method=resample`); the far box's is followed before, by `core::playout`.

use super::loudness::length;
use super::outlet::{ENTRANCE, Outlet, OutletPlan};
use crate::config::Sink;
use crate::inbox::Inbox;
use crate::model::{Device, Moment};
use gstreamer as gst;
use gstreamer_audio as gst_audio;
use std::collections::BTreeSet;

/// Where sound leaves the box.
pub(super) struct Speaker {
    outlet: Option<Outlet>,
    caps: gst::Caps,
}

impl Speaker {
    /// Opens it. `Sink::None` discards.
    pub(super) fn start(sink: &Sink, clock: &gst::Clock, inbox: Inbox) -> Self {
        let description = match sink {
            Sink::Auto => Some(alsa("")),
            Sink::None => None,
            Sink::Alsa(device) => Some(alsa(&format!("device=\"{device}\""))),
            Sink::Gst(description) => Some(description.clone()),
        };
        let outlet = description.map(|description| {
            let description = format!("audioconvert name={ENTRANCE} ! audioresample ! {description}");
            let plan = OutletPlan {
                device: Device::Speaker,
                clock: clock.clone(),
                waiting: 20,
                descriptions: Box::new(move || vec![description.clone()]),
                opened: Box::new(|| {
                    let before = cards();
                    Box::new(move || !before.is_subset(&cards()))
                }),
            };
            Outlet::start(plan, inbox)
        });
        let info = gst_audio::AudioInfo::builder(gst_audio::AUDIO_FORMAT_S16, 48_000, 1).build();
        let caps = info.and_then(|info| info.to_caps()).expect("bug: 48 kHz mono is a sound format");
        Self { outlet, caps }
    }

    /// Plays `samples` at `at`; never blocks.
    pub(super) fn play(&self, samples: &[i16], at: Moment) {
        let Some(outlet) = &self.outlet else { return };
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        let length = length(samples.len());
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(at.as_nanos()));
            buffer.set_duration(gst::ClockTime::from_nseconds((at + length).minus(at).unsigned_abs()));
        }
        outlet.push(&gst::Sample::builder().buffer(&buffer).caps(&self.caps).build());
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        if let Some(outlet) = &self.outlet {
            outlet.close();
        }
    }
}

/// Sound cards that are plugged in, as the kernel lists them. One that goes may be the one in use.
fn cards() -> BTreeSet<String> {
    let listed = std::fs::read_to_string("/proc/asound/cards").unwrap_or_default();
    listed.lines().map(|line| line.trim().to_owned()).filter(|line| line.contains('[')).collect()
}

/// Small buffers: what waits in the card is delay. A period of 5 ms is what USB speakerphones still keep.
fn alsa(device: &str) -> String {
    format!("alsasink {device} provide-clock=false slave-method=resample buffer-time=30000 latency-time=5000")
}
