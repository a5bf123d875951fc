//! Help across the line: an installer in one room, who knows the other box's PIN, lets that box do one of a few things.
//!
//! ```text
//!   near   ask ─ Ask ──────────► Asked ─ Granted ─► Granted ─ Part … Done ─► Done        (5 s, then 60 s: Denied)
//!   far          └─► allowed? ─► Checking ─► Working ─► Telling ─ Part … Done ─►│        (60 s each)
//! ```
//! May be relied on: nothing is done for the other room unless this box's configuration lets it and the PIN was right; one
//! thing at a time; every try stands in the ledger of the box that was asked; while somebody helps, and for a minute after, the
//! room sees it. Deliberately absent: anything that opens a camera, a microphone, a curtain or a document.

mod word;

pub use word::{HelpDenied, HelpWord, MOST_PAPER, PART, Task};

use crate::core::ledger::Entry;
use crate::core::output::Output;
use crate::core::request::{Answer, Denied};
use crate::core::signal::Signal;
use crate::model::{Moment, Pin, Ticket, TrunkId};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What comes for it from this box.
#[derive(Clone, Debug, PartialEq)]
pub enum HelpNews {
    /// The installer of this room asks the far box; answered by `Output::Answer`: accepted means that it was asked, no more.
    Asked {
        /// Names the question.
        ticket: Ticket,
        /// What is to be done.
        task: Task,
        /// The far box's.
        pin: Pin,
    },
    /// Answers [`HelpWish::CheckPin`].
    PinChecked {
        /// As in the wish.
        number: u64,
        /// Why not, if it was not right.
        fault: Option<HelpDenied>,
    },
    /// Answers [`HelpWish::CarryOut`].
    CarriedOut {
        /// As in the wish.
        number: u64,
        /// What there is to read; empty where nothing is. Of what is longer than [`MOST_PAPER`] bytes the end is told.
        result: Result<String, HelpDenied>,
    },
}

/// What it wishes of this box.
#[derive(Clone, Debug, PartialEq)]
pub enum HelpWish {
    /// Is this the PIN? The same limits hold as at the panel.
    CheckPin {
        /// Names the wish.
        number: u64,
        /// As it was typed.
        pin: Pin,
    },
    /// Do this.
    CarryOut {
        /// Names the wish.
        number: u64,
        /// What.
        task: Task,
    },
}

/// What became of what this room asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What was asked.
    pub task: Task,
    /// How far it is.
    pub state: AskedState,
    /// What there is to read so far.
    pub paper: Arc<String>,
    on: TrunkId,
    number: u32,
    parts: u16,
    until: Moment,
    /// Whatever the far box says, not beyond this.
    ends: Moment,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedState {
    /// It was said.
    Asked,
    /// The far box took the PIN and works on it.
    Granted,
    /// It is done, and everything there is to read is here.
    Done,
    /// It is not done.
    Denied(HelpDenied),
}

/// Both parts of it.
#[derive(Clone, Debug, Default)]
pub struct Help {
    asked: Option<Asked>,
    last: u32,
    given: Option<Given>,
    wishes: u64,
    /// Somebody of the far room helps until then.
    helped_until: Option<Moment>,
    granted_at: Option<Moment>,
    /// A refusal that costs the asker nothing stands in the ledger once, until there was another one.
    told: Option<HelpDenied>,
    outputs: VecDeque<Output>,
}

/// What this box does for the far room.
#[derive(Clone, Debug)]
struct Given {
    on: TrunkId,
    number: u32,
    wish: u64,
    task: Task,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Checking { until: Moment },
    Working { until: Moment },
    Telling { parts: VecDeque<String>, told: u16, next_at: Moment },
}

impl Help {
    /// The installer of this room asks, over this connection.
    pub fn ask(&mut self, on: Option<TrunkId>, task: Task, pin: Pin, now: Moment) -> Answer {
        let Some(on) = on else { return Answer::Denied(Denied::NoLink) };
        if self.asked.as_ref().is_some_and(Asked::runs) {
            return Answer::Denied(Denied::HelpRuns);
        }
        self.last = self.last.wrapping_add(1);
        let number = self.last;
        let (state, paper, until) = (AskedState::Asked, Arc::default(), now + ANSWER_DUE);
        self.asked = Some(Asked { task, state, paper, on, number, parts: 0, until, ends: now + ALL_DUE });
        self.outputs.push_back(Output::Record(Entry::HelpAsked { task }));
        self.say(on, HelpWord::Ask { number, task, pin });
        Answer::Accepted
    }

