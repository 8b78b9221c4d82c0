//! Control: records, policies, events and the portal; its doors are another process's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schoolgate_runtime::Clock;
use schoolgate_tls::{RemoteSigner, Signer};
use tracing::info;

use super::Sockets;
use crate::data_dir::LiveDir;
use crate::product::{Doors, Plan, Product};
use crate::serve::{ServeError, lists, portal_tls};
use crate::settings::Settings;

/// Between attempts to reach the signer, and how often.
const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 100;

/// Serves the portal and hands gateways what they need, until it is asked to stop.
pub async fn control(data: &Path, settings: Settings, sockets: &Sockets) -> Result<(), ServeError> {
    let dir = LiveDir::open(data)?;
    let signer = reach_signer(sockets).await?;
    let doors = match &settings.proxy {
        Some(proxy) => Doors::Apart { sockets: sockets.clone(), proxy: proxy.clone() },
        None => Doors::None,
    };
    let plan = Plan {
        clock: Clock::system(),
        portal: settings.portal.listen,
        portal_tls: portal_tls(&settings.portal)?,
        portal_name: settings.portal.name,
        doors,
        signer: Some(signer),
        lists: Some(lists(&dir.lists())?),
        demo: None,
    };
    Product::start(&dir, plan).await?.run().await?;
    Ok(())
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
