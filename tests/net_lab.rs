//! The test line does what it says: without this nothing measured on it means anything.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]

mod support;

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};
use support::capture::Capture;
use support::lab::{AddressCheck, Carrier, End, Lab, Middle};
use support::namespace::{inside, run, try_run};
use support::packet::{Datagram, Protocol};
use support::router::{Line, Router, Verdict, Weather};
use support::srtp::Srtp;
use support::wait_for;
use support::wire::{Family, Wire, flood, number};

#[test]
fn a_cut_stops_both_ways_within_100_ms_and_healing_lets_both_through() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    for family in [Family::V4, Family::V6] {
        let wires = End::BOTH.map(|from| Wire::new(&lab, from, family));
        assert!(wires.iter().all(|wire| wire.passes(SOON)), "before the cut");
        // The best of three: how quick the line is, not how busy the machine.
        let times = [(); 3].map(|()| {
            let cut = Instant::now();
            lab.cut();
            let cut = cut.elapsed();
            assert!(wires.iter().all(|wire| !wire.passes(A_MOMENT)), "during the cut");
            let heal = Instant::now();
            lab.heal();
            let heal = heal.elapsed();
            assert!(wires.iter().all(|wire| wire.passes(SOON)), "after the cut");
            cut.max(heal)
        });
        assert!(times.iter().min() < Some(&ms(100)), "{times:?}");
    }
}

#[test]
fn a_cut_is_silent_for_the_sender() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let wire = Wire::new(&lab, End::A, Family::V4);
    lab.cut();
    for number in 0..100 {
        wire.send(number);
    }
}

#[test]
fn a_cut_into_one_end_leaves_the_other_direction() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let [to_b, to_a] = End::BOTH.map(|from| Wire::new(&lab, from, Family::V4));
    lab.cut_into(End::B);
    assert!(!to_b.passes(A_MOMENT));
    assert!(to_a.passes(SOON));
}

#[test]
fn a_pulled_cable_shows_no_carrier_keeps_the_addresses_and_comes_back() {
    for middle in [Middle::Switch, Middle::Router] {
        let Some(lab) = Lab::new(middle) else { return };
        for family in [Family::V4, Family::V6] {
            let wire = Wire::new(&lab, End::A, family);
            assert!(wire.passes(SOON), "{middle:?} before");
            lab.carrier(End::A, Carrier::Down);
            assert!(lab.ns_exec(End::A, "ip link show eth0").contains("NO-CARRIER"));
            assert!(lab.ns_exec(End::A, "ip addr show eth0").contains(&lab.v4(End::A).to_string()));
            assert!(!wire.passes(A_MOMENT), "{middle:?} unplugged");
            lab.carrier(End::A, Carrier::Up);
            assert!(wire.passes(SOON), "{middle:?} plugged in again");
        }
    }
}

#[test]
fn a_flushed_address_is_gone_and_restored() {
    for middle in [Middle::Switch, Middle::Router] {
        let Some(lab) = Lab::new(middle) else { return };
        lab.flush_address(End::B);
        let shown = lab.ns_exec(End::B, "ip addr show eth0");
        assert!(lab.addresses(End::B).iter().all(|address| !shown.contains(&address.to_string())), "{shown}");
        lab.restore_address(End::B);
        for family in [Family::V4, Family::V6] {
            assert!(Wire::new(&lab, End::A, family).passes(SOON), "{middle:?} {family:?}");
        }
    }
}

#[test]
fn a_changed_address_replaces_the_old_one() {
    for middle in [Middle::Switch, Middle::Router] {
        let Some(lab) = Lab::new(middle) else { return };
        let old = lab.v4(End::B);
        lab.change_address(End::B, 77);
        assert_ne!(lab.v4(End::B), old);
        assert!(!lab.ns_exec(End::B, "ip addr show eth0").contains(&format!("{old}/")));
        for family in [Family::V4, Family::V6] {
            assert!(Wire::new(&lab, End::A, family).passes(SOON), "{middle:?} {family:?}");
            assert!(Wire::new(&lab, End::B, family).passes(SOON), "{middle:?} {family:?}");
        }
    }
}

