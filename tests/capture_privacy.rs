//! Privacy before the encoder: masks, veils and "what the far side sees", proven on what the far box decodes.

#![expect(clippy::print_stdout, reason = "the figures are printed")]

mod capture_support;

use capture_support::{BLACK, Frame, HALVES, RAW, Room, area, decode, decode_jpeg, now, plan};
use engawa::config::Look;
use engawa::model::{Moment, Veil, VideoCodec};
use gstreamer as gst;
use gstreamer_video as gst_video;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn under_a_mask_nothing_of_the_source_is_left_in_any_view() {
    let mask = area(400, 300, 200, 400);
    // The same mask in the whole picture (640 × 360) and in the lower right quarter of it.
    for (look, place) in [(Look::Whole, (256, 108, 384, 252)), (Look::Crop(area(500, 500, 500, 500)), (0, 0, 128, 144))]
    {
        for (pattern, codec) in
            [("smpte", VideoCodec::H264), ("checkers-8", VideoCodec::H264), ("checkers-8", VideoCodec::Vp8)]
        {
            let source = format!("videotestsrc is-live=true pattern={pattern} ! {RAW}");
            let room = Room::start(&source, codec, std::slice::from_ref(&look), &[mask]);
            let units = room.units_for(Duration::from_secs(1));
            let frames = decode(&units, codec);
            assert!(frames.len() > 3, "{}", frames.len());
            let (left, top, right, bottom) = place;
            let mut worst = 0;
            for frame in &frames {
                // The codec's own blocks smear what is beside the mask into it; the frames before it are proven to the
                // pixel in `media::veil`.
                let inside = |from: usize| if from == 0 { 0 } else { from + SMEAR };
                for (y, x) in
                    (inside(top)..bottom - SMEAR).flat_map(|y| (inside(left)..right - SMEAR).map(move |x| (y, x)))
                {
                    let [light, u, v] = [frame.light(x, y).abs_diff(GREY), frame.u(x, y), frame.v(x, y)];
                    worst = worst.max(light).max(u.abs_diff(128)).max(v.abs_diff(128));
                }
            }
            println!("{pattern} {codec:?} {look:?}: at most {worst} of 255 away from grey");
            assert!(worst <= 6, "{pattern} {codec:?} {look:?}: {worst}");
            let beside = frames.last().unwrap();
            assert!((0..600).any(|x| beside.light(x, 340).abs_diff(GREY) > 20), "everything is masked");
        }
    }
}

#[test]
fn frosted_glass_leaves_no_detail_and_black_leaves_nothing() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        for pattern in ["checkers-8", "snow"] {
            let source = format!("videotestsrc is-live=true pattern={pattern} ! {RAW}");
            let mut room = Room::start(&source, codec, &[], &[]);
            let clear = room.last_frame(codec).detail();
            room.arrange(plan(codec, 0, Veil::Frosted));
            let frosted = decode(&room.units_for(Duration::from_secs(1)), codec);
            let most = frosted.iter().map(Frame::detail).fold(0.0, f64::max);
            println!("{codec:?} {pattern}: greatest variance in a cell {clear:.0} clear, {most:.1} frosted");
            assert!(clear > 800.0 && most < 20.0, "{codec:?} {pattern}: {clear} → {most}");

            room.arrange(plan(codec, 0, Veil::Black));
            let black = decode(&room.units_for(Duration::from_secs(1)), codec);
            let worst = black.iter().flat_map(|frame| &frame.planes[0]).map(|light| light.abs_diff(BLACK)).max();
            assert!(worst.unwrap() <= 2, "{codec:?} {pattern}: {worst:?} away from black");
            let colour = black.iter().flat_map(|frame| frame.planes[1].iter().chain(&frame.planes[2]));
            assert!(colour.map(|sample| sample.abs_diff(128)).max().unwrap() <= 2);
        }
    }
}

#[test]
fn frosted_glass_still_says_that_somebody_is_there() {
    let mut room = Room::start(HALVES, VideoCodec::H264, &[], &[]);
    room.arrange(plan(VideoCodec::H264, 0, Veil::Frosted));
    let frame = room.last_frame(VideoCodec::H264);
    assert!(frame.light(40, 180) > 200 && frame.light(600, 180) < 50, "light and dark are lost");
    let edge: Vec<u8> = (280..360).map(|x| frame.light(x, 180)).collect();
    assert!(edge.windows(2).all(|pair| pair[0].abs_diff(pair[1]) <= 12), "an edge is left: {edge:?}");
}

