//! Hands and poll: for both rooms while they are together, agreed after every cut, gone afterwards.

use crate::core_world::chance::Chance;
use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::{ask, asked, linked, mode, try_ask};
use engawa::core::floor::{FloorRequest, Question};
use engawa::core::input::{Input, RoomInput};
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::core::share::Stamp;
use engawa::model::{GuestId, Mode, Ticket};

#[test]
fn a_hand_that_goes_up_is_seen_in_both_rooms_and_goes_down_with_its_guest() {
    let mut world = talking(70);
    for (who, guest, name) in [(0, 1, "田中"), (1, 2, "Suzuki"), (0, 3, "佐藤")] {
        let_in(&mut world, who, guest, name);
        assert_eq!(by(&mut world, who, guest, FloorRequest::Hand(true)), Answer::Accepted);
        world.run(300 * MS);
    }
    let hands = |world: &World, who: usize| {
        let hands = world.shown(who).room.face.hands;
        hands.into_iter().map(|hand| (hand.name, hand.near)).collect::<Vec<_>>()
    };
    let named =
        |near: [bool; 3]| ["田中", "Suzuki", "佐藤"].map(str::to_owned).into_iter().zip(near).collect::<Vec<_>>();
    assert_eq!([hands(&world, 0), hands(&world, 1)], [named([true, false, true]), named([false, true, false])]);
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::GuestLeft(GuestId(1)))));
    world.run(300 * MS);
    assert_eq!([hands(&world, 0).len(), hands(&world, 1).len()], [2; 2]);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(300 * MS);
    assert_eq!([hands(&world, 0).len(), hands(&world, 1).len()], [0; 2], "the rooms parted");
    assert_eq!(by(&mut world, 0, 3, FloorRequest::Hand(true)), Answer::Denied(Denied::NotTogether));
}

#[test]
fn both_rooms_vote_and_see_the_same_figures() {
    let mut world = talking(71);
    for (who, guest) in [(0, 1), (0, 2), (1, 3)] {
        let_in(&mut world, who, guest, "PC");
    }
    assert_eq!(by(&mut world, 1, 3, question()), Answer::Accepted);
    world.run(300 * MS);
    let poll = poll(&world, 0).expect("asked");
    for (who, guest, choice) in [(0, 1, Some(0)), (0, 2, Some(1)), (1, 3, Some(1))] {
        assert_eq!(by(&mut world, who, guest, FloorRequest::Vote(poll, choice)), Answer::Accepted);
    }
    world.run(300 * MS);
    assert_eq!([figures(&world, 0), figures(&world, 1)], [Some((vec![1, 2], 0)), Some((vec![1, 2], 0))]);
    assert!(world.shown(0).room.face.poll.is_none(), "not on the screen before somebody wants it");
    by(&mut world, 0, 1, FloorRequest::Show(poll, true));
    by(&mut world, 0, 1, FloorRequest::Vote(poll, None));
    world.run(300 * MS);
    for who in [0, 1] {
        let shown = world.shown(who).room.face.poll.expect("on the screen");
        assert_eq!((shown.votes, shown.skipped), (vec![0, 2], 1));
    }
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    world.run(300 * MS);
    assert_eq!(figures(&world, 1), Some((vec![0, 2], 1)), "a meeting out of the talk keeps it");
    ask(&mut world, 0, Request::Mode(Mode::Quiet));
    world.run(300 * MS);
    assert_eq!([figures(&world, 0), figures(&world, 1)], [None, None]);
}

#[test]
fn a_poll_outlives_a_restart_of_either_box_and_a_cut() {
    for victim in [0, 1] {
        let mut world = talking(72);
        let_in(&mut world, 0, 1, "PC");
        let_in(&mut world, 1, 2, "PC");
        by(&mut world, victim, 1 + victim as u64, question());
        world.run(300 * MS);
        let poll = poll(&world, 1 - victim).expect("asked");
        for (who, guest) in [(0, 1), (1, 2)] {
            by(&mut world, who, guest, FloorRequest::Vote(poll, Some(1)));
        }
        world.run(300 * MS);
        world.line(false);
        world.run(5 * SECOND);
        world.line(true);
        world.run(5 * SECOND);
        assert_eq!([figures(&world, 0), figures(&world, 1)], [Some((vec![0, 2], 0)), Some((vec![0, 2], 0))]);
        world.kill(victim);
        world.run(SECOND);
        world.start(victim);
        world.run(5 * SECOND);
        assert_eq!([figures(&world, 0), figures(&world, 1)], [Some((vec![0, 1], 0)), Some((vec![0, 1], 0))]);
        let guest = 1 + victim as u64;
        let_in(&mut world, victim, guest, "PC");
        by(&mut world, victim, guest, FloorRequest::Vote(poll, Some(0)));
        world.run(300 * MS);
        assert_eq!([figures(&world, 0), figures(&world, 1)], [Some((vec![1, 1], 0)), Some((vec![1, 1], 0))]);
    }
}

