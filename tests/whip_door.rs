//! The door for PCs' screens and an independent sender: GStreamer's webrtcbin (libnice, OpenSSL) offers, str0m answers.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test prints what it measured")]

use engawa::live::{LiveFault, LiveNews, LiveOffer};
use engawa::model::{Bitrate, LiveEnd, LiveId, VideoCodec};
use engawa::whip::Whip;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_webrtc as webrtc;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What came through the door.
#[derive(Default)]
struct Caught {
    pictures: Vec<(LiveId, VideoCodec, bool, usize)>,
    sounds: usize,
    ended: Vec<(LiveId, LiveEnd)>,
}

struct Rig {
    whip: Whip,
    caught: Arc<Mutex<Caught>>,
}

impl Rig {
    fn new() -> Self {
        gst::init().unwrap();
        let caught: Arc<Mutex<Caught>> = Arc::default();
        let catching = Arc::clone(&caught);
        let out = Arc::new(move |id, news| {
            let mut caught = catching.lock().unwrap();
            match news {
                LiveNews::Picture(picture) => {
                    caught.pictures.push((id, picture.codec, picture.key, picture.bytes.len()));
                }
                LiveNews::Sound(_) => caught.sounds += 1,
                LiveNews::Ended(why) => caught.ended.push((id, why)),
            }
        });
        Self { whip: Whip::start((HOME, 0).into(), out).unwrap(), caught }
    }

    async fn open(&self, id: u64, sdp: &str) -> Result<String, LiveFault> {
        let offer = LiveOffer { sdp: sdp.to_owned(), own: HOME, from: HOME, most: Bitrate::from_kbps(8000) };
        self.whip.open(LiveId(id), offer).await
    }

