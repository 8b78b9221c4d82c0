//! The whole product in one process: records, snapshots, events, portal, proxy, wired and started.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schoolgate_base::{Host, HostName};
use schoolgate_control::{Control, ControlError, ControlParts};
use schoolgate_decide::Categories;
use schoolgate_eventlog::{EventLog, Evidence, LogError, QueryError};
use schoolgate_identity::Identities;
use schoolgate_keys::{KeyError, KeyRing, sha256_hex};
use schoolgate_lists::Index;
use schoolgate_portal::{Demo, PortalParts};
use schoolgate_proxy::{Parts, Portal, Proxy};
use schoolgate_records::{RecordsError, SchoolStore, Store};
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Resolver, SystemResolver, Tasks};
use schoolgate_snapshot::Mapped;
use schoolgate_tls::{Authority, AuthorityError, LeafError, Leaves, Signer, Upstream, UpstreamError};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::data_dir::{DataDir, DataDirError, Running};
use crate::front::{Front, Listener, Tls};
use crate::seals::RingSeals;
use crate::upkeep;

/// Devices remembered as trusting our CA.
const DEVICES_MAX: usize = 20_000;
const LEAVES_MAX: usize = 20_000;
const MINTING_MAX: usize = 64;
const UPSTREAM_HANDSHAKE: Duration = Duration::from_secs(10);
/// How long open work may take at a stop.
const DRAIN: Duration = Duration::from_secs(8);

/// Why the product did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("cannot open the keys")]
    Keys {
        #[from]
        source: KeyError,
    },
    #[error("cannot open the records")]
    Records {
        #[from]
        source: RecordsError,
    },
    #[error("cannot open the event log")]
    Events {
        #[from]
        source: LogError,
    },
    #[error("cannot prepare questions to the event log")]
    Evidence {
        #[from]
        source: QueryError,
    },
    #[error("cannot put the policy in force")]
    Control {
        #[from]
        source: ControlError,
    },
    #[error("cannot open the school's CA")]
    Authority {
        #[from]
        source: AuthorityError,
    },
    #[error("cannot prepare certificates")]
    Leaves {
        #[from]
        source: LeafError,
    },
    #[error("cannot prepare connections to sites")]
    Upstream {
        #[from]
        source: UpstreamError,
    },
    #[error("cannot listen on {address}: another program has it, or it needs more rights")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot listen on `{path}`")]
    Socket { path: PathBuf, source: io::Error },
}

/// How one start differs from another.
pub(crate) struct Plan {
    pub(crate) clock: Clock,
    pub(crate) portal: SocketAddr,
    pub(crate) portal_tls: PortalTls,
    pub(crate) portal_name: HostName,
    /// `None`: portal only.
    pub(crate) proxy: Option<SocketAddr>,
    pub(crate) allows_private: bool,
    /// Bytes of a lists index to put in force; `None` keeps the one before.
    pub(crate) lists: Option<Vec<u8>>,
    pub(crate) inner_web: Option<InnerWeb>,
    pub(crate) demo: Option<Demo>,
}

pub(crate) enum PortalTls {
    /// Only for the demo, on loopback.
    Off,
    Public(TlsAcceptor),
    Own,
}

/// Sites that exist only inside the demo.
pub(crate) struct InnerWeb {
    pub(crate) names: Arc<dyn Resolver>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) root: CertificateDer<'static>,
}

/// The product, running.
pub struct Product {
    pub tasks: Tasks,
    /// The event log's writer and the snapshot's follower, drained after `tasks`.
    writing: Tasks,
    pub control: Control,
    pub events: EventLog,
    pub portal: SocketAddr,
    pub proxy: Option<SocketAddr>,
    /// The school's CA certificate, PEM.
    pub ca_pem: String,
    store: Store,
    /// Let go of last.
    _running: Running,
}

/// The records of a data directory's school, and its keys.
pub async fn records(dir: &DataDir) -> Result<(Store, SchoolStore, Arc<KeyRing>), StartError> {
    let keys = Arc::new(KeyRing::open(dir.path())?);
    let store = Store::open(dir.path(), Arc::clone(&keys)).await?;
    let school = store.school(dir.school());
    Ok((store, school, keys))
}

