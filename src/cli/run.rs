//! `engawa run`: the daemon, and the daemon again when the installer's page set something or the box was set up.
//!
//! ```text
//!   engawa.toml + installer.toml ─► runtime::run ─┬─ signal ──────────► ends
//!                                                 └─ to begin anew ─┬─ under systemd: ends, and Restart=always starts it
//!                                                                   └─ else: the same process runs the program again
//!   no /etc/engawa/engawa.toml ─► the guide: the defaults, no camera, no peer; it begins anew as soon as the file is there
//! ```

use super::{Failure, doctor, take};
use crate::config::{Config, ConfigError, Loaded, Overlaid, Overlay};
use crate::durable;
use crate::runtime::{self, Ended, Guide, RunOptions};
use crate::system::room_memory;
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of a box that is not set up yet.
#[derive(Debug, Args)]
pub struct GuideArguments {
    /// What `engawa take` reported last: shown while there is no configuration file.
    #[arg(long, default_value = take::REPORT)]
    take_report: PathBuf,
    /// Tests only: where the image mounts what a box remembers.
    #[arg(long, hide = true, default_value = "/state")]
    memory: PathBuf,
    /// Tests only: what the guide differs in from a box with the defaults.
    #[arg(long, hide = true)]
    guide_config: Option<PathBuf>,
}

impl GuideArguments {
    /// A file that is nowhere but in somebody's mistyped command is a mistake, not a box that waits for its own.
    fn is_for(&self, config: &Path) -> bool {
        config == Path::new(doctor::INSTALLED) || self.guide_config.is_some()
    }
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When the configuration is refused or the daemon cannot start. What the installer's page wrote is no such reason.
pub fn run(config: &Path, guide: &GuideArguments, options: RunOptions) -> Result<(), Failure> {
    let Loaded { config, overlay, overlaid } = match Overlay::load(config) {
        Err(ConfigError::Unreadable { path, source })
            if path == config && source.kind() == ErrorKind::NotFound && guide.is_for(config) =>
        {
            tracing::info!(file = %config.display(), "this box is not set up: the screen says how");
            let unset = match &guide.guide_config {
                Some(path) => Config::load(path)?,
                None => Config::parse(GUIDE, config)?,
            };
            let (report, memory) = (guide.take_report.clone(), guide.memory.clone());
            let guide = Guide { config: config.to_owned(), report, memory };
            return anew(runtime::run(unset, &RunOptions { guide: Some(guide), ..options })?);
        }
        loaded => loaded?,
    };
    let mut shut = false;
    match overlaid {
        Overlaid::Absent => {}
        Overlaid::Counts => tracing::info!(file = %overlay.file().display(), "counts over the configuration"),
        Overlaid::Refused(error) => {
            // Masks may be lost with it: the curtain is drawn until a person of the room has looked. Never forgotten before it
            // is noted that there is something to look at.
            shut = true;
            let aside = room_memory::shut(&config.state_directory).and_then(|()| durable::set_aside(overlay.file()));
            let kept = aside.unwrap_or_else(|_| overlay.file().to_owned());
            tracing::warn!(%error, kept = %kept.display(), "what the installer's page wrote does not count; the curtain is drawn");
        }
    }
    anew(runtime::run(config, &RunOptions { overlay: Some(overlay), shut, ..options })?)
}

fn anew(ended: Ended) -> Result<(), Failure> {
    match ended {
        Ended::ToldTo => Ok(()),
        // Whatever is installed by now is started, with a clean environment.
        Ended::ToBeginAnew if std::env::var_os("NOTIFY_SOCKET").is_some() => Ok(()),
        Ended::ToBeginAnew => {
            let mut words = std::env::args_os();
            let mut again = Command::new("/proc/self/exe");
            again.arg0(words.next().unwrap_or_else(|| "engawa".into())).args(words).env(BEGUN_ANEW, "yes");
            Err(Failure::new(format!("the daemon could not begin anew: {}", again.exec())))
        }
    }
}

/// GStreamer's sockets and files are not closed by themselves when the program is run again. Only at the very start.
pub(super) fn close_what_was_left_open() {
    if std::env::var_os(BEGUN_ANEW).is_none() {
        return;
    }
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> = open.filter_map(|file| file.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > STDERR) {
        let _closed_with_the_listing = nix::unistd::close(number);
    }
}

/// A memory dump would hold pictures of the room and shared documents. The unit forbids it too; this is for daemons that something
/// else starts. With a limit of one byte Linux writes no file and hands nothing to a program either; 0 forbids the file only.
pub(super) fn leave_no_core_file() {
    let limited = getrlimit(Resource::RLIMIT_CORE).and_then(|(_, most)| {
        let limit = most.min(1);
        setrlimit(Resource::RLIMIT_CORE, limit, limit)
    });
    if let Err(error) = limited {
        tracing::warn!(%error, "a crash of this daemon may leave its memory on the disk");
    }
}

/// Nothing is captured before somebody said for whom. The page of the room is there, for clock and certificate.
const GUIDE: &str = "[camera]\nsource = \"none\"\n[sound]\nsource = \"none\"\n[panel]\nlisten = \"[::]:443\"\n";
/// In the environment of a daemon that began anew.
const BEGUN_ANEW: &str = "ENGAWA_BEGUN_ANEW";
const STDERR: i32 = 2;
