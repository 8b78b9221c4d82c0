//! The doors under one edition of the settings, and those before that still finish.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schoolgate_base::Host;
use schoolgate_proxy::{Portal, Proxy};
use schoolgate_runtime::{AddressRule, Clock, Sockets as Listening, Tasks};
use tracing::{info, warn};

use super::Base;
use super::Role;
use super::listeners::Listeners;
use super::own_tls::OwnTls;
use crate::gateway::{Believed, GatewayParts, doors};
use crate::product::StartError;
use crate::serve::ServeError;
use crate::settings::{ProxySettings, Settings, SettingsError};

/// For what was open under settings that were replaced: a lesson's video, a large download.
const FINISH: Duration = Duration::from_secs(3_600);
/// Beyond the doors' own grace, for the last bytes.
const LAST_BYTES: Duration = Duration::from_secs(5);
/// For what is open when the program stops.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// Editions that finish at a time: each may hold what its doors have remembered.
const FINISHING_MAX: usize = 3;

/// Doors that are open.
pub(super) struct Edition {
    tasks: Tasks,
    proxy: Proxy,
    listening: Listening,
}

impl Edition {
    /// Opens the doors that `settings` want, on what `listening` has of their sockets. All that can fail comes before the
    /// first is open.
    pub(super) async fn open(base: &Base, settings: &Settings, mut listening: Listening) -> Result<Self, ServeError> {
        let Some(proxy) = &settings.proxy else { return Err(ServeError::NoGateway) };
        let listeners = Listeners::bind(&mut listening, proxy, settings.dns.as_ref())?;
        let mut own = listeners.addresses();
        own.push(settings.portal.listen);
        own.extend(settings.metrics);
        let sites = Believed {
            roots: settings.tls.read_roots(&base.signer.own_certificates()).map_err(SettingsError::from)?,
            distrusted: settings.tls.distrusted.clone(),
            revocations: settings.tls.revocations.clone(),
        };
        let own_tls = OwnTls::sign(&base.leaves, own_names(settings, proxy)).await?;
        let tls = match own_tls.config() {
            Some(own) => Some((base.proofs.asked_by(Arc::clone(&own))?, own)),
            None => None,
        };
        let tasks = Tasks::new();
        let doors = doors(GatewayParts { sites, ..parts(base, settings, proxy, own, &tasks) })?;
        if let Err(failure) = base.follow(doors.own.clone()) {
            tasks.drain(Duration::ZERO).await;
            return Err(failure);
        }
        let addresses = listeners.addresses();
        if let Some((asking, own)) = tls {
            listeners.serve(&doors, &asking, &own);
        }
        own_tls.keep_renewed(&tasks);
        if let Err(error) = listening.leave(&base.sockets.listening(Role::Gateway)).await {
            let error: &dyn std::error::Error = &error;
            warn!(error, "the supervisor does not have the listening sockets: a restart may refuse connections");
        }
        info!(?addresses, "the gateway is open");
        Ok(Self { tasks, proxy: doors.proxy, listening })
    }

    /// The sockets for the edition after this one.
    pub(super) fn listening(&self) -> Result<Listening, StartError> {
        self.listening.again().map_err(StartError::from)
    }

    /// Takes nothing new and ends what is open.
    pub(super) async fn stop(self, longest: Duration) {
        self.proxy.set_drain_grace(STOP_GRACE);
        self.tasks.drain(longest).await;
    }
}

/// The names that this gateway has over TLS.
fn own_names(settings: &Settings, proxy: &ProxySettings) -> Vec<Host> {
    let mut names = vec![Host::Name(settings.portal.name.clone())];
    names.extend(proxy.tls_names.iter().cloned());
    names
}

fn parts(
    base: &Base,
    settings: &Settings,
    proxy: &ProxySettings,
    own: Vec<std::net::SocketAddr>,
    tasks: &Tasks,
) -> GatewayParts {
    GatewayParts {
        school: base.school.clone(),
        portal: Portal { name: settings.portal.name.clone(), socket: base.sockets.portal() },
        gateways: proxy.gateways.clone(),
        balancers: proxy.balancers.clone(),
        addresses: AddressRule {
            allows_private: proxy.private_networks,
            inner: proxy.inner_networks.clone(),
            listed: Vec::new(),
            own,
        },
        inner_web: None,
        snapshots: base.snapshots.clone(),
        clock: Clock::system(),
        tasks: tasks.clone(),
        metrics: base.metrics.clone(),
        identities: base.identities.clone(),
        negotiate: base.proofs.negotiate.clone(),
        signer: base.signer.clone(),
        leaves: base.leaves.clone(),
        sites: Believed::default(),
        recorder: base.recorder.clone(),
        seals: base.seals.clone(),
        dns: settings.dns.clone(),
    }
}

/// Editions that take nothing new.
pub(super) struct Finishing {
    /// What waits for their ends.
    waiting: Tasks,
    editions: VecDeque<Edition>,
}

impl Finishing {
    pub(super) fn new() -> Self {
        Self { waiting: Tasks::new(), editions: VecDeque::new() }
    }

    /// Another has its sockets: what it has open may go on, as long as it is allowed, and not for ever.
    pub(super) fn add(&mut self, edition: Edition) {
        // An open socket that nobody accepts on would let connections in and wait.
        let edition = Edition { listening: Listening::default(), ..edition };
        self.editions.retain(|edition| 0 < edition.tasks.running());
        if FINISHING_MAX <= self.editions.len()
            && let Some(oldest) = self.editions.pop_front()
        {
            self.waiting.spawn("doors that end", oldest.stop(LAST_BYTES));
        }
        edition.proxy.set_drain_grace(FINISH);
        let tasks = edition.tasks.clone();
        self.waiting.spawn("doors that finish", async move {
            tasks.drain(FINISH + LAST_BYTES).await;
        });
        self.editions.push_back(edition);
    }

    /// The program stops: what is still open has as long as at any stop.
    pub(super) fn hurry(&self) {
        for edition in &self.editions {
            edition.proxy.set_drain_grace(STOP_GRACE);
        }
    }

    /// Ends what is left.
    pub(super) async fn stop(self) {
        for edition in self.editions {
            edition.stop(Duration::ZERO).await;
        }
        self.waiting.drain(LAST_BYTES).await;
    }
}
