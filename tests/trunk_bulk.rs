//! Documents between two boxes, over real TLS: both ways at once, through cuts, in the order wanted, at the pace allowed.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]
#![allow(clippy::print_stdout, reason = "figures")]

mod trunk_support;

use engawa::core::input::{Input, News};
use engawa::model::{Bitrate, DocumentId, Side, TrunkId};
use engawa::trunk::message::{Bulk, PIECE_LIMIT};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use trunk_support::memory::{canary, count_in_memory};
use trunk_support::proxy::{Proxy, linked_through_proxy};
use trunk_support::raw::{Raw, want};
use trunk_support::*;

/// A document of `length` bytes that stands at `from`, is served there, and is expected at `to`.
fn shared(from: &End, to: &End, seed: u8, length: usize) -> DocumentId {
    let document = from.documents.add(text(seed, length)).unwrap();
    to.documents.expect(document, length as u64).unwrap();
    document
}

fn text(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 31 + (at >> 9)) as u8) ^ seed).collect()
}

async fn arrived(end: &End) -> DocumentId {
    loop {
        match end.next().await {
            Input::DocumentArrived { document } => return document,
            Input::BulkChanged { .. } => {}
            input => panic!("not arrived: {input:?}"),
        }
    }
}

async fn has(end: &End, document: DocumentId, bytes: u64) {
    let reached = async {
        while end.documents.progress(document).unwrap().0 < bytes {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, reached).await.expect("too slow");
}

fn mbps(mbps: u32) -> Bitrate {
    Bitrate::from_kbps(1000 * mbps)
}

#[tokio::test]
async fn documents_travel_both_ways_at_once() {
    let (a, _, b, _) = linked().await;
    const LENGTH: usize = 3 * PIECE_LIMIT * 40 + 1;
    let (to_b, to_a) = (shared(&a, &b, 1, LENGTH), shared(&b, &a, 2, LENGTH));
    let small = shared(&b, &a, 3, 1);
    for (end, gives, wants) in [(&a, vec![to_b], vec![to_a, small]), (&b, vec![to_a, small], vec![to_b])] {
        end.documents.serve(gives);
        end.trunk.want(&wants);
        end.trunk.pace(mbps(200));
    }
    assert_eq!((arrived(&a).await, arrived(&a).await, arrived(&b).await), (to_a, small, to_b));
    for (end, document, bytes) in [(&a, to_a, text(2, LENGTH)), (&b, to_b, text(1, LENGTH)), (&a, small, text(3, 1))] {
        assert!(end.documents.bytes(document).unwrap()[..] == bytes);
    }
    // Told once, and nothing breaks afterwards.
    let quiet = Duration::from_millis(1200);
    tokio::join!(a.stays_quiet(quiet), b.stays_quiet(quiet));
}

#[tokio::test]
async fn a_transfer_goes_on_after_a_cut_and_on_a_new_trunk_without_sending_twice() {
    let (proxy, [(a, at_a), (b, at_b)]) = linked_through_proxy().await;
    const LENGTH: u64 = 4_000_000;
    let document = shared(&b, &a, 5, LENGTH as usize);
    // As of a document of fifty pages, each with something of its own.
    assert!(b.documents.set_first(document, (0..50).map(|page| page * 80_000..page * 80_000 + 300)));
    b.documents.serve([document]);
    a.trunk.want(&[document]);
    b.trunk.pace(mbps(16));
    let before = proxy.answered();

    has(&a, document, LENGTH / 4).await;
    assert!(matches!(a.news().await, News::Arriving { .. }) && a.documents.has_first_page(document).is_some());
    proxy.cut(1);
    assert!(!a.bulk(at_a).await && a.bulk(at_a).await, "gone and back");
    has(&a, document, LENGTH / 2).await;
    a.trunk.close(at_a);
    assert!(!b.bulk(at_b).await && b.bulk(at_b).await, "the cut at the other end");
    a.closed(at_a).await;
    b.closed(at_b).await;
    let kept = a.documents.progress(document).unwrap().0;
    assert!((LENGTH / 2..LENGTH).contains(&kept), "cut in the middle: {kept}");
    a.trunk.dial(None, WITHIN);
    a.opened(Side::Near).await;
    assert_eq!(arrived(&a).await, document);
    assert!(a.documents.bytes(document).unwrap()[..] == text(5, LENGTH as usize));

    let sent = proxy.answered() - before;
    println!("{sent} bytes for {LENGTH}: {} twice or not of the document", sent - LENGTH);
    // TLS and frames take under 1 % of pieces of 16 KiB; twice goes what was in flight when it was cut, and two handshakes.
    assert!(sent < LENGTH + LENGTH / 50 + 2 * IN_FLIGHT, "{sent} bytes were sent");
}

#[tokio::test]
async fn the_newest_list_decides_what_comes_first() {
    let (a, _, b, _) = linked().await;
    const LENGTH: usize = 500_000;
    let [first, second, third] = [1, 2, 3].map(|seed| shared(&b, &a, seed, LENGTH));
    b.documents.serve([first, second, third]);
    a.trunk.want(&[first, second, first]);
    b.trunk.pace(mbps(8));
    has(&a, first, 50_000).await;
    assert_eq!(a.documents.progress(second), Some((0, LENGTH as u64)));
    a.trunk.want(&[third, second, first]);
    assert_eq!((arrived(&a).await, arrived(&a).await, arrived(&a).await), (third, second, first));
}

#[tokio::test]
async fn what_is_forgotten_in_the_middle_stops_and_can_be_had_again() {
    let (proxy, [(a, _), (b, _)]) = linked_through_proxy().await;
    const LENGTH: usize = 2_000_000;
    let document = shared(&b, &a, 1, LENGTH);
    b.documents.serve([document]);
    a.trunk.want(&[document]);
    b.trunk.pace(mbps(8));
    has(&a, document, 200_000).await;
    a.documents.forget(document);
    sleep(Duration::from_millis(200)).await;
    let sent = proxy.answered();
    sleep(Duration::from_millis(500)).await;
    // A second of pings and pongs is some hundred bytes.
    assert!(proxy.answered() < sent + 1000, "the peer is still sending: {} bytes", proxy.answered() - sent);
    assert_eq!(a.documents.progress(document), None);
    // Wanted as before, it comes as soon as it is expected.
    a.documents.expect(document, LENGTH as u64).unwrap();
    b.trunk.pace(mbps(200));
    assert_eq!(arrived(&a).await, document);
}

#[tokio::test]
async fn a_document_forgotten_by_who_gives_it_is_refused_until_it_is_there_again() {
    let (a, _, b, _) = linked().await;
    const LENGTH: usize = 1_000_000;
    let document = shared(&b, &a, 1, LENGTH);
    b.documents.serve([document]);
    a.trunk.want(&[document]);
    b.trunk.pace(mbps(8));
    has(&a, document, 200_000).await;
    b.documents.forget_all();
    let told = async {
        loop {
            match a.next().await {
                Input::BulkChanged { .. } => {}
                input => return input,
            }
        }
    };
    assert_eq!(told.await, Input::DocumentWithheld { document }, "told, and once only");
    sleep(Duration::from_millis(300)).await;
    let kept = a.documents.progress(document).unwrap().0;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(a.documents.progress(document).unwrap().0, kept, "nothing more comes");
    assert_eq!(b.documents.add(text(1, LENGTH)), Ok(document));
    b.documents.serve([document]);
    b.trunk.pace(mbps(200));
    assert_eq!(arrived(&a).await, document);
}

#[tokio::test]
async fn of_a_forgotten_document_at_most_what_tls_last_held_is_left_in_memory() {
    let (a, _, b, _) = linked().await;
    const LENGTH: usize = 3_000_000;
    let (bytes, masked) = canary(LENGTH);
    let document = b.documents.add(bytes).unwrap();
    a.documents.expect(document, LENGTH as u64).unwrap();
    b.documents.serve([document]);
    a.trunk.want(&[document]);
    b.trunk.pace(mbps(100));
    assert_eq!(arrived(&a).await, document);
    assert!(count_in_memory(&masked) > 2 * (LENGTH - 100_000) / masked.len(), "the search finds what is there");
    a.documents.forget_all();
    b.documents.forget_all();
    let left = count_in_memory(&masked) * masked.len();
    println!("{left} bytes left in buffers of TLS");
    assert!(left <= 2 * PIECE_LIMIT, "{left} bytes");
}

#[tokio::test]
async fn two_trunks_at_once_send_nothing_twice() {
    let (one, other) = identities();
    let b = End::start(&other, one.public_key(), None).await;
    let proxy = Proxy::to(b.address()).await;
    let a = End::start(&one, other.public_key(), Some(proxy.address)).await;
    for _ in 0..2 {
        a.trunk.dial(None, WITHIN);
        let trunk: TrunkId = a.opened(Side::Near).await;
        assert!(a.bulk(trunk).await);
    }
    const LENGTH: u64 = 2_000_000;
    let document = shared(&b, &a, 1, LENGTH as usize);
    b.documents.serve([document]);
    let before = proxy.answered();
    b.trunk.pace(mbps(50));
    a.trunk.want(&[document]);
    assert_eq!(arrived(&a).await, document);
    let sent = proxy.answered() - before;
    assert!(sent < LENGTH + LENGTH / 50 + IN_FLIGHT, "{sent} bytes were sent");
}

#[tokio::test]
async fn the_pace_is_kept_and_a_pace_of_nothing_sends_nothing() {
    let (proxy, [(a, _), (b, _)]) = linked_through_proxy().await;
    let document = shared(&b, &a, 1, 60_000_000);
    b.documents.serve([document]);
    a.trunk.want(&[document]);
    let idle = proxy.answered();
    sleep(Duration::from_millis(1500)).await;
    assert!(proxy.answered() < idle + 1000 && a.documents.progress(document).unwrap().0 == 0, "no pace, no piece");
    for kbps in [200, 2_000, 40_000, 1_000] {
        b.trunk.pace(Bitrate::from_kbps(kbps));
        // What was on its way at the pace before.
        sleep(Duration::from_millis(300)).await;
        let (from, began) = (proxy.answered(), Instant::now());
        sleep(Duration::from_secs(2)).await;
        // With the headers of TCP and IPv6, as the pace counts.
        let on_the_line = (proxy.answered() - from) as f64 * (1.0 + 72.0 / 1428.0);
        let measured = on_the_line * 8.0 / began.elapsed().as_secs_f64() / 1000.0;
        println!("pace {kbps} kbit/s: {measured:.0} kbit/s");
        assert!((measured / f64::from(kbps) - 1.0).abs() < 0.1, "{measured} instead of {kbps} kbit/s");
    }
    b.trunk.pace(Bitrate::default());
    sleep(Duration::from_millis(300)).await;
    let stopped = proxy.answered();
    sleep(Duration::from_millis(1500)).await;
    assert!(proxy.answered() < stopped + 1000, "still sending: {} bytes", proxy.answered() - stopped);
}

#[tokio::test]
async fn pings_keep_their_second_between_the_pieces() {
    let (mut raw, end) = Raw::linked().await;
    let document = end.documents.add(text(1, 5_000_000)).unwrap();
    end.documents.serve([document]);
    end.trunk.pace(Bitrate::from_kbps(200));
    raw.say(&want(&[(document, 0..5_000_000)])).await;
    let heard = raw.hear_for(Duration::from_secs(4)).await;
    let (mut pings, mut bytes) = (vec![], 0);
    for (at, message) in heard {
        match message {
            Bulk::Ping { .. } => pings.push(at),
            Bulk::Piece { bytes: piece, .. } => bytes += piece.len(),
            message => panic!("{message:?}"),
        }
    }
    let gaps: Vec<_> = pings.windows(2).map(|two| two[1] - two[0]).collect();
    println!("gaps between pings {gaps:?}, {bytes} bytes");
    assert!(pings.len() >= 3 && bytes > 70_000, "{} pings, {bytes} bytes", pings.len());
    assert!(gaps.iter().all(|gap| *gap < Duration::from_millis(1200)), "{gaps:?}");
}

/// What a loopback connection may hold when it is cut: the kernel's unsent bytes, a piece, and the buffers of the proxy.
const IN_FLIGHT: u64 = 128 * 1024;
