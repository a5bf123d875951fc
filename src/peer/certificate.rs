//! The certificate that was really used: from webrtcbin's PEM text to the SHA-256 the trunk announced.

use crate::model::Fingerprint;
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// SHA-256 of the certificate's DER (RFC 8122); `None` if there is no whole certificate in the text.
///
/// webrtcbin cuts the property at 4096 bytes: a PEM without its end is no certificate.
pub(super) fn fingerprint(pem: Option<&str>) -> Option<Fingerprint> {
    let der = CertificateDer::from_pem_slice(pem?.as_bytes()).ok()?;
    if !is_one_der_value(&der) {
        return None;
    }
    let hash = digest(&SHA256, &der);
    Some(Fingerprint(hash.as_ref().try_into().ok()?))
}

/// A SEQUENCE whose length is the length of the rest (X.690 §8.1.3, long form: real certificates have 128 bytes … 64 KiB).
fn is_one_der_value(der: &[u8]) -> bool {
    match der {
        [0x30, 0x81, length, rest @ ..] => usize::from(*length) == rest.len(),
        [0x30, 0x82, high, low, rest @ ..] => usize::from(u16::from_be_bytes([*high, *low])) == rest.len(),
        [] | [_, ..] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The DER of a value of `length` bytes of 7 after its header, as PEM.
    fn pem(length: u16) -> String {
        let mut der = vec![0x30, 0x82];
        der.extend(length.to_be_bytes());
        der.extend(std::iter::repeat_n(7, usize::from(length)));
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", glib::base64_encode(&der))
    }

    #[test]
    fn a_whole_certificate_has_the_sha_256_of_its_der() {
        let text = pem(700);
        let mut der = vec![0x30, 0x82, 0x02, 0xbc];
        der.extend([7; 700]);
        assert_eq!(fingerprint(Some(&text)).expect("readable").0.as_slice(), digest(&SHA256, &der).as_ref());
    }

    #[test]
    fn a_missing_cut_or_foreign_text_is_no_certificate() {
        let long = pem(5000);
        assert_eq!(fingerprint(None), None);
        assert_eq!(fingerprint(Some("")), None);
        assert_eq!(fingerprint(Some(&long[..4096])), None, "as webrtcbin cuts it");
        assert_eq!(fingerprint(Some("not a certificate")), None);
        assert_eq!(fingerprint(Some(&pem(700).replace("CERTIFICATE", "PUBLIC KEY"))), None);
        let short = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n";
        assert_eq!(fingerprint(Some(short)), None, "a DER value that ends too early");
    }
}
