//! What can go wrong with the log's files.

use std::io;
use std::path::PathBuf;

/// Why the log cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("cannot make the event log's directories below `{path}`")]
    Make { path: PathBuf, source: io::Error },
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot remove `{path}`")]
    Remove { path: PathBuf, source: io::Error },
    #[error("`{path}` is not a spool segment")]
    NotASegment { path: PathBuf },
    #[error("cannot understand `{path}`")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("`{path}` has format {found}, this program knows {known}")]
    Format { path: PathBuf, found: u32, known: u32 },
    #[error("a file task was stopped before its end")]
    Stopped { source: tokio::task::JoinError },
    #[cfg(feature = "query")]
    #[error("cannot write the Parquet file `{path}`")]
    Parquet { path: PathBuf, source: datafusion::parquet::errors::ParquetError },
    #[cfg(feature = "query")]
    #[error("cannot arrange events in columns")]
    Columns { source: datafusion::arrow::error::ArrowError },
    #[cfg(feature = "query")]
    #[error("cannot rewrite the events of {date}")]
    Rewrite { date: jiff::civil::Date, source: datafusion::error::DataFusionError },
}

/// Why events could not be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlushError {
    #[error("the spool cannot be written at the moment; events are held in memory")]
    NotWritten,
    #[error("the event log's task is not running")]
    Stopped,
}
