//! Two sides of a session in one process, joined by hand, and something real to send.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "every test binary uses its part; what fails here fails the test"
)]

use engawa::core::input::{Input, News};
use engawa::core::output::SessionOrder;
use engawa::core::signal::CaptureMark;
use engawa::inbox::{Inbox, Mail};
use engawa::model::{Bitrate, BootId, Fingerprint, Line, Role, SessionId, VideoCodec};
use engawa::peer::{Outlet, Peer, PeerSettings, SoundPacket, Taps};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Nothing on one machine takes longer, crowded as it may be.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub struct Frame {
    pub session: SessionId,
    pub line: Line,
    pub buffer: gst::Buffer,
    pub rtp: u32,
    pub at: gst::ClockTime,
}

pub struct Packet {
    pub session: SessionId,
    pub line: Line,
    pub packet: SoundPacket,
    pub at: gst::ClockTime,
}

/// What came out of the taps.
#[derive(Default)]
pub struct Caught {
    pub video: Mutex<Vec<Frame>>,
    pub sound: Mutex<Vec<Packet>>,
    pub wanted: Mutex<Vec<Line>>,
}

impl Caught {
    pub fn frames(&self) -> usize {
        self.video.lock().unwrap().len()
    }
    pub fn packets(&self) -> usize {
        self.sound.lock().unwrap().len()
    }
}

pub struct Side {
    pub peer: Peer,
    pub inbox: Inbox,
    pub caught: Arc<Caught>,
    pub marks: Vec<(Line, CaptureMark)>,
    pub port: u16,
}

impl Side {
    pub fn new(starts: Option<(u32, u16)>) -> Self {
        let caught = Arc::new(Caught::default());
        let (video, sound, wanted) = (Arc::clone(&caught), Arc::clone(&caught), Arc::clone(&caught));
        let taps = Taps {
            video: Arc::new(move |session, line, buffer, rtp| {
                held(&video.video).push(Frame { session, line, buffer, rtp, at: now() });
            }),
            sound: Arc::new(move |session, line, packet| {
                held(&sound.sound).push(Packet { session, line, packet, at: now() });
            }),
            key_frame_wanted: Arc::new(move |line| held(&wanted.wanted).push(line)),
        };
        let inbox = Inbox::default();
        let port = free_ports();
        let settings = PeerSettings { session_port: port, starts, ceiling: Bitrate::from_kbps(8000) };
        let peer = Peer::new(settings, taps, inbox.clone()).unwrap();
        Self { peer, inbox, caught, marks: Vec::new(), port }
    }

