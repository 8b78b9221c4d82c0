//! The questions of a form: `form` of requests and reports, `fields` of registers.
//!
//! ```toml
//! form = ["site", "until",                                              # known fields by their name, see below
//!         { name = "stick", label = "Which stick?", kind = "line" },    # one of the school's own
//!         { name = "ground", label = "On what ground?", kind = "choice", choices = ["safety", "law"], required = true }]
//! # kinds: site class person line text until choice tick day number
//! ```

use schoolgate_cases::{Field, FieldKind};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::nearest;
use crate::syntax::reader::{self, Findings, Reader};
use crate::syntax::{Spanned, Table, Value, ValueKind, Word};

/// The kinds of answers a form of a policy may ask for.
const FIELD_KINDS: [(&str, Kind); 10] = [
    ("site", Kind::Site),
    ("class", Kind::Class),
    ("person", Kind::Person),
    ("line", Kind::Line),
    ("text", Kind::Text),
    ("until", Kind::Until),
    ("choice", Kind::Choice),
    ("tick", Kind::Tick),
    ("day", Kind::Day),
    ("number", Kind::Number),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Site,
    Class,
    Person,
    Line,
    Text,
    Until,
    Choice,
    Tick,
    Day,
    Number,
}

/// What a plain word stands for that is no known field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainWord {
    /// A typing error.
    Unknown,
    /// A column of the list, answered in one line: `item`.
    Line,
}

/// Known fields by name, or fields of the school's own as tables.
pub(super) fn form(reader: &mut Reader<'_, '_>, key: &'static str, plain: PlainWord) -> Vec<Field> {
    let Some(value) = reader.get(key) else { return Vec::new() };
    let ValueKind::List(items) = &value.kind else {
        reader.wrong_type(key, value.span, value.kind.name(), "a list of fields");
        return Vec::new();
    };
    let mut fields: Vec<Field> = Vec::new();
    for item in items {
        let Some(field) = field(item, plain, reader.findings) else { continue };
        if fields.iter().any(|other| other.name == field.name) {
            reader.findings.push(Diagnostic::new(
                Code::DuplicateName,
                item.span,
                format!("the form asks for `{}` twice", field.name),
            ));
            continue;
        }
        fields.push(field);
    }
    fields
}

fn field(item: &Value, plain: PlainWord, findings: &mut Findings) -> Option<Field> {
    match &item.kind {
        ValueKind::Text(word) => {
            let known = Field::known(&word.text);
            match plain {
                PlainWord::Line => {
                    let known = known.map(|known| Field { required: false, ..known });
                    known.or_else(|| Some(column(word)))
                }
                PlainWord::Unknown => {
                    if known.is_none() {
                        findings.push(unknown_field(word));
                    }
                    known
                }
            }
        }
        ValueKind::Table(table) => own_field(table, item.span, findings),
        other => {
            findings.push(Diagnostic::new(
                Code::WrongType,
                item.span,
                format!("a field is a name or a table, this is {}", other.name()),
            ));
            None
        }
    }
}

fn column(word: &Word) -> Field {
    Field {
        name: word.text.as_str().into(),
        label: words_of(&word.text),
        help: None,
        kind: FieldKind::Line,
        required: false,
        longest: 200,
    }
}

fn unknown_field(word: &Word) -> Diagnostic {
    let help = match nearest(&word.text, Field::KNOWN) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "known fields are {}; another is written {{ name = \"{}\", label = \"…?\", kind = \"line\" }}",
            reader::list_of(Field::KNOWN),
            word.text
        ),
    };
    Diagnostic::new(Code::UnknownWord, word.span, format!("there is no field `{}`", word.text)).help(help)
}

/// `kit-on-loan` as people read it: "Kit on loan".
pub(crate) fn words_of(name: &str) -> Box<str> {
    let words = name.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect()).into()
}

fn own_field(table: &Table, span: Span, findings: &mut Findings) -> Option<Field> {
    let mut reader = Reader::new(table, span, "a field", findings);
    let name = reader.needed("name", "\"stick\"");
    let known = name.as_ref().and_then(|name| Field::known(&name.text));
    let label = reader.text("label");
    let help = reader.text("help");
    let kind = reader.choice("kind", &FIELD_KINDS);
    let required = reader.truth("required");
    let choices = reader.words("choices").unwrap_or_default();
    if known.is_none() && label.is_none() {
        reader.missing("label", "\"Which stick?\"");
    }
    if let Some(Spanned { value: Kind::Choice, span }) = &kind
        && choices.is_empty()
    {
        reader.findings.push(
            Diagnostic::new(Code::MissingKey, *span, "a field to choose from needs `choices`")
                .why("nobody could answer it")
                .help("add `choices = [\"…\", \"…\"]`"),
        );
    }
    reader.finish();
    let name = name?;
    let choices = || choices.iter().map(|word| (word.text.as_str().into(), word.text.as_str().into())).collect();
    let (field_kind, longest) = match kind.map(|kind| kind.value) {
        Some(Kind::Site) => (FieldKind::Site, 2_000),
        Some(Kind::Class) => (FieldKind::Class, 40),
        Some(Kind::Person) => (FieldKind::Person, 96),
        Some(Kind::Text) => (FieldKind::Text, 10_000),
        Some(Kind::Until) => (FieldKind::Until, 40),
        Some(Kind::Choice) => (FieldKind::Choice(choices()), 200),
        Some(Kind::Tick) => (FieldKind::Tick, 8),
        Some(Kind::Line) => (FieldKind::Line, 200),
        Some(Kind::Day) => (FieldKind::Day, 40),
        Some(Kind::Number) => (FieldKind::Number, 20),
        None => known.as_ref().map_or((FieldKind::Line, 200), |field| (field.kind.clone(), field.longest)),
    };
    Some(Field {
        label: match (&label, &known) {
            (Some(label), _) => label.text.as_str().into(),
            (None, Some(known)) => known.label.clone(),
            (None, None) => name.text.as_str().into(),
        },
        help: help.map(|help| help.text.as_str().into()).or_else(|| known.as_ref().and_then(|k| k.help.clone())),
        kind: field_kind,
        required: required.unwrap_or_else(|| known.as_ref().is_some_and(|known| known.required)),
        longest,
        name: name.text.as_str().into(),
    })
}
