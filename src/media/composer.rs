//! The composer: the one element between the far picture and the display.
//!
//! ```text
//!  any raw video ─▶ to BGRx ─▶ scaled into its place ─▶ grey? ─▶ own picture ─▶ layers ─▶ BGRx, as large as the display
//!  live share ─────────────▶ under it, in its place ─▶ grey? Apart from the far picture: one may be live without the other
//!                   └─ Placing ────────────────────┘   └──────── straight into the display's buffer ───┘
//! ```
//!
//! Promise: no queue and no thread of its own: a frame leaves with the call that brought it. Layers come drawn; only a canvas
//! of a new size is drawn for here. Undressed it shows black, so nothing is ever shown without its words.

use super::face::layer::{Canvas, Rect, Scene};
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use gstreamer_video as gst_video;
use std::sync::Arc;

glib::wrapper! {
    /// See the module.
    pub struct Composer(ObjectSubclass<imp::Composer>)
        @extends gst_video::VideoFilter, gst_video::gst_base::BaseTransform, gst::Element, gst::Object;
}

/// Draws a scene for a canvas of a size in pixels. It is asked again when the size changes.
pub(super) type Draw = Arc<dyn Fn((u32, u32)) -> Scene + Send + Sync>;

/// The element's name in descriptions.
pub(super) const ELEMENT: &str = "engawacomposer";

/// Makes the element known; once is enough, more does no harm.
///
/// # Errors
/// When GStreamer refuses it.
pub(super) fn register() -> Result<(), glib::BoolError> {
    gst::Element::register(None, ELEMENT, gst::Rank::NONE, Composer::static_type())
}

impl Composer {
    /// Shows this from now on. Draws on the caller's thread.
    pub(super) fn dress(&self, draw: Draw) {
        self.imp().dress(draw);
    }

    /// What is sent, for as long as the scene has a place for it.
    pub(super) fn own(&self, sample: gst::Sample) {
        self.imp().own(sample);
    }

    /// The live share, in the same way.
    pub(super) fn live(&self, sample: Option<gst::Sample>) {
        self.imp().live(sample);
    }

    /// Frames that were composed.
    pub(super) fn composed(&self) -> u64 {
        self.imp().composed()
    }
}

mod imp {
    use super::*;
    use crate::media::stage::lock;
    use gst_video::gst_base::subclass::BaseTransformMode;
    use gst_video::gst_base::subclass::prelude::*;
    use gst_video::prelude::*;
    use gst_video::subclass::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{LazyLock, Mutex};

    #[derive(Default)]
    pub struct Composer {
        dress: Mutex<Dress>,
        /// Of the streaming thread.
        placings: Mutex<Placings>,
        composed: AtomicU64,
    }

    #[derive(Default)]
    struct Dress {
        draw: Option<Draw>,
        size: Option<(u32, u32)>,
        scene: Option<Arc<Scene>>,
        pictures: Pictures,
    }

    /// What may have a place in the scene.
    #[derive(Clone, Default)]
    struct Pictures {
        own: Option<gst::Sample>,
        live: Option<gst::Sample>,
    }

    #[derive(Default)]
    struct Placings {
        far: Placing,
        own: Placing,
        live: Placing,
    }

    impl Composer {
        pub(super) fn dress(&self, draw: Draw) {
            let size = lock(&self.dress).size;
            let scene = size.map(|size| Arc::new(draw(size)));
            let mut dress = lock(&self.dress);
            if scene.as_ref().is_none_or(|scene| scene.own.is_none()) {
                dress.pictures.own = None;
            }
            (dress.draw, dress.scene) = (Some(draw), scene);
        }

        pub(super) fn own(&self, sample: gst::Sample) {
            lock(&self.dress).pictures.own = Some(sample);
        }

        pub(super) fn live(&self, sample: Option<gst::Sample>) {
            lock(&self.dress).pictures.live = sample;
        }

        pub(super) fn composed(&self) -> u64 {
            self.composed.load(Ordering::Relaxed)
        }

        /// The scene for this canvas; `None`: undressed.
        fn scene(&self, size: (u32, u32)) -> Option<(Arc<Scene>, Pictures)> {
            let mut dress = lock(&self.dress);
            dress.size = Some(size);
            if let Some(scene) = dress.scene.clone().filter(|scene| scene.size == size) {
                return Some((scene, dress.pictures.clone()));
            }
            let draw = dress.draw.clone()?;
            drop(dress);
            let scene = Arc::new(draw(size));
            let mut dress = lock(&self.dress);
            if dress.draw.as_ref().is_some_and(|now| Arc::ptr_eq(now, &draw)) {
                dress.scene = Some(Arc::clone(&scene));
            }
            Some((scene, dress.pictures.clone()))
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Composer {
        const NAME: &'static str = "EngawaComposer";
        type Type = super::Composer;
        type ParentType = gst_video::VideoFilter;
    }

    impl ObjectImpl for Composer {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_property("qos", false);
        }
    }

    impl GstObjectImpl for Composer {}

