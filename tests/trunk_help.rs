//! What is read of help on the wire; its golden bytes are with the others in `trunk_message.rs`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::core::help::{HelpDenied, HelpWord, PART, Task};
use engawa::core::signal::Signal;
use engawa::model::Pin;
use engawa::trunk::message::{MessageError, decode_signal};

fn help(word: HelpWord) -> Signal {
    Signal::Help(Box::new(word))
}

#[test]
fn help_is_read_with_care() {
    let read = |json: &str| decode_signal(json.as_bytes());
    let newer = r#"{"say":"help","what":"ask","number":1,"task":"format_disk","pin":"246810"}"#;
    assert_eq!(read(newer), Ok(None), "what only a newer version can do is not answered");
    assert_eq!(read(r#"{"say":"help","what":"whisper","number":1}"#), Ok(None));
    let why = r#"{"say":"help","what":"denied","number":1,"why":"raining"}"#;
    assert_eq!(read(why), Ok(Some(help(HelpWord::Denied { number: 1, why: HelpDenied::Failed }))));
    for pin in [String::new(), "1".repeat(Pin::LONGEST + 1)] {
        let ask = format!(r#"{{"say":"help","what":"ask","number":1,"task":"support","pin":"{pin}"}}"#);
        let fault = read(&ask).unwrap_err();
        assert!(pin.is_empty() || !fault.to_string().contains(&pin), "{fault}");
    }
    let long = format!(r#"{{"say":"help","what":"part","number":1,"part":0,"text":"{}"}}"#, "x".repeat(PART + 1));
    assert_eq!(read(&long), Err(MessageError::OutOfBounds("part of a paper")));
    let turned =
        read("{\"say\":\"help\",\"what\":\"part\",\"number\":1,\"part\":0,\"text\":\"a\\u001b[2J\\u202eb\\n\"}");
    let plain = help(HelpWord::Part { number: 1, part: 0, text: "a[2Jb\n".into() });
    assert_eq!(turned, Ok(Some(plain)), "nothing that moves a cursor");
    let asked = help(HelpWord::Ask { number: 1, task: Task::Support, pin: Pin::new("246810".into()).unwrap() });
    assert!(!format!("{asked:?}").contains("246810"), "{asked:?}");
}
