//! Prints in this room: who may put one on the screens at once, and who waits for a person to say so.

use super::Room;
use crate::core::face::Banner;
use crate::core::ledger::Entry;
use crate::core::output::Output;
use crate::core::prints::{Arrival, Print, PrintEnd, PrintId, PrintNews, PrintRequest, PrintState};
use crate::core::request::{Answer, Asker, Denied, Request};
use crate::core::share::ShareRequest;
use crate::core::timers::Timer;
use crate::model::{DocumentId, GuestId, Moment, Stance};

impl Room {
    /// Something happened at the printer.
    pub fn printer(&mut self, news: &PrintNews, now: Moment) -> Answer {
        match news {
            PrintNews::Arrived(arrival) => self.print_arrived(arrival, now),
            PrintNews::Withdrawn(id) => self.print_withdrawn(*id, now),
            PrintNews::TurnedAway(guests) if self.guests.locked => self.print_at_the_locked_door(guests, now),
            PrintNews::TurnedAway(_) => Answer::AlreadySo,
            PrintNews::Identified => {
                self.prints.identify(now);
                Answer::Accepted
            }
        }
    }

    /// Every document whose bytes are needed: names and lengths.
    pub fn held(&self) -> Vec<(DocumentId, u64)> {
        let mut held = self.share.held();
        for waiting in self.prints.held() {
            if !held.iter().any(|(id, _)| *id == waiting.0) {
                held.push(waiting);
            }
        }
        held
    }

    pub(super) fn ask_print(&mut self, request: PrintRequest, now: Moment) -> Answer {
        let (PrintRequest::Show(id) | PrintRequest::Refuse(id)) = request;
        let waiting = self.prints.find(id).filter(|print| print.state == PrintState::Waiting);
        let Some(print) = waiting else { return Answer::Denied(Denied::NoSuchPrint) };
        if request == PrintRequest::Refuse(id) {
            print.end(PrintEnd::Refused, now);
            return Answer::Accepted;
        }
        let opening = print.opening.clone();
        let answer = self.ask_share(&ShareRequest::Open(opening), now);
        if let Some(print) = self.prints.find(id) {
            match answer {
                Answer::Accepted | Answer::AlreadySo => print.state = PrintState::Opening,
                Answer::Denied(why) => print.end(PrintEnd::Denied(why), now),
            }
        }
        answer
    }

    /// What became of those that wait and those that are being opened; called after every change.
    pub(in crate::core) fn follow_prints(&mut self, now: Moment) {
        self.prints.pass(now);
        let occasions: Vec<bool> =
            self.prints.iter().map(|print| print.opening.begun.is_none_or(|begun| self.is_still(begun))).collect();
        let share = &self.share;
        for (print, still) in self.prints.all_mut().zip(occasions) {
            match print.state {
                // The meeting it was sent into is over.
                PrintState::Waiting if !still => print.end(PrintEnd::Denied(Denied::MeetingOver), now),
                PrintState::Opening => follow(print, share, now),
                PrintState::Waiting | PrintState::Shown | PrintState::Ended(_) => {}
            }
        }
        match self.prints.next() {
            Some(next) => self.timers.set(Timer::PrintsDue, next),
            None => self.timers.stop(Timer::PrintsDue),
        }
    }

    /// A print that waits, or the answer to "which box is it?".
    pub(super) fn print_banner(&self) -> Option<Banner> {
        let waits = |print: &Print| Banner::PrintWaits { name: print.opening.name.clone(), from: print.from.clone() };
        let identified = || self.prints.is_identified().then_some(Banner::Identified);
        self.prints.waiting().map(waits).or_else(identified)
    }

    fn print_arrived(&mut self, arrival: &Arrival, now: Moment) -> Answer {
        if self.guests.locked {
            return self.print_at_the_locked_door(&arrival.guests, now);
        }
        let guest = arrival.guests.iter().find(|guest| self.guests.is_admitted(**guest));
        if let Some(guest) = guest {
            let request = Request::Share(ShareRequest::Open(arrival.opening.clone()));
            let answer = self.ask(Asker::Guest(*guest), &request, now);
            if !matches!(answer, Answer::Denied(_)) {
                self.prints.add(arrival, PrintState::Opening, now);
            }
            return answer;
        }
        if self.agreement.near() == Stance::Asleep {
            return Answer::Denied(Denied::NearAsleep);
        }
        if !self.prints.has_room_for(arrival.opening.length) {
            return Answer::Denied(Denied::TooManyPrints);
        }
        self.prints.add(arrival, PrintState::Waiting, now);
        Answer::Accepted
    }

    /// People are told of a PC that they let in, once each time that they lock; of others they hear nothing.
    fn print_at_the_locked_door(&mut self, guests: &[GuestId], now: Moment) -> Answer {
        let why = Denied::PrintsLocked;
        let known = guests.iter().find(|guest| self.guests.is_admitted(**guest));
        if let Some(guest) = known.filter(|_| !self.print_told) {
            self.print_told = true;
            self.tell(Banner::Denied(why), now);
            self.outputs.push_back(Output::Record(Entry::PrintRefused { guest: *guest, why }));
        }
        Answer::Denied(why)
    }

    /// What stands on the screens stays there: people of both rooms close it.
    fn print_withdrawn(&mut self, id: PrintId, now: Moment) -> Answer {
        let Some(print) = self.prints.find(id) else { return Answer::Denied(Denied::NoSuchPrint) };
        let document = print.opening.id;
        match print.state {
            PrintState::Waiting => {}
            PrintState::Opening if self.share.opening().iter().any(|opening| opening.id == document) => {
                self.share.ask(&ShareRequest::Close(document));
            }
            PrintState::Opening | PrintState::Shown | PrintState::Ended(_) => return Answer::AlreadySo,
        }
        if let Some(print) = self.prints.find(id) {
            print.end(PrintEnd::Withdrawn, now);
        }
        Answer::Accepted
    }
}

fn follow(print: &mut Print, share: &crate::core::share::Share, now: Moment) {
    let id = print.opening.id;
    if share.open().any(|document| document.id == id) {
        return print.shown(now);
    }
    if share.opening().iter().any(|opening| opening.id == id) {
        return;
    }
    let fault = share.fault().filter(|fault| fault.id == id);
    print.end(fault.map_or(PrintEnd::Denied(Denied::MeetingOver), |fault| PrintEnd::Document(fault.why)), now);
}
