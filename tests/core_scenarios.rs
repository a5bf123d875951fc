//! Two cores in pretend time: exact deadlines, one named test per promise.
//!
//! Deadlines are those of issue 2's table; every scenario runs with each box as the victim, so in both roles.

mod core_world;

use core_world::{Camera, Counts, MS, Mail, Options, SECOND, World, configured_address};
use engawa::core::Core;
use engawa::core::input::{DialFault, Input, News};
use engawa::core::output::Output;
use engawa::core::plan::Picture;
use engawa::core::sentence::Sentence;
use engawa::core::signal::{Hello, Signal};
use engawa::core::snapshot::LinkState;
use engawa::model::{BootId, Line, MicState, Moment, SessionId, Side, TrunkId, VideoCodec};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const SEEDS: std::ops::Range<u64> = 0..20;

/// Two boxes that have been linked for 5 s.
fn linked(options: Options) -> World {
    let mut world = World::new(options);
    if world.run_until(2 * SECOND, World::well).is_none() {
        world.fault("never linked");
    }
    world.run(5 * SECOND);
    world
}

fn linked_by_seed(seed: u64) -> World {
    linked(Options::new(seed))
}

/// How long until both boxes decoded a frame after this moment.
fn frames_back(world: &mut World, limit: u64) -> Option<u64> {
    let since = world.now;
    world.run_until(limit, |world| world.both_up() && world.kiosks.iter().all(|kiosk| kiosk.decoded_at > since))
}

fn expect_within(world: &World, took: Option<u64>, limit: u64, what: &str) {
    match took {
        Some(took) if took <= limit => {}
        Some(_) | None => world.fault(&format!("{what}: {:?} ms instead of {} ms", took.map(|t| t / MS), limit / MS)),
    }
}

/// Nothing but heartbeats for a minute.
fn expect_calm(world: &mut World) {
    world.run(5 * SECOND);
    let before = world.counts();
    world.run(60 * SECOND);
    let after = world.counts();
    assert_eq!(after.restless(), before.restless(), "seed {:#x}: restless", world.options.seed);
    assert!(after.arranged - before.arranged <= 2, "the plan keeps changing");
    let beats = after.heartbeats - before.heartbeats;
    assert!((470..=484).contains(&beats), "{beats} heartbeats a minute of both boxes");
    assert!(world.well(), "seed {:#x}: not well after a calm minute", world.options.seed);
}

fn restless(world: &World) -> Counts {
    world.counts().restless()
}

#[test]
fn two_boxes_show_each_other_within_0_6_s_of_their_start() {
    for seed in 0..100 {
        let mut world = World::new(Options::new(seed));
        let took = world.run_until(2 * SECOND, World::well);
        expect_within(&world, took, 600 * MS, "first picture");
        assert_eq!(world.counts().sessions_opened, 2, "one session, opened once at each box");
        expect_calm(&mut world);
        assert_eq!(world.counts().sessions_opened, 2);
        assert_eq!(world.counts().admitted, 2);
    }
}

#[test]
fn a_cut_keeps_the_session_and_frames_are_back_half_a_second_after_the_path() {
    for (seconds, seeds) in [(5, 20), (60, 20), (300, 10), (36_000, 1)] {
        for seed in 0..seeds {
            let fps = if seconds > 1000 { 5 } else { 30 };
            let mut world = linked(Options { fps, ..Options::new(seed) });
            let (session, before) = (world.shown(0).session, world.counts());
            world.line(false);
            world.run(seconds * SECOND + seed * 37 * MS);
            assert_eq!(world.shown(0).link, LinkState::Lost);
            world.line(true);
            let took = frames_back(&mut world, 5 * SECOND);
            expect_within(&world, took, 500 * MS, &format!("frames after a cut of {seconds} s"));
            let took = world.run_until(5 * SECOND, World::well);
            expect_within(&world, took, 1000 * MS, "trunk back");
            expect_calm(&mut world);
            assert_eq!(
                world.counts().sessions_opened,
                before.sessions_opened,
                "seed {seed}: a new session, {seconds} s"
            );
            assert_eq!(world.shown(1).session, session);
        }
    }
}

#[test]
fn a_transport_that_gave_up_during_the_cut_is_replaced_within_a_second_of_the_path() {
    for seconds in [60, 300] {
        for seed in SEEDS {
            let mut world = linked(Options { consent: Some(30 * SECOND), ..Options::new(seed) });
            let before = world.counts();
            world.line(false);
            world.run(seconds * SECOND + seed * 37 * MS);
            world.line(true);
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, 1000 * MS, &format!("new session after a cut of {seconds} s"));
            expect_calm(&mut world);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened + 2, "seed {seed}: one new session");
        }
    }
}

