use std::net::SocketAddr;

use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use schoolgate_base::HostName;
use schoolgate_runtime::{AddressRule, Clock, DialerSettings, Resolver, Resolving, Tasks};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::Authority;
use crate::signer::Signer;

struct Here(SocketAddr);

impl Resolver for Here {
    fn resolve<'a>(&'a self, _: &'a HostName, _: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(vec![self.0]) })
    }
}

/// A root outside the school, the school's own CA, and a server that shows what it is given.
struct World {
    outside: Issuer<'static, KeyPair>,
    outside_root: CertificateDer<'static>,
    own: Authority,
    _keys: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "outside root");
        let key = KeyPair::generate().unwrap();
        let outside_root = params.self_signed(&key).unwrap().der().clone();
        let own = Authority::load_or_make(keys.path(), "Riverside Primary", Clock::system()).unwrap();
        Self { outside: Issuer::new(params, key), outside_root, own, _keys: keys }
    }

    fn leaf(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        (params.signed_by(&key, &self.outside).unwrap().der().clone(), key)
    }

    /// Connects to a server that shows `certificate`; our own CA is among the extra roots, as if somebody had
    /// installed it in the platform's store.
    async fn connect(&self, certificate: CertificateDer<'static>, key: KeyPair) -> Option<UpstreamFailure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let tasks = Tasks::new();
        tasks.spawn("server", async move {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        });
        let rule = AddressRule { listed: vec![address], ..AddressRule::default() };
        let settings = DialerSettings { resolver: Arc::new(Here(address)), ..DialerSettings::new(rule) };
        let own_ca = self.own.certificate();
        let extra = [self.outside_root.clone(), own_ca.clone()];
        let upstream = Upstream::new(Dialer::new(settings), &extra, &own_ca, Duration::from_secs(5)).unwrap();
        upstream.connect_tls(&"news.example".parse().unwrap(), 443, Protocol::Http2).await.err()
    }
}

#[tokio::test]
async fn a_good_certificate_is_accepted() {
    let world = World::new();
    let (certificate, key) = world.leaf("news.example", |_| {});
    assert_eq!(world.connect(certificate, key).await, None);
}

#[tokio::test]
async fn bad_certificates_are_told_apart() {
    let world = World::new();
    let (certificate, key) = world.leaf("other.example", |_| {});
    assert_eq!(world.connect(certificate, key).await, Some(UpstreamFailure::WrongHost));
    let (certificate, key) = world.leaf("news.example", |params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(world.connect(certificate, key).await, Some(UpstreamFailure::CertificateExpired));
    let (certificate, key) = world.leaf("news.example", |params| params.not_before = date_time_ymd(2200, 1, 1));
    assert_eq!(world.connect(certificate, key).await, Some(UpstreamFailure::CertificateNotYetValid));
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["news.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    assert_eq!(world.connect(certificate, key).await, Some(UpstreamFailure::UnknownIssuer));
}
