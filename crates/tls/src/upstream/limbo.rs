//! The check of sites' certificates on the chains of x509-limbo: broken ones that somebody, somewhere, has accepted.
//!
//! The chains are not in this repository. Where the shared data is not there, the tests beside this one make the most
//! common faults themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde::Deserialize;

use super::*;

/// Revocation lists are not fetched yet, so these are not asked.
const NOT_ASKED: &str = "crl::";

/// Chains that the collection calls broken and that are accepted, by the reason why that is borne.
const BORNE: &[(&str, &[&str])] = &[
    (
        "the caller sets no such depth",
        &["pathlen::max-chain-depth-0-exhausted", "pathlen::max-chain-depth-1-exhausted"],
    ),
    (
        "key identifiers only help to find an issuer; the signature decides",
        &[
            "rfc5280::aki::critical-aki",
            "rfc5280::aki::leaf-missing-aki",
            "rfc5280::aki::intermediate-missing-aki",
            "rfc5280::aki::cross-signed-root-missing-aki",
            "rfc5280::ski::critical-ski",
            "rfc5280::ski::root-missing-ski",
            "rfc5280::ski::intermediate-missing-ski",
            "webpki::aki::root-with-aki-missing-keyidentifier",
            "webpki::aki::root-with-aki-authoritycertissuer",
            "webpki::aki::root-with-aki-authoritycertserialnumber",
            "webpki::aki::root-with-aki-all-fields",
            "webpki::aki::root-with-aki-ski-mismatch",
        ],
    ),
    (
        "a root is trusted as the platform's store has it; expired ones are left out when the store is read",
        &[
            "rfc5280::validity::expired-root",
            "rfc5280::ca-empty-subject",
            "rfc5280::unknown-critical-extension-root",
            "rfc5280::root-missing-basic-constraints",
            "rfc5280::root-non-critical-basic-constraints",
            "rfc5280::root-inconsistent-ca-extensions",
            "webpki::eku::root-has-eku",
            "webpki::forbidden-rsa-not-divisible-by-8-in-root",
        ],
    ),
    (
        "a common name is not read, so it cannot mislead",
        &[
            "webpki::cn::ipv4-hex-mismatch",
            "webpki::cn::ipv4-leading-zeros-mismatch",
            "webpki::cn::ipv6-uppercase-mismatch",
            "webpki::cn::ipv6-uncompressed-mismatch",
            "webpki::cn::ipv6-non-rfc5952-mismatch",
            "webpki::cn::punycode-not-in-san",
            "webpki::cn::utf8-vs-punycode-mismatch",
            "webpki::cn::not-in-san",
            "webpki::cn::case-mismatch",
        ],
    ),
    (
        "no such key can sign a handshake, which ends there",
        &[
            "webpki::forbidden-p192-leaf",
            "webpki::forbidden-dsa-leaf",
            "webpki::forbidden-weak-rsa-in-leaf",
            "webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf",
        ],
    ),
    (
        "the form is wrong, the constraint is kept all the same, or constrains nobody",
        &[
            "rfc5280::nc::permitted-dns-match-noncritical",
            "rfc5280::nc::invalid-dnsname-leading-period",
            "rfc5280::nc::not-allowed-in-ee-noncritical",
            "rfc5280::nc::not-allowed-in-ee-critical",
            "rfc5280::pc::ica-noncritical-pc",
            "webpki::nc::intermediate-permitted-excluded-subtrees-both-null",
            "webpki::nc::intermediate-permitted-excluded-subtrees-both-empty-sequences",
        ],
    ),
    (
        "the purpose is not narrowed, or in a form that browsers bear",
        &["webpki::eku::ee-anyeku", "webpki::eku::ee-critical-eku", "webpki::eku::ee-without-eku"],
    ),
    (
        "a wildcard of a public suffix is for its issuer to refuse; browsers see the same names",
        &[
            "webpki::san::public-suffix-multi-label-wildcard-san",
            "webpki::san::public-suffix-private-namespace-wildcard-san",
        ],
    ),
    (
        "a fault of form that says nothing of who the site is",
        &[
            "rfc5280::san::noncritical-with-empty-subject",
            "rfc5280::san::underscore-dns",
            "rfc5280::serial::too-long",
            "rfc5280::serial::zero",
            "rfc5280::leaf-ku-keycertsign",
            "webpki::san::san-critical-with-nonempty-subject",
            "webpki::malformed-aia",
        ],
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
    let mut roots = RootCertStore::empty();
    for root in case.trusted_certs.iter().filter_map(certificate) {
        let _ = roots.add(root);
    }
    // A store from which nothing could be read trusts nobody.
    let Ok(verifier) = verifier(roots) else { return Some(false) };
    let Some(peer) = certificate(&case.peer_certificate) else { return Some(false) };
    let between: Vec<CertificateDer<'_>> = case.untrusted_intermediates.iter().filter_map(certificate).collect();
    Some(verifier.verify_server_cert(&peer, &between, &name, &[], now).is_ok())
}

#[test]
fn no_broken_chain_is_accepted() {
    let Some(limbo) = read() else { return };
    let mut wrong = Vec::new();
    let mut checked = 0;
    for case in limbo.testcases.iter().filter(|case| case.validation_kind == "SERVER") {
        let is_borne = BORNE.iter().any(|(_, ids)| ids.contains(&case.id.as_str()));
        if case.expected_result != "FAILURE" || is_borne || case.id.starts_with(NOT_ASKED) {
            continue;
        }
        match is_accepted(case) {
            Some(true) => wrong.push(case.id.as_str()),
            Some(false) => checked += 1,
            None => {}
        }
    }
    assert!(wrong.is_empty(), "accepted: {wrong:#?}");
    assert!(checked > 70, "only {checked} chains were checked");
}
