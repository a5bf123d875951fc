//! Playout with real codecs: what goes in comes out, and nothing torn is shown.

mod playout_support;

use engawa::config::Sink;
use engawa::core::input::{Input, News};
use engawa::core::plan::MediaPlan;
use engawa::inbox::Mail;
use engawa::media::playout::Probe;
use engawa::model::{Device, Line, Moment, SessionId, VideoCodec};
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use playout_support::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Size and middle luma of each frame shown.
type Seen = Arc<Mutex<Vec<((u32, u32), u8)>>>;

fn watch() -> (Seen, Probe) {
    let seen = Seen::default();
    let sees = Arc::clone(&seen);
    let probe = Arc::new(move |sample: &gst::Sample, _: Moment| {
        let info = gst_video::VideoInfo::from_caps(sample.caps().expect("caps")).expect("video");
        let frame =
            gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().expect("buffer"), &info).expect("maps");
        let stride = frame.plane_stride()[0] as usize;
        let middle = stride * (frame.height() as usize / 2) + frame.width() as usize / 2;
        let luma = frame.plane_data(0).expect("luma")[middle];
        sees.lock().expect("lives").push(((frame.width(), frame.height()), luma));
    });
    (seen, probe)
}

/// Feeds a key frame until the decoder stands and gives a picture, then lets everything come out.
fn begin(bench: &Bench, seen: &Seen, key_frame: &gst::Buffer) {
    let begun = eventually(|| {
        bench.playout.take_video(session(1), Line::Camera, key_frame, 0);
        shown(seen) > 0
    });
    assert!(begun, "no picture");
    wait_until(now() + Duration::from_millis(300));
    seen.lock().expect("lives").clear();
}

/// Feeds units; each of them must be shown before the next one follows.
fn feed_shown(bench: &Bench, seen: &Seen, of: SessionId, units: &[gst::Buffer], first: u32) {
    for (index, unit) in units.iter().enumerate() {
        let before = shown(seen);
        bench.playout.take_video(of, Line::Camera, unit, (first + index as u32) * 3000);
        assert!(eventually(|| shown(seen) > before), "unit {index} of {of} was not shown");
    }
}

/// Feeds units none of which may be shown.
fn feed_hidden(bench: &Bench, seen: &Seen, of: SessionId, units: &[gst::Buffer], first: u32) {
    let before = shown(seen);
    for (index, unit) in units.iter().enumerate() {
        bench.playout.take_video(of, Line::Camera, unit, (first + index as u32) * 3000);
    }
    wait_until(now() + Duration::from_millis(150));
    assert_eq!(shown(seen), before, "a unit of {of} was shown");
}

fn shown(seen: &Seen) -> usize {
    seen.lock().expect("lives").len()
}

#[test]
fn every_frame_that_goes_in_comes_out_at_once_and_is_told() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        // 1366 is no multiple of 16: strides differ from the width.
        let units = pictures(codec, 20, 100, (1366, 768), "pattern=white");
        let (seen, probe) = watch();
        let bench = playout(codec, Sink::None, Sink::None, Some(probe));
        begin(&bench, &seen, &units[0]);
        for (index, unit) in units.iter().enumerate() {
            bench.playout.take_video(session(1), Line::Camera, unit, index as u32 * 3000);
            // The next unit is not needed for this frame to come out.
            assert!(eventually(|| shown(&seen) > index), "{codec:?} frame {index} stayed inside");
        }
        assert!(
            seen.lock().unwrap().iter().all(|((width, height), luma)| (*width, *height) == (1366, 768) && *luma > 225)
        );
        let told = eventually(|| {
            bench.inbox.take() == Some(Mail::News(News::FrameDecoded { line: Line::Camera, session: session(1) }))
        });
        assert!(told, "{codec:?}");
        let report = bench.playout.report(Duration::from_secs(1));
        assert_eq!(report.size, Some((1366, 768)));
        assert_eq!(report.picture_delay, None, "clocks are not aligned");
        bench.playout.stop();
    }
}

