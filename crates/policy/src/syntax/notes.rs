//! What a control block says about its clause, above the first control.
//!
//! ```toml
//! answers     = ["HC-069"]          # rows of the school's register of clauses
//! kept_by     = "mail-system"       # a keeper of school.toml, or a role
//! for         = ["leadership"]      # whom the clause binds, narrower than the policy's audience
//! information = "why nothing has to run"    # or true
//! limited     = { "HC-070" = "what is missing" }
//! refused     = { "HC-071" = "why, and what is done instead" }
//! note        = "for technicians and owners"
//! was         = ["earlier-id"]
//! locked      = true                # whoever extends this policy cannot weaken it
//! replaces    = "england-2026#phones"
//! source      = "Keeping children safe in education 2026, paragraph 142"
//! since       = 2026-09-01
//! ```

use super::document::ClauseNotes;
use super::front;
use super::reader::Reader;
use super::value::{ValueKind, Word};

/// Notes that are tables.
pub(super) const TABLES: [&str; 2] = ["limited", "refused"];

pub(super) fn read(reader: &mut Reader<'_, '_>) -> ClauseNotes {
    let (is_information, information) = information(reader);
    ClauseNotes {
        answers: reader.words("answers").unwrap_or_default(),
        kept_by: reader.words("kept_by").unwrap_or_default(),
        is_information,
        information,
        limited: reasons(reader, "limited"),
        refused: reasons(reader, "refused"),
        binds: reader.words("for").unwrap_or_default(),
        note: reader.text("note"),
        was: reader.words("was").unwrap_or_default(),
        is_locked: reader.truth("locked").unwrap_or(false),
        replaces: reader.text("replaces"),
        source: reader.text("source"),
        since: reader.text("since").and_then(|word| front::date(&word, reader.findings)),
    }
}

/// `true`, or the reason.
fn information(reader: &mut Reader<'_, '_>) -> (bool, Option<Word>) {
    match reader.get("information").map(|value| (&value.kind, value.span)) {
        None => (false, None),
        Some((ValueKind::Truth(truth), _)) => (*truth, None),
        Some((ValueKind::Text(word), _)) => (true, Some(word.clone())),
        Some((other, span)) => {
            reader.wrong_type("information", span, other.name(), "`true`, or the reason in quotes");
            (false, None)
        }
    }
}

pub(super) fn reasons(reader: &mut Reader<'_, '_>, key: &'static str) -> Vec<(Word, Word)> {
    let Some(table) = reader.table(key) else { return Vec::new() };
    let mut reasons = Vec::new();
    for (row, value) in &table.entries {
        match &value.kind {
            ValueKind::Text(reason) => reasons.push((row.clone(), reason.clone())),
            other => reader.wrong_type(&row.text, value.span, other.name(), "the reason in quotes"),
        }
    }
    reasons
}

impl ClauseNotes {
    /// Adds what a further block of the same clause says.
    pub(super) fn join(&mut self, more: Self) {
        self.answers.extend(more.answers);
        self.kept_by.extend(more.kept_by);
        self.is_information |= more.is_information;
        self.information = self.information.take().or(more.information);
        self.limited.extend(more.limited);
        self.refused.extend(more.refused);
        self.binds.extend(more.binds);
        self.note = self.note.take().or(more.note);
        self.was.extend(more.was);
        self.is_locked |= more.is_locked;
        self.replaces = self.replaces.take().or(more.replaces);
        self.source = self.source.take().or(more.source);
        self.since = self.since.take().or(more.since);
    }
}
