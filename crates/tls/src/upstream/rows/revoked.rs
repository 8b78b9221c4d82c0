//! What its issuer took back: V28.

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd};
use rustls::pki_types::CertificateRevocationListDer;
use webpki::Error;

use super::rig::*;
use crate::upstream::revocations::{RevocationError, Revocations};
use crate::upstream::verifier::Refused;

const SERIAL: u64 = 0x1234_5678;

type List = CertificateRevocationListDer<'static>;

/// A list of `ca` that names `serials`; its time is over where `is_old`.
fn list(ca: &Ca, serials: &[u64], is_old: bool) -> List {
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: if is_old { date_time_ymd(2026, 2, 1) } else { date_time_ymd(2099, 1, 1) },
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&ca.issuer).unwrap().der().clone()
}

fn set(lists: &[&List]) -> Revocations {
    Revocations::new(lists.iter().map(|list| (*list).clone())).unwrap()
}

#[test]
fn v28_what_a_list_names_is_refused() {
    let root = root("world");
    let between = root.below_with("between", |params| params.serial_number = Some(SerialNumber::from(9_u64)));
    let leaf = between.leaf();
    let chain = [&leaf, &between.der];
    let revoked = Err(Refused::Path(Error::CertRevoked));
    let ask = |lists: &[&List]| check_with(set(lists), &root, &chain);
    assert_eq!(ask(&[&list(&between, &[SERIAL], false)]), revoked, "the leaf");
    assert_eq!(ask(&[&list(&root, &[9], false)]), revoked, "its issuer");
    assert_eq!(ask(&[&list(&between, &[SERIAL], true)]), revoked, "what was revoked stays so");
    // Soft where nothing is known: no list, one of somebody else, one that does not name it, one that is old.
    let elsewhere = super::rig::root("elsewhere");
    assert_eq!(ask(&[]), Ok(()));
    assert_eq!(ask(&[&list(&elsewhere, &[SERIAL], false)]), Ok(()));
    assert_eq!(ask(&[&list(&between, &[1, 2, 3], false), &list(&root, &[], true)]), Ok(()));
}

/// A list in the name of an issuer that it did not sign hides what the real one says.
#[test]
fn v28_a_forged_list_closes_its_issuer() {
    let root = root("world");
    let forger = super::rig::root("world");
    let refused = check_with(set(&[&list(&forger, &[], false)]), &root, &[&root.leaf()]);
    assert_eq!(refused, Err(Refused::Path(Error::InvalidCrlSignatureForPublicKey)));
}

#[test]
fn v28_lists_come_from_a_folder_and_replace_those_before() {
    let root = root("world");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.crl");
    std::fs::write(folder.path().join("README"), "not a list").unwrap();
    let verifier = verifier(&[&root], true, NOW);
    let leaf = root.leaf();
    for (serials, expected) in [(&[][..], Ok(())), (&[SERIAL], Err(Refused::Path(Error::CertRevoked))), (&[], Ok(()))] {
        std::fs::write(&path, list(&root, serials, false)).unwrap();
        let read = Revocations::read_folder(folder.path()).unwrap();
        assert_eq!(read.len(), 1);
        verifier.set_revocations(read);
        assert_eq!(ask(&verifier, &[&leaf], SITE, NOW), expected);
    }
    std::fs::write(&path, b"\x30\x03not").unwrap();
    let failure = Revocations::read_folder(folder.path()).unwrap_err();
    assert!(matches!(failure, RevocationError::Unnumbered | RevocationError::Malformed { .. }), "{failure:?}");
    assert!(Revocations::read_folder(&folder.path().join("absent")).is_err());
}
