//! Two ends of a trunk on loopback, and strangers of all kinds.
#![allow(clippy::wildcard_enum_match_arm, reason = "whatever else comes is a failed test")]
#![allow(dead_code, reason = "each test file uses a part")]

pub mod memory;
pub mod proxy;
pub mod raw;

use engawa::core::input::{Input, News};
use engawa::core::signal::{Heartbeat, Hello, Signal};
use engawa::documents::Documents;
use engawa::inbox::{Inbox, Mail};
use engawa::model::{BootId, Moment, Side, TrunkId, VideoCodec};
use engawa::trunk::identity::Identity;
use engawa::trunk::key::PeerKey;
use engawa::trunk::message::{self, LENGTH_BYTES};
use engawa::trunk::{Bundles, Trunk, TrunkSettings};
use engawa::update::Place;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Longer than anything here takes; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const WITHIN: Duration = Duration::from_secs(2);
pub const ANY_PORT: &str = "127.0.0.1:0";
pub const CONTROL: &[&[u8]] = &[b"engawa/1"];
pub const BULK: &[&[u8]] = &[b"engawa-bulk/1"];

/// One box's end of the trunk.
pub struct End {
    pub trunk: Trunk,
    pub inbox: Inbox,
    pub hello: Hello,
    pub documents: Documents,
    pub updates: Place,
    pub bundles: Bundles,
    pub home: TempDir,
}

impl End {
    pub async fn start(identity: &Identity, pinned: PeerKey, peer_address: Option<SocketAddr>) -> Self {
        Self::start_at(identity, pinned, peer_address, Some(ANY_PORT.parse().unwrap())).await
    }

    pub async fn start_at(
        identity: &Identity,
        pinned: PeerKey,
        peer_address: Option<SocketAddr>,
        listen: Option<SocketAddr>,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let updates = Place::of(home.path());
        let (inbox, hello, documents) = (Inbox::default(), hello(identity), Documents::default());
        let bundles = Bundles::new(updates.clone());
        let settings = TrunkSettings {
            listen,
            peer_address,
            identity: identity.clone(),
            pinned,
            hello: hello.clone(),
            documents: documents.clone(),
            bundles: bundles.clone(),
        };
        let trunk = Trunk::start(settings, inbox.clone()).await.unwrap();
        Self { trunk, inbox, hello, documents, updates, bundles, home }
    }

    pub fn address(&self) -> SocketAddr {
        self.trunk.local_addr().unwrap()
    }

    /// The next input, whatever it is.
    pub async fn next(&self) -> Input {
        match timeout(PATIENCE, self.inbox.next()).await.expect("nothing happened") {
            Mail::Urgent(input) => input,
            Mail::News(news) => panic!("the trunk has no news: {news:?}"),
        }
    }

    /// The next news.
    pub async fn news(&self) -> News {
        match timeout(PATIENCE, self.inbox.next()).await.expect("nothing happened") {
            Mail::News(news) => news,
            Mail::Urgent(input) => panic!("no news: {input:?}"),
        }
    }

    /// The next input but bulk's, which comes when it likes.
    pub async fn next_of_control(&self) -> Input {
        loop {
            match self.next().await {
                Input::BulkChanged { .. } => {}
                input => return input,
            }
        }
    }

    pub async fn opened(&self, by: Side) -> TrunkId {
        match self.next_of_control().await {
            Input::TrunkOpened { trunk, dialled_by, .. } if dialled_by == by => trunk,
            input => panic!("not opened: {input:?}"),
        }
    }

    pub async fn closed(&self, expected: TrunkId) {
        loop {
            match self.next_of_control().await {
                Input::TrunkClosed { trunk } if trunk == expected => return,
                Input::Heard { trunk, .. } if trunk == expected => {}
                input => panic!("not closed: {input:?}"),
            }
        }
    }

    pub async fn bulk(&self, expected: TrunkId) -> bool {
        match self.next().await {
            Input::BulkChanged { trunk, up } if trunk == expected => up,
            input => panic!("not bulk: {input:?}"),
        }
    }

