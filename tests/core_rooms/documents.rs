//! Documents on both screens: shared, turned, closed, agreed after every cut, gone with the meeting.

use crate::core_world::documents::PAGES;
use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::{ask, linked, microphone, mode};
use engawa::core::face::Banner;
use engawa::core::input::{Input, RoomInput};
use engawa::core::request::{Answer, Denied, Request};
use engawa::core::share::{Look, MOST_OPEN, Opening, Refusal, ShareRequest, ShareWord, Turn};
use engawa::model::{DocumentId, MicState, Mode};

#[test]
fn a_document_dropped_into_a_quiet_room_begins_the_meeting_and_opens_no_microphone() {
    let mut world = linked(Options::new(30));
    assert_eq!(put(&mut world, 0, 1), Answer::Accepted);
    world.run(300 * MS);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Meeting, Mode::Meeting));
    assert_eq!([microphone(&world, 0), microphone(&world, 1)], [MicState::Closed; 2]);
    assert_eq!([front(&world, 0), front(&world, 1)], [Some((id(1), Look::at(0))); 2]);
    assert!(world.kiosks[1].shelf.stored.contains(&id(1)), "it came over");
    assert!(!world.shown(1).room.share.is_fetching());
}

#[test]
fn both_rooms_turn_the_same_page() {
    let mut world = linked(Options::new(31));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    for (who, turn) in [(0, Turn::Next), (1, Turn::Next), (1, Turn::Next), (0, Turn::Previous)] {
        assert_eq!(turned(&mut world, who, turn), Answer::Accepted);
        world.run(100 * MS);
        assert_eq!(front(&world, 0), front(&world, 1));
    }
    assert_eq!(front(&world, 0), Some((id(1), Look::at(2))));
    turned(&mut world, 0, Turn::To(PAGES + 5));
    world.run(100 * MS);
    assert_eq!(front(&world, 1), Some((id(1), Look::at(PAGES - 1))), "no further than the last");
    assert_eq!(turned(&mut world, 1, Turn::Next), Answer::AlreadySo);
    assert_eq!(shared(&mut world, 1, ShareRequest::Zoom(2000, [900, 250])), Answer::Accepted);
    world.run(100 * MS);
    let look = Look { page: PAGES - 1, zoom: 2000, corner: [500, 250] };
    assert_eq!([front(&world, 0), front(&world, 1)], [Some((id(1), look)); 2], "within the page");
}

#[test]
fn what_takes_long_to_come_lands_where_it_was_meant_for_or_nowhere() {
    let mut world = linked(Options::new(44));
    let bring = |world: &mut World, begun| {
        world.put(0, id(1));
        let ShareRequest::Open(opening) = open(id(1)) else { unreachable!() };
        let answer = shared(world, 0, ShareRequest::Open(Opening { begun: Some(begun), ..opening }));
        world.run(300 * MS);
        answer
    };
    let occasion = |world: &World| world.shown(0).room.occasion();
    let begun = occasion(&world);
    for mode in [Mode::Meeting, Mode::Quiet] {
        ask(&mut world, 1, Request::Mode(mode));
        world.run(300 * MS);
    }
    assert_eq!(bring(&mut world, begun), Answer::Denied(Denied::MeetingOver), "a meeting came and went");
    ask(&mut world, 1, Request::Mode(Mode::Meeting));
    world.run(300 * MS);
    let begun = occasion(&world);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(300 * MS);
    assert_eq!(bring(&mut world, begun), Answer::Denied(Denied::MeetingOver), "it begins no new one");
    ask(&mut world, 1, Request::Mode(Mode::Meeting));
    world.run(300 * MS);
    assert_eq!(bring(&mut world, begun), Answer::Denied(Denied::MeetingOver), "nor lands in the next");
    ask(&mut world, 0, Request::Mode(Mode::Curtain));
    world.run(300 * MS);
    let begun = occasion(&world);
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    world.run(300 * MS);
    assert_eq!(bring(&mut world, begun), Answer::Denied(Denied::MeetingOver), "it was for this room alone");
    let begun = occasion(&world);
    assert_eq!(bring(&mut world, begun), Answer::Accepted);
    assert_eq!(front(&world, 1), Some((id(1), Look::at(0))));
}

