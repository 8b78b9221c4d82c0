//! Scenarios about cases and agreements: which sentence it is, and what all of them share.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schoolgate_base::{CaseId, ControlId, Group, Period, PersonId, SchoolId};
use schoolgate_cases::{Definition, FieldKind, FieldProblem, Known, Moment, OpenError, Opening, RawValues};

use super::facts::refers_to;
use super::given::{Given, Persona};
use super::read::piece;
use super::web::Failures;
use super::world::{World, not_understood};
use super::{Scenario, agreements, duties, registers, reports, requests};
use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic};
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

/// Whether a `when` is about a case or an agreement, not about a door.
pub(super) fn is_one(when: &str) -> bool {
    let is_agreement = when.ends_with("asked to agree") || when.contains(" about to ");
    is_agreement || (when.contains('#') && !when.contains("opens "))
}

/// Runs a scenario; `None` when a sentence is not understood.
pub(super) fn run(
    scenario: &Scenario,
    given: &Given<'_>,
    compiled: &Compiled,
    findings: &mut Findings,
) -> Option<Failures> {
    let when = scenario.when.first()?;
    let mut stage = Stage { scenario, given, compiled, findings };
    if let Some(who) = when.text.strip_suffix("asked to agree") {
        return agreements::asked(&mut stage, &piece(when, without_is(who)));
    }
    if let Some((who, moment)) = when.text.split_once("about to ") {
        return agreements::about_to(&mut stage, &piece(when, without_is(who)), &piece(when, moment));
    }
    let (head, tail) = when.text.split_once('#')?;
    let reference = reference(&when.text, head, tail);
    let rest = piece(when, tail.get(tail.find(char::is_whitespace).unwrap_or(tail.len())..).unwrap_or(""));
    let (head, reference) = (piece(when, head), piece(when, reference));
    if rest.text.starts_with("is looked at") {
        return duties::looked_at(&mut stage, &reference, &rest);
    }
    if let Some(who) = head.text.strip_suffix("enters") {
        return registers::enters(&mut stage, &piece(&head, who), &reference, &rest);
    }
    match stage.definition(&reference)? {
        Definition::Report(report) => reports::run(&mut stage, report, &rest),
        Definition::Request(request) => {
            let who = head.text.trim_end_matches("asks").trim();
            requests::run(&mut stage, request, &piece(&head, who), &rest)
        }
    }
}

fn without_is(who: &str) -> &str {
    let who = who.trim();
    who.strip_suffix(" is").unwrap_or(who)
}

/// `#clause`, or `policy#clause` where the word before it goes on.
fn reference<'t>(text: &'t str, head: &str, tail: &str) -> &'t str {
    let start = head.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let end = head.len() + 1 + tail.find(char::is_whitespace).unwrap_or(tail.len());
    text.get(start..end).unwrap_or(text).trim_end_matches(',')
}

/// What every scenario about cases works with.
pub(super) struct Stage<'r, 'a> {
    pub(super) scenario: &'r Scenario,
    pub(super) given: &'r Given<'a>,
    pub(super) compiled: &'r Compiled,
    pub(super) findings: &'r mut Findings,
}

/// Somebody with every audience they are in.
pub(super) type Actor = (PersonId, BTreeSet<Group>);

impl<'r, 'a> Stage<'r, 'a> {
    pub(super) fn world(&self) -> &'r World<'a> {
        &self.given.world
    }

    fn definition(&mut self, reference: &Word) -> Option<&'r Definition> {
        let compiled = self.compiled;
        let controls = compiled.definitions.iter().map(Definition::control);
        let found = self.find(reference, "request or report", controls)?;
        compiled.definitions.get(found)
    }

    /// The place of the control that a reference of a sentence means.
    pub(super) fn find<'c>(
        &mut self,
        reference: &Word,
        what: &str,
        controls: impl Iterator<Item = &'c ControlId> + Clone,
    ) -> Option<usize> {
        let found = controls.clone().position(|control| refers_to(&reference.text, control));
        if found.is_none() {
            let names: Vec<String> = controls.map(|control| format!("#{}", control.clause.clause)).collect();
            let message = format!("clause `{}` has no {what}", reference.text);
            let mut finding = Diagnostic::new(Code::ScenarioWorld, reference.span, message);
            let near = nearest(&reference.text, names.iter().map(String::as_str));
            finding.help = near.map(|near| format!("did you mean `{near}`?"));
            self.findings.push(finding);
        }
        found
    }

    /// Who acts: somebody named, or whoever the scenario is about.
    pub(super) fn actor(&mut self, who: &Word) -> Option<Actor> {
        let text = who.text.to_lowercase();
        let persona = match text.as_str() {
            "she" | "he" | "they" | "" | "somebody" => self.given.who.clone(),
            _ => self.given.persona(who, self.findings),
        };
        match persona {
            Persona::Somebody(member) => Some((member.person.clone(), member.groups.iter().cloned().collect())),
            Persona::Nobody | Persona::Unsaid => {
                self.findings.push(not_understood(who, "say who: `Given a teacher` or `When tess.teacher asks …`"));
                None
            }
        }
    }

    pub(super) fn known(&self) -> KnownHere {
        let groups = self.compiled.school.groups.keys();
        KnownHere {
            classes: groups.filter(|group| self.world().is_class(group)).cloned().collect(),
            persons: self.world().people.keys().cloned().collect(),
            periods: self.compiled.program.periods.values().cloned().collect(),
            case: CaseId::from_random([0; 16]),
            school: self.compiled.school.id.clone().or_else(|| SchoolId::new("school").ok()),
        }
    }
}

