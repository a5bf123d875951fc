//! `engawa provision TABLE --out DIR`: on the installer's PC, the files of many pairs of boxes at once.

use super::Failure;
use crate::provision::{make, table};
use clap::Args;
use std::io::Read;
use std::path::PathBuf;

/// Arguments of `engawa provision`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The table: CSV in UTF-8, one line for each pair. docs/provisioning.md lists its columns.
    table: PathBuf,
    /// A new folder for the files; one that exists is refused.
    #[arg(long)]
    out: PathBuf,
}

/// Makes them.
///
/// # Errors
/// With every mistake of the table, by line and column; then nothing is written.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = arguments.table.display();
    let unreadable = |error| Failure::new(format!("{name}: cannot be read: {error}"));
    let file = std::fs::File::open(&arguments.table).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    let pairs = table::read(&bytes).map_err(|mistakes| {
        let told: Vec<String> = mistakes.iter().map(|mistake| format!("{name}: {mistake}")).collect();
        Failure::refused(format!("{}\nNothing was written. / 何も作られていません。", told.join("\n")))
    })?;
    let made = make::make(&pairs, &arguments.out).map_err(|error| Failure::new(error.to_string()))?;
    for pair in &made {
        println!("{}: {}", pair.pair, pair.words);
    }
    println!("{} pairs, {} files in {}", made.len(), 2 * made.len(), arguments.out.display());
    println!(
        "箱ごとに engawa-box.toml をUSBメモリーの一番上にコピーしてください。鍵が入っています。使い終わったら消してください。"
    );
    println!(
        "Copy each box's engawa-box.toml to the top of a USB stick. They hold secret keys: delete them when all boxes have taken theirs."
    );
    Ok(())
}

/// More than the reader of tables takes.
const LONGEST: u64 = 2 << 20;
