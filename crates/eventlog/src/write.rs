//! The task that writes: takes events from the queue, commits them in groups, closes segments, has them converted.
//!
//! While the disk does not take a batch, it and the queue behind it stay in memory; when the queue is full, new events
//! are dropped and counted, and the count is written with the next batch that succeeds.

use std::future::Future;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use schoolgate_event::Event;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tracing::{info, warn};

use crate::error::{FlushError, LogError};
use crate::files;
use crate::log::{Flush, Shared};
use crate::record::{self, Record};
use crate::spool::Spool;

/// Events taken from the queue in one go.
const TAKE_MAX: usize = 1024;

/// Between one taking and the next: a door that hands in an event while this task sleeps has to wake it, which at a
/// hundred thousand events a second costs it more than the event. The queue holds what comes meanwhile.
const TAKE_EVERY: Duration = Duration::from_millis(5);

/// How long to wait after the disk refused a batch.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Must run for anything to be written; see [`LogTask::run`].
#[derive(Debug)]
pub struct LogTask {
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
    flushes: mpsc::Receiver<Flush>,
    spool: Spool,
    batch: Batch,
    refusals: Refusals,
}

/// Encoded records that are not on disk yet.
#[derive(Debug, Default)]
struct Batch {
    frames: Vec<u8>,
    events: u64,
}

/// What woke the task.
enum Step {
    Taken,
    Rested,
    Flush(Flush),
    Due,
    SegmentOld,
    HelpDue,
    Stop,
}

impl LogTask {
    pub(crate) fn new(
        shared: Arc<Shared>,
        events: mpsc::Receiver<Event>,
        flushes: mpsc::Receiver<Flush>,
        spool: Spool,
    ) -> Self {
        Self { shared, events, flushes, spool, batch: Batch::default(), refusals: Refusals::default() }
    }