    /// That nothing happens for `time`.
    pub async fn stays_quiet(&self, time: Duration) {
        if let Ok(mail) = timeout(time, self.inbox.next()).await {
            panic!("not quiet: {mail:?}");
        }
    }
}

pub fn hello(identity: &Identity) -> Hello {
    Hello {
        boot: BootId(u64::from(identity.public_key().box_id().0[0])),
        name: format!("box {}", identity.public_key().box_id()),
        version: "0.1.0".into(),
        codecs: vec![VideoCodec::H264, VideoCodec::Vp8],
        session_port: 5004,
    }
}

pub fn heartbeat(number: u64) -> Signal {
    Signal::Heartbeat(Box::new(Heartbeat { sent_at: Moment::from_nanos(number), ..Heartbeat::default() }))
}

pub fn identities() -> (Identity, Identity) {
    (Identity::generate().unwrap(), Identity::generate().unwrap())
}

/// `a` dials `b`; both know each other and `b` does not know where `a` is.
pub async fn linked() -> (End, TrunkId, End, TrunkId) {
    let (one, other) = identities();
    let b = End::start(&other, one.public_key(), None).await;
    let a = End::start(&one, other.public_key(), Some(b.address())).await;
    a.trunk.dial(None, WITHIN);
    let (at_a, at_b) = (a.opened(Side::Near).await, b.opened(Side::Far).await);
    (a, at_a, b, at_b)
}

/// TCP from a loopback address of one's own.
pub async fn connect_from(source: [u8; 4], to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into())?;
    socket.connect(to).await
}

/// That the other side ends the connection, cleanly or not, and sends at most an alert before.
pub async fn is_sent_away(mut tcp: impl tokio::io::AsyncRead + Unpin) {
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, tcp.read_to_end(&mut rest)).await.expect("not sent away");
    assert!(rest.len() < 4096, "a stranger was given {} bytes", rest.len());
}

/// A TLS client that can misbehave: with any key or none, and any protocol name.
pub async fn tls_client(
    to: SocketAddr,
    key: Option<&StoredIdentity>,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match key {
        Some(key) => config.with_client_cert_resolver(Arc::new(
            rustls::client::AlwaysResolvesClientRawPublicKeys::new(key.certified()),
        )),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let tcp = TcpStream::connect(to).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("x").unwrap(), tcp).await
}

/// An identity whose private key a test can use by itself.
#[derive(Clone)]
pub struct StoredIdentity {
    pub identity: Identity,
    pkcs8: Vec<u8>,
}

impl StoredIdentity {
    pub fn new() -> Self {
        Self::of(tempfile::tempdir().unwrap().path())
    }

    /// The one in this state directory.
    pub fn of(home: &std::path::Path) -> Self {
        let identity = Identity::load_or_create(home).unwrap();
        Self { identity, pkcs8: std::fs::read(home.join("identity.key")).unwrap() }
    }

    /// A listener that takes anybody's key and shows this one, for who stands in between while pairing.
    pub async fn listening_as_pairing(&self) -> (TcpListener, TlsAcceptor) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(Arc::new(Anybody))
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(self.certified())));
        config.alpn_protocols = vec![b"engawa-pair/1".to_vec()];
        (TcpListener::bind(ANY_PORT).await.unwrap(), TlsAcceptor::from(Arc::new(config)))
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        let secret = rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(&self.pkcs8[..])).unwrap();
        let public = CertificateDer::from(self.identity.public_key().spki().to_vec());
        Arc::new(CertifiedKey::new(vec![public], secret))
    }
}

/// The bytes of a hello as a box sends it.
pub fn hello_frame(identity: &Identity) -> Vec<u8> {
    message::encode_hello(&hello(identity)).unwrap()
}

/// A frame of any bytes.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let length: [u8; LENGTH_BYTES] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], body].concat()
}

#[derive(Debug)]
struct Anybody;

/// What both ends' verifiers share: nothing is verified.
macro_rules! any_signature {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519, SignatureScheme::ECDSA_NISTP256_SHA256]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    };
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    any_signature!();
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    any_signature!();
}