#[test]
fn a_transport_that_died_in_silence_during_the_cut_is_replaced_within_a_second_of_the_path() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.line(false);
            world.run(10 * SECOND + seed * 37 * MS);
            world.kill_transport(victim);
            world.line(true);
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, 1200 * MS, "new session");
            expect_calm(&mut world);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened + 2, "seed {seed}: one new session");
        }
    }
}

#[test]
fn a_session_that_dies_in_silence_on_a_good_line_is_replaced_once() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.kill_transport(victim);
            let took = frames_back(&mut world, 10 * SECOND);
            world.run(SECOND);
            expect_within(&world, took, 2 * SECOND, "replaced");
            let took = frames_back(&mut world, SECOND);
            expect_within(&world, took, 2 * SECOND, "frames");
            expect_calm(&mut world);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened + 2, "seed {seed}: one new session");
        }
    }
}

#[test]
fn loss_is_noticed_and_shown_within_1_5_s() {
    for camera in [Camera::Live, Camera::Placeholder] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            world.kiosks[0].camera = camera;
            world.run(3 * SECOND + seed * 13 * MS);
            world.line(false);
            let shown = |world: &World, who: usize| {
                let shown = world.shown(who);
                shown.link == LinkState::Lost
                    && matches!(shown.plan.screen.picture, Picture::Held { .. })
                    && shown.plan.screen.sentence.is_some()
            };
            let took = world.run_until(5 * SECOND, |world| shown(world, 0) && shown(world, 1));
            let cadence = if camera == Camera::Live { 0 } else { 200 * MS };
            expect_within(&world, took, 1500 * MS + cadence, "loss shown");
            world.run(2 * SECOND);
            assert_eq!(world.shown(0).plan.screen.sentence, Some(Sentence::FarSilent));
        }
    }
}

#[test]
fn missed_heartbeats_alone_never_mark_the_link_lost() {
    for seed in SEEDS {
        let mut world = linked_by_seed(seed);
        let before = world.counts();
        world.ways.iter_mut().for_each(|way| way.carries_trunk = false);
        for _ in 0..300 {
            world.run(100 * MS);
            assert!(world.both_up(), "seed {seed}");
        }
        assert!(!world.shown(0).trunk);
        world.ways.iter_mut().for_each(|way| way.carries_trunk = true);
        let took = world.run_until(5 * SECOND, World::well);
        expect_within(&world, took, 1000 * MS, "trunk back");
        expect_calm(&mut world);
        assert_eq!(world.counts().sessions_opened, before.sessions_opened);
    }
}

#[test]
fn fresh_frames_lift_stale_at_once_although_the_trunk_is_still_gone() {
    for seed in SEEDS {
        let mut world = linked_by_seed(seed);
        world.line(false);
        world.run(10 * SECOND);
        world.ways.iter_mut().for_each(|way| way.carries_trunk = false);
        world.line(true);
        for who in [0, 1] {
            let frames = world.kiosks[who].frames_decoded;
            let came = world.run_until(SECOND, |world| world.kiosks[who].frames_decoded > frames);
            assert!(came.is_some());
            assert_eq!(world.shown(who).link, LinkState::Up, "seed {seed}");
            assert_eq!(world.shown(who).plan.screen.picture, Picture::Live);
        }
    }
}

#[test]
fn after_a_kill_and_restart_the_picture_is_back_within_1_5_s() {
    for victim in [0, 1] {
        for seed in SEEDS {
            for away in [100 * MS, 3 * SECOND, 20 * SECOND] {
                let mut world = linked_by_seed(seed);
                let before = world.counts();
                world.kill(victim);
                world.run(away);
                if away > SECOND {
                    assert_eq!(world.shown(1 - victim).plan.screen.sentence, Some(Sentence::FarNotRunning));
                }
                world.start(victim);
                let took = frames_back(&mut world, 10 * SECOND);
                expect_within(&world, took, 1500 * MS, "picture after a restart");
                expect_calm(&mut world);
                assert_eq!(world.counts().sessions_opened, before.sessions_opened + 2, "seed {seed}: one new session");
            }
        }
    }
}

#[test]
fn a_box_whose_plug_was_pulled_is_back_within_1_5_s_of_its_start() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            world.unplug(victim);
            world.run(30 * SECOND + seed * 31 * MS);
            assert_eq!(world.shown(1 - victim).plan.screen.sentence, Some(Sentence::FarSilent));
            world.start(victim);
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, 1500 * MS, "picture after power came back");
            expect_calm(&mut world);
        }
    }
}

#[test]
fn a_restart_so_quick_that_no_closure_was_heard_is_noticed_by_the_hello() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            world.unplug(victim);
            world.start(victim);
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, 2000 * MS, "picture");
            expect_calm(&mut world);
        }
    }
}

