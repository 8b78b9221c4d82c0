use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::testing::{concern_about_adult, offices, person, roles, tie};
use crate::{Tie, TieKind};

fn concern_of(subjects: &[&str], flags: &[&str]) -> Concern {
    Concern {
        subjects: subjects.iter().map(|name| person(name)).collect(),
        flags: flags.iter().map(|flag| Flag::new(flag)).collect(),
    }
}

fn recipients(route: &Route) -> Vec<&str> {
    route.recipients.iter().map(|recipient| recipient.person.as_str()).collect()
}

#[track_caller]
fn check(offices: &Offices, subjects: &[&str], flags: &[&str], expected: &[&str]) -> Route {
    let route = route(&concern_about_adult(), &concern_of(subjects, flags), offices);
    assert_eq!(recipients(&route), expected);
    route
}

const CHILD: [&str; 1] = ["child_safety"];

#[test]
fn about_a_colleague_it_reaches_the_head() {
    check(&offices(), &["tess"], &[], &["helen"]);
    check(&offices(), &[], &[], &["helen"]);
}

#[test]
fn about_the_head_it_reaches_the_chair() {
    let route = check(&offices(), &["helen"], &[], &["carl"]);
    assert_eq!(route.recipients[0].because, Because::InsteadOf(Role::new("headteacher")));
}

#[test]
fn a_child_at_risk_reaches_a_lead_who_is_not_the_subject() {
    check(&offices(), &["tess"], &CHILD, &["helen", "dora"]);
    // The head is a deputy lead too: passed over in both offices.
    let route = check(&offices(), &["helen"], &CHILD, &["carl", "dora"]);
    let skipped: Vec<_> = route.skipped.iter().map(|one| (one.role.as_str(), one.why)).collect();
    assert_eq!(skipped, [("deputy-dsl", Why::Subject), ("headteacher", Why::Subject)]);
    check(&offices(), &["dora"], &CHILD, &["helen"]);
}

#[test]
fn who_is_head_and_lead_has_it_in_both_offices() {
    let mut offices = offices();
    offices.add(Role::new("dsl"), person("helen"), false);
    let offices = offices.without(&person("dora"));
    let route = check(&offices, &["tess"], &CHILD, &["helen"]);
    let sealed: Vec<_> = route.offices().into_iter().map(Role::as_str).collect();
    assert_eq!(sealed, ["deputy-dsl", "dsl", "headteacher"]);
}

#[test]
fn a_deputy_who_became_the_head_is_one() {
    let mut offices = offices().without(&person("helen"));
    offices.add(Role::new("headteacher"), person("dave"), true);
    offices.add(Role::new("headteacher"), person("dilys"), true);
    offices.add(Role::new("headteacher"), person("dave"), false);
    check(&offices, &["dave"], &[], &["carl"]);
}

#[test]
fn two_subjects_are_both_passed_over() {
    let mut offices = offices();
    let route = check(&offices, &["helen", "carl"], &CHILD, &["dora"]);
    assert!(!route.reaches(&person("carl")));
    offices.add(Role::new("trust-safeguarding-lead"), person("thea"), false);
    check(&offices, &["helen", "carl"], &[], &["thea"]);
}

#[test]
fn that_nobody_is_left_is_said_with_the_ways_out() {
    let route = check(&offices(), &["helen", "carl", "dora"], &CHILD, &[]);
    assert!(route.is_nobody());
    assert_eq!(route.unmet, [Flag::new("child_safety")]);
    assert_eq!(&*route.outside[0].text, "LADO, within 1 working day");
    // One absence: the chair is away.
    assert!(check(&offices().without(&person("carl")), &["helen"], &[], &[]).is_nobody());
}

#[test]
fn the_way_out_is_shown_when_its_flag_is_set() {
    let route = check(&offices(), &["tess"], &["may_meet_harm_threshold"], &["helen"]);
    assert_eq!(route.outside.len(), 1);
    assert!(check(&offices(), &["tess"], &[], &["helen"]).outside.is_empty());
}

#[test]
fn deputies_hear_when_the_holder_cannot_and_not_when_it_is_about_the_holder() {
    let mut offices = offices();
    offices.add(Role::new("headteacher"), person("dave"), true);
    check(&offices, &["tess"], &[], &["helen"]);
    check(&offices.without(&person("helen")), &["tess"], &[], &["dave"]);
    let route = check(&offices, &["helen"], &[], &["carl"]);
    assert!(route.skipped.contains(&Skipped {
        person: person("dave"),
        role: Role::new("headteacher"),
        why: Why::SameOffice
    }));
    check(&offices, &["dave"], &[], &["helen"]);
}

#[test]
fn relatives_are_passed_over_and_the_office_named_instead_hears() {
    let mut offices = offices();
    tie(&mut offices, TieKind::Relative, "helen", "tess");
    check(&offices, &["tess"], &[], &["carl"]);
}

