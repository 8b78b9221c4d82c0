//! `[[request]]`: who may ask for what, who decides, for how long, and what an approval does.
//!
//! ```toml
//! [[request]]
//! name    = "site"                                  # only where a clause has several
//! kind    = "open-site"
//! title   = "Ask for a site"
//! ask     = ["staff"]                               # left out: everybody
//! decide  = { any = ["it-technician"], stand_in = ["headteacher"], count = 1 }   # any, all or in_order
//! form    = ["site", "class", "why", "until"]       # known fields, or { name, label, kind, required, choices }
//! longest = "14 days"                               # from the moment of asking
//! effect  = { web = "allow", for = "class" }        # also group, lifts, task, opens; or a list of such
//! answer_within = "5 minutes in lessons"
//! keep    = "6 years"                               # after it is over; then it is erased
//! ```

use schoolgate_base::{ControlKind, Within};
use schoolgate_cases::{Field, How};

use super::effect::{self, EffectSyntax};
use super::form::{self, PlainWord};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Spanned, Table, Word};

/// A `request` control as written.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSyntax {
    pub span: Span,
    pub kind: Word,
    pub title: Option<Word>,
    pub ask: Vec<Word>,
    pub decide: DecideSyntax,
    pub form: Vec<Field>,
    pub longest: Option<Spanned<Within>>,
    pub effects: Vec<EffectSyntax>,
    pub answer_within: Option<Spanned<Within>>,
    pub keep: Option<Spanned<Within>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DecideSyntax {
    pub span: Span,
    pub how: How,
    pub roles: Vec<Word>,
    pub count: u32,
    pub stand_in: Vec<Word>,
}

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> RequestSyntax {
    let mut reader = Reader::control(table, span, ControlKind::Request, findings);
    let kind = reader.needed("kind", "\"open-site\"").unwrap_or(Word { text: String::new(), span });
    let title = reader.text("title");
    let ask = reader.words("ask").unwrap_or_default();
    let decide_place = reader.key_span("decide").unwrap_or(span);
    let decide = match reader.table("decide") {
        Some(table) => decide(table, decide_place, reader.findings),
        None => {
            if reader.key_span("decide").is_none() {
                reader.missing("decide", "{ any = [\"it-technician\"] }");
            }
            DecideSyntax { span, how: How::Any, roles: Vec::new(), count: 1, stand_in: Vec::new() }
        }
    };
    let form = form::form(&mut reader, "form", PlainWord::Unknown);
    let longest = reader.within("longest");
    let answer_within = reader.within("answer_within");
    let effects = effect::read(&mut reader, span);
    let keep = reader.within("keep");
    reader.finish();
    let mut request = RequestSyntax { span, kind, title, ask, decide, form, longest, effects, answer_within, keep };
    effect::check(&mut request, findings);
    request
}

fn decide(table: &Table, span: Span, findings: &mut Findings) -> DecideSyntax {
    let mut reader = Reader::new(table, span, "`decide`", findings);
    let mut decide = DecideSyntax { span, how: How::Any, roles: Vec::new(), count: 1, stand_in: Vec::new() };
    for (key, how) in [("any", How::Any), ("all", How::All), ("in_order", How::InOrder)] {
        let Some(roles) = reader.words(key) else { continue };
        if !decide.roles.is_empty() {
            let place = reader.key_span(key).unwrap_or(span);
            reader.findings.push(
                Diagnostic::new(Code::UnknownKey, place, "`decide` takes one of `any`, `all` and `in_order`")
                    .help("keep the one that is meant"),
            );
            continue;
        }
        decide.how = how;
        decide.roles = roles;
    }
    decide.stand_in = reader.words("stand_in").unwrap_or_default();
    if let Some(count) = reader.number("count") {
        match u32::try_from(count) {
            Ok(count) if (1..=20).contains(&count) => decide.count = count,
            _ => reader.wrong_type("count", span, "another number", "how many persons must approve, 1 to 20"),
        }
    }
    if decide.roles.is_empty() {
        reader.missing("any", "[\"it-technician\"]");
    }
    reader.finish();
    decide
}
