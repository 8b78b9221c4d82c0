//! The messages to and from whoever holds the CA's key.
//!
//! A request names a host and a public key; everything else (serial, dates, extensions) is the signer's to say, so a
//! gateway that has been taken over cannot ask for a CA or for a certificate that never ends.

use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use schoolgate_base::Host;

/// Asks for a certificate for one host.
#[derive(Debug, Clone)]
pub struct SigningRequest {
    pub host: Host,
    /// The leaf's public key: SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
}

/// A signed certificate.
#[derive(Debug, Clone)]
pub struct SignedLeaf {
    pub certificate: CertificateDer<'static>,
    /// The certificate of the CA that signed it, and that CA's generation.
    pub issuer: CertificateDer<'static>,
    pub generation: u64,
    pub not_after: Timestamp,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("the school's CA is not valid today")]
    AuthorityExpired,
    #[error("cannot sign a certificate for `{host}`")]
    Sign { host: Host, source: rcgen::Error },
    #[error("cannot sign a revocation list")]
    List { source: rcgen::Error },
    #[error("this is no CA of the school")]
    UnknownAuthority,
    #[error("cannot get random bytes for a serial number")]
    Random,
    #[error("the signer refused to sign a certificate for `{host}`")]
    Refused { host: Host },
    #[error("the signer cannot be reached")]
    Unreachable,
}

/// The answer of a [`Signer`].
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<SignedLeaf, SignError>> + Send + 'a>>;

/// A revocation list in DER.
pub type Listing<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, SignError>> + Send + 'a>>;

/// Ends when what could be learned is.
pub type Refreshing<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Holds the CA's key and signs leaves with it.
pub trait Signer: Send + Sync {
    /// The certificate of the CA in use.
    fn certificate(&self) -> CertificateDer<'static>;

    /// Those of all CAs whose key is held, which devices should trust.
    fn certificates(&self) -> Vec<CertificateDer<'static>>;

    /// Those, and of all CAs that there were: none of them proves anything of the outside.
    fn own_certificates(&self) -> Vec<CertificateDer<'static>>;

    /// Changes when the CA is replaced, so that no leaf of an old one is handed out.
    fn generation(&self) -> u64;

    fn sign(&self, request: SigningRequest) -> Signing<'_>;

    /// Learns of another CA: one that signs now, or one that devices are to be given. Nothing is learned where the key
    /// cannot be reached.
    fn refresh(&self) -> Refreshing<'_> {
        Box::pin(async {})
    }

    /// The list of what the CA of `generation` took back, for clients that believe nobody without one.
    fn revocation_list(&self, generation: u64) -> Listing<'_>;
}
