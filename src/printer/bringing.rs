//! Documents that a PC brings: refused before they are read if they can be, read within limits, then the core is asked.

use super::attributes::{FORMATS, TEMPLATE};
use super::body::{Body, Unread};
use super::ipp::{self, Attribute, NOT_SUPPORTED, Value};
use super::jobs::{Bringing, JobState, Why};
use super::operations::{
    Asked, BAD_REQUEST, BUSY, Fault, INTERNAL, JOB_CANCELED, NO_SUCH_ATTRIBUTE, NO_SUCH_COMPRESSION, NO_SUCH_FORMAT,
    NOT_ACCEPTING, NOT_FOUND, NOT_POSSIBLE, ONE_DOCUMENT, Said, TOO_LONG, fault,
};
use super::turns::Turn;
use crate::core::input::RoomInput;
use crate::core::prints::{Arrival as Print, PrintEnd, PrintId, PrintNews};
use crate::core::request::{Answer, Denied};
use crate::core::share::{Occasion, Opening, file_name};
use crate::documents::Full;
use std::time::Duration;
use tokio::time::timeout;

impl Asked {
    /// What can be refused before a byte of a document is read.
    pub(super) fn may_print(&self) -> Result<(), Fault> {
        let message = &self.message;
        let format = message.word("document-format").unwrap_or(FORMATS[0]);
        if !FORMATS.contains(&format) {
            return Err(unsupported(NO_SUCH_FORMAT, "document-format", message.values("document-format")));
        }
        if !matches!(message.word("compression"), None | Some("none")) {
            return Err(unsupported(NO_SUCH_COMPRESSION, "compression", message.values("compression")));
        }
        let template = message.group(ipp::JOB);
        // All of the document would be shown, whatever pages were chosen.
        if let Some(ranges) = template.iter().find(|attribute| attribute.name == "page-ranges") {
            return Err(unsupported(NO_SUCH_ATTRIBUTE, "page-ranges", &ranges.values));
        }
        if message.truth("ipp-attribute-fidelity") == Some(true) {
            let foreign = template.iter().filter(|attribute| !TEMPLATE.contains(&attribute.name.as_str()));
            let foreign = foreign.map(|attribute| Attribute::new(&attribute.name, [Value::Nothing(NOT_SUPPORTED)]));
            let unsupported: Vec<_> = foreign.collect();
            if !unsupported.is_empty() {
                return Err(Fault { unsupported, ..fault(NO_SUCH_ATTRIBUTE) });
            }
        }
        if self.shared.accepts() {
            return Ok(());
        }
        let why = if self.shared.seen.borrow().asleep { Denied::NearAsleep } else { Denied::PrintsLocked };
        Err(self.because(NOT_ACCEPTING, Why::Print(PrintEnd::Denied(why))))
    }

    pub(super) async fn print_job(self, body: Body) -> Said {
        let bringing = self.with_a_job().await;
        self.bring(bringing, body).await
    }

    async fn with_a_job(&self) -> Result<(Turn, Bringing), Fault> {
        self.may_print()?;
        let turn = self.turn().await?;
        let bringing = self.create().and_then(|id| self.shared.jobs.bring(id));
        Ok((turn, bringing.ok_or_else(|| self.because(BUSY, Why::Busy))?))
    }

    pub(super) fn create_job(&self) -> Said {
        self.may_print()?;
        let id = self.create().ok_or_else(|| self.because(BUSY, Why::Busy))?;
        let job = self.shared.jobs.job(id, self.arrival.source).ok_or_else(|| fault(NOT_FOUND))?;
        Ok(vec![self.told(&job, false)])
    }

    pub(super) async fn send_document(self, body: Body) -> Said {
        let bringing = self.of_its_job().await;
        self.bring(bringing, body).await
    }

    async fn of_its_job(&self) -> Result<(Turn, Bringing), Fault> {
        let job = self.job()?;
        if self.message.truth("last-document").is_none() {
            return Err(fault(BAD_REQUEST));
        }
        self.may_print()?;
        match job.state {
            JobState::Canceled => Err(fault(JOB_CANCELED)),
            // Busy, it may be sent again: the job goes on waiting for it.
            JobState::Incoming => {
                let turn = self.turn().await?;
                Ok((turn, self.shared.jobs.bring(job.id).ok_or_else(|| fault(NOT_POSSIBLE))?))
            }
            JobState::Aborted(_) => Err(fault(NOT_POSSIBLE)),
            JobState::Coming | JobState::Held | JobState::Opening | JobState::Completed => Err(fault(ONE_DOCUMENT)),
        }
    }

    /// People hear of a PC that they let in and that a locked room turns away.
    pub(super) async fn tell_of_the_lock(&self) {
        let source = self.arrival.source;
        if !self.shared.seen.borrow().locked || !self.shared.is_known(source) {
            return;
        }
        let Ok(_place) = self.shared.asking.try_acquire() else { return };
        let news = PrintNews::TurnedAway((self.shared.sources.guests_at)(source));
        let _the_print_is_denied = self.shared.questions.ask(|ticket| RoomInput::Printer { ticket, news }).await;
    }

