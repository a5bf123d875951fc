//! The attack is real: a bare webrtcbin pair falls for the man in the middle. Without this proof the same test between two
//! boxes (tests/mitm_engawa.rs) would show nothing.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]
#![allow(clippy::print_stdout, reason = "the bare peer speaks to the test over its standard output")]

mod support;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::guest::Guest;
use support::lab::{End, Lab, Middle};
use support::mitm::{Counts, attack};

#[test]
fn a_bare_webrtcbin_pair_falls_for_the_man_in_the_middle() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let mitm = attack(&lab, &PORTS);
    let fell = |reports: &[Report; 2], counts: &Counts| {
        reports.iter().all(|report| report.video > 10 && report.audio > 10)
            && counts.media_decrypted.iter().all(|decrypted| *decrypted > 100)
    };
    let (reports, counts) = converse(&lab, |reports| fell(reports, &mitm.counts()), || mitm.counts());
    println!("{reports:?} {counts:?}");
    assert!(fell(&reports, &counts), "{reports:?} {counts:?}");
    assert_eq!(counts.handshakes, [1, 1], "a handshake of his own with either end");
    assert!(counts.stun_forwarded > 0);
    assert!(counts.control_decrypted.iter().all(|decrypted| *decrypted > 0), "{counts:?}");
    assert!(reports.iter().all(|report| report.certificate.contains("BEGIN CERTIFICATE")));
    assert_eq!(reports[0].certificate, reports[1].certificate, "both ends hold the attacker's certificate");
}

#[test]
fn without_him_the_pair_hold_each_others_certificates() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let talked = |reports: &[Report; 2]| reports.iter().all(|report| report.video > 10 && report.audio > 10);
    let (reports, ()) = converse(&lab, talked, || ());
    assert!(talked(&reports), "{reports:?}");
    assert_ne!(reports[0].certificate, reports[1].certificate);
}

/// What a peer last said about what it received.
#[derive(Clone, Debug, Default)]
struct Report {
    /// Decoded pictures.
    video: u64,
    /// Decoded buffers of sound.
    audio: u64,
    /// The certificate of whoever completed DTLS with it.
    certificate: String,
}

/// Lets a pair talk, passing their signalling on, until `done` or the deadline.
fn converse<T>(lab: &Lab, done: impl Fn(&[Report; 2]) -> bool, then: impl Fn() -> T) -> ([Report; 2], T) {
    let mut peers = End::BOTH.map(|end| bare_peer_in(lab, end));
    let mut inputs = peers.each_mut().map(|peer| peer.stdin().unwrap());
    let outputs = peers.each_mut().map(Guest::lines);
    let mut reports = [Report::default(), Report::default()];
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline && !done(&reports) {
        for end in End::BOTH {
            while let Ok((_, line)) = outputs[end as usize].recv_timeout(Duration::from_millis(10)) {
                // libtest prints the test's name without a line break before ours.
                let Some(said) = line.find(MARK).map(|at| line[at + MARK.len()..].to_owned()) else { continue };
                let value: Value = serde_json::from_str(&said).unwrap();
                match value.get("video") {
                    Some(video) => {
                        reports[end as usize] = Report {
                            video: video.as_u64().unwrap(),
                            audio: value["audio"].as_u64().unwrap(),
                            certificate: value["certificate"].as_str().unwrap_or_default().to_owned(),
                        };
                    }
                    None => writeln!(inputs[end.other() as usize], "{said}").unwrap(),
                }
            }
        }
    }
    (reports, then())
}

/// This test binary once more, as a peer.
fn bare_peer_in(lab: &Lab, end: End) -> Guest {
    let mut command = lab.command(end, std::env::current_exe().unwrap());
    command.args(["--exact", "bare_peer", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, if end == End::A { "offer" } else { "answer" });
    command.env(PORT, PORTS[end as usize].to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    lab.spawn(command)
}

#[test]
#[ignore = "is the peer that the other tests start"]
fn bare_peer() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let port: u32 = std::env::var(PORT).unwrap().parse().unwrap();
    let (orders, received) = mpsc::sync_channel(256);
    let peer = BarePeer::start(port, orders.clone());
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            orders.send(Order::FarSaid(serde_json::from_str(&line).unwrap())).unwrap();
        }
        // Our test is gone.
        std::process::exit(0);
    });
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        match received.recv_timeout(Duration::from_millis(100)) {
            Ok(Order::NegotiationNeeded) if role == "offer" => peer.describe("create-offer"),
            Ok(Order::NegotiationNeeded) => {}
            Ok(Order::Say(value)) => println!("{MARK}{value}"),
            Ok(Order::FarSaid(value)) => peer.hear(&value),
            Err(_) => println!("{MARK}{}", peer.report()),
        }
    }
}

/// News for the peer's only thread: callbacks decide nothing.
enum Order {
    NegotiationNeeded,
    Say(Value),
    FarSaid(Value),
}

/// webrtcbin as the examples use it: one pipeline, one picture, one sound.
struct BarePeer {
    pipeline: gst::Pipeline,
    rtc: gst::Element,
    orders: mpsc::SyncSender<Order>,
    video: Arc<AtomicU64>,
    audio: Arc<AtomicU64>,
}

