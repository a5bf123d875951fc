//! The policy: who may ask what, and what then happens. Keys, panel and command line meet the same rules.

use super::{KNOCK_LASTS, Room};
use crate::core::face::Banner;
use crate::core::floor::FloorRequest;
use crate::core::ledger::Entry;
use crate::core::lesson::{Lesson, LessonState};
use crate::core::output::Output;
use crate::core::prints::PrintRequest;
use crate::core::request::{Answer, Asker, Denied, Request};
use crate::core::share::{Occasion, Opening, ShareRequest};
use crate::core::timers::Timer;
use crate::model::{GuestId, Mode, Moment, Side, Stance, Together};
use std::time::Duration;

impl Room {
    /// Somebody of this room asks.
    pub fn ask(&mut self, by: Asker, request: &Request, now: Moment) -> Answer {
        if let Asker::Guest(guest) = by
            && !self.guests.is_admitted(guest)
        {
            return Answer::Denied(Denied::NotAdmitted);
        }
        if by == Asker::Installer && !self.installer_may(request) {
            return Answer::Denied(Denied::NotAdmitted);
        }
        self.touched_at = now;
        let answer = self.decide(by, request, now);
        self.mode_may_have_changed(now);
        answer
    }

    /// A browser typed the room code.
    pub fn code_tried(&mut self, guest: GuestId, code: u32, name: &str, now: Moment) -> Answer {
        let result = self.guests.try_code(guest, code, name, now);
        self.at_the_door(guest, result)
    }

    /// A browser without a code asks to be let in.
    pub fn admission_asked(&mut self, guest: GuestId, name: &str, now: Moment) -> Answer {
        match self.guests.ask(guest, name, now) {
            Ok(()) => Answer::Accepted,
            Err(why) => self.at_the_door(guest, Err(why)),
        }
    }

    /// A browser went away, or its time is over.
    pub fn guest_left(&mut self, guest: GuestId, now: Moment) {
        let entry = self.guests.end(guest);
        self.end_lives(Some(guest), now);
        self.outputs.extend(entry.map(Output::Record));
    }

    /// The PIN is known outside the room: it sets things up and makes things more private; it neither speaks nor opens, nor
    /// lets anybody in.
    fn installer_may(&self, request: &Request) -> bool {
        match request {
            Request::View(_) | Request::Volume(_) | Request::Teach(_) | Request::FollowTurns(_) => true,
            Request::OwnPicture(_) | Request::ShowCode(_) | Request::RemoveAll => true,
            Request::Print(PrintRequest::Refuse(_)) => true,
            Request::Refuse(_) | Request::Remove(_) | Request::Microphone(false) | Request::Lock(true) => true,
            Request::Veil(veil) => *veil > self.veil,
            Request::Mode(_) | Request::Knock | Request::Answer | Request::Cancel | Request::Admit(_) => false,
            Request::Microphone(true) | Request::Lock(false) | Request::Share(_) => false,
            Request::Note(_) | Request::Floor(_) | Request::Live(_) | Request::ShowInput(_) => false,
            Request::Print(PrintRequest::Show(_)) => false,
        }
    }

