//! Registers: lists that people keep, entry by entry, such as kit on loan.
//!
//! An entry is checked like a form, is due on a day, and is erased so long after it is over. Storing entries, and telling
//! people, is the shell's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::{ControlId, Group, PersonId, Role, Within};
use serde::{Deserialize, Serialize};

use crate::{
    ClauseText, Field, FieldKind, FieldProblem, Known, Moment, Offices, Party, Pin, RawValues, Value, Values,
    check_form,
};

/// What is entered, by whom, who sees it, when it is due, how long it is kept: a compiled `register` control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterDefinition {
    pub control: ControlId,
    pub version: Box<str>,
    /// The word of the policy: `kit-on-loan`.
    pub kind: Box<str>,
    pub title: Box<str>,
    pub clause: ClauseText,
    pub fields: Vec<Field>,
    /// Offices and audiences that enter, beside those who keep it.
    #[serde(default)]
    pub add_roles: Vec<Role>,
    #[serde(default)]
    pub add_groups: Vec<Group>,
    /// The offices that answer for it.
    pub keeps: Vec<Role>,
    /// Who else sees entries.
    #[serde(default)]
    pub see: Vec<Party>,
    #[serde(default)]
    pub see_groups: Vec<Group>,
    #[serde(default)]
    pub due: Option<RegisterDue>,
    /// How long before an entry is due people are told.
    #[serde(default)]
    pub warn: Option<Within>,
    /// Who is told of what is due.
    #[serde(default)]
    pub tell: Vec<Party>,
    /// The field of which each value may stand in one open entry only.
    #[serde(default)]
    pub once: Option<Box<str>>,
    #[serde(default)]
    pub keep: Option<Within>,
}

/// When something must happen with an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegisterDue {
    /// On the day in this field.
    Field(Box<str>),
    /// So long after the entry.
    After(Within),
}

/// One line of a register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterEntry {
    pub pin: Pin,
    pub by: PersonId,
    pub at: Timestamp,
    pub values: Values,
    /// When it was dealt with: brought back, renewed, ended.
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
}

/// What somebody hands in.
#[derive(Debug, Clone, Copy)]
pub struct Entering<'a> {
    pub by: &'a PersonId,
    /// Every audience they are in.
    pub groups: &'a BTreeSet<Group>,
    pub offices: &'a Offices,
    pub raw: &'a RawValues,
    pub known: Known<'a>,
    /// Entries of this register that are not closed.
    pub open: &'a [RegisterEntry],
}

/// Why nothing was entered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnterError {
    #[error("the policy does not let you enter this")]
    NotForYou,
    #[error("{} of the answers need another look", .0.len())]
    Form(Vec<FieldProblem>),
}

/// Checks and makes an entry. The edition in its pin is for the caller to fill in.
pub fn enter(
    definition: &RegisterDefinition,
    entering: Entering<'_>,
    moment: Moment<'_>,
) -> Result<RegisterEntry, EnterError> {
    if !may_enter(definition, entering) {
        return Err(EnterError::NotForYou);
    }
    let values =
        check_form(&definition.fields, None, entering.raw, entering.known, moment).map_err(EnterError::Form)?;
    let problem = empty(definition, &values).or_else(|| twice(definition, &values, entering.open));
    if let Some(problem) = problem {
        return Err(EnterError::Form(vec![problem]));
    }
    let pin = Pin { control: definition.control.clone(), version: definition.version.clone(), edition: 0 };
    Ok(RegisterEntry { pin, by: entering.by.clone(), at: moment.now, values, closed_at: None })
}

/// Closes an entry. Answers whether it was open.
pub fn close_entry(entry: &mut RegisterEntry, now: Timestamp) -> bool {
    let was_open = entry.closed_at.is_none();
    entry.closed_at.get_or_insert(now);
    was_open
}

/// The day by which something must happen with an entry; `None` when nothing must, or no more.
pub fn due_day(definition: &RegisterDefinition, entry: &RegisterEntry, moment: Moment<'_>) -> Option<Date> {
    if entry.closed_at.is_some() {
        return None;
    }
    term(definition, entry, moment)
}

/// The day from which people are told that an entry is due soon.
pub fn warn_day(definition: &RegisterDefinition, entry: &RegisterEntry, moment: Moment<'_>) -> Option<Date> {
    let due = due_day(definition, entry, moment)?;
    definition.warn.as_ref().map(|warn| warn.first_day_before(moment.calendar, due))
}

