//! Our proxy as a process: the list, a signed-in person, one rule, and the event log's spool on.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, Capacity, Group, Host, HostName, PersonId, SchoolId, SessionId};
use schoolgate_decide::redirect::Redirect;
use schoolgate_decide::snapshot::{
    AddressSession, Audience, FORMAT, Live, Member, People, Program, Root, Target, WebRule,
};
use schoolgate_decide::{Conditions, Scope, Snapshot, Verdict};
use schoolgate_event::LockedHash;
use schoolgate_eventlog::EventLog;
use schoolgate_identity::Identities;
use schoolgate_lists::Index;
use schoolgate_proxy::{Parts, Portal, Proxy, Seals, Settings};
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Resolver, Resolving, Tasks};
use schoolgate_tls::{Authority, Leaves, Signer, Upstream};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::LISTED;

/// Every name is the origin.
struct OneOrigin(SocketAddr);

impl Resolver for OneOrigin {
    fn resolve<'a>(&'a self, _: &'a HostName, _: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(vec![self.0]) })
    }
}

/// Nothing of this bench is blocked, so nothing is sealed.
struct NoSeals(LockedHash);

impl Seals for NoSeals {
    fn redirect(&self, _: &Redirect) -> Option<String> {
        None
    }

    fn locked(&self, _: &Host) -> LockedHash {
        self.0.clone()
    }
}

pub(super) fn serve(dir: &Path, origin: SocketAddr) -> Result<(), Box<dyn Error>> {
    // One worker, as Squid has.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(run(dir, origin))
}

async fn run(dir: &Path, origin: SocketAddr) -> Result<(), Box<dyn Error>> {
    let tasks = Tasks::new();
    let clock = Clock::system();
    let (log, task, _) = EventLog::open(&dir.join("events"), schoolgate_eventlog::Settings::new(TimeZone::UTC))?;
    let shutdown = tasks.shutdown();
    tasks.spawn("event log", async move {
        if let Err(error) = task.run(async move { shutdown.begun().await }).await {
            eprintln!("the event log stopped: {error}");
        }
    });
    let keys = dir.join("keys");
    fs::create_dir_all(&keys)?;
    let authority = Arc::new(Authority::load_or_make(&keys, "Bench", clock.clone())?);
    let rule = AddressRule { listed: vec![origin], ..AddressRule::default() };
    let dialer = Dialer::new(DialerSettings { resolver: Arc::new(OneOrigin(origin)), ..DialerSettings::new(rule) });
    let upstream = Upstream::new(dialer, &[], &authority.certificate(), Duration::from_secs(5))?;
    let (_publish, snapshots) = watch::channel(Arc::new(snapshot(dir, &clock)?));
    let portal = Portal { name: HostName::parse("portal.bench.example")?, socket: dir.join("portal.sock") };
    let proxy = Proxy::new(Parts {
        settings: Settings::new(SchoolId::new("bench")?, portal),
        snapshots,
        clock: clock.clone(),
        tasks: tasks.clone(),
        metrics: Metrics::new(),
        identities: Arc::new(Identities::new(1_024)),
        leaves: Arc::new(Leaves::new(authority, clock, 1_024, 4)?),
        upstream,
        recorder: Arc::new(log),
        seals: Arc::new(NoSeals(LockedHash::new("0123456789abcdef")?)),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    proxy.serve(listener, None);
    tasks.all_ended().await;
    Ok(())
}

fn snapshot(dir: &Path, clock: &Clock) -> Result<Snapshot, Box<dyn Error>> {
    let now = clock.now();
    let index = Index::open(Arc::new(fs::read(dir.join("lists.index"))?))?;
    let person = PersonId::new("person-1")?;
    let staff = Group::new(Capacity::Staff.as_str());
    let rule = WebRule {
        control: "staff-ict#listed/web".parse()?,
        verdict: Some(Verdict::Block),
        conditions: Conditions::default(),
        scope: Scope { audience: Audience { groups: vec![staff.clone()], ..Audience::default() }, ..Scope::default() },
        target: Target::Category(LISTED.into()),
        over: Vec::new(),
    };
    let program = Program {
        rules: vec![rule],
        defaults: [(Capacity::Staff, Verdict::Allow)].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    };
    let member = Member {
        person: person.clone(),
        capacity: Capacity::Staff,
        groups: vec![staff],
        pseudonym: "0123456789abcdef".into(),
        must_sign: Vec::new(),
    };
    let session = AddressSession {
        session: SessionId::new("session-1")?,
        address: [127, 0, 0, 1].into(),
        person,
        capacity: Capacity::Staff,
        since: now,
        until: now + jiff::SignedDuration::from_hours(24),
    };
    let live = Live { sessions: vec![session], ..Live::default() };
    let root = Root { school: SchoolId::new("bench")?, number: 1, format: FORMAT, made_at: now };
    Ok(Snapshot::new(
        root,
        Arc::new(index),
        program.into(),
        People { members: vec![member], ..People::default() }.into(),
        live.into(),
    ))
}