    fn decide(&mut self, by: Asker, request: &Request, now: Moment) -> Answer {
        match request {
            Request::Mode(mode) => self.ask_mode(*mode),
            Request::Knock => self.ask_knock(by, now),
            Request::Answer if !self.is_knocked() || !self.link_up => Answer::Denied(Denied::NobodyKnocks),
            Request::Answer => {
                self.agreement.press(Together::Talking);
                // Entered first: becoming quiet and being knocked at close what was open before.
                self.mode_may_have_changed(now);
                self.open_microphone(by);
                Answer::Accepted
            }
            Request::Cancel => self.cancel(),
            Request::Microphone(open) => self.ask_microphone(by, *open, now),
            Request::View(view) if *view >= self.settings.views.len() => Answer::Denied(Denied::NoSuchView),
            Request::View(view) if *view == self.view => Answer::AlreadySo,
            Request::View(view) => {
                self.look(*view);
                Answer::Accepted
            }
            Request::Veil(veil) => {
                let changed = set(&mut self.veil, *veil);
                if changed == Answer::Accepted {
                    self.outputs.push_back(Output::Record(Entry::Veil(*veil)));
                }
                changed
            }
            Request::Volume(volume) => set(&mut self.volume, (*volume).min(100)),
            Request::OwnPicture(shown) => {
                self.timers.set(Timer::MenuCloses, now + SHOWN);
                set(&mut self.own_picture, *shown)
            }
            Request::ShowCode(shown) => {
                self.timers.set(Timer::MenuCloses, now + SHOWN);
                set(&mut self.show_code, *shown)
            }
            Request::Lock(locked) => {
                if *locked {
                    self.live.refuse_waiting();
                    self.prints.refuse_waiting(Denied::PrintsLocked, now);
                    self.print_told &= self.guests.locked;
                }
                set(&mut self.guests.locked, *locked)
            }
            Request::Admit(guest) => {
                let result = self.guests.admit(*guest, now);
                self.at_the_door(*guest, result)
            }
            Request::Refuse(guest) | Request::Remove(guest) => match self.guests.end(*guest) {
                Some(entry) => {
                    // Whoever was sent away may know the code.
                    self.guests.forget_code();
                    self.end_lives(Some(*guest), now);
                    self.outputs.extend([Output::Record(entry), Output::DrawCode]);
                    Answer::Accepted
                }
                None => Answer::Denied(Denied::NoSuchGuest),
            },
            Request::RemoveAll if self.guests.iter().next().is_none() => Answer::AlreadySo,
            Request::RemoveAll => {
                self.guests_end();
                self.end_lives(None, now);
                Answer::Accepted
            }
            Request::FollowTurns(follow) => set(&mut self.follow_turns, *follow),
            Request::Share(request) => self.ask_share(request, now),
            Request::Note(request) => self.notes.ask(request, &self.named(by), self.wall_ms),
            Request::Floor(request) => self.ask_floor(by, request),
            Request::Live(request) => self.ask_live(*request, now),
            Request::ShowInput(shown) => self.ask_input(*shown, now),
            Request::Print(request) => self.ask_print(*request, now),
            Request::Teach(view) if *view >= self.settings.views.len() => Answer::Denied(Denied::NoSuchView),
            Request::Teach(_) if self.mode.is_shut() => Answer::Denied(self.shut().unwrap_or(Denied::NearCurtain)),
            Request::Teach(view) if self.settings.elsewhere.contains(view) => Answer::Denied(Denied::OtherCamera),
            Request::Teach(view) => {
                self.lesson = Some(Lesson { view: *view, state: LessonState::Learning });
                self.outputs.push_back(Output::Teach { view: *view });
                Answer::Accepted
            }
        }
    }

    /// Sharing begins the meeting, as the key does; behind a curtain it serves this room alone.
    pub(super) fn ask_share(&mut self, request: &ShareRequest, now: Moment) -> Answer {
        if self.agreement.near() == Stance::Asleep {
            return Answer::Denied(Denied::NearAsleep);
        }
        if matches!(request, ShareRequest::Keep(_, true)) && !self.settings.keeps_documents {
            return Answer::Denied(Denied::KeepsNothing);
        }
        if matches!(request, ShareRequest::Open(_)) && self.guests.locked {
            return Answer::Denied(Denied::DocumentsLocked);
        }
        if let ShareRequest::Open(Opening { begun: Some(begun), .. }) = request
            && !self.is_still(*begun)
        {
            return Answer::Denied(Denied::MeetingOver);
        }
        if matches!(request, ShareRequest::Open(_)) && matches!(self.mode, Mode::Quiet | Mode::Talking) {
            self.press(Mode::Meeting);
            self.mode_may_have_changed(now);
        }
        let answer = self.share.ask(request);
        if let (ShareRequest::Point(pointer), Answer::Accepted) = (request, answer) {
            self.point(Side::Near, *pointer, now);
        }
        answer
    }

    /// Hands and poll are for both rooms while they are together.
    fn ask_floor(&mut self, by: Asker, request: &FloorRequest) -> Answer {
        if !matches!(self.mode, Mode::Talking | Mode::Meeting) {
            return Answer::Denied(self.shut().unwrap_or(Denied::NotTogether));
        }
        let name = self.named(by);
        let device = match by {
            Asker::Guest(guest) => Some((guest, name.as_str())),
            Asker::Key | Asker::Local | Asker::Installer => None,
        };
        self.floor.ask(request, device, self.agreement.wish().presses)
    }

    /// As this guest calls itself; empty: the room.
    fn named(&self, by: Asker) -> String {
        let guest = |id| self.guests.iter().find(|known| known.id == id).map(|known| known.name.clone());
        match by {
            Asker::Guest(id) => guest(id).unwrap_or_default(),
            Asker::Key | Asker::Local | Asker::Installer => String::new(),
        }
    }

    /// What is brought into a meeting begins no other one, and what is brought for this room alone comes along into none.
    pub(super) fn is_still(&self, begun: Occasion) -> bool {
        match begun {
            Occasion::Meeting(since) => self.meeting_since == Some(since),
            Occasion::Alone => self.mode.is_shut(),
            Occasion::None(ended) => self.mode == Mode::Meeting || self.share.ended() == ended,
        }
    }

