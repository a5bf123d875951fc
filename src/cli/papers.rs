//! `engawa papers DIR`: man pages and shell completions, as this program's arguments are.
//!
//! Hidden: packaging/deb.sh asks the program that it packages, so that the papers cannot say anything else than the program.

use super::{Cli, Failure};
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;

/// Writes `man/engawa*.1` and `completions/{engawa.bash,_engawa,engawa.fish}`.
///
/// # Errors
/// When they cannot be written.
pub fn write(directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", directory.display()));
    let (man, completions) = (directory.join("man"), directory.join("completions"));
    for room in [&man, &completions] {
        std::fs::create_dir_all(room).map_err(failed)?;
    }
    clap_mangen::generate_to(Cli::command(), &man).map_err(failed)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "engawa", &completions).map_err(failed)?;
    }
    Ok(())
}
