//! Reads a table key by key and complains about every key that nobody asked for.

use schoolgate_base::{ControlKind, Within, WithinError};

use super::value::{Table, Value, ValueKind, Word};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::keys::EVERY_CONTROL;
use crate::nearest::nearest;

/// Where the parser's and the checker's findings gather.
pub(crate) type Findings = Vec<Diagnostic>;

/// Reads one table. Keys asked for are keys known: [`Reader::finish`] names the others.
pub(crate) struct Reader<'t, 'f> {
    table: &'t Table,
    /// Where the table is named: its header or key.
    place: Span,
    what: &'static str,
    known: Vec<&'static str>,
    pub(crate) findings: &'f mut Findings,
}

impl<'t, 'f> Reader<'t, 'f> {
    /// `what` names the table in messages: "a `web` control".
    pub(crate) fn new(table: &'t Table, place: Span, what: &'static str, findings: &'f mut Findings) -> Self {
        Self { table, place, what, known: Vec::new(), findings }
    }

    /// The table of a control. The keys that every control has are read before.
    pub(crate) fn control(table: &'t Table, place: Span, kind: ControlKind, findings: &'f mut Findings) -> Self {
        let mut reader = Self::new(table, place, kind_words(kind), findings);
        reader.known.extend(EVERY_CONTROL.iter().map(|key| key.name));
        reader
    }

