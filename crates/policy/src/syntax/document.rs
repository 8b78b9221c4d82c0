//! A policy document as a tree: its front matter, its headings and prose, and its clauses with their controls.

use std::collections::BTreeMap;
use std::ops::Range;

use schoolgate_base::ControlKind;

use super::front::{self, Front};
use super::markdown::{self, Leaf};
use super::reader::{Findings, Reader, Spanned};
use super::value::{self, Source, Table, Value, ValueKind, Word};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::{self, Body};
use crate::nearest::nearest;
use crate::pack::FileId;

/// One policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub file: FileId,
    pub front: Front,
    /// Headings, prose and clauses in the order of the text.
    pub parts: Vec<Part>,
    pub clauses: Vec<Clause>,
    /// Where text stands that belongs to no clause, line by line.
    pub prose_lines: Vec<Span>,
}

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Heading {
        level: u8,
        text: String,
    },
    /// Markdown that belongs to no clause.
    Prose(String),
    /// The clause at this place in [`Document::clauses`].
    Clause(usize),
}

/// One separable rule of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// Without `#`.
    pub id: Word,
    /// As printed: `5.1`; empty where the text has none.
    pub number: String,
    /// Markdown, without number and id.
    pub text: String,
    /// The first line.
    pub span: Span,
    /// Where the text stands, line by line.
    pub lines: Vec<Span>,
    pub notes: ClauseNotes,
    pub controls: Vec<Control>,
}

/// What control blocks say about the clause itself, above their first control.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClauseNotes {
    /// Ids of the demands this clause answers, in the school's register of clauses.
    pub answers: Vec<Word>,
    /// The outside system, or the role, that keeps what the controls here cannot.
    pub kept_by: Vec<Word>,
    /// The clause tells, it does not demand: nothing has to keep it.
    pub is_information: bool,
    /// Why nothing has to keep it.
    pub information: Option<Word>,
    /// Demands that are kept less far than they ask → what is missing.
    pub limited: Vec<(Word, Word)>,
    /// Demands that would be unlawful or unkind as they stand → why, and what is done instead.
    pub refused: Vec<(Word, Word)>,
    /// Whom the clause binds, where that is narrower than the policy's audience.
    pub binds: Vec<Word>,
    /// For technicians and owners.
    pub note: Option<Word>,
    /// Ids that the clause had in earlier editions.
    pub was: Vec<Word>,
    /// A policy that extends this one cannot weaken it.
    pub is_locked: bool,
    /// The clause of an extended policy in whose place this one stands.
    pub replaces: Option<Word>,
    /// Where the rule comes from.
    pub source: Option<Word>,
    pub since: Option<Spanned<jiff::civil::Date>>,
}

/// One control of a clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    pub kind: ControlKind,
    pub name: Option<Word>,
    /// Who keeps it where no door of ours does; before what the clause says of all its controls.
    pub kept_by: Vec<Word>,
    /// The demands that this control alone answers; empty: all that its clause answers.
    pub answers: Vec<Word>,
    /// Its header line.
    pub span: Span,
    pub body: Body,
    /// As it was read, key by key.
    pub table: Table,
}

/// Reads a document; whatever can be read is in the tree.
pub(crate) fn parse(file: FileId, text: &str, findings: &mut Findings) -> Document {
    let lines = markdown::lines(text);
    let (head, skip) = markdown::head(file, text, &lines);
    let front = front::parse(file, &head, findings);
    let mut builder = Builder {
        file,
        text,
        document: Document { file, front, parts: Vec::new(), clauses: Vec::new(), prose_lines: Vec::new() },
        current: None,
        findings,
    };
    for leaf in markdown::leaves(file, text, &lines, skip) {
        builder.leaf(leaf);
    }
    let document = builder.document;
    check_ids(&document, findings);
    document
}

fn check_ids(document: &Document, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for clause in &document.clauses {
        if let Some(first) = seen.get(clause.id.text.as_str()) {
            findings.push(
                Diagnostic::new(
                    Code::DuplicateClause,
                    clause.id.span,
                    format!("two clauses are called `#{}`", clause.id.text),
                )
                .label("used again here")
                .why("signatures, evidence and other clauses refer to a clause by its id")
                .help(format!("give this one an id of its own, such as `{{#{}-2}}`", clause.id.text))
                .other(*first, "first used here"),
            );
        } else {
            seen.insert(&clause.id.text, clause.id.span);
        }
    }
    check_earlier_ids(document, &seen, findings);
    for clause in &document.clauses {
        check_control_names(clause, findings);
    }
}

