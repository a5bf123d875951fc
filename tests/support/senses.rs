//! What a person in the room would see and hear: the screen and the speaker of a box write files, and a test reads them.
//!
//! Decoded on the far side of a real session and compared with what the other box's camera drew; nothing here asks the box.

use super::boxes::Pair;
use super::lab::End;
use super::wait_for;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Looks at one box's screen.
pub struct Eyes {
    directory: PathBuf,
}

/// Listens to one box's speaker.
pub struct Ears {
    file: PathBuf,
}

/// Red, green, blue.
pub type Colour = [u8; 3];

/// One picture as it stood on the screen.
pub struct View {
    rgb: Vec<u8>,
}

impl Eyes {
    /// Gives the box a screen to look at; before its start.
    pub fn open(pair: &Pair, end: End) -> Self {
        let directory = pair.directory().join(format!("screen-{end:?}"));
        std::fs::create_dir_all(&directory).unwrap();
        let frames = directory.join("%06d.rgb");
        pair.configure(
            end,
            "screen",
            "sink",
            &toml::Value::from(format!(
                "gst:videoconvert ! videoscale ! video/x-raw,format=RGB,width={WIDTH},height={HEIGHT} \
                 ! multifilesink location={} max-files=4",
                frames.display()
            ))
            .to_string(),
        );
        Self { directory }
    }

    /// The newest whole picture. By its time, not its number: a box that was started again counts from nought.
    pub fn view(&self) -> Option<View> {
        let written = |entry: std::fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
        let mut files: Vec<_> = std::fs::read_dir(&self.directory).ok()?.flatten().filter_map(written).collect();
        files.sort();
        // What is still being written has another name, and its whole length already; the oldest is just being removed.
        files.retain(|(_, path)| path.extension().is_some_and(|extension| extension == "rgb"));
        let whole = |path: &PathBuf| std::fs::read(path).ok().filter(|rgb| rgb.len() == WIDTH * HEIGHT * 3);
        files.iter().rev().find_map(|(_, path)| whole(path)).map(|rgb| View { rgb })
    }

    /// Waits until the left and the right half are these colours.
    pub fn wait_for_halves(&self, expected: [Colour; 2], limit: Duration) {
        let near = |seen: [Colour; 2]| (0..2).all(|half| distance(seen[half], expected[half]) <= TOLERANCE);
        let seen = || self.view().map(|view| view.halves());
        let found = wait_for(limit, || seen().filter(|seen| near(*seen)));
        assert!(found.is_some(), "expected {expected:?} left and right, seen {:?}", seen());
    }
}

impl View {
    /// Mean colour of the left and the right half, leaving out edges and the seam.
    pub fn halves(&self) -> [Colour; 2] {
        [self.mean(WIDTH / 10..WIDTH * 4 / 10), self.mean(WIDTH * 6 / 10..WIDTH * 9 / 10)]
    }

    /// Pixels in the upper half that are so.
    pub fn count(&self, so: impl Fn(Colour) -> bool) -> usize {
        let upper = &self.rgb[..WIDTH * HEIGHT / 2 * 3];
        upper.chunks_exact(3).filter(|pixel| so([pixel[0], pixel[1], pixel[2]])).count()
    }

    fn mean(&self, columns: std::ops::Range<usize>) -> Colour {
        let mut sum = [0_u64; 3];
        let mut count = 0;
        for row in HEIGHT / 10..HEIGHT / 2 {
            for column in columns.clone() {
                let at = (row * WIDTH + column) * 3;
                (0..3).for_each(|channel| sum[channel] += u64::from(self.rgb[at + channel]));
                count += 1;
            }
        }
        sum.map(|total| u8::try_from(total / count).unwrap())
    }
}

impl Ears {
    /// Gives the box a speaker to listen to; before its start.
    pub fn open(pair: &Pair, end: End) -> Self {
        let file = pair.directory().join(format!("speaker-{end:?}.s16"));
        let sink = format!(
            "gst:audioconvert ! audio/x-raw,format=S16LE,rate=48000,channels=1 \
             ! filesink buffer-mode=unbuffered sync=false location={}",
            file.display()
        );
        pair.configure(end, "sound", "sink", &toml::Value::from(sink).to_string());
        Self { file }
    }

