use schoolgate_base::{CaseId, Role};

use super::*;
use crate::testing::{at, calendar, concern_about_adult, moment, offices, open_site, person, raw, roles, school};
use crate::{
    CaseState, How, OpenError, Opening, Refusal, ReportDefinition, ReportStep, Route, open_report, open_request,
    receipt, take_step,
};

fn report(about: &str, child: bool) -> Result<(Case, Route), OpenError> {
    let (school, calendar) = (school(), calendar());
    let child = if child { "yes" } else { "" };
    let opening = Opening {
        id: &CaseId::from_random([9; 16]),
        school: &school.id,
        by: &person("tess"),
        groups: &school.groups,
        raw: &raw(&[("person", about), ("what", "Shouted at a child"), ("child_safety", child)]),
        known: school.known(),
    };
    open_report(&concern_about_adult(), opening, &offices(), moment(&calendar, "10:10"))
}

fn sights(case: &Case, pinned: &ReportDefinition, current: Option<&ReportDefinition>) -> String {
    let whole = |definition: &ReportDefinition| Definition::Report(definition.clone());
    let (pinned, current) = (whole(pinned), current.map(whole));
    let mut text = String::new();
    for name in ["bea", "carl", "dora", "helen", "ivy", "tess"] {
        match sight(case, &person(name), &offices(), &pinned, current.as_ref()) {
            Sight::Absent => {}
            Sight::Receipt => text.push_str(&format!("{name}? ")),
            Sight::Whole => text.push_str(&format!("{name} ")),
        }
    }
    text.trim().to_owned()
}

#[test]
fn a_sealed_case_exists_for_its_parties_only() {
    let definition = concern_about_adult();
    let (case, _) = report("sam", false).unwrap();
    assert_eq!(sights(&case, &definition, None), "helen tess?");
    let (case, _) = report("helen", true).unwrap();
    assert_eq!(sights(&case, &definition, None), "carl dora tess?");
}

#[test]
fn a_later_version_narrows_and_never_widens() {
    let definition = concern_about_adult();
    let (case, _) = report("sam", false).unwrap();
    let wider = ReportDefinition { to: roles(&["headteacher", "it-technician"]), ..definition.clone() };
    assert_eq!(sights(&case, &definition, Some(&wider)), "helen tess?");
    let other = ReportDefinition { to: roles(&["chair-of-governors"]), ..definition.clone() };
    assert_eq!(sights(&case, &definition, Some(&other)), "tess?");
}

#[test]
fn who_holds_an_office_is_read_now() {
    let (case, _) = report("sam", false).unwrap();
    let definition = Definition::Report(concern_about_adult());
    let mut later = offices().without(&person("helen"));
    later.add(Role::new("headteacher"), person("hanna"), false);
    assert!(may_see(&case, &person("hanna"), &later, &definition, None));
    assert!(!may_see(&case, &person("helen"), &later, &definition, None));
    // The subject becomes head: still never.
    later.add(Role::new("headteacher"), person("sam"), false);
    assert!(!may_see(&case, &person("sam"), &later, &definition, None));
}

#[test]
fn lists_do_not_hold_what_may_not_be_seen() {
    let (case, _) = report("helen", false).unwrap();
    let mut definitions = Definitions::default();
    definitions.add(Definition::Report(concern_about_adult()), true);
    for name in ["helen", "ivy", "dora"] {
        assert_eq!(visible([&case], &person(name), &offices(), &definitions), []);
    }
    assert_eq!(visible([&case], &person("carl"), &offices(), &definitions), [(&case, Sight::Whole)]);
    assert_eq!(visible([&case], &person("carl"), &offices(), &Definitions::default()), [], "no definition, no sight");
}

#[test]
fn a_report_that_reaches_nobody_is_not_taken() {
    let (school, calendar) = (school(), calendar());
    let opening = Opening {
        id: &CaseId::from_random([9; 16]),
        school: &school.id,
        by: &person("tess"),
        groups: &school.groups,
        raw: &raw(&[("person", "helen"), ("what", "x")]),
        known: school.known(),
    };
    let away = offices().without(&person("carl"));
    let answer = open_report(&concern_about_adult(), opening, &away, moment(&calendar, "10:10"));
    assert!(matches!(answer, Err(OpenError::Nobody(route)) if route.outside.len() == 1));
}

#[test]
fn recipients_act_and_the_reporter_reads_what_is_for_them() {
    let definition = concern_about_adult();
    let (mut case, _) = report("sam", false).unwrap();
    let mut step =
        |by: &str, step: ReportStep| take_step(&mut case, &definition, &person(by), &offices(), step, at("11:00"));
    let note = |text: &str, for_parties| ReportStep::Note { text: text.into(), for_parties };
    assert_eq!(step("ivy", ReportStep::Acknowledge), Err(Refusal::NotYours));
    assert_eq!(step("tess", note("let me in", true)), Err(Refusal::NotYours));
    step("helen", ReportStep::Acknowledge).unwrap();
    step("helen", note("spoke to Sam", false)).unwrap();
    step("helen", note("Thank you, I am on it", true)).unwrap();
    step("helen", ReportStep::Close { outcome: "Advice given".into() }).unwrap();
    assert_eq!(step("helen", note("more", false)), Err(Refusal::NotOpen(CaseState::Closed)));
    let receipt = receipt(&case);
    assert_eq!(receipt.notes, [(at("11:00"), "Thank you, I am on it".to_owned())]);
    assert_eq!((receipt.acknowledged_at, receipt.closed_at), (Some(at("11:00")), Some(at("11:00"))));
}

#[test]
fn requests_are_seen_by_the_asker_and_whoever_decides() {
    let (school, calendar) = (school(), calendar());
    let request = open_site(How::Any, &["it-technician"], &["headteacher"]);
    let opening = Opening {
        id: &CaseId::from_random([1; 16]),
        school: &school.id,
        by: &person("tess"),
        groups: &school.groups,
        raw: &raw(&[("site", "bet.example"), ("class", "6B"), ("why", "x"), ("until", "Friday")]),
        known: school.known(),
    };
    let case = open_request(&request, opening, None, moment(&calendar, "10:10")).unwrap();
    let definition = Definition::Request(request);
    for (name, expected) in [("tess", true), ("ivy", true), ("helen", true), ("sam", false), ("carl", false)] {
        assert_eq!(may_see(&case, &person(name), &offices(), &definition, Some(&definition)), expected, "{name}");
    }
}
