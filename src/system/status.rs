//! What the daemon tells of itself. `version` grows when a field changes its meaning or goes, not when one is added.

use crate::asking::{camera_name, microphone_name};
use crate::core::input::Percentiles;
use crate::core::sentence::Sentence;
use crate::core::snapshot::{LinkState, Snapshot};
use crate::model::{Device, Language, Moment, VideoCodec};
use crate::system::memory::Memory;
use crate::system::room_status::RoomStatus;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What `engawa status --json` prints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Of this shape.
    pub version: u32,
    /// "unpaired", "connecting", "up", "lost".
    pub link: String,
    /// Seconds in that state.
    pub since_s: f64,
    /// Monotonic clock of this machine when that state began, nanoseconds.
    pub since_ns: u64,
    /// Monotonic clock of this machine now, nanoseconds.
    pub at_ns: u64,
    /// "boot/number" of the session media moves on.
    pub session: Option<String>,
    /// Monotonic clock of this machine when its first frame was decoded, nanoseconds.
    pub first_frame_ns: Option<u64>,
    /// The same of the newest frame.
    pub last_frame_ns: Option<u64>,
    /// Sessions opened since the daemon started.
    pub sessions_opened: u64,
    /// The control connection is up.
    pub trunk: bool,
    /// The bulk connection is up.
    pub bulk: bool,
    /// The other box.
    pub peer: PeerStatus,
    /// Milliseconds, least of the last seconds.
    pub rtt_ms: Option<f64>,
    /// Share of packets lost on the way here, 0 … 1.
    pub loss: f32,
    /// Milliseconds.
    pub jitter_ms: f64,
    /// Milliseconds from capture in the far room to handed to the renderer.
    pub picture_delay_ms: Option<DelayStatus>,
    /// Milliseconds from capture in the far room to handed to the speaker.
    pub sound_delay_ms: Option<DelayStatus>,
    /// The far picture as it arrives.
    pub picture_in: PictureStatus,
    /// The near picture as it leaves.
    pub picture_out: PictureStatus,
    /// Kilobits per second with IP and UDP headers, in.
    pub kbps_in: u32,
    /// The same, out.
    pub kbps_out: u32,
    /// What `kbps_out` never exceeds.
    pub ceiling_kbps: u32,
    /// What the congestion estimate says the line carries.
    pub estimate_kbps: Option<u32>,
    /// "h264" or "vp8".
    pub codec: Option<String>,
    /// Encoder element.
    pub encoder: String,
    /// What really leaves: "closed", "levels-only", "open".
    pub microphone: String,
    /// What really leaves: "off", "placeholder", "live".
    pub camera: String,
    /// What the peer says leaves its microphone.
    pub far_microphone: String,
    /// What the peer says leaves its camera.
    pub far_camera: String,
    /// What the peer says arrives there of what we send.
    pub arriving_far: Option<ArrivingStatus>,
    /// Level of the far sound as played, dBFS RMS.
    pub played_dbfs: f32,
    /// Level of what the near microphone hears, dBFS RMS.
    pub heard_dbfs: f32,
    /// Share of far sound concealed in the last second.
    pub concealed: f32,
    /// Far wall clock minus near wall clock, milliseconds.
    pub wall_difference_ms: Option<i64>,
    /// Devices that are missing: "camera", "microphone", "speaker", "screen".
    pub missing: Vec<String>,
    /// The last fault.
    pub fault: Option<FaultStatus>,
    /// What the disk does not take now, in words; the loop fills it in.
    pub storage: Vec<String>,
    /// The room.
    pub room: RoomStatus,
    /// What the daemon holds, asked once a second.
    pub memory: Memory,
    /// Bench only: pixel stamps, milliseconds from stamp drawn to stamp read.
    pub stamps_ms: Option<StampStatus>,
}

/// The other box.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// From its hello.
    pub name: Option<String>,
    /// Where it is.
    pub address: Option<String>,
}

/// Two percentiles, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DelayStatus {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
}

/// The way there, as the peer sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArrivingStatus {
    /// Kilobits per second with IP and UDP headers.
    pub kbps: u32,
    /// Share of packets lost on the way there, 0 … 1.
    pub loss: f32,
    /// Milliseconds from our camera to their renderer, 95th percentile.
    pub picture_ms: Option<u16>,
    /// Milliseconds from our microphone to their speaker, 95th percentile.
    pub sound_ms: Option<u16>,
}

/// A picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PictureStatus {
    /// Frames per second.
    pub fps: f32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultStatus {
    /// Its name: "far-silent", "intruder", …
    pub kind: String,
    /// What the room reads.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// How many seconds ago it began.
    pub began_s: f64,
    /// How many seconds ago it was over, if it is.
    pub over_s: Option<f64>,
}

/// Bench only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StampStatus {
    /// Stamps read.
    pub count: u64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

