//! What a PC may ask of the printer (RFC 8011, PWG 5100.11, 5100.13), one function an operation.

use super::Shared;
use super::attributes::{self, ON_REQUEST, TEMPLATE, word};
use super::body::{Body, Unread};
use super::door::Arrival;
use super::ipp::{self, Attribute, CHARSET, Group, LANGUAGE, Message, NotIpp, TEXT, Value};
use super::jobs::{Job, JobState, Why};
use crate::core::input::RoomInput;
use crate::core::prints::{PrintId, PrintNews};
use crate::core::request::Answer;
use crate::core::share::file_name;
use crate::door::Worth;
use crate::model::Language;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// One request that was understood.
pub(super) struct Asked {
    pub(super) shared: Arc<Shared>,
    pub(super) arrival: Arrival,
    pub(super) message: Message,
    language: Language,
}

/// What is answered: attributes in groups, or why not.
pub(super) type Said = Result<Vec<Group>, Fault>;

/// Why something was not done.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) text: &'static str,
    /// What of the question is to blame.
    pub(super) unsupported: Vec<Attribute>,
}

/// The answer to a request; none where there is nothing to answer.
pub(super) async fn answer(shared: Arc<Shared>, arrival: Arrival, incoming: Incoming) -> Option<Vec<u8>> {
    let mut body = Body::new(incoming);
    let message = match body.message().await {
        Ok(message) => message,
        Err(Unread::Gone) => return None,
        Err(Unread::NotIpp(NotIpp::TooMuch) | Unread::TooLong | Unread::GaveWay) => {
            body.drain().await;
            return Some(reply((1, 1), 1, TOO_LONG, "", Language::English, Vec::new()));
        }
        Err(Unread::NotIpp(NotIpp::Short | NotIpp::Malformed)) => {
            body.drain().await;
            return Some(reply((1, 1), 1, BAD_REQUEST, "", Language::English, Vec::new()));
        }
    };
    // It speaks as a printer's PC does: a crowd that says nothing does not put it out.
    arrival.place.is(if shared.is_known(arrival.source) { Worth::Guest } else { Worth::Stranger });
    let language = match message.word("attributes-natural-language") {
        Some(wished) if wished.starts_with("ja") => Language::Japanese,
        Some(_) => Language::English,
        None => shared.settings.language,
    };
    let (version, number) = (message.version, message.number);
    let asked = Asked { shared, arrival, message, language };
    let (status, text, groups) = match asked.carry_out(body).await {
        Ok(groups) => (OK, "", groups),
        Err(Fault { status, text, unsupported }) if unsupported.is_empty() => (status, text, Vec::new()),
        Err(Fault { status, text, unsupported }) => {
            (status, text, vec![Group { tag: ipp::UNSUPPORTED, attributes: unsupported }])
        }
    };
    Some(reply(version, number, status, text, language, groups))
}

fn reply(version: (u8, u8), number: u32, status: u16, text: &str, language: Language, groups: Vec<Group>) -> Vec<u8> {
    let own = if language == Language::Japanese { "ja" } else { "en" };
    let mut first = vec![
        Attribute::new("attributes-charset", [word(CHARSET, "utf-8")]),
        Attribute::new("attributes-natural-language", [word(LANGUAGE, own)]),
    ];
    if !text.is_empty() {
        first.push(Attribute::new("status-message", [word(TEXT, text)]));
    }
    let first = Group { tag: ipp::OPERATION, attributes: first };
    let version = if version.0 == 1 { (1, 1) } else { (2, 0) };
    Message { version, code: status, number, groups: [first].into_iter().chain(groups).collect() }.write()
}

impl Asked {
    async fn carry_out(self, body: Body) -> Said {
        if let Err(fault) = self.is_sound() {
            body.drain().await;
            return Err(fault);
        }
        if matches!(self.message.code, PRINT_JOB | VALIDATE_JOB | CREATE_JOB) {
            self.tell_of_the_lock().await;
        }
        match self.message.code {
            PRINT_JOB => self.print_job(body).await,
            SEND_DOCUMENT => self.send_document(body).await,
            VALIDATE_JOB => self.may_print().map(|()| Vec::new()),
            CREATE_JOB => self.create_job(),
            CLOSE_JOB => self.close_job(),
            CANCEL_JOB => self.cancel_job().await,
            CANCEL_MY_JOBS => self.cancel_my_jobs().await,
            GET_JOB_ATTRIBUTES => Ok(vec![self.told(&self.job()?, true)]),
            GET_JOBS => Ok(self.jobs()),
            GET_PRINTER_ATTRIBUTES => Ok(vec![self.printer()]),
            IDENTIFY_PRINTER => self.identify().await,
            _ => Err(fault(NO_SUCH_OPERATION)),
        }
    }

