//! The live share: one in the pair, named on both screens, asked before it is taken over, ended by whoever may; nothing of it
//! opens a microphone, nothing of it leaves behind a curtain.

use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::floor::let_in;
use crate::{ask, asked, key, linked, mode};
use engawa::core::input::{Input, RoomInput};
use engawa::core::ledger::Entry;
use engawa::core::live::{LiveRequest, LiveSource};
use engawa::core::plan::LiveShown;
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::model::{Bitrate, GuestId, Key, LiveEnd, LiveId, LiveKind, MicState, Mode, Side, TakeOver, Ticket};

#[test]
fn a_share_begins_the_meeting_stands_on_both_screens_and_opens_no_microphone() {
    let mut world = linked(Options::new(90));
    let camera = world.kiosks[0].plan.camera.expect("on").bitrate;
    assert_eq!(share(&mut world, 0, 1, "田中"), Answer::Accepted);
    world.run(300 * MS);
    assert_eq!([mode(&world, 0), mode(&world, 1)], [Mode::Meeting; 2]);
    assert_eq!(
        [named(&world, 0), named(&world, 1)],
        [Some((Side::Near, "田中".into())), Some((Side::Far, "田中".into()))]
    );
    assert_eq!([stands(&world, 0), stands(&world, 1)], [Some(LiveShown::Near(LiveId(1))), Some(LiveShown::Far)]);
    let send = world.kiosks[0].plan.live.send.expect("sent");
    assert_eq!((send.source, send.moving, send.sound), (LiveId(1), false, Some(Bitrate::from_kbps(64))));
    let beside = world.kiosks[0].plan.camera.expect("still on").bitrate;
    assert!(beside < camera && beside >= Bitrate::from_kbps(200) && send.bitrate > beside, "{send:?} {beside:?}");
    assert_eq!(world.kiosks[1].plan.live.send, None);
    assert_eq!(ask(&mut world, 1, Request::Live(LiveRequest::Moving(true))), Answer::Accepted);
    world.run(300 * MS);
    assert!(world.kiosks[0].plan.live.send.expect("sent").moving, "switched from the other room");
    let gates =
        |world: &World, who: usize| world.kiosks[who].ledger.iter().any(|entry| matches!(entry, Entry::Gate { .. }));
    assert!(![0, 1].into_iter().any(|who| gates(&world, who) || world.kiosks[who].plan.microphone != MicState::Closed));
    // Stopped from the other room, and both say so for a moment.
    assert_eq!(ask(&mut world, 1, Request::Live(LiveRequest::Stop)), Answer::Accepted);
    world.run(300 * MS);
    assert_eq!(world.kiosks[0].lives_ended, [(LiveId(1), LiveEnd::Stopped)]);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2]);
    let told = [0, 1].map(|who| world.shown(who).room.face.live.ended.map(|(line, why)| (line.name, why)));
    assert_eq!(told, [Some(("田中".into(), LiveEnd::Stopped)), Some(("田中".into(), LiveEnd::Stopped))]);
    world.run(7 * SECOND);
    assert!([0, 1].into_iter().all(|who| world.shown(who).room.face.live.ended.is_none()));
    assert_eq!(mode(&world, 0), Mode::Meeting);
    assert_eq!(world.kiosks[0].plan.camera.expect("on").bitrate, camera);
}

