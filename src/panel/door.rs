//! The door: who comes from outside the room is closed before TLS; who comes in has a place, deadlines and limits.
//!
//! ```text
//!   accept ─► in the room? ─► place ─► TLS within 5 s ─► HTTP/1.1: head ≤ 16 KiB, next request within 30 s ─► api
//!               no: closed      full: the least worth is put out
//! ```

use super::{Shared, api};
use crate::door::{self, Place, Worth};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Where a request came in.
#[derive(Clone)]
pub(super) struct Arrival {
    /// The box's own address on this connection.
    pub(super) local: SocketAddr,
    /// The browser's.
    pub(super) source: IpAddr,
    /// Its place.
    pub(super) place: Arc<Place>,
}

/// Accepts for ever.
pub(super) async fn accept_forever(shared: Arc<Shared>, listener: TcpListener) {
    let welcomes = shared.clone();
    door::accept_forever(&shared.room, listener, move |tcp, source, place| {
        welcome(welcomes.clone(), tcp, source, place)
    })
    .await;
}

async fn welcome(shared: Arc<Shared>, tcp: TcpStream, source: IpAddr, place: Place) -> io::Result<()> {
    let local = tcp.local_addr()?;
    let local = SocketAddr::new(local.ip().to_canonical(), local.port());
    tcp.set_nodelay(true)?;
    socket2::SockRef::from(&tcp).set_tcp_user_timeout(Some(UNANSWERED))?;
    let tls = timeout(HANDSHAKE, async { acceptor(&shared, local.ip()).await.accept(tcp).await }).await??;
    place.is(Worth::Idle);
    let arrival = Arrival { local, source, place: Arc::new(place) };
    let service = service_fn(|request| {
        let (shared, arrival) = (shared.clone(), arrival.clone());
        async move { Ok::<_, Infallible>(api::answer(&shared, &arrival, request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_REQUEST)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(tls), service)
        .await
        .map_err(io::Error::other)
}

/// A browser that opens a new address of this box is shown a certificate for it.
async fn acceptor(shared: &Arc<Shared>, local: IpAddr) -> TlsAcceptor {
    let current = shared.certificates.current();
    if current.covers(local) {
        return current.acceptor.clone();
    }
    let certifying = shared.clone();
    match tokio::task::spawn_blocking(move || certifying.certificates.cover(local)).await {
        Ok(Ok(covering)) => covering.acceptor.clone(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the panel's certificate could not be re-made");
            current.acceptor.clone()
        }
        Err(_) => current.acceptor.clone(),
    }
}

/// From TCP to TLS.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// From one answer to the whole head of the next request.
const NEXT_REQUEST: Duration = Duration::from_secs(30);
/// Whoever takes nothing for so long is gone.
const UNANSWERED: Duration = Duration::from_secs(20);
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
