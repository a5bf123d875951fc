//! A clerk's PC in front of one of two real boxes: Debian's Chromium or Firefox on an X server of its own, with a clock that machines read.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "test support waits in real time")]

pub mod sender;

use crate::support::boxes::{Pair, Setup};
use crate::support::display::{Shot, Xvfb};
use crate::support::guest::Guest;
use crate::support::lab::{End, Lab};
use crate::support::needs::Need;
use crate::support::screen::Screen;
use crate::support::wait_for;
use engawa::model::VideoCodec;
use nix::sys::signal::Signal;
use sender::{Endpoint, Sender};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime};

/// Two daemons with a panel and a screen each, microphones closed.
pub fn rooms(setup: &Setup) -> (Pair<'static>, [Screen; 2]) {
    let (mut pair, screens) = prepared(None, setup);
    pair.start_both();
    (pair, screens)
}

/// The same, not yet started; in a lab each panel is for PCs of its own namespace.
pub fn prepared<'lab>(lab: Option<&'lab Lab>, setup: &Setup) -> (Pair<'lab>, [Screen; 2]) {
    let pair = Pair::prepare(lab, setup);
    let screens = End::BOTH.map(|end| Screen::open(&pair, end));
    for end in End::BOTH {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        for (section, key, value) in [("panel", "listen", free.to_string()), ("panel", "room", "127.0.0.0/8".into())] {
            pair.configure(end, section, key, &format!("\"{value}\""));
        }
    }
    (pair, screens)
}

/// The panel of a box.
pub fn panel(pair: &Pair<'_>, end: End) -> String {
    let config: toml::Table = std::fs::read_to_string(pair.config(end)).unwrap().parse().unwrap();
    format!("https://{}", config["panel"]["listen"].as_str().unwrap())
}

/// A box that has just started draws its code a moment later.
pub fn code(pair: &Pair<'_>, end: End) -> String {
    let drawn = || Some(pair.engawa(end, &["room-code"], &[]).trim().to_owned()).filter(|code| code.len() == 6);
    wait_for(LIMIT, drawn).expect("a room code")
}

/// What a device of this room is told when it asks where to send.
pub fn endpoint(pair: &Pair<'_>, end: End, device: &str) -> Endpoint {
    Endpoint::ask(&panel(pair, end), &code(pair, end), &pair.directory().join(format!("{device}.jar")))
}

/// A sender of one colour.
pub fn paints(colour: &str) -> Sender {
    paints_in(VideoCodec::H264, colour)
}

/// The same in this codec: VP8 is encoded anew for the far box.
pub fn paints_in(codec: VideoCodec, colour: &str) -> Sender {
    let source =
        format!("videotestsrc is-live=true pattern={colour} ! video/x-raw,width=640,height=480,framerate=10/1");
    Sender::new(codec, &source)
}

/// What stands in the middle of a screen's place for shares: "red", "blue", "green" or something else.
pub fn colour_on(screen: &Screen) -> &'static str {
    match screen.colour((478, 280)) {
        Some([b, g, r]) if r > 150 && g < 90 && b < 90 => "red",
        Some([b, g, r]) if b > 150 && g < 90 && r < 90 => "blue",
        Some([b, g, r]) if g > 150 && b < 90 && r < 90 => "green",
        Some(_) | None => "else",
    }
}

/// Waits until both screens show this, near and far.
pub fn both_are(screens: &[Screen; 2], wanted: [&str; 2]) {
    let are = || (screens.each_ref().map(colour_on) == wanted).then_some(());
    assert!(wait_for(LIMIT, are).is_some(), "wanted {wanted:?}, there is {:?}", screens.each_ref().map(colour_on));
}

/// Small cameras, so that both cores are free for what is tested.
pub fn small() -> Setup {
    Setup { size: "320x180".into(), microphone: "closed".into(), ..Setup::default() }
}

/// The PC.
pub struct Pc {
    node: Guest,
    input: ChildStdin,
    said: Receiver<(Instant, String)>,
    display: Xvfb,
}

impl Pc {
    /// None where there is no X server.
    pub fn start(pair: &Pair<'_>, end: End, clock: &str) -> Option<Self> {
        Self::with_screen(pair, end, clock, (1280, 720))
    }

    /// The same with a screen of this size.
    pub fn with_screen(pair: &Pair<'_>, end: End, clock: &str, size: (u32, u32)) -> Option<Self> {
        Self::launch(pair, end, clock, size, "chromium")
    }

    /// The same with Firefox ESR; none where that is not installed.
    pub fn with_firefox(pair: &Pair<'_>, end: End, clock: &str) -> Option<Self> {
        Need::Firefox.met().then(|| Self::launch(pair, end, clock, (1280, 720), "firefox"))?
    }

    fn launch(pair: &Pair<'_>, end: End, clock: &str, (width, height): (u32, u32), browser: &str) -> Option<Self> {
        let display = Xvfb::start(width, height)?;
        let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        let (url, code) = (panel(pair, end), code(pair, end));
        let mut command = pair.beside(end, "node");
        command.arg("clerk.mjs").current_dir(steps).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("ENGAWA_URL", url).env("ENGAWA_CODE", code).env("DISPLAY", &display.display);
        command
            .env("ENGAWA_BROWSER", browser)
            .env("ENGAWA_CLOCK", clock)
            .env("ENGAWA_WINDOW", format!("{width},{height}"));
        let mut node = Guest::spawn(command);
        let (input, said) = (node.stdin().unwrap(), node.lines());
        let pc = Self { node, input, said, display };
        pc.hears("ready");
        Some(pc)
    }

