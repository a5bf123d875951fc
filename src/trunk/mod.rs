//! The boxes' own line: dial or listen, TLS with pinned raw public keys, pairing, messages.
//!
//! ```text
//!              Output::Dial ─▶ dial ──┐                        ┌─▶ TrunkOpened, Heard …, TrunkClosed
//!  TCP port ─▶ gate ─▶ listen ─ TLS ──┴─ hellos ─▶ connection ─┤
//!                        │                                     └─◀ send (queue of 64), close
//!                        └─ strangers: refused, counted   bulk: dialled by whoever dialled control ─▶ BulkChanged
//!                                                          └─ want, pace, Documents ─▶ DocumentArrived, DocumentFailed
//! ```
//!
//! Every method returns at once; news goes to the inbox. Each `dial` is answered exactly once, each `TrunkOpened` is followed by
//! exactly one `TrunkClosed`, and nothing about a connection comes after that. Which of several connections is used is
//! the core's choice. There is no way to connect without the pinned key, and no way to resume.

mod bulk;
mod bundles;
mod connection;
mod dial;
mod frame;
mod gate;
pub mod identity;
pub mod key;
mod listen;
pub mod message;
pub mod pairing;
mod refusals;
mod registry;
mod tasks;
mod tls;
pub mod words;

pub use bundles::{Bundles, Passing, Stage};
pub use message::BundleRefused;

use crate::core::signal::{Hello, Signal};
use crate::documents::Documents;
use crate::inbox::Inbox;
use crate::model::{Bitrate, DocumentId, TrunkId};
use bulk::Exchange;
use gate::Gate;
use identity::{Identity, IdentityError};
use key::PeerKey;
use message::MessageError;
use refusals::{MINUTE, Refusal, Refusals};
use registry::Registry;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tasks::Tasks;
use tls::{Purpose, Trust};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tracing::{error, warn};

/// What the trunk is made from.
#[derive(Clone, Debug)]
pub struct TrunkSettings {
    /// TCP address to listen on; none only dials.
    pub listen: Option<SocketAddr>,
    /// Where the peer should be; none means it is told with each dial, or dials us.
    pub peer_address: Option<SocketAddr>,
    /// Our key.
    pub identity: Identity,
    /// The only key we talk to.
    pub pinned: PeerKey,
    /// Our first words on every control connection.
    pub hello: Hello,
    /// Where documents come in and what the peer is served from.
    pub documents: Documents,
    /// Updates that are passed on, either way.
    pub bundles: Bundles,
}

/// The line to the peer. Dropping it cuts everything at once; [`Trunk::stop`] says good-bye first.
pub struct Trunk {
    shared: Arc<Shared>,
    local: Option<SocketAddr>,
}

impl Trunk {
    /// Binds and begins to listen. Must be called on the tokio runtime that is to carry the trunk.
    ///
    /// # Errors
    /// See [`TrunkError`].
    pub async fn start(settings: TrunkSettings, inbox: Inbox) -> Result<Self, TrunkError> {
        settings.identity.check_peer(&settings.pinned)?;
        let (identity, trust) = (&settings.identity, Trust::Only(settings.pinned));
        let shared = Arc::new(Shared {
            acceptor: tls::acceptor(identity, trust, &[Purpose::Control, Purpose::Bulk])?,
            control: tls::connector(identity, trust, Purpose::Control)?,
            bulk: tls::connector(identity, trust, Purpose::Bulk)?,
            hello: message::encode_hello(&settings.hello)?,
            peer_address: settings.peer_address,
            registry: Registry::new(inbox.clone()),
            exchange: Exchange::new(settings.documents, settings.bundles),
            inbox,
            gate: Gate::new(settings.peer_address.map(|address| address.ip())),
            proven: Arc::new(Semaphore::new(PROVEN_LIMIT)),
            refusals: Refusals::default(),
            tasks: Tasks::here(),
        });
        let listener = match settings.listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let local = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let trunk = Self { shared: shared.clone(), local };
        if let Some(listener) = listener {
            trunk.shared.tasks.spawn(listen::accept_forever(shared, listener));
        }
        Ok(trunk)
    }

