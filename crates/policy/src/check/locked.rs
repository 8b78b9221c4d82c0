//! Clauses that no other policy may weaken.
//!
//! A policy decides about its own exceptions; what is locked holds against every *other* policy of the pack. Replacing
//! is refused where clauses are put together (`replace`); here is what weakens a clause that stands: a rule that goes
//! over it or speaks instead of it, a request that lifts it, and a control of the same kind that asks for less.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{ClauseId, ControlId, Group, PolicyId, Within};
use schoolgate_cases::{
    Definition, DutyDefinition, Effect, Falls, How, RegisterDefinition, ReportDefinition, RequestDefinition,
};
use schoolgate_decide::snapshot::Audience;

use super::disagree::{days, days_until_due, overlap};
use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::overlap::Meetings;
use crate::parse::Parsed;
use crate::syntax::reader::Findings;

pub(super) fn check(parsed: &Parsed, compiled: &Compiled, meetings: &Meetings, findings: &mut Findings) {
    let locked = locked(parsed);
    if locked.is_empty() {
        return;
    }
    let mut checker = Checker { compiled, locked, said: BTreeSet::new(), findings };
    checker.over();
    checker.web(meetings);
    checker.requests();
    checker.twins();
}

fn locked(parsed: &Parsed) -> BTreeMap<ClauseId, Span> {
    let mut found = BTreeMap::new();
    for document in &parsed.documents {
        let Ok(policy) = PolicyId::new(&document.front.policy.text) else { continue };
        for clause in document.clauses.iter().filter(|clause| clause.notes.is_locked) {
            let id = ClauseId { policy: policy.clone(), clause: clause.id.text.as_str().into() };
            found.entry(id).or_insert(clause.id.span);
        }
    }
    found
}

struct Checker<'a, 'f> {
    compiled: &'a Compiled,
    locked: BTreeMap<ClauseId, Span>,
    /// Which control weakens which clause, as far as it was said.
    said: BTreeSet<(ControlId, ClauseId)>,
    findings: &'f mut Findings,
}

