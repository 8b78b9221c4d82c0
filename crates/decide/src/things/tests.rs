//! The order of a judgement: what falls away, what speaks, and what is heard all the same.

use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::{ControlId, ControlKind, GrantId, Group, PersonId, Role};

use super::*;
use crate::CategoryTable;
use crate::Snapshot;
use crate::snapshot::{FORMAT, Live, Member, People, Program, Root};

fn control(name: &str) -> ControlId {
    name.parse().unwrap()
}

fn rule(name: &str, action: Action, conditions: Vec<Condition>) -> ThingRule {
    ThingRule {
        control: control(name),
        scope: Scope::default(),
        conditions,
        action,
        hearing: Hearing::default(),
        release: Vec::new(),
        copy: Vec::new(),
        tag: None,
        delay: None,
        window: None,
        says: None,
        over: Vec::new(),
    }
}

fn any(aspect: Aspect, mark: &str) -> Condition {
    Condition::Any { aspect, marks: [mark.into()].into() }
}

fn snapshot(things: Vec<ThingRule>, live: Live) -> Snapshot {
    let program = Program { things, restricted: ["records".into()].into(), ..crate::tests::program(Vec::new()) };
    let root = Root { school: "riverside".parse().unwrap(), number: 1, format: FORMAT, made_at: now() };
    Snapshot::new(root, Arc::new(CategoryTable::default()), program.into(), People::default().into(), live.into())
}

fn now() -> Timestamp {
    "2026-11-24T10:10:00Z".parse().unwrap()
}

fn tess() -> Member {
    Member {
        person: PersonId::new("tess").unwrap(),
        capacity: schoolgate_base::Capacity::Staff,
        groups: vec![Group::new("staff")],
        pseudonym: "p".into(),
        must_sign: Vec::new(),
    }
}

fn mail(member: &Member) -> Thing<'_> {
    let mut thing = Thing::new(ControlKind::Mail, Some(member));
    thing.mark(Aspect::To, "parent");
    thing
}

fn leave(clause: &str, towards: Option<&str>) -> Leave {
    Leave {
        id: GrantId::new("g").unwrap(),
        control: control("p#ask/request"),
        lifts: control(&format!("p#{clause}/mail")).clause,
        audience: Audience { persons: vec![PersonId::new("tess").unwrap()], ..Audience::default() },
        towards: towards.map(|person| PersonId::new(person).unwrap()),
        from: now() - jiff::SignedDuration::from_hours(1),
        until: now() + jiff::SignedDuration::from_hours(1),
    }
}

#[test]
fn the_strictest_speaks_and_all_are_heard() {
    let held = ThingRule { release: vec![Role::new("head")], ..rule("p#a/mail", Action::Hold, Vec::new()) };
    let noted = ThingRule { copy: vec![Role::new("chair")], ..rule("p#b/mail", Action::Note, Vec::new()) };
    let other = rule("p#c/file", Action::Refuse, Vec::new());
    let member = tess();
    let judgement = judge(&snapshot(vec![noted, held, other], Live::default()), &mail(&member), now());
    assert_eq!((judgement.action, judgement.by), (Some(Action::Hold), Some(control("p#a/mail"))));
    assert_eq!(judgement.heard.len(), 2, "a rule about files is not asked about mail");
    assert_eq!((judgement.release, judgement.copies), (vec![Role::new("head")], vec![Role::new("chair")]));
}

#[test]
fn a_rule_that_another_goes_over_falls_away_and_is_not_heard() {
    let refused = rule("p#a/mail", Action::Refuse, vec![any(Aspect::To, "parent")]);
    let allowed = ThingRule { over: vec![control("p#a/mail")], ..rule("p#b/mail", Action::Allow, Vec::new()) };
    let member = tess();
    let judgement = judge(&snapshot(vec![refused, allowed], Live::default()), &mail(&member), now());
    assert_eq!(judgement.action, Some(Action::Allow));
    assert_eq!(judgement.heard.len(), 1);
}

#[test]
fn a_leave_lifts_bars_for_its_person_towards_its_person_while_it_lasts() {
    let rules = || vec![rule("p#a/mail", Action::Refuse, Vec::new()), rule("p#b/mail", Action::Note, Vec::new())];
    let member = tess();
    let action = |leave: Leave, thing: &Thing<'_>, at: Timestamp| {
        let live = Live { leaves: vec![leave], ..Live::default() };
        judge(&snapshot(rules(), live), thing, at).action
    };
    assert_eq!(action(leave("a", None), &mail(&member), now()), Some(Action::Note));
    let later = now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(action(leave("a", None), &mail(&member), later), Some(Action::Refuse), "the end is not part of it");
    assert_eq!(action(leave("a", Some("pia")), &mail(&member), now()), Some(Action::Refuse));
    let mut to_pia = mail(&member);
    to_pia.others.insert(PersonId::new("pia").unwrap());
    assert_eq!(action(leave("a", Some("pia")), &to_pia, now()), Some(Action::Note));
    let somebody = Thing::new(ControlKind::Mail, None);
    assert_eq!(action(leave("a", None), &somebody, now()), Some(Action::Refuse), "it is hers alone");
}

#[test]
fn a_restricted_system_lets_in_only_whom_a_rule_allows_and_no_leave_takes_that_away() {
    let member = tess();
    let mut thing = Thing::new(ControlKind::Account, Some(&member));
    thing.mark(Aspect::System, "records");
    let nobody = judge(&snapshot(Vec::new(), Live::default()), &thing, now());
    assert_eq!((nobody.action, nobody.by), (Some(Action::Refuse), None));
    let lets_in = || rule("p#a/account", Action::Allow, vec![any(Aspect::System, "records")]);
    for leaves in [Vec::new(), vec![leave("a", None)]] {
        let live = Live { leaves, ..Live::default() };
        let judgement = judge(&snapshot(vec![lets_in()], live), &thing, now());
        assert_eq!((judgement.action, judgement.by), (Some(Action::Allow), Some(control("p#a/account"))));
    }
    let second_factor = rule("p#b/account", Action::Verify, vec![Condition::Lacking(["second-factor".into()].into())]);
    thing.lacks("second-factor");
    let judgement = judge(&snapshot(vec![lets_in(), second_factor], Live::default()), &thing, now());
    assert_eq!(judgement.action, Some(Action::Verify), "being let in is not all that counts");
}

#[test]
fn amounts_count_from_their_number_on() {
    let tries = rule("p#a/search", Action::Report, vec![Condition::AtLeast { amount: Amount::Times, count: 3 }]);
    let snapshot = snapshot(vec![tries], Live::default());
    for (times, expected) in [(2, None), (3, Some(Action::Report))] {
        let mut thing = Thing::new(ControlKind::Search, None);
        thing.measure(Amount::Times, times);
        assert_eq!(judge(&snapshot, &thing, now()).action, expected, "{times}");
    }
    let unmeasured = Thing::new(ControlKind::Search, None);
    assert_eq!(judge(&snapshot, &unmeasured, now()).action, None);
}
