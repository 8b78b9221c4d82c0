//! The event that remains of a question. What may not be recorded is thrown away here and nowhere else.

use schoolgate_decide::Trace;
use schoolgate_event as event;
use schoolgate_event::{Door as At, Event, LockedHit, Mode, Recorded, Traffic};

use crate::door::{Door, Judged};
use crate::wire::kind;

/// What came of a question that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// Whatever was decided.
    Decided,
    /// Allowed, and it led inside.
    Refused,
    /// Allowed, and nobody could tell.
    Failed,
}

/// Bytes of the question and of its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) up: usize,
    pub(crate) down: usize,
}

/// Records what was asked, once for each question; of visits that leave no trace, a count of the day. A browser asks
/// for several types at a time, of which the first is counted.
pub(crate) fn record(door: &Door, judged: &Judged, asked: u16, came: Came, size: Size) {
    match event(door, judged, came, size) {
        Some(event) => {
            let recorded = door.recorder.record(event);
            if recorded == Recorded::Dropped {
                door.meters.events_dropped.increment();
            }
        }
        None if asked == kind::A => {
            let local = judged.snapshot.program.calendar.local(judged.at);
            door.recorder.help_visited(&door.settings.school, local.date());
        }
        None => {}
    }
}

fn event(door: &Door, judged: &Judged, came: Came, size: Size) -> Option<Event> {
    let school = door.settings.school.clone();
    let snapshot = judged.snapshot.root.number;
    let who = judged.identified.who();
    match judged.decision.trace {
        Trace::CountOnly => None,
        Trace::HashOnly => Some(Event::LockedHit(LockedHit {
            school,
            at: judged.at,
            door: At::Dns,
            device: who.device,
            place: who.place,
            address: door.seals.locked(&judged.host),
            list: LockedHit::list_of(&judged.decision.reason),
            snapshot,
        })),
        Trace::Full | Trace::HostOnly => Some(Event::Decision(event::Decision {
            school,
            at: judged.at,
            door: At::Dns,
            who,
            host: judged.host.clone(),
            url: None,
            method: "".into(),
            verdict: match came {
                Came::Decided => (&judged.decision).into(),
                Came::Refused => event::Verdict::Refused,
                Came::Failed => event::Verdict::Failed,
            },
            reason: (&judged.decision.reason).into(),
            snapshot,
            traffic: Traffic { bytes_up: wide(size.up), bytes_down: wide(size.down), duration_ms: 0 },
            mode: Mode::Plain,
            tls: None,
        })),
    }
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
