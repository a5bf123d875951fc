//! Images of USB sticks, made as PCs make them.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]
#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]

use crate::provision_support::{BINARY, Bench, TakingBox};
use engawa::provision::fat::Source;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

/// Width of the table, size in KiB, sectors a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Kind(pub &'static str, pub u32, pub &'static str);

pub const KINDS: [Kind; 3] = [Kind("12", 1440, "1"), Kind("16", 8_192, "1"), Kind("32", 40_960, "1")];

pub struct Stick(pub PathBuf);

impl Stick {
    pub fn new(bench: &Bench, Kind(width, kib, cluster): Kind) -> Self {
        let stick = Self::of(bench, &[]);
        std::fs::File::options().write(true).open(&stick.0).unwrap().set_len(u64::from(kib) * 1024).unwrap();
        run(Command::new("mkfs.vfat").args(["-F", width, "-s", cluster, "-n", "ENGAWA"]).arg(&stick.0));
        stick
    }

    pub fn of(bench: &Bench, bytes: &[u8]) -> Self {
        let path = bench.path(&format!("stick-{}.img", std::fs::read_dir(bench.0.path()).unwrap().count()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    pub fn put(&self, file: &Path, name: &str) {
        run(Command::new("mcopy").arg("-i").arg(&self.0).arg(file).arg(format!("::{name}")));
    }

    pub fn put_bytes(&self, bench: &Bench, name: &str, bytes: &[u8]) {
        let path = bench.path("put");
        std::fs::write(&path, bytes).unwrap();
        self.put(&path, name);
    }

    /// Gaps of one cluster at the front, so that the next file lies in pieces.
    pub fn leave_gaps(&self, bench: &Bench) {
        let name = |number: usize| format!("GAP{number}");
        (0..40).for_each(|number| self.put_bytes(bench, &name(number), &[1; 512]));
        (0..40).step_by(2).for_each(|number| {
            run(Command::new("mdel").arg("-i").arg(&self.0).arg(format!("::{}", name(number))));
        });
        // FAT32 notes where the free space goes on; without it the gaps are found.
        let mut bytes = std::fs::read(&self.0).unwrap();
        if &bytes[512..516] == b"RRaA" {
            bytes[512 + 492..512 + 496].fill(0xFF);
            std::fs::write(&self.0, bytes).unwrap();
        }
    }

    pub fn read(&self, into: &Path) -> Output {
        Command::new(BINARY).args(["stick", "read"]).arg(&self.0).arg("--into").arg(into).output().unwrap()
    }

    pub fn wipe(&self, kiosk: &TakingBox) -> Output {
        Command::new(BINARY)
            .args(["stick", "wipe"])
            .arg(&self.0)
            .arg("--report")
            .arg(kiosk.report_file())
            .output()
            .unwrap()
    }

    pub fn fsck(&self) -> ExitStatus {
        Command::new("fsck.vfat").arg("-n").arg(&self.0).stdout(Stdio::null()).status().unwrap()
    }
}

/// Bytes as a device.
pub struct Bytes<'b>(pub &'b [u8]);

impl Source for Bytes<'_> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

pub fn found(into: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(into.join("found.json")).unwrap()).unwrap()
}

pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The same noise everywhere.
pub fn noise(length: usize) -> Vec<u8> {
    let mut seed = 7;
    (0..length).map(|_| roll(&mut seed) as u8).collect()
}

/// SplitMix64.
pub fn roll(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn run(command: &mut Command) {
    // mtools would find a small image's geometry odd, and ask a terminal.
    let output = command.env("MTOOLS_SKIP_CHECK", "1").env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
