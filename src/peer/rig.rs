//! The pipeline of one session, built whole before it plays: nothing is added to it later.

use super::Taps;
use super::meter::{Estimator, Meter};
use super::pacer::Pace;
use super::passage::{Gate, Sources};
use super::receiving::{Entrances, Receiving};
use super::repair::Repair;
use super::sdp::Streams;
use super::sending::Sending;
use crate::core::output::SessionOrder;
use crate::inbox::Inbox;
use crate::model::Line;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_webrtc::WebRTCBundlePolicy;
use std::sync::{Arc, OnceLock};

/// One webrtcbin with everything around it.
pub(super) struct Rig {
    pub(super) pipeline: gst::Pipeline,
    pub(super) webrtcbin: gst::Element,
    pub(super) entrances: Entrances,
    pub(super) sources: Sources,
    pub(super) estimator: Arc<Estimator>,
    /// To be filled in from the peer's description before webrtcbin gets it.
    pub(super) streams: Arc<OnceLock<Streams>>,
}

/// What a session is given besides its order.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) port: u16,
    pub(super) starts: Option<(u32, u16)>,
    pub(super) taps: Taps,
    pub(super) inbox: Inbox,
    pub(super) gate: Arc<Gate>,
    pub(super) meter: Arc<Meter>,
    pub(super) repair: Arc<Repair>,
    pub(super) pace: Pace,
}

impl Rig {
    /// Builds it, in state NULL.
    pub(super) fn build(order: &SessionOrder, around: &Surroundings) -> Result<Self, glib::BoolError> {
        let pipeline = gst::Pipeline::with_name(&format!("session-{}", order.session.number));
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        pipeline.set_base_time(gst::ClockTime::ZERO);
        pipeline.set_start_time(gst::ClockTime::NONE);

        let webrtcbin = gst::ElementFactory::make("webrtcbin")
            .name("webrtcbin")
            .property("bundle-policy", WebRTCBundlePolicy::MaxBundle)
            .build()?;
        confine(&webrtcbin, around.port, &order.own.to_string())?;
        tend(&webrtcbin, &around.meter, &around.repair);
        pipeline.add(&webrtcbin)?;

        let streams = Arc::new(OnceLock::new());
        let receiving = Receiving {
            session: order.session,
            gate: Arc::clone(&around.gate),
            taps: around.taps.clone(),
            streams: Arc::clone(&streams),
        };
        let entrances = receiving.build(&pipeline, &webrtcbin, order.codec)?;

        let estimator = Arc::new(Estimator::new()?);
        let sending = Sending {
            pipeline: &pipeline,
            webrtcbin: &webrtcbin,
            codec: order.codec,
            starts: around.starts,
            taps: &around.taps,
            inbox: &around.inbox,
            estimator: &estimator,
            pace: &around.pace,
        };
        let sources = [
            sending.build(Line::Voice)?,
            sending.build(Line::Camera)?,
            sending.build(Line::LiveShare)?,
            sending.build(Line::ShareSound)?,
        ];
        Ok(Self { pipeline, webrtcbin, sources, entrances, estimator, streams })
    }
}

/// Makes an RTP session fit for two parties that repair their streams.
fn hurry(rtpsession: &gst::Element) {
    // SRTP has proved the sender: the first packet need not wait for a second one.
    rtpsession.set_property("probation", 0_u32);
    // What RTCP may take decides when a NACK or PLI may leave (RFC 4585 §3.5.2); by default most NACKs came too late. Measured on
    // 1.22, 10 % loss, no new key frame, NACK on, one run each: 1 % of the pictures arrived without these two lines, all with
    // them. Regular reports still leave about once a second only.
    rtpsession.set_property("bandwidth", RTCP_BASIS_BYTES_PER_SECOND);
    rtpsession.set_property("rtcp-min-interval", gst::ClockTime::SECOND.nseconds());
    let session = rtpsession.property::<glib::Object>("internal-session");
    session.set_property("twcc-feedback-interval", FEEDBACK_INTERVAL.nseconds());
}

/// One UDP socket on one port of one address, no multicast, no TCP, nothing else (measured in FACTS.md).
fn confine(webrtcbin: &gst::Element, port: u16, own: &str) -> Result<(), glib::BoolError> {
    let ice = webrtcbin.property::<gst::Object>("ice-agent");
    ice.set_property("min-rtp-port", u32::from(port));
    ice.set_property("max-rtp-port", u32::from(port));
    ice.set_property("ice-tcp", false);
    let agent = ice.property::<glib::Object>("agent");
    agent.set_property("upnp", false);
    agent.set_property("keepalive-conncheck", false);
    if ice.emit_by_name::<bool>("add-local-ip-address", &[&own]) {
        Ok(())
    } else {
        Err(glib::bool_error!("{own} is no address to gather candidates on"))
    }
}

/// Tends what webrtcbin builds inside itself: counts what goes through its socket, keeps repair within its share, and takes
/// the clock out of its way out, where 1.22 holds every packet until its PTS has come.
fn tend(webrtcbin: &gst::Element, meter: &Arc<Meter>, repair: &Arc<Repair>) {
    let Some(bin) = webrtcbin.downcast_ref::<gst::Bin>() else { return };
    let (meter, repair) = (Arc::clone(meter), Arc::clone(repair));
    bin.connect_deep_element_added(move |_, _, element| {
        let packets = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        let meter = Arc::clone(&meter);
        match element.factory().map(|factory| factory.name()).as_deref() {
            Some("nicesink") => {
                element.static_pad("sink").and_then(|pad| {
                    pad.add_probe(packets, move |_, info| {
                        meter.count_sent(info);
                        gst::PadProbeReturn::Ok
                    })
                });
            }
            Some("nicesrc") => {
                element.static_pad("src").and_then(|pad| {
                    pad.add_probe(packets, move |_, info| {
                        meter.count_received(info);
                        gst::PadProbeReturn::Ok
                    })
                });
            }
            Some("rtpsession") => hurry(element),
            Some("rtprtxsend") => repair.guard(element),
            Some("clocksync") => element.set_property("sync", false),
            Some(_) | None => {}
        }
    });
}

/// RTCP may take 5 % of this; measured for 130 packets a second one way: 15 kbit/s with headers.
const RTCP_BASIS_BYTES_PER_SECOND: f64 = 1_250_000.0;
/// What congestion control wants (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
const FEEDBACK_INTERVAL: gst::ClockTime = gst::ClockTime::from_mseconds(100);
