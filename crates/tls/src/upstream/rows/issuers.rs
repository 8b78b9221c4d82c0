//! Who signed it: V01 to V04, V15 to V17, V29 to V31.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use webpki::Error;

use super::rig::*;
use crate::Authority;
use crate::signer::{Signer, SigningRequest};
use crate::upstream::profile::Fault;
use crate::upstream::provider;
use crate::upstream::roots::Roots;
use crate::upstream::verifier::{Refused, SiteVerifier};

const UNKNOWN: Result<(), Refused> = Err(Refused::Path(Error::UnknownIssuer));

#[test]
fn v01_a_self_signed_leaf_is_refused() {
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![SITE.to_owned()]).unwrap().self_signed(&key).unwrap();
    assert_eq!(check(&[&root("world")], &[leaf.der()]), UNKNOWN);
}

#[test]
fn v02_an_unknown_issuer_is_refused() {
    let (ours, theirs) = (root("world"), root("elsewhere"));
    assert_eq!(check(&[&ours], &[&ours.leaf()]), Ok(()));
    assert_eq!(check(&[&ours], &[&theirs.leaf()]), UNKNOWN);
    assert_eq!(check(&[&ours], &[&theirs.leaf(), &theirs.der]), UNKNOWN, "a root that is sent is not a root");
    assert_eq!(check(&[], &[&ours.leaf()]), UNKNOWN);
}

#[test]
fn v03_a_changed_signature_is_refused() {
    let (root, now) = (root("world"), check);
    let between = root.below("between");
    let changed = |der: &Der| {
        let mut bytes = der.to_vec();
        let at = bytes.len() - 10;
        bytes[at] ^= 1;
        CertificateDer::from(bytes)
    };
    let leaf = between.leaf();
    assert_eq!(now(&[&root], &[&leaf, &between.der]), Ok(()));
    let bad = Err(Refused::Path(Error::InvalidSignatureForPublicKey));
    assert_eq!(now(&[&root], &[&changed(&leaf), &between.der]), bad);
    assert_eq!(now(&[&root], &[&leaf, &changed(&between.der)]), bad);
}

/// "Fake GeoTrust": the name of a real root and another key.
#[test]
fn v04_a_root_of_the_same_name_is_refused() {
    let (real, fake) = (root("GeoTrust"), root("GeoTrust"));
    let bad = Err(Refused::Path(Error::InvalidSignatureForPublicKey));
    assert_eq!(check(&[&real], &[&fake.leaf()]), bad);
    assert_eq!(check(&[&real], &[&fake.leaf(), &fake.der]), bad);
}

#[test]
fn v15_a_leaf_that_signs_is_refused() {
    let root = root("world");
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa] {
        let between = root.below_with("between", |params| params.is_ca = is_ca);
        assert_eq!(check(&[&root], &[&between.leaf(), &between.der]), Err(Refused::Path(Error::EndEntityUsedAsCa)));
    }
    // A site's certificate that was issued for its name, used to sign another.
    let (site, key) = root.site(|_| {});
    let params = CertificateParams::new(vec![SITE.to_owned()]).unwrap();
    let thief = Ca { der: site.clone(), issuer: Issuer::new(params, key) };
    assert!(check(&[&root], &[&thief.leaf(), &site]).is_err());
}

#[test]
fn v16_a_version_1_intermediate_is_refused() {
    let root = root("world");
    let folder = tempfile::tempdir().unwrap();
    root.write(folder.path());
    let between = root.below("between");
    std::fs::write(folder.path().join("between.key"), between.issuer.key().serialize_pem()).unwrap();
    openssl(folder.path(), "req -new -key between.key -subj /CN=between -out between.csr");
    // Without extensions `openssl` writes version 1.
    openssl(folder.path(), "x509 -req -in between.csr -CA ca.pem -CAkey ca.key -days 30000 -out between.pem");
    let old = CertificateDer::from_pem_slice(&std::fs::read(folder.path().join("between.pem")).unwrap()).unwrap();
    let leaf = between.leaf();
    assert_eq!(check(&[&root], &[&leaf, &between.der]), Ok(()));
    assert_eq!(check(&[&root], &[&leaf, &old]), Err(Refused::Path(Error::UnsupportedCertVersion)));
}

#[test]
fn v17_a_path_longer_than_its_ca_allows_is_refused() {
    let root = root("world");
    let limited =
        |length| move |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
    let none = root.below_with("no more", limited(0));
    assert_eq!(check(&[&root], &[&none.leaf(), &none.der]), Ok(()));
    let below = none.below("below");
    let too_long = Err(Refused::Path(Error::PathLenConstraintViolated));
    assert_eq!(check(&[&root], &[&below.leaf(), &below.der, &none.der]), too_long);
    let one = root.below_with("one more", limited(1));
    let widened = one.below_with("widened", limited(7));
    let last = widened.below("last");
    assert_eq!(check(&[&root], &[&widened.leaf(), &widened.der, &one.der]), Ok(()));
    assert_eq!(check(&[&root], &[&last.leaf(), &last.der, &widened.der, &one.der]), too_long);
}

