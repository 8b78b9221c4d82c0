//! Certificates of the sites, each name its own, and of CAs for programs that make none. All keys are P-256.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::pairs::Failure;

/// The CA of all sites, in a stage's folder.
pub(crate) const SITES_CA: &str = "sites.pem";
const SITES_KEY: &str = "sites.key";

/// Makes the CA of the sites.
pub(crate) fn write_sites_ca(dir: &Path) -> Result<(), Failure> {
    write_ca("Bench sites", &dir.join(SITES_CA), &dir.join(SITES_KEY))
}

/// Makes a CA and writes certificate and key as PEM.
pub(crate) fn write_ca(name: &str, certificate: &Path, key: &Path) -> Result<(), Failure> {
    let pair = KeyPair::generate()?;
    fs::write(certificate, authority(name)?.self_signed(&pair)?.pem())?;
    Ok(fs::write(key, pair.serialize_pem())?)
}

fn authority(name: &str) -> Result<CertificateParams, Failure> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

/// Makes a certificate for each name at its first connection.
#[derive(Debug)]
pub(super) struct Certificates {
    issuer: Issuer<'static, KeyPair>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    pub(super) fn read(dir: &Path) -> Result<Self, Failure> {
        let key = KeyPair::from_pem(&fs::read_to_string(dir.join(SITES_KEY))?)?;
        Ok(Self { issuer: Issuer::new(authority("Bench sites")?, key), made: Mutex::default() })
    }

    pub(super) fn server(self) -> Result<ServerConfig, Failure> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let mut config =
            builder.with_safe_default_protocol_versions()?.with_no_client_auth().with_cert_resolver(Arc::new(self));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn make(&self, name: &str) -> Result<CertifiedKey, Failure> {
        let mut parameters = CertificateParams::new(vec![name.to_owned()])?;
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = aws_lc_rs::sign::any_supported_type(&key)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = made.get(name) {
            return Some(Arc::clone(key));
        }
        let key = Arc::new(self.make(name).ok()?);
        made.insert(name.to_owned(), Arc::clone(&key));
        Some(key)
    }
}
