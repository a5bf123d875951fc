//! Whether the bundle that is here may be installed: signature, format, hardware and release, in this order, before anything is written.
//! RAUC looks at all of it again when it installs, with the image's `may-install` for what it does not know itself.

use super::place::{Place, Whole};
use super::rauc::{Rauc, run};
use super::refusal::Refusal;
use super::release;
use super::report::Source;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// What the box is, that a bundle is held against.
#[derive(Clone, Debug)]
pub struct Running {
    /// The release that runs.
    pub release: String,
    /// The slot that it runs from, if it does.
    pub slot: Option<String>,
    /// Where `came-up` notes which slot came up with which release.
    pub came_up: PathBuf,
}

/// What may be done with a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Its release.
    pub release: String,
    /// It is what runs.
    pub runs_already: bool,
}

impl Running {
    /// As this machine says.
    pub fn here(came_up: PathBuf) -> Self {
        let line = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
        let slot = line.split_whitespace().find_map(|word| word.strip_prefix("rauc.slot=")).map(str::to_owned);
        Self { release: release::release().to_owned(), slot, came_up }
    }

    /// It is not noted as having come up, while another one is: that one is the way back, and stays.
    fn is_on_trial(&self) -> bool {
        let Some(slot) = &self.slot else { return false };
        let Ok(notes) = std::fs::read_to_string(&self.came_up) else { return false };
        let own = |line: &str| {
            let mut words = line.split_whitespace();
            words.next() == Some(slot) && words.next() == Some(&self.release)
        };
        !notes.trim().is_empty() && !notes.lines().any(own)
    }
}

/// Looks at the bundle.
///
/// # Errors
/// See [`Refusal`].
pub fn examine(place: &Place, whole: &Whole, rauc: &Rauc, running: &Running) -> Result<Examined, Refusal> {
    let compatible = rauc.compatible()?;
    let info = rauc.info(&place.bundle())?;
    if info.compatible != compatible {
        return Err(Refusal::OtherHardware(info.compatible));
    }
    let release = info.release.filter(|release| release::is_release(release)).ok_or(Refusal::Broken)?;
    if is_older(&release, &running.release)? {
        return Err(Refusal::Older { release, running: running.release.clone() });
    }
    let runs_already = release == running.release;
    // Also the same one once more: it would be written over the one that came up.
    if running.is_on_trial() {
        return Err(Refusal::OnTrial);
    }
    // It would do so for ever, for as long as the stick is there.
    if whole.source == Source::Stick && place.rolled_back().is_some_and(|back| back == release) {
        return Err(Refusal::CameBack { release });
    }
    Ok(Examined { release, runs_already })
}

/// As Debian orders versions.
fn is_older(one: &str, other: &str) -> Result<bool, Refusal> {
    let mut command = Command::new("dpkg");
    command.args(["--compare-versions", one, "lt", other]);
    let answer = run(command, COMPARE_DEADLINE, |_| ()).map_err(|fault| Refusal::NotABox(fault.to_string()))?;
    match answer.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        Some(_) | None => Err(Refusal::Broken),
    }
}

/// Where the image notes what came up.
pub const CAME_UP: &str = "/var/lib/rauc/came-up";
/// Two words are compared.
const COMPARE_DEADLINE: Duration = Duration::from_secs(30);
