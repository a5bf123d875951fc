//! `engawa run`: the daemon, and the daemon again when the installer's page set something.
//!
//! ```text
//!   engawa.toml + installer.toml ─► runtime::run ─┬─ signal ──────────► ends
//!                                                 └─ to begin anew ─┬─ under systemd: ends, and Restart=always starts it
//!                                                                   └─ else: the same process runs the program again
//! ```

use super::Failure;
use crate::config::{Loaded, Overlaid, Overlay};
use crate::durable;
use crate::runtime::{self, Ended, RunOptions};
use crate::system::room_memory;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When the configuration is refused or the daemon cannot start. What the installer's page wrote is no such reason.
pub fn run(config: &Path, options: RunOptions) -> Result<(), Failure> {
    let Loaded { config, overlay, overlaid } = Overlay::load(config)?;
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
    match runtime::run(config, &RunOptions { overlay: Some(overlay), shut, ..options })? {
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

/// In the environment of a daemon that began anew.
const BEGUN_ANEW: &str = "ENGAWA_BEGUN_ANEW";
const STDERR: i32 = 2;
