//! `engawa check-config FILE`: says what is wrong with a configuration file, or that nothing is; the same of what the
//! installer's page laid over it.

use crate::config::{ConfigError, Loaded, Overlaid, Overlay};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Checks a file; exit code 0 when it is valid, 2 when it is refused.
pub fn run(file: &Path) -> ExitCode {
    let Loaded { overlay, overlaid, .. } = match Overlay::load(file) {
        Ok(loaded) => loaded,
        Err(error) => return refused(&error),
    };
    let _ = writeln!(std::io::stdout(), "{}: valid", file.display());
    match overlaid {
        Overlaid::Absent => ExitCode::SUCCESS,
        Overlaid::Counts => {
            let _ = writeln!(std::io::stdout(), "{}: valid, and counts over it", overlay.file().display());
            ExitCode::SUCCESS
        }
        // The daemon's directory is closed to others: that says nothing about what is in it.
        Overlaid::Refused(error @ ConfigError::Unreadable { .. }) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::SUCCESS
        }
        Overlaid::Refused(error) => refused(&error),
    }
}

fn refused(error: &ConfigError) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{error}");
    ExitCode::from(REFUSED)
}

/// As `engawa run` leaves with the same file.
const REFUSED: u8 = 2;