    /// Where it listens.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Tries once to reach the peer at `address`, else at the configured one. TCP gets `within`, TLS and hello twice that.
    /// Answers `TrunkOpened` or `DialFailed`.
    pub fn dial(&self, address: Option<SocketAddr>, within: Duration) {
        self.shared.tasks.spawn(dial::dial(self.shared.clone(), address, within));
    }

    /// Says something; a connection that cannot take it is closed. Nothing happens on one that is gone.
    pub fn send(&self, trunk: TrunkId, signal: Signal) {
        match message::encode_signal(&signal) {
            Ok(frame) => self.shared.registry.send(trunk, frame),
            Err(fault) => error!(?trunk, %fault, "bug: a signal that does not fit its message"),
        }
    }

    /// What is to be fetched from the peer, most urgent first: the whole list, in place of any before it; holds for all
    /// connections to come. Of each document that is expected what is missing is asked for.
    pub fn want(&self, documents: &[DocumentId]) {
        self.shared.exchange.want(documents);
    }

    /// What may leave on bulk at most, counted as on the line; 0, as at the start, is nothing but pings and lists of what
    /// is wanted.
    pub fn pace(&self, allowed: Bitrate) {
        self.shared.exchange.pace(allowed);
    }

    /// Closes a control connection and its bulk connection, after what was said before has left or could not.
    pub fn close(&self, trunk: TrunkId) {
        self.shared.registry.close(trunk);
    }

    /// Closes everything; waits at most 300 ms for last words to leave.
    pub async fn stop(self) {
        self.shared.registry.close_all();
        // Whoever is not gone by then is cut off.
        let _ = timeout(connection::PARTING, self.shared.registry.all_gone()).await;
    }
}

impl Drop for Trunk {
    fn drop(&mut self) {
        self.shared.tasks.end();
    }
}

/// What all connections of a trunk use.
struct Shared {
    acceptor: TlsAcceptor,
    control: TlsConnector,
    bulk: TlsConnector,
    /// Our hello as one frame.
    hello: Vec<u8>,
    peer_address: Option<SocketAddr>,
    inbox: Inbox,
    registry: Registry,
    exchange: Arc<Exchange>,
    gate: Arc<Gate>,
    /// Bounds what the pinned peer can open.
    proven: Arc<Semaphore>,
    refusals: Refusals,
    tasks: Tasks,
}

impl Shared {
    /// Counts a refusal, and tells it if it is news.
    fn refuse(self: &Arc<Self>, refusal: Refusal, source: IpAddr) {
        if !self.refusals.is_news(refusal) {
            return;
        }
        warn!(%source, "refused on the trunk's port: {refusal}");
        let shared = self.clone();
        self.tasks.spawn(async move {
            loop {
                sleep(MINUTE).await;
                let Some(count) = shared.refusals.minute_passed(refusal) else { return };
                warn!(count, "refused on the trunk's port in the last minute: {refusal}");
            }
        });
    }
}

/// Why there is no trunk.
#[derive(Debug, thiserror::Error)]
pub enum TrunkError {
    /// Another program listens there.
    #[error("TCP port {} on {} is taken by another program; is engawa running already?", .0.port(), .0.ip())]
    PortTaken(SocketAddr),
    /// The address is not one of this box, or not allowed.
    #[error("cannot listen on {address}: {source}")]
    CannotListen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The peer's key cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The hello cannot be said.
    #[error("the box's own hello cannot be sent: {0}")]
    Hello(#[from] MessageError),
    /// The key cannot be used for TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

async fn bind(address: SocketAddr) -> Result<TcpListener, TrunkError> {
    TcpListener::bind(address).await.map_err(|source| {
        let taken = source.kind() == io::ErrorKind::AddrInUse;
        if taken { TrunkError::PortTaken(address) } else { TrunkError::CannotListen { address, source } }
    })
}

/// Connections that the pinned peer can have open here, control and bulk together.
const PROVEN_LIMIT: usize = 16;
