//! Judging a thing of every situation shows the same changes as going through cells.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use schoolgate_base::{Capacity, PersonId, SchoolId};
use schoolgate_decide::snapshot::{FORMAT, Live, Member, People, Root};
use schoolgate_decide::things::{Judgement, Thing, judge};
use schoolgate_decide::{CategoryTable, Snapshot};

use super::super::when::Calendar;
use super::*;
use crate::check::{Built, Context, build};
use crate::pack::Pack;

const SCHOOL: &str = include_str!("../../../spec/school.toml");
const HEAD: &str = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\naudience = [\"staff\"]\n+++\n";

fn rule() -> impl Strategy<Value = [&'static str; 5]> {
    let from = prop_oneof![
        Just(""),
        Just("from = [\"staff\"]"),
        Just("from = [\"teachers\"]"),
        Just("from = [\"pupil\", \"staff\"]")
    ];
    let to = prop_oneof![Just("to = [\"parent\"]"), Just("to = [\"parent\", \"outside\"]"), Just("to = [\"outside\"]")];
    let with = prop_oneof![Just(""), Just("is = [\"bulk\"]"), Just("is = [\"bulk\", \"late\"]")];
    let scope = prop_oneof![
        Just(""),
        Just("for = \"staff\""),
        Just("for = \"teachers\"\nwhen = \"lessons\""),
        Just("for = \"pupil\"\nexcept = \"class:6A\""),
    ];
    let then = prop_oneof![
        Just("then = \"note\""),
        Just("then = \"refuse\""),
        Just("then = \"hold\"\nrelease = [\"headteacher\"]"),
        Just("then = \"report\"\ntell = [\"dsl\"]"),
        Just("then = \"allow\"\nover = \"#c0\""),
    ];
    (from, to, with, scope, then).prop_map(|(from, to, with, scope, then)| [from, to, with, scope, then])
}

fn built(rules: &[[&'static str; 5]]) -> Built {
    let mut text = HEAD.to_owned();
    for (at, lines) in rules.iter().enumerate() {
        text.push_str(&format!("1.{at} {{#c{at}}} Clause.\n\n```control\n[[mail]]\n{}\n```\n\n", lines.join("\n")));
    }
    build(&Pack::from_iter([("school.toml", SCHOOL.to_owned()), ("p.md", text)]), Context::default())
}

fn snapshot(built: &Built) -> Snapshot {
    let root = Root { school: SchoolId::new("s").unwrap(), number: 1, format: FORMAT, made_at: Timestamp::UNIX_EPOCH };
    let program = Arc::new(built.compiled.program.clone());
    let lists = Arc::new(CategoryTable::default());
    Snapshot::new(root, lists, program, Arc::new(People::default()), Arc::new(Live::default()))
}

/// A thing that fits the situation and nothing more: one mark of each sort, with what it is within.
fn thing<'m>(situation: &Situation, school: &School, member: &'m Member) -> Thing<'m> {
    let mut thing = Thing::new(situation.kind, Some(member));
    for condition in &situation.conditions {
        let Condition::Any { aspect, marks } = condition else { continue };
        let mark = marks.first().unwrap();
        thing.mark(*aspect, mark);
        school.above(&Group::new(mark)).iter().for_each(|wider| thing.mark(*aspect, wider.as_str()));
    }
    thing
}

type Heard<'j> = (Option<Action>, Vec<(Action, Vec<Listener>)>, &'j [Role]);

fn heard(judgement: &Judgement) -> Heard<'_> {
    let each = judgement.heard.iter().filter(|heard| !heard.hearing.to.is_empty());
    let mut told: Vec<(Action, Vec<Listener>)> = each.map(|heard| (Action::Report, heard.hearing.to.clone())).collect();
    told.dedup();
    (judgement.action, told, &judgement.release)
}

fn check(before: &[[&'static str; 5]], after: &[[&'static str; 5]]) {
    let (old, new) = (built(before), built(after));
    let (was, is) = (&old.compiled.program, &new.compiled.program);
    let (school, calendar) = (&new.compiled.school, Calendar::new(was, is));
    let sides = ((&old.compiled.school, was), (school, is));
    let situations = situations(sides.0, sides.1);
    let changes = changes(sides.0, sides.1, &situations, &calendar.clock);
    let (one, other) = (snapshot(&old), snapshot(&new));
    let people = [
        (Capacity::Staff, ""),
        (Capacity::Staff, "teachers"),
        (Capacity::Pupil, "class:6A"),
        (Capacity::Pupil, "class:6B"),
    ];
    for (capacity, group) in people {
        let groups = new.compiled.groups_of(capacity, &[Group::new(group)]);
        let known: BTreeSet<Group> = groups.iter().cloned().collect();
        let person = PersonId::new("p").unwrap();
        let member = Member { person, capacity, groups, pseudonym: "p".into(), must_sign: Vec::new() };
        for time in ["2026-11-24T10:10", "2026-11-24T20:10"] {
            let now = format!("{time}[Europe/London]").parse::<jiff::Zoned>().unwrap();
            for (at, situation) in situations.iter().enumerate() {
                let thing = thing(situation, school, &member);
                let (a, b) = (judge(&one, &thing, now.timestamp()), judge(&other, &thing, now.timestamp()));
                let is_said = changes.iter().any(|change| {
                    change.targets.contains(&at)
                        && change.who.holds(&known)
                        && calendar.clock.holds_at(&change.times, &is.calendar, now.datetime())
                });
                assert_eq!(
                    is_said,
                    heard(&a) != heard(&b),
                    "{situation:?}, {capacity:?} {group}, {time}\n{a:?}\n{b:?}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_changes_is_what_judging_shows(
        before in proptest::collection::vec(rule(), 0..5),
        after in proptest::collection::vec(rule(), 0..5),
    ) {
        check(&before, &after);
    }
}
