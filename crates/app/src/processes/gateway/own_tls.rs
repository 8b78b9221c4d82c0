//! The gateway's own certificates: for whoever comes over TLS to the proxy or to the name door.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use schoolgate_base::Host;
use schoolgate_runtime::Tasks;
use schoolgate_tls::{LeafError, Leaves, OwnServer};

/// A certificate for each name that this gateway has.
#[derive(Debug)]
pub(super) struct OwnTls {
    servers: Vec<Arc<OwnServer>>,
}

impl OwnTls {
    /// Signed for each of `names`; who asks for none of them is shown the first.
    pub(super) async fn sign(leaves: &Arc<Leaves>, names: Vec<Host>) -> Result<Arc<Self>, LeafError> {
        let mut servers = Vec::new();
        for name in names {
            servers.push(Arc::new(OwnServer::start(Arc::clone(leaves), name).await?));
        }
        Ok(Arc::new(Self { servers }))
    }

    /// What listeners speak with. `None` without a name.
    pub(super) fn config(self: &Arc<Self>) -> Option<Arc<ServerConfig>> {
        let mut config = ServerConfig::clone(&self.servers.first()?.config());
        config.cert_resolver = Arc::clone(self) as Arc<dyn ResolvesServerCert>;
        Some(Arc::new(config))
    }

    /// Keeps the certificates good until `tasks` are drained.
    pub(super) fn keep_renewed(&self, tasks: &Tasks) {
        for server in &self.servers {
            let (server, shutdown) = (Arc::clone(server), tasks.shutdown());
            tasks.spawn("own certificate", async move { server.keep(shutdown).await });
        }
    }
}

impl ResolvesServerCert for OwnTls {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name();
        let is_asked = |server: &&Arc<OwnServer>| match (server.host(), asked) {
            (Host::Name(name), Some(asked)) => name.as_str().eq_ignore_ascii_case(asked),
            // RFC 6066 §3: who dials an address names none.
            (Host::Address(_), None) => true,
            (Host::Name(_), None) | (Host::Address(_), Some(_)) => false,
        };
        let server = self.servers.iter().find(is_asked).or_else(|| self.servers.first())?;
        Some(server.certified())
    }
}
