//! The panel as the loop holds it: tried again beside the loop until it listens, then told what it has missed.
//!
//! ```text
//!   start ─ listens ─────────────────────────────► Panel ─► words, meetings, every snapshot
//!     └─ not yet: a task tries every 3 s ─ comes ──┘
//! ```
//! A network that comes up after the daemon is ordinary: the page comes with it. Nothing here waits.

use super::page_views::PageViews;
use crate::config::{Config, Overlay, Sink, Source};
use crate::core::snapshot::Snapshot;
use crate::documents::Documents;
use crate::live::LiveDoor;
use crate::media::devices::{self, Listing};
use crate::media::face::FaceConstants;
use crate::media::room::Media;
use crate::model::{DocumentId, Language};
use crate::panel::{
    Devices, Found, KeptRow, KeptSources, Knowledge, LedgerLine, Meeting, NotPassed, Panel, PanelSettings, Paper,
    PaperSource, Passed, PinCode, Sources, own_networks,
};
use crate::provision::reset;
use crate::questions::Questions;
use crate::system::clerk;
use crate::system::clock_wish;
use crate::system::kept::{KeptDocuments, Note};
use crate::system::ledger::Ledger;
use crate::trunk::{BundleRefused, Bundles, Passing, Stage};
use crate::update::Place;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// The panel, or what is kept for it until it comes.
pub(super) struct PanelHands {
    panel: Option<Panel>,
    coming: Option<oneshot::Receiver<Panel>>,
    known: Arc<OnceLock<Knowledge>>,
    words: String,
    meetings: Vec<Meeting>,
}

/// What lies in this box and the panel shows.
pub(super) struct Papers {
    pub(super) ledger: Ledger,
    pub(super) views: PageViews,
    pub(super) kept: KeptDocuments,
    pub(super) live: LiveDoor,
    pub(super) pin: Option<PinCode>,
    pub(super) updates: Place,
    pub(super) bundles: Bundles,
}

/// What every try needs.
#[derive(Clone)]
struct Attempt {
    settings: PanelSettings,
    questions: Questions,
    sources: Sources,
}

impl PanelHands {
    /// Opens the panel, if the configuration has one, now or as soon as it can be; `anew` rings when something was set on it.
    pub(super) fn start(
        config: &Config,
        overlay: Option<Overlay>,
        anew: &Arc<Notify>,
        questions: &Questions,
        papers: Papers,
        media: &Media,
        documents: &Documents,
    ) -> Self {
        let mut hands =
            Self { panel: None, coming: None, known: Arc::default(), words: String::new(), meetings: Vec::new() };
        let Some(listen) = config.panel.listen else { return hands };
        let file = overlay.as_ref().map(|overlay| overlay.main().to_owned());
        let settings = PanelSettings { pin: papers.pin.clone(), ..settings(config, listen, overlay) };
        let attempt = Attempt {
            settings,
            questions: questions.clone(),
            sources: Sources { paper: paper_source(file), ..sources(config, anew, papers, media, documents) },
        };
        match attempt.clone().make() {
            Ok(panel) => hands.is_here(panel),
            Err(error) => {
                tracing::warn!(%listen, %error, "the panel cannot be opened yet; everything else goes on");
                let (comes, coming) = oneshot::channel();
                tokio::spawn(attempt.until_it_opens(comes));
                hands.coming = Some(coming);
            }
        }
        hands
    }

    /// What the panel knows, as soon as it is there.
    pub(super) fn knowledge(&self) -> Arc<OnceLock<Knowledge>> {
        self.known.clone()
    }

    fn is_here(&mut self, panel: Panel) {
        let _set_once = self.known.set(panel.knowledge());
        self.panel = Some(panel);
    }

    /// These six words are the pair's.
    pub(super) fn paired(&mut self, words: &str) {
        words.clone_into(&mut self.words);
        if let Some(panel) = &self.panel {
            panel.paired(words);
        }
    }