/// What was seen under an earlier id belongs to one clause.
fn check_earlier_ids(document: &Document, ids: &BTreeMap<&str, Span>, findings: &mut Findings) {
    let mut claimed: BTreeMap<&str, Span> = BTreeMap::new();
    for word in document.clauses.iter().flat_map(|clause| &clause.notes.was) {
        let id = word.text.trim_start_matches('#');
        let taken = ids.get(id).map(|place| (*place, "is the id of a clause", "in use here"));
        let taken = taken.or_else(|| claimed.get(id).map(|place| (*place, "is claimed twice", "claimed here already")));
        claimed.entry(id).or_insert(word.span);
        let Some((place, message, label)) = taken else { continue };
        findings.push(
            Diagnostic::new(Code::EarlierIdTaken, word.span, format!("the earlier id `#{id}` {message}"))
                .why("what was seen and promised under it would belong to two clauses")
                .help("name ids in `was` that no other clause has or had")
                .other(place, label),
        );
    }
}

fn check_control_names(clause: &Clause, findings: &mut Findings) {
    let mut seen: BTreeMap<(ControlKind, Option<&str>), Span> = BTreeMap::new();
    for control in &clause.controls {
        let name = control.name.as_ref().map(|name| name.text.as_str());
        let Some(first) = seen.insert((control.kind, name), control.span) else { continue };
        let kind = control.kind.as_str();
        findings.push(
            Diagnostic::new(
                Code::DuplicateControl,
                control.span,
                match name {
                    Some(name) => format!("clause `#{}` has two `{kind}` controls named `{name}`", clause.id.text),
                    None => format!("clause `#{}` has two `{kind}` controls without a name", clause.id.text),
                },
            )
            .why("evidence is kept by control, so each needs a name of its own")
            .help("add `name = \"…\"` to one of them")
            .other(first, "the other one"),
        );
    }
}

struct Builder<'t, 'f> {
    file: FileId,
    text: &'t str,
    document: Document,
    /// The clause that text and control blocks belong to now, how far it is indented, and where its text ends.
    current: Option<Open>,
    findings: &'f mut Findings,
}

struct Open {
    clause: usize,
    indent: usize,
    end: usize,
}

impl Builder<'_, '_> {
    fn leaf(&mut self, leaf: Leaf) {
        match leaf {
            Leaf::Heading { level, text, .. } => {
                self.current = None;
                self.document.parts.push(Part::Heading { level, text });
            }
            Leaf::Text { lines, indent, is_paragraph } => self.text(&lines, indent, is_paragraph),
            Leaf::Block { info, range, source, is_closed, .. } => self.block(&info, range, &source, is_closed),
        }
    }

    fn text(&mut self, lines: &[Range<usize>], indent: usize, is_paragraph: bool) {
        let mut pending: Vec<Range<usize>> = Vec::new();
        for line in lines {
            let content = self.text.get(line.clone()).unwrap_or("");
            let lead = lead(content, indent);
            let marker = is_paragraph.then(|| marker(content.get(lead..).unwrap_or(""))).flatten();
            let Some(marker) = marker else {
                if is_paragraph && pending.is_empty() && line == lines.first().unwrap_or(line) {
                    self.warn_without_id(line.start + lead, content.get(lead..).unwrap_or(""));
                }
                pending.push(line.clone());
                continue;
            };
            self.continuation(&pending);
            pending.clear();
            self.open_clause(line, lead, indent, &marker);
        }
        self.continuation(&pending);
    }

    fn warn_without_id(&mut self, start: usize, content: &str) {
        let number = number(content);
        if !number.contains('.') || number.ends_with('.') {
            return;
        }
        let span = Span::new(self.file, start..start + number.len());
        self.findings.push(
            Diagnostic::new(Code::ClauseWithoutId, span, format!("paragraph {number} is numbered but has no id"))
                .why("it is shown, but nothing can be bound to it and nobody can refer to it")
                .help(format!("write `{number} {{#short-name}} …`")),
        );
    }

