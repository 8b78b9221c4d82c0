//! Our doors as processes: the list, somebody who has signed in, one rule over a category, and the event log's spool on.
//!
//! At SIGHUP the list and what is published are read again and a new root is sent to the door, as a publish does.

pub(crate) mod dns;
pub(crate) mod proxy;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, Capacity, GrantId, Group, Host, HostName, Network, PersonId, SchoolId, SessionId};
use schoolgate_decide::redirect::Redirect;
use schoolgate_decide::snapshot::{
    AddressSession, Audience, FORMAT, Live, Member, People, Place, Program, Root, Target, UrgentBlock, WebRule,
};
use schoolgate_decide::{Conditions, Inspect, Scope, Snapshot, Verdict};
use schoolgate_event::LockedHash;
use schoolgate_eventlog::EventLog;
use schoolgate_lists::Index;
use schoolgate_runtime::{Clock, Tasks};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::interval;

use crate::pairs::Failure;
use crate::pairs::names::{INDEX, LISTED, NOBODY, PUBLISHED};

const SCHOOL: &str = "bench";
/// Holds how many events the log had no room for, in the home of a process.
pub(crate) const DROPPED: &str = "dropped";
const COUNTED_EVERY: Duration = Duration::from_millis(500);

/// Nothing of a bench is sealed.
struct NoSeals(LockedHash);

impl NoSeals {
    fn new() -> Result<Self, Failure> {
        Ok(Self(LockedHash::new("0123456789abcdef")?))
    }
}

impl schoolgate_proxy::Seals for NoSeals {
    fn redirect(&self, _: &Redirect) -> Option<String> {
        None
    }

    fn locked(&self, _: &Host) -> LockedHash {
        self.0.clone()
    }
}

impl schoolgate_dns::Seals for NoSeals {
    fn locked(&self, _: &Host) -> LockedHash {
        self.0.clone()
    }
}

/// The event log in `home`, as it runs in the gateway.
fn event_log(home: &Path, tasks: &Tasks) -> Result<EventLog, Failure> {
    let (log, task, _) = EventLog::open(&home.join("events"), schoolgate_eventlog::Settings::new(TimeZone::UTC))?;
    let shutdown = tasks.shutdown();
    tasks.spawn("event log", async move {
        if let Err(error) = task.run(async move { shutdown.begun().await }).await {
            eprintln!("the event log stopped: {error}");
        }
    });
    let (counted, file) = (log.clone(), home.join(DROPPED));
    tasks.spawn("count of lost events", async move {
        let mut every = interval(COUNTED_EVERY);
        loop {
            every.tick().await;
            // The bench says what it reads there, and that it reads nothing.
            let _ = fs::write(&file, counted.counts().dropped.to_string());
        }
    });
    Ok(log)
}

/// What is decided by, and where the next root is sent when a signal asks for it.
struct Publisher {
    dir: Box<Path>,
    inspects: bool,
    clock: Clock,
    roots: watch::Sender<Arc<Snapshot>>,
}

impl Publisher {
    fn new(dir: &Path, inspects: bool, clock: &Clock) -> Result<(Self, watch::Receiver<Arc<Snapshot>>), Failure> {
        let (roots, snapshots) = watch::channel(Arc::new(snapshot(dir, 1, inspects, clock)?));
        Ok((Self { dir: dir.into(), inspects, clock: clock.clone(), roots }, snapshots))
    }

    /// Prints where the door listens and publishes until the process ends.
    async fn publish(self, address: std::net::SocketAddr) -> Result<(), Failure> {
        let mut asked = signal(SignalKind::hangup())?;
        println!("{address}");
        let mut number = 1;
        while asked.recv().await.is_some() {
            number += 1;
            self.roots.send_replace(Arc::new(snapshot(&self.dir, number, self.inspects, &self.clock)?));
        }
        Ok(())
    }
}

fn snapshot(dir: &Path, number: u64, inspects: bool, clock: &Clock) -> Result<Snapshot, Failure> {
    let index = Index::open(Arc::new(fs::read(dir.join(INDEX))?))?;
    let (person, staff) = (PersonId::new("person-1")?, Group::new(Capacity::Staff.as_str()));
    let member = Member {
        person: person.clone(),
        capacity: Capacity::Staff,
        groups: vec![staff.clone()],
        pseudonym: "0123456789abcdef".into(),
        must_sign: Vec::new(),
    };
    let root = Root { school: SchoolId::new(SCHOOL)?, number, format: FORMAT, made_at: clock.now() };
    let program = program(staff, inspects)?;
    let live = live(dir, person, clock)?;
    let people = People { members: vec![member], ..People::default() };
    Ok(Snapshot::new(root, Arc::new(index), program.into(), people.into(), live.into()))
}

fn program(staff: Group, inspects: bool) -> Result<Program, Failure> {
    let audience = Audience { groups: vec![staff], ..Audience::default() };
    let listed = WebRule {
        control: "staff-ict#listed/web".parse()?,
        verdict: Some(Verdict::Block),
        conditions: Conditions::default(),
        scope: Scope { audience, ..Scope::default() },
        target: Target::Category(LISTED.into()),
        over: Vec::new(),
    };
    let looked_into = WebRule {
        control: "staff-ict#looked-into/web".parse()?,
        verdict: None,
        conditions: Conditions { inspect: Inspect::Wanted, ..Conditions::default() },
        target: Target::Any,
        ..listed.clone()
    };
    let here = Place {
        name: "here".into(),
        networks: vec![Network { address: [127, 0, 0, 0].into(), prefix: 8 }],
        trusts_ca: true,
        device_class: None,
        acts_as: None,
    };
    Ok(Program {
        rules: if inspects { vec![listed, looked_into] } else { vec![listed] },
        places: if inspects { vec![here] } else { Vec::new() },
        defaults: [(Capacity::Staff, Verdict::Allow)].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    })
}

/// Who has signed in, and what was published as blocked at once.
fn live(dir: &Path, person: PersonId, clock: &Clock) -> Result<Live, Failure> {
    let (now, until) = (clock.now(), clock.now() + SignedDuration::from_hours(24));
    let session = AddressSession {
        session: SessionId::new("session-1")?,
        address: [127, 0, 0, 1].into(),
        person,
        capacity: Capacity::Staff,
        since: now,
        until,
    };
    let published = fs::read_to_string(dir.join(PUBLISHED))?;
    let hosts = published.lines().filter(|line| *line != NOBODY);
    let urgent = hosts.enumerate().map(|(number, host)| {
        let target = Target::Domain(HostName::parse(host)?);
        Ok::<_, Failure>(UrgentBlock { id: GrantId::new(&format!("urgent-{number}"))?, target, from: now, until })
    });
    Ok(Live { sessions: vec![session], urgent: urgent.collect::<Result<_, _>>()?, ..Live::default() })
}