    /// Bytes that ever came out of the speaker.
    pub fn heard_bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// What came out of it since there were so many bytes.
    pub fn since(&self, bytes: u64) -> Sound {
        let all = std::fs::read(&self.file).unwrap_or_default();
        Sound::of(all.get(usize::try_from(bytes).unwrap()..).unwrap_or_default())
    }

    /// Waits for a second of sound that is this tone and hardly anything else. Not the first second: playout still finds
    /// its place then.
    pub fn wait_for_tone(&self, hertz: f64, limit: Duration) -> Sound {
        let mut from = self.heard_bytes();
        let mut newest = None;
        let found = wait_for(limit, || {
            if self.heard_bytes() < from + 2 * SECOND as u64 {
                return None;
            }
            from = self.heard_bytes();
            let sound = Sound::newest(&self.file);
            newest = Some(sound.share_at(hertz));
            newest.filter(|share| *share > PURE).map(|_| sound)
        });
        found.unwrap_or_else(|| panic!("no second of {hertz} Hz within {limit:?}, of the newest {newest:?} is that"))
    }
}

/// A second of sound or another time, 48 kHz.
pub struct Sound {
    samples: Vec<f64>,
}

impl Sound {
    fn newest(file: &Path) -> Self {
        let bytes = std::fs::read(file).unwrap();
        let whole = bytes.len() / 2 * 2;
        Self::of(&bytes[whole - 2 * SECOND..whole])
    }

    fn of(bytes: &[u8]) -> Self {
        let sample = |pair: &[u8]| f64::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0;
        Self { samples: bytes.chunks_exact(2).map(sample).collect() }
    }

    /// RMS, dBFS.
    pub fn level_dbfs(&self) -> f64 {
        10.0 * self.power().max(1e-10).log10()
    }

    /// Share of the power that is within some hertz of this frequency (Goertzel's filter on tenths of the second, so that
    /// a resampler that follows a clock does not smear it), 0 … 1.
    pub fn share_at(&self, hertz: f64) -> f64 {
        let tenth = SECOND / 10;
        let power: f64 = self.samples.chunks_exact(tenth).map(|part| goertzel(part, hertz)).sum::<f64>() / 10.0;
        power / self.power().max(1e-10)
    }

    fn power(&self) -> f64 {
        self.samples.iter().map(|sample| sample * sample).sum::<f64>() / self.samples.len().max(1) as f64
    }
}

/// A camera that draws two colours, left and right.
pub fn camera(left: Colour, right: &str) -> String {
    let [red, green, blue] = left;
    let half = WIDTH / 2;
    format!(
        "gst:videotestsrc is-live=true pattern=solid-color foreground-color=0xff{red:02x}{green:02x}{blue:02x} \
         ! video/x-raw,format=I420,width={half},height={HEIGHT},framerate=15/1 \
         ! videobox autocrop=false right=-{half} fill={right} ! video/x-raw,width={WIDTH},height={HEIGHT}"
    )
}

/// A microphone that hears one tone at −9 dBFS.
pub fn tone(hertz: u32) -> String {
    format!("gst:audiotestsrc is-live=true wave=sine volume=0.5 freq={hertz} samplesperbuffer=480")
}

/// Power of a sine of this frequency in these samples.
fn goertzel(samples: &[f64], hertz: f64) -> f64 {
    let turn = std::f64::consts::TAU * hertz / SECOND as f64;
    let (mut one, mut two) = (0.0_f64, 0.0_f64);
    for sample in samples {
        let next = sample + 2.0 * turn.cos() * one - two;
        (two, one) = (one, next);
    }
    let magnitude = one * one + two * two - 2.0 * turn.cos() * one * two;
    let length = samples.len() as f64;
    2.0 * magnitude / (length * length)
}

fn distance(one: Colour, other: Colour) -> u8 {
    (0..3).map(|channel| one[channel].abs_diff(other[channel])).max().unwrap_or(0)
}

/// What videobox calls blue and green, in ITU-R BT.601.
pub const BLUE: Colour = [0, 0, 255];
pub const GREEN: Colour = [0, 255, 0];
pub const WIDTH: usize = 320;
pub const HEIGHT: usize = 180;
/// A tone after Opus at 24 kbit/s, with a few milliseconds dropped or repeated.
const PURE: f64 = 0.9;
/// Samples a second.
const SECOND: usize = 48_000;
/// The codec at 300 kbit/s and two conversions between RGB and YUV.
const TOLERANCE: u8 = 14;
