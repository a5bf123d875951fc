//! Who comes in: only from the room, TLS or plain by the first byte, HTTP/1.1 with limits and deadlines.

use super::{Shared, body, operations};
use crate::door::{self, Place, Worth};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Where a request came in.
#[derive(Clone)]
pub(super) struct Arrival {
    /// The box's own address on this connection.
    pub(super) local: SocketAddr,
    /// The PC's.
    pub(super) source: IpAddr,
    /// Over TLS.
    pub(super) tls: bool,
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
    let mut first = [0];
    timeout(HANDSHAKE, tcp.peek(&mut first)).await??;
    let tls = first == [CLIENT_HELLO];
    let arrival = Arrival { local, source, tls, place: Arc::new(place) };
    if !tls {
        return serve(shared, arrival, tcp).await;
    }
    let credentials = shared.sources.tls.clone();
    let acceptor = spawn_blocking(move || credentials(Some(local.ip()))).await.map_err(io::Error::other)?;
    let acceptor = acceptor.ok_or_else(|| io::Error::other("there is no certificate: the panel is off"))?;
    let stream = timeout(HANDSHAKE, acceptor.accept(tcp)).await??;
    serve(shared, arrival, stream).await
}

async fn serve<S>(shared: Arc<Shared>, arrival: Arrival, stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    arrival.place.is(if shared.is_known(arrival.source) { Worth::Guest } else { Worth::Idle });
    let service = service_fn(|request| {
        let (shared, arrival) = (shared.clone(), arrival.clone());
        async move { Ok::<_, Infallible>(answer(shared, arrival, request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_REQUEST)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn answer(shared: Arc<Shared>, arrival: Arrival, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A page of some site cannot print: a browser always says where it comes from.
    let from_a_page = request.headers().contains_key(ORIGIN);
    match (request.method(), request.uri().path()) {
        (&Method::POST, _) if from_a_page => refused(StatusCode::FORBIDDEN),
        (&Method::POST, _) if kind != "application/ipp" => refused(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&Method::POST, _) => {
            let asked = timeout(body::REQUEST_DUE, operations::answer(shared, arrival, request.into_body()));
            match asked.await {
                Ok(Some(said)) => reply("application/ipp", said.into()),
                Ok(None) => refused(StatusCode::BAD_REQUEST),
                Err(_) => refused(StatusCode::REQUEST_TIMEOUT),
            }
        }
        (&Method::GET, "/" | "/ipp/print") => reply("text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes())),
        (&Method::GET, "/icon.png") => reply("image/png", Bytes::from_static(ICON)),
        (&Method::GET, _) => refused(StatusCode::NOT_FOUND),
        _ => refused(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn reply(kind: &'static str, content: Bytes) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(content));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn refused(status: StatusCode) -> Response<Full<Bytes>> {
    let mut reply = reply("text/plain", Bytes::new());
    *reply.status_mut() = status;
    reply
}

/// The first byte of TLS; HTTP begins with a letter.
const CLIENT_HELLO: u8 = 0x16;
/// To the first byte, and from there through TLS.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// From one answer to the whole head of the next request.
const NEXT_REQUEST: Duration = Duration::from_secs(30);
/// Whoever takes nothing for so long is gone.
const UNANSWERED: Duration = Duration::from_secs(20);
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
const ICON: &[u8] = include_bytes!("icon.png");
/// What a browser sees that opens the printer's address.
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Engawa</title>\
    <p lang=ja>このプリンターに印刷すると、紙ではなく、2つの部屋の画面に出ます。\
    <p lang=en>What is printed here appears on the screens of both rooms, not on paper.";
