//! The camera's sending half without its far box: what would leave is taken here, and decoded as the far box would.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

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
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A room's camera and what leaves it.
pub struct Room {
    pub sender: CameraSender,
    pub units: Receiver<Unit>,
    inbox: Inbox,
}

/// An encoded frame.
pub struct Unit {
    pub moment: Moment,
    pub arrived: Moment,
    pub key: bool,
    pub bytes: Vec<u8>,
}

impl Room {
    /// A source described in GStreamer's words, with views and masks, at 3 Mbit/s.
    pub fn start(description: &str, codec: VideoCodec, looks: &[Look], masks: &[Area]) -> Self {
        let views =
            looks.iter().enumerate().map(|(number, look)| View { name: number.to_string(), look: look.clone() });
        let plain = settings(Source::Gst(description.to_owned()), codec);
        let settings = CameraSettings { views: views.collect(), masks: masks.to_vec(), ..plain };
        Self::arranged(settings, plan(codec, 0, Veil::Clear))
    }

    pub fn arranged(settings: CameraSettings, plan: CameraPlan) -> Self {
        init();
        let (sender, units) = channel();
        let inbox = Inbox::default();
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
        camera.arrange(Some(plan));
        Self { sender: camera, units, inbox }
    }

    pub fn arrange(&mut self, plan: CameraPlan) {
        self.sender.arrange(Some(plan));
    }

    pub fn unit(&self) -> Unit {
        self.units.recv_timeout(Duration::from_secs(10)).expect("a frame within 10 s")
    }

    pub fn next_key(&self) -> Unit {
        (0..200).map(|_| self.unit()).find(|unit| unit.key).expect("a key frame within 200 frames")
    }

    /// From the next frame on.
    pub fn units_for(&self, time: Duration) -> Vec<Unit> {
        let mut units = vec![self.unit()];
        let end = now() + time;
        while now() < end {
            units.extend(self.units.recv_timeout(end.since(now())).ok());
        }
        units
    }

    /// What the far box shows a second from now, from a key frame on.
    pub fn last_frame(&self, codec: VideoCodec) -> Frame {
        self.units_for(Duration::from_millis(500));
        self.sender.refresh();
        let units = self.units_for(Duration::from_millis(500));
        let key = units.iter().position(|unit| unit.key).expect("a key frame");
        decode(&units[key..], codec).pop().unwrap()
    }

    pub fn drain_until_quiet(&self) {
        let deadline = now() + Duration::from_secs(5);
        while self.units.recv_timeout(Duration::from_millis(300)).is_ok() {
            assert!(now() < deadline, "it goes on");
        }
    }

    /// What the loop was told about the camera, in order; empties the inbox.
    pub fn changes(&self) -> Vec<bool> {
        std::iter::from_fn(|| self.inbox.take())
            .map(|mail| match mail {
                Mail::Urgent(Input::DeviceChanged { device: Device::Camera, present, detail }) => {
                    assert!(!detail.is_empty());
                    present
                }
                other @ (Mail::Urgent(_) | Mail::News(_)) => panic!("{other:?}"),
            })
            .collect()
    }
}

/// A decoded picture.
pub struct Frame {
    /// When it left this box.
    pub arrived: Moment,
    pub width: usize,
    /// Without padding.
    pub planes: [Vec<u8>; 3],
}

impl Frame {
    pub fn light(&self, x: usize, y: usize) -> u8 {
        self.planes[0][y * self.width + x]
    }

    pub fn u(&self, x: usize, y: usize) -> u8 {
        self.planes[1][y / 2 * (self.width / 2) + x / 2]
    }

    pub fn v(&self, x: usize, y: usize) -> u8 {
        self.planes[2][y / 2 * (self.width / 2) + x / 2]
    }

    pub fn mean(&self) -> f64 {
        mean(self.planes[0].iter().copied())
    }

    /// The greatest variance of light inside any of 32 × 18 cells.
    pub fn detail(&self) -> f64 {
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

pub fn decode(units: &[Unit], codec: VideoCodec) -> Vec<Frame> {
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

pub fn decode_jpeg(bytes: &[u8]) -> Frame {
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

/// 640 × 360 at 30 frames a second, one view, no mask.
pub fn settings(source: Source, codec: VideoCodec) -> CameraSettings {
    let camera = CameraConfig { source, size: (640, 360), fps: 30, codec };
    CameraSettings { camera, views: Vec::new(), masks: Vec::new(), stamps: false }
}

pub fn plan(codec: VideoCodec, view: usize, veil: Veil) -> CameraPlan {
    CameraPlan { codec, fps: None, bitrate: Bitrate::from_kbps(3000), key_frame_every: None, view, veil }
}

pub fn area(x: u16, y: u16, width: u16, height: u16) -> Area {
    Area { x, y, width, height }
}

pub fn now() -> Moment {
    Moment::from_nanos(gst::SystemClock::obtain().time().nseconds())
}

pub fn init() {
    gst::init().unwrap();
}

/// What descriptions give.
pub const RAW: &str = "video/x-raw,format=I420,width=640,height=360,framerate=30/1";
/// White on the left, black on the right.
pub const HALVES: &str = "videotestsrc is-live=true pattern=white ! video/x-raw,format=I420,width=320,height=360,framerate=30/1 \
                          ! videobox right=-320 fill=black";
pub const WHITE: u8 = 235;
pub const BLACK: u8 = 16;
