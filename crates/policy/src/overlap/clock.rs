//! The minutes of the week, cut where periods begin and end, on every kind of day that a calendar has.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Span as JiffSpan;
use jiff::civil::Date;
use schoolgate_base::{Calendar, DayKind, Minute, Period};
use schoolgate_decide::Scope;
use schoolgate_decide::snapshot::Program;

/// Longest stretch of days that is looked at; calendars name a few years at most.
const DAYS_MAX: i32 = 2_000;

/// A set of time atoms.
pub(crate) type Times = Vec<u64>;

/// The minutes of every kind of day that the calendar has.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    /// Today's weekday and kind, and yesterday's kind.
    days: Vec<(i8, DayKind, DayKind)>,
    /// Borders between stretches of the day, from 00:00 to 24:00.
    borders: Vec<Minute>,
}

impl Clock {
    pub(crate) fn new<'p>(calendar: &Calendar, periods: impl Iterator<Item = &'p Period>) -> Self {
        Self::of_all(&[calendar], periods)
    }

    /// The clock of several programs together, so that their times can be compared.
    pub(crate) fn of_all<'p>(calendars: &[&Calendar], periods: impl Iterator<Item = &'p Period>) -> Self {
        let mut borders: BTreeSet<Minute> = Minute::new(0, 0).into_iter().chain([Minute::END_OF_DAY]).collect();
        for span in periods.flat_map(|period| &period.spans) {
            borders.extend([span.from, span.to]);
        }
        let days: BTreeSet<_> = calendars.iter().flat_map(|calendar| kinds_of_days(calendar)).collect();
        Self { days: days.into_iter().collect(), borders: borders.into_iter().collect() }
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

    #[cfg(test)]
    pub(crate) fn holds_at(&self, times: &Times, calendar: &Calendar, at: jiff::civil::DateTime) -> bool {
        let day = at.date();
        let before = calendar.day_kind(day.yesterday().unwrap_or(day));
        let wanted = (day.weekday().to_monday_one_offset(), calendar.day_kind(day), before);
        let (hour, minute) = (at.hour().unsigned_abs().into(), at.minute().unsigned_abs().into());
        let minute = Minute::new(hour, minute).unwrap_or(Minute::END_OF_DAY);
        let segment = self.borders.partition_point(|border| *border <= minute).saturating_sub(1);
        let day = self.days.iter().position(|day| *day == wanted);
        day.is_some_and(|day| has(times, day * self.segments() + segment))
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
        Some(format!("on a {} ({}) from {from} to {to}", day_name(*weekday), kind.as_str()))
    }

    /// All of `times` in words: "school-day from 08:30 to 09:00; Mondays (inset) from 09:00 to 12:00".
    pub(crate) fn stretches(&self, times: &Times) -> String {
        let mut alike: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for day in 0..self.days.len() {
            let hours = self.hours(day, times);
            if !hours.is_empty() {
                alike.entry(hours.join(" and ")).or_default().insert(day);
            }
        }
        let said: Vec<String> =
            alike.iter().map(|(hours, days)| format!("{} {hours}", self.day_words(days).join(", "))).collect();
        said.join("; ")
    }

    fn hours(&self, day: usize, times: &Times) -> Vec<String> {
        let mut found = Vec::new();
        let mut segment = 0;
        while segment < self.segments() {
            let start = segment;
            while segment < self.segments() && has(times, day * self.segments() + segment) {
                segment += 1;
            }
            if let (true, Some(from), Some(to)) = (start < segment, self.borders.get(start), self.borders.get(segment))
            {
                found.push(format!("from {from} to {to}"));
            }
            segment += 1;
        }
        found
    }

    /// A kind of day where all of it is meant, else its weekdays.
    fn day_words(&self, days: &BTreeSet<usize>) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for (_, (weekday, kind, _)) in self.days.iter().enumerate().filter(|(at, _)| days.contains(at)) {
            let is_whole = self.days.iter().enumerate().all(|(at, (_, other, _))| other != kind || days.contains(&at));
            let word = match is_whole {
                true => kind.as_str().to_owned(),
                false => format!("{}s ({})", day_name(*weekday), kind.as_str()),
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }
}

/// The names of the days, Monday first.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn day_name(weekday: i8) -> &'static str {
    usize::try_from(weekday).ok().and_then(|day| DAYS.get(day.checked_sub(1)?)).copied().unwrap_or("day")
}

fn kinds_of_days(calendar: &Calendar) -> BTreeSet<(i8, DayKind, DayKind)> {
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
    days
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

/// The minutes in which a scope holds.
pub(crate) fn times_of_scope(scope: &Scope, program: &Program, clock: &Clock) -> Times {
    let mut times = clock.always();
    if let Some(period) = scope.when.as_ref().and_then(|name| program.periods.get(name)) {
        times = both(&times, &clock.of(period));
    }
    if let Some(period) = scope.except_when.as_ref().and_then(|name| program.periods.get(name)) {
        times = without(&times, &clock.of(period));
    }
    times
}
