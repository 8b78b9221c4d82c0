//! The gateway's own certificate: for whoever comes over TLS to the proxy or to the name door.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use schoolgate_base::Host;
use schoolgate_runtime::Tasks;
use schoolgate_tls::{LeafError, LeafFor, Leaves, Protocol};
use tracing::warn;

/// Between looks whether a leaf is still good; `Leaves` renews one in its last two days.
const RENEW_EVERY: Duration = Duration::from_secs(6 * 3_600);

/// A leaf for each name that this gateway has.
#[derive(Debug)]
pub(super) struct OwnTls {
    names: Vec<Host>,
    /// As many as there are names, in their order.
    leaves: RwLock<Vec<Arc<ServerConfig>>>,
}

impl OwnTls {
    /// Signed for each of `names`; who asks for none of them is shown the first.
    pub(super) async fn sign(leaves: &Leaves, names: Vec<Host>) -> Result<Arc<Self>, LeafError> {
        let signed = sign(leaves, &names).await?;
        Ok(Arc::new(Self { names, leaves: RwLock::new(signed) }))
    }

    /// What listeners speak with. `None` without a name.
    pub(super) fn config(self: &Arc<Self>) -> Option<Arc<ServerConfig>> {
        let mut config = ServerConfig::clone(self.leaves().first()?);
        config.cert_resolver = Arc::clone(self) as Arc<dyn ResolvesServerCert>;
        Some(Arc::new(config))
    }

    /// Keeps the leaves good until `tasks` are drained.
    pub(super) fn keep_renewed(self: Arc<Self>, leaves: Arc<Leaves>, tasks: &Tasks) {
        let shutdown = tasks.shutdown();
        tasks.spawn("own certificate", async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(RENEW_EVERY) => {}
                    () = shutdown.begun() => return,
                }
                match sign(&leaves, &self.names).await {
                    Ok(signed) => *self.leaves.write().unwrap_or_else(PoisonError::into_inner) = signed,
                    Err(error) => warn!(%error, "the gateway's own certificate cannot be renewed; tried again later"),
                }
            }
        });
    }

    fn leaves(&self) -> Vec<Arc<ServerConfig>> {
        self.leaves.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn sign(leaves: &Leaves, names: &[Host]) -> Result<Vec<Arc<ServerConfig>>, LeafError> {
    let mut signed = Vec::new();
    for name in names {
        signed.push(leaves.config(name, LeafFor::Own, Protocol::Http1).await?);
    }
    Ok(signed)
}

impl ResolvesServerCert for OwnTls {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let leaves = self.leaves();
        let asked = hello.server_name();
        let is_asked = |host: &Host| match (host, asked) {
            (Host::Name(name), Some(asked)) => name.as_str().eq_ignore_ascii_case(asked),
            // RFC 6066 §3: who dials an address names none.
            (Host::Address(_), None) => true,
            (Host::Name(_), None) | (Host::Address(_), Some(_)) => false,
        };
        let at = self.names.iter().position(is_asked).unwrap_or(0);
        leaves.get(at)?.cert_resolver.resolve(hello)
    }
}