impl<'a> Checker<'a, '_> {
    /// Whether another policy's control meets a locked clause.
    fn is_foreign(&self, control: &ControlId, clause: &ClauseId) -> bool {
        self.locked.contains_key(clause) && control.clause.policy != clause.policy
    }

    fn push(&mut self, place: Span, control: &ControlId, clause: &ClauseId, how: &str, help: &str) {
        if !self.said.insert((control.clone(), clause.clone())) {
            return;
        }
        let Some(&locked) = self.locked.get(clause) else { return };
        let message = format!("`#{}` weakens `{clause}`, which is locked: {how}", control.clause.clause);
        self.findings.push(
            Diagnostic::new(Code::LockedWeakened, place, message)
                .why("whoever wrote it wants it to hold in every school that takes the policy on")
                .help(help)
                .other(locked, "locked here"),
        );
    }

    /// Rules that say of themselves that they go first.
    fn over(&mut self) {
        const HELP: &str = "take the locked clause out of `over`";
        let compiled = self.compiled;
        let mut strictest = BTreeMap::new();
        for rule in &compiled.program.rules {
            let known = strictest.entry(&rule.control).or_insert(rule.verdict);
            *known = (*known).max(rule.verdict);
        }
        for (rule, origin) in compiled.program.rules.iter().zip(&compiled.origins) {
            for over in &rule.over {
                let is_looser = strictest.get(over).is_some_and(|locked| rule.verdict < *locked);
                if is_looser && self.is_foreign(&rule.control, &over.clause) {
                    self.push(origin.control, &rule.control, &over.clause, "it goes over it and asks for less", HELP);
                }
            }
        }
        let actions: BTreeMap<&ControlId, _> =
            compiled.program.things.iter().map(|rule| (&rule.control, rule.action)).collect();
        for (rule, &span) in compiled.program.things.iter().zip(&compiled.thing_spans) {
            for over in &rule.over {
                let is_looser = actions.get(over).is_some_and(|locked| rule.action < *locked);
                if is_looser && self.is_foreign(&rule.control, &over.clause) {
                    self.push(span, &rule.control, &over.clause, "it goes over it and asks for less", HELP);
                }
            }
        }
    }

    /// Rules that are more specific or for fewer people, and so speak instead.
    fn web(&mut self, meetings: &Meetings) {
        let compiled = self.compiled;
        let rule = |at: usize| Some((compiled.program.rules.get(at)?, compiled.origins.get(at)?));
        for (&silent, winners) in &meetings.silenced_by {
            let Some((locked, _)) = rule(silent) else { continue };
            for (winner, origin) in winners.iter().filter_map(|&at| rule(at)) {
                if self.is_foreign(&winner.control, &locked.control.clause) && winner.verdict < locked.verdict {
                    let how = "it speaks in its stead and asks for less";
                    let help = "make this rule as strict, or leave out what the locked rule is about";
                    self.push(origin.target, &winner.control, &locked.control.clause, how, help);
                }
            }
        }
    }

    /// Requests whose approval takes somebody out of a locked rule.
    fn requests(&mut self) {
        let compiled = self.compiled;
        let definitions = compiled.definitions.iter().zip(&compiled.definition_spans);
        for (definition, &span) in definitions {
            let Definition::Request(request) = definition else { continue };
            for effect in &request.effects {
                match effect {
                    Effect::Lift { clause, .. } if self.is_foreign(&request.control, clause) => {
                        let help = "leave `lifts` out; ask whoever wrote the clause for an exception in it";
                        self.push(span, &request.control, clause, "what is approved here lifts it", help);
                    }
                    Effect::Join { group, .. } => self.excepted(request, group, span),
                    _ => {}
                }
            }
        }
    }

    fn excepted(&mut self, request: &RequestDefinition, group: &Group, span: Span) {
        let compiled = self.compiled;
        let school = &compiled.school;
        let web = compiled.program.rules.iter().map(|rule| (&rule.control.clause, &rule.scope.audience));
        let things = compiled.program.things.iter().map(|rule| (&rule.control.clause, &rule.scope.audience));
        let is_out = |audience: &Audience| audience.except.iter().any(|out| school.is_within(group, out));
        let clauses: BTreeSet<&ClauseId> =
            web.chain(things).filter(|(_, audience)| is_out(audience)).map(|(clause, _)| clause).collect();
        for clause in clauses {
            if self.is_foreign(&request.control, clause) {
                let how = format!("what is approved here puts people into `{group}`, whom it does not bind");
                let help = "let the policy that locks the clause say who is put into that group";
                self.push(span, &request.control, clause, &how, help);
            }
        }
    }

    /// Controls of the same kind of thing that ask for less: people would take the easier way.
    fn twins(&mut self) {
        let compiled = self.compiled;
        let definitions: Vec<Twin<'a>> = compiled
            .definitions
            .iter()
            .zip(&compiled.definition_spans)
            .map(|(definition, &span)| match definition {
                Definition::Request(request) => Twin { span, what: What::Request(request) },
                Definition::Report(report) => Twin { span, what: What::Report(report) },
            })
            .collect();
        let duties = compiled.duties.iter().zip(&compiled.duty_spans);
        let duties = duties.map(|(duty, &span)| Twin { span, what: What::Duty(duty) });
        let registers = compiled.registers.iter().zip(&compiled.register_spans);
        let registers = registers.map(|(register, &span)| Twin { span, what: What::Register(register) });
        let mut by_kind: BTreeMap<(u8, &str), Vec<Twin<'a>>> = BTreeMap::new();
        for twin in definitions.into_iter().chain(duties).chain(registers) {
            by_kind.entry(twin.what.kind()).or_default().push(twin);
        }
        for twins in by_kind.values() {
            for locked in twins {
                let clause = &locked.what.control().clause;
                if !self.locked.contains_key(clause) {
                    continue;
                }
                for other in twins {
                    if !self.is_foreign(other.what.control(), clause) {
                        continue;
                    }
                    if let Some(how) = less(compiled, locked.what, other.what) {
                        let help = "ask for as much as the locked clause does, or give it another `kind`";
                        self.push(other.span, other.what.control(), clause, how, help);
                    }
                }
            }
        }
    }
}

struct Twin<'a> {
    span: Span,
    what: What<'a>,
}

