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
}

#[test]
fn an_edition_that_reaches_nobody_who_had_it_takes_it_from_nobody() {
    let definition = concern_about_adult();
    let (case, _) = report("sam", false).unwrap();
    let other = ReportDefinition { to: roles(&["chair-of-governors"]), ..definition.clone() };
    assert_eq!(sights(&case, &definition, Some(&other)), "helen tess?");
    let request = Definition::Request(open_site(How::Any, &["it-technician"], &[]));
    let pinned = Definition::Report(definition);
    assert_eq!(sight(&case, &person("helen"), &offices(), &pinned, Some(&request)), Sight::Whole);
    assert_eq!(sight(&case, &person("ivy"), &offices(), &pinned, Some(&request)), Sight::Absent);
}

#[test]
fn who_holds_an_office_is_read_now() {
    let (case, _) = report("sam", false).unwrap();
    let definition = Definition::Report(concern_about_adult());
    let mut later = offices().without(&person("helen"));
    later.add(Role::new("headteacher"), person("hanna"), false);
    assert!(sight(&case, &person("hanna"), &later, &definition, None) == Sight::Whole);
    assert!(sight(&case, &person("helen"), &later, &definition, None) != Sight::Whole);
    // The subject becomes head: still never.
    later.add(Role::new("headteacher"), person("sam"), false);
    assert!(sight(&case, &person("sam"), &later, &definition, None) != Sight::Whole);
}

#[test]
fn a_pin_names_its_edition() {
    let mut definitions = Definitions::default();
    let definition =
        |title: &str| Definition::Report(ReportDefinition { title: title.into(), ..concern_about_adult() });
    let (mut case, _) = report("sam", false).unwrap();
    assert_eq!(definitions.pinned(&case.pin), None);
    for (edition, title) in [(2, "first"), (3, "second"), (4, "third")] {
        definitions.add(definition(title), edition, edition == 4);
    }
    case.pin.edition = 3;
    assert_eq!(definitions.pinned(&case.pin), Some(&definition("second")));
    // From before: where the version began.
    case.pin.edition = 0;
    assert_eq!(definitions.pinned(&case.pin), Some(&definition("first")));
    case.pin.version = "1.0".into();
    assert_eq!(definitions.pinned(&case.pin), None);
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
        let sight = sight(&case, &person(name), &offices(), &definition, Some(&definition));
        assert_eq!(sight == Sight::Whole, expected, "{name}");
    }
}
