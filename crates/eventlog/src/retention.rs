//! What goes, and when: full addresses of allowed visits and handshakes after 30 days, persons and hosts after 12 months.
//!
//! Works on whole days: a day's files become one file that holds less, and the manifest is replaced before the old
//! files are removed. A day that is over is also brought into one file, whether or not anything goes. Numbers from
//! design §5; a day is never kept longer, so its last hour may go up to a day before its time.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::SendableRecordBatchStream;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use schoolgate_base::SchoolId;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::info;

use crate::columns::SCHEMA;
use crate::engine;
use crate::error::LogError;
use crate::files;
use crate::log::{EventLog, Shared};
use crate::manifest::{ParquetFile, Stage};
use crate::parquet::{ParquetOut, Written};

/// Days for which the full address of an allowed visit is kept.
const URL_DAYS: i64 = 30;

/// Months for which person and host are kept.
const PERSON_MONTHS: i64 = 12;

/// Batches on their way from the engine to the file.
const BATCHES_AHEAD: usize = 2;

/// Verdicts whose full address is kept as long as person and host: what was not opened.
const KEPT_ADDRESS: &str = "'block', 'hold', 'urgent', 'refused'";

/// What is left of a day in the end: numbers, with neither person nor host nor time of day.
pub(crate) static TALLY: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields = vec![
        Field::new("date", DataType::Date32, true),
        Field::new("last_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("decision_count", DataType::Int64, true),
        Field::new("accident_count", DataType::Int64, true),
    ];
    let words = ["school", "door", "capacity", "verdict", "control", "clause", "category", "list"];
    fields.extend(words.map(|name| Field::new(name, DataType::Utf8View, true)));
    Arc::new(Schema::new(fields))
});

/// What one call of [`EventLog::retention_apply`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    /// Days of which full addresses were removed, days brought down to counts, days only brought into one file.
    pub days_without_addresses: u64,
    pub days_to_counts: u64,
    pub days_merged: u64,
}

impl EventLog {
    /// Removes what must go by `now` and merges the files of days that are over. Call it daily; it does nothing twice.
    ///
    /// # Errors
    /// The first of the days that could not be rewritten; they are as they were, and all others are done.
    pub async fn retention_apply(&self, now: Timestamp) -> Result<Retained, LogError> {
        let shared = &self.0;
        let today = now.to_zoned(shared.settings.zone.clone()).date();
        let environment = engine::environment(&shared.layout, shared.settings.query_bytes)
            .map_err(|source| LogError::Rewrite { date: today, source })?;
        let mut retained = Retained::default();
        let mut failed = None;
        let keys: BTreeSet<(SchoolId, Date)> =
            shared.manifest().files.iter().map(|file| (file.school.clone(), file.date)).collect();
        for (school, date) in keys {
            let _upkeep = shared.upkeep.lock().await;
            let manifest = shared.manifest();
            let of_day: Vec<ParquetFile> =
                manifest.files.iter().filter(|file| file.school == school && file.date == date).cloned().collect();
            let stage = stage_due(date, today);
            let is_behind = of_day.iter().any(|file| file.stage < stage);
            let is_scattered = date < today && of_day.len() > 1;
            if !is_behind && !is_scattered {
                continue;
            }
            if let Err(error) = day_rewrite(shared, &environment, &of_day, stage).await {
                failed.get_or_insert(error);
                continue;
            }
            match (is_behind, stage) {
                (true, Stage::Counts) => retained.days_to_counts += 1,
                (true, _) => retained.days_without_addresses += 1,
                (false, _) => retained.days_merged += 1,
            }
        }
        if retained != Retained::default() {
            info!(
                days_without_addresses = retained.days_without_addresses,
                days_to_counts = retained.days_to_counts,
                days_merged = retained.days_merged,
                "applied retention to the event log"
            );
        }
        failed.map_or(Ok(retained), Err)
    }
}

/// How much may be left of `date` on `today`.
fn stage_due(date: Date, today: Date) -> Stage {
    let is_past = |span: Span| date.checked_add(span).is_ok_and(|end| end <= today);
    if is_past(Span::new().months(PERSON_MONTHS)) {
        Stage::Counts
    } else if is_past(Span::new().days(URL_DAYS)) {
        Stage::Hosts
    } else {
        Stage::Full
    }
}

