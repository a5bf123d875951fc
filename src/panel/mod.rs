//! The panel: the page that people of this room use from a phone, a tablet or a PC. Served by the box, to its own room only.
//!
//! ```text
//!   browser ──TLS──► door ─► guard ─► api ─► visit ──Questions──► the loop
//!      ▲              │ in the room?   │ own page?               │
//!      └── events ◄───┴────────────────┴───── watch ◄── publish ─┘
//! ```
//! May be relied on: nobody outside `[panel] room` gets a byte of TLS; whoever has no code sees the name on the door and no
//! more; nothing is asked of the loop faster or more than it can bear. Deliberately absent: any decision about the room. The core
//! decides, this shows and asks. The panel has a thread of its own, so that no crowd at its door delays the link.

mod api;
mod ask;
mod assets;
mod board;
mod certificate;
mod door;
mod events;
mod facts;
mod far;
mod guard;
mod live;
mod pages;
mod papers;
mod pin;
pub mod query;
mod reply;
mod rows;
mod settings;
mod state;
mod tokens;
mod update;
mod visit;
mod whip;
mod words;

pub use crate::door::{Networks, own_networks};
pub use api::{ROUTES, Route, Who};
pub use certificate::{Installed, Refused, install as install_certificate, request as request_certificate};
pub use papers::{Devices, Found, LedgerLine, Paper};
pub use pin::{PinCode, PinFault};
pub use state::Meeting;
pub use update::{NotPassed, Passed};

use crate::config::{Hours, IpNetwork, Overlay};
use crate::core::input::RoomInput;
use crate::core::snapshot::Snapshot;
use crate::documents::Documents;
use crate::door::Room;
use crate::live::LiveDoor;
use crate::model::{DocumentId, Fingerprint, GuestId, Language, Moment};
use crate::questions::Questions;
use crate::update::Place;
use certificate::Certificates;
use facts::Facts;
use serde::Serialize;
use state::{Shown, looks_the_same};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokens::{SWEEP_PERIOD, Tokens};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{Instant, interval};
use tokio_rustls::TlsAcceptor;

/// What the panel is built from.
#[derive(Clone)]
pub struct PanelSettings {
    /// `[panel] listen`.
    pub listen: SocketAddr,
    /// `[panel] room`; empty: `networks` without the peer.
    pub room: Vec<IpNetwork>,
    /// `[panel] pin`, and who guessed at it, here or from the other room.
    pub pin: Option<PinCode>,
    /// `[box] language`.
    pub language: Language,
    /// `[box] name`.
    pub name: String,
    /// The pair's six words; empty while this box is not paired. See [`Panel::paired`].
    pub words: String,
    /// `[peer] address`: is not in the room, nor is wherever the peer is seen.
    pub peer: Option<IpAddr>,
    /// `[room] hours`, for "what is set".
    pub hours: Option<Hours>,
    /// Key and certificate live here.
    pub state_directory: PathBuf,
    /// The networks of this box's own addresses: [`own_networks`].
    pub networks: Networks,
    /// Where what the installer sets is kept; none: nothing can be set.
    pub overlay: Option<Overlay>,
}

/// What the panel asks of others. Called beside the panel's thread; may wait for a disk or a device, for at most two seconds.
#[derive(Clone)]
pub struct Sources {
    /// What the far side sees right now, as JPEG; none while nothing is sent.
    pub own_picture: Arc<dyn Fn() -> Option<Vec<u8>> + Send + Sync>,
    /// The whole ledger, oldest first.
    pub ledger: Arc<dyn Fn() -> Vec<LedgerLine> + Send + Sync>,
    /// What is plugged in.
    pub devices: Arc<dyn Fn() -> Devices + Send + Sync>,
    /// Sets the wall clock: time since 1970.
    pub set_clock: Arc<dyn Fn(Duration) -> io::Result<()> + Send + Sync>,
    /// A page of an open document, drawn as PNG; nothing while it cannot be.
    pub page: PageSource,
    /// Documents that were kept.
    pub kept: KeptSources,
    /// Where documents go that people share from the page.
    pub documents: Documents,
    /// Where PCs share their screens.
    pub live: LiveDoor,
    /// Writes a paper about this box; may take as long as it takes, and is dropped when it takes too long.
    pub paper: PaperSource,
    /// Where updates come to.
    pub updates: Place,
    /// Passes the update that lies here on to the far box; false if there is none.
    pub pass: Arc<dyn Fn() -> io::Result<bool> + Send + Sync>,
    /// What became of it.
    pub passing: Arc<dyn Fn() -> Option<Passed> + Send + Sync>,
    /// The installer set something: the daemon is to begin anew with it.
    pub begin_anew: Arc<dyn Fn() + Send + Sync>,
    /// Leaves the durable wish that this box forgets everything; may wait for the ledger for a second.
    pub forget: Arc<dyn Fn() -> io::Result<()> + Send + Sync>,
}

