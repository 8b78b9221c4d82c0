//! Records, snapshots, events and the portal, wired and started; with doors in the same process, in another, or none.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use schoolgate_base::{Host, HostName};
use schoolgate_control::{Control, ControlError, ControlParts};
use schoolgate_decide::Categories;
use schoolgate_eventlog::{EventLog, Evidence, LogError, QueryError};
use schoolgate_identity::{Identities, Openness};
use schoolgate_keys::{KeyError, KeyRing, Offices};
use schoolgate_lists::Index;
use schoolgate_portal::{CaFiles, Demo, GatewaysPort, Look, PortalParts};
use schoolgate_proxy::{Gateways, Portal};
use schoolgate_records::{RecordsError, SchoolStore, Store};
use schoolgate_runtime::{AddressRule, Clock, Metrics, SocketsError, Tasks};
use schoolgate_snapshot::Mapped;
use schoolgate_tls::{Authority, AuthorityError, LeafError, Leaves, OwnServer, Signer, UpstreamError};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::data_dir::{DataDir, DataDirError, Running};
use crate::front::{Front, Listener, Tls, Trusting};
use crate::gateway::{self, Believed, GatewayParts, InnerWeb, identities};
use crate::pem::{ca_file, pem};
use crate::processes::{Desk, GatewayBook, Handed, Sockets, offices_at, socket};
use crate::reached::{away, doh, gateways, pac, pac_address, reached_at};
use crate::seals::DoorSeals;
use crate::settings::{ProxySettings, Settings};
use crate::shown::Shown;
use crate::upkeep;

pub(crate) const LEAVES_MAX: usize = 20_000;
pub(crate) const MINTING_MAX: usize = 64;
/// Between looks at which certificates devices are to be given.
const CA_EVERY: Duration = Duration::from_secs(60);
/// How long open work may take at a stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(8);

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
    #[error("the portal's listening socket cannot be used")]
    Portal { source: io::Error },
    #[error(transparent)]
    Sockets(#[from] SocketsError),
    #[error("another process listens on `{path}` already")]
    Claimed { path: PathBuf },
    #[error("cannot listen on `{path}`")]
    Socket { path: PathBuf, source: io::Error },
}

/// How one start differs from another.
pub(crate) struct Plan {
    pub(crate) clock: Clock,
    /// Folder of the snapshot.
    pub(crate) snapshot: PathBuf,
    /// Where the portal listens.
    pub(crate) portal: TcpListener,
    pub(crate) portal_tls: PortalTls,
    pub(crate) portal_name: HostName,
    pub(crate) doors: Doors,
    /// `None`: the CA's key is in this process too.
    pub(crate) signer: Option<Arc<dyn Signer>>,
    /// `None`: the keys of offices are in this process too.
    pub(crate) offices: Option<Arc<dyn Offices>>,
    /// Bytes of a lists index to put in force; `None` keeps the one before.
    pub(crate) lists: Option<Vec<u8>>,
    pub(crate) demo: Option<Demo>,
}

/// Where the doors are.
pub(crate) enum Doors {
    /// Portal only.
    None,
    /// In this process: the demo, which has one clock for all.
    Here { proxy: SocketAddr, inner_web: Option<InnerWeb> },
    /// In a process of their own, which comes to the sockets.
    /// `https_names` is where the name door answers over HTTPS.
    Apart { sockets: Sockets, proxy: ProxySettings, https_names: Option<SocketAddr> },
}

pub(crate) enum PortalTls {
    /// Only for the demo, on loopback.
    Off,
    Public(TlsAcceptor),
    Own,
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
    records_by(dir, KeyRing::open(dir.path())?).await
}

/// The same with the keys of offices where `settings` keep them: by the signer where it runs, or else in its folder.
pub async fn records_of(dir: &DataDir, settings: &Settings) -> Result<(Store, SchoolStore, Arc<KeyRing>), StartError> {
    let mut keys = KeyRing::open(dir.path())?;
    if let Some(apart) = settings.signer_keys_apart() {
        keys = keys.with_offices(offices_at(&settings.sockets(dir), apart));
    }
    records_by(dir, keys).await
}

async fn records_by(dir: &DataDir, keys: KeyRing) -> Result<(Store, SchoolStore, Arc<KeyRing>), StartError> {
    let keys = Arc::new(keys);
    let store = Store::open(dir.path(), Arc::clone(&keys)).await?;
    let school = store.school(dir.school());
    Ok((store, school, keys))
}

/// What the portal and the doors of one process share.
struct Common {
    tasks: Tasks,
    clock: Clock,
    keys: Arc<KeyRing>,
    control: Control,
    events: EventLog,
    signer: Arc<dyn Signer>,
    leaves: Arc<Leaves>,
    own: Arc<OwnServer>,
    portal_name: HostName,
}

