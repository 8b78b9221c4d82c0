//! Two clauses that want different things of the same people: reports, agreements, and what is kept and erased.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{Group, Recurrence, Turn, Unit, Within};
use schoolgate_cases::{Agreement, Definition, DutyDefinition, Falls, RegisterDefinition, ReportDefinition};

use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::Findings;

/// Of things of one name, so many are remembered for comparing: more forms of one kind are no policy.
const KEPT_MAX: usize = 64;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    reports(compiled, findings);
    signs(compiled, findings);
    registers(compiled, findings);
    let mut by_kind: BTreeMap<&str, Vec<(&RegisterDefinition, Span)>> = BTreeMap::new();
    for (register, &span) in compiled.registers.iter().zip(&compiled.register_spans) {
        by_kind.entry(&register.kind).or_default().push((register, span));
    }
    for (duty, &span) in compiled.duties.iter().zip(&compiled.duty_spans) {
        // A duty erases what it names either by `erases` or by its kind, `erase-kit-on-loan`.
        let kind = duty.erases.as_deref().or_else(|| duty.kind.strip_prefix("erase-"));
        let erased = kind.and_then(|kind| by_kind.get(kind)).map_or(&[][..], Vec::as_slice);
        erasing(duty, span, erased, findings);
    }
}

/// Whether somebody can be in an audience of both lists; an empty list is everybody.
pub(super) fn overlap(compiled: &Compiled, ones: &[Group], others: &[Group]) -> bool {
    let meets = |one: &Group| others.iter().any(|other| !compiled.school.are_apart(one, other));
    ones.is_empty() || others.is_empty() || ones.iter().any(meets)
}

fn reports(compiled: &Compiled, findings: &mut Findings) {
    let definitions = compiled.definitions.iter().zip(&compiled.definition_spans);
    let reports = definitions.filter_map(|(definition, span)| match definition {
        Definition::Report(report) => Some((&*report.kind, report, *span)),
        Definition::Request(_) => None,
    });
    let differs = |one: &ReportDefinition, other: &ReportDefinition| {
        overlap(compiled, &one.ask, &other.ask) && !is_same_route(one, other)
    };
    for ((one, first), (other, second)) in disagreeing(reports, differs) {
        findings.push(
            Diagnostic::new(
                Code::ReportsDisagree,
                second,
                format!(
                    "`#{}` and `#{}` send a report `{}` of the same people to different offices",
                    one.control.clause.clause, other.control.clause.clause, one.kind
                ),
            )
            .why("who hears would depend on the page on which somebody happened to find the form")
            .help("let both name the same offices, give one another `kind`, or `ask` of them different people")
            .other(first, "the other one"),
        );
    }
}

/// A thing with its place, and an earlier one that says otherwise.
type Pair<'a, T> = ((&'a T, Span), (&'a T, Span));

/// Of things of one name: each that differs from an earlier one, once, with the first such.
fn disagreeing<'a, T>(
    things: impl Iterator<Item = (&'a str, &'a T, Span)>,
    differs: impl Fn(&T, &T) -> bool,
) -> Vec<Pair<'a, T>> {
    let mut by_name: BTreeMap<&str, Vec<(&T, Span)>> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, thing, span) in things {
        let earlier = by_name.entry(name).or_default();
        found.extend(earlier.iter().find(|(one, _)| differs(one, thing)).map(|one| (*one, (thing, span))));
        if earlier.len() < KEPT_MAX {
            earlier.push((thing, span));
        }
    }
    found
}

fn is_same_route(one: &ReportDefinition, other: &ReportDefinition) -> bool {
    let to = |report: &ReportDefinition| report.to.iter().cloned().collect::<BTreeSet<_>>();
    to(one) == to(other) && one.about == other.about && one.also == other.also
}

fn signs(compiled: &Compiled, findings: &mut Findings) {
    let signs = compiled.agreements.iter().zip(&compiled.agreement_spans);
    let signs = signs.map(|(agreement, span)| (agreement.policy.as_str(), agreement, *span));
    let differs = |one: &Agreement, other: &Agreement| {
        (one.form != other.form || one.again != other.again) && overlap(compiled, &one.who, &other.who)
    };
    for ((one, first), (_, second)) in disagreeing(signs, differs) {
        findings.push(
            Diagnostic::new(
                Code::SignsDisagree,
                second,
                format!("the same people agree to `{}` in two ways, or at different times", one.policy),
            )
            .why("nobody could say whether somebody has agreed")
            .help("name different people in `who`, or let both say the same in `form` and `again`")
            .other(first, "the other one"),
        );
    }
}

fn registers(compiled: &Compiled, findings: &mut Findings) {
    let registers = compiled.registers.iter().zip(&compiled.register_spans);
    let registers = registers.map(|(register, span)| (&*register.kind, register, *span));
    for ((one, first), (other, second)) in disagreeing(registers, |one, other| one.keep != other.keep) {
        findings.push(
            Diagnostic::new(
                Code::KeepAndErase,
                second,
                format!("a list `{}` is kept {} here and {} there", one.kind, kept(other), kept(one)),
            )
            .why("an entry would be erased by one clause while another keeps it")
            .help("write the same `keep` in both")
            .other(first, "kept otherwise"),
        );
    }
}

fn kept(register: &RegisterDefinition) -> String {
    register.keep.as_ref().map_or_else(|| "for ever".to_owned(), Within::to_string)
}

fn erasing(duty: &DutyDefinition, span: Span, registers: &[(&RegisterDefinition, Span)], findings: &mut Findings) {
    let erased = days_until_due(&duty.falls);
    for &(register, place) in registers.iter().take(KEPT_MAX) {
        if register.keep.as_ref().is_some_and(|keep| days(keep) <= erased) {
            continue;
        }
        findings.push(
            Diagnostic::new(
                Code::KeepAndErase,
                span,
                format!("this duty erases what `#{}` keeps {}", register.control.clause.clause, kept(register)),
            )
            .why("an entry would be erased by one clause while another keeps it")
            .help("keep it no longer there; what is past its `keep` is erased by itself and needs no duty")
            .other(place, "kept here"),
        );
    }
}

/// The most days between what a duty hangs on and the day on which it is due.
pub(super) fn days_until_due(falls: &Falls) -> u64 {
    match falls {
        Falls::Every(every) => turn_days(*every),
        Falls::By(_) => 366,
        Falls::Before { within, .. } => within.as_ref().map_or(0, days),
        Falls::Upon { within, .. } => days(within),
    }
}

/// About so many days, for comparing.
pub(super) fn days(within: &Within) -> u64 {
    let Within::Count { count, unit, .. } = within else { return 1 };
    let each = match unit {
        Unit::Minute | Unit::Hour => 0,
        Unit::Day | Unit::SchoolDay => 1,
        Unit::Week => 7,
        Unit::Month => 30,
        Unit::Year => 365,
    };
    u64::from(*count) * each
}

fn turn_days(every: Recurrence) -> u64 {
    let each = match every.turn() {
        Turn::Day | Turn::SchoolDay => 1,
        Turn::Week => 7,
        Turn::Month => 31,
        Turn::Term => 122,
        Turn::Year => 366,
    };
    u64::from(every.count()) * each
}
