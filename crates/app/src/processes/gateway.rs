//! The gateway: doors, the newest snapshot, and sockets to whoever holds keys and records.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schoolgate_keys::{DoorKeys, VerifyingKey};
use schoolgate_proxy::Portal;
use schoolgate_runtime::{AddressRule, Clock, Shutdown, Tasks};
use schoolgate_snapshot::{Follower, Reader, follow};
use schoolgate_tls::Leaves;
use tokio::sync::watch;
use tracing::info;

use super::Sockets;
use super::control::reach_signer;
use super::link::{Link, News, note_roots};
use super::messages::Welcome;
use crate::gateway::{GatewayParts, identities, proxy};
use crate::product::{DRAIN, LEAVES_MAX, MINTING_MAX, listen, open_lists, until_asked_to_stop};
use crate::seals::DoorSeals;
use crate::serve::ServeError;
use crate::settings::{ProxySettings, Settings};

/// Between looks at the folder, while nothing was ever published.
const PAUSE: Duration = Duration::from_millis(200);

/// Filters until it is asked to stop. Opens of the data directory nothing but the snapshot.
pub async fn gateway(snapshot: &Path, settings: &Settings, sockets: &Sockets) -> Result<(), ServeError> {
    let Some(proxy) = &settings.proxy else { return Err(ServeError::NoGateway) };
    let (tasks, writing) = (Tasks::new(), Tasks::new());
    let stopping = until_asked_to_stop();
    tokio::select! {
        started = start(snapshot, settings, proxy, sockets, &tasks, &writing) => started?,
        // Asked to stop before there was anything to stop.
        stopped = until_asked_to_stop() => return stopped.map_err(ServeError::from),
    }
    stopping.await?;
    info!("stopping");
    tasks.drain(DRAIN).await;
    // After the doors: what they record while they close is an event too.
    writing.drain(DRAIN).await;
    Ok(())
}

async fn start(
    snapshot: &Path,
    settings: &Settings,
    proxy_settings: &ProxySettings,
    sockets: &Sockets,
    tasks: &Tasks,
    writing: &Tasks,
) -> Result<(), ServeError> {
    let signer = reach_signer(sockets).await?;
    let opened = Link::open(&sockets.link(), &tasks.shutdown()).await;
    let Some((link, welcome, recorder, news)) = opened else { return Ok(()) };
    let Some((snapshots, follower)) = first_snapshot(snapshot, &welcome, &news, &tasks.shutdown()).await? else {
        return Ok(());
    };
    let identities = identities();
    spawn_followers(writing, follower, news, &identities);
    let seen = note_roots(writing, snapshots.clone());
    writing.spawn("link to control", link.run(seen, writing.shutdown()));
    let leaves = Leaves::new(Arc::clone(&signer), Clock::system(), LEAVES_MAX, MINTING_MAX)?;
    let (listener, address) = listen(proxy_settings.listen).await?;
    let own = vec![settings.portal.listen, address];
    let parts = GatewayParts {
        seals: Arc::new(DoorSeals::new(door_keys(&welcome), welcome.school.clone())?),
        school: welcome.school,
        portal: Portal { name: settings.portal.name.clone(), socket: sockets.portal() },
        addresses: AddressRule { allows_private: proxy_settings.private_networks, listed: Vec::new(), own },
        inner_web: None,
        snapshots,
        clock: Clock::system(),
        tasks: tasks.clone(),
        identities,
        signer,
        leaves: Arc::new(leaves),
        recorder: Arc::new(recorder),
    };
    proxy(parts)?.serve(listener, None);
    info!(%address, "the gateway is open");
    Ok(())
}

type Following = (watch::Receiver<Arc<schoolgate_decide::Snapshot>>, Follower);

/// The snapshot in force; `None` when the program stops before there is one.
async fn first_snapshot(
    folder: &Path,
    welcome: &Welcome,
    news: &News,
    shutdown: &Shutdown,
) -> Result<Option<Following>, ServeError> {
    let key = VerifyingKey::from_bytes(welcome.verifying_key);
    while !shutdown.is_begun() {
        let reader = Reader::new(folder, &welcome.school, key, open_lists);
        if let Some(following) = follow(reader, Some(news.published.clone()))? {
            return Ok(Some(following));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(None)
}

fn spawn_followers(writing: &Tasks, follower: Follower, news: News, identities: &Arc<schoolgate_identity::Identities>) {
    let stopping = writing.shutdown();
    writing.spawn("snapshot follower", async move {
        tokio::select! {
            () = follower.run() => {}
            () = stopping.begun() => {}
        }
    });
    let (identities, mut trusting, stopping) = (Arc::clone(identities), news.trusting, writing.shutdown());
    writing.spawn("devices that trust us", async move {
        let clock = Clock::system();
        loop {
            tokio::select! {
                address = trusting.recv() => match address {
                    Some(address) => identities.trust.learn(address, clock.now()),
                    None => return,
                },
                () = stopping.begun() => return,
            }
        }
    });
}

fn door_keys(welcome: &Welcome) -> DoorKeys {
    let (redirects, locked) = &welcome.door_keys;
    let mut bytes = [0; DoorKeys::BYTES];
    for (to, from) in bytes.iter_mut().zip(redirects.iter().chain(locked)) {
        *to = *from;
    }
    DoorKeys::from_bytes(&bytes)
}
