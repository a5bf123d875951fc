//! The document input: a signal asks once or stands in front at once, a lost one takes all of it back, a changed resolution is
//! nothing to anybody, and nothing of it opens a microphone or wakes the room.

use crate::core_world::{MS, Mail, Options, SECOND, World};
use crate::live::{bring, stands};
use crate::{ask, asked, key, linked, mode};
use engawa::core::face::Banner;
use engawa::core::input::{Input, RoomInput};
use engawa::core::live::{LiveRequest, LiveSource};
use engawa::core::plan::LiveShown;
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::model::{GuestId, InputShows, Key, LiveEnd, LiveId, LiveKind, MicState, Mode};

#[test]
fn a_signal_asks_once_is_shown_by_a_key_and_offered_until_it_is_gone() {
    let mut world = linked(Options::new(110));
    appears(&mut world, InputShows::Ask);
    assert_eq!([asks(&world, 0), asks(&world, 1)], [true, false]);
    assert_eq!((mode(&world, 0), stands(&world, 0)), (Mode::Quiet, None), "nobody said yes");
    key(&mut world, 0, Key::View);
    world.run(300 * MS);
    on_both(&world);
    assert_eq!((asks(&world, 0), offered(&world)), (false, false));
    // Stopped from the other room: never again by itself, but a person may.
    assert_eq!(ask(&mut world, 1, Request::Live(LiveRequest::Stop)), Answer::Accepted);
    world.run(90 * SECOND);
    assert_eq!(world.kiosks[0].lives_ended, [(INPUT, LiveEnd::Stopped)]);
    assert_eq!((stands(&world, 0), asks(&world, 0), offered(&world)), (None, false, true));
    let stranger = asked(&mut world, 0, Asker::Guest(GuestId(9)), Request::ShowInput(true));
    assert_eq!(stranger, Answer::Denied(Denied::NotAdmitted));
    assert_eq!(ask(&mut world, 0, Request::ShowInput(true)), Answer::Accepted);
    assert_eq!(ask(&mut world, 0, Request::ShowInput(true)), Answer::AlreadySo);
    world.run(300 * MS);
    on_both(&world);
    lost(&mut world);
    world.run(4 * SECOND);
    assert_eq!([stands(&world, 0), stands(&world, 1)], [None; 2]);
    let told = [0, 1].map(|who| world.shown(who).room.face.live.ended.map(|(line, why)| (line.kind, why)));
    assert_eq!(told, [Some((LiveKind::Input, LiveEnd::Unplugged)); 2]);
    assert!(!offered(&world));
    assert_eq!(ask(&mut world, 0, Request::ShowInput(true)), Answer::Denied(Denied::NoInput));
    appears(&mut world, InputShows::Ask);
    assert!(asks(&world, 0), "another signal");
}

#[test]
fn a_question_that_nobody_answers_or_that_is_sent_away_leaves_the_offer() {
    let mut world = linked(Options::new(111));
    appears(&mut world, InputShows::Ask);
    world.run(59 * SECOND);
    assert!(asks(&world, 0));
    world.run(2 * SECOND);
    assert_eq!((asks(&world, 0), offered(&world)), (false, true));
    let mut world = linked(Options::new(111));
    appears(&mut world, InputShows::Ask);
    key(&mut world, 0, Key::More);
    assert_eq!((asks(&world, 0), offered(&world)), (false, true));
    assert_eq!(ask(&mut world, 0, Request::ShowInput(false)), Answer::AlreadySo);
    let mut world = linked(Options::new(111));
    appears(&mut world, InputShows::Ask);
    lost(&mut world);
    assert_eq!((asks(&world, 0), offered(&world)), (false, false), "with the signal goes its question");
    key(&mut world, 0, Key::View);
    assert_eq!((world.shown(0).room.view, stands(&world, 0)), (1, None), "the key is the camera's again");
}

#[test]
fn another_resolution_is_no_other_signal() {
    let mut world = linked(Options::new(112));
    appears(&mut world, InputShows::Ask);
    ask(&mut world, 0, Request::ShowInput(true));
    world.run(300 * MS);
    for _ in 0..5 {
        lost(&mut world);
        world.run(2500 * MS);
        on_both(&world);
        appears(&mut world, InputShows::Ask);
        assert!(!asks(&world, 0));
        world.run(20 * SECOND);
        on_both(&world);
    }
    assert!(world.kiosks[0].lives_ended.is_empty());
}

