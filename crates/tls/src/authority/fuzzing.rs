//! What fuzz targets call: the public key that a gateway wants a certificate for. Whoever has taken a gateway over chooses
//! its every byte.

use std::sync::LazyLock;

use jiff::Timestamp;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::ca::{self, Ca};
use crate::signer::SigningRequest;

static CA: LazyLock<Option<(Ca, Timestamp)>> = LazyLock::new(|| {
    let now = Timestamp::from_second(1_795_687_200).ok()?;
    let (key, pem) = ca::make("Riverside", now).ok()?;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    Ca::new(certificate, pem, KeyPair::from_pem(&key).ok()?).ok().map(|ca| (ca, now))
});

/// A certificate that is signed is for the host that was named and no other, is no CA's, ends within a month, and holds the
/// key that was handed in and nothing else of what was.
pub fn leaf_request(data: &[u8]) {
    let Some((ca, now)) = CA.as_ref() else { return };
    let Ok(host) = "news.example".parse() else { return };
    let request = SigningRequest { host, public_key: data.to_vec() };
    let Ok(leaf) = ca.sign(&request, "Riverside", None, *now) else { return };
    let Ok((rest, read)) = X509Certificate::from_der(&leaf.certificate) else {
        unreachable!("no certificate: {}", data.escape_ascii())
    };
    assert!(rest.is_empty() && !read.is_ca());
    assert!(read.validity().not_after.timestamp() <= now.as_second() + 31 * 86_400);
    let names = read.subject_alternative_name().ok().flatten().map(|names| &names.value.general_names);
    assert!(names.is_some_and(|names| matches!(names.as_slice(), [GeneralName::DNSName("news.example")])));
    assert_eq!(read.extensions().len(), 4, "{:?}", read.extensions());
    assert!(!read.public_key().subject_public_key.data.is_empty(), "no key");
    assert_eq!(read.public_key().raw, data);
}