    /// The document comes, lands in the store, and the core is asked. A PC that is gone when it lies there whole has printed.
    async fn bring(self, bringing: Result<(Turn, Bringing), Fault>, body: Body) -> Said {
        let begun = self.shared.seen.borrow().occasion;
        let (mut turn, bringing) = match bringing {
            Ok(bringing) => bringing,
            Err(fault) => {
                body.drain().await;
                return Err(fault);
            }
        };
        let bytes = match body.document(&mut turn).await {
            Ok(bytes) => bytes,
            Err(Unread::TooLong) => return Err(self.ended(&bringing, TOO_LONG, Why::Full(Full::TooLong))),
            Err(Unread::GaveWay) => return Err(self.ended(&bringing, BUSY, Why::Busy)),
            Err(Unread::Gone | Unread::NotIpp(_)) => return Err(self.ended(&bringing, BAD_REQUEST, Why::NoDocument)),
        };
        if bytes.is_empty() {
            return Err(self.ended(&bringing, BAD_REQUEST, Why::NoDocument));
        }
        if !(self.shared.sources.is_document)(&bytes) {
            return Err(self.ended(&bringing, NO_SUCH_FORMAT, Why::UnknownKind));
        }
        let asking = tokio::spawn(async move {
            let _turn = turn;
            self.ask(bringing, begun, bytes).await
        });
        asking.await.unwrap_or_else(|_| Err(fault(INTERNAL)))
    }

    async fn ask(self, mut bringing: Bringing, begun: Occasion, bytes: Vec<u8>) -> Said {
        let (shared, id, source) = (&self.shared, bringing.id, self.arrival.source);
        let Some(job) = shared.jobs.job(id, source).filter(|job| job.state == JobState::Coming) else {
            return Err(fault(JOB_CANCELED));
        };
        let length = bytes.len() as u64;
        shared.jobs.asked(id, length);
        let (guests, from) = ((shared.sources.guests_at)(source), format!("{}（{source}）", job.user));
        let Ok(_place) = timeout(PATIENCE, shared.asking.acquire()).await else {
            return Err(self.ended(&bringing, BUSY, Why::Busy));
        };
        let brought = shared.questions.bring(&shared.sources.documents, bytes, |ticket, document| {
            let opening = Opening { id: document, name: job.name.clone(), length, begun: Some(begun) };
            RoomInput::Printer { ticket, news: PrintNews::Arrived(Print { print: id, opening, from, guests }) }
        });
        match brought.await {
            Ok(Some(Answer::Accepted | Answer::AlreadySo)) => {
                bringing.is_taken();
                if shared.jobs.job(id, source).is_none_or(|job| job.state == JobState::Canceled) {
                    // Cancelled while the room was asked.
                    let news = PrintNews::Withdrawn(id);
                    let _whatever_it_says = shared.questions.ask(|ticket| RoomInput::Printer { ticket, news }).await;
                    return Err(fault(JOB_CANCELED));
                }
                shared.jobs.leaves(id, JobState::Coming).await;
            }
            Ok(Some(Answer::Denied(why))) => {
                let status = if matches!(why, Denied::PrintsLocked | Denied::NearAsleep) {
                    NOT_ACCEPTING
                } else if matches!(why, Denied::TooManyPrints | Denied::TooManyDocuments) {
                    BUSY
                } else {
                    JOB_CANCELED
                };
                return Err(self.ended(&bringing, status, Why::Print(PrintEnd::Denied(why))));
            }
            Ok(None) => return Err(self.ended(&bringing, BUSY, Why::Busy)),
            Err(full) => {
                let status = if full == Full::TooLong { TOO_LONG } else { BUSY };
                return Err(self.ended(&bringing, status, Why::Full(full)));
            }
        }
        tracing::info!(%source, "a print came");
        let job = shared.jobs.job(id, source).ok_or_else(|| fault(NOT_FOUND))?;
        Ok(vec![self.told(&job, false)])
    }

    async fn turn(&self) -> Result<Turn, Fault> {
        let (source, known) = (self.arrival.source, self.shared.is_known(self.arrival.source));
        self.shared.turns.take(source, known).await.ok_or_else(|| self.because(BUSY, Why::Busy))
    }

    fn create(&self) -> Option<PrintId> {
        let named = self.message.word("job-name").or(self.message.word("document-name")).unwrap_or_default();
        self.shared.jobs.create(self.arrival.source, &self.user(), &file_name(named))
    }

    fn ended(&self, bringing: &Bringing, status: u16, why: Why) -> Fault {
        self.shared.jobs.end(bringing.id, JobState::Aborted(why));
        self.because(status, why)
    }
}

fn unsupported(status: u16, name: &str, values: &[Value]) -> Fault {
    Fault { unsupported: vec![Attribute::new(name, values.to_vec())], ..fault(status) }
}

/// For a turn to ask the loop.
const PATIENCE: Duration = Duration::from_secs(2);
