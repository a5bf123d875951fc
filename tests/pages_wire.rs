//! What daemon and worker say to each other: said and heard alike, and nothing out of its limits is heard.

#![allow(
    clippy::unwrap_used,
    clippy::single_range_in_vec_init,
    reason = "a test may panic; one part is a list of parts"
)]

use engawa::pages::wire::{Answer, Kind, Order};
use engawa::pages::{Drawing, LONGEST_DOCUMENT, MOST_PAGES, MOST_PARTS, PageSize, Picture, Refusal, Zone};
use proptest::prelude::*;
use std::ops::Range;

fn heard(bytes: &[u8], asked: Option<&Drawing>) -> Result<Answer, std::io::ErrorKind> {
    Answer::read(&mut &*bytes, asked).map_err(|error| error.kind())
}

fn said(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    answer.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn answers_are_heard_as_they_were_said() {
    let asked = Drawing::whole(3, 7, 5);
    let mut answers: Vec<Answer> = Refusal::ALL.into_iter().map(Answer::Refused).collect();
    let flags = [(true, true), (true, false), (false, true), (false, false)];
    answers.extend(flags.map(|(landlock, fonts)| Answer::Ready { landlock, fonts }));
    for kind in [Kind::Pdf, Kind::Png, Kind::Jpeg, Kind::Raster] {
        for first in [vec![], vec![0..1, 7..9], (0..MOST_PARTS).map(|part| 2 * part..2 * part + 1).collect()] {
            answers.push(Answer::Opened { kind, pages: vec![PageSize { width: 595.0, height: 842.0 }; 3], first });
        }
    }
    answers.push(Answer::Drawn(Picture { width: 7, height: 5, bgrx: (0..140).collect() }));
    for answer in answers {
        let bytes = said(&answer);
        assert_eq!(heard(&bytes, Some(&asked)), Ok(answer));
        assert!(heard(&bytes[..bytes.len() - 1], Some(&asked)).is_err());
    }
}

#[test]
fn a_picture_is_taken_only_in_the_size_that_was_asked_for() {
    let bytes = said(&Answer::Drawn(Picture { width: 7, height: 5, bgrx: vec![0; 140] }));
    for asked in [None, Some(Drawing::whole(0, 5, 7)), Some(Drawing::whole(0, 7, 6))] {
        assert_eq!(heard(&bytes, asked.as_ref()), Err(std::io::ErrorKind::InvalidData));
    }
}

#[test]
fn pages_without_number_or_size_are_not_heard() {
    let opened = |count: usize, width: f32| {
        let pages = vec![PageSize { width, height: 842.0 }; count];
        said(&Answer::Opened { kind: Kind::Pdf, pages, first: vec![] })
    };
    assert!(heard(&opened(MOST_PAGES, 595.0), None).is_ok());
    for bytes in [opened(0, 595.0), opened(MOST_PAGES + 1, 595.0), opened(1, 0.0), opened(1, f32::NAN), opened(1, -5.0)]
    {
        assert_eq!(heard(&bytes, None), Err(std::io::ErrorKind::InvalidData));
    }
}

#[test]
fn parts_in_disorder_are_not_heard() {
    let opened = |first: &[Range<usize>]| {
        let pages = vec![PageSize { width: 595.0, height: 842.0 }];
        said(&Answer::Opened { kind: Kind::Pdf, pages, first: first.to_vec() })
    };
    let many: Vec<_> = (0..=MOST_PARTS).map(|part| 2 * part..2 * part + 1).collect();
    assert!(heard(&opened(&many[1..]), None).is_ok());
    assert!(heard(&opened(&[0..LONGEST_DOCUMENT]), None).is_ok());
    let backwards = Range { start: 2, end: 1 };
    let touching: [&[Range<usize>]; 6] =
        [&many, &[0..0], &[backwards], &[0..4, 4..5], &[5..6, 0..1], &[0..1, 5..LONGEST_DOCUMENT + 1]];
    for parts in touching {
        assert_eq!(heard(&opened(parts), None), Err(std::io::ErrorKind::InvalidData), "{parts:?}");
    }
}

#[test]
fn orders_out_of_their_limits_are_not_taken() {
    let taken = |drawing: Drawing| {
        let mut bytes = Vec::new();
        drawing.write(&mut bytes).unwrap();
        Order::read(&mut bytes.as_slice()).is_ok()
    };
    let zone =
        |left, top, right, bottom| Drawing { zone: Zone { left, top, right, bottom }, ..Drawing::whole(0, 9, 9) };
    assert!(taken(Drawing::whole(0, 3_840, 2_160)) && taken(zone(0.5, 0.5, 0.6, 0.6)));
    let sides = [(0, 9), (9, 0), (9_000, 9), (8_192, 8_192), (u32::MAX, u32::MAX)];
    assert!(sides.iter().all(|(width, height)| !taken(Drawing::whole(0, *width, *height))));
    for wrong in
        [zone(0.5, 0.0, 0.5, 1.0), zone(0.6, 0.0, 0.5, 1.0), zone(-0.1, 0.0, 1.0, 1.0), zone(0.0, f32::NAN, 1.0, 1.0)]
    {
        assert!(!taken(wrong), "{wrong:?}");
    }
    let long = [&[1][..], &u32::try_from(LONGEST_DOCUMENT + 1).unwrap().to_le_bytes()].concat();
    assert_eq!(Order::read(&mut long.as_slice()).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(Order::read(&mut [].as_slice()).unwrap(), None);
}

proptest! {
    #[test]
    fn anything_at_all_is_an_error_or_can_be_said(bytes in proptest::collection::vec(any::<u8>(), 0..200), first in 0_u8..24) {
        let bytes = [&[first][..], &bytes].concat();
        let asked = Drawing::whole(0, 3, 4);
        if let Ok(answer) = heard(&bytes, Some(&asked)) {
            prop_assert_eq!(heard(&said(&answer), Some(&asked)), Ok(answer));
        }
        if let Ok(Some(order)) = Order::read(&mut bytes.as_slice()) {
            let mut again = Vec::new();
            order.write(&mut again).unwrap();
            prop_assert_eq!(Order::read(&mut again.as_slice()).unwrap(), Some(order));
        }
    }
}
