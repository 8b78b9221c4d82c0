//! A school of one proxy, one origin and four people.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use schoolgate_base::{Host, HostName, SchoolId};
use schoolgate_decide::Snapshot;
use schoolgate_decide::redirect::Redirect;
use schoolgate_decide::snapshot::Live;
use schoolgate_event::{Decision, Event, LockedHash, Recorded, Recorder};
use schoolgate_identity::Identities;
use schoolgate_proxy::{Limits, Parts, Portal, Proxy, Seals, Settings};
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Resolver, Resolving, Tasks};
use schoolgate_tls::{
    Authority, LeafFor, Leaves, Listing, Protocol, SignError, Signer, Signing, SigningRequest, Upstream,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::outside::{Origin, Outside, serve_origin, serve_portal};
use crate::school::{live, snapshot};
use crate::two::serve_two;

pub(crate) const NOW: &str = "2026-11-24T10:00Z";
/// A teacher's managed device, a pupil's, one where nobody has signed in, one of a teacher who has not agreed.
pub(crate) const TESS: &str = "127.0.0.1";
pub(crate) const PIA: &str = "127.0.0.2";
pub(crate) const NOBODY: &str = "127.0.0.3";
pub(crate) const SAM: &str = "127.0.0.4";
/// The first teacher again, by IPv6.
pub(crate) const TESS_SIX: &str = "::1";
/// A teacher's own phone on the guest network: signed in, but without the school's CA.
pub(crate) const GUEST: &str = "127.0.0.70";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Everything the proxy recorded, and the sound of it.
#[derive(Default)]
pub(crate) struct Records {
    events: Mutex<Vec<Event>>,
    help: AtomicUsize,
    sound: Notify,
}

impl Recorder for Records {
    fn record(&self, event: Event) -> Recorded {
        self.events.lock().unwrap().push(event);
        self.sound.notify_one();
        Recorded::Queued
    }

    fn help_visited(&self, _: &SchoolId, _: Date) {
        self.help.fetch_add(1, Ordering::SeqCst);
        self.sound.notify_one();
    }
}

/// Tokens are the redirect in the clear, so that tests can read them.
struct Open;

impl Seals for Open {
    fn redirect(&self, redirect: &Redirect) -> Option<String> {
        assert_eq!(redirect.nonce.len(), 32);
        Some(format!("{}.{}", redirect.page().trim_start_matches('/'), redirect.wanted()))
    }

    fn locked(&self, _: &Host) -> LockedHash {
        LockedHash::new(&"7".repeat(26)).unwrap()
    }
}

/// Names end at the origin; `rebound.example` leads inside; others are not there.
struct Names {
    plain: SocketAddr,
    tls: SocketAddr,
    bad: SocketAddr,
    dead: SocketAddr,
    two: SocketAddr,
    raw: SocketAddr,
    raw_six: SocketAddr,
    asking: SocketAddr,
    /// Where `swap.example` shows another certificate than it did.
    is_swapped: Arc<AtomicBool>,
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, name: &'a HostName, port: u16) -> Resolving<'a> {
        let found = match (name.as_str(), port) {
            ("rebound.example", port) => Ok(vec![SocketAddr::new([127, 0, 0, 1].into(), port)]),
            ("badcert.example", 443) => Ok(vec![self.bad]),
            ("two.example", 443) => Ok(vec![self.two]),
            ("asking.example", 443) => Ok(vec![self.asking]),
            ("swap.example", 443) if self.is_swapped.load(Ordering::SeqCst) => Ok(vec![self.bad]),
            ("dead.example" | "dead.help.example", _) => Ok(vec![self.dead]),
            // Ends where nobody speaks TLS, so that what is sent there waits.
            ("hold.example", 443) => Ok(vec![self.plain]),
            ("raw.example", _) => Ok(vec![self.raw]),
            ("six.example", _) => Ok(vec![self.raw_six]),
            ("nowhere.example", _) => Err(io::ErrorKind::NotFound.into()),
            (_, 443) => Ok(vec![self.tls]),
            _ => Ok(vec![self.plain]),
        };
        Box::pin(async move { found })
    }
}

/// The school's signer, as long as it is there.
struct Mutable {
    authority: Arc<Authority>,
    is_mute: Arc<AtomicBool>,
}

impl Signer for Mutable {
    fn certificate(&self) -> CertificateDer<'static> {
        self.authority.certificate()
    }

    fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.authority.certificates()
    }

    fn own_certificates(&self) -> Vec<CertificateDer<'static>> {
        self.authority.own_certificates()
    }

    fn generation(&self) -> u64 {
        self.authority.generation()
    }

    fn revocation_list(&self, generation: u64) -> Listing<'_> {
        self.authority.revocation_list(generation)
    }

    fn sign(&self, request: SigningRequest) -> Signing<'_> {
        if self.is_mute.load(Ordering::SeqCst) {
            return Box::pin(async { Err(SignError::Unreachable) });
        }
        self.authority.sign(request)
    }
}

