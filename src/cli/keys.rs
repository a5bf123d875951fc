//! `engawa pair` and `engawa identity`: how two boxes come to know each other's key.

use crate::cli::doctor::Check;
use crate::cli::{Failure, load};
use crate::config::Config;
use crate::model::Language;
use crate::trunk::identity::{self, Export, Identity};
use crate::trunk::key::PeerKey;
use crate::trunk::pairing::{self, Code, Limits, Offer, PairError};
use crate::trunk::words::six_words;
use clap::{Args, Subcommand};
use std::io::{BufRead, Read};
use std::path::PathBuf;

/// Arguments of `engawa pair`.
#[derive(Debug, Args)]
pub struct PairArguments {
    /// The box's configuration file.
    #[arg(long)]
    config: PathBuf,
    /// Enter the code that the other box shows (asked for if left empty) and dial it; without this option, show a code and wait.
    #[arg(long, num_args = 0..=2)]
    code: Option<Vec<String>>,
}

/// Arguments of `engawa identity`.
#[derive(Debug, Args)]
pub struct IdentityArguments {
    #[command(subcommand)]
    command: IdentityCommand,
}

#[derive(Debug, Subcommand)]
enum IdentityCommand {
    /// Prints this box's name and public key, to be carried to the other box. Makes the key if there is none yet.
    Export {
        /// The box's configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Pins the other box's key as exported there.
    Import {
        /// The box's configuration file.
        #[arg(long)]
        config: PathBuf,
        /// File made by `engawa identity export`; `-` reads standard input.
        file: PathBuf,
    },
    /// Shows the six words that both boxes must agree on.
    Words {
        /// The box's configuration file.
        #[arg(long)]
        config: PathBuf,
    },
}

/// Pairs with the other box.
///
/// # Errors
/// In a sentence that says what to do.
pub fn pair(arguments: &PairArguments) -> Result<(), Failure> {
    let config = load(&arguments.config)?;
    let identity = own(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(error.to_string()))?;
    let key = match &arguments.code {
        None => {
            let listen = config.trunk.listen.ok_or_else(|| {
                Failure::new(
                    "this box does not listen; run “engawa pair --code” here, and “engawa pair” on the other box",
                )
            })?;
            let code = Code::random().map_err(|error| failure(&config, &error))?;
            // Not shown before the other box can use it, nor when the port is taken.
            let offer = runtime.block_on(Offer::bind(listen, &identity, code.clone(), Limits::default()));
            let offer = offer.map_err(|error| failure(&config, &error))?;
            println!("合言葉 / code: {code}");
            println!(
                "相手の箱で「engawa pair --config FILE --code」を行い、電話でこの番号を伝えてください。10分で無効になります。"
            );
            println!(
                "On the other box run “engawa pair --config FILE --code” and read this code to it. It expires in 10 minutes."
            );
            runtime.block_on(offer.wait())
        }
        Some(code) => {
            let peer = config.peer.address.ok_or_else(|| {
                Failure::new(
                    "[peer] address is not set; run “engawa pair” here, and “engawa pair --code” on the other box",
                )
            })?;
            // As it stands on the other screen, "6891 3446": two words for a shell.
            let code = if code.is_empty() { ask_code()? } else { code.concat() }.parse::<Code>();
            let code = code.map_err(|error| Failure::keys(error.to_string()))?;
            runtime.block_on(pairing::answer(peer, &identity, &code))
        }
    };
    let key = key.map_err(|error| failure(&config, &error))?;
    pin(&config, &identity, &key)
}

/// Shows, exports, imports.
///
/// # Errors
/// When a key is missing, unreadable or equal to our own.
pub fn identity(arguments: &IdentityArguments) -> Result<(), Failure> {
    match &arguments.command {
        IdentityCommand::Export { config } => {
            let config = load(config)?;
            print!("{}", own(&config)?.export(&config.name));
            Ok(())
        }
        IdentityCommand::Import { config, file } => {
            let config = load(config)?;
            let text = if file.as_os_str() == "-" {
                let mut text = String::new();
                std::io::stdin().take(EXPORT_LIMIT).read_to_string(&mut text).map(|_| text)
            } else {
                std::fs::read_to_string(file)
            };
            let text = text.map_err(|error| Failure::keys(format!("{} cannot be read: {error}", file.display())))?;
            let export = Export::parse(&text).map_err(|error| Failure::keys(error.to_string()))?;
            pin(&config, &own(&config)?, &export.key)
        }
        IdentityCommand::Words { config } => {
            let config = load(config)?;
            match identity::pinned_peer(&config.state_directory).map_err(keys)? {
                Some(peer) => say_words(&own(&config)?, &peer),
                None => return Err(Failure::keys("this box is not paired yet; run “engawa pair” on both boxes")),
            }
            Ok(())
        }
    }
}

/// What the doctor says about keys.
pub fn checks(config: &Config) -> Vec<Check> {
    let identity = match Identity::load(&config.state_directory) {
        Ok(Some(_)) => Check::ok("identity key", "present, readable by its owner only"),
        Ok(None) => Check::warn("identity key", "not made yet", "it is made by “engawa pair” or at the first start"),
        Err(error) => Check::fail("identity key", error.to_string(), "see the sentence"),
    };
    let peer = match identity::pinned_peer(&config.state_directory) {
        Ok(Some(peer)) => Check::ok("peer key", format!("pinned: {}", peer.box_id())),
        Ok(None) => Check::warn("peer key", "not paired", "run “engawa pair” on both boxes"),
        Err(error) => Check::fail("peer key", error.to_string(), "pair again"),
    };
    vec![identity, peer]
}

fn pin(config: &Config, identity: &Identity, key: &PeerKey) -> Result<(), Failure> {
    identity.check_peer(key).map_err(keys)?;
    let before = identity::pinned_peer(&config.state_directory);
    identity::pin_peer(&config.state_directory, key).map_err(keys)?;
    if before.is_ok_and(|before| before.is_some_and(|before| before != *key)) {
        println!("動いている engawa は再起動してください。 / Restart engawa if it runs: systemctl restart engawa");
    }
    say_words(identity, key);
    Ok(())
}

fn say_words(identity: &Identity, peer: &PeerKey) {
    println!("両方の箱で同じ六つの言葉が出ているか、声に出して確かめてください。");
    println!("Compare these six words aloud; both boxes must show the same:");
    println!("    {}", six_words(&identity.public_key(), peer).join(" "));
}

fn own(config: &Config) -> Result<Identity, Failure> {
    Identity::load_or_create(&config.state_directory).map_err(keys)
}

fn ask_code() -> Result<String, Failure> {
    println!("相手の箱に出ている8桁の番号 / the 8 digits on the other box:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failure::new(error.to_string()))?;
    Ok(line)
}

fn keys(error: identity::IdentityError) -> Failure {
    Failure::keys(error.to_string())
}

fn failure(config: &Config, error: &PairError) -> Failure {
    Failure::keys(match config.language {
        Language::Japanese => format!("{}\n{error}", error.japanese()),
        Language::English => error.to_string(),
    })
}

const EXPORT_LIMIT: u64 = 4096;
