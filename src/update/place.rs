//! The one place where a bundle waits: one, whole, of a size that the box can bear.
//!
//! ```text
//!   lock            one writer at a time, in whatever process
//!   incoming.part   what has arrived so far     incoming.json  of which bundle: length, digest if known
//!   update.raucb    the bundle, whole           update.json    its length, digest and source
//!   wanted          one word for engawa-update.path: check or install
//! ```

use super::incoming::{Expected, Incoming};
use super::refusal::Refusal;
use super::report::{Report, Source};
use crate::durable;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::statvfs::statvfs;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Where bundles come to. Cheap to make; holds nothing open.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) directory: PathBuf,
    report: PathBuf,
    rolled_back: PathBuf,
    pub(super) limits: Limits,
}

/// A bundle that arrived whole. That is all: whether it may be installed is not known before it was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// Bytes.
    pub length: u64,
    /// SHA-256 of all of it, 64 hexadecimal digits in lower case: how two boxes know that they mean the same bundle.
    pub sha256: String,
    /// Which way it came.
    pub source: Source,
}

/// What engawa-update.service is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Say whether it could be installed, and which release it is.
    Check,
    /// Check it, install it, and restart when nobody is in a meeting.
    Install,
}

/// How much may come.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest bundle, bytes.
    pub most: u64,
    /// What stays free on the disk beside it, bytes.
    pub stays_free: u64,
}

