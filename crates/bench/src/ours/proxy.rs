//! Our proxy.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schoolgate_base::{HostName, SchoolId};
use schoolgate_identity::Identities;
use schoolgate_proxy::{Parts, Portal, Proxy, Settings};
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Resolver, Resolving, Tasks};
use schoolgate_tls::{Authority, Leaves, Signer, Upstream};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{NoSeals, Publisher, SCHOOL, event_log};
use crate::pairs::process::Process;
use crate::pairs::{Failure, Peer, Stage};
use crate::sites::certificates::SITES_CA;

/// Our proxy in a process of its own.
pub(crate) struct OurProxy {
    /// Whether it looks into TLS.
    pub(crate) inspects: bool,
}

impl Peer for OurProxy {
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
        let mut words = vec!["serve-proxy", "--dir", &dir, "--origin", &origin, "--home", &at];
        if self.inspects {
            words.push("--inspects");
        }
        Process::start_self(&words, Some(home))
    }
}

#[derive(Debug, Args)]
pub(crate) struct ServeProxy {
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    home: PathBuf,
    #[arg(long)]
    origin: SocketAddr,
    #[arg(long)]
    inspects: bool,
}

/// Every name is the origin.
struct OneOrigin(SocketAddr);

impl Resolver for OneOrigin {
    fn resolve<'a>(&'a self, _: &'a HostName, _: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(vec![self.0]) })
    }
}

pub(crate) fn serve(arguments: &ServeProxy) -> Result<(), Failure> {
    // One worker, as Squid has.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: &ServeProxy) -> Result<(), Failure> {
    let ServeProxy { dir, home, origin, inspects } = arguments;
    let (tasks, clock) = (Tasks::new(), Clock::system());
    let log = event_log(home, &tasks)?;
    let keys = home.join("keys");
    fs::create_dir_all(&keys)?;
    let authority = Arc::new(Authority::load_or_make(&keys, "Bench", clock.clone())?);
    fs::write(home.join("ca.pem"), authority.pem())?;
    let rule = AddressRule { listed: vec![*origin], ..AddressRule::default() };
    let dialer = Dialer::new(DialerSettings { resolver: Arc::new(OneOrigin(*origin)), ..DialerSettings::new(rule) });
    let roots = if *inspects { vec![CertificateDer::from_pem_file(dir.join(SITES_CA))?] } else { Vec::new() };
    let upstream = Upstream::new(dialer, &roots, &authority.certificate(), Duration::from_secs(5))?;
    let (publisher, snapshots) = Publisher::new(dir, *inspects, &clock)?;
    let portal = Portal { name: HostName::parse("portal.bench.example")?, socket: home.join("portal.sock") };
    let mut settings = Settings::new(SchoolId::new(SCHOOL)?, portal);
    settings.connect_ports.push(origin.port());
    // All clients of a bench have one address.
    settings.limits.connections_per_address_max = settings.limits.connections_max;
    let proxy = Proxy::new(Parts {
        settings,
        snapshots,
        clock: clock.clone(),
        tasks: tasks.clone(),
        metrics: Metrics::new(),
        identities: Arc::new(Identities::new(1_024)),
        leaves: Arc::new(Leaves::new(authority, clock, 1_024, 4)?),
        upstream,
        recorder: Arc::new(log),
        seals: Arc::new(NoSeals::new()?),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    proxy.serve(listener, None);
    publisher.publish(address).await
}
