//! Duties: what somebody has to do again and again, or when something happens.
//!
//! Where a duty stands is computed from what was done and what has happened, never stored, so that it cannot be
//! forgotten. Everything is in days. Storing that something was done, and telling people, is the shell's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schoolgate_base::{ClauseId, ControlId, Group, PersonId, Recurrence, Role, Within, YearDay};
use serde::{Deserialize, Serialize};

use crate::{ClauseText, Holder, Moment, Offices, Party};

/// Who has to do what, and when: a compiled `duty` control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyDefinition {
    pub control: ControlId,
    pub version: Box<str>,
    /// The word of the policy: `filter-test`.
    pub kind: Box<str>,
    pub title: Box<str>,
    pub clause: ClauseText,
    /// Offices of which one does it for all.
    #[serde(default)]
    pub who: Vec<Role>,
    /// Everybody in one of these does it for themselves.
    #[serde(default)]
    pub each: Vec<Group>,
    pub falls: Falls,
    /// What counts as done, in words.
    #[serde(default)]
    pub done: Option<Box<str>>,
    /// How long before it is due people are told.
    #[serde(default)]
    pub warn: Option<Within>,
    /// Who is told when it is late.
    #[serde(default)]
    pub tell: Vec<Party>,
    /// How long what was done is kept.
    #[serde(default)]
    pub keep: Option<Within>,
    /// The kind of register that doing it erases.
    #[serde(default)]
    pub erases: Option<Box<str>>,
}

/// When a duty falls due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Falls {
    Every(Recurrence),
    /// By the day of each such event; what was done longer than `within` before it does not count for it.
    Before {
        event: Box<str>,
        within: Option<Within>,
    },
    /// So long after each such occasion.
    Upon {
        occasion: Occasion,
        within: Within,
    },
    /// By a day of each year.
    By(YearDay),
}

/// What a duty follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// One that the school names.
    Event(Box<str>),
    /// A request or report of this clause.
    Clause(ClauseId),
}

/// What is known of a duty: of one person where each has it for themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutyFacts {
    /// Since when it has to be done.
    pub since: Date,
    /// The days on which it was done.
    pub done: Vec<Date>,
    /// The days of the occasions it hangs on, past and to come.
    pub occasions: Vec<Date>,
}

/// Where a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DutyState {
    /// Nothing it hangs on has happened or is planned.
    Idle,
    /// Done, and not due again soon.
    Done,
    /// To be done, not soon.
    Open,
    /// To be done soon, or today.
    Soon,
    Late,
}

/// Where a duty stands and when it is due next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DutyView {
    pub state: DutyState,
    /// The last day on which it is in time; `None` when nothing is due.
    pub due: Option<Date>,
}

/// Where a duty stands at a moment.
pub fn look_at(definition: &DutyDefinition, facts: &DutyFacts, moment: Moment<'_>) -> DutyView {
    let today = moment.today();
    let mut done: Vec<Date> = facts.done.iter().copied().filter(|day| *day <= today).collect();
    done.sort_unstable();
    let mut occasions = facts.occasions.clone();
    occasions.sort_unstable();
    let found = match &definition.falls {
        Falls::Every(every) => Due { day: every_due(*every, &done, facts.since, moment), opens: None },
        Falls::By(day) => Due { day: yearly_due(*day, &done, facts.since), opens: None },
        Falls::Before { within, .. } => match before_due(within.as_ref(), &done, &occasions, facts.since, moment) {
            Some(due) => due,
            None => return nothing_due(&occasions),
        },
        Falls::Upon { within, .. } => {
            let happened: Vec<Date> =
                occasions.into_iter().filter(|day| facts.since <= *day && *day <= today).collect();
            match upon_due(&done, &happened) {
                Some(occasion) => Due { day: within.last_day(moment.calendar, occasion), opens: None },
                None => return nothing_due(&happened),
            }
        }
    };
    view(definition, found, !done.is_empty(), moment)
}

