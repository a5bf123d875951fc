//! The store of documents: what comes of pieces in any order, limits, forgetting; and the set of ranges against a plain one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "trunk_support/memory.rs"]
mod memory;

use engawa::documents::{
    Documents, Full, LONGEST_DOCUMENT, MOST_BYTES, MOST_DOCUMENTS, MOST_PARTS, Ranges, Taken, name_of,
};
use engawa::model::DocumentId;
use memory::{canary, count_in_memory};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * at % 251) as u8).collect()
}

fn only(range: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(range).collect()
}

fn is_rung(documents: &Documents, change: impl FnOnce()) -> bool {
    let changes = documents.changes();
    change();
    changes.has_changed().unwrap()
}

#[test]
fn a_document_is_named_by_its_bytes() {
    let documents = Documents::default();
    let document = documents.add(b"abc".to_vec()).unwrap();
    // FIPS 180-2, appendix B.1.
    assert_eq!(document.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(document.to_string().parse(), Ok(document));
    assert_eq!(format!("{document:?}"), "ba7816bf");
    assert_eq!((documents.add(b"abc".to_vec()), &documents.bytes(document).unwrap()[..]), (Ok(document), &b"abc"[..]));
    assert_eq!((documents.progress(document), documents.missing(document)), (Some((3, 3)), None));
}

#[test]
fn pieces_make_a_whole_in_any_order_and_each_byte_counts_once() {
    let (documents, bytes) = (Documents::default(), text(1000));
    let document = name_of(&bytes);
    assert_eq!(documents.take_in(document, 0, &bytes), Taken::Ignored, "not expected");
    documents.expect(document, 1000).unwrap();
    let take = |from: usize, to: usize| documents.take_in(document, from as u64, &bytes[from..to]);
    assert_eq!(take(900, 1000), Taken::More);
    assert_eq!(take(0, 300), Taken::More);
    assert_eq!(take(100, 200), Taken::Ignored);
    assert_eq!(take(250, 350), Taken::More);
    assert_eq!(documents.progress(document), Some((450, 1000)));
    assert_eq!(documents.missing(document).unwrap().ranges, only(350..900));
    assert!(documents.bytes(document).is_none());
    // Other bytes where the right ones are already change nothing.
    assert_eq!(documents.take_in(document, 0, &[0; 300]), Taken::Ignored);
    assert_eq!(take(340, 1000), Taken::Whole);
    assert_eq!(documents.bytes(document).unwrap()[..], bytes);
    assert_eq!(take(0, 10), Taken::Ignored);
}

#[test]
fn a_piece_never_changes_what_is_there() {
    let (documents, bytes) = (Documents::default(), text(100));
    let document = name_of(&bytes);
    documents.expect(document, 100).unwrap();
    documents.take_in(document, 0, &bytes[..50]);
    let sly = [&[0xff; 50][..], &bytes[50..]].concat();
    assert_eq!(documents.take_in(document, 0, &sly), Taken::Whole, "only its missing half was taken");
    assert_eq!(documents.bytes(document).unwrap()[..], bytes);
}

#[test]
fn a_piece_beyond_the_end_and_a_thousand_crumbs_are_out_of_bounds() {
    let documents = Documents::default();
    let document = DocumentId([7; 32]);
    documents.expect(document, 1000).unwrap();
    for (offset, length) in [(1000, 1), (999, 2), (u64::MAX, 1), (0, 1001)] {
        assert_eq!(documents.take_in(document, offset, &vec![0; length]), Taken::OutOfBounds, "{offset}");
    }
    assert_eq!(documents.progress(document), Some((0, 1000)));
    documents.expect(document, 10_000).unwrap();
    let taken: Vec<_> = (0..5_000).map(|at| documents.take_in(document, at * 2, &[0])).collect();
    assert_eq!(taken.iter().filter(|taken| **taken == Taken::More).count(), MOST_PARTS + 64);
    assert!(taken[MOST_PARTS + 64..].iter().all(|taken| *taken == Taken::OutOfBounds));
    assert_eq!(documents.take_in(document, 1, &[0]), Taken::More, "closing a gap is always taken");
}

#[test]
fn wrong_bytes_are_thrown_away_and_the_third_time_is_the_last() {
    let (documents, bytes) = (Documents::default(), text(100));
    let document = name_of(&bytes);
    documents.expect(document, 100).unwrap();
    let mut attempts = BTreeSet::new();
    for expected in [Taken::StartedAgain, Taken::StartedAgain, Taken::Failed] {
        attempts.insert(documents.missing(document).unwrap().attempt);
        assert_eq!(documents.take_in(document, 0, &bytes[..60]), Taken::More);
        assert!(is_rung(&documents, || assert_eq!(documents.take_in(document, 60, &[0; 40]), expected)));
    }
    assert_eq!(attempts.len(), 3, "each try has its own number");
    assert_eq!((documents.progress(document), documents.missing(document)), (None, None));
    documents.expect(document, 100).unwrap();
    assert_eq!(documents.take_in(document, 0, &bytes), Taken::Ignored, "announced once more, it stays failed");
    documents.forget(document);
    documents.expect(document, 100).unwrap();
    assert_eq!(documents.take_in(document, 0, &bytes), Taken::Whole);
}

#[test]
fn the_right_bytes_after_wrong_ones_are_a_whole() {
    let (documents, bytes) = (Documents::default(), text(100));
    let document = name_of(&bytes);
    documents.expect(document, 100).unwrap();
    assert_eq!(documents.take_in(document, 0, &[9; 100]), Taken::StartedAgain);
    assert_eq!(documents.progress(document), Some((0, 100)));
    assert_eq!(documents.take_in(document, 0, &bytes), Taken::Whole);
}

#[test]
fn another_length_begins_anew_and_the_same_one_changes_nothing() {
    let documents = Documents::default();
    let document = DocumentId([7; 32]);
    documents.expect(document, 100).unwrap();
    documents.take_in(document, 0, &[1; 10]);
    assert!(!is_rung(&documents, || documents.expect(document, 100).unwrap()));
    assert_eq!(documents.progress(document), Some((10, 100)));
    assert!(is_rung(&documents, || documents.expect(document, 99).unwrap()));
    assert_eq!(documents.progress(document), Some((0, 99)));
}

#[test]
fn every_limit_holds() {
    let documents = Documents::default();
    let id = |n: usize| DocumentId([n as u8; 32]);
    assert_eq!((documents.add(vec![]), documents.expect(id(0), 0)), (Err(Full::Empty), Err(Full::Empty)));
    assert_eq!(documents.expect(id(0), LONGEST_DOCUMENT + 1), Err(Full::TooLong));
    assert_eq!(documents.add(vec![0; LONGEST_DOCUMENT as usize + 1]), Err(Full::TooLong));
    assert_eq!(documents.expect(id(0), u64::MAX), Err(Full::TooLong));
    for n in 0..2 {
        documents.expect(id(n), LONGEST_DOCUMENT).unwrap();
    }
    let rest = MOST_BYTES - 2 * LONGEST_DOCUMENT;
    assert_eq!(documents.expect(id(2), rest + 1), Err(Full::TooMuch));
    documents.expect(id(2), rest).unwrap();
    assert_eq!(documents.add(vec![1]), Err(Full::TooMuch));
    documents.expect(id(2), 1).unwrap();
    assert!(documents.add(vec![1]).is_ok(), "what is announced shorter gives its room back");
    documents.forget_all();
    for n in 0..MOST_DOCUMENTS {
        documents.expect(id(n), 1).unwrap();
    }
    assert_eq!((documents.expect(id(99), 1), documents.add(vec![1])), (Err(Full::TooMany), Err(Full::TooMany)));
    documents.forget(id(0));
    assert!(documents.add(vec![1]).is_ok());
}

#[test]
fn the_first_page_is_there_as_soon_as_its_parts_are_and_gone_with_a_wrong_hash() {
    let (documents, bytes) = (Documents::default(), text(1000));
    let document = name_of(&bytes);
    let parts = || [0..10, 500..600];
    assert!(documents.set_first(document, parts()) && documents.first_page(document).is_none(), "not expected");
    documents.expect(document, 1000).unwrap();
    for wrong in [0..1001, 0..0] {
        assert!(!documents.set_first(document, [wrong]));
    }
    assert!(!documents.set_first(document, (0..=MOST_PARTS as u64).map(|part| 2 * part..2 * part + 1)));
    assert!(is_rung(&documents, || assert!(documents.set_first(document, parts()))));
    assert!(!is_rung(&documents, || assert!(documents.set_first(document, only(0..900)))), "the first word counts");
    let take = |from: usize, to: usize, bytes: &[u8]| documents.take_in(document, from as u64, &bytes[from..to]);
    assert_eq!(take(0, 300, &bytes), Taken::More);
    assert_eq!((take(510, 600, &bytes), documents.has_first_page(document)), (Taken::More, None));
    assert_eq!(take(450, 520, &bytes), Taken::FirstPage);
    let attempt = documents.has_first_page(document).unwrap();
    assert_eq!(attempt, documents.missing(document).unwrap().attempt);
    let page = documents.first_page(document).unwrap();
    let expected: Vec<u8> =
        (0..1000).map(|at| if at < 10 || (500..600).contains(&at) { bytes[at] } else { 0 }).collect();
    assert_eq!(page[..], expected);
    assert_eq!(take(300, 310, &bytes), Taken::More, "told once");
    assert!(documents.bytes(document).is_none(), "unproven");
    assert_eq!(take(300, 1000, &[0xff; 1000]), Taken::StartedAgain);
    assert_eq!((documents.has_first_page(document), documents.first_page(document)), (None, None));
    assert_eq!(take(0, 600, &bytes), Taken::FirstPage, "its parts are still known");
    assert_ne!(documents.has_first_page(document), Some(attempt));
    assert_eq!(take(600, 1000, &bytes), Taken::Whole);
    assert_eq!(documents.has_first_page(document), None, "proven: all of it may be had");
}

#[test]
fn what_a_first_page_needs_is_told_of_what_is_served() {
    let documents = Documents::default();
    let document = documents.add(text(1000)).unwrap();
    assert!(!documents.set_first(document, only(0..1001)) && documents.set_first(document, [0..10, 20..30]));
    assert_eq!(documents.first(document), None);
    documents.serve([document]);
    assert_eq!(documents.first(document).unwrap().iter().collect::<Vec<_>>(), [0..10, 20..30]);
    documents.forget(document);
    documents.add(text(1000)).unwrap();
    documents.serve([document]);
    assert_eq!(documents.first(document), None);
}

#[test]
fn only_what_is_served_can_be_read_and_only_while_it_is_whole() {
    let (documents, bytes) = (Documents::default(), text(100));
    let document = documents.add(bytes.clone()).unwrap();
    let coming = DocumentId([7; 32]);
    documents.expect(coming, 100).unwrap();
    assert_eq!(documents.read(document, 0..10), None, "nothing is served from the start");
    assert!(is_rung(&documents, || documents.serve([document, coming])));
    assert_eq!(documents.read(document, 5..10).unwrap()[..], bytes[5..10]);
    assert_eq!((documents.read(document, 99..101), documents.read(document, u64::MAX - 1..u64::MAX)), (None, None));
    documents.take_in(coming, 0, &[0; 50]);
    assert_eq!(documents.read(coming, 0..10), None);
    documents.serve([]);
    assert_eq!(documents.read(document, 0..10), None);
    assert!(documents.bytes(document).is_some(), "near rendering needs no serving");
    documents.serve([document]);
    documents.forget(document);
    documents.add(bytes).unwrap();
    assert_eq!(documents.read(document, 0..10), None, "a forgotten document is not served when it comes again");
}

#[test]
fn what_is_forgotten_lives_as_long_as_its_last_user() {
    let documents = Documents::default();
    let [one, other] = [b"one", b"two"].map(|bytes| documents.add(bytes.to_vec()).unwrap());
    let user = documents.bytes(one).unwrap();
    documents.forget_all();
    assert_eq!((documents.progress(one), documents.progress(other)), (None, None));
    assert_eq!((&user[..], Arc::strong_count(&user)), (&b"one"[..], 1));
    assert_eq!(format!("{user:?} {documents:?}"), "3 bytes []", "never printed");
}

/// Documents short enough to come from the heap, where freed bytes stay as they were: a long one goes back to the system.
#[test]
fn nothing_of_a_forgotten_document_is_left_in_memory() {
    const LENGTH: usize = 96_000;
    const PARTS: usize = 8 * LENGTH / 32;
    let documents = Documents::default();
    let masked = canary(0).1;
    let whole: Vec<_> = (0..8).map(|n| documents.add(canary(LENGTH + 32 * n).0).unwrap()).collect();
    documents.serve(whole.clone());
    for n in 0..8 {
        let (coming, wrong) = (DocumentId([n; 32]), DocumentId([100 + n; 32]));
        let piece = documents.read(whole[usize::from(n)], 0..LENGTH as u64).unwrap();
        documents.expect(coming, 2 * LENGTH as u64).unwrap();
        assert_eq!(documents.take_in(coming, 0, &piece), Taken::More);
        documents.expect(wrong, LENGTH as u64).unwrap();
        assert_eq!(documents.take_in(wrong, 0, &piece), Taken::StartedAgain);
    }
    let there = count_in_memory(&masked);
    assert!((2 * PARTS - 100..2 * PARTS + 100).contains(&there), "whole and coming ones and no more: {there}");
    let users: Vec<_> = whole.iter().map(|document| documents.bytes(*document).unwrap()).collect();
    documents.forget_all();
    let there = count_in_memory(&masked);
    assert!((PARTS - 100..PARTS + 100).contains(&there), "their last users still have them: {there}");
    drop(users);
    assert_eq!(count_in_memory(&masked), 0);
}

proptest! {
    /// Against a set of single positions.
    #[test]
    fn ranges_are_what_a_plain_set_is(
        inserted in proptest::collection::vec((0_u64..200, 0_u64..40), 0..40),
        asked in (0_u64..200, 0_u64..200),
        next in (0_u64..200, 1_u64..40),
    ) {
        let (mut ranges, mut plain) = (Ranges::default(), BTreeSet::new());
        for (start, length) in inserted {
            ranges.insert(start..start + length);
            plain.extend(start..start + length);
        }
        prop_assert_eq!(ranges.total(), plain.len() as u64);
        prop_assert_eq!(ranges.front(), (0..).take_while(|at| plain.contains(at)).count() as u64);
        let starts = plain.iter().filter(|at| **at == 0 || !plain.contains(&(*at - 1))).count();
        prop_assert_eq!(ranges.count(), starts, "they neither overlap nor touch");
        let within = asked.0..asked.0 + asked.1;
        let missing = ranges.missing(within.clone());
        prop_assert!(missing.iter().all(|range| !range.is_empty()));
        prop_assert!(missing.windows(2).all(|two| two[0].end < two[1].start));
        let positions: Vec<u64> = missing.into_iter().flatten().collect();
        prop_assert_eq!(positions, within.clone().filter(|at| !plain.contains(at)).collect::<Vec<_>>());
        let present: Vec<u64> = ranges.present(within.clone()).flatten().collect();
        prop_assert_eq!(present, within.clone().filter(|at| plain.contains(at)).collect::<Vec<_>>());
        prop_assert_eq!(ranges.end(), plain.last().map_or(0, |last| last + 1));
        let few = ranges.clone().joined(3);
        prop_assert!(few.count() <= 3 && few.contains(&ranges) && few.end() == ranges.end());
        prop_assert_eq!(ranges.contains(&few), few == ranges);
        let next = next.0..next.0 + next.1;
        let (touches, count) = (ranges.touches(&next), ranges.count());
        ranges.insert(next);
        prop_assert_eq!(touches, ranges.count() <= count);
    }

    /// Pieces in any order, with overlaps: whole exactly when every byte came, and then right.
    #[test]
    fn any_order_of_pieces_makes_the_document(
        length in 1_usize..3000, cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20), seed: u64,
    ) {
        let (documents, bytes) = (Documents::default(), text(length));
        let document = name_of(&bytes);
        documents.expect(document, length as u64).unwrap();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(length)).chain([0, length]).collect();
        ends.sort_unstable();
        let mut pieces: Vec<_> = ends.windows(2).map(|two| two[0]..two[1]).filter(|piece| !piece.is_empty()).collect();
        pieces.sort_by_key(|piece| (piece.start as u64 + 1).wrapping_mul(seed | 1) >> 7);
        let last = pieces.pop().unwrap();
        for piece in pieces {
            prop_assert_eq!(documents.take_in(document, piece.start as u64, &bytes[piece.clone()]), Taken::More);
        }
        prop_assert_eq!(documents.missing(document).unwrap().ranges, only(last.start as u64..last.end as u64));
        prop_assert_eq!(documents.take_in(document, last.start as u64, &bytes[last]), Taken::Whole);
        prop_assert_eq!(&documents.bytes(document).unwrap()[..], &bytes[..]);
    }
}
