//! The printer as the loop holds it: tried again beside the loop until it listens, as the panel is.

use super::panel::PanelHands;
use crate::config::Config;
use crate::core::snapshot::Snapshot;
use crate::documents::Documents;
use crate::door::own_networks;
use crate::pages::Kind;
use crate::printer::{Printer, PrinterSettings, Sources};
use crate::questions::Questions;
use crate::system::clock;
use crate::trunk::identity::{Identity, IdentityError};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// The printer, or the hope for it.
pub(super) struct PrinterHands {
    printer: Option<Printer>,
    coming: Option<oneshot::Receiver<Printer>>,
}

/// What every try needs.
#[derive(Clone)]
struct Attempt {
    settings: PrinterSettings,
    questions: Questions,
    sources: Sources,
}

impl PrinterHands {
    /// Opens the printer, if the configuration has one, now or as soon as it can be.
    pub(super) fn start(
        config: &Config,
        panel: &PanelHands,
        questions: &Questions,
        documents: &Documents,
    ) -> Result<Self, IdentityError> {
        let mut hands = Self { printer: None, coming: None };
        if !config.printer.enabled {
            return Ok(hands);
        }
        let (guests, tls) = (panel.knowledge(), panel.knowledge());
        let sources = Sources {
            documents: documents.clone(),
            guests_at: Arc::new(move |source| guests.get().map(|panel| panel.guests_at(source)).unwrap_or_default()),
            tls: Arc::new(move |local| tls.get().map(|panel| panel.tls(local))),
            is_document: |bytes| Kind::of(bytes).is_some(),
            wall_ms: Arc::new(clock::wall_ms),
        };
        let attempt = Attempt { settings: settings(config)?, questions: questions.clone(), sources };
        match attempt.clone().make() {
            Ok(printer) => hands.printer = Some(printer),
            Err(error) => {
                let listen = attempt.settings.listen;
                tracing::warn!(%listen, %error, "the printer cannot be opened yet; everything else goes on");
                let (comes, coming) = oneshot::channel();
                tokio::spawn(attempt.until_it_opens(comes));
                hands.coming = Some(coming);
            }
        }
        Ok(hands)
    }

    /// After every turn.
    pub(super) fn publish(&mut self, snapshot: &Snapshot) {
        if let Some(printer) = self.coming.as_mut().and_then(|coming| coming.try_recv().ok()) {
            (self.printer, self.coming) = (Some(printer), None);
        }
        if let Some(printer) = &self.printer {
            printer.publish(snapshot);
        }
    }
}

impl Attempt {
    fn make(self) -> std::io::Result<Printer> {
        let printer = Printer::start(self.settings, self.questions, self.sources)?;
        tracing::info!(address = %printer.address(), "printer");
        Ok(printer)
    }

    async fn until_it_opens(self, comes: oneshot::Sender<Printer>) {
        loop {
            sleep(TRY_AGAIN).await;
            let attempt = self.clone();
            match spawn_blocking(|| attempt.make()).await {
                Ok(Ok(printer)) => return drop(comes.send(printer)),
                Ok(Err(error)) => tracing::debug!(%error, "the printer cannot be opened yet"),
                Err(error) => return tracing::error!(%error, "bug: opening the printer"),
            }
        }
    }
}

fn settings(config: &Config) -> Result<PrinterSettings, IdentityError> {
    let mut id = [0; 16];
    let own = Identity::load_or_create(&config.state_directory)?.public_key().box_id();
    id.copy_from_slice(&own.0[..16]);
    let address = config.panel.listen.map_or(IpAddr::from(Ipv6Addr::UNSPECIFIED), |listen| listen.ip());
    Ok(PrinterSettings {
        listen: SocketAddr::new(address, config.printer.port),
        room: config.panel.room.clone(),
        peer: config.peer.address.map(|address| address.ip()),
        networks: Arc::new(own_networks),
        name: config.printer.name.clone().unwrap_or_else(|| config.name.clone()),
        language: config.language,
        id,
        announce: config.printer.announce,
    })
}

const TRY_AGAIN: Duration = Duration::from_secs(3);
