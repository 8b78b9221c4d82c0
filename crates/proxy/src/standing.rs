//! Connections that outlive their request: kept with their facts, judged again, closed when no longer allowed.
//!
//! One task judges them all, at each new root and when a decision's time is over, so that ten thousand tunnels cost
//! ten thousand entries and not as many tasks and timers.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use jiff::Timestamp;
use schoolgate_base::Host;
use schoolgate_decide::{Inspect, Seen, Snapshot, Verdict};
use schoolgate_event::Mode;
use schoolgate_identity::Held;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Notify, oneshot};
use tracing::info;

use crate::door::{Client, Door, Judged};
use crate::ways::{Way, way};

/// Entries that are judged before other tasks get their turn.
const BATCH: usize = 128;

/// The facts that a connection keeps; its root is let go.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) client: Client,
    pub(crate) host: Host,
    pub(crate) path: Option<Box<str>>,
    pub(crate) mode: Mode,
}

#[derive(Debug)]
struct Entry {
    kept: Arc<Kept>,
    judged_by: u64,
    valid_until: Option<Timestamp>,
    close: oneshot::Sender<()>,
}

/// All connections that are open beyond their request.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    entries: Mutex<Entries>,
    next: AtomicU64,
    /// An entry came in that must be judged sooner than anything before it.
    hurry: Notify,
}

/// Behind one lock, so that no entry comes in between the due moment and what it was computed from.
#[derive(Debug, Default)]
struct Entries {
    by_id: HashMap<u64, Entry>,
    /// The earliest `valid_until` that the task waits for; `None` while it judges.
    due: Option<Timestamp>,
}

/// One entry; leaves when dropped. Resolves when the connection must be closed.
#[derive(Debug)]
pub(crate) struct Stand {
    id: u64,
    standing: Arc<Standing>,
    closed: oneshot::Receiver<()>,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.standing.lock().by_id.remove(&self.id);
    }
}

impl Future for Stand {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.closed).poll(context).map(|_| ())
    }
}

impl Standing {
    /// `newest` reads the number of the root in force: an entry that was judged by an older one is judged at once.
    pub(crate) fn enter(self: &Arc<Self>, kept: Kept, judged: &Judged, newest: impl FnOnce() -> u64) -> Stand {
        let (close, closed) = oneshot::channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let valid_until = judged.decision.valid_until;
        let entry = Entry { kept: Arc::new(kept), judged_by: judged.snapshot, valid_until, close };
        let due = {
            let mut entries = self.lock();
            entries.by_id.insert(id, entry);
            entries.due
        };
        let is_sooner = valid_until.is_some_and(|until| due.is_none_or(|due| until < due));
        // Read after the entry is in: a root that comes later than this finds it there.
        if is_sooner || judged.snapshot != newest() {
            self.hurry.notify_one();
        }
        Stand { id, standing: Arc::clone(self), closed }
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().by_id.len()
    }

    /// What has to be judged by root `number`. Until the end of the review, every entry that comes in hurries it.
    fn begin_review(&self, number: u64, now: Timestamp, moved: &Moved) -> Vec<(u64, Arc<Kept>)> {
        let mut entries = self.lock();
        entries.due = None;
        let is_due = |entry: &Entry| {
            let is_over = entry.valid_until.is_some_and(|until| until <= now);
            entry.judged_by != number || is_over || moved.touches(&entry.kept.client)
        };
        let due = entries.by_id.iter().filter(|(_, entry)| is_due(entry));
        due.map(|(id, entry)| (*id, Arc::clone(&entry.kept))).collect()
    }

    /// When the next one is due.
    fn end_review(&self, now: Timestamp) -> Option<Timestamp> {
        let mut entries = self.lock();
        let untils = entries.by_id.values().filter_map(|entry| entry.valid_until);
        entries.due = untils.filter(|until| now < *until).min();
        entries.due
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_all(&self) {
        let all = std::mem::take(&mut self.lock().by_id);
        for (_, entry) in all {
            let _ = entry.close.send(());
        }
    }
}

/// Addresses about which something ended or changed beside the snapshots.
#[derive(Debug)]
enum Moved {
    These(Vec<Held>),
    /// More than were kept.
    Any,
}

impl Moved {
    const NONE: Self = Self::These(Vec::new());

    /// All that is known by now.
    fn all(first: Result<Held, RecvError>, changes: &mut Receiver<Held>) -> Self {
        let Ok(first) = first else { return Self::Any };
        let mut held = vec![first];
        loop {
            match changes.try_recv() {
                Ok(next) => held.push(next),
                Err(TryRecvError::Lagged(_)) => return Self::Any,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Self::These(held),
            }
        }
    }

