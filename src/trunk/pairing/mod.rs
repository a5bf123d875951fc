//! Pairing: two boxes that do not know each other learn each other's key from eight digits read over the telephone.
//!
//! ```text
//!   answer (types the code)                      offer (shows the code)
//!      │── TLS 1.3, raw keys not yet trusted ──────────▶│
//!      │── A: SPAKE2 share ────────────────────────────▶│  the try counts from here
//!      │◀───────────────────────────── B: SPAKE2 share ─│
//!      │── A's proof (MAC over everything) ────────────▶│  wrong → says so, and closes
//!      │◀──────────────────────────────────── B's proof ─│
//!      │── done ───────────────────────────────────────▶│  both return the other's key
//! ```
//!
//! The code is bound to both public keys and to this very TLS connection, so whoever sits in between has one guess in a
//! hundred million per try, three tries, ten minutes. Nothing is stored here: the caller pins what comes back.

mod code;
mod error;
mod exchange;

pub use code::{BadCode, Code};
pub use error::PairError;

use super::frame::{self, FrameError};
use super::gate::{Gate, Place};
use super::identity::Identity;
use super::key::PeerKey;
use super::tls::{self, Purpose, Secured, Trust};
use exchange::{Exchange, Part};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

/// How long and how often a code may be tried.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Tries, right or wrong.
    pub tries: u8,
    /// From the moment the code is shown.
    pub expiry: Duration,
}

impl Default for Limits {
    /// What people use: three tries, ten minutes.
    fn default() -> Self {
        Self { tries: 3, expiry: Duration::from_secs(600) }
    }
}

/// The box that shows the code, waiting for the other one.
pub struct Offer {
    listener: TcpListener,
    local: SocketAddr,
    acceptor: TlsAcceptor,
    own: PeerKey,
    code: Code,
    limits: Limits,
}

impl Offer {
    /// Binds; may be the trunk's own port while the daemon does not run.
    ///
    /// # Errors
    /// [`PairError::PortTaken`], [`PairError::CannotListen`], [`PairError::Tls`].
    pub async fn bind(listen: SocketAddr, identity: &Identity, code: Code, limits: Limits) -> Result<Self, PairError> {
        let cannot = |source: io::Error| {
            let taken = source.kind() == io::ErrorKind::AddrInUse;
            if taken { PairError::PortTaken(listen) } else { PairError::CannotListen { address: listen, source } }
        };
        let own = identity.public_key();
        let acceptor = tls::acceptor(identity, Trust::AnyoneBut(own), &[Purpose::Pairing])?;
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let local = listener.local_addr().map_err(cannot)?;
        Ok(Self { listener, local, acceptor, own, code, limits })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Waits for the other box; the code is worthless afterwards, however it ends.
    ///
    /// # Errors
    /// [`PairError::CodeDead`], [`PairError::Expired`].
    pub async fn wait(self) -> Result<PeerKey, PairError> {
        timeout(self.limits.expiry, self.serve()).await.unwrap_or(Err(PairError::Expired))
    }

    async fn serve(&self) -> Result<PeerKey, PairError> {
        let gate = Gate::new(None);
        let mut visitors = JoinSet::new();
        let mut left = self.limits.tries;
        while left > 0 {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((tcp, source)) => {
                        let (place, evicted) = gate.admit(source.ip());
                        visitors.spawn(knock(self.acceptor.clone(), tcp, place, evicted));
                    }
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                },
                knocked = visitors.join_next(), if !visitors.is_empty() => {
                    let Some(Ok(Some(visitor))) = knocked else { continue };
                    left -= 1;
                    let from = visitor.secured.peer;
                    match timeout(TRY, self.settle(visitor, left)).await.unwrap_or(Err(PairError::Interrupted)) {
                        Ok(key) => return Ok(key),
                        Err(fault) => warn!(%from, left, "pairing try failed: {fault}"),
                    }
                }
            }
        }
        Err(PairError::CodeDead)
    }

    async fn settle(&self, visitor: Visitor, left: u8) -> Result<PeerKey, PairError> {
        let Visitor { mut secured, share } = visitor;
        let theirs = secured.peer_key;
        let (exchange, own_share) = Exchange::start(Part::Offer, &self.code, &theirs, &self.own, &secured)?;
        let proofs = exchange.finish(&share).ok_or(PairError::Interrupted)?;
        say(&mut secured, &own_share).await?;
        if !proofs.is_right(&hear(&mut secured).await?) {
            say(&mut secured, &[left]).await?;
            secured.stream.shutdown().await?;
            return Err(PairError::WrongCode { left: Some(left) });
        }
        say(&mut secured, proofs.own()).await?;
        if hear(&mut secured).await? == DONE { Ok(theirs) } else { Err(PairError::Interrupted) }
    }
}