#[test]
fn after_a_gap_the_picture_stands_until_a_key_frame_and_asks_for_one() {
    let mut units = pictures(VideoCodec::H264, 30, 20, (320, 240), "pattern=ball");
    let (seen, probe) = watch();
    let bench = playout(VideoCodec::H264, Sink::None, Sink::None, Some(probe));
    begin(&bench, &seen, &units[0]);
    bench.asked.lock().unwrap().clear();
    units[10].make_mut().set_flags(gst::BufferFlags::DISCONT);
    feed_shown(&bench, &seen, session(1), &units[1..9], 1); // unit 9 is lost
    feed_hidden(&bench, &seen, session(1), &units[10..20], 10);
    assert_eq!(bench.asked.lock().unwrap().first(), Some(&session(1)));
    feed_shown(&bench, &seen, session(1), &units[20..], 20);
    bench.playout.stop();
}

#[test]
fn a_new_session_takes_over_with_its_first_key_frame_and_the_old_one_stays_out() {
    let white = pictures(VideoCodec::H264, 20, 100, (320, 240), "pattern=white");
    let black = pictures(VideoCodec::H264, 20, 100, (320, 240), "pattern=black");
    let (seen, probe) = watch();
    let bench = playout(VideoCodec::H264, Sink::None, Sink::None, Some(probe));
    begin(&bench, &seen, &white[0]);
    feed_hidden(&bench, &seen, session(2), &black[5..8], 500);
    assert_eq!(bench.asked.lock().unwrap().last(), Some(&session(2)), "a key frame is asked of the new session");
    feed_shown(&bench, &seen, session(1), &white[1..3], 1);
    assert!(seen.lock().unwrap().iter().all(|(_, luma)| *luma > 225), "nothing of the new session without a key frame");
    seen.lock().unwrap().clear();
    feed_shown(&bench, &seen, session(2), &black[..5], 1000);
    feed_hidden(&bench, &seen, session(1), &white[..5], 5);
    feed_shown(&bench, &seen, session(2), &black[5..10], 1005);
    assert!(seen.lock().unwrap().iter().all(|(_, luma)| *luma < 25), "the old session came back");
    bench.playout.stop();
}

#[test]
fn garbage_does_not_stop_the_picture_and_the_codec_can_change() {
    let h264 = pictures(VideoCodec::H264, 3, 1, (320, 240), "pattern=white");
    let vp8 = pictures(VideoCodec::Vp8, 3, 1, (640, 480), "pattern=white");
    let (seen, probe) = watch();
    let bench = playout(VideoCodec::H264, Sink::None, Sink::None, Some(probe));
    let garbage = gst::Buffer::from_slice([&[0, 0, 0, 1, 0x65][..], &[0xa5; 4000]].concat());
    (0..50).for_each(|index| bench.playout.take_video(session(1), Line::Camera, &garbage, index));
    bench.playout.take_video(session(1), Line::Camera, &gst::Buffer::new(), 51);
    let shows = |unit: &gst::Buffer, size| {
        eventually(|| {
            bench.playout.take_video(session(1), Line::Camera, unit, 90_000);
            seen.lock().unwrap().iter().any(|(seen, _)| *seen == size)
        })
    };
    assert!(shows(&h264[0], (320, 240)));
    bench.playout.arrange(&MediaPlan::default(), VideoCodec::Vp8);
    assert!(shows(&vp8[0], (640, 480)));
    bench.playout.stop();
}

/// Feeds a second or more of sound in real time and tells what a file at the speaker heard.
fn sound_through(packets: usize, skip: impl Fn(usize) -> bool) -> (Vec<i16>, engawa::core::input::ReceiveReport) {
    let loud = MediaPlan { play: true, volume: 100, ..MediaPlan::default() };
    sound_through_plan(packets, skip, |number| (number == 0).then(|| loud.clone()))
}

