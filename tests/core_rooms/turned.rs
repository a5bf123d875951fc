//! A camera turned by hand, an installer with the PIN: what they change, and what they never open.

use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::{ask, asked, linked, microphone, mode};
use engawa::core::input::{Input, RoomInput};
use engawa::core::ledger::Entry;
use engawa::core::lesson::{Lesson, LessonState};
use engawa::core::memory::Drawn;
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::model::{GuestId, MicState, Mode, Ticket, Veil};

/// Views: 0 the usual one, 1 the table with which a meeting begins, 2 the door, 3 the whiteboard.
const TABLE: usize = 1;
const DOOR: usize = 2;
/// By a camera of its own.
const ELSEWHERE: usize = 3;

#[test]
fn the_camera_turned_to_the_table_and_back_begins_and_ends_the_meeting_and_moves_no_microphone() {
    let mut world = linked(Options::new(20));
    turn(&mut world, TABLE);
    world.run(2 * SECOND);
    assert_eq!((mode(&world, 0), view(&world)), (Mode::Quiet, 0), "announced first");
    world.run(2 * SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1), view(&world)), (Mode::Meeting, Mode::Meeting, TABLE));
    assert_eq!([microphone(&world, 0), microphone(&world, 1)], [MicState::Closed; 2]);
    for who in [0, 1] {
        assert_eq!(ask(&mut world, who, Request::Microphone(true)), Answer::Accepted);
    }
    world.run(100 * MS);
    turn(&mut world, DOOR);
    world.run(4 * SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1), view(&world)), (Mode::Talking, Mode::Talking, DOOR));
    assert_eq!([microphone(&world, 0), microphone(&world, 1)], [MicState::Open; 2]);
    // Nobody speaks: quiet after three minutes, and still as the camera was turned.
    world.run(200 * SECOND);
    assert_eq!((mode(&world, 0), view(&world)), (Mode::Quiet, DOOR));
    turn(&mut world, TABLE);
    world.run(4 * SECOND);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(SECOND);
    assert_eq!((mode(&world, 0), view(&world)), (Mode::Quiet, DOOR), "a meeting gives back what was usual before it");
}

#[test]
fn a_turn_that_is_cancelled_or_turned_back_changes_nothing() {
    let mut world = linked(Options::new(21));
    turn(&mut world, TABLE);
    world.run(SECOND);
    assert_eq!(ask(&mut world, 0, Request::Cancel), Answer::Accepted);
    turn(&mut world, DOOR);
    world.run(SECOND);
    turn(&mut world, 0);
    world.run(10 * SECOND);
    assert_eq!((mode(&world, 0), view(&world)), (Mode::Quiet, 0));
    ask(&mut world, 0, Request::FollowTurns(false));
    turn(&mut world, TABLE);
    world.run(10 * SECOND);
    assert_eq!((mode(&world, 0), view(&world)), (Mode::Quiet, 0));
}

#[test]
fn the_pin_sets_up_and_makes_more_private_and_neither_opens_nor_lets_in() {
    let mut world = linked(Options::new(22));
    let guest = GuestId(7);
    let waits = RoomInput::AdmissionAsked { ticket: Ticket(2), guest, name: "PC".into() };
    world.inject(0, Mail::Urgent(Input::Room(waits)));
    ask(&mut world, 0, Request::Veil(Veil::Frosted));
    ask(&mut world, 0, Request::Lock(true));
    let refused = [
        Request::Mode(Mode::Quiet),
        Request::Mode(Mode::Talking),
        Request::Mode(Mode::Meeting),
        Request::Mode(Mode::Curtain),
        Request::Knock,
        Request::Answer,
        Request::Cancel,
        Request::Microphone(true),
        Request::Admit(guest),
        Request::Lock(false),
        Request::Veil(Veil::Clear),
        Request::Veil(Veil::Frosted),
    ];
    for request in refused {
        let answer = asked(&mut world, 0, Asker::Installer, request.clone());
        assert_eq!(answer, Answer::Denied(Denied::NotAdmitted), "{request:?}");
    }
    assert_eq!(asked(&mut world, 0, Asker::Guest(guest), Request::Volume(9)), Answer::Denied(Denied::NotAdmitted));
    for request in [Request::View(TABLE), Request::Volume(30), Request::Veil(Veil::Black), Request::Teach(0)] {
        assert_eq!(asked(&mut world, 0, Asker::Installer, request.clone()), Answer::Accepted, "{request:?}");
    }
}

#[test]
fn what_the_installer_uncovers_comes_back_behind_a_curtain_that_the_room_lifts() {
    let mut world = linked(Options::new(23));
    let set = |what: &str, uncovers| Mail::Urgent(Input::Room(RoomInput::InstallerSet { what: what.into(), uncovers }));
    world.inject(0, set("line.ceiling_kbps", false));
    world.run(SECOND);
    assert_eq!(mode(&world, 1), Mode::Quiet);
    world.inject(0, set("camera.masks", true));
    world.run(SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Curtain, Mode::Curtain));
    let told = Entry::InstallerSet { what: "camera.masks".into() };
    assert!(world.kiosks[0].ledger.contains(&told));
    assert_eq!(world.shown(0).room.face.drawn, Some(Drawn::InstallerSet), "the screen says why");
    assert_eq!(world.shown(1).room.face.drawn, None);
    assert_eq!(ask(&mut world, 0, Request::Mode(Mode::Quiet)), Answer::Accepted);
    ask(&mut world, 0, Request::Mode(Mode::Curtain));
    assert_eq!(world.shown(0).room.face.drawn, None, "this one was drawn by the room");
}

#[test]
fn what_became_of_a_lesson_is_told_and_another_camera_learns_nothing() {
    let mut world = linked(Options::new(24));
    let lesson = |world: &World| world.shown(0).room.lesson;
    let taught = |world: &mut World, view, state| {
        world.inject(0, Mail::Urgent(Input::Room(RoomInput::Taught(Lesson { view, state }))));
        world.run(SECOND);
    };
    taught(&mut world, TABLE, LessonState::Learnt);
    assert_eq!(lesson(&world), None, "nobody asked");
    assert_eq!(ask(&mut world, 0, Request::Teach(TABLE)), Answer::Accepted);
    assert_eq!(lesson(&world), Some(Lesson { view: TABLE, state: LessonState::Learning }));
    taught(&mut world, 0, LessonState::Learnt);
    assert_eq!(lesson(&world), Some(Lesson { view: TABLE, state: LessonState::Learning }), "that was another one");
    taught(&mut world, TABLE, LessonState::LooksLike(0));
    assert_eq!(lesson(&world), Some(Lesson { view: TABLE, state: LessonState::LooksLike(0) }));
    assert_eq!(ask(&mut world, 0, Request::Teach(ELSEWHERE)), Answer::Denied(Denied::OtherCamera));
}

fn turn(world: &mut World, view: usize) {
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::CameraTurned(view))));
}

fn view(world: &World) -> usize {
    world.shown(0).room.view
}
