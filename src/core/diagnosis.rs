//! From what is known to one plain sentence. A wrong guess is worse than "the other box does not answer".

use crate::core::input::DialFault;
use crate::core::link::Link;
use crate::core::sentence::Sentence;
use crate::model::{CameraState, Device, Moment};
use std::time::Duration;

/// Why the link is not up; only called when it is not. `lost_for`: since it was up; `None` if it never was.
pub fn of_link(link: &Link, now: Moment, lost_for: Option<Duration>) -> Sentence {
    let trouble = link.trouble;
    if let Some(network) = &link.network {
        if !network.carrier {
            return Sentence::NearCableOut;
        }
        if network.addresses.is_empty() {
            return Sentence::NearAddressMissing;
        }
    }
    if trouble.intruder {
        return Sentence::Intruder;
    }
    if trouble.farewell {
        return Sentence::FarGoingDown;
    }
    if link.trunks.chosen().is_some_and(|trunk| now.since(trunk.heard_at) < crate::core::liveness::STALE_AFTER) {
        return if lost_for.is_some() { Sentence::PictureMissing } else { Sentence::Connecting };
    }
    match trouble.dial {
        Some(DialFault::WrongKey) => Sentence::WrongKey,
        // Its machine answers, its daemon does not: it was killed a moment ago and its service starts it again.
        Some(DialFault::Refused) if lost_for.is_some_and(|lost| lost < RESTARTING) => Sentence::FarGoingDown,
        Some(DialFault::Refused) => Sentence::FarNotRunning,
        Some(DialFault::NotEngawa | DialFault::TimedOut | DialFault::Unreachable) => Sentence::FarSilent,
        None if lost_for.is_some() => Sentence::FarSilent,
        None => Sentence::Connecting,
    }
}

/// What is wrong although the link is up: the far camera first, it is what people look at.
pub fn of_devices(far_camera: CameraState, missing: &[Device]) -> Option<Sentence> {
    if far_camera == CameraState::Placeholder {
        return Some(Sentence::FarCameraMissing);
    }
    missing.first().map(|device| Sentence::NearDeviceMissing(*device))
}

/// How long a daemon that was just there and now refuses connections is believed to be restarting.
const RESTARTING: Duration = Duration::from_secs(60);
