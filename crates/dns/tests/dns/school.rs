//! The school of the tests: three people, one place, a list of a few names.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use schoolgate_base::{
    Calendar, Capacity, DeviceClass, DeviceId, GrantId, Network, PersonId, PolicyId, SchoolId, SessionId,
};
use schoolgate_decide::snapshot::*;
use schoolgate_decide::{CategoryTable, Conditions, Scope, Snapshot, Verdict};

use crate::kit::{NOW, PIA, SAM, TESS, at};

fn session(id: &str, address: &str, person: &str, capacity: Capacity) -> AddressSession {
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

/// The live part with an urgent block of `host`, over in a minute.
pub(crate) fn live_blocking(host: &str) -> Live {
    let urgent = UrgentBlock {
        id: GrantId::new("urgent-1").unwrap(),
        target: Target::Domain(host.parse().unwrap()),
        from: at("2026-11-24T09:00Z"),
        until: at("2026-11-24T10:01Z"),
    };
    Live { urgent: vec![urgent], ..live() }
}

fn member(person: &str, capacity: Capacity, must_sign: Vec<MustSign>) -> Member {
    Member {
        person: PersonId::new(person).unwrap(),
        capacity,
        groups: vec![schoolgate_base::Group::new(capacity.as_str())],
        pseudonym: format!("{person:0<16}").into(),
        must_sign,
    }
}

fn rule(name: &str, verdict: Option<Verdict>, target: Target, conditions: Conditions) -> WebRule {
    let control = format!("staff-ict#{name}/web").parse().unwrap();
    WebRule { control, verdict, conditions, scope: Scope::default(), target, over: Vec::new() }
}

pub(crate) fn snapshot(number: u64, live: Live) -> Snapshot {
    let mut lists = CategoryTable::default();
    for (host, category) in [
        ("bet.example", "gambling"),
        ("bank.example", "banks"),
        ("locked.example", "illegal"),
        ("hurt.example", "self-harm"),
    ] {
        lists.insert(host.parse().unwrap(), category, "ut1");
    }
    let safe = Conditions { safe_search: true, ..Conditions::default() };
    let plain = Conditions::default;
    let program = Program {
        places: vec![Place {
            name: "classrooms".into(),
            networks: vec![Network { address: "127.0.0.0".parse().unwrap(), prefix: 8 }],
            trusts_ca: true,
            device_class: None,
            acts_as: None,
        }],
        marks: CategoryMarks {
            locked: vec!["illegal".into()],
            never_granted: Vec::new(),
            never_inspect: vec!["banks".into()],
        },
        help: Help {
            hosts: vec!["help.example".parse().unwrap()],
            categories: vec!["self-harm".into()],
            ..Help::default()
        },
        always_open: vec![OpenTarget { host: "open.example".parse().unwrap(), path: None, why: "updates".into() }],
        rules: vec![
            rule("gambling", Some(Verdict::Block), Target::Category("gambling".into()), plain()),
            rule("named", Some(Verdict::Block), Target::Domain("named.example".parse().unwrap()), plain()),
            rule("search", None, Target::Any, safe),
        ],
        defaults: [(Capacity::Staff, Verdict::Allow), (Capacity::Pupil, Verdict::Allow)].into(),
        ..Program::new(Calendar::plain(TimeZone::UTC))
    };
    let must_sign =
        MustSign { policy: PolicyId::new("staff-ict").unwrap(), version: "2.9".into(), from: at("2026-11-01T00:00Z") };
    let members = vec![
        member("tess", Capacity::Staff, Vec::new()),
        member("pia", Capacity::Pupil, Vec::new()),
        member("sam", Capacity::Staff, vec![must_sign]),
    ];
    let root = Root { school: SchoolId::new("riverside").unwrap(), number, format: FORMAT, made_at: at(NOW) };
    Snapshot::new(root, Arc::new(lists), program.into(), People { members, ..People::default() }.into(), live.into())
}
