//! The life of a request: decide, withdraw, end; and what an approval opens.

use jiff::Timestamp;
use schoolgate_base::{CaseId, ControlId, Group, PersonId, Role};
use serde::{Deserialize, Serialize};

use crate::deciders::{Asked, Bar, Decider, DecidersNow, deciders_of};
use crate::{Act, Actor, Body, Case, CaseState, Effect, Entry, How, Moment, Offices, RequestDefinition, Site, Value};

/// What somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Until the time asked for, or an earlier one.
    Approve {
        until: Option<Timestamp>,
    },
    Refuse {
        reason: String,
    },
}

/// Why a step was not taken. The case is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this is no longer open: somebody has already dealt with it")]
    NotOpen(CaseState),
    #[error("you may not decide this: {}", bar_in_words(*.0))]
    Barred(Bar),
    #[error("the policy does not let you do this")]
    NotYours,
    #[error("somebody else has to decide first")]
    NotYourTurn,
    #[error("the time asked for is over")]
    TooLate,
    #[error("you can allow a shorter time than was asked for, not a longer one")]
    Longer,
    #[error("say why, so that they know what to do next")]
    NoReason,
    #[error("this is not a request")]
    NotARequest,
    #[error("before this can be closed, somebody must have noted: {}", .0.join("; "))]
    StepsLeft(Vec<Box<str>>),
    #[error("say how it ended with one of: {}", .0.join("; "))]
    NotAnOutcome(Vec<Box<str>>),
    #[error("there is no such step, or it is done already")]
    NoSuchStep,
}

fn bar_in_words(bar: Bar) -> &'static str {
    match bar {
        Bar::Asker => "you asked for it yourself",
        Bar::Subject => "it is about you",
        Bar::Relative => "it concerns a relative of yours",
        Bar::ApprovedAlready => "you have approved it already, and another person must too",
    }
}

/// What the outside world must do after a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consequence {
    Grant(Box<GrantPlan>),
    /// Whatever this case opened is closed.
    EndGrant(CaseId),
}

/// A dated exception to be compiled into the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPlan {
    pub case: CaseId,
    /// The request control that allows it.
    pub by: ControlId,
    /// The whole site: what a door sees of HTTPS without opening it.
    pub target: Site,
    /// Any of these.
    pub audience: Vec<GrantAudience>,
    pub from: Timestamp,
    pub until: Timestamp,
    /// The control it lifts; `None` for whatever rule blocks the target, locked lists and never-granted classes apart.
    pub lifts: Option<ControlId>,
}

/// For whom something is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantAudience {
    Group(Group),
    Person(PersonId),
}

impl Case {
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state == CaseState::Open && self.due_at.is_some_and(|due_at| due_at < now)
    }

    /// The approvals so far, with the office each counts for.
    pub fn approvals(&self) -> Vec<(PersonId, Role)> {
        let approval = |entry: &Entry| match (&entry.act, &entry.by) {
            (Act::Approved { counts_for, .. }, Actor::Office { person, .. }) => {
                Some((person.clone(), counts_for.clone()))
            }
            _ => None,
        };
        self.trail.iter().filter_map(approval).collect()
    }

    pub(crate) fn due(mut self, due_at: Option<Timestamp>) -> Self {
        self.due_at = due_at;
        self
    }

    fn asked(&self, now: Timestamp) -> Asked {
        let persons = self.values.values().filter_map(|value| match value {
            Value::Person(person) => Some(person.clone()),
            _ => None,
        });
        Asked {
            asker: Some(self.by.clone()),
            subjects: persons.collect(),
            approvals: self.approvals(),
            is_overdue: self.is_overdue(now),
        }
    }

    fn push(&mut self, at: Timestamp, by: Actor, act: Act) {
        self.trail.push(Entry { at, by, act });
    }
}