    /// RFC 8011, 4.1: version, number, the two first attributes, the target.
    fn is_sound(&self) -> Result<(), Fault> {
        let message = &self.message;
        if !matches!(message.version, (1 | 2, _)) {
            return Err(fault(NO_SUCH_VERSION));
        }
        let operation = message.groups.first().filter(|group| group.tag == ipp::OPERATION);
        let names: Vec<&str> = operation
            .iter()
            .flat_map(|group| &group.attributes)
            .map(|attribute| attribute.name.as_str())
            .take(2)
            .collect();
        if message.number == 0 || names != ["attributes-charset", "attributes-natural-language"] {
            return Err(fault(BAD_REQUEST));
        }
        if !matches!(message.word("attributes-charset"), Some("utf-8" | "us-ascii")) {
            return Err(fault(NO_SUCH_CHARSET));
        }
        let target = message.word("printer-uri").or(message.word("job-uri"));
        if target.is_some() { Ok(()) } else { Err(fault(BAD_REQUEST)) }
    }

    fn close_job(&self) -> Said {
        let job = self.job()?;
        if job.state == JobState::Incoming {
            self.shared.jobs.end(job.id, JobState::Aborted(Why::NoDocument));
        }
        Ok(Vec::new())
    }

    async fn cancel_job(&self) -> Said {
        let job = self.job()?;
        if job.state.is_over() { Err(fault(NOT_POSSIBLE)) } else { self.cancel(&job).await }
    }

    async fn cancel_my_jobs(&self) -> Said {
        let ids: Vec<i32> = self.message.values("job-ids").iter().filter_map(integer).collect();
        let mine = self.shared.jobs.of(self.arrival.source).into_iter();
        let mine = mine.filter(|job| !job.state.is_over() && job.user == self.user());
        for job in mine.filter(|job| ids.is_empty() || ids.contains(&job.id.0.cast_signed())) {
            self.cancel(&job).await?;
        }
        Ok(Vec::new())
    }

    async fn cancel(&self, job: &Job) -> Said {
        match job.state {
            JobState::Held | JobState::Opening => {
                let _place = self.shared.asking.acquire().await.map_err(|_| fault(BUSY))?;
                let news = PrintNews::Withdrawn(job.id);
                let answer = self.shared.questions.ask(|ticket| RoomInput::Printer { ticket, news }).await;
                self.shared.jobs.leaves(job.id, job.state).await;
                match answer {
                    Some(Answer::Accepted) => Ok(Vec::new()),
                    Some(Answer::AlreadySo | Answer::Denied(_)) => Err(fault(NOT_POSSIBLE)),
                    None => Err(fault(BUSY)),
                }
            }
            JobState::Incoming | JobState::Coming => {
                self.shared.jobs.end(job.id, JobState::Canceled);
                Ok(Vec::new())
            }
            JobState::Completed | JobState::Aborted(_) | JobState::Canceled => Err(fault(NOT_POSSIBLE)),
        }
    }

    async fn identify(&self) -> Said {
        // A room that takes nobody new shows nothing for strangers either.
        let (asleep, locked) = (self.shared.seen.borrow().asleep, self.shared.seen.borrow().locked);
        if asleep || locked && !self.shared.is_known(self.arrival.source) {
            return Err(fault(NOT_ACCEPTING));
        }
        let _place = self.shared.asking.acquire().await.map_err(|_| fault(BUSY))?;
        sleep(PACE).await;
        let news = PrintNews::Identified;
        match self.shared.questions.ask(|ticket| RoomInput::Printer { ticket, news }).await {
            Some(_) => Ok(Vec::new()),
            None => Err(fault(BUSY)),
        }
    }

    fn printer(&self) -> Group {
        let accepting = self.shared.accepts();
        let mut all = attributes::printer(&self.shared, &self.arrival, accepting, self.language);
        let named = self.message.values("requested-attributes");
        all.retain(|attribute| {
            let template = TEMPLATE.iter().any(|name| {
                let rest = attribute.name.strip_prefix(name);
                rest.is_some_and(|rest| ["-default", "-supported", "-ready", "-database"].contains(&rest))
            });
            let group = if template { "job-template" } else { "printer-description" };
            self.is_wanted(&attribute.name, group, named.is_empty())
        });
        Group { tag: ipp::PRINTER, attributes: all }
    }

