//! The one way out: every outgoing connection has a purpose, and each address is checked after name resolution.
//!
//! A name that resolves to an inner address is refused like the address itself; a name with both kinds is reached at
//! its outer addresses only.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use schoolgate_base::{Host, HostName};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::eyeballs::{interleaved, race};
use crate::{AddressRule, Refusal};

/// The most addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Somebody at school asked for a site; which sites is decided by policy before the dialer is asked.
    Browsing,
    /// Something this program fetches for itself (lists, updates); its hosts are listed in the settings.
    Upkeep,
    /// A name server is asked; only those of the settings are, wherever they are, and by their addresses.
    Names,
}

/// The answer of a [`Resolver`].
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Turns a name into addresses. The demo answers for its own names here.
pub trait Resolver: Send + Sync {
    fn resolve<'a>(&'a self, name: &'a HostName, port: u16) -> Resolving<'a>;
}

/// Look-ups at a time in this process. Each keeps a thread for as long as a name server lets it wait, whether or not
/// anybody still waits for the answer.
const LOOKUPS_MAX: usize = 128;

static LOOKUPS: Semaphore = Semaphore::const_new(LOOKUPS_MAX);

/// Asks the operating system for the name as it stands: with nothing of the resolver's search list added, and so not in
/// `/etc/hosts`, which knows no names that end in their dot.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a HostName, port: u16) -> Resolving<'a> {
        let name = absolute(name);
        Box::pin(async move {
            let permit = LOOKUPS.acquire().await.map_err(io::Error::other)?;
            let looking = tokio::task::spawn_blocking(move || {
                let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
                drop(permit);
                found
            });
            looking.await.map_err(io::Error::other)?
        })
    }
}

/// With the dot that ends a name (RFC 1034 §3.1), so that nothing is added to it.
fn absolute(name: &HostName) -> String {
    format!("{name}.")
}

/// What a dialer may do.
#[derive(Clone)]
pub struct DialerSettings {
    pub resolver: Arc<dyn Resolver>,
    pub addresses: AddressRule,
    /// Hosts, with everything below them, that [`Purpose::Upkeep`] may reach.
    pub upkeep_hosts: Vec<HostName>,
    /// Where [`Purpose::Names`] may go.
    pub name_servers: Vec<SocketAddr>,
    pub resolve_deadline: Duration,
    /// For each address that is tried.
    pub connect_deadline: Duration,
    /// From one attempt to the next, while none has an outcome.
    pub stagger: Duration,
}

impl DialerSettings {
    /// The system's resolver and deadlines a person still waits for.
    pub fn new(addresses: AddressRule) -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            addresses,
            upkeep_hosts: Vec::new(),
            name_servers: Vec::new(),
            resolve_deadline: Duration::from_secs(5),
            connect_deadline: Duration::from_secs(5),
            // RFC 8305 §5.
            stagger: Duration::from_millis(250),
        }
    }
}

/// Opens outgoing connections. Clones share the settings.
#[derive(Clone)]
pub struct Dialer {
    settings: Arc<DialerSettings>,
    near: Option<SocketAddr>,
}

/// An open connection and where it really goes.
#[derive(Debug)]
pub struct Connected {
    pub stream: TcpStream,
    pub address: SocketAddr,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("`{host}` is not a host that this program may reach for itself")]
    Unlisted { host: Host },
    #[error("cannot resolve `{host}`")]
    Resolve { host: Host, source: io::Error },
    #[error("`{host}` has no address")]
    NoAddress { host: Host },
    #[error("`{host}` leads to {address}, a {refusal} address")]
    Refused { host: Host, address: SocketAddr, refusal: Refusal },
    #[error("cannot connect to `{host}` at {address}")]
    Connect { host: Host, address: SocketAddr, source: io::Error },
    #[error("`{host}` did not answer in time")]
    Timeout { host: Host },
}

impl Dialer {
    pub fn new(settings: DialerSettings) -> Self {
        Self { settings: Arc::new(settings), near: None }
    }

    /// The reason against an address written out in a request, before anything is tried.
    pub fn refusal(&self, address: SocketAddr) -> Option<Refusal> {
        self.settings.addresses.refusal(address)
    }

    /// The same, but beginning with `address` where a name leads to it: for a client that has looked the name up itself.
    /// An address that the name does not lead to is nobody's word for it (CVE-2009-0801).
    #[must_use]
    pub fn near(&self, address: SocketAddr) -> Self {
        Self { settings: Arc::clone(&self.settings), near: Some(address) }
    }