#[test]
fn addresses_are_checked_for_duplicates_only_where_asked() {
    let started = Instant::now();
    let Some(lab) = Lab::with_address_check(Middle::Switch, AddressCheck::Real) else { return };
    assert!(!lab.ns_exec(End::A, "ip -6 addr show eth0").contains("tentative"), "ready when it returns");
    assert!(started.elapsed() > Duration::from_millis(500), "a real check takes its time");
}

#[test]
fn random_loss_is_near_the_percentage_both_ways() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    lab.loss(10.0);
    for from in End::BOTH {
        let lost = 2000 - Wire::new(&lab, from, Family::V4).send_and_count(2000);
        // 200 expected, standard deviation 13.4: five of them.
        assert!((133..=267).contains(&lost), "lost {lost} of 2000 at 10 %");
    }
    lab.loss(0.0);
    assert_eq!(Wire::new(&lab, End::A, Family::V4).send_and_count(500), 500);
}

#[test]
fn the_rate_limit_holds_and_ends() {
    for middle in [Middle::Switch, Middle::Router] {
        let Some(lab) = Lab::new(middle) else { return };
        lab.rate(1000);
        for from in End::BOTH {
            let kbit = flood(&lab, from, Duration::from_secs(1));
            assert!((800.0..=1100.0).contains(&kbit), "{middle:?}: {kbit:.0} kbit/s at a limit of 1000");
        }
        lab.full_rate();
        let kbit = flood(&lab, End::A, Duration::from_millis(300));
        assert!(kbit > 5000.0, "{middle:?}: {kbit:.0} kbit/s without a limit");
    }
}

#[test]
fn behind_a_one_way_firewall_only_a_opens_connections() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    lab.only_opens(End::A);
    let [at_a, at_b] = End::BOTH.map(|end| SocketAddr::from((lab.v4(end), 7001)));
    let _listeners =
        [(End::A, at_a), (End::B, at_b)].map(|(end, address)| lab.inside(end, || TcpListener::bind(address).unwrap()));
    let connect = |from: End, to: SocketAddr| lab.inside(from, || TcpStream::connect_timeout(&to, SOON));
    connect(End::A, at_b).expect("a reaches b");
    connect(End::B, at_a).expect_err("b does not reach a");
    assert!(Wire::new(&lab, End::B, Family::V4).passes(SOON), "UDP is not concerned");
}

#[test]
fn an_air_gapped_end_has_no_way_out_and_no_resolver() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    lab.air_gap(End::A);
    assert_eq!(lab.ns_exec(End::A, "cat /etc/resolv.conf"), "");
    let elsewhere: SocketAddr = ([192, 0, 2, 1], 53).into();
    let sent = lab.inside(End::A, || UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"?", elsewhere));
    sent.expect_err("network is unreachable");
}

#[test]
fn namespaces_and_processes_are_gone_afterwards_also_on_panic() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let names = [lab.namespace(End::A), lab.namespace(End::B), lab.middle_namespace()];
    lab.air_gap(End::B);
    let mut sleeper = lab.command(End::A, "sleep");
    sleeper.arg("60");
    // Deliberately not a guest: the lab itself must end it.
    let mut stray = sleeper.spawn().unwrap();
    let pid = stray.id().to_string();
    let inside = || run(&format!("ip netns pids {}", names[0])).split_whitespace().any(|inside| inside == pid);
    wait_for(SOON, || inside().then_some(())).expect("it runs in the namespace");
    let panicked = std::thread::spawn(move || {
        let _lab = lab;
        std::panic::resume_unwind(Box::new("a test failed"));
    });
    panicked.join().unwrap_err();
    for name in names {
        assert!(!std::path::Path::new("/run/netns").join(&name).exists(), "{name}");
        assert!(!std::path::Path::new("/etc/netns").join(&name).exists(), "{name}");
    }
    wait_for(SOON, || stray.try_wait().unwrap()).expect("the stray process was ended");
}

#[test]
fn what_a_killed_run_left_is_swept() {
    let Some(first) = Lab::new(Middle::Switch) else { return };
    // Process numbers end at 4194304.
    let orphan = "engawa-lab-4999999-0-a";
    run(&format!("ip netns add {orphan}"));
    let second = Lab::new(Middle::Switch).unwrap();
    assert_eq!(inside(&first.namespace(End::A), || 1), 1, "a living lab is left alone");
    drop(second);
    assert!(try_run(&format!("ip netns pids {orphan}")).is_err(), "{orphan} is gone");
}