    /// Writes until `shutdown` completes, then writes what is still in the queue and returns.
    ///
    /// # Errors
    /// When the last batch cannot be written. Failures before are logged, counted and tried again.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), LogError> {
        let (closed, closed_seen) = watch::channel(self.spool.number());
        let shared = Arc::clone(&self.shared);
        let (written, ()) = tokio::join!(self.write(closed, shutdown), convert(shared, closed_seen));
        written
    }

    async fn write(mut self, active: watch::Sender<u64>, shutdown: impl Future<Output = ()>) -> Result<(), LogError> {
        let settings = self.shared.settings.clone();
        let mut shutdown = std::pin::pin!(shutdown);
        let mut old = ticks(settings.segment_age);
        let mut help = ticks(settings.help_every);
        let mut due: Option<Instant> = None;
        // Not while a whole batch was taken: then more are waiting.
        let mut resting_until: Option<Instant> = None;
        let mut taken = Vec::with_capacity(TAKE_MAX);
        loop {
            let has_room = self.batch.frames.len() < settings.commit_bytes;
            let step = tokio::select! {
                () = &mut shutdown => Step::Stop,
                Some(flush) = self.flushes.recv() => Step::Flush(flush),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Step::Due,
                _ = old.tick() => Step::SegmentOld,
                _ = help.tick() => Step::HelpDue,
                () = sleep_until(resting_until.unwrap_or_else(Instant::now)), if resting_until.is_some() => Step::Rested,
                _ = self.events.recv_many(&mut taken, TAKE_MAX), if has_room && resting_until.is_none() => Step::Taken,
            };
            match step {
                Step::Rested => resting_until = None,
                Step::Taken => {
                    resting_until = (taken.len() < TAKE_MAX).then(|| Instant::now() + TAKE_EVERY);
                    self.encode(&mut taken);
                    let wait = if settings.commit_bytes <= self.batch.frames.len() {
                        Duration::ZERO
                    } else {
                        settings.commit_every
                    };
                    // The first event of a batch says when it is due; a full batch is due at once.
                    let soonest = Instant::now() + wait;
                    due = Some(due.map_or(soonest, |due| due.min(soonest)));
                }
                Step::Due => due = self.commit(&active).await,
                Step::Flush(flush) => {
                    let (answer, again) = self.drain(&mut taken, &active).await;
                    due = again;
                    // A caller that no longer waits needs no answer.
                    let _ = flush.send(answer);
                }
                Step::SegmentOld => self.close_segment(&active).await,
                Step::HelpDue => self.write_help().await,
                Step::Stop => break,
            }
        }
        self.stop(taken, &active).await
    }

    async fn stop(mut self, mut taken: Vec<Event>, active: &watch::Sender<u64>) -> Result<(), LogError> {
        self.events.close();
        self.flushes.close();
        self.write_help().await;
        while self.events.recv_many(&mut taken, TAKE_MAX).await > 0 {
            self.encode(&mut taken);
            if self.shared.settings.commit_bytes <= self.batch.frames.len() {
                self.try_commit().await?;
            }
        }
        self.try_commit().await?;
        self.close_segment(active).await;
        info!(written = self.shared.counters.written.load(Ordering::Relaxed), "closed the event log");
        Ok(())
    }

    fn encode(&mut self, taken: &mut Vec<Event>) {
        for event in taken.drain(..) {
            match record::encode(&Record::Event(event), &mut self.batch.frames) {
                Ok(()) => self.batch.events += 1,
                Err(error) => {
                    self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
                    warn!(%error, "an event could not be encoded and is lost");
                }
            }
        }
    }

    /// Commits everything that was in the queue when it was called; also says when to try again.
    async fn drain(
        &mut self,
        taken: &mut Vec<Event>,
        active: &watch::Sender<u64>,
    ) -> (Result<(), FlushError>, Option<Instant>) {
        let mut left = self.events.len();
        loop {
            let take = left.min(TAKE_MAX);
            if take > 0 {
                left -= self.events.recv_many(taken, take).await;
                self.encode(taken);
            }
            if let Some(again) = self.commit(active).await {
                return (Err(FlushError::NotWritten), Some(again));
            }
            if left == 0 {
                return (Ok(()), None);
            }
        }
    }

    /// Commits the batch; when the disk refuses, says when to try again.
    async fn commit(&mut self, active: &watch::Sender<u64>) -> Option<Instant> {
        if let Err(error) = self.try_commit().await {
            self.shared.counters.write_failures.fetch_add(1, Ordering::Relaxed);
            if let Some(times) = self.refusals.note(Instant::now()) {
                let (error, held_events): (&dyn std::error::Error, u64) = (&error, self.batch.events);
                warn!(error, held_events, times, "the spool cannot be written; events are held in memory");
            }
            return Some(Instant::now() + RETRY_EVERY);
        }
        if let Some(times) = self.refusals.end() {
            info!(times, "the spool is written again; what was held is in it");
        }
        if self.shared.settings.segment_bytes <= self.spool.bytes() {
            self.close_segment(active).await;
        }
        None
    }

    async fn try_commit(&mut self) -> Result<(), LogError> {
        if let Some(gap) = self.shared.counters.take_gap()
            && let Err(error) = record::encode(&Record::Gap(gap), &mut self.batch.frames)
        {
            warn!(%error, lost_events = gap.events, "a gap could not be encoded");
        }
        if self.batch.frames.is_empty() {
            return Ok(());
        }
        let frames = mem::take(&mut self.batch.frames);
        let (appended, frames) = self.spool.append(frames).await?;
        self.batch.frames = frames;
        appended?;
        self.batch.frames.clear();
        self.shared.counters.written.fetch_add(mem::take(&mut self.batch.events), Ordering::Relaxed);
        Ok(())
    }

    async fn close_segment(&mut self, active: &watch::Sender<u64>) {
        if self.spool.is_empty() {
            return;
        }
        match self.spool.rotate().await {
            Ok(()) => {
                active.send_replace(self.spool.number());
            }
            Err(error) => warn!(%error, "cannot begin a new spool segment; going on with the old one"),
        }
    }

    async fn write_help(&self) {
        let Some(bytes) = self.shared.help().take_changed() else { return };
        let path = self.shared.layout.help();
        let written = spawn_blocking(move || files::replace(&path, &bytes)).await;
        if let Err(error) = written.unwrap_or_else(|stopped| Err(io::Error::other(stopped))) {
            self.shared.help().not_written();
            warn!(%error, "the daily counts of the help list cannot be written; they stay in memory");
        }
    }
}

/// Says that the disk refuses at once and then once a minute: a log on the same disk, or in the same journal, would be the
/// next to fill it.
#[derive(Debug, Default)]
struct Refusals {
    said_at: Option<Instant>,
    /// Since it was said.
    times: u64,
    all: u64,
}

/// Between two lines about the same refusing disk.
const SAY_EVERY: Duration = Duration::from_secs(60);

impl Refusals {
    /// How often it was refused since it was last said, where it is to be said now.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.times += 1;
        self.all += 1;
        if self.said_at.is_some_and(|said_at| now.duration_since(said_at) < SAY_EVERY) {
            return None;
        }
        self.said_at = Some(now);
        Some(std::mem::take(&mut self.times))
    }

    /// It is written again: how often it was not, where it was not.
    fn end(&mut self) -> Option<u64> {
        let all = std::mem::take(self).all;
        (0 < all).then_some(all)
    }
}

fn ticks(every: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + every, every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Converts closed segments: those left by an earlier start, then each time one is closed. Ends with the writer.
#[cfg(feature = "query")]
async fn convert(shared: Arc<Shared>, mut active: watch::Receiver<u64>) {
    loop {
        let before = *active.borrow_and_update();
        if let Err(error) = crate::convert::segments_convert(&shared, before).await {
            warn!(%error, "closed spool segments cannot be converted; they are kept and tried again");
        }
        if active.changed().await.is_err() {
            return;
        }
    }
}

/// Without Parquet, segments stay where they are.
#[cfg(not(feature = "query"))]
async fn convert(_shared: Arc<Shared>, mut active: watch::Receiver<u64>) {
    while active.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests;
