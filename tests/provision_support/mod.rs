//! A bench: a table, the files made from it, and boxes that take them, all below one directory.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]
#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]

use ring::digest::{SHA256, digest};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_engawa");
pub const HEADER: &str = "pair,room_a,room_b,address_a,address_b,gateway_a,gateway_b,mac_a,mac_b,dials,ceiling_kbps,language,hours,pin,printer";

pub struct Bench(pub TempDir);

impl Bench {
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("engawa-bench-").tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn provision(&self, table: impl AsRef<[u8]>, out: &str) -> Output {
        std::fs::write(self.path("pairs.csv"), table).unwrap();
        Command::new(BINARY)
            .arg("provision")
            .arg(self.path("pairs.csv"))
            .arg("--out")
            .arg(self.path(out))
            .output()
            .unwrap()
    }

    /// One pair, 市民課 and 北支所; the files of both boxes.
    pub fn one_pair(&self, out: &str) -> [PathBuf; 2] {
        let table = "pair,room_a,room_b,address_a,address_b,ceiling_kbps,pin\n本庁,市民課,北支所,192.0.2.10/24,192.0.2.20/24,2000,482913\n";
        let made = self.provision(table, out);
        assert!(made.status.success(), "{made:?}");
        ["市民課", "北支所"].map(|room| self.path(out).join("本庁").join(room).join("engawa-box.toml"))
    }

    pub fn new_box(&self, name: &str) -> TakingBox {
        let home = self.path(name);
        for part in ["etc", "state", "cards/eth0"] {
            std::fs::create_dir_all(home.join(part)).unwrap();
        }
        std::fs::write(home.join("cards/eth0/address"), "00:1a:2b:3c:4d:5e\n").unwrap();
        TakingBox(home)
    }
}

/// A box that has a disk and nothing else.
pub struct TakingBox(pub PathBuf);

impl TakingBox {
    pub fn command(&self, source: &Path) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("take").arg(source).arg("--etc").arg(self.etc()).arg("--state").arg(self.state());
        command.arg("--cards").arg(self.0.join("cards")).arg("--report").arg(self.report_file());
        command
    }

    /// Its report.
    pub fn take(&self, source: &Path) -> Value {
        let output = self.command(source).output().unwrap();
        let report = self.report();
        let refused = report["outcome"] == "refused";
        assert_eq!(output.status.code(), Some(if refused { 2 } else { 0 }), "{output:?} {report}");
        let said = String::from_utf8(if refused { output.stderr } else { output.stdout }).unwrap();
        for language in ["japanese", "english"] {
            assert!(said.contains(report[language].as_str().unwrap()), "{said}\n{report}");
        }
        report
    }

    pub fn report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.report_file()).unwrap()).unwrap()
    }

    pub fn report_file(&self) -> PathBuf {
        self.0.join("run/report.json")
    }

    pub fn etc(&self) -> PathBuf {
        self.0.join("etc")
    }

    pub fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Every file of it with its content.
    pub fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for part in [self.etc(), self.state()] {
            for entry in std::fs::read_dir(part).unwrap() {
                let path = entry.unwrap().path();
                found.push((path.clone(), std::fs::read(path).unwrap_or_default()));
            }
        }
        found.sort();
        found
    }
}

/// The file with a part of its text changed and the sum made right again: a mistake of a program, not of a copy.
pub fn with_sum(text: &str) -> String {
    let at = text.rfind("\n[end]\n").unwrap() + "\n[end]\n".len();
    let sum: String =
        digest(&SHA256, &text.as_bytes()[..at]).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}sha256 = \"{sum}\"\n", &text[..at])
}

/// The line of the private key.
pub fn private_line(text: &str) -> &str {
    let rest = text.split_once("[private]\n").unwrap().1;
    rest.split_once('\n').unwrap().0
}

/// As `engawa stick wipe` leaves it.
pub fn wiped(text: &str) -> String {
    let digits = private_line(text).split('"').nth(1).unwrap();
    text.replace(digits, &"0".repeat(digits.len()))
}