    impl ElementImpl for Composer {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                let what = "The far picture in its place, with words over it";
                gst::subclass::ElementMetadata::new("Engawa's composer", "Filter/Converter/Video", what, "Engawa")
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                use gst::PadDirection::{Sink, Src};
                let any = gst_video::VideoCapsBuilder::new().build();
                let composed = gst_video::VideoCapsBuilder::new().format(FORMAT).build();
                [("sink", Sink, any), ("src", Src, composed)]
                    .into_iter()
                    .filter_map(|(name, way, caps)| {
                        gst::PadTemplate::new(name, way, gst::PadPresence::Always, &caps).ok()
                    })
                    .collect()
            });
            &TEMPLATES
        }
    }

    impl BaseTransformImpl for Composer {
        const MODE: BaseTransformMode = BaseTransformMode::NeverInPlace;
        const PASSTHROUGH_ON_SAME_CAPS: bool = false;
        const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

        fn transform_caps(
            &self,
            direction: gst::PadDirection,
            caps: &gst::Caps,
            filter: Option<&gst::Caps>,
        ) -> Option<gst::Caps> {
            let mut other = gst::Caps::new_empty();
            for structure in caps.iter() {
                let mut sized = gst_video::VideoCapsBuilder::new();
                if direction == gst::PadDirection::Sink {
                    sized = sized.format(FORMAT).pixel_aspect_ratio(gst::Fraction::new(1, 1));
                }
                let mut sized = sized.build();
                if let Ok(rate) = structure.value("framerate") {
                    sized.make_mut().iter_mut().for_each(|fields| fields.set_value("framerate", rate.clone()));
                }
                other.merge(sized);
            }
            match filter {
                Some(filter) => Some(filter.intersect_with_mode(&other, gst::CapsIntersectMode::First)),
                None => Some(other),
            }
        }

        /// As large as the display says, else as large as what comes in.
        fn fixate_caps(&self, direction: gst::PadDirection, caps: &gst::Caps, mut other: gst::Caps) -> gst::Caps {
            other.truncate();
            if direction == gst::PadDirection::Sink
                && let Some(come) = caps.structure(0)
                && let Some(fields) = other.make_mut().structure_mut(0)
            {
                for side in ["width", "height"] {
                    if let Ok(length) = come.get::<i32>(side) {
                        fields.fixate_field_nearest_int(side, length);
                    }
                }
            }
            other.fixate();
            other
        }
    }

    impl VideoFilterImpl for Composer {
        fn transform_frame(
            &self,
            come: &gst_video::VideoFrameRef<&gst::BufferRef>,
            canvas: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let Some((scene, Pictures { own, live })) = self.scene((canvas.width(), canvas.height())) else {
                return with_rows(canvas, |rows| rows.fill_around(NOWHERE, BLACK));
            };
            let mut placings = lock(&self.placings);
            let picture = scene.picture.map(|place| fitting(come.info(), place));
            with_rows(canvas, |rows| rows.fill_around(picture.unwrap_or(NOWHERE), scene.backdrop))?;
            if !scene.under.is_empty() {
                with_rows(canvas, |rows| scene.under.iter().for_each(|layer| layer.lay(rows)))?;
            }
            match (scene.live, live) {
                (Some(place), Some(live)) => {
                    let placed = placings.live.place_sample(&live, canvas, place)?;
                    if let Some(placed) = placed.filter(|_| scene.live_grey) {
                        with_rows(canvas, |rows| rows.grey(placed))?;
                    }
                }
                (None, _) | (_, None) => placings.live = Placing::default(),
            }
            if let Some(picture) = picture {
                placings.far.place(come, canvas, picture)?;
            } else {
                placings.far = Placing::default();
            }
            if let Some(picture) = picture.filter(|_| scene.grey) {
                with_rows(canvas, |rows| rows.grey(picture))?;
            }
            match (scene.own, own) {
                (Some(place), Some(own)) => drop(placings.own.place_sample(&own, canvas, place)?),
                (None, _) | (_, None) => placings.own = Placing::default(),
            }
            self.composed.fetch_add(1, Ordering::Relaxed);
            with_rows(canvas, |rows| scene.layers.iter().for_each(|layer| layer.lay(rows)))
        }
    }

    /// How one picture comes into its place; made anew when picture or place change.
    #[derive(Default)]
    struct Placing(Option<Way>);

    struct Way {
        come: gst_video::VideoInfo,
        canvas: gst_video::VideoInfo,
        place: Rect,
        /// The picture in the canvas's format and its own size: converting before scaling is the cheaper order.
        between: Option<(gst_video::VideoConverter, gst_video::VideoFrame<gst_video::video_frame::Writable>)>,
        last: gst_video::VideoConverter,
    }

    impl Placing {
        fn place(
            &mut self,
            come: &gst_video::VideoFrameRef<&gst::BufferRef>,
            canvas: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
            place: Rect,
        ) -> Result<(), gst::FlowError> {
            let (from, to) = (come.info(), canvas.info());
            let same = self.0.as_ref().is_some_and(|way| way.come == *from && way.canvas == *to && way.place == place);
            if !same {
                self.0 = Some(Way::new(from, to, place).map_err(|error| {
                    tracing::error!(%error, "bug: a picture cannot be placed");
                    gst::FlowError::NotNegotiated
                })?);
            }
            let Some(way) = &mut self.0 else { return Err(gst::FlowError::NotNegotiated) };
            match &mut way.between {
                Some((convert, between)) => {
                    convert.frame_ref(come, &mut between.as_mut_video_frame_ref());
                    way.last.frame_ref(&between.as_video_frame_ref(), canvas);
                }
                None => way.last.frame_ref(come, canvas),
            }
            Ok(())
        }

        /// Where in its place it stands now.
        fn place_sample(
            &mut self,
            sample: &gst::Sample,
            canvas: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
            place: Rect,
        ) -> Result<Option<Rect>, gst::FlowError> {
            let info = sample.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
            let (Some(info), Some(buffer)) = (info, sample.buffer()) else { return Ok(None) };
            let Ok(frame) = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info) else { return Ok(None) };
            let fitted = fitting(&info, place);
            self.place(&frame, canvas, fitted)?;
            Ok(Some(fitted))
        }
    }

    impl Way {
        fn new(
            come: &gst_video::VideoInfo,
            canvas: &gst_video::VideoInfo,
            place: Rect,
        ) -> Result<Self, glib::BoolError> {
            let mut settings = gst_video::VideoConverterConfig::new();
            settings.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
            settings.set_dither_method(gst_video::VideoDitherMethod::None);
            let (plain_come, plain_canvas) = (without_rate(come)?, without_rate(canvas)?);
            let whole = place.width as u32 == canvas.width() && place.height as u32 == canvas.height();
            let same_size = come.width() == canvas.width() && come.height() == canvas.height();
            let between = if come.format() == FORMAT || (whole && same_size) {
                None
            } else {
                let info = gst_video::VideoInfo::builder(FORMAT, come.width(), come.height());
                let info = without_rate(&info.build()?)?;
                let convert = gst_video::VideoConverter::new(&plain_come, &info, Some(settings.clone()))?;
                let buffer = gst::Buffer::with_size(info.size())?;
                let frame = gst_video::VideoFrame::from_buffer_writable(buffer, &info);
                Some((convert, frame.map_err(|_| glib::bool_error!("no memory for a frame"))?))
            };
            let first = between.as_ref().map_or(&plain_come, |(_, frame)| frame.info());
            settings.set_dest_x(place.x);
            settings.set_dest_y(place.y);
            settings.set_dest_width(Some(place.width));
            settings.set_dest_height(Some(place.height));
            settings.set_fill_border(false);
            let last = gst_video::VideoConverter::new(first, &plain_canvas, Some(settings))?;
            Ok(Self { come: come.clone(), canvas: canvas.clone(), place, between, last })
        }
    }

    /// A converter refuses two frame rates or field orders; it converts frames, whenever they come.
    fn without_rate(info: &gst_video::VideoInfo) -> Result<gst_video::VideoInfo, glib::BoolError> {
        let plain = gst_video::VideoInfo::builder_from_info(info).fps(gst::Fraction::new(0, 1));
        plain.interlace_mode(gst_video::VideoInterlaceMode::Progressive).build()
    }

    /// The largest part of `place` with the picture's proportions, in its middle.
    fn fitting(info: &gst_video::VideoInfo, place: Rect) -> Rect {
        let par = info.par();
        let wide = i64::from(info.width()) * i64::from(par.numer().max(1));
        let high = i64::from(info.height()) * i64::from(par.denom().max(1));
        let (width, height) = (i64::from(place.width), i64::from(place.height));
        let (width, height) = if wide * height > width * high {
            (width, (width * high / wide.max(1)).max(1))
        } else {
            ((height * wide / high.max(1)).max(1), height)
        };
        let [width, height] = [width, height].map(|side| i32::try_from(side).unwrap_or(1));
        let (x, y) = (place.x + (place.width - width) / 2, place.y + (place.height - height) / 2);
        Rect { x, y, width, height }
    }

    fn with_rows(
        canvas: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        work: impl FnOnce(&mut Canvas<'_>),
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let (width, height) = (canvas.width() as usize, canvas.height() as usize);
        let stride = canvas.plane_stride()[0] as usize;
        let bytes = canvas.plane_data_mut(0).map_err(|_| gst::FlowError::Error)?;
        work(&mut Canvas { bytes, stride, width, height });
        Ok(gst::FlowSuccess::Ok)
    }

    /// X11, KMS and every Wayland compositor take it.
    const FORMAT: gst_video::VideoFormat = gst_video::VideoFormat::Bgrx;
    const NOWHERE: Rect = Rect { x: 0, y: 0, width: 0, height: 0 };
    const BLACK: [u8; 4] = [0, 0, 0, u8::MAX];
}
