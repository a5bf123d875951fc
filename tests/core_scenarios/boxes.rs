//! The boxes and where they stand: restarts, freezes, addresses, cables, firewalls, cameras.

use super::{SEEDS, expect_calm, expect_within, frames_back, linked_by_seed};
use crate::core_world::{Camera, MS, Mail, Options, SECOND, World, configured_address};
use engawa::core::input::Input;
use engawa::core::sentence::Sentence;
use engawa::core::snapshot::LinkState;
use std::net::{IpAddr, Ipv4Addr};

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
                    assert_eq!(world.shown(1 - victim).plan.screen.sentence, Some(Sentence::FarGoingDown));
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
            let old = world.kiosks[1 - victim].admitted;
            world.unplug(victim);
            world.start(victim);
            world.run_until(2 * SECOND, |world| world.kiosks[1 - victim].admitted != old);
            assert_eq!(world.kiosks[1 - victim].admitted, None, "nothing more is sent to the life that ended");
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
fn two_boxes_that_move_one_right_after_the_other_link_again_without_a_storm_of_dials() {
    for first in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            for (victim, host) in [(first, 201), (1 - first, 202)] {
                world.move_to(victim, None);
                world.run(seed % 7 * 5 * MS);
                world.move_to(victim, Some(IpAddr::from([192, 0, 2, host])));
                let took = frames_back(&mut world, 5 * SECOND);
                // The second move comes while the connection from the first is only a moment old.
                expect_within(&world, took, SECOND, "new address");
            }
            expect_calm(&mut world);
            let dials = world.counts().dials - before.dials;
            assert!(dials <= 20, "seed {seed}: {dials} dials");
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

#[test]
fn an_address_that_changed_unnoticed_gets_a_new_session_with_the_next_trunk() {
    let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 0, 9, 9));
    for victim in [0, 1] {
        for seed in SEEDS {
            let mut world = linked_by_seed(seed);
            let before = world.counts();
            world.kiosks[victim].address = Some(elsewhere);
            assert!(world.run_until(5 * SECOND, |world| !world.shown(victim).trunk).is_some());
            assert!(world.run_until(5 * SECOND, |world| world.shown(0).trunk && world.shown(1).trunk).is_some());
            let opened = world.run_until(SECOND, |world| world.counts().sessions_opened == before.sessions_opened + 2);
            expect_within(&world, opened, 150 * MS, "new session");
            let took = frames_back(&mut world, 5 * SECOND);
            expect_within(&world, took, SECOND, "frames");
            expect_calm(&mut world);
        }
    }
}

#[test]
fn a_peer_that_moved_is_dialled_where_it_was_last_heard() {
    for victim in [0, 1] {
        let mut world = linked_by_seed(13);
        world.move_to(victim, Some(IpAddr::V4(Ipv4Addr::new(10, 0, 9, 9))));
        world.run(5 * SECOND);
        assert!(world.well());
        world.ways[victim].lets_dial = false;
        world.reset_conns();
        world.run(500 * MS);
        let took = world.run_until(10 * SECOND, World::well);
        expect_within(&world, took, 1500 * MS, "trunk to the new address");
        expect_calm(&mut world);
    }
}
