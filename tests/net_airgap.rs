//! A box in a closed network: no way out, no names, a wrong clock. It links, and nothing crosses its cable but what
//! docs/flows.md says. Several pairs on one segment keep to themselves.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use support::boxes::{Pair, Ports, Setup};
use support::capture::{Capture, Flow};
use support::lab::{End, Lab, Middle};
use support::needs::Need;
use support::packet::Protocol;
use support::pause;
use support::recovery::{measured, now_ns};
use support::wire::Family;

#[test]
fn the_flow_table_names_the_default_ports() {
    let wanted: BTreeSet<(String, u16)> =
        [("TCP", 7420), ("UDP", 7422), ("UDP", 7423)].map(|(p, n)| (p.into(), n)).into();
    assert_eq!(flow_table(), wanted);
    assert_eq!(
        rows_from("room"),
        [("TCP", 443), ("TCP", 631), ("UDP", 5353), ("UDP", 7424)].map(|(p, n)| (p.into(), n)).into()
    );
    let config: toml::Table = include_str!("../config/engawa.toml").parse().unwrap();
    assert_eq!(config["printer"]["port"].as_integer(), Some(631));
    assert_eq!(config["trunk"]["listen"].as_str(), Some("[::]:7420"));
    assert_eq!(config["session"]["port"].as_integer(), Some(7422));
    assert_eq!(config["share"]["port"].as_integer(), Some(7424));
}

#[test]
fn only_documented_flows_cross_the_cable_and_only_documented_ports_listen() {
    for (family, middle) in [(Family::V4, Middle::Switch), (Family::V6, Middle::Router)] {
        let Some(lab) = Lab::new(middle) else { return };
        End::BOTH.into_iter().for_each(|end| lab.air_gap(end));
        let Some(a) = Capture::start(&lab, End::A) else { return };
        let Some(b) = Capture::start(&lab, End::B) else { return };
        let mut pair = Pair::start(Some(&lab), &setup(family));
        pair.wait_up(UP);
        pair.all_moves(UP);
        End::BOTH.into_iter().for_each(|end| listens_as_documented(&lab, &pair, end));
        // A cut and a restart are when a program would ask around.
        lab.cut();
        pair.loss_is_noticed("loss noticed, captured", Duration::from_secs(2));
        lab.heal();
        pair.kill_box(End::B);
        pair.start_box(End::B);
        pair.frames_return("captured restart", now_ns(), UP);
        End::BOTH.into_iter().for_each(|end| listens_as_documented(&lab, &pair, end));
        drop(pair);
        for (end, capture) in [(End::A, a), (End::B, b)] {
            let seen = capture.stop();
            let media: u64 =
                seen.iter().filter(|(flow, _)| flow.protocol == Protocol::Udp).map(|(_, count)| count).sum();
            assert!(media > 100, "the capture saw the session: {seen:?}");
            let strange: Vec<&Flow> = seen.keys().filter(|flow| !is_documented(&lab, flow)).collect();
            assert!(strange.is_empty(), "on the cable of {end:?}: {strange:#?}");
        }
    }
}

/// One box lives in 2016, the other crosses 2038-01-19 03:14:07 UTC, where 32 bits of seconds end.
#[test]
fn wrong_clocks_do_not_matter() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    if !Need::FalseClock.met() {
        return;
    }
    let mut pair = Pair::prepare(Some(&lab), &setup(Family::V4));
    for (end, wall) in [(End::A, "@2016-02-29 23:59:55"), (End::B, "@2038-01-19 03:14:02")] {
        pair.set_environment(
            end,
            &[
                ("LD_PRELOAD", FAKETIME),
                ("FAKETIME", wall),
                ("TZ", "UTC"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ("FAKETIME_NO_CACHE", "1"),
            ],
        );
    }
    let started = now_ns();
    End::BOTH.into_iter().for_each(|end| pair.start_box(end));
    pair.frames_return("start to first picture in 2016 and 2038", started, UP);
    // Over both boundaries, heartbeats and all.
    pause(Duration::from_secs(8));
    let session = pair.session();
    lab.cut();
    pair.loss_is_noticed("loss noticed in 2016 and 2038", Duration::from_secs(2));
    lab.heal();
    pair.frames_return("cut in 2016 and 2038", now_ns(), Duration::from_secs(3));
    pair.all_moves(UP);
    assert_eq!(pair.session(), session);
    let difference = pair.status(End::A).unwrap()["wall_difference_ms"].as_i64().unwrap();
    let years = difference as f64 / (365.2425 * 86_400_000.0);
    measured("clocks differ by", format!("{years:.1} years"));
    assert!((21.0..23.0).contains(&years), "the boxes notice: {difference} ms");
    assert!(pair.log(End::A).contains("2016-0") && pair.log(End::B).contains("2038-01-19"), "the fake reached them");
}

