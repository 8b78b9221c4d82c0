use schoolgate_base::CaseId;

use super::*;
use crate::testing::{at, calendar, moment, offices, open_site, person, raw, school, tie};
use crate::{OpenError, Opening, TieKind, check_request, open_request};

fn ask(definition: &RequestDefinition, by: &str, until: &str) -> Result<Case, OpenError> {
    let (school, calendar) = (school(), calendar());
    let opening = Opening {
        id: &CaseId::from_random([7; 16]),
        school: &school.id,
        by: &person(by),
        groups: &school.groups,
        raw: &raw(&[
            ("site", "https://bet.example/odds"),
            ("class", "6b"),
            ("why", "Probability lesson"),
            ("until", until),
        ]),
        known: school.known(),
    };
    open_request(definition, opening, None, moment(&calendar, "10:10"))
}

fn asked(definition: &RequestDefinition, by: &str) -> Case {
    ask(definition, by, "Friday").unwrap()
}

fn approve(case: &mut Case, definition: &RequestDefinition, by: &str, time: &str) -> Result<Vec<Consequence>, Refusal> {
    let calendar = calendar();
    let decision = Decision::Approve { until: None };
    decide(case, definition, &person(by), &offices(), decision, moment(&calendar, time))
}

/// Who can decide, `*` marking stand-ins.
#[track_caller]
fn check_deciders(definition: &RequestDefinition, by: &str, offices: &Offices, time: &str, expected: &[&str]) {
    let who = deciders(definition, &asked(definition, by), offices, at(time));
    let names: Vec<String> =
        who.can.iter().map(|one| format!("{}{}", one.person, if one.is_stand_in() { "*" } else { "" })).collect();
    assert_eq!(names, expected);
}

const TECHNICIANS: [&str; 2] = ["it-technician", "online-safety-lead"];

#[test]
fn the_asker_never_decides() {
    let definition = open_site(How::Any, &TECHNICIANS, &["headteacher"]);
    check_deciders(&definition, "tess", &offices(), "10:11", &["ivy", "olive"]);
    check_deciders(&definition, "ivy", &offices(), "10:11", &["olive"]);
    let mut case = asked(&definition, "ivy");
    assert_eq!(approve(&mut case, &definition, "ivy", "10:11"), Err(Refusal::Barred(Bar::Asker)));
    assert_eq!(case, asked(&definition, "ivy"), "a refused step changes nothing");
}

#[test]
fn stand_ins_decide_only_when_no_other_can_or_it_is_late() {
    let one = open_site(How::Any, &["it-technician"], &["headteacher"]);
    check_deciders(&one, "ivy", &offices(), "10:11", &["helen*"]);
    check_deciders(&one, "tess", &offices(), "10:15", &["ivy"]);
    check_deciders(&one, "tess", &offices(), "10:16", &["helen*", "ivy"]);
}

#[test]
fn a_site_is_asked_for_whole() {
    let definition = open_site(How::Any, &["it-technician"], &[]);
    let (school, calendar) = (school(), calendar());
    let asked = |site: &str| {
        let pairs = [("site", site), ("class", "6B"), ("why", "x"), ("until", "Friday")];
        let values = check_request(&definition, &raw(&pairs), school.known(), moment(&calendar, "10:10"));
        values.map(|values| values["site"].clone()).map_err(|problems| problems[0].to_string())
    };
    let whole = |host: &str| Value::Site(Site { host: schoolgate_base::Host::parse(host).unwrap(), path: None });
    assert_eq!(asked("https://video.example/watch?v=abc"), Ok(whole("video.example")));
    assert_eq!(asked("maps.co.uk"), Ok(whole("maps.co.uk")));
    for shared in ["co.uk", "https://Hants.sch.uk/", "github.io"] {
        assert!(asked(shared).is_err_and(|problem| problem.contains("unrelated sites")), "{shared}");
    }
}

#[test]
fn relatives_are_left_out() {
    let definition = open_site(How::Any, &TECHNICIANS, &[]);
    let mut offices = offices();
    tie(&mut offices, TieKind::Relative, "ivy", "tess");
    check_deciders(&definition, "tess", &offices, "10:11", &["olive"]);
}

