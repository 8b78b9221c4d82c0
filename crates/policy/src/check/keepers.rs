//! Controls that neither a door of ours nor anybody named keeps.

use jiff::civil::Date;
use schoolgate_base::{Calendar, ControlKind, Role, Unit, Within};

use schoolgate_decide::things::is_about_things;

use crate::diagnostic::{Code, Diagnostic};
use crate::kinds;
use crate::parse::Parsed;
use crate::school::{KnownBy, School};
use crate::syntax::reader::Findings;
use crate::syntax::{Clause, Control, Word};

/// A statement that nobody renews lapses.
const STATEMENT: Within = Within::Count { count: 1, unit: Unit::Year, period: None };

pub(super) fn check(parsed: &Parsed, today: Option<Date>, findings: &mut Findings) {
    let school = &parsed.school;
    for clause in parsed.documents.iter().flat_map(|document| &document.clauses) {
        for control in &clause.controls {
            control_kept(clause, control, school, findings);
        }
    }
    if let Some(today) = today {
        lapsed(school, today, findings);
    }
}

fn control_kept(clause: &Clause, control: &Control, school: &School, findings: &mut Findings) {
    let kind = control.kind;
    if kinds::door(kind).is_some() {
        return;
    }
    let word = kind.as_str();
    if !is_about_things(kind) {
        let message = format!("not kept here yet: this release has no pages for a {word}");
        findings.push(Diagnostic::new(Code::KindNotKept, control.span, message));
        return;
    }
    let named = if control.kept_by.is_empty() { &clause.notes.kept_by } else { &control.kept_by };
    if named.iter().any(|keeper| does(keeper, kind, school)) {
        return;
    }
    let (code, message) = match named.first() {
        None => (Code::NotKeptHere, format!("not kept here: no {word} door and no keeper named")),
        Some(keeper) => {
            (Code::NotKeptHere, format!("not kept here: no {word} door, and `{}` does no {word}", keeper.text))
        }
    };
    findings.push(
        Diagnostic::new(code, control.span, message)
            .why("people would be told that a machine keeps this, and none does")
            .help(format!("name a keeper of school.toml whose `does` has `{word}`: `kept_by = \"…\"`")),
    );
}

/// Whether a keeper carries out a kind: a role does what it is asked, a system what it says that it does.
pub(crate) fn does(keeper: &Word, kind: ControlKind, school: &School) -> bool {
    let entry = school.keepers.get(keeper.text.as_str());
    entry.map_or_else(
        || school.roles.contains_key(&Role::new(&keeper.text)),
        |entry| entry.does.is_empty() || entry.does.contains(&kind),
    )
}

fn lapsed(school: &School, today: Date, findings: &mut Findings) {
    for (name, keeper) in &school.keepers {
        let Some(KnownBy::Statement { stated, lapses }) = &keeper.known else { continue };
        let until = end_of(*stated, lapses.as_ref().unwrap_or(&STATEMENT), &school.calendar);
        if until.is_some_and(|until| until <= today) {
            findings.push(
                Diagnostic::new(Code::StatementLapsed, keeper.span, format!("what was stated of `{name}` has lapsed"))
                    .why("nobody knows any more whether it keeps what the policy says it does")
                    .help("ask again and write the new day into `stated`"),
            );
        }
    }
}

fn end_of(from: Date, length: &Within, calendar: &Calendar) -> Option<Date> {
    let start = from.to_zoned(calendar.zone.clone()).ok()?.timestamp();
    Some(calendar.local(length.deadline(calendar, None, start)).date())
}
