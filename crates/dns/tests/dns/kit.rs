//! A school with one DNS door, one upstream server and three people.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64;
use jiff::Timestamp;
use jiff::civil::Date;
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use schoolgate_base::{Host, SchoolId};
use schoolgate_decide::Snapshot;
use schoolgate_decide::snapshot::Live;
use schoolgate_dns::{Dns, Parts, Portal, Seals, Settings, Transport, Upstream, udp_sockets};
use schoolgate_event::{Decision, Event, LockedHash, LockedHit, Recorded, Recorder};
use schoolgate_identity::Identities;
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Tasks};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::school::{live, snapshot};
use crate::world::World;

pub(crate) const NOW: &str = "2026-11-24T10:00Z";
/// A teacher, a pupil, a teacher who has not agreed, and where nobody has signed in.
pub(crate) const TESS: &str = "127.0.0.1";
pub(crate) const PIA: &str = "127.0.0.2";
pub(crate) const SAM: &str = "127.0.0.4";
pub(crate) const NOBODY: &str = "127.0.0.5";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Everything the door recorded.
#[derive(Default)]
pub(crate) struct Records {
    events: Mutex<Vec<Event>>,
    pub(crate) help: AtomicUsize,
}

impl Recorder for Records {
    fn record(&self, event: Event) -> Recorded {
        self.events.lock().unwrap().push(event);
        Recorded::Queued
    }

    fn help_visited(&self, _: &SchoolId, _: Date) {
        self.help.fetch_add(1, Ordering::SeqCst);
    }
}

impl Records {
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// The first decision about `host` since this was last asked.
    pub(crate) fn decision_on(&self, host: &str) -> Decision {
        let taken = self.take().into_iter().find_map(|event| match event {
            Event::Decision(decision) if decision.host.to_string() == host => Some(decision),
            _ => None,
        });
        taken.unwrap_or_else(|| panic!("nothing was decided about {host}"))
    }

    /// The one decision that was recorded since this was last asked.
    pub(crate) fn decision(&self) -> Decision {
        match self.take().as_slice() {
            [Event::Decision(decision)] => decision.clone(),
            other => panic!("not one decision: {other:?}"),
        }
    }

    pub(crate) fn locked_hit(&self) -> LockedHit {
        match self.take().as_slice() {
            [Event::LockedHit(hit)] => hit.clone(),
            other => panic!("not one locked hit: {other:?}"),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.lock().unwrap().is_empty()
    }
}

struct Sevens;

impl Seals for Sevens {
    fn locked(&self, _: &Host) -> LockedHash {
        LockedHash::new(&"7".repeat(26)).unwrap()
    }
}

pub(crate) struct Kit {
    /// UDP and TCP.
    pub(crate) address: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) dns: Dns,
    pub(crate) world: Arc<World>,
    /// Where the kit's server is asked second.
    pub(crate) other: Arc<World>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Metrics,
    pub(crate) records: Arc<Records>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    configs: (Arc<ServerConfig>, Arc<ClientConfig>),
    /// Holds `ca.pem`, which signed the door's certificate, `dns.pem`, `dns.key` and `key-hash`.
    pub(crate) keys: tempfile::TempDir,
}