#[test]
fn that_nobody_can_is_a_value() {
    let definition = open_site(How::Any, &["it-technician", "librarian"], &[]);
    let who = deciders(&definition, &asked(&definition, "ivy"), &offices(), at("10:11"));
    assert!(who.is_nobody() && !who.can_finish);
    assert_eq!(who.barred, [(person("ivy"), Role::new("it-technician"), Bar::Asker)]);
    assert_eq!(who.vacant, [Role::new("librarian")]);
}

#[test]
fn an_approval_opens_the_site_for_the_class_and_the_asker() {
    let definition = open_site(How::Any, &TECHNICIANS, &[]);
    let mut case = asked(&definition, "tess");
    let consequences = approve(&mut case, &definition, "ivy", "10:12").unwrap();
    let [Consequence::Grant(plan)] = consequences.as_slice() else { panic!("{consequences:?}") };
    assert_eq!(plan.target.to_string(), "bet.example");
    let class = GrantAudience::Group(Group::new("class:6B"));
    assert_eq!(plan.audience, [GrantAudience::Person(person("tess")), class]);
    assert_eq!((plan.from, plan.until), (at("10:12"), "2026-11-28T00:00:00Z".parse().unwrap()));
    assert_eq!(approve(&mut case, &definition, "olive", "10:13"), Err(Refusal::NotOpen(CaseState::Approved)));
}

#[test]
fn an_approver_may_shorten_and_not_lengthen() {
    let definition = open_site(How::Any, &TECHNICIANS, &[]);
    let (calendar, offices) = (calendar(), offices());
    let step = |until: Timestamp, time: &str| {
        let mut case = asked(&definition, "tess");
        let decision = Decision::Approve { until: Some(until) };
        decide(&mut case, &definition, &person("ivy"), &offices, decision, moment(&calendar, time))?;
        Ok(grant_plan(&definition, &case, moment(&calendar, time)).unwrap().until)
    };
    assert_eq!(step(at("11:00"), "10:12"), Ok(at("11:00")));
    assert_eq!(step(at("10:12"), "10:12"), Err(Refusal::TooLate));
    assert_eq!(step("2026-12-01T00:00:00Z".parse().unwrap(), "10:12"), Err(Refusal::Longer));
}

#[test]
fn an_approval_after_the_end_asked_for_is_too_late() {
    let definition = open_site(How::Any, &TECHNICIANS, &[]);
    let mut case = ask(&definition, "tess", "2026-11-24T11:00").unwrap();
    assert_eq!(approve(&mut case, &definition, "ivy", "11:00"), Err(Refusal::TooLate));
}

#[test]
fn all_need_different_persons() {
    let definition = open_site(How::All, &["headteacher", "deputy-dsl"], &["chair-of-governors"]);
    let mut case = asked(&definition, "tess");
    assert!(deciders(&definition, &case, &offices(), at("10:11")).can_finish);
    assert_eq!(approve(&mut case, &definition, "helen", "10:11"), Ok(Vec::new()));
    assert_eq!(approve(&mut case, &definition, "helen", "10:11"), Err(Refusal::Barred(Bar::ApprovedAlready)));
    assert_eq!(approve(&mut case, &definition, "carl", "10:12").unwrap().len(), 1);

    let alone = open_site(How::All, &["headteacher", "deputy-dsl"], &[]);
    let who = deciders(&alone, &asked(&alone, "tess"), &offices(), at("10:11"));
    assert!(!who.is_nobody() && !who.can_finish, "one person cannot be two approvals");
}

#[test]
fn a_person_in_two_offices_approves_in_the_one_that_needs_them() {
    let mut two = offices();
    two.add(Role::new("headteacher"), person("dave"), false);
    let definition = open_site(How::All, &["headteacher", "deputy-dsl"], &[]);
    let (calendar, mut case) = (calendar(), asked(&definition, "tess"));
    let now = moment(&calendar, "10:11");
    for name in ["helen", "dave"] {
        decide(&mut case, &definition, &person(name), &two, Decision::Approve { until: None }, now).unwrap();
    }
    assert_eq!(case.state, CaseState::Approved);
}