#[test]
fn a_cut_keeps_the_page_and_both_agree_after_it() {
    let mut world = linked(Options::new(32));
    put(&mut world, 0, 1);
    world.run(500 * MS);
    put(&mut world, 1, 2);
    world.run(500 * MS);
    world.line(false);
    world.run(5 * SECOND);
    for _ in 0..3 {
        assert_eq!(turned(&mut world, 0, Turn::Next), Answer::Accepted, "one room goes on alone");
    }
    put(&mut world, 1, 3);
    world.run(SECOND);
    world.line(true);
    world.run(5 * SECOND);
    agreed(&world);
    assert_eq!(open_ones(&world, 0), [id(1), id(2), id(3)]);
    assert!(world.kiosks[0].shelf.stored.contains(&id(3)));
}

#[test]
fn a_box_that_is_killed_in_the_meeting_gets_everything_back() {
    for victim in [0, 1] {
        let mut world = linked(Options::new(33));
        put(&mut world, victim, 1);
        world.run(300 * MS);
        turned(&mut world, 1 - victim, Turn::To(4));
        world.run(300 * MS);
        world.kill(victim);
        world.run(2 * SECOND);
        world.start(victim);
        world.run(4 * SECOND);
        assert_eq!([front(&world, 0), front(&world, 1)], [Some((id(1), Look::at(4))); 2]);
        assert!(world.kiosks[victim].shelf.stored.contains(&id(1)));
    }
}

#[test]
fn the_meetings_end_wipes_both_boxes_and_no_sleeper_brings_it_back() {
    let mut world = linked(Options::new(34));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    world.line(false);
    world.run(2 * SECOND);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    assert!(world.kiosks[1].shelf.stored.is_empty());
    ask(&mut world, 1, Request::Mode(Mode::Meeting));
    world.kill(1);
    world.start(1);
    world.run(SECOND);
    assert_eq!(open_ones(&world, 0), [id(1)], "nobody told this box");
    world.line(true);
    world.run(5 * SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Meeting, Mode::Meeting));
    assert_eq!((open_ones(&world, 0), open_ones(&world, 1)), (vec![], vec![]), "of the meeting before");
    assert!(world.kiosks[0].shelf.stored.is_empty());
}

#[test]
fn behind_a_curtain_documents_serve_one_room() {
    let mut world = linked(Options::new(35));
    ask(&mut world, 0, Request::Mode(Mode::Curtain));
    world.run(300 * MS);
    assert_eq!(put(&mut world, 0, 1), Answer::Accepted);
    world.run(100 * MS);
    turned(&mut world, 0, Turn::Next);
    world.run(2 * SECOND);
    assert_eq!(front(&world, 0), Some((id(1), Look::at(1))));
    assert_eq!(front(&world, 1), None);
    ask(&mut world, 0, Request::Mode(Mode::Quiet));
    world.run(2 * SECOND);
    ask(&mut world, 1, Request::Mode(Mode::Meeting));
    world.run(2 * SECOND);
    assert_eq!((front(&world, 0), front(&world, 1)), (None, None), "the far room never sees it");
}

#[test]
fn whoever_begins_a_meeting_out_of_a_curtain_brings_nothing_along_that_was_shown_behind_it() {
    // The room that drew it goes straight to the meeting; in the third case the other room does, and nobody acts here.
    for (drawn_by, began_in) in [(0, Mode::Quiet), (0, Mode::Meeting), (1, Mode::Quiet), (1, Mode::Meeting)] {
        let mut world = linked(Options::new(39));
        ask(&mut world, 1, Request::Mode(began_in));
        world.run(300 * MS);
        ask(&mut world, drawn_by, Request::Mode(Mode::Curtain));
        world.run(300 * MS);
        assert_eq!(put(&mut world, 0, 1), Answer::Accepted);
        world.run(300 * MS);
        assert_eq!(open_ones(&world, 0), [id(1)]);
        ask(&mut world, drawn_by, Request::Mode(Mode::Meeting));
        world.run(2 * SECOND);
        assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Meeting, Mode::Meeting));
        assert_eq!((open_ones(&world, 0), open_ones(&world, 1)), (vec![], vec![]), "{drawn_by} {began_in:?}");
        assert!(world.kiosks.iter().all(|kiosk| kiosk.shelf.stored.is_empty()));
    }
}

