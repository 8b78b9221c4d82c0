//! One file of the spool, read: a mark, then records until its end or the first that is not whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tracing::{error, warn};

use crate::error::LogError;
use crate::files;
use crate::record::{self, FrameError, Gap, Record};

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
        let segment = Self::read(spool, number)?;
        if segment.has_mark() { Ok(segment) } else { Err(LogError::NotASegment { path: segment.path }) }
    }

    /// Loads a closed segment. Of a damaged one nothing is thrown away: it is kept aside under another name, and what
    /// can be read of it takes its place, with a gap for the rest.
    pub(crate) fn salvage(spool: &Path, number: u64) -> Result<Self, LogError> {
        let damaged = Self::read(spool, number)?;
        let check = damaged.check();
        if damaged.has_mark() && check.torn.is_none() {
            return Ok(damaged);
        }
        let aside = damaged.path.with_extension("damaged");
        let wrong = |source| LogError::Write { path: aside.clone(), source };
        match fs::hard_link(&damaged.path, &aside) {
            // A stop between this and the next step left it.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(wrong(error)),
            Ok(()) | Err(_) => {}
        }
        let mut bytes = MARK.to_vec();
        bytes.extend_from_slice(damaged.bytes.get(MARK.len()..check.good_bytes).unwrap_or_default());
        let lost = damaged.lost(&check);
        record::encode(&Record::Gap(lost), &mut bytes).map_err(|error| wrong(io::Error::other(error)))?;
        files::replace(&damaged.path, &bytes).map_err(wrong)?;
        error!(
            segment = number,
            records = check.records,
            lost_events = lost.events,
            "spool segment {number} is damaged; {} records of it were read, about {} were not; it is kept as `{}` for \
             whoever can mend it, and holds persons: remove it afterwards",
            check.records,
            lost.events,
            aside.display(),
        );
        Self::load(spool, number)
    }

    fn read(spool: &Path, number: u64) -> Result<Self, LogError> {
        let path = path_of(spool, number);
        let bytes = fs::read(&path).map_err(|source| LogError::Read { path: path.clone(), source })?;
        Ok(Self { number, path, bytes })
    }

    /// A crash while the file was made leaves a part of the mark and nothing else.
    fn has_mark(&self) -> bool {
        self.bytes.starts_with(MARK) || MARK.starts_with(&self.bytes)
    }

    /// What cannot be read, as many events as its length makes likely.
    fn lost(&self, check: &Check) -> Gap {
        let last = self.records().last().map(|(_, record)| match record {
            Record::Event(event) => event.at(),
            Record::Gap(gap) => gap.until,
        });
        let mean_bytes = check.good_bytes.saturating_sub(MARK.len()).checked_div(check.records);
        let events = check.torn_bytes / mean_bytes.unwrap_or(check.torn_bytes).max(1);
        Gap {
            until: last.unwrap_or_else(|| self.changed_at()),
            events: u64::try_from(events.max(1)).unwrap_or(u64::MAX),
        }
    }

    fn changed_at(&self) -> Timestamp {
        let changed = fs::metadata(&self.path).and_then(|data| data.modified());
        changed.ok().and_then(|at| Timestamp::try_from(at).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
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

    /// Cuts a torn tail off the file that was being written, and says so in the log.
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
