//! A school in a temporary directory, as pages and the clock use it.

mod adoptions;
mod reports;
mod requests;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::{Capacity, CaseId, ControlId, Group, PersonId, Role, SchoolId};
use schoolgate_cases::{CaseState, Decision, Definition, RawValues, Sight};
use schoolgate_decide::CategoryTable;
use schoolgate_keys::KeyRing;
use schoolgate_policy::Pack;
use schoolgate_records::{Actor, Person, SchoolStore, Store};
use schoolgate_runtime::{Clock, Tasks};
use tempfile::TempDir;

use crate::{Control, ControlParts, InForce, ReportError, RequestError, Submission, install};

/// A Tuesday morning in a lesson.
const NOW: &str = "2026-11-24T10:10:00Z";

const PEOPLE: [(&str, Capacity); 7] = [
    ("tess", Capacity::Staff),
    ("sam", Capacity::Staff),
    ("ivy", Capacity::Staff),
    ("helen", Capacity::Staff),
    ("dora", Capacity::Staff),
    ("olive", Capacity::Staff),
    ("carl", Capacity::Governor),
];

const OFFICES: [(&str, &str); 11] = [
    ("headteacher", "helen"),
    ("deputy-dsl", "helen"),
    ("dsl", "dora"),
    ("it-technician", "ivy"),
    ("online-safety-lead", "olive"),
    ("chair-of-governors", "carl"),
    ("ict-leader", "olive"),
    ("business-manager", "dora"),
    ("school-office", "olive"),
    ("data-protection-lead", "dora"),
    ("teacher-on-duty", "olive"),
];

struct Kit {
    control: Control,
    clock: Clock,
    _tasks: Tasks,
    dir: TempDir,
}

fn pack() -> Pack {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/hampshire-staff");
    let files = ["school.toml", "staff-ict.md", "tests.md"];
    files.into_iter().map(|name| (name, unaligned(&std::fs::read_to_string(dir.join(name)).unwrap()))).collect()
}

