use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use rcgen::{KeyPair, PublicKeyData};
use rustls::pki_types::{ServerName, UnixTime};
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::upstream::{Revocations, Roots};
use crate::{LeafFor, Leaves, Protocol};

const SCHOOL: &str = "Riverside Primary";

fn authority(keys: &Path) -> Authority {
    Authority::load_or_make(keys, SCHOOL, Clock::system()).unwrap()
}

fn request(host: &str) -> SigningRequest {
    let key = KeyPair::generate().unwrap();
    SigningRequest { host: host.parse().unwrap(), public_key: key.subject_public_key_info() }
}

fn leaf(authority: &Authority, host: &str) -> CertificateDer<'static> {
    authority.sign_now(&request(host)).unwrap().certificate
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

#[test]
fn c01_two_installs_have_two_cas() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = folders.each_ref().map(|folder| authority(folder.path()));
    assert_ne!(one.generation(), other.generation());
    let keys = folders.each_ref().map(|folder| fs::read(folder.path().join("ca.key.pem")).unwrap());
    assert_ne!(keys[0], keys[1]);
    let again = authority(folders[0].path());
    assert_eq!(one.certificate(), again.certificate());
    assert_eq!(one.generation(), again.generation());
}

#[test]
fn c02_the_key_is_for_its_owner_only_and_is_not_handed_out() {
    let keys = tempfile::tempdir().unwrap();
    let authority = authority(keys.path());
    authority.prepare_next(Clock::system().now() + days(30)).unwrap();
    for name in ["ca.key.pem", "ca.pem", "next-ca.key.pem", "next-ca.pem"] {
        let mode = fs::metadata(keys.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(!authority.pem().contains("PRIVATE") && !authority.pems().contains("PRIVATE"));
}

#[test]
fn c03_the_ca_can_sign_leaves_and_nothing_else() {
    let keys = tempfile::tempdir().unwrap();
    let certificate = authority(keys.path()).certificate();
    let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
    let constraints = parsed.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = parsed.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    let purposes = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.server_auth && !purposes.any && !purposes.client_auth && !purposes.code_signing);
}

#[test]
fn c04_serials_are_random_and_the_leaves_key_is_not_the_cas() {
    let keys = tempfile::tempdir().unwrap();
    let authority = authority(keys.path());
    let request = request("news.example");
    let mut serials = HashSet::new();
    for _ in 0..2_000 {
        let certificate = authority.sign_now(&request).unwrap().certificate;
        let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
        assert!(8 <= parsed.raw_serial().len() && parsed.raw_serial()[0] < 0x80);
        assert!(serials.insert(parsed.raw_serial().to_vec()));
    }
    let certificate = authority.certificate();
    let (_, ca) = X509Certificate::from_der(&certificate).unwrap();
    assert_ne!(ca.public_key().raw, request.public_key);
}

#[test]
fn another_key_is_refused() {
    let keys = tempfile::tempdir().unwrap();
    authority(keys.path());
    fs::write(keys.path().join("ca.key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let failure = Authority::load_or_make(keys.path(), SCHOOL, Clock::system());
    assert!(matches!(failure, Err(AuthorityError::Key { source: None, .. })));
}

#[test]
fn what_is_no_key_is_signed_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path());
    let whole = request("news.example");
    // A key of Ed25519 without its bits, and a key with bytes behind it.
    let empty = b"\x30\x0a\x30\x05\x06\x03\x2b\x65\x70\x03\x01\x00".to_vec();
    let longer = [&whole.public_key[..], b"more"].concat();
    for public_key in [empty, longer] {
        let request = SigningRequest { public_key, ..whole.clone() };
        assert!(matches!(authority.sign_now(&request), Err(SignError::Sign { .. })));
    }
    assert!(authority.sign_now(&whole).is_ok());
}

#[test]
fn c06_leaves_are_named_by_alternative_name_only_short_and_backdated() {
    let keys = tempfile::tempdir().unwrap();
    let authority = authority(keys.path());
    for (host, expected) in [
        ("news.example", GeneralName::DNSName("news.example")),
        ("bücher.example", GeneralName::DNSName("xn--bcher-kva.example")),
        ("192.0.2.7", GeneralName::IPAddress(&[192, 0, 2, 7])),
        ("[2001:db8::1]", GeneralName::IPAddress(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
    ] {
        let certificate = leaf(&authority, host);
        let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
        assert_eq!(parsed.subject().iter_common_name().count(), 0);
        let names = parsed.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names, vec![expected]);
        assert!(!parsed.is_ca());
        let validity = parsed.validity();
        let days = (validity.not_after.timestamp() - validity.not_before.timestamp()) / 86_400;
        assert!(days <= 90, "{days} days");
        let backdated = Clock::system().now().as_second() - validity.not_before.timestamp();
        assert!((0..=48 * 3_600).contains(&backdated));
        parsed.verify_signature(None).unwrap_err();
    }
}

/// Whether a device with these CAs believes the leaf today.
fn is_believed(device: &[CertificateDer<'static>], leaf: &SignedLeaf, now: Timestamp) -> bool {
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.as_second().try_into().unwrap()));
    let verifier = crate::upstream::verifier_of(device, now);
    let name = ServerName::try_from("news.example").unwrap();
    verifier.verify(&leaf.certificate, std::slice::from_ref(&leaf.issuer), &name, now).is_ok()
}

/// Twenty years, a week at a time: the program is started anew every half year, and devices hear of a CA only as often
/// as they are at school.
#[tokio::test]
async fn c05_twenty_years_pass_without_an_outage() {
    let keys = tempfile::tempdir().unwrap();
    let start = at("2026-11-24T10:00Z");
    let mut device = Vec::new();
    let mut generations = HashSet::new();
    let mut started = None;
    for week in 0..20 * 52 {
        let now = start + days(7 * week);
        if week % 26 == 0 {
            started = None;
        }
        let authority =
            started.take().unwrap_or_else(|| Authority::load_or_make(keys.path(), SCHOOL, Clock::frozen(now)).unwrap());
        let authority = Authority { clock: Clock::frozen(now), ..authority };
        let signed = authority.sign_now(&request("news.example")).unwrap();
        if week == 0 {
            device = authority.certificates();
        }
        assert!(is_believed(&device, &signed, now), "in week {week}");
        assert!(now + days(29) < signed.not_after, "in week {week} leaves are cut short");
        // Once in a quarter somebody looks after the devices.
        if week % 13 == 0 {
            device = authority.certificates();
        }
        generations.insert(signed.generation);
        started = Some(authority);
    }
    assert_eq!(generations.len(), 5, "each of four years and nine months");
}

#[tokio::test]
async fn c05_a_leaf_in_the_cache_is_renewed_before_it_ends() {
    let keys = tempfile::tempdir().unwrap();
    let clock = Clock::settable();
    let authority = Authority::load_or_make(keys.path(), SCHOOL, clock.clone()).unwrap();
    let leaves = Leaves::new(Arc::new(authority), clock.clone(), 16, 2).unwrap();
    let host = "news.example".parse().unwrap();
    let first = leaves.config(&host, LeafFor::Verified, Protocol::Http1).await.unwrap();
    clock.advance(days(27)).unwrap();
    let same = leaves.config(&host, LeafFor::Verified, Protocol::Http1).await.unwrap();
    assert!(Arc::ptr_eq(&first, &same));
    clock.advance(days(2)).unwrap();
    let renewed = leaves.config(&host, LeafFor::Verified, Protocol::Http1).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &renewed));
}

