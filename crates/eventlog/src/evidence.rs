//! Questions that pages ask: numbers, the rows behind a number, a series by day.
//!
//! Each question is one fixed SQL text; a filter that is not set is a null parameter. Accidents that people reported
//! themselves are counted beside decisions, never among them.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::scalar::ScalarValue;
use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::{ClauseId, ControlId, SchoolId};
use schoolgate_event::Verdict;

use crate::cells::Cells;
use crate::engine::{self, View};
use crate::error::LogError;
use crate::log::EventLog;

/// Most groups, days or rows in one answer.
pub const ANSWER_MAX: u32 = 1_000;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("cannot prepare the query engine")]
    Prepare { source: DataFusionError },
    #[error("cannot read the spool's newest events")]
    Spool { source: LogError },
    #[error("cannot open the event log's files")]
    Open { source: DataFusionError },
    #[error("cannot answer from the event log")]
    Ask { source: DataFusionError },
    #[error("the answer has an unexpected shape")]
    Shape { source: ArrowError },
}

/// A school's events from `from` to before `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub school: SchoolId,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Which events are meant; unset fields mean any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub control: Option<ControlId>,
    pub clause: Option<ClauseId>,
    pub verdict: Option<Verdict>,
    pub category: Option<Box<str>>,
    /// A person's pseudonym.
    pub person: Option<Box<str>>,
}

/// What numbers are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Control,
    Clause,
    Verdict,
    Category,
}

/// One group of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The group's word; `None` for events without one, such as the default of an audience.
    pub key: Option<String>,
    /// Decisions and hits on locked lists.
    pub decisions: u64,
    /// "I did not mean to open this". Not among the decisions; to be taken off before anything is called misuse.
    pub accidents: u64,
    /// Distinct persons of the decisions still held by person; older ones are counts without persons.
    pub persons: u64,
    pub last_seen: Option<Timestamp>,
}

/// One day of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub date: Date,
    pub decisions: u64,
    pub accidents: u64,
}

/// One event as it stands in the log; words as in the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub at: Timestamp,
    /// `decision`, `locked` or `accident`.
    pub kind: String,
    pub door: String,
    /// A pseudonym.
    pub person: Option<String>,
    pub capacity: Option<String>,
    pub strength: Option<String>,
    pub device: Option<String>,
    pub place: Option<String>,
    pub host: Option<String>,
    pub url: Option<String>,
    pub method: Option<String>,
    pub verdict: Option<String>,
    pub control: Option<String>,
    pub clause: Option<String>,
    pub category: Option<String>,
    pub list: Option<String>,
    pub grant: Option<String>,
    pub mode: Option<String>,
    pub snapshot: Option<u64>,
    pub bytes_up: Option<u64>,
    pub bytes_down: Option<u64>,
    pub duration_ms: Option<u64>,
    /// What the client could speak, and what came of it on its side and the site's: as
    /// [`Tls`](schoolgate_event::Tls)'s parts print.
    pub tls_offered: Option<String>,
    pub tls_client: Option<String>,
    pub tls_site: Option<String>,
}

/// Where the next page of rows begins; opaque, but readable so that it can stand in a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub at_us: i64,
    pub seq: i64,
}

/// A page of rows, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub rows: Vec<Row>,
    /// Absent on the last page.
    pub next: Option<Cursor>,
}

/// Asks the event log.
#[derive(Debug, Clone)]
pub struct Evidence {
    log: EventLog,
    environment: Arc<RuntimeEnv>,
}

/// The conditions of every question.
const WHERE: &str = "school = $school AND at >= $from AND at < $to \
    AND ($control IS NULL OR control = $control) AND ($clause IS NULL OR clause = $clause) \
    AND ($verdict IS NULL OR verdict = $verdict) AND ($category IS NULL OR category = $category)
    AND ($person IS NULL OR person = $person)";

/// The same where only whole days are left, and nobody's name with them.
const WHERE_TALLY: &str = "school = $school AND date >= $first AND date <= $last \
    AND ($control IS NULL OR control = $control) AND ($clause IS NULL OR clause = $clause) \
    AND ($verdict IS NULL OR verdict = $verdict) AND ($category IS NULL OR category = $category)
    AND $person IS NULL";

impl Evidence {
    pub fn new(log: EventLog) -> Result<Self, QueryError> {
        let settings = &log.0.settings;
        let environment = engine::environment(&log.0.layout, settings.query_bytes)
            .map_err(|source| QueryError::Prepare { source })?;
        Ok(Self { log, environment })
    }

