//! What is left of a day after 30 days and after 12 months.

use schoolgate_event::{Event, Recorded, Recorder, Verdict};

use super::*;
use crate::evidence::{By, Evidence, Filter, Range};
use crate::samples::{accident, at, decision, locked, reason, settings};

const GAMBLING: &str = "staff-ict#own-time/web";

fn samples() -> Vec<Event> {
    let morning = at("2025-11-24T10:00:00Z");
    let mut events: Vec<Event> =
        (0..6).map(|n| decision(n, morning, Verdict::Allow, reason(GAMBLING, "gambling"))).collect();
    events.extend((6..8).map(|n| decision(n, morning, Verdict::Block, reason(GAMBLING, "gambling"))));
    events.push(accident(morning, reason(GAMBLING, "gambling")));
    events.push(locked(morning));
    events
}

/// Writes two files of one day and gives the log, stopped.
async fn two_files(dir: &std::path::Path) -> EventLog {
    for events in samples().chunks(5) {
        let (log, task, _) = EventLog::open(dir, settings()).unwrap();
        for event in events {
            assert_eq!(log.record(event.clone()), Recorded::Queued);
        }
        task.run(async {}).await.unwrap();
    }
    EventLog::open(dir, settings()).unwrap().0
}

fn range() -> Range {
    let from = at("2025-11-01T00:00:00Z");
    Range { school: "riverside".parse().unwrap(), from, to: at("2025-12-01T00:00:00Z") }
}

fn files_on_disk(log: &EventLog) -> usize {
    let day = log.0.layout.parquet().join("school=riverside/date=2025-11-24");
    std::fs::read_dir(day).unwrap().count()
}

#[test]
fn days_are_due_in_time() {
    let date = |text: &str| text.parse::<Date>().unwrap();
    for (today, stage) in [
        ("2025-11-24", Stage::Full),
        ("2025-12-23", Stage::Full),
        ("2025-12-24", Stage::Hosts),
        ("2026-11-23", Stage::Hosts),
        ("2026-11-24", Stage::Counts),
    ] {
        assert_eq!(stage_due(date("2025-11-24"), date(today)), stage, "{today}");
    }
}

#[tokio::test]
async fn a_day_that_is_over_becomes_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let log = two_files(dir.path()).await;
    assert_eq!(files_on_disk(&log), 2);
    let now = at("2025-11-25T04:00:00Z");
    assert_eq!(log.retention_apply(now).await.unwrap(), Retained { days_merged: 1, ..Retained::default() });
    assert_eq!(log.retention_apply(now).await.unwrap(), Retained::default());
    assert_eq!(files_on_disk(&log), 1);
    let rows = Evidence::new(log).unwrap().rows(&range(), &Filter::default(), None, 100).await.unwrap().rows;
    assert_eq!(rows.len(), 10);
    assert_eq!(rows.iter().filter(|row| row.url.is_some()).count(), 8);
}

#[tokio::test]
async fn after_thirty_days_only_blocked_addresses_are_left() {
    let dir = tempfile::tempdir().unwrap();
    let log = two_files(dir.path()).await;
    let retained = log.retention_apply(at("2025-12-24T04:00:00Z")).await.unwrap();
    assert_eq!(retained, Retained { days_without_addresses: 1, ..Retained::default() });
    assert_eq!(files_on_disk(&log), 1);
    let rows = Evidence::new(log).unwrap().rows(&range(), &Filter::default(), None, 100).await.unwrap().rows;
    assert_eq!(rows.len(), 10);
    for row in rows {
        assert_eq!(row.url.is_some(), row.verdict.as_deref() == Some("block"), "{row:?}");
        assert_eq!(row.host.is_some(), row.kind != "locked");
        assert_eq!((row.tls_offered, row.tls_client), (None, None));
    }
}

