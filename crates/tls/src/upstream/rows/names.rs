//! For whom it is: V05 to V08, V35, E05.

use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, SanType};
use webpki::Error;

use super::rig::*;
use crate::upstream::profile::Fault;
use crate::upstream::verifier::Refused;

fn named(names: &[&str]) -> impl FnOnce(&mut CertificateParams) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    move |params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
    }
}

/// Whether a certificate for `names` is good for `host`.
#[track_caller]
fn is_for(names: &[&str], host: &str) -> bool {
    let root = root("world");
    let leaf = root.leaf_with(named(names));
    let verifier = verifier(&[&root], false, NOW);
    match ask(&verifier, &[&leaf], host, NOW) {
        Ok(()) => true,
        Err(Refused::Path(Error::CertNotValidForName(_) | Error::MalformedDnsIdentifier)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn v05_another_name_is_refused() {
    assert!(is_for(&["news.example"], "news.example"));
    assert!(is_for(&["news.example"], "NEWS.example"));
    for names in [&["other.example"][..], &["www.news.example"], &["example"], &["news.example.org"]] {
        assert!(!is_for(names, "news.example"), "{names:?}");
    }
}

#[test]
fn v06_the_common_name_is_not_read() {
    let root = root("world");
    let verifier = verifier(&[&root], true, NOW);
    let only_common = root.leaf_with(|params| params.subject_alt_names.clear());
    assert!(ask(&verifier, &[&only_common], SITE, NOW).is_err());
    let beside = root.leaf_with(|params| {
        params.subject_alt_names = vec![SanType::DnsName("other.example".try_into().unwrap())];
    });
    assert!(ask(&verifier, &[&beside], SITE, NOW).is_err());
    // Good for its alternative name and not the common one, which public CAs never write.
    assert_eq!(ask(&verifier, &[&beside], "other.example", NOW), Err(Refused::Fault(Fault("common-name"))));
}

#[test]
fn v07_wildcards_stand_for_one_whole_label() {
    assert!(is_for(&["*.example.com"], "news.example.com"));
    for (name, host) in [
        ("*.example.com", "example.com"),
        ("*.example.com", "a.news.example.com"),
        ("n*.example.com", "news.example.com"),
        ("*s.example.com", "news.example.com"),
        ("news.*.com", "news.example.com"),
        ("*", "example"),
    ] {
        assert!(!is_for(&[name], host), "{name} for {host}");
    }
    // Everything of a registry; a company's suffix is its own affair.
    let root = root("world");
    for (name, host, is_good) in [
        ("*.co.uk", "school.co.uk", false),
        ("*.uk", "school.uk", false),
        ("*.sch.uk", "ours.sch.uk", false),
        ("*.s3.amazonaws.com", "bucket.s3.amazonaws.com", true),
    ] {
        let leaf = root.leaf_with(named(&[name]));
        let verdict = ask(&verifier(&[&root], true, NOW), &[&leaf], host, NOW);
        assert_eq!(verdict.is_ok(), is_good, "{name}: {verdict:?}");
    }
}

#[test]
fn v08_addresses_and_punycode() {
    assert!(is_for(&["192.0.2.7"], "192.0.2.7"));
    assert!(is_for(&["2001:db8::7"], "2001:db8::7"));
    assert!(!is_for(&["192.0.2.8"], "192.0.2.7"));
    assert!(is_for(&["xn--bcher-kva.example"], "xn--bcher-kva.example"));
    assert!(!is_for(&["bucher.example"], "xn--bcher-kva.example"));
    // An address written as a name is no address.
    let root = root("world");
    let written = root.leaf_with(|params| {
        params.distinguished_name.push(DnType::CommonName, "192.0.2.7");
        params.subject_alt_names = vec![SanType::DnsName("192.0.2.7".try_into().unwrap())];
    });
    assert!(ask(&verifier(&[&root], false, NOW), &[&written], "192.0.2.7", NOW).is_err());
}

#[test]
fn v35_a_thousand_names_are_read_and_ten_thousand_are_too_many() {
    let root = root("world");
    let many = |count| {
        root.leaf_with(|params| {
            let names = (0..count).map(|number| SanType::DnsName(format!("n{number}.test").try_into().unwrap()));
            params.subject_alt_names.splice(0..0, names);
        })
    };
    assert_eq!(check(&[&root], &[&many(1_000)]), Ok(()));
    // No certificate of more than 64 KiB is read.
    assert!(check(&[&root], &[&many(10_000)]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Names end at dots: `fnsecurly.com` is not below `securly.com`.
    #[test]
    fn e05_a_name_with_letters_before_it_is_another(before in "[a-z0-9]{1,8}", label in "[a-z]{1,8}") {
        let (beside, below_beside) = (format!("{before}securly.com"), format!("{label}.{before}securly.com"));
        let below = format!("{label}.securly.com");
        prop_assert!(!is_for(&["securly.com"], &beside));
        prop_assert!(!is_for(&["*.securly.com"], &below_beside));
        prop_assert!(is_for(&["*.securly.com"], &below));
    }
}