/// Who can decide this case now; nobody once it is decided.
pub fn deciders(definition: &RequestDefinition, case: &Case, offices: &Offices, now: Timestamp) -> DecidersNow {
    if case.state != CaseState::Open {
        return DecidersNow { can_finish: true, ..DecidersNow::default() };
    }
    deciders_of(definition, &case.asked(now), offices)
}

/// Takes one decision; the case is changed only when it holds.
pub fn decide(
    case: &mut Case,
    definition: &RequestDefinition,
    by: &PersonId,
    offices: &Offices,
    decision: Decision,
    moment: Moment<'_>,
) -> Result<Vec<Consequence>, Refusal> {
    if case.state != CaseState::Open {
        return Err(Refusal::NotOpen(case.state));
    }
    let decider = decider(case, definition, by, offices, moment.now)?;
    let actor = Actor::Office { person: by.clone(), role: decider.role.clone() };
    match decision {
        Decision::Refuse { reason } => {
            let reason = reason.trim().to_owned();
            if reason.is_empty() {
                return Err(Refusal::NoReason);
            }
            case.push(moment.now, actor, Act::Refused { reason });
            case.state = CaseState::Refused;
            Ok(Vec::new())
        }
        Decision::Approve { until } => {
            check_until(case, until, moment.now)?;
            let ends = until.into_iter().chain([grant_end(definition, case, moment)]).min();
            let opens = definition.effects.iter().any(Effect::is_dated);
            if opens && ends.is_some_and(|ends| ends <= moment.now) {
                return Err(Refusal::TooLate);
            }
            let counts_for = decider.counts_for().clone();
            let stand_in = decider.is_stand_in();
            case.push(moment.now, actor, Act::Approved { until, counts_for, stand_in });
            if !is_enough(definition, case) {
                return Ok(Vec::new());
            }
            case.state = CaseState::Approved;
            Ok(grant_plan(definition, case, moment)
                .map(|plan| Consequence::Grant(Box::new(plan)))
                .into_iter()
                .collect())
        }
    }
}

/// The asker takes the request back, or ends early what was granted.
pub fn withdraw(case: &mut Case, by: &PersonId, now: Timestamp) -> Result<Vec<Consequence>, Refusal> {
    if &case.by != by {
        return Err(Refusal::NotYours);
    }
    match case.state {
        CaseState::Open => {
            case.push(now, Actor::Party(by.clone()), Act::Withdrawn);
            case.state = CaseState::Withdrawn;
            Ok(Vec::new())
        }
        CaseState::Approved => Ok(finish(case, Actor::Party(by.clone()), "no longer needed", now)),
        state => Err(Refusal::NotOpen(state)),
    }
}