#[test]
fn a_guest_stops_goes_on_and_dies_with_its_guard() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let mut command = lab.command(End::A, "sleep");
    command.arg("60");
    let mut guest = lab.spawn(command);
    let state = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).map(|stat| stat.contains(") T "));
    let pid = guest.pid();
    guest.stop();
    wait_for(SOON, || state(pid).unwrap().then_some(())).expect("stopped");
    guest.cont();
    wait_for(SOON, || (!state(pid).unwrap()).then_some(())).expect("goes on");
    assert!(guest.running());
    drop(guest);
    assert!(!std::path::Path::new("/proc").join(pid.to_string()).exists());
}

#[test]
fn a_capture_names_every_flow() {
    let Some(lab) = Lab::new(Middle::Switch) else { return };
    let Some(capture) = Capture::start(&lab, End::B) else { return };
    let wires = [Family::V4, Family::V6].map(|family| Wire::new(&lab, End::A, family));
    assert!(wires.iter().all(|wire| wire.passes(SOON)));
    let at_b: SocketAddr = (lab.v6(End::B), 7001).into();
    let _listener = lab.inside(End::B, || TcpListener::bind(at_b).unwrap());
    lab.inside(End::A, || TcpStream::connect_timeout(&at_b, SOON)).unwrap();
    let summary = capture.stop();
    for wire in &wires {
        let seen = summary.keys().any(|flow| {
            flow.from == wire.source().ip()
                && flow.to == wire.target.ip()
                && flow.protocol == Protocol::Udp
                && flow.port == Some(wire.target.port())
        });
        assert!(seen, "{} is in {summary:?}", wire.target);
    }
    assert!(summary.keys().any(|flow| flow.protocol == Protocol::Tcp && flow.port == Some(7001)), "{summary:?}");
}

#[test]
fn the_same_seed_gives_the_same_weather() {
    let weather = Weather { delay: ms(20), jitter: ms(30), loss: 0.1, duplicate: 0.05, reorder: 0.05 };
    let passage = |seed: u64| {
        let mut line = Line::new(seed);
        line.set(weather);
        let mut left = Vec::new();
        for turn in 0..3000_u64 {
            let now = ms(turn);
            if turn < 2000 {
                line.push(turn.to_be_bytes().to_vec(), now);
            }
            while let Some(packet) = line.pop(now) {
                left.push((now, packet));
            }
        }
        (left, line.tally(), line.next_due())
    };
    let (left, tally, remaining) = passage(7);
    assert_eq!((left.clone(), tally, remaining), passage(7));
    assert_ne!(left, passage(8).0);
    assert_eq!(remaining, None, "nothing is kept");
    assert_eq!(tally.left, tally.entered - tally.lost + tally.duplicated);
    assert!((120..=280).contains(&tally.lost), "{tally:?}");
    assert!((40..=160).contains(&tally.duplicated), "{tally:?}");
    assert!((40..=160).contains(&tally.reordered), "{tally:?}");
    let numbers: Vec<u64> = left.iter().map(|(_, packet)| number(packet)).collect();
    assert!(numbers.windows(2).any(|pair| pair[0] > pair[1]), "some are overtaken");
}

#[test]
fn jitter_alone_keeps_the_order_and_a_full_queue_drops() {
    let mut line = Line::new(3);
    line.set(Weather { delay: ms(100), jitter: ms(300), ..Weather::default() });
    (0..5000_u64).for_each(|number| line.push(number.to_be_bytes().to_vec(), ms(number / 100)));
    assert!(line.tally().overflowed >= 2900, "{:?}", line.tally());
    let numbers: Vec<u64> = std::iter::from_fn(|| line.pop(ms(1000))).map(|packet| number(&packet)).collect();
    assert!(numbers.is_sorted());
}

