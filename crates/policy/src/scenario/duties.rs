//! Scenarios about duties: where one stands on a day, whom it falls to, who is told.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schoolgate_base::PersonId;
use schoolgate_cases::{
    DutyDefinition, DutyFacts, DutyState, Falls, Moment, Occasion, falls_to, look_at, told_when_late,
};

use super::cases::Stage;
use super::facts::refers_to;
use super::given::{Given, Persona};
use super::outcome::{Day, Outcome, People, Vocabulary, judge};
use super::read::piece;
use super::web::Failures;
use crate::syntax::Word;

const VOCABULARY: Vocabulary = Vocabulary {
    people: &["falls to", "tells"],
    days: &["due", "kept until"],
    things: &[],
    states: &["late", "soon", "done", "open", "nothing to do"],
    texts: &[],
    help: "write `Then due 2026-12-02`, `Then late`, `Then falls to ivy.tech` or `Then tells helen.head`",
};

pub(super) fn looked_at(stage: &mut Stage<'_, '_>, reference: &Word, rest: &Word) -> Option<Failures> {
    let compiled = stage.compiled;
    let place = stage.find(reference, "duty", compiled.duties.iter().map(|duty| &duty.control))?;
    let duty = compiled.duties.get(place)?;
    let of = rest.text.split_once(" for ").map(|(_, who)| piece(rest, who));
    let person = match of {
        Some(who) => Some(stage.actor(&who)?.0),
        None => None,
    };
    let given = stage.given;
    judge(stage.scenario, &given.world, &VOCABULARY, stage.findings, || outcome(given, duty, person.as_ref()))
}

fn outcome(given: &Given<'_>, duty: &DutyDefinition, person: Option<&PersonId>) -> Outcome {
    let world = &given.world;
    let moment = world.moment(given.now, &[]);
    let whose = person.or(match &given.who {
        Persona::Somebody(member) => Some(&member.person),
        Persona::Nobody | Persona::Unsaid => None,
    });
    let facts = facts(given, duty, whose, moment);
    let view = look_at(duty, &facts, moment);
    let them = falls_to(duty, &world.offices, &given.people());
    let late = match whose.filter(|whose| !duty.each.is_empty() && them.contains(*whose)) {
        Some(whose) => [whose.clone()].into(),
        None => them.clone(),
    };
    let told = match view.state {
        DutyState::Late => told_when_late(duty, &world.offices, &late),
        DutyState::Idle | DutyState::Done | DutyState::Open | DutyState::Soon => BTreeSet::new(),
    };
    let mut falls = People::of(them, world);
    falls.roles.extend(duty.who.iter().cloned());
    let last = facts.done.iter().copied().filter(|day| *day <= moment.today()).max();
    let kept = duty.keep.as_ref().zip(last).map(|(keep, last)| keep.last_day(moment.calendar, last));
    Outcome {
        states: vec![state_words(view.state).to_owned()],
        people: vec![("falls to", falls), ("tells", People::of(told, world))],
        days: vec![("due", view.due.map(Day::Whole)), ("kept until", kept.map(Day::Whole))],
        ..Outcome::default()
    }
}

fn state_words(state: DutyState) -> &'static str {
    match state {
        DutyState::Idle => "nothing to do",
        DutyState::Done => "done",
        DutyState::Open => "open",
        DutyState::Soon => "soon",
        DutyState::Late => "late",
    }
}

/// The duty has to be done since the calendar begins, unless that is still to come.
fn facts(given: &Given<'_>, duty: &DutyDefinition, whose: Option<&PersonId>, moment: Moment<'_>) -> DutyFacts {
    let first = moment.calendar.terms.iter().map(|term| term.first).min();
    let is_theirs = |person: Option<&PersonId>| match (person, duty.each.is_empty(), whose) {
        (None, ..) | (Some(_), true, _) | (Some(_), false, None) => true,
        (Some(person), false, Some(whose)) => person == whose,
    };
    let known = &given.world.facts;
    let done = known.done.iter().filter(|done| refers_to(&done.duty, &duty.control) && is_theirs(done.person.as_ref()));
    let occasions: Vec<Date> =
        known.happened.iter().filter(|(what, _)| hangs_on(duty, what)).map(|(_, day)| *day).collect();
    let since = first.into_iter().chain(occasions.iter().copied()).chain([moment.today()]).min();
    DutyFacts { since: since.unwrap_or(Date::MIN), done: done.map(|done| done.day).collect(), occasions }
}

fn hangs_on(duty: &DutyDefinition, what: &str) -> bool {
    match &duty.falls {
        Falls::Every(_) | Falls::By(_) => false,
        Falls::Before { event, .. } | Falls::Upon { occasion: Occasion::Event(event), .. } => **event == *what,
        Falls::Upon { occasion: Occasion::Clause(clause), .. } => {
            let clause = clause.to_string();
            clause == what || (what.starts_with('#') && clause.ends_with(what))
        }
    }
}
