//! Scenarios about agreements and reminders: who has to agree to what, how, and what is shown when.

use schoolgate_cases::{Agreement, must_agree};

use super::cases::{Actor, Stage};
use super::given::Given;
use super::outcome::{Outcome, People, Thing, Vocabulary, judge};
use super::web::Failures;
use crate::compile::Compiled;
use crate::kinds::remind::{MOMENTS, Moment};
use crate::syntax::Word;
use crate::syntax::reader::choose;

const VOCABULARY: Vocabulary = Vocabulary {
    people: &["receipt to"],
    days: &[],
    things: &[("signs", Thing::Words), ("shown", Thing::Clause), ("by", Thing::Words), ("with", Thing::Group)],
    states: &["nothing to sign", "nothing is shown"],
    texts: &[],
    help: "write `Then signs staff-ict`, `Then by click`, `Then with a parent`, `Then receipt to OFFICE`, `Then shown #clause` or `Then nothing to sign`",
};

/// "When tess.teacher is asked to agree": at a sign-in.
pub(super) fn asked(stage: &mut Stage<'_, '_>, who: &Word) -> Option<Failures> {
    let actor = stage.actor(who)?;
    let (given, compiled) = (stage.given, stage.compiled);
    judge(stage.scenario, &given.world, &VOCABULARY, stage.findings, || signs(given, compiled, &actor))
}

fn signs(given: &Given<'_>, compiled: &Compiled, actor: &Actor) -> Outcome {
    let moment = given.world.moment(given.now, &[]);
    let is_asked = |agreement: &&Agreement| {
        let calendar = &given.world.compiled.school.calendar;
        let signed = given.world.facts.signed(&actor.0, agreement, given.now, &calendar.zone);
        must_agree(agreement, &actor.1, signed.as_ref(), None, moment).is_some()
    };
    let agreements: Vec<&Agreement> = compiled.agreements.iter().filter(is_asked).collect();
    let mut outcome = Outcome::default();
    let mut filed = People::default();
    for agreement in &agreements {
        outcome.things.push(("signs", agreement.policy.to_string(), None));
        outcome.things.push(("by", agreement.form.as_str().to_owned(), None));
        outcome.things.extend(agreement.with.iter().map(|group| ("with", group.to_string(), None)));
        if let Some(role) = &agreement.receipt {
            let holders = given.world.offices.of_role(role);
            filed.persons.extend(holders.iter().map(|holder| (holder.person.clone(), Some(role.clone()))));
            filed.roles.insert(role.clone());
        }
        let clauses = compiled.program.clauses.values().filter(|clause| clause.id.policy == agreement.policy);
        let shown = clauses.filter(|clause| compiled.is_bound(&clause.id, &actor.1));
        outcome.things.extend(shown.map(|clause| ("shown", clause.id.to_string(), None)));
    }
    outcome.people.push(("receipt to", filed));
    outcome.states.extend(agreements.is_empty().then(|| "nothing to sign".to_owned()));
    outcome
}

/// "When she is about to upload".
pub(super) fn about_to(stage: &mut Stage<'_, '_>, who: &Word, moment: &Word) -> Option<Failures> {
    let actor = stage.actor(who)?;
    let moment = choose(moment, "about to", &MOMENTS, stage.findings)?.value;
    let (given, compiled) = (stage.given, stage.compiled);
    judge(stage.scenario, &given.world, &VOCABULARY, stage.findings, || reminded(compiled, &actor, moment))
}

fn reminded(compiled: &Compiled, actor: &Actor, moment: Moment) -> Outcome {
    let reminders = compiled.reminders.iter().filter(|reminder| {
        let is_theirs = reminder.audience.is_empty() || reminder.audience.iter().any(|group| actor.1.contains(group));
        reminder.at == moment && is_theirs && compiled.is_bound(&reminder.control.clause, &actor.1)
    });
    let things: Vec<_> = reminders.map(|reminder| ("shown", reminder.control.clause.to_string(), None)).collect();
    let states = Vec::from_iter(things.is_empty().then(|| "nothing is shown".to_owned()));
    Outcome { things, states, ..Outcome::default() }
}
