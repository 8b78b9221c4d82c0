//! The spool's writing end: appends whole batches, each made lasting before it counts.
//!
//! A segment is never appended to by a later start: after a crash its torn tail is cut and a new one begun, so that
//! the place after a damaged record is never written to. A closed segment has no torn tail: what is wrong with it is
//! damage, of which nothing is cut.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tracing::warn;

use crate::error::LogError;
use crate::files;
use crate::segment::{self, MARK, Segment};

/// The open segment.
#[derive(Debug)]
pub(crate) struct Spool {
    dir: PathBuf,
    file: Arc<File>,
    number: u64,
    /// Length up to the last acknowledged record.
    bytes: u64,
}

/// What was found when the spool was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Segments and whole records that wait for conversion.
    pub segments: u64,
    pub records: u64,
    /// Bytes of records that a crash had left unfinished; nothing acknowledged.
    pub torn_bytes: u64,
}

impl Spool {
    /// Removes segments that the manifest has taken in (up to `consumed_through`), mends the others and begins a new
    /// one.
    pub(crate) fn open(dir: PathBuf, consumed_through: u64) -> Result<(Self, Recovered), LogError> {
        let mut recovered = Recovered::default();
        let mut last = consumed_through;
        let numbers = segment::list(&dir)?;
        let newest = numbers.last().copied();
        for number in numbers {
            last = last.max(number);
            if number <= consumed_through {
                remove(&dir, number)?;
                continue;
            }
            // A crash tears only what was being written; whatever is wrong with another segment came later.
            let check = match Segment::load(&dir, number) {
                Ok(mut open) if Some(number) == newest => open.mend()?,
                Ok(_) | Err(LogError::NotASegment { .. }) => Segment::salvage(&dir, number)?.check(),
                Err(error) => return Err(error),
            };
            recovered.torn_bytes += check.torn_bytes as u64;
            if check.records == 0 {
                remove(&dir, number)?;
                continue;
            }
            recovered.segments += 1;
            recovered.records += check.records as u64;
        }
        Ok((Self::begin(dir, last + 1)?, recovered))
    }

    fn begin(dir: PathBuf, number: u64) -> Result<Self, LogError> {
        let path = segment::path_of(&dir, number);
        let wrong = |source| LogError::Write { path: path.clone(), source };
        // A crash between making and using a segment may leave one; it holds nothing, or `open` would have counted it.
        let file = files::private_file(&path).map_err(wrong)?;
        file.write_all_at(MARK, 0).map_err(wrong)?;
        file.sync_all().map_err(wrong)?;
        files::sync_dir(&dir).map_err(wrong)?;
        Ok(Self { dir, file: Arc::new(file), number, bytes: MARK.len() as u64 })
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == MARK.len() as u64
    }

    /// Appends whole records and waits until they are on disk; gives the buffer back. On an error nothing of them
    /// counts; the caller keeps them and calls again, and they are written over what was left of the first attempt.
    /// That also mends a failed fsync, after which the kernel may have forgotten which pages were not written.
    pub(crate) async fn append(&mut self, frames: Vec<u8>) -> Result<(Result<(), LogError>, Vec<u8>), LogError> {
        let (file, at) = (Arc::clone(&self.file), self.bytes);
        let write = move || {
            let written = file.write_all_at(&frames, at).and_then(|()| file.sync_data());
            if written.is_err()
                && let Err(error) = file.set_len(at)
            {
                warn!(%error, "cannot cut an unfinished batch off the spool");
            }
            (written, frames)
        };
        let (written, frames) = spawn_blocking(write).await.map_err(|source| LogError::Stopped { source })?;
        if written.is_ok() {
            self.bytes += frames.len() as u64;
        }
        let path = segment::path_of(&self.dir, self.number);
        Ok((written.map_err(|source| LogError::Write { path, source }), frames))
    }

    /// Closes the segment and begins the next.
    pub(crate) async fn rotate(&mut self) -> Result<(), LogError> {
        let (dir, next) = (self.dir.clone(), self.number + 1);
        let begun = spawn_blocking(move || Self::begin(dir, next)).await;
        *self = begun.map_err(|source| LogError::Stopped { source })??;
        Ok(())
    }
}

