//! What two boxes tell each other of the live share: golden bytes, bounds, and what a version before or after makes of it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::core::live::{Answered, Front, Gone, LiveWord, Switch, Waiting};
use engawa::core::notes::NAME;
use engawa::core::share::Stamp;
use engawa::core::signal::Signal;
use engawa::model::{BootId, LiveEnd, LiveKind, TakeOver};
use engawa::trunk::message::{LENGTH_BYTES, MESSAGE_LIMIT, MessageError, decode_signal, encode_signal};
use std::path::Path;
use std::time::Duration;

#[test]
fn the_bytes_on_the_wire_are_the_golden_ones() {
    for (name, signal) in
        [("live", said(word("田中"))), ("live_nothing", said(LiveWord::default())), ("live_silent", said(silent(2600)))]
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
fn every_kind_and_every_reason_comes_through_and_the_longest_name_fits() {
    let all = LiveKind::ALL.into_iter().flat_map(|kind| LiveEnd::ALL.map(|why| (kind, why)));
    let rules = [TakeOver::Ask, TakeOver::Allow, TakeOver::Refuse];
    for ((kind, why), take_over) in all.zip(rules.into_iter().cycle()) {
        let mut word = word(&"𠮷".repeat(NAME));
        let front = word.front.as_mut().unwrap();
        (front.kind, front.take_over) = (kind, take_over);
        word.gone.as_mut().unwrap().why = why;
        let frame = encode_signal(&said(word.clone())).unwrap();
        assert!(frame.len() < MESSAGE_LIMIT / 16, "{}", frame.len());
        assert_eq!(decode_signal(&frame[LENGTH_BYTES..]), Ok(Some(said(word))));
    }
}

#[test]
fn what_no_box_says_is_refused_or_cleaned() {
    let heard = |text: &str| decode_signal(text.as_bytes());
    let front = |fields: &str| format!(r#"{{"say":"live","front":{{"begun":[3,7],"since":[1,0]{fields}}}}}"#);
    let Ok(Some(Signal::Live(fine))) = heard(&front(r#","name":"\u202ea\u0007","kind":200,"take_over":"lottery""#))
    else {
        panic!("not understood")
    };
    let fine = fine.front.unwrap();
    assert_eq!((fine.name.as_str(), fine.kind, fine.take_over), ("a", LiveKind::Browser, TakeOver::Ask));
    let long = heard(&front(&format!(r#","name":"{}""#, "長".repeat(500)))).unwrap().unwrap();
    assert!(matches!(long, Signal::Live(word) if word.front.as_ref().unwrap().name.chars().count() <= NAME));
    assert_eq!(heard(r#"{"say":"live"}"#), Ok(Some(said(LiveWord::default()))));
    let newer = heard(r#"{"say":"live","gone":{"begun":[1,1],"why":99},"more":{"of":"it"}}"#).unwrap().unwrap();
    assert!(matches!(newer, Signal::Live(word) if word.gone.unwrap().why == LiveEnd::Stopped));
    assert_eq!(heard(r#"{"say":"live","ended":[4000000000,0]}"#), Err(MessageError::OutOfBounds("a count of presses")));
    for wrong in [
        r#"{"say":"live","stopped":[4000000000,1]}"#.to_owned(),
        r#"{"say":"live","answered":{"asked":[1,1]}}"#.to_owned(),
        r#"{"say":"live","front":{"begun":[1,1],"since":[1,0],"kind":-1}}"#.to_owned(),
        r#"{"say":"live","waiting":{"asked":"now"}}"#.to_owned(),
        front(r#","name":7"#),
        front(r#","silent_ms":-1"#),
        front(r#","silent_ms":4294967296"#),
    ] {
        assert!(heard(&wrong).is_err(), "{wrong}");
    }
}

fn said(word: LiveWord) -> Signal {
    Signal::Live(Box::new(word))
}

/// Nothing has come from what is in front for so many milliseconds.
fn silent(millis: u64) -> LiveWord {
    let mut word = word("田中");
    word.front.as_mut().unwrap().silent = Some(Duration::from_millis(millis));
    word
}

fn word(name: &str) -> LiveWord {
    let stamp = |count| Stamp { count, by: BootId(u64::MAX) };
    LiveWord {
        number: 9,
        ended: [3, 2],
        stopped: stamp(2),
        switch: Switch { of: stamp(5), moving: true, at: stamp(7) },
        front: Some(Front {
            begun: stamp(5),
            since: [4, 2],
            kind: LiveKind::Sender,
            name: name.into(),
            take_over: TakeOver::Allow,
            silent: None,
        }),
        waiting: Some(Waiting { asked: stamp(6), kind: LiveKind::Input, name: name.into() }),
        answered: Some(Answered { asked: stamp(4), handed: true }),
        gone: Some(Gone { begun: stamp(3), why: LiveEnd::Vanished }),
    }
}
