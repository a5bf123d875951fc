//! The live share: one PC's screen or one input of one of the two rooms, in front on both screens.
//!
//! ```text
//!   a source asks ─┬─ nothing in front, or take-over allowed ──► front ── word ──► the far box shows it, ends its own
//!                  ├─ ask ──► waiting ── handed over, or the place is free ──► front
//!                  │             └────── kept, or nobody answered ──► ended
//!                  └─ refuse ──► denied
//!   stop (either room), gone, an older stamp than the far box's, meeting over, curtain lifted ──► ended, and why
//! ```
//! May be relied on: two boxes that heard each other have the same one in front, the one with the later stamp; the other one
//! is ended; what waits has a deadline; a box that begins anew has none. Without a link each box goes on alone.
//! Deliberately absent: pictures, microphones, sessions. Said and heard in a meeting only.

mod silence;
mod source;
mod told;
mod waiting;
mod word;

pub use source::{LiveNews, LiveRequest, LiveSource, LiveTold, OwnLive};
pub use word::{Answered, Front, Gone, LiveWord, Switch, Waiting};

use crate::core::notes::short_name;
use crate::core::request::{Answer, Denied};
use crate::core::share::Stamp;
use crate::model::{BootId, GuestId, LiveEnd, LiveId, Moment, Side, TakeOver};
use silence::Silences;
use std::collections::VecDeque;
use waiting::{Queued, WAITS};

/// The machine. [`super::Core`] feeds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    life: BootId,
    take_over: TakeOver,
    /// The greatest count of a stamp that was ever given or heard.
    newest: u32,
    /// What is said.
    word: LiveWord,
    /// Of the word's front.
    front: Option<LiveSource>,
    /// Of the word's waiting one.
    waiting: Option<Queued>,
    /// The far box's life, and its word.
    far_life: BootId,
    far: LiveWord,
    silences: Silences,
    /// Whether this source's pictures are encoded anew by this box.
    retold: Option<(LiveId, bool)>,
    /// The far box is there, and so is the meeting.
    linked: bool,
    /// As it was written down last.
    recorded: Option<(Side, Front)>,
    told: Option<LiveTold>,
    /// Sources of guests that did not end by themselves, the newest last.
    past: VecDeque<(GuestId, LiveId, LiveEnd)>,
    news: VecDeque<LiveNews>,
}

impl Live {
    /// With the presses when a meeting ended last, so that a restart remembers them.
    pub fn new(take_over: TakeOver, ended: [u32; 2]) -> Self {
        Self { take_over, word: LiveWord { ended, ..LiveWord::default() }, ..Self::default() }
    }

    /// The box knows its peer, and this life's name.
    pub fn take_life(&mut self, life: BootId) {
        self.life = life;
    }

    /// What to say.
    pub fn word(&self) -> &LiveWord {
        &self.word
    }

    /// What is in front, and in which room.
    pub fn shown(&self) -> Option<(Side, &Front)> {
        self.standing().filter(|(side, _)| *side == Side::Near || self.linked)
    }

    /// The source of this box that is in front.
    pub fn source(&self) -> Option<&LiveSource> {
        self.front.as_ref()
    }

    /// The one in front is a moving picture.
    pub fn is_moving(&self) -> bool {
        let Switch { of, moving, .. } = self.word.switch;
        moving && self.shown().is_some_and(|(_, front)| front.begun == of)
    }

    /// Why the last one ended, for a moment.
    pub fn told(&self) -> Option<&LiveTold> {
        self.told.as_ref()
    }

    /// This source is in front, or waits.
    pub fn has(&self, id: LiveId) -> bool {
        self.front.iter().chain(self.waiting.iter().map(|queued| &queued.source)).any(|known| known.id == id)
    }

    /// The sources of a guest.
    pub fn of_guest(&self, guest: GuestId) -> impl Iterator<Item = OwnLive> {
        let front = self.front.iter().map(|source| (source, true));
        let own = front.chain(self.waiting.iter().map(|queued| (&queued.source, false)));
        let own = own.filter(move |(source, _)| source.guest == Some(guest));
        own.map(|(source, front)| OwnLive { id: source.id, front })
    }

    /// The sources of a guest that ended against its will, and why; the newest few.
    pub fn past_of(&self, guest: GuestId) -> impl Iterator<Item = (LiveId, LiveEnd)> {
        self.past.iter().filter(move |(of, ..)| *of == guest).map(|(_, id, why)| (*id, *why))
    }