#[test]
fn within_a_room_and_across_the_holder_is_asked_and_page_and_keypad_answer() {
    for (from, answer) in [(0, "page"), (1, "page"), (0, "key"), (1, "key"), (0, "keep"), (1, "keep"), (1, "more")] {
        let mut world = sharing(91, 0, TakeOver::Ask);
        assert_eq!(share(&mut world, from, 2, "Suzuki"), Answer::Accepted);
        assert_eq!(share(&mut world, from, 3, "Sato"), Answer::Denied(Denied::ShareWaits));
        world.run(300 * MS);
        let waits = |world: &World, who: usize| world.shown(who).room.face.live.waits.map(|line| line.name);
        assert_eq!([waits(&world, 0), waits(&world, 1)], [Some("Suzuki".into()), Some("Suzuki".into())], "{answer}");
        let banner = |world: &World, who: usize| format!("{:?}", world.shown(who).room.face.banner);
        assert!(banner(&world, 0).contains("ShareWaits") && !banner(&world, 1).contains("ShareWaits"));
        let none = Answer::Denied(Denied::NoShareWaits);
        assert_eq!(ask(&mut world, 1, Request::Live(LiveRequest::HandOver)), none, "not this room's to give");
        match answer {
            "page" => drop(ask(&mut world, 0, Request::Live(LiveRequest::HandOver))),
            "key" => key(&mut world, 0, Key::View),
            "keep" => drop(ask(&mut world, 0, Request::Live(LiveRequest::Keep))),
            _ => key(&mut world, 0, Key::More),
        }
        world.run(300 * MS);
        let handed = matches!(answer, "page" | "key");
        let front = if handed { "Suzuki" } else { "田中" };
        assert_eq!(
            [0, 1].map(|who| named(&world, who).map(|(_, name)| name)),
            [Some(front.into()), Some(front.into())]
        );
        let (ended, gone) =
            if handed { (0, (LiveId(1), LiveEnd::TakenOver)) } else { (from, (LiveId(2), LiveEnd::Refused)) };
        assert_eq!(world.kiosks[ended].lives_ended, [gone], "{answer} from {from}");
        assert!([0, 1].into_iter().all(|who| waits(&world, who).is_none() && banner(&world, who) == "None"));
        assert_eq!(mode(&world, 0), Mode::Meeting, "the key ended nothing");
        assert_eq!(world.shown(0).room.view, 1, "and turned no camera: {answer}");
    }
}

#[test]
fn nobody_answers_and_the_one_in_front_stays() {
    for from in [0, 1] {
        let mut world = sharing(92, 0, TakeOver::Ask);
        share(&mut world, from, 2, "Suzuki");
        world.run(29 * SECOND);
        assert!(world.kiosks[from].lives_ended.is_empty());
        world.run(2 * SECOND);
        assert_eq!(world.kiosks[from].lives_ended, [(LiveId(2), LiveEnd::Refused)]);
        assert_eq!(
            [0, 1].map(|who| named(&world, who).map(|(_, name)| name)),
            [Some("田中".into()), Some("田中".into())]
        );
    }
}

#[test]
fn a_free_place_is_for_who_waits() {
    for (from, why) in [(0, LiveEnd::Vanished), (1, LiveEnd::Unplugged)] {
        let mut world = sharing(93, 0, TakeOver::Ask);
        share(&mut world, from, 2, "Suzuki");
        world.run(300 * MS);
        gone(&mut world, 0, 1, why);
        world.run(300 * MS);
        assert_eq!(
            [0, 1].map(|who| named(&world, who).map(|(_, name)| name)),
            [Some("Suzuki".into()), Some("Suzuki".into())]
        );
        let told = [0, 1].map(|who| world.shown(who).room.face.live.ended.map(|(_, why)| why));
        assert_eq!(told, [Some(why); 2], "both say why the one before ended");
        assert!(world.kiosks[0].lives_ended.is_empty(), "it went by itself");
    }
}

#[test]
fn of_two_that_wait_the_first_gets_the_place_and_the_second_asks_that_one() {
    let mut world = sharing(104, 0, TakeOver::Ask);
    share(&mut world, 1, 2, "Suzuki");
    world.run(300 * MS);
    share(&mut world, 0, 3, "佐藤");
    world.run(300 * MS);
    assert_eq!(ask(&mut world, 0, Request::Live(LiveRequest::HandOver)), Answer::Accepted);
    assert_eq!(stands(&world, 0), None, "the place is promised to the other room");
    world.run(300 * MS);
    assert_eq!(
        [0, 1].map(|who| named(&world, who).map(|(_, name)| name)),
        [Some("Suzuki".into()), Some("Suzuki".into())]
    );
    assert_eq!(world.kiosks[0].lives_ended, [(LiveId(1), LiveEnd::TakenOver)], "the second one waits on");
    assert_eq!(ask(&mut world, 1, Request::Live(LiveRequest::HandOver)), Answer::Accepted);
    world.run(300 * MS);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [Some(LiveShown::Near(LiveId(3))), Some(LiveShown::Far)]);
    assert_eq!(world.kiosks[1].lives_ended, [(LiveId(2), LiveEnd::TakenOver)]);
    agreed(&world);
}

