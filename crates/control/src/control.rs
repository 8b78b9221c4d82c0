//! The one place that publishes, and the handle that pages and commands hold.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::{CaseId, GrantId, PersonId, SchoolId};
use schoolgate_cases::{Moment, Offices};
use schoolgate_decide::Snapshot;
use schoolgate_decide::snapshot::People;
use schoolgate_keys::{KeyRing, Pseudonym, random_bytes};
use schoolgate_records::{Actor, Edition, SchoolStore, Write};
use schoolgate_runtime::{Clock, Tasks};
use schoolgate_snapshot::{Changes, Follower, OpenLists, Publisher, Reader, follow};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tracing::info;

use crate::error::ControlError;
use crate::in_force::InForce;
use crate::live::{Continued, live_part};
use crate::people::{logins_part, people_part, school_year, signed};

/// How long a caller waits to see its own publish in force before it is told that nobody follows.
const FOLLOW_PATIENCE: Duration = Duration::from_secs(5);

/// What control works with.
pub struct ControlParts {
    pub store: SchoolStore,
    pub keys: Arc<KeyRing>,
    pub clock: Clock,
    pub tasks: Tasks,
    /// Where the part files go.
    pub snapshot_dir: PathBuf,
    /// An index of crate `lists` to put in force; `None` keeps the one published before.
    pub lists: Option<Vec<u8>>,
    pub open_lists: OpenLists,
    /// The newest root that the doors in other processes have, where there are such.
    pub doors: Option<watch::Receiver<u64>>,
}

/// Everything that changes what doors decide. Clones share it.
#[derive(Clone)]
pub struct Control(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: SchoolStore,
    pub(crate) keys: Arc<KeyRing>,
    clock: Clock,
    tasks: Tasks,
    publisher: Arc<Mutex<Publisher>>,
    /// Held from reading the records to the publish, so that an older reading never overtakes a newer one.
    pub(crate) publishing: AsyncMutex<()>,
    in_force: RwLock<Arc<InForce>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    doors: Option<watch::Receiver<u64>>,
    pub(crate) continued: Mutex<Vec<Continued>>,
    /// Who opened which sealed case today.
    pub(crate) openings: Mutex<BTreeSet<(Date, CaseId, PersonId)>>,
    /// What an earlier publish that failed was to compute: the next one does.
    owed: Mutex<Again>,
    /// The offices and the edition that the reports under way were last sealed for.
    resealed: Mutex<Option<(Offices, u32)>>,
}

/// Which parts are computed again; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Again {
    Live,
    People,
    Everything,
}

impl Control {
    /// Publishes what the records say and answers with the task that keeps doors (and this handle) at the newest
    /// snapshot.
    pub async fn open(parts: ControlParts) -> Result<(Self, Follower), ControlError> {
        let in_force = Arc::new(InForce::read(editions(&parts.store).await?)?);
        let mut publisher = Publisher::open(&parts.snapshot_dir, parts.store.id(), Arc::clone(&parts.keys))?;
        let now = parts.clock.now();
        let mut changes = changes(&parts.store, &parts.keys, &in_force, &[], Again::Everything, now).await?;
        changes.lists = parts.lists;
        publisher.publish(&changes, now)?;
        let key = parts.keys.signing().verifying_key();
        let reader = Reader::new(&parts.snapshot_dir, parts.store.id(), key, parts.open_lists);
        let followed = follow(reader, Some(publisher.nudges()))?;
        let (snapshots, follower) = followed.ok_or(ControlError::NotFollowed)?;
        let inner = Inner {
            store: parts.store,
            keys: parts.keys,
            clock: parts.clock,
            tasks: parts.tasks,
            publisher: Arc::new(Mutex::new(publisher)),
            publishing: AsyncMutex::new(()),
            in_force: RwLock::new(in_force),
            snapshots,
            doors: parts.doors,
            continued: Mutex::new(Vec::new()),
            openings: Mutex::default(),
            owed: Mutex::new(Again::Live),
            resealed: Mutex::new(None),
        };
        Ok((Self(Arc::new(inner)), follower))
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub fn school(&self) -> &SchoolId {
        self.0.store.id()
    }

    pub fn store(&self) -> &SchoolStore {
        &self.0.store
    }

    pub fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    /// The snapshot that doors have.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.snapshots.borrow())
    }

