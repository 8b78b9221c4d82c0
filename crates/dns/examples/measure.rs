//! A door to measure: `measure LISTED PORT UPSTREAM SOCKETS`, with every name in the file LISTED blocked.
//!
//! The list is the mapped index, the client is somebody who has signed in, and every question becomes an event, which
//! nobody keeps. Ask it with `dnsperf`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::sync::Arc;

use jiff::tz::TimeZone;
use rustls::{ClientConfig, RootCertStore};
use schoolgate_base::{Calendar, Capacity, Group, Host, PersonId, SchoolId, SessionId};
use schoolgate_decide::snapshot::*;
use schoolgate_decide::{Conditions, Scope, Snapshot, Verdict};
use schoolgate_dns::{Dns, Limits, Parts, Portal, Seals, Settings, Transport, Upstream, udp_sockets};
use schoolgate_event::{Discard, LockedHash};
use schoolgate_identity::Identities;
use schoolgate_lists::{Entry, Index, IndexBuilder, Usage};
use schoolgate_runtime::{AddressRule, Clock, Dialer, DialerSettings, Metrics, Tasks};
use tokio::sync::watch;

/// As the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Sevens;

impl Seals for Sevens {
    fn locked(&self, _: &Host) -> LockedHash {
        LockedHash::new(&"7".repeat(26)).unwrap()
    }
}

fn index(listed: &str) -> Index {
    let mut builder = IndexBuilder::new();
    let (category, list) = (builder.category("adult").unwrap(), builder.list("measured").unwrap());
    builder.note_usage(category, Usage::default());
    for name in listed.lines() {
        if let Ok(entry) = Entry::parse(name) {
            builder.add(entry, category, list).unwrap();
        }
    }
    Index::open(Arc::new(builder.build().unwrap())).unwrap()
}

fn snapshot(index: Index, clock: &Clock) -> Snapshot {
    let person = PersonId::new("tess").unwrap();
    let member = Member {
        person: person.clone(),
        capacity: Capacity::Staff,
        groups: vec![Group::new("staff")],
        pseudonym: "tess000000000000".into(),
        must_sign: Vec::new(),
    };
    let now = clock.now();
    let session = AddressSession {
        session: SessionId::new("s1").unwrap(),
        address: [127, 0, 0, 1].into(),
        person,
        capacity: Capacity::Staff,
        since: now,
        until: now + jiff::SignedDuration::from_hours(10),
    };
    let rule = WebRule {
        control: "staff-ict#adult/web".parse().unwrap(),
        verdict: Some(Verdict::Block),
        conditions: Conditions::default(),
        scope: Scope::default(),
        target: Target::Category("adult".into()),
        over: Vec::new(),
    };
    let program = Program {
        rules: vec![rule],
        defaults: [(Capacity::Staff, Verdict::Allow)].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    };
    let live = Live { sessions: vec![session], ..Live::default() };
    let root = Root { school: SchoolId::new("riverside").unwrap(), number: 1, format: FORMAT, made_at: now };
    Snapshot::new(
        root,
        Arc::new(index),
        program.into(),
        People { members: vec![member], ..People::default() }.into(),
        live.into(),
    )
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let (tasks, clock) = (Tasks::new(), Clock::system());
    let upstream: std::net::SocketAddr = words[3].parse().unwrap();
    let listed = std::fs::read_to_string(&words[1]).unwrap();
    let (_snapshots, receiver) = watch::channel(Arc::new(snapshot(index(&listed), &clock)));
    let portal = Portal { name: "portal.school.test".parse().unwrap(), addresses: vec![[10, 0, 0, 2].into()] };
    let upstreams = vec![Upstream { address: upstream, transport: Transport::Udp }];
    let mut settings = Settings::new(SchoolId::new("riverside").unwrap(), portal, upstreams);
    settings.limits = Limits { rate_per_second: 1_000_000, burst: 10_000_000, ..Limits::default() };
    let dialer =
        Dialer::new(DialerSettings { name_servers: vec![upstream], ..DialerSettings::new(AddressRule::default()) });
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let dns = Dns::new(Parts {
        settings,
        snapshots: receiver,
        clock,
        tasks: tasks.clone(),
        metrics: Metrics::new(),
        identities: Arc::new(Identities::new(64)),
        recorder: Arc::new(Discard),
        seals: Arc::new(Sevens),
        dialer,
        upstream_tls: Arc::new(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
    });
    let address = format!("127.0.0.1:{}", words[2]).parse().unwrap();
    for socket in udp_sockets(address, words[4].parse().unwrap()).unwrap() {
        dns.serve_udp(socket);
    }
    println!("ready");
    tasks.all_ended().await;
}