pub(crate) fn remove(dir: &Path, number: u64) -> Result<(), LogError> {
    let path = segment::path_of(dir, number);
    files::remove(&path).map_err(|source| LogError::Remove { path, source })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;

    use super::*;
    use crate::record::{Gap, Record, encode};

    fn frame(events: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&Record::Gap(Gap { until: Timestamp::UNIX_EPOCH, events }), &mut bytes).unwrap();
        bytes
    }

    async fn append(spool: &mut Spool, events: u64) {
        spool.append(frame(events)).await.unwrap().0.unwrap();
    }

    fn contents(dir: &Path) -> Vec<u64> {
        let mut found = Vec::new();
        for number in segment::list(dir).unwrap() {
            for (_, record) in Segment::load(dir, number).unwrap().records() {
                if let Record::Gap(gap) = record {
                    found.push(gap.events);
                }
            }
        }
        found
    }

    #[tokio::test]
    async fn a_torn_tail_is_cut_and_reported() {
        let dir = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(dir.path().into(), 0).unwrap();
        append(&mut spool, 1).await;
        append(&mut spool, 2).await;
        let path = segment::path_of(dir.path(), 1);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 3]).unwrap();

        let (mut spool, recovered) = Spool::open(dir.path().into(), 0).unwrap();
        let torn_bytes = frame(2).len() as u64 - 3;
        assert_eq!(recovered, Recovered { segments: 1, records: 1, torn_bytes });
        append(&mut spool, 3).await;
        assert_eq!(contents(dir.path()), [1, 3]);
    }

    #[test]
    fn a_segment_that_was_only_begun_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(segment::path_of(dir.path(), 4), &MARK[..5]).unwrap();
        let (spool, recovered) = Spool::open(dir.path().into(), 0).unwrap();
        assert_eq!(recovered.records, 0);
        assert_eq!(spool.number(), 5);
        assert_eq!(segment::list(dir.path()).unwrap(), [5]);
    }

    #[test]
    fn damaged_first_bytes_stop_no_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = segment::path_of(dir.path(), 1);
        fs::write(&path, b"something else").unwrap();
        let (_, recovered) = Spool::open(dir.path().into(), 0).unwrap();
        assert_eq!(recovered.records, 1, "the gap");
        assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), b"something else");
        assert_eq!(contents(dir.path()), [1]);
    }

    #[tokio::test]
    async fn of_a_closed_segment_nothing_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(dir.path().into(), 0).unwrap();
        for events in [7, 8, 9] {
            append(&mut spool, events).await;
        }
        spool.rotate().await.unwrap();
        append(&mut spool, 10).await;
        let path = segment::path_of(dir.path(), 1);
        let mut damaged = fs::read(&path).unwrap();
        let second = MARK.len() + frame(7).len() + frame(8).len() - 1;
        damaged[second] ^= 1;
        fs::write(&path, &damaged).unwrap();

        let (_, recovered) = Spool::open(dir.path().into(), 0).unwrap();
        assert_eq!((recovered.segments, recovered.torn_bytes), (2, 0));
        assert_eq!(contents(dir.path()), [7, 2, 10], "two were lost, and it says so");
        assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), damaged);
        // A second start finds nothing to do.
        Spool::open(dir.path().into(), 0).unwrap();
        assert_eq!(contents(dir.path()), [7, 2, 10]);
    }

    #[tokio::test]
    async fn numbers_go_on_after_what_was_consumed() {
        let dir = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(dir.path().into(), 0).unwrap();
        append(&mut spool, 1).await;
        spool.rotate().await.unwrap();
        append(&mut spool, 2).await;
        let (spool, recovered) = Spool::open(dir.path().into(), 1).unwrap();
        assert_eq!((spool.number(), recovered.segments), (3, 1));
        assert_eq!(contents(dir.path()), [2]);
    }
}
