//! What gateways know beside the snapshot, for the technician: numbers, and names of sites; never a person.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::Host;
use schoolgate_identity::{Identities, Shares};
use schoolgate_runtime::{Clock, Shutdown};
use schoolgate_tls::{LearnedSite, Leaves, Roots, Upstream};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

/// How old a status is at most when a page shows it, beside the way to the page.
const EVERY: SignedDuration = SignedDuration::from_secs(10);
/// Roots left out that are named: a store has some 150 in all.
const LEFT_OUT_MAX: usize = 256;

/// One gateway's status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayStatus {
    /// Sites that this gateway has learned not to look into, by name; at most [`schoolgate_tls::LEARNED_MAX`].
    pub left_alone: Vec<LearnedSite>,
    /// Certificates of ours that are kept to be shown again.
    pub leaves: usize,
    pub roots: RootsStatus,
    pub revocations: RevocationsStatus,
    /// Requests since the gateway started, by how strongly it is known whose they are.
    pub requests: Shares,
}

/// The roots that sites are believed by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootsStatus {
    pub believed: usize,
    /// Of these, those of Mozilla's programme, and how many the programme had when this program was built.
    pub public: usize,
    pub programme: usize,
    pub left_out: Vec<RootLeftOut>,
}

/// The folder of lists of withdrawn certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationsStatus {
    /// Whether the settings name one.
    pub is_set: bool,
    /// Lists in force, and since when.
    pub lists: usize,
    pub read_at: Option<Timestamp>,
    /// Why the folder as it is now was not taken.
    pub problem: Option<String>,
}

/// A root of the store or the settings that is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootLeftOut {
    pub subject: String,
    /// A word: `known-bad`, `own-ca`, `expired`, …
    pub why: String,
}

/// A school's gateways, wherever they run.
pub trait GatewayReports: Send + Sync {
    /// One for each gateway that is there now.
    fn statuses(&self) -> Vec<GatewayStatus>;

    /// The sites that any gateway leaves alone, by name; while none is there, those of the last.
    fn left_alone(&self, now: Timestamp) -> Vec<LearnedSite>;

    /// Has `host` looked into again; `false` where nobody leaves it alone.
    fn forget(&self, host: &Host) -> bool;
}

/// The gateway of this process, whose status is read off here.
#[derive(Clone)]
pub(crate) struct OwnGateway {
    pub(crate) upstream: Upstream,
    pub(crate) leaves: Arc<Leaves>,
    pub(crate) identities: Arc<Identities>,
    pub(crate) clock: Clock,
    pub(crate) revocations: Arc<Mutex<RevocationsStatus>>,
}

impl OwnGateway {
    pub(crate) fn status(&self) -> GatewayStatus {
        GatewayStatus {
            left_alone: self.upstream.learned().list(self.clock.now()),
            leaves: self.leaves.cached_count(),
            roots: RootsStatus::of(self.upstream.roots()),
            revocations: self.revocations.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            requests: self.identities.attribution.shares(),
        }
    }
}

/// Tells `told` of each change of the newest doors, and has them do what `forgotten` asks for, until the program stops.
pub(crate) async fn tell(
    mut newest: watch::Receiver<Option<OwnGateway>>,
    told: watch::Sender<Option<GatewayStatus>>,
    mut forgotten: mpsc::Receiver<Host>,
    shutdown: Shutdown,
) {
    let clock = Clock::system();
    loop {
        let gateway = newest.borrow_and_update().clone();
        let status = gateway.as_ref().map(OwnGateway::status);
        told.send_if_modified(|last| {
            let is_new = *last != status;
            *last = status;
            is_new
        });
        tokio::select! {
            () = clock.wait_for(EVERY) => {}
            Ok(()) = newest.changed() => {}
            Some(host) = forgotten.recv() => {
                if let Some(gateway) = &gateway {
                    gateway.forget(&host);
                }
            }
            () = shutdown.begun() => return,
        }
    }
}

impl GatewayReports for OwnGateway {
    fn statuses(&self) -> Vec<GatewayStatus> {
        vec![self.status()]
    }

    fn left_alone(&self, now: Timestamp) -> Vec<LearnedSite> {
        self.upstream.learned().list(now)
    }

    fn forget(&self, host: &Host) -> bool {
        self.upstream.learned().forget(host)
    }
}

impl RootsStatus {
    fn of(roots: &Roots) -> Self {
        let (believed, public) = roots.count();
        let named = roots.left_out().iter().take(LEFT_OUT_MAX);
        let left_out = named.map(|root| RootLeftOut { subject: root.subject.to_string(), why: root.why.to_owned() });
        Self { believed, public, programme: Roots::programme_count(), left_out: left_out.collect() }
    }
}
