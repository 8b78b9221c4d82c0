//! `[[sign]]`, or `sign` in the head of a document: what is agreed to, by whom, and when again.
//!
//! ```toml
//! [[sign]]
//! name    = "staff"           # only where a clause has several
//! gate    = true              # no agreement, no internet
//! who     = ["staff"]         # left out: the policy's audience
//! within  = "14 days"         # how long the gate stays open after a version comes into force
//! again   = "material change" # any change, material change, every year, every log-in, or once
//! form    = "click"           # click, paper, items (each clause for itself), or quiz (short questions first)
//! with    = "parent"          # somebody of this group countersigns
//! receipt = "hr"              # the office that files it
//! ```

use schoolgate_base::{ControlKind, Within};
use schoolgate_cases::{Again, AgreeForm};

use crate::diagnostic::{Code, Diagnostic, Span};
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
    pub form: AgreeForm,
    pub with: Option<Word>,
    pub receipt: Option<Word>,
}

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> SignSyntax {
    let mut reader = Reader::control(table, span, ControlKind::Sign, findings);
    let is_gate = reader.truth("gate").unwrap_or(false);
    let who = reader.words("who").unwrap_or_default();
    let within = reader.within("within");
    let again = reader.text("again").and_then(|word| again(&word, reader.findings));
    let form = reader.choice("form", &AgreeForm::ALL);
    let with = reader.text("with");
    let receipt = reader.text("receipt");
    reader.finish();
    let again = again.unwrap_or(Spanned { value: Again::MaterialChange, span });
    if let Some(form) = form.as_ref().filter(|form| form.value != AgreeForm::Click) {
        findings.push(by_hand(form.span, "people agree to this by a click", "have it done as the policy says by hand"));
    }
    if let Some(with) = &with {
        findings.push(by_hand(with.span, "nobody is asked to countersign by itself", "collect it by hand"));
    }
    let asked = match &again.value {
        Again::AnyChange | Again::MaterialChange => None,
        Again::Every(_) => Some("nobody is asked again because time has passed"),
        Again::EveryLogIn => Some("nobody is asked again at each sign-in"),
        Again::Once => Some("people are asked again at each new version"),
    };
    if let Some(message) = asked {
        findings.push(by_hand(again.span, message, "see to it by hand"));
    }
    let form = form.map_or(AgreeForm::Click, |form| form.value);
    SignSyntax { span, is_gate, who, within, again, form, with, receipt }
}

impl SignSyntax {
    /// Whether this release does all of it by itself: a click, by one person, at each new version.
    pub fn is_kept_whole(&self) -> bool {
        let is_asked = matches!(self.again.value, Again::AnyChange | Again::MaterialChange);
        self.form == AgreeForm::Click && self.with.is_none() && is_asked
    }
}

fn by_hand(span: Span, message: &str, instead: &str) -> Diagnostic {
    Diagnostic::new(Code::AgreementNotKept, span, format!("in this release {message}"))
        .help(format!("{instead}, until a later release does it"))
}

fn again(word: &Word, findings: &mut Findings) -> Option<Spanned<Again>> {
    if word.text == "every log-in" {
        return Some(Spanned { value: Again::EveryLogIn, span: word.span });
    }
    if word.text.starts_with("every ") {
        let every = front::every(word, findings)?;
        return Some(Spanned { value: Again::Every(every.value), span: word.span });
    }
    let choices = ["any change", "material change", "every year", "every log-in", "once"].map(|word| (word, word));
    let chosen = reader::choose(word, "again", &choices, findings)?;
    let value = match chosen.value {
        "any change" => Again::AnyChange,
        "once" => Again::Once,
        _ => Again::MaterialChange,
    };
    Some(Spanned { value, span: chosen.span })
}
