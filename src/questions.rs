//! Questions to the loop that wait for their answer: a browser's, the command line's. Bounded; nobody waits for ever.

use crate::core::input::{Input, RoomInput};
use crate::core::request::{Answer, Asker, Request};
use crate::core::share::{self, Occasion, Opening, ShareRequest};
use crate::documents::{Documents, Full, name_of};
use crate::inbox::Inbox;
use crate::model::{DocumentId, Ticket};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Asks and hands answers back; cheap to clone.
#[derive(Clone)]
pub struct Questions(Arc<Shared>);

struct Shared {
    inbox: Inbox,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u64,
    waiting: BTreeMap<Ticket, oneshot::Sender<Answer>>,
}

impl Questions {
    /// Questions that go into this inbox.
    pub fn new(inbox: Inbox) -> Self {
        Self(Arc::new(Shared { inbox, open: Mutex::default() }))
    }

    /// Asks and waits at most [`PATIENCE`]; `None` when too many questions wait or the loop gave no answer.
    pub async fn ask(&self, question: impl FnOnce(Ticket) -> RoomInput) -> Option<Answer> {
        let (sender, receiver) = oneshot::channel();
        let ticket = {
            let mut open = self.lock();
            open.waiting.retain(|_, waiting| !waiting.is_closed());
            if open.waiting.len() >= MOST_WAITING {
                return None;
            }
            open.last += 1;
            let ticket = Ticket(open.last);
            open.waiting.insert(ticket, sender);
            ticket
        };
        self.0.inbox.urgent(Input::Room(question(ticket)));
        tokio::time::timeout(PATIENCE, receiver).await.ok()?.ok()
    }

    /// Puts a file into the store and asks to share it, called `name`. What is not shared is overwritten at once. `begun`: the
    /// occasion when its bytes began to come, if that is long ago.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn share(
        &self,
        documents: &Documents,
        by: Asker,
        name: &str,
        begun: Option<Occasion>,
        bytes: Vec<u8>,
    ) -> Result<Option<Answer>, Full> {
        let length = bytes.len() as u64;
        self.bring(documents, bytes, |ticket, id| {
            let opening = Opening { id, name: share::file_name(name), length, begun };
            RoomInput::Asked { ticket, by, request: Request::Share(ShareRequest::Open(opening)) }
        })
        .await
    }

    /// Puts bytes into the store and asks a question about the document that they are. What is denied is overwritten at once.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn bring(
        &self,
        documents: &Documents,
        bytes: Vec<u8>,
        question: impl FnOnce(Ticket, DocumentId) -> RoomInput,
    ) -> Result<Option<Answer>, Full> {
        let store = documents.clone();
        // Hashing the longest takes a third of a second.
        let kept = tokio::task::spawn_blocking(move || {
            let was_here = store.bytes(name_of(&bytes)).is_some();
            store.add(bytes).map(|id| (id, was_here))
        });
        let Ok(kept) = kept.await else { return Ok(None) };
        let (id, was_here) = kept?;
        let answer = self.ask(|ticket| question(ticket, id)).await;
        if !was_here && matches!(answer, Some(Answer::Denied(_)) | None) {
            documents.forget(id);
        }
        Ok(answer)
    }

    /// Something the room did that waits for no answer.
    pub fn tell(&self, news: RoomInput) {
        self.0.inbox.urgent(Input::Room(news));
    }

    /// The loop's answer.
    pub fn answer(&self, ticket: Ticket, answer: Answer) {
        if let Some(waiting) = self.lock().waiting.remove(&ticket) {
            let _nobody_waits_any_more = waiting.send(answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The loop turns within milliseconds; whoever waits longer is told so.
const PATIENCE: Duration = Duration::from_secs(2);
const MOST_WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Asker, Request};
    use crate::inbox::Mail;

    #[tokio::test]
    async fn an_answer_finds_its_question() {
        let inbox = Inbox::default();
        let questions = Questions::new(inbox.clone());
        let asked = tokio::spawn({
            let questions = questions.clone();
            async move {
                questions.ask(|ticket| RoomInput::Asked { ticket, by: Asker::Local, request: Request::Knock }).await
            }
        });
        let Mail::Urgent(Input::Room(RoomInput::Asked { ticket, .. })) = inbox.next().await else {
            panic!("another question")
        };
        questions.answer(Ticket(ticket.0 + 1), Answer::AlreadySo);
        questions.answer(ticket, Answer::Accepted);
        assert_eq!(asked.await.ok().flatten(), Some(Answer::Accepted));
    }
}
