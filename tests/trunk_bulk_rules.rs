//! A peer that proved its key and breaks the rules of bulk, or asks for what it may not have.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]
#![allow(clippy::single_range_in_vec_init, reason = "one part is a list of parts")]

mod trunk_support;

use engawa::core::input::{Input, News};
use engawa::documents::{LONGEST_DOCUMENT, MOST_PARTS, name_of};
use engawa::model::{Bitrate, DocumentId};
use engawa::trunk::message::{Bulk, LENGTH_BYTES, MessageError, PIECE_LIMIT, Wanted, decode_bulk, encode_bulk};
use std::ops::Range;
use std::time::Duration;
use trunk_support::raw::{Raw, want};
use trunk_support::{End, frame};

fn piece(document: DocumentId, offset: u64, bytes: &[u8]) -> Bulk {
    Bulk::Piece { document, offset, bytes: bytes.to_vec().into() }
}

async fn failed(end: &End) -> DocumentId {
    match end.next().await {
        Input::DocumentFailed { document } => document,
        input => panic!("not failed: {input:?}"),
    }
}

#[test]
fn every_limit_of_what_a_first_page_needs_holds() {
    let said = |message: Bulk| encode_bulk(&message).and_then(|frame| decode_bulk(&frame[LENGTH_BYTES..]));
    let out = |what| Err(MessageError::OutOfBounds(what));
    let first = |parts: &[Range<u64>]| Bulk::First { document: DocumentId([1; 32]), parts: parts.to_vec() };
    let many: Vec<_> = (0..=MOST_PARTS as u64).map(|part| 2 * part..2 * part + 1).collect();
    for (parts, fault) in [
        (&many[1..], None),
        (&[0..LONGEST_DOCUMENT], None),
        (&many[..], Some("the number of parts")),
        (&[], Some("the number of parts")),
        (&[0..0], Some("a part")),
        (&[Range { start: 2, end: 1 }], Some("a part")),
        (&[0..2, 2..3], Some("a part")),
        (&[4..5, 0..1], Some("a part")),
        (&[0..LONGEST_DOCUMENT + 1], Some("a part")),
    ] {
        let heard = fault.map_or_else(|| Ok(Some(first(parts))), out);
        assert_eq!(said(first(parts)), heard);
        let ends = parts.iter().flat_map(|part| [part.start, part.end].map(|end| (end as u32).to_be_bytes()));
        assert_eq!(decode_bulk(&[&[2][..], &[1; 32], &ends.collect::<Vec<_>>().concat()].concat()), heard);
    }
    let fits = encode_bulk(&first(&many[1..])).unwrap().len();
    assert!(fits <= PIECE_LIMIT / 2, "{fits} bytes are more than a box sends at once");
    assert!(decode_bulk(&[2; 1 + 32 + 7]).is_err() && decode_bulk(&[2; 12]).is_err());
}

#[tokio::test]
async fn wrong_bytes_are_asked_for_again_and_given_up_the_third_time() {
    let (mut raw, end) = Raw::linked().await;
    let bytes = vec![7; 20_000];
    let document = name_of(&bytes);
    end.documents.expect(document, 20_000).unwrap();
    end.trunk.want(&[document]);
    for _ in 0..3 {
        assert_eq!(raw.hear().await, Some(want(&[(document, 0..20_000)])));
        raw.say(&piece(document, 0, &bytes[..15_000])).await;
        raw.say(&piece(document, 15_000, &[8; 5_000])).await;
    }
    assert_eq!(failed(&end).await, document);
    assert_eq!(raw.hear().await, Some(want(&[])), "nothing is wanted any more");
    assert!(end.documents.bytes(document).is_none() && end.documents.progress(document).is_none());
    // A person tries again.
    end.documents.forget(document);
    end.documents.expect(document, 20_000).unwrap();
    assert_eq!(raw.hear().await, Some(want(&[(document, 0..20_000)])));
    raw.say(&piece(document, 0, &bytes[..15_000])).await;
    raw.say(&piece(document, 15_000, &bytes[15_000..])).await;
    assert_eq!(end.next().await, Input::DocumentArrived { document });
}

