//! The box's own certificate: made once, kept over updates, so that a browser or a policy that trusts it goes on doing so.
//!
//! ```text
//!   panel-key.pem ───────── made once, ECDSA P-256 ─────────────────┐
//!   panel-certificate.pem ─ all addresses in it? ─ yes ─► used ─────┴─► TLS 1.3, 1.2
//!                                               └─ no ─► re-made with the same key
//! ```
//! Valid from 2020 to the end of 2049 whatever the clock says. A certificate that somebody else put there (the office's own
//! CA, by [`request`] and [`install`]) is used as it is and never replaced, as long as it fits the key.

use crate::durable;
use crate::model::Fingerprint;
use hyper::body::Bytes;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType, SerialNumber, date_time_ymd,
};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_rustls::TlsAcceptor;

/// What is shown to browsers now.
pub(super) struct Credentials {
    /// For the door.
    pub(super) acceptor: TlsAcceptor,
    /// For `/certificate.pem`.
    pub(super) pem: Bytes,
    /// For the kiosk screen.
    pub(super) fingerprint: Fingerprint,
    leaf: CertificateDer<'static>,
    own: bool,
}

/// Keeps key and certificate.
pub(super) struct Certificates {
    directory: PathBuf,
    name: String,
    key: KeyPair,
    kept: Mutex<Kept>,
}

struct Kept {
    addresses: BTreeSet<IpAddr>,
    current: Arc<Credentials>,
}

impl Certificates {
    /// Reads them from the state directory, or makes what is missing there.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub(super) fn load_or_make(
        directory: PathBuf,
        name: String,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> io::Result<Self> {
        let addresses = certified(addresses);
        let key = key(&directory)?;
        let current = usable(&directory, &name, &key, &addresses)?;
        if let Some(missing) = addresses.iter().find(|address| !current.covers(**address)) {
            tracing::warn!(%missing, "the panel's certificate, made elsewhere, lacks an address of this box");
        }
        let kept = Mutex::new(Kept { addresses, current: Arc::new(current) });
        Ok(Self { directory, name, key, kept })
    }

    /// What is shown now.
    pub(super) fn current(&self) -> Arc<Credentials> {
        self.lock().current.clone()
    }

