//! Managed devices that show a certificate of the school's device CA.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use schoolgate_base::Strength;
use schoolgate_tls::DeviceAuthorities;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;

use crate::kit::*;

struct DeviceCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl DeviceCa {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(7_u64),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let issuer = Issuer::new(params, key);
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&issuer).unwrap();
        let pem = certificate.pem() + &list.pem().unwrap();
        Self { issuer, pem }
    }

    /// TLS of a device called `name`; it trusts the school's CA.
    fn client(&self, kit: &Kit, name: &str, serial: u64) -> ClientConfig {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.serial_number = Some(serial.into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut roots = RootCertStore::empty();
        roots.add(kit.school_ca()).unwrap();
        ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

async fn listening(kit: &Kit, ca: &DeviceCa) -> SocketAddr {
    let authorities = DeviceAuthorities::from_pem(ca.pem.as_bytes()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    kit.proxy.serve(listener, Some(authorities.asked_by(&kit.own).unwrap()));
    address
}

/// The response to a request over TLS to the proxy, from where nobody has signed in.
async fn get(kit: &Kit, address: SocketAddr, config: ClientConfig) -> std::io::Result<String> {
    let stream = kit.dial_to(NOBODY, address).await;
    let name = ServerName::try_from("proxy.school.test").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let request = "GET http://news.example/ HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_device_is_known_by_its_certificate() {
    let (kit, ca) = (Kit::start().await, DeviceCa::new());
    let address = listening(&kit, &ca).await;
    let page = get(&kit, address, ca.client(&kit, "laptop-1.school.example", 1)).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let who = kit.decision().await.who;
    assert_eq!((who.strength, who.device.unwrap().as_str()), (Strength::Connection, "laptop-1"));
    // One that nobody has enrolled is a device like any other.
    let page = get(&kit, address, ca.client(&kit, "laptop-2", 2)).await.unwrap();
    assert!(!page.starts_with("HTTP/1.1 200"), "{page}");
}

#[tokio::test]
async fn whoever_has_no_certificate_is_served_all_the_same() {
    let (kit, ca) = (Kit::start().await, DeviceCa::new());
    let address = listening(&kit, &ca).await;
    let mut stream = kit.handshake(kit.dial_to(TESS, address).await, "proxy.school.test", Trust::School).await.unwrap();
    let request = "GET http://news.example/ HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(kit.decision().await.who.strength, Strength::Address);
}

#[tokio::test]
async fn certificates_that_do_not_hold_end_the_handshake() {
    let (kit, ca, other) = (Kit::start().await, DeviceCa::new(), DeviceCa::new());
    let address = listening(&kit, &ca).await;
    // Another CA's; one that was taken back.
    for config in [other.client(&kit, "laptop-1", 1), ca.client(&kit, "laptop-1", 7)] {
        let outcome = get(&kit, address, config).await;
        assert!(outcome.is_err() || outcome.is_ok_and(|page| page.is_empty()));
    }
    assert!(kit.events().is_empty());
    assert_eq!(kit.count("schoolgate_proxy_handshakes_failed_total"), 2);
}
