//! `engawa stick`: what lies on a USB stick, and deleting the key on it. The stick is never mounted.

use super::{Failure, take};
use crate::durable;
use crate::model::Language;
use crate::provision::fat::{BOX_FILE, FileFound, Found};
use crate::provision::file::BoxFile;
use crate::provision::stick::{self, Bundle, LISTING, Listing, Trouble, UPDATE, Wiped};
use crate::provision::take::{Outcome, last_report};
use clap::{Args, Subcommand};
use nix::libc;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Arguments of `engawa stick`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copies the box's file from the stick, and lists the updates on it, as found.json; names the newest in a file `update`.
    Read {
        /// The partition's device node, or an image of one.
        device: PathBuf,
        /// A directory that exists.
        #[arg(long)]
        into: PathBuf,
    },
    /// Overwrites the secret key in the file that this box has taken, where it lies on the stick.
    Wipe {
        /// The partition's device node, or an image of one.
        device: PathBuf,
        /// What `engawa take` reported: only the file that it names is touched.
        #[arg(long, default_value = take::REPORT)]
        report: PathBuf,
    },
}

/// Reads or wipes.
///
/// # Errors
/// In both languages.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Read { device, into } => read(device, into),
        Command::Wipe { device, report } => wipe(device, report),
    }
}

fn read(device: &Path, into: &Path) -> Result<(), Failure> {
    let (kept, found_file, update) = (into.join(BOX_FILE), into.join(LISTING), into.join(UPDATE));
    // Of another stick.
    for old in [&kept, &found_file, &update] {
        match std::fs::remove_file(old) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(not_written(old, &error)),
            Ok(()) | Err(_) => {}
        }
    }
    let looked = open(device, Rights::Read).and_then(|device| {
        let found = look(&device)?;
        let bytes = found.provision.as_ref().map(|file| stick::read(&device, file)).transpose()?;
        Ok((found, bytes))
    });
    let (found, trouble) = match looked {
        Ok((found, bytes)) => {
            if let Some(bytes) = bytes {
                durable::replace(&kept, &bytes).map_err(|error| not_written(&kept, &error))?;
            }
            (found, None)
        }
        Err(trouble) => (Found::default(), Some(trouble)),
    };
    let said = |language| match &trouble {
        Some(trouble) => trouble.text(language),
        None => what_is_there(&found, language),
    };
    let listing = Listing {
        version: 1,
        readable: trouble.is_none(),
        trouble: trouble.as_ref().map(ToString::to_string),
        provision: found.provision.is_some(),
        bundles: found.bundles.iter().map(bundle).collect(),
        japanese: said(Language::Japanese),
        english: said(Language::English),
    };
    let text = serde_json::to_string_pretty(&listing).map_err(|error| Failure::new(error.to_string()))?;
    let written = durable::publish(&found_file, format!("{text}\n").as_bytes(), 0o644, None);
    written.map_err(|error| not_written(&found_file, &error))?;
    if let Some(newest) = listing.newest() {
        let written = durable::publish(&update, format!("{}\n", newest.name).as_bytes(), 0o644, None);
        written.map_err(|error| not_written(&update, &error))?;
    }
    let said = format!("{}\n{}", listing.japanese, listing.english);
    match trouble {
        Some(trouble) => Err(Failure::new(format!("{said} ({trouble})"))),
        None => {
            println!("{said}");
            Ok(())
        }
    }
}

fn wipe(device: &Path, report: &Path) -> Result<(), Failure> {
    let report = last_report(report).filter(|report| matches!(report.outcome, Outcome::Taken | Outcome::AlreadyTaken));
    let Some(taken) = report.and_then(|report| report.id) else {
        return Err(Failure::new(
            "この箱はまだ設定ファイルを受け取っていないので、鍵を消しません。\nNothing is deleted: this box has not taken a file.",
        ));
    };
    let wiped = open(device, Rights::Write).and_then(|device| {
        let Some(file) = look(&device)?.provision else { return Ok(None) };
        let id = BoxFile::id_of(&stick::read(&device, &file)?);
        if id.is_some_and(|id| id == taken) { stick::wipe(&device, &file).map(Some) } else { Ok(None) }
    });
    let said = match wiped {
        Ok(Some(Wiped::Now)) => {
            "USBメモリーの設定ファイルから鍵を消しました。フラッシュメモリーでは、上書きしても古い内容が残ることがあります。\n\
             The key in the file on the stick was overwritten. On flash memory an old copy may remain."
        }
        Ok(Some(Wiped::Before)) => {
            "USBメモリーの設定ファイルの鍵は、すでに消されています。\nThe key in the file on the stick was deleted before."
        }
        Ok(None) => {
            let said = "受け取った設定ファイルはこのUSBメモリーにありません。\nThe file that this box took is not on this stick.";
            return Err(Failure::new(said));
        }
        Err(trouble) => {
            let said = "USBメモリーの鍵を消せませんでした。USBメモリーを壊すか、しまってください。\n\
                        The key on the stick could not be deleted. Destroy the stick or lock it away";
            return Err(Failure::new(format!("{said}: {trouble}")));
        }
    };
    println!("{said}");
    Ok(())
}

fn bundle(file: &FileFound) -> Bundle {
    Bundle { name: file.name.clone(), size: file.size, extents: file.extents.clone() }
}

fn what_is_there(found: &Found, language: Language) -> String {
    let (file, bundles) = (found.provision.is_some(), found.bundles.len());
    match (language, file, bundles) {
        (Language::Japanese, true, 0) => "USBメモリーに箱の設定ファイルがあります。".into(),
        (Language::English, true, 0) => "The stick holds a box's file.".into(),
        (Language::Japanese, true, some) => format!("USBメモリーに箱の設定ファイルと更新（{some}件）があります。"),
        (Language::English, true, some) => format!("The stick holds a box's file and updates: {some}."),
        (Language::Japanese, false, 0) => "このUSBメモリーの一番上に engawa-box.toml がありません。".into(),
        (Language::English, false, 0) => "There is no engawa-box.toml at the top of this stick.".into(),
        (Language::Japanese, false, some) => format!("USBメモリーに更新（{some}件）があります。"),
        (Language::English, false, some) => format!("The stick holds updates: {some}."),
    }
}

fn look(device: &File) -> Result<Found, Trouble> {
    stick::look(Path::new("/proc/self/exe"), device)
}

enum Rights {
    Read,
    Write,
}

fn open(device: &Path, rights: Rights) -> Result<File, Trouble> {
    // Whatever it is, opening it never waits.
    let mut options = OpenOptions::new();
    options.read(true).write(matches!(rights, Rights::Write)).custom_flags(libc::O_NONBLOCK);
    Ok(options.open(device)?)
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", path.display()))
}