    /// What its own screen shows now.
    pub fn sees(&self) -> Shot {
        Shot::of(&self.display.display)
    }

    /// Waits for a line that begins so; its rest.
    pub fn hears(&self, begins: &str) -> String {
        let until = Instant::now() + LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (_, line) = self.said.recv_timeout(left).unwrap_or_else(|_| panic!("the PC never said {begins}"));
            if let Some(rest) = line.strip_prefix(begins) {
                return rest.trim().to_owned();
            }
        }
    }

    pub fn told(&mut self, word: &str) {
        writeln!(self.input, "{word}").unwrap();
    }

    /// Shares the screen; this machine's clock when it was pressed, milliseconds.
    pub fn shares(&mut self) -> u64 {
        self.told("share");
        self.hears("pressed").parse().unwrap()
    }

    /// What a word is answered with, as JSON.
    pub fn asked(&mut self, word: &str) -> serde_json::Value {
        self.told(word);
        serde_json::from_str(&self.hears(word)).unwrap()
    }

    /// The cable is pulled: not one process of it says goodbye.
    pub fn vanishes(self) {
        self.all(Signal::SIGKILL);
    }

    /// The machine freezes.
    pub fn freezes(&self) {
        self.all(Signal::SIGSTOP);
    }

    /// And goes on.
    pub fn goes_on(&self) {
        self.all(Signal::SIGCONT);
    }

    fn all(&self, signal: Signal) {
        let mut all = vec![self.node.pid()];
        let mut at = 0;
        while let Some(pid) = all.get(at).copied() {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            at += 1;
        }
        for pid in all {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
            let _gone = nix::sys::signal::kill(pid, signal);
        }
    }
}

/// What a screen shows of the PC's clock: its time, milliseconds modulo 2^24. None while it is not there.
pub fn clock_on(screen: &Screen) -> Option<u64> {
    clock_in(&screen.picture()?)
}

/// The same in a picture of it.
pub fn clock_in((width, height, pixels): &(usize, usize, Vec<u8>)) -> Option<u64> {
    let (width, height) = (*width, *height);
    let at = |x: usize, y: usize| -> [u8; 3] { pixels[(y * width + x) * 4..][..3].try_into().unwrap() };
    let magenta = |[b, g, r]: [u8; 3]| b > 170 && r > 170 && g < 90;
    let rows: Vec<usize> = (0..height).filter(|y| (0..width).filter(|x| magenta(at(*x, *y))).count() > 200).collect();
    let (top, bottom) = (*rows.first()?, *rows.last()?);
    let middle = (top + bottom) / 2;
    let columns: Vec<usize> = (0..width).filter(|x| magenta(at(*x, middle))).collect();
    let (left, right) = (*columns.first()?, *columns.last()?);
    if bottom - top < 200 || right - left < 300 {
        return None;
    }
    let (wide, high) = ((right - left) as f64, (bottom - top) as f64);
    let row = top + (high * 0.225) as usize;
    let bit = |bit: usize| {
        let x = left + (wide * (0.1 + 0.8 * (bit as f64 + 0.5) / 24.0)) as usize;
        let [b, g, r] = at(x, row);
        u64::from(u16::from(b) + u16::from(g) + u16::from(r) < 384)
    };
    Some((0..24).map(|at| bit(at) << at).sum())
}

/// How the share's place looks: in colours, all grey, or as if nothing stood there. Apart from its middle, where words may stand.
pub fn place_on(screen: &Screen) -> Option<&'static str> {
    let (width, _, pixels) = screen.picture()?;
    let upper = (30..150).flat_map(|y| (30..940).map(move |x| (y * width + x) * 4));
    let [mut coloured, mut grey] = [0; 2];
    for at in upper {
        let pixel: [u8; 3] = pixels[at..][..3].try_into().unwrap();
        let apart = pixel.iter().max().unwrap() - pixel.iter().min().unwrap();
        // A held picture's black is no darker than 20, its white no lighter than 170.
        let held = apart < 4 && (18..175).contains(&pixel[0]);
        (coloured, grey) = (coloured + usize::from(apart > 100), grey + usize::from(held));
    }
    Some(if coloured > 2000 {
        "live"
    } else if grey > 60_000 {
        "grey"
    } else {
        "nothing"
    })
}

/// The clocks of PC and test are one.
pub fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Whether the present of the PC stands there: not older than a slow machine makes it.
pub fn is_fresh(screen: &Screen) -> bool {
    age_on(screen).is_some_and(|age| age < 3000)
}

/// How old what the screen shows is, milliseconds.
pub fn age_on(screen: &Screen) -> Option<u64> {
    let shown = clock_on(screen)?;
    Some(now_ms().wrapping_sub(shown) & 0xFF_FFFF)
}

pub const LIMIT: Duration = Duration::from_secs(30);
