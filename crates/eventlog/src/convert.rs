//! Closed spool segments become Parquet files.
//!
//! The order makes a crash harmless: files on disk, then the manifest that names them and says that the segment is
//! taken in, then the segment's removal. A crash before the manifest leaves files that nothing names; one after it
//! leaves a segment that nothing reads. Both are removed at the next start.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use schoolgate_base::SchoolId;
use tokio::task::spawn_blocking;
use tracing::{debug, info};

use crate::columns::{Columns, LocalDays, SCHEMA};
use crate::error::LogError;
use crate::files::{self, Layout};
use crate::log::Shared;
use crate::manifest::{Manifest, ParquetFile, Stage};
use crate::parquet::ParquetOut;
use crate::record::Record;
use crate::segment::{self, Segment};
use crate::settings::Settings;
use crate::spool;

/// Converts the closed segments below `active`, oldest first.
pub(crate) async fn segments_convert(shared: &Arc<Shared>, active: u64) -> Result<(), LogError> {
    let spool = shared.layout.spool();
    for number in segment::list(&spool)? {
        let _upkeep = shared.upkeep.lock().await;
        let manifest = shared.manifest();
        if number <= manifest.consumed_through || active <= number {
            continue;
        }
        let inner = Arc::clone(shared);
        let next = spawn_blocking(move || segment_convert(&inner.layout, &inner.settings, &manifest, number))
            .await
            .map_err(|source| LogError::Stopped { source })??;
        shared.manifest_set(next);
        // A query that began before may still be reading the segment.
        let _files = shared.files.write().await;
        spool::remove(&spool, number)?;
    }
    Ok(())
}

/// Writes the files and the manifest; gives the manifest.
fn segment_convert(
    layout: &Layout,
    settings: &Settings,
    manifest: &Manifest,
    number: u64,
) -> Result<Manifest, LogError> {
    let segment = Segment::salvage(&layout.spool(), number)?;
    let mut days = LocalDays::new(settings.zone.clone());
    let mut parts: BTreeMap<(SchoolId, Date), Columns> = BTreeMap::new();
    let mut next = manifest.clone();
    for (place, record) in segment.records() {
        match record {
            Record::Event(event) => {
                let date = days.date(event.at());
                let key = (event.school().clone(), date);
                parts.entry(key).or_insert_with(Columns::new).push(&event, date, seq(number, place));
            }
            Record::Gap(gap) => *next.lost.entry(days.date(gap.until)).or_default() += gap.events,
        }
    }
    for ((school, date), mut columns) in parts {
        let path = next.path_for(&school, date);
        let mut out = ParquetOut::create(&layout.parquet().join(&path), Arc::clone(&SCHEMA))?;
        out.write(&columns.finish().map_err(|source| LogError::Columns { source })?)?;
        let written = out.finish()?;
        debug!(rows = written.rows, size_bytes = written.bytes, "wrote the Parquet file {path}");
        next.files.push(ParquetFile {
            path,
            school,
            date,
            rows: written.rows,
            bytes: written.bytes,
            stage: Stage::Full,
        });
    }
    next.consumed_through = number;
    next.store(&layout.manifest())?;
    Ok(next)
}

/// Unique over all segments.
pub(crate) fn seq(segment: u64, place: u32) -> i64 {
    i64::try_from(segment << 32 | u64::from(place)).unwrap_or(i64::MAX)
}

/// Removes Parquet files that the manifest does not name, and what a killed sort left of its rows.
pub(crate) fn leftovers_remove(layout: &Layout, manifest: &Manifest) -> Result<(), LogError> {
    let spill = layout.spill();
    if spill.is_dir() {
        fs::remove_dir_all(&spill).map_err(|source| LogError::Remove { path: spill, source })?;
    }
    let root = layout.parquet();
    for school in entries(&root)? {
        for day in entries(&school)? {
            for file in entries(&day)? {
                let is_named = manifest.files.iter().any(|named| root.join(&named.path) == file);
                if !is_named {
                    info!("removing {}, which a stop left unfinished", file.display());
                    files::remove(&file).map_err(|source| LogError::Remove { path: file, source })?;
                }
            }
        }
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<std::path::PathBuf>, LogError> {
    let wrong = |source| LogError::Read { path: dir.to_owned(), source };
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let read = fs::read_dir(dir).map_err(wrong)?;
    read.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(wrong)
}
