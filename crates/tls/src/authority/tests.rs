use std::os::unix::fs::PermissionsExt;

use x509_parser::extensions::GeneralName;

use super::*;

fn authority(keys: &Path) -> Authority {
    Authority::load_or_make(keys, "Riverside Primary", Clock::system()).unwrap()
}

fn leaf(authority: &Authority, host: &str) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let request = SigningRequest { host: host.parse().unwrap(), public_key: key.subject_public_key_info() };
    authority.sign_now(&request).unwrap().certificate
}

#[test]
fn the_ca_is_made_once_and_its_key_is_for_the_owner_only() {
    let keys = tempfile::tempdir().unwrap();
    let first = authority(keys.path());
    let again = authority(keys.path());
    assert_eq!(first.certificate, again.certificate);
    assert_eq!(first.generation, again.generation);
    let mode = fs::metadata(keys.path().join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_ca_can_sign_leaves_and_nothing_else() {
    let keys = tempfile::tempdir().unwrap();
    let certificate = authority(keys.path()).certificate;
    let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
    let constraints = parsed.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = parsed.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
}

#[test]
fn another_key_is_refused() {
    let keys = tempfile::tempdir().unwrap();
    authority(keys.path());
    fs::write(keys.path().join(KEY_FILE), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let failure = Authority::load_or_make(keys.path(), "Riverside Primary", Clock::system());
    assert!(matches!(failure, Err(AuthorityError::Key { source: None, .. })));
}

#[test]
fn leaves_are_short_backdated_and_named_by_alternative_name_only() {
    let keys = tempfile::tempdir().unwrap();
    let authority = authority(keys.path());
    for (host, expected) in [
        ("news.example", GeneralName::DNSName("news.example")),
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
        assert!(8 <= parsed.raw_serial().len());
        parsed.verify_signature(None).unwrap_err();
    }
}

#[test]
fn serials_differ_for_the_same_host_and_key() {
    let keys = tempfile::tempdir().unwrap();
    let authority = authority(keys.path());
    let serial =
        |certificate: &CertificateDer<'_>| X509Certificate::from_der(certificate).unwrap().1.raw_serial().to_vec();
    assert_ne!(serial(&leaf(&authority, "news.example")), serial(&leaf(&authority, "news.example")));
}

#[test]
fn a_leaf_never_outlives_the_ca() {
    let keys = tempfile::tempdir().unwrap();
    let made = authority(keys.path());
    let almost = made.not_after - SignedDuration::from_hours(5);
    let later = Authority { clock: Clock::frozen(almost), ..made };
    let certificate = leaf(&later, "news.example");
    let (_, parsed) = X509Certificate::from_der(&certificate).unwrap();
    assert_eq!(parsed.validity().not_after.timestamp(), later.not_after.as_second());
    let after = Authority { clock: Clock::frozen(later.not_after), ..later };
    let key = KeyPair::generate().unwrap();
    let request = SigningRequest { host: "a.example".parse().unwrap(), public_key: key.subject_public_key_info() };
    assert!(matches!(after.sign_now(&request), Err(SignError::AuthorityExpired)));
}
