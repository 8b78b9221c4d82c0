//! The world outside the school: its CA, an origin of raw bytes, and what stands in for the portal.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use schoolgate_runtime::{Tasks, proxy_protocol};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::kit::provider;

/// What the origin saw.
#[derive(Default)]
pub(crate) struct Origin {
    pub(crate) connections: AtomicUsize,
    pub(crate) requests: Mutex<Vec<String>>,
    pub(crate) arrived: Notify,
    /// Ends the connections of the site of HTTP/2.
    pub(crate) quit: Notify,
}

/// The world's CA, as far as this school is concerned.
pub(crate) struct Outside {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
}

impl Outside {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "the world's CA");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Self { issuer: Issuer::new(params, key), certificate, pem }
    }

    /// For a site that speaks HTTP/2.
    pub(crate) fn newer(&self) -> Arc<ServerConfig> {
        let mut config = Arc::unwrap_or_clone(self.config(true));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// For a site that asks its visitors who they are, and lets others in all the same.
    pub(crate) fn asking(&self) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let verifier = verifier.allow_unauthenticated().build().unwrap();
        let (certificate, key) = self.shown(true);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Arc::new(config)
    }

    pub(crate) fn shown(&self, is_valid: bool) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let names = ["*.example", "badcert.example"].map(str::to_owned).to_vec();
        let hosts = ["news", "bet", "bank", "help", "open", "search", "two", "asking", "swap"]
            .map(|name| format!("{name}.example"));
        let mut params = CertificateParams::new([names, hosts.to_vec()].concat()).unwrap();
        if !is_valid {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        (certificate, PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))
    }

    pub(crate) fn config(&self, is_valid: bool) -> Arc<ServerConfig> {
        let (certificate, key) = self.shown(is_valid);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Arc::new(config)
    }
}

pub(crate) async fn serve_origin(tasks: &Tasks, origin: &Arc<Origin>, tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (origin, tasks_of_origin) = (Arc::clone(origin), tasks.clone());
    tasks.spawn("origin", async move {
        while let Ok((stream, _)) = listener.accept().await {
            origin.connections.fetch_add(1, Ordering::SeqCst);
            let (origin, tls) = (Arc::clone(&origin), tls.clone());
            tasks_of_origin.spawn("origin connection", async move {
                match tls {
                    None => origin_serve(&origin, stream).await,
                    Some(config) => {
                        if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                            origin_serve(&origin, stream).await;
                        }
                    }
                }
            });
        }
    });
    address
}

/// An origin of raw bytes: what it sees is exactly what the proxy wrote.
async fn origin_serve(origin: &Origin, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let mut text = String::from_utf8(head).unwrap();
        let Some(path) = text.split(' ').nth(1).map(str::to_owned) else { return };
        if path == "/deaf" {
            stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            std::future::pending::<()>().await;
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|n| n.parse().unwrap());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
        let is_last = text.contains("Connection: close");
        origin.requests.lock().unwrap().push(text);
        origin.arrived.notify_one();
        let answer: &[u8] = match path.as_str() {
            "/silent" => {
                std::future::pending::<()>().await;
                b""
            }
            "/stream" => b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
            "/socket" => b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello",
            "/both" => {
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ncontent\r\n0\r\n\r\n"
            }
            "/old" => b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\ncontent",
            "/garbage" => b"this is not HTTP\r\n\r\n",
            "/hard" => {
                b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nStrict-Transport-Security: max-age=63072000; preload\r\n\
                Content-Security-Policy: default-src 'self'; upgrade-insecure-requests\r\nExpect-CT: max-age=1\r\n\
                Public-Key-Pins: max-age=1\r\nX-Frame-Options: DENY\r\nCross-Origin-Opener-Policy: same-origin\r\n\r\ncontent"
            }
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nKeep-Alive: timeout=5\r\nX-Site: yes\r\n\r\ncontent",
        };
        stream.write_all(answer).await.unwrap();
        stream.flush().await.unwrap();
        if is_last {
            return;
        }
        if matches!(path.as_str(), "/stream" | "/socket") {
            // Open until the proxy closes it.
            let _ = stream.read_u8().await;
            return;
        }
    }
}

/// Says from which device it is asked.
pub(crate) fn serve_portal(tasks: &Tasks, socket: &std::path::Path) {
    let listener = UnixListener::bind(socket).unwrap();
    tasks.spawn("portal", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut header = vec![0; 28];
            stream.read_exact(&mut header).await.unwrap();
            let Ok(proxy_protocol::Step::Client(client, _)) = proxy_protocol::decode(&header) else { panic!("header") };
            stream.write_all(format!("portal for {}", client.ip()).as_bytes()).await.unwrap();
        }
    });
}
