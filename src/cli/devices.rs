//! What the doctor says about cameras, microphones and speakers: which are there, and what is known of each.

use crate::cli::doctor::Check;
use crate::config::{Config, Sink, Source};
use crate::media::devices::{self, Kind, Listing};
use crate::system::hardware::{self, Profile, Profiles};

/// One check per kind of device, with the names the configuration takes.
pub fn checks(config: &Config) -> Vec<Check> {
    let camera = needs_device(&config.camera.source);
    let microphone = needs_device(&config.sound.source);
    let speaker = match config.sound.sink {
        Sink::Auto | Sink::Alsa(_) => true,
        Sink::None | Sink::Gst(_) => false,
    };
    let profiles = Profiles::installed();
    vec![
        check(
            "cameras",
            "v4l2:",
            &known(devices::cameras(), &profiles),
            camera,
            "plug a camera in; until then the far room sees a placeholder",
        ),
        check(
            "microphones",
            "alsa:",
            &known(devices::microphones(), &profiles),
            microphone,
            "plug a microphone in; until then nothing is sent",
        ),
        check(
            "speakers",
            "alsa:",
            &known(devices::speakers(), &profiles),
            speaker,
            "plug a speaker in; until then nothing is heard",
        ),
    ]
}

/// With the profile in hw/profiles beside the name, if there is one.
fn known(found: Vec<Listing>, profiles: &Profiles) -> Vec<Listing> {
    let profile = |listing: &Listing| {
        let (kinds, usb) = match listing.kind {
            Kind::Camera => (OF_PICTURE, hardware::usb_of_camera(&devices::camera_path(&listing.id))),
            Kind::Microphone | Kind::Speaker => {
                let card = listing.id.split("CARD=").nth(1).and_then(|rest| rest.split(',').next());
                (OF_SOUND, card.and_then(hardware::usb_of_card))
            }
        };
        profiles.fitting(kinds, &listing.name, usb.as_deref()).map(Profile::text)
    };
    let told = |listing: Listing| match profile(&listing) {
        Some(text) => Listing { name: format!("{}; {text}", listing.name), ..listing },
        None => listing,
    };
    found.into_iter().map(told).collect()
}

fn check(about: &str, prefix: &str, found: &[Listing], needed: bool, advice: &str) -> Check {
    let names: Vec<String> = found.iter().map(|each| format!("{prefix}{} ({})", each.id, each.name)).collect();
    match (names.is_empty(), needed) {
        (true, true) => Check::warn(about, "none found", advice),
        (true, false) => Check::ok(about, "none found, none needed"),
        (false, _) => Check::ok(about, names.join(", ")),
    }
}

fn needs_device(source: &Source) -> bool {
    match source {
        Source::Auto | Source::V4l2(_) | Source::Alsa(_) => true,
        Source::None | Source::Test | Source::File(_) | Source::Gst(_) => false,
    }
}

const OF_PICTURE: &[hardware::Kind] = &[hardware::Kind::Camera, hardware::Kind::Capture, hardware::Kind::Ptz];
const OF_SOUND: &[hardware::Kind] = &[hardware::Kind::Speakerphone, hardware::Kind::Camera];