#[test]
fn managed_by_the_subject_hears_only_when_nobody_else_does() {
    let mut definition = concern_about_adult();
    definition.to = roles(&["business-manager", "online-safety-lead"]);
    let mut offices = offices();
    tie(&mut offices, TieKind::Manages, "sam", "bea");
    let concern = concern_of(&["sam"], &[]);
    assert_eq!(recipients(&route(&definition, &concern, &offices)), ["olive"]);
    assert_eq!(recipients(&route(&definition, &concern, &offices.without(&person("olive")))), ["bea"]);
    // A safeguarding lead hears of a child at risk although the head manages her.
    tie(&mut offices, TieKind::Manages, "helen", "dora");
    check(&offices, &["helen"], &CHILD, &["carl", "dora"]);
}

const ROLES: [&str; 6] = ["headteacher", "dsl", "deputy-dsl", "chair-of-governors", "it-technician", "trust-lead"];
const PERSONS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn some_roles(least: usize) -> impl Strategy<Value = Vec<Role>> {
    subsequence(ROLES.to_vec(), least..=3).prop_map(|names| roles(&names))
}

fn any_definition() -> impl Strategy<Value = ReportDefinition> {
    let about = proptest::collection::btree_map(select(ROLES.to_vec()).prop_map(Role::new), some_roles(0), 0..4);
    (some_roles(0), about, some_roles(0)).prop_map(|(to, about, also)| ReportDefinition {
        to,
        about,
        also: [(Flag::new("child_safety"), also)].into(),
        ..concern_about_adult()
    })
}

fn any_offices() -> impl Strategy<Value = Offices> {
    let holding = (select(ROLES.to_vec()), select(PERSONS.to_vec()), any::<bool>());
    let kind = prop_oneof![Just(TieKind::Relative), Just(TieKind::Manages)];
    let tie = (kind, select(PERSONS.to_vec()), select(PERSONS.to_vec()));
    (proptest::collection::vec(holding, 0..12), proptest::collection::vec(tie, 0..4)).prop_map(|(holdings, ties)| {
        let mut offices = Offices::default();
        for (role, name, is_deputy) in holdings {
            offices.add(Role::new(role), person(name), is_deputy);
        }
        let tie = |(kind, from, to)| Tie { kind, from: person(from), to: person(to) };
        offices.ties = ties.into_iter().map(tie).collect();
        offices
    })
}

fn any_concern() -> impl Strategy<Value = Concern> {
    (subsequence(PERSONS.to_vec(), 0..=3), any::<bool>())
        .prop_map(|(subjects, child)| concern_of(&subjects, if child { &CHILD } else { &[] }))
}

proptest! {
    #[test]
    fn no_report_reaches_whom_it_is_about(
        definition in any_definition(), offices in any_offices(), concern in any_concern(),
    ) {
        let route = route(&definition, &concern, &offices);
        for recipient in &route.recipients {
            prop_assert!(!concern.subjects.contains(&recipient.person));
            prop_assert!(concern.subjects.iter().all(|subject| !offices.are_relatives(subject, &recipient.person)));
            prop_assert!(offices.holds(&recipient.person, &recipient.role), "somebody without the office");
        }
        let persons: BTreeSet<_> = route.recipients.iter().map(|recipient| &recipient.person).collect();
        prop_assert_eq!(persons.len(), route.recipients.len(), "each person once");
        prop_assert_eq!(route.is_nobody(), route.recipients.is_empty());
    }

    #[test]
    fn an_office_the_policy_does_not_name_changes_nothing(
        definition in any_definition(), offices in any_offices(), concern in any_concern(),
        name in select(PERSONS.to_vec()), is_deputy in any::<bool>(),
    ) {
        let before = route(&definition, &concern, &offices);
        let mut more = offices;
        more.add(Role::new("librarian"), person(name), is_deputy);
        prop_assert_eq!(route(&definition, &concern, &more), before);
    }

    /// Somebody new, tied to nobody, beside those who hold an office: whoever had the report still has it, save a
    /// deputy of a vacant office and somebody whom a subject manages, who had it only for want of another.
    #[test]
    fn one_more_holder_takes_the_report_from_no_holder(
        definition in any_definition(), mut offices in any_offices(), concern in any_concern(), first in 0..ROLES.len(),
    ) {
        offices.ties.retain(|tie| tie.kind == TieKind::Relative);
        let alone = |role: &Role| ReportDefinition {
            to: vec![role.clone()], about: [].into(), also: [].into(), ..definition.clone()
        };
        let is_heard = |role: &Role| offices.of_role(role).iter().any(|holder| {
            !holder.is_deputy && route(&alone(role), &concern, &offices).reaches(&holder.person)
        });
        let mut candidates = ROLES.iter().cycle().skip(first).take(ROLES.len()).map(|name| Role::new(name));
        if let Some(role) = candidates.find(is_heard) {
            let before = route(&definition, &concern, &offices);
            let mut more = offices.clone();
            more.add(role, person("new"), false);
            let after = route(&definition, &concern, &more);
            for recipient in &before.recipients {
                prop_assert!(after.reaches(&recipient.person), "{:?} lost it", recipient);
            }
        }
    }
}
