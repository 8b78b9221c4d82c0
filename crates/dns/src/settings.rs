//! What an operator can say about the DNS door, with limits on everything a peer can make it hold or wait for.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use schoolgate_base::{HostName, SchoolId};

#[derive(Debug, Clone)]
pub struct Settings {
    pub school: SchoolId,
    pub portal: Portal,
    /// What is said of a blocked name. The gate, warnings and help always lead to the portal.
    pub blocked: Blocked,
    /// The servers that are asked, the preferred one first.
    pub upstreams: Vec<Upstream>,
    /// Zones with servers of their own: the school's directory, its inner names.
    pub zones: Vec<Zone>,
    /// Names, with everything below them, that may lead to inner addresses.
    pub inner_names: Vec<HostName>,
    /// To what YouTube is held where a rule says safe search.
    pub youtube: YouTube,
    /// `None`: never an answer that is over its time (RFC 8767).
    pub serve_stale: Option<Stale>,
    pub limits: Limits,
}

/// Where the portal is, as clients of this door reach it.
#[derive(Debug, Clone)]
pub struct Portal {
    pub name: HostName,
    /// Addresses of ours, given out for the portal's name and in place of what leads to it.
    pub addresses: Vec<IpAddr>,
}

/// How a blocked name is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Blocked {
    /// There is no such name: nothing waits for a page that cannot be shown over TLS.
    #[default]
    NxDomain,
    /// The portal's addresses.
    Portal,
}

/// How strictly YouTube is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum YouTube {
    #[default]
    Strict,
    Moderate,
    /// Not at all.
    Open,
}

/// A server that is asked what we do not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub address: SocketAddr,
    pub transport: Transport,
}

/// How an upstream server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// UDP, and TCP where an answer is too large for it.
    Udp,
    Tcp,
    /// RFC 7858, with the name that its certificate has to be for.
    Tls {
        name: HostName,
    },
    /// RFC 8484 over HTTP/2; `path` is that of its template, such as `/dns-query`.
    Https {
        name: HostName,
        path: Box<str>,
    },
}

/// A zone whose questions go elsewhere.
#[derive(Debug, Clone)]
pub struct Zone {
    pub name: HostName,
    pub upstreams: Vec<Upstream>,
}

/// How long what is over its time may still be said (RFC 8767 §5).
#[derive(Debug, Clone, Copy)]
pub struct Stale {
    pub longest: Duration,
    /// How long a client waits before it gets it.
    pub after: Duration,
}

impl Default for Stale {
    fn default() -> Self {
        Self { longest: Duration::from_secs(86_400), after: Duration::from_millis(1_800) }
    }
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// TCP, TLS and HTTPS connections.
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    /// Questions of one connection that are being answered.
    pub pipelined_max: usize,
    /// Without a question on a connection (RFC 7766 §6.2.3).
    pub idle: Duration,
    pub handshake_deadline: Duration,
    /// Look-ups under way, of all clients.
    pub pending_max: usize,
    /// Clients that wait for a look-up; each holds its question.
    pub waiting_max: usize,
    /// For one try at one upstream server, and for all.
    pub try_deadline: Duration,
    pub deadline: Duration,
    /// The cache's answers, with their names, in bytes.
    pub cache_bytes_max: usize,
    /// How long a client keeps an answer at most: so long a later block does not reach it.
    pub answer_ttl_max: Duration,
    /// How long clients keep a block, a gate or a way to the portal.
    pub blocked_ttl: Duration,
    /// Questions of one address a second, and how many may come at once.
    pub rate_per_second: u32,
    pub burst: u32,
    /// The largest datagram that is sent (DNS flag day 2020).
    pub datagram_max: u16,
}

impl Settings {
    pub fn new(school: SchoolId, portal: Portal, upstreams: Vec<Upstream>) -> Self {
        Self {
            school,
            portal,
            blocked: Blocked::default(),
            upstreams,
            zones: Vec::new(),
            inner_names: Vec::new(),
            youtube: YouTube::default(),
            serve_stale: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 256,
            pipelined_max: 64,
            idle: Duration::from_secs(30),
            handshake_deadline: Duration::from_secs(10),
            pending_max: 4_096,
            waiting_max: 16_384,
            try_deadline: Duration::from_millis(1_200),
            deadline: Duration::from_secs(5),
            cache_bytes_max: 64 * 1024 * 1024,
            answer_ttl_max: Duration::from_secs(300),
            blocked_ttl: Duration::from_secs(10),
            rate_per_second: 500,
            burst: 2_000,
            datagram_max: 1_232,
        }
    }
}