    /// Only this PC's.
    fn jobs(&self) -> Vec<Group> {
        let message = &self.message;
        let most = message.integer("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let mine = message.truth("my-jobs") == Some(true);
        let wanted = |job: &Job| match message.word("which-jobs").unwrap_or("not-completed") {
            "completed" => job.state.is_over(),
            "all" => true,
            _ => !job.state.is_over(),
        };
        let jobs = self.shared.jobs.of(self.arrival.source).into_iter();
        let jobs = jobs.filter(|job| wanted(job) && (!mine || job.user == self.user()));
        jobs.take(most).map(|job| self.told(&job, false)).collect()
    }

    /// A job with what is asked of it, or with what identifies it.
    pub(super) fn told(&self, job: &Job, all: bool) -> Group {
        let scheme = if self.arrival.tls { "ipps" } else { "ipp" };
        let up_s = self.shared.jobs.up_s();
        let mut attributes = attributes::job(job, up_s, self.arrival.local, scheme, self.language);
        let creates = matches!(self.message.code, PRINT_JOB | CREATE_JOB | SEND_DOCUMENT);
        attributes.retain(|attribute| match attribute.name.as_str() {
            "job-id" | "job-uri" if !all => creates || self.is_wanted(&attribute.name, "job-description", true),
            "job-state" | "job-state-reasons" | "job-state-message" if creates => true,
            name => self.is_wanted(name, "job-description", all),
        });
        Group { tag: ipp::JOB, attributes }
    }

    /// `unasked`: if nothing is named.
    fn is_wanted(&self, name: &str, group: &str, unasked: bool) -> bool {
        let mut named = self.message.values("requested-attributes").iter().filter_map(Value::word).peekable();
        if named.peek().is_none() {
            return unasked && name != ON_REQUEST;
        }
        let mut everything = false;
        let exactly = named.any(|wish| {
            everything |= wish == "all" || wish == group;
            wish == name
        });
        exactly || (everything && name != ON_REQUEST)
    }

    /// The job that is meant, if it is this PC's.
    pub(super) fn job(&self) -> Result<Job, Fault> {
        let by_uri = || self.message.word("job-uri")?.rsplit('/').next()?.parse().ok();
        let id = self.message.integer("job-id").or_else(by_uri).ok_or_else(|| fault(BAD_REQUEST))?;
        let job = self.shared.jobs.job(PrintId(id.cast_unsigned()), self.arrival.source);
        job.ok_or_else(|| fault(NOT_FOUND))
    }

    pub(super) fn user(&self) -> String {
        file_name(self.message.word("requesting-user-name").unwrap_or_default())
    }

    pub(super) fn because(&self, status: u16, why: Why) -> Fault {
        Fault { text: why.text(self.language), ..fault(status) }
    }
}

pub(super) fn fault(status: u16) -> Fault {
    Fault { status, text: "", unsupported: Vec::new() }
}

fn integer(value: &Value) -> Option<i32> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Nothing(_) | Value::Enum(_) | Value::Boolean(_) | Value::Octets(_) | Value::DateTime(_) => None,
        Value::Resolution(..) | Value::Range(..) | Value::Word(..) | Value::Collection(_) => None,
    }
}

/// Operations by their numbers.
pub(super) const ALL: [u16; 11] = [
    PRINT_JOB,
    VALIDATE_JOB,
    CREATE_JOB,
    SEND_DOCUMENT,
    CANCEL_JOB,
    GET_JOB_ATTRIBUTES,
    GET_JOBS,
    GET_PRINTER_ATTRIBUTES,
    CANCEL_MY_JOBS,
    CLOSE_JOB,
    IDENTIFY_PRINTER,
];
const PRINT_JOB: u16 = 0x0002;
const VALIDATE_JOB: u16 = 0x0004;
const CREATE_JOB: u16 = 0x0005;
const SEND_DOCUMENT: u16 = 0x0006;
const CANCEL_JOB: u16 = 0x0008;
const GET_JOB_ATTRIBUTES: u16 = 0x0009;
const GET_JOBS: u16 = 0x000a;
const GET_PRINTER_ATTRIBUTES: u16 = 0x000b;
const CANCEL_MY_JOBS: u16 = 0x0039;
const CLOSE_JOB: u16 = 0x003b;
const IDENTIFY_PRINTER: u16 = 0x003c;

const OK: u16 = 0x0000;
pub(super) const BAD_REQUEST: u16 = 0x0400;
pub(super) const NOT_POSSIBLE: u16 = 0x0404;
pub(super) const NOT_FOUND: u16 = 0x0406;
pub(super) const TOO_LONG: u16 = 0x0408;
pub(super) const NO_SUCH_FORMAT: u16 = 0x040a;
pub(super) const NO_SUCH_ATTRIBUTE: u16 = 0x040b;
const NO_SUCH_CHARSET: u16 = 0x040d;
pub(super) const NO_SUCH_COMPRESSION: u16 = 0x040f;
pub(super) const INTERNAL: u16 = 0x0500;
const NO_SUCH_OPERATION: u16 = 0x0501;
const NO_SUCH_VERSION: u16 = 0x0503;
pub(super) const NOT_ACCEPTING: u16 = 0x0506;
pub(super) const BUSY: u16 = 0x0507;
pub(super) const JOB_CANCELED: u16 = 0x0508;
pub(super) const ONE_DOCUMENT: u16 = 0x0509;

/// Questions to the loop at a time.
pub(super) const ASKING: usize = 4;
/// With [`ASKING`]: at most so many "which box is it?" a second that the loop never feels them.
const PACE: Duration = Duration::from_millis(50);
