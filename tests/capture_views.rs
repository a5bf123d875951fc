//! Views and second cameras, proven on what the far box decodes.

#![expect(clippy::print_stdout, reason = "the figures are printed")]

mod capture_support;

use capture_support::{BLACK, Frame, HALVES, RAW, Room, WHITE, area, decode, now, plan};
use engawa::config::{Look, Source};
use engawa::model::{Moment, Veil, VideoCodec};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn a_view_is_switched_within_two_frames_on_the_same_encoder_with_one_key_frame() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let views = [Look::Crop(area(0, 250, 500, 500)), Look::Crop(area(500, 250, 500, 500))];
        let mut room = Room::start(HALVES, codec, &views, &[]);
        let mut units = room.units_for(Duration::from_secs(1));
        let mut switches = Vec::new();
        for number in 0..8_u32 {
            let view = (number as usize + 1) % 2;
            room.arrange(plan(codec, view, Veil::Clear));
            switches.push((now(), view));
            // At all phases of the frame period.
            units.extend(room.units_for(Duration::from_millis(700) + number * Duration::from_micros(4_200)));
        }
        assert_eq!(room.changes(), [true], "{codec:?}: the camera was touched");
        let frames = decode(&units, codec);
        assert!(frames.len() + 2 >= units.len(), "{codec:?}: {} of {}", frames.len(), units.len());
        let mut most = 0;
        for (index, (at, view)) in switches.iter().enumerate() {
            let end = switches.get(index + 1).map_or(Moment::from_nanos(u64::MAX), |next| next.0);
            let after = || frames.iter().filter(|frame| frame.arrived >= *at && frame.arrived < end);
            let is_new = |frame: &&Frame| (frame.mean() > 128.0) == (*view == 0);
            let old = after().take_while(|frame| !is_new(frame)).count();
            assert!(old <= 2, "{codec:?}: {old} frames of the old view");
            assert_eq!(after().skip(old).filter(|frame| !is_new(frame)).count(), 0, "{codec:?}: it flickers");
            let keys = units.iter().filter(|unit| unit.arrived >= *at && unit.arrived < end && unit.key).count();
            assert_eq!(keys, 1, "{codec:?}: key frames at switch {index}");
            most = most.max(old);
        }
        println!("{codec:?}: at most {most} frames of the old view in {} switches", switches.len());
    }
}

#[test]
fn a_part_is_blown_up_undistorted_and_shows_nothing_beside_it() {
    let views = [Look::Crop(area(250, 250, 500, 500)), Look::Crop(area(0, 0, 250, 1000))];
    let mut room = Room::start(HALVES, VideoCodec::H264, &views, &[]);
    let middle = room.last_frame(VideoCodec::H264);
    for (x, light) in [(4, WHITE), (300, WHITE), (340, BLACK), (635, BLACK)] {
        assert!(middle.light(x, 180).abs_diff(light) <= 4, "{x}: {}", middle.light(x, 180));
    }
    room.arrange(plan(VideoCodec::H264, 1, Veil::Clear));
    let column = room.last_frame(VideoCodec::H264);
    // 160 × 360 of 640 × 360: as it is, in the middle, between black borders.
    for (x, light) in [(4, BLACK), (230, BLACK), (250, WHITE), (390, WHITE), (410, BLACK), (635, BLACK)] {
        assert!(column.light(x, 180).abs_diff(light) <= 4, "{x}: {}", column.light(x, 180));
    }
}

#[test]
fn a_second_camera_takes_over_with_its_first_frame_and_the_first_is_closed_after_a_while() {
    let second = Source::Gst(format!("videotestsrc is-live=true pattern=black ! {RAW}"));
    let first = format!("videotestsrc is-live=true pattern=white ! {RAW}");
    let mut room = Room::start(&first, VideoCodec::H264, &[Look::Whole, Look::Camera(second)], &[]);
    let thumbnails: Arc<Mutex<u32>> = Arc::default();
    let count = thumbnails.clone();
    room.sender.thumbnails(Some(Arc::new(move |_, _, _, _| *count.lock().unwrap() += 1)));
    let mut units = room.units_for(Duration::from_secs(1));
    let mut switches = Vec::new();
    for view in [1, 0, 1] {
        room.arrange(plan(VideoCodec::H264, view, Veil::Clear));
        switches.push((now(), view));
        units.extend(room.units_for(Duration::from_secs(2)));
    }
    let frames = decode(&units, VideoCodec::H264);
    for (number, (at, view)) in switches.iter().enumerate() {
        let end = switches.get(number + 1).map_or(Moment::from_nanos(u64::MAX), |next| next.0);
        let light = |frame: &&Frame| if *view == 0 { frame.mean() > 225.0 } else { frame.mean() < 25.0 };
        let after: Vec<&Frame> = frames.iter().filter(|frame| frame.arrived >= *at && frame.arrived < end).collect();
        let first = after.iter().position(light).expect("the new view");
        assert!(after[first..].iter().all(light), "switch {number}: something else in between");
        let delay = after[first].arrived.since(*at);
        println!("switch {number}: {first} old frames, new view after {delay:?}");
        // Opened already: instantly.
        assert!(number == 0 || first <= 2, "switch {number}: {first} frames of the old view");
        assert!(delay < Duration::from_secs(2), "{delay:?}");
    }
    let gap = units.windows(2).map(|pair| pair[1].moment.since(pair[0].moment)).max().unwrap();
    assert!(gap < Duration::from_millis(400), "a hole of {gap:?}");
    assert_eq!(room.changes(), [true]);

    assert!(*thumbnails.lock().unwrap() > 0);
    room.units_for(Duration::from_secs(4));
    let before = *thumbnails.lock().unwrap();
    room.units_for(Duration::from_secs(1));
    assert_eq!(*thumbnails.lock().unwrap(), before, "the first camera is still open");
    room.arrange(plan(VideoCodec::H264, 0, Veil::Clear));
    room.units_for(Duration::from_secs(1));
    assert!(*thumbnails.lock().unwrap() > before, "and does not open again");
}