    /// The channel that doors follow.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.snapshots.clone()
    }

    /// The policies in force.
    pub fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.0.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who holds which office now.
    pub async fn offices(&self) -> Result<Offices, ControlError> {
        Ok(self.0.store.offices(self.now()).await?)
    }

    /// Computes parts from the records and puts them in force; returns when this process's doors have them.
    pub(crate) async fn publish(&self, again: Again) -> Result<(), ControlError> {
        let _turn = self.0.publishing.lock().await;
        self.publish_in_turn(again).await
    }

    /// The same, with the turn already held.
    pub(crate) async fn publish_in_turn(&self, again: Again) -> Result<(), ControlError> {
        let again = {
            let mut owed = self.owed();
            *owed = (*owed).max(again);
            *owed
        };
        let now = self.now();
        let continued = {
            let mut continued = self.0.continued.lock().unwrap_or_else(PoisonError::into_inner);
            continued.retain(|one| now < one.until);
            continued.clone()
        };
        let in_force = self.in_force();
        let changes = changes(&self.0.store, &self.0.keys, &in_force, &continued, again, now).await?;
        let publisher = Arc::clone(&self.0.publisher);
        let published = self.0.tasks.run_blocking("publish", move || {
            publisher.lock().unwrap_or_else(PoisonError::into_inner).publish(&changes, now)
        });
        let root = published.await??;
        *self.owed() = Again::Live;
        info!(snapshot.number = root.number, "published snapshot {}", root.number);
        match tokio::time::timeout(FOLLOW_PATIENCE, self.followed(root.number)).await {
            Ok(Some(())) => Ok(()),
            Ok(None) | Err(_) => Err(ControlError::NotFollowed),
        }
    }

    /// Returns when the doors of this process and of all others have root `number`; `None` where nobody will.
    async fn followed(&self, number: u64) -> Option<()> {
        self.0.snapshots.clone().wait_for(|snapshot| number <= snapshot.root.number).await.ok()?;
        if let Some(mut doors) = self.0.doors.clone() {
            doors.wait_for(|seen| number <= *seen).await.ok()?;
        }
        Some(())
    }

    /// Reads the policies in force again, after an adoption. The turn is held.
    pub(crate) async fn reload(&self) -> Result<Arc<InForce>, ControlError> {
        let read = Arc::new(InForce::read(editions(&self.0.store).await?)?);
        *self.0.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
        Ok(read)
    }

    /// Computes the people part again: after an import, or on the first of September.
    pub async fn people_publish(&self) -> Result<(), ControlError> {
        self.publish(Again::People).await
    }

    /// The pseudonyms of a person in the events of a time; two where a first of September lies in it.
    pub fn pseudonyms(&self, person: &PersonId, from: Timestamp, to: Timestamp) -> Vec<Pseudonym> {
        let calendar = &self.in_force().built.compiled.program.calendar;
        let years = school_year(calendar, from)..=school_year(calendar, to);
        years.map(|year| self.0.keys.pseudonyms().of(self.school(), year, person)).collect()
    }

    /// Begins a change to the records in the name of a person.
    pub(crate) async fn begin(&self, by: &PersonId) -> Result<Write, ControlError> {
        Ok(self.0.store.begin(Actor::Person(by.clone()), self.now()).await?)
    }

    fn owed(&self) -> MutexGuard<'_, Again> {
        self.0.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn resealed(&self) -> MutexGuard<'_, Option<(Offices, u32)>> {
        self.0.resealed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id for a case: made with the page that sends it, so that what is sent twice is one case.
    pub fn fresh_case(&self) -> Result<CaseId, ControlError> {
        Ok(CaseId::from_random(random_bytes()?))
    }

    /// An earlier edition of the school's policies.
    pub async fn edition(&self, edition: u32) -> Result<Option<Edition>, ControlError> {
        Ok(self.0.store.policy_fetch(&crate::adopt::pack_id()?, edition).await?)
    }

    pub(crate) fn fresh_grant(&self) -> Result<GrantId, ControlError> {
        Ok(GrantId::from_random(random_bytes()?))
    }
}

/// Now, with the calendar and periods in force.
pub(crate) fn moment<'a>(in_force: &'a InForce, periods: &'a [schoolgate_base::Period], now: Timestamp) -> Moment<'a> {
    Moment { now, calendar: &in_force.built.compiled.program.calendar, periods }
}

pub(crate) async fn editions(store: &SchoolStore) -> Result<Vec<schoolgate_records::Edition>, ControlError> {
    Ok(store.policy_list_adopted(&crate::adopt::pack_id()?).await?)
}

async fn changes(
    store: &SchoolStore,
    keys: &KeyRing,
    in_force: &InForce,
    continued: &[Continued],
    again: Again,
    now: Timestamp,
) -> Result<Changes, ControlError> {
    let mut changes = Changes { live: Some(live_part(store, continued, now).await?), ..Changes::default() };
    let program = &in_force.built.compiled.program;
    if again != Again::Live {
        let people = store.person_active(now).await?;
        let signed = signed(store.signature_versions().await?);
        let year = school_year(&program.calendar, now);
        let pseudonym = |person: &PersonId| Box::from(keys.pseudonyms().of(store.id(), year, person).as_str());
        let names = keys.doors().logins();
        let logins = logins_part(&people, |login| names.login(store.id(), login));
        let part = people_part(&people, &signed, &in_force.standings(), program, pseudonym);
        changes.people = Some(People { logins, ..part });
    }
    if again == Again::Everything {
        changes.program = Some(program.clone());
    }
    Ok(changes)
}