    /// Numbers in groups, the largest first, at most [`ANSWER_MAX`].
    pub async fn numbers(&self, range: &Range, filter: &Filter, by: By) -> Result<Vec<Number>, QueryError> {
        let view = self.view(range).await?;
        let column = by.column();
        let query = format!(
            "SELECT {column} AS key, sum(CASE WHEN kind = 'accident' THEN 0 ELSE 1 END) AS decisions, \
             sum(CASE WHEN kind = 'accident' THEN 1 ELSE 0 END) AS accidents, \
             count(DISTINCT CASE WHEN kind = 'decision' THEN person END) AS persons, max(at) AS last_seen \
             FROM event WHERE {WHERE} GROUP BY {column} ORDER BY decisions DESC, key LIMIT {ANSWER_MAX}"
        );
        let mut numbers = numbers_read(&view.ask(&query, self.parameters(range, filter)).await?)?;
        if view.has_counts() {
            let query = format!(
                "SELECT {column} AS key, sum(decision_count) AS decisions, sum(accident_count) AS accidents, \
                 CAST(0 AS BIGINT) AS persons, max(last_at) AS last_seen \
                 FROM tally WHERE {WHERE_TALLY} GROUP BY {column} ORDER BY decisions DESC, key LIMIT {ANSWER_MAX}"
            );
            merge(&mut numbers, numbers_read(&view.ask(&query, self.parameters(range, filter)).await?)?);
        }
        Ok(numbers)
    }

    /// Every day the range touches, for one chart; at most [`ANSWER_MAX`] days.
    pub async fn days(&self, range: &Range, filter: &Filter) -> Result<Vec<Day>, QueryError> {
        let view = self.view(range).await?;
        let query = format!(
            "SELECT date, sum(CASE WHEN kind = 'accident' THEN 0 ELSE 1 END) AS decisions, \
             sum(CASE WHEN kind = 'accident' THEN 1 ELSE 0 END) AS accidents \
             FROM event WHERE {WHERE} GROUP BY date LIMIT {ANSWER_MAX}"
        );
        let mut found = days_read(&view.ask(&query, self.parameters(range, filter)).await?)?;
        if view.has_counts() {
            let query = format!(
                "SELECT date, sum(decision_count) AS decisions, sum(accident_count) AS accidents \
                 FROM tally WHERE {WHERE_TALLY} GROUP BY date LIMIT {ANSWER_MAX}"
            );
            found.extend(days_read(&view.ask(&query, self.parameters(range, filter)).await?)?);
        }
        let (first, last) = self.dates(range);
        let mut series = Vec::new();
        let mut date = first;
        while date <= last && series.len() < ANSWER_MAX as usize {
            let of_day = || found.iter().filter(|day| day.date == date);
            let decisions = of_day().map(|day| day.decisions).sum();
            let accidents = of_day().map(|day| day.accidents).sum();
            series.push(Day { date, decisions, accidents });
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        Ok(series)
    }

    /// The rows behind a number, the newest first, `limit` (at most [`ANSWER_MAX`]) a page. Days of which only counts
    /// are left have no rows.
    pub async fn rows(
        &self,
        range: &Range,
        filter: &Filter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Rows, QueryError> {
        let limit = limit.clamp(1, ANSWER_MAX);
        let view = self.view(range).await?;
        let query = format!(
            "SELECT * FROM event WHERE {WHERE} \
             AND ($after_at IS NULL OR at < $after_at OR (at = $after_at AND seq < $after_seq)) \
             ORDER BY at DESC, seq DESC LIMIT {}",
            limit + 1
        );
        let mut parameters = self.parameters(range, filter);
        parameters.push(("after_at", time(after.map(|cursor| cursor.at_us))));
        parameters.push(("after_seq", ScalarValue::Int64(after.map(|cursor| cursor.seq))));
        let batches = view.ask(&query, parameters).await?;
        let (mut rows, mut places) = (Vec::new(), Vec::new());
        for batch in &batches {
            let cells = Cells::new(batch).map_err(|source| QueryError::Shape { source })?;
            for row in 0..cells.rows() {
                places.push(Cursor {
                    at_us: cells.time_us("at", row).unwrap_or_default(),
                    seq: cells.number("seq", row).unwrap_or_default(),
                });
                rows.push(row_read(&cells, row));
            }
        }
        let page = limit as usize;
        let next = if page < rows.len() { places.get(page - 1).copied() } else { None };
        rows.truncate(page);
        Ok(Rows { rows, next })
    }

    /// Events lost to a full queue on the days the range touches: what the numbers may lack.
    pub fn lost(&self, range: &Range) -> u64 {
        let (first, last) = self.dates(range);
        self.log.0.manifest().lost.range(first..=last.max(first)).map(|(_, events)| events).sum()
    }

    /// Visits to the help list on the days the range touches. Nothing more is known of them.
    pub fn help_counts(&self, range: &Range) -> Vec<(Date, u64)> {
        let (first, last) = self.dates(range);
        self.log.help_counts(&range.school, first, last.tomorrow().unwrap_or(last))
    }

    async fn view(&self, range: &Range) -> Result<View<'_>, QueryError> {
        View::open(&self.log.0, &self.environment, &range.school, self.dates(range)).await
    }

    /// First and last local day that the range touches.
    fn dates(&self, range: &Range) -> (Date, Date) {
        let zone = &self.log.0.settings.zone;
        let last = range.to.checked_sub(jiff::SignedDuration::from_micros(1)).unwrap_or(range.to);
        (range.from.to_zoned(zone.clone()).date(), last.to_zoned(zone.clone()).date())
    }

    fn parameters(&self, range: &Range, filter: &Filter) -> Vec<(&'static str, ScalarValue)> {
        let (first, last) = self.dates(range);
        let day = |date| ScalarValue::Date32(Some(crate::columns::days_since_epoch(date)));
        vec![
            ("school", text(Some(range.school.to_string()))),
            ("from", time(Some(range.from.as_microsecond()))),
            ("to", time(Some(range.to.as_microsecond()))),
            ("first", day(first)),
            ("last", day(last)),
            ("control", text(filter.control.as_ref().map(ToString::to_string))),
            ("clause", text(filter.clause.as_ref().map(ToString::to_string))),
            ("verdict", text(filter.verdict.map(|verdict| verdict.as_str().to_owned()))),
            ("category", text(filter.category.as_deref().map(ToOwned::to_owned))),
            ("person", text(filter.person.as_deref().map(ToOwned::to_owned))),
        ]
    }
}

impl By {
    fn column(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Clause => "clause",
            Self::Verdict => "verdict",
            Self::Category => "category",
        }
    }
}

