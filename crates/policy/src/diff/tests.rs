//! Deciding every request of a small world shows the same changes as going through cells.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use schoolgate_base::{Capacity, DeviceClass, Group, Host, HostName, PersonId, SchoolId, path_is_below};
use schoolgate_decide::snapshot::{FORMAT, Live, Member, People, Root, Target};
use schoolgate_decide::{CategoryTable, Conditions, Facts, Seen, Snapshot, Verdict, Who as Asking, decide};

use super::cells::{Change, Choice};
use super::web;
use super::when::Calendar;
use crate::check::{Built, Context, build};
use crate::overlap::ANY_OTHER;
use crate::pack::Pack;

const SCHOOL: &str = include_str!("../../spec/school.toml");
const HEAD: &str = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\naudience = [\"staff\"]\n+++\n";

#[derive(Debug, Clone)]
struct World {
    rules: Vec<[&'static str; 4]>,
    school: (&'static str, &'static str),
}

fn world() -> impl Strategy<Value = World> {
    let says = prop_oneof![
        Just("allow = [\"gambling\"]"),
        Just("block = [\"social\"]"),
        Just("warn = [\"personal\"]"),
        Just("block = [\"everything\"]"),
        Just("allow = [\"a.example\"]"),
        Just("block = [\"b.a.example\"]"),
        Just("warn = [\"=a.example\"]"),
        Just("block = [\"a.example/x\"]"),
        Just("sites = [\"personal\"]\nrate_kbit = 2000"),
        Just("sites = [\"a.example\"]\nsafe_search = true"),
        Just("sites = [\"b.a.example\"]\ninspect = true"),
        Just("allow = [\"gambling\"]\nlog = \"host\""),
    ];
    let audience = prop_oneof![
        Just(""),
        Just("for = \"staff\""),
        Just("for = \"teachers\""),
        Just("for = [\"class:6B\", \"volunteers\"]"),
        Just("for = \"pupil\""),
        Just("for = \"staff\"\nexcept = \"teachers\""),
        Just("except = \"class:6A\""),
    ];
    let time =
        prop_oneof![Just(""), Just("when = \"lessons\""), Just("when = \"lunch\""), Just("outside = \"lessons\"")];
    let stand = prop_oneof![Just(""), Just("at = \"building\""), Just("on = \"personal-device\"")];
    let rule = (says, audience, time, stand).prop_map(|(says, audience, time, stand)| [says, audience, time, stand]);
    let school = prop_oneof![
        Just(("", "")),
        Just(("staff = \"allow\"", "staff = \"warn\"\npupil = \"allow\"")),
        Just(("lunch = [\"school-day 12:00-13:00\"]", "lunch = [\"school-day 12:00-12:30\"]")),
        Just(("host = \"exams.example\"", "host = \"b.a.example\"")),
        Just(("[categories.gambling]", "[categories.gambling]\nlocked = true")),
    ];
    (proptest::collection::vec(rule, 0..4), school).prop_map(|(rules, school)| World { rules, school })
}

fn built(world: &World) -> Built {
    let mut text = HEAD.to_owned();
    for (at, lines) in world.rules.iter().enumerate() {
        text.push_str(&format!("1.{at} {{#c{at}}} Clause.\n\n```control\n[[web]]\n{}\n```\n\n", lines.join("\n")));
    }
    let school = SCHOOL.replace(world.school.0, world.school.1);
    let school = if world.school.0.is_empty() { SCHOOL.to_owned() } else { school };
    build(&Pack::from_iter([("school.toml", school), ("p.md", text)]), Context::default())
}

fn snapshot(built: &Built) -> Snapshot {
    let mut lists = CategoryTable::default();
    for category in ["gambling", "shopping", "social"] {
        lists.insert(format!("{category}.test").parse().unwrap(), category, "list");
    }
    let root = Root { school: SchoolId::new("s").unwrap(), number: 1, format: FORMAT, made_at: Timestamp::UNIX_EPOCH };
    let program = Arc::new(built.compiled.program.clone());
    Snapshot::new(root, Arc::new(lists), program, Arc::new(People::default()), Arc::new(Live::default()))
}

fn member(built: &Built, capacity: Capacity, groups: &[Group]) -> Member {
    Member {
        person: PersonId::new("p").unwrap(),
        capacity,
        groups: built.compiled.groups_of(capacity, groups),
        pseudonym: "p".into(),
        must_sign: Vec::new(),
    }
}

const SETS: [&[&str]; 6] =
    [&[], &["teachers"], &["volunteers"], &["teachers", "volunteers"], &["class:6A"], &["class:6B"]];
const ADDRESSES: [(&str, &str); 10] = [
    ("gambling.test", "/"),
    ("shopping.test", "/"),
    ("social.test", "/"),
    ("other.test", "/"),
    ("a.example", "/"),
    ("a.example", "/x"),
    ("b.a.example", "/"),
    ("b.a.example", "/x"),
    ("c.a.example", "/"),
    ("c.a.example", "/x"),
];

/// The kind of site that an address is, of those that rules tell apart.
fn kind_of(targets: &[Target], host: &str, path: &str) -> Target {
    if let Some(category) = host.strip_suffix(".test").filter(|name| *name != "other") {
        let target = Target::Category(category.into());
        return if targets.contains(&target) { target } else { Target::Any };
    }
    let name: HostName = host.parse().unwrap();
    let parents = name.suffixes().skip(1).map(|parent| format!("{ANY_OTHER}{}", parent).parse().unwrap());
    for name in std::iter::once(name.clone()).chain(parents) {
        let is_part = |target: &&Target| matches!(target, Target::Url { host, path: part } if *host == name && path_is_below(path, part));
        let found = targets.iter().find(is_part).cloned();
        let alone = [Target::Host(Host::Name(name.clone())), Target::Domain(name)];
        let found = found.or_else(|| alone.into_iter().find(|target| targets.contains(target)));
        if let Some(found) = found {
            return found;
        }
    }
    Target::Any
}

/// Another kind of the same sites: a host that is named alone and as a whole stands twice.
fn covers(change: &Change, targets: &[Target], kind: &Target) -> bool {
    change.targets.iter().any(|&at| targets.get(at) == Some(kind))
}

fn is_among<T: Ord>(choice: &Choice<T>, value: Option<&T>) -> bool {
    match choice {
        Choice::All => true,
        Choice::Only(named) => value.is_some_and(|value| named.contains(value)),
        Choice::AllBut(named) => value.is_none_or(|value| !named.contains(value)),
    }
}

fn times() -> Vec<Timestamp> {
    let mut times = Vec::new();
    for day in ["2026-11-24", "2026-11-28", "2026-10-27", "2026-11-27"] {
        for time in ["08:40", "09:10", "12:10", "12:40", "15:20"] {
            times.push(format!("{day}T{time}[Europe/London]").parse::<jiff::Zoned>().unwrap().timestamp());
        }
    }
    times
}

fn check(before: &World, after: &World) {
    let (old, new) = (built(before), built(after));
    let (was, is) = (&old.compiled.program, &new.compiled.program);
    let calendar = Calendar::new(was, is);
    let sides = ((&old.compiled.school, was), (&new.compiled.school, is));
    let targets = web::targets(sides.0, sides.1, &calendar.clock);
    let changes = web::changes(sides.0, sides.1, &targets, &calendar.clock);
    let (one, other) = (snapshot(&old), snapshot(&new));
    let class = DeviceClass::new("personal-device");
    for capacity in Capacity::ALL {
        for set in SETS {
            let groups: Vec<Group> = set.iter().map(|name| Group::new(name)).collect();
            let (ann, bob) = (member(&old, capacity, &groups), member(&new, capacity, &groups));
            for (place, device) in [(None, None), (Some("building"), None), (None, Some(&class))] {
                for now in times() {
                    for (host, path) in ADDRESSES {
                        let kind = kind_of(&targets, host, path);
                        let host = Host::parse(host).unwrap();
                        let said = |snapshot: &Snapshot, who| -> (Verdict, Conditions) {
                            let url = Seen::Seen(path);
                            let facts =
                                Facts { host: &host, url, who: Asking::Known(who), place, device_class: device };
                            let decision = decide(snapshot, &facts, now).into_decision();
                            (decision.verdict, web::heard(decision.verdict, decision.conditions))
                        };
                        let (a, b) = (said(&one, &ann), said(&other, &bob));
                        let wanted = web::words((a.0, &a.1), (b.0, &b.1));
                        let at = is.calendar.local(now).datetime();
                        let known = bob.groups.iter().cloned().collect();
                        let found: std::collections::BTreeSet<_> = changes
                            .iter()
                            .filter(|change| {
                                covers(change, &targets, &kind)
                                    && change.who.holds(&known)
                                    && is_among(&change.places, place.map(Box::from).as_ref())
                                    && is_among(&change.devices, device)
                                    && calendar.clock.holds_at(&change.times, &is.calendar, at)
                            })
                            .map(|change| (change.turn.before.clone(), change.turn.after.clone()))
                            .collect();
                        assert_eq!(
                            found,
                            wanted.into_iter().collect(),
                            "{host}{path} as {kind:?}, {capacity:?} {set:?}, {at} at {place:?} on {device:?}"
                        );
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_changes_is_what_deciding_shows(before in world(), after in world()) {
        check(&before, &after);
    }
}
