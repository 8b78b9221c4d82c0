//! `[[register]]`: a list that people keep, what an entry holds, who sees it, when it is due, how long it is kept.
//!
//! ```toml
//! [[register]]
//! name    = "kit"                          # only where a clause has several
//! kind    = "kit-on-loan"
//! title   = "Kit on loan"                  # left out: the kind
//! fields  = ["item",                       # known fields, columns of one line, or tables
//!            { name = "holder", label = "Who has it?", kind = "person", required = true },
//!            { name = "back", label = "Due back", kind = "day" }]
//! add     = ["teachers"]                   # roles or groups who enter, beside those who keep it
//! keeps   = ["it-technician"]              # roles who answer for it; left out: the roles of `add`
//! see     = ["headteacher", "them"]        # further roles or groups who see entries; them: the person an entry is about
//! due     = "back"                         # the field with the day, or a length after the entry: "1 year"
//! warn    = "2 weeks"                      # before it is due
//! tell    = ["headteacher", "them"]        # told when it is due and nothing was entered
//! once    = "holder"                       # one open entry for each value of this field
//! keep    = "6 years"                      # after it is over; then it is erased
//! ```

use schoolgate_base::{ControlKind, Within};
use schoolgate_cases::{Field, FieldKind};

use super::form::{self, PlainWord};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::nearest;
use crate::syntax::reader::{self, Findings, Reader};
use crate::syntax::{Spanned, Table, Value, ValueKind, Word};

/// A `register` control as written.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisterSyntax {
    pub span: Span,
    pub kind: Word,
    pub title: Option<Word>,
    pub fields: Vec<Field>,
    pub add: Vec<Word>,
    pub keeps: Vec<Word>,
    pub see: Vec<Word>,
    pub due: Option<DueSyntax>,
    pub warn: Option<Spanned<Within>>,
    pub tell: Vec<Word>,
    pub once: Option<Word>,
    pub keep: Option<Spanned<Within>>,
}

/// When something must happen with an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum DueSyntax {
    Field(Word),
    After(Spanned<Within>),
}

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> RegisterSyntax {
    let mut reader = Reader::control(table, span, ControlKind::Register, findings);
    let kind = reader.needed("kind", "\"kit-on-loan\"").unwrap_or(Word { text: String::new(), span });
    let title = reader.text("title");
    let mut fields = form::form(&mut reader, "fields", PlainWord::Line);
    if fields.is_empty() {
        reader.missing("fields", "[\"item\", { name = \"holder\", label = \"Who has it?\", kind = \"person\" }]");
    }
    let add = reader.words("add").unwrap_or_default();
    let keeps = reader.words("keeps").unwrap_or_default();
    let see = reader.words("see").unwrap_or_default();
    let due = reader.text("due").and_then(|word| due(word, reader.findings));
    let warn = reader.within("warn");
    let tell = reader.words("tell").unwrap_or_default();
    let once = reader.text("once");
    let keep = reader.within("keep");
    if reader.key_span("due").is_none()
        && let Some(place) = reader.key_span("warn").or_else(|| reader.key_span("tell"))
    {
        reader.findings.push(
            Diagnostic::new(Code::MissingKey, place, "nothing says when an entry is due, so nobody would ever be told")
                .help("add `due = \"1 year\"`, or the name of a field with a day"),
        );
    }
    reader.finish();
    // An entry without its first column says nothing.
    let is_plain = |value: &Value| matches!(&value.kind, ValueKind::List(items) if matches!(items.first(), Some(Value { kind: ValueKind::Text(_), .. })));
    let begins_plain = table.get("fields").is_some_and(|(_, value)| is_plain(value));
    if let Some(first) = fields.first_mut().filter(|_| begins_plain) {
        first.required = true;
    }
    let register = RegisterSyntax { span, kind, title, fields, add, keeps, see, due, warn, tell, once, keep };
    check_fields(&register, findings);
    register
}

/// A length has a space in it, the name of a field has none.
fn due(word: Word, findings: &mut Findings) -> Option<DueSyntax> {
    if word.text.contains(' ') {
        return reader::within(&word, findings).map(DueSyntax::After);
    }
    Some(DueSyntax::Field(word))
}

fn check_fields(register: &RegisterSyntax, findings: &mut Findings) {
    let names = |is: fn(&FieldKind) -> bool| {
        register.fields.iter().filter(move |field| is(&field.kind)).map(|field| &*field.name)
    };
    if let Some(DueSyntax::Field(word)) = &register.due {
        let is_day = |kind: &FieldKind| matches!(kind, FieldKind::Day | FieldKind::Until);
        if !names(is_day).any(|name| name == word.text) {
            let is_other = register.fields.iter().any(|field| *field.name == *word.text);
            let message = match is_other {
                true => format!("`{}` is not a day, so nothing is ever due on it", word.text),
                false => format!("there is no field `{}`", word.text),
            };
            let help = match (is_other, nearest(&word.text, names(is_day))) {
                (false, Some(near)) => format!("did you mean `{near}`?"),
                _ => format!(
                    "add the field {{ name = \"{}\", label = \"…\", kind = \"day\" }}, or write a length: `\"1 year\"`",
                    word.text
                ),
            };
            findings.push(Diagnostic::new(Code::UnknownWord, word.span, message).help(help));
        }
    }
    if let Some(word) = &register.once
        && !names(|_| true).any(|name| name == word.text)
    {
        let help = match nearest(&word.text, names(|_| true)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the fields are {}", reader::list_of(names(|_| true))),
        };
        findings.push(
            Diagnostic::new(Code::UnknownWord, word.span, format!("there is no field `{}`", word.text)).help(help),
        );
    }
    let them = register.see.iter().chain(&register.tell).find(|word| word.text == THEM);
    if let Some(word) = them
        && names(|kind| *kind == FieldKind::Person).next().is_none()
    {
        findings.push(
            Diagnostic::new(Code::UnknownWord, word.span, "`them` is the person an entry is about, and no field asks")
                .help("add the field { name = \"holder\", label = \"Who has it?\", kind = \"person\" }"),
        );
    }
}

/// The word for whom something is about.
pub(crate) const THEM: &str = "them";
