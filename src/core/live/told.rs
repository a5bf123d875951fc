//! What the ledger and the screens are told when the one in front changes.

use super::{Front, Live, LiveNews, LiveTold};
use crate::core::ledger::Entry;
use crate::model::{LiveEnd, Moment, Side};
use std::time::Duration;

impl Live {
    /// Begin and end, for the ledger and the screen.
    pub(super) fn write_down(&mut self, now: Moment) {
        let standing = self.standing().map(|(side, front)| (side, front.begun));
        if self.recorded.as_ref().map(|(side, front)| (*side, front.begun)) == standing {
            return;
        }
        if let Some((side, front)) = self.recorded.take() {
            let why = self.why_gone(side, &front);
            self.news.push_back(LiveNews::Record(Entry::LiveEnded { side, name: front.name.clone(), why }));
            // Who took over, and that there is no meeting any more, can be seen.
            self.told = (!matches!(why, LiveEnd::TakenOver | LiveEnd::MeetingOver)).then(|| LiveTold {
                side,
                kind: front.kind,
                name: front.name,
                why,
                until: now + TOLD,
            });
        }
        self.recorded = self.standing().map(|(side, front)| (side, front.clone()));
        if let Some((side, front)) = &self.recorded {
            let (side, kind, name) = (*side, front.kind, front.name.clone());
            let guest = self.front.as_ref().filter(|_| side == Side::Near).and_then(|source| source.guest);
            self.news.push_back(LiveNews::Record(Entry::LiveBegan { side, kind, name, guest }));
        }
    }

    fn why_gone(&self, side: Side, front: &Front) -> LiveEnd {
        let word = if side == Side::Near { &self.word } else { &self.far };
        let said = word.gone.filter(|gone| gone.begun == front.begun).map(|gone| gone.why);
        let later = self.standing().is_some().then_some(LiveEnd::TakenOver);
        said.or_else(|| self.word.is_over(front)).or(later).unwrap_or(LiveEnd::Vanished)
    }
}

/// Why it ended stands on the screens for so long.
const TOLD: Duration = Duration::from_secs(6);
