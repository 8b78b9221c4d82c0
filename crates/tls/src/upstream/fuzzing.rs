//! What fuzz targets call: certificates and revocation lists, as sites and folders have them.

use rustls::pki_types::CertificateRevocationListDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::profile::{check_intermediate, check_leaf, check_root};
use super::revocations::{Revocations, decode};

/// What is good enough for a public CA is for a school's own as well.
pub fn certificate(data: &[u8]) {
    let Ok((_, read)) = X509Certificate::from_der(data) else { return };
    for check in [check_root, check_intermediate, check_leaf] {
        assert!(check(&read, true).is_err() || check(&read, false).is_ok());
    }
}

/// One list in, one list held; in PEM it is the same list.
pub fn revocation_list(data: &[u8]) {
    let Some(list) = decode(data) else { return };
    let is_one = Revocations::new([list.clone()]).is_ok_and(|lists| lists.len() == 1 && !lists.is_empty());
    let text = data_encoding::BASE64.encode(&list);
    let pem = format!("-----BEGIN X509 CRL-----\n{text}\n-----END X509 CRL-----\n");
    let Some(again) = decode(pem.as_bytes()) else { unreachable!("{pem}") };
    assert_eq!(again, list);
    assert_eq!(Revocations::new([again]).is_ok(), is_one);
    let twice: [CertificateRevocationListDer<'static>; 2] = [list.clone(), list];
    assert_eq!(Revocations::new(twice).is_ok(), is_one);
}
