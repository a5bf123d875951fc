//! The live share's hands: the door for PCs of this room, tied to media and to the core.
//!
//! ```text
//!   panel ─ offer ─► LiveDoor ─► whip: answer ─► core: may it? ─┬─ yes ─► answer to the PC
//!                                                               └─ no ──► whip: closed
//!   whip ─ pictures, sound ─► media      whip ─ ended ─► core      core ─ EndLive ─► whip
//! ```

use crate::config::Config;
use crate::core::input::{Input, RoomInput};
use crate::core::live::LiveSource;
use crate::core::request::Answer;
use crate::inbox::Inbox;
use crate::live::{LiveDoor, LiveFault, LiveNews, LiveOffer};
use crate::media::room::Media;
use crate::model::LiveId;
use crate::questions::Questions;
use crate::whip::Whip;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What ends sources.
pub(super) struct LiveHands {
    whip: Option<Whip>,
}

impl LiveHands {
    /// Opens the UDP port, if this box has a panel. Without the port the box goes on without this door, and says so.
    pub(super) fn start(config: &Config, media: &Media, inbox: &Inbox) -> Self {
        let Some(panel) = config.panel.listen else { return Self { whip: None } };
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
        let hands = Self { whip: whip.ok() };
        if let Some(whip) = hands.whip.clone() {
            media.live().ask_through(Arc::new(move |id| whip.ask_key_frame(id)));
        }
        hands
    }

    /// The way in for the panel.
    pub(super) fn door(&self, questions: &Questions) -> LiveDoor {
        let (whip, closing, questions) = (self.whip.clone(), self.whip.clone(), questions.clone());
        let last = AtomicU64::new(0);
        LiveDoor {
            name: Arc::new(move || LiveId(last.fetch_add(1, Ordering::Relaxed) + 1)),
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
