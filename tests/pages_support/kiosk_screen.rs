//! Two rooms with a screen each, and a document to stand on both.

#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]
#![allow(dead_code, reason = "each test binary uses a part")]

use crate::pages_support::pdf;
use crate::support::boxes::{Pair, Setup};
use crate::support::lab::End;
use crate::support::screen::Screen;
use std::time::Duration;

/// Two daemons with a screen each, microphones closed.
pub fn rooms() -> (Pair<'static>, [Screen; 2]) {
    let setup = Setup { size: "320x180".into(), microphone: "closed".into(), ..Setup::default() };
    let mut pair = Pair::prepare(None, &setup);
    let screens = End::BOTH.map(|end| Screen::open(&pair, end));
    pair.start_both();
    (pair, screens)
}

/// A file of so many A4 pages, each with a pattern of its own.
pub fn document(pair: &Pair<'_>, pages: usize) -> (String, Vec<u8>) {
    let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", 3 + 2 * page)).collect();
    let tree = format!("<< /Type /Pages /Kids [{}] /Count {pages} >>", kids.join(" "));
    let mut objects = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), tree.into_bytes()];
    for page in 0..pages {
        let contents = format!("/Contents {} 0 R", 4 + 2 * page);
        objects.push(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {contents} >>").into_bytes());
        let bars: String =
            (0..20).map(|bar| format!("{} {} 400 {} re f\n", 50 + page * 3, 40 + bar * 40, 3 + page)).collect();
        objects.push(format!("<< /Length {} >>\nstream\n{bars}endstream", bars.len()).into_bytes());
    }
    let (bytes, path) = (pdf(&objects), pair.directory().join("plan.pdf"));
    std::fs::write(&path, &bytes).unwrap();
    (path.to_string_lossy().into_owned(), bytes)
}

/// Pixels of an A4 page on a screen of 1280 × 720.
pub const WIDE: u32 = 382;
pub const HIGH: u32 = 540;
pub const LIMIT: Duration = Duration::from_secs(20);
