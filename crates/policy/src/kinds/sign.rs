//! `[[sign]]`, or `sign` in the head of a document: what is agreed to, by whom, and when again.
//!
//! ```toml
//! [[sign]]
//! gate   = true               # no agreement, no internet
//! who    = ["staff"]          # left out: the policy's audience
//! within = "14 days"          # how long the gate stays open after a version comes into force
//! again  = "material change"  # any change, material change, or every year
//! ```

use schoolgate_base::Within;
use schoolgate_cases::Again;

use crate::diagnostic::Span;
use crate::kinds::part_not_kept;
use crate::syntax::front;
use crate::syntax::reader::{self, Findings, Reader};
use crate::syntax::{Spanned, Table, Word};

/// A `sign` control as written.
#[derive(Debug, Clone, PartialEq)]
pub struct SignSyntax {
    pub span: Span,
    pub is_gate: bool,
    pub who: Vec<Word>,
    pub within: Option<Spanned<Within>>,
    pub again: Spanned<Again>,
}

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> SignSyntax {
    let mut reader = Reader::new(table, span, "a `sign` control", findings);
    let _ = reader.text("name");
    let is_gate = reader.truth("gate").unwrap_or(false);
    let who = reader.words("who").unwrap_or_default();
    let within = reader.within("within");
    let again = reader.text("again").and_then(|word| again(&word, reader.findings));
    reader.finish();
    let again = again.unwrap_or(Spanned { value: Again::MaterialChange, span });
    SignSyntax { span, is_gate, who, within, again }
}

fn again(word: &Word, findings: &mut Findings) -> Option<Spanned<Again>> {
    if word.text.starts_with("every ") {
        let every = front::every(word, findings)?;
        let message = "nobody is asked again yet because time has passed";
        findings.push(part_not_kept(word.span, message, "this release asks again when a version's words change"));
        return Some(Spanned { value: Again::Every(every.value), span: word.span });
    }
    let choices = [("any change", true), ("material change", false)];
    let chosen = reader::choose(word, "again", &choices, findings)?;
    let value = if chosen.value { Again::AnyChange } else { Again::MaterialChange };
    Some(Spanned { value, span: chosen.span })
}
