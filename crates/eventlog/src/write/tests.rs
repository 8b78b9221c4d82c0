//! The writing task on real files.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_base::Host;
use schoolgate_event::{Accident, Door, Reason, Recorded, Recorder, Who};
use tokio::sync::oneshot;

use super::*;
use crate::segment::{self, Segment};
use crate::{EventLog, Settings};

fn event(second: i64) -> Event {
    Event::Accident(Accident {
        school: "riverside".parse().unwrap(),
        at: Timestamp::from_second(second).unwrap(),
        door: Door::Portal,
        who: Who::UNKNOWN,
        host: Host::parse("bet.example").unwrap(),
        reason: Reason::default(),
    })
}

fn settings() -> Settings {
    // Nothing is written by time, so that each test says when.
    let day = Duration::from_secs(86_400);
    Settings { commit_every: day, segment_age: day, help_every: day, ..Settings::new(TimeZone::UTC) }
}

fn on_disk(dir: &Path) -> Vec<Record> {
    let spool = dir.join("spool");
    let mut found = Vec::new();
    for number in segment::list(&spool).unwrap() {
        found.extend(Segment::load(&spool, number).unwrap().records().map(|(_, record)| record));
    }
    found
}

#[tokio::test]
async fn a_flush_returns_when_everything_before_it_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (log, task, _) = EventLog::open(dir.path(), settings()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let work = async {
        for second in 0..3_000 {
            assert_eq!(log.record(event(second)), Recorded::Queued);
        }
        log.flush().await.unwrap();
        assert_eq!(on_disk(dir.path()).len(), 3_000);
        assert_eq!(log.counts().written, 3_000);
        stop.send(()).unwrap();
    };
    let (run, ()) = tokio::join!(task.run(async { stopped.await.unwrap() }), work);
    run.unwrap();
    assert_eq!(log.flush().await, Err(FlushError::Stopped));
}

#[tokio::test]
async fn a_full_queue_drops_counts_and_says_so_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (log, task, _) = EventLog::open(dir.path(), Settings { queue_events: 2, ..settings() }).unwrap();
    let taken: Vec<_> = (0..5).map(|second| log.record(event(second))).collect();
    assert_eq!(taken[..2], [Recorded::Queued; 2]);
    assert_eq!(taken[2..], [Recorded::Dropped; 3]);
    let (run, flushed) = tokio::join!(
        task.run(async {
            log.flush().await.unwrap();
        }),
        log.flush()
    );
    run.unwrap();
    assert!(matches!(flushed, Ok(()) | Err(FlushError::Stopped)));
    assert_eq!(log.counts().dropped, 3);
    #[cfg(not(feature = "query"))]
    assert!(on_disk(dir.path()).iter().any(|record| matches!(record, Record::Gap(gap) if gap.events == 3)));
    #[cfg(feature = "query")]
    assert_eq!(log.0.manifest().lost.values().sum::<u64>(), 3);
}

#[tokio::test]
async fn stopping_writes_what_is_in_the_queue_and_the_help_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (log, task, _) = EventLog::open(dir.path(), settings()).unwrap();
    let school = "riverside".parse().unwrap();
    let date = "2026-11-24".parse().unwrap();
    for second in 0..100 {
        assert_eq!(log.record(event(second)), Recorded::Queued);
    }
    log.help_visited(&school, date);
    task.run(async {}).await.unwrap();
    drop(log);
    let (log, _task, recovered) = EventLog::open(dir.path(), settings()).unwrap();
    #[cfg(not(feature = "query"))]
    assert_eq!(recovered.records, 100);
    #[cfg(feature = "query")]
    assert_eq!((recovered.records, log.0.manifest().files.iter().map(|file| file.rows).sum::<u64>()), (0, 100));
    assert_eq!(log.help_counts(&school, date, date.tomorrow().unwrap()), [(date, 1)]);
}

#[tokio::test]
async fn a_help_visit_leaves_nothing_in_the_spool() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _task, _) = EventLog::open(dir.path(), settings()).unwrap();
    log.help_visited(&"riverside".parse().unwrap(), "2026-11-24".parse().unwrap());
    assert_eq!(on_disk(dir.path()), []);
}

#[test]
fn a_disk_that_refuses_for_an_hour_is_said_once_a_minute() {
    let (mut refusals, begun) = (Refusals::default(), Instant::now());
    let at = |times: u32| begun + times * Duration::from_millis(500);
    assert_eq!(refusals.end(), None, "nothing was refused");
    let said: Vec<u64> = (0..7_200).filter_map(|times| refusals.note(at(times))).collect();
    assert_eq!((said.len(), said[0], said[1]), (60, 1, 120));
    assert_eq!((refusals.end(), refusals.end()), (Some(7_200), None));
    assert_eq!(refusals.note(at(7_200)), Some(1), "the next time is said at once");
}