/// Keys with one space behind them: how the formatter lines up a block is nothing a test should know.
fn unaligned(text: &str) -> String {
    let key = |line: &str| {
        let (key, value) = line.split_once(" = ")?;
        let is_key = key.trim_end().bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        is_key.then(|| format!("{} = {value}", key.trim_end()))
    };
    text.lines().map(|line| key(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

/// The pack with `old` in its document replaced by `new`.
fn pack_with(old: &str, new: &str) -> Pack {
    let mut pack = pack();
    let text = pack.get("staff-ict.md").unwrap();
    assert!(text.contains(old), "the policy no longer says `{old}`");
    let text = text.replace(old, new);
    pack.insert("staff-ict.md", &text);
    pack
}

fn person(id: &str) -> PersonId {
    PersonId::new(id).unwrap()
}

fn answers(pairs: &[(&str, &str)]) -> RawValues {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn parts(dir: &Path, store: SchoolStore, keys: Arc<KeyRing>, clock: &Clock, tasks: &Tasks) -> ControlParts {
    ControlParts {
        store,
        keys,
        clock: clock.clone(),
        tasks: tasks.clone(),
        snapshot_dir: dir.join("snapshot"),
        lists: Some(b"none".to_vec()),
        open_lists: |_| Ok(Arc::new(CategoryTable::default())),
        doors: None,
    }
}

impl Kit {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let keys = Arc::new(KeyRing::create(dir.path()).unwrap());
        let store = Store::open(dir.path(), Arc::clone(&keys)).await.unwrap();
        let school = SchoolId::new("riverside").unwrap();
        let store = store.school_create(&school, "Riverside Primary", Actor::program("test"), now).await.unwrap();
        people(&store, now).await;
        install(&store, pack(), Actor::program("test"), now).await.unwrap();
        let (clock, tasks) = (Clock::frozen(now), Tasks::new());
        let parts = parts(dir.path(), store, keys, &clock, &tasks).await;
        let (control, follower) = Control::open(parts).await.unwrap();
        tasks.spawn("follow", follower.run());
        Self { control, clock, _tasks: tasks, dir }
    }

    fn store(&self) -> &SchoolStore {
        self.control.store()
    }

    async fn assign(&self, role: &str, who: &str) {
        let now = self.control.now();
        let mut write = self.store().begin(Actor::program("test"), now).await.unwrap();
        write.role_assign(&Role::new(role), &person(who), false, now, None).await.unwrap();
        write.commit().await.unwrap();
    }

    async fn vacate(&self, role: &str) {
        let now = self.control.now();
        let holders = self.store().role_holders(&Role::new(role), now).await.unwrap();
        let mut write = self.store().begin(Actor::program("test"), now).await.unwrap();
        for holder in holders {
            write.role_end(&holder.id, now).await.unwrap();
        }
        write.commit().await.unwrap();
    }

    /// The control whose form is of this kind.
    fn form(&self, kind: &str) -> ControlId {
        let in_force = self.control.in_force();
        let mut forms = in_force.definitions.in_force();
        let is_it = |definition: &&Definition| match definition {
            Definition::Request(request) => &*request.kind == kind,
            Definition::Report(report) => &*report.kind == kind,
        };
        forms.find(is_it).unwrap().control().clone()
    }

    async fn report_as(&self, id: &CaseId, by: &str, about: &str, flags: &[&str]) -> Result<CaseId, ReportError> {
        let mut pairs = vec![("person", about), ("what", "Shouted at a child")];
        pairs.extend(flags.iter().map(|&flag| (flag, "yes")));
        let (by, answers) = (person(by), answers(&pairs));
        let (control, groups) = (self.form("concern-about-adult"), [Group::new("staff")].into());
        let sent = Submission { id, control: &control, by: &by, groups: &groups, answers: &answers };
        self.control.report_open(sent).await.map(|sent| sent.case)
    }

    /// Sends a report about somebody and answers its id.
    async fn report(&self, by: &str, about: &str, flags: &[&str]) -> CaseId {
        self.report_as(&self.control.fresh_case().unwrap(), by, about, flags).await.unwrap()
    }

    async fn ask_as(&self, id: &CaseId, by: &str) -> Result<CaseId, RequestError> {
        let pairs = [("site", "bet.example/odds"), ("class", "6B"), ("why", "odds"), ("until", "2026-11-24T11:00")];
        let (by, answers) = (person(by), answers(&pairs));
        let (control, groups) = (self.form("open-site"), [Group::new("staff")].into());
        let sent = Submission { id, control: &control, by: &by, groups: &groups, answers: &answers };
        self.control.request_open(sent, None).await
    }

    /// Asks for a site until 11:00.
    async fn ask(&self, by: &str) -> CaseId {
        self.ask_as(&self.control.fresh_case().unwrap(), by).await.unwrap()
    }

    async fn approve(&self, case: &CaseId, by: &str) -> Result<CaseState, RequestError> {
        self.control.request_decide(case, &person(by), Decision::Approve { until: None }).await
    }

    /// Puts a changed pack in force.
    async fn adopt(&self, pack: Pack) -> Arc<InForce> {
        let edition = self.control.in_force().edition;
        self.control.policy_adopt(&person("helen"), pack, edition).await.unwrap()
    }

    async fn sight(&self, viewer: &str, case: &CaseId) -> Sight {
        self.control.report_for(&person(viewer), case).await.unwrap().map_or(Sight::Absent, |(_, sight)| sight)
    }
}

async fn people(store: &SchoolStore, now: Timestamp) {
    let mut write = store.begin(Actor::program("test"), now).await.unwrap();
    for (id, capacity) in PEOPLE {
        let person = Person {
            id: person(id),
            name: id.into(),
            login: Some(id.into()),
            email: None,
            capacities: [capacity].into(),
            groups: Default::default(),
            classes: ["6B".into()].into(),
            mis_id: None,
            upn: None,
            active_from: now,
            active_until: None,
        };
        write.person_put(&person).await.unwrap();
    }
    for (role, id) in OFFICES {
        write.role_assign(&Role::new(role), &person(id), false, now, None).await.unwrap();
    }
    write.commit().await.unwrap();
}
