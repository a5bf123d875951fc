//! `engawa check-config FILE`: says what is wrong with a configuration file, or that nothing is.

use crate::config::Config;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Checks a file; exit code 0 when it is valid, 2 when it is refused.
pub fn run(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok(_) => {
            let _ = writeln!(std::io::stdout(), "{}: valid", file.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(REFUSED)
        }
    }
}

/// As `engawa run` leaves with the same file.
const REFUSED: u8 = 2;
