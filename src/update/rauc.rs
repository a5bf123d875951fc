//! RAUC's own command, asked with deadlines; what it says is put into our words.
//!
//! ```text
//!   rauc info ─ JSON on standard output │ one line of why on standard error ─▶ Info │ Refusal
//!   rauc install ─ " 42% …" lines, by its service over D-Bus ─▶ per cent, then done or why not
//! ```
//! Written for RAUC 1.8 (Debian 12) and 1.13 (Debian 13), whose sentences were the same where they are looked at. A sentence that
//! is not known is a refusal too.

use super::refusal::Refusal;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// The command and the configuration of its system.
#[derive(Clone, Debug)]
pub struct Rauc {
    /// Usually `rauc`.
    pub program: PathBuf,
    /// Usually [`CONFIG`].
    pub config: PathBuf,
}

/// What a bundle with a good signature says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Info {
    /// The hardware that it is for.
    pub compatible: String,
    /// Its release.
    #[serde(rename = "version")]
    pub release: Option<String>,
}

/// Why a bundle did not get into its slot.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// RAUC says so, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It said nothing for too long.
    #[error("RAUC said nothing for {} s", SILENCE.as_secs())]
    Silent,
    /// It could not be asked.
    #[error("rauc cannot be run: {0}")]
    Unasked(#[from] io::Error),
}

impl Rauc {
    /// Checks a bundle's signature and reads its manifest.
    ///
    /// # Errors
    /// [`Refusal::NotABox`] where there is no RAUC or no key, else why the bundle is no good.
    pub fn info(&self, bundle: &Path) -> Result<Info, Refusal> {
        let mut command = self.command();
        command.args(["info", "--output-format=json"]).arg(bundle);
        let mut said = Said::default();
        let ended = run(command, INFO_DEADLINE, |line| said.take(line));
        match ended {
            Ok(status) if status.success() => serde_json::from_str(&said.out).map_err(|_| Refusal::Broken),
            Ok(_) => Err(refusal(&said.err, begins_like_a_bundle(bundle))),
            Err(Fault::Unasked(error)) if error.kind() == ErrorKind::NotFound => {
                Err(Refusal::NotABox("there is no rauc".into()))
            }
            Err(Fault::Unasked(error)) => Err(error.into()),
            Err(Fault::Silent | Fault::Refused(_)) => Err(Refusal::Broken),
        }
    }

    /// Writes the bundle into the slot that does not run, and lets the next start take it. `told` hears of per cents.
    ///
    /// # Errors
    /// See [`Fault`]; the slot that runs is still the one that starts.
    pub fn install(&self, bundle: &Path, mut told: impl FnMut(u8)) -> Result<(), Fault> {
        let mut command = self.command();
        command.arg("install").arg(bundle);
        let mut said = Said::default();
        let status = run(command, SILENCE, |line| {
            if let Line::Out(text) = &line
                && let Some(percent) = percent(text)
            {
                told(percent);
            }
            said.take(line);
        })?;
        if status.success() { Ok(()) } else { Err(Fault::Refused(said.why())) }
    }

