//! The minutes that periods can tell apart, as sets.

use std::collections::BTreeSet;

use jiff::Span as JiffSpan;
use jiff::civil::Date;
use schoolgate_base::{Calendar, DayKind, Minute, Period};

/// Longest stretch of days that is looked at; calendars name a few years at most.
const DAYS_MAX: i32 = 2_000;

/// A set of time atoms.
pub(crate) type Times = Vec<u64>;

/// The minutes of every kind of day that the calendar has.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Today's weekday and kind, and yesterday's kind.
    days: Vec<(i8, DayKind, DayKind)>,
    /// Borders between stretches of the day, from 00:00 to 24:00.
    borders: Vec<Minute>,
}

impl Clock {
    pub(crate) fn new<'p>(calendar: &Calendar, periods: impl Iterator<Item = &'p Period>) -> Self {
        let mut borders: BTreeSet<Minute> = Minute::new(0, 0).into_iter().chain([Minute::END_OF_DAY]).collect();
        for span in periods.flat_map(|period| &period.spans) {
            borders.extend([span.from, span.to]);
        }
        Self { days: kinds_of_days(calendar), borders: borders.into_iter().collect() }
    }

    fn segments(&self) -> usize {
        self.borders.len().saturating_sub(1)
    }

    fn atoms(&self) -> usize {
        self.days.len() * self.segments()
    }

    /// All the time there is.
    pub(crate) fn always(&self) -> Times {
        self.collect(|_, _| true)
    }

    pub(crate) fn of(&self, period: &Period) -> Times {
        self.collect(|day, segment| self.is_in(period, day, segment))
    }

    fn collect(&self, holds: impl Fn(usize, usize) -> bool) -> Times {
        let mut times = vec![0_u64; self.atoms().div_ceil(64)];
        for day in 0..self.days.len() {
            for segment in 0..self.segments() {
                if holds(day, segment) {
                    set(&mut times, day * self.segments() + segment);
                }
            }
        }
        times
    }

    fn is_in(&self, period: &Period, day: usize, segment: usize) -> bool {
        let (Some((weekday, kind, before)), Some(&start)) = (self.days.get(day), self.borders.get(segment)) else {
            return false;
        };
        let yesterday = if *weekday == 1 { 7 } else { *weekday - 1 };
        let falls = |span: &schoolgate_base::Span, weekday: i8, kind: &DayKind| {
            (span.weekdays.is_empty() || span.weekdays.contains(&weekday))
                && (span.kinds.is_empty() || span.kinds.contains(kind))
        };
        period.spans.iter().any(|span| {
            if span.from < span.to {
                return span.from <= start && start < span.to && falls(span, *weekday, kind);
            }
            (span.from <= start && falls(span, *weekday, kind)) || (start < span.to && falls(span, yesterday, before))
        })
    }

    /// The first stretch of `times` in words: "on a school-day (Monday), from 09:00 to 12:00".
    pub(crate) fn describe(&self, times: &Times) -> Option<String> {
        let first = (0..self.atoms()).find(|&atom| has(times, atom))?;
        let (day, segment) = (first / self.segments(), first % self.segments());
        let (weekday, kind, _) = self.days.get(day)?;
        let mut end = segment;
        while end + 1 < self.segments() && has(times, day * self.segments() + end + 1) {
            end += 1;
        }
        let (from, to) = (self.borders.get(segment)?, self.borders.get(end + 1)?);
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        let name = usize::try_from(*weekday).ok().and_then(|day| names.get(day.checked_sub(1)?)).unwrap_or(&"day");
        Some(format!("on a {name} ({}) from {from} to {to}", kind.as_str()))
    }
}

fn kinds_of_days(calendar: &Calendar) -> Vec<(i8, DayKind, DayKind)> {
    let named = calendar.terms.iter().chain(&calendar.holidays).flat_map(|range| [range.first, range.last]);
    let dates: BTreeSet<Date> = named.chain(calendar.exceptions.keys().copied()).collect();
    let any = Date::constant(2026, 1, 5);
    let (first, last) = (dates.first().copied().unwrap_or(any), dates.last().copied().unwrap_or(any));
    let mut day = first.checked_sub(JiffSpan::new().days(8)).unwrap_or(first);
    let end = last.checked_add(JiffSpan::new().days(8)).unwrap_or(last);
    let mut days = BTreeSet::new();
    let mut before = calendar.day_kind(day.yesterday().unwrap_or(day));
    for _ in 0..DAYS_MAX {
        if end < day {
            break;
        }
        let kind = calendar.day_kind(day);
        days.insert((day.weekday().to_monday_one_offset(), kind.clone(), before));
        before = kind;
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    days.into_iter().collect()
}

fn set(times: &mut Times, atom: usize) {
    if let Some(word) = times.get_mut(atom / 64) {
        *word |= 1 << (atom % 64);
    }
}

fn has(times: &Times, atom: usize) -> bool {
    times.get(atom / 64).is_some_and(|word| word >> (atom % 64) & 1 == 1)
}

pub(crate) fn both(one: &Times, other: &Times) -> Times {
    one.iter().zip(other).map(|(a, b)| a & b).collect()
}

pub(crate) fn either(one: &Times, other: &Times) -> Times {
    one.iter().zip(other).map(|(a, b)| a | b).collect()
}

pub(crate) fn without(one: &Times, other: &Times) -> Times {
    one.iter().zip(other).map(|(a, b)| a & !b).collect()
}

pub(crate) fn is_empty(times: &Times) -> bool {
    times.iter().all(|word| *word == 0)
}