#[test]
fn a_box_may_hand_over_at_once_or_never() {
    for from in [0, 1] {
        let mut world = sharing(94, 0, TakeOver::Refuse);
        assert_eq!(share(&mut world, from, 2, "Suzuki"), Answer::Denied(Denied::ShareKept));
        let mut world = sharing(94, 0, TakeOver::Allow);
        assert_eq!(share(&mut world, from, 2, "Suzuki"), Answer::Accepted);
        world.run(300 * MS);
        assert_eq!(world.kiosks[0].lives_ended, [(LiveId(1), LiveEnd::TakenOver)]);
        assert_eq!(
            [0, 1].map(|who| named(&world, who).map(|(_, name)| name)),
            [Some("Suzuki".into()), Some("Suzuki".into())]
        );
    }
}

#[test]
fn two_that_begin_at_once_end_as_one() {
    let mut world = linked(Options { latency: 80 * MS, ..Options::new(95) });
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    world.run(500 * MS);
    for (who, name) in [(0, "田中"), (1, "Suzuki")] {
        assert_eq!(share(&mut world, who, 1, name), Answer::Accepted);
    }
    world.run(500 * MS);
    assert_eq!([0, 1].map(|who| world.kiosks[who].lives_ended.len()).iter().sum::<usize>(), 1);
    agreed(&world);
    assert!(named(&world, 0).is_some());
}

#[test]
fn a_cut_leaves_each_room_its_own_and_the_later_one_stands_afterwards() {
    let mut world = sharing(96, 0, TakeOver::Ask);
    world.line(false);
    world.run(4 * SECOND);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [Some(LiveShown::Near(LiveId(1))), None]);
    assert!(world.kiosks.iter().all(|kiosk| kiosk.plan.live.send.is_none()));
    // Nobody can be asked over a cut line.
    assert_eq!(share(&mut world, 1, 2, "Suzuki"), Answer::Accepted);
    assert_eq!(stands(&world, 1), Some(LiveShown::Near(LiveId(2))));
    world.line(true);
    world.run(5 * SECOND);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [Some(LiveShown::Far), Some(LiveShown::Near(LiveId(2)))]);
    assert_eq!(world.kiosks[0].lives_ended, [(LiveId(1), LiveEnd::TakenOver)]);
    assert!(world.kiosks[1].lives_ended.is_empty());
}

#[test]
fn a_cut_alone_ends_nothing() {
    let mut world = sharing(97, 0, TakeOver::Ask);
    world.line(false);
    world.run(20 * SECOND);
    world.line(true);
    world.run(5 * SECOND);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [Some(LiveShown::Near(LiveId(1))), Some(LiveShown::Far)]);
    let told = world.kiosks[1]
        .ledger
        .iter()
        .filter(|entry| matches!(entry, Entry::LiveBegan { .. } | Entry::LiveEnded { .. }));
    assert_eq!(told.count(), 1, "one share, one line");
}

#[test]
fn a_box_that_began_anew_shows_and_holds_nothing() {
    for victim in [0, 1] {
        let mut world = sharing(98, 0, TakeOver::Ask);
        world.kill(victim);
        world.run(500 * MS);
        world.start(victim);
        world.run(5 * SECOND);
        assert_eq!([mode(&world, 0), mode(&world, 1)], [Mode::Meeting; 2]);
        let expected = if victim == 0 { [None; 2] } else { [Some(LiveShown::Near(LiveId(1))), Some(LiveShown::Far)] };
        assert_eq!([stands(&world, 0), stands(&world, 1)], expected, "box {victim} was killed");
        agreed(&world);
        if victim == 0 {
            let ended = Entry::LiveEnded { side: Side::Far, name: "田中".into(), why: LiveEnd::Vanished };
            assert!(world.kiosks[1].ledger.contains(&ended));
        }
    }
}

