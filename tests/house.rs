//! Holds the house as the module doc of `src/lib.rs` draws it: who may import whom, and how long a file may be.
//!
//! Every file under src is read: its code without comments and text, for paths that begin with `crate::` (grouped ones
//! too) and for paths that begin with a crate of Cargo.toml. Tests are held to the same length.

mod house_support;

use house_support::*;
use std::collections::BTreeSet;
use std::path::Path;

/// Rooms without any crate of others, and with nothing of std that reads the world.
const PURE: &[&str] = &["core", "model"];
const WORLDLY: &[&str] = &[
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::sync",
    "std::os",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
];

/// Only tests use these, and tests may stand in any room.
const TEST_CRATES: &[&str] = &["proptest", "tempfile"];

const LONGEST_FILE: usize = 400;
/// Longer files, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

#[test]
fn every_room_imports_only_what_the_house_allows() {
    let faults: Vec<String> = sources().iter().flat_map(|(file, text)| import_faults(file, text)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_file_is_longer_than_it_can_be_read() {
    for (file, text) in sources().into_iter().chain(files_under("tests")) {
        let lines = text.lines().count();
        let excused = LONG_FILES.iter().any(|(name, _)| *name == file);
        assert!(lines <= LONGEST_FILE || excused, "{file} has {lines} lines: divide it");
        assert!(lines > LONGEST_FILE || !excused, "{file} is short again: take it from LONG_FILES");
    }
}

#[test]
fn every_file_begins_with_its_promise() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! ") || file == "main.rs", "{file} has no module doc on top");
    }
}

#[test]
fn unsafe_code_stands_in_one_place_and_says_why() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    assert!(manifest.contains("\nunsafe_code = \"deny\"\n"), "the compiler refuses what is not excused");
    let excuses: Vec<String> = sources().iter().flat_map(|(file, text)| unsafe_code(file, text)).collect();
    let excused = [
        "system/memory.rs: #[expect(unsafe_code, reason = )]",
        "system/memory.rs: let heap = unsafe { libc::mallinfo2() };",
    ];
    assert_eq!(excuses, excused);
    let planted =
        "#![allow(unsafe_code)]\nfn a() { unsafe{b()} } // unsafe\nunsafe fn b() {}\nconst C: &str = \"unsafe\";";
    assert_eq!(unsafe_code("a.rs", planted).len(), 3);
}

/// Every line of code with the word in it.
fn unsafe_code(file: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    code.lines().filter(|line| line.contains("unsafe")).map(|line| format!("{file}: {}", line.trim())).collect()
}

#[test]
fn a_planted_fault_is_found() {
    for (file, text, fault) in [
        ("core/link.rs", "use crate::inbox::Inbox;", "core/link.rs uses crate::inbox::Inbox"),
        ("core/link.rs", "use crate::{model::Line, trunk};", "core/link.rs uses crate::trunk"),
        ("core/link.rs", "fn a() { std::time::Instant::now(); }", "core/link.rs uses std::time::Instant::now"),
        ("core/link.rs", "use std::{fmt, sync::{Arc, Mutex}};", "core/link.rs uses std::sync::Mutex"),
        ("core/link.rs", "fn a() { tracing::info!(\"\") }", "core/link.rs uses tracing"),
        ("trunk/dial.rs", "use crate::peer::Session;", "trunk/dial.rs uses crate::peer::Session"),
        ("trunk/dial.rs", "use crate::core::link::Link;", "trunk/dial.rs uses crate::core::link::Link"),
        ("trunk/dial.rs", "use crate::core::{input::Input, timers};", "trunk/dial.rs uses crate::core::timers"),
        ("media/send.rs", "fn a() { tokio::spawn(b()); }", "media/send.rs uses tokio::spawn"),
        ("system/page.rs", "use gstreamer as gst;", "system/page.rs uses gstreamer"),
        ("system/page.rs", "use gstreamer_app::AppSink;", "system/page.rs uses gstreamer_app::AppSink"),
        ("system/hours.rs", "use evdev::KeyCode;", "system/hours.rs uses evdev::KeyCode"),
        ("system/keys_more.rs", "use evdev::KeyCode;", "system/keys_more.rs uses evdev::KeyCode"),
        ("panel/api.rs", "use cairo::{Context, Error};", "panel/api.rs uses cairo::Context"),
        ("panel/api.rs", "fn a() { pangocairo::functions::b() }", "panel/api.rs uses pangocairo::functions::b"),
        ("media/own_picture.rs", "use qrcodegen::QrCode;", "media/own_picture.rs uses qrcodegen::QrCode"),
        ("panel/door.rs", "use rcgen::KeyPair;", "panel/door.rs uses rcgen::KeyPair"),
        ("cli/certificate.rs", "use hyper::Request;", "cli/certificate.rs uses hyper::Request"),
        ("runtime.rs", "use crate::cli::Failure;", "runtime.rs uses crate::cli::Failure"),
    ] {
        let faults = import_faults(file, text);
        assert!(faults.iter().any(|found| found.starts_with(fault)), "{text}: {faults:?}");
    }
    let fine = "//! [`Link`](crate::core::link::Link)\nuse crate::core::{input::{Input, News}, signal};\n\
                use crate::model::Moment; // crate::peer\nconst A: &str = \"crate::peer tokio::x\"; use std::net::IpAddr;";
    assert_eq!(import_faults("media/send.rs", fine), Vec::<String>::new());
}