#[test]
fn a_box_that_is_stopped_says_farewell_and_the_other_room_reads_why() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            world.inject(victim, Mail::Urgent(Input::StopRequested));
            assert!(world.kiosks[victim].core.is_none(), "it left");
            let going = Some(Sentence::FarGoingDown);
            let took = world.run_until(SECOND, |world| world.shown(1 - victim).plan.screen.sentence == going);
            expect_within(&world, took, 200 * MS, "the sentence");
            world.run(10 * SECOND);
            assert_eq!(world.shown(1 - victim).plan.screen.sentence, going);
            world.start(victim);
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, 1500 * MS, "picture");
            expect_calm(&mut world);
        }
    }
}

#[test]
fn a_changed_address_gets_a_new_session_within_a_second() {
    let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 0, 9, 9));
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.move_to(victim, Some(elsewhere));
            let took = world.run_until(10 * SECOND, |world| {
                world.both_up()
                    && world.counts().admitted == before.admitted + 2
                    && world.kiosks.iter().all(|kiosk| kiosk.decoded_at + 100 * MS > world.now)
            });
            expect_within(&world, took, SECOND, "new address");
            expect_calm(&mut world);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened + 2);
            assert_eq!(world.shown(1 - victim).peer_address.map(|peer| peer.ip()), Some(elsewhere));
        }
    }
}

#[test]
fn a_flushed_address_that_returns_gets_a_new_session_within_a_second() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.move_to(victim, None);
            world.run(2 * SECOND);
            assert_eq!(world.shown(victim).plan.screen.sentence, Some(Sentence::NearAddressMissing));
            world.move_to(victim, Some(configured_address(victim)));
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, SECOND, "address back");
            expect_calm(&mut world);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened + 2);
        }
    }
}

#[test]
fn a_pulled_cable_is_named_and_keeps_the_session() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.carrier(victim, false);
            world.run(5 * SECOND);
            assert_eq!(world.shown(victim).plan.screen.sentence, Some(Sentence::NearCableOut));
            assert_eq!(world.shown(1 - victim).plan.screen.sentence, Some(Sentence::FarSilent));
            world.carrier(victim, true);
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, 500 * MS, "cable back");
            expect_calm(&mut world);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened);
        }
    }
}

#[test]
fn a_firewall_that_lets_only_one_side_dial_is_enough() {
    for dialler in [0, 1] {
        for both_try in [false, true] {
            for seed in SEEDS {
                let mut options = Options::new(seed);
                options.dials = if both_try { [true; 2] } else { [dialler == 0, dialler == 1] };
                let mut world = World::new(options);
                world.ways[1 - dialler].lets_dial = false;
                let took = world.run_until(5 * SECOND, World::well);
                expect_within(&world, took, 600 * MS, "first picture");
                expect_calm(&mut world);
                world.line(false);
                world.run(20 * SECOND);
                world.line(true);
                let took = frames_back(&mut world, 5 * SECOND);
                expect_within(&world, took, 500 * MS, "frames back");
                expect_calm(&mut world);
                world.kill(1 - dialler);
                world.run(2 * SECOND);
                world.start(1 - dialler);
                let took = frames_back(&mut world, 10 * SECOND);
                expect_within(&world, took, 1500 * MS, "restart of the side that cannot dial");
                expect_calm(&mut world);
            }
        }
    }
}

#[test]
fn dials_that_cross_end_in_one_trunk_without_flapping() {
    for seed in 0..200 {
        let mut world = World::new(Options { latency: 1 + (seed % 60) * MS, jitter: 5 * MS, ..Options::new(seed) });
        let took = world.run_until(5 * SECOND, World::well);
        expect_within(&world, took, 1500 * MS, "one trunk");
        assert!(world.counts().trunks_closed <= 1, "seed {seed}: {} closed", world.counts().trunks_closed);
        assert!(world.counts().dials <= 3, "seed {seed}: {} dials", world.counts().dials);
        assert_eq!(world.counts().sessions_opened, 2, "seed {seed}");
        expect_calm(&mut world);
    }
}

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
fn a_camera_that_stops_sending_does_not_cost_a_session() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.run(seed * 11 * MS);
            world.kiosks[victim].camera = Camera::Hung;
            world.run(30 * SECOND);
            assert_eq!(world.shown(1 - victim).link, LinkState::Lost, "no picture that is not live looks live");
            assert_eq!(world.shown(1 - victim).plan.screen.sentence, Some(Sentence::PictureMissing));
            world.reset_conns();
            world.run(10 * SECOND);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened, "seed {seed}");
            world.kiosks[victim].camera = Camera::Placeholder;
            world.run(2 * SECOND);
            assert!(world.both_up());
            assert_eq!(world.shown(1 - victim).plan.screen.sentence, Some(Sentence::FarCameraMissing));
            world.kiosks[victim].camera = Camera::Live;
            world.run(2 * SECOND);
            assert!(world.both_up());
            assert_eq!(world.counts().sessions_opened, before.sessions_opened, "seed {seed}");
        }
    }
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
fn a_frozen_far_box_is_shown_as_lost_and_needs_no_new_session_when_it_goes_on() {
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.freeze(victim, 4 * SECOND);
            world.run(1500 * MS);
            assert_eq!(world.shown(1 - victim).link, LinkState::Lost);
            world.run(2500 * MS);
            let took = frames_back(&mut world, 10 * SECOND);
            expect_within(&world, took, 500 * MS, "frames after SIGCONT");
            expect_calm(&mut world);
            assert_eq!(world.counts().sessions_opened, before.sessions_opened, "seed {seed}");
        }
    }
}