    /// The newest meetings, newest first.
    pub(super) fn show_meetings(&mut self, meetings: Vec<Meeting>) {
        if let Some(panel) = &self.panel {
            panel.show_meetings(meetings.clone());
        }
        self.meetings = meetings;
    }

    /// What the kiosk screen shows of it.
    pub(super) fn face(&self) -> FaceConstants {
        let panel = self.panel.as_ref();
        FaceConstants {
            words: self.words.clone(),
            panel_url: panel.map(panel_url).unwrap_or_default(),
            panel_fingerprint: panel.map(Panel::fingerprint).unwrap_or_default(),
            guide: None,
            notice: None,
        }
    }

    /// After every turn.
    pub(super) fn publish(&mut self, snapshot: &Snapshot) {
        let come = self.coming.as_mut().and_then(|coming| coming.try_recv().ok());
        if let Some(panel) = come {
            panel.paired(&self.words);
            panel.show_meetings(self.meetings.clone());
            self.coming = None;
            self.is_here(panel);
        }
        if let Some(panel) = &self.panel {
            panel.publish(snapshot);
        }
    }
}

impl Attempt {
    fn make(self) -> std::io::Result<Panel> {
        let panel = Panel::start(self.settings, self.questions, self.sources)?;
        tracing::info!(address = %panel.address(), "panel");
        Ok(panel)
    }

    async fn until_it_opens(self, comes: oneshot::Sender<Panel>) {
        loop {
            sleep(TRY_AGAIN).await;
            let attempt = self.clone();
            match spawn_blocking(|| attempt.make()).await {
                Ok(Ok(panel)) => return drop(comes.send(panel)),
                Ok(Err(error)) => tracing::debug!(%error, "the panel cannot be opened yet"),
                Err(error) => return tracing::error!(%error, "bug: opening the panel"),
            }
        }
    }
}

fn settings(config: &Config, listen: SocketAddr, overlay: Option<Overlay>) -> PanelSettings {
    PanelSettings {
        listen,
        room: config.panel.room.clone(),
        pin: None,
        language: config.language,
        name: config.name.clone(),
        words: String::new(),
        peer: config.peer.address.map(|address| address.ip()),
        hours: config.room.hours,
        state_directory: config.state_directory.clone(),
        networks: Arc::new(own_networks),
        overlay,
    }
}

fn sources(config: &Config, anew: &Arc<Notify>, papers: Papers, media: &Media, documents: &Documents) -> Sources {
    let (picture, language) = (media.own_picture(), config.language);
    let Papers { ledger, views, kept, live, updates, bundles, .. } = papers;
    let passing = bundles.clone();
    let (of_reset, state) = (ledger.clone(), config.state_directory.clone());
    let (camera, microphone, speaker) =
        (config.camera.source.clone(), config.sound.source.clone(), config.sound.sink.clone());
    let anew = anew.clone();
    Sources {
        own_picture: Arc::new(move || picture.jpeg()),
        ledger: Arc::new(move || ledger_lines(&ledger, language)),
        devices: Arc::new(move || plugged_in(&camera, &microphone, &speaker)),
        set_clock: Arc::new(clock_wish::set_wall),
        page: Arc::new(move |wanted| views.png(wanted)),
        kept: kept_sources(kept),
        documents: documents.clone(),
        live,
        paper: paper_source(None),
        updates,
        pass: Arc::new(move || bundles.pass()),
        passing: Arc::new(move || passing.passing().map(|passing| passed(&passing))),
        begin_anew: Arc::new(move || anew.notify_one()),
        forget: Arc::new(move || forget(&of_reset, &state)),
    }
}

/// What is told of it is on the disk before it is wished for.
fn forget(ledger: &Ledger, state: &Path) -> std::io::Result<()> {
    if !ledger.settle(SETTLED) {
        tracing::warn!("the ledger does not take that this box forgets everything; it does so all the same");
    }
    reset::want(state)
}

