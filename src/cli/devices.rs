//! What the doctor says about cameras, microphones and speakers.

use crate::cli::doctor::Check;
use crate::config::{Config, Sink, Source};
use crate::media::devices::{self, Listing};

/// One check per kind of device, with the names the configuration takes.
pub fn checks(config: &Config) -> Vec<Check> {
    let camera = needs_device(&config.camera.source);
    let microphone = needs_device(&config.sound.source);
    let speaker = match config.sound.sink {
        Sink::Auto | Sink::Alsa(_) => true,
        Sink::None | Sink::Gst(_) => false,
    };
    vec![
        check(
            "cameras",
            "v4l2:",
            &devices::cameras(),
            camera,
            "plug a camera in; until then the far room sees a placeholder",
        ),
        check(
            "microphones",
            "alsa:",
            &devices::microphones(),
            microphone,
            "plug a microphone in; until then nothing is sent",
        ),
        check("speakers", "alsa:", &devices::speakers(), speaker, "plug a speaker in; until then nothing is heard"),
    ]
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
