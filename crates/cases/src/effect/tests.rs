use schoolgate_base::{PersonId, Within};

use super::*;
use crate::testing::{calendar, fields, moment, offices, open_site, person, raw, school};
use crate::{Case, CaseState, Decision, Definition, How, Opening, Refusal, decide, kept_until, open_request};

fn request(effects: Vec<Effect>) -> RequestDefinition {
    let mut definition = open_site(How::Any, &["it-technician"], &[]);
    definition.form = fields(&["person", "class", "why", "until"]);
    definition.form.iter_mut().for_each(|field| field.required = false);
    definition.effects = effects;
    definition.longest = Some("30 days".parse().unwrap());
    definition
}

fn approved(definition: &RequestDefinition, answers: &[(&str, &str)]) -> Case {
    let (school, calendar) = (school(), calendar());
    let answers = raw(answers);
    let opening = Opening {
        id: &CaseId::from_random([7; 16]),
        school: &school.id,
        by: &person("tess"),
        groups: &school.groups,
        raw: &answers,
        known: school.known(),
    };
    let mut case = open_request(definition, opening, None, moment(&calendar, "10:10")).unwrap();
    let approve = Decision::Approve { until: None };
    decide(&mut case, definition, &person("ivy"), &offices(), approve, moment(&calendar, "10:20")).unwrap();
    assert_eq!(case.state, CaseState::Approved);
    case
}

fn plans(definition: &RequestDefinition, answers: &[(&str, &str)]) -> Vec<EffectPlan> {
    effect_plans(definition, &approved(definition, answers), moment(&calendar(), "12:00"))
}

fn clause(text: &str) -> ClauseId {
    ClauseId { policy: "staff-ict".parse().unwrap(), clause: text.into() }
}

#[test]
fn each_effect_is_planned_for_its_own_audience_and_time() {
    let definition = request(vec![
        Effect::Join { group: Group::new("personal-use-allowed"), audience: Audience::Asker },
        Effect::Lift { clause: clause("parents-mail"), audience: Audience::Asker, only_towards: true },
        Effect::Task { duty: clause("delete-pictures"), audience: Audience::Class },
        Effect::Open { store: Store::Mailbox, of: Audience::Person },
    ]);
    let plans = plans(&definition, &[("person", "sam"), ("class", "6B"), ("until", "2026-11-27")]);
    let (tess, sam) = (GrantAudience::Person(person("tess")), person("sam"));
    let found: Vec<(Planned, GrantAudience)> =
        plans.iter().map(|plan| (plan.does.clone(), plan.audience.clone())).collect();
    assert_eq!(
        found,
        [
            (Planned::Join { group: Group::new("personal-use-allowed") }, tess.clone()),
            (Planned::Lift { clause: clause("parents-mail"), towards: Some(sam.clone()) }, tess.clone()),
            (Planned::Task { duty: clause("delete-pictures") }, GrantAudience::Group(Group::new("class:6B"))),
            (Planned::Open { store: Store::Mailbox, of: sam }, tess),
        ]
    );
    for plan in plans {
        assert_eq!(plan.from.to_string(), "2026-11-24T10:20:00Z");
        assert_eq!(plan.until.to_string(), "2026-11-28T00:00:00Z");
    }
}

#[test]
fn an_effect_for_nobody_is_none() {
    let group = Group::new("trusted");
    let definition = request(vec![
        Effect::Join { group: group.clone(), audience: Audience::Person },
        Effect::Lift { clause: clause("x"), audience: Audience::Asker, only_towards: true },
        Effect::Join { group, audience: Audience::Class },
        Effect::Open { store: Store::Logs, of: Audience::Class },
    ]);
    assert_eq!(plans(&definition, &[("until", "2026-11-27")]), []);
}

#[test]
fn an_effect_lasts_no_longer_than_the_policy_allows() {
    let definition = request(vec![Effect::Join { group: Group::new("trusted"), audience: Audience::Asker }]);
    let plans = plans(&definition, &[]);
    assert_eq!(plans[0].until.to_string(), "2026-12-24T10:10:00Z");
}

#[test]
fn what_is_over_by_the_time_it_is_approved_begins_nothing() {
    let definition = request(vec![Effect::Join { group: Group::new("trusted"), audience: Audience::Asker }]);
    let (school, calendar) = (school(), calendar());
    let answers = raw(&[("until", "2026-11-24 10:15")]);
    let by: PersonId = person("tess");
    let opening = Opening {
        id: &CaseId::from_random([7; 16]),
        school: &school.id,
        by: &by,
        groups: &school.groups,
        raw: &answers,
        known: school.known(),
    };
    let mut case = open_request(&definition, opening, None, moment(&calendar, "10:10")).unwrap();
    let approve = Decision::Approve { until: None };
    let late = decide(&mut case, &definition, &person("ivy"), &offices(), approve, moment(&calendar, "10:20"));
    assert_eq!(late, Err(Refusal::TooLate));
}

#[test]
fn a_case_is_kept_from_the_day_it_is_over() {
    let mut definition = request(vec![Effect::Join { group: Group::new("trusted"), audience: Audience::Asker }]);
    let six_years: Within = "6 years".parse().unwrap();
    definition.keep = Some(six_years);
    let mut case = approved(&definition, &[("until", "2026-11-27")]);
    let kept = |definition: &RequestDefinition, case: &Case| {
        kept_until(&Definition::Request(definition.clone()), case, moment(&calendar(), "12:00"))
    };
    assert_eq!(kept(&definition, &case), Some("2032-11-27".parse().unwrap()));
    definition.effects = Vec::new();
    assert_eq!(kept(&definition, &case), Some("2032-11-24".parse().unwrap()));
    case.state = CaseState::Open;
    assert_eq!(kept(&definition, &case), None);
}

#[test]
fn cases_of_earlier_releases_are_read() {
    let stored = r#"{
        "id": "00000000000000000000000000", "school": "riverside",
        "pin": {"control": "staff-ict#unblock/request/open-site", "version": "2.9"},
        "opened_at": "2026-11-24T10:10:00Z", "by": "tess",
        "values": {"site": {"site": {"host": "bet.example", "path": null}}, "class": {"class": "class:6B"},
                   "until": {"until": "2026-11-28T00:00:00Z"}, "why": {"text": "x"}},
        "body": {"case": "request", "lifts": null}, "state": "approved", "due_at": null,
        "trail": [{"at": "2026-11-24T10:10:00Z", "by": {"party": "tess"}, "act": {"act": "opened"}},
                  {"at": "2026-11-24T10:20:00Z", "by": {"office": {"person": "ivy", "role": "it-technician"}},
                   "act": {"act": "approved", "until": null, "counts_for": "it-technician", "stand_in": false}}]
    }"#;
    let case: Case = serde_json::from_str(stored).unwrap();
    let definition = open_site(How::Any, &["it-technician"], &[]);
    let calendar = calendar();
    let plan = crate::grant_plan(&definition, &case, moment(&calendar, "12:00")).unwrap();
    assert_eq!(plan.target.to_string(), "bet.example");
    assert_eq!(effect_plans(&definition, &case, moment(&calendar, "12:00")), []);
    let again: Case = serde_json::from_str(&serde_json::to_string(&case).unwrap()).unwrap();
    assert_eq!(again, case);
}
