//! `engawa update`: fetching a bundle from a stick, and checking and installing the one that is here.
//!
//! ```text
//!   engawa-fetch@ (engawa) ── fetch ──▶ the place ── wish ──▶ engawa-update (root) ── carry-out ──▶ RAUC ──▶ restart, once nobody meets
//! ```

use super::{Failure, status};
use crate::model::Language;
use crate::provision::stick::{Bundle, Listing, Trouble};
use crate::system::status::Status;
use crate::update::examine::{self, Running};
use crate::update::place::{self, Place, Whole, Wish};
use crate::update::rauc::{self, Rauc};
use crate::update::{Refusal, Report, Source, State, release, report};
use clap::{Args, Subcommand};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

/// Arguments of `engawa update`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copies the newest update, by its name, from a stick that `engawa stick read` looked at, and asks for its installation.
    Fetch {
        /// What `engawa stick read` found: found.json.
        #[arg(long)]
        listing: PathBuf,
        /// The partition's device node, or an image of one.
        #[arg(long)]
        device: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Checks the update that is here and installs it, as was wished; the box restarts when no meeting is on.
    CarryOut {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        machine: Machine,
    },
    /// How the update stands, in both languages.
    Status {
        /// As it stands in report.json.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
struct At {
    /// Where bundles wait.
    #[arg(long, hide = true, default_value = place::DIRECTORY)]
    place: PathBuf,
    /// Where it is told.
    #[arg(long, hide = true, default_value = report::REPORT)]
    report: PathBuf,
    /// Where it is noted that one did not come up.
    #[arg(long, hide = true, default_value = report::ROLLED_BACK)]
    rolled_back: PathBuf,
}

#[derive(Debug, Args)]
struct Machine {
    #[arg(long, hide = true, default_value = "rauc")]
    rauc: PathBuf,
    #[arg(long, hide = true, default_value = rauc::CONFIG)]
    rauc_config: PathBuf,
    #[arg(long, hide = true, default_value = examine::CAME_UP)]
    came_up: PathBuf,
    #[arg(long, hide = true, default_value = release::FILE)]
    release: PathBuf,
    /// The daemon's status socket: it knows whether anybody meets.
    #[arg(long, default_value = "/run/engawa/status.sock")]
    socket: PathBuf,
    /// What restarts the box.
    #[arg(long, hide = true, default_value = "systemctl")]
    systemctl: PathBuf,
}

impl At {
    fn place(&self) -> Place {
        Place::new(&self.place).telling(&self.report).remembering(&self.rolled_back)
    }
}

/// Does it.
///
/// # Errors
/// In both languages; the report has been written then.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Fetch { listing, device, at } => fetch(listing, device, &at.place()),
        Command::CarryOut { at, machine } => carry_out(&at.place(), machine),
        Command::Status { json, at } => show(&at.place().report(), *json),
    }
}

fn show(report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(report).map_err(|error| Failure::new(error.to_string()))?;
        println!("{text}");
    } else {
        println!("{}\n{}", report.japanese, report.english);
    }
    Ok(())
}

fn fetch(listing: &Path, device: &Path, place: &Place) -> Result<(), Failure> {
    let found = Listing::read(listing).ok_or_else(|| Failure::new(format!("{} makes no sense", listing.display())))?;
    let Some(bundle) = found.newest() else { return Ok(()) };
    copy(bundle, device, place).map_err(|refusal| refused(&refusal))?;
    place.wish(Wish::Install).map_err(|error| refused(&error.into()))
}

/// Into the place, unless it is there already.
fn copy(bundle: &Bundle, device: &Path, place: &Place) -> Result<(), Refusal> {
    let device = File::open(device).map_err(|_| Refusal::StickGone)?;
    if is_there(bundle, &device, place) {
        return Ok(place.brought_again(Source::Stick)?);
    }
    let mut incoming = place.begin(Source::Stick, bundle.size)?;
    let copied = bundle.copy(&device, 0, |bytes| incoming.write(bytes).map_err(Stop::Place));
    let stopped = match copied {
        Ok(()) => return incoming.finish().map(|_| ()),
        Err(Stop::Place(refusal)) => return Err(refusal),
        Err(Stop::Stick(Trouble::Failed)) => Refusal::Broken,
        Err(Stop::Stick(Trouble::Unreadable(_) | Trouble::TooSlow | Trouble::Device(_))) => Refusal::StickGone,
    };
    let _still_refused = place.tell(&Report::refused(Some(Source::Stick), None, &stopped));
    Err(stopped)
}

/// A bundle ends with its signature, which no other one has.
fn is_there(bundle: &Bundle, device: &File, place: &Place) -> bool {
    let Some(whole) = place.whole().filter(|whole| whole.length == bundle.size) else { return false };
    let tail = whole.length.min(TAIL);
    let mut kept = vec![0; tail as usize];
    let read = File::open(place.bundle()).and_then(|file| file.read_exact_at(&mut kept, whole.length - tail));
    let mut brought = Vec::new();
    let copied = bundle.copy(device, whole.length - tail, |bytes| {
        brought.extend_from_slice(bytes);
        Ok::<(), Trouble>(())
    });
    read.is_ok() && copied.is_ok() && kept == brought
}

