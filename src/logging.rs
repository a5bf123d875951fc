//! Logs: to the journal with levels and fields when systemd started us, to the terminal otherwise, or one JSON object a line.
//!
//! `error!` is a bug, `warn!` the world misbehaved, `info!` a person would notice, `debug!` a decision, `trace!` per frame.

use std::fmt;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;

use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Where logs go and how they look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// The journal if standard error leads there, else the terminal.
    #[default]
    Auto,
    /// Lines for people, on standard error.
    Text,
    /// One JSON object a line, on standard error.
    Json,
    /// systemd's journal.
    Journald,
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is not one.
    #[error(
        "log filter {filter:?}: {cause}; write a level (error, warn, info, debug, trace) or engawa::trunk=debug,info"
    )]
    Filter {
        /// As given.
        filter: String,
        /// What is wrong with it.
        cause: tracing_subscriber::filter::ParseError,
    },
    /// No journal on this machine.
    #[error("the journal cannot be reached: {0}")]
    Journal(#[source] std::io::Error),
    /// Called twice.
    #[error("logs were set up before: {0}")]
    Twice(#[source] TryInitError),
}

/// Sets logs up for the whole process, once. `filter` is in the syntax of `tracing_subscriber::EnvFilter`; without one
/// `ENGAWA_LOG` counts, and without that `info`.
///
/// # Errors
/// When the filter is none, the journal is asked for and absent, or logs were set up before.
pub fn init(format: LogFormat, filter: Option<&str>) -> Result<(), LoggingError> {
    let asked = std::env::var("ENGAWA_LOG").unwrap_or_else(|_| "info".into());
    let logs = tracing_subscriber::registry().with(read_filter(filter.unwrap_or(&asked))?);
    let text = || {
        let colours = std::io::stderr().is_terminal();
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours)
    };
    let journal = || tracing_journald::layer().map_err(LoggingError::Journal);
    match format {
        LogFormat::Auto => match journal() {
            Ok(journal) if leads_to_the_journal() => logs.with(journal).try_init(),
            Ok(_) | Err(_) => logs.with(text()).try_init(),
        },
        LogFormat::Text => logs.with(text()).try_init(),
        LogFormat::Json => logs.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).try_init(),
        LogFormat::Journald => logs.with(journal()?).try_init(),
    }
    .map_err(LoggingError::Twice)
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "journald" => Ok(Self::Journald),
            _ => Err("write auto, text, json or journald"),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
            Self::Journald => "journald",
        })
    }
}

fn read_filter(filter: &str) -> Result<EnvFilter, LoggingError> {
    EnvFilter::builder().parse(filter).map_err(|cause| LoggingError::Filter { filter: filter.to_owned(), cause })
}

/// systemd names the device and inode of the stream it opened; a child whose standard error goes elsewhere inherits the
/// variable, but not the stream (systemd.exec(5)).
fn leads_to_the_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let stream = std::fs::metadata("/proc/self/fd/2");
    stream.is_ok_and(|stream| named == format!("{}:{}", stream.dev(), stream.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_told_with_what_to_write() {
        let error = read_filter("engawa=loud").expect_err("no level").to_string();
        assert!(error.contains("engawa=loud") && error.contains("trace"), "{error}");
        read_filter("engawa::trunk=debug,info").expect("a filter");
    }

    #[test]
    fn every_format_is_read_as_it_is_written() {
        for format in [LogFormat::Auto, LogFormat::Text, LogFormat::Json, LogFormat::Journald] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("yaml".parse::<LogFormat>().is_err());
    }

    #[test]
    fn logs_are_set_up_once() {
        init(LogFormat::Auto, None).expect("set up");
        assert!(matches!(init(LogFormat::Json, Some("debug")), Err(LoggingError::Twice(_))));
    }
}