    /// Makes sure that an address of this box is in the certificate. Writes to the disk when it is not: not for the loop.
    ///
    /// # Errors
    /// When a new certificate cannot be kept; the old one is shown on.
    pub(super) fn cover(&self, address: IpAddr) -> io::Result<Arc<Credentials>> {
        let mut kept = self.lock();
        let wanted = kept.current.own && is_certified(address) && !kept.current.covers(address);
        // Once for each address: whatever fails is not tried again and again.
        if wanted && kept.addresses.len() < MOST_ADDRESSES && kept.addresses.insert(address) {
            tracing::info!(%address, "the panel's certificate is looked at: this box has a new address");
            kept.current = Arc::new(usable(&self.directory, &self.name, &self.key, &kept.addresses)?);
        }
        Ok(kept.current.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials {
    /// Whether a browser that opens this address is shown a certificate for it.
    pub(super) fn covers(&self, address: IpAddr) -> bool {
        ParsedCertificate::try_from(&self.leaf)
            .and_then(|leaf| verify_server_name(&leaf, &ServerName::from(address)))
            .is_ok()
    }
}

/// A request to the office's own CA (PKCS #10, PEM) for the panel's key at these addresses. Makes the key if there is none yet.
///
/// # Errors
/// When the state directory cannot be read or written.
pub fn request(directory: &Path, name: &str, addresses: impl IntoIterator<Item = IpAddr>) -> io::Result<String> {
    let params = params(name, &certified(addresses));
    params.serialize_request(&key(directory)?).and_then(|request| request.pem()).map_err(io::Error::other)
}

/// Puts what the CA answered in place, in one step; what stood there before is kept beside it, as `.before`. A running panel
/// shows it after its next start.
///
/// # Errors
/// When it is no certificate for the panel's key, or cannot be kept; nothing is changed then.
pub fn install(
    directory: &Path,
    text: &[u8],
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Result<Installed, Refused> {
    // The file is handed out at `/certificate.pem`.
    if text.windows(SECRET.len()).any(|part| part == SECRET) {
        return Err(Refused::Secret);
    }
    let new = credentials(&key(directory)?, text.to_vec())?;
    let path = directory.join(CERTIFICATE_FILE);
    if let Some(before) = durable::read(&path, LONGEST_FILE)?.filter(|before| before != text) {
        durable::replace(&directory.join(BEFORE_FILE), &before)?;
    }
    durable::replace(&path, text)?;
    Ok(Installed { lacks: certified(addresses).into_iter().filter(|address| !new.covers(*address)).collect() })
}

/// A certificate stands in its place.
#[derive(Debug)]
pub struct Installed {
    /// Addresses of this box that are not in it: browsers there will warn.
    pub lacks: Vec<IpAddr>,
}

/// Why a certificate is not put in place.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A private key must not be handed out.
    #[error("it holds a private key; give certificates only")]
    Secret,
    /// Another form, such as DER, or something else.
    #[error("there is no certificate in it; the CA must write it as PEM (Base-64)")]
    NoCertificate,
    /// For somebody else, or the CA's own stands first.
    #[error(
        "its first certificate is not for this box's key; let the CA sign this box's request, and put that certificate first"
    )]
    OtherKey,
    /// TLS cannot use it: often of version 1, because the CA dropped the extensions.
    #[error("it cannot be used ({0}); let the CA keep the extensions of the request")]
    Unusable(rustls::Error),
    /// Key or certificate cannot be read or kept.
    #[error("key and certificate cannot be read or kept: {0}")]
    Disk(#[from] io::Error),
}

impl Refused {
    /// The sentence in Japanese.
    pub fn japanese(&self) -> String {
        match self {
            Self::Secret => "秘密鍵が入っています。証明書だけを渡してください。".into(),
            Self::NoCertificate => "証明書が入っていません。PEM（Base-64）形式で受け取ってください。".into(),
            Self::OtherKey => {
                "最初の証明書がこの箱の鍵のものではありません。この箱の申請書に署名してもらい、その証明書を先頭に置いてください。"
                    .into()
            }
            Self::Unusable(error) => format!("使えない証明書です（{error}）。申請書の拡張領域を残して署名してもらってください。"),
            Self::Disk(error) => format!("鍵と証明書を読み書きできません（{error}）。"),
        }
    }
}

/// What stands in the state directory, or a new one if that is ours and lacks an address, or makes no sense.
fn usable(directory: &Path, name: &str, key: &KeyPair, addresses: &BTreeSet<IpAddr>) -> io::Result<Credentials> {
    let path = directory.join(CERTIFICATE_FILE);
    match durable::read(&path, LONGEST_FILE)?.map(|text| credentials(key, text)) {
        Some(Ok(stored)) if !stored.own || addresses.iter().all(|address| stored.covers(*address)) => {
            return Ok(stored);
        }
        Some(Err(error)) => {
            let kept = durable::set_aside(&path)?;
            tracing::warn!(%error, kept = %kept.display(), "the panel's certificate cannot be used; a new one is made");
        }
        Some(Ok(_)) | None => {}
    }
    make(directory, name, key, addresses)
}

fn key(directory: &Path) -> io::Result<KeyPair> {
    let path = directory.join(KEY_FILE);
    if let Some(text) = durable::read(&path, LONGEST_FILE)? {
        match KeyPair::from_pem(&String::from_utf8_lossy(&text)) {
            Ok(key) => return Ok(key),
            Err(error) => {
                let kept = durable::set_aside(&path)?;
                tracing::warn!(%error, kept = %kept.display(), "the panel's key cannot be read; a new one is made");
            }
        }
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
    durable::create(&path, key.serialize_pem().as_bytes())?;
    Ok(key)
}

fn make(directory: &Path, name: &str, key: &KeyPair, addresses: &BTreeSet<IpAddr>) -> io::Result<Credentials> {
    // A number of its own: browsers refuse two certificates of one issuer with the same one.
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    serial[0] &= 0x7f;
    let mut params = params(name, addresses);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.is_ca = IsCa::ExplicitNoCa;
    let text = format!("{MARK}\n{}", params.self_signed(key).map_err(io::Error::other)?.pem()).into_bytes();
    let made = credentials(key, text.clone()).map_err(io::Error::other)?;
    durable::replace(&directory.join(CERTIFICATE_FILE), &text)?;
    Ok(made)
}

/// What a certificate says of this box, whoever signs it.
fn params(name: &str, addresses: &BTreeSet<IpAddr>) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, format!("Engawa {name}"));
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.subject_alt_names = addresses.iter().copied().map(SanType::IpAddress).collect();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// Checks that the certificate fits the key.
fn credentials(key: &KeyPair, text: Vec<u8>) -> Result<Credentials, Refused> {
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_| Refused::NoCertificate)?;
    let leaf = chain.first().cloned().ok_or(Refused::NoCertificate)?;
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, &leaf).as_ref());
    let secret = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|versions| versions.with_no_client_auth().with_single_cert(chain, secret.into()))
        .map_err(|error| {
            let other_key = matches!(error, rustls::Error::InconsistentKeys(_));
            if other_key { Refused::OtherKey } else { Refused::Unusable(error) }
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Credentials {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        own: text.starts_with(MARK.as_bytes()),
        pem: Bytes::from(text),
        fingerprint: Fingerprint(fingerprint),
        leaf,
    })
}

