//! The doors of one process, put together from what is handed in: by the same process, or over the link.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use rustls::pki_types::{CertificateDer, UnixTime};
use schoolgate_base::{Network, SchoolId};
use schoolgate_decide::Snapshot;
use schoolgate_dns::Dns;
use schoolgate_event::Recorder;
use schoolgate_identity::Identities;
use schoolgate_proxy::{Gateways, Negotiate, Parts, Portal, Proxy};
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Resolver, SystemResolver, Tasks};
use schoolgate_tls::{Leaves, Roots, Signer, Upstream, UpstreamError};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::revocations::Lists;
use crate::seals::DoorSeals;
use crate::settings::DnsSettings;
use crate::status::OwnGateway;

const UPSTREAM_HANDSHAKE: Duration = Duration::from_secs(10);
/// Devices remembered as trusting our CA.
const DEVICES_MAX: usize = 20_000;

/// Sites that exist only inside the demo.
pub(crate) struct InnerWeb {
    pub(crate) names: Arc<dyn Resolver>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) root: CertificateDer<'static>,
}

/// By what sites are believed, beside the platform's roots.
#[derive(Default)]
pub(crate) struct Believed {
    pub(crate) roots: Vec<CertificateDer<'static>>,
    /// SHA-256 of certificates that are not.
    pub(crate) distrusted: Vec<[u8; 32]>,
    /// Folder of lists of withdrawn certificates.
    pub(crate) revocations: Option<PathBuf>,
}

/// What the doors of a gateway stand on.
pub(crate) struct GatewayParts {
    pub(crate) school: SchoolId,
    pub(crate) portal: Portal,
    /// What PAC files name; with none, the one that is asked.
    pub(crate) gateways: Gateways,
    pub(crate) balancers: Vec<Network>,
    pub(crate) addresses: AddressRule,
    pub(crate) inner_web: Option<InnerWeb>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Metrics,
    pub(crate) identities: Arc<Identities>,
    /// `None`: tickets of Kerberos are neither asked for nor taken.
    pub(crate) negotiate: Option<Negotiate>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) leaves: Arc<Leaves>,
    pub(crate) sites: Believed,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) seals: Arc<DoorSeals>,
    /// `None`: no name door.
    pub(crate) dns: Option<DnsSettings>,
}

pub(crate) fn identities(metrics: &Metrics) -> Arc<Identities> {
    Arc::new(Identities::new(DEVICES_MAX).counted_by(metrics))
}

/// The doors of a gateway, which serve when they are given sockets.
pub(crate) struct Doors {
    pub(crate) proxy: Proxy,
    pub(crate) dns: Option<Dns>,
    pub(crate) own: OwnGateway,
}

pub(crate) fn doors(parts: GatewayParts) -> Result<Doors, UpstreamError> {
    let upstream = upstream(parts.addresses.clone(), parts.inner_web, &parts.sites, parts.signer.as_ref())?;
    let revocations = match &parts.sites.revocations {
        Some(folder) => Lists::keep(folder, upstream.clone(), parts.clock.clone(), &parts.metrics, &parts.tasks),
        None => Arc::default(),
    };
    let own = OwnGateway {
        upstream: upstream.clone(),
        leaves: Arc::clone(&parts.leaves),
        identities: Arc::clone(&parts.identities),
        clock: parts.clock.clone(),
        revocations,
    };
    let dns = parts.dns.map(|settings| {
        let named = settings.upstreams.iter().chain(settings.zones.iter().flat_map(|zone| &zone.upstreams));
        let name_servers = named.map(|server| server.address).collect();
        Dns::new(schoolgate_dns::Parts {
            settings: dns_settings(settings, parts.school.clone(), &parts.portal),
            snapshots: parts.snapshots.clone(),
            clock: parts.clock.clone(),
            tasks: parts.tasks.clone(),
            metrics: parts.metrics.clone(),
            identities: Arc::clone(&parts.identities),
            recorder: Arc::clone(&parts.recorder),
            seals: Arc::clone(&parts.seals) as Arc<dyn schoolgate_dns::Seals>,
            dialer: Dialer::new(DialerSettings { name_servers, ..DialerSettings::new(parts.addresses) }),
            upstream_tls: upstream.tls(),
        })
    });
    let proxy = Proxy::new(Parts {
        settings: schoolgate_proxy::Settings {
            gateways: parts.gateways,
            balancers: parts.balancers,
            negotiate: parts.negotiate,
            ..schoolgate_proxy::Settings::new(parts.school, parts.portal)
        },
        snapshots: parts.snapshots,
        clock: parts.clock,
        tasks: parts.tasks,
        metrics: parts.metrics,
        identities: parts.identities,
        leaves: parts.leaves,
        upstream,
        recorder: parts.recorder,
        seals: parts.seals,
    });
    Ok(Doors { proxy, dns, own })
}

fn dns_settings(settings: DnsSettings, school: SchoolId, portal: &Portal) -> schoolgate_dns::Settings {
    let portal = schoolgate_dns::Portal { name: portal.name.clone(), addresses: settings.answers };
    schoolgate_dns::Settings {
        blocked: settings.blocked,
        youtube: settings.youtube,
        zones: settings.zones,
        inner_names: settings.inner_names,
        serve_stale: settings.serve_stale,
        ..schoolgate_dns::Settings::new(school, portal, settings.upstreams)
    }
}

fn upstream(
    mut addresses: AddressRule,
    inner: Option<InnerWeb>,
    sites: &Believed,
    signer: &dyn Signer,
) -> Result<Upstream, UpstreamError> {
    let mut extra = sites.roots.clone();
    let resolver: Arc<dyn Resolver> = match inner {
        Some(web) => {
            addresses.listed = web.addresses;
            extra.push(web.root);
            web.names
        }
        None => Arc::new(SystemResolver),
    };
    let dialer = Dialer::new(DialerSettings { resolver, ..DialerSettings::new(addresses) });
    // No CA that the school has, had or will have proves anything of the outside (check table V30).
    let mut roots = Roots::of_platform(&extra, &signer.own_certificates(), UnixTime::now());
    for absent in roots.distrust(&sites.distrusted) {
        warn!("`tls.distrusted` names a root that is not there: {}", HEXLOWER.encode(&absent));
    }
    for root in roots.left_out() {
        info!("the root `{}` is not believed: {}", root.subject, root.why);
    }
    Upstream::trusting(dialer, roots, UPSTREAM_HANDSHAKE)
}
