//! Control: records, policies, events and the portal; its doors are another process's.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schoolgate_keys::sha256_hex;
use schoolgate_proxy::Gateways;
use schoolgate_runtime::{Clock, Reach, Sockets as Listening, SocketsError};
use schoolgate_tls::{RemoteSigner, Signer};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::offices::RemoteOffices;
use super::{Role, Sockets};
use crate::data_dir::LiveDir;
use crate::product::{Doors, Plan, Product, RunError, StartError};
use crate::reached::gateways;
use crate::serve::{ServeError, lists, portal_tls};
use crate::settings::{Certificate, PortalSettings, Settings};

/// Between attempts to reach the signer, and how often.
const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 100;

/// Serves the portal and hands gateways what they need, until it is asked to stop. Asked to (`SIGHUP`), it reads its
/// settings anew, and ends where what they say of it has changed: whoever started it starts it again, and has kept the
/// portal's listening socket, which is `inherited` from the system where that has kept it.
pub async fn control(
    data: &Path,
    settings_file: &Path,
    settings: Settings,
    sockets: &Sockets,
    inherited: Listening,
) -> Result<(), ServeError> {
    let asked = signal(SignalKind::hangup()).map_err(|source| RunError::Signal { source })?;
    let dir = LiveDir::open(data)?;
    let known = Concerning::read(&settings)?;
    let signer = reach_signer(sockets).await?;
    let doors = match &settings.proxy {
        Some(proxy) => {
            Doors::Apart { sockets: sockets.clone(), proxy: proxy.clone(), https_names: https_names(&settings) }
        }
        None => Doors::None,
    };
    let plan = Plan {
        clock: Clock::system(),
        snapshot: settings.snapshot(&dir),
        portal: portal(&settings, sockets, inherited).await.map_err(StartError::from)?,
        portal_tls: portal_tls(&settings.portal)?,
        portal_name: settings.portal.name,
        doors,
        signer: Some(signer),
        offices: Some(Arc::new(RemoteOffices::at(&sockets.offices()))),
        lists: Some(lists(&dir.lists())?),
        demo: None,
    };
    Product::start(&dir, plan).await?.run(until_changed(asked, settings_file, known)).await?;
    Ok(())
}

async fn portal(settings: &Settings, sockets: &Sockets, inherited: Listening) -> Result<TcpListener, SocketsError> {
    let kept = sockets.listening(Role::Control);
    let mut listening = Listening::of_keeper(&kept).await?.unwrap_or(inherited);
    let listener = listening.listen(settings.portal.listen, Reach::Both)?;
    listening.leave(&kept).await?;
    Ok(listener)
}

fn https_names(settings: &Settings) -> Option<SocketAddr> {
    settings.dns.as_ref().and_then(|dns| dns.https)
}

/// What control does otherwise when it changes: pages, and the file that names the gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Concerning {
    portal: PortalSettings,
    /// SHA-256 of certificate and key: they are renewed in their place.
    certificate: Option<String>,
    gateways: Option<Gateways>,
    https_names: Option<SocketAddr>,
}

impl Concerning {
    fn read(settings: &Settings) -> Result<Self, ServeError> {
        let read = |path: &Path| fs::read(path).map_err(|source| ServeError::Read { path: path.to_owned(), source });
        let content = |files: &Certificate| Ok::<_, ServeError>([read(&files.chain)?, read(&files.key)?].concat());
        let certificate = settings.portal.certificate.as_ref().map(content).transpose()?;
        Ok(Self {
            portal: settings.portal.clone(),
            certificate: certificate.map(|content| sha256_hex(&content)),
            gateways: settings.proxy.clone().map(|proxy| gateways(proxy, &settings.portal.name)),
            https_names: https_names(settings),
        })
    }
}

/// Tries what could keep the portal from coming back.
pub(super) fn usable(portal: &PortalSettings, before: &PortalSettings) -> Result<(), ServeError> {
    portal_tls(portal)?;
    if portal.listen != before.listen {
        let address = portal.listen;
        let tried = schoolgate_runtime::listen(address, Reach::Both);
        tried.map_err(|source| StartError::Listen { address, source })?;
    }
    Ok(())
}

/// Returns when the settings are asked to be read anew and say something else of control.
async fn until_changed(mut asked: Signal, settings_file: &Path, known: Concerning) {
    while asked.recv().await.is_some() {
        let read = Settings::load(settings_file).map_err(ServeError::from);
        match read
            .and_then(|settings| usable(&settings.portal, &known.portal).and_then(|()| Concerning::read(&settings)))
        {
            Ok(read) if read == known => info!("the portal's settings are what they were"),
            // The gateway that runs needs its portal.
            Ok(read) if read.gateways.is_some() != known.gateways.is_some() => {
                warn!("`proxy.off` has changed, which is read at a restart only; the portal goes on as before");
            }
            Ok(_) => return info!("the portal's settings have changed: it is started again"),
            Err(failure) => {
                let failure: &dyn std::error::Error = &failure;
                error!(error = failure, "the settings are not read; the portal goes on by those before");
            }
        }
    }
    std::future::pending().await
}

/// The signer, which may still be starting.
pub(super) async fn reach_signer(sockets: &Sockets) -> Result<Arc<dyn Signer>, ServeError> {
    let path = sockets.signer();
    let mut attempt = 0;
    loop {
        attempt += 1;
        match RemoteSigner::connect(&path).await {
            Ok(signer) => return Ok(Arc::new(signer)),
            Err(source) if ATTEMPTS <= attempt => return Err(ServeError::Signer { path, source }),
            Err(error) if attempt == 1 => info!(%error, "waiting for the signer"),
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}