#[test]
fn the_router_delays_loses_duplicates_and_reorders_by_its_seed() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let passage = |family: Family| {
        let wire = Wire::new(&lab, End::A, family);
        assert!(wire.passes(SOON), "the kernel's way, and neighbours are known");
        let router = Router::start(&lab, 11);
        router.set(Weather { delay: ms(20), loss: 0.1, duplicate: 0.1, reorder: 0.1, ..Weather::default() });
        let arrived = wire.send_and_collect(300);
        let fastest = arrived.iter().map(|(_, delay)| *delay).min().unwrap();
        assert!(fastest >= ms(20), "{fastest:?}");
        assert_eq!(router.tally(End::B).entered, 300, "{:?}", router.tally(End::B));
        arrived.into_iter().map(|(number, _)| number).collect::<Vec<u64>>()
    };
    let first = passage(Family::V4);
    assert!(first.len() < 310 && first.windows(2).any(|pair| pair[0] > pair[1]), "{first:?}");
    assert_eq!(first, passage(Family::V4), "the same order again");
    assert_eq!(first, passage(Family::V6), "and for IPv6");
    assert!(Wire::new(&lab, End::A, Family::V4).passes(SOON), "the kernel forwards again");
}

#[test]
fn the_weather_changes_while_tcp_runs_through_the_router() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let router = Router::start(&lab, 5);
    let at_b: SocketAddr = (lab.v4(End::B), 7001).into();
    let listener = lab.inside(End::B, || TcpListener::bind(at_b).unwrap());
    let payload: Vec<u8> = (0..2_000_000_u32).map(|number| number as u8).collect();
    let sent = payload.clone();
    let mut stream = lab.inside(End::A, || TcpStream::connect_timeout(&at_b, SOON)).unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stream, &sent));
    let (mut far, _) = listener.accept().unwrap();
    far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    router.set(Weather { delay: ms(5), jitter: ms(5), loss: 0.01, duplicate: 0.02, reorder: 0.02 });
    let mut received = Vec::new();
    std::io::Read::read_to_end(&mut far, &mut received).unwrap();
    writer.join().unwrap().unwrap();
    assert!(received == payload, "checksums are right, TCP repairs the rest");
    assert!(router.tally(End::B).lost > 0);
}

#[test]
fn a_hook_sees_changes_and_drops_packets() {
    let Some(lab) = Lab::new(Middle::Router) else { return };
    let wires = [Family::V4, Family::V6].map(|family| Wire::new(&lab, End::A, family));
    let _router = Router::with_hook(&lab, 1, |toward: End, packet: &mut Vec<u8>| {
        let Some(mut datagram) = Datagram::read(packet).filter(|_| toward == End::B) else { return Verdict::Pass };
        if number(&datagram.payload) == 1 {
            return Verdict::Drop;
        }
        datagram.payload.extend(b"seen");
        *packet = datagram.write();
        Verdict::Pass
    });
    for wire in &wires {
        wire.send(1);
        wire.send(2);
        let (payload, _) = wire.receive(SOON).expect("the changed packet has right checksums");
        assert_eq!(number(&payload), 2);
        assert!(payload.ends_with(b"seen"));
    }
}

#[test]
fn the_attackers_srtp_opens_what_it_sealed_over_a_rollover_and_nothing_else() {
    let [sealing, mut opening, mut stranger] = [1, 1, 2].map(|key| Srtp::new(&[key; 16], &[9; 14]));
    for index in 65_500..65_600_u64 {
        let sequence = (index as u16).to_be_bytes();
        let clear = [&[0x80, 96, sequence[0], sequence[1]][..], &[0, 0, 0, 1, 0, 0, 0, 7], b"voice"].concat();
        let sealed = sealing.seal_media(&clear, index).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"voice"));
        assert_eq!(stranger.open_media(&sealed), None);
        let mut changed = sealed.clone();
        changed[13] ^= 1;
        assert_eq!(opening.open_media(&changed), None);
        assert_eq!(opening.open_media(&sealed), Some((clear, index)));
    }
    let report = [&[0x80, 200, 0, 1, 0, 0, 0, 7][..], b"report"].concat();
    let sealed = sealing.seal_control(&report, 3).unwrap();
    assert_eq!(opening.open_control(&sealed), Some((report, 3)));
    assert_eq!(stranger.open_control(&sealed), None);
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Long enough for anything that should happen.
const SOON: Duration = Duration::from_secs(2);
/// Long enough to believe that nothing comes.
const A_MOMENT: Duration = Duration::from_millis(150);