fn import_faults(file: &str, text: &str) -> Vec<String> {
    let room = file.trim_end_matches(".rs").split('/').next().unwrap_or_default();
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{file}: the house has no room {room}: draw it in src/lib.rs and here")];
    };
    let code = code_only(text);
    let own = paths(&code, "crate").into_iter().filter(|path| !may_use(allowed, path));
    let mut faults: BTreeSet<String> = own.collect();
    for name in crates() {
        let uses = paths(&code, &name);
        let pure = PURE.contains(&room) && !TEST_CRATES.contains(&name.as_str());
        if !uses.is_empty() && (pure || !crate_allowed(&name, file)) {
            faults.extend(uses);
        }
    }
    if PURE.contains(&room) {
        // A value that many hold and nobody changes is no lock.
        let worldly = |path: &String| path != "std::sync::Arc" && WORLDLY.iter().any(|banned| path.starts_with(banned));
        faults.extend(paths(&code, "std").into_iter().filter(worldly));
    }
    faults.into_iter().map(|path| format!("{file} uses {path}, which {room} may not")).collect()
}

fn may_use(allowed: &[&str], path: &str) -> bool {
    let mut parts = path.split("::").skip(1);
    let (room, file) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // Items of lib.rs itself, such as a constant, begin in capitals.
    room.starts_with(char::is_uppercase)
        || allowed.iter().any(|allowed| match allowed.split_once("::") {
            Some((home, part)) => room == home && file == part,
            None if *allowed == HANDS => HAND_ROOMS.contains(&room),
            None if *allowed == PUBLIC_CORE => room == "core" && PUBLIC_CORE_FILES.contains(&file),
            None => room == *allowed,
        })
}

fn crate_allowed(name: &str, file: &str) -> bool {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    CRATES
        .iter()
        .filter(|(names, _)| names.iter().any(|pattern| matches(pattern)))
        .all(|(_, rooms)| rooms.iter().any(|room| is_part_of(file, room)))
}

/// `system/keys` is the file of that name and everything in its directory.
fn is_part_of(file: &str, part: &str) -> bool {
    file.strip_prefix(part).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The crates of Cargo.toml, as they are written in code; `gst-plugin-rtp` and `cairo-rs` call their libraries otherwise.
fn crates() -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let names = |section: &str| manifest[section].as_table().expect("a section").keys().cloned().collect::<Vec<_>>();
    let renamed = ["gstrsrtp", "cairo"].map(str::to_owned).to_vec();
    [names("dependencies"), names("dev-dependencies"), renamed]
        .concat()
        .iter()
        .map(|name| name.replace('-', "_"))
        .collect()
}

/// All paths in `code` that begin with `root`, groups written out: `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn paths(code: &str, root: &str) -> Vec<String> {
    let boundary = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        let before = code[..at].trim_end();
        let rest = &code[at + root.len()..];
        let whole = boundary(code[..at].chars().next_back()) && boundary(rest.chars().next());
        let inner = before.ends_with("::") || before.ends_with('.');
        let imported = before.ends_with("use") && !rest.trim_start().starts_with(':');
        if whole && !inner && (rest.starts_with("::") || imported) {
            expand(root, rest, &mut found);
        }
    }
    found
}

/// Follows a path behind `prefix`; returns what is left of the text.
fn expand<'c>(prefix: &str, rest: &'c str, found: &mut Vec<String>) -> &'c str {
    let Some(rest) = rest.strip_prefix("::") else {
        found.push(prefix.to_owned());
        return rest;
    };
    let Some(mut group) = rest.strip_prefix('{') else {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        return expand(&format!("{prefix}::{}", &rest[..end]), &rest[end..], found);
    };
    loop {
        group = group.trim_start().trim_start_matches(',').trim_start();
        if group.is_empty() || group.starts_with('}') {
            return group.trim_start_matches('}');
        }
        let end = group.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(group.len());
        let before = group.len();
        group = expand(&format!("{prefix}::{}", &group[..end]), &group[end..], found);
        let renamed =
            group.trim_start().strip_prefix("as ").and_then(|name| name.find([',', '}']).map(|end| &name[end..]));
        group = renamed.unwrap_or(group);
        if group.len() == before {
            return group;
        }
    }
}

/// The text without comments and without what stands in string literals.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            raw.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if next == '"' {
            string_length(rest)
        } else if ["'\"'", "'\\''", "'\\\"'"].iter().any(|quote| rest.starts_with(quote)) {
            if rest.starts_with("'\\") { 4 } else { 3 }
        } else {
            code.push(next);
            next.len_utf8()
        };
        rest = &rest[skip..];
    }
    code
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Every file under src: its path from there, and its text.
fn sources() -> Vec<(String, String)> {
    let files = files_under("src").into_iter();
    files.map(|(name, text)| (name.trim_start_matches("src/").to_owned(), text)).collect()
}

/// Every Rust file below a directory: its path from the root, and its text.
fn files_under(directory: &str) -> Vec<(String, String)> {
    let (mut directories, mut files) = (vec![root().join(directory)], Vec::new());
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("node_modules") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("under the root").to_string_lossy().into_owned();
                files.push((name, std::fs::read_to_string(&path).expect("read")));
            }
        }
    }
    assert!(files.len() > 10, "the sources are where they were");
    files
}

fn root() -> &'static Path {
    Path::new(ROOT)
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
