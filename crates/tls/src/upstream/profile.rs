//! Rules for the certificates of a verified path, which webpki leaves to its caller.
//!
//! Some hold for every site: keys and purposes. The others are the form that public CAs have bound themselves to
//! (RFC 5280 and the CA/Browser Forum's Baseline Requirements, BR), and hold under public roots only: a server of the
//! school's own need not be drawn up by a lawyer.

use std::net::IpAddr;

use psl::{Psl, Type};
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::oid::Oid;
use x509_parser::extensions::{GeneralName, NameConstraints, ParsedExtension, X509Extension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_PKCS1_RSAENCRYPTION,
    OID_PKIX_AUTHORITY_INFO_ACCESS, OID_SIG_ED25519, OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_CRL_DISTRIBUTION_POINTS, OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_POLICY_CONSTRAINTS,
    OID_X509_EXT_SUBJECT_ALT_NAME, OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
};
use x509_parser::public_key::PublicKey;

/// The shortest and longest RSA keys, in bits: BR 6.1.5, and what a handshake can be held up with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// RFC 5280 §4.1.2.2, with the byte of the sign.
const SERIAL_BYTES_MAX: usize = 20;

/// Extensions that decide something here or at clients, and must be readable. Others (policies, logs' receipts) are
/// read by nobody on the way, and no reason to refuse a site.
const MEANT: [Oid<'static>; 10] = [
    OID_PKIX_AUTHORITY_INFO_ACCESS,
    OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
    OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_KEY_USAGE,
    OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_POLICY_CONSTRAINTS,
    OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_SUBJECT_KEY_IDENTIFIER,
];

/// The rule that a certificate breaks, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) &'static str);

fn held(is_kept: bool, fault: &'static str) -> Result<(), Fault> {
    if is_kept { Ok(()) } else { Err(Fault(fault)) }
}

pub(crate) fn check_root(root: &X509Certificate<'_>, is_public: bool) -> Result<(), Fault> {
    check_strength(root)?;
    let usage = root.key_usage().map_err(|_| Fault("key-usage"))?;
    held(usage.is_none_or(|usage| usage.value.key_cert_sign()), "key-usage")?;
    let purposes = root.extended_key_usage().map_err(|_| Fault("purpose"))?;
    held(purposes.is_none_or(|purposes| purposes.value.server_auth || purposes.value.any), "purpose")?;
    if !is_public {
        return Ok(());
    }
    let is_ca = basic_constraints(root)?.is_some_and(|(critical, is_ca)| critical && is_ca);
    held(is_ca, "basic-constraints")?;
    // BR 7.1.2.1.2: a root is for every purpose that its certificates are for.
    held(root.extended_key_usage().is_ok_and(|purposes| purposes.is_none()), "purpose")?;
    held(root.subject().iter().next().is_some(), "subject")?;
    let own = subject_key(root)?;
    held(own.is_some(), "subject-key")?;
    // A root that another has signed names that one's key; its own, if any, where it signed itself.
    if is_self_issued(root) {
        check_own_authority_key(root, own)?
    } else {
        check_authority_key(root)?
    }
    check_constraints(root)?;
    check_extensions(root)
}

pub(crate) fn check_intermediate(intermediate: &X509Certificate<'_>, is_public: bool) -> Result<(), Fault> {
    check_strength(intermediate)?;
    let usage = intermediate.key_usage().map_err(|_| Fault("key-usage"))?;
    held(usage.is_none_or(|usage| usage.value.key_cert_sign()), "key-usage")?;
    if !is_public {
        return Ok(());
    }
    check_serial(intermediate)?;
    check_authority_key(intermediate)?;
    held(subject_key(intermediate)?.is_some(), "subject-key")?;
    held(intermediate.subject().iter().next().is_some(), "subject")?;
    check_constraints(intermediate)?;
    let policies = find(intermediate, |parsed| matches!(parsed, ParsedExtension::PolicyConstraints(_)));
    held(policies.is_none_or(|policies| policies.critical), "policy-constraints")?;
    check_extensions(intermediate)
}