#[test]
fn the_same_file_in_the_next_meeting_is_not_taken_away_by_a_box_that_missed_the_end_of_the_last() {
    let mut world = linked(Options::new(40));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    for _ in 0..5 {
        turned(&mut world, 0, Turn::Next);
        world.run(100 * MS);
    }
    world.line(false);
    world.run(2 * SECOND);
    turned(&mut world, 0, Turn::Previous);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(300 * MS);
    put(&mut world, 1, 1);
    world.run(SECOND);
    world.line(true);
    world.run(5 * SECOND);
    assert_eq!([front(&world, 0), front(&world, 1)], [Some((id(1), Look::at(0))); 2], "the new meeting's");
    agreed(&world);
}

#[test]
fn the_file_that_is_on_its_way_may_be_put_in_here_as_well() {
    let mut world = linked(Options::new(41));
    put(&mut world, 1, 1);
    world.line(false);
    world.run(2 * SECOND);
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    world.line(true);
    world.run(5 * SECOND);
    world.kiosks[0].shelf.stored.clear();
    assert_eq!(put(&mut world, 0, 1), Answer::AlreadySo);
    assert!(!world.shown(0).room.share.is_fetching());
}

#[test]
fn many_documents_one_after_the_other_are_no_reason_to_refuse_one() {
    let mut world = linked(Options::new(42));
    for number in 1..=100 {
        assert_eq!(put(&mut world, usize::from(number % 2), number), Answer::Accepted, "{number}");
        world.run(200 * MS);
        assert_eq!(shared(&mut world, 0, ShareRequest::Close(id(number))), Answer::Accepted, "{number}");
        world.run(100 * MS);
    }
    assert!(world.shown(1).room.share.word().documents.len() <= 33);
    agreed(&world);
}

#[test]
fn a_locked_room_takes_no_new_document_and_turns_those_that_are_open() {
    let mut world = linked(Options::new(45));
    ask(&mut world, 1, Request::Lock(true));
    assert_eq!(put(&mut world, 1, 1), Answer::Denied(Denied::DocumentsLocked));
    assert_eq!(mode(&world, 1), Mode::Quiet, "and begins no meeting");
    assert_eq!(put(&mut world, 0, 2), Answer::Accepted, "the other room is not locked");
    world.run(300 * MS);
    assert_eq!(turned(&mut world, 1, Turn::Next), Answer::Accepted);
    world.run(100 * MS);
    assert_eq!([front(&world, 0), front(&world, 1)], [Some((id(2), Look::at(1))); 2]);
    ask(&mut world, 1, Request::Lock(false));
    assert_eq!(put(&mut world, 1, 1), Answer::Accepted);
}

#[test]
fn a_finger_that_zooms_says_little() {
    let mut world = linked(Options::new(43));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    let before = world.kiosks[0].counts.heartbeats;
    for zoom in 0..100 {
        shared(&mut world, 0, ShareRequest::Zoom(1000 + zoom * 10, [0; 2]));
        world.run(10 * MS);
    }
    world.run(100 * MS);
    let said = world.kiosks[0].counts.heartbeats - before;
    assert!(said <= 20 + 1 + 8, "{said} words and heartbeats within 1.1 s");
    assert_eq!(front(&world, 0), front(&world, 1));
}

#[test]
fn what_cannot_be_shown_is_told_where_it_was_shared_and_never_leaves_the_box() {
    let mut world = linked(Options::new(36));
    let why = Refusal::Locked;
    shared(&mut world, 0, open(id(9)));
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::DocumentRefused { document: id(9), why })));
    world.run(SECOND);
    let told = world.shown(0).room.share.fault().cloned().expect("a reason");
    assert_eq!((told.id, told.name.as_str(), told.why), (id(9), "a.pdf", why));
    assert_eq!((open_ones(&world, 0), open_ones(&world, 1)), (vec![], vec![]));
    put(&mut world, 0, 1);
    assert_eq!(world.shown(0).room.share.fault(), None, "the next one is looked at afresh");
}