#[test]
fn c09_two_cas_stand_side_by_side_until_the_day_of_the_switch() {
    let keys = tempfile::tempdir().unwrap();
    let now = at("2026-11-24T10:00Z");
    let on = |day| Authority::load_or_make(keys.path(), SCHOOL, Clock::frozen(now + days(day))).unwrap();
    let first = on(0);
    let old = first.certificate();
    first.prepare_next(now + days(60)).unwrap();
    assert!(matches!(first.prepare_next(now), Err(AuthorityError::AlreadyPrepared { .. })));
    assert_eq!(first.pems().matches("BEGIN CERTIFICATE").count(), 2);
    let new = first.certificates()[1].clone();
    for (day, issuer, count) in [(0, &old, 2), (59, &old, 2), (60, &new, 1), (61, &new, 1)] {
        let authority = on(day);
        let signed = authority.sign_now(&request("news.example")).unwrap();
        assert_eq!(&signed.issuer, issuer, "on day {day}");
        assert_eq!((&authority.certificate(), authority.certificates().len()), (issuer, count), "on day {day}");
        assert!(is_believed(&[old.clone(), new.clone()], &signed, now + days(day)));
    }
    assert!(!keys.path().join("next-ca.key.pem").exists());
    // Both are kept out of what is believed of the outside: the old one's key may have been stolen.
    let own = on(61).own_certificates();
    assert_eq!(own, [new.clone(), old.clone()]);
    let roots = Roots::of_platform(&[old, new], &own, UnixTime::now());
    assert_eq!(roots.left_out().iter().filter(|root| root.subject.contains("web filter")).count(), 2);
}

