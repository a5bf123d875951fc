//! What each setting may be. One function per kind of value; no I/O, no clock, and no name is ever resolved.

use super::raw::{Complaint, nearest};
use super::{Sink, Source};
use crate::model::{Bitrate, InputShows, Language, VideoCodec};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

type Checked<T> = Result<T, Complaint>;

pub(super) fn name(text: String) -> Checked<String> {
    if text.trim().is_empty() || text.chars().count() > 64 || text.chars().any(char::is_control) {
        return refuse("is not a name people can read", "1 to 64 characters on one line");
    }
    Ok(text)
}

/// Empty: another name stands in.
pub(super) fn printer_name(text: String) -> Checked<Option<String>> {
    if text.is_empty() { Ok(None) } else { name(text).map(Some) }
}

pub(super) fn port(number: i64) -> Checked<u16> {
    match u16::try_from(number) {
        Ok(port @ 1..) => Ok(port),
        Ok(0) | Err(_) => refuse("is no port", "1 to 65535"),
    }
}

pub(super) fn language(text: String) -> Checked<Language> {
    one_of(&text, &[("ja", Language::Japanese), ("en", Language::English)])
}

pub(super) fn codec(text: String) -> Checked<VideoCodec> {
    one_of(&text, &[("h264", VideoCodec::H264), ("vp8", VideoCodec::Vp8)])
}

/// Whether the microphone is open at start.
pub(super) fn microphone(text: String) -> Checked<bool> {
    one_of(&text, &[("closed", false), ("open", true)])
}

pub(super) fn path(text: String, home: &Path) -> Checked<PathBuf> {
    if text.is_empty() || text.contains('\0') {
        return refuse("is not a path", "");
    }
    Ok(home.join(text))
}

pub(super) fn socket_path(text: String, home: &Path) -> Checked<PathBuf> {
    let path = path(text, home)?;
    if path.as_os_str().len() > LONGEST_SOCKET_PATH {
        return refuse("is too long for a socket", format!("{LONGEST_SOCKET_PATH} bytes at most, with its directory"));
    }
    Ok(path)
}

pub(super) fn peer_address(text: String) -> Checked<Option<SocketAddr>> {
    let Some(address) = address(&text, "192.0.2.20:7420")? else { return Ok(None) };
    let ip = address.ip();
    if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::from([255; 4]) {
        return refuse("is no address of one box", "write the address that the other box listens on");
    }
    Ok(Some(address))
}

