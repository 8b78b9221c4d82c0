//! What it may be used for, and what is written in it: V18 to V24.

use rcgen::{
    CertificateParams, CidrSubnet, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use webpki::Error;

use super::rig::*;
use crate::upstream::profile::Fault;
use crate::upstream::verifier::Refused;

const EKU: &[u64] = &[2, 5, 29, 37];
const AIA: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
const NOBODYS: &[u64] = &[1, 3, 6, 1, 4, 1, 99_999, 7];

fn fault(word: &'static str) -> Result<(), Refused> {
    Err(Refused::Fault(Fault(word)))
}

fn extension(oid: &[u64], content: &[u8], is_critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
    extension.set_criticality(is_critical);
    extension
}

fn permitting(permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>) -> impl FnOnce(&mut CertificateParams) {
    move |params| {
        params.name_constraints = Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded });
    }
}

fn dns(name: &str) -> GeneralSubtree {
    GeneralSubtree::DnsName(name.into())
}

fn address(network: u8) -> GeneralSubtree {
    GeneralSubtree::IpAddress(CidrSubnet::V4([192, 0, network, 0], [255, 255, 255, 0]))
}

fn directory(organisation: &str) -> GeneralSubtree {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organisation);
    GeneralSubtree::DirectoryName(name)
}

#[test]
fn v18_name_constraints_are_kept() {
    let root = root("world");
    let refused = Err(Refused::Path(Error::NameConstraintViolation));
    let addressed = |params: &mut CertificateParams| {
        params.subject_alt_names.push(SanType::IpAddress("192.0.2.7".parse().unwrap()));
    };
    let mailed = |params: &mut CertificateParams| {
        params.subject_alt_names.push(SanType::Rfc822Name("head@school.example".try_into().unwrap()));
    };
    let plain = |_: &mut CertificateParams| {};
    type Change = fn(&mut CertificateParams);
    type Case = (Vec<GeneralSubtree>, Vec<GeneralSubtree>, Change, Result<(), Refused>);
    let cases: [Case; 9] = [
        (vec![dns("example")], vec![], plain, Ok(())),
        (vec![dns("other.example")], vec![], plain, refused.clone()),
        (vec![], vec![dns("news.example")], plain, refused.clone()),
        (vec![dns("example")], vec![dns("news.example")], plain, refused.clone()),
        (vec![address(2)], vec![], addressed, Ok(())),
        (vec![address(3)], vec![], addressed, refused.clone()),
        (vec![], vec![address(2)], addressed, refused.clone()),
        (vec![directory("Somebody")], vec![], plain, refused.clone()),
        (vec![GeneralSubtree::Rfc822Name("other.example".into())], vec![], mailed, refused),
    ];
    for (number, (permitted, excluded, change, expected)) in cases.into_iter().enumerate() {
        let between = root.below_with("between", permitting(permitted, excluded));
        assert_eq!(check(&[&root], &[&between.leaf_with(change), &between.der]), expected, "case {number}");
    }
}

/// A million comparisons are asked for; far fewer are made.
#[test]
fn v18_constraints_that_never_end_are_given_up() {
    let root = root("world");
    let many = (0..1_000).map(|number| dns(&format!("n{number}.example"))).collect();
    let between = root.below_with("between", permitting(Vec::new(), many));
    let leaf = between.leaf_with(|params| {
        let names = (0..1_000).map(|number| SanType::DnsName(format!("s{number}.test").try_into().unwrap()));
        params.subject_alt_names.extend(names);
    });
    let refused = check(&[&root], &[&leaf, &between.der]);
    assert_eq!(refused, Err(Refused::Path(Error::MaximumNameConstraintComparisonsExceeded)));
}

#[test]
fn v19_unknown_critical_extensions_are_refused() {
    let world = root("world");
    let unknown = |is_critical| {
        move |params: &mut CertificateParams| params.custom_extensions.push(extension(NOBODYS, &[5, 0], is_critical))
    };
    let refused = Err(Refused::Path(Error::UnsupportedCriticalExtension));
    assert_eq!(check(&[&world], &[&world.leaf_with(unknown(false))]), Ok(()));
    assert_eq!(check(&[&world], &[&world.leaf_with(unknown(true))]), refused);
    let between = world.below_with("between", unknown(true));
    assert_eq!(check(&[&world], &[&between.leaf(), &between.der]), refused);
    let odd = root_with("odd", unknown(true));
    assert!(check_public(&[&odd], &[&odd.leaf()]).is_err(), "it is no root");
}

