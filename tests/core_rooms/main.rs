//! Two rooms in pretend time: modes, microphones, knocks, curtains, hours, guests, one named test per promise; and at random.

mod board;
#[path = "../core_world/mod.rs"]
mod core_world;
mod documents;
mod floor;
mod input;
mod live;
mod live_random;
mod live_silent;
mod marks;
mod prints;
mod random;
mod turned;

use core_world::{MS, Mail, Options, SECOND, World};
use engawa::core::input::{Input, RoomInput};
use engawa::core::ledger::Entry;
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::model::{Key, MicState, Mode, Ticket};

#[test]
fn a_knock_rings_opens_the_knocker_only_and_its_answer_opens_the_answerer() {
    let mut world = linked(Options::new(2));
    assert_eq!(ask(&mut world, 0, Request::Knock), Answer::Accepted);
    world.run(100 * MS);
    assert_eq!((microphone(&world, 0), microphone(&world, 1)), (MicState::Open, MicState::Closed));
    assert!(world.kiosks[1].plan.ring && world.shown(1).room.knocked);
    assert_eq!(mode(&world, 0), Mode::Quiet);
    assert_eq!(ask(&mut world, 1, Request::Answer), Answer::Accepted);
    world.run(100 * MS);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Talking, Mode::Talking));
    assert_eq!((microphone(&world, 0), microphone(&world, 1)), (MicState::Open, MicState::Open));
    assert!(!world.kiosks[1].plan.ring);
    // Silence makes it quiet again, after the configured three minutes and not before.
    world.run(170 * SECOND);
    assert_eq!(mode(&world, 0), Mode::Talking);
    world.run(20 * SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Quiet, Mode::Quiet));
    assert_eq!((microphone(&world, 0), microphone(&world, 1)), (MicState::Closed, MicState::Closed));
}

#[test]
fn a_knock_that_nobody_answers_closes_the_knocker_again() {
    let mut world = linked(Options::new(3));
    key(&mut world, 0, Key::Talk);
    world.run(29 * SECOND);
    assert_eq!(microphone(&world, 0), MicState::Open);
    world.run(2 * SECOND);
    assert_eq!(microphone(&world, 0), MicState::Closed);
    assert!(!world.shown(1).room.knocked);
    assert_eq!(ask(&mut world, 1, Request::Answer), Answer::Denied(Denied::NobodyKnocks));
}

#[test]
fn a_restart_in_any_mode_comes_back_no_less_private_with_the_microphone_closed() {
    for wanted in [Mode::Quiet, Mode::Talking, Mode::Meeting, Mode::Curtain, Mode::Asleep] {
        for victim in [0, 1] {
            let mut world = linked(Options::new(4));
            for who in [0, 1] {
                ask(&mut world, who, Request::Microphone(true));
                world.run(50 * MS);
            }
            ask(&mut world, 0, Request::Mode(wanted));
            world.run(200 * MS);
            assert_eq!((mode(&world, 0), mode(&world, 1)), (wanted, wanted));
            world.kill(victim);
            world.run(2 * SECOND);
            world.start(victim);
            assert_eq!(mode(&world, victim), wanted, "before anything was heard");
            world.run(3 * SECOND);
            assert_eq!((mode(&world, 0), mode(&world, 1)), (wanted, wanted));
            assert_eq!([microphone(&world, 0), microphone(&world, 1)], [MicState::Closed; 2], "{wanted:?}");
            let shut = wanted.is_shut();
            assert_eq!(world.kiosks[victim].plan.camera.is_none(), shut);
        }
    }
}

#[test]
fn a_cut_of_more_than_a_minute_closes_both_microphones_and_a_shorter_one_none() {
    for (cut, kept) in [(50 * SECOND, true), (61 * SECOND, false), (600 * SECOND, false)] {
        let mut world = linked(Options::new(5));
        ask(&mut world, 0, Request::Mode(Mode::Meeting));
        world.run(200 * MS);
        for who in [0, 1] {
            assert_eq!(ask(&mut world, who, Request::Microphone(true)), Answer::Accepted);
        }
        world.line(false);
        world.run(cut);
        world.line(true);
        world.run(5 * SECOND);
        assert!(world.both_up());
        let state = if kept { MicState::Open } else { MicState::Closed };
        assert_eq!([microphone(&world, 0), microphone(&world, 1)], [state; 2], "{} s", cut / SECOND);
        assert_eq!(mode(&world, 1), Mode::Meeting, "the layout stays");
    }
}

#[test]
fn a_box_that_slept_through_a_minute_wakes_with_its_microphone_closed() {
    let mut world = linked(Options::new(6));
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    world.run(200 * MS);
    ask(&mut world, 0, Request::Microphone(true));
    world.aligned_within = i64::MAX;
    world.freeze(0, 90 * SECOND);
    world.run(91 * SECOND);
    world.run(5 * SECOND);
    assert_eq!(microphone(&world, 0), MicState::Closed);
}

