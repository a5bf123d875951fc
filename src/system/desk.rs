//! Answers what the command line asks over the status socket: the same requests as keys and panel, the ledger, the room code.

use crate::asking::{self, Reply};
use crate::core::input::RoomInput;
use crate::core::notes::{Board, Note, Paper};
use crate::core::request::Asker;
use crate::documents::Documents;
use crate::model::Language;
use crate::questions::Questions;
use crate::system::ledger::Ledger;
use chrono::{DateTime, Local};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// Who may ask is decided by the socket's owner and group: they stand at the box. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    questions: Questions,
    ledger: Ledger,
    documents: Documents,
    language: Language,
    code: Arc<Mutex<Option<u32>>>,
    board: Arc<Mutex<Board>>,
}

impl Desk {
    /// Questions go to the loop, in this language come the answers.
    pub fn new(questions: Questions, ledger: Ledger, documents: Documents, language: Language) -> Self {
        Self { questions, ledger, documents, language, code: Arc::default(), board: Arc::default() }
    }

    /// The room code that is valid now; six digits as a number.
    pub fn note_code(&self, code: Option<u32>) {
        *self.code.lock().unwrap_or_else(PoisonError::into_inner) = code;
    }

    /// The notice board as it is now.
    pub fn note_board(&self, board: &Board) {
        let mut known = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        if known.number != board.number {
            *known = board.clone();
        }
    }

    /// One line of JSON ([`Reply`]) for a request; lines of plain text for `{"ask":"ledger"}`,
    /// `{"ask":"room_code"}` and `{"ask":"board"}`.
    pub(super) async fn answer(&self, ask: &Value) -> String {
        match ask["ask"].as_str() {
            Some("ledger") => self.ledger_lines(),
            Some("room_code") => self.room_code(),
            Some("board") => self.board_lines(),
            Some(_) | None => self.reply(ask).await,
        }
    }

    async fn reply(&self, ask: &Value) -> String {
        let reply = match asking::request(ask.to_string().as_bytes()) {
            Ok(request) => {
                let asked = |ticket| RoomInput::Asked { ticket, by: Asker::Local, request };
                Reply::of(self.questions.ask(asked).await, self.language)
            }
            Err(asking::NotARequest) => Reply::malformed(self.language),
        };
        // Words only: this cannot fail.
        serde_json::to_string(&reply).unwrap_or_default()
    }

    /// A file in the box, called so: shared if the room's policy allows it, else overwritten at once.
    pub(super) async fn share(&self, name: &str, bytes: Vec<u8>) -> String {
        let by = Asker::Local;
        let reply = match self.questions.share(&self.documents, by, name, None, bytes).await {
            Ok(answer) => Reply::of(answer, self.language),
            Err(full) => Reply::full(full, self.language),
        };
        serde_json::to_string(&reply).unwrap_or_default()
    }

    fn ledger_lines(&self) -> String {
        let lines = self.ledger.newest(LEDGER_LINES).into_iter().map(|line| {
            let number = line.number.map_or_else(|| "–".to_owned(), |number| number.to_string());
            format!("{number:>6}  {}  {}", line.time, line.text(self.language))
        });
        let trouble = self.ledger.trouble().map(|trouble| format!("     –  {trouble}"));
        lines.chain(trouble).collect::<Vec<_>>().join("\n")
    }

    /// Oldest first.
    fn board_lines(&self) -> String {
        let board = self.board.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line = |note: &Arc<Note>| {
            let written = i64::try_from(note.written_ms).ok().and_then(DateTime::from_timestamp_millis);
            let time = written.map(|time| time.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string());
            let room = match (note.room == board.near, self.language) {
                (true, Language::Japanese) => "この部屋",
                (false, Language::Japanese) => "相手の部屋",
                (true, Language::English) => "this room",
                (false, Language::English) => "the other room",
            };
            let who = if note.name.is_empty() { room.to_owned() } else { format!("{} ({room})", note.name) };
            let words = match (&note.paper, self.language) {
                (Paper::Words(text), _) => text.as_str(),
                (Paper::Drawing(_), Language::Japanese) => "（手書き）",
                (Paper::Drawing(_), Language::English) => "(a drawing)",
            };
            format!("{}  {who}: {words}", time.unwrap_or_else(|| "–".into()))
        };
        board.notes.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn room_code(&self) -> String {
        let code = *self.code.lock().unwrap_or_else(PoisonError::into_inner);
        code.map_or_else(|| "–".to_owned(), |code| format!("{code:06}"))
    }
}

const LEDGER_LINES: usize = 200;
