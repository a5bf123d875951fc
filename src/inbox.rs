//! The one way into the loop: urgent news is never dropped, other news only if newer news of the same kind came.
//!
//! Both queues are bounded. Adapters hold a clone and may call it from any thread, GStreamer's included.

use crate::core::input::{Input, News};
use crate::model::Line;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Sender and receiver in one; cheap to clone.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    wake: Notify,
}

#[derive(Default)]
struct Queues {
    urgent: VecDeque<Input>,
    news: [Option<News>; NEWS_SLOTS],
}

/// What the loop takes out.
#[derive(Clone, Debug, PartialEq)]
pub enum Mail {
    /// Never dropped.
    Urgent(Input),
    /// Newest of its kind.
    News(News),
}

impl Inbox {
    /// Adds an event.
    ///
    /// # Panics
    /// When [`URGENT_LIMIT`] events wait: the loop hangs, and a restart by systemd is the remedy.
    pub fn urgent(&self, input: Input) {
        let mut queues = self.lock();
        assert!(queues.urgent.len() < URGENT_LIMIT, "bug: the loop no longer takes urgent input");
        queues.urgent.push_back(input);
        drop(queues);
        self.0.wake.notify_one();
    }

    /// Adds news; replaces waiting news of the same slot. Only a decoded picture and a document's progress
    /// wake the loop: the rest waits for its next turn, so that a hundred voice packets a second cost nothing here.
    pub fn news(&self, news: News) {
        let wakes =
            matches!(news, News::FrameDecoded { line: Line::Camera | Line::LiveShare, .. } | News::Arriving { .. });
        let slot = news.slot();
        self.lock().news[slot] = Some(news);
        if wakes {
            self.0.wake.notify_one();
        }
    }

    /// Takes the next item, urgent first; `None` if there is none.
    pub fn take(&self) -> Option<Mail> {
        let mut queues = self.lock();
        if let Some(input) = queues.urgent.pop_front() {
            return Some(Mail::Urgent(input));
        }
        queues.news.iter_mut().find_map(Option::take).map(Mail::News)
    }

    /// Waits for the next item. Cancel-safe.
    pub async fn next(&self) -> Mail {
        loop {
            if let Some(mail) = self.take() {
                return mail;
            }
            self.0.wake.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const URGENT_LIMIT: usize = 4096;
const NEWS_SLOTS: usize = 13;