/// What portal and proxy share.
struct Common {
    tasks: Tasks,
    clock: Clock,
    keys: Arc<KeyRing>,
    control: Control,
    events: EventLog,
    authority: Arc<dyn Signer>,
    leaves: Arc<Leaves>,
    identities: Arc<Identities>,
    portal_name: HostName,
}

impl Product {
    pub(crate) async fn start(dir: &DataDir, plan: Plan) -> Result<Self, StartError> {
        let running = dir.run()?;
        let tasks = Tasks::new();
        let (store, school, keys) = records(dir).await?;
        let (control, follower) = Control::open(ControlParts {
            store: school,
            keys: Arc::clone(&keys),
            clock: plan.clock.clone(),
            tasks: tasks.clone(),
            snapshot_dir: dir.snapshot(),
            lists: plan.lists,
            open_lists,
        })
        .await?;
        let (events, writing) = events(dir, &control)?;
        let stopping = writing.shutdown();
        // Among what stops last: a click that is being answered waits until the doors have followed.
        writing.spawn("snapshot follower", async move {
            tokio::select! {
                () = follower.run() => {}
                () = stopping.begun() => {}
            }
        });
        tasks.spawn("upkeep", upkeep::run(control.clone(), events.clone(), plan.clock.clone(), tasks.shutdown()));
        // Devices judge certificates by their own clocks, so these follow the system's, in the demo too.
        let authority = Authority::load_or_make(keys.dir(), dir.school_name(), Clock::system())?;
        let ca_pem = authority.pem().to_owned();
        let authority: Arc<dyn Signer> = Arc::new(authority);
        let leaves = Leaves::new(Arc::clone(&authority), Clock::system(), LEAVES_MAX, MINTING_MAX)?;
        let common = Common {
            tasks: tasks.clone(),
            clock: plan.clock,
            keys,
            control: control.clone(),
            events: events.clone(),
            authority,
            leaves: Arc::new(leaves),
            identities: Arc::new(Identities::new(DEVICES_MAX)),
            portal_name: plan.portal_name,
        };
        let (portal_listener, portal) = listen(plan.portal).await?;
        let proxy_listener = match plan.proxy {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let proxy = proxy_listener.as_ref().map(|(_, address)| *address);
        let front = common.front(&ca_pem, proxy, plan.demo)?;
        front.listen(Listener::Browsers(portal_listener), common.outside(plan.portal_tls));
        if let Some((listener, address)) = proxy_listener {
            front.listen(Listener::Proxy(socket(dir)?), common.own_tls());
            let rule =
                AddressRule { allows_private: plan.allows_private, listed: Vec::new(), own: vec![portal, address] };
            common.proxy(dir, rule, plan.inner_web)?.serve(listener, None);
        }
        info!(%portal, "the portal is open");
        Ok(Self { tasks, writing, control, events, portal, proxy, ca_pem, store, _running: running })
    }

    /// Stops taking work, finishes what is open, writes what is in memory and closes the records.
    pub async fn stop(self) -> Result<(), RecordsError> {
        self.tasks.drain(DRAIN).await;
        // After the doors: what they record while they close is an event too.
        self.writing.drain(DRAIN).await;
        drop(self.control);
        self.store.close().await
    }

    /// Runs until somebody presses Ctrl-C or the system asks to stop.
    pub async fn run(self) -> Result<(), RunError> {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(|source| RunError::Signal { source })?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.map_err(|source| RunError::Signal { source })?,
            _ = terminate.recv() => {}
        }
        info!("stopping");
        self.stop().await.map_err(|source| RunError::Close { source })
    }
}

impl Common {
    /// A leaf of the school's own CA for the portal's name.
    fn own_tls(&self) -> Tls {
        Tls::Own { leaves: Arc::clone(&self.leaves), name: Host::Name(self.portal_name.clone()) }
    }

    fn outside(&self, tls: PortalTls) -> Tls {
        match tls {
            PortalTls::Off => Tls::Off,
            PortalTls::Public(acceptor) => Tls::Public(acceptor),
            PortalTls::Own => self.own_tls(),
        }
    }

    /// What devices are told: a gateway that listens everywhere is found where the portal is.
    fn reached_at(&self, proxy: SocketAddr) -> String {
        if proxy.ip().is_unspecified() { format!("{}:{}", self.portal_name, proxy.port()) } else { proxy.to_string() }
    }

