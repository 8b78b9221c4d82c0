//! A file of people, read whole: rows that can be used, and the problems of those that cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schoolgate_base::{Capacity, Group};
use schoolgate_records::fold;

use crate::DirectoryError;
use crate::columns::{Column, Header, UnknownColumn, nearest_of, nearest_word};
use crate::decode::decode;

/// A trust of a hundred schools has fewer people in one file.
const FILE_MAX_BYTES: usize = 64 << 20;
const ROWS_MAX: usize = 200_000;
/// Longest cell, in bytes; no name or address of mail is longer.
const CELL_MAX_BYTES: usize = 1_000;

/// What a file does not say of itself.
#[derive(Debug, Clone)]
pub struct RegisterSettings {
    /// Of everybody in it, when no column says.
    pub capacity: Option<Capacity>,
    /// In which days begin and end.
    pub zone: TimeZone,
}

/// One row that can be used. `None` means that the file has no such column, and the field stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub line: u64,
    pub mis_id: Option<Box<str>>,
    pub upn: Option<Box<str>>,
    pub name: Box<str>,
    pub capacities: BTreeSet<Capacity>,
    pub login: Option<Option<Box<str>>>,
    pub email: Option<Option<Box<str>>>,
    pub groups: Option<BTreeSet<Group>>,
    pub classes: Option<BTreeSet<Box<str>>>,
    /// An empty cell leaves it as it is.
    pub start: Option<Timestamp>,
    /// The end of the day named.
    pub end: Option<Option<Timestamp>>,
}

/// A row, or two, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Of the file, counted from 1.
    pub line: u64,
    pub kind: ProblemKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    #[error("{} `{key}` is on line {first_line} already; neither row is used", column.name())]
    DoubledKey { column: Column, key: Box<str>, first_line: u64 },
    #[error("the log-in `{login}` is on line {first_line} already")]
    DoubledLogin { login: Box<str>, first_line: u64 },
    #[error("the log-in `{login}` belongs to somebody else who is not in this file")]
    LoginTaken { login: Box<str> },
    #[error("its `mis_id` is one person's and its `upn` another's")]
    TwoPeople,
    #[error("neither `mis_id` nor `upn` is given")]
    NoKey,
    #[error("no name is given")]
    NoName,
    #[error("no capacity is given")]
    NoCapacity,
    #[error("`{word}` is not a capacity{}", nearest.map(|word| format!(", did you mean `{word}`?")).unwrap_or_default())]
    Capacity { word: Box<str>, nearest: Option<&'static str> },
    #[error("`{text}` in `{}` is not a date; write 2026-09-01 or 01/09/2026", column.name())]
    Date { column: Column, text: Box<str> },
    #[error("it ends before it starts")]
    EndsBeforeStart,
    #[error("it has {found} cells where the header has {wanted}")]
    CellCount { found: usize, wanted: usize },
    #[error("`{}` is longer than {CELL_MAX_BYTES} bytes", column.name())]
    TooLong { column: Column },
    #[error("it is not CSV")]
    NotCsv,
}

/// How the rules name a class: `class:6B`.
const CLASS: &str = "class:";

/// A group or class that the rules do not know. The people are taken all the same: a school may write its rules later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownGroup {
    /// Where it is first.
    pub line: u64,
    pub rows: usize,
    /// As the rules would name it: a class 6B is `class:6B`.
    pub group: Group,
    /// The one it may be meant for.
    pub nearest: Option<Group>,
}

impl fmt::Display for UnknownGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, rows, group, nearest } = self;
        let named = |group: &Group| match group.as_str().strip_prefix(CLASS) {
            Some(class) => format!("class `{class}`"),
            None => format!("group `{group}`"),
        };
        write!(f, "line {line}: the rules know no {}", named(group))?;
        if let Some(nearest) = nearest {
            write!(f, ", did you mean {}?", named(nearest))?;
        }
        match rows {
            1 => Ok(()),
            rows => write!(f, " ({rows} rows)"),
        }
    }
}

