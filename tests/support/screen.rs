//! A box's screen whose pictures are files, and whether a drawn page stands on it.

use super::boxes::Pair;
use super::lab::End;
use super::wait_for;
use engawa::pages::Picture;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct Screen(PathBuf);

impl Screen {
    /// Before the box starts.
    pub fn open(pair: &Pair<'_>, end: End) -> Self {
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

    /// Where the picture's upper left corner stands.
    pub fn place(&self, picture: &Picture) -> Option<(usize, usize)> {
        self.place_of_rows(picture, picture.height)
    }

    /// The same, only there: quickly, until the screen moves against burn-in.
    pub fn shows_at(&self, picture: &Picture, (x, y): (usize, usize)) -> bool {
        let Some(screen) = self.newest() else { return false };
        let width = picture.width as usize * 4;
        let row = |at: usize| &screen[((y + at) * 1280 + x) * 4..][..width];
        let same = |(one, other): (&[u8], &[u8])| one[..3] == other[..3];
        picture
            .bgrx
            .chunks_exact(width)
            .enumerate()
            .all(|(at, wanted)| wanted.chunks(4).zip(row(at).chunks(4)).all(same))
    }

    /// The same of all but its foot, where the box says that the rest is still coming.
    pub fn shows_early(&self, picture: &Picture) -> bool {
        self.place_of_rows(picture, picture.height * 9 / 10).is_some()
    }

    /// Blue, green, red there now.
    pub fn colour(&self, (x, y): (usize, usize)) -> Option<[u8; 3]> {
        self.newest()?.get((y * 1280 + x) * 4..)?.first_chunk::<3>().copied()
    }

    /// Whether one of these stands there, or as far from it as the screen moves against burn-in: four pixels.
    pub fn has_near(&self, (x, y): (usize, usize), colours: &[[u8; 3]]) -> bool {
        let Some(screen) = self.newest() else { return false };
        let at = |x: usize, y: usize| screen[(y * 1280 + x) * 4..].first_chunk::<3>().copied();
        (y - 4..=y + 4).any(|y| (x - 4..=x + 4).any(|x| at(x, y).is_some_and(|colour| colours.contains(&colour))))
    }

    /// Width, height and the newest picture, four bytes a pixel: blue, green, red.
    pub fn picture(&self) -> Option<(usize, usize, Vec<u8>)> {
        Some((1280, 720, self.newest()?))
    }

    /// Where its pictures lie.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    fn place_of_rows(&self, picture: &Picture, rows: u32) -> Option<(usize, usize)> {
        let screen = self.newest()?;
        let width = picture.width as usize;
        let rows: Vec<Vec<[u8; 3]>> = picture.bgrx.chunks_exact(4 * width).take(rows as usize).map(colours).collect();
        let row = |x: usize, y: usize| colours(&screen[(y * 1280 + x) * 4..][..width * 4]);
        let place = |x: usize, y: usize| rows.iter().enumerate().all(|(at, wanted)| row(x, y + at) == *wanted);
        (270..305).flat_map(|x| (10..35).map(move |y| (x, y))).find(|(x, y)| place(*x, *y))
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
        // What is still being written has another name, and its whole length already.
        files.retain(|(_, path)| path.extension().is_some_and(|extension| extension == "bgrx"));
        let whole = |path: &PathBuf| std::fs::read(path).ok().filter(|bytes| bytes.len() == 1280 * 720 * 4);
        files.iter().rev().find_map(|(_, path)| whole(path))
    }
}

fn colours(row: &[u8]) -> Vec<[u8; 3]> {
    row.chunks_exact(4).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

pub fn both_show(screens: &[Screen; 2], picture: &Picture, limit: Duration) {
    let both = || screens.iter().all(|screen| screen.shows(picture)).then_some(());
    let shown = || [0, 1].map(|at| screens[at].shows(picture));
    assert!(wait_for(limit, both).is_some(), "not on both screens: {:?}", shown());
}
