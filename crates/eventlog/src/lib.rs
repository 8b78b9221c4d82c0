#![doc = include_str!("../README.md")]

#[cfg(feature = "query")]
mod cells;
#[cfg(feature = "query")]
mod columns;
#[cfg(feature = "query")]
mod convert;
#[cfg(feature = "query")]
mod engine;
mod error;
#[cfg(feature = "query")]
mod evidence;
mod files;
mod help;
mod log;
mod manifest;
#[cfg(feature = "query")]
mod parquet;
mod record;
#[cfg(feature = "query")]
mod retention;
#[cfg(all(test, feature = "query"))]
mod samples;
mod segment;
mod settings;
mod spool;
mod write;

pub use error::{FlushError, LogError};
#[cfg(feature = "query")]
pub use evidence::{ANSWER_MAX, By, Cursor, Day, Evidence, Filter, Number, QueryError, Range, Row, Rows};
pub use log::{Counts, EventLog};
#[cfg(feature = "query")]
pub use retention::Retained;
pub use settings::Settings;
pub use spool::Recovered;
pub use write::LogTask;
