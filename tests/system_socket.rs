//! The status socket asks the loop on behalf of the command line.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use engawa::asking::Reply;
use engawa::core::input::{Input, RoomInput};
use engawa::core::ledger::Entry;
use engawa::core::request::{Answer, Asker, Denied, Request};
use engawa::documents::Documents;
use engawa::inbox::{Inbox, Mail};
use engawa::model::{CameraState, Language, Mode, Moment};
use engawa::questions::Questions;
use engawa::system::desk::Desk;
use engawa::system::ledger::Ledger;
use engawa::system::status::Status;
use engawa::system::status_socket::StatusSocket;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

async fn ask(socket: &Path, question: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(question.as_bytes()).await.unwrap();
    stream.write_all(b"\n").await.unwrap();
    let mut text = String::new();
    // Refused before it was read whole: reset.
    let _ = stream.read_to_string(&mut text).await;
    text
}

#[tokio::test]
async fn a_request_goes_to_the_loop_and_its_answer_comes_back_in_words() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("socket");
    let (inbox, ledger) = (Inbox::default(), Ledger::open(home.path(), 7).unwrap());
    let questions = Questions::new(inbox.clone());
    let desk = Desk::new(questions.clone(), ledger.clone(), Documents::default(), Language::English);
    let socket = StatusSocket::bind(&path).unwrap().serve(Some(desk.clone()));
    tokio::spawn(async move {
        loop {
            let Mail::Urgent(Input::Room(RoomInput::Asked { ticket, by, request })) = inbox.next().await else {
                panic!("another question")
            };
            assert_eq!(by, Asker::Local);
            let known = request == Request::Mode(Mode::Meeting);
            questions.answer(ticket, if known { Answer::Accepted } else { Answer::Denied(Denied::NoLink) });
        }
    });

    let reply = async |question| serde_json::from_str::<Reply>(&ask(&path, question).await).unwrap();
    assert_eq!(reply(r#"{"ask":{"ask":"mode","mode":"meeting"}}"#).await.answer, "accepted");
    let denied = reply(r#"{"ask":{"ask":"knock"}}"#).await;
    assert_eq!((denied.answer.as_str(), denied.why.as_deref()), ("denied", Some("no_link")));
    assert_eq!(denied.text, Denied::NoLink.text(Language::English));
    for nonsense in [r#"{"ask":{"ask":"session"}}"#, r#"{"ask":"knock"}"#, r#"{"ask":[]}"#, r#"{"ask":{}}"#] {
        assert_eq!(reply(nonsense).await.why.as_deref(), Some("malformed"), "{nonsense}");
    }

    assert_eq!(ask(&path, r#"{"ask":{"ask":"room_code"}}"#).await, "–\n");
    desk.note_code(Some(4_711));
    assert_eq!(ask(&path, r#"{"ask":{"ask":"room_code"}}"#).await, "004711\n");
    ledger.record(&Entry::Camera(CameraState::Live), 1_795_309_200_000, Moment::from_nanos(1));
    let lines = ask(&path, r#"{"ask":{"ask":"ledger"}}"#).await;
    assert!(lines.contains("2026-11-2") && lines.ends_with("Camera picture is being sent\n"), "{lines}");

    socket.publish(Status { at_ns: 5, ..Status::default() });
    let status: Status = serde_json::from_str(&ask(&path, r#"{"follow":false}"#).await).unwrap();
    assert_eq!(status.at_ns, 5);
    assert_eq!(ask(&path, "nonsense").await, "");
    assert_eq!(ask(&path, &format!(r#"{{"ask":"{}"}}"#, "x".repeat(5000))).await, "");
}
