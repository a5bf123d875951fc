//! Everybody else on the network, against two daemons with a live link: they get nothing, the link loses no picture, memory and
//! log stay small. What each stranger is told in detail: tests/trunk_strangers.rs.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test waits in real time, with deadlines")]
#![allow(clippy::wildcard_enum_match_arm, reason = "as the trunk's tests")]

mod support;
mod trunk_support;

use engawa::cli::pair_of_boxes::Footprint;
use engawa::trunk::message::{HELLO_LIMIT, MESSAGE_LIMIT};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;
use support::boxes::{Dialling, Pair, Setup};
use support::lab::End;
use support::{Dice, pause};
use tokio::io::AsyncWriteExt;
use trunk_support::{StoredIdentity, connect_from, frame, hello_frame, is_sent_away, tls_client};

#[test]
fn garbage_no_key_and_a_wrong_key_reach_nobody() {
    undisturbed(|pair| {
        let to = trunk_of(pair, End::A);
        let mut garbage = vec![0x16, 3, 1, 0xff, 0xff];
        garbage.resize(200_000, 0xa5);
        let kinds = [b"GET / HTTP/1.1\r\n\r\n".to_vec(), garbage, dice_bytes(50_000), vec![0x16]];
        let stranger = StoredIdentity::new();
        runtime().block_on(async {
            for turn in 0..60 {
                let mut tcp = tokio::net::TcpStream::connect(to).await.unwrap();
                // It may be sent away in the middle of it.
                let _ = tcp.write_all(&kinds[turn % kinds.len()]).await;
                let key = (turn % 2 == 0).then_some(&stranger);
                if let Ok(mut tls) = tls_client(to, key, &[b"engawa/1"]).await {
                    let _ = tls.write_all(&hello_frame(&stranger.identity)).await;
                    is_sent_away(tls).await;
                }
            }
        });
        let log = pair.log(End::A);
        for kind in ["it does not speak our TLS", "it shows no raw public key", "its key is not the pinned one"] {
            assert_eq!(log.matches(kind).count(), 1, "{kind} is told once:\n{log}");
        }
    });
}

/// Whoever has the peer's key is the peer; even then nothing malformed touches the link.
#[test]
fn oversized_and_truncated_messages_are_refused_even_from_the_peers_own_key() {
    undisturbed(|pair| {
        let (to, peer) = (trunk_of(pair, End::A), StoredIdentity::of(&pair.state_directory(End::B)));
        let announced = |length: usize| u32::try_from(length).unwrap().to_be_bytes().to_vec();
        let hello = hello_frame(&peer.identity);
        let bad = [
            announced(HELLO_LIMIT + 1),
            announced(u32::MAX as usize),
            frame(&b"[".repeat(HELLO_LIMIT)),
            frame(&vec![b'x'; MESSAGE_LIMIT]),
            frame(b"{}"),
            hello[..hello.len() / 2].to_vec(),
            frame(&dice_bytes(300)),
        ];
        runtime().block_on(async {
            for alpn in [b"engawa/1".as_slice(), b"engawa-bulk/1", b"engawa-pair/1", b"h2"] {
                for bytes in &bad {
                    let Ok(mut tls) = tls_client(to, Some(&peer), &[alpn]).await else { continue };
                    let _ = tls.write_all(bytes).await;
                    let _ = tls.shutdown().await;
                    is_sent_away(tls).await;
                }
            }
        });
    });
}

#[test]
fn ten_thousand_half_open_connections_cost_the_link_no_picture() {
    undisturbed(|pair| {
        let crowd = crowd_size();
        let to = trunk_of(pair, End::B);
        let pid = pair.daemon(End::B).pid();
        let before = Footprint::of(pid).unwrap();
        let most_fds = runtime().block_on(async {
            let mut half_open = Vec::new();
            let mut most_fds = 0;
            for number in 0..crowd {
                let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
                // Every tenth comes from the peer's own address.
                let from = if number % 10 == 0 { [127, 0, 0, 1] } else { [127, 1, high, low] };
                let mut tcp = connect_from(from, to).await.unwrap();
                if number % 3 == 0 {
                    let _ = tcp.write_all(&[0x16]).await;
                }
                half_open.push(tcp);
                if number % 500 == 0 {
                    most_fds = most_fds.max(Footprint::of(pid).unwrap().fds);
                }
            }
            most_fds
        });
        let after = Footprint::of(pid).unwrap();
        assert!(most_fds < before.fds + 256, "{most_fds} descriptors, {} before", before.fds);
        assert!(after.rss_kib < before.rss_kib + 40_000, "{before:?} {after:?}");
    });
}

