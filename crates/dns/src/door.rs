//! Everything that the listeners share, and how a name is judged by it.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::Host;
use schoolgate_decide::snapshot::Target;
use schoolgate_decide::{Decision, Inspect, Reason, Seen, Snapshot, Trace, Verdict, decide, stricter};
use schoolgate_event::Recorder;
use schoolgate_identity::{Identified, Identities, Looking};
use schoolgate_runtime::{Clock, Place, Tasks};
use tokio::sync::{Semaphore, watch};

use crate::cache::Cache;
use crate::cookies::Cookies;
use crate::failure::Failure;
use crate::limiter::Limiter;
use crate::lookup::Pending;
use crate::meters::Meters;
use crate::ports::Seals;
use crate::settings::Settings;
use crate::upstream::Upstreams;
use crate::verdicts::Verdicts;

/// What the DNS door is made of.
pub(crate) struct Door {
    pub(crate) settings: Settings,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) identities: Arc<Identities>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) seals: Arc<dyn Seals>,
    pub(crate) meters: Meters,
    pub(crate) cache: Cache,
    pub(crate) verdicts: Verdicts,
    pub(crate) pending: Pending,
    pub(crate) upstreams: Upstreams,
    pub(crate) limiter: Limiter,
    pub(crate) cookies: Cookies,
    /// Clients that may wait for a look-up.
    pub(crate) waiting: Arc<Semaphore>,
}

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
    Https,
}

/// Who asks, as far as the transport tells.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) transport: Transport,
    /// Basic credentials of a device, from the path that it was given.
    pub(crate) token: Option<Arc<str>>,
    /// Held by whatever is left of the connection.
    pub(crate) _place: Option<Arc<Place>>,
}

impl Client {
    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self.transport, Transport::Tls | Transport::Https)
    }
}

/// A name and what was decided about it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) host: Host,
    pub(crate) identified: Identified,
    pub(crate) decision: Decision,
    /// The root that it was judged by, and that the names it leads over are judged by.
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) at: Timestamp,
}

impl Door {
    pub(crate) fn judge(&self, client: &Client, host: Host, now: Timestamp) -> Result<Judged, Failure> {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let looking = Looking {
            address: client.address,
            is_private: client.is_encrypted() || client.address.is_loopback(),
            proxy_authorization: client.token.as_deref().map(str::as_bytes),
            certified: &[],
            ticketed: None,
            site: None,
            is_request: true,
        };
        let identified = self.identities.identify(&snapshot, looking, now).map_err(|_| Failure::Token)?;
        let decide = || judge_by(&snapshot, &identified, &host, now);
        let mut decision = self.verdicts.get(&snapshot, &identified, &host, now, decide);
        decision.valid_until = match (decision.valid_until, identified.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Ok(Judged { host, identified, decision, snapshot, at: now })
    }

    /// As it was judged, unless there is a newer root.
    pub(crate) fn judge_anew(&self, client: &Client, judged: Judged, now: Timestamp) -> Result<Judged, Failure> {
        let is_current = Arc::ptr_eq(&judged.snapshot, &self.snapshots.borrow());
        if is_current { Ok(judged) } else { self.judge(client, judged.host, now) }
    }
}

/// This door sees no address below a name, so it takes what is decided without one.
fn judge_by(snapshot: &Snapshot, identified: &Identified, host: &Host, now: Timestamp) -> Decision {
    let facts = identified.facts(host, Seen::Unseen);
    let decisions = facts.iter().map(|facts| decide(snapshot, facts, now).into_decision());
    decisions.reduce(stricter).unwrap_or_else(Decision::closed)
}

impl Judged {
    /// Whether a later door has to see the name: where nobody ever looks inside, nothing needs to be seen.
    pub(crate) fn needs_the_name(&self) -> bool {
        self.decision.conditions.inspect != Inspect::Never
    }

    /// Judges the names that an allowed one leads over, and takes over the first that closes it.
    pub(crate) fn follow(&mut self, chain: &[Host]) {
        for host in chain {
            let decision = judge_by(&self.snapshot, &self.identified, host, self.at);
            if self.is_closed_by(host, &decision) {
                // A locked name is told by its hash, and that of the name before it would be another.
                if decision.trace == Trace::HashOnly {
                    self.host = host.clone();
                }
                self.decision = stricter(self.decision.clone(), decision);
                return;
            }
        }
    }

    /// Hosts of hosts are named by nobody at school, so only what is about such a name closes it: not a default, nor
    /// the gate, nor a rule about everything. What opens a name for good or by grant opens it wherever it is kept,
    /// except over what is stronger (design §3).
    fn is_closed_by(&self, host: &Host, other: &Decision) -> bool {
        let is_closed = other.verdict == Verdict::Block || other.verdict == Verdict::Help;
        is_closed
            && match &other.reason {
                Reason::Locked { .. } => true,
                Reason::Urgent { .. } => !self.is_opened_for_good(),
                Reason::HelpTopic { .. } => !self.is_opened_for_good() && !self.is_granted(),
                Reason::Rule { control, category, .. } => {
                    let names = |rule: &&schoolgate_decide::snapshot::WebRule| {
                        rule.control == *control && names(&rule.target, host)
                    };
                    let is_about = category.is_some() || self.snapshot.program.rules.iter().any(|rule| names(&rule));
                    is_about && !self.is_opened_for_good() && !self.is_granted()
                }
                Reason::AlwaysOpen { .. }
                | Reason::HelpList
                | Reason::Unsigned { .. }
                | Reason::NotSignedIn
                | Reason::Grant { .. }
                | Reason::Default => false,
            }
    }

    fn is_opened_for_good(&self) -> bool {
        matches!(self.decision.reason, Reason::AlwaysOpen { .. } | Reason::HelpList)
    }

    fn is_granted(&self) -> bool {
        matches!(self.decision.reason, Reason::Grant { .. })
    }
}

fn names(target: &Target, host: &Host) -> bool {
    match (target, host) {
        (Target::Domain(domain), Host::Name(name)) => name.is_within(domain),
        (Target::Host(named), host) => named == host,
        _ => false,
    }
}
