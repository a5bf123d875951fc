//! Whether a PC's pictures go on to the far room as they are, or are encoded anew: pure.

use crate::core::plan::LiveSend;
use crate::model::{Moment, VideoCodec};
use std::time::Duration;

/// How a share's pictures reach the far room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// As its PC encoded them.
    #[default]
    Passed,
    /// Decoded here, and encoded for the line.
    Retold,
}

/// Decides for one share; what was once retold stays so until the order changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Passing {
    order: Option<LiveSend>,
    way: Way,
    began: Moment,
    second: Moment,
    bytes: usize,
    /// Seconds in a row that were too much.
    excess: u32,
}

impl Passing {
    /// From now on.
    pub(super) fn order(&mut self, order: Option<LiveSend>, now: Moment) {
        if self.order == order {
            return;
        }
        let same = |a: &LiveSend, b: &LiveSend| (a.source, a.codec, a.moving) == (b.source, b.codec, b.moving);
        let goes_on = match (&self.order, &order) {
            // A page that was too much for the old ceiling may not be for one half as large again.
            (Some(old), Some(new)) => same(old, new) && new.bitrate.as_bps() < old.bitrate.as_bps() / 2 * 3,
            (None, _) | (_, None) => false,
        };
        let way = if goes_on { self.way } else { Way::default() };
        *self = Self { way: way_at_first(order.as_ref(), way), order, began: now, second: now, ..Self::default() };
    }

    /// What is ordered.
    pub(super) fn ordered(&self) -> Option<LiveSend> {
        self.order
    }

    /// How it goes now.
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// A picture of a PC came: how it goes on.
    pub(super) fn came(&mut self, codec: VideoCodec, bytes: usize, now: Moment) -> Way {
        let Some(order) = self.order else { return self.way };
        if codec != order.codec {
            self.way = Way::Retold;
        }
        if now.since(self.second) >= SECOND {
            let most = order.bitrate.as_bps() / 8 / 4 * 5;
            let too_much = u32::try_from(self.bytes).unwrap_or(u32::MAX) > most;
            self.excess = if too_much { self.excess + 1 } else { 0 };
            (self.second, self.bytes) = (now, 0);
        }
        self.bytes += bytes;
        // A key frame is more than a second's worth, and a PC needs a moment to follow its new budget.
        if self.excess >= PATIENCE && now.since(self.began) >= FOLLOWS {
            self.way = Way::Retold;
        }
        self.way
    }

    /// Its pictures come as no PC's do: there is nothing to pass on.
    pub(super) fn came_raw(&mut self) -> Way {
        if self.order.is_some() {
            self.way = Way::Retold;
        }
        self.way
    }

    /// Its size in pixels became known.
    pub(super) fn measured(&mut self, size: (u32, u32)) {
        if u64::from(size.0) * u64::from(size.1) > MOST_PIXELS {
            self.way = Way::Retold;
        }
    }
}

fn way_at_first(order: Option<&LiveSend>, way: Way) -> Way {
    if order.is_some_and(LiveSend::is_narrow) { Way::Retold } else { way }
}

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: u32 = 3;
const FOLLOWS: Duration = Duration::from_secs(4);
/// What the far box is told to expect: H.264 level 4.2.
const MOST_PIXELS: u64 = 1920 * 1088;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Bitrate, LiveId};

    fn order(kbps: u32) -> LiveSend {
        LiveSend {
            source: LiveId(1),
            codec: VideoCodec::H264,
            bitrate: Bitrate::from_kbps(kbps),
            moving: false,
            sound: None,
        }
    }

    fn at(ms: u64) -> Moment {
        Moment::default() + Duration::from_millis(ms)
    }

    /// Ten pictures a second of so many bytes.
    fn pictures(passing: &mut Passing, from_s: u64, to_s: u64, bytes: usize) -> Way {
        (from_s * 10..to_s * 10).fold(Way::Passed, |_, n| passing.came(VideoCodec::H264, bytes, at(n * 100)))
    }

    #[test]
    fn what_keeps_its_budget_is_passed_on() {
        let mut passing = Passing::default();
        passing.order(Some(order(2000)), at(0));
        assert_eq!(pictures(&mut passing, 0, 60, 25_000), Way::Passed);
    }

    #[test]
    fn a_burst_is_forgiven_and_lasting_excess_is_retold_until_the_order_grows() {
        let mut passing = Passing::default();
        passing.order(Some(order(2000)), at(0));
        assert_eq!(pictures(&mut passing, 0, 10, 20_000), Way::Passed);
        assert_eq!(pictures(&mut passing, 10, 12, 90_000), Way::Passed);
        assert_eq!(pictures(&mut passing, 12, 20, 20_000), Way::Passed);
        assert_eq!(pictures(&mut passing, 20, 26, 90_000), Way::Retold);
        passing.order(Some(order(2200)), at(26_000));
        assert_eq!(pictures(&mut passing, 26, 30, 20_000), Way::Retold, "a little more is not another line");
        passing.order(Some(order(4000)), at(30_000));
        assert_eq!(pictures(&mut passing, 30, 32, 20_000), Way::Passed);
    }

    #[test]
    fn another_codec_a_narrow_line_or_a_huge_screen_is_retold() {
        let mut passing = Passing::default();
        passing.order(Some(order(2000)), at(0));
        assert_eq!(passing.came(VideoCodec::Vp8, 1000, at(1)), Way::Retold);
        passing.order(Some(order(600)), at(2));
        assert_eq!(passing.came(VideoCodec::H264, 1000, at(3)), Way::Retold);
        passing.order(Some(LiveSend { source: LiveId(2), ..order(2000) }), at(4));
        assert_eq!(passing.way(), Way::Passed);
        passing.measured((1920, 1080));
        assert_eq!(passing.way(), Way::Passed);
        passing.measured((2560, 1440));
        assert_eq!(passing.way(), Way::Retold);
        passing.order(Some(LiveSend { source: LiveId(3), ..order(2000) }), at(5));
        assert_eq!(passing.came_raw(), Way::Retold, "an input");
    }
}
