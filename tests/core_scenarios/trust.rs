//! Who is believed: intruders, replays, strangers, wrong clocks; and what never opens by itself.

use super::{SEEDS, expect_calm, expect_within, frames_back, linked_by_seed, restless};
use crate::core_world::{MS, Mail, Options, PeerSession, SECOND, World, configured_address};
use engawa::core::Core;
use engawa::core::input::{DialFault, Input, News};
use engawa::core::output::Output;
use engawa::core::sentence::Sentence;
use engawa::core::signal::{Hello, Signal};
use engawa::core::snapshot::LinkState;
use engawa::model::{BootId, Line, MicState, Moment, SessionId, Side, TrunkId, VideoCodec};
use std::net::SocketAddr;
use std::time::Duration;

#[test]
fn somebody_on_the_path_gets_no_media_and_both_rooms_read_it() {
    for seed in SEEDS {
        let mut world = World::new(Options::new(seed));
        world.intruder = true;
        let both = |world: &World| (0..2).all(|who| world.shown(who).plan.screen.sentence == Some(Sentence::Intruder));
        let took = world.run_until(20 * SECOND, both);
        expect_within(&world, took, SECOND, "both say so");
        let before = world.counts();
        world.run(60 * SECOND);
        assert!(both(&world), "seed {seed}");
        assert_eq!(world.counts().admitted, 0);
        let tries = world.counts().sessions_opened - before.sessions_opened;
        assert!((10..=32).contains(&tries), "seed {seed}: tried {tries} times a minute at both boxes");
        assert_eq!(world.counts().trunks_closed, before.trunks_closed, "the trunk is not at fault");
        world.intruder = false;
        let took = world.run_until(20 * SECOND, World::well);
        expect_within(&world, took, 6 * SECOND, "healed");
        expect_calm(&mut world);
    }
}

#[test]
fn an_intruder_who_comes_later_cannot_join_the_running_session_nor_the_next() {
    for seed in SEEDS {
        let mut world = linked_by_seed(seed);
        let admitted = world.counts().admitted;
        world.intruder = true;
        world.run(10 * SECOND);
        assert!(world.both_up());
        world.kill(0);
        world.start(0);
        world.run(30 * SECOND);
        assert_eq!(world.counts().admitted, admitted);
        assert_eq!(world.shown(1).plan.screen.sentence, Some(Sentence::Intruder));
        assert_eq!(world.shown(0).plan.screen.sentence, Some(Sentence::Intruder));
    }
}

#[test]
fn a_certificate_that_cannot_be_read_is_a_refusal() {
    let mut world = World::new(Options::new(1));
    let building = |world: &World| !world.kiosks[0].sessions.is_empty();
    assert!(world.run_until(SECOND, building).is_some());
    let session = world.kiosks[0].sessions[0].order.session;
    world.inject(0, Mail::Urgent(Input::SessionSecured { session, certificate: None }));
    assert!(world.kiosks[0].sessions.is_empty(), "closed");
    assert_eq!(world.counts().admitted, 0);
}

#[test]
fn session_numbers_that_begin_again_after_a_reboot_are_not_refused_as_old() {
    for victim in [0, 1] {
        let mut world = linked_by_seed(7);
        for _ in 0..5 {
            world.kill_transport(victim);
            world.run(10 * SECOND);
        }
        assert!(world.well());
        assert!(world.shown(0).session.is_some_and(|session| session.number >= 6));
        world.kill(1);
        world.start(1);
        let took = frames_back(&mut world, 10 * SECOND);
        expect_within(&world, took, 1500 * MS, "new life");
        assert_eq!(world.shown(0).session, Some(SessionId { boot: world.kiosks[1].boot, number: 1 }));
    }
}

#[test]
fn replayed_and_stale_words_change_nothing() {
    for seed in SEEDS {
        let mut world = linked_by_seed(seed);
        world.kill_transport(0);
        world.run(5 * SECOND);
        let before = restless(&world);
        let session = world.shown(0).session.expect("linked");
        for who in [0, 1] {
            let far_boot = world.kiosks[1 - who].boot;
            let trunk = world.living_trunk(who).expect("linked");
            let older = SessionId { number: session.number - 1, ..session };
            let stranger = SessionId { boot: BootId(99), number: 99 };
            let sdp = World::sdp(far_boot, 4711);
            for session in [session, older, stranger] {
                let offer = Signal::Offer { session, codec: VideoCodec::H264, sdp: sdp.clone() };
                let answer = Signal::Answer { session, sdp: sdp.clone() };
                world.inject(who, Mail::Urgent(Input::Heard { trunk, signal: offer }));
                world.inject(who, Mail::Urgent(Input::Heard { trunk, signal: answer }));
                world.inject(who, Mail::Urgent(Input::SessionDescribed { session, sdp: sdp.clone() }));
                world.inject(who, Mail::Urgent(Input::SessionSecured { session, certificate: None }));
            }
            for session in [older, stranger] {
                let ended = Signal::SessionEnded { session };
                let wanted = Signal::SessionWanted { instead_of: Some(session) };
                world.inject(who, Mail::Urgent(Input::Heard { trunk, signal: ended }));
                world.inject(who, Mail::Urgent(Input::Heard { trunk, signal: wanted }));
                world.inject(who, Mail::Urgent(Input::SessionFailed { session, cause: "late".to_owned() }));
                world.inject(who, Mail::News(News::FrameDecoded { line: Line::Camera, session }));
            }
            world.inject(who, Mail::Urgent(Input::TrunkClosed { trunk: TrunkId(77) }));
            let signal = Signal::SessionEnded { session };
            world.inject(who, Mail::Urgent(Input::Heard { trunk: TrunkId(77), signal }));
        }
        assert_eq!(restless(&world), before, "seed {seed}");
        expect_calm(&mut world);
    }
}