#[test]
fn a_box_that_slept_through_the_end_brings_no_poll_back() {
    let mut world = talking(73);
    ask(&mut world, 0, Request::Floor(question()));
    world.run(300 * MS);
    world.line(false);
    world.run(2 * SECOND);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    ask(&mut world, 1, Request::Mode(Mode::Talking));
    world.kill(1);
    world.start(1);
    world.run(SECOND);
    assert!(poll(&world, 0).is_some(), "nobody told this box");
    world.line(true);
    world.run(5 * SECOND);
    assert_eq!((mode(&world, 0), mode(&world, 1)), (Mode::Talking, Mode::Talking));
    assert_eq!((poll(&world, 0), poll(&world, 1)), (None, None), "of the talk before");
}

#[test]
fn random_rooms_vote_and_agree() {
    for seed in 0..SCHEDULES {
        let mut chance = Chance::new(!seed ^ 0xf1004);
        let latency = chance.between(0, 60) * MS;
        let mut world = World::new(Options { fps: 10, latency, people: true, ..Options::new(seed) });
        world.aligned_within = i64::MAX;
        for _ in 0..chance.between(8, 30) {
            let (who, guest) = (chance.who(), chance.between(1, 4));
            let poll = world.snapshot(who).and_then(|shown| shown.room.floor.poll().map(|(poll, ..)| poll.asked));
            let request = match chance.between(0, 16) {
                0 => {
                    world.line(false);
                    None
                }
                1 | 2 => {
                    world.line(true);
                    None
                }
                3 => {
                    world.kill(who);
                    world.start_after(who, chance.between(1, 3000) * MS);
                    None
                }
                4 => {
                    let wanted = [Mode::Quiet, Mode::Curtain][usize::from(chance.holds(0.3))];
                    let _answer = try_ask(&mut world, who, Asker::Local, Request::Mode(wanted));
                    None
                }
                5..8 => {
                    let wanted = [Mode::Talking, Mode::Meeting][usize::from(chance.holds(0.5))];
                    let _answer = try_ask(&mut world, who, Asker::Local, Request::Mode(wanted));
                    None
                }
                8 | 9 => {
                    let_in(&mut world, who, guest, "PC");
                    None
                }
                10 => Some(FloorRequest::Hand(chance.holds(0.7))),
                11 | 12 => Some(question()),
                13 => poll.map(FloorRequest::Close),
                14 => poll.map(|poll| FloorRequest::Show(poll, true)),
                _ => poll.map(|poll| FloorRequest::Vote(poll, Some(chance.between(0, 2) as usize))),
            };
            if let Some(request) = request {
                let _answer = try_ask(&mut world, who, Asker::Guest(GuestId(guest)), Request::Floor(request));
            }
            world.run(chance.between(1, 1500) * MS);
        }
        world.line(true);
        [0, 1].into_iter().for_each(|who| world.start(who));
        world.run(8 * SECOND);
        let shown = [0, 1].map(|who| world.shown(who).room);
        let names = shown.each_ref().map(|room| room.face.hands.iter().map(|hand| hand.near).collect::<Vec<_>>());
        let mirrored = names[0].iter().map(|near| !near).eq(names[1].iter().copied());
        if shown[0].floor.poll() != shown[1].floor.poll() || !mirrored {
            world.fault(&format!("{:?} here, {:?} there", shown[0].floor, shown[1].floor));
        }
        let apart = !matches!(shown[0].face.mode, Mode::Talking | Mode::Meeting);
        if apart && (shown[0].floor.poll().is_some() || !names[0].is_empty()) {
            world.fault("a poll or a hand outlived its time");
        }
        let votes: u32 = shown[0].floor.poll().map_or(0, |(_, votes, skipped)| votes.iter().sum::<u32>() + skipped);
        if votes > 6 {
            world.fault("more votes than devices");
        }
    }
}

/// A device types the room code.
pub fn let_in(world: &mut World, who: usize, guest: u64, name: &str) {
    let tried = RoomInput::CodeTried { ticket: Ticket(9), guest: GuestId(guest), code: 123_456, name: name.into() };
    world.inject(who, Mail::Urgent(Input::Room(tried)));
}

fn talking(seed: u64) -> World {
    let mut world = linked(Options::new(seed));
    ask(&mut world, 0, Request::Mode(Mode::Talking));
    world.run(300 * MS);
    world
}

fn question() -> FloorRequest {
    FloorRequest::Ask(Question::new("次は？", &["月".to_owned(), "火".to_owned()]).expect("a question"))
}

fn by(world: &mut World, who: usize, guest: u64, request: FloorRequest) -> Answer {
    asked(world, who, Asker::Guest(GuestId(guest)), Request::Floor(request))
}

fn poll(world: &World, who: usize) -> Option<Stamp> {
    world.shown(who).room.floor.poll().map(|(poll, ..)| poll.asked)
}

fn figures(world: &World, who: usize) -> Option<(Vec<u32>, u32)> {
    world.shown(who).room.floor.poll().map(|(_, votes, skipped)| (votes, skipped))
}

const SCHEDULES: u64 = 1500;
