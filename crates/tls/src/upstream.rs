//! Connections to sites: dialled by the one dialer, verified against the platform's roots, failures in plain words.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use schoolgate_base::Host;
use schoolgate_runtime::{Connected, DialError, Dialer, Purpose, Refusal};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::warn;
use x509_parser::prelude::{FromDer, X509Certificate};

pub type UpstreamStream = TlsStream<TcpStream>;

/// A version of HTTP inside TLS, as ALPN names it (RFC 7301). The older first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    const H2: &[u8] = b"h2";
    const HTTP_1: &[u8] = b"http/1.1";

    /// The list of names for a hello that goes up to this version, the newest first.
    pub(crate) fn offers(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http1 => vec![Self::HTTP_1.to_vec()],
            Self::Http2 => vec![Self::H2.to_vec(), Self::HTTP_1.to_vec()],
        }
    }

    /// What was agreed on; without a word about it, HTTP/1.1.
    pub fn agreed(alpn: Option<&[u8]>) -> Self {
        if alpn == Some(Self::H2) { Self::Http2 } else { Self::Http1 }
    }
}

/// What was agreed on with a site.
pub fn protocol(stream: &UpstreamStream) -> Protocol {
    Protocol::agreed(stream.get_ref().1.alpn_protocol())
}

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

/// Why verified connections cannot be made at all.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("no root certificates were found on this system")]
    NoRoots,
    #[error("cannot set up the check of sites' certificates")]
    Verifier { source: VerifierBuilderError },
    #[error("cannot set up TLS towards sites")]
    Setup { source: rustls::Error },
}

/// Connects to sites. Clones share everything.
#[derive(Clone)]
pub struct Upstream {
    dialer: Dialer,
    /// Offering HTTP/1.1 alone, and HTTP/2 before it.
    older: TlsConnector,
    newer: TlsConnector,
    handshake_deadline: Duration,
}

impl Upstream {
    /// Trusts the platform's roots and `extra_roots`, but never `own_ca`, in whichever of the two it is found.
    pub fn new(
        dialer: Dialer,
        extra_roots: &[CertificateDer<'static>],
        own_ca: &CertificateDer<'_>,
        handshake_deadline: Duration,
    ) -> Result<Self, UpstreamError> {
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            warn!("some of the platform's root certificates cannot be read: {error}");
        }
        let own_key = public_key(own_ca);
        let now = UnixTime::now().as_secs();
        let mut roots = RootCertStore::empty();
        for certificate in native.certs.iter().chain(extra_roots) {
            let is_own = own_key.is_some() && public_key(certificate) == own_key;
            if !is_own && !has_expired(certificate, now) {
                // Stores hold oddities that no verifier reads; they are left out, as rustls advises.
                let _ = roots.add(certificate.clone());
            }
        }
        if roots.is_empty() {
            return Err(UpstreamError::NoRoots);
        }
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|source| UpstreamError::Setup { source })?
            .with_webpki_verifier(verifier(roots)?)
            .with_no_client_auth();
        config.enable_early_data = false;
        // A ticket names the client to the site; people behind one proxy must not share it.
        config.resumption = Resumption::disabled();
        let [older, newer] = [Protocol::Http1, Protocol::Http2].map(|newest| {
            let mut config = config.clone();
            config.alpn_protocols = newest.offers();
            TlsConnector::from(Arc::new(config))
        });
        Ok(Self { dialer, older, newer, handshake_deadline })
    }

    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// The same, but beginning with `address` where a site's name leads to it (see [`Dialer::near`]).
    #[must_use]
    pub fn near(&self, address: SocketAddr) -> Self {
        Self { dialer: self.dialer.near(address), ..self.clone() }
    }

    /// How the other end of a connection is checked, for other protocols than HTTP.
    pub fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(self.older.config())
    }

    /// A plain connection, for HTTP and for tunnels.
    pub async fn connect_plain(&self, host: &Host, port: u16) -> Result<Connected, UpstreamFailure> {
        self.dialer.connect(Purpose::Browsing, host, port).await.map_err(|error| (&error).into())
    }

    /// A connection whose other end has proved to be `host`, for `newest` or an older version.
    pub async fn connect_tls(
        &self,
        host: &Host,
        port: u16,
        newest: Protocol,
    ) -> Result<UpstreamStream, UpstreamFailure> {
        let connected = self.connect_plain(host, port).await?;
        self.handshake(host, connected.stream, newest).await
    }

    async fn handshake(
        &self,
        host: &Host,
        stream: TcpStream,
        newest: Protocol,
    ) -> Result<UpstreamStream, UpstreamFailure> {
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
            Host::Address(address) => Some(ServerName::from(*address)),
        };
        let name = name.ok_or(UpstreamFailure::WrongHost)?;
        let connector = match newest {
            Protocol::Http1 => &self.older,
            Protocol::Http2 => &self.newer,
        };
        match timeout(self.handshake_deadline, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(handshake_failure(&error)),
            Err(_) => Err(UpstreamFailure::Timeout),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn verifier(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, UpstreamError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|source| UpstreamError::Verifier { source })
}

/// Chains are not held to their root's dates, so an expired root must not be one at all. By the clock that rustls judges
/// chains by.
fn has_expired(certificate: &CertificateDer<'_>, now: u64) -> bool {
    let parsed = X509Certificate::from_der(certificate);
    parsed.is_ok_and(|(_, parsed)| u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0) < now)
}

fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.public_key().raw.to_vec())
}

fn handshake_failure(error: &io::Error) -> UpstreamFailure {
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

#[cfg(test)]
mod limbo;
#[cfg(test)]
mod tests;
