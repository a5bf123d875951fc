//! The notice board: on both screens, over every cut, restart and loss of power; what was taken away stays away.

use crate::core_world::chance::Chance;
use crate::core_world::{MS, Options, SECOND, World};
use crate::{ask, asked, linked, try_ask};
use engawa::core::notes::{LIFE, MOST, NoteRequest, POINTS, Paper, SHEET, STROKES};
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::core::snapshot::LinkState;
use engawa::model::{GuestId, Mode};
use std::collections::BTreeSet;

#[test]
fn a_note_stands_on_both_boxes_and_either_room_takes_it_away() {
    let mut world = linked(Options::new(60));
    assert_eq!(write(&mut world, 0, "15時から配線工事"), Some(Answer::Accepted));
    world.run(SECOND);
    write(&mut world, 1, "了解です");
    world.run(SECOND);
    assert_eq!(
        [board(&world, 0), board(&world, 1)],
        [["15時から配線工事", "了解です"]; 2].map(|all| all.map(str::to_owned))
    );
    let near = [0, 1].map(|who| {
        let slips = world.shown(who).room.face.slips;
        slips.newest.iter().map(|(_, near)| *near).collect::<Vec<_>>()
    });
    assert_eq!(near, [[true, false], [false, true]], "each screen knows whose it is");
    assert_eq!(take(&mut world, 1, "15時から配線工事"), Some(Answer::Accepted));
    world.run(SECOND);
    assert_eq!([board(&world, 0), board(&world, 1)], [["了解です".to_owned()], ["了解です".to_owned()]]);
    assert!(world.well(), "{}", world.state());
}

#[test]
fn what_is_written_while_the_line_is_cut_is_on_both_boards_when_it_is_back() {
    let mut world = linked(Options::new(61));
    write(&mut world, 0, "before");
    world.run(SECOND);
    world.line(false);
    world.run(5 * SECOND);
    assert_eq!(world.link(0), Some(LinkState::Lost));
    write(&mut world, 0, "here");
    world.run(SECOND);
    write(&mut world, 1, "there");
    take(&mut world, 1, "before");
    world.run(10 * SECOND);
    world.line(true);
    world.run(5 * SECOND);
    assert_eq!([board(&world, 0), board(&world, 1)], [["here", "there"]; 2].map(|all| all.map(str::to_owned)));
}

#[test]
fn both_boxes_lose_their_power_and_the_board_is_still_there() {
    let mut world = linked(Options::new(62));
    write(&mut world, 0, "a");
    world.run(SECOND);
    write(&mut world, 1, "b");
    world.run(SECOND);
    take(&mut world, 0, "b");
    world.run(SECOND);
    for who in [0, 1] {
        world.unplug(who);
    }
    world.run(60 * SECOND);
    for who in [0, 1] {
        world.start(who);
        assert_eq!(board(&world, who), ["a"], "before anything was heard");
    }
    world.run(5 * SECOND);
    assert_eq!([board(&world, 0), board(&world, 1)], [["a".to_owned()], ["a".to_owned()]]);
}

#[test]
fn a_box_whose_file_is_lost_or_old_gets_the_board_back_and_brings_nothing_back() {
    let mut world = linked(Options::new(63));
    write(&mut world, 0, "a");
    write(&mut world, 0, "b");
    world.run(SECOND);
    let old = world.kiosks[1].settings.board.clone();
    take(&mut world, 0, "a");
    write(&mut world, 1, "c");
    world.run(SECOND);
    for board_file in [old, Default::default()] {
        world.kill(1);
        world.kiosks[1].settings.board = board_file;
        world.start(1);
        world.run(5 * SECOND);
        assert_eq!([board(&world, 0), board(&world, 1)], [["b", "c"]; 2].map(|all| all.map(str::to_owned)));
    }
    assert_eq!(write(&mut world, 1, "d"), Some(Answer::Accepted), "and goes on from there");
    world.run(SECOND);
    assert_eq!(board(&world, 0).last().map(String::as_str), Some("d"));
}

