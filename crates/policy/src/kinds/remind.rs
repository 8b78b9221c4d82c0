//! `[[remind]]`: the clause shown at the moment it matters.
//!
//! ```toml
//! [[remind]]
//! name = "pictures"           # only where a clause has several
//! at   = "upload"             # sign-in warning request report download upload mail own-device trip
//!                             # visit loan social term year entry photo phone
//! for  = ["staff"]            # left out: everybody
//! text = "Check that every child in the picture may be shown."   # left out: the clause itself
//! ```

use schoolgate_base::ControlKind;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Span;
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Spanned, Table, Word};

/// A `remind` control as written.
#[derive(Debug, Clone, PartialEq)]
pub struct RemindSyntax {
    pub span: Span,
    pub at: Option<Spanned<Moment>>,
    pub audience: Vec<Word>,
    pub text: Option<Word>,
}

/// A moment at which the product can show a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// On the portal's first page after signing in.
    SignIn,
    /// On the warning page before a site of a warned category opens.
    Warning,
    /// Beside the form of any request.
    Request,
    /// Beside the form of any report.
    Report,
    /// On the page about downloads, and where a door holds one.
    Download,
    /// Before something is published or uploaded.
    Upload,
    /// Before a message leaves the school.
    Mail,
    /// When an own device is registered or asked for.
    OwnDevice,
    /// When a trip is asked for.
    Trip,
    /// When a visit to a home is asked for or planned.
    Visit,
    /// When something is lent.
    Loan,
    /// Before somebody writes on social media for the school, or about it.
    Social,
    /// On the first days of a term.
    Term,
    /// Once a school year, on its first days.
    Year,
    /// When a visitor comes in.
    Entry,
    /// Before a picture is taken.
    Photo,
    /// When a phone may be used.
    Phone,
}

/// The words of the moments.
pub const MOMENTS: [(&str, Moment); 17] = [
    ("sign-in", Moment::SignIn),
    ("warning", Moment::Warning),
    ("request", Moment::Request),
    ("report", Moment::Report),
    ("download", Moment::Download),
    ("upload", Moment::Upload),
    ("mail", Moment::Mail),
    ("own-device", Moment::OwnDevice),
    ("trip", Moment::Trip),
    ("visit", Moment::Visit),
    ("loan", Moment::Loan),
    ("social", Moment::Social),
    ("term", Moment::Term),
    ("year", Moment::Year),
    ("entry", Moment::Entry),
    ("photo", Moment::Photo),
    ("phone", Moment::Phone),
];

impl Moment {
    pub fn as_str(self) -> &'static str {
        MOMENTS.iter().find(|(_, moment)| *moment == self).map_or("", |(word, _)| word)
    }
}

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> RemindSyntax {
    let mut reader = Reader::control(table, span, ControlKind::Remind, findings);
    let at = reader.choice("at", &MOMENTS);
    if at.is_none() && reader.key_span("at").is_none() {
        reader.missing("at", "\"upload\"");
    }
    let audience = reader.words("for").unwrap_or_default();
    let text = reader.text("text");
    reader.finish();
    RemindSyntax { span, at, audience, text }
}
