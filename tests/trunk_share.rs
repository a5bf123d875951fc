//! What two boxes tell each other of their documents: its golden bytes, and that nothing longer than a message is ever made.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::core::share::{
    Document, InkMark, Keep, Look, MOST_POINTS, MOST_TOLD, Marked, Pointer, ShareWord, Stamp, Stroke,
};
use engawa::core::signal::Signal;
use engawa::model::{BootId, DocumentId, Role};
use engawa::trunk::message::{LENGTH_BYTES, MESSAGE_LIMIT, decode_signal, encode_signal};
use std::path::Path;

#[test]
fn the_bytes_on_the_wire_are_the_golden_ones() {
    let mut kept = word(1, "予算案.pdf");
    kept.documents[0].keep[1] = Keep { on: true, at: Stamp { count: 10, by: BootId(7) } };
    let signals = [
        ("share", Signal::Share(Box::new(word(1, "予算案.pdf")))),
        ("share_to_keep", Signal::Share(Box::new(kept))),
        (
            "ink",
            Signal::Ink(vec![drawn(2), InkMark { what: Marked::Wiped(Stamp { count: 9, by: BootId(7) }), ..drawn(0) }]),
        ),
        ("point", Signal::Point(Pointer { document: DocumentId([0xa5; 32]), page: 19, at: Some([0, 10_000]) })),
        ("point_nowhere", Signal::Point(Pointer { document: DocumentId([0xa5; 32]), page: 19, at: None })),
    ];
    for (name, signal) in signals {
        let frame = encode_signal(&signal).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.frame"));
        if std::env::var_os("ENGAWA_WRITE_GOLDEN").is_some() && !path.exists() {
            std::fs::write(&path, &frame).unwrap();
        }
        assert_eq!(frame, std::fs::read(path).unwrap(), "{}", String::from_utf8_lossy(&frame));
        assert_eq!(decode_signal(&frame[LENGTH_BYTES..]), Ok(Some(signal)));
    }
}

#[test]
fn as_many_drawings_as_are_told_at_a_time_fit_one_message() {
    let frame = encode_signal(&Signal::Ink(vec![drawn(MOST_POINTS); MOST_TOLD])).unwrap();
    assert!(frame.len() <= MESSAGE_LIMIT, "{}", frame.len());
    assert!(decode_signal(&frame[LENGTH_BYTES..]).is_ok());
    let weight = MOST_TOLD * drawn(MOST_POINTS).weight();
    assert!(frame.len() <= weight && weight < frame.len() * 3 / 2, "{weight} for {} bytes", frame.len());
}

fn drawn(points: usize) -> InkMark {
    let placed = Stamp { count: 1, by: BootId(u64::MAX) };
    let stroke = Stroke {
        stamp: Stamp { count: 9, by: BootId(u64::MAX) },
        by: Role::Offerer,
        points: vec![[0, 10_000]; points],
    };
    InkMark { document: DocumentId([0xa5; 32]), placed, page: 19, what: Marked::Drawn(stroke) }
}

#[test]
fn as_many_documents_as_two_boxes_can_know_fit_one_message() {
    let frame = encode_signal(&Signal::Share(Box::new(word(64, &"𠮷".repeat(64))))).unwrap();
    assert!(frame.len() <= MESSAGE_LIMIT, "{}", frame.len());
    assert!(decode_signal(&frame[LENGTH_BYTES..]).is_ok());
}

fn word(count: u8, name: &str) -> ShareWord {
    let stamp = |count| Stamp { count, by: BootId(u64::MAX) };
    let document = |number: u8| Document {
        id: DocumentId([0xa5 ^ number; 32]),
        name: name.into(),
        length: 5_000_000,
        pages: 20,
        since: [4, 2],
        placed: stamp(1),
        open: true,
        changed: stamp(1),
        look: Look { page: 19, zoom: 2000, corner: [500, 0] },
        looked: stamp(9),
        keep: [Keep::default(); 2],
    };
    let front = Some(document(0).id);
    ShareWord { ended: [3, 2], documents: (0..count).map(document).collect(), front, fronted: stamp(2) }
}
