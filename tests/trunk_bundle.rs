//! An update that one box passes on to the other, over real TLS, from disk to disk: through cuts, after documents, broken, hostile.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]
#![allow(clippy::print_stdout, reason = "figures")]

mod trunk_support;

use engawa::core::input::News;
use engawa::inbox::Mail;
use engawa::model::Bitrate;
use engawa::trunk::message::{
    Bulk, BundleWord, Digest, LENGTH_BYTES, MESSAGE_LIMIT, MessageError, PIECE_LIMIT, decode_bulk, encode_bulk,
};
use engawa::trunk::{BundleRefused, Bundles, Stage};
use engawa::update::place::LIMITS;
use engawa::update::{Source, Wish};
use ring::digest::{SHA256, digest};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use trunk_support::proxy::linked_through_proxy;
use trunk_support::raw::{Raw, want};
use trunk_support::*;

const DIGEST: Digest = Digest([0xa5; 32]);

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + (at >> 9)) as u8).collect()
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest(digest(&SHA256, bytes).as_ref().try_into().unwrap())
}

/// Lies there whole, and is to be passed on.
fn give(end: &End, bytes: &[u8]) {
    let mut incoming = end.updates.begin(Source::Stick, bytes.len() as u64).unwrap();
    incoming.write(bytes).unwrap();
    incoming.finish().unwrap();
    assert!(end.bundles.pass().unwrap());
}

fn here(end: &End) -> u64 {
    end.updates.unfinished().map_or(0, |part| part.here)
}

