//! Papers about this box, written by this very program as a command, in a process of its own: it may take its time or fail, and
//! the daemon does not notice.

use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// What `engawa WORDS --config CONFIG` prints; nothing when it cannot be started or says more than [`LONGEST`] bytes. It is
/// killed when this is dropped. What the command finds wrong with the box is in what it prints, so its exit code is not asked.
pub async fn print(config: &Path, words: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new("/proc/self/exe");
    command.args(words).arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().inspect_err(|error| tracing::warn!(%error, "no paper")).ok()?;
    let mut printed = Vec::new();
    child.stdout.take()?.take(LONGEST + 1).read_to_end(&mut printed).await.ok()?;
    let whole = printed.len() as u64 <= LONGEST;
    if !whole {
        child.start_kill().ok()?;
    }
    child.wait().await.ok()?;
    whole.then_some(printed).filter(|printed| !printed.is_empty())
}

const LONGEST: u64 = 8 << 20;
