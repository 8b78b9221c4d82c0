//! The playground's root and leaves: one good leaf for all sites, one that ran out.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::sites::SITES;

/// Sites whose certificate ran out: one that nobody looks into, and one that the school does.
pub(super) const OUT_OF_DATE: [&str; 2] = ["badcert.example", "oldsearch.example"];

#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) root: CertificateDer<'static>,
    good: Leaf,
    out_of_date: Leaf,
}

#[derive(Debug)]
struct Leaf {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

/// Makes all of it anew; takes a few milliseconds.
pub(super) fn make() -> Result<Certificates, rcgen::Error> {
    let root = CertifiedIssuer::self_signed(root_parameters()?, KeyPair::generate()?)?;
    let names = || SITES.iter().map(|site| site.name).filter(|name| !OUT_OF_DATE.contains(name));
    let all = names().map(str::to_owned).chain(names().map(|name| format!("*.{name}"))).collect();
    let mut out_of_date = leaf_parameters(OUT_OF_DATE.map(str::to_owned).into())?;
    out_of_date.not_before = date_time_ymd(2019, 1, 1);
    out_of_date.not_after = date_time_ymd(2020, 1, 1);
    Ok(Certificates {
        good: leaf(leaf_parameters(all)?, &root)?,
        out_of_date: leaf(out_of_date, &root)?,
        root: root.der().clone(),
    })
}

fn root_parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name.push(DnType::CommonName, "Playground root");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(parameters)
}

fn leaf_parameters(names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "Playground site");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn leaf(parameters: CertificateParams, root: &CertifiedIssuer<'_, KeyPair>) -> Result<Leaf, rcgen::Error> {
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, root)?;
    Ok(Leaf { certificate: certificate.der().clone(), key: PrivatePkcs8KeyDer::from(key.serialize_der()) })
}

impl Certificates {
    pub(super) fn into_config(self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certified = |leaf: Leaf, above: Option<CertificateDer<'static>>| {
            let key = provider.key_provider.load_private_key(PrivateKeyDer::Pkcs8(leaf.key))?;
            let chain = std::iter::once(leaf.certificate).chain(above).collect();
            Ok::<_, rustls::Error>(Arc::new(CertifiedKey::new(chain, key)))
        };
        // The root goes along so that a browser which is told to trust its key finds it there. Not with the leaf that
        // ran out: such a browser would overlook that as well.
        let by_name =
            ByName { good: certified(self.good, Some(self.root))?, out_of_date: certified(self.out_of_date, None)? };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(by_name));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

#[derive(Debug)]
struct ByName {
    good: Arc<CertifiedKey>,
    out_of_date: Arc<CertifiedKey>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_out_of_date = hello.server_name().is_some_and(|name| OUT_OF_DATE.contains(&name));
        Some(Arc::clone(if is_out_of_date { &self.out_of_date } else { &self.good }))
    }
}