    /// The next urgent input; marks on the way are kept.
    pub async fn urgent(&mut self) -> Input {
        let wait = async {
            loop {
                match self.inbox.next().await {
                    Mail::Urgent(input) => return input,
                    Mail::News(News::LineSent { line, mark }) => self.marks.push((line, mark)),
                    Mail::News(_) => {}
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("an urgent input in time")
    }

    /// Takes what waits in the inbox: marks are kept, anything urgent is a fault of the test's subject.
    pub fn drain(&mut self) {
        while let Some(mail) = self.inbox.take() {
            match mail {
                Mail::Urgent(input) => panic!("unexpected {input:?}"),
                Mail::News(News::LineSent { line, mark }) => self.marks.push((line, mark)),
                Mail::News(_) => {}
            }
        }
    }

    pub fn marks_of(&mut self, line: Line) -> Vec<CaptureMark> {
        self.drain();
        self.marks.iter().filter(|(of, _)| *of == line).map(|(_, mark)| *mark).collect()
    }

    pub async fn described(&mut self) -> String {
        match self.urgent().await {
            Input::SessionDescribed { sdp, .. } => sdp,
            other => panic!("no description but {other:?}"),
        }
    }

    pub async fn secured(&mut self) -> Option<Fingerprint> {
        match self.urgent().await {
            Input::SessionSecured { certificate, .. } => certificate,
            other => panic!("not secured but {other:?}"),
        }
    }

    pub async fn failed(&mut self) -> (SessionId, String) {
        match self.urgent().await {
            Input::SessionFailed { session, cause } => (session, cause),
            other => panic!("not failed but {other:?}"),
        }
    }
}

/// Both descriptions of a session that was joined.
pub struct Joined {
    pub offer: String,
    pub answer: String,
    pub took: gst::ClockTime,
}

/// Joins two sides up to `SessionSecured` on both, admitting nothing.
pub async fn join(a: &mut Side, b: &mut Side, number: u64, codec: VideoCodec, port_index: u16) -> Joined {
    let start = now();
    a.peer.open(&order(number, Role::Offerer, codec, port_index, None));
    let offer = a.described().await;
    b.peer.open(&order(number, Role::Answerer, codec, port_index, Some(offer.clone())));
    let answer = b.described().await;
    a.peer.accept_answer(session(number), &answer);
    assert_eq!(a.secured().await, fingerprint(&answer), "the certificate is the one in the answer");
    assert_eq!(b.secured().await, fingerprint(&offer), "the certificate is the one in the offer");
    Joined { offer, answer, took: now() - start }
}

/// Joins two sides through a path between them.
pub async fn join_through(path: &Path, a: &mut Side, b: &mut Side, number: u64, codec: VideoCodec) {
    a.peer.open(&order(number, Role::Offerer, codec, 0, None));
    let offer = a.described().await.replace(&candidate(a.port), &candidate(path.stands_for_a));
    b.peer.open(&order(number, Role::Answerer, codec, 0, Some(offer)));
    let answer = b.described().await.replace(&candidate(b.port), &candidate(path.stands_for_b));
    a.peer.accept_answer(session(number), &answer);
    assert!(a.secured().await.is_some() && b.secured().await.is_some());
}

fn candidate(port: u16) -> String {
    format!(" 127.0.0.1 {port} typ host")
}

/// A path between two sides that counts media packets and loses some of them.
pub struct Path {
    stands_for_a: u16,
    stands_for_b: u16,
    pub shared: Arc<Traffic>,
}

/// What a path does and has seen, both ways together.
#[derive(Default)]
pub struct Traffic {
    /// SRTP packets that came in; not SRTCP, DTLS or STUN.
    pub media: AtomicUsize,
    /// One SRTP packet in this many is lost; none if zero, everything if one.
    pub lose_one_in: AtomicUsize,
    /// SRTP packets that were lost.
    pub lost: AtomicUsize,
}

impl Path {
    pub async fn between(a: &Side, b: &Side) -> Self {
        let facing_a = Arc::new(tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let facing_b = Arc::new(tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let shared = Arc::new(Traffic::default());
        tokio::spawn(carry(Arc::clone(&facing_a), Arc::clone(&facing_b), b.port, Arc::clone(&shared)));
        tokio::spawn(carry(Arc::clone(&facing_b), Arc::clone(&facing_a), a.port, Arc::clone(&shared)));
        Self {
            stands_for_a: facing_b.local_addr().unwrap().port(),
            stands_for_b: facing_a.local_addr().unwrap().port(),
            shared,
        }
    }

    pub fn media(&self) -> usize {
        self.shared.media.load(Ordering::Relaxed)
    }
}

async fn carry(from: Arc<tokio::net::UdpSocket>, via: Arc<tokio::net::UdpSocket>, to: u16, shared: Arc<Traffic>) {
    let (mut packet, mut dice) = ([0; 2048], 1_u32);
    while let Ok(size) = from.recv(&mut packet).await {
        // RFC 7983: 128–191 is RTP or RTCP; RFC 5761: types 192–223 are RTCP.
        if (128..192).contains(&packet[0]) && !(192..224).contains(&packet[1]) {
            shared.media.fetch_add(1, Ordering::Relaxed);
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let one_in = shared.lose_one_in.load(Ordering::Relaxed);
            if one_in > 0 && ((dice >> 8) as usize).is_multiple_of(one_in) {
                shared.lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
        }
        via.send_to(&packet[..size], (Ipv4Addr::LOCALHOST, to)).await.ok();
    }
}

pub fn session(number: u64) -> SessionId {
    SessionId { boot: BootId(7), number }
}

pub fn order(number: u64, role: Role, codec: VideoCodec, port_index: u16, offer: Option<String>) -> SessionOrder {
    let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
    SessionOrder { session: session(number), role, port_index, codec, own, peer: own, offer }
}

fn fingerprint(sdp: &str) -> Option<Fingerprint> {
    sdp.lines().find_map(|line| Fingerprint::from_sdp(line.strip_prefix("a=fingerprint:sha-256 ")?))
}

/// For GStreamer's threads, which must not panic because the test did.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first of two free UDP ports that follow each other.
pub fn free_ports() -> u16 {
    loop {
        let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1)).is_ok() {
            return port;
        }
    }
}

pub fn now() -> gst::ClockTime {
    gst::SystemClock::obtain().time()
}

/// Waits until it is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let wait = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// What was handed to the outlet.
pub struct Sent {
    pub line: Line,
    pub pts: gst::ClockTime,
    pub at: gst::ClockTime,
    pub bytes: Vec<u8>,
}

/// A test picture or tone, encoded, on its way into an outlet until dropped.
pub struct Feed {
    pipeline: gst::Pipeline,
    pub sent: Arc<Mutex<Vec<Sent>>>,
}

impl Feed {
    pub fn picture(outlet: Outlet, line: Line, codec: VideoCodec) -> Self {
        let encoder = match codec {
            VideoCodec::H264 => {
                "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=3000 bitrate=1000 ! \
                 video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au"
            }
            VideoCodec::Vp8 => {
                "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=3000 target-bitrate=1000000 error-resilient=default"
            }
        };
        Self::start(
            outlet,
            line,
            &format!(
                "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! \
                 {encoder} ! appsink name=out sync=false async=false"
            ),
        )
    }

    pub fn tone(outlet: Outlet, line: Line) -> Self {
        Self::start(
            outlet,
            line,
            "audiotestsrc is-live=true samplesperbuffer=480 ! audio/x-raw,rate=48000,channels=1 ! \
             opusenc frame-size=10 bitrate=32000 ! appsink name=out sync=false async=false",
        )
    }

    fn start(outlet: Outlet, line: Line, description: &str) -> Self {
        let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        pipeline.set_base_time(gst::ClockTime::ZERO);
        pipeline.set_start_time(gst::ClockTime::NONE);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&sent);
        let app = pipeline.by_name("out").unwrap().downcast::<AppSink>().unwrap();
        app.set_callbacks(
            AppSinkCallbacks::builder()
                .new_sample(move |app| {
                    let sample = app.pull_sample().unwrap();
                    let segment = sample.segment().unwrap().downcast_ref::<gst::ClockTime>().unwrap();
                    let mut buffer = sample.buffer_owned().unwrap();
                    // x264enc counts from 1000 hours; the running time is the capture moment.
                    let captured = segment.to_running_time(buffer.pts()).unwrap();
                    let writable = buffer.make_mut();
                    writable.set_pts(captured);
                    writable.set_dts(None);
                    let bytes = buffer.map_readable().unwrap().to_vec();
                    held(&log).push(Sent { line, pts: buffer.pts().unwrap(), at: now(), bytes });
                    outlet.send(line, buffer);
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        pipeline.set_state(gst::State::Playing).unwrap();
        Self { pipeline, sent }
    }

    /// The next frame is a key frame.
    pub fn refresh(&self) {
        let event = gst::event::CustomUpstream::new(
            gst::Structure::builder("GstForceKeyUnit").field("all-headers", true).build(),
        );
        assert!(self.pipeline.by_name("out").unwrap().send_event(event));
    }

    pub fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}