/// What forms may name, and ids that stand in for those the shell makes.
pub(super) struct KnownHere {
    pub(super) classes: BTreeSet<Group>,
    pub(super) persons: BTreeSet<PersonId>,
    pub(super) periods: Vec<Period>,
    case: CaseId,
    school: Option<SchoolId>,
}

impl KnownHere {
    pub(super) fn known(&self) -> Known<'_> {
        Known { classes: &self.classes, persons: &self.persons }
    }

    pub(super) fn opening<'o>(&'o self, who: &'o Actor, raw: &'o RawValues) -> Option<Opening<'o>> {
        let school = self.school.as_ref()?;
        Some(Opening { id: &self.case, school, by: &who.0, groups: &who.1, raw, known: self.known() })
    }
}

impl World<'_> {
    pub(super) fn moment<'m>(&'m self, now: Timestamp, periods: &'m [Period]) -> Moment<'m> {
        Moment { now, calendar: &self.compiled.school.calendar, periods }
    }
}

pub(super) fn problem(error: OpenError) -> String {
    match error {
        OpenError::Form(problems) => problems_in_words(&problems),
        other => other.to_string(),
    }
}

pub(super) fn problems_in_words(problems: &[FieldProblem]) -> String {
    problems.iter().map(|problem| format!("{}: {problem}", problem.field)).collect::<Vec<_>>().join("; ")
}

/// Answers of a sentence: `for site bet.example class 6B until 2026-11-27`, by the names of the fields.
pub(super) fn answers(form: &[schoolgate_cases::Field], rest: &Word) -> RawValues {
    let names: Vec<&str> = form.iter().map(|field| &*field.name).collect();
    let text = rest.text.strip_prefix("for ").unwrap_or(&rest.text);
    let clean = |value: &str| value.trim().trim_end_matches(',').trim_matches(['"', '“', '”']).to_owned();
    let mut raw: RawValues =
        marked(text, &names).into_iter().map(|(key, value)| (key.to_owned(), clean(value))).collect();
    // A box that is named is ticked.
    for field in form.iter().filter(|field| field.kind == FieldKind::Tick) {
        if let Some(value) = raw.get_mut(&*field.name).filter(|value| value.is_empty()) {
            "yes".clone_into(value);
        }
    }
    raw
}

/// The words before the first field that a sentence names: a field that the form does not have.
pub(super) fn unknown_field(form: &[schoolgate_cases::Field], rest: &Word) -> Option<Word> {
    let names: Vec<&str> = form.iter().map(|field| &*field.name).collect();
    let text = rest.text.strip_prefix("for ").unwrap_or(&rest.text).trim();
    let first = marked(text, &names).first().map(|(mark, _)| *mark);
    let head = first.map_or(text, |mark| text.split(mark).next().unwrap_or(""));
    let word = head.split_whitespace().next()?;
    Some(piece(rest, word))
}

/// Says that a form has no such field.
pub(super) fn no_such_field(form: &[schoolgate_cases::Field], word: &Word) -> Diagnostic {
    let names = || form.iter().map(|field| &*field.name);
    let message = format!("the form has no field `{}`", word.text);
    let help = match nearest(&word.text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", crate::syntax::reader::list_of(names())),
    };
    Diagnostic::new(Code::ScenarioWorld, word.span, message).help(help)
}

/// Answers that a scenario leaves out and the form wants.
pub(super) fn fill(form: &[schoolgate_cases::Field], raw: &mut RawValues) {
    for field in form {
        if !field.required || raw.contains_key(&*field.name) {
            continue;
        }
        let text = match &field.kind {
            FieldKind::Text | FieldKind::Line => "said in a scenario".to_owned(),
            FieldKind::Choice(choices) => choices.first().map_or_else(String::new, |(value, _)| value.to_string()),
            FieldKind::Tick => "yes".to_owned(),
            FieldKind::Number => "1".to_owned(),
            FieldKind::Site => "site.example".to_owned(),
            FieldKind::Class | FieldKind::Person | FieldKind::Until | FieldKind::Day => continue,
        };
        raw.insert(field.name.to_string(), text);
    }
}

/// Cuts a sentence at whole words outside quotes: `site X class 6B` at `site` and `class` gives (site, X), (class, 6B).
pub(super) fn marked<'t>(text: &'t str, marks: &[&'t str]) -> Vec<(&'t str, &'t str)> {
    let mut cuts: Vec<(usize, &str)> = Vec::new();
    let (mut at, mut quotes) = (0, 0);
    for word in text.split(' ') {
        if quotes % 2 == 0
            && let Some(mark) = marks.iter().find(|mark| **mark == word)
        {
            cuts.push((at, mark));
        }
        quotes += word.matches(['"', '“', '”']).count();
        at += word.len() + 1;
    }
    let ends = cuts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    cuts.iter()
        .zip(ends)
        .map(|((start, mark), end)| (*mark, text.get(start + mark.len()..end).unwrap_or("").trim()))
        .collect()
}
