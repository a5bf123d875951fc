//! A box that is not set up yet: what its screen says, and the moment it is.
//!
//! ```text
//!   no engawa.toml ─► guide on the screen ◄─ addresses, last report of `engawa take`
//!   engawa.toml is there ─► the report stands for a moment ─► the daemon begins anew
//! ```
//! May be relied on: such a box has no identity (the file brings one), links with nobody and captures nothing.

use crate::media::face::GuideFace;
use crate::provision::take::{self, Outcome};
use crate::system::network;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// What the guide looks at.
#[derive(Clone, Debug)]
pub struct Guide {
    /// The configuration that is not there yet.
    pub config: PathBuf,
    /// What `engawa take` said last.
    pub report: PathBuf,
    /// Where the image mounts what a box remembers; a machine of another kind has no such directory.
    pub memory: PathBuf,
}

impl Guide {
    /// What the screen says now.
    pub(super) fn face(&self) -> GuideFace {
        // That there is no stick at all is no news.
        let report = take::last_report(&self.report).filter(|report| report.file.is_some());
        let network = network::read().unwrap_or_default();
        GuideFace {
            addresses: network.addresses.iter().map(ToString::to_string).collect(),
            carrier: network.carrier,
            memory_lost: is_lost(&self.memory),
            refused: report
                .as_ref()
                .is_some_and(|report| matches!(report.outcome, Outcome::Refused | Outcome::Nothing)),
            report: report.map(|report| [report.japanese, report.english]),
        }
    }
}

/// Returns when the box is set up and people had time to read so; never without a guide.
pub(super) async fn until_set_up(guide: Option<&Guide>) {
    let Some(Guide { config, .. }) = guide else { return std::future::pending().await };
    while !is_there(config) {
        sleep(LOOK).await;
    }
    tracing::info!(file = %config.display(), "this box is set up: the daemon begins anew");
    sleep(READ).await;
}

/// The directory is there, and nothing is mounted on it.
fn is_lost(memory: &Path) -> bool {
    let disk = |path: &Path| std::fs::metadata(path).ok().map(|about| about.dev());
    let around = memory.parent().and_then(disk);
    disk(memory).is_some_and(|own| Some(own) == around)
}

fn is_there(config: &Path) -> bool {
    std::fs::symlink_metadata(config).is_ok()
}

const LOOK: Duration = Duration::from_secs(1);
/// For "this box is now …".
const READ: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_is_lost_where_its_place_is_there_and_nothing_is_mounted() {
        let directory = tempfile::tempdir().expect("a directory");
        let memory = directory.path().join("state");
        assert!(!is_lost(&memory), "no image");
        std::fs::create_dir(&memory).expect("made");
        assert!(is_lost(&memory));
        assert!(!is_lost(Path::new("/proc")), "something is mounted there");
    }
}
