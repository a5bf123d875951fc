//! The live share's hands: the door for PCs of this room and the document input, tied to media and to the core.
//!
//! ```text
//!   panel ─ offer ─► LiveDoor ─► whip: answer ─► core: may it? ─┬─ yes ─► answer to the PC
//!                                                               └─ no ──► whip: closed
//!   whip ─ pictures, sound ─► media      whip ─ ended ─► core      core ─ EndLive ─► whip
//!   whip, input ─ silent, speaks ─► core
//!   input ─ raw pictures ─► media        input ─ signal, none ─► core
//! ```

use crate::config::Config;
use crate::core::input::{Input, RoomInput};
use crate::core::live::LiveSource;
use crate::core::request::Answer;
use crate::inbox::Inbox;
use crate::live::{LiveDoor, LiveFault, LiveNews, LiveOffer, LiveOut};
use crate::media::input::DocumentInput;
use crate::media::room::Media;
use crate::model::{InputShows, LiveId, LiveKind};
use crate::questions::Questions;
use crate::whip::Whip;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::sleep;

/// What brings and ends sources.
pub(super) struct LiveHands {
    whip: Door,
    names: Names,
    _input: Option<DocumentInput>,
}

/// For PCs of this room, once its port is open.
type Door = Arc<OnceLock<Whip>>;

/// Names sources, each with another number.
#[derive(Clone, Default)]
struct Names(Arc<AtomicU64>);

impl Names {
    fn next(&self) -> LiveId {
        LiveId(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl LiveHands {
    /// Opens the document input and, if this box has a panel, the UDP port for PCs.
    pub(super) fn start(config: &Config, media: &Media, inbox: &Inbox) -> Self {
        let names = Names::default();
        let input = open_input(config, names.next(), media, inbox);
        Self { whip: open_whip(config, media, inbox), names, _input: input }
    }

    /// The way in for the panel.
    pub(super) fn door(&self, questions: &Questions) -> LiveDoor {
        let (whip, closing, questions) = (self.whip.clone(), self.whip.clone(), questions.clone());
        let names = self.names.clone();
        LiveDoor {
            name: Arc::new(move || names.next()),
            open: Arc::new(move |source, offer| Box::pin(open(whip.clone(), questions.clone(), source, offer))),
            close: Arc::new(move |id| {
                if let Some(whip) = closing.get() {
                    whip.close(id);
                }
            }),
        }
    }

    /// The core ends it.
    pub(super) fn end(&self, id: LiveId) {
        if let Some(whip) = self.whip.get() {
            whip.close(id);
        }
    }
}

/// Without the port the box goes on without this door, says so, and tries again: the machine may get its address later.
fn open_whip(config: &Config, media: &Media, inbox: &Inbox) -> Door {
    let door = Door::default();
    let Some(panel) = config.panel.listen else { return door };
    let address = SocketAddr::new(panel.ip(), config.share.port);
    let (taking, inbox) = (media.live(), inbox.clone());
    let out: LiveOut = Arc::new(move |id, news| {
        let said = match news {
            LiveNews::Silent(silent_for) => Some(RoomInput::LiveFellSilent { id, silent_for }),
            LiveNews::Speaks => Some(RoomInput::LiveSpokeAgain(id)),
            LiveNews::Ended(why) => Some(RoomInput::LiveGone { id, why }),
            LiveNews::Picture(_) | LiveNews::Sound(_) => None,
        };
        if let Some(said) = said {
            inbox.urgent(Input::Room(said));
        }
        taking.take(id, news);
    });
    let asks = door.clone();
    media.live().ask_through(Arc::new(move |id| {
        if let Some(whip) = asks.get() {
            whip.ask_key_frame(id);
        }
    }));
    match Whip::start(address, out.clone()) {
        Ok(whip) => drop(door.set(whip)),
        Err(error) => {
            tracing::warn!(%address, %error, "no PC can share its screen yet: the UDP port ([share] port) cannot be opened");
            tokio::spawn(open_later(door.clone(), address, out));
        }
    }
    door
}

async fn open_later(door: Door, address: SocketAddr, out: LiveOut) {
    loop {
        sleep(TRY_AGAIN).await;
        match Whip::start(address, out.clone()) {
            Ok(whip) => return drop(door.set(whip)),
            Err(error) => tracing::debug!(%error, "the UDP port of shares cannot be opened yet"),
        }
    }
}

/// The input keeps its name: whether a signal is another one is the core's to say.
fn open_input(config: &Config, id: LiveId, media: &Media, inbox: &Inbox) -> Option<DocumentInput> {
    let (live, inbox, still_inbox) = (media.live(), inbox.clone(), inbox.clone());
    let (configured, was_without) = (config.share.input_shows, AtomicBool::new(false));
    let said = move |signal: bool| {
        if !signal {
            was_without.store(true, Ordering::Relaxed);
            return inbox.urgent(Input::Room(RoomInput::InputLost(id)));
        }
        // After a restart nothing comes back in front by itself.
        let shows = if was_without.load(Ordering::Relaxed) { configured } else { InputShows::Ask };
        let (guest, name) = (None, String::new());
        let source = LiveSource { id, kind: LiveKind::Input, guest, name, sound: false };
        inbox.urgent(Input::Room(RoomInput::InputAppeared { source, shows }));
    };
    let take = move |sample: &_| live.take_raw(id, sample);
    let still = move |silent_for| {
        still_inbox.urgent(Input::Room(match silent_for {
            Some(silent_for) => RoomInput::LiveFellSilent { id, silent_for },
            None => RoomInput::LiveSpokeAgain(id),
        }));
    };
    DocumentInput::start(config.share.input.clone(), Arc::new(take), Arc::new(said), Arc::new(still))
}

async fn open(whip: Door, questions: Questions, source: LiveSource, offer: LiveOffer) -> Result<String, LiveFault> {
    let (whip, id) = (whip.get().ok_or(LiveFault::Busy)?, source.id);
    let answer = whip.open(id, offer).await?;
    let mut unanswered = Unanswered(Some((whip, id)));
    let may = questions.ask(|ticket| RoomInput::LiveAsked { ticket, source }).await;
    match may {
        Some(Answer::Accepted | Answer::AlreadySo) => {
            unanswered.0 = None;
            Ok(answer)
        }
        Some(Answer::Denied(denied)) => Err(LiveFault::Denied(denied)),
        None => Err(LiveFault::Busy),
    }
}

/// A session whose PC gets no answer, because it is denied or has hung up meanwhile: ended when this is dropped.
struct Unanswered<'w>(Option<(&'w Whip, LiveId)>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some((whip, id)) = self.0 {
            whip.close(id);
        }
    }
}

const TRY_AGAIN: Duration = Duration::from_secs(3);
