//! The wire messages: golden bytes, both neighbours in version, limits, and no panic on anything.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may panic at anything else")]

#[path = "trunk_support/any.rs"]
mod any;

use any::{any_codec, any_signal};
use engawa::core::agreement::Wish;
use engawa::core::help::{HelpDenied, HelpWord, Task};
use engawa::core::signal::{
    Arriving, Cadence, CaptureMark, Echo, Farewell, Heartbeat, Hello, LineNews, RoomWord, Signal,
};
use engawa::documents::{LONGEST_DOCUMENT, MOST_DOCUMENTS};
use engawa::model::{
    BootId, CameraState, DocumentId, MicState, Moment, Pin, SessionId, Stance, Together, Veil, VideoCodec,
};
use engawa::trunk::message::{
    Bulk, BundleRefused, BundleWord, CADENCE_MAX, CADENCE_MIN, Digest, HELLO_LIMIT, LENGTH_BYTES, MESSAGE_LIMIT,
    MessageError, NAME_LIMIT, PIECE_LIMIT, RANGES_LIMIT, SDP_LIMIT, Token, Wanted, decode_bulk, decode_hello,
    decode_signal, encode_bulk, encode_hello, encode_signal,
};
use proptest::prelude::*;
use std::path::Path;
use std::time::Duration;

fn session() -> SessionId {
    SessionId { boot: BootId(u64::MAX), number: 7 }
}

fn hello() -> Hello {
    Hello {
        boot: BootId(0x0123_4567_89ab_cdef),
        name: "市民課 2F".into(),
        version: "0.1.0".into(),
        codecs: vec![VideoCodec::H264, VideoCodec::Vp8],
        session_port: 5004,
    }
}

fn heartbeat() -> Heartbeat {
    let mark = CaptureMark { rtp: u32::MAX, captured_at: Moment::from_nanos(123_456_789_012) };
    Heartbeat {
        sent_at: Moment::from_nanos(123_500_000_000),
        heard: Some(Echo { sent_at: Moment::from_nanos(1), heard_at: Moment::from_nanos(2) }),
        wall_ms: 1_700_000_000_000,
        session: Some(session()),
        lines: [
            LineNews { cadence: Cadence::Every(Duration::from_millis(10)), mark: Some(mark) },
            LineNews { cadence: Cadence::Every(Duration::from_micros(33_333)), mark: None },
            LineNews::default(),
            LineNews::default(),
        ],
        microphone: MicState::LevelsOnly,
        camera: CameraState::Live,
        room: None,
        arriving: None,
    }
}

/// With what this version says of its room; the version before says the same without it.
fn heartbeat_with_room() -> Heartbeat {
    let room = RoomWord {
        stance: Stance::Curtain,
        wish: Wish { together: Together::Meeting, presses: [7, 3] },
        knock: Some(2),
        veil: Veil::Frosted,
        view: "机".into(),
        fetching: false,
    };
    Heartbeat { room: Some(room), ..heartbeat() }
}

fn heartbeat_of_what_arrives() -> Heartbeat {
    let arriving = Arriving { kbps: 1480, loss_permille: 12, picture_ms: Some(61), sound_ms: None };
    Heartbeat { arriving: Some(arriving), ..heartbeat_with_room() }
}

fn help(word: HelpWord) -> Signal {
    Signal::Help(Box::new(word))
}

const DIGEST: Digest = Digest([0xa5; 32]);

fn bundle(word: BundleWord) -> Bulk {
    Bulk::Bundle(word)
}

fn wanted(document: u8, ranges: &[(u64, u64)]) -> Wanted {
    let ranges = ranges.iter().map(|(from, to)| *from..*to).collect();
    Wanted { document: DocumentId([document; 32]), ranges }
}

