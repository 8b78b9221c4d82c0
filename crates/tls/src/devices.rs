//! The school's device CA: who has a certificate of it is a managed device.
//!
//! A certificate is asked for and never demanded: phones and guests come to the same listener.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// Who issues certificates to devices, and which of them it has taken back.
#[derive(Debug, Clone, Default)]
pub struct DeviceAuthorities {
    pub certificates: Vec<CertificateDer<'static>>,
    /// With none, nothing is known of taken-back certificates; with any, every issuer needs one.
    pub revoked: Vec<CertificateRevocationListDer<'static>>,
}

/// Why devices cannot be told by their certificates.
#[derive(Debug, thiserror::Error)]
pub enum DeviceAuthorityError {
    #[error("cannot read the device CA")]
    Pem { source: rustls::pki_types::pem::Error },
    #[error("the device CA's certificate cannot be used")]
    Certificate { source: rustls::Error },
    #[error("certificates of the device CA cannot be verified")]
    Verifier { source: VerifierBuilderError },
    #[error("the listener's TLS cannot be set up")]
    Listener { source: rustls::Error },
}

impl DeviceAuthorities {
    /// Certificates and revocation lists from one PEM text, in any order.
    pub fn from_pem(pem: &[u8]) -> Result<Self, DeviceAuthorityError> {
        let failed = |source| DeviceAuthorityError::Pem { source };
        Ok(Self {
            certificates: CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(failed)?,
            revoked: CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(failed)?,
        })
    }

    /// A listener's TLS as `own`, that asks for a certificate of these authorities.
    ///
    /// Usage for client authentication, validity and signatures are checked by rustls-webpki; a certificate that does
    /// not hold ends the handshake.
    pub fn asked_by(self, own: &ServerConfig) -> Result<Arc<ServerConfig>, DeviceAuthorityError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates {
            roots.add(certificate).map_err(|source| DeviceAuthorityError::Certificate { source })?;
        }
        let provider = Arc::clone(own.crypto_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .with_crls(self.revoked)
            .allow_unauthenticated()
            .build()
            .map_err(|source| DeviceAuthorityError::Verifier { source })?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| DeviceAuthorityError::Listener { source })?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(&own.cert_resolver));
        config.alpn_protocols.clone_from(&own.alpn_protocols);
        Ok(Arc::new(config))
    }
}
