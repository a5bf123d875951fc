//! Pointing, drawing, keeping: the same on both screens, and nothing kept that only one room wanted.

use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::documents::{agreed, id, put, shared, turned};
use crate::{ask, linked};
use engawa::core::input::{Input, RoomInput};
use engawa::core::request::{Answer, Denied, Request};
use engawa::core::share::{Keeping, MOST_STROKES, Pointer, ShareRequest, Turn};
use engawa::model::{GuestId, Mode, Role, Side};

#[test]
fn a_pointer_stands_on_both_screens_at_once_in_its_rooms_colour_and_fades_when_nobody_moves_it() {
    let mut world = linked(Options::new(60));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    assert_eq!(point(&mut world, 0, Some([2500, 5000])), Answer::Accepted);
    world.run(60 * MS);
    let here = pointers(&world, 0);
    let there = pointers(&world, 1);
    assert_eq!((here.len(), there.len()), (1, 1));
    assert_eq!((here[0].0, there[0].0), (Side::Near, Side::Far));
    assert_eq!((here[0].1, here[0].2), (there[0].1, there[0].2), "one place, one colour");
    point(&mut world, 1, Some([1, 2]));
    world.run(60 * MS);
    let colours: Vec<Role> = pointers(&world, 0).iter().map(|pointer| pointer.1).collect();
    assert!(colours.contains(&Role::Offerer) && colours.contains(&Role::Answerer), "a colour for each room");
    world.run(6 * SECOND);
    assert_eq!((pointers(&world, 0), pointers(&world, 1)), (vec![], vec![]));
    point(&mut world, 0, Some([7, 7]));
    world.run(60 * MS);
    turned(&mut world, 1, Turn::Next);
    world.run(100 * MS);
    assert_eq!((pointers(&world, 0), pointers(&world, 1)), (vec![], vec![]), "not on another page");
    point(&mut world, 0, None);
    turned(&mut world, 1, Turn::Previous);
    world.run(100 * MS);
    assert_eq!((pointers(&world, 0), pointers(&world, 1)), (vec![], vec![]), "lifted");
}

#[test]
fn a_moving_finger_says_little_and_its_last_place_counts() {
    let mut world = linked(Options::new(61));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    let before = world.kiosks[0].counts.marks;
    for at in 0..100 {
        point(&mut world, 0, Some([at, 9]));
        world.run(10 * MS);
    }
    world.run(60 * MS);
    let said = world.kiosks[0].counts.marks - before;
    assert!((15..=24).contains(&said), "{said} in a second");
    assert_eq!(pointers(&world, 1)[0].2, [99, 9]);
}

#[test]
fn drawings_of_a_cut_are_on_both_screens_after_it_and_a_killed_box_gets_all_of_them_back() {
    let mut world = linked(Options::new(62));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    for at in 0..200 {
        draw(&mut world, usize::from(at % 2 == 0), at);
    }
    world.run(5 * SECOND);
    assert_eq!(drawn(&world, 0), 200);
    agreed(&world);
    world.line(false);
    world.run(2 * SECOND);
    for at in 0..30 {
        assert_eq!(draw(&mut world, 0, at), Answer::Accepted);
        assert_eq!(draw(&mut world, 1, at), Answer::Accepted);
    }
    world.line(true);
    world.run(6 * SECOND);
    assert_eq!((drawn(&world, 0), drawn(&world, 1)), (260, 260));
    agreed(&world);
    for victim in [0, 1] {
        world.kill(victim);
        world.run(SECOND);
        draw(&mut world, 1 - victim, 5);
        world.start(victim);
        world.run(8 * SECOND);
        agreed(&world);
    }
    assert_eq!(drawn(&world, 0), 262);
    assert_eq!(shared(&mut world, 1, ShareRequest::Wipe(id(1), 0)), Answer::Accepted);
    assert_eq!(shared(&mut world, 1, ShareRequest::Wipe(id(1), 0)), Answer::AlreadySo);
    world.run(200 * MS);
    assert_eq!((drawn(&world, 0), drawn(&world, 1)), (0, 0));
}

#[test]
fn what_was_drawn_goes_with_its_document_and_its_meeting() {
    let mut world = linked(Options::new(63));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    draw(&mut world, 0, 1);
    world.run(200 * MS);
    shared(&mut world, 1, ShareRequest::Close(id(1)));
    world.run(200 * MS);
    put(&mut world, 0, 1);
    world.run(300 * MS);
    assert_eq!((drawn(&world, 0), drawn(&world, 1)), (0, 0), "shared again it is clean");
    draw(&mut world, 0, 1);
    world.line(false);
    world.run(2 * SECOND);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    ask(&mut world, 1, Request::Mode(Mode::Meeting));
    put(&mut world, 1, 1);
    world.run(300 * MS);
    world.line(true);
    world.run(4 * SECOND);
    agreed(&world);
    assert_eq!((drawn(&world, 0), drawn(&world, 1)), (0, 0), "of the meeting before");
}

#[test]
fn full_pages_say_so_and_wiping_makes_room() {
    let mut world = linked(Options::new(64));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    for at in 0..MOST_STROKES {
        assert_eq!(draw(&mut world, 0, (at % 9000) as u16), Answer::Accepted);
    }
    assert_eq!(draw(&mut world, 0, 1), Answer::Denied(Denied::TooMuchInk));
    world.run(20 * SECOND);
    agreed(&world);
    shared(&mut world, 0, ShareRequest::Wipe(id(1), 0));
    assert_eq!(draw(&mut world, 0, 1), Answer::Accepted);
}