#[test]
fn v20_malformed_extensions_and_serials_are_refused() {
    let root = root("world");
    let with = |one: CustomExtension| root.leaf_with(|params| params.custom_extensions.push(one));
    // A second purpose beside the one that is there, and one that is not of the form it should have.
    assert!(check(&[&root], &[&with(extension(EKU, &[0x30, 0], false))]).is_err());
    assert_eq!(check_public(&[&root], &[&with(extension(AIA, b"not DER", false))]), fault("extension"));
    for (serial, is_good) in [(vec![0], false), (vec![0x7f; 20], true), (vec![0x7f; 21], false)] {
        let leaf = root.leaf_with(|params| params.serial_number = Some(SerialNumber::from_slice(&serial)));
        assert_eq!(check_public(&[&root], &[&leaf]).is_ok(), is_good, "{serial:?}");
    }
    // RFC 5280 §4.1.2.2: negative; rcgen writes none, so the sign bit is set in what it has signed.
    let mut bytes = root.leaf().to_vec();
    let at = bytes.windows(4).position(|four| four == [0x12, 0x34, 0x56, 0x78]).unwrap();
    bytes[at] |= 0x80;
    assert!(check(&[&root], &[&Der::from(bytes)]).is_err());
}

#[test]
fn v21_a_leaf_that_may_not_sign_is_refused() {
    let root = root("world");
    let used = |usages: Vec<KeyUsagePurpose>| check(&[&root], &[&root.leaf_with(|params| params.key_usages = usages)]);
    assert_eq!(used(vec![]), Ok(()));
    assert_eq!(used(vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment]), Ok(()));
    assert_eq!(used(vec![KeyUsagePurpose::KeyEncipherment]), fault("key-usage"));
    assert_eq!(used(vec![KeyUsagePurpose::KeyAgreement, KeyUsagePurpose::ContentCommitment]), fault("key-usage"));
}

#[test]
fn v22_a_ca_that_may_not_sign_certificates_is_refused() {
    let world = root("world");
    let lists_only = |params: &mut CertificateParams| params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let between = world.below_with("between", lists_only);
    assert_eq!(check(&[&world], &[&between.leaf(), &between.der]), fault("key-usage"));
    let odd = root_with("odd", lists_only);
    let verifier = verifier(&[&odd], false, NOW);
    assert_eq!((verifier.roots.count().0, verifier.roots.left_out()[0].why), (0, "key-usage"));
}

#[test]
fn v23_purposes_are_kept() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    let root = root("world");
    let meant = |purposes: Vec<_>| root.leaf_with(|params| params.extended_key_usages = purposes);
    let is_wrong = |leaf: &Der| {
        let refused = check(&[&root], &[leaf]);
        assert!(matches!(refused, Err(Refused::Path(Error::RequiredEkuNotFoundContext(_)))), "{refused:?}");
    };
    assert_eq!(check(&[&root], &[&meant(vec![ServerAuth, ClientAuth])]), Ok(()));
    is_wrong(&meant(vec![ClientAuth]));
    is_wrong(&meant(vec![CodeSigning]));
    is_wrong(&meant(vec![Any]));
    // None at all, and any beside the right one: public CAs give neither.
    assert_eq!(check_public(&[&root], &[&meant(vec![])]), fault("purpose"));
    assert_eq!(check_public(&[&root], &[&meant(vec![ServerAuth, Any])]), fault("purpose"));
    let empty = root.leaf_with(|params| {
        params.extended_key_usages.clear();
        params.custom_extensions.push(extension(EKU, &[0x30, 0], false));
    });
    assert!(check(&[&root], &[&empty]).is_err());
    let between = root.below_with("between", |params| params.extended_key_usages = vec![CodeSigning]);
    is_wrong_below(&root, &between);
}

#[track_caller]
fn is_wrong_below(root: &Ca, between: &Ca) {
    let refused = check(&[root], &[&between.leaf(), &between.der]);
    assert!(matches!(refused, Err(Refused::Path(Error::RequiredEkuNotFoundContext(_)))), "{refused:?}");
}

#[test]
fn v24_a_root_for_code_is_left_out() {
    for purpose in [ExtendedKeyUsagePurpose::CodeSigning, ExtendedKeyUsagePurpose::EmailProtection] {
        let odd = root_with("code", |params| params.extended_key_usages = vec![purpose]);
        let verifier = verifier(&[&odd], false, NOW);
        assert_eq!((verifier.roots.count().0, verifier.roots.left_out()[0].why), (0, "purpose"));
    }
}
