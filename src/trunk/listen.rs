//! Whoever comes to the trunk's port: a place at the gate, a deadline, TLS with the pinned key; only then is anything read.

use super::connection::{self, Greeted};
use super::frame::FrameError;
use super::gate::Place;
use super::refusals::Refusal;
use super::registry::Registry;
use super::tls::{self, Purpose, Secured};
use super::{Shared, bulk};
use crate::model::Side;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tracing::debug;

/// Accepts for ever.
pub(super) async fn accept_forever(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((tcp, source)) => {
                let source = source.ip().to_canonical();
                let (place, evicted) = shared.gate.admit(source);
                let welcome = welcome(shared.clone(), tcp, source, place, evicted);
                shared.tasks.spawn(welcome);
            }
            Err(error) => {
                // No file descriptors left, or the newcomer is gone again.
                debug!(%error, "could not accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn welcome(
    shared: Arc<Shared>,
    tcp: TcpStream,
    source: IpAddr,
    place: Place,
    evicted: tokio::sync::oneshot::Receiver<()>,
) {
    let arrived = tokio::select! {
        biased;
        // A place given back is no eviction.
        Ok(()) = evicted => Err(Refusal::Crowded),
        arrived = timeout(HANDSHAKE, arrive(&shared, tcp, place)) => arrived.unwrap_or(Err(Refusal::TooSlow)),
    };
    match arrived {
        Ok(Arrival::Control(greeted, permit)) => connection::live(shared, *greeted, Side::Far, Some(permit)).await,
        Ok(Arrival::Bulk) => {}
        Err(refusal) => shared.refuse(refusal, source),
    }
}

enum Arrival {
    Control(Box<Greeted>, OwnedSemaphorePermit),
    /// Handed on to its control connection.
    Bulk,
}

async fn arrive(shared: &Arc<Shared>, tcp: TcpStream, place: Place) -> Result<Arrival, Refusal> {
    let secured = prove(shared, tcp, place).await?;
    let permit = shared.proven.clone().try_acquire_owned().map_err(|_| Refusal::TooMany)?;
    match secured.purpose {
        Purpose::Control => {
            let greeted = connection::greet(shared, secured).await.map_err(|error| of_greeting(&error))?;
            Ok(Arrival::Control(Box::new(greeted), permit))
        }
        Purpose::Bulk => hand_on(&shared.registry, secured, permit).await.map(|()| Arrival::Bulk),
        Purpose::Pairing => Err(Refusal::OtherProtocol),
    }
}

async fn prove(shared: &Shared, tcp: TcpStream, place: Place) -> Result<Secured, Refusal> {
    let first = tcp.peek(&mut [0]).await.map_err(|_| Refusal::Gone)?;
    if first == 0 {
        return Err(Refusal::Gone);
    }
    place.spoke();
    tls::accept(&shared.acceptor, tcp).await.map_err(|error| {
        debug!(%error, "handshake failed");
        Refusal::of(&error)
    })
}

async fn hand_on(registry: &Registry, mut secured: Secured, permit: OwnedSemaphorePermit) -> Result<(), Refusal> {
    let token = bulk::hear_hello(&mut secured).await.map_err(|error| of_greeting(&error))?;
    let control = registry.bulk_of(token).ok_or(Refusal::Orphan)?;
    bulk::say_hello(&mut secured, token).await.map_err(|error| of_greeting(&error))?;
    control.try_send((secured, permit)).map_err(|_| Refusal::TooMany)
}

fn of_greeting(error: &FrameError) -> Refusal {
    debug!(%error, "no greeting");
    match error {
        FrameError::Message(_) => Refusal::BadMessage,
        FrameError::Io(error) => Refusal::of(error),
    }
}

/// From TCP to both hellos.
const HANDSHAKE: Duration = Duration::from_secs(3);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
