//! A share that nothing comes from is not shown as if it lived: not while its PC is silent, not while the far box is. And the
//! keys that stop a share.

use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::live::{agreed, bring, gone, sharing, stands};
use crate::{ask, key, linked, mode};
use engawa::core::face::{LiveSilence, MenuPage, Silent};
use engawa::core::input::{Input, RoomInput};
use engawa::core::live::{LiveRequest, LiveSource};
use engawa::core::plan::LiveShown;
use engawa::core::request::{Answer, Request};
use engawa::model::{InputShows, Key, LiveEnd, LiveId, LiveKind, Mode, TakeOver};
use std::time::Duration;

#[test]
fn a_silent_pc_is_grey_on_both_screens_until_it_speaks_or_is_gone() {
    let mut world = sharing(120, 0, TakeOver::Ask);
    assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2]);
    silent(&mut world, 0, 1, 2600);
    world.run(300 * MS);
    for who in [0, 1] {
        let (of, age) = silence(&world, who).expect("grey");
        assert_eq!(of, Silent::Source);
        assert!((2850..3000).contains(&age), "box {who}: {age} ms old");
    }
    assert_eq!([stands(&world, 0), stands(&world, 1)], [Some(LiveShown::Near(LiveId(1))), Some(LiveShown::Far)]);
    // Said again, by whatever reason: the age runs on.
    ask(&mut world, 1, Request::Live(LiveRequest::Moving(true)));
    silent(&mut world, 0, 1, 10);
    world.run(SECOND);
    let age = |world: &World, who| silence(world, who).expect("grey").1;
    assert!((3850..4000).contains(&age(&world, 0)) && (3850..4000).contains(&age(&world, 1)));
    speaks(&mut world, 0, 1);
    assert_eq!(silence(&world, 0), None, "at once");
    world.run(100 * MS);
    assert_eq!(silence(&world, 1), None);
    silent(&mut world, 0, 1, 2600);
    world.run(2400 * MS);
    gone(&mut world, 0, 1, LiveEnd::Vanished);
    world.run(300 * MS);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2]);
    assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2]);
    // The next one begins as if nothing had been.
    assert_eq!(bring(&mut world, 0, pc(2)), Some(Answer::Accepted));
    world.run(300 * MS);
    assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2]);
}

#[test]
fn what_is_not_in_front_any_more_greys_nothing() {
    let mut world = sharing(121, 0, TakeOver::Ask);
    bring(&mut world, 0, pc(2));
    silent(&mut world, 0, 2, 2600);
    silent(&mut world, 0, 77, 2600);
    world.run(300 * MS);
    assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2], "one waits, one never was");
    silent(&mut world, 0, 1, 2600);
    speaks(&mut world, 0, 2);
    ask(&mut world, 0, Request::Live(LiveRequest::HandOver));
    silent(&mut world, 0, 1, 3000);
    world.run(300 * MS);
    assert_eq!(stands(&world, 0), Some(LiveShown::Near(LiveId(2))));
    assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2], "its place is another's");
    silent(&mut world, 0, 2, 2600);
    speaks(&mut world, 0, 1);
    assert!(silence(&world, 0).is_some(), "the word of one that is gone lifts nothing");
}

#[test]
fn what_fell_silent_while_it_waited_is_grey_as_soon_as_it_is_in_front() {
    for handed_by in [0, 1] {
        let mut world = sharing(131, handed_by, TakeOver::Ask);
        world.run(100 * MS);
        bring(&mut world, 0, pc(2));
        silent(&mut world, 0, 2, 2600);
        // Said again: the age runs on.
        world.run(SECOND);
        silent(&mut world, 0, 2, 10);
        ask(&mut world, handed_by, Request::Live(LiveRequest::HandOver));
        world.run(300 * MS);
        assert_eq!(stands(&world, 0), Some(LiveShown::Near(LiveId(2))));
        for who in [0, 1] {
            let (of, age) = silence(&world, who).expect("grey");
            assert!(of == Silent::Source && (3850..4000).contains(&age), "box {who}: {age} ms old");
        }
        speaks(&mut world, 0, 2);
        world.run(100 * MS);
        assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2]);
    }
}

#[test]
fn heartbeats_that_do_not_come_grey_nothing_while_frames_do() {
    for offset in 0..8 {
        let mut world = sharing(132, 0, TakeOver::Ask);
        world.run(offset * 33 * MS);
        world.ways[0].carries_trunk = false;
        let held = world.run_until(3 * SECOND, |world| !looks_live(world, 1)).expect("taken away with its connection");
        assert!((1250..1600).contains(&(held / MS)), "{} ms after the last word", held / MS);
        assert_eq!((stands(&world, 1), silence(&world, 1)), (None, None), "never grey");
        assert!(world.both_up(), "its camera is live");
        world.ways[0].carries_trunk = true;
        assert!(world.run_until(6 * SECOND, |world| looks_live(world, 1)).is_some());
    }
}

