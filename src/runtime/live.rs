//! The live share's hands: the door for PCs of this room and the document input, tied to media and to the core.
//!
//! ```text
//!   panel ─ offer ─► LiveDoor ─► whip: answer ─► core: may it? ─┬─ yes ─► answer to the PC
//!                                                               └─ no ──► whip: closed
//!   whip ─ pictures, sound ─► media      whip ─ ended ─► core      core ─ EndLive ─► whip
//!   input ─ raw pictures ─► media        input ─ signal, none ─► core
//! ```

use crate::config::Config;
use crate::core::input::{Input, RoomInput};
use crate::core::live::LiveSource;
use crate::core::request::Answer;
use crate::inbox::Inbox;
use crate::live::{LiveDoor, LiveFault, LiveNews, LiveOffer};
use crate::media::input::DocumentInput;
use crate::media::room::Media;
use crate::model::{InputShows, LiveId, LiveKind};
use crate::questions::Questions;
use crate::whip::Whip;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What brings and ends sources.
pub(super) struct LiveHands {
    whip: Option<Whip>,
    names: Names,
    _input: Option<DocumentInput>,
}

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
                if let Some(whip) = &closing {
                    whip.close(id);
                }
            }),
        }
    }

    /// The core ends it.
    pub(super) fn end(&self, id: LiveId) {
        if let Some(whip) = &self.whip {
            whip.close(id);
        }
    }
}

/// Without the port the box goes on without this door, and says so.
fn open_whip(config: &Config, media: &Media, inbox: &Inbox) -> Option<Whip> {
    let panel = config.panel.listen?;
    let address = SocketAddr::new(panel.ip(), config.share.port);
    let (live, inbox) = (media.live(), inbox.clone());
    let out = Arc::new(move |id, news| {
        if let LiveNews::Ended(why) = news {
            inbox.urgent(Input::Room(RoomInput::LiveGone { id, why }));
        }
        live.take(id, news);
    });
    let whip = Whip::start(address, out);
    if let Err(error) = &whip {
        tracing::warn!(%address, %error, "no PC can share its screen: the UDP port ([share] port) cannot be opened");
    }
    let whip = whip.ok()?;
    let asked = whip.clone();
    media.live().ask_through(Arc::new(move |id| asked.ask_key_frame(id)));
    Some(whip)
}

/// The input keeps its name: whether a signal is another one is the core's to say.
fn open_input(config: &Config, id: LiveId, media: &Media, inbox: &Inbox) -> Option<DocumentInput> {
    let (live, inbox) = (media.live(), inbox.clone());
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
    DocumentInput::start(config.share.input.clone(), Arc::new(take), Arc::new(said))
}

async fn open(
    whip: Option<Whip>,
    questions: Questions,
    source: LiveSource,
    offer: LiveOffer,
) -> Result<String, LiveFault> {
    let (whip, id) = (whip.ok_or(LiveFault::Busy)?, source.id);
    let answer = whip.open(id, offer).await?;
    let may = questions.ask(|ticket| RoomInput::LiveAsked { ticket, source }).await;
    match may {
        Some(Answer::Accepted | Answer::AlreadySo) => Ok(answer),
        Some(Answer::Denied(denied)) => {
            whip.close(id);
            Err(LiveFault::Denied(denied))
        }
        None => {
            whip.close(id);
            Err(LiveFault::Busy)
        }
    }
}