fn nearest(group: &Group, known: &BTreeSet<Group>) -> Option<Group> {
    let is_class = |group: &Group| group.as_str().starts_with(CLASS);
    let alike = known.iter().filter(|known| is_class(known) == is_class(group));
    nearest_of(group.as_str(), alike.map(Group::as_str)).map(Group::new)
}

/// A file of people as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    pub people: Vec<Incoming>,
    /// By line.
    pub problems: Vec<Problem>,
    /// Keys in rows that cannot be used: nobody is archived because their row is wrong.
    pub(crate) keys_in_problems: BTreeSet<Box<str>>,
    /// Capacities that the file is about.
    pub capacities: BTreeSet<Capacity>,
    /// Columns that were not looked at.
    pub ignored_columns: Vec<String>,
    /// The encoding the file was in, by its WHATWG name.
    pub encoding: &'static str,
}

impl Register {
    /// Reads a file of at most 64 MiB in UTF-8, UTF-16 or Windows-1252, its cells separated by comma, semicolon or tab.
    pub fn read(bytes: &[u8], settings: &RegisterSettings) -> Result<Self, DirectoryError> {
        if FILE_MAX_BYTES < bytes.len() {
            return Err(DirectoryError::TooLarge { size: bytes.len(), max: FILE_MAX_BYTES });
        }
        let (text, encoding) = decode(bytes);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter(&text))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let names = reader.headers().map_err(|source| DirectoryError::Csv { source })?;
        let header = Header::read(names.iter());
        header_check(&header, settings)?;
        let mut reading = Reading {
            register: Self {
                people: Vec::new(),
                problems: Vec::new(),
                keys_in_problems: BTreeSet::new(),
                capacities: settings.capacity.into_iter().collect(),
                ignored_columns: header.unknown.iter().map(|column| column.name.clone()).collect(),
                encoding,
            },
            header: &header,
            settings,
        };
        for (count, record) in reader.records().enumerate() {
            if ROWS_MAX <= count {
                return Err(DirectoryError::TooManyRows { max: ROWS_MAX });
            }
            reading.row(record);
        }
        let mut register = reading.register;
        register.doubled_out();
        register.problems.sort_by_key(|problem| problem.line);
        Ok(register)
    }

    /// Groups and classes in the file that are none of `known`, each once: no rule says anything to them.
    pub fn unknown_groups(&self, known: &BTreeSet<Group>) -> Vec<UnknownGroup> {
        let mut unknown: BTreeMap<Group, UnknownGroup> = BTreeMap::new();
        for row in &self.people {
            let groups = row.groups.iter().flatten().cloned();
            let classes = row.classes.iter().flatten().map(|class| Group::new(&format!("{CLASS}{class}")));
            for group in groups.chain(classes).filter(|group| !known.contains(group)) {
                let first =
                    || UnknownGroup { nearest: nearest(&group, known), line: row.line, rows: 0, group: group.clone() };
                unknown.entry(group.clone()).or_insert_with(first).rows += 1;
            }
        }
        let mut unknown: Vec<UnknownGroup> = unknown.into_values().collect();
        unknown.sort_by_key(|unknown| unknown.line);
        unknown
    }

    pub(crate) fn problem(&mut self, incoming: &Incoming, kind: ProblemKind) {
        self.keys_in_problems.extend([&incoming.mis_id, &incoming.upn].into_iter().flatten().cloned());
        self.problems.push(Problem { line: incoming.line, kind });
    }

    /// Takes out rows that share a key or a log-in with another. Of a doubled key no row is used: nobody knows which
    /// one is right.
    fn doubled_out(&mut self) {
        let mut out = BTreeSet::new();
        let mut found = Vec::new();
        let mut logins: BTreeMap<String, u64> = BTreeMap::new();
        let mut keys: BTreeMap<(Column, &str), u64> = BTreeMap::new();
        for row in &self.people {
            for (column, key) in [(Column::MisId, &row.mis_id), (Column::Upn, &row.upn)] {
                let Some(key) = key else { continue };
                let first_line = *keys.entry((column, key)).or_insert(row.line);
                if first_line != row.line {
                    out.extend([row.line, first_line]);
                    found.push((row.line, ProblemKind::DoubledKey { column, key: key.clone(), first_line }));
                }
            }
            let Some(Some(login)) = &row.login else { continue };
            let first_line = *logins.entry(fold(login)).or_insert(row.line);
            if first_line != row.line && !out.contains(&row.line) {
                out.insert(row.line);
                found.push((row.line, ProblemKind::DoubledLogin { login: login.clone(), first_line }));
            }
        }
        self.problems.extend(found.into_iter().map(|(line, kind)| Problem { line, kind }));
        let (wrong, right): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.people).into_iter().partition(|row| out.contains(&row.line));
        self.people = right;
        for row in wrong {
            self.keys_in_problems.extend([row.mis_id, row.upn].into_iter().flatten());
        }
    }
}

