//! State files: written whole or not at all, and never deleted because they cannot be read.
//!
//! ```text
//!   write: temporary file in the same directory ─ fsync ─ rename ─ fsync the directory
//!   read:  understood ─▶ the value │ absent ─▶ nothing │ not understood ─▶ set aside as NAME.unreadable-N
//! ```
//!
//! After a power cut a file holds its old content or its new one. Setting aside is bounded: the first findings are kept
//! for good, and later ones take the last place.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, rename};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A directory of small private files.
#[derive(Clone, Debug)]
pub struct Storage {
    directory: PathBuf,
}

/// What a read gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading<T> {
    /// The value.
    Value(T),
    /// There is no such file.
    Absent,
    /// It was there but could not be understood, and now has another name.
    SetAside {
        /// That name.
        kept: PathBuf,
        /// What was wrong with it.
        cause: String,
    },
}

/// Why a state file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// No space or no quota.
    #[error("{}: the disk is full", .0.display())]
    DiskFull(PathBuf),
    /// The file system takes no writes.
    #[error("{}: the disk is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// This user may not.
    #[error("{}: not allowed for this user", .0.display())]
    NotAllowed(PathBuf),
    /// Anything else, such as a failing disk.
    #[error("{}: {cause}", path.display())]
    Other {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        cause: io::Error,
    },
}

impl Storage {
    /// Opens a directory, and makes it (mode 0700) if it is absent.
    ///
    /// # Errors
    /// When it cannot be made or is no directory.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|cause| classify(directory, cause))?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Where a file of this name is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Replaces a file by `content`, mode 0600. On an error the old file stands untouched.
    ///
    /// # Errors
    /// When the disk is full, read-only, failing, or the directory is not this user's.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        let path = self.path(name);
        let temporary = self.path(&format!("{name}.new"));
        let written = write_synced(&temporary, content).and_then(|()| rename(&temporary, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written.and_then(|()| File::open(&self.directory)?.sync_all()).map_err(|cause| classify(&path, cause))
    }

    /// Reads a file and lets `understand` make a value of it; what it refuses is set aside.
    ///
    /// # Errors
    /// When the file may not be read, or cannot be set aside.
    pub fn read<T, E: std::fmt::Display>(
        &self,
        name: &str,
        understand: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Reading<T>, StorageError> {
        let path = self.path(name);
        let cause = match read_bounded(&path) {
            Ok(Some(content)) => match understand(&content) {
                Ok(value) => return Ok(Reading::Value(value)),
                Err(cause) => cause.to_string(),
            },
            Ok(None) => format!("longer than {LONGEST_FILE} bytes"),
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Reading::Absent),
            Err(cause) => return Err(classify(&path, cause)),
        };
        let kept = self.set_aside(name)?;
        Ok(Reading::SetAside { kept, cause })
    }

    /// Gives an unreadable file another name, so that it is neither used nor lost.
    ///
    /// # Errors
    /// When the directory cannot be changed.
    pub fn set_aside(&self, name: &str) -> Result<PathBuf, StorageError> {
        let place = |number| self.path(&format!("{name}.unreadable-{number}"));
        let free = (1..MOST_SET_ASIDE).map(place).find(|path| std::fs::symlink_metadata(path).is_err());
        let kept = free.unwrap_or_else(|| place(MOST_SET_ASIDE));
        rename(self.path(name), &kept).map_err(|cause| classify(&self.path(name), cause))?;
        Ok(kept)
    }

    /// Whether a file could be written now: writes and removes one.
    ///
    /// # Errors
    /// When the disk is full, read-only, failing, or the directory is not this user's.
    pub fn probe(&self) -> Result<(), StorageError> {
        let path = self.path(".probe");
        write_synced(&path, &[0; 4096]).and_then(|()| std::fs::remove_file(&path)).map_err(|cause| {
            let _ = std::fs::remove_file(&path);
            classify(&self.directory, cause)
        })
    }
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)?;
    file.sync_all()
}

fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut content)?;
    Ok(u64::try_from(content.len()).is_ok_and(|length| length <= LONGEST_FILE).then_some(content))
}

fn classify(path: &Path, cause: io::Error) -> StorageError {
    let path = path.to_owned();
    if matches!(cause.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        StorageError::DiskFull(path)
    } else if cause.kind() == ErrorKind::ReadOnlyFilesystem {
        StorageError::ReadOnly(path)
    } else if cause.kind() == ErrorKind::PermissionDenied {
        StorageError::NotAllowed(path)
    } else {
        StorageError::Other { path, cause }
    }
}