#[test]
fn behind_a_curtain_a_share_serves_its_own_room_and_comes_along_into_no_meeting() {
    for drawer in [0, 1] {
        let mut world = sharing(99, 0, TakeOver::Ask);
        ask(&mut world, drawer, Request::Mode(Mode::Curtain));
        world.run(300 * MS);
        assert_eq!([stands(&world, 0), stands(&world, 1)], [Some(LiveShown::Near(LiveId(1))), None]);
        assert!(world.kiosks.iter().all(|kiosk| kiosk.plan.live.send.is_none()));
        assert_eq!(share(&mut world, 1, 2, "Suzuki"), Answer::Accepted, "the other room has its own screen");
        world.run(300 * MS);
        assert_eq!(stands(&world, 1), Some(LiveShown::Near(LiveId(2))));
        ask(&mut world, drawer, Request::Mode(Mode::Quiet));
        world.run(300 * MS);
        assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2]);
        let over = |id| vec![(LiveId(id), LiveEnd::MeetingOver)];
        assert_eq!([0, 1].map(|who| world.kiosks[who].lives_ended.clone()), [over(1), over(2)]);
    }
    let mut world = sharing(99, 0, TakeOver::Ask);
    ask(&mut world, 0, Request::Mode(Mode::Asleep));
    world.run(300 * MS);
    assert_eq!(world.kiosks[0].lives_ended, [(LiveId(1), LiveEnd::MeetingOver)]);
    assert_eq!(share(&mut world, 0, 2, "田中"), Answer::Denied(Denied::NearAsleep));
}

#[test]
fn the_end_of_the_meeting_ends_it_also_in_a_box_that_slept_through_it() {
    let mut world = sharing(100, 0, TakeOver::Ask);
    share(&mut world, 1, 2, "Suzuki");
    world.run(300 * MS);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(300 * MS);
    let over = |id| vec![(LiveId(id), LiveEnd::MeetingOver)];
    assert_eq!([0, 1].map(|who| world.kiosks[who].lives_ended.clone()), [over(1), over(2)], "who waited too");
    let mut world = sharing(101, 0, TakeOver::Ask);
    world.line(false);
    world.run(3 * SECOND);
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    ask(&mut world, 1, Request::Mode(Mode::Meeting));
    world.run(SECOND);
    assert_eq!(stands(&world, 0), Some(LiveShown::Near(LiveId(1))), "nobody told this box");
    world.line(true);
    world.run(5 * SECOND);
    assert_eq!([mode(&world, 0), mode(&world, 1)], [Mode::Meeting; 2]);
    assert_eq!(world.kiosks[0].lives_ended, over(1));
    assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2], "of the meeting before");
}

#[test]
fn a_locked_room_takes_no_new_share_and_who_is_sent_away_shares_no_more() {
    let mut world = linked(Options::new(102));
    ask(&mut world, 0, Request::Lock(true));
    for kind in [LiveKind::Browser, LiveKind::Sender, LiveKind::Input] {
        let source = LiveSource { id: LiveId(1), kind, guest: None, name: String::new(), sound: false };
        assert_eq!(bring(&mut world, 0, source), Some(Answer::Denied(Denied::SharingLocked)));
    }
    assert_eq!(mode(&world, 0), Mode::Quiet, "and begins no meeting");
    ask(&mut world, 0, Request::Lock(false));
    let of_guest = |id: u64, guest: u64| {
        let guest = Some(GuestId(guest));
        LiveSource { id: LiveId(id), kind: LiveKind::Browser, guest, name: String::new(), sound: false }
    };
    assert_eq!(bring(&mut world, 0, of_guest(2, 5)), Some(Answer::Denied(Denied::NotAdmitted)));
    let_in(&mut world, 0, 5, "会議室のPC");
    assert_eq!(bring(&mut world, 0, of_guest(3, 5)), Some(Answer::Accepted));
    world.run(300 * MS);
    assert_eq!(named(&world, 1), Some((Side::Far, "会議室のPC".into())), "as the device calls itself");
    assert_eq!(
        asked(&mut world, 0, Asker::Installer, Request::Live(LiveRequest::Stop)),
        Answer::Denied(Denied::NotAdmitted)
    );
    assert_eq!(bring(&mut world, 0, of_guest(4, 5)), Some(Answer::Accepted), "its next screen asks nobody");
    assert_eq!(world.kiosks[0].lives_ended, [(LiveId(3), LiveEnd::TakenOver)]);
    ask(&mut world, 0, Request::Remove(GuestId(5)));
    assert_eq!(world.kiosks[0].lives_ended.last(), Some(&(LiveId(4), LiveEnd::Stopped)));
    let began = Entry::LiveBegan {
        side: Side::Near,
        kind: LiveKind::Browser,
        name: "会議室のPC".into(),
        guest: Some(GuestId(5)),
    };
    assert!(world.kiosks[0].ledger.contains(&began));
}

