//! One file of the spool, read: a mark, then records until its end or the first that is not whole.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::error::LogError;
use crate::record::{self, FrameError, Record};

/// First bytes of a segment.
pub(crate) const MARK: &[u8; 8] = b"SGSPOOL1";

/// A segment's bytes. Bounded: the writer closes a segment at `Settings::segment_bytes`.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    bytes: Vec<u8>,
}

pub(crate) fn path_of(spool: &Path, number: u64) -> PathBuf {
    spool.join(format!("{number:012}.spool"))
}

/// Numbers of the segments in `spool`, ascending. Other files are left alone.
pub(crate) fn list(spool: &Path) -> Result<Vec<u64>, LogError> {
    let wrong = |source| LogError::Read { path: spool.to_owned(), source };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(spool).map_err(wrong)? {
        let name = entry.map_err(wrong)?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(".spool")).and_then(|text| text.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Segment {
    pub(crate) fn load(spool: &Path, number: u64) -> Result<Self, LogError> {
        let path = path_of(spool, number);
        let bytes = fs::read(&path).map_err(|source| LogError::Read { path: path.clone(), source })?;
        // A crash while the file was made leaves a part of the mark and nothing else.
        if !bytes.starts_with(MARK) && !MARK.starts_with(&bytes) {
            return Err(LogError::NotASegment { path });
        }
        Ok(Self { number, path, bytes })
    }

    #[cfg(feature = "query")]
    pub(crate) fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The whole records, each with its place in the segment.
    pub(crate) fn records(&self) -> Records<'_> {
        Records { rest: self.bytes.get(MARK.len()..).unwrap_or_default(), place: 0, torn: None }
    }

    /// Bytes up to the end of the last whole record, how many records that is, and what is wrong with the rest.
    pub(crate) fn check(&self) -> Check {
        let mut records = self.records();
        let count = records.by_ref().count();
        let good_bytes = self.bytes.len() - records.rest.len();
        Check { records: count, good_bytes, torn_bytes: records.rest.len(), torn: records.torn }
    }

    /// Cuts a torn tail off the file and says so in the log.
    pub(crate) fn mend(&mut self) -> Result<Check, LogError> {
        let check = self.check();
        if let Some(torn) = &check.torn {
            warn!(
                segment = self.number,
                torn_bytes = check.torn_bytes,
                error = %torn,
                "cut {} torn bytes off spool segment {}; what was acknowledged lies before them",
                check.torn_bytes,
                self.number,
            );
            let wrong = |source| LogError::Write { path: self.path.clone(), source };
            let file = fs::File::options().write(true).open(&self.path).map_err(wrong)?;
            file.set_len(check.good_bytes as u64).map_err(wrong)?;
            file.sync_all().map_err(wrong)?;
            self.bytes.truncate(check.good_bytes);
        }
        Ok(check)
    }
}

/// What a segment is worth.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) records: usize,
    pub(crate) good_bytes: usize,
    pub(crate) torn_bytes: usize,
    pub(crate) torn: Option<FrameError>,
}

/// Iterates over whole records and stops at the first that is not.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    place: u32,
    torn: Option<FrameError>,
}

impl Iterator for Records<'_> {
    type Item = (u32, Record);

    fn next(&mut self) -> Option<(u32, Record)> {
        if self.rest.is_empty() || self.torn.is_some() {
            return None;
        }
        match record::decode(self.rest) {
            Ok((record, rest)) => {
                self.rest = rest;
                let place = self.place;
                self.place += 1;
                Some((place, record))
            }
            Err(error) => {
                self.torn = Some(error);
                None
            }
        }
    }
}
