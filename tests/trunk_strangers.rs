//! Everybody else on the network: they get nothing, cost little, and the live link does not notice.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]

mod trunk_support;

use engawa::core::input::Input;
use engawa::model::Side;
use engawa::trunk::message::{HELLO_LIMIT, MESSAGE_LIMIT};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use trunk_support::*;

/// Long enough for any consequence to show.
const A_WHILE: Duration = Duration::from_millis(200);

/// A listening end, and the key of its peer in the hands of a test.
async fn listening() -> (End, StoredIdentity) {
    let peer = StoredIdentity::new();
    let (own, _) = identities();
    (End::start(&own, peer.identity.public_key(), None).await, peer)
}

#[tokio::test]
async fn plain_tcp_garbage_is_sent_away() {
    let (end, _) = listening().await;
    let mut tls_record_of_64k = vec![0x16, 3, 1, 0xff, 0xff];
    tls_record_of_64k.resize(200_000, 0);
    for garbage in [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), vec![0; 100_000], tls_record_of_64k, vec![0xff; 7]] {
        let mut tcp = TcpStream::connect(end.address()).await.unwrap();
        // It may be sent away in the middle of it.
        let _ = tcp.write_all(&garbage).await;
        is_sent_away(tcp).await;
    }
    end.stays_quiet(A_WHILE).await;
}

#[tokio::test]
async fn a_silent_stranger_is_sent_away_at_its_deadline() {
    let (end, _) = listening().await;
    let silent = TcpStream::connect(end.address()).await.unwrap();
    let mut mute_after_a_byte = TcpStream::connect(end.address()).await.unwrap();
    mute_after_a_byte.write_all(&[0x16]).await.unwrap();
    tokio::join!(is_sent_away(silent), is_sent_away(mute_after_a_byte));
    end.stays_quiet(A_WHILE).await;
}

#[tokio::test]
async fn no_key_or_another_key_never_gets_a_word_heard() {
    let (end, _) = listening().await;
    let other = StoredIdentity::new();
    for key in [None, Some(&other)] {
        for alpn in [CONTROL, BULK] {
            // TLS 1.3 lets a client believe it is connected until it reads.
            if let Ok(mut tls) = tls_client(end.address(), key, alpn).await {
                let _ = tls.write_all(&hello_frame(&other.identity)).await;
                is_sent_away(tls).await;
            }
        }
    }
    end.stays_quiet(A_WHILE).await;
}

#[tokio::test]
async fn the_right_key_with_another_protocol_is_refused() {
    let (end, peer) = listening().await;
    for alpn in [&[b"engawa/0".as_slice()][..], &[b"h2"], &[b"engawa-pair/1"], &[]] {
        if let Ok(mut tls) = tls_client(end.address(), Some(&peer), alpn).await {
            let _ = tls.write_all(&hello_frame(&peer.identity)).await;
            is_sent_away(tls).await;
        }
    }
    end.stays_quiet(A_WHILE).await;
}