/// A power cut between any two steps of the switch.
#[test]
fn c09_a_switch_that_was_broken_off_is_finished() {
    for step in 0..3 {
        let keys = tempfile::tempdir().unwrap();
        let path = |name: &str| keys.path().join(name);
        let now = at("2026-11-24T10:00Z");
        let first = Authority::load_or_make(keys.path(), SCHOOL, Clock::frozen(now)).unwrap();
        first.prepare_next(now + days(1)).unwrap();
        let new = first.certificates()[1].clone();
        if 1 <= step {
            fs::rename(path("ca.pem"), path("ca.before.0.pem")).unwrap();
        }
        if 2 <= step {
            fs::rename(path("next-ca.key.pem"), path("ca.key.pem")).unwrap();
        }
        let after = Authority::load_or_make(keys.path(), SCHOOL, Clock::frozen(now + days(2))).unwrap();
        assert_eq!(after.certificate(), new, "after step {step}");
        assert_eq!(after.certificates().len(), 1);
    }
}

/// The list is there, is signed by the CA, and a strict client believes the leaf by it.
#[tokio::test]
async fn c10_strict_clients_find_a_revocation_list() {
    let keys = tempfile::tempdir().unwrap();
    let authority = authority(keys.path()).with_lists_at("http://proxy.school.test:3128/ca/");
    let signed = authority.sign_now(&request("news.example")).unwrap();
    let (_, parsed) = X509Certificate::from_der(&signed.certificate).unwrap();
    let points = parsed.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => Some(points),
        _ => None,
    });
    let DistributionPointName::FullName(names) = points.unwrap().points[0].distribution_point.as_ref().unwrap() else {
        panic!("no full name")
    };
    let name = list_name(signed.generation);
    let expected = format!("http://proxy.school.test:3128/ca/{name}");
    assert_eq!(names[..], [GeneralName::URI(&expected)]);
    let leaves = Leaves::new(Arc::new(authority), Clock::system(), 16, 2).unwrap();
    let list = leaves.revocation_list(&name).await.unwrap();
    assert_eq!(Revocations::new([list.clone().into()]).unwrap().len(), 1);
    for wrong in ["0000000000000007.crl", "ca.key.pem", "../ca.key.pem", "", ".crl"] {
        assert_eq!(leaves.revocation_list(wrong).await, None, "{wrong}");
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("leaf.der", &signed.certificate);
    write("ca.der", &signed.issuer);
    write("list.der", &list);
    let openssl = |line: &str| {
        let done = Command::new("openssl").args(line.split(' ')).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    };
    openssl("x509 -inform DER -in leaf.der -out leaf.pem");
    openssl("x509 -inform DER -in ca.der -out ca.pem");
    openssl("crl -inform DER -in list.der -out list.pem");
    openssl("verify -x509_strict -crl_check -purpose sslserver -CAfile ca.pem -CRLfile list.pem leaf.pem");
}
