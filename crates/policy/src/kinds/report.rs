//! `[[report]]`: who may report what, to whom, who instead when it concerns them, which way out of the school.
//!
//! ```toml
//! [[report]]
//! name    = "adult"                                            # only where a clause has several
//! kind    = "concern-about-adult"
//! title   = "Report a concern about an adult"
//! ask     = ["staff"]                                          # left out: everybody
//! to      = ["headteacher"]
//! about   = { headteacher = ["chair-of-governors"] }           # who hears instead when it is about them
//! also    = { child_safety = ["dsl", "deputy-dsl"] }           # who hears as well when a box is ticked
//! outside = { may_meet_harm_threshold = "LADO, within 1 working day" }
//! within  = "same day"
//! form    = ["person", "what", "child_safety"]
//! escalate = { after = "1 school day", to = ["chair-of-governors"] }   # who hears when nobody has taken it on
//! steps    = ["parents told, or the lead's reason not to"]     # cannot be closed before
//! outcomes = ["no breach", "advice", "sanction"]               # one is chosen at closing; left out: free words
//! files    = false                                             # the form takes no file
//! keep     = "6 years"                                         # after it is closed; then it is erased
//! ```

use schoolgate_base::{ControlKind, Within};
use schoolgate_cases::{Field, FieldKind};

use super::form::{self, PlainWord};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::nearest;
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Spanned, Table, ValueKind, Word};

/// A `report` control as written.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportSyntax {
    pub span: Span,
    pub kind: Word,
    pub title: Option<Word>,
    pub ask: Vec<Word>,
    pub to: Vec<Word>,
    /// Office → who hears instead.
    pub about: Vec<(Word, Vec<Word>)>,
    /// Flag → who hears as well.
    pub also: Vec<(Word, Vec<Word>)>,
    /// Flag → the way out of the school.
    pub outside: Vec<(Word, Word)>,
    pub within: Option<Spanned<Within>>,
    pub form: Vec<Field>,
    pub escalate: Option<EscalateSyntax>,
    pub steps: Vec<Word>,
    pub outcomes: Vec<Word>,
    pub takes_files: bool,
    pub keep: Option<Spanned<Within>>,
}

/// Who hears when nobody has taken a report on.
#[derive(Debug, Clone, PartialEq)]
pub struct EscalateSyntax {
    pub span: Span,
    pub after: Spanned<Within>,
    pub to: Vec<Word>,
}

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> ReportSyntax {
    let mut reader = Reader::control(table, span, ControlKind::Report, findings);
    let kind = reader.needed("kind", "\"concern-about-adult\"").unwrap_or(Word { text: String::new(), span });
    let title = reader.text("title");
    let ask = reader.words("ask").unwrap_or_default();
    let to = reader.words("to").unwrap_or_default();
    if to.is_empty() && reader.key_span("to").is_none() {
        reader.missing("to", "[\"headteacher\"]");
    }
    let about = routes(&mut reader, "about");
    let also = routes(&mut reader, "also");
    let outside = outside(&mut reader);
    let within = reader.within("within");
    let form = form::form(&mut reader, "form", PlainWord::Unknown);
    let escalate_place = reader.key_span("escalate").unwrap_or(span);
    let escalate = reader.table("escalate").and_then(|table| escalate(table, escalate_place, reader.findings));
    let steps = reader.words("steps").unwrap_or_default();
    let outcomes = reader.words("outcomes").unwrap_or_default();
    let takes_files = reader.truth("files").unwrap_or(true);
    let keep = reader.within("keep");
    reader.finish();
    let mut report = ReportSyntax {
        span,
        kind,
        title,
        ask,
        to,
        about,
        also,
        outside,
        within,
        form,
        escalate,
        steps,
        outcomes,
        takes_files,
        keep,
    };
    complete_form(&mut report);
    check_flags(&report, findings);
    report
}

pub(super) fn routes(reader: &mut Reader<'_, '_>, key: &'static str) -> Vec<(Word, Vec<Word>)> {
    let Some(table) = reader.table(key) else { return Vec::new() };
    let mut routes = Vec::new();
    for (name, value) in &table.entries {
        let roles = match &value.kind {
            ValueKind::Text(word) => vec![word.clone()],
            ValueKind::List(items) => reader.list(&name.text, items),
            other => {
                reader.wrong_type(&name.text, value.span, other.name(), "a list of roles");
                continue;
            }
        };
        routes.push((name.clone(), roles));
    }
    routes
}

fn escalate(table: &Table, span: Span, findings: &mut Findings) -> Option<EscalateSyntax> {
    let mut reader = Reader::new(table, span, "`escalate`", findings);
    let after = reader.within("after");
    if after.is_none() && reader.key_span("after").is_none() {
        reader.missing("after", "\"1 school day\"");
    }
    let to = reader.words("to").unwrap_or_default();
    if to.is_empty() {
        reader.missing("to", "[\"chair-of-governors\"]");
    }
    reader.finish();
    Some(EscalateSyntax { span, after: after?, to }).filter(|escalate| !escalate.to.is_empty())
}

fn outside(reader: &mut Reader<'_, '_>) -> Vec<(Word, Word)> {
    let Some(table) = reader.table("outside") else { return Vec::new() };
    let mut ways = Vec::new();
    for (flag, value) in &table.entries {
        match &value.kind {
            ValueKind::Text(way) => ways.push((flag.clone(), way.clone())),
            other => reader.wrong_type(&flag.text, value.span, other.name(), "whom to turn to, as a text"),
        }
    }
    ways
}

/// A report without a form asks what happened; a flag that changes the route is asked for.
fn complete_form(report: &mut ReportSyntax) {
    if report.form.is_empty() {
        let names: &[&str] = if report.about.is_empty() { &["what", "when"] } else { &["person", "what", "when"] };
        report.form.extend(names.iter().filter_map(|name| Field::known(name)));
    }
    let flags: Vec<&Word> =
        report.also.iter().map(|(flag, _)| flag).chain(report.outside.iter().map(|(f, _)| f)).collect();
    let mut missing = Vec::new();
    for flag in flags {
        let is_asked = report.form.iter().chain(&missing).any(|field| *field.name == *flag.text);
        if !is_asked {
            missing.extend(Field::known(&flag.text));
        }
    }
    report.form.extend(missing);
}

fn check_flags(report: &ReportSyntax, findings: &mut Findings) {
    let ticks = || report.form.iter().filter(|field| field.kind == FieldKind::Tick).map(|field| &*field.name);
    let flags = report.also.iter().map(|(flag, _)| flag).chain(report.outside.iter().map(|(flag, _)| flag));
    for flag in flags {
        if ticks().any(|name| name == flag.text) {
            continue;
        }
        let known = Field::KNOWN
            .into_iter()
            .filter(|name| Field::known(name).is_some_and(|field| field.kind == FieldKind::Tick));
        let help = match nearest(&flag.text, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a box to `form`: {{ name = \"{}\", label = \"…\", kind = \"tick\" }}", flag.text),
        };
        findings.push(
            Diagnostic::new(Code::UnknownWord, flag.span, format!("no box of the form is called `{}`", flag.text))
                .why("nobody could tick it, so the route would never be taken")
                .help(help),
        );
    }
}
