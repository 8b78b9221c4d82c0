//! Scenarios about requests: who decides, by when, and what an approval does.

use schoolgate_base::Role;
use schoolgate_cases::{
    Case, Consequence, DecidersNow, Decision, Definition, GrantAudience, GrantPlan, Planned, RawValues,
    RequestDefinition, decide, deciders, effect_plans, kept_until, open_request,
};

use super::cases::{Actor, KnownHere, Stage, answers, fill, no_such_field, problem, unknown_field};
use super::given::Given;
use super::outcome::{Day, Outcome, People, Thing, Vocabulary, judge};
use super::web::Failures;
use super::world::not_understood;
use crate::syntax::Word;

const VOCABULARY: Vocabulary = Vocabulary {
    people: &["decided by"],
    days: &["answer due", "kept until"],
    things: &[
        ("opens for", Thing::Audience),
        ("opens task", Thing::Clause),
        ("opens", Thing::Words),
        ("joins", Thing::Group),
        ("lifts", Thing::Clause),
    ],
    states: &[],
    texts: &[],
    help: "write `Then decided by it-technician`, `Then joins GROUP until 2026-12-18`, `Then opens mailbox of PERSON` or `Then not possible`",
};

const WHEN: &str = "write `When she asks #clause for site X class 6B until 2026-11-27`";

pub(super) fn run(stage: &mut Stage<'_, '_>, request: &RequestDefinition, who: &Word, rest: &Word) -> Option<Failures> {
    let asker = stage.actor(who)?;
    let mut raw = answers(&request.form, rest);
    if raw.is_empty() && !rest.text.is_empty() {
        stage.findings.push(not_understood(rest, WHEN));
        return None;
    }
    if let Some(word) = unknown_field(&request.form, rest) {
        stage.findings.push(no_such_field(&request.form, &word));
        return None;
    }
    fill(&request.form, &mut raw);
    let known = stage.known();
    let given = stage.given;
    judge(stage.scenario, &given.world, &VOCABULARY, stage.findings, || ask(given, request, &asker, &raw, &known))
}

fn ask(given: &Given<'_>, request: &RequestDefinition, who: &Actor, raw: &RawValues, known: &KnownHere) -> Outcome {
    let moment = given.world.moment(given.now, &known.periods);
    let Some(opening) = known.opening(who, raw) else { return Outcome::refused("no id") };
    let mut case = match open_request(request, opening, None, moment) {
        Ok(case) => case,
        Err(error) => return Outcome::refused(problem(error)),
    };
    if let Some(why) = barred(given, request, &case) {
        return Outcome::refused(why);
    }
    let offices = &given.world.offices;
    let now = deciders(request, &case, offices, moment.now);
    let mut outcome = Outcome {
        people: vec![("decided by", people(&now))],
        days: vec![("answer due", case.due_at.map(Day::At))],
        ..Outcome::default()
    };
    // Approve as long as somebody can: what an approval of all who are needed opens.
    for _ in 0..8 {
        let Some(next) = deciders(request, &case, offices, moment.now).can.first().cloned() else { break };
        let decision = Decision::Approve { until: None };
        let Ok(consequences) = decide(&mut case, request, &next.person, offices, decision, moment) else { break };
        for consequence in consequences {
            match consequence {
                Consequence::Grant(plan) => outcome.things.extend(opened(&plan)),
                Consequence::EndGrant(_) => {}
            }
        }
    }
    outcome.things.extend(effects(request, &case, given, known));
    let kept = kept_until(&Definition::Request(request.clone()), &case, moment);
    outcome.days.push(("kept until", kept.map(Day::Whole)));
    outcome
}

/// Why no approval would open a site that is asked for.
fn barred(given: &Given<'_>, request: &RequestDefinition, case: &Case) -> Option<String> {
    let mut sites = request.sites(case).peekable();
    sites.peek()?;
    let snapshot = given.world.snapshot(None, given.now);
    sites.find_map(|(_, site)| snapshot.barred(&site.host, given.now)).map(|why| why.to_string())
}

fn people(now: &DecidersNow) -> People {
    let persons = now.can.iter().map(|decider| (decider.person.clone(), Some(decider.role.clone()))).collect();
    let roles: Vec<Role> = now.can.iter().map(|decider| decider.role.clone()).collect();
    People { persons, roles: roles.into_iter().collect() }
}

type Things = Vec<(&'static str, String, Option<jiff::Timestamp>)>;

fn opened(plan: &GrantPlan) -> Things {
    let mut things = vec![("opens", plan.target.to_string(), Some(plan.until))];
    for audience in &plan.audience {
        let name = match audience {
            GrantAudience::Group(group) => group.to_string(),
            GrantAudience::Person(person) => person.to_string(),
        };
        things.push(("opens for", name, Some(plan.until)));
    }
    things
}

fn effects(request: &RequestDefinition, case: &Case, given: &Given<'_>, known: &KnownHere) -> Things {
    let plans = effect_plans(request, case, given.world.moment(given.now, &known.periods));
    let thing = |plan: schoolgate_cases::EffectPlan| {
        let until = Some(plan.until);
        let mut things = Vec::new();
        match plan.does {
            Planned::Join { group } => things.push(("joins", group.to_string(), until)),
            Planned::Task { duty } => things.push(("opens task", duty.to_string(), None)),
            Planned::Open { store, of } => things.push(("opens", format!("{} of {of}", store.as_str()), until)),
            Planned::Lift { clause, towards } => {
                things.push(("lifts", clause.to_string(), until));
                things.extend(towards.map(|person| ("lifts", format!("{clause} towards {person}"), until)));
            }
        }
        things
    };
    plans.into_iter().flat_map(thing).collect()
}