    /// A source of this room wants to be in front; `presses`: of the mode's wish.
    pub fn ask_front(&mut self, source: LiveSource, presses: [u32; 2], now: Moment) -> Answer {
        if self.has(source.id) {
            return Answer::AlreadySo;
        }
        let of_same =
            |own: Option<&LiveSource>| own.is_some_and(|own| own.guest.is_some() && own.guest == source.guest);
        let policy = match self.shown() {
            None => TakeOver::Allow,
            // Whoever shares something else instead asks nobody.
            Some((Side::Near, _)) if of_same(self.front.as_ref()) => TakeOver::Allow,
            Some((_, front)) => front.take_over,
        };
        let waits = self.waiting.as_ref().map(|queued| &queued.source);
        let waits_again = of_same(waits);
        match policy {
            TakeOver::Refuse => return Answer::Denied(Denied::ShareKept),
            TakeOver::Ask if waits.is_some() && !waits_again => return Answer::Denied(Denied::ShareWaits),
            TakeOver::Ask | TakeOver::Allow => {}
        }
        if waits_again {
            self.end_waiting(LiveEnd::TakenOver);
        }
        if policy == TakeOver::Allow {
            self.put_front(source, presses);
        } else {
            let asked = self.stamp();
            self.word.waiting = Some(Waiting { asked, kind: source.kind, name: short_name(&source.name) });
            self.waiting = Some(Queued { source, until: now + WAITS, silent_since: None });
        }
        self.settle(presses, now);
        Answer::Accepted
    }

    /// Somebody of this room asks.
    pub fn ask(&mut self, request: LiveRequest, presses: [u32; 2], now: Moment) -> Answer {
        let answer = match request {
            LiveRequest::Stop => match self.shown() {
                None => Answer::AlreadySo,
                Some((Side::Near, _)) => {
                    self.end_front(LiveEnd::Stopped);
                    Answer::Accepted
                }
                Some((Side::Far, front)) => {
                    self.word.stopped = front.begun;
                    Answer::Accepted
                }
            },
            LiveRequest::HandOver | LiveRequest::Keep => self.answer(request == LiveRequest::HandOver, presses, now),
            LiveRequest::Moving(moving) => match self.shown().map(|(_, front)| front.begun) {
                None => Answer::Denied(Denied::NoShare),
                Some(_) if moving == self.is_moving() => Answer::AlreadySo,
                Some(of) => {
                    self.word.switch = Switch { of, moving, at: self.stamp() };
                    Answer::Accepted
                }
            },
        };
        self.settle(presses, now);
        answer
    }

    /// A source went by itself.
    pub fn gone(&mut self, id: LiveId, why: LiveEnd, presses: [u32; 2], now: Moment) {
        let waits = self.waiting.as_ref().map(|queued| &queued.source);
        let known = self.front.as_ref().into_iter().chain(waits).find(|source| source.id == id).cloned();
        // Whoever stopped its own knows.
        if let Some(source) = known.filter(|_| why != LiveEnd::Stopped) {
            self.tell_its_guest(&source, why);
        }
        if self.front.as_ref().is_some_and(|source| source.id == id) {
            self.drop_front(why);
        }
        if self.waiting.as_ref().is_some_and(|queued| queued.source.id == id) {
            (self.waiting, self.word.waiting) = (None, None);
        }
        self.settle(presses, now);
    }

    /// Devices were sent away, and their sources with them.
    pub fn end_guests(&mut self, gone: impl Fn(GuestId) -> bool, presses: [u32; 2], now: Moment) {
        let sent_away = |source: &LiveSource| source.guest.is_some_and(&gone);
        if self.waiting.as_ref().is_some_and(|queued| sent_away(&queued.source)) {
            self.end_waiting(LiveEnd::Stopped);
        }
        if self.front.as_ref().is_some_and(sent_away) {
            self.end_front(LiveEnd::Stopped);
        }
        self.settle(presses, now);
    }

    /// Another life of the far daemon has nothing of before.
    pub fn meet(&mut self, far_life: BootId) {
        if self.far_life != far_life {
            (self.far_life, self.far) = (far_life, LiveWord::default());
        }
    }

    /// A word of that life of the far daemon. Heard in a meeting only.
    pub fn hear(&mut self, life: BootId, word: &LiveWord, presses: [u32; 2], now: Moment) {
        if life != self.far_life || word.number < self.far.number {
            return;
        }
        self.newest = self.newest.max(word.newest());
        self.word.join(word);
        self.hear_silence(word, now);
        self.far.clone_from(word);
        self.settle(presses, now);
    }

    /// The far box is there or not, in this very meeting; and deadlines pass.
    pub fn turn(&mut self, linked: bool, meets: bool, presses: [u32; 2], now: Moment) {
        self.linked = linked;
        if !meets && self.far != LiveWord::default() {
            let gone = self.far_front().map(|front| Gone { begun: front.begun, why: LiveEnd::MeetingOver });
            self.far = LiveWord { gone, ..LiveWord::default() };
        }
        self.told.take_if(|told| told.until <= now);
        if self.waiting.as_ref().is_some_and(|queued| queued.until <= now) {
            self.end_waiting(LiveEnd::Refused);
        }
        self.settle(presses, now);
    }