#[test]
fn what_cannot_be_shown_is_told_on_this_screen_for_a_while_when_another_document_stands_there() {
    let mut world = linked(Options::new(36));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    shared(&mut world, 0, open(id(9)));
    let why = Refusal::Locked;
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::DocumentRefused { document: id(9), why })));
    world.run(SECOND);
    let banner = |world: &World, who: usize| world.shown(who).room.face.banner.clone();
    assert_eq!(banner(&world, 0), Some(Banner::Unshown { name: "a.pdf".into(), why }));
    assert_eq!(banner(&world, 1), None, "it is nothing to the far room");
    assert_eq!(front(&world, 0), front(&world, 1), "the one in front stays there");
    world.run(8 * SECOND);
    assert!(banner(&world, 0).is_some());
    world.run(2 * SECOND);
    assert_eq!(banner(&world, 0), None);
    shared(&mut world, 0, open(id(9)));
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::DocumentRefused { document: id(9), why })));
    world.run(SECOND);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(SECOND);
    assert_eq!(banner(&world, 0), None, "no name outlives its meeting");
}

#[test]
fn more_than_ten_documents_are_refused_and_a_closed_one_is_gone_on_both() {
    let mut world = linked(Options::new(37));
    for number in 1..=u8::try_from(MOST_OPEN).unwrap_or_default() {
        assert_eq!(put(&mut world, usize::from(number) % 2, number), Answer::Accepted);
        world.run(200 * MS);
    }
    assert_eq!(put(&mut world, 0, 99), Answer::Denied(Denied::TooManyDocuments));
    assert_eq!(shared(&mut world, 1, ShareRequest::Close(id(3))), Answer::Accepted);
    assert_eq!(shared(&mut world, 1, ShareRequest::Close(id(3))), Answer::Denied(Denied::NoSuchDocument));
    world.run(200 * MS);
    for who in [0, 1] {
        assert!(!open_ones(&world, who).contains(&id(3)) && !world.kiosks[who].shelf.stored.contains(&id(3)));
    }
    assert_eq!(put(&mut world, 0, 3), Answer::Accepted, "and may be shared again");
    world.run(300 * MS);
    assert_eq!(front(&world, 1), Some((id(3), Look::at(0))));
}

/// The same on both screens, and every byte of it here, as long as they meet.
pub fn agreed(world: &World) {
    if mode(world, 0) != Mode::Meeting || mode(world, 1) != Mode::Meeting {
        return;
    }
    let words: [ShareWord; 2] = [0, 1].map(|who| world.shown(who).room.share.word().clone());
    if words[0] != words[1] {
        world.fault(&format!("other documents here than there: {words:?}"));
    }
    let drawn = |who: usize, document: DocumentId, page| world.shown(who).room.share.drawn(document, page);
    let pages = open_ones(world, 0).into_iter().flat_map(|id| (0..PAGES).map(move |page| (id, page)));
    if let Some((id, page)) = pages.into_iter().find(|(id, page)| drawn(0, *id, *page) != drawn(1, *id, *page)) {
        world.fault(&format!("other drawings here than there on page {page} of {id:?}"));
    }
    for who in [0, 1] {
        if let Some(gone) = open_ones(world, who).iter().find(|id| !world.kiosks[who].shelf.stored.contains(*id)) {
            world.fault(&format!("box {who}: {gone:?} is open and not here"));
        }
    }
}

pub fn id(number: u8) -> DocumentId {
    DocumentId([number; 32])
}

pub fn open(id: DocumentId) -> ShareRequest {
    ShareRequest::Open(Opening { id, name: "a.pdf".into(), length: 1000, begun: None })
}

pub fn put(world: &mut World, who: usize, number: u8) -> Answer {
    world.put(who, id(number));
    shared(world, who, open(id(number)))
}

pub fn turned(world: &mut World, who: usize, turn: Turn) -> Answer {
    shared(world, who, ShareRequest::Turn(turn))
}

pub fn shared(world: &mut World, who: usize, request: ShareRequest) -> Answer {
    ask(world, who, Request::Share(request))
}

fn front(world: &World, who: usize) -> Option<(DocumentId, Look)> {
    world.shown(who).room.share.word().in_front().map(|front| (front.id, front.look))
}

fn open_ones(world: &World, who: usize) -> Vec<DocumentId> {
    let shown = world.shown(who);
    shown.room.share.word().documents.iter().filter(|document| document.open).map(|document| document.id).collect()
}