/// State files are a few hundred bytes; more than this is not one.
const LONGEST_FILE: u64 = 1024 * 1024;
const MOST_SET_ASIDE: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    type Text = Result<String, std::string::FromUtf8Error>;

    fn text(bytes: &[u8]) -> Text {
        String::from_utf8(bytes.to_vec())
    }

    fn storage() -> (tempfile::TempDir, Storage) {
        let directory = tempfile::tempdir().expect("a directory");
        let storage = Storage::open(&directory.path().join("state")).expect("opened");
        (directory, storage)
    }

    #[test]
    fn what_was_written_is_read_and_only_this_user_may_read_it() {
        let (_directory, storage) = storage();
        assert_eq!(storage.read("peer", text).expect("read"), Reading::Absent);
        storage.write("peer", b"one").expect("written");
        storage.write("peer", b"two").expect("written");
        assert_eq!(storage.read("peer", text).expect("read"), Reading::Value("two".into()));
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&storage.path("peer")), 0o600);
        assert_eq!(mode(&storage.directory), 0o700);
        assert_eq!(std::fs::read_dir(&storage.directory).expect("listed").count(), 1, "no temporary file is left");
    }

    #[test]
    fn an_unreadable_file_is_set_aside_not_deleted() {
        let (_directory, storage) = storage();
        storage.write("peer", &[0xff]).expect("written");
        let Reading::SetAside { kept, cause } = storage.read("peer", text).expect("read") else { panic!("understood") };
        assert_eq!(std::fs::read(&kept).expect("kept"), [0xff]);
        assert!(cause.contains("utf-8"), "{cause}");
        assert_eq!(storage.read("peer", text).expect("read"), Reading::Absent);
    }

    #[test]
    fn setting_aside_is_bounded_and_keeps_the_first_findings() {
        let (_directory, storage) = storage();
        for number in 0..MOST_SET_ASIDE + 5 {
            storage.write("peer", number.to_string().as_bytes()).expect("written");
            storage.set_aside("peer").expect("set aside");
        }
        let kept = |number: u32| std::fs::read(storage.path(&format!("peer.unreadable-{number}"))).expect("kept");
        assert_eq!(kept(1), b"0");
        assert_eq!(kept(MOST_SET_ASIDE), (MOST_SET_ASIDE + 4).to_string().as_bytes());
        assert_eq!(std::fs::read_dir(&storage.directory).expect("listed").count(), MOST_SET_ASIDE as usize);
    }

    #[test]
    fn a_file_too_long_to_be_state_is_set_aside_unread() {
        let (_directory, storage) = storage();
        std::fs::write(storage.path("peer"), vec![b'a'; 1024 * 1024 + 1]).expect("written");
        let reading = storage.read("peer", |_| -> Text { panic!("not read") }).expect("read");
        assert!(matches!(reading, Reading::SetAside { .. }));
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "says why it was skipped")]
    fn a_directory_that_takes_no_writes_is_named_and_the_old_file_stands() {
        let (_directory, storage) = storage();
        storage.write("peer", b"old").expect("written");
        if nix::unistd::geteuid().is_root() {
            eprintln!("not meaningful as root, who may write everywhere");
            return;
        }
        std::fs::set_permissions(&storage.directory, Permissions::from_mode(0o500)).expect("changed");
        assert!(matches!(storage.write("peer", b"new"), Err(StorageError::NotAllowed(_))));
        assert!(matches!(storage.probe(), Err(StorageError::NotAllowed(_))));
        std::fs::set_permissions(&storage.directory, Permissions::from_mode(0o700)).expect("changed");
        assert_eq!(storage.read("peer", text).expect("read"), Reading::Value("old".into()));
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "says why it was skipped")]
    fn a_full_or_read_only_disk_is_named_and_the_old_file_stands() {
        let directory = tempfile::tempdir().expect("a directory");
        let Some(disk) = SmallDisk::mount(directory.path()) else {
            eprintln!("needs root and mount: no small disk to fill");
            return;
        };
        let storage = Storage::open(disk.0).expect("opened");
        storage.write("peer", b"old").expect("written");
        assert!(matches!(storage.write("peer", &[7; 512 * 1024]), Err(StorageError::DiskFull(_))));
        assert_eq!(storage.read("peer", text).expect("read"), Reading::Value("old".into()));
        storage.write("peer", b"new").expect("the failed try left no litter that fills the disk");
        assert!(disk.remount_read_only());
        assert!(matches!(storage.write("peer", b"newer"), Err(StorageError::ReadOnly(_))));
        assert_eq!(storage.read("peer", text).expect("read"), Reading::Value("new".into()));
    }

    struct SmallDisk<'p>(&'p Path);

    impl<'p> SmallDisk<'p> {
        fn mount(at: &'p Path) -> Option<Self> {
            let options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
            let root = nix::unistd::geteuid().is_root();
            (root && run(Command::new("mount").args(options).arg(at))).then_some(Self(at))
        }

        fn remount_read_only(&self) -> bool {
            run(Command::new("mount").args(["-o", "remount,ro"]).arg(self.0))
        }
    }

    impl Drop for SmallDisk<'_> {
        fn drop(&mut self) {
            run(Command::new("umount").arg(self.0));
        }
    }

    fn run(command: &mut Command) -> bool {
        command.status().is_ok_and(|status| status.success())
    }
}