/// Files of a release that did not write handshakes down.
#[tokio::test]
async fn files_without_the_newest_columns_are_read_and_merged() {
    let dir = tempfile::tempdir().unwrap();
    let log = two_files(dir.path()).await;
    let older = log.0.layout.parquet().join(&log.0.manifest().files[0].path);
    let environment = engine::environment(&log.0.layout, log.0.settings.query_bytes).unwrap();
    let columns: Vec<usize> = (0..SCHEMA.fields().len()).filter(|n| !SCHEMA.field(*n).name().contains("tls")).collect();
    let batches = {
        let files = log.0.manifest().files.clone();
        let context = engine::context(&environment);
        engine::files_read(&context, &[&files[0]], &SCHEMA).await.unwrap().collect().await.unwrap()
    };
    std::fs::remove_file(&older).unwrap();
    let schema = Arc::new(SCHEMA.project(&columns).unwrap());
    let mut out = ParquetOut::create(&older, schema).unwrap();
    for batch in batches {
        out.write(&batch.project(&columns).unwrap()).unwrap();
    }
    out.finish().unwrap();

    let evidence = Evidence::new(log.clone()).unwrap();
    let with_handshakes = async || {
        let rows = evidence.rows(&range(), &Filter::default(), None, 100).await.unwrap().rows;
        (rows.len(), rows.iter().filter(|row| row.tls_offered.is_some()).count())
    };
    assert_eq!(with_handshakes().await, (10, 3));
    assert_eq!(log.retention_apply(at("2025-11-25T04:00:00Z")).await.unwrap().days_merged, 1);
    assert_eq!(with_handshakes().await, (10, 3));
}

#[tokio::test]
async fn after_a_year_only_numbers_are_left() {
    let dir = tempfile::tempdir().unwrap();
    let log = two_files(dir.path()).await;
    let before = Evidence::new(log.clone()).unwrap();
    let clause = before.numbers(&range(), &Filter::default(), By::Clause).await.unwrap();
    let days = before.days(&range(), &Filter::default()).await.unwrap();
    let now = at("2026-11-24T04:00:00Z");
    assert_eq!(log.retention_apply(now).await.unwrap(), Retained { days_to_counts: 1, ..Retained::default() });
    assert_eq!(log.retention_apply(now).await.unwrap(), Retained::default());
    drop((before, log));

    let (log, _task, _) = EventLog::open(dir.path(), settings()).unwrap();
    let after = Evidence::new(log.clone()).unwrap();
    assert_eq!(after.rows(&range(), &Filter::default(), None, 100).await.unwrap().rows, []);
    assert_eq!(after.days(&range(), &Filter::default()).await.unwrap(), days);
    let counted = after.numbers(&range(), &Filter::default(), By::Clause).await.unwrap();
    let numbers = |all: &[crate::Number]| -> Vec<(Option<String>, u64, u64)> {
        all.iter().map(|number| (number.key.clone(), number.decisions, number.accidents)).collect()
    };
    assert_eq!(numbers(&counted), numbers(&clause));
    let file = std::fs::read_dir(log.0.layout.parquet().join("school=riverside/date=2025-11-24")).unwrap();
    for file in file {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("bet.example") && !text.contains("0000000000000001"));
    }
}

#[tokio::test]
async fn one_unreadable_day_holds_no_other_up() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let (log, task, _) = EventLog::open(dir.path(), settings()).unwrap();
        for day in ["2025-11-24T10:00:00Z", "2025-11-25T10:00:00Z"] {
            let event = decision(1, at(day), Verdict::Allow, reason(GAMBLING, "gambling"));
            assert_eq!(log.record(event), Recorded::Queued);
        }
        task.run(async {}).await.unwrap();
    }
    let (log, _task, _) = EventLog::open(dir.path(), settings()).unwrap();
    let files = |date: &str| {
        let day = log.0.layout.parquet().join(format!("school=riverside/date={date}"));
        std::fs::read_dir(day).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>()
    };
    for file in files("2025-11-24") {
        std::fs::write(file, b"damaged").unwrap();
    }
    assert!(log.retention_apply(at("2025-11-26T04:00:00Z")).await.is_err());
    assert_eq!((files("2025-11-24").len(), files("2025-11-25").len()), (2, 1));
}
