//! `engawa mode`, `knock`, `answer`, `view`, `mic` …: what the keys and the panel ask, asked from this machine.
//!
//! The daemon decides; the same policy, the same three answers: accepted, already so, denied because.

use crate::asking::{self, Reply};
use crate::cli::{Failure, ledger, load, share, status};
use crate::core::notes::{LETTERS, NoteRequest, Paper};
use crate::core::request::Request;
use crate::core::share::{ShareRequest, Turn};
use crate::system::status::Status;
use clap::{Args, Subcommand, ValueEnum};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is asked.
#[derive(Debug, Subcommand)]
pub enum Question {
    /// Changes the mode: quiet, talking, meeting, curtain, asleep. Opens no microphone.
    Mode {
        /// The mode.
        mode: String,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Rings softly in the other room and opens this room's microphone while it rings.
    Knock(Daemon),
    /// Answers the other room's knock and opens this room's microphone.
    Answer(Daemon),
    /// Sends a knock away, or stops what a banner announces.
    Cancel(Daemon),
    /// Lets the camera look so: the name of a view.
    View {
        /// Its name, as in the configuration.
        name: String,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Learns a view from how the camera stands now, so that turning it there by hand is recognised.
    Teach {
        /// Its name, as in the configuration.
        name: String,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Opens or closes this room's own microphone.
    Mic {
        /// Which.
        gate: Gate,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Veils the camera: clear, frosted, black.
    Veil {
        /// Which.
        veil: String,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Sets how loud the far room is here, 0 to 100.
    Volume {
        /// 0 to 100.
        volume: u8,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Puts a document on both screens and begins the meeting; PDF, PNG or JPEG.
    Share(share::Arguments),
    /// Turns to another page of the document in front: next, previous, or its number.
    Page {
        /// Which.
        page: String,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Prints the notice board of both rooms, oldest first; with words, puts them on it.
    Board {
        /// At most 200 characters.
        text: Option<String>,
        /// Whose room.
        #[command(flatten)]
        at: Daemon,
    },
    /// Prints the room code that opens the panel.
    RoomCode(Daemon),
    /// Prints the newest lines of the ledger: when were camera and microphone on? Or checks all of it.
    Ledger(ledger::Arguments),
}

/// Which daemon.
#[derive(Debug, Args)]
pub struct Daemon {
    /// The box's configuration file; names the socket.
    #[arg(long, required_unless_present = "socket")]
    config: Option<PathBuf>,
    /// The socket itself.
    #[arg(long)]
    socket: Option<PathBuf>,
}

/// A microphone's gate.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Gate {
    /// Heard in the other room.
    Open,
    /// Heard nowhere.
    Close,
}

/// Asks, and says what was answered.
///
/// # Errors
/// When no daemon answers, or it says no: then its reason, and exit code 7.
pub fn ask(question: &Question) -> Result<(), Failure> {
    match question {
        Question::Mode { mode, at } => {
            let names = "quiet, talking, meeting, curtain, asleep";
            let mode = asking::mode(mode).ok_or_else(|| Failure::new(format!("{mode} is no mode; write {names}")))?;
            request(at, &Request::Mode(mode))
        }
        Question::Knock(at) => request(at, &Request::Knock),
        Question::Answer(at) => request(at, &Request::Answer),
        Question::Cancel(at) => request(at, &Request::Cancel),
        Question::View { name, at } => request(at, &Request::View(at.view(name)?)),
        Question::Teach { name, at } => teach(at, name),
        Question::Mic { gate, at } => request(at, &Request::Microphone(matches!(gate, Gate::Open))),
        Question::Veil { veil, at } => {
            let known = asking::veil(veil);
            let unknown = || Failure::new(format!("{veil} is no veil; write clear, frosted or black"));
            request(at, &Request::Veil(known.ok_or_else(unknown)?))
        }
        Question::Volume { volume, at } => request(at, &Request::Volume(*volume)),
        Question::Share(arguments) => share::run(arguments),
        Question::Page { page, at } => {
            let turn = match (page.as_str(), page.parse::<u32>()) {
                ("next", _) => Turn::Next,
                ("previous", _) => Turn::Previous,
                (_, Ok(number)) if number > 0 => Turn::To(number - 1),
                (_, _) => return Err(Failure::new(format!("{page} is no page; write next, previous or a number"))),
            };
            request(at, &Request::Share(ShareRequest::Turn(turn)))
        }
        Question::Board { text: None, at } => print(&at.socket()?, r#"{"ask":"board"}"#),
        Question::Board { text: Some(text), at } => {
            let unfit = || Failure::new(format!("a note has 1 to {LETTERS} characters"));
            request(at, &Request::Note(NoteRequest::Write(Paper::words(text).ok_or_else(unfit)?)))
        }
        Question::RoomCode(at) => print(&at.socket()?, r#"{"ask":"room_code"}"#),
        Question::Ledger(arguments) => ledger::run(arguments),
    }
}

impl Daemon {
    pub(super) fn socket(&self) -> Result<PathBuf, Failure> {
        match (&self.socket, &self.config) {
            (Some(socket), _) => Ok(socket.clone()),
            (None, Some(config)) => Ok(load(config)?.status_socket),
            (None, None) => Err(Failure::new("say --config or --socket")),
        }
    }

    /// The index of a view that people know by its name.
    fn view(&self, name: &str) -> Result<usize, Failure> {
        let views = status::once(&self.socket()?)?.room.views;
        let unknown = || Failure::new(format!("{name} is no view; there are {}", views.join(", ")));
        views.iter().position(|view| view == name).ok_or_else(unknown)
    }
}

/// Asks, and waits for what becomes of it: a few seconds.
fn teach(at: &Daemon, name: &str) -> Result<(), Failure> {
    let view = at.view(name)?;
    request(at, &Request::Teach(view))?;
    for (number, line) in status::ask(&at.socket()?, true)?.enumerate() {
        let line = line.map_err(|error| Failure::new(format!("the daemon went away: {error}")))?;
        let status: Status = serde_json::from_str(&line).map_err(|error| Failure::new(error.to_string()))?;
        // The first lines may still be of the moment before.
        let lesson = status.room.lesson.filter(|lesson| lesson.view == view);
        if lesson.is_none() && number < OLD_LINES {
            continue;
        }
        let lesson = lesson.unwrap_or_default();
        match lesson.state.as_str() {
            "learning" => {}
            "learnt" | "not-kept" => {
                println!("{} / {}", lesson.ja, lesson.en);
                return Ok(());
            }
            _ => return Err(Failure::denied(format!("{} / {}", lesson.ja, lesson.en))),
        }
    }
    Err(Failure::new("the daemon went away"))
}

pub(super) fn request(at: &Daemon, request: &Request) -> Result<(), Failure> {
    let line = say(&at.socket()?, &asking::json(request))?.next();
    let line = line.and_then(Result::ok).ok_or_else(|| Failure::new("the daemon said nothing"))?;
    println!("{}", reply(&line)?);
    Ok(())
}

/// What was answered, in words; no is a failure.
pub(super) fn reply(line: &str) -> Result<String, Failure> {
    let reply: Reply = serde_json::from_str(line).map_err(|error| Failure::new(error.to_string()))?;
    if reply.answer == "denied" { Err(Failure::denied(reply.text)) } else { Ok(reply.text) }
}

/// Asks, and prints every line of the answer.
pub(super) fn print(socket: &Path, question: &str) -> Result<(), Failure> {
    for line in say(socket, question)? {
        let line = line.map_err(|error| Failure::new(format!("the daemon went away: {error}")))?;
        println!("{line}");
    }
    Ok(())
}

fn say(socket: &Path, question: &str) -> Result<impl Iterator<Item = std::io::Result<String>>, Failure> {
    let explain = |error| status::nobody_answers(socket, &error);
    let mut stream = UnixStream::connect(socket).map_err(explain)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(explain)?;
    writeln!(stream, "{{\"ask\":{question}}}").map_err(explain)?;
    Ok(BufReader::new(stream).lines())
}

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Of a status that follows.
const OLD_LINES: usize = 5;
