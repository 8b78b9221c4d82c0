//! The certificate of a server of our own (portal, proxy over TLS, name door), signed again long before it ends.
//!
//! Listeners take the configuration once and show what is newest. While the signer is away the old certificate stays.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use schoolgate_base::Host;
use schoolgate_runtime::Shutdown;
use tracing::{info, warn};

use crate::leaves::{LeafError, Leaves};
use crate::upstream::Protocol;

/// Between looks at the certificate and at the CA: so long a new CA may be in use before our own servers are signed by it.
const EVERY: SignedDuration = SignedDuration::from_mins(1);

/// One name that we answer to ourselves.
pub struct OwnServer {
    leaves: Arc<Leaves>,
    host: Host,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

/// What clients are shown now.
#[derive(Debug)]
struct Shown(ArcSwap<Current>);

#[derive(Debug)]
struct Current {
    certified: Arc<CertifiedKey>,
    generation: u64,
    /// Two thirds of its life: ten days are left for a signer that is away.
    renew_at: Timestamp,
}

impl fmt::Debug for OwnServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OwnServer").field("host", &self.host).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().certified))
    }
}

impl OwnServer {
    /// Has the first certificate signed.
    pub async fn start(leaves: Arc<Leaves>, host: Host) -> Result<Self, LeafError> {
        let shown = Arc::new(Shown(ArcSwap::from_pointee(signed(&leaves, &host).await?)));
        let config = leaves.server(Arc::clone(&shown) as Arc<_>, Protocol::Http1)?;
        Ok(Self { leaves, host, shown, config: Arc::new(config) })
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The newest certificate.
    pub fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.shown.0.load().certified)
    }

    /// For listeners; it need not be taken again.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Renews the certificate until the program stops.
    pub async fn keep(&self, shutdown: Shutdown) {
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = self.leaves.clock().wait_for(EVERY) => {}
                () = shutdown.begun() => return,
            }
            self.leaves.signer().refresh().await;
            match self.renew_if_due().await {
                Ok(true) => info!("the certificate of `{}` was renewed", self.host),
                Ok(false) => {}
                // Said once: it is tried each minute.
                Err(error) if !is_failing => {
                    is_failing = true;
                    warn!(kind = error.as_str(), "the certificate of `{}` cannot be renewed yet: {error}", self.host);
                    continue;
                }
                Err(_) => continue,
            }
            is_failing = false;
        }
    }

    /// Whether there is a new one: it was time, or another CA signs now.
    pub async fn renew_if_due(&self) -> Result<bool, LeafError> {
        let current = self.shown.0.load_full();
        let is_due = current.renew_at <= self.leaves.clock().now();
        if !is_due && current.generation == self.leaves.generation() {
            return Ok(false);
        }
        self.shown.0.store(Arc::new(signed(&self.leaves, &self.host).await?));
        Ok(true)
    }
}

async fn signed(leaves: &Leaves, host: &Host) -> Result<Current, LeafError> {
    let leaf = leaves.certify(host).await?;
    let now = leaves.clock().now();
    let renew_at = now + leaf.not_after.duration_since(now) / 3 * 2;
    Ok(Current { certified: Arc::new(leaf.certified), generation: leaf.generation, renew_at })
}

#[cfg(test)]
mod tests {
    use schoolgate_runtime::{Clock, Tasks};
    use tokio::net::UnixListener;

    use super::*;
    use crate::{Authority, RemoteSigner, Signer, serve_signer};

    fn days(count: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * count)
    }

    fn serve(folder: &std::path::Path, clock: &Clock) -> Tasks {
        let tasks = Tasks::new();
        let socket = folder.join("signer.sock");
        let _ = std::fs::remove_file(&socket);
        let authority = Authority::load_or_make(folder, "Riverside", clock.clone()).unwrap();
        serve_signer(&tasks, UnixListener::bind(&socket).unwrap(), Arc::new(authority));
        tasks
    }

    /// The process that shows it runs for months, and its signer is not always there.
    #[tokio::test]
    async fn our_own_certificate_is_renewed_at_two_thirds_of_its_life() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::settable();
        let tasks = serve(folder.path(), &clock);
        let signer = Arc::new(RemoteSigner::connect(&folder.path().join("signer.sock")).await.unwrap());
        let leaves = Arc::new(Leaves::new(signer as Arc<dyn Signer>, clock.clone(), 16, 2).unwrap());
        let own = OwnServer::start(leaves, "portal.school.test".parse().unwrap()).await.unwrap();
        let shown = || own.shown.0.load().certified.cert[0].clone();
        let first = shown();
        clock.advance(days(19)).unwrap();
        assert!(!own.renew_if_due().await.unwrap());
        tasks.drain(std::time::Duration::from_secs(1)).await;
        clock.advance(days(2)).unwrap();
        own.renew_if_due().await.unwrap_err();
        assert_eq!(shown(), first, "the old one is still good while the signer is away");
        let _tasks = serve(folder.path(), &clock);
        assert!(own.renew_if_due().await.unwrap());
        assert_ne!(shown(), first);
        assert!(!own.renew_if_due().await.unwrap());
    }

    #[tokio::test]
    async fn our_own_certificate_is_of_the_ca_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::settable();
        let _tasks = serve(folder.path(), &clock);
        let signer = Arc::new(RemoteSigner::connect(&folder.path().join("signer.sock")).await.unwrap());
        let leaves = Leaves::new(Arc::clone(&signer) as Arc<dyn Signer>, clock.clone(), 16, 2).unwrap();
        let own = OwnServer::start(Arc::new(leaves), "portal.school.test".parse().unwrap()).await.unwrap();
        let old = signer.certificate();
        let technician = crate::AuthorityFolder::new(folder.path());
        technician.prepare_next("Riverside", clock.now(), clock.now() + days(5)).unwrap();
        signer.refresh().await;
        assert_eq!((signer.certificates().len(), signer.certificate()), (2, old.clone()), "devices get both");
        assert!(!own.renew_if_due().await.unwrap());
        technician.switch_at(clock.now()).unwrap();
        signer.refresh().await;
        assert_eq!(signer.certificates().len(), 1);
        assert!(own.renew_if_due().await.unwrap());
        let issuer = own.shown.0.load().certified.cert[1].clone();
        assert_eq!(issuer, signer.certificate());
        assert_ne!(issuer, old);
        assert!(signer.own_certificates().contains(&old), "it proves nothing of the outside for ever");
    }
}