pub(crate) fn check_leaf(leaf: &X509Certificate<'_>, is_public: bool) -> Result<(), Fault> {
    check_strength(leaf)?;
    let usage = leaf.key_usage().map_err(|_| Fault("key-usage"))?;
    // Every exchange that we offer is signed (RFC 8446 §4.4.2.2, RFC 5246 §7.4.2); no key is used to encrypt.
    held(usage.as_ref().is_none_or(|usage| usage.value.digital_signature()), "key-usage")?;
    if !is_public {
        return Ok(());
    }
    held(usage.is_none_or(|usage| !usage.value.key_cert_sign()), "key-usage")?;
    check_serial(leaf)?;
    check_authority_key(leaf)?;
    subject_key(leaf)?;
    // BR 7.1.2.7.10: a purpose, in an extension that is not critical, and not every purpose.
    let purposes = leaf.extended_key_usage().map_err(|_| Fault("purpose"))?;
    let is_narrow = purposes.is_some_and(|purposes| purposes.value.server_auth && !purposes.value.any);
    held(is_narrow, "purpose")?;
    let purposes = find(leaf, |parsed| matches!(parsed, ParsedExtension::ExtendedKeyUsage(_)));
    held(purposes.is_none_or(|purposes| !purposes.critical), "purpose")?;
    let constraints = find(leaf, |parsed| matches!(parsed, ParsedExtension::NameConstraints(_)));
    held(constraints.is_none(), "name-constraints")?;
    check_names(leaf)?;
    check_extensions(leaf)
}

/// Keys that can be broken, and kinds of key that no handshake of ours uses.
fn check_strength(certificate: &X509Certificate<'_>) -> Result<(), Fault> {
    let key = certificate.public_key();
    let algorithm = &key.algorithm.algorithm;
    let is_strong = if *algorithm == OID_PKCS1_RSAENCRYPTION {
        match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => is_strong_rsa(rsa.modulus),
            Ok(_) | Err(_) => false,
        }
    } else if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        curve.is_some_and(|curve| [OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521].contains(&curve))
    } else {
        *algorithm == OID_SIG_ED25519
    };
    held(is_strong, "weak-key")
}

fn is_strong_rsa(modulus: &[u8]) -> bool {
    let at = modulus.iter().position(|byte| *byte != 0).unwrap_or(modulus.len());
    let Some(significant) = modulus.get(at..) else { return false };
    let leading = significant.first().map_or(0, |byte| byte.leading_zeros());
    let bits = (significant.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or(0));
    // BR 6.1.6: a multiple of eight.
    RSA_BITS.contains(&bits) && bits % 8 == 0
}

fn check_serial(certificate: &X509Certificate<'_>) -> Result<(), Fault> {
    let serial = certificate.raw_serial();
    let is_positive = serial.first().is_some_and(|first| *first < 0x80) && serial.iter().any(|byte| *byte != 0);
    held(is_positive && serial.len() <= SERIAL_BYTES_MAX, "serial")
}

fn check_authority_key(certificate: &X509Certificate<'_>) -> Result<(), Fault> {
    let extension = find(certificate, |parsed| matches!(parsed, ParsedExtension::AuthorityKeyIdentifier(_)));
    let is_there = extension.is_some_and(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(key) => !extension.critical && key.key_identifier.is_some(),
        _ => false,
    });
    held(is_there, "authority-key")
}

fn check_own_authority_key(root: &X509Certificate<'_>, own: Option<&[u8]>) -> Result<(), Fault> {
    let extension = find(root, |parsed| matches!(parsed, ParsedExtension::AuthorityKeyIdentifier(_)));
    let Some(extension) = extension else { return Ok(()) };
    let ParsedExtension::AuthorityKeyIdentifier(authority) = extension.parsed_extension() else { return Ok(()) };
    held(authority.key_identifier.as_ref().map(|key| key.0) == own, "authority-key")?;
    let is_alone = authority.authority_cert_issuer.is_none() && authority.authority_cert_serial.is_none();
    held(is_alone && !extension.critical, "authority-key")
}

pub(crate) fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == certificate.subject().as_raw()
}