#[test]
fn a_box_that_comes_back_hears_of_a_silence_that_goes_on() {
    let mut world = sharing(122, 0, TakeOver::Ask);
    world.kill(1);
    silent(&mut world, 0, 1, 2600);
    world.run(500 * MS);
    world.start(1);
    let grey = world.run_until(5 * SECOND, |world| silence(world, 1).is_some_and(|(of, _)| of == Silent::Source));
    assert!(grey.is_some(), "{:?}", silence(&world, 1));
    world.run(2 * SECOND);
    agreed(&world);
}

#[test]
fn however_often_the_camera_sends_a_cut_leaves_no_far_share_that_looks_live_for_longer_than_a_second_and_a_half() {
    for (seed, fps) in [(123, 30), (124, 10), (125, 1)] {
        for offset in 0..8 {
            let mut world = World::new(Options { fps, people: true, ..Options::new(seed) });
            world.aligned_within = i64::MAX;
            assert!(world.run_until(6 * SECOND, World::both_up).is_some());
            world.run(2 * SECOND);
            assert_eq!(bring(&mut world, 0, pc(1)), Some(Answer::Accepted));
            world.run(SECOND + offset * 33 * MS);
            assert_eq!(stands(&world, 1), Some(LiveShown::Far));
            assert_eq!(silence(&world, 1), None);
            world.line(false);
            let cut = world.run_until(3 * SECOND, |world| !looks_live(world, 1)).expect("grey or gone");
            assert!(cut <= 1500 * MS, "{fps} frames a second: {} ms after the cut", cut / MS);
            assert_eq!(silence(&world, 0), None, "the room's own share goes on");
            let of = silence(&world, 1).map(|(of, _)| of);
            assert!(stands(&world, 1).is_none() || of == Some(Silent::FarBox), "{of:?}");
            world
                .run_until(3 * SECOND, |world| looks_live(world, 1))
                .ok_or(())
                .expect_err("never again while it is cut");
            world.line(true);
            let back = world.run_until(6 * SECOND, |world| looks_live(world, 1));
            assert!(back.is_some(), "and live again");
        }
    }
}

#[test]
fn a_far_daemon_that_hangs_greys_its_share_too() {
    let mut world = sharing(126, 0, TakeOver::Ask);
    world.aligned_within = i64::MAX;
    world.freeze(0, 4 * SECOND);
    let hung = world.run_until(3 * SECOND, |world| !looks_live(world, 1)).expect("grey or gone");
    assert!(hung <= 1500 * MS, "{} ms", hung / MS);
    world.run(8 * SECOND);
    assert!(looks_live(&world, 1));
}

#[test]
fn an_input_whose_frames_stop_is_grey_at_once_and_gone_three_seconds_after_its_signal() {
    let mut world = linked(Options::new(127));
    let appears = |world: &mut World| {
        let source = LiveSource { kind: LiveKind::Input, sound: false, ..pc(1) };
        let shows = InputShows::AtOnce;
        world.inject(0, Mail::Urgent(Input::Room(RoomInput::InputAppeared { source, shows })));
        world.run(300 * MS);
    };
    let lost = |world: &mut World| world.inject(0, Mail::Urgent(Input::Room(RoomInput::InputLost(LiveId(1)))));
    appears(&mut world);
    silent(&mut world, 0, 1, 1533);
    world.run(300 * MS);
    assert!([0, 1].into_iter().all(|who| silence(&world, who).is_some()));
    speaks(&mut world, 0, 1);
    world.run(300 * MS);
    assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2]);
    // Its cable is pulled and put back, as when it changes its resolution.
    lost(&mut world);
    world.run(300 * MS);
    assert!([0, 1].into_iter().all(|who| silence(&world, who).is_some()));
    appears(&mut world);
    assert_eq!([silence(&world, 0), silence(&world, 1)], [None; 2]);
    silent(&mut world, 0, 1, 1533);
    world.run(500 * MS);
    lost(&mut world);
    world.run(2900 * MS);
    assert!(silence(&world, 1).is_some_and(|(_, age)| age > 4800), "counted from its last frame");
    world.run(400 * MS);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2]);
}

