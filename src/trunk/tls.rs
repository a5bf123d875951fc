//! TLS 1.3 between two raw public keys (RFC 7250): no CA, no names, no dates, no tickets, no resumption, no early data.
//!
//! A [`Secured`] stream exists only after the handshake, in which each side proved a key that the other side trusts. Whatever
//! parses messages takes a `Secured`, so no byte of a stranger gets that far.

use super::identity::Identity;
use super::key::PeerKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::{CryptoProvider, ring as provider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error,
    PeerIncompatible, ServerConfig, SignatureScheme,
};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// What a connection is for; settled in the handshake (ALPN), before anything is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Heartbeat, signalling, modes.
    Control,
    /// Documents, bundles.
    Bulk,
    /// Two boxes that do not know each other yet.
    Pairing,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::Control, Self::Bulk, Self::Pairing];

    const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Control => b"engawa/1",
            Self::Bulk => b"engawa-bulk/1",
            Self::Pairing => b"engawa-pair/1",
        }
    }
}

/// Whose key is good enough.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trust {
    /// The pinned peer and nobody else.
    Only(PeerKey),
    /// Anybody but ourselves: for pairing, where the code decides.
    AnyoneBut(PeerKey),
}

/// A connection whose far end proved that it holds [`Secured::peer_key`].
pub(super) struct Secured {
    /// The stream; closing it says so to the peer.
    pub(super) stream: TlsStream<TcpStream>,
    /// Settled by both ends.
    pub(super) purpose: Purpose,
    /// The far end's key, trusted or, when pairing, about to be.
    pub(super) peer_key: PeerKey,
    /// The peer's socket.
    pub(super) peer: SocketAddr,
    /// Our socket.
    pub(super) own: SocketAddr,
}

impl Secured {
    fn new(stream: TlsStream<TcpStream>) -> io::Result<Self> {
        let (tcp, session) = stream.get_ref();
        let alpn = session.alpn_protocol();
        let purpose = Purpose::ALL.into_iter().find(|purpose| alpn == Some(purpose.alpn()));
        let purpose = purpose.ok_or_else(|| io::Error::other(Error::NoApplicationProtocol))?;
        let key = session.peer_certificates().and_then(|keys| PeerKey::from_spki(keys.first()?).ok());
        let peer_key = key.ok_or_else(|| io::Error::other(Error::NoCertificatesPresented))?;
        let (peer, own) = (canonical(tcp.peer_addr()?), canonical(tcp.local_addr()?));
        Ok(Self { stream, purpose, peer_key, peer, own })
    }

    /// Bytes that only the two ends of this very connection know (RFC 8446 §7.5).
    pub(super) fn exported<const N: usize>(&self, label: &[u8]) -> io::Result<[u8; N]> {
        let exported = match &self.stream {
            TlsStream::Client(stream) => stream.get_ref().1.export_keying_material([0; N], label, None),
            TlsStream::Server(stream) => stream.get_ref().1.export_keying_material([0; N], label, None),
        };
        exported.map_err(io::Error::other)
    }

    /// For socket options.
    pub(super) fn socket(&self) -> socket2::SockRef<'_> {
        socket2::SockRef::from(self.stream.get_ref().0)
    }
}

/// The dialling end for one purpose.
pub(super) fn connector(identity: &Identity, trust: Trust, purpose: Purpose) -> Result<TlsConnector, Error> {
    let mut config = ClientConfig::builder_with_details(crypto(), Arc::new(NoTime))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(trust)))
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(own_key(identity)?)));
    config.alpn_protocols = vec![purpose.alpn().to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.enable_early_data = false;
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The listening end for some purposes.
pub(super) fn acceptor(identity: &Identity, trust: Trust, purposes: &[Purpose]) -> Result<TlsAcceptor, Error> {
    let mut config = ServerConfig::builder_with_details(crypto(), Arc::new(NoTime))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(Verifier::new(trust)))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(own_key(identity)?)));
    config.alpn_protocols = purposes.iter().map(|purpose| purpose.alpn().to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// TLS on a socket that was dialled. The peer may still refuse **our** key: that shows at the first read.
pub(super) async fn connect(connector: &TlsConnector, tcp: TcpStream) -> io::Result<Secured> {
    let name = ServerName::try_from("engawa").map_err(io::Error::other)?;
    Secured::new(connector.connect(name, tcp).await?.into())
}

/// TLS on a socket that was accepted.
pub(super) async fn accept(acceptor: &TlsAcceptor, tcp: TcpStream) -> io::Result<Secured> {
    match acceptor.accept(tcp).into_fallible().await {
        Ok(stream) => Secured::new(stream.into()),
        Err((error, mut tcp)) => {
            if tls_error(&error).is_some_and(|tls| is_about_keys(tls) || matches!(tls, Error::NoApplicationProtocol)) {
                linger(&mut tcp).await;
            }
            Err(error)
        }
    }
}

/// The TLS error inside an I/O error.
pub(super) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// Whether it says that one side does not trust the other's key.
pub(super) fn is_about_keys(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(_))
        || matches!(error, Error::AlertReceived(AlertDescription::AccessDenied | AlertDescription::DecryptError))
}

/// IPv4 addresses as such, also on a dual-stack socket: candidates and log lines are compared with them.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Closing with unread bytes would reset the connection before a person at the other box could be told why.
async fn linger(tcp: &mut TcpStream) {
    let _ = tcp.shutdown().await;
    let mut rest = tcp.take(LINGER_BYTES);
    let _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    crypto: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(trust: Trust) -> Self {
        Self { trust, crypto: crypto() }
    }

    fn check(&self, key: &CertificateDer<'_>, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let trusted = match (PeerKey::from_spki(key), self.trust) {
            (Ok(key), Trust::Only(pinned)) => key == pinned,
            (Ok(key), Trust::AnyoneBut(own)) => key != own,
            (Err(_), Trust::Only(_) | Trust::AnyoneBut(_)) => false,
        };
        if trusted && chain.is_empty() { Ok(()) } else { Err(CertificateError::ApplicationVerificationFailure.into()) }
    }
}

/// What both ends' verifiers share: TLS 1.3 only, Ed25519 only, raw public keys only.
macro_rules! signed_by_raw_keys {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(PeerIncompatible::Tls12NotOffered.into())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            key: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let spki = SubjectPublicKeyInfoDer::from(key.as_ref());
            verify_tls13_signature_with_raw_key(
                message,
                &spki,
                signature,
                &self.crypto.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    };
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        key: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(key, chain).map(|()| ServerCertVerified::assertion())
    }

    signed_by_raw_keys!();
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        key: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(key, chain).map(|()| ClientCertVerified::assertion())
    }

    signed_by_raw_keys!();
}

/// Raw public keys have no dates: the wall clock is never asked, so it can be as wrong as it likes.
#[derive(Debug)]
struct NoTime;

impl TimeProvider for NoTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::ZERO))
    }
}

fn crypto() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: vec![provider::kx_group::X25519], ..provider::default_provider() })
}

fn own_key(identity: &Identity) -> Result<Arc<CertifiedKey>, Error> {
    let secret = provider::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(identity.pkcs8()))?;
    let public = CertificateDer::from(identity.public_key().spki().to_vec());
    Ok(Arc::new(CertifiedKey::new(vec![public], secret)))
}

/// How long a refused peer gets to read why.
const LINGER: Duration = Duration::from_millis(300);
const LINGER_BYTES: u64 = 16 * 1024;
