//! The doors of one process, put together from what is handed in: by the same process, or over the link.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use schoolgate_base::SchoolId;
use schoolgate_decide::Snapshot;
use schoolgate_event::Recorder;
use schoolgate_identity::Identities;
use schoolgate_proxy::{Parts, Portal, Proxy, Seals};
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Resolver, SystemResolver, Tasks};
use schoolgate_tls::{Leaves, Signer, Upstream, UpstreamError};
use tokio::sync::watch;

const UPSTREAM_HANDSHAKE: Duration = Duration::from_secs(10);
/// Devices remembered as trusting our CA.
const DEVICES_MAX: usize = 20_000;

/// Sites that exist only inside the demo.
pub(crate) struct InnerWeb {
    pub(crate) names: Arc<dyn Resolver>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) root: CertificateDer<'static>,
}

/// What the doors of a gateway stand on.
pub(crate) struct GatewayParts {
    pub(crate) school: SchoolId,
    pub(crate) portal: Portal,
    pub(crate) addresses: AddressRule,
    pub(crate) inner_web: Option<InnerWeb>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) identities: Arc<Identities>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) leaves: Arc<Leaves>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) seals: Arc<dyn Seals>,
}

pub(crate) fn identities() -> Arc<Identities> {
    Arc::new(Identities::new(DEVICES_MAX))
}

pub(crate) fn proxy(parts: GatewayParts) -> Result<Proxy, UpstreamError> {
    let upstream = upstream(parts.addresses, parts.inner_web, parts.signer.as_ref())?;
    Ok(Proxy::new(Parts {
        settings: schoolgate_proxy::Settings::new(parts.school, parts.portal),
        snapshots: parts.snapshots,
        clock: parts.clock,
        tasks: parts.tasks,
        metrics: Metrics::new(),
        identities: parts.identities,
        leaves: parts.leaves,
        upstream,
        recorder: parts.recorder,
        seals: parts.seals,
    }))
}

fn upstream(
    mut addresses: AddressRule,
    inner: Option<InnerWeb>,
    signer: &dyn Signer,
) -> Result<Upstream, UpstreamError> {
    let (resolver, roots): (Arc<dyn Resolver>, _) = match inner {
        Some(web) => {
            addresses.listed = web.addresses;
            (web.names, vec![web.root])
        }
        None => (Arc::new(SystemResolver), Vec::new()),
    };
    let dialer = Dialer::new(DialerSettings { resolver, ..DialerSettings::new(addresses) });
    Upstream::new(dialer, &roots, &signer.certificate(), UPSTREAM_HANDSHAKE)
}
