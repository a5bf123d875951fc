//! The camera's sending half with sources that every machine has: clips, test pictures, descriptions.

mod capture_support;

use capture_support::{Room, Unit, decode, init, now, plan, settings};
use engawa::config::{CameraConfig, Source};
use engawa::core::plan::CameraPlan;
use engawa::media::camera::CameraSettings;
use engawa::media::source::{probe_picture, probe_sound};
use engawa::media::stamp;
use engawa::model::{Bitrate, Moment, Veil, VideoCodec};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[test]
fn a_looped_clip_stays_in_real_time_and_never_runs_back() {
    // 5.3 s long: the loop turns once within the bound.
    let room = start(Source::File(clip()), VideoCodec::H264, 1000);
    let units = room.units_for(Duration::from_secs(8));
    let pts: Vec<Moment> = units.iter().map(|unit| unit.moment).collect();
    assert!(pts.windows(2).all(|pair| pair[0] < pair[1]), "time runs back");
    let widest = pts.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
    assert!(widest < Duration::from_secs(1), "a hole of {widest:?} where the clip turns");
    let span = pts[pts.len() - 1].since(pts[0]).as_secs_f64();
    let rate = (pts.len() - 1) as f64 / span;
    assert!((20.0..26.0).contains(&rate), "{rate} frames a second from a clip of 25");
    assert!(span > 7.0, "{span}");
    let late: Vec<_> =
        units.iter().filter(|unit| unit.arrived.since(unit.moment) > Duration::from_millis(500)).collect();
    assert!(late.len() <= 50, "{} frames more than 0.5 s late", late.len());
    assert!(units.iter().all(|unit| unit.moment.since(unit.arrived) < Duration::from_millis(50)), "from the future");
    assert!(room.changes().contains(&true));
}

#[test]
fn a_camera_that_is_opened_in_vain_three_times_is_told_of_once_with_its_device_file() {
    let room = start(Source::V4l2("/dev/video-hangs".into()), VideoCodec::H264, 500);
    let (tell, told) = std::sync::mpsc::channel();
    room.sender.on_wedged(std::sync::Arc::new(move |node| drop(tell.send((now(), node)))));
    let begun = now();
    let (at, node) = told.recv_timeout(Duration::from_secs(10)).expect("told");
    assert_eq!(node, Path::new("/dev/video-hangs"));
    // After pauses of 0.5 and 1 s.
    assert!(at.since(begun) > Duration::from_millis(1300), "{:?}", at.since(begun));
    let again = told.recv_timeout(Duration::from_secs(6));
    assert!(again.is_err(), "not again within the minute: {again:?}");
    assert!(room.sender.report().fps > 0.0, "the placeholder stands meanwhile");
}

#[test]
fn every_key_frame_carries_its_headers_and_every_frame_is_one_slice() {
    let room = start(Source::Test, VideoCodec::H264, 1000);
    let first = room.unit();
    assert!(first.key && nal_types(&first).starts_with(&[7, 8]), "{:?}", nal_types(&first));
    for _ in 0..20 {
        let unit = room.unit();
        let slices = nal_types(&unit).iter().filter(|kind| matches!(kind, 1 | 5)).count();
        assert_eq!(slices, 1);
    }
    room.sender.refresh();
    let key = room.next_key();
    let kinds = nal_types(&key);
    assert!(kinds.contains(&7) && kinds.contains(&8) && kinds.contains(&5), "{kinds:?}");
    // Profile 66 with constraint set 1: constrained baseline (H.264 A.2.1.1).
    let sps = nals(&key.bytes).into_iter().find(|nal| nal[0] & 31 == 7).unwrap();
    assert_eq!((sps[1], sps[2] & 0x40), (66, 0x40));
}

#[test]
fn a_key_frame_is_forced_and_requests_in_a_row_are_spaced_but_not_lost() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let room = start(Source::Test, codec, 800);
        room.next_key();
        let refresh = room.sender.refresher();
        refresh();
        let first = room.next_key();
        refresh();
        let second = room.next_key();
        let pause = second.moment.since(first.moment);
        assert!(pause >= Duration::from_millis(250) && pause < Duration::from_millis(700), "{codec:?} {pause:?}");
        let calm = room.units_for(Duration::from_secs(1));
        assert!(calm.iter().all(|unit| !unit.key), "{codec:?}: a key frame nobody asked for");
    }
}

