//! Whether the machine itself began anew since the daemon ran last: time that was being counted then is lost once, not with
//! every restart of the daemon.

use crate::durable;
use std::path::Path;

/// Whether it did; remembered from now on in the file `boot`. A machine that does not say which life it lives began anew.
pub fn began_anew(state_directory: &Path) -> bool {
    let life = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let path = state_directory.join("boot");
    let known = durable::read(&path, LONGEST).ok().flatten();
    let same = !life.is_empty() && known.as_ref() == Some(&life);
    if !same && let Err(error) = durable::replace(&path, &life) {
        tracing::warn!(%error, "this life of the machine cannot be written down");
    }
    !same
}

const LONGEST: u64 = 256;