#[tokio::test]
async fn who_breaks_a_rule_is_sent_away_and_nothing_is_kept() {
    let (mut raw, end) = Raw::linked().await;
    let [document, expected, unknown] = [1, 2, 3].map(|n| DocumentId([n; 32]));
    end.documents.expect(document, 1000).unwrap();
    end.documents.expect(expected, 1000).unwrap();
    end.trunk.want(&[document]);
    let crumb = piece(document, 500, &[1]);
    let rules = [
        ("a piece that nobody wanted", frame_of(&piece(unknown, 0, &[1]))),
        ("a piece of a document that is expected and was not asked for", frame_of(&piece(expected, 0, &[1]))),
        ("a piece beyond the end", frame_of(&piece(document, 999, &[1, 1]))),
        ("a piece too long", frame(&[&[1][..], &[1; 32], &[0; 8], &[0; 16_385]].concat())),
        ("a piece of nothing", frame(&[&[1][..], &[1; 32], &[0; 8]].concat())),
        ("parts beyond the end", frame_of(&Bulk::First { document, parts: only(0..1001) })),
        ("a frame too long", u32::MAX.to_be_bytes().to_vec()),
        (
            "a range backwards",
            frame(format!(r#"{{"say":"want","list":[{{"document":"{unknown}","ranges":[[2,1]]}}]}}"#).as_bytes()),
        ),
        ("a second hello", frame(br#"{"say":"hello","protocol":1,"token":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"#)),
    ];
    for (round, (rule, bytes)) in rules.into_iter().enumerate() {
        let missing = Bulk::Want { list: vec![Wanted { document, ranges: vec![0..500, 501..1000] }] };
        let asked = if round == 0 { want(&[(document, 0..1000)]) } else { missing };
        assert_eq!(raw.hear().await, Some(asked), "before {rule}");
        raw.say(&crumb).await;
        raw.say_frame(&bytes).await;
        assert_eq!(raw.hear().await, None, "{rule}");
        for up in [false, true] {
            if up {
                raw.dial_bulk(&end).await;
            }
            assert!(matches!(end.next().await, Input::BulkChanged { up: now, .. } if now == up), "{rule}");
        }
        assert_eq!(end.documents.progress(document), Some((1, 1000)), "{rule}");
        assert_eq!((end.documents.progress(expected), end.documents.progress(unknown)), (Some((0, 1000)), None));
    }
    // Here already, had twice, or no longer wanted: not a box's fault.
    assert!(matches!(raw.hear().await, Some(Bulk::Want { .. })));
    end.documents.forget(document);
    assert_eq!(raw.hear().await, Some(want(&[])));
    raw.say(&crumb).await;
    raw.say(&Bulk::Refused { document: unknown }).await;
    raw.say_frame(&frame(br#"{"say":"thumbnail","of":[1,2]}"#)).await;
    raw.say_frame(&frame(&[4, 0xff])).await;
    raw.say(&Bulk::First { document: unknown, parts: only(0..1) }).await;
    raw.say(&Bulk::Ping { number: 77 }).await;
    let heard = raw.hear_for(Duration::from_millis(500)).await;
    assert!(heard.iter().any(|(_, message)| *message == Bulk::Pong { number: 77 }), "{heard:?}");
}

#[tokio::test]
async fn only_what_is_served_is_given_and_no_longer_than_that() {
    let (mut raw, end) = Raw::linked().await;
    let [one, other] = [1, 2].map(|n| end.documents.add(vec![n; 400_000]).unwrap());
    let coming = DocumentId([9; 32]);
    end.documents.expect(coming, 1000).unwrap();
    end.trunk.pace(Bitrate::from_kbps(2000));
    let asked = want(&[(one, 0..400_000), (coming, 0..1000), (other, 0..1)]);
    raw.say(&asked).await;
    for document in [one, coming, other] {
        assert_eq!(raw.hear().await, Some(Bulk::Refused { document }));
    }
    end.documents.serve([coming, one]);
    let mut given = 0;
    while given < 100_000 {
        let Some(Bulk::Piece { document, offset, bytes }) = raw.hear().await else { panic!("not given") };
        assert_eq!((document, offset), (one, given), "in order, from where it stopped");
        given += bytes.len() as u64;
    }
    // The curtain is drawn.
    end.documents.serve([]);
    loop {
        match raw.hear().await {
            Some(Bulk::Piece { document, bytes, .. }) if document == one => given += bytes.len() as u64,
            message => {
                assert_eq!(message, Some(Bulk::Refused { document: one }));
                break;
            }
        }
    }
    assert!(given < 150_000, "{given} bytes are more than what was on its way");
    let silence = raw.hear_for(Duration::from_millis(600)).await;
    assert!(silence.iter().all(|(_, message)| matches!(message, Bulk::Ping { .. })), "{silence:?}");
    // And lifted; meanwhile the peer wants something else first.
    raw.say(&want(&[(other, 5..6), (one, given..given + 1)])).await;
    for document in [other, one] {
        assert_eq!(raw.hear().await, Some(Bulk::Refused { document }));
    }
    end.documents.serve([one, other]);
    assert_eq!(raw.hear().await, Some(piece(other, 5, &[2])));
    assert_eq!(raw.hear().await, Some(piece(one, given, &[1])));
    // Beyond its end there is nothing.
    raw.say(&want(&[(one, 399_999..400_001)])).await;
    assert_eq!(raw.hear().await, Some(Bulk::Refused { document: one }));
}

#[tokio::test]
async fn of_two_connections_the_newest_asks_and_the_other_one_takes_over() {
    let (mut older, end) = Raw::linked().await;
    let document = name_of(&[1; 1000]);
    end.documents.expect(document, 1000).unwrap();
    end.trunk.want(&[document]);
    assert_eq!(older.hear().await, Some(want(&[(document, 0..1000)])));
    let mut newer = older.again(&end).await;
    assert_eq!(newer.hear().await, Some(want(&[(document, 0..1000)])));
    assert_eq!(older.hear().await, Some(want(&[])));
    // What was on its way on the older one is taken all the same.
    older.say(&piece(document, 0, &[1; 400])).await;
    older.say(&Bulk::Ping { number: 1 }).await;
    let heard = older.hear_for(Duration::from_millis(300)).await;
    assert!(heard.iter().any(|(_, message)| *message == Bulk::Pong { number: 1 }));
    drop(newer);
    assert_eq!(older.hear().await, Some(want(&[(document, 400..1000)])));
    older.say(&piece(document, 400, &[1; 600])).await;
    loop {
        match end.next().await {
            Input::DocumentArrived { document: arrived } => break assert_eq!(arrived, document),
            Input::BulkChanged { up: false, .. } | Input::TrunkClosed { .. } => {}
            input => panic!("{input:?}"),
        }
    }
}

#[tokio::test]
async fn what_the_first_page_needs_is_told_and_sent_before_the_rest() {
    let (mut raw, end) = Raw::linked().await;
    let bytes: Vec<u8> = (0..100_000).map(|at| (at % 253) as u8).collect();
    let document = end.documents.add(bytes.clone()).unwrap();
    let first = vec![0..100, 50_000..60_000, 99_900..100_000];
    assert!(end.documents.set_first(document, first.clone()));
    end.trunk.pace(Bitrate::from_kbps(20_000));
    raw.say(&want(&[(document, 0..100_000)])).await;
    assert_eq!(raw.hear().await, Some(Bulk::Refused { document }), "nothing of it is told before it is served");
    end.documents.serve([document]);
    assert_eq!(raw.hear().await, Some(Bulk::First { document, parts: first }));
    let mut given = Vec::new();
    while given.iter().map(|part: &Range<u64>| part.end - part.start).sum::<u64>() < 100_000 {
        let Some(Bulk::Piece { offset, bytes: piece, .. }) = raw.hear().await else { panic!("not given") };
        assert_eq!(piece[..], bytes[offset as usize..][..piece.len()]);
        let end = offset + piece.len() as u64;
        match given.last_mut() {
            Some(last) if last.end == offset => last.end = end,
            _ => given.push(offset..end),
        }
    }
    assert_eq!(given, [0..100, 50_000..60_000, 99_900..100_000, 100..50_000, 60_000..99_900]);
    // The rest of what was half there, and again in this order.
    raw.say(&Bulk::Want { list: vec![Wanted { document, ranges: vec![10..200, 55_000..70_000] }] }).await;
    assert!(matches!(raw.hear().await, Some(Bulk::First { .. })));
    for piece in [10..100, 55_000..60_000, 100..200, 60_000..70_000] {
        let (mut at, mut whole) = (piece.start, Vec::new());
        while at < piece.end {
            let Some(Bulk::Piece { offset, bytes, .. }) = raw.hear().await else { panic!("not given") };
            assert_eq!(offset, at);
            at += bytes.len() as u64;
            whole.extend_from_slice(&bytes);
        }
        assert_eq!(whole[..], bytes[piece.start as usize..piece.end as usize]);
    }
}

#[tokio::test]
async fn on_a_slow_line_fewer_parts_are_told_and_nothing_that_is_needed_is_left_out() {
    let (mut raw, end) = Raw::linked().await;
    let document = end.documents.add(vec![7; 1_000_000]).unwrap();
    let needed: Vec<_> = (0..MOST_PARTS as u64).map(|part| part * 900..part * 900 + 100 + part / 10).collect();
    assert!(end.documents.set_first(document, needed.clone()));
    end.documents.serve([document]);
    for (kbps, most) in [(100, 171), (1_300, 508), (20_000, MOST_PARTS)] {
        end.trunk.pace(Bitrate::from_kbps(kbps));
        raw.say(&want(&[(document, 0..1_000_000)])).await;
        let parts = loop {
            if let Some(Bulk::First { parts, .. }) = raw.hear().await {
                break parts;
            }
        };
        assert!((most * 9 / 10..=most).contains(&parts.len()), "{} parts at {kbps} kbit/s", parts.len());
        let within = |one: &Range<u64>| parts.iter().any(|part| part.start <= one.start && one.end <= part.end);
        assert!(needed.iter().all(within), "{kbps}");
        raw.say(&want(&[])).await;
    }
}

#[tokio::test]
async fn a_first_page_is_there_before_the_rest_and_what_is_missing_is_asked_for_in_few_words() {
    let (mut raw, end) = Raw::linked().await;
    let bytes: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
    let document = name_of(&bytes);
    end.documents.expect(document, 100_000).unwrap();
    end.trunk.want(&[document]);
    assert_eq!(raw.hear().await, Some(want(&[(document, 0..100_000)])));
    let parts: Vec<_> = (0..20).map(|part| part * 5_000..part * 5_000 + 100 + part * 50).collect();
    raw.say(&Bulk::First { document, parts: parts.clone() }).await;
    for part in &parts {
        assert_eq!(end.documents.has_first_page(document), None);
        raw.say(&piece(document, part.start, &bytes[part.start as usize..part.end as usize])).await;
    }
    assert!(matches!(end.news().await, News::Arriving { document: told, percent: 11 } if told == document));
    let page = end.documents.first_page(document).unwrap();
    assert!(end.documents.has_first_page(document).is_some() && page.len() == 100_000);
    let needed = |at: usize| parts.iter().any(|part| part.contains(&(at as u64)));
    assert!((0..100_000).all(|at| page[at] == if needed(at) { bytes[at] } else { 0 }));
    // After a cut: eight ranges, joined over the shortest of what is here.
    raw.dial_bulk(&end).await;
    let Some(Bulk::Want { list }) = raw.hear().await else { panic!("nothing is asked for") };
    assert_eq!(list[0].ranges.len(), 8);
    let asked: u64 = list[0].ranges.iter().map(|range| range.end - range.start).sum();
    let had_again: u64 = parts[1..13].iter().map(|part| part.end - part.start).sum();
    assert_eq!(asked, 100_000 - parts.iter().map(|part| part.end - part.start).sum::<u64>() + had_again);
}

fn only(range: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(range).collect()
}

fn frame_of(message: &Bulk) -> Vec<u8> {
    encode_bulk(message).unwrap()
}