#[test]
fn at_once_means_at_once_but_never_again_after_somebody_ended_it() {
    let mut world = linked(Options::new(113));
    appears(&mut world, InputShows::AtOnce);
    world.run(300 * MS);
    on_both(&world);
    assert!(!asks(&world, 0));
    ask(&mut world, 1, Request::Mode(Mode::Quiet));
    world.run(SECOND);
    assert_eq!(world.kiosks[0].lives_ended, [(INPUT, LiveEnd::MeetingOver)]);
    assert_eq!((mode(&world, 0), stands(&world, 0), asks(&world, 0)), (Mode::Quiet, None, false));
    assert!(offered(&world));
    lost(&mut world);
    world.run(4 * SECOND);
    appears(&mut world, InputShows::AtOnce);
    world.run(300 * MS);
    on_both(&world);
}

#[test]
fn a_signal_wakes_nobody_and_opens_no_locked_room_but_asks_afterwards() {
    for shows in [InputShows::AtOnce, InputShows::Ask] {
        let mut world = linked(Options::new(114));
        ask(&mut world, 0, Request::Mode(Mode::Asleep));
        appears(&mut world, shows);
        world.run(SECOND);
        assert_eq!((mode(&world, 0), stands(&world, 0), asks(&world, 0)), (Mode::Asleep, None, false));
        key(&mut world, 0, Key::View);
        world.run(300 * MS);
        assert_eq!((mode(&world, 0), stands(&world, 0), asks(&world, 0)), (Mode::Quiet, None, true));
        let mut world = linked(Options::new(114));
        ask(&mut world, 0, Request::Lock(true));
        appears(&mut world, shows);
        assert_eq!((mode(&world, 0), stands(&world, 0), asks(&world, 0)), (Mode::Quiet, None, false));
        assert_eq!(ask(&mut world, 0, Request::ShowInput(true)), Answer::Denied(Denied::SharingLocked));
    }
    let mut world = linked(Options::new(114));
    ask(&mut world, 0, Request::Lock(true));
    appears(&mut world, InputShows::Ask);
    ask(&mut world, 0, Request::Lock(false));
    assert!(asks(&world, 0));
}

#[test]
fn beside_a_pc_of_the_other_room_it_waits_for_that_rooms_word_and_goes_with_its_signal() {
    let mut world = linked(Options::new(115));
    let name = "Suzuki".to_owned();
    let source = LiveSource { id: LiveId(7), kind: LiveKind::Sender, guest: None, name, sound: false };
    assert_eq!(bring(&mut world, 1, source), Some(Answer::Accepted));
    world.run(300 * MS);
    appears(&mut world, InputShows::AtOnce);
    world.run(300 * MS);
    let waits = |world: &World| [0, 1].map(|who| world.shown(who).room.face.live.waits.map(|line| line.kind));
    assert_eq!(waits(&world), [Some(LiveKind::Input); 2]);
    assert_eq!((asks(&world, 0), offered(&world)), (false, false));
    lost(&mut world);
    world.run(4 * SECOND);
    assert_eq!(waits(&world), [None; 2]);
    assert_eq!(stands(&world, 1), Some(LiveShown::Near(LiveId(7))));
    appears(&mut world, InputShows::AtOnce);
    world.run(300 * MS);
    assert_eq!(ask(&mut world, 1, Request::Live(LiveRequest::HandOver)), Answer::Accepted);
    world.run(300 * MS);
    on_both(&world);
}

fn on_both(world: &World) {
    assert_eq!([stands(world, 0), stands(world, 1)], [Some(LiveShown::Near(INPUT)), Some(LiveShown::Far)]);
    assert_eq!([mode(world, 0), mode(world, 1)], [Mode::Meeting; 2]);
    assert!(world.kiosks.iter().all(|kiosk| kiosk.plan.microphone == MicState::Closed));
    assert_eq!(world.kiosks[0].plan.live.send.map(|send| (send.source, send.sound)), Some((INPUT, None)));
}

fn asks(world: &World, who: usize) -> bool {
    world.shown(who).room.face.banner == Some(Banner::InputWaits)
}

fn offered(world: &World) -> bool {
    world.shown(0).room.face.live.input
}

fn appears(world: &mut World, shows: InputShows) {
    let source = LiveSource { id: INPUT, kind: LiveKind::Input, guest: None, name: String::new(), sound: false };
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::InputAppeared { source, shows })));
}

fn lost(world: &mut World) {
    world.inject(0, Mail::Urgent(Input::Room(RoomInput::InputLost(INPUT))));
}

const INPUT: LiveId = LiveId(1);
