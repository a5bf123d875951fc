//! Subcommands: run, pair, identity, certificate, status, mode and what else people ask, doctor, check-config, provision, take, stick,
//! reset, network, update, demo, bench. Each file is one of them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line talks to a person here")]

pub mod bench;
pub mod certificate;
pub mod check_config;
pub mod demo;
pub mod devices;
pub mod doctor;
mod handover;
mod hold_screen;
pub mod keys;
pub mod ledger;
pub mod network;
pub mod pair_of_boxes;
mod papers;
pub mod provision;
mod reset;
pub mod room;
pub mod run;
mod share;
pub mod status;
pub mod stick;
mod support;
pub mod take;
pub mod update;

use crate::config::{Config, ConfigError};
use crate::confine::Trespass;
use crate::logging::{self, LogFormat};
use crate::model::Moment;
use crate::pages;
use crate::runtime::{RunError, RunOptions};
use crate::system::clock::{self, ClockSetting};
use crate::system::clock_wish;
use crate::system::unwedge;
use crate::update::release;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Engawa keeps two offices open to each other, all day, over a closed network.
#[derive(Debug, Parser)]
#[command(version = release::release(), after_help = EXIT_CODES)]
pub struct Cli {
    /// Log format: auto (journald under systemd, else the terminal), text, json, journald.
    #[arg(long, global = true, default_value = "auto")]
    log: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon: keeps this room linked with the other one, for ever.
    Run {
        /// The box's configuration file.
        #[arg(long)]
        config: PathBuf,
        /// Bench only: draw time stamps into the camera picture and read the far ones.
        #[arg(long, hide = true)]
        stamps: bool,
        /// Bench only: let this box's clock run fast by so many parts per million.
        #[arg(long, hide = true, default_value_t = 0, allow_negative_numbers = true)]
        clock_ppm: i32,
        /// Tests only: let this box's clock begin at so many seconds.
        #[arg(long, hide = true)]
        clock_begins_at_s: Option<u64>,
        /// Tests only: RTP time and sequence number to begin near, as TIME,NUMBER.
        #[arg(long, hide = true, value_parser = rtp_starts)]
        rtp_starts: Option<(u32, u16)>,
        /// Bench only: force a new session this often, in milliseconds.
        #[arg(long, hide = true)]
        renew_every_ms: Option<u64>,
        /// Tests only: where other units of the box report.
        #[arg(long, hide = true, default_value = "/run")]
        reports: PathBuf,
        #[command(flatten)]
        guide: run::GuideArguments,
    },
    /// Pairs two boxes with a code read over the telephone.
    Pair(keys::PairArguments),
    /// Shows, exports and imports keys: pairing on a bench, without a telephone.
    Identity(keys::IdentityArguments),
    /// Lets the office's own CA sign the panel's certificate: request out, certificate in.
    Certificate(certificate::Arguments),
    /// What the running daemon sees and sends.
    Status(status::Arguments),
    #[command(flatten)]
    Room(room::Question),
    /// Checks this machine, one line per check, with what to do about it.
    Doctor {
        /// The box's configuration file.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Machine-readable.
        #[arg(long)]
        json: bool,
        /// Also watches the line for ten seconds and writes the sheet for the people of the room: one page A4.
        #[arg(long, value_name = "FILE.pdf")]
        handover: Option<PathBuf>,
    },
    /// One text file for whoever helps from afar: no picture, no sound, nobody's name, no key.
    Support(support::Arguments),
    /// Checks a configuration file and says what is wrong with it.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// On the installer's PC: makes the files of many pairs of boxes from one table.
    Provision(provision::Arguments),
    /// On the box: takes the file that was made for it, all of it or nothing.
    Take(take::Arguments),
    /// On the box: looks for its file and updates on a USB stick, or deletes the key on it. Nothing is mounted.
    Stick(stick::Arguments),
    /// On the box: makes it forget everything it was told, made and wrote, as on the day it came.
    Reset(reset::Arguments),
    /// On the box: makes systemd-networkd's file of network.toml.
    Network(network::Arguments),
    /// On the box: the update from a stick, from the panel or from the other box, and how it stands.
    Update(update::Arguments),
    /// Two paired boxes on this machine.
    Demo(demo::Arguments),
    /// Two boxes with stamps in the frames; prints one JSON object.
    Bench(bench::Arguments),
    /// The package's own: writes man pages and completions.
    #[command(hide = true)]
    Papers {
        /// Gets `man` and `completions`.
        directory: PathBuf,
    },
    /// engawa-screen.service's own: keeps the compositor open and ends with it.
    #[command(hide = true)]
    HoldScreen,
    /// engawa-clock@.service's own: sets the clock as the daemon wishes on standard input.
    #[command(hide = true)]
    SetClock,
    /// engawa-unwedge@.service's own: resets a USB camera as the daemon wishes on standard input.
    #[command(hide = true)]
    Unwedge {
        /// Tests only: another /sys.
        #[arg(long, hide = true, default_value = "/sys")]
        sys: PathBuf,
    },
    /// The daemon's own: draws one document's pages without any rights, as asked on standard input.
    #[command(hide = true)]
    DrawPages {
        /// Tests only: once confined, try what is forbidden.
        #[arg(long, hide = true, value_parser = trespass)]
        trespass: Option<Trespass>,
    },
    /// The box's own: looks at the device on standard input without any rights.
    #[command(hide = true)]
    FindOnStick {
        /// Tests only: once confined, try what is forbidden.
        #[arg(long, hide = true, value_parser = trespass)]
        trespass: Option<Trespass>,
    },
}