impl Product {
    pub(crate) async fn start(dir: &DataDir, plan: Plan) -> Result<Self, StartError> {
        let running = dir.run()?;
        let tasks = Tasks::new();
        let mut keys = KeyRing::open(dir.path())?;
        if let Some(offices) = plan.offices {
            keys = keys.with_offices(offices);
        }
        let (store, school, keys) = records_by(dir, keys).await?;
        let desk = || Desk::new(Arc::new(GatewayBook::open(dir.left_alone())));
        let desk = matches!(plan.doors, Doors::Apart { .. }).then(desk);
        let (control, follower) = Control::open(ControlParts {
            store: school,
            keys: Arc::clone(&keys),
            clock: plan.clock.clone(),
            tasks: tasks.clone(),
            snapshot_dir: plan.snapshot,
            lists: plan.lists,
            open_lists,
            doors: desk.as_ref().map(|desk| desk.seen()),
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
        let signer = match plan.signer {
            Some(signer) => signer,
            // Devices judge certificates by their own clocks, so these follow the system's, in the demo too.
            None => Arc::new(Authority::load_or_make(keys.dir(), dir.school_name(), Clock::system())?),
        };
        let leaves = Arc::new(Leaves::new(Arc::clone(&signer), Clock::system(), LEAVES_MAX, MINTING_MAX)?);
        let own = OwnServer::start(Arc::clone(&leaves), Host::Name(plan.portal_name.clone())).await?;
        let own = Arc::new(own);
        let ca = cas(&tasks, &own, &signer);
        let ca_pem = pem(&signer.certificate());
        let common = Common {
            tasks: tasks.clone(),
            clock: plan.clock,
            keys,
            control: control.clone(),
            events: events.clone(),
            signer,
            leaves,
            own,
            portal_name: plan.portal_name,
        };
        let portal = plan.portal.local_addr().map_err(|source| StartError::Portal { source })?;
        let ways = common.ways(dir, plan.doors, desk, portal, &writing).await?;
        let proxy = ways.proxy;
        let router = common.router(ca, ways.reached, plan.demo)?;
        let front = Front::new(router, tasks.clone(), ways.trusting);
        front.listen(Listener::Browsers(plan.portal), common.outside(plan.portal_tls));
        if let Some(socket) = ways.socket {
            front.listen(Listener::Proxy(socket), common.own_tls());
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

    /// Runs until somebody presses Ctrl-C or the system asks to stop, or until `over`.
    pub async fn run(self, over: impl Future<Output = ()>) -> Result<(), RunError> {
        tokio::select! {
            stopped = until_asked_to_stop() => stopped?,
            () = over => {}
        }
        info!("stopping");
        self.stop().await.map_err(|source| RunError::Close { source })
    }
}

/// Returns when somebody presses Ctrl-C or the system asks to stop.
pub(crate) async fn until_asked_to_stop() -> Result<(), RunError> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|source| RunError::Signal { source })?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map_err(|source| RunError::Signal { source }),
        _ = terminate.recv() => Ok(()),
    }
}

/// How the doors reach the portal, and what it tells them.
struct Ways {
    socket: Option<UnixListener>,
    trusting: Trusting,
    /// Where the proxy listens in this process.
    proxy: Option<SocketAddr>,
    reached: Reached,
}

/// How devices reach the gateways, and what is shown of these.
#[derive(Default)]
struct Reached {
    gateways: Gateways,
    /// Where names are asked for over HTTPS.
    doh: Option<String>,
    shown: Option<GatewaysPort>,
    /// Who knows whether the web is open to an address.
    look: Option<Look>,
}

impl Common {
    async fn ways(
        &self,
        dir: &DataDir,
        doors: Doors,
        desk: Option<Arc<Desk>>,
        portal: SocketAddr,
        writing: &Tasks,
    ) -> Result<Ways, StartError> {
        match (doors, desk) {
            (Doors::Here { proxy, inner_web }, _) => {
                let (listener, address) = listen(proxy).await?;
                let metrics = Metrics::new();
                let (identities, clock) = (identities(&metrics), self.clock.clone());
                let own = vec![portal, address];
                let parts = self.gateway(dir, (Arc::clone(&identities), metrics), own, inner_web)?;
                let doors = gateway::doors(parts)?;
                doors.proxy.serve(listener, None);
                let shown: GatewaysPort = Arc::new(Shown { reports: Arc::new(doors.own), standing: None });
                let look = self.look_here(&identities);
                let trusting: Trusting = Arc::new(move |address| identities.trust.learn(address, clock.now()));
                let gateways = Gateways { plain: vec![reached_at(address, &self.portal_name)], tls: Vec::new() };
                Ok(Ways {
                    socket: Some(socket(&dir.portal_socket())?),
                    trusting,
                    proxy: Some(address),
                    reached: Reached { gateways, doh: None, shown: Some(shown), look: Some(look) },
                })
            }
            (Doors::Apart { sockets, proxy, https_names }, Some(desk)) => {
                let handed = Handed {
                    school: dir.school().clone(),
                    verifying_key: self.keys.signing().verifying_key(),
                    door_keys: self.keys.doors(),
                    signer: Arc::clone(&self.signer),
                };
                let listener = socket(&sockets.link())?;
                // Stops with the writing: the doors' last events are taken.
                desk.serve(writing, listener, handed, self.events.clone(), self.control.snapshots());
                let (clock, asked) = (self.clock.clone(), Arc::clone(&desk));
                let shown: GatewaysPort = Arc::new(Shown { reports: desk.book(), standing: Some(sockets.standing()) });
                let look: Look = Arc::new(move |address| {
                    let desk = Arc::clone(&asked);
                    Box::pin(async move { desk.look(address).await })
                });
                let signer = Arc::clone(&self.signer);
                let trusting: Trusting =
                    Arc::new(move |address| desk.tell_trusting(address, clock.now(), signer.generation()));
                let gateways = gateways(proxy, &self.portal_name);
                let doh = https_names.map(|address| doh(address, &self.portal_name));
                Ok(Ways {
                    socket: Some(socket(&sockets.portal())?),
                    trusting,
                    proxy: None,
                    reached: Reached { gateways, doh, shown: Some(shown), look: Some(look) },
                })
            }
            (Doors::None | Doors::Apart { .. }, _) => {
                Ok(Ways { socket: None, trusting: Arc::new(|_| {}), proxy: None, reached: Reached::default() })
            }
        }
    }

