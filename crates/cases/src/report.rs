//! The life of a report: taken on, noted, dealt with; and what of it the person who sent it may read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schoolgate_base::{CaseId, PersonId, Role};

use crate::{
    Act, Actor, Body, Case, CaseState, Concern, Entry, Moment, Offices, Refusal, ReportDefinition, Route, route,
};

/// What a recipient does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportStep {
    Acknowledge,
    /// `for_parties`: the person who sent it may read this too.
    Note {
        text: String,
        for_parties: bool,
    },
    /// Notes that one of the policy's steps is done.
    Done {
        step: String,
    },
    Close {
        outcome: String,
    },
}

/// Takes one step; only somebody whom the report reaches now may. The case is changed only when it holds.
///
/// Call it with the definition that [`crate::sight()`] was asked with: whoever may not see a report may not act on it.
pub fn take_step(
    case: &mut Case,
    definition: &ReportDefinition,
    by: &PersonId,
    offices: &Offices,
    step: ReportStep,
    now: Timestamp,
) -> Result<(), Refusal> {
    let role = office(case, definition, by, offices).ok_or(Refusal::NotYours)?;
    if case.state.is_over() {
        return Err(Refusal::NotOpen(case.state));
    }
    let (act, state) = match step {
        ReportStep::Acknowledge if case.state == CaseState::Acknowledged => return Err(Refusal::NotOpen(case.state)),
        ReportStep::Acknowledge => (Act::Acknowledged, CaseState::Acknowledged),
        ReportStep::Note { text, for_parties } => (Act::Noted { text: words(&text)?, for_parties }, case.state),
        ReportStep::Done { step } => {
            let mut left = steps_left(case, definition);
            let place = left.iter().position(|one| **one == *step.trim()).ok_or(Refusal::NoSuchStep)?;
            (Act::Stepped { step: left.swap_remove(place) }, case.state)
        }
        ReportStep::Close { outcome } => {
            (Act::Closed { outcome: ending(case, definition, &outcome)? }, CaseState::Closed)
        }
    };
    case.trail.push(Entry { at: now, by: Actor::Office { person: by.clone(), role }, act });
    case.state = state;
    Ok(())
}

/// The steps of the policy that nobody has noted yet; with any left it cannot be closed.
pub fn steps_left(case: &Case, definition: &ReportDefinition) -> Vec<Box<str>> {
    let is_done = |step: &str| {
        let mut acts = case.trail.iter().map(|entry| &entry.act);
        acts.any(|act| matches!(act, Act::Stepped { step: done } if **done == *step))
    };
    definition.steps.iter().filter(|step| !is_done(step)).cloned().collect()
}

/// Whom a report goes to as well, because nobody has taken it on in time; `None` as long as there is time, and where the
/// policy says nothing. The floors of every route hold: nobody hears who is tied to it.
pub fn escalation(case: &Case, definition: &ReportDefinition, offices: &Offices, moment: Moment<'_>) -> Option<Route> {
    let escalate = definition.escalate.as_ref()?;
    let is_late = moment.deadline(&escalate.after, case.opened_at) <= moment.now;
    if case.state != CaseState::Open || !is_late {
        return None;
    }
    let Body::Report { subjects, flags } = &case.body else { return None };
    let concern = Concern { subjects: subjects.clone(), flags: flags.clone() };
    let then = ReportDefinition { to: escalate.to.clone(), also: BTreeMap::new(), ..definition.clone() };
    let mut late = route(&then, &concern, offices);
    let first = route(definition, &concern, offices);
    late.recipients.retain(|recipient| !first.reaches(&recipient.person));
    Some(late)
}

/// What the person who sent a report may see of it afterwards. It names no recipient: that was shown before sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub case: CaseId,
    pub sent_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub acknowledged_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// Notes the recipients wrote for them.
    pub notes: Vec<(Timestamp, String)>,
}

/// The receipt of a case.
pub fn receipt(case: &Case) -> Receipt {
    let first = |is_it: fn(&Act) -> bool| case.trail.iter().find(|entry| is_it(&entry.act)).map(|entry| entry.at);
    let note = |entry: &Entry| match &entry.act {
        Act::Noted { text, for_parties: true } => Some((entry.at, text.clone())),
        _ => None,
    };
    Receipt {
        case: case.id.clone(),
        sent_at: case.opened_at,
        due_at: case.due_at,
        acknowledged_at: first(|act| matches!(act, Act::Acknowledged)),
        closed_at: first(|act| matches!(act, Act::Closed { .. })),
        notes: case.trail.iter().filter_map(note).collect(),
    }
}

fn office(case: &Case, definition: &ReportDefinition, by: &PersonId, offices: &Offices) -> Option<Role> {
    let Body::Report { subjects, flags } = &case.body else { return None };
    let concern = Concern { subjects: subjects.clone(), flags: flags.clone() };
    let route = route(definition, &concern, offices);
    route.recipients.into_iter().find(|recipient| &recipient.person == by).map(|recipient| recipient.role)
}

/// How it ended: one of the policy's outcomes, or words where it names none.
fn ending(case: &Case, definition: &ReportDefinition, outcome: &str) -> Result<String, Refusal> {
    let left = steps_left(case, definition);
    if !left.is_empty() {
        return Err(Refusal::StepsLeft(left));
    }
    let outcome = words(outcome)?;
    let outcomes = &definition.outcomes;
    if !outcomes.is_empty() && !outcomes.iter().any(|known| **known == *outcome) {
        return Err(Refusal::NotAnOutcome(outcomes.clone()));
    }
    Ok(outcome)
}

fn words(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() { Err(Refusal::NoReason) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests;
