//! What is wrong with a site, in one word and in one sentence.

use std::fmt;
use std::io;

use rustls::CertificateError;
use schoolgate_runtime::{DialError, Refusal};

/// What is wrong with a site, as people are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamFailure {
    NotFound,
    /// The name or address leads inside.
    Inner(Refusal),
    ConnectionRefused,
    Timeout,
    Broken,
    CertificateExpired,
    CertificateNotYetValid,
    UnknownIssuer,
    WrongHost,
    Revoked,
    BadCertificate,
    /// The site asks its visitors for a certificate, which only they can show.
    ClientCertificate,
    /// No common version or cipher, or something that is not TLS at all.
    NoSecureConnection,
}

impl UpstreamFailure {
    /// The word in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Inner(refusal) => refusal.as_str(),
            Self::ConnectionRefused => "connection-refused",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::UnknownIssuer => "unknown-issuer",
            Self::WrongHost => "wrong-host",
            Self::Revoked => "revoked",
            Self::BadCertificate => "bad-certificate",
            Self::ClientCertificate => "client-certificate",
            Self::NoSecureConnection => "no-secure-connection",
        }
    }

    /// A sentence for the person who wanted the site.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotFound => "There is no site of this name. The address may have a typing error.",
            Self::Inner(_) => "This address leads inside the school's own network, which cannot be reached from here.",
            Self::ConnectionRefused => "The site is not answering: it refused the connection.",
            Self::Timeout => "The site did not answer in time. It may be down or very slow.",
            Self::Broken => "The connection to the site broke off.",
            Self::CertificateExpired => {
                "The site's certificate has expired, so we cannot be sure that it is the real site."
            }
            Self::CertificateNotYetValid => {
                "The site's certificate is not valid yet, so we cannot be sure that it is the real site."
            }
            Self::UnknownIssuer => {
                "The site's certificate was issued by nobody we trust, so we cannot be sure that it is the real site."
            }
            Self::WrongHost => {
                "The site's certificate belongs to another site, so we cannot be sure that it is the real one."
            }
            Self::Revoked => {
                "The site's certificate has been withdrawn, so we cannot be sure that it is the real site."
            }
            Self::BadCertificate => {
                "The site's certificate is not in order, so we cannot be sure that it is the real site."
            }
            Self::ClientCertificate => {
                "The site asks for a certificate of this device, which is shown only when nobody looks into the connection."
            }
            Self::NoSecureConnection => "The site does not offer a secure connection of today's standard.",
        }
    }
}

impl fmt::Display for UpstreamFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&DialError> for UpstreamFailure {
    fn from(error: &DialError) -> Self {
        match error {
            DialError::Refused { refusal, .. } => Self::Inner(*refusal),
            DialError::Resolve { .. } | DialError::NoAddress { .. } | DialError::Unlisted { .. } => Self::NotFound,
            DialError::Timeout { .. } => Self::Timeout,
            DialError::Connect { source, .. } => match source.kind() {
                io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
                io::ErrorKind::TimedOut => Self::Timeout,
                _ => Self::Broken,
            },
        }
    }
}

/// What a failed handshake says of the site.
pub(super) fn handshake_failure(error: &io::Error) -> UpstreamFailure {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return UpstreamFailure::Broken;
    };
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => UpstreamFailure::CertificateExpired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                UpstreamFailure::CertificateNotYetValid
            }
            CertificateError::UnknownIssuer => UpstreamFailure::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                UpstreamFailure::WrongHost
            }
            CertificateError::Revoked => UpstreamFailure::Revoked,
            // The enum is open: whatever is new is a certificate that is not in order.
            _ => UpstreamFailure::BadCertificate,
        },
        rustls::Error::NoCertificatesPresented => UpstreamFailure::BadCertificate,
        _ => UpstreamFailure::NoSecureConnection,
    }
}
