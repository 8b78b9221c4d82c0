//! The check of a site's certificate: webpki's path, our own rules for what is on it, revocation lists.

use std::cell::Cell;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use webpki::{
    CertRevocationList, EndEntityCert, KeyUsage, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::known_bad::key_hash;
use super::profile::{self, Fault};
use super::revocations::Revocations;
use super::roots::Roots;

/// Certificates that a site may send beside its own. Chains have two or three, muddled ones ten.
pub(crate) const INTERMEDIATES_MAX: usize = 16;

/// Verifies sites. The revocation lists may be changed while it is in use.
#[derive(Debug)]
pub(crate) struct SiteVerifier {
    pub(crate) roots: Roots,
    revocations: ArcSwap<Revocations>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Between a site's certificate and its root.
    pub(crate) depth_max: usize,
}

/// Why a chain is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By a rule of ours.
    Fault(Fault),
    RootExpired,
    RootNotYetValid,
    Path(webpki::Error),
}

impl SiteVerifier {
    pub(crate) fn new(roots: Roots, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { roots, revocations: ArcSwap::default(), algorithms, depth_max: INTERMEDIATES_MAX }
    }

    pub(crate) fn set_revocations(&self, revocations: Revocations) {
        self.revocations.store(Arc::new(revocations));
    }

    pub(crate) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Refused> {
        // Before anything is looked at: what is sent is the other side's to choose (check table V32).
        if INTERMEDIATES_MAX < intermediates.len() {
            return Err(Refused::Fault(Fault("chain-too-long")));
        }
        let certificate = EndEntityCert::try_from(leaf).map_err(Refused::Path)?;
        let parsed = parse(leaf).map_err(Refused::Fault)?;
        let revocations = self.revocations.load();
        let lists = revocations.lists();
        // None where there are no lists at all, which webpki would take for a mistake.
        let revocation = RevocationOptionsBuilder::new(&lists).ok();
        let revocation = revocation.map(|all| all.with_status_policy(UnknownStatusPolicy::Allow).build());
        let why = Cell::new(None);
        let accept = |path: &VerifiedPath<'_>| {
            self.check_path(&parsed, path, &lists, now).map_err(|refused| {
                why.set(Some(refused));
                webpki::Error::CertDistrusted
            })
        };
        let path = certificate.verify_for_usage(
            self.algorithms.all,
            &self.roots.anchors,
            intermediates,
            now,
            KeyUsage::server_auth(),
            revocation,
            Some(&accept),
        );
        if let Err(error) = path {
            return Err(why.take().unwrap_or(Refused::Path(error)));
        }
        certificate.verify_is_valid_for_subject_name(name).map_err(Refused::Path)
    }

    /// What webpki does not look at, on a path that it has verified. A path that is refused leaves others to be tried.
    fn check_path(
        &self,
        leaf: &X509Certificate<'_>,
        path: &VerifiedPath<'_>,
        lists: &[&CertRevocationList<'_>],
        now: UnixTime,
    ) -> Result<(), Refused> {
        // Every anchor is one of ours, so this is never absent.
        let root = self.roots.facts(path.anchor()).ok_or(Refused::Path(webpki::Error::UnknownIssuer))?;
        if root.not_after < now.as_secs() {
            return Err(Refused::RootExpired);
        }
        if now.as_secs() < root.not_before {
            return Err(Refused::RootNotYetValid);
        }
        // Of intermediates webpki sees to it.
        let has_list = lists.iter().any(|list| list.issuer() == path.anchor().subject.as_ref());
        if has_list && !root.signs_lists {
            return Err(Refused::Path(webpki::Error::IssuerNotCrlSigner));
        }
        self.check_key(leaf)?;
        profile::check_leaf(leaf, root.is_public).map_err(Refused::Fault)?;
        let mut depth = 0;
        for intermediate in path.intermediate_certificates() {
            let der = intermediate.der();
            let parsed = parse(&der).map_err(Refused::Fault)?;
            // RFC 5280 §4.2.1.9: a CA that signed its own next key is one CA.
            depth += usize::from(!profile::is_self_issued(&parsed));
            self.check_key(&parsed)?;
            profile::check_intermediate(&parsed, root.is_public).map_err(Refused::Fault)?;
        }
        if self.depth_max < depth { Err(Refused::Fault(Fault("chain-too-long"))) } else { Ok(()) }
    }

    fn check_key(&self, certificate: &X509Certificate<'_>) -> Result<(), Refused> {
        let is_refused = self.roots.refused.contains(&key_hash(certificate.public_key().raw));
        if is_refused { Err(Refused::Fault(Fault("known-bad"))) } else { Ok(()) }
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Fault> {
    match X509Certificate::from_der(certificate) {
        Ok((_, parsed)) => Ok(parsed),
        Err(_) => Err(Fault("unreadable")),
    }
}

impl From<Refused> for CertificateError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::RootExpired => Self::Expired,
            Refused::RootNotYetValid => Self::NotValidYet,
            Refused::Fault(fault) => Self::Other(OtherError(Arc::new(fault))),
            Refused::Path(error) => match error {
                webpki::Error::CertExpired { .. } => Self::Expired,
                webpki::Error::CertNotValidYet { .. } => Self::NotValidYet,
                webpki::Error::UnknownIssuer => Self::UnknownIssuer,
                webpki::Error::CertNotValidForName(_) => Self::NotValidForName,
                webpki::Error::CertRevoked => Self::Revoked,
                webpki::Error::InvalidSignatureForPublicKey => Self::BadSignature,
                // The enum is open; whatever else it says is in the log.
                other => Self::Other(OtherError(Arc::new(other))),
            },
        }
    }
}

impl ServerCertVerifier for SiteVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.verify(end_entity, intermediates, server_name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(refused) => Err(rustls::Error::InvalidCertificate(refused.into())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
