//! `engawa reset`: the box forgets everything; `engawa reset carry-out` is engawa-reset.service's own part of it.

use super::Failure;
use crate::provision::reset::{self, Places};
use crate::provision::take::PowerCut;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Arguments of `engawa reset`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Yes: keys, settings, ledger, board, kept documents, all of it.
    #[arg(long)]
    yes_forget_everything: bool,
    /// The system's journal, emptied too: where the whole machine is the box's.
    #[arg(long, value_name = "DIRECTORY")]
    journal: Option<PathBuf>,
    /// What it was told.
    #[arg(long, hide = true, default_value = "/etc/engawa")]
    etc: PathBuf,
    /// What it remembers.
    #[arg(long, hide = true, default_value = "/var/lib/engawa")]
    state: PathBuf,
    /// What it reported.
    #[arg(long, hide = true, default_values = ["/run/engawa-take", "/run/engawa-stick", "/run/engawa-update"])]
    reports: Vec<PathBuf>,
    /// Tests only: the power goes after this step.
    #[arg(long, hide = true)]
    power_cut_after: Option<u32>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Part {
    /// engawa-reset.service's own: does what was wished for, with the daemon stopped.
    #[command(hide = true)]
    CarryOut,
}

/// Wishes it, and leaves it to the unit, or does it where no systemd runs.
///
/// # Errors
/// In both languages; as long as anything is left the wish is.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.part.is_none() {
        if !arguments.yes_forget_everything {
            return Err(Failure::refused(UNSURE));
        }
        reset::want(&arguments.state)
            .map_err(|error| Failure::new(format!("{}: {error}", arguments.state.display())))?;
        println!("{WANTED}");
        // Its path unit starts it too, unless somebody disabled that.
        if start_the_unit() {
            return Ok(());
        }
    }
    let places = Places {
        etc: arguments.etc.clone(),
        state: arguments.state.clone(),
        reports: arguments.reports.clone(),
        journal: arguments.journal.clone(),
    };
    reset::carry_out(&places, PowerCut(arguments.power_cut_after)).map_err(|error| Failure::new(error.to_string()))?;
    println!("{FORGOTTEN}");
    Ok(())
}

fn start_the_unit() -> bool {
    let mut systemctl = Command::new("systemctl");
    systemctl.args(["--no-block", "start", "engawa-reset.service"]).stdout(Stdio::null()).stderr(Stdio::null());
    systemctl.status().is_ok_and(|status| status.success())
}

const UNSURE: &str = "この箱の鍵・設定・台帳・掲示板・残した資料をすべて消します。よければ --yes-forget-everything を付けてください。\n\
    This deletes the box's keys, settings, ledger, board and kept documents. If that is meant, add --yes-forget-everything.";
const WANTED: &str = "この箱は、すべてを忘れて始めから始まります。\nThis box forgets everything and begins anew.";
const FORGOTTEN: &str = "すべて消しました。\nEverything is forgotten.";