    /// What became of it.
    pub fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref()
    }

    /// Somebody of the far room helps, or did a moment ago.
    pub fn is_helped(&self) -> bool {
        self.helped_until.is_some()
    }

    /// The far box says something; `allowed`: this box's configuration lets it be helped.
    pub fn hear(&mut self, on: TrunkId, word: &HelpWord, allowed: bool, now: Moment) {
        match word {
            HelpWord::Ask { number, task, pin } => self.heard_ask(on, *number, *task, pin, allowed, now),
            HelpWord::Granted { number } => self.change(on, *number, now, |asked| asked.state = AskedState::Granted),
            HelpWord::Denied { number, why } => {
                self.change(on, *number, now, |asked| asked.state = AskedState::Denied(*why));
            }
            HelpWord::Part { number, part, text } => self.change(on, *number, now, |asked| asked.take(*part, text)),
            HelpWord::Done { number, parts } => self.change(on, *number, now, |asked| {
                let whole = asked.parts == *parts;
                asked.state = if whole { AskedState::Done } else { AskedState::Denied(HelpDenied::Failed) };
            }),
        }
    }

    /// The limiter's word.
    pub fn pin_checked(&mut self, number: u64, fault: Option<HelpDenied>, now: Moment) {
        let Some(given) = self.given.as_mut().filter(|given| given.wish == number && given.is_checking()) else {
            return;
        };
        let (on, said, task) = (given.on, given.number, given.task);
        if let Some(why) = fault {
            self.given = None;
            return self.refuse(on, said, why);
        }
        if self.granted_at.is_some_and(|at| now.since(at) < BETWEEN_TASKS) {
            self.given = None;
            return self.say(on, HelpWord::Denied { number: said, why: HelpDenied::Busy });
        }
        given.stage = Stage::Working { until: now + WORK_DUE };
        (self.told, self.granted_at, self.helped_until) = (None, Some(now), Some(now + SHOWN));
        self.outputs.push_back(Output::Record(Entry::HelpGiven { task }));
        self.say(on, HelpWord::Granted { number: said });
        self.outputs.push_back(Output::Help(HelpWish::CarryOut { number, task }));
    }

    /// It was done, or could not be.
    pub fn carried_out(&mut self, number: u64, result: Result<String, HelpDenied>, now: Moment) {
        let Some(given) = self.given.as_mut().filter(|given| given.wish == number && given.works()) else { return };
        match result {
            Ok(paper) => given.stage = Stage::Telling { parts: word::parts(&paper), told: 0, next_at: now },
            Err(why) => {
                let (on, number) = (given.on, given.number);
                self.given = None;
                self.say(on, HelpWord::Denied { number, why });
            }
        }
    }

    /// What follows from time and from connections that went; called after every change.
    pub fn follow(&mut self, is_open: impl Fn(TrunkId) -> bool, now: Moment) {
        self.helped_until.take_if(|until| *until <= now);
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.runs()) {
            asked.follow(is_open(asked.on), now);
        }
        let Some(given) = &mut self.given else { return };
        if !is_open(given.on) {
            self.given = None;
            return;
        }
        let (on, number) = (given.on, given.number);
        match &mut given.stage {
            Stage::Checking { until } | Stage::Working { until } if *until <= now => {
                self.given = None;
                self.say(on, HelpWord::Denied { number, why: HelpDenied::Failed });
            }
            Stage::Checking { .. } | Stage::Working { .. } => {}
            Stage::Telling { next_at, .. } if *next_at > now => {}
            Stage::Telling { parts, told, next_at } => match parts.pop_front() {
                Some(text) => {
                    let part = *told;
                    (*told, *next_at) = (part + 1, now + BETWEEN_PARTS);
                    self.say(on, HelpWord::Part { number, part, text });
                }
                None => {
                    let parts = *told;
                    self.given = None;
                    self.say(on, HelpWord::Done { number, parts });
                }
            },
        }
    }

    /// When [`Help::follow`] is due.
    pub fn due(&self) -> Option<Moment> {
        let asked = self.asked.as_ref().filter(|asked| asked.runs()).map(|asked| asked.until);
        let given = self.given.as_ref().map(|given| match given.stage {
            Stage::Checking { until } | Stage::Working { until } => until,
            Stage::Telling { next_at, .. } => next_at,
        });
        asked.into_iter().chain(given).chain(self.helped_until).min()
    }

    /// The next wish.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn heard_ask(&mut self, on: TrunkId, number: u32, task: Task, pin: &Pin, allowed: bool, now: Moment) {
        if !allowed {
            return self.refuse(on, number, HelpDenied::NotAllowed);
        }
        if self.given.is_some() {
            return self.say(on, HelpWord::Denied { number, why: HelpDenied::Busy });
        }
        self.wishes += 1;
        let (wish, stage) = (self.wishes, Stage::Checking { until: now + WORK_DUE });
        self.given = Some(Given { on, number, wish, task, stage });
        self.outputs.push_back(Output::Help(HelpWish::CheckPin { number: wish, pin: pin.clone() }));
    }

    /// Wrong PINs are limited in number; what costs nothing is told once: nobody fills the ledger from the other room.
    fn refuse(&mut self, on: TrunkId, number: u32, why: HelpDenied) {
        let repeated = self.told.replace(why) == Some(why);
        if why == HelpDenied::WrongPin || !repeated {
            self.outputs.push_back(Output::Record(Entry::HelpRefused { why }));
        }
        self.say(on, HelpWord::Denied { number, why });
    }

    fn change(&mut self, on: TrunkId, number: u32, now: Moment, change: impl FnOnce(&mut Asked)) {
        let running = self.asked.as_mut().filter(|asked| asked.runs() && (asked.on, asked.number) == (on, number));
        if let Some(asked) = running {
            change(asked);
            asked.until = asked.ends.min(now + WORK_DUE);
        }
    }

    fn say(&mut self, trunk: TrunkId, word: HelpWord) {
        self.outputs.push_back(Output::Send { trunk, signal: Signal::Help(Box::new(word)) });
    }
}

