//! Small private files that survive a power cut, and are never deleted because they cannot be read.
//!
//! ```text
//!   write: file beside ─ owner of the directory ─ fsync ─ put in place in one step ─ fsync the directory
//!   read:  absent ─▶ nothing │ too long, or refused by the reader ─▶ set aside as NAME.unreadable-N
//! ```
//!
//! After a power cut a file holds its old content or its new one, also when the disk is full. What root writes into the
//! daemon's directory belongs to the daemon. Errors are the system's, with words for people where it has only a number.

use nix::libc;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts a new file in place, mode 0600; never overwrites.
///
/// # Errors
/// `AlreadyExists` when there is one; others as the file system says.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link, unlike a rename, fails when the name is taken.
    put(path, bytes, |beside| fs::hard_link(beside, path).and_then(|()| fs::remove_file(beside)))
}

/// Puts a file, mode 0600, in place of whatever is there.
///
/// # Errors
/// As the file system says; the old file is then still whole.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, |beside| fs::rename(beside, path))
}

/// Puts a file that others than its owner read in place of whatever is there: with this mode, and this group if there is one to give.
///
/// # Errors
/// As the file system says; the old file is then still whole.
pub fn publish(path: &Path, bytes: &[u8], mode: u32, group: Option<u32>) -> io::Result<()> {
    let open_up = |beside: &Path| {
        // Others may write where this stands: what is opened up is never what they led to.
        let file = OpenOptions::new().read(true).custom_flags(NO_LINK).open(beside)?;
        fchown(&file, None, group.filter(|group| file.metadata().is_ok_and(|now| now.gid() != *group)))?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(beside, path)
    };
    put(path, bytes, open_up)
}

/// Opens a file, mode 0600, to write at its end; made if there is none. What is written is durable after `sync_data`.
///
/// # Errors
/// As the file system says.
pub fn append(path: &Path) -> io::Result<File> {
    make_home(path)?;
    let is_new = fs::symlink_metadata(path).is_err();
    let open = || {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if is_new {
            give_to_owner(&file, path)?;
            sync_directory(path)?;
        }
        Ok(file)
    };
    open().map_err(in_words)
}

/// Removes a file for good.
///
/// # Errors
/// As the file system says.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).and_then(|()| sync_directory(path)).map_err(in_words)
}

/// Reads at most `limit` bytes; `None` if there is no such file. Never waits and follows no link: root reads what the daemon wrote.
///
/// # Errors
/// As the file system says; `FileTooLarge` beyond the limit, `InvalidInput` of what is no file.
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match OpenOptions::new().read(true).custom_flags(NO_LINK).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(ErrorKind::FileTooLarge.into()) } else { Ok(Some(bytes)) }
}

/// Renames a file that makes no sense, so that a person can look at it; returns its new name. The first findings are kept
/// for good, later ones take the last place.
///
/// # Errors
/// As the file system says.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let place = |number| named(path, &format!("unreadable-{number}"));
    let free = (1..MOST_SET_ASIDE).map(place).find(|kept| fs::symlink_metadata(kept).is_err());
    let kept = free.unwrap_or_else(|| place(MOST_SET_ASIDE));
    fs::rename(path, &kept).and_then(|()| sync_directory(path)).map_err(in_words)?;
    Ok(kept)
}

/// Whether a file could be written to this directory now: writes and removes one.
///
/// # Errors
/// As the file system says.
pub fn probe(directory: &Path) -> io::Result<()> {
    put(&directory.join("probe"), &[0; 4096], |beside| fs::remove_file(beside))
}

/// Removes what writers of this file left beside it when they were killed. Only for a file that has no writer now.
pub fn sweep(path: &Path) {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let beside = entry.file_name();
        let rest =
            beside.to_str().and_then(|beside| beside.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".new"));
        if rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')) {
            let _read_only = fs::remove_file(entry.path());
        }
    }
}

/// Writes a file beside `path` and lets `place` put it there; whatever fails, nothing is left beside.
fn put(path: &Path, bytes: &[u8], place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    make_home(path)?;
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let beside = named(path, &format!("{}-{number}.new", std::process::id()));
    let put = write(&beside, bytes).and_then(|()| place(&beside));
    if put.is_err() {
        // A full disk must not collect leftovers.
        let _ = fs::remove_file(&beside);
    }
    put.and_then(|()| sync_directory(path)).map_err(in_words)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Left by a process of the same number that was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    give_to_owner(&file, path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn make_home(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(in_words)
}

fn give_to_owner(file: &File, path: &Path) -> io::Result<()> {
    let directory = fs::metadata(path.parent().unwrap_or(path))?;
    if file.metadata()?.uid() == ROOT && directory.uid() != ROOT {
        fchown(file, Some(directory.uid()), Some(directory.gid()))?;
    }
    Ok(())
}

fn named(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// The system's error with words for people.
pub fn in_words(error: io::Error) -> io::Error {
    let kind = error.kind();
    if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        io::Error::new(kind, "the disk is full")
    } else if kind == ErrorKind::ReadOnlyFilesystem {
        io::Error::new(kind, "the disk is read-only")
    } else if kind == ErrorKind::PermissionDenied {
        io::Error::new(kind, "not allowed for this user")
    } else {
        error
    }
}

const ROOT: u32 = 0;
/// What is no plain file at its very name is not opened, and nothing is waited for.
const NO_LINK: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;
const MOST_SET_ASIDE: u32 = 8;
/// Keeps two threads from writing the same file beside.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