/// Shows a code's other half: [`Offer::bind`] and [`Offer::wait`].
///
/// # Errors
/// See [`PairError`].
pub async fn offer(listen: SocketAddr, identity: &Identity, code: Code, limits: Limits) -> Result<PeerKey, PairError> {
    Offer::bind(listen, identity, code, limits).await?.wait().await
}

/// Types the code: one try against the box that shows it.
///
/// # Errors
/// See [`PairError`].
pub async fn answer(peer: SocketAddr, identity: &Identity, code: &Code) -> Result<PeerKey, PairError> {
    let own = identity.public_key();
    let connector = tls::connector(identity, Trust::AnyoneBut(own), Purpose::Pairing)?;
    let tcp = match timeout(CONNECT, TcpStream::connect(peer)).await {
        Ok(connected) => connected.map_err(|error| PairError::of_connect(peer, error))?,
        Err(_) => return Err(PairError::NoAnswer(peer)),
    };
    let exchange = async {
        let mut secured = tls::connect(&connector, tcp).await?;
        let theirs = secured.peer_key;
        let (exchange, own_share) = Exchange::start(Part::Answer, code, &own, &theirs, &secured)?;
        say(&mut secured, &own_share).await?;
        let proofs = exchange.finish(&hear(&mut secured).await?).ok_or(PairError::Interrupted)?;
        say(&mut secured, proofs.own()).await?;
        let reply = hear(&mut secured).await?;
        if let [left] = *reply {
            return Err(PairError::WrongCode { left: Some(left) });
        }
        if !proofs.is_right(&reply) {
            return Err(PairError::WrongCode { left: None });
        }
        say(&mut secured, DONE).await?;
        // The other box has heard it or not: what counts is that both proved the code.
        let _ = secured.stream.shutdown().await;
        Ok(theirs)
    };
    timeout(ANSWER, exchange).await.unwrap_or(Err(PairError::Interrupted))
}

/// Somebody who began a try.
struct Visitor {
    secured: Secured,
    share: Vec<u8>,
}

async fn knock(acceptor: TlsAcceptor, tcp: TcpStream, place: Place, evicted: oneshot::Receiver<()>) -> Option<Visitor> {
    let knocking = async {
        if tcp.peek(&mut [0]).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        place.spoke();
        let mut secured = tls::accept(&acceptor, tcp).await?;
        let share = hear(&mut secured).await?;
        Ok::<_, PairError>(Visitor { secured, share })
    };
    tokio::select! {
        biased;
        Ok(()) = evicted => None,
        knocked = timeout(TRY, knocking) => match knocked {
            Ok(Ok(visitor)) => Some(visitor),
            Ok(Err(fault)) => {
                debug!(%fault, "somebody came who did not try");
                None
            }
            Err(_) => None,
        },
    }
}

async fn say(secured: &mut Secured, bytes: &[u8]) -> Result<(), PairError> {
    let length = u32::try_from(bytes.len()).map_err(|_| PairError::Interrupted)?;
    Ok(frame::write(&mut secured.stream, &[&length.to_be_bytes(), bytes].concat()).await?)
}

async fn hear(secured: &mut Secured) -> Result<Vec<u8>, PairError> {
    frame::read(&mut secured.stream, LONGEST).await.map_err(|error| match error {
        FrameError::Io(error) => error.into(),
        FrameError::Message(_) => PairError::Interrupted,
    })
}

/// From TCP to the first share, and from there to the end of a try.
const TRY: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(5);
/// The other box may be busy with other visitors' tries first.
const ANSWER: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of the longest thing said.
const LONGEST: usize = 64;
const DONE: &[u8] = b"done";
