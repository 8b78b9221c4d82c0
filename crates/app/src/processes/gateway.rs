//! The gateway: doors, the newest snapshot, and sockets to whoever holds keys and records.
//!
//! Asked to (`SIGHUP`), it reads its settings anew and makes new doors on what lasts: the same listening sockets, the
//! same link, the same knowledge of devices and people. The doors before take nothing new and finish what they have.

mod edition;
mod listeners;
mod own_tls;

use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schoolgate_base::SchoolId;
use schoolgate_event::Recorder;
use schoolgate_identity::{Identities, Openness};
use schoolgate_keys::{DoorKeys, VerifyingKey};
use schoolgate_runtime::{Clock, Metrics, Sockets as Listening, Tasks};
use schoolgate_snapshot::{Follower, Reader, follow};
use schoolgate_tls::{LearnedSite, Leaves, Signer};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};

use self::edition::{Edition, Finishing};
use super::control::reach_signer;
use super::link::{Link, Looks, Word, note_roots};
use super::messages::Trusting;
use super::messages::Welcome;
use super::{Role, Sockets};
use crate::gateway::identities;
use crate::metrics;
use crate::product::{DRAIN, LEAVES_MAX, MINTING_MAX, RunError, StartError, listen, open_lists, until_asked_to_stop};
use crate::seals::DoorSeals;
use crate::serve::ServeError;
use crate::settings::{Settings, WhoSettings};
use crate::sources::{Hearing, Proofs, Sources};
use crate::status::{self, GatewayReports, OwnGateway};

/// Between looks at the folder, while nothing was ever published.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a gateway finds what it needs.
pub struct Places<'a> {
    /// Folder of the snapshot.
    pub snapshot: &'a Path,
    /// File of the settings, which is read again when the gateway is asked to.
    pub settings: &'a Path,
    /// Folder of the sockets between the processes.
    pub sockets: &'a Sockets,
}

/// What lasts as long as the process, whatever the settings come to say.
struct Base {
    sockets: Sockets,
    school: SchoolId,
    seals: Arc<DoorSeals>,
    snapshots: watch::Receiver<Arc<schoolgate_decide::Snapshot>>,
    metrics: Metrics,
    metrics_at: Option<SocketAddr>,
    who: WhoSettings,
    identities: Arc<Identities>,
    proofs: Proofs,
    signer: Arc<dyn Signer>,
    leaves: Arc<Leaves>,
    recorder: Arc<dyn Recorder>,
    /// Sites that gateways before this one had learned not to look into.
    left_alone: Vec<LearnedSite>,
    /// The doors of the newest edition, as far as their state is told to control.
    newest: watch::Sender<Option<OwnGateway>>,
}

impl Base {
    /// Gives new doors what those before have learned, and tells control of theirs from now on.
    ///
    /// # Errors
    /// New doors have read no list of withdrawn certificates and those before have: then these go on.
    fn follow(&self, doors: OwnGateway) -> Result<(), ServeError> {
        let now = Clock::system().now();
        let before = self.newest.borrow().clone();
        let lists = |doors: &OwnGateway| doors.status().revocations.lists;
        if let Some(problem) = doors.status().revocations.problem
            && before.as_ref().is_some_and(|before| 0 < lists(before))
        {
            return Err(ServeError::Revocations { problem });
        }
        let learned = before.map_or_else(|| self.left_alone.clone(), |before| before.left_alone(now));
        doors.upstream.learned().restore(learned, now);
        self.newest.send_replace(Some(doors));
        Ok(())
    }
}

/// Filters until it is asked to stop. Opens of the data directory nothing but the snapshot. `inherited` are the
/// listening sockets that a supervisor has passed.
pub async fn gateway(places: Places<'_>, settings: Settings, inherited: Listening) -> Result<(), ServeError> {
    let writing = Tasks::new();
    let mut stopping = pin!(until_asked_to_stop());
    let mut asked = signal(SignalKind::hangup()).map_err(|source| RunError::Signal { source })?;
    let started = async {
        let (base, unlinked) = reach(&places, &settings, &writing).await?;
        let kept = Listening::of_keeper(&base.sockets.listening(Role::Gateway)).await.map_err(StartError::from)?;
        let edition = Edition::open(&base, &settings, kept.unwrap_or(inherited)).await?;
        Ok::<_, ServeError>((base, unlinked, edition))
    };
    let (base, mut unlinked, mut edition) = tokio::select! {
        started = started => started?,
        // Asked to stop before there was anything to stop.
        stopped = stopping.as_mut() => return stopped.map_err(ServeError::from),
    };
    let mut finishing = Finishing::new();
    let ended = loop {
        tokio::select! {
            stopped = stopping.as_mut() => break stopped.map_err(ServeError::from),
            // Without a link for good: the supervisor starts the program that is installed now.
            _ = &mut unlinked => break Err(ServeError::Unlinked),
            _ = asked.recv() => match renewed(&base, &edition, places.settings).await {
                Ok(next) => {
                    finishing.add(std::mem::replace(&mut edition, next));
                    info!("the gateway has taken the new settings");
                }
                Err(failure) => {
                    let failure: &dyn std::error::Error = &failure;
                    error!(error = failure, "the settings are not taken; the gateway goes on by those before");
                }
            },
        }
    };
    info!("stopping");
    finishing.hurry();
    edition.stop(DRAIN).await;
    finishing.stop().await;
    // After the doors: what they record while they close is an event too.
    writing.drain(DRAIN).await;
    ended
}

