//! The school's CA: made once at install, kept in the keys folder, signing in this process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schoolgate_base::Host;
use schoolgate_runtime::Clock;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::signer::{SignError, SignedLeaf, Signer, Signing, SigningRequest};

const KEY_FILE: &str = "ca.key.pem";
const CERTIFICATE_FILE: &str = "ca.pem";

/// Devices get the CA once; five years is a device's life at school.
const AUTHORITY_DAYS: i64 = 5 * 365;
/// Well below what browsers accept from a public CA (200 days, 47 from 2029), backdating included.
const LEAF_DAYS: i64 = 30;
/// For devices whose clock is behind.
const BACKDATE: SignedDuration = SignedDuration::from_hours(24);

/// The CA with its key, in this process.
pub struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    not_before: Timestamp,
    not_after: Timestamp,
    generation: u64,
    school: String,
    clock: Clock,
}

/// Why there is no CA.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("cannot make the school's CA")]
    Make { source: rcgen::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is not the school's CA certificate")]
    Certificate { path: PathBuf },
    #[error("`{path}` does not hold the key of the school's CA")]
    Key { path: PathBuf, source: Option<rcgen::Error> },
    #[error("cannot get random bytes for a serial number")]
    Random,
}

impl Authority {
    /// Loads the CA from `keys`, or makes it there when there is none. `clock` must be the system's: devices judge
    /// certificates by theirs.
    pub fn load_or_make(keys: &Path, school: &str, clock: Clock) -> Result<Self, AuthorityError> {
        let (key_path, certificate_path) = (keys.join(KEY_FILE), keys.join(CERTIFICATE_FILE));
        if !certificate_path.exists() {
            let (key_pem, pem) = make(school, clock.now())?;
            // The key first: a certificate without its key would be handed to devices and never be used. A key that
            // was left by a start that died in between has signed nothing and is replaced.
            write(&key_path, key_pem.as_bytes(), 0o600)?;
            // Public as the certificate is, it lies among keys, where nothing may be open to others.
            write(&certificate_path, pem.as_bytes(), 0o600)?;
        }
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|source| AuthorityError::Read { path: path.to_owned(), source })
        };
        let pem = read(&certificate_path)?;
        let wrong_key = |source| AuthorityError::Key { path: key_path.clone(), source };
        let key = KeyPair::from_pem(&read(&key_path)?).map_err(|source| wrong_key(Some(source)))?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
        let certificate = certificate.map_err(|_| AuthorityError::Certificate { path: certificate_path.clone() })?;
        Self::new(certificate, pem, key, school, clock)
            .ok_or(AuthorityError::Certificate { path: certificate_path })?
            .ok_or_else(|| wrong_key(None))
    }

    /// The CA's certificate as devices install it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Outer `None`: not a certificate; inner `None`: not its key.
    fn new(
        certificate: CertificateDer<'static>,
        pem: String,
        key: KeyPair,
        school: &str,
        clock: Clock,
    ) -> Option<Option<Self>> {
        let (not_before, not_after, is_its_key, generation) = {
            let (_, parsed) = X509Certificate::from_der(&certificate).ok()?;
            let validity = parsed.validity();
            let serial = parsed.raw_serial().iter().fold(0_u64, |all, byte| all.rotate_left(8) ^ u64::from(*byte));
            let not_before = Timestamp::from_second(validity.not_before.timestamp()).ok()?;
            let not_after = Timestamp::from_second(validity.not_after.timestamp()).ok()?;
            (not_before, not_after, parsed.public_key().raw == key.subject_public_key_info(), serial)
        };
        if !is_its_key {
            return Some(None);
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).ok()?;
        let school = school.to_owned();
        Some(Some(Self { certificate, pem, issuer, not_before, not_after, generation, school, clock }))
    }

    fn sign_now(&self, request: &SigningRequest) -> Result<SignedLeaf, SignError> {
        let now = self.clock.now();
        if now < self.not_before || self.not_after <= now {
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
        params.distinguished_name.push(DnType::OrganizationName, self.school.as_str());
        params.subject_alt_names = vec![alternative_name(&request.host).map_err(failed)?];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let public_key = SubjectPublicKeyInfo::from_der(&request.public_key).map_err(failed)?;
        let signed = params.signed_by(&public_key, &self.issuer).map_err(failed)?;
        Ok(SignedLeaf { certificate: signed.der().clone(), not_after })
    }
}

impl Signer for Authority {
    fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    fn generation(&self) -> u64 {
        self.generation
    }

    fn sign(&self, request: SigningRequest) -> Signing<'_> {
        Box::pin(async move { self.sign_now(&request) })
    }
}

/// Key and certificate in PEM.
fn make(school: &str, now: Timestamp) -> Result<(String, String), AuthorityError> {
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

/// Replaces `path` whole: a half-written key is never seen under its name.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), AuthorityError> {
    let failed = |source| AuthorityError::Write { path: path.to_owned(), source };
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests;
