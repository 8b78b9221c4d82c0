//! The school of the tests: four people, two places, a list of a few names.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use schoolgate_base::{
    Calendar, Capacity, DeviceClass, DeviceId, GrantId, Group, Network, PersonId, PolicyId, SchoolId, SessionId,
};
use schoolgate_decide::snapshot::*;
use schoolgate_decide::{CategoryTable, Conditions, Inspect, Scope, Snapshot, Verdict};

use crate::kit::{GUEST, NOW, PIA, SAM, TESS, TESS_SIX, at};
use crate::netns::{WIRED, WIRED_GUEST, WIRED_SIX};

pub(crate) fn session(id: &str, address: &str, person: &str, capacity: Capacity) -> AddressSession {
    AddressSession {
        session: SessionId::new(id).unwrap(),
        address: address.parse::<IpAddr>().unwrap(),
        person: PersonId::new(person).unwrap(),
        capacity,
        since: at("2026-11-24T09:50Z"),
        until: at("2026-11-25T09:50Z"),
    }
}

pub(crate) fn live() -> Live {
    Live {
        sessions: vec![
            session("s1", TESS, "tess", Capacity::Staff),
            session("s2", PIA, "pia", Capacity::Pupil),
            session("s3", SAM, "sam", Capacity::Staff),
            session("s4", GUEST, "tess", Capacity::Staff),
            session("s5", TESS_SIX, "tess", Capacity::Staff),
            session("s6", WIRED, "tess", Capacity::Staff),
            session("s7", WIRED_SIX, "tess", Capacity::Staff),
            session("s8", WIRED_GUEST, "tess", Capacity::Staff),
        ],
        // Its secret is `secret`.
        devices: vec![DeviceToken {
            device: DeviceId::new("laptop-1").unwrap(),
            secret_sha256: "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b".into(),
            class: DeviceClass::new("school-laptop"),
            is_managed: true,
            person: Some((PersonId::new("tess").unwrap(), Capacity::Staff)),
        }],
        ..Live::default()
    }
}

/// The live part with an urgent block of `host`.
pub(crate) fn live_blocking(host: &str) -> Live {
    let urgent = UrgentBlock {
        id: GrantId::new("urgent-1").unwrap(),
        target: Target::Domain(host.parse().unwrap()),
        from: at("2026-11-24T09:00Z"),
        until: at("2026-11-25T09:00Z"),
    };
    Live { urgent: vec![urgent], ..live() }
}

/// The live part with gambling opened for staff for an hour.
pub(crate) fn live_granting(host: &str) -> Live {
    let grant = Grant {
        id: GrantId::new("grant-1").unwrap(),
        control: "staff-ict#unblock/request".parse().unwrap(),
        target: Target::Domain(host.parse().unwrap()),
        audience: Audience { groups: vec![Group::new("staff")], ..Audience::default() },
        from: at(NOW),
        until: at(NOW) + SignedDuration::from_hours(1),
        lifts: None,
    };
    Live { grants: vec![grant], ..live() }
}

fn member(person: &str, capacity: Capacity, must_sign: Vec<MustSign>) -> Member {
    Member {
        person: PersonId::new(person).unwrap(),
        capacity,
        groups: vec![Group::new(capacity.as_str())],
        pseudonym: format!("{person:0<16}").into(),
        must_sign,
    }
}

fn rule(name: &str, verdict: Option<Verdict>, target: Target, conditions: Conditions) -> WebRule {
    WebRule {
        control: format!("staff-ict#{name}/web").parse().unwrap(),
        verdict,
        conditions,
        scope: Scope::default(),
        target,
        over: Vec::new(),
    }
}

fn place(name: &str, network: &str, trusts_ca: bool) -> Place {
    Place {
        name: name.into(),
        networks: vec![Network { address: network.parse().unwrap(), prefix: 26 }],
        trusts_ca,
        device_class: trusts_ca.then(|| DeviceClass::new("school-laptop")),
        acts_as: None,
    }
}

pub(crate) fn snapshot(number: u64, live: Live, inspects: bool) -> Snapshot {
    let mut lists = CategoryTable::default();
    for (host, category) in [
        ("bet.example", "gambling"),
        ("hold.example", "gambling"),
        ("bank.example", "banks"),
        ("locked.example", "illegal"),
        ("hurt.example", "self-harm"),
    ] {
        lists.insert(host.parse().unwrap(), category, "ut1");
    }
    let mut rules =
        vec![rule("gambling", Some(Verdict::Block), Target::Category("gambling".into()), Conditions::default())];
    let safe = Conditions { safe_search: true, ..Conditions::default() };
    rules.push(rule("search", None, Target::Domain("google.com".parse().unwrap()), safe));
    if inspects {
        let conditions = Conditions { inspect: Inspect::Wanted, ..Conditions::default() };
        rules.push(rule("watch", None, Target::Any, conditions));
    }
    let program = Program {
        places: vec![
            place("classrooms", "127.0.0.0", true),
            place("guests", "127.0.0.64", false),
            place("wired", "10.77.0.0", true),
            place("wired-guests", "10.77.0.64", false),
            place("wired-six", "fd77::", true),
        ],
        marks: CategoryMarks {
            locked: vec!["illegal".into()],
            never_granted: Vec::new(),
            never_inspect: vec!["banks".into()],
        },
        help: Help {
            hosts: vec!["help.example".parse().unwrap()],
            categories: vec!["self-harm".into()],
            topics: BTreeMap::new(),
            engines: vec!["search.example".parse().unwrap()],
        },
        always_open: vec![OpenTarget { host: "open.example".parse().unwrap(), path: None, why: "updates".into() }],
        rules,
        defaults: [(Capacity::Staff, Verdict::Allow), (Capacity::Pupil, Verdict::Allow)].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    };
    let must_sign =
        MustSign { policy: PolicyId::new("staff-ict").unwrap(), version: "2.9".into(), from: at("2026-11-01T00:00Z") };
    let people = People {
        members: vec![
            member("tess", Capacity::Staff, Vec::new()),
            member("pia", Capacity::Pupil, Vec::new()),
            member("sam", Capacity::Staff, vec![must_sign]),
        ],
        ..People::default()
    };
    let root = Root { school: SchoolId::new("riverside").unwrap(), number, format: FORMAT, made_at: at(NOW) };
    Snapshot::new(root, Arc::new(lists), program.into(), people.into(), live.into())
}
