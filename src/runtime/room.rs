//! The hands that serve the room: answers, ledger, memory, room code, calendar, keys, panel.

use super::guide::Guide;
use super::help::HelpHands;
use super::live::LiveHands;
use super::notices::{self, News};
use super::page_views::PageViews;
use super::panel::{PanelHands, Papers};
use super::printer::PrinterHands;
use super::turns::Turns;
use super::{RunError, other};
use crate::asking::mode_name;
use crate::config::{Config, Overlay};
use crate::core::help::HelpWish;
use crate::core::input::RoomInput;
use crate::core::ledger::Entry;
use crate::core::memory::Remembered;
use crate::core::notes::Kept;
use crate::core::request::Answer;
use crate::core::snapshot::Snapshot;
use crate::documents::Documents;
use crate::inbox::Inbox;
use crate::media::face::{FaceConstants, NoticeFace};
use crate::media::room::Media;
use crate::model::{DocumentId, LiveId, Mode, Moment, Ticket};
use crate::panel::{Meeting, PinCode};
use crate::questions::Questions;
use crate::system::board_file::BoardKeeper;
use crate::system::clock;
use crate::system::desk::Desk;
use crate::system::hours::{self, Holidays};
use crate::system::kept::KeptDocuments;
use crate::system::keys::{self, Profiles};
use crate::system::ledger::{Ledger, Shown, What};
use crate::system::room_memory::Keeper;
use crate::trunk::Bundles;
use crate::update::Place;
use ring::rand::{SecureRandom, SystemRandom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

/// This life of the daemon.
pub(super) struct Life {
    /// Its name in the ledger.
    pub(super) boot: u64,
    /// It is the first one of the machine's.
    pub(super) machine_began_anew: bool,
}

/// Everything that is done for the room.
pub(super) struct RoomHands {
    questions: Questions,
    keeper: Keeper,
    board: BoardKeeper,
    ledger: Ledger,
    desk: Desk,
    panel: PanelHands,
    printer: PrinterHands,
    views: PageViews,
    kept: KeptDocuments,
    live: LiveHands,
    help: HelpHands,
    bundles: Bundles,
    documents: Documents,
    anew: Arc<Notify>,
    turns: Turns,
    introduced: FaceConstants,
    guide: Option<Guide>,
    notice: Option<watch::Receiver<Option<NoticeFace>>>,
}

impl RoomHands {
    /// Starts what serves the room. A panel that cannot listen yet is missed until it can, no more.
    pub(super) fn start(
        config: &Config,
        overlay: Option<Overlay>,
        inbox: &Inbox,
        media: &Media,
        documents: &Documents,
        live: LiveHands,
        life: &Life,
    ) -> Result<Self, RunError> {
        if let Some(hours) = config.room.hours {
            let holidays = if config.room.holidays { Holidays::Closed } else { Holidays::Ignored };
            hours::watch(hours, holidays, inbox.clone());
        }
        let profiles = Profiles::built_in().with_directory(Path::new(KEYPADS));
        keys::watch(&config.room.keypad, profiles, inbox.clone());
        let questions = Questions::new(inbox.clone());
        let ledger = Ledger::open(&config.state_directory, life.boot).map_err(other)?;
        let desk = Desk::new(questions.clone(), ledger.clone(), documents.clone(), config.language);
        let anew = Arc::new(Notify::new());
        let kept = KeptDocuments::open(&config.state_directory, config.room.keep_days, life.machine_began_anew);
        kept.count();
        let views = PageViews::new(documents);
        // Two, so that wrong PINs from the other room do not shut out whoever stands here.
        let pin_code = || config.panel.pin.as_deref().map(PinCode::from);
        let updates = Place::of(&config.state_directory);
        let help = HelpHands {
            pin: pin_code(),
            config: overlay.as_ref().map(|overlay| overlay.main().to_owned()),
            questions: questions.clone(),
            updates: updates.clone(),
            anew: anew.clone(),
        };
        let bundles = Bundles::new(updates.clone());
        let remembering = bundles.clone();
        tokio::task::spawn_blocking(move || remembering.remember());
        tokio::spawn(recall(updates.clone()));
        let shown = Papers {
            ledger: ledger.clone(),
            views: views.clone(),
            kept: kept.clone(),
            live: live.door(&questions),
            pin: pin_code(),
            updates,
            bundles: bundles.clone(),
        };
        let panel = PanelHands::start(config, overlay, &anew, &questions, shown, media, documents);
        let printer = PrinterHands::start(config, &panel, &questions, documents).map_err(other)?;
        let named: Vec<String> = config.room.views.iter().map(|view| view.name.clone()).collect();
        let keeper = Keeper::start(&config.state_directory, &named).map_err(other)?;
        let board = BoardKeeper::start(&config.state_directory).map_err(other)?;
        let turned = named.into_iter().zip(&config.room.views).map(|(name, view)| {
            let first = view.of_first_camera(&config.camera.source);
            first.then_some(name)
        });
        let turns = Turns::start(&config.state_directory, turned.collect(), questions.clone()).map_err(other)?;
        Ok(Self {
            questions,
            keeper,
            board,
            ledger,
            desk,
            panel,
            printer,
            views,
            kept,
            live,
            help,
            bundles,
            documents: documents.clone(),
            anew,
            turns,
            introduced: FaceConstants::default(),
            guide: None,
            notice: None,
        })
    }

    /// Kept from the start, so that a lost file is noticed.
    pub(super) fn begin(&self, remembered: &Remembered) {
        self.keeper.keep(remembered);
    }

    /// What answers at the status socket.
    pub(super) fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// Where questions to the loop are asked.
    pub(super) fn questions(&self) -> Questions {
        self.questions.clone()
    }

    /// A PC or an input shares no longer.
    pub(super) fn end_live(&self, id: LiveId) {
        self.live.end(id);
    }

    /// Updates that are passed on.
    pub(super) fn bundles(&self) -> &Bundles {
        &self.bundles
    }

    /// Something for the far room's installer.
    pub(super) fn help(&self, wish: HelpWish) {
        self.help.carry_out(wish);
    }

    /// Rings when the daemon is to begin anew.
    pub(super) fn anew(&self) -> Arc<Notify> {
        self.anew.clone()
    }

    /// The box knows its peer: these six words are the pair's.
    pub(super) fn paired(&mut self, words: &str, media: &Media) {
        self.panel.paired(words);
        self.kept.take_pair(words);
        self.introduce(media);
    }

    /// The box is not set up: its screen says how.
    pub(super) fn guide(&mut self, guide: Option<Guide>) {
        self.guide = guide;
    }

    /// Tells of sticks and updates from now on, as others report of them below this directory.
    pub(super) fn tell_of(&mut self, reports: Option<PathBuf>, news: News) {
        self.notice = reports.map(|reports| notices::watch(reports, news));
    }

    /// The last that this screen says before the box forgets everything.
    pub(super) fn tell_forgetting(&mut self, media: &Media) {
        self.notice = None;
        media.introduce(FaceConstants { notice: Some(notices::forgetting()), ..self.introduced.clone() });
    }

    /// Tells the screen what this box is called and where its panel is.
    pub(super) fn introduce(&mut self, media: &Media) {
        let notice = self.notice.as_ref().and_then(|notice| notice.borrow().clone());
        let face = FaceConstants { guide: self.guide.as_ref().map(Guide::face), notice, ..self.panel.face() };
        if self.introduced != face {
            self.introduced = face.clone();
            media.introduce(face);
        }
    }

    pub(super) fn answer(&self, ticket: Ticket, answer: Answer) {
        self.questions.answer(ticket, answer);
    }

    pub(super) fn record(&mut self, entry: &Entry, at: Moment) {
        tracing::info!(?entry, "ledger");
        self.ledger.record(entry, clock::wall_ms(), at);
        if matches!(entry, Entry::Mode(_) | Entry::Started { .. }) {
            self.panel.show_meetings(meetings(&self.ledger.newest(MEETINGS_SEEN)));
        }
    }

    pub(super) fn remember(&self, remembered: &Remembered) {
        self.keeper.keep(remembered);
    }

    /// The notice board, over a restart.
    pub(super) fn keep_board(&self, board: Kept) {
        self.board.keep(board);
    }

    /// Learns a view from the next seconds of the camera.
    pub(super) fn teach(&mut self, view: usize) {
        self.turns.teach(view);
    }

    /// Only these documents are held from now on.
    pub(super) fn hold(&self, documents: &[(DocumentId, u64)]) {
        self.views.hold(&documents.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    }

    /// Writes a document to the disk, beside the loop; the ledger tells of what was really written.
    pub(super) fn keep_document(&self, id: DocumentId, name: String, at: Moment) {
        let (kept, questions, bytes) = (self.kept.clone(), self.questions.clone(), self.documents.bytes(id));
        let ledger = self.ledger.clone();
        tokio::task::spawn_blocking(move || {
            let Some(bytes) = bytes else {
                return questions.tell(RoomInput::DocumentKept { document: id, written: false });
            };
            let kept = kept.keep(id, &name, &bytes);
            match &kept {
                Ok(true) => {
                    let length = bytes.len() as u64;
                    ledger.record(&Entry::DocumentKept { length }, clock::wall_ms(), at);
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, document = ?id, "a document cannot be kept"),
            }
            questions.tell(RoomInput::DocumentKept { document: id, written: kept.is_ok() });
        });
    }

    pub(super) fn draw_code(&self) {
        match draw_code() {
            Some(code) => self.questions.tell(RoomInput::CodeDrawn(code)),
            // The code of before stays: nobody new gets in by it that did not before.
            None => tracing::warn!("the system gives no random numbers: the room code stays"),
        }
    }

    /// What the disk does not take now, in words.
    pub(super) fn storage(&self) -> Vec<String> {
        self.ledger.trouble().into_iter().chain(self.keeper.trouble()).chain(self.board.trouble()).collect()
    }

    /// After every turn.
    pub(super) fn publish(&mut self, snapshot: &Snapshot, media: &Media) {
        self.turns.follow(media, snapshot.room.follow_turns, snapshot.at);
        self.desk.note_code(snapshot.room.code);
        self.desk.note_board(&snapshot.room.board);
        self.panel.publish(snapshot);
        self.printer.publish(snapshot);
    }
}

/// The meetings that these lines of the ledger tell of, newest first.
fn meetings(lines: &[Shown]) -> Vec<Meeting> {
    let mut found: Vec<Meeting> = Vec::new();
    let mut since: Option<(&str, u64)> = None;
    for line in lines {
        let meets = match &line.what {
            What::Mode { mode } | What::Started { mode } => mode == mode_name(Mode::Meeting),
            What::Stopped {} => false,
            What::Camera { .. }
            | What::Microphone { .. }
            | What::Gate { .. }
            | What::Veil { .. }
            | What::InstallerSet { .. }
            | What::InstallerEntered { .. }
            | What::InstallerLost {}
            | What::ResetWanted { .. }
            | What::DocumentKept { .. }
            | What::KeptTaken { .. }
            | What::LiveBegan { .. }
            | What::LiveEnded { .. }
            | What::GuestAdmitted { .. }
            | What::GuestRefused { .. }
            | What::PrintRefused { .. }
            | What::HelpAsked { .. }
            | What::HelpGiven { .. }
            | What::HelpRefused { .. }
            | What::GuestEnded { .. }
            | What::Segment { .. }
            | What::SegmentDropped { .. }
            | What::Torn { .. }
            | What::Damaged { .. }
            | What::Gap { .. }
            | What::ClockSet { .. } => continue,
        };
        match (since, meets) {
            (None, true) => since = Some((&line.time, line.wall_ms)),
            (Some((time, began)), false) => {
                let minutes = u32::try_from(line.wall_ms.saturating_sub(began) / 60_000).unwrap_or(u32::MAX);
                found.insert(0, Meeting { started: time.chars().take(MINUTE).collect(), minutes });
                since = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    found.truncate(MEETINGS_SHOWN);
    found
}

/// Six digits, each code as likely as any other: the few numbers beyond the last whole million are drawn again.
fn draw_code() -> Option<u32> {
    const CODES: u32 = 1_000_000;
    let random = SystemRandom::new();
    (0..32).find_map(|_| {
        let mut bytes = [0; 4];
        random.fill(&mut bytes).ok()?;
        let number = u32::from_le_bytes(bytes);
        (number < u32::MAX - u32::MAX % CODES).then_some(number % CODES)
    })
}

/// Profiles of keypads that this version does not bring.
const KEYPADS: &str = "/etc/engawa/keypads";
/// Lines of the ledger that are looked through for meetings.
const MEETINGS_SEEN: usize = 400;
const MEETINGS_SHOWN: usize = 10;
/// Characters of "2026-11-22 10:00".
const MINUTE: usize = 16;

/// What came back after an update is noted by engawa-came-up.service, some time after the daemon began.
async fn recall(updates: Place) {
    for _ in 0..RECALLS {
        let place = updates.clone();
        match tokio::task::spawn_blocking(move || place.recall()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "nobody is told yet that an update did not come up"),
            Err(error) => tracing::error!(%error, "bug: recalling an update"),
        }
        sleep(RECALL_EVERY).await;
    }
}

/// Ten minutes after the start, nobody asks any more what happened before it.
const RECALLS: u32 = 60;
const RECALL_EVERY: Duration = Duration::from_secs(10);