impl BarePeer {
    fn start(port: u32, orders: mpsc::SyncSender<Order>) -> Self {
        gst::init().unwrap();
        let pipeline = gst::parse::launch(SENDING).unwrap().downcast::<gst::Pipeline>().unwrap();
        let rtc = pipeline.by_name("rtc").unwrap();
        let agent = rtc.property::<gst::glib::Object>("ice-agent");
        agent.set_property("min-rtp-port", port);
        agent.set_property("max-rtp-port", port);
        agent.property::<gst::glib::Object>("agent").set_property("upnp", false);
        let peer = Self { pipeline, rtc, orders, video: Arc::default(), audio: Arc::default() };
        let orders = peer.orders.clone();
        peer.rtc.connect("on-negotiation-needed", false, move |_| {
            orders.send(Order::NegotiationNeeded).ok();
            None
        });
        let orders = peer.orders.clone();
        peer.rtc.connect("on-ice-candidate", false, move |values| {
            let (line, candidate) = (values[1].get::<u32>().unwrap(), values[2].get::<String>().unwrap());
            orders.send(Order::Say(json!({ "line": line, "candidate": candidate }))).ok();
            None
        });
        peer.receive_what_comes();
        peer.pipeline.set_state(gst::State::Playing).unwrap();
        peer
    }

    fn receive_what_comes(&self) {
        let (pipeline, video, audio) = (self.pipeline.downgrade(), self.video.clone(), self.audio.clone());
        self.rtc.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src) else {
                return;
            };
            let decoder = gst::ElementFactory::make("decodebin").build().unwrap();
            pipeline.add(&decoder).unwrap();
            let (pipeline, video, audio) = (pipeline.downgrade(), video.clone(), audio.clone());
            decoder.connect_pad_added(move |_, pad| {
                let Some(pipeline) = pipeline.upgrade() else { return };
                let is_video = pad.current_caps().is_some_and(|caps| caps.to_string().starts_with("video/"));
                let count = if is_video { video.clone() } else { audio.clone() };
                let sink = gst::ElementFactory::make("fakesink").build().unwrap();
                pipeline.add(&sink).unwrap();
                sink.sync_state_with_parent().unwrap();
                pad.link(&sink.static_pad("sink").unwrap()).unwrap();
                pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                    count.fetch_add(1, Ordering::Relaxed);
                    gst::PadProbeReturn::Ok
                });
            });
            decoder.sync_state_with_parent().unwrap();
            pad.link(&decoder.static_pad("sink").unwrap()).unwrap();
        });
    }

    /// Makes the offer or the answer, sets it and says it.
    fn describe(&self, signal: &str) {
        let promise = gst::Promise::new();
        self.rtc.emit_by_name::<()>(signal, &[&None::<gst::Structure>, &promise]);
        promise.wait();
        let reply = promise.get_reply().unwrap();
        let field = if signal == "create-offer" { "offer" } else { "answer" };
        let description = reply.value(field).unwrap().get::<gst_webrtc::WebRTCSessionDescription>().unwrap();
        self.rtc.emit_by_name::<()>("set-local-description", &[&description, &None::<gst::Promise>]);
        println!("{MARK}{}", json!({ "kind": field, "sdp": description.sdp().as_text().unwrap() }));
    }

    fn hear(&self, value: &Value) {
        if let Some(candidate) = value["candidate"].as_str() {
            let line = u32::try_from(value["line"].as_u64().unwrap()).unwrap();
            self.rtc.emit_by_name::<()>("add-ice-candidate", &[&line, &candidate]);
            return;
        }
        let sdp = gst_sdp::SDPMessage::parse_buffer(value["sdp"].as_str().unwrap().as_bytes()).unwrap();
        let is_offer = value["kind"] == "offer";
        let kind = if is_offer { gst_webrtc::WebRTCSDPType::Offer } else { gst_webrtc::WebRTCSDPType::Answer };
        let description = gst_webrtc::WebRTCSessionDescription::new(kind, sdp);
        let promise = gst::Promise::new();
        self.rtc.emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        promise.wait();
        if is_offer {
            self.describe("create-answer");
        }
    }

    fn report(&self) -> Value {
        let certificate = self
            .rtc
            .emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("get-transceiver", &[&0_i32])
            .and_then(|transceiver| transceiver.sender())
            .and_then(|sender| sender.transport())
            .and_then(|transport| transport.remote_certificate());
        json!({
            "video": self.video.load(Ordering::Relaxed),
            "audio": self.audio.load(Ordering::Relaxed),
            "certificate": certificate.map(|certificate| certificate.to_string()),
        })
    }
}

impl Drop for BarePeer {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).ok();
    }
}

const SENDING: &str = "webrtcbin name=rtc bundle-policy=max-bundle \
    videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 \
    ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay config-interval=-1 \
    ! application/x-rtp,media=video,encoding-name=H264,payload=96 ! rtc. \
    audiotestsrc is-live=true ! opusenc ! rtpopuspay \
    ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! rtc.";
const PORTS: [u16; 2] = [42_000, 42_010];
const ROLE: &str = "ENGAWA_BARE_PEER";
const PORT: &str = "ENGAWA_BARE_PORT";
const MARK: &str = "@bare ";
const LIMIT: Duration = Duration::from_secs(20);
