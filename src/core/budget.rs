//! Splits the ceiling: voice, then a shared page or screen, then camera.
//!
//! The ceiling counts everything the box sends, with IP and UDP headers; what comes out are encoder targets, without them.

use crate::model::Bitrate;

/// Encoder targets that keep the ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Opus target.
    pub voice: Bitrate,
    /// Camera encoder target.
    pub camera: Bitrate,
    /// Documents, with all headers.
    pub bulk: Bitrate,
}

/// Splits `ceiling`. Room for voice is kept even while the microphone is closed, so that opening it takes nothing from anyone.
/// While the far box fetches documents the camera keeps a sixth of the rest: small, but live.
pub fn split(ceiling: Bitrate, fetched: bool) -> Split {
    let total = ceiling.as_bps();
    let voice = if total >= 400_000 { 32_000 } else { 16_000 };
    let voice_on_wire = voice + VOICE_PACKETS_PER_SECOND * VOICE_PACKET_OVERHEAD * 8;
    let left = total.saturating_sub(voice_on_wire + TRUNK_AND_RTCP);
    // One eighth stays free for retransmission and for the encoder's own overshoot, one fifteenth is packet headers.
    let share = if fetched { left / 6 } else { left };
    let smallest = CAMERA_FLOOR / 15 * 16 / 7 * 8;
    let bulk = if fetched { left.saturating_sub(share.max(smallest)) / 8 * 7 } else { 0 };
    let camera = u64::from(share) * 7 / 8 * 15 / 16;
    Split {
        voice: Bitrate::from_bps(voice),
        camera: Bitrate::from_bps(u32::try_from(camera).unwrap_or(u32::MAX).max(CAMERA_FLOOR)),
        bulk: Bitrate::from_bps(bulk),
    }
}

/// 10 ms frames.
const VOICE_PACKETS_PER_SECOND: u32 = 100;
/// IPv6 40 + UDP 8 + RTP 12 + extension 8 + SRTP tag 10 bytes.
const VOICE_PACKET_OVERHEAD: u32 = 78;
/// Heartbeats with TLS and TCP headers, RTCP both lines: an estimate, not measured.
const TRUNK_AND_RTCP: u32 = 40_000;
/// Below this x264 produces nothing a person would call a picture.
const CAMERA_FLOOR: u32 = 50_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_with_their_headers_stay_below_the_ceiling() {
        for kbps in [200, 300, 500, 1000, 3000, 8000] {
            for fetched in [false, true] {
                let split = split(Bitrate::from_kbps(kbps), fetched);
                let camera = split.camera.as_bps() / 15 * 16;
                let wire = split.voice.as_bps() + 100 * 78 * 8 + TRUNK_AND_RTCP + camera + split.bulk.as_bps();
                assert!(wire <= kbps * 1000, "{kbps}: {wire}");
                assert_eq!(split.bulk > Bitrate::from_bps(0), fetched, "{kbps}");
            }
        }
    }

    #[test]
    fn voice_is_served_before_the_camera() {
        let split = split(Bitrate::from_kbps(150), false);
        assert_eq!(split.voice, Bitrate::from_kbps(16));
        assert_eq!(split.camera, Bitrate::from_bps(CAMERA_FLOOR));
    }
}