async fn renewed(base: &Base, before: &Edition, settings: &Path) -> Result<Edition, ServeError> {
    let settings = Settings::load(settings)?;
    if (&settings.who, settings.metrics) != (&base.who, base.metrics_at) {
        warn!("`who` and `metrics` in the settings are taken when the service is started again");
    }
    Edition::open(base, &settings, before.listening()?).await
}

/// Reaches the other processes. The receiver is told when the link has ended for good.
async fn reach(
    places: &Places<'_>,
    settings: &Settings,
    writing: &Tasks,
) -> Result<(Base, oneshot::Receiver<()>), ServeError> {
    let sockets = places.sockets;
    let sources = Sources::open(&settings.who).await?;
    let signer = reach_signer(sockets).await?;
    let opened = Link::open(&sockets.link(), &writing.shutdown()).await;
    let Some((link, mut welcome, recorder, news)) = opened else { return Err(ServeError::Unlinked) };
    let (snapshots, follower) = first_snapshot(places.snapshot, &welcome, &news.published).await?;
    let metrics = Metrics::new();
    let identities = identities(&metrics);
    spawn_followers(writing, follower, news.trusting, &identities);
    spawn_looks(writing, news.looks, &identities, &snapshots);
    let (told, status) = watch::channel(None);
    let word = Word { seen: note_roots(writing, snapshots.clone()), status };
    let (linked, unlinked) = oneshot::channel();
    let shutdown = writing.shutdown();
    writing.spawn("link to control", async move {
        link.run(word, shutdown).await;
        drop(linked);
    });
    let newest = watch::Sender::new(None);
    let telling = status::tell(newest.subscribe(), told, news.forgotten, writing.shutdown());
    writing.spawn("word of this gateway", telling);
    let keys = DoorKeys::from_parts(welcome.door_keys);
    let proofs = sources.start(Hearing {
        school: welcome.school.clone(),
        names: keys.logins(),
        snapshots: snapshots.clone(),
        identities: Arc::clone(&identities),
        clock: Clock::system(),
        tasks: writing.clone(),
        metrics: metrics.clone(),
    });
    if let Some(address) = settings.metrics {
        metrics::serve(listen(address).await?.0, metrics.clone(), writing.clone());
    }
    let base = Base {
        sockets: sockets.clone(),
        left_alone: std::mem::take(&mut welcome.left_alone),
        newest,
        seals: Arc::new(DoorSeals::new(keys, welcome.school.clone())?),
        school: welcome.school,
        snapshots,
        metrics,
        metrics_at: settings.metrics,
        who: settings.who.clone(),
        identities,
        proofs,
        leaves: Arc::new(Leaves::new(Arc::clone(&signer), Clock::system(), LEAVES_MAX, MINTING_MAX)?),
        signer,
        recorder: Arc::new(recorder),
    };
    Ok((base, unlinked))
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
            let met = tokio::select! {
                met = trusting.recv() => met,
                () = stopping.begun() => return,
            };
            let Some(Trusting { generation, devices }) = met else { return };
            for (address, at) in devices {
                if let Ok(at) = Timestamp::from_microsecond(at) {
                    identities.trust.learn_of(generation, address, at);
                }
            }
        }
    });
}

/// Answers control, which asks for the captive-portal API.
fn spawn_looks(
    writing: &Tasks,
    mut looks: Looks,
    identities: &Arc<Identities>,
    snapshots: &watch::Receiver<Arc<schoolgate_decide::Snapshot>>,
) {
    let (identities, snapshots, stopping) = (Arc::clone(identities), snapshots.clone(), writing.shutdown());
    writing.spawn("looks at addresses", async move {
        loop {
            let asked = tokio::select! {
                asked = looks.asked.recv() => asked,
                () = stopping.begun() => return,
            };
            let Some((number, address)) = asked else { return };
            let snapshot = Arc::clone(&snapshots.borrow());
            let open = Openness::of(&identities, &snapshot, address, Clock::system().now());
            // Without a connection to control nobody waits for it any longer.
            let _ = looks.answers.try_send((number, open));
        }
    });
}
