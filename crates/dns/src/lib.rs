#![doc = include_str!("../README.md")]

mod answer;
mod cache;
mod cookies;
mod door;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod https;
mod limiter;
mod lookup;
mod meters;
mod pipeline;
mod ports;
mod query;
mod record;
mod reply;
mod settings;
mod spawner;
mod special;
mod stand_in;
mod tcp;
mod turn;
mod udp;
mod upstream;
mod verdicts;
mod wire;

use std::sync::Arc;

use rustls::{ClientConfig, ServerConfig};
use schoolgate_decide::Snapshot;
use schoolgate_event::Recorder;
use schoolgate_identity::Identities;
use schoolgate_runtime::{Clock, Crowd, Dialer, Metrics, Tasks};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{Semaphore, watch};

pub use ports::Seals;
pub use settings::{Blocked, Limits, Portal, Settings, Stale, Transport, Upstream, YouTube, Zone};
pub use udp::udp_sockets;

use crate::cache::Cache;
use crate::cookies::Cookies;
use crate::door::Door;
use crate::limiter::Limiter;
use crate::lookup::Pending;
use crate::meters::Meters;
use crate::tcp::Speaks;
use crate::upstream::{Means, Upstreams};
use crate::verdicts::Verdicts;

/// What the DNS door is made of. Everything outside it is handed in.
pub struct Parts {
    pub settings: Settings,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub clock: Clock,
    pub tasks: Tasks,
    pub metrics: Metrics,
    pub identities: Arc<Identities>,
    pub recorder: Arc<dyn Recorder>,
    pub seals: Arc<dyn Seals>,
    /// Its `name_servers` are the upstream servers of the settings.
    pub dialer: Dialer,
    /// What upstream servers that speak TLS have to prove.
    pub upstream_tls: Arc<ClientConfig>,
}

/// A running DNS door; it stops when its tasks are drained.
#[derive(Clone)]
pub struct Dns {
    door: Arc<Door>,
    crowd: Arc<Crowd>,
}

impl Dns {
    pub fn new(parts: Parts) -> Self {
        let limits = parts.settings.limits.clone();
        let means =
            Means { dialer: parts.dialer, tls: parts.upstream_tls, tasks: parts.tasks.clone(), limits: limits.clone() };
        let meters = Meters::new(&parts.metrics);
        let open = meters.connections.clone();
        let door = Arc::new(Door {
            upstreams: Upstreams::new(&parts.settings, &means),
            cache: Cache::new(limits.cache_bytes_max),
            verdicts: Verdicts::new(),
            pending: Pending::default(),
            limiter: Limiter::new(limits.rate_per_second, limits.burst),
            cookies: Cookies::new(),
            waiting: Arc::new(Semaphore::new(limits.waiting_max)),
            settings: parts.settings,
            snapshots: parts.snapshots,
            clock: parts.clock,
            tasks: parts.tasks,
            identities: parts.identities,
            recorder: parts.recorder,
            seals: parts.seals,
            meters,
        });
        let crowd = Crowd::new(limits.connections_max, limits.connections_per_address_max, open);
        Self { door, crowd }
    }

    /// Answers what comes to `socket`. Several sockets at one address ([`udp_sockets`]) share the work.
    pub fn serve_udp(&self, socket: UdpSocket) {
        self.door.tasks.spawn("DNS socket", udp::listen(Arc::clone(&self.door), socket));
    }

    /// Takes connections from `listener`: DNS over TCP, and with `tls` over TLS.
    pub fn serve_tcp(&self, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
        let speaks = match tls {
            None => Speaks::Tcp,
            Some(config) => Speaks::Tls(offering(&config, &[b"dot"])),
        };
        self.serve(listener, speaks);
    }

    /// Takes connections from `listener`: DNS over HTTPS.
    pub fn serve_https(&self, listener: TcpListener, tls: &Arc<ServerConfig>) {
        self.serve(listener, Speaks::Https(offering(tls, &[b"h2", b"http/1.1"])));
    }

    fn serve(&self, listener: TcpListener, speaks: Speaks) {
        let listening = tcp::listen(Arc::clone(&self.door), Arc::clone(&self.crowd), listener, speaks);
        self.door.tasks.spawn("DNS listener", listening);
    }
}

/// `config` with these protocols in the handshake (RFC 7301, RFC 7858 §3.1).
fn offering(config: &Arc<ServerConfig>, protocols: &[&[u8]]) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(config);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}