impl Kit {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    /// `change` sees the address of the second server, which only it can bring into use.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings, SocketAddr)) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let configs = certificates(&keys);
        Self::start_by(keys, configs, change).await
    }

    /// As another kit, whose certificate both hold.
    pub(crate) async fn start_under(other: &Self, change: impl FnOnce(&mut Settings, SocketAddr)) -> Self {
        Self::start_by(tempfile::tempdir().unwrap(), other.configs.clone(), change).await
    }

    async fn start_by(
        keys: tempfile::TempDir,
        configs: (Arc<ServerConfig>, Arc<ClientConfig>),
        change: impl FnOnce(&mut Settings, SocketAddr),
    ) -> Self {
        let (tasks, metrics, clock) = (Tasks::new(), Metrics::new(), Clock::frozen(at(NOW)));
        let (world, other) = (World::start(&tasks).await, World::start(&tasks).await);
        let portal =
            Portal { name: "portal.school.test".parse().unwrap(), addresses: vec!["10.0.0.2".parse().unwrap()] };
        let upstream = Upstream { address: world.address, transport: Transport::Udp };
        let mut settings = Settings::new(SchoolId::new("riverside").unwrap(), portal, vec![upstream]);
        settings.inner_names.push("inner.example".parse().unwrap());
        change(&mut settings, other.address);
        let (server, client) = configs.clone();
        let of_zones = settings.zones.iter().flat_map(|zone| &zone.upstreams);
        let name_servers = settings.upstreams.iter().chain(of_zones).map(|upstream| upstream.address).collect();
        let dialer = Dialer::new(DialerSettings { name_servers, ..DialerSettings::new(AddressRule::default()) });
        let (snapshots, receiver) = watch::channel(Arc::new(snapshot(1, live())));
        let records = Arc::new(Records::default());
        let dns = Dns::new(Parts {
            settings,
            snapshots: receiver,
            clock: clock.clone(),
            tasks: tasks.clone(),
            metrics: metrics.clone(),
            identities: Arc::new(Identities::new(64)),
            recorder: Arc::clone(&records) as Arc<dyn Recorder>,
            seals: Arc::new(Sevens),
            dialer,
            upstream_tls: client,
        });
        let (address, listener) = loop {
            let sockets = udp_sockets("127.0.0.1:0".parse().unwrap(), 2).unwrap();
            let address = sockets[0].local_addr().unwrap();
            // The same port over TCP may be somebody else's.
            let Ok(listener) = TcpListener::bind(address).await else { continue };
            sockets.into_iter().for_each(|socket| dns.serve_udp(socket));
            break (address, listener);
        };
        dns.serve_tcp(listener, None);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tls = listener.local_addr().unwrap();
        dns.serve_tcp(listener, Some(Arc::clone(&server)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let https = listener.local_addr().unwrap();
        dns.serve_https(listener, &server);
        Self { address, tls, https, dns, world, other, clock, tasks, metrics, records, snapshots, configs, keys }
    }

    /// Publishes the next root with this live part.
    pub(crate) fn publish(&self, live: Live) {
        let number = self.snapshots.borrow().root.number + 1;
        self.snapshots.send_replace(Arc::new(snapshot(number, live)));
    }

    /// What `dig` prints when `source` asks: `words` are its query and options.
    pub(crate) async fn dig(&self, source: &str, words: &str) -> String {
        let port = self.address.port().to_string();
        let options = ["-b", source, "-p", &port, "@127.0.0.1", "+tries=1", "+timeout=10", "+nocookie"];
        run(Command::new("dig").args(options).args(words.split(' '))).await
    }

    /// The answers alone, a line each.
    pub(crate) async fn short(&self, source: &str, words: &str) -> String {
        self.dig(source, &format!("+short {words}")).await.trim_end().to_owned()
    }

    pub(crate) async fn kdig(&self, address: SocketAddr, words: &str) -> String {
        let ca = self.keys.path().join("ca.pem");
        let server = format!("@{}", address.ip());
        let port = address.port().to_string();
        let ca = format!("+tls-ca={}", ca.display());
        let options = [&server, "-p", &port, &ca, "+tls-hostname=dns.school.test", "+retry=0", "+time=10"];
        run(Command::new("kdig").args(options).args(words.split(' '))).await
    }

    /// Of the door's certificate: SHA-256 of its public key, in base64.
    pub(crate) fn key_hash(&self) -> String {
        std::fs::read_to_string(self.keys.path().join("key-hash")).unwrap()
    }

    pub(crate) async fn dial(&self) -> TcpStream {
        TcpSocket::new_v4().unwrap().connect(self.address).await.unwrap()
    }

    /// Of the metrics, the number of this series.
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let text = self.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0, |number| number.parse().unwrap())
    }
}

pub(crate) async fn run(command: &mut Command) -> String {
    let output = command.env_clear().env("LC_ALL", "C").output().await.expect("this program is needed for this test");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Waits a moment that no test needs.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future).await.expect("it happens soon")
}

/// A certificate for `dns.school.test`, and clients that trust it.
fn certificates(keys: &tempfile::TempDir) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(["dns.school.test".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let key_hash = BASE64.encode(digest(&SHA256, &key.subject_public_key_info()).as_ref());
    for (name, text) in [
        ("ca.pem", certificate.pem()),
        ("dns.pem", certificate.pem()),
        ("dns.key", key.serialize_pem()),
        ("key-hash", key_hash),
    ] {
        std::fs::write(keys.path().join(name), text).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}