fn text(value: Option<String>) -> ScalarValue {
    ScalarValue::Utf8View(value)
}

fn time(at_us: Option<i64>) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(at_us, Some("UTC".into()))
}

fn numbers_read(batches: &[RecordBatch]) -> Result<Vec<Number>, QueryError> {
    let mut numbers = Vec::new();
    for batch in batches {
        let cells = Cells::new(batch).map_err(|source| QueryError::Shape { source })?;
        numbers.extend((0..cells.rows()).map(|row| Number {
            key: cells.text("key", row),
            decisions: cells.count("decisions", row).unwrap_or_default(),
            accidents: cells.count("accidents", row).unwrap_or_default(),
            persons: cells.count("persons", row).unwrap_or_default(),
            last_seen: cells.time("last_seen", row),
        }));
    }
    Ok(numbers)
}

fn days_read(batches: &[RecordBatch]) -> Result<Vec<Day>, QueryError> {
    let mut days = Vec::new();
    for batch in batches {
        let cells = Cells::new(batch).map_err(|source| QueryError::Shape { source })?;
        for row in 0..cells.rows() {
            let Some(date) = cells.date("date", row) else { continue };
            let decisions = cells.count("decisions", row).unwrap_or_default();
            let accidents = cells.count("accidents", row).unwrap_or_default();
            days.push(Day { date, decisions, accidents });
        }
    }
    Ok(days)
}

/// Adds the numbers of days of which only counts are left.
fn merge(numbers: &mut Vec<Number>, older: Vec<Number>) {
    for old in older {
        match numbers.iter_mut().find(|number| number.key == old.key) {
            Some(number) => {
                number.decisions += old.decisions;
                number.accidents += old.accidents;
                number.last_seen = number.last_seen.max(old.last_seen);
            }
            None => numbers.push(old),
        }
    }
    numbers.sort_by(|a, b| b.decisions.cmp(&a.decisions).then_with(|| a.key.cmp(&b.key)));
}

fn row_read(cells: &Cells, row: usize) -> Row {
    let text = |name| cells.text(name, row);
    Row {
        at: cells.time("at", row).unwrap_or_default(),
        kind: text("kind").unwrap_or_default(),
        door: text("door").unwrap_or_default(),
        person: text("person"),
        capacity: text("capacity"),
        strength: text("strength"),
        device: text("device"),
        place: text("place"),
        host: text("host"),
        url: text("url"),
        method: text("method"),
        verdict: text("verdict"),
        control: text("control"),
        clause: text("clause"),
        category: text("category"),
        list: text("list"),
        grant: text("grant_id"),
        mode: text("mode"),
        snapshot: cells.count("snapshot", row),
        bytes_up: cells.count("bytes_up", row),
        bytes_down: cells.count("bytes_down", row),
        duration_ms: cells.count("duration_ms", row),
        tls_offered: text("tls_offered"),
        tls_client: text("tls_client"),
        tls_site: text("tls_site"),
    }
}

#[cfg(test)]
mod tests;
