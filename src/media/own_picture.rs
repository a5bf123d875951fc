//! "What the far side sees": the newest frame that was given to the encoder, after masks, crop and veil.
//!
//! ```text
//! Handoff ─► keep(frame): a reference, no copy ─┬─► jpeg(): scaled and written when somebody asks, on the asker's thread
//!                                               └─► watcher: at most ten a second, while there is one
//! ```
//!
//! There is no picture while nothing is sent: a frame older than [`STALE`] is not shown.

use crate::media::source::now;
use crate::model::Moment;
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Takes a raw I420 frame whose PTS is its capture [`Moment`], on the camera's thread: must not wait.
pub type SampleOut = Arc<dyn Fn(&gst::Sample) + Send + Sync>;

/// The way to it, for any thread; cheap to clone.
#[derive(Clone, Default)]
pub struct OwnPicture(Arc<Mutex<Tap>>);

#[derive(Default)]
struct Tap {
    newest: Option<(gst::Buffer, gst::Caps)>,
    watcher: Option<SampleOut>,
    next_due: Moment,
}

impl OwnPicture {
    /// The newest sent frame as a JPEG of at most [`WIDEST`] pixels across; `None` while nothing is sent.
    ///
    /// Takes some milliseconds of the caller's thread: whoever asks often should ask seldom enough.
    pub fn jpeg(&self) -> Option<Vec<u8>> {
        let (frame, caps) = self.lock().newest.clone()?;
        let age = now().since(Moment::from_nanos(frame.pts()?.nseconds()));
        if age > STALE { None } else { jpeg(&frame, &caps) }
    }

    /// Gives frames to this one from now on, at most ten a second; `None`: to nobody. Nothing comes while nothing is sent.
    pub fn watch(&self, watcher: Option<SampleOut>) {
        self.lock().watcher = watcher;
    }

    /// This is being sent.
    pub(crate) fn keep(&self, frame: &gst::Buffer, caps: &gst::CapsRef, moment: Moment) {
        let (watcher, sample) = {
            let mut tap = self.lock();
            match &mut tap.newest {
                Some((kept, known)) if known.as_ref() == caps => kept.clone_from(frame),
                newest => *newest = Some((frame.clone(), caps.to_owned())),
            }
            if moment + JITTER < tap.next_due {
                return;
            }
            let Some(watcher) = tap.watcher.clone() else { return };
            tap.next_due = tap.next_due.max(moment) + WATCH_PERIOD;
            let sample =
                tap.newest.as_ref().map(|(frame, caps)| gst::Sample::builder().buffer(frame).caps(caps).build());
            (watcher, sample)
        };
        if let Some(sample) = sample {
            watcher(&sample);
        }
    }

    /// Nothing is sent any more: whatever memory of the device the frame was is given back.
    pub(crate) fn clear(&self) {
        self.lock().newest = None;
    }

    fn lock(&self) -> MutexGuard<'_, Tap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn jpeg(frame: &gst::Buffer, caps: &gst::CapsRef) -> Option<Vec<u8>> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let width = info.width().min(WIDEST);
    let height = (info.height() * width / info.width().max(1)).max(1);
    let small = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, width, height);
    let small = small.fps(info.fps()).interlace_mode(info.interlace_mode()).build().ok()?;
    let mut rgb = gst::Buffer::with_size(small.size()).ok()?;
    {
        let from = gst_video::VideoFrameRef::from_buffer_ref_readable(frame, &info).ok()?;
        let mut to = gst_video::VideoFrameRef::from_buffer_ref_writable(rgb.get_mut()?, &small).ok()?;
        gst_video::VideoConverter::new(&info, &small, None).ok()?.frame_ref(&from, &mut to);
    }
    let picture = gst_video::VideoFrameRef::from_buffer_ref_readable(&rgb, &small).ok()?;
    let stride = usize::try_from(picture.plane_stride()[0]).ok()?;
    let row = width as usize * 3;
    let pixels: Vec<u8> = picture.plane_data(0).ok()?.chunks(stride).flat_map(|line| &line[..row]).copied().collect();
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, QUALITY);
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).ok()?;
    Some(file)
}

/// Pixels across, at most.
pub const WIDEST: u32 = 640;
/// A camera that is silent for 2 s is replaced by the placeholder, which comes four times a second.
const STALE: Duration = Duration::from_secs(3);
const WATCH_PERIOD: Duration = Duration::from_millis(100);
/// A frame this little early is not left out, or ten of thirty become seven and a half.
const JITTER: Duration = Duration::from_millis(10);
const QUALITY: u8 = 80;
