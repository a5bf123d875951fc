//! What the screen says about the room, in types: `media::screen` gives it words and a shape.

use crate::core::floor::Poll;
use crate::core::memory::Drawn;
use crate::core::notes::Note;
use crate::core::request::Denied;
use crate::core::share::{Look, Point, Refusal, Stroke};
use crate::core::snapshot::LinkState;
use crate::model::{DocumentId, LiveEnd, LiveKind, MicState, Mode, Moment, Role, Side, Stance, Veil};
use std::sync::Arc;

/// Everything on the kiosk screen besides the far picture and the sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Face {
    /// The pair's mode decides the layout.
    pub mode: Mode,
    /// This room's part in it.
    pub near: Stance,
    /// The other room's part in it.
    pub far: Stance,
    /// Why the box itself drew this room's curtain.
    pub drawn: Option<Drawn>,
    /// The far room's name.
    pub far_name: String,
    /// The far camera's view, if it has several.
    pub far_view: String,
    /// The far camera's veil.
    pub far_veil: Veil,
    /// This camera's veil.
    pub veil: Veil,
    /// What really leaves this microphone: the full-width band.
    pub microphone: MicState,
    /// The gate is open although nothing leaves yet, or the other way round: the band says "opening", "closing".
    pub microphone_wanted: bool,
    /// What the far box says leaves its microphone.
    pub far_microphone: MicState,
    /// The link.
    pub link: LinkState,
    /// The link is authenticated end to end right now: the padlock.
    pub sealed: bool,
    /// The meeting clock counts from here.
    pub meeting_since: Option<Moment>,
    /// In front of everything for a while.
    pub banner: Option<Banner>,
    /// The document in front.
    pub page: Option<PageFace>,
    /// The live share, in front of documents.
    pub live: LiveFace,
    /// Where people of both rooms point on it.
    pub pointers: Vec<PointerFace>,
    /// Of the notice board.
    pub slips: Slips,
    /// Raised hands, the first raised first.
    pub hands: Vec<RaisedHand>,
    /// The poll, if its result is shown.
    pub poll: Option<PollFace>,
    /// The keypad's menu.
    pub menu: Option<MenuPage>,
    /// Address, QR code and this room code.
    pub code: Option<u32>,
    /// What the far side sees, as a picture in the picture.
    pub own_picture: bool,
    /// Loudness of the far room here, 0 … 100.
    pub volume: u8,
    /// No new guests are taken.
    pub locked: bool,
}

/// What of the notice board stands on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slips {
    /// The newest ones, oldest first; `true`: of this room.
    pub newest: Vec<(Arc<Note>, bool)>,
    /// How many more there are.
    pub older: usize,
}

/// A raised hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedHand {
    /// Whose; empty: somebody of that room.
    pub name: String,
    /// Of this room.
    pub near: bool,
}

/// A poll with its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollFace {
    /// What was asked.
    pub poll: Poll,
    /// Votes of both rooms for each choice.
    pub votes: Vec<u32>,
    /// Devices that chose not to choose.
    pub skipped: u32,
}

/// The document in front, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFace {
    /// Names it.
    pub id: DocumentId,
    /// As people call it.
    pub name: String,
    /// Where both rooms look.
    pub look: Look,
    /// Its pages; 0 while nobody knows.
    pub pages: u32,
    /// Documents that are open.
    pub open: usize,
    /// How far it is.
    pub state: PageState,
    /// What is drawn on the page that both rooms look at.
    pub ink: Arc<Vec<Stroke>>,
}

/// What is said of the live share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveFace {
    /// Whose stands in front.
    pub shown: Option<LiveLine>,
    /// Nothing comes from it now: its picture is not live.
    pub silent: Option<LiveSilence>,
    /// It is a moving picture.
    pub moving: bool,
    /// Who waits to be in front.
    pub waits: Option<LiveLine>,
    /// This room shares, so its word counts on the one that waits.
    pub asked: bool,
    /// The document input has a signal and is not in front.
    pub input: bool,
    /// Whose ended a moment ago, and why.
    pub ended: Option<(LiveLine, LiveEnd)>,
}

/// A live share in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLine {
    /// Of which room.
    pub side: Side,
    /// What it is.
    pub kind: LiveKind,
    /// Whose; empty: somebody of that room.
    pub name: String,
}

/// A live share that nothing comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSilence {
    /// The last sign of life.
    pub since: Moment,
    /// Who is silent.
    pub of: Silent,
}

/// Where a live share stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silent {
    /// Its PC or input says nothing.
    Source,
    /// The other room's box says nothing.
    FarBox,
}

/// A pointer on the page in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointerFace {
    /// Whose.
    pub room: Side,
    /// The box of that room: its colour, the same on both screens.
    pub of: Role,
    /// There.
    pub at: Point,
}

/// How far a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// Its pages are being counted.
    Opening,
    /// On its way from the other room: so many percent are here.
    Arriving(u8),
    /// All of it is here.
    Here,
    /// It cannot be shown.
    Refused(Refusal),
}

/// One thing that wants an eye now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banner {
    /// The far room knocks: the talk key answers.
    Knocked,
    /// We knock and wait.
    Knocking,
    /// The camera was turned to this view; the more key cancels.
    Turning {
        /// Name of the view.
        view: String,
    },
    /// Somebody asks to be let into the panel.
    GuestWaits {
        /// As it calls itself.
        name: String,
    },
    /// A source waits to be in front in place of this room's: the view key hands over, the more key keeps.
    ShareWaits(LiveLine),
    /// The document input has a signal: the view key shows it, the more key does not.
    InputWaits,
    /// A PC that nobody let in printed something.
    PrintWaits {
        /// As the job is called.
        name: String,
        /// The user's name and the PC's address.
        from: String,
    },
    /// Somebody helps from the other room: an installer who knows this box's PIN.
    Helped,
    /// Somebody at a PC wants to know which box this is.
    Identified,
    /// A key was pressed in vain.
    Denied(Denied),
    /// A document cannot be shown, while another one stands in front.
    Unshown {
        /// Its name.
        name: String,
        /// Why.
        why: Refusal,
    },
}

/// The menu on the screen: what the meet and view keys do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuPage {
    /// Meet: stop the live share. View: a video, or text again. Only while one is shown.
    Live,
    /// Meet: the page before. View: the next document. Only while one is open.
    Pages,
    /// Meet: close the document in front. View: the next camera view. Only while one is open.
    Document,
    /// Meet: softer. View: louder.
    Sound,
    /// Meet: own picture. View: the next veil.
    Picture,
    /// Meet: address, QR code and room code. View: let the waiting guest in, else show the waiting print.
    Guests,
    /// Meet: lock. View: end all guests.
    Door,
}