#[test]
fn one_key_stops_the_share_of_either_room_and_nothing_else() {
    for who in [0, 1] {
        let mut world = sharing(128, 0, TakeOver::Ask);
        key(&mut world, who, Key::StopShare);
        world.run(300 * MS);
        assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2]);
        assert_eq!(world.kiosks[0].lives_ended, [(LiveId(1), LiveEnd::Stopped)]);
        assert_eq!([mode(&world, 0), mode(&world, 1)], [Mode::Meeting; 2]);
        key(&mut world, who, Key::StopShare);
        world.run(300 * MS);
        assert_eq!(world.shown(who).room.face.banner, None, "nothing to stop is nothing to say");
        assert_eq!(mode(&world, who), Mode::Meeting);
    }
    let mut world = linked(Options::new(129));
    ask(&mut world, 0, Request::Mode(Mode::Asleep));
    key(&mut world, 0, Key::StopShare);
    assert_eq!(mode(&world, 0), Mode::Quiet, "any key wakes");
}

#[test]
fn the_menu_stops_and_switches_a_share_as_long_as_there_is_one() {
    for who in [0, 1] {
        let mut world = sharing(130, 0, TakeOver::Ask);
        let menu = |world: &World| world.shown(who).room.face.menu;
        key(&mut world, who, Key::More);
        assert_eq!(menu(&world), Some(MenuPage::Live));
        key(&mut world, who, Key::View);
        world.run(300 * MS);
        assert!(world.kiosks[0].plan.live.send.expect("sent").moving);
        key(&mut world, who, Key::More);
        assert_eq!(menu(&world), Some(MenuPage::Sound), "no document is open");
        (0..4).for_each(|_| key(&mut world, who, Key::More));
        assert_eq!(menu(&world), None);
        key(&mut world, who, Key::More);
        key(&mut world, who, Key::Meet);
        world.run(300 * MS);
        assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2], "stopped");
        assert_eq!(
            (menu(&world), mode(&world, who)),
            (None, Mode::Meeting),
            "its page went with it, the meeting goes on"
        );
        key(&mut world, who, Key::More);
        assert_eq!(menu(&world), Some(MenuPage::Sound));
    }
}

#[test]
fn who_opened_the_page_of_a_share_that_is_gone_since_does_not_end_the_meeting() {
    for who in [0, 1] {
        let mut world = sharing(133, 0, TakeOver::Ask);
        key(&mut world, who, Key::More);
        gone(&mut world, 0, 1, LiveEnd::Vanished);
        world.run(300 * MS);
        assert_eq!((stands(&world, who), world.shown(who).room.face.menu), (None, None));
        for _ in 0..3 {
            key(&mut world, who, Key::Meet);
            world.run(300 * MS);
        }
        assert_eq!([mode(&world, 0), mode(&world, 1)], [Mode::Meeting; 2]);
        // Soon the key is the meeting's again.
        world.run(3 * SECOND);
        key(&mut world, who, Key::Meet);
        world.run(300 * MS);
        assert_eq!([mode(&world, 0), mode(&world, 1)], [Mode::Quiet; 2]);
    }
    // Pressing what does nothing keeps no page that nobody sees.
    let mut world = sharing(134, 0, TakeOver::Ask);
    let view = world.shown(0).room.view;
    key(&mut world, 0, Key::More);
    gone(&mut world, 0, 1, LiveEnd::Vanished);
    for _ in 0..7 {
        world.run(3 * SECOND);
        assert_eq!(world.shown(0).room.view, view);
        key(&mut world, 0, Key::View);
    }
    assert_ne!(world.shown(0).room.view, view, "after its own time the key is the camera's again");
}

/// Nothing says that it is not.
pub fn looks_live(world: &World, who: usize) -> bool {
    stands(world, who).is_some() && silence(world, who).is_none()
}

/// Who is silent, and for how many milliseconds.
pub fn silence(world: &World, who: usize) -> Option<(Silent, u128)> {
    let shown = world.snapshot(who)?;
    let LiveSilence { since, of } = world.kiosks[who].plan.screen.face.live.silent?;
    Some((of, shown.at.since(since).as_millis()))
}

pub fn silent(world: &mut World, who: usize, id: u64, millis: u64) {
    let (id, silent_for) = (LiveId(id), Duration::from_millis(millis));
    world.inject(who, Mail::Urgent(Input::Room(RoomInput::LiveFellSilent { id, silent_for })));
}

pub fn speaks(world: &mut World, who: usize, id: u64) {
    world.inject(who, Mail::Urgent(Input::Room(RoomInput::LiveSpokeAgain(LiveId(id)))));
}

fn pc(id: u64) -> LiveSource {
    LiveSource { id: LiveId(id), kind: LiveKind::Browser, guest: None, name: "田中".into(), sound: true }
}
