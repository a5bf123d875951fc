//! Faults that must be ordinary: two boxes in two namespaces come back from each of them by themselves, with picture and
//! sound both ways. Figures are printed (`measured: …`); they are judged by `engawa bench` on a quiet machine, here only
//! against generous limits. tests/trixie/run.sh runs this file on Debian 13 too.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use std::time::Duration;
use support::boxes::{Dialling, Pair, Setup};
use support::lab::{AddressCheck, Carrier, End, Lab, Middle};
use support::pause;
use support::recovery::now_ns;
use support::wire::Family;

#[test]
fn two_boxes_link_over_ipv4_and_over_ipv6() {
    for family in [Family::V4, Family::V6] {
        let Some(lab) = Lab::new(Middle::Switch) else { return };
        let mut pair = Pair::prepare(Some(&lab), &setup(family));
        pair.start_box(End::A);
        let started = now_ns();
        pair.start_box(End::B);
        pair.frames_return(&format!("start to first picture, {family:?}"), started, UP);
        pair.all_moves(UP);
        let status = pair.status(End::A).unwrap();
        let peer = status["peer"]["address"].as_str().unwrap();
        assert_eq!(peer.starts_with('['), family == Family::V6, "{peer}");
    }
}

#[test]
fn a_cut_of_5_seconds_is_noticed_and_the_same_session_goes_on() {
    for family in [Family::V4, Family::V6] {
        let Some(lab) = Lab::new(Middle::Switch) else { return };
        let pair = linked(&lab, &setup(family));
        let session = pair.session();
        lab.cut();
        pair.loss_is_noticed(&format!("loss noticed, {family:?}"), NOTICED);
        pause(SHORT_CUT);
        lab.heal();
        pair.frames_return(&format!("cut of 5 s, {family:?}"), now_ns(), BACK);
        pair.all_moves(UP);
        assert_eq!(pair.session(), session, "the session is kept");
    }
}

#[test]
fn a_cut_of_65_seconds_ends_with_fresh_pictures() {
    a_long_cut(Duration::from_secs(65));
}

#[test]
#[ignore = "five minutes: run by make test-trixie"]
fn a_cut_of_300_seconds_ends_with_fresh_pictures() {
    a_long_cut(Duration::from_secs(300));
}

#[test]
fn a_pulled_cable_is_named_and_the_link_returns_with_it() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let pair = linked(&lab, &setup(Family::V4));
    lab.carrier(End::A, Carrier::Down);
    let pulled = pair.wait_status(End::A, UP, "cable out", |status| status["fault"]["kind"] == "near-cable-out");
    assert_eq!(pulled["fault"]["en"], "This box's network cable is unplugged. Please plug it in.");
    pair.loss_is_noticed("loss noticed, cable", NOTICED);
    pause(SHORT_CUT);
    lab.carrier(End::A, Carrier::Up);
    pair.frames_return("carrier back after 5 s", now_ns(), BACK_AFTER_CHANGE);
    pair.all_moves(UP);
}

#[test]
fn a_lost_address_is_named_and_the_link_returns_with_it() {
    for family in [Family::V4, Family::V6] {
        let Some(lab) = Lab::new(Middle::Switch) else { return };
        let pair = linked(&lab, &setup(family));
        lab.flush_address(End::A);
        pair.wait_status(End::A, UP, "address missing", |status| status["fault"]["kind"] == "near-address-missing");
        pair.wait_status(End::B, UP, "lost", |status| status["link"] == "lost");
        pause(Duration::from_secs(2));
        lab.restore_address(End::A);
        pair.frames_return(&format!("address back, {family:?}"), now_ns(), BACK_AFTER_CHANGE);
        pair.all_moves(UP);
    }
}

/// First one box, then the other: the second time the peer's configured address of either box is out of date.
#[test]
fn a_box_whose_address_changes_dials_in_from_the_new_one() {
    for family in [Family::V4, Family::V6] {
        let Some(lab) = Lab::new(Middle::Switch) else { return };
        let pair = linked(&lab, &setup(family));
        for (end, host) in [(End::A, 77), (End::B, 78)] {
            lab.change_address(end, host);
            let changed = now_ns();
            pair.frames_return(&format!("address of {end:?} changed, {family:?}"), changed, BACK_AFTER_CHANGE);
            pair.all_moves(UP);
            let [v4, v6] = lab.addresses(end);
            let address = if family == Family::V4 { v4 } else { v6 };
            let seen = pair.status(end.other()).unwrap();
            let seen: std::net::SocketAddr = seen["peer"]["address"].as_str().unwrap().parse().unwrap();
            assert_eq!(seen.ip(), address, "the peer is where it is now");
        }
    }
}