    /// When [`Live::turn`] is due.
    pub fn due(&self) -> Option<Moment> {
        let waiting = self.waiting.as_ref().map(|queued| queued.until);
        self.told.as_ref().map(|told| told.until).into_iter().chain(waiting).min()
    }

    /// The meeting is over, or what was shared for this room alone would come along into one.
    pub fn end(&mut self, presses: [u32; 2], now: Moment) {
        self.end_waiting(LiveEnd::MeetingOver);
        self.end_front(LiveEnd::MeetingOver);
        let ended = [0, 1].map(|of| self.word.ended[of].max(presses[of]));
        let gone = self.word.gone;
        self.word = LiveWord { ended, gone, ..LiveWord::default() };
        self.far = LiveWord::default();
        self.write_down(now);
        (self.told, self.word.gone) = (None, None);
    }

    /// The next thing that follows for others.
    pub fn poll_news(&mut self) -> Option<LiveNews> {
        self.news.pop_front()
    }

    fn holds(&self) -> bool {
        self.shown().is_some_and(|(side, _)| side == Side::Near)
    }

    /// The later one of both rooms, whatever the line.
    fn standing(&self) -> Option<(Side, &Front)> {
        let near = self.word.front.as_ref().map(|front| (Side::Near, front));
        let both = near.into_iter().chain(self.far_front().map(|front| (Side::Far, front)));
        both.max_by_key(|(_, front)| front.begun)
    }

    fn far_front(&self) -> Option<&Front> {
        self.far.front.as_ref().filter(|front| self.word.is_over(front).is_none())
    }

    fn put_front(&mut self, source: LiveSource, presses: [u32; 2]) {
        self.end_front(LiveEnd::TakenOver);
        let (begun, take_over) = (self.stamp(), self.take_over);
        let name = short_name(&source.name);
        self.word.front = Some(Front { begun, since: presses, kind: source.kind, name, take_over, silent: None });
        self.front = Some(source);
    }

    /// What follows from both words.
    fn settle(&mut self, presses: [u32; 2], now: Moment) {
        let over = self.word.front.as_ref().and_then(|front| self.word.is_over(front));
        let later = self.far_front().map(|front| front.begun);
        let beaten = self.word.front.as_ref().is_some_and(|front| later > Some(front.begun));
        if let Some(why) = over.or(beaten.then_some(LiveEnd::TakenOver)) {
            self.end_front(why);
        }
        let asked = self.word.waiting.as_ref().map(|waiting| waiting.asked);
        match self.far.answered.filter(|answered| Some(answered.asked) == asked) {
            Some(Answered { handed: true, .. }) => self.waiting_to_front(presses, now),
            Some(Answered { handed: false, .. }) => self.end_waiting(LiveEnd::Refused),
            None => {}
        }
        let far_waits = self.far.waiting.as_ref().map(|waiting| waiting.asked);
        self.word.answered.take_if(|answered| Some(answered.asked) != far_waits);
        // The place is free, and not promised to the other room.
        let promised = self.word.answered.is_some_and(|answered| answered.handed);
        if self.standing().is_none() && !promised {
            self.waiting_to_front(presses, now);
        }
        self.write_down(now);
    }

    /// The source is told to end.
    fn end_front(&mut self, why: LiveEnd) {
        if let Some(source) = self.front.take() {
            self.end_source(&source, why);
        }
        self.drop_front(why);
    }

    fn drop_front(&mut self, why: LiveEnd) {
        self.front = None;
        if let Some(front) = self.word.front.take() {
            self.word.gone = Some(Gone { begun: front.begun, why });
        }
    }

    fn end_source(&mut self, source: &LiveSource, why: LiveEnd) {
        self.news.push_back(LiveNews::End(source.id, why));
        self.tell_its_guest(source, why);
    }

    fn tell_its_guest(&mut self, source: &LiveSource, why: LiveEnd) {
        self.past.extend(source.guest.map(|guest| (guest, source.id, why)));
        self.past.drain(..self.past.len().saturating_sub(MOST_PAST));
    }

    /// Later than everything that is known; never given twice.
    fn stamp(&mut self) -> Stamp {
        self.newest = self.newest.saturating_add(1);
        Stamp { count: self.newest, by: self.life }
    }
}

/// Ended sources that their guests are told of.
const MOST_PAST: usize = 8;

#[cfg(test)]
mod tests;
