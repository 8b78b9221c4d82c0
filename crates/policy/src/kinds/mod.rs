//! The kinds of control: one module each with its syntax, its checks and what it compiles to.
//!
//! A new kind is a module here, a variant of [`Body`] and an arm in [`read`]; nothing else of the language changes.

pub mod account;
pub mod device;
pub mod duty;
pub mod effect;
pub mod file;
pub(crate) mod form;
pub mod keys;
pub mod mail;
pub mod publish;
pub mod register;
pub mod remind;
pub mod report;
pub mod request;
pub mod search;
pub mod sign;
pub mod things;
pub mod web;

use schoolgate_base::ControlKind;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Control, Table, Word};

/// What a control says, by its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Web(web::WebSyntax),
    /// One of the six kinds about described things.
    Thing(Box<things::ThingSyntax>),
    Request(request::RequestSyntax),
    Report(report::ReportSyntax),
    Sign(sign::SignSyntax),
    Remind(remind::RemindSyntax),
    Register(register::RegisterSyntax),
    Duty(duty::DutySyntax),
}

/// Reads one control, given the word that named its kind.
pub(crate) fn read(kind: ControlKind, key: &Word, table: &Table, findings: &mut Findings) -> Control {
    // The place of an array element is its own header; an inline table is its own place.
    let span = if table.span.start < table.span.end { table.span } else { key.span };
    let span = crate::diagnostic::Span { end: span.end.min(span.start + 80), ..span };
    let name = {
        let mut ignored = Vec::new();
        Reader::new(table, span, "a control", &mut ignored).text("name")
    };
    if let Some(name) = &name
        && !name.text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        findings.push(
            Diagnostic::new(Code::BadName, name.span, format!("`{}` cannot be the name of a control", name.text))
                .help("use lower-case letters, digits and dashes"),
        );
    }
    let words = |key: &'static str| {
        let mut ignored = Vec::new();
        Reader::new(table, span, "a control", &mut ignored).words(key).unwrap_or_default()
    };
    let (kept_by, answers) = (words("kept_by"), words("answers"));
    let body = body(kind, table, span, findings);
    Control { kind, name, kept_by, answers, span, body, table: table.clone() }
}

fn body(kind: ControlKind, table: &Table, span: Span, findings: &mut Findings) -> Body {
    let thing = |vocabulary, findings| Body::Thing(Box::new(things::read(kind, vocabulary, table, span, findings)));
    match kind {
        ControlKind::Web => Body::Web(web::read(table, span, findings)),
        ControlKind::Search => thing(&search::VOCABULARY, findings),
        ControlKind::Mail => thing(&mail::VOCABULARY, findings),
        ControlKind::File => thing(&file::VOCABULARY, findings),
        ControlKind::Publish => thing(&publish::VOCABULARY, findings),
        ControlKind::Account => thing(&account::VOCABULARY, findings),
        ControlKind::Device => thing(&device::VOCABULARY, findings),
        ControlKind::Request => Body::Request(request::read(table, span, findings)),
        ControlKind::Report => Body::Report(report::read(table, span, findings)),
        ControlKind::Register => Body::Register(register::read(table, span, findings)),
        ControlKind::Duty => Body::Duty(duty::read(table, span, findings)),
        ControlKind::Sign => Body::Sign(sign::read(table, span, findings)),
        ControlKind::Remind => Body::Remind(remind::read(table, span, findings)),
    }
}

/// The part of the product that keeps a kind of control in this release.
pub fn door(kind: ControlKind) -> Option<&'static str> {
    match kind {
        ControlKind::Web => Some("the web filter"),
        ControlKind::Request | ControlKind::Report => Some("a form in the portal"),
        ControlKind::Sign => Some("the agreement"),
        ControlKind::Remind => Some("a reminder"),
        ControlKind::Search
        | ControlKind::Mail
        | ControlKind::File
        | ControlKind::Publish
        | ControlKind::Account
        | ControlKind::Device
        | ControlKind::Register
        | ControlKind::Duty => None,
    }
}

/// Of a control that is kept: a part that is not.
fn part_not_kept(span: Span, message: &str, instead: &str) -> Diagnostic {
    Diagnostic::new(Code::PartNotKept, span, message)
        .why(instead)
        .help("leave it in place for a later release, and do not promise it to anybody until then")
}
