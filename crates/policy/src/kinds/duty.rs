//! `[[duty]]`: what somebody has to do again and again, or when something happens.
//!
//! ```toml
//! [[duty]]
//! name   = "filter"                # only where a clause has several
//! kind   = "filter-test"
//! title  = "Test the filter"       # left out: the kind
//! who    = ["it-technician"]       # one of these offices does it for all; or
//! # each = ["staff"]               # everybody of these groups does it for themselves
//! every  = "school day"            # "week", "2 weeks", "month", "term", "3 terms", "year"; or one of
//! # before = "home-visit"          # an event of school.toml; `within = "1 day"`: not longer before it
//! # upon   = "#photo-exception"    # a request or report of a clause, or an event; with `within = "2 weeks"` after it
//! # by     = "31 July"             # each year
//! done   = "date, tests run, what came through"   # what counts as done
//! warn   = "1 week"                # before it is due
//! tell   = ["headteacher"]         # when it is late; them: those who have to do it
//! keep   = "3 years"               # how long what was done is kept
//! erases = "kit-on-loan"           # the kind of register whose entries doing it erases
//! ```

use schoolgate_base::{ControlKind, Recurrence, Within, YearDay};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Spanned, Table, Word};

/// A `duty` control as written.
#[derive(Debug, Clone, PartialEq)]
pub struct DutySyntax {
    pub span: Span,
    pub kind: Word,
    pub title: Option<Word>,
    pub who: Vec<Word>,
    pub each: Vec<Word>,
    pub falls: Option<FallsSyntax>,
    pub done: Option<Word>,
    pub warn: Option<Spanned<Within>>,
    pub tell: Vec<Word>,
    pub keep: Option<Spanned<Within>>,
    pub erases: Option<Word>,
}

/// When it falls due.
#[derive(Debug, Clone, PartialEq)]
pub enum FallsSyntax {
    Every(Spanned<Recurrence>),
    Before {
        event: Word,
        within: Option<Spanned<Within>>,
    },
    /// `#clause`, or an event.
    Upon {
        what: Word,
        within: Spanned<Within>,
    },
    By(Spanned<YearDay>),
}

const WAYS: [&str; 4] = ["every", "before", "upon", "by"];

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> DutySyntax {
    let mut reader = Reader::control(table, span, ControlKind::Duty, findings);
    let kind = reader.needed("kind", "\"filter-test\"").unwrap_or(Word { text: String::new(), span });
    let title = reader.text("title");
    let who = reader.words("who").unwrap_or_default();
    let each = reader.words("each").unwrap_or_default();
    check_who(&mut reader, &who, &each, span);
    let falls = falls(&mut reader, span);
    let done = reader.text("done");
    let warn = reader.within("warn");
    let tell = reader.words("tell").unwrap_or_default();
    let keep = reader.within("keep");
    let erases = reader.text("erases");
    reader.finish();
    DutySyntax { span, kind, title, who, each, falls, done, warn, tell, keep, erases }
}

fn check_who(reader: &mut Reader<'_, '_>, who: &[Word], each: &[Word], span: Span) {
    if who.is_empty() && each.is_empty() {
        reader.findings.push(
            Diagnostic::new(Code::NamesNobody, span, "nobody has to do this duty")
                .help("add `who = [\"it-technician\"]`, or `each = [\"staff\"]`"),
        );
    }
    if let Some(place) = reader.key_span("each").filter(|_| !who.is_empty()) {
        reader.findings.push(
            Diagnostic::new(Code::UnknownKey, place, "a duty takes one of `who` and `each`")
                .why("an office does it once for all, everybody of a group does it for themselves")
                .help("write two duties"),
        );
    }
}

fn falls(reader: &mut Reader<'_, '_>, span: Span) -> Option<FallsSyntax> {
    let named: Vec<&str> = WAYS.into_iter().filter(|way| reader.key_span(way).is_some()).collect();
    let every = reader.text("every").and_then(|word| every(&word, reader.findings));
    let before = reader.text("before");
    let upon = reader.text("upon");
    let by = reader.text("by").and_then(|word| year_day(&word, reader.findings));
    let within = reader.within("within");
    match named.as_slice() {
        [] => {
            reader.findings.push(Diagnostic::new(Code::DutyNeverDue, span, "nothing says when this duty is due").help(
                "add one of `every = \"term\"`, `before = \"home-visit\"`, `upon = \"#clause\"` and `by = \"31 July\"`",
            ))
        }
        [_] => {}
        [_, second, ..] => {
            let place = reader.key_span(second).unwrap_or(span);
            reader
                .findings
                .push(Diagnostic::new(Code::UnknownKey, place, "a duty falls due in one way").help("write two duties"));
        }
    }
    if let Some(place) = reader.key_span("within").filter(|_| matches!(named.as_slice(), ["every" | "by"])) {
        reader.findings.push(
            Diagnostic::new(Code::UnknownKey, place, "`within` only goes with `before` and `upon`")
                .help("say with `warn` how long before it is due people are told"),
        );
    }
    let upon = upon.and_then(|what| match within.clone() {
        Some(within) => Some(FallsSyntax::Upon { what, within }),
        None => {
            if reader.key_span("within").is_none() {
                reader.missing("within", "\"2 weeks\"");
            }
            None
        }
    });
    let before = before.map(|event| FallsSyntax::Before { event, within });
    every.map(FallsSyntax::Every).or(before).or(upon).or(by.map(FallsSyntax::By))
}

fn every(word: &Word, findings: &mut Findings) -> Option<Spanned<Recurrence>> {
    match word.text.parse() {
        Ok(value) => Some(Spanned { value, span: word.span }),
        Err(error) => {
            let without = word.text.strip_prefix("every ").filter(|rest| rest.parse::<Recurrence>().is_ok());
            let help = match without {
                Some(rest) => format!("leave the word away: `every = \"{rest}\"`"),
                None => "write `school day`, `week`, `2 weeks`, `month`, `term`, `3 terms` or `year`".to_owned(),
            };
            findings.push(Diagnostic::new(Code::BadLength, word.span, error.to_string()).help(help));
            None
        }
    }
}

fn year_day(word: &Word, findings: &mut Findings) -> Option<Spanned<YearDay>> {
    match word.text.parse() {
        Ok(value) => Some(Spanned { value, span: word.span }),
        Err(error) => {
            findings.push(
                Diagnostic::new(Code::BadDate, word.span, schoolgate_base::YearDayError::to_string(&error))
                    .help("write the day and the month: `31 July`"),
            );
            None
        }
    }
}