async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !so() {
            sleep(Duration::from_millis(3)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

fn mbps(mbps: u32) -> Bitrate {
    Bitrate::from_kbps(1000 * mbps)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_and_a_restart_cost_what_was_in_flight_and_nothing_is_installed_by_arriving() {
    let (proxy, [(a, _), (mut b, _)]) = linked_through_proxy().await;
    const LENGTH: usize = 5_000_000;
    let bundle = bytes(LENGTH);
    let before = proxy.answered();
    give(&b, &bundle);
    b.trunk.pace(mbps(24));
    until("a third of it is there", || here(&a) > LENGTH as u64 / 3).await;
    let kept = here(&a);
    proxy.cut(1);
    until("it goes on", || here(&a) > kept + 300_000).await;
    assert!(matches!(b.bundles.passing().unwrap().stage, Stage::Goes(_)));
    until("it is whole", || a.updates.whole().is_some()).await;
    until("and that is known", || b.bundles.passing().unwrap().stage == Stage::Arrived).await;
    let whole = a.updates.whole().unwrap();
    assert_eq!((whole.source, whole.sha256), (Source::Peer, digest_of(&bundle).to_string()));
    assert!(std::fs::read(a.updates.bundle()).unwrap() == bundle);
    assert_eq!(a.updates.take_wish().unwrap(), Some(Wish::Check), "nobody installs it by sending it");
    let sent = proxy.answered() - before;
    println!("{sent} bytes for {LENGTH}");
    assert!(sent < LENGTH as u64 + 2 * (1 << 20) + LENGTH as u64 / 25, "{sent} bytes were sent");
    // The line was wanted for it while it went.
    let mut goes = Vec::new();
    while let Ok(mail) = timeout(Duration::from_millis(300), b.inbox.next()).await {
        if let Mail::News(News::BundleGoes(now)) = mail {
            goes.push(now);
        }
    }
    assert_eq!(goes.last(), Some(&false), "and is not any more: {goes:?}");
    // A daemon that begins anew offers what did not arrive, and only that.
    until("it is forgotten", || b.updates.to_pass().is_none()).await;
    b.bundles = Bundles::new(b.updates.clone());
    b.bundles.remember();
    assert_eq!(b.bundles.passing(), None);
    b.updates.pass().unwrap();
    b.bundles.remember();
    assert_eq!(b.bundles.passing().unwrap().stage, Stage::Waits);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_always_go_first() {
    let (a, _, b, _) = linked().await;
    give(&b, &bytes(6_000_000));
    b.trunk.pace(mbps(16));
    until("the bundle is on its way", || here(&a) > 300_000).await;
    let document = b.documents.add(bytes(1_000_000)).unwrap();
    a.documents.expect(document, 1_000_000).unwrap();
    b.documents.serve([document]);
    a.trunk.want(&[document]);
    until("the document begins", || a.documents.progress(document).is_none_or(|(have, _)| have > 50_000)).await;
    let before = here(&a);
    until("the document is there", || a.documents.bytes(document).is_some()).await;
    let passed = here(&a) - before;
    println!("{passed} bytes of the bundle beside 950000 of the document");
    assert!(passed < 150_000, "{passed} bytes of the bundle went before the document");
    until("the bundle goes on", || here(&a) > before + 500_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_its_name_says_is_not_kept() {
    let (mut raw, end) = Raw::linked().await;
    let named = digest_of(b"hello");
    raw.say(&offer(named, 5)).await;
    assert_eq!(raw.hear().await, Some(Bulk::Bundle(BundleWord::Want { bundle: named, from: 0, to: 5 })));
    raw.say(&piece(named, 0, b"HELLO")).await;
    assert_eq!(raw.hear().await, Some(refused(named, BundleRefused::Broken)));
    assert!(end.updates.whole().is_none() && end.updates.unfinished().is_none());
    sleep(Duration::from_millis(350)).await;
    raw.say(&offer(named, 5)).await;
    assert_eq!(raw.hear().await, Some(Bulk::Bundle(BundleWord::Want { bundle: named, from: 0, to: 5 })));
    raw.say(&piece(named, 0, b"hel")).await;
    raw.say(&piece(named, 3, b"lo")).await;
    assert_eq!(raw.hear().await, Some(Bulk::Bundle(BundleWord::Here { bundle: named })));
    sleep(Duration::from_millis(350)).await;
    raw.say(&offer(named, 5)).await;
    assert_eq!(raw.hear().await, Some(Bulk::Bundle(BundleWord::Here { bundle: named })), "it is there already");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_a_rule_is_sent_away_and_too_much_is_refused() {
    let (mut raw, end) = Raw::linked().await;
    let large = digest_of(b"large");
    raw.say(&offer(large, LIMITS.most + 1)).await;
    assert_eq!(raw.hear().await, Some(refused(large, BundleRefused::TooLarge)));
    assert!(end.updates.unfinished().is_none(), "not a byte of it");
    let wanted = digest_of(b"wanted");
    for (rule, bundle, offset, length) in [
        ("a piece behind what was asked", wanted, 1 << 20, 1),
        ("a piece over its end", wanted, (1 << 20) - 1, 2),
        ("not the next piece", wanted, 5, 1),
        ("of another bundle, and of no offer", large, 0, 1),
    ] {
        if bundle == wanted {
            sleep(Duration::from_millis(350)).await;
            raw.say(&offer(wanted, 3 << 20)).await;
            let asked = Some(Bulk::Bundle(BundleWord::Want { bundle: wanted, from: 0, to: 1 << 20 }));
            assert_eq!(raw.hear().await, asked, "before {rule}");
        }
        raw.say(&piece(bundle, offset, &vec![1; length])).await;
        assert_eq!(raw.hear().await, None, "{rule}");
        raw.dial_bulk(&end).await;
        until("the place is free again", || matches!(end.updates.hold(), Ok(Some(_)))).await;
    }
    assert_eq!(here(&end), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_before_answers_nothing_and_documents_go_on() {
    let (mut raw, end) = Raw::linked().await;
    give(&end, &bytes(100_000));
    end.trunk.pace(mbps(16));
    let offered = raw.hear().await;
    assert!(matches!(offered, Some(Bulk::Bundle(BundleWord::Offer { length: 100_000, .. }))), "{offered:?}");
    let document = end.documents.add(bytes(3000)).unwrap();
    end.documents.serve([document]);
    raw.say(&want(&[(document, 0..3000)])).await;
    let mut got = 0;
    while got < 3000 {
        match raw.hear().await {
            Some(Bulk::Piece { bytes, .. }) => got += bytes.len(),
            other => panic!("not the document: {other:?}"),
        }
    }
    assert_eq!(end.bundles.passing().unwrap().stage, Stage::Waits, "pressed again, or offered to its next version");
}

fn offer(bundle: Digest, length: u64) -> Bulk {
    Bulk::Bundle(BundleWord::Offer { bundle, length, release: "0.2.0".into() })
}

fn piece(bundle: Digest, offset: u64, bytes: &[u8]) -> Bulk {
    Bulk::Bundle(BundleWord::Piece { bundle, offset, bytes: bytes.to_vec() })
}

fn refused(bundle: Digest, why: BundleRefused) -> Bulk {
    Bulk::Bundle(BundleWord::Refused { bundle, why })
}

/// It skips bodies that begin with 3 to 8, and whatever it does not know how to "say".
#[test]
fn the_version_before_skips_every_word_about_bundles() {
    let skipped = |frame: &[u8]| {
        (3..=8).contains(&frame[LENGTH_BYTES]) || frame[LENGTH_BYTES..].starts_with(b"{\"say\":\"bundle\",")
    };
    for word in [
        BundleWord::Offer { bundle: DIGEST, length: 7, release: "x".repeat(500) },
        BundleWord::Want { bundle: DIGEST, from: 0, to: u64::MAX },
        BundleWord::Piece { bundle: DIGEST, offset: u64::MAX, bytes: vec![b'{'; PIECE_LIMIT] },
        BundleWord::Here { bundle: DIGEST },
        BundleWord::Refused { bundle: DIGEST, why: BundleRefused::Busy },
    ] {
        let frame = encode_bulk(&Bulk::Bundle(word.clone())).unwrap();
        assert!(skipped(&frame) && frame.len() < MESSAGE_LIMIT, "{word:?}");
    }
    let named = DIGEST.to_string();
    for (json, read) in [
        (format!(r#"{{"say":"bundle","what":"juggle","bundle":"{named}"}}"#), Ok(None)),
        (
            format!(r#"{{"say":"bundle","what":"refused","bundle":"{named}","why":"rain"}}"#),
            Ok(Some(refused(DIGEST, BundleRefused::Failed))),
        ),
        (
            r#"{"say":"bundle","what":"here","bundle":"../../etc"}"#.to_owned(),
            Err(MessageError::OutOfBounds("the name of a bundle")),
        ),
        (
            format!(r#"{{"say":"bundle","what":"offer","bundle":"{named}","length":0}}"#),
            Err(MessageError::OutOfBounds("the length of a bundle")),
        ),
        (
            format!(r#"{{"say":"bundle","what":"want","bundle":"{named}","from":5,"to":5}}"#),
            Err(MessageError::OutOfBounds("part of a bundle")),
        ),
    ] {
        assert_eq!(decode_bulk(json.as_bytes()), read, "{json}");
    }
    for length in [0, PIECE_LIMIT + 1] {
        let long = [&[3][..], &[0; 40], &vec![0; length]].concat();
        assert_eq!(decode_bulk(&long), Err(MessageError::OutOfBounds("the length of a piece")));
    }
    assert!(decode_bulk(&[3; 12]).is_err());
}
