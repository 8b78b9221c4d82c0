//! Keeps a `watch` channel at the newest snapshot.

use std::sync::Arc;
use std::time::Duration;

use schoolgate_decide::Snapshot;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::error::SnapshotError;
use crate::read::Reader;

/// How often the root file is looked at where nobody nudges. A click must reach a door within a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The running half of [`follow`].
#[derive(Debug)]
pub struct Follower {
    reader: Reader,
    nudges: Option<watch::Receiver<u64>>,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

/// The channel that holds the newest snapshot, and the task that keeps it so.
pub type Following = (watch::Receiver<Arc<Snapshot>>, Follower);

/// Loads the snapshot in force and returns a channel that will always hold the newest one, with the task to run for
/// it. `None` where nothing was published yet. `nudges` are a publisher's in the same process, if there is one.
pub fn follow(mut reader: Reader, nudges: Option<watch::Receiver<u64>>) -> Result<Option<Following>, SnapshotError> {
    let Some(first) = reader.load()? else { return Ok(None) };
    let (snapshots, receiver) = watch::channel(first);
    Ok(Some((receiver, Follower { reader, nudges, snapshots })))
}

impl Follower {
    /// Follows until dropped or nobody listens any more. A bad snapshot is logged once and the old one stays.
    pub async fn run(mut self) {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complained = false;
        while !self.snapshots.is_closed() {
            tokio::select! {
                _ = tick.tick() => {}
                () = nudged(&mut self.nudges) => {}
            }
            match self.reader.load() {
                Ok(Some(snapshot)) => {
                    complained = false;
                    info!(snapshot.number = snapshot.root.number, "snapshot {} is in force", snapshot.root.number);
                    self.snapshots.send_replace(snapshot);
                }
                Ok(None) => {}
                Err(error) if complained => drop(error),
                Err(error) => {
                    complained = true;
                    let error: &dyn std::error::Error = &error;
                    warn!(error, "a snapshot cannot be used; the one before stays in force");
                }
            }
        }
    }
}

async fn nudged(nudges: &mut Option<watch::Receiver<u64>>) {
    if let Some(receiver) = nudges {
        if receiver.changed().await.is_ok() {
            return;
        }
        *nudges = None;
    }
    std::future::pending::<()>().await;
}