/// Those it falls to: who holds the offices (their deputies where nobody does), or everybody of the groups.
pub fn falls_to(
    definition: &DutyDefinition,
    offices: &Offices,
    people: &BTreeMap<PersonId, BTreeSet<Group>>,
) -> BTreeSet<PersonId> {
    let held = definition.who.iter().flat_map(|role| acting(offices.of_role(role)));
    let is_one = |groups: &BTreeSet<Group>| definition.each.iter().any(|group| groups.contains(group));
    let each = people.iter().filter(|(_, groups)| is_one(groups)).map(|(person, _)| person.clone());
    held.chain(each).collect()
}

/// Who is told when it is late; `them` are those with whom it is late.
pub fn told_when_late(definition: &DutyDefinition, offices: &Offices, them: &BTreeSet<PersonId>) -> BTreeSet<PersonId> {
    let mut told = BTreeSet::new();
    for party in &definition.tell {
        match party {
            Party::Role(role) => told.extend(acting(offices.of_role(role))),
            Party::Them => told.extend(them.iter().cloned()),
        }
    }
    told
}

fn acting(holders: &[Holder]) -> Vec<PersonId> {
    let principals = || holders.iter().filter(|holder| !holder.is_deputy);
    let is_held = principals().next().is_some();
    holders.iter().filter(|holder| !is_held || !holder.is_deputy).map(|holder| holder.person.clone()).collect()
}

/// The next day on which it is due, and from when on it can be done for that day.
struct Due {
    day: Date,
    opens: Option<Date>,
}

fn nothing_due(occasions: &[Date]) -> DutyView {
    let state = if occasions.is_empty() { DutyState::Idle } else { DutyState::Done };
    DutyView { state, due: None }
}

fn view(definition: &DutyDefinition, due: Due, was_done: bool, moment: Moment<'_>) -> DutyView {
    let today = moment.today();
    let warned = definition.warn.as_ref().map(|warn| warn.first_day_before(moment.calendar, due.day));
    let soon = warned.into_iter().chain(due.opens).min().unwrap_or(due.day);
    let hangs_on_time = matches!(definition.falls, Falls::Every(_) | Falls::By(_));
    let state = if due.day < today {
        DutyState::Late
    } else if soon <= today {
        DutyState::Soon
    } else if was_done && hangs_on_time {
        DutyState::Done
    } else {
        DutyState::Open
    };
    DutyView { state, due: Some(due.day) }
}

fn every_due(every: Recurrence, done: &[Date], since: Date, moment: Moment<'_>) -> Date {
    match done.last() {
        Some(last) => every.next(moment.calendar, *last),
        None => every.first(moment.calendar, since),
    }
}

/// The first such day of which nobody has done what is due. What was done in the year before a day counts for it, and so
/// does what was done late.
fn yearly_due(day: YearDay, done: &[Date], since: Date) -> Date {
    let first = done.first().map_or(since, |first| since.min(*first));
    let mut due = day.from(first);
    for done in done {
        let year_before = day.of(due.year().saturating_sub(1)).unwrap_or(Date::MIN);
        if year_before < *done {
            due = day.from(due.max(*done).tomorrow().unwrap_or(Date::MAX));
        }
    }
    due
}

/// The first event for which it was not done in time; earlier ones, of before it had to be done, do not count.
fn before_due(within: Option<&Within>, done: &[Date], events: &[Date], since: Date, moment: Moment<'_>) -> Option<Due> {
    let opens = |event: Date| within.map(|within| within.first_day_before(moment.calendar, event));
    let mut after = Date::MIN;
    for event in events.iter().copied().filter(|event| since <= *event) {
        let from = opens(event).unwrap_or(after);
        if !done.iter().any(|done| from <= *done && *done <= event) {
            return Some(Due { day: event, opens: opens(event) });
        }
        after = event.tomorrow().unwrap_or(event);
    }
    None
}

/// The first occasion that nothing was done for: each needs a doing of its own, on its day or later.
fn upon_due(done: &[Date], occasions: &[Date]) -> Option<Date> {
    let mut done = done.iter().copied().peekable();
    for occasion in occasions {
        while done.next_if(|day| day < occasion).is_some() {}
        if done.next().is_none() {
            return Some(*occasion);
        }
    }
    None
}

#[cfg(test)]
mod tests;
