//! Questions over files and spool together.

use schoolgate_event::{Event, Reason, Recorded, Recorder};
use tokio::sync::oneshot;

use super::*;
use crate::samples::{accident, at, decision, locked, reason, settings};
use crate::{EventLog, Settings};

const GAMBLING: &str = "staff-ict#own-time/web";

/// Runs the log while `work` asks it.
async fn with_log<F: Future<Output = ()>>(settings: Settings, work: impl FnOnce(EventLog, Evidence) -> F) {
    let dir = tempfile::Builder::new().prefix("event log *").tempdir().unwrap();
    let (log, task, _) = EventLog::open(dir.path(), settings).unwrap();
    let evidence = Evidence::new(log.clone()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let work = async {
        work(log, evidence).await;
        stop.send(()).unwrap();
    };
    let (run, ()) = tokio::join!(task.run(async { stopped.await.unwrap_or_default() }), work);
    run.unwrap();
}

fn record(log: &EventLog, events: impl IntoIterator<Item = Event>) {
    for event in events {
        assert_eq!(log.record(event), Recorded::Queued);
    }
}

fn november() -> Range {
    Range { school: "riverside".parse().unwrap(), from: at("2026-11-01T00:00:00Z"), to: at("2026-12-01T00:00:00Z") }
}

fn samples() -> Vec<Event> {
    let monday = at("2026-11-23T10:00:00Z");
    let tuesday = at("2026-11-24T10:00:00Z");
    let mut events: Vec<Event> =
        (0..10).map(|n| decision(n, monday, Verdict::Block, reason(GAMBLING, "gambling"))).collect();
    events.extend((10..13).map(|n| decision(n, tuesday, Verdict::Allow, Reason::default())));
    events.push(accident(tuesday, reason(GAMBLING, "gambling")));
    events.push(locked(tuesday));
    events
}

#[tokio::test]
async fn a_click_shows_up_at_once() {
    with_log(settings(), async |log, evidence| {
        record(&log, samples());
        log.flush().await.unwrap();
        let numbers = evidence.numbers(&november(), &Filter::default(), By::Control).await.unwrap();
        let gambling = numbers.iter().find(|number| number.key.as_deref() == Some(GAMBLING)).unwrap();
        assert_eq!((gambling.decisions, gambling.accidents, gambling.persons), (10, 1, 7));
        assert_eq!(gambling.last_seen, Some(at("2026-11-24T10:00:00Z")));
        let none = numbers.iter().find(|number| number.key.is_none()).unwrap();
        assert_eq!((none.decisions, none.persons), (4, 3));
        let verdicts = evidence.numbers(&november(), &Filter::default(), By::Verdict).await.unwrap();
        let words: Vec<_> = verdicts.iter().map(|number| (number.key.as_deref(), number.decisions)).collect();
        assert_eq!(words, [(Some("block"), 10), (Some("allow"), 3), (Some("locked"), 1), (None, 0)]);
    })
    .await;
}

#[tokio::test]
async fn numbers_are_the_same_before_and_after_conversion() {
    // Every commit closes its segment, so files and spool are both read.
    with_log(Settings { segment_bytes: 1, ..settings() }, async |log, evidence| {
        let clause = Filter { clause: Some(GAMBLING.parse::<ControlId>().unwrap().clause), ..Filter::default() };
        for events in samples().chunks(4) {
            record(&log, events.to_vec());
            log.flush().await.unwrap();
            evidence.numbers(&november(), &clause, By::Clause).await.unwrap();
        }
        let numbers = evidence.numbers(&november(), &clause, By::Clause).await.unwrap();
        assert_eq!(numbers.len(), 1);
        assert_eq!((numbers[0].decisions, numbers[0].accidents), (10, 1));
        let days = evidence.days(&november(), &clause).await.unwrap();
        assert_eq!(days.len(), 30);
        let busy: Vec<_> = days.iter().filter(|day| day.decisions + day.accidents > 0).collect();
        assert_eq!(busy.len(), 2);
        assert_eq!((busy[0].date.to_string(), busy[0].decisions), ("2026-11-23".into(), 10));
        assert_eq!((busy[1].decisions, busy[1].accidents), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn rows_come_in_pages_without_gap_or_repeat() {
    with_log(Settings { segment_bytes: 1, ..settings() }, async |log, evidence| {
        for events in samples().chunks(6) {
            record(&log, events.to_vec());
            log.flush().await.unwrap();
        }
        let filter = Filter { verdict: Some(Verdict::Block), ..Filter::default() };
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = evidence.rows(&november(), &filter, after, 4).await.unwrap();
            assert!(page.rows.len() <= 4);
            seen.extend(page.rows.iter().filter_map(|row| row.bytes_up));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..10).rev().collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_row_holds_what_was_recorded() {
    with_log(settings(), async |log, evidence| {
        record(&log, samples());
        log.flush().await.unwrap();
        let page = evidence.rows(&november(), &Filter::default(), None, 3).await.unwrap();
        let [hit, accident, allowed] = &page.rows[..] else { panic!("{:?}", page.rows) };
        assert_eq!((hit.kind.as_str(), hit.host.as_deref(), hit.person.as_deref()), ("locked", None, None));
        assert_eq!(hit.place.as_deref(), Some("library"));
        assert_eq!((accident.kind.as_str(), accident.verdict.as_deref()), ("accident", None));
        assert_eq!(accident.control.as_deref(), Some(GAMBLING));
        assert_eq!(allowed.url.as_deref(), Some("https://bet.example/page/12"));
        assert_eq!(allowed.person.as_deref(), Some("0000000000000005"));
        assert_eq!((allowed.verdict.as_deref(), allowed.mode.as_deref()), (Some("allow"), Some("inspected")));
        assert_eq!((allowed.snapshot, allowed.duration_ms), (Some(3), Some(12)));
        assert_eq!(allowed.tls_offered.as_deref(), Some("1.3 17 0x11ec h2 -"));
        assert_eq!(allowed.tls_client.as_deref(), Some("TLSv1_3 TLS13_AES_128_GCM_SHA256 X25519 h2"));
        assert_eq!(allowed.tls_site, None);
    })
    .await;
}

#[tokio::test]
async fn another_schools_question_sees_nothing() {
    with_log(Settings { segment_bytes: 1, ..settings() }, async |log, evidence| {
        record(&log, samples());
        log.flush().await.unwrap();
        record(&log, samples());
        log.flush().await.unwrap();
        let range = Range { school: "hilltop".parse().unwrap(), ..november() };
        assert_eq!(evidence.numbers(&range, &Filter::default(), By::Control).await.unwrap(), []);
        assert_eq!(evidence.rows(&range, &Filter::default(), None, 10).await.unwrap().rows, []);
    })
    .await;
}

#[tokio::test]
async fn quotes_in_a_filter_are_only_text() {
    with_log(settings(), async |log, evidence| {
        record(&log, samples());
        log.flush().await.unwrap();
        let filter = Filter { category: Some("' OR 1 = 1 --".into()), ..Filter::default() };
        assert_eq!(evidence.numbers(&november(), &filter, By::Control).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_hundred_thousand_events_are_written_and_found() {
    const EVENTS: u64 = 100_000;
    let settings = Settings { segment_bytes: 4 * 1024 * 1024, queue_events: 10_000, ..settings() };
    with_log(settings, async |log, evidence| {
        let start = at("2026-11-24T09:00:00Z");
        for n in 0..EVENTS {
            let verdict = if n % 10 == 0 { Verdict::Block } else { Verdict::Allow };
            let when = start + jiff::SignedDuration::from_millis(i64::try_from(n).unwrap());
            while log.counts().queued - log.counts().written >= 9_000 {
                log.flush().await.unwrap();
            }
            record(&log, [decision(n, when, verdict, reason(GAMBLING, "gambling"))]);
        }
        log.flush().await.unwrap();
        assert_eq!((log.counts().written, log.counts().dropped), (EVENTS, 0));
        let numbers = evidence.numbers(&november(), &Filter::default(), By::Verdict).await.unwrap();
        let words: Vec<_> = numbers.iter().map(|number| (number.key.as_deref(), number.decisions)).collect();
        assert_eq!(words, [(Some("allow"), 90_000), (Some("block"), 10_000)]);
    })
    .await;
}