/// On a real network an IPv6 address is checked for duplicates for about a second first: reported separately.
#[test]
fn an_ipv6_address_that_is_checked_for_duplicates_only_costs_that_check() {
    let Some(lab) = Lab::with_address_check(Middle::Switch, AddressCheck::Real) else { return };
    let pair = linked(&lab, &setup(Family::V6));
    lab.flush_address(End::B);
    pair.wait_status(End::B, UP, "lost", |status| status["link"] == "lost");
    let restoring = now_ns();
    lab.restore_address(End::B);
    pair.frames_return(
        "IPv6 address back, duplicate check included",
        restoring,
        BACK_AFTER_CHANGE + Duration::from_secs(3),
    );
}

#[test]
fn a_firewall_that_lets_only_one_side_open_connections_is_enough() {
    for opener in End::BOTH {
        let Some(lab) = Lab::new(Middle::Switch) else { return };
        lab.only_opens(opener);
        let pair = linked(&lab, &setup(Family::V4));
        lab.cut();
        pair.loss_is_noticed(&format!("loss noticed, only {opener:?} opens"), NOTICED);
        lab.heal();
        pair.frames_return(&format!("cut, only {opener:?} opens"), now_ns(), BACK);
        pair.all_moves(UP);
    }
}

#[test]
fn a_box_that_only_dials_and_one_that_only_listens_link() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let pair = linked(&lab, &Setup { dialling: Dialling::Only(End::B), ..setup(Family::V4) });
    lab.cut();
    pair.loss_is_noticed("loss noticed, only B dials", NOTICED);
    lab.heal();
    pair.frames_return("cut, only B dials", now_ns(), BACK);
}

#[test]
fn a_killed_box_is_back_with_its_first_picture() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let mut pair = linked(&lab, &setup(Family::V4));
    for end in End::BOTH {
        let session = pair.session();
        pair.kill_box(end);
        pair.wait_status(end.other(), UP, "lost", |status| status["link"] == "lost");
        let started = now_ns();
        pair.start_box(end);
        pair.frames_return(&format!("kill -9 of {end:?} and restart"), started, RESTARTED);
        pair.all_moves(UP);
        assert_ne!(pair.session(), session);
    }
}

/// Only one direction is cut: the box that still hears must not believe that all is well on both sides for long.
#[test]
fn a_cut_in_one_direction_is_noticed_by_the_deaf_box_and_heals() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let pair = linked(&lab, &setup(Family::V4));
    lab.cut_into(End::A);
    pair.wait_status(End::A, UP, "lost", |status| status["link"] == "lost");
    pause(Duration::from_secs(3));
    lab.heal();
    pair.frames_return("cut of one direction", now_ns(), BACK_AFTER_CHANGE);
    pair.all_moves(UP);
}

fn a_long_cut(cut: Duration) {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let pair = linked(&lab, &setup(Family::V4));
    lab.cut();
    pair.loss_is_noticed(&format!("loss noticed, cut of {} s", cut.as_secs()), NOTICED);
    pause(cut);
    lab.heal();
    pair.frames_return(&format!("cut of {} s", cut.as_secs()), now_ns(), BACK);
    pair.all_moves(UP);
}

fn linked<'lab>(lab: &'lab Lab, setup: &Setup) -> Pair<'lab> {
    let pair = Pair::start(Some(lab), setup);
    pair.wait_up(UP);
    pair.all_moves(UP);
    pair
}

fn setup(family: Family) -> Setup {
    Setup { family, size: "320x240".into(), ..Setup::default() }
}

/// Anything that only has to happen.
const UP: Duration = Duration::from_secs(20);
const SHORT_CUT: Duration = Duration::from_millis(3500);
/// To be reached: 1.5 s, measured by the bench. Here a starved machine must not turn a working link red.
const NOTICED: Duration = Duration::from_millis(4000);
/// Reach 0.5 s.
const BACK: Duration = Duration::from_secs(2);
/// Reach 1.0 s.
const BACK_AFTER_CHANGE: Duration = Duration::from_secs(3);
/// Reach 1.5 s.
const RESTARTED: Duration = Duration::from_secs(6);
