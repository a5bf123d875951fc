//! Two trunks on loopback: up both ways, down, refused for the right reason, and never twice.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]

mod trunk_support;

use engawa::core::input::{DialFault, Input};
use engawa::core::signal::{Farewell, Signal};
use engawa::documents::Documents;
use engawa::inbox::Inbox;
use engawa::model::{BootId, SessionId, Side};
use engawa::trunk::identity::{Identity, IdentityError};
use engawa::trunk::message::SDP_LIMIT;
use engawa::trunk::{Bundles, Trunk, TrunkError, TrunkSettings};
use engawa::update::Place;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use trunk_support::proxy::linked_through_proxy;
use trunk_support::*;

#[tokio::test]
async fn a_dial_links_both_boxes_and_each_hears_the_others_hello_and_words() {
    let (one, other) = identities();
    let b = End::start(&other, one.public_key(), None).await;
    let a = End::start(&one, other.public_key(), Some(b.address())).await;
    a.trunk.dial(None, WITHIN);
    let Input::TrunkOpened { trunk: at_a, dialled_by: Side::Near, peer, own, hello } = a.next().await else {
        panic!("not opened")
    };
    assert_eq!((peer, &hello), (b.address(), &b.hello));
    let Input::TrunkOpened { trunk: at_b, dialled_by: Side::Far, peer, hello, .. } = b.next().await else {
        panic!("not opened")
    };
    assert_eq!((peer, &hello), (own, &a.hello));
    assert!(a.bulk(at_a).await && b.bulk(at_b).await);

    let offer = Signal::Offer {
        session: SessionId { boot: BootId(1), number: 1 },
        codec: a.hello.codecs[0],
        sdp: "é".repeat(SDP_LIMIT / 2),
    };
    a.trunk.send(at_a, offer.clone());
    b.trunk.send(at_b, heartbeat(5));
    assert_eq!(b.next().await, Input::Heard { trunk: at_b, signal: offer });
    assert_eq!(a.next().await, Input::Heard { trunk: at_a, signal: heartbeat(5) });
}

#[tokio::test]
async fn over_ipv6_addresses_are_reported_as_they_are() {
    let (one, other) = identities();
    let b = End::start_at(&other, one.public_key(), None, Some("[::]:0".parse().unwrap())).await;
    let a = End::start_at(&one, other.public_key(), None, None).await;
    for host in ["127.0.0.1", "[::1]"] {
        let to = format!("{host}:{}", b.address().port()).parse().unwrap();
        a.trunk.dial(Some(to), WITHIN);
        let at_a = a.opened(Side::Near).await;
        let Input::TrunkOpened { trunk, peer, own, .. } = b.next_of_control().await else { panic!("not opened") };
        assert_eq!((own, peer.ip()), (to, to.ip()), "no IPv4 address in IPv6 clothes");
        a.trunk.close(at_a);
        a.closed(at_a).await;
        b.closed(trunk).await;
    }
}

#[tokio::test]
async fn last_words_arrive_before_the_connection_closes() {
    let (a, at_a, b, at_b) = linked().await;
    for number in 0..20 {
        a.trunk.send(at_a, heartbeat(number));
    }
    a.trunk.send(at_a, Signal::Farewell(Farewell::GoingDown));
    a.trunk.stop().await;
    for number in 0..20 {
        assert_eq!(b.next_of_control().await, Input::Heard { trunk: at_b, signal: heartbeat(number) });
    }
    let farewell = Signal::Farewell(Farewell::GoingDown);
    assert_eq!(b.next_of_control().await, Input::Heard { trunk: at_b, signal: farewell });
    assert_eq!(b.next_of_control().await, Input::TrunkClosed { trunk: at_b });
}

#[tokio::test]
async fn closing_takes_the_bulk_connection_along_and_nothing_comes_afterwards() {
    let (a, at_a, b, at_b) = linked().await;
    assert!(a.bulk(at_a).await && b.bulk(at_b).await);
    b.trunk.close(at_b);
    assert_eq!(b.next().await, Input::TrunkClosed { trunk: at_b });
    a.closed(at_a).await;
    b.trunk.send(at_b, heartbeat(1));
    b.trunk.close(at_b);
    let quiet = Duration::from_millis(1500);
    tokio::join!(a.stays_quiet(quiet), b.stays_quiet(quiet));
}

#[tokio::test]
async fn both_may_dial_at_once_and_both_connections_stand() {
    let (one, other) = identities();
    let a = End::start(&one, other.public_key(), None).await;
    let b = End::start(&other, one.public_key(), None).await;
    a.trunk.dial(Some(b.address()), WITHIN);
    b.trunk.dial(Some(a.address()), WITHIN);
    for end in [&a, &b] {
        let (mut sides, mut bulks) = (vec![], 0);
        while sides.len() + bulks < 4 {
            match end.next().await {
                Input::TrunkOpened { dialled_by, trunk, .. } => sides.push((dialled_by, trunk)),
                Input::BulkChanged { up: true, .. } => bulks += 1,
                input => panic!("{input:?}"),
            }
        }
        assert_eq!(bulks, 2);
        assert!(sides.iter().any(|(by, _)| *by == Side::Near) && sides.iter().any(|(by, _)| *by == Side::Far));
        assert_ne!(sides[0].1, sides[1].1);
    }
}