#[test]
fn a_key_frame_asked_for_before_the_first_frame_does_not_cost_the_later_ones() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let room = start(Source::Test, codec, 800);
        room.sender.refresh();
        room.next_key();
        room.units_for(Duration::from_millis(400));
        room.sender.refresh();
        let asked = now();
        let pause = room.next_key().moment.since(asked);
        assert!(pause < Duration::from_millis(500), "{codec:?}: {pause:?}");
    }
}

#[test]
fn a_far_box_that_cannot_ask_is_sent_key_frames_by_the_clock() {
    let mut room = start(Source::Test, VideoCodec::H264, 800);
    room.next_key();
    room.arrange(CameraPlan { key_frame_every: Some(Duration::from_millis(500)), ..at(VideoCodec::H264, 800) });
    room.next_key();
    let keys = room.units_for(Duration::from_secs(3)).iter().filter(|unit| unit.key).count();
    assert!((4..=7).contains(&keys), "{keys} in 3 s");
}

#[test]
fn a_new_bitrate_takes_effect_on_the_running_encoder() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let mut room = start(Source::Test, codec, 1500);
        room.units_for(Duration::from_secs(1));
        let before = bytes(&room.units_for(Duration::from_secs(2)));
        room.arrange(at(codec, 300));
        room.units_for(Duration::from_secs(1));
        let units = room.units_for(Duration::from_secs(2));
        assert!(units.iter().all(|unit| !unit.key), "{codec:?}: the encoder was restarted");
        let after = bytes(&units);
        assert!(after * 2 < before, "{codec:?}: {before} → {after} bytes in 2 s");
    }
}

#[test]
fn a_new_codec_replaces_only_the_encoder() {
    let mut room = start(Source::Test, VideoCodec::H264, 800);
    room.next_key();
    room.arrange(at(VideoCodec::Vp8, 800));
    let deadline = now() + Duration::from_secs(5);
    // A VP8 key frame carries its start code (RFC 6386 9.1).
    while room.next_key().bytes.get(3..6) != Some(&[0x9d, 0x01, 0x2a]) {
        assert!(now() < deadline);
    }
    assert_eq!(room.changes(), [true], "the camera itself was touched");
    assert_eq!(room.sender.report().encoder, "vp8enc");
}

#[test]
fn a_description_is_paced_and_stamped_whether_it_is_live_or_not() {
    for live in [true, false] {
        let description = format!("videotestsrc is-live={live} ! video/x-raw,width=320,height=240,framerate=30/1");
        let room = start(Source::Gst(description), VideoCodec::H264, 500);
        let units = room.units_for(Duration::from_secs(2));
        assert!((30..=75).contains(&units.len()), "live={live}: {} frames in 2 s", units.len());
        let delays: Vec<i64> = units.iter().map(|unit| unit.arrived.minus(unit.moment) / 1_000_000).collect();
        assert!(delays.iter().all(|delay| (-40..500).contains(delay)), "live={live}: {delays:?}");
    }
}

#[test]
fn a_source_faster_than_ordered_is_thinned() {
    let description = "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=60/1".to_owned();
    let room = start(Source::Gst(description), VideoCodec::H264, 500);
    room.next_key();
    let units = room.units_for(Duration::from_secs(2));
    assert!((30..=70).contains(&units.len()), "{}", units.len());
}

#[test]
fn a_broken_description_is_said_once_and_a_placeholder_stands_in_that_is_not_live() {
    let room = start(Source::Gst("nosuchelement ! nothing".to_owned()), VideoCodec::H264, 500);
    let units = room.units_for(Duration::from_secs(3));
    assert!((4..=16).contains(&units.len()), "{} frames of a placeholder in 3 s", units.len());
    assert_eq!(room.changes(), [false]);
    let report = room.sender.report();
    assert_eq!((report.live_frames, report.size), (0, Some((640, 360))));
    assert!(report.fps >= 1.0);
}

#[test]
fn a_source_that_fails_and_comes_back_is_reopened_and_said() {
    // Ends after a second; the reopened one runs again.
    let description = "videotestsrc is-live=true num-buffers=30 ! video/x-raw,width=320,height=240,framerate=30/1";
    let room = start(Source::Gst(description.to_owned()), VideoCodec::H264, 500);
    let units = room.units_for(Duration::from_secs(5));
    let changes = room.changes();
    assert!(changes.starts_with(&[true, false, true]), "{changes:?}");
    assert!(units.windows(2).all(|pair| pair[0].moment < pair[1].moment), "time runs back");
}