    pub(crate) fn place(&self) -> Span {
        self.place
    }

    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'t Value> {
        self.known.push(key);
        self.table.get(key).map(|(_, value)| value)
    }

    pub(crate) fn key_span(&self, key: &str) -> Option<Span> {
        self.table.get(key).map(|(word, _)| word.span)
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<Word> {
        let value = self.get(key)?;
        match &value.kind {
            ValueKind::Text(word) => Some(word.clone()),
            other => {
                self.wrong_type(key, value.span, other.name(), "a text in quotes");
                None
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn needed(&mut self, key: &'static str, example: &str) -> Option<Word> {
        let found = self.text(key);
        if self.table.get(key).is_none() {
            self.missing(key, example);
        }
        found
    }

    /// A text, or a list of texts.
    pub(crate) fn words(&mut self, key: &'static str) -> Option<Vec<Word>> {
        let value = self.get(key)?;
        match &value.kind {
            ValueKind::Text(word) => Some(vec![word.clone()]),
            ValueKind::List(items) => Some(self.list(key, items)),
            other => {
                self.wrong_type(key, value.span, other.name(), "a text or a list of texts");
                None
            }
        }
    }

    pub(crate) fn list(&mut self, key: &str, items: &[Value]) -> Vec<Word> {
        let mut words = Vec::new();
        for item in items {
            match &item.kind {
                ValueKind::Text(word) => words.push(word.clone()),
                other => self.wrong_type(key, item.span, other.name(), "a text in quotes"),
            }
        }
        words
    }

    pub(crate) fn truth(&mut self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        match &value.kind {
            ValueKind::Truth(truth) => Some(*truth),
            other => {
                self.wrong_type(key, value.span, other.name(), "`true` or `false`");
                None
            }
        }
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Option<i64> {
        let value = self.get(key)?;
        match &value.kind {
            ValueKind::Integer(number) => Some(*number),
            other => {
                self.wrong_type(key, value.span, other.name(), "a whole number");
                None
            }
        }
    }

    pub(crate) fn table(&mut self, key: &'static str) -> Option<&'t Table> {
        let value = self.get(key)?;
        match &value.kind {
            ValueKind::Table(table) => Some(table),
            other => {
                self.wrong_type(key, value.span, other.name(), "a table");
                None
            }
        }
    }

    pub(crate) fn within(&mut self, key: &'static str) -> Option<Spanned<Within>> {
        let word = self.text(key)?;
        within(&word, self.findings)
    }

    /// A word out of a fixed set.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Option<Spanned<T>> {
        let word = self.text(key)?;
        choose(&word, key, choices, self.findings)
    }

    pub(crate) fn missing(&mut self, key: &str, example: &str) {
        self.findings.push(
            Diagnostic::new(Code::MissingKey, self.place, format!("{} needs `{key}`", self.what))
                .help(format!("add `{key} = {example}`")),
        );
    }

    pub(crate) fn wrong_type(&mut self, key: &str, span: Span, found: &str, wanted: &str) {
        self.findings.push(
            Diagnostic::new(Code::WrongType, span, format!("`{key}` wants {wanted}, this is {found}"))
                .label(format!("{found}, not {wanted}")),
        );
    }

    /// Complains about every key that was not asked for.
    pub(crate) fn finish(self) {
        for (key, _) in &self.table.entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let mut found = Diagnostic::new(Code::UnknownKey, key.span, format!("{} has no `{}`", self.what, key.text))
                .label("not known here");
            found.help = Some(match nearest(&key.text, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here are {}", list_of(self.known.iter().copied())),
            });
            self.findings.push(found);
        }
    }
}

fn kind_words(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::Web => "a `web` control",
        ControlKind::Search => "a `search` control",
        ControlKind::Mail => "a `mail` control",
        ControlKind::File => "a `file` control",
        ControlKind::Publish => "a `publish` control",
        ControlKind::Account => "an `account` control",
        ControlKind::Device => "a `device` control",
        ControlKind::Request => "a `request` control",
        ControlKind::Report => "a `report` control",
        ControlKind::Register => "a `register` control",
        ControlKind::Duty => "a `duty` control",
        ControlKind::Sign => "a `sign` control",
        ControlKind::Remind => "a `remind` control",
    }
}

/// A value with the place it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

/// Reads a length of time.
pub(crate) fn within(word: &Word, findings: &mut Findings) -> Option<Spanned<Within>> {
    match word.text.parse::<Within>() {
        Ok(value) => Some(Spanned { value, span: word.span }),
        Err(error) => {
            findings.push(length_error(word, &error));
            None
        }
    }
}

fn length_error(word: &Word, error: &WithinError) -> Diagnostic {
    let text = word.text.as_str();
    let (length, period) = text.split_once(" in ").map_or((text, None), |(length, period)| (length, Some(period)));
    let (count, unit) = length.split_once(' ').unwrap_or((length, ""));
    let (span, label) = match error {
        WithinError::PeriodNeedsMinutes(_) => (period.map_or(word.span, |p| word.place_of(p)), "not with this unit"),
        WithinError::Count => (word.place_of(count), "not 1 to 10000"),
        WithinError::Grammar(_) if count.parse::<u32>().is_err() => (word.place_of(count), "a number is wanted here"),
        WithinError::Grammar(_) => (word.place_of(unit), "not a unit of time"),
    };
    let units = ["minute", "hour", "day", "school day", "working day", "week", "month", "year"];
    let near = nearest(unit.trim_end_matches('s'), units).map(|unit| format!("did you mean `{count} {unit}s`? "));
    Diagnostic::new(Code::BadLength, span, format!("`{text}` is not a length of time")).label(label).help(format!(
        "{}write `14 days`, `3 school days`, `same day` or `5 minutes in lessons`",
        near.filter(|_| count.parse::<u32>().is_ok()).unwrap_or_default()
    ))
}

/// Reads a word out of a fixed set.
pub(crate) fn choose<T: Copy>(
    word: &Word,
    key: &str,
    choices: &[(&'static str, T)],
    findings: &mut Findings,
) -> Option<Spanned<T>> {
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word.text) {
        return Some(Spanned { value: *value, span: word.span });
    }
    let names = || choices.iter().map(|(name, _)| *name);
    let help = match nearest(&word.text, names()) {
        Some(near) => format!("did you mean `{near}`? `{key}` is one of {}", list_of(names())),
        None => format!("`{key}` is one of {}", list_of(names())),
    };
    findings.push(
        Diagnostic::new(Code::UnknownWord, word.span, format!("`{}` is not a word for `{key}`", word.text)).help(help),
    );
    None
}

/// "`a`, `b` and `c`".
pub(crate) fn list_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
