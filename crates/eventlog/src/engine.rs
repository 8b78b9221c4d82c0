//! DataFusion as this crate uses it: one bounded memory pool for all queries, and a table for each question.
//!
//! A question first takes the files of its school and days from the manifest, then the segments that no file has taken
//! in, so that its answer holds each event once. The rows of segments are read into memory; the writer keeps them small.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::object_store::local::LocalFileSystem;
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;
use jiff::civil::Date;
use schoolgate_base::SchoolId;
use tokio::sync::RwLockReadGuard;
use tokio::task::spawn_blocking;

use crate::columns::{Columns, LocalDays, SCHEMA};
use crate::convert::seq;
use crate::error::LogError;
use crate::evidence::QueryError;
use crate::files::Layout;
use crate::log::Shared;
use crate::manifest::{ParquetFile, Stage};
use crate::record::Record;
use crate::segment::{self, Segment};

/// Threads one question may use: pages are small and doors come first.
const PARTITIONS: usize = 2;

/// Rows of a batch read from the spool.
const BATCH_ROWS: usize = 8192;

/// Most bytes of unconverted segments that a question reads; more waits only while the disk is full.
const SPOOL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The log's Parquet files as the engine names them, wherever they lie: no character of a directory's name can be
/// taken for a pattern.
const STORE: &str = "events://log";

/// Makes the environment that all questions share. Sorts too large for memory spill below the log's own directory:
/// they hold what the log holds.
pub(crate) fn environment(layout: &Layout, bytes: usize) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![layout.spill()]));
    let environment = RuntimeEnvBuilder::new().with_memory_limit(bytes, 1.0).with_disk_manager_builder(disk).build()?;
    let store = LocalFileSystem::new_with_prefix(layout.parquet())?;
    environment.register_object_store(ObjectStoreUrl::parse(STORE)?.as_ref(), Arc::new(store));
    Ok(Arc::new(environment))
}

pub(crate) fn context(environment: &Arc<RuntimeEnv>) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(PARTITIONS).with_information_schema(false);
    SessionContext::new_with_config_rt(config, Arc::clone(environment))
}

/// A table over files that are all of one schema, which may be none.
pub(crate) async fn files_read(
    context: &SessionContext,
    files: &[&ParquetFile],
    schema: &SchemaRef,
) -> Result<DataFrame, DataFusionError> {
    if files.is_empty() {
        return context.read_batch(RecordBatch::new_empty(Arc::clone(schema)));
    }
    let paths: Vec<String> = files.iter().map(|file| format!("{STORE}/{}", file.path)).collect();
    context.read_parquet(paths, ParquetReadOptions::default().schema(schema)).await
}

/// One question's view of the log. While it lives no file it reads is removed.
pub(crate) struct View<'a> {
    pub(crate) context: SessionContext,
    has_counts: bool,
    _files: RwLockReadGuard<'a, ()>,
}

impl<'a> View<'a> {
    /// Tables `event` and `tally` with what `school` recorded on the days from `first` to `last`, both included.
    pub(crate) async fn open(
        shared: &'a Arc<Shared>,
        environment: &Arc<RuntimeEnv>,
        school: &SchoolId,
        (first, last): (Date, Date),
    ) -> Result<Self, QueryError> {
        let guard = shared.files.read().await;
        let manifest = shared.manifest();
        let of_days = |file: &&ParquetFile| file.school == *school && first <= file.date && file.date <= last;
        let (counts, events): (Vec<_>, Vec<_>) =
            manifest.files.iter().filter(of_days).partition(|file| file.stage == Stage::Counts);
        let (inner, wanted, after) = (Arc::clone(shared), school.clone(), manifest.consumed_through);
        let fresh = spawn_blocking(move || spool_read(&inner, &wanted, after))
            .await
            .map_err(|source| QueryError::Spool { source: LogError::Stopped { source } })?
            .map_err(|source| QueryError::Spool { source })?;
        let context = context(environment);
        let wrong = |source| QueryError::Open { source };
        let stored = files_read(&context, &events, &SCHEMA).await.map_err(wrong)?;
        let fresh = context.read_batches(fresh).map_err(wrong)?;
        let event = stored.union(fresh).map_err(wrong)?.into_view();
        context.register_table("event", event).map_err(wrong)?;
        let tally = files_read(&context, &counts, &crate::retention::TALLY).await.map_err(wrong)?.into_view();
        context.register_table("tally", tally).map_err(wrong)?;
        Ok(Self { context, has_counts: !counts.is_empty(), _files: guard })
    }

    /// Whether some of the days have only counts left.
    pub(crate) fn has_counts(&self) -> bool {
        self.has_counts
    }

    /// Runs one fixed query; everything from outside is in `parameters`.
    pub(crate) async fn ask(
        &self,
        query: &str,
        parameters: Vec<(&'static str, ScalarValue)>,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let only_reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let wrong = |source| QueryError::Ask { source };
        let frame = self.context.sql_with_options(query, only_reads).await.map_err(wrong)?;
        frame.with_param_values(parameters).map_err(wrong)?.collect().await.map_err(wrong)
    }
}

/// The rows of segments after `consumed_through`, the one being written included.
fn spool_read(shared: &Shared, school: &SchoolId, consumed_through: u64) -> Result<Vec<RecordBatch>, LogError> {
    let wrong = |source| LogError::Columns { source };
    let spool = shared.layout.spool();
    let mut days = LocalDays::new(shared.settings.zone.clone());
    let (mut columns, mut batches, mut bytes) = (Columns::new(), Vec::new(), 0);
    let numbers: BTreeSet<u64> = segment::list(&spool)?.into_iter().filter(|n| consumed_through < *n).collect();
    // The newest first: were there too many, what happened just now is what a page must show.
    for number in numbers.into_iter().rev() {
        let segment = Segment::load(&spool, number)?;
        bytes += segment.size_bytes();
        if SPOOL_BYTES_MAX < bytes {
            tracing::warn!("too much of the spool is not converted; an answer leaves out its oldest part");
            break;
        }
        for (place, record) in segment.records() {
            let Record::Event(event) = record else { continue };
            if event.school() == school {
                columns.push(&event, days.date(event.at()), seq(number, place));
            }
            if BATCH_ROWS <= columns.rows() {
                batches.push(columns.finish().map_err(wrong)?);
            }
        }
    }
    batches.push(columns.finish().map_err(wrong)?);
    Ok(batches)
}