impl Place {
    /// The place in this directory, usually [`DIRECTORY`]; it is made when the first bundle comes. Told in [`super::report::REPORT`].
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            report: super::report::REPORT.into(),
            rolled_back: super::report::ROLLED_BACK.into(),
            limits: LIMITS,
        }
    }

    /// The same place with its report elsewhere: two boxes on one machine, tests.
    pub fn telling(self, report: impl Into<PathBuf>) -> Self {
        Self { report: report.into(), ..self }
    }

    /// The same place with the note of an update that did not come up elsewhere.
    pub fn remembering(self, rolled_back: impl Into<PathBuf>) -> Self {
        Self { rolled_back: rolled_back.into(), ..self }
    }

    /// The same place with other limits: tests.
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// A bundle of so many bytes begins to come, from its first byte; what another one left unfinished is forgotten. The report
    /// says "receiving" from here on.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], [`Refusal::NoSpace`], [`Refusal::Busy`] while another one comes or is being installed,
    /// [`Refusal::Disk`]; all of them are in the report, but for `Busy`, which is told to its own sender only.
    pub fn begin(&self, source: Source, length: u64) -> Result<Incoming, Refusal> {
        self.start(source, Expected { length, sha256: None, name: None })
    }

    /// As [`Place::begin`], but goes on where the same bundle, by length and digest, stopped: see [`Incoming::offset`]. Reads what is
    /// there, which takes seconds. `sha256` as in [`Whole`].
    ///
    /// # Errors
    /// As [`Place::begin`].
    pub fn resume(&self, source: Source, length: u64, sha256: &str) -> Result<Incoming, Refusal> {
        self.start(source, Expected { length, sha256: Some(sha256.to_owned()), name: None })
    }

    /// The bundle that is here, if one is. Its content is not looked at.
    pub fn whole(&self) -> Option<Whole> {
        let text = durable::read(&self.directory.join(DESCRIPTION), LONGEST_NOTE).ok()??;
        let whole: Whole = serde_json::from_slice(&text).ok()?;
        let length = std::fs::metadata(self.bundle()).ok()?.len();
        (length == whole.length).then_some(whole)
    }

    /// Where the bundle is, if it is: to be passed on, or checked.
    pub fn bundle(&self) -> PathBuf {
        self.directory.join(BUNDLE)
    }

    /// Asks engawa-update.service, which the box's systemd starts for it. Any later wish takes the place of an earlier one.
    ///
    /// # Errors
    /// As the file system says.
    pub fn wish(&self, wish: Wish) -> io::Result<()> {
        if wish == Wish::Check && self.wished()? == Some(Wish::Install) {
            return Ok(());
        }
        durable::replace(&self.directory.join(WANTED), wish.word().as_bytes())
    }

    /// What is wished, if anything; a wish is granted once.
    ///
    /// # Errors
    /// As the file system says.
    pub fn take_wish(&self) -> io::Result<Option<Wish>> {
        let wish = self.wished()?;
        gone(&self.directory.join(WANTED))?;
        Ok(wish)
    }

    fn wished(&self) -> io::Result<Option<Wish>> {
        let Some(text) = durable::read(&self.directory.join(WANTED), LONGEST_NOTE)? else { return Ok(None) };
        let word = String::from_utf8_lossy(&text).trim().to_owned();
        Ok([Wish::Check, Wish::Install].into_iter().find(|wish| wish.word() == word))
    }

    /// Whether a wish waits to be granted.
    pub fn is_wished(&self) -> bool {
        self.directory.join(WANTED).exists()
    }

    /// The bundle that is here was brought once more, this way: who asks for it decides what may be done with it.
    ///
    /// # Errors
    /// As the file system says.
    pub fn brought_again(&self, source: Source) -> io::Result<()> {
        let Some(whole) = self.whole() else { return Err(ErrorKind::NotFound.into()) };
        let text = serde_json::to_vec(&Whole { source, ..whole })?;
        durable::replace(&self.directory.join(DESCRIPTION), &text)
    }

    /// How it stands, for whoever asks: never fails, and "none" where nothing is known, or where whoever said that it is at work is gone.
    /// After a start it says of an update that did not come up.
    pub fn report(&self) -> Report {
        let told = Report::read(&self.report);
        let stale = |report: &Report| report.state.is_work() && matches!(self.hold(), Ok(Some(_)));
        told.filter(|report| !stale(report))
            .or_else(|| Report::rolled_back(&self.rolled_back))
            .unwrap_or_else(Report::none)
    }

    /// Says how it stands.
    ///
    /// # Errors
    /// As the file system says.
    pub fn tell(&self, report: &Report) -> io::Result<()> {
        report.publish(&self.report)
    }

    /// Says at the start of the daemon what became of an update that did not come up.
    ///
    /// # Errors
    /// As the file system says.
    pub fn recall(&self) -> io::Result<()> {
        match Report::rolled_back(&self.rolled_back) {
            Some(report) if Report::read(&self.report).is_none() => self.tell(&report),
            Some(_) | None => Ok(()),
        }
    }

    /// The release that did not come up here and was left again, if one did.
    pub fn rolled_back(&self) -> Option<String> {
        Report::rolled_back(&self.rolled_back)?.release
    }

    /// Deletes the bundle, and what another one left unfinished.
    ///
    /// # Errors
    /// As the file system says.
    pub fn discard(&self) -> io::Result<()> {
        [BUNDLE, DESCRIPTION, PART, EXPECTED].iter().try_for_each(|name| gone(&self.directory.join(name)))
    }

    /// Keeps bundles from coming for as long as the answer is held; `None` while one comes. Makes no file, so that root may hold
    /// what the daemon's user will lock later.
    ///
    /// # Errors
    /// As the file system says.
    pub fn hold(&self) -> io::Result<Option<Held>> {
        match File::open(self.directory.join(LOCK)) {
            Ok(file) => Held::take(file),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(Held { _lock: None })),
            Err(error) => Err(error),
        }
    }

    pub(super) fn lock(&self) -> io::Result<Option<Held>> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        Held::take(options.open(self.directory.join(LOCK))?)
    }

    /// As [`Place::hold`], for as long as it takes. What the other box brings gives way.
    ///
    /// # Errors
    /// As the file system says.
    pub fn hold_at_last(&self) -> io::Result<Held> {
        loop {
            if let Some(held) = self.hold()? {
                gone(&self.directory.join(GIVE_WAY))?;
                return Ok(held);
            }
            durable::replace(&self.directory.join(GIVE_WAY), b"")?;
            wait(LOOK_AGAIN * 100);
        }
    }

    /// Whether somebody of this room waits.
    pub(super) fn is_wanted_here(&self) -> bool {
        self.directory.join(GIVE_WAY).exists()
    }

    /// People of this room need not wait for hours: the other box's bundle gives way and goes on later.
    pub(super) fn start(&self, source: Source, expected: Expected) -> Result<Incoming, Refusal> {
        let mut held = self.lock()?;
        if source != Source::Peer {
            let mut looks = 0..GIVES_WAY_WITHIN;
            while held.is_none() && looks.next().is_some() {
                durable::replace(&self.directory.join(GIVE_WAY), b"")?;
                wait(LOOK_AGAIN * 100);
                held = self.lock()?;
            }
            gone(&self.directory.join(GIVE_WAY))?;
        }
        let Some(held) = held else { return Err(Refusal::Busy) };
        self.receive_or_tell(source, expected, held)
    }

    pub(super) fn receive_or_tell(&self, source: Source, expected: Expected, held: Held) -> Result<Incoming, Refusal> {
        self.receive(source, expected, held).inspect_err(|refusal| {
            let _still_refused = self.tell(&Report::refused(Some(source), None, refusal));
        })
    }

    fn receive(&self, source: Source, expected: Expected, held: Held) -> Result<Incoming, Refusal> {
        let length = expected.length;
        if length > self.limits.most {
            return Err(Refusal::TooLarge { most: self.limits.most });
        }
        let mut digest = Context::new(&SHA256);
        let (part, offset) = self.part(&expected, &mut digest)?;
        self.make_room(source, length - offset)?;
        if offset == 0 {
            part.set_len(0)?;
            let text = serde_json::to_vec(&expected).map_err(io::Error::other)?;
            durable::replace(&self.directory.join(EXPECTED), &text)?;
        }
        Ok(Incoming::new(self.clone(), source, expected, part, digest, offset, held))
    }

    /// The file to go on with, and how much of it is there: none of it, unless it is the same bundle's.
    fn part(&self, expected: &Expected, digest: &mut Context) -> Result<(File, u64), Refusal> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let part = options.open(self.directory.join(PART))?;
        let before = self.expected()?;
        if !expected.is_resumable() || before.as_ref() != Some(expected) || part.metadata()?.len() > expected.length {
            part.set_len(0)?;
            return Ok((part, 0));
        }
        let mut buffer = vec![0; PIECE];
        let mut offset = 0;
        loop {
            match (&part).read(&mut buffer)? {
                0 => return Ok((part, offset)),
                more => {
                    digest.update(&buffer[..more]);
                    offset += more as u64;
                }
            }
        }
    }

    pub(super) fn expected(&self) -> io::Result<Option<Expected>> {
        let text = durable::read(&self.directory.join(EXPECTED), LONGEST_NOTE)?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// The bundle that is here goes only where the next one could not come otherwise.
    fn make_room(&self, source: Source, more: u64) -> Result<(), Refusal> {
        let wanted = more.saturating_add(self.limits.stays_free);
        let missing = wanted.saturating_sub(self.free()?);
        if missing == 0 {
            return Ok(());
        }
        // What somebody brought here does not go for what the other box brings.
        if source == Source::Peer && self.whole().is_some_and(|whole| whole.source != Source::Peer) {
            return Err(Refusal::NoSpace { missing });
        }
        gone(&self.directory.join(DESCRIPTION))?;
        gone(&self.bundle())?;
        let missing = wanted.saturating_sub(self.free()?);
        if missing == 0 { Ok(()) } else { Err(Refusal::NoSpace { missing }) }
    }

    /// Bytes that a user may still write.
    fn free(&self) -> io::Result<u64> {
        let disk = statvfs(&self.directory)?;
        Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
    }
}

