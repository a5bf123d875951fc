//! The documents between core, far box and hands: what is heard, said and held.

use super::Core;
use crate::core::input::Input;
use crate::core::output::Output;
use crate::core::share::Refusal;
use crate::core::signal::Signal;
use crate::core::timers::Timer;
use crate::model::{Mode, Moment};
use std::time::Duration;

impl Core {
    /// What comes from the trunk.
    pub(super) fn handle_share(&mut self, input: &Input) {
        let known = |id| self.link.as_ref().is_some_and(|link| link.trunks.iter().any(|open| open.id == id));
        match input {
            // It may overtake the heartbeat that begins the meeting. What an ended meeting left in it is buried by then.
            Input::Heard { trunk, signal: Signal::Share(word) } if known(*trunk) => self.far_share = Some(word.clone()),
            Input::DocumentArrived { document } => self.room.share.arrived(*document),
            // In a meeting it serves what it has: if it has not, it is nowhere.
            Input::DocumentWithheld { document }
                if self.room.mode() == Mode::Meeting && !self.room.share.is_here(*document) =>
            {
                self.room.share.refused(*document, Refusal::NotArrived);
            }
            Input::DocumentFailed { document } => self.room.share.refused(*document, Refusal::NotArrived),
            Input::DocumentWithheld { .. }
            | Input::TrunkOpened { .. }
            | Input::TrunkClosed { .. }
            | Input::DialFailed { .. }
            | Input::BulkChanged { .. }
            | Input::Heard { .. }
            | Input::SessionDescribed { .. }
            | Input::SessionSecured { .. }
            | Input::SessionFailed { .. }
            | Input::DeviceChanged { .. }
            | Input::NetworkChanged(_)
            | Input::RenewalDue
            | Input::Room(_)
            | Input::StopRequested => {}
        }
    }

    /// Says and holds what changed.
    pub(super) fn tell_share(&mut self, now: Moment) {
        let meets = self.room.mode() == Mode::Meeting;
        if let Some(word) = self.far_share.take_if(|_| meets) {
            self.room.share.hear(&word);
        }
        let held = (self.room.share.held(), meets);
        if held != self.held {
            let (documents, served) = held.clone();
            self.held = held;
            self.outputs.push_back(Output::Hold { documents, served });
        }
        let trunk = self.link.as_ref().and_then(|link| link.trunks.chosen()).map(|trunk| trunk.id);
        let Some(trunk) = trunk.filter(|_| meets) else {
            if self.shared.take().is_some() && !meets {
                // Names outlive their meeting no longer than the documents do.
                self.far_share = None;
            }
            return;
        };
        let word = self.room.share.word();
        if self.shared.as_ref().is_none_or(|(on, said)| *on != trunk || said != word) {
            let next = self.share_said_at + BETWEEN_WORDS;
            if self.shared.as_ref().is_some_and(|(on, _)| *on == trunk) && now < next {
                return self.room.timers.set(Timer::ShareDue, next);
            }
            self.share_said_at = now;
            self.shared = Some((trunk, word.clone()));
            self.outputs.push_back(Output::Send { trunk, signal: Signal::Share(Box::new(word.clone())) });
        }
    }
}

/// A finger that zooms says no more than this: the line is shared with heartbeats.
const BETWEEN_WORDS: Duration = Duration::from_millis(50);