#[test]
fn packets_to_the_session_ports_from_strangers_are_dropped() {
    undisturbed(|pair| {
        let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut dice = Dice::new(5);
        for number in 0..6000_u32 {
            let mut packet = dice_bytes(20 + (dice.roll() % 1200) as usize);
            // STUN, DTLS, RTP and RTCP by their first byte (RFC 7983), and anything.
            packet[0] = [0, 1, 20, 22, 128, 129, packet[0]][(dice.roll() % 7) as usize];
            packet[1] = if number % 4 == 0 { 200 } else { 96 };
            for end in End::BOTH {
                let session = pair.ports(end).session;
                let port = session + u16::try_from(number % 2).unwrap();
                let _ = stranger.send_to(&packet, (Ipv4Addr::LOCALHOST, port));
            }
            if number % 20 == 0 {
                pause(Duration::from_millis(5));
            }
        }
    });
}

/// The peer's own bytes, recorded on the way and said again: TLS 1.3 without resumption makes them worth nothing.
#[test]
fn replayed_bytes_of_the_peer_open_nothing() {
    let mut pair = Pair::prepare(None, &Setup { dialling: Dialling::Only(End::B), ..small() });
    let (recorder, recorded) = recording_proxy(trunk_of(&pair, End::A));
    pair.configure(End::B, "peer", "address", &format!("\"{recorder}\""));
    pair.start_both();
    pair.wait_up(LIMIT);
    let recorded: Vec<Vec<u8>> = recorded.try_iter().collect();
    assert!(recorded.iter().map(Vec::len).sum::<usize>() > 500, "handshake and hello were recorded");
    watch(&mut pair, |pair| {
        let to = trunk_of(pair, End::A);
        for turn in 0..20 {
            let mut tcp = TcpStream::connect(to).unwrap();
            // Whole, cut in the middle, and twice in a row.
            let whole = recorded.concat();
            let bytes = [whole.clone(), whole[..whole.len() / 2].to_vec(), whole.repeat(2)][turn % 3].clone();
            let _ = tcp.write_all(&bytes);
            let _ = tcp.shutdown(Shutdown::Write);
            tcp.set_read_timeout(Some(LIMIT)).unwrap();
            // Its own handshake answer, never a hello.
            let mut said = Vec::new();
            let _ = tcp.read_to_end(&mut said);
            assert!(said.len() < 4096, "{} bytes", said.len());
        }
    });
}

/// Two boxes with a live link, and what an attack does to it: nothing.
fn undisturbed(attack: impl FnOnce(&mut Pair<'_>)) {
    let mut pair = Pair::start(None, &small());
    pair.wait_up(LIMIT);
    watch(&mut pair, attack);
}

fn watch(pair: &mut Pair<'_>, attack: impl FnOnce(&mut Pair<'_>)) {
    let moving = |status: &Value| status["picture_in"]["fps"].as_f64() >= Some(8.0);
    let before = End::BOTH.map(|end| pair.wait_status(end, LIMIT, "moving pictures", moving));
    let followers = End::BOTH.map(|end| pair.status_follow(end));
    attack(pair);
    pause(Duration::from_millis(1500));
    for end in End::BOTH {
        let after = pair.status(end).unwrap();
        for field in ["link", "since_ns", "session", "sessions_opened", "trunk", "peer"] {
            assert_eq!(before[end as usize][field], after[field], "{field}: {after}");
        }
        let seconds: Vec<Value> = followers[end as usize].try_iter().map(|(_, status)| status).collect();
        assert!(!seconds.is_empty());
        for status in &seconds {
            assert!(status["picture_in"]["fps"].as_f64() >= Some(7.0), "{status}");
            let gap = status["at_ns"].as_u64().unwrap().saturating_sub(status["last_frame_ns"].as_u64().unwrap());
            assert!(gap < 800_000_000, "{} ms without a picture: {status}", gap / 1_000_000);
        }
        let log = pair.log(end);
        let warnings = log.lines().filter(|line| line.contains(" WARN ")).count();
        assert!(warnings <= WARNINGS, "{warnings} warnings:\n{log}");
        assert!(!log.contains(" ERROR "), "{log}");
    }
}

/// Passes TCP on to `to` and keeps what the dialling side says on its first connection.
fn recording_proxy(to: SocketAddr) -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, recorded) = mpsc::sync_channel(10_000);
    // Ends with the test's process.
    std::thread::spawn(move || {
        let mut record = Some(sender);
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(to) else { continue };
            pass_on(near.try_clone().unwrap(), far.try_clone().unwrap(), record.take());
            pass_on(far, near, None);
        }
    });
    (address, recorded)
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, record: Option<mpsc::SyncSender<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if let Some(record) = &record {
                let _ = record.try_send(buffer[..length].to_vec());
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// As many as this process may hold, at most ten thousand.
fn crowd_size() -> u64 {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    (most - 200).min(10_000)
}

fn trunk_of(pair: &Pair<'_>, end: End) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, pair.ports(end).trunk).into()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn dice_bytes(length: usize) -> Vec<u8> {
    let mut dice = Dice::new(length as u64);
    (0..length).map(|_| dice.roll().to_le_bytes()[0]).collect()
}

fn small() -> Setup {
    Setup { size: "320x180".into(), ..Setup::default() }
}

const LIMIT: Duration = Duration::from_secs(20);
/// One per kind of refusal, and a few counts.
const WARNINGS: usize = 12;
