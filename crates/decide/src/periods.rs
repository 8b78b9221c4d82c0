//! Whether periods hold now, kept until their next boundary.
//!
//! Going through a calendar takes thousands of times longer than the rest of a decision, and its answer stays the same
//! for most of an hour. Time is an argument all the same: another moment is looked up anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use schoolgate_base::Calendar;

use crate::snapshot::Program;

/// What a period says of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) is_in: bool,
    /// The next moment at which that may change; `None` when it is far away.
    pub(crate) until: Option<Timestamp>,
}

/// The stretch that was last asked for, of each period of a program.
#[derive(Debug)]
pub(crate) struct Periods(BTreeMap<Box<str>, Mutex<Option<Stretch>>>);

#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Timestamp,
    /// Exclusive. A boundary that is too far away to be seen may come into sight on the next day.
    to: Timestamp,
    holding: Holding,
}

impl Periods {
    pub(crate) fn new(program: &Program) -> Self {
        Self(program.periods.keys().map(|name| (name.clone(), Mutex::default())).collect())
    }

    /// `None`: the program has no period of this name.
    pub(crate) fn at(&self, program: &Program, name: &str, now: Timestamp) -> Option<Holding> {
        let period = program.periods.get(name)?;
        let mut kept = self.0.get(name)?.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stretch) = kept.filter(|stretch| stretch.from <= now && now < stretch.to) {
            return Some(stretch.holding);
        }
        let calendar: &Calendar = &program.calendar;
        let until = calendar.next_boundary(period, now);
        let holding = Holding { is_in: calendar.is_in(period, now), until };
        *kept = Some(Stretch { from: now, to: until.unwrap_or_else(|| calendar.end_of_day(now)), holding });
        Some(holding)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use jiff::tz::TimeZone;
    use schoolgate_base::{DateRange, DayKind, Period, Span};

    use super::*;

    fn program() -> Program {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let span = Span {
            kinds: vec![DayKind::new(DayKind::SCHOOL_DAY)],
            weekdays: Vec::new(),
            from: "09:00".parse().unwrap(),
            to: "15:15".parse().unwrap(),
        };
        let calendar = Calendar {
            zone: TimeZone::get("Europe/London").unwrap(),
            terms: vec![DateRange { first: date("2026-09-02"), last: date("2026-12-18") }],
            holidays: Vec::new(),
            exceptions: BTreeMap::new(),
        };
        let lessons = Period { name: "lessons".into(), spans: vec![span] };
        Program { periods: [("lessons".into(), lessons)].into(), calendar, ..crate::tests::program(Vec::new()) }
    }

    #[test]
    fn what_is_kept_says_what_the_calendar_says() {
        let program = program();
        let periods = Periods::new(&program);
        let period = &program.periods["lessons"];
        let begin: Timestamp = "2026-10-20T00:00Z".parse().unwrap();
        let hours = |count: i64| begin + jiff::SignedDuration::from_mins(count * 37);
        // Forwards over the change of clocks and the end of term, and back.
        for now in (0..2_500).chain((0..2_500).rev().step_by(501)).map(hours) {
            let direct = Holding {
                is_in: program.calendar.is_in(period, now),
                until: program.calendar.next_boundary(period, now),
            };
            assert_eq!(periods.at(&program, "lessons", now), Some(direct), "{now}");
        }
        assert_eq!(periods.at(&program, "unknown", begin), None);
    }
}
