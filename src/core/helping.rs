//! Help between core and far box: what is heard, said, and shown while it lasts.

use super::Core;
use crate::core::help::HelpNews;
use crate::core::input::Input;
use crate::core::output::Output;
use crate::core::signal::Signal;
use crate::core::timers::Timer;
use crate::model::{Moment, TrunkId};

impl Core {
    /// What comes from the trunk.
    pub(super) fn handle_help(&mut self, input: &Input, now: Moment) {
        let Input::Heard { trunk, signal: Signal::Help(word) } = input else { return };
        if self.link.as_ref().is_some_and(|link| link.trunks.iter().any(|open| open.id == *trunk)) {
            self.room.help.hear(*trunk, word, self.settings.room.remote_help, now);
        }
    }

    /// What comes from this box.
    pub(super) fn help_news(&mut self, news: HelpNews, now: Moment) {
        match news {
            HelpNews::Asked { ticket, task, pin } => {
                let chosen = self.link.as_ref().and_then(|link| link.trunks.chosen()).map(|trunk| trunk.id);
                let answer = self.room.help.ask(chosen, task, pin, now);
                self.outputs.push_back(Output::Answer { ticket, answer });
            }
            HelpNews::PinChecked { number, fault } => self.room.help.pin_checked(number, fault, now),
            HelpNews::CarriedOut { number, result } => self.room.help.carried_out(number, result, now),
        }
    }

    /// Says what is due.
    pub(super) fn tell_help(&mut self, now: Moment) {
        let trunks = self.link.as_ref().map(|link| &link.trunks);
        let is_open = |id: TrunkId| trunks.is_some_and(|trunks| trunks.iter().any(|open| open.id == id));
        self.room.help.follow(is_open, now);
        while let Some(output) = self.room.help.poll_output() {
            self.outputs.push_back(output);
        }
        match self.room.help.due() {
            Some(at) => self.room.timers.set(Timer::HelpDue, at),
            None => self.room.timers.stop(Timer::HelpDue),
        }
    }
}
