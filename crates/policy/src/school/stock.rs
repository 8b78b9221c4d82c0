//! The sections of `school.toml` that rules about things refer to: content, stores, systems, channels and keepers.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schoolgate_base::{ControlKind, HostName, Within};

use super::read::{host, tables};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::front;
use crate::syntax::reader::{Findings, Reader, choose};
use crate::syntax::{Table, ValueKind};

/// What can be in a text, a file or a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentEntry {
    pub span: Span,
    pub title: Box<str>,
    /// How it is found: `phrases`, `personal-data`, a label of the school's own.
    pub found: Option<Box<str>>,
    pub phrases: Vec<Box<str>>,
    /// Belief, union, health, orientation: only who writes it is ever shown it.
    pub is_special: bool,
    /// Criticism, complaints, union activity, disclosures: no rule acts on it.
    pub is_protected: bool,
    /// Suspected indecent images of children: stopped, never copied, and the safeguarding lead told.
    pub is_sealed: bool,
}

/// Something people sign in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemEntry {
    pub title: Box<str>,
    /// Closed to whom no rule allows it.
    pub is_restricted: bool,
    pub hosts: Vec<HostName>,
}

/// An outside system, or somebody, that keeps what no door of ours does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeeperEntry {
    pub span: Span,
    pub title: Box<str>,
    /// The kinds of control it carries out; empty where nobody said.
    pub does: Vec<ControlKind>,
    pub known: Option<KnownBy>,
}

/// How it is known that a keeper keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownBy {
    /// Tried out regularly.
    Probe,
    /// Its log is read in.
    Log,
    /// Somebody said so on that day.
    Statement { stated: Date, lapses: Option<Within> },
}

pub(super) fn content(table: &Table, findings: &mut Findings) -> BTreeMap<Box<str>, ContentEntry> {
    let mut found = BTreeMap::new();
    for (name, inner) in tables(table, "content", findings) {
        let mut reader = Reader::new(inner, name.span, "content", findings);
        let entry = ContentEntry {
            span: name.span,
            title: reader.text("title").map_or_else(|| name.text.clone(), |word| word.text).into(),
            found: reader.text("found").map(|word| word.text.into()),
            phrases: reader.words("phrases").unwrap_or_default().into_iter().map(|word| word.text.into()).collect(),
            is_special: reader.truth("special").unwrap_or(false),
            is_protected: reader.truth("protected").unwrap_or(false),
            is_sealed: reader.truth("sealed").unwrap_or(false),
        };
        reader.finish();
        found.insert(name.text.as_str().into(), entry);
    }
    found
}

pub(super) fn systems(table: &Table, findings: &mut Findings) -> BTreeMap<Box<str>, SystemEntry> {
    let mut found = BTreeMap::new();
    for (name, inner) in tables(table, "systems", findings) {
        let mut reader = Reader::new(inner, name.span, "a system", findings);
        let title = reader.text("title").map_or_else(|| name.text.clone(), |word| word.text).into();
        let is_restricted = reader.truth("restricted").unwrap_or(false);
        let hosts = reader.words("hosts").unwrap_or_default();
        let hosts = hosts.iter().filter_map(|word| host(word, reader.findings)).collect();
        reader.finish();
        found.insert(name.text.as_str().into(), SystemEntry { title, is_restricted, hosts });
    }
    found
}

/// `name = "title"`, or a section with what it does and how that is known.
pub(super) fn keepers(table: &Table, findings: &mut Findings) -> BTreeMap<Box<str>, KeeperEntry> {
    let mut found = BTreeMap::new();
    for (name, value) in &table.entries {
        let plain = |title: &str| KeeperEntry { span: name.span, title: title.into(), does: Vec::new(), known: None };
        let entry = match &value.kind {
            ValueKind::Text(word) => plain(&word.text),
            ValueKind::Table(inner) => keeper(inner, name.span, &name.text, findings),
            other => {
                let message = format!("`{}` wants a title, this is {}", name.text, other.name());
                findings.push(Diagnostic::new(Code::WrongType, value.span, message));
                plain(&name.text)
            }
        };
        found.insert(name.text.as_str().into(), entry);
    }
    found
}

fn keeper(table: &Table, span: Span, name: &str, findings: &mut Findings) -> KeeperEntry {
    let mut reader = Reader::new(table, span, "a keeper", findings);
    let title = reader.text("title").map_or_else(|| name.to_owned(), |word| word.text).into();
    let kinds: Vec<(&'static str, ControlKind)> =
        ControlKind::ALL.into_iter().map(|kind| (kind.as_str(), kind)).collect();
    let does = reader.words("does").unwrap_or_default();
    let does = does.iter().filter_map(|word| Some(choose(word, "does", &kinds, reader.findings)?.value)).collect();
    let known = known(&mut reader);
    reader.finish();
    KeeperEntry { span, title, does, known }
}

fn known(reader: &mut Reader<'_, '_>) -> Option<KnownBy> {
    let stated = reader.text("stated").and_then(|word| front::date(&word, reader.findings));
    let lapses = reader.within("lapses").map(|length| length.value);
    let word = reader.text("known")?;
    let ways = [("probe", 0), ("log", 1), ("statement", 2)];
    match (choose(&word, "known", &ways, reader.findings)?.value, stated) {
        (0, _) => Some(KnownBy::Probe),
        (1, _) => Some(KnownBy::Log),
        (_, Some(stated)) => Some(KnownBy::Statement { stated: stated.value, lapses }),
        (_, None) => {
            reader.findings.push(
                Diagnostic::new(Code::MissingKey, word.span, "a statement needs the day on which it was made")
                    .why("a statement lapses after a year, or when `lapses` says")
                    .help("add `stated = 2026-09-01`"),
            );
            None
        }
    }
}
