//! The gateway: doors, the newest snapshot, and sockets to whoever holds keys and records.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use schoolgate_base::Host;
use schoolgate_dns::{Dns, udp_sockets};
use schoolgate_identity::Identities;
use schoolgate_keys::{DoorKeys, VerifyingKey};
use schoolgate_proxy::Portal;
use schoolgate_runtime::{AddressRule, Clock, Tasks};
use schoolgate_snapshot::{Follower, Reader, follow};
use schoolgate_tls::{LeafFor, Leaves, Protocol};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::info;

use super::Sockets;
use super::control::reach_signer;
use super::link::{Link, Trusting, Word, note_roots};
use super::messages::Welcome;
use crate::gateway::{GatewayParts, doors, identities};
use crate::product::{DRAIN, LEAVES_MAX, MINTING_MAX, StartError, listen, open_lists, until_asked_to_stop};
use crate::seals::DoorSeals;
use crate::serve::ServeError;
use crate::settings::{DnsSettings, ProxySettings, Settings};

/// Between looks at the folder, while nothing was ever published.
const PAUSE: Duration = Duration::from_millis(200);

/// Filters until it is asked to stop. Opens of the data directory nothing but the snapshot.
pub async fn gateway(snapshot: &Path, settings: &Settings, sockets: &Sockets) -> Result<(), ServeError> {
    let Some(proxy) = &settings.proxy else { return Err(ServeError::NoGateway) };
    let (tasks, writing) = (Tasks::new(), Tasks::new());
    let mut stopping = pin!(until_asked_to_stop());
    let unlinked = tokio::select! {
        started = start(snapshot, settings, proxy, sockets, &tasks, &writing) => started?,
        // Asked to stop before there was anything to stop.
        stopped = stopping.as_mut() => return stopped.map_err(ServeError::from),
    };
    let ended = tokio::select! {
        stopped = stopping => stopped.map_err(ServeError::from),
        // Without a link for good: the supervisor starts the program that is installed now.
        _ = unlinked => Err(ServeError::Unlinked),
    };
    info!("stopping");
    tasks.drain(DRAIN).await;
    // After the doors: what they record while they close is an event too.
    writing.drain(DRAIN).await;
    ended
}

/// Told when the link has ended for good.
async fn start(
    snapshot: &Path,
    settings: &Settings,
    proxy_settings: &ProxySettings,
    sockets: &Sockets,
    tasks: &Tasks,
    writing: &Tasks,
) -> Result<oneshot::Receiver<()>, ServeError> {
    let signer = reach_signer(sockets).await?;
    let opened = Link::open(&sockets.link(), &tasks.shutdown()).await;
    let Some((link, mut welcome, recorder, news)) = opened else { return Err(ServeError::Unlinked) };
    let (snapshots, follower) = first_snapshot(snapshot, &welcome, &news.published).await?;
    let identities = identities();
    spawn_followers(writing, follower, news.trusting, &identities);
    let (told, status) = watch::channel(None);
    let word = Word { seen: note_roots(writing, snapshots.clone()), status };
    let (linked, unlinked) = oneshot::channel();
    let shutdown = writing.shutdown();
    writing.spawn("link to control", async move {
        link.run(word, shutdown).await;
        drop(linked);
    });
    let leaves = Leaves::new(Arc::clone(&signer), Clock::system(), LEAVES_MAX, MINTING_MAX)?;
    let own_name = Host::Name(settings.portal.name.clone());
    let own_tls = leaves.config(&own_name, LeafFor::Own, Protocol::Http1).await?;
    let (listener, address) = listen(proxy_settings.listen).await?;
    let mut own = vec![settings.portal.listen, address];
    own.extend(settings.dns.iter().flat_map(|dns| [Some(dns.listen), dns.tls, dns.https]).flatten());
    let left_alone = std::mem::take(&mut welcome.left_alone);
    let parts = GatewayParts {
        seals: Arc::new(DoorSeals::new(DoorKeys::from_halves(welcome.door_keys), welcome.school.clone())?),
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
        dns: settings.dns.clone(),
    };
    let doors = doors(parts)?;
    doors.own.upstream.learned().restore(left_alone, Clock::system().now());
    writing.spawn("word of this gateway", doors.own.run(told, news.forgotten, writing.shutdown()));
    doors.proxy.serve(listener, None);
    if let (Some(dns), Some(settings)) = (doors.dns, &settings.dns) {
        open_dns(&dns, settings, own_tls).await?;
    }
    info!(%address, "the gateway is open");
    Ok(unlinked)
}

/// Sockets for the name door: as many for datagrams as there are processors.
async fn open_dns(dns: &Dns, settings: &DnsSettings, tls: Arc<ServerConfig>) -> Result<(), ServeError> {
    let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let failed = |source| StartError::Listen { address: settings.listen, source };
    for socket in udp_sockets(settings.listen, count).map_err(failed)? {
        dns.serve_udp(socket);
    }
    dns.serve_tcp(listen(settings.listen).await?.0, None);
    if let Some(address) = settings.tls {
        dns.serve_tcp(listen(address).await?.0, Some(Arc::clone(&tls)));
    }
    if let Some(address) = settings.https {
        dns.serve_https(listen(address).await?.0, &tls);
    }
    info!(address = %settings.listen, "the name door is open");
    Ok(())
}

type Following = (watch::Receiver<Arc<schoolgate_decide::Snapshot>>, Follower);

/// The snapshot in force, as soon as there is one.
async fn first_snapshot(
    folder: &Path,
    welcome: &Welcome,
    published: &watch::Receiver<u64>,
) -> Result<Following, ServeError> {
    let key = VerifyingKey::from_bytes(welcome.verifying_key);
    loop {
        let reader = Reader::new(folder, &welcome.school, key, open_lists);
        if let Some(following) = follow(reader, Some(published.clone()))? {
            return Ok(following);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn spawn_followers(
    writing: &Tasks,
    follower: Follower,
    mut trusting: mpsc::Receiver<Trusting>,
    identities: &Arc<Identities>,
) {
    let stopping = writing.shutdown();
    writing.spawn("snapshot follower", async move {
        tokio::select! {
            () = follower.run() => {}
            () = stopping.begun() => {}
        }
    });
    let (identities, stopping) = (Arc::clone(identities), writing.shutdown());
    writing.spawn("devices that trust us", async move {
        loop {
            let devices = tokio::select! {
                devices = trusting.recv() => devices,
                () = stopping.begun() => return,
            };
            let Some(devices) = devices else { return };
            for (address, at) in devices {
                if let Ok(at) = Timestamp::from_microsecond(at) {
                    identities.trust.learn(address, at);
                }
            }
        }
    });
}