#[test]
fn frames_of_a_stranger_session_never_make_the_link_look_alive() {
    let mut world = linked_by_seed(3);
    let stranger = SessionId { boot: BootId(99), number: 1 };
    world.line(false);
    for _ in 0..30 {
        world.run(100 * MS);
        world.inject(0, Mail::News(News::FrameDecoded { line: Line::Camera, session: stranger }));
    }
    assert_eq!(world.shown(0).link, LinkState::Lost);
}

#[test]
fn an_unpaired_box_says_nothing_to_anyone_whatever_happens_to_it() {
    let mut world = World::new(Options::new(5));
    let mut settings = world.kiosks[0].settings.clone();
    settings.link = None;
    settings.room.microphone_open = true;
    world.run(MS);
    let now = Moment::from_nanos(1);
    let mut core = Core::new(settings, now);
    let trunk = TrunkId(1);
    let peer = SocketAddr::new(configured_address(1), 7000);
    let hello = Hello {
        boot: BootId(1),
        name: String::new(),
        version: String::new(),
        codecs: vec![VideoCodec::H264],
        session_port: 7002,
    };
    core.handle(Input::TrunkOpened { trunk, dialled_by: Side::Far, peer, own: peer, hello }, now);
    core.handle(Input::Heard { trunk, signal: Signal::SessionWanted { instead_of: None } }, now);
    core.handle(Input::NetworkChanged(engawa::model::Network { carrier: true, addresses: vec![peer.ip()] }), now);
    core.handle_timeout(Moment::from_nanos(1 << 50));
    let waits = core.poll_timeout().expect("the room code rotates");
    assert!(waits.since(Moment::from_nanos(1 << 50)) > Duration::from_secs(60), "nothing else to wait for");
    assert_eq!(core.snapshot(now).link, LinkState::Unpaired);
    core.handle(Input::StopRequested, now);
    let outputs: Vec<Output> = std::iter::from_fn(|| core.poll_output()).collect();
    assert!(
        outputs
            .iter()
            .all(|output| matches!(output, Output::Arrange(_) | Output::Stop | Output::Record(_) | Output::DrawCode)),
        "{outputs:?}"
    );
    assert_eq!(outputs.last(), Some(&Output::Stop));
    for output in outputs {
        if let Output::Arrange(plan) = output {
            assert_eq!((plan.camera, plan.microphone, plan.play), (None, MicState::Closed, false));
            assert_eq!(plan.screen.sentence, Some(Sentence::NotPaired));
        }
    }
}

#[test]
fn the_microphone_opens_only_by_the_config_and_only_into_an_admitted_session() {
    for microphone_open in [false, true] {
        let mut world = World::new(Options { microphone_open, ..Options::new(6) });
        assert_eq!(world.kiosks[0].plan.microphone, MicState::Closed);
        world.run(5 * SECOND);
        let wanted = if microphone_open { MicState::Open } else { MicState::Closed };
        assert_eq!(world.shown(0).plan.microphone, wanted);
        assert_eq!(world.shown(0).microphone, wanted, "what people see is what leaves");
        assert_eq!(world.shown(1).far_microphone, wanted);
        world.line(false);
        world.run(100 * SECOND);
        world.line(true);
        world.run(5 * SECOND);
        assert_eq!(world.shown(0).plan.microphone, wanted);
        world.kill(0);
        world.start(0);
        assert_eq!(world.kiosks[0].plan.microphone, MicState::Closed);
        world.run(5 * SECOND);
        assert_eq!(world.shown(0).plan.microphone, wanted);
        assert_eq!(world.shown(1).plan.microphone, wanted);
    }
}

#[test]
fn wrong_wall_clocks_change_no_decision() {
    let tell = |walls: [u64; 2]| {
        let mut world = World::new(Options { walls, microphone_open: true, ..Options::new(8) });
        world.diary = Some(Vec::new());
        world.run(10 * SECOND);
        world.options.walls[0] = world.options.walls[0].wrapping_mul(2);
        world.line(false);
        world.run(5 * SECOND);
        world.line(true);
        world.run(5 * SECOND);
        world.kill(1);
        world.start_after(1, SECOND);
        world.run(20 * SECOND);
        assert!(world.well());
        let told = world.shown(0).wall_difference_ms;
        (world.diary.take(), told)
    };
    let (right, agreed) = tell([1_790_000_000_000; 2]);
    let (wrong, seen) = tell([1_451_606_400_000, 2_145_916_800_000]);
    assert_eq!(right, wrong);
    assert_ne!(agreed, seen, "but they are compared");
}

#[test]
fn a_peer_with_another_key_is_named() {
    let mut world = World::new(Options { dials: [true, false], ..Options::new(10) });
    world.kiosks[1].listening = false;
    world.run(500 * MS);
    world.inject(0, Mail::Urgent(Input::DialFailed { fault: DialFault::WrongKey }));
    assert_eq!(world.shown(0).plan.screen.sentence, Some(Sentence::WrongKey));
}

#[test]
fn only_the_first_answer_counts() {
    let mut world = World::new(Options::new(14));
    let answered = |world: &World| world.kiosks[1].sessions.first().is_some_and(PeerSession::started);
    assert!(world.run_until(SECOND, answered).is_some());
    let session = world.kiosks[1].sessions[0].order.session;
    let trunk = world.living_trunk(1).expect("a trunk is open");
    let answer = Signal::Answer { session, sdp: World::sdp(BootId(666), 1) };
    world.inject(1, Mail::Urgent(Input::Heard { trunk, signal: answer }));
    let took = world.run_until(SECOND, World::well);
    expect_within(&world, took, 500 * MS, "linked all the same");
    assert_eq!(world.counts().sessions_opened, 2);
}