    fn front(&self, ca_pem: &str, proxy: Option<SocketAddr>, demo: Option<Demo>) -> Result<Front, StartError> {
        let router = schoolgate_portal::Portal::router(PortalParts {
            control: self.control.clone(),
            events: self.events.clone(),
            evidence: Evidence::new(self.events.clone())?,
            settings: schoolgate_portal::Settings {
                portal_name: self.portal_name.to_string(),
                proxy_address: proxy.map(|address| self.reached_at(address)).unwrap_or_default(),
                ca_pem: ca_pem.to_owned(),
                ca_fingerprint: fingerprint(ca_pem),
                leave_to: None,
            },
            demo,
        });
        Ok(Front::new(router, self.tasks.clone(), self.clock.clone(), Arc::clone(&self.identities)))
    }

    fn proxy(&self, dir: &DataDir, rule: AddressRule, inner: Option<InnerWeb>) -> Result<Proxy, StartError> {
        let upstream = upstream(rule, inner, self.authority.as_ref())?;
        let portal = Portal { name: self.portal_name.clone(), socket: dir.portal_socket() };
        Ok(Proxy::new(Parts {
            settings: schoolgate_proxy::Settings::new(dir.school().clone(), portal),
            snapshots: self.control.snapshots(),
            clock: self.clock.clone(),
            tasks: self.tasks.clone(),
            metrics: Metrics::new(),
            identities: Arc::clone(&self.identities),
            leaves: Arc::clone(&self.leaves),
            upstream,
            recorder: Arc::new(self.events.clone()),
            seals: Arc::new(RingSeals { keys: Arc::clone(&self.keys), school: dir.school().clone() }),
        }))
    }
}

/// Opens the event log and runs its task in a set of its own, which is to be drained after the doors'.
fn events(dir: &DataDir, control: &Control) -> Result<(EventLog, Tasks), StartError> {
    let zone = control.in_force().built.compiled.program.calendar.zone.clone();
    let (events, log, _) = EventLog::open(&dir.events(), schoolgate_eventlog::Settings::new(zone))?;
    let writing = Tasks::new();
    let stopping = writing.shutdown();
    writing.spawn("event log", async move {
        if let Err(error) = log.run(async move { stopping.begun().await }).await {
            let error: &dyn std::error::Error = &error;
            error!(error, "the event log stopped: decisions are no longer recorded");
        }
    });
    Ok((events, writing))
}

/// Why the product did not stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot wait for the signal to stop")]
    Signal { source: io::Error },
    #[error("cannot close the records; what was acknowledged is kept all the same")]
    Close { source: RecordsError },
}

fn open_lists(bytes: Arc<Mapped>) -> Result<Arc<dyn Categories>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Arc::new(Index::open(bytes)?))
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn socket(dir: &DataDir) -> Result<UnixListener, StartError> {
    let path = dir.portal_socket();
    // Left by a start that was killed; nobody listens on it, or binding the ports would have failed first.
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(StartError::Socket { path, source }),
        Ok(()) | Err(_) => {}
    }
    UnixListener::bind(&path).map_err(|source| StartError::Socket { path, source })
}

fn upstream(
    mut addresses: AddressRule,
    inner: Option<InnerWeb>,
    authority: &dyn Signer,
) -> Result<Upstream, StartError> {
    let (resolver, roots): (Arc<dyn Resolver>, _) = match inner {
        Some(web) => {
            addresses.listed = web.addresses;
            (web.names, vec![web.root])
        }
        None => (Arc::new(SystemResolver), Vec::new()),
    };
    let dialer = Dialer::new(DialerSettings { resolver, ..DialerSettings::new(addresses) });
    Ok(Upstream::new(dialer, &roots, &authority.certificate(), UPSTREAM_HANDSHAKE)?)
}

/// SHA-256 of the certificate as people compare it: `3F:9A:…`.
fn fingerprint(pem: &str) -> String {
    let Ok(certificate) = CertificateDer::from_pem_slice(pem.as_bytes()) else { return String::new() };
    let hex = sha256_hex(&certificate).to_uppercase();
    let pairs: Vec<&str> = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2)).collect();
    pairs.join(":")
}
