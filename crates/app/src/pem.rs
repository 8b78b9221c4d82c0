//! Certificates as text, and those of the school's CA for devices.

use data_encoding::BASE64;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use schoolgate_keys::sha256_hex;
use schoolgate_portal::{CaCertificate, CaFile};
use schoolgate_tls::Signer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What devices should have now and what they should have no more, as `signer` knows it.
pub(crate) fn ca_file(signer: &dyn Signer) -> CaFile {
    let (in_use, mut given) = (signer.certificate(), signer.certificates());
    given.sort_by_key(|one| *one != in_use);
    let retired = signer.own_certificates().into_iter().filter(|one| !given.contains(one)).map(|one| pem(&one));
    CaFile { retired: retired.collect(), certificates: given.iter().map(certificate).collect() }
}

fn certificate(der: &CertificateDer<'_>) -> CaCertificate {
    CaCertificate { pem: pem(der), fingerprint: fingerprint(der), valid: valid(der) }
}

fn valid(der: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let at = |second| Timestamp::from_second(second).ok();
    Some((at(parsed.validity().not_before.timestamp())?, at(parsed.validity().not_after.timestamp())?))
}

/// SHA-256 of the certificate as people compare it: `3F:9A:…`.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hex = sha256_hex(certificate).to_uppercase();
    let pairs: Vec<&str> = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2)).collect();
    pairs.join(":")
}

/// A certificate as text (RFC 7468).
pub(crate) fn pem(certificate: &CertificateDer<'_>) -> String {
    let encoded = BASE64.encode(certificate);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (at, letter) in encoded.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use schoolgate_runtime::Clock;
    use schoolgate_tls::Authority;

    use super::*;

    #[test]
    fn devices_are_given_both_cas_until_the_switch_and_told_of_the_one_before_after_it() {
        let keys = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-24T10:10:00Z".parse().unwrap();
        let (clock, day) = (Clock::frozen(now), SignedDuration::from_hours(24));
        let authority = Authority::load_or_make(keys.path(), "Riverside", clock.clone()).unwrap();
        let first = ca_file(&authority);
        assert_eq!((first.certificates.len(), first.retired.len()), (1, 0));
        authority.prepare_next(now + day).unwrap();
        let both = ca_file(&authority);
        assert_eq!((both.certificates.len(), &both.certificates[0]), (2, &first.certificates[0]));
        let (from, until) = both.certificates[1].valid.unwrap();
        assert!(from <= now && now + day * 365 < until && both.certificates[1].fingerprint.len() == 95);
        clock.set(now + day * 2).unwrap();
        authority.tend().unwrap();
        let after = ca_file(&authority);
        assert_eq!(after.certificates, both.certificates[1..]);
        assert_eq!(after.retired, [first.certificates[0].pem.clone()]);
    }
}