impl Status {
    /// From the loop's snapshot, and what only the system knows.
    pub fn of(snapshot: &Snapshot, ceiling_kbps: u32, memory: Memory) -> Self {
        let (received, sent) = (&snapshot.received, &snapshot.sent);
        Self {
            version: VERSION,
            link: link_name(snapshot.link).into(),
            since_s: snapshot.at.since(snapshot.since).as_secs_f64(),
            since_ns: snapshot.since.as_nanos(),
            at_ns: snapshot.at.as_nanos(),
            session: snapshot.session.map(|session| session.to_string()),
            first_frame_ns: snapshot.first_frame_at.map(Moment::as_nanos),
            last_frame_ns: snapshot.last_frame_at.map(Moment::as_nanos),
            sessions_opened: snapshot.sessions_opened,
            trunk: snapshot.trunk,
            bulk: snapshot.bulk,
            peer: PeerStatus {
                name: snapshot.peer_name.clone(),
                address: snapshot.peer_address.map(|address| address.to_string()),
            },
            rtt_ms: snapshot.rtt.map(millis),
            loss: snapshot.carried.loss,
            jitter_ms: millis(snapshot.carried.jitter),
            picture_delay_ms: received.picture_delay.map(delay),
            sound_delay_ms: received.sound_delay.map(delay),
            picture_in: picture(received.fps, received.size),
            picture_out: picture(sent.fps, sent.size),
            kbps_in: snapshot.carried.received_bps / 1000,
            kbps_out: snapshot.carried.sent_bps / 1000,
            ceiling_kbps,
            estimate_kbps: snapshot.carried.estimate_bps.map(|bps| bps / 1000),
            codec: snapshot.codec.map(|codec| codec_name(codec).into()),
            encoder: sent.encoder.clone(),
            microphone: microphone_name(snapshot.microphone).into(),
            camera: camera_name(snapshot.camera).into(),
            far_microphone: microphone_name(snapshot.far_microphone).into(),
            far_camera: camera_name(snapshot.far_camera).into(),
            arriving_far: snapshot.arriving_far.map(|far| ArrivingStatus {
                kbps: far.kbps,
                loss: f32::from(far.loss_permille) / 1000.0,
                picture_ms: far.picture_ms,
                sound_ms: far.sound_ms,
            }),
            played_dbfs: received.level_dbfs,
            heard_dbfs: sent.level_dbfs,
            concealed: received.concealed,
            wall_difference_ms: snapshot.wall_difference_ms,
            missing: snapshot.missing.iter().map(|device| device_name(*device).into()).collect(),
            fault: snapshot.fault.as_ref().map(|fault| FaultStatus {
                kind: kind(&fault.sentence),
                ja: fault.sentence.text(Language::Japanese).into(),
                en: fault.sentence.text(Language::English).into(),
                began_s: ago(snapshot.at, fault.since),
                over_s: fault.until.map(|until| ago(snapshot.at, until)),
            }),
            storage: Vec::new(),
            room: RoomStatus::of(snapshot),
            memory,
            stamps_ms: received.stamps.map(|stamps| StampStatus {
                count: stamps.count as u64,
                p50: millis(stamps.p50),
                p95: millis(stamps.p95),
                p99: millis(stamps.p99),
            }),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

fn delay(of: Percentiles) -> DelayStatus {
    DelayStatus { p50: millis(of.p50), p95: millis(of.p95) }
}

fn ago(now: Moment, then: Moment) -> f64 {
    now.since(then).as_secs_f64()
}

fn picture(fps: f32, size: Option<(u32, u32)>) -> PictureStatus {
    let (width, height) = size.unwrap_or_default();
    PictureStatus { fps, width, height }
}

fn link_name(state: LinkState) -> &'static str {
    match state {
        LinkState::Unpaired => "unpaired",
        LinkState::Connecting => "connecting",
        LinkState::Up => "up",
        LinkState::Lost => "lost",
    }
}

fn codec_name(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::H264 => "h264",
        VideoCodec::Vp8 => "vp8",
    }
}

fn device_name(device: Device) -> &'static str {
    match device {
        Device::Camera => "camera",
        Device::Microphone => "microphone",
        Device::Speaker => "speaker",
        Device::Screen => "screen",
    }
}

/// `NearDeviceMissing(Camera)` → `near-device-missing-camera`.
fn kind(sentence: &Sentence) -> String {
    let mut name = String::new();
    for letter in format!("{sentence:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        if letter.is_ascii_alphabetic() {
            name.push(letter.to_ascii_lowercase());
        }
    }
    name
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_is_documented_and_every_documented_field_exists() {
        let memory = Memory { live_heap_bytes: 1, rss_bytes: 2, threads: 3, fds: 4 };
        let json = serde_json::to_value(Status::of(&Snapshot::default(), 3000, memory)).unwrap();
        let fields: BTreeSet<String> = json.as_object().unwrap().keys().cloned().collect();
        let table = include_str!("../../docs/status.md").lines().filter(|line| line.starts_with("| `"));
        let documented: BTreeSet<String> = table
            .filter_map(|line| line.split('|').nth(1))
            .flat_map(|names| names.split('`').skip(1).step_by(2).map(str::to_owned))
            .collect();
        assert_eq!(fields, documented);
        assert_eq!(json["version"], VERSION);
        let named = serde_json::json!({"live_heap_bytes": 1, "rss_bytes": 2, "threads": 3, "fds": 4});
        assert_eq!(json["memory"], named);
        for object in ["memory", "room"] {
            let mut lines = include_str!("../../docs/status.md").lines();
            let row = lines.find(|line| line.starts_with(&format!("| `{object}`"))).unwrap();
            for name in json[object].as_object().unwrap().keys() {
                assert!(row.contains(&format!("`{name}`")), "{row}");
            }
        }
    }

    #[test]
    fn sentences_get_plain_names() {
        assert_eq!(kind(&Sentence::FarSilent), "far-silent");
        assert_eq!(kind(&Sentence::NearDeviceMissing(Device::Camera)), "near-device-missing-camera");
    }
}