#[test]
fn behind_a_curtain_the_board_serves_one_room_and_is_agreed_after_it() {
    for shut in [Mode::Curtain, Mode::Asleep] {
        let mut world = linked(Options::new(64));
        ask(&mut world, 0, Request::Mode(shut));
        world.run(SECOND);
        for (who, text) in [(0, "behind"), (1, "before")] {
            assert_eq!(write(&mut world, who, text), Some(Answer::Accepted));
        }
        world.run(5 * SECOND);
        assert_eq!((board(&world, 0), board(&world, 1)), (vec!["behind".into()], vec!["before".into()]));
        assert!([0, 1].iter().all(|who| world.shown(*who).room.face.slips.newest.is_empty()), "nothing on the screen");
        ask(&mut world, 0, Request::Mode(Mode::Quiet));
        world.run(2 * SECOND);
        assert_eq!([board(&world, 0).len(), board(&world, 1).len()], [2; 2]);
        assert_eq!(world.shown(1).room.face.slips.newest.len(), 2);
    }
}

#[test]
fn only_guests_and_the_box_itself_write() {
    let mut world = linked(Options::new(65));
    let request = || Request::Note(NoteRequest::Write(Paper::words("x").expect("words")));
    for by in [Asker::Guest(GuestId(5)), Asker::Installer] {
        assert_eq!(asked(&mut world, 0, by, request()), Answer::Denied(Denied::NotAdmitted));
    }
    crate::floor::let_in(&mut world, 0, 5, "田中");
    assert_eq!(asked(&mut world, 0, Asker::Guest(GuestId(5)), request()), Answer::Accepted);
    world.run(SECOND);
    let shown = world.shown(1).room.board;
    assert_eq!((shown.notes[0].name.as_str(), shown.notes[0].room == shown.near), ("田中", false));
}

#[test]
fn a_full_board_says_so_in_words() {
    let mut world = linked(Options::new(66));
    for number in 0..MOST {
        assert_eq!(write(&mut world, number % 2, &format!("{number}")), Some(Answer::Accepted));
        world.run(500 * MS);
    }
    assert_eq!(write(&mut world, 0, "more"), Some(Answer::Denied(Denied::BoardFull)));
    let slips = world.shown(1).room.face.slips;
    assert_eq!((slips.newest.len(), slips.older), (3, MOST - 3));
}

#[test]
fn a_week_later_the_board_is_empty_whatever_the_clocks_say() {
    for walls in [[1_790_000_000_000; 2], [0, 1_450_000_000_000], [2_150_000_000_000, 1_790_000_000_000]] {
        let mut world = linked(Options { walls, ..Options::new(67) });
        write(&mut world, 0, "a");
        world.run(SECOND);
        for who in [0, 1] {
            world.kiosks[who].settings.board.notes[0].minutes = 15;
            world.kill(who);
            world.start(who);
        }
        world.run(14 * 60 * SECOND);
        assert_eq!([board(&world, 0).len(), board(&world, 1).len()], [1; 2], "{walls:?}");
        world.run(11 * 60 * SECOND);
        assert_eq!([board(&world, 0).len(), board(&world, 1).len()], [0; 2], "{walls:?}");
        assert!(world.kiosks.iter().all(|kiosk| kiosk.settings.board.gone.len() == 1), "kept, so that it stays so");
    }
    assert_eq!(LIFE, 7 * 24 * 60);
}

#[test]
fn a_board_full_of_drawings_never_makes_the_link_look_lost() {
    let mut world = linked(Options::new(68));
    world.line(false);
    world.run(5 * SECOND);
    let drawing = Paper::drawing(vec![vec![SHEET; POINTS]; STROKES]).expect("on the sheet");
    for _ in 0..MOST {
        assert_eq!(ask(&mut world, 0, Request::Note(NoteRequest::Write(drawing.clone()))), Answer::Accepted);
    }
    world.line(true);
    assert!(world.run_until(5 * SECOND, World::well).is_some());
    let before = world.kiosks[0].counts.heartbeats;
    world.run(SECOND);
    let said = world.kiosks[0].counts.heartbeats - before;
    assert!(said <= 12, "{said} words and heartbeats in a second");
    world.run(MOST as u64 * 400 * MS);
    assert_eq!(board(&world, 1).len(), MOST);
    let before = world.kiosks[0].counts.heartbeats;
    world.run(10 * SECOND);
    assert!(world.kiosks[0].counts.heartbeats - before <= 60, "what was said is not said again");
    assert!(world.well());
}