#[tokio::test]
async fn a_wrong_key_on_either_side_is_told_as_such() {
    let (one, other) = identities();
    let third = Identity::generate().unwrap();
    let b = End::start(&other, one.public_key(), None).await;
    // The dialler pins somebody else.
    let a = End::start(&one, third.public_key(), Some(b.address())).await;
    a.trunk.dial(None, WITHIN);
    assert_eq!(a.next().await, Input::DialFailed { fault: DialFault::WrongKey });
    // The listener pins somebody else.
    let c = End::start(&third, other.public_key(), Some(b.address())).await;
    c.trunk.dial(None, WITHIN);
    assert_eq!(c.next().await, Input::DialFailed { fault: DialFault::WrongKey });
    b.stays_quiet(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn every_dial_is_answered_once_with_its_reason() {
    let (one, other) = identities();
    let a = End::start(&one, other.public_key(), None).await;
    let failed = async |to: Option<std::net::SocketAddr>, within| {
        a.trunk.dial(to, within);
        match a.next().await {
            Input::DialFailed { fault } => fault,
            input => panic!("{input:?}"),
        }
    };
    assert_eq!(failed(None, WITHIN).await, DialFault::Unreachable, "nobody said where");

    let closed = TcpListener::bind(ANY_PORT).await.unwrap().local_addr().unwrap();
    assert_eq!(failed(Some(closed), WITHIN).await, DialFault::Refused);

    let silent = TcpListener::bind(ANY_PORT).await.unwrap();
    let short = Duration::from_millis(50);
    assert_eq!(failed(Some(silent.local_addr().unwrap()), short).await, DialFault::TimedOut);

    let web = TcpListener::bind(ANY_PORT).await.unwrap();
    let to = web.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut tcp, _) = web.accept().await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        is_sent_away(tcp).await;
    });
    assert_eq!(failed(Some(to), WITHIN).await, DialFault::NotEngawa);
    a.stays_quiet(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn a_taken_port_and_the_own_key_are_refused_in_one_sentence() {
    let (one, other) = identities();
    let holder = TcpListener::bind(ANY_PORT).await.unwrap();
    let taken = holder.local_addr().unwrap();
    let settings = |pinned| TrunkSettings {
        listen: Some(taken),
        peer_address: None,
        identity: one.clone(),
        pinned,
        hello: hello(&one),
        documents: Documents::default(),
        bundles: Bundles::new(Place::new("/nonexistent/engawa")),
    };
    let error = Trunk::start(settings(other.public_key()), Inbox::default()).await.err().unwrap();
    assert!(matches!(error, TrunkError::PortTaken(address) if address == taken), "{error}");
    assert!(error.to_string().contains(&taken.port().to_string()));
    let error = Trunk::start(settings(one.public_key()), Inbox::default()).await.err().unwrap();
    assert!(matches!(error, TrunkError::Identity(IdentityError::OwnKey)), "{error}");
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_closed_and_not_waited_for() {
    let (a, at_a, b, at_b) = linked().await;
    let words = Signal::Answer { session: SessionId { boot: BootId(1), number: 1 }, sdp: "a".repeat(SDP_LIMIT) };
    // Without a pause nobody can empty the queue in between.
    for _ in 0..65 {
        a.trunk.send(at_a, words.clone());
    }
    a.closed(at_a).await;
    b.closed(at_b).await;
}

#[tokio::test]
async fn bulk_is_dialled_again_while_control_lives() {
    let (proxy, [(a, at_a), (b, at_b)]) = linked_through_proxy().await;
    proxy.cut(1);
    assert!(!a.bulk(at_a).await && !b.bulk(at_b).await, "bulk is gone");
    assert!(a.bulk(at_a).await && b.bulk(at_b).await, "bulk is back");
    a.trunk.send(at_a, heartbeat(1));
    assert_eq!(b.next().await, Input::Heard { trunk: at_b, signal: heartbeat(1) });
    // Several pings later it still stands.
    tokio::join!(a.stays_quiet(Duration::from_millis(2500)), b.stays_quiet(Duration::from_millis(2500)));
}

#[tokio::test]
async fn a_recorded_connection_replayed_is_refused() {
    let (proxy, [(a, at_a), (b, at_b)]) = linked_through_proxy().await;
    a.trunk.send(at_a, heartbeat(1));
    assert_eq!(b.next().await, Input::Heard { trunk: at_b, signal: heartbeat(1) });

    let recorded = proxy.recorded();
    assert_eq!(recorded.len(), 2, "control and bulk");
    for bytes in recorded {
        assert!(bytes.len() > 500);
        let mut tcp = TcpStream::connect(b.address()).await.unwrap();
        tcp.write_all(&bytes).await.unwrap();
        is_sent_away_after_a_handshake(tcp).await;
    }
    b.stays_quiet(Duration::from_millis(300)).await;
}

/// The listener answers the replayed ClientHello with its own fresh half, cannot read the rest, and ends it.
async fn is_sent_away_after_a_handshake(mut tcp: TcpStream) {
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut rest)).await.expect("not sent away");
}
