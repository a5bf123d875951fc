//! `engawa take`: the box takes the file that was made for it. The one part of provisioning that has the rights to.

use super::Failure;
use crate::provision::take::{self, Outcome, Places, PowerCut};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `engawa take`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The file, or a directory with it in it or one below (as `engawa stick read` leaves it).
    source: PathBuf,
    /// Where engawa.toml and network.toml go.
    #[arg(long, default_value = "/etc/engawa")]
    etc: PathBuf,
    /// Where the keys go; they belong to its owner.
    #[arg(long, default_value = "/var/lib/engawa")]
    state: PathBuf,
    /// Where to say what became of it, as JSON.
    #[arg(long, default_value = REPORT)]
    report: PathBuf,
    /// Network cards of this box.
    #[arg(long, hide = true, default_value = "/sys/class/net")]
    cards: PathBuf,
    /// Tests only: the power goes after this step.
    #[arg(long, hide = true)]
    power_cut_after: Option<u32>,
}

/// Takes it, or says why not.
///
/// # Errors
/// In both languages, after the report was written.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { source, etc, state, report: path, cards, power_cut_after } = arguments;
    let places = Places { etc: etc.clone(), state: state.clone(), cards: cards.clone() };
    let report = take::take(source, &places, PowerCut(*power_cut_after));
    let published = take::publish(&report, path);
    let said = format!("{}\n{}", report.japanese, report.english);
    match report.outcome {
        Outcome::Refused => return Err(Failure::refused(said)),
        Outcome::Taken | Outcome::AlreadyTaken | Outcome::Nothing => println!("{said}"),
    }
    published.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Where the daemon looks for it.
pub const REPORT: &str = "/run/engawa-take/report.json";
