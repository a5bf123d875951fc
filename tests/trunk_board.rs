//! What two boxes tell each other of board and floor: golden bytes, bounds, and that all of it fits one message.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::core::floor::{CHOICE, FloorWord, Hand, Poll, QUESTION, Tally};
use engawa::core::notes::{Gone, Hung, LETTERS, MOST, MOST_GONE, NAME, Note, NotesWord, POINTS, Paper, SHEET, STROKES};
use engawa::core::share::Stamp;
use engawa::core::signal::Signal;
use engawa::model::{BootId, Role};
use engawa::trunk::message::{LENGTH_BYTES, MESSAGE_LIMIT, MessageError, decode_signal, encode_signal};
use std::path::Path;
use std::sync::Arc;

#[test]
fn the_bytes_on_the_wire_are_the_golden_ones() {
    for (name, signal) in
        [("notes", Signal::Notes(Box::new(notes()))), ("floor", Signal::Floor(Box::new(floor("次はいつ？", "15時"))))]
    {
        let frame = encode_signal(&signal).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.frame"));
        if std::env::var_os("ENGAWA_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &frame).unwrap();
        }
        let kept = std::fs::read(path).unwrap();
        assert_eq!(String::from_utf8_lossy(&frame), String::from_utf8_lossy(&kept), "{name}");
        assert_eq!(decode_signal(&frame[LENGTH_BYTES..]), Ok(Some(signal)));
    }
}

#[test]
fn the_fullest_words_fit_one_message() {
    let full = Hung { note: drawn(vec![vec![SHEET; POINTS]; STROKES]), minutes: u32::MAX };
    let gone = Gone { stamp: stamp(u32::MAX / 2), minutes: u32::MAX };
    let notes = NotesWord { notes: vec![full], gone: vec![gone; MOST_GONE] };
    let mut floor = floor(&"𠮷".repeat(QUESTION), &"𠮷".repeat(CHOICE));
    floor.hands = vec![Hand { raised: stamp(u32::MAX / 2), name: "𠮷".repeat(NAME) }; 64];
    for signal in [Signal::Notes(Box::new(notes)), Signal::Floor(Box::new(floor))] {
        let frame = encode_signal(&signal).unwrap();
        assert!(frame.len() <= MESSAGE_LIMIT, "{}", frame.len());
        assert_eq!(decode_signal(&frame[LENGTH_BYTES..]), Ok(Some(signal)));
    }
}

#[test]
fn what_no_box_says_is_refused_or_cleaned() {
    let note = |paper: &str| {
        format!(
            r#"{{"say":"notes","notes":[{{"stamp":[1,1],{paper},"offerer":true,"name":"\u202ea\u0007","written_ms":1,"minutes":9}}]}}"#
        )
    };
    let heard = |text: &str| decode_signal(text.as_bytes());
    let Ok(Some(Signal::Notes(fine))) = heard(&note(r#""text":"a\u202e\nb""#)) else { panic!("not understood") };
    let first = &fine.notes[0].note;
    assert_eq!((first.name.as_str(), &first.paper), ("a", &Paper::Words("a b".into())));
    for paper in [
        r#""text":"""#.to_owned(),
        r#""text":"a","strokes":[[1,1]]"#.to_owned(),
        r#""strokes":[[1,1,1]]"#.to_owned(),
        r#""strokes":[[1001,1]]"#.to_owned(),
        r#""strokes":[[]]"#.to_owned(),
        format!(r#""text":"{}""#, "長".repeat(LETTERS + 1)),
        format!(r#""strokes":{:?}"#, vec![vec![1; 2 * POINTS + 2]]),
        format!(r#""strokes":{:?}"#, vec![vec![1; 2]; STROKES + 1]),
    ] {
        assert_eq!(heard(&note(&paper)), Err(MessageError::OutOfBounds("a note")), "{paper}");
    }
    let many = Signal::Notes(Box::new(NotesWord { notes: vec![notes().notes[0].clone(); 2 * MOST + 1], gone: vec![] }));
    assert!(heard_again(&many).is_err());
    let gone = vec![Gone { stamp: stamp(1), minutes: 1 }; MOST_GONE + 1];
    assert!(heard_again(&Signal::Notes(Box::new(NotesWord { notes: vec![], gone }))).is_err());
    let wrong: [fn(&mut FloorWord); 5] = [
        |word| word.tallies[0].votes = vec![0; 9],
        |word| word.hands = vec![Hand { raised: stamp(1), name: String::new() }; 65],
        |word| word.poll.as_mut().unwrap().choices.truncate(1),
        |word| word.poll.as_mut().unwrap().question = "長".repeat(QUESTION + 1),
        |word| word.poll.as_mut().unwrap().choices[0] = "\u{202e}".into(),
    ];
    for change in wrong {
        let mut word = floor("q", "c");
        change(&mut word);
        assert!(heard_again(&Signal::Floor(Box::new(word))).is_err());
    }
}

fn heard_again(signal: &Signal) -> Result<Option<Signal>, MessageError> {
    decode_signal(&encode_signal(signal).unwrap()[LENGTH_BYTES..])
}

fn stamp(count: u32) -> Stamp {
    Stamp { count, by: BootId(u64::MAX) }
}

fn drawn(strokes: Vec<Vec<[u16; 2]>>) -> Arc<Note> {
    let paper = Paper::drawing(strokes).unwrap();
    let name = "𠮷".repeat(NAME);
    Arc::new(Note { stamp: stamp(u32::MAX / 2), paper, room: Role::Answerer, name, written_ms: u64::MAX })
}

fn notes() -> NotesWord {
    let paper = Paper::words("15時から配線工事です").unwrap();
    let typed =
        Note { stamp: stamp(7), paper, room: Role::Offerer, name: "田中".into(), written_ms: 1_790_000_000_000 };
    let notes = vec![
        Hung { note: Arc::new(typed), minutes: 10_080 },
        Hung { note: drawn(vec![vec![[0, 0], [1000, 600]], vec![[5, 5]]]), minutes: 1 },
    ];
    NotesWord { notes, gone: vec![Gone { stamp: stamp(3), minutes: 40_320 }] }
}

fn floor(question: &str, choice: &str) -> FloorWord {
    let tally = Tally { on: stamp(2), counted: stamp(9), votes: vec![u16::MAX; 8], skipped: 1 };
    FloorWord {
        ended: [3, 2],
        poll: Some(Poll {
            asked: stamp(2),
            since: [4, 2],
            question: question.into(),
            choices: vec![choice.into(); 8],
            open: true,
            shown: false,
            changed: stamp(2),
        }),
        tallies: [tally.clone(), tally],
        hands: vec![Hand { raised: stamp(5), name: "田中".into() }],
    }
}
