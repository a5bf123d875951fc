//! A browser without a screen: one cookie, one connection that is opened again when the box closed it.

use super::{CODE_TYPED, Kiosk, PATIENCE};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderMap, ORIGIN, SET_COOKIE};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub struct Browser {
    pub cookie: Option<String>,
    pub address: SocketAddr,
    certificate: CertificateDer<'static>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Browser {
    pub fn new(kiosk: &Kiosk) -> Self {
        Self::at(kiosk.address(), kiosk.certificate())
    }

    /// At a panel that shows this certificate.
    pub fn at(address: SocketAddr, certificate: CertificateDer<'static>) -> Self {
        Self { cookie: None, address, certificate, connection: None }
    }

    /// One that typed the room code.
    pub async fn guest(kiosk: &Kiosk, name: &str) -> Self {
        let mut browser = Self::new(kiosk);
        let answer = browser.post("/api/enter", &json!({"code": CODE_TYPED, "name": name})).await;
        assert_eq!(answer.json()["answer"], "accepted", "{answer:?}");
        browser
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(self.request("GET", path), "").await
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send(self.asking(path), &body.to_string()).await
    }

    pub async fn ask(&mut self, body: Value) -> Value {
        self.post("/api/ask", &body).await.json()
    }

    /// As a page sends it.
    pub fn asking(&self, path: &str) -> hyper::http::request::Builder {
        let request = self.request("POST", path).header(CONTENT_TYPE, "application/json");
        request.header(ORIGIN, format!("https://{}", self.address)).header("sec-fetch-site", "same-origin")
    }

    pub fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(HOST, self.address.to_string());
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    pub async fn send(&mut self, request: hyper::http::request::Builder, body: &str) -> Answer {
        self.send_bytes(request, body.as_bytes().to_vec()).await
    }

    pub async fn send_bytes(&mut self, request: hyper::http::request::Builder, body: Vec<u8>) -> Answer {
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = self.response(request).await;
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.expect("in time").unwrap().to_bytes().to_vec();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Opens the event stream on a connection of its own.
    pub async fn events(&mut self) -> Events {
        let mut apart =
            Self { cookie: self.cookie.clone(), connection: None, certificate: self.certificate.clone(), ..*self };
        let request = apart.request("GET", "/api/events").body(Full::default()).unwrap();
        let response = apart.response(request).await;
        self.cookie = apart.cookie;
        Events {
            status: response.status().as_u16(),
            body: response.into_body(),
            text: String::new(),
            _connection: apart.connection,
        }
    }

    /// TLS alone.
    pub async fn tls(&self) -> TlsStream<TcpStream> {
        tls(&self.certificate, self.address, &[&rustls::version::TLS13]).await.expect("TLS")
    }

    async fn response(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        if let Some(connection) = &mut self.connection
            && connection.ready().await.is_err()
        {
            self.connection = None;
        }
        if self.connection.is_none() {
            let (sender, connection) = http1::handshake(TokioIo::new(self.tls().await)).await.unwrap();
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        let sent = self.connection.as_mut().expect("open").send_request(request);
        let response = timeout(PATIENCE, sent).await.expect("in time").expect("an answer");
        if let Some(cookie) = response.headers().get(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict"), "{cookie}");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        response
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Refused with this reason and a sentence in Japanese.
    pub fn refused(&self, status: u16, why: &str) {
        let json = self.json();
        assert_eq!((self.status, json["answer"].as_str(), json["why"].as_str()), (status, Some("denied"), Some(why)));
        let text = json["text"].as_str().unwrap();
        assert!(text.ends_with('。') && !text.is_ascii(), "no sentence: {text}");
    }

    /// The same, with what its sentence must be like.
    pub fn refused_with(&self, status: u16, why: &str, like: impl Fn(&str) -> bool) {
        let json = self.json();
        assert_eq!((self.status, json["answer"].as_str(), json["why"].as_str()), (status, Some("denied"), Some(why)));
        assert!(like(json["text"].as_str().unwrap()), "{json}");
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }
}

/// An open event stream.
pub struct Events {
    pub status: u16,
    body: Incoming,
    text: String,
    _connection: Option<SendRequest<Full<Bytes>>>,
}

impl Events {
    /// The next state; `None` when the stream ended.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let state = event.strip_prefix("data: ").map(|data| serde_json::from_str(data).expect("JSON"));
                self.text = rest.to_owned();
                match state {
                    Some(state) => return Some(state),
                    None => continue,
                }
            }
            let frame = timeout(PATIENCE + PATIENCE, self.body.frame()).await.expect("a state or a ping in time")?;
            self.text.push_str(std::str::from_utf8(frame.ok()?.data_ref()?).unwrap());
        }
    }

    /// The first state from here on that is so.
    pub async fn until(&mut self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = timeout(PATIENCE, async {
            loop {
                last = self.next().await.expect("the stream goes on");
                if so(&last) {
                    return;
                }
            }
        });
        let found = found.await;
        assert!(found.is_ok(), "{what}: not so: {last}");
        last
    }
}

/// TLS with nothing trusted but this very certificate, name and dates checked.
pub async fn tls(
    certificate: &CertificateDer<'static>,
    address: SocketAddr,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    secure(certificate, tcp, address, versions).await
}

/// The same from an address of this machine's own choice.
pub async fn tls_from(
    source: &str,
    certificate: &CertificateDer<'static>,
    address: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(source.parse().unwrap(), 0))?;
    secure(certificate, socket.connect(address).await?, address, &[&rustls::version::TLS13]).await
}

async fn secure(
    certificate: &CertificateDer<'static>,
    tcp: TcpStream,
    address: SocketAddr,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::from(address.ip());
    timeout(PATIENCE, TlsConnector::from(Arc::new(config)).connect(name, tcp)).await.expect("in time")
}
