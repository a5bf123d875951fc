//! From what is known to one plain sentence. A wrong guess is worse than "the other box does not answer".

use crate::core::input::DialFault;
use crate::core::link::Link;
use crate::core::sentence::Sentence;
use crate::model::{CameraState, Device, Moment};

/// Why the link is not up; only called when it is not.
pub fn of_link(link: &Link, now: Moment, was_up: bool) -> Sentence {
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
        return if was_up { Sentence::PictureMissing } else { Sentence::Connecting };
    }
    match trouble.dial {
        Some(DialFault::WrongKey) => Sentence::WrongKey,
        Some(DialFault::Refused) => Sentence::FarNotRunning,
        Some(DialFault::NotEngawa | DialFault::TimedOut | DialFault::Unreachable) => Sentence::FarSilent,
        None if was_up => Sentence::FarSilent,
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