#[test]
fn two_hundred_shares_move_no_session_and_nothing_is_left_of_them() {
    let mut world = linked(Options::new(103));
    ask(&mut world, 0, Request::Mode(Mode::Meeting));
    world.run(SECOND);
    let (before, session) = (world.counts(), world.shown(0).session);
    for id in 1..=200 {
        share(&mut world, (id % 2) as usize, id, "PC");
        world.run(100 * MS);
        gone(&mut world, (id % 2) as usize, id, LiveEnd::Stopped);
        world.run(100 * MS);
    }
    assert_eq!(world.counts().restless(), before.restless(), "more than words and plans");
    assert_eq!(world.shown(0).session, session);
    let words = world.counts().heartbeats - before.heartbeats;
    // 100 ms is a heartbeat's period at most; a share is two words of its own box, and maybe one echo.
    assert!(words <= 200 * 3 + 2 * 450, "{words} messages in 40 s");
    agreed(&world);
    assert_eq!(stands(&world, 0), None);
}

/// Two boxes that are linked show the same.
pub fn agreed(world: &World) {
    let shown = [0, 1].map(|who| named(world, who));
    let mirrored = shown[0].clone().map(|(side, name)| (if side == Side::Near { Side::Far } else { Side::Near }, name));
    let meets = [0, 1].iter().all(|who| mode(world, *who) == Mode::Meeting);
    if meets && mirrored != shown[1] {
        world.fault(&format!("{:?} here, {:?} there", shown[0], shown[1]));
    }
    let sent = [0, 1].iter().filter(|who| world.kiosks[**who].plan.live.send.is_some()).count();
    if meets && sent != usize::from(shown[0].is_some()) {
        world.fault(&format!("{sent} are sent, {shown:?} is shown"));
    }
}

/// Box `who` shares in a meeting, with this setting.
pub fn sharing(seed: u64, who: usize, take_over: TakeOver) -> World {
    let mut world = World::new(Options { people: true, ..Options::new(seed) });
    world.kill(who);
    world.kiosks[who].settings.room.take_over = take_over;
    world.start(who);
    if world.run_until(3 * SECOND, World::well).is_none() {
        world.fault("never linked");
    }
    world.run(2 * SECOND);
    assert_eq!(share(&mut world, who, 1, "田中"), Answer::Accepted);
    world.run(500 * MS);
    agreed(&world);
    world
}

fn share(world: &mut World, who: usize, id: u64, name: &str) -> Answer {
    let source = LiveSource { id: LiveId(id), kind: LiveKind::Browser, guest: None, name: name.into(), sound: true };
    bring(world, who, source).expect("an answer")
}

pub fn bring(world: &mut World, who: usize, source: LiveSource) -> Option<Answer> {
    world.kiosks[who].answers.clear();
    world.inject(who, Mail::Urgent(Input::Room(RoomInput::LiveAsked { ticket: Ticket(1), source })));
    world.kiosks[who].answers.last().copied()
}

pub fn gone(world: &mut World, who: usize, id: u64, why: LiveEnd) {
    world.inject(who, Mail::Urgent(Input::Room(RoomInput::LiveGone { id: LiveId(id), why })));
}

pub fn stands(world: &World, who: usize) -> Option<LiveShown> {
    world.kiosks[who].plan.live.shown
}

fn named(world: &World, who: usize) -> Option<(Side, String)> {
    world.shown(who).room.face.live.shown.map(|line| (line.side, line.name))
}