    /// Reaches `host` at the first of its allowed addresses that answers; families of addresses take turns.
    pub async fn connect(&self, purpose: Purpose, host: &Host, port: u16) -> Result<Connected, DialError> {
        self.check_purpose(purpose, host, port)?;
        let allowed = match (purpose, host) {
            // An operator wrote it down as it is.
            (Purpose::Names, Host::Address(address)) => vec![SocketAddr::new(*address, port)],
            _ => self.allowed_addresses(host, port).await?,
        };
        let mut addresses = interleaved(allowed);
        if let Some(at) = addresses.iter().position(|address| Some(*address) == self.near) {
            addresses.get_mut(..=at).unwrap_or_default().rotate_right(1);
        }
        let outcome = race(addresses, self.settings.stagger, |address| self.attempt(host, address)).await;
        outcome.unwrap_or_else(|| Err(DialError::NoAddress { host: host.clone() }))
    }

    async fn attempt(&self, host: &Host, address: SocketAddr) -> Result<Connected, DialError> {
        match timeout(self.settings.connect_deadline, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                if let Some(refusal) = self.refusal_of_open(&stream, address) {
                    return Err(DialError::Refused { host: host.clone(), address, refusal });
                }
                // Small writes (a TLS record, a request head) must not wait for the peer's acknowledgement.
                let _ = stream.set_nodelay(true);
                Ok(Connected { stream, address })
            }
            Ok(Err(source)) => Err(DialError::Connect { host: host.clone(), address, source }),
            Err(_) => Err(DialError::Timeout { host: host.clone() }),
        }
    }

    /// A datagram socket that talks to `server` alone, from a port that the system draws by lot (RFC 5452 §9.2).
    pub async fn name_server(&self, server: SocketAddr) -> Result<UdpSocket, DialError> {
        let host = Host::Address(server.ip());
        self.check_purpose(Purpose::Names, &host, server.port())?;
        let own = match server {
            SocketAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            SocketAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0),
        };
        let failed = |source| DialError::Connect { host: host.clone(), address: server, source };
        let socket = UdpSocket::bind(own).await.map_err(failed)?;
        socket.connect(server).await.map_err(failed)?;
        Ok(socket)
    }

    fn refusal_of_open(&self, stream: &TcpStream, address: SocketAddr) -> Option<Refusal> {
        // A connection without an end of its own is a broken one, which its first read says.
        let local = stream.local_addr().ok()?;
        self.settings.addresses.refusal_of_open(address, local.ip())
    }

    fn check_purpose(&self, purpose: Purpose, host: &Host, port: u16) -> Result<(), DialError> {
        let is_listed = match purpose {
            Purpose::Browsing => true,
            Purpose::Upkeep => {
                host.name().is_some_and(|name| self.settings.upkeep_hosts.iter().any(|listed| name.is_within(listed)))
            }
            Purpose::Names => {
                let is = |address| self.settings.name_servers.contains(&SocketAddr::new(address, port));
                matches!(host, Host::Address(address) if is(*address))
            }
        };
        if is_listed { Ok(()) } else { Err(DialError::Unlisted { host: host.clone() }) }
    }

    async fn allowed_addresses(&self, host: &Host, port: u16) -> Result<Vec<SocketAddr>, DialError> {
        let found = match host {
            Host::Address(address) => vec![SocketAddr::new(*address, port)],
            Host::Name(name) => {
                match timeout(self.settings.resolve_deadline, self.settings.resolver.resolve(name, port)).await {
                    Ok(Ok(found)) => found,
                    Ok(Err(source)) => return Err(DialError::Resolve { host: host.clone(), source }),
                    Err(_) => return Err(DialError::Timeout { host: host.clone() }),
                }
            }
        };
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found.into_iter().take(ADDRESSES_MAX) {
            match self.refusal(address) {
                None => allowed.push(address),
                Some(refusal) => refused = Some(DialError::Refused { host: host.clone(), address, refusal }),
            }
        }
        match refused {
            Some(refused) if allowed.is_empty() => Err(refused),
            _ => Ok(allowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    struct Fixed(Vec<SocketAddr>);

    impl Resolver for Fixed {
        fn resolve<'a>(&'a self, _: &'a HostName, _: u16) -> Resolving<'a> {
            Box::pin(async move { Ok(self.0.clone()) })
        }
    }

    fn dialer(resolved: &[SocketAddr], listed: &[SocketAddr]) -> Dialer {
        let addresses = AddressRule { listed: listed.to_vec(), ..AddressRule::default() };
        let resolver = Arc::new(Fixed(resolved.to_vec()));
        Dialer::new(DialerSettings { resolver, ..DialerSettings::new(addresses) })
    }

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused() {
        let inside = "127.0.0.1:80".parse().unwrap();
        let failure = dialer(&[inside], &[]).connect(Purpose::Browsing, &host("rebound.example"), 80).await;
        assert!(matches!(failure, Err(DialError::Refused { refusal: Refusal::Loopback, .. })));
    }

    #[tokio::test]
    async fn our_own_port_is_not_dialled_at_any_address_of_this_machine() {
        // Sends nothing: the system only says which of its addresses it would take.
        let asking = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let Ok(()) = asking.connect("192.0.2.1:9") else { return };
        let here = asking.local_addr().unwrap().ip();
        let listener = TcpListener::bind((here, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = vec![SocketAddr::new([0, 0, 0, 0].into(), port)];
        let addresses = AddressRule { allows_private: true, own, ..AddressRule::default() };
        let resolver = Arc::new(Fixed(vec![SocketAddr::new(here, port)]));
        let dialer = Dialer::new(DialerSettings { resolver, ..DialerSettings::new(addresses) });
        let failure = dialer.connect(Purpose::Browsing, &host("us.example"), port).await;
        assert!(matches!(failure, Err(DialError::Refused { refusal: Refusal::Own, .. })));
    }

    #[test]
    fn names_are_looked_up_as_they_stand() {
        assert_eq!(absolute(&"intranet".parse().unwrap()), "intranet.");
        assert_eq!(absolute(&"News.Example.".parse().unwrap()), "news.example.");
    }

    #[tokio::test]
    async fn a_look_up_waits_for_its_turn() {
        let taken = LOOKUPS.acquire_many(u32::try_from(LOOKUPS_MAX).unwrap()).await.unwrap();
        let settings = DialerSettings {
            resolve_deadline: Duration::from_millis(20),
            ..DialerSettings::new(AddressRule::default())
        };
        let failure = Dialer::new(settings).connect(Purpose::Browsing, &host("news.example"), 80).await;
        assert!(matches!(failure, Err(DialError::Timeout { .. })));
        drop(taken);
    }

    /// Two listeners' addresses, and one where nobody listens.
    async fn ends() -> ([TcpListener; 2], [SocketAddr; 3]) {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (six, four) =
            (TcpListener::bind("[::1]:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let addresses = [six.local_addr().unwrap(), four.local_addr().unwrap(), closed];
        ([six, four], addresses)
    }

    #[tokio::test]
    async fn dead_addresses_are_passed_over() {
        let (_open, [six, four, dead]) = ends().await;
        for alive in [six, four] {
            let dialer = dialer(&[dead, alive], &[dead, alive]);
            let connected = dialer.connect(Purpose::Browsing, &host("both.example"), 80).await.unwrap();
            assert_eq!(connected.address, alive);
        }
        let failure = dialer(&[dead], &[dead]).connect(Purpose::Browsing, &host("dead.example"), 80).await;
        assert!(matches!(failure, Err(DialError::Connect { .. })));
    }

    #[tokio::test]
    async fn an_address_that_the_name_leads_to_may_be_asked_for() {
        let (_open, [six, four, dead]) = ends().await;
        let both = dialer(&[six, four], &[six, four, dead]);
        for (near, reached) in [(None, six), (Some(six), six), (Some(four), four), (Some(dead), six)] {
            let dialer = near.map_or_else(|| both.clone(), |near| both.near(near));
            let connected = dialer.connect(Purpose::Browsing, &host("both.example"), 80).await.unwrap();
            assert_eq!(connected.address, reached);
        }
    }

    /// The backlog of a listener that takes nothing is filled, so that a further connection gets no answer.
    #[tokio::test]
    async fn a_family_that_leads_nowhere_costs_a_moment() {
        let socket = tokio::net::TcpSocket::new_v6().unwrap();
        socket.bind("[::1]:0".parse().unwrap()).unwrap();
        let full = socket.listen(0).unwrap();
        let silent = full.local_addr().unwrap();
        let _waiting = TcpStream::connect(silent).await.unwrap();
        let (_open, [_, four, _]) = ends().await;
        let dialer = dialer(&[silent, four], &[silent, four]);
        let connected = dialer.connect(Purpose::Browsing, &host("both.example"), 80).await.unwrap();
        assert_eq!(connected.address, four);
    }

    #[tokio::test]
    async fn names_are_asked_for_at_listed_servers_only() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let listed = server.local_addr().unwrap();
        let settings = DialerSettings { name_servers: vec![listed], ..DialerSettings::new(AddressRule::default()) };
        let dialer = Dialer::new(settings);
        let socket = dialer.name_server(listed).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), listed);
        let other = SocketAddr::new(listed.ip(), 53);
        assert!(matches!(dialer.name_server(other).await, Err(DialError::Unlisted { .. })));
        let other = dialer.connect(Purpose::Names, &host("dns.example"), 53).await;
        assert!(matches!(other, Err(DialError::Unlisted { .. })));
    }

    #[tokio::test]
    async fn upkeep_reaches_listed_hosts_only() {
        let failure = dialer(&[], &[]).connect(Purpose::Upkeep, &host("anything.example"), 443).await;
        assert!(matches!(failure, Err(DialError::Unlisted { .. })));
    }
}
