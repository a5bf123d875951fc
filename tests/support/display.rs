//! An X server of a test's own, and screenshots of it.
//!
//! Stands alone but for `needs`, so that a test binary can take this file and nothing else of the test line.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, missing_docs, reason = "test support has no outside")]
#![allow(
    clippy::disallowed_methods,
    reason = "the test line is outside the core: it waits in real time, with deadlines"
)]

use super::needs::Need;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// An X server, ended with its guard.
pub struct Xvfb {
    child: Child,
    pub display: String,
}

impl Xvfb {
    /// None where that is not possible.
    pub fn start(width: u32, height: u32) -> Option<Self> {
        Need::Screen.met().then(|| Self::launch(width, height))
    }

    fn launch(width: u32, height: u32) -> Self {
        // Xvfb chooses a free display and writes its number down.
        let directory = tempfile::tempdir().expect("a directory");
        let number = directory.path().join("number");
        let command = format!(
            "exec Xvfb -displayfd 3 -screen 0 {width}x{height}x24 -nolisten tcp -noreset 3>{}",
            number.display()
        );
        let mut shell = Command::new("sh");
        let child = shell.args(["-c", &command]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell");
        let mut server = Self { child, display: String::new() };
        for _ in 0..TRIES {
            let read = std::fs::read_to_string(&number).unwrap_or_default();
            if read.ends_with('\n') {
                server.display = format!(":{}", read.trim());
                return server;
            }
            assert!(matches!(server.child.try_wait(), Ok(None)), "Xvfb does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("Xvfb is not ready in time")
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A screenshot.
pub struct Shot {
    pub width: usize,
    pub height: usize,
    rgb: Vec<[u8; 3]>,
}

impl Shot {
    /// Of the whole display.
    pub fn of(display: &str) -> Self {
        let xwd = Command::new("xwd").args(["-silent", "-root", "-display", display]).output().expect("xwd runs");
        assert!(xwd.status.success(), "{}", String::from_utf8_lossy(&xwd.stderr));
        Self::read(&xwd.stdout)
    }

    /// Reads an XWD dump of a 24-bit screen (X11/XWDFile.h: big-endian header, then colours, then BGRX rows).
    fn read(dump: &[u8]) -> Self {
        let word = |index: usize| u32::from_be_bytes(dump[index * 4..index * 4 + 4].try_into().expect("four")) as usize;
        let (width, height, stride) = (word(4), word(5), word(12));
        let pixels = &dump[word(0) + word(19) * 12..];
        let rgb = (0..height)
            .flat_map(|y| (0..width).map(move |x| y * stride + x * 4))
            .map(|at| [pixels[at + 2], pixels[at + 1], pixels[at]])
            .collect();
        Self { width, height, rgb }
    }

    pub fn part(&self, x: Range<usize>, y: Range<usize>) -> impl Iterator<Item = [u8; 3]> {
        y.flat_map(move |y| x.clone().map(move |x| self.rgb[y * self.width + x]))
    }

    /// Greatest difference between the colours of one pixel: 0 is grey.
    pub fn colour(&self, x: Range<usize>, y: Range<usize>) -> u8 {
        self.part(x, y).map(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b)).max().expect("not empty")
    }

    /// Mean red, green and blue.
    pub fn mean(&self, x: Range<usize>, y: Range<usize>) -> [u8; 3] {
        let count = (x.len() * y.len()) as u64;
        let sum = self.part(x, y).fold([0_u64; 3], |sum, pixel| [0, 1, 2].map(|c| sum[c] + u64::from(pixel[c])));
        sum.map(|total| u8::try_from(total / count).expect("a mean"))
    }

    pub fn bright(&self, x: Range<usize>, y: Range<usize>) -> usize {
        self.part(x, y).filter(|[r, g, b]| *r > 235 && *g > 235 && *b > 235).count()
    }

    /// Looked at by people: `ENGAWA_SHOTS=directory` keeps it there.
    pub fn keep(&self, name: &str) {
        let Some(directory) = std::env::var_os("ENGAWA_SHOTS").map(PathBuf::from) else { return };
        let mut ppm = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        ppm.extend(self.rgb.iter().flatten());
        std::fs::write(Path::new(&directory).join(name), ppm).expect("written");
    }
}

const TRIES: usize = 500;
