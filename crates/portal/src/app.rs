//! What all handlers share: the product's parts, the settings, and what is remembered between requests.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, PersonId};
use schoolgate_control::Control;
use schoolgate_eventlog::{EventLog, Evidence};
use schoolgate_identity::Openness;
use tokio::sync::Semaphore;

use crate::changed::Comparisons;
use crate::gateways::GatewaysPort;
use crate::limits::{Allowance, Limits};

/// Wrong passwords for one name before it has to wait.
const SIGN_IN_BY_NAME: Allowance = Allowance { tries: 10, refill: SignedDuration::from_mins(10) };
/// Wrong passwords from one address: a class behind one address may mistype together.
const SIGN_IN_BY_ADDRESS: Allowance = Allowance { tries: 100, refill: SignedDuration::from_mins(10) };
/// Forms of one browser: far more than a person can fill in.
const FORMS: Allowance = Allowance { tries: 120, refill: SignedDuration::from_mins(2) };
const NAMES_MAX: usize = 10_000;
/// Password hashes computed at once: each takes some 20 MB and a core.
const HASHES_AT_ONCE: usize = 2;
/// Redirects remembered as used; each is good for five minutes.
const USED_MAX: usize = 50_000;

/// Writes the proxy auto-configuration file for the client at an address.
pub type Pac = Arc<dyn Fn(IpAddr) -> String + Send + Sync>;

/// Asks the gateway whether the web is open to an address; `None` where it does not say.
pub type Look = Arc<dyn Fn(IpAddr) -> Looking + Send + Sync>;
/// A question under way.
pub type Looking = Pin<Box<dyn Future<Output = Option<Openness>> + Send>>;

/// What the portal is made of.
pub struct PortalParts {
    pub control: Control,
    pub events: EventLog,
    pub evidence: Evidence,
    pub settings: Settings,
    /// The proxy auto-configuration file for a client; `None` without a gateway.
    pub pac: Option<Pac>,
    /// What the gateways know; `None` without one.
    pub gateways: Option<GatewaysPort>,
    /// For the captive-portal API; `None` without a gateway.
    pub look: Option<Look>,
    /// Only a data directory marked as a demonstration gives it.
    pub demo: Option<Demo>,
}

/// How this installation is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The portal's own name, such as `portal.demo.test`; always reached over TLS through the proxy.
    pub portal_name: String,
    /// Where devices find the file that tells them the way, at a gateway: a device finds the portal's name only once it goes
    /// through one. `http://127.0.0.1:3128/proxy.pac`; `None` where no gateway runs.
    pub pac_address: Option<String>,
    /// Gateways that devices reach from anywhere; `None` where none is named over TLS.
    pub away: Option<Away>,
    /// Where the name door answers over HTTPS: `https://portal.demo.test:8443/dns-query`.
    pub doh: Option<String>,
    pub ca: CaFiles,
    /// Where the help page's "leave" button goes.
    pub leave_to: Option<String>,
}

/// How browsers go through the school wherever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// Each as `gw1.school.example:3129`, the first tried first.
    pub gateways: Vec<String>,
    /// The file that sends them there, whole: at home nothing might be there to fetch one from.
    pub pac: String,
}

/// What devices are given to trust the school's CA by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaFile {
    /// All that devices should have now: of the CA in use first, then of the next one while there is one. Empty when
    /// there is no gateway.
    pub certificates: Vec<CaCertificate>,
    /// PEM of CAs that were in use before, which no device should have any more.
    pub retired: Vec<String>,
}

/// One certificate of the school's CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaCertificate {
    pub pem: String,
    /// SHA-256, as `3F:9A:…`.
    pub fingerprint: String,
    /// From when and until when it is valid; `None` where it does not say so.
    pub valid: Option<(Timestamp, Timestamp)>,
}

impl CaFile {
    /// All that devices should have, one below the other.
    pub(crate) fn pem(&self) -> String {
        self.certificates.iter().map(|one| one.pem.as_str()).collect()
    }
}

/// The same as it is now; it changes while the portal runs. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct CaFiles(Arc<RwLock<CaFile>>);

impl CaFiles {
    pub fn new(file: CaFile) -> Self {
        Self(Arc::new(RwLock::new(file)))
    }

    pub fn set(&self, file: CaFile) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = file;
    }

    pub(crate) fn now(&self) -> CaFile {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The demonstration's powers over pages: being anybody with one click, and setting the time.
#[derive(Debug, Clone)]
pub struct Demo {
    pub people: Vec<DemoPerson>,
}

/// Somebody to be.
#[derive(Debug, Clone)]
pub struct DemoPerson {
    pub person: PersonId,
    pub capacity: Capacity,
    /// One sentence.
    pub about: String,
}

pub(crate) struct App {
    pub(crate) control: Control,
    pub(crate) events: EventLog,
    pub(crate) evidence: Evidence,
    pub(crate) settings: Settings,
    pub(crate) pac: Option<Pac>,
    pub(crate) gateways: Option<GatewaysPort>,
    pub(crate) look: Option<Look>,
    pub(crate) demo: Option<Demo>,
    pub(crate) sign_in_by_name: Limits<String>,
    pub(crate) sign_in_by_address: Limits<IpAddr>,
    pub(crate) forms: Limits<String>,
    pub(crate) hashing: Semaphore,
    pub(crate) comparisons: Comparisons,
    used: Mutex<Vec<Used>>,
}

/// A redirect that was opened, and by which browser.
#[derive(Debug)]
struct Used {
    nonce: Box<str>,
    token: String,
    at: Timestamp,
}

impl App {
    pub(crate) fn new(parts: PortalParts) -> Arc<Self> {
        Arc::new(Self {
            control: parts.control,
            events: parts.events,
            evidence: parts.evidence,
            settings: parts.settings,
            pac: parts.pac,
            gateways: parts.gateways,
            look: parts.look,
            demo: parts.demo,
            sign_in_by_name: Limits::new(SIGN_IN_BY_NAME, NAMES_MAX),
            sign_in_by_address: Limits::new(SIGN_IN_BY_ADDRESS, NAMES_MAX),
            forms: Limits::new(FORMS, NAMES_MAX),
            hashing: Semaphore::new(HASHES_AT_ONCE),
            comparisons: Comparisons::default(),
            used: Mutex::new(Vec::new()),
        })
    }

    /// Whether a redirect may be looked at by the browser with this form token: by the first that opens it, and by
    /// nobody else. Loading the page again is the same browser. When the table is full the oldest is forgotten.
    pub(crate) fn redirect_use(&self, nonce: &str, token: &str, now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|one| now.duration_since(one.at) < SignedDuration::from_mins(10));
        if let Some(one) = used.iter().find(|one| &*one.nonce == nonce) {
            return one.token == token;
        }
        if USED_MAX <= used.len() {
            used.remove(0);
        }
        used.push(Used { nonce: nonce.into(), token: token.to_owned(), at: now });
        true
    }
}