#[tokio::test]
async fn even_the_peer_cannot_send_a_hello_that_is_none() {
    let (end, peer) = listening().await;
    let announced = |length: u32| length.to_be_bytes().to_vec();
    let bad = [
        announced(u32::try_from(HELLO_LIMIT).unwrap() + 1),
        announced(u32::MAX),
        frame(b""),
        frame(b"{}"),
        frame(br#"{"protocol":0,"boot":1}"#),
        frame(&b"[".repeat(HELLO_LIMIT)),
        frame(b"\xff\xfe"),
    ];
    for bytes in bad {
        for alpn in [CONTROL, BULK] {
            let mut tls = tls_client(end.address(), Some(&peer), alpn).await.unwrap();
            let _ = tls.write_all(&bytes).await;
            is_sent_away(tls).await;
        }
    }
    // Truncated: half a hello, then nothing, then the end.
    let whole = hello_frame(&peer.identity);
    let mut tls = tls_client(end.address(), Some(&peer), CONTROL).await.unwrap();
    tls.write_all(&whole[..whole.len() / 2]).await.unwrap();
    tls.shutdown().await.unwrap();
    is_sent_away(tls).await;
    // A bulk connection that belongs to nothing.
    let mut tls = tls_client(end.address(), Some(&peer), BULK).await.unwrap();
    tls.write_all(&frame(br#"{"say":"hello","protocol":1,"token":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"#)).await.unwrap();
    is_sent_away(tls).await;
    end.stays_quiet(A_WHILE).await;
}

#[tokio::test]
async fn even_the_peer_cannot_send_a_signal_that_is_none() {
    let (end, peer) = listening().await;
    let bad = [
        (u32::try_from(MESSAGE_LIMIT).unwrap() + 1).to_be_bytes().to_vec(),
        frame(b"null"),
        frame(&b"[".repeat(MESSAGE_LIMIT)),
        frame(br#"{"say":"offer"}"#),
        [&0x100_u32.to_be_bytes()[..], b"{\"say\":"].concat(),
    ];
    for bytes in bad {
        let mut tls = tls_client(end.address(), Some(&peer), CONTROL).await.unwrap();
        tls.write_all(&hello_frame(&peer.identity)).await.unwrap();
        let trunk = end.opened(Side::Far).await;
        tls.write_all(&bytes).await.unwrap();
        tls.shutdown().await.unwrap();
        assert_eq!(end.next().await, Input::TrunkClosed { trunk });
    }
}

#[tokio::test]
async fn the_peer_can_open_so_many_connections_and_no_more() {
    let (end, peer) = listening().await;
    let mut open = vec![];
    for _ in 0..16 {
        let mut tls = tls_client(end.address(), Some(&peer), CONTROL).await.unwrap();
        tls.write_all(&hello_frame(&peer.identity)).await.unwrap();
        end.opened(Side::Far).await;
        open.push(tls);
    }
    let mut tls = tls_client(end.address(), Some(&peer), CONTROL).await.unwrap();
    let _ = tls.write_all(&hello_frame(&peer.identity)).await;
    is_sent_away(tls).await;
    end.stays_quiet(A_WHILE).await;
    drop(open.pop());
    let Input::TrunkClosed { .. } = end.next().await else { panic!("not closed") };
    let mut tls = tls_client(end.address(), Some(&peer), CONTROL).await.unwrap();
    tls.write_all(&hello_frame(&peer.identity)).await.unwrap();
    end.opened(Side::Far).await;
}

#[tokio::test]
async fn a_burst_after_a_stop_does_not_overrun_the_inbox() {
    let (end, peer) = listening().await;
    let mut tls = tls_client(end.address(), Some(&peer), CONTROL).await.unwrap();
    tls.write_all(&hello_frame(&peer.identity)).await.unwrap();
    let trunk = end.opened(Side::Far).await;
    const BURST: usize = 4500;
    let burst = tokio::spawn(async move {
        for _ in 0..BURST {
            tls.write_all(&frame(br#"{"say":"session_wanted"}"#)).await.unwrap();
        }
        tls.flush().await.unwrap();
        tls
    });
    // The loop takes nothing for a while; 4096 waiting inputs would be a panic.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..BURST {
        let Input::Heard { trunk: heard, .. } = end.next().await else { panic!("not heard") };
        assert_eq!(heard, trunk);
    }
    drop(burst.await.unwrap());
}

#[tokio::test]
async fn the_peer_gets_in_while_strangers_hold_every_place() {
    let (one, other) = identities();
    // It does not know where the peer is, so the peer comes as a stranger too.
    let b = End::start(&other, one.public_key(), None).await;
    let mut half_open = vec![];
    for n in 0..40 {
        half_open.push(connect_from([127, 0, 1, n], b.address()).await.unwrap());
    }
    let a = End::start(&one, other.public_key(), Some(b.address())).await;
    a.trunk.dial(None, WITHIN);
    let (at_a, at_b) = (a.opened(Side::Near).await, b.opened(Side::Far).await);
    assert!(a.bulk(at_a).await && b.bulk(at_b).await);
}

/// 2,000 half-open connections, kept open by whoever opened them, while the link lives and a second dial must succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_half_open_connections_costs_the_live_link_not_one_heartbeat() {
    let (_, files) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap();
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, files, files).unwrap();
    let (a, at_a, b, at_b) = linked().await;
    assert!(a.bulk(at_a).await && b.bulk(at_b).await);
    let sent = AtomicU64::new(0);
    let flood_over = tokio::sync::Notify::new();

    let flood = async {
        let mut half_open = vec![];
        for n in 0..2000_u16 {
            let [high, low] = n.to_be_bytes();
            half_open.push(connect_from([127, 1, high, low], b.address()).await.unwrap());
            // Some say a byte, some say nonsense.
            if n % 3 == 0 {
                let _ = half_open.last_mut().unwrap().write_all(&[0x16]).await;
            }
        }
        flood_over.notify_one();
        half_open
    };
    let heartbeats = async {
        let mut tick = interval(Duration::from_millis(5));
        let mut number = 0;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = flood_over.notified() => break,
            }
            number += 1;
            a.trunk.send(at_a, heartbeat(number));
            b.trunk.send(at_b, heartbeat(number));
            sent.store(number, Ordering::Relaxed);
        }
    };
    let (half_open, ()) = tokio::join!(flood, heartbeats);
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent > 10, "the flood was over before it could disturb: {sent}");
    for number in 1..=sent {
        assert_eq!(b.next().await, Input::Heard { trunk: at_b, signal: heartbeat(number) });
        assert_eq!(a.next().await, Input::Heard { trunk: at_a, signal: heartbeat(number) });
    }
    a.trunk.dial(None, WITHIN);
    a.opened(Side::Near).await;
    b.opened(Side::Far).await;
    // Nearly all have been sent away: what is left is what has a place.
    let mut left = 0;
    for mut tcp in half_open {
        if timeout(Duration::from_millis(1), tcp.read(&mut [0; 64])).await.is_err() {
            left += 1;
        }
    }
    assert!(left <= 8, "{left} strangers still hold a place");
}

#[tokio::test]
async fn a_flood_from_the_peers_own_address_lets_the_peer_in() {
    let (one, other) = identities();
    let a = End::start(&one, other.public_key(), None).await;
    let known: SocketAddr = a.address();
    let b = End::start(&other, one.public_key(), Some(known)).await;
    let flood = tokio::spawn({
        let to = b.address();
        async move {
            let mut half_open = vec![];
            for _ in 0..200 {
                half_open.push(connect_from([127, 0, 0, 1], to).await.unwrap());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    a.trunk.dial(Some(b.address()), WITHIN);
    a.opened(Side::Near).await;
    b.opened(Side::Far).await;
    flood.await.unwrap();
}
