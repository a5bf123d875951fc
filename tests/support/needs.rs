//! What some tests need and a machine may lack. Here alone is decided whether such a test runs.
//!
//! Without root it returns early and counts as passed: the `preflight` example says beforehand which ones, because the
//! runner hides their words. As root what is lacking and could be installed fails the test; only what the kernel refuses is skipped.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]
#![allow(clippy::print_stderr, reason = "says that it was skipped")]

use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Namespaces, cables, rate limits, packet filters.
    Line,
    /// A capture of what crosses a cable.
    Capture,
    /// An X server of the test's own, and screenshots of it.
    Screen,
    /// A wall clock that is wrong.
    FalseClock,
    /// A disk that can be filled, and files of other users.
    Disk,
    /// A print server of the test's own.
    Spooler,
    /// The other browser.
    Firefox,
    /// A Debian package.
    Package,
    /// Debian systems to install it in.
    Debian,
    /// Images of USB sticks.
    Sticks,
    /// Signed bundles, GRUB's notes, a signing time long ago.
    Updates,
    /// A virtual machine with UEFI firmware, and a Debian mirror for what starts in it.
    Machine,
}

/// Why a need is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    Root,
    Tool(&'static str),
    /// This kernel, or the container, says no even to root.
    Refused(&'static str),
}

impl Need {
    pub const ALL: [Self; 12] = [
        Self::Line,
        Self::Capture,
        Self::Screen,
        Self::FalseClock,
        Self::Disk,
        Self::Spooler,
        Self::Firefox,
        Self::Package,
        Self::Debian,
        Self::Sticks,
        Self::Updates,
        Self::Machine,
    ];

    /// Whether a test that needs it can run here.
    ///
    /// # Panics
    /// As root, when something is not installed.
    pub fn met(self) -> bool {
        let Some(lack) = self.lack() else { return true };
        assert!(
            !is_root() || matches!(lack, Lack::Refused(_)),
            "{}; packaging/apt-test.txt names what a test needs, and `make test` installs it",
            lack.words()
        );
        eprintln!("skipped: {}", lack.words());
        false
    }

    pub fn lack(self) -> Option<Lack> {
        let needs_root = match self {
            Self::Line
            | Self::Capture
            | Self::FalseClock
            | Self::Disk
            | Self::Spooler
            | Self::Debian
            | Self::Machine => true,
            Self::Screen | Self::Firefox | Self::Package | Self::Sticks | Self::Updates => false,
        };
        if needs_root && !is_root() {
            return Some(Lack::Root);
        }
        if let Some(tool) = self.tools().iter().find(|tool| !is_there(tool)) {
            return Some(Lack::Tool(tool));
        }
        match self {
            Self::Line | Self::Capture if !root_may(&["--net", "true"]) => Some(Lack::Refused("network namespaces")),
            Self::Disk | Self::Debian if !root_may(&["--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]) => {
                Some(Lack::Refused("mounts"))
            }
            Self::FalseClock if !has_faketime() => Some(Lack::Tool("libfaketime")),
            Self::Line
            | Self::Capture
            | Self::Screen
            | Self::FalseClock
            | Self::Disk
            | Self::Spooler
            | Self::Firefox
            | Self::Package
            | Self::Debian
            | Self::Sticks
            | Self::Updates
            | Self::Machine => None,
        }
    }

    /// Which tests it is for.
    pub const fn tests(self) -> &'static str {
        match self {
            Self::Line => "the line between two rooms: tests/net_*.rs, tests/mitm_*.rs",
            Self::Capture => "what crosses a cable: tests/net_airgap.rs",
            Self::Screen => "what stands on the screen: tests/*_screen.rs",
            Self::FalseClock => "wrong clocks: tests/net_airgap.rs",
            Self::Disk => "full disks and other users' files: tests/durable.rs, tests/system_*.rs",
            Self::Spooler => "printing with lp: tests/e2e_print.rs",
            Self::Package => "what the Debian package holds: tests/package.rs",
            Self::Debian => "the package on Debian 12 and 13: tests/package.rs",
            Self::Firefox => "a screen shared from Firefox: tests/e2e_live_firefox.rs",
            Self::Sticks => "sticks as PCs format them: tests/stick*.rs",
            Self::Updates => "signed updates: tests/update*.rs",
            Self::Machine => "the image in a virtual machine: tests/vm_boot.rs",
        }
    }

    const fn tools(self) -> &'static [&'static str] {
        match self {
            Self::Line => &["unshare", "ip", "nft", "tc", "sysctl", "ss"],
            Self::Capture => &["ip", "tcpdump"],
            Self::Screen => &["Xvfb", "xwd"],
            Self::Disk => &["unshare", "mount", "umount"],
            Self::FalseClock => &[],
            Self::Firefox => &["firefox-esr", "node"],
            Self::Package => &["dpkg-deb", "strip"],
            Self::Debian => &["dpkg-deb", "strip", "mmdebstrap", "unshare", "mount", "flock"],
            Self::Sticks => &["mkfs.vfat", "fsck.vfat", "mcopy", "mdel"],
            Self::Updates => &["rauc", "mksquashfs", "openssl", "faketime", "grub-editenv", "dpkg"],
            Self::Machine => {
                &["qemu-system-x86_64", "mmdebstrap", "mksquashfs", "sfdisk", "mkfs.fat", "mcopy", "rauc", "python3"]
            }
            Self::Spooler => &["cupsd", "lpadmin", "lp"],
        }
    }
}

impl Lack {
    pub fn words(&self) -> String {
        match self {
            Self::Root => "needs root".to_owned(),
            Self::Tool(tool) => format!("{tool} is not installed"),
            Self::Refused(what) => format!("this kernel refuses {what} even to root"),
        }
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn is_there(tool: &str) -> bool {
    ["/usr/local/bin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].iter().any(|room| Path::new(room).join(tool).exists())
}

fn has_faketime() -> bool {
    let rooms = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    rooms.into_iter().any(|room| room.path().join("faketime/libfaketimeMT.so.1").exists())
}

fn root_may(words: &[&str]) -> bool {
    let tried = Command::new("unshare").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}
