//! A client and a gateway in network namespaces of their own, joined by a cable. Needs the rights of root, as any
//! gateway's firewall does, and iproute2 and nftables.

use std::fs::File;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Two namespaces; they go when it is dropped.
#[derive(Debug)]
pub struct Network {
    client: String,
    gateway: String,
}

/// Why there is no such network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("cannot run `{command}`; iproute2 and nftables must be installed")]
    Run { command: String, source: io::Error },
    #[error("`{command}` failed: {said}")]
    Failed { command: String, said: String },
    #[error("cannot enter the gateway's namespace")]
    Enter { source: io::Error },
}

impl Network {
    /// The client's addresses: of a managed device, by IPv6 too, and of somebody's own.
    pub const WIRED: &str = "10.77.0.2";
    pub const WIRED_SIX: &str = "fd77::2";
    pub const WIRED_GUEST: &str = "10.77.0.70";
    /// The gateway's.
    pub const GATEWAY: &str = "10.77.0.1";
    pub const GATEWAY_SIX: &str = "fd77::1";

    pub fn new() -> Result<Self, NetworkError> {
        let id = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let network = Self { client: format!("sgc-{id}"), gateway: format!("sgg-{id}") };
        let Self { client, gateway } = &network;
        for words in [
            format!("netns add {client}"),
            format!("netns add {gateway}"),
            format!("link add wire netns {client} type veth peer name wire netns {gateway}"),
            format!("-n {gateway} addr add {}/24 dev wire", Self::GATEWAY),
            format!("-n {gateway} addr add {}/64 dev wire nodad", Self::GATEWAY_SIX),
            format!("-n {client} addr add {}/24 dev wire", Self::WIRED),
            format!("-n {client} addr add {}/24 dev wire", Self::WIRED_GUEST),
            format!("-n {client} addr add {}/64 dev wire nodad", Self::WIRED_SIX),
            format!("-n {gateway} link set lo up"),
            format!("-n {gateway} link set wire up"),
            format!("-n {client} link set wire up"),
            format!("-n {client} route add default via {}", Self::GATEWAY),
            format!("-n {client} -6 route add default via {}", Self::GATEWAY_SIX),
        ] {
            ip(&words)?;
        }
        Ok(network)
    }

    /// A listener that `bind` makes, in the gateway's namespace. Whoever serves it dials from outside.
    pub fn listen(&self, bind: impl FnOnce() -> io::Result<TcpListener> + Send) -> Result<TcpListener, NetworkError> {
        let entered = |source| NetworkError::Enter { source };
        let namespace = File::open(format!("/run/netns/{}", self.gateway)).map_err(entered)?;
        // The namespace is the thread's, and this thread ends with it.
        let listener = std::thread::scope(|scope| {
            let binding = scope.spawn(move || {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
                bind()
            });
            binding.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
        });
        listener.map_err(entered)
    }

    /// Words that run a command as the client, before the command's own.
    pub fn as_client(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.client]
    }

    /// The same, as the gateway.
    pub fn as_gateway(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.gateway]
    }

    /// The gateway's firewall sends the web's ports to `port`.
    pub fn redirect(&self, port: u16) -> Result<(), NetworkError> {
        self.nft("nat", "dstnat", &[format!("tcp dport {{ 80, 443 }} redirect to :{port}")])
    }

    /// The same, with the address left as it is.
    pub fn tproxy(&self, port: u16) -> Result<(), NetworkError> {
        for family in ["-4", "-6"] {
            ip(&format!("-n {} {family} rule add fwmark 1 lookup 100", self.gateway))?;
            ip(&format!("-n {} {family} route add local default dev lo table 100", self.gateway))?;
        }
        let rules = [("ipv4", "ip"), ("ipv6", "ip6")].map(|(protocol, family)| {
            let steered = format!("tproxy {family} to :{port} meta mark set 1 accept");
            format!("meta nfproto {protocol} tcp dport {{ 80, 443 }} {steered}")
        });
        self.nft("filter", "mangle", &rules)
    }

    fn nft(&self, kind: &str, priority: &str, rules: &[String]) -> Result<(), NetworkError> {
        let rules = rules.join("\n");
        let rules = format!(
            "table inet gate {{\nchain pre {{\ntype {kind} hook prerouting priority {priority};\n{rules}\n}}\n}}\n"
        );
        let failed = |source| NetworkError::Run { command: "nft".to_owned(), source };
        let [ip, words @ ..] = self.as_gateway();
        let mut nft =
            Command::new(ip).args(words).args(["nft", "-f", "-"]).stdin(Stdio::piped()).spawn().map_err(failed)?;
        if let Some(mut input) = nft.stdin.take() {
            input.write_all(rules.as_bytes()).map_err(failed)?;
        }
        let status = nft.wait().map_err(failed)?;
        if status.success() { Ok(()) } else { Err(NetworkError::Failed { command: "nft".to_owned(), said: rules }) }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in [&self.client, &self.gateway] {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

fn ip(words: &str) -> Result<(), NetworkError> {
    let command = format!("ip {words}");
    match Command::new("ip").args(words.split(' ')).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(NetworkError::Failed { command, said: String::from_utf8_lossy(&output.stderr).into_owned() }),
        Err(source) => Err(NetworkError::Run { command, source }),
    }
}