/// The same; `plan` may change before each packet.
fn sound_through_plan(
    packets: usize,
    skip: impl Fn(usize) -> bool,
    plan: impl Fn(usize) -> Option<MediaPlan>,
) -> (Vec<i16>, engawa::core::input::ReceiveReport) {
    let sound = sound();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("heard.raw");
    let sink = Sink::Gst(format!(
        "audio/x-raw,format=S16LE,channels=1,rate=48000 ! filesink sync=false buffer-mode=unbuffered location={}",
        path.display()
    ));
    let bench = playout(VideoCodec::H264, Sink::None, sink, None);
    let opened = eventually(|| {
        matches!(
            bench.inbox.take(),
            Some(Mail::Urgent(Input::DeviceChanged { device: Device::Speaker, present: true, .. }))
        )
    });
    assert!(opened, "the speaker opens");
    let start = now() + Duration::from_millis(20);
    align(&bench.playout, start);
    for number in 0..packets {
        if let Some(plan) = plan(number) {
            bench.playout.arrange(&plan, VideoCodec::H264);
        }
        wait_until(start + Duration::from_millis(10) * (number as u32 + 1));
        if !skip(number) {
            bench.playout.take_sound(session(1), Line::Voice, sound[number % 100].clone(), number as u32 * 480);
        }
    }
    wait_until(now() + Duration::from_millis(60));
    let report = bench.playout.report(Duration::from_secs(1));
    bench.playout.stop();
    let heard = std::fs::read(&path).expect("the speaker wrote");
    (heard.chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect(), report)
}