/// The last day on which an entry is kept, as far as that is known now. What is due and not closed is not erased: its
/// time then begins when it is closed.
pub fn entry_kept_until(definition: &RegisterDefinition, entry: &RegisterEntry, moment: Moment<'_>) -> Option<Date> {
    let is_standing = definition.due.is_none() && stands_of_a_person(definition);
    let over = match entry.closed_at {
        Some(closed) => moment.day_of(closed),
        None if is_standing => return None,
        None => term(definition, entry, moment).map_or(moment.day_of(entry.at), |due| due.max(moment.today())),
    };
    definition.keep.as_ref().map(|keep| keep.last_day(moment.calendar, over))
}

/// Whether there is one entry of a person at a time, such as a child's standing no: it holds until another is entered.
fn stands_of_a_person(definition: &RegisterDefinition) -> bool {
    let is_person =
        |name: &str| definition.fields.iter().any(|field| *field.name == *name && field.kind == FieldKind::Person);
    definition.once.as_deref().is_some_and(is_person)
}

/// Who sees an entry, by offices held now: who keeps the register, the offices and groups named, and whom it is about
/// where the policy says so. `people` are all there are, each with every audience they are in.
pub fn entry_readers(
    definition: &RegisterDefinition,
    values: &Values,
    offices: &Offices,
    people: &BTreeMap<PersonId, BTreeSet<Group>>,
) -> BTreeSet<PersonId> {
    let keepers = definition.keeps.iter().flat_map(|role| offices.of_role(role)).map(|holder| holder.person.clone());
    let is_in = |groups: &BTreeSet<Group>| definition.see_groups.iter().any(|group| groups.contains(group));
    let grouped = people.iter().filter(|(_, groups)| is_in(groups)).map(|(person, _)| person.clone());
    keepers.chain(parties(&definition.see, values, offices)).chain(grouped).collect()
}

/// Who is told of what is due.
pub fn entry_told(definition: &RegisterDefinition, values: &Values, offices: &Offices) -> BTreeSet<PersonId> {
    parties(&definition.tell, values, offices)
}

fn parties(parties: &[Party], values: &Values, offices: &Offices) -> BTreeSet<PersonId> {
    let mut found = BTreeSet::new();
    for party in parties {
        match party {
            Party::Role(role) => found.extend(offices.of_role(role).iter().map(|holder| holder.person.clone())),
            Party::Them => found.extend(persons(values)),
        }
    }
    found
}

fn persons(values: &Values) -> impl Iterator<Item = PersonId> {
    values.values().filter_map(|value| match value {
        Value::Person(person) => Some(person.clone()),
        _ => None,
    })
}

fn may_enter(definition: &RegisterDefinition, entering: Entering<'_>) -> bool {
    let mut roles = definition.add_roles.iter().chain(&definition.keeps);
    let is_named = definition.add_groups.iter().any(|group| entering.groups.contains(group));
    is_named || roles.any(|role| entering.offices.holds(entering.by, role))
}

fn term(definition: &RegisterDefinition, entry: &RegisterEntry, moment: Moment<'_>) -> Option<Date> {
    match definition.due.as_ref()? {
        RegisterDue::After(within) => Some(within.last_day(moment.calendar, moment.day_of(entry.at))),
        RegisterDue::Field(field) => match entry.values.get(field) {
            Some(Value::Day(day)) => Some(*day),
            Some(Value::Until(at)) => Some(moment.day_of(*at)),
            _ => None,
        },
    }
}

/// An entry that says nothing is a mistake of whoever sent it.
fn empty(definition: &RegisterDefinition, values: &Values) -> Option<FieldProblem> {
    let first = definition.fields.first()?;
    let message = format!("Answer “{}”: an entry has to say something", first.label);
    values.is_empty().then(|| FieldProblem { field: first.name.clone(), message })
}

fn twice(definition: &RegisterDefinition, values: &Values, open: &[RegisterEntry]) -> Option<FieldProblem> {
    let field = definition.once.as_ref()?;
    let value = values.get(field)?;
    let is_open = |entry: &&RegisterEntry| entry.closed_at.is_none() && entry.values.get(field) == Some(value);
    open.iter().find(is_open)?;
    let label = definition.fields.iter().find(|one| &one.name == field).map_or(&**field, |one| &*one.label);
    let message = format!("There is an open entry with the same answer to “{label}”. Close that one first");
    Some(FieldProblem { field: field.clone(), message })
}

#[cfg(test)]
mod tests;