    /// The hardware that this system is, by its configuration.
    ///
    /// # Errors
    /// [`Refusal::NotABox`] without one.
    pub fn compatible(&self) -> Result<String, Refusal> {
        let text = std::fs::read_to_string(&self.config)
            .map_err(|error| Refusal::NotABox(format!("{}: {error}", self.config.display())))?;
        let named = text.lines().find_map(|line| line.trim().strip_prefix("compatible="));
        named.map(str::to_owned).ok_or_else(|| Refusal::NotABox("its RAUC names no hardware".into()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--conf").arg(&self.config).env("LC_ALL", "C.UTF-8");
        command
    }
}

/// In our words, from RAUC's last ones.
fn refusal(said: &str, like_a_bundle: bool) -> Refusal {
    let says = |words: &str| said.contains(words);
    if says("signature verification failed") {
        Refusal::BadSignature
    } else if says("Bundle format '") && says("not allowed") {
        Refusal::NotVerity
    } else if like_a_bundle && says("Signature size is 0") {
        Refusal::Unsigned
    } else if says("CA file") || says("keyring") {
        Refusal::NotABox("it trusts no key for updates".into())
    } else {
        Refusal::Broken
    }
}

/// The content of a bundle is a squashfs, before whose end there is no signature.
fn begins_like_a_bundle(bundle: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(bundle).and_then(|mut file| file.read_exact(&mut magic)).is_ok_and(|()| magic == *b"hsqs")
}

/// Of a line such as ` 42% Copying image to rootfs.1`.
fn percent(line: &str) -> Option<u8> {
    let number = line.trim_start().split_once('%')?.0;
    number.parse().ok().filter(|percent| *percent <= 100)
}

/// Runs a program to its end; `heard` hears it line by line. One that says nothing for so long is killed.
pub(super) fn run(mut command: Command, silence: Duration, mut heard: impl FnMut(Line)) -> Result<ExitStatus, Fault> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let lines = listen(&mut child);
    loop {
        match lines.recv_timeout(silence) {
            Ok(line) => heard(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(child.wait()?),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _gone_already = child.kill();
                let _reaped = child.wait();
                return Err(Fault::Silent);
            }
        }
    }
}

fn listen(child: &mut Child) -> Receiver<Line> {
    let (tell, lines) = mpsc::sync_channel(16);
    let (out, err, tell_err) = (child.stdout.take(), child.stderr.take(), tell.clone());
    std::thread::spawn(move || each_line(out, |line| tell.send(Line::Out(line)).is_ok()));
    std::thread::spawn(move || each_line(err, |line| tell_err.send(Line::Err(line)).is_ok()));
    lines
}

fn each_line(from: Option<impl Read>, mut heard: impl FnMut(String) -> bool) {
    let Some(from) = from else { return };
    for line in BufReader::new(from.take(LONGEST)).split(b'\n').map_while(Result::ok) {
        if !heard(String::from_utf8_lossy(&line).into_owned()) {
            return;
        }
    }
}

/// What a program says.
pub(super) enum Line {
    Out(String),
    Err(String),
}

#[derive(Default)]
struct Said {
    out: String,
    err: String,
}

impl Said {
    fn take(&mut self, line: Line) {
        let (text, line) = match line {
            Line::Out(line) => (&mut self.out, line),
            Line::Err(line) => (&mut self.err, line),
        };
        text.push_str(&line);
        text.push('\n');
    }

    /// The last error that it names, wherever it did.
    fn why(&self) -> String {
        let mut named = self.out.lines().chain(self.err.lines()).filter_map(|line| line.split_once("LastError: "));
        let last = self.err.lines().rev().find(|line| !line.trim().is_empty());
        named.next_back().map(|(_, why)| why).or(last).unwrap_or("RAUC does not say why").trim().to_owned()
    }
}

/// RAUC's configuration on a box.
pub const CONFIG: &str = "/etc/rauc/system.conf";
/// A signature is checked within this time, or the bundle is no good.
const INFO_DEADLINE: Duration = Duration::from_secs(120);
/// Between two lines of an installation: writing 2 GB to a slow disk, at once.
const SILENCE: Duration = Duration::from_secs(1800);
/// Bytes that are listened to.
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_lines_that_begin_with_it() {
        let lines = [
            "  0% Installing",
            " 46% Copying image to rootfs.1",
            "100% Installing done.",
            "Installing `a%` failed",
            "400% x",
            "",
        ];
        assert_eq!(lines.map(percent), [Some(0), Some(46), Some(100), None, None, None]);
    }

    #[test]
    fn the_last_error_that_rauc_names_is_the_one_told() {
        let mut said = Said::default();
        for line in ["  0% Installing", "LastError: Installation error: no space", "Installing `/a` failed"] {
            said.take(Line::Out(line.into()));
        }
        said.take(Line::Err("rauc-Message: something".into()));
        assert_eq!(said.why(), "Installation error: no space");
    }

    #[test]
    fn a_program_that_says_nothing_is_killed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo begun; exec sleep 60"]);
        let mut heard = 0;
        let ended = run(command, Duration::from_millis(200), |_| heard += 1);
        assert!(matches!(ended, Err(Fault::Silent)) && heard == 1, "{ended:?}");
    }
}