    fn open_clause(&mut self, line: &Range<usize>, lead: usize, indent: usize, marker: &Marker) {
        let start = line.start + lead;
        let id_span = Span::new(self.file, start + marker.id.start..start + marker.id.end);
        let content = self.text.get(start..line.end).unwrap_or("");
        let id = content.get(marker.id.clone()).unwrap_or("").to_owned();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            self.findings.push(
                Diagnostic::new(Code::BadClauseId, id_span, format!("`#{id}` cannot be the id of a clause"))
                    .help("use lower-case letters, digits and dashes, such as `{#own-time}`"),
            );
        }
        let clause = Clause {
            id: Word { text: id, span: id_span },
            number: marker.number.clone(),
            text: content.get(marker.end..).unwrap_or("").trim_end().to_owned(),
            span: Span::new(self.file, start..start + content.trim_end().len()),
            lines: vec![Span::new(self.file, start + marker.end..line.end)],
            notes: ClauseNotes::default(),
            controls: Vec::new(),
        };
        self.document.parts.push(Part::Clause(self.document.clauses.len()));
        self.current = Some(Open { clause: self.document.clauses.len(), indent, end: line.end });
        self.document.clauses.push(clause);
    }

    fn continuation(&mut self, lines: &[Range<usize>]) {
        let Some(first) = lines.first() else { return };
        let indent = self.current.as_ref().map_or(0, |open| open.indent);
        let mut text = String::new();
        for line in lines {
            let content = self.text.get(line.clone()).unwrap_or("");
            let spaces = content.bytes().take(indent).take_while(|&byte| byte == b' ').count();
            text.push_str(content.get(spaces..).unwrap_or("").trim_end());
            text.push('\n');
        }
        let end = lines.last().map_or(first.end, |line| line.end);
        let places = lines.iter().map(|line| Span::new(self.file, line.clone()));
        let target = match &mut self.current {
            Some(open) => {
                let gap = self.text.get(open.end..first.start).is_some_and(|between| !between.is_empty());
                open.end = end;
                self.document.clauses.get_mut(open.clause).map(|clause| {
                    clause.lines.extend(places);
                    (&mut clause.text, gap)
                })
            }
            None => match self.document.parts.last_mut() {
                Some(Part::Prose(prose)) => {
                    self.document.prose_lines.extend(places);
                    Some((prose, true))
                }
                _ => {
                    self.document.prose_lines.extend(places);
                    None
                }
            },
        };
        match target {
            Some((existing, gap)) => {
                existing.push_str(if gap { "\n\n" } else { "\n" });
                existing.push_str(text.trim_end());
            }
            None => self.document.parts.push(Part::Prose(text.trim_end().to_owned())),
        }
    }

    fn block(&mut self, info: &str, range: Range<usize>, source: &Source, is_closed: bool) {
        let header = self.text.get(range.clone()).unwrap_or("").trim_end().len();
        let span = Span::new(self.file, range.start..range.start + header);
        if info != "control" {
            let holds_controls = source.text.lines().any(|line| {
                ControlKind::ALL.into_iter().any(|kind| line.trim_end() == format!("[[{}]]", kind.as_str()))
            });
            if let Some(near) = nearest(info, ["control"]).or(holds_controls.then_some("control")) {
                self.findings.push(
                    Diagnostic::new(Code::UnknownWord, span, format!("this block is called `{info}`"))
                        .why("people would see it as text, and no door would keep it")
                        .help(format!("did you mean `{near}`?")),
                );
            }
            return;
        }
        if !is_closed {
            self.findings.push(
                Diagnostic::new(Code::UnclosedControl, span, "this control block is never closed")
                    .why("everything after it is read as TOML")
                    .help("end it with a line of three backticks"),
            );
        }
        let table = value::parse(source, self.findings);
        let Some(clause) = self.current.as_ref().map(|open| open.clause) else {
            self.findings.push(
                Diagnostic::new(Code::ControlOutsideClause, span, "this control belongs to no clause")
                    .why("a control says what keeps a clause, so it stands after that clause")
                    .help("write a clause above it, such as `5.1 {#own-time} …`; a heading is none"),
            );
            return;
        };
        let (notes, controls) = read_block(&table, span, self.findings);
        if let Some(clause) = self.document.clauses.get_mut(clause) {
            clause.notes.join(notes);
            clause.controls.extend(controls);
        }
    }
}

