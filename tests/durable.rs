//! State files: whole or not at all, private, set aside when unreadable, and the daemon's own whoever writes them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;
#[path = "support/disk.rs"]
mod small_disk;

use engawa::durable;
use needs::Need;
use small_disk::SmallDisk;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

fn content(path: &Path) -> Vec<u8> {
    durable::read(path, 1024 * 1024).unwrap().unwrap()
}

fn names(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn what_was_written_is_read_and_only_its_owner_may_read_it() {
    let home = tempfile::tempdir().unwrap();
    let (directory, path) = (home.path().join("state"), home.path().join("state/peer"));
    assert_eq!(durable::read(&path, 10).unwrap(), None);
    durable::create(&path, b"one").unwrap();
    assert_eq!(durable::create(&path, b"other").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(content(&path), b"one");
    durable::replace(&path, b"two").unwrap();
    assert_eq!(content(&path), b"two");
    assert_eq!(durable::read(&path, 2).unwrap_err().kind(), ErrorKind::FileTooLarge);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&path), mode(&directory)), (0o600, 0o700));
    durable::probe(&directory).unwrap();
    assert_eq!(names(&directory), 1, "nothing is left beside it");
}

#[test]
fn setting_aside_is_bounded_and_keeps_the_first_findings() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("peer");
    for number in 1..=13_u8 {
        durable::replace(&path, &[number]).unwrap();
        let kept = durable::set_aside(&path).unwrap();
        assert_eq!(content(&kept), [number]);
        assert!(!path.exists());
    }
    assert_eq!(content(&home.path().join("peer.unreadable-1")), [1]);
    assert_eq!(content(&home.path().join("peer.unreadable-8")), [13]);
    assert_eq!(names(home.path()), 8);
}

#[test]
fn a_full_or_read_only_disk_is_named_and_the_old_file_stands() {
    if !Need::Disk.met() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(home.path(), "64k");
    let path = disk.path().join("peer");
    durable::replace(&path, b"old").unwrap();
    let full = durable::replace(&path, &[7; 512 * 1024]).unwrap_err();
    assert_eq!((full.kind(), full.to_string().as_str()), (ErrorKind::StorageFull, "the disk is full"));
    assert_eq!(content(&path), b"old");
    durable::replace(&path, b"new").expect("the failed try left no litter that fills the disk");
    disk.run(&["mount", "-o", "remount,ro"]);
    let refused = durable::replace(&path, b"newer").unwrap_err();
    assert_eq!(refused.to_string(), "the disk is read-only");
    assert_eq!(durable::probe(disk.path()).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    assert_eq!(content(&path), b"new");
}

#[test]
fn what_root_writes_belongs_to_the_owner_of_the_directory() {
    if !Need::Disk.met() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("peer");
    chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let owner = || fs::metadata(&path).map(|file| (file.uid(), file.gid(), file.mode() & 0o777)).unwrap();
    durable::create(&path, b"one").unwrap();
    assert_eq!(owner(), (NOBODY, NOBODY, 0o600));
    chown(&path, Some(0), Some(0)).unwrap();
    durable::replace(&path, b"two").unwrap();
    assert_eq!(owner(), (NOBODY, NOBODY, 0o600));
}

const NOBODY: u32 = 65_534;
