//! `engawa share FILE`: puts a document on both screens, from this machine. `--show-input` puts the HDMI input on them,
//! `--stop-live` ends what a PC or an input shares.

use super::room::{Daemon, reply, request};
use super::{Failure, status};
use crate::core::live::LiveRequest;
use crate::core::request::Request;
use crate::core::share::file_name;
use crate::documents::{LONGEST_DOCUMENT, name_of};
use crate::system::status::Status;
use clap::Args;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `engawa share`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// PDF, PNG or JPEG; at most 100 MB.
    #[arg(required_unless_present_any = ["stop_live", "show_input"])]
    file: Option<PathBuf>,
    /// Ends the screen that a PC or an input shares, whichever room's it is.
    #[arg(long, conflicts_with = "file")]
    stop_live: bool,
    /// Puts the document input (`[share] input`) on both screens.
    #[arg(long, conflicts_with_all = ["file", "stop_live"])]
    show_input: bool,
    /// Whose room.
    #[command(flatten)]
    at: Daemon,
}

/// Shares, and waits until it stands on this screen or cannot.
///
/// # Errors
/// When the file cannot be read, no daemon answers, or it says no: then its reason, and exit code 7.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(file) = &arguments.file else {
        let live = if arguments.show_input { Request::ShowInput(true) } else { Request::Live(LiveRequest::Stop) };
        return request(&arguments.at, &live);
    };
    let bytes = read(file)?;
    let name = file_name(&file.to_string_lossy());
    let socket = arguments.at.socket()?;
    println!("{}", put(&socket, &name, &bytes)?);
    let document = name_of(&bytes).to_string();
    // The first lines may still be of the moment before.
    for (number, line) in status::ask(&socket, true)?.enumerate() {
        let line = line.map_err(|error| Failure::new(format!("the daemon went away: {error}")))?;
        let status: Status = serde_json::from_str(&line).map_err(|error| Failure::new(error.to_string()))?;
        if let Some(fault) = status.room.document_fault.filter(|fault| fault.document == document) {
            return Err(Failure::denied(format!("{} / {}", fault.ja, fault.en)));
        }
        let Some(page) = status.room.page.filter(|page| page.document == document) else {
            // Opening may take as long behind one that stands in front.
            if number < OPENING_LINES {
                continue;
            }
            return Err(Failure::new("another document was put in front, or the meeting ended"));
        };
        match page.state.as_str() {
            "opening" => {}
            _ => {
                println!("{name}: {} ページ / {} pages", page.pages, page.pages);
                return Ok(());
            }
        }
    }
    Err(Failure::new("the daemon went away"))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let explain = |error| Failure::new(format!("{} cannot be read: {error}", file.display()));
    let mut bytes = Vec::new();
    let most = LONGEST_DOCUMENT;
    std::fs::File::open(file).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(explain)?;
    if bytes.len() as u64 > most {
        return Err(Failure::new(format!("{} is longer than 100 MB", file.display())));
    }
    Ok(bytes)
}

fn put(socket: &Path, name: &str, bytes: &[u8]) -> Result<String, Failure> {
    let explain = |error| status::nobody_answers(socket, &error);
    let mut stream = UnixStream::connect(socket).map_err(explain)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(explain)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(explain)?;
    let ask = serde_json::json!({"ask": {"ask": "share_file", "name": name, "length": bytes.len()}});
    writeln!(stream, "{ask}").and_then(|()| stream.write_all(bytes)).map_err(explain)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(explain)?;
    reply(&line)
}

/// One comes a second, and one at every change.
const OPENING_LINES: usize = 30;
/// For each step; the longest file is hashed in a third of a second.
const PATIENCE: Duration = Duration::from_secs(10);