/// Without a file, as in tests of the loop, there is nothing to tell of.
fn paper_source(config: Option<PathBuf>) -> PaperSource {
    Arc::new(move |paper| {
        let config = config.clone();
        Box::pin(async move {
            match paper {
                Paper::Handover => clerk::print(&config?, &["doctor", "--handover", "-"]).await,
                Paper::Support => clerk::print(&config?, &["support", "-"]).await,
            }
        })
    })
}

fn passed(passing: &Passing) -> Passed {
    match passing.stage {
        Stage::Waits => Passed::Waits,
        Stage::Goes(to) => Passed::Goes(
            u8::try_from(to.min(passing.length).saturating_mul(100) / passing.length.max(1)).unwrap_or(100),
        ),
        Stage::Arrived => Passed::Arrived,
        Stage::Refused(why) => Passed::Refused(match why {
            BundleRefused::TooLarge => NotPassed::TooLarge,
            BundleRefused::NoSpace => NotPassed::NoSpace,
            BundleRefused::Busy => NotPassed::Busy,
            BundleRefused::Broken | BundleRefused::Failed => NotPassed::Failed,
        }),
    }
}

fn kept_sources(kept: KeptDocuments) -> KeptSources {
    let (list, read) = (kept.clone(), kept.clone());
    let row = |(id, Note { name, length, until_s, .. }): (DocumentId, Note)| KeptRow {
        id: id.to_string(),
        name,
        length,
        until_s,
    };
    KeptSources {
        list: Arc::new(move || list.list().into_iter().map(row).collect()),
        read: Arc::new(move |id| read.read(id)),
        forget: Arc::new(move |id| kept.forget(id)),
    }
}

fn panel_url(panel: &Panel) -> String {
    let address = panel.address();
    let own = own_networks().into_iter().map(|network| network.address).find(|own| !own.is_loopback());
    let host = if address.ip().is_unspecified() { own } else { Some(address.ip()) };
    // No network yet: no address is better than one that nobody can open.
    let Some(host) = host else { return String::new() };
    match (host.is_ipv6(), address.port()) {
        (true, 443) => format!("https://[{host}]/"),
        (true, port) => format!("https://[{host}]:{port}/"),
        (false, 443) => format!("https://{host}/"),
        (false, port) => format!("https://{host}:{port}/"),
    }
}

fn ledger_lines(ledger: &Ledger, language: Language) -> Vec<LedgerLine> {
    let shown = ledger.everything().into_iter();
    shown
        .map(|line| LedgerLine { number: line.number.unwrap_or(0), text: line.text(language), time: line.time })
        .collect()
}

fn plugged_in(camera: &Source, microphone: &Source, speaker: &Sink) -> Devices {
    let found = |listings: Vec<Listing>, kind: &str, used: &dyn Fn(usize, &str) -> bool| {
        let listed = listings.into_iter().enumerate();
        listed
            .map(|(place, listing)| Found {
                used: used(place, &listing.id),
                id: format!("{kind}:{}", listing.id),
                name: listing.name,
            })
            .collect()
    };
    let takes = |source: &Source, place: usize, id: &str| match source {
        Source::Auto => place == 0,
        Source::V4l2(own) | Source::Alsa(own) => own == id,
        Source::None | Source::Test | Source::File(_) | Source::Gst(_) => false,
    };
    let plays = |place: usize, id: &str| match speaker {
        Sink::Auto => place == 0,
        Sink::Alsa(own) => own == id,
        Sink::None | Sink::Gst(_) => false,
    };
    Devices {
        cameras: found(devices::cameras(), "v4l2", &|place, id| takes(camera, place, id)),
        microphones: found(devices::microphones(), "alsa", &|place, id| takes(microphone, place, id)),
        speakers: found(devices::speakers(), "alsa", &plays),
    }
}

const TRY_AGAIN: Duration = Duration::from_secs(3);
/// A disk that hangs delays nothing longer.
const SETTLED: Duration = Duration::from_secs(1);
