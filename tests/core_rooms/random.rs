//! People at the keys of both rooms and the line coming and going, at random.
//!
//! 10,000 schedules. After every single step: no microphone was opened but by a person of that room in that very
//! step, no curtain was lifted but in its own room, nothing is sent or heard behind one, whatever was cut, killed or frozen.
//! Healed, both boxes have the same mode within a second. `ENGAWA_SEED=0x… cargo test --test core_rooms one_seed -- --nocapture`.

use crate::core_world::chance::Chance;
use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::{ask, key, linked, mode, try_ask};
use engawa::core::input::{Input, RoomInput};
use engawa::core::prints::{Arrival, PrintId, PrintNews, PrintRequest};
use engawa::core::request::{Asker, Request};
use engawa::core::share::{Opening, Pointer, ShareRequest, Stamp, Turn};
use engawa::core::snapshot::LinkState;
use engawa::model::{DocumentId, GuestId, Key, MicState, Mode, Stance, Ticket, Veil};
use std::cell::RefCell;

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

/// Who drew a curtain, and what was seen last.
#[derive(Default)]
struct Seen {
    stance: [Option<Stance>; 2],
    wanted: [bool; 2],
    /// When somebody last chose what stands in front, and since when the box runs in this meeting.
    fronted: [Stamp; 2],
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
            6 => outsider(&mut world, &mut chance),
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
    crate::documents::agreed(&world);
    act(&mut world, &seen, &mut chance);
    watched(&mut world, &seen, SECOND);
    if mode(&world, 0) != mode(&world, 1) {
        world.fault("not agreed within a second");
    }
    crate::documents::agreed(&world);
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
        let word = shown.room.share.word();
        let room_alone = face.mode == Mode::Asleep && face.near == Stance::Present;
        if !matches!(face.mode, Mode::Meeting | Mode::Curtain) && !room_alone && !word.documents.is_empty() {
            world.fault(&format!("box {who}: a document outlived its meeting"));
        }
        if word.fronted < seen.fronted[who] && !word.documents.is_empty() {
            world.fault(&format!("box {who}: an older choice came back"));
        }
        seen.fronted[who] = word.fronted;
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
    let keys = [Key::Talk, Key::Meet, Key::View, Key::Curtain, Key::More, Key::StopShare];
    match chance.between(0, 20) as usize {
        place @ 0..10 => drop(try_ask(world, who, Asker::Local, requests[place].clone())),
        place @ 10..16 => key(world, who, keys[place - 10]),
        _ => documents(world, who, chance),
    }
    if world.kiosks[who].frozen {
        // It is done when the box wakes, which is not now.
        seen.borrow_mut().acts = None;
        world.thaw(who);
        seen.borrow_mut().acts = Some(who);
    }
    look(world, &mut seen.borrow_mut());
}

/// Somebody shares, turns, chooses or closes.
fn documents(world: &mut World, who: usize, chance: &mut Chance) {
    let id = crate::documents::id(chance.between(1, 4) as u8);
    let (page, at) = (chance.between(0, 2) as u32, [chance.between(0, 10_000) as u16, 77]);
    let request = match chance.between(0, 15) {
        10 | 11 => ShareRequest::Draw(id, page, vec![at, [1, 1]]),
        12 => ShareRequest::Wipe(id, page),
        13 => ShareRequest::Point(Pointer { document: id, page, at: chance.holds(0.8).then_some(at) }),
        14 => ShareRequest::Keep(id, chance.holds(0.7)),
        0..3 => {
            world.put(who, id);
            crate::documents::open(id)
        }
        3..6 => ShareRequest::Turn(Turn::Next),
        6 => ShareRequest::Turn(Turn::Previous),
        7 => ShareRequest::Front(id),
        8 => ShareRequest::Zoom(chance.between(900, 9000) as u16, [500, 2000]),
        _ => ShareRequest::Close(id),
    };
    let _answer = try_ask(world, who, Asker::Local, Request::Share(request));
    if chance.holds(0.2) {
        let print = PrintId(chance.between(1, 6) as u32);
        let _answer = try_ask(world, who, Asker::Local, Request::Print(PrintRequest::Show(print)));
    }
}

/// Nobody of the room: whoever knows the PIN or stands at the door, the calendar, a camera that was turned, a PC that prints.
/// None may open.
fn outsider(world: &mut World, chance: &mut Chance) {
    let (who, guest, ticket) = (chance.who(), GuestId(chance.between(1, 3)), Ticket(3));
    let requests = [
        Request::Mode(Mode::Quiet),
        Request::Mode(Mode::Meeting),
        Request::Knock,
        Request::Answer,
        Request::Microphone(true),
        Request::Admit(guest),
        Request::Lock(false),
        Request::Veil(Veil::Clear),
        Request::View(chance.between(0, 2) as usize),
    ];
    let by = if chance.holds(0.5) { Asker::Installer } else { Asker::Guest(guest) };
    let print = PrintId(chance.between(1, 6) as u32);
    let input = match chance.between(0, 15) as usize {
        place @ 0..9 => RoomInput::Asked { ticket, by, request: requests[place].clone() },
        9 => RoomInput::AdmissionAsked { ticket, guest, name: "PC".into() },
        10 => RoomInput::CodeTried { ticket, guest, code: 999_999, name: "PC".into() },
        11 => RoomInput::HoursChanged(chance.holds(0.5)),
        12 => {
            let id = DocumentId([print.0 as u8; 32]);
            world.put(who, id);
            let begun = world.snapshot(who).map(|shown| shown.room.occasion());
            let opening = Opening { id, name: "print.pdf".into(), length: 1_000, begun };
            let arrival = Arrival { print, opening, from: "PC".into(), guests: vec![guest] };
            RoomInput::Printer { ticket, news: PrintNews::Arrived(arrival) }
        }
        13 => RoomInput::Printer { ticket, news: PrintNews::Withdrawn(print) },
        14 => RoomInput::Asked { ticket, by, request: Request::Print(PrintRequest::Show(print)) },
        _ => RoomInput::CameraTurned(chance.between(0, 2) as usize),
    };
    world.inject(who, Mail::Urgent(Input::Room(input)));
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

const SCHEDULES: u64 = 10_000;
const PARTS: u64 = 4;