#[test]
fn four_boxes_on_one_segment_keep_to_their_pairs() {
    let Some(first) = Lab::new(Middle::Switch) else { return };
    let Some(second) = Lab::new(Middle::Switch) else { return };
    second.change_address(End::A, 3);
    second.change_address(End::B, 4);
    first.join(&second);
    let captures = [&first, &second].map(|lab| Capture::start(lab, End::A));
    let pairs = [&first, &second].map(|lab| Pair::start(Some(lab), &setup(Family::V4)));
    for (pair, lab) in pairs.iter().zip([&first, &second]) {
        for (end, status) in End::BOTH.into_iter().zip(pair.wait_up(UP)) {
            let peer: std::net::SocketAddr = status["peer"]["address"].as_str().unwrap().parse().unwrap();
            assert_eq!(peer.ip(), IpAddr::from(lab.v4(end.other())));
        }
        pair.all_moves(UP);
    }
    for (capture, lab) in captures.into_iter().flatten().zip([&first, &second]) {
        let crossed: Vec<Flow> = capture
            .stop()
            .into_keys()
            .filter(|flow| matches!(flow.protocol, Protocol::Tcp | Protocol::Udp) && !is_documented(lab, flow))
            .collect();
        assert!(crossed.is_empty(), "{crossed:#?}");
    }
}

/// The installer mistypes an address: the box of another pair answers, and is not let in, nor is anybody disturbed.
#[test]
fn a_box_that_dials_into_another_pair_links_with_nobody() {
    let Some(first) = Lab::new(Middle::Switch) else { return };
    let Some(second) = Lab::new(Middle::Switch) else { return };
    second.change_address(End::A, 3);
    second.change_address(End::B, 4);
    first.join(&second);
    let linked = Pair::start(Some(&first), &setup(Family::V4));
    linked.wait_up(UP);
    linked.all_moves(UP);
    let session = linked.session();
    let mut stray = Pair::prepare(Some(&second), &setup(Family::V4));
    stray.configure(End::A, "peer", "address", &format!("\"{}:{}\"", first.v4(End::B), linked.ports(End::B).trunk));
    stray.start_box(End::A);
    stray.wait_status(End::A, UP, "wrong key", |status| status["fault"]["kind"] == "wrong-key");
    for watched in linked.watch("while a stranger dials in", Duration::from_secs(5)) {
        assert!(watched.stayed_up() && watched.sessions == 0, "{watched:?}");
    }
    assert_eq!(linked.session(), session);
    let status = stray.status(End::A).unwrap();
    assert!(status["link"] == "connecting" && status["session"].is_null(), "{status}");
}

/// Exactly the documented ports, on this end's own numbers: the trunk's and one (while sessions change, two) of the session's.
fn listens_as_documented(lab: &Lab, pair: &Pair<'_>, end: End) {
    let ports = pair.ports(end);
    let sockets = lab.ns_exec(end, "ss -H -l -n -t -u");
    let listening: BTreeSet<(String, u16)> = sockets
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].to_uppercase(), words[4].rsplit_once(':').unwrap().1.parse().unwrap())
        })
        .collect();
    let documented: BTreeSet<(String, u16)> =
        flow_table().into_iter().map(|(protocol, port)| (protocol, as_configured(port, ports))).collect();
    assert!(listening.is_subset(&documented), "{end:?} listens on {listening:?}, documented is {documented:?}");
    assert!(listening.contains(&("TCP".into(), ports.trunk)), "{sockets}");
    assert!(listening.iter().any(|(protocol, _)| protocol == "UDP"), "{sockets}");
}

/// Between the two boxes, on the documented ports; or the operating system's address resolution.
fn is_documented(lab: &Lab, flow: &Flow) -> bool {
    let both: Vec<IpAddr> = End::BOTH.into_iter().flat_map(|end| lab.addresses(end)).collect();
    let between = both.contains(&flow.from) && both.contains(&flow.to);
    let ports: BTreeSet<(String, u16)> = Pair::lab_ports()
        .into_iter()
        .flat_map(|ports| flow_table().into_iter().map(move |(protocol, port)| (protocol, as_configured(port, ports))))
        .collect();
    let listed = |protocol: &str, port: Option<u16>| port.is_some_and(|port| ports.contains(&(protocol.into(), port)));
    match flow.protocol {
        Protocol::Tcp => between && (listed("TCP", flow.port) || listed("TCP", flow.from_port)),
        Protocol::Udp => between && listed("UDP", flow.port) && listed("UDP", flow.from_port),
        // RFC 4861 and 3810: neighbour, router and listener discovery. Destination unreachable (1 of IPv6, 3 of IPv4): the kernel's
        // answer when a session closes a moment before the other one does.
        Protocol::Icmp => match flow.port {
            Some(130..=137 | 143) => true,
            Some(1 | 3) => between,
            Some(_) | None => false,
        },
        Protocol::Arp => true,
        Protocol::Other(_) => false,
    }
}

/// Protocol and destination port of every row of docs/flows.md.
fn flow_table() -> BTreeSet<(String, u16)> {
    rows_from("box")
}

/// The same of the rows that begin there.
fn rows_from(source: &str) -> BTreeSet<(String, u16)> {
    let begin = format!("| {source} |");
    let rows = include_str!("../docs/flows.md").lines().filter(|line| line.starts_with(&begin));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[3].to_owned(), cells[4].parse().unwrap())
    })
    .collect()
}

/// What a documented default port is on a box of the test line.
fn as_configured(default: u16, ports: Ports) -> u16 {
    match default {
        7420 => ports.trunk,
        port => ports.session + (port - 7422),
    }
}

fn setup(family: Family) -> Setup {
    Setup { family, size: "320x240".into(), ..Setup::default() }
}

/// The dynamic linker puts the machine's own directory for $LIB.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";
const UP: Duration = Duration::from_secs(25);
