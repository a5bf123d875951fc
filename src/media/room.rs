//! The media room's front: capture and send on one side, playout on the other, one plan for both.

use crate::config::{Config, Source};
use crate::core::input::{ReceiveReport, SendReport};
use crate::core::plan::MediaPlan;
use crate::core::signal::Alignment;
use crate::inbox::Inbox;
use crate::media::camera::{CameraSender, CameraSettings};
use crate::media::face::FaceConstants;
use crate::media::live::LiveShare;
use crate::media::microphone::MicrophoneSender;
use crate::media::own_picture::{OwnPicture, SampleOut};
use crate::media::page::PagePicture;
use crate::media::picture::KeyFrameNeeded;
use crate::media::playout::{Playout, PlayoutSettings, Probe};
use crate::media::source::{probe_picture, probe_sound};
use crate::media::stamp;
use crate::media::stamps::Stamps;
use crate::media::thumbnail::ThumbnailOut;
use crate::media::wedged::Wedged;
use crate::model::{Line, Moment, SessionId, VideoCodec};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Takes one encoded frame or packet of a line; its PTS is the capture moment.
pub type SendOut = Arc<dyn Fn(Line, gst::Buffer) + Send + Sync>;

/// Takes the page that is to be shown; none takes it away.
pub type PageOut = Arc<dyn Fn(Option<PagePicture>) + Send + Sync>;

/// Everything that is captured, sent, shown and played.
pub struct Media {
    camera: CameraSender,
    microphone: MicrophoneSender,
    playout: Playout,
    /// What the far room sends, or will most likely send.
    codec: VideoCodec,
    stamps: Option<Stamps>,
    own_shown: bool,
}

/// Takes what arrives, on any thread; cheap to clone.
#[derive(Clone)]
pub struct Intake {
    playout: Playout,
    refresh: Arc<dyn Fn() + Send + Sync>,
}

impl Media {
    /// Opens nothing and plays nothing until a plan is arranged; [`init`] comes first.
    pub fn start(config: &Config, stamps: bool, out: SendOut, key_frame_needed: KeyFrameNeeded, inbox: &Inbox) -> Self {
        let stamps = stamps.then(Stamps::default);
        let camera = CameraSettings {
            camera: config.camera.clone(),
            views: config.room.views.clone(),
            masks: config.room.masks.clone(),
            stamps: stamps.is_some(),
        };
        let (picture_out, voice_out) = (out.clone(), out.clone());
        Self {
            camera: CameraSender::start(camera, Arc::new(move |unit| picture_out(Line::Camera, unit)), inbox.clone()),
            microphone: MicrophoneSender::start(
                config.sound.source.clone(),
                Arc::new(move |packet| voice_out(Line::Voice, packet)),
                inbox.clone(),
            ),
            playout: Playout::start(
                PlayoutSettings {
                    language: config.language,
                    screen: config.screen.clone(),
                    speaker: config.sound.sink.clone(),
                    codec: config.camera.codec,
                    clock: gst::SystemClock::obtain(),
                    probe: stamps.clone().map(reader),
                    key_frame_needed,
                    out,
                },
                inbox,
            ),
            codec: config.camera.codec,
            stamps,
            own_shown: false,
        }
    }

    /// Where the peer room puts what arrives.
    pub fn intake(&self) -> Intake {
        Intake { playout: self.playout.clone(), refresh: Arc::new(self.camera.refresher()) }
    }

    /// What the screen says of this box itself: the pair's words, the panel's address. Known at the start, or once paired.
    pub fn introduce(&self, constants: FaceConstants) {
        self.playout.introduce(constants);
    }

    /// Told of a camera that hangs however often it is opened; said once.
    pub fn on_wedged_camera(&self, wedged: Wedged) {
        self.camera.on_wedged(wedged);
    }

    /// Takes drawn pages, on any thread.
    pub fn page_out(&self) -> PageOut {
        let playout = self.playout.clone();
        Arc::new(move |page| playout.page(page))
    }

    /// How many pixels a page of this shape (width by height) may fill; none while nobody knows the display.
    pub fn page_place(&self, shape: f64) -> Option<(u32, u32)> {
        self.playout.page_place(shape)
    }

    /// Do this from now on.
    pub fn arrange(&mut self, plan: &MediaPlan) {
        self.camera.arrange(plan.camera);
        self.microphone.arrange(plan.microphone, plan.voice);
        self.codec = plan.camera.map_or(self.codec, |camera| camera.codec);
        self.playout.arrange(plan, self.codec);
        let shown = plan.screen.face.own_picture;
        if std::mem::replace(&mut self.own_shown, shown) != shown {
            let playout = self.playout.clone();
            let show: SampleOut = Arc::new(move |sample| playout.own(sample));
            self.camera.own_picture().watch(shown.then_some(show));
        }
    }

