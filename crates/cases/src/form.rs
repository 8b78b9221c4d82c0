//! Checks what people typed into a form and turns it into typed answers.
//!
//! Every field is checked and every problem is reported at once, each saying what is wrong, where, and what to do.
//! Unknown names are ignored: the field list is the definition's, never the sender's.

mod answer;
mod suffix;
mod until;

pub use suffix::is_shared;

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{Group, Host, PersonId, Within};

use crate::{Field, FieldKind, Moment, Value, Values};

/// Answers as they came in, by input name.
pub type RawValues = BTreeMap<String, String>;

/// What the school has, for fields that name one of it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// As groups: `class:6B`.
    pub classes: &'a BTreeSet<Group>,
    pub persons: &'a BTreeSet<PersonId>,
}

/// One thing wrong with one field, in a sentence for the person who filled it in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FieldProblem {
    pub field: Box<str>,
    pub message: String,
}

/// Checks every field of a form.
pub fn check_form(
    fields: &[Field],
    longest: Option<&Within>,
    raw: &RawValues,
    known: Known<'_>,
    moment: Moment<'_>,
) -> Result<Values, Vec<FieldProblem>> {
    let mut values = Values::new();
    let mut problems = Vec::new();
    for field in fields {
        let text = raw.get(&*field.name).map_or("", String::as_str).trim();
        match check_field(field, longest, text, known, moment) {
            Ok(Some(value)) => {
                values.insert(field.name.clone(), value);
            }
            Ok(None) => {}
            Err(message) => problems.push(FieldProblem { field: field.name.clone(), message }),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// What an approval would open: whole hosts, because of HTTPS a door sees no more. Pages are dropped, so that asker and
/// decider read what will be open, and names that many unrelated sites share are refused.
pub(crate) fn whole_sites(values: &mut Values) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Vec::new();
    for (field, value) in values {
        let Value::Site(site) = value else { continue };
        site.path = None;
        if let Host::Name(name) = &site.host
            && is_shared(name)
        {
            let message =
                format!("Thousands of unrelated sites end in “{name}”. Enter the one site, such as maps.{name}");
            problems.push(FieldProblem { field: field.clone(), message });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn check_field(
    field: &Field,
    longest: Option<&Within>,
    text: &str,
    known: Known<'_>,
    moment: Moment<'_>,
) -> Result<Option<Value>, String> {
    if let FieldKind::Tick = field.kind {
        let is_ticked = !matches!(text, "" | "no" | "off" | "false" | "0");
        if field.required && !is_ticked {
            return Err(format!("Tick “{}”", field.label));
        }
        return Ok(is_ticked.then_some(Value::Tick(true)));
    }
    if text.is_empty() {
        return if field.required { Err(missing(field)) } else { Ok(None) };
    }
    let count = text.chars().count();
    if u32::try_from(count).map_or(true, |count| field.longest < count) {
        let longest = field.longest;
        return Err(format!("“{}” may be at most {longest} characters; yours has {count}", field.label));
    }
    match &field.kind {
        FieldKind::Site => answer::site(text).map(Value::Site),
        FieldKind::Class => answer::class(text, known.classes).map(Value::Class),
        FieldKind::Person => answer::person(text, known.persons).map(Value::Person),
        FieldKind::Line => Ok(Value::Text(answer::one_line(text))),
        FieldKind::Text => Ok(Value::Text(answer::plain_text(text))),
        FieldKind::Until => until::until(text, longest, moment).map(Value::Until),
        FieldKind::Choice(choices) => answer::choice(text, choices).map(Value::Choice),
        FieldKind::Tick => Ok(Value::Tick(true)),
        FieldKind::Day => until::day(text, moment).map(Value::Day),
        FieldKind::Number => answer::number(text).map(Value::Number),
    }
    .map(Some)
}

fn missing(field: &Field) -> String {
    match &field.kind {
        FieldKind::Site => "Enter the site, for example maps.example".to_owned(),
        FieldKind::Class => "Enter the class, for example 6B".to_owned(),
        FieldKind::Person => "Choose the person".to_owned(),
        FieldKind::Until => "Enter the day until which it is needed, for example 27/11/2026".to_owned(),
        FieldKind::Choice(_) => format!("Choose an answer to “{}”", field.label),
        FieldKind::Day => format!("Enter the day for “{}”, for example 27/11/2026", field.label),
        FieldKind::Number => format!("Enter a number for “{}”", field.label),
        FieldKind::Line | FieldKind::Text | FieldKind::Tick => format!("Answer “{}”", field.label),
    }
}

#[cfg(test)]
mod tests;
