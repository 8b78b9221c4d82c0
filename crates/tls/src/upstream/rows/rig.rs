//! Certificates of our own making, and the one question that is asked of them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::upstream::roots::Roots;
use crate::upstream::verifier::{Refused, SiteVerifier};
use crate::upstream::{Revocations, provider};

/// The site of these tests.
pub(super) const SITE: &str = "news.example";
pub(super) const NOW: &str = "2026-11-24T10:00:00Z";

pub(super) type Der = CertificateDer<'static>;

/// A CA of somebody's.
pub(super) struct Ca {
    pub(super) der: Der,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

pub(super) fn at(text: &str) -> UnixTime {
    let at: Timestamp = text.parse().unwrap();
    UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().try_into().unwrap()))
}

/// Drawn up as public CAs draw them up.
fn common(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(SerialNumber::from(0x1234_5678_u64));
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = common(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(super) fn root(name: &str) -> Ca {
    root_with(name, |_| {})
}

pub(super) fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Ca {
    let mut params = authority(name);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    Ca { der: params.self_signed(&key).unwrap().der().clone(), issuer: Issuer::new(params, key) }
}

impl Ca {
    pub(super) fn below(&self, name: &str) -> Self {
        self.below_with(name, |_| {})
    }

    pub(super) fn below_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self { der: params.signed_by(&key, &self.issuer).unwrap().der().clone(), issuer: Issuer::new(params, key) }
    }

    pub(super) fn leaf(&self) -> Der {
        self.leaf_with(|_| {})
    }

    pub(super) fn leaf_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Der {
        self.site(change).0
    }

    pub(super) fn site(&self, change: impl FnOnce(&mut CertificateParams)) -> (Der, KeyPair) {
        let mut params = common(SITE);
        params.subject_alt_names = CertificateParams::new(vec![SITE.to_owned()]).unwrap().subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key)
    }

    /// The CA's key and certificate as files for `openssl`.
    pub(super) fn write(&self, folder: &Path) {
        std::fs::write(folder.join("ca.key"), self.issuer.key().serialize_pem()).unwrap();
        std::fs::write(folder.join("ca.der"), &self.der).unwrap();
        openssl(folder, "x509 -inform DER -in ca.der -out ca.pem");
    }
}

/// A verifier that trusts these, as public CAs or as the school's own.
pub(super) fn verifier(roots: &[&Ca], is_public: bool, now: &str) -> SiteVerifier {
    let mut all = Roots::refusing(&[]);
    for root in roots {
        all.add(&root.der, |_| is_public, at(now));
    }
    SiteVerifier::new(all, provider().signature_verification_algorithms)
}

pub(super) fn ask(verifier: &SiteVerifier, chain: &[&Der], name: &str, now: &str) -> Result<(), Refused> {
    let [leaf, rest @ ..] = chain else { panic!("no leaf") };
    let rest: Vec<Der> = rest.iter().map(|one| (*one).clone()).collect();
    verifier.verify(leaf, &rest, &ServerName::try_from(name.to_owned()).unwrap(), at(now))
}

/// The same verdict under a public root and under one of the school's.
pub(super) fn check(roots: &[&Ca], chain: &[&Der]) -> Result<(), Refused> {
    let own = ask(&verifier(roots, false, NOW), chain, SITE, NOW);
    let public = ask(&verifier(roots, true, NOW), chain, SITE, NOW);
    assert_eq!(own, public);
    own
}

/// Under a public root, whose CA has bound itself to more.
pub(super) fn check_public(roots: &[&Ca], chain: &[&Der]) -> Result<(), Refused> {
    ask(&verifier(roots, true, NOW), chain, SITE, NOW)
}

pub(super) fn check_with(lists: Revocations, root: &Ca, chain: &[&Der]) -> Result<(), Refused> {
    let verifier = verifier(&[root], true, NOW);
    verifier.set_revocations(lists);
    ask(&verifier, chain, SITE, NOW)
}

/// Runs `openssl` in `folder`; what it makes, rcgen will not.
#[track_caller]
pub(super) fn openssl(folder: &Path, line: &str) {
    let done = Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A certificate for the site that `openssl` signs with the CA's key: `key` makes `leaf.key`, `how` signs.
pub(super) fn signed_by_openssl(ca: &Ca, key: &[&str], how: &str) -> Der {
    let folder = tempfile::tempdir().unwrap();
    ca.write(folder.path());
    for line in key {
        openssl(folder.path(), line);
    }
    let form = format!(
        "subjectAltName=DNS:{SITE}\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\n"
    );
    std::fs::write(folder.path().join("form"), form).unwrap();
    openssl(folder.path(), &format!("req -new -key leaf.key -subj /CN={SITE} -out leaf.csr"));
    openssl(folder.path(), &format!("x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -days 30000 -out leaf.pem {how}"));
    CertificateDer::from_pem_slice(&std::fs::read(folder.path().join("leaf.pem")).unwrap()).unwrap()
}
