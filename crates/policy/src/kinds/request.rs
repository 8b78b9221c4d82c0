//! `[[request]]`: who may ask for what, who decides, for how long, and what an approval does.
//!
//! ```toml
//! [[request]]
//! kind    = "open-site"
//! title   = "Ask for a site"
//! ask     = ["staff"]                               # left out: everybody
//! decide  = { any = ["it-technician"], stand_in = ["headteacher"], count = 1 }   # any, all or in_order
//! form    = ["site", "class", "why", "until"]       # known fields, or { name, label, kind, required, choices }
//! longest = "14 days"
//! effect  = { web = "allow", for = "class" }        # class, asker, or a group
//! answer_within = "5 minutes in lessons"
//! ```

use schoolgate_base::{ControlKind, Within};
use schoolgate_cases::{Field, FieldKind, How};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::nearest;
use crate::syntax::reader::{self, Findings, Reader};
use crate::syntax::{Spanned, Table, Value, ValueKind, Word};

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
    pub effect: Option<EffectSyntax>,
    pub answer_within: Option<Spanned<Within>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DecideSyntax {
    pub span: Span,
    pub how: How,
    pub roles: Vec<Word>,
    pub count: u32,
    pub stand_in: Vec<Word>,
}

/// What an approval opens, and for whom.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectSyntax {
    pub span: Span,
    /// `class`, `asker`, or a group.
    pub audience: Word,
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
    let form = form(&mut reader);
    let longest = reader.within("longest");
    let answer_within = reader.within("answer_within");
    let effect_place = reader.key_span("effect").unwrap_or(span);
    let effect = reader.table("effect").and_then(|table| effect(table, effect_place, reader.findings));
    reader.finish();
    let request = RequestSyntax { span, kind, title, ask, decide, form, longest, effect, answer_within };
    check_form(&request, findings);
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

fn effect(table: &Table, span: Span, findings: &mut Findings) -> Option<EffectSyntax> {
    let mut reader = Reader::new(table, span, "`effect`", findings);
    let web = reader.choice("web", &[("allow", ())]);
    let audience = reader.text("for").unwrap_or(Word { text: "class".to_owned(), span });
    if web.is_none() && reader.key_span("web").is_none() {
        reader.missing("web", "\"allow\"");
    }
    reader.finish();
    web.map(|_| EffectSyntax { span, audience })
}

/// The kinds of answers a form of a policy may ask for.
const FIELD_KINDS: [(&str, Kind); 8] = [
    ("site", Kind::Site),
    ("class", Kind::Class),
    ("person", Kind::Person),
    ("line", Kind::Line),
    ("text", Kind::Text),
    ("until", Kind::Until),
    ("choice", Kind::Choice),
    ("tick", Kind::Tick),
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
}

/// `form`: known fields by name, or fields of the school's own as tables.
pub(super) fn form(reader: &mut Reader<'_, '_>) -> Vec<Field> {
    let Some(value) = reader.get("form") else { return Vec::new() };
    let ValueKind::List(items) = &value.kind else {
        reader.wrong_type("form", value.span, value.kind.name(), "a list of fields");
        return Vec::new();
    };
    let mut fields: Vec<Field> = Vec::new();
    for item in items {
        let Some(field) = field(item, reader.findings) else { continue };
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

fn field(item: &Value, findings: &mut Findings) -> Option<Field> {
    match &item.kind {
        ValueKind::Text(word) => {
            let known = Field::known(&word.text);
            if known.is_none() {
                let help = match nearest(&word.text, Field::KNOWN) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "known fields are {}; another is written {{ name = \"{}\", label = \"…?\", kind = \"line\" }}",
                        reader::list_of(Field::KNOWN),
                        word.text
                    ),
                };
                findings.push(
                    Diagnostic::new(Code::UnknownWord, word.span, format!("there is no field `{}`", word.text))
                        .help(help),
                );
            }
            known
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

/// An effect needs the answers it works with.
fn check_form(request: &RequestSyntax, findings: &mut Findings) {
    let Some(effect) = &request.effect else { return };
    let asks = |wanted: &FieldKind| request.form.iter().any(|field| &field.kind == wanted);
    let mut needed = vec![("site", FieldKind::Site), ("until", FieldKind::Until)];
    if effect.audience.text == "class" {
        needed.push(("class", FieldKind::Class));
    }
    for (name, kind) in needed {
        if !asks(&kind) {
            findings.push(
                Diagnostic::new(
                    Code::MissingKey,
                    effect.span,
                    format!("to open a site, the form must ask for `{name}`"),
                )
                .help(format!("add `\"{name}\"` to `form`")),
            );
        }
    }
    if request.longest.is_none() {
        findings.push(
            Diagnostic::new(Code::MissingKey, effect.span, "a request that opens a site needs `longest`")
                .why("an exception without an end is a hole that everybody forgets")
                .help("add `longest = \"14 days\"`"),
        );
    }
}
