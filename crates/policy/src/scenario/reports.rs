//! Scenarios about reports: whom one reaches, whom it goes on to when nobody reads it, and how it can be closed.

use std::collections::BTreeSet;

use schoolgate_base::{PersonId, Within};
use schoolgate_cases::{
    Case, Definition, FieldKind, Offices, OpenError, RawValues, ReportDefinition, ReportStep, Route, escalation,
    kept_until, open_report, take_step,
};

use super::cases::{Actor, KnownHere, Stage, fill, marked, problem};
use super::outcome::{Day, Outcome, People, Vocabulary, judge};
use super::read::{piece, pieces};
use super::web::Failures;
use super::world::{not_understood, person_id};
use crate::diagnostic::{Code, Diagnostic};
use crate::nearest::nearest;
use crate::syntax::Word;

const VOCABULARY: Vocabulary = Vocabulary {
    people: &["goes to"],
    days: &["answer due", "kept until"],
    things: &[],
    states: &["reaches nobody", "closed", "takes no files"],
    texts: &["outside"],
    help: "write `Then it goes to carl.chair and not to helen.head`, `Then closed` or `Then not possible`",
};

const WHEN: &str = "write `When a report #clause is made about PERSON with BOX`, `… about PERSON is unread for 2 school days` or `… is closed without \"STEP\"`";

/// What happens to a report.
enum Fate {
    Made,
    Unread(Within),
    /// Without this step.
    ClosedWithout(String),
    /// With this outcome.
    ClosedWith(String),
}

pub(super) fn run(stage: &mut Stage<'_, '_>, report: &ReportDefinition, rest: &Word) -> Option<Failures> {
    let (about, fate) = fate(stage, report, rest)?;
    let mut raw = RawValues::new();
    let mut by = None;
    let mut subjects = Vec::new();
    for (key, value) in marked(&about.text, &["by", "about", "with"]) {
        let value = piece(&about, value);
        match key {
            "by" => by = Some(value),
            "about" => subjects.extend(pieces(&value)),
            _ => raw.extend(pieces(&value).into_iter().map(|flag| (flag.text, "yes".to_owned()))),
        }
    }
    check_boxes(stage, report, &raw, &about)?;
    let persons: Vec<PersonId> = subjects.iter().filter_map(|subject| person_id(subject, stage.findings)).collect();
    let fields = report.form.iter().filter(|field| field.kind == FieldKind::Person);
    raw.extend(fields.zip(&persons).map(|(field, person)| (field.name.to_string(), person.to_string())));
    fill(&report.form, &mut raw);
    stand_in(report, &mut raw);
    let who = match &by {
        Some(by) => stage.actor(by)?,
        None => (PersonId::new("somebody").ok()?, BTreeSet::new()),
    };
    let mut anybody = report.clone();
    if by.is_none() {
        anybody.ask = Vec::new();
    }
    let mut known = stage.known();
    known.persons.extend(PersonId::new(ANOTHER));
    let given = stage.given;
    judge(stage.scenario, &given.world, &VOCABULARY, stage.findings, || {
        let told = Told { stage: given, report: &anybody, known: &known };
        told.outcome(&who, &raw, fate)
    })
}

fn fate(stage: &mut Stage<'_, '_>, report: &ReportDefinition, rest: &Word) -> Option<(Word, Fate)> {
    let text = rest.text.as_str();
    if let Some((about, length)) = text.split_once("is unread for ") {
        let length = piece(rest, length);
        let within = crate::syntax::reader::within(&length, stage.findings)?;
        return Some((piece(rest, about), Fate::Unread(within.value)));
    }
    if let Some((about, step)) = text.split_once("is closed without ") {
        let step = piece(rest, step);
        return Some((piece(rest, about), Fate::ClosedWithout(known_step(stage, report, &step)?)));
    }
    if let Some((about, outcome)) = text.split_once("is closed with ") {
        return Some((piece(rest, about), Fate::ClosedWith(unquoted(outcome))));
    }
    let (before, after) = text.split_once("is made").unwrap_or(("", text));
    if !before.trim().is_empty() {
        stage.findings.push(not_understood(rest, WHEN));
        return None;
    }
    Some((piece(rest, after), Fate::Made))
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches(['"', '“', '”']).to_owned()
}

fn known_step(stage: &mut Stage<'_, '_>, report: &ReportDefinition, word: &Word) -> Option<String> {
    let step = unquoted(&word.text);
    if step == "an outcome" || report.steps.iter().any(|known| **known == *step) {
        return Some(step);
    }
    let message = format!("closing it takes no step “{step}”");
    let mut finding = Diagnostic::new(Code::ScenarioWorld, word.span, message);
    let near = nearest(&step, report.steps.iter().map(|step| &**step));
    finding.help = near.map(|near| format!("did you mean “{near}”?"));
    stage.findings.push(finding);
    None
}

