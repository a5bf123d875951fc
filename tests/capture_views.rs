//! Views and privacy before the encoder, proven on what the far box decodes.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::print_stdout, reason = "the figures are printed")]

use engawa::config::{Area, CameraConfig, Look, Source, View};
use engawa::core::input::Input;
use engawa::core::plan::CameraPlan;
use engawa::inbox::{Inbox, Mail};
use engawa::media::camera::{CameraSender, CameraSettings};
use engawa::model::{Bitrate, Device, Moment, Veil, VideoCodec};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use std::sync::mpsc::{Receiver, channel};
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

struct Room {
    sender: CameraSender,
    units: Receiver<Unit>,
    inbox: Inbox,
}

struct Unit {
    moment: Moment,
    arrived: Moment,
    key: bool,
    bytes: Vec<u8>,
}

impl Room {
    fn start(description: &str, codec: VideoCodec, looks: &[Look], masks: &[Area]) -> Self {
        gst::init().unwrap();
        let (sender, units) = channel();
        let inbox = Inbox::default();
        let camera = CameraConfig { source: Source::Gst(description.to_owned()), size: SIZE, fps: 30, codec };
        let views =
            looks.iter().enumerate().map(|(number, look)| View { name: number.to_string(), look: look.clone() });
        let settings = CameraSettings { camera, views: views.collect(), masks: masks.to_vec(), stamps: false };
        let out = Arc::new(move |buffer: gst::Buffer| {
            let unit = Unit {
                moment: Moment::from_nanos(buffer.pts().unwrap().nseconds()),
                arrived: now(),
                key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
                bytes: buffer.map_readable().unwrap().to_vec(),
            };
            // The test may be over.
            drop(sender.send(unit));
        });
        let mut camera = CameraSender::start(settings, out, inbox.clone());
        camera.arrange(Some(plan(codec, 0, Veil::Clear)));
        Self { sender: camera, units, inbox }
    }

    fn arrange(&mut self, plan: CameraPlan) {
        self.sender.arrange(Some(plan));
    }

    fn unit(&self) -> Unit {
        self.units.recv_timeout(Duration::from_secs(10)).expect("a frame within 10 s")
    }

    fn units_for(&self, time: Duration) -> Vec<Unit> {
        let end = now() + time;
        let mut units = vec![self.unit()];
        while now() < end {
            units.extend(self.units.recv_timeout(end.since(now())).ok());
        }
        units
    }

    /// What the far box shows a second from now, from a key frame on.
    fn last_frame(&self, codec: VideoCodec) -> Frame {
        self.units_for(Duration::from_millis(500));
        self.sender.refresh();
        let units = self.units_for(Duration::from_millis(500));
        let key = units.iter().position(|unit| unit.key).expect("a key frame");
        decode(&units[key..], codec).pop().unwrap()
    }

    fn drain_until_quiet(&self) {
        let deadline = now() + Duration::from_secs(5);
        while self.units.recv_timeout(Duration::from_millis(300)).is_ok() {
            assert!(now() < deadline, "it goes on");
        }
    }

    /// What the loop was told about the camera, in order; empties the inbox.
    fn changes(&self) -> Vec<bool> {
        std::iter::from_fn(|| self.inbox.take())
            .map(|mail| match mail {
                Mail::Urgent(Input::DeviceChanged { device: Device::Camera, present, .. }) => present,
                other @ (Mail::Urgent(_) | Mail::News(_)) => panic!("{other:?}"),
            })
            .collect()
    }
}

/// A decoded picture.
struct Frame {
    /// When it left this box.
    arrived: Moment,
    width: usize,
    /// Without padding.
    planes: [Vec<u8>; 3],
}

impl Frame {
    fn light(&self, x: usize, y: usize) -> u8 {
        self.planes[0][y * self.width + x]
    }

    fn u(&self, x: usize, y: usize) -> u8 {
        self.planes[1][y / 2 * (self.width / 2) + x / 2]
    }

    fn v(&self, x: usize, y: usize) -> u8 {
        self.planes[2][y / 2 * (self.width / 2) + x / 2]
    }

    fn mean(&self) -> f64 {
        mean(self.planes[0].iter().copied())
    }