    fn touches(&self, client: &Client) -> bool {
        match self {
            Self::These(held) => held.iter().any(|held| held.covers(client.address())),
            Self::Any => true,
        }
    }
}

/// Runs until the program stops, and through the grace after that: what is still open is judged as long as it is.
pub(crate) async fn review(door: Arc<Door>) {
    let mut snapshots = door.snapshots.clone();
    let mut changes = door.identities.leases.changes();
    let mut moved = Moved::NONE;
    let mut over = pin!(door.grace_over());
    let mut is_published = true;
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let due = review_once(&door, &snapshot, &moved).await;
        moved = Moved::NONE;
        let time_over = async {
            match due {
                Some(due) => door.clock.wait_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            change = changes.recv() => moved = Moved::all(change, &mut changes),
            // When nobody publishes any more, what stands may stand until its time is over.
            changed = snapshots.changed(), if is_published => is_published = changed.is_ok(),
            () = time_over => {}
            () = door.standing.hurry.notified() => {}
            () = &mut over => break,
        }
    }
    door.standing.close_all();
}

/// Judges what has to be judged and returns when the next one is due.
async fn review_once(door: &Arc<Door>, snapshot: &Snapshot, moved: &Moved) -> Option<Timestamp> {
    let now = door.clock.now();
    let number = snapshot.root.number;
    let to_judge = door.standing.begin_review(number, now, moved);
    let mut closed = 0;
    for batch in to_judge.chunks(BATCH) {
        for (id, kept) in batch {
            let judged = judge_kept(door, snapshot, kept, now);
            let mut entries = door.standing.lock();
            match judged {
                Some(judged) => {
                    if let Some(entry) = entries.by_id.get_mut(id) {
                        entry.judged_by = number;
                        entry.valid_until = judged.decision.valid_until;
                    }
                }
                None => {
                    if let Some(entry) = entries.by_id.remove(id) {
                        closed += 1;
                        door.meters.revoked.increment();
                        let _ = entry.close.send(());
                    }
                }
            }
        }
        tokio::task::yield_now().await;
    }
    if closed > 0 {
        info!(connections.closed = closed, "closed {closed} connections that are no longer allowed");
    }
    door.standing.end_review(now)
}

/// `None`: close it.
fn judge_kept(door: &Arc<Door>, snapshot: &Snapshot, kept: &Kept, now: Timestamp) -> Option<Judged> {
    let url = match &kept.path {
        Some(path) => Seen::Seen(&**path),
        None => Seen::Unseen,
    };
    let judged = door.judge_again(snapshot, &kept.client, &kept.host, url, now)?;
    let carried_rightly = match kept.mode {
        // What a new CONNECT would not be given, an old one does not keep.
        Mode::Tunnel => way(&judged, &kept.host) == Way::Tunnel,
        Mode::Inspected => {
            judged.decision.conditions.inspect != Inspect::Never || !door.is_private(snapshot, &kept.client, &kept.host)
        }
        Mode::Plain | Mode::LocalAnswer => true,
    };
    (judged.decision.verdict == Verdict::Allow && carried_rightly).then_some(judged)
}

#[cfg(test)]
mod tests {
    use schoolgate_base::Strength;
    use schoolgate_decide::{Conditions, Decision, Reason, Trace};
    use schoolgate_identity::Identified;
    use tokio::time::timeout;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn kept() -> Kept {
        let peer = "127.0.0.1:1".parse().unwrap();
        let client = Client {
            peer,
            local: peer,
            is_private: true,
            is_tls: false,
            dialled: None,
            token: None,
            tls: None,
            proof: Arc::default(),
            _place: None,
        };
        Kept { client, host: "news.example".parse().unwrap(), path: None, mode: Mode::Tunnel }
    }

    fn judged(snapshot: u64, valid_until: Option<Timestamp>) -> Judged {
        let identified = Identified {
            persons: Vec::new(),
            strength: Strength::Address,
            device: None,
            device_class: None,
            place: None,
            trusts_ca: false,
            until: None,
        };
        let decision = Decision {
            verdict: Verdict::Allow,
            reason: Reason::Default,
            conditions: Conditions::default(),
            valid_until,
            trace: Trace::Full,
        };
        Judged { identified, decision, needs_url: false, snapshot, at: at("2026-11-24T10:00Z") }
    }

    #[test]
    fn more_changes_than_are_kept_touch_everything() {
        let client = kept().client;
        let (sender, mut changes) = tokio::sync::broadcast::channel(2);
        let held = |text: &str| Held::address(text.parse().unwrap());
        for address in ["10.0.0.1", "127.0.0.1"] {
            sender.send(held(address)).unwrap();
        }
        let first = changes.try_recv().map_err(|_| RecvError::Closed);
        assert!(Moved::all(first, &mut changes).touches(&client));
        assert!(!Moved::all(Ok(held("10.0.0.1")), &mut changes).touches(&client));
        for _ in 0..4 {
            sender.send(held("10.0.0.1")).unwrap();
        }
        assert!(Moved::all(Ok(held("10.0.0.1")), &mut changes).touches(&client));
        assert!(!Moved::NONE.touches(&client));
    }

    async fn is_hurried(standing: &Standing) -> bool {
        timeout(std::time::Duration::ZERO, standing.hurry.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn a_root_that_comes_while_an_entry_is_made_hurries_it() {
        let standing = Arc::new(Standing::default());
        let newest = || {
            assert_eq!(standing.count(), 1, "read when the entry is in");
            2
        };
        let _stand = standing.enter(kept(), &judged(1, None), newest);
        assert!(is_hurried(&standing).await);
        let _other = standing.enter(kept(), &judged(2, None), || 2);
        assert!(!is_hurried(&standing).await);
    }

    #[tokio::test]
    async fn an_entry_that_comes_during_a_review_is_waited_for() {
        let standing = Arc::new(Standing::default());
        let (now, soon, later) = (at("2026-11-24T10:00Z"), at("2026-11-24T10:01Z"), at("2026-11-24T11:00Z"));
        let _first = standing.enter(kept(), &judged(1, Some(soon)), || 1);
        assert!(is_hurried(&standing).await);
        assert!(standing.begin_review(1, now, &Moved::NONE).is_empty());
        assert_eq!(standing.end_review(now), Some(soon));
        assert_eq!(standing.begin_review(1, soon, &Moved::NONE).len(), 1);
        // Later than what was waited for, and over when the review ends.
        let _second = standing.enter(kept(), &judged(1, Some(later)), || 1);
        assert!(is_hurried(&standing).await);
        assert_eq!(standing.end_review(later), None);
        assert_eq!(standing.begin_review(1, later, &Moved::NONE).len(), 2);
    }
}
