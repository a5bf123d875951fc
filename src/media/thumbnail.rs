//! Small grey pictures of the first camera's whole view, before masks and crop, for recognising where it was turned to.
//!
//! They stay inside the process: nobody looks at them, and nothing is made while nobody wants them.

use crate::model::Moment;
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Takes [`WIDTH`] × [`HEIGHT`] samples of light, row by row, their width and height, and when they were captured; on the
/// camera's thread: must not wait.
pub type ThumbnailOut = Arc<dyn Fn(&[u8], usize, usize, Moment) + Send + Sync>;

/// Makes them, five a second.
#[derive(Default)]
pub(crate) struct Thumbnails(Mutex<Wanted>);

#[derive(Default)]
struct Wanted {
    out: Option<ThumbnailOut>,
    next_due: Moment,
}

impl Thumbnails {
    /// To this one from now on; `None`: to nobody.
    pub(crate) fn to(&self, out: Option<ThumbnailOut>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).out = out;
    }

    /// Looks at a frame, if one is due.
    pub(crate) fn look(&self, frame: &gst::Buffer, caps: &gst::CapsRef, moment: Moment) {
        let out = {
            let mut wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(out) = wanted.out.clone().filter(|_| moment + JITTER >= wanted.next_due) else { return };
            wanted.next_due = wanted.next_due.max(moment) + PERIOD;
            out
        };
        if let Some(thumbnail) = shrink(frame, caps) {
            out(&thumbnail, WIDTH, HEIGHT, moment);
        }
    }
}

/// The mean light of each of [`WIDTH`] × [`HEIGHT`] cells; `None` if the frame cannot be read or is smaller than that.
fn shrink(frame: &gst::Buffer, caps: &gst::CapsRef) -> Option<Vec<u8>> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let picture = gst_video::VideoFrameRef::from_buffer_ref_readable(frame, &info).ok()?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let stride = usize::try_from(picture.plane_stride()[0]).ok()?;
    let light = picture.plane_data(0).ok()?;
    if width < WIDTH || height < HEIGHT {
        return None;
    }
    let mean = |line: usize, column: usize| {
        let across = column * width / WIDTH..(column + 1) * width / WIDTH;
        let down = line * height / HEIGHT..(line + 1) * height / HEIGHT;
        let count = across.len() * down.len();
        let sum = |y: usize| light[y * stride..][across.clone()].iter().map(|sample| u32::from(*sample)).sum::<u32>();
        (down.map(sum).sum::<u32>() as usize / count) as u8
    };
    Some((0..HEIGHT).flat_map(|line| (0..WIDTH).map(move |column| (line, column))).map(|(l, c)| mean(l, c)).collect())
}

/// Samples in a row.
pub const WIDTH: usize = 64;
/// Rows.
pub const HEIGHT: usize = 36;
const PERIOD: Duration = Duration::from_millis(200);
/// A frame this little early is not left out.
const JITTER: Duration = Duration::from_millis(10);
