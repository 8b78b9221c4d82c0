//! Everything a connection of the proxy shares, and how a request is judged by it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use schoolgate_base::Host;
use schoolgate_decide::{Decision, Inspect, Need, Outcome, Seen, Snapshot, decide, stricter};
use schoolgate_event::{self as event, Recorder};
use schoolgate_identity::{Identified, Identities, Looking, Refused};
use schoolgate_runtime::{Clock, Place, Tasks};
use schoolgate_tls::{Leaves, Upstream};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::meters::Meters;
use crate::pool::Pool;
use crate::ports::Seals;
use crate::proof::Proof;
use crate::safe_search::is_engine;
use crate::settings::Settings;
use crate::standing::Standing;

/// What the proxy is made of.
pub(crate) struct Door {
    pub(crate) settings: Settings,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) identities: Arc<Identities>,
    pub(crate) leaves: Arc<Leaves>,
    pub(crate) upstream: Upstream,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) seals: Arc<dyn Seals>,
    pub(crate) meters: Meters,
    pub(crate) pool: Arc<Pool>,
    pub(crate) standing: Arc<Standing>,
    /// How long what is open may go on in a drain.
    pub(crate) grace: watch::Sender<Duration>,
}

/// Facts of one client connection.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    /// Where a client that knows of no proxy meant to go.
    pub(crate) dialled: Option<SocketAddr>,
    /// Came by TLS, or from this machine.
    pub(crate) is_private: bool,
    pub(crate) is_tls: bool,
    /// From the CONNECT, for requests inside its connection.
    pub(crate) token: Option<HeaderValue>,
    /// The handshakes of a decrypted connection, for requests inside it.
    pub(crate) tls: Option<Arc<event::Tls>>,
    pub(crate) proof: Arc<Proof>,
    /// Held by whatever is left of the connection.
    pub(crate) _place: Option<Arc<Place>>,
}

/// A request and what was decided about it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) identified: Identified,
    pub(crate) decision: Decision,
    /// Seeing the address could change the decision.
    pub(crate) needs_url: bool,
    /// Number of the snapshot's root.
    pub(crate) snapshot: u64,
    pub(crate) at: Timestamp,
}

impl Judged {
    /// Whether we may end this connection's TLS ourselves: never for classes that are never inspected, and only
    /// towards devices that will not warn of us.
    pub(crate) fn may_answer_tls(&self) -> bool {
        self.decision.conditions.inspect != Inspect::Never && self.identified.trusts_ca
    }
}

impl Door {
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Returns when a drain has begun and what is open has had its time.
    pub(crate) async fn grace_over(&self) {
        let mut grace = self.grace.subscribe();
        self.tasks.shutdown().begun().await;
        loop {
            let longest = *grace.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep(longest) => return,
                // The sender is this door's.
                _ = grace.changed() => {}
            }
        }
    }

    /// Judges a request of this client by one root.
    pub(crate) fn judge(&self, client: &Client, host: &Host, url: Seen<&str>) -> Result<Judged, Failure> {
        let snapshot = self.snapshot();
        let now = self.clock.now();
        let identified =
            self.identify(&snapshot, client, site_of(host, url), true, now).map_err(|refused| match refused {
                Refused::Unknown => Failure::TokenUnknown,
                Refused::InClear => Failure::TokenInClear,
            })?;
        Ok(self.left_alone(judge_by(&snapshot, identified, host, url, now), host))
    }

    /// Judges a connection that is open, by a newer root. Somebody whose token was withdrawn is nobody.
    pub(crate) fn judge_again(
        &self,
        snapshot: &Snapshot,
        client: &Client,
        host: &Host,
        url: Seen<&str>,
        now: Timestamp,
    ) -> Option<Judged> {
        let identified = self.identify(snapshot, client, site_of(host, url), false, now).ok()?;
        Some(self.left_alone(judge_by(snapshot, identified, host, url, now), host))
    }

    /// A site that cannot be looked into is carried as one that must not be. Not an engine, whose searches would then be
    /// held to nothing: it takes three devices to make a site look pinned.
    fn left_alone(&self, mut judged: Judged, host: &Host) -> Judged {
        if !is_engine(host) && self.upstream.learned().is_left_alone(host, judged.at).is_some() {
            judged.decision.conditions.inspect = Inspect::Never;
        }
        judged
    }

    /// Whether a connection to this site would not be looked into: what a new CONNECT would be told. A class that hangs
    /// on an address inside cannot be known before a look, and is no reason to come again for the same.
    pub(crate) fn is_private(&self, snapshot: &Snapshot, client: &Client, host: &Host) -> bool {
        let judged = self.judge_again(snapshot, client, host, Seen::Unseen, self.clock.now());
        judged.is_none_or(|judged| judged.decision.conditions.inspect == Inspect::Never)
    }

    /// The way to sites for this client.
    pub(crate) fn upstream_for(&self, client: &Client) -> Cow<'_, Upstream> {
        match client.dialled {
            Some(dialled) => Cow::Owned(self.upstream.near(dialled)),
            None => Cow::Borrowed(&self.upstream),
        }
    }

    fn identify(
        &self,
        snapshot: &Snapshot,
        client: &Client,
        site: Option<&Host>,
        is_request: bool,
        now: Timestamp,
    ) -> Result<Identified, Refused> {
        self.identities.trust.follow(self.leaves.generation());
        let ticket = client.proof.ticket();
        let looking = Looking {
            address: client.address(),
            is_private: client.is_private,
            proxy_authorization: client.token.as_ref().map(HeaderValue::as_bytes),
            certified: &client.proof.certified,
            ticketed: ticket.as_ref(),
            site,
            is_request,
        };
        self.identities.identify(snapshot, looking, now)
    }
}

/// The site in whose name we would end TLS: once an address is seen, that is done.
fn site_of<'a>(host: &'a Host, url: Seen<&str>) -> Option<&'a Host> {
    (url == Seen::Unseen).then_some(host)
}

impl Client {
    /// A client that speaks for itself. A tunnel counts as its client's connection for as long as it lasts.
    pub(crate) fn new(peer: SocketAddr, local: SocketAddr, is_tls: bool, place: Place) -> Self {
        let is_private = is_tls || peer.ip().to_canonical().is_loopback();
        let (proof, place) = (Arc::default(), Some(Arc::new(place)));
        Self { peer, local, dialled: None, is_private, is_tls, token: None, proof, tls: None, _place: place }
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }
}

fn judge_by(snapshot: &Snapshot, identified: Identified, host: &Host, url: Seen<&str>, now: Timestamp) -> Judged {
    let mut needs_url = false;
    let mut together: Option<Decision> = None;
    for facts in identified.facts(host, url) {
        let outcome = decide(snapshot, &facts, now);
        needs_url |= matches!(outcome, Outcome::Needs { need: Need::Url, .. });
        let decision = outcome.into_decision();
        together = Some(match together {
            Some(other) => stricter(other, decision),
            None => decision,
        });
    }
    let mut decision = together.unwrap_or_else(Decision::closed);
    decision.valid_until = match (decision.valid_until, identified.until) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Judged { identified, decision, needs_url, snapshot: snapshot.root.number, at: now }
}