    async fn until(&self, what: &str, done: impl Fn(&Caught) -> bool) {
        let begun = Instant::now();
        while !done(&self.caught.lock().unwrap()) {
            let caught = self.caught.lock().unwrap();
            let seen = (caught.pictures.len(), caught.sounds, &caught.ended);
            assert!(begun.elapsed() < Duration::from_secs(15), "waited for: {what}; came: {seen:?}");
            drop(caught);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A sender that is none of ours.
struct Sender(gst::Pipeline);

impl Sender {
    fn new(codec: VideoCodec) -> Self {
        let encoder = match codec {
            VideoCodec::H264 => {
                "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=1000 bitrate=1000 ! video/x-h264,profile=constrained-baseline ! \
                 rtph264pay config-interval=-1 aggregate-mode=zero-latency ! application/x-rtp,media=video,encoding-name=H264,payload=96"
            }
            VideoCodec::Vp8 => {
                "vp8enc deadline=1 cpu-used=16 keyframe-max-dist=1000 ! rtpvp8pay ! application/x-rtp,media=video,encoding-name=VP8,payload=96"
            }
        };
        let description = format!(
            "webrtcbin name=w bundle-policy=max-bundle \
             videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 ! {encoder} ! w. \
             audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! rtpopuspay ! \
             application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! w."
        );
        let sender = Self(gst::parse::launch(&description).unwrap().downcast().unwrap());
        let ice = sender.webrtcbin().property::<gst::Object>("ice-agent");
        assert!(ice.emit_by_name::<bool>("add-local-ip-address", &[&HOME.to_string()]));
        sender
    }

    fn webrtcbin(&self) -> gst::Element {
        self.0.by_name("w").unwrap()
    }

    /// With all candidates.
    fn offer(&self) -> String {
        let webrtcbin = self.webrtcbin();
        for index in 0..2 {
            let line = webrtcbin.emit_by_name::<webrtc::WebRTCRTPTransceiver>("get-transceiver", &[&index]);
            line.set_direction(webrtc::WebRTCRTPTransceiverDirection::Sendonly);
        }
        self.0.set_state(gst::State::Playing).unwrap();
        // Pads have caps a moment later.
        let begun = Instant::now();
        loop {
            let (told, heard) = mpsc::channel();
            let promise = gst::Promise::with_change_func(move |reply| {
                let offer = reply
                    .ok()
                    .flatten()
                    .and_then(|reply| reply.value("offer").ok()?.get::<webrtc::WebRTCSessionDescription>().ok());
                let _ = told.send(offer);
            });
            webrtcbin.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
            let offer = heard.recv_timeout(Duration::from_secs(5)).unwrap().unwrap();
            if offer.sdp().as_text().unwrap().matches("m=").count() == 2 {
                webrtcbin.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "no offer of two lines");
            std::thread::sleep(Duration::from_millis(20));
        }
        loop {
            let state = webrtcbin.property::<webrtc::WebRTCICEGatheringState>("ice-gathering-state");
            let local = webrtcbin.property::<Option<webrtc::WebRTCSessionDescription>>("local-description");
            if let (webrtc::WebRTCICEGatheringState::Complete, Some(local)) = (state, local) {
                return local.sdp().as_text().unwrap();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "no candidates");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answered(&self, answer: &str) {
        let sdp = gstreamer_sdp::SDPMessage::parse_buffer(answer.as_bytes()).unwrap();
        let answer = webrtc::WebRTCSessionDescription::new(webrtc::WebRTCSDPType::Answer, sdp);
        self.webrtcbin().emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
    }

    fn stop(&self) {
        self.0.set_state(gst::State::Null).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_sound_of_an_independent_sender_come_through_in_both_codecs() {
    let rig = Rig::new();
    for (id, codec) in [(1, VideoCodec::H264), (2, VideoCodec::Vp8)] {
        let sender = Sender::new(codec);
        let offer = sender.offer();
        let asked = Instant::now();
        let answer = rig.open(id, &offer).await.unwrap();
        assert!(answer.contains("a=ice-lite") && answer.contains("b=AS:8000"), "{answer}");
        assert_eq!(answer.matches("a=candidate").count(), 1, "one socket: {answer}");
        sender.answered(&answer);
        rig.until("thirty pictures and sound", |caught| {
            caught.pictures.iter().filter(|picture| picture.0 == LiveId(id)).count() >= 30 && caught.sounds >= 30
        })
        .await;
        println!("{codec:?}: thirty pictures {:?} after the offer", asked.elapsed());
        {
            let caught = rig.caught.lock().unwrap();
            let mine: Vec<_> = caught.pictures.iter().filter(|picture| picture.0 == LiveId(id)).collect();
            assert!(mine[0].2, "begins with a key frame");
            assert!(mine.iter().all(|picture| picture.1 == codec && picture.3 > 0));
        }
        // It makes none by itself: this one was asked for.
        let keys =
            |caught: &Caught| caught.pictures.iter().filter(|picture| picture.0 == LiveId(id) && picture.2).count();
        let before = keys(&rig.caught.lock().unwrap());
        rig.whip.ask_key_frame(LiveId(id));
        rig.until("another key frame", |caught| keys(caught) > before).await;
        rig.whip.close(LiveId(id));
        rig.until("its end", |caught| caught.ended.contains(&(LiveId(id), LiveEnd::Stopped))).await;
        sender.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_vanishes_is_ended_after_five_seconds_and_a_still_one_is_not() {
    let rig = Rig::new();
    let sender = Sender::new(VideoCodec::H264);
    let answer = rig.open(1, &sender.offer()).await.unwrap();
    sender.answered(&answer);
    rig.until("pictures", |caught| caught.pictures.len() >= 5).await;
    sender.stop();
    let gone = Instant::now();
    rig.until("the end", |caught| caught.ended.len() == 1).await;
    let why = rig.caught.lock().unwrap().ended[0].1;
    println!("told {why:?} after {:?}", gone.elapsed());
    // webrtcbin says goodbye to DTLS when it is stopped, or says nothing at all.
    match why {
        LiveEnd::Stopped => assert!(gone.elapsed() < Duration::from_secs(6)),
        LiveEnd::Vanished => assert!((4500..7000).contains(&gone.elapsed().as_millis())),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_no_use_are_told_apart_and_leave_nothing_behind() {
    let rig = Rig::new();
    let sender = Sender::new(VideoCodec::H264);
    let offer = sender.offer();
    sender.stop();
    let no_codec = offer.replace("H264", "THEORA");
    let only_sound = offer.split("m=").filter(|part| !part.starts_with("video")).collect::<Vec<_>>().join("m=");
    for (sdp, fault) in [
        ("", LiveFault::Malformed),
        ("v=0", LiveFault::NoPicture),
        ("v=0\r\nm=video\r\n", LiveFault::Malformed),
        (&no_codec, LiveFault::NoCodec),
        (&only_sound, LiveFault::NoPicture),
        (&offer.replace("a=sendonly", "a=recvonly"), LiveFault::NoPicture),
        (&offer.replace("a=fingerprint", "a=footprint"), LiveFault::Malformed),
        (&offer.replace("a=ice-ufrag", "a=ice-nobody"), LiveFault::Malformed),
    ] {
        assert_eq!(rig.open(1, sdp).await, Err(fault), "{sdp}");
    }
    let hidden = offer.replace("127.0.0.1", "0b3c.local");
    for id in 1..=4 {
        rig.open(id, &hidden).await.unwrap();
    }
    assert_eq!(rig.open(5, &offer).await, Err(LiveFault::Full));
    let begun = Instant::now();
    rig.until("all that never came", |caught| caught.ended.len() == 4).await;
    assert!(begun.elapsed() >= Duration::from_secs(4));
    assert!(rig.open(6, &offer).await.is_ok(), "there is room again");
}