#[test]
fn after_a_veil_was_arranged_no_clear_frame_leaves_not_even_one_inside_the_encoder() {
    let source = format!("videotestsrc is-live=true pattern=checkers-8 ! {RAW}");
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let mut room = Room::start(&source, codec, &[], &[]);
        let mut units = room.units_for(Duration::from_millis(700));
        let mut veils = Vec::new();
        for number in 0..12_u32 {
            let veil = if number % 2 == 0 { Veil::Frosted } else { Veil::Black };
            room.arrange(plan(codec, 0, veil));
            let arranged = now();
            units.extend(room.units_for(Duration::from_millis(250)));
            veils.push((arranged, units.last().unwrap().arrived));
            room.arrange(plan(codec, 0, Veil::Clear));
            units.extend(room.units_for(Duration::from_millis(180) + number * Duration::from_micros(3_700)));
        }
        let frames = decode(&units, codec);
        assert!(frames.len() + 2 >= units.len(), "{codec:?}: {} of {} decoded", frames.len(), units.len());
        let clear = frames.iter().filter(|frame| frame.detail() > 800.0).count();
        assert!(clear > 30, "{clear}: it is never clear");
        let mut slowest = Duration::ZERO;
        for (arranged, end) in veils {
            let veiled: Vec<&Frame> =
                frames.iter().filter(|frame| frame.arrived >= arranged && frame.arrived <= end).collect();
            let details: Vec<u32> = veiled.iter().map(|frame| frame.detail() as u32).collect();
            assert!(details.iter().all(|detail| *detail < 60), "{codec:?}: {details:?}");
            slowest = slowest.max(veiled.first().expect("veiled frames").arrived.since(arranged));
        }
        println!("{codec:?}: 12 veils, no clear frame after them; the veiled picture left after at most {slowest:?}");
    }
}

#[test]
fn after_the_plan_was_taken_back_nothing_leaves() {
    let mut room = Room::start(HALVES, VideoCodec::H264, &[], &[]);
    for _ in 0..5 {
        room.units_for(Duration::from_millis(333));
        room.sender.arrange(None);
        let arranged = now();
        let mut late = 0;
        while let Ok(unit) = room.units.recv_timeout(Duration::from_millis(300)) {
            // One may be on its way out at this very moment.
            late += u32::from(unit.arrived > arranged + Duration::from_millis(5));
        }
        assert_eq!(late, 0);
        room.arrange(plan(VideoCodec::H264, 0, Veil::Clear));
        assert!(room.unit().key, "it begins with a key frame");
    }
}

#[test]
fn what_the_far_side_sees_can_be_looked_at() {
    let mut room = Room::start(HALVES, VideoCodec::H264, &[], &[area(0, 0, 250, 1000)]);
    let own = room.sender.own_picture();
    let seen: Arc<Mutex<Vec<Moment>>> = Arc::default();
    let sees = seen.clone();
    own.watch(Some(Arc::new(move |sample: &gst::Sample| {
        let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        assert_eq!((info.format(), info.width()), (gst_video::VideoFormat::I420, 640));
        sees.lock().unwrap().push(Moment::from_nanos(sample.buffer().unwrap().pts().unwrap().nseconds()));
    })));
    room.units_for(Duration::from_secs(3));
    let picture = decode_jpeg(&own.jpeg().unwrap());
    assert_eq!((picture.width, picture.planes[0].len() / picture.width), (640, 360));
    // JPEG is of full range: masked grey, white, black.
    for (x, light) in [(50, 128), (240, 255), (500, 0)] {
        assert!(picture.light(x, 180).abs_diff(light) <= 6, "{x}: {}", picture.light(x, 180));
    }
    own.watch(None);
    let seen = seen.lock().unwrap().clone();
    assert!((18..=31).contains(&seen.len()), "{} in 3 s", seen.len());

    room.arrange(plan(VideoCodec::H264, 0, Veil::Black));
    room.units_for(Duration::from_millis(300));
    assert!(decode_jpeg(&own.jpeg().unwrap()).mean() < 3.0);
    room.sender.arrange(None);
    room.drain_until_quiet();
    assert_eq!(own.jpeg(), None, "a picture that is not sent");
}

const GREY: u8 = 126;
/// One macroblock.
const SMEAR: usize = 16;
