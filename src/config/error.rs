//! What is wrong with a configuration, in sentences that name file, line, key, value and what was meant.

use std::fmt;
use std::path::PathBuf;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not text (UTF-8), or far too long to be a configuration.
    #[error("{}: is not a configuration: {what}", path.display())]
    NotText {
        /// Which.
        path: PathBuf,
        /// Why not.
        what: &'static str,
    },
    /// The file says something that cannot be done; at least one mistake, in the order of the file.
    #[error("{}", sentences(.0))]
    Wrong(Vec<Mistake>),
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// `section.key`; empty where the text is no TOML.
    pub key: String,
    /// The value as written, if there is one.
    pub value: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What was meant or what to write instead; may be empty.
    pub hint: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if !self.key.is_empty() {
            f.write_str(&self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.what)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

fn sentences(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}
