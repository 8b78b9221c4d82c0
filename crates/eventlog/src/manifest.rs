//! The list of files that count, replaced whole.
//!
//! One replacement says at the same moment "this Parquet file is there" and "these segments are in it"; whatever lies
//! on disk besides is a leftover of a crash and is removed at the next start.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use schoolgate_base::SchoolId;
use serde::{Deserialize, Serialize};

use crate::error::LogError;
use crate::files;

const FORMAT: u32 = 1;

/// What counts of the log's Parquet files and spool segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// Segments up to this number are in the files below.
    pub(crate) consumed_through: u64,
    /// Number in the name of the next Parquet file.
    pub(crate) next_file: u64,
    pub(crate) files: Vec<ParquetFile>,
    /// Events that were lost to a full queue, by local day.
    pub(crate) lost: BTreeMap<Date, u64>,
}

/// One Parquet file: one school, one local day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParquetFile {
    /// Below the `parquet` directory.
    pub(crate) path: String,
    pub(crate) school: SchoolId,
    pub(crate) date: Date,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) stage: Stage,
}

/// How much of the events retention has left; ordered, each stage holds less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    Full,
    /// Without full addresses of what was allowed.
    Hosts,
    /// Numbers only, in columns of their own.
    Counts,
}

impl Manifest {
    pub(crate) fn load(path: &Path) -> Result<Self, LogError> {
        let read = files::read_if_there(path).map_err(|source| LogError::Read { path: path.to_owned(), source })?;
        let Some(bytes) = read else { return Ok(Self::empty()) };
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|source| LogError::Json { path: path.to_owned(), source })?;
        if manifest.format != FORMAT {
            return Err(LogError::Format { path: path.to_owned(), found: manifest.format, known: FORMAT });
        }
        Ok(manifest)
    }

    fn empty() -> Self {
        Self { format: FORMAT, consumed_through: 0, next_file: 1, files: Vec::new(), lost: BTreeMap::new() }
    }

    /// A name for a new file; no number is given twice, so a file is never written over while it is read.
    #[cfg(feature = "query")]
    pub(crate) fn path_for(&mut self, school: &SchoolId, date: Date) -> String {
        let number = self.next_file;
        self.next_file += 1;
        format!("school={school}/date={date}/{number:012}.parquet")
    }

    #[cfg(feature = "query")]
    pub(crate) fn store(&self, path: &Path) -> Result<(), LogError> {
        let json =
            serde_json::to_vec_pretty(self).map_err(|source| LogError::Json { path: path.to_owned(), source })?;
        files::replace(path, &json).map_err(|source| LogError::Write { path: path.to_owned(), source })
    }
}