/// Reads the notes and controls of one block.
fn read_block(table: &Table, span: Span, findings: &mut Findings) -> (ClauseNotes, Vec<Control>) {
    let mut rest = Table { span: table.span, entries: Vec::new() };
    let mut controls = Vec::new();
    for (key, value) in &table.entries {
        match ControlKind::ALL.into_iter().find(|kind| kind.as_str() == key.text) {
            Some(kind) => controls.extend(read_kind(kind, key, value, findings)),
            None if is_tables(value) && !super::notes::TABLES.contains(&key.text.as_str()) => {
                findings.push(unknown_kind(key))
            }
            None => rest.entries.push((key.clone(), value.clone())),
        }
    }
    let mut reader = Reader::new(&rest, span, "a control block", findings);
    let notes = super::notes::read(&mut reader);
    reader.finish();
    if table.entries.is_empty() {
        findings.push(
            Diagnostic::new(Code::EmptyControl, span, "this control block is empty")
                .help("write a control such as `[[web]]`, or `information = true` for a clause that only tells"),
        );
    }
    (notes, controls)
}

fn is_tables(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Table(_) => true,
        ValueKind::List(items) => items.iter().any(|item| matches!(item.kind, ValueKind::Table(_))),
        _ => false,
    }
}

fn unknown_kind(key: &Word) -> Diagnostic {
    let names = || ControlKind::ALL.into_iter().map(ControlKind::as_str);
    let help = match nearest(&key.text, names()) {
        Some(near) => format!("did you mean `[[{near}]]`?"),
        None => format!("the kinds are {}", super::reader::list_of(names())),
    };
    Diagnostic::new(Code::UnknownKind, key.span, format!("there is no kind of control called `{}`", key.text))
        .help(help)
}

fn read_kind(kind: ControlKind, key: &Word, value: &Value, findings: &mut Findings) -> Vec<Control> {
    let single = std::slice::from_ref(value);
    let items = match &value.kind {
        ValueKind::List(items) => items.as_slice(),
        _ => single,
    };
    let mut controls = Vec::new();
    for item in items {
        let ValueKind::Table(table) = &item.kind else {
            findings.push(
                Diagnostic::new(Code::WrongType, item.span, format!("`{}` wants a table", key.text))
                    .help(format!("begin it with a line `[[{}]]`", key.text)),
            );
            continue;
        };
        controls.push(kinds::read(kind, key, table, findings));
    }
    controls
}

/// How far the content of a line is in: past its indentation and list marker.
fn lead(content: &str, indent: usize) -> usize {
    let limit = indent.min(content.len());
    let is_marker = |b: u8| b.is_ascii_digit() || b" -*+.)\t>".contains(&b);
    let inside = content.bytes().take(limit).take_while(|&b| is_marker(b)).count();
    let inside = if inside < limit { content.bytes().take_while(|&b| b == b' ').count() } else { inside };
    inside + content.get(inside..).unwrap_or("").bytes().take_while(|&b| b == b' ').count()
}

struct Marker {
    number: String,
    /// The letters of the id, from the start of the content.
    id: Range<usize>,
    /// Where the text of the clause begins.
    end: usize,
}

/// The number at the start of a line: digits and dots, perhaps a letter.
fn number(content: &str) -> &str {
    let length = content.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    if content.as_bytes().first().is_none_or(|b| !b.is_ascii_digit()) {
        return "";
    }
    let letter = content.as_bytes().get(length).is_some_and(u8::is_ascii_lowercase)
        && content.as_bytes().get(length + 1).is_some_and(|b| b.is_ascii_whitespace());
    content.get(..length + usize::from(letter)).unwrap_or("")
}

/// `5.1 {#own-time} ` at the start of a line.
fn marker(content: &str) -> Option<Marker> {
    let number = number(content);
    let after = content.get(number.len()..)?;
    let spaces = after.len() - after.trim_start_matches(' ').len();
    if !number.is_empty() && spaces == 0 {
        return None;
    }
    let rest = after.get(spaces..)?.strip_prefix("{#")?;
    let length = rest.find('}')?;
    if rest.get(..length)?.contains(['\n', ' ']) {
        return None;
    }
    let start = number.len() + spaces + 2;
    let past = start + length + 1;
    let tail = content.get(past..)?;
    let end = past + tail.bytes().take_while(|&b| b == b' ').count();
    Some(Marker { number: number.to_owned(), id: start..start + length, end })
}