/// Runs what the arguments say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Run { config, stamps, clock_ppm, clock_begins_at_s, rtp_starts, renew_every_ms, reports, guide } => {
            run::close_what_was_left_open();
            if let Err(error) = logging::init(cli.log, None) {
                eprintln!("engawa: {error}");
            }
            run::leave_no_core_file();
            let begins_at = clock_begins_at_s.map(|seconds| Moment::default() + Duration::from_secs(seconds));
            let clock = ClockSetting { ppm: clock_ppm, begins_at };
            let reports = Some(reports);
            let options = RunOptions { stamps, clock, rtp_starts, renew_every_ms, reports, ..RunOptions::default() };
            finish(run::run(&config, &guide, options))
        }
        Command::Pair(arguments) => finish(keys::pair(&arguments)),
        Command::Identity(arguments) => finish(keys::identity(&arguments)),
        Command::Certificate(arguments) => finish(certificate::run(&arguments)),
        Command::Status(arguments) => finish(status::show(&arguments)),
        Command::Room(question) => finish(room::ask(&question)),
        Command::Doctor { config, json, handover } => doctor::run(config.as_deref(), json, handover.as_deref(), PROBES),
        Command::Support(arguments) => finish(support::write(&arguments, PROBES)),
        Command::CheckConfig { file } => check_config::run(&file),
        Command::Demo(arguments) => finish(demo::run(&arguments)),
        Command::Bench(arguments) => finish(bench::run(&arguments)),
        Command::Papers { directory } => finish(papers::write(&directory)),
        Command::HoldScreen => finish(hold_screen::run()),
        Command::SetClock => finish(set_clock()),
        Command::Unwedge { sys } => finish(unwedge_camera(&sys)),
        Command::Provision(arguments) => finish(provision::run(&arguments)),
        Command::Take(arguments) => finish(take::run(&arguments)),
        Command::Stick(arguments) => finish(stick::run(&arguments)),
        Command::Reset(arguments) => finish(reset::run(&arguments)),
        Command::Network(arguments) => finish(network::run(&arguments)),
        Command::Update(arguments) => finish(update::run(&arguments)),
        Command::DrawPages { trespass } => pages::worker::main(trespass),
        Command::FindOnStick { trespass } => crate::provision::stick::find_on_stick(trespass),
    }
}

/// A sentence for a person and an exit code for a machine.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    words: String,
}

impl Failure {
    /// Anything without an exit code of its own.
    pub fn new(words: impl Into<String>) -> Self {
        Self { code: 1, words: words.into() }
    }

    /// The room's policy said no.
    pub fn denied(words: impl Into<String>) -> Self {
        Self { code: 7, words: words.into() }
    }

    /// The ledger is not as it was written.
    pub fn broken(words: impl Into<String>) -> Self {
        Self { code: 8, words: words.into() }
    }

    /// What an installer wrote.
    pub fn refused(words: impl Into<String>) -> Self {
        Self { code: 2, words: words.into() }
    }

    /// Keys and pairing.
    pub fn keys(words: impl Into<String>) -> Self {
        Self { code: 3, words: words.into() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { code: 2, words: error.to_string() }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let code = match &error {
            RunError::Identity(_) => 3,
            RunError::PortTaken(_) => 4,
            RunError::Clip(_) => 5,
            RunError::Missing(_) => 6,
            RunError::Other(_) => 1,
        };
        Self { code, words: error.to_string() }
    }
}

/// Loads a configuration for a subcommand.
///
/// # Errors
/// The configuration's own sentence, with file and line.
pub fn load(path: &Path) -> Result<Config, Failure> {
    Ok(Config::load(path)?)
}

fn set_clock() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the clock was not set: {error}"));
    clock_wish::grant(std::io::stdin(), std::io::stdout(), clock::set_wall).map_err(failed)?;
    clock_wish::tell_the_hardware().map_err(|error| Failure::new(format!("the hardware clock was not set: {error}")))
}

fn unwedge_camera(sys: &Path) -> Result<(), Failure> {
    let granted = unwedge::grant(std::io::stdin(), std::io::stdout(), sys, unwedge::write);
    granted.map_err(|error| Failure::new(format!("the camera was not reset: {error}")))
}

fn trespass(name: &str) -> Result<Trespass, String> {
    let found = Trespass::ALL.into_iter().find(|(other, _)| *other == name);
    found.map(|(_, trespass)| trespass).ok_or_else(|| "unknown".to_owned())
}

fn rtp_starts(text: &str) -> Result<(u32, u16), String> {
    let (time, number) = text.split_once(',').ok_or("write TIME,NUMBER")?;
    let wrong = |error: std::num::ParseIntError| error.to_string();
    Ok((time.parse().map_err(wrong)?, number.parse().map_err(wrong)?))
}

fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("engawa: {}", failure.words);
            ExitCode::from(failure.code)
        }
    }
}

const PROBES: doctor::Probes<'static> = doctor::Probes { keys: &keys::checks, devices: &devices::checks };

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed · 2 configuration refused · 3 key missing, unreadable or wrong · 4 port taken · 5 clip does not decode · 6 a GStreamer element is missing · 7 denied · 8 the ledger is broken";