enum Stop {
    Stick(Trouble),
    Place(Refusal),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Stick(trouble)
    }
}

fn carry_out(place: &Place, machine: &Machine) -> Result<(), Failure> {
    let failed = |error: io::Error| refused(&error.into());
    let mut installed = None;
    loop {
        while place.is_wished() {
            let held = place.hold_at_last().map_err(failed)?;
            let Some(wish) = place.take_wish().map_err(failed)? else { break };
            match grant(wish, place, machine, installed.clone()) {
                Ok(now) => installed = now,
                // What is installed still waits for its start.
                Err(failure) if installed.is_some() => eprintln!("engawa: {}", failure.words),
                Err(failure) => return Err(failure),
            }
            drop(held);
        }
        if installed.is_none() {
            return Ok(());
        }
        match nobody_meets(&machine.socket, place) {
            Then::Restart => return restart(&machine.systemctl),
            Then::Wished => {}
        }
    }
}

/// Grants one wish; the release that starts next, if it is another one.
fn grant(wish: Wish, place: &Place, machine: &Machine, installed: Option<String>) -> Result<Option<String>, Failure> {
    let tell = |report: Report| place.tell(&report).map_err(|error| refused(&error.into()));
    let Some(whole) = place.whole() else {
        tell(Report::none())?;
        return Ok(installed);
    };
    let source = Some(whole.source);
    tell(Report::of(State::Checking, source, None))?;
    let rauc = Rauc { program: machine.rauc.clone(), config: machine.rauc_config.clone() };
    let mut running = Running::here(machine.came_up.clone());
    running.release = release::read(&machine.release).unwrap_or(running.release);
    let examined = match examine::examine(place, &whole, &rauc, &running) {
        Ok(examined) => examined,
        Err(refusal) => {
            if refusal.is_final() {
                place.discard().map_err(|error| refused(&error.into()))?;
            }
            tell(Report::refused(source, None, &refusal))?;
            return Err(refused(&refusal));
        }
    };
    let release = examined.release.as_str();
    if wish == Wish::Check {
        tell(Report::of(State::Ready, source, Some(release)))?;
        return Ok(installed);
    }
    // A stick that stays plugged in would install for ever.
    if examined.runs_already && whole.source == Source::Stick {
        tell(Report::runs_already(source, release))?;
        return Ok(installed);
    }
    if installed.as_deref() != Some(release) {
        install(place, &whole, &rauc, release)?;
    }
    tell(Report { percent: 100, ..Report::of(State::Installed, source, Some(release)) })?;
    Ok(Some(release.to_owned()))
}

fn install(place: &Place, whole: &Whole, rauc: &Rauc, release: &str) -> Result<(), Failure> {
    let source = Some(whole.source);
    let progress = |percent| Report { percent, ..Report::of(State::Installing, source, Some(release)) };
    place.tell(&progress(0)).map_err(|error| refused(&error.into()))?;
    let installed = rauc.install(&place.bundle(), |percent| {
        let _not_told = place.tell(&progress(percent));
    });
    installed.map_err(|fault| {
        // It may be damaged where no signature is looked at before: nobody gets it passed on.
        let _kept = place.discard();
        let report = Report::of(State::Failed, source, Some(release));
        let _not_told = place.tell(&report);
        Failure::new(format!("{}\n{} ({fault})", report.japanese, report.english))
    })
}

enum Then {
    Restart,
    Wished,
}

/// Waits for as long as a meeting or a conversation is on; how long at most says the unit. Without a daemon nobody meets.
fn nobody_meets(socket: &Path, place: &Place) -> Then {
    let Ok(news) = status::ask(socket, true) else { return Then::Restart };
    for line in news.map_while(Result::ok) {
        if place.is_wished() {
            return Then::Wished;
        }
        let mode = serde_json::from_str::<Status>(&line).map(|status| status.room.mode);
        if mode.is_ok_and(|mode| MAY_RESTART.contains(&mode.as_str())) {
            return Then::Restart;
        }
    }
    Then::Restart
}

fn restart(systemctl: &Path) -> Result<(), Failure> {
    let restarting = Process::new(systemctl).args(["--no-block", "reboot"]).status();
    match restarting {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("the box did not restart: {status}"))),
        Err(error) => Err(Failure::new(format!("the box did not restart: {error}"))),
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let (japanese, english) = (refusal.text(Language::Japanese), refusal.text(Language::English));
    Failure::refused(format!("{japanese}\n{english} ({refusal})"))
}

const MAY_RESTART: [&str; 3] = ["quiet", "curtain", "asleep"];
/// Bytes: a signature has two thousand, and the size behind it.
const TAIL: u64 = 64 * 1024;
