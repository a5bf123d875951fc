//! Help for the other room: this room's installer asks the far box for one of a few things, with the far box's own PIN.
//!
//! The core says whether it was asked and what became of it; here it is put into words. The PIN is kept nowhere.

use super::Shared;
use super::ask::Far;
use super::reply::{self, Reply};
use super::words::{Refusal, pick};
use crate::core::help::{Asked, AskedState, HelpNews, Task};
use crate::core::input::RoomInput;
use crate::core::request::Answer;
use crate::model::{Language, Pin};
use hyper::StatusCode;
use serde::Serialize;

#[derive(Serialize)]
struct Told<'t> {
    state: &'static str,
    r#do: Option<&'static str>,
    why: Option<&'static str>,
    text: String,
    paper: &'t str,
}

/// `POST /api/far`
pub(super) async fn ask(shared: &Shared, far: Far) -> Result<Answer, Refusal> {
    let task = Task::ALL.into_iter().find(|task| task.name() == far.wish()).ok_or(Refusal::NotUnderstood)?;
    let pin = far.digits().and_then(Pin::new).ok_or(Refusal::WrongPin)?;
    let asked = |ticket| RoomInput::Help(HelpNews::Asked { ticket, task, pin });
    shared.questions.ask(asked).await.ok_or(Refusal::Busy)
}

/// `GET /api/far`
pub(super) fn show(shared: &Shared) -> Reply {
    let shown = shared.shown.borrow().clone();
    let language = shared.facts.language;
    let told = match &shown.snapshot.room.asked {
        None => Told { state: "none", r#do: None, why: None, text: String::new(), paper: "" },
        Some(asked) => told(asked, language),
    };
    reply::json(StatusCode::OK, &told)
}

fn told(asked: &Asked, language: Language) -> Told<'_> {
    let (state, why, text) = match asked.state {
        AskedState::Asked => {
            ("asked", None, pick(language, "相手の箱に頼んでいます。", "Asking the other box.").to_owned())
        }
        AskedState::Granted => {
            ("granted", None, pick(language, "相手の箱がしています。", "The other box is at it.").to_owned())
        }
        AskedState::Done => ("done", None, done(asked.task, language).to_owned()),
        AskedState::Denied(why) => ("denied", Some(why.name()), why.text(language).to_owned()),
    };
    Told { state, r#do: Some(asked.task.name()), why, text, paper: &asked.paper }
}

fn done(task: Task, language: Language) -> &'static str {
    match task {
        Task::Support => pick(language, "相手の箱の情報が届きました。", "The other box's text is here."),
        Task::BeginAnew => pick(language, "相手の箱が入れ直されます。", "The other box starts again."),
        Task::Install => {
            pick(language, "相手の箱が更新を入れ始めました。", "The other box has begun to install its update.")
        }
    }
}
