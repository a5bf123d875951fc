//! Two rooms in pretend time: modes, microphones, knocks, curtains, with people at the keys and the line coming and going.
//!
//! 10,000 schedules at random. After every single step: no microphone was opened but by a person of that room in that very
//! step, no curtain was lifted but in its own room, nothing is sent or heard behind one, whatever was cut, killed or frozen.
//! Healed, both boxes have the same mode within a second. `ENGAWA_SEED=0x… cargo test --test core_rooms one_seed -- --nocapture`.

mod core_world;

use core_world::chance::Chance;
use core_world::{MS, Mail, Options, SECOND, World};
use engawa::core::input::{Input, RoomInput};
use engawa::core::ledger::Entry;
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::core::snapshot::LinkState;
use engawa::model::{Key, MicState, Mode, Stance, Ticket};
use std::cell::RefCell;

const SCHEDULES: u64 = 10_000;
const PARTS: u64 = 4;

#[test]
fn random_rooms_agree_and_open_nothing_by_themselves_part_1() {
    schedules(0);
}

#[test]
fn random_rooms_agree_and_open_nothing_by_themselves_part_2() {
    schedules(1);
}

#[test]
fn random_rooms_agree_and_open_nothing_by_themselves_part_3() {
    schedules(2);
}

#[test]
fn random_rooms_agree_and_open_nothing_by_themselves_part_4() {
    schedules(3);
}

#[test]
fn one_seed() {
    let seed = std::env::var("ENGAWA_SEED").ok();
    let seed = seed.and_then(|seed| u64::from_str_radix(seed.trim_start_matches("0x"), 16).ok());
    let Some(seed) = seed else { return };
    schedule(seed, true);
}

#[test]
fn a_thousand_mode_changes_open_no_session_and_agree_within_100_ms() {
    let mut world = linked(Options::new(1));
    let before = world.counts();
    let mut chance = Chance::new(77);
    let seen = RefCell::default();
    for _ in 0..1000 {
        act(&mut world, &seen, &mut chance);
        watched(&mut world, &seen, 100 * MS);
        if mode(&world, 0) != mode(&world, 1) {
            world.fault("not agreed");
        }
    }
    lift(&mut world);
    world.run(3 * SECOND);
    let after = world.counts();
    assert_eq!(after.restless(), before.restless(), "a mode change moved more than heartbeats and plans");
    assert!(world.well());
}

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

/// Who drew a curtain, and what was seen last.
#[derive(Default)]
struct Seen {
    stance: [Option<Stance>; 2],
    wanted: [bool; 2],
    /// A person of this room acts in this very step.
    acts: Option<usize>,
}

fn schedules(part: u64) {
    let all = std::env::var("ENGAWA_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(SCHEDULES);
    (0..all).filter(|seed| seed % PARTS == part).for_each(|seed| schedule(seed, false));
}

fn schedule(seed: u64, telling: bool) {
    let mut chance = Chance::new(!seed);
    let latency = chance.between(0, 60) * MS;
    let mut world = World::new(Options { fps: 10, latency, people: true, ..Options::new(seed) });
    world.aligned_within = i64::MAX;
    world.telling = telling;
    let seen = RefCell::<Seen>::default();
    watched(&mut world, &seen, chance.between(0, 2) * SECOND);
    for _ in 0..chance.between(4, 20) {
        match chance.between(0, 9) {
            0 => world.line(false),
            1 | 2 => world.line(true),
            3 => {
                let who = chance.who();
                world.kill(who);
                (seen.borrow_mut().stance[who], seen.borrow_mut().wanted[who]) = (None, false);
                world.start_after(who, chance.between(1, 3000) * MS);
            }
            4 => {
                let who = chance.who();
                world.freeze(who, chance.between(1, 3000) * MS);
            }
            5 if chance.holds(0.2) => watched(&mut world, &seen, 65 * SECOND),
            _ => act(&mut world, &seen, &mut chance),
        }
        watched(&mut world, &seen, chance.between(1, 1200) * MS);
    }
    world.line(true);
    for who in [0, 1] {
        world.thaw(who);
        world.start(who);
    }
    watched(&mut world, &seen, 8 * SECOND);
    if !world.both_up() {
        world.fault(&format!("not healed: {}", world.state()));
    }
    if mode(&world, 0) != mode(&world, 1) {
        world.fault("healed and not agreed");
    }
    act(&mut world, &seen, &mut chance);
    watched(&mut world, &seen, SECOND);
    if mode(&world, 0) != mode(&world, 1) {
        world.fault("not agreed within a second");
    }
}

/// Runs with an eye on every step.
fn watched(world: &mut World, seen: &RefCell<Seen>, nanos: u64) {
    let _ran_to_its_end = world.run_until(nanos, |world| {
        look(world, &mut seen.borrow_mut());
        false
    });
}

fn look(world: &World, seen: &mut Seen) {
    let acts = seen.acts.take();
    for who in [0, 1] {
        let Some(shown) = world.snapshot(who) else { continue };
        let (face, plan) = (&shown.room.face, &world.kiosks[who].plan);
        let by_person = acts == Some(who);
        if face.microphone_wanted && !std::mem::replace(&mut seen.wanted[who], face.microphone_wanted) && !by_person {
            world.fault(&format!("box {who}: the microphone's gate opened by itself"));
        }
        seen.wanted[who] = face.microphone_wanted;
        let before = seen.stance[who].replace(face.near);
        if face.near == Stance::Present && before.is_some_and(|before| before != Stance::Present) && !by_person {
            world.fault(&format!("box {who}: the curtain was lifted by nobody"));
        }
        let shut = face.near != Stance::Present || face.far != Stance::Present;
        if shut && (plan.camera.is_some() || plan.microphone != MicState::Closed || plan.play) {
            world.fault(&format!("box {who}: something moves behind the curtain"));
        }
        if plan.microphone == MicState::Open && !face.microphone_wanted {
            world.fault(&format!("box {who}: a microphone that nobody wants"));
        }
        if shown.link == LinkState::Lost && shown.at.since(shown.since).as_secs() > 61 && face.microphone_wanted {
            world.fault(&format!("box {who}: open after a long cut"));
        }
    }
}

/// Somebody does something.
fn act(world: &mut World, seen: &RefCell<Seen>, chance: &mut Chance) {
    let who = chance.who();
    look(world, &mut seen.borrow_mut());
    seen.borrow_mut().acts = Some(who);
    let requests = [
        Request::Mode(Mode::Quiet),
        Request::Mode(Mode::Talking),
        Request::Mode(Mode::Meeting),
        Request::Mode(Mode::Curtain),
        Request::Mode(Mode::Asleep),
        Request::Knock,
        Request::Answer,
        Request::Cancel,
        Request::Microphone(true),
        Request::Microphone(false),
    ];
    let keys = [Key::Talk, Key::Meet, Key::View, Key::Curtain, Key::More];
    match chance.between(0, 14) as usize {
        place @ 0..10 => drop(try_ask(world, who, Asker::Local, requests[place].clone())),
        place => key(world, who, keys[place - 10]),
    }
    if world.kiosks[who].frozen {
        // It is done when the box wakes, which is not now.
        seen.borrow_mut().acts = None;
        world.thaw(who);
        seen.borrow_mut().acts = Some(who);
    }
    look(world, &mut seen.borrow_mut());
}

/// Both rooms are open and quiet.
fn lift(world: &mut World) {
    for _ in 0..2 {
        for who in [0, 1] {
            ask(world, who, Request::Mode(Mode::Quiet));
        }
        world.run(500 * MS);
    }
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
