//! `engawa.toml` of a box that was made from a table: the few settings that an installer decides, everything else as documented.

use super::file::quoted;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Which of the two boxes opens connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dials {
    pub a: bool,
    pub b: bool,
}

/// What an installer decides; empty texts leave the default.
pub(super) struct Settings<'s> {
    pub pair: &'s str,
    pub room: &'s str,
    pub language: &'s str,
    pub peer: Option<IpAddr>,
    pub dials: bool,
    pub listens: bool,
    pub ceiling_kbps: Option<i64>,
    pub hours: &'s str,
    pub pin: &'s str,
    pub printer: bool,
}

/// The text, in the order of `config/engawa.toml`.
pub(super) fn engawa_toml(settings: &Settings<'_>) -> String {
    let peer = settings.peer.map(|address| SocketAddr::from((address, TRUNK)).to_string()).unwrap_or_default();
    let listen = if settings.listens { format!("[::]:{TRUNK}") } else { String::new() };
    let mut text = format!("# Made by `engawa provision` for the pair {}.\n", settings.pair);
    let mut section = |name: &str, lines: &[(&str, Option<String>)]| {
        if lines.iter().any(|(_, value)| value.is_some()) {
            let _infallible = writeln!(text, "[{name}]");
        }
        for (key, value) in lines.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            let _infallible = writeln!(text, "{key} = {value}");
        }
    };
    let given = |value: &str| (!value.is_empty()).then(|| quoted(value));
    section("box", &[("name", Some(quoted(settings.room))), ("language", given(settings.language))]);
    section("peer", &[("address", Some(quoted(&peer)))]);
    section("trunk", &[("listen", Some(quoted(&listen))), ("dial", Some(settings.dials.to_string()))]);
    section("line", &[("ceiling_kbps", settings.ceiling_kbps.map(|number| number.to_string()))]);
    section("room", &[("hours", given(settings.hours))]);
    section("panel", &[("listen", Some(quoted(PANEL))), ("pin", given(settings.pin))]);
    section("printer", &[("enabled", settings.printer.then(|| "true".to_owned()))]);
    text
}

/// The column of the table that a setting comes from.
pub(super) fn column_of(setting: &str, side: &str) -> Option<&'static str> {
    Some(match (setting, side) {
        ("box.name", "a") => "room_a",
        ("box.name", _) => "room_b",
        ("peer.address", "a") => "address_b",
        ("peer.address", _) => "address_a",
        ("box.language", _) => "language",
        ("trunk.listen" | "trunk.dial", _) => "dials",
        ("line.ceiling_kbps", _) => "ceiling_kbps",
        ("room.hours", _) => "hours",
        ("panel.pin", _) => "pin",
        _ => return None,
    })
}

/// As in docs/flows.md.
const TRUNK: u16 = 7420;
const PANEL: &str = "[::]:443";