#[test]
fn the_far_room_cannot_lift_a_curtain_and_is_told_so() {
    let mut world = linked(Options::new(7));
    assert_eq!(ask(&mut world, 0, Request::Mode(Mode::Curtain)), Answer::Accepted);
    world.run(200 * MS);
    for wish in [Mode::Quiet, Mode::Talking, Mode::Meeting] {
        assert_eq!(ask(&mut world, 1, Request::Mode(wish)), Answer::Denied(Denied::FarCurtain));
    }
    assert_eq!(ask(&mut world, 1, Request::Microphone(true)), Answer::Denied(Denied::FarCurtain));
    assert_eq!(ask(&mut world, 1, Request::Knock), Answer::Denied(Denied::FarCurtain));
    assert!(world.kiosks.iter().all(|kiosk| kiosk.plan.camera.is_none() && !kiosk.plan.play));
    world.run(60 * SECOND);
    assert!(world.both_up(), "a curtain is no fault");
    let since = [0, 1].map(|who| world.shown(who).since);
    assert_eq!(ask(&mut world, 0, Request::Mode(Mode::Quiet)), Answer::Accepted);
    world.run(SECOND);
    assert_eq!([0, 1].map(|who| world.shown(who).since), since, "up all the time, also while the cameras begin");
    assert!(world.kiosks.iter().all(|kiosk| kiosk.plan.camera.is_some() && kiosk.plan.play));
    assert!(world.well(), "{}", world.state());
}

#[test]
fn out_of_hours_only_a_key_wakes_the_room() {
    let mut world = linked(Options::new(8));
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::HoursChanged(false))));
    world.run(31 * 60 * SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Asleep, Mode::Asleep));
    // The calendar, or a clock that jumps, opens nothing.
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::HoursChanged(true))));
    world.run(SECOND);
    assert_eq!(mode(&world, 0), Mode::Asleep);
    assert_eq!(ask(&mut world, 1, Request::Mode(Mode::Quiet)), Answer::Denied(Denied::FarAsleep));
    key(&mut world, 0, Key::View);
    world.run(SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Quiet, Mode::Quiet));
    assert_eq!(microphone(&world, 0), MicState::Closed);
}

#[test]
fn every_opening_of_camera_and_microphone_is_written_down() {
    let mut world = linked(Options::new(9));
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    ask(&mut world, 0, Request::Microphone(true));
    world.run(2 * SECOND);
    ask(&mut world, 0, Request::Mode(Mode::Curtain));
    world.run(3 * SECOND);
    let ledger = &world.kiosks[0].ledger;
    let place = |wanted: &Entry| ledger.iter().position(|entry| entry == wanted).expect("it is written down");
    let order = [
        Entry::Started { mode: Mode::Quiet },
        Entry::Camera(engawa::model::CameraState::Live),
        Entry::Mode(Mode::Meeting),
        Entry::Gate { open: true, by: Some(Asker::Local) },
        Entry::Microphone(MicState::Open),
        Entry::Mode(Mode::Curtain),
        Entry::Gate { open: false, by: None },
        Entry::Camera(engawa::model::CameraState::Off),
    ];
    assert!(ledger.contains(&Entry::Microphone(MicState::Closed)));
    let places: Vec<usize> = order.iter().map(place).collect();
    assert!(places.is_sorted(), "{ledger:?}");
}

#[test]
fn guests_die_with_the_meeting() {
    let mut world = linked(Options::new(10));
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    let guest = engawa::model::GuestId(5);
    let tried = RoomInput::CodeTried { ticket: Ticket(1), guest, code: 123_456, name: "PC".into() };
    world.inject(0, Mail::Urgent(Input::Room(tried)));
    let by_guest = |world: &mut World, request| asked(world, 0, Asker::Guest(guest), request);
    assert_eq!(by_guest(&mut world, Request::Volume(50)), Answer::Accepted);
    assert_eq!(by_guest(&mut world, Request::Mode(Mode::Quiet)), Answer::Accepted);
    assert_eq!(by_guest(&mut world, Request::Volume(60)), Answer::Denied(Denied::NotAdmitted));
    assert!(world.shown(0).room.guests.is_empty());
}

fn linked(options: Options) -> World {
    let mut world = World::new(Options { people: true, ..options });
    if world.run_until(2 * SECOND, World::well).is_none() {
        world.fault("never linked");
    }
    world.run(2 * SECOND);
    world
}

fn ask(world: &mut World, who: usize, request: Request) -> Answer {
    asked(world, who, Asker::Local, request)
}

fn asked(world: &mut World, who: usize, by: Asker, request: Request) -> Answer {
    try_ask(world, who, by, request).expect("an answer")
}

fn try_ask(world: &mut World, who: usize, by: Asker, request: Request) -> Option<Answer> {
    world.kiosks[who].answers.clear();
    world.inject(who, Mail::Urgent(Input::Room(RoomInput::Asked { ticket: Ticket(1), by, request })));
    world.kiosks[who].answers.last().copied()
}

fn key(world: &mut World, who: usize, key: Key) {
    world.inject(who, Mail::Urgent(Input::Room(RoomInput::KeyPressed(key))));
}

fn mode(world: &World, who: usize) -> Mode {
    world.shown(who).room.face.mode
}

fn microphone(world: &World, who: usize) -> MicState {
    world.kiosks[who].plan.microphone
}
