//! `effect` of a request: what an approval does. One table, or a list of them.
//!
//! ```toml
//! effect = { web = "allow", for = "class" }                    # opens the form's site; for: class, asker, person or a group
//! effect = [
//!     { group = "personal-use-allowed", for = "asker" },       # puts somebody into a group; for: asker, person, class
//!     { lifts = "#parents-mail", for = "asker", to = "person" },   # lifts a clause's rules; `to`: only towards the form's person
//!     { task  = "#delete-pictures", for = "asker" },           # begins a duty that hangs `upon` this request
//!     { opens = "mailbox", of = "person" },                    # authorised access: mailbox, content, logs or files
//! ]
//! ```
//!
//! All but a task last until the form's `until`, and no longer than `longest`. Authorised access has floors: the form
//! asks for `person`, `ground` (a choice), `why` and `until`, `longest` is there, and two offices at least are named in
//! `decide`: whoever asks never decides.

use schoolgate_cases::{Field, FieldKind, Store};

use super::request::RequestSyntax;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Table, ValueKind, Word};

/// One effect as written.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectSyntax {
    pub span: Span,
    pub does: Does,
    /// `class`, `asker`, `person`, or a group.
    pub audience: Word,
}

/// What it does.
#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    OpenSite,
    Join(Word),
    Lift { clause: Word, only_towards: bool },
    Task(Word),
    Open { store: Store, of: Word },
}

impl EffectSyntax {
    /// Whose answers in the form it works with.
    fn names(&self, word: &str) -> bool {
        match &self.does {
            Does::Open { of, .. } => of.text == word,
            Does::Lift { only_towards: true, .. } if word == "person" => true,
            _ => self.audience.text == word,
        }
    }

    fn is_access(&self) -> bool {
        matches!(self.does, Does::Open { .. })
    }
}

pub(super) fn read(reader: &mut Reader<'_, '_>, place: Span) -> Vec<EffectSyntax> {
    let Some(value) = reader.get("effect") else { return Vec::new() };
    let span = reader.key_span("effect").unwrap_or(place);
    match &value.kind {
        ValueKind::Table(table) => one(table, span, reader.findings).into_iter().collect(),
        ValueKind::List(items) => {
            let mut effects = Vec::new();
            for item in items {
                match &item.kind {
                    ValueKind::Table(table) => effects.extend(one(table, item.span, reader.findings)),
                    other => reader.wrong_type("effect", item.span, other.name(), "tables"),
                }
            }
            effects
        }
        other => {
            reader.wrong_type("effect", value.span, other.name(), "a table, or a list of tables");
            Vec::new()
        }
    }
}

fn one(table: &Table, span: Span, findings: &mut Findings) -> Option<EffectSyntax> {
    let mut reader = Reader::new(table, span, "`effect`", findings);
    let kinds = ["web", "group", "lifts", "task", "opens"];
    let named: Vec<&str> = kinds.into_iter().filter(|kind| reader.key_span(kind).is_some()).collect();
    let web = reader.choice("web", &[("allow", ())]).map(|_| Does::OpenSite);
    let group = reader.text("group").map(Does::Join);
    let to = reader.choice("to", &[("person", ())]);
    let lifts = reader.text("lifts").map(|clause| Does::Lift { clause, only_towards: to.is_some() });
    let task = reader.text("task").map(Does::Task);
    let of = reader.text("of");
    let opens = reader.choice("opens", &Store::ALL);
    let whose = || of.clone().unwrap_or(Word { text: "person".to_owned(), span });
    let opens = opens.map(|store| Does::Open { store: store.value, of: whose() });
    let usual = if named == ["web"] { "class" } else { "asker" };
    let audience = reader.text("for").unwrap_or(Word { text: usual.to_owned(), span });
    if named.is_empty() {
        reader.missing("web", "\"allow\"");
    }
    if named.len() > 1 {
        reader.findings.push(
            Diagnostic::new(Code::UnknownKey, span, "an effect does one thing")
                .help("write a list: `effect = [{ group = \"…\" }, { lifts = \"#…\" }]`"),
        );
    }
    let placed = [("to", &["lifts"][..]), ("of", &["opens"][..])];
    for (key, with) in placed {
        if let Some(place) = reader.key_span(key)
            && !named.iter().any(|name| with.contains(name))
        {
            let message = format!("`{key}` only goes with `{}`", with.join("` or `"));
            reader.findings.push(Diagnostic::new(Code::UnknownKey, place, message).help("leave it away"));
        }
    }
    if let Some(of) = of.filter(|of| !matches!(of.text.as_str(), "person" | "asker")) {
        reader.findings.push(
            Diagnostic::new(Code::UnknownWord, of.span, format!("`{}` is not a word for `of`", of.text))
                .help("`of` is one of `person` and `asker`"),
        );
    }
    reader.finish();
    let does = web.or(group).or(lifts).or(task).or(opens)?;
    Some(EffectSyntax { span, does, audience })
}