/// Puts one file of `stage` in the place of a day's files. A day never has files of counts beside others, except for
/// events that came in late: those are added to its counts.
async fn day_rewrite(
    shared: &Arc<Shared>,
    environment: &Arc<RuntimeEnv>,
    of_day: &[ParquetFile],
    stage: Stage,
) -> Result<(), LogError> {
    let Some(ParquetFile { school, date, .. }) = of_day.first().cloned() else { return Ok(()) };
    let stage = of_day.iter().map(|file| file.stage).fold(stage, Stage::max);
    let stream = day_read(environment, of_day, stage).await.map_err(|source| LogError::Rewrite { date, source })?;
    let mut next = (*shared.manifest()).clone();
    let path = next.path_for(&school, date);
    let schema = if stage == Stage::Counts { &*TALLY } else { &*SCHEMA };
    let out = ParquetOut::create(&shared.layout.parquet().join(&path), Arc::clone(schema))?;
    let written = stream_write(stream, out, schema, date).await?;
    let gone: BTreeSet<&str> = of_day.iter().map(|file| file.path.as_str()).collect();
    next.files.retain(|file| !gone.contains(file.path.as_str()));
    next.files.push(ParquetFile { path, school, date, rows: written.rows, bytes: written.bytes, stage });
    let (manifest_path, stored) = (shared.layout.manifest(), next.clone());
    spawn_blocking(move || stored.store(&manifest_path)).await.map_err(|source| LogError::Stopped { source })??;
    shared.manifest_set(next);
    // Questions that began before may still read the old files.
    let _files = shared.files.write().await;
    for path in gone {
        let path = shared.layout.parquet().join(path);
        files::remove(&path).map_err(|source| LogError::Remove { path, source })?;
    }
    Ok(())
}

async fn day_read(
    environment: &Arc<RuntimeEnv>,
    of_day: &[ParquetFile],
    stage: Stage,
) -> Result<SendableRecordBatchStream, DataFusionError> {
    let context = engine::context(environment);
    let (counts, events): (Vec<_>, Vec<_>) = of_day.iter().partition(|file| file.stage == Stage::Counts);
    let event = engine::files_read(&context, &events, &SCHEMA).await?;
    context.register_table("event", event.into_view())?;
    let tally = engine::files_read(&context, &counts, &TALLY).await?;
    context.register_table("tally", tally.into_view())?;
    context.sql(&query(stage)).await?.execute_stream().await
}

/// The columns in their schema's order, less what goes at `stage`.
fn query(stage: Stage) -> String {
    if stage == Stage::Counts {
        let words = "school, door, capacity, verdict, control, clause, category, list";
        return format!(
            "SELECT date, max(last_at) AS last_at, sum(decision_count) AS decision_count, \
             sum(accident_count) AS accident_count, {words} \
             FROM (SELECT date, last_at, decision_count, accident_count, {words} FROM tally UNION ALL \
             SELECT date, CAST(date AS TIMESTAMP) AT TIME ZONE 'UTC' AS last_at, \
             CASE WHEN kind = 'accident' THEN 0 ELSE 1 END AS decision_count, \
             CASE WHEN kind = 'accident' THEN 1 ELSE 0 END AS accident_count, {words} FROM event) AS together \
             GROUP BY date, {words}"
        );
    }
    let column = |field: &Arc<Field>| match (field.name().as_str(), stage) {
        ("url", Stage::Hosts) => format!("CASE WHEN verdict IN ({KEPT_ADDRESS}) THEN url END AS url"),
        // For finding faults while they are fresh; kept on, a device could be known again by what it offers.
        ("tls_offered" | "tls_client" | "tls_site", Stage::Hosts) => format!("NULL AS {}", field.name()),
        (name, _) => name.to_owned(),
    };
    let columns: Vec<String> = SCHEMA.fields().iter().map(column).collect();
    format!("SELECT {} FROM event ORDER BY at, seq", columns.join(", "))
}

/// Writes the engine's batches from a thread that may block, at most [`BATCHES_AHEAD`] behind.
async fn stream_write(
    mut stream: SendableRecordBatchStream,
    mut out: ParquetOut,
    schema: &SchemaRef,
    date: Date,
) -> Result<Written, LogError> {
    let (batches, mut taken) = mpsc::channel::<RecordBatch>(BATCHES_AHEAD);
    let schema = Arc::clone(schema);
    let writing = spawn_blocking(move || {
        while let Some(batch) = taken.blocking_recv() {
            out.write(&fit(&batch, &schema)?)?;
        }
        Ok::<_, LogError>(out)
    });
    let mut read = Ok(());
    while let Some(batch) = std::future::poll_fn(|task| stream.as_mut().poll_next(task)).await {
        let batch = match batch {
            Ok(batch) => batch,
            Err(source) => {
                read = Err(LogError::Rewrite { date, source });
                break;
            }
        };
        if batches.send(batch).await.is_err() {
            // The writer has given up and says why below.
            break;
        }
    }
    drop(batches);
    let out = writing.await.map_err(|source| LogError::Stopped { source })??;
    read?;
    spawn_blocking(move || out.finish()).await.map_err(|source| LogError::Stopped { source })?
}

/// The same rows in the file's own column types.
fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, LogError> {
    let wrong = |source| LogError::Columns { source };
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (column, field) in batch.columns().iter().zip(schema.fields()) {
        columns.push(cast(column, field.data_type()).map_err(wrong)?);
    }
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(wrong)
}

#[cfg(test)]
mod tests;
