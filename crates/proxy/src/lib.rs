#![doc = include_str!("../README.md")]

mod announced;
mod body;
mod channel;
mod connect;
mod direct;
mod door;
mod exchange;
mod expect;
mod failure;
mod forward;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hops;
mod inside;
mod message;
mod meters;
mod pac;
mod pipeline;
mod pool;
mod ports;
mod proof;
mod reply;
mod safe_search;
mod server;
mod settings;
mod splice;
mod standing;
mod target;
mod tunnel;
mod ways;
mod websocket;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use schoolgate_decide::Snapshot;
use schoolgate_event::Recorder;
use schoolgate_identity::Identities;
use schoolgate_runtime::{Clock, Crowd, Metrics, Tasks};
use schoolgate_tls::{Leaves, Upstream};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use direct::Interception;
pub use pac::{in_turn, pac_file, pac_file_in_school};
pub use ports::Seals;
pub use settings::{Gateways, Limits, Negotiate, Portal, Settings};

use crate::door::Door;
use crate::meters::Meters;
use crate::pool::Pool;
use crate::server::Entrance;
use crate::standing::Standing;

/// What a proxy is made of. Everything outside it is handed in.
pub struct Parts {
    pub settings: Settings,
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub clock: Clock,
    pub tasks: Tasks,
    pub metrics: Metrics,
    pub identities: Arc<Identities>,
    pub leaves: Arc<Leaves>,
    pub upstream: Upstream,
    pub recorder: Arc<dyn Recorder>,
    pub seals: Arc<dyn Seals>,
}

/// A running proxy; it stops when its tasks are drained.
#[derive(Clone)]
pub struct Proxy {
    door: Arc<Door>,
    crowd: Arc<Crowd>,
}

impl Proxy {
    /// Starts the tasks that judge open connections again and that sweep kept ones.
    pub fn new(parts: Parts) -> Self {
        let limits = &parts.settings.limits;
        let pool = Arc::new(Pool::new(limits.pool_per_site_max, limits.pool_max, limits.pool_idle, limits.pool_age));
        let door = Arc::new(Door {
            meters: Meters::new(&parts.metrics),
            pool: Arc::clone(&pool),
            standing: Arc::new(Standing::default()),
            grace: watch::Sender::new(limits.drain_grace),
            settings: parts.settings,
            snapshots: parts.snapshots,
            clock: parts.clock,
            tasks: parts.tasks,
            identities: parts.identities,
            leaves: parts.leaves,
            upstream: parts.upstream,
            recorder: parts.recorder,
            seals: parts.seals,
        });
        door.tasks.attend("review of open connections", standing::review(Arc::clone(&door)));
        door.tasks.spawn("sweep of kept connections", pool.keep_swept(door.tasks.shutdown()));
        let limits = &door.settings.limits;
        let open = door.meters.connections.clone();
        let crowd = Crowd::new(limits.connections_max, limits.connections_per_address_max, open);
        Self { door, crowd }
    }

    /// Takes connections from `listener`, with `tls` over TLS, until the tasks are drained.
    pub fn serve(&self, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
        self.listen(listener, Entrance::Explicit(tls));
    }

    /// Takes connections that clients meant for sites and that the network brings here. Those that name the proxy's own
    /// port are closed.
    pub fn serve_intercepted(&self, listener: TcpListener, interception: Interception) {
        self.listen(listener, Entrance::Intercepted(interception));
    }

    fn listen(&self, listener: TcpListener, entrance: Entrance) {
        let listening = server::listen(Arc::clone(&self.door), Arc::clone(&self.crowd), listener, entrance);
        self.door.tasks.spawn("proxy listener", listening);
    }

    /// Changes [`Limits::drain_grace`], also for a drain that has begun: then it counts from now.
    pub fn set_drain_grace(&self, grace: Duration) {
        self.door.grace.send_replace(grace);
    }

    /// Connections that are open beyond their request.
    pub fn standing(&self) -> usize {
        self.door.standing.count()
    }
}
