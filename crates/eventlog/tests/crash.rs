//! `kill -9` in the middle of appends and Parquet writes: nothing acknowledged is lost, nothing is there twice.
#![cfg(feature = "query")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schoolgate_base::Host;
use schoolgate_event::{Decision, Door, Event, Mode, Reason, Recorded, Recorder, Traffic, Verdict, Who};
use schoolgate_eventlog::{By, Cursor, EventLog, Evidence, Filter, Range, Settings};

/// Tells the copy of this program where to write and from which number.
const DIR: &str = "SCHOOLGATE_CRASH_DIR";
const FROM: &str = "SCHOOLGATE_CRASH_FROM";

const GROUP: u64 = 100;

fn settings() -> Settings {
    let day = Duration::from_secs(86_400);
    // Two groups fill a segment, so that conversions run all the time.
    Settings { segment_bytes: 16 * 1024, segment_age: day, help_every: day, ..Settings::new(TimeZone::UTC) }
}

fn start() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn event(n: u64) -> Event {
    Event::Decision(Decision {
        school: "riverside".parse().unwrap(),
        at: start() + SignedDuration::from_millis(i64::try_from(n % 1_000_000).unwrap()),
        door: Door::Proxy,
        who: Who::UNKNOWN,
        host: Host::parse("news.example").unwrap(),
        url: Some(format!("https://news.example/{n}").into()),
        method: "GET".into(),
        verdict: Verdict::Allow,
        reason: Reason::default(),
        snapshot: 1,
        traffic: Traffic { bytes_up: n, ..Traffic::default() },
        mode: Mode::Plain,
        tls: None,
    })
}

/// Not a test of its own: with the variables set this is the program that gets killed.
#[tokio::test]
async fn child_writes_until_killed() {
    let (Some(dir), Some(from)) = (std::env::var_os(DIR), std::env::var_os(FROM)) else { return };
    let from: u64 = from.to_str().unwrap().parse().unwrap();
    let (log, task, _) = EventLog::open(Path::new(&dir), settings()).unwrap();
    let write = async {
        for group in 0.. {
            for n in 0..GROUP {
                assert_eq!(log.record(event(from + group * GROUP + n)), Recorded::Queued);
            }
            log.flush().await.unwrap();
            println!("acknowledged {}", (group + 1) * GROUP);
        }
    };
    let (run, ()) = tokio::join!(task.run(std::future::pending()), write);
    run.unwrap();
}

/// Starts the copy, kills it after `acks` acknowledgements, gives how many events were acknowledged.
fn write_and_kill(dir: &Path, from: u64, acks: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_killed", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let mut seen = 0;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while seen < acks {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, count)) = line.split_once("acknowledged ") {
            acknowledged = count.parse().unwrap();
            seen += 1;
        }
    }
    child.kill().unwrap();
    // What it printed before the kill arrived was acknowledged too.
    for line in lines.map_while(Result::ok) {
        if let Some((_, count)) = line.split_once("acknowledged ") {
            acknowledged = count.parse().unwrap_or(acknowledged);
        }
    }
    child.wait().unwrap();
    acknowledged
}

/// How often each number is in the log.
async fn held(dir: &Path) -> BTreeMap<u64, u32> {
    let (log, _task, _) = EventLog::open(dir, settings()).unwrap();
    let evidence = Evidence::new(log).unwrap();
    let range =
        Range { school: "riverside".parse().unwrap(), from: start(), to: start() + SignedDuration::from_hours(1) };
    let (mut held, mut after): (BTreeMap<u64, u32>, Option<Cursor>) = (BTreeMap::new(), None);
    loop {
        let page = evidence.rows(&range, &Filter::default(), after, 1_000).await.unwrap();
        for row in page.rows {
            *held.entry(row.bytes_up.unwrap()).or_default() += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let numbers = evidence.numbers(&range, &Filter::default(), By::Verdict).await.unwrap();
    assert_eq!(numbers.iter().map(|number| number.decisions).sum::<u64>(), held.len() as u64);
    held
}

#[tokio::test]
async fn killing_loses_nothing_acknowledged_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for (round, acks) in [1, 4, 9, 13, 22, 31].into_iter().enumerate() {
        let from = round as u64 * 1_000_000;
        acknowledged.insert(from, write_and_kill(dir.path(), from, acks));
    }
    let held = held(dir.path()).await;
    for (from, count) in acknowledged {
        for n in from..from + count {
            assert_eq!(held.get(&n), Some(&1), "event {n}");
        }
    }
    assert!(held.values().all(|&times| times == 1));
}

fn below(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, extension));
        } else if path.extension().is_some_and(|ext| ext == extension) {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn leftovers_of_each_step_of_a_conversion_are_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let (log, task, _) = EventLog::open(dir.path(), settings()).unwrap();
    for n in 0..GROUP {
        assert_eq!(log.record(event(n)), Recorded::Queued);
    }
    let spool = dir.path().join("spool");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let keep = async {
        log.flush().await.unwrap();
        let segment = below(&spool, "spool").into_iter().next().unwrap();
        let bytes = fs::read(&segment).unwrap();
        stop.send(()).unwrap();
        (segment, bytes)
    };
    let (run, (segment, bytes)) = tokio::join!(task.run(async { stopped.await.unwrap() }), keep);
    run.unwrap();
    let parquet = below(&dir.path().join("parquet"), "parquet");
    assert_eq!(parquet.len(), 1);

    // Killed after the manifest, before the segment was removed.
    fs::write(&segment, &bytes).unwrap();
    // Killed in the middle of the next file, and in the middle of writing the next manifest.
    let half = fs::read(&parquet[0]).unwrap();
    let orphan = parquet[0].with_file_name("000000000099.parquet");
    fs::write(&orphan, &half[..half.len() / 2]).unwrap();
    fs::write(dir.path().join("manifest.new"), b"{\"format\": 1, \"cons").unwrap();

    let held = held(dir.path()).await;
    assert_eq!(held, (0..GROUP).map(|n| (n, 1)).collect());
    assert!(!orphan.exists() && !segment.exists());
}
