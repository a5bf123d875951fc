//! The printer: the box as PCs of this room see it in their print dialogue. What is printed stands on both screens, never on paper.
//!
//! ```text
//!   PC ─ TCP ─► door ─ in the room? TLS or plain ─► body ─ IPP ─► operations ─ document ─► store, the loop
//!                                                                   jobs ◄─── publish ◄────────┘
//! ```
//! May be relied on: nobody outside `[panel] room` gets a byte; what comes is bounded before it is parsed, and parsed as pages
//! only by the process that has no rights; a job's state is what the core says. Deliberately absent: accounts, options of paper,
//! any decision whether a print is shown. It has a thread of its own, as the panel has.

mod announce;
mod attributes;
mod body;
mod bringing;
pub mod dns;
mod door;
pub mod ipp;
mod jobs;
mod operations;
mod turns;

use crate::config::IpNetwork;
use crate::core::share::Occasion;
use crate::core::snapshot::Snapshot;
use crate::documents::Documents;
use crate::door::{Networks, Room};
use crate::model::{GuestId, Language};
use crate::questions::Questions;
use jobs::Jobs;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_rustls::TlsAcceptor;
use turns::Turns;

/// What the printer is built from.
#[derive(Clone)]
pub struct PrinterSettings {
    /// `[printer] port`, at the panel's address.
    pub listen: SocketAddr,
    /// `[panel] room`; empty: `networks` without the peer.
    pub room: Vec<IpNetwork>,
    /// `[peer] address`: is not in the room.
    pub peer: Option<IpAddr>,
    /// The networks of this box's own addresses.
    pub networks: Networks,
    /// `[printer] name`, or the box's.
    pub name: String,
    /// `[box] language`, for PCs that name none.
    pub language: Language,
    /// Names this printer for ever; from the box's key.
    pub id: [u8; 16],
    /// `[printer] announce`
    pub announce: bool,
}

/// What the printer asks of others.
#[derive(Clone)]
pub struct Sources {
    /// Where documents go.
    pub documents: Documents,
    /// Browsers at an address, as the panel knows them.
    pub guests_at: Arc<dyn Fn(IpAddr) -> Vec<GuestId> + Send + Sync>,
    /// TLS for whoever came in at this address of the box; none without a panel, whose certificate it is. May wait for the disk when
    /// an address is named, never else.
    pub tls: TlsSource,
    /// Whether bytes begin as a document does that can be shown.
    pub is_document: fn(&[u8]) -> bool,
    /// The wall clock, milliseconds since 1970: told to PCs, never decided from.
    pub wall_ms: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// TLS of the panel.
pub type TlsSource = Arc<dyn Fn(Option<IpAddr>) -> Option<TlsAcceptor> + Send + Sync>;

/// The running printer; ends when dropped.
pub struct Printer {
    shared: Arc<Shared>,
    address: SocketAddr,
    _end: oneshot::Sender<()>,
}

/// What all connections share.
struct Shared {
    settings: PrinterSettings,
    room: Room,
    questions: Questions,
    sources: Sources,
    jobs: Jobs,
    begun_ms: u64,
    seen: watch::Sender<Seen>,
    /// PCs that bring a document now, or wait to.
    turns: Arc<Turns>,
    /// Questions to the loop at a time.
    asking: Semaphore,
}

/// What a request must know of the room.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    occasion: Occasion,
    locked: bool,
    asleep: bool,
    /// Guests that may steer.
    admitted: Vec<GuestId>,
}

impl Printer {
    /// Listens, on a thread of its own.
    ///
    /// # Errors
    /// When the port is taken or needs a right that this process has not.
    pub fn start(settings: PrinterSettings, questions: Questions, sources: Sources) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(settings.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let room = Room::new(settings.room.clone(), settings.networks.clone(), settings.peer);
        let seen = Seen { occasion: Occasion::None([0; 2]), locked: true, asleep: true, admitted: Vec::new() };
        let begun_ms = (sources.wall_ms)();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
        let shared = Arc::new(Shared {
            settings,
            room,
            questions,
            sources,
            jobs: Jobs::new(),
            begun_ms,
            seen: watch::channel(seen).0,
            turns: Turns::new(),
            asking: Semaphore::new(operations::ASKING),
        });
        let (end, ended) = oneshot::channel();
        let serving = shared.clone();
        std::thread::Builder::new().name("printer".into()).spawn(move || {
            runtime.block_on(serve(serving, listener, ended));
            // Work that hangs is left behind.
            runtime.shutdown_background();
        })?;
        Ok(Self { shared, address, _end: end })
    }

    /// After every turn of the loop.
    pub fn publish(&self, snapshot: &Snapshot) {
        if let Some(peer) = snapshot.peer_address {
            self.shared.room.peer_is_at(peer.ip());
        }
        let room = &snapshot.room;
        self.shared.seen.send_if_modified(|seen| {
            let now = Seen {
                occasion: room.occasion(),
                locked: room.face.locked,
                asleep: room.face.near == crate::model::Stance::Asleep,
                admitted: room.guests.iter().filter(|guest| guest.admitted).map(|guest| guest.id).collect(),
            };
            let changed = *seen != now;
            *seen = now;
            changed
        });
        self.shared.jobs.follow(room);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl PrinterSettings {
    /// Of version 8: what it is made of is our own affair.
    fn uuid(&self) -> String {
        let mut text = String::from("urn:uuid:");
        for (place, byte) in self.id.iter().enumerate() {
            let byte = match place {
                6 => byte & 0x0f | 0x80,
                8 => byte & 0x3f | 0x80,
                _ => *byte,
            };
            let dash = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
            let _always_fits = write!(text, "{dash}{byte:02x}");
        }
        text
    }
}

impl Shared {
    /// Whether somebody at this address may put a print on the screens without being asked.
    fn is_known(&self, source: IpAddr) -> bool {
        let admitted = &self.seen.borrow().admitted;
        (self.sources.guests_at)(source).iter().any(|guest| admitted.contains(guest))
    }

    /// Whether a print would be taken now, of whomever: a locked room shows nothing new.
    fn accepts(&self) -> bool {
        let seen = self.seen.borrow();
        !seen.asleep && !seen.locked
    }
}

async fn serve(shared: Arc<Shared>, listener: std::net::TcpListener, ended: oneshot::Receiver<()>) {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "the printer does not listen"),
    };
    tokio::select! {
        () = door::accept_forever(shared.clone(), listener) => {}
        () = announce::announce_forever(shared.clone(), port), if shared.settings.announce => {}
        _ = ended => {}
    }
}
