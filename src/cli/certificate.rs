//! `engawa certificate`: the office's own CA signs the panel's certificate; request out, certificate in.

use crate::cli::{Failure, load};
use crate::config::Config;
use crate::durable;
use crate::model::Language;
use crate::panel::{Refused, install_certificate, own_networks, request_certificate};
use clap::{Args, Subcommand};
use std::io::{Error, ErrorKind};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Arguments of `engawa certificate`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The box's configuration file.
    #[arg(long)]
    config: PathBuf,
    #[command(subcommand)]
    command: CertificateCommand,
}

#[derive(Debug, Subcommand)]
enum CertificateCommand {
    /// Prints a request (CSR, PEM) for the panel's own key with this box's addresses, to be signed by the office's CA.
    Request,
    /// Puts the signed certificate in place; the one before is kept beside it.
    Install {
        /// What the CA answered, in PEM: this box's certificate first, then those between it and the CA's own.
        file: PathBuf,
    },
}

/// Prints a request, or puts a certificate in place.
///
/// # Errors
/// In a sentence that says what to do.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = load(&arguments.config)?;
    match &arguments.command {
        CertificateCommand::Request => request(&config),
        CertificateCommand::Install { file } => install(&config, file),
    }
}

fn request(config: &Config) -> Result<(), Failure> {
    let addresses = addresses(config);
    if addresses.is_empty() {
        return Err(Failure::new(said(
            config,
            "この箱にはまだ住所（IPアドレス）がありません。先にネットワークにつないでください。",
            "this box has no address yet; connect it to its network first",
        )));
    }
    let request = request_certificate(&config.state_directory, &config.name, addresses);
    print!("{}", request.map_err(|error| refused(config, &error.into()))?);
    Ok(())
}

fn install(config: &Config, file: &Path) -> Result<(), Failure> {
    let text = durable::read(file, LONGEST).and_then(|text| text.ok_or(Error::from(ErrorKind::NotFound)));
    let name = file.display();
    let text = text.map_err(|error| {
        let japanese = format!("{name}を読めません（{error}）。");
        Failure::new(said(config, &japanese, &format!("{name} cannot be read: {error}")))
    })?;
    let installed = install_certificate(&config.state_directory, &text, addresses(config));
    for address in installed.map_err(|error| refused(config, &error))?.lacks {
        let japanese = format!("注意：{address}が入っていません。そこを開くブラウザーは警告を出します。");
        println!(
            "{}",
            said(config, &japanese, &format!("Note: {address} is not in it; browsers that open it will warn."))
        );
    }
    println!(
        "{}",
        said(
            config,
            "証明書を入れました。engawa を再起動すると使われます：systemctl restart engawa",
            "The certificate is in place; it is used after: systemctl restart engawa",
        )
    );
    Ok(())
}

/// Where browsers open the panel.
fn addresses(config: &Config) -> Vec<IpAddr> {
    match config.panel.listen.map(|listen| listen.ip()).filter(|address| !address.is_unspecified()) {
        Some(address) => vec![address],
        None => {
            let all = own_networks().into_iter().map(|network| network.address);
            all.filter(|address| !address.is_loopback()).collect()
        }
    }
}

fn refused(config: &Config, error: &Refused) -> Failure {
    let words = said(config, &error.japanese(), &error.to_string());
    match error {
        Refused::OtherKey | Refused::Secret => Failure::keys(words),
        Refused::NoCertificate | Refused::Unusable(_) | Refused::Disk(_) => Failure::new(words),
    }
}

fn said(config: &Config, japanese: &str, english: &str) -> String {
    match config.language {
        Language::Japanese => japanese.to_owned(),
        Language::English => english.to_owned(),
    }
}

const LONGEST: u64 = 64 * 1024;