fn signals() -> Vec<(&'static str, Signal)> {
    let sdp = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n".to_owned();
    vec![
        ("offer", Signal::Offer { session: session(), codec: VideoCodec::Vp8, sdp: sdp.clone() }),
        ("answer", Signal::Answer { session: session(), sdp }),
        ("session_wanted", Signal::SessionWanted { instead_of: Some(session()) }),
        ("session_wanted_first", Signal::SessionWanted { instead_of: None }),
        ("session_ended", Signal::SessionEnded { session: session() }),
        ("heartbeat", Signal::Heartbeat(Box::new(heartbeat()))),
        ("heartbeat_with_room", Signal::Heartbeat(Box::new(heartbeat_with_room()))),
        ("heartbeat_of_what_arrives", Signal::Heartbeat(Box::new(heartbeat_of_what_arrives()))),
        ("help_ask", help(HelpWord::Ask { number: 3, task: Task::BeginAnew, pin: Pin::new("246810".into()).unwrap() })),
        ("help_granted", help(HelpWord::Granted { number: 3 })),
        ("help_denied", help(HelpWord::Denied { number: 3, why: HelpDenied::WrongPin })),
        ("help_part", help(HelpWord::Part { number: 3, part: 1, text: "==== 状態 ====\n".into() })),
        ("help_done", help(HelpWord::Done { number: 3, parts: 2 })),
        ("farewell", Signal::Farewell(Farewell::GoingDown)),
    ]
}

/// The bytes on the wire are those in `tests/golden`; a changed file is a changed promise to boxes in the field.
fn golden(name: &str, frame: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.frame"));
    if std::env::var_os("ENGAWA_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, frame).unwrap();
    }
    let kept = std::fs::read(&path).unwrap();
    assert_eq!(String::from_utf8_lossy(frame), String::from_utf8_lossy(&kept), "{name}");
    assert_eq!(frame, kept, "{name}");
}

fn body(frame: &[u8]) -> &[u8] {
    let (length, body) = frame.split_first_chunk::<LENGTH_BYTES>().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, body.len());
    body
}

#[test]
fn the_bytes_on_the_wire_are_the_golden_ones() {
    let frame = encode_hello(&hello()).unwrap();
    golden("hello", &frame);
    assert_eq!(decode_hello(body(&frame)), Ok(hello()));
    for (name, signal) in signals() {
        let frame = encode_signal(&signal).unwrap();
        golden(name, &frame);
        assert_eq!(decode_signal(body(&frame)), Ok(Some(signal)), "{name}");
    }
    let bulk = [
        ("bulk_hello", Bulk::Hello { token: Token([5; 16]) }),
        ("bulk_ping", Bulk::Ping { number: 3 }),
        ("bulk_pong", Bulk::Pong { number: 3 }),
        (
            "bulk_want",
            Bulk::Want { list: vec![wanted(0xa5, &[(0, 5), (16_384, LONGEST_DOCUMENT)]), wanted(6, &[(7, 9)])] },
        ),
        ("bulk_want_nothing", Bulk::Want { list: vec![] }),
        ("bulk_piece", Bulk::Piece { document: DocumentId([0xa5; 32]), offset: 258, bytes: b"{page}".to_vec().into() }),
        ("bulk_first", Bulk::First { document: DocumentId([0xa5; 32]), parts: vec![0..5, 258..LONGEST_DOCUMENT] }),
        ("bundle_offer", bundle(BundleWord::Offer { bundle: DIGEST, length: 7, release: "0.2.0".into() })),
        ("bundle_want", bundle(BundleWord::Want { bundle: DIGEST, from: 1 << 20, to: 3 << 19 })),
        ("bundle_piece", bundle(BundleWord::Piece { bundle: DIGEST, offset: 258, bytes: b"{squashfs}".to_vec() })),
        ("bundle_here", bundle(BundleWord::Here { bundle: DIGEST })),
        ("bundle_refused", bundle(BundleWord::Refused { bundle: DIGEST, why: BundleRefused::NoSpace })),
        ("bulk_refused", Bulk::Refused { document: DocumentId([6; 32]) }),
    ];
    for (name, message) in bulk {
        let frame = encode_bulk(&message).unwrap();
        golden(name, &frame);
        assert_eq!(decode_bulk(body(&frame)), Ok(Some(message)), "{name}");
    }
}

