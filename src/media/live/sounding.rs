//! When a packet of a share's sound sounds: as its PC counts samples, not as packets happen to come.
//!
//! May be relied on: between packets that follow each other lies exactly what the PC counted, so that the far room plays them without
//! gap or overlap; where the PC's count jumps or its clock has gone far from this one, it begins anew at the moment of coming. Never back.

use crate::model::{LiveId, Moment};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Sounding {
    last: Moment,
    /// Whose, and the RTP time of that one.
    of: Option<(LiveId, u32)>,
}

impl Sounding {
    /// The moment of this packet, which came now.
    pub(super) fn due(&mut self, id: LiveId, rtp: u32, at: Moment) -> Moment {
        let follows = self.of.filter(|(of, _)| *of == id).and_then(|(_, last)| {
            let samples = u64::try_from(rtp.wrapping_sub(last).cast_signed()).ok().filter(|samples| *samples > 0)?;
            let due = self.last + Duration::from_nanos(samples * 1_000_000_000 / RATE);
            (at.since(due) <= STRAYS && due.since(at) <= STRAYS).then_some(due)
        });
        self.last = follows.unwrap_or(at.max(self.last + Duration::from_nanos(1)));
        self.of = Some((id, rtp));
        self.last
    }
}

const RATE: u64 = 48_000;
/// More than jitter, less than a film may be away from its sound.
const STRAYS: Duration = Duration::from_millis(150);

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Moment {
        Moment::default() + Duration::from_millis(1000 + ms)
    }

    #[test]
    fn packets_that_come_unevenly_are_due_as_they_were_counted() {
        let mut sounding = Sounding::default();
        let first = u32::MAX - 1000;
        for (n, late) in [0, 3, 19, 1, 0, 60, 41, 20, 5].into_iter().enumerate() {
            let n = n as u64;
            let due = sounding.due(LiveId(1), first.wrapping_add(n as u32 * 960), ms(n * 20 + late));
            assert_eq!(due, ms(n * 20));
        }
    }

    #[test]
    fn a_jump_and_another_source_begin_anew_and_nothing_goes_back() {
        let mut sounding = Sounding::default();
        assert_eq!(sounding.due(LiveId(1), 0, ms(0)), ms(0));
        assert_eq!(sounding.due(LiveId(1), 48_000, ms(1010)), ms(1000), "it was silent for a second");
        assert_eq!(sounding.due(LiveId(1), 9_000_000, ms(1020)), ms(1020), "it counts from elsewhere");
        assert_eq!(sounding.due(LiveId(1), 9_000_960, ms(1300)), ms(1300), "the line stood");
        assert_eq!(sounding.due(LiveId(2), 9_001_920, ms(1305)), ms(1305));
        let due = sounding.due(LiveId(2), 9_000_000, ms(1304));
        assert!(due > ms(1305) && due < ms(1306));
    }
}
