//! What an operator can say about the proxy, with limits on everything a peer can make it hold or wait for.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schoolgate_base::{HostName, Network, SchoolId};
use schoolgate_identity::{Acceptor, Logins};

#[derive(Debug, Clone)]
pub struct Settings {
    pub school: SchoolId,
    pub portal: Portal,
    /// Ports that CONNECT may name. TLS is expected on each of them.
    pub connect_ports: Vec<u16>,
    /// What the file `/proxy.pac` names. Where this is empty, each gateway names itself.
    pub gateways: Gateways,
    /// Load balancers: they, and nobody else, begin each connection with a PROXY protocol header, which is believed.
    pub balancers: Vec<Network>,
    pub limits: Limits,
    /// Kerberos; `None`: tickets are neither asked for nor taken.
    pub negotiate: Option<Negotiate>,
}

/// How people are known by the Kerberos tickets of their computers.
#[derive(Clone)]
pub struct Negotiate {
    /// With the keytab of `HTTP/` and the proxy's name, as clients have it in their settings.
    pub acceptor: Arc<Acceptor>,
    pub logins: Arc<dyn Logins>,
    /// Where clients are asked: networks of computers that people sign in to with their school account. A phone cannot
    /// answer. Elsewhere a ticket is taken and none is asked for.
    pub asks: Vec<Network>,
}

impl fmt::Debug for Negotiate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Negotiate")
            .field("acceptor", &self.acceptor)
            .field("asks", &self.asks)
            .finish_non_exhaustive()
    }
}

/// All gateways of a school, this one too, each as `host:port`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gateways {
    pub plain: Vec<String>,
    /// Over TLS, for whoever fetched the file by it.
    pub tls: Vec<String>,
}

/// Where the portal is.
#[derive(Debug, Clone)]
pub struct Portal {
    /// The portal's own name: always reached, over the socket, never over the network.
    pub name: HostName,
    /// Unix socket on which the portal speaks TLS after a PROXY protocol header.
    pub socket: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Limits {
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    /// Request line and headers, in bytes; more gets 431.
    pub head_bytes_max: usize,
    /// From a balancer's connection to the end of its PROXY protocol header.
    pub header_deadline: Duration,
    /// From the first byte that is waited for to the end of the headers, between requests too.
    pub head_deadline: Duration,
    /// Requests side by side on one connection (HTTP/2).
    pub streams_max: u32,
    /// From the answer to CONNECT to a whole TLS hello.
    pub hello_deadline: Duration,
    /// For the client's part of a TLS handshake.
    pub handshake_deadline: Duration,
    /// From the last part of a forwarded request to the site's response head.
    pub response_deadline: Duration,
    /// Without a byte of a body, in either direction.
    pub body_idle: Duration,
    /// Without a byte through a tunnel or an upgraded connection.
    pub tunnel_idle: Duration,
    /// Kept connections to one site, and to all.
    pub pool_per_site_max: usize,
    pub pool_max: usize,
    pub pool_idle: Duration,
    /// From when a connection to a site was made to its last request: then the site has to prove again who it is.
    pub pool_age: Duration,
    /// How long tunnels and streams may go on after a shutdown has begun.
    pub drain_grace: Duration,
}

impl Settings {
    pub fn new(school: SchoolId, portal: Portal) -> Self {
        Self {
            school,
            portal,
            connect_ports: vec![443],
            gateways: Gateways::default(),
            balancers: Vec::new(),
            limits: Limits::default(),
            negotiate: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            connections_per_address_max: 4_096,
            head_bytes_max: 64 * 1024,
            // The specification asks for three at least, for one lost packet.
            header_deadline: Duration::from_secs(5),
            head_deadline: Duration::from_secs(30),
            streams_max: 128,
            hello_deadline: Duration::from_secs(10),
            handshake_deadline: Duration::from_secs(10),
            response_deadline: Duration::from_secs(60),
            body_idle: Duration::from_secs(120),
            tunnel_idle: Duration::from_secs(600),
            pool_per_site_max: 64,
            pool_max: 1_024,
            pool_idle: Duration::from_secs(30),
            pool_age: Duration::from_secs(300),
            drain_grace: Duration::from_secs(2),
        }
    }
}
