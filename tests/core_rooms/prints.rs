//! Prints of this room's PCs: who is asked, by which key, how long, and what a print never does.

use crate::core_world::documents::PAGES;
use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::{ask, key, linked, microphone, mode};
use engawa::core::face::{Banner, MenuPage};
use engawa::core::input::{Input, RoomInput};
use engawa::core::ledger::Entry;
use engawa::core::prints::{Arrival, PrintEnd, PrintId, PrintNews, PrintRequest, PrintState};
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::core::share::Opening;
use engawa::model::{DocumentId, GuestId, Key, MicState, Mode, Ticket};

#[test]
fn a_print_of_nobody_in_particular_waits_for_the_key_and_opens_no_microphone() {
    let mut world = linked(Options::new(60));
    print(&mut world, 1, &[]);
    assert_eq!((mode(&world, 0), state(&world, 1)), (Mode::Quiet, Some(PrintState::Waiting)));
    let banner = Banner::PrintWaits { name: "1.pdf".into(), from: "tanaka（192.0.2.9）".into() };
    assert_eq!(world.shown(0).room.face.banner, Some(banner));
    // The key with which guests are let in.
    while world.shown(0).room.face.menu != Some(MenuPage::Guests) {
        key(&mut world, 0, Key::More);
    }
    key(&mut world, 0, Key::View);
    world.run(300 * MS);
    assert_eq!(state(&world, 1), Some(PrintState::Shown));
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Meeting, Mode::Meeting));
    assert_eq!([microphone(&world, 0), microphone(&world, 1)], [MicState::Closed; 2]);
    for who in [0, 1] {
        let page = world.shown(who).room.face.page.expect("it stands on both screens");
        assert_eq!((page.id, page.pages), (id(1), PAGES));
    }
    world.run(20 * SECOND);
    assert_eq!(state(&world, 1), None, "told long enough");
}

#[test]
fn a_guests_pc_prints_at_once_and_one_that_was_put_out_does_not() {
    let mut world = linked(Options::new(61));
    let guest = GuestId(4);
    let name = "PC".into();
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::AdmissionAsked { ticket: Ticket(1), guest, name })));
    print(&mut world, 1, &[guest]);
    assert_eq!(state(&world, 1), Some(PrintState::Waiting), "it asked to be let in, no more");
    assert_eq!(ask(&mut world, 0, Request::Admit(guest)), Answer::Accepted);
    print(&mut world, 2, &[GuestId(9), guest]);
    world.run(300 * MS);
    assert_eq!(state(&world, 2), Some(PrintState::Shown));
    ask(&mut world, 0, Request::Remove(guest));
    print(&mut world, 3, &[guest]);
    assert_eq!(state(&world, 3), Some(PrintState::Waiting));
}

#[test]
fn nobody_is_waited_for_longer_than_two_minutes_and_nobody_waits_without_end() {
    let mut world = linked(Options::new(62));
    for number in 1..=4 {
        assert_eq!(print(&mut world, number, &[]), Answer::Accepted);
    }
    assert_eq!(world.kiosks[0].shelf.stored.len(), 4, "their bytes are held");
    assert_eq!(print(&mut world, 5, &[]), Answer::Denied(Denied::TooManyPrints));
    world.run(119 * SECOND);
    assert_eq!(state(&world, 1), Some(PrintState::Waiting));
    world.run(2 * SECOND);
    assert_eq!(state(&world, 1), Some(PrintState::Ended(PrintEnd::NobodyCame)));
    assert!(world.kiosks[0].shelf.stored.is_empty(), "nothing of them is left");
    assert_eq!(world.shown(0).room.face.banner, None);
    assert_eq!(show(&mut world, 1), Answer::Denied(Denied::NoSuchPrint));
}