#[derive(Clone, Copy)]
enum What<'a> {
    Request(&'a RequestDefinition),
    Report(&'a ReportDefinition),
    Duty(&'a DutyDefinition),
    Register(&'a RegisterDefinition),
}

impl<'a> What<'a> {
    fn kind(self) -> (u8, &'a str) {
        match self {
            Self::Request(request) => (0, &request.kind),
            Self::Report(report) => (1, &report.kind),
            Self::Duty(duty) => (2, &duty.kind),
            Self::Register(register) => (3, &register.kind),
        }
    }

    fn control(self) -> &'a ControlId {
        match self {
            Self::Request(request) => &request.control,
            Self::Report(report) => &report.control,
            Self::Duty(duty) => &duty.control,
            Self::Register(register) => &register.control,
        }
    }
}

/// In what a twin asks for less than the locked one.
fn less(compiled: &Compiled, locked: What<'_>, other: What<'_>) -> Option<&'static str> {
    match (locked, other) {
        (What::Request(locked), What::Request(other)) if overlap(compiled, &locked.ask, &other.ask) => {
            less_request(locked, other)
        }
        (What::Report(locked), What::Report(other)) if overlap(compiled, &locked.ask, &other.ask) => {
            less_report(locked, other)
        }
        (What::Duty(locked), What::Duty(other)) => less_duty(locked, other),
        (What::Register(locked), What::Register(other)) => {
            is_longer(other.keep.as_ref(), locked.keep.as_ref()).then_some("it keeps entries longer")
        }
        _ => None,
    }
}

fn less_request(locked: &RequestDefinition, other: &RequestDefinition) -> Option<&'static str> {
    let decides: BTreeSet<_> = locked.decide.roles.iter().collect();
    let is_new = other.decide.roles.iter().any(|role| !decides.contains(role));
    let is_alone = locked.decide.how != How::Any && other.decide.how == How::Any;
    if is_new {
        return Some("others decide than it names");
    }
    if is_alone || other.decide.count < locked.decide.count {
        return Some("fewer people have to approve");
    }
    if is_longer(other.longest.as_ref(), locked.longest.as_ref()) {
        return Some("an approval lasts longer");
    }
    is_longer(other.answer_within.as_ref(), locked.answer_within.as_ref()).then_some("an answer may take longer")
}

fn less_report(locked: &ReportDefinition, other: &ReportDefinition) -> Option<&'static str> {
    let hears = |report: &ReportDefinition| report.to.iter().cloned().collect::<BTreeSet<_>>();
    if !hears(locked).is_subset(&hears(other)) {
        return Some("somebody who hears there does not hear here");
    }
    if locked.about.iter().any(|(role, instead)| other.about.get(role) != Some(instead)) {
        return Some("somebody else hears when it is about an office");
    }
    let is_kept = |(flag, roles): (&schoolgate_cases::Flag, &Vec<schoolgate_base::Role>)| {
        other.also.get(flag).is_some_and(|also| roles.iter().all(|role| also.contains(role)))
    };
    if !locked.also.iter().all(is_kept) || locked.outside.keys().any(|flag| !other.outside.contains_key(flag)) {
        return Some("a way that it takes with a box ticked is not taken here");
    }
    is_longer(other.within.as_ref(), locked.within.as_ref()).then_some("it may take longer until somebody acts")
}

fn less_duty(locked: &DutyDefinition, other: &DutyDefinition) -> Option<&'static str> {
    let is_late = match (&locked.falls, &other.falls) {
        (Falls::Before { within: locked, .. }, Falls::Before { within: other, .. }) => {
            is_longer(other.as_ref(), locked.as_ref())
        }
        (locked, other) => days_until_due(locked) < days_until_due(other),
    };
    is_late.then_some("it is due later or less often")
}

/// Whether a length is longer than the one that is wanted; no length is for ever.
fn is_longer(length: Option<&Within>, wanted: Option<&Within>) -> bool {
    match (length, wanted) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(length), Some(wanted)) => amount(wanted) < amount(length),
    }
}

/// Days, then minutes, so that hours are told apart.
fn amount(length: &Within) -> (u64, u64) {
    let minutes = match length {
        Within::Count { count, unit: schoolgate_base::Unit::Minute, .. } => u64::from(*count),
        Within::Count { count, unit: schoolgate_base::Unit::Hour, .. } => u64::from(*count) * 60,
        Within::SameDay | Within::Count { .. } => 0,
    };
    (days(length), minutes)
}
