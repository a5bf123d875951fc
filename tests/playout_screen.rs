//! What people see, looked at: screenshots under Xvfb. Skipped (and said so) where Xvfb is not installed.

#![allow(clippy::print_stderr, reason = "says that it was skipped")]

mod playout_support;

use engawa::config::Sink;
use engawa::core::input::Input;
use engawa::core::plan::{MediaPlan, Picture, Screen};
use engawa::core::sentence::Sentence;
use engawa::inbox::Mail;
use engawa::media::screen::ScreenView;
use engawa::model::{Device, Language, Line, VideoCodec};
use playout_support::*;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// An X server of our own, ended with the test.
struct Xvfb {
    child: Child,
    display: String,
}

impl Xvfb {
    fn start(width: u32, height: u32) -> Option<Self> {
        // Xvfb chooses a free display and writes its number down.
        let directory = tempfile::tempdir().expect("a directory");
        let number = directory.path().join("number");
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "exec Xvfb -displayfd 3 -screen 0 {width}x{height}x24 -nolisten tcp -noreset 3>{}",
                number.display()
            ))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let read = || std::fs::read_to_string(&number).unwrap_or_default().trim().to_owned();
        eventually(|| !read().is_empty()).then(|| Self { child, display: format!(":{}", read()) })
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Shot {
    width: usize,
    height: usize,
    rgb: Vec<[u8; 3]>,
}

impl Shot {
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

    fn part(&self, x: std::ops::Range<usize>, y: std::ops::Range<usize>) -> impl Iterator<Item = [u8; 3]> {
        y.flat_map(move |y| x.clone().map(move |x| self.rgb[y * self.width + x]))
    }

    /// Greatest difference between the colours of one pixel: 0 is grey.
    fn colour(&self, x: std::ops::Range<usize>, y: std::ops::Range<usize>) -> u8 {
        self.part(x, y).map(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b)).max().expect("not empty")
    }

    fn bright(&self, x: std::ops::Range<usize>, y: std::ops::Range<usize>) -> usize {
        self.part(x, y).filter(|[r, g, b]| *r > 235 && *g > 235 && *b > 235).count()
    }

    fn keep(&self, name: &str) {
        // Looked at by people: `ENGAWA_SHOTS=directory cargo test --test playout_screen`.
        let Some(directory) = std::env::var_os("ENGAWA_SHOTS").map(PathBuf::from) else { return };
        let mut ppm = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        ppm.extend(self.rgb.iter().flatten());
        std::fs::write(Path::new(&directory).join(name), ppm).expect("written");
    }
}

/// Runs this test's body in a process of its own that has our display; true in that process.
fn on_own_display(test: &str) -> Option<String> {
    if let Ok(display) = std::env::var("ENGAWA_TEST_DISPLAY") {
        return Some(display);
    }
    let Some(server) = Xvfb::start(1280, 720) else {
        eprintln!("skipped: Xvfb is not installed");
        return None;
    };
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture"])
        .env("ENGAWA_TEST_DISPLAY", &server.display)
        .env("DISPLAY", &server.display)
        .env_remove("WAYLAND_DISPLAY")
        .status()
        .expect("runs");
    assert!(status.success());
    None
}

fn show(bench: &Bench, picture: Picture, sentence: Option<Sentence>) {
    let plan = MediaPlan { screen: Screen { picture, sentence }, ..MediaPlan::default() };
    bench.playout.arrange(&plan, VideoCodec::H264);
}

#[test]
fn the_far_picture_fills_the_screen_and_is_grey_with_words_when_it_is_held() {
    let Some(display) = on_own_display("the_far_picture_fills_the_screen_and_is_grey_with_words_when_it_is_held")
    else {
        return;
    };
    let server = Display(display);
    let units = pictures(VideoCodec::H264, 30, 1, (640, 360), "pattern=smpte");
    let bench = playout(VideoCodec::H264, Sink::Auto, Sink::None, None);

    show(&bench, Picture::Nothing, Some(Sentence::Connecting));
    assert!(eventually(|| server.shot().bright(200..1080, 280..440) > 500), "the sentence stands in the middle");
    server.shot().keep("nothing.ppm");
    assert!(eventually(|| {
        matches!(
            bench.inbox.take(),
            Some(Mail::Urgent(Input::DeviceChanged { device: Device::Screen, present: true, .. }))
        )
    }));

    show(&bench, Picture::Live, None);
    let live = eventually(|| {
        bench.playout.take_video(session(1), Line::Camera, &units[0], 0);
        let shot = server.shot();
        // Colour bars from the left edge to the right one; the last bar is blue.
        shot.colour(0..160, 40..400) < 30
            && shot.colour(200..360, 40..400) > 120
            && shot.colour(1110..1280, 40..400) > 120
    });
    server.shot().keep("live.ppm");
    assert!(live, "a picture of 640×360 fills 1280×720");

    show(&bench, Picture::Held { since: now().shifted(-42_000_000_000) }, Some(Sentence::FarSilent));
    let held = eventually(|| server.shot().colour(0..1280, 0..400) < 12);
    let shot = server.shot();
    shot.keep("held.ppm");
    assert!(held, "held is grey");
    assert!(shot.bright(200..1080, 500..720) > 500, "the sentence stands at the bottom");
    let words = |shot: &Shot| shot.part(0..1280, 560..720).collect::<Vec<_>>();
    let before = words(&shot);
    assert!(eventually(|| words(&server.shot()) != before), "the age runs with no frames");

    show(&bench, Picture::Live, None);
    bench.playout.take_video(session(1), Line::Camera, &units[1], 0);
    assert!(
        eventually(|| {
            bench.playout.take_video(session(1), Line::Camera, &units[1], 0);
            server.shot().colour(1110..1280, 40..400) > 120
        }),
        "colour is back with the first frame"
    );
    bench.playout.stop();
}

#[test]
fn english_stands_on_the_screen_too() {
    let Some(display) = on_own_display("english_stands_on_the_screen_too") else { return };
    let server = Display(display);
    let inbox = engawa::inbox::Inbox::default();
    let view = ScreenView::start(&Sink::Auto, Language::English, clock(), inbox);
    view.show(&Screen { picture: Picture::Held { since: now() }, sentence: Some(Sentence::Intruder) });
    assert!(eventually(|| server.shot().bright(100..1180, 400..720) > 500));
    wait_until(now() + Duration::from_millis(300));
    server.shot().keep("english.ppm");
    view.stop();
}

/// The display this process was given.
struct Display(String);

impl Display {
    fn shot(&self) -> Shot {
        let xwd = Command::new("xwd").args(["-silent", "-root", "-display", &self.0]).output().expect("xwd runs");
        assert!(xwd.status.success(), "{}", String::from_utf8_lossy(&xwd.stderr));
        Shot::read(&xwd.stdout)
    }
}
