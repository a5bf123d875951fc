//! A document input on the screens of two real daemons: a signal comes, changes its size, goes and comes back, as HDMI does.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test waits in real time and tells what it took"
)]

mod live_support;
mod support;

use gst::prelude::*;
use gstreamer as gst;
use live_support::{LIMIT, both_are, rooms, small};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};
use support::boxes::Pair;
use support::lab::End;
use support::screen::Screen;

#[test]
fn a_signal_asks_is_shown_in_any_size_and_goes_from_both_screens_with_its_cable() {
    let (pair, screens, cable) = rooms_with_input("ask");
    let before = pair.wait_up(LIMIT);
    let laptop = cable.plug("red", (640, 480));
    let offered = |wanted| pair.wait_status(End::A, LIMIT, "offered", |status| status["room"]["input"] == wanted);
    let status = offered(true);
    assert_eq!((&status["room"]["mode"], &status["room"]["live"]), (&"quiet".into(), &serde_json::Value::Null));
    both_are(&screens, ["else", "else"]);
    show(&pair);
    both_are(&screens, ["red", "red"]);
    // Another resolution, on the running stream and after a moment of black.
    laptop.changes("blue", (1280, 720));
    both_are(&screens, ["blue", "blue"]);
    screens[1].photograph("input-far");
    drop(laptop);
    let laptop = cable.plug("green", (800, 600));
    both_are(&screens, ["green", "green"]);
    assert!(!pair.log(End::A).contains("LiveEnded"), "it was one share all the while");

    drop(laptop);
    let pulled = Instant::now();
    both_are(&screens, ["else", "else"]);
    println!("grey on both screens {:?} after the cable", pulled.elapsed());
    assert!(pulled.elapsed() < Duration::from_millis(2500));
    screens[1].photograph("input-silent-far");
    for end in End::BOTH {
        pair.wait_status(end, LIMIT, "gone", |status| status["room"]["live"].is_null());
    }
    println!("gone from both screens {:?} after the cable", pulled.elapsed());
    assert!(pulled.elapsed() < Duration::from_secs(9));
    let log = pair.log(End::A);
    assert!(log.contains("LiveEnded") && log.contains("Unplugged"), "{log}");
    let refused = pair.engawa_command(End::A, &["share", "--show-input"], &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(7), "there is nothing to show");

    let _laptop = cable.plug("red", (1280, 720));
    offered(true);
    both_are(&screens, ["else", "else"]);
    show(&pair);
    both_are(&screens, ["red", "red"]);
    pair.engawa(End::B, &["share", "--stop-live"], &[]);
    both_are(&screens, ["else", "else"]);
    offered(true);
    for end in End::BOTH {
        let status = pair.status(end).unwrap();
        assert_eq!((&status["session"], &status["microphone"]), (&before[end as usize]["session"], &"closed".into()));
    }
}

#[test]
fn set_so_a_signal_stands_on_both_screens_at_once_each_time_it_comes() {
    let (pair, screens, cable) = rooms_with_input("at_once");
    pair.wait_up(LIMIT);
    for colour in ["red", "blue"] {
        // The box was without a signal before: else it would only ask.
        std::thread::sleep(Duration::from_secs(6));
        let laptop = cable.plug(colour, (1280, 720));
        both_are(&screens, [colour, colour]);
        let status = pair.wait_status(End::A, LIMIT, "meeting", |status| status["room"]["mode"] == "meeting");
        assert_eq!(status["microphone"], "closed");
        drop(laptop);
        both_are(&screens, ["else", "else"]);
    }
}

fn rooms_with_input(shows: &str) -> (Pair<'static>, [Screen; 2], Cable) {
    let (mut pair, screens) = rooms(&small());
    let cable = Cable::new();
    pair.configure(End::A, "share", "input", &format!("'{}'", cable.input()));
    pair.configure(End::A, "share", "input_shows", &format!("\"{shows}\""));
    pair.kill_box(End::A);
    pair.start_box(End::A);
    (pair, screens, cable)
}

fn show(pair: &Pair<'_>) {
    pair.engawa(End::A, &["share", "--show-input"], &[]);
}

/// What stands for HDMI: JPEG over RTP to a port of the box, which says nothing of sizes before they come.
struct Cable {
    port: u16,
}

impl Cable {
    fn new() -> Self {
        gst::init().unwrap();
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self { port: free.local_addr().unwrap().port() }
    }

    fn input(&self) -> String {
        let caps = "application/x-rtp,media=video,clock-rate=90000,encoding-name=JPEG,payload=26";
        format!("gst:udpsrc address=127.0.0.1 port={} caps=\"{caps}\" ! rtpjpegdepay ! jpegdec", self.port)
    }

    fn plug(&self, colour: &str, size: (u32, u32)) -> Laptop {
        let description = format!(
            "videotestsrc is-live=true name=picture ! capsfilter name=size ! jpegenc ! rtpjpegpay mtu=1200 ! \
             udpsink host=127.0.0.1 port={} sync=false async=false",
            self.port
        );
        let laptop = Laptop(gst::parse::launch(&description).unwrap().downcast().unwrap());
        laptop.changes(colour, size);
        laptop.0.set_state(gst::State::Playing).unwrap();
        laptop
    }
}

/// Unplugged when it is dropped.
struct Laptop(gst::Pipeline);

impl Laptop {
    fn changes(&self, colour: &str, (width, height): (u32, u32)) {
        self.0.by_name("picture").unwrap().set_property_from_str("pattern", colour);
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", i32::try_from(width).unwrap())
            .field("height", i32::try_from(height).unwrap())
            .field("framerate", gst::Fraction::new(15, 1));
        self.0.by_name("size").unwrap().set_property("caps", caps.build());
    }
}

impl Drop for Laptop {
    fn drop(&mut self) {
        let _gone = self.0.set_state(gst::State::Null);
    }
}
