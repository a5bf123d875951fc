//! The document input: an HDMI or USB capture that is kept open for ever, so that its signal is noticed.
//!
//! ```text
//!  Feed: source ─► raw frames, in their own size ─► take(sample)      first frame, nothing for 2 s, fault ─► said(signal or none)
//!                                                          1.5 s beyond its cadence, next frame ─► still(for so long, or no more)
//! ```
//! Nothing is converted here: frames that nobody wants cost no more than the device does.

use crate::config::Source;
use crate::media::feed::{Feed, FeedOrder, Still};
use crate::media::own_picture::SampleOut;
use crate::media::source::Form;
use gstreamer as gst;
use std::sync::Arc;

/// Takes whether there is a signal, whenever that changes.
pub type SignalOut = Arc<dyn Fn(bool) + Send + Sync>;

/// Takes for how long nothing has come, as soon as that is longer than it should be; none when the next frame comes.
pub type StillOut = Still;

/// Dropping it closes the device.
pub struct DocumentInput {
    _feed: Feed,
}

impl DocumentInput {
    /// Opens the source, if there is one; returns at once. GStreamer must be initialised.
    pub fn start(source: Source, take: SampleOut, said: SignalOut, still: StillOut) -> Option<Self> {
        let wanted = source != Source::None;
        let order = FeedOrder {
            name: "document input",
            source,
            form: Form::Picture { size: (1920, 1080), fps: 30 },
            tail: "video/x-raw".to_owned(),
            placeholder: None,
            take: Arc::new(move |buffer, caps, _| {
                take(&gst::Sample::builder().buffer(&buffer).caps(&caps.to_owned()).build());
            }),
            examine: Arc::new(|_| None),
            said: Arc::new(move |present, _| said(present)),
            still: Some(still),
            wedged: None,
        };
        wanted.then(|| Self { _feed: Feed::start(order) })
    }
}
