//! The kit behind a real firewall.
//!
//! Only the gateway's listening sockets are in its namespace: whatever the proxy dials stays outside, where the kit's
//! sites are.

use std::process::Output;

use schoolgate_testkit::Network;
use tokio::net::TcpListener;

pub(crate) const WIRED: &str = Network::WIRED;
pub(crate) const WIRED_SIX: &str = Network::WIRED_SIX;
pub(crate) const WIRED_GUEST: &str = Network::WIRED_GUEST;
pub(crate) const GATEWAY: &str = Network::GATEWAY;

pub(crate) struct Net(Network);

impl Net {
    pub(crate) fn new() -> Self {
        Self(Network::new().unwrap())
    }

    pub(crate) fn listen(&self, bind: impl FnOnce() -> std::net::TcpListener + Send) -> TcpListener {
        let listener = self.0.listen(|| Ok(bind())).unwrap();
        listener.set_nonblocking(true).unwrap();
        TcpListener::from_std(listener).unwrap()
    }

    pub(crate) fn redirect(&self, port: u16) {
        self.0.redirect(port).unwrap();
    }

    pub(crate) fn tproxy(&self, port: u16) {
        self.0.tproxy(port).unwrap();
    }

    /// What curl says in the client's namespace, where every site has an address and nobody knows of a proxy.
    pub(crate) async fn curl(&self, kit: &crate::kit::Kit, ca: &str, words: &[&str]) -> String {
        let [ip, client @ ..] = self.0.as_client();
        let output = tokio::process::Command::new(ip)
            .args(client)
            .args(["curl", "--silent", "--show-error", "--include", "--max-time", "20", "--cacert"])
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

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
