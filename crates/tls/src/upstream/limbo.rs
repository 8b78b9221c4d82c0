//! The check of sites' certificates on the chains of x509-limbo: broken ones that somebody, somewhere, has accepted.
//!
//! The chains are not in this repository. Where the shared data is not there, the tests beside this one make the most
//! common faults themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use serde::Deserialize;

use super::*;

/// Chains that the collection calls good and that are refused, by the reason why.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "the common name is not among the alternative names, as BR 7.1.4.3 wants it and webpki::cn::not-in-san tests it",
        &[
            "rfc5280::nc::permitted-dns-match-more",
            "rfc5280::nc::permitted-ipv4-match",
            "rfc5280::nc::permitted-ipv6-match",
            "webpki::nc::nc-permits-dns-san-pattern",
            "webpki::san::exact-localhost-ip-san",
            "webpki::san::leftmost-wildcard-san",
        ],
    ),
    (
        "two keys with one name are tried in an order that runs out: webpki does not know self-issued certificates",
        &["pathlen::self-issued-certs-pathlen", "rfc5280::nc::permitted-self-issued"],
    ),
    (
        "a CA's own certificate as a site's, which browsers refuse too (webpki::ca-as-leaf is its twin)",
        &["pathlen::validation-ignores-pathlen-in-leaf", "rfc5280::ca-as-leaf"],
    ),
    (
        "contradicted by another of the collection (rfc5280::aki::cross-signed-root-missing-aki, webpki::eku::ee-without-eku, rfc5280::nc::permitted-dns-match-noncritical); the stricter is kept",
        &["cve::cve-2024-0567", "rfc5280::eku::ee-without-eku", "webpki::nc::permitted-dns-match-noncritical"],
    ),
];

#[derive(Deserialize)]
struct Limbo {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    validation_kind: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<PeerName>,
    max_chain_depth: Option<usize>,
    #[serde(default)]
    crls: Vec<String>,
}

#[derive(Deserialize)]
struct PeerName {
    value: String,
}

fn shared_data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = option_env!("SCHOOLGATE_SHARED_DATA").map_or(beside, PathBuf::from);
    Some(data.join("tls/x509-limbo.json.zst")).filter(|path| path.exists())
}

fn read() -> Option<Limbo> {
    let file = std::fs::File::open(shared_data()?).unwrap();
    Some(serde_json::from_reader(zstd::Decoder::new(file).unwrap()).unwrap())
}

fn is_accepted(case: &Case) -> Option<bool> {
    let certificate = |pem: &String| CertificateDer::from_pem_slice(pem.as_bytes()).ok();
    let name = ServerName::try_from(case.expected_peer_name.as_ref()?.value.clone()).ok()?;
    let at: Timestamp = match &case.validation_time {
        Some(time) => time.parse().ok()?,
        None => "2024-06-01T00:00Z".parse().ok()?,
    };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.as_second()).ok()?));
    let mut roots = Roots::refusing(&[]);
    for root in case.trusted_certs.iter().filter_map(certificate) {
        roots.add(&root, |_| true, now);
    }
    let mut verifier = SiteVerifier::new(roots, provider().signature_verification_algorithms);
    verifier.depth_max = case.max_chain_depth.unwrap_or(verifier.depth_max);
    let lists = case.crls.iter().filter_map(|pem| CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).ok());
    // A list that cannot be read is no ground to believe in a certificate.
    let Ok(revocations) = Revocations::new(lists) else { return Some(false) };
    verifier.set_revocations(revocations);
    let Some(peer) = certificate(&case.peer_certificate) else { return Some(false) };
    let between: Vec<CertificateDer<'_>> = case.untrusted_intermediates.iter().filter_map(certificate).collect();
    Some(verifier.verify(&peer, &between, &name, now).is_ok())
}

/// The list of good chains that are refused may hold no more than it must.
#[test]
fn limbo_accepts_no_broken_chain_and_refuses_only_what_is_listed() {
    let Some(limbo) = read() else { return };
    let (mut accepted, mut refused, mut right) = (BTreeSet::new(), BTreeSet::new(), 0);
    for case in limbo.testcases.iter().filter(|case| case.validation_kind == "SERVER") {
        match (is_accepted(case), case.expected_result == "SUCCESS") {
            (Some(true), false) => _ = accepted.insert(case.id.as_str()),
            (Some(false), true) => _ = refused.insert(case.id.as_str()),
            (Some(_), _) => right += 1,
            // Without a name to be checked, this is no site.
            (None, _) => {}
        }
    }
    assert_eq!(accepted, BTreeSet::new(), "accepted");
    let listed: BTreeSet<&str> = REFUSED.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    assert_eq!(refused, listed, "refused");
    assert!(160 < right, "only {right} chains were checked");
}
