//! Connections to sites: dialled by the one dialer, verified against the platform's roots, failures in plain words.

mod failure;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod known_bad;
mod profile;
mod revocation_folder;
mod revocations;
mod roots;
mod verifier;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, CommonState, SignatureScheme};
use schoolgate_base::Host;
use schoolgate_runtime::{Connected, Dialer, Purpose};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use self::failure::UpstreamFailure;
use self::failure::handshake_failure;
pub use self::revocation_folder::RevocationFolder;
pub use self::revocations::{RevocationError, Revocations};
pub use self::roots::{LeftOut, Roots, has_key_of};
use self::verifier::SiteVerifier;
use crate::learned::LearnedSites;

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

/// What one handshake came to, in the names of the IANA registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    pub version: &'static str,
    pub cipher: &'static str,
    /// The group of the key exchange.
    pub group: &'static str,
    pub protocol: Protocol,
}

impl Agreed {
    /// Of either side's connection, once its handshake is over.
    pub fn of(connection: &CommonState) -> Self {
        let version = connection.protocol_version().and_then(|version| version.as_str());
        let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let group = connection.negotiated_key_exchange_group().and_then(|group| group.name().as_str());
        Self {
            version: version.unwrap_or("unknown"),
            cipher: cipher.unwrap_or("unknown"),
            group: group.unwrap_or("unknown"),
            protocol: Protocol::agreed(connection.alpn_protocol()),
        }
    }
}

/// Why verified connections cannot be made at all.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("no root certificates were found on this system")]
    NoRoots,
    #[error("cannot set up TLS towards sites")]
    Setup { source: rustls::Error },
}

/// Connects to sites. Clones share everything.
#[derive(Clone)]
pub struct Upstream {
    dialer: Dialer,
    /// Offering HTTP/1.1 alone, and HTTP/2 before it.
    older: Arc<ClientConfig>,
    newer: Arc<ClientConfig>,
    verifier: Arc<SiteVerifier>,
    learned: Arc<LearnedSites>,
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
        let roots = Roots::of_platform(extra_roots, std::slice::from_ref(own_ca), UnixTime::now());
        Self::trusting(dialer, roots, handshake_deadline)
    }

    /// Trusts these roots and no others.
    pub fn trusting(dialer: Dialer, roots: Roots, handshake_deadline: Duration) -> Result<Self, UpstreamError> {
        if roots.anchors.is_empty() {
            return Err(UpstreamError::NoRoots);
        }
        let verifier = Arc::new(SiteVerifier::new(roots, provider().signature_verification_algorithms));
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|source| UpstreamError::Setup { source })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<_>)
            .with_no_client_auth();
        config.enable_early_data = false;
        // A ticket names the client to the site; people behind one proxy must not share it.
        config.resumption = Resumption::disabled();
        let [older, newer] = [Protocol::Http1, Protocol::Http2].map(|newest| {
            let mut config = config.clone();
            config.alpn_protocols = newest.offers();
            Arc::new(config)
        });
        let learned = Arc::default();
        Ok(Self { dialer, older, newer, verifier, learned, handshake_deadline })
    }

    /// Replaces the revocation lists, for handshakes from now on.
    pub fn set_revocations(&self, revocations: Revocations) {
        self.verifier.set_revocations(revocations);
    }

    /// The sites that cannot be looked into.
    pub fn learned(&self) -> &LearnedSites {
        &self.learned
    }

    /// The roots that are believed, and those that are not.
    pub fn roots(&self) -> &Roots {
        &self.verifier.roots
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
        Arc::clone(&self.older)
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
        let config = match newest {
            Protocol::Http1 => &self.older,
            Protocol::Http2 => &self.newer,
        };
        let asked = Arc::new(Asked::default());
        let mut config = ClientConfig::clone(config);
        config.client_auth_cert_resolver = Arc::clone(&asked) as Arc<_>;
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let outcome = timeout(self.handshake_deadline, handshake).await;
        // Also where the site would do without: behind the certificate it shows something else (check table P11).
        let is_asked = asked.0.load(Ordering::Relaxed);
        match outcome {
            Ok(Err(error)) if !is_asked => Err(handshake_failure(&error)),
            Err(_) if !is_asked => Err(UpstreamFailure::Timeout),
            Ok(Ok(stream)) if !is_asked => Ok(stream),
            Ok(Ok(_) | Err(_)) | Err(_) => Err(UpstreamFailure::ClientCertificate),
        }
    }
}

/// Whether a site asked for a certificate of the client, of which there is none to show.
#[derive(Debug, Default)]
struct Asked(AtomicBool);

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What somebody believes who has these roots and no others.
#[cfg(test)]
pub(crate) fn verifier_of(roots: &[CertificateDer<'static>], now: UnixTime) -> SiteVerifier {
    let mut all = Roots::refusing(&[]);
    for root in roots {
        all.add(root, |_| false, now);
    }
    SiteVerifier::new(all, provider().signature_verification_algorithms)
}

#[cfg(test)]
mod limbo;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;
