use schoolgate_base::CaseId;

use super::*;
use crate::testing::{at, calendar, concern_about_adult, moment, offices, person, raw, roles, school};
use crate::{Escalate, Opening, open_report};

fn definition() -> ReportDefinition {
    let mut definition = concern_about_adult();
    definition.steps = vec!["parents told".into(), "notes filed".into()];
    definition.outcomes = vec!["no breach".into(), "advice".into()];
    definition.escalate = Some(Escalate { after: "1 school day".parse().unwrap(), to: roles(&["chair-of-governors"]) });
    definition
}

fn reported(definition: &ReportDefinition, about: &str) -> Case {
    let (school, calendar) = (school(), calendar());
    let raw = raw(&[("person", about), ("what", "Shouted at a child")]);
    let opening = Opening {
        id: &CaseId::from_random([3; 16]),
        school: &school.id,
        by: &person("tess"),
        groups: &school.groups,
        raw: &raw,
        known: school.known(),
    };
    open_report(definition, opening, &offices(), moment(&calendar, "10:10")).unwrap().0
}

fn step(case: &mut Case, step: ReportStep) -> Result<(), Refusal> {
    take_step(case, &definition(), &person("helen"), &offices(), step, at("11:00"))
}

fn close(case: &mut Case, outcome: &str) -> Result<(), Refusal> {
    step(case, ReportStep::Close { outcome: outcome.to_owned() })
}

#[test]
fn what_the_policy_wants_first_is_done_before_it_is_closed() {
    let mut case = reported(&definition(), "sam");
    let done = |case: &mut Case, text: &str| step(case, ReportStep::Done { step: text.to_owned() });
    done(&mut case, "parents told").unwrap();
    assert_eq!(close(&mut case, "advice"), Err(Refusal::StepsLeft(vec!["notes filed".into()])));
    assert_eq!(done(&mut case, "parents told"), Err(Refusal::NoSuchStep));
    assert_eq!(done(&mut case, "tea"), Err(Refusal::NoSuchStep));
    done(&mut case, "notes filed").unwrap();
    close(&mut case, "advice").unwrap();
    assert_eq!(case.state, CaseState::Closed);
}

#[test]
fn it_ends_as_the_policy_says_it_can() {
    let mut case = reported(&definition(), "sam");
    for text in ["parents told", "notes filed"] {
        step(&mut case, ReportStep::Done { step: text.to_owned() }).unwrap();
    }
    let before = case.clone();
    assert_eq!(
        close(&mut case, "all fine").unwrap_err().to_string(),
        "say how it ended with one of: no breach; advice"
    );
    assert_eq!(case, before, "a refused step changes nothing");
    close(&mut case, " no breach ").unwrap();
}

fn late(definition: &ReportDefinition, case: &Case, now: &str) -> Option<Vec<String>> {
    let calendar = calendar();
    let moment = Moment { now: now.parse().unwrap(), calendar: &calendar, periods: &[] };
    let route = escalation(case, definition, &offices(), moment)?;
    Some(route.recipients.iter().map(|recipient| recipient.person.to_string()).collect())
}

#[test]
fn an_unread_report_goes_on_when_its_time_is_over() {
    let definition = definition();
    let mut case = reported(&definition, "sam");
    assert_eq!(late(&definition, &case, "2026-11-25T23:59:00Z"), None);
    assert_eq!(late(&definition, &case, "2026-11-26T00:00:00Z"), Some(vec!["carl".to_owned()]));
    step(&mut case, ReportStep::Acknowledge).unwrap();
    assert_eq!(late(&definition, &case, "2026-11-30T10:00:00Z"), None);
}

#[test]
fn an_unread_report_never_goes_on_to_whom_it_is_about() {
    let definition = definition();
    let case = reported(&definition, "carl");
    assert_eq!(late(&definition, &case, "2026-11-30T10:00:00Z"), Some(Vec::new()));
}
