//! `engawa network`: network.toml as systemd-networkd wants it. Runs before it; a box that is not set up takes DHCP.

use super::Failure;
use crate::durable;
use crate::provision::network::NetworkConfig;
use clap::Args;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// Arguments of `engawa network`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where the box stands on the network; without this file, DHCP.
    #[arg(long, default_value = "/etc/engawa/network.toml")]
    config: PathBuf,
    /// For systemd-networkd.
    #[arg(long, default_value = "/run/systemd/network/50-engawa.network")]
    out: PathBuf,
}

/// Writes it.
///
/// # Errors
/// When the file has a mistake (with its line), or nothing can be written. A mistake leaves the other file as it was.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { config: path, out } = arguments;
    let refused = |line: usize, what: &str| Failure::refused(format!("{}:{line}: {what}", path.display()));
    let read = durable::read(path, LONGEST).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let config = match read.map(String::from_utf8) {
        None => NetworkConfig::UNSET,
        Some(Ok(text)) => NetworkConfig::read(&text).map_err(|(line, what)| refused(line, &what))?,
        Some(Err(_)) => return Err(refused(1, "is not UTF-8 text")),
    };
    // systemd-networkd has a user of its own.
    let home = out.parent().map_or(Ok(()), |home| DirBuilder::new().recursive(true).mode(0o755).create(home));
    home.map_err(|error| Failure::new(format!("{}: {error}", out.display())))?;
    let written = durable::publish(out, config.networkd().as_bytes(), 0o644, None);
    written.map_err(|error| Failure::new(format!("{}: {error}", out.display())))
}

const LONGEST: u64 = 16 * 1024;