fn rms(samples: &[i16]) -> f64 {
    (samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

#[test]
fn sound_that_goes_in_is_heard_whole() {
    let (heard, report) = sound_through(200, |_| false);
    assert!((90_000..102_000).contains(&heard.len()), "{}", heard.len());
    let level = rms(&heard[9_600..86_400]);
    assert!((4_500.0..6_800.0).contains(&level), "a tone of amplitude 8000 has 5657, heard {level}");
    assert!((-17.5..-13.0).contains(&report.level_dbfs), "{}", report.level_dbfs);
    assert!(report.sound_delay.is_some());
}

#[test]
fn the_far_room_can_be_turned_down_and_the_report_still_tells_how_loud_it_is() {
    let (heard, report) = sound_through_plan(
        200,
        |_| false,
        |number| {
            let volume = if number < 100 { 50 } else { 0 };
            Some(MediaPlan { play: true, volume, ..MediaPlan::default() })
        },
    );
    let half = rms(&heard[9_600..38_400]);
    assert!((560.0..850.0).contains(&half), "half the way is an eighth of 5657, heard {half}");
    assert!(rms(&heard[heard.len() - 28_800..]) < 2.0);
    assert!((-17.5..-13.0).contains(&report.level_dbfs), "{}", report.level_dbfs);
    let step = heard.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap();
    assert!(step < 100, "it clicked: {step}"); // 400 Hz at amplitude 1000 moves 52 a sample
}

#[test]
fn a_knock_rings_without_any_far_sound_again_every_three_seconds_and_over_a_far_room_that_is_turned_down() {
    let ring = MediaPlan { ring: true, ..MediaPlan::default() };
    let (heard, report) = sound_through_plan(450, |_| true, |number| (number == 0).then(|| ring.clone()));
    assert_eq!(report.level_dbfs, -100.0, "the ring is nothing of the far room");
    // Nothing is written between two chimes of 1.6 s; 4.5 s hold one and almost all of the second.
    assert!((100_000..160_000).contains(&heard.len()), "{}", heard.len());
    let chimes = [&heard[..48_000], &heard[76_800..115_000.min(heard.len())]];
    assert!(chimes.iter().all(|chime| (300.0..4_000.0).contains(&rms(chime))), "{:?}", chimes.map(rms));
    let play = MediaPlan { play: true, ring: true, ..MediaPlan::default() };
    let (over, _) = sound_through_plan(100, |_| false, |number| (number == 0).then(|| play.clone()));
    assert!((300.0..4_000.0).contains(&rms(&over[2_400..28_800])), "{}", rms(&over[2_400..28_800]));
}

#[test]
fn lost_sound_is_concealed() {
    let (heard, report) = sound_through(300, |number| number % 10 == 5);
    assert!(report.concealed > 0.03 && report.concealed < 0.4, "{}", report.concealed);
    // A tenth was lost, yet of a hundred stretches of 10 ms at least 95 are heard.
    let mut stretches: Vec<f64> = heard[24_000..134_000].chunks(480).map(rms).collect();
    stretches.sort_by(f64::total_cmp);
    assert!(stretches[stretches.len() / 20] > 1_000.0, "{stretches:?}");
}

#[test]
fn a_sound_card_is_opened_and_takes_sound() {
    // ALSA's own null device needs no hardware.
    let bench = playout(VideoCodec::H264, Sink::None, Sink::Alsa("null".into()), None);
    bench.playout.arrange(&MediaPlan { play: true, volume: 100, ..MediaPlan::default() }, VideoCodec::H264);
    let sound = sound();
    let mut number = 0;
    let mut told = Vec::new();
    while number < 150 {
        bench.playout.take_sound(session(1), Line::Voice, sound[number % 100].clone(), number as u32 * 480);
        number += 1;
        wait_until(now() + Duration::from_millis(10));
        if let Some(Mail::Urgent(input)) = bench.inbox.take() {
            told.push(input);
        }
    }
    assert!(matches!(&told[..], [Input::DeviceChanged { device: Device::Speaker, present: true, .. }]), "{told:?}");
    bench.playout.stop();
}

#[test]
fn a_speaker_that_hangs_when_it_is_opened_is_told_and_is_back_when_it_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    // Whoever opens a pipe to write hangs until somebody reads it.
    let device = directory.path().join("device");
    nix::unistd::mkfifo(&device, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let sink = Sink::Gst(format!("filesink sync=false location={}", device.display()));
    let bench = playout(VideoCodec::H264, Sink::None, sink, None);
    let told = || match bench.inbox.take() {
        Some(Mail::Urgent(Input::DeviceChanged { device: Device::Speaker, present, detail })) => {
            Some((present, detail))
        }
        _ => None,
    };
    let tells = |wanted: bool| {
        // Opening may take five seconds, as long as `eventually` waits.
        (0..2).any(|_| eventually(|| told().is_some_and(|(present, detail)| present == wanted && !detail.is_empty())))
    };
    assert!(tells(false), "nobody was told that it hangs");
    let _reader = std::fs::File::options().read(true).write(true).open(&device).expect("reads");
    assert!(tells(true), "it answers, and nobody tried again");
    bench.playout.stop();
}

#[test]
fn a_speaker_that_cannot_be_opened_is_told_once_and_sound_is_measured_on() {
    let bench = playout(VideoCodec::H264, Sink::None, Sink::Gst("nosuchelement".into()), None);
    let mut told = Vec::new();
    let until = now() + Duration::from_millis(1500);
    bench.playout.arrange(&MediaPlan { play: true, volume: 100, ..MediaPlan::default() }, VideoCodec::H264);
    let sound = sound();
    for number in 0.. {
        if now() > until {
            break;
        }
        bench.playout.take_sound(session(1), Line::Voice, sound[number % 100].clone(), number as u32 * 480);
        wait_until(now() + Duration::from_millis(10));
        if let Some(Mail::Urgent(input)) = bench.inbox.take() {
            told.push(input);
        }
    }
    assert!(matches!(&told[..], [Input::DeviceChanged { device: Device::Speaker, present: false, .. }]), "{told:?}");
    assert!(bench.playout.report(Duration::from_secs(1)).level_dbfs > -30.0);
    bench.playout.stop();
}
