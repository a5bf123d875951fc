//! The printer's own list of jobs, as PCs ask for it: follows what the core says of its prints, forgets what is old.
//!
//! ```text
//!   created ─ incoming ─ coming ─ asked ─► held ─► opening ─► completed        (every wait has an end)
//!                 └─────────┴───────────────┴───────┴──────► aborted, canceled
//! ```
//! Bounded, and nothing of a job that is over outlives the meeting that it was shown in, nor ten minutes.

use crate::core::prints::{PrintEnd, PrintId, PrintState};
use crate::core::request::Denied;
use crate::core::snapshot::RoomSnapshot;
use crate::documents::Full;
use crate::model::Language;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// All of them; cheap to clone.
#[derive(Clone)]
pub(super) struct Jobs(Arc<Shared>);

struct Shared {
    begun: Instant,
    table: Mutex<Table>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Table {
    /// Oldest first.
    jobs: VecDeque<Job>,
    last: u32,
    /// When a meeting ended last.
    ended: [u32; 2],
}

/// One job.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: PrintId,
    pub(super) source: IpAddr,
    /// As the PC's user is called there.
    pub(super) user: String,
    pub(super) name: String,
    pub(super) octets: u64,
    pub(super) state: JobState,
    /// Seconds since the printer began; when it was created, when its document was whole, when it was over.
    pub(super) created_s: u32,
    pub(super) asked_s: Option<u32>,
    pub(super) over_s: Option<u32>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobState {
    /// Its document has not begun to come.
    Incoming,
    /// Its document comes, or the core is being asked.
    Coming,
    /// Waits for "show it".
    Held,
    /// Its pages are being counted.
    Opening,
    /// It stood in front on the screens.
    Completed,
    /// It was not shown.
    Aborted(Why),
    /// Its PC took it back.
    Canceled,
}

/// Why a job was not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The room's reason.
    Print(PrintEnd),
    /// No document came, or not all of it.
    NoDocument,
    /// None of the kinds that are shown.
    UnknownKind,
    /// It has no place.
    Full(Full),
    /// Too much at once.
    Busy,
}

/// The right to bring a job's document; a job whose document never came whole is aborted when this is dropped.
pub(super) struct Bringing {
    jobs: Jobs,
    pub(super) id: PrintId,
    taken: bool,
}

impl Jobs {
    pub(super) fn new() -> Self {
        let shared = Shared { begun: Instant::now(), table: Mutex::default(), changed: watch::Sender::default() };
        Self(Arc::new(shared))
    }