#[test]
fn the_version_before_says_less_and_is_understood() {
    let spare = decode_hello(br#"{"protocol":1,"boot":5}"#).unwrap();
    assert_eq!(
        spare,
        Hello { boot: BootId(5), name: String::new(), version: String::new(), codecs: vec![], session_port: 0 }
    );
    let Ok(Some(Signal::Heartbeat(spare))) = decode_signal(br#"{"say":"heartbeat","sent_ns":9}"#) else {
        panic!("not a heartbeat")
    };
    assert_eq!(spare.lines, [LineNews::default(); 4]);
    assert_eq!((spare.microphone, spare.camera), (MicState::Closed, CameraState::Off));
    assert_eq!(decode_signal(br#"{"say":"farewell"}"#), Ok(Some(Signal::Farewell(Farewell::GoingDown))));
    assert_eq!(decode_signal(br#"{"say":"session_wanted"}"#), Ok(Some(Signal::SessionWanted { instead_of: None })));
}

#[test]
fn the_version_after_says_more_and_is_understood() {
    let next = br#"{"protocol":2,"boot":5,"codecs":["av1","vp8"],"wings":[1,{"a":null}]}"#;
    assert_eq!(decode_hello(next).unwrap().codecs, [VideoCodec::Vp8]);
    assert_eq!(decode_signal(br#"{"say":"knock","who":"window","list":[{}]}"#), Ok(None));
    assert_eq!(decode_bulk(br#"{"say":"chunk","bytes":"AAAA"}"#), Ok(None));
    assert_eq!((decode_bulk(b"\x04"), decode_bulk(b"\x08{}")), (Ok(None), Ok(None)), "bytes of a newer kind");
    let listed =
        format!(r#"{{"say":"want","list":[{{"document":"{}","ranges":[[1,2]],"dpi":9}}],"by":1}}"#, "06".repeat(32));
    assert_eq!(decode_bulk(listed.as_bytes()), Ok(Some(Bulk::Want { list: vec![wanted(6, &[(1, 2)])] })));
    assert_eq!(
        decode_signal(br#"{"say":"farewell","why":"lunch","until":13}"#),
        Ok(Some(Signal::Farewell(Farewell::GoingDown)))
    );
    let unknown = br#"{"say":"heartbeat","sent_ns":9,"microphone":"whisper","camera":"replay","lines":{"smell":{}}}"#;
    let Ok(Some(Signal::Heartbeat(unknown))) = decode_signal(unknown) else { panic!("not a heartbeat") };
    assert_eq!(unknown.microphone, MicState::Open, "an unknown state may carry sound");
    assert_eq!(unknown.camera, CameraState::Placeholder, "an unknown state must not look live");
}

#[test]
fn a_too_old_protocol_is_refused() {
    assert_eq!(decode_hello(br#"{"protocol":0,"boot":5}"#), Err(MessageError::TooOld(0)));
}

#[test]
fn every_limit_holds() {
    let too_long = |length, limit| MessageError::TooLong { length, limit };
    let blank = |length| vec![b' '; length];
    assert_eq!(decode_hello(&blank(HELLO_LIMIT + 1)), Err(too_long(HELLO_LIMIT + 1, HELLO_LIMIT)));
    assert_eq!(decode_signal(&blank(MESSAGE_LIMIT + 1)), Err(too_long(MESSAGE_LIMIT + 1, MESSAGE_LIMIT)));
    assert_eq!(decode_bulk(&blank(MESSAGE_LIMIT + 1)), Err(too_long(MESSAGE_LIMIT + 1, MESSAGE_LIMIT)));

    let answer = |length| Signal::Answer { session: session(), sdp: "a".repeat(length) };
    assert!(encode_signal(&answer(SDP_LIMIT)).is_ok());
    assert_eq!(encode_signal(&answer(SDP_LIMIT + 1)), Err(too_long(SDP_LIMIT + 1, SDP_LIMIT)));
    let foreign =
        format!(r#"{{"say":"answer","session":{{"boot":1,"number":1}},"sdp":"{}"}}"#, "a".repeat(SDP_LIMIT + 1));
    assert_eq!(decode_signal(foreign.as_bytes()), Err(too_long(SDP_LIMIT + 1, SDP_LIMIT)));

    let codecs = |count| format!(r#"{{"protocol":1,"boot":1,"codecs":[{}]}}"#, vec![r#""vp8""#; count].join(","));
    assert_eq!(decode_hello(codecs(8).as_bytes()).unwrap().codecs.len(), 8);
    assert_eq!(decode_hello(codecs(9).as_bytes()), Err(MessageError::OutOfBounds("the number of codecs")));

    let cadence = |us: u128| format!(r#"{{"say":"heartbeat","sent_ns":1,"lines":{{"voice":{{"every_us":{us}}}}}}}"#);
    for (us, fits) in [
        (0, false),
        (CADENCE_MIN.as_micros() - 1, false),
        (CADENCE_MIN.as_micros(), true),
        (CADENCE_MAX.as_micros(), true),
        (CADENCE_MAX.as_micros() + 1, false),
        (u128::from(u64::MAX), false),
    ] {
        assert_eq!(decode_signal(cadence(us).as_bytes()).is_ok(), fits, "{us}");
    }
}

#[test]
fn every_limit_of_documents_holds() {
    let said = |message: Bulk| encode_bulk(&message).and_then(|frame| decode_bulk(body(&frame)));
    let out = |what| Err(MessageError::OutOfBounds(what));
    let whole = &[(0, LONGEST_DOCUMENT)][..];
    for (list, fault) in [
        (vec![wanted(1, &[(0, LONGEST_DOCUMENT); RANGES_LIMIT]); MOST_DOCUMENTS], None),
        (vec![wanted(1, whole); MOST_DOCUMENTS + 1], Some("the number of documents")),
        (vec![wanted(1, &[(0, 1); RANGES_LIMIT + 1])], Some("the number of ranges")),
        (vec![wanted(1, &[])], Some("the number of ranges")),
        (vec![wanted(1, &[(5, 5)])], Some("a range")),
        (vec![wanted(1, &[(6, 5)])], Some("a range")),
        (vec![wanted(1, &[(0, LONGEST_DOCUMENT + 1)])], Some("a range")),
    ] {
        let message = Bulk::Want { list };
        // What a box would not say is not heard from a foreign one either.
        let Bulk::Want { list } = &message else { unreachable!() };
        let listed: Vec<_> = list.iter().map(foreign).collect();
        let heard = decode_bulk(format!(r#"{{"say":"want","list":[{}]}}"#, listed.join(",")).as_bytes());
        assert_eq!(heard, fault.map_or(Ok(Some(message.clone())), out));
        assert_eq!(said(message.clone()), fault.map_or(Ok(Some(message)), out));
    }
    let piece = |offset, length| Bulk::Piece { document: DocumentId([1; 32]), offset, bytes: vec![7; length].into() };
    for (offset, length, fault) in [
        (LONGEST_DOCUMENT - PIECE_LIMIT as u64, PIECE_LIMIT, None),
        (LONGEST_DOCUMENT, 1, Some("the offset of a piece")),
        (u64::MAX, 1, Some("the offset of a piece")),
        (0, 0, Some("the length of a piece")),
        (0, PIECE_LIMIT + 1, Some("the length of a piece")),
    ] {
        assert_eq!(said(piece(offset, length)), fault.map_or_else(|| Ok(Some(piece(offset, length))), out));
        let raw = [&[1][..], &[1; 32], &offset.to_be_bytes(), &vec![7; length]].concat();
        assert_eq!(decode_bulk(&raw), fault.map_or_else(|| Ok(Some(piece(offset, length))), out));
    }
    for name in ["", "0", &"0".repeat(63), &"g".repeat(64), &"あ".repeat(22)] {
        let refused = format!(r#"{{"say":"refused","document":"{name}"}}"#);
        assert_eq!(decode_bulk(refused.as_bytes()), out("the name of a document"));
    }
    assert!(decode_bulk(&[1; 1 + 32 + 8]).is_err() && decode_bulk(&[1; 12]).is_err() && decode_bulk(&[]).is_err());
}

fn foreign(wanted: &Wanted) -> String {
    let ranges: Vec<_> = wanted.ranges.iter().map(|range| format!("[{},{}]", range.start, range.end)).collect();
    format!(r#"{{"document":"{}","ranges":[{}]}}"#, wanted.document, ranges.join(","))
}

#[test]
fn what_is_sent_of_a_document_is_never_printed() {
    let piece = Bulk::Piece { document: DocumentId([1; 32]), offset: 0, bytes: b"KAWARA".to_vec().into() };
    assert!(!format!("{piece:?}").contains(format!("{:?}", b"KAWARA").trim_matches(['[', ']'])));
}

#[test]
fn a_hello_is_small_whatever_the_names() {
    let loud = Hello { name: "\u{10ffff}".repeat(5000), version: "\"".repeat(5000), ..hello() };
    let frame = encode_hello(&loud).unwrap();
    assert!(frame.len() < HELLO_LIMIT / 2);
}

#[test]
fn names_are_safe_to_show() {
    let sly = format!(r#"{{"protocol":1,"boot":1,"name":" \u001b[31m市\u0000民\u202e課\n{} "}}"#, "x".repeat(100));
    let name = decode_hello(sly.as_bytes()).unwrap().name;
    assert_eq!(name.chars().count(), NAME_LIMIT);
    assert!(name.starts_with("[31m市民課xxx"), "{name:?}");
}

#[test]
fn an_error_never_repeats_what_the_stranger_wrote() {
    let error = decode_hello(br#"{"protocol":1,"boot":"<script>"}"#).unwrap_err().to_string();
    assert!(error.len() < 100 && !error.contains("script"), "{error}");
}

proptest! {
    #[test]
    fn every_signal_comes_back(signal in any_signal()) {
        let frame = encode_signal(&signal).unwrap();
        prop_assert_eq!(decode_signal(body(&frame)), Ok(Some(signal)));
    }

    #[test]
    fn every_hello_comes_back(
        boot: u64, name in "[a-zA-Z0-9ぁ-んア-ン]{0,64}", version in "[0-9.a-z]{0,20}",
        codecs in proptest::collection::vec(any_codec(), 0..=8), session_port: u16,
    ) {
        let hello = Hello { boot: BootId(boot), name, version, codecs, session_port };
        let frame = encode_hello(&hello).unwrap();
        prop_assert_eq!(decode_hello(body(&frame)), Ok(hello));
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(bytes: Vec<u8>) {
        prop_assert!(decode_hello(&bytes).is_err());
        prop_assert!(decode_signal(&bytes).is_err());
        match decode_bulk(&bytes) {
            // Bytes of a document are any bytes.
            Ok(Some(Bulk::Piece { .. })) => prop_assert_eq!(bytes[0], 1),
            Ok(Some(Bulk::Bundle(BundleWord::Piece { .. }))) => prop_assert_eq!(bytes[0], 3),
            Ok(None) => prop_assert!((2..=8).contains(&bytes[0])),
            other => prop_assert!(other.is_err()),
        }
    }

    /// One byte changed anywhere: an error, or a signal that can itself be said.
    #[test]
    fn a_damaged_signal_never_panics(signal in any_signal(), at: prop::sample::Index, byte: u8) {
        let mut frame = encode_signal(&signal).unwrap().split_off(LENGTH_BYTES);
        let at = at.index(frame.len());
        frame[at] = byte;
        if let Ok(Some(heard)) = decode_signal(&frame) {
            prop_assert!(encode_signal(&heard).is_ok());
        }
    }
}