#[test]
fn a_hung_source_is_noticed_by_its_missing_frames() {
    // The second frame comes after seven seconds.
    let description = "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=1/7";
    let room = start(Source::Gst(description.to_owned()), VideoCodec::H264, 500);
    let units = room.units_for(Duration::from_secs(7));
    assert!(room.changes().starts_with(&[true, false]));
    assert!(units.len() > 4, "no placeholder");
}

#[test]
fn without_a_plan_nothing_is_captured() {
    let mut room = start(Source::Test, VideoCodec::H264, 500);
    room.next_key();
    room.sender.arrange(None);
    room.drain_until_quiet();
    assert!(room.units.recv_timeout(Duration::from_secs(2)).is_err(), "frames leave without a plan");
    let report = room.sender.report();
    assert_eq!((report.fps, report.size, report.live_frames), (0.0, None, 0));
    assert_eq!(report.encoder, "");
    room.arrange(at(VideoCodec::H264, 500));
    room.next_key();
}

#[test]
fn the_report_says_what_really_left() {
    let room = start(Source::Test, VideoCodec::H264, 500);
    // A starved machine loses frames in some seconds, not in all of ten.
    let mut reports = (0..10).map(|_| {
        room.units_for(SECOND);
        room.sender.report()
    });
    let report = reports.find(|report| (27.0..=33.0).contains(&report.fps)).expect("a second with 30 frames");
    assert_eq!(report.live_frames as f32, report.fps);
    assert_eq!(report.size, Some((640, 360)));
    assert_eq!(report.encoder, "x264enc");
}

#[test]
fn stamps_survive_both_codecs_at_500_kbps() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let plain = settings(Source::File(clip()), codec);
        let camera = CameraConfig { size: (1280, 720), ..plain.camera.clone() };
        let room = Room::arranged(CameraSettings { camera, stamps: true, ..plain }, at(codec, 500));
        let units = room.units_for(Duration::from_secs(3));
        let sent: Vec<Moment> = units.iter().map(|unit| unit.moment).collect();
        let seen: Vec<Option<Moment>> =
            decode(&units, codec).iter().map(|frame| stamp::read(&frame.planes[0], frame.width, frame.width)).collect();
        assert!(seen.len() + 2 >= sent.len(), "{codec:?}: {} of {} decoded", seen.len(), sent.len());
        let right = seen.iter().filter(|stamp| stamp.is_some_and(|moment| sent.contains(&moment))).count();
        assert!(right == seen.len(), "{codec:?}: {right} of {} stamps read", seen.len());
    }
}

#[test]
fn a_clip_that_does_not_decode_gets_one_sentence() {
    init();
    assert_eq!(probe_picture(&clip()), Ok(()));
    assert_eq!(probe_sound(&clip()), Ok(()));
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.mp4");
    std::fs::write(&garbage, b"this is not a film").unwrap();
    let cut = folder.path().join("cut.mp4");
    std::fs::write(&cut, &std::fs::read(clip()).unwrap()[..3000]).unwrap();
    for path in [garbage.as_path(), cut.as_path(), Path::new("/nonexistent.mp4"), folder.path()] {
        let sentence = probe_picture(path).unwrap_err();
        assert!(
            sentence.starts_with("The clip ") && sentence.ends_with('.') && !sentence.ends_with(".."),
            "{sentence}"
        );
        assert!(sentence.contains(&path.display().to_string()) && !sentence.contains('\n'), "{sentence}");
    }
}

fn start(source: Source, codec: VideoCodec, kbps: u32) -> Room {
    Room::arranged(settings(source, codec), at(codec, kbps))
}

fn at(codec: VideoCodec, kbps: u32) -> CameraPlan {
    CameraPlan { bitrate: Bitrate::from_kbps(kbps), ..plan(codec, 0, Veil::Clear) }
}

fn nal_types(unit: &Unit) -> Vec<u8> {
    nals(&unit.bytes).iter().map(|nal| nal[0] & 31).collect()
}

/// The NAL units of a byte stream (H.264 annex B).
fn nals(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        bytes.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    let ends = starts.iter().skip(1).map(|start| start - 3).chain([bytes.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &bytes[start..end]).collect()
}

fn bytes(units: &[Unit]) -> usize {
    units.iter().map(|unit| unit.bytes.len()).sum()
}

fn clip() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/clip-720p.mp4")
}

const SECOND: Duration = Duration::from_secs(1);
