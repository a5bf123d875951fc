//! `engawa ledger`: when were camera and microphone on, and does it still stand as it was written?
//!
//! The newest lines come from the running daemon. The check reads the files themselves: also those of a stopped box, or a copy.

use crate::cli::{Failure, load, room};
use crate::config::Config;
use crate::model::Language;
use crate::system::ledger::{Broken, Verified, verify};
use clap::Args;
use std::path::{Path, PathBuf};

/// Arguments of `engawa ledger`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The box's configuration file; names the socket and the state directory.
    #[arg(long, required_unless_present_any = ["socket", "directory"])]
    config: Option<PathBuf>,
    /// The socket itself.
    #[arg(long, conflicts_with = "verify")]
    socket: Option<PathBuf>,
    /// Checks every line that is kept: changed, moved or removed? The daemon need not run. Exit code 8: broken.
    #[arg(long)]
    verify: bool,
    /// The state directory of a stopped box, or a copy of its ledger.
    #[arg(long, requires = "verify")]
    directory: Option<PathBuf>,
}

/// Prints the newest lines, or whether all of them are as they were written.
///
/// # Errors
/// When no daemon answers, when there is no ledger, or when it is broken: then exit code 8.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.config.as_deref().map(load).transpose()?;
    if !arguments.verify {
        let configured = config.map(|config| config.status_socket);
        let socket = arguments.socket.clone().or(configured);
        return room::print(&socket.ok_or_else(|| Failure::new("say --config or --socket"))?, r#"{"ask":"ledger"}"#);
    }
    let directory = arguments.directory.as_ref().or(config.as_ref().map(|config| &config.state_directory));
    let directory = directory.ok_or_else(|| Failure::new("say --config or --directory"))?;
    check(directory, config.as_ref())
}

fn check(directory: &Path, config: Option<&Config>) -> Result<(), Failure> {
    let language = config.map(|config| config.language);
    let inside = directory.join("ledger");
    let directory = if inside.is_dir() { &inside } else { directory };
    // A running daemon may have made room while this read: then the second look is whole.
    match verify(directory).or_else(|_| verify(directory)) {
        Ok(Verified { last: 0, .. }) => {
            let place = directory.display();
            Err(Failure::new(said(
                language,
                format!("{place}には記録が一行もありません。"),
                format!("there is no line of a ledger in {place}"),
            )))
        }
        Ok(seen) => {
            println!("{}", unbroken(&seen, language));
            Ok(())
        }
        Err(error @ Broken::Unreadable { .. }) => {
            Err(Failure::new(said(language, error.japanese(), error.to_string())))
        }
        Err(error @ (Broken::Changed { .. } | Broken::Missing { .. } | Broken::OldMissing { .. })) => {
            let english = format!("the ledger is broken: {error}");
            Err(Failure::broken(said(language, format!("記録が途切れています：{}", error.japanese()), english)))
        }
    }
}

fn unbroken(seen: &Verified, language: Option<Language>) -> String {
    let Verified { first, last, from, to, chain, torn } = seen;
    let count = last - first + 1;
    let (half_ja, half_en) = if *torn {
        ("。その後に書きかけの行があります", ", and a line after it is half written")
    } else {
        ("", "")
    };
    said(
        language,
        format!(
            "記録の{count}行（{first}～{last}番、{from}から{to}まで）は途切れていません（最後の行の照合値 {chain}{half_ja}）。"
        ),
        format!(
            "{count} lines of the ledger ({first} to {last}, from {from} to {to}) are unbroken; \
             the last one has the chain value {chain}{half_en}."
        ),
    )
}

/// Without a configuration nobody knows the reader's language: both.
fn said(language: Option<Language>, japanese: String, english: String) -> String {
    match language {
        Some(Language::Japanese) => japanese,
        Some(Language::English) => english,
        None => format!("{japanese}\n{english}"),
    }
}
