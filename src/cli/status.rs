//! `engawa status`: asks the running daemon.

use crate::cli::{Failure, load};
use crate::system::status::Status;
use clap::Args;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `engawa status`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The box's configuration file; names the socket.
    #[arg(long, required_unless_present = "socket")]
    config: Option<PathBuf>,
    /// The socket itself.
    #[arg(long)]
    socket: Option<PathBuf>,
    /// One JSON object per line, as documented in docs/status.md.
    #[arg(long)]
    json: bool,
    /// Go on with every change and every second.
    #[arg(long)]
    follow: bool,
}

/// Prints the daemon's status.
///
/// # Errors
/// When no daemon answers.
pub fn show(arguments: &Arguments) -> Result<(), Failure> {
    let socket = match (&arguments.socket, &arguments.config) {
        (Some(socket), _) => socket.clone(),
        (None, Some(config)) => load(config)?.status_socket,
        (None, None) => return Err(Failure::new("say --config or --socket")),
    };
    for line in ask(&socket, arguments.follow)? {
        let line = line.map_err(|error| Failure::new(format!("the daemon went away: {error}")))?;
        let mut out = std::io::stdout().lock();
        let written = if arguments.json {
            writeln!(out, "{line}")
        } else {
            let status: Status = serde_json::from_str(&line).map_err(|error| Failure::new(error.to_string()))?;
            writeln!(out, "{}", in_words(&status))
        };
        if written.and_then(|()| out.flush()).is_err() {
            return Ok(()); // the reader closed the pipe
        }
    }
    Ok(())
}

/// One answer, parsed; for demo and bench.
///
/// # Errors
/// When no daemon answers.
pub fn once(socket: &Path) -> Result<Status, Failure> {
    let line = ask(socket, false)?.next().ok_or_else(|| Failure::new("the daemon said nothing"))?;
    let line = line.map_err(|error| Failure::new(error.to_string()))?;
    serde_json::from_str(&line).map_err(|error| Failure::new(error.to_string()))
}

/// A line per box, for people.
pub fn one_line(status: &Status) -> String {
    let delay = status.picture_delay_ms.map_or("–".into(), |delay| format!("{:.0} ms", delay.p50));
    format!(
        "{:<10} delay {:>7}  {:>4.1} fps in {:>4.1} out  {:>5} kbit/s in {:>5} out  mic {}",
        status.link,
        delay,
        status.picture_in.fps,
        status.picture_out.fps,
        status.kbps_in,
        status.kbps_out,
        status.microphone,
    )
}

/// Why the socket cannot be used.
pub(super) fn nobody_answers(socket: &Path, error: &std::io::Error) -> Failure {
    let socket = socket.display();
    Failure::new(format!("no engawa daemon answers at {socket} ({error}); is it running, and are you in its group?"))
}

pub(super) fn ask(socket: &Path, follow: bool) -> Result<impl Iterator<Item = std::io::Result<String>>, Failure> {
    let explain = |error| nobody_answers(socket, &error);
    let mut stream = UnixStream::connect(socket).map_err(explain)?;
    if !follow {
        stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(explain)?;
    }
    writeln!(stream, "{{\"follow\": {follow}}}").map_err(explain)?;
    Ok(BufReader::new(stream).lines())
}

fn in_words(status: &Status) -> String {
    let mut lines = vec![
        format!("link        {} for {:.0} s", status.link, status.since_s),
        format!(
            "peer        {} at {}",
            status.peer.name.as_deref().unwrap_or("unknown"),
            status.peer.address.as_deref().unwrap_or("no address")
        ),
        format!("session     {} ({} opened)", status.session.as_deref().unwrap_or("none"), status.sessions_opened),
        format!(
            "line        rtt {} · loss {:.1} % · jitter {:.1} ms · {} kbit/s in, {} out of at most {}",
            status.rtt_ms.map_or("–".into(), |rtt| format!("{rtt:.1} ms")),
            status.loss * 100.0,
            status.jitter_ms,
            status.kbps_in,
            status.kbps_out,
            status.ceiling_kbps
        ),
        format!(
            "picture     in {}×{} {:.1} fps · out {}×{} {:.1} fps · {} by {}",
            status.picture_in.width,
            status.picture_in.height,
            status.picture_in.fps,
            status.picture_out.width,
            status.picture_out.height,
            status.picture_out.fps,
            status.codec.as_deref().unwrap_or("no codec"),
            status.encoder
        ),
    ];
    for (name, delay) in [("picture", status.picture_delay_ms), ("sound", status.sound_delay_ms)] {
        if let Some(delay) = delay {
            lines.push(format!("delay       {name} p50 {:.1} ms, p95 {:.1} ms", delay.p50, delay.p95));
        }
    }
    lines.push(format!(
        "near        microphone {} · camera {}    far  microphone {} · camera {}",
        status.microphone, status.camera, status.far_microphone, status.far_camera
    ));
    let room = &status.room;
    lines.push(format!(
        "room        {} (here {}, there {}) · view {} · veil {} · {} guests{}",
        room.mode,
        room.near,
        room.far,
        room.views.get(room.view).map_or("–", String::as_str),
        room.veil,
        room.guests,
        if room.locked { ", locked" } else { "" }
    ));
    if !status.missing.is_empty() {
        lines.push(format!("missing     {}", status.missing.join(", ")));
    }
    if let Some(fault) = &status.fault {
        let over = fault.over_s.map_or("not over".into(), |ago| format!("over {ago:.0} s ago"));
        lines.push(format!("last fault  {} / {} (began {:.0} s ago, {over})", fault.ja, fault.en, fault.began_s));
    }
    lines.join("\n")
}

const ANSWER_WITHIN: Duration = Duration::from_secs(3);