#[test]
fn a_document_is_kept_when_both_rooms_want_it_and_never_before() {
    let mut world = linked(Options::new(65));
    put(&mut world, 0, 1);
    put(&mut world, 1, 2);
    world.run(500 * MS);
    assert_eq!(keep(&mut world, 0, 1, true), Answer::Accepted);
    assert_eq!(keep(&mut world, 0, 1, true), Answer::AlreadySo);
    world.run(500 * MS);
    assert_eq!([keeping(&world, 0, 1), keeping(&world, 1, 1)], [Keeping::Near, Keeping::Far]);
    assert_eq!(keep(&mut world, 0, 1, false), Answer::Accepted, "thought again");
    world.run(500 * MS);
    assert_eq!(keep(&mut world, 1, 1, true), Answer::Accepted);
    world.run(500 * MS);
    assert!(world.kiosks.iter().all(|kiosk| kiosk.shelf.kept.is_empty()), "one room's wish at a time");
    keep(&mut world, 0, 1, true);
    world.run(500 * MS);
    assert_eq!([0, 1].map(|who| world.kiosks[who].shelf.kept.clone()), [vec![id(1)], vec![id(1)]]);
    assert_eq!([keeping(&world, 0, 1), keeping(&world, 1, 1)], [Keeping::Both; 2]);
    assert_eq!(keep(&mut world, 1, 1, false), Answer::Denied(Denied::AlreadyKept));
    for (who, written) in [(0, true), (1, false)] {
        world.inject(who, Mail::Urgent(Input::Room(RoomInput::DocumentKept { document: id(1), written })));
    }
    world.run(100 * MS);
    assert_eq!([keeping(&world, 0, 1), keeping(&world, 1, 1)], [Keeping::Kept, Keeping::NoPlace]);
    let taken = RoomInput::KeptTaken { guest: GuestId(1), document: id(1), forgotten: true };
    world.inject(0, Mail::Urgent(Input::Room(taken)));
    world.run(500 * MS);
    assert_eq!([keeping(&world, 0, 1), keeping(&world, 1, 1)], [Keeping::Far, Keeping::Near], "the wish is gone");
    assert_eq!(keep(&mut world, 0, 1, true), Answer::Accepted);
    world.run(500 * MS);
    assert_eq!([keeping(&world, 0, 1), keeping(&world, 1, 1)], [Keeping::Both, Keeping::NoPlace]);
    assert_eq!(keep(&mut world, 1, 1, true), Answer::Accepted, "tried again");
    assert_eq!(keeping(&world, 0, 2), Keeping::Nobody);
}

#[test]
fn the_far_box_cannot_wish_for_this_room() {
    let mut world = linked(Options::new(67));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    keep(&mut world, 0, 1, true);
    world.run(300 * MS);
    world.kill(0);
    world.run(SECOND);
    world.start(0);
    world.run(4 * SECOND);
    assert_eq!(keeping(&world, 0, 1), Keeping::Nobody, "what the far box says that we wanted");
    assert_eq!(keeping(&world, 1, 1), Keeping::Nobody, "and it hears that it is none");
    keep(&mut world, 1, 1, true);
    world.run(500 * MS);
    assert!(world.kiosks[0].shelf.kept.is_empty(), "nobody pressed here since the box began");
    keep(&mut world, 0, 1, true);
    world.run(500 * MS);
    assert_eq!(world.kiosks[0].shelf.kept, [id(1)]);
}

#[test]
fn a_wish_to_keep_ends_when_the_document_is_closed() {
    let mut world = linked(Options::new(66));
    put(&mut world, 0, 1);
    world.run(300 * MS);
    keep(&mut world, 0, 1, true);
    world.run(300 * MS);
    shared(&mut world, 1, ShareRequest::Close(id(1)));
    world.run(300 * MS);
    put(&mut world, 1, 1);
    world.run(300 * MS);
    assert_eq!([keeping(&world, 0, 1), keeping(&world, 1, 1)], [Keeping::Nobody; 2]);
    keep(&mut world, 1, 1, true);
    world.run(300 * MS);
    assert!(world.kiosks.iter().all(|kiosk| kiosk.shelf.kept.is_empty()));
}

fn point(world: &mut World, who: usize, at: Option<[u16; 2]>) -> Answer {
    shared(world, who, ShareRequest::Point(Pointer { document: id(1), page: 0, at }))
}

fn draw(world: &mut World, who: usize, at: u16) -> Answer {
    shared(world, who, ShareRequest::Draw(id(1), 0, vec![[at, at], [at, 0]]))
}

fn keep(world: &mut World, who: usize, number: u8, on: bool) -> Answer {
    shared(world, who, ShareRequest::Keep(id(number), on))
}

fn keeping(world: &World, who: usize, number: u8) -> Keeping {
    world.shown(who).room.share.keeping(id(number))
}

fn drawn(world: &World, who: usize) -> usize {
    world.shown(who).room.share.drawn(id(1), 0).len()
}

/// On the screen: whose, of which colour, where.
fn pointers(world: &World, who: usize) -> Vec<(Side, Role, [u16; 2])> {
    let face = &world.kiosks[who].plan.screen.face;
    face.pointers.iter().map(|pointer| (pointer.room, pointer.of, pointer.at)).collect()
}
