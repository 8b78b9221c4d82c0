//! A proxy as a process by itself, for tests that need one: every name leads to one origin, everybody
//! on this machine is signed in and may go everywhere.
//!
//! `alone <listen> <origin> <directory> <grace seconds>`. Prints the address it listens on once it serves. Sockets come
//! from a supervisor, from the process before that waits in the directory, or are bound. When a successor serves, or at
//! SIGTERM, it takes nothing new and drains; at SIGUSR1 it publishes a root that blocks `hold.example`.

use std::env;
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schoolgate_base::{Calendar, Capacity, GrantId, Group, Host, HostName, PersonId, SchoolId, SessionId};
use schoolgate_decide::redirect::Redirect;
use schoolgate_decide::snapshot::{AddressSession, FORMAT, Live, Member, People, Program, Root, Target, UrgentBlock};
use schoolgate_decide::{CategoryTable, Snapshot, Verdict};
use schoolgate_event::{Event, LockedHash, Recorded, Recorder};
use schoolgate_identity::Identities;
use schoolgate_proxy::{Parts, Portal, Proxy, Seals, Settings};
use schoolgate_runtime::{
    AddressRule, Clock, Dialer, DialerSettings, Metrics, Reach, Resolver, Resolving, Sockets, Tasks,
};
use schoolgate_tls::{Authority, Leaves, Signer, Upstream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

type Failure = Box<dyn Error>;

/// Sockets of ten thousand tunnels, and some.
const FILES: u64 = 65_536;

struct OneOrigin(SocketAddr);

impl Resolver for OneOrigin {
    fn resolve<'a>(&'a self, _: &'a HostName, _: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(vec![self.0]) })
    }
}

/// Nothing here is sealed or kept.
struct Nothing(LockedHash);

impl Seals for Nothing {
    fn redirect(&self, _: &Redirect) -> Option<String> {
        None
    }

    fn locked(&self, _: &Host) -> LockedHash {
        self.0.clone()
    }
}

impl Recorder for Nothing {
    fn record(&self, _: Event) -> Recorded {
        Recorded::Queued
    }

    fn help_visited(&self, _: &SchoolId, _: jiff::civil::Date) {}
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [listen, origin, directory, grace] = &words[..] else {
        return Err("usage: alone <listen> <origin> <directory> <grace seconds>".into());
    };
    // As many as the system lets this user have.
    let most = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(FILES), maximum: Some(FILES) })
        .or_else(|_| setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }));
    let sockets = Sockets::of_supervisor()?;
    let grace = Duration::from_secs(grace.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(sockets, listen.parse()?, origin.parse()?, Path::new(directory), grace))
}

async fn run(
    mut sockets: Sockets,
    listen: SocketAddr,
    origin: SocketAddr,
    directory: &Path,
    grace: Duration,
) -> Result<(), Failure> {
    let waiting_at = directory.join("sockets");
    let (mut blocked, mut stop) = (signal(SignalKind::user_defined1())?, signal(SignalKind::terminate())?);
    let predecessor = match Sockets::of_predecessor(&waiting_at).await? {
        Some((taken_over, predecessor)) => {
            sockets = taken_over;
            Some(predecessor)
        }
        None => None,
    };
    let tasks = Tasks::new();
    let (publish, snapshots) = watch::channel(Arc::new(snapshot(1, Vec::new())?));
    let proxy = proxy(&tasks, snapshots, origin, directory, grace)?;
    let listener = sockets.listen(listen, Reach::Both)?;
    let address = listener.local_addr()?;
    proxy.serve(listener, None);
    if let Some(predecessor) = predecessor {
        predecessor.retire().await?;
    }
    writeln!(std::io::stdout(), "{address}")?;
    let mut handing = std::pin::pin!(sockets.hand_over(&waiting_at));
    loop {
        tokio::select! {
            handed = &mut handing => {
                handed?;
                break;
            }
            _ = stop.recv() => break,
            _ = blocked.recv() => {
                publish.send_replace(Arc::new(snapshot(2, vec![urgent()?])?));
            }
        }
    }
    tasks.drain(grace + Duration::from_secs(5)).await;
    Ok(())
}

fn proxy(
    tasks: &Tasks,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    origin: SocketAddr,
    directory: &Path,
    grace: Duration,
) -> Result<Proxy, Failure> {
    let clock = Clock::system();
    let authority = Arc::new(Authority::load_or_make(directory, "Alone", clock.clone())?);
    let rule = AddressRule { listed: vec![origin], ..AddressRule::default() };
    let dialer = Dialer::new(DialerSettings { resolver: Arc::new(OneOrigin(origin)), ..DialerSettings::new(rule) });
    let upstream = Upstream::new(dialer, &[], &authority.certificate(), Duration::from_secs(5))?;
    let portal = Portal { name: HostName::parse("portal.alone.example")?, socket: directory.join("portal.sock") };
    let mut settings = Settings::new(SchoolId::new("alone")?, portal);
    settings.limits.drain_grace = grace;
    settings.limits.connections_per_address_max = settings.limits.connections_max;
    let hash = LockedHash::new(&"7".repeat(26))?;
    Ok(Proxy::new(Parts {
        settings,
        snapshots,
        clock: clock.clone(),
        tasks: tasks.clone(),
        metrics: Metrics::new(),
        identities: Arc::new(Identities::new(64)),
        leaves: Arc::new(Leaves::new(authority, clock, 64, 4)?),
        upstream,
        recorder: Arc::new(Nothing(hash.clone())),
        seals: Arc::new(Nothing(hash)),
    }))
}

fn urgent() -> Result<UrgentBlock, Failure> {
    Ok(UrgentBlock {
        id: GrantId::new("urgent-1")?,
        target: Target::Domain(HostName::parse("hold.example")?),
        from: Timestamp::UNIX_EPOCH,
        until: Clock::system().now() + SignedDuration::from_hours(24),
    })
}

fn snapshot(number: u64, urgent: Vec<UrgentBlock>) -> Result<Snapshot, Failure> {
    let (now, person) = (Clock::system().now(), PersonId::new("person-1")?);
    let program = Program {
        defaults: [(Capacity::Staff, Verdict::Allow)].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    };
    let member = Member {
        person: person.clone(),
        capacity: Capacity::Staff,
        groups: vec![Group::new(Capacity::Staff.as_str())],
        pseudonym: "0123456789abcdef".into(),
        must_sign: Vec::new(),
    };
    let session = AddressSession {
        session: SessionId::new("session-1")?,
        address: [127, 0, 0, 1].into(),
        person,
        capacity: Capacity::Staff,
        since: now,
        until: now + SignedDuration::from_hours(24),
    };
    let live = Live { sessions: vec![session], urgent, ..Live::default() };
    let root = Root { school: SchoolId::new("alone")?, number, format: FORMAT, made_at: now };
    let (lists, people) = (CategoryTable::default(), People { members: vec![member], ..People::default() });
    Ok(Snapshot::new(root, Arc::new(lists), program.into(), people.into(), live.into()))
}