    /// Looks at addresses with the doors of this process.
    fn look_here(&self, identities: &Arc<Identities>) -> Look {
        let (identities, control) = (Arc::clone(identities), self.control.clone());
        Arc::new(move |address| {
            let open = Openness::of(&identities, &control.snapshot(), address, control.now());
            Box::pin(std::future::ready(open))
        })
    }

    fn gateway(
        &self,
        dir: &DataDir,
        (identities, metrics): (Arc<Identities>, Metrics),
        own: Vec<SocketAddr>,
        inner_web: Option<InnerWeb>,
    ) -> Result<GatewayParts, StartError> {
        Ok(GatewayParts {
            school: dir.school().clone(),
            portal: Portal { name: self.portal_name.clone(), socket: dir.portal_socket() },
            gateways: Gateways::default(),
            balancers: Vec::new(),
            addresses: AddressRule { own, ..AddressRule::default() },
            inner_web,
            snapshots: self.control.snapshots(),
            clock: self.clock.clone(),
            tasks: self.tasks.clone(),
            metrics,
            identities,
            negotiate: None,
            signer: Arc::clone(&self.signer),
            leaves: Arc::clone(&self.leaves),
            sites: Believed::default(),
            recorder: Arc::new(self.events.clone()),
            seals: Arc::new(DoorSeals::new(self.keys.doors(), dir.school().clone())?),
            dns: None,
        })
    }

    /// A certificate of the school's own CA for the portal's name.
    fn own_tls(&self) -> Tls {
        Tls::Own(self.own.config())
    }

    fn outside(&self, tls: PortalTls) -> Tls {
        match tls {
            PortalTls::Off => Tls::Off,
            PortalTls::Public(acceptor) => Tls::Public(acceptor),
            PortalTls::Own => self.own_tls(),
        }
    }

    fn router(&self, ca: CaFiles, reached: Reached, demo: Option<Demo>) -> Result<Router, StartError> {
        let gateways = reached.gateways;
        Ok(schoolgate_portal::Portal::router(PortalParts {
            control: self.control.clone(),
            events: self.events.clone(),
            evidence: Evidence::new(self.events.clone())?,
            settings: schoolgate_portal::Settings {
                portal_name: self.portal_name.to_string(),
                pac_address: pac_address(&gateways),
                away: away(&gateways),
                doh: reached.doh,
                ca,
                leave_to: None,
            },
            pac: pac(gateways),
            gateways: reached.shown,
            look: reached.look,
            demo,
        }))
    }
}

/// Keeps the portal's certificate and what devices are given up to date, for when another CA signs or is to.
fn cas(tasks: &Tasks, own: &Arc<OwnServer>, signer: &Arc<dyn Signer>) -> CaFiles {
    let (kept, shutdown) = (Arc::clone(own), tasks.shutdown());
    tasks.spawn("own certificate", async move { kept.keep(shutdown).await });
    let ca = CaFiles::new(ca_file(signer.as_ref()));
    let (given, signer, shutdown) = (ca.clone(), Arc::clone(signer), tasks.shutdown());
    tasks.spawn("certificates for devices", async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(CA_EVERY) => given.set(ca_file(signer.as_ref())),
                () = shutdown.begun() => return,
            }
        }
    });
    ca
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

/// Why the product did not run to a clean stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot wait for the signal to stop")]
    Signal { source: io::Error },
    #[error("cannot close the records; what was acknowledged is kept all the same")]
    Close { source: RecordsError },
}

pub(crate) fn open_lists(bytes: Arc<Mapped>) -> Result<Arc<dyn Categories>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Arc::new(Index::open(bytes)?))
}

pub(crate) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