#[test]
fn until_a_slow_second_camera_is_there_the_old_view_goes_on() {
    let slow = format!(
        "videotestsrc num-buffers=1 pattern=black ! {RAW} ! identity sleep-time=700000 \
         ! imagefreeze is-live=true ! video/x-raw,framerate=30/1"
    );
    let first = format!("videotestsrc is-live=true pattern=white ! {RAW}");
    let mut room = Room::start(&first, VideoCodec::H264, &[Look::Whole, Look::Camera(Source::Gst(slow))], &[]);
    let mut units = room.units_for(Duration::from_millis(500));
    room.arrange(plan(VideoCodec::H264, 1, Veil::Clear));
    let at = now();
    units.extend(room.units_for(Duration::from_secs(2)));
    let frames = decode(&units, VideoCodec::H264);
    let after: Vec<&Frame> = frames.iter().filter(|frame| frame.arrived >= at).collect();
    let old = after.iter().take_while(|frame| frame.mean() > 225.0).count();
    assert!((12..=30).contains(&old), "{old} frames of the old view while 700 ms passed");
    assert!(old < after.len() && after[old..].iter().all(|frame| frame.mean() < 25.0));
}

#[test]
fn a_second_camera_that_is_missing_is_said_and_going_back_is_said_too() {
    let second = Look::Camera(Source::Gst("nosuchelement".into()));
    let mut room = Room::start(HALVES, VideoCodec::H264, &[Look::Whole, second], &[]);
    room.units_for(Duration::from_secs(1));
    room.arrange(plan(VideoCodec::H264, 1, Veil::Clear));
    room.units_for(Duration::from_secs(2));
    assert_eq!(room.changes(), [true, false]);
    let stands_in = room.last_frame(VideoCodec::H264);
    assert!((20.0..100.0).contains(&stands_in.mean()), "no placeholder: {}", stands_in.mean());
    room.arrange(plan(VideoCodec::H264, 0, Veil::Clear));
    let back = room.last_frame(VideoCodec::H264);
    assert!(back.light(10, 180) > 200 && back.light(630, 180) < 40);
    assert_eq!(room.changes(), [true]);
}

#[test]
fn thumbnails_show_the_whole_room_five_times_a_second_and_only_while_wanted() {
    let mut room =
        Room::start(HALVES, VideoCodec::H264, &[Look::Crop(area(0, 0, 250, 250))], &[area(0, 0, 1000, 1000)]);
    room.arrange(plan(VideoCodec::H264, 0, Veil::Black));
    room.units_for(Duration::from_millis(500));
    let (send, received) = channel();
    room.sender.thumbnails(Some(Arc::new(move |light: &[u8], width, height, at| {
        drop(send.send((light.to_vec(), width, height, at)));
    })));
    room.units_for(Duration::from_secs(3));
    room.sender.thumbnails(None);
    let thumbnails: Vec<(Vec<u8>, usize, usize, Moment)> = received.iter().collect();
    assert!((12..=16).contains(&thumbnails.len()), "{} in 3 s", thumbnails.len());
    for (light, width, height, _) in &thumbnails {
        assert_eq!((*width, *height, light.len()), (64, 36, 64 * 36));
        assert!(
            light.chunks(64).all(|row| row[0] == WHITE && row[31] == WHITE && row[32] == BLACK && row[63] == BLACK)
        );
    }
    assert!(thumbnails.windows(2).all(|pair| pair[1].3.since(pair[0].3) >= Duration::from_millis(150)));
}