/// Writes papers, in a process of its own.
pub type PaperSource = Arc<dyn Fn(Paper) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>> + Send + Sync>;

/// Draws pages as PNG, beside the panel.
pub type PageSource = Arc<dyn Fn(PageWanted) -> oneshot::Receiver<Option<Vec<u8>>> + Send + Sync>;

/// A page as a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageWanted {
    /// Of this document.
    pub document: DocumentId,
    /// From 0.
    pub page: u32,
    /// Pixels across; brought within what is sensible.
    pub width: u32,
}

/// A document's name and bytes.
pub type NamedBytes = (String, Vec<u8>);

/// Documents that were kept beyond their meeting.
#[derive(Clone)]
pub struct KeptSources {
    /// Which.
    pub list: Arc<dyn Fn() -> Vec<KeptRow> + Send + Sync>,
    /// Name and bytes.
    pub read: Arc<dyn Fn(DocumentId) -> Option<NamedBytes> + Send + Sync>,
    /// Takes it away; false if there is none such.
    pub forget: Arc<dyn Fn(DocumentId) -> bool + Send + Sync>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptRow {
    /// Names its bytes.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// It goes then, by the box's clock: seconds since 1970.
    pub until_s: u64,
}

/// The running panel; ends when dropped.
pub struct Panel {
    shared: Arc<Shared>,
    address: SocketAddr,
    _end: oneshot::Sender<()>,
}

/// What all connections share.
struct Shared {
    name: String,
    cookie_name: String,
    facts: Facts,
    room: Arc<Room>,
    certificates: Certificates,
    tokens: Tokens,
    senders: whip::Senders,
    pin: Option<PinCode>,
    overlay: Option<Overlay>,
    questions: Questions,
    sources: Sources,
    shown: watch::Sender<Arc<Shown>>,
    /// The loop's clock when it last published, nanoseconds: states are dated with it.
    now: AtomicU64,
    strangers: Semaphore,
    asides: Arc<Semaphore>,
    uploads: Semaphore,
    writing: Semaphore,
    bundles: Semaphore,
    pictures: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
}

impl Panel {
    /// Listens, on a thread of its own.
    ///
    /// # Errors
    /// When the address is taken or not this box's, or key and certificate cannot be read or kept. The box goes on without.
    pub fn start(settings: PanelSettings, questions: Questions, sources: Sources) -> io::Result<Self> {
        let PanelSettings { listen, room, pin, language, name, words, peer, hours, state_directory, networks, overlay } =
            settings;
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let own: Vec<IpAddr> = if listen.ip().is_unspecified() {
            let all = networks();
            all.into_iter().map(|network| network.address).filter(|address| !address.is_loopback()).collect()
        } else {
            vec![listen.ip()]
        };
        let certificates = Certificates::load_or_make(state_directory, name.clone(), own)?;
        let room = Arc::new(Room::new(room, networks, peer));
        let facts = Facts { language, room: room.clone(), pin: pin.is_some(), hours };
        let shown = Shown { words, ..Shown::default() };
        let shared = Arc::new(Shared {
            name,
            // Browsers share cookies between the ports of one address.
            cookie_name: format!("__Host-engawa-{}", address.port()),
            facts,
            room,
            certificates,
            tokens: Tokens::default(),
            senders: whip::Senders::default(),
            pin,
            overlay,
            questions,
            sources,
            shown: watch::channel(Arc::new(shown)).0,
            now: AtomicU64::new(0),
            strangers: Semaphore::new(visit::STRANGERS),
            asides: Arc::new(Semaphore::new(papers::ASIDES)),
            uploads: Semaphore::new(visit::UPLOADS),
            writing: Semaphore::new(1),
            bundles: Semaphore::new(1),
            pictures: Arc::new(Semaphore::new(pages::PICTURES)),
            downloads: Arc::new(Semaphore::new(pages::DOWNLOADS)),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
        let (end, ended) = oneshot::channel();
        let serving = shared.clone();
        std::thread::Builder::new().name("panel".into()).spawn(move || {
            runtime.block_on(serve(serving, listener, ended));
            // Work that hangs is left behind.
            runtime.shutdown_background();
        })?;
        Ok(Self { shared, address, _end: end })
    }

    /// After every turn of the loop. Costs a comparison unless something changed that people can see.
    pub fn publish(&self, snapshot: &Snapshot) {
        self.shared.now.store(snapshot.at.as_nanos(), Ordering::Relaxed);
        if let Some(peer) = snapshot.peer_address {
            self.shared.room.peer_is_at(peer.ip());
        }
        self.shared.shown.send_if_modified(|shown| {
            if looks_the_same(&shown.snapshot, snapshot) {
                return false;
            }
            let (before, after) = (&shown.snapshot.room.guests, &snapshot.room.guests);
            for gone in before.iter().filter(|guest| !after.iter().any(|still| still.id == guest.id)) {
                // Removed, or out with the meeting: not the installer's pages either.
                self.shared.tokens.set_installer(gone.id, false);
            }
            if shown.snapshot.room.evictions != snapshot.room.evictions {
                self.shared.tokens.end_installers();
            }
            let Shown { words, meetings, .. } = shown.as_ref().clone();
            *shown = Arc::new(Shown { snapshot: snapshot.clone(), words, meetings });
            true
        });
    }

    /// The pair's six words, since the box was paired while it ran.
    pub fn paired(&self, words: &str) {
        self.change(|shown| shown.words = words.to_owned());
    }

    /// The newest meetings, newest first; at most a screenful.
    pub fn show_meetings(&self, meetings: Vec<Meeting>) {
        self.change(|shown| shown.meetings = meetings);
    }

    /// What others of this box may know of it.
    pub fn knowledge(&self) -> Knowledge {
        Knowledge(self.shared.clone())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// SHA-256 of the certificate, `AB:CD:…`, for the kiosk screen. Changes when the box gets a new address.
    pub fn fingerprint(&self) -> String {
        let Fingerprint(bytes) = self.shared.certificates.current().fingerprint;
        bytes.map(|byte| format!("{byte:02X}")).join(":")
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        self.shared.shown.send_modify(|shown| change(Arc::make_mut(shown)));
    }
}

/// What the panel knows and others of this box may ask, as long as they like.
#[derive(Clone)]
pub struct Knowledge(Arc<Shared>);

impl Knowledge {
    /// Browsers at this address; who of them may steer is the core's to say.
    pub fn guests_at(&self, source: IpAddr) -> Vec<GuestId> {
        self.0.tokens.guests_at(source)
    }

    /// TLS with the box's certificate, for whoever came in at this address of the box: then it may wait for the disk.
    pub fn tls(&self, local: Option<IpAddr>) -> TlsAcceptor {
        let covering = local.and_then(|local| self.0.certificates.cover(local).ok());
        covering.unwrap_or_else(|| self.0.certificates.current()).acceptor.clone()
    }
}

impl Shared {
    fn now(&self) -> Moment {
        Moment::from_nanos(self.now.load(Ordering::Relaxed))
    }

    /// Event streams look again: something changed that is not in the snapshot.
    fn nudge(&self) {
        self.shown.send_modify(|_| {});
    }
}

async fn serve(shared: Arc<Shared>, listener: std::net::TcpListener, ended: oneshot::Receiver<()>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "the panel does not listen"),
    };
    tokio::select! {
        () = door::accept_forever(shared.clone(), listener) => {}
        () = sweep_forever(&shared) => {}
        _ = ended => {}
    }
}

/// Tells the core of guests that are gone.
async fn sweep_forever(shared: &Shared) {
    let mut tick = interval(SWEEP_PERIOD);
    loop {
        tick.tick().await;
        let shown = shared.shown.borrow().clone();
        for guest in shared.tokens.sweep(&shown.snapshot.room.guests, Instant::now()) {
            shared.questions.tell(RoomInput::GuestLeft(guest));
        }
    }
}