impl Asked {
    /// Something is still to come.
    pub fn runs(&self) -> bool {
        match self.state {
            AskedState::Asked | AskedState::Granted => true,
            AskedState::Done | AskedState::Denied(_) => false,
        }
    }

    fn take(&mut self, part: u16, text: &str) {
        let fits = part == self.parts && self.paper.len() + text.len() <= MOST_PAPER + PART;
        // An empty part would come for ever.
        if self.state != AskedState::Granted || !fits || text.is_empty() {
            self.state = AskedState::Denied(HelpDenied::Failed);
            return;
        }
        self.parts += 1;
        Arc::make_mut(&mut self.paper).push_str(text);
    }

    fn follow(&mut self, open: bool, now: Moment) {
        if !open {
            // A box that begins anew takes its connection with it.
            let gone_as_asked = self.state == AskedState::Granted && self.task.ends_the_line();
            self.state = if gone_as_asked { AskedState::Done } else { AskedState::Denied(HelpDenied::CutOff) };
        } else if self.until <= now {
            self.state = AskedState::Denied(HelpDenied::NoAnswer);
        }
    }
}

impl Given {
    fn is_checking(&self) -> bool {
        matches!(self.stage, Stage::Checking { .. })
    }

    fn works(&self) -> bool {
        matches!(self.stage, Stage::Working { .. })
    }
}

/// For the far box's first word: a version before this one never says it.
const ANSWER_DUE: Duration = Duration::from_secs(5);
/// For the next word, and for what a box does. Papers take half of it on a slow box.
const WORK_DUE: Duration = Duration::from_secs(60);
/// For all of it: the PIN, the work, the paper.
const ALL_DUE: Duration = Duration::from_secs(150);
/// The room sees so long that somebody helped.
const SHOWN: Duration = Duration::from_secs(60);
/// A whole paper takes some five seconds and leaves a line of 64 kbit/s half to heartbeats and voice.
const BETWEEN_PARTS: Duration = Duration::from_millis(400);
/// Who knows the PIN fills no ledger either.
const BETWEEN_TASKS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
