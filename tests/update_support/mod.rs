//! A builder's keys, the bundles that they sign, and a box that is offered them: the real rauc, openssl and grub-editenv.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]
#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]

use engawa::update::{Place, Source, Wish};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_engawa");
pub const RUNNING: &str = "0.1.0+20261123.0214";
pub const NEWER: &str = "0.1.0+20261201.0900";
pub const LONG_AGO: &str = "2025-01-01 12:00:00";
pub const HOURS_LATER: &str = "2025-01-01 18:00:00";

/// Where bundles are built.
pub struct Builder(pub TempDir);

impl Builder {
    pub fn new() -> Self {
        let builder = Self(tempfile::Builder::new().prefix("engawa-update-").tempdir().unwrap());
        let content = builder.path("content");
        std::fs::create_dir(&content).unwrap();
        std::fs::write(content.join("noise"), noise(300_000)).unwrap();
        done(Command::new("mksquashfs").args([&content, &builder.path("root.squashfs")]).arg("-no-progress"));
        builder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A pair of keys, as `make image` makes it.
    pub fn keys(&self, name: &str) -> PathBuf {
        let keys = self.path(name);
        done(Command::new(root("packaging/image/keys.sh")).arg(&keys));
        keys
    }

    /// A bundle, as `make bundle` makes it.
    pub fn bundle(&self, keys: &Path, release: &str) -> Vec<u8> {
        let bundle = self.path("made.raucb");
        done(
            Command::new(root("packaging/image/bundle.sh"))
                .env("CARGO_TARGET_DIR", self.path("target"))
                .env("ENGAWA_ROOT", self.path("root.squashfs"))
                .env("ENGAWA_RELEASE", release)
                .env("ENGAWA_SIGN_CERT", keys.join("signer.pem"))
                .env("ENGAWA_SIGN_KEY", keys.join("signer.key"))
                .env("ENGAWA_KEYRING", keys.join("ca.pem"))
                .env("ENGAWA_BUNDLE", &bundle),
        );
        std::fs::read(bundle).unwrap()
    }

    /// One that `make bundle` would not make.
    pub fn odd_bundle(&self, keys: &Path, format: &str, compatible: &str, clock: Option<&str>) -> Vec<u8> {
        let (content, bundle) = (self.path("odd"), self.path("odd.raucb"));
        let _none = std::fs::remove_file(&bundle);
        std::fs::create_dir_all(&content).unwrap();
        std::fs::copy(self.path("root.squashfs"), content.join("rootfs.img")).unwrap();
        let manifest = format!(
            "[update]\ncompatible={compatible}\nversion={NEWER}\n\n[bundle]\nformat={format}\n\n[image.rootfs]\nfilename=rootfs.img\n"
        );
        std::fs::write(content.join("manifest.raucm"), manifest).unwrap();
        let mut command = at(clock, "rauc");
        command.arg(format!("--cert={}", keys.join("signer.pem").display()));
        command.arg(format!("--key={}", keys.join("signer.key").display()));
        done(command.arg("bundle").arg(&content).arg(&bundle));
        std::fs::read(bundle).unwrap()
    }

    /// A box that trusts these keys and runs [`RUNNING`].
    pub fn new_box(&self, name: &str, keys: &Path) -> UpdatedBox {
        let home = self.path(name);
        std::fs::create_dir(&home).unwrap();
        let shipped = std::fs::read_to_string(root("packaging/image/rootfs/etc/rauc/system.conf")).unwrap();
        let trusted = shipped.replace("/etc/rauc/keyring.pem", keys.join("ca.pem").to_str().unwrap());
        assert_ne!(shipped, trusted);
        std::fs::write(home.join("system.conf"), trusted).unwrap();
        std::fs::write(home.join("release"), format!("{RUNNING}\n")).unwrap();
        UpdatedBox(home)
    }
}

pub struct UpdatedBox(pub PathBuf);

impl UpdatedBox {
    pub fn place(&self) -> Place {
        Place::new(self.0.join("update")).telling(self.0.join("report.json")).remembering(self.0.join("rolled-back"))
    }

    /// Offers a bundle; what is told of it then.
    pub fn offer(&self, source: Source, wish: Wish, bundle: &[u8]) -> Value {
        let mut incoming = self.place().begin(source, bundle.len() as u64).unwrap();
        incoming.write(bundle).unwrap();
        incoming.finish().unwrap();
        self.place().wish(wish).unwrap();
        let carried_out = self.carry_out(None);
        assert!(matches!(carried_out.status.code(), Some(0..=2)), "{carried_out:?}");
        self.report()
    }

    pub fn carry_out(&self, clock: Option<&str>) -> Output {
        let mut command = at(clock, BINARY);
        command.args(["update", "carry-out", "--systemctl", "/bin/false"]);
        for (flag, file) in [
            ("--place", "update"),
            ("--report", "report.json"),
            ("--rolled-back", "rolled-back"),
            ("--rauc-config", "system.conf"),
            ("--came-up", "came-up"),
            ("--release", "release"),
            ("--socket", "no.sock"),
        ] {
            command.arg(flag).arg(self.0.join(file));
        }
        command.output().unwrap()
    }

    pub fn report(&self) -> Value {
        serde_json::to_value(self.place().report()).unwrap()
    }
}

/// A program, by a clock that stands elsewhere.
pub fn at(clock: Option<&str>, program: &str) -> Command {
    match clock {
        Some(clock) => {
            let mut command = Command::new("faketime");
            command.args(["-f", &format!("@{clock}"), program]);
            command
        }
        None => Command::new(program),
    }
}

pub fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The same noise everywhere.
pub fn noise(length: usize) -> Vec<u8> {
    let mut seed = 7_u64;
    (0..length)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        })
        .collect()
}