pub(crate) struct Kit {
    pub(crate) address: SocketAddr,
    /// The same proxy, over TLS as `proxy.school.test`.
    pub(crate) tls_address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Metrics,
    pub(crate) records: Arc<Records>,
    pub(crate) proxy: Proxy,
    /// The proxy's own TLS.
    pub(crate) own: Arc<ServerConfig>,
    pub(crate) identities: Arc<Identities>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    school_ca: CertificateDer<'static>,
    outside_ca: CertificateDer<'static>,
    pub(crate) origin: Arc<Origin>,
    /// Where `raw.example` leads, on every port, and `six.example`: the test is the site.
    pub(crate) raw: TcpListener,
    pub(crate) raw_six: TcpListener,
    pub(crate) upstream: Upstream,
    pub(crate) is_swapped: Arc<AtomicBool>,
    pub(crate) authority: Arc<Authority>,
    /// Of the school's CA.
    pub(crate) generation: u64,
    /// The signer does not answer.
    pub(crate) is_mute: Arc<AtomicBool>,
    /// Holds `ca.pem`, the school's CA, and `outside.pem`, the world's.
    pub(crate) keys: tempfile::TempDir,
}

impl Kit {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Limits)) -> Self {
        Self::start_as(|settings| change(&mut settings.limits)).await
    }

    pub(crate) async fn start_as(change: impl FnOnce(&mut Settings)) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let tasks = Tasks::new();
        let clock = Clock::frozen(at(NOW));
        let authority = Authority::load_or_make(keys.path(), "Riverside", Clock::system()).unwrap();
        let authority = Arc::new(authority.with_lists_at("http://proxy.school.test:3128/ca"));
        let school_ca = authority.certificate();
        let outside = Outside::new();
        let origin = Arc::new(Origin::default());
        let raw = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let raw_six = TcpListener::bind("[::1]:0").await.unwrap();
        let is_swapped = Arc::new(AtomicBool::new(false));
        let names = Names {
            raw: raw.local_addr().unwrap(),
            raw_six: raw_six.local_addr().unwrap(),
            plain: serve_origin(&tasks, &origin, None).await,
            tls: serve_origin(&tasks, &origin, Some(outside.config(true))).await,
            bad: serve_origin(&tasks, &origin, Some(outside.config(false))).await,
            dead: TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap(),
            two: serve_two(&tasks, &origin, outside.newer()).await,
            asking: serve_origin(&tasks, &origin, Some(outside.asking())).await,
            is_swapped: Arc::clone(&is_swapped),
        };
        let listed =
            vec![names.plain, names.tls, names.bad, names.dead, names.two, names.raw, names.raw_six, names.asking];
        let rule = AddressRule { listed, ..AddressRule::default() };
        let dialer = Dialer::new(DialerSettings { resolver: Arc::new(names), ..DialerSettings::new(rule) });
        let upstream =
            Upstream::new(dialer, std::slice::from_ref(&outside.certificate), &school_ca, Duration::from_secs(5))
                .unwrap();
        let socket = keys.path().join("portal.sock");
        serve_portal(&tasks, &socket);
        let portal = Portal { name: "portal.school.test".parse().unwrap(), socket };
        let mut settings = Settings::new(SchoolId::new("riverside").unwrap(), portal);
        change(&mut settings);
        let (snapshots, receiver) = watch::channel(Arc::new(snapshot(1, live(), false)));
        let records = Arc::new(Records::default());
        let metrics = Metrics::new();
        let generation = authority.generation();
        let is_mute = Arc::new(AtomicBool::new(false));
        let signer = Arc::new(Mutable { authority: Arc::clone(&authority), is_mute: Arc::clone(&is_mute) });
        let leaves = Arc::new(Leaves::new(signer, Clock::system(), 64, 4).unwrap());
        let own = leaves.config(&"proxy.school.test".parse().unwrap(), LeafFor::Own, Protocol::Http1).await.unwrap();
        let identities = Arc::new(Identities::new(64));
        let proxy = Proxy::new(Parts {
            settings,
            snapshots: receiver,
            clock: clock.clone(),
            tasks: tasks.clone(),
            metrics: metrics.clone(),
            identities: Arc::clone(&identities),
            leaves,
            upstream: upstream.clone(),
            recorder: Arc::clone(&records) as Arc<dyn Recorder>,
            seals: Arc::new(Open),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        proxy.serve(listener, None);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tls_address = listener.local_addr().unwrap();
        proxy.serve(listener, Some(Arc::clone(&own)));
        std::fs::write(keys.path().join("outside.pem"), &outside.pem).unwrap();
        let outside_ca = outside.certificate;
        Self {
            address,
            tls_address,
            clock,
            tasks,
            metrics,
            records,
            proxy,
            own,
            identities,
            snapshots,
            school_ca,
            outside_ca,
            origin,
            raw,
            raw_six,
            upstream,
            is_swapped,
            authority,
            is_mute,
            generation,
            keys,
        }
    }

    /// Publishes the next root with this live part.
    pub(crate) fn publish(&self, live: Live) {
        self.publish_with(live, false);
    }

    /// Publishes the next root with every site to be inspected.
    pub(crate) fn publish_inspecting(&self) {
        self.publish_with(live(), true);
    }

    pub(crate) fn publish_with(&self, live: Live, inspects: bool) {
        let number = self.snapshots.borrow().root.number + 1;
        self.snapshots.send_replace(Arc::new(snapshot(number, live, inspects)));
    }

    /// Lets go of what was seen so far.
    pub(crate) fn forget(&self) {
        self.records.events.lock().unwrap().clear();
        self.origin.requests.lock().unwrap().clear();
    }

    pub(crate) fn school_ca(&self) -> CertificateDer<'static> {
        self.school_ca.clone()
    }

    /// A connection to the proxy from `source`.
    pub(crate) async fn dial(&self, source: &str) -> TcpStream {
        self.dial_to(source, self.address).await
    }

    pub(crate) async fn dial_to(&self, source: &str, address: SocketAddr) -> TcpStream {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
        socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
        socket.connect(address).await.unwrap()
    }

    /// The site's end of a connection to `raw.example`.
    pub(crate) async fn site(&self) -> TcpStream {
        soon(self.raw.accept()).await.unwrap().0
    }

    /// Another listener of the same proxy.
    pub(crate) async fn listen_on(&self, address: &str) -> SocketAddr {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        self.proxy.serve(listener, None);
        address
    }

    /// Sends raw bytes and reads until the proxy closes.
    pub(crate) async fn raw(&self, source: &str, bytes: &[u8]) -> String {
        let mut stream = self.dial(source).await;
        // A proxy that has refused may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        read_all(&mut stream).await
    }

    pub(crate) async fn get(&self, source: &str, url: &str) -> String {
        self.raw(
            source,
            format!("GET {url} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await
    }

    /// Sends a CONNECT; the stream is a tunnel when the head says 200.
    pub(crate) async fn connect(&self, source: &str, authority: &str) -> (TcpStream, String) {
        let mut stream = self.dial(source).await;
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = read_head(&mut stream).await;
        (stream, head)
    }

    /// A TLS connection through the proxy, as a client that trusts the school's CA only, or the outside's only.
    pub(crate) async fn tls(&self, source: &str, host: &str, trusts: Trust) -> io::Result<TlsStream<TcpStream>> {
        let (stream, head) = self.connect(source, &format!("{host}:443")).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        self.handshake(stream, host, trusts).await
    }

    pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        host: &str,
        trusts: Trust,
    ) -> io::Result<TlsStream<S>> {
        self.handshake_offering(stream, host, trusts, &[]).await
    }

    pub(crate) async fn handshake_offering<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        host: &str,
        trusts: Trust,
        protocols: &[&str],
    ) -> io::Result<TlsStream<S>> {
        let mut roots = RootCertStore::empty();
        let root = if trusts == Trust::School { &self.school_ca } else { &self.outside_ca };
        roots.add(root.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// One request over TLS through the proxy.
    pub(crate) async fn get_tls(&self, source: &str, host: &str, trusts: Trust) -> String {
        let mut stream = self.tls(source, host, trusts).await.unwrap();
        let request =
            format!("GET /page?q=1 HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }

    pub(crate) fn count(&self, series: &str) -> u64 {
        let text = self.metrics.render();
        let line = text.lines().find(|line| line.split(' ').next() == Some(series));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// The next decision that is recorded, or the first that was.
    pub(crate) async fn decision(&self) -> Decision {
        loop {
            {
                let mut events = self.records.events.lock().unwrap();
                if !events.is_empty() {
                    match events.remove(0) {
                        Event::Decision(decision) => return decision,
                        other => panic!("{other:?}"),
                    }
                }
            }
            soon(self.records.sound.notified()).await;
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.records.events.lock().unwrap().clone()
    }

    pub(crate) async fn help_count(&self) -> usize {
        while self.records.help.load(Ordering::SeqCst) == 0 {
            soon(self.records.sound.notified()).await;
        }
        self.records.help.load(Ordering::SeqCst)
    }

    pub(crate) fn origin_connections(&self) -> usize {
        self.origin.connections.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    School,
    Outside,
}

/// Nothing in these tests takes long; what does is broken.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("this takes too long")
}

pub(crate) async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    // A reset after a refusal, or TLS without a goodbye, ends it as well.
    let _ = soon(stream.read_to_end(&mut all)).await;
    String::from_utf8_lossy(&all).into_owned()
}

pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match soon(stream.read_u8()).await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