fn certified(addresses: impl IntoIterator<Item = IpAddr>) -> BTreeSet<IpAddr> {
    addresses.into_iter().filter(|address| is_certified(*address)).take(MOST_ADDRESSES).collect()
}

/// A browser is told by the certificate where it is; the box itself and its link know that anyway.
fn is_certified(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_unicast_link_local(),
    }
}

const KEY_FILE: &str = "panel-key.pem";
const CERTIFICATE_FILE: &str = "panel-certificate.pem";
const BEFORE_FILE: &str = "panel-certificate.pem.before";
const SECRET: &[u8] = b"PRIVATE KEY";
const MARK: &str = "Made by engawa; re-made when this box gets an address that is not in it.";
const LONGEST_FILE: u64 = 64 * 1024;
const MOST_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn load(directory: &Path, addresses: &[&str]) -> Certificates {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().expect("an address")).collect();
        Certificates::load_or_make(directory.to_owned(), "市民課".into(), addresses).expect("made")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_certificate_survives_updates_and_is_re_made_for_a_new_address_with_the_same_key() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = load(directory.path(), &["192.0.2.7", "2001:db8::7", "fe80::1"]);
        let before = first.current();
        assert!(before.covers(address("192.0.2.7")) && before.covers(address("2001:db8::7")));
        assert!(!before.covers(address("192.0.2.8")) && !before.covers(address("fe80::1")));
        for same in [&["192.0.2.7"][..], &[], &["2001:db8::7", "192.0.2.7"]] {
            assert_eq!(load(directory.path(), same).current().fingerprint, before.fingerprint);
        }
        let moved = load(directory.path(), &["192.0.2.8"]);
        assert!(moved.current().covers(address("192.0.2.8")));
        assert_ne!(moved.current().fingerprint, before.fingerprint);
        assert_eq!(moved.key.public_key_raw(), first.key.public_key_raw());
    }

    #[test]
    fn an_address_that_comes_later_is_added_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let certificates = load(directory.path(), &["192.0.2.7"]);
        let added = certificates.cover(address("192.0.2.9")).expect("kept");
        assert!(added.covers(address("192.0.2.9")) && added.covers(address("192.0.2.7")));
        for again in ["192.0.2.9", "192.0.2.7", "fe80::9"] {
            assert_eq!(certificates.cover(address(again)).expect("kept").fingerprint, added.fingerprint);
        }
        let all: Vec<IpAddr> = (0..100).map(|last| IpAddr::from([192, 0, 2, last])).collect();
        all.iter().for_each(|address| drop(certificates.cover(*address)));
        assert_eq!(certificates.lock().addresses.len(), MOST_ADDRESSES);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_set_aside_and_never_believed() {
        let directory = tempfile::tempdir().expect("a directory");
        let before = load(directory.path(), &["192.0.2.7"]).current();
        std::fs::write(directory.path().join(KEY_FILE), "garbage").expect("written");
        let after = load(directory.path(), &["192.0.2.7"]).current();
        assert_ne!(before.fingerprint, after.fingerprint);
        let aside = |name: &str| directory.path().join(format!("{name}.unreadable-1")).exists();
        assert!(aside(KEY_FILE) && aside(CERTIFICATE_FILE), "the old certificate does not fit the new key");
    }

    #[test]
    fn a_certificate_of_the_offices_own_ca_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let own = load(directory.path(), &["192.0.2.7"]).current();
        let path = directory.path().join(CERTIFICATE_FILE);
        let text = String::from_utf8(own.pem.to_vec()).expect("text").replace(MARK, "From our own CA");
        std::fs::write(&path, &text).expect("written");
        let certificates = load(directory.path(), &["192.0.2.8"]);
        certificates.cover(address("192.0.2.9")).expect("nothing to do");
        assert_eq!(certificates.current().fingerprint, own.fingerprint);
        assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
    }

    #[test]
    fn a_certificate_that_comes_while_the_panel_runs_is_not_written_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let running = load(directory.path(), &["192.0.2.7"]);
        let text = String::from_utf8(running.current().pem.to_vec()).expect("text").replace(MARK, "From our own CA");
        let lacks = [address("192.0.2.7"), address("192.0.2.8")];
        assert_eq!(install(directory.path(), text.as_bytes(), lacks).expect("it fits").lacks, lacks[1..]);
        let shown = running.cover(address("192.0.2.8")).expect("nothing is made");
        assert_eq!((&shown.pem[..], shown.own), (text.as_bytes(), false));
    }
}