    fn ask_mode(&mut self, mode: Mode) -> Answer {
        let near = self.agreement.near();
        let stance = match mode {
            Mode::Curtain => Stance::Curtain,
            Mode::Asleep => Stance::Asleep,
            Mode::Quiet | Mode::Talking | Mode::Meeting => Stance::Present,
        };
        if stance != Stance::Present {
            if near == stance {
                return Answer::AlreadySo;
            }
            self.agreement.stand(stance);
            return Answer::Accepted;
        }
        if near != Stance::Present {
            // Lifting the own curtain is done whatever the far room does.
            self.agreement.stand(stance);
            if self.agreement.far() == Stance::Present && mode != Mode::Quiet {
                self.press(mode);
            }
            return Answer::Accepted;
        }
        match self.agreement.far() {
            Stance::Curtain => Answer::Denied(Denied::FarCurtain),
            Stance::Asleep => Answer::Denied(Denied::FarAsleep),
            Stance::Present if self.mode == mode => Answer::AlreadySo,
            Stance::Present => {
                self.press(mode);
                Answer::Accepted
            }
        }
    }

    pub(super) fn press(&mut self, mode: Mode) {
        self.pressed_here = true;
        self.agreement.press(match mode {
            Mode::Talking => Together::Talking,
            Mode::Meeting => Together::Meeting,
            Mode::Quiet | Mode::Curtain | Mode::Asleep => Together::Quiet,
        });
    }

    fn ask_knock(&mut self, by: Asker, now: Moment) -> Answer {
        if let Some(why) = self.shut() {
            return Answer::Denied(why);
        }
        if !self.link_up {
            return Answer::Denied(Denied::NoLink);
        }
        if self.mode != Mode::Quiet || self.knocks() {
            return Answer::AlreadySo;
        }
        self.knocks = self.knocks.wrapping_add(1);
        self.knock = Some(self.knocks);
        self.timers.set(Timer::KnockEnds, now + KNOCK_LASTS);
        self.open_microphone(by);
        Answer::Accepted
    }

    fn ask_microphone(&mut self, by: Asker, open: bool, now: Moment) -> Answer {
        if open && let Some(why) = self.shut() {
            return Answer::Denied(why);
        }
        if self.microphone == open {
            return Answer::AlreadySo;
        }
        // Nobody shall be heard hours later because of a key pressed into a dead line.
        if open && !self.link_up {
            return Answer::Denied(Denied::NoLink);
        }
        if open {
            if self.mode == Mode::Quiet {
                self.agreement.press(Together::Talking);
                self.mode_may_have_changed(now);
            }
            self.open_microphone(by);
        } else {
            self.end_waiting_knock();
            self.close_microphone(Some(by));
        }
        Answer::Accepted
    }

    fn cancel(&mut self) -> Answer {
        if self.is_knocked() {
            self.knock_done = self.far.knock;
        } else if self.turning.is_some() && matches!(self.told, None | Some(Banner::Unshown { .. })) {
            self.turning = None;
            self.timers.stop(Timer::TurnDue);
        } else if self.told.take().is_some() {
            self.timers.stop(Timer::ToldEnds);
        } else if self.knocks() {
            self.end_knock();
        } else {
            return Answer::AlreadySo;
        }
        Answer::Accepted
    }

    /// Why nothing can be opened now, if so: the own room first, it can do something about it.
    fn shut(&self) -> Option<Denied> {
        match (self.agreement.near(), self.agreement.far()) {
            (Stance::Curtain, _) => Some(Denied::NearCurtain),
            (Stance::Asleep, _) => Some(Denied::NearAsleep),
            (Stance::Present, Stance::Curtain) => Some(Denied::FarCurtain),
            (Stance::Present, Stance::Asleep) => Some(Denied::FarAsleep),
            (Stance::Present, Stance::Present) => None,
        }
    }

    fn at_the_door(&mut self, guest: GuestId, result: Result<Entry, Denied>) -> Answer {
        match result {
            Ok(entry) => {
                self.outputs.push_back(Output::Record(entry));
                Answer::Accepted
            }
            Err(why) => {
                // Wrong codes are limited in number, the others are told once per code: nobody fills the ledger from outside.
                let told = why == Denied::WrongCode || !std::mem::replace(&mut self.refusal_told, true);
                if told {
                    self.outputs.push_back(Output::Record(Entry::GuestRefused { guest, why }));
                }
                Answer::Denied(why)
            }
        }
    }
}

fn set<T: PartialEq>(place: &mut T, value: T) -> Answer {
    if *place == value {
        return Answer::AlreadySo;
    }
    *place = value;
    Answer::Accepted
}

/// What was asked for from the page or the command line leaves the screen again after so long.
const SHOWN: Duration = Duration::from_secs(120);
