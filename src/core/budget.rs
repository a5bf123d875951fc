//! Splits the ceiling: voice, then a shared page or screen, then camera.
//!
//! The ceiling counts everything the box sends, with IP and UDP headers; what comes out are encoder targets, without them.

use crate::model::Bitrate;

/// What the line is wanted for, besides voice and camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The far box fetches documents.
    pub documents: bool,
    /// A live share is sent.
    pub live: bool,
    /// It has sound.
    pub sound: bool,
    /// A bundle is passed on: a quarter of the line, and nothing beside a live share.
    pub bundle: bool,
}

/// Encoder targets that keep the ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Opus target.
    pub voice: Bitrate,
    /// Camera encoder target.
    pub camera: Bitrate,
    /// Documents, with all headers.
    pub bulk: Bitrate,
    /// Live share encoder target.
    pub live: Bitrate,
    /// Opus target of its sound; none: there is none, or no room for it.
    pub sound: Option<Bitrate>,
}

/// Splits `ceiling`. Room for voice is kept even while the microphone is closed, so that opening it takes nothing from anyone.
/// While the far box fetches documents, or a screen is shared, the camera keeps a sixth or seventh of the rest: small, but live.
pub fn split(ceiling: Bitrate, wanted: Wanted) -> Split {
    let total = ceiling.as_bps();
    let voice = if total >= 400_000 { 32_000 } else { 16_000 };
    let left = total.saturating_sub(on_wire(voice, VOICE_PACKETS_PER_SECOND) + TRUNK_AND_RTCP);
    let sound = match total {
        _ if !(wanted.live && wanted.sound) => None,
        ..NO_SOUND_BELOW => None,
        NO_SOUND_BELOW..NARROW => Some(32_000),
        NARROW.. => Some(64_000),
    };
    let left = left.saturating_sub(sound.map_or(0, |sound| on_wire(sound, SOUND_PACKETS_PER_SECOND)));
    // One eighth stays free for retransmission and for the encoder's own overshoot, one fifteenth is packet headers.
    let share = match wanted {
        Wanted { live: true, .. } => left / 7,
        Wanted { documents: true, .. } => left / 6,
        Wanted { bundle: true, .. } => left / 4 * 3,
        Wanted { .. } => left,
    };
    let smallest = CAMERA_FLOOR / 15 * 16 / 7 * 8;
    let shared = left.saturating_sub(share.max(smallest)) / 8 * 7;
    // Whoever looks at a screen waits a little longer for the document behind it.
    let (bulk, live) = match (wanted.documents, wanted.live) {
        (false, false) if wanted.bundle => (shared, 0),
        (false, false) => (0, 0),
        (true, false) => (shared, 0),
        (false, true) => (0, shared),
        (true, true) => (shared / 4, shared / 4 * 3),
    };
    let camera = u64::from(share) * 7 / 8 * 15 / 16;
    Split {
        voice: Bitrate::from_bps(voice),
        camera: Bitrate::from_bps(u32::try_from(camera).unwrap_or(u32::MAX).max(CAMERA_FLOOR)),
        bulk: Bitrate::from_bps(bulk),
        live: Bitrate::from_bps(live / 16 * 15),
        sound: sound.map(Bitrate::from_bps),
    }
}

/// Sound with its headers.
const fn on_wire(bitrate: u32, packets_per_second: u32) -> u32 {
    bitrate + packets_per_second * SOUND_PACKET_OVERHEAD * 8
}

/// 10 ms frames.
const VOICE_PACKETS_PER_SECOND: u32 = 100;
/// 20 ms frames: nobody answers it.
const SOUND_PACKETS_PER_SECOND: u32 = 50;
/// IPv6 40 + UDP 8 + RTP 12 + extension 8 + SRTP tag 10 bytes.
const SOUND_PACKET_OVERHEAD: u32 = 78;
/// Heartbeats with TLS and TCP headers, RTCP both lines: an estimate, not measured.
const TRUNK_AND_RTCP: u32 = 40_000;
/// Below this x264 produces nothing a person would call a picture.
const CAMERA_FLOOR: u32 = 50_000;
/// A PC's sound is worth less than its text.
const NARROW: u32 = 1_500_000;
const NO_SOUND_BELOW: u32 = 400_000;

#[cfg(test)]
mod tests {
    use super::*;

    const CEILINGS: [u32; 9] = [200, 300, 400, 500, 1000, 1500, 3000, 8000, 100_000];

    fn wishes() -> impl Iterator<Item = Wanted> {
        let wish = |bits: u8| Wanted {
            documents: bits & 1 > 0,
            live: bits & 2 > 0,
            sound: bits & 4 > 0,
            bundle: bits & 8 > 0,
        };
        (0..16).map(wish)
    }

    #[test]
    fn the_parts_with_their_headers_stay_below_the_ceiling() {
        for (kbps, wanted) in CEILINGS.into_iter().flat_map(|kbps| wishes().map(move |wanted| (kbps, wanted))) {
            let split = split(Bitrate::from_kbps(kbps), wanted);
            let pictures = (split.camera.as_bps() + split.live.as_bps()) / 15 * 16;
            let sound = split.sound.map_or(0, |sound| sound.as_bps() + 50 * 78 * 8);
            let voice = split.voice.as_bps() + 100 * 78 * 8;
            let wire = voice + TRUNK_AND_RTCP + pictures + sound + split.bulk.as_bps();
            assert!(wire <= kbps * 1000, "{kbps} {wanted:?}: {wire}");
            let nothing = Bitrate::from_bps(0);
            let bulk = wanted.documents || (wanted.bundle && !wanted.live);
            assert_eq!((split.bulk > nothing, split.live > nothing), (bulk, wanted.live), "{kbps}");
            assert!(split.camera.as_bps() >= CAMERA_FLOOR);
        }
    }

    #[test]
    fn voice_is_served_before_the_camera() {
        let split = split(Bitrate::from_kbps(150), Wanted::default());
        assert_eq!(split.voice, Bitrate::from_kbps(16));
        assert_eq!(split.camera, Bitrate::from_bps(CAMERA_FLOOR));
    }

    #[test]
    fn a_screen_over_one_megabit_gets_more_than_half_of_it_and_its_sound_is_worth_less_than_its_text() {
        for sound in [false, true] {
            let split = split(Bitrate::from_kbps(1000), Wanted { live: true, sound, ..Wanted::default() });
            assert!(split.live >= Bitrate::from_kbps(550), "{:?}", split.live);
            assert_eq!(split.sound, sound.then_some(Bitrate::from_kbps(32)));
            assert!(split.camera >= Bitrate::from_kbps(90), "{:?}", split.camera);
        }
        let heard =
            |kbps| split(Bitrate::from_kbps(kbps), Wanted { live: true, sound: true, ..Wanted::default() }).sound;
        assert_eq!([heard(300), heard(3000)], [None, Some(Bitrate::from_kbps(64))]);
    }
}