/// Somebody whom no sentence names.
const ANOTHER: &str = "somebody-else";

/// What a report has to name and its sentence does not: its route is what counts.
fn stand_in(report: &ReportDefinition, raw: &mut RawValues) {
    for field in report.form.iter().filter(|field| field.required) {
        let text = match field.kind {
            FieldKind::Site => "site.example",
            FieldKind::Person => ANOTHER,
            FieldKind::Day => "today",
            _ => continue,
        };
        raw.entry(field.name.to_string()).or_insert_with(|| text.to_owned());
    }
}

fn check_boxes(stage: &mut Stage<'_, '_>, report: &ReportDefinition, raw: &RawValues, rest: &Word) -> Option<()> {
    let boxes = || report.form.iter().filter(|field| field.kind == FieldKind::Tick).map(|field| &*field.name);
    for name in raw.keys() {
        if !boxes().any(|known| known == name) {
            let mut finding = Diagnostic::new(Code::ScenarioWorld, rest.span, format!("the form has no box `{name}`"));
            finding.help = nearest(name, boxes()).map(|near| format!("did you mean `{near}`?"));
            stage.findings.push(finding);
            return None;
        }
    }
    Some(())
}

struct Told<'s, 'a> {
    stage: &'s super::given::Given<'a>,
    report: &'s ReportDefinition,
    known: &'s KnownHere,
}

impl Told<'_, '_> {
    fn outcome(&self, who: &Actor, raw: &RawValues, fate: Fate) -> Outcome {
        let Some(opening) = self.known.opening(who, raw) else { return Outcome::refused("no id") };
        let world = &self.stage.world;
        let now = world.moment(self.stage.now, &self.known.periods);
        let (case, route) = match open_report(self.report, opening, &world.offices, now) {
            Ok(opened) => opened,
            Err(OpenError::Nobody(route)) if matches!(fate, Fate::Made) => return reached(self.report, &route),
            Err(error) => return Outcome::refused(problem(error)),
        };
        match fate {
            Fate::Made => {
                Outcome { days: vec![("answer due", case.due_at.map(Day::At))], ..reached(self.report, &route) }
            }
            Fate::Unread(within) => {
                let later = world.moment(now.deadline(&within, now.now), &self.known.periods);
                match escalation(&case, self.report, &world.offices, later) {
                    Some(route) => reached(self.report, &route),
                    None => {
                        let states = vec![format!("unread for {within}, it goes to nobody else yet")];
                        Outcome { states, ..Outcome::default() }
                    }
                }
            }
            Fate::ClosedWithout(step) => {
                let first = self.report.outcomes.first().map_or("dealt with", |outcome| outcome);
                let outcome = if step == "an outcome" { "" } else { first };
                self.closed(case, &route, &world.offices, &step, outcome)
            }
            Fate::ClosedWith(outcome) => self.closed(case, &route, &world.offices, "", &outcome),
        }
    }

    /// Closes it after every step but one.
    fn closed(&self, mut case: Case, route: &Route, offices: &Offices, but: &str, outcome: &str) -> Outcome {
        let Some(first) = route.recipients.first() else { return Outcome::refused("nobody has it") };
        let done = self.report.steps.iter().filter(|step| ***step != *but);
        let steps = done.map(|step| ReportStep::Done { step: step.to_string() });
        for step in steps.chain([ReportStep::Close { outcome: outcome.to_owned() }]) {
            if let Err(refusal) = take_step(&mut case, self.report, &first.person, offices, step, self.stage.now) {
                return Outcome::refused(refusal.to_string());
            }
        }
        let moment = self.stage.world.moment(self.stage.now, &self.known.periods);
        let kept = kept_until(&Definition::Report(self.report.clone()), &case, moment);
        Outcome {
            states: vec!["closed".to_owned()],
            days: vec![("kept until", kept.map(Day::Whole))],
            ..Outcome::default()
        }
    }
}

fn reached(report: &ReportDefinition, route: &Route) -> Outcome {
    let takes = (!report.takes_files).then(|| "takes no files".to_owned());
    let persons = route.recipients.iter().map(|one| (one.person.clone(), Some(one.role.clone()))).collect();
    let people = People { persons, roles: route.offices().into_iter().cloned().collect() };
    Outcome {
        states: takes.into_iter().chain(route.is_nobody().then(|| "reaches nobody".to_owned())).collect(),
        people: vec![("goes to", people)],
        texts: route.outside.iter().map(|step| ("outside", step.text.to_string())).collect(),
        ..Outcome::default()
    }
}
