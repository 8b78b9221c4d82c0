//! Our DNS door.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use rustls::{ClientConfig, RootCertStore};
use schoolgate_base::{HostName, SchoolId};
use schoolgate_dns::{Dns, Limits, Parts, Portal, Settings, Transport, Upstream, udp_sockets};
use schoolgate_identity::Identities;
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Tasks};
use tempfile::TempDir;

use super::{NoSeals, Publisher, SCHOOL, event_log};
use crate::pairs::process::Process;
use crate::pairs::{Failure, Peer, Stage};

/// Our DNS door in a process of its own.
pub(crate) struct OurDns;

impl Peer for OurDns {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn version(&self) -> Option<String> {
        Some(format!("Schoolgate {}", env!("CARGO_PKG_VERSION")))
    }

    fn install(&self) -> &'static str {
        ""
    }

    fn start(&self, stage: &Stage<'_>, home: TempDir) -> Result<Process, Failure> {
        let (dir, origin) = (stage.dir.to_string_lossy(), stage.origin.to_string());
        let at = home.path().to_string_lossy().into_owned();
        Process::start_self(&["serve-dns", "--dir", &dir, "--origin", &origin, "--home", &at], Some(home))
    }
}

#[derive(Debug, Args)]
pub(crate) struct ServeDns {
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    home: PathBuf,
    #[arg(long)]
    origin: SocketAddr,
}

pub(crate) fn serve(arguments: &ServeDns) -> Result<(), Failure> {
    // One thread answers, as with the others; the runtime's own does what has to be looked up.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: &ServeDns) -> Result<(), Failure> {
    let ServeDns { dir, home, origin } = arguments;
    let (tasks, clock) = (Tasks::new(), Clock::system());
    let log = event_log(home, &tasks)?;
    let (publisher, snapshots) = Publisher::new(dir, false, &clock)?;
    let portal = Portal { name: HostName::parse("portal.bench.example")?, addresses: vec![[10, 0, 0, 2].into()] };
    let upstreams = vec![Upstream { address: *origin, transport: Transport::Udp }];
    let mut settings = Settings::new(SchoolId::new(SCHOOL)?, portal, upstreams);
    // All questions of a bench come from one address.
    settings.limits = Limits { rate_per_second: 1_000_000, burst: 10_000_000, ..Limits::default() };
    let dialer =
        Dialer::new(DialerSettings { name_servers: vec![*origin], ..DialerSettings::new(AddressRule::default()) });
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let dns = Dns::new(Parts {
        settings,
        snapshots,
        clock,
        tasks,
        metrics: Metrics::new(),
        identities: Arc::new(Identities::new(64)),
        recorder: Arc::new(log),
        seals: Arc::new(NoSeals::new()?),
        dialer,
        upstream_tls: Arc::new(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
    });
    let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    for socket in udp_sockets(address, 1)? {
        address = socket.local_addr()?;
        dns.serve_udp(socket);
    }
    publisher.publish(address).await
}
