//! The displays a screen can stand on, best first: wayland, KMS, X11.

use super::composer::ELEMENT;
use super::outlet::ENTRANCE;
use super::stage::{Lives, OPENS_WITHIN};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::ffi::OsStr;
use std::path::Path;

/// Bin descriptions of the displays that are there now. `lives` counts X servers that do not answer.
pub(super) fn descriptions(lives: &Lives) -> Vec<String> {
    let mut found = Vec::new();
    let connected = || composed_at(connected_size(Path::new("/sys/class/drm")));
    let compositor = Compositor::named(std::env::var_os("WAYLAND_DISPLAY").as_deref());
    if compositor != Compositor::Absent {
        // The compositor enlarges what is smaller than its screen.
        found.push(dressed(&format!("{} ! waylandsink fullscreen=true sync=false qos=false", sized(connected()))));
    }
    if compositor != Compositor::OfTheKiosk && Path::new("/dev/dri").exists() {
        found.push(dressed(&format!("{} ! kmssink sync=false qos=false", sized(connected()))));
    }
    if std::env::var_os("DISPLAY").is_some()
        && let Some(size) = lives.attempt(OPENS_WITHIN, x_screen).flatten()
    {
        // ximagesink's window is as large as its frames and nobody enlarges it where there is no window manager.
        found.push(dressed(&format!("{} ! ximagesink sync=false qos=false", sized(size))));
    }
    found
}

/// Who else may hold the display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compositor {
    Absent,
    /// A person's session: a name in its own directory.
    OfASession,
    /// The kiosk's, by the path of its socket: its directory is there, also while it starts anew. A display that the daemon took
    /// meanwhile it could never take back.
    OfTheKiosk,
}

impl Compositor {
    fn named(display: Option<&OsStr>) -> Self {
        match display.map(Path::new) {
            None => Self::Absent,
            Some(socket) if !socket.is_absolute() => Self::OfASession,
            Some(socket) if socket.parent().is_some_and(Path::is_dir) => Self::OfTheKiosk,
            Some(_) => Self::Absent,
        }
    }
}

/// A display with the composer before it, which takes the size that `display` begins with.
pub(super) fn dressed(display: &str) -> String {
    format!("{ELEMENT} name={ENTRANCE} ! videoconvert ! {display}")
}

fn sized((width, height): (i32, i32)) -> String {
    format!("video/x-raw,width={width},height={height},pixel-aspect-ratio=1/1")
}

/// Composing is a processor's work: beyond 1920 × 1080 the display enlarges.
fn composed_at(size: Option<(i32, i32)>) -> (i32, i32) {
    match size {
        Some((width, height)) if width > 0 && height > 0 && i64::from(width) * i64::from(height) <= FULL_HD => {
            (width, height)
        }
        Some((width, height)) if width > height && height > 0 => (1080 * width / height / 2 * 2, 1080),
        Some(_) | None => (1920, 1080),
    }
}

/// Size of the first connected output's preferred mode, as the kernel lists them: `card0-HDMI-A-1/{status,modes}`.
fn connected_size(outputs: &Path) -> Option<(i32, i32)> {
    let mut outputs: Vec<_> = std::fs::read_dir(outputs).ok()?.flatten().map(|entry| entry.path()).collect();
    outputs.sort();
    outputs.iter().find_map(|output| {
        let read = |name| std::fs::read_to_string(output.join(name)).ok();
        if read("status")?.trim() != "connected" {
            return None;
        }
        let modes = read("modes")?;
        let (width, height) = modes.lines().next()?.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    })
}

/// The X screen's size in pixels, asked of the element that would record it: no X library of our own.
fn x_screen() -> Option<(i32, i32)> {
    let recorder = gst::ElementFactory::make("ximagesrc").build().ok()?;
    recorder.set_state(gst::State::Ready).ok()?;
    let caps = recorder.static_pad("src").map(|pad| pad.query_caps(None));
    let _ = recorder.set_state(gst::State::Null); // it never ran
    let caps = caps?;
    let screen = caps.structure(0)?;
    Some((screen.get("width").ok()?, screen.get("height").ok()?))
}

const FULL_HD: i64 = 1920 * 1080;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_display_is_left_to_the_kiosks_compositor_while_that_starts_anew() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("wayland-0");
        assert_eq!(Compositor::named(Some(socket.as_os_str())), Compositor::OfTheKiosk);
        assert_eq!(Compositor::named(Some(socket.join("below").as_os_str())), Compositor::Absent);
        assert_eq!(Compositor::named(Some(OsStr::new("wayland-1"))), Compositor::OfASession);
        assert_eq!(Compositor::named(None), Compositor::Absent);
    }

    #[test]
    fn the_screen_is_as_large_as_the_connected_output_prefers() {
        let outputs = tempfile::tempdir().unwrap();
        let output = |name: &str, status: &str, modes: &str| {
            let directory = outputs.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            std::fs::write(directory.join("status"), status).unwrap();
            std::fs::write(directory.join("modes"), modes).unwrap();
        };
        std::fs::create_dir(outputs.path().join("card0")).unwrap();
        output("card0-DP-1", "disconnected\n", "");
        assert_eq!(connected_size(outputs.path()), None);
        output("card0-HDMI-A-1", "connected\n", "1366x768\n1280x720\n");
        assert_eq!(connected_size(outputs.path()), Some((1366, 768)));
        assert_eq!(composed_at(Some((1366, 768))), (1366, 768));
        assert_eq!(composed_at(Some((3840, 2160))), (1920, 1080));
        assert_eq!(composed_at(Some((2560, 1080))), (2560, 1080));
        assert_eq!(composed_at(None), (1920, 1080));
    }
}
