//! How long a decoded picture is held so that lips and voice stay together.
//!
//! Promise: with sound playing, the picture is at most [`PICTURE_MAY_LEAD`] before it; without sound nothing is held.
//! Where the picture is the slower one, [`PictureHold::sound_floor`] says how much the sound should wait.

use crate::model::Moment;
use std::time::Duration;

/// Decides when a decoded picture is handed over.
#[derive(Clone, Debug, Default)]
pub struct PictureHold {
    sound: Option<(f64, Moment)>,
    picture: Option<(f64, Moment)>,
    last_due: Moment,
}

impl PictureHold {
    /// Sound captured `delay` ago was handed to the speaker now.
    pub fn sound_played(&mut self, delay: Duration, now: Moment) {
        let delay_ns = delay.as_nanos() as f64;
        let smooth = self.sound_ns(now).map_or(delay_ns, |before| before + (delay_ns - before) * SOUND_SHARE);
        self.sound = Some((smooth, now));
    }

    /// When to hand over a picture that was captured and decoded then. Never before the picture handed over last, never
    /// more than [`LONGEST`] from now.
    pub fn due(&mut self, captured_at: Option<Moment>, decoded_at: Moment) -> Moment {
        let wish = captured_at.and_then(|captured_at| {
            let arrived_ns = decoded_at.since(captured_at).as_nanos() as f64;
            let before = self.picture_ns(decoded_at).unwrap_or(arrived_ns);
            self.picture = Some((before + (arrived_ns - before) * PICTURE_SHARE, decoded_at));
            let delay_ns = self.sound_ns(decoded_at)? - PICTURE_MAY_LEAD.as_nanos() as f64;
            Some(captured_at.shifted(delay_ns as i64))
        });
        let due = wish.unwrap_or(decoded_at).max(decoded_at).max(self.last_due).min(decoded_at + LONGEST);
        self.last_due = due;
        due
    }

    /// The least delay sound should have so that it is not more than [`SOUND_MAY_LEAD`] before the picture; never more
    /// than [`SOUND_WAITS`], for voice is the last thing to suffer. Zero without picture.
    pub fn sound_floor(&self, now: Moment) -> Duration {
        let picture_ns = self.picture_ns(now).unwrap_or(0.0);
        Duration::from_nanos(picture_ns as u64).saturating_sub(SOUND_MAY_LEAD).min(SOUND_WAITS)
    }

    fn sound_ns(&self, now: Moment) -> Option<f64> {
        self.sound.filter(|(_, at)| now.since(*at) < SOUND_IS_OVER).map(|(delay_ns, _)| delay_ns)
    }

    fn picture_ns(&self, now: Moment) -> Option<f64> {
        self.picture.filter(|(_, at)| now.since(*at) < PICTURE_IS_OVER).map(|(delay_ns, _)| delay_ns)
    }
}

/// People do not notice a picture this much early (ITU-R BT.1359: 45 ms is noticed); 15 ms stay for the smoothing.
const PICTURE_MAY_LEAD: Duration = Duration::from_millis(25);
const SOUND_MAY_LEAD: Duration = Duration::from_millis(30);
const SOUND_WAITS: Duration = Duration::from_millis(150);
const SOUND_IS_OVER: Duration = Duration::from_millis(500);
const PICTURE_IS_OVER: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_millis(450);
/// A quarter of a second of packets of 10 ms.
const SOUND_SHARE: f64 = 1.0 / 25.0;
/// One second of pictures.
const PICTURE_SHARE: f64 = 1.0 / 30.0;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_picture_is_not_held_without_sound_or_when_sound_is_quick() {
        let mut hold = PictureHold::default();
        let captured = Moment::default() + ms(1000);
        assert_eq!(hold.due(None, captured), captured);
        assert_eq!(hold.due(Some(captured), captured + ms(8)), captured + ms(8));
        hold.sound_played(ms(30), captured);
        assert_eq!(hold.due(Some(captured), captured + ms(9)), captured + ms(9));
        let later = captured + ms(5000);
        hold.sound_played(ms(300), captured);
        assert_eq!(hold.due(Some(later), later + ms(9)), later + ms(9), "sound was over long ago");
    }

    #[test]
    fn a_picture_waits_for_slow_sound_and_stays_within_forty_milliseconds() {
        let mut hold = PictureHold::default();
        let mut due_before = Moment::default();
        for frame in 0..300_u64 {
            let captured = Moment::default() + ms(1000 + frame * 33);
            let sound = ms(if frame < 100 { 30 } else { 200 });
            (0..3).for_each(|packet| hold.sound_played(sound, captured + ms(packet * 10)));
            let decoded = captured + ms(10 + frame % 7);
            let due = hold.due(Some(captured), decoded);
            assert!(due >= decoded && due >= due_before);
            due_before = due;
            if frame > 150 {
                let apart = sound.abs_diff(due.since(captured));
                assert!(apart <= ms(40), "frame {frame}: {apart:?}");
            }
        }
        assert_eq!(hold.sound_floor(due_before), Duration::ZERO);
    }

    #[test]
    fn sound_waits_for_a_slow_picture() {
        let mut hold = PictureHold::default();
        assert_eq!(hold.sound_floor(Moment::default()), Duration::ZERO);
        let mut now = Moment::default();
        for frame in 0..300_u64 {
            now = Moment::default() + ms(1090 + frame * 33);
            hold.due(Some(now.shifted(-90_000_000)), now);
        }
        assert_eq!(hold.sound_floor(now), ms(60));
        assert_eq!(hold.sound_floor(now + ms(5000)), Duration::ZERO, "the picture was over long ago");
    }

    #[test]
    fn no_alignment_however_wrong_holds_a_picture_for_long() {
        let mut hold = PictureHold::default();
        let now = Moment::default() + ms(1000);
        hold.sound_played(ms(400), now);
        assert!(hold.due(Some(now + ms(900_000)), now) <= now + LONGEST);
    }
}
