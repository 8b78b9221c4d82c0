//! The head of a policy document: which policy it is, whose, for whom, and how it is agreed to.
//!
//! ```toml
//! policy      = "staff-ict"
//! title       = "Staff acceptable use of ICT"
//! version     = "2.9"
//! owner       = "headteacher"              # a role, never a person's name; so is `author`
//! adopted_by  = ["curriculum-committee"]
//! adopted     = 2026-09-21
//! review      = "every 3 years"            # or review_by = 2029-07-31, a fixed day
//! audience    = ["staff", "volunteers"]
//! sign        = { gate = true, within = "14 days", again = "material change" }
//! responsible = ["chair-of-governors"]     # who answers for it beside the owner
//! related     = ["Behaviour policy"]
//! history     = [{ version = "2.8", date = 2023-09-01, what = "phones" }]
//! consulted   = [{ who = "staff", on = 2026-09-04 }]
//! ```
//!
//! It stands between two lines `+++` at the very beginning of the file.

use jiff::civil::Date;
use schoolgate_base::{PolicyId, Unit, Within};

use super::markdown::Head;
use super::notes;
use super::reader::{self, Findings, Reader, Spanned};
use super::value::{self, Table, ValueKind, Word};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::sign::{self, SignSyntax};
use crate::pack::FileId;

/// The front matter of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Front {
    /// Stands for the whole block.
    pub span: Span,
    /// The policy's id: `staff-ict`.
    pub policy: Word,
    pub title: Word,
    pub version: Word,
    /// The role that answers for the policy.
    pub owner: Option<Word>,
    /// The bodies that adopt it.
    pub adopted_by: Vec<Word>,
    /// The day this version was adopted.
    pub adopted: Option<Spanned<jiff::civil::Date>>,
    /// "every 3 years", from `adopted` on.
    pub review: Option<Spanned<Within>>,
    /// A fixed day instead of `review`: the last one before a review is due.
    pub review_by: Option<Spanned<Date>>,
    pub published: Option<Spanned<Date>>,
    /// The role that wrote it.
    pub author: Option<Word>,
    /// Roles that answer for it beside its owner.
    pub responsible: Vec<Word>,
    /// Titles of other documents that belong to it.
    pub related: Vec<Word>,
    /// Earlier versions.
    pub history: Vec<Edition>,
    /// Who was asked about it, and when.
    pub consulted: Vec<Consultation>,
    /// A policy whose clauses hold too.
    pub extends: Option<Word>,
    /// Rows of the register of clauses that the head itself answers.
    pub answers: Vec<Word>,
    pub kept_by: Vec<Word>,
    pub limited: Vec<(Word, Word)>,
    /// Whom it concerns: capacities or groups.
    pub audience: Vec<Word>,
    pub sign: Option<SignSyntax>,
    /// The age of those who have to be able to read it.
    pub reading_age: Option<Spanned<u8>>,
}

/// An earlier version of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Edition {
    pub version: Word,
    pub date: Spanned<Date>,
    /// What it changed.
    pub what: Option<Word>,
}

/// Somebody who was asked before a version was adopted.
#[derive(Debug, Clone, PartialEq)]
pub struct Consultation {
    pub who: Word,
    pub on: Spanned<Date>,
    pub what: Option<Word>,
}

pub(crate) fn parse(file: FileId, head: &Head, findings: &mut Findings) -> Front {
    match head {
        Head::Found(source) => {
            let span = source.span(0..0);
            let table = value::parse(source, findings);
            read(&table, Span::new(file, span.start.saturating_sub(4)..span.start.saturating_sub(1)), findings)
        }
        Head::Missing => {
            let span = Span::new(file, 0..0);
            findings.push(
                Diagnostic::new(Code::MissingFrontMatter, span, "the document does not say which policy it is")
                    .help("begin it with `+++`, `policy = \"staff-ict\"`, `title = \"…\"`, `version = \"1.0\"`, `+++`"),
            );
            empty(span)
        }
        Head::Unclosed(range) => {
            let span = Span::new(file, range.clone());
            findings.push(
                Diagnostic::new(Code::UnclosedFrontMatter, span, "the head of the document is never closed")
                    .help("end it with a line `+++`"),
            );
            empty(span)
        }
    }
}

fn empty(span: Span) -> Front {
    let word = || Word { text: String::new(), span };
    Front {
        span,
        policy: word(),
        title: word(),
        version: word(),
        owner: None,
        adopted_by: Vec::new(),
        adopted: None,
        review: None,
        review_by: None,
        published: None,
        author: None,
        responsible: Vec::new(),
        related: Vec::new(),
        history: Vec::new(),
        consulted: Vec::new(),
        extends: None,
        answers: Vec::new(),
        kept_by: Vec::new(),
        limited: Vec::new(),
        audience: Vec::new(),
        sign: None,
        reading_age: None,
    }
}