/// The form is checked here, the key itself by `trunk`, which knows keys.
pub(super) fn peer_key(text: String) -> Checked<Option<String>> {
    let text = text.trim();
    if text.len() > LONGEST_KEY || !text.chars().all(|c| c.is_ascii_graphic()) {
        return refuse("is not a public key", "write what `engawa identity export` prints on the other box");
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

pub(super) fn listen(text: String) -> Checked<Option<SocketAddr>> {
    let Some(address) = address(&text, "[::]:7420")? else { return Ok(None) };
    if address.ip().is_multicast() {
        return refuse("is a group address", "write one of this box's addresses, or [::] for all");
    }
    if address.port() < FIRST_FREE_PORT {
        return refuse("is a port below 1024", "the daemon has no right to such a port; take 1024 to 65535");
    }
    Ok(Some(address))
}

pub(super) fn session_port(number: i64) -> Checked<u16> {
    match u16::try_from(number) {
        Ok(port) if (FIRST_FREE_PORT..u16::MAX).contains(&port) => Ok(port),
        Ok(_) | Err(_) => refuse("is no port for two", "1024 to 65534: this port and the next are used alternately"),
    }
}

pub(super) fn camera_source(text: String, home: &Path) -> Checked<Source> {
    match split(&text) {
        ("auto", None) | ("v4l2", Some("auto")) => Ok(Source::Auto),
        ("none", None) => Ok(Source::None),
        ("test", None) => Ok(Source::Test),
        ("v4l2", Some(id)) => Ok(Source::V4l2(filled(id)?)),
        ("file", Some(path)) => Ok(Source::File(home.join(filled(path)?))),
        ("gst", Some(description)) => Ok(Source::Gst(filled(description)?)),
        (kind, _) => unknown_form(kind, &["auto", "none", "test", "v4l2:NAME", "file:PATH", "gst:DESCRIPTION"]),
    }
}

/// As a camera, but named: the box must not take its own camera for a document.
pub(super) fn document_input(text: String, home: &Path) -> Checked<Source> {
    match camera_source(text, home)? {
        Source::Auto => refuse("is no document input", "write its name: \"v4l2:NAME\", from /dev/v4l/by-id"),
        named
        @ (Source::None | Source::Test | Source::V4l2(_) | Source::Alsa(_) | Source::File(_) | Source::Gst(_)) => {
            Ok(named)
        }
    }
}

/// What a signal of the document input does.
pub(super) fn input_shows(text: String) -> Checked<InputShows> {
    match text.as_str() {
        "ask" => Ok(InputShows::Ask),
        "at_once" => Ok(InputShows::AtOnce),
        _ => refuse("is no rule", "write \"ask\" or \"at_once\""),
    }
}

pub(super) fn sound_source(text: String, home: &Path) -> Checked<Source> {
    match split(&text) {
        ("auto", None) | ("alsa", Some("auto")) => Ok(Source::Auto),
        ("none", None) => Ok(Source::None),
        ("test", None) => Ok(Source::Test),
        ("alsa", Some(id)) => Ok(Source::Alsa(filled(id)?)),
        ("file", Some(path)) => Ok(Source::File(home.join(filled(path)?))),
        ("gst", Some(description)) => Ok(Source::Gst(filled(description)?)),
        (kind, _) => unknown_form(kind, &["auto", "none", "test", "alsa:NAME", "file:PATH", "gst:DESCRIPTION"]),
    }
}

pub(super) fn sound_sink(text: String) -> Checked<Sink> {
    match split(&text) {
        ("auto", None) | ("alsa", Some("auto")) => Ok(Sink::Auto),
        ("none", None) => Ok(Sink::None),
        ("alsa", Some(id)) => Ok(Sink::Alsa(filled(id)?)),
        ("gst", Some(description)) => Ok(Sink::Gst(filled(description)?)),
        (kind, _) => unknown_form(kind, &["auto", "none", "alsa:NAME", "gst:DESCRIPTION"]),
    }
}

pub(super) fn screen_sink(text: String) -> Checked<Sink> {
    match split(&text) {
        ("auto", None) => Ok(Sink::Auto),
        ("none", None) => Ok(Sink::None),
        ("gst", Some(description)) => Ok(Sink::Gst(filled(description)?)),
        (kind, _) => unknown_form(kind, &["auto", "none", "gst:DESCRIPTION"]),
    }
}

/// Width and height in pixels.
pub(super) fn size(text: String) -> Checked<(u32, u32)> {
    let parts = text.split_once('x').and_then(|(width, height)| Some((digits(width)?, digits(height)?)));
    let Some((width, height)) = parts else {
        return refuse("is not a size", "write width x height in pixels, such as \"1280x720\"");
    };
    if width % 2 != 0 || height % 2 != 0 {
        return refuse("is odd", "both must be even: colour has half the resolution");
    }
    if width.min(height) < SMALLEST_SIDE {
        return refuse("is too small", format!("at least {SMALLEST_SIDE} pixels each way"));
    }
    if width.max(height) > LONGEST_SIDE || width * height > MOST_PIXELS {
        return refuse("is too large", "1920x1080 at most");
    }
    Ok((width, height))
}

pub(super) fn fps(number: i64) -> Checked<u32> {
    match u32::try_from(number) {
        Ok(fps @ 1..=60) => Ok(fps),
        Ok(_) | Err(_) => refuse("is no frame rate a camera is sent at", "1 to 60 frames per second"),
    }
}

pub(super) fn ceiling(number: i64) -> Checked<Bitrate> {
    match u32::try_from(number) {
        Ok(kbps @ LEAST_CEILING_KBPS..=MOST_CEILING_KBPS) => Ok(Bitrate::from_kbps(kbps)),
        Ok(0..LEAST_CEILING_KBPS) => refuse("is too small", format!("voice alone needs {LEAST_CEILING_KBPS} kbit/s")),
        Ok(_) => refuse("is too large", format!("{MOST_CEILING_KBPS} kbit/s at most")),
        Err(_) => refuse("is no bandwidth", format!("{LEAST_CEILING_KBPS} to {MOST_CEILING_KBPS} kbit/s")),
    }
}

fn address(text: &str, example: &str) -> Checked<Option<SocketAddr>> {
    if text.is_empty() {
        return Ok(None);
    }
    let scoped = text.split_once('%').and_then(|(before, _)| before.trim_start_matches('[').parse().ok());
    let parsed = text.parse::<SocketAddr>().ok();
    if parsed.map(|address| address.ip()).or(scoped).is_some_and(is_link_local) {
        return refuse("is a link-local address", "give both boxes fixed addresses");
    }
    if let Some(address) = parsed {
        return if address.port() == 0 { refuse("is port 0", "ports are 1 to 65535") } else { Ok(Some(address)) };
    }
    match text.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(ip) => refuse("has no port", format!("write \"{}\"", SocketAddr::from((ip, 7420)))),
        Err(_) if is_name(text) => {
            refuse("is a name, and names are never resolved", format!("write numbers, such as \"{example}\""))
        }
        Err(_) => refuse("is not an address and port", format!("write numbers, such as \"{example}\"")),
    }
}

fn is_name(text: &str) -> bool {
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    host.contains(|c: char| c.is_ascii_alphabetic() && !c.is_ascii_hexdigit()) || host.ends_with(".local")
}

/// Such an address means something else on every cable, so nobody else can be told it.
fn is_link_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)))
}

fn filled(text: &str) -> Checked<String> {
    if text.trim().is_empty() || text.contains('\0') {
        return refuse("has nothing after the colon", "");
    }
    Ok(text.to_owned())
}

fn digits(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .filter(|&number| number <= 65_536)
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Checked<T> {
    if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
    refuse("is not one of the choices", format!("write {}", words.join(" or ")))
}

fn unknown_form<T>(kind: &str, forms: &[&str]) -> Checked<T> {
    let kinds = forms.iter().map(|form| split(form).0);
    let hint = match nearest(kind, kinds).and_then(|kind| forms.iter().find(|form| split(form).0 == kind)) {
        Some(form) => format!("did you mean {form}?"),
        None => format!("write {}", forms.join(", ")),
    };
    refuse("is not a form this setting has", hint)
}

fn refuse<T>(what: &str, hint: impl Into<String>) -> Checked<T> {
    Err(Complaint::new(what, hint))
}

/// `sun_path` of Linux has 108 bytes with its closing zero.
const LONGEST_SOCKET_PATH: usize = 107;
const LONGEST_KEY: usize = 256;
/// Ports below need a right that the unit does not give.
const FIRST_FREE_PORT: u16 = 1024;
/// One macroblock of H.264.
const SMALLEST_SIDE: u32 = 16;
const LONGEST_SIDE: u32 = 1920;
const MOST_PIXELS: u32 = 1920 * 1080;
/// Opus at 6 kbit/s in 60 ms packets plus headers, and room for the trunk.
const LEAST_CEILING_KBPS: u32 = 64;
const MOST_CEILING_KBPS: u32 = 1_000_000;
