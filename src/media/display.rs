//! The displays a screen can stand on, best first: wayland, KMS, X11.

use super::outlet::ENTRANCE;
use super::stage::{Lives, OPENS_WITHIN};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;

/// Name of the element that greys.
pub(super) const BALANCE: &str = "engawa-balance";
/// Name of the element that writes.
pub(super) const WORDS: &str = "engawa-words";

/// Bin descriptions of the displays that are there now. `lives` counts X servers that do not answer.
pub(super) fn descriptions(lives: &Lives) -> Vec<String> {
    let mut found = Vec::new();
    if std::env::var_os("WAYLAND_DISPLAY").is_some() {
        found.push(dressed("", "waylandsink fullscreen=true sync=false qos=false"));
    }
    if Path::new("/dev/dri").exists() {
        found.push(dressed("", "kmssink sync=false qos=false"));
    }
    if std::env::var_os("DISPLAY").is_some()
        && let Some((width, height)) = lives.attempt(OPENS_WITHIN, x_screen).flatten()
    {
        // ximagesink's window is as large as its frames and nobody enlarges it where there is no window manager.
        let fill =
            format!("videoscale add-borders=true ! video/x-raw,width={width},height={height},pixel-aspect-ratio=1/1 !");
        found.push(dressed(&fill, "ximagesink sync=false qos=false"));
    }
    found
}

/// A display with what greys and writes before it; `before` ends in `!` or is empty.
pub(super) fn dressed(before: &str, display: &str) -> String {
    format!(
        "identity name={ENTRANCE} silent=true ! {before} videobalance name={BALANCE} ! textoverlay name={WORDS} silent=true wait-text=false \
         font-desc=\"Noto Sans CJK JP Bold 14\" valignment=bottom halignment=center line-alignment=center \
         ypad=48 xpad=64 wrap-mode=wordchar shaded-background=true shading-value=90 draw-shadow=false \
         draw-outline=false ! videoconvert ! {display}"
    )
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