fn read(table: &Table, span: Span, findings: &mut Findings) -> Front {
    let mut reader = Reader::new(table, span, "the head of a policy", findings);
    let or_empty = |word: Option<Word>| word.unwrap_or(Word { text: String::new(), span });
    let policy = reader.needed("policy", "\"staff-ict\"");
    if let Some(word) = &policy
        && PolicyId::new(&word.text).is_err()
    {
        reader.findings.push(
            Diagnostic::new(Code::BadName, word.span, format!("`{}` cannot be the id of a policy", word.text))
                .help("use letters, digits and dashes, such as `staff-ict`"),
        );
    }
    let title = reader.needed("title", "\"Staff acceptable use of ICT\"");
    let version = reader.needed("version", "\"1.0\"");
    let owner = reader.text("owner");
    let adopted_by = reader.words("adopted_by").unwrap_or_default();
    let adopted = reader.text("adopted").and_then(|word| date(&word, reader.findings));
    let review = reader.text("review").and_then(|word| every(&word, reader.findings));
    let audience = reader.words("audience").unwrap_or_default();
    let mut front = empty(span);
    front.review_by = reader.text("review_by").and_then(|word| date(&word, reader.findings));
    front.published = reader.text("published").and_then(|word| date(&word, reader.findings));
    front.author = reader.text("author");
    front.responsible = reader.words("responsible").unwrap_or_default();
    front.related = reader.words("related").unwrap_or_default();
    front.history =
        tables(&mut reader, "history").iter().filter_map(|(t, at)| edition(t, *at, reader.findings)).collect();
    front.consulted =
        tables(&mut reader, "consulted").iter().filter_map(|(t, at)| consultation(t, *at, reader.findings)).collect();
    front.extends = reader.text("extends");
    front.answers = reader.words("answers").unwrap_or_default();
    front.kept_by = reader.words("kept_by").unwrap_or_default();
    front.limited = notes::reasons(&mut reader, "limited");
    front.reading_age = reading_age(&mut reader);
    let sign_place = reader.key_span("sign");
    let sign = reader.table("sign").map(|table| sign::read(table, sign_place.unwrap_or(span), reader.findings));
    reader.finish();
    Front {
        span,
        policy: or_empty(policy),
        title: or_empty(title),
        version: or_empty(version),
        owner,
        adopted_by,
        adopted,
        review,
        audience,
        sign,
        ..front
    }
}

/// From five, when people begin to read.
fn reading_age(reader: &mut Reader<'_, '_>) -> Option<Spanned<u8>> {
    let number = reader.number("reading_age")?;
    let span = reader.key_span("reading_age").unwrap_or(reader.place());
    let value = u8::try_from(number).ok().filter(|age| (5..=18).contains(age));
    if value.is_none() {
        reader.wrong_type("reading_age", span, "another number", "an age from 5 to 18");
    }
    Some(Spanned { value: value?, span })
}

/// The tables of a list.
fn tables<'t>(reader: &mut Reader<'t, '_>, key: &'static str) -> Vec<(&'t Table, Span)> {
    let Some(value) = reader.get(key) else { return Vec::new() };
    let ValueKind::List(items) = &value.kind else {
        reader.wrong_type(key, value.span, value.kind.name(), "a list of tables");
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items {
        match &item.kind {
            ValueKind::Table(table) => found.push((table, item.span)),
            other => reader.wrong_type(key, item.span, other.name(), "a table in braces"),
        }
    }
    found
}

fn edition(table: &Table, span: Span, findings: &mut Findings) -> Option<Edition> {
    let mut reader = Reader::new(table, span, "an entry of `history`", findings);
    let version = reader.needed("version", "\"1.0\"");
    let day = reader.needed("date", "2025-09-01").and_then(|word| date(&word, reader.findings));
    let what = reader.text("what");
    reader.finish();
    Some(Edition { version: version?, date: day?, what })
}

fn consultation(table: &Table, span: Span, findings: &mut Findings) -> Option<Consultation> {
    let mut reader = Reader::new(table, span, "an entry of `consulted`", findings);
    let who = reader.needed("who", "\"staff\"");
    let on = reader.needed("on", "2025-09-01").and_then(|word| date(&word, reader.findings));
    let what = reader.text("what");
    reader.finish();
    Some(Consultation { who: who?, on: on?, what })
}

pub(crate) fn date(word: &Word, findings: &mut Findings) -> Option<Spanned<Date>> {
    match word.text.trim().parse() {
        Ok(value) => Some(Spanned { value, span: word.span }),
        Err(_) => {
            findings.push(
                Diagnostic::new(Code::BadDate, word.span, format!("`{}` is not a date", word.text))
                    .help("write it as `2026-11-24`"),
            );
            None
        }
    }
}

/// Grammar: `"every" COUNT UNIT` or `"every" UNIT`, with UNIT from days up.
pub(crate) fn every(word: &Word, findings: &mut Findings) -> Option<Spanned<Within>> {
    let wrong = |span: Span, label: &str| {
        Diagnostic::new(Code::BadLength, span, format!("`{}` does not say how often", word.text))
            .label(label)
            .help("write `every 3 years`, `every year` or `every 6 months`")
    };
    let Some(rest) = word.text.strip_prefix("every ") else {
        findings.push(wrong(word.span, "it begins with `every`"));
        return None;
    };
    let counted = if rest.starts_with(|c: char| c.is_ascii_digit()) { rest.to_owned() } else { format!("1 {rest}") };
    let span = word.place_of(rest);
    match counted.parse::<Within>() {
        Ok(value @ Within::Count { unit, period: None, .. }) if !matches!(unit, Unit::Minute | Unit::Hour) => {
            Some(Spanned { value, span })
        }
        Ok(_) => {
            findings.push(wrong(span, "too often to review"));
            None
        }
        Err(_) => {
            let piece = Word { text: rest.to_owned(), span };
            let before = findings.len();
            let _ = reader::within(&piece, findings);
            if findings.len() == before {
                findings.push(wrong(span, "not a length of time"));
            }
            None
        }
    }
}
