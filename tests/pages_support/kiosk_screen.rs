//! Kiosk screens of two daemons as files, and a document to stand on them.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "test support: a failure is a failed test")]

use crate::pages_support::pdf;
use crate::support::boxes::{Pair, Setup};
use crate::support::lab::End;
use crate::support::wait_for;
use engawa::pages::Picture;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A screen whose pictures are files.
pub struct Screen(PathBuf);

impl Screen {
    fn open(pair: &Pair<'_>, end: End) -> Self {
        let directory = pair.directory().join(format!("wide-{end:?}"));
        std::fs::create_dir_all(&directory).unwrap();
        let sink = format!(
            "gst:videoconvert ! video/x-raw,format=BGRx,width=1280,height=720 ! multifilesink location={}/%06d.bgrx max-files=4",
            directory.display()
        );
        pair.configure(end, "screen", "sink", &toml::Value::from(sink).to_string());
        Self(directory)
    }

    /// Whether the picture stands on it somewhere near its place, without one pixel of difference.
    pub fn shows(&self, picture: &Picture) -> bool {
        self.place(picture).is_some()
    }

    /// Where its upper left corner stands.
    pub fn place(&self, picture: &Picture) -> Option<(usize, usize)> {
        let screen = self.newest()?;
        let rows =
            |picture: &Picture| picture.bgrx.chunks_exact(4 * WIDE as usize).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let rows: Vec<Vec<[u8; 3]>> = rows(picture).iter().map(|row| colours(row)).collect();
        let row = |x: usize, y: usize| colours(&screen[(y * 1280 + x) * 4..][..rows[0].len() * 4]);
        let place = |x: usize, y: usize| rows.iter().enumerate().all(|(at, wanted)| row(x, y + at) == *wanted);
        (270..305).flat_map(|x| (10..35).map(move |y| (x, y))).find(|(x, y)| place(*x, *y))
    }

    /// Where its pictures lie.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// Blue, green, red there now.
    pub fn colour(&self, (x, y): (usize, usize)) -> Option<[u8; 3]> {
        let screen = self.newest()?;
        screen.get((y * 1280 + x) * 4..)?.first_chunk::<3>().copied()
    }

    /// For somebody to look at, if the environment names a directory.
    pub fn photograph(&self, name: &str) {
        let (Some(directory), Some(screen)) = (std::env::var_os("ENGAWA_SHOTS"), self.newest()) else { return };
        let rgb = screen.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]);
        let picture: Vec<u8> = b"P6 1280 720 255\n".iter().copied().chain(rgb).collect();
        std::fs::write(PathBuf::from(directory).join(format!("{name}.ppm")), picture).unwrap();
    }

    fn newest(&self) -> Option<Vec<u8>> {
        let entries = std::fs::read_dir(&self.0).ok()?.flatten();
        let mut files: Vec<_> =
            entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        files.sort();
        let whole = |path: &PathBuf| std::fs::read(path).ok().filter(|bytes| bytes.len() == 1280 * 720 * 4);
        files.iter().rev().find_map(|(_, path)| whole(path))
    }
}

fn colours(row: &[u8]) -> Vec<[u8; 3]> {
    row.chunks_exact(4).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

pub fn both_show(screens: &[Screen; 2], picture: &Picture) {
    let both = || screens.iter().all(|screen| screen.shows(picture)).then_some(());
    let shown = || [0, 1].map(|at| screens[at].shows(picture));
    assert!(wait_for(LIMIT, both).is_some(), "not on both screens: {:?}", shown());
}

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