/// An effect needs the answers it works with.
pub(super) fn check(request: &mut RequestSyntax, findings: &mut Findings) {
    let effects = request.effects.clone();
    for effect in &effects {
        match &effect.does {
            Does::OpenSite => check_site(request, effect, findings),
            Does::Open { .. } => check_access(request, effect, findings),
            Does::Join(_) | Does::Lift { .. } => check_end(request, effect, findings),
            Does::Task(_) => {}
        }
        for (name, kind) in [("person", FieldKind::Person), ("class", FieldKind::Class)] {
            if effect.names(name) && !effect.is_access() && !matches!(effect.does, Does::OpenSite) {
                need(request, effect.span, name, &kind, "an effect that names", findings);
            }
        }
    }
    require(request, &effects);
}

/// Who leaves empty whom an effect is for would be granted nothing.
fn require(request: &mut RequestSyntax, effects: &[EffectSyntax]) {
    for field in &mut request.form {
        let is_named = |name: &str| effects.iter().any(|effect| effect.names(name));
        let is_access = effects.iter().any(EffectSyntax::is_access);
        field.required |= match field.kind {
            FieldKind::Person => is_named("person"),
            FieldKind::Class => is_named("class"),
            _ => is_access && matches!(&*field.name, "ground" | "why" | "until"),
        };
    }
}

fn asks(request: &RequestSyntax, kind: &FieldKind) -> bool {
    request.form.iter().any(|field| &field.kind == kind)
}

fn need(request: &RequestSyntax, span: Span, name: &str, kind: &FieldKind, what: &str, findings: &mut Findings) {
    if !asks(request, kind) {
        let message = if what == "to open a site" {
            format!("to open a site, the form must ask for `{name}`")
        } else {
            format!("{what} `{name}` wants a form that asks for it")
        };
        findings.push(Diagnostic::new(Code::MissingKey, span, message).help(format!("add `\"{name}\"` to `form`")));
    }
}

fn check_site(request: &RequestSyntax, effect: &EffectSyntax, findings: &mut Findings) {
    let mut needed = vec![("site", FieldKind::Site), ("until", FieldKind::Until)];
    match effect.audience.text.as_str() {
        "class" => needed.push(("class", FieldKind::Class)),
        "person" => needed.push(("person", FieldKind::Person)),
        _ => {}
    }
    for (name, kind) in needed {
        need(request, effect.span, name, &kind, "to open a site", findings);
    }
    if request.longest.is_none() {
        findings.push(
            Diagnostic::new(Code::MissingKey, effect.span, "a request that opens a site needs `longest`")
                .why("an exception without an end is a hole that everybody forgets")
                .help("add `longest = \"14 days\"`"),
        );
    }
}

fn check_end(request: &RequestSyntax, effect: &EffectSyntax, findings: &mut Findings) {
    if request.longest.is_none() && !asks(request, &FieldKind::Until) {
        findings.push(
            Diagnostic::new(Code::MissingKey, effect.span, "nothing says when this ends")
                .why("an exception without an end is a hole that everybody forgets")
                .help("add `\"until\"` to `form`, or `longest = \"1 year\"`"),
        );
    }
}

fn check_access(request: &RequestSyntax, effect: &EffectSyntax, findings: &mut Findings) {
    let is_ground = |field: &Field| &*field.name == "ground" && matches!(field.kind, FieldKind::Choice(_));
    let is_why = |field: &Field| &*field.name == "why" && matches!(field.kind, FieldKind::Text | FieldKind::Line);
    let has = |is: &dyn Fn(&Field) -> bool| request.form.iter().any(is);
    let needed = [
        ("whose it is", has(&|field| field.kind == FieldKind::Person), "`\"person\"`"),
        (
            "the ground",
            has(&is_ground),
            "`{ name = \"ground\", label = \"On what ground?\", kind = \"choice\", choices = [\"…\"] }`",
        ),
        ("why", has(&is_why), "`\"why\"`"),
        ("until when", has(&|field| field.kind == FieldKind::Until), "`\"until\"`"),
    ];
    if request.longest.is_none() {
        findings.push(
            Diagnostic::new(Code::AccessFloor, effect.span, "nothing says for how long at most this may stay open")
                .why("looking into what is private ends, whatever day somebody asks for")
                .help("add `longest = \"2 weeks\"`"),
        );
    }
    for (what, is_there, add) in needed {
        if !is_there {
            findings.push(
                Diagnostic::new(
                    Code::AccessFloor,
                    effect.span,
                    format!("who asks to look into what is private must say {what}"),
                )
                .why("no policy opens anybody's messages or files without a person, a ground, a reason and an end")
                .help(format!("add {add} to `form`")),
            );
        }
    }
}