#[test]
fn random_boards_lose_nothing_and_bring_nothing_back_part_1() {
    (0..SCHEDULES).step_by(2).for_each(schedule);
}

#[test]
fn random_boards_lose_nothing_and_bring_nothing_back_part_2() {
    (1..SCHEDULES).step_by(2).for_each(schedule);
}

fn schedule(seed: u64) {
    let mut chance = Chance::new(!seed ^ 0xb0a4d);
    let latency = chance.between(0, 60) * MS;
    let mut world = World::new(Options { fps: 10, latency, people: true, ..Options::new(seed) });
    world.aligned_within = i64::MAX;
    let (mut written, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..chance.between(5, 25) {
        let who = chance.who();
        match chance.between(0, 12) {
            0 => world.line(false),
            1 | 2 => world.line(true),
            3 => {
                world.kill(who);
                world.start_after(who, chance.between(1, 4000) * MS);
            }
            4 => {
                world.unplug(who);
                world.start_after(who, chance.between(1, 4000) * MS);
            }
            5 => drop(try_ask(&mut world, who, Asker::Local, Request::Mode(Mode::Curtain))),
            6 => drop(try_ask(&mut world, who, Asker::Local, Request::Mode(Mode::Quiet))),
            7 | 8 => {
                let there = world.snapshot(who).map(|shown| texts(&shown.room.board)).unwrap_or_default();
                if !there.is_empty() {
                    let text = there[chance.between(0, there.len() as u64 - 1) as usize].clone();
                    assert_eq!(take(&mut world, who, &text), Some(Answer::Accepted));
                    taken.insert(text);
                }
            }
            _ => {
                let text = format!("{number}");
                if write(&mut world, who, &text) == Some(Answer::Accepted) {
                    written.insert(text);
                }
            }
        }
        world.run(chance.between(1, 2500) * MS);
    }
    world.line(true);
    for who in [0, 1] {
        world.start(who);
        ask(&mut world, who, Request::Mode(Mode::Quiet));
    }
    world.run(10 * SECOND);
    let wanted: BTreeSet<String> = written.difference(&taken).cloned().collect();
    let boards = [0, 1].map(|who| board(&world, who));
    if boards[0] != boards[1] || boards[0].iter().cloned().collect::<BTreeSet<_>>() != wanted {
        world.fault(&format!("{boards:?}, not {wanted:?}; {}", world.state()));
    }
}

fn write(world: &mut World, who: usize, text: &str) -> Option<Answer> {
    let paper = Paper::words(text).expect("words");
    try_ask(world, who, Asker::Local, Request::Note(NoteRequest::Write(paper)))
}

fn take(world: &mut World, who: usize, text: &str) -> Option<Answer> {
    let board = world.shown(who).room.board;
    let stamp = board.notes.iter().find(|note| note.paper == Paper::Words(text.into())).expect("it is there").stamp;
    try_ask(world, who, Asker::Local, Request::Note(NoteRequest::Take(stamp)))
}

fn board(world: &World, who: usize) -> Vec<String> {
    texts(&world.shown(who).room.board)
}

fn texts(board: &engawa::core::notes::Board) -> Vec<String> {
    let text = |paper: &Paper| match paper {
        Paper::Words(text) => text.clone(),
        Paper::Drawing(strokes) => format!("{} strokes", strokes.len()),
    };
    board.notes.iter().map(|note| text(&note.paper)).collect()
}

const SCHEDULES: u64 = 2000;
