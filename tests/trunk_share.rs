//! What two boxes tell each other of their documents: its golden bytes, and that nothing longer than a message is ever made.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::core::share::{Document, Keep, Look, ShareWord, Stamp};
use engawa::core::signal::Signal;
use engawa::model::{BootId, DocumentId};
use engawa::trunk::message::{LENGTH_BYTES, MESSAGE_LIMIT, decode_signal, encode_signal};
use std::path::Path;

#[test]
fn the_bytes_on_the_wire_are_the_golden_ones() {
    let signal = Signal::Share(Box::new(word(1, "予算案.pdf")));
    let frame = encode_signal(&signal).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/share.frame");
    assert_eq!(frame, std::fs::read(path).unwrap(), "{}", String::from_utf8_lossy(&frame));
    assert_eq!(decode_signal(&frame[LENGTH_BYTES..]), Ok(Some(signal)));
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
