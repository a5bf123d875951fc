//! The box's own certificate: made once, kept over updates, so that a browser or a policy that trusts it goes on doing so.
//!
//! ```text
//!   panel-key.pem ───────── made once, ECDSA P-256 ─────────────────┐
//!   panel-certificate.pem ─ all addresses in it? ─ yes ─► used ─────┴─► TLS 1.3, 1.2
//!                                               └─ no ─► re-made with the same key
//! ```
//! Valid from 2020 to the end of 2049 whatever the clock says. A certificate that somebody else put there (the office's own
//! CA) is used as it is and never replaced, as long as it fits the key.

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
use std::path::PathBuf;
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
        let addresses: BTreeSet<IpAddr> =
            addresses.into_iter().filter(|address| is_certified(*address)).take(MOST_ADDRESSES).collect();
        let key = key(&directory)?;
        let path = directory.join(CERTIFICATE_FILE);
        let stored = durable::read(&path, LONGEST_FILE)?;
        let stored = match stored.map(|text| credentials(&key, text)) {
            Some(Ok(credentials)) => Some(credentials),
            Some(Err(error)) => {
                let kept = durable::set_aside(&path)?;
                tracing::warn!(%error, kept = %kept.display(), "the panel's certificate cannot be used; a new one is made");
                None
            }
            None => None,
        };
        let current = match stored {
            Some(stored) if !stored.own || addresses.iter().all(|address| stored.covers(*address)) => stored,
            Some(_) | None => make(&directory, &name, &key, &addresses)?,
        };
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
            tracing::info!(%address, "the panel's certificate is re-made: this box has a new address");
            kept.current = Arc::new(make(&self.directory, &self.name, &self.key, &kept.addresses)?);
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

fn key(directory: &std::path::Path) -> io::Result<KeyPair> {
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

fn make(
    directory: &std::path::Path,
    name: &str,
    key: &KeyPair,
    addresses: &BTreeSet<IpAddr>,
) -> io::Result<Credentials> {
    // A number of its own: browsers refuse two certificates of one issuer with the same one.
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    serial[0] &= 0x7f;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, format!("Engawa {name}"));
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = subject;
    params.subject_alt_names = addresses.iter().copied().map(SanType::IpAddress).collect();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let text = format!("{MARK}\n{}", params.self_signed(key).map_err(io::Error::other)?.pem()).into_bytes();
    let made = credentials(key, text.clone())?;
    durable::replace(&directory.join(CERTIFICATE_FILE), &text)?;
    Ok(made)
}

/// Checks that the certificate fits the key.
fn credentials(key: &KeyPair, text: Vec<u8>) -> io::Result<Credentials> {
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let leaf = chain.first().cloned().ok_or_else(|| io::Error::other("no certificate in the file"))?;
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, &leaf).as_ref());
    let secret = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|versions| versions.with_no_client_auth().with_single_cert(chain, secret.into()))
        .map_err(io::Error::other)?;
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

/// A browser is told by the certificate where it is; the box itself and its link know that anyway.
fn is_certified(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_unicast_link_local(),
    }
}

const KEY_FILE: &str = "panel-key.pem";
const CERTIFICATE_FILE: &str = "panel-certificate.pem";
const MARK: &str = "Made by engawa; re-made when this box gets an address that is not in it.";
const LONGEST_FILE: u64 = 64 * 1024;
const MOST_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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
}
