//! Sessions come and go all year: nothing may be left of them. In a process of its own, because it counts threads and files.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test prints what it measured"
)]

mod peer_support;

use engawa::core::input::Input;
use engawa::model::{Line, Role, VideoCodec};
use peer_support::{Feed, Side, join, now, order, session, until};
use std::net::{Ipv4Addr, UdpSocket};

#[tokio::test]
async fn thirty_sessions_leave_no_thread_no_file_and_no_port() {
    let codec = VideoCodec::H264;
    let (mut a, mut b) = (Side::new(None), Side::new(None));
    let camera = Feed::picture(a.peer.outlet(), Line::Camera, codec);
    let _voice = Feed::tone(b.peer.outlet(), Line::Voice);
    let mut took = Vec::new();
    let mut after_ten = (0, 0, 0);
    for number in 1..=40 {
        let port_index = (number % 2) as u16;
        let joined = join(&mut a, &mut b, number, codec, port_index).await;
        took.push(joined.took);
        let (frames, packets) = (b.caught.frames(), a.caught.packets());
        a.peer.admit(session(number));
        b.peer.admit(session(number));
        camera.refresh();
        until("both ways", || b.caught.frames() > frames && a.caught.packets() > packets).await;
        for side in [&mut a, &mut b] {
            side.peer.close(session(number));
            side.drain();
        }
        let ports = [a.port + port_index, b.port + port_index];
        until("the ports are free", || ports.iter().all(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()))
            .await;
        if number == 10 {
            until("sessions are gone", || settled(0)).await;
            after_ten = (threads(), files(), resident_kb());
        }
    }
    until("sessions are gone", || settled(0)).await;
    until("no thread is left", || threads() <= after_ten.0).await;
    until("no file is left", || files() <= after_ten.1).await;
    took.sort();
    println!(
        "open to secured on both: p50 {} max {}; threads, files, kB after 10: {after_ten:?}, after 40: {:?}",
        took[took.len() / 2],
        took[took.len() - 1],
        (threads(), files(), resident_kb())
    );
}

#[tokio::test]
async fn a_port_that_is_taken_fails_the_session_and_names_itself() {
    let mut a = Side::new(None);
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, a.port)).unwrap();
    a.peer.open(&order(1, Role::Offerer, VideoCodec::H264, 0, None));
    let (failed, cause) = a.failed().await;
    assert_eq!(failed, session(1));
    assert!(cause.contains(&a.port.to_string()), "{cause}");
    drop(taken);
    a.peer.close(session(1));
    a.peer.open(&order(2, Role::Offerer, VideoCodec::H264, 0, None));
    a.described().await;
}

#[tokio::test]
async fn a_session_closed_while_it_is_built_says_nothing_more() {
    let mut a = Side::new(None);
    let start = now();
    for number in 1..=10 {
        a.peer.open(&order(number, Role::Offerer, VideoCodec::Vp8, 0, None));
        a.peer.close(session(number));
    }
    a.peer.open(&order(11, Role::Offerer, VideoCodec::Vp8, 0, None));
    loop {
        match a.urgent().await {
            // Said before the close was seen; the core drops what is not its session.
            Input::SessionDescribed { session: of, .. } if of == session(11) => break,
            Input::SessionDescribed { session: of, .. } => assert!(of < session(11)),
            other => panic!("unexpected {other:?}"),
        }
    }
    println!("ten opened and closed and one described: {}", now() - start);
}

/// No more than `sessions` threads of sessions are alive.
fn settled(sessions: usize) -> bool {
    let names = std::fs::read_dir("/proc/self/task").unwrap();
    let names = names.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("peer-")).count() <= sessions
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