    /// This RTP time was captured then.
    pub fn align(&self, alignment: Alignment) {
        self.playout.align(alignment);
    }

    /// A key frame soon, for a new session.
    pub fn refresh(&self, line: Line) {
        match line {
            Line::Camera => self.camera.refresh(),
            Line::LiveShare => self.playout.live().refresh(),
            Line::Voice | Line::ShareSound => {}
        }
    }

    /// What the far side sees, for any thread.
    pub fn own_picture(&self) -> OwnPicture {
        self.camera.own_picture()
    }

    /// Takes what sources of this room share, for any thread.
    pub fn live(&self) -> LiveShare {
        self.playout.live()
    }

    /// [`OwnPicture::jpeg`] once.
    pub fn own_picture_jpeg(&self) -> Option<Vec<u8>> {
        self.camera.own_picture().jpeg()
    }

    /// Thumbnails of the first camera's whole picture to this one from now on; `None`: to nobody.
    pub fn thumbnails(&self, out: Option<ThumbnailOut>) {
        self.camera.thumbnails(out);
    }

    /// What was really sent and received in the last `elapsed`.
    pub fn report(&self, elapsed: Duration) -> (SendReport, ReceiveReport) {
        let (camera, microphone) = (self.camera.report(), self.microphone.report());
        let sent = SendReport {
            fps: camera.fps,
            size: camera.size,
            voice_packets: microphone.voice_packets,
            live_frames: camera.live_frames,
            level_dbfs: microphone.level_dbfs,
            encoder: camera.encoder,
        };
        let stamps = self.stamps.as_ref().and_then(Stamps::report);
        (sent, ReceiveReport { stamps, ..self.playout.report(elapsed) })
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.playout.stop();
    }
}

impl Intake {
    /// A whole access unit with its RTP time.
    pub fn video(&self, session: SessionId, line: Line, unit: &gst::Buffer, rtp: u32) {
        self.playout.take_video(session, line, unit, rtp);
    }

    /// An Opus packet with its RTP time.
    pub fn sound(&self, session: SessionId, line: Line, packet: gst::Buffer, rtp: u32) {
        self.playout.take_sound(session, line, packet, rtp);
    }

    /// The far side asks for a key frame of this line.
    pub fn key_frame_wanted(&self, line: Line) {
        match line {
            Line::Camera => (self.refresh)(),
            Line::LiveShare => self.playout.live().refresh(),
            Line::Voice | Line::ShareSound => {}
        }
    }
}

/// Starts GStreamer on the box's clock: at the machine's reading `machine_ns` it read `begin`, and it runs `ppm` fast.
///
/// # Errors
/// When GStreamer does not start.
pub fn init(machine_ns: u64, begin: Moment, ppm: i32) -> Result<(), gst::glib::Error> {
    gst::init()?;
    if ppm != 0 || begin.as_nanos() != machine_ns {
        let time = gst::ClockTime::from_nseconds;
        let rate = MILLION.saturating_add_signed(i64::from(ppm));
        gst::SystemClock::obtain().set_calibration(time(machine_ns), time(begin.as_nanos()), rate, MILLION);
    }
    Ok(())
}

/// What is wrong with the clips of the configuration, if anything: one sentence for the installer. Takes up to some seconds.
pub fn clip_fault(camera: &Source, sound: &Source) -> Option<String> {
    let clip = |source: &Source| match source {
        Source::File(path) => Some(path.clone()),
        Source::Auto | Source::None | Source::V4l2(_) | Source::Alsa(_) | Source::Test | Source::Gst(_) => None,
    };
    let picture = clip(camera).and_then(|path| probe_picture(&path).err());
    picture.or_else(|| clip(sound).and_then(|path| probe_sound(&path).err()))
}

fn reader(stamps: Stamps) -> Probe {
    Arc::new(move |sample: &gst::Sample, at: Moment| {
        let Some(info) = sample.caps().and_then(|caps| gstreamer_video::VideoInfo::from_caps(caps).ok()) else {
            return;
        };
        let Some(Ok(frame)) =
            sample.buffer().map(|buffer| gstreamer_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info))
        else {
            return;
        };
        let stride = usize::try_from(frame.plane_stride()[0]).unwrap_or(0);
        if let Some(stamped) =
            frame.plane_data(0).ok().and_then(|luma| stamp::read(luma, stride, frame.width() as usize))
        {
            stamps.read(stamped, at);
        }
    })
}

const MILLION: u64 = 1_000_000;