/// Nothing comes while this is held.
#[derive(Debug)]
pub struct Held {
    _lock: Option<Flock<File>>,
}

impl Held {
    fn take(file: File) -> io::Result<Option<Self>> {
        let mut file = file;
        for _ in 0..LOOKS {
            file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Some(Self { _lock: Some(lock) })),
                Err((file, Errno::EWOULDBLOCK)) => file,
                Err((_, errno)) => return Err(errno.into()),
            };
            // Whoever only asks how it stands holds it for a moment.
            wait(LOOK_AGAIN);
        }
        Ok(None)
    }
}

impl Wish {
    /// As it stands in the file.
    fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Install => "install",
        }
    }
}

fn wait(time: Duration) {
    let (_never_told, told) = mpsc::channel::<()>();
    let _waited = told.recv_timeout(time);
}

/// Deletes it for good if it is there.
pub(super) fn gone(path: &Path) -> io::Result<()> {
    match durable::remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where a box keeps it.
pub const DIRECTORY: &str = "/var/lib/engawa/update";
/// Of every box.
pub const LIMITS: Limits = Limits { most: 1_500_000_000, stays_free: 300_000_000 };
/// How often, and how long apart, the lock is tried before somebody is said to hold it.
const LOOKS: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(3);
/// Of 300 ms each: the other box's bundle looks every second whether somebody waits.
const GIVES_WAY_WITHIN: u32 = 10;
const LOCK: &str = "lock";
/// Somebody of this room waits.
const GIVE_WAY: &str = "give-way";
pub(super) const PART: &str = "incoming.part";
pub(super) const EXPECTED: &str = "incoming.json";
const BUNDLE: &str = "update.raucb";
pub(super) const DESCRIPTION: &str = "update.json";
const WANTED: &str = "wanted";
const LONGEST_NOTE: u64 = 4096;
const PIECE: usize = 1 << 16;