#[test]
fn in_order_waits_its_turn() {
    let definition = open_site(How::InOrder, &["it-technician", "headteacher"], &[]);
    let mut case = asked(&definition, "tess");
    assert_eq!(approve(&mut case, &definition, "helen", "10:11"), Err(Refusal::NotYourTurn));
    assert_eq!(approve(&mut case, &definition, "bea", "10:11"), Err(Refusal::NotYours));
    assert_eq!(approve(&mut case, &definition, "ivy", "10:11"), Ok(Vec::new()));
    assert_eq!(approve(&mut case, &definition, "helen", "10:12").unwrap().len(), 1);
}

#[test]
fn a_count_needs_that_many_persons() {
    let mut definition = open_site(How::Any, &["it-technician", "online-safety-lead", "headteacher"], &[]);
    definition.decide.count = 2;
    let mut case = asked(&definition, "tess");
    assert_eq!(approve(&mut case, &definition, "ivy", "10:11"), Ok(Vec::new()));
    assert_eq!(approve(&mut case, &definition, "olive", "10:11").unwrap().len(), 1);
}

#[test]
fn a_refusal_says_why() {
    let definition = open_site(How::Any, &TECHNICIANS, &[]);
    let (calendar, mut case) = (calendar(), asked(&definition, "tess"));
    let now = moment(&calendar, "10:12");
    let mut refuse = |reason: &str| {
        let decision = Decision::Refuse { reason: reason.to_owned() };
        decide(&mut case, &definition, &person("ivy"), &offices(), decision, now)
    };
    assert_eq!(refuse("  "), Err(Refusal::NoReason));
    assert_eq!(refuse("Use maps.example"), Ok(Vec::new()));
    assert_eq!(case.state, CaseState::Refused);
}

#[test]
fn what_was_granted_ends() {
    let definition = open_site(How::Any, &TECHNICIANS, &[]);
    let calendar = calendar();
    let granted = || {
        let mut case = ask(&definition, "tess", "2026-11-24T11:00").unwrap();
        approve(&mut case, &definition, "ivy", "10:12").unwrap();
        case
    };
    let ended = [Consequence::EndGrant(granted().id)];

    let mut case = granted();
    assert!(end_over(&mut case, at("11:00")));
    assert!(!end_over(&mut case, at("11:01")));
    assert_eq!((case.state, grant_plan(&definition, &case, moment(&calendar, "11:00"))), (CaseState::Ended, None));

    let mut case = granted();
    assert_eq!(withdraw(&mut case, &person("tess"), at("10:20")).unwrap(), ended);
    assert_eq!(withdraw(&mut case, &person("ivy"), at("10:20")), Err(Refusal::NotYours));

    let mut case = granted();
    let by = |name: &str, case: &mut Case| end(case, &definition, &person(name), &offices(), "wrong site", at("10:20"));
    assert_eq!(by("bea", &mut case), Err(Refusal::NotYours));
    assert_eq!(by("olive", &mut case).unwrap(), ended);
}

#[test]
fn only_the_audience_of_a_form_may_use_it() {
    let mut definition = open_site(How::Any, &TECHNICIANS, &[]);
    definition.ask = vec![Group::new("governors")];
    assert_eq!(ask(&definition, "tess", "Friday"), Err(OpenError::NotForYou));
    definition.ask = Vec::new();
    assert!(matches!(ask(&definition, "tess", "2027-01-01"), Err(OpenError::Form(problems)) if problems.len() == 1));
}

#[test]
fn a_case_and_its_definition_survive_storage() {
    let definition = crate::Definition::Request(open_site(How::Any, &TECHNICIANS, &["headteacher"]));
    let text = serde_json::to_string(&definition).unwrap();
    assert_eq!(serde_json::from_str::<crate::Definition>(&text).unwrap(), definition);
    let crate::Definition::Request(request) = &definition else { panic!() };
    let mut case = asked(request, "tess");
    approve(&mut case, request, "ivy", "10:12").unwrap();
    let text = serde_json::to_string(&case).unwrap();
    assert_eq!(serde_json::from_str::<Case>(&text).unwrap(), case);
}