/// Somebody who could have decided ends early what was granted.
pub fn end(
    case: &mut Case,
    definition: &RequestDefinition,
    by: &PersonId,
    offices: &Offices,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<Consequence>, Refusal> {
    if case.state != CaseState::Approved {
        return Err(Refusal::NotOpen(case.state));
    }
    if reason.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    let mut offices_of_policy = definition.decide.roles.iter().chain(&definition.stand_in);
    let role = offices_of_policy.find(|role| offices.holds(by, role)).ok_or(Refusal::NotYours)?;
    let actor = Actor::Office { person: by.clone(), role: role.clone() };
    Ok(finish(case, actor, reason.trim(), now))
}

/// The clock: ends a case of which nothing granted is open any more. Answers whether anything changed.
pub fn end_over(case: &mut Case, now: Timestamp) -> bool {
    let is_over = case.state == CaseState::Approved;
    if is_over {
        finish(case, Actor::Program, "its time is over", now);
    }
    is_over
}

/// What an approved case opens, for compiling it again at each publish. Depends on the case alone, not on when it is
/// asked; `None` when it opens nothing.
pub fn grant_plan(definition: &RequestDefinition, case: &Case, moment: Moment<'_>) -> Option<GrantPlan> {
    if case.state != CaseState::Approved {
        return None;
    }
    let audience = definition.effects.iter().find_map(|effect| match effect {
        Effect::OpenSite { audience } => Some(audience),
        _ => None,
    })?;
    let Body::Request { lifts } = &case.body else { return None };
    let site = case.values.values().find_map(|value| match value {
        Value::Site(site) => Some(site),
        _ => None,
    })?;
    Some(GrantPlan {
        case: case.id.clone(),
        by: case.pin.control.clone(),
        target: Site { host: site.host.clone(), path: None },
        audience: audience.with_asker(case),
        from: approved_at(case)?,
        until: grant_end(definition, case, moment),
        lifts: lifts.clone(),
    })
}

/// When the last approval that was needed was given.
pub(crate) fn approved_at(case: &Case) -> Option<Timestamp> {
    let is_approval = |entry: &&Entry| matches!(entry.act, Act::Approved { .. });
    case.trail.iter().rev().find(is_approval).map(|entry| entry.at)
}

/// The earliest of what was asked, what each approver allowed and what the policy allows. A grant is always dated: where
/// none of them says anything, it lasts to the end of the day it was asked on.
pub(crate) fn grant_end(definition: &RequestDefinition, case: &Case, moment: Moment<'_>) -> Timestamp {
    let allowed = case.trail.iter().filter_map(|entry| match entry.act {
        Act::Approved { until, .. } => until,
        _ => None,
    });
    let longest = definition.longest.iter().map(|within| moment.deadline(within, case.opened_at));
    let earliest = asked_until(case).into_iter().chain(allowed).chain(longest).min();
    earliest.unwrap_or_else(|| moment.calendar.end_of_day(case.opened_at))
}

fn asked_until(case: &Case) -> Option<Timestamp> {
    case.values.values().find_map(|value| match value {
        Value::Until(at) => Some(*at),
        _ => None,
    })
}

fn check_until(case: &Case, until: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    let asked = asked_until(case);
    if until.or(asked).is_some_and(|at| at <= now) || asked.is_some_and(|at| at <= now) {
        return Err(Refusal::TooLate);
    }
    match (until, asked) {
        (Some(until), Some(asked)) if asked < until => Err(Refusal::Longer),
        _ => Ok(()),
    }
}

/// In which office somebody decides: of several, the one that the fewest others can act in.
fn decider(
    case: &Case,
    definition: &RequestDefinition,
    by: &PersonId,
    offices: &Offices,
    now: Timestamp,
) -> Result<Decider, Refusal> {
    if !matches!(case.body, Body::Request { .. }) {
        return Err(Refusal::NotARequest);
    }
    let who = deciders(definition, case, offices, now);
    let others = |role: &Role| who.can.iter().filter(|other| other.counts_for() == role).count();
    let mine = who.can.iter().filter(|decider| &decider.person == by);
    if let Some(decider) = mine.min_by_key(|decider| (decider.is_stand_in(), others(decider.counts_for()))) {
        return Ok(decider.clone());
    }
    if let Some((_, _, bar)) = who.barred.iter().find(|(person, _, _)| person == by) {
        return Err(Refusal::Barred(*bar));
    }
    let later = definition.decide.roles.iter().any(|role| offices.holds(by, role));
    Err(if later { Refusal::NotYourTurn } else { Refusal::NotYours })
}

fn is_enough(definition: &RequestDefinition, case: &Case) -> bool {
    let approvals = case.approvals();
    match definition.decide.how {
        How::Any => usize::try_from(definition.decide.count.max(1)).is_ok_and(|count| count <= approvals.len()),
        How::All | How::InOrder => {
            definition.decide.roles.iter().all(|role| approvals.iter().any(|(_, given)| given == role))
        }
    }
}

fn finish(case: &mut Case, by: Actor, reason: &str, now: Timestamp) -> Vec<Consequence> {
    case.push(now, by, Act::Ended { reason: reason.to_owned() });
    case.state = CaseState::Ended;
    vec![Consequence::EndGrant(case.id.clone())]
}

#[cfg(test)]
mod tests;
