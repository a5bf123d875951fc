//! A WHIP sender that is none of ours: GStreamer's webrtcbin (libnice, OpenSSL), and curl for HTTP.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "test support waits in real time")]

use engawa::model::VideoCodec;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_webrtc as webrtc;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Sends a pattern and a tone.
pub struct Sender(gst::Pipeline);

impl Sender {
    /// `picture`: a source description of raw video.
    pub fn new(codec: VideoCodec, picture: &str) -> Self {
        Self::with_tone(codec, picture, 440)
    }

    /// The same with a tone of so many hertz.
    pub fn with_tone(codec: VideoCodec, picture: &str, hertz: u32) -> Self {
        gst::init().unwrap();
        let encoder = match codec {
            VideoCodec::H264 => {
                "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=1000 bitrate=1000 ! \
                 video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency ! \
                 application/x-rtp,media=video,encoding-name=H264,payload=96"
            }
            VideoCodec::Vp8 => {
                "vp8enc deadline=1 cpu-used=16 keyframe-max-dist=1000 ! rtpvp8pay ! \
                 application/x-rtp,media=video,encoding-name=VP8,payload=96"
            }
        };
        let description = format!(
            "webrtcbin name=w bundle-policy=max-bundle {picture} ! videoconvert ! video/x-raw,format=I420 ! {encoder} ! w. \
             audiotestsrc is-live=true freq={hertz} ! audioconvert ! audioresample ! opusenc ! rtpopuspay ! \
             application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! w."
        );
        let sender = Self(gst::parse::launch(&description).unwrap().downcast().unwrap());
        let ice = sender.webrtcbin().property::<gst::Object>("ice-agent");
        assert!(ice.emit_by_name::<bool>("add-local-ip-address", &[&HOME.to_string()]));
        sender
    }

    /// With all candidates.
    pub fn offer(&self) -> String {
        let webrtcbin = self.webrtcbin();
        for index in 0..2 {
            let line = webrtcbin.emit_by_name::<webrtc::WebRTCRTPTransceiver>("get-transceiver", &[&index]);
            line.set_direction(webrtc::WebRTCRTPTransceiverDirection::Sendonly);
        }
        self.0.set_state(gst::State::Playing).unwrap();
        // Its pads have caps a moment later.
        let begun = Instant::now();
        loop {
            let (told, heard) = mpsc::channel();
            let promise = gst::Promise::with_change_func(move |reply| {
                let offer = reply
                    .ok()
                    .flatten()
                    .and_then(|reply| reply.value("offer").ok()?.get::<webrtc::WebRTCSessionDescription>().ok());
                let _nobody_waits_any_more = told.send(offer);
            });
            webrtcbin.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
            let offer = heard.recv_timeout(Duration::from_secs(5)).unwrap().unwrap();
            if offer.sdp().as_text().unwrap().matches("m=").count() == 2 {
                webrtcbin.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "no offer of two lines");
            std::thread::sleep(Duration::from_millis(20));
        }
        loop {
            let state = webrtcbin.property::<webrtc::WebRTCICEGatheringState>("ice-gathering-state");
            let local = webrtcbin.property::<Option<webrtc::WebRTCSessionDescription>>("local-description");
            if let (webrtc::WebRTCICEGatheringState::Complete, Some(local)) = (state, local) {
                return local.sdp().as_text().unwrap();
            }
            assert!(begun.elapsed() < PATIENCE, "no candidates");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn answered(&self, answer: &str) {
        let sdp = gstreamer_sdp::SDPMessage::parse_buffer(answer.as_bytes()).unwrap();
        let answer = webrtc::WebRTCSessionDescription::new(webrtc::WebRTCSDPType::Answer, sdp);
        self.webrtcbin().emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
    }

    /// Offers at a WHIP endpoint: the status, and where it can be ended if it was taken.
    pub fn shares_at(&self, endpoint: &Endpoint) -> (u16, Option<String>) {
        let offer = self.offer();
        let bearer = format!("Authorization: Bearer {}", endpoint.token);
        let words = ["-X", "POST", "-H", "Content-Type: application/sdp", "-H", &bearer, "--data-binary", &offer];
        let said = curl(&[&words[..], &["-i", &endpoint.url]].concat());
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let place =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("location: ").map(str::to_owned));
        if status == 201 {
            self.answered(body);
        }
        (status, place)
    }

    /// Says nothing to anybody.
    pub fn vanishes(&self) {
        self.0.set_state(gst::State::Null).unwrap();
    }

    fn webrtcbin(&self) -> gst::Element {
        self.0.by_name("w").unwrap()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _gone = self.0.set_state(gst::State::Null);
    }
}

/// Where a sender sends, as the panel tells a guest.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: String,
    pub token: String,
}

impl Endpoint {
    /// Enters with the room code and asks for a token.
    pub fn ask(panel: &str, code: &str, jar: &std::path::Path) -> Self {
        let jar = jar.to_str().unwrap();
        let post = |path: &str, body: &str| {
            let url = format!("{panel}{path}");
            curl(&["-b", jar, "-c", jar, "-H", "Content-Type: application/json", "--data-binary", body, &url])
        };
        let entered = post("/api/enter", &format!("{{\"code\":\"{code}\",\"name\":\"OBS\"}}"));
        assert!(entered.contains("accepted") || entered.contains("already"), "{entered}");
        let said: serde_json::Value = serde_json::from_str(&post("/api/live/token", "{}")).unwrap();
        let word = |key: &str| said[key].as_str().unwrap_or_else(|| panic!("{said}")).to_owned();
        Self { url: word("url"), token: word("token") }
    }

    /// Ends a share; the status.
    pub fn end(&self, place: &str) -> u16 {
        let url = format!("{}{place}", self.url.strip_suffix("/whip").unwrap());
        let bearer = format!("Authorization: Bearer {}", self.token);
        curl(&["-X", "DELETE", "-H", &bearer, "-o", "/dev/null", "-w", "%{http_code}", &url]).parse().unwrap()
    }
}

fn curl(words: &[&str]) -> String {
    let output = Command::new("curl").args(["-s", "-k", "--max-time", "10"]).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const PATIENCE: Duration = Duration::from_secs(10);
