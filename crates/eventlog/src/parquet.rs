//! Writing one Parquet file, so that it is on disk before anything names it.

use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::schema::types::ColumnPath;

use crate::error::LogError;
use crate::files;

/// Rows after which a group is written out: bounds the writer's memory.
const GROUP_ROWS: usize = 128 * 1024;

/// Columns whose values mostly grow from row to row.
const GROWING: [&str; 3] = ["at", "seq", "snapshot"];

/// A file being written.
pub(crate) struct ParquetOut {
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
}

/// What was written.
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl ParquetOut {
    /// Makes the file and the directories above it, the last two of which may be new.
    pub(crate) fn create(path: &Path, schema: SchemaRef) -> Result<Self, LogError> {
        let wrong = |source| LogError::Write { path: path.to_owned(), source };
        if let Some(dir) = path.parent() {
            files::private_dir(dir).map_err(wrong)?;
        }
        let file = files::private_file(path).map_err(wrong)?;
        let writer = properties()
            .and_then(|properties| ArrowWriter::try_new(file, schema, Some(properties)))
            .map_err(|source| LogError::Parquet { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), writer, rows: 0 })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), LogError> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|source| LogError::Parquet { path: self.path.clone(), source })
    }

    /// Ends the file and waits until it and its name are on disk.
    pub(crate) fn finish(mut self) -> Result<Written, LogError> {
        self.writer.finish().map_err(|source| LogError::Parquet { path: self.path.clone(), source })?;
        let wrong = |source| LogError::Write { path: self.path.clone(), source };
        let file = self.writer.inner();
        file.sync_all().map_err(wrong)?;
        let bytes = file.metadata().map_err(wrong)?.len();
        // The file's own directory, that of the school and that of all schools.
        for dir in self.path.ancestors().skip(1).take(3) {
            files::sync_dir(dir).map_err(wrong)?;
        }
        Ok(Written { rows: self.rows, bytes })
    }
}

fn properties() -> Result<WriterProperties, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS));
    for name in GROWING {
        let column = ColumnPath::from(name);
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    Ok(builder.build())
}