fn header_check(header: &Header, settings: &RegisterSettings) -> Result<(), DirectoryError> {
    let missing = header.missing(settings.capacity.is_some());
    // With everything there, a column that is near to nothing is only one that we do not need.
    let unknown = header
        .unknown
        .iter()
        .filter(|column| !missing.is_empty() || column.nearest.is_some_and(|nearest| !header.has(nearest)));
    let unknown: Vec<UnknownColumn> = unknown.cloned().collect();
    if missing.is_empty() && unknown.is_empty() && header.doubled.is_empty() {
        return Ok(());
    }
    Err(DirectoryError::Header { missing, unknown, doubled: header.doubled.clone() })
}

/// The separator that the first line has most of.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    // The last of equals wins, and that is the comma.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

struct Reading<'a> {
    register: Register,
    header: &'a Header,
    settings: &'a RegisterSettings,
}

impl Reading<'_> {
    fn row(&mut self, record: Result<csv::StringRecord, csv::Error>) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                self.register.problems.push(Problem { line, kind: ProblemKind::NotCsv });
                return;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(str::is_empty) {
            return;
        }
        match self.incoming(line, &record) {
            Ok(incoming) => {
                self.register.capacities.extend(&incoming.capacities);
                self.register.people.push(incoming);
            }
            Err(kind) => {
                for column in [Column::MisId, Column::Upn] {
                    let key = self.cell(&record, column).filter(|key| !key.is_empty()).map(Into::into);
                    self.register.keys_in_problems.extend(key);
                }
                self.register.problems.push(Problem { line, kind });
            }
        }
    }

    /// `None` when the file has no such column.
    fn cell<'r>(&self, record: &'r csv::StringRecord, column: Column) -> Option<&'r str> {
        let index = self.header.columns.iter().position(|one| *one == Some(column))?;
        record.get(index)
    }

    fn incoming(&self, line: u64, record: &csv::StringRecord) -> Result<Incoming, ProblemKind> {
        let wanted = self.header.columns.len();
        // Spreadsheets drop empty cells at the end of a row.
        let is_short_of_nothing = record.len() < wanted && wanted - record.len() <= 2;
        let extra = record.iter().skip(wanted).any(|cell| !cell.is_empty());
        if extra || (record.len() < wanted && !is_short_of_nothing) {
            return Err(ProblemKind::CellCount { found: record.len(), wanted });
        }
        for column in Column::ALL {
            if self.cell(record, column).is_some_and(|cell| CELL_MAX_BYTES < cell.len()) {
                return Err(ProblemKind::TooLong { column });
            }
        }
        let text = |column| self.cell(record, column).filter(|cell| !cell.is_empty()).map(Box::<str>::from);
        let (mis_id, upn) = (text(Column::MisId), text(Column::Upn));
        if mis_id.is_none() && upn.is_none() {
            return Err(ProblemKind::NoKey);
        }
        let given = |column| self.header.has(column);
        let start = self.date(record, Column::Start)?;
        let end = self.date(record, Column::End)?;
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            return Err(ProblemKind::EndsBeforeStart);
        }
        Ok(Incoming {
            line,
            mis_id,
            upn,
            name: self.name(record)?,
            capacities: self.capacities(record)?,
            login: given(Column::Login).then(|| text(Column::Login)),
            email: given(Column::Email).then(|| text(Column::Email)),
            groups: self.list(record, Column::Groups).map(|words| words.map(Group::new).collect()),
            classes: self.list(record, Column::Classes).map(|words| words.map(Into::into).collect()),
            start: start.and_then(|day| self.midnight(day)),
            end: given(Column::End).then(|| end.and_then(|day| self.midnight(day.tomorrow().ok()?))),
        })
    }

    fn name(&self, record: &csv::StringRecord) -> Result<Box<str>, ProblemKind> {
        let part = |column| self.cell(record, column).unwrap_or_default();
        let both = format!("{} {}", part(Column::FirstName), part(Column::LastName));
        let name = if both.trim().is_empty() { part(Column::Name) } else { both.trim() };
        if name.is_empty() { Err(ProblemKind::NoName) } else { Ok(name.into()) }
    }

    fn capacities(&self, record: &csv::StringRecord) -> Result<BTreeSet<Capacity>, ProblemKind> {
        let mut capacities = BTreeSet::new();
        for word in self.list(record, Column::Capacity).into_iter().flatten() {
            let plain = fold(word);
            let Some((_, capacity)) = CAPACITIES.iter().find(|(known, _)| *known == plain) else {
                let words = CAPACITIES.map(|(known, _)| known);
                return Err(ProblemKind::Capacity { word: word.into(), nearest: nearest_word(&plain, &words) });
            };
            capacities.insert(*capacity);
        }
        if capacities.is_empty() {
            capacities.extend(self.settings.capacity);
        }
        if capacities.is_empty() { Err(ProblemKind::NoCapacity) } else { Ok(capacities) }
    }

    /// The parts of a cell between `;`, `|` and `,`.
    fn list<'r>(
        &self,
        record: &'r csv::StringRecord,
        column: Column,
    ) -> Option<impl Iterator<Item = &'r str> + use<'r>> {
        let has_column = self.header.has(column);
        let cell = self.cell(record, column).unwrap_or_default();
        has_column.then(|| cell.split([';', '|', ',']).map(str::trim).filter(|word| !word.is_empty()))
    }

    fn date(&self, record: &csv::StringRecord, column: Column) -> Result<Option<Date>, ProblemKind> {
        let Some(text) = self.cell(record, column).filter(|text| !text.is_empty()) else { return Ok(None) };
        let formats = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S"];
        match formats.iter().find_map(|format| Date::strptime(format, text).ok()) {
            Some(date) => Ok(Some(date)),
            None => Err(ProblemKind::Date { column, text: text.into() }),
        }
    }

    fn midnight(&self, day: Date) -> Option<Timestamp> {
        Some(day.to_zoned(self.settings.zone.clone()).ok()?.timestamp())
    }
}

/// What files call a capacity.
const CAPACITIES: [(&str, Capacity); 16] = [
    ("staff", Capacity::Staff),
    ("teacher", Capacity::Staff),
    ("employee", Capacity::Staff),
    ("teaching staff", Capacity::Staff),
    ("support staff", Capacity::Staff),
    ("pupil", Capacity::Pupil),
    ("pupils", Capacity::Pupil),
    ("student", Capacity::Pupil),
    ("learner", Capacity::Pupil),
    ("parent", Capacity::Parent),
    ("carer", Capacity::Parent),
    ("guardian", Capacity::Parent),
    ("governor", Capacity::Governor),
    ("trustee", Capacity::Governor),
    ("visitor", Capacity::Visitor),
    ("device", Capacity::Device),
];