/// The subject's key identifier, which must not be critical (RFC 5280 §4.2.1.2).
fn subject_key<'a>(certificate: &'a X509Certificate<'_>) -> Result<Option<&'a [u8]>, Fault> {
    let Some(extension) = find(certificate, |parsed| matches!(parsed, ParsedExtension::SubjectKeyIdentifier(_))) else {
        return Ok(None);
    };
    held(!extension.critical, "subject-key")?;
    Ok(match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0),
        _ => None,
    })
}

fn basic_constraints(certificate: &X509Certificate<'_>) -> Result<Option<(bool, bool)>, Fault> {
    let found = certificate.basic_constraints().map_err(|_| Fault("basic-constraints"))?;
    Ok(found.map(|found| (found.critical, found.value.ca)))
}

fn check_constraints(authority: &X509Certificate<'_>) -> Result<(), Fault> {
    let extension = find(authority, |parsed| matches!(parsed, ParsedExtension::NameConstraints(_)));
    let Some(extension) = extension else { return Ok(()) };
    let ParsedExtension::NameConstraints(constraints) = extension.parsed_extension() else { return Ok(()) };
    held(extension.critical && is_constraining(constraints), "name-constraints")
}

/// RFC 5280 §4.2.1.10: at least one subtree, and names without a period before them.
fn is_constraining(constraints: &NameConstraints<'_>) -> bool {
    let subtrees = [&constraints.permitted_subtrees, &constraints.excluded_subtrees];
    let all: Vec<_> = subtrees.into_iter().flatten().flatten().collect();
    !all.is_empty()
        && all.iter().all(|subtree| !matches!(subtree.base, GeneralName::DNSName(name) if name.starts_with('.')))
}

/// BR 7.1.4.2 and 7.1.2.7.12: names are in the alternative name, once more in the common name at most.
fn check_names(leaf: &X509Certificate<'_>) -> Result<(), Fault> {
    let names = leaf.subject_alternative_name().ok().flatten().ok_or(Fault("names"))?;
    let is_nameless = leaf.subject().iter().next().is_none();
    held(names.critical == is_nameless, "names")?;
    for name in &names.value.general_names {
        if let GeneralName::DNSName(name) = name {
            held(!name.contains('_') && !is_wide(name), "names")?;
        }
    }
    for common in leaf.subject().iter_common_name() {
        let common = common.as_str().map_err(|_| Fault("common-name"))?;
        let is_said = names.value.general_names.iter().any(|name| match name {
            GeneralName::DNSName(name) => *name == common,
            GeneralName::IPAddress(bytes) => address(bytes).is_some_and(|address| address.to_string() == common),
            _ => false,
        });
        held(is_said, "common-name")?;
    }
    Ok(())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

/// A wildcard for everything below a suffix of a registry, such as `*.co.uk` (BR 3.2.2.6). Below suffixes of companies
/// they are common: `*.s3.amazonaws.com` is a site.
fn is_wide(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("*.") else { return false };
    // Below `sch.uk` every name is a suffix itself.
    [rest, &format!("any.{rest}")].into_iter().any(|name| {
        let suffix = psl::List.suffix(name.as_bytes());
        suffix.is_some_and(|suffix| suffix.as_bytes() == name.as_bytes() && suffix.typ() != Some(Type::Private))
    })
}

/// RFC 5280 §4.2: what is critical must be understood, and what is meant must be readable.
fn check_extensions(certificate: &X509Certificate<'_>) -> Result<(), Fault> {
    for extension in certificate.iter_extensions() {
        match extension.parsed_extension() {
            ParsedExtension::ParseError { .. } if MEANT.contains(&extension.oid) => return Err(Fault("extension")),
            ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::Unparsed if extension.critical => {
                return Err(Fault("extension"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn find<'a, 'b>(
    certificate: &'a X509Certificate<'b>,
    is_meant: impl Fn(&ParsedExtension<'b>) -> bool,
) -> Option<&'a X509Extension<'b>> {
    certificate.iter_extensions().find(|extension| is_meant(extension.parsed_extension()))
}
