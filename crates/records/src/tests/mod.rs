//! The records as their callers see them, on a real database file.

mod backups;
mod cases;
mod crash;
mod journal;
mod live;
mod people;
mod schools;
mod trouble;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schoolgate_base::{Capacity, CaseId, Group, PersonId, PolicyId, Role, SchoolId};
use schoolgate_cases::{Act, Actor as CaseActor, Body, Case, CaseState, Entry, Pin};
use schoolgate_keys::KeyRing;
use tempfile::TempDir;

use crate::*;

/// A store with one school and a few people in it; gone when dropped.
struct Kit {
    dir: TempDir,
    keys: Arc<KeyRing>,
    store: Store,
    school: SchoolStore,
}

fn now() -> Timestamp {
    "2026-11-24T10:10:00Z".parse().unwrap()
}

fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

fn id(text: &str) -> PersonId {
    PersonId::new(text).unwrap()
}

fn policy(text: &str) -> PolicyId {
    PolicyId::new(text).unwrap()
}

fn person(name: &str, capacity: Capacity) -> Person {
    Person {
        id: id(name),
        name: name.into(),
        login: Some(name.into()),
        email: None,
        capacities: [capacity].into(),
        groups: BTreeSet::from([Group::new("everybody")]),
        classes: BTreeSet::new(),
        mis_id: Some(format!("mis-{name}").into()),
        upn: None,
        active_from: now() - SignedDuration::from_hours(24),
        active_until: None,
    }
}

fn signature(person: &str, version: &str) -> Signature {
    Signature {
        person: id(person),
        policy: policy("staff-ict"),
        version: version.into(),
        clauses: vec!["own-time".into()],
        rendering_sha256: "ab".repeat(32).into(),
        difference: None,
        language: "en".into(),
        at: now(),
        address: "10.0.0.7".into(),
        browser: "a browser".into(),
    }
}

fn case(school: &SchoolId, name: &str, by: &str, body: Body) -> Case {
    Case {
        id: CaseId::new(name).unwrap(),
        school: school.clone(),
        pin: Pin { control: "staff-ict#unblock/request".parse().unwrap(), version: "2.9".into(), edition: 1 },
        opened_at: now(),
        by: id(by),
        values: Default::default(),
        body,
        state: CaseState::Open,
        due_at: Some(later(5)),
        trail: vec![Entry { at: now(), by: CaseActor::Party(id(by)), act: Act::Opened }],
    }
}

fn request() -> Body {
    Body::Request { lifts: None }
}

fn report(subject: &str) -> Body {
    Body::Report { subjects: [id(subject)].into(), flags: BTreeSet::new() }
}

fn viewer(person: &str, offices: &[&str]) -> Viewer {
    Viewer { person: id(person), offices: offices.iter().map(|office| Role::new(office)).collect() }
}

async fn school_with_people(store: &Store, name: &str, people: &[&str]) -> SchoolStore {
    let actor = Actor::program("install");
    let school = store.school_create(&SchoolId::new(name).unwrap(), name, actor.clone(), now()).await.unwrap();
    let mut write = school.begin(actor, now()).await.unwrap();
    for name in people {
        write.person_put(&person(name, Capacity::Staff)).await.unwrap();
    }
    write.commit().await.unwrap();
    school
}

async fn kit() -> Kit {
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(KeyRing::create(dir.path()).unwrap());
    let store = Store::open(dir.path(), Arc::clone(&keys)).await.unwrap();
    let school = school_with_people(&store, "riverside", &["tess", "helen", "ivy"]).await;
    Kit { dir, keys, store, school }
}

impl Kit {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    async fn begin(&self) -> Write {
        self.school.begin(Actor::Person(id("ivy")), now()).await.unwrap()
    }

    async fn standing(&self) -> Standing {
        self.school.journal_verify(&[]).await.unwrap().standing
    }
}