    /// Seconds since the printer began, never 0.
    pub(super) fn up_s(&self) -> u32 {
        u32::try_from(self.0.begun.elapsed().as_secs()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// One more, if there is a place.
    pub(super) fn create(&self, source: IpAddr, user: &str, name: &str) -> Option<PrintId> {
        let created_s = self.up_s();
        let mut table = self.lock();
        table.sweep(created_s);
        let unfinished = table.jobs.iter().filter(|job| job.source == source && !job.state.is_over()).count();
        if unfinished >= MOST_UNFINISHED {
            return None;
        }
        if table.jobs.len() >= MOST_JOBS {
            let oldest = table.jobs.iter().position(|job| job.state.is_over())?;
            table.jobs.remove(oldest);
        }
        table.last += 1;
        let id = PrintId(table.last);
        table.jobs.push_back(Job {
            id,
            source,
            user: user.into(),
            name: name.into(),
            octets: 0,
            state: JobState::Incoming,
            created_s,
            asked_s: None,
            over_s: None,
        });
        Some(id)
    }

    /// The document of a job begins to come; none if it is not the time for it.
    pub(super) fn bring(&self, id: PrintId) -> Option<Bringing> {
        let mut table = self.lock();
        let job = table.find(id).filter(|job| job.state == JobState::Incoming)?;
        job.state = JobState::Coming;
        Some(Bringing { jobs: self.clone(), id, taken: false })
    }

    /// A job of this PC; others' are nobody's business.
    pub(super) fn job(&self, id: PrintId, source: IpAddr) -> Option<Job> {
        let up_s = self.up_s();
        let mut table = self.lock();
        table.sweep(up_s);
        table.find(id).filter(|job| job.source == source).cloned()
    }

    /// Those of this PC, newest first.
    pub(super) fn of(&self, source: IpAddr) -> Vec<Job> {
        let up_s = self.up_s();
        let mut table = self.lock();
        table.sweep(up_s);
        table.jobs.iter().rev().filter(|job| job.source == source).cloned().collect()
    }

    /// How many are not over.
    pub(super) fn queued(&self) -> usize {
        self.lock().jobs.iter().filter(|job| !job.state.is_over()).count()
    }

    /// A job is over by a rule of the printer's own.
    pub(super) fn end(&self, id: PrintId, state: JobState) {
        let up_s = self.up_s();
        self.lock().enter(id, state, up_s);
        self.0.changed.send_replace(());
    }

    /// The whole document of a job is here: so many bytes.
    pub(super) fn asked(&self, id: PrintId, octets: u64) {
        let up_s = self.up_s();
        if let Some(job) = self.lock().find(id) {
            (job.octets, job.asked_s) = (octets, Some(up_s));
        }
    }

    /// What the core says of its prints. After every turn of the loop.
    pub(super) fn follow(&self, room: &RoomSnapshot) {
        let up_s = self.up_s();
        let mut table = self.lock();
        let mut changed = false;
        if table.ended != room.share.ended() {
            table.ended = room.share.ended();
            table.jobs.retain(|job| !job.state.is_over());
        }
        let open: Vec<(PrintId, JobState)> =
            table.jobs.iter().filter(|job| !job.state.is_over()).map(|job| (job.id, job.state)).collect();
        for (id, before) in open {
            let now = match (room.prints.iter().find(|print| print.id == id).map(|print| print.state), before) {
                (Some(PrintState::Waiting), _) => JobState::Held,
                (Some(PrintState::Opening), _) => JobState::Opening,
                (Some(PrintState::Shown), _) => JobState::Completed,
                (Some(PrintState::Ended(PrintEnd::Withdrawn)), _) => JobState::Canceled,
                (Some(PrintState::Ended(why)), _) => JobState::Aborted(Why::Print(why)),
                (None, JobState::Held | JobState::Opening) => {
                    JobState::Aborted(Why::Print(PrintEnd::Denied(Denied::MeetingOver)))
                }
                (None, _) => before,
            };
            if now != before {
                table.enter(id, now, up_s);
                changed = true;
            }
        }
        drop(table);
        if changed {
            self.0.changed.send_replace(());
        }
    }

    /// Waits a moment until a job is no longer in this state.
    pub(super) async fn leaves(&self, id: PrintId, state: JobState) {
        let mut changed = self.0.changed.subscribe();
        let left = async { while self.is(id, state) && changed.changed().await.is_ok() {} };
        let _the_loop_is_busy = timeout(TURN, left).await;
    }

    fn is(&self, id: PrintId, state: JobState) -> bool {
        self.lock().find(id).is_some_and(|job| job.state == state)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn find(&mut self, id: PrintId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    fn enter(&mut self, id: PrintId, state: JobState, up_s: u32) {
        let Some(job) = self.find(id).filter(|job| !job.state.is_over()) else { return };
        job.state = state;
        if state.is_over() {
            job.over_s = Some(up_s);
        }
    }

    fn sweep(&mut self, up_s: u32) {
        self.jobs.retain(|job| job.over_s.is_none_or(|over_s| up_s - over_s.min(up_s) < FORGOTTEN_S));
        for job in self.jobs.iter_mut().filter(|job| job.state == JobState::Incoming) {
            if up_s - job.created_s.min(up_s) >= DOCUMENT_DUE_S {
                (job.state, job.over_s) = (JobState::Aborted(Why::NoDocument), Some(up_s));
            }
        }
    }
}

impl Bringing {
    /// The room has it: what becomes of it the room says.
    pub(super) fn is_taken(&mut self) {
        self.taken = true;
    }
}

impl Drop for Bringing {
    fn drop(&mut self) {
        if !self.taken && self.jobs.is(self.id, JobState::Coming) {
            self.jobs.end(self.id, JobState::Aborted(Why::NoDocument));
        }
    }
}

impl JobState {
    pub(super) const fn is_over(self) -> bool {
        match self {
            Self::Completed | Self::Aborted(_) | Self::Canceled => true,
            Self::Incoming | Self::Coming | Self::Held | Self::Opening => false,
        }
    }

    /// As RFC 8011 numbers it.
    pub(super) const fn number(self) -> i32 {
        match self {
            Self::Incoming | Self::Held => 4,
            Self::Coming | Self::Opening => 5,
            Self::Canceled => 7,
            Self::Aborted(_) => 8,
            Self::Completed => 9,
        }
    }

    /// In the standard's words.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Incoming | Self::Coming => "job-incoming",
            Self::Held => "job-held-for-button-press",
            Self::Opening => "job-interpreting",
            Self::Canceled => "job-canceled-by-user",
            Self::Aborted(Why::UnknownKind) => "unsupported-document-format",
            Self::Aborted(_) => "aborted-by-system",
            Self::Completed => "job-completed-successfully",
        }
    }

    /// In people's words.
    pub(super) fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Incoming | Self::Coming => ("印刷を受け取っています。", "The print is coming in."),
            Self::Held => (
                "画面のそばで「写す」が押されるのを待っています。",
                "Waiting for somebody to press “Show it” at the screen.",
            ),
            Self::Opening => ("資料を開いています。", "Opening the document."),
            Self::Completed => ("画面に出ました。", "It stands on the screens."),
            Self::Canceled => return PrintEnd::Withdrawn.text(language),
            Self::Aborted(why) => return why.text(language),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}

impl Why {
    /// In people's words.
    pub(super) fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Print(end) => return end.text(language),
            Self::NoDocument => (
                "資料が最後まで届きませんでした。もう一度印刷してください。",
                "The document did not come whole. Please print it again.",
            ),
            Self::UnknownKind => (
                "この箱が写せる形式（PDF・JPEG・PWG/Apple ラスター）ではありません。プリンターを追加し直してください。",
                "This box cannot show that kind of document (PDF, JPEG, PWG or Apple raster). Add the printer again.",
            ),
            Self::Full(Full::Empty) => ("中身がありません。", "It is empty."),
            Self::Full(Full::TooLong) => (
                "大きすぎます。100 MB までの資料を印刷してください。",
                "It is too large. Print documents of at most 100 MB.",
            ),
            Self::Full(Full::TooMuch | Full::TooMany) => (
                "資料がいっぱいです。使わない資料を閉じて、もう一度印刷してください。",
                "There are too many documents. Close some and print it again.",
            ),
            Self::Busy => (
                "いま込み合っています。少し待って、もう一度印刷してください。",
                "Busy. Please wait a little and print it again.",
            ),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}

/// Jobs that are remembered.
const MOST_JOBS: usize = 40;
/// Of these, by one PC and not over.
const MOST_UNFINISHED: usize = 8;
/// A job that is over is told of for so long.
const FORGOTTEN_S: u32 = 600;
/// A created job's document begins to come within so many seconds: `multiple-operation-time-out`.
pub(super) const DOCUMENT_DUE_S: u32 = 60;
/// The loop turns within milliseconds.
const TURN: Duration = Duration::from_millis(500);
