//! One CA with its key: what it signs, and how it was made.

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
    SerialNumber, SubjectPublicKeyInfo, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use schoolgate_base::Host;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::AuthorityError;
use crate::signer::{SignError, SignedLeaf, SigningRequest};

/// Devices get the CA once; five years is a device's life at school.
const AUTHORITY_DAYS: i64 = 5 * 365;
/// Well below what browsers accept from a public CA (200 days, 47 from 2029), backdating included.
const LEAF_DAYS: i64 = 30;
/// For devices whose clock is behind.
const BACKDATE: SignedDuration = SignedDuration::from_hours(24);
/// Until the next list at the latest; clients keep one that long.
const LIST_DAYS: i64 = 7;

/// A CA and its key.
pub(super) struct Ca {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) generation: u64,
}

/// Why a certificate and a key are no CA.
pub(super) enum NotOne {
    NotACertificate,
    NotItsKey,
}

impl Ca {
    pub(super) fn new(certificate: CertificateDer<'static>, pem: String, key: KeyPair) -> Result<Self, NotOne> {
        let (not_before, not_after, generation) = {
            let (_, parsed) = X509Certificate::from_der(&certificate).map_err(|_| NotOne::NotACertificate)?;
            if parsed.public_key().raw != key.subject_public_key_info() {
                return Err(NotOne::NotItsKey);
            }
            let at = |second| Timestamp::from_second(second).map_err(|_| NotOne::NotACertificate);
            let serial = parsed.raw_serial().iter().fold(0_u64, |all, byte| all.rotate_left(8) ^ u64::from(*byte));
            let validity = parsed.validity();
            (at(validity.not_before.timestamp())?, at(validity.not_after.timestamp())?, serial)
        };
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|_| NotOne::NotACertificate)?;
        Ok(Self { certificate, pem, issuer, not_before, not_after, generation })
    }

    pub(super) fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.not_after
    }

    pub(super) fn sign(
        &self,
        request: &SigningRequest,
        school: &str,
        lists_at: Option<&str>,
        now: Timestamp,
    ) -> Result<SignedLeaf, SignError> {
        if !self.is_valid_at(now) {
            return Err(SignError::AuthorityExpired);
        }
        let failed = |source| SignError::Sign { host: request.host.clone(), source };
        let not_before = (now - BACKDATE).max(self.not_before);
        let not_after = (now + SignedDuration::from_hours(24 * LEAF_DAYS)).min(self.not_after);
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(not_before);
        params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(not_after);
        params.serial_number = Some(random_serial().ok_or(SignError::Random)?);
        // No common name: clients read the alternative name only. Who signs is said for whoever looks.
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, school);
        params.subject_alt_names = vec![alternative_name(&request.host).map_err(failed)?];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        // Windows' own TLS asks for a list of every CA, and takes silence for bad news (check table C10).
        params.crl_distribution_points = lists_at
            .map(|base| CrlDistributionPoint { uris: vec![format!("{base}/{}", list_name(self.generation))] })
            .into_iter()
            .collect();
        let public_key = SubjectPublicKeyInfo::from_der(&request.public_key).map_err(failed)?;
        // No key at all, or one in another frame than the one that would be signed.
        if public_key.der_bytes().is_empty() || public_key.subject_public_key_info() != request.public_key {
            return Err(failed(rcgen::Error::CouldNotParseKeyPair));
        }
        let signed = params.signed_by(&public_key, &self.issuer).map_err(failed)?;
        Ok(SignedLeaf {
            certificate: signed.der().clone(),
            issuer: self.certificate.clone(),
            generation: self.generation,
            not_after,
        })
    }

    /// A list that names nobody: a leaf that must go is gone in a month, and a CA is taken off the devices.
    pub(super) fn empty_list(&self, now: Timestamp) -> Result<Vec<u8>, SignError> {
        if !self.is_valid_at(now) {
            return Err(SignError::AuthorityExpired);
        }
        let number = u64::try_from(now.as_second()).unwrap_or(0);
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(1970, 1, 1) + since_epoch(now - BACKDATE),
            next_update: date_time_ymd(1970, 1, 1) + since_epoch(now + SignedDuration::from_hours(24 * LIST_DAYS)),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer).map_err(|source| SignError::List { source })?;
        Ok(list.der().to_vec())
    }
}

/// The file name of a CA's revocation list, as certificates point to it.
pub fn list_name(generation: u64) -> String {
    format!("{generation:016x}.crl")
}

/// Key and certificate in PEM.
pub(super) fn make(school: &str, now: Timestamp) -> Result<(String, String), AuthorityError> {
    let failed = |source| AuthorityError::Make { source };
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(now - BACKDATE);
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(now + SignedDuration::from_hours(24 * AUTHORITY_DAYS));
    params.serial_number = Some(random_serial().ok_or(AuthorityError::Random)?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, school);
    params.distinguished_name.push(DnType::CommonName, format!("{school} web filter"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Good for web servers only, whatever else a device would believe it about. Names are not constrained: the sites
    // that people visit have all of them.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok((key.serialize_pem(), certificate.pem()))
}

fn alternative_name(host: &Host) -> Result<SanType, rcgen::Error> {
    Ok(match host {
        Host::Name(name) => SanType::DnsName(name.as_str().try_into()?),
        Host::Address(address) => {
            let address: IpAddr = *address;
            SanType::IpAddress(address)
        }
    })
}

/// 127 random bits: positive, and not to be guessed (CA/Browser Forum asks for at least 64).
fn random_serial() -> Option<SerialNumber> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Some(SerialNumber::from_slice(&bytes))
}

/// Certificates count whole seconds from the epoch; fractions are cut.
fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0))
}
