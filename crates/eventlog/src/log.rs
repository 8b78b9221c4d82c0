//! The handle that doors and pages hold, and what it shares with the task that writes.

use std::path::Path;
#[cfg(feature = "query")]
use std::sync::RwLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::SchoolId;
use schoolgate_event::{Event, Recorded, Recorder};
use tokio::sync::{mpsc, oneshot};
use tracing::info;

use crate::error::{FlushError, LogError};
use crate::files::Layout;
use crate::help::HelpCounts;
use crate::manifest::Manifest;
use crate::record::Gap;
use crate::settings::Settings;
use crate::spool::{Recovered, Spool};
use crate::write::LogTask;

/// Callers that may wait for an acknowledgement at the same time; further ones wait for a place.
const FLUSHES_MAX: usize = 64;

/// Sent by a caller of [`EventLog::flush`]; answered when its events are on disk, or could not be put there.
pub(crate) type Flush = oneshot::Sender<Result<(), FlushError>>;

/// The event log: records for doors, answers for pages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventLog(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) settings: Settings,
    pub(crate) counters: Counters,
    pub(crate) help: Mutex<HelpCounts>,
    #[cfg(feature = "query")]
    manifest: RwLock<Arc<Manifest>>,
    #[cfg(feature = "query")]
    /// Held for reading by whoever reads files of the manifest or the spool, for writing by whoever removes some.
    pub(crate) files: tokio::sync::RwLock<()>,
    #[cfg(feature = "query")]
    /// Held by whoever prepares a new manifest, one at a time.
    pub(crate) upkeep: tokio::sync::Mutex<()>,
    events: mpsc::Sender<Event>,
    flushes: mpsc::Sender<Flush>,
}

/// Counters since the start, for the metrics page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events taken into the queue.
    pub queued: u64,
    /// Events lost because the queue was full.
    pub dropped: u64,
    /// Events that could not be encoded: too long for a record.
    pub refused: u64,
    /// Events on disk.
    pub written: u64,
    /// Batches that the disk did not take at the first attempt.
    pub write_failures: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) queued: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) written: AtomicU64,
    pub(crate) write_failures: AtomicU64,
    /// Dropped events not yet written down as a gap, and the time of the last, in microseconds.
    gap_events: AtomicU64,
    gap_until: AtomicI64,
}

impl Counters {
    fn missed(&self, events: u64, until: Timestamp) {
        self.dropped.fetch_add(events, Ordering::Relaxed);
        self.gap_until.fetch_max(until.as_microsecond(), Ordering::Relaxed);
        self.gap_events.fetch_add(events, Ordering::Release);
    }

    /// What was lost since the last call.
    pub(crate) fn take_gap(&self) -> Option<Gap> {
        let events = self.gap_events.swap(0, Ordering::Acquire);
        let until = Timestamp::from_microsecond(self.gap_until.load(Ordering::Relaxed)).ok()?;
        (events > 0).then_some(Gap { until, events })
    }
}

impl EventLog {
    /// Opens the log in `dir`, mends what a crash left, and gives the handle and the task that must run for anything
    /// to be written. Blocks on files; call it before serving.
    pub fn open(dir: &Path, settings: Settings) -> Result<(Self, LogTask, Recovered), LogError> {
        let layout = Layout::new(dir);
        layout.make().map_err(|source| LogError::Make { path: dir.to_owned(), source })?;
        let manifest = Manifest::load(&layout.manifest())?;
        #[cfg(feature = "query")]
        crate::convert::leftovers_remove(&layout, &manifest)?;
        let (spool, recovered) = Spool::open(layout.spool(), manifest.consumed_through)?;
        info!(
            records = recovered.records,
            segments = recovered.segments,
            torn_bytes = recovered.torn_bytes,
            "opened the event log; {} records wait in the spool",
            recovered.records,
        );
        let (events, events_taken) = mpsc::channel(settings.queue_events.max(1));
        let (flushes, flushes_taken) = mpsc::channel(FLUSHES_MAX);
        let shared = Arc::new(Shared {
            help: Mutex::new(HelpCounts::load(&layout.help())?),
            layout,
            settings,
            counters: Counters::default(),
            #[cfg(feature = "query")]
            manifest: RwLock::new(Arc::new(manifest)),
            #[cfg(feature = "query")]
            files: tokio::sync::RwLock::new(()),
            #[cfg(feature = "query")]
            upkeep: tokio::sync::Mutex::new(()),
            events,
            flushes,
        });
        let task = LogTask::new(Arc::clone(&shared), events_taken, flushes_taken, spool);
        Ok((Self(shared), task, recovered))
    }

    /// Waits until every event recorded before this call is on disk.
    pub async fn flush(&self) -> Result<(), FlushError> {
        let (answer, answered) = oneshot::channel();
        self.0.flushes.send(answer).await.map_err(|_| FlushError::Stopped)?;
        answered.await.map_err(|_| FlushError::Stopped)?
    }

    /// A door elsewhere had no room for so many events, all before `until`: the log will say so.
    pub fn note_missing(&self, events: u64, until: Timestamp) {
        if events > 0 {
            self.0.counters.missed(events, until);
        }
    }

    pub fn counts(&self) -> Counts {
        let counters = &self.0.counters;
        Counts {
            queued: counters.queued.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
            written: counters.written.load(Ordering::Relaxed),
            write_failures: counters.write_failures.load(Ordering::Relaxed),
        }
    }

    /// Visits to the help list on the days from `first` to before `end`; days without a visit are absent.
    pub fn help_counts(&self, school: &SchoolId, first: Date, end: Date) -> Vec<(Date, u64)> {
        self.0.help().between(school, first, end)
    }
}

impl Recorder for EventLog {
    /// A full queue drops this event, counts it, and the log will hold how many are missing.
    fn record(&self, event: Event) -> Recorded {
        let at = event.at();
        match self.0.events.try_send(event) {
            Ok(()) => {
                self.0.counters.queued.fetch_add(1, Ordering::Relaxed);
                Recorded::Queued
            }
            Err(_) => {
                self.0.counters.missed(1, at);
                Recorded::Dropped
            }
        }
    }

    fn help_visited(&self, school: &SchoolId, date: Date) {
        self.0.help().add(school, date);
    }
}

impl Shared {
    /// Nothing panics while this is held; were it poisoned, the numbers would still be numbers.
    pub(crate) fn help(&self) -> MutexGuard<'_, HelpCounts> {
        self.help.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "query")]
    pub(crate) fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.manifest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// To be called when the manifest is on disk.
    #[cfg(feature = "query")]
    pub(crate) fn manifest_set(&self, manifest: Manifest) {
        *self.manifest.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(manifest);
    }
}
