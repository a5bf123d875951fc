//! The live share between core, far box, media and screen: what is heard, said, sent and shown.

use super::Core;
use crate::core::face::{LiveFace, LiveLine, LiveSilence, Silent};
use crate::core::input::Input;
use crate::core::live::{LiveNews, LiveWord};
use crate::core::liveness::STALE_AFTER;
use crate::core::output::Output;
use crate::core::signal::Signal;
use crate::core::timers::Timer;
use crate::model::{BootId, Mode, Moment, Side, TrunkId};
use std::time::Duration;

/// What was said, and waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Fronting {
    said: Option<(TrunkId, LiveWord)>,
    said_at: Moment,
    /// Of the last word.
    number: u32,
    /// The far box's word that waits for the meeting, and its life.
    far: Option<(BootId, Box<LiveWord>)>,
}

impl Core {
    /// What comes from the trunk.
    pub(super) fn handle_live(&mut self, input: &Input) {
        let Input::Heard { trunk, signal: Signal::Live(word) } = input else { return };
        let trunks = self.link.as_ref().map(|link| &link.trunks);
        let of = trunks.and_then(|trunks| trunks.iter().find(|open| open.id == *trunk));
        // It may overtake the heartbeat that begins the meeting.
        if let Some(boot) = of.map(|open| open.hello.boot) {
            self.fronting.far = Some((boot, word.clone()));
        }
    }

    /// Says and does what changed.
    pub(super) fn tell_live(&mut self, now: Moment) {
        let room = &mut self.room;
        let presses = room.agreement.wish().presses;
        let meets = room.mode() == Mode::Meeting;
        let trunk = self.link.as_ref().and_then(|link| link.trunks.chosen());
        if let Some(trunk) = trunk {
            room.live.meet(trunk.hello.boot);
        }
        room.live.turn(meets && trunk.is_some(), meets, presses, now);
        if let Some((life, word)) = self.fronting.far.take_if(|_| meets) {
            room.live.hear(life, &word, presses, now);
        }
        room.follow_input(now);
        match room.live.due().into_iter().chain(room.input_due()).min() {
            Some(at) => room.timers.set(Timer::LiveTurns, at),
            None => room.timers.stop(Timer::LiveTurns),
        }
        while let Some(news) = self.room.live.poll_news() {
            self.outputs.push_back(match news {
                LiveNews::End(id, why) => Output::EndLive { id, why },
                LiveNews::Record(entry) => Output::Record(entry),
            });
        }
        let trunk = trunk.map(|trunk| trunk.id);
        self.say_live(trunk.filter(|_| meets), meets, now);
    }

    fn say_live(&mut self, trunk: Option<TrunkId>, meets: bool, now: Moment) {
        let fronting = &mut self.fronting;
        let Some(trunk) = trunk else {
            // Names outlive their meeting no longer than the pictures do.
            if fronting.said.take().is_some() && !meets {
                fronting.far = None;
            }
            return;
        };
        let word = self.room.live.word();
        let on_it = fronting.said.as_ref().filter(|(on, _)| *on == trunk);
        if on_it.is_some_and(|(_, said)| said == word) {
            return;
        }
        let next = fronting.said_at + BETWEEN_WORDS;
        if on_it.is_some() && now < next {
            return self.room.timers.set(Timer::LiveDue, next);
        }
        fronting.number = fronting.number.saturating_add(1);
        fronting.said_at = now;
        fronting.said = Some((trunk, word.clone()));
        let word = LiveWord { number: fronting.number, ..word.clone() };
        self.outputs.push_back(Output::Send { trunk, signal: Signal::Live(Box::new(word)) });
    }

    /// Who shares, who waits, and why the last one ended.
    pub(super) fn live_face(&self, now: Moment) -> LiveFace {
        let live = &self.room.live;
        let line = |side, kind, name: &str| LiveLine { side, kind, name: name.to_owned() };
        LiveFace {
            shown: live.shown().map(|(side, front)| line(side, front.kind, &front.name)),
            silent: self.live_silence(now),
            moving: live.is_moving(),
            waits: live.waits().map(|(side, waiting)| line(side, waiting.kind, &waiting.name)),
            asked: live.is_asked(),
            input: self.room.offers_input(),
            ended: live.told().map(|told| (line(told.side, told.kind, &told.name), told.why)),
        }
    }

    /// A far share stands still when its page does, so its pictures tell nothing; but its box speaks, and its camera is seen,
    /// several times a second.
    fn live_silence(&self, now: Moment) -> Option<LiveSilence> {
        let (side, _) = self.room.live.shown()?;
        let lived_at = self.far_box_lived_at().filter(|at| side == Side::Far && *at + STALE_AFTER <= now);
        let far_box = lived_at.map(|since| LiveSilence { since, of: Silent::FarBox });
        let source = self.room.live.silent_since().map(|since| LiveSilence { since, of: Silent::Source });
        far_box.or(source)
    }

    /// When a far share that is shown as live no longer is, if nothing comes.
    pub(super) fn live_old_at(&self) -> Option<Moment> {
        let live = &self.plan.screen.face.live;
        let far_box = live.silent.filter(|silent| silent.of == Silent::FarBox);
        let shown_live = live.shown.as_ref().is_some_and(|line| line.side == Side::Far) && far_box.is_none();
        self.far_box_lived_at().filter(|_| shown_live).map(|at| at + STALE_AFTER)
    }

    /// Heard or seen last. Missed heartbeats alone tell nothing while the camera's frames come. Those of the share itself do
    /// not count: their jitter buffer holds them for so long that after a cut they would come too late.
    fn far_box_lived_at(&self) -> Option<Moment> {
        let link = self.link.as_ref()?;
        let heard_at = link.trunks.chosen()?.heard_at;
        link.live.frame_at().max(Some(heard_at))
    }
}

/// A finger on the switch says no more than this.
const BETWEEN_WORDS: Duration = Duration::from_millis(50);