#[test]
fn an_unpaired_box_says_nothing_to_anyone_whatever_happens_to_it() {
    let mut world = World::new(Options::new(5));
    let mut settings = world.kiosks[0].settings.clone();
    settings.link = None;
    settings.microphone_open = true;
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
    assert_eq!(core.poll_timeout(), None, "nothing to wait for");
    assert_eq!(core.snapshot(now).link, LinkState::Unpaired);
    core.handle(Input::StopRequested, now);
    let outputs: Vec<Output> = std::iter::from_fn(|| core.poll_output()).collect();
    assert!(outputs.iter().all(|output| matches!(output, Output::Arrange(_) | Output::Stop)), "{outputs:?}");
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
fn a_peer_that_does_not_listen_is_named_and_tried_until_it_does() {
    let mut options = Options::new(9);
    options.dials = [true, false];
    let mut world = World::new(options);
    world.kiosks[1].listening = false;
    world.run(60 * SECOND);
    assert_eq!(world.shown(0).plan.screen.sentence, Some(Sentence::FarNotRunning));
    assert!((200..=245).contains(&world.counts().dials), "{} dials a minute", world.counts().dials);
    world.kiosks[1].listening = true;
    let took = world.run_until(5 * SECOND, World::well);
    expect_within(&world, took, 900 * MS, "linked");
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
fn a_line_with_a_long_round_trip_is_linked_too() {
    for seed in SEEDS {
        let mut world = World::new(Options { latency: 200 * MS, jitter: 20 * MS, ..Options::new(seed) });
        let took = world.run_until(30 * SECOND, World::well);
        expect_within(&world, took, 12 * SECOND, "round trip of 400 ms");
        expect_calm(&mut world);
    }
}

#[test]
fn a_line_that_loses_a_tenth_of_everything_stays_up_without_new_sessions() {
    for seed in SEEDS {
        let mut world = linked_by_seed(seed);
        let before = world.counts();
        world.ways.iter_mut().for_each(|way| (way.drop, way.jitter) = (0.1, 100 * MS));
        world.aligned_within = 2_000_000_000;
        for _ in 0..600 {
            world.run(100 * MS);
            assert!(world.both_up(), "seed {seed}");
        }
        assert_eq!(world.counts().sessions_opened, before.sessions_opened, "seed {seed}");
    }
}

#[test]
fn two_hundred_new_sessions_leave_nothing_behind() {
    let mut world = linked_by_seed(11);
    for round in 0..200 {
        world.kill_transport(round % 2);
        world.run(5 * SECOND);
        assert!(world.well(), "round {round}");
    }
    assert_eq!(world.shown(0).sessions_opened, 201);
    assert_eq!(world.counts().sessions_closed, world.counts().sessions_opened - 2);
}

#[test]
fn a_renewal_at_a_quiet_hour_loses_no_frame() {
    for asker in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.inject(asker, Mail::Urgent(Input::RenewalDue));
            for _ in 0..100 {
                world.run(20 * MS);
                assert!(world.both_up());
                let late = |who: usize| world.now - world.kiosks[who].decoded_at;
                assert!(late(0) < 300 * MS && late(1) < 300 * MS, "seed {seed}: {} {} ms", late(0) / MS, late(1) / MS);
            }
            assert_eq!(world.counts().sessions_opened, before.sessions_opened + 2);
            expect_calm(&mut world);
        }
    }
}

#[test]
fn one_slow_heartbeat_does_not_make_the_next_dials_wait() {
    for victim in [0, 1] {
        let mut world = World::new(Options::new(12));
        assert!(world.run_until(SECOND, |world| world.open_conns() > 0).is_some());
        world.run(2 * MS);
        world.freeze(victim, 4 * SECOND);
        world.run(4 * SECOND);
        world.line(false);
        world.run(3 * SECOND);
        world.line(true);
        let took = frames_back(&mut world, 10 * SECOND);
        expect_within(&world, took, 2500 * MS, "linked");
    }
}
