//! A disk that can be filled and made read-only, for tests that run as root.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(at: &Path, size: &str) -> Self {
        let disk = Self(at.to_owned());
        disk.run(&["mount", "-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        disk
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Until not a byte is free.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }

    pub fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }

    pub fn run(&self, words: &[&str]) {
        assert!(Command::new(words[0]).args(&words[1..]).arg(&self.0).status().unwrap().success(), "{words:?}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