#[test]
fn a_locked_room_and_one_that_sleeps_are_not_asked() {
    for (wish, why) in [(Request::Lock(true), Denied::PrintsLocked), (Request::Mode(Mode::Asleep), Denied::NearAsleep)]
    {
        let mut world = linked(Options::new(63));
        ask(&mut world, 0, wish);
        assert_eq!(print(&mut world, 1, &[]), Answer::Denied(why));
        assert_eq!((state(&world, 1), world.shown(0).room.face.banner.clone()), (None, None));
        let said = if why == Denied::PrintsLocked { Answer::Denied(why) } else { Answer::AlreadySo };
        assert_eq!(printer(&mut world, PrintNews::TurnedAway(vec![GuestId(9)])), said);
        assert_eq!(world.shown(0).room.face.banner, None, "no stranger's call");
        assert!(!refused(&world), "nor does one fill the ledger");
    }
}

#[test]
fn a_locked_room_shows_no_print_of_its_guests_either_and_tells_them_once() {
    let mut world = linked(Options::new(69));
    let (guest, name) = (GuestId(4), "PC".into());
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::AdmissionAsked { ticket: Ticket(1), guest, name })));
    assert_eq!(ask(&mut world, 0, Request::Admit(guest)), Answer::Accepted);
    assert_eq!(print(&mut world, 1, &[]), Answer::Accepted);
    ask(&mut world, 0, Request::Lock(true));
    let locked = PrintState::Ended(PrintEnd::Denied(Denied::PrintsLocked));
    assert_eq!((state(&world, 1), show(&mut world, 1)), (Some(locked), Answer::Denied(Denied::NoSuchPrint)));
    assert!(world.kiosks[0].shelf.stored.is_empty(), "what waited is gone with its bytes");
    for number in 2..=3 {
        assert_eq!(print(&mut world, number, &[guest]), Answer::Denied(Denied::PrintsLocked));
        let told = (number == 2).then_some(Banner::Denied(Denied::PrintsLocked));
        assert_eq!((state(&world, number.into()), world.shown(0).room.face.banner.clone()), (None, told));
        world.run(5 * SECOND);
        assert_eq!(ask(&mut world, 0, Request::Lock(true)), Answer::AlreadySo, "the same lock");
    }
    assert_eq!(mode(&world, 0), Mode::Quiet, "and begins no meeting");
    let lines = world.kiosks[0].ledger.iter();
    let of_guest = |entry: &&Entry| **entry == Entry::PrintRefused { guest, why: Denied::PrintsLocked };
    assert_eq!(lines.filter(of_guest).count(), 1, "its print was refused, not the guest");
    ask(&mut world, 0, Request::Lock(false));
    assert_eq!(print(&mut world, 4, &[guest]), Answer::Accepted);
    world.run(300 * MS);
    assert_eq!(state(&world, 4), Some(PrintState::Shown));
    // What stands there stays; the next lock is told of anew, also of a PC that was turned away before its document came.
    ask(&mut world, 0, Request::Lock(true));
    assert_eq!(printer(&mut world, PrintNews::TurnedAway(vec![guest])), Answer::Denied(Denied::PrintsLocked));
    assert_eq!(world.shown(0).room.face.banner, Some(Banner::Denied(Denied::PrintsLocked)));
    assert!(world.shown(1).room.face.page.is_some());
}

#[test]
fn what_was_sent_into_a_meeting_is_shown_in_no_other_one() {
    let mut world = linked(Options::new(64));
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    world.run(300 * MS);
    print(&mut world, 1, &[]);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(300 * MS);
    assert_eq!(state(&world, 1), Some(PrintState::Ended(PrintEnd::Denied(Denied::MeetingOver))));
    ask(&mut world, 1, Request::Mode(Mode::Meeting));
    world.run(300 * MS);
    assert_eq!(show(&mut world, 1), Answer::Denied(Denied::NoSuchPrint));
}

