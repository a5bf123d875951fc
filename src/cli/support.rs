//! `engawa support`: one text file for whoever helps from afar. It says how the box is, and nothing of what was said, shown or
//! written in the room: no picture, no sound, no document, no note, nobody's name, no key, no PIN.

use crate::cli::{Failure, doctor, status};
use crate::config::{Config, DEFAULTS, Overlay};
use crate::system::clock;
use crate::update::release;
use clap::Args;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Arguments of `engawa support`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The box's configuration file.
    #[arg(long, default_value = doctor::INSTALLED)]
    config: PathBuf,
    /// Where to; `-` is standard output. Never over a file that is there.
    file: PathBuf,
}

/// Collects and writes it.
///
/// # Errors
/// When it cannot be written. What cannot be found out stands in the file as a sentence.
pub fn write(arguments: &Arguments, probes: doctor::Probes<'_>) -> Result<(), Failure> {
    let text = bundle(&arguments.config, probes);
    let written = if arguments.file.as_os_str() == "-" {
        std::io::stdout().write_all(text.as_bytes())
    } else {
        std::fs::File::create_new(&arguments.file).and_then(|mut file| file.write_all(text.as_bytes()))
    };
    written.map_err(|error| Failure::new(format!("{}: {error}", arguments.file.display())))
}

fn bundle(config_file: &Path, probes: doctor::Probes<'_>) -> String {
    let config = Config::load(config_file).or_else(|_| Config::parse(DEFAULTS, config_file)).ok();
    let socket = config.as_ref().map(|config| config.status_socket.clone());
    let overlay = Overlay::load(config_file).map(|loaded| loaded.overlay.file().to_owned());
    let parts = [
        ("about", about()),
        ("configuration", settings(config_file)),
        ("installer's page", overlay.map_or_else(|error| error.to_string(), |file| settings(&file))),
        ("doctor", doctor::report(Some(config_file), probes)),
        ("status", socket.map_or_else(String::new, |socket| status_without_names(&socket))),
        ("network", run("ip", &["address"]) + &run("ip", &["route"]) + &run("ip", &["-6", "route"])),
        ("disks", run("df", &["-h"])),
        ("units", run("systemctl", &["--no-pager", "list-units", "engawa*", "--all"])),
        ("journal", journal()),
    ];
    parts.iter().fold(String::new(), |mut text, (name, part)| {
        let _never_fails = write!(text, "==== {name} ====\n{}\n\n", part.trim_end());
        text
    })
}

fn about() -> String {
    let mut text = format!("engawa {}\n{} by this box's clock\n", release::release(), clock::date_and_time());
    for file in ["/etc/os-release", "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/meminfo"] {
        let read = std::fs::read_to_string(file).unwrap_or_else(|error| format!("{file}: {error}"));
        text += &read.lines().take(MOST_LINES_OF_A_FILE).fold(String::new(), |text, line| text + line + "\n");
    }
    text
}

/// What is set in this file, in the same notation, without what opens doors.
fn settings(file: &Path) -> String {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return format!("{}: {error}", file.display()),
    };
    // A file that is not understood could hold a PIN anywhere.
    let Ok(mut table) = text.parse::<toml::Table>() else { return format!("{} is not TOML", file.display()) };
    for (section, key) in SECRET {
        if let Some(value) = table.get_mut(section).and_then(|section| section.get_mut(key)) {
            *value = toml::Value::String(HIDDEN.into());
        }
    }
    toml::to_string(&table).unwrap_or_else(|error| error.to_string())
}

fn status_without_names(socket: &Path) -> String {
    let status = match status::once(socket) {
        Ok(status) => serde_json::to_value(status),
        Err(failure) => return failure.words,
    };
    let Ok(mut status) = status else { return String::new() };
    if let Some(room) = status.get_mut("room").and_then(Value::as_object_mut) {
        room.retain(|field, _| OF_THE_ROOM.contains(&field.as_str()));
    }
    serde_json::to_string_pretty(&status).unwrap_or_default()
}

fn journal() -> String {
    let lines = run("journalctl", &["--no-pager", "--output=short-precise", "--lines=4000", "--unit=engawa*"]);
    // The ledger names guests.
    lines.lines().filter(|line| !line.contains(" ledger ")).fold(String::new(), |text, line| text + line + "\n")
}

/// What a program of the system says; bounded in time by `timeout` of coreutils.
fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new("timeout").args([PATIENCE, program]).args(words).output();
    match output {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        Err(error) => format!("{program}: {error}\n"),
    }
}

const SECRET: [(&str, &str); 2] = [("panel", "pin"), ("peer", "key")];
const HIDDEN: &str = "(set)";
/// Fields of the room's status that hold no name and no text of a person.
const OF_THE_ROOM: [&str; 14] = [
    "mode",
    "near",
    "far",
    "drawn",
    "microphone_wanted",
    "knocked",
    "knocking",
    "veil",
    "far_veil",
    "volume",
    "meeting_s",
    "guests",
    "waiting",
    "locked",
];
/// Seconds for one program.
const PATIENCE: &str = "5";
const MOST_LINES_OF_A_FILE: usize = 20;