/// The certificates themselves, as their makers installed them.
#[test]
fn v29_roots_that_were_sold_with_their_key_are_left_out() {
    let mut roots = Roots::refusing(&[]);
    for pem in
        [include_bytes!("../fixtures/superfish.pem").as_slice(), include_bytes!("../fixtures/dsdtestprovider.pem")]
    {
        roots.add(&CertificateDer::from_pem_slice(pem).unwrap(), |_| false, at(NOW));
    }
    assert_eq!(roots.count(), (0, 0));
    let left_out: Vec<_> = roots.left_out().iter().map(|root| root.why).collect();
    assert_eq!(left_out, ["known-bad", "known-bad"]);
    assert!(roots.left_out()[0].subject.contains("Superfish"));
}

/// As DigiNotar's and CNNIC's were: below a root that is believed.
#[test]
fn v29_a_refused_key_is_refused_anywhere_in_a_chain() {
    let root = root("world");
    let between = root.below("between");
    let (leaf, chain) = (between.leaf(), verifier(&[&root], true, NOW));
    assert_eq!(ask(&chain, &[&leaf, &between.der], SITE, NOW), Ok(()));
    for bad in [&between.der, &leaf] {
        let mut roots = Roots::refusing(std::slice::from_ref(bad));
        roots.add(&root.der, |_| true, at(NOW));
        let verifier = SiteVerifier::new(roots, provider().signature_verification_algorithms);
        let refused = ask(&verifier, &[&leaf, &between.der], SITE, NOW);
        assert_eq!(refused, Err(Refused::Fault(Fault("known-bad"))));
    }
}

/// Also where somebody has installed it in the platform's store, and where a believed root has signed it.
#[tokio::test]
async fn v30_our_own_ca_proves_nothing_outside() {
    let keys = tempfile::tempdir().unwrap();
    let own = Authority::load_or_make(keys.path(), "Riverside Primary", schoolgate_runtime::Clock::system()).unwrap();
    let key = KeyPair::generate().unwrap();
    let public_key = rcgen::PublicKeyData::subject_public_key_info(&key);
    let signed = own.sign(SigningRequest { host: SITE.parse().unwrap(), public_key }).await.unwrap();
    let now = rustls::pki_types::UnixTime::now();
    let world = root("world");
    let mut roots = Roots::refusing(&[own.certificate()]);
    for root in [&own.certificate(), &world.der] {
        roots.add(root, |_| false, now);
    }
    assert_eq!((roots.count().0, roots.left_out()[0].why), (1, "own-ca"));
    let verifier = SiteVerifier::new(roots, provider().signature_verification_algorithms);
    let name = rustls::pki_types::ServerName::try_from(SITE).unwrap();
    let verdict = verifier.verify(&signed.certificate, &[own.certificate()], &name, now);
    assert_eq!(verdict, Err(Refused::Path(Error::UnknownIssuer)));
}

#[test]
fn v31_incomplete_reversed_and_crossed_chains() {
    let root = root("world");
    let upper = root.below("upper");
    let lower = upper.below("lower");
    let leaf = lower.leaf();
    assert_eq!(check(&[&root], &[&leaf]), UNKNOWN, "nothing is fetched");
    assert_eq!(check(&[&root], &[&leaf, &lower.der]), UNKNOWN);
    assert_eq!(check(&[&root], &[&leaf, &lower.der, &upper.der]), Ok(()));
    assert_eq!(check(&[&root], &[&leaf, &upper.der, &lower.der]), Ok(()), "the order is not looked at");
    assert_eq!(check(&[&root], &[&leaf, &root.der, &upper.der, &lower.der]), Ok(()));
    // One key, signed by a root of yesterday and one of today: either is enough, and a dead way does not hide the other.
    let yesterday = super::rig::root("yesterday");
    let params = || {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "lower");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(rcgen::SerialNumber::from(7_u64));
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        params
    };
    let crossed = params().signed_by(lower.issuer.key(), &yesterday.issuer).unwrap().der().clone();
    for chain in [vec![&leaf, &crossed, &lower.der, &upper.der], vec![&leaf, &lower.der, &upper.der, &crossed]] {
        assert_eq!(check(&[&root], &chain), Ok(()));
        assert_eq!(check(&[&yesterday], &chain), Ok(()));
    }
}
