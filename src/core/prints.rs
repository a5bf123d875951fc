//! Prints: what PCs of this room sent to the printer that this box pretends to be.
//!
//! ```text
//!   arrived ─ from an admitted guest's PC ───────────────► opening ─ the worker ─► shown
//!      └── from anybody else's ──► waiting ── "show it" ──────┘ └──► ended, with its reason
//!                                     └── nobody for two minutes, "do not show it" ──┘
//! ```
//! A locked room shows no new print of anybody.
//!
//! May be relied on: nothing of a PC that nobody let in reaches a screen before a person of this room said so; few wait, and
//! none for long; what became of a print stands here for a moment and is then forgotten. Deliberately absent: bytes, paper, microphones.

use crate::core::request::Denied;
use crate::core::share::{Opening, Refusal};
use crate::model::{DocumentId, GuestId, Language, Moment};
use std::time::Duration;

/// One print; never used again within a life of the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrintId(pub u32);

/// Something happened at the printer.
#[derive(Clone, Debug, PartialEq)]
pub enum PrintNews {
    /// A whole document lies in the store.
    Arrived(Arrival),
    /// Its PC takes it back.
    Withdrawn(PrintId),
    /// A PC was turned away before its document came; the browsers at its address.
    TurnedAway(Vec<GuestId>),
    /// Somebody at a PC wants to know which box this is.
    Identified,
}

/// A print that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Names it.
    pub print: PrintId,
    /// What it is, and into what it was sent.
    pub opening: Opening,
    /// Who sent it, for people: the user's name and the PC's address.
    pub from: String,
    /// Browsers at the same address that the panel knows.
    pub guests: Vec<GuestId>,
}

/// What a person of this room does with a print that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintRequest {
    /// Put it on both screens.
    Show(PrintId),
    /// Rather not.
    Refuse(PrintId),
}

/// A print as the core knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    /// Names it.
    pub id: PrintId,
    /// Who sent it.
    pub from: String,
    /// What.
    pub opening: Opening,
    /// How far it is.
    pub state: PrintState,
    /// It waits, or is told of, until then.
    pub until: Moment,
}

/// How far a print is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintState {
    /// For "show it".
    Waiting,
    /// Its pages are being counted.
    Opening,
    /// It stood in front.
    Shown,
    /// It was not shown.
    Ended(PrintEnd),
}

/// Why a print was not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintEnd {
    /// Nobody pressed "show it" in time.
    NobodyCame,
    /// Somebody pressed "do not show it".
    Refused,
    /// The room could not take it.
    Denied(Denied),
    /// It cannot be shown.
    Document(Refusal),
    /// Its PC took it back.
    Withdrawn,
}

impl PrintEnd {
    /// The reason in words for the person at the PC.
    pub fn text(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::NobodyCame => (
                "2分待ちましたが、画面のそばで「写す」が押されませんでした。もう一度印刷してください。",
                "Nobody pressed “Show it” at the screen within two minutes. Please print it again.",
            ),
            Self::Refused => {
                ("画面のそばの人が「写さない」を押しました。", "Somebody at the screen pressed “Do not show”.")
            }
            Self::Denied(why) => return why.text(language),
            Self::Document(why) => return why.reason(language),
            Self::Withdrawn => ("印刷したPCから取り消されました。", "It was cancelled at the PC."),
        };
        match language {
            Language::Japanese => ja,
            Language::English => en,
        }
    }
}

/// All that are not forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prints {
    all: Vec<Print>,
    /// "It is this box" stands on the screen until then.
    identified_until: Option<Moment>,
}

impl Prints {
    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Print> {
        self.all.iter()
    }

    /// The first that waits for "show it".
    pub fn waiting(&self) -> Option<&Print> {
        self.all.iter().find(|print| print.state == PrintState::Waiting)
    }

    /// Whether this box says which one it is.
    pub fn is_identified(&self) -> bool {
        self.identified_until.is_some()
    }

    /// Documents whose bytes are needed while they wait.
    pub fn held(&self) -> impl Iterator<Item = (DocumentId, u64)> {
        let waiting = self.all.iter().filter(|print| print.state == PrintState::Waiting);
        waiting.map(|print| (print.opening.id, print.opening.length))
    }

    /// Whether one more of this length may wait.
    pub(super) fn has_room_for(&self, length: u64) -> bool {
        let (count, bytes) = self.held().fold((0, 0), |(count, bytes), (_, length)| (count + 1, bytes + length));
        count < MOST_WAITING && bytes + length <= MOST_BYTES_WAITING
    }

    pub(super) fn add(&mut self, arrival: &Arrival, state: PrintState, now: Moment) {
        let Arrival { print: id, opening, from, .. } = arrival;
        if self.all.len() >= MOST_KNOWN
            && let Some(oldest) = self.all.iter().position(|print| print.is_over())
        {
            self.all.remove(oldest);
        }
        let print = Print { id: *id, from: from.clone(), opening: opening.clone(), state, until: now + WAITS };
        self.all.push(print);
    }

    pub(super) fn find(&mut self, id: PrintId) -> Option<&mut Print> {
        self.all.iter_mut().find(|print| print.id == id)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Print> {
        self.all.iter_mut()
    }

    /// What waits is shown no more.
    pub(super) fn refuse_waiting(&mut self, why: Denied, now: Moment) {
        let waiting = self.all.iter_mut().filter(|print| print.state == PrintState::Waiting);
        waiting.for_each(|print| print.end(PrintEnd::Denied(why), now));
    }

    pub(super) fn identify(&mut self, now: Moment) {
        self.identified_until = Some(now + IDENTIFIED);
    }

    /// Time passed: who waited too long is told so, who was told is forgotten.
    pub(super) fn pass(&mut self, now: Moment) {
        self.identified_until.take_if(|until| *until <= now);
        self.all.retain(|print| !(print.is_over() && print.until <= now));
        let overdue = |print: &&mut Print| print.state == PrintState::Waiting && print.until <= now;
        self.all.iter_mut().filter(overdue).for_each(|print| print.end(PrintEnd::NobodyCame, now));
    }

    /// When [`Prints::pass`] has something to do.
    pub(super) fn next(&self) -> Option<Moment> {
        let ends = self.all.iter().filter(|print| print.state != PrintState::Opening).map(|print| print.until);
        ends.chain(self.identified_until).min()
    }
}

impl Print {
    fn is_over(&self) -> bool {
        matches!(self.state, PrintState::Shown | PrintState::Ended(_))
    }

    pub(super) fn end(&mut self, why: PrintEnd, now: Moment) {
        (self.state, self.until) = (PrintState::Ended(why), now + TOLD);
    }

    pub(super) fn shown(&mut self, now: Moment) {
        (self.state, self.until) = (PrintState::Shown, now + TOLD);
    }
}

/// For "show it".
const WAITS: Duration = Duration::from_secs(120);
/// What became of a print is told for so long: the printer looks after every turn of the loop.
const TOLD: Duration = Duration::from_secs(5);
/// "It is this box" stands for so long.
const IDENTIFIED: Duration = Duration::from_secs(10);
/// For "show it" at a time: nobody fills the screen from outside.
const MOST_WAITING: usize = 4;
/// Bytes of those together: as many as one document may have.
const MOST_BYTES_WAITING: u64 = 100 << 20;
/// With those that are over; what is open is bounded by the documents.
const MOST_KNOWN: usize = 32;