#[test]
fn behind_a_curtain_a_print_serves_this_room_alone() {
    let mut world = linked(Options::new(65));
    ask(&mut world, 0, Request::Mode(Mode::Curtain));
    world.run(300 * MS);
    print(&mut world, 1, &[]);
    assert_eq!(show(&mut world, 1), Answer::Accepted);
    world.run(300 * MS);
    assert_eq!((mode(&world, 0), state(&world, 1)), (Mode::Curtain, Some(PrintState::Shown)));
    assert_eq!(world.shown(1).room.face.page, None);
}

#[test]
fn its_pc_takes_back_what_waits_and_what_is_being_opened_and_nothing_that_stands_there() {
    let mut world = linked(Options::new(66));
    print(&mut world, 1, &[]);
    assert_eq!(printer(&mut world, PrintNews::Withdrawn(PrintId(1))), Answer::Accepted);
    assert_eq!(state(&world, 1), Some(PrintState::Ended(PrintEnd::Withdrawn)));
    print(&mut world, 2, &[]);
    show(&mut world, 2);
    world.run(300 * MS);
    assert_eq!(printer(&mut world, PrintNews::Withdrawn(PrintId(2))), Answer::AlreadySo);
    assert!(world.shown(0).room.face.page.is_some());
}

#[test]
fn the_installer_may_say_no_and_not_yes() {
    let mut world = linked(Options::new(67));
    print(&mut world, 1, &[]);
    for (request, answer) in [
        (PrintRequest::Show(PrintId(1)), Answer::Denied(Denied::NotAdmitted)),
        (PrintRequest::Refuse(PrintId(1)), Answer::Accepted),
    ] {
        let (ticket, by, request) = (Ticket(7), Asker::Installer, Request::Print(request));
        world.inject(0, Mail::Urgent(Input::Room(RoomInput::Asked { ticket, by, request })));
        assert_eq!(world.kiosks[0].answers.last(), Some(&answer));
    }
    assert_eq!(state(&world, 1), Some(PrintState::Ended(PrintEnd::Refused)));
}

#[test]
fn the_box_says_which_one_it_is_for_a_while_and_only_where_nothing_else_is_said() {
    let mut world = linked(Options::new(68));
    printer(&mut world, PrintNews::Identified);
    assert_eq!(world.shown(0).room.face.banner, Some(Banner::Identified));
    print(&mut world, 1, &[]);
    assert!(matches!(world.shown(0).room.face.banner, Some(Banner::PrintWaits { .. })));
    world.run(11 * SECOND);
    printer(&mut world, PrintNews::Withdrawn(PrintId(1)));
    assert_eq!(world.shown(0).room.face.banner, None);
}

/// A PC prints document `number`; what the box answers.
fn print(world: &mut World, number: u8, guests: &[GuestId]) -> Answer {
    world.put(0, id(number));
    let begun = Some(world.shown(0).room.occasion());
    let opening = Opening { id: id(number), name: format!("{number}.pdf"), length: 1_000, begun };
    let from = "tanaka（192.0.2.9）".into();
    let arrival = Arrival { print: PrintId(number.into()), opening, from, guests: guests.to_vec() };
    printer(world, PrintNews::Arrived(arrival))
}

fn printer(world: &mut World, news: PrintNews) -> Answer {
    let ticket = Ticket(99);
    world.kiosks[0].answers.clear();
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::Printer { ticket, news })));
    *world.kiosks[0].answers.last().expect("an answer")
}

fn show(world: &mut World, number: u32) -> Answer {
    ask(world, 0, Request::Print(PrintRequest::Show(PrintId(number))))
}

fn state(world: &World, number: u32) -> Option<PrintState> {
    world.shown(0).room.prints.iter().find(|print| print.id == PrintId(number)).map(|print| print.state)
}

fn refused(world: &World) -> bool {
    world.kiosks[0].ledger.iter().any(|entry| matches!(entry, Entry::GuestRefused { .. } | Entry::PrintRefused { .. }))
}

fn id(number: u8) -> DocumentId {
    DocumentId([number; 32])
}
