//! A box forgets everything it was told, made and wrote: the opposite of `take`.
//!
//! ```text
//!   reset-wanted ─▶ keys overwritten ─▶ /etc/engawa ─▶ reports ─▶ journal ─▶ /var/lib/engawa ─▶ reset-wanted removed
//!    (durable)                                                                                       └ from here on it is new
//! ```
//! May be relied on: as long as anything is left the mark is, and no daemon starts beside it; when the power goes in between, the next
//! start goes on. Overwriting flash memory is not destruction: its controller may keep an old copy. RAUC's notes and the slots are not the
//! box's memory and stay.

use super::take::PowerCut;
use crate::durable;
use nix::libc;
use std::fs::{File, OpenOptions, symlink_metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where a box keeps what it is.
#[derive(Clone, Debug)]
pub struct Places {
    /// What it was told; nothing of it stays.
    pub etc: PathBuf,
    /// Keys, ledger, board, kept documents, updates; the mark stands here.
    pub state: PathBuf,
    /// What it said of sticks and updates; the directories stay.
    pub reports: Vec<PathBuf>,
    /// The system's journal, where the whole system is the box's; the directories stay, whoever writes there begins new files.
    pub journal: Option<PathBuf>,
}

/// Marks the box: it is to forget everything. Durable when this returns; twice is once.
///
/// # Errors
/// As the file system says; then it forgets nothing.
pub fn want(state: &Path) -> io::Result<()> {
    durable::replace(&state.join(MARK), b"this box is to forget everything\n")
}

/// Whether it is to.
pub fn is_wanted(state: &Path) -> bool {
    symlink_metadata(state.join(MARK)).is_ok()
}

/// Forgets everything, the mark last. What the disk does not give up keeps nothing else. May be begun again after whatever stopped it.
///
/// # Errors
/// `NotFound` when nobody wanted it; others as the file system says, with the mark still there.
pub fn carry_out(places: &Places, cut: PowerCut) -> io::Result<()> {
    if !is_wanted(&places.state) {
        return Err(io::Error::new(ErrorKind::NotFound, "nobody wanted this box to forget everything"));
    }
    let mut steps = Steps { done: 0, cut, trouble: None };
    // First what must never be read again; large files are no keys.
    for home in [&places.state, &places.etc] {
        for path in steps.below(home) {
            steps.one_more(overwrite(&path));
        }
    }
    empty(&places.etc, &mut steps);
    for reports in &places.reports {
        empty(reports, &mut steps);
    }
    if let Some(journal) = &places.journal {
        for machine in steps.below(journal) {
            let is_directory = symlink_metadata(&machine).is_ok_and(|about| about.is_dir());
            if is_directory { empty(&machine, &mut steps) } else { steps.one_more(remove(&machine)) }
        }
    }
    empty(&places.state, &mut steps);
    match steps.trouble {
        Some(trouble) => Err(trouble),
        None => durable::remove(&places.state.join(MARK)),
    }
}

/// Counts what is done, for tests that let the power go after any of it, and keeps the first that went wrong.
struct Steps {
    done: u32,
    cut: PowerCut,
    trouble: Option<io::Error>,
}

impl Steps {
    fn one_more(&mut self, result: io::Result<()>) {
        self.done += 1;
        self.cut.after(self.done);
        self.note(result);
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.trouble.get_or_insert(error);
        }
    }

    fn below(&mut self, home: &Path) -> Vec<PathBuf> {
        below(home).unwrap_or_else(|error| {
            self.note(Err(named(home, &error)));
            Vec::new()
        })
    }
}

/// What lies in a directory besides the mark, in one order always; nothing where there is none.
fn below(home: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(home) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.file_name().is_none_or(|name| name != MARK));
    paths.sort();
    Ok(paths)
}

/// Removes everything in a directory but the mark, for good.
fn empty(home: &Path, steps: &mut Steps) {
    let paths = steps.below(home);
    if paths.is_empty() {
        return;
    }
    for path in paths {
        steps.one_more(remove(&path));
    }
    steps.note(File::open(home).and_then(|home| home.sync_all()));
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if symlink_metadata(path).is_ok_and(|about| about.is_dir()) {
        // Never through a link.
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(named(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// In place, so that the old bytes are not left on the disk; files as small as keys are.
fn overwrite(path: &Path) -> io::Result<()> {
    let length = match symlink_metadata(path) {
        Ok(about) if about.is_file() && about.len() <= LONGEST_KEY => about.len(),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(named(path, &error)),
    };
    let write = || {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let mut file = OpenOptions::new().write(true).custom_flags(flags).open(path)?;
        file.write_all(&vec![0; usize::try_from(length).unwrap_or_default()])?;
        file.sync_all()
    };
    write().map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// In the state directory; systemd/engawa-reset.path waits for it, and engawa.service does not start while it is there.
pub const MARK: &str = "reset-wanted";
/// Bytes.
const LONGEST_KEY: u64 = 64 * 1024;