    /// The greatest variance of light inside any of 32 × 18 cells.
    fn detail(&self) -> f64 {
        let (across, down) = (self.width / 32, self.planes[0].len() / self.width / 18);
        let cell = |column: usize, line: usize| {
            let rows = line * down..(line + 1) * down;
            let samples = || rows.clone().flat_map(|y| (column * across..(column + 1) * across).map(move |x| (x, y)));
            let mean = mean(samples().map(|(x, y)| self.light(x, y)));
            samples().map(|(x, y)| (f64::from(self.light(x, y)) - mean).powi(2)).sum::<f64>() / (across * down) as f64
        };
        (0..32).flat_map(|column| (0..18).map(move |line| (column, line))).map(|(c, l)| cell(c, l)).fold(0.0, f64::max)
    }
}

fn mean(samples: impl Iterator<Item = u8>) -> f64 {
    let (sum, count) = samples.fold((0.0, 0.0), |(sum, count), sample| (sum + f64::from(sample), count + 1.0));
    sum / count
}

fn decode(units: &[Unit], codec: VideoCodec) -> Vec<Frame> {
    let (caps, decoder) = match codec {
        VideoCodec::H264 => ("video/x-h264,stream-format=byte-stream,alignment=au", "h264parse ! avdec_h264"),
        VideoCodec::Vp8 => ("video/x-vp8", "vp8dec"),
    };
    let bytes = units.iter().map(|unit| (unit.moment, unit.bytes.clone()));
    let arrived = |moment: Moment| units.iter().find(|unit| unit.moment == moment).unwrap().arrived;
    run(&format!("appsrc name=in format=time caps={caps} ! {decoder}"), bytes)
        .map(|(moment, width, planes)| Frame { arrived: arrived(moment), width, planes })
        .collect()
}

fn decode_jpeg(bytes: &[u8]) -> Frame {
    let file = std::iter::once((Moment::default(), bytes.to_vec()));
    let pictures = run("appsrc name=in format=time caps=image/jpeg ! jpegdec", file);
    pictures.map(|(arrived, width, planes)| Frame { arrived, width, planes }).next().expect("a picture")
}

/// Time, width and planes of everything that comes out.
fn run(
    head: &str,
    units: impl Iterator<Item = (Moment, Vec<u8>)>,
) -> impl Iterator<Item = (Moment, usize, [Vec<u8>; 3])> {
    let tail = "videoconvert ! video/x-raw,format=I420 ! appsink name=out sync=false";
    let pipeline = gst::parse::launch(&format!("{head} ! {tail}")).unwrap().downcast::<gst::Pipeline>().unwrap();
    let input = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let output = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for (moment, bytes) in units {
        let mut buffer = gst::Buffer::from_slice(bytes);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_nseconds(moment.as_nanos()));
        input.push_buffer(buffer).unwrap();
    }
    input.end_of_stream().unwrap();
    let samples: Vec<_> = std::iter::from_fn(|| output.try_pull_sample(gst::ClockTime::from_seconds(5)))
        .map(|sample| {
            let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
            let buffer = sample.buffer().unwrap();
            let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).unwrap();
            let plane = |number: u32| {
                let stride = frame.plane_stride()[number as usize] as usize;
                let (width, height) = (frame.comp_width(number) as usize, frame.comp_height(number) as usize);
                let rows = frame.plane_data(number).unwrap().chunks(stride).take(height);
                rows.flat_map(|row| &row[..width]).copied().collect::<Vec<u8>>()
            };
            let moment = Moment::from_nanos(buffer.pts().map_or(0, |pts| pts.nseconds()));
            (moment, frame.width() as usize, [plane(0), plane(1), plane(2)])
        })
        .collect();
    pipeline.set_state(gst::State::Null).unwrap();
    samples.into_iter()
}

fn plan(codec: VideoCodec, view: usize, veil: Veil) -> CameraPlan {
    CameraPlan { codec, fps: None, bitrate: Bitrate::from_kbps(3000), key_frame_every: None, view, veil }
}

fn area(x: u16, y: u16, width: u16, height: u16) -> Area {
    Area { x, y, width, height }
}

fn now() -> Moment {
    Moment::from_nanos(gst::SystemClock::obtain().time().nseconds())
}

const SIZE: (u32, u32) = (640, 360);
const RAW: &str = "video/x-raw,format=I420,width=640,height=360,framerate=30/1";
/// White on the left, black on the right.
const HALVES: &str = "videotestsrc is-live=true pattern=white ! video/x-raw,format=I420,width=320,height=360,framerate=30/1 \
                      ! videobox right=-320 fill=black";
const WHITE: u8 = 235;
const BLACK: u8 = 16;
const GREY: u8 = 126;
/// One macroblock.
const SMEAR: usize = 16;
