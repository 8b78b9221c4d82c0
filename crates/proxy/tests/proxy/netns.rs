//! A client and a gateway in network namespaces of their own, joined by a cable.
//!
//! Only the gateway's listening sockets are in its namespace: whatever the proxy dials stays outside, where the kit's
//! sites are.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::TcpListener;

/// The client's addresses: of a managed device, by IPv6 too, and of somebody's own.
pub(crate) const WIRED: &str = "10.77.0.2";
pub(crate) const WIRED_SIX: &str = "fd77::2";
pub(crate) const WIRED_GUEST: &str = "10.77.0.70";
/// The gateway's.
pub(crate) const GATEWAY: &str = "10.77.0.1";
pub(crate) const GATEWAY_SIX: &str = "fd77::1";

static NEXT: AtomicUsize = AtomicUsize::new(0);

pub(crate) struct Net {
    client: String,
    gateway: String,
}

impl Net {
    /// Needs the rights of root, as any gateway's firewall does.
    pub(crate) fn new() -> Self {
        let id = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let net = Self { client: format!("sgc-{id}"), gateway: format!("sgg-{id}") };
        let Self { client, gateway } = &net;
        for words in [
            format!("netns add {client}"),
            format!("netns add {gateway}"),
            format!("link add wire netns {client} type veth peer name wire netns {gateway}"),
            format!("-n {gateway} addr add {GATEWAY}/24 dev wire"),
            format!("-n {gateway} addr add {GATEWAY_SIX}/64 dev wire nodad"),
            format!("-n {client} addr add {WIRED}/24 dev wire"),
            format!("-n {client} addr add {WIRED_GUEST}/24 dev wire"),
            format!("-n {client} addr add {WIRED_SIX}/64 dev wire nodad"),
            format!("-n {gateway} link set lo up"),
            format!("-n {gateway} link set wire up"),
            format!("-n {client} link set wire up"),
            format!("-n {client} route add default via {GATEWAY}"),
            format!("-n {client} -6 route add default via {GATEWAY_SIX}"),
        ] {
            ip(&words);
        }
        net
    }

    /// A listener that `bind` makes, in the gateway's namespace.
    pub(crate) fn listen(&self, bind: impl FnOnce() -> std::net::TcpListener + Send) -> TcpListener {
        let namespace = File::open(format!("/run/netns/{}", self.gateway)).unwrap();
        // The namespace is the thread's, and this thread ends with it.
        let listener = std::thread::scope(|scope| {
            let binding = scope.spawn(move || {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                bind()
            });
            binding.join().unwrap()
        });
        listener.set_nonblocking(true).unwrap();
        TcpListener::from_std(listener).unwrap()
    }

    /// The gateway's firewall sends the web's ports to `port`.
    pub(crate) fn redirect(&self, port: u16) {
        self.nft("nat", "dstnat", &[format!("tcp dport {{ 80, 443 }} redirect to :{port}")]);
    }

    /// The same, with the address left as it is.
    pub(crate) fn tproxy(&self, port: u16) {
        for family in ["-4", "-6"] {
            ip(&format!("-n {} {family} rule add fwmark 1 lookup 100", self.gateway));
            ip(&format!("-n {} {family} route add local default dev lo table 100", self.gateway));
        }
        let rules = [("ipv4", "ip"), ("ipv6", "ip6")].map(|(protocol, family)| {
            let steered = format!("tproxy {family} to :{port} meta mark set 1 accept");
            format!("meta nfproto {protocol} tcp dport {{ 80, 443 }} {steered}")
        });
        self.nft("filter", "mangle", &rules);
    }

    fn nft(&self, kind: &str, priority: &str, rules: &[String]) {
        let rules = rules.join("\n");
        let rules = format!(
            "table inet gate {{\nchain pre {{\ntype {kind} hook prerouting priority {priority};\n{rules}\n}}\n}}\n"
        );
        let mut nft = Command::new("ip")
            .args(["netns", "exec", &self.gateway, "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("nftables is needed for this test");
        nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        assert!(nft.wait().unwrap().success(), "{rules}");
    }

    /// What curl says in the client's namespace, where every site has an address and nobody knows of a proxy.
    pub(crate) async fn curl(&self, kit: &crate::kit::Kit, ca: &str, words: &[&str]) -> String {
        let output = tokio::process::Command::new("ip")
            .args(["netns", "exec", &self.client, "curl", "--silent", "--show-error", "--include", "--max-time", "20"])
            .arg("--cacert")
            .arg(kit.keys.path().join(ca))
            .args(["--write-out", "\n[site %{http_code} verify %{ssl_verify_result}]"])
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .await
            .expect("iproute2 and curl are needed for this test");
        said(&output)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in [&self.client, &self.gateway] {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

fn ip(words: &str) {
    let output = Command::new("ip").args(words.split(' ')).output().expect("iproute2 is needed for this test");
    assert!(output.status.success(), "ip {words}: {}", said(&output));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
